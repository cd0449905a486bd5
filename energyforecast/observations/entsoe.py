"""Load and generation from ENTSO-E's Transparency Platform; entsoe-py knows its areas and its parameters."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, Literal
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.http import Http
from energyforecast.core.observation_series import Observations
from energyforecast.core.table_format import TableFormat
from energyforecast.errors import MissingDataError, RefusedError, ResponseError, require
from energyforecast.observations.rows import observations_from_rows

__all__ = ["get_entsoe", "parse_entsoe", "read_entsoe"]

_URL: Final = "https://web-api.tp.entsoe.eu/api"
_STEPS: Final = {"PT1M": 1, "PT15M": 15, "PT30M": 30, "PT60M": 60, "PT1H": 60}
_NOTHING: Final = "No matching data found"
#: The platform answers for a year at most.
_SPAN: Final = pd.Timedelta("365D")
#: What entsoe-py is given for a key, so that it has none to log.
_NO_KEY: Final = "kept back"


def get_entsoe(
    area: str,
    *,
    start: Any,
    end: Any,
    token: str,
    published_after: str | timedelta,
    quantity: Literal["load", "generation"] = "load",
    kind: str | None = None,
    site: str | None = None,
    frequency: str | None = None,
    base_url: str | None = None,
    http: Http | None = None,
) -> Observations:
    """Actual load, or generation of one type of plant, in an area.

    Parameters
    ----------
    area : str
        As entsoe-py names it, e.g. ``"DE_LU"`` or ``"10Y1001A1001A82H"``.
    start, end : str or moment
        `end` is not included.
    token : str
        Of the platform. It is given to the server alone: no message, log or object shows it.
    published_after : str or timedelta
        Delay after the end of an interval; the platform does not say when a value came. Load is due after
        an hour, generation after an hour too; both come later in some areas.
    quantity : {"load", "generation"}
    kind : str, optional
        Type of plant of a generation, e.g. ``"B16"`` (solar), ``"B18"`` and ``"B19"`` (wind at sea, on land).
    site : str, optional
        Name of the column; the area by default.
    frequency : str, optional
        See :func:`parse_entsoe`.
    base_url : str, optional
        By default that of the variable ``ENTSOE_ENDPOINT_URL``, or the platform's.
    http : Http, optional

    Returns
    -------
    Observations

    Raises
    ------
    MissingDataError
        If the platform has nothing of the period.
    SourceError
        If the server cannot be asked, or its answer cannot be right.
    DependencyError
        Without the extra ``entsoe``.

    Examples
    --------
    >>> parse_entsoe.__name__  # asks a server: see docs/howto/observations.md
    'parse_entsoe'
    """
    if quantity == "generation" and kind is None:
        raise RefusedError(
            "A generation is asked for without kind.", "It is that of one type of plant.", "Give kind='B19'."
        )
    url = base_url or os.environ.get("ENTSOE_ENDPOINT_URL") or _URL
    client = _client(_Session(token, url, http or Http()))
    first, last = timestamps.instant(start), timestamps.instant(end)
    pieces = []
    begin = first
    while begin < last:
        finish = min(begin + _SPAN, last)
        try:
            pieces += list(_points(_ask(client, area, begin, finish, quantity, kind), kind))
        except MissingDataError:
            if finish == last and not pieces:
                raise
        begin = finish
    return _joined(
        pieces, site or area, published_after=published_after, frequency=frequency, within=(first, last)
    )


def read_entsoe(
    path: str | Path,
    *,
    site: str,
    published_after: str | timedelta,
    kind: str | None = None,
    frequency: str | None = None,
) -> Observations:
    """A stored answer of the platform; see :func:`parse_entsoe`.

    Examples
    --------
    >>> read_entsoe("nowhere.xml", site="DE", published_after="1h")
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.xml'
    """
    body = Path(path).read_bytes()
    return parse_entsoe(body, site=site, published_after=published_after, kind=kind, frequency=frequency)


def parse_entsoe(
    body: bytes,
    *,
    site: str,
    published_after: str | timedelta,
    kind: str | None = None,
    frequency: str | None = None,
) -> Observations:
    """Observations of an answer of the platform.

    Parameters
    ----------
    body : bytes
        XML of a ``GL_MarketDocument``.
    site : str
        Name of the column.
    published_after : str or timedelta
        Delay after the end of an interval.
    kind : str, optional
        Type of plant, where there are several. What plants consume themselves is not taken off.
    frequency : str, optional
        By default the longest resolution of the document: areas went from 60 to 15 min in the middle of
        their series. Shorter ones become means, whole or missing; longer ones are never cut.

    Returns
    -------
    Observations

    Raises
    ------
    ResponseError
        If the XML is cut or is something else.
    MissingDataError
        If it says that there is no matching data.

    Notes
    -----
    With curve type A03 a point holds until the next one: left-out positions repeat the value before.
    With A01 they are missing.

    Examples
    --------
    >>> text = '''<GL_MarketDocument><TimeSeries><curveType>A03</curveType><Period>
    ... <timeInterval><start>2024-01-01T00:00Z</start><end>2024-01-01T03:00Z</end></timeInterval>
    ... <resolution>PT60M</resolution>
    ... <Point><position>1</position><quantity>100</quantity></Point>
    ... <Point><position>3</position><quantity>90</quantity></Point>
    ... </Period></TimeSeries></GL_MarketDocument>'''
    >>> parse_entsoe(text.encode(), site="area", published_after="1h").values["area"].tolist()
    [100.0, 100.0, 90.0]
    """
    return _joined(
        list(_points(body, kind)), site, published_after=published_after, frequency=frequency, within=None
    )


@dataclass(frozen=True)
class _Session:
    """Session of requests for entsoe-py: adds the key and asks through Http."""

    token: str = field(repr=False)
    url: str
    http: Http
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, *, url: str, params: Mapping[str, Any], proxies: Any, timeout: Any) -> SimpleNamespace:
        del url, proxies, timeout  # those of this session hold
        # A client that asks too often is banned for ten minutes.
        asking = replace(self.http, reason=self._reason, wait=lambda _: 600.0)
        body = asking.get(self.url, params={**params, "securityToken": self.token})
        return SimpleNamespace(
            text=body.decode("utf-8", errors="replace"),
            headers={"content-type": "text/xml"},
            raise_for_status=lambda: None,
        )

    def _reason(self, body: bytes) -> str:
        found = re.search(rb"<text>(.*?)</text>", body, re.DOTALL)
        said = found[1].decode("utf-8", errors="replace") if found else ""
        return said.replace(self.token, "...")


def _client(session: _Session) -> Any:
    library = require("entsoe", extra="entsoe", purpose="entsoe-py has ENTSO-E's areas and parameters.")
    return library.EntsoeRawClient(api_key=_NO_KEY, session=session, retry_count=1)


def _ask(
    client: Any, area: str, start: pd.Timestamp, end: pd.Timestamp, quantity: str, kind: str | None
) -> bytes:
    from entsoe.exceptions import NoMatchingDataError

    try:
        if quantity == "load":
            text = client.query_load(area, start, end)
        else:
            text = client.query_generation(area, start, end, psr_type=kind)
    except NoMatchingDataError:
        raise _nothing(f"{area} from {start} to {end}") from None
    except RefusedError as error:
        if _NOTHING in error.found:
            raise _nothing(f"{area} from {start} to {end}") from None
        raise
    except ValueError as error:  # entsoe-py does not know the area
        raise RefusedError(
            f"The area {area!r} is unknown to entsoe-py: {error}", "It is one of entsoe.Area.", "Correct it."
        ) from None
    return str(text).encode()


def _points(body: bytes, kind: str | None) -> Iterator[tuple[pd.Series, pd.Timedelta]]:
    """Each period's values with their resolution; own consumption of plants is another series."""
    made = [
        item for item in _document(body) if item.find("outBiddingZone_Domain.mRID") is None or not _kind(item)
    ]
    kinds = sorted({_kind(item) for item in made} - {""})
    if kind not in kinds and (kind is not None or len(kinds) > 1):
        raise _nothing(f"kind={kind!r}; the answer has {', '.join(kinds) or 'no kinds'}")
    for series in made:
        if kind in (None, _kind(series)):
            for period in series.findall("Period"):
                try:
                    yield _period(period, series.findtext("curveType", "A01"))
                except (TypeError, ValueError, KeyError) as error:
                    raise _bad(f"has a period that cannot be read ({error})") from None


