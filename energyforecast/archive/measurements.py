"""Rows of measurements in the archive, each with the time at which it was known, and observations of these rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa

from energyforecast.archive import bulk, tables
from energyforecast.archive.spans import Span
from energyforecast.core import timestamps
from energyforecast.core.bounded_memory import regular_grid
from energyforecast.core.observation_series import Observations
from energyforecast.errors import MissingDataError, SchemaError

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["read", "write"]

_TABLE: Final = tables.measurement
_COLUMNS: Final = tuple(column.name for column in _TABLE.columns)


def write(connection: Connection, observations: Observations, *, moment: pd.Timestamp) -> int:
    """Write the values that are new, or that differ from the newest held; their number."""
    seconds = int(observations.frequency.total_seconds())
    return sum(
        _write_site(connection, observations, site, seconds, moment=moment) for site in observations.sites
    )


def _write_site(
    connection: Connection, observations: Observations, site: str, seconds: int, *, moment: pd.Timestamp
) -> int:
    given = pd.DataFrame(
        {
            "power": observations.values[site].to_numpy(dtype=float),
            "flags": observations.flags_at(site, observations.index),
            "published": timestamps.to_index(observations.published_at(site, observations.index)),
        },
        index=observations.index,
    )
    held = _newest(connection, site)
    before = held.reindex(given.index)
    flags = before["flags"].where(before["flags"].notna(), 0)
    known = before["power"].notna() | flags.ne(0)
    same = (given["power"] == before["power"]) | (given["power"].isna() & before["power"].isna())
    same &= given["flags"] == flags
    new = given[~same]
    if new.empty:
        return 0
    # What was absent when the archive was last filled, or said something else, became known now: not as declared.
    asked = (new.index >= held.index.min()) & (new.index <= held.index.max()) if len(held) else False
    late = asked | known[~same]
    published = new["published"].where(~late, np.maximum(new["published"], moment))
    recorded = np.maximum(before["recorded"][~same] + pd.Timedelta(1, "us"), moment).fillna(moment)
    rows = zip(
        [site] * len(new),
        bulk.moments(connection, new.index),
        bulk.moments(connection, recorded),
        bulk.moments(connection, published),
        bulk.numbers(new["power"]),
        new["flags"].tolist(),
        [seconds] * len(new),
        strict=True,
    )
    bulk.insert(connection, _TABLE, rows, columns=_COLUMNS)
    return len(new)


def _newest(connection: Connection, site: str) -> pd.DataFrame:
    """Newest values of a site."""
    rows = _rows(connection, [site], valid=Span(), until=None)
    return rows.set_index("valid_time")[["power", "flags", "recorded"]]


def _rows(
    connection: Connection, sites: Sequence[str], *, valid: Span, until: pd.Timestamp | None
) -> pd.DataFrame:
    """Newest values of sites that were recorded until a moment."""
    chosen = valid.between(sa.select(_TABLE).where(_TABLE.c.site.in_(sites)), _TABLE.c.valid_time)
    if until is not None:
        chosen = chosen.where(_TABLE.c.recorded_time <= until.to_pydatetime())
    keys = (_TABLE.c.site, _TABLE.c.valid_time, _TABLE.c.recorded_time)
    found = connection.execute(chosen.order_by(*keys)).all()
    frame = pd.DataFrame(found, columns=list(_COLUMNS)).rename(
        columns={"recorded_time": "recorded", "published_time": "published"}
    )
    for name in ("valid_time", "recorded", "published"):
        frame[name] = timestamps.to_index(pd.DatetimeIndex(pd.to_datetime(frame[name], utc=True)))
    frame["power"] = frame["power"].astype(float)
    return frame.drop_duplicates(["site", "valid_time"], keep="last")


def read(
    connection: Connection, sites: Sequence[str], *, valid: Span, until: pd.Timestamp | None
) -> Observations:
    """Observations of sites as the archive held them at a moment."""
    rows = _rows(connection, sites, valid=valid, until=until)
    absent = [site for site in sites if site not in set(rows["site"])]
    if absent:
        raise MissingDataError(
            f"The archive has no measurements of {absent[0]!r} for this question.",
            "Measurements must have been recorded by then.",
            "Check site, span and as_of; Archive.write_observations records them.",
        )
    steps = rows["interval_seconds"].unique()
    if len(steps) > 1:
        raise SchemaError(
            f"The intervals of these measurements have several lengths: {sorted(steps.tolist())} s.",
            "Observations must have intervals of one length.",
            "Read sites, or spans of time, of one length: valid=(..., ...).",
        )
    frequency = pd.Timedelta(seconds=int(steps[0]))
    index = regular_grid(
        pd.DatetimeIndex(rows["valid_time"].sort_values().unique()), frequency, label="The archive"
    )

    power, published, flags = (
        rows.pivot(index="valid_time", columns="site", values=name)
        .reindex(index)[list(sites)]
        .rename_axis(columns=None, index=None)
        for name in ("power", "published", "flags")
    )
    flags = flags.where(flags.notna(), 0).astype("int64")
    return Observations(
        power,
        published_time=published,
        flags=flags if flags.to_numpy().any() else None,
        frequency=frequency,
    )
