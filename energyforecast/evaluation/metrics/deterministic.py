"""Metrics of single values: of the median or the mean of each distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.errors import SchemaError
from energyforecast.evaluation.aggregation import Metric
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import metric

__all__ = ["correlation", "energy_error", "mape", "mse_parts"]

Array = npt.NDArray[Any]


@metric()
def correlation() -> Metric:
    r"""Pearson correlation of outcomes and means; blind to bias and scale. [1]

    .. math:: r = \frac{\mathrm{cov}(y, f)}{s_y \, s_f}

    with the standard deviations :math:`s` of outcomes and means. It is NaN where either is constant.

    See Also
    --------
    mse_parts

    References
    ----------
    Murphy (1988), https://doi.org/10.1175/1520-0493(1988)116%3C2417:SSBOTM%3E2.0.CO;2.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> correlation(example_observations(), example_forecast())[["metric", "value", "n"]].round(6)
            metric  value   n
    0  correlation    1.0  24
    """
    return Metric("correlation", _columns, share=True, statistic=_correlation, lower_is_better=False)


@metric("mse", "mse_bias", "mse_variance", "mse_phase")
def mse_parts() -> list[Metric]:
    r"""Mean squared error and its parts by bias, variance and phase, which add up to it. [MW²]

    .. math:: \overline{(f - y)^2} = (\bar f - \bar y)^2 + (s_f - s_y)^2 + 2 s_f s_y (1 - r)

    with standard deviations :math:`s` and the correlation :math:`r`: ``mse_bias``, ``mse_variance`` and ``mse_phase``,
    the error of power that comes too early, too late or elsewhere.

    See Also
    --------
    rmse, correlation

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
    parts = {
        "mse_bias": lambda points, weights: _Moments.of(points, weights).bias ** 2,
        "mse_variance": _variance_part,
        "mse_phase": _phase_part,
    }
    return [
        Metric("mse", lambda p: (p.observed - p.mean) ** 2, unit="MW²", order=2),
        *(Metric(name, _columns, unit="MW²", statistic=part) for name, part in parts.items()),
    ]


@metric()
def mape() -> Metric:
    r"""Mean absolute percentage error of the median, for demand alone. [1]

    .. math:: \mathrm{MAPE} = \frac{1}{n} \sum_i \frac{|y_i - m_i|}{|y_i|}

    Hours without demand are left out, and not in ``n``.

    Raises
    ------
    SchemaError
        If the kind of a site is not demand: the power of a plant comes close to zero, and an error divided by that
        has no meaning.

    See Also
    --------
    mae

    References
    ----------
    Hyndman and Koehler (2006), https://doi.org/10.1016/j.ijforecast.2006.03.001.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> town = example_forecast().with_kind("demand")
    >>> mape(example_observations(), town)[["metric", "percent", "n"]].round(1)
      metric  percent   n
    0   mape      6.2  24
    """
    return Metric("mape", _absolute_percentage, share=True)


@metric()
def energy_error() -> Metric:
    r"""Energy forecast (by the mean) minus energy delivered, over all hours with an outcome. [MWh]

    .. math:: \sum_i (f_i - y_i) \, \Delta t

    with the length :math:`\Delta t` of an interval.

    See Also
    --------
    bias, imbalance_cost

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> energy_error(example_observations(), example_forecast())[["metric", "value", "n"]]
             metric  value   n
    0  energy_error  -24.0  24
    """
    return Metric(
        "energy_error",
        lambda p: (p.mean - p.observed) * p.step,
        unit="MWh",
        total=True,
        lower_is_better=None,
    )


def _absolute_percentage(pairs: Pairs) -> Array:
    """Absolute error as a share of the outcome; NaN at an outcome of 0."""
    other = pairs.labels[pairs.kind != "demand"]
    if len(other):
        raise SchemaError(
            f"MAPE is asked for at site {other['site'].iloc[0]!r} of the kind {other['kind'].iloc[0]!r}.",
            "It must be demand: the power of a plant is often close to zero, and any error divided by it is huge.",
            'Use mae, whose percent is of the capacity; or forecast.with_kind("demand"), if it is demand.',
        )
    size = np.where(pairs.observed == 0, np.nan, np.abs(pairs.observed))
    return np.asarray(np.abs(pairs.at(0.5) - pairs.observed) / size)


def _columns(pairs: Pairs) -> Array:
    """Errors, outcomes and means."""
    return np.column_stack([pairs.mean - pairs.observed, pairs.observed, pairs.mean])


@dataclass(frozen=True, eq=False)
class _Moments:
    """Weighted moments about the means: those about zero lose the digits of a small spread around a large mean."""

    bias: Array
    error: Array  # its variance
    outcome: Array  # its deviation
    forecast: Array  # its deviation
    together: Array  # covariance of outcome and forecast
    wider: Array  # variance of the forecast minus that of the outcome

    @classmethod
    def of(cls, points: Array, weights: Array) -> _Moments:
        """Moments of errors, outcomes and forecasts; the rounding error of a constant series counts as 0."""
        shares = weights.reshape(-1, len(points)).sum(axis=0)
        centre = np.average(points, axis=0, weights=shares if shares.any() else None)
        e, o, f = columns = (points - centre).T
        with np.errstate(invalid="ignore", divide="ignore"):
            each = weights / weights.sum(axis=-1, keepdims=True)
        means = [each @ column for column in columns]
        squares = [each @ (column * column) for column in columns]
        variance = [np.maximum(both - mean**2, 0.0) for both, mean in zip(squares, means, strict=True)]
        noise = [
            np.maximum(1e-12 * both, (1e-14 * (middle + mean)) ** 2)
            for both, middle, mean in zip(squares, centre, means, strict=True)
        ]
        s_o, s_f = (np.where(variance[i] <= noise[i], 0.0, np.sqrt(variance[i])) for i in (1, 2))
        return cls(
            bias=centre[0] + means[0],
            error=variance[0],
            outcome=s_o,
            forecast=s_f,
            together=each @ (o * f) - means[1] * means[2],
            wider=each @ (e * (o + f)) - means[0] * (means[1] + means[2]),
        )


def _correlation(points: Array, weights: Array) -> Array:
    """Covariance over the product of standard deviations."""
    moments = _Moments.of(points, weights)
    product = moments.outcome * moments.forecast
    ratio = moments.together / np.where(product > 0, product, 1.0)
    return np.where(product > 0, np.clip(ratio, -1.0, 1.0), np.nan)


def _variance_part(points: Array, weights: Array) -> Array:
    """Squared difference of the standard deviations; all of the variance where one series is constant."""
    moments = _Moments.of(points, weights)
    total = moments.outcome + moments.forecast
    both = moments.outcome * moments.forecast > 0
    # The difference of the variances over the sum of the deviations: small errors of large powers keep their digits.
    return np.where(both, (moments.wider / np.where(both, total, 1.0)) ** 2, moments.error)


def _phase_part(points: Array, weights: Array) -> Array:
    """Twice the product of the standard deviations minus the covariance."""
    error = _Moments.of(points, weights).error
    return np.asarray(np.maximum(error - _variance_part(points, weights), 0.0))
