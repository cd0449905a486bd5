"""Weather that changes within an archive: units, members, the order of dimensions, lost runs."""

from __future__ import annotations

import re
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core import variables
from energyforecast.errors import WrongDataError
from energyforecast.weather import validated
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


def _whole_year(name: str, seed: int = 0) -> xr.Dataset:
    """An analysis with seasons, storms and calms."""
    rng = np.random.default_rng(seed)
    time = pd.date_range("2023-01-01", "2024-01-01", freq="1h", inclusive="left").to_numpy("M8[ns]")
    slow = pd.Series(rng.normal(size=len(time))).ewm(alpha=0.02).mean().to_numpy() * 10
    season = np.cos(2 * np.pi * np.arange(len(time)) / len(time))
    values = {
        "wind_speed_100m": np.clip(7 + 2.5 * season + 3 * slow, 0.1, 30),
        "relative_humidity": np.clip(60 + 20 * season + 20 * slow, 3, 100),
        "cloud_cover": np.where(slow > 1.5, 90.0, 0.0),
    }[name]
    return xr.Dataset(
        {name: (("site", "time"), values[None].astype("f4"))},
        coords={"site": ["farm"], "time": time, "available_time": ("time", time + np.timedelta64(5, "D"))},
    )


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", ["wind_speed_100m", "relative_humidity", "cloud_cover"])
def test_seasons_storms_and_clear_skies_are_no_change_of_a_unit(name: str, seed: int) -> None:
    validated(_whole_year(name, seed))


@pytest.mark.parametrize("begin", [0, 2000, 5000])
@pytest.mark.parametrize(
    ("name", "factor"), [("wind_speed_100m", 3.6), ("relative_humidity", 0.01), ("cloud_cover", 0.01)]
)
def test_three_months_of_an_analysis_in_another_unit_are_refused(
    name: str, factor: float, begin: int
) -> None:
    weather = _whole_year(name)
    hours = np.arange(weather.sizes["time"])
    inside = xr.DataArray((hours >= begin) & (hours < begin + 2200), dims="time")
    part = xr.where(inside, weather[name] * factor, weather[name]).transpose("site", "time").astype("f4")
    with pytest.raises(WrongDataError, match=r"changes its unit at 2023-|looks like km/h"):
        validated(weather.assign({name: part}))


@pytest.mark.parametrize(
    ("name", "factor"), [("wind_speed_100m", 3.6), ("ghi", 0.001), ("ghi", 3.6), ("relative_humidity", 0.01)]
)
def test_a_single_run_in_another_unit_is_named(
    toy: tuple[xr.Dataset, pd.DataFrame], name: str, factor: float
) -> None:
    weather = toy[0].assign(relative_humidity=(toy[0]["temp_air"] + 50).drop_attrs())
    one = xr.DataArray(np.arange(weather.sizes["init_time"]) == 41, dims="init_time")
    values = weather[name]
    if name == "ghi":
        values = values.clip(max=400.0)  # 3.6 times as much is below the bound of 1600 W m-2
    mixed = xr.where(one, values * factor, values).transpose(*DIMS).astype("f4")
    with pytest.raises(ef.errors.UnitsError, match="2024-01-21 12:00"):
        validated(weather.assign({name: mixed.assign_attrs(values.attrs)}), sites=[FARM])


def test_the_remedy_for_a_mixed_unit_makes_it_right(toy: tuple[xr.Dataset, pd.DataFrame]) -> None:
    weather = toy[0]
    speed = weather["wind_speed_100m"]
    mixed = weather.assign(wind_speed_100m=speed * _from(0.9, 3.6, weather))
    with pytest.raises(ef.errors.UnitsError, match=r"Divide all values in km/h by 3\.6"):
        validated(mixed)
    mended = mixed["wind_speed_100m"] / _from(0.9, 3.6, weather)
    validated(mixed.assign(wind_speed_100m=mended), sites=[FARM])


def test_members_that_were_added_later_are_named(toy: tuple[xr.Dataset, pd.DataFrame]) -> None:
    weather, truth = toy
    ensemble = weather.expand_dims(member=np.arange(5)).transpose(*DIMS, "member").copy(deep=True)
    early = np.arange(ensemble.sizes["init_time"]) < 60
    gone = xr.DataArray(early, dims="init_time") & (ensemble["member"] >= 3)
    speed = ensemble["wind_speed_100m"]
    ensemble["wind_speed_100m"] = speed.where(~gone).transpose(*DIMS, "member").assign_attrs(speed.attrs)
    forecaster, power = ef.Forecaster(FARM, TASK, model=quick_model()), toy_power([FARM], truth)
    with pytest.raises(
        ef.errors.NoRunError, match=r"lacks members 3, 4 \(it has 0, 1, 2\) of wind_speed_100m"
    ):
        forecaster.fit(ensemble, power)
    forecaster.fit(ensemble.sel(member=[0, 1, 2]), power)  # the remedy


@pytest.mark.parametrize(("offset", "refused"), [(-0.3, False), (-4.0, False), (-30.0, True)])
def test_radiation_slightly_below_zero_at_night_passes(
    toy: tuple[xr.Dataset, pd.DataFrame], offset: float, refused: bool
) -> None:
    radiation = toy[0]["ghi"]
    offsets = radiation.where(radiation > 0, offset).assign_attrs(radiation.attrs)
    if refused:
        with pytest.raises(ef.errors.RangeError, match="-30"):
            validated(toy[0].assign(ghi=offsets), sites=[FARM])
    else:
        validated(toy[0].assign(ghi=offsets), sites=[FARM])


def test_the_remedy_for_lost_runs_in_a_backtest_can_be_followed(
    toy: tuple[xr.Dataset, pd.DataFrame],
) -> None:
    weather, truth = toy
    begin = weather["init_time"].values
    lost = (begin >= np.datetime64("2024-02-01")) & (begin < np.datetime64("2024-02-10"))
    forecaster = ef.Forecaster(FARM, TASK, model=quick_model())
    power = toy_power([FARM], truth)
    period = {"start": "2024-01-25", "end": "2024-02-20"}
    with pytest.raises(ef.errors.NoRunError) as refused:
        ef.backtest(forecaster, weather.isel(init_time=~lost), power, **period)
    named = re.search(r"skip=\[\('([^']+)', '([^']+)'\)\]", str(refused.value))
    assert named is not None
    splits = ef.evaluation.Splits(skip=[(named[1], named[2])])
    result = ef.backtest(forecaster, weather.isel(init_time=~lost), power, splits=splits, **period)
    assert 0 < len(result.origins) < 26
