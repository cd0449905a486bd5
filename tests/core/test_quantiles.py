"""One distribution behind the quantiles: by hand, against numerical integration, and through every way in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import energyforecast as ef
from energyforecast import evaluation as ev
from energyforecast.core.quantile_interpolation import interpolation_weights
from energyforecast.core.quantiles import QuantileFunction, check_levels
from energyforecast.errors import RangeError, SchemaError
from energyforecast.evaluation.event_probability import exceedance
from energyforecast.forecasting.defaults import assign_models
from energyforecast.models import LinearQuantiles
from energyforecast.planning import sample_scenarios, schedule
from energyforecast.planning.scenario_generation.ranks import HindcastScores
from energyforecast.reporting.sheets import weekly_outlook
from energyforecast.testing import example_forecast, example_observations
from tests.support.error_messages import three_lines

Array = npt.NDArray[Any]

LEVELS = (0.1, 0.5, 0.9)
VALUES = (12.0, 16.0, 20.0)


# --- The same two figures through every way in ----------------------------------------------------


def _forecast() -> ef.Forecast:
    """A day of hours with the quantiles 12, 16 and 20 MW."""
    data = example_forecast().data
    return ef.Forecast(data.copy(data=np.broadcast_to(np.float32(VALUES), data.shape)))


def _pairs() -> ev.Pairs:
    return ev.align(example_observations(), _forecast())


def _declared() -> float:
    """The schedule behind a cost, where all outcomes lie above it; at these prices the level 0.37 is best."""
    pairs = _pairs()
    rows = pairs.of_rows(pairs.observed > 20)
    cost = ev.imbalance_cost(rows, shortage=63.0, surplus=37.0)["value"][0]
    return float(rows.observed.mean() - cost / (37.0 * len(rows)))


def _fitted(model: Any) -> float:
    """Where the level 0.37 of a model lies between its own levels 0.1 and 0.5, on the way from 12 to 16."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.uniform(size=1000)})
    model.fit(X, X["x"].to_numpy() + rng.normal(size=1000))
    low, found, middle = model.predict(X.iloc[:1])[0]
    return float(12.0 + 4.0 * (found - low) / (middle - low))


_WANTED = (0.1, 0.37, 0.5)
VALUE_WAYS: dict[str, Callable[[], Any]] = {
    "Forecast.at": lambda: _forecast().at(0.37)[0, 0, 0],
    "Pairs.at": lambda: _pairs().at(0.37)[0],
    "the declared level of a cost": _declared,
    "a scenario": lambda: np.sort(sample_scenarios(_forecast(), n_scenarios=50).of()[:, 0])[
        18
    ],  # level (18 + ½) / 50
    "a schedule": lambda: schedule(_forecast(), shortage=63.0, surplus=37.0)["schedule"].iloc[0],
    "a linear model": lambda: _fitted(LinearQuantiles(_WANTED, fitted_quantiles=LEVELS)),
    "trees": lambda: _fitted(ef.LightGBMQuantiles(_WANTED, fitted_quantiles=LEVELS, n_estimators=20)),
    "trees, a booster a level": lambda: _fitted(
        ef.LightGBMQuantiles(_WANTED, fitted_quantiles=LEVELS, n_estimators=20, sharing="none")
    ),
}


@pytest.mark.parametrize("way", VALUE_WAYS)
def test_the_level_of_37_percent_is_one_value(way: str) -> None:
    assert float(VALUE_WAYS[way]()) == pytest.approx(14.70, abs=1e-5)


def _brier() -> float:
    """The probability behind a Brier score: no outcome exceeds 17.3 MW before the hour that does."""
    pairs = _pairs()
    calm = pairs.of_rows(pairs.observed <= 17.3)
    return float(np.sqrt(ev.brier(calm, threshold=17.3)["value"][0]))


def _drawn() -> float:
    return float((sample_scenarios(_forecast(), n_scenarios=1000).of() > 17.3).mean())


def _ahead() -> float:
    sheet = weekly_outlook(_forecast(), timezone="UTC", above=17.3)
    return float(sheet.to_frame()["peak_probability"].iloc[0])


CHANCE_WAYS: dict[str, Callable[[], Any]] = {
    "exceedance": lambda: exceedance(_pairs(), 17.3)[1][0],
    "a Brier score": _brier,
    "the weekly sheet": _ahead,
    "scenarios": _drawn,
}


@pytest.mark.parametrize("way", CHANCE_WAYS)
def test_the_probability_above_17_3_is_one_value(way: str) -> None:
    assert float(CHANCE_WAYS[way]()) == pytest.approx(0.370, abs=1e-5)


