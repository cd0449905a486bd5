"""Point-in-time access to the capacity in service and to orders, of each hour and as of any moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.available_capacity import AvailableCapacity, Capacities, as_capacities
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.core.wording import short
from energyforecast.errors import SchemaError, TimeError
from energyforecast.point_in_time.weather_runs import to_ints

__all__ = ["CapacityInService", "capacity_in_service", "free_power", "with_capacity"]

Array = npt.NDArray[Any]
_ALWAYS: Final = np.iinfo(np.int64).max
#: Power above this share of an order's limit is held by it.
_HELD: Final = 0.95


@dataclass(frozen=True, eq=False)
class CapacityInService:
    """Capacity in service and limits of orders, of any hour and as of any moment.

    Made by :func:`capacity_in_service`. Hours and moments are arrays that broadcast; without a moment every value
    counts.
    """

    entries: Mapping[tuple[str, bool], _Entries]

    def in_service(self, site: Site, valid_time: timestamps.Times, as_of: Any = None) -> Array:
        """Capacity in service; where it was not known, the newest known one, or that by dates, or rated. [MW]"""
        installed = site.capacity_at(valid_time)
        entries = self.entries.get((site.name, False))
        if entries is None:
            return installed
        hour, moment = to_ints(valid_time), _moments(as_of, valid_time)
        own = entries.of_hour(hour, moment)
        # An hour to come hands nothing on: after a repair or an order that was announced, the present state holds.
        newest = entries.newest(np.minimum(hour, moment), moment)
        return np.where(np.isfinite(own), own, np.where(np.isfinite(newest), newest, installed))

    def limit(self, site: Site, valid_time: timestamps.Times, as_of: Any = None) -> Array:
        """Limit of an order that was known; infinite where there was none. [MW]"""
        entries = self.entries.get((site.name, True))
        if entries is None:
            return np.full(np.shape(valid_time), np.inf)
        found = entries.of_hour(to_ints(valid_time), _moments(as_of, valid_time))
        return np.where(np.isfinite(found), found, np.inf)

    def to_rated(self, site: Site, power: Array, valid_time: timestamps.Times, as_of: Any = None) -> Array:
        """Power as it would be with the rated capacity in service, NaN of a plant that was shut. [MW]"""
        if not self._varies(site):
            return power
        rated, service = _rated(site), self.in_service(site, valid_time, as_of)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(service > 0, power / service, np.nan)
        # Never more than full: the hour of a repair may end late, and a register of roofs lags behind.
        return np.where(service == rated, power, np.minimum(share, 1.0) * rated)

    def _varies(self, site: Site) -> bool:
        """Whether the power of a site grows with a capacity in service that is not always the rated one."""
        return site.kind != "demand" and (site.grows or (site.name, False) in self.entries)

    def from_rated(self, site: Site, service: Array) -> Array:
        """Factor of a forecast for the rated capacity, by the capacity in service."""
        if not self._varies(site):
            return np.ones(service.shape)
        return service / _rated(site)

    def is_free(self, site: Site, valid_time: timestamps.Times, as_of: Any = None) -> npt.NDArray[np.bool_]:
        """Hours of free power: the plant was not shut, and under no order below its capacity."""
        service = self.in_service(site, valid_time, as_of)
        shut = (service == 0) & (site.kind != "demand")
        full = np.where(np.isnan(service), np.inf, service)
        return np.asarray(~shut & (self.limit(site, valid_time, as_of) >= full))

    def void_since(self, site: Site, hours: timestamps.Times, power: Array) -> npt.NDArray[np.int64]:
        """Moment from which it was known that an hour's power is that of a shut plant, or held by an order. [ns]"""
        result = np.full(len(hours), _ALWAYS)
        rated = np.inf if site.capacity is None else site.capacity
        result[site.capacity_at(hours) == 0] = 0  # before the first commissioning, which was always known
        for limit in (False, True):
            entries = self.entries.get((site.name, limit))
            if entries is None or (not limit and site.kind == "demand"):
                continue
            value, known = entries.last(to_ints(hours))
            void = (value < rated) & (power >= _HELD * value) if limit else value == 0
            result = np.where(void, np.minimum(result, known), result)
        return result


@dataclass(frozen=True, eq=False)
class _Entries:
    """Known values of intervals of the same width, in order of hour, then of publication. [ns, ns, MW, ns]"""

    begin: npt.NDArray[np.int64]
    known: npt.NDArray[np.int64]
    value: Array
    width: int

    def of_hour(self, hour: Array, moment: Array) -> Array:
        """Value of the interval that holds an hour, as last published by a moment; NaN where there is none."""
        place = self.back(hour, moment, within=True)
        return np.where(place >= 0, self.value[np.maximum(place, 0)], np.nan)

    def newest(self, hour: Array, moment: Array) -> Array:
        """Newest value of an interval that had begun by an hour and was published by a moment."""
        runs = self._runs()
        place = runs.back(hour, moment, within=False)
        return np.where(place >= 0, runs.value[np.maximum(place, 0)], np.nan)

    def last(self, hour: Array) -> tuple[Array, npt.NDArray[np.int64]]:
        """Value that was published last for each hour, and when."""
        place = self.back(hour, np.full(hour.shape, _ALWAYS), within=True)
        at = np.maximum(place, 0)
        return np.where(place >= 0, self.value[at], np.nan), self.known[at]

    def back(self, hour: Array, moment: Array, *, within: bool) -> npt.NDArray[np.int64]:
        """Place of the newest entry that had begun and was known, or holds the hour; negative without one."""
        shape = hour.shape
        hour, moment = hour.ravel(), moment.ravel()
        place = np.searchsorted(self.begin, hour, side="right") - 1
        if not within and (np.diff(self.known) >= 0).all():
            place = np.minimum(place, np.searchsorted(self.known, moment, side="right") - 1)
        pending = np.flatnonzero(place >= 0)
        while pending.size:
            at = place[pending]
            gone = within & (self.begin[at] + self.width <= hour[pending])
            place[pending[gone]] = -1
            pending = pending[~gone & (self.known[at] > moment[pending])]
            place[pending] -= 1
            pending = pending[place[pending] >= 0]
        return np.asarray(place).reshape(shape)

    def _runs(self) -> _Entries:
        """The first of equal entries that follow one another: as much to look up, and few."""
        first = np.r_[True, (np.diff(self.value) != 0) | (np.diff(self.known) != 0)]
        return _Entries(self.begin[first], self.known[first], self.value[first], self.width)


