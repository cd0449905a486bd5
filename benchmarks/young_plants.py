"""Young PV plants: the default against smart persistence, the chain of PV models alone and a model by hand.

Of each plant the first 1, 2, 4, 6 and 9 months are learnt and the two months after them are forecast day ahead, with a
fit each month: GEFCom2014's three plants (with ``--data``), the synthetic Kapshagay, and three synthetic roofs at 63° N
with snow (orientation untold), which learn October to February and forecast March and April. Scores are those of
``first_try.py``: pinball loss over 0.05 to 0.95 and coverage, in daylight.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import first_try
import first_try_data as sets
import numpy as np
import pandas as pd
import roofs
from rich.console import Console

import energyforecast as ef

CHAIN = "chain"
REFERENCES = {
    "SmartPersistence": ef.SmartPersistence(),
    CHAIN: ef.PowerCurveReference(column="pv_chain_power"),
}
#: Latitude, longitude, tilt, and azimuth, rated power and inverter [kW].
NORTHERN = {
    "25/165": (63.4, 10.4, 25.0, ((165.0, 50.0, 45.0),)),
    "5/135": (63.4, 10.4, 5.0, ((135.0, 60.0, 55.0),)),
    "5/180": (63.4, 10.4, 5.0, ((180.0, 40.0, 38.0),)),
}
SETS = ("gefcom2014", "kapshagay", "northern")


def cases(names: list[str], data: Path | None) -> Iterator[sets.Case]:
    """Cases of the named sets; GEFCom2014 where its data is given."""
    if "gefcom2014" in names and data is not None:
        yield from sets.gefcom2014(data / "gefcom2014")
    if "kapshagay" in names:
        made = ef.datasets.kapshagay(hours=350 * 24, models=("ecmwf",))
        weather = made.weather["ecmwf"] if isinstance(made.weather, dict) else made.weather
        task = ef.day_ahead("09:00", timezone="Asia/Almaty")
        yield from sets.young_plants("kapshagay", made.site, task, weather, made.observations)
    if "northern" in names:
        yield from northern()


def northern() -> Iterator[sets.Case]:
    """Spring after winter: roofs at 63° N of which only place and capacity are told."""
    first, start, end = (pd.Timestamp(day, tz="UTC") for day in ("2022-10-01", "2023-03-01", "2023-05-01"))
    for seed, name in enumerate(NORTHERN, start=10):
        made, weather, power = roofs.roof(name, seed, described=NORTHERN[name])
        told = ef.PVPlant(
            name=name,
            latitude=made.latitude,
            longitude=made.longitude,
            capacity=made.capacity,
            timezone=made.timezone,
        )
        yield sets.Case(
            data="northern",
            series=name,
            task_name="day ahead, October to February learnt",
            kind="PV",
            site=told,
            task=ef.day_ahead("09:00", timezone="Europe/Oslo"),
            weather=weather,
            observations=ef.Observations(power.values.loc[first:end], published_after="1h"),
            start=start,
            end=end - pd.Timedelta("3D"),
            refit="MS",
        )


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Change of the default against each other model, in the mean, and the coverages that are furthest off."""
    others = {
        name: [row["default against"][name]["percent"] for row in rows] for name in rows[0]["default against"]
    }
    found: dict[str, Any] = {
        f"default against {name}, %": {"mean": float(np.mean(each)), "worst": max(each)}
        for name, each in others.items()
    }
    for level in (80, 90):
        held = [100 * row["models"]["default"][f"coverage {level}"] for row in rows]
        found[f"coverage {level}, %"] = {"least": min(held), "mean": float(np.mean(held)), "most": max(held)}
    return found | {"cases": len(rows)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA"), help="folder with gefcom2014"
    )
    parser.add_argument("--only", nargs="+", choices=SETS, default=list(SETS), help="sets (all)")
    parser.add_argument("--models", default="default,hand,reference", help="with commas; all by default")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    chosen = [replace(case, references=REFERENCES) for case in cases(options.only, options.data)]
    rows = list(first_try.run(chosen, options.models.split(","), pythons={}))
    console = Console(width=None if os.isatty(1) else 170)
    console.print(first_try.table(rows))
    for name in dict.fromkeys(row["data"] for row in rows):
        console.print_json(json.dumps({name: summary([row for row in rows if row["data"] == name])}))
    if options.json:
        options.json.write_text(json.dumps({"cases": rows, "summary": summary(rows)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
