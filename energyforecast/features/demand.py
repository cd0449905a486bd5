"""Features of the demand of an area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from energyforecast import physics
from energyforecast.core import calendars, timestamps
from energyforecast.core.arguments import checked
from energyforecast.features.base import Array, Columns, Feature, step_hours
from energyforecast.features.day_class import calendar_of, local_day
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = [
    "ApparentTemperature",
    "DayType",
    "Daylight",
    "DaysOff",
    "HalfDays",
    "SchoolHolidays",
    "Temperature",
]


@checked(time_constants=(1, 10_000), heating=(-50, 50), cooling=(-50, 50), reach=(0, 10_000))
@dataclass(frozen=True)
class Temperature(Feature):
    r"""Temperature, its exponentially weighted means, and heating and cooling degrees.

    .. math::
        \bar T_k = \frac{\sum_j e^{-j \Delta t / \tau} \, T_{k-j}}{\sum_j e^{-j \Delta t / \tau}}, \qquad
        h = \max(T_h - \bar T, 0), \qquad c = \max(\bar T - T_c, 0)

    Parameters
    ----------
    time_constants : tuple of float
        Time constants :math:`\tau` of the means up to the interval. [h]
    heating, cooling : float
        Base temperatures :math:`T_h` and :math:`T_c`, below and above which heating and cooling begin. [°C]
    reach : int
        Range before the window over which the means are taken. [h]

    See Also
    --------
    ApparentTemperature, energyforecast.physics.thermal_inertia, energyforecast.physics.heating_degrees

    Notes
    -----
    The means are of one weather run, from `reach` before the window on. A run that begins later has fewer
    hours, over which the weights add up to one: at short leads the mean of 72 h is that of fewer hours, in
    training as in operation.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"temp_air": 10.0}, hours=1)
    >>> columns = Temperature(time_constants=(8,), reach=4).compute(now)
    >>> {name: float(values[0, 0].round(1)) for name, values in columns.items()}
    {'temp_air[mean]': 10.0, 'temp_air[8h]': 10.0, 'temp_air[heating]': 5.0, 'temp_air[cooling]': 0.0}
    """

    weather: ClassVar[tuple[str, ...]] = ("temp_air",)

    time_constants: tuple[float, ...] = (8, 24, 72)
    heating: float = 15.0
    cooling: float = 20.0
    reach: int = 96

    @property
    def margin(self) -> pd.Timedelta:
        """The range before the window."""
        return timestamps.duration(f"{self.reach}h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``temp_air[mean]``, ``temp_air[24h]``, ``temp_air[heating]`` and ``[cooling]``. [°C, K]

        Heating and cooling follow the mean of the first time constant.
        """
        columns: dict[str, Array] = {}
        steps = now.valid_time.shape[1]
        for name in now.matching(*self.weather):
            columns[f"{name}[mean]"] = now.interval_mean(name)
            trajectory = now.path(name, hours=self.reach)
            smoothed = [
                physics.thermal_inertia(trajectory, hours, step=step_hours(now))[:, -steps:]
                for hours in self.time_constants
            ]
            columns |= {
                f"{name}[{hours:g}h]": mean for hours, mean in zip(self.time_constants, smoothed, strict=True)
            }
            columns[f"{name}[heating]"] = physics.heating_degrees(smoothed[0], self.heating)
            columns[f"{name}[cooling]"] = physics.cooling_degrees(smoothed[0], self.cooling)
        return columns


@dataclass(frozen=True)
class ApparentTemperature(Feature):
    r"""Apparent temperature, where the weather has humidity and wind: ``temp_air[apparent]``. [°C]

    .. math:: T_a = T + 0.33 \, e - 0.70 \, v - 4.00

    with the vapour pressure :math:`e` in hPa and the wind speed :math:`v` at 10 m.

    See Also
    --------
    Temperature, energyforecast.physics.apparent_temperature

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"temp_air": 30.0, "relative_humidity": 50.0, "wind_speed_10m": 2.0}, hours=1)
    >>> columns = ApparentTemperature().compute(now)  # humid air feels warmer
    >>> round(float(columns["temp_air[apparent]"][0, 0]), 1)
    31.6
    """

    weather: ClassVar[tuple[str, ...]] = ("temp_air", "relative_humidity", "wind_speed_10m")
    margin: ClassVar[pd.Timedelta] = pd.Timedelta("1h")
    optional: ClassVar[bool] = True

    def compute(self, now: Snapshot) -> Columns:
        """Column ``temp_air[apparent]``, of each weather model that has all three."""
        columns: dict[str, Array] = {}
        for name in now.matching("temp_air"):
            prefix = name.removesuffix("temp_air")
            needed = [f"{prefix}{variable}" for variable in self.weather]
            if all(variable in now.names for variable in needed):
                columns[f"{name}[apparent]"] = physics.apparent_temperature(
                    *[now.interval_mean(variable) for variable in needed]
                )
        return columns


