"""Murphy diagrams against the library scores, and by their integrals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from energyforecast import evaluation as ev
from energyforecast.errors import RangeError, SchemaError
from energyforecast.testing import example_result
from tests.support.wandering_pairs import make_pairs

PAIRS = make_pairs(days=40, bias=3.0)


def _with_ties() -> ev.Pairs:
    """Outcomes and forecasts of whole megawatts, so that thresholds equal them."""
    return replace(PAIRS, observed=np.round(PAIRS.observed), quantiles=np.round(PAIRS.quantiles))


@pytest.mark.parametrize(("functional", "level"), [("quantile", 0.1), ("quantile", 0.5), ("mean", 0.5)])
def test_elementary_scores_are_those_of_scores(functional: str, level: float) -> None:
    continuous = pytest.importorskip("scores.continuous", reason="the extra 'test' has the oracle scores")
    pairs, thresholds = _with_ties(), np.arange(20.0, 80.0, 2.5)
    forecast = pairs.at(level) if functional == "quantile" else pairs.mean
    arrays = [xr.DataArray(x, dims="t") for x in (forecast, pairs.observed)]
    kind = "quantile" if functional == "quantile" else "expectile"
    expected = continuous.murphy_score(*arrays, thetas=thresholds, functional=kind, alpha=level)
    table = ev.murphy(pairs, functional=functional, level=level, thresholds=thresholds)
    np.testing.assert_allclose(table["value"], expected["total"], atol=1e-12)


def test_scores_are_integrals_of_the_curve() -> None:
    fine = np.linspace(0.0, 110.0, 4001)
    table = ev.murphy(PAIRS, level=0.9, thresholds=fine)
    loss = ev.pinball_loss(PAIRS.observed, PAIRS.at(0.9)[:, None], [0.9]).mean()
    assert np.trapezoid(table["value"], fine) == pytest.approx(loss, rel=1e-3)
    table = ev.murphy(PAIRS, functional="mean", thresholds=fine)
    assert 4 * np.trapezoid(table["value"], fine) == pytest.approx(
        ((PAIRS.mean - PAIRS.observed) ** 2).mean(), rel=1e-3
    )


def test_a_biased_forecast_is_worse_at_every_threshold_with_a_band() -> None:
    right = make_pairs(days=40)
    table = ev.murphy(right, reference=PAIRS)
    assert len(table) == 101
    np.testing.assert_allclose(table["difference"], table["value"] - table["reference"])
    assert (table["low"] <= table["difference"] + 1e-12).all()
    assert (table["difference"] <= table["high"] + 1e-12).all()
    assert (table["high"] < 0).mean() > 0.15
    same = ev.murphy(right, reference=right)
    assert same[["difference", "low", "high"]].eq(0.0).all(axis=None)


def test_fewer_than_eight_days_have_no_band_and_a_forecast_serves_as_the_reference() -> None:
    result = example_result()
    table = ev.murphy(result.observations, result.forecasts["model"], reference=result.forecasts["reference"])
    assert table[["low", "high"]].isna().all(axis=None)
    assert (table["difference"] <= 0).all()
    assert ev.murphy(result.observations, result.forecasts["model"], reference=None)["n"].eq(24).all()


def test_senseless_arguments_are_refused() -> None:
    for given, error in (
        ({"functional": "median"}, SchemaError),
        ({"level": 90.0}, RangeError),
        ({"thresholds": [np.nan]}, RangeError),
        ({"thresholds": []}, SchemaError),
        ({"thresholds": [[1.0]]}, SchemaError),
        ({"confidence": 1.0}, RangeError),
    ):
        with pytest.raises(error):
            ev.murphy(PAIRS, **given)
