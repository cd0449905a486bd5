"""How much must be held ready, upward and downward, so that it seldom falls short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from energyforecast.core import timestamps
from energyforecast.core.alignment import finite_by_hour, outcomes_by_hour
from energyforecast.core.observation_series import Observations
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import RangeError, SchemaError
from energyforecast.planning.outages import Outage, outage_table
from energyforecast.planning.reserve_distributions import SLACK, TAIL_SHARE, Tail, needed

__all__ = ["Tail", "reserve", "reserve_exceedance", "static_reserve"]

Array = npt.NDArray[Any]

#: Errors that are expected beyond a quantile which is read from the sample alone.
_BEYOND: Final = 10
#: Errors from which a mean and a spread, or the two parameters of a tail, are taken.
_LEAST: Final = 30
_COLUMNS: Final = ("valid_time", "scheduled", "up", "down", "n")


def reserve(
    scenarios: Scenarios,
    *,
    risk: float,
    schedule: pd.Series | None = None,
    outages: Sequence[Outage] = (),
    tail: Tail | None = None,
    site: str | None = None,
) -> pd.DataFrame:
    """Reserve of each hour, upward and downward, that the need exceeds with at most a stated probability.

    Parameters
    ----------
    scenarios : Scenarios
        Of net load: demand less wind and solar. (Of a plant alone, its power taken negatively, as demand.)
    risk : float
        Probability, in each hour and in each direction, that the need exceeds the reserve; in (0, 0.5).
    schedule : Series, optional
        What is planned to cover the net load, by the beginnings of hours. By default the mean of the scenarios, since
        means add up: the schedules of areas are then that of their sum, which medians are not. [MW]
    outages : sequence of Outage
        Units that may fail, independently of each other and of the net load.
    tail : {None, "gaussian", "pareto"}
        None reads the quantile from the scenarios alone and refuses a risk below 10 / scenarios. ``"gaussian"``
        takes net load as normal with their mean and spread (30 scenarios). ``"pareto"`` continues
        the outer tenth of the scenarios by a generalised Pareto distribution (300 scenarios; risks down
        to a tenth of that of one scenario).
    site : str, optional
        Needed where there are several.

    Returns
    -------
    DataFrame
        ``valid_time``, ``scheduled``, ``up``, ``down`` [MW], ``n`` (scenarios). ``attrs`` hold ``risk``, ``tail`` and
        the ``caveats`` of the scenarios.

    Raises
    ------
    RangeError
        If the risk is none, or the scenarios cannot support it; the error says how many would.
    TimeError
        If the schedule lacks an hour or a zone.
    SchemaError
        If the scenarios are of a plant, whose shortage lies on the other side.

    Notes
    -----
    The upward need is net load less schedule, plus the power that is out: its distribution is the exact discrete
    convolution of both (:func:`outage_table`). The reserve is the least amount, never below 0, which the
    need exceeds with a probability of at most the risk; on scenarios it is one of the values that the need can take.
    An outage raises only the upward need: downward nobody counts on a failure, so that need is schedule
    less net load alone.

    The Gaussian tail suits sums of many areas and plants, not one plant, whose errors end at 0 and at its
    capacity. Neither tail knows such bounds.

    References
    ----------
    Doherty and O'Malley (2005), https://doi.org/10.1109/TPWRS.2005.846206; Matos and Bessa (2011),
    https://doi.org/10.1109/TPWRS.2010.2065818. Tail: Pickands (1975), https://doi.org/10.1214/aos/1176343003,
    fitted by probability-weighted moments, Hosking and Wallis (1987),
    https://doi.org/10.2307/1269343.

    Examples
    --------
    Every net load from 1 to 100 MW is as likely as the others; a unit of 20 MW fails once in ten times.

    >>> hours = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")
    >>> courses = Scenarios.from_values(
    ...     [[[float(k)]] for k in range(1, 101)], sites=["area"], valid_time=hours, frequency="1h"
    ... )
    >>> reserve(courses, risk=0.1)
                     valid_time  scheduled    up  down    n
    0 2024-01-02 00:00:00+00:00       50.5  39.5  39.5  100
    >>> reserve(courses, risk=0.1, outages=[Outage(capacity=20, probability=0.1)])["up"].tolist()
    [41.5]
    """
    states, courses = outage_table(outages), scenarios.of(site)
    _check_used(scenarios, site)
    hours, count = scenarios.valid_times, scenarios.number
    _check_risk(risk, count, tail, of="scenarios")
    mean = courses.mean(axis=0)
    scheduled = mean if schedule is None else finite_by_hour(schedule, hours, what="schedule")
    errors = (courses - scheduled).T
    table = pd.DataFrame(
        {
            "valid_time": hours,
            "scheduled": scheduled,
            "up": [needed(row, risk, tail, states) for row in errors],
            "down": [needed(-row, risk, tail) for row in errors],
            "n": count,
        }
    )
    table.attrs = {"risk": risk, "tail": tail or "none", "caveats": "; ".join(scenarios.caveats)}
    return table


def _check_used(scenarios: Scenarios, site: str | None) -> None:
    name = scenarios.sites[0] if site is None else site
    if scenarios.kinds[name] not in ("demand", "site"):
        raise SchemaError(
            f"Reserve is asked for of {name!r}, whose kind is {scenarios.kinds[name]!r}.",
            "It is of net load, which falls short when more comes; of a plant, when less comes.",
            'Give net_load(...), or the power taken negatively, with kind="demand".',
        )


def static_reserve(
    residuals: pd.Series,
    schedule: pd.Series,
    *,
    risk: float,
    outages: Sequence[Outage] = (),
    tail: Tail | None = None,
) -> pd.DataFrame:
    """Static reserve, the same for every hour, from residuals: the reference of a reserve by hour.

    Parameters
    ----------
    residuals : Series
        Net load minus its schedule, in hours before those that are planned; missing ones are left out. [MW]
    schedule : Series
        By the beginnings of the hours for which the reserve is held, with their zone. [MW]
    risk, outages, tail : optional
        As in :func:`reserve`.

    Returns
    -------
    DataFrame
        As of :func:`reserve`; ``n`` counts residuals.

    Examples
    --------
    >>> past = pd.Series(np.arange(-50.0, 51.0))
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> static_reserve(past, pd.Series(500.0, index=hours), risk=0.1)[["scheduled", "up", "down", "n"]]
       scheduled    up  down    n
    0      500.0  40.0  40.0  101
    1      500.0  40.0  40.0  101
    """
    errors = residuals.dropna().to_numpy(dtype=float)
    _check_risk(risk, len(errors), tail, of="residuals")
    scheduled = finite_by_hour(schedule, pd.DatetimeIndex(schedule.index), what="schedule")
    table = pd.DataFrame(
        {
            "valid_time": timestamps.to_index(schedule.index),
            "scheduled": scheduled,
            "up": needed(errors, risk, tail, outage_table(outages)),
            "down": needed(-errors, risk, tail),
            "n": len(errors),
        }
    )
    table.attrs = {"risk": risk, "tail": tail or "none", "caveats": ""}
    return table


def reserve_exceedance(
    tables: pd.DataFrame | Mapping[str, pd.DataFrame],
    observed: Observations | pd.Series,
    *,
    site: str | None = None,
    by: Literal["hour", "month"] | None = None,
    timezone: str = "UTC",
    tolerance: float = 0.0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How often the need exceeded reserves, with the exact binomial interval of that share.

    Parameters
    ----------
    tables : DataFrame or mapping of DataFrame
        Of :func:`reserve` and :func:`static_reserve`, by name; those of several days one below the other.
    observed : Observations or Series
        Net load by the beginnings of hours; where outages are part of the reserve, with the power that was out. [MW]
    site : str, optional
        Column of the observations.
    by : {"hour", "month"}, optional
        Of the local clock.
    timezone : str
        Zone of that clock.
    tolerance : float
        By how much a need may go beyond the reserve without counting, such as the accuracy of meters: where a plant
        stands still, outcomes lie a few kW below the lowest quantiles. [MW]
    confidence : float
        Of the interval.

    Returns
    -------
    DataFrame
        ``reserve`` (its name), `by`, ``direction``, ``held`` (mean) [MW], ``exceeded`` (hours), ``share``, ``low``,
        ``high``, ``beyond`` (by how much, mean of the hours in which it was exceeded) [MW], ``n``, ``missing``
        (hours without outcome).

    Notes
    -----
    The interval is that of Clopper and Pearson for independent hours. Errors of neighbouring hours go
    together, so that the true interval is wider.

    References
    ----------
    Clopper and Pearson (1934), https://doi.org/10.1093/biomet/26.4.404.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-02", periods=4, freq="1h", tz="UTC")
    >>> held = static_reserve(pd.Series(np.arange(-50.0, 51.0)), pd.Series(500.0, index=hours), risk=0.1)
    >>> came = pd.Series([500.0, 545.0, 480.0, np.nan], index=hours)
    >>> reserve_exceedance({"static": held}, came).drop(columns=["reserve", "missing"]).round(2)
      direction  held  exceeded  share   low  high  beyond  n
    0        up  40.0         1   0.33  0.01  0.91     5.0  3
    1      down  40.0         0   0.00  0.00  0.71     NaN  3
    """
    named = {"reserve": tables} if isinstance(tables, pd.DataFrame) else tables
    rows = []
    for name, table in named.items():
        _check_table(table, name)
        hours = pd.DatetimeIndex(table["valid_time"])
        error = outcomes_by_hour(observed, hours, site=site or "net load") - table["scheduled"].to_numpy()
        for label, here in _parts(hours.tz_convert(timestamps.zone(timezone)), by):
            head = {"reserve": name} | ({by: label} if by else {})
            for direction, need in (("up", error), ("down", -error)):
                held = table[direction].to_numpy()
                row = _exceeded(need[here], held[here], tolerance, confidence)
                rows.append(head | {"direction": direction} | row)
    return pd.DataFrame(rows)


