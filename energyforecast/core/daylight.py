"""Light as evidence of the clock of PV power: the shifts at which no power is generated in the dark.

Modules that face any direction, and hills or trees around them, take power away and never give any without light. So
the clock of a plant is called wrong only if it generates while the sun is down, and some other clock ends that.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from energyforecast import physics
from energyforecast.core.sites import Site
from energyforecast.core.timestamps import Times

__all__ = ["DarkDays", "dark_days", "proven_lag"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Shifts that are tried. [min]
_SHIFTS: Final = np.arange(-780, 781, 15)
#: Step of the sun's grid. [min]
_FINE: Final = 10
#: Power below this share of the usual largest may be noise of a meter.
_NOISE: Final = 0.01
#: Power over light may exceed its usual largest ratio so many times: at noon inverters clip, and modules face away.
_MARGIN: Final = 2.0
#: A shift is possible if not more of the days than this have power in the dark.
_DARK_SHARE: Final = 0.1
#: Smallest number of days from which a shift is excluded.
_DAYS: Final = 5


class DarkDays(NamedTuple):
    """Days with light, and whether each has power without light under each shift of the clock."""

    day: Times  #: of the sun's clock
    dark: Bools  #: of shape (days, shifts)

    def possible(self, chosen: Bools | None = None) -> Floats:
        """Lags of the stamps that explain the power of (chosen) days by light; all if none does. [min]"""
        days = self.dark if chosen is None else self.dark[chosen]
        share = days.mean(axis=0) if len(days) >= _DAYS else np.zeros(len(_SHIFTS))
        if share.min() > 3 * _DARK_SHARE:  # a battery, or lamps
            return _SHIFTS.astype(float)
        return np.asarray(_SHIFTS[share <= max(_DARK_SHARE, share.min() + 0.05)], dtype=float)


def proven_lag(lag: float, possible: Floats) -> float | None:
    """Lag within those that are possible; None if a right clock is possible and the lag is no proof. [min]"""
    if (possible == 0).any():
        return None
    # Modules or hills move the lag of a shape; the clocks that are possible around the middle are then more likely.
    near = possible[np.abs(possible - lag) <= np.abs(possible - lag).min() + 60]
    return lag if near.min() <= lag <= near.max() else float(near.mean())


def dark_days(begin: Times, generation: Floats, *, step: np.timedelta64, site: Site) -> DarkDays:
    """Compare each interval's power with the light that any module could receive, at all shifts of its stamp."""
    top = float(np.quantile(generation[generation > 0], 0.99)) if (generation > 0).any() else np.inf
    lit = generation > _NOISE * top
    begin, share = begin[lit], generation[lit] / top
    local = begin + step // 2 + np.timedelta64(round(site.longitude * 4), "m")
    day, first = np.unique(local.astype("datetime64[D]"), return_index=True)
    if not len(day):
        return DarkDays(day, np.zeros((0, len(_SHIFTS)), dtype=bool))
    minute, light, usual = _light(begin, step, site)
    start = (begin - begin[0]) / np.timedelta64(1, "m") - minute[0]
    begins = start[:, None] - _SHIFTS[None, :]
    width = step / np.timedelta64(1, "m")
    grid = minute - minute[0]
    mean = (np.interp(begins + width, grid, light) - np.interp(begins, grid, light)) / width
    dark = share[:, None] > _NOISE + _MARGIN * mean / usual
    energy = np.add.reduceat(share, first)
    bright = energy > np.quantile(energy, 0.25)
    return DarkDays(day[bright], np.logical_or.reduceat(dark, first, axis=0)[bright])


def _light(begin: Times, step: np.timedelta64, site: Site) -> tuple[Floats, Floats, float]:
    """Minutes since the first stamp, light summed up to them on a plane that follows the sun, and its usual largest."""
    reach = np.timedelta64(int(_SHIFTS[-1]) + _FINE, "m")
    fine = np.timedelta64(_FINE, "m")
    when = np.arange(begin[0] - reach, begin[-1] + reach + step + fine, fine)
    sun = physics.solar_position(when, site.latitude, site.longitude)
    sky = physics.clear_sky(sun, altitude=site.altitude or 0.0)
    twilight = 8.0 * np.clip(1 + (90.0 - sun.apparent_zenith) / 3, 0.0, 1.0) ** 2
    light = np.nan_to_num(sky.dni + sky.dhi) + twilight
    total = np.concatenate([[0.0], np.cumsum(light[:-1]) * _FINE])
    return (when - begin[0]) / np.timedelta64(1, "m"), total, float(np.quantile(light[light > 50], 0.99))
