"""Demand and generation of Great Britain from Elexon's Insights, with their times of publication."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.structured_text import parse_json
from energyforecast.core.table_format import TableFormat
from energyforecast.core.table_stamps import read_stamps
from energyforecast.errors import MissingDataError, ResponseError, TimeError
from energyforecast.observations.rows import observations_from_rows
from energyforecast.observations.server_access import ServerAccess

__all__ = ["get_elexon", "parse_elexon", "read_elexon"]

_URL: Final = "https://data.elexon.co.uk/bmrs/api/v1"
_HALF_HOUR: Final = np.timedelta64(30, "m")
#: Columns with the value of a row, and columns that distinguish series.
_VALUES: Final = ("generation", "quantity", "demand")
_TYPES: Final = ("fuelType", "psrType")
#: Longest span of publication times in one request.
_SPAN: Final = pd.Timedelta("7D")


def get_elexon(
    dataset: str,
    *,
    start: Any,
    end: Any,
    site: str = "Great Britain",
    plant_type: str | None = None,
    published_within: str = "1D",
    revisions: Literal["first", "last"] = "first",
    access: ServerAccess | None = None,
) -> Observations:
    """Half-hours of a data set, requested by the time of publication.

    Parameters
    ----------
    dataset : str
        E.g. ``"INDO"`` (demand), ``"FUELHH"`` (by fuel) or ``"AGPT"`` (by type of plant).
    start, end : str or moment
        Of the half-hours; `end` is not included.
    site : str
        Name of the column.
    plant_type : str, optional
        Fuel or type of plant, e.g. ``"WIND"``, where the data set has several.
    published_within : str
        Longest time between the end of a half-hour and its publication.
    revisions : {"first", "last"}
        Publication that counts where there are several.
    access : ServerAccess, optional
        Address and retries; no token is needed.

    Returns
    -------
    Observations
        With ``published_time``.

    Raises
    ------
    SourceError
        If the server cannot be reached, or its answer cannot be right.
    MissingDataError
        If it has no value of the period.

    See Also
    --------
    parse_elexon : The rows of an answer.
    get_entsoe : The countries of continental Europe.

    Examples
    --------
    >>> get_elexon("INDO", start="2024-01-01", end="2024-01-02", access=ServerAccess(base_url="file:///tmp"))
    Traceback (most recent call last):
        ...
    energyforecast.errors.RefusedError: The address file:///tmp/datasets/INDO is not of the web.
    Addresses must begin with http:// or https://.
    Correct the base URL; files are read with the functions read_...
    """
    first, last = timestamps.instant(start), timestamps.instant(end)
    until = last + timestamps.duration(published_within)
    chosen = access or ServerAccess()
    address = f"{chosen.base_url or _URL}/datasets/{dataset}"
    rows: list[Any] = []
    for begin in pd.date_range(first, until, freq=_SPAN, inclusive="left"):
        finish = min(begin + _SPAN, until)
        params = {
            "publishDateTimeFrom": f"{begin:%Y-%m-%dT%H:%MZ}",
            "publishDateTimeTo": f"{finish:%Y-%m-%dT%H:%MZ}",
            "format": "json",
        }
        rows += _rows(chosen.http.get(address, params=params), dataset)
    frame = _frame(rows, dataset, plant_type)
    inside = frame[(frame["start"] >= first) & (frame["start"] < last)]
    return _observations(inside, dataset, site, revisions, None)


def read_elexon(
    path: str | Path,
    *,
    site: str = "Great Britain",
    plant_type: str | None = None,
    revisions: Literal["first", "last"] = "first",
    as_of: Any = None,
) -> Observations:
    """Half-hours from a stored answer; see :func:`parse_elexon`.

    See Also
    --------
    get_elexon, parse_elexon

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
    return parse_elexon(
        source.read_bytes(), site=site, plant_type=plant_type, revisions=revisions, as_of=as_of
    )


