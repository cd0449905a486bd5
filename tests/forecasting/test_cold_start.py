"""Sites without power yet: physics on the weather, with honest errors, and it says so."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.features import FeatureSet, LocalHour
from energyforecast.models import ColdStart
from tests.support.synthetic_data import SyntheticSite, synthetic

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
TASK = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=LEVELS)
SMALL = ef.LightGBMQuantiles(n_estimators=15, folds=0)
ISSUES = TASK.issue_times("2024-02-16", "2024-02-27")


@cache
def _synthetic_site(sites: int = 1) -> SyntheticSite:
    return synthetic(sites=sites)


def _forecaster(given: SyntheticSite, **changes: Any) -> ef.Forecaster:
    return ef.Forecaster(given.sites, TASK, **({"model": SMALL} | changes))


def _sound(forecast: ef.Forecast) -> bool:
    inside = forecast.data.values[:, forecast.inside]
    capacity = forecast.data["capacity"].values[:, None, None]
    rising = bool((np.diff(inside) >= 0).all())
    return rising and bool(np.isfinite(inside).all() and ((inside >= 0) & (inside <= capacity)).all())


def _scores(given: SyntheticSite, forecast: ef.Forecast, name: str) -> tuple[float, float]:
    """Mean absolute error of the median as a share of capacity, and coverage of the middle 80 %."""
    table = forecast.sel(site=name).to_frame()
    outcome = given.power.values[name].reindex(table["valid_time"]).to_numpy()
    capacity = forecast.data["capacity"].sel(site=name).item()
    inside = (outcome >= table["q0.1"]) & (outcome <= table["q0.9"])
    return float(np.abs(outcome - table["q0.5"]).mean() / capacity), float(inside.mean())


# --- Nothing measured -----------------------------------------------------------------------------


def test_a_farm_without_any_power_is_forecast_by_the_curve_and_says_so(tmp_path: Path) -> None:
    given = _synthetic_site()
    forecaster = _forecaster(given).fit(given.weather)
    assert forecaster.training_.cold == {"farm 0": []}
    assert "cold start: power curve" in repr(forecaster)
    forecast = forecaster.predict(given.weather, issue_time=ISSUES)
    said = "cold start: power curve on the weather for farm 0, errors by default"
    assert forecast.caveats == (said,)
    assert forecast.data.attrs["cold_start"] == "farm 0"
    assert "cold start" in repr(forecast)
    assert _sound(forecast)
    assert (forecast.data["fallback_level"].values == 0).all()
    assert pd.read_csv(forecast.write_csv(tmp_path / "forecast.csv"))["caveat"].eq(said).all()
    text = [item.get_text() for item in forecast.sel(issue_time=ISSUES[0]).plot().findobj(_is_text)]
    assert said in " ".join(text)
    again = ef.load(forecaster.save(tmp_path / "farm.forecaster"))
    assert again.predict(given.weather, issue_time=ISSUES).data.identical(forecast.data)


def _is_text(item: Any) -> bool:
    return hasattr(item, "get_text")


def test_the_median_is_the_curve_at_the_wind_and_the_rest_the_curve_at_other_winds() -> None:
    given = _synthetic_site()
    curve = ef.PowerCurve((0, 5, 15, 60), (0, 0, 1, 1))
    site = replace(given.site, power_curve=curve)
    forecast = (
        ef.Forecaster(site, TASK, model=SMALL).fit(given.weather).predict(given.weather, issue_time=ISSUES)
    )
    for k, issue in enumerate(ISSUES):
        run = given.weather["wind_speed_100m"].sel(
            site="farm 0", init_time=forecast.data["weather_init_time"].values[0, k]
        )
        valid = (
            forecast.data["valid_time"].sel(issue_time=np.datetime64(issue.tz_localize(None), "ns")).values
        )
        lead = valid - run["init_time"].values
        wind = 0.5 * (
            run.sel(lead_time=lead).values + run.sel(lead_time=lead + np.timedelta64(1, "h")).values
        )
        hours = lead / np.timedelta64(1, "h")
        np.testing.assert_allclose(forecast.data.values[0, k, :, 2], 10 * curve.power_at(wind), atol=0.02)
        sigma = np.interp(hours, (12, 24, 48, 72), (2.42, 2.84, 3.06, 3.36))
        high = 10 * curve.power_at(wind + 0.6744898 * sigma)
        np.testing.assert_allclose(
            forecast.data.values[0, k, :, 3], high, atol=0.35
        )  # knees lie between rungs


def test_without_weather_and_power_every_power_is_alike() -> None:
    given = _synthetic_site()
    forecaster = _forecaster(given).fit(given.weather)
    forecast = forecaster.predict(given.weather, issue_time="2024-01-01 06:00Z", strict=False)
    assert forecast.data["fallback_level"].values == 4
    np.testing.assert_allclose(forecast.data.values[0, 0], np.tile(10 * np.array(LEVELS), (24, 1)), rtol=1e-5)


def test_beyond_cut_out_more_wind_is_less_power_and_quantiles_still_rise() -> None:
    X = pd.DataFrame({"cold_start[-1]": [1.0], "cold_start[+0]": [1.0], "cold_start[+1]": [0.0]})
    got = ColdStart((0.05, 0.3, 0.5, 0.9)).fit(X[:0], np.empty(0), bounds=(0, 1)).predict(X)[0]
    assert got[0] == 0.0
    assert (np.diff(got) >= 0).all()
    assert got[-1] == 1.0


# --- Little measured, and others that have more ---------------------------------------------------


@pytest.mark.parametrize(("days", "cold"), [(20, True), (45, False)])
def test_a_farm_is_cold_until_thirty_days_of_power_were_published(days: int, cold: bool) -> None:
    given = _synthetic_site()
    as_of = f"2024-{1 + days // 31:02d}-{1 + days % 31:02d} 12:00"
    forecaster = _forecaster(given).fit(given.weather, given.power, as_of=as_of)
    assert ("farm 0" in forecaster.training_.cold) is cold
    assert ("cold start" in repr(forecaster)) is cold


@pytest.mark.parametrize("pooled", [False, True])
def test_errors_of_farms_with_power_stand_for_those_of_the_new_one(pooled: bool) -> None:
    given = _synthetic_site(sites=3)
    alone = _forecaster(given).fit(given.weather).predict(given.weather, issue_time=ISSUES)
    forecaster = _forecaster(given, pooled=pooled)
    forecaster.fit(given.weather, given.power[["farm 0", "farm 1"]], as_of="2024-02-15 00:00")
    assert forecaster.training_.cold == {"farm 2": ["farm 0", "farm 1"]}
    forecast = forecaster.predict(given.weather, given.power[["farm 0", "farm 1"]], issue_time=ISSUES)
    assert _sound(forecast)
    assert forecast.caveats == (
        "cold start: power curve on the weather for farm 2, errors as at farm 0, farm 1",
    )
    error, coverage = _scores(given, forecast, "farm 2")
    assert error < _scores(given, alone, "farm 2")[0]
    assert 0.65 < coverage < 0.95
    # What the others learn is what they would learn without it.
    two = ef.Forecaster(
        given.sites[:2],
        TASK,
        model=SMALL,
        features=ef.recipe(given.site) - "NeighbourWind" - "NeighbourWindComponents",
        pooled=pooled,
    ).fit(given.weather, given.power, as_of="2024-02-15 00:00")
    three = _forecaster(given, features=two.features, pooled=pooled)
    three.fit(given.weather, given.power[["farm 0", "farm 1"]], as_of="2024-02-15 00:00")
    expected = two.predict(given.weather, given.power, issue_time=ISSUES).data.values
    found = three.predict(given.weather, given.power[["farm 0", "farm 1"]], issue_time=ISSUES).data.values[:2]
    np.testing.assert_array_equal(found, expected)


def test_a_backtest_says_which_folds_began_cold() -> None:
    given = _synthetic_site()
    result = ef.backtest(
        _forecaster(given), given.weather, given.power, start="2024-01-28", end="2024-02-08", refit="W"
    )
    cold = result.folds["cold_start"].str.startswith("cold start").tolist()
    assert cold == sorted(cold, reverse=True)
    assert set(cold) == {True, False}
    assert any(line.startswith("cold start") for line in result.forecasts["model"].caveats)


def test_a_misspelt_column_is_no_cold_start() -> None:
    given = _synthetic_site(sites=2)
    misspelt = replace(given.power, values=given.power.values.rename(columns={"farm 1": "farm one"}))
    with pytest.raises(SchemaError, match="'farm 1'"):
        _forecaster(given).fit(given.weather, misspelt)


def test_features_without_wind_and_areas_of_demand_need_observations() -> None:
    given = _synthetic_site()
    area = ef.DemandArea(name="farm 0", latitude=48, longitude=5, timezone="Europe/Paris")
    for site in (area, given.site):
        forecaster = ef.Forecaster(site, TASK, features=FeatureSet((LocalHour(),)), model=SMALL)
        with pytest.raises(MissingDataError) as caught:
            forecaster.fit(given.weather)
        assert "Demand must be observed" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 3


PLANT = ef.PVPlant(name="farm 0", latitude=43.9, longitude=2.0, capacity=10, timezone="Europe/Paris")


def _sunny(given: SyntheticSite) -> xr.Dataset:
    """The weather with an irradiance that is the same each day."""
    valid = given.weather["init_time"].values[:, None] + given.weather["lead_time"].values
    hour = (valid - valid.astype("datetime64[D]")) / np.timedelta64(1, "h") + 0.5
    ghi = np.clip(400 * np.cos((hour - 12) * np.pi / 12), 0, None)[None]
    return given.weather.assign(
        ghi=given.weather["wind_speed_100m"]
        .copy(data=ghi.astype("float32"))
        .assign_attrs(cell_methods="time: mean")
    )


@pytest.mark.parametrize(("days", "cold"), [(11, True), (20, False)])
def test_a_pv_plant_learns_from_two_weeks_of_its_own(days: int, cold: bool) -> None:
    given = _synthetic_site()
    index = given.power.index
    sun = ef.physics.solar_position(index.tz_convert(None).to_numpy(), PLANT.latitude, PLANT.longitude)
    # A wall hides the morning: the chain cannot know it, two weeks of power show it.
    values = pd.Series(5 * PLANT.clear_sky_power(sun), index).where(index.hour >= 11, 0.0)
    power = ef.Observations(values.to_frame("farm 0"), published_after="1h")
    weather = _sunny(given)
    forecaster = ef.Forecaster(PLANT, TASK, model=SMALL).fit(
        weather, power, as_of=f"2024-01-{days + 1:02d} 12:00"
    )
    assert ("farm 0" in forecaster.training_.cold) is cold
    median = forecaster.predict(weather, power, issue_time="2024-02-10 09:00").data.values[0, 0, :, 2]
    assert (median[10] > 0.5) is np.bool_(cold)  # 09 UTC of the next day
    assert median[13] > 1


def test_a_new_pv_plant_is_forecast_by_its_chain_between_night_and_a_clear_sky() -> None:
    given = _synthetic_site()
    plant, weather = PLANT, _sunny(given)
    forecast = ef.Forecaster(plant, TASK, model=SMALL).fit(weather).predict(weather, issue_time=ISSUES)
    assert _sound(forecast)
    assert forecast.caveats == ("cold start: PV chain on the weather for farm 0, errors by default",)
    local = forecast.data.values[0, 0]
    assert (local[[0, 1, 2, 3, 22, 23]] == 0).all()
    assert (local[12] > 0).all()
    assert local[12, -1] - local[12, 0] > 1.0
    clear = 10 * plant.clear_sky_power(
        ef.physics.solar_position(
            forecast.data["valid_time"].values[0] + np.timedelta64(30, "m"), plant.latitude, plant.longitude
        )
    )
    assert (local[:, -1] <= np.maximum(clear, local[:, 2]) + 0.01).all()
