"""Wind physics against published tables, hand calculation and windpowerlib."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from energyforecast import PowerCurve, physics
from energyforecast.errors import RangeError, SchemaError
from tests.support.error_messages import three_lines

# Jonkman et al. (2009), NREL/TP-500-38060: the 5 MW machine, hub at 90 m. [m s⁻¹; share of rated power]
NREL_5MW = (
    (3, 4, 5, 6, 7, 8, 9, 10, 11, 11.4, 25),
    (0.0081, 0.0355, 0.0808, 0.1475, 0.2374, 0.3542, 0.5037, 0.6897, 0.9125, 1, 1),
)
NREL_CURVE = (np.array([3.0, 12.0, 25.0]), np.array([0.0, 1.0, 1.0]))
speeds = st.floats(0.0, 40.0)


# --- Air ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("altitude", "temp_air", "pressure", "density"),
    [
        # ISO 2533 / US Standard Atmosphere (1976): altitude [m], °C, Pa, kg m⁻³
        (0, 15.0, 101_325.0, 1.2250),
        (1000, 8.5, 89_876.0, 1.1117),
        (2000, 2.0, 79_501.0, 1.0066),
        (3000, -4.5, 70_121.0, 0.90925),
    ],
)
def test_density_is_that_of_the_standard_atmosphere(
    altitude: int, temp_air: float, pressure: float, density: float
) -> None:
    assert float(physics.air_density(temp_air, pressure)) == pytest.approx(density, rel=3e-4)


def _cipm_2007(temp_air: float, pressure: float, humidity: float) -> float:
    """Picard et al. (2008), https://doi.org/10.1088/0026-1394/45/2/004, with air as an ideal gas."""
    kelvin = temp_air + 273.15
    saturation = np.exp(1.2378847e-5 * kelvin**2 - 1.9121316e-2 * kelvin + 33.93711047 - 6.3431645e3 / kelvin)
    enhancement = 1.00062 + 3.14e-8 * pressure + 5.6e-7 * temp_air**2
    vapour = humidity / 100 * enhancement * saturation / pressure
    return float(pressure * 28.96546e-3 / (8.314472 * kelvin) * (1 - vapour * 0.3780))


@pytest.mark.parametrize("humidity", [0.0, 50.0, 100.0])
@pytest.mark.parametrize("temp_air", [-10.0, 5.0, 20.0, 35.0])
def test_humid_air_is_lighter_by_what_metrologists_say(temp_air: float, humidity: float) -> None:
    expected = _cipm_2007(temp_air, 97_000.0, humidity)
    assert float(physics.air_density(temp_air, 97_000.0, humidity)) == pytest.approx(expected, rel=3e-4)


@given(st.floats(-30, 40), st.floats(60_000, 105_000), st.floats(0, 99))
def test_density_falls_with_humidity(temp_air: float, pressure: float, humidity: float) -> None:
    moister = physics.air_density(temp_air, pressure, humidity + 1)
    assert moister < physics.air_density(temp_air, pressure, humidity)


def test_corrected_speed_carries_the_same_power() -> None:
    corrected = physics.density_corrected_wind_speed(9.0, 1.0)
    assert 1.225 * corrected**3 == pytest.approx(1.0 * 9.0**3)


# --- Height ---------------------------------------------------------------------------------------


def test_the_power_law_by_hand() -> None:
    # IEC 61400-1 normal wind profile: 10 × (150 / 100)^0.2
    got = physics.wind_speed_power_law(10.0, height=100, hub_height=150, exponent=0.2)
    assert float(got) == pytest.approx(10.845, abs=5e-4)


def test_the_log_law_by_hand() -> None:
    # 5 × ln(80 / 0.03) / ln(10 / 0.03) = 5 × 7.8886 / 5.8091
    got = physics.wind_speed_log_law(5.0, height=10, hub_height=80, roughness_length=0.03)
    assert float(got) == pytest.approx(6.790, abs=5e-4)


def test_windpowerlib_gives_the_same_profiles() -> None:
    theirs = pytest.importorskip("windpowerlib.wind_speed", reason="windpowerlib is not installed")
    wind = np.linspace(0.5, 25, 50)
    power = physics.wind_speed_power_law(wind, height=10, hub_height=97)
    log = physics.wind_speed_log_law(wind, height=10, hub_height=97, roughness_length=0.15)
    np.testing.assert_allclose(power, theirs.hellman(wind, 10, 97), rtol=1e-12)
    np.testing.assert_allclose(log, theirs.logarithmic_profile(wind, 10, 97, 0.15), rtol=1e-12)


