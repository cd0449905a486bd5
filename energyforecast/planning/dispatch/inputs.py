"""Demand, wind and solar power by area, whatever they were given as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import MissingDataError, SchemaError, TimeError

__all__ = ["Courses", "Given"]

Array = npt.NDArray[Any]

#: What demand, wind and solar may be given as: a frame of MW with a column for each area or site, scenarios,
#: or a forecast of one issue.
Given: TypeAlias = pd.DataFrame | Scenarios | Forecast

_KINDS: Final = ("demand", "wind", "solar")


@dataclass(frozen=True, eq=False)
class Courses:
    """What areas consume and what their wind and sun could give, in one or several scenarios.

    Parameters
    ----------
    areas : tuple of str
    valid_time : DatetimeIndex
        Beginnings of intervals, in UTC.
    hours : float
        Length of an interval. [h]
    demand, wind, solar : array, shape (scenarios, areas, intervals)
        [MW]
    caveats : tuple of str

    Examples
    --------
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> demand = pd.DataFrame({"South": [100.0, 120.0]}, index=hours)
    >>> courses = Courses.read(["North", "South"], demand=demand)
    >>> courses.demand.tolist(), courses.hours
    ([[[0.0, 0.0], [100.0, 120.0]]], 1.0)
    """

    areas: tuple[str, ...]
    valid_time: pd.DatetimeIndex
    hours: float
    demand: Array
    wind: Array
    solar: Array
    caveats: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        areas: Sequence[str],
        *,
        demand: Given,
        wind: Given | None = None,
        solar: Given | None = None,
        site_areas: Mapping[str, str] | None = None,
    ) -> Courses:
        """Courses by area of what a user holds.

        Raises
        ------
        SchemaError
            If a site is in no area, numbers of scenarios differ, or medians would have to be added.
        TimeError
            If hours differ, have no zone, or are not regular.
        MissingDataError
            If a value is missing.
        """
        given = {"demand": demand, "wind": wind, "solar": solar}
        read = {
            kind: _Read.of(kind, value, areas, site_areas)
            for kind, value in given.items()
            if value is not None
        }
        first = read["demand"]
        for kind, other in read.items():
            _check_hours(kind, first, other)
        number = max(len(other.values) for other in read.values())
        values = {kind: _repeated(kind, other, number) for kind, other in read.items()}
        nothing = np.zeros((number, len(areas), len(first.valid_time)))
        courses = cls(
            areas=tuple(areas),
            valid_time=first.valid_time,
            hours=first.hours,
            **(dict.fromkeys(_KINDS, nothing) | values),
            caveats=tuple(dict.fromkeys(line for other in read.values() for line in other.caveats)),
        )
        return _without_own_use(courses)

    @property
    def number(self) -> int:
        """How many scenarios there are."""
        return len(self.demand)

    def median(self) -> Courses:
        """One course: the median of each kind, area and hour, which is no likely course of a day."""
        middle = {kind: np.median(getattr(self, kind), axis=0, keepdims=True) for kind in _KINDS}
        return replace(self, **middle)

    def of(self, scenario: int) -> Courses:
        """One scenario."""
        return replace(self, **{kind: getattr(self, kind)[[scenario]] for kind in _KINDS})


def _without_own_use(courses: Courses) -> Courses:
    """A plant that takes power at night is a consumer then."""
    taken = np.minimum(courses.wind, 0.0) + np.minimum(courses.solar, 0.0)
    wind, solar = np.maximum(courses.wind, 0.0), np.maximum(courses.solar, 0.0)
    return replace(courses, demand=courses.demand - taken, wind=wind, solar=solar)


@dataclass(frozen=True, eq=False)
class _Read:
    """One kind of what was given: values of shape (scenarios, areas, intervals)."""

    valid_time: pd.DatetimeIndex
    hours: float
    values: Array
    caveats: tuple[str, ...]

    @classmethod
    def of(cls, kind: str, given: Given, areas: Sequence[str], site_areas: Mapping[str, str] | None) -> _Read:
        if isinstance(given, Forecast):
            valid_time, sites, values = _medians(kind, given)
            _refuse_sums(kind, sites, site_areas)
        elif isinstance(given, Scenarios):
            valid_time, sites, values = given.valid_times, given.sites, np.asarray(given.data.values)
        else:
            valid_time, sites, values = _frame(kind, given)
        _check_finite(kind, values, sites, valid_time)
        sums = np.zeros((len(values), len(areas), len(valid_time)))
        for k, site in enumerate(sites):
            area = site if site_areas is None or site not in site_areas else site_areas[site]
            if area not in areas:
                raise SchemaError(
                    f"The {kind} of {site!r} belongs to no area of the system.",
                    f"The areas are {list(areas)}.",
                    f"Name its area: site_areas={{{site!r}: ...}}.",
                )
            sums[:, list(areas).index(area)] += values[:, k]
        hours = given.hours if isinstance(given, Scenarios) else _step(kind, valid_time, given)
        caveats = () if isinstance(given, pd.DataFrame) else given.caveats
        return cls(valid_time, hours, sums, caveats)


def _medians(kind: str, forecast: Forecast) -> tuple[pd.DatetimeIndex, tuple[str, ...], Array]:
    if len(forecast.issue_times) != 1:
        raise SchemaError(
            f"The forecast of {kind} holds {len(forecast.issue_times)} issues.",
            "A plan is made from one.",
            "Choose one: forecast.sel(issue_time=...).",
        )
    inside = forecast.inside[0]
    valid_time = timestamps.to_index(forecast.data["valid_time"].values[0, inside])
    return valid_time, forecast.sites, np.asarray(forecast.at(0.5).values[:, 0, inside], dtype=float)[None]


def _refuse_sums(kind: str, sites: Sequence[str], site_areas: Mapping[str, str] | None) -> None:
    homes = [(site_areas or {}).get(site, site) for site in sites]
    for home in homes:
        if homes.count(home) > 1:
            raise SchemaError(
                f"The forecast of {kind} has several sites in the area {home!r}.",
                "The median of a sum is not the sum of medians.",
                "Draw scenarios from the forecast, and plan on these; their median is taken after the sum.",
            )


def _frame(kind: str, frame: pd.DataFrame) -> tuple[pd.DatetimeIndex, tuple[str, ...], Array]:
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        raise TimeError(
            f"The index of {kind} is {index[:1].tolist()}.",
            "Rows are beginnings of intervals, with a time zone.",
            "Localise it: frame.tz_localize('UTC').",
        )
    return timestamps.to_index(index), tuple(map(str, frame.columns)), frame.to_numpy(dtype=float).T[None]


def _step(kind: str, valid_time: pd.DatetimeIndex, given: Any) -> float:
    steps = np.unique(np.diff(timestamps.to_ns(valid_time)))
    if len(steps) == 0 and isinstance(given, pd.DataFrame) and getattr(given.index, "freq", None) is not None:
        steps = np.array([pd.Timedelta(given.index.freq).to_timedelta64()])
    if len(steps) != 1 or steps[0] <= np.timedelta64(0, "ns"):
        raise TimeError(
            f"The hours of {kind} follow each other by {[str(pd.Timedelta(step)) for step in steps]}.",
            "They are regular and rising, two at least.",
            "Plan a window without gaps.",
        )
    return float(steps[0] / np.timedelta64(1, "h"))


def _check_finite(kind: str, values: Array, sites: Sequence[str], valid_time: pd.DatetimeIndex) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        _, site, hour = (int(k) for k in np.argwhere(bad)[0])
        raise MissingDataError(
            f"The {kind} of {sites[site]!r} is missing at {valid_time[hour]} ({int(bad.sum())} values in all).",
            "A plan needs a value for every hour.",
            "Fill it knowingly, or plan a window without gaps.",
        )


def _check_hours(kind: str, first: _Read, other: _Read) -> None:
    if not first.valid_time.equals(other.valid_time) or first.hours != other.hours:
        raise TimeError(
            f"The demand covers {_window(first)}, the {kind} {_window(other)}.",
            "All cover the same hours.",
            "Cut them to one window, of one frequency.",
        )


def _window(read: _Read) -> str:
    first, last = read.valid_time[0], read.valid_time[-1]
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC by {read.hours:g} h"


def _repeated(kind: str, read: _Read, number: int) -> Array:
    if len(read.values) not in {1, number}:
        raise SchemaError(
            f"There are {len(read.values)} scenarios of {kind}, and {number} of another kind.",
            "Scenarios of several kinds belong together, one by one.",
            "Draw them together.",
        )
    return np.repeat(read.values, number // len(read.values), axis=0)
