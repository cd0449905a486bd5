"""Profile by hour and type of day: planted profiles, honest errors of few days, and the way back from a file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from energyforecast.errors import RangeError, SchemaError
from energyforecast.models import DayProfile

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


def _consumer(days: int, *, noise: float = 0.0, step: str = "1h") -> tuple[pd.DataFrame, Any]:
    """A consumer that takes 1 at night, 3 by day and 5 on the evening of days off; its columns, and its outcomes."""
    index = pd.date_range("2024-01-01", periods=int(pd.Timedelta(days=days) / pd.Timedelta(step)), freq=step)
    hour, off = np.asarray(index.hour), np.where(index.day_of_week >= 5, 1.0, 0.0)
    usual = 1.0 + 2.0 * ((hour >= 8) & (hour < 18))
    y = usual + 4.0 * off * (hour >= 18) + noise * np.random.default_rng(0).normal(size=len(index))
    mean = usual + 4.0 * (hour >= 18) * 2 / 7
    X = pd.DataFrame({"mean_7x24h": mean, "hour": hour, "weekday": index.day_of_week}, index=index)
    return X, y


@pytest.mark.parametrize("step", ["15min", "1h"])
def test_the_evening_of_days_off_is_learnt_from_three_weeks(step: str) -> None:
    X, y = _consumer(21, step=step)
    median = DayProfile((0.5,), penalty=0.1).fit(X, y).predict(X)[:, 0]
    assert np.abs(median - y).max() < 0.3  # the week's mean alone is 2.9 off


def test_a_difference_seen_once_is_believed_in_part() -> None:
    X, y = _consumer(7)
    evening = (X["hour"] == 20) & (X["weekday"] == 6)
    few = DayProfile((0.5,)).fit(X, y).predict(X[evening])[0, 0]
    X, y = _consumer(70)
    evening = (X["hour"] == 20) & (X["weekday"] == 6)
    many = DayProfile((0.5,)).fit(X, y).predict(X[evening])[0, 0]
    level = X["mean_7x24h"][evening].iloc[0]
    assert level + 0.3 < few < many - 0.3 < 5.0


def test_a_holiday_is_a_day_off_and_a_working_weekend_is_none() -> None:
    X, y = _consumer(28)
    told = X.assign(holiday=0.0, working_weekend=0.0)
    model = DayProfile((0.5,), penalty=0.1).fit(told, y)
    monday, saturday = (told[(told["hour"] == 20) & (told["weekday"] == day)].iloc[[0]] for day in (0, 5))
    assert model.predict(monday.assign(holiday=1.0))[0, 0] > 3.5
    assert model.predict(saturday.assign(working_weekend=1.0))[0, 0] < 2.5


@pytest.mark.parametrize(("days", "least"), [(2, 0.6), (4, 0.7), (7, 0.7), (28, 0.75)])
def test_quantiles_of_few_days_hold_about_what_they_say(days: int, least: float) -> None:
    X, y = _consumer(140, noise=0.3)
    hours, held = 24 * days, []
    for begin in range(0, 24 * 56, 24 * 7):  # eight histories, each with the two weeks after it
        train, later = slice(begin, begin + hours), slice(begin + hours, begin + hours + 24 * 14)
        low, high = DayProfile((0.1, 0.9)).fit(X[train], y[train]).predict(X[later]).T
        held.append(((y[later] >= low) & (y[later] <= high)).mean())
    assert least < np.mean(held) < 0.93  # two days have no weekend, on which 2 of 7 evenings lie


def test_one_day_without_a_level_is_no_certainty() -> None:
    X, y = _consumer(1, noise=0.3)
    X["mean_7x24h"] = np.nan
    curve = DayProfile(LEVELS).fit(X, y).predict(X)
    assert (np.ptp(curve, axis=1) > 0.15).all()


def test_a_missing_departure_is_the_usual_one() -> None:
    X, y = _consumer(28, noise=0.3)
    X["lag_24h"] = np.roll(y, 24)
    model = DayProfile(LEVELS).fit(X, y)
    assert np.isfinite(model.predict(X.assign(lag_24h=np.nan))).all()
    # A column that no row of training had is not read.
    assert DayProfile(LEVELS).fit(X.assign(lag_24h=np.nan), y).names_ == []


def test_no_row_sees_its_own_fold() -> None:
    X, y = _consumer(28, noise=0.3)
    fold = np.arange(len(y)) // (24 * 7) % 2
    before = DayProfile(LEVELS).fit_out_of_fold(X, y, fold=fold)
    changed = np.where(fold == 0, y + 100.0, y)
    after = DayProfile(LEVELS).fit_out_of_fold(X, changed, fold=fold)
    np.testing.assert_array_equal(before[fold == 0], after[fold == 0])
    assert (after[fold == 1] > before[fold == 1] + 50).all()


def test_it_is_the_same_when_read_back() -> None:
    X, y = _consumer(14, noise=0.3)
    model = DayProfile(LEVELS).fit(X.assign(lag_24h=np.roll(y, 24)), y)
    again = DayProfile(LEVELS)
    again.columns_, again.bounds_ = model.columns_, model.bounds_
    again.restore(model.parts())
    np.testing.assert_array_equal(model.predict(X.assign(lag_24h=1.0)), again.predict(X.assign(lag_24h=1.0)))


def test_what_cannot_be_used_is_refused() -> None:
    X, y = _consumer(7)
    with pytest.raises(SchemaError, match=r"without \['weekday'\]"):
        DayProfile(LEVELS).fit(X.drop(columns="weekday"), y)
    with pytest.raises(SchemaError, match="'level of mine'"):
        DayProfile(LEVELS, level="level of mine").fit(X, y)
    with pytest.raises(RangeError, match="weekend is"):
        DayProfile(LEVELS, weekend=(7,)).fit(X, y)
    with pytest.raises(RangeError, match="penalty is 0"):
        DayProfile(LEVELS, penalty=0.0).fit(X, y)
