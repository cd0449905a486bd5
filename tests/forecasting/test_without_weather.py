"""Forecasters whose features need no weather: they learn from all observations, with weather or without any."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.features import FeatureSet, Lag, LocalHour, Temperature
from energyforecast.models import SelectedModel
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm

LEVELS = (0.1, 0.5, 0.9)
DAY_AHEAD = ef.day_ahead("09:00", timezone="UTC", quantiles=LEVELS)
INTRADAY = ef.intraday(every="6h", leads="6h", quantiles=LEVELS)
AREA = ef.DemandArea(name="works", latitude=43.2, longitude=76.9, timezone="UTC", sector="industry")


def _demand(days: int = 60, name: str = "works") -> ef.Observations:
    index = pd.date_range("2024-01-01", periods=24 * days, freq="1h", tz="UTC")
    load = 1 + (index.hour > 7) * 1.0 + np.random.default_rng(0).random(len(index)) / 10
    return ef.Observations(pd.DataFrame({name: load}, index=index), published_after="1h")


def _short_weather(
    sites: list[ef.Site], since: str = "2024-04-15"
) -> tuple[xr.Dataset, ef.Observations, ef.Observations]:
    """Weather of the last weeks of half a year of power, and all of the power."""
    weather, truth = toy_weather(sites, days=180, cycle="24h", leads=60)
    late = weather["init_time"].values >= np.datetime64(since)
    power = toy_power(sites, truth)
    return weather.isel(init_time=late), power, power[since:]


# -- references learn from all observations --------------------------------------------------------


PV = ef.PVPlant(name="farm", latitude=48, longitude=10, capacity=100)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("site", "model"),
    [
        (wind_farm(), ef.Climatology()),
        (wind_farm(), ef.SeasonalClimatology()),
        (wind_farm(), ef.Persistence()),
        (wind_farm(), ef.SeasonalNaive()),
        (wind_farm(), ef.ConvexCombination()),
        (PV, ef.SmartPersistence()),
    ],
    ids=lambda item: type(item).__name__,
)
def test_references_learn_from_hours_before_the_weather(site: ef.Site, model: ef.QuantileModel) -> None:
    weather, power, _ = _short_weather([site])
    with_weather = ef.Forecaster(site, DAY_AHEAD, model=model).fit(weather, power)
    alone = ef.Forecaster(site, DAY_AHEAD, model=model).fit(None, power)
    assert with_weather.training_.hours == alone.training_.hours
    assert with_weather.training_.hours["farm"][0] == "2024-01-01 00:00"
    assert with_weather.training_.data_hash == alone.training_.data_hash
    assert with_weather.training_.oldest_weather == {}


def test_a_joint_backtest_shows_how_long_each_model_learnt() -> None:
    farm = wind_farm()
    weather, power, _ = _short_weather([farm])
    named = {
        "model": ef.Forecaster(farm, DAY_AHEAD, model=quick_model()),
        "climatology": ef.Forecaster(farm, DAY_AHEAD, model=ef.Climatology()),
    }
    period = {"start": "2024-06-01", "end": "2024-06-20", "refit": None}
    result = ef.backtest(named, weather, power, **period)
    first = result.folds.set_index("model")["training_first"]
    assert first["climatology"] == "2024-01-01 00:00"
    assert first["model"].startswith("2024-04-1")
    assert "learnt from 2024-04-1" in repr(result)
    assert "2024-01-01 (climatology)" in repr(result)
    alone = ef.backtest(named["climatology"], None, power, **period)
    assert _crps(result, "climatology") == pytest.approx(_crps(alone, "model"), rel=1e-6)
    pairs = result.pairs
    assert len(pairs["model"]) == len(pairs["climatology"])


def _crps(result: ef.Result, model: str) -> float:
    table = result.scores(chosen=["crps"])
    return float(table.loc[table["model"] == model, "value"].iloc[0])


def test_late_weather_is_no_concern_of_a_reference() -> None:
    farm = wind_farm()
    weather, truth = toy_weather([farm], days=60)
    power = toy_power([farm], truth)
    fitted = ef.Forecaster(farm, DAY_AHEAD, model=ef.Climatology()).fit(weather, power)
    old = weather.isel(init_time=slice(0, 5))
    forecast = fitted.predict(old, power, issue_time="2024-02-25 09:00")
    assert forecast.data["fallback_level"].values.tolist() == [[0]]


def test_the_climatology_of_the_ladder_knows_hours_without_weather() -> None:
    farm = wind_farm()
    weather, power, short = _short_weather([farm])
    values = power.values.copy()
    values.loc[: pd.Timestamp("2024-04-14 23:00", tz="UTC")] = 90.0
    power = dataclasses.replace(power, values=values)
    issued = "2024-08-20 09:00"  # long after the last run

    def median(observations: ef.Observations) -> float:
        forecaster = ef.Forecaster(farm, DAY_AHEAD, model=quick_model()).fit(weather, observations)
        forecast = forecaster.predict(weather, observations, issue_time=issued, strict=False)
        assert forecast.data["fallback_level"].values.tolist() == [[3]]
        return float(forecast.at(0.5).mean())

    assert median(power) == pytest.approx(90.0)
    assert median(short) < 80.0


def test_the_climatology_of_a_moving_window_forgets() -> None:
    farm = wind_farm()
    weather, power, _ = _short_weather([farm], since="2024-01-01")
    values = power.values.copy()
    values.loc[: pd.Timestamp("2024-03-31 23:00", tz="UTC")] = 90.0
    power = dataclasses.replace(power, values=values)
    lost = weather.isel(init_time=weather["init_time"].values < np.datetime64("2024-06-01"))
    forecaster = ef.Forecaster(farm, DAY_AHEAD, model=ef.Climatology())
    result = ef.backtest(
        forecaster,
        lost,
        power,
        start="2024-06-01",
        end="2024-06-05",
        splits=ef.evaluation.Splits(window="30D"),
    )
    assert result.folds["training_first"].iloc[0].startswith("2024-05-0")
    assert float(next(iter(result.forecasts.values())).at(0.5).mean()) < 80.0


# -- no weather at all -----------------------------------------------------------------------------


@pytest.mark.parametrize("sector", ["total", "households", "industry"])
@pytest.mark.parametrize("task", [DAY_AHEAD, INTRADAY, ef.month_ahead("09:00", timezone="UTC")])
def test_a_recipe_of_demand_without_weather_needs_none(sector: str, task: ef.Task) -> None:
    area = dataclasses.replace(AREA, sector=sector)
    features = ef.recipe(area, task, weather=None)
    assert {"DayType"} < set(features.names)
    assert all(not item.weather for item in features)
    assert "WeatherAge" not in features.names
    # Where no weather tells of the next day, the newest days and hours do; industry keeps to its level.
    assert ({"lag_48h", "lag_168h", "NewestDepartures"} <= set(features.names)) == (sector != "industry")


def test_a_level_that_was_never_seen_shifts_demand_without_weather() -> None:
    demand = _demand()
    higher = dataclasses.replace(demand, values=demand.values + 8.0)
    forecaster = ef.Forecaster(dataclasses.replace(AREA, sector="total"), DAY_AHEAD).fit(None, demand)
    before, after = (
        forecaster.predict(None, past, issue_time="2024-02-20 09:00").at(0.5) for past in (demand, higher)
    )
    # All but the calibration of the mean, which is by groups of the median.
    np.testing.assert_allclose(after - before, 8.0, atol=0.05)


@pytest.mark.parametrize("day", ["2024-03-31", "2024-04-03", "2024-10-27", "2024-10-29"])
def test_last_week_by_the_local_clock_is_the_day_after_a_change(day: str) -> None:
    index = pd.date_range("2024-01-01", "2024-12-01", freq="1h", tz="UTC")
    load = 10.0 + index.tz_convert("Europe/Berlin").hour
    demand = ef.Observations(pd.DataFrame({"works": load.astype(float)}, index=index), published_after="1h")
    area = dataclasses.replace(AREA, timezone="Europe/Berlin")
    task = ef.day_ahead("09:00", timezone="Europe/Berlin")
    forecaster = ef.Forecaster(area, task, model=ef.SeasonalNaive()).fit(None, demand[:"2024-03"])
    issued = pd.Timestamp(day) - pd.Timedelta("1D") + pd.Timedelta("9h")
    table = forecaster.predict(None, demand, issue_time=f"{issued:%Y-%m-%d %H:%M}").to_frame()
    hours = pd.DatetimeIndex(table["valid_time"]).tz_convert("Europe/Berlin").hour
    assert (table["q0.5"].to_numpy() == 10.0 + hours).mean() > 0.95  # one hour is repeated, or left out


def test_the_calendar_alone_serves_the_default_model_of_demand() -> None:
    features = [ef.features.LocalHour(), ef.features.DayType()]
    forecaster = ef.Forecaster(AREA, DAY_AHEAD, features=features).fit(None, _demand())
    forecast = forecaster.predict(None, _demand(), issue_time="2024-02-20 09:00")
    assert np.isfinite(forecast.at(0.5)).all()


@pytest.mark.parametrize("weather", [None, {}], ids=["None", "no models"])
def test_demand_is_fitted_forecast_stored_and_backtested_without_weather(
    weather: object, tmp_path: object
) -> None:
    demand = _demand()
    forecaster = ef.Forecaster(AREA, DAY_AHEAD, model=quick_model()).fit(weather, demand)
    issued = "2024-02-20 09:00"
    forecast = forecaster.predict(weather, demand, issue_time=issued)
    assert forecast.data["fallback_level"].values.tolist() == [[0]]
    again = ef.load(forecaster.save(f"{tmp_path}/works.forecaster"))
    np.testing.assert_array_equal(again.predict(None, demand, issue_time=issued).data, forecast.data)
    explicit = ef.Forecaster(
        AREA, DAY_AHEAD, model=quick_model(), features=ef.recipe(AREA, DAY_AHEAD, weather=None)
    ).fit(None, demand)
    np.testing.assert_array_equal(explicit.predict(None, demand, issue_time=issued).data, forecast.data)
    result = ef.backtest(
        ef.Forecaster(AREA, DAY_AHEAD, model=quick_model()),
        weather,
        demand,
        start="2024-02-10",
        end="2024-02-15",
    )
    assert result.scores(chosen=["mae"])["value"].iloc[0] < 0.3


@pytest.mark.parametrize("site", [wind_farm(), PV], ids=["wind", "pv"])
def test_plants_are_forecast_intraday_without_weather(site: ef.Site) -> None:
    _, truth = toy_weather([site], days=60)
    power = toy_power([site], truth)
    forecaster = ef.Forecaster(site, INTRADAY, model=quick_model()).fit(None, power)
    forecast = forecaster.predict(None, power, issue_time="2024-02-20 12:00")
    assert np.isfinite(forecast.data.values[0, 0, :6]).all()


def test_a_feature_that_needs_weather_is_named() -> None:
    farm, demand = wind_farm(), _demand()
    power = _demand(name="farm")
    with pytest.raises(SchemaError, match=r"'WindSpeed'.*no weather") as refused:
        ef.Forecaster(farm, DAY_AHEAD).fit(None, power)
    assert "Climatology" in refused.value.remedy
    given = FeatureSet((LocalHour(), Temperature()))
    with pytest.raises(SchemaError, match="'Temperature' needs 'temp_air'") as refused:
        ef.Forecaster(AREA, DAY_AHEAD, features=given).fit(None, demand)
    assert "recipe(site, task, weather=None)" in refused.value.remedy
    with pytest.raises(SchemaError, match="no weather"):
        ef.recipe(farm, DAY_AHEAD, weather=None)
    with pytest.raises(MissingDataError, match="no observations and no weather"):
        ef.Forecaster(AREA, DAY_AHEAD).fit(None, None)


def test_weather_that_lacks_the_temperature_is_still_refused() -> None:
    weather, _ = toy_weather([AREA], days=60)
    with pytest.raises(SchemaError, match="'Temperature' needs 'temp_air'"):
        ef.Forecaster(AREA, DAY_AHEAD).fit(weather.drop_vars("temp_air"), _demand())


def test_a_forecaster_without_weather_refuses_weather_that_it_did_not_learn_from() -> None:
    weather, _ = toy_weather([AREA], days=60)
    demand = _demand()
    forecaster = ef.Forecaster(AREA, DAY_AHEAD, model=quick_model()).fit(None, demand)
    with pytest.raises(SchemaError, match="fitted on"):
        forecaster.predict(weather, demand, issue_time="2024-02-20 09:00")
    naive = ef.Forecaster(AREA, DAY_AHEAD, model=ef.SeasonalNaive()).fit(None, demand)
    naive.predict(weather, demand, issue_time="2024-02-20 09:00")


def test_the_next_hours_by_features_without_a_newest_value_have_a_linear_base() -> None:
    area = dataclasses.replace(AREA, sector="total")
    features = [LocalHour(), Lag("24h")]
    forecaster = ef.Forecaster(area, INTRADAY, features=features).fit(None, _demand(days=20))
    model = forecaster.models_[area.name]
    assert isinstance(model, SelectedModel)
    assert list(model.models_) == ["linear base"]
