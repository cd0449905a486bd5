"""Power curves of power coefficients, and of farms with wakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

import energyforecast as ef
from energyforecast.errors import EnergyForecastError, MissingDataError, RangeError, SchemaError
from tests.support.error_messages import three_lines

LINE = ef.PowerCurve((3, 13, 25), (0, 1, 1))


def test_a_curve_of_power_coefficients_is_their_power_up_to_rated() -> None:
    speeds, coefficient = (3.0, 5.0, 10.0, 25.0), (0.2, 0.42, 0.45, 0.03)
    curve = ef.PowerCurve.from_power_coefficient(speeds, coefficient, rotor_diameter=100, rated=2.5)
    wind = np.arange(3.0, 10.4, 0.037)
    expected = ef.physics.power_from_coefficient(
        wind, np.array(speeds), np.array(coefficient), rotor_diameter=100, rated=2.5
    )
    np.testing.assert_allclose(2.5 * curve.power_at(wind), expected, atol=4e-3)  # linear over 0.1 m/s
    assert curve.power_at([2.9, 24.9, 25.1]).round(3).tolist() == [0.0, 0.974, 0.0]
    longer = ef.PowerCurve.from_power_coefficient(
        speeds, coefficient, rotor_diameter=100, rated=2.5, cut_out=28
    )
    assert longer.power_at([28.0, 28.1]).tolist() == [1.0, 0.0]


def test_rounded_coefficients_do_not_fall_before_rated_power() -> None:
    # 0.05 for 0.054 at 20 m/s: 8 % too low after 98 % at 12 m/s.
    curve = ef.PowerCurve.from_power_coefficient(
        (3, 8, 12, 20, 22), (0.3, 0.45, 0.24, 0.05, 0.04), rotor_diameter=100, rated=2.1
    )
    rising = curve.power_at(np.arange(3, 13, 0.1))
    assert (np.diff(rising) >= 0).all()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"power_coefficient": (20, 42, 45, 3)}, "16/27"),
        ({"power_coefficient": (0.2, 0.42)}, "power coefficients"),
        ({"wind_speed": ()}, "power coefficients"),
        ({"wind_speed": (25, 10, 5, 3)}, "must rise"),
        ({"rated": 2500.0}, "far from|greatest power"),
        ({"rotor_diameter": -100.0}, "rotor diameter"),
        ({"rotor_diameter": "100"}, "rotor_diameter"),
        ({"cut_out": 2.0}, "cut-out|wind speeds"),
    ],
)
def test_coefficients_that_give_no_curve_are_refused(given: dict[str, object], named: str) -> None:
    usual = {"wind_speed": (3, 5, 10, 25), "power_coefficient": (0.2, 0.42, 0.45, 0.03)}
    with pytest.raises(EnergyForecastError, match=named) as caught:
        ef.PowerCurve.from_power_coefficient(**{**usual, "rotor_diameter": 100, "rated": 2.5, **given})
    three_lines(caught.value)


def test_a_farm_behind_its_wakes_needs_more_wind() -> None:
    farm = LINE.with_wakes([(5, 0.8), (15, 1.0)])
    wind = np.array([2.0, 5.0, 8.0, 13.0, 20.0, 25.0, 25.1])
    behind = wind * np.interp(wind, [5, 15], [0.8, 1.0])
    np.testing.assert_allclose(farm.power_at(wind)[:-1], LINE.power_at(behind)[:-1], atol=1e-3)
    assert farm.power_at([25.1]).tolist() == [0.0]
    assert (farm.cut_out, farm.rated) == (25.0, 1.0)


def test_a_share_of_the_power_is_a_share_of_the_power() -> None:
    farm = LINE.with_wakes([(5, 0.8), (15, 0.95)], of="power")
    wind = np.array([4.0, 8.0, 13.0, 20.0])
    expected = LINE.power_at(wind) * np.interp(wind, [5, 15], [0.8, 0.95])
    np.testing.assert_allclose(farm.power_at(wind), expected, atol=1e-3)


def test_the_free_wind_stops_turbines_whatever_the_wakes() -> None:
    storm = ef.PowerCurve((3, 12, 22, 26), (0, 1, 1, 0))
    farm = storm.with_wakes([(10, 0.9)])
    assert (farm.power_at(np.arange(0, 30, 0.1)) <= storm.power_at(np.arange(0, 30, 0.1)) + 1e-9).all()
    assert farm.power_at([26.1]).tolist() == [0.0]


@pytest.mark.parametrize(
    ("efficiency", "of", "kind"),
    [
        ([(5, 80), (15, 95)], "wind_speed", RangeError),
        ([(15, 0.8), (5, 0.9)], "wind_speed", SchemaError),
        ([0.8, 0.9], "wind_speed", SchemaError),
        ([], "power", SchemaError),
        (0.9, "power", SchemaError),
        ([("a", "b")], "wind_speed", SchemaError),
        ([(5, 0.9)], "wind", SchemaError),
        ("dena_mean", "power", SchemaError),
    ],
)
def test_an_efficiency_that_is_no_table_is_refused(
    efficiency: object, of: str, kind: type[EnergyForecastError]
) -> None:
    with pytest.raises(kind) as caught:
        LINE.with_wakes(efficiency, of=of)
    three_lines(caught.value)


def test_an_unknown_published_efficiency_is_named() -> None:
    pytest.importorskip("windpowerlib", reason="windpowerlib is not installed")
    with pytest.raises(MissingDataError, match="dena_mean") as caught:
        LINE.with_wakes("dena")
    three_lines(caught.value)


def test_a_curve_with_wakes_is_stored_like_any_other(tmp_path: Path) -> None:
    farm = LINE.with_wakes([(5, 0.8), (15, 1.0)])
    again = ef.PowerCurve(farm.wind_speed, farm.power, rated=farm.rated, cut_out=farm.cut_out)
    assert again == farm


# --- Storms in measurements -----------------------------------------------------------------------


def _true(wind: np.ndarray, stop: float) -> np.ndarray:
    return np.where(wind <= stop, np.clip((wind / 12.0) ** 3, 0, 1) * (wind > 3), 0.0)


def _stormy(stop: float, *, storms: int, hysteresis: bool) -> tuple[np.ndarray, np.ndarray]:
    """Power and wind of a year in which the wind exceeds the speed at which turbines stop."""
    rng = np.random.default_rng(0)
    strong = rng.uniform(15, stop, 400), rng.uniform(stop - 1, stop + 6, storms)
    wind = np.concatenate([rng.weibull(2, 8000) * 8, *strong])
    if not hysteresis:
        return 60 * _true(wind, stop), wind
    weather = lfilter([0.24], [1.0, -0.97], rng.normal(size=len(wind)))
    wind = np.sort(wind)[np.argsort(np.argsort(weather))]
    running = ef.physics.turbines_running(wind, stop=stop, restart=stop - 3)
    return 60 * _true(np.minimum(wind, stop), stop) * running, wind


@pytest.mark.parametrize("hysteresis", [False, True])
@pytest.mark.parametrize("bin_width", [0.1, 0.5, 1.0])
@pytest.mark.parametrize(
    ("storms", "stop", "cut_out"), [(50, 22.5, 25.0), (3000, 25.0, 25.0), (300, 20.0, 40.0)]
)
def test_measured_curves_run_until_turbines_stop_and_not_beyond(
    storms: int, stop: float, cut_out: float, bin_width: float, hysteresis: bool
) -> None:
    power, wind = _stormy(stop, storms=storms, hysteresis=hysteresis)
    curve = ef.PowerCurve.from_measurements(power, wind, rated=60, cut_out=cut_out, bin_width=bin_width)
    below = np.arange(4.0, stop - bin_width - (4.0 if hysteresis else 1.0), 0.5)
    np.testing.assert_allclose(curve.power_at(below), _true(below, stop), atol=0.02)
    assert curve.power_at(np.arange(stop + bin_width + 0.6, 45, 0.5)).max() < 0.05


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"bin_width": 0.0}, "bin_width is 0"),
        ({"bin_width": -0.5}, "bin_width is -0.5"),
        ({"bin_width": float("nan")}, "bin_width is nan"),
        ({"bin_width": "0.5"}, "bin_width"),
        ({"min_count": 0}, "min_count is 0"),
        ({"min_count": 2.5}, "min_count"),
        ({"cut_out": float("inf")}, "cut_out is inf"),
        ({"cut_out": None}, "cut_out"),
        ({"usable": np.full(1601, np.nan)}, "usable holds nan"),
        ({"power": np.zeros((1, 1601))}, "power has the shape"),
        ({"power": ["a"] * 1601}, "power"),
    ],
)
def test_measurements_with_senseless_arguments_are_refused(given: dict[str, object], named: str) -> None:
    wind = np.linspace(0, 16, 1601)
    usual = {"power": 60 * np.clip((wind - 3) / 9, 0, 1), "wind_speed": wind, "rated": 60}
    with pytest.raises(EnergyForecastError, match=named) as caught:
        ef.PowerCurve.from_measurements(**{**usual, **given})
    three_lines(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ef.PowerCurve.generic(cut_out=float("inf")),
        lambda: ef.PowerCurve.generic(cut_out=float("nan")),
        lambda: ef.PowerCurve.generic(rated="2"),
        lambda: LINE.smoothed(float("inf")),
        lambda: LINE.smoothed("1"),
        lambda: LINE.smoothed(1.0, relative=float("inf")),
    ],
)
def test_senseless_curves_of_the_library_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        call()
    three_lines(caught.value)
