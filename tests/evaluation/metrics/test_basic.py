"""Scores: by hand, against numerical integration, and proper under simulation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.core.tasks import day_ahead
from energyforecast.core.variables import Flag
from energyforecast.errors import RangeError, SchemaError, TimeError
from energyforecast.evaluation import (
    METRICS,
    Pairs,
    align,
    bias,
    coverage,
    crps,
    crps_of_quantiles,
    mae,
    pinball,
    pinball_loss,
    rmse,
    score,
    width,
)
from energyforecast.testing import example_forecast, example_observations
from tests.support.error_messages import three_lines

Array = npt.NDArray[np.float64]


def _forecast(
    rows: Array,
    *,
    levels: tuple[float, ...],
    first: str = "2024-01-02",
    last: str | None = None,
    timezone: str = "UTC",
    capacity: float | None = 60.0,
    site: str = "farm",
) -> Forecast:
    """Whole local days of quantiles, a row an hour."""
    task = day_ahead("09:00", timezone=timezone, quantiles=levels)
    windows = task.windows(task.issue_times(first, last or first))
    return Forecast.from_rows(
        {
            site: SiteRows(
                np.asarray(rows, dtype=float),
                capacity=capacity,
                kind="wind",
                weather_init_time=windows.issue_time,
            )
        },
        windows=windows,
        quantile_levels=levels,
        attrs={"timezone": timezone},
    )


def _observed(values: Array, *, start: str = "2024-01-02", flags: Array | None = None) -> Observations:
    index = pd.date_range(start, periods=len(values), freq="1h", tz="UTC")
    frame = pd.DataFrame({"farm": np.asarray(values, dtype=float)}, index=index)
    marks = None if flags is None else pd.DataFrame({"farm": flags}, index=index)
    return Observations(frame, published_after="1h", flags=marks)


def _value(table: pd.DataFrame) -> float:
    assert len(table) == 1
    return float(table["value"].iloc[0])


# --- Pinball --------------------------------------------------------------------------------------


def test_pinball_of_hand_values() -> None:
    loss = pinball_loss(np.array([3.0, 0.0]), np.array([[1.0, 3.0, 4.0], [0.0, 2.0, 5.0]]), [0.1, 0.5, 0.9])
    # 2 MW too low costs 0.1 of it, 1 MW too high at 0.9 costs 0.1 of it; not doubled.
    np.testing.assert_allclose(loss, [[0.2, 0.0, 0.1], [0.0, 1.0, 0.5]])


@settings(max_examples=60, deadline=None)
@given(
    sample=st.lists(st.floats(-100, 100), min_size=1, max_size=40),
    level=st.sampled_from([0.01, 0.1, 0.37, 0.5, 0.9, 0.99]),
    other=st.floats(-150, 150),
)
def test_no_value_has_less_pinball_loss_than_the_true_quantile(
    sample: list[float], level: float, other: float
) -> None:
    outcomes = np.array(sample)
    true = np.quantile(outcomes, level, method="inverted_cdf")
    at_true, at_other = (
        pinball_loss(outcomes, np.full((len(outcomes), 1), value), [level]).mean() for value in (true, other)
    )
    assert at_true <= at_other + 1e-9 * (1 + abs(other))


# --- CRPS -----------------------------------------------------------------------------------------

SHAPES: dict[str, list[float]] = {
    "straight": [1.0, 2.0, 3.0, 4.0, 5.0],
    "curved": [0.2, 0.9, 3.0, 7.5, 8.1],
    "tied below": [0.0, 0.0, 0.0, 2.0, 6.0],
    "tied inside": [1.0, 4.0, 4.0, 4.0, 6.0],
    "tied above": [1.0, 5.0, 8.0, 8.0, 8.0],
    "all equal": [3.0, 3.0, 3.0, 3.0, 3.0],
    "two steps": [2.0, 2.0, 6.0, 6.0, 6.0],
}
LEVELS = (0.05, 0.25, 0.5, 0.8, 0.95)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("outcome", [-2.0, 0.0, 1.5, 3.0, 4.0, 5.5, 8.0, 11.0])
def test_crps_is_twice_the_integral_of_the_pinball_loss_of_the_curve(shape: str, outcome: float) -> None:
    quantiles = np.array([SHAPES[shape]])
    fine = np.linspace(0, 1, 200_001)
    curve = np.interp(fine, LEVELS, quantiles[0])  # np.interp is flat outside, as the curve is
    integral = 2 * integrate.trapezoid(pinball_loss(np.array([outcome]), curve[None, :], fine)[0], fine)
    exact = crps_of_quantiles(np.array([outcome]), quantiles, LEVELS)
    np.testing.assert_allclose(exact, integral, atol=5e-5)  # a jump of the curve costs one step of the grid


@settings(max_examples=60, deadline=None)
@given(
    quantiles=st.lists(
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.25]) | st.floats(0, 10), min_size=1, max_size=9
    ),
    outcome=st.sampled_from([0.0, 1.0, 2.0]) | st.floats(-5, 15),
)
def test_crps_is_the_integral_of_the_squared_distance_of_distribution_functions(
    quantiles: list[float], outcome: float
) -> None:
    """The other definition of the score: a check that shares no formula with the library."""
    curve = np.sort(np.array(quantiles))
    levels = (np.arange(len(curve)) + 1) / (len(curve) + 1)
    middle = (np.arange(40_000) + 0.5) / 40_000
    draws = np.interp(middle, levels, curve)
    energy = np.abs(draws - outcome).mean() - (2 * middle - 1) @ draws / len(draws)
    exact = crps_of_quantiles(np.array([outcome]), curve[None, :], tuple(levels))[0]
    assert exact == pytest.approx(energy, abs=2e-3)


@pytest.mark.parametrize("outcome", [-1.0, 3.0, 9.0])
@pytest.mark.parametrize("levels", [(0.5,), (0.1, 0.9), PERCENTILES])
def test_crps_of_a_certain_forecast_is_its_absolute_error(levels: tuple[float, ...], outcome: float) -> None:
    certain = np.full((1, len(levels)), 3.0)
    assert crps_of_quantiles(np.array([outcome]), certain, levels)[0] == pytest.approx(abs(outcome - 3.0))


def test_crps_of_normal_percentiles_is_close_to_its_closed_form() -> None:
    outcomes = np.linspace(-3, 3, 13)
    quantiles = np.tile(stats.norm.ppf(PERCENTILES), (13, 1))
    z = outcomes
    closed = z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(crps_of_quantiles(outcomes, quantiles, PERCENTILES), closed, atol=0.02)


# --- Propriety ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "spread"), [(0.5, 1.0), (-0.5, 1.0), (0.0, 1.5), (0.0, 0.6), (0.3, 1.3)])
def test_the_true_distribution_scores_best(shift: float, spread: float) -> None:
    rng = np.random.default_rng(1)
    days = 60
    centre = rng.uniform(20, 40, size=24 * days)
    outcomes = _observed(centre + 3 * rng.normal(size=24 * days))
    curve = 3 * stats.norm.ppf(PERCENTILES)
    true, wrong = (
        _forecast(
            centre[:, None] + 3 * move + stretch * curve[None, :],
            levels=PERCENTILES,
            last="2024-03-01",
        )
        for move, stretch in ((0.0, 1.0), (shift, spread))
    )
    for metric in (pinball, crps):
        assert _value(metric(outcomes, true)) < _value(metric(outcomes, wrong))


# --- Every metric by hand -------------------------------------------------------------------------

HAND = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def _by_hand() -> tuple[Observations, Forecast]:
    """A forecast the same in each hour; outcomes 2 (6 times), 5 (12 times), 9 (3 times), 12 (3 times)."""
    rows = np.tile([1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 11.0], (24, 1))
    outcomes = np.array([2.0] * 6 + [5.0] * 12 + [9.0] * 3 + [12.0] * 3)
    return _observed(outcomes), _forecast(rows, levels=HAND)


def test_coverage_counts_outcomes_on_the_edges_of_the_interval() -> None:
    pair = _by_hand()
    assert _value(coverage(*pair, interval=0.5)) == 12 / 24  # 4 to 6
    assert _value(coverage(*pair, interval=0.8)) == 18 / 24  # 2 to 8: the edge of 2 is inside
    assert _value(coverage(*pair, interval=0.9)) == 21 / 24  # 1 to 11


def test_widths_are_distances_of_outer_quantiles() -> None:
    pair = _by_hand()
    found = [_value(width(*pair, interval=interval)) for interval in (0.5, 0.8, 0.9)]
    assert found == [2.0, 6.0, 10.0]
    assert width(*pair, interval=0.9)["percent"].iloc[0] == pytest.approx(100 * 10 / 60)


def test_mae_is_of_the_median_rmse_and_bias_of_the_mean() -> None:
    pair = _by_hand()
    # Straight lines between quantiles, flat outside.
    mean = 0.05 * 1 + 0.05 * 1.5 + 0.15 * 3 + 0.25 * 4.5 + 0.25 * 5.5 + 0.15 * 7 + 0.05 * 9.5 + 0.05 * 11
    errors = mean - np.array([2.0] * 6 + [5.0] * 12 + [9.0] * 3 + [12.0] * 3)
    assert _value(mae(*pair)) == pytest.approx((6 * 3 + 3 * 4 + 3 * 7) / 24)
    assert _value(bias(*pair)) == pytest.approx(errors.mean())
    assert _value(rmse(*pair)) == pytest.approx(np.sqrt((errors**2).mean()))
    assert rmse(*pair)["percent"].iloc[0] == pytest.approx(100 * np.sqrt((errors**2).mean()) / 60)


def test_pinball_is_the_mean_over_rows_and_levels_and_can_be_asked_at_other_levels() -> None:
    observed, forecast = _by_hand()
    by_hand = np.mean(
        [
            [
                max(level * (y - q), (level - 1) * (y - q))
                for level, q in zip(HAND, (1, 2, 4, 5, 6, 8, 11), strict=True)
            ]
            for y in [2.0] * 6 + [5.0] * 12 + [9.0] * 3 + [12.0] * 3
        ]
    )
    assert _value(pinball(observed, forecast)) == pytest.approx(by_hand)
    # At the median it is half of the absolute error; 0.6 lies on the line between 5 and 6.
    assert _value(pinball(observed, forecast, quantile_levels=[0.5])) == pytest.approx(
        _value(mae(observed, forecast)) / 2
    )
    at_06 = np.mean(
        [max(0.6 * (y - 5.4), -0.4 * (y - 5.4)) for y in [2.0] * 6 + [5.0] * 12 + [9.0] * 3 + [12.0] * 3]
    )
    assert _value(pinball(observed, forecast, quantile_levels=[0.6])) == pytest.approx(at_06)


def test_a_single_quantile_can_be_scored() -> None:
    forecast = _forecast(np.full((24, 1), 10.0), levels=(0.5,))
    observed = _observed(np.full(24, 13.0))
    assert _value(mae(observed, forecast)) == 3.0
    assert _value(crps(observed, forecast)) == 3.0
    assert _value(pinball(observed, forecast)) == 1.5


def test_weights_are_those_of_the_rows() -> None:
    observed, forecast = _by_hand()
    weights = np.r_[np.zeros(21), np.ones(3)]
    assert mae(observed, forecast, weights=weights)["value"].iloc[0] == pytest.approx(7.0)


# --- What must not matter -------------------------------------------------------------------------


def _flat_forecast() -> Forecast:
    """One day, ten megawatts, certain."""
    return _forecast(np.full((24, 7), 10.0), levels=HAND)


def _random_pairs(seed: int = 0) -> Pairs:
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.uniform(0, 60, size=(72, 7)), axis=1)
    rows[:10, :3] = 0.0
    outcomes = rng.uniform(-1, 60, size=72)
    outcomes[:5] = 0.0
    return align(_observed(outcomes), _forecast(rows, levels=HAND, last="2024-01-04"))


def _rows_of(pairs: Pairs, rows: npt.NDArray[np.int64]) -> Pairs:
    return Pairs(
        observed=pairs.observed[rows],
        quantiles=pairs.quantiles[rows],
        quantile_levels=pairs.quantile_levels,
        labels=pairs.labels.iloc[rows].reset_index(drop=True),
        capacity=pairs.capacity[rows],
        missing=pairs.missing,
        below_zero=pairs.below_zero,
    )


@pytest.mark.parametrize("by", [None, "lead_time", ["site", "hour"]])
def test_the_order_of_rows_does_not_matter(by: str | list[str] | None) -> None:
    pairs = _random_pairs()
    shuffled = _rows_of(pairs, np.random.default_rng(3).permutation(len(pairs)))
    pd.testing.assert_frame_equal(score(METRICS, pairs, by=by), score(METRICS, shuffled, by=by))


def test_doubling_every_row_changes_only_n() -> None:
    pairs = _random_pairs()
    twice = _rows_of(pairs, np.tile(np.arange(len(pairs)), 2))
    one, two = score(METRICS, pairs), score(METRICS, twice)
    pd.testing.assert_frame_equal(one.drop(columns="n"), two.drop(columns="n"))
    assert (two["n"] == 2 * one["n"]).all()


def test_powers_scale_with_the_unit_and_shares_do_not() -> None:
    rng = np.random.default_rng(0)
    rows = np.sort(rng.uniform(0, 60, size=(24, 7)), axis=1)
    outcomes = rng.uniform(-1, 60, size=24)
    small = score(METRICS, _observed(outcomes), _forecast(rows, levels=HAND))
    large = score(
        METRICS, _observed(1024 * outcomes), _forecast(1024 * rows, levels=HAND, capacity=1024 * 60.0)
    )
    factor = np.where(small["metric"] == "coverage", 1.0, 1024.0)
    np.testing.assert_allclose(large["value"], factor * small["value"], rtol=1e-6)
    np.testing.assert_allclose(large["percent"], small["percent"], rtol=1e-6)


# --- Alignment ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "hours", "absent", "first"),
    [
        ("2024-01-02 00:00", 23, "1 hour,", "2024-01-02 23:00 UTC"),
        ("2024-01-02 01:00", 23, "1 hour,", "2024-01-02 00:00 UTC"),
        ("2024-01-03 00:00", 24, "24 hours,", "2024-01-02 00:00 UTC"),
        ("2024-01-01 00:00", 24, "24 hours,", "2024-01-02 00:00 UTC"),
    ],
)
def test_an_hour_outside_the_observations_is_refused_by_name(
    start: str, hours: int, absent: str, first: str
) -> None:
    with pytest.raises(TimeError) as caught:
        align(_observed(np.ones(hours), start=start), example_forecast())
    three_lines(caught.value, absent, first)


def test_a_site_that_was_not_observed_is_refused() -> None:
    index = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
    other = Observations(pd.DataFrame({"elsewhere": np.ones(24)}, index=index), published_after="1h")
    with pytest.raises(SchemaError) as caught:
        align(other, example_forecast())
    three_lines(caught.value, "farm", "elsewhere")


def test_each_forecast_meets_the_outcome_of_its_own_hour() -> None:
    """The observations begin a day earlier and end later; only the hour decides."""
    index = pd.date_range("2023-12-30", periods=24 * 8, freq="1h", tz="UTC")
    steps = np.arange(24 * 8, dtype=float) / 10
    observed = Observations(pd.DataFrame({"farm": steps}, index=index), published_after="1h")
    pairs = align(observed, example_forecast())
    np.testing.assert_allclose(pairs.observed, steps[72:96])
    assert pairs.labels["valid_time"].iloc[0] == pd.Timestamp("2024-01-02", tz="UTC")
    assert pairs.labels["lead_time"].tolist() == [15.0 + k for k in range(24)]


def test_missing_outcomes_are_counted_and_left_out() -> None:
    values = 10.0 + 0.5 * np.arange(24)
    values[[3, 7]] = np.nan
    table = mae(_observed(values), example_forecast())
    assert table[["value", "n", "missing"]].iloc[0].tolist() == [0.0, 22, 2]


def test_outcomes_set_aside_by_their_flags_are_left_out_and_counted_as_missing() -> None:
    values = 10.0 + 0.5 * np.arange(24)
    values[[3, 7]] = 59.0  # would be seen in the score
    flags = np.zeros(24, dtype=int)
    flags[[3, 7]] = int(Flag.CURTAILED)
    table = mae(_observed(values, flags=flags), example_forecast())
    assert table[["value", "n", "missing"]].iloc[0].tolist() == [0.0, 22, 2]


def test_negative_outcomes_are_judged_as_zero_and_counted() -> None:
    values = np.full(24, 4.0)
    values[:5] = -0.3
    forecast = _forecast(np.zeros((24, 3)), levels=(0.1, 0.5, 0.9))
    pairs = align(_observed(values), forecast)
    assert pairs.below_zero == 5
    assert len(pairs) == 24
    assert _value(score(METRICS[0], pairs)) == pytest.approx(4.0 * 19 / 24)


def test_a_demand_without_capacity_keeps_its_negative_values_and_has_no_percent() -> None:
    values = np.full(24, -2.0)
    forecast = _forecast(np.full((24, 7), -1.0), levels=HAND, capacity=None)
    table = score(METRICS, _observed(values), forecast)
    powers = table[~table["metric"].isin(["coverage"])]
    assert powers["percent"].isna().all()
    assert table.loc[table["metric"] == "mae", "value"].iloc[0] == 1.0
    assert align(_observed(values), forecast).below_zero == 0


# --- Groups ---------------------------------------------------------------------------------------


def test_scores_by_lead_hour_and_month_hold_the_right_rows() -> None:
    levels = (0.1, 0.5, 0.9)
    local = pd.date_range("2024-03-31", "2024-04-02", freq="1h", tz="Europe/Paris", inclusive="left")
    outcomes = np.asarray(local.hour, dtype=float) + 24.0 * np.asarray(local.month == 4)
    observed = _observed(outcomes, start="2024-03-30 23:00")
    forecast = _forecast(
        np.zeros((47, 3)), levels=levels, first="2024-03-31", last="2024-04-01", timezone="Europe/Paris"
    )
    by_hour = mae(observed, forecast, by="hour").set_index("hour")
    assert by_hour["n"].drop(2).eq(2).all()
    assert by_hour.loc[2, "n"] == 1  # 31 March had no hour from 2 to 3
    assert by_hour.loc[5, "value"] == 5 + 12
    by_month = mae(observed, forecast, by="month").set_index("month")
    assert by_month["n"].tolist() == [23, 24]
    assert by_month.loc[4, "value"] == pytest.approx(24 + 11.5)
    by_lead = mae(observed, forecast, by="lead_time").set_index("lead_time")
    # From 09:00 to midnight are 15 hours; on the short day every later hour is one lead earlier.
    assert by_lead.loc[15.0, "n"] == 2
    assert by_lead.loc[38.0, "n"] == 1
    assert by_lead["n"].sum() == 47


def test_a_group_without_outcome_is_there_with_nan_and_n_zero() -> None:
    values = np.full(24, 11.0)
    values[7] = np.nan
    table = score(METRICS, _observed(values), _flat_forecast(), by="hour")
    empty = table[table["hour"] == 7]
    assert (empty["n"] == 0).all()
    assert (empty["missing"] == 1).all()
    assert empty[["value", "percent"]].isna().all(axis=None)
    assert (table.loc[table["hour"] != 7, "n"] == 1).all()


def test_scores_without_any_outcome_are_nan_with_n_zero() -> None:
    table = score(METRICS, _observed(np.full(24, np.nan)), _flat_forecast())
    assert (table["n"] == 0).all()
    assert (table["missing"] == 24).all()
    assert table["value"].isna().all()


@pytest.mark.parametrize("by", [None, "site", "lead_time", "hour", "month", ["site", "lead_time"]])
def test_every_score_carries_n_and_missing(by: str | list[str] | None) -> None:
    table = score(METRICS, example_observations(), _flat_forecast(), by=by)
    assert {"metric", "level", "value", "percent", "n", "missing"} <= set(table.columns)
    assert table.groupby(["metric", "level"], dropna=False)["n"].sum().eq(24).all()


@pytest.mark.parametrize("interval", [0.81, 0.9])
def test_an_interval_wider_than_the_levels_is_refused_rather_than_called_wide(interval: float) -> None:
    """Quantiles 0.1 to 0.9 hold an interval of 80 %; cut to it, a wider one would look ill-calibrated."""
    for metric in (coverage, width):
        with pytest.raises(RangeError) as caught:
            metric(example_observations(), example_forecast(), interval=interval)
        three_lines(caught.value, "0.1", "0.9")
    assert _value(width(example_observations(), example_forecast(), interval=0.8)) == 8.0


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(SchemaError) as caught:
        mae(example_observations(), example_forecast(), by="weekday")
    three_lines(caught.value, "weekday", "lead_time")


# --- Calibration at a mass ------------------------------------------------------------------------


def _pair(outcome: float, quantiles: list[float], levels: tuple[float, ...]) -> Array:
    forecast = _forecast(np.tile(quantiles, (24, 1)), levels=levels)
    return align(_observed(np.full(24, outcome)), forecast).share_at_or_below[0]


def test_an_outcome_between_quantiles_lies_below_the_higher_ones() -> None:
    assert _pair(3.0, [1.0, 2.0, 4.0, 5.0], (0.2, 0.4, 0.6, 0.8)).tolist() == [0, 0, 1, 1]
    assert _pair(2.0, [1.0, 2.0, 4.0, 5.0], (0.2, 0.4, 0.6, 0.8)).tolist() == [0, 1, 1, 1]
    assert _pair(9.0, [1.0, 2.0, 4.0, 5.0], (0.2, 0.4, 0.6, 0.8)).tolist() == [0, 0, 0, 0]


def test_an_outcome_on_a_mass_is_shared_among_its_levels() -> None:
    # A mass of 0.6 at zero: an outcome of zero stands for levels from 0 to 0.6 alike.
    at_zero = _pair(0.0, [0.0, 0.0, 0.0, 5.0], (0.2, 0.4, 0.6, 0.8))
    np.testing.assert_allclose(at_zero, [1 / 3, 2 / 3, 1, 1])
    # A mass in the middle, from 0.2 to 0.6; and at the top, from 0.4 to 1: what lies below is reached on the way.
    np.testing.assert_allclose(_pair(4.0, [1.0, 4.0, 4.0, 5.0], (0.1, 0.2, 0.6, 0.8)), [0, 0, 1, 1])
    np.testing.assert_allclose(
        _pair(4.0, [1.0, 4.0, 4.0, 4.0, 5.0], (0.1, 0.2, 0.3, 0.6, 0.8)), [0, 0, 0.25, 1, 1]
    )
    np.testing.assert_allclose(_pair(8.0, [1.0, 8.0, 8.0, 8.0], (0.2, 0.4, 0.6, 0.8)), [0, 0, 1 / 3, 2 / 3])


def test_a_true_forecast_with_a_mass_at_zero_is_calibrated_at_every_level() -> None:
    """60 % of the outcomes are zero, and the forecast says so."""
    levels = tuple(k / 20 for k in range(1, 20))
    days = 60
    draws = (np.arange(24 * days) + 0.5) / (24 * days)
    outcomes = np.maximum(draws - 0.6, 0.0) * 100
    quantiles = np.maximum(np.array(levels) - 0.6, 0.0) * 100
    forecast = _forecast(np.tile(quantiles, (24 * days, 1)), levels=levels, last="2024-03-01")
    share = align(_observed(outcomes), forecast).share_at_or_below.mean(axis=0)
    np.testing.assert_allclose(share, levels, atol=0.002)
