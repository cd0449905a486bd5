"""Demand physics against published tables, almanacs and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energyforecast import physics


def test_heating_and_cooling_begin_at_their_bases() -> None:
    temperature = np.array([-20.0, 14.0, 15.0, 20.0, 21.5])
    assert physics.heating_degrees(temperature, 15.0).tolist() == [35, 1, 0, 0, 0]
    assert physics.cooling_degrees(temperature, 20.0).tolist() == [0, 0, 0, 0, 1.5]


@given(st.floats(-60, 60), st.floats(0.2, 5))
def test_a_soft_hinge_lies_above_the_hard_one_and_meets_it_far_away(temp: float, soft: float) -> None:
    hard = physics.heating_degrees(np.array(temp), 15.0)
    smooth = physics.heating_degrees(np.array(temp), 15.0, softness=soft)
    assert -1e-9 <= smooth - hard <= soft * np.log(2) + 1e-9
    if abs(temp - 15) > 20 * soft:
        assert smooth == pytest.approx(hard, abs=1e-6)


def test_thermal_inertia_is_the_weighted_mean_of_the_past() -> None:
    rng = np.random.default_rng(1)
    temperature = rng.normal(10, 8, (3, 40))
    got = physics.thermal_inertia(temperature, 8.0, step=0.5)
    for k in (0, 1, 7, 39):
        weight = np.exp(-0.5 * np.arange(k, -1, -1) / 8.0)
        np.testing.assert_allclose(got[:, k], np.average(temperature[:, : k + 1], axis=1, weights=weight))


def test_thermal_inertia_agrees_with_pandas_also_where_values_are_missing() -> None:
    rng = np.random.default_rng(2)
    temperature = rng.normal(10, 8, 200)
    temperature[[0, 1, 50, 51, 52, 120]] = np.nan
    mean = pd.Series(temperature).ewm(alpha=1 - np.exp(-1 / 24), adjust=True, ignore_na=False).mean()
    np.testing.assert_allclose(physics.thermal_inertia(temperature, 24.0), mean)


def test_thermal_inertia_never_sees_what_comes_after() -> None:
    early = np.linspace(0, 10, 48)
    late = early.copy()
    late[30:] = 60
    np.testing.assert_array_equal(
        physics.thermal_inertia(early, 24.0)[:30], physics.thermal_inertia(late, 24.0)[:30]
    )


def test_a_longer_time_constant_is_slower() -> None:
    step = np.r_[np.zeros(100), np.full(24, 10.0)]
    after = [physics.thermal_inertia(step, hours)[-1] for hours in (8.0, 24.0, 72.0)]
    assert after[0] > after[1] > after[2] > 0
    assert after[1] == pytest.approx(10 * (1 - np.exp(-1)), abs=0.1)


@pytest.mark.parametrize(
    ("temp", "humidity", "wind", "felt"),
    # Vapour pressure of saturated air 23.4 hPa at 20 °C and 56.2 hPa at 35 °C, from steam tables.
    [
        (20.0, 50.0, 0.0, 20 + 0.33 * 11.7 - 4),
        (35.0, 60.0, 5.0, 35 + 0.33 * 33.7 - 3.5 - 4),
        (0.0, 0.0, 10.0, -11.0),
    ],
)
def test_apparent_temperature(temp: float, humidity: float, wind: float, felt: float) -> None:
    assert physics.apparent_temperature(temp, humidity, wind) == pytest.approx(felt, abs=0.1)


@pytest.mark.parametrize("latitude", [-37.8, 0.0, 43.24, 51.1, 65.0])
def test_length_of_the_day_and_sunset_agree_with_the_position_of_the_sun(latitude: float) -> None:
    longitude = 76.9
    days = pd.date_range("2024-01-01", "2024-12-31", freq="11D", tz="UTC")
    sun = pvlib.solarposition.sun_rise_set_transit_spa(days, latitude, longitude)
    expected = (sun["sunset"] - sun["sunrise"]) / pd.Timedelta("1h") % 24
    length = physics.day_length(latitude, np.asarray(days.day_of_year))
    np.testing.assert_allclose(length, expected, atol=0.12)
    hour = physics.solar_hour(sun["sunset"].dt.tz_localize(None).to_numpy(), longitude)
    np.testing.assert_allclose(physics.hour_after_sunset(hour, length), 0, atol=0.1)


def test_polar_night_and_midnight_sun() -> None:
    assert physics.day_length(80.0, np.array([1, 172])).tolist() == [0, 24]
    hours = np.arange(0.0, 24.0)
    assert physics.daylight_share(hours, np.array(0.0)).sum() == 0
    assert (physics.daylight_share(hours, np.array(24.0)) == 1).all()


@given(st.floats(0, 24), st.sampled_from([0.25, 0.5, 1.0]))
def test_shares_of_a_day_add_up_to_its_length(length: float, interval: float) -> None:
    begin = np.arange(0, 24, interval)
    share = physics.daylight_share(begin, np.array(length), interval=interval)
    assert ((share >= 0) & (share <= 1)).all()
    assert share.sum() * interval == pytest.approx(length)


def test_the_suns_noon_is_its_transit() -> None:
    days = pd.date_range("2024-01-01", "2024-12-31", freq="7D", tz="UTC")
    sun = pvlib.solarposition.sun_rise_set_transit_spa(days, 43.24, 76.9)
    hour = physics.solar_hour(sun["transit"].dt.tz_localize(None).to_numpy(), 76.9)
    np.testing.assert_allclose(hour, 12.0, atol=0.003)
