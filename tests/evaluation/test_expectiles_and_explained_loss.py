"""Expectiles and the share of explained loss: against scipy, scikit-learn, scores, and known truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from sklearn.metrics import d2_pinball_score

from energyforecast import evaluation as ev
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.errors import EnergyForecastError
from energyforecast.testing import example_days, example_forecast, example_observations

Array = npt.NDArray[np.float64]
LEVELS = (0.05, 0.3, 0.5, 0.9)


def made(n: int = 300, *, seed: int = 0) -> tuple[pd.Series, pd.DataFrame]:
    """Outcomes with ties, and rising quantiles."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=n, freq="1h", tz="UTC")
    observed = pd.Series(rng.gamma(2, 10, size=n).round(), index=index)
    quantiles = np.sort(observed.to_numpy()[:, None] + rng.normal(scale=8, size=(n, len(LEVELS))), axis=1)
    return observed, pd.DataFrame(quantiles, index=index, columns=list(LEVELS))


# --- expectiles -----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.01, 0.2, 0.5, 0.77, 0.999])
def test_expectiles_of_samples_are_those_of_scipy(level: float) -> None:
    rng = np.random.default_rng(1)
    for scale, centre in ((1.0, 0.0), (5.0, 1e6), (0.0, 3.0)):
        x = centre + scale * rng.normal(size=(4, 9))
        curve = QuantileFunction.of_samples(x)
        # Steps of samples, as a curve whose levels rise by a hair at each jump.
        inner = np.asarray(curve.levels)[1:-1] + np.tile([-1e-9, 1e-9], 8)
        levels = np.concatenate([[1e-9], inner, [1 - 1e-9]])
        found = ev.expectiles_of_quantiles(curve.values, levels, level=level)
        np.testing.assert_allclose(found, [stats.expectile(row, level) for row in x], rtol=1e-9, atol=1e-7)


def test_an_expectile_balances_gains_and_losses_and_minimises_its_loss() -> None:
    _, quantiles = made(20)
    u = (np.arange(40000) + 0.5) / 40000
    for level in (0.1, 0.9):
        found = ev.expectiles_of_quantiles(quantiles.to_numpy(), LEVELS, level=level)
        for row, e in zip(quantiles.to_numpy(), found, strict=True):
            drawn = np.interp(u, LEVELS, row)
            gain, loss = np.maximum(drawn - e, 0).mean(), np.maximum(e - drawn, 0).mean()
            assert level * gain == pytest.approx((1 - level) * loss, rel=1e-4)
            scores = [
                ev.expectile_loss(drawn, np.full(len(u), x), level=level).mean()
                for x in (e - 0.1, e, e + 0.1)
            ]
            assert scores[1] == min(scores)


def test_the_loss_of_expectiles_is_that_of_scores() -> None:
    continuous = pytest.importorskip("scores.continuous", reason="the extra 'test' has the oracle scores")
    rng = np.random.default_rng(2)
    y, e = rng.normal(size=50).round(1), rng.normal(size=50).round(1)
    y[3] = np.nan
    for level in (0.1, 0.5, 0.9):
        expected = continuous.consistent_expectile_score(
            xr.DataArray(e, dims="t"), xr.DataArray(y, dims="t"), level,
            phi=lambda x: x**2, phi_prime=lambda x: 2 * x, preserve_dims="t",
        )  # fmt: skip
        np.testing.assert_allclose(ev.expectile_loss(y, e, level=level), expected.values, atol=1e-12)


def test_the_metric_at_one_half_is_half_of_the_squared_error() -> None:
    forecast, observations = example_days(days=10)
    squared = ev.rmse(observations, forecast)["value"].iloc[0] ** 2
    table = ev.score("expectile", observations, forecast)
    assert table["value"].iloc[0] == pytest.approx(squared / 2, rel=1e-12)
    assert ev.expectile(observations, forecast, level=0.9)["level"].tolist() == [0.9]


