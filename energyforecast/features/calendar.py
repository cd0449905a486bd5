"""Time of day, of the week and of the year on the local clock, and ages of weather."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from energyforecast.core import calendars, timestamps
from energyforecast.core.arguments import checked
from energyforecast.features.base import Array, Columns, Feature
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = [
    "DayOfYear",
    "HourOfWeek",
    "LeadTime",
    "LocalHour",
    "RunLeadTime",
    "WeatherAge",
    "Weekday",
    "Weekend",
]


def local_times(now: Snapshot) -> pd.DatetimeIndex:
    """Beginnings of all intervals on the local clock, in one dimension."""
    flat = pd.DatetimeIndex(now.valid_time.ravel(), tz="UTC")
    return flat.tz_convert(timestamps.zone(now.site.timezone))


def _local_hours(now: Snapshot) -> tuple[Array, Array]:
    """Local day of the week and hour of the day, in the shape of the snapshot."""
    local = local_times(now)
    hour = np.asarray(local.hour) + np.asarray(local.minute) / 60
    shape = now.valid_time.shape
    return np.asarray(local.day_of_week).reshape(shape), hour.reshape(shape)


@dataclass(frozen=True)
class LocalHour(Feature):
    """Local hour of the day at the beginning of the interval: ``hour``. [h]

    See Also
    --------
    HourOfWeek, Weekday

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> LocalHour().compute(example_snapshot(start="2024-01-02 00:00"))  # at UTC+6
    {'hour': array([[6., 7., 8.]])}
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``hour``."""
        return {"hour": _local_hours(now)[1]}


@dataclass(frozen=True)
class Weekday(Feature):
    """Local day of the week, Monday 0: ``weekday``.

    See Also
    --------
    DayType, HourOfWeek

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot(start="2024-01-02 17:00")  # a Tuesday; at UTC+6 Wednesday begins at 18 UTC
    >>> Weekday().compute(now)["weekday"].tolist()
    [[1, 2, 2]]
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``weekday``."""
        return {"weekday": _local_hours(now)[0]}


@dataclass(frozen=True)
class Weekend(Feature):
    """Whether the local day lies on the weekend of the site's country: ``weekend``.

    See Also
    --------
    Weekday, DayType, energyforecast.core.calendars.weekend

    Notes
    -----
    Friday and Saturday in Israel and most of the Arab world, Saturday and Sunday in Kazakhstan; a site without a
    country has the latter. Weekends that moved, as in the United Arab Emirates in 2022, are known with their year.

    Examples
    --------
    >>> from energyforecast.core.sites import DemandArea
    >>> from energyforecast.testing import example_snapshot
    >>> city = DemandArea(name="city", latitude=32.1, longitude=34.8, timezone="Asia/Jerusalem", country="IL")
    >>> now = example_snapshot(sites=city, start="2025-01-03 20:00")  # a Friday; Saturday begins at 22 UTC
    >>> Weekend().compute(now)["weekend"].tolist()
    [[True, True, True]]
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``weekend``."""
        local = local_times(now).tz_localize(None).to_numpy().astype("datetime64[D]")
        place = {name: getattr(now.site, name, None) for name in ("country", "subdivision")}
        return {"weekend": calendars.weekend(local.reshape(now.valid_time.shape), **place)}


@dataclass(frozen=True)
class HourOfWeek(Feature):
    """Local hour of the week since Monday 0:00: ``hour_of_week``, for weekly shifts. [h]

    See Also
    --------
    LocalHour, Weekday

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot(start="2024-01-07 17:00")  # a Sunday; at UTC+6 Monday begins at 18 UTC
    >>> HourOfWeek().compute(now)["hour_of_week"].tolist()
    [[167.0, 0.0, 1.0]]
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``hour_of_week``."""
        weekday, hour = _local_hours(now)
        return {"hour_of_week": 24 * weekday + hour}


@checked(parts=(2, 366))
@dataclass(frozen=True)
class DayOfYear(Feature):
    r"""Cyclic encoding of the season: ``season_cosine`` (1 on 1 January) and ``season_sine``.

    .. math:: \Bigl(\cos\frac{2\pi d}{D},\, \sin\frac{2\pi d}{D}\Bigr)

    with the time :math:`d` since the beginning of the year and the length :math:`D` of the year, in UTC. Of a year in
    :math:`n` parts, :math:`d` is the middle of its part,
    :math:`\bigl(\lfloor n d / D \rfloor + \tfrac12\bigr) D / n`.

    Parameters
    ----------
    parts : int, optional
        Equal parts :math:`n` of the year, in which trees cannot single out one spell of weather; the season changes at
        every hour by default.

    See Also
    --------
    LocalHour, Daylight

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> spring = DayOfYear().compute(example_snapshot(start="2024-04-01 12:00", hours=1))
    >>> {name: values.round(2).tolist() for name, values in spring.items()}
    {'season_cosine': [[0.0]], 'season_sine': [[1.0]]}
    >>> spring = DayOfYear(parts=4).compute(example_snapshot(start="2024-04-02", hours=1))  # second quarter
    >>> {name: values.round(2).tolist() for name, values in spring.items()}
    {'season_cosine': [[-0.71]], 'season_sine': [[0.71]]}
    """

    parts: int | None = None

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``season_cosine`` and ``season_sine``."""
        year = now.valid_time.astype("datetime64[Y]")
        begin = year.astype(now.valid_time.dtype)
        length = (year + np.timedelta64(1, "Y")).astype(now.valid_time.dtype) - begin
        share = (now.valid_time - begin) / length
        if self.parts is not None:
            share = (np.floor(self.parts * share) + 0.5) / self.parts
        angle: Array = 2 * np.pi * share
        return {"season_cosine": np.cos(angle), "season_sine": np.sin(angle)}


@dataclass(frozen=True)
class LeadTime(Feature):
    """Lead time from issue to the beginning of the interval: ``lead_time``. [h]

    See Also
    --------
    WeatherAge, RunLeadTime

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> LeadTime().compute(example_snapshot())  # issued at 09 UTC for the day that begins at 00 UTC
    {'lead_time': array([[15., 16., 17.]])}
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``lead_time``."""
        return {"lead_time": now.lead_time}


@dataclass(frozen=True)
class WeatherAge(Feature):
    """Age at issue, and lead time, of the weather run; NaN for an analysis. [h]

    See Also
    --------
    LeadTime, RunLeadTime

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> WeatherAge().compute(example_snapshot())  # the run of 00 UTC, at 09 UTC, for the next day
    {'weather_age': array([9.]), 'weather_lead_time': array([[24., 25., 26.]])}
    """

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``weather_age`` and ``weather_lead_time``, of each weather model."""
        columns: dict[str, Array] = {}
        for model in now.models:
            prefix = f"{model}:" if model else ""
            columns[f"{prefix}weather_age"] = now.weather_age(model)
            columns[f"{prefix}weather_lead_time"] = now.weather_lead_time(model)
        return columns


@dataclass(frozen=True)
class RunLeadTime(Feature):
    """Actual lead time of weather composed of several runs, where it has that variable: ``run_lead_time``. [h]

    See Also
    --------
    WeatherAge, LeadTime

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> RunLeadTime().compute(example_snapshot({"run_lead_time": 24.0}, rising=1.0))
    {'run_lead_time': array([[24., 25., 26.]])}
    """

    weather: ClassVar[tuple[str, ...]] = ("run_lead_time",)
    optional: ClassVar[bool] = True

    def compute(self, now: Snapshot) -> Columns:
        """Column ``run_lead_time``, of each weather model that has it."""
        return {name: now[name] for name in now.matching(*self.weather)}
