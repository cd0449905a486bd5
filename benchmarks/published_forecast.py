"""Time from the start of `energyforecast run` to a published forecast, with a trained model in service.

For each number of sites (``--sites``) the script makes that many synthetic wind farms with a weather run each twelve
hours and hourly power, fits a forecaster as of the last morning (the default model, or ``--model``; with
``--fallbacks`` also the models of later and fewer inputs), puts it in service, and starts the command in a process of
its own, ``--repeats`` times. Measured are CPU and wall seconds from the start of the process until the files are
published, and to its end, when archive and records are written too; the smallest of the repeats, which a busy machine
disturbs least. The first run of a folder records all measurements in the archive, and is not measured. The fit is not
part of the time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from rich.console import Console
from rich.table import Table

import energyforecast as ef
from energyforecast import configuration

#: Asked, CPU seconds to publication by number of sites. [s]
ASKED = {1: 3.0, 100: 30.0}
ISSUE = "2024-06-28 09:00"

SITE = """
[sites."{name}"]
kind = "wind"
latitude = {latitude}
longitude = {longitude}
capacity = 60
hub_height = 100
"""
REST = """
[weather]
file = "weather.nc"
[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "UTC"
"""

#: Runs the command, and prints CPU and wall time at publication and at the end.
CHILD = """
import atexit, os, sys, time
start = float(sys.argv.pop(1))
from energyforecast.cli import application, run
shown = run._Lines.__call__
def note(self, name, outcome):
    if name == "publish" and outcome is not None:
        print("published", time.process_time(), time.time() - start, flush=True)
    shown(self, name, outcome)
run._Lines.__call__ = note
atexit.register(lambda: print("ended", time.process_time(), time.time() - start, flush=True))
sys.argv[0] = "energyforecast"
application.main()
"""


def make(folder: Path, count: int, *, days: int, model: str) -> None:
    """Configuration, weather and power of so many farms."""
    rng = np.random.default_rng(0)
    names = [f"farm {k:03d}" for k in range(count)]
    places = {name: (43.0 + 0.02 * k, 76.0 + 0.02 * k) for k, name in enumerate(names)}
    end = pd.Timestamp("2024-06-28")
    init = pd.date_range(end - pd.Timedelta(days, "D"), end, freq="12h").to_numpy("M8[ns]")
    lead = np.arange(0, 61).astype("timedelta64[h]").astype("timedelta64[ns]")
    hours = pd.date_range(init[0], init[-1] + lead[-1], freq="h")
    steps = rng.normal(size=(len(hours), count))
    slow = pd.DataFrame(steps).ewm(alpha=0.08).mean().to_numpy()
    wind = np.clip(8 + 4 * slow / slow.std(axis=0), 0, 24)
    place = ((init[:, None] + lead) - hours[0].to_datetime64()) // np.timedelta64(1, "h")
    speed = np.clip(wind.T[:, place] + 0.8 * rng.normal(size=(count, *place.shape)), 0, 30)
    dims = ("site", "init_time", "lead_time")
    point = {"cell_methods": "time: point"}
    weather = xr.Dataset(
        {
            "wind_speed_100m": (dims, speed.astype("f4"), {"units": "m s-1"} | point),
            "temp_air": (dims, np.full(speed.shape, 10, "f4"), {"units": "degree_Celsius"} | point),
        },
        coords={
            "site": names,
            "init_time": init,
            "lead_time": lead,
            "available_time": ("init_time", init + np.timedelta64(6, "h")),
        },
        attrs={"kind": "forecast"},
    )
    ef.weather.write(weather, folder / "weather.nc")
    power = pd.DataFrame(60 * np.clip((wind - 3) / 9, 0, 1) ** 2, index=hours, columns=names).round(2)
    known = power[: pd.Timestamp(ISSUE)]
    known.index = known.index.strftime("%Y-%m-%d %H:%M")
    known.to_csv(folder / "power.csv", index_label="time")
    sites = "".join(
        SITE.format(name=name, latitude=north, longitude=east) for name, (north, east) in places.items()
    )
    chosen = f'[model]\nkind = "{model}"\n' if model else ""
    (folder / "farms.toml").write_text(sites + REST + chosen, encoding="utf-8")


def serve(folder: Path, *, fallbacks: bool) -> float:
    """Fit a forecaster and put it in service; CPU of the fit. [s]"""
    from energyforecast.operations import registry_of

    settings = configuration.read(folder / "farms.toml")
    moment = pd.Timestamp(ISSUE, tz="UTC")
    begun = time.process_time()
    fitted = settings.forecaster().fit(
        settings.weather(), settings.observations(), as_of=moment, missing="drop", fallbacks=fallbacks
    )
    spent = time.process_time() - begun
    registry = registry_of(settings)
    registry.put_in_service(registry.add(fitted, as_of=moment).name)
    return spent


def run(folder: Path) -> dict[str, float]:
    """Times of one run of the command. [s]"""
    command = [sys.executable, "-c", CHILD, str(time.time()), "run", "farms.toml", "--issue-time", ISSUE]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 3):
        raise SystemExit(done.stdout + done.stderr)
    found: dict[str, float] = {"exit_code": done.returncode}
    for line in done.stdout.splitlines():
        words = line.split()
        if words[:1] in (["published"], ["ended"]) and len(words) == 3:
            found |= {f"{words[0]}_cpu": float(words[1]), f"{words[0]}_wall": float(words[2])}
    return found


def measure(count: int, options: argparse.Namespace) -> dict[str, Any]:
    """Times of runs for so many sites."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, count, days=options.days, model=options.model)
        fit = serve(folder, fallbacks=options.fallbacks)
        run(folder)
        several = [run(folder) for _ in range(options.repeats)]
        record = json.loads(max((folder / "operations" / "runs").iterdir()).read_text(encoding="utf-8"))
        size = sum(item.stat().st_size for item in (folder / "operations" / "models").rglob("*.forecaster"))
    least = {key: round(min(one[key] for one in several), 2) for key in several[0]}
    return {
        "sites": count,
        **least,
        "asked_cpu": ASKED.get(count),
        "fit_cpu": round(fit, 1),
        "model_mb": round(size / 1e6, 1),
        "fallback_level": record.get("fallback_level"),
        "steps": {step["name"]: step["seconds"] for step in record["steps"]},
    }


def main() -> None:
    """Measure, show and write the times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", default="1,100", help="numbers of sites, with commas")
    parser.add_argument("--days", type=int, default=120, help="days of weather and power")
    parser.add_argument("--model", default="", help="name of a model; the default of the kind without it")
    parser.add_argument("--fallbacks", action="store_true", help="with models of later and fewer inputs")
    parser.add_argument("--repeats", type=int, default=3, help="runs that are measured")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    rows = [measure(int(count), options) for count in options.sites.split(",")]
    table = Table(
        "sites", "CPU to publication [s]", "asked", "wall", "CPU to the end", "wall", "level", "model [MB]"
    )
    for row in rows:
        asked = "" if row["asked_cpu"] is None else f"{row['asked_cpu']:g}"
        figures = (row["published_cpu"], asked, row["published_wall"], row["ended_cpu"], row["ended_wall"])
        table.add_row(str(row["sites"]), *map(str, figures), str(row["fallback_level"]), str(row["model_mb"]))
    Console().print(table)
    if options.json is not None:
        settings = {name: value for name, value in vars(options).items() if name != "json"}
        options.json.write_text(
            json.dumps({"settings": settings, "rows": rows}, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
