"""What an archive holds when its writers are killed at any moment.

::

    python benchmarks/archive_kills.py [--kills 50] [--postgres ADDRESS] [--json FILE]

Two processes write the same forecasts to one archive, one after the other, and are killed with SIGKILL after a random
time, again and again. After each kill the archive is read:

kills     kills that hit a writer
lost      forecasts whose write had returned, and that are not there, or not as they were written
partial   writes of which some sites are there and others are not
doubled   forecasts that are there twice

It is written by SQLite in a temporary folder, or with ``--postgres`` by that database, which must be empty.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast.core.forecast_windows import Windows

SITES = ("a", "b", "c")
LEVELS = (0.1, 0.5, 0.9)
HOURS = 24
#: Issues of one write, and the longest life of a writer. [s]
ISSUES, LIFE = 10, 0.8


def forecast(number: int) -> ef.Forecast:
    """Forecast of a write, the same whenever it is made."""
    days = pd.date_range("2000-01-01 09:00", periods=ISSUES, freq="1D") + pd.Timedelta(number * ISSUES, "D")
    issued = days.to_numpy().astype("M8[ns]")
    start = issued + np.timedelta64(15, "h")
    windows = Windows.between(issued, start, start + np.timedelta64(HOURS, "h"), frequency=pd.Timedelta("1h"))
    quantiles = np.float32(number % 40) + np.arange(ISSUES * HOURS)[:, None] % 7 + np.arange(3, dtype="f4")
    rows = {site: ef.SiteRows(quantiles + k, capacity=60.0, kind="wind") for k, site in enumerate(SITES)}
    return ef.Forecast.from_rows(rows, windows=windows, quantile_levels=LEVELS, attrs={"model": "x"})


def write(address: str, first: int, done: Connection) -> None:
    """Write forecast after forecast, and report each that is written."""
    archive = ef.archive.open(address)
    for number in range(first, first + 10_000):
        archive.write_forecast(forecast(number))
        done.send(number)


def kill(address: str, first: int, life: float) -> set[int]:
    """Let two writers live for a while; the writes that they reported."""
    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe(duplex=False) for _ in range(2)]
    writers = [context.Process(target=write, args=(address, first, send)) for _, send in pipes]
    for writer in writers:
        writer.start()
    time.sleep(life)
    for writer in writers:
        writer.kill()
        writer.join()
    reported: set[int] = set()
    for receive, send in pipes:
        send.close()
        try:
            while receive.poll():
                reported.add(receive.recv())
        except EOFError:  # the writer is dead
            pass
        receive.close()
    return reported


def faults(address: str, reported: set[int]) -> dict[str, int]:
    """Faults of the archive after a kill."""
    archive = ef.archive.open(address)
    records = archive.issues()
    counts = records.groupby("issue_time")["site"].nunique()
    writes = counts.groupby((counts.index - pd.Timestamp("2000-01-01 09:00", tz="UTC")).days // ISSUES)
    whole = {number for number, held in writes if len(held) == ISSUES and (held == len(SITES)).all()}
    if whole:
        read = archive.forecast(SITES)  # refuses what is not as it was written
        for number in sorted(reported & whole)[-3:]:
            wanted = forecast(number).data
            np.testing.assert_array_equal(read.data.sel(issue_time=wanted["issue_time"]), wanted)
    return {
        "lost": len(reported - whole),
        "partial": len(set(writes.groups) - whole),
        "doubled": int(records.duplicated(["site", "issue_time"]).sum()),
    }


def measure(address: str, kills: int, seed: int = 0) -> dict[str, int]:
    """Faults after so many kills."""
    with tempfile.TemporaryDirectory() as folder:  # everything is imported before the forks
        ef.archive.open(Path(folder, "warm.sqlite")).write_forecast(forecast(0))
    draw = random.Random(seed)  # noqa: S311  (times of kills)
    found = {"kills": 0, "writes": 0, "lost": 0, "partial": 0, "doubled": 0}
    reported: set[int] = set()
    for _ in range(kills):
        reported |= kill(address, max(reported, default=-1) + 1, draw.uniform(0.02, LIFE))
        found["kills"] += 2
        for name, count in faults(address, reported).items():
            found[name] += count
    return found | {"writes": len(reported)}


def main() -> None:
    """Kill, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--postgres")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.postgres:
        report = {"postgresql": measure(given.postgres, given.kills)}
    else:
        with tempfile.TemporaryDirectory() as folder:
            report = {"sqlite": measure(str(Path(folder, "archive.sqlite")), given.kills)}
    print(json.dumps(report, indent=1))
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
