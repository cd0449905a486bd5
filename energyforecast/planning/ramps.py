"""How likely power rises or falls by much within a few hours, and when to warn of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.alignment import outcomes_by_hour
from energyforecast.core.observation_series import Observations
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import RangeError, SchemaError, TimeError
from energyforecast.evaluation.ramp_matching import match_ramps, onsets

__all__ = ["alarm_scores", "alarms", "ramps"]

Array = npt.NDArray[Any]

_COLUMNS: Final = ("valid_time", "within", "direction", "change", "probability", "n")
#: By what rounding may move a change. [MW]
_SLACK: Final = 1e-9


def ramps(
    scenarios: Scenarios,
    *,
    change: float,
    within: Sequence[str] = ("1h", "3h", "6h"),
    capacity: float | None = None,
    site: str | None = None,
) -> pd.DataFrame:
    """Probability that power rises, or falls, by at least a change within a few hours from each hour on.

    Parameters
    ----------
    scenarios : Scenarios
        Of power, demand or net load. Their hours must belong together in each scenario: courses drawn hour
        by hour apart jump too often.
    change : float
        [MW], or a share of `capacity` where that is given.
    within : sequence of str
        Lengths of windows.
    capacity : float, optional
        [MW]
    site : str, optional
        Needed where there are several.

    Returns
    -------
    DataFrame
        ``valid_time``, ``within``, ``direction`` (``"up"``, ``"down"``), ``change`` [MW], ``probability``, ``n``
        (scenarios). The probability is NaN at the last hours, whose window is not whole.

    Raises
    ------
    RangeError
        If the change is not above 0.
    TimeError
        If a window is not whole intervals, or longer than the scenarios.

    Notes
    -----
    A scenario has an upward ramp within k intervals from hour t on if the greatest of P(t+1) − P(t), …,
    P(t+k) − P(t) is at least the change, so one that has come and gone before the window's end counts too.
    Downward the same with the greatest fall. Both may happen in one window, and a longer window never has the
    lower probability.

    References
    ----------
    Bossavy, Girard and Kariniotakis (2013), https://doi.org/10.1002/we.526.

    Examples
    --------
    In one of two scenarios power rises by 6 MW over two hours.

    >>> hours = pd.date_range("2024-01-02", periods=3, freq="1h", tz="UTC")
    >>> courses = Scenarios.from_values(
    ...     [[[2.0, 5.0, 8.0]], [[2.0, 2.0, 2.0]]], sites=["farm"], valid_time=hours
    ... )
    >>> table = ramps(courses, change=6.0, within=["1h", "2h"])
    >>> table[table["direction"] == "up"].pivot(index="valid_time", columns="within", values="probability").to_numpy()
    array([[0. , 0.5],
           [0. , nan],
           [nan, nan]])
    """
    least = change if capacity is None else change * capacity
    if not (np.isfinite(least) and least > 0):
        raise RangeError(
            f"A ramp is a change by {least:g} MW.",
            "It is above 0 MW.",
            "Give change=..., in MW or as a share.",
        )
    courses, hours, frames = scenarios.of(site), scenarios.valid_times, []
    for window in within:
        rise, fall = _extremes(courses, _intervals(window, scenarios.hours, len(hours)))
        for direction, amount in (("up", rise), ("down", -fall)):
            share = np.where(np.isfinite(amount[0]), (amount >= least - _SLACK).mean(axis=0), np.nan)
            frames.append(
                pd.DataFrame(
                    {
                        "valid_time": hours,
                        "within": window,
                        "direction": direction,
                        "change": least,
                        "probability": share,
                        "n": scenarios.number,
                    }
                )
            )
    table = pd.concat(frames, ignore_index=True)
    table.attrs = {"step": scenarios.hours, "caveats": "; ".join(scenarios.caveats)}
    return table


def alarms(table: pd.DataFrame, *, probability: float = 0.3) -> pd.DataFrame:
    """Warnings of ramps: consecutive hours with a high enough probability, as one event.

    Parameters
    ----------
    table : DataFrame
        Of :func:`ramps`.
    probability : float
        From which on a warning is given.

    Returns
    -------
    DataFrame
        A row for each warning, earliest first: ``within``, ``direction``, ``change`` [MW], ``start`` and ``end``
        (first and last hour at which the ramp may begin), ``hours``, ``probability`` (the greatest) and
        ``likeliest`` (its hour).

    Raises
    ------
    RangeError
        If the probability is not above 0 and at most 1.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-02", periods=4, freq="1h", tz="UTC")
    >>> courses = Scenarios.from_values(
    ...     [[[2.0, 2.0, 8.0, 8.0]], [[2.0, 8.0, 8.0, 8.0]]], sites=["farm"], valid_time=hours
    ... )
    >>> alarms(ramps(courses, change=5.0, within=["1h"]))[["direction", "start", "hours", "probability"]]
      direction                     start  hours  probability
    0        up 2024-01-02 00:00:00+00:00      2          0.5
    """
    if not 0.0 < probability <= 1.0:
        raise RangeError(
            f"Warnings are asked for from a probability of {probability:g} on.",
            "It is above 0 and at most 1.",
            "Give 0.3 for 30 %.",
        )
    rows = []
    for (within, direction), part in _courses(table):
        chance, hours = part["probability"].to_numpy(), pd.DatetimeIndex(part["valid_time"])
        for first, last in _runs(chance >= probability - _SLACK, hours, _step(table)):
            best = first + int(chance[first : last + 1].argmax())
            rows.append(
                {
                    "within": within,
                    "direction": direction,
                    "change": float(part["change"].iloc[0]),
                    "start": hours[first],
                    "end": hours[last],
                    "hours": last + 1 - first,
                    "probability": float(chance[best]),
                    "likeliest": hours[best],
                }
            )
    names = ["within", "direction", "change", "start", "end", "hours", "probability", "likeliest"]
    return pd.DataFrame(rows, columns=names).sort_values("start", kind="stable", ignore_index=True)


def alarm_scores(
    tables: pd.DataFrame | Sequence[pd.DataFrame],
    observed: Observations | pd.Series,
    *,
    probability: float = 0.3,
    tolerance: str = "1h",
    site: str | None = None,
) -> pd.DataFrame:
    """Hits, misses and false alarms of ramp warnings, by window and direction.

    Parameters
    ----------
    tables : DataFrame or sequence of DataFrame
        Of :func:`ramps`, one for each issue.
    observed : Observations or Series
        What came, by the beginnings of hours. [MW]
    probability : float
        From which on a warning is given.
    tolerance : str
        How long before or after the hours of a warning a ramp may begin that it still hits.
    site : str, optional
        Column of the observations.

    Returns
    -------
    DataFrame
        ``within``, ``direction``, ``hits``, ``misses``, ``false_alarms``, ``csi`` (hits over all three; NaN
        where there is none), ``warned`` (share of hours), ``n`` (hours judged), ``missing``.

    Notes
    -----
    What came is a course like the others: of hours in a row that each begin a ramp, the one of the greatest
    change is the event, as in :func:`energyforecast.evaluation.ramps`. It is hit by the nearest warning of its
    direction, each of which hits once. Long warnings are hit more easily: read ``warned`` beside the hits.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-02", periods=4, freq="1h", tz="UTC")
    >>> courses = Scenarios.from_values(
    ...     [[[2.0, 2.0, 8.0, 8.0]], [[2.0, 8.0, 8.0, 8.0]]], sites=["farm"], valid_time=hours
    ... )
    >>> came = pd.Series([2.0, 2.0, 2.0, 8.0], index=hours)
    >>> scores = alarm_scores(ramps(courses, change=5.0, within=["1h"]), came)
    >>> scores[["direction", "hits", "misses", "false_alarms", "n"]]
      direction  hits  misses  false_alarms  n
    0        up     1       0             0  3
    1      down     0       0             0  3
    """
    slack = timestamps.duration(tolerance) / pd.Timedelta("1h")
    parts = [
        part
        for table in ([tables] if isinstance(tables, pd.DataFrame) else tables)
        for part in _judged(table, observed, probability, slack, site or "the scenarios")
    ]
    sums = pd.DataFrame(parts).groupby(["within", "direction"], sort=False, as_index=False).sum()
    events = sums["hits"] + sums["misses"] + sums["false_alarms"]
    sums.insert(5, "csi", (sums["hits"] / events.where(events > 0)))
    return sums.assign(warned=sums["warned"] / sums["n"].where(sums["n"] > 0))


def _judged(
    table: pd.DataFrame, observed: Observations | pd.Series, probability: float, slack: float, site: str
) -> Iterator[dict[str, Any]]:
    warnings = alarms(table, probability=probability)
    for (within, direction), part in _courses(table):
        hours = pd.DatetimeIndex(part["valid_time"])
        outcome = outcomes_by_hour(observed, hours, site=site)
        rise, fall = _extremes(outcome[None, :], _intervals(within, _step(table), len(hours)))
        way = 1 if direction == "up" else -1
        amount = np.maximum(rise[0], 0.0) if way == 1 else np.minimum(fall[0], 0.0)
        mine = warnings[(warnings["within"] == within) & (warnings["direction"] == direction)]
        told = [(_since(row.start, hours), _since(row.end, hours), way) for row in mine.itertuples()]
        # A warning all of whose hours are unknown is judged by nobody.
        judged = [item for item in told if np.isfinite(amount[_within(hours, item)]).any()]
        came = [
            (_since(hours[place], hours), sign)
            for place, sign in onsets(amount, float(part["change"].iloc[0]) - _SLACK)
        ]
        hits, false = match_ramps(came, judged, tolerance=slack)
        whole = np.isfinite(part["probability"].to_numpy())
        known = whole & np.isfinite(amount)
        yield {
            "within": within,
            "direction": direction,
            "hits": len(hits),
            "misses": len(came) - len(hits),
            "false_alarms": len(false),
            "warned": int((part["probability"].to_numpy() >= probability - _SLACK)[known].sum()),
            "n": int(known.sum()),
            "missing": int((whole & ~known).sum()),
        }


def _extremes(courses: Array, intervals: int) -> tuple[Array, Array]:
    """Greatest rise and greatest fall from each hour on; NaN where the window is not whole."""
    rise, fall = (np.full(courses.shape, np.nan) for _ in range(2))
    last = courses.shape[1] - intervals
    steps = np.stack([courses[:, k : k + last] - courses[:, :last] for k in range(1, intervals + 1)])
    rise[:, :last], fall[:, :last] = steps.max(axis=0), steps.min(axis=0)
    return rise, fall


def _intervals(within: str, step: float, length: int) -> int:
    count = float(timestamps.duration(within) / pd.Timedelta("1h") / step)
    if abs(count - round(count)) > 1e-9 or not 1 <= round(count) < length:
        raise TimeError(
            f"Ramps within {within} are asked for, of {length} intervals of {step:g} h.",
            "A window is one or more whole intervals, and shorter than the scenarios.",
            "Leave this window out, or draw longer scenarios.",
        )
    return round(count)


def _courses(table: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    lacking = [column for column in _COLUMNS if column not in table]
    if lacking:
        raise SchemaError(
            f"The table has no column {lacking[0]!r}.",
            f"A table of ramps has {list(_COLUMNS)}.",
            "Give what ramps(...) returned.",
        )
    for (within, direction), part in table.groupby(["within", "direction"], sort=False):
        yield (str(within), str(direction)), part


def _step(table: pd.DataFrame) -> float:
    """Length of an interval. [h]"""
    if "step" in table.attrs:
        return float(table.attrs["step"])
    stamps = np.unique(timestamps.to_ns(table["valid_time"]))
    return float(np.diff(stamps).min() / np.timedelta64(1, "h")) if len(stamps) > 1 else 1.0


def _runs(marked: Array, hours: pd.DatetimeIndex, step: float) -> list[tuple[int, int]]:
    """First and last place of marked hours that follow each other."""
    places = np.flatnonzero(marked)
    if not places.size:
        return []
    apart = np.diff(timestamps.to_ns(hours)[places]) > np.timedelta64(round(step * 3.6e12), "ns")
    cuts = np.flatnonzero(apart | (np.diff(places) > 1)) + 1
    return [(int(run[0]), int(run[-1])) for run in np.split(places, cuts)]


def _since(moment: pd.Timestamp, hours: pd.DatetimeIndex) -> float:
    return float((moment - hours[0]) / pd.Timedelta("1h"))


def _within(hours: pd.DatetimeIndex, item: tuple[float, float, int]) -> Array:
    place = np.asarray((hours - hours[0]) / pd.Timedelta("1h"))
    return (place >= item[0] - _SLACK) & (place <= item[1] + _SLACK)
