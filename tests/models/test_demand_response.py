"""Demand response: level, temperature, calendar, and the mixture over temperature scenarios."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from energyforecast.errors import MissingDataError, NotFittedError, RangeError, SchemaError
from energyforecast.models import DemandResponse
from energyforecast.testing import check_model
from tests.support.city_demand import city_columns, expected_demand

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def test_the_response_finds_temperature_hour_and_weekend() -> None:
    X, y = city_columns()
    model = DemandResponse(n_estimators=60).fit(X, y)
    np.testing.assert_allclose(model.expected(X), expected_demand(X), rtol=0.1)
    assert np.abs(model.expected(X) / expected_demand(X) - 1).mean() < 0.01


def test_the_level_follows_growth_and_forgets_by_half_lives() -> None:
    X, y = city_columns()
    grown = y.copy()
    grown[-24 * 80 :] *= 1.08
    X_new = X[-24 * 80 :]
    for half_life, growth in ((80.0, 1.04), (10.0, 1.08)):  # after 80 days: a half of it, all of it
        before, after = (
            DemandResponse(n_estimators=10, half_life=half_life).fit(X, values).expected(X_new)
            for values in (y, grown)
        )
        assert np.mean(after / before) == pytest.approx(growth, abs=0.01)


def test_an_outage_moves_the_forecast_little() -> None:
    X, y = city_columns()
    struck = y.copy()
    struck[-24 * 12 : -24 * 7] *= 0.1
    usual = DemandResponse(n_estimators=20).fit(X, y)
    after = DemandResponse(n_estimators=20).fit(X, struck)
    assert after.left_out_ == 24 * 5
    assert usual.left_out_ == 0
    moved = after.expected(X[-200:]) / usual.expected(X[-200:])
    assert np.abs(moved - 1).max() < 0.03
    widths = [model.errors_[:, -1] - model.errors_[:, 0] for model in (after, usual)]
    np.testing.assert_allclose(*widths, rtol=0.1)


def test_quantiles_are_those_of_the_mixture_of_members() -> None:
    X, y = city_columns()
    model = DemandResponse(LEVELS, n_estimators=20).fit(X, y)
    some = X[:24]
    alone = model.predict(some)
    mild, cold = some.assign(**{"temp_air[mean]": 20.0}), some.assign(**{"temp_air[mean]": -5.0})
    both = model.predict_members(pd.concat([mild, cold]), members=2)
    assert (np.diff(both, axis=1) >= 0).all()
    np.testing.assert_allclose(
        model.predict_members(pd.concat([some, some]), members=2)[:, 2], alone[:, 2], rtol=0.01
    )
    for column, member in ((0, mild), (4, cold)):
        expected = model.expected(member)
        assert np.abs(both[:, column] / expected - 1).max() < 0.08
    hit = model.predict(X)
    assert np.mean((y >= hit[:, 0]) & (y <= hit[:, 4])) == pytest.approx(0.9, abs=0.03)


def test_the_response_is_the_same_for_the_same_seed_and_any_unit() -> None:
    X, y = city_columns(slice("2022-09", None))
    first, second, other = (
        DemandResponse(n_estimators=5).fit(X, values).expected(X) for values in (y, y, 1000 * y)
    )
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(other, 1000 * first, rtol=1e-4)


def test_hours_without_temperature_teach_nothing() -> None:
    X, y = city_columns(slice("2022-09", None))
    unread = X.copy()
    unread.loc[X.index[100:148], "temp_air[mean]"] = np.nan
    first = DemandResponse(n_estimators=5).fit(unread, y)
    kept = np.delete(np.arange(len(y)), np.arange(100, 148))
    second = DemandResponse(n_estimators=5).fit(X.iloc[kept], y[kept])
    np.testing.assert_array_equal(first.expected(X), second.expected(X))


def test_the_contract_of_quantile_models_holds() -> None:
    X, y = city_columns(slice("2022-09", None))
    check_model(DemandResponse(n_estimators=3, folds=2), X, 60 * y / y.max())


def test_what_cannot_be_learnt_from_is_refused() -> None:
    X, y = city_columns()
    wrong = np.where(np.arange(len(y)) == 7, -3.0, y)
    for error, arguments in (
        (RangeError, (X, wrong)),
        (MissingDataError, (X[: 24 * 30], y[: 24 * 30])),
        (SchemaError, (X.drop(columns="weekday"), y)),
        (SchemaError, (X[["hour", "weekday"]], y)),
    ):
        with pytest.raises(error) as caught:
            DemandResponse().fit(*arguments)
        assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(NotFittedError):
        DemandResponse().expected(X)
    with pytest.raises(SchemaError, match="weights"):
        DemandResponse().fit(X, y, sample_weight=np.ones(len(y)))
    with pytest.raises(SchemaError, match="same order"):
        DemandResponse(n_estimators=2).fit(X, y).expected(X[X.columns[::-1]])