def test_an_outcome_has_one_level() -> None:
    """Histogram, reliability and what a copula learns put 14.70 at the level 0.37."""
    index = example_observations().index
    observed = ef.Observations(pd.DataFrame({"farm": 14.70}, index=index), published_after="1h")
    past = HindcastScores.of(_forecast(), observed)
    np.testing.assert_allclose(stats.norm.cdf(past.scores[0, 0]), 0.37, atol=1e-6)
    assert ev.pit(observed, _forecast(), bins=100)["value"].to_numpy().argmax() in (36, 37)


def test_the_mean_is_one_value() -> None:
    assert float(_forecast().mean[0, 0, 0]) == float(_pairs().mean[0]) == pytest.approx(16.0)
    assert schedule(_forecast(), shortage=1.0, surplus=1.0)["mean"].iloc[0] == pytest.approx(16.0)


# --- Masses, by hand ------------------------------------------------------------------------------

CALM = QuantileFunction(np.array([0.0, 0.0, 0.0, 5.0]), (0.2, 0.4, 0.6, 0.8))
FULL = QuantileFunction(np.array([45.0, 50.0, 50.0, 50.0]), (0.2, 0.4, 0.6, 0.8))
FLAT: dict[str, Any] = {"tails": "flat"}
NORMAL: dict[str, Any] = {"tails": "normal"}


@pytest.mark.parametrize("tails", [FLAT, NORMAL], ids=["flat", "normal"])
def test_a_mass_at_a_bound_is_all_of_its_levels(tails: dict[str, Any]) -> None:
    assert [float(CALM.below(0.0, **tails)), float(CALM.at_most(0.0, **tails))] == [0.0, 0.6]
    assert [float(FULL.below(50.0, **tails)), float(FULL.at_most(50.0, **tails))] == [0.4, 1.0]
    assert [float(end) for end in CALM.pit_interval(0.0, **tails)] == [0.0, 0.6]
    assert [float(end) for end in FULL.pit_interval(50.0, **tails)] == [0.4, 1.0]
    # No tail leaves a mass, and what lies beyond it lies in the outer probability.
    assert float(CALM.at(0.001, **tails)) == 0.0
    assert float(FULL.at(0.999, **tails)) == 50.0
    assert [float(end) for end in FULL.pit_interval(51.0, **tails)] == [0.8, 1.0]
    assert [float(end) for end in CALM.pit_interval(-1.0, **tails)] == [0.0, 0.2]
    assert float(CALM.at_most(-1.0, **tails)) == 0.0
    assert float(FULL.below(51.0, **tails)) == 1.0


def test_a_mass_between_is_the_range_of_its_levels() -> None:
    found = QuantileFunction(np.array([1.0, 4.0, 4.0, 5.0]), (0.2, 0.4, 0.6, 0.8))
    assert [float(end) for end in found.pit_interval(4.0)] == [0.4, 0.6]
    assert [float(found.at(level)) for level in (0.4, 0.5, 0.6)] == [4.0, 4.0, 4.0]


def test_normal_tails_end_at_the_bounds_and_keep_what_lies_beyond() -> None:
    found = QuantileFunction(np.array([[1.0, 20.0, 39.0], [-3.0, 20.0, 43.0]]), LEVELS)
    assert found.at(0.999, **NORMAL, bounds=(0.0, 40.0)).tolist() == [40.0, 43.0]
    assert found.at(0.001, **NORMAL, bounds=(0.0, 40.0)).tolist() == [0.0, -3.0]


def test_normal_tails_are_those_of_a_normal_distribution() -> None:
    law = stats.norm(30.0, 4.0)
    found = QuantileFunction(law.ppf(LEVELS), LEVELS)
    rare = np.array([0.001, 0.05, 0.95, 0.999])
    np.testing.assert_allclose(found.at(rare, **NORMAL), law.ppf(rare))
    np.testing.assert_allclose(found.at_most(law.ppf(rare), **NORMAL), rare)
    np.testing.assert_allclose(found.below(law.ppf(rare), **NORMAL), rare)
    np.testing.assert_allclose(found.pit_interval(law.ppf(rare), **NORMAL), [rare, rare])
    low, high = found.pit_interval(law.ppf(rare))
    np.testing.assert_allclose([low, high], [[0.0, 0.0, 0.9, 0.9], [0.1, 0.1, 1.0, 1.0]])


def test_one_level_is_a_point() -> None:
    point = QuantileFunction(np.array([[3.0]]), (0.4,))
    for tails in (FLAT, NORMAL):
        assert point.table((0.1, 0.4, 0.9), **tails).tolist() == [[3.0] * 3]
        assert [float(point.below(3.0, **tails)[0]), float(point.at_most(3.0, **tails)[0])] == [0.0, 1.0]
    assert float(point.mean[0]) == float(point.partial_mean(1.0)[0]) == 3.0
    assert interpolation_weights((0.4,), (0.1, 0.9)).tolist() == [[1.0, 1.0]]


