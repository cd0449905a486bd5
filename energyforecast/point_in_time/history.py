"""Point-in-time access to measurements: lags and outcomes as published by an issue time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.errors import TimeError
from energyforecast.point_in_time.weather_runs import to_ints

__all__ = ["Past", "history_as_of"]

Array = npt.NDArray[Any]
_NEVER: Final = np.iinfo(np.int64).max


@checked(lag="0h", step="1ns")
@dataclass(frozen=True)
class Past:
    """Request of a feature for a lagged observation.

    Parameters
    ----------
    lag : Timedelta
        The value at ``valid_time - lag`` is requested.
    step : Timedelta, optional
        If that is not published, go back by whole steps (``24h`` keeps the hour of the day); by
        default to the newest published value before it.
    newest : bool
        Count the lag from the newest published observation in place of the interval.
    weather : tuple of str
        Variables that are gathered for the interval of the observation, too, from the newest run known at issue
        that holds it; with `newest` alone.

    Examples
    --------
    >>> Past(timestamps.duration("24h"))  # yesterday's value at the same hour
    Past(lag=Timedelta('1 days 00:00:00'), step=None, newest=False, weather=())
    """

    lag: pd.Timedelta
    step: pd.Timedelta | None = None
    newest: bool = False
    weather: tuple[str, ...] = ()


def history_as_of(
    observations: Observations,
    *,
    site: str,
    issue_time: timestamps.Times,
    requested_time: timestamps.Times,
    step: pd.Timedelta | None = None,
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
        Beginnings of the requested intervals.
    step : Timedelta, optional
        How far to go back at a time while a value is missing or not published; an interval by default.
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
    values = observations.values[site].to_numpy()
    published = to_ints(observations.published[:, column])
    begin, width = to_ints(timestamps.to_ns(observations.index))[0], observations.frequency.value
    hop = 1 if step is None else _whole_steps(step, observations.frequency)
    issued = np.broadcast_to(to_ints(issue_time)[:, None], requested_time.shape).ravel()
    position = np.minimum(
        (to_ints(requested_time).ravel() - begin) // width, len(values) - 1 if hop == 1 else _NEVER
    )
    if hop > 1:
        beyond = np.maximum(0, position - (len(values) - 1))
        position = position - -(-beyond // hop) * hop
    if observations.published_after is not None:
        position = _back_to_published(position, issued, begin, width, observations.published_after.value, hop)
    usable = np.isfinite(values)
    pending = np.flatnonzero(position >= 0)
    while pending.size:
        at = position[pending]
        missing = ~usable[at] | _unpublished(published[at], issued[pending])
        if void_since is not None:
            missing |= void_since[at] <= issued[pending]
        pending = pending[missing]
        position[pending] -= hop
        pending = pending[position[pending] >= 0]
    known = position >= 0
    found = np.where(known, values[np.maximum(position, 0)], np.nan)
    age = np.where(known, (issued - (begin + position * width)) / 3.6e12, np.nan)
    return found.reshape(requested_time.shape), age.reshape(requested_time.shape)


def _whole_steps(step: pd.Timedelta, frequency: pd.Timedelta) -> int:
    """Number of intervals in a step."""
    if step < frequency or step % frequency != pd.Timedelta(0):
        raise TimeError(
            f"A lag goes back by steps of {step}; the observations have intervals of {frequency}.",
            "A step must be a whole number of intervals.",
            "Choose another step, or resample the observations.",
        )
    return int(step // frequency)


def _back_to_published(
    position: Array, issued: Array, begin: int, width: int, latency: int, hop: int
) -> Array:
    """With a fixed latency, the newest published interval is computed without a search."""
    newest = (issued - latency - width - begin) // width
    behind = np.maximum(0, position - newest)
    return np.asarray(position - -(-behind // hop) * hop)


def _unpublished(published: Array, issued: Array) -> npt.NDArray[np.bool_]:
    return np.asarray(published > issued)
