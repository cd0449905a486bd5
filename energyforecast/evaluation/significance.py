"""Whether one forecast is better than another, or was luckier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from energyforecast.errors import SchemaError
from energyforecast.evaluation.bootstrap import quantile_interval
from energyforecast.evaluation.metrics.basic import METRICS, Days, Metric, groups, score
from energyforecast.evaluation.pairing import Pairs

__all__ = [
    "DieboldMariano",
    "Matched",
    "benjamini_hochberg",
    "compare",
    "diebold_mariano",
    "match",
    "skill_interval",
]

Array = npt.NDArray[Any]
Fill = Literal["reference", "common"]

#: Days whose covariances count: a week of weather.
_LAGS: Final = 7
_KEY: Final = ["site", "issue_time", "valid_time"]


@dataclass(frozen=True)
class DieboldMariano:
    """A test of equal skill.

    Parameters
    ----------
    mean : float
        Of the differences: negative where the first forecast is better.
    statistic : float
        In Student's t with n - 1 degrees of freedom; NaN where it is undefined.
    p_value : float
        Two-sided.
    n : int
        Number of differences.
    lags : int
        Covariances that counted.

    Examples
    --------
    >>> diebold_mariano(np.zeros(30)).p_value
    1.0
    """

    mean: float
    statistic: float
    p_value: float
    n: int
    lags: int


def diebold_mariano(difference: npt.ArrayLike, *, lags: int = _LAGS) -> DieboldMariano:
    """Two-sided test of a mean difference of zero, for a series that depends on its past.

    Parameters
    ----------
    difference : array
        Loss of one forecast minus that of another, in order of time; NaN are left out.
    lags : int
        Covariances of the long-run variance, in Bartlett's weights; fewer in a short series, at most a
        quarter of its length.

    Notes
    -----
    The variance is heteroskedasticity and autocorrelation consistent (HAC) and never negative. The statistic
    is corrected for short series as for forecasts ``lags + 1`` steps ahead, and read in Student's t. With
    fewer than three differences nothing can be said, and the p-value is NaN.

    References
    ----------
    Diebold and Mariano (1995), https://doi.org/10.1080/07350015.1995.10524599; Newey and West (1987),
    https://doi.org/10.2307/1913610; Harvey, Leybourne and Newbold (1997),
    https://doi.org/10.1016/S0169-2070(96)00719-4.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=90)
    >>> diebold_mariano(noise).p_value > 0.05, diebold_mariano(noise + 1).p_value < 0.001
    (True, True)
    """
    series = np.asarray(difference, dtype=float)
    series = series[np.isfinite(series)]
    count, nan = len(series), float("nan")
    lags = min(lags, count // 4)
    if count < 3:
        return DieboldMariano(float(series.mean()) if count else nan, nan, nan, count, lags)
    mean = float(series.mean())
    about = series - mean
    if np.abs(about).max() <= 1e-12 * max(abs(mean), np.finfo(float).tiny):
        return DieboldMariano(
            mean, np.copysign(np.inf, mean) if mean else 0.0, 0.0 if mean else 1.0, count, lags
        )
    lagged = [about[k:] @ about[: count - k] / count for k in range(lags + 1)]
    variance = lagged[0] + 2 * sum((1 - k / (lags + 1)) * lagged[k] for k in range(1, lags + 1))
    ahead = lags + 1
    correction = (count + 1 - 2 * ahead + ahead * (ahead - 1) / count) / count
    statistic = float(mean * np.sqrt(correction * count / variance))
    return DieboldMariano(mean, statistic, float(2 * stats.t.sf(abs(statistic), df=count - 1)), count, lags)


def benjamini_hochberg(p_values: npt.ArrayLike) -> Array:
    """P-values adjusted for their number: below 0.05, at most 5 % of what is found is expected to be chance.

    Parameters
    ----------
    p_values : array
        NaN stay NaN and do not count.

    References
    ----------
    Benjamini and Hochberg (1995), https://doi.org/10.1111/j.2517-6161.1995.tb02031.x. Holds for independent tests
    and for positively dependent ones, such as neighbouring leads.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    p = np.asarray(p_values, dtype=float)
    adjusted, known = np.full(p.shape, np.nan), np.isfinite(p)
    if known.any():
        adjusted[known] = stats.false_discovery_control(p[known], method="bh")
    return adjusted


