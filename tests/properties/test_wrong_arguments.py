"""Arguments of the remaining public names, wrong by type or range, end in a result or an error of the library."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import (
    competitions,
    configuration,
    datasets,
    evaluation,
    features,
    forecasting,
    observations,
    planning,
    point_in_time,
    reporting,
    testing,
    weather,
)
from energyforecast.errors import EnergyForecastError
from energyforecast.testing import example_days, example_dispatch, example_forecast
from tests.support.wrong_values import HOURS, WRONG, given_objects, scenarios

NUMBERS: dict[str, Any] = {
    "large negative": -1e9, "negative": -1.0, "little negative": -1e-9, "no": 0.0, "little": 1e-9, "two": 2,
    "50": 50.0, "101": 101, "large": 1e12, "negative infinity": -np.inf, "falling": (2.0, 1.0),
    "equal": (1.0, 1.0), "unknown first": (np.nan, 1.0), "thousand": 1001,
}  # fmt: skip
VALUES = WRONG | NUMBERS


@cache
def _noise() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).normal(size=(600, 7))


@cache
def _pairs() -> Any:
    return evaluation.align(testing.example_observations(), example_forecast())


@cache
def _plan() -> Any:
    return planning.plan_deterministic(*example_dispatch())


@cache
def _temperature() -> xr.Dataset:
    return datasets.la_haute_borne()[1][["temp_air"]]


@cache
def _sums() -> Any:
    leads = np.array([0, 3, 6], dtype="timedelta64[h]").astype("timedelta64[ns]")
    return xr.DataArray([0.0, 1.08e6, 3.24e6], dims="lead_time", coords={"lead_time": leads})


def _three() -> Any:
    values = [[[10.0], [20.0], [33.0]]] * 2
    return ef.Scenarios.from_values(values, sites=["a", "b", "all"], valid_time=HOURS[:1], frequency="1h")


def _later() -> Any:
    data = example_forecast().data
    return ef.Forecast(data.assign_coords(issue_time=data["issue_time"] + pd.Timedelta("6h")) + 1.0)


def _week() -> Any:
    hours = pd.date_range("2024-02-28 18:00", periods=49, freq="1h", tz="UTC")
    values = np.repeat(np.arange(101.0)[:, None, None], 49, axis=2)
    return ef.Scenarios.from_values(values, sites=["net load"], valid_time=hours)


def _site() -> Any:
    return ef.Site(name="farm", latitude=43.6, longitude=78.55)


def _grid() -> Any:
    return weather.Grid(np.arange(44.0, 43.0, -0.25), np.arange(78.0, 79.0, 0.25))


def _hindcasts(part: int) -> Any:
    return example_days(days=12)[part]


def _one(function: Callable[..., Any], **given: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    return function, given


_SYSTEM, _INPUTS = (lambda: example_dispatch()[0]), (lambda: example_dispatch()[1])
_FARM, _WEATHER, _POWER, _TASK, _FORECASTER, _ = (partial(lambda k: given_objects()[k], k) for k in range(6))
_STORE = {"start_level": 0.0, "end_level": None}
_SYNTHETIC = {"seed": 1, "start": "2023-01-01", "hours": 48, "models": ("ecmwf",), "version": 1}
_DAY = pd.Timestamp("2024-01-05", tz="UTC")
_ROWS = pd.DataFrame(
    [
        {
            "site": "works",
            "activity": "furnace",
            "start": "2024-01-05",
            "end": "2024-01-06",
            "published": "2024-01-03",
        }
    ]
)

#: Valid arguments; functions without arguments make theirs.
CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "compare": _one(
        evaluation.compare, model=_pairs, reference=_pairs, metric="crps", by=None, fill="reference",
        confidence=0.9, fit_spread=0.004,
    ),
    "benjamini_hochberg": _one(evaluation.benjamini_hochberg, p_values=[0.1, 0.2]),
    "diebold_mariano": _one(evaluation.diebold_mariano, difference=lambda: _noise()[:90, 0], lags=7),
    "crps_of_quantiles": _one(
        evaluation.crps_of_quantiles, observed=np.ones(3), quantiles=np.ones((3, 2)), quantile_levels=(0.1, 0.9),
        above=-np.inf, below=np.inf,
    ),
    "energy_score": _one(evaluation.energy_score, observed=np.ones((3, 2)), samples=np.ones((3, 4, 2))),
    "variogram_score": _one(
        evaluation.variogram_score, observed=np.ones((3, 2)), samples=np.ones((3, 4, 2)), order=0.5, weights=None,
    ),
    "daylight": _one(evaluation.daylight, pairs=_pairs, sites=_FARM),
    "Gate": _one(
        evaluation.Gate, metric="crps", max=1.0, min=None, unit=None, level=None, model=None, site=None,
        reference=None,
    ),
    "Splits": _one(evaluation.Splits, window="expanding", gap="0h", stride=1, skip=()),
    "Search": _one(evaluation.Search, trials=20, space=None, folds=3, seed=0),
    "Execution": _one(evaluation.Execution, jobs=1, resume=None, progress=None),
    "evaluate_plan": _one(planning.evaluate_plan, plan=_plan, outcomes=_INPUTS),
    "perfect_foresight": _one(planning.perfect_foresight, system=_SYSTEM, inputs=_INPUTS),
    "plan_scenarios": _one(planning.plan_scenarios, system=_SYSTEM, inputs=_INPUTS),
    "realised_costs": _one(planning.realised_costs, plans=lambda: {"a": _plan()}, outcomes=_INPUTS),
    "reconcile": _one(
        planning.reconcile, scenarios=_three, hierarchy={"all": ["a", "b"]}, residuals=None, method="ols",
        bounds=None,
    ),
    "static_reserve": _one(
        planning.static_reserve, residuals=pd.Series(np.arange(-50.0, 51.0)),
        schedule=pd.Series(500.0, index=HOURS[:2]), risk=0.1, outages=(), tail=None,
    ),
    "sample_by_kind": _one(
        planning.sample_by_kind, forecasts=lambda: {"wind": example_forecast()}, n_scenarios=10,
        dependence=planning.Independence, issue_time=None, seed=0, tails="flat",
    ),
    "to_pypsa": _one(planning.to_pypsa, system=_SYSTEM, inputs=_INPUTS, on="median"),
    "alarm_scores": _one(
        planning.alarm_scores, tables=lambda: planning.ramps(scenarios(), change=1.0),
        observations=lambda: pd.Series(50.0, index=scenarios().valid_times, name="city"), probability=0.3,
        tolerance="1h", site=None,
    ),
    "Battery": _one(
        planning.Battery, name="b", area="S", power=1.0, energy=2.0, charge_efficiency=0.9,
        discharge_efficiency=0.9, **_STORE,
    ),
    "PumpedStorage": _one(
        planning.PumpedStorage, name="b", area="S", turbine=1.0, pump=1.0, reservoir=5.0, pump_efficiency=0.8,
        turbine_efficiency=0.9, **_STORE,
    ),
    "Electrolyser": _one(
        planning.Electrolyser, name="b", area="S", capacity=1.0, hydrogen_demand=1.0, efficiency=0.6,
        hydrogen_storage=0.0, **_STORE,
    ),
    "HVDCLink": _one(planning.HVDCLink, name="b", from_area="S", to_area="N", capacity=1.0),
    "ThermalUnit": _one(
        planning.ThermalUnit, name="g", area="S", capacity=10.0, cost=1.0, minimum=0.0, ramp=None, flexible=1.0,
        premium_up=0.0, premium_down=0.0,
    ),
    "RampTerms": _one(planning.RampTerms, change=1.0, within=("1h",), probability=0.3),
    "ReserveTerms": _one(planning.ReserveTerms, risk=0.1, outages=(), tail=None),
    "GaussianCopula.fit": _one(
        planning.GaussianCopula.fit, forecasts=lambda: _hindcasts(0), observations=lambda: _hindcasts(1)
    ),
    "SchaakeShuffle": _one(
        planning.SchaakeShuffle, observations=lambda: _hindcasts(1), similar_to=None, days=None
    ),
    "EnsembleCopulaCoupling": _one(planning.EnsembleCopulaCoupling, members=scenarios, variable=None),
    "revision_sheet": _one(
        reporting.revision_sheet, now=_later, previous=example_forecast, timezone="UTC", interval=(0.1, 0.9),
        site=None, largest=5,
    ),
    "weekly_outlook": _one(
        reporting.weekly_outlook, source=_week, timezone="Asia/Almaty", quantile_levels=None, above=85.0,
        below=None, risk=0.1, site=None, issue_time=None,
    ),
    "VerificationTerms": _one(
        reporting.VerificationTerms, tolerance=0.05, interval=0.8, quantile_levels=(0.1, 0.5, 0.9)
    ),
    "cells_around": _one(weather.cells_around, sites=_site, grid=_grid, count=2, surface="any"),
    "de_accumulate": _one(
        weather.de_accumulate, values=_sums, label=lambda: weather.Label.SUM_SINCE_START, start=None, factor=1.0,
        resolution=0.0, most_negative=60.0,
    ),
    "interval_means": _one(
        weather.interval_means, values=lambda: _sums().values, end=lambda: _sums()["lead_time"].values,
        label=lambda: weather.Label.SUM_SINCE_START, start=None, factor=1.0, resolution=0.0, most_negative=60.0,
    ),
    "measured_weather": _one(
        weather.measured_weather, values={"temp_air": pd.DataFrame({"a": np.arange(24.0)}, index=HOURS)},
        published_after="1h",
    ),
    "temperature_scenarios": _one(
        weather.temperature_scenarios, analysis=_temperature, site="La Haute Borne", issue_time="2015-12-01",
        horizon="3D", lookback="0h", shift_days=24, step_days=4, memory_days=8,
    ),
    "TemperatureEnsemble": _one(
        weather.TemperatureEnsemble, temperature=_temperature, stations=8, shift_days=24, step_days=4,
        memory_days=8,
    ),
    "PublicationLatency": _one(
        weather.PublicationLatency, base="6h", per_lead_hour="0s", by_cycle={0: "1h"}, margin="15min"
    ),
    "OpenMeteoAccess": _one(weather.OpenMeteoAccess, base_url=None, api_key=None, largest_weight=400.0),
    "Http": _one(weather.Http, timeout=30.0, deadline=300.0, attempts=4, largest=1000, headers={}),
    "OpenMeteo": _one(
        weather.OpenMeteo, model="ecmwf_ifs", product="single_runs", variables=(), horizon="96h",
        cell_selection="nearest",
    ),
    "Gfs": _one(
        weather.Gfs, variables=(), last_lead="5D", method="nearest", base_url="", members=(), connections=4
    ),
    "NSRDB": _one(weather.NSRDB, api_key="k", email="e", frequency="60min"),
    "estimate_lag": _one(
        observations.estimate_lag, measured=lambda: _noise()[:, 0], shifted=_noise, step=pd.Timedelta("1h"),
        interval=None, blocks=24,
    ),
    "flag_table": _one(observations.flag_table, observations=_POWER),
    "parse_elexon": _one(
        observations.parse_elexon, body=b"{}", site="x", plant_type=None, revisions="first", as_of=None
    ),
    "parse_entsoe": _one(
        observations.parse_entsoe, body=b"<a/>", site="x", published_after="1h", plant_type=None, frequency=None
    ),
    "save": _one(forecasting.save, forecaster=_FORECASTER, path=None),
    "AvailableCapacity": _one(
        ef.AvailableCapacity, values=pd.DataFrame({"farm": [8.0, 9.0]}, index=HOURS[[0, 12]]),
        published_after="1h", published_time=None, limit=False, frequency=None,
    ),
    "PlannedOperation": _one(
        ef.PlannedOperation, rows=_ROWS, published=None, timezone="UTC"
    ),
    "read_planned_operation": _one(
        ef.read_planned_operation, source=_ROWS, timezone="UTC", site=None, published=None, format=None
    ),
    "peak": _one(
        planning.peak, forecast=scenarios, by="day", groups=None, quantile_levels=(0.5,), dependence=None,
        timezone="UTC", n_scenarios=10,
    ),
    "energy": _one(
        planning.energy, forecast=scenarios, by="day", groups=None, quantile_levels=(0.5,), dependence=None,
        timezone="UTC", n_scenarios=10,
    ),
    "period_scores": _one(
        planning.period_scores, result=testing.example_result, by="day", groups=None,
        dependence=lambda: {"model": planning.GaussianCopula.exponential(range_hours=6.0)}, n_scenarios=10,
    ),
    "poison_plan": _one(testing.poison_plan, plan=ef.PlannedOperation(_ROWS), moment=_DAY, seed=0),
    "example_days": _one(
        example_days, days=2, sites=("a",), range_hours=6.0, between=0.5, seed=0, kind="site"
    ),
    "example_snapshot": _one(
        testing.example_snapshot, weather=None, rising=0.0, sites=None, start="2024-01-02", hours=3, history=()
    ),
    "poison_weather": _one(testing.poison_weather, weather=_WEATHER, moment=_DAY, seed=0),
    "poison_observations": _one(testing.poison_observations, observations=_POWER, moment=_DAY, seed=0),
    "check_feature": _one(
        testing.check_feature, feature=features.LeadTime, weather=_WEATHER, observations=_POWER, sites=_FARM,
        task=_TASK, origins=2, seed=0,
    ),
    "shelek": _one(datasets.shelek, **_SYNTHETIC),
    "almaty": _one(datasets.almaty, ramadan=False, **_SYNTHETIC),
    "kapshagay": _one(datasets.kapshagay, **_SYNTHETIC),
    "works": _one(datasets.works, seed=1, start="2023-01-01", days=14),
    "households": _one(datasets.households, seed=1, number=2, start="2023-01-01", days=14),
    "city": _one(datasets.city, seed=1, start="2023-01-01", days=14),
    "competition": _one(competitions.competition, name="gefcom2014-wind"),
    "run": _one(
        competitions.run, name="gefcom2014-wind", folder="absent", tasks=None, information="competition", jobs=1
    ),
    "plan_settings": _one(
        configuration.plan_settings, tables={"areas": {"S": ["farm"]}, "dependence": "independent"}, where=""
    ),
    "system": _one(configuration.system, tables={"areas": ["S"], "shedding_cost": 3000}, where=""),
    "features_giving": _one(features.features_giving, columns=["lead_time"]),
    "FeatureSet": _one(ef.FeatureSet, features=lambda: (features.LeadTime(),)),
    "DayType": _one(features.DayType, decrees=True),
    "DaysOff": _one(features.DaysOff, decrees=False),
    "Irradiance": _one(features.Irradiance, variable="ghi", hours=(-1, 0)),
    "NeighbourIrradiance": _one(features.NeighbourIrradiance, nearest=9, hours=(0,)),
    "NeighbourWind": _one(features.NeighbourWind, nearest=9, hours=(0,)),
    "Lag": _one(features.Lag, lag="168h", step=None),
    "LagMean": _one(features.LagMean, step="168h", count=4),
    "CurveError": _one(features.CurveError, time_constant=6.0),
    "DecayingNewest": _one(features.DecayingNewest, time_constant=3.0),
    "NewestChange": _one(features.NewestChange, hours=(1, 3)),
    "NewestWind": _one(features.NewestWind, reach=6),
    "PVChainPower": _one(features.PVChainPower, components=False, hours=(0.0,)),
    "PowerCurvePower": _one(features.PowerCurvePower, density=False),
    "EmbeddedPower": _one(features.EmbeddedPower, source="pv"),
    "NewestDepartures": _one(features.NewestDepartures, hours=(1, 2), days=7, weeks=4),
    "SameTypeLag": _one(features.SameTypeLag, days=28),
    "RecentLevel": _one(features.RecentLevel, weeks=4),
    "Temperature": _one(
        features.Temperature, time_constants=(8, 24), heating=15.0, cooling=20.0, reach=96
    ),
    "WindSpeed": _one(features.WindSpeed, hours=(-1, 0)),
    "WindTrend": _one(features.WindTrend, hours=(3, 6)),
    "WindVariability": _one(features.WindVariability, hours=3),
    "IntervalMean": _one(features.IntervalMean, variable="cloud_cover", hours=(-1, 0)),
    "feature": _one(ef.feature, weather=("ghi",), margin="0h", history=()),
    "AdaptiveCalibration": _one(
        ef.AdaptiveCalibration, window="60D", rate=0.05, by_lead=4, min_residuals=100
    ),
    "Past": _one(point_in_time.Past, lag=pd.Timedelta("1h"), step=None),
}  # fmt: skip

#: Calls that are no result by themselves: of absent files, and answers of servers without data.
WITHOUT_RESULT = {"parse_elexon", "parse_entsoe", "run", "save"}
#: What Python or a mapping takes for valid, and no message of ours can better: an empty path, a Dataset as a mapping.
ALLOWED = {("save", "path"), ("plan_settings", "tables"), ("system", "tables")}


def _made(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value() if callable(value) else value for name, value in given.items()}


def _try(name: str, values: list[Any]) -> None:
    function, arguments = CALLS[name]
    given = _made(arguments)
    for argument in given:
        for value in values:
            if (name, argument) in ALLOWED or (callable(value) and argument == "progress"):
                continue
            with contextlib.suppress(EnergyForecastError):
                function(**given | {argument: value})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(CALLS))
def test_a_wrong_argument_ends_in_an_error_of_the_library(name: str) -> None:
    """A third of the values, another one for each name."""
    first = list(CALLS).index(name) % 3
    _try(name, list(VALUES.values())[first::3])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(CALLS))
def test_every_wrong_argument_ends_in_an_error_of_the_library(name: str) -> None:
    _try(name, list(VALUES.values()))


@pytest.mark.parametrize("name", sorted(set(CALLS) - WITHOUT_RESULT - {"to_pypsa"}))
def test_the_examples_are_right(name: str) -> None:
    function, given = CALLS[name]
    function(**_made(given))


@pytest.mark.parametrize(
    "call",
    [
        lambda: features.WindSpeed(hours=()),
        lambda: features.NeighbourWind(nearest=0),
        lambda: features.Lag("-1h"),
        lambda: features.Lag("a week"),
        lambda: features.NewestDepartures(days=0),
        lambda: features.RecentLevel(weeks=0),
        lambda: features.SameTypeLag(days=0),
        lambda: features.Temperature(heating=288.15),
        lambda: planning.ReserveTerms(risk=5.0),
        lambda: planning.RampTerms(change=1.0, probability=30.0),
        lambda: evaluation.Search(trials=0),
        lambda: evaluation.Execution(jobs=0),
        lambda: weather.Http(attempts=0),
        lambda: datasets.shelek(hours=0),
    ],
)
def test_numbers_without_a_meaning_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 3
