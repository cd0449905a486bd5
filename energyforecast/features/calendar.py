"""Time of day, of the week and of the year, on the site's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.features.base import Array, Columns, Feature
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["DayOfYear", "HourOfWeek", "LeadTime", "LocalHour", "RunLeadTime", "WeatherAge", "Weekday"]


def _local(now: Snapshot) -> pd.DatetimeIndex:
    flat = pd.DatetimeIndex(now.valid_time.ravel(), tz="UTC")
    return flat.tz_convert(timestamps.zone(now.site.timezone))


@dataclass(frozen=True)
class LocalHour(Feature):
    """Local hour of the day at which the interval begins: ``hour``. [h]

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> LocalHour().compute(example_snapshot(start="2024-01-02 00:00"))  # at UTC+6
    {'hour': array([[6., 7., 8.]])}
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``hour``."""
        local = _local(now)
        hour = np.asarray(local.hour) + np.asarray(local.minute) / 60
        return {"hour": hour.reshape(now.valid_time.shape)}


@dataclass(frozen=True)
class Weekday(Feature):
    """Local day of the week, Monday 0: ``weekday``.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot(start="2024-01-02 17:00")  # a Tuesday; at UTC+6 Wednesday begins at 18 UTC
    >>> Weekday().compute(now)["weekday"].tolist()
    [[1, 2, 2]]
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``weekday``."""
        return {"weekday": np.asarray(_local(now).day_of_week).reshape(now.valid_time.shape)}


@dataclass(frozen=True)
class HourOfWeek(Feature):
    """Local hour of the week, from Monday 0:00 on: ``hour_of_week``, for shifts that change by the week. [h]

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot(start="2024-01-07 17:00")  # a Sunday; at UTC+6 Monday begins at 18 UTC
    >>> HourOfWeek().compute(now)["hour_of_week"].tolist()
    [[167.0, 0.0, 1.0]]
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``hour_of_week``."""
        local = _local(now)
        hours = 24 * np.asarray(local.day_of_week) + np.asarray(local.hour) + np.asarray(local.minute) / 60
        return {"hour_of_week": hours.reshape(now.valid_time.shape)}


@dataclass(frozen=True)
class DayOfYear(Feature):
    """Season as a point on a circle: ``season_cosine`` (1 on 1 January) and ``season_sine``.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> spring = DayOfYear().compute(example_snapshot(start="2024-04-01 12:00", hours=1))
    >>> {name: values.round(2).tolist() for name, values in spring.items()}
    {'season_cosine': [[0.0]], 'season_sine': [[1.0]]}
    """

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``season_cosine`` and ``season_sine``."""
        year = now.valid_time.astype("datetime64[Y]")
        begin = year.astype(now.valid_time.dtype)
        length = (year + np.timedelta64(1, "Y")).astype(now.valid_time.dtype) - begin
        angle: Array = 2 * np.pi * ((now.valid_time - begin) / length)
        return {"season_cosine": np.cos(angle), "season_sine": np.sin(angle)}


@dataclass(frozen=True)
class LeadTime(Feature):
    """From the issue of the forecast to the beginning of the interval: ``lead_time``. [h]

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
    """Age at issue and lead of the weather run that was used; NaN for an analysis. [h]

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
    """True lead of weather that is put together from several runs, where it says so: ``run_lead_time``. [h]

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
