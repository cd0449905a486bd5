"""Share of the loss of constant quantiles that a forecast avoids."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.evaluation.aggregation import Metric
from energyforecast.evaluation.losses import pinball_loss
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import metric

__all__ = ["d2_pinball"]

Array = npt.NDArray[Any]


@metric()
def d2_pinball() -> Metric:
    r"""Share of the pinball loss of the outcomes' own quantiles that the forecast avoids. [1]

    .. math:: D^2 = 1 - \frac{\sum_i \sum_k \rho_{\tau_k}(y_i - q_{ik})}
        {\sum_i \sum_k \rho_{\tau_k}\big(y_i - \hat q_{\tau_k}\big)}

    with the pinball loss :math:`\rho` and the empirical quantiles :math:`\hat q` of the scored outcomes, one for all
    hours. 1 is perfect, 0 as good as these, which no forecast can know in advance: climatology is below 0 by as much as
    the period differs from its past. By ``"level"``, it is that of each level. NaN where all outcomes are equal.

    See Also
    --------
    pinball, energyforecast.Result.skill

    Notes
    -----
    Of one level it is ``sklearn.metrics.d2_pinball_score``, which gives 0 or 1 where all outcomes are equal. Empirical
    quantiles are the constants of the least loss: the inverse of the distribution function, not interpolated.

    References
    ----------
    Koenker and Machado (1999), https://doi.org/10.1080/01621459.1999.10473882.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> table = d2_pinball(example_observations(), example_forecast(), by="level")
    >>> table[["level", "value"]].round(2).to_numpy().tolist()  # errors of the median are 1, from the outcomes' own 3
    [[0.1, 0.07], [0.5, 0.67], [0.9, 0.44]]
    """

    def by_level(levels: Array) -> list[Metric]:
        return [_of_levels((float(level),)) for level in levels]

    return _of_levels(None, by_level)


def _of_levels(chosen: tuple[float, ...] | None, by_level: Any = None) -> Metric:
    """The metric of some levels, or of all."""

    def points(pairs: Pairs) -> Array:
        levels = pairs.quantile_levels if chosen is None else np.array(chosen)
        quantiles = pairs.quantiles if chosen is None else np.column_stack([pairs.at(x) for x in chosen])
        loss = pinball_loss(pairs.observed, quantiles, levels).sum(axis=1)
        # A statistic has the points alone: the levels go with them.
        return np.column_stack([pairs.observed, loss, np.broadcast_to(levels, (len(loss), len(levels)))])

    return Metric(
        "d2_pinball",
        points,
        share=True,
        level=chosen[0] if chosen else None,
        lower_is_better=False,
        statistic=_explained,
        by_level=by_level,
    )


def _explained(points: Array, weights: Array) -> Array:
    """One minus the loss by that of constants, for each set of weights."""
    order = np.argsort(points[:, 0], kind="stable")
    y, loss, levels = points[order, 0], points[order, 1], points[0, 2:]
    sets = weights[..., order].reshape(-1, len(y))
    y = y - y[0]  # so that equal outcomes have no loss, to the last digit
    base = np.array([_constants(y, row, levels) for row in sets]).reshape(weights.shape[:-1])
    return np.where(base > 0, 1 - weights[..., order] @ loss / np.where(base > 0, base, 1.0), np.nan)


def _constants(y: Array, weight: Array, levels: Array) -> float:
    """Least loss of a constant for each level, the outcomes' own quantile, of outcomes in rising order."""
    total, moment = np.cumsum(weight), np.cumsum(weight * y)
    place = np.minimum(np.searchsorted(total, levels * total[-1] * (1 - 1e-12)), len(y) - 1)
    constant = y[place]
    return float(
        (levels * (moment[-1] - constant * total[-1]) + constant * total[place] - moment[place]).sum()
    )
