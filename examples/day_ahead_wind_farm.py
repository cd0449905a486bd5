"""Tomorrow's power of a wind farm, and what such forecasts were worth last year.

    python examples/day_ahead_wind_farm.py [--out DIR] [--months 3]

Uses the embedded wind farm La Haute Borne. Its weather is a reanalysis, so what comes out is not
forecast skill; with an archive of weather forecasts only the first lines change.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import energyforecast as ef


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("day_ahead"), help="folder for what is written")
    parser.add_argument("--months", type=int, default=3, help="months of 2015 to backtest")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    site, weather, power = ef.datasets.la_haute_borne()
    task = ef.day_ahead("09:00", timezone="Europe/Paris")
    forecaster = ef.Forecaster(site, task, perfect_weather=True)

    # Learn from 2014, and forecast one day of 2015 from what was known at nine in the morning before.
    forecaster.fit(weather, power[:"2014-12"])
    print(forecaster)
    forecast = forecaster.predict(weather, power, issue_time="2015-01-14 09:00")
    print(forecast)
    table = forecast.to_frame().set_index("valid_time")[["q0.1", "q0.5", "q0.9"]]
    print(table.round(2).to_string())
    ef.reporting.figures.save(forecast.plot(power, timezone="Europe/Paris"), options.out / "fan_chart.png")
    forecaster.save(options.out / "la_haute_borne.forecaster")

    # What are such forecasts worth? Months of 2015, with a new fit every month.
    climatology = ef.Forecaster(site, task, model=ef.Climatology(), perfect_weather=True)
    result = ef.backtest(
        {"LightGBMQuantiles": forecaster, "Climatology": climatology},
        weather,
        power,
        start="2015-01",
        end=f"2015-{options.months:02d}",
        refit="MS",
    )
    print(result)
    print(
        result.scores()[["model", "metric", "level", "value", "percent", "n"]].round(3).to_string(index=False)
    )
    print(
        result.skill("crps", reference="Climatology")[["model", "value", "n"]].round(3).to_string(index=False)
    )
    result.save(options.out)
    print(f"Written to {options.out}")


if __name__ == "__main__":
    main()
