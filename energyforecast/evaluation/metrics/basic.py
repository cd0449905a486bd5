"""Metrics of the usual table: errors of single values, pinball loss, CRPS, coverage and width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.evaluation.aggregation import Metric
from energyforecast.evaluation.arguments import check_probability
from energyforecast.evaluation.losses import (
    central_levels,
    crps_of_quantiles,
    intervals_of,
    pinball_loss,
)
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import metric

__all__ = ["bias", "coverage", "coverage_closed", "crps", "mae", "pinball", "pinball_7", "rmse", "width"]

Array = npt.NDArray[Any]

#: Central intervals of which coverage and width are reported.
INTERVALS: Final = (0.5, 0.8, 0.9)
#: A coarse grid of levels on which pinball losses are often published.
SEVEN_LEVELS: Final = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)


@metric()
def mae() -> Metric:
    r"""Mean absolute error of the median. [MW]

    .. math:: \mathrm{MAE} = \frac{1}{n} \sum_i |y_i - m_i|

    with the outcome :math:`y` and the median :math:`m` of the forecast, by which it is minimised.

    See Also
    --------
    rmse, bias, mape

    References
    ----------
    Gneiting (2011), https://doi.org/10.1198/jasa.2011.r10138.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> mae(example_observations(), example_forecast())[["metric", "value", "n"]]
      metric  value   n
    0    mae    1.0  24
    """
    return Metric("mae", lambda p: np.abs(p.observed - p.at(0.5)))


@metric()
def rmse() -> Metric:
    r"""Root of the mean squared error of the mean. [MW]

    .. math:: \mathrm{RMSE} = \sqrt{\frac{1}{n} \sum_i (y_i - f_i)^2}

    with the outcome :math:`y` and the mean :math:`f` of the forecast, by which it is minimised.

    See Also
    --------
    mae, bias, mse_parts

    References
    ----------
    Gneiting (2011), https://doi.org/10.1198/jasa.2011.r10138.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> rmse(example_observations(), example_forecast())[["metric", "value", "n"]]
      metric  value   n
    0   rmse    1.0  24
    """
    return Metric("rmse", lambda p: (p.observed - p.mean) ** 2, root=True)


@metric()
def bias() -> Metric:
    r"""Mean of forecast minus outcome, for the mean of the distribution. [MW]

    .. math:: \mathrm{bias} = \frac{1}{n} \sum_i (f_i - y_i)

    See Also
    --------
    mae, energy_error, mse_parts

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> bias(example_observations(), example_forecast())[["metric", "value", "n"]]
      metric  value   n
    0   bias   -1.0  24
    """
    return Metric("bias", lambda p: p.mean - p.observed, lower_is_better=None)


@metric()
def pinball(*, quantile_levels: Sequence[float] | None = None) -> Metric:
    r"""Mean pinball loss over the forecast's levels, or over others. [MW]

    .. math:: \frac{1}{n K} \sum_i \sum_k \max\big(\tau_k (y_i - q_{ik}), (\tau_k - 1) (y_i - q_{ik})\big)

    with the quantile :math:`q_{ik}` of level :math:`\tau_k`. It is not doubled.

    Parameters
    ----------
    quantile_levels : sequence of float, optional
        Those of the forecast by default.

    See Also
    --------
    pinball_7, crps, pinball_loss

    References
    ----------
    Koenker and Bassett (1978), https://doi.org/10.2307/1913643.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> pinball(example_observations(), example_forecast(), quantile_levels=[0.5])[["metric", "value", "n"]]
        metric  value   n
    0  pinball    0.5  24
    """
    if quantile_levels is not None:
        levels = tuple(quantile_levels)
        check_probability("A quantile level", levels)
        return Metric("pinball", lambda p: _pinball_on(p, levels), reach=(min(levels), max(levels)))
    return Metric(
        "pinball",
        lambda p: pinball_loss(p.observed, p.quantiles, p.quantile_levels).mean(axis=1),
        by_level=lambda levels: [_pinball_at(float(level)) for level in levels],
    )


@metric()
def pinball_7() -> Metric:
    r"""Mean pinball loss over the levels 0.05, 0.10, 0.25, 0.50, 0.75, 0.90 and 0.95. [MW]

    .. math:: \frac{1}{7 n} \sum_i \sum_k \max\big(\tau_k (y_i - q_{ik}), (\tau_k - 1) (y_i - q_{ik})\big)

    It compares forecasts of different levels.

    See Also
    --------
    pinball

    References
    ----------
    Koenker and Bassett (1978), https://doi.org/10.2307/1913643.

    Examples
    --------
    >>> from energyforecast.testing import example_days
    >>> forecast, observations = example_days(days=3)
    >>> pinball_7(observations, forecast)[["metric", "n"]]
          metric    n
    0  pinball_7  144
    """
    return Metric("pinball_7", lambda p: _pinball_on(p, SEVEN_LEVELS), reach=(0.05, 0.95))


@metric()
def crps() -> Metric:
    r"""Continuous ranked probability score. [MW]

    .. math::

        \mathrm{CRPS}(F, y) = \int_{-\infty}^{\infty} \big(F(x) - \mathbf{1}[x \ge y]\big)^2 \, dx
            = 2 \int_0^1 \rho_\tau\big(y - F^{-1}(\tau)\big) \, d\tau

    with the pinball loss :math:`\rho_\tau`; exact for the curve through the quantiles, and the absolute error of a
    single value.

    See Also
    --------
    pinball, threshold_crps, crps_of_quantiles, crps_of_samples

    References
    ----------
    Gneiting and Raftery (2007), https://doi.org/10.1198/016214506000001437.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> crps(example_observations(), example_forecast())[["metric", "value", "n"]].round(2)
      metric  value   n
    0   crps   0.93  24
    """
    return Metric("crps", lambda p: crps_of_quantiles(p.observed, p.quantiles, p.quantile_levels))


@metric()
def coverage(*, interval: float | Sequence[float] = INTERVALS) -> list[Metric]:
    r"""Share of outcomes inside a central interval; those on a probability mass count by their share. [1]

    .. math:: \frac{1}{n} \sum_i \frac{\big|[F_i(y_i^-), F_i(y_i)] \cap [\tfrac{1 - p}{2}, \tfrac{1 + p}{2}]\big|}
        {F_i(y_i) - F_i(y_i^-)}

    with the probability :math:`p` of the interval and the distribution function :math:`F_i`. An outcome without a mass
    is inside, the ends included, or outside. On a mass, as a plant has at 0 and at its capacity, it counts by the share
    of the mass inside, so that the coverage of an exact forecast is :math:`p`.

    See Also
    --------
    coverage_closed, width, interval_score, reliability

    Notes
    -----
    An outcome lies on a mass if it equals several quantiles, or the outermost one at 0 or at the capacity. Where half
    of the hours are calm, the 80 % interval of an exact forecast begins at 0 and holds 90 % of the outcomes, its ends
    included (:func:`coverage_closed`).

    References
    ----------
    Christoffersen (1998), https://doi.org/10.2307/2527341; of masses Czado, Gneiting and Held (2009),
    https://doi.org/10.1111/j.1541-0420.2009.01191.x.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> coverage(example_observations(), example_forecast(), interval=0.8)[["metric", "level", "value", "n"]]
         metric  level  value   n
    0  coverage    0.8    1.0  24
    """
    return [_coverage(p) for p in intervals_of(interval)]


@metric()
def coverage_closed(*, interval: float | Sequence[float] = INTERVALS) -> list[Metric]:
    r"""Share of outcomes inside a central interval, its ends included, whatever mass lies on them. [1]

    .. math:: \frac{1}{n} \sum_i \mathbf{1}\big[q_i(\tfrac{1 - p}{2}) \le y_i \le q_i(\tfrac{1 + p}{2})\big]

    with the probability :math:`p` of the interval. With a mass at an end, as at 0, an exact forecast has more than
    :math:`p`.

    See Also
    --------
    coverage

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> coverage_closed(example_observations(), example_forecast(), interval=0.8)[["metric", "level", "value"]]
                metric  level  value
    0  coverage_closed    0.8    1.0
    """
    return [_coverage(p, closed=True) for p in intervals_of(interval)]


@metric()
def width(*, interval: float | Sequence[float] = INTERVALS) -> list[Metric]:
    r"""Mean width of a central interval. [MW]

    .. math:: \frac{1}{n} \sum_i \big(q_i(\tfrac{1 + p}{2}) - q_i(\tfrac{1 - p}{2})\big)

    with the probability :math:`p` of the interval.

    See Also
    --------
    coverage, sharpness

    References
    ----------
    Gneiting, Balabdaoui and Raftery (2007), https://doi.org/10.1111/j.1467-9868.2007.00587.x.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> width(example_observations(), example_forecast(), interval=0.8)[["metric", "level", "value", "n"]]
      metric  level  value   n
    0  width    0.8    8.0  24
    """
    return [_width(p) for p in intervals_of(interval)]


def _pinball_at(level: float) -> Metric:
    """Pinball loss of one level."""
    return Metric("pinball", lambda p: _pinball_on(p, [level]), level=level, reach=(level, level))


def _pinball_on(pairs: Pairs, levels: Sequence[float]) -> Array:
    """Mean pinball loss of each row over some levels."""
    quantiles = np.column_stack([pairs.at(level) for level in levels])
    return np.asarray(pinball_loss(pairs.observed, quantiles, levels).mean(axis=1))


def _coverage(interval: float, *, closed: bool = False) -> Metric:
    """Coverage of one interval."""
    return Metric(
        "coverage_closed" if closed else "coverage",
        lambda pairs: pairs.share_inside(interval, closed=closed),
        share=True,
        level=interval,
        lower_is_better=None,
        reach=central_levels(interval),
    )


def _width(interval: float) -> Metric:
    """Width of one interval."""
    low, high = ends = central_levels(interval)
    return Metric("width", lambda p: p.at(high) - p.at(low), level=interval, lower_is_better=None, reach=ends)
