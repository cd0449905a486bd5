"""Load and generation from ENTSO-E's Transparency Platform; entsoe-py knows its areas and its parameters."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.http import Http
from energyforecast.core.observation_series import Observations
from energyforecast.core.table_format import TableFormat
from energyforecast.errors import MissingDataError, RefusedError, ResponseError, require
from energyforecast.observations.entsoe_kinds import check_kind
from energyforecast.observations.rows import observations_from_rows
from energyforecast.observations.server_access import ServerAccess

__all__ = ["get_entsoe", "parse_entsoe", "read_entsoe"]

_URL: Final = "https://web-api.tp.entsoe.eu/api"
_STEPS: Final = {"PT1M": 1, "PT15M": 15, "PT30M": 30, "PT60M": 60, "PT1H": 60}
_NO_DATA: Final = "No matching data found"
#: Longest period of one request.
_SPAN: Final = pd.Timedelta("365D")
#: Key that entsoe-py is given, so that it has none to log.
_NO_KEY: Final = "kept back"


def get_entsoe(
    area: str,
    *,
    start: Any,
    end: Any,
    access: ServerAccess,
    published_after: str | timedelta,
    plant_type: str | None = None,
    site: str | None = None,
    frequency: str | None = None,
) -> Observations:
    """Actual load of an area, or its generation by one type of plant.

    Parameters
    ----------
    area : str
        As entsoe-py names it, e.g. ``"DE_LU"`` or ``"10Y1001A1001A82H"``.
    start, end : str or moment
        `end` is not included.
    access : ServerAccess
        With the token of the platform. The default address is that of the variable ``ENTSOE_ENDPOINT_URL``, or the
        platform's.
    published_after : str or timedelta
        Latency after the end of an interval; the platform does not give the time at which it published a value.
        Load and generation are due after an hour, and later in some areas.
    plant_type : str, optional
        Of a generation, e.g. ``"B16"`` (solar), ``"B18"`` and ``"B19"`` (wind at sea, on land); load by default.
    site : str, optional
        Name of the column; the area by default.
    frequency : str, optional
        See :func:`parse_entsoe`.

    Returns
    -------
    Observations

    Raises
    ------
    MissingDataError
        If the platform has no value of the period.
    RefusedError
        If `access` has no token, or the area is unknown.
    SourceError
        If the server cannot be reached, or its answer cannot be right.
    DependencyError
        Without the extra ``entsoe``.

    See Also
    --------
    parse_entsoe : The series of an answer.
    get_elexon : Great Britain.

    Examples
    --------
    >>> get_entsoe("DE_LU", start="2024", end="2025", access=ServerAccess(), published_after="1h")
    Traceback (most recent call last):
        ...
    energyforecast.errors.RefusedError: ENTSO-E was asked without a token.
    The platform answers to holders of a token.
    Give access=ServerAccess(token=...); the platform grants one for free.
    """
    if access.token is None:
        raise RefusedError(
            "ENTSO-E was asked without a token.",
            "The platform answers to holders of a token.",
            "Give access=ServerAccess(token=...); the platform grants one for free.",
        )
    url = access.base_url or os.environ.get("ENTSOE_ENDPOINT_URL") or _URL
    client = _client(_Session(access.token, url, access.http))
    first, last = timestamps.instant(start), timestamps.instant(end)
    series: list[tuple[pd.Series, pd.Timedelta]] = []
    for begin in pd.date_range(first, last, freq=_SPAN, inclusive="left"):
        finish = min(begin + _SPAN, last)
        try:
            series += _series(_ask(client, area, begin, finish, plant_type), plant_type)
        except MissingDataError:
            if finish == last and not series:
                raise
    return _joined(
        series, site or area, published_after=published_after, frequency=frequency, within=(first, last)
    )


def read_entsoe(
    path: str | Path,
    *,
    site: str,
    published_after: str | timedelta,
    plant_type: str | None = None,
    frequency: str | None = None,
) -> Observations:
    """A stored answer of the platform; see :func:`parse_entsoe`.

    See Also
    --------
    get_entsoe, parse_entsoe

    Examples
    --------
    >>> read_entsoe("nowhere.xml", site="DE", published_after="1h")
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.xml'
    """
    body = Path(path).read_bytes()
    return parse_entsoe(
        body, site=site, published_after=published_after, plant_type=plant_type, frequency=frequency
    )


@checked()
def parse_entsoe(
    body: bytes,
    *,
    site: str,
    published_after: str | timedelta,
    plant_type: str | None = None,
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
        Latency after the end of an interval.
    plant_type : str, optional
        Where there are several. The auxiliary consumption of plants is not subtracted.
    frequency : str, optional
        By default the longest resolution of the document: areas went from 60 to 15 min in the middle of
        their series. Shorter ones become means, whole or missing; longer ones are never cut.

    Returns
    -------
    Observations

    Raises
    ------
    ResponseError
        If the XML is cut, or no document of measurements: a forecast, prices, a schedule.
    MissingDataError
        If there is no matching data.

    See Also
    --------
    get_entsoe : From the server.
    read_entsoe : From a file.

    Notes
    -----
    With curve type A03 a point is valid until the next one: omitted positions repeat the previous value.
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
        list(_series(body, plant_type)),
        site,
        published_after=published_after,
        frequency=frequency,
        within=None,
    )


@dataclass(frozen=True)
class _Session:
    """Session of requests for entsoe-py: adds the token and requests through Http."""

    token: str = field(repr=False)
    url: str
    http: Http
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, *, url: str, params: Mapping[str, Any], proxies: Any, timeout: Any) -> SimpleNamespace:
        """Answer to a request of entsoe-py, at the address and with the timeouts of this session."""
        del url, proxies, timeout
        # A client with too many requests is banned for ten minutes.
        secret = {"securityToken": self.token}
        asking = replace(self.http, reason=self._reason, retry_after=lambda _: 600.0, secret=secret)
        known = {name: value for name, value in params.items() if name not in secret}
        body = asking.get(self.url, params=known)
        return SimpleNamespace(
            text=body.decode("utf-8", errors="replace"),
            headers={"content-type": "text/xml"},
            raise_for_status=lambda: None,
        )

    def _reason(self, body: bytes) -> str:
        """Reason in an answer, without the token."""
        found = re.search(rb"<text>(.*?)</text>", body, re.DOTALL)
        text = found[1].decode("utf-8", errors="replace") if found else ""
        return text.replace(self.token, "...")


def _client(session: _Session) -> Any:
    """Client of entsoe-py with a session."""
    library = require("entsoe", extra="entsoe", purpose="entsoe-py has ENTSO-E's areas and parameters.")
    return library.EntsoeRawClient(api_key=_NO_KEY, session=session, retry_count=1)


def _ask(client: Any, area: str, start: pd.Timestamp, end: pd.Timestamp, plant_type: str | None) -> bytes:
    """Answer for a period of at most a year."""
    from entsoe.exceptions import NoMatchingDataError

    try:
        if plant_type is None:
            text = client.query_load(area, start, end)
        else:
            text = client.query_generation(area, start, end, psr_type=plant_type)
    except NoMatchingDataError:
        raise _no_data(f"{area} from {start} to {end}") from None
    except RefusedError as error:
        if _NO_DATA in error.found:
            raise _no_data(f"{area} from {start} to {end}") from None
        raise
    except ValueError as error:  # entsoe-py does not know the area
        raise RefusedError(
            f"The area {area!r} is unknown to entsoe-py: {error}",
            "An area must be one of entsoe.Area.",
            "Correct its name.",
        ) from None
    return str(text).encode()


def _series(body: bytes, plant_type: str | None) -> Iterator[tuple[pd.Series, pd.Timedelta]]:
    """Values of each period with their resolution; the auxiliary consumption of plants is another series."""
    generated = [
        item
        for item in _document(body)
        if item.find("outBiddingZone_Domain.mRID") is None or not _plant_type(item)
    ]
    types = sorted({_plant_type(item) for item in generated} - {""})
    if plant_type not in types and (plant_type is not None or len(types) > 1):
        raise _no_data(f"plant_type={plant_type!r}; the answer has {', '.join(types) or 'no types'}")
    for item in generated:
        if item.findtext("quantity_Measure_Unit.name", "MAW") != "MAW":
            raise _bad(f"is in {item.findtext('quantity_Measure_Unit.name')}, not in MW (MAW)")
        if plant_type in (None, _plant_type(item)):
            for period in item.findall("Period"):
                try:
                    yield _period(period, item.findtext("curveType", "A01"))
                except (TypeError, ValueError, KeyError) as error:
                    raise _bad(f"has a period that cannot be read ({error})") from None


def _plant_type(series: ET.Element) -> str:
    """Type of plant of a generation series; empty for a load."""
    return series.findtext("MktPSRType/psrType", "")


def _document(body: bytes) -> list[ET.Element]:
    """Time series of an XML answer."""
    if b"<!DOCTYPE" in body[:2000] or b"<!ENTITY" in body:
        raise _bad("is no document of the platform: it declares a document type")
    try:
        root = ET.fromstring(body)  # noqa: S314  (declarations of entities are refused above)
    except ET.ParseError as error:
        raise _bad(f"is no whole XML ({error})") from None
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    check_kind(root)
    series = root.findall("TimeSeries")
    reason = " ".join(text.text or "" for text in root.iter("text"))
    if _NO_DATA in reason:
        raise _no_data("the period")
    if not series:
        raise _bad(f"is a <{root.tag}> without time series" + (f": {reason[:200]}" if reason else ""))
    return series


def _period(period: ET.Element, curve: str) -> tuple[pd.Series, pd.Timedelta]:
    """Values of a period and its resolution."""
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
    series: list[tuple[pd.Series, pd.Timedelta]],
    site: str,
    *,
    published_after: str | timedelta,
    frequency: str | None,
    within: tuple[pd.Timestamp, pd.Timestamp] | None,
) -> Observations:
    """Periods of several resolutions at one: shorter ones as means of whole intervals."""
    step = max(length for _, length in series) if frequency is None else timestamps.duration(frequency)
    for values, length in series:
        if length > step or step % length != pd.Timedelta(0):
            raise ResponseError(
                f"{site} has values every {length} from {values.index[0]}, and {step} is requested.",
                "A mean over a long interval cannot be split into its parts.",
                "Leave frequency out, or give a multiple of the longest.",
            )
    means = [_means(values, length, step) for values, length in series]
    total = pd.concat(means).groupby(level=0).last()
    if within is not None:
        total = total[(total.index >= within[0]) & (total.index < within[1])]
    if not len(total):
        raise _no_data("the period")
    return observations_from_rows(
        total.to_frame(site),
        published_after=published_after,
        format=TableFormat(unit="MW", label="beginning", frequency=step),
    )


def _means(values: pd.Series, length: pd.Timedelta, step: pd.Timedelta) -> pd.Series:
    """Means over whole longer intervals."""
    if length == step:
        return values
    groups = values.resample(step)
    return groups.mean().where(groups.count() == step // length)


def _bad(problem: str) -> ResponseError:
    """Error for an answer of another form."""
    return ResponseError(
        f"The answer of ENTSO-E {problem}.",
        "It must be a whole GL_MarketDocument with time series.",
        "Ask again; if it stays so, look at the platform's news.",
    )


def _no_data(absent: str) -> MissingDataError:
    """Error for an answer without the requested values."""
    return MissingDataError(
        f"ENTSO-E has no matching data for {absent}.",
        "The platform must have values of the area in the period.",
        "Check area, plant_type and period; values are published an hour or more after their end.",
    )
