"""Calibration repairs what a model gets wrong: split conformal where the weather stays, adaptive where it drifts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core.forecast import Forecast
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.errors import RangeError, SchemaError, UncalibratedWarning
from energyforecast.models import Climatology, ConformalQuantiles, QuantileModel
from energyforecast.models.base import Part
from energyforecast.models.conformal import quantile_by_level
from energyforecast.testing import poison_observations

Array = npt.NDArray[np.float64]
LEVELS = np.array(PERCENTILES)
HOUR = np.timedelta64(3_600_000_000_000, "ns")


class Remembers(QuantileModel):
    """The outcome of each row it has seen, and nothing of the others."""

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self.known_ = dict(zip(X["row"], y, strict=True))

    def _predict(self, X: pd.DataFrame) -> Array:
        found = np.array([self.known_.get(row, 0.0) for row in X["row"]])
        return np.repeat(found[:, None], len(self.levels), axis=1)

    def parts(self) -> dict[str, Part]:
        return {}

    def restore(self, parts: Any) -> None:
        pass


class Overconfident(QuantileModel):
    """A model that is sure of itself: half the true spread around x + 0.3, whatever it is taught."""

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        pass

    def _predict(self, X: pd.DataFrame) -> Array:
        from scipy.special import ndtri

        spread = X["spread"].to_numpy()[:, None] if "spread" in X else 1.0
        return np.asarray(X["x"].to_numpy()[:, None] + 0.3 + 0.5 * spread * ndtri(np.array(self.levels)))

    def parts(self) -> dict[str, Part]:
        return {}

    def restore(self, parts: Any) -> None:
        pass


def _rows(count: int, seed: int) -> tuple[pd.DataFrame, Array]:
    """Outcomes around x whose spread is 0.5 at short leads and 2 at long ones."""
    noise = np.random.default_rng(seed)
    lead = noise.integers(15, 39, count).astype(float)
    spread = np.where(lead > 26, 2.0, 0.5)
    X = pd.DataFrame(
        {"x": noise.uniform(-3, 3, count), "lead_time": lead, "hour": lead % 24, "spread": spread}
    )
    return X, X["x"].to_numpy() + spread * noise.normal(size=count)


def _coverage(y: Array, q: Array) -> Array:
    """Share inside the central 50, 80 and 90 %. [%]"""
    at = {level: q[:, k] for k, level in enumerate(PERCENTILES)}
    return np.array(
        [100 * np.mean((at[a] <= y) & (y <= at[b])) for a, b in ((0.25, 0.75), (0.1, 0.9), (0.05, 0.95))]
    )


def _below(y: Array, q: Array) -> Array:
    return np.asarray(100 * np.mean(y[:, None] <= q, axis=0))


# --- Split ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"folds": 5}, {"folds": 0}, {"refit": True}, {"scaled": True}])
def test_split_calibration_repairs_every_level_of_a_wrong_model(how: dict[str, Any]) -> None:
    (X, y), (new, outcome) = _rows(8000, 1), _rows(8000, 2)
    wrong = Overconfident().fit(X, y).predict(new)
    assert _coverage(outcome, wrong)[1] < 60, "the model is overconfident"
    right = ConformalQuantiles(model=Overconfident(), **how).fit(X, y).predict(new)
    np.testing.assert_allclose(_coverage(outcome, right), [50, 80, 90], atol=2)
    np.testing.assert_allclose(_below(outcome, right), 100 * LEVELS, atol=2)


@pytest.mark.parametrize("by", ["lead_time", "spread"])
def test_calibration_by_groups_is_right_in_each_of_them(by: str) -> None:
    (X, y), (new, outcome) = _rows(8000, 1), _rows(8000, 2)
    same = X.assign(spread=1.0), new.assign(spread=1.0)  # the model does not know how the spread grows
    if by == "spread":
        same = X, new
        X, new = X.assign(spread=1.0), new.assign(spread=1.0)
    for columns, wanted in ((None, False), (by, True)):
        model = ConformalQuantiles(model=Overconfident(), by=columns, groups=24)
        result = model.fit(same[0], y).predict(same[1])
        far = (new["lead_time"] > 26).to_numpy()
        found = [_coverage(outcome[part], result[part]) for part in (far, ~far)]
        assert all(np.abs(one - [50, 80, 90]).max() < 3 for one in found) == wanted


def test_a_group_never_seen_and_a_missing_one_are_calibrated() -> None:
    X, y = _rows(3000, 1)
    model = ConformalQuantiles((0.1, 0.5, 0.9), model=Overconfident(), by="lead_time").fit(X, y)
    new = X.iloc[:3].assign(lead_time=[500.0, np.nan, 38.0])
    added = model.predict(new) - Overconfident((0.1, 0.5, 0.9)).fit(X, y).predict(new)
    np.testing.assert_allclose(added[0], model.corrections_[-2])
    np.testing.assert_allclose(added[1], model.corrections_[-1])


def test_calibration_rows_are_not_those_the_model_saw() -> None:
    """A model that remembers its rows has no errors on them; calibrated on those it would stay as sure."""
    X, y = _rows(2000, 3)
    X["row"] = np.arange(2000.0)
    for folds in (4, 0):
        model = ConformalQuantiles((0.1, 0.9), model=Remembers(), folds=folds).fit(X, y)
        assert model.corrections_[-1, 0] < -1 < 1 < model.corrections_[-1, 1]


@pytest.mark.parametrize(("how", "enough"), [({"folds": 5}, 100), ({"folds": 0}, 400)])
def test_few_rows_are_calibrated_together_and_fewer_are_warned_of(how: dict[str, Any], enough: int) -> None:
    X, y = _rows(500, 3)
    X["row"] = np.arange(500.0)
    model = ConformalQuantiles((0.1, 0.9), model=Remembers(), **how)
    assert model.fit(X[:enough], y[:enough]).corrections_.shape == (1, 2)
    assert model.corrections_[-1, 0] < -1 < 1 < model.corrections_[-1, 1]
    with pytest.warns(UncalibratedWarning, match="100 must be held out"):
        model.fit(X[: enough - 1], y[: enough - 1])
    assert len(model.corrections_) == 0


def test_weights_of_rows_weigh_their_errors() -> None:
    """Half of the rows are 1 too high, half 1 too low, and the high ones weigh nine times as much."""
    X = pd.DataFrame({"x": np.zeros(2000)})
    y = np.where(np.arange(2000) % 2 == 1, 1.0, -1.0)
    model = ConformalQuantiles((0.05, 0.25, 0.5), model=Overconfident())
    result = model.fit(X, y, sample_weight=np.where(y > 0, 9.0, 1.0)).predict(X[:1])
    np.testing.assert_allclose(result[0], [-1, 1, 1], atol=0.01)


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"folds": -1}, {"share": 1.5}, {"groups": 0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RangeError) as caught:
        ConformalQuantiles(model=Overconfident(), **wrong).fit(*_rows(200, 0))
    assert len(str(caught.value).splitlines()) == 3


def test_a_column_that_is_not_there_makes_no_groups() -> None:
    with pytest.raises(SchemaError, match="'altitude'"):
        ConformalQuantiles(model=Overconfident(), by="altitude").fit(*_rows(200, 0))


def test_a_model_that_names_its_columns_still_does_inside() -> None:
    assert ConformalQuantiles(model=Climatology(), by="lead_time").needs == ("hour", "lead_time")
    assert ConformalQuantiles(model=Climatology()).needs == ("hour",)
    assert ConformalQuantiles().needs is None


def test_the_quantile_of_errors_is_that_of_a_new_one() -> None:
    """Whatever the sample, a new value lies below the 0.9 quantile of nineteen with probability 0.9."""
    noise = np.random.default_rng(0).normal(size=(4000, 20))
    found = np.array([quantile_by_level(row[:19, None], (0.9,))[0] for row in noise])
    assert abs(np.mean(noise[:, 19] <= found) - 0.9) < 0.015
    assert np.mean(noise[:, 19] <= np.quantile(noise[:, :19], 0.9, axis=1)) < 0.88, "the plain one is not"


def test_equal_weights_change_no_quantile_of_errors() -> None:
    errors = np.random.default_rng(0).normal(size=(50, 3))
    levels = (0.001, 0.3, 0.97)
    np.testing.assert_allclose(
        quantile_by_level(errors, levels, np.full(50, 7.0)), quantile_by_level(errors, levels)
    )


# --- Adaptive -------------------------------------------------------------------------------------


def _issued(
    days: int = 300, *, shift_at: int | None = None, seed: int = 0, delay: str = "6h"
) -> tuple[Forecast, ef.Observations, Array]:
    """Daily forecasts, right at first, of a synthetic site that from one day on is 6 MW lower and twice as rough."""
    from scipy.special import ndtri

    noise = np.random.default_rng(seed)
    issued = np.datetime64("2024-01-01T09", "ns") + np.arange(days) * 24 * HOUR
    leads = np.arange(15, 39) * HOUR
    valid = issued[:, None] + leads
    centre = 50 + 5 * noise.normal(size=(days, 24))
    changed = (np.arange(days) >= (days if shift_at is None else shift_at))[:, None]
    outcome = centre - 6 * changed + np.where(changed, 6, 3) * noise.normal(size=(days, 24))
    cube = centre[None, ..., None] + 3 * ndtri(LEVELS)
    data = xr.DataArray(
        cube.astype("f4"),
        dims=("site", "issue_time", "lead_time", "quantile"),
        coords={
            "site": ["farm"],
            "issue_time": issued,
            "lead_time": leads,
            "quantile": LEVELS,
            "valid_time": (("issue_time", "lead_time"), valid),
            "capacity": ("site", [100.0]),
            "kind": ("site", ["wind"]),
            "fallback_level": (("site", "issue_time"), np.zeros((1, days), dtype=int)),
            "weather_init_time": (("site", "issue_time"), issued[None, :]),
        },
        attrs={"units": "MW"},
    )
    index = pd.DatetimeIndex(valid.ravel(), tz="UTC")
    power = ef.Observations(pd.DataFrame({"farm": outcome.ravel()}, index=index), published_after=delay)
    return Forecast(data), power, outcome


def _late(forecast: Forecast, outcome: Array, first: int) -> Array:
    return _coverage(
        outcome[first:].ravel(), forecast.data.values[0, first:].reshape(-1, len(LEVELS)).astype(float)
    )


def test_adaptive_calibration_follows_a_shift_that_a_fixed_one_cannot() -> None:
    forecast, power, outcome = _issued(shift_at=100)
    assert _late(forecast, outcome, 130)[1] < 50, "the forecast has become wrong"
    adapted = ef.AdaptiveCalibration(window="30D").apply(forecast, power)
    np.testing.assert_allclose(_late(adapted, outcome, 140), [50, 80, 90], atol=2)
    assert adapted.data.attrs["calibration"].startswith("AdaptiveCalibration")


def test_adaptive_calibration_leaves_a_calibrated_forecast_calibrated() -> None:
    forecast, power, outcome = _issued()
    adapted = ef.AdaptiveCalibration().apply(forecast, power)
    np.testing.assert_allclose(_late(adapted, outcome, 60), [50, 80, 90], atol=2)
    added = adapted.data.values - forecast.data.values
    assert np.abs(added[0, 60:, :, 10:90]).mean() < 0.3


@pytest.mark.slow
def test_the_level_that_is_taken_moves_against_a_slow_drift() -> None:
    """Within the window the past is never like the present; the rate makes up for it."""
    forecast, power, _ = _issued(seed=4)
    values = power.values - 0.05 * np.arange(len(power.values))[:, None] / 24 * 4
    drifting = replace(power, values=values)
    outcome = values["farm"].to_numpy().reshape(-1, 24)
    wrong = {}
    for rate in (0.0, 0.05):
        adapted = ef.AdaptiveCalibration(window="90D", rate=rate).apply(forecast, drifting)
        below = _below(outcome[100:].ravel(), adapted.data.values[0, 100:].reshape(-1, len(LEVELS)))
        wrong[rate] = np.abs(below - 100 * LEVELS)[10:90].mean()
    assert wrong[0.05] < 0.5 * wrong[0.0]


@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_the_level_of_the_median_moves_by_half_of_the_rate(rate: float) -> None:
    """All outcomes of the first day lie above the median: residuals 10 to 33 are read at 0.5 + rate / 2."""
    forecast, power, _ = _issued(3, delay="9h")
    flat = forecast.data.copy(data=np.broadcast_to(50 + 10 * (LEVELS - 0.5), forecast.data.shape))
    outcome = power.values.copy()
    outcome["farm"] = np.tile(60.0 + np.arange(24), 3)
    made = ef.AdaptiveCalibration(rate=rate, by_lead=1, min_residuals=24).apply(
        Forecast(flat), replace(power, values=outcome)
    )
    median = made.at(0.5).values[0]
    first = median[np.abs(median - 50).max(axis=1) > 1][0]
    np.testing.assert_allclose(first, 50 + 9 + 25 * (0.5 + rate / 2), atol=0.01)


@pytest.mark.parametrize("day", [40, 120])
def test_what_was_not_published_at_an_issue_changes_nothing_before_it(day: int) -> None:
    forecast, power, _ = _issued(160, shift_at=60, delay="30h")
    moment = forecast.issue_times[day]
    spoilt = poison_observations(power, moment)
    assert not spoilt.values.equals(power.values)
    calibrate = ef.AdaptiveCalibration(window="20D")
    honest, fooled = (calibrate.apply(forecast, known).data.values[:, : day + 1] for known in (power, spoilt))
    np.testing.assert_array_equal(honest, fooled)
    # ... and what was published counts at once.
    known = power.values.copy()
    published = power.index + pd.Timedelta("31h") <= moment
    known.loc[published & (power.index > moment - pd.Timedelta("5D"))] += 5
    other = calibrate.apply(forecast, replace(power, values=known)).data.values[:, day]
    assert not np.array_equal(other, honest[:, day])


def test_an_issue_today_from_the_archive_is_that_of_the_backtest() -> None:
    forecast, power, _ = _issued(80, shift_at=30)
    calibrate = ef.AdaptiveCalibration(window="20D")
    whole = calibrate.apply(forecast, power).data
    today = Forecast(forecast.data.isel(issue_time=[70]))
    archive = Forecast(forecast.data.isel(issue_time=slice(0, 70)))
    # In the morning the observations end where they were published.
    end = power.index + pd.Timedelta("7h") <= today.issue_times[0]
    alone = calibrate.apply(today, replace(power, values=power.values[end]), past=archive)
    np.testing.assert_array_equal(alone.data.values, whole.values[:, 70:71])
    with pytest.raises(SchemaError, match="earlier issues"):
        calibrate.apply(archive, power, past=today)


def test_nights_and_climatology_stay_and_teach_nothing() -> None:
    forecast, power, _ = _issued(60, shift_at=0)
    data = forecast.data.copy(deep=True)
    data.values[:, :, :6] = 0.0
    data["fallback_level"].values[0, 50] = 3
    adapted = ef.AdaptiveCalibration(by_lead=1).apply(Forecast(data), power).data.values
    assert (adapted[:, :, :6] == 0).all()
    np.testing.assert_array_equal(adapted[0, 50], data.values[0, 50])
    assert (adapted[0, 49, 6:] != data.values[0, 49, 6:]).any()


def test_outcomes_that_are_missing_are_waited_for_by_nobody() -> None:
    forecast, power, outcome = _issued(150, shift_at=50)
    values = power.values.mask(np.random.default_rng(0).uniform(size=power.values.shape) < 0.4)
    adapted = ef.AdaptiveCalibration(window="30D", min_residuals=50).apply(
        forecast, replace(power, values=values)
    )
    assert np.isfinite(adapted.data.values).all()
    np.testing.assert_allclose(_late(adapted, outcome, 90), [50, 80, 90], atol=4)


@pytest.mark.parametrize(
    "wrong", [{"rate": 1.0}, {"rate": -0.1}, {"by_lead": 0}, {"min_residuals": 0}, {"window": "-5D"}]
)
def test_rates_and_groups_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RangeError) as caught:
        ef.AdaptiveCalibration(**wrong)
    assert len(str(caught.value).splitlines()) == 3


def test_an_archive_that_is_too_short_calibrates_nothing_and_warns() -> None:
    forecast, power, _ = _issued(8)
    with pytest.warns(
        UncalibratedWarning, match="No forecast of farm was calibrated: fewer than 1000"
    ) as seen:
        made = ef.AdaptiveCalibration(min_residuals=1000).apply(forecast, power)
    assert seen[0].filename == __file__
    np.testing.assert_array_equal(made.data.values, forecast.data.values)
    today, archive = (Forecast(forecast.data.isel(issue_time=part)) for part in (slice(1, 2), slice(0, 1)))
    with pytest.warns(UncalibratedWarning):
        ef.AdaptiveCalibration().apply(today, power, past=archive)


def test_the_long_run_share_is_exact_also_where_outcomes_are_missing() -> None:
    """The last levels of residuals follow from the shares of all issues: a missing outcome counts as the level."""
    forecast, power, _ = _issued(130, shift_at=30)
    values = power.values.mask(np.random.default_rng(0).uniform(size=power.values.shape) < 0.3)
    values.iloc[60 * 24 : 63 * 24] = np.nan
    made = ef.AdaptiveCalibration(window="40D", by_lead=1, min_residuals=20, rate=0.02).apply(
        forecast, replace(power, values=values)
    )
    outcome = values.loc[pd.DatetimeIndex(forecast.data["valid_time"].values.ravel(), tz="UTC"), "farm"]
    outcome = outcome.to_numpy().reshape(130, 24, 1)
    published = forecast.data["valid_time"].values + np.timedelta64(7, "h")
    known = np.isfinite(outcome) & (published <= forecast.data["issue_time"].values[129])[..., None]
    shares = np.where(known, outcome < made.data.values[0], LEVELS)[:129].mean(axis=1)
    alpha = LEVELS + 4 * 0.02 * LEVELS * (1 - LEVELS) * (LEVELS - shares).sum(axis=0)
    assert ((alpha > -1) & (alpha < 2)).all()
    residuals = (outcome - forecast.data.values[0])[89:129][known[89:129, :, 0]]
    expected = [np.quantile(residuals[:, k], np.clip(a, 0, 1), method="weibull") for k, a in enumerate(alpha)]
    moved = made.data.values[0, 129] - forecast.data.values[0, 129]
    inner = (alpha > 0.02) & (alpha < 0.98)
    np.testing.assert_allclose(moved[:, inner].mean(axis=0), np.array(expected)[inner], atol=0.25)