def test_what_does_not_fit_is_refused() -> None:
    for values, levels in ((np.zeros((2, 3)), (0.1, 0.9)), (np.zeros((2, 0)), ())):
        with pytest.raises(SchemaError) as caught:
            QuantileFunction(values, levels)
        assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(SchemaError, match="tails='wide'"):
        QuantileFunction(np.zeros(3), LEVELS).at(0.5, tails="wide")  # type: ignore[arg-type]


# --- Properties, and numerical integration --------------------------------------------------------

EVEN = (np.arange(20_000) + 0.5) / 20_000


@st.composite
def distributions(draw: st.DrawFn) -> QuantileFunction:
    """Quantiles with ties in them, at uneven levels."""
    percent = sorted(draw(st.sets(st.integers(1, 99), min_size=2, max_size=8)))
    steps = draw(st.lists(st.integers(0, 4), min_size=len(percent), max_size=len(percent)))
    return QuantileFunction(np.cumsum(steps) - 3.0, np.array(percent) / 100)


TAILS = st.sampled_from([FLAT, NORMAL])
INNER = st.integers(1, 999).map(lambda k: k / 1000)


@given(found=distributions(), level=INNER, tails=TAILS)
def test_levels_and_values_belong_to_each_other(
    found: QuantileFunction, level: float, tails: dict[str, Any]
) -> None:
    value = found.at(level, **tails)
    assert float(found.below(value - 1e-9, **tails)) <= level + 1e-6
    assert float(found.at_most(value + 1e-9, **tails)) >= level - 1e-6
    rising = bool((np.diff(found.values) > 0).all())
    if rising and found.levels[0] < level < found.levels[-1]:
        assert float(found.below(value)) == pytest.approx(level)
        assert float(found.at_most(value)) == pytest.approx(level)


@given(found=distributions(), tails=TAILS)
def test_values_and_probabilities_rise(found: QuantileFunction, tails: dict[str, Any]) -> None:
    values = found.at(EVEN[::10], **tails)
    assert (np.diff(values) >= 0).all()
    grid = np.linspace(-8, 40, 200)
    below, at_most = found.below(grid, **tails), found.at_most(grid, **tails)
    assert (np.diff(below) >= 0).all()
    assert (np.diff(at_most) >= 0).all()
    assert (below <= at_most).all()
    assert ((below >= 0) & (at_most <= 1)).all()


@given(found=distributions(), value=st.integers(-10, 80), level=INNER)
def test_probabilities_and_means_are_integrals(found: QuantileFunction, value: int, level: float) -> None:
    values, bound = found.at(EVEN), value / 2
    assert float(found.mean) == pytest.approx(values.mean(), abs=1e-3)
    assert float(found.at_most(bound)) == pytest.approx((values <= bound + 1e-12).mean(), abs=2e-4)
    assert float(found.below(bound)) == pytest.approx((values < bound - 1e-12).mean(), abs=2e-4)
    assert float(found.partial_mean(level)) == pytest.approx((values * (level > EVEN)).mean(), abs=5e-3)
    assert float(found.partial_mean(1.0)) == pytest.approx(float(found.mean))


@given(found=distributions(), value=st.integers(-10, 80))
def test_probabilities_with_normal_tails_are_integrals(found: QuantileFunction, value: int) -> None:
    values, bound = found.at(EVEN, **NORMAL), value / 2
    low, high = (values < bound - 1e-9).mean(), (values <= bound + 1e-9).mean()
    assert float(found.below(bound, **NORMAL)) == pytest.approx(low, abs=2e-4)
    assert float(found.at_most(bound, **NORMAL)) == pytest.approx(high, abs=2e-4)


@given(found=distributions(), level=INNER, tails=TAILS)
def test_weights_are_those_of_the_values(
    found: QuantileFunction, level: float, tails: dict[str, Any]
) -> None:
    weights = interpolation_weights(found.levels, (level,), **tails)
    assert float(found.values @ weights[:, 0]) == pytest.approx(float(found.at(level, **tails)), abs=1e-9)


@given(outcome=st.floats(-5, 30), found=distributions())
def test_a_crps_is_the_integral_of_the_squared_difference(outcome: float, found: QuantileFunction) -> None:
    grid = np.linspace(-40, 60, 40_001)
    integral = np.trapezoid((found.at_most(grid) - (grid >= outcome)) ** 2, grid)
    exact = ev.crps_of_quantiles(np.array([outcome]), found.values[None], found.levels)[0]
    assert exact == pytest.approx(integral, abs=6e-3)


