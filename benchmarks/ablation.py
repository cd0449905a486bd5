"""What each part of the wind forecast is worth: the recipe and the default model against the same with one change.

On GEFCom2014 wind (tasks 1 to 3, on which nothing is scored), each month learnt from what was known at its start.
Changed are groups of features, the trees that all levels share, the calibration, the number of structures, the
pooling of sites, and, to show what chance does, the seed. For each change:

pinball     mean pinball loss over 0.01 to 0.99, share of capacity; mean of days, each the mean of its sites and hours
percent     how much greater it is than the default's, with the 95 % interval of the changes that the test holds
p           two-sided, of the test of `Result.compare`: Diebold-Mariano on the daily differences, with a long-run
            variance in Bartlett's weights up to seven days, and the chance of fits of a month and a site
cpu         CPU seconds to fit and forecast all months and sites, the table of features not counted
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed
from rich.progress import track

import energyforecast as ef
from energyforecast import features
from energyforecast.competitions import CompetitionData, competition
from energyforecast.core import timestamps
from energyforecast.evaluation import pinball_loss
from energyforecast.evaluation.paired_difference import paired_test, usual_fit_spread

Array = npt.NDArray[np.float64]
Recipe = Callable[[ef.FeatureSet], ef.FeatureSet]


def _same(recipe: ef.FeatureSet) -> ef.FeatureSet:
    return recipe


def _without(*groups: str) -> Recipe:
    """Drop features whose names begin so."""
    return lambda recipe: ef.FeatureSet(tuple(item for item in recipe if not item.name.startswith(groups)))


def _no_leads(recipe: ef.FeatureSet) -> ef.FeatureSet:
    """Own wind of the hour alone."""
    kept = _without("WindTrend", "WindVariability")(recipe)
    return kept.replace("WindSpeed", features.WindSpeed(hours=(0,)))


def _speed_and_hour(recipe: ef.FeatureSet) -> ef.FeatureSet:
    return ef.FeatureSet(tuple(item for item in _no_leads(recipe) if item.name in ("WindSpeed", "LocalHour")))


def _with(*more: ef.Feature) -> Recipe:
    return lambda recipe: recipe + more


@dataclass(frozen=True, eq=False)
class Change:
    """One thing that is not as in the default."""

    group: str
    name: str
    recipe: Recipe = _same
    model: ef.QuantileModel = field(default_factory=ef.LightGBMQuantiles)
    pooled: bool = False


#: One booster a level, each fitted once to all rows.
APART = ef.LightGBMQuantiles(sharing="none", folds=0)
CHANGES = (
    Change("default", "recipe and default model"),
    Change("chance", "another seed", model=ef.LightGBMQuantiles(seed=2)),
    Change("features", "without neighbours' wind", _without("Neighbour")),
    Change("features", "without leads and lags of the own wind", _no_leads),
    Change(
        "features",
        "without own direction, shear, veer, air mass",
        _without("WindDirection", "WindShear", "WindVeer", "AirMass"),
    ),
    Change("features", "own wind speed and hour alone", _speed_and_hour),
    Change("features", "with the day of the year", _with(features.DayOfYear())),
    Change("features", "without shear and veer", _without("WindShear", "WindVeer")),
    Change("features", "with trend and variability", _with(features.WindTrend(), features.WindVariability())),
    Change("sharing", "9 boosters, uncalibrated", model=APART),
    Change("sharing", "9 boosters, 2 parts, calibrated", model=ef.LightGBMQuantiles(sharing="none")),
    Change("calibration", "uncalibrated", model=ef.LightGBMQuantiles(calibrate=False)),
    Change("structures", "n_tree_sets=3", model=ef.LightGBMQuantiles(n_tree_sets=3)),
    Change("pooling", "one model for the sites", _with(features.SiteStatics()), pooled=True),
)


# -- significance ----------------------------------------------------------------------------------


def comparison(changed: Array, default: Array, *, fits: int) -> dict[str, Any]:
    """Change of the mean of days [%] with its interval of 95 % and p, from one test that knows the chance of fits.

    The loss of the mean of several independent fits varies less between seeds than that of one.

    Examples
    --------
    >>> days = np.random.default_rng(1).uniform(1, 2, size=90)
    >>> found = comparison(1.1 * days, days, fits=9)  # a tenth more on each day
    >>> found["percent"], [round(float(end), 1) for end in found["interval"]]
    (10.0, [9.6, 10.4])
    """
    spread = usual_fit_spread(["wind"]) / np.sqrt(fits)
    test = paired_test(changed, default, confidence=0.95, fit_spread=spread)
    percent = round(float(100 * (changed.mean() / default.mean() - 1)), 6)
    return {"percent": percent, "interval": (-100 * test.high, -100 * test.low), "p": test.p}


# -- losses ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Setting:
    """The competition's data, the sites, and the months that are forecast."""

    data: CompetitionData
    sites: tuple[str, ...]
    months: tuple[int, ...]

    def groups(self, *, pooled: bool) -> list[tuple[str, ...]]:
        """Sites that have one model."""
        return [self.sites] if pooled else [(site,) for site in self.sites]

    def forecaster(self, group: Sequence[str], change: Change) -> ef.Forecaster:
        """The competition's own, with the change."""
        sites = [self.data.site(name) for name in group]
        task = competition("gefcom2014-wind").task(self.data)  # type: ignore[attr-defined]
        return ef.Forecaster(
            sites,
            task,
            features=change.recipe(ef.recipe(sites[0], task)),
            model=change.model,
            pooled=change.pooled,
            neighbours=[site for site in self.data.sites if site.name not in group],
        )


