"""Whether the newest bias lies outside that of the past: a break that the model does not know."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from energyforecast.core.arguments import check_types
from energyforecast.evaluation.arguments import check_probability, check_range
from energyforecast.evaluation.pairing import Pairs

__all__ = ["recent_bias"]

#: Periods before the newest one that give a range.
_MIN_PERIODS: Final = 6


def recent_bias(pairs: Pairs, *, days: int = 14, confidence: float = 0.99) -> pd.DataFrame:
    r"""Compare the bias of the newest days with that of earlier periods of the same length, by site. [MW]

    With the biases :math:`b_1, \ldots, b_n` of the earlier periods, their mean :math:`\bar b` and standard deviation
    :math:`s`, the bias of the newest one lies outside the past's if it is outside of the prediction interval

    .. math:: \bar b \pm t_{n-1} \, s \sqrt{1 + 1/n}

    with the quantile :math:`t_{n-1}` of Student's distribution: a change of behaviour, or of the measurement, that
    the model does not know.

    Parameters
    ----------
    pairs : Pairs
        Outcomes and forecasts; of those with several issues for an hour, all count.
    days : int
        Length of a period, counted back from the newest day. [d]
    confidence : float
        Probability of the interval.

    Returns
    -------
    DataFrame
        A row for each site: ``site``, ``since`` (beginning of the newest period), ``bias`` (mean of median minus
        outcome), the bounds ``low`` and ``high``, ``outside``, and the number ``periods`` of earlier ones, each with at
        least half of its hours. With fewer than six, bounds are NaN and nothing is outside.

    Raises
    ------
    RangeError
        If `days` is less than 1, or `confidence` not in (0, 1).

    See Also
    --------
    align : Makes pairs.
    bias : Mean of median minus outcome.

    References
    ----------
    Hahn and Meeker (1991), Statistical Intervals, doi:10.1002/9780470316771.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> from energyforecast.evaluation import align
    >>> pairs = align(example_observations(), example_forecast())
    >>> recent_bias(pairs)[["site", "bias", "outside", "periods"]]  # one day, each hour 1 MW too low
       site  bias  outside  periods
    0  farm  -1.0    False        0
    """
    check_types(locals(), of=recent_bias)
    check_range("days", days, low=1)
    check_probability("confidence", confidence)
    error = pd.Series(pairs.at(0.5) - pairs.observed)
    return pd.DataFrame(
        [
            {"site": site} | _against_the_past(error[rows.index], rows["valid_time"], days, confidence)
            for site, rows in pairs.labels.reset_index(drop=True).groupby("site", sort=False)
        ],
        columns=["site", "since", "bias", "low", "high", "outside", "periods"],
    )


def _against_the_past(error: pd.Series, time: pd.Series, days: int, confidence: float) -> dict[str, Any]:
    """Bias of the newest period and the range of the earlier ones."""
    age = (time.max() - time) // pd.Timedelta(days=days)
    periods = error.groupby(age).agg(["mean", "size"])
    newest, *past = periods["mean"][periods["size"] >= periods["size"].iloc[0] / 2]
    low, high = _prediction_interval(np.array(past), confidence)
    return {
        "since": time[age == 0].min(),
        "bias": newest,
        "low": low,
        "high": high,
        "outside": bool(newest < low or newest > high),
        "periods": len(past),
    }


def _prediction_interval(values: np.ndarray[Any, Any], confidence: float) -> tuple[float, float]:
    """Interval of the next of some normal values; NaN where they are few."""
    n = len(values)
    if n < _MIN_PERIODS:
        return np.nan, np.nan
    reach = stats.t.ppf((1 + confidence) / 2, n - 1) * values.std(ddof=1) * np.sqrt(1 + 1 / n)
    return float(values.mean() - reach), float(values.mean() + reach)
