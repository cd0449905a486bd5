"""Requests to Open-Meteo: several sites at once, split by weight and length, repeated after a rate limit."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final
from urllib.parse import urlencode

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.http import Http
from energyforecast.core.sites import Site
from energyforecast.core.structured_text import parse_json
from energyforecast.errors import RefusedError, ResponseError, RunNotPublishedError, SchemaError, one_of
from energyforecast.weather.sources.openmeteo.catalogue import (
    PRODUCTS,
    CellSelection,
    OpenMeteoModel,
    column_of,
)
from energyforecast.weather.sources.openmeteo.parser import Payload, decode, in_order

__all__ = ["Endpoint", "OpenMeteoAccess", "RunStatus", "get_open_meteo", "weight"]

_MAX_SITES: Final = 1000
#: Longer queries go as a form.
_LONGEST_QUERY: Final = 1800
_PAUSE: Final = 2.0
_HOUR: Final = pd.Timedelta("1h")
#: By step: the part of an answer, and the parameters of its number of stamps, of the first and of the last.
_STEPS: Final = {
    "1h": ("hourly", "forecast_hours", "start_hour", "end_hour"),
    "15min": ("minutely_15", "forecast_minutely_15", "start_minutely_15", "end_minutely_15"),
}
_KEY: Final = re.compile(r"(?i)(api_?key\W{0,3})\S+")


@checked(largest_weight=(1, inf))
@dataclass(frozen=True, kw_only=True)
class OpenMeteoAccess:
    """Access to Open-Meteo: address, key, retries and size of requests.

    Parameters
    ----------
    base_url : str, optional
        Address of another server, such as a self-hosted one; Open-Meteo's by default, its customers' with a key.
    api_key : str, optional
        Of a customer; sent as a header, so that no address contains it. Without it Open-Meteo is for
        non-commercial use.
    http : Http, optional
        Timeouts and retries.
    largest_weight : float
        Of one request; the free service allows 600 a minute. [calls]

    See Also
    --------
    energyforecast.weather.OpenMeteo, energyforecast.weather.open_meteo

    Examples
    --------
    >>> OpenMeteoAccess(api_key="secret")
    OpenMeteoAccess(base_url=None, largest_weight=400.0)
    """

    base_url: str | None = None
    api_key: str | None = dataclasses.field(default=None, repr=False)
    http: Http = dataclasses.field(default_factory=Http, repr=False)
    largest_weight: float = 400.0


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Endpoint of one product, for hours or quarter-hours."""

    product: str
    access: OpenMeteoAccess = dataclasses.field(default_factory=OpenMeteoAccess)
    step: str = "1h"

    def __post_init__(self) -> None:
        one_of("product of Open-Meteo", self.product, allowed=PRODUCTS)
        one_of("step of Open-Meteo", self.step, allowed=_STEPS)

    @property
    def base(self) -> str:
        """Address without path."""
        default = PRODUCTS[self.product].address(with_key=self.access.api_key is not None)
        return (self.access.base_url or default).rstrip("/")

    @property
    def url(self) -> str:
        """Address of the product."""
        return self.base + PRODUCTS[self.product].path

    def get(self, url: str, params: Mapping[str, str]) -> bytes:
        """Body of an answer; a long request is sent as a form."""
        http = self._client()
        if len(urlencode(params)) > _LONGEST_QUERY:
            return http.post(url, data=params)
        return http.get(url, params=params)

    def places(self, params: Mapping[str, str]) -> Payload:
        """Places of an answer; a malformed one with status 200 is requested once more."""
        body = self._body(params)
        try:
            return decode(body)
        except ResponseError:
            self.access.http.sleep(_PAUSE)
        return decode(self._body(params))

    def _body(self, params: Mapping[str, str]) -> bytes:
        try:
            return self.get(self.url, params)
        except RefusedError as error:
            if "run is not available" not in error.found:
                raise
            raise RunNotPublishedError(
                error.found,
                "The run must be published.",
                "Ask for an older run, or wait until it is published.",
            ) from None

    def _client(self) -> Http:
        http, key = self.access.http, self.access.api_key
        secret = {} if key is None else {"X-Api-Key": key}
        return dataclasses.replace(
            http,
            headers={**http.headers, **secret},
            reason=lambda body: _reason(body, key),
            retry_after=_retry_after,
        )


def _reason(body: bytes, secret: str | None) -> str:
    """Reason that the server gave for an error, with keys removed."""
    try:
        payload = parse_json(body)
        reason = str(payload["reason"]) if isinstance(payload, dict) and "reason" in payload else ""
    except ValueError:
        return ""
    return _KEY.sub(r"\1***", reason.replace(secret, "***") if secret else reason)


def _retry_after(reason: str) -> float:
    """Seconds until a limit begins anew: the minute's, the hour's or the day's. [s]"""
    now = timestamps.now()
    if "concurrent" in reason:
        return 5.0
    if "next hour" in reason or reason.startswith("Hourly"):
        return float((now.floor("h") + _HOUR - now).total_seconds()) + 5.0
    if "tomorrow" in reason or reason.startswith("Daily"):
        return float((now.floor("D") + pd.Timedelta("1D") - now).total_seconds()) + 60.0
    return 61.0


def weight(*, sites: int, variables: int, days: float) -> float:
    r"""Cost of a request in calls: at least one for each site, more with variables and days.

    Parameters
    ----------
    sites : int
    variables : int
        Times the members of an ensemble.
    days : float
        Length of the period.

    Notes
    -----
    .. math::
        w = n_{\text{sites}} \max\left(1,\; \frac{n_{\text{variables}}}{10},\;
            \frac{n_{\text{variables}}}{10} \cdot \frac{n_{\text{days}}}{14} \right)

    References
    ----------
    https://open-meteo.com/en/pricing

    Examples
    --------
    Ten years of ten variables at one site:

    >>> round(weight(sites=1, variables=10, days=3653))
    261
    """
    share = variables / 10
    return sites * max(1.0, share, share * days / 14)


