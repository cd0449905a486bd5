"""What the weather alone says of a plant's power, with the errors that weather forecasts usually have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.sites import PVPlant, WindFarm
from energyforecast.features.base import Array, Columns, Feature
from energyforecast.features.solar import PVChainPower
from energyforecast.features.wind import HubWind
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["ColdStartPower"]

#: Standard deviations between what the weather forecast says and what comes.
_RUNGS: Final = np.arange(-4.0, 4.25, 0.5)
#: Error of the wind speed by lead of the run. [h; m s⁻¹]
_WIND_ERROR: Final = ((12.0, 24.0, 48.0, 72.0), (2.42, 2.84, 3.06, 3.36))
#: Error of the power as a share of that under a clear sky: four of them span all that can be.
_SKY_ERROR: Final = 0.25


@dataclass(frozen=True)
class ColdStartPower(Feature):
    """Power of a plant if the weather is off by -4 to 4 standard deviations: for sites without measurements.

    For a wind farm its curve (the generic one if it has none) on the wind at hub height plus a normal
    error of 2.42 m/s up to a lead of 12 h, 2.84 at 24 h, 3.06 at 48 h and 3.36 at 72 h. For a PV plant
    its chain plus a normal error of a quarter of the power under a clear sky, between nothing and that power.
    Nothing for other sites. [fraction of capacity]

    References
    ----------
    Wind: RMSE of single NWP models against nacelle anemometers in the Shelek corridor, 2023-2026, as
    reported by participants of a public forecasting challenge; in plainer terrain errors are smaller.
    Sun: an assumption, so wide that four standard deviations reach from no sun to a clear sky.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> columns = ColdStartPower().compute(example_snapshot({"wind_speed_100m": 8.0}))
    >>> [columns[f"cold_start[{z}]"].round(2)[0, 0].item() for z in ("-1", "+0", "+1")]
    [0.14, 0.52, 0.96]
    """

    weather: ClassVar[tuple[str, ...]] = ()
    margin: ClassVar[pd.Timedelta] = pd.Timedelta("1h")

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``cold_start[-4]`` to ``cold_start[+4]``; of several weather models their mean."""
        if isinstance(now.site, WindFarm):
            rungs = _wind(now, now.site)
        else:
            rungs = _sun(now, now.site) if isinstance(now.site, PVPlant) else None
        return {} if rungs is None else {f"cold_start[{z:+g}]": rungs[k] for k, z in enumerate(_RUNGS)}


def _wind(now: Snapshot, farm: WindFarm) -> Array | None:
    if not now.matching("wind_speed_*m"):
        return None
    speed = _mean(list(HubWind().compute(now).values()))
    lead = _mean([now.weather_lead_time(model) for model in now.models])
    # An analysis has no lead: its error is at least that of a fresh run.
    error = np.interp(np.where(np.isfinite(lead), lead, 0.0), *_WIND_ERROR)
    curve = PowerCurve.generic() if farm.power_curve is None else farm.power_curve
    return np.stack([np.clip(curve.power_at(np.maximum(speed + z * error, 0.0)), 0.0, 1.0) for z in _RUNGS])


def _sun(now: Snapshot, plant: PVPlant) -> Array | None:
    chains = PVChainPower().compute(now)
    if not chains:
        return None
    power = np.clip(_mean(list(chains.values())), 0.0, 1.0)
    clear = np.maximum(np.clip(plant.clear_sky_power(now.sun()), 0.0, 1.0), power)
    return np.stack([np.clip(power + z * _SKY_ERROR * clear, 0.0, clear) for z in _RUNGS])


def _mean(arrays: list[Array]) -> Array:
    """Mean of those that are there; NaN where none is."""
    stacked = np.stack(arrays)
    known = np.isfinite(stacked)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
