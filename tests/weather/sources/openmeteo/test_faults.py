"""Open-Meteo, faulty: the healthy result or a clear error, never a wrong number, and never a key in sight.

The real HTTP stack speaks to a server on this machine, whose faults follow a script.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.sites import Site
from energyforecast.errors import (
    EnergyForecastError,
    RangeError,
    RateLimitError,
    RefusedError,
    ResponseError,
    RunNotPublishedError,
    TimeError,
    UnitsError,
    UnreachableError,
)
from energyforecast.point_in_time import weather_access
from energyforecast.weather import Http, OpenMeteo, OpenMeteoAccess, OpenMeteoHistory, open_meteo
from energyforecast.weather.sources.openmeteo import parse_open_meteo
from energyforecast.weather.sources.openmeteo.catalogue import OPEN_METEO_MODELS
from tests.support.replay import (
    Fault,
    Replay,
    disconnected,
    dripping,
    late,
    mangled,
    only,
    redirected,
    rewritten,
    said,
    status,
    streamed,
    truncated,
    zipped,
)
from tests.support.replay_open_meteo import OpenMeteoServer

pytestmark = pytest.mark.faults

SITES = (
    Site(name="farm", latitude=43.64, longitude=78.54),
    Site(name="plant", latitude=43.97, longitude=77.11),
)
NAMES = ("wind_speed_100m", "wind_direction_100m", "temp_air", "relative_humidity", "pressure", "ghi")
RUN = timestamps.instant("2024-06-10 06:00")
CANARY = "CANARY-4f1d"


@pytest.fixture(scope="module")
def _running() -> Iterator[Replay]:
    with Replay(OpenMeteoServer().routes()) as server:
        yield server


@pytest.fixture
def server(_running: Replay) -> Replay:
    _running.heal()
    return _running


class Slept(list[float]):
    """Pauses that were asked for, without being slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def _source(server: Replay, slept: Slept | None = None, **how: Any) -> OpenMeteo:
    patience = {
        "timeout": 0.5,
        "deadline": 100.0,
        "attempts": 3,
        "sleep": Slept() if slept is None else slept,
    } | how.pop("http", {})
    address = how.pop("base_url", server.url + "/single")
    given: dict[str, Any] = {"variables": NAMES, "horizon": "48h"} | how
    access = OpenMeteoAccess(base_url=address, http=Http(**patience), api_key=CANARY)
    return OpenMeteo(given.pop("model", "ecmwf_ifs"), access=access, **given)


@pytest.fixture(scope="module")
def healthy(_running: Replay) -> xr.Dataset:
    _running.heal()
    return _source(_running).get_run(SITES, RUN)


def _same(run: xr.Dataset, healthy: xr.Dataset) -> None:
    for name in NAMES:
        np.testing.assert_array_equal(run[name].values, healthy[name].values, err_msg=name)


def _clear(error: EnergyForecastError) -> None:
    """Three lines: found, expected, remedy; and no key."""
    assert len(str(error).splitlines()) == 3
    assert CANARY not in str(error) + repr(error.args) + repr(error.__cause__) + repr(error.__context__)


# --- The network: what passes is waited for -------------------------------------------------------

_MINUTE = '{"error":true,"reason":"Minutely API request limit exceeded. Please try again in one minute."}'
_BUSY = '{"error":true,"reason":"Too many concurrent requests"}'

