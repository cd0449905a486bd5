"""Intervals in parts, over which the sun moves, that features of a PV plant share."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from energyforecast.core.sites import PVPlant, Site
from energyforecast.errors import SchemaError
from energyforecast.features.base import Array
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["FINE_PART", "in_parts", "mean_of_parts", "parts_of", "plant_of"]

#: Longest part of an interval of which the sun in its middle stands for all: of power, and of a clear sky at dawn.
_PART: Final = pd.Timedelta("1h")
FINE_PART: Final = pd.Timedelta("10min")


def plant_of(site: Site, feature: str) -> PVPlant:
    """The site, refused if it is no PV plant."""
    if isinstance(site, PVPlant):
        return site
    raise SchemaError(
        f"The feature {feature!r} is used for the {type(site).__name__} {site.name!r}.",
        "It must be used for a PVPlant, with its modules.",
        f"Make the site a PVPlant, or remove the feature: features - {feature!r}.",
    )


def parts_of(now: Snapshot, longest: pd.Timedelta = _PART) -> int:
    """Number of equal parts of each interval that are not longer than one."""
    return max(1, -int(-now.windows.frequency // longest))


def mean_of_parts(values: Array) -> Array:
    """Mean over the parts of each interval, if it has any."""
    return np.asarray(values.mean(axis=2)) if values.ndim == 3 else values


def in_parts(mean: Array, clear: Array) -> Array:
    """Values of the parts of each interval with a given mean, in proportion to those of a clear sky."""
    if clear.ndim == 2:
        return mean
    whole = clear.mean(axis=2, keepdims=True)
    return np.asarray(mean[..., None] * np.where(whole > 0, clear / np.where(whole > 0, whole, 1.0), 1.0))
