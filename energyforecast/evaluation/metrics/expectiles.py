"""Expectiles: asymmetric means, and their score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.quantiles import QuantileFunction, check_levels
from energyforecast.errors import SchemaError
from energyforecast.evaluation.aggregation import Metric
from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import metric

__all__ = ["expectile", "expectile_loss", "expectiles_of_quantiles"]

Array = npt.NDArray[Any]

#: Newton's method ends long before: it meets a piece of the curve in each step, and then its end.
_STEPS = 200


@metric()
def expectile(*, level: float = 0.5) -> Metric:
    r"""Asymmetric squared error of an expectile of the forecast. [MW²]

    .. math:: \frac{1}{n} \sum_i \big|\mathbf{1}[y_i < e_i] - \tau\big| \, (y_i - e_i)^2

    with the expectile :math:`e` of level :math:`\tau` (:func:`expectiles_of_quantiles`): at 0.5 it is the mean, and the
    score half of the mean squared error.

    Parameters
    ----------
    level : float
        Between 0 and 1.

    See Also
    --------
    expectile_loss, expectiles_of_quantiles, rmse, pinball

    References
    ----------
    Newey and Powell (1987), https://doi.org/10.2307/1911031; Gneiting (2011), https://doi.org/10.1198/jasa.2011.r10138.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> expectile(example_observations(), example_forecast())[["metric", "value", "n"]]  # 1 MW too low
          metric  value   n
    0  expectile    0.5  24
    """
    check_probability("The level", level)

    def points(pairs: Pairs) -> Array:
        found = expectiles_of_quantiles(pairs.quantiles, pairs.quantile_levels, level=level)
        return expectile_loss(pairs.observed, found, level=level)

    return Metric("expectile", points, level=level, unit="MW²", order=2)


def expectile_loss(observed: Array, expectiles: Array, *, level: float = 0.5) -> Array:
    r"""Asymmetric squared error, which the expectile minimises, shape (rows,).

    .. math:: \big|\mathbf{1}[y < e] - \tau\big| \, (y - e)^2

    Parameters
    ----------
    observed : array, shape (rows,)
        NaN gives NaN.
    expectiles : array, shape (rows,)
    level : float
        Between 0 and 1.

    See Also
    --------
    expectile, pinball_loss

    References
    ----------
    Gneiting (2011), https://doi.org/10.1198/jasa.2011.r10138.

    Examples
    --------
    >>> expectile_loss(np.array([3.0, 1.0]), np.array([2.0, 2.0]), level=0.9).round(3).tolist()
    [0.9, 0.1]
    """
    check_types(locals(), of=expectile_loss)
    check_probability("The level", level)
    y, e = (
        as_numbers(name, values, ndim=1)
        for name, values in (("observed", observed), ("expectiles", expectiles))
    )
    if y.shape != e.shape:
        raise SchemaError(
            f"There are {len(y)} outcomes and {len(e)} expectiles.",
            "Each outcome must have one.",
            "Give those of the same hours.",
        )
    return np.asarray(np.abs((y < e) - level) * (y - e) ** 2)


def expectiles_of_quantiles(
    quantiles: Array, quantile_levels: Sequence[float] | Array, *, level: float = 0.5
) -> Array:
    r"""Expectile of the curve through quantiles, shape (rows,): the gain above it and the loss below are in proportion.

    .. math:: \tau \, \mathrm{E}(Y - e)_+ = (1 - \tau) \, \mathrm{E}(e - Y)_+

    Parameters
    ----------
    quantiles : array, shape (rows, levels)
        Not falling.
    quantile_levels : sequence of float
    level : float
        Level :math:`\tau` of the expectile; at 0.5 it is the mean.

    See Also
    --------
    expectile, expectile_loss

    References
    ----------
    Newey and Powell (1987), https://doi.org/10.2307/1911031.

    Examples
    --------
    >>> expectiles_of_quantiles(np.array([[0.0, 0.0, 8.0]]), [0.1, 0.5, 0.9]).round(6).tolist()  # the mean
    [2.4]
    """
    check_types(locals(), of=expectiles_of_quantiles)
    check_probability("The level", level)
    levels = check_levels(as_numbers("quantile_levels", quantile_levels, ndim=1))
    curve = QuantileFunction(as_numbers("quantiles", quantiles, ndim=2), levels)
    check_range("The rise from a quantile to the next", np.nan_to_num(np.diff(curve.values, axis=1)), low=0.0)
    found, mean = curve.mean, curve.mean
    # Newton's method on a function that is convex, or concave: each step but the first is from the same side.
    for _ in range(_STEPS if level != 0.5 else 0):
        below = curve.at_most(found)
        part = curve.partial_mean(below)
        last, found = (
            found,
            (level * (mean - part) + (1 - level) * part) / (level * (1 - below) + (1 - level) * below),
        )
        if not (np.abs(found - last) > 1e-13 * np.abs(found)).any():
            break
    return np.asarray(found)
