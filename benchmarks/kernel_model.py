"""Pinball loss of KernelQuantiles against trees, and of the mean of both, on tables of features of five data sets.

For each series the library's recipe gives a table of features. Its time is cut into four quarters; each is forecast
from the other three, later ones too, so this compares estimators and is no forecast skill. Both models have the same
columns and learn the same departure or share:

* GEFCom2014 wind, the year 2012 of three farms, with the weather of all ten: the outcome itself;
* GEFCom2012 wind, July 2009 to December 2010 of two farms: a day ahead; and 1 to 6 h, as a departure from the newest
  power that decays;
* GEFCom2014 solar, the training period of three plants, daylight: the share of clear-sky power;
* demand of Victoria, hourly, 2012 and 2013, and of GEFCom2014, September 2008 to September 2010, with the temperature
  measured: the departure from the mean of this hour over a week.

Trees have settings like those of the default's candidates of the kind. Printed are the mean pinball loss over 0.01 to
0.99 in the unit of the outcome, the change against trees with an interval of 95 % from blocks of seven days, the
coverage of the central 80 %, and the CPU seconds of a fit and its forecasts.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import first_try as tries
import first_try_data as sets
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from rich.console import Console
from rich.table import Table

import energyforecast as ef

Array = npt.NDArray[Any]
TREES, KERNEL, BOTH = "trees", "kernel", "mean of both"
LEVELS = np.arange(1, 100) / 100
WIND: dict[str, Any] = {"exclude": ("season_*",)}
SOLAR: dict[str, Any] = {
    "extra_trees": False,
    "folds": 3,
    "feature_fraction": 0.4,
    "calibrate_by": "clear_sky_power",
}
DEMAND: dict[str, Any] = {"extra_trees": False, "init_from_median": True, "folds": 3, "blocks_per_fold": 15}


class Series(NamedTuple):
    """Table of features with its outcomes, the settings of both models, and those of trees alone."""

    name: str
    X: pd.DataFrame
    y: Array
    bounds: tuple[float, float]
    both: dict[str, Any]
    trees: dict[str, Any]


def table(
    forecaster: ef.Forecaster, weather: xr.Dataset, observations: ef.Observations, end: str
) -> tuple[pd.DataFrame, Array]:
    """Features and outcomes of all issues before an end."""
    site = forecaster.sites[0]
    issued = pd.DatetimeIndex(forecaster.training_origins(weather, observations))
    matrix = forecaster.design_matrix(weather, observations, issued[issued < pd.Timestamp(end, tz="UTC")])
    hours = pd.DatetimeIndex(matrix.valid_time, tz="UTC")
    y = observations.values[site.name].reindex(hours).to_numpy()
    here = np.isfinite(y) & matrix.usable[matrix.origin] & (hours < pd.Timestamp(end, tz="UTC"))
    return matrix.columns[site.name].set_axis(hours)[here], y[here]


def wind_2014(data: Path) -> Iterator[Series]:
    """Farms of GEFCom2014."""
    competition = ef.competitions.Gefcom2014Wind()
    read = competition.read(data)
    weather = read.weather.sel(init_time=read.weather["init_time"] < np.datetime64("2013-01-01"))
    for name in ("zone 1", "zone 5", "zone 9"):
        found = table(competition.forecaster(read, name), weather, read.observations[[name]], "2013-01-01")
        yield Series(f"GEFCom2014 wind, {name}", *found, (0.0, 1.0), WIND, {})


def wind_2012(data: Path) -> Iterator[Series]:
    """Farms of GEFCom2012, the next day and the next hours."""
    read = ef.competitions.read_gefcom2012_wind(data)
    early = read.weather["init_time"] < np.datetime64("2011-01-01")
    for name in ("farm 1", "farm 4"):
        power = ef.Observations(read.observations.values[[name]], published_after="0h")
        weather = read.weather.sel(site=[name]).sel(init_time=early)
        for words, task in {
            "day ahead": ef.day_ahead("00:00", timezone="UTC"),
            "1 to 6 h": ef.intraday(every="6h", leads="6h"),
        }.items():
            near = words != "day ahead"
            found = table(ef.Forecaster(read.site(name), task), weather, power, "2010-12-31")
            both = WIND | ({"relative_to": "newest[decayed]"} if near else {})
            more = {"calibrate_by": "newest[distance]"} if near else {}
            yield Series(f"GEFCom2012 wind, {name}, {words}", *found, (0.0, 1.0), both, more)


def solar(data: Path) -> Iterator[Series]:
    """Plants of GEFCom2014."""
    cases = {case.series: case for case in sets.gefcom2014(data / "gefcom2014")}
    for name, case in cases.items():
        X, y = table(ef.Forecaster(case.site, case.task), case.weather, case.observations, "2013-04-01")
        day = (X["clear_sky_power"] > 0).to_numpy()
        both = {"share_of": "clear_sky_power"}
        yield Series(f"GEFCom2014 solar, {name}", X[day], y[day], (0.0, 1.0), both, SOLAR)


def demand(data: Path) -> Iterator[Series]:
    """Victoria and GEFCom2014's utility, with the temperature measured."""
    case = next(sets.vic_elec(data / "vic_elec"))
    load, warmth = case.power.resample("1h").mean(), case.weather
    assert warmth is not None
    yield _demand("Victoria", case.site, load, warmth.isel(time=slice(0, None, 2)), "2014-01-01")
    raw = pd.read_parquet(data / "gefcom2014" / "load.parquet").query("task == 0")
    stamps = pd.DatetimeIndex(pd.to_datetime(raw["timestamp"])).tz_localize("UTC") - pd.Timedelta("1h")
    raw = raw.set_axis(stamps)["2008-06-01":"2010-09-30"]
    stations = (raw[[f"w{k}" for k in range(1, 26)]].mean(axis=1) - 32) / 1.8
    site = ef.DemandArea(name="utility", latitude=40, longitude=-80, timezone="UTC", country="US")
    weather = sets.analysis(stations.rename("temp_air").to_frame(), site)
    yield _demand("GEFCom2014 load", site, raw["load"], weather, "2010-09-28")


