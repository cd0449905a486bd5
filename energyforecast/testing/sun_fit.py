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
#: Shifts that are tried, and by how much the sun may seem to be off: haze and turbidity bend mornings and evenings.
_GRID: Final = 5
_FARTHEST: Final = 150
#: A day is clear where its radiation is that of a clear sky up to a factor and a shift: the share of its
#: energy that is not.
_CLEAR: Final = 0.003


@dataclass(frozen=True, kw_only=True)
class SunFit:
    """How radiation lies to the sun.

    Parameters
    ----------
    lag : float
        Minutes by which it lags behind the sun; NaN without a clear day.
    days : int
        Clear days.

    Examples
    --------
    >>> SunFit(lag=30.0, days=4).lag  # e.g. centres of hours, taken for their beginnings
    30.0
    """

    lag: float
    days: int


def fit_sun(
    series: Sequence[tuple[timestamps.Times, Floats]], *, site: Site, instants: bool = False
) -> SunFit:
    r"""Shift at which radiation fits clear-sky irradiance best, over clear days.

    Parameters
    ----------
    series : sequence of (array of datetime64, array)
        Labels, at the beginning of their interval, and radiation; one pair for each run. [W m-2]
    site : Site
    instants : bool
        Whether these are values at their labels instead of means.

    Returns
    -------
    SunFit

    Notes
    -----
    The radiation :math:`g` of a day and that of a clear sky :math:`c(s)`, shifted by :math:`s`, are compared up
    to a factor, which haze and even clouds change:

    .. math::
        m(s) = 1 - \frac{(g \cdot c(s))^2}{\lVert g \rVert^2 \, \lVert c(s) \rVert^2}

    A day is clear where :math:`m` is small for some shift; the lag minimises the sum of :math:`m` over clear days.

    Examples
    --------
    >>> hours = np.arange("2024-06-01", "2024-06-04", dtype="datetime64[h]").astype("datetime64[ns]")
    >>> place = Site(name="place", latitude=43.6, longitude=78.5)
    >>> at_the_end = physics.solar_position(hours + np.timedelta64(1, "h"), 43.6, 78.5)
    >>> sky = physics.clear_sky(at_the_end).ghi  # instants an hour later, taken for means: half an hour off
    >>> fit = fit_sun([(hours, sky)], site=place)
    >>> fit.days, round(fit.lag, -1)
    (2, -30.0)
    """
    tried = np.arange(-_FARTHEST, _FARTHEST + 1, _GRID)
    total, days = np.zeros(len(tried)), 0
    for valid, radiation in series:
        for misfit in _misfits(valid, radiation, site, tried, instants):
            if misfit.min() < _CLEAR:
                total, days = total + misfit, days + 1
    return SunFit(lag=_lowest(tried.astype(float), total) if days else float("nan"), days=days)


def _lowest(x: Floats, y: Floats) -> float:
    """Where a parabola through the least value and its neighbours is lowest."""
    k = int(np.clip(y.argmin(), 1, len(y) - 2))
    left, middle, right = y[k - 1 : k + 2]
    bend = left - 2 * middle + right
    return float(x[k] + 0.5 * (x[1] - x[0]) * (left - right) / bend) if bend > 0 else float(x[k])


def _misfits(
    valid: timestamps.Times, radiation: Floats, site: Site, tried: npt.NDArray[np.int64], instants: bool
) -> list[Floats]:
    """Of each whole day with light: how badly it fits, by shift."""
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
    """Clear-sky irradiance as a series late by each shift would show it, shape (shifts, stamps)."""
    grid = _GRID * _MINUTE
    begin = stamps.min() - (_FARTHEST + _GRID) * _MINUTE
    count = int((stamps.max() + step - begin) // grid) + _FARTHEST // _GRID + 3
    middle = begin + grid * np.arange(count) + (0 if instants else grid // 2)
    position = physics.solar_position(middle.astype("datetime64[ns]"), site.latitude, site.longitude)
    fine = physics.clear_sky(position, altitude=site.altitude or 0.0).ghi
    first = (stamps[None, :] - tried[:, None] * _MINUTE - begin) // grid
    if instants:
        return np.asarray(fine[first])
    width = step // grid
    total = np.append(0.0, np.cumsum(fine))
    return np.asarray((total[first + width] - total[first]) / width)
