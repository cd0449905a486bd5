"""Weather at other steps: hours, quarter-hours, and hours that begin at half past."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast import physics
from energyforecast.core.sites import Site
from energyforecast.errors import SchemaError, TimeError
from energyforecast.weather.processing.temporal import at_steps, dark_at_night

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
    fine = at_steps(run(lead, ghi=ghi), "1h", sites=[FARM])
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
    fine = at_steps(run([0, 6, 12, 18, 24], ghi=coarse), "1h", sites=[FARM])["ghi"].values[0, 0]
    np.testing.assert_allclose(fine[:24], clear[:24], rtol=1e-4, atol=0.01)


def test_winds_keep_their_speed_while_they_turn() -> None:
    """From north-west to north-east with 10 m/s: 10 m/s from the north between, and not the 7 of the vector."""
    turning = run([0, 6], wind_speed_100m=[10.0, 10.0], wind_direction_100m=[315.0, 45.0])
    fine = at_steps(turning, "1h", sites=[FARM]).isel(site=0, init_time=0)
    np.testing.assert_allclose(fine["wind_speed_100m"], 10.0)
    assert float(fine["wind_direction_100m"][3]) % 360 == pytest.approx(0.0, abs=1e-4)
    assert fine["wind_direction_100m"].values[[0, 6]].tolist() == [315.0, 45.0]


def test_nan_stay_nan_and_stamps_stay_what_they_were() -> None:
    broken = run([0, 3, 6, 9], temp_air=[1.0, np.nan, 7.0, 4.0], ghi=[10.0, np.nan, 30.0, np.nan])
    fine = at_steps(broken, "1h", sites=[FARM]).isel(site=0, init_time=0)
    np.testing.assert_allclose(fine["temp_air"], [1, *[np.nan] * 5, 7, 6, 5, 4, np.nan, np.nan], atol=1e-6)
    assert np.isnan(fine["ghi"].values[3:6]).all()
    assert np.isfinite(fine["ghi"].values[[0, 1, 2, 6, 7, 8]]).all()


def test_an_hour_between_two_stamps_is_known_with_the_later_one() -> None:
    fine = at_steps(run([0, 3, 6], temp_air=[1.0, 2.0, 3.0]), "1h", sites=[FARM])
    hours = (fine["available_time"].values[0] - np.datetime64("2024-06-01T05", "ns")) / HOUR
    assert hours.tolist() == [0, 3, 3, 3, 6, 6, 6]


def test_members_and_analyses() -> None:
    lead = [0, 6, 12]
    both = xr.concat(
        [run(lead, ghi=[100.0, 50.0, np.nan]), run(lead, ghi=[300.0, 0.0, np.nan])], "member"
    ).assign_coords(member=[0, 1])
    fine = at_steps(both.transpose("site", "init_time", "lead_time", "member"), "1h", sites=[FARM])
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
    day = at_steps(analysis, "1h", sites=[FARM])
    np.testing.assert_allclose(day["temp_air"][0], [*range(7), np.nan, np.nan])
    assert float(day["ghi"][0, :3].mean()) == pytest.approx(90.0)


def test_steps_of_a_day_odd_minutes_and_unknown_sites_are_refused() -> None:
    with pytest.raises(TimeError, match="in steps of 24h, and is asked for in steps of 1h"):
        at_steps(run([0, 24, 48], temp_air=[1.0, 2.0, 3.0]), "1h", sites=[FARM])
    odd = run([0, 3], temp_air=[1.0, 2.0])
    odd["lead_time"] = np.array([0, 70], dtype="timedelta64[s]").astype("timedelta64[ns]")
    with pytest.raises(TimeError, match=r"in steps of 70s, and is asked for in steps of 15min"):
        at_steps(odd, "15min", sites=[FARM])
    with pytest.raises(SchemaError, match="site 'farm', which was not given"):
        at_steps(run([0, 3], temp_air=[1.0, 2.0]), "1h", sites=replace(FARM, name="other"))


def leads(step: str, count: int) -> np.ndarray:
    """So many leads of a step."""
    return (np.arange(count) * pd.Timedelta(step).to_timedelta64()).astype("m8[ns]")


def at(step: str, **values: Any) -> xr.Dataset:
    """A run with values at a regular step."""
    count = len(next(iter(values.values())))
    return run(list(range(count)), **values).assign_coords(lead_time=leads(step, count))


def clear_sky(begin: np.ndarray, minutes: int) -> np.ndarray:
    """Clear-sky means over steps of so many minutes, or instants (0 minutes), at the leads of the run."""
    moments = np.datetime64("2024-06-01", "ns") + begin
    if minutes:
        moments = moments[:, None] + (np.arange(minutes) * 60 + 30).astype("m8[s]")
    sky = physics.clear_sky(physics.solar_position(moments, FARM.latitude, FARM.longitude)).ghi
    return np.asarray(sky.mean(axis=1) if minutes else sky)


STEPS = ("5min", "10min", "15min", "20min", "30min", "1h", "3h")


@pytest.mark.parametrize("native", STEPS)
@pytest.mark.parametrize("step", STEPS[:-1])
@pytest.mark.parametrize("offset", ["0min", "30min", "45min"])
def test_instants_means_and_radiation_at_every_step(native: str, step: str, offset: str) -> None:
    """A rising temperature, constant rain and a clear sky are what they are at any step."""
    count = pd.Timedelta("24h") // pd.Timedelta(native) + 1
    lead = leads(native, count)
    hours = lead / HOUR
    sky = clear_sky(lead, int(pd.Timedelta(native) / pd.Timedelta("1min")))
    wind = {"wind_speed_100m": 0.5 * hours, "precipitation": np.full(count, 2.0)}
    found = at_steps(at(native, ghi=sky, **wind), step, sites=FARM, offset=offset).isel(site=0, init_time=0)
    begins, width = found["lead_time"].values, pd.Timedelta(step).to_timedelta64()
    assert ((begins - pd.Timedelta(offset).to_timedelta64()) % width == np.timedelta64(0)).all()
    inside, whole = begins <= lead[-1], begins + width <= lead[-1] + pd.Timedelta(native).to_timedelta64()
    np.testing.assert_allclose(found["wind_speed_100m"][inside], 0.5 * begins[inside] / HOUR, atol=1e-6)
    np.testing.assert_allclose(found["precipitation"], np.where(whole, 2.0, np.nan))
    right = clear_sky(begins, int(pd.Timedelta(step) / pd.Timedelta("1min")))
    np.testing.assert_allclose(found["ghi"], np.where(whole, right, np.nan), atol=4.0)


@pytest.mark.parametrize("native", STEPS[:-1])
@pytest.mark.parametrize("step", STEPS[:-1])
def test_instants_of_a_clear_sky_become_its_means(native: str, step: str) -> None:
    lead = leads(native, pd.Timedelta("24h") // pd.Timedelta(native) + 1)
    instants = at(native, ghi=0.5 * clear_sky(lead, 0))
    instants["ghi"].attrs["cell_methods"] = "time: point"
    found = at_steps(instants, step, sites=FARM).isel(site=0, init_time=0)
    begins, width = found["lead_time"].values, pd.Timedelta(step).to_timedelta64()
    whole = begins + width <= lead[-1] + pd.Timedelta(native).to_timedelta64()
    right = 0.5 * clear_sky(begins, int(pd.Timedelta(step) / pd.Timedelta("1min")))
    np.testing.assert_allclose(found["ghi"], np.where(whole, right, np.nan), atol=4.0)
    assert found["ghi"].attrs["cell_methods"] == "time: mean"


def test_quarter_hourly_means_are_averaged_and_instants_kept() -> None:
    fine = at("15min", precipitation=[1.0, 2, 3, 6, 2, 2, np.nan, 2], temp_air=np.arange(8.0))
    found = at_steps(fine, "1h", sites=FARM).isel(site=0, init_time=0)
    np.testing.assert_allclose(found["precipitation"], [3.0, np.nan])
    np.testing.assert_allclose(found["temp_air"], [0.0, 4.0])
    assert found.attrs["native_steps"] == "15min"


def test_an_hour_that_is_missing_between_others_stays_missing() -> None:
    whole = run(list(range(8)), temp_air=np.arange(8.0), precipitation=np.arange(8.0))
    found = at_steps(whole.isel(lead_time=[0, 1, 2, 4, 5, 6, 7]), "30min", sites=FARM).isel(
        site=0, init_time=0
    )
    np.testing.assert_allclose(
        found["temp_air"].values[:10], [0, 0.5, 1, 1.5, 2, np.nan, np.nan, np.nan, 4, 4.5]
    )
    np.testing.assert_allclose(found["precipitation"].values[:10], [0, 0, 1, 1, 2, 2, np.nan, np.nan, 4, 4])


def test_the_latest_value_used_decides_when_a_step_is_available() -> None:
    """Hours that arrive one after the other: a half-past hour has means of two, and ends of instants."""
    means = run([0, 1, 2, 3], precipitation=[1.0, 1, 1, 1])
    shifted = at_steps(means, "1h", sites=FARM, offset="30min")["available_time"].values[0]
    assert ((shifted - np.datetime64("2024-06-01T05", "ns")) / HOUR).tolist() == [1, 2, 3]
    light = run([0, 1, 2], ghi=[1.0, 1, 1])
    light["ghi"].attrs["cell_methods"] = "time: point"
    held = at_steps(light, "1h", sites=FARM)["available_time"].values[0]
    assert ((held - np.datetime64("2024-06-01T05", "ns")) / HOUR).tolist() == [1, 2, 2]


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