@dataclass(frozen=True, eq=False)
class Matched:
    """Two forecasts of the same hours, row by row.

    Parameters
    ----------
    model, reference : Pairs
    filled : array of bool, shape (rows,)
        Hours of which only the reference had a forecast: the model's is the reference's there.
    unmatched : int
        Hours of either that are left out.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> pairs = example_result().pairs
    >>> len(match(pairs["model"], pairs["reference"]).model)
    24
    """

    model: Pairs
    reference: Pairs
    filled: npt.NDArray[np.bool_]
    unmatched: int


def match(model: Pairs, reference: Pairs, *, fill: Fill = "reference") -> Matched:
    """Put two forecasts beside each other, hour by hour of each issue.

    Parameters
    ----------
    model, reference : Pairs
    fill : {"reference", "common"}
        What stands for a forecast that the model did not make: the reference's own, so that leaving out
        difficult hours wins nothing; or nothing, and only hours that both have are compared.

    Raises
    ------
    SchemaError
        If they have no hour in common, an hour twice, or other levels where hours are filled.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> pairs = example_result().pairs
    >>> late = pairs["model"].of_rows(np.arange(6, 24))  # six hours are missing
    >>> both = match(late, pairs["reference"])
    >>> len(both.model), int(both.filled.sum()), both.unmatched
    (24, 6, 0)
    """
    keys = _common_keys(model, reference)
    here, there = (pd.MultiIndex.from_frame(pairs.labels[keys]) for pairs in (model, reference))
    place = here.get_indexer(there)
    has = place >= 0
    only_model = len(here) - int(has.sum())
    if fill == "common" or has.all():
        rows = np.flatnonzero(has)
        left = only_model + int((~has).sum())
        return Matched(
            model.of_rows(place[rows]), reference.of_rows(rows), np.zeros(len(rows), dtype=bool), left
        )
    if not np.array_equal(model.levels, reference.levels):
        raise SchemaError(
            f"{int((~has).sum())} hours lack the model's forecast, which has {len(model.levels)} levels, the "
            f"reference {len(reference.levels)}.",
            "Where the reference's forecast stands in, both have the same levels.",
            "Forecast the same levels, or compare common hours: fill='common'.",
        )
    filled = reference.of_rows(np.arange(len(reference)))
    filled.quantiles[has] = model.quantiles[place[has]]
    return Matched(filled, reference, ~has, only_model)


def _common_keys(model: Pairs, reference: Pairs) -> list[str]:
    """What tells rows apart: the issue too, unless the two were issued at other times."""
    same = set(model.labels["issue_time"]) & set(reference.labels["issue_time"])
    keys = _KEY if same else ["site", "valid_time"]
    for name, pairs in (("model", model), ("reference", reference)):
        twice = pairs.labels[keys].duplicated()
        if twice.any():
            raise SchemaError(
                f"The {name} has {int(twice.sum())} forecasts of an hour more than one, the first of "
                f"{pairs.labels.loc[twice, 'site'].iloc[0]!r} at {pairs.labels.loc[twice, 'valid_time'].iloc[0]}.",
                "Forecasts issued at other times are matched by the hour, of which each has one.",
                "Choose one issue for each hour, such as the newest before the day.",
            )
    if not len(pd.merge(model.labels[keys], reference.labels[keys])):
        raise SchemaError(
            "The two forecasts have no hour with an outcome in common.",
            "What is compared are forecasts of the same hours.",
            "Forecast the same period at the same sites.",
        )
    return keys


