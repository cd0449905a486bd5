"""The look-up of outcomes: which value an hour has, as of when, and which hours are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.variables import UNFIT, Flag
from energyforecast.errors import EnergyForecastError, SchemaError, TimeError

HOUR = np.timedelta64(1, "h")
START = np.datetime64("2024-01-01T00", "ns")
INDEX = pd.date_range("2024-01-01", periods=6, freq="1h", tz="UTC")
NAT = np.datetime64("NaT", "ns")


def _power(**more: Any) -> Observations:
    """10, 11, nan, 13, 14, 15 MW, published two hours after each hour's end."""
    values = pd.DataFrame({"other": 0.0, "farm": [10.0, 11.0, np.nan, 13.0, 14.0, 15.0]}, index=INDEX)
    return Observations(values, **({"published_after": "2h"} | more))


def _frame(farm: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"other": farm[::-1], "farm": farm}, index=INDEX)


def _flagged() -> Observations:
    return _power(flags=_frame([0, int(Flag.CURTAILED), 0, int(Flag.CLIPPING), 0, 0]))


def _refused(call: Callable[[], Any], kind: type[EnergyForecastError], *named: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 3
    for word in named:
        assert word in str(caught.value), f"{word!r} is not named in {caught.value}"


# --- Which hours -----------------------------------------------------------------------------------


def test_values_come_in_the_order_and_the_shape_of_the_hours() -> None:
    hours = timestamps.to_ns(INDEX)[[[5, 0, 0], [3, 4, 1]]]
    assert _power().value_at("farm", hours).tolist() == [[15, 10, 10], [13, 14, 11]]
    assert _power().value_at("other", hours).tolist() == [[0] * 3] * 2
    assert _power().value_at("farm", hours[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    "given_",
    [
        INDEX[3:5],
        INDEX[3:5].tz_convert("Asia/Almaty"),
        INDEX[3:5].as_unit("s"),
        INDEX[3:5].tz_localize(None),
        pd.Series(INDEX[3:5], index=["x", "y"]),
        list(INDEX[3:5]),
        [moment.to_pydatetime() for moment in INDEX[3:5]],
        ["2024-01-01 03:00", "2024-01-01T09:00+05:00"],
        np.array(["2024-01-01T03", "2024-01-01T04"], dtype="datetime64[h]"),
        [np.datetime64("2024-01-01T03", "ns"), np.datetime64("2024-01-01T04", "s")],
        xr.DataArray(timestamps.to_ns(INDEX[3:5]), dims="hour"),
    ],
    ids=lambda given_: type(given_).__name__,
)
def test_hours_may_be_any_moments(given_: Any) -> None:
    found = _power().value_at("farm", given_)
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [13, 14]


@pytest.mark.parametrize("moment", ["2024-01-01 03:00", INDEX[3], np.datetime64("2024-01-01T03", "h")])
def test_one_hour_has_one_value(moment: Any) -> None:
    found = _power().value_at("farm", moment)
    assert found.shape == ()
    assert float(found) == 13


@pytest.mark.parametrize(
    "hour",
    ["2023-12-31 23:00", "2024-01-01 06:00", "2024-01-01 03:30", "2024-01-01 02:59:59", "1700-01-01"],
)
def test_an_hour_outside_is_refused_by_name_unless_it_may_be_missing(hour: str) -> None:
    hours = [INDEX[3], pd.Timestamp(hour, tz="UTC"), pd.Timestamp("2030-01-01", tz="UTC")]
    _refused(lambda: _power().value_at("farm", hours), TimeError, "2 hours", "'farm'", hour, "missing")
    assert _power().value_at("farm", hours, outside="missing").tolist() == pytest.approx(
        [13, np.nan, np.nan], nan_ok=True
    )


def test_no_time_is_outside_too() -> None:
    hours = np.array([timestamps.to_ns(INDEX)[3], NAT])
    _refused(lambda: _power().value_at("farm", hours), TimeError, "1 hour,", "NaT")
    for several in (hours, [INDEX[3], pd.NaT]):
        found = _power().value_at("farm", several, outside="missing")
        np.testing.assert_array_equal(found, [13, np.nan])


def test_a_misspelt_option_does_not_let_hours_pass() -> None:
    with pytest.raises(TimeError):
        _power().value_at("farm", "2030-01-01", outside="mising")  # type: ignore[arg-type]


def test_what_is_no_moment_or_no_site_is_refused() -> None:
    _refused(lambda: _power().value_at("farm", ["yesterday at noon"]), TimeError, "yesterday at noon")
    for look_up in (
        _power().value_at,
        _power().published_at,
        _power().available_capacity_at,
        _power().flags_at,
    ):
        _refused(lambda look_up=look_up: look_up("park", INDEX), SchemaError, "'park'", "'farm'")  # type: ignore[misc]


def test_one_row_and_other_intervals() -> None:
    one = Observations(pd.DataFrame({"a": [1.0]}, index=INDEX[:1]), published_after="0h", frequency="30min")
    assert one.value_at("a", INDEX[0]) == 1
    assert np.isnan(one.value_at("a", INDEX[0] + pd.Timedelta("30min"), outside="missing"))
    quarters = pd.date_range("2024-01-01 00:07", periods=4, freq="15min", tz="UTC")
    fine = Observations(pd.DataFrame({"a": range(4)}, index=quarters), published_after="0h")
    assert fine.value_at("a", "2024-01-01 00:22") == 1
    _refused(lambda: fine.value_at("a", "2024-01-01 00:15"), TimeError, "00:15", "15min", "00:07")


# --- Which values ----------------------------------------------------------------------------------


def test_what_is_missing_or_set_aside_is_missing() -> None:
    np.testing.assert_array_equal(_power().value_at("farm", INDEX), [10, 11, np.nan, 13, 14, 15])
    np.testing.assert_array_equal(_flagged().value_at("farm", INDEX), [10, np.nan, np.nan, 13, 14, 15])
    np.testing.assert_array_equal(
        _flagged().value_at("farm", INDEX, include_flagged=True), [10, 11, np.nan, 13, 14, 15]
    )


@pytest.mark.parametrize("flag", Flag)
def test_only_flags_that_say_so_set_a_value_aside(flag: Flag) -> None:
    power = _power(flags=_frame([int(flag)] * 6))
    assert np.isnan(power.value_at("farm", INDEX[0])) == bool(flag & UNFIT)


def test_a_value_counts_once_it_is_published() -> None:
    # The hour of 03:00 ends at 04:00 and is published at 06:00.
    for as_of, value in (("2024-01-01 05:59:59", np.nan), ("2024-01-01 06:00", 13.0)):
        for moment in (as_of, pd.Timestamp(as_of, tz="UTC").tz_convert("Asia/Almaty"), np.datetime64(as_of)):
            np.testing.assert_array_equal(_power().value_at("farm", INDEX[3], as_of=moment), value)


def test_each_hour_may_have_a_moment_of_its_own() -> None:
    known = INDEX + pd.Timedelta("3h")
    early = known - pd.to_timedelta([1, 0, 0, 1, 0, 1], unit="ns")
    expected = [np.nan, 11, np.nan, np.nan, 14, np.nan]
    np.testing.assert_array_equal(_power().value_at("farm", INDEX, as_of=early), expected)
    issued = timestamps.to_ns(known)[[1, 3]][:, None]
    found = _power().value_at("farm", np.stack([timestamps.to_ns(INDEX)] * 2), as_of=issued)
    np.testing.assert_array_equal(found, [[10, 11] + [np.nan] * 4, [10, 11, np.nan, 13, np.nan, np.nan]])
    assert np.isnan(_power().value_at("farm", INDEX, as_of=np.full(6, NAT))).all()
    _refused(lambda: _power().value_at("farm", INDEX, as_of=known[:2]), SchemaError, "(2,)", "(6,)")
    _refused(lambda: _power().value_at("farm", INDEX[0], as_of=known[:2]), SchemaError, "(2,)", "()")


def test_what_was_never_published_is_never_known() -> None:
    recorded = pd.DataFrame({name: INDEX + pd.Timedelta("1h") for name in ("other", "farm")}, index=INDEX)
    recorded.loc[INDEX[4], "farm"] = pd.NaT
    power = _power(published_after=None, published_time=recorded)
    found = power.value_at("farm", INDEX, as_of="2100-01-01")
    np.testing.assert_array_equal(found, [10, 11, np.nan, 13, np.nan, 15])
    assert power.value_at("other", INDEX, as_of="2100-01-01").tolist() == [0] * 6


def test_observations_stay_as_they_were() -> None:
    power = _flagged()
    before = power.values.copy()
    power.value_at("farm", INDEX, as_of="2024-01-01 03:00")[:] = 0
    power.value_at("farm", INDEX, include_flagged=True)[:] = 0
    pd.testing.assert_frame_equal(power.values, before)


# --- Beside the values -----------------------------------------------------------------------------


def test_capacity_publication_and_flags_are_of_the_same_hours() -> None:
    power = _power(
        available_capacity=_frame([20.0, 20.0, np.nan, 0.0, 30.0, 30.0]),
        flags=_frame([0, 1, 2, 4, 8, 16]),
    )
    hours = INDEX[[4, 2, 3]]
    np.testing.assert_array_equal(power.available_capacity_at("farm", hours), [30, np.nan, 0])
    assert power.flags_at("farm", hours).tolist() == [8, 2, 4]
    assert (power.published_at("farm", hours) == timestamps.to_ns(hours + pd.Timedelta("3h"))).all()
    beyond = INDEX[-1:] + pd.Timedelta("1h")
    assert np.isnan(power.available_capacity_at("farm", beyond, outside="missing")).all()
    assert np.isnat(power.published_at("farm", beyond, outside="missing")).all()
    for look_up in (power.available_capacity_at, power.published_at, power.flags_at):
        _refused(lambda look_up=look_up: look_up("farm", beyond), TimeError, "06:00")  # type: ignore[misc]


def test_without_capacity_or_flags_none_is_known_or_set() -> None:
    assert np.isnan(_power().available_capacity_at("farm", INDEX)).all()
    assert _power().flags_at("farm", INDEX).tolist() == [0] * 6


# --- Against an oracle -----------------------------------------------------------------------------


def _random(rng: np.random.Generator, *, recorded: bool, width: str) -> Observations:
    index = pd.date_range("2024-01-01", periods=60, freq=width, tz="UTC")
    values = pd.DataFrame({"z": 0.0, "a": np.where(rng.random(60) < 0.1, np.nan, rng.normal(size=60))}, index)
    bits = [0, int(Flag.CURTAILED), int(Flag.CLIPPING), int(Flag.NIGHT_GENERATION | Flag.STUCK)]
    flags = pd.DataFrame({"z": 0, "a": rng.choice(bits, size=60, p=[0.7, 0.1, 0.1, 0.1])}, index)
    if not recorded:
        return Observations(values, published_after=f"{rng.integers(0, 600)}min", flags=flags)
    late = index + pd.Timedelta(width) + pd.to_timedelta(rng.integers(0, 900, size=60), unit="min")
    known = pd.DataFrame({"z": late, "a": late.where(rng.random(60) > 0.1)}, index)
    return Observations(values, published_time=known, flags=flags)


def _of_one(power: Observations, hour: Any, as_of: Any, *, include_flagged: bool) -> float:
    """One value by its definition, from frames, cell by cell."""
    assert power.flags is not None
    for begin in power.index:
        if begin.to_datetime64() != hour:
            continue
        if power.published_time is None:
            known = begin + power.frequency + power.published_after
        else:
            known = power.published_time.loc[begin, "a"]
        if as_of is not None and (pd.isna(known) or known.to_datetime64() > as_of):
            return np.nan
        aside = any(power.flags.loc[begin, "a"] & int(flag) for flag in Flag if flag in UNFIT)
        return np.nan if aside and not include_flagged else float(power.values.loc[begin, "a"])
    return np.nan


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10**6),
    recorded=st.booleans(),
    width=st.sampled_from(["1h", "15min", "1D"]),
    include_flagged=st.booleans(),
    way=st.sampled_from(["whenever", "one moment", "each its own"]),
)
def test_every_value_is_that_of_its_definition(
    seed: int, recorded: bool, width: str, include_flagged: bool, way: str
) -> None:
    rng = np.random.default_rng(seed)
    power = _random(rng, recorded=recorded, width=width)
    step = power.frequency.to_timedelta64()
    between = rng.choice([0, 0, 0, 1], size=(6, 5)) * (step // 2)
    hours = START + rng.integers(-8, 68, size=(6, 5)) * step + between
    moments = hours + rng.integers(-60, 900, size=hours.shape).astype("timedelta64[m]")
    as_of = {"whenever": None, "one moment": moments[0, 0], "each its own": moments}[way]
    found = power.value_at("a", hours, as_of=as_of, include_flagged=include_flagged, outside="missing")
    each = [None] * hours.size if as_of is None else np.broadcast_to(as_of, hours.shape).ravel()
    expected = [
        _of_one(power, hour, moment, include_flagged=include_flagged)
        for hour, moment in zip(hours.ravel(), each, strict=True)
    ]
    np.testing.assert_array_equal(found.ravel(), expected)


@pytest.mark.parametrize("key", ["power", ["power"]])
def test_an_unknown_site_is_answered_with_the_sites(key: Any) -> None:
    with pytest.raises(SchemaError, match="'power'") as caught:
        _power()[key]
    assert "'other', 'farm'" in caught.value.expected


def test_an_empty_table_is_answered_with_an_obligation() -> None:
    with pytest.raises(EnergyForecastError) as caught:
        Observations(_power().values.iloc[:0], published_after="2h")
    assert caught.value.expected == "It must hold at least one hour and one site."
