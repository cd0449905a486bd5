"""Quality flags on synthetic sites with known truth: what is planted is found, and little else."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast import datasets
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea, PVPlant, Site
from energyforecast.core.variables import FLAG_VERSION, UNFIT, Flag
from energyforecast.errors import SchemaError
from energyforecast.observations import ClockReport, audit_observations, quality, quality_rules
from energyforecast.observations.quality import flag_quality, flag_table
from energyforecast.observations.quality_rules import MeasuredPower

#: The plant in the sun in its own step: making it costs seconds.
KINDS = ("wind", pytest.param("pv", marks=pytest.mark.slow))
MAKERS = {"wind": datasets.shelek, "pv": datasets.kapshagay, "tracker": datasets.nur_navoi}


@lru_cache(maxsize=3)
def _clean(kind: str) -> tuple[Site, xr.Dataset, Observations]:
    """A year as it would be metered if nothing were ever wrong."""
    synthetic = MAKERS[kind](hours=8760)
    power = synthetic.truth["power"].to_numpy(dtype=float)
    noise = np.random.default_rng(3).normal(0, 0.002, len(power))
    metered = np.where(power > 0, power * (1 + noise), -0.003 * synthetic.site.capacity)
    frame = pd.DataFrame({synthetic.site.name: metered}, index=synthetic.observations.index)
    return synthetic.site, next(iter(synthetic.weather.values())), Observations(frame, published_after="1h")


def _blocks(length: int, count: int, where: np.ndarray, *, seed: int = 0) -> list[slice]:
    """Places of faults that begin where they can be seen, apart from each other."""
    rng, chosen = np.random.default_rng(seed), []
    for begin in rng.permutation(np.flatnonzero(where[:-length])):
        if len(chosen) < count and all(abs(int(begin) - other.start) > 2 * length + 4 for other in chosen):
            chosen.append(slice(int(begin), int(begin) + length))
    assert len(chosen) == count
    return chosen


def _precision_recall(kind: str, changed: np.ndarray, places: list[slice], flag: Flag) -> tuple[float, float]:
    site, weather, power = _clean(kind)
    bad = replace(power, values=pd.DataFrame({site.name: changed}, index=power.index))
    flags = flag_quality(bad, sites=site, weather=weather, rules=quality_rules.RULES).flags
    assert flags is not None
    found = (flags[site.name].to_numpy() & int(flag)) != 0
    truth = np.zeros(len(changed), dtype=bool)
    for place in places:
        truth[place] = True
    return float((found & truth).sum() / max(found.sum(), 1)), float((found & truth).sum() / truth.sum())


def _values(kind: str) -> tuple[np.ndarray, float]:
    site, _, power = _clean(kind)
    assert site.capacity is not None
    return power.values[site.name].to_numpy().copy(), site.capacity


# --- False alarms ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("wind", 0.005),
        pytest.param("pv", 0.002, marks=pytest.mark.slow),
        pytest.param("tracker", 0.008, marks=pytest.mark.slow),
    ],
)
def test_false_alarms_on_clean_power_are_few(kind: str, most: float) -> None:
    site, weather, power = _clean(kind)
    checked = flag_quality(power, sites=site, weather=weather)
    share = checked.unfit[site.name].mean()
    assert share < most, flag_table(checked)
    without = flag_quality(power, sites=site)
    assert without.unfit[site.name].mean() < 0.001, flag_table(without)


def test_la_haute_borne_as_it_is_keeps_its_hours() -> None:
    site, weather, power = datasets.la_haute_borne()
    checked = flag_quality(power, sites=site, weather=weather)
    before, after = power.unfit[site.name].mean(), checked.unfit[site.name].mean()
    assert after - before < 0.03, flag_table(checked)
    pd.testing.assert_frame_equal(checked.values, power.values)


# --- Planted faults -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_stuck_sensor(kind: str) -> None:
    values, capacity = _values(kind)
    busy = (values > 0.05 * capacity) & (values < 0.9 * capacity)
    places = _blocks(8, 12, busy)
    for place in places:
        values[place] = values[place.start]
    precision, recall = _precision_recall(kind, values, places, Flag.STUCK | Flag.CURTAILED)
    assert recall > 0.95
    assert precision > (0.7 if kind == "wind" else 0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_spikes(kind: str) -> None:
    values, capacity = _values(kind)
    calm = (values < 0.3 * capacity) & (np.abs(np.diff(values, append=0)) < 0.02 * capacity)
    places = _blocks(1, 30, calm & np.roll(calm, 1))
    for place in places:
        values[place] += 0.6 * capacity
    precision, recall = _precision_recall(kind, values, places, Flag.SPIKE | Flag.NIGHT_GENERATION)
    assert recall > 0.95
    assert precision > 0.85


@pytest.mark.parametrize("kind", KINDS)
def test_more_than_the_plant_can_give(kind: str) -> None:
    values, capacity = _values(kind)
    places = _blocks(2, 20, np.ones(len(values), dtype=bool))
    for place in places:
        values[place] = 1.15 * capacity
    assert _precision_recall(kind, values, places, Flag.ABOVE_CAPACITY) == (1.0, 1.0)


def test_generation_at_night() -> None:
    values, capacity = _values("pv")
    site = _clean("pv")[0]
    hours = (_clean("pv")[2].index.hour + round(site.longitude / 15)) % 24
    places = _blocks(2, 20, np.asarray((hours == 23) | (hours == 0)))
    for place in places:
        values[place] = 0.05 * capacity
    assert _precision_recall("pv", values, places, Flag.NIGHT_GENERATION) == (1.0, 1.0)


def test_own_use_at_night_is_no_fault() -> None:
    site, weather, power = _clean("pv")
    night = power.values[site.name] < 0
    assert night.mean() > 0.4
    flags = flag_quality(power, sites=site, weather=weather).flags
    assert flags is not None
    assert (flags.loc[night, site.name] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_curtailment_is_told_from_weak_wind_and_clouds(kind: str) -> None:
    values, capacity = _values(kind)
    limit = 0.35 * capacity
    above = pd.Series(values > limit + 0.2 * capacity).rolling(5).min().shift(-4).eq(1).to_numpy()
    places = _blocks(5, 20, above)
    for place in places:
        values[place] = limit
    precision, recall = _precision_recall(kind, values, places, Flag.CURTAILED)
    assert recall > 0.75
    assert precision > 0.75


@pytest.mark.parametrize("kind", KINDS)
def test_an_outage_is_told_from_a_calm_and_from_night(kind: str) -> None:
    values, capacity = _values(kind)
    able = pd.Series(values > 0.4 * capacity).rolling(4).min().shift(-3).eq(1).to_numpy()
    places = _blocks(4, 20, able)
    for place in places:
        values[place] = 0.0
    precision, recall = _precision_recall(kind, values, places, Flag.OUTAGE)
    assert recall > 0.85
    assert precision > 0.85


@pytest.mark.parametrize("kind", KINDS)
def test_lines_drawn_over_gaps(kind: str) -> None:
    values, capacity = _values(kind)
    places = _blocks(8, 15, (values > 0.2 * capacity) & (np.roll(values, -7) < 0.1 * capacity))
    for place in places:
        values[place] = np.linspace(values[place][0], values[place][-1], 8)
    precision, recall = _precision_recall(kind, values, places, Flag.INTERPOLATED)
    assert recall > 0.95
    assert precision > 0.9


def test_days_copied_from_the_day_before() -> None:
    values, _ = _values("wind")
    places = _blocks(24, 5, np.arange(len(values)) > 48)
    for place in places:
        values[place] = values[place.start - 24 : place.stop - 24]
    precision, recall = _precision_recall("wind", values, places, Flag.INTERPOLATED)
    assert (precision, recall) == (pytest.approx(1, abs=0.05), pytest.approx(1, abs=0.25))


def test_clipping_is_told_and_trains() -> None:
    values, capacity = _values("pv")
    limit = 0.6 * capacity
    clipped = values > limit
    bad = np.minimum(values, limit)
    site, weather, power = _clean("pv")
    frame = pd.DataFrame({site.name: bad}, index=power.index)
    checked = flag_quality(replace(power, values=frame), sites=site, weather=weather)
    assert checked.flags is not None
    found = (checked.flags[site.name].to_numpy() & int(Flag.CLIPPING)) != 0
    assert (found & clipped).sum() / found.sum() > 0.9
    assert (found & clipped).sum() / clipped.sum() > 0.75
    assert Flag.CLIPPING not in UNFIT
    assert not checked.unfit[site.name][clipped].mean() > 0.02


@pytest.mark.parametrize("hours", [3, -2])
def test_a_wrong_clock_is_suspect_and_a_right_one_is_not(hours: int) -> None:
    site, weather, power = _clean("wind")
    assert not _suspect(power, site, weather).any()
    moved = replace(power, values=power.values.set_axis(power.index + pd.Timedelta(hours=hours)))
    suspect = _suspect(moved, site, weather)
    assert suspect["2023-01-02":"2023-12-30"].all()


def test_hours_without_weather_have_no_evidence_and_no_flag() -> None:
    site, weather, power = _clean("wind")
    moved = replace(power, values=power.values.set_axis(power.index + pd.Timedelta("3h")))
    times = weather["init_time"].values
    part = weather.isel(
        init_time=(times >= np.datetime64("2023-04-20")) & (times < np.datetime64("2023-08-10"))
    )
    suspect = _suspect(moved, site, part)
    assert suspect["2023-04-22":"2023-08-08"].all()
    assert not suspect[:"2023-04-19"].any()
    assert not suspect["2023-08-15":].any()
    report = audit_observations(moved, sites=site, weather=part).to_dict()
    assert report["sites"][site.name]["clock"]["compared_hours"] == pytest.approx(112 * 24, abs=96)


@pytest.mark.slow
def test_after_a_change_of_zone_only_the_wrong_part_is_suspect() -> None:
    synthetic = datasets.shelek()
    values = synthetic.observations.values
    late = values.index >= "2024-03-01"
    moved = values.set_axis(values.index.where(~late, values.index + pd.Timedelta("1h"))).asfreq("1h")
    suspect = _suspect(Observations(moved, published_after="1h"), synthetic.site, synthetic.weather["ecmwf"])
    assert suspect["2024-03-02":].all()
    assert not suspect[:"2024-02-28"].any()


def _suspect(power: Observations, site: Site, weather: xr.Dataset) -> pd.Series:
    flags = flag_quality(power, sites=site, weather=weather, rules=[Flag.CLOCK_SUSPECT]).flags
    assert flags is not None
    return flags[site.name] == int(Flag.CLOCK_SUSPECT)


# --- What it is given -----------------------------------------------------------------------------


def test_missing_stays_missing_and_flags_that_were_there_stay() -> None:
    site, weather, power = _clean("wind")
    values = power.values.copy()
    values.iloc[100:200] = np.nan
    flags = pd.DataFrame(0, index=power.index, columns=values.columns)
    flags.iloc[5] = int(Flag.USER)
    checked = flag_quality(replace(power, values=values, flags=flags), sites=site, weather=weather)
    assert checked.flags is not None
    assert checked.values.iloc[100:200].isna().all().all()
    assert (checked.flags.iloc[100:200] == 0).all().all()
    assert checked.flags.iloc[5, 0] & int(Flag.USER)
    assert checked.flags.attrs == {"flag_version": FLAG_VERSION, "rules_version": quality_rules.RULES_VERSION}
    assert checked.flags.dtypes.iloc[0] == "int64"


def test_bits_never_change() -> None:
    assert {flag.name: int(flag) for flag in Flag} == {
        "INCOMPLETE": 1,
        "OUTAGE": 2,
        "CURTAILED": 4,
        "CLOCK_SUSPECT": 8,
        "STUCK": 16,
        "SPIKE": 32,
        "ABOVE_CAPACITY": 64,
        "NIGHT_GENERATION": 128,
        "CLIPPING": 256,
        "INTERPOLATED": 512,
        "DUPLICATE": 1024,
        "USER": 2048,
        "UNREADABLE": 4096,
    }


def test_demand_is_flagged_without_capacity_and_weather() -> None:
    synthetic = datasets.almaty(hours=2000)
    site = synthetic.sites[0]
    assert isinstance(site, DemandArea)
    values = synthetic.observations.values[[site.name]].copy()
    values.iloc[500:510] = values.iloc[500, 0]
    checked = flag_quality(Observations(values, published_after="1h"), sites=site)
    assert checked.flags is not None
    assert (checked.flags.iloc[500:510] == int(Flag.STUCK)).all().all()
    assert (checked.flags.drop(values.index[500:510]) != 0).to_numpy().mean() < 0.01


def test_what_has_no_rule_is_refused() -> None:
    site, _, power = _clean("wind")
    with pytest.raises(SchemaError, match="no rule"):
        flag_quality(power, sites=site, rules=[Flag.USER])
    with pytest.raises(SchemaError, match="elsewhere"):
        flag_quality(power, sites=Site(name="elsewhere", latitude=0, longitude=0))


def test_ten_minutes_have_rules_in_hours() -> None:
    series = MeasuredPower(power=np.full(20, 0.4), hours=1 / 6, expected=np.full(20, 0.8))
    assert quality_rules.curtailed(series).all()
    short = np.r_[np.full(5, 0.7), np.full(6, 0.4), np.full(9, 0.75)] + np.linspace(0, 0.3, 20) * (
        np.arange(20) > 10
    )
    assert not quality_rules.curtailed(MeasuredPower(power=short, hours=1 / 6, expected=np.full(20, 0.8)))[
        5:11
    ].any()


def test_the_table_tells_hours_and_shares() -> None:
    site, _, power = _clean("pv")
    assert isinstance(site, PVPlant)
    flags = pd.DataFrame(0, index=power.index, columns=[site.name])
    flags.iloc[:4] = int(Flag.STUCK | Flag.CLIPPING)
    table = flag_table(replace(power, flags=flags)).set_index("flag")
    assert table.loc["STUCK", ["hours", "unfit"]].tolist() == [4.0, True]
    assert table.loc["CLIPPING", "unfit"] == np.False_
    assert flag_table(power).empty


def test_after_a_change_of_zone_only_the_wrong_months_are_flagged() -> None:
    since = pd.Timestamp("2024-03-01", tz="UTC")
    index = pd.date_range("2024-02-29 22:00", periods=4, freq="1h", tz="UTC")
    months = pd.DatetimeIndex(["2024-02-01", "2024-03-01"], tz="UTC")
    table = pd.DataFrame({"lag": [0.0, 60.0], "certain": True}, index=months)
    report = ClockReport(
        "farm", "wind", "change of zone", None, table, 0.0, 60.0, since, days=index.floor("D")
    )
    assert quality.clock_suspect(report, index).tolist() == [False, False, True, True]
