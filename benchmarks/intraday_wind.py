"""Wind power of the next hours, lead by lead: the default against persistence, an AR model and a hand-written one.

Klim (hourly forecasts of the wind for three hours) and GEFCom2012 (runs of 00 and 12 UTC, issued every six hours),
power published at once and an hour late. The settings were chosen on the first half of each record; scored is what
follows. All models have the same hours and the same information, and are fitted twice:

* persistence and its combination with climatology (``ConvexCombination``), of the library;
* **AR + weather**: least squares at each lead on the newest power, the two before it, and an isotonic power curve on
  the forecast wind of the hour and of the newest power's, with the quantiles of its residuals;
* **hand-written**: departure from the newest power, of ``first_try_opponents.py``;
* **default**: ``Forecaster(site, task)``;
* **trees** and **kernel**: the default by trees alone and by the kernel model alone, and **half** of each;
* to 24 h the day-ahead default (``features=ef.recipe(site)``), to which the default must lead without a step.

Scores by lead: mean absolute error and pinball loss (levels 0.05 to 0.95) in percent of capacity, coverage of the
central 80 %. The change of the default has an interval of 95 % from blocks of seven days.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import first_try as tries
import first_try_data as sets
import first_try_opponents as hand
import numpy as np
import pandas as pd
from first_try_opponents import LEVELS, Rows
from rich.console import Console
from rich.table import Table
from sklearn.isotonic import IsotonicRegression

import energyforecast as ef
from energyforecast.competitions.settings import kinds
from energyforecast.forecasting.default_of_wind import model_of_wind

Array = tries.Array
AR, DAY = "AR + weather", "day-ahead default"
#: Farms of GEFCom2012 that are scored; the settings were chosen on farms 1 and 4.
FARMS = ("farm 3", "farm 5", "farm 7")
#: When power is published after its hour.
DELAYS = {"at once": "0h", "an hour late": "1h"}
#: First leads of groups of hours in tasks of a day. [h]
GROUPS = np.array([0, 1, 2, 3, 6, 9, 12, 18])


def cases(data: Path) -> Iterator[sets.Case]:
    """Second half of each record, and a task of a day."""
    for words, delay in DELAYS.items():
        for case in sets.klim(data / "klim"):
            yield _after(case, "2000-07-01", "2001-12-31", case.task, f"power {words}", delay)
    for case in sets.gefcom2012_wind(data / "gefcom2012_wind"):
        if case.series in FARMS and case.kind == "wind, intraday":
            period = ("2010-10-01", "2011-12-31")
            for words, delay in DELAYS.items():
                task = ef.intraday(every="6h", leads="7h")
                yield _after(case, *period, task, f"power {words}", delay)
            yield _after(case, *period, ef.intraday(every="6h", leads="24h"), "24 h", "0h")


def _after(case: sets.Case, start: str, end: str, task: ef.Task, words: str, delay: str) -> sets.Case:
    first, last = (pd.Timestamp(day, tz="UTC") for day in (start, end))
    power = ef.Observations(case.observations.values, published_after=delay)
    given = {"start": first, "end": last, "task": task, "task_name": words, "observations": power}
    return replace(case, **given, refit=-(-len(task.issue_times(first, last)) // 2))


def by_ar(case: sets.Case, fits: Sequence[tuple[pd.Timestamp, Array, Array]], rows: Rows) -> Array:
    """AR model with a power curve on the wind: least squares at each lead, and quantiles of its residuals. [MW]"""
    past = hand.past_of(case)
    newest, outcome = past.newest(rows.issue), past.at(rows.valid)
    winds = [table.filter(like="wind_speed").iloc[:, -1].to_numpy() for table in (rows.weather, rows.now)]
    powers = [past.at(newest - ago * past.step) for ago in range(3)]
    known = np.isfinite(np.column_stack([*powers, *winds])).all(axis=1)
    result = np.full((len(outcome), len(LEVELS)), np.nan)
    for _, may_learn, asked in fits:
        learnt = known & may_learn & np.isfinite(outcome)
        curve = IsotonicRegression(out_of_bounds="clip").fit(winds[0][learnt], outcome[learnt])
        made = [np.where(known, curve.predict(np.nan_to_num(wind)), np.nan) for wind in winds]
        table = np.column_stack([np.ones(len(outcome)), *powers, *made])
        for lead in np.unique(rows.valid - rows.issue):
            here = rows.valid - rows.issue == lead
            use, to_do = here & learnt, here & asked & known
            best = np.linalg.lstsq(table[use], outcome[use], rcond=None)[0]
            errors = np.quantile(outcome[use] - table[use] @ best, LEVELS)
            result[to_do] = (table[to_do] @ best)[:, None] + errors
    return np.clip(result, 0.0, case.site.capacity)


def measure(case: sets.Case, models: list[str]) -> dict[str, Any]:
    """Scores of models by lead, on the same rows. [% of capacity]"""
    rows, asked, found = _forecasts(case, models)
    outcome = hand.past_of(case).at(rows.valid)
    whole = asked & np.isfinite(outcome)
    for quantiles, _ in found.values():
        whole &= np.isfinite(quantiles).all(axis=1)
    scale = 100.0 / float(case.site.capacity or 1.0)
    cut = {name: scale * quantiles[whole] for name, (quantiles, _) in found.items()}
    lead = ((rows.valid - rows.issue) / np.timedelta64(1, "h"))[whole]
    if lead.max() >= 12:
        lead = GROUPS[np.searchsorted(GROUPS, lead, side="right") - 1]
    outcome, day = scale * outcome[whole], rows.valid[whole].astype("datetime64[D]")
    leads = [_at_lead(outcome, cut, day, lead == one) | {"lead": float(one)} for one in np.unique(lead)]
    return {
        "case": case.name,
        "start": str(case.start.date()),
        "end": str(case.end.date()),
        "n": int(whole.sum()),
        "cpu": {name: round(cpu, 1) for name, (_, cpu) in found.items()},
        "leads": leads,
    }


def _forecasts(case: sets.Case, models: list[str]) -> tuple[Rows, Array, dict[str, tuple[Array, float]]]:
    """Rows, whether each is forecast, and quantiles and CPU seconds by model; of a whole day the two defaults."""
    daily = case.task_name == "24 h"
    made = tries.forecasts(case, ["default"] if daily else models, {})
    rows, asked, found = made.rows, made.asked, made.models
    more: dict[str, Callable[[], Array]] = {}
    if daily:
        more[DAY] = lambda: tries.by_library(case, None, rows, features=ef.recipe(case.site))
    elif "ar" in models:
        more[AR] = lambda: by_ar(case, tries.rows_of(case)[1], rows)
    for name, model in {} if daily else kinds(model_of_wind(next_hours=True, by_recipe=True)).items():
        if name in models:
            more[name] = lambda model=model: tries.by_library(case, model, rows)
    for name, maker in more.items():
        begun = time.process_time()
        found[name] = (maker(), time.process_time() - begun)
    if {"trees", "kernel"} <= found.keys():
        both = [found[name] for name in ("trees", "kernel")]
        found["half"] = (0.5 * sum(quantiles for quantiles, _ in both), sum(cpu for _, cpu in both))
    return rows, asked, found


def _at_lead(outcome: Array, cut: dict[str, Array], day: Array, here: Array) -> dict[str, Any]:
    """Scores of all models at one lead, and the change of the default against each."""
    loss = {name: tries.pinball(outcome[here], quantiles[here]) for name, quantiles in cut.items()}
    daily = pd.DataFrame(loss).groupby(day[here]).sum()
    usual = daily[tries.DEFAULT]
    return {
        "n": int(here.sum()),
        "models": {
            name: {
                "mae": float(np.abs(outcome[here] - quantiles[here, LEVELS.index(0.5)]).mean()),
                "pinball": float(loss[name].mean()),
                "coverage 80": float(tries.covered(outcome[here], quantiles[here], 0.8).mean()),
            }
            for name, quantiles in cut.items()
        },
        "default against": {
            name: {
                "percent": float(100 * (usual.sum() / daily[name].sum() - 1)),
                "interval": tries.interval(usual.to_numpy(), daily[name].to_numpy()),
            }
            for name in cut
            if name != tries.DEFAULT
        },
    }


def view(found: list[dict[str, Any]]) -> Table:
    """Pinball loss of each model by lead, and the change of the default against it."""
    names = list(dict.fromkeys(name for case in found for name in case["leads"][0]["models"]))
    table = Table(title="Pinball loss, % of capacity; (change of the default and its interval, %)")
    for name in ("case", "lead [h]", "n", "default holds 80 %", *names):
        table.add_column(name, justify="left" if name == "case" else "right")
    for case in found:
        for one in case["leads"]:
            cells = []
            for name in names:
                if name not in one["models"]:
                    cells.append("")
                    continue
                change = one["default against"].get(name)
                words = f"{one['models'][name]['pinball']:.3f}"
                if change is not None:
                    low, high = change["interval"]
                    words += f" ({change['percent']:+.1f}: {low:+.1f} to {high:+.1f})"
                cells.append(words)
            holds = f"{100 * one['models'][tries.DEFAULT]['coverage 80']:.0f}"
            table.add_row(case["case"], f"{one['lead']:g}", str(one["n"]), holds, *cells)
        table.add_section()
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA"), help="folder of the data"
    )
    parser.add_argument("--json", type=Path, help="write the figures here, after each case")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="cases whose name has one of these words")
    parser.add_argument(
        "--models", default="default,trees,kernel,hand,reference,ar", help="with commas; all by default"
    )
    parser.add_argument("--quick", action="store_true", help="forecast three weeks of each case")
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data DIR, or set ENERGYFORECAST_DATA")
    found: list[dict[str, Any]] = []
    for case in cases(options.data):
        if options.only and not any(word in case.name for word in options.only):
            continue
        found.append(measure(case.quick() if options.quick else case, options.models.split(",")))
        if options.json is not None:
            options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    Console(width=240).print(view(found))


if __name__ == "__main__":
    main()