# --- explained loss -------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_the_explained_share_of_a_level_is_that_of_scikit_learn(weighted: bool) -> None:
    observed, quantiles = made()
    weights = np.random.default_rng(3).uniform(0.5, 2, size=len(observed)) if weighted else None
    table = ev.score("d2_pinball", observed, quantiles, by="level", weights=weights)
    expected = [d2_pinball_score(observed, quantiles[x], alpha=x, sample_weight=weights) for x in LEVELS]
    np.testing.assert_allclose(table["value"], expected, rtol=1e-10)
    equal = ev.score("d2_pinball", observed, quantiles, by="level", weights=np.full(len(observed), 3.0))
    plain = ev.score("d2_pinball", observed, quantiles, by="level")
    np.testing.assert_allclose(equal["value"], plain["value"], rtol=1e-12)


def test_whole_weights_are_hours_that_occur_as_often() -> None:
    observed, quantiles = made(60)
    times = np.random.default_rng(4).integers(0, 4, size=60)
    index = pd.date_range("2025-01-01", periods=times.sum(), freq="1h", tz="UTC")
    repeated = [part.iloc[np.repeat(np.arange(60), times)].set_axis(index) for part in (observed, quantiles)]
    found = ev.d2_pinball(observed, quantiles, weights=times.astype(float))["value"].iloc[0]
    # Interpolated quantiles of the repeated hours have nearly the least loss.
    assert found == pytest.approx(ev.d2_pinball(*repeated)["value"].iloc[0], abs=2e-3)


def test_the_explained_share_of_all_levels_is_that_of_sums_with_an_interval() -> None:
    observed, quantiles = made(24 * 40)
    y = observed.to_numpy()[:, None]
    own = np.broadcast_to(np.quantile(y, LEVELS), quantiles.shape)
    loss, base = (ev.pinball_loss(y[:, 0], q, LEVELS).sum() for q in (quantiles.to_numpy(), own))
    table = ev.d2_pinball(observed, quantiles, confidence=0.9)
    assert table["value"].iloc[0] == pytest.approx(1 - loss / base, rel=1e-12)
    assert table["low"].iloc[0] < table["value"].iloc[0] < table["high"].iloc[0]
    constant = quantiles * 0 + own
    assert ev.d2_pinball(observed, constant)["value"].iloc[0] == pytest.approx(0.0, abs=1e-12)


def test_equal_outcomes_and_a_single_one_have_no_explained_share() -> None:
    observed, quantiles = made(48)
    for y, q in ((observed * 0 + 0.1, quantiles), (observed.iloc[:1], quantiles.iloc[:1])):
        y.index.freq = q.index.freq = "h"
        assert ev.d2_pinball(y, q)["value"].isna().all()
    observed.iloc[3] = np.nan
    assert ev.d2_pinball(observed, quantiles)[["n", "missing"]].to_numpy().tolist() == [[47, 1]]


@pytest.mark.parametrize(
    "call",
    [
        lambda: ev.expectile(example_observations(), example_forecast(), level=90.0),
        lambda: ev.expectile(example_observations(), example_forecast(), level=0.0),
        lambda: ev.expectile_loss(np.ones(3), np.ones(2)),
        lambda: ev.expectile_loss(np.ones(3), np.ones(3), level=np.nan),
        lambda: ev.expectiles_of_quantiles(np.ones((2, 3)), (0.1, 0.9)),
        lambda: ev.expectiles_of_quantiles(np.ones(3), (0.1, 0.5, 0.9)),
        lambda: ev.expectiles_of_quantiles(np.ones((2, 2)), (0.9, 0.1)),
        lambda: ev.expectiles_of_quantiles(np.array([[2.0, 1.0]]), (0.1, 0.9)),
        lambda: ev.score("d2_pinball", example_observations(), example_forecast(), parameters={"alpha": 0.5}),
    ],
)
def test_senseless_arguments_are_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 3
