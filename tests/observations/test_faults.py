"""Faults of targets: each is found, told or read rightly; none becomes a number that trains a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast import datasets, read_power
from energyforecast.core import plausibility, timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.core.table_format import TableFormat
from energyforecast.core.variables import Flag
from energyforecast.errors import ResponseError, SourceError, TimeError, UnitsError, UnreachableError
from energyforecast.observations import quality
from energyforecast.observations.audit import audit_observations
from energyforecast.observations.clock import check_clock
from energyforecast.weather import NSRDB, PVGIS, Http, NasaPower
from tests.support.replay import Replay, mangled, rewritten, said, status, truncated
from tests.support.replay_points import ROUTES
from tests.support.table_settings import with_format

pytestmark = pytest.mark.faults

HOUR = pd.Timedelta("1h")


@lru_cache(maxsize=2)
def _synthetic_site(kind: str = "wind") -> tuple[Site, xr.Dataset, Observations]:
    synthetic = datasets.shelek() if kind == "wind" else datasets.kapshagay()
    power = replace(synthetic.observations, flags=None, available_capacity=None)
    return synthetic.site, next(iter(synthetic.weather.values())), power


def _with(power: Observations, change: Callable[[pd.Series], pd.Series]) -> Observations:
    name = power.sites[0]
    return replace(power, values=change(power.values[name].copy()).to_frame(name))


def _unfit(power: Observations, kind: str = "wind") -> pd.Series:
    site, weather, _ = _synthetic_site(kind)
    return quality.flag_quality(power, sites=site, weather=weather).unfit[site.name]


def _restamped(series: pd.Series, read_as: str, clock: str) -> pd.Series:
    """What a file becomes that one clock stamped and another reads."""
    wall = series.index.tz_convert(timestamps.zone(clock)).tz_localize(None)
    first = np.zeros(len(wall), dtype=bool)
    index = wall.tz_localize(timestamps.zone(read_as), ambiguous=first, nonexistent="NaT").tz_convert("UTC")
    result = series.set_axis(index)[index.notna()]
    return result[~result.index.duplicated()].sort_index().asfreq(series.index[1] - series.index[0])


# --- Values that were not power ------------------------------------------------------------------


def test_a_stuck_sensor_does_not_train() -> None:
    power = _synthetic_site()[2]
    place = slice("2023-05-10 00:00", "2023-05-11 23:00")
    bad = _with(power, lambda series: series.where(~series.index.isin(series[place].index), 23.4))
    assert _unfit(bad)[place].all()


def test_spikes_do_not_train() -> None:
    site, _, power = _synthetic_site()
    calm = power.values[site.name][lambda s: (s < 5) & (s.shift(1) < 5) & (s.shift(-1) < 5)].index[10:500:60]
    bad = _with(power, lambda series: series.mask(series.index.isin(calm), 55.0))
    assert _unfit(bad)[calm].all()
    wild = _with(power, lambda series: series.mask(series.index.isin(calm), 9999.0))
    checked = quality.flag_quality(wild, sites=site)
    plausibility.check_observations(checked.values, sites=[site], unfit=checked.unfit)
    with pytest.raises(UnitsError):
        plausibility.check_observations(wild.values, sites=[site])


def test_negative_power_of_a_pv_plant_at_night_is_its_own_use() -> None:
    power = _synthetic_site("pv")[2]
    assert (power.values < 0).to_numpy().mean() > 0.3
    assert not _unfit(power, "pv")[power.values.iloc[:, 0] < 0].any()


def test_clipping_trains() -> None:
    site, _, power = _synthetic_site("pv")
    bad = _with(power, lambda series: series.clip(upper=0.5 * site.capacity))
    flags = quality.flag_quality(bad, sites=site).flags
    assert flags is not None
    held = bad.values[site.name] >= 0.5 * site.capacity
    assert ((flags[site.name] & int(Flag.CLIPPING)) != 0)[held].mean() > 0.5
    assert not _unfit(bad, "pv")[held].mean() > 0.05


def test_curtailment_never_trains_as_low_wind() -> None:
    site, _, power = _synthetic_site()
    strong = power.values[site.name].rolling(6).min().shift(-5) > 0.75 * site.capacity
    begins = power.index[strong][::80][:25]
    hours = pd.DatetimeIndex([begin + k * HOUR for begin in begins for k in range(6)])
    bad = _with(power, lambda series: series.mask(series.index.isin(hours), 0.3 * site.capacity))
    assert _unfit(bad)[hours].mean() > 0.85


def test_an_outage_never_trains_as_a_calm() -> None:
    site, _, power = _synthetic_site()
    strong = power.values[site.name].rolling(12).min().shift(-11) > 0.4 * site.capacity
    begins = power.index[strong][::150][:15]
    hours = pd.DatetimeIndex([begin + k * HOUR for begin in begins for k in range(12)])
    bad = _with(power, lambda series: series.mask(series.index.isin(hours), -0.1))
    assert _unfit(bad)[hours].mean() > 0.9


def test_a_new_capacity_is_told_where_it_is_above_the_old() -> None:
    site, weather, power = _synthetic_site()
    bad = _with(power, lambda series: series.where(series.index < "2024-01-01", series * 1.6))
    found = audit_observations(bad, sites=site, weather=weather)
    flagged = quality.flag_table(found.observations).set_index("flag")
    assert flagged.loc["ABOVE_CAPACITY", "hours"] > 500
    unfit = found.observations.unfit[site.name]
    assert unfit[bad.values[site.name] > 1.05 * site.capacity].all()


# --- Units and meters -----------------------------------------------------------------------------


@pytest.mark.parametrize(("factor", "trusted"), [(1.0, True), (1000.0, False), (0.001, False)])
def test_kilowatts_and_gigawatts_taken_for_megawatts_are_found(factor: float, trusted: bool) -> None:
    site, weather, power = _synthetic_site()
    found = audit_observations(replace(power, values=power.values * factor), sites=site, weather=weather)
    assert found.passed is trusted
    assert trusted or any("looks like" in problem for problem in found.problems)


def test_a_meter_that_begins_again_gives_no_negative_power_and_no_peak(tmp_path: Path) -> None:
    power = _synthetic_site()[2].values.iloc[:500, 0].clip(lower=0).interpolate()
    readings = power.cumsum().shift(1, fill_value=0.0)
    readings[250:] -= readings.iloc[250]
    path = tmp_path / "meter.csv"
    readings.tz_localize(None).rename("farm").to_csv(path, index_label="time")
    read = read_power(
        path,
        unit="MWh",
        timezone="UTC",
        label="ending",
        published_after="1h",
        format=TableFormat(cumulative=True),
    ).values["farm"]
    assert read.isna().sum() == 1
    known = read.dropna()
    np.testing.assert_allclose(known, power[known.index], atol=1e-6)


# --- Clocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["wind", "pv"])
@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ("none", {"right"}),
        ("an hour late", {"off by a constant"}),
        ("Almaty's change of 2024 ignored", {"change of zone"}),
        ("daylight saving in a file called UTC", {"follows daylight saving"}),
        ("local time taken for UTC", {"off by a constant", "change of zone"}),
        ("drift", {"drifts"}),
        ("half an hour", {"half an hour off"}),
    ],
)
def test_a_wrong_clock_is_named(fault: str, verdict: set[str], kind: str) -> None:
    site, weather, power = _synthetic_site(kind)
    series = power.values[site.name]
    if fault == "half an hour" and kind == "wind":
        pytest.skip("wind does not tell half an hour: up to 35 min are called right")
    hours = np.arange(len(series), dtype=float)
    changed = {
        "none": lambda: series,
        "an hour late": lambda: series.shift(1, freq="1h"),
        "Almaty's change of 2024 ignored": lambda: _restamped(series, "Asia/Almaty", "fixed:+06:00"),
        "daylight saving in a file called UTC": lambda: _restamped(series, "UTC", "Europe/London"),
        "local time taken for UTC": lambda: _restamped(series, "UTC", "Asia/Almaty"),
        "drift": lambda: pd.Series(
            np.interp(hours - hours / 24 * 0.15 / 60, hours, series.ffill().bfill()), series.index
        ),
        "half an hour": lambda: series.shift(1, freq="30min"),
    }[fault]()
    found = check_clock(changed, weather, site=site)
    assert found.verdict in verdict, str(found)
    moved = Observations(changed.to_frame(site.name), published_after="1h")
    assert audit_observations(moved, sites=site, weather=weather).passed is (fault == "none")


@pytest.mark.parametrize("wrong", ["sorted away", "an hour dropped"])
def test_a_doubled_hour_of_a_clock_is_never_guessed(wrong: str, tmp_path: Path) -> None:
    stamps = pd.date_range("2023-10-28 22:00", periods=12, freq="30min", tz="UTC").tz_convert("Europe/Paris")
    rows = pd.DataFrame({"farm": range(12)}, index=stamps.tz_localize(None))
    double = np.flatnonzero(rows.index.duplicated())
    bad = rows.sort_index() if wrong == "sorted away" else rows.iloc[np.arange(12) != double[0]]
    with pytest.raises(TimeError) as caught:
        read_power(
            bad,
            unit="MW",
            timezone="Europe/Paris",
            label="beginning",
            published_after="1h",
            format=TableFormat(frequency="1h"),
        )
    assert len(str(caught.value).splitlines()) == 3


def test_an_hour_that_a_clock_skips_is_named() -> None:
    rows = pd.DataFrame({"farm": range(4)}, index=pd.date_range("2024-03-31 01:00", periods=4, freq="1h"))
    with pytest.raises(TimeError, match="2024-03-31 02:00 does not exist"):
        read_power(rows, unit="MW", timezone="Europe/Paris", label="beginning", published_after="1h")


# --- Revisions ------------------------------------------------------------------------------------


def test_a_late_revision_is_not_known_before_it_came() -> None:
    table = pd.DataFrame(
        {
            "start": ["2024-01-01T00:00Z"] * 2 + ["2024-01-01T01:00Z"],
            "known": ["2024-01-01T02:00Z", "2024-01-20T00:00Z", "2024-01-01T03:00Z"],
            "farm": [10.0, 30.0, 11.0],
        }
    )
    form = {"unit": "MW", "timezone": "UTC", "label": "beginning", "published_after": None}
    form |= {"time": "start", "published_time": "known", "columns": ["farm"]}
    for moment, first in (("2024-01-02", 10.0), ("2024-02-01", 30.0)):
        known = read_power(table, as_of=moment, revisions="last", **with_format(form))
        assert known.values["farm"].iloc[0] == first
        assert (known.published <= np.datetime64(moment)).all()


# --- Point sources --------------------------------------------------------------------------------

FARM = Site(name="farm", latitude=39.74, longitude=-105.18)
QUICK = Http(attempts=2, timeout=10.0, deadline=30.0, sleep=lambda _: None)
START, END = pd.Timestamp("2020-02-28"), pd.Timestamp("2020-03-02")


def _ask(name: str, url: str) -> xr.Dataset:
    made = {
        "power": lambda: NasaPower(base_url=f"{url}/power", http=QUICK),
        "pvgis": lambda: PVGIS(base_url=f"{url}/pvgis", http=QUICK),
        "nsrdb": lambda: NSRDB(api_key="CANARY-KEY", email="me@x.org", base_url=f"{url}/nsrdb", http=QUICK),
    }
    return made[name]().get_period([FARM], START, END)


@pytest.mark.parametrize("name", ["power", "pvgis", "nsrdb"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (status(500), UnreachableError),
        (truncated(0.5), UnreachableError),
        (said("<html><body>maintenance</body></html>"), ResponseError),
        (said(""), ResponseError),
        (rewritten(lambda body: body[: len(body) // 2]), ResponseError),
        (said(b"\x00\xff\xfe\x80" * 99), ResponseError),
        (status(403, '{"errors": ["CANARY-KEY is not known"]}'), SourceError),
    ],
    ids=["500", "truncated", "html", "empty", "half", "garbage", "403"],
)
def test_a_fault_of_a_point_source_is_told(name: str, fault: object, error: type[SourceError]) -> None:
    with Replay(ROUTES) as server:
        server.always(fault)  # type: ignore[arg-type]
        with pytest.raises(error) as caught:
            _ask(name, server.url)
        assert len(str(caught.value).splitlines()) == 3
        assert "CANARY" not in str(caught.value)


def test_a_server_of_nasa_that_is_silent_is_left_alone_after_the_time_out() -> None:
    from tests.support.replay import late

    with Replay(ROUTES) as server:
        server.always(late(3.0))
        hasty = NasaPower(base_url=f"{server.url}/power", http=replace(QUICK, timeout=0.2, attempts=1))
        with pytest.raises(UnreachableError):
            hasty.get_period([FARM], START, END)


def test_the_fill_value_of_nasa_is_missing_and_no_weather() -> None:
    def fill(content: dict) -> None:
        for values in content["properties"]["parameter"].values():
            for stamp in list(values)[24:]:
                values[stamp] = -999.0

    with Replay(ROUTES) as server:
        server.always(mangled(fill))
        weather = _ask("power", server.url)
    for name in weather.data_vars:
        assert int(weather[name].isnull().sum()) == 48, name


@pytest.mark.parametrize(
    "change",
    [
        lambda content: [values.popitem() for values in content["properties"]["parameter"].values()],
        lambda content: content["geometry"].update(coordinates=[10.0, 50.0, 5.0]),
        lambda content: content["header"].pop("time_standard"),
        lambda content: content["properties"]["parameter"]["T2M"].update({"2020022800": "cold"}),
    ],
    ids=["an hour gone", "another cell", "no time standard", "text"],
)
def test_an_answer_of_nasa_that_cannot_be_right(change: Callable[[dict], object]) -> None:
    with Replay(ROUTES) as server:
        server.always(mangled(lambda content: change(content) and None))
        with pytest.raises(ResponseError) as caught:
            _ask("power", server.url)
        assert len(str(caught.value).splitlines()) == 3


def test_one_value_that_is_gone_is_missing_and_nothing_else() -> None:
    with Replay(ROUTES) as server:
        server.always(mangled(lambda content: content["properties"]["parameter"]["T2M"].popitem() and None))
        weather = _ask("power", server.url)
    assert sum(int(weather[name].isnull().sum()) for name in weather.data_vars) == 1


def test_a_year_of_nsrdb_without_its_leap_day_is_refused() -> None:
    with Replay(ROUTES) as server:
        server.always(
            rewritten(lambda body: b"\n".join(x for x in body.split(b"\n") if b"2020,2,29," not in x))
        )
        with pytest.raises(ResponseError, match="8760 rows of 2020, not 8784"):
            _ask("nsrdb", server.url)


def test_json_of_elexon_is_not_believed_to_be_whole() -> None:
    from energyforecast.observations import parse_elexon

    row = {"publishTime": "2024-01-01T01:00Z", "startTime": "2024-01-01T00:00Z", "demand": 1}
    body = json.dumps({"data": [row] * 3}).encode()
    assert len(parse_elexon(body)) == 1, "the same row several times is one row"
    for cut in range(1, len(body) - 1, 17):
        with pytest.raises(ResponseError):
            parse_elexon(body[:cut])
