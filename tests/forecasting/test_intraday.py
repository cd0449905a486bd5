"""Intraday: the newest observation corrects the weather forecast for some hours, and does no harm after."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import MissingDataError
from energyforecast.features import NewestObservation, NewestWind
from energyforecast.models import SelectedModel
from energyforecast.testing import check_no_leakage
from tests.support.synthetic_data import SyntheticSite, replaced, synthetic

TASK = ef.intraday(every="2h", leads="12h", quantiles=(0.1, 0.5, 0.9))
MODEL = ef.LightGBMQuantiles(n_estimators=100, folds=0)
FITTED = "2024-04-05 00:00"


@cache
def _drifting() -> SyntheticSite:
    """Runs share an error with a memory of eight hours, as neighbouring runs do; wind is all they give."""
    given = synthetic(days=120, leads=24, published_after="0h", seed=3)
    noise, keep = np.random.default_rng(1), np.exp(-1 / 8)
    error = np.zeros(24 * 120 + 30)
    for hour in range(1, len(error)):
        error[hour] = keep * error[hour - 1] + np.sqrt(1 - keep**2) * noise.normal()
    where = np.arange(0, 24 * 120, 6)[:, None] + np.arange(25)
    speed = np.clip(given.weather["wind_speed_100m"].values + 2.0 * error[where], 0, 24)
    weather = replaced(given.weather, "wind_speed_100m", speed)[["wind_speed_100m"]]
    return SyntheticSite(given.sites, weather, given.power)


def _errors(forecaster: ef.Forecaster) -> pd.Series:
    """Mean absolute error of the median by lead. [MW]"""
    given = _drifting()
    forecaster.fit(given.weather, given.power, as_of=FITTED)
    issued = TASK.issue_times("2024-04-05", "2024-04-27")
    table = forecaster.predict(given.weather, given.power, issue_time=issued).to_frame()
    outcome = given.power.values["farm 0"].reindex(table["valid_time"]).to_numpy()
    error = (table["q0.5"] - outcome).abs()
    result: pd.Series = error.groupby(table["lead_hours"]).mean()
    return result


@cache
def _scores() -> tuple[pd.Series, pd.Series, pd.Series]:
    site = _drifting().site
    plain = ef.recipe(site)
    return (
        _errors(ef.Forecaster(site, TASK, model=MODEL)),
        _errors(ef.Forecaster(site, TASK, model=MODEL, features=plain)),
        _errors(ef.Forecaster(site, TASK, model=ef.Persistence())),
    )


def test_the_newest_observation_beats_persistence_in_the_first_hours() -> None:
    recipe, _, persistence = _scores()
    assert (recipe.loc[1:3] < 0.9 * persistence.loc[1:3]).all()
    assert recipe.loc[0:3].mean() < persistence.loc[0:3].mean()


def test_it_helps_in_the_first_hours_and_does_no_harm_later() -> None:
    recipe, plain, _ = _scores()
    assert (recipe.loc[1:3] < 0.9 * plain.loc[1:3]).all()
    assert recipe.loc[4:].mean() <= 1.01 * plain.loc[4:].mean()


def test_only_intraday_recipes_need_the_newest_observation() -> None:
    given = _drifting()
    day_ahead = ef.day_ahead("09:00", timezone="UTC")
    assert ef.recipe(given.site, day_ahead).names == ef.recipe(given.site).names
    intraday = ef.Forecaster(given.site, TASK).features.names
    intraday = ef.Forecaster(given.site, TASK).features.names
    assert set(intraday) - set(ef.recipe(given.site).names) == {
        "NewestObservation", "NewestChange", "DecayingNewest", "NewestWind", "CurveError", "DayOfYear",
    }  # fmt: skip
    assert (
        "DayOfYear" not in ef.Forecaster(given.site, TASK, model=MODEL).features.names
    )  # would memorise weeks
    assert "LeadTime" not in intraday
    plant = ef.PVPlant(name="pv", latitude=43, longitude=77, capacity=10)
    assert ef.recipe(plant, TASK).names[-2:] == ["NewestObservation", "ClearSkyPersistence"]
    for sector in ("total", "industry"):
        area = ef.DemandArea(name="area", latitude=43, longitude=77, sector=sector)
        assert ef.recipe(area, TASK).names.count("NewestObservation") == 1
    forecaster = ef.Forecaster(given.site, TASK, model=MODEL).fit(given.weather, given.power, as_of=FITTED)
    with pytest.raises(MissingDataError):
        forecaster.predict(given.weather, issue_time="2024-04-10 12:00")


def test_a_new_farm_needs_no_newest_observation() -> None:
    given = _drifting()
    forecaster = ef.Forecaster(given.site, TASK, model=MODEL).fit(given.weather)
    forecast = forecaster.predict(given.weather, issue_time="2024-04-10 12:00")
    assert forecast.data["fallback_level"].values == 0
    assert forecast.caveats[0].startswith("cold start")


@pytest.mark.parametrize(("delay", "wanted"), [("0h", -1), ("2h", -3), ("9h", -10), ("13h", None)])
def test_the_newest_wind_is_that_of_the_hour_of_the_newest_observation(
    delay: str, wanted: int | None
) -> None:
    """Known by hand: the run's wind rises by 1 m/s an hour, so that an hour's mean is half beyond its beginning."""
    given = synthetic(days=3, leads=48, delay="4h", published_after=delay)
    init, lead = given.weather["init_time"].values, given.weather["lead_time"].values
    hours = (init[:, None] + lead - init[0]) / np.timedelta64(1, "h")
    weather = replaced(given.weather, "wind_speed_100m", hours[None] / 10)[["wind_speed_100m"]]
    forecaster = ef.Forecaster(given.site, TASK, features=[NewestObservation(), NewestWind()], model=MODEL)
    table = forecaster.design_matrix(weather, given.power, pd.DatetimeIndex(["2024-01-02 18:00"], tz="UTC"))
    got = table.columns["farm 0"]["wind_speed_100m[newest]"].unique()
    if wanted is None:
        assert np.isnan(got).all()
    else:
        np.testing.assert_allclose(got, (42 + wanted + 0.5) / 10, rtol=1e-5)


def test_the_next_hours_are_departures_from_the_decaying_newest_power() -> None:
    site = _drifting().site
    for one in _candidates(ef.Forecaster(site, TASK)):
        assert one.relative_to == "newest[decayed]"
        assert getattr(one, "calibrate_by", "newest[distance]") == "newest[distance]"
    plain = (
        *_candidates(ef.Forecaster(site, ef.day_ahead("09:00", timezone="UTC"))),
        *_candidates(
            ef.Forecaster(site, TASK, features=ef.recipe(site))
        ),  # features without the newest power
    )
    assert all(one.relative_to is None for one in plain)


@pytest.mark.slow
def test_a_short_history_of_wind_is_forecast_without_the_season() -> None:
    given = _drifting()
    features = ef.recipe(given.site, TASK)
    forecasters = [ef.Forecaster(given.site, TASK, features=item) for item in (None, features)]
    issued = TASK.issue_times("2024-04-05", "2024-04-06")
    default, plain = (
        one.fit(given.weather, given.power, as_of=FITTED).predict(
            given.weather, given.power, issue_time=issued
        )
        for one in forecasters
    )
    np.testing.assert_array_equal(default.data, plain.data)


def _candidates(forecaster: ef.Forecaster) -> list[Any]:
    """Structures among which the default chooses."""
    assert isinstance(forecaster.model, SelectedModel)
    assert forecaster.model.candidates is not None
    return list(forecaster.model.candidates.values())


def test_where_the_newest_power_is_missing_a_forecast_is_that_of_a_longer_lead() -> None:
    given = _drifting()
    model = ef.LightGBMQuantiles(
        n_estimators=100, relative_to="newest[decayed]", calibrate_by="newest[distance]"
    )
    forecaster = ef.Forecaster(given.site, TASK, model=model).fit(given.weather, given.power, as_of=FITTED)
    issued = TASK.issue_times("2024-04-05", "2024-04-27")
    late = replace(given.power, published_after=pd.Timedelta("4h"))
    tables = [
        forecaster.predict(given.weather, power, issue_time=issued).to_frame()
        for power in (given.power, late)
    ]
    scores = []
    for table in tables:
        assert table[["q0.1", "q0.5", "q0.9"]].notna().all(axis=None)
        outcome = given.power.values["farm 0"].reindex(table["valid_time"]).to_numpy()
        inside = (table["q0.1"] <= outcome) & (outcome <= table["q0.9"])
        error = (table["q0.5"] - outcome).abs()
        scores.append(pd.DataFrame({"error": error, "inside": inside}).groupby(table["lead_hours"]).mean())
    usual, gap = scores
    # An hour 4 h later: within a fifth of the error, and the interval still holds.
    np.testing.assert_allclose(gap["error"].iloc[:4].mean(), usual["error"].iloc[4:8].mean(), rtol=0.2)
    assert gap["inside"].iloc[:4].mean() > 0.68


def test_nothing_unknown_reaches_the_intraday_recipe() -> None:
    given = _drifting()
    forecaster = ef.Forecaster(
        given.site,
        TASK,
        model=ef.LightGBMQuantiles(n_estimators=5, folds=0),
        features=ef.recipe(given.site, TASK),
    )
    check_no_leakage(forecaster, given.weather, given.power, issue_time="2024-03-10 12:00")
