"""Reliability diagrams by isotonic regression (CORP), of events and of quantiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.consistency import consistency_band, reliable_levels
from energyforecast.evaluation.event_probability import exceedance
from energyforecast.evaluation.isotonic import isotonic_mean, isotonic_quantile
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.registry import table

__all__ = ["corp_event_reliability", "corp_quantile_reliability"]

Array = npt.NDArray[Any]

#: Places of a curve besides those at which it changes.
_PLACES: Final = 50


@table
def corp_event_reliability(
    pairs: Pairs,
    *,
    threshold: float,
    relative: bool = False,
    confidence: float = 0.9,
    draws: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    r"""Reliability diagram of power above a threshold without bins (CORP), with a consistency band. [1]

    .. math:: \hat P = \arg\min_{f \text{ rising}} \sum_i \big(f(P_i) - o_i\big)^2

    The frequency of the event by its probability is fitted by isotonic regression. The band holds the curves of a
    reliable forecast, at each place with the probability `confidence`: outcomes are drawn from the forecasts, with
    the dependence between hours, sites and days of the real ones, in blocks of seven days.

    Parameters
    ----------
    confidence : float
        Probability of the band.
    draws, seed : int

    Returns
    -------
    DataFrame
        ``probability``, ``value`` (recalibrated), ``low``, ``high`` (the band; NaN with fewer than eight days),
        ``n``: a row at each end of a level piece of the curve, and at places between.

    See Also
    --------
    brier_parts, event_reliability, energyforecast.reporting.figures.corp_event_reliability

    References
    ----------
    Dimitriadis, Gneiting and Jordan (2021), https://doi.org/10.1073/pnas.2016191118; the band: Bröcker and Smith
    (2007), https://doi.org/10.1175/WAF993.1, here with blocks.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> diagram = corp_event_reliability(example_observations(), example_forecast(), threshold=15.0)
    >>> diagram[["probability", "value"]].iloc[[0, 6, 7, 17]].to_numpy().round(2).tolist()
    [[0.0, 0.0], [0.4, 0.0], [0.45, 1.0], [1.0, 1.0]]
    """
    _check_band(confidence, draws, seed)
    happened, forecast = exceedance(pairs, threshold, relative=relative)
    rows = np.flatnonzero(np.isfinite(forecast))
    happened, forecast = happened[rows], forecast[rows]
    drawn = reliable_levels(pairs.of_rows(rows), draws=draws, seed=seed)
    return _diagram(
        "probability",
        forecast,
        happened,
        fit=isotonic_mean,
        drawn=((level > 1.0 - forecast).astype(float) for level in drawn),
        confidence=confidence,
    )


@table
def corp_quantile_reliability(
    pairs: Pairs, *, level: float = 0.5, confidence: float = 0.9, draws: int = 100, seed: int = 0
) -> pd.DataFrame:
    r"""Reliability diagram of one quantile: the quantile of the outcomes, by that of the forecast. [MW]

    .. math:: \hat q = \arg\min_{f \text{ rising}} \sum_i \rho_\tau\big(y_i - f(q_i)\big)

    by isotonic quantile regression. Where the curve lies above the diagonal, outcomes are higher than forecasts of this
    size, which :func:`reliability`, over all hours, cannot show. The band is that of
    :func:`corp_event_reliability`.

    Parameters
    ----------
    level : float
    confidence : float
        Probability of the band.
    draws, seed : int

    Returns
    -------
    DataFrame
        ``forecast``, ``value`` (recalibrated), ``low``, ``high`` [MW] (the band; NaN with fewer than eight days),
        ``n``: a row at each end of a level piece of the curve, and at places between.

    See Also
    --------
    pinball_parts, reliability, energyforecast.reporting.figures.corp_quantile_reliability

    References
    ----------
    Gneiting et al. (2023), https://doi.org/10.1146/annurev-statistics-032921-020240.

    Examples
    --------
    The median is 1 MW too low at each hour.

    >>> from energyforecast.testing import example_forecast, example_observations
    >>> diagram = corp_quantile_reliability(example_observations(), example_forecast())
    >>> diagram[["forecast", "value", "n"]].head(2)
       forecast  value   n
    0      10.0   11.0  24
    1      10.5   11.5  24
    """
    check_probability("The level", level)
    _check_band(confidence, draws, seed)
    curves = pairs.distribution

    def fit(forecast: Array, outcome: Array) -> Array:
        return isotonic_quantile(forecast, outcome, level=level)

    drawn = (curves.at(places) for places in reliable_levels(pairs, draws=draws, seed=seed))
    return _diagram("forecast", pairs.at(level), pairs.observed, fit=fit, drawn=drawn, confidence=confidence)


def _check_band(confidence: float, draws: int, seed: int) -> None:
    """Refuse senseless arguments of a band."""
    check_probability("The confidence", confidence)
    check_range("draws", draws, low=0)
    check_range("seed", seed, low=0)


def _diagram(
    name: str,
    forecast: Array,
    outcome: Array,
    *,
    fit: Callable[[Array, Array], Array],
    drawn: Iterable[Array],
    confidence: float,
) -> pd.DataFrame:
    """Curve of the recalibrated forecast, and the band of drawn outcomes."""
    if not len(forecast):
        return pd.DataFrame({key: np.zeros(0) for key in (name, "value", "low", "high", "n")})
    curve = fit(forecast, outcome)
    rows = _places(forecast, curve)
    curves = [fit(forecast, outcomes)[rows] for outcomes in drawn]
    low, high = consistency_band(curves, confidence=confidence, size=len(rows))
    found = {name: forecast[rows], "value": curve[rows], "low": low, "high": high, "n": len(forecast)}
    return pd.DataFrame(found)


def _places(forecast: Array, curve: Array) -> Array:
    """Rows at the ends of level pieces of a curve, and at quantiles of the forecasts."""
    _, first = np.unique(forecast, return_index=True)
    steps = np.flatnonzero(np.diff(curve[first]) != 0)
    between = np.searchsorted(forecast[first], np.quantile(forecast, np.linspace(0, 1, _PLACES)))
    ends = np.array([0, len(first) - 1])
    chosen = np.unique(np.concatenate([steps, steps + 1, between, ends]))
    return np.asarray(first[chosen[chosen < len(first)]])
