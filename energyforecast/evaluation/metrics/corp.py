"""Miscalibration, discrimination and uncertainty of scores, by isotonic regression (CORP)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.evaluation.aggregation import Metric
from energyforecast.evaluation.arguments import check_probability
from energyforecast.evaluation.event_probability import check_threshold, exceedance
from energyforecast.evaluation.isotonic import isotonic_mean, isotonic_quantile
from energyforecast.evaluation.losses import pinball_loss
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import metric

__all__ = [
    "brier_parts",
    "crps_parts",
    "pinball_parts",
]

Array = npt.NDArray[Any]
#: Miscalibration, discrimination and uncertainty of points and weights, shapes (rows, columns) and (rows,).
_Parts = Callable[[Array, Array], tuple[float, float, float]]

_PARTS: Final = (("miscalibration", True), ("discrimination", False), ("uncertainty", None))
#: Ranges of power in which the CRPS is integrated, with two nodes each.
_CELLS: Final = 100


@metric("brier_miscalibration", "brier_discrimination", "brier_uncertainty")
def brier_parts(*, threshold: float, relative: bool = False) -> list[Metric]:
    r"""Brier score of power above a threshold, in three parts by isotonic regression (CORP). [1]

    .. math::

        \bar S(P, o) = \underbrace{\bar S(P, o) - \bar S(\hat P, o)}_\text{miscalibration}
            - \underbrace{\big(\bar S(\bar o, o) - \bar S(\hat P, o)\big)}_\text{discrimination}
            + \underbrace{\bar S(\bar o, o)}_\text{uncertainty}

    with the mean squared error :math:`\bar S`, the probability :math:`P` of the event, its occurrence :math:`o`, and
    the probability :math:`\hat P` recalibrated by the rising function of :math:`P` that fits the outcomes best. No
    part is below 0, and none depends on a choice of bins. The function is fitted to the outcomes that it is judged by:
    miscalibration and discrimination of few hours are too large.

    See Also
    --------
    corp_event_reliability, crps_parts, brier

    References
    ----------
    Dimitriadis, Gneiting and Jordan (2021), https://doi.org/10.1073/pnas.2016191118.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> parts = brier_parts(example_observations(), example_forecast(), threshold=15.0)
    >>> parts[["metric", "value", "n"]].round(3)  # probabilities rise with the outcome
                     metric  value   n
    0  brier_miscalibration  0.073  24
    1  brier_discrimination  0.234  24
    2     brier_uncertainty  0.234  24
    """
    check_threshold(threshold, relative)

    def points(pairs: Pairs) -> Array:
        return np.column_stack(exceedance(pairs, threshold, relative=relative))

    return _metrics("brier", points, _brier, share=True)


@metric("pinball_miscalibration", "pinball_discrimination", "pinball_uncertainty")
def pinball_parts(*, level: float = 0.5) -> list[Metric]:
    r"""Pinball loss of one quantile, in three parts by isotonic quantile regression. [MW]

    .. math::

        \bar\rho_\tau(q, y) = \big(\bar\rho_\tau(q, y) - \bar\rho_\tau(\hat q, y)\big)
            - \big(\bar\rho_\tau(r, y) - \bar\rho_\tau(\hat q, y)\big) + \bar\rho_\tau(r, y)

    are miscalibration, discrimination and uncertainty, with the quantile :math:`\hat q` recalibrated by the rising
    function of :math:`q` of the least loss, and the quantile :math:`r` of all outcomes. No part is below 0. By
    ``"level"``, those of each level of the forecast.

    Parameters
    ----------
    level : float

    See Also
    --------
    corp_quantile_reliability, crps_parts, pinball

    References
    ----------
    Gneiting et al. (2023), https://doi.org/10.1146/annurev-statistics-032921-020240; Gneiting and Resin (2023),
    https://doi.org/10.1214/23-EJS2180.

    Examples
    --------
    The median is 1 MW too low at each hour, a loss of 0.5 MW that recalibration mends.

    >>> from energyforecast.testing import example_forecast, example_observations
    >>> pinball_parts(example_observations(), example_forecast())[["metric", "value"]]
                       metric  value
    0  pinball_miscalibration    0.5
    1  pinball_discrimination    1.5
    2     pinball_uncertainty    1.5
    """
    check_probability("The level", level)
    return _pinball_metrics(level)


@metric("crps_miscalibration", "crps_discrimination", "crps_uncertainty")
def crps_parts() -> list[Metric]:
    r"""CRPS in three parts: the Brier score's, by isotonic regression, at each threshold. [MW]

    .. math:: \overline{\mathrm{CRPS}} = \int \big(\mathrm{MCB}(x) - \mathrm{DSC}(x) + \mathrm{UNC}(x)\big) \, dx

    with miscalibration, discrimination and uncertainty of the event that power exceeds :math:`x`, as in
    :func:`brier_parts`. Miscalibration is the CRPS that recalibration could save; uncertainty is the CRPS of all
    outcomes as one forecast of every hour; discrimination is the CRPS by which a recalibrated forecast is better than
    that. The integral has two hundred nodes: the parts add up to :func:`crps` within about two thousandths.

    Arnold et al. compare decompositions: this is the one by Brier scores. Theirs, by isotonic distributional
    regression, orders whole distributions; its cost grows too fast for a year of hours. With ``confidence``, the
    integral is computed for each draw, which takes minutes.

    See Also
    --------
    brier_parts, pinball_parts, crps

    References
    ----------
    Arnold, Walz, Ziegel and Gneiting (2024), https://doi.org/10.1214/24-EJS2316; Dimitriadis, Gneiting and Jordan
    (2021), https://doi.org/10.1073/pnas.2016191118.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> crps_parts(example_observations(), example_forecast())[["metric", "value"]].round(2)
                    metric  value
    0  crps_miscalibration   0.93
    1  crps_discrimination   2.00
    2     crps_uncertainty   2.00
    """
    return _metrics("crps", _curve_points, _crps, kind=_OfCurves)


class _OfCurves(Metric):
    """A metric with points of an outcome, quantiles and levels, of which levels have no unit."""

    def normalised(self, points: Array, capacity: Array) -> Array:
        """Outcomes and quantiles in units of the capacity."""
        scaled, values = points.copy(), (points.shape[1] + 1) // 2
        scaled[:, :values] /= capacity[:, None]
        return scaled


def _metrics(
    name: str,
    points: Callable[[Pairs], Array],
    parts: _Parts,
    *,
    share: bool = False,
    level: float | None = None,
    by_level: Callable[[Array], Any] | None = None,
    kind: type[Metric] = Metric,
) -> list[Metric]:
    """A metric for each part."""

    def statistic(place: int) -> Callable[[Array, Array], Array]:
        def value(found: Array, weights: Array) -> Array:
            draws = [parts(found, weight)[place] for weight in np.reshape(weights, (-1, len(found)))]
            return np.reshape(draws, np.shape(weights)[:-1])

        return value

    return [
        kind(
            f"{name}_{part}",
            points,
            share=share,
            level=level,
            statistic=statistic(place),
            lower_is_better=better,
            by_level=None
            if by_level is None
            else lambda levels, place=place: [m[place] for m in by_level(levels)],  # type: ignore[misc]
        )
        for place, (part, better) in enumerate(_PARTS)
    ]


def _pinball_metrics(level: float) -> list[Metric]:
    """Parts of the pinball loss at one level."""

    def parts(points: Array, weights: Array) -> tuple[float, float, float]:
        used = points[weights > 0]
        weight = weights[weights > 0]
        y, q = used.T
        recalibrated = isotonic_quantile(q, y, level=level, weights=weight)
        constant = isotonic_quantile(np.zeros(len(y)), y, level=level, weights=weight)
        losses = [pinball_loss(y, x[:, None], [level])[:, 0] for x in (q, recalibrated, constant)]
        return _split(losses, weight)

    return _metrics(
        "pinball",
        lambda pairs: np.column_stack([pairs.observed, pairs.at(level)]),
        parts,
        level=level,
        by_level=lambda levels: [_pinball_metrics(float(item)) for item in levels],
    )


def _split(losses: Sequence[Array], weights: Array) -> tuple[float, float, float]:
    """Parts of a score from its values of the forecast, the recalibrated one and a constant."""
    given, recalibrated, constant = (float(np.average(loss, weights=weights)) for loss in losses)
    return max(given - recalibrated, 0.0), max(constant - recalibrated, 0.0), constant


def _brier(points: Array, weights: Array) -> tuple[float, float, float]:
    """Parts of the Brier score of occurrences and probabilities."""
    happened, forecast = points.T
    recalibrated = isotonic_mean(forecast, happened, weights)
    base = np.average(happened, weights=weights)
    return _split([(x - happened) ** 2 for x in (forecast, recalibrated, base)], weights)


def _curve_points(pairs: Pairs) -> Array:
    """Outcome, quantiles and levels of each row."""
    levels = np.broadcast_to(pairs.quantile_levels, pairs.quantiles.shape)
    return np.column_stack([pairs.observed, pairs.quantiles, levels])


def _crps(points: Array, weights: Array) -> tuple[float, float, float]:
    """Parts of the CRPS: those of the Brier score, integrated over thresholds."""
    rows = points[weights > 0]
    weight, y = weights[weights > 0], rows[:, 0]
    values, levels = np.split(rows[:, 1:], 2, axis=1)
    nodes, width = _nodes(np.concatenate([y, values.ravel()]))
    below = np.stack([np.interp(nodes, row, levels[0], left=0.0, right=1.0) for row in values])
    # Of a row, the probability of at most the node; its event is an outcome of at most the node.
    parts = [_brier(np.column_stack([y <= node, p]), weight) for node, p in zip(nodes, below.T, strict=True)]
    together = width @ np.reshape(parts, (-1, 3))
    return float(together[0]), float(together[1]), float(together[2])


def _nodes(values: Array) -> tuple[Array, Array]:
    """Two nodes of Gauss between neighbouring values, or in even and in dense ranges of many; and their widths."""
    knots = np.unique(values)
    if len(knots) > _CELLS + 1:
        even, dense = (
            np.linspace(first, last, _CELLS // 2 + 1) for first, last in ((knots[0], knots[-1]), (0, 1))
        )
        knots = np.unique(np.concatenate([even, np.quantile(knots, dense)]))
    half, middle = np.diff(knots) / 2, (knots[1:] + knots[:-1]) / 2
    nodes = np.concatenate([middle - half / np.sqrt(3), middle + half / np.sqrt(3)])
    return nodes, np.concatenate([half, half])
