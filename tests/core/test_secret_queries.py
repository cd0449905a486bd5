"""A canary key: sent to the server that is asked, and found in no log at DEBUG, no error and no traceback."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator

import pandas as pd
import pytest

from energyforecast import Site
from energyforecast.core.http import Http
from energyforecast.core.secret_queries import without_parameters
from energyforecast.errors import EnergyForecastError
from energyforecast.observations import ServerAccess, get_entsoe
from energyforecast.weather import NSRDB
from tests.support.replay import Answer, Fault, Replay, Request, disconnected, redirected, status

CANARY = "CANARY-7f3a"
PLANT = Site(name="plant", latitude=39.74, longitude=-105.18)
SOON = Http(attempts=2, timeout=5.0, deadline=10.0, sleep=lambda _: None)


@pytest.fixture
def server() -> Iterator[Replay]:
    with Replay({"/api": lambda _: Answer(b"{}"), "/other": lambda _: Answer(b"{}")}) as replay:
        yield replay


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Lines of all loggers at DEBUG, of every library in use."""
    lines: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: lines.append(f"{record.name} {record.getMessage()}")  # type: ignore[method-assign]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def _plain(server: Replay) -> object:
    http = Http(attempts=2, timeout=5.0, sleep=lambda _: None, secret={"token": CANARY})
    return repr(http), http.get(f"{server.url}/api", params={"area": "x"})


def _nsrdb(server: Replay) -> object:
    source = NSRDB(api_key=CANARY, email=f"{CANARY}@example.org", base_url=f"{server.url}/api", http=SOON)
    start = pd.Timestamp("2020", tz="UTC")
    return source.get_period([PLANT], start, start + pd.Timedelta("1D"))


def _entsoe(server: Replay) -> object:
    pytest.importorskip("entsoe", reason="entsoe-py (extra entsoe) is not installed")
    access = ServerAccess(base_url=f"{server.url}/api", token=CANARY, http=SOON)
    return get_entsoe("DE_LU", start="2024-01-01", end="2024-01-02", access=access, published_after="1h")


def _echoing(answer: Answer, request: Request) -> Answer:
    """A redirect that repeats the query, as many servers do."""
    if request.path != "/api":
        return answer
    query = "&".join(f"{name}={value[0]}" for name, value in request.query.items())
    return Answer(status=302, headers={"Location": f"/other?{query}"})


@pytest.mark.parametrize("ask", [_plain, _nsrdb, _entsoe])
@pytest.mark.parametrize(
    "fault", [None, status(404), status(500, "down"), status(429), disconnected(), _echoing]
)
def test_no_log_error_or_traceback_has_the_key(
    server: Replay, logged: list[str], ask: Callable[[Replay], object], fault: Fault | None
) -> None:
    server.always(fault)
    said = ""
    try:
        said = repr(ask(server))
    except EnergyForecastError:
        said = traceback.format_exc()
    assert any(CANARY in str(request.query) for request in server.requests), "it was sent"
    assert any("urllib3" in line for line in logged), "the log is that of a request"
    assert CANARY not in said + "".join(logged)


def test_a_redirect_to_another_host_does_not_get_the_key(server: Replay) -> None:
    with Replay({"/new": lambda _: Answer(b"new")}) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        server.always(redirected(f"{elsewhere}/new?area=x"))
        Http(secret={"token": CANARY}).get(f"{server.url}/api")
        assert [request.one("token") for request in server.requests] == [CANARY]
        assert [dict(request.query) for request in other.requests] == [{"area": ["x"]}]


def test_a_redirect_on_the_host_keeps_the_key(server: Replay) -> None:
    server.always(_echoing)
    Http(secret={"token": CANARY}).get(f"{server.url}/api", params={"area": "x"})
    assert [dict(request.query) for request in server.requests] == 2 * [{"area": ["x"], "token": [CANARY]}]


def test_addresses_without_the_parameter_stay_as_they_are() -> None:
    address = "https://x.org/a?b=%2F+&c"
    assert without_parameters(address, {"token": ""}) == address
