"""Selection of the weather runs that given origins may use, so that a live forecast looks at those alone."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.weather_schema import is_analysis

__all__ = ["select_runs"]

#: Wind in km/h is recognised over 500 different hours, a wrong clock of the sun over seven bright days: so far before
#: an origin weather is kept too, that it is refused as the whole archive would be.
_CONTEXT: Final = pd.Timedelta("22D")
#: Longest way to the next stamp of an analysis that is brought to shorter steps.
_NEXT: Final = pd.Timedelta("12h")


def select_runs(weather: xr.Dataset, windows: Windows, *, margin: pd.Timedelta) -> xr.Dataset:
    """Runs (of an analysis: hours) that the origins may use, and the three weeks before them; at least one."""
    name = "time" if is_analysis(weather) else "init_time"
    axis = timestamps.to_ns(weather[name].values)
    if name == "time":
        first = windows.valid_time.min(axis=1) - (margin + _CONTEXT).to_timedelta64()
        last = windows.valid_time.max(axis=1) + (margin + _NEXT).to_timedelta64()
    else:
        reach = weather["lead_time"].values[-1].astype("timedelta64[ns]")
        first = windows.issue_time - max(reach, _CONTEXT.to_timedelta64())
        last = windows.issue_time
    low = np.searchsorted(axis, first)
    high = np.searchsorted(axis, last, side="right")
    return weather.isel({name: _joined(low, high, len(axis))})


def _joined(low: npt.NDArray[np.intp], high: npt.NDArray[np.intp], size: int) -> Any:
    """Union of ranges, as a slice where it is one; at least the place nearest to them."""
    begin, end = int(low.min(initial=size)), int(high.max(initial=0))
    if end <= begin:
        nearest = min(max(end - 1, 0), size - 1)
        return slice(nearest, nearest + 1)
    steps = np.zeros(size + 1, dtype=np.int64)
    np.add.at(steps, low, 1)
    np.add.at(steps, np.maximum(low, high), -1)
    chosen = np.flatnonzero(np.cumsum(steps[:-1]) > 0)
    return slice(begin, end) if len(chosen) == end - begin else chosen
