"""Orientation of PV plants that do not declare it, from the power of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, TypeGuard

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import PVPlant, Site
from energyforecast.errors import MissingDataError
from energyforecast.observations.plant_fit import ESTIMATED, fit_plant
from energyforecast.point_in_time.capacity import CapacityInService, capacity_in_service, free_power

__all__ = ["declared_sites", "fitted_plants", "orientation_caveats"]

#: Widest interval of a tilt that is used in place of the assumed one, and the steepest tilt: winters that look like
#: facades are more frequent than facades. [degree]
_CERTAIN: Final = 70.0
_STEEPEST: Final = 65.0


def fitted_plants(
    sites: Sequence[Site], observations: Observations, *, as_of: pd.Timestamp | None = None
) -> tuple[Site, ...]:
    """Sites of a fit: a fixed PV plant without tilt and azimuth has those of its power, published by a moment.

    Estimates of an earlier fit are made again. Where the power is too short for one, the site stays as declared.
    """
    declared = declared_sites(sites)
    if not any(_is_open(site) for site in declared):
        return declared
    capacity = capacity_in_service(observations, sites=sites, step=observations.frequency)
    return tuple(
        _fitted(site, _published(observations, site, capacity, as_of)) if _is_open(site) else site
        for site in declared
    )


def declared_sites(sites: Sequence[Site]) -> tuple[Site, ...]:
    """Sites without estimates of an earlier fit, with which clocks are compared."""
    return tuple(_declared(site) if isinstance(site, PVPlant) else site for site in sites)


def orientation_caveats(sites: Sequence[Site]) -> tuple[str, ...]:
    """Caveats of results for plants with an estimated orientation."""
    return tuple(
        f"orientation of {site.name} {site.sources[name].text}: tilt {site.surface_tilt:.0f}°, "
        f"azimuth {site.surface_azimuth:.0f}°"
        for site in sites
        if isinstance(site, PVPlant)
        for name in _estimated(site)[:1]
    )


def _estimated(plant: PVPlant) -> list[str]:
    """Fields that an earlier fit estimated."""
    return [name for name, source in plant.sources.items() if source.text.startswith(ESTIMATED)]


def _declared(plant: PVPlant) -> PVPlant:
    """The plant without estimates."""
    names = _estimated(plant)
    if not names:
        return plant
    kept = {name: source for name, source in plant.sources.items() if name not in names}
    empty: dict[str, Any] = dict.fromkeys(names)
    return replace(plant, **empty, sources=kept)


def _is_open(site: Site) -> TypeGuard[PVPlant]:
    """Whether a site is a plane of fixed modules of which neither tilt nor azimuth is declared."""
    return (
        isinstance(site, PVPlant)
        and site.surface_tilt is None
        and site.surface_azimuth is None
        and not site.arrays
        and site.mounting == "fixed"
        and site.capacity is not None
    )


def _fitted(plant: PVPlant, power: pd.Series) -> PVPlant:
    """The plant with its estimates, where they are certain enough."""
    try:
        found = fit_plant(power, plant)
    except MissingDataError:
        return plant
    low, high = found.ranges["surface_tilt"]
    early, late = found.ranges["clock"]
    # A clock that is late would be learned as an azimuth.
    right = high - low <= _CERTAIN and early <= 0 <= late and (found.plant.surface_tilt or 0.0) <= _STEEPEST
    return found.plant if right else plant


def _published(
    observations: Observations, plant: PVPlant, capacity: CapacityInService | None, as_of: pd.Timestamp | None
) -> pd.Series:
    """Power that was published by a moment, without flagged values, as with the rated capacity in service."""
    if plant.name not in observations.sites:
        return pd.Series(np.nan, observations.index)
    hours = timestamps.to_ns(observations.index)
    return pd.Series(
        free_power(observations, plant, hours, as_of=as_of, capacity=capacity), observations.index
    )
