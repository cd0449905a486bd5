"""Synthetic works in quarter-hours: shifts, a furnace in planned campaigns, closed days, a slow order book."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import calendars, timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.planned_operation import PlannedOperation
from energyforecast.core.sites import DemandArea
from energyforecast.core.variables import Flag
from energyforecast.datasets.synthetic.consumer_statistics import consumer_statistics
from energyforecast.datasets.synthetic.stochastic_processes import autoregression, blocks, stream
from energyforecast.datasets.synthetic.synthetic_consumers import (
    LogitNormal,
    SyntheticConsumers,
    clock_time,
    interval_index,
    labelled,
)
from energyforecast.datasets.synthetic.synthetic_site import Statistic

__all__ = ["works"]

Floats = npt.NDArray[np.float64]

_NAME: Final = "works (synthetic)"
_ZONE: Final = "Asia/Almaty"
#: Connection, standby, and median while a shift works, the late shift, an extra shift, the furnace. [MW]
_CAPACITY: Final = 0.7
_STANDBY: Final = 0.013
_BREAK: Final = 0.03
_DAY_SHIFT: Final = 0.225
_LATE_SHIFT: Final = 0.165
_EXTRA: Final = 0.13
_FURNACE: Final = 0.15
#: More orders in winter.
_SEASON: Final = 0.22
#: Spread of the logit at work and in standby; weights and memories of orders and of minutes. [1; 1; h]
_AT_WORK: Final = 0.65
_SILENT: Final = 0.12
_WEIGHTS: Final = (0.6, 0.8)
_MEMORY: Final = (50.0, 0.8)
#: Of the steel works of "Steel Industry Energy Consumption" (UCI, CC BY 4.0), January to August 2018, and tolerances.
_TARGETS: Final = {
    "load factor": (0.188, 0.04),
    "load factor of a day": (0.386, 0.06),
    "Saturday / weekday": (0.466, 0.15),
    "Sunday / weekday": (0.225, 0.17),
    "lowest hour": (0.14, 0.06),
    "highest hour": (2.17, 0.3),
    "spread of the day's energy": (0.372, 0.1),
    "autocorrelation 1 h": (0.688, 0.08),
    "autocorrelation 24 h": (0.606, 0.1),
    "autocorrelation 168 h": (0.666, 0.1),
}


@checked(seed=(0, inf), days=(14, 3660))
def works(*, seed: int = 1, start: str = "2023-01-01", days: int = 243) -> SyntheticConsumers:
    """Synthetic works in quarter-hours: two shifts, silent nights and Sundays, a furnace in planned campaigns.

    Synthetic: its statistics follow those of a real steel works; it contains no measured value of it. The plans of
    the furnace, of extra shifts and of closed days are in the observations, each with the time at which it was known.

    Parameters
    ----------
    seed : int
        Different seeds give different orders, campaigns and outages.
    start : str
        First local day.
    days : int
        Length.

    Returns
    -------
    SyntheticConsumers
        One works of 700 kW in Kazakhstan. Quarter-hours of an outage have the flag ``OUTAGE``.

    Raises
    ------
    RangeError
        If the length is less than 14 days.

    See Also
    --------
    households, city, SyntheticConsumers

    Examples
    --------
    >>> synthetic = works(days=28)
    >>> sorted(set(synthetic.observations.planned.rows["activity"]))
    ['closed', 'extra shift', 'furnace']
    """
    index = interval_index(start, days=days, step="15min", timezone=_ZONE)
    local = index.tz_convert(_ZONE)
    planned = _planned(local.normalize().unique(), rng=stream(seed, "plans"))
    median, at_work = _median(index, planned)
    rng = stream(seed, "demand")
    memory = 4.0 * np.array(_MEMORY)
    distribution = LogitNormal(
        median=median[:, None],
        spread=np.where(at_work, _AT_WORK, _SILENT)[:, None],
        capacity=np.array([_CAPACITY]),
        weights=np.array(_WEIGHTS),
        memory=memory,
        states=np.array([autoregression(rng, len(index), memory=m)[:, None] for m in memory]),
    )
    return SyntheticConsumers(
        name=_NAME,
        sites=(_SITE,),
        observations=_metered(index, distribution.power()[:, 0], at_work, planned, rng=stream(seed, "meter")),
        truth=labelled(pd.DataFrame({_NAME: median}, index=index), name=_NAME, seed=seed),
        temperature=None,
        seed=seed,
        distribution=distribution,
        measure=_statistics,
    )


_SITE: Final = DemandArea(
    name=_NAME, latitude=49.8, longitude=73.1, timezone=_ZONE, sector="industry", country="KZ"
)


def _planned(days: pd.DatetimeIndex, *, rng: np.random.Generator) -> PlannedOperation:
    """Campaigns and shifts at weekends, known two and three days ahead, and closed days, known half a year ahead."""
    wall = days.tz_localize(None)
    kinds = calendars.look_up(wall.to_numpy().astype("datetime64[D]"), country="KZ")
    summer = (wall.month == 7) & (wall.day >= 10) & (wall.day < 17)
    rows = [(wall[0], wall[0] + pd.Timedelta("1D"), "closed", 0.0, wall[0] - pd.Timedelta("200D"))]
    rows += [
        (day, day + pd.Timedelta("1D"), "closed", 1.0, day - pd.Timedelta("180D")) for day in wall[summer]
    ]
    for day, working in zip(wall[~summer], kinds.working[~summer], strict=True):
        begin, length = int(rng.integers(7, 15)), int(rng.integers(3, 9))
        campaign, night, extra = rng.random(3)
        if working and campaign < 0.4:
            rows.append(_row(day, begin, min(length, 22 - begin), "furnace", known="40h"))
        if working and night < 0.06:
            rows.append(_row(day, 21, 5, "furnace", known="40h"))
        if not working and extra < {5: 0.7, 6: 0.3}.get(day.day_of_week, 0.0):
            rows.append(_row(day, 8, 9, "extra shift", known="60h"))
    frame = pd.DataFrame(rows, columns=["start", "end", "activity", "level", "published"])
    return PlannedOperation(frame.assign(site=_NAME), timezone=_ZONE)


def _row(
    day: pd.Timestamp, begin: int, hours: int, activity: str, *, known: str
) -> tuple[pd.Timestamp, pd.Timestamp, str, float, pd.Timestamp]:
    start = day + pd.Timedelta(begin, unit="h")
    return start, start + pd.Timedelta(hours, unit="h"), activity, 1.0, day - pd.Timedelta(known)


def _median(index: pd.DatetimeIndex, planned: PlannedOperation) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Median demand where shifts and plans are known, and whether anybody works. [MW]"""
    local = index.tz_convert(_ZONE)
    clock = clock_time(local)
    days = timestamps.on_clock(timestamps.to_ns(index), _ZONE).astype("datetime64[D]")
    kinds = calendars.look_up(days, country="KZ")
    level = {name: planned.at(_NAME, name, index) > 0 for name in ("closed", "furnace", "extra shift")}
    usual = kinds.working & ~level["closed"]
    early = usual & (clock >= 8) & (clock < 17)
    late = usual & (clock >= 17) & (clock < 21)
    pause = (clock >= 12) & (clock < 13) & (early | level["extra shift"]) & ~level["furnace"]
    shifts = (
        _DAY_SHIFT * early + _LATE_SHIFT * late + _EXTRA * level["extra shift"] + _FURNACE * level["furnace"]
    )
    season = 1.0 + _SEASON * np.cos(2 * np.pi * (local.day_of_year - 15) / 365.25)
    median = _STANDBY + np.where(pause, _BREAK, shifts * season)
    return np.asarray(median), np.asarray(shifts > 0)


def _metered(
    index: pd.DatetimeIndex,
    power: Floats,
    at_work: npt.NDArray[np.bool_],
    planned: PlannedOperation,
    *,
    rng: np.random.Generator,
) -> Observations:
    """Metered demand in tenths of a kilowatt, published a quarter of an hour later, with flagged outages."""
    out = blocks(rng, len(index), every=25.0 * 96, shortest=6, longest=30) & at_work
    values = np.round(np.where(out, _STANDBY, power), 4)
    return Observations(
        pd.DataFrame({_NAME: values}, index=index),
        published_after="15min",
        flags=pd.DataFrame({_NAME: out * int(Flag.OUTAGE)}, index=index),
        frequency="15min",
        planned=planned,
    )


def _statistics(synthetic: SyntheticConsumers) -> Iterator[Statistic]:
    power = synthetic.observations.values[_NAME].tz_convert(_ZONE)
    yield from consumer_statistics(power, targets=_TARGETS)