def _demand(name: str, site: ef.Site, load: pd.Series, weather: xr.Dataset, end: str) -> Series:
    values = load.rename(site.name).to_frame()
    forecaster = ef.Forecaster(
        site, ef.day_ahead("09:00", timezone=site.timezone or "UTC"), perfect_weather=True
    )
    found = table(forecaster, weather, ef.Observations(values, published_after="1h"), end)
    return Series(name, *found, (-np.inf, np.inf), {"relative_to": "mean_7x24h"}, DEMAND)


READERS = (wind_2014, wind_2012, solar, demand)


def measure(series: Series) -> dict[str, Any]:
    """Scores of trees, of the kernel and of their mean."""
    hours = pd.DatetimeIndex(series.X.index)
    quarter = np.floor(4 * ((hours - hours.min()) / (hours.max() - hours.min() + pd.Timedelta("1h")))).astype(
        int
    )
    models = {
        TREES: ef.LightGBMQuantiles(**series.both, **series.trees),
        KERNEL: ef.KernelQuantiles(**series.both),
    }
    curves, cpu = {}, {}
    for name, model in models.items():
        begun, curves[name] = time.process_time(), np.empty((len(series.y), len(LEVELS)))
        for k in range(4):
            seen = quarter != k
            fitted = model.fit(series.X[seen], series.y[seen], bounds=series.bounds)
            curves[name][~seen] = fitted.predict(series.X[~seen])
        cpu[name] = round((time.process_time() - begun) / 4, 2)
    curves[BOTH] = (curves[TREES] + curves[KERNEL]) / 2
    loss = {name: _pinball(series.y, curve) for name, curve in curves.items()}
    daily = pd.DataFrame(loss).groupby(hours.floor("D")).sum()
    return {
        "series": series.name,
        "n": len(series.y),
        "columns": series.X.shape[1],
        "models": {
            name: {
                "pinball": float(loss[name].mean()),
                "percent": float(100 * (loss[name].sum() / loss[TREES].sum() - 1)),
                "interval": tries.interval(daily[name].to_numpy(), daily[TREES].to_numpy()),
                "coverage 80": float(np.mean((curve[:, 9] <= series.y) & (series.y <= curve[:, 89]))),
                "cpu": cpu.get(name, round(sum(cpu.values()), 2)),
            }
            for name, curve in curves.items()
        },
    }


def _pinball(y: Array, curve: Array) -> Array:
    """Mean pinball loss of the levels, of each row."""
    error = y[:, None] - curve
    return np.asarray(np.maximum(LEVELS * error, (LEVELS - 1) * error).mean(axis=1))


def printed(rows: list[dict[str, Any]]) -> Table:
    """Scores as a table."""
    names = ("Series", "n", "Trees", "Kernel [%]", "Mean of both [%]", "Coverage of 80 %", "CPU s")
    shown = Table(*names, title="Pinball loss; change against trees")
    for row in rows:
        each = row["models"]
        changes = [
            f"{one['percent']:+.2f} ({one['interval'][0]:+.1f}..{one['interval'][1]:+.1f})"
            for one in (each[KERNEL], each[BOTH])
        ]
        held = " / ".join(f"{100 * one['coverage 80']:.0f}" for one in each.values())
        spent = f"{each[TREES]['cpu']} / {each[KERNEL]['cpu']}"
        shown.add_row(row["series"], str(row["n"]), f"{each[TREES]['pinball']:.5g}", *changes, held, spent)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = os.environ.get("ENERGYFORECAST_DATA")
    parser.add_argument(
        "--data", type=Path, default=usual, required=usual is None, help="folder of the data sets"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--sets", default="", help="only the readers with these names, by comma")
    options = parser.parse_args()
    chosen = [one for one in READERS if not options.sets or one.__name__ in options.sets.split(",")]
    rows = [measure(series) for reader in chosen for series in reader(options.data)]
    Console(width=140).print(printed(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