def capacity_in_service(
    observations: Observations | None,
    given: Capacities = None,
    *,
    sites: Sequence[Site],
    step: pd.Timedelta,
) -> CapacityInService | None:
    """Capacity of the observations, that is given and by dates, for intervals of a length; None where it is constant.

    Raises
    ------
    SchemaError
        If the capacity is of other sites, or a plant without a rated capacity has one in service.
    TimeError
        If its intervals and those asked for do not fit into one another.
    """
    measured = () if observations is None else observations.capacities
    sources = (*measured, *as_capacities(given))
    for item in sources:
        _refuse_other_sites(item, [site.name for site in sites], observations)
    entries = {}
    for site in sites:
        for limit in (False, True):
            chosen = [item for item in sources if item.limit == limit and site.name in item.sites]
            parts = [_known_intervals(item, site.name, step) for item in chosen]
            found = [part for part in parts if len(part[0])]
            if found and not limit and site.kind != "demand":
                _rated(site)
            if found:
                begin, known, value = (np.concatenate(part) for part in zip(*found, strict=True))
                order = np.lexsort((known, begin))
                entries[site.name, limit] = _Entries(begin[order], known[order], value[order], step.value)
    grows = any(site.grows for site in sites)
    return CapacityInService(entries) if entries or grows else None


def free_power(
    observations: Observations,
    site: Site,
    hours: timestamps.Times,
    *,
    as_of: Any = None,
    capacity: CapacityInService | None,
) -> Array:
    """Power that was published, as with the rated capacity in service; NaN while shut or under an order. [MW]"""
    power = observations.value_at(site.name, hours, as_of=as_of, outside="missing")
    if capacity is None:
        return power
    return np.where(
        capacity.is_free(site, hours, as_of), capacity.to_rated(site, power, hours, as_of), np.nan
    )


def with_capacity(observations: Observations, given: Capacities) -> Observations:
    """Observations with further capacities."""
    return replace(observations, available_capacity=(*observations.capacities, *as_capacities(given)))


def _refuse_other_sites(
    item: AvailableCapacity, names: Sequence[str], observations: Observations | None
) -> None:
    """Refuse a capacity of none of the sites, which is rather a misspelt name."""
    known = {*names, *(() if observations is None else observations.sites)}
    if not known & set(item.sites):
        raise SchemaError(
            f"The available capacity is of {list(item.sites)}.",
            f"It must be of at least one of the sites {sorted(known)}.",
            "Rename its columns to the names of the sites.",
        )


def _known_intervals(
    item: AvailableCapacity, site: str, step: pd.Timedelta
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Array]:
    """Begin, publication and value of each interval of a step: a longer one holds in all, shorter are averaged."""
    width = item.frequency
    longer, shorter = max(width, step), min(width, step)
    if longer % shorter != pd.Timedelta(0):
        raise TimeError(
            f"The available capacity comes every {short(width)}, the task every {short(step)}.",
            "One must be a whole multiple of the other.",
            "Resample the table to the frequency of the task before AvailableCapacity is made of it.",
        )
    begin, known = to_ints(timestamps.to_ns(item.index)), to_ints(item.published(site))
    value = item.values[site].to_numpy(dtype=float)
    if width < step:
        place = begin // step.value
        first = np.flatnonzero(np.r_[True, np.diff(place) > 0])
        count = np.diff(np.r_[first, len(place)])
        value = np.where(count == step // width, np.add.reduceat(value, first) / count, np.nan)
        begin, known = place[first] * step.value, np.maximum.reduceat(known, first)
    parts = max(width // step, 1)
    begin = (begin[:, None] + np.arange(parts) * step.value).ravel()
    known, value = np.repeat(known, parts), np.repeat(value, parts)
    kept = np.isfinite(value) & (known < _ALWAYS)
    return begin[kept], known[kept], value[kept]


def _moments(as_of: Any, hours: timestamps.Times) -> npt.NDArray[np.int64]:
    """A moment for each hour; without one every value counts."""
    if as_of is None:
        return np.full(np.shape(hours), _ALWAYS)
    moments = timestamps.instants(as_of)
    return np.array(np.broadcast_to(to_ints(moments), np.shape(hours)))


def _rated(site: Site) -> float:
    """Rated capacity of a plant of which the capacity in service is known."""
    if site.capacity is None:
        raise SchemaError(
            f"The available capacity of site {site.name!r} is given, and the site has no capacity.",
            "A plant whose capacity in service is known must have a rated capacity, of which that is a share.",
            "Give the site one, e.g. that of today: dataclasses.replace(site, capacity=200.0).",
        )
    return float(site.capacity)
