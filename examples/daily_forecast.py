"""The daily forecast: read weather and power, forecast tomorrow, write files; answer even if weather is missing.

    python examples/daily_forecast.py [--out DIR]
    python examples/daily_forecast.py --config farm.toml --issue-time now --out DIR

Without --config it writes the files of a synthetic wind farm first, and then forecasts the same morning
as if the newest weather run, or all weather of five days, had not come. Needs no network.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import energyforecast as ef
from energyforecast.core.fallback import LADDER


def synthetic_files(folder: Path) -> Path:
    """What a planner has: a weather archive, a logger's table, a configuration. Made up."""
    synthetic = ef.datasets.shelek(models=("ecmwf",))
    ef.weather.write(synthetic.weather["ecmwf"], folder / "weather.nc")
    kilowatts = synthetic.observations.values * 1000
    kilowatts.index = (kilowatts.index + pd.Timedelta("1h")).tz_convert("+06:00").tz_localize(None)
    kilowatts.round(1).to_csv(folder / "power.csv", index_label="time")
    return Path(shutil.copy(Path(__file__).with_suffix(".toml"), folder))


def write(forecast: ef.Forecast, power: ef.Observations, folder: Path, *, timezone: str) -> None:
    """A table for people, a cube for programs, a figure for each site."""
    forecast.write_csv(folder / "forecast.csv")
    forecast.save(folder / "forecast.nc")
    for number, site in enumerate(forecast.sites):
        figure = forecast.plot(power, site=site, timezone=timezone)
        ef.reporting.figures.save(figure, folder / f"fan_chart_{number}.png")


def line(what: str, forecast: ef.Forecast) -> str:
    """What a forecast of the first site was made from."""
    level = int(forecast.data["fallback_level"].values[0, 0])
    run = forecast.data["weather_init_time"].values[0, 0]
    hours = (forecast.issue_times[0] - pd.Timestamp(run, tz="UTC")) / pd.Timedelta("1h")
    age = "no run" if np.isnan(hours) else f"{hours:.0f} h"
    width = float((forecast.at(0.9) - forecast.at(0.1))[0, 0].mean())
    return f"{what:<24} {level:>5}  {age:>11}  {width:>13.1f}  {LADDER[level]}"


def without_runs(weather: xr.Dataset, since: pd.Timestamp) -> xr.Dataset:
    """The archive as it would be if no run had come since."""
    keep = weather["available_time"].values <= np.datetime64(since.tz_convert(None))
    return weather.isel(init_time=np.flatnonzero(keep))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, help="configuration of your own; without it synthetic files")
    parser.add_argument("--issue-time", default="2024-06-11 08:00", help="wall time of the task, or now")
    parser.add_argument("--out", type=Path, default=Path("daily_forecast"), help="folder for what is written")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    settings = ef.configuration.read(options.config or synthetic_files(options.out))
    zone = settings.task.timezone

    # Learn from everything known at the issue time. strict=False: answer even if weather is missing.
    weather, power = settings.weather(), settings.observations()
    issued = ef.core.timestamps.instant(options.issue_time, timezone=zone)
    forecaster = settings.forecaster().fit(weather, power, as_of=issued)
    forecast = forecaster.predict(weather, power, issue_time=issued, strict=False)
    write(forecast, power, options.out, timezone=zone)
    print(forecast, *forecast.caveats, sep="\n")
    table = forecast.to_frame()
    table["hour"] = table["valid_time"].dt.tz_convert(zone).dt.strftime("%Y-%m-%d %H:%M")
    print(table[["site", "hour", "q0.1", "q0.5", "q0.9"]].round(1).to_string(index=False))
    print(f"Written to {options.out}: {', '.join(sorted(path.name for path in options.out.iterdir()))}\n")
    print("weather                  level  age of run  width 80 % [MW]  made by")
    print(line("as it came", forecast))

    # The same morning, had the newest runs not come: there is an answer, and it says how it was made.
    if options.config is None:
        for what, late in (("nothing for 6 h", "6h"), ("nothing for 5 days", "5D")):
            archive = without_runs(weather, issued - pd.Timedelta(late))
            print(line(what, forecaster.predict(archive, power, issue_time=issued, strict=False)))


if __name__ == "__main__":
    main()
