"""Demand of real consumers: flags of a load that rests, a short history, no weather, and exports."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import configuration
from energyforecast.errors import EnergyForecastWarning

DAY_AHEAD = ef.day_ahead("09:00", timezone="UTC")
SEVEN_LEVELS = dataclasses.replace(DAY_AHEAD, quantiles=(0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95))


def _area(name: str, **changes: object) -> ef.DemandArea:
    return ef.DemandArea(**({"name": name, "latitude": 43.2, "longitude": 76.9} | changes))


def _demand(name: str, load: np.ndarray, index: pd.DatetimeIndex) -> ef.Observations:
    table = pd.DataFrame({name: load}, index=index)
    return ef.read_demand(table, unit="MW", timezone="UTC", label="beginning", published_after="1h")


def _flagged(demand: ef.Observations, area: ef.DemandArea, flag: ef.Flag) -> int:
    flags = ef.flag_quality(demand, sites=area).flags
    assert flags is not None
    return int((flags[area.name] & flag.value != 0).sum())


# -- flags -----------------------------------------------------------------------------------------


def _works() -> ef.Observations:
    """Days of 0.3 to 0.4 MW, nights of exactly 0.02 MW, and a furnace that takes 0.46 MW now and then."""
    index = pd.date_range("2024-01-01", periods=24 * 200, freq="1h", tz="UTC")
    at_work = (index.hour >= 8) & (index.hour < 18) & (index.day_of_week < 5)
    load = np.where(at_work, 0.3 + 0.1 * np.random.default_rng(1).random(len(index)), 0.02)
    for begin in np.flatnonzero(at_work & (index.hour == 10))[::45]:
        load[begin : begin + 3] = (0.42, 0.46, 0.42)
    return _demand("works", load.round(3), index)


def test_peaks_of_an_area_without_a_capacity_are_not_above_it() -> None:
    assert _flagged(_works(), _area("works", sector="industry"), ef.Flag.ABOVE_CAPACITY) == 0


@pytest.mark.parametrize("capacity", [None, 1.0])
def test_a_constant_load_at_night_is_not_stuck(capacity: float | None) -> None:
    works = _works()
    assert _flagged(works, _area("works", sector="industry", capacity=capacity), ef.Flag.STUCK) == 0


def test_a_meter_of_a_works_that_is_stuck_is_found() -> None:
    values = _works().values.copy()
    values.iloc[1000:1030] = 0.377
    values.iloc[3000:3010] = 0.377
    works = _demand("works", values["works"].to_numpy(), values.index)
    assert _flagged(works, _area("works", sector="industry"), ef.Flag.STUCK) == 40


def test_a_furnace_of_quarter_hours_is_no_spike_and_a_faulty_value_is() -> None:
    """Single quarter-hours of half and of more than the usual load are real; one of ten times is a fault."""
    index = pd.date_range("2024-01-01", periods=96 * 60, freq="15min", tz="UTC")
    at_work = (index.hour >= 8) & (index.hour < 18)
    rng = np.random.default_rng(0)
    load = np.where(at_work, 0.4, 0.02) + 0.005 * rng.random(len(index))
    places = rng.permutation(np.flatnonzero(at_work & (index.minute == 30)))
    load[places[:20]] *= 1.6
    load[places[20:40]] *= 0.5
    works, area = _demand("works", load, index), _area("works", sector="industry")
    assert _flagged(works, area, ef.Flag.SPIKE) == 0
    load[places[50]] = 4.0
    assert _flagged(_demand("works", load, index), area, ef.Flag.SPIKE) == 1


@pytest.mark.parametrize("capacity", [None, 6.0])
def test_exports_of_a_village_with_solar_roofs_are_not_above_its_capacity(capacity: float | None) -> None:
    index = pd.date_range("2023-01-01", periods=24 * 60, freq="1h", tz="UTC")
    hour = index.hour.to_numpy()
    noise = np.random.default_rng(0).normal(0, 0.2, len(index))
    load = 2 + np.sin(hour / 24 * 2 * np.pi) - 5 * np.exp(-(((hour - 12) / 2.5) ** 2)) + noise
    village = _area("village", capacity=capacity)
    assert _flagged(_demand("village", load, index), village, ef.Flag.ABOVE_CAPACITY) == 0


# -- short histories -------------------------------------------------------------------------------


def test_four_weeks_of_a_works_give_wide_intervals_or_a_warning() -> None:
    rng = np.random.default_rng(1)
    index = pd.date_range("2024-01-01", periods=24 * 57, freq="1h", tz="UTC")
    day = (index - index[0]).days.to_numpy()
    at_work = (index.hour >= 7) & (index.hour < 19) & (index.day_of_week < 5)
    orders = 3 * pd.Series(rng.normal(size=len(index))).ewm(halflife=4).mean().to_numpy()
    working = 10 + 2 * rng.normal(size=day.max() + 1)[day] + orders
    load = np.where(at_work, working, 2 + 0.2 * rng.normal(size=len(index))).clip(0.1)
    area = _area("works", sector="industry")
    features = ef.recipe(area, DAY_AHEAD) - "Temperature"
    forecaster = ef.Forecaster(area, DAY_AHEAD, features=features)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        result = ef.backtest(
            forecaster, {}, _demand("works", load, index), start="2024-01-29", end="2024-02-25", refit=None
        )
    scores = result.scores(chosen=["coverage"])
    held = scores.loc[scores["level"] == 0.8, "value"].iloc[0]
    warned = any(issubclass(item.category, EnergyForecastWarning) for item in given)
    assert warned or bool(result.folds["cold_start"].iloc[0]) or held >= 0.65


@pytest.mark.parametrize("sector", ["industry", "households"])
def test_a_week_of_a_consumer_is_enough_for_a_forecast(sector: str) -> None:
    """The level, from which industry departs, is known after a week and a half; until then it is left out."""
    index = pd.date_range("2024-01-01", periods=24 * 29, freq="1h", tz="UTC")
    at_work = (index.hour >= 7) & (index.hour < 19) & (index.day_of_week < 5)
    load = np.where(at_work, 10.0, 2.0) + 0.5 * np.random.default_rng(1).normal(size=len(index))
    forecaster = ef.Forecaster(_area("works", sector=sector), DAY_AHEAD)
    result = ef.backtest(
        forecaster,
        None,
        _demand("works", load, index),
        start="2024-01-09",
        end="2024-01-28",
        refit=None,
    )
    scores = result.scores(chosen=["coverage", "mae"])
    assert scores.loc[scores["metric"] == "mae", "value"].iloc[0] < 3.0
    assert scores.loc[scores["level"] == 0.8, "value"].iloc[0] >= 0.65


@pytest.mark.slow
def test_households_known_for_less_than_a_year_are_forecast_as_well_as_from_their_recent_level() -> None:
    rng = np.random.default_rng(3)
    index = pd.date_range("2023-01-01", "2023-11-01", freq="1h", tz="UTC", inclusive="left")
    day = (index - index[0]).days.to_numpy()
    drift = np.cumsum(rng.normal(0, 0.03, day.max() + 1))[day]
    season = 0.25 * np.sin(2 * np.pi * (day - 100) / 365)
    evening = 0.25 * np.exp(-((index.hour - 20) ** 2) / 6)
    shape = 0.3 * np.sin(2 * np.pi * (index.hour - 13) / 24) + evening + 0.05 * (index.day_of_week > 4)
    load = np.exp(shape + season + drift + rng.normal(0, 0.08, len(index))) / 1000
    demand = _demand("home", np.asarray(load), index)
    home = _area("home", latitude=34.0, longitude=-117.0, sector="households")

    def loss(area: ef.DemandArea, *without: str) -> float:
        features = ef.recipe(area, SEVEN_LEVELS)
        for name in without:
            features = features - name
        forecaster = ef.Forecaster(area, SEVEN_LEVELS, features=features)
        result = ef.backtest(forecaster, {}, demand, start="2023-09", end="2023-10")
        return float(result.scores(chosen=["pinball"])["value"].iloc[0])

    recent = loss(dataclasses.replace(home, sector="industry"), "Temperature")
    assert loss(home, "Temperature", "ApparentTemperature", "WeatherAge") <= 1.05 * recent


# -- no weather ------------------------------------------------------------------------------------


def test_demand_is_learnt_without_weather() -> None:
    index = pd.date_range("2024-01-01", periods=24 * 60, freq="1h", tz="UTC")
    load = 1 + (index.hour > 7) * 1.0 + np.random.default_rng(0).random(len(index)) / 10
    area = _area("works", sector="households")
    ef.Forecaster(area, DAY_AHEAD).fit({}, _demand("works", load, index))


DEMAND_ALONE = """
[sites.home]
kind = "demand"
sector = "households"
latitude = 34.0
longitude = -117.0
[observations]
file = "home.csv"
unit = "kWh"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "UTC"
[model]
kind = "SeasonalNaive"
"""


def test_a_configuration_of_demand_needs_no_weather(tmp_path: Path) -> None:
    rows = (f"2024-01-{day:02d} {hour:02d}:00,1.{hour}" for day in range(1, 31) for hour in range(24))
    (tmp_path / "home.csv").write_text("\n".join(["time,home", *rows]) + "\n", encoding="utf-8")
    path = tmp_path / "home.toml"
    path.write_text(DEMAND_ALONE, encoding="utf-8")
    settings = configuration.read(path)
    forecaster = settings.forecaster().fit(settings.weather(), settings.observations())
    forecast = forecaster.predict(settings.weather(), settings.observations(), issue_time="2024-01-30 09:00")
    assert forecast.at(0.5).sizes["lead_time"] == 24