def _kind(series: ET.Element) -> str:
    """Type of plant of a generation series; None for a load."""
    return series.findtext("MktPSRType/psrType", "")


def _document(body: bytes) -> list[ET.Element]:
    if b"<!DOCTYPE" in body[:2000] or b"<!ENTITY" in body:
        raise _bad("is no document of the platform but declares a type of its own")
    try:
        root = ET.fromstring(body)  # noqa: S314  (declarations of entities are refused above)
    except ET.ParseError as error:
        raise _bad(f"is no whole XML ({error})") from None
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    series = root.findall("TimeSeries")
    said = " ".join(text.text or "" for text in root.iter("text"))
    if _NOTHING in said:
        raise _nothing("the period")
    if not series:
        raise _bad(f"is a <{root.tag}> without time series" + (f": {said[:200]}" if said else ""))
    return series


def _period(period: ET.Element, curve: str) -> tuple[pd.Series, pd.Timedelta]:
    start, end = (
        pd.Timestamp(str(period.findtext(f"timeInterval/{name}"))).tz_convert("UTC")
        for name in ("start", "end")
    )
    step = pd.Timedelta(_STEPS[str(period.findtext("resolution"))], "min")
    index = pd.date_range(start, end, freq=step, inclusive="left")
    values = np.full(len(index), np.nan)
    for point in period.findall("Point"):
        place = int(str(point.findtext("position"))) - 1
        if not 0 <= place < len(index):
            raise ValueError(f"position {place + 1} of {len(index)}")
        values[place] = float(str(point.findtext("quantity")))
    series = pd.Series(values, index=index)
    return (series.ffill() if curve == "A03" else series), step


