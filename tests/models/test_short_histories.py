"""Coverage of a model that learnt from a short history, on outcomes of a known distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

import energyforecast as ef
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.models import SelectedModel, out_of_fold_calibration
from energyforecast.models.tree_growth import Grown, folds_along_time

Array = npt.NDArray[np.float64]

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
LEARNT, JUDGED = 60, 30


def _demand(seed: int, days: int) -> tuple[pd.DataFrame, Array]:
    """Hours of a demand that grows by 5 % a month, with errors that last for days and grow along the day."""
    rng = np.random.default_rng(seed)
    day, hour = np.divmod(np.arange(24 * days), 24)
    state = np.zeros(days)
    for k in range(1, days):
        state[k] = 0.7 * state[k - 1] + np.sqrt(1 - 0.7**2) * rng.normal()
    y = 100 + 0.15 * day + 20 * np.sin(hour / 24 * 2 * np.pi)
    y = y + 4 * state[day] + (1 + hour / 8) * rng.normal(size=len(day))
    # Mean of the week that ends two days before.
    level = pd.Series(y.reshape(days, 24).mean(axis=1)).shift(2).rolling(7, min_periods=1).mean().bfill()
    columns = {
        "hour": hour.astype(float),
        "weekday": (day % 7).astype(float),
        "level": level.to_numpy()[day],
        "noise": rng.normal(size=days)[day],
    }
    return pd.DataFrame(columns, index=pd.date_range("2024-01-01", periods=len(y), freq="1h")), y


def _trees(**settings: Any) -> ef.LightGBMQuantiles:
    return ef.LightGBMQuantiles(
        LEVELS,
        relative_to="level",
        n_estimators=80,
        learning_rate=0.12,
        extra_trees=False,
        init_from_median=True,
        folds=3,
        blocks_per_fold=15,
        **settings,
    )


def _mean_of_two() -> SelectedModel:
    both: dict[str, ef.QuantileModel] = {"trees": _trees(), "linear base": _trees(linear_base=True)}
    return SelectedModel(LEVELS, candidates=both, usual=tuple(both), blend=False)


def _coverage(
    seeds: int, *, times: bool, learnt: int = LEARNT, made: Callable[[], ef.QuantileModel] = _trees
) -> Array:
    """Mean coverage of the central 80 and 90 % in the month after."""
    inside = []
    for seed in range(seeds):
        X, y = _demand(seed, learnt + JUDGED)
        known, later = X[: 24 * learnt], X[24 * learnt :]
        model = made()
        model.fit(known if times else known.reset_index(drop=True), y[: 24 * learnt])
        found, outcome = model.predict(later), y[24 * learnt :]
        inside.append([np.mean((found[:, k] < outcome) & (outcome < found[:, -1 - k])) for k in (1, 0)])
    return np.asarray(np.mean(inside, axis=0))


@pytest.mark.slow
def test_two_months_hold_the_next() -> None:
    np.testing.assert_allclose(_coverage(30, times=True), (0.8, 0.9), atol=0.04)


def test_eight_months_of_growth_hold_the_next() -> None:
    np.testing.assert_allclose(_coverage(6, times=True, learnt=240), (0.8, 0.9), atol=0.03)


def test_curves_of_all_rows_as_they_are_would_hold_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees of more rows have wider curves than those out of fold, of which the correction is."""
    monkeypatch.setattr(Grown, "as_wide", lambda grown, curve, *, centre: grown)
    assert (_coverage(6, times=True, learnt=240) > (0.835, 0.925)).all()


@pytest.mark.slow
def test_the_mean_of_several_holds_the_next_month() -> None:
    """Two months are few outcomes for a mean, too: without times it holds 67 and 77 %."""
    np.testing.assert_allclose(_coverage(10, times=True, made=_mean_of_two), (0.8, 0.9), atol=0.1)


def test_rows_without_times_are_too_narrow() -> None:
    """Out-of-fold models then see the days before and after, and with them the level."""
    assert (_coverage(10, times=False) < (0.72, 0.82)).all()


def test_two_weeks_are_calibrated_as_far_as_they_go() -> None:
    timed, rows = (_coverage(10, times=times, learnt=14) for times in (True, False))
    assert (timed > rows + 0.1).all()
    assert (timed > 0.65).all()


