"""Power of a plant from the weather alone, with typical errors of weather forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from energyforecast.core.sites import PVPlant, WindFarm
from energyforecast.features.base import Array, Columns, Feature, mean_of_known
from energyforecast.features.pv_chain import PVChainPower
from energyforecast.features.solar import ClearSkyPower
from energyforecast.features.wind_power import wind_at_height
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["ColdStartPower"]

#: Errors of the weather forecast, in standard deviations.
_DEVIATIONS: Final = np.arange(-4.0, 4.25, 0.5)
#: Standard deviation of the error of the wind speed by lead time of the run. [h; m s⁻¹]
_WIND_ERROR: Final = ((12.0, 24.0, 48.0, 72.0), (2.42, 2.84, 3.06, 3.36))
#: Standard deviation of the error of the power as a share of clear-sky power: four span the whole range.
_SKY_ERROR: Final = 0.25


@dataclass(frozen=True)
class ColdStartPower(Feature):
    r"""Power for weather errors of -4 to 4 standard deviations, for sites without measurements. [fraction of capacity]

    .. math:: P_z = P_\mathrm{curve}\bigl(\max(v + z \sigma(\ell), 0)\bigr), \qquad
        P_z = \min\bigl(\max(P + \tfrac{z}{4} P_\mathrm{clear}, 0), P_\mathrm{clear}\bigr)

    For a wind farm with the wind speed :math:`v` at hub height, its power curve (the generic one if it has none) and
    :math:`\sigma` = 2.42 m/s up to a lead time :math:`\ell` of 12 h, 2.84 at 24 h, 3.06 at 48 h and 3.36 at 72 h; for
    a PV plant with the power :math:`P` of :class:`PVChainPower` and the clear-sky power. No column for other sites.

    See Also
    --------
    HubWind, PVChainPower, energyforecast.PowerCurve.generic

    References
    ----------
    Wind: RMSE of single NWP models against nacelle anemometers in the Shelek corridor, 2023-2026, as
    reported by participants of a public forecasting challenge; in plainer terrain errors are smaller.
    Sun: an assumption, wide enough for four standard deviations to range from overcast to clear sky.

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
            power = _wind(now, now.site)
        else:
            power = _sun(now) if isinstance(now.site, PVPlant) else None
        return {} if power is None else {f"cold_start[{z:+g}]": power[k] for k, z in enumerate(_DEVIATIONS)}


def _wind(now: Snapshot, farm: WindFarm) -> Array | None:
    if not now.matching("wind_speed_*m"):
        return None
    lead = mean_of_known(np.stack([now.weather_lead_time(model) for model in now.models]))
    # An analysis has no lead: its error is at least that of a fresh run.
    error = np.interp(np.where(np.isfinite(lead), lead, 0.0), *_WIND_ERROR)
    total: Array = np.zeros((len(_DEVIATIONS), *error.shape))
    for group, share in zip(farm.groups(), farm.group_shares(now.valid_time), strict=True):
        speed = mean_of_known(np.stack(list(wind_at_height(now, group.hub_height).values())))
        speeds = np.maximum(speed + _DEVIATIONS[:, None, None] * error, 0.0)
        total += share * group.power_curve.power_at(speeds)
    return np.clip(total, 0.0, 1.0)


def _sun(now: Snapshot) -> Array | None:
    chains = PVChainPower().compute(now)
    if not chains:
        return None
    power = np.clip(mean_of_known(np.stack(list(chains.values()))), 0.0, 1.0)
    clear = np.maximum(np.clip(ClearSkyPower().compute(now)["clear_sky_power"], 0.0, 1.0), power)
    return np.stack([np.clip(power + z * _SKY_ERROR * clear, 0.0, clear) for z in _DEVIATIONS])
