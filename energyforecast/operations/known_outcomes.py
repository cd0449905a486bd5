"""Outcomes as known at a moment, and the hours that are no measure of a forecast: orders, outages, flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.configuration import Configuration
from energyforecast.configuration.data_files import reading_of
from energyforecast.core import timestamps
from energyforecast.core.available_capacity import AvailableCapacity, latest_capacity
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.core.variables import UNFIT, Flag
from energyforecast.errors import EnergyForecastError
from energyforecast.observations import read_capacity
from energyforecast.point_in_time.capacity import capacity_in_service, with_capacity

if TYPE_CHECKING:
    from energyforecast.archive import Archive

__all__ = ["REASONS", "capacities_of", "extended", "known_outcomes", "reasons_left_out"]

#: Reasons for which an hour is not scored, in the order in which they are looked for.
REASONS: Final = ("curtailed", "outage", "not measured", "flagged")


def capacities_of(
    settings: Configuration, *, as_of: pd.Timestamp
) -> tuple[list[AvailableCapacity], list[str]]:
    """Capacity in service and orders that were known by a moment, and notes on files that cannot be read."""
    found, notes = [], []
    for name, limit in (("available_capacity", False), ("curtailment", True)):
        section = settings.sections.get(name)
        if section is None:
            continue
        try:
            file = settings.path.parent / section["file"]
            read = read_capacity(file, limit=limit, **reading_of(section))
            known = np.column_stack([read.published(name) <= as_of.to_datetime64() for name in read.sites])
            found.append(replace(read, values=read.values.where(known)))
        except EnergyForecastError as error:
            notes.append(f"[{name}] was not read: {error.found}")
    return found, notes


def known_outcomes(
    archive: Archive,
    site: Site,
    *,
    since: pd.Timestamp,
    until: pd.Timestamp,
    as_of: pd.Timestamp,
    step: pd.Timedelta,
    capacities: Sequence[AvailableCapacity] = (),
) -> Observations:
    """Outcomes of a site that were recorded and published by a moment; hours without one are missing.

    Parameters
    ----------
    archive : Archive
    site : Site
    since, until : Timestamp
        First hour, and end of the last one.
    as_of : Timestamp
    step : Timedelta
        Length of an interval; shorter ones are averaged.
    capacities : sequence of AvailableCapacity
        Of any sites.
    """
    read = archive.observations(site.name, valid=(since, until), as_of=as_of)
    if read.frequency < step:
        read = read.resample(step, timezone=site.timezone)
    later = read.published > as_of.to_datetime64()
    read = replace(read, values=read.values.mask(later))
    whole = extended(read, until=until)
    own = [item for item in capacities if site.name in item.sites]
    return with_capacity(whole, own) if own else whole


def extended(observations: Observations, *, until: pd.Timestamp) -> Observations:
    """Observations that reach to an hour; those that they lack are missing."""
    if until <= observations.index[-1]:
        return observations
    index = pd.date_range(observations.index[0], until, freq=observations.frequency)
    frames: dict[str, Any] = {"values": observations.values.reindex(index)}
    if observations.published_time is not None:
        frames["published_time"] = observations.published_time.reindex(index)
    if observations.flags is not None:
        flags = observations.flags.reindex(index)
        frames["flags"] = flags.where(flags.notna(), 0).astype("int64")
    return replace(observations, **frames)


def reasons_left_out(
    observations: Observations, site: Site, hours: pd.DatetimeIndex
) -> npt.NDArray[np.object_]:
    """Reason for which each hour is not scored, or an empty text."""
    moments = timestamps.to_ns(hours)
    flags = observations.flags_at(site.name, moments)
    value = observations.value_at(site.name, moments, include_flagged=True)
    service = capacity_in_service(observations, sites=[site], step=observations.frequency)
    # Of an hour that has passed its own record counts, not the newest state before it.
    own = latest_capacity(observations.capacities, site.name, moments)
    in_service = np.where(np.isfinite(own), own, site.capacity_at(moments))
    limit = np.full(len(hours), np.inf) if service is None else service.limit(site, moments)
    limited = limit < np.where(np.isnan(in_service), np.inf, in_service)
    shut = (in_service == 0) & (site.kind != "demand")
    tests = (
        ((flags & int(Flag.CURTAILED)) != 0) | limited,
        ((flags & int(Flag.OUTAGE)) != 0) | shut,
        ~np.isfinite(value),
        (flags & int(UNFIT)) != 0,
    )
    return np.select(tests, REASONS, default="").astype(object)
