"""Quarter-hours of tomorrow for wind, PV and demand from hourly weather runs, by a configuration.

    python examples/quarter_hour_forecast.py [--out DIR]
    python examples/quarter_hour_forecast.py --config region.toml --issue-time now --out DIR

Without --config it writes the files of a synthetic region first. Needs no network.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pandas as pd

import energyforecast as ef

#: Days of history, which end with the morning of the forecast.
DAYS = 100


def quarters(hourly: pd.DataFrame) -> pd.DataFrame:
    """Quarter-hours that rise and fall with the hours around them, and have their means. Made up."""
    before, after = hourly.shift(1), hourly.shift(-1)
    slope = ((after - before) / 8).fillna(0.0)
    parts = [hourly + slope * (k - 1.5) for k in range(4)]
    for k, part in enumerate(parts):
        part.index = part.index + k * pd.Timedelta("15min")
    table = pd.concat(parts).sort_index()
    return table.clip(lower=hourly.min(), upper=hourly.max(), axis=1)


def synthetic_files(folder: Path) -> Path:
    """What an operator has: an archive of hourly runs, a table of quarter-hours, a configuration. Made up."""
    region = ef.datasets.almaty_region(hours=24 * (DAYS + 2), models=("ecmwf",))
    weather = region.weather["ecmwf"]
    # Each place of the synthetic region has the variables of its kind; an archive has all of them everywhere.
    at_hub = (weather["wind_speed_10m"] * 10 ** (1 / 7)).assign_attrs(weather["wind_speed_100m"].attrs)
    weather["wind_speed_100m"] = weather["wind_speed_100m"].fillna(at_hub)
    ef.weather.write(weather, folder / "weather.nc")
    table = quarters(region.observations.values)
    table.index = table.index.tz_convert("+06:00").tz_localize(None)
    names = ["Shelek (synthetic)", "Kapshagay PV (synthetic)", "Almaty households (synthetic)"]
    table[names].round(3).to_csv(folder / "power.csv", index_label="time")
    return Path(shutil.copy(Path(__file__).with_suffix(".toml"), folder))


def medians(forecast: ef.Forecast) -> pd.DataFrame:
    """Medians by local quarter-hour. [MW]"""
    table = forecast.to_frame().pivot(index="valid_time", columns="site", values="q0.5")
    table.index = table.index.tz_convert("Asia/Almaty").strftime("%H:%M")
    return table.round(1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, help="configuration of your own; without it synthetic files")
    parser.add_argument("--issue-time", default="2023-04-10 08:00", help="wall time of the task, or now")
    parser.add_argument("--out", type=Path, default=Path("quarter_hour_forecast"), help="folder of the files")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    settings = ef.configuration.read(options.config or synthetic_files(options.out))

    weather, power = settings.weather(), settings.observations()
    issued = ef.core.timestamps.instant(options.issue_time, timezone=settings.task.timezone)
    forecaster = settings.forecaster().fit(weather, power, as_of=issued)
    forecast = forecaster.predict(weather, power, issue_time=issued)
    forecast.write_csv(options.out / "forecast.csv")
    forecast.save(options.out / "forecast.nc")

    print(forecast, *forecast.caveats, sep="\n")
    print("weather brought from", forecast.data.attrs["weather_steps"])
    print(medians(forecast).iloc[40:56].to_string())
    score = ef.evaluation.mae(power, forecast, by="site")
    print(score.to_string())


if __name__ == "__main__":
    main()