@pytest.mark.parametrize("rough", [10.0, 20.0, 80.0, 0.0, -0.1, np.array([0.03, 12.0, np.nan])])
@pytest.mark.parametrize(("height", "hub"), [(10, 80), (80, 10)])
def test_the_log_law_begins_at_its_roughness_length(
    rough: float | np.ndarray, height: float, hub: float
) -> None:
    with pytest.raises(RangeError) as caught:
        physics.wind_speed_log_law(5.0, height=height, hub_height=hub, roughness_length=rough)
    three_lines(caught.value, "roughness length", "both heights")


def test_an_unknown_roughness_length_gives_unknown_wind() -> None:
    got = physics.wind_speed_log_law(5.0, height=10, hub_height=80, roughness_length=np.array([0.03, np.nan]))
    np.testing.assert_allclose(got, [6.790, np.nan], atol=5e-4)


@pytest.mark.parametrize(("lower", "upper"), [(100, 10), (50, 50), (0, 100), (-10, 100), (math.nan, 100)])
def test_heights_in_the_wrong_order_are_refused(lower: float, upper: float) -> None:
    heights = {"lower_height": lower, "upper_height": upper}
    with pytest.raises(RangeError) as caught:
        physics.shear_exponent(5.0, 7.0, **heights)
    three_lines(caught.value, "lower_height and upper_height")
    with pytest.raises(RangeError) as caught:
        physics.wind_speed_between_heights(5.0, 7.0, hub_height=80, **heights)
    three_lines(caught.value, "lower_height and upper_height")


@pytest.mark.parametrize("wrong", [0.0, -10.0, math.inf, math.nan])
def test_heights_are_above_the_ground(wrong: float) -> None:
    for height, hub in ((wrong, 80), (10, wrong)):
        with pytest.raises(RangeError, match="Heights must be above 0"):
            physics.wind_speed_power_law(5.0, height=height, hub_height=hub)
        with pytest.raises(RangeError, match="Heights must be above 0"):
            physics.wind_speed_log_law(5.0, height=height, hub_height=hub, roughness_length=0.03)
    with pytest.raises(RangeError, match="hub_height"):
        physics.wind_speed_between_heights(5.0, 7.0, lower_height=10, upper_height=100, hub_height=wrong)


def test_bounds_of_the_exponent_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(RangeError) as caught:
        physics.shear_exponent(5.0, 7.0, lower_height=10, upper_height=100, bounds=(0.6, -0.2))
    three_lines(caught.value, "0.6 and -0.2")


@given(st.floats(1.5, 20), st.floats(-0.2, 0.6))
def test_the_exponent_is_found_again(lower: float, exponent: float) -> None:
    upper = physics.wind_speed_power_law(lower, height=10, hub_height=100, exponent=exponent)
    found = physics.shear_exponent(lower, upper, lower_height=10, upper_height=100, min_speed=0.5)
    assert float(found) == pytest.approx(exponent, abs=1e-9)


def test_odd_shear_is_guarded_and_missing_wind_stays_missing() -> None:
    lower = np.array([0.0, 0.3, 2.0, 9.0, np.nan, 0.2])
    upper = np.array([5.0, 0.0, 20.0, 2.0, 8.0, np.nan])
    found = physics.shear_exponent(lower, upper, lower_height=10, upper_height=100)
    np.testing.assert_allclose(found, [1 / 7, 1 / 7, 0.6, -0.2, np.nan, np.nan])


@given(speeds, speeds, st.floats(10, 100))
def test_between_two_heights_wind_lies_between_their_speeds(lower: float, upper: float, hub: float) -> None:
    got = float(
        physics.wind_speed_between_heights(lower, upper, lower_height=10, upper_height=100, hub_height=hub)
    )
    assert min(lower, upper) - 1e-9 <= got <= max(lower, upper) + 1e-9


@given(speeds, speeds, st.sampled_from([0, 1]))
def test_extrapolation_meets_the_nearer_height(lower: float, upper: float, which: int) -> None:
    height, known = ((10.0, lower), (100.0, upper))[which]
    beyond = height * (0.999999, 1.000001)[which]
    got = physics.wind_speed_between_heights(
        lower, upper, lower_height=10, upper_height=100, hub_height=beyond
    )
    assert float(got) == pytest.approx(known, rel=1e-5, abs=1e-9)


@given(st.floats(0, 360), st.floats(-179.9, 179.9))
def test_veer_is_the_shorter_way_round(lower: float, turn: float) -> None:
    assert float(physics.wind_veer(lower, (lower + turn) % 360)) == pytest.approx(turn, abs=1e-9)


def test_icing_needs_cold_and_wet_air_and_unknown_is_unknown() -> None:
    temp_air = np.array([0.0, 0.1, -5.0, -5.0, np.nan, 3.0])
    humidity = np.array([95.0, 100.0, 94.9, 99.0, 99.0, np.nan])
    got = physics.icing_conditions(temp_air, humidity)
    np.testing.assert_array_equal(got, [1.0, 0.0, 0.0, 1.0, np.nan, np.nan])


