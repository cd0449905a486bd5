"""Demand of a works in quarter-hours without weather: forecast, and comparison with what needs no model.

    python examples/works_without_weather.py [--out DIR]
    python examples/works_without_weather.py --config works.toml --issue-time now --out DIR

Without --config it writes the meter's file of a synthetic works first. Needs no network.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

import energyforecast as ef

#: Days of history, which end with the evening after the forecast day.
DAYS = 100


def synthetic_files(folder: Path) -> Path:
    """The meter's file of a works that runs two shifts from Monday to Friday, and a configuration. Made up."""
    end = pd.Timestamp("2023-04-12")
    index = pd.date_range(end - pd.Timedelta(days=DAYS), end, freq="15min", inclusive="left")
    rng = np.random.default_rng(0)
    free = (index.day_of_week >= 5) | index.normalize().isin(
        pd.to_datetime(["2023-03-08", "2023-03-21", "2023-03-22", "2023-03-23"])
    )
    at_work = (index.hour >= 6) & (index.hour < 22) & ~free
    orders = 1 + 0.4 * pd.Series(rng.normal(size=DAYS)).ewm(halflife=5).mean().to_numpy()  # they come and go
    load = np.where(
        at_work,
        900 * orders[(index - index[0]).days] + 60 * rng.normal(size=len(index)),
        120 + 5 * rng.normal(size=len(index)),
    )
    table = pd.DataFrame({"time": index + pd.Timedelta("15min"), "works": load.round(1)})
    table.to_csv(folder / "works.csv", index=False)
    return Path(shutil.copy(Path(__file__).with_suffix(".toml"), folder))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, help="configuration of your own; without it synthetic files")
    parser.add_argument("--issue-time", default="2023-04-10 09:00", help="wall time of the task, or now")
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
    print((1000 * table[["q0.1", "q0.5", "q0.9"]]).round(0).iloc[20:32:2].to_string())  # kW

    models = {"default": None, "same type of day": ef.SameTypeDay(), "last week": ef.SeasonalNaive()}
    several = {
        name: ef.Forecaster(forecaster.sites, settings.task, model=model) for name, model in models.items()
    }
    first = issued - pd.Timedelta("13D")
    result = ef.backtest(several, None, demand, start=str(first.date()), end=str(issued.date()), refit=None)
    scores = result.scores(chosen=["mae", "pinball"]).pivot(index="model", columns="metric", values="value")
    print((1000 * scores).round(1).to_string())  # kW


if __name__ == "__main__":
    main()
