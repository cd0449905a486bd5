"""Scores of single values: of the median or the mean of each distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.errors import SchemaError
from energyforecast.evaluation.metrics.basic import Metric, as_pairs, score
from energyforecast.evaluation.pairing import Pairs

__all__ = ["correlation", "energy_error", "mape", "mse_parts"]

Array = npt.NDArray[Any]
By = str | Sequence[str] | None

_ORDER: Final = (1, 1, 2, 2, 2)


def _moments(pairs: Pairs) -> Array:
    """Of outcomes and means, from which variances and the covariance come."""
    o, f = pairs.observed, pairs.mean
    return np.column_stack([o, f, o * o, f * f, o * f])


def _spread(means: Array) -> tuple[Array, Array, Array]:
    """Standard deviations and covariance; what is left of a constant series by rounding counts as 0."""
    o, f, oo, ff, of = np.moveaxis(means, -1, 0)
    deviations = [
        np.where(v > 1e-12 * m, np.sqrt(np.maximum(v, 0.0)), 0.0)
        for v, m in ((oo - o * o, oo), (ff - f * f, ff))
    ]
    return deviations[0], deviations[1], of - o * f


def _correlation(means: Array) -> Array:
    s_o, s_f, covariance = _spread(means)
    product = s_o * s_f
    return np.where(product > 0, covariance / np.where(product > 0, product, 1.0), np.nan)


def _variance_part(means: Array) -> Array:
    s_o, s_f, _ = _spread(means)
    return np.asarray((s_f - s_o) ** 2)


def _phase_part(means: Array) -> Array:
    s_o, s_f, covariance = _spread(means)
    return np.asarray(np.maximum(2 * (s_o * s_f - np.where(s_o * s_f > 0, covariance, 0.0)), 0.0))


_CORRELATION: Final = Metric("correlation", _moments, share=True, combine=_correlation, lower_is_better=False)
_PARTS: Final = (
    Metric("mse", lambda p: (p.observed - p.mean) ** 2, unit="MW²", order=2),
    *(
        Metric(name, _moments, unit="MW²", order=_ORDER, combine=combine)
        for name, combine in (
            ("mse_bias", lambda m: (m[..., 1] - m[..., 0]) ** 2),
            ("mse_variance", _variance_part),
            ("mse_phase", _phase_part),
        )
    ),
)
_MAPE: Final = Metric(
    "mape",
    lambda p: np.abs(p.at(0.5) - p.observed) / np.where(p.observed == 0, np.nan, np.abs(p.observed)),
    share=True,
)
_ENERGY: Final = Metric(
    "energy_error", lambda p: (p.mean - p.observed) * p.step, unit="MWh", total=True, lower_is_better=None
)


def correlation(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Pearson correlation of outcomes and means; blind to bias and scale. NaN where either is constant. [1]

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    by, weights : optional
        As in :func:`score`.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> correlation(example_observations(), example_forecast())[["metric", "value", "n"]].round(6)
            metric  value   n
    0  correlation    1.0  24
    """
    return score(_CORRELATION, observed, forecast, by=by, weights=weights)


def mse_parts(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Mean squared error, and its parts by bias, by variance and by phase, whose sum it is. [MW²]

    ``mse_bias`` is the squared bias, ``mse_variance`` the squared difference of standard deviations,
    ``mse_phase`` is 2 s_f s_o (1 - correlation): what is too early, too late or elsewhere.

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    by, weights : optional
        As in :func:`score`.

    References
    ----------
    Murphy (1988), https://doi.org/10.1175/1520-0493(1988)116%3C2417:SSBOTM%3E2.0.CO;2.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> mse_parts(example_observations(), example_forecast())[["metric", "value"]].round(6)
             metric  value
    0           mse    1.0
    1      mse_bias    1.0
    2  mse_variance    0.0
    3     mse_phase    0.0
    """
    return score(_PARTS, observed, forecast, by=by, weights=weights)


def mape(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Mean absolute error of the median as a share of the outcome, for demand alone. [1]

    Hours without demand are left out, and not in ``n``.

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    by, weights : optional
        As in :func:`score`.

    Raises
    ------
    SchemaError
        If the kind of a site is not demand: the power of a plant comes close to nothing, and its share of that
        means nothing.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> town = example_forecast().with_kind("demand")
    >>> mape(example_observations(), town)[["metric", "percent", "n"]].round(1)
      metric  percent   n
    0   mape      6.2  24
    """
    pairs = as_pairs(observed, forecast)
    other = pairs.labels[pairs.kind != "demand"]
    if len(other):
        raise SchemaError(
            f"MAPE is asked for at site {other['site'].iloc[0]!r} of the kind {other['kind'].iloc[0]!r}.",
            "It is a score of demand: plants often make next to nothing, and divided by that any error is huge.",
            'Use mae, whose percent is of the capacity; or forecast.with_kind("demand"), if it is demand.',
        )
    return score(_MAPE, pairs, by=by, weights=weights)


def energy_error(
    observed: Observations | Pairs,
    forecast: Forecast | None = None,
    *,
    by: By = None,
    weights: Array | None = None,
) -> pd.DataFrame:
    """Energy forecast (by the mean) minus energy delivered, over all hours with an outcome. [MWh]

    Parameters
    ----------
    observed : Observations or Pairs
    forecast : Forecast, optional
    by, weights : optional
        As in :func:`score`.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> energy_error(example_observations(), example_forecast())[["metric", "value", "n"]]
             metric  value   n
    0  energy_error  -24.0  24
    """
    return score(_ENERGY, observed, forecast, by=by, weights=weights)