# --- Turbines -------------------------------------------------------------------------------------


def test_turbines_stop_by_the_wind_they_feel_not_by_its_density() -> None:
    thin = physics.curve_power(np.array([24.9, 25.5]), *NREL_CURVE, density=1.0)
    thick = physics.curve_power(np.array([24.9, 25.5]), *NREL_CURVE, density=1.4)
    assert thin.tolist() == [1.0, 0.0]
    assert thick.tolist() == [1.0, 0.0]


def test_windpowerlib_gives_the_same_density_corrected_power() -> None:
    # Its correction takes the exponent 1/3 up to 7.5 m/s and another, not IEC's, above.
    theirs = pytest.importorskip("windpowerlib.power_output", reason="windpowerlib is not installed")
    wind, curve = np.linspace(3, 7, 40), (np.linspace(0, 25, 51), np.linspace(0, 1, 51) ** 3)
    density = np.full(40, 1.1)
    expected = theirs.power_curve_density_correction(wind, *curve, density)
    np.testing.assert_allclose(physics.curve_power(wind, *curve, density=1.1), expected, rtol=5e-3)


def test_missing_wind_gives_missing_power() -> None:
    assert np.isnan(physics.curve_power(np.array([np.nan]), *NREL_CURVE))
    assert np.isnan(physics.curve_power(np.array([8.0]), *NREL_CURVE, density=np.array([np.nan])))


def test_smoothing_is_the_mean_over_gaussian_winds() -> None:
    rng = np.random.default_rng(3)
    for mean, deviation in ((5.0, 0.7), (11.5, 1.6), (24.0, 1.0)):
        sample = np.interp(rng.normal(mean, deviation, 400_000), *NREL_CURVE, left=0, right=0)
        got = physics.smoothed_curve_power(np.array(mean), *NREL_CURVE, deviation=deviation)
        assert float(got) == pytest.approx(sample.mean(), abs=4 * sample.std() / 632)


@given(st.floats(0.2, 2.5))
def test_smoothing_conserves_the_area_and_never_leaves_the_curve(deviation: float) -> None:
    speed, power = NREL_CURVE
    fine = np.arange(0.0, 65.0, 0.05)
    smooth = physics.smoothed_curve_power(fine, np.asarray(speed) + 15, power, deviation=deviation)
    assert smooth.sum() * 0.05 == pytest.approx(4.5 + 13.0, rel=1e-3)
    assert smooth.min() >= -1e-12
    assert smooth.max() <= 1.0 + 1e-12


def test_windpowerlib_smooths_to_the_same_curve() -> None:
    theirs = pytest.importorskip("windpowerlib.power_curves", reason="windpowerlib is not installed")
    pandas = pytest.importorskip("pandas")
    grid = pandas.Series(np.arange(0.0, 26.0, 0.5))
    values = pandas.Series(np.interp(grid, *NREL_CURVE))
    expected = theirs.smooth_power_curve(grid, values, block_width=0.05, turbulence_intensity=0.12)
    chosen = expected[(expected["wind_speed"] > 2) & (expected["wind_speed"] < 15)]  # it ends otherwise
    wind = chosen["wind_speed"].to_numpy()
    got = physics.smoothed_curve_power(wind, *NREL_CURVE, deviation=0.12 * wind)
    np.testing.assert_allclose(got, chosen["value"], atol=2e-4)


def test_the_ideal_turbine_is_the_nrel_5_mw_machine_below_rated() -> None:
    # Jonkman et al. (2009), NREL/TP-500-38060: 126 m, 5 MW, rated at 11.4 m/s; from 7 to 11 m/s its
    # electric coefficient is about 0.453 (https://github.com/NREL/turbine-models).
    wind, published = np.array([7.0, 8.0, 9.0, 10.0, 12.0]), np.array([1187.2, 1771.1, 2518.6, 3448.4, 5000])
    area = np.pi / 4 * 126**2
    got = physics.ideal_turbine_power(wind, specific_power=5e6 / area, power_coefficient=0.4525)
    np.testing.assert_allclose(5000 * got, published, rtol=3e-3)


def test_wakes_are_read_around_the_circle_in_any_order() -> None:
    sectors, factor = np.array([180.0, 0.0, 270.0, 90.0]), np.array([0.9, 0.8, 0.96, 1.0])
    got = physics.wake_factor(np.array([0, 360, 315, 45, 135, 350.0]), sectors, factor)
    np.testing.assert_allclose(got, [0.8, 0.8, 0.88, 0.9, 0.95, 0.8 + 0.16 / 9])


