"""Arguments of physical functions in the forms that data come in: masked, with a zone, of pandas, as lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from energyforecast import evaluation, physics
from energyforecast.errors import EnergyForecastError
from tests.support.error_messages import three_lines

TIMES = pd.date_range("2024-06-21 06:00", periods=6, freq="1h", tz="UTC")
SUN = physics.solar_position(TIMES.tz_localize(None).to_numpy(), -33.0, 20.0)
GHI = np.array([50.0, 200.0, 350.0, 450.0, 500.0, 480.0])
MASK = np.array([False, True, False, False, True, False])
UNDER = np.ma.masked_array(np.where(MASK, 999.0, GHI), MASK)  # 999 is no value


def _plane(ghi: Any, dni: Any, dhi: Any, sun: physics.SolarPosition = SUN) -> np.ndarray[Any, Any]:
    sky = physics.Irradiance(ghi, dni, dhi)
    plane = physics.plane_of_array(sky, sun, surface_tilt=30.0, surface_azimuth=0.0, transposition="perez")
    return plane.effective


def test_masked_values_are_missing() -> None:
    missing = np.where(MASK, np.nan, GHI)
    np.testing.assert_array_equal(physics.decompose(UNDER, SUN).dhi, physics.decompose(missing, SUN).dhi)
    found = physics.cell_temperature(UNDER, np.ma.masked_array([15] * 6, MASK), 2.0)
    assert np.isnan(found).tolist() == MASK.tolist()
    assert np.isnan(_plane(UNDER, 0.3 * GHI, 0.6 * GHI)).tolist() == MASK.tolist()
    losses = evaluation.crps_of_samples(UNDER, GHI[:, None] + np.array([-1.0, 0.0, 2.0]))
    assert np.isnan(losses).tolist() == MASK.tolist()
    times = np.ma.masked_array(TIMES.tz_localize(None).to_numpy(), MASK)
    assert np.isnan(physics.solar_position(times, -33.0, 20.0).zenith).tolist() == MASK.tolist()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_instants_of_pandas_with_a_zone_are_brought_to_utc(zone: str) -> None:
    for times in (TIMES.tz_convert(zone), pd.Series(TIMES.tz_convert(zone))):
        found = physics.solar_position(times, -33.0, 20.0)
        np.testing.assert_array_equal(found.zenith, SUN.zenith)


@pytest.mark.parametrize("form", [list, pd.Series, lambda values: pd.Series(values, dtype="Float64")])
def test_components_may_have_any_form_of_numbers(form: Any) -> None:
    sun = physics.SolarPosition(*(form(angle) for angle in SUN))
    found = _plane(form(GHI), form(0.3 * GHI), form(0.6 * GHI), sun)
    np.testing.assert_allclose(found, _plane(GHI, 0.3 * GHI, 0.6 * GHI))


@pytest.mark.parametrize("wrong", [["a"] * 6, [None, "b"] * 3, GHI + 1j, -9999.0 * GHI, np.inf, [True] * 6])
def test_components_that_are_no_irradiance_are_refused(wrong: Any) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        _plane(GHI, wrong, 0.6 * GHI)
    three_lines(caught.value, "dni")
