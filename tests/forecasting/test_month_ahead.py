"""Demand weeks ahead: a forecaster on an ensemble of past years' temperatures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xarray as xr

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea
from energyforecast.core.tasks import day_ahead
from energyforecast.errors import LeakageError, MissingDataError, SchemaError
from energyforecast.evaluation import Splits, backtest, pinball_loss
from energyforecast.features import Lag
from energyforecast.forecasting.defaults import RESPONSE_FEATURES
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.forecasting.storage import load
from energyforecast.models import DemandResponse, LightGBMQuantiles, SeasonalClimatology
from energyforecast.testing import check_no_leakage, example_weather, poison_observations
from energyforecast.weather import TemperatureEnsemble, measured_weather, rank_stations
from tests.support.city_demand import city_demand

VICTORIA = Path(os.environ.get("ENERGYFORECAST_DATA", "")) / "vic_elec" / "vic_elec.parquet"

CITY = DemandArea(name="city", latitude=43.2, longitude=76.9, timezone="Asia/Almaty", country="KZ")
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
WEEK = day_ahead("00:00", timezone="Asia/Almaty", first_day=0, days=7, quantiles=LEVELS)
SMALL = DemandResponse(n_estimators=3, folds=2)
ISSUE = "2023-06-01 00:00"


def _inputs(delay: str = "1h") -> tuple[xr.Dataset, Observations]:
    """Of the demand eight months before the issue, of the temperature more than two years."""
    warm, demand = city_demand()
    return measured_weather({"temp_air": warm}, published_after="1h"), Observations(
        demand["2022-10":], published_after=delay
    )


def _predicted(
    temperature: xr.Dataset,
    demand: Observations,
    *,
    issue: str = ISSUE,
    model: DemandResponse = SMALL,
    **settings: Any,
) -> Forecast:
    weather = TemperatureEnsemble(temperature, **settings)
    forecaster = Forecaster(CITY, WEEK, model=model).fit(weather, demand, as_of=issue)
    return forecaster.predict(weather, demand, issue_time=issue)


def _daily_runs(temperature: xr.Dataset, members: npt.NDArray[np.floating]) -> xr.Dataset:
    """An archive of weather forecasts of nine days, a run a day, that arrive three hours later."""
    starts = np.arange(0, len(members) - 216, 24)
    cube = members[starts[:, None] + np.arange(216)]
    init = temperature["time"].values[starts]
    return xr.Dataset(
        {"temp_air": (("site", "init_time", "lead_time", "member"), cube[None].astype("float32"))},
        coords={
            "site": ["city"],
            "init_time": init,
            "lead_time": np.arange(216) * np.timedelta64(3600, "s").astype("timedelta64[ns]"),
            "available_time": ("init_time", init + np.timedelta64(3, "h")),
        },
    )


def _spoilt(temperature: xr.Dataset, moment: str) -> xr.Dataset:
    unknown = temperature["available_time"] > np.datetime64(moment, "ns")
    junk = xr.zeros_like(temperature["temp_air"]) + np.float32(-33.0)
    return temperature.assign(temp_air=temperature["temp_air"].where(~unknown, junk).astype("float32"))


@pytest.mark.parametrize("delay", [pytest.param("1h", marks=pytest.mark.slow), "30h"])
def test_what_was_not_known_at_the_issue_changes_no_bit(delay: str) -> None:
    temperature, demand = _inputs(delay)
    moment = pd.Timestamp(ISSUE, tz="Asia/Almaty").tz_convert("UTC")
    expected = _predicted(temperature, demand).data
    ruined = _spoilt(temperature, str(moment.tz_localize(None)))
    assert not ruined["temp_air"].equals(temperature["temp_air"])
    found = _predicted(ruined, poison_observations(demand, moment)).data
    assert found.identical(expected)
    # ... and what was known does.
    early = moment - pd.Timedelta("60h")
    ruined = _spoilt(temperature, str(early.tz_localize(None)))
    assert not _predicted(ruined, poison_observations(demand, early)).data.equals(expected)


class _Clairvoyant(TemperatureEnsemble):
    """An ensemble that learns from temperatures of the future."""

    def known(self, site: str, observations: Observations | None, *, as_of: Any = None) -> xr.Dataset:
        return super().known(site, observations)


def test_the_check_for_leakage_covers_the_measured_temperature() -> None:
    _, demand = _inputs()
    late = measured_weather({"temp_air": city_demand()[0]}, published_after="30h")
    forecaster = Forecaster(CITY, WEEK, model=SMALL)
    check_no_leakage(forecaster, TemperatureEnsemble(late), demand, issue_time=ISSUE)
    with pytest.raises(LeakageError, match="not known then"):
        check_no_leakage(forecaster, _Clairvoyant(late), demand, issue_time=ISSUE)


def test_stations_are_ranked_on_what_was_known() -> None:
    temperature, demand = _inputs()
    rng = np.random.default_rng(5)
    near, far = temperature["temp_air"].values[0], np.roll(temperature["temp_air"].values[0], 400)
    near = near + rng.normal(0, 1, len(near))
    # From the issue on, the far station is the better one.
    later = temperature["time"].values >= np.datetime64(ISSUE)
    values = np.stack([np.where(later, near, far), np.where(later, far, near)])
    stations = xr.Dataset(
        {"temp_air": (("site", "time"), values.astype("float32"))},
        coords={
            "site": ["far", "near"],
            "time": temperature["time"],
            "available_time": temperature["available_time"],
        },
    )
    assert rank_stations(stations, demand, site="city", as_of=ISSUE) == ("near", "far")
    alone = stations.sel(site=["near"]).assign_coords(site=["city"])
    chosen = _predicted(stations, demand, stations=1)
    np.testing.assert_array_equal(chosen.data.values, _predicted(alone, demand).data.values)
    assert not np.array_equal(chosen.data.values, _predicted(stations, demand, stations=2).data.values)


def test_a_backtest_that_refits_at_each_issue_forecasts_as_each_alone() -> None:
    temperature, demand = _inputs()
    forecaster = Forecaster(CITY, WEEK, model=SMALL)
    weather = TemperatureEnsemble(temperature)
    result = backtest(forecaster, weather, demand, start="2023-06-01", end="2023-06-02", refit="D")
    for issue in (ISSUE, "2023-06-02 00:00"):
        alone = _predicted(temperature, demand, issue=issue)
        found = result.forecasts["model"].sel(issue_time=alone.issue_times[0])
        np.testing.assert_array_equal(found.data.values, alone.data.values)
    with pytest.raises(SchemaError, match="moving window"):
        backtest(
            forecaster, weather, demand, start="2023-06-01", end="2023-06-01", splits=Splits(window="90D")
        )


def test_a_stored_forecaster_forecasts_the_same(tmp_path: Path) -> None:
    temperature, demand = _inputs()
    weather = TemperatureEnsemble(temperature)
    forecaster = Forecaster(CITY, WEEK, model=SMALL).fit(weather, demand, as_of=ISSUE)
    again = load(forecaster.save(tmp_path / "city.forecaster"))
    expected, found = (item.predict(weather, demand, issue_time=ISSUE) for item in (forecaster, again))
    assert found.data.equals(expected.data)


def test_a_model_that_pools_sees_each_member_of_any_ensemble_and_others_their_mean() -> None:
    temperature, demand = _inputs()
    winter = "2023-01-05 00:00"
    members = [temperature["temp_air"].values[0] + shift for shift in (-8.0, 8.0)]
    archive = _daily_runs(temperature, np.stack(members, axis=-1))
    mean = archive.mean("member", keep_attrs=True)
    response = DemandResponse(n_estimators=40, folds=2)
    for model, same in ((response, False), (LightGBMQuantiles(n_estimators=3, folds=0), True)):
        forecaster = Forecaster(CITY, WEEK, model=model, features=RESPONSE_FEATURES)
        forecaster.fit(mean, demand, as_of=winter)
        pooled, alone = (
            forecaster.predict(runs, demand, issue_time=winter).data.values for runs in (archive, mean)
        )
        width, narrow = (np.mean(cube[..., -1] - cube[..., 0]) for cube in (pooled, alone))
        assert (width == pytest.approx(narrow)) if same else (width > 1.2 * narrow)


def test_without_a_past_year_a_forecast_is_refused_or_climatology() -> None:
    temperature, demand = _inputs()
    short = TemperatureEnsemble(temperature.sel(time=slice("2022-10", None)))
    forecaster = Forecaster(CITY, WEEK, model=SMALL).fit(short, demand, as_of=ISSUE)
    with pytest.raises(MissingDataError, match="past year"):
        forecaster.predict(short, demand, issue_time=ISSUE)
    forecast = forecaster.predict(short, demand, issue_time=ISSUE, strict=False)
    assert forecast.data["fallback_level"].values.tolist() == [[3]]
    assert np.isfinite(forecast.data.values).all()


def test_lags_are_refused_where_none_would_be_known() -> None:
    temperature, demand = _inputs()
    forecaster = Forecaster(CITY, WEEK, model=SMALL, features=[*RESPONSE_FEATURES, Lag("24h")])
    with pytest.raises(SchemaError, match="lagged observations"):
        forecaster.fit(TemperatureEnsemble(temperature), demand, as_of=ISSUE)


def test_a_forecast_says_how_it_was_made_and_covers_the_outcomes() -> None:
    temperature, demand = _inputs()
    forecast = _predicted(temperature, demand, model=DemandResponse(n_estimators=40))
    assert forecast.data.attrs["model"] == "DemandResponse"
    assert not forecast.perfect_weather
    assert forecast.data.sizes == {"site": 1, "issue_time": 1, "lead_time": 168, "quantile": 5}
    assert forecast.data["weather_init_time"].values[0, 0] <= forecast.data["issue_time"].values[0]
    valid = pd.DatetimeIndex(forecast.data["valid_time"].values[0], tz="UTC")
    cube = forecast.data.values[0, 0]
    observed = city_demand()[1].loc[valid, "city"].to_numpy()
    assert ((observed > cube[:, 0]) & (observed < cube[:, -1])).mean() > 0.7
    # June is warm: demand is near its base, and its daily course is there.
    assert np.corrcoef(cube[:, 2], observed)[0, 1] > 0.7


def test_a_weather_forecast_is_not_what_scenarios_are_drawn_from() -> None:
    with pytest.raises(SchemaError, match="temp_air on"):
        TemperatureEnsemble(example_weather())


@pytest.mark.slow
@pytest.mark.skipif(
    not VICTORIA.is_file(), reason="needs vic_elec in the folder that ENERGYFORECAST_DATA names"
)
def test_another_area_is_forecast_without_a_change() -> None:
    """Victoria, June 2014 from two and a half years: below the reference."""
    table = pd.read_parquet(VICTORIA)
    index = pd.to_datetime(table["Time"], utc=True)
    frame = table[["Demand", "Temperature"]].set_axis(pd.DatetimeIndex(index), axis=0).resample("1h").mean()
    state = DemandArea(
        name="Victoria",
        latitude=-37.8,
        longitude=145,
        timezone="Australia/Melbourne",
        country="AU",
        subdivision="VIC",
    )
    demand = Observations(frame[["Demand"]].set_axis(["Victoria"], axis=1), published_after="0h")
    temperature = measured_weather(
        {"temp_air": frame[["Temperature"]].set_axis(["Victoria"], axis=1)}, published_after="0h"
    )
    task = day_ahead("00:00", timezone=state.timezone, first_day=0, days=30)
    weather, issue = TemperatureEnsemble(temperature), "2014-06-01"
    forecaster = Forecaster(state, task, model=DemandResponse()).fit(weather, demand, as_of=issue)
    forecast = forecaster.predict(weather, demand, issue_time=issue)
    cube = forecast.data.values[0, 0]
    valid = pd.DatetimeIndex(forecast.data["valid_time"].values[0], tz="UTC")
    observed = frame.loc[valid, "Demand"].to_numpy()
    year_before = frame.loc[valid - pd.Timedelta("364D"), "Demand"].to_numpy()
    levels = np.array(forecast.quantiles)
    loss = pinball_loss(observed, cube, levels).mean()
    assert loss < 0.5 * np.abs(observed - year_before).mean() / 2
    assert ((observed > cube[:, 4]) & (observed < cube[:, 94])).mean() > 0.75


@pytest.mark.slow
def test_a_reference_beside_an_ensemble_learns_from_hours_before_its_temperatures() -> None:
    temperature, demand = _inputs()
    short = temperature.isel(time=temperature["time"].values >= np.datetime64("2023-03-01"))
    weather = TemperatureEnsemble(short)
    alone = Forecaster(CITY, WEEK, model=SeasonalClimatology()).fit(None, demand, as_of=ISSUE)
    beside = Forecaster(CITY, WEEK, model=SeasonalClimatology()).fit(weather, demand, as_of=ISSUE)
    assert beside.training_.hours == alone.training_.hours
    assert beside.training_.hours["city"][0].startswith("2022-10")
    found, expected = (
        fitted.predict(given, demand, issue_time=ISSUE)
        for fitted, given in ((beside, weather), (alone, None))
    )
    np.testing.assert_array_equal(found.data.values, expected.data.values)