def compare(
    model: Pairs,
    reference: Pairs,
    *,
    metric: str | Metric = "crps",
    by: str | Sequence[str] | None = None,
    fill: Fill = "reference",
    confidence: float = 0.9,
    lags: int = _LAGS,
) -> pd.DataFrame:
    """Whether a forecast is better than a reference on the same hours.

    The losses of each day are averaged over its sites and leads, and the differences of the days tested:
    over all leads this is the daily multivariate test, by ``"lead_time"`` it is the test of each lead.

    Parameters
    ----------
    model, reference : Pairs
    metric : str or Metric
        A mean of points of which less is better: ``"mae"``, ``"rmse"`` (its squared errors are tested),
        ``"pinball"``, ``"crps"`` or another.
    by : str or sequence of str, optional
        As in :func:`score`.
    fill : {"reference", "common"}
        As in ``energyforecast.evaluation.significance.match``.
    confidence : float
        Probability of the interval of the skill.
    lags : int
        Days, as in :func:`diebold_mariano`.

    Returns
    -------
    DataFrame
        Columns of `by`, ``metric``, ``value``, ``reference`` (score), ``skill``, ``low``, ``high``, ``statistic``,
        ``p``, ``p_adjusted`` (over the rows of the table), ``days``, ``n``, ``filled``, ``unmatched``.

    References
    ----------
    Ziel and Weron (2018), https://doi.org/10.1016/j.eneco.2017.12.016, for the daily multivariate form.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> pairs = example_result().pairs
    >>> compare(pairs["model"], pairs["reference"], metric="mae")[["value", "reference", "skill", "days", "n"]]
       value  reference  skill  days   n
    0    1.0        2.0    0.5     1  24
    """
    item = _comparable(metric)
    both = match(model, reference, fill=fill)
    losses = [item.pointwise(pairs) for pairs in (both.model, both.reference)]
    days = Days.of(both.reference)
    table = score(item, both.model, by=by)
    base = score(item, both.reference, by=by)
    rows = []
    for (key, members, _), value, other in zip(
        groups(both.reference, by), table["value"], base["value"], strict=True
    ):
        daily = _daily(losses[0][members] - losses[1][members], days.number[members])
        test = diebold_mariano(daily, lags=lags)
        low, high = skill_interval(item, losses, days, members, confidence=confidence)
        rows.append(
            key
            | {"metric": item.name, "value": value, "reference": other}
            | {"skill": 1 - value / other if other > 0 else float("nan"), "low": low, "high": high}
            | {"statistic": test.statistic, "p": test.p_value, "days": test.n, "n": len(members)}
            | {"filled": int(both.filled[members].sum()), "unmatched": both.unmatched}
        )
    result = pd.DataFrame(rows)
    result.insert(result.columns.get_loc("p") + 1, "p_adjusted", benjamini_hochberg(result["p"]))
    return result


def _comparable(metric: str | Metric) -> Metric:
    named = {item.name: item for item in METRICS if item.lower_is_better}
    item = named.get(metric) if isinstance(metric, str) else metric
    if item is None or not item.lower_is_better or item.combine is not None:
        raise SchemaError(
            f"A comparison by {metric if isinstance(metric, str) else metric.name!r} is asked for.",
            f"It is by a mean of losses, such as {list(named)}.",
            "Choose one of them, or give a Metric of your own.",
        )
    return item


def _daily(difference: Array, day: Array) -> Array:
    """Mean of each day, in order of the days."""
    known = np.isfinite(difference)
    _, number = np.unique(day[known], return_inverse=True)
    return (
        np.bincount(number, weights=difference[known]) / np.bincount(number) if known.any() else np.zeros(0)
    )


def skill_interval(
    metric: Metric, losses: Sequence[Array], days: Days, rows: Array, *, confidence: float = 0.9
) -> tuple[float, float]:
    """Interval of the skill, both scores from the same days drawn in blocks of seven.

    Parameters
    ----------
    metric : Metric
    losses : (array, array)
        Of the forecast and of the reference, on the same rows.
    days : Days
    rows : array of int
        Those that count.
    confidence : float

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> pairs = example_result().pairs  # a single day
    >>> losses = [pairs[name].points(METRICS[0]) for name in ("model", "reference")]
    >>> skill_interval(METRICS[0], losses, Days.of(pairs["model"]), np.arange(24))
    (nan, nan)
    """

    def draw() -> Array:
        here, there = (days.draws(metric, points, rows, None) for points in losses)
        return np.asarray(1 - here / np.where(there > 0, there, np.nan))

    return quantile_interval(draw, days=len(np.unique(days.number[rows])), interval=confidence)
