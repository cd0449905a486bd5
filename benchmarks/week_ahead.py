"""Load of the week ahead: the default against the same hour of last week, by day of the lead.

For each series of load in the folder (``--data``, by default that of ``ENERGYFORECAST_DATA``), read by
``first_try_data.py``, the next seven local days are forecast at 09:00 of every seventh day in the last third of the
record, at most a year of it, with fits each month on at most the year before. Where a series has weather, it is
measured, so that its scores are no forecast skill.

Printed are the mean pinball loss over the levels 0.05 to 0.95 of each model, the skill of the default over the same
hour of last week (whose distribution is that of its errors) on the first and on the seventh day, the coverage of the
central 80 % and CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import first_try_data as sets
import numpy as np
import pandas as pd
from first_try_opponents import LEVELS
from rich.console import Console
from rich.table import Table

import energyforecast as ef

LOADS = ("load", "load with temperature")
DEFAULT, LAST_WEEK = "default", "SeasonalNaive, a week"


def week_of(case: sets.Case) -> sets.Case:
    """The same series, a week ahead."""
    task = ef.day_ahead(
        "09:00", timezone=case.task.timezone, frequency=case.task.frequency, days=7, quantiles=LEVELS
    )
    since = case.start - pd.Timedelta("365D")
    observed = ef.Observations(case.observations.values[since:], published_after="1h")
    return replace(case, task=task, observations=observed, end=case.end - pd.Timedelta("8D"))


def measure(case: sets.Case) -> dict[str, Any]:
    """Scores of both models by day of the lead."""
    models = {DEFAULT: None, LAST_WEEK: ef.SeasonalNaive()}
    found: dict[str, dict[str, Any]] = {}
    for name, model in models.items():
        forecaster = ef.Forecaster(
            case.site, case.task, model=model, perfect_weather=case.perfect_weather, trust_clock=True
        )
        begun = time.process_time()
        result = ef.backtest(
            forecaster,
            case.weather,
            case.observations,
            start=case.start,
            end=case.end,
            refit="MS",
            splits=ef.evaluation.Splits(stride=7),
            missing="drop",
        )
        cpu = time.process_time() - begun
        pairs = result.pairs["model"]
        loss = ef.evaluation.pinball_loss(pairs.observed, pairs.quantiles, LEVELS)
        valid = pd.DatetimeIndex(pairs.labels["valid_time"]).tz_convert(case.task.timezone)
        issue = pd.DatetimeIndex(pairs.labels["issue_time"]).tz_convert(case.task.timezone)
        day = np.asarray((valid.normalize().tz_localize(None) - issue.normalize().tz_localize(None)).days)
        inside = result.scores(chosen=["coverage"], parameters={"interval": 0.8})
        found[name] = {
            "pinball": float(loss.mean()),
            "by_day": {int(one): float(loss[day == one].mean()) for one in np.unique(day)},
            "coverage_80": float(inside["value"].iloc[0]),
            "n": len(pairs),
            "cpu": round(cpu, 1),
        }
    return {"case": case.name.replace("day ahead", "week ahead"), "models": found}


def table(rows: list[dict[str, Any]]) -> Table:
    """Table of the terminal."""
    view = Table(title="Load of the week ahead")
    for name in ("series", "n", "default", "last week", "skill, %", "day 1, %", "day 7, %", "80 %", "CPU s"):
        view.add_column(name, justify="left" if name == "series" else "right")
    for row in rows:
        ours, last = row["models"][DEFAULT], row["models"][LAST_WEEK]
        skills = [100 * (1 - ours["pinball"] / last["pinball"])]
        skills += [100 * (1 - ours["by_day"][day] / last["by_day"][day]) for day in (1, 7)]
        numbers = [f"{ours['n']}", f"{ours['pinball']:.4g}", f"{last['pinball']:.4g}"]
        numbers += [f"{skill:.0f}" for skill in skills]
        view.add_row(row["case"], *numbers, f"{100 * ours['coverage_80']:.0f}", f"{ours['cpu']:.0f}")
    return view


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA"), help="folder of the data"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="series whose name has one of these words")
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data DIR, or set ENERGYFORECAST_DATA")
    cases = [
        case
        for case in sets.cases(options.data, options.only)
        if case.kind in LOADS and case.task_name == "day ahead"
    ]
    rows = []
    for case in cases:
        rows.append(measure(week_of(case)))
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    Console(width=None if os.isatty(1) else 130).print(table(rows))


if __name__ == "__main__":
    main()