@checked()
def parse_elexon(
    body: bytes,
    *,
    site: str = "Great Britain",
    plant_type: str | None = None,
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
    plant_type : str, optional
        Fuel or type of plant, where there are several.
    revisions : {"first", "last"}
        Publication of a half-hour that counts where there are several, each with its time.
    as_of : moment, optional
        Only values that were published by then.

    Returns
    -------
    Observations

    Raises
    ------
    ResponseError
        If the body is cut, is no JSON, or its rows have no time.
    MissingDataError
        If there are no rows, or none of the type.

    See Also
    --------
    get_elexon : From the server.
    read_elexon : From a file.

    Notes
    -----
    The time of a row is its ``startTime`` in UTC, never its date and period, of which a day of a clock change
    has 46 or 50. A publication that is stamped before the end of its half-hour counts from that end.

    Examples
    --------
    >>> row = b'{"publishTime": "2024-01-01T00:45:00Z", "startTime": "2024-01-01T00:00:00Z", "demand": 21000}'
    >>> parse_elexon(b'{"data": [' + row + b"]}")
    Observations of Great Britain: 1 x 30min from 2024-01-01 00:00 UTC, 0 missing, 0 flagged,
    published at recorded times
    """
    return _observations(
        _frame(_rows(body, "answer"), "answer", plant_type), "answer", site, revisions, as_of
    )


def _rows(body: bytes, dataset: str) -> list[Any]:
    """Rows of a JSON answer."""
    try:
        content = parse_json(body)
    except ValueError as error:
        raise _bad(dataset, f"is no JSON ({error})") from None
    rows = content.get("data") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _bad(dataset, "has no list of rows")
    return rows


def _frame(rows: list[Any], dataset: str, plant_type: str | None) -> pd.DataFrame:
    """Columns start, published and value, of one type."""
    if not rows:
        raise _no_data(dataset, "rows")
    table = pd.DataFrame(rows)
    value = next((name for name in _VALUES if name in table), None)
    if value is None or not {"startTime", "publishTime"} <= set(table):
        raise _bad(dataset, f"has rows of {sorted(map(str, table))}")
    by = next((name for name in _TYPES if name in table), None)
    if by is not None:
        types = sorted(set(table[by].dropna().astype(str)))
        if plant_type not in types and (plant_type is not None or len(types) > 1):
            raise _no_data(dataset, f"values of plant_type={plant_type!r}; there are {', '.join(types)}")
        table = table[table[by] == (plant_type or types[0])]
    try:
        return pd.DataFrame(
            {
                "start": _moments(table["startTime"]),
                "published": _moments(table["publishTime"]),
                "value": pd.to_numeric(table[value]),
            }
        )
    except (TimeError, ValueError, TypeError) as error:
        raise _bad(dataset, f"has a row that cannot be read ({error})") from None


def _moments(column: pd.Series) -> pd.DatetimeIndex:
    """Times with their offset, in UTC."""
    times = read_stamps(column).times
    if times.tz is None and times.notna().any():
        raise ValueError(f"{column.iloc[0]} has no offset")
    return times if times.tz is not None else times.tz_localize("UTC")


def _observations(
    frame: pd.DataFrame, dataset: str, site: str, revisions: Literal["first", "last"], as_of: Any
) -> Observations:
    """Observations of rows, each at the time of its publication, at the earliest the end of its half-hour."""
    if not len(frame):
        raise _no_data(dataset, "value of the period")
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


def _bad(dataset: str, problem: str) -> ResponseError:
    """Error for an answer of another form."""
    return ResponseError(
        f"Elexon's {dataset} {problem}.",
        "An answer must be whole JSON with rows of startTime, publishTime and a value.",
        "Ask again; if it stays so, look at the data set's page.",
    )


def _no_data(dataset: str, absent: str) -> MissingDataError:
    """Error for an answer without the requested values."""
    return MissingDataError(
        f"Elexon's {dataset} has no {absent}.",
        "At least one half-hour is needed.",
        "Check the period and plant_type.",
    )
