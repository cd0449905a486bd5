"""Forecasts with weather or measurements that are late or lost: loss, coverage and level of the ladder.

A year is learnt with ``fit(..., fallbacks=True)``, and every third morning after it is forecast with all inputs, with
runs 6 to 48 h late, without one variable, without weather, with measurements three days late, and without any; by the
forecaster with fallback models, and by the one without them, which answers by climatology. Synthetic Shelek (wind),
Kapshagay (PV) and Almaty (demand); GEFCom2012's first wind farm with ``--data``. Pinball loss over 0.05 to 0.95 in
percent of the capacity, or of the mean demand, over hours with an unflagged outcome, of PV in daylight.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from rich.console import Console
from rich.table import Table

import energyforecast as ef
from energyforecast.evaluation.losses import pinball_loss

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
INNER = LEVELS.index(0.1), LEVELS.index(0.9)


class Series(NamedTuple):
    """A site with its weather, power and task."""

    name: str
    site: ef.Site
    task: ef.core.tasks.Task
    weather: xr.Dataset
    power: ef.Observations


def series(data: Path | None) -> Iterator[Series]:
    """Sites of the benchmark."""
    task = ef.day_ahead("09:00", timezone="Asia/Almaty", quantiles=LEVELS)
    made = {
        "Shelek, wind": ef.datasets.shelek(models=("ecmwf",)),
        "Kapshagay, PV": ef.datasets.kapshagay(models=("ecmwf",)),
        "Almaty, demand": ef.datasets.almaty(models=("ecmwf",)),
    }
    for name, one in made.items():
        weather = one.weather["ecmwf"] if isinstance(one.weather, dict) else one.weather
        site = one.sites[0]
        yield Series(name, site, task, weather, one.observations[[site.name]])
    if data is not None:
        found = ef.competitions.read_gefcom2012_wind(data / "gefcom2012_wind")
        both = found.observations.values.combine_first(found.outcomes.values)
        site = found.sites[0]
        power = ef.Observations(both[[site.name]], published_after="0h")
        weather = found.weather.sel(site=[site.name])
        for words, of in (
            ("day ahead", ef.day_ahead("00:00", timezone="UTC", quantiles=LEVELS)),
            ("1 to 6 h", ef.intraday(every="6h", leads="6h", quantiles=LEVELS)),
        ):
            yield Series(f"GEFCom2012 {site.name}, {words}", site, of, weather, power)


def states_of_inputs(one: Series) -> dict[str, tuple[Any, Any]]:
    """Weather and measurements as they come, late, in part and not at all."""
    weather, power = one.weather, one.power
    late = {
        f"runs {hours} h late": (
            weather.assign_coords(available_time=weather["available_time"] + np.timedelta64(hours, "h")),
            power,
        )
        for hours in (6, 12, 24, 48)
    }
    last = str(list(weather.data_vars)[-1])
    old = replace(power, published_after=power.published_after + pd.Timedelta("72h"))
    return {
        "all": (weather, power),
        **late,
        f"without {last}": (weather.drop_vars(last), power),
        "no weather": (None, power),
        "measurements 72 h late": (weather, old),
        "no measurements": (weather, None),
        "neither": (None, None),
    }


def scores(forecast: ef.Forecast, one: Series) -> dict[str, Any]:
    """Loss, coverage, and share of issues on each level."""
    valid, quantiles = forecast.data["valid_time"].values[forecast.inside], forecast.data.values[0]
    outcome = one.power.value_at(one.site.name, valid, outside="missing")
    flags = np.zeros(len(valid), int) if one.power.flags is None else one.power.flags_at(one.site.name, valid)
    rows = quantiles[forecast.inside]
    scored = np.isfinite(outcome) & (flags == 0) & ((rows[:, -1] > 0) | (one.site.kind != "solar"))
    outcome, rows = outcome[scored], rows[scored]
    unit = (one.site.capacity or float(np.mean(outcome))) / 100
    levels = forecast.data["fallback_level"].values[0]
    low, high = (rows[:, k] for k in INNER)
    return {
        "n": len(outcome),
        "pinball": round(float(pinball_loss(outcome, rows, LEVELS).mean()) / unit, 4),
        "holds_80": round(100 * float(((outcome >= low) & (outcome <= high)).mean()), 1),
        "width_80": round(float((high - low).mean()) / unit, 2),
        "levels": {
            str(level): int(count)
            for level, count in zip(*np.unique(levels, return_counts=True), strict=True)
        },
    }


def measure(one: Series) -> dict[str, Any]:
    """Scores of every state of the inputs, with fallback models and without."""
    cut = one.power.index[0] + pd.Timedelta("365D")
    issued = one.task.issue_times(cut + pd.Timedelta("2D"), one.power.index[-1] - pd.Timedelta("3D"))[::3]
    found: dict[str, Any] = {}
    for words, fallbacks in (("without", False), ("with", True)):
        began = time.process_time()
        forecaster = ef.Forecaster(one.site, one.task)
        forecaster.fit(one.weather, one.power, as_of=cut, missing="drop", fallbacks=fallbacks)
        found[f"cpu_s_{words}"] = round(time.process_time() - began, 1)
        for state, (weather, power) in states_of_inputs(one).items():
            forecast = forecaster.predict(weather, power, issue_time=list(issued), strict=False)
            found.setdefault(state, {})[words] = scores(forecast, one)
    return found


def table(results: dict[str, Any]) -> Table:
    """A row for each series and state of its inputs."""
    shown = Table(title="Fallback models: loss [%], what the 80 % interval holds, and issues by level")
    for head in ("series", "inputs", "n", "climatology alone", "with fallbacks", "80 % holds", "levels"):
        shown.add_column(head)
    for name, found in results.items():
        for state, both in found.items():
            if isinstance(both, dict):
                with_, without = both["with"], both["without"]
                levels = ", ".join(f"{level}: {count}" for level, count in with_["levels"].items())
                cells = (
                    f"{without['pinball']:.3f}",
                    f"{with_['pinball']:.3f}",
                    f"{with_['holds_80']:.0f}",
                    levels,
                )
                shown.add_row(name, state, str(with_["n"]), *cells)
    return shown


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder that holds gefcom2012_wind")
    parser.add_argument("--only", help="part of the name of a series")
    parser.add_argument("--json", type=Path, help="file for the scores")
    given = parser.parse_args()
    results = {one.name: measure(one) for one in series(given.data) if (given.only or "") in one.name}
    Console(width=150).print(table(results))
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