def _joined(
    pieces: list[tuple[pd.Series, pd.Timedelta]],
    site: str,
    *,
    published_after: str | timedelta,
    frequency: str | None,
    within: tuple[pd.Timestamp, pd.Timestamp] | None,
) -> Observations:
    """Periods of several resolutions at one: shorter ones as means of whole intervals."""
    step = max(length for _, length in pieces) if frequency is None else timestamps.duration(frequency)
    for series, length in pieces:
        if length > step or step % length != pd.Timedelta(0):
            raise ResponseError(
                f"{site} comes every {length} from {series.index[0]}, and {step} is asked for.",
                "A mean over a long interval does not say what its parts were.",
                "Leave frequency out, or give a multiple of the longest.",
            )
    means = [_means(series, length, step) for series, length in pieces]
    total = pd.concat(means).groupby(level=0).last()
    if within is not None:
        total = total[(total.index >= within[0]) & (total.index < within[1])]
    if not len(total):
        raise _nothing("the period")
    return observations_from_rows(
        total.to_frame(site),
        published_after=published_after,
        format=TableFormat(unit="MW", label="beginning", frequency=step),
    )


def _means(series: pd.Series, length: pd.Timedelta, step: pd.Timedelta) -> pd.Series:
    if length == step:
        return series
    groups = series.resample(step)
    return groups.mean().where(groups.count() == step // length)


def _bad(what: str) -> ResponseError:
    return ResponseError(
        f"The answer of ENTSO-E {what}.",
        "It is a whole GL_MarketDocument with time series.",
        "Ask again; if it stays so, look at the platform's news.",
    )


def _nothing(what: str) -> MissingDataError:
    return MissingDataError(
        f"ENTSO-E has no matching data for {what}.",
        "The platform has the area's values of the period.",
        "Check area, kind and period; new values come an hour or more after their end.",
    )