@pytest.mark.parametrize(
    ("days", "folds", "blocks_per_fold", "expected"),
    [
        (28, 3, 15, 7),  # four blocks in a short sample
        (120, 3, 15, 30),
        (270, 3, 15, 30),
        (360, 2, 2, 90),  # no more than were asked for
        (1440, 3, 15, 32),
    ],
)
def test_blocks_are_whole_days_and_as_long_as_a_month(
    days: int, folds: int, blocks_per_fold: int, expected: int
) -> None:
    times = pd.date_range("2024-01-01", periods=24 * days, freq="1h")
    fold = folds_along_time(times, folds=folds, blocks_per_fold=blocks_per_fold)
    assert set(fold) == set(range(folds))
    starts = np.flatnonzero(np.diff(fold, prepend=-1))
    assert (starts % 24 == 0).all()
    assert np.diff(starts).min() == 24 * expected


def test_outcomes_of_one_time_are_held_out_together() -> None:
    """Windows of several issues overlap: the outcome of an hour must not be learnt and held out at once."""
    issued = pd.date_range("2024-01-01", periods=24 * 60, freq="1h")
    valid = (issued.to_numpy()[:, None] + np.arange(6) * np.timedelta64(1, "h")).ravel()
    fold = folds_along_time(pd.DatetimeIndex(valid), folds=3, blocks_per_fold=2)
    assert (pd.Series(fold).groupby(valid).nunique() == 1).all()


def _moved(error: Array, days: int) -> Array:
    """Normal scores of the levels in place of 0.1 and 0.9, of errors of a standard normal forecast."""
    times = pd.date_range("2024-01-01", periods=24 * days, freq="1h")
    curves = np.tile(stats.norm.ppf(PERCENTILES), (len(times), 1))
    moved = out_of_fold_calibration.correction(curves, error, PERCENTILES, times=times)
    return np.asarray(stats.norm.ppf(moved[:, [2 + 9, 2 + 89]]).mean(axis=0))


def test_levels_are_wider_for_outcomes_that_are_alike() -> None:
    """Hours that differ tell 24 times as much as hours of one error a day: Student's interval of a third of them."""
    rng = np.random.default_rng(1)
    apart, alike = rng.normal(size=24 * 30), np.repeat(rng.normal(size=30), 24)
    alike = alike / alike.std()
    for error, expected in (
        (apart, 1.0),
        (alike, np.sqrt(1.1) * stats.t.ppf(0.9, 9) / stats.norm.ppf(0.9)),
    ):
        found = np.ptp(_moved(error, 30)) / np.ptp(np.quantile(error, (0.1, 0.9)))
        assert abs(found / expected - 1) < 0.04


def test_errors_far_beyond_the_curve_widen_it_in_full() -> None:
    """Out-of-fold curves that are three times too narrow: their 95 % level is moved by 3.3 standard deviations."""
    rng = np.random.default_rng(2)
    known = (0.05, 0.5, 0.95)
    curves, y = np.tile(stats.norm.ppf(known), (6000, 1)), 3 * rng.normal(size=6000)
    moved = out_of_fold_calibration.correction(curves, y, known)
    found = out_of_fold_calibration.read(curves[:1], known, known, moved)[0]
    np.testing.assert_allclose(found, 3 * stats.norm.ppf(known), rtol=0.05, atol=0.3)


class _Times(ef.models.Climatology):
    """Climatology that keeps the times of the rows from which it learnt."""

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self.times_ = X.index
        super()._fit(X, y, sample_weight)


@pytest.mark.parametrize("pooled", [False, True])
def test_a_forecaster_gives_its_models_the_times_of_rows(pooled: bool) -> None:
    index = pd.date_range("2024-01-01", periods=24 * 40, freq="1h", tz="UTC")
    sites = [ef.WindFarm(name=name, latitude=44, longitude=78, capacity=60) for name in ("a", "b")]
    power = pd.DataFrame(
        {site.name: np.random.default_rng(0).uniform(0, 60, len(index)) for site in sites}, index=index
    )
    observations = ef.Observations(power, published_after="1h")
    task = ef.day_ahead("09:00", timezone="UTC")
    forecaster = ef.Forecaster(
        sites, task, features=[ef.features.LocalHour()], model=_Times(), pooled=pooled
    ).fit(None, observations)
    model = forecaster.models_["a"]
    assert isinstance(model, _Times)
    times = model.times_
    assert isinstance(times, pd.DatetimeIndex)
    assert times.is_monotonic_increasing
    assert len(times) == len(times.unique()) * (2 if pooled else 1)
    assert times[0] == pd.Timestamp("2024-01-01")
