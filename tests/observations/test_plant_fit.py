"""Orientation, size and clipping of PV plants from power that pvlib made, which shares no formula with the fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pvlib
import pytest

import energyforecast as ef
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.observations import PlantFit, fit_plant


def _plant(latitude: float, **known: Any) -> ef.PVPlant:
    return ef.PVPlant(name="pv", latitude=latitude, longitude=20.0, **{"capacity": 2.0} | known)


def _power(
    latitude: float, *, tilt: float, azimuth: float, start: str, days: int, step: str = "1h",
    rated: float = 2.0, inverter: float = 9.0, late: str = "0min", seed: int = 0,
) -> pd.Series:  # fmt: skip
    """Power of modules under changing clouds, by pvlib's sun, Perez' sky and PVsyst's cells. [MW]"""
    rng = np.random.default_rng(seed)
    index = pd.date_range(
        start, periods=round(pd.Timedelta(days, "D") / pd.Timedelta(step)), freq=step, tz="UTC"
    )
    middle = index + pd.Timedelta(step) / 2 - pd.Timedelta(late)
    place = pvlib.location.Location(latitude, 20.0)
    sun = place.get_solarposition(middle)
    clear = pvlib.clearsky.ineichen(
        sun["apparent_zenith"], place.get_airmass(middle)["airmass_absolute"], 3.3,
        dni_extra=pvlib.irradiance.get_extra_radiation(middle.day_of_year.to_numpy()),
    )  # fmt: skip
    every = max(1, round(pd.Timedelta("4h") / pd.Timedelta(step)))
    sky = np.repeat(rng.choice([1.0, 0.97, 0.6, 0.2], size=len(index) // every + 1), every)[: len(index)]
    beam = clear["dni"] * np.clip((sky - 0.25) / 0.75, 0, 1)
    level = beam * np.cos(np.radians(sun["zenith"])).clip(lower=0)
    diffuse = (clear["ghi"] * sky - level).clip(lower=0)
    plane = pvlib.irradiance.get_total_irradiance(
        tilt, azimuth, sun["apparent_zenith"], sun["azimuth"], beam, level + diffuse, diffuse,
        dni_extra=pvlib.irradiance.get_extra_radiation(middle.day_of_year.to_numpy()), model="perez",
        airmass=place.get_airmass(middle)["airmass_relative"],
    )["poa_global"].fillna(0.0)  # fmt: skip
    cell = pvlib.temperature.pvsyst_cell(plane, 12.0, 2.0)
    dc = pvlib.pvsystem.pvwatts_dc(plane, cell, 0.9 * rated, -0.0037)
    return pd.Series(np.minimum(0.96 * dc.to_numpy(), inverter), index)


def _off(found: PlantFit, tilt: float, azimuth: float) -> tuple[float, float]:
    plant = found.plant
    assert plant.surface_tilt is not None
    assert plant.surface_azimuth is not None
    return abs(plant.surface_tilt - tilt), abs((plant.surface_azimuth - azimuth + 180) % 360 - 180)


def _holds(found: PlantFit, name: str, value: float, *, turn: float = 0.0) -> bool:
    low, high = found.ranges[name]
    return any(low <= value + k * turn <= high for k in (-1, 0, 1))


@pytest.mark.parametrize(
    ("latitude", "tilt", "azimuth", "start", "days", "step"),
    [
        (63.4, 5, 135, "2022-10-01", 150, "1h"),
        (-35.0, 25, 330, "2023-07-01", 60, "30min"),
        pytest.param(45.0, 35, 200, "2023-01-01", 150, "1h", marks=pytest.mark.slow),
        pytest.param(45.0, 20, 160, "2023-03-10", 31, "15min", marks=pytest.mark.slow),
    ],
)
def test_the_orientation_is_found_from_power_alone(
    latitude: float, tilt: float, azimuth: float, start: str, days: int, step: str
) -> None:
    power = _power(latitude, tilt=tilt, azimuth=azimuth, start=start, days=days, step=step)
    found = fit_plant(power, _plant(latitude))
    off = _off(found, tilt, azimuth)
    assert off[0] <= 10
    assert off[1] <= (15 if tilt > 10 else 60)  # nearly flat modules are alike, whatever they face
    assert _holds(found, "surface_tilt", tilt)
    assert _holds(found, "surface_azimuth", azimuth, turn=360)
    assert found.plant.dc_capacity == pytest.approx(2.0, rel=0.2)
    assert found.clipping is None
    assert found.plant.sources["surface_tilt"].text.startswith("estimated from power")


@pytest.mark.slow
def test_a_month_is_less_certain_than_half_a_year_and_a_declared_fact_is_kept() -> None:
    power = _power(45.0, tilt=35, azimuth=180, start="2023-01-01", days=160)
    widths = [
        np.ptp(fit_plant(part, _plant(45.0)).ranges["surface_tilt"]) for part in (power, power["2023-05"])
    ]
    assert widths[0] < widths[1]
    assert widths[0] < 25
    told = fit_plant(power, _plant(45.0, surface_tilt=10.0, dc_capacity=2.5))
    assert (told.plant.surface_tilt, told.plant.dc_capacity) == (10.0, 2.5)
    assert told.ranges["surface_tilt"] == (10.0, 10.0)
    assert _off(told, 10, 180)[1] <= 15


def test_clipping_is_found_and_does_not_flatten_the_modules() -> None:
    power = _power(45.0, tilt=35, azimuth=180, start="2023-03-01", days=150, rated=2.6, inverter=1.6)
    for capacity in (2.0, None):
        found = fit_plant(power, _plant(45.0, capacity=capacity))
        assert found.clipping == pytest.approx(1.6, rel=0.01)
        assert _off(found, 35, 180)[0] <= 15
        assert found.plant.dc_capacity == pytest.approx(2.6, rel=0.15)
    assert found.plant.capacity == pytest.approx(1.6, rel=0.01)
    assert "clipped at 1.6 MW" in str(found)


@pytest.mark.slow
def test_a_late_clock_is_not_taken_for_an_azimuth_with_certainty() -> None:
    late = _power(45.0, tilt=30, azimuth=180, start="2023-02-01", days=150, late="60min")
    found = fit_plant(late, _plant(45.0))
    assert _off(found, 30, 180)[1] > 15  # as it looks at first sight
    assert _holds(found, "surface_azimuth", 180)
    low, high = found.ranges["clock"]
    assert 15 <= low <= high <= 60
    assert "min late" in str(found)
    right = fit_plant(_power(45.0, tilt=30, azimuth=215, start="2023-02-01", days=150), _plant(45.0))
    assert _holds(right, "clock", 0)
    assert _off(right, 30, 215)[1] <= 15


@pytest.mark.slow
def test_light_of_a_station_serves_where_no_sky_is_clear() -> None:
    power = _power(45.0, tilt=30, azimuth=230, start="2023-04-01", days=60, seed=3)
    level = _power(45.0, tilt=0, azimuth=180, start="2023-04-01", days=60, seed=3) / (2.0 * 0.9 * 0.96) * 1000
    ghi = level.set_axis(level.index + pd.Timedelta("30min")).rename("ghi")
    found = fit_plant(power * 0.6, _plant(45.0), weather=ghi)
    assert _off(found, 30, 230)[1] <= 20
    assert found.plant.dc_capacity == pytest.approx(1.2, rel=0.15)


def test_flagged_values_do_not_count() -> None:
    power = _power(45.0, tilt=30, azimuth=180, start="2023-03-01", days=40)
    broken = power.copy()
    broken.iloc[:480] = 1.9
    flags = pd.DataFrame({"pv": np.where(np.arange(len(power)) < 480, int(ef.Flag.STUCK), 0)}, power.index)
    flagged = ef.Observations(broken.to_frame("pv"), published_after="1h", flags=flags)
    unflagged = fit_plant(power.mask(np.arange(len(power)) < 480), _plant(45.0))
    assert fit_plant(flagged, _plant(45.0)).plant == unflagged.plant


def test_what_cannot_be_fitted_is_refused() -> None:
    plant = _plant(45.0)
    power = _power(45.0, tilt=30, azimuth=180, start="2023-03-01", days=10)
    tracker = replace(plant, mounting="single_axis")
    arrays = replace(plant, arrays=[ef.PVArray(dc_capacity=1.0, surface_azimuth=90)])
    for series, site, error in (
        (power, plant, MissingDataError),
        (0.0 * _power(45.0, tilt=30, azimuth=180, start="2023-03-01", days=30), plant, MissingDataError),
        (power, tracker, SchemaError),
        (power, arrays, SchemaError),
        (ef.Observations(power.to_frame("other"), published_after="1h"), plant, SchemaError),
    ):
        with pytest.raises(error) as caught:
            fit_plant(series, site)
        assert len(str(caught.value).splitlines()) == 3


def test_days_without_power_show_no_orientation() -> None:
    power = _power(63.4, tilt=25, azimuth=165, start="2023-02-01", days=60)
    covered = power.where(power.index >= pd.Timestamp("2023-03-10", tz="UTC"), 0.0)
    shown = fit_plant(power["2023-03-10":], _plant(63.4))
    assert fit_plant(covered, _plant(63.4)).plant.surface_tilt == shown.plant.surface_tilt
    with pytest.raises(MissingDataError, match="8 days with light"):
        fit_plant(power.where(power.index >= pd.Timestamp("2023-03-25", tz="UTC"), 0.0), _plant(63.4))
