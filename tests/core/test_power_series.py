"""Series that are no power in one unit: counters, and units that change midway."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core.power_series import check_unit_of_power, is_counter
from energyforecast.errors import UnitsError
from energyforecast.observations import audit_observations
from tests.support.error_messages import three_lines


def _wind(days: int = 400, seed: int = 0) -> pd.Series:
    """Power of a wind farm with calms and outages. [MW]"""
    hours = pd.date_range("2023-01-01", periods=24 * days, freq="1h", tz="UTC")
    rng = np.random.default_rng(seed)
    level = np.convolve(rng.normal(size=len(hours) + 47), np.ones(48) / 7, mode="valid")
    power = 30 * np.clip(0.35 + 0.35 * level, 0.0, 1.0) + 0.01 * rng.random(len(hours))
    power[24 * 100 : 24 * 120] = -0.05
    return pd.Series(power, index=hours)


def _sun(latitude: float) -> pd.Series:
    """Power of a PV plant under snow for five weeks of its winter. [MW]"""
    hours = pd.date_range("2023-01-01", periods=24 * 400, freq="1h", tz="UTC")
    sun = ef.physics.solar_position(hours.tz_localize(None).to_numpy(), latitude, 20.0)
    power = 50 * np.clip(np.cos(np.radians(sun.zenith)), 0, 1)
    snow, rng = slice(24 * 10, 24 * 45), np.random.default_rng(2)
    power[snow] *= 0.02 * rng.random(24 * 35) * (rng.random(24 * 35) > 0.7)
    return pd.Series(power, index=hours)


@pytest.mark.parametrize("factor", [1000.0, 1e-3, 1e6, 1e-6])
@pytest.mark.parametrize(
    "days", [slice("2023-06", "2023-07"), slice("2023-03-13", "2023-04-02"), slice("2023-09-15", None)]
)
def test_a_unit_that_changes_midway_is_refused_with_its_day(factor: float, days: slice) -> None:
    power = _wind()
    power[days] *= factor
    with pytest.raises(UnitsError, match="changes its unit at") as caught:
        check_unit_of_power(power, label="power")
    named = pd.Timestamp(str(caught.value).split(" at ")[1][:10], tz="UTC")
    assert abs(named - power[days].index[0]) < pd.Timedelta("4D")
    three_lines(caught.value)


@pytest.mark.parametrize("days", [1, 3, 7, 14])
@pytest.mark.parametrize("at_end", [False, True])
def test_a_few_days_in_kilowatts_at_an_end_are_refused(days: int, at_end: bool) -> None:
    for power in (_wind(60), 40 + 10 * np.sin(np.arange(24 * 60) * 2 * np.pi / 24) + _wind(60) / 10):
        part = slice(-24 * days, None) if at_end else slice(24 * days)
        power.iloc[part] = power.iloc[part] * 1000
        with pytest.raises(
            UnitsError, match=f"at {power.index[24 * (60 - days if at_end else days)]:%Y-%m-%d}"
        ):
            check_unit_of_power(power, label="power")


@pytest.mark.parametrize("days", [1, 5, 14])
def test_a_plant_that_begins_to_run_is_in_no_other_unit(days: int) -> None:
    """Before, its transformers use a little, and tests of single turbines give some power."""
    power = _wind(60)
    before = power.index < power.index[-24 * days]
    tests = np.where(np.random.default_rng(0).random(len(power)) < 0.1, 0.02 * power, -0.05)
    check_unit_of_power(power.where(~before, tests), label="power")


@pytest.mark.parametrize("seed", range(5))
def test_calms_and_outages_are_no_other_unit(seed: int) -> None:
    check_unit_of_power(_wind(seed=seed), label="power")


@pytest.mark.parametrize("latitude", [0.0, 45.0, 60.0, 66.0, 70.0])
def test_winters_and_snow_are_no_other_unit(latitude: float) -> None:
    check_unit_of_power(_sun(latitude), label="power")


def test_months_in_kilowatts_stop_fit_and_audit_without_a_capacity() -> None:
    power = _wind()
    power["2023-06"] *= 1000
    observations = ef.Observations(power.to_frame("farm"), published_after="1h")
    farm = ef.WindFarm(name="farm", latitude=50.0, longitude=10.0, capacity=None)
    report = audit_observations(observations, sites=[farm])
    assert any("changes its unit at 2023-06-01" in problem for problem in report.problems)


@pytest.mark.parametrize("daily", [False, True])
@pytest.mark.parametrize("step", ["15min", "1h"])
def test_readings_are_a_counter_and_power_is_none(daily: bool, step: str) -> None:
    for series in (_wind(), _sun(45.0)):
        power = series.resample(step).interpolate().clip(lower=0.0)
        counted = power.groupby(power.index.date).cumsum() if daily else power.cumsum()
        assert is_counter(counted)
        assert not is_counter(power)
