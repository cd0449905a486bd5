"""Two series that meet have intervals of one length: every pair of steps gives the right number, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import evaluation, planning
from energyforecast.errors import EnergyForecastError, TimeError
from energyforecast.evaluation.common_hours import on_common_hours
from energyforecast.reporting import figures, sheets
from energyforecast.testing import example_days

STEPS = (5, 10, 15, 20, 30, 60)
ZONES = ("Asia/Almaty", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Adelaide", "Europe/Berlin", "UTC")
PRICES = {"shortage": 40.0, "surplus": 10.0}


def _days(minutes: int, zone: str = "UTC") -> pd.DatetimeIndex:
    """A local day."""
    ends = [pd.Timestamp(day, tz=zone).tz_convert("UTC") for day in ("2024-01-02", "2024-01-03")]
    return pd.date_range(*ends, freq=f"{minutes}min", inclusive="left")


def _power(index: pd.DatetimeIndex) -> pd.Series:
    """A sawtooth over each hour of the local clock, plus the hour: the mean of an interval is known in closed form."""
    minute = np.asarray((index - index[0]) / pd.Timedelta("1min"))
    step = (index[1] - index[0]) / pd.Timedelta("1min")
    return pd.Series(10 + minute // 60 % 24 + ((minute % 60) + step / 2) / 60, index=index)


def _forecast(minutes: int, zone: str = "UTC") -> ef.Forecast:
    power = _power(_days(minutes, zone))
    rows = {"issue_time": "2024-01-01T09:00Z", "valid_time": power.index}
    rows |= {f"q{level}": power.to_numpy() + move for level, move in ((0.1, -5.0), (0.5, 0.0), (0.9, 5.0))}
    return ef.Forecast.from_frame(pd.DataFrame(rows), kind="wind", format=ef.TableFormat(timezone=zone))


def _observed(minutes: int, zone: str = "UTC", site: str = "site") -> ef.Observations:
    return ef.Observations(_power(_days(minutes, zone)).to_frame(site), published_after="1h")


def _scenarios(minutes: int, zone: str = "UTC") -> ef.Scenarios:
    power = _power(_days(minutes, zone))
    moved = [[power + k] for k in range(-100, 101)]
    return ef.Scenarios.from_values(moved, sites=["net load"], valid_time=power.index)


#: Figures that are 0 where each outcome is the median of its forecast.
FIGURES: dict[str, Callable[[int, int, str], float]] = {
    "mae": lambda f, o, z: evaluation.mae(_observed(o, z), _forecast(f, z))["value"].iloc[0],
    "mae of a Series": lambda f, o, z: evaluation.mae(
        _power(_days(o, z)), _power(_days(f, z)).rename("forecast")
    )["value"].iloc[0],
    "mae of a Series with Observations": lambda f, o, z: evaluation.mae(_observed(o, z), _power(_days(f, z)))[
        "value"
    ].iloc[0],
    "imbalance_cost": lambda f, o, z: evaluation.imbalance_cost(
        _observed(o, z), _forecast(f, z), **PRICES, level=0.5
    )["value"].iloc[0],
    "compare_schedules": lambda f, o, z: planning.compare_schedules(
        _forecast(f, z), **PRICES, observations=_observed(o, z)
    )["realised_cost"].iloc[1],
    "prices": lambda f, o, z: evaluation.imbalance_cost(
        _observed(f, z), _forecast(f, z), shortage=_power(_days(o, z)), surplus=1.0, level=0.5
    )["value"].iloc[0],
    "prices of a schedule": lambda f, o, z: float(
        np.abs(
            planning.schedule(_forecast(f, z), shortage=_power(_days(o, z)), surplus=_power(_days(o, z)))[
                "schedule"
            ].to_numpy()
            - _power(_days(f, z)).to_numpy()
        ).max()
    ),
    "reserve_exceedance": lambda f, o, z: planning.reserve_exceedance(
        planning.reserve(_scenarios(f, z), risk=0.1), _observed(o, z, "net load")
    )["share"].iloc[0],
    "schedule of a reserve": lambda f, o, z: float(
        np.abs(
            planning.reserve(_scenarios(f, z), risk=0.1, schedule=_power(_days(o, z)))["scheduled"].to_numpy()
            - _power(_days(f, z)).to_numpy()
        ).max()
    ),
    "hindcast_residuals": lambda f, o, z: (
        planning.hindcast_residuals(_forecast(f, z), _observed(o, z)).abs().max().iloc[0]
    ),
    "common hours": lambda f, o, z: float(
        len(on_common_hours({"a": _forecast(f, z), "b": _forecast(o, z)}, missing="drop")[0]) - 2
    ),
    "skill": lambda f, o, z: evaluation.economic_value(
        evaluation.align(_observed(f, z), _forecast(f, z)),
        reference=evaluation.align(_observed(o, z), _forecast(o, z)),
        **PRICES,
        level=0.5,
    )["cost"].iloc[0],
}


SLOW = ("compare_schedules", "skill", "imbalance_cost")


@pytest.mark.parametrize(
    "figure", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in FIGURES]
)
@pytest.mark.parametrize("zone", ZONES)
def test_every_pair_of_steps_gives_the_right_figure_or_is_refused(figure: str, zone: str) -> None:
    for forecast, other in (
        product(STEPS, STEPS) if zone == "UTC" else ((60, 15), (15, 60), (30, 30), (60, 60))
    ):
        if forecast == other:
            assert FIGURES[figure](forecast, other, zone) == pytest.approx(0.0, abs=0.02)
        else:
            with pytest.raises(EnergyForecastError, match=r"intervals of|whole"):
                FIGURES[figure](forecast, other, zone)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("short", "long"), [(a, b) for a, b in product(STEPS, STEPS) if a < b and b % a == 0]
)
def test_means_of_whole_intervals_are_right_in_every_zone(short: int, long: int, zone: str) -> None:
    forecast, observed = _forecast(long, zone), _observed(short, zone)
    joined = ef.align(observed, forecast, how="mean")
    assert evaluation.mae(joined, forecast)["value"].iloc[0] == pytest.approx(0.0, abs=1e-5)
    prices = ef.align(observed.values["site"], forecast, how="mean")
    np.testing.assert_allclose(prices, _power(_days(long, zone)))
    assert prices.attrs["incomplete"] == 0
    back = ef.align(prices, observed, how="repeat")
    assert back.index.equals(observed.index)
    assert back.iloc[:: long // short].tolist() == prices.tolist()


def test_a_missing_quarter_makes_the_hour_missing_and_is_counted() -> None:
    quarters = _observed(15)
    values = quarters.values.copy()
    values.iloc[5] = np.nan
    joined = ef.align(ef.Observations(values, published_after="1h"), _forecast(60), how="mean")
    assert joined.values["site"].isna().tolist() == [False, True] + [False] * 22
    table = evaluation.mae(joined, _forecast(60))
    assert (table["n"].iloc[0], table["missing"].iloc[0]) == (23, 1)
    for how in ("mean", "sum"):
        hours = ef.align(values["site"], _forecast(60), how=how)
        assert hours.isna().tolist() == joined.values["site"].isna().tolist()
        assert hours.attrs["incomplete"] == 1


def test_the_remedies_of_messages_work_when_they_are_pasted() -> None:
    forecast, observations = _forecast(60, "Asia/Kolkata"), _observed(15, "Asia/Kolkata")
    with pytest.raises(TimeError) as caught:
        evaluation.mae(observations, forecast)
    call = caught.value.remedy.removeprefix("Use ").split(": means")[0]
    assert evaluation.mae(eval(call), forecast)["value"].iloc[0] == pytest.approx(0.0, abs=1e-5)
    series, energyforecast = _power(_days(15, "Asia/Kolkata")), ef  # noqa: F841
    with pytest.raises(TimeError) as caught:
        evaluation.imbalance_cost(
            _observed(60, "Asia/Kolkata"), forecast, shortage=series, surplus=1.0, level=0.5
        )
    prices = eval(caught.value.remedy.removeprefix("Use ").split(", of energies")[0])
    cost = evaluation.imbalance_cost(
        _observed(60, "Asia/Kolkata"), forecast, shortage=prices, surplus=1.0, level=0.5
    )
    assert cost["value"].iloc[0] == pytest.approx(0.0, abs=1e-4)


def test_weighted_prices_give_the_money_of_the_quarter_hours() -> None:
    quarters, rng = _days(15), np.random.default_rng(0)
    prices = pd.Series(rng.uniform(-50, 300, len(quarters)), index=quarters)
    energy = pd.Series(rng.uniform(0, 5, len(quarters)), index=quarters)
    hourly = ef.align(prices, _forecast(60), how="weighted", weights=energy)
    money = hourly * ef.align(energy, _forecast(60), how="sum")
    np.testing.assert_allclose(money, (prices * energy).to_numpy().reshape(-1, 4).sum(axis=1))
    even = ef.align(prices, _forecast(60), how="weighted", weights=energy * 0)
    np.testing.assert_allclose(even, ef.align(prices, _forecast(60), how="mean"))


@pytest.mark.parametrize(
    "call",
    [
        lambda o: figures.fan_chart(_forecast(60), o),
        lambda o: figures.scenarios(_scenarios(60), observations=_observed(15, site="net load")),
        lambda o: sheets.verification_sheet(_forecast(60), o, timezone="UTC"),
        lambda o: ef.AdaptiveCalibration().apply(_forecast(60), o),
        lambda o: planning.sample_scenarios(
            _forecast(60), dependence=planning.SchaakeShuffle(o), n_scenarios=20
        ),
    ],
)
def test_figures_sheets_and_calibration_refuse_quarter_hours(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TimeError, match="intervals of 15min"):
        call(_observed(15))


def test_hours_that_begin_at_other_minutes_are_refused_by_name() -> None:
    late = _power(_days(60)).shift(freq="30min")
    observed = ef.Observations(late.to_frame("site"), published_after="1h")
    with pytest.raises(
        TimeError, match="begins at 2024-01-02 00:30 UTC; an interval is asked for that begins at"
    ):
        evaluation.mae(observed, _forecast(60))
    with pytest.raises(TimeError, match="same minutes of the hour"):
        ef.AdaptiveCalibration().apply(_forecast(60), observed)
    with pytest.raises(TimeError, match="begins at 2024-01-02 00:30 UTC"):
        planning.schedule(_forecast(60), shortage=late, surplus=1.0)


def test_a_single_row_needs_its_frequency() -> None:
    one = _power(_days(60)).iloc[:1]
    assert evaluation.mae(_observed(60)[:"2024-01-02"], one.set_axis(one.index[:1]))["n"].iloc[0] == 1
    with pytest.raises(TimeError, match="no frequency"):
        evaluation.mae(_observed(60), pd.Series([1.0], index=pd.DatetimeIndex([one.index[0]])))


def test_gaps_in_hourly_series_are_no_other_intervals() -> None:
    forecast, observed = example_days(days=3)
    prices = pd.Series(50.0, index=observed.index).drop(observed.index[:5])
    later = forecast.sel(issue_time=forecast.issue_times[-1])
    plan = planning.schedule(later.with_kind("wind"), shortage=prices, surplus=10.0, site=later.sites[0])
    assert len(plan) == 24


def test_costs_without_a_step_take_that_of_their_hours() -> None:
    terms = ef.settlement.ImbalanceTerms(shortage=40, surplus=10)
    hours = _days(15)[:4]
    cost = terms.cost(np.full(4, 50.0), np.full(4, 60.0), kind="wind", hours=hours)
    assert cost.sum() == pytest.approx(400.0)


def test_scenarios_of_every_step_keep_it() -> None:
    assert [_scenarios(minutes).step * 60 for minutes in STEPS] == pytest.approx(STEPS)


def test_a_forecast_whose_step_changes_is_refused_at_its_first_stamp() -> None:
    index = pd.DatetimeIndex([*_days(60)[:12], *_days(15)[48:60]])
    rows = pd.DataFrame({"issue_time": "2024-01-01T09:00Z", "valid_time": index, "q0.5": 1.0})
    with pytest.raises(TimeError, match="must have the same length"):
        ef.Forecast.from_frame(rows)


@pytest.mark.parametrize("issued", ["2024-01-02T01:00Z", "2024-01-05"])
def test_intervals_that_were_over_at_issue_are_refused(issued: str) -> None:
    rows = pd.DataFrame({"issue_time": issued, "valid_time": _days(60), "q0.5": 1.0})
    with pytest.raises(TimeError, match="was over when it was forecast"):
        ef.Forecast.from_frame(rows)


def test_the_interval_that_has_begun_may_be_forecast() -> None:
    rows = pd.DataFrame({"issue_time": "2024-01-02T00:59Z", "valid_time": _days(60), "q0.5": 1.0})
    assert repr(ef.Forecast.from_frame(rows)).count("24 hours") == 1
