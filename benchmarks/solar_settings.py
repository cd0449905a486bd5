"""What the features and the model of the solar track are worth, judged on months before its first task.

Each of the twelve months from April 2012 to March 2013 is forecast from the other eleven, at each of the three plants
of GEFCom2014. Nothing from April 2013 on is read: task 1 begins there. Printed are, for each variant, the mean
pinball loss [% of capacity] over months, plants, all hours and the 99 levels; its change against the chosen settings,
with the 5 and 95 % quantiles of a bootstrap of months; the coverage of the central 80 and 90 % intervals in hours
that are not dark; and the CPU seconds of all fits. It tells settings apart; later months help to forecast earlier
ones, so it is no skill.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast.competitions import CompetitionData, Gefcom2014Solar, TaskForecast, settings
from energyforecast.evaluation import pinball_loss
from energyforecast.features import PVChainPower, recipe

END = pd.Timestamp("2013-04-01", tz="UTC")
CHOSEN = "chosen"
SHARED = {"extra_trees": False, "folds": 3, "feature_fraction": 0.4}
BY = {"calibrate_by": "clear_sky_power"}

#: Settings of the model, and whether the chain's hours around and the power of a clear sky are among the columns.
VARIANTS: dict[str, tuple[dict[str, Any], bool, bool]] = {
    CHOSEN: ({}, True, True),
    "50 rows a leaf": ({"min_child_samples": 50}, True, True),
    "100 rows a leaf": ({"min_child_samples": 100}, True, True),
    "not calibrated": ({"folds": 0}, True, True),
    "shared trees, the default of a plant": (
        {"sharing": "trees", "min_child_samples": 100} | SHARED | BY,
        True,
        True,
    ),
    "the same, chain's own hour alone": (
        {"sharing": "trees", "min_child_samples": 100} | SHARED | BY,
        False,
        True,
    ),
    "the same, nothing of a clear sky": (
        {"sharing": "trees", "min_child_samples": 100, "calibrate_by": None} | SHARED,
        True,
        False,
    ),
    "the same, neither": (
        {"sharing": "trees", "min_child_samples": 100, "calibrate_by": None} | SHARED,
        False,
        False,
    ),
}


class Variant(Gefcom2014Solar):
    """The solar track with other settings."""

    changed: tuple[dict[str, Any], bool, bool]

    def forecaster(self, data: CompetitionData, site: str) -> ef.Forecaster:
        """The forecaster with its settings changed."""
        model, around, clear = self.changed
        plant, task = data.site(site), self.task(data)
        features = recipe(plant, task)
        if not around:
            features = features.replace("PVChainPower", PVChainPower())
        return ef.Forecaster(
            plant,
            task,
            features=features if clear else features - "ClearSkyPower",
            model=settings.model("solar").set_params(**model),
            neighbours=data.others(site),
            trust_clock=True,
        )


def before_the_tasks(data: CompetitionData) -> CompetitionData:
    """What was known before the first task."""
    until = data.observations.index[data.observations.index < END][-1]
    cut = data.observations[:until]
    return replace(data, observations=cut, outcomes=cut)


def loss(done: TaskForecast) -> float:
    """Mean pinball loss. [% of capacity]"""
    return 100 * float(pinball_loss(done.observed, done.quantiles, ef.core.quantiles.PERCENTILES).mean())


def inside(done: list[TaskForecast], low: int, high: int) -> float:
    """Share of hours that are not dark inside an interval. [%]"""
    every = TaskForecast.joined(done)
    lit = every.quantiles[:, -1] > 0.02
    hit = (every.quantiles[:, low] <= every.observed) & (every.observed <= every.quantiles[:, high])
    return round(100 * float(hit[lit].mean()), 1)


def drawn(difference: np.ndarray[Any, Any]) -> list[float]:
    """5 and 95 % quantiles of the mean when months are drawn anew."""
    places = np.random.default_rng(0).integers(len(difference), size=(2000, len(difference)))
    return [round(float(value), 4) for value in np.quantile(difference[places].mean(axis=1), (0.05, 0.95))]


def measure(data: CompetitionData, names: list[str]) -> dict[str, dict[str, Any]]:
    """Scores of each variant."""
    event, rows = Variant(), {}
    chosen = np.empty(0)
    for name in names:
        event.changed = VARIANTS[name]
        begun = time.process_time()
        plants = [event.leave_one_month_out(data, site=site) for site in event.sites(data)]
        spent = time.process_time() - begun
        done = [[month[key].scored() for month in plants] for key in plants[0]]
        found = np.array([np.mean([loss(plant) for plant in month]) for month in done])
        chosen = found if name == CHOSEN else chosen
        flat = [plant for month in done for plant in month]
        rows[name] = {
            "pinball": round(float(found.mean()), 4),
            "change_percent": round(100 * float((found - chosen).mean() / chosen.mean()), 2),
            "change_interval": drawn(found - chosen),
            "coverage_80": inside(flat, 9, 89),
            "coverage_90": inside(flat, 4, 94),
            "cpu_seconds": round(spent, 1),
            "by_month": [round(float(value), 4) for value in found],
        }
        print(name, {key: value for key, value in rows[name].items() if key != "by_month"}, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of GEFCom2014 solar")
    parser.add_argument(
        "--only", nargs="*", default=None, metavar="VARIANT", help="some variants only, by name"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    names = list(VARIANTS) if options.only is None else [CHOSEN, *options.only]
    rows = measure(before_the_tasks(Gefcom2014Solar().read(options.data)), names)
    if options.json:
        options.json.write_text(json.dumps({"unit": "% of capacity", "variants": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