@given(st.lists(st.integers(-3, 9), min_size=1, max_size=12), st.integers(-5, 11))
def test_samples_are_counted(samples: list[int], value: int) -> None:
    drawn = np.array(samples, dtype=float)
    found = QuantileFunction.of_samples(drawn)
    assert float(found.at_most(value)) == pytest.approx((drawn <= value).mean())
    assert float(found.below(value)) == pytest.approx((drawn < value).mean())
    assert float(found.mean) == pytest.approx(drawn.mean())
    assert float(found.at(0.5)) == pytest.approx(np.median(drawn))
    part = found.partial_mean(found.at_most(value))
    assert float(part) == pytest.approx(drawn[drawn <= value].sum() / len(drawn))


def test_a_row_alone_is_to_the_bit_the_row_among_others() -> None:
    rng = np.random.default_rng(0)
    values, wanted = np.sort(rng.normal(size=(101, 9)), axis=1), ef.core.quantiles.PERCENTILES
    levels = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
    many, alone = QuantileFunction(values, levels), [QuantileFunction(row[None], levels) for row in values]
    for tails in (FLAT, NORMAL):
        np.testing.assert_array_equal(
            many.table(wanted, **tails), np.concatenate([one.table(wanted, **tails) for one in alone])
        )
        np.testing.assert_array_equal(
            many.at_most(0.3, **tails), np.concatenate([one.at_most(0.3, **tails) for one in alone])
        )
    np.testing.assert_array_equal(many.mean, np.concatenate([one.mean for one in alone]))


def test_each_row_may_have_a_level_and_a_value_of_its_own() -> None:
    rows = QuantileFunction(np.array([VALUES, VALUES, (0.0, 0.0, 8.0)]), LEVELS)
    levels, values = np.array([0.37, 0.99, 0.5]), np.array([17.3, 20.0, 0.0])
    one = [QuantileFunction(row, LEVELS) for row in rows.values]
    for name, given_ in (("at", levels), ("partial_mean", levels), ("at_most", values), ("below", values)):
        expected = [getattr(each, name)(item) for each, item in zip(one, given_, strict=True)]
        np.testing.assert_array_equal(getattr(rows, name)(given_), expected)


def test_a_known_level_is_the_quantile_itself() -> None:
    values = np.sort(np.random.default_rng(1).normal(size=(50, 99)).astype(np.float32), axis=1)
    found = QuantileFunction(values, ef.core.quantiles.PERCENTILES)
    np.testing.assert_array_equal(
        found.table([1 - (1 - level) for level in ef.core.quantiles.PERCENTILES]), values
    )


def test_a_copula_has_no_outcome_beyond_a_mass() -> None:
    """Outcomes past a mass at full power, as a plant that exceeds its capacity has, lie in its probability."""
    forecast, observed = example_forecast(), example_observations()
    full = ef.Forecast(
        forecast.data.copy(data=np.broadcast_to(np.float32((4.0, 9.0, 9.0)), forecast.data.shape))
    )
    scores = HindcastScores.of(full, observed).scores[0, 0]
    assert np.isfinite(scores).all()
    assert (scores[example_observations().values["farm"].to_numpy()[-24:] > 9.0] >= 0.0).all()


def test_demand_is_fitted_at_levels_dense_enough_for_straight_lines() -> None:
    """Errors near to normal: straight lines between nine levels add 0.026 % to a normal's loss, between 15 0.002 %."""
    site = ef.DemandArea(name="town", latitude=43, longitude=77)
    default = assign_models([site], None, task=ef.day_ahead("09:00", timezone="UTC"))["town"]
    model = default.get_params(deep=False)["candidates"]["absolute"]
    levels, law = np.array(ef.core.quantiles.PERCENTILES), stats.norm()
    outcome = law.ppf(EVEN)

    def loss(values: Array) -> float:
        return float(ev.pinball_loss(outcome, np.tile(values, (len(outcome), 1)), levels).mean())

    fitted = model.get_params()["fitted_quantiles"]
    joined = QuantileFunction(law.ppf(fitted), fitted).table(levels, tails="normal")
    assert loss(joined) < 1.00005 * loss(law.ppf(levels))
    assert {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99} <= set(fitted)


@pytest.mark.parametrize("levels", [[0.0], [1.0], [-0.5], [5, 50, 95], [], [0.9, 0.1], [0.5, 0.5], [np.nan]])
def test_levels_outside_0_and_1_or_not_rising_are_refused(levels: list[float]) -> None:
    with pytest.raises(RangeError) as caught:
        check_levels(levels)
    three_lines(caught.value, f"{float(levels[0]):g}" if levels else "no level")
