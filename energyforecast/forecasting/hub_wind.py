"""Wind at the hub in the hours around each row, with which the clock of the power is compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import variables
from energyforecast.core.sites import Site, WindFarm
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["clock_margin", "clock_stride", "hub_wind"]

Array = npt.NDArray[Any]

#: Intervals around each one in which the wind is compared with the power, in strides of about an hour.
_REACH: Final = range(-3, 4)


def clock_stride(frequency: pd.Timedelta) -> pd.Timedelta:
    """Whole intervals of about an hour, by which the wind is moved against the power."""
    return max(1, round(pd.Timedelta("1h") / frequency)) * frequency


def clock_margin(frequency: pd.Timedelta, sites: Sequence[Site]) -> pd.Timedelta:
    """Margin for the check of the clock, which a wind farm needs."""
    wind = any(isinstance(site, WindFarm) for site in sites)
    return _REACH[-1] * clock_stride(frequency) + frequency if wind else pd.Timedelta(0)


def hub_wind(now: Snapshot) -> Array:
    """Mean wind speed nearest the hub in each row's interval and in those around it."""
    speeds, site, frequency = now.matching("wind_speed_*m"), now.site, now.windows.frequency
    if (
        not speeds
        or not isinstance(site, WindFarm)
        or now.margin * frequency < clock_margin(frequency, [site])
    ):
        return np.empty((0, len(_REACH)))
    hub = site.hub_height or 100.0
    nearest = min(speeds, key=lambda name: abs((variables.height_of(name) or hub) - hub))
    stride, inside = clock_stride(frequency) / pd.Timedelta("1h"), now.windows.inside
    return np.stack([now.interval_mean(nearest, hours=k * stride)[inside] for k in _REACH], axis=1)
