"""Clock of a solar series, compared with the position of the sun."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.sites import Site
from energyforecast.errors import TimeError

__all__ = ["check_sun"]

Floats = npt.NDArray[np.float64]

#: A typical value over at least this many hours tells a wrong unit from a windy week. [values]
_ENOUGH: Final = 500


def check_sun(valid: timestamps.Times, generation: Floats, *, site: Site, label: str) -> float | None:
    """Lag of radiation or PV power behind the sun; refused from 45 min on, None with under a week of light. [min]"""
    from pvlib import solarposition

    order = np.argsort(valid, kind="stable")
    valid, generation = valid[order], generation[order]
    keep = np.isfinite(generation) & np.append(True, np.diff(valid) > np.timedelta64(0, "ns"))
    valid, generation = valid[keep], np.clip(generation[keep], 0.0, None)
    middle = pd.DatetimeIndex(valid + _usual_step(valid) // 2, tz="UTC")
    sun = solarposition.spa_python(middle, site.latitude, site.longitude)["elevation"].to_numpy()
    height = np.clip(np.sin(np.radians(sun)), 0.0, None)
    # Days are cut at the sun's midnight, so that one day's light stays together.
    local = valid + np.timedelta64(round(site.longitude / 15 * 60), "m")
    day = local.astype("datetime64[D]")
    minute = (local - day).astype("timedelta64[m]").astype(float)
    lag = _daily_lag(day, minute, generation, height)
    if lag is not None and abs(lag) >= 45:
        raise TimeError(
            f"{label} at site {site.name!r} comes {abs(lag):.0f} min {'after' if lag > 0 else 'before'} the sun "
            f"(median over days, from {valid[0]}).",
            "Means and power are labelled with the beginning of their interval, in UTC.",
            "If the source labels the end of the hour, shift it by one hour; check the time zone.",
        )
    return lag


def _usual_step(valid: timestamps.Times) -> np.timedelta64:
    steps, counts = np.unique(np.diff(valid), return_counts=True)
    return np.timedelta64(1, "h") if not len(steps) else steps[counts.argmax()]


def _daily_lag(day: timestamps.Times, minute: Floats, generation: Floats, height: Floats) -> float | None:
    frame = pd.DataFrame(
        {"day": day, "g": generation, "h": height, "gt": generation * minute, "ht": height * minute}
    )
    sums = frame.groupby("day")[["g", "h", "gt", "ht"]].sum()
    hours = frame.groupby("day").size()
    bright = sums[
        (sums["g"] > sums["g"].quantile(0.25)) & (sums["g"] > 0) & (sums["h"] > 0) & (hours == hours.max())
    ]
    if len(bright) < 7:
        return None
    return float((bright["gt"] / bright["g"] - bright["ht"] / bright["h"]).median())
