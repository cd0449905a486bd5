"""Young consumers among older ones: each household left out once, known for some weeks, forecast for the next four.

The data are the households of ``first_try.py`` (``--data``). From each start, the household is known for so many weeks,
the others from the beginning of their record; ``--weeks 1`` or ``4``. Compared are the default on the household alone
and the same forecaster with the others, whose newest weeks then train it, too. Scores are those of ``first_try.py``.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import first_try
import first_try_data as sets
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

import energyforecast as ef

LEVELS = first_try.LEVELS
#: Days from the beginning of the record to that of the young household.
STARTS = (60, 120)
#: What the others are forecast with does not matter here.
SMALL = ef.LightGBMQuantiles(n_estimators=3, folds=0)


def quantiles(
    sites: list[ef.DemandArea], values: pd.DataFrame, case: sets.Case, start: pd.Timestamp
) -> pd.DataFrame:
    """Forecasts of the last site for four weeks from a start, with one fit."""
    young = sites[-1].name
    task = ef.day_ahead("09:00", timezone=sites[-1].timezone, quantiles=LEVELS)
    demand = ef.Observations(values, published_after=case.observations.published_after)
    issues = task.issue_times(start, start + pd.Timedelta("28D"))
    models = {site.name: SMALL for site in sites[:-1]} | {young: "auto"}
    forecaster = ef.Forecaster(sites, task, model=models).fit(None, demand, as_of=issues[0])
    table = forecaster.predict(None, demand, issue_time=issues).sel(site=young).to_frame()
    return table.set_index("valid_time").filter(regex="^q0")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA"), help="folder of the data"
    )
    parser.add_argument("--weeks", type=int, default=1, help="weeks known")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data DIR, or set ENERGYFORECAST_DATA")
    cases = [case for case in sets.cases(options.data, ["consumption"]) if case.site.sector == "households"]
    homes = {case.series: case for case in cases}
    values = pd.DataFrame({name: case.power for name, case in homes.items()})
    rows: list[dict[str, object]] = []
    view = Table("household", "from", "n", "alone", "among others", "change, %", "80 % hold", "90 % hold")
    changes = []
    for name, case in homes.items():
        for days in STARTS:
            begin = (values.index[0] + pd.Timedelta(days=days)).ceil("D")
            start = begin + options.weeks * pd.Timedelta("7D")
            known = values.assign(**{name: values[name].where(values.index >= begin)})
            others = [other.site for key, other in homes.items() if key != name]
            alone = quantiles([case.site], known.loc[begin:, [name]], case, start)
            among = quantiles([*others, case.site], known, case, start).loc[alone.index]
            outcome = values[name].reindex(alone.index).to_numpy()
            there = np.isfinite(outcome)
            scores = [
                first_try.pinball(outcome[there], one.to_numpy()[there]).mean() for one in (alone, among)
            ]
            held = [
                first_try.covered(outcome[there], among.to_numpy()[there], level).mean()
                for level in (0.8, 0.9)
            ]
            changes.append(100 * (scores[1] / scores[0] - 1))
            numbers = [f"{1e3 * score:.4g}" for score in scores] + [f"{changes[-1]:+.1f}"]
            row = {"household": name, "from": str(begin.date()), "n": int(there.sum())}
            row |= {"alone": 1e3 * scores[0], "among": 1e3 * scores[1], "change_percent": changes[-1]}
            rows.append(row | {"held_80": 100 * held[0], "held_90": 100 * held[1]})
            view.add_row(
                name, str(begin.date()), str(there.sum()), *numbers, *(f"{100 * h:.0f}" for h in held)
            )
    Console(width=120).print(view)
    Console(width=120).print(f"mean change {np.mean(changes):+.1f} %")
    if options.json:
        options.json.write_text(
            json.dumps({"weeks": options.weeks, "cases": rows}, indent=1, default=float) + "\n"
        )


if __name__ == "__main__":
    main()