def _slow(series: np.ndarray, stop: float, restart: float) -> list[bool]:
    running, states = True, []
    for speed in series:
        if speed >= stop:
            running = False
        elif speed <= restart:
            running = True
        states.append(running)
    return states


@given(arrays(float, (3, 40), elements=st.one_of(st.floats(15, 32), st.just(float("nan")))))
def test_hysteresis_is_that_of_a_loop_for_every_series(series: np.ndarray) -> None:
    got = physics.turbines_running(series, stop=25, restart=22)
    assert got.tolist() == [_slow(row, 25, 22) for row in series]
    np.testing.assert_array_equal(physics.turbines_running(series.T, stop=25, restart=22, axis=0), got.T)


@pytest.mark.parametrize(("stop", "restart"), [(22.0, 25.0), (25.0, 25.0)])
def test_turbines_start_again_below_the_speed_at_which_they_stop(stop: float, restart: float) -> None:
    with pytest.raises(RangeError) as caught:
        physics.turbines_running(np.array([20.0, 26.0]), stop=stop, restart=restart)
    three_lines(caught.value, f"at {restart:g} m/s")


@pytest.mark.parametrize("speeds", [(25.0, 12.0, 3.0), (3.0, 3.0, 25.0)])
def test_an_unsorted_curve_is_refused(speeds: tuple[float, ...]) -> None:
    curve = np.array(speeds), np.array([1.0, 1.0, 0.0])
    with pytest.raises(SchemaError) as caught:
        physics.curve_power(np.array([8.0]), *curve)
    three_lines(caught.value, "power curve goes from")
    with pytest.raises(SchemaError):
        physics.smoothed_curve_power(np.array([8.0]), *curve, deviation=1.0)


@pytest.mark.parametrize("deviation", [0.0, -1.0, np.array([1.0, 0.0])])
def test_a_deviation_that_is_not_above_zero_is_refused(deviation: float | np.ndarray) -> None:
    with pytest.raises(RangeError) as caught:
        physics.smoothed_curve_power(np.array([8.0, 9.0]), *NREL_CURVE, deviation=deviation)
    three_lines(caught.value, "above 0")


def test_a_storm_that_lulls_keeps_turbines_stopped() -> None:
    got = physics.turbines_running(np.array([24.9, 25.0, 24.0, 22.1, np.nan, 22.0, 24.9]))
    assert got.tolist() == [True, False, False, False, False, True, True]


# --- A year of reanalysis -------------------------------------------------------------------------


def test_a_year_of_era5_wind_near_berlin_is_plausible() -> None:
    name = "era5_2017_berlin.nc"
    path = Path(os.environ.get("ENERGYFORECAST_DATA", "")) / "weather_samples" / name
    if "ENERGYFORECAST_DATA" not in os.environ or not path.exists():
        pytest.skip(f"needs ENERGYFORECAST_DATA with weather_samples/{name}")
    era5 = xr.open_dataset(path).isel(latitude=0, longitude=1)
    low, high = (np.hypot(era5[f"u{m}"], era5[f"v{m}"]).to_numpy() for m in (10, 100))
    hub = physics.wind_speed_between_heights(low, high, lower_height=10, upper_height=100, hub_height=90)
    density = physics.air_density(era5["t2m"].to_numpy() - 273.15, era5["sp"].to_numpy())
    turbine = PowerCurve(*NREL_5MW, rated=1.0)
    power = turbine.power_at(hub, density)
    # German wind farms on land fed in about a fifth of their capacity in 2017; one turbine without losses more.
    assert 0.18 < power.mean() < 0.28
    month = era5["time"].dt.month.to_numpy()
    winter, summer = (power[np.isin(month, months)].mean() for months in ((12, 1, 2), (6, 7, 8)))
    assert 1.4 < winter / summer < 3.0
    assert 1.22 < density.mean() < 1.27
    # Air mixes by day: the wind grows less with height then.
    shear = physics.shear_exponent(low, high, lower_height=10, upper_height=100)
    hour = era5["time"].dt.hour.to_numpy()
    assert shear[hour == 12].mean() < 0.2 < shear[hour == 0].mean()
    hourly = np.corrcoef(power[1:], power[:-1])[0, 1]
    assert hourly > 0.93 > 0.6 > np.corrcoef(power[24:], power[:-24])[0, 1]


def test_masked_values_are_missing() -> None:
    wind = np.ma.masked_greater(np.array([5.0, 10.0, 9999.0]), 9000.0)
    found = physics.curve_power(wind, np.array([0.0, 10.0, 25.0]), np.array([0.0, 1.0, 1.0]))
    np.testing.assert_allclose(found, [0.5, 1.0, np.nan])
