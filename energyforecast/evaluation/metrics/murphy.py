"""Murphy diagrams: mean elementary scores of every threshold, by which one forecast is better for all users or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import SchemaError
from energyforecast.evaluation.aggregation import Days
from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.bootstrap import quantile_interval, resampled
from energyforecast.evaluation.matching import Fill, match
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import table

__all__ = ["Functional", "murphy"]

Array = npt.NDArray[Any]
#: The functional of a distribution that a point forecast is.
Functional: TypeAlias = Literal["quantile", "mean"]

_THRESHOLDS: Final = 101


@table
def murphy(
    pairs: Pairs,
    *,
    functional: Functional = "quantile",
    level: float = 0.5,
    thresholds: Sequence[float] | Array | None = None,
    reference: Pairs | None = None,
    confidence: float = 0.9,
    fill: Fill = "reference",
) -> pd.DataFrame:
    r"""Murphy diagram: mean elementary score of a point forecast, by threshold. [1, or MW of means]

    .. math::

        S_\theta^\tau(q, y) = \begin{cases} 1 - \tau & y \le \theta < q \\ \tau & q \le \theta < y \\ 0 &
            \text{else} \end{cases}, \qquad
        S_\theta(m, y) = \begin{cases} \tfrac{1}{2} |y - \theta| & \min(m, y) \le \theta < \max(m, y) \\ 0 &
            \text{else} \end{cases}

    of a quantile :math:`q` of level :math:`\tau`, and of a mean :math:`m`. Every score that is consistent for the
    quantile, or the mean, is an average of these over thresholds :math:`\theta`: the pinball loss is their integral,
    and the squared error four times that. A forecast with the lower curve everywhere is better for every such score,
    so for every user; where curves cross, it depends on the threshold of the user.

    Parameters
    ----------
    functional : {"quantile", "mean"}
    level : float
        Of the quantile.
    thresholds : sequence of float, optional
        By default 101 between the lowest and the highest outcome or forecast. [MW]
    reference : Pairs or Forecast, optional
        Of the same hours, for the difference.
    confidence : float
        Probability of the band of the difference, from days drawn in blocks of seven.

    Returns
    -------
    DataFrame
        ``threshold`` [MW], ``value``, ``n``; with a reference also ``reference``, ``difference`` (value minus
        reference, below 0 where the forecast is better), ``low``, ``high`` (of the difference; NaN with fewer than
        eight days).

    Raises
    ------
    SchemaError
        If the functional is unknown, or there is no threshold.

    See Also
    --------
    pinball, compare, energyforecast.reporting.figures.murphy

    References
    ----------
    Ehm, Gneiting, Jordan and Krüger (2016), https://doi.org/10.1111/rssb.12154.

    Examples
    --------
    Each outcome is 1 MW above the median: at a threshold of 12 MW, two of 24 hours lie on either side of it.

    >>> from energyforecast.testing import example_result
    >>> both = example_result().pairs  # the reference is 2 MW below the outcome
    >>> diagram = murphy(both["model"], reference=both["reference"], thresholds=[12.0, 30.0])
    >>> diagram[["threshold", "value", "reference", "n"]].round(3)
       threshold  value  reference   n
    0       12.0  0.042      0.083  24
    1       30.0  0.000      0.000  24
    """
    if functional not in ("quantile", "mean"):
        raise SchemaError(
            f"The functional is {functional!r}.", 'It must be "quantile" or "mean".', "Choose one of them."
        )
    check_probability("The level", level)
    check_probability("The confidence", confidence)
    both = None if reference is None else match(pairs, reference, fill=fill)
    shown = [pairs] if both is None else [both.model, both.reference]
    forecasts = [item.at(level) if functional == "quantile" else item.mean for item in shown]
    share = level if functional == "quantile" else None
    grid = _grid(thresholds, shown[0].observed, forecasts)
    columns = [_elementary(forecast, shown[0].observed, grid, share) for forecast in forecasts]
    means = [_means(part, len(grid)) for part in columns]
    diagram = pd.DataFrame({"threshold": grid, "value": means[0]})
    if both is not None:
        diagram = diagram.assign(reference=means[1], difference=means[0] - means[1])
        diagram[["low", "high"]] = _band(shown[0], columns[0] - columns[1], confidence)
    return diagram.assign(n=len(shown[0]))


def _grid(thresholds: Sequence[float] | Array | None, observed: Array, forecasts: Sequence[Array]) -> Array:
    """Thresholds that are given, or from the lowest to the highest value."""
    if thresholds is None:
        values = np.concatenate([observed, *forecasts])
        return np.linspace(values.min(), values.max(), _THRESHOLDS) if len(values) else np.zeros(0)
    check_range("A threshold", thresholds)
    grid = np.asarray(thresholds, dtype=float)
    if grid.ndim != 1 or not grid.size:
        raise SchemaError(
            f"Thresholds have the shape {grid.shape}.", "There must be a row of them.", "Give one or more."
        )
    return grid


def _elementary(forecast: Array, observed: Array, grid: Array, level: float | None) -> Array:
    """Elementary score of each row and threshold; of the mean without a level."""
    x, y = forecast[:, None], observed[:, None]
    over, under = (y <= grid) & (grid < x), (x <= grid) & (grid < y)
    if level is None:
        return np.where(over | under, 0.5 * np.abs(y - grid), 0.0)
    return (1.0 - level) * over + level * under


def _means(points: Array, size: int) -> Array:
    """Mean of each column; NaN without rows."""
    return points.mean(axis=0) if len(points) else np.full(size, np.nan)


def _band(pairs: Pairs, difference: Array, confidence: float) -> Array:
    """Central interval of the mean of each column."""
    days = Days.of(pairs)
    drawn = resampled(difference, days.number, days.drawn)
    count = days.drawn.shape[1]
    limits = [quantile_interval(lambda x=x: x, days=count, interval=confidence) for x in drawn.T]  # type: ignore[misc]
    return np.reshape(limits, (-1, 2))
