"""Capacity in service and orders to curtail: values by hour, with the time at which each was known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.observation_frames import as_numbers, check_frame, on_same_axes
from energyforecast.core.wording import short
from energyforecast.errors import MissingDataError, RangeError, of_type

__all__ = [
    "AvailableCapacity",
    "Capacities",
    "as_capacities",
    "in_frame_of",
    "latest_capacity",
    "selected",
]

Array = npt.NDArray[Any]


@checked()
@dataclass(frozen=True, eq=False, repr=False)
class AvailableCapacity:
    r"""Capacity in service of one or several sites, or orders that limit their power, with the time of knowledge.

    Parameters
    ----------
    values : DataFrame
        Indexed by the beginnings of regular intervals in UTC, a column a site; hours to come belong to it too. NaN
        where it is not known, 0 where a site is shut. [MW]
    published_after : str or timedelta
        Latency after the END of an interval at which its value is known; negative where it is known before.
    published_time : DataFrame or moment
        In place of a latency: the time at which each value was known (NaT: never), or one moment for all.
    limit : bool
        Whether values are orders that cut power off, in place of units in service, with which power grows. Of orders
        NaN is no order.
    frequency : str or timedelta, optional
        Length of an interval; read from the index where there is more than one row.

    Raises
    ------
    SchemaError, TimeError
        If the frames are not as described.
    RangeError
        If a value is negative.
    MissingDataError
        If neither or both of `published_after` and `published_time` are given.

    See Also
    --------
    energyforecast.Observations, energyforecast.Forecaster.predict, energyforecast.backtest
    energyforecast.read_capacity : Reads a file.

    Notes
    -----
    With the power :math:`p_t` and the capacity in service :math:`c_t` of a plant with the rated capacity :math:`C`, a
    forecaster learns on :math:`p_t C / c_t` and forecasts, with the limit :math:`l_t` of an order,

    .. math:: q_\tau(t) = \min\bigl(l_t,\; \hat q_\tau(t)\, c_t / C\bigr).

    An hour of which the capacity was not known at the issue takes the newest known value of an hour that had begun,
    and before the first known value the rated capacity. Demand does not grow with the capacity of its connection:
    of a :class:`energyforecast.DemandArea` it is a bound alone, in both directions.

    Examples
    --------
    Two of four turbines are repaired from 10:00 to 12:00, as was known the evening before.

    >>> hours = pd.date_range("2024-03-05 10:00", periods=2, freq="1h", tz="UTC")
    >>> repair = AvailableCapacity(pd.DataFrame({"farm": 30.0}, index=hours), published_time="2024-03-04 18:00Z")
    >>> repair
    AvailableCapacity of farm: 2 x 1h from 2024-03-05 10:00 UTC, 30 to 30 MW
    """

    values: pd.DataFrame
    _: KW_ONLY
    published_after: Any = None
    published_time: Any = None
    limit: bool = False
    frequency: Any = None

    def __post_init__(self) -> None:
        given = None if self.frequency is None else timestamps.duration(self.frequency)
        frequency = check_frame(self.values, label="available capacity", frequency=given)
        values = as_numbers(self.values, "available capacity")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "frequency", frequency)
        _refuse_negative(values)
        if (self.published_after is None) == (self.published_time is None):
            raise MissingDataError(
                f"AvailableCapacity with published_after={self.published_after!r} and "
                f"published_time={'given' if self.published_time is not None else None}.",
                "Exactly one of them must give the time at which values became known.",
                "Give published_time='2024-03-04 18:00Z' for an order of that time, or published_after='1h' for a "
                "latency after the end of each interval.",
            )
        if self.published_after is not None:
            object.__setattr__(self, "published_after", timestamps.duration(self.published_after))
        elif isinstance(self.published_time, pd.DataFrame):
            frame = on_same_axes(self.published_time, values, "published_time")
            object.__setattr__(self, "published_time", frame)
        else:
            object.__setattr__(self, "published_time", timestamps.instant(self.published_time))

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(self.values.columns)

    @property
    def index(self) -> pd.DatetimeIndex:
        """Beginnings of the intervals, in UTC."""
        return pd.DatetimeIndex(self.values.index)

    def published(self, site: str) -> timestamps.Times:
        """Time at which each value of a site was known; NaT for never."""
        if self.published_after is not None:
            latency = (self.frequency + self.published_after).to_timedelta64()
            return np.asarray(timestamps.to_ns(self.index) + latency)
        if isinstance(self.published_time, pd.DataFrame):
            return timestamps.to_ns(self.published_time[site])
        return np.repeat(timestamps.to_ns([self.published_time]), len(self.values))

    def at(self, site: str, valid_time: Any) -> Array:
        """Values of the intervals that hold given hours; NaN where there is none, or it is not known. [MW]

        Examples
        --------
        >>> hours = pd.date_range("2024-03-05", periods=2, freq="24h", tz="UTC")
        >>> capacity = AvailableCapacity(pd.DataFrame({"farm": [30.0, 60.0]}, index=hours), published_after="0h")
        >>> capacity.at("farm", ["2024-03-05 10:00", "2024-03-06 10:00", "2024-03-07 10:00"]).tolist()
        [30.0, 60.0, nan]
        """
        wanted = timestamps.instants(valid_time)
        if site not in self.sites:
            return np.full(wanted.shape, np.nan)
        since = wanted.view(np.int64) - timestamps.to_ns(self.index[:1]).view(np.int64)[0]
        row = since // self.frequency.value
        inside = (row >= 0) & (row < len(self.values)) & ~np.isnat(wanted)
        return np.where(inside, self.values[site].to_numpy()[np.where(inside, row, 0)], np.nan)

    def __repr__(self) -> str:
        kind = "Limits of" if self.limit else "AvailableCapacity of"
        return (
            f"{kind} {', '.join(self.sites)}: {len(self.values)} x {short(self.frequency)} from "
            f"{self.index[0]:%Y-%m-%d %H:%M} UTC, {self.values.min().min():g} to {self.values.max().max():g} MW"
        )


#: One or several: where several know an hour, the newest publication counts.
Capacities: TypeAlias = AvailableCapacity | list[AvailableCapacity] | tuple[AvailableCapacity, ...] | None


def as_capacities(given: pd.DataFrame | Capacities, **known: Any) -> tuple[AvailableCapacity, ...]:
    """Capacities as a tuple; `known` is the publication of a frame."""
    if isinstance(given, pd.DataFrame):
        return (AvailableCapacity(given, **known),)
    several = () if given is None else tuple(given) if isinstance(given, list | tuple) else (given,)
    remedy = "Make it of a table: AvailableCapacity(frame, published_after='1h')."
    for item in several:
        of_type("available_capacity", item, expected=AvailableCapacity, remedy=remedy)
    return several


def in_frame_of(values: pd.DataFrame, given: pd.DataFrame | Capacities) -> Any:
    """Capacity of observed values: a frame of the same axes, or several with axes of their own."""
    if isinstance(given, pd.DataFrame):
        remedy = "Give AvailableCapacity(frame, published_after=...), which may have other sites, hours and intervals."
        return on_same_axes(given, values, "available_capacity", remedy=remedy)
    return None if given is None else as_capacities(given)


def selected(given: pd.DataFrame | Capacities, choose: Any, *, sites: Iterable[str]) -> Any:
    """Part of a frame; of several those of at least one of the sites, hours to come included."""
    if given is None or isinstance(given, pd.DataFrame):
        return None if given is None else choose(given)
    names = set(sites)
    return tuple(item for item in as_capacities(given) if names & set(item.sites)) or None


def latest_capacity(several: Iterable[AvailableCapacity], site: str, valid_time: Any) -> Array:
    """Capacity in service at given hours as last published, no limits; NaN where it is not known. [MW]"""
    result = np.full(timestamps.instants(valid_time).shape, np.nan)
    for item in sorted((item for item in several if not item.limit), key=_last_publication):
        found = item.at(site, valid_time)
        result = np.where(np.isfinite(found), found, result)
    return result


def _last_publication(capacity: AvailableCapacity) -> int:
    """When its newest value was published. [ns]"""
    return max(int(capacity.published(site).view(np.int64).max()) for site in capacity.sites)


def _refuse_negative(values: pd.DataFrame) -> None:
    negative = np.argwhere(values.to_numpy() < 0)
    if len(negative):
        row, column = negative[0]
        raise RangeError(
            f"The available capacity of site {values.columns[column]!r} is {values.iat[row, column]:g} MW at "
            f"{values.index[row]}.",
            "A capacity must be 0 or above.",
            "Correct the value; 0 is a site that is shut, NaN a capacity that is not known.",
        )
