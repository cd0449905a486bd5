"""Great Britain's demand and generation from Elexon's Insights, with the times at which they were published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.http import Http
from energyforecast.core.observation_series import Observations
from energyforecast.core.table_format import TableFormat
from energyforecast.errors import MissingDataError, ResponseError
from energyforecast.observations.rows import observations_from_rows

__all__ = ["get_elexon", "parse_elexon", "read_elexon"]

_URL: Final = "https://data.elexon.co.uk/bmrs/api/v1"
_HALF_HOUR: Final = np.timedelta64(30, "m")
#: Where rows of a data set hold their value, and what tells one series from another.
_VALUES: Final = ("generation", "quantity", "demand")
_KINDS: Final = ("fuelType", "psrType")
#: Longest span of publication times in one request.
_SPAN: Final = pd.Timedelta("7D")


def get_elexon(
    dataset: str,
    *,
    start: Any,
    end: Any,
    site: str = "Great Britain",
    kind: str | None = None,
    published_within: str = "1D",
    revisions: Literal["first", "last"] = "first",
    base_url: str = _URL,
    http: Http | None = None,
) -> Observations:
    """Half-hours of a data set, asked for by the time of publication; no key is needed.

    Parameters
    ----------
    dataset : str
        E.g. ``"INDO"`` (demand), ``"FUELHH"`` (by fuel) or ``"AGPT"`` (by type of plant).
    start, end : str or moment
        Of the half-hours; `end` is not included.
    site : str
        Name of the column.
    kind : str, optional
        Fuel or type of plant, e.g. ``"WIND"``, where the data set has several.
    published_within : str
        How long after their end half-hours are looked for among the publications.
    revisions : {"first", "last"}
        Which of several publications counts.
    base_url : str
    http : Http, optional

    Returns
    -------
    Observations
        With ``published_time``.

    Raises
    ------
    SourceError
        If the server cannot be asked, or its answer cannot be right.
    MissingDataError
        If it has nothing of the period.

    Examples
    --------
    >>> get_elexon("INDO", start="2024-01-01", end="2024-01-02", base_url="file:///tmp")
    Traceback (most recent call last):
        ...
    energyforecast.errors.RefusedError: The address file:///tmp/datasets/INDO is not of the web.
    Addresses begin with http:// or https://.
    Correct the base URL; files are read with the functions read_...
    """
    first, last = timestamps.instant(start), timestamps.instant(end)
    asking, until = http or Http(), last + timestamps.duration(published_within)
    rows: list[Any] = []
    begin = first
    while begin < until:
        finish = min(begin + _SPAN, until)
        params = {
            "publishDateTimeFrom": f"{begin:%Y-%m-%dT%H:%MZ}",
            "publishDateTimeTo": f"{finish:%Y-%m-%dT%H:%MZ}",
            "format": "json",
        }
        rows += _rows(asking.get(f"{base_url}/datasets/{dataset}", params=params), dataset)
        begin = finish
    frame = _frame(rows, dataset, kind)
    inside = frame[(frame["start"] >= first) & (frame["start"] < last)]
    return _observations(inside, dataset, site, revisions, None)


def read_elexon(
    path: str | Path,
    *,
    site: str = "Great Britain",
    kind: str | None = None,
    revisions: Literal["first", "last"] = "first",
    as_of: Any = None,
) -> Observations:
    """Half-hours from a stored answer; see :func:`parse_elexon`.

    Examples
    --------
    >>> import tempfile
    >>> row = '{"publishTime": "2024-01-01T00:45:00Z", "startTime": "2024-01-01T00:00:00Z", "demand": 21000}'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "indo.json")
    ...     _ = file.write_text('{"data": [' + row + "]}")
    ...     read_elexon(file).published[0]
    array(['2024-01-01T00:45:00.000000000'], dtype='datetime64[ns]')
    """
    source = Path(path)
    return parse_elexon(source.read_bytes(), site=site, kind=kind, revisions=revisions, as_of=as_of)


def parse_elexon(
    body: bytes,
    *,
    site: str = "Great Britain",
    kind: str | None = None,
    revisions: Literal["first", "last"] = "first",
    as_of: Any = None,
) -> Observations:
    """Observations of an answer of Elexon's Insights.

    Parameters
    ----------
    body : bytes
        JSON: an object with ``data``, or its list alone. A row has ``startTime``, ``publishTime`` and a value.
    site : str
        Name of the column.
    kind : str, optional
        Fuel or type of plant, where there are several.
    revisions : {"first", "last"}
        Which of several publications of a half-hour counts, each with its own time.
    as_of : moment, optional
        Only what was published by then.

    Returns
    -------
    Observations

    Raises
    ------
    ResponseError
        If the body is cut, is no JSON, or its rows have no time.
    MissingDataError
        If there are no rows, or none of the kind.

    Notes
    -----
    A row is placed by its ``startTime`` in UTC, never by date and period, of which a day of a clock change
    has 46 or 50. A publication that is stamped before the end of its half-hour counts from that end.

    Examples
    --------
    >>> row = b'{"publishTime": "2024-01-01T00:45:00Z", "startTime": "2024-01-01T00:00:00Z", "demand": 21000}'
    >>> parse_elexon(b'{"data": [' + row + b"]}")
    Observations of Great Britain: 1 x 30min from 2024-01-01 00:00 UTC, 0 missing, 0 flagged,
    published at recorded times
    """
    return _observations(_frame(_rows(body, "answer"), "answer", kind), "answer", site, revisions, as_of)


def _rows(body: bytes, dataset: str) -> list[Any]:
    try:
        content = json.loads(body)
    except ValueError as error:
        raise _bad(dataset, f"is no JSON ({error})") from None
    rows = content.get("data") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _bad(dataset, "has no list of rows")
    return rows


def _frame(rows: list[Any], dataset: str, kind: str | None) -> pd.DataFrame:
    """Columns start, published and value, of one kind."""
    if not rows:
        raise _nothing(dataset, "no rows")
    table = pd.DataFrame(rows)
    value = next((name for name in _VALUES if name in table), None)
    if value is None or not {"startTime", "publishTime"} <= set(table):
        raise _bad(dataset, f"has rows of {sorted(map(str, table))}")
    by = next((name for name in _KINDS if name in table), None)
    if by is not None:
        kinds = sorted(table[by].dropna().unique())
        if kind not in kinds and (kind is not None or len(kinds) > 1):
            raise _nothing(dataset, f"kind={kind!r}, and there are {', '.join(kinds)}")
        table = table[table[by] == (kind or kinds[0])]
    try:
        return pd.DataFrame(
            {
                "start": pd.to_datetime(table["startTime"], utc=True, format="ISO8601"),
                "published": pd.to_datetime(table["publishTime"], utc=True, format="ISO8601"),
                "value": pd.to_numeric(table[value]),
            }
        )
    except (ValueError, TypeError) as error:
        raise _bad(dataset, f"has a row that cannot be read ({error})") from None


def _observations(
    frame: pd.DataFrame, dataset: str, site: str, revisions: Literal["first", "last"], as_of: Any
) -> Observations:
    if not len(frame):
        raise _nothing(dataset, "nothing of the period")
    if frame[["start", "published"]].isna().any().any():
        raise _bad(dataset, "has a row without time")
    start = timestamps.to_index(frame["start"])
    late = np.maximum(timestamps.to_ns(frame["published"]), timestamps.to_ns(start) + _HALF_HOUR)
    rows = frame.drop_duplicates(["start", "published", "value"]).index
    keep = frame.index.isin(rows)
    return observations_from_rows(
        pd.DataFrame({site: frame["value"].to_numpy(dtype=float)[keep]}, index=start[keep]),
        published=timestamps.to_index(late[keep]),
        published_after=None,
        format=TableFormat(unit="MW", label="beginning", frequency=pd.Timedelta(_HALF_HOUR)),
        revisions=revisions,
        as_of=as_of,
    )


def _bad(dataset: str, what: str) -> ResponseError:
    return ResponseError(
        f"Elexon's {dataset} {what}.",
        "An answer is whole JSON with rows of startTime, publishTime and a value.",
        "Ask again; if it stays so, look at the data set's page.",
    )


def _nothing(dataset: str, what: str) -> MissingDataError:
    return MissingDataError(
        f"Elexon's {dataset} gives {what}.",
        "There is at least one half-hour.",
        "Check the period and the kind.",
    )