_PASSING: dict[str, Fault] = {
    "500 once": status(500, "Internal Server Error"),
    "502 once": status(502, "<html>Bad Gateway</html>"),
    "503 once": status(503, '{"error":true,"reason":"The service is overloaded"}'),
    "408 once": status(408),
    "429 by the minute": status(429, _MINUTE),
    "429 for too many at once": status(429, _BUSY),
    "429 with Retry-After": status(429, "", headers={"Retry-After": "7"}),
    "429 with a date that has passed": status(
        429, "", headers={"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}
    ),
    "time-out once": late(1.0),
    "disconnected once": disconnected(),
    "cut off once": truncated(0.5),
    "cut off once, in chunks": truncated(0.9, chunked=True),
    "broken off while streaming": rewritten(
        lambda body: body[:900] + b"Unexpected error while streaming data: timeoutReached"
    ),
    "HTML at 200": said("<!DOCTYPE html><html><body>Maintenance</body></html>"),
    "nothing at 200": said(""),
    "an error at 200": said('{"error":true,"reason":"something failed"}', kind="application/json"),
}


@pytest.mark.parametrize("fault", _PASSING)
def test_what_passes_is_waited_for(server: Replay, healthy: xr.Dataset, fault: str) -> None:
    slept = Slept()
    server.script(_PASSING[fault])
    _same(_source(server, slept).get_run(SITES, RUN), healthy)
    assert len(server.requests) == 2
    assert len(slept) == 1
    expected = {
        "429 by the minute": 61.0,
        "429 for too many at once": 5.0,
        "429 with Retry-After": 7.0,
        "429 with a date that has passed": 0.0,
    }
    assert slept[0] == expected.get(fault, pytest.approx(1.0, abs=1.01))


_HARMLESS: dict[str, Fault] = {
    "in chunks": streamed(),
    "zipped": zipped(),
    "another content type": lambda answer, _: _typed(answer, "text/html"),
    "a byte-order mark": rewritten(lambda body: body + b"\n"),
    "a redirect": lambda answer, request: (
        answer if "moved" in request.query else _redirect(request, "&moved=1")
    ),
}


def _typed(answer: Any, kind: str) -> Any:
    from dataclasses import replace

    return replace(answer, content_type=kind)


def _redirect(request: Any, extra: str) -> Any:
    from urllib.parse import urlencode

    return redirected(request.path + "?" + urlencode(request.query, doseq=True) + extra)(None, request)  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", _HARMLESS)
def test_what_does_no_harm_does_none(server: Replay, healthy: xr.Dataset, fault: str) -> None:
    server.always(_HARMLESS[fault])
    _same(_source(server).get_run(SITES, RUN), healthy)


# --- The network: what stays is told --------------------------------------------------------------

_HOURLY = '{"error":true,"reason":"Hourly API request limit exceeded. Please try again in the next hour."}'
_DAILY = '{"error":true,"reason":"Daily API request limit exceeded. Please try again tomorrow."}'
_KEY = f'{{"error":true,"reason":"The supplied API key {CANARY} is invalid"}}'

#: Fault, error, words of its message, requests (0 for any number).
_LASTING: dict[str, tuple[Fault, type[EnergyForecastError], str, int]] = {
    "500 for ever": (status(500), UnreachableError, "500", 3),
    "503 for ever": (status(503, '{"error":true,"reason":"overloaded"}'), UnreachableError, "overloaded", 3),
    "time-outs for ever": (late(0.8), UnreachableError, "ReadTimeout", 3),
    "disconnected for ever": (disconnected(), UnreachableError, "cannot be reached", 3),
    "cut off for ever": (truncated(0.5), UnreachableError, "cannot be reached", 3),
    "429 by the hour": (status(429, _HOURLY), RateLimitError, "Hourly", 1),
    "429 by the day": (status(429, _DAILY), RateLimitError, "Daily", 1),
    "400": (status(400, '{"error":true,"reason":"Cannot initialize"}'), RefusedError, "Cannot initialize", 1),
    "401": (status(401, _KEY), RefusedError, "401", 1),
    "404": (status(404), RunNotPublishedError, "404", 1),
    "redirects in a circle": (lambda _, r: _redirect(r, ""), UnreachableError, "TooManyRedirects", 0),
    "a redirect to a file": (redirected("file:///etc/passwd"), UnreachableError, "InvalidSchema", 3),
    "streaming errors for ever": (
        rewritten(lambda body: body[:900] + b"Unexpected error while streaming data: x"),
        ResponseError,
        "Unexpected error while streaming data: x",
        2,
    ),
    "HTML for ever": (said("<html>login</html>"), ResponseError, "<html>login", 2),
    "a number": (said("42"), ResponseError, "no places", 2),
    "no places": (said("[]"), ResponseError, "no places", 2),
    "half of the JSON": (rewritten(lambda body: body[: len(body) // 2]), ResponseError, "no JSON", 2),
    "not text": (said(b"\xff\xfe\x00\x01" * 50), ResponseError, "no JSON", 2),
}


@pytest.mark.parametrize("fault", _LASTING)
def test_what_stays_is_told(server: Replay, fault: str) -> None:
    spoil, kind, words, count = _LASTING[fault]
    server.always(spoil)
    with pytest.raises(kind, match=re.escape(words)) as caught:
        _source(server, http={"deadline": 30.0}).get_run(SITES, RUN)
    _clear(caught.value)
    assert count in (0, len(server.requests))


def test_limits_say_when_to_come_back(server: Replay) -> None:
    for reason, most in ((_HOURLY, 3605.0), (_DAILY, 86_460.0)):
        server.always(status(429, reason))
        with pytest.raises(RateLimitError) as caught:
            _source(server, http={"deadline": 0.5}).get_run(SITES, RUN)
        assert 0 < caught.value.retry_after <= most
    # The hour and the day end at the full ones.
    coming = timestamps.now() + pd.Timedelta(seconds=caught.value.retry_after - 60)
    assert abs(coming - coming.round("D")) < pd.Timedelta("10s")


def test_a_server_that_drips_is_left_at_the_deadline(server: Replay) -> None:
    server.always(dripping(10, 0.05))
    with pytest.raises(UnreachableError, match=r"had sent \d{1,3} bytes") as caught:  # not a whole piece
        _source(server, http={"timeout": 0.4, "deadline": 0.6}).get_run(SITES, RUN)
    _clear(caught.value)
    assert len(server.requests) == 1


def test_an_answer_without_end_is_not_read(server: Replay) -> None:
    server.always(said("[" + "0," * 60_000))
    with pytest.raises(ResponseError, match="more than 50000 bytes"):
        _source(server, http={"largest": 50_000}).get_run(SITES, RUN)


@pytest.mark.parametrize("url", ["http://no-such-host.invalid", "http://127.0.0.1:9"], ids=["name", "port"])
def test_a_server_that_is_not_there_is_told(server: Replay, url: str) -> None:
    with pytest.raises(UnreachableError, match="ConnectionError") as caught:
        _source(server, base_url=url).get_run(SITES, RUN)
    _clear(caught.value)


def test_a_server_that_cannot_encrypt_is_told(server: Replay) -> None:
    with pytest.raises(UnreachableError, match="SSLError") as caught:
        _source(server, base_url=server.url.replace("http:", "https:")).get_run(SITES, RUN)
    _clear(caught.value)


# --- Runs that are late or half there -------------------------------------------------------------


def _nulled(*columns: str, after: int = 0) -> Fault:
    """Values that the server does not have (yet)."""

    def change(payload: Any) -> None:
        for place in payload:
            for name, values in place["hourly"].items():
                if name != "time" and (not columns or name in columns):
                    values[after:] = [None] * len(values[after:])

    return mangled(change)


def test_a_run_without_leads_yet_keeps_what_it_has_and_gives_way_to_the_one_before(server: Replay) -> None:
    whole = open_meteo(
        SITES,
        "2024-06-10",
        "2024-06-10 12:00",
        access=OpenMeteoAccess(base_url=server.url + "/single"),
        variables=NAMES,
        horizon="48h",
    )
    server.always(only(lambda request: request.one("run") == "2024-06-10T06:00", _nulled(after=20)))
    half = open_meteo(
        SITES,
        "2024-06-10",
        "2024-06-10 12:00",
        access=OpenMeteoAccess(base_url=server.url + "/single"),
        variables=NAMES,
        horizon="48h",
    )
    assert half.attrs["missing"] == ", ".join(f"{name} {2 * (30 if name == 'ghi' else 29)}" for name in NAMES)
    there = np.isfinite(half["temp_air"].values)
    np.testing.assert_array_equal(half["temp_air"].values[there], whole["temp_air"].values[there])
    # Issued at 14 UTC for the next day: the run of 06 UTC had come, but does not reach; that of 00 UTC does.
    for names in (["temp_air"], list(NAMES)):
        got = weather_access.weather_as_of(half, site="farm", names=names, **_tomorrow())
        assert got.init_time[0] == np.datetime64("2024-06-10T00")
        assert got.skipped[0]
    got = weather_access.weather_as_of(whole, site="farm", names=["temp_air"], **_tomorrow())
    assert got.init_time[0] == np.datetime64("2024-06-10T06")


def test_a_run_without_a_variable_yet_serves_those_that_need_it_not(server: Replay) -> None:
    fault = _nulled("wind_speed_100m", "wind_direction_100m")
    server.always(only(lambda request: request.one("run") == "2024-06-10T06:00", fault))
    half = open_meteo(
        SITES,
        "2024-06-10",
        "2024-06-10 12:00",
        access=OpenMeteoAccess(base_url=server.url + "/single"),
        variables=NAMES,
        horizon="48h",
    )
    assert half.attrs["missing"] == "wind_speed_100m 98, wind_direction_100m 98"
    used = [
        weather_access.weather_as_of(half, site="farm", names=[name], **_tomorrow()).init_time[0]
        for name in ("wind_speed_100m", "temp_air")
    ]
    assert used == [np.datetime64("2024-06-10T00"), np.datetime64("2024-06-10T06")]


def _tomorrow() -> dict[str, Any]:
    issued = np.array(["2024-06-10T14"], dtype="datetime64[ns]")
    hours = issued[:, None] + np.arange(10, 34) * np.timedelta64(1, "h")
    return {"issue_time": issued, "valid_time": hours, "inside": np.ones(hours.shape, dtype=bool)}


def test_a_run_without_any_value_is_not_published(server: Replay) -> None:
    server.always(_nulled())
    with pytest.raises(RunNotPublishedError, match="without a value") as caught:
        _source(server).get_run(SITES, RUN)
    _clear(caught.value)


def test_a_run_that_vanishes_after_a_broken_answer_is_not_published(server: Replay) -> None:
    gone = status(400, '{"error":true,"reason":"The requested model run is not available. Model: x, run: y"}')
    server.script(said("<html>"), gone)
    with pytest.raises(RunNotPublishedError):
        _source(server).get_run(SITES, RUN)


def test_a_run_that_is_late_is_left_out_and_named(server: Replay) -> None:
    gone = status(400, '{"error":true,"reason":"The requested model run is not available. Model: x, run: y"}')
    server.always(only(lambda request: request.one("run") == "2024-06-10T06:00", gone))
    weather = open_meteo(
        SITES,
        "2024-06-10",
        "2024-06-10 12:00",
        access=OpenMeteoAccess(base_url=server.url + "/single"),
        variables=NAMES,
        horizon="48h",
    )
    assert weather.attrs["runs_missing"] == "2024-06-10T06"
    got = weather_access.weather_as_of(weather, site="farm", names=["temp_air"], **_tomorrow())
    assert got.init_time[0] == np.datetime64("2024-06-10T00")


def test_a_run_that_changes_while_it_is_fetched_is_not_taken(server: Replay) -> None:
    source = _source(server, product="forecast", base_url=server.url + "/forecast")
    newest = source.newest()
    moved = mangled(
        lambda meta: meta.update(last_run_initialisation_time=meta["last_run_initialisation_time"] + 21_600)
    )
    server.script(None, None, moved)
    with pytest.raises(RunNotPublishedError, match="newest run"):
        source.get_run(SITES, newest)
    fresh = mangled(
        lambda meta: meta.update(last_run_availability_time=int(timestamps.now().timestamp()) - 60)
    )
    server.always(only(lambda request: request.path.endswith("meta.json"), fresh))
    with pytest.raises(RunNotPublishedError, match="10 min after"):  # not all servers have it
        source.get_run(SITES, newest)


@pytest.mark.parametrize("told", ["null", '"soon"', "0", "-5"])
def test_a_status_that_makes_no_sense_is_refused(server: Replay, told: str) -> None:
    server.always(
        said(f'{{"last_run_initialisation_time": {told}, "last_run_availability_time": 1718000000}}')
    )
    with pytest.raises(ResponseError, match="last_run_initialisation_time"):
        _source(server, product="forecast", base_url=server.url + "/forecast").newest()


# --- Payloads that cannot be right ----------------------------------------------------------------


def _first(change: Callable[[dict[str, Any]], Any]) -> Fault:
    """A change of the first place."""
    return mangled(lambda payload: change(payload[0]) and None)


def _every(change: Callable[[dict[str, Any]], Any]) -> Fault:
    return mangled(lambda payload: [change(place) for place in payload] and None)


def _set(place: dict[str, Any], name: str, at: int, value: Any) -> None:
    place["hourly"][name][at] = value


def _renamed(place: dict[str, Any], suffix: str) -> None:
    for part in ("hourly", "hourly_units"):
        place[part] = {key if key == "time" else key + suffix: value for key, value in place[part].items()}


def _in_kmh(place: dict[str, Any]) -> None:
    place["hourly_units"]["wind_speed_100m"] = "km/h"
    place["hourly"]["wind_speed_100m"] = [3.6 * value for value in place["hourly"]["wind_speed_100m"]]


def _times(change: Callable[[list[int]], list[int]]) -> Fault:
    return _every(lambda place: place["hourly"].update(time=change(place["hourly"]["time"])))


def _cut_at(end: int) -> Fault:
    return _every(lambda p: p.update(hourly={key: values[:end] for key, values in p["hourly"].items()}))


_NOWHERE = b'"latitude":nan,"longitude":nan'

_WRONG: dict[str, tuple[Fault, type[EnergyForecastError], str]] = {
    "an object for two sites": (mangled(lambda p: p[0]), ResponseError, "answers for 1 places"),
    "three places for two": (mangled(lambda p: [*p, p[0]]), ResponseError, "answers for 3 places"),
    "one place twice": (mangled(lambda p: [p[1], p[1]]), ResponseError, "numbers its places [1, 1]"),
    "places exchanged": (
        mangled(lambda p: [p[1] | {"location_id": 0}, p[0] | {"location_id": 1}]),
        ResponseError,
        "'farm' lies at",
    ),
    "one place for both": (mangled(lambda p: [p[0], p[0] | {"location_id": 1}]), ResponseError, "'plant' lies at"),
    "a cell far away": (_first(lambda p: p.update(latitude=43.3)), ResponseError, "38 km away"),
    "no cell": (_first(lambda p: p.pop("latitude")), ResponseError, "no cell"),
    "a place outside the model": (
        rewritten(lambda body: re.sub(rb'"latitude": [^,]+, "longitude": [^,]+', _NOWHERE, body, count=1)),
        RefusedError,
        "has no values for site 'farm'",
    ),
    "no hours at all": (_first(lambda p: p.pop("hourly")), RefusedError, "has no values for site 'farm'"),
    "hours that are a list": (_first(lambda p: p.update(hourly=[1, 2])), RefusedError, "has no values"),
    "a variable missing": (_first(lambda p: p["hourly"].pop("temperature_2m")), ResponseError, "no 'temperature_2m'"),
    "another model": (_every(lambda p: _renamed(p, "_icon_seamless")), ResponseError, "_icon_seamless"),
    "km/h": (_every(_in_kmh), UnitsError, "'km/h'"),
    "Fahrenheit": (_every(lambda p: p["hourly_units"].update(temperature_2m="°F")), UnitsError, "'°F'"),
    "no units": (_first(lambda p: p["hourly_units"].pop("temperature_2m")), UnitsError, "None"),
    "units gone": (_first(lambda p: p.pop("hourly_units")), ResponseError, "no hours"),
    "hours too few": (_cut_at(30), ResponseError, "gives the hours"),
    "a gap": (_times(lambda t: t[:10] + [s + 3600 for s in t[10:]]), ResponseError, "after a gap"),
    "an hour twice": (_times(lambda t: [*t[:10], t[9], *t[11:]]), ResponseError, "doubled"),
    "hours out of order": (_times(lambda t: t[::-1]), ResponseError, "do not follow"),
    "hours a day off": (_times(lambda t: [s + 86_400 for s in t]), ResponseError, "gives the hours"),
    "half hours": (_times(lambda t: [s + 1800 for s in t]), ResponseError, "gives the hours"),
    "hours that are text": (_times(lambda t: ["soon"] * len(t)), ResponseError, "cannot be read"),
    "hours beyond all years": (_times(lambda t: [10**18] * len(t)), ResponseError, "cannot be read"),
    "numbers beyond 64 bits": (_times(lambda t: [10**30] * len(t)), ResponseError, "is no JSON"),
    "other hours at one site": (
        _first(lambda p: p["hourly"].update(time=[s + 3600 for s in p["hourly"]["time"]])),
        ResponseError,
        "other hours",
    ),
    "a column too short": (_first(lambda p: p["hourly"]["temperature_2m"].pop()), ResponseError, "49 values"),
    "a column that is a number": (_first(lambda p: p["hourly"].update(temperature_2m=3)), ResponseError, "no values"),
    "text in a column": (_first(lambda p: _set(p, "temperature_2m", 3, "warm")), ResponseError, "cannot be read"),
    "a list in a column": (_first(lambda p: _set(p, "temperature_2m", 3, [1, 2])), ResponseError, "cannot be read"),
    "infinity": (
        rewritten(lambda body: re.sub(rb'("temperature_2m": \[)[^,]+', rb"\g<1>1e999", body)),
        RangeError,
        "inf",
    ),
    "radiation far below zero": (_first(lambda p: _set(p, "shortwave_radiation", 3, -50.0)), RangeError, "-50"),
    "radiation beyond the sun": (_first(lambda p: _set(p, "shortwave_radiation", 3, 5e6)), EnergyForecastError, "ghi"),
    "humidity far above 100": (_first(lambda p: _set(p, "relative_humidity_2m", 3, 140.0)), RangeError, "140"),
    "a direction above 360": (_first(lambda p: _set(p, "wind_direction_100m", 3, 400.0)), RangeError, "400"),
    "kelvin in degrees": (
        _every(lambda p: p["hourly"].update(temperature_2m=[v + 273.15 for v in p["hourly"]["temperature_2m"]])),
        UnitsError,
        "kelvin",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", _WRONG)
def test_what_cannot_be_right_is_refused(server: Replay, fault: str) -> None:
    spoil, kind, words = _WRONG[fault]
    server.always(spoil)
    with pytest.raises(kind, match=re.escape(words)) as caught:
        _source(server).get_run(SITES, RUN)
    _clear(caught.value)


def test_months_of_kmh_under_the_name_of_ms_are_found(server: Replay) -> None:
    def faster(place: dict[str, Any]) -> None:
        place["hourly"]["wind_speed_100m"] = [3.6 * v for v in place["hourly"]["wind_speed_100m"]]

    server.always(mangled(faster))
    source = OpenMeteoHistory(
        "era5", variables=("wind_speed_100m",), access=OpenMeteoAccess(base_url=server.url + "/archive")
    )
    with pytest.raises(UnitsError, match="km/h"):
        source.get_period(SITES[:1], timestamps.instant("2024-01-01"), timestamps.instant("2024-02-01"))


def test_radiation_an_hour_off_is_found(server: Replay) -> None:
    def early(place: dict[str, Any]) -> None:
        column = place["hourly"]["shortwave_radiation"]
        place["hourly"]["shortwave_radiation"] = [*column[1:], column[-1]]

    server.always(mangled(early))
    source = OpenMeteoHistory(
        "era5", variables=("ghi",), access=OpenMeteoAccess(base_url=server.url + "/archive")
    )
    with pytest.raises(TimeError, match="before the sun"):
        source.get_period(SITES[:1], timestamps.instant("2024-06-01"), timestamps.instant("2024-06-12"))


# --- Payloads that are strange, and right ---------------------------------------------------------


def test_places_in_another_order_are_put_in_theirs(server: Replay, healthy: xr.Dataset) -> None:
    server.always(mangled(lambda places: places[::-1]))
    _same(_source(server).get_run(SITES, RUN), healthy)


def test_one_site_may_come_alone_or_in_a_list(server: Replay, healthy: xr.Dataset) -> None:
    for fault in (None, mangled(lambda place: [place])):
        server.always(fault)
        run = _source(server).get_run(SITES[:1], RUN)
        np.testing.assert_array_equal(run["ghi"].values[0], healthy["ghi"].values[0])


def test_columns_may_carry_the_name_of_the_model(server: Replay, healthy: xr.Dataset) -> None:
    server.always(_every(lambda place: _renamed(place, "_ecmwf_ifs")))
    _same(_source(server).get_run(SITES, RUN), healthy)


def test_more_hours_than_asked_are_cut(server: Replay, healthy: xr.Dataset) -> None:
    def longer(place: dict[str, Any]) -> None:
        hourly = place["hourly"]
        before = [hourly["time"][0] - 3600 * k for k in range(6, 0, -1)]
        place["hourly"] = {k: [*([None] * 6), *v] for k, v in hourly.items()} | {
            "time": before + hourly["time"]
        }

    server.always(_every(longer))  # from midnight, as with forecast_days
    _same(_source(server).get_run(SITES, RUN), healthy)


def test_the_mean_of_the_last_hour_is_missing_where_the_axis_ends(
    server: Replay, healthy: xr.Dataset
) -> None:
    server.always(_cut_at(49))
    run = _source(server).get_run(SITES, RUN)
    assert run.attrs["missing"] == "ghi 2"
    np.testing.assert_array_equal(run["ghi"].values[..., :-1], healthy["ghi"].values[..., :-1])


def test_nan_in_json_is_a_missing_value(server: Replay, healthy: xr.Dataset) -> None:
    server.always(rewritten(lambda body: re.sub(rb'("temperature_2m": \[)[^,]+', rb"\g<1>nan", body)))
    run = _source(server).get_run(SITES, RUN)
    assert run.attrs["missing"] == "temp_air 2"
    assert np.isnan(run["temp_air"].values[:, 0, 0]).all()
    np.testing.assert_array_equal(run["temp_air"].values[..., 1:], healthy["temp_air"].values[..., 1:])


def test_a_variable_of_nulls_is_missing_whatever_its_unit(server: Replay, healthy: xr.Dataset) -> None:
    def change(place: dict[str, Any]) -> None:
        place["hourly"]["wind_speed_100m"] = [None] * len(place["hourly"]["time"])
        place["hourly_units"]["wind_speed_100m"] = "undefined"

    server.always(_every(change))
    run = _source(server).get_run(SITES, RUN)
    assert run.attrs["missing"] == "wind_speed_100m 98"
    np.testing.assert_array_equal(run["temp_air"].values, healthy["temp_air"].values)


def test_coordinates_in_single_precision_are_those_of_the_cell(server: Replay, healthy: xr.Dataset) -> None:
    server.always(_every(lambda p: p.update(latitude=float(np.float32(p["latitude"])) + 1e-6)))
    _same(_source(server).get_run(SITES, RUN), healthy)


def test_north_by_wind_and_rounding_are_set_right_and_counted(server: Replay) -> None:
    def change(place: dict[str, Any]) -> None:
        _set(place, "wind_direction_100m", 0, 360.0)
        _set(place, "shortwave_radiation", 20, -0.4)
        _set(place, "relative_humidity_2m", 5, 100.8)

    server.always(_first(change))
    run = _source(server).get_run(SITES, RUN)
    assert float(run["wind_direction_100m"].values[0, 0, 0]) == 0.0
    assert float(run["ghi"].values[0, 0, 19]) == 0.0
    assert run.attrs["clipped"] == "ghi 1"
    assert float(run["relative_humidity"].values[0, 0, 5]) == pytest.approx(100.8)


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(-30.0, 179.99), (-30.0, -179.99), (89.9, 0.0), (0.0, 0.0)]
)
def test_places_at_the_edges_of_the_map_have_their_cells(
    server: Replay, latitude: float, longitude: float
) -> None:
    site = Site(name="edge", latitude=latitude, longitude=longitude)
    run = _source(server, model="ecmwf_ifs025").get_run([site], RUN)
    assert np.isfinite(run["temp_air"].values).all()


# --- Several models -------------------------------------------------------------------------------


def test_a_column_of_nobody_is_refused_and_one_of_ours_is_found() -> None:
    ifs = OPEN_METEO_MODELS["ecmwf_ifs"]
    place: dict[str, Any] = {
        "latitude": 43.64,
        "longitude": 78.54,
        "hourly_units": {"time": "unixtime", "temperature_2m": "°C", "temperature_2m_ecmwf_ifs": "°C"},
        "hourly": {
            "time": [0, 3600],
            "temperature_2m_ecmwf_ifs": [1.0, 2.0],
            "temperature_2m_icon_eu": [8.0, 9.0],
        },
    }
    how: dict[str, Any] = {"sites": SITES[:1], "variables": ["temp_air"], "model": ifs}
    hours = parse_open_meteo([place], requested=["icon_eu", "ecmwf_ifs"], **how)
    assert hours["temp_air"].values.tolist() == [[1.0, 2.0]]
    # Only one of the models covers the place, and the server does not say which.
    place["hourly"] = {"time": [0, 3600], "temperature_2m": [8.0, 9.0]}
    with pytest.raises(ResponseError, match="without naming its model among icon_eu, ecmwf_ifs"):
        parse_open_meteo([place], requested=["icon_eu", "ecmwf_ifs"], **how)


# --- Ensembles ------------------------------------------------------------------------------------


def _ensemble(server: Replay) -> OpenMeteo:
    return _source(
        server,
        model="gfs025",
        product="ensemble",
        base_url=server.url + "/ensemble",
        variables=("wind_speed_80m",),
        horizon="24h",
    )


def _data(fault: Fault) -> Fault:
    return only(lambda request: "/v1/" in request.path, fault)


def test_a_member_that_is_lost_is_missing_and_no_other_takes_its_place(server: Replay) -> None:
    source = _ensemble(server)
    run = source.newest()
    whole = source.get_run(SITES, run)
    server.always(_data(_every(lambda p: p["hourly"].pop("wind_speed_80m_member07"))))
    less = source.get_run(SITES, run)
    assert less.sizes["member"] == 31
    assert less.attrs["missing"] == "wind_speed_80m 50"
    assert np.isnan(less["wind_speed_80m"].values[..., 7]).all()
    others = [k for k in range(31) if k != 7]
    np.testing.assert_array_equal(
        less["wind_speed_80m"].values[..., others], whole["wind_speed_80m"].values[..., others]
    )


def test_members_too_many_or_none_are_refused(server: Replay) -> None:
    source = _ensemble(server)
    run = source.newest()

    def one_more(place: dict[str, Any]) -> None:
        for part in ("hourly", "hourly_units"):
            place[part]["wind_speed_80m_member31"] = place[part]["wind_speed_80m_member30"]

    server.always(_data(_every(one_more)))
    with pytest.raises(ResponseError, match="31 members"):
        source.get_run(SITES, run)
    server.always(_data(_every(lambda p: p.update(hourly={"time": p["hourly"]["time"]}))))
    with pytest.raises(ResponseError, match="no 'wind_speed_80m'"):
        source.get_run(SITES, run)


def test_an_ensemble_may_answer_under_its_own_name(server: Replay) -> None:
    source = _ensemble(server)
    run = source.newest()
    whole = source.get_run(SITES, run)
    server.always(_data(_every(lambda place: _renamed(place, "_gfs025_ensemble"))))
    np.testing.assert_array_equal(
        source.get_run(SITES, run)["wind_speed_80m"].values, whole["wind_speed_80m"].values
    )
    server.always(_data(_every(lambda place: _renamed(place, "_gfs05"))))
    with pytest.raises(ResponseError, match="_gfs05"):
        source.get_run(SITES, run)


# --- The key --------------------------------------------------------------------------------------


def test_the_key_is_in_no_message_log_or_result(
    server: Replay, caplog: pytest.LogCaptureFixture, healthy: xr.Dataset
) -> None:
    caplog.set_level(logging.DEBUG)
    told = [str(healthy.attrs)]
    for fault in (*(row[0] for row in _LASTING.values()), *(row[0] for row in list(_WRONG.values())[:6])):
        server.heal()
        server.always(fault)
        with pytest.raises(EnergyForecastError) as caught:
            _source(server, http={"attempts": 1, "timeout": 0.3}).get_run(SITES, RUN)
        error: BaseException | None = caught.value
        while error is not None:
            told += [str(error), repr(error)]
            error = error.__cause__ or error.__context__
    assert len(told) > 20
    assert CANARY not in "\n".join([*told, caplog.text])
    assert "connectionpool" in caplog.text  # the log of the HTTP stack was read


@pytest.mark.parametrize(
    "fault", [disconnected(), truncated(), status(403, "no"), status(429), said("x" * 99)]
)
def test_a_key_in_a_query_is_in_no_error_nor_behind_it(server: Replay, fault: Fault) -> None:
    server.always(fault)
    http = Http(attempts=1, timeout=0.5, largest=50)
    with pytest.raises(EnergyForecastError) as caught:
        http.get(server.url + "/single/v1/forecast", params={"apikey": CANARY})
    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in str(error) + repr(error)
        error = error.__cause__ or error.__context__
    assert server.requests[0].one("apikey") == CANARY


def test_the_key_does_not_follow_a_redirect_to_another_host(server: Replay) -> None:
    with Replay(OpenMeteoServer().routes()) as other:
        server.always(lambda _, request: redirected(other.url + request.path)(_, request))
        with pytest.raises(RefusedError):  # the query stayed behind as well
            _source(server, http={"attempts": 1}).get_run(SITES, RUN)
        asked = {name.lower() for request in other.requests for name in request.headers}
    assert other.requests
    assert "x-api-key" not in asked
    assert "X-Api-Key" in {name for request in server.requests for name in request.headers}