@checked()
@dataclass(frozen=True)
class DayType(Feature):
    """Type of day on the calendar of the site: weekday, holidays, bridge days, Ramadan.

    Parameters
    ----------
    decrees : bool
        Whether days count that a decree moved or added for one year alone. The package ``holidays`` does not know when
        a decree was published, so that a backtest knows all of them in advance; with False it knows none but the
        ``decrees`` of the site, each from its publication on.

    See Also
    --------
    DaysOff, SchoolHolidays, HalfDays, Weekday, energyforecast.core.calendars

    Notes
    -----
    An area without a country has weekdays; all other columns are NaN. Flags of holidays are NaN in years that the
    package ``holidays`` does not know.

    Examples
    --------
    >>> from energyforecast.core.sites import DemandArea
    >>> from energyforecast.testing import example_snapshot
    >>> city = DemandArea(name="city", latitude=43.24, longitude=76.9, timezone="Asia/Almaty", country="KZ")
    >>> columns = DayType().compute(example_snapshot(sites=city, start="2024-12-15 18:00", hours=2))
    >>> columns["weekday"].tolist(), columns["holiday"].tolist()  # Sunday 23:00, Independence Day 0:00
    ([[6, 0]], [[0.0, 1.0]])
    """

    decrees: bool = True

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``weekday`` (Monday 0), six flags of the day, and ``ramadan_after_sunset``. [h]

        The flags are ``holiday``, ``holiday_estimated``, ``bridge_day``, ``before_holiday``,
        ``after_holiday`` and ``working_weekend``. In Ramadan, where the country observes it, the last column
        is the time since the nearest sunset, after which the fast is broken.
        """
        country = getattr(now.site, "country", None)
        day = local_day(now)
        columns: dict[str, Array] = {"weekday": (day.astype(np.int64) + 3) % 7}
        unknown = np.full(day.shape, np.nan)
        types = calendar_of(now, day, decrees=self.decrees)
        if country is None or types is None:
            return columns | dict.fromkeys((*_FLAGS, "ramadan_after_sunset"), unknown)
        columns |= {
            name: np.where(types.known, getattr(types, field), np.nan) for name, field in _FLAGS.items()
        }
        fasting = calendars.ramadan(day) & calendars.has_ramadan(country)
        since = physics.hour_after_sunset(*_solar_hours(now, middle=True))
        return columns | {"ramadan_after_sunset": np.where(fasting, since, unknown)}


_FLAGS = {
    "holiday": "holiday",
    "holiday_estimated": "estimated",
    "bridge_day": "bridge",
    "before_holiday": "before_holiday",
    "after_holiday": "after_holiday",
    "working_weekend": "compensation",
}


@checked()
@dataclass(frozen=True)
class DaysOff(Feature):
    """Runs of days off around the day: ``days_off_before`` and ``days_off_after``. [d]

    Parameters
    ----------
    decrees : bool
        As in :class:`DayType`.

    See Also
    --------
    DayType, energyforecast.core.calendars.look_up

    Notes
    -----
    The columns are the lengths of the run that ends on the day before and of that which begins on the day after: 2
    and 0 on an ordinary Monday, 4 and 0 after Easter, 1 and 2 on a bridge day. They are NaN without a country and in
    years that the package ``holidays`` does not know.

    Examples
    --------
    >>> from energyforecast.core.sites import DemandArea
    >>> from energyforecast.testing import example_snapshot
    >>> city = DemandArea(name="city", latitude=48.86, longitude=2.35, country="FR")
    >>> columns = DaysOff().compute(example_snapshot(sites=city, start="2024-04-01 23:00", hours=2))
    >>> {name: values.tolist() for name, values in columns.items()}  # Easter Monday, and Tuesday
    {'days_off_before': [[2.0, 3.0]], 'days_off_after': [[0.0, 0.0]]}
    """

    decrees: bool = True

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``days_off_before`` and ``days_off_after``. [d]"""
        types = calendar_of(now, local_day(now), decrees=self.decrees)
        names = ("days_off_before", "days_off_after")
        if types is None:
            return dict.fromkeys(names, np.full(now.valid_time.shape, np.nan))
        return {name: np.where(types.known, getattr(types, name), np.nan) for name in names}


