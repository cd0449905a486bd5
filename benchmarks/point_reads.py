"""A year at many points from Zarr: the library's reader against the best loop written by hand.

    python benchmarks/point_reads.py --json point_reads.json

The store has 8760 hours of 241 x 241 cells in chunks of 8760 x 8 x 8, as archives for points have, and is made in a
temporary folder (0.8 GB). The loop beside it knows its store: it takes the chunks that hold points, one by one, from
the array of Zarr, and picks the cells with numpy. Both read the same points; the values are compared.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from energyforecast.core.sites import Site
from energyforecast.weather.processing.grid_cells import Grid
from energyforecast.weather.processing.lazy_points import read_points
from energyforecast.weather.processing.spatial import to_sites

HOURS, CELLS, CHUNK = 8760, 241, 8


def make(folder: Path, *, hours: int) -> Path:
    """Smooth fields with noise, chunk column by chunk column."""
    path = folder / "points.zarr"
    group = zarr.open_group(path, mode="w")
    array = group.create_array(
        "temp_air",
        shape=(hours, CELLS, CELLS),
        chunks=(hours, CHUNK, CHUNK),
        dtype="f4",
        dimension_names=("time", "latitude", "longitude"),
    )
    rng = np.random.default_rng(0)
    course = 10 * np.sin(np.arange(hours) / 24 * 2 * np.pi).astype("f4")[:, None, None]
    for begin in range(0, CELLS, CHUNK):
        width = min(CHUNK, CELLS - begin)
        noise = rng.normal(size=(hours, width, 1)).astype("f4")
        array[:, begin : begin + width, :] = np.round(
            course + noise + np.linspace(0, 5, CELLS, dtype="f4"), 2
        )
    for name, axis in (
        ("latitude", 60 - 0.25 * np.arange(CELLS)),
        ("longitude", 20 + 0.25 * np.arange(CELLS)),
    ):
        made = group.create_array(name, shape=axis.shape, dtype="f8", dimension_names=(name,))
        made[:] = axis
    return path


def best_loop(path: Path, row: Any, column: Any) -> Any:
    """What one would write by hand, knowing the chunks."""
    array = zarr.open_array(path / "temp_air", mode="r")
    result = np.empty((array.shape[0], len(row)), dtype="f4")
    key = (row // CHUNK) * (CELLS // CHUNK + 1) + column // CHUNK
    for one in np.unique(key):
        members = np.flatnonzero(key == one)
        top, left = row[members[0]] // CHUNK * CHUNK, column[members[0]] // CHUNK * CHUNK
        block = array[:, top : top + CHUNK, left : left + CHUNK]
        result[:, members] = block[:, row[members] - top, column[members] - left]
    return result


def library(path: Path, cells: Any) -> Any:
    """The reader of the library, on a lazy dataset of any chunks."""
    with xr.open_zarr(path, chunks=None, consolidated=False) as lazy:
        return read_points(lazy["temp_air"], cells, dims=("latitude", "longitude"))


def at_sites(path: Path, sites: list[Site]) -> Any:
    """The same through sites: cells are found, and means taken."""
    with xr.open_zarr(path, chunks=None, consolidated=False) as lazy:
        return to_sites(lazy, sites)["temp_air"].values


def timed(function: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall and CPU seconds, and the result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = function()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--hours", type=int, default=HOURS)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    cells = np.random.default_rng(1).choice(CELLS * CELLS, options.points, replace=False)
    row, column = np.divmod(cells, CELLS)
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder), hours=options.hours)
        grid = Grid(60 - 0.25 * np.arange(CELLS), 20 + 0.25 * np.arange(CELLS))
        sites = [
            Site(name=f"p{k}", latitude=float(north), longitude=float(east))
            for k, (north, east) in enumerate(zip(*grid.centres(cells), strict=True))
        ]
        rows = []
        for _ in range(options.repeats):  # in turns, so that a busy machine slows all
            loop, read, through = (
                timed(lambda: best_loop(path, row, column)),
                timed(lambda: library(path, cells)),
                timed(lambda: at_sites(path, sites)),
            )
            assert np.array_equal(loop[2], read[2])
            assert np.array_equal(loop[2].T, through[2].astype("f4"))
            rows.append([loop[0], read[0], through[0], loop[1], read[1], through[1]])
    best = np.min(rows, axis=0)
    names = ("loop", "library", "sites")
    found = {
        "points": options.points,
        "hours": options.hours,
        "chunks": [options.hours, CHUNK, CHUNK],
        "wall_seconds": dict(zip(names, best[:3].round(3).tolist(), strict=True)),
        "cpu_seconds": dict(zip(names, best[3:].round(3).tolist(), strict=True)),
        "ratio": round(float(best[1] / best[0]), 3),
        "ratio_cpu": round(float(best[4] / best[3]), 3),
        "ratio_sites": round(float(best[2] / best[0]), 3),
        "at_most": 2.0,
    }
    text = json.dumps(found, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
