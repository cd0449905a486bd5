"""Checks of a control room after a run: the published set, its forecast, and the archive, which only grows."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast.core.files import checksum
from tests.support.control_room import ControlRoom

__all__ = ["archived_rows", "check_forecast", "check_only_grew", "check_published", "published"]

#: Name of the list of the published files.
INDEX = "forecast_files.json"


def published(room: ControlRoom) -> ef.Forecast:
    """The published forecast; its set must be whole: every listed file is there, and as it was written."""
    folder = room.operations / "published"
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    assert index["state"] == "issued", index
    for name, digest in index["files"].items():
        assert checksum((folder / name).read_bytes()) == digest, f"{name} is not the file that is listed"
    return ef.Forecast.load(folder / "forecast.nc")


def check_published(room: ControlRoom) -> ef.Forecast:
    """The published forecast, with its table."""
    forecast = published(room)
    check_forecast(forecast, room)
    table = pd.read_csv(room.operations / "published" / "forecast.csv", comment="#")
    hours = int(np.isfinite(forecast.data.values).all(axis=-1).sum())
    assert len(table) == hours, f"forecast.csv has {len(table)} of {hours} rows"
    assert np.isfinite(table.filter(regex=r"^q0").to_numpy()).all()
    assert {"fallback_level"} <= set(table.columns)
    return forecast


def check_forecast(forecast: ef.Forecast, room: ControlRoom) -> None:
    """Finite, monotone, within bounds, with its levels, and from runs that had arrived."""
    sites = room.held.sites
    data = forecast.data.transpose("site", "issue_time", "lead_time", "quantile")
    assert list(map(str, data["site"].values)) == [site.name for site in sites]
    values = data.values
    windows = np.isfinite(values[0]).all(axis=-1)
    assert windows.any()
    assert (windows == np.isfinite(values).all(axis=-1)).all(), "a site lacks hours"
    inside = values[:, windows]
    assert (np.diff(inside, axis=-1) >= 0).all(), "quantiles cross"
    for site, part in zip(sites, inside, strict=True):
        highest = float(site.capacity or 3 * room.held.measured[site.name].max())
        assert part.min() >= 0.0, f"{site.name}: {part.min()} MW"
        assert part.max() <= highest + 1e-3, f"{site.name}: {part.max()} MW"
    levels = data["fallback_level"].values
    assert np.isin(levels, (0, 1, 2, 3, 4)).all(), levels
    if levels.max() > 0:
        assert forecast.caveats, f"levels {levels.tolist()} without a caveat"
    _check_runs(forecast, room)


def _check_runs(forecast: ef.Forecast, room: ControlRoom) -> None:
    """No run that arrived after its issue; a forecast without weather names no run."""
    issues = forecast.data["issue_time"].values
    for runs, levels in zip(
        forecast.data["weather_init_time"].values, forecast.data["fallback_level"].values, strict=True
    ):
        for issue, run, level in zip(issues, runs, levels, strict=True):
            assert np.isnat(run) if level >= 3 else level == 2 or not np.isnat(run), (issue, run, level)
            if not np.isnat(run):
                arrived = room.held.arrival(float(run.astype("M8[s]").astype(int)))
                assert arrived <= issue.astype("M8[s]").astype(int), f"{run} had not arrived at {issue}"


def archived_rows(path: Path) -> dict[str, set[tuple[object, ...]]]:
    """All rows of a database of SQLite, by table, read without the library."""
    if not path.is_file():
        return {}
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: set(connection.execute(f'SELECT * FROM "{name}"')) for name in names}
    connection.close()
    return rows


def check_only_grew(
    before: dict[str, set[tuple[object, ...]]], after: dict[str, set[tuple[object, ...]]]
) -> None:
    """No row was lost or changed."""
    for name, rows in before.items():
        lost = rows - after.get(name, set())
        assert not lost, f"{len(lost)} rows of {name} are lost or changed, such as {next(iter(lost))}"[:500]
