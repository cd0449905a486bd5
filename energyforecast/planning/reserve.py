"""Upward and downward reserve at a stated risk, and its verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from energyforecast.core import timestamps
from energyforecast.core.alignment import finite_by_hour, outcomes_at
from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.intervals import check_same_step, step_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import RangeError, SchemaError, one_of
from energyforecast.evaluation.arguments import check_range
from energyforecast.planning.outages import Outage, outage_table
from energyforecast.planning.reserve_distributions import SLACK, TAIL_SHARE, Tail, needed
from energyforecast.planning.result_tables import check_columns

__all__ = ["Tail", "reserve", "reserve_exceedance", "static_reserve"]

Array = npt.NDArray[Any]

#: Number of residuals expected beyond an empirical quantile.
_BEYOND: Final = 10
#: Smallest number of residuals from which the parameters of a tail are estimated.
_MIN_RESIDUALS: Final = 30
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
    r"""Upward and downward reserve of each hour, exceeded by the need with at most a stated probability.

    .. math::
        R_\text{up} = \min\Big\{R \ge 0 : \sum_o P(O = o)\, P(N - s > R - o) \le \varepsilon\Big\}, \qquad
        R_\text{down} = \min\{R \ge 0 : P(s - N > R) \le \varepsilon\}

    with the net load N, its schedule s, the power O lost by outages and the risk :math:`\varepsilon`: the upward need
    is the exact convolution of residuals and outages. An outage raises the upward need alone.

    Parameters
    ----------
    scenarios : Scenarios
        Of net load: demand minus wind minus solar. (Of a plant alone: its negative power, with the kind "demand".)
    risk : float
        Probability, in each hour and in each direction, that the need exceeds the reserve; in (0, 0.5). [1]
    schedule : Series, optional
        Scheduled net load, by the beginnings of hours. By default the mean of the scenarios: means of areas add up to
        that of their sum, medians do not. [MW]
    outages : sequence of Outage
        Units that may fail, independently of each other and of the net load.
    tail : {None, "gaussian", "pareto"}
        None: empirical quantiles of the scenarios; at least 10 / risk of them are needed. ``"gaussian"``: a normal
        distribution with their mean and standard deviation (30 scenarios). ``"pareto"``: a generalised Pareto
        distribution of the outer tenth (300 scenarios, and 0.1 / risk).
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
        If the risk lies outside (0, 0.5), or needs more scenarios; the error names how many.
    TimeError
        If the schedule lacks an hour or a zone.
    SchemaError
        If the scenarios are of a plant, whose shortage lies on the other side.

    Notes
    -----
    The Pareto tail above the threshold u, which a share :math:`\zeta` of the residuals exceeds, is

    .. math::
        P(X > u + y) = \zeta \left(1 + \frac{\xi y}{\beta}\right)^{-1/\xi}, \qquad
        \xi = 2 - \frac{a_0}{a_0 - 2 a_1}, \qquad \beta = \frac{2 a_0 a_1}{a_0 - 2 a_1}

    with the probability-weighted moments :math:`a_0` and :math:`a_1` of the excesses. Tails have no bounds: they suit
    sums of many areas and plants, not one plant, whose residuals end at 0 and at its capacity.

    References
    ----------
    Doherty and O'Malley (2005), https://doi.org/10.1109/TPWRS.2005.846206; Matos and Bessa (2011),
    https://doi.org/10.1109/TPWRS.2010.2065818. Tail: Pickands (1975), https://doi.org/10.1214/aos/1176343003,
    fitted by probability-weighted moments, Hosking and Wallis (1987),
    https://doi.org/10.2307/1269343.

    See Also
    --------
    net_load : Scenarios of net load.
    outage_table : Distribution of the power lost.
    static_reserve, reserve_exceedance

    Examples
    --------
    Net loads from 1 to 100 MW are equally likely; a unit of 20 MW fails with a probability of 10 %.

    >>> hours = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")
    >>> scenarios = Scenarios.from_values(
    ...     [[[float(k)]] for k in range(1, 101)], sites=["area"], valid_time=hours, frequency="1h"
    ... )
    >>> reserve(scenarios, risk=0.1)
                     valid_time  scheduled    up  down    n
    0 2024-01-02 00:00:00+00:00       50.5  39.5  39.5  100
    >>> reserve(scenarios, risk=0.1, outages=[Outage(capacity=20, probability=0.1)])["up"].tolist()
    [41.5]
    """
    check_types(locals(), of=reserve)
    states, trajectories, hours = outage_table(outages), scenarios.of(site), scenarios.valid_times
    _check_demand(scenarios, site)
    _check_risk(risk, scenarios.n_scenarios, tail, of="scenarios")
    mean = trajectories.mean(axis=0)
    scheduled = (
        mean if schedule is None else finite_by_hour(schedule, hours, name="schedule", step=scenarios.step)
    )
    residuals = (trajectories - scheduled).T
    up = [needed(row, risk, tail, states) for row in residuals]
    down = [needed(-row, risk, tail) for row in residuals]
    table = pd.DataFrame(
        {"valid_time": hours, "scheduled": scheduled, "up": up, "down": down, "n": scenarios.n_scenarios}
    )
    table.attrs = {
        "risk": risk,
        "tail": tail or "none",
        "step": scenarios.step,
        "caveats": "; ".join(scenarios.caveats),
    }
    return table


def _check_demand(scenarios: Scenarios, site: str | None) -> None:
    """Refuse scenarios of a plant: less power is its shortage."""
    name = scenarios.sites[0] if site is None else site
    if scenarios.kinds[name] not in ("demand", "site"):
        raise SchemaError(
            f"Reserve is asked for of {name!r}, whose kind is {scenarios.kinds[name]!r}.",
            "Reserve is of net load: a shortage is more net load than scheduled, but less power of a plant.",
            'Give net_load(...), or the negative power, with kind="demand".',
        )


def static_reserve(
    residuals: pd.Series,
    schedule: pd.Series,
    *,
    risk: float,
    outages: Sequence[Outage] = (),
    tail: Tail | None = None,
) -> pd.DataFrame:
    r"""Static reserve, the same for every hour, from residuals: the reference of a reserve by hour.

    .. math:: R_\text{up} = \min\Big\{R \ge 0 : \sum_o P(O = o)\, P(E > R - o) \le \varepsilon\Big\}

    with the residuals E of past hours, in place of the distribution of each hour.

    Parameters
    ----------
    residuals : Series
        Net load minus its schedule, in hours before the planned ones; missing ones are left out. [MW]
    schedule : Series
        By the beginnings of the hours for which the reserve is held, with their zone. [MW]
    risk, outages, tail : optional
        As in :func:`reserve`.

    Returns
    -------
    DataFrame
        As of :func:`reserve`; ``n`` counts residuals.

    See Also
    --------
    reserve : From the scenarios of each hour.
    hindcast_residuals : Residuals of past forecasts.

    Examples
    --------
    >>> past = pd.Series(np.arange(-50.0, 51.0))
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> static_reserve(past, pd.Series(500.0, index=hours), risk=0.1)[["scheduled", "up", "down", "n"]]
       scheduled    up  down    n
    0      500.0  40.0  40.0  101
    1      500.0  40.0  40.0  101
    """
    check_types(locals(), of=static_reserve)
    known = as_numbers("residuals", residuals.dropna())
    as_numbers("schedule", schedule)
    _check_risk(risk, len(known), tail, of="residuals")
    step = _step_of(residuals, schedule)
    table = pd.DataFrame(
        {
            "valid_time": timestamps.to_index(schedule.index),
            "scheduled": finite_by_hour(schedule, pd.DatetimeIndex(schedule.index), name="schedule"),
            "up": needed(known, risk, tail, outage_table(outages)),
            "down": needed(-known, risk, tail),
            "n": len(known),
        }
    )
    table.attrs = {"risk": risk, "tail": tail or "none", "step": step, "caveats": ""}
    return table


def _step_of(residuals: pd.Series, schedule: pd.Series) -> float:
    """Length of an interval of the schedule, which residuals with times must have too. [h]"""
    step, times = step_of(schedule.index), residuals.index
    if isinstance(times, pd.MultiIndex) and "valid_time" in times.names:
        times = times.get_level_values("valid_time")
    given = step_of(times) if isinstance(times, pd.DatetimeIndex) else step
    if given <= 1 and len(schedule) > 1:  # Residuals of single hours of each day are farther apart.
        check_same_step(given, step, name="The series of residuals", other="the schedule")
    return step


def reserve_exceedance(
    tables: pd.DataFrame | Mapping[str, pd.DataFrame],
    observations: Observations | pd.Series,
    *,
    site: str | None = None,
    by: Literal["hour", "month"] | None = None,
    timezone: str = "UTC",
    tolerance: float = 0.0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    r"""Share of hours in which the need exceeded a reserve, with its exact binomial interval.

    .. math::
        \left[B^{-1}_{\alpha/2}(k,\, n - k + 1),\; B^{-1}_{1 - \alpha/2}(k + 1,\, n - k)\right]

    with k exceedances in n hours, the quantile function B⁻¹ of the beta distribution and the confidence
    :math:`1 - \alpha` (Clopper and Pearson).

    Parameters
    ----------
    tables : DataFrame or mapping of DataFrame
        Of :func:`reserve` and :func:`static_reserve`, by name; those of several days one below the other.
    observations : Observations or Series
        Net load by the beginnings of hours; where outages are part of the reserve, plus the power lost. [MW]
    site : str, optional
        Column of the observations.
    by : {"hour", "month"}, optional
        Of the local clock.
    timezone : str
        Zone of that clock.
    tolerance : float
        Smaller exceedances do not count, such as the accuracy of meters: at standstill of a plant, outcomes lie a
        few kW below the lowest quantiles. [MW]
    confidence : float
        Of the interval. [1]

    Returns
    -------
    DataFrame
        ``reserve`` (its name), `by`, ``direction``, ``held`` (mean) [MW], ``exceeded`` (hours), ``share``, ``low``,
        ``high``, ``beyond`` (mean exceedance, over the hours with one) [MW], ``n``, ``missing`` (hours without
        outcome).

    Notes
    -----
    The interval is of independent hours. Residuals of neighbouring hours are correlated, so the true interval is
    wider.

    References
    ----------
    Clopper and Pearson (1934), https://doi.org/10.1093/biomet/26.4.404.

    See Also
    --------
    reserve, static_reserve

    Examples
    --------
    >>> hours = pd.date_range("2024-01-02", periods=4, freq="1h", tz="UTC")
    >>> held = static_reserve(pd.Series(np.arange(-50.0, 51.0)), pd.Series(500.0, index=hours), risk=0.1)
    >>> observed = pd.Series([500.0, 545.0, 480.0, np.nan], index=hours)
    >>> reserve_exceedance({"static": held}, observed).drop(columns=["reserve", "missing"]).round(2)
      direction  held  exceeded  share   low  high  beyond  n
    0        up  40.0         1   0.33  0.01  0.91     5.0  3
    1      down  40.0         0   0.00  0.00  0.71     NaN  3
    """
    check_types(locals(), of=reserve_exceedance)
    if not 0 < confidence < 1:
        raise RangeError(
            f"The confidence is {confidence}.", "It must lie between 0 and 1.", "Give 0.95, for example."
        )
    check_range("The tolerance", tolerance, low=0.0)
    named = {"reserve": tables} if isinstance(tables, pd.DataFrame) else tables
    rows = []
    for name, table in named.items():
        check_columns(table, _COLUMNS, name=name, source="reserve(...) or static_reserve(...)")
        hours = pd.DatetimeIndex(table["valid_time"])
        outcome = outcomes_at(observations, hours, site=site or "net load", step=table.attrs.get("step"))
        residual = outcome - table["scheduled"].to_numpy()
        for label, hours_in in _parts(hours.tz_convert(timestamps.zone(timezone)), by):
            head = {"reserve": name} | ({by: label} if by else {})
            for direction, need in (("up", residual), ("down", -residual)):
                held = table[direction].to_numpy()
                row = _exceeded(need[hours_in], held[hours_in], tolerance, confidence)
                rows.append(head | {"direction": direction} | row)
    return pd.DataFrame(rows)


def _exceeded(need: Array, held: Array, tolerance: float, confidence: float) -> dict[str, float]:
    """Count, share and size of the exceedances."""
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
    """Label and hours of each group."""
    if by is None:
        return [(0, np.ones(len(clock), dtype=bool))]
    one_of("by", by, allowed=("hour", "month"))
    label = np.asarray(getattr(clock, by))
    return [(int(value), label == value) for value in np.unique(label)]


def _check_risk(risk: float, count: int, tail: str | None, *, of: str) -> None:
    if not 0.0 < risk < 0.5:
        raise RangeError(
            f"The risk is {risk:g}.", "It must be a probability above 0 and below 0.5.", "Give 0.01 for 1 %."
        )
    one_of("tail", tail, allowed=(None, "gaussian", "pareto"))
    beyond = np.ceil(_BEYOND / risk - 1e-9), np.ceil(0.1 / risk - 1e-9)
    required = {
        None: beyond[0],
        "gaussian": _MIN_RESIDUALS,
        "pareto": max(_MIN_RESIDUALS / TAIL_SHARE, beyond[1]),
    }[tail]
    if count < required:
        also = "" if tail else " or state a tail model: tail='pareto' or tail='gaussian',"
        raise RangeError(
            f"A risk of {risk:g} is asked of {count} {of}"
            + (f" with the tail {tail!r}." if tail else f": {risk * count:.2g} of them lie beyond it."),
            f"At least {required:.0f} {of} are needed"
            + ("." if tail else f", {_BEYOND} beyond the quantile."),
            f"Give more {of},{also} or accept a larger risk.",
        )
