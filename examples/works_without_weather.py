"""Demand of a works in quarter-hours without weather: forecast, and comparison with references that need no model.

    python examples/works_without_weather.py [--out DIR]
    python examples/works_without_weather.py --config works.toml --issue-time now --out DIR

Without --config it writes the files of a synthetic works first: its meter and its plans. Needs no network.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pandas as pd

import energyforecast as ef

#: Days of history from 1 January 2023, which end with the evening after the forecast day.
DAYS = 172


def synthetic_files(folder: Path) -> Path:
    """The meter's file of a synthetic works, the plans of its furnace and shifts, and a configuration."""
    synthetic = ef.datasets.works(days=DAYS)
    power = 1000 * synthetic.observations.values[synthetic.site.name]  # kW
    ends = power.index.tz_convert(synthetic.site.timezone).tz_localize(None) + pd.Timedelta("15min")
    pd.DataFrame({"time": ends, "works": power.round(1).to_numpy()}).to_csv(folder / "works.csv", index=False)
    planned = synthetic.observations.planned
    assert planned is not None
    planned.rows.assign(site="works").to_csv(folder / "plan.csv", index=False)
    return Path(shutil.copy(Path(__file__).with_suffix(".toml"), folder))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, help="configuration of your own; without it synthetic files")
    parser.add_argument("--issue-time", default="2023-06-19 09:00", help="wall time of the task, or now")
    parser.add_argument("--out", type=Path, default=Path("works_without_weather"), help="folder of the files")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    settings = ef.configuration.read(options.config or synthetic_files(options.out))

    demand = settings.observations()
    issued = ef.core.timestamps.instant(options.issue_time, timezone=settings.task.timezone)
    forecaster = settings.forecaster().fit(None, demand, as_of=issued)
    forecast = forecaster.predict(None, demand, issue_time=issued)
    forecast.write_csv(options.out / "forecast.csv")
    print(forecast)
    table = forecast.to_frame()
    table.index = table["valid_time"].dt.tz_convert(settings.task.timezone).dt.strftime("%H:%M")
    print((1000 * table[["q0.1", "q0.5", "q0.9"]]).round(0).iloc[28:40:2].to_string())  # kW

    models = {"default": None, "same type of day": ef.SameTypeDay(), "last week": ef.SeasonalNaive()}
    several = {
        name: ef.Forecaster(forecaster.sites, settings.task, model=model) for name, model in models.items()
    }
    first = issued - pd.Timedelta("27D")
    result = ef.backtest(several, None, demand, start=str(first.date()), end=str(issued.date()), refit=None)
    scores = result.scores(chosen=["mae", "pinball"]).pivot(index="model", columns="metric", values="value")
    print((1000 * scores).round(1).to_string())  # kW


if __name__ == "__main__":
    main()
