"""Spread of a distribution against the error of its mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.quantiles import QuantileFunction
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import table
from energyforecast.evaluation.sample_tables import by_spread

__all__ = ["spread_skill"]

Array = npt.NDArray[Any]


@table
def spread_skill(pairs: Pairs, *, bins: int = 10) -> pd.DataFrame:
    r"""Spread of the forecast against the error of its mean, in bins of equal size from low to high spread. [MW]

    .. math:: \sqrt{\frac{1}{n} \sum_i \mathrm{Var}(F_i)} \approx \sqrt{\frac{1}{n} \sum_i (y_i - f_i)^2}

    with the distribution :math:`F` and its mean :math:`f`. Where uncertainty is forecast, the two are equal in each
    bin; an error that does not rise means that the width of the forecast does not separate safe hours from unsafe ones.

    Parameters
    ----------
    bins : int
        Hours of equal spread, such as nights of a PV plant, stay together: there may be fewer bins.

    Returns
    -------
    DataFrame
        ``low`` and ``high`` (limits of the spread), ``spread``, ``error``, ``ratio`` (spread by error), ``n``,
        ``missing``.

    See Also
    --------
    spread_skill_of_samples, sharpness, reliability, energyforecast.reporting.figures.spread_skill

    Notes
    -----
    The outer probabilities lie on the outer quantiles: with 99 levels from 0.01 to 0.99 the spread of a normal
    distribution is 0.98 of the full one, with nine from 0.1 to 0.9 it is 0.83.

    References
    ----------
    Leutbecher and Palmer (2008), https://doi.org/10.1016/j.jcp.2007.02.014.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> table = spread_skill(example_observations(), example_forecast())  # of 4 to each side: √(0.8 · 16/3 + 0.2 · 16)
    >>> table[["spread", "error", "n"]].round(2)
       spread  error   n
    0    2.73    1.0  24
    """
    curve = QuantileFunction(pairs.quantiles, pairs.quantile_levels)
    return by_spread(_variance(curve), (pairs.observed - curve.mean) ** 2, bins).assign(
        missing=len(pairs.missing)
    )


def _variance(curve: QuantileFunction) -> Array:
    """Variance of each distribution, with flat tails."""
    away = curve.values - curve.mean[:, None]
    levels = np.asarray(curve.levels)
    start, end = away[:, :-1], away[:, 1:]
    inner = ((start**2 + start * end + end**2) / 3 * np.diff(levels)).sum(axis=1)
    return np.asarray(inner + levels[0] * away[:, 0] ** 2 + (1 - levels[-1]) * away[:, -1] ** 2)
