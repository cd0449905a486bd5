"""An area that feeds back: forecasts, flags, scores, calibration, scenarios and costs go below 0."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import evaluation
from energyforecast.errors import RangeError
from energyforecast.planning import compare_schedules, net_load, sample_scenarios
from energyforecast.testing import example_days, example_forecast
from tests.support.toy_weather import quick_model, toy_power, toy_weather

CAPACITY = 100.0
TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.05, 0.5, 0.95))
HOURS = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")


def _moved(by: float, *, days: int = 1, outcomes: float = 0.0) -> tuple[ef.Forecast, ef.Observations]:
    """Demand of N(50 + by, 10²) MW with a capacity; its outcomes lie further off by `outcomes`."""
    forecast, observations = example_days(days=days, sites=["a"], kind="demand")
    data = (forecast.data + np.float32(by)).assign_attrs(forecast.data.attrs)
    moved = ef.Forecast(data.assign_coords(capacity=("site", [CAPACITY])))
    return moved, replace(observations, values=observations.values + by + outcomes)


def _observed(value: float, *sites: str) -> ef.Observations:
    return ef.Observations(pd.DataFrame(dict.fromkeys(sites, value), index=HOURS), published_after="1h")


def _constant(value: float, **kinds: str) -> ef.Forecast:
    rows = [
        pd.DataFrame({"site": s, "kind": k, "valid_time": HOURS, "q0.5": value}) for s, k in kinds.items()
    ]
    frame = pd.concat(rows).assign(issue_time="2024-01-01 09:00")
    return ef.Forecast.from_frame(frame, capacity=dict.fromkeys(kinds, CAPACITY))


# -- a forecast ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["wind", "solar", "generation", "site"])
def test_only_demand_is_below_zero(kind: str) -> None:
    assert _constant(-CAPACITY, a="demand").at(0.5).values.max() == -CAPACITY
    with pytest.raises(RangeError, match=rf"'{kind}' must lie between 0 and 100 MW; only those of demand"):
        _constant(-1.0, a=kind)
    with pytest.raises(RangeError, match="must lie between 0 and 100 MW"):
        _constant(-1.0, a="demand").with_kind(kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-101.0, 101.0])
def test_demand_stays_within_its_connection_in_both_directions(value: float) -> None:
    with pytest.raises(RangeError, match="must lie between -100 and 100 MW"):
        _constant(value, a="demand")


def test_exports_are_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    forecast, _ = _moved(-60)
    assert forecast.data.values.min() < 0
    assert ef.Forecast.load(forecast.save(tmp_path / "a.nc")).data.equals(forecast.data)
    again = ef.Forecast.from_frame(forecast.to_frame(), capacity={"a": CAPACITY})
    np.testing.assert_array_equal(again.data.values, forecast.data.values)


@pytest.mark.parametrize("pooled", [False, True])
def test_models_and_the_climatology_of_an_area_forecast_exports(pooled: bool, tmp_path: Path) -> None:
    stations = [
        ef.DemandArea(name=name, latitude=48, longitude=10, capacity=CAPACITY) for name in ("one", "two")
    ]
    weather, truth = toy_weather(stations, days=50)
    values = toy_power(stations, truth).values
    net = ef.Observations(values - values.mean() - 40, published_after="1h")
    fitted = ef.Forecaster(stations, TASK, model=quick_model(40), pooled=pooled).fit(weather, net)
    issued = "2024-02-15 09:00"  # the lags of RecentLevel reach back 39 days
    late = weather.isel(init_time=slice(0, 30))
    for known, level in ((weather, 0), (late, 3)):
        forecast = fitted.predict(known, net, issue_time=issued, strict=False)
        assert int(forecast.data["fallback_level"].max()) == level
        assert forecast.at(0.5).values.max() < -10
        assert forecast.data.values.min() > -CAPACITY
    stored = ef.load(fitted.save(tmp_path / "stations.forecaster"))
    assert stored.predict(weather, net, issue_time=issued).data.equals(
        fitted.predict(weather, net, issue_time=issued).data
    )


# -- flags -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "capacity", "flagged"),
    [
        (ef.DemandArea, CAPACITY, [-106.0, 106.0]),
        (ef.DemandArea, None, []),
        (ef.WindFarm, CAPACITY, [-106.0, -104.0, -6.0, 106.0]),
    ],
)
def test_power_beyond_the_bounds_of_the_kind_is_flagged(
    kind: type[ef.Site], capacity: float | None, flagged: list[float]
) -> None:
    values = np.concatenate([[-106.0, -104.0, -6.0, -4.0, 0.0, 104.0, 106.0], np.linspace(1, 99, 993)])
    index = pd.date_range("2024-01-01", periods=len(values), freq="1h", tz="UTC")
    power = ef.Observations(pd.DataFrame({"a": values}, index=index), published_after="1h")
    site = kind(name="a", latitude=48, longitude=10, capacity=capacity)
    flags = ef.flag_quality(power, sites=site, rules=[ef.Flag.ABOVE_CAPACITY]).flags
    assert flags is not None
    assert values[flags["a"] != 0].tolist() == flagged


# -- scores ----------------------------------------------------------------------------------------


def test_outcomes_are_cut_at_the_bounds_of_their_own_kind() -> None:
    forecast = _constant(0.0, city="demand", farm="wind")
    pairs = evaluation.align(_observed(-20.0, "city", "farm"), forecast)
    errors = evaluation.mae(pairs, by="site").set_index("site")["value"]
    assert errors.to_dict() == {"city": 20.0, "farm": 0.0}
    assert pairs.below_zero == 24, "of the farm"
    assert evaluation.mae(_observed(-130.0, "city"), _constant(0.0, city="demand"))["value"].iloc[0] == 100.0


@pytest.mark.parametrize(("kind", "error"), [("demand", 20.0), ("wind", 0.0)])
def test_arrays_are_cut_at_the_bounds_of_the_kind_that_they_name(kind: str, error: float) -> None:
    outcome = xr.DataArray([-20.0, -20.0], dims="time", coords={"time": HOURS[:2].tz_localize(None)})
    forecast = (outcome * 0).expand_dims(quantile=[0.5]).assign_attrs(capacity=CAPACITY, kind=kind)
    assert evaluation.mae(outcome, forecast)["value"].iloc[0] == error


# -- what is made of forecasts ---------------------------------------------------------------------


def test_calibration_moves_a_forecast_below_zero() -> None:
    forecast, observations = _moved(-20, days=40, outcomes=-50)
    adapted = ef.AdaptiveCalibration(window="30D").apply(forecast, observations)
    assert float(adapted.at(0.5).values[0, -1].mean()) == pytest.approx(-20, abs=8)


def test_calibration_keeps_the_bounds_of_the_forecast_and_not_those_of_the_archive() -> None:
    forecast, observations = _moved(0, days=40, outcomes=-80)
    archive = ef.Forecast(
        forecast.data.isel(issue_time=slice(0, 39)).assign_coords(capacity=("site", [90.0]))
    )
    archive = archive.with_kind("site")
    today = ef.Forecast(forecast.data.isel(issue_time=[39]))
    adapted = ef.AdaptiveCalibration(window="30D").apply(today, observations, past=archive)
    assert adapted.data["capacity"].item() == CAPACITY
    assert float(adapted.at(0.5).values.mean()) == pytest.approx(-30, abs=8)


def test_scenarios_and_net_load_reach_below_zero() -> None:
    forecast, _ = _moved(-110)
    drawn = sample_scenarios(forecast, n_scenarios=2000, tails="normal").of("a")
    assert -CAPACITY <= drawn.min() < float(forecast.data.values.min())
    net = net_load(demand=forecast, wind=example_forecast(), n_scenarios=50)
    assert float(net.of().max()) < 0


def test_costs_are_of_the_export_that_was_measured() -> None:
    forecast, _ = _moved(-90)
    measured = _observed(-70.0, "a")
    table = compare_schedules(forecast, shortage=30, surplus=20, observations=measured).set_index("schedule")
    assert table.loc["median", "realised_cost"] == pytest.approx(24 * 30 * 20, rel=1e-3)


def test_a_chart_shows_exports() -> None:
    for by, bottom in ((-60, None), (0, 0.0)):
        forecast, observations = _moved(by)
        low, _ = ef.reporting.figures.fan_chart(forecast, observations).axes[0].get_ylim()
        assert low == bottom if bottom is not None else low < float(forecast.at(0.05).min())
