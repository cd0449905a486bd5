"""Point-in-time access to measurements: lags and outcomes as published by an issue time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.errors import TimeError
from energyforecast.point_in_time.weather_runs import to_ints

__all__ = ["Past", "begun", "history_as_of"]

Array = npt.NDArray[Any]
_NEVER: Final = np.iinfo(np.int64).max
_NONE: Final = pd.Timedelta(0)
_DAY: Final = pd.Timedelta("24h")


@checked(lag="0h", step="1ns")
@dataclass(frozen=True)
class Past:
    """Request of a feature for a lagged observation.

    Parameters
    ----------
    lag : Timedelta
        The value at ``valid_time - lag`` is requested.
    step : Timedelta, optional
        If that is not published, go back by whole steps (``24h`` keeps the hour of the day, of demand by the local
        clock); by default to the newest published value before it.
    newest : bool
        Count the lag from the newest published observation in place of the interval.
    weather : tuple of str
        Variables that are gathered for the interval of the observation, too, from the newest run known at issue
        that holds it; with `newest` alone.
    optional : bool
        Forecasts are made without it: it is missing where no observation is given or was published.

    Examples
    --------
    >>> Past(timestamps.duration("24h"))  # yesterday's value at the same hour
    Past(lag=Timedelta('1 days 00:00:00'), step=None, newest=False, weather=(), optional=False)
    """

    lag: pd.Timedelta
    step: pd.Timedelta | None = None
    newest: bool = False
    weather: tuple[str, ...] = ()
    optional: bool = False


def history_as_of(
    observations: Observations,
    *,
    site: str,
    issue_time: timestamps.Times,
    requested_time: timestamps.Times,
    lag: pd.Timedelta = _NONE,
    step: pd.Timedelta | None = None,
    clock: str | None = None,
    void_since: npt.NDArray[np.int64] | None = None,
) -> tuple[Array, Array]:
    """Observations that were published by the issue time.

    Parameters
    ----------
    observations : Observations
    site : str
        Name of the site.
    issue_time : array of datetime64, shape (origins,)
    requested_time : array of datetime64, shape (origins, steps)
        Beginnings of intervals.
    lag : Timedelta
        How long before them the requested intervals begin.
    step : Timedelta, optional
        How far to go back at a time while a value is missing or not published; an interval by default.
    clock : str, optional
        Time zone by whose clock lags with a step of whole days are counted, so that they keep the hour of people's days
        where the clock changes; in UTC by default. Of an hour that the clock repeats, the first is used; one that it
        leaves out is missing.
    void_since : array of int, shape (rows,), optional
        Moment from which it was known that a value shows a shut plant or an order, and is missing. [ns]

    Returns
    -------
    values : array, shape (origins, steps)
        NaN where no older value was published either. [MW]
    age : array, shape (origins, steps)
        ``issue_time`` minus the beginning of the interval that was used. [h]

    Notes
    -----
    Quality flags are not used: the time at which a flag was set is not known, and one that was set after the
    publication of the value would leak from the future.

    Examples
    --------
    Power is published an hour after the end of its hour: at 09:00 that of 06 and 07 UTC is known, that of
    08 UTC is not, and is replaced by 07 UTC, which began 2 h ago.

    >>> from energyforecast.testing import example_observations
    >>> requested = np.array([["2024-01-01T06", "2024-01-01T07", "2024-01-01T08"]], dtype="datetime64[ns]")
    >>> issued = np.array(["2024-01-01T09"], dtype="datetime64[ns]")
    >>> values, age = history_as_of(
    ...     example_observations(), site="farm", issue_time=issued, requested_time=requested
    ... )
    >>> values.tolist(), age.tolist()
    ([[14.0, 14.5, 14.5]], [[3.0, 2.0, 2.0]])
    """
    column = observations.sites.index(site)
    record = _Record(
        observations.values[site].to_numpy(),
        to_ints(observations.published[:, column]),
        np.full(len(observations.index), _NEVER) if void_since is None else void_since,
        to_ints(timestamps.to_ns(observations.index)),
    )
    width = observations.frequency.value
    hop = 1 if step is None else _whole_steps(step, observations.frequency)
    zone = clock if step is not None and step % _DAY == _NONE else None
    places = _Places.of(record, width, zone)
    record = record.ordered(places)
    issued = np.broadcast_to(to_ints(issue_time)[:, None], requested_time.shape).ravel()
    position = np.minimum(
        places.at(to_ints(requested_time).ravel(), lag.value), len(record.values) - 1 if hop == 1 else _NEVER
    )
    if hop > 1:
        beyond = np.maximum(0, position - (len(record.values) - 1))
        position = position - -(-beyond // hop) * hop
    if observations.published_after is not None and places.source is None:
        newest = places.at(issued - observations.published_after.value - width)
        position = _back_to_published(position, newest, hop)
    position = record.newest_known(position, issued, hop)
    known = position >= 0
    found = np.where(known, record.values[np.maximum(position, 0)], np.nan)
    age = np.where(known, (issued - record.begun[np.maximum(position, 0)]) / 3.6e12, np.nan)
    return found.reshape(requested_time.shape), age.reshape(requested_time.shape)


def begun(age: Array, issue_time: timestamps.Times) -> timestamps.Times:
    """Beginnings of observations of some age [h] at each issue, shape (origins, steps); NaT where there is none."""
    # Ages are hours: in whole seconds, so that no rounding moves the interval.
    seconds = np.round(np.nan_to_num(age) * 3600).astype("timedelta64[s]").astype("timedelta64[ns]")
    return np.where(np.isfinite(age), issue_time[:, None] - seconds, np.datetime64("NaT", "ns"))


class _Record(NamedTuple):
    """Values of a site with the moments of publication, of becoming void, and of the beginning. [ns]"""

    values: Array
    published: Array
    void_since: Array
    begun: Array

    def ordered(self, places: _Places) -> _Record:
        """The record by places; values of places without an interval are missing."""
        if places.source is None:
            return self
        at = np.maximum(places.source, 0)
        values = np.where(places.source >= 0, self.values[at], np.nan)
        return _Record(values, self.published[at], self.void_since[at], self.begun[at])

    def newest_known(self, position: Array, issued: Array, hop: int) -> Array:
        """Places, moved back by hops to a value that was known at issue; negative where there is none."""
        position, usable = position.copy(), np.isfinite(self.values)
        pending = np.flatnonzero(position >= 0)
        while pending.size:
            at, moment = position[pending], issued[pending]
            missing = ~usable[at] | _unpublished(self.published[at], moment) | (self.void_since[at] <= moment)
            pending = pending[missing]
            position[pending] -= hop
            pending = pending[position[pending] >= 0]
        return position


def _back_to_published(position: Array, newest: Array, hop: int) -> Array:
    """With a fixed latency, the newest published interval is known without a search."""
    return np.asarray(position - -(-np.maximum(0, position - newest) // hop) * hop)


def _unpublished(published: Array, issued: Array) -> npt.NDArray[np.bool_]:
    return np.asarray(published > issued)


class _Places(NamedTuple):
    """Numbers of intervals of a record, in UTC or by a local clock."""

    first: int
    width: int
    zone: str | None
    begin: int
    source: Array | None

    @classmethod
    def of(cls, record: _Record, width: int, zone: str | None) -> _Places:
        """Places in UTC, or by the clock of a zone, also where that changes after the record's end alone."""
        first = int(record.begun[0])
        if zone is None:
            return cls(first, width, None, first, None)
        local = _shown(record.begun, zone)
        begin = int(local.min())
        place = _nearest(local - begin, width)
        source = np.full(int(place.max()) + 1, -1)
        source[place[::-1]] = np.arange(len(place))[::-1]  # of a repeated hour, the first
        return cls(first, width, zone, begin, source)

    def at(self, moments: Array, lag: int = 0) -> Array:
        """Places of the intervals that hold moments minus a lag, which is counted by the clock. [ns]"""
        whole, rest = divmod(lag, self.width)
        number = (moments - rest - self.first) // self.width
        if self.zone is None:
            return np.asarray(number - whole)
        local = _shown(self.first + number * self.width, self.zone)
        return _nearest(local - self.begin, self.width) - whole


def _nearest(length: Array, width: int) -> Array:
    """Whole number of intervals: a clock may change by less than one, which then keeps its place."""
    return np.asarray((length + width // 2) // width)


def _shown(moments: Array, zone: str) -> Array:
    """Readings of a local clock at moments in UTC. [ns]"""
    return to_ints(timestamps.on_clock(moments.astype("datetime64[ns]"), zone))


def _whole_steps(step: pd.Timedelta, frequency: pd.Timedelta) -> int:
    """Number of intervals in a step."""
    if step < frequency or step % frequency != pd.Timedelta(0):
        raise TimeError(
            f"A lag goes back by steps of {step}; the observations have intervals of {frequency}.",
            "A step must be a whole number of intervals.",
            "Choose another step, or resample the observations.",
        )
    return int(step // frequency)
