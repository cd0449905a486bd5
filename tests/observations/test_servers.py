"""ENTSO-E and Elexon over the real HTTP stack, with the answers that trip readers up."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from energyforecast.core.observation_series import Observations
from energyforecast.errors import (
    MissingDataError,
    RateLimitError,
    RefusedError,
    ResponseError,
    SourceError,
    UnreachableError,
)
from energyforecast.observations import ServerAccess, get_elexon, get_entsoe, parse_elexon, parse_entsoe
from energyforecast.weather import Http
from tests.support.entsoe_documents import document, period
from tests.support.error_messages import three_lines
from tests.support.replay import Answer, Replay, Request, disconnected, rewritten, said, status, truncated

TOKEN = "CANARY-TOKEN-1234"
QUICK = Http(attempts=2, timeout=5.0, deadline=20.0, sleep=lambda _: None)
NOTHING = (
    "<Acknowledgement_MarketDocument xmlns='urn:x'><Reason><code>999</code>"
    "<text>No matching data found for Data item ACTUAL_TOTAL_LOAD</text></Reason></Acknowledgement_MarketDocument>"
)


def platform(request: Request) -> Answer:
    """Load of each hour of what was asked: hours since 1970 modulo 1000."""
    start, end = (
        pd.to_datetime(request.one(name), format="%Y%m%d%H%M", utc=True)
        for name in ("periodStart", "periodEnd")
    )
    hours = pd.date_range(start, end, freq="1h", inclusive="left").as_unit("s").asi8 // 3600 % 1000
    values = dict(enumerate(hours.tolist(), start=1))
    body = document(period(f"{start:%Y-%m-%dT%H:%MZ}", f"{end:%Y-%m-%dT%H:%MZ}", values))
    return Answer(body, content_type="text/xml")


def elexon(request: Request) -> Answer:
    """Demand of each half-hour, published three quarters of an hour after its end, and once more a day later."""
    first, last = (pd.Timestamp(request.one(f"publishDateTime{name}")) for name in ("From", "To"))
    starts = pd.date_range("2023-10-28", "2023-10-31", freq="30min", tz="UTC")
    local = starts.tz_convert("Europe/London")
    rows = []
    for start, wall in zip(starts, local, strict=True):
        midnight = wall.normalize()
        number = int((wall - midnight) / pd.Timedelta("30min")) + 1
        for delay, revised in (("75min", 0), ("24h", 1)):
            known = start + pd.Timedelta(delay)
            if first <= known <= last:
                rows.append(
                    {
                        "publishTime": f"{known:%Y-%m-%dT%H:%M:%SZ}",
                        "startTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                        "settlementDate": f"{wall:%Y-%m-%d}",
                        "settlementPeriod": number,
                        "demand": 20_000 + number + revised,
                    }
                )
    return Answer(json.dumps({"data": rows, "metadata": {"datasets": ["INDO"]}}).encode())


@pytest.fixture(scope="module")
def server() -> Iterator[Replay]:
    with Replay({"/api": platform, "/datasets": elexon}) as replay:
        yield replay


@pytest.fixture(autouse=True)
def _healthy(server: Replay) -> Iterator[None]:
    yield
    server.heal()


def _load(
    server: Replay, start: str = "2024-02-28", end: str = "2024-03-02", *, address: str | None = "/api"
) -> Observations:
    pytest.importorskip("entsoe", reason="entsoe-py (extra entsoe) is not installed")
    base_url = None if address is None else server.url + address
    access = ServerAccess(token=TOKEN, base_url=base_url, http=QUICK)
    return get_entsoe("DE_LU", start=start, end=end, access=access, published_after="1h")


# --- ENTSO-E --------------------------------------------------------------------------------------


def test_load_of_a_leap_day(server: Replay) -> None:
    load = _load(server)
    assert len(load) == 72
    hours = load.index.as_unit("s").asi8 // 3600 % 1000
    assert load.values["DE_LU"].tolist() == hours.tolist()
    asked = server.requests[0]
    assert asked.one("securityToken") == TOKEN
    assert asked.one("documentType") == "A65"


def test_the_variable_of_entsoe_py_names_the_server(server: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTSOE_ENDPOINT_URL", f"{server.url}/api")
    assert len(_load(server, address=None)) == 72


def test_three_years_are_asked_for_year_by_year_without_a_seam(server: Replay) -> None:
    load = _load(server, "2021-01-01", "2024-01-01")
    assert len(server.requests) == 3
    assert load.values["DE_LU"].notna().all()
    assert len(load) == 3 * 8760


def test_a_year_without_data_is_missing_and_all_without_is_an_error(server: Replay) -> None:
    server.script(None, said(NOTHING, kind="text/xml; charset=utf-8"), None)
    load = _load(server, "2021-01-01", "2023-12-30")
    assert load.values["DE_LU"].isna().sum() == 8760
    server.heal()
    server.always(said(NOTHING, kind="text/xml"))
    with pytest.raises(MissingDataError, match="no matching data") as caught:
        _load(server)
    assert len(str(caught.value).splitlines()) == 3


def test_curve_a03_repeats_and_a01_does_not() -> None:
    values = {1: 10.0, 2: 20.0, 6: 5.0}
    for curve, wanted in (("A03", [10, 20, 20, 20, 20, 5]), ("A01", [10, 20, np.nan, np.nan, np.nan, 5])):
        body = document(period("2024-01-01T00:00Z", "2024-01-01T06:00Z", values, curve=curve))
        load = parse_entsoe(body, site="area", published_after="1h")
        np.testing.assert_array_equal(load.values["area"], wanted)


def test_a_resolution_that_changes_becomes_hourly_means_of_whole_hours() -> None:
    hourly = period("2024-01-01T00:00Z", "2024-01-01T02:00Z", {1: 10.0, 2: 20.0})
    quarters = period(
        "2024-01-01T02:00Z",
        "2024-01-01T04:00Z",
        {k: float(k) for k in range(1, 9) if k != 6},
        resolution="PT15M",
    )
    load = parse_entsoe(document(hourly, quarters), site="area", published_after="1h")
    np.testing.assert_array_equal(load.values["area"], [10, 20, 2.5, np.nan])
    fine = parse_entsoe(document(quarters), site="area", published_after="1h")
    assert fine.frequency == pd.Timedelta("15min")
    with pytest.raises(ResponseError, match="cannot be split into its parts"):
        parse_entsoe(document(hourly), site="area", published_after="1h", frequency="15min")


def test_of_several_types_of_plant_one_is_named() -> None:
    def plant(kind: str, value: float, *, consumed: bool = False) -> str:
        domain = "<outBiddingZone_Domain.mRID>x</outBiddingZone_Domain.mRID>" if consumed else ""
        whole = period("2024-01-01T00:00Z", "2024-01-01T02:00Z", {1: value, 2: value})
        return whole.replace(
            "<curveType>", f"{domain}<MktPSRType><psrType>{kind}</psrType></MktPSRType><curveType>"
        )

    body = document(plant("B16", 5.0), plant("B19", 7.0), plant("B16", 1.0, consumed=True))
    assert parse_entsoe(body, site="s", published_after="1h", plant_type="B16").values["s"].tolist() == [5, 5]
    with pytest.raises(MissingDataError, match="B16, B19"):
        parse_entsoe(body, site="s", published_after="1h")


def test_generation_of_one_type_of_plant_is_asked_for_by_its_code(server: Replay) -> None:
    pytest.importorskip("entsoe", reason="entsoe-py (extra entsoe) is not installed")
    access = ServerAccess(token=TOKEN, base_url=f"{server.url}/api", http=QUICK)
    with pytest.raises(MissingDataError, match="B19"):  # the server of this test answers with a load
        get_entsoe(
            "DE_LU",
            start="2024-02-28",
            end="2024-02-29",
            access=access,
            published_after="1h",
            plant_type="B19",
        )
    assert server.requests[0].one("documentType") == "A75"
    assert server.requests[0].one("psrType") == "B19"


def test_the_token_is_nowhere_but_in_the_question(
    server: Replay, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = [repr(_load(server))]
    refusal = f"<x><text>Unauthorized: token {TOKEN} is not valid</text></x>"
    for fault in (status(401, refusal), status(503), status(429, refusal), disconnected(), said("<html>")):
        server.always(fault)
        with pytest.raises(SourceError) as caught:
            _load(server)
        chain: BaseException | None = caught.value
        while chain is not None:
            texts.append(f"{chain!r} {chain}")
            chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    logged = [r.getMessage() for r in caplog.records]
    assert TOKEN not in " ".join([*texts, *logged, *capsys.readouterr()])
    assert any("kept back" in line for line in logged), "entsoe-py logs the key that it was given"
    assert "is not valid" in " ".join(texts), "the reason is told"


# --- Elexon ---------------------------------------------------------------------------------------


def _demand(server: Replay, **more: object):
    form: dict[str, object] = {"start": "2023-10-28 23:00", "end": "2023-10-30"}
    form["access"] = ServerAccess(base_url=server.url, http=QUICK)
    return get_elexon("INDO", **(form | more))  # type: ignore[arg-type]


def test_a_day_of_50_half_hours_with_true_publication(server: Replay) -> None:
    demand = _demand(server)
    assert len(demand) == 50
    assert demand.values["Great Britain"].tolist() == [20_000.0 + k for k in range(1, 51)]
    assert demand.published[0, 0] == np.datetime64("2023-10-29T00:15")
    last = _demand(server, revisions="last", published_within="2D")
    assert last.values["Great Britain"].iloc[0] == 20_002
    assert last.published[0, 0] == np.datetime64("2023-10-29T23:00")


def test_a_publication_before_the_end_counts_from_the_end() -> None:
    row = {"publishTime": "2024-01-01T00:00:00Z", "startTime": "2024-01-01T00:00:00Z", "demand": 5}
    demand = parse_elexon(json.dumps([row]).encode())
    assert demand.published[0, 0] == np.datetime64("2024-01-01T00:30")


def test_of_several_fuels_one_is_named() -> None:
    rows = [
        {
            "publishTime": "2024-01-01T01:00Z",
            "startTime": "2024-01-01T00:00Z",
            "fuelType": fuel,
            "generation": k,
        }
        for k, fuel in enumerate(("CCGT", "WIND"))
    ]
    body = json.dumps({"data": rows}).encode()
    assert parse_elexon(body, plant_type="WIND").values.iloc[0, 0] == 1
    for plant_type in (None, "COAL"):
        with pytest.raises(MissingDataError, match="CCGT, WIND"):
            parse_elexon(body, plant_type=plant_type)


# --- Faults ---------------------------------------------------------------------------------------

FAULTS = {
    "500 once": ((status(500), None), None, None),
    "500 for ever": (None, status(500), UnreachableError),
    "connection closed": (None, disconnected(), UnreachableError),
    "truncated body": (None, truncated(0.5), UnreachableError),
    "429 for ever": (None, status(429), RateLimitError),
    "403": (None, status(403, "no"), RefusedError),
    "HTML at 200": (None, said("<html><body>maintenance</body></html>"), ResponseError),
    "cut in the middle, length right": (None, rewritten(lambda body: body[: len(body) // 2]), ResponseError),
    "empty at 200": (None, said(""), ResponseError),
    "garbage": (None, said(b"\x00\xff\xfe" * 50), ResponseError),
}


@pytest.mark.faults
@pytest.mark.parametrize("service", ["entsoe", "elexon"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_survived_or_told(fault: str, service: str, server: Replay) -> None:
    ask = _load if service == "entsoe" else _demand
    healthy = ask(server)
    script, always, error = FAULTS[fault]
    server.script(*(script or ()))
    server.always(always)
    if error is None:
        pd.testing.assert_frame_equal(ask(server).values, healthy.values)
        return
    with pytest.raises(error) as caught:
        ask(server)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.faults
def test_nothing_at_400_is_nothing_too(server: Replay) -> None:
    server.always(status(400, NOTHING))
    with pytest.raises(MissingDataError, match="no matching data"):
        _load(server)


@pytest.mark.faults
@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><x>&b;</x>",
        document(),
        document(period("2024-01-01T00:00Z", "2024-01-01T02:00Z", {1: 1.0, 5: 2.0})),
        document(period("2024-01-01T00:00Z", "2024-01-01T02:00Z", {1: 1.0}, resolution="PT7M")),
        document(period("yesterday", "2024-01-01T02:00Z", {1: 1.0})),
        document(period("2024-01-01T00:00Z", "2024-01-01T02:00Z", {1: 1.0})).replace(b"1.0", b"many"),
    ],
)
def test_xml_that_cannot_be_right_is_refused(body: bytes) -> None:
    with pytest.raises(ResponseError) as caught:
        parse_entsoe(body, site="x", published_after="1h")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.faults
@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [{"startTime": "2024-01-01T00:00:00Z", "publishTime": "2024-01',
        b'{"data": {"startTime": 1}}',
        b'{"data": [1, 2]}',
        b'{"data": [{"startTime": "2024-01-01T00:00Z", "demand": 1}]}',
        b'{"data": [{"startTime": null, "publishTime": "2024-01-01T01:00Z", "demand": 1}]}',
        b'{"data": [{"startTime": "noon", "publishTime": "2024-01-01T01:00Z", "demand": 1}]}',
        b'{"data": [{"startTime": "2024-01-01T00:00Z", "publishTime": "2024-01-01T01:00Z", "demand": "many"}]}',
    ],
)
def test_json_that_cannot_be_right_is_refused(body: bytes) -> None:
    with pytest.raises(ResponseError) as caught:
        parse_elexon(body)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("root", "kind", "process", "named"),
    [
        ("GL_MarketDocument", "A65", "A01", "load, a forecast for the day ahead"),
        ("GL_MarketDocument", "A65", "A31", "the week ahead"),
        ("GL_MarketDocument", "A69", "A01", "a forecast of wind and sun"),
        ("GL_MarketDocument", "A71", "A01", "a forecast of generation"),
        ("GL_MarketDocument", "A68", "A33", "installed capacity"),
        ("Publication_MarketDocument", "A44", "A01", "prices"),
        ("Publication_MarketDocument", "A11", "A16", "flows"),
        ("GL_MarketDocument", "A75", "A40", "within the day"),
    ],
)
def test_documents_of_entsoe_that_are_no_measurements_are_named(
    root: str, kind: str, process: str, named: str
) -> None:
    text = f"<{root}><type>{kind}</type><process.processType>{process}</process.processType><TimeSeries/></{root}>"
    with pytest.raises(ResponseError, match=named) as caught:
        parse_entsoe(text.encode(), site="area", published_after="1h")
    three_lines(caught.value)


def test_energies_of_entsoe_are_no_power() -> None:
    unit = "<quantity_Measure_Unit.name>MWH</quantity_Measure_Unit.name>"
    text = f"<GL_MarketDocument><type>A65</type><TimeSeries>{unit}</TimeSeries></GL_MarketDocument>"
    with pytest.raises(ResponseError, match="MWH"):
        parse_entsoe(text.encode(), site="area", published_after="1h")
