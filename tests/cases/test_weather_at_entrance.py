"""Weather that changes within an archive: units, members, the order of dimensions, lost runs."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core import variables
from energyforecast.errors import WrongDataError
from energyforecast.weather import validated
from tests.support.known_faults import fault, or_refused
from tests.support.toy_weather import DIMS, quick_model, toy_power, toy_weather, wind_farm

FARM = wind_farm()
TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))


@pytest.fixture(scope="module")
def toy() -> tuple[xr.Dataset, pd.DataFrame]:
    return toy_weather([FARM], days=120)


@pytest.mark.parametrize("dims", list(permutations(DIMS)))
def test_weather_may_have_its_dimensions_in_any_order(
    toy: tuple[xr.Dataset, pd.DataFrame], dims: tuple[str, ...]
) -> None:
    validated(toy[0].transpose(*dims), sites=[FARM])


@pytest.mark.parametrize("dims", list(permutations((*DIMS, "member"))))
def test_members_may_be_in_any_order_too(toy: tuple[xr.Dataset, pd.DataFrame], dims: tuple[str, ...]) -> None:
    ensemble = toy[0].isel(init_time=slice(0, 40)).expand_dims(member=[0, 1]).transpose(*dims)
    validated(ensemble, sites=[FARM])


def test_a_wrong_clock_is_found_in_any_order_of_the_dimensions(
    toy: tuple[xr.Dataset, pd.DataFrame],
) -> None:
    late = toy[0].assign_coords(init_time=toy[0]["init_time"] + np.timedelta64(3, "h"))
    with pytest.raises(ef.errors.TimeError, match="180 min after the sun"):
        validated(late.transpose(*reversed(DIMS)), sites=[FARM])


@pytest.mark.parametrize("dims", list(permutations(DIMS)))
def test_arrival_by_lead_may_have_its_dimensions_in_any_order(
    toy: tuple[xr.Dataset, pd.DataFrame], dims: tuple[str, ...]
) -> None:
    """Later leads arrive later, so that at 09 UTC the run of 00 UTC is known for its first 36 hours only."""
    weather, truth = toy[0].isel(init_time=slice(0, 80)), toy[1]
    arrival = weather["available_time"] + weather["lead_time"] / 12
    weather = weather.assign_coords(available_time=arrival.transpose("init_time", "lead_time"))
    power = toy_power([FARM], truth)

    def forecast(archive: xr.Dataset) -> ef.Forecast:
        forecaster = ef.Forecaster(FARM, TASK, model=quick_model()).fit(archive, power, missing="drop")
        return forecaster.predict(archive, power, issue_time="2024-02-05 09:00")

    expected, found = forecast(weather), forecast(weather.transpose(*dims))
    np.testing.assert_array_equal(found.at(0.5).values, expected.at(0.5).values)


def _from(share: float, factor: float, weather: xr.Dataset) -> xr.DataArray:
    """A factor from a share of the runs on."""
    runs = weather.sizes["init_time"]
    return xr.where(xr.DataArray(np.arange(runs), dims="init_time") >= share * runs, factor, 1.0)


@pytest.mark.parametrize(
    ("name", "share", "factor"),
    [
        pytest.param("cloud_cover", 0.5, 0.01, id="cloud cover as a fraction"),
        pytest.param("relative_humidity", 0.5, 0.01, id="humidity as a fraction"),
        pytest.param("wind_speed_100m", 11 / 12, 3.6, id="wind speed in km/h"),
        pytest.param("ghi", 0.5, 0.001, id="radiation in kW m-2"),
    ],
)
@fault("a unit that changes within the archive passes")
def test_a_unit_that_changes_within_the_archive_is_refused(
    toy: tuple[xr.Dataset, pd.DataFrame], name: str, share: float, factor: float
) -> None:
    weather = toy[0]
    percent = np.random.default_rng(0).uniform(20, 100, weather["ghi"].shape)
    values = weather[name] if name in weather else xr.DataArray(percent, dims=DIMS)
    changed = (values * _from(share, factor, weather)).transpose(*DIMS).astype("f4")
    known = variables.lookup(name)
    changed.attrs = {"units": known.units, "cell_methods": known.cell_methods}
    with pytest.raises(WrongDataError):
        validated(weather.assign({name: changed}), sites=[FARM])


@fault("runs without the newer members are said to lack the variable")
def test_members_that_were_added_later_are_named(toy: tuple[xr.Dataset, pd.DataFrame]) -> None:
    weather, truth = toy
    ensemble = weather.expand_dims(member=np.arange(5)).transpose(*DIMS, "member").copy(deep=True)
    early = np.arange(ensemble.sizes["init_time"]) < 60
    gone = xr.DataArray(early, dims="init_time") & (ensemble["member"] >= 3)
    speed = ensemble["wind_speed_100m"]
    ensemble["wind_speed_100m"] = speed.where(~gone).transpose(*DIMS, "member").assign_attrs(speed.attrs)
    with or_refused("member"):
        ef.Forecaster(FARM, TASK, model=quick_model()).fit(ensemble, toy_power([FARM], truth))


@fault("the remedy names arguments of fit and predict, which backtest does not take")
def test_the_remedy_for_lost_runs_in_a_backtest_can_be_followed(
    toy: tuple[xr.Dataset, pd.DataFrame],
) -> None:
    weather, truth = toy
    begin = weather["init_time"].values
    lost = (begin >= np.datetime64("2024-02-01")) & (begin < np.datetime64("2024-02-10"))
    forecaster = ef.Forecaster(FARM, TASK, model=quick_model())
    power = toy_power([FARM], truth)
    with or_refused("skip|backtest"):
        ef.backtest(forecaster, weather.isel(init_time=~lost), power, start="2024-01-25", end="2024-02-20")
