"""Shift of measured or modelled radiation against the sun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from energyforecast import physics
from energyforecast.core import timestamps
from energyforecast.core.sites import Site

__all__ = ["SunFit", "fit_sun"]

Floats = npt.NDArray[np.float64]
_MINUTE: Final = 60_000_000_000
#: Step and largest of the tested shifts. [min]
_GRID: Final = 5
_LARGEST: Final = 150
#: Largest misfit to a clear sky, up to a factor and a shift, of a clear day.
_CLEAR: Final = 0.003


@dataclass(frozen=True, kw_only=True)
class SunFit:
    """Lag of radiation behind the sun [min], NaN without clear days, and their number."""

    lag: float
    days: int


def fit_sun(
    series: Sequence[tuple[timestamps.Times, Floats]], *, site: Site, instants: bool = False
) -> SunFit:
    r"""Shift at which radiation fits clear-sky irradiance best, over clear days.

    .. math:: m(s) = 1 - \frac{(g \cdot c(s))^2}{\lVert g \rVert^2 \, \lVert c(s) \rVert^2}

    is the misfit of the radiation :math:`g` of a day to that of a clear sky :math:`c(s)`, shifted by :math:`s`. A day
    is clear if :math:`m` is small for some shift; the lag minimises the sum of :math:`m` over clear days.
    """
    tried = np.arange(-_LARGEST, _LARGEST + 1, _GRID)
    total, days = np.zeros(len(tried)), 0
    for valid, radiation in series:
        for misfit in _misfits(valid, radiation, site, tried, instants):
            if misfit.min() < _CLEAR:
                total, days = total + misfit, days + 1
    return SunFit(lag=_lowest(tried.astype(float), total) if days else float("nan"), days=days)


def _lowest(x: Floats, y: Floats) -> float:
    """Minimum of a parabola through the smallest value and its neighbours."""
    k = int(np.clip(y.argmin(), 1, len(y) - 2))
    left, middle, right = y[k - 1 : k + 2]
    bend = left - 2 * middle + right
    return float(x[k] + 0.5 * (x[1] - x[0]) * (left - right) / bend) if bend > 0 else float(x[k])


def _misfits(
    valid: timestamps.Times, radiation: Floats, site: Site, tried: npt.NDArray[np.int64], instants: bool
) -> list[Floats]:
    """Misfit of each whole day with light, by shift."""
    stamps = valid.astype("datetime64[ns]").astype(np.int64)
    step = int(np.median(np.diff(stamps)))
    following = np.append(np.diff(stamps), step)
    keep = np.isfinite(radiation) & (following == step)
    stamps, radiation = stamps[keep], np.clip(radiation[keep], 0.0, None)
    if not len(stamps):
        return []
    sky = _skies(stamps, step, site, tried, instants)
    # Days are cut at the sun's midnight, so that one day's light stays together.
    local = stamps + round(site.longitude * 4) * _MINUTE
    day = local // (1440 * _MINUTE)
    per_day = round(1440 * _MINUTE / step)
    found = []
    for one in np.unique(day):
        rows = day == one
        light = radiation[rows]
        if rows.sum() < per_day or not light.any():
            continue
        products = sky[:, rows] @ light
        squares = (sky[:, rows] ** 2).sum(axis=1) * (light**2).sum()
        if (squares > 0).all():
            found.append(np.asarray(1.0 - products**2 / squares))
    return found


def _skies(
    stamps: npt.NDArray[np.int64],
    step: int,
    site: Site,
    tried: npt.NDArray[np.int64],
    instants: bool,
) -> Floats:
    """Clear-sky irradiance of a series delayed by each shift, shape (shifts, stamps)."""
    grid = _GRID * _MINUTE
    begin = stamps.min() - (_LARGEST + _GRID) * _MINUTE
    count = int((stamps.max() + step - begin) // grid) + _LARGEST // _GRID + 3
    middle = begin + grid * np.arange(count) + (0 if instants else grid // 2)
    position = physics.solar_position(middle.astype("datetime64[ns]"), site.latitude, site.longitude)
    fine = physics.clear_sky(position, altitude=site.altitude or 0.0).ghi
    first = (stamps[None, :] - tried[:, None] * _MINUTE - begin) // grid
    if instants:
        return np.asarray(fine[first])
    width = step // grid
    total = np.append(0.0, np.cumsum(fine))
    return np.asarray((total[first + width] - total[first]) / width)