def _exceeded(need: Array, held: Array, tolerance: float, confidence: float) -> dict[str, float]:
    known = np.isfinite(need)
    beyond = need[known] - held[known]
    over, total = beyond > tolerance + SLACK, len(beyond)
    low = high = np.nan
    if total:
        low, high = stats.binomtest(int(over.sum()), total).proportion_ci(confidence, method="exact")
    return {
        "held": float(held[known].mean()) if total else np.nan,
        "exceeded": int(over.sum()),
        "share": float(over.mean()) if total else np.nan,
        "low": float(low),
        "high": float(high),
        "beyond": float(beyond[over].mean()) if over.any() else np.nan,
        "n": total,
        "missing": int((~known).sum()),
    }


def _parts(clock: pd.DatetimeIndex, by: str | None) -> list[tuple[int, Array]]:
    if by is None:
        return [(0, np.ones(len(clock), dtype=bool))]
    if by not in ("hour", "month"):
        raise SchemaError(
            f"Exceedance by {by!r} is asked for.", "It is told by 'hour' or 'month'.", "Choose one of them."
        )
    label = np.asarray(getattr(clock, by))
    return [(int(value), label == value) for value in np.unique(label)]


def _check_table(table: pd.DataFrame, name: str) -> None:
    lacking = [column for column in _COLUMNS if column not in table]
    if lacking:
        raise SchemaError(
            f"The table {name!r} has no column {lacking[0]!r}.",
            f"A table of reserves has {list(_COLUMNS)}.",
            "Give what reserve(...) or static_reserve(...) returned.",
        )


def _check_risk(risk: float, count: int, tail: str | None, *, of: str) -> None:
    if not 0.0 < risk < 0.5:
        raise RangeError(
            f"The risk is {risk:g}.", "It is a probability above 0 and below 0.5.", "Give 0.01 for 1 %."
        )
    if tail not in (None, "gaussian", "pareto"):
        raise SchemaError(
            f"The tail {tail!r} is asked for.", "It is None, 'gaussian' or 'pareto'.", "Choose one of them."
        )
    own, beyond = np.ceil(_BEYOND / risk - 1e-9), np.ceil(0.1 / risk - 1e-9)
    least = {None: own, "gaussian": _LEAST, "pareto": max(_LEAST / TAIL_SHARE, beyond)}[tail]
    if count < least:
        also = "" if tail else " or state a tail model: tail='pareto' or tail='gaussian',"
        raise RangeError(
            f"A risk of {risk:g} is asked of {count} {of}"
            + (f" with the tail {tail!r}." if tail else f": {risk * count:.2g} of them lie beyond it."),
            f"At least {least:.0f} {of} are needed" + ("." if tail else f", {_BEYOND} beyond the quantile."),
            f"Give more {of},{also} or accept a larger risk.",
        )
