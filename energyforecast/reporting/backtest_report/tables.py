"""Tables of the report: intervals, PIT, worst days, ramps, the cost of imbalance.

Each function takes a :class:`~energyforecast.evaluation.Result` and returns a table, for notebooks that show the same
numbers.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.settlement import ImbalanceTerms, best_level
from energyforecast.errors import one_of
from energyforecast.evaluation.aggregation import Metric
from energyforecast.evaluation.bootstrap import block_draws
from energyforecast.evaluation.metrics import basic, distribution, economic
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.result import Result
from energyforecast.evaluation.score import METRICS

__all__ = [
    "FEW_DAYS",
    "IMBALANCE_PRICES",
    "MONTHS",
    "RAMP",
    "error_by_hour_and_month",
    "imbalance",
    "pit_histogram",
    "ramps",
    "score_intervals",
    "skill_intervals",
    "worst_days",
]

Array = npt.NDArray[Any]

#: Smaller samples have a caveat: intervals are wide, and not all seasons are included. [days]
FEW_DAYS: Final = 90
#: Prices of shortage and surplus in addition to the day-ahead price: an illustration. [EUR/MWh]
IMBALANCE_PRICES: Final = (30.0, 10.0)
#: A ramp: change as a share of capacity [1], window [h], tolerance of a match [h].
RAMP: Final = (0.2, 3.0, 1.0)

#: Names of the months, for axes.
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_REPLICATES: Final = 500
#: The usual scores, and the coverage without shared ties.
_SCORES: Final = (*METRICS, *basic.coverage_closed.metrics())
_METRIC: Final = {(item.name, item.level): item for item in _SCORES}


def local_days(result: Result, *, model: str) -> Array:
    """Local calendar day of each scored hour."""
    zone = timestamps.zone(timezone_of(result))
    valid = pd.DatetimeIndex(result.pairs[model].labels["valid_time"]).tz_convert(zone)
    return np.asarray(valid.tz_localize(None).to_numpy().astype("datetime64[D]"))


def timezone_of(result: Result) -> str:
    """Time zone of the task, and of the hours and days of the report."""
    return str(next(iter(result.forecasts.values())).data.attrs.get("timezone", "UTC"))


def _draws(days: int) -> Array:
    """Number of draws of each day, shape (replicates, days): circular blocks of consecutive days."""
    if not days:
        return np.zeros((1, 0), dtype=int)
    return block_draws(days, block=max(1, round(days ** (1 / 3))), draws=_REPLICATES)


def _resampled(points: Array, day: Array, draws: Array) -> Array:
    """Mean of the points in each replicate; NaN where none was drawn."""
    total = draws @ np.bincount(day, weights=points, minlength=draws.shape[1])
    count = draws @ np.bincount(day, minlength=draws.shape[1])
    return np.asarray(np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0))


def _limits(replicates: Array, days: int) -> tuple[float, float]:
    """Central 95 %; undefined for a single day."""
    if days < 2 or not np.isfinite(replicates).any():
        return float("nan"), float("nan")
    low, high = np.nanquantile(replicates, [0.025, 0.975])
    return float(low), float(high)


def score_intervals(result: Result) -> pd.DataFrame:
    """Scores of :class:`energyforecast.Result`, each with its 95 % interval by block bootstrap.

    Notes
    -----
    Blocks of consecutive local days are drawn 500 times with replacement; their length is the cube root of the number
    of days (Künsch 1989, https://doi.org/10.1214/aos/1176347265). Undefined for a single day.

    See Also
    --------
    skill_intervals : Intervals of the skill.
    energyforecast.Result.scores : Scores alone.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> score_intervals(example_result())[["model", "metric", "value", "days"]].head(1)
       model metric  value  days
    0  model    mae    1.0     1
    """
    tables = []
    for name, pairs in result.pairs.items():
        table = result.scores(model=name, chosen=_SCORES)
        unique, day = np.unique(local_days(result, model=name), return_inverse=True)
        draws = _draws(len(unique))
        columns = [_score_limits(pairs, _metric(row), day, draws) for row in table.itertuples()]
        heads = ["low", "high", "low_percent", "high_percent"]
        limits = pd.DataFrame(columns, columns=heads, index=table.index)
        tables.append(table.join(limits).assign(days=len(unique)))
    return pd.concat(tables, ignore_index=True)


def _metric(row: Any) -> Metric:
    """The metric of a row of scores."""
    return _METRIC[(row.metric, None if pd.isna(row.level) else row.level)]


def _score_limits(pairs: Pairs, metric: Metric, day: Array, draws: Array) -> tuple[float, ...]:
    """Limits in MW and in percent."""
    points, days = pairs.points(metric), draws.shape[1]
    scaled = 100 * points if metric.share else points / pairs.capacity ** (2 if metric.root else 1)
    both = [_resampled(item, day, draws) for item in (points, scaled)]
    if metric.root:
        both = [np.sqrt(item) for item in both]
    if not metric.share:
        both[1] = 100 * both[1]
    return (*_limits(both[0], days), *_limits(both[1], days))


def skill_intervals(result: Result, *, reference: str, by_lead: bool = False) -> pd.DataFrame:
    r"""Skill in CRPS over a reference with its 95 % interval, that of :meth:`energyforecast.Result.compare`.

    .. math:: \text{skill} = 1 - \frac{\overline{\text{CRPS}}_\text{model}}{\overline{\text{CRPS}}_\text{reference}}

    See Also
    --------
    score_intervals : Intervals of the scores.
    energyforecast.Result.skill : Skill alone.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> skill_intervals(example_result(), reference="reference")[["model", "value"]].round(3)
       model  value
    0  model  0.245
    """
    by = "lead_time" if by_lead else None
    table = result.skill("crps", reference=reference, by=by)
    table = table[table["model"] != reference].reset_index(drop=True)
    tested = result.compare("crps", reference=reference, by=by, confidence=0.95)
    keys = ["model", *([by] if by else [])]
    return table.merge(tested[[*keys, "low", "high"]], on=keys, how="left")


def pit_histogram(result: Result, *, model: str, bins: int = 10) -> pd.DataFrame:
    """PIT histogram as density, 1 in every bin if calibrated; columns ``low``, ``high``, ``density``, ``n``.

    See Also
    --------
    energyforecast.evaluation.pit : The same as shares, and its definition.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> table = pit_histogram(example_result(), model="model", bins=2)  # all outcomes above the median
    >>> table["density"].tolist()
    [0.0, 2.0]
    """
    table = distribution.pit(result.pairs[model], bins=bins)
    return table.assign(density=table["value"] * bins)[["low", "high", "density", "n"]]


def error_by_hour_and_month(result: Result, *, model: str, metric: str = "mae") -> pd.DataFrame:
    """A score by month (rows) and local hour (columns), in % of capacity where there is one, else in MW.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> table = error_by_hour_and_month(example_result(), model="model")
    >>> table.shape, table.attrs["unit"], round(float(table.loc[1, 0]), 2)  # 1 of 60 MW
    ((1, 24), '% of capacity', 1.67)
    """
    one_of("metric", metric, allowed=[name for name, level in _METRIC if level is None])
    table = result.scores(by=["month", "hour"], chosen=[_METRIC[(metric, None)]], model=model)
    column, unit = ("value", "MW") if has_no_capacity(result, model) else ("percent", "% of capacity")
    wide = table.pivot_table(index="month", columns="hour", values=column)
    wide.attrs["unit"] = unit
    return wide


def has_no_capacity(result: Result, model: str) -> bool:
    """Whether the capacity of a site is not known, as of a demand."""
    return bool(np.isnan(result.pairs[model].capacity).any())


def worst_days(result: Result, *, model: str, count: int = 10) -> pd.DataFrame:
    """Issues with the largest mean CRPS, in descending order.

    Returns
    -------
    DataFrame
        ``site``, ``issue_time``, ``day`` (local, of the first hour), ``crps``, ``error`` (of the mean
        forecast), ``observed`` (mean), all in MW, and ``n``.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> worst_days(example_result(), model="model")[["day", "error", "n"]]
             day  error   n
    0 2024-01-02   -1.0  24
    """
    pairs = result.pairs[model]
    frame = pd.DataFrame(
        {
            "site": pairs.labels["site"],
            "issue_time": pairs.labels["issue_time"],
            "day": local_days(result, model=model),
            "crps": pairs.points(_METRIC[("crps", None)]),
            "error": pairs.mean - pairs.observed,
            "observed": pairs.observed,
            "n": 1,
        }
    )
    means = dict.fromkeys(("crps", "error", "observed"), "mean")
    table = frame.groupby(["site", "issue_time"], as_index=False).agg({"day": "min", **means, "n": "sum"})
    return table.sort_values("crps", ascending=False, kind="stable").head(count).reset_index(drop=True)


def ramps(result: Result, *, model: str) -> pd.DataFrame:
    r"""Ramps of the median against those of the outcome: hits, misses, false alarms, CSI.

    Notes
    -----
    A ramp is a change by 20 % of capacity (of the largest outcome if the capacity is not known) or more within 3
    hours, or the nearest whole number of intervals, inside one issue. An hour at which an observed ramp begins is a hit
    if a ramp of the median with the same sign begins within 1 h, else a miss; a ramp of the median without such a
    counterpart is a false alarm. Hours are counted, not events. A median is smoother than an outcome, so it misses
    ramps. The critical success index is

    .. math:: \text{CSI} = \frac{\text{hits}}{\text{hits} + \text{misses} + \text{false alarms}}

    See Also
    --------
    energyforecast.evaluation.ramps : Events in place of hours.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> ramps(example_result(), model="model")[["direction", "observed", "hits"]]
      direction  observed  hits
    0        up         0     0
    1      down         0     0
    """
    pairs = result.pairs[model]
    counts = dict.fromkeys(("up", "down"), np.zeros(3, dtype=int))
    frame = pairs.labels[["site", "issue_time", "lead_time"]].assign(
        observed=pairs.observed, median=pairs.at(0.5), capacity=pairs.capacity
    )
    for _, site in frame.groupby("site", sort=False):
        size = site["capacity"].fillna(site["observed"].abs().max()).iloc[0]
        for _, rows in site.groupby("issue_time", sort=False):
            for name, sign in (("up", 1), ("down", -1)):
                counts[name] = counts[name] + _matched(rows, sign, RAMP[0] * size, pairs.step)
    table = []
    for name, (hits, misses, alarms) in counts.items():
        events = hits + misses + alarms
        csi = hits / events if events else np.nan
        table.append((name, hits + misses, hits, misses, alarms, csi, len(pairs)))
    heads = ["direction", "observed", "hits", "misses", "false_alarms", "csi", "n"]
    return pd.DataFrame(table, columns=heads)


def _matched(rows: pd.DataFrame, sign: int, threshold: float, step: float) -> Array:
    """Hits, misses and false alarms of one issue."""
    lead = pd.to_timedelta(rows["lead_time"], unit="h").dt.round("1s").to_numpy()
    within = pd.Timedelta(hours=max(1, round(RAMP[1] / step)) * step).round("1s").to_timedelta64()
    tolerance = pd.Timedelta(hours=RAMP[2]).to_timedelta64()
    begins = []
    for column in ("observed", "median"):
        series = pd.Series(rows[column].to_numpy(), index=lead)
        change = sign * (series.reindex(lead + within).to_numpy() - series.to_numpy())
        begins.append(lead[change >= threshold])
    near = np.abs(begins[0][:, None] - begins[1][None, :]) <= tolerance
    hits = int(near.any(axis=1).sum())
    return np.array([hits, len(begins[0]) - hits, int((~near.any(axis=0)).sum())])


def imbalance(result: Result) -> pd.DataFrame:
    """Imbalance cost of two schedules of each forecast: its median and its cheapest quantile.

    The prices are an illustration: 30 EUR per MWh of shortage, 10 EUR per MWh of surplus, in addition to the day-ahead
    price.

    Returns
    -------
    DataFrame
        ``model``, ``schedule`` (``"median"``, ``"cheapest quantile"``), ``level`` (NaN where plants and demand
        have different ones), ``cost`` [EUR per MWh of the outcome], ``n``.

    Raises
    ------
    MissingDataError
        If a site's kind is ``"site"``, so that the side of a deviation is not known.

    See Also
    --------
    energyforecast.planning.schedule : The cheapest quantile, and its formula.
    energyforecast.evaluation.imbalance_cost : The cost.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> table = imbalance(example_result())
    >>> table[table["model"] == "model"][["schedule", "level"]]
                schedule  level
    0             median   0.50
    1  cheapest quantile   0.25
    """
    terms = ImbalanceTerms(shortage=IMBALANCE_PRICES[0], surplus=IMBALANCE_PRICES[1])
    rows = []
    for name, pairs in result.pairs.items():
        energy = float(np.abs(pairs.observed).sum()) * pairs.step
        cheapest = np.unique(best_level(*terms.prices(kind=pairs.kind)))
        best = float(cheapest[0]) if len(cheapest) == 1 else float("nan")  # of plants and demand together
        for schedule, level in (("median", 0.5), ("cheapest quantile", None)):
            paid = economic.imbalance_cost(pairs, terms=terms, level=level)["value"].sum()
            stated = (
                0.5
                if level is not None
                else float(np.clip(best, pairs.quantile_levels[0], pairs.quantile_levels[-1]))
            )
            rows.append((name, schedule, stated, paid / energy if energy else float("nan"), len(pairs)))
    return pd.DataFrame(rows, columns=["model", "schedule", "level", "cost", "n"])