def get_open_meteo(
    sites: Sequence[Site],
    *,
    endpoint: Endpoint,
    model: OpenMeteoModel,
    variables: Sequence[str],
    start: pd.Timestamp,
    end: pd.Timestamp,
    days: Sequence[int] = (),
    cell_selection: CellSelection = "nearest",
) -> Payload:
    """Request hours at sites; several requests are joined to one answer."""
    names = [column_of(name).name for name in variables]
    hourly = [f"{name}_previous_day{day}" for name in names for day in days] if days else names
    common = {
        _STEPS[endpoint.step][0]: ",".join(hourly),
        "models": model.name,
        "cell_selection": cell_selection,
        "wind_speed_unit": "ms",
        "timezone": "GMT",
        "timeformat": "unixtime",
    }
    columns = len(hourly) * max(model.members, 1)
    whole = endpoint.product == "single_runs"
    largest, step = endpoint.access.largest_weight, pd.Timedelta(endpoint.step)
    joined: Payload = []
    for group in _sites_by_weight(sites, columns, (end - start) / pd.Timedelta("1D"), largest):
        spans = [(start, end)] if whole else _spans(start, end, len(group), columns, largest)
        spans = [(first, last if last == end else last + _HOUR - step) for first, last in spans]
        answers = [
            in_order(
                endpoint.places({**common, **_where(group), **_when(first, last, whole, endpoint.step)}),
                group,
            )
            for first, last in spans
        ]
        joined += [_joined(parts) for parts in zip(*answers, strict=True)]
    # Numbers count anew for each request; they are in order now.
    return [{key: value for key, value in item.items() if key != "location_id"} for item in joined]


def _where(sites: Sequence[Site]) -> dict[str, str]:
    places = [site.coordinates_for_weather() for site in sites]
    return {
        "latitude": ",".join(f"{latitude:.5f}" for latitude, _ in places),
        "longitude": ",".join(f"{longitude:.5f}" for _, longitude in places),
    }


def _when(first: pd.Timestamp, last: pd.Timestamp, whole: bool, step: str) -> dict[str, str]:
    _, count, start, end = _STEPS[step]
    if whole:
        stamps = round((last - first) / pd.Timedelta(step)) + 1
        return {"run": f"{first:%Y-%m-%dT%H:%M}", count: str(stamps)}
    return {start: f"{first:%Y-%m-%dT%H:%M}", end: f"{last:%Y-%m-%dT%H:%M}"}


def _sites_by_weight(
    sites: Sequence[Site], columns: int, days: float, largest: float
) -> Iterator[Sequence[Site]]:
    """Sites of one request: as many as its weight allows, at least one."""
    count = max(1, min(_MAX_SITES, int(largest / weight(sites=1, variables=columns, days=days))))
    for k in range(0, len(sites), count):
        yield sites[k : k + count]


def _spans(
    start: pd.Timestamp, end: pd.Timestamp, sites: int, columns: int, largest: float
) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Periods of one request each, first and last stamp: whole days, as many as its weight allows."""
    share = sites * columns / 10
    longest = pd.Timedelta(days=max(1, math.floor(14 * largest / share)))
    firsts = pd.date_range(start, end, freq=longest)
    return [(first, min(first + longest - _HOUR, end)) for first in firsts]


def _joined(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One place in several periods."""
    first = parts[0]
    if len(parts) == 1:
        return first
    kept = ("latitude", "longitude", "utc_offset_seconds", "hourly_units")
    for part in parts[1:]:
        changed = [key for key in kept if part.get(key) != first.get(key)]
        if changed or set(part.get("hourly", {})) != set(first.get("hourly", {})):
            raise ResponseError(
                f"Open-Meteo's answers for two periods differ in {changed[0] if changed else 'their columns'}.",
                "One place must have one cell, one offset and one unit for each variable.",
                "Try again later; request each period alone.",
            )
    columns = first.get("hourly", {})
    return {**first, "hourly": {key: [v for part in parts for v in part["hourly"][key]] for key in columns}}


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """Newest run of a server, as it reports it."""

    init_time: pd.Timestamp
    available_time: pd.Timestamp

    @classmethod
    def of(cls, model: OpenMeteoModel, *, endpoint: Endpoint) -> RunStatus:
        """Request it; a model of several parts has a run when each part has it."""
        if not model.domains:
            raise SchemaError(
                f"The address of the run status of {model.name!r} at Open-Meteo is not known.",
                "A model of this product must have `domains`.",
                "Use product='single_runs', or OpenMeteoModel(..., domains=('...',)).",
            )
        parts = [
            cls._part(f"{endpoint.base}/data/{name}/static/meta.json", endpoint) for name in model.domains
        ]
        return cls(
            init_time=min(part.init_time for part in parts),
            available_time=max(part.available_time for part in parts),
        )

    @classmethod
    def _part(cls, url: str, endpoint: Endpoint) -> RunStatus:
        (status,) = decode(endpoint.get(url, {}))
        keys = ("last_run_initialisation_time", "last_run_availability_time")
        if not all(isinstance(status.get(key), int) and status[key] > 0 for key in keys):
            raise ResponseError(
                f"{url} does not give {' and '.join(keys)}.",
                "It must give both, in unix time.",
                "Try again later.",
            )
        init, available = (pd.Timestamp(status[key], unit="s", tz="UTC").as_unit("ns") for key in keys)
        return cls(init_time=init, available_time=available)
