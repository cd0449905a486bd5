"""CPU seconds of one fit by default, by kind of site and task, and of one fit of its first candidate alone.

Synthetic sites, one year of history, one thread; each figure is the least of several runs. `features` are the seconds
of a fit of one tree on the same features, so all but the model; `fit` those of the default, with its comparison of
candidates, and `single` those of its first candidate, both without the features. With ``--against`` they are
compared with another version, in which ``python benchmarks/default_cost.py --json F`` ran with ``PYTHONPATH`` on its
tree (e9f6a07 or later); `with features` is the quotient of whole fits.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

import energyforecast as ef

START, END = "2024-01", "2024-12"
ZONE = "Asia/Almaty"
#: All but the model.
ONE_TREE = ef.LightGBMQuantiles(n_estimators=1, folds=0, calibrate=False)


def cases() -> Iterator[tuple[str, ef.Forecaster, Any, ef.Observations]]:
    """Kind, forecaster, weather and outcomes."""
    day, hours = ef.day_ahead("09:00", timezone=ZONE), ef.intraday(every="6h", leads="6h")
    farm, plant, city = ef.datasets.shelek(), ef.datasets.kapshagay(), ef.datasets.almaty()
    factory = replace(city.site, sector="industry")
    for name, made, site, task, weather in (
        ("wind, day ahead", farm, farm.site, day, True),
        ("wind, intraday", farm, farm.site, hours, True),
        ("PV, day ahead", plant, plant.site, day, True),
        ("demand with weather, day ahead", city, city.site, day, True),
        ("demand without weather, day ahead", city, city.site, day, False),
        ("demand with weather, intraday", city, city.site, hours, True),
        ("industry, day ahead", city, factory, day, True),
    ):
        power = ef.Observations(
            made.observations.values.loc[START:END, [made.site.name]], published_after="1h"
        )
        yield name, ef.Forecaster(site, task), made.weather["ecmwf"] if weather else None, power


def least(run: Callable[[], Any], *, repeats: int) -> float:
    """CPU seconds of the fastest run."""
    seconds = []
    for _ in range(repeats):
        begun = time.process_time()
        run()
        seconds.append(time.process_time() - begun)
    return round(min(seconds), 2)


def first_of(model: ef.QuantileModel) -> ef.QuantileModel:
    """First model of the usual choice, or the model itself where nothing is chosen."""
    usual, candidates = (getattr(model, name, None) for name in ("usual", "candidates"))
    return model if not candidates else candidates[next(iter(usual or candidates))]


def measure(only: str, *, repeats: int) -> Iterator[dict[str, Any]]:
    """Figures by kind."""
    for name, forecaster, weather, power in cases():
        if only.lower() not in name.lower():
            continue
        several = {
            "features": ONE_TREE,
            "fit": forecaster.model,
            "single": first_of(forecaster.model),
        }
        row: dict[str, Any] = {"kind": name}
        for key, model in several.items():
            item = ef.Forecaster(
                forecaster.sites, forecaster.task, model=model, features=forecaster.features_of
            )
            seconds = least(partial(item.fit, weather, power), repeats=repeats)
            row[key] = round(seconds - row.get("features", 0.0), 2)
        yield row | {"fit / single": round(row["fit"] / row["single"], 2)}


def compared(rows: list[dict[str, Any]], before: list[dict[str, Any]]) -> pd.DataFrame:
    """The table, with the fit of another version and the quotient: of the model, and with the features."""
    table, other = pd.DataFrame(rows).set_index("kind"), pd.DataFrame(before).set_index("kind")
    table["fit before"] = other["fit"]
    table["fit / before"] = (table["fit"] / other["fit"]).round(2)
    whole, earlier = (frame["fit"] + frame["features"] for frame in (table, other))
    table["with features"] = (whole / earlier).round(2)
    return table.reset_index()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--against", type=Path, help="file of another version")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="part of the kind")
    given = parser.parse_args()
    warnings.simplefilter("ignore", ef.errors.EnergyForecastWarning)
    rows: list[dict[str, Any]] = []
    for row in measure(given.only, repeats=given.repeats):
        rows.append(row)
        if given.json:  # After each kind: an interrupted run leaves those that are done.
            given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    before = json.loads(given.against.read_text(encoding="utf-8")) if given.against else None
    print((compared(rows, before) if before else pd.DataFrame(rows)).to_string(index=False))


if __name__ == "__main__":
    main()