def losses(setting: Setting, change: Change) -> tuple[pd.DataFrame, float]:
    """Pinball loss of each day (rows) at each site (columns), and CPU seconds."""
    found: list[pd.Series[float]] = []
    spent = 0.0
    for group in setting.groups(pooled=change.pooled):
        forecaster = setting.forecaster(group, change)
        power = setting.data.observations[list(group)]
        table = forecaster.design_matrix(
            setting.data.weather, power, forecaster.training_origins(setting.data.weather, power)
        )
        needs = forecaster.needs(setting.data.weather)
        for month in setting.months:
            start = setting.data.starts[month]
            first, last = timestamps.to_ns(pd.DatetimeIndex([start, start + pd.offsets.MonthBegin(1)]))
            past, asked = table.valid_time < first, (table.valid_time >= first) & (table.valid_time < last)
            begun = time.process_time()
            forecaster.fit_matrix(table, power, needs=needs, as_of=start, rows=past)
            said = [forecaster.predict_rows(table, site, rows=asked) for site in forecaster.sites]
            spent += time.process_time() - begun
            found += [
                _daily(setting.data, site, table.valid_time[asked], quantiles)
                for site, quantiles in zip(group, said, strict=True)
            ]
    return pd.concat(found).unstack("site"), spent


def _daily(data: CompetitionData, site: str, valid: timestamps.Times, quantiles: Array) -> pd.Series[float]:
    """Mean loss of each day, of the hours whose outcome is known."""
    outcome = data.outcomes.value_at(site, valid)
    known = np.isfinite(outcome)
    loss = pinball_loss(outcome[known], quantiles[known], ef.core.quantiles.PERCENTILES).mean(axis=1)
    index = pd.MultiIndex.from_product([[site], valid[known].astype("datetime64[D]")], names=["site", "day"])
    return pd.Series(loss, index=index).groupby(level=["site", "day"]).mean()


def row(
    change: Change, changed: pd.DataFrame, cpu: float, default: pd.DataFrame, *, months: int
) -> dict[str, Any]:
    """Figures of one change, against the default on the same days and sites."""
    fits = months * (1 if change.pooled else changed.shape[1])
    here, there = (frame.mean(axis=1).to_numpy() for frame in (changed, default))
    figures: dict[str, Any] = {"group": change.group, "change": change.name, "pinball": float(here.mean())}
    if changed is not default:
        if not (changed.index.equals(default.index) and changed.notna().equals(default.notna())):
            raise ValueError(f"{change.name!r} was scored on other days or sites than the default.")
        figures |= comparison(here, there, fits=fits)
    return figures | {"days": len(here), "cpu": round(cpu, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA"))
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--tasks", default="1,2,3", help="wind tasks, with commas")
    parser.add_argument("--sites", default="2,5,8", help="wind farms, with commas")
    parser.add_argument("--jobs", type=int, default=1, help="processes; each change is a piece of work")
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data DIR, or set ENERGYFORECAST_DATA")
    data = competition("gefcom2014-wind").read(options.data)
    sites = tuple(data.sites[int(number) - 1].name for number in options.sites.split(","))
    setting = Setting(data, sites, tuple(int(number) for number in options.tasks.split(",")))
    work = Parallel(n_jobs=options.jobs, return_as="generator")(
        delayed(losses)(setting, change) for change in CHANGES
    )
    libraries = {name: version(name) for name in ("lightgbm", "numpy", "pandas")}
    versions = {"energyforecast": ef.__version__} | libraries
    rows: list[dict[str, Any]] = []
    found = {"sites": sites, "tasks": setting.months, "versions": versions, "rows": rows}
    default: pd.DataFrame | None = None
    for change, (changed, cpu) in zip(CHANGES, track(work, total=len(CHANGES)), strict=True):
        default = changed if default is None else default
        rows.append(row(change, changed, cpu, default, months=len(setting.months)))
        if options.json:  # After each row: what is done outlives an interruption.
            options.json.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
