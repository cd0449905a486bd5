"""From steps of three and six hours to hours."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import xarray as xr

from energyforecast import physics
from energyforecast.core.sites import Site
from energyforecast.errors import SchemaError
from energyforecast.weather.processing.temporal import dark_at_night, hourly

FARM = Site(name="farm", latitude=43.6, longitude=78.5)
HOUR = np.timedelta64(1, "h")


def run(lead: list[int], **values: Any) -> xr.Dataset:
    """A run of 00 UTC with its values by lead; means where the library has means."""
    leads = np.array(lead, dtype="timedelta64[h]").astype("timedelta64[ns]")
    init = np.array(["2024-06-01"], dtype="M8[ns]")
    arrived = (init[:, None] + leads + 5 * HOUR).astype("M8[ns]")
    dims = ("site", "init_time", "lead_time")
    return xr.Dataset(
        {name: (dims, np.asarray(array, dtype=float)[None, None]) for name, array in values.items()},
        coords={
            "site": ["farm"],
            "init_time": init,
            "lead_time": leads,
            "available_time": (("init_time", "lead_time"), arrived),
        },
    )


def test_energy_of_each_step_is_kept_and_follows_the_sun() -> None:
    """Also through the change from 3 to 6 hours."""
    lead = [0, 3, 6, 9, 12, 15, 18, 24, 30, 36]
    ghi = [300.0, 600.0, 500.0, 150.0, 20.0, 0.0, 0.0, 400.0, 500.0, np.nan]
    fine = hourly(run(lead, ghi=ghi), sites=[FARM])
    values = fine["ghi"].values[0, 0]
    for k, (a, b) in enumerate(pairwise(lead)):
        assert values[a:b].mean() == pytest.approx(ghi[k])
    assert np.isnan(values[36])
    assert (values[:36] >= 0).all()
    # Local noon is near 07 UTC: between 24 and 30 h the light rises with the sun, and is not a plateau.
    assert (np.diff(values[24:30]) > 0).all()
    assert fine.attrs["native_steps"] == "3h, 6h"
    assert "clear-sky" in fine.attrs["interpolated"]


def test_a_clear_sky_comes_back_as_it_was() -> None:
    hours = np.datetime64("2024-06-01") + np.arange(25) * HOUR
    middle = hours[:, None] + (np.arange(6) * 10 + 5).astype("timedelta64[m]")
    clear = physics.clear_sky(physics.solar_position(middle, 43.6, 78.5)).ghi.mean(axis=1)
    coarse = [clear[k : k + 6].mean() for k in range(0, 24, 6)] + [np.nan]
    fine = hourly(run([0, 6, 12, 18, 24], ghi=coarse), sites=[FARM])["ghi"].values[0, 0]
    np.testing.assert_allclose(fine[:24], clear[:24], rtol=1e-4, atol=0.01)


def test_winds_keep_their_speed_while_they_turn() -> None:
    """From north-west to north-east with 10 m/s: 10 m/s from the north between, and not the 7 of the vector."""
    turning = run([0, 6], wind_speed_100m=[10.0, 10.0], wind_direction_100m=[315.0, 45.0])
    fine = hourly(turning, sites=[FARM]).isel(site=0, init_time=0)
    np.testing.assert_allclose(fine["wind_speed_100m"], 10.0)
    assert float(fine["wind_direction_100m"][3]) % 360 == pytest.approx(0.0, abs=1e-4)
    assert fine["wind_direction_100m"].values[[0, 6]].tolist() == [315.0, 45.0]


def test_nan_stay_nan_and_stamps_stay_what_they_were() -> None:
    broken = run([0, 3, 6, 9], temp_air=[1.0, np.nan, 7.0, 4.0], ghi=[10.0, np.nan, 30.0, np.nan])
    fine = hourly(broken, sites=[FARM]).isel(site=0, init_time=0)
    np.testing.assert_allclose(fine["temp_air"], [1, *[np.nan] * 5, 7, 6, 5, 4], atol=1e-6)
    assert np.isnan(fine["ghi"].values[3:6]).all()
    assert np.isfinite(fine["ghi"].values[[0, 1, 2, 6, 7, 8]]).all()


def test_an_hour_between_two_stamps_is_known_with_the_later_one() -> None:
    fine = hourly(run([0, 3, 6], temp_air=[1.0, 2.0, 3.0]), sites=[FARM])
    hours = (fine["available_time"].values[0] - np.datetime64("2024-06-01T05", "ns")) / HOUR
    assert hours.tolist() == [0, 3, 3, 3, 6, 6, 6]


def test_members_and_analyses() -> None:
    lead = [0, 6, 12]
    both = xr.concat(
        [run(lead, ghi=[100.0, 50.0, np.nan]), run(lead, ghi=[300.0, 0.0, np.nan])], "member"
    ).assign_coords(member=[0, 1])
    fine = hourly(both.transpose("site", "init_time", "lead_time", "member"), sites=[FARM])
    assert fine["ghi"].dims == ("site", "init_time", "lead_time", "member")
    np.testing.assert_allclose(
        fine["ghi"].isel(lead_time=slice(0, 6)).mean("lead_time")[0, 0], [100.0, 300.0]
    )
    stamps = np.datetime64("2024-06-01", "ns") + np.array([0, 3, 6]) * HOUR
    analysis = xr.Dataset(
        {
            "temp_air": (("site", "time"), [[0.0, 3.0, 6.0]]),
            "ghi": (("site", "time"), [[90.0, 60.0, np.nan]]),
        },
        coords={"site": ["farm"], "time": stamps, "available_time": ("time", stamps + 24 * HOUR)},
    )
    day = hourly(analysis, sites=[FARM])
    np.testing.assert_allclose(day["temp_air"][0], np.arange(7.0))
    assert float(day["ghi"][0, :3].mean()) == pytest.approx(90.0)


def test_quarters_of_an_hour_and_unknown_sites_are_refused() -> None:
    quarter = run([0, 3], temp_air=[1.0, 2.0])
    quarter["lead_time"] = np.array([0, 15], dtype="timedelta64[m]").astype("timedelta64[ns]")
    with pytest.raises(SchemaError, match="15 min"):
        hourly(quarter, sites=[FARM])
    with pytest.raises(SchemaError, match="site 'farm', which was not given"):
        hourly(run([0, 3], temp_air=[1.0, 2.0]), sites=replace(FARM, name="other"))


def test_rounding_is_no_light_at_night() -> None:
    """15 to 21 UTC is night in Shelek; NaN stay NaN, and the day is left alone."""
    faint = run([0, 3, 6, 9, 12, 15, 18, 21, 24], ghi=[5.0, 5, 5, 5, 5, 5, np.nan, 5, 5])
    faint["ghi"].attrs["cell_methods"] = "time: mean"
    found = dark_at_night(faint, sites=[FARM])["ghi"].values[0, 0]
    assert np.isnan(found[6])
    assert (found[:4] == 5.0).all()
    night = run([16, 17, 18], ghi=[5.0, 5.0, 5.0])
    night["ghi"].attrs["cell_methods"] = "time: mean"
    assert (dark_at_night(night, sites=[FARM])["ghi"].values == 0.0).all()
