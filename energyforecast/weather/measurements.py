"""Weather that stations measured, with the time at which each value was known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import observation_frames, timestamps, variables, weather_schema
from energyforecast.core.arguments import as_numbers, check_types, checked
from energyforecast.errors import SchemaError, of_type

__all__ = ["known_by", "measured_weather"]


def known_by(analysis: xr.Dataset, as_of: Any) -> xr.Dataset:
    """Analysis restricted to the values available at a moment.

    Parameters
    ----------
    analysis : Dataset
        Dimensions ``(site, time)``, with ``available_time``.
    as_of : str or moment
        In UTC unless it has an offset.

    Returns
    -------
    Dataset
        The same, NaN where ``available_time`` is later, or not known.

    See Also
    --------
    measured_weather, temperature_scenarios

    Examples
    --------
    >>> from energyforecast.datasets import la_haute_borne
    >>> weather = la_haute_borne()[1]  # ERA5, with a latency of five days
    >>> known = known_by(weather, "2014-12-20")["temp_air"].notnull().values[0]
    >>> str(weather["time"].values[known][-1])[:13]
    '2014-12-15T00'
    """
    check_types(locals(), of=known_by)
    if "available_time" not in analysis.coords or "time" not in analysis.dims:
        raise SchemaError(
            f"The analysis has the coordinates {list(analysis.coords)}.",
            "It must have the dimension time, and the coordinate available_time.",
            "Give a Dataset of the readers of energyforecast.weather.",
        )
    known = (analysis["available_time"] <= timestamps.to_ns([timestamps.instant(as_of)])[0]).values
    return analysis.where(xr.DataArray(known, dims="time", coords={"time": analysis["time"]}))


@checked()
def measured_weather(values: Mapping[str, pd.DataFrame], *, published_after: str | timedelta) -> xr.Dataset:
    """Measured weather as an analysis, with the time at which each value was known.

    It is no forecast, because the hours of a window are in it. So a forecaster refuses it, alone or with weather
    models: :class:`TemperatureEnsemble` makes scenarios of what was known, and ``perfect_weather=True`` takes it for
    the forecast, of which every result is then marked.

    Parameters
    ----------
    values : mapping of DataFrame
        Tables by variable, in the units of the library (``{"temp_air": celsius, "ghi": watts}``), indexed in UTC, a
        column a site or station; NaN where nothing was measured. Radiation and rain are means over the interval that
        begins at the stamp, other variables are instants.
    published_after : str or timedelta
        Latency at which values are known: after their instant, or with means among them, after the interval.

    Returns
    -------
    Dataset
        The variables, dimensions ``(site, time)``.

    Raises
    ------
    SchemaError
        If there is no table, or a variable is unknown.
    TimeError
        If an index has no zone, or does not rise.
    UnitsError, RangeError
        If values are not in their unit.

    See Also
    --------
    read_table : Reads a table of other units, labels and clocks.
    known_by, temperature_scenarios

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=3, freq="1h", tz="UTC")
    >>> celsius = pd.DataFrame({"city": [1.0, 0.5, 0.0]}, index=hours)
    >>> analysis = measured_weather({"temp_air": celsius}, published_after="1h")
    >>> analysis["available_time"].values[0].astype("datetime64[h]")
    np.datetime64('2024-01-01T01','h')
    """
    if not values:
        raise SchemaError(
            "values holds no table.", "There must be one for each variable.", 'Give {"temp_air": frame}.'
        )
    data = xr.merge([_variable(name, frame) for name, frame in values.items()], join="outer")
    data = data.transpose("site", "time")
    latency = timestamps.duration(published_after).to_timedelta64()
    means = any(data[name].attrs["cell_methods"] == variables.MEAN for name in data)
    if means and data.sizes["time"] > 1:
        latency = latency + _step(data)
    data = data.assign_coords(available_time=("time", data["time"].values + latency))
    return weather_schema.check_weather(data.assign_attrs(kind="analysis"), label="measured weather")


def _variable(name: str, frame: pd.DataFrame) -> xr.Dataset:
    """Table of one variable, with the meaning of its stamps."""
    of_type(f"values[{name!r}]", frame, expected=pd.DataFrame, remedy="Give a column for each site.")
    observation_frames.check_rising_times(pd.DatetimeIndex(frame.index), name)
    cells = {"cell_methods": variables.lookup(name).cell_methods}
    table = as_numbers(f"values[{name!r}]", frame, ndim=2).T.astype(np.float32)
    return xr.Dataset(
        {name: (("site", "time"), table, cells)},
        coords={"site": [str(site) for site in frame.columns], "time": timestamps.to_ns(frame.index)},
    )


def _step(analysis: xr.Dataset) -> np.timedelta64:
    """Usual step of an analysis."""
    steps, counts = np.unique(np.diff(timestamps.to_ns(analysis["time"].values)), return_counts=True)
    return np.timedelta64(steps[counts.argmax()], "ns")
