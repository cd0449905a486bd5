"""Peak and energy of days and months: the distribution of a maximum and of a sum, from scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import By, Forecast
from energyforecast.core.quantiles import check_levels
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import one_of
from energyforecast.planning.scenario_generation.copula import GaussianCopula
from energyforecast.planning.scenario_generation.dependence import Dependence
from energyforecast.planning.scenario_generation.sample import sample_scenarios

__all__ = ["NEAR", "By", "Period", "energy", "most_likely_time", "peak", "periods_of", "sampled"]

Array = npt.NDArray[Any]

#: Form of the name of a period.
_FORMS: Final = {"day": "%Y-%m-%d", "month": "%Y-%m"}
#: Levels of the tables.
_LEVELS: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
#: Distance within which the time of a peak is right.
NEAR: Final = np.timedelta64(1, "h")


class Period(NamedTuple):
    """A local day, a local month or the whole window: its name, its intervals, and whether they cover it."""

    name: str
    places: npt.NDArray[np.intp]
    whole: bool


def peak(
    forecast: Forecast | Scenarios,
    *,
    by: By = "day",
    groups: Mapping[str, Sequence[str]] | None = None,
    quantile_levels: Sequence[float] = _LEVELS,
    dependence: Dependence | None = None,
    timezone: str | None = None,
    n_scenarios: int = 500,
) -> pd.DataFrame:
    r"""Distribution of the highest power of each local day, and its most likely time.

    .. math::
        \hat Q_\tau\Bigl(\max_{t \in D} X_t\Bigr), \qquad
        \hat t = \arg\max_{t \in D} P\bigl(|T - t| \le 1\,\text{h}\bigr), \quad T = \arg\max_{t \in D} X_t

    over scenarios :math:`X` of a day :math:`D`. The highest of the hours' quantiles is not a quantile of the highest
    hour: of independent hours, each with a probability of 10 % to be above its level 0.9, one of 24 is above it with
    a probability of 92 %.

    Parameters
    ----------
    forecast : Forecast or Scenarios
        A forecast may hold several issues. [MW]
    by : {"day", "month", "window"}
        Local days, local months, or all intervals of a window together.
    groups : mapping of sequence of str, optional
        The sites of each sum, such as ``{"all": ["works", "city"]}``; by default each site alone.
    quantile_levels : sequence of float
        Levels of the columns.
    dependence : Dependence, optional
        Of hours and sites; by default that which the forecast carries (:meth:`GaussianCopula.of`). Not of scenarios,
        which have one.
    timezone : str, optional
        Clock of days and months; by default that of the forecast's task, or UTC.
    n_scenarios : int
        Number of scenarios that are sampled of each issue.

    Returns
    -------
    DataFrame
        A row for each site, issue and period: ``site``, ``issue_time``, ``period`` (the local date or month; the first
        interval of a window), ``hours`` that the forecast covers of it, ``time`` (beginning of the most likely
        interval, UTC), ``probability`` that the peak is within an hour of it, ``mean`` and quantiles [MW].

    Raises
    ------
    MissingDataError
        If no dependence is given and the forecast carries none.
    RangeError, SchemaError
        If a level is not between 0 and 1, or a group names an unknown site.

    See Also
    --------
    energy : Of the same periods.
    period_scores : Scores of peaks and energies of a backtest.
    energyforecast.Forecast.peak : The same, of a forecast.

    References
    ----------
    - Scenarios: Pinson et al. (2009), https://doi.org/10.1002/we.284
    - Peak and its hour: Amara-Ouali, Fasiolo, Goude and Yan (2023), Daily peak electrical load forecasting with a
      multi-resolution approach, International Journal of Forecasting 39(3), https://arxiv.org/abs/2112.04492

    Examples
    --------
    Power is highest at 01:00 in two of four scenarios, at 02:00 in one and at 12:00 in one:

    >>> hours = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
    >>> values = np.full((4, 1, 24), 10.0)
    >>> values[[0, 1, 2, 3], 0, [1, 1, 2, 12]] = [12.0, 14.0, 16.0, 18.0]
    >>> scenarios = Scenarios.from_values(values, sites=["works"], valid_time=hours, kind="demand")
    >>> peak(scenarios, quantile_levels=[0.5]).drop(columns=["issue_time", "hours"])
        site      period                      time  probability  mean  q0.5
    0  works  2024-01-02 2024-01-02 01:00:00+00:00         0.75  15.0  15.0
    """
    check_types(locals(), of=peak)
    rows = []
    for scenarios, period in _each(forecast, by, groups, dependence, timezone, n_scenarios):
        values = scenarios.data.values[:, :, period.places]
        stamps = scenarios.data["valid_time"].values[period.places]
        for k, head in enumerate(_heads(scenarios, period)):
            time, probability = most_likely_time(values[:, k].argmax(axis=1), stamps)
            head |= {"time": timestamps.to_index([time])[0], "probability": probability}
            rows.append(head | _summary(values[:, k].max(axis=1), quantile_levels))
    return pd.DataFrame(rows)


def energy(
    forecast: Forecast | Scenarios,
    *,
    by: By = "day",
    groups: Mapping[str, Sequence[str]] | None = None,
    quantile_levels: Sequence[float] = _LEVELS,
    dependence: Dependence | None = None,
    timezone: str | None = None,
    n_scenarios: int = 500,
) -> pd.DataFrame:
    r"""Distribution of the energy of each local day or month.

    .. math:: \hat Q_\tau\Bigl(\Delta t \sum_{t \in D} X_t\Bigr)

    over scenarios :math:`X` of a day or month :math:`D` and the length :math:`\Delta t` of an interval. The sum of
    the hours' quantiles is a quantile of the energy only if all hours err together.

    Parameters
    ----------
    forecast, by, groups, quantile_levels, dependence, timezone, n_scenarios
        As in :func:`peak`.

    Returns
    -------
    DataFrame
        A row for each site, issue and period: ``site``, ``issue_time``, ``period``, ``hours`` as in :func:`peak`,
        ``mean`` and quantiles of the energy of these hours [MWh].

    Raises
    ------
    MissingDataError, RangeError, SchemaError
        As in :func:`peak`.

    See Also
    --------
    peak : Of the same periods.
    energyforecast.Forecast.energy : The same, of a forecast.

    References
    ----------
    Scenarios: Pinson et al. (2009), https://doi.org/10.1002/we.284

    Examples
    --------
    A day of 10 MW, or of 11 MW:

    >>> hours = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
    >>> values = np.repeat([[[10.0]], [[11.0]]], 24, axis=2)
    >>> scenarios = Scenarios.from_values(values, sites=["works"], valid_time=hours, kind="demand")
    >>> energy(scenarios, quantile_levels=[0.25, 0.75])[["period", "hours", "mean", "q0.25", "q0.75"]]
           period  hours   mean  q0.25  q0.75
    0  2024-01-02   24.0  252.0  240.0  264.0
    """
    check_types(locals(), of=energy)
    rows = []
    for scenarios, period in _each(forecast, by, groups, dependence, timezone, n_scenarios):
        total = scenarios.step * scenarios.data.values[:, :, period.places].sum(axis=2)
        for k, head in enumerate(_heads(scenarios, period)):
            rows.append(head | _summary(total[:, k], quantile_levels))
    return pd.DataFrame(rows)


def sampled(
    forecast: Forecast | Scenarios,
    *,
    groups: Mapping[str, Sequence[str]] | None,
    dependence: Dependence | None,
    n_scenarios: int,
) -> Iterator[Scenarios]:
    """Scenarios of each issue, or those given, summed over the groups."""
    if isinstance(forecast, Scenarios):
        several: Iterator[Scenarios] = iter([forecast])
    else:
        model = GaussianCopula.of(forecast) if dependence is None else dependence
        # The outer levels would cut every peak: the tails go on.
        several = (
            sample_scenarios(
                forecast, n_scenarios=n_scenarios, dependence=model, issue_time=issue, tails="normal"
            )
            for issue in forecast.issue_times
        )
    return (one if groups is None else one.total(groups) for one in several)


def periods_of(valid_time: pd.DatetimeIndex, *, by: By, timezone: str, step: pd.Timedelta) -> list[Period]:
    """Local days or months of some intervals in order, or all of them as one."""
    one_of("by", by, allowed=("day", "month", "window"))
    if by == "window":
        return [Period(f"{valid_time[0]:%Y-%m-%d %H:%M}", np.arange(len(valid_time)), whole=True)]
    names = valid_time.tz_convert(timestamps.zone(timezone)).strftime(_FORMS[by]).to_numpy()
    found = {str(name): np.flatnonzero(names == name) for name in dict.fromkeys(names)}
    return [
        Period(name, places, whole=_length(name, timezone) == step * len(places))
        for name, places in found.items()
    ]


def _length(name: str, timezone: str) -> pd.Timedelta:
    """Length of a local day or month by its name."""
    period = pd.Period(name)
    days = pd.DatetimeIndex([period.start_time, (period + 1).start_time])
    first, last = timestamps.to_ns(timestamps.local_midnights(days, timezone=timezone))
    return pd.Timedelta(last - first)


def most_likely_time(places: npt.NDArray[np.intp], stamps: timestamps.Times) -> tuple[np.datetime64, float]:
    """Interval within an hour of which most peaks lie, and their share; of several, that of most peaks itself."""
    count = np.bincount(places, minlength=len(stamps))
    before = np.concatenate([[0], np.cumsum(count)])
    first, last = np.searchsorted(stamps, stamps - NEAR), np.searchsorted(stamps, stamps + NEAR, side="right")
    share = before[last] - before[first]
    best = int(np.lexsort((-np.arange(len(stamps)), count, share))[-1])
    return stamps[best], float(share[best] / len(places))


def _each(
    forecast: Forecast | Scenarios,
    by: By,
    groups: Mapping[str, Sequence[str]] | None,
    dependence: Dependence | None,
    timezone: str | None,
    n_scenarios: int,
) -> Iterator[tuple[Scenarios, Period]]:
    """Scenarios of each issue with each of their periods."""
    zone = timezone or str(forecast.data.attrs.get("timezone", "UTC"))
    for scenarios in sampled(forecast, groups=groups, dependence=dependence, n_scenarios=n_scenarios):
        step = pd.Timedelta(hours=scenarios.step)
        for period in periods_of(scenarios.valid_times, by=by, timezone=zone, step=step):
            yield scenarios, period


def _heads(scenarios: Scenarios, period: Period) -> list[dict[str, Any]]:
    """First columns of the rows of a period, by site."""
    issued = scenarios.data.attrs.get("issue_time")
    shared = {
        "issue_time": pd.NaT if issued is None else timestamps.instant(issued),
        "period": period.name,
        "hours": len(period.places) * scenarios.step,
    }
    return [{"site": site} | shared for site in scenarios.sites]


def _summary(values: Array, levels: Sequence[float]) -> dict[str, float]:
    """Mean and quantiles of equally likely values."""
    found = np.quantile(values, check_levels(levels), method="hazen")
    columns = {f"q{level:g}": float(value) for level, value in zip(levels, found, strict=True)}
    return {"mean": float(values.mean())} | columns
