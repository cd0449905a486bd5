"""Arguments of wrong types end in a result or an error of the library, never in one of pandas, numpy or xarray."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import evaluation, planning, reporting, settlement
from energyforecast.errors import EnergyForecastError, SchemaError
from energyforecast.forecasting import PortfolioForecast, forecast_portfolio
from energyforecast.testing import (
    example_dispatch,
    example_forecast,
    example_observations,
    example_result,
    example_weather,
)
from tests.support.toy_weather import wind_farm
from tests.support.wrong_values import HOURS, WRONG, given_objects, scenarios


def _predict(**given: Any) -> Any:
    return given_objects()[4].predict(**given)


def _fit(**given: Any) -> Any:
    farm, _, _, task, *_ = given_objects()
    return ef.Forecaster(farm, task, model=ef.Climatology()).fit(**given)


def _power_file() -> pd.DataFrame:
    return pd.DataFrame({"farm": np.arange(24.0)}, index=HOURS)


def _case(call: Callable[..., Any], **given: Callable[[], Any] | Any) -> Any:
    return call, lambda: {name: value() if callable(value) else value for name, value in given.items()}


_FARM, _WEATHER, _POWER, _TASK, _FORECASTER, _FORECAST = (lambda k=k: given_objects()[k] for k in range(6))


def _days_of_sun() -> pd.Series:
    """Power of three clear weeks. [MW]"""
    index = pd.date_range("2024-03-01", periods=504, freq="1h", tz="UTC")
    plant = ef.PVPlant(name="pv", latitude=48.0, longitude=0.0, capacity=1.0, surface_tilt=20.0)
    middle = (index + pd.Timedelta("30min")).tz_localize(None).to_numpy().astype("M8[ns]")
    return pd.Series(plant.clear_sky_power(ef.physics.solar_position(middle, 48.0, 0.0)), index)


#: Function, and a valid example of its arguments.
CASES: dict[str, tuple[Callable[..., Any], Callable[[], dict[str, Any]]]] = {
    "WindFarm": _case(
        ef.WindFarm, name="x", latitude=48.0, longitude=5.0, capacity=8.0, timezone="UTC", altitude=1.0,
        coordinate_uncertainty_km=1.0, equipment="x", yearly_energy=1.0, sources=dict, hub_height=80.0,
        rotor_diameter=90.0, turbines=4, power_curve=None,
    ),
    "PVPlant": _case(
        ef.PVPlant, name="x", latitude=48.0, longitude=5.0, capacity=8.0, mounting="fixed", surface_tilt=30.0,
        surface_azimuth=180.0, axis_azimuth=180.0, max_angle=55.0, gcr=0.4, dc_capacity=9.0, bifaciality=0.1,
        gamma_pdc=-0.003,
    ),
    "DemandArea": _case(
        ef.DemandArea, name="x", latitude=48.0, longitude=5.0, sector="total", country="DE", subdivision=None
    ),
    "EmbeddedCapacity": _case(ef.EmbeddedCapacity, pv=50.0, wind=4.0, since="2024-04-01", published=None),
    "PowerCurve": _case(
        ef.PowerCurve, wind_speed=[3.0, 8.0, 12.0], power=[0.0, 0.5, 1.0], rated=1.0, cut_out=12.0, name="x"
    ),
    "day_ahead": _case(
        ef.day_ahead, issue="09:00", timezone="UTC", first_day=1, days=1, frequency="1h", quantiles=(0.1, 0.5)
    ),
    "intraday": _case(
        ef.intraday, every="1h", leads="6h", timezone="UTC", frequency="1h", quantiles=(0.1, 0.5)
    ),
    "month_ahead": _case(
        ef.month_ahead, issue="09:00", timezone="UTC", first_day=0, months=1, frequency="1h", quantiles=(0.5,)
    ),
    "TableFormat": _case(
        ef.TableFormat, unit="kW", timezone="UTC", label="beginning", time="t", columns={"p": "farm"},
        frequency="1h", period=None, periods_per_day=48, time_format=None, published_time=None,
        duplicates="error", encoding="utf-8", delimiter=",", decimal=".", thousands=None,
    ),
    "read_power": _case(
        ef.read_power, source=_power_file, unit="MW", timezone="UTC", label="beginning",
        published_after="1h", format=None, revisions="first", as_of=None,
    ),
    "Observations": _case(
        ef.Observations, values=_power_file, published_after="1h", published_time=None, flags=None,
        available_capacity=None, planned=None,
    ),
    "value_at": _case(
        lambda **given: example_observations().value_at(**given), site="farm", valid_time="2024-01-02 03:00",
        as_of=None, include_flagged=False, outside="error",
    ),
    "resample": _case(lambda **given: example_observations().resample(**given), frequency="3h", timezone="UTC"),
    "at_steps": _case(ef.weather.at_steps, weather=_WEATHER, step="30min", sites=_FARM, offset="0min"),
    "weekend": _case(ef.calendars.weekend, days=lambda: HOURS.tz_localize(None), country=None, subdivision=None),
    "look_up": _case(
        ef.calendars.look_up, days=lambda: HOURS.tz_localize(None), country="KZ", subdivision=None, decrees=True
    ),
    "school_holidays": _case(
        ef.calendars.school_holidays, days=lambda: HOURS.tz_localize(None), country="FR", subdivision="Zone A"
    ),
    "ramadan": _case(ef.calendars.ramadan, days=lambda: HOURS.tz_localize(None)),
    "has_ramadan": _case(ef.calendars.has_ramadan, country="KZ"),
    "slice": _case(lambda key: example_observations()[key], key="2024-01-02"),
    "flag_quality": _case(ef.flag_quality, observations=_POWER, sites=_FARM, weather=None, rules=None),
    "check_clock": _case(ef.check_clock, power=_POWER, expected=_WEATHER, site=_FARM, by="month"),
    "fit_plant": _case(
        ef.fit_plant, power=_days_of_sun, site=lambda: ef.PVPlant(name="pv", latitude=48.0, longitude=0.0),
        weather=None,
    ),
    "audit_observations": _case(
        ef.observations.audit_observations, observations=_POWER, sites=_FARM, weather=None
    ),
    "recipe": _case(ef.recipe, site=_FARM, task=_TASK),
    "Forecaster": _case(
        ef.Forecaster, sites=_FARM, task=_TASK, features=None, model=None, perfect_weather=False,
        pooled=False, neighbours=(), trust_clock=False,
    ),
    "fit": _case(_fit, weather=_WEATHER, observations=_POWER, as_of=None, missing="error"),
    "predict": _case(
        _predict, weather=_WEATHER, observations=_POWER,
        issue_time="2024-01-09 09:00", strict=True,
    ),
    "backtest": _case(
        ef.backtest, forecasters=lambda: ef.Forecaster(*given_objects()[0:4:3], model=ef.Climatology()),
        weather=_WEATHER, observations=_POWER, start="2024-01-09", end="2024-01-10", refit=None,
    ),
    "forecast_portfolio": _case(
        forecast_portfolio, forecaster=_FORECASTER, weather=_WEATHER, observations=_POWER,
        issue_times=["2024-01-09 09:00"], learn=None, jobs=1,
    ),
    "from_frame": _case(
        ef.Forecast.from_frame, frame=lambda: example_forecast().to_frame(), columns=None, task=None, unit=None,
        capacity=None, kind=None, name="forecast", format=None,
    ),
    "Forecast": _case(ef.Forecast, data=lambda: example_forecast().data),
    "Forecast.sel": _case(
        lambda **given: example_forecast().sel(**given), site="farm", issue_time="2024-01-01 09:00"
    ),
    "Forecast.at": _case(lambda **given: example_forecast().at(**given), level=0.5),
    "with_kind": _case(lambda **given: example_forecast().with_kind(**given), kind="wind"),
    "Forecast.load": _case(ef.Forecast.load, path="absent.nc"),
    "Scenarios": _case(
        ef.Scenarios.from_values, values=np.ones((3, 1, 24)), sites=["a"], valid_time=HOURS, kind="demand",
        frequency=None, caveats=(), attrs=None,
    ),
    "Scenarios.quantiles": _case(
        lambda **given: scenarios().quantiles(**given), quantile_levels=[0.5], site="city"
    ),
    "Scenarios.total": _case(lambda **given: scenarios().total(**given), groups={"all": ["city"]}),
    "score": _case(
        evaluation.score, metric="mae", observed=example_observations, forecast=example_forecast, by=None,
        weights=None, confidence=None,
    ),
    "mae": _case(
        evaluation.mae, observed=example_observations, forecast=example_forecast, by=None,
        weights=None, confidence=None,
    ),
    "imbalance_cost": _case(
        evaluation.imbalance_cost, observed=example_observations,
        forecast=example_forecast, shortage=3.0, surplus=2.0, level=0.5, by=None,
    ),
    "align": _case(evaluation.align, observed=example_observations, forecast=example_forecast),
    "pinball_loss": _case(
        evaluation.pinball_loss, observed=np.ones(3), quantiles=np.ones((3, 2)), quantile_levels=(0.1, 0.9)
    ),
    "crps_of_samples": _case(
        evaluation.crps_of_samples, observed=np.ones(3), samples=np.ones((3, 4)), fair=False,
        member_weights=None, above=0.0, below=2.0,
    ),
    "brier_of_samples": _case(
        evaluation.brier_of_samples, observed=np.ones(3), samples=np.ones((3, 4)), threshold=0.5, fair=False
    ),
    "coverage_of_samples": _case(
        evaluation.coverage_of_samples, observed=np.ones(3), samples=np.ones((3, 4)), interval=0.9
    ),
    "energy_score": _case(
        evaluation.energy_score, observed=np.ones((3, 2)), samples=np.ones((3, 4, 2)), fair=False,
        member_weights=None,
    ),
    "variogram_score": _case(
        evaluation.variogram_score, observed=np.ones((3, 2)), samples=np.ones((3, 4, 2)), order=0.5, weights=None,
        fair=False, member_weights=None,
    ),
    "quantiles_of_samples": _case(
        evaluation.quantiles_of_samples, samples=np.ones((3, 4)), quantile_levels=(0.1, 0.9), member_weights=None
    ),
    "rank_histogram": _case(
        evaluation.rank_histogram, observed=np.ones(3), samples=np.ones((3, 4)), bins=None, seed=None, confidence=0.9
    ),
    "rank_flatness": _case(
        evaluation.rank_flatness, observed=np.ones(3), samples=np.ones((3, 4)), bins=None, seed=None, block=1, draws=9
    ),
    "spread_skill_of_samples": _case(
        evaluation.spread_skill_of_samples, observed=np.ones(3), samples=np.ones((3, 4)), bins=2, member_weights=None
    ),
    "expectile_loss": _case(
        evaluation.expectile_loss, observed=np.ones(3), expectiles=np.ones(3), level=0.5
    ),
    "expectiles_of_quantiles": _case(
        evaluation.expectiles_of_quantiles, quantiles=np.ones((3, 2)), quantile_levels=(0.1, 0.9), level=0.4
    ),
    "diebold_mariano": _case(
        evaluation.diebold_mariano, difference=np.arange(9.0), lags=1, alternative="less"
    ),
    "model_confidence_set": _case(
        evaluation.model_confidence_set, losses=lambda: pd.DataFrame({"a": np.arange(20.0), "b": 1.0}), confidence=0.9,
        statistic="range", block=7, draws=20, seed=0,
    ),
    "confidence_set": _case(
        lambda **given: example_result().confidence_set(**given), metric="mae", confidence=0.9, statistic="max"
    ),
    "score_samples": _case(
        evaluation.score_samples, metric="crps_of_samples", observed=np.ones(3), samples=np.ones((3, 4)), by=None,
        weights=None, parameters=None,
    ),
    "from_forecasts": _case(
        ef.Result.from_forecasts, forecasts=lambda: {"m": example_forecast()}, observations=example_observations,
        references=(),
    ),
    "scores": _case(lambda **given: example_result().scores(**given), by=None),
    "skill": _case(lambda **given: example_result().skill(**given), metric="crps", reference="reference", by=None),
    "terms": _case(
        settlement.ImbalanceTerms, shortage=3.0, surplus=2.0, band=0.05, band_of="schedule", paid="beyond",
        gate_closure=None, timezone="UTC", source="",
    ),
    "schedule": _case(
        planning.schedule, source=example_forecast, terms=None, shortage=3.0, surplus=2.0, band=0.05,
        capacity=None, site="farm", issue_time=None,
    ),
    "compare_schedules": _case(
        planning.compare_schedules, source=example_forecast, observations=example_observations, shortage=3.0,
        surplus=2.0, band=0.05, capacity=None, site="farm",
    ),
    "sample_scenarios": _case(
        planning.sample_scenarios, forecasts=example_forecast, n_scenarios=10, dependence=planning.Independence,
        issue_time=None, seed=0, tails="flat",
    ),
    "peak": _case(
        planning.peak, forecast=scenarios, by="day", groups=None, quantile_levels=(0.5,), dependence=None,
        timezone="UTC", n_scenarios=10,
    ),
    "energy": _case(
        planning.energy, forecast=scenarios, by="day", groups=None, quantile_levels=(0.5,), dependence=None,
        timezone="UTC", n_scenarios=10,
    ),
    "period_scores": _case(
        planning.period_scores, result=example_result, by="day", groups=None,
        dependence=lambda: {"model": planning.GaussianCopula.exponential(range_hours=6.0)}, n_scenarios=10,
    ),
    "net_load": _case(
        planning.net_load, demand=scenarios, wind=None, solar=None, areas=None, parts=False, n_scenarios=10,
        dependence=None, issue_time=None,
    ),
    "reserve": _case(
        planning.reserve, scenarios=scenarios, risk=0.1, schedule=None, outages=(), tail=None, site="city"
    ),
    "ramps": _case(
        planning.ramps, scenarios=scenarios, change=1.0, within=("1h",), capacity=None, site="city"
    ),
    "alarms": _case(
        planning.alarms, table=lambda: planning.ramps(scenarios(), change=1.0), probability=0.3
    ),
    "hindcast_residuals": _case(
        planning.hindcast_residuals, forecasts=example_forecast, observations=example_observations, until=None
    ),
    "reserve_exceedance": _case(
        planning.reserve_exceedance, tables=lambda: planning.reserve(scenarios(), risk=0.1),
        observations=lambda: pd.Series(50.0, index=scenarios().valid_times, name="city"), site=None, by=None,
        timezone="UTC", tolerance=0.0, confidence=0.95,
    ),
    "Outage": _case(planning.Outage, capacity=10.0, probability=0.1, units=1),
    "outage_table": _case(planning.outage_table, outages=lambda: [planning.Outage(capacity=1.0, probability=0.1)]),
    "System": _case(
        planning.System, areas=lambda: [planning.Area(name="S")], units=(), links=(), storages=(),
        electrolysers=(), shedding_cost=1.0, curtailment_cost=0.0, surplus_cost=None,
    ),
    "System.from_dict": _case(planning.System.from_dict, tables=lambda: {"areas": ["S"], "shedding_cost": 3000}),
    "ThermalUnit": _case(planning.ThermalUnit, name="g", area="S", capacity=10.0, cost=1.0),
    "DispatchInputs": _case(
        planning.DispatchInputs, demand=lambda: pd.DataFrame({"S": np.ones(24)}, index=HOURS), wind=None,
        solar=None, site_areas=None,
    ),
    "plan_deterministic": _case(
        planning.plan_deterministic, system=lambda: example_dispatch()[0], inputs=lambda: example_dispatch()[1],
        on="median",
    ),
    "PlanSettings.from_dict": _case(
        planning.PlanSettings.from_dict, tables=lambda: {"areas": {"S": ["farm"]}, "dependence": "independent"}
    ),
    "plan_day": _case(
        planning.plan_day,
        settings=lambda: planning.PlanSettings.from_dict({"areas": {"S": ["farm"]}, "dependence": "independent"}),
        ahead=lambda: PortfolioForecast({"wind": example_forecast()}, {}), observations=None, issue_time=None,
    ),
    "day_ahead_sheet": _case(
        reporting.day_ahead_sheet, forecast=example_forecast, timezone="UTC", schedule=None, reserve=None,
        quantile_levels=(0.5,), site=None, issue_time=None, day=None,
    ),
    "verification_sheet": _case(
        reporting.verification_sheet, forecast=example_forecast, observations=example_observations, timezone="UTC",
        references=None, schedule=None, terms=None, site=None, issue_time=None,
    ),
    "validated": _case(ef.weather.validated, weather=example_weather, sites=()),
    "read_table": _case(
        ef.weather.read_table,
        source=lambda: pd.DataFrame({"time": HOURS.tz_localize(None), "t": np.arange(24.0)}),
        sites=wind_farm, format=lambda: ef.TableFormat(timezone="UTC", time="time", columns={"t": "temp_air"}),
        units={"temp_air": "°C"}, label=lambda: ef.weather.Label.INSTANT, available_after="1h", attribution="x",
    ),
    "known_by": _case(
        ef.weather.known_by, analysis=lambda: ef.datasets.la_haute_borne()[1].isel(time=slice(48)), as_of="2014-01-02"
    ),
    "variables.lookup": _case(ef.variables.lookup, name="temp_air"),
    "Climatology": _case(lambda **given: _fit_model(ef.Climatology(**given)), quantiles=(0.1, 0.5, 0.9)),
}  # fmt: skip


def _fit_model(model: Any) -> Any:
    farm, weather, power, task, *_ = given_objects()
    return ef.Forecaster(farm, task, model=model).fit(weather, power)


#: Calls that take long, tried with the slow tests alone.
LONG = {"forecast_portfolio", "backtest", "fit", "confidence_set", "skill"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(set(CASES) - LONG))
def test_wrong_types_end_in_errors_of_the_library(name: str) -> None:
    """A third of the values, another one for each name."""
    first = list(CASES).index(name) % 3
    _try(name, list(WRONG.values())[first::3])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(CASES))
def test_every_wrong_type_ends_in_an_error_of_the_library(name: str) -> None:
    _try(name, list(WRONG.values()))


def _try(name: str, values: list[Any]) -> None:
    call, make = CASES[name]
    given = make()
    for argument, wrong in itertools.product(given, values):
        if argument == "refit" and callable(wrong):
            continue  # a function of the user may raise errors of its own
        with contextlib.suppress(EnergyForecastError):
            call(**given | {argument: wrong})


@pytest.mark.parametrize("name", sorted(set(CASES) - {"Forecast.load"}))
def test_the_examples_are_right(name: str) -> None:
    call, make = CASES[name]
    call(**make())


@pytest.mark.parametrize("reader", [ef.load, ef.configuration.read, ef.weather.read])
@pytest.mark.parametrize("wrong", [None, 3.5, [], {}, np.ones(3), pd.DataFrame()], ids=type)
def test_what_is_no_path_is_refused(reader: Callable[[Any], Any], wrong: Any) -> None:
    with pytest.raises(SchemaError, match="path is of the type"):
        reader(wrong)
