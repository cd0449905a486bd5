"""Data that cannot have been known at the times that it declares is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core.observation_series import Observations
from energyforecast.errors import LeakageError, SchemaError
from energyforecast.testing import check_known_then, check_revisions, check_shifted_world
from tests.support.synthetic_data import HOUR, replaced, synthetic, with_arrival

TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
GIVEN = synthetic(days=60, timezone="UTC")
#: Its temperature has the same error at every lead.
GIVEN = replace(GIVEN, weather=GIVEN.weather.drop_vars("temp_air"))
SMALL = ef.LightGBMQuantiles(n_estimators=20, folds=0)
TAKEN = "2024-02-10 09:00"


def _refused(check: Any, *given: Any, **settings: Any) -> str:
    with pytest.raises(LeakageError) as caught:
        check(*given, **settings)
    assert len(str(caught.value).splitlines()) == 3
    return str(caught.value)


def test_plausible_data_passes() -> None:
    table = check_known_then(GIVEN.weather, GIVEN.power, latency="6h", power_latency="2h")
    assert set(table["result"]) == {"passed"}
    assert table["check"].nunique() == 4


# --- Availability at initialisation -----------------------------------------------------------------


def test_availability_at_initialisation_is_found() -> None:
    lying = with_arrival(GIVEN.weather, GIVEN.weather["init_time"].values)
    assert "available 0.00 h after" in _refused(check_known_then, lying)


def test_availability_before_the_source_declares_it_is_found() -> None:
    early = with_arrival(GIVEN.weather, GIVEN.weather["init_time"].values + 3 * HOUR)
    assert check_known_then(early)["result"].iloc[0] == "passed"
    assert "6.00 h at least" in _refused(check_known_then, early, latency="6h")
    assert "6.47 h at least" in _refused(check_known_then, early.assign_attrs(source="open-meteo ifs"))
    both = {"fast": GIVEN.weather, "slow": early}
    assert "Runs of slow" in _refused(check_known_then, both, latency={"slow": "4h"})


# --- An analysis dressed as runs --------------------------------------------------------------------


def _dressed(noise: float) -> xr.Dataset:
    """Runs that hold the weather that came, whatever the lead."""
    valid = GIVEN.weather["init_time"].values[:, None] + GIVEN.weather["lead_time"].values
    random = np.random.default_rng(1)
    weather = GIVEN.weather
    for name in ("wind_speed_100m",):
        newest = weather[name].isel(site=0, lead_time=slice(0, 6)).values.ravel()
        place = np.minimum((valid - valid[0, 0]) // HOUR, len(newest) - 1)
        values = newest[place] + noise * random.normal(size=valid.shape)
        weather = replaced(weather, name, np.clip(values, 0, None)[None])
    return weather


@pytest.mark.parametrize("noise", [0.0, 0.5], ids=["as it is", "with noise"])
def test_an_analysis_dressed_as_runs_is_found(noise: float) -> None:
    assert "Forecasts get worse with the lead" in _refused(check_known_then, _dressed(noise))


def test_runs_that_do_not_overlap_are_not_tested() -> None:
    daily = GIVEN.weather.isel(init_time=slice(None, None, 4), lead_time=slice(0, 24))
    rows = check_known_then(daily).set_index("check")["result"]
    assert "not tested" in rows["growth of differences with lead"]


DATA = Path(os.environ.get("ENERGYFORECAST_DATA", "/nowhere"), "gefcom2012_wind")


@pytest.mark.skipif(not DATA.exists(), reason="ENERGYFORECAST_DATA does not hold gefcom2012_wind")
def test_the_wind_of_a_competition_is_a_forecast() -> None:
    wind = ef.competitions.read_gefcom2012_wind(DATA)
    table = check_known_then(wind.weather, wind.observations, latency="0h").set_index("check")
    assert 1.3 < table.loc["growth of differences with lead", "found"] < 1.7
    assert (table.loc["day of power", "result"] == "passed").all()


# --- Power that is known too early ------------------------------------------------------------------


def test_power_published_before_its_meter_is_read_is_found() -> None:
    early = replace(GIVEN.power, published_after="0h")
    assert "published 0.00 h after" in _refused(check_known_then, GIVEN.weather, early, power_latency="12h")


def test_power_stamped_a_day_early_is_found() -> None:
    index = GIVEN.power.index - pd.Timedelta("1D")
    early = Observations(GIVEN.power.values.set_axis(index), published_after="2h")
    assert "1 d after its stamp" in _refused(check_known_then, GIVEN.weather, early)


def test_power_published_a_day_early_is_found_in_an_earlier_copy() -> None:
    """The meter is read at the next noon, the archive declares two hours."""
    values = GIVEN.power.values
    copy = Observations(values[values.index < "2024-02-09"], published_after="2h")
    assert "was absent, and is" in _refused(check_revisions, copy, GIVEN.power, taken=TAKEN)
    late = replace(GIVEN.power, published_after="36h")
    check_revisions(copy, late, taken=TAKEN)


# --- What was revised later -------------------------------------------------------------------------


def _copy() -> Observations:
    return GIVEN.power[: pd.Timestamp("2024-02-10 06:00", tz="UTC")]


def test_an_archive_that_only_grew_passes() -> None:
    check_revisions(_copy(), GIVEN.power, taken=TAKEN)
    check_revisions(GIVEN.weather.isel(init_time=slice(0, 162)), GIVEN.weather, taken=TAKEN)


def test_flags_that_were_set_later_are_found() -> None:
    flags = pd.DataFrame(0, index=GIVEN.power.index, columns=GIVEN.power.values.columns)
    flags.iloc[500:520] = int(ef.Flag.OUTAGE)
    message = _refused(check_revisions, _copy(), replace(GIVEN.power, flags=flags), taken=TAKEN)
    assert "The flags of 'farm 0'" in message
    assert "19 more" in message


def test_a_capacity_that_was_corrected_later_is_found() -> None:
    capacity = pd.DataFrame(10.0, index=GIVEN.power.index, columns=GIVEN.power.values.columns)
    then = replace(GIVEN.power, available_capacity=capacity)
    later = capacity.copy()
    later.loc["2024-02-01":] = 5.0
    now = replace(GIVEN.power, available_capacity=later)
    message = _refused(check_revisions, then, now, taken=TAKEN)
    assert "The capacity in service of 'farm 0' of 2024-02-01 00:00 UTC was 10, and is 5" in message


def test_smoothed_power_is_found() -> None:
    smooth = replace(GIVEN.power, values=GIVEN.power.values.rolling(3, center=True, min_periods=1).mean())
    assert "The power of 'farm 0'" in _refused(check_revisions, _copy(), smooth, taken=TAKEN)


def test_a_run_that_was_written_again_is_found() -> None:
    again = replaced(GIVEN.weather, "pressure", GIVEN.weather["pressure"].values + 50)
    copy = GIVEN.weather.isel(init_time=slice(0, 162))
    assert "pressure of 'farm 0' of the run of" in _refused(check_revisions, copy, again, taken=TAKEN)
    completed = copy.isel(init_time=slice(0, 150))
    assert "was absent" in _refused(check_revisions, completed, GIVEN.weather, taken=TAKEN)


def test_weather_and_power_are_not_compared() -> None:
    with pytest.raises(SchemaError, match="Compared are"):
        check_revisions(GIVEN.weather, GIVEN.power, taken=TAKEN)


# --- The shifted world ------------------------------------------------------------------------------

PERIOD = {"start": "2024-02-05", "end": "2024-02-24"}


@cache
def _outcomes() -> dict[int, float]:
    stamps = GIVEN.power.index.asi8 // int(HOUR.astype("int64"))
    return dict(zip(stamps.tolist(), GIVEN.power.values["farm 0"].tolist(), strict=True))


def _leaking() -> ef.Forecaster:
    @ef.feature(weather=["wind_speed_100m"])
    def outcome(now: Any) -> Any:
        hours = now.valid_time.astype("int64") // int(HOUR.astype("int64"))
        return np.vectorize(lambda hour: _outcomes().get(hour, np.nan))(hours)

    return ef.Forecaster(GIVEN.site, TASK, features=(ef.features.HubWind(), outcome), model=SMALL)


@pytest.mark.slow
def test_an_honest_forecaster_loses_its_skill_with_the_weather() -> None:
    honest = ef.Forecaster(GIVEN.site, TASK, features=(ef.features.HubWind(),), model=SMALL)
    world = check_shifted_world(honest, GIVEN.weather, GIVEN.power, **PERIOD)
    assert world.conclusive
    assert world.skill > 0.4
    assert world.lost > 0.4


@pytest.mark.slow
def test_a_forecaster_that_keeps_its_skill_is_found() -> None:
    message = _refused(check_shifted_world, _leaking(), GIVEN.weather, GIVEN.power, **PERIOD)
    assert "keeps a skill of 0." in message
