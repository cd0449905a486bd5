"""Schedule of minimum expected imbalance cost, and the costs of other schedules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import frequency_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import Kind, power_bounds
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.core.scenario_set import Scenarios
from energyforecast.core.settlement import ImbalanceTerms, Price, as_terms, best_level
from energyforecast.errors import MissingDataError, RangeError
from energyforecast.evaluation.arguments import check_positive
from energyforecast.planning.expected_cost import ExpectedCost

__all__ = ["compare_schedules", "schedule"]

Array = npt.NDArray[Any]

#: Number of scenarios required on the rarer side of a level.
_PER_SIDE: Final = 10


def schedule(
    source: Forecast | Scenarios,
    terms: ImbalanceTerms | None = None,
    *,
    shortage: Price | None = None,
    surplus: Price | None = None,
    band: float = 0.0,
    capacity: float | None = None,
    site: str | None = None,
    issue_time: Any = None,
) -> pd.DataFrame:
    r"""Hourly schedule of minimum expected imbalance cost, with the costs of mean and median.

    .. math::
        s^* = \arg\min_s\; \pi_- \operatorname{E}\left[(s - w - X)_+\right]
            + \pi_+ \operatorname{E}\left[(X - s - w)_+\right], \qquad
        s^* = F^{-1}\left(\frac{\pi_+}{\pi_- + \pi_+}\right) \text{ for } w = 0

    with the outcome X, its quantile function F⁻¹, the price :math:`\pi_-` of less and :math:`\pi_+` of more than
    scheduled, and the half width w of the dead band. Without a band the minimum is the newsvendor quantile.

    Parameters
    ----------
    source : Forecast or Scenarios
        Of a plant, less than scheduled is a shortage; of demand, more than scheduled. Each issue of a forecast is
        planned, unless one is named.
    terms : ImbalanceTerms, optional
        In place of the prices and the band, such as :func:`energyforecast.core.settlement.kazakhstan`.
    shortage, surplus : float or Series
        Prices of shortage and surplus **relative to having declared it**, as in
        :func:`energyforecast.evaluation.imbalance_cost`; a series by the beginnings of hours. [currency per MWh]
    band : float
        Half width w of the dead band as a share of the schedule; deviations within it are free. A share of the
        capacity, or payment of the whole deviation outside of the band, needs `terms`: :class:`ImbalanceTerms`. [1]
    capacity : float, optional
        For terms with ``band_of="capacity"``; that of the forecast by default. [MW]
    site : str, optional
        Needed where there are several.
    issue_time : str or moment, optional
        One issue of the forecast.

    Returns
    -------
    DataFrame
        ``issue_time`` (NaT for scenarios without one), ``valid_time``, ``schedule`` [MW], ``expected_cost``
        [currency in the interval], ``mean`` [MW], ``mean_cost``, ``median`` [MW], ``median_cost``.

    Raises
    ------
    MissingDataError
        If the site's kind is ``"site"``, so that the side of a deviation is not known, and the prices differ.
    RangeError
        If a price is below 0 or missing, the band is no share, the forecast's levels do not bracket the newsvendor
        level, or scenarios are too few for it.
    TimeError
        If a series of prices lacks an hour or a zone.

    Notes
    -----
    With a band, the expected cost is piecewise linear in the schedule on samples, and piecewise quadratic on a quantile
    curve, with nodes where an edge of the band passes a sample or quantile. All nodes and the minimum of each parabola
    are compared, so the minimum is exact also if the cost has several local minima or jumps (``paid="whole"``). Of
    schedules with equal costs, the one nearest to the median is taken.

    References
    ----------
    Pinson, Chevallier and Kariniotakis (2007), https://doi.org/10.1109/TPWRS.2007.901117.

    See Also
    --------
    compare_schedules : Costs of mean, median and optimum.
    energyforecast.core.settlement.ImbalanceTerms : Bands and payments of other kinds.

    Examples
    --------
    Powers from 0 to 40 MW are equally likely; a shortage costs three times a surplus.

    >>> hours = pd.date_range("2024-01-02", periods=1, freq="1h", tz="UTC")
    >>> scenarios = Scenarios.from_values(
    ...     [[[float(k)]] for k in range(41)], sites=["farm"], kind="wind", valid_time=hours, frequency="1h"
    ... )
    >>> columns = ["schedule", "expected_cost", "median", "median_cost"]
    >>> schedule(scenarios, shortage=30, surplus=10)[columns].round(1)
       schedule  expected_cost  median  median_cost
    0      10.0          153.7    20.0        204.9
    >>> schedule(scenarios, shortage=30, surplus=10, band=0.1)[columns].round(1)
       schedule  expected_cost  median  median_cost
    0      12.2          137.6    20.0        166.8
    """
    check_types(locals(), of=schedule)
    agreed = as_terms(terms, shortage=shortage, surplus=surplus, band=band)
    frames = [_planned(window, agreed) for window in _windows(source, site, issue_time, capacity)]
    return pd.concat(frames, ignore_index=True)


def compare_schedules(
    source: Forecast | Scenarios,
    terms: ImbalanceTerms | None = None,
    *,
    observations: Observations | pd.Series | None = None,
    shortage: Price | None = None,
    surplus: Price | None = None,
    band: float = 0.0,
    capacity: float | None = None,
    site: str | None = None,
) -> pd.DataFrame:
    """Expected and realised cost of declaring the mean, the median or the optimum, and the value of the band.

    Parameters
    ----------
    source, terms, shortage, surplus, band, capacity, site : optional
        As in :func:`schedule`; every issue of a forecast counts.
    observations : Observations or Series, optional
        Outcomes, by the beginnings of hours; hours without outcome are left out of realised costs. As in
        :mod:`energyforecast.evaluation`, outcomes are clipped to the bounds of the forecast. [MW]

    Returns
    -------
    DataFrame
        A row for each schedule: ``schedule``, ``energy`` [MWh], ``expected_cost``, ``expected_band_worth``, and where
        outcomes are given ``realised_cost``, ``realised_band_worth``, ``within_band`` (share of hours), ``n`` and
        ``missing``. The value of the band is the cost without it minus the cost with it; without it the optimum is
        another schedule, the quantile. [currency]

    See Also
    --------
    schedule : The optimum by hour.
    energyforecast.evaluation.imbalance_cost : Costs of any schedule.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> table = compare_schedules(
    ...     example_forecast(), shortage=30, surplus=20, band=0.05, observations=example_observations()
    ... )
    >>> table[["schedule", "expected_cost", "realised_cost", "realised_band_worth", "n"]].round(1)
      schedule  expected_cost  realised_cost  realised_band_worth   n
    0     mean         1006.5          105.0                375.0  24
    1   median         1006.5          105.0                375.0  24
    2  optimum          982.1          426.1                533.9  24
    """
    check_types(locals(), of=compare_schedules)
    agreed = as_terms(terms, shortage=shortage, surplus=surplus, band=band)
    bare = replace(agreed, band=0.0)
    windows = list(_windows(source, site, None, capacity))
    tables = [[_planned(window, settled) for window in windows] for settled in (agreed, bare)]
    rows = []
    for name in ("mean", "median", "optimum"):
        column = "schedule" if name == "optimum" else name
        cost = "expected_cost" if name == "optimum" else f"{name}_cost"
        expected, without = (sum(table[cost].sum() for table in planned) for planned in tables)
        row = {
            "schedule": name,
            "energy": sum(
                table[column].sum() * window.step for table, window in zip(tables[0], windows, strict=True)
            ),
            "expected_cost": expected,
            "expected_band_worth": without - expected,
        }
        if observations is not None:
            declared = [[table[column].to_numpy() for table in planned] for planned in tables]
            row |= _realised(windows, declared, (agreed, bare), observations)
        rows.append(row)
    return pd.DataFrame(rows)


def _realised(
    windows: list[_Window],
    declared: list[list[Array]],
    both: tuple[ImbalanceTerms, ImbalanceTerms],
    observations: Observations | pd.Series,
) -> dict[str, float]:
    """Realised cost with and without the band, over the hours with outcome."""
    costs: list[list[Array]] = [[], []]
    inside = []
    for k, window in enumerate(windows):
        outcome = window.clipped(outcomes_at(observations, window.hours, site=window.site, step=window.step))
        for place, terms in enumerate(both):
            plan = declared[place][k]
            costs[place].append(
                terms.cost(
                    outcome,
                    plan,
                    kind=window.kind,
                    hours=window.hours,
                    capacity=window.capacity,
                    step=window.step,
                )
            )
        inside.append(both[0].within(outcome, declared[0][k], capacity=window.capacity))
    cost, without, share = (np.concatenate(parts) for parts in (*costs, inside))
    known = np.isfinite(share)
    return {
        "realised_cost": float(cost[known].sum()),
        "realised_band_worth": float(without[known].sum() - cost[known].sum()),
        "within_band": float(share[known].mean()) if known.any() else np.nan,
        "n": int(known.sum()),
        "missing": int((~known).sum()),
    }


@dataclass(frozen=True)
class _Window:
    """Hours of one issue at one site, with the distribution of the outcome in each."""

    site: str
    kind: Kind
    issue_time: pd.Timestamp
    hours: pd.DatetimeIndex
    step: float
    capacity: float | None
    outcomes: list[QuantileFunction]
    levels: tuple[float, ...] | None  # of a forecast
    number: int  # of scenarios

    def clipped(self, observed: Array) -> Array:
        """Outcomes within the bounds of a forecast."""
        bounds = power_bounds(None if self.levels is None else self.capacity, kind=self.kind)
        return np.asarray(np.clip(observed, *bounds))

    def check_level(self, level: float, hour: pd.Timestamp) -> None:
        """Refuse a level that the forecast or the scenarios do not support."""
        if self.levels is not None and not self.levels[0] - 1e-9 <= level <= self.levels[-1] + 1e-9:
            raise RangeError(
                f"At {hour} the best level of site {self.site!r} is {level:.4g}.",
                f"Levels of the forecast, {self.levels[0]:g} to {self.levels[-1]:g}, must bracket it and the median.",
                "Forecast more levels: day_ahead(..., quantiles=...); or check the prices.",
            )
        rare = min(level, 1.0 - level)
        if self.levels is None and rare * self.number < _PER_SIDE - 1e-9:
            needed = (
                f"{np.ceil(_PER_SIDE / rare - 1e-9):.0f} scenarios" if rare > 0 else "no number of scenarios"
            )
            raise RangeError(
                f"At {hour} the best level of site {self.site!r} is {level:.4g}, and there are "
                f"{self.number} scenarios.",
                f"The level needs {needed}: {_PER_SIDE} on its rarer side.",
                "Sample more scenarios, or check the prices.",
            )


def _windows(
    source: Forecast | Scenarios, site: str | None, issue_time: Any, capacity: float | None
) -> Iterator[_Window]:
    """Issues of a forecast, or the window of scenarios."""
    if capacity is not None:
        check_positive("The capacity", capacity)
    if isinstance(source, Scenarios):
        yield _of_scenarios(source, site, capacity)
        return
    name = _only(source, site)
    chosen = source.sel(site=name, issue_time=issue_time)
    installed = float(chosen.data["capacity"].values[0]) if capacity is None else capacity
    step = (frequency_of(chosen) or pd.Timedelta("1h")) / pd.Timedelta("1h")
    for origin, inside in enumerate(chosen.inside):
        rows = chosen.data.values[0, origin, inside].astype(float)
        yield _Window(
            site=name,
            kind=chosen.kinds[name],
            issue_time=chosen.issue_times[origin],
            hours=timestamps.to_index(chosen.data["valid_time"].values[origin, inside]),
            step=float(step),
            capacity=installed,
            outcomes=[QuantileFunction(row, chosen.quantiles) for row in rows],
            levels=chosen.quantiles,
            number=0,
        )


def _of_scenarios(source: Scenarios, site: str | None, capacity: float | None) -> _Window:
    """The window of scenarios."""
    issued = source.data.attrs.get("issue_time")
    name = source.sites[0] if site is None else site
    return _Window(
        site=name,
        kind=source.kinds[name],
        issue_time=pd.NaT if issued is None else timestamps.instant(issued),
        hours=source.valid_times,
        step=source.step,
        capacity=capacity,
        outcomes=[QuantileFunction.of_samples(column) for column in source.of(site).T],
        levels=None,
        number=source.n_scenarios,
    )


def _only(source: Forecast, site: str | None) -> str:
    """The named site, or the only one."""
    if site is None and len(source.sites) > 1:
        raise MissingDataError(
            "A schedule is asked for without a site.",
            f"The forecast has {list(source.sites)}; each has a schedule of its own.",
            "Name one of them, or sample scenarios and total them.",
        )
    return source.sites[0] if site is None else site


def _planned(window: _Window, terms: ImbalanceTerms) -> pd.DataFrame:
    """Schedule, mean and median of each hour, with their expected costs."""
    prices = np.column_stack(terms.prices(kind=window.kind, hours=window.hours, step=window.step))
    rows = []
    for outcomes, (below, above), hour in zip(window.outcomes, prices, window.hours, strict=True):
        level = float(best_level(below, above))
        for checked in (level, 0.5):
            window.check_level(checked, hour)
        settled = ExpectedCost(outcomes, terms, below, above, window.capacity)
        usual = np.array([outcomes.mean, outcomes.at(0.5)])
        best = np.array([outcomes.at(level)]) if terms.band == 0 else settled.cheapest(usual)
        declared = np.concatenate([best, usual])
        rows.append(np.ravel([declared, window.step * settled.expected(declared)], order="F"))
    names = ("schedule", "expected_cost", "mean", "mean_cost", "median", "median_cost")
    table = pd.DataFrame(np.array(rows), columns=list(names))
    table.insert(0, "issue_time", window.issue_time)
    table.insert(1, "valid_time", window.hours)
    return table
