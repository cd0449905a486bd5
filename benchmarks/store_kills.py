"""What is left of an archive of weather when its updates are killed at any moment.

    python benchmarks/store_kills.py [--kills 200] [--json FILE]

A process updates a store, run after run, and is killed with SIGKILL, again and again: every other time after a
random time, else at a random one of its calls of fsync, where a file is half written or not listed yet. After
each kill the store is opened and every value compared with what the source gave:

kill      kills that hit an update
readable  kills after which the store could be read
lost      runs that the killed process had stored, and that were not there
corrupt   runs whose values or arrival are not what was stored, or files that are damaged

``half_written`` and ``not_listed`` say how many kills left a half-written file or a file no manifest lists.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import random
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.weather.sources.common.base import RunSource, finished
from energyforecast.weather.sources.common.publication_latency import PublicationLatency
from energyforecast.weather.store.store import Store

START = pd.Timestamp("2024-01-01", tz="UTC")
SITES = [Site(name=name, latitude=43.0, longitude=78.0 + k) for k, name in enumerate(("a", "b"))]
NAMES = ("wind_speed_100m", "temp_air")
LEADS = (np.arange(49) * np.timedelta64(1, "h")).astype("timedelta64[ns]")
#: Period of one update of the child.
STEP = pd.Timedelta("4D")
#: How long it lives at most [s], or how often it reaches the disk.
LIFE, SYNCS = 1.5, 60


def values(init: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What a run says, told by its initialisation alone."""
    seed = (init.astype("datetime64[h]").astype(int) % 997) / 50.0
    return np.asarray(seed[None, :, None] + np.arange(2)[:, None, None] + np.arange(49) / 100).astype(
        np.float32
    )


class Toy(RunSource):
    name, attribution = "toy", "none"
    variables, labels = NAMES, dict.fromkeys(NAMES, Label.INSTANT)
    latency, cycle = PublicationLatency(base="4h", margin="0min"), pd.Timedelta("12h")

    def leads(self, init_time: pd.Timestamp) -> np.ndarray[Any, Any]:  # noqa: ARG002
        return LEADS

    def get_run(self, sites: Any, init_time: pd.Timestamp) -> xr.Dataset:
        init = timestamps.to_ns([init_time])
        weather = xr.Dataset(
            {name: (("site", "init_time", "lead_time"), values(init)) for name in NAMES},
            coords={
                "init_time": init,
                "lead_time": LEADS,
                "available_time": ("init_time", self.latency.available_time(init)),
            },
        )
        return finished(weather, source=self, sites=sites)


def die_at(call: int) -> None:
    """Let this process be killed at one of its calls of fsync."""
    calls, sync = itertools.count(1), os.fsync

    def fsync(handle: int) -> None:
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        sync(handle)

    os.fsync = fsync


def child(folder: str, diary: str, call: int, ready: Any) -> None:
    """Update for ever; note each run that is stored, once it is."""
    die_at(call)
    store = Store(folder)
    existing = store.describe()
    newest = START if existing.empty else existing["newest"].max()
    ready.set()
    while True:
        newest = newest + STEP
        told = Toy().runs(newest - STEP, newest)

        def note(done: int, _: int) -> None:
            if done:
                with Path(diary).open("a", encoding="utf-8") as lines:
                    lines.writelines(f"{run.value}\n" for run in told[::-1][:done])  # noqa: B023

        Store(folder, clock=lambda: newest + pd.Timedelta("5h")).update(  # noqa: B023
            Toy(), sites=SITES, since=newest - STEP, until=newest, progress=note
        )


def judged(store: Store, diary: Path) -> dict[str, int]:
    """What is wrong with a store after a kill."""
    noted = {int(line) for line in diary.read_text().split("\n")[:-1] if line} if diary.exists() else set()
    weather = store.open()
    assert isinstance(weather, xr.Dataset)
    weather.load()
    init = timestamps.to_ns(weather["init_time"].values)
    wrong = np.zeros(len(init), dtype=bool)
    for name in NAMES:
        wrong |= (weather[name].values != values(init)).any(axis=(0, 2))
    wrong |= np.isnat(weather["available_time"].values).any(axis=1)
    damaged = len(store.quarantined())
    return {"lost": len(noted - set(init.astype(int).tolist())), "corrupt": int(wrong.sum()) + damaged}


def unlisted(store: Store) -> bool:
    """Whether there are files that the manifest does not know."""
    text = (store.path / "toy" / "manifest.json").read_text(encoding="utf-8")
    return any(path.stem not in text for path in store.path.rglob("files/*.zip"))


def trial(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["__main__", "energyforecast.weather.store.store", "zarr.storage", "filelock"]
    )
    chance, store = random.Random(seed), Store(folder / "archive.zarr")  # noqa: S311
    tally = {"kills": 0, "readable": 0, "lost": 0, "corrupt": 0, "half_written": 0, "not_listed": 0}
    store.update(Toy(), sites=SITES, since=START, until=START + pd.Timedelta("1D"))
    for k in range(kills):
        ready, call = context.Event(), chance.randint(1, SYNCS) if k % 2 else 0
        process = context.Process(target=child, args=(str(store.path), str(folder / "diary"), call, ready))
        process.start()
        assert ready.wait(60)
        process.join(60 if call else chance.uniform(0.0, LIFE))
        process.kill()
        process.join()
        tally["kills"] += process.exitcode == -signal.SIGKILL
        tally["half_written"] += any(store.path.rglob(".part-*"))
        tally["not_listed"] += unlisted(store)
        found = judged(store, folder / "diary")
        tally["readable"] += 1
        tally["lost"] += found["lost"]
        tally["corrupt"] += found["corrupt"]
    return {**tally, "runs": int(store.describe()["present"].max())}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200, help="how often an update is killed")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        figures = trial(Path(folder), options.kills, options.seed)
    figures["seconds"] = round(time.perf_counter() - begun, 1)
    for name, figure in figures.items():
        print(f"{name:13} {figure}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