@dataclass(frozen=True)
class HalfDays(Feature):
    """Whether the day is shortened by law or custom, such as Christmas Eve: ``half_day``.

    See Also
    --------
    DayType, energyforecast.core.calendars.look_up

    Notes
    -----
    The package ``holidays`` lists half days of few countries, among them China, Estonia, Greece and Turkey. A day
    before a holiday is ``before_holiday`` of :class:`DayType` everywhere. The column is NaN without a country and in
    years that the package does not know.

    Examples
    --------
    >>> from energyforecast.core.sites import DemandArea
    >>> from energyforecast.testing import example_snapshot
    >>> city = DemandArea(name="city", latitude=59.4, longitude=24.7, timezone="Europe/Tallinn", country="EE")
    >>> HalfDays().compute(example_snapshot(sites=city, start="2024-12-23 21:00", hours=2))
    {'half_day': array([[1., 0.]])}
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``half_day``."""
        types = calendar_of(now, local_day(now))
        if types is None:
            return {"half_day": np.full(now.valid_time.shape, np.nan)}
        return {"half_day": np.where(types.known, types.half_day, np.nan)}


@dataclass(frozen=True)
class SchoolHolidays(Feature):
    """Share of the country's parts in which schools are closed: ``school_holidays``.

    See Also
    --------
    DayType, energyforecast.core.calendars.school_holidays

    Notes
    -----
    The column is 0 or 1 where the site has a ``subdivision`` with a list of its own, such as ``"Zone A"`` of ``"FR"``,
    and NaN where the package ``holidays`` has no list. School holidays are published years ahead.

    Examples
    --------
    >>> from energyforecast.core.sites import DemandArea
    >>> from energyforecast.testing import example_snapshot
    >>> area = DemandArea(name="area", latitude=48.86, longitude=2.35, country="FR")
    >>> now = example_snapshot(sites=area, start="2024-02-16 23:00", hours=2)  # one of three zones is closed, then two
    >>> SchoolHolidays().compute(now)["school_holidays"].round(2).tolist()
    [[0.33, 0.67]]
    """

    def compute(self, now: Snapshot) -> Columns:
        """Column ``school_holidays``."""
        day, country = local_day(now), getattr(now.site, "country", None)
        if country is None:
            return {"school_holidays": np.full(day.shape, np.nan)}
        part = getattr(now.site, "subdivision", None)
        return {"school_holidays": calendars.school_holidays(day, country=country, subdivision=part)}


@dataclass(frozen=True)
class Daylight(Feature):
    """Length of the day, ``day_length`` [h], and share of the interval with daylight, ``daylight``.

    The formulas are those of :func:`energyforecast.physics.day_length` and
    :func:`energyforecast.physics.daylight_share`.

    See Also
    --------
    SunPosition

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> columns = Daylight().compute(example_snapshot(start="2024-03-20 00:00"))  # sunrise is near 00:50 UTC
    >>> columns["day_length"].round().tolist(), columns["daylight"].round(1).tolist()
    ([[12.0, 12.0, 12.0]], [[0.2, 1.0, 1.0]])
    """

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``day_length`` and ``daylight``."""
        hour, length = _solar_hours(now)
        return {
            "day_length": length,
            "daylight": physics.daylight_share(hour, length, interval=step_hours(now)),
        }


def _solar_hours(now: Snapshot, *, middle: bool = False) -> tuple[Array, Array]:
    """Solar hour at the beginning, or in the middle, of each interval, and the length of the day. [h]"""
    moment = now.valid_time + (
        now.windows.frequency.to_timedelta64() // 2 if middle else np.timedelta64(0, "ns")
    )
    day = moment.astype("datetime64[D]")
    of_year = (day - day.astype("datetime64[Y]")).astype(np.int64) + 1
    return (
        physics.solar_hour(moment, now.site.longitude),
        physics.day_length(now.site.latitude, of_year),
    )
