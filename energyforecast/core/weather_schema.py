"""The only validators: what weather, observations and quantiles must be.

Wrong data is always an error here. Missing data is not: it is NaN, it is counted, and whoever needs
the value decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast.core import timestamps, variables
from energyforecast.core.sites import Site
from energyforecast.core.solar_clock import _ENOUGH, _usual_step, check_sun
from energyforecast.errors import RangeError, SchemaError, TimeError, UnitsError

__all__ = ["Weather", "as_models", "check_weather", "is_analysis"]

Floats = npt.NDArray[np.float64]


def is_analysis(weather: xr.Dataset) -> bool:
    """Whether a weather dataset has no runs: a reanalysis, a stitched history, a satellite product.

    Parameters
    ----------
    weather : Dataset

    Returns
    -------
    bool

    Examples
    --------
    >>> from energyforecast.datasets import la_haute_borne
    >>> from energyforecast.testing import example_weather
    >>> is_analysis(example_weather()), is_analysis(la_haute_borne()[1])
    (False, True)
    """
    return "init_time" not in weather.dims


def check_weather(weather: xr.Dataset, *, sites: Sequence[Site] = (), label: str = "weather") -> xr.Dataset:
    """Weather as the library knows it; returned as it came.

    Parameters
    ----------
    weather : Dataset
        Dimensions ``(site, init_time, lead_time[, member])`` for a forecast, ``(site, time)`` for an
        analysis, with the coordinate ``available_time``.
    sites : sequence of Site
        Sites that must be there. With radiation among the variables, the sun checks its time label.
    label : str
        What messages call the dataset.

    Raises
    ------
    SchemaError, TimeError, UnitsError, RangeError
        If anything is not as it must be.

    Examples
    --------
    >>> from energyforecast.datasets import la_haute_borne
    >>> site, weather, power = la_haute_borne()
    >>> check_weather(weather, sites=[site]) is weather
    True
    """
    _check_dimensions(weather, label)
    _check_site_labels(weather, sites, label)
    _check_time_axes(weather, label)
    _check_availability(weather, label)
    for name in map(str, weather.data_vars):
        _check_variable(weather[name], name, label)
    if "ghi" in weather and sites:
        _check_radiation(weather, sites, label)
    return weather


def _check_dimensions(weather: xr.Dataset, label: str) -> None:
    if not isinstance(weather, xr.Dataset):
        raise SchemaError(
            f"{label} is a {type(weather).__name__}.",
            "Weather is an xarray.Dataset with dimensions (site, init_time, lead_time) or (site, time).",
            "Build one with the readers of energyforecast.weather.",
        )
    wanted = ("site", "time") if is_analysis(weather) else ("site", "init_time", "lead_time")
    kind = "analysis" if is_analysis(weather) else "forecast"
    if any(name not in weather.dims for name in wanted) or weather.attrs.get("kind", kind) != kind:
        raise SchemaError(
            f"{label} has dimensions {tuple(map(str, weather.dims))} and kind {weather.attrs.get('kind')!r}.",
            "A forecast has (site, init_time, lead_time[, member]), an analysis (site, time).",
            "Rename the dimensions; add `site` with expand_dims if there is one site only.",
        )
    if not weather.data_vars or 0 in (weather.sizes[name] for name in wanted):
        raise SchemaError(
            f"{label} is empty: {dict(weather.sizes)} and {len(weather.data_vars)} variables.",
            "There is at least one variable, one site and one run or hour.",
            "Check the period and the file from which it was read.",
        )
    missing = [name for name in wanted if name not in weather.coords]
    if missing:
        raise SchemaError(
            f"{label} has no coordinate {missing[0]!r}.",
            "Every dimension has its coordinate.",
            f"Use weather.assign_coords({missing[0]}=...).",
        )


def _check_site_labels(weather: xr.Dataset, sites: Sequence[Site], label: str) -> None:
    strangers = [name for name in weather["site"].values if not isinstance(name, str)]
    if strangers:
        raise SchemaError(
            f"{label} has a site labelled {strangers[0]!r}, a {type(strangers[0]).__name__}.",
            "Sites are labelled by their names, as text.",
            "Use weather.assign_coords(site=[...]) with the names of the sites.",
        )
    names = [str(name) for name in weather["site"].values]
    repeated = [name for name in names if names.count(name) > 1]
    absent = [site.name for site in sites if site.name not in names]
    if repeated or absent:
        raise SchemaError(
            f"{label} has the sites {names}"
            + (f", without {absent[0]!r}." if absent else f", {repeated[0]!r} twice."),
            "Every site of the forecaster is in the weather, once.",
            "Set weather['site'] to the names of the sites.",
        )


def _check_time_axes(weather: xr.Dataset, label: str) -> None:
    for name, kind in (("init_time", "M"), ("time", "M"), ("lead_time", "m")):
        if name not in weather.coords or name not in weather.dims:
            continue
        axis = np.asarray(weather[name].values)
        if axis.dtype.kind != kind:
            raise TimeError(
                f"{label}[{name!r}] has the type {axis.dtype}.",
                f"{name} holds {'datetime64 in UTC' if kind == 'M' else 'timedelta64'}.",
                "Convert zone-aware times with ef.core.timestamps.to_ns, leads with astype('timedelta64[h]').",
            )
        _check_rising(axis, name, label)
    if "lead_time" in weather.coords and np.asarray(weather["lead_time"].values)[0] < np.timedelta64(0, "ns"):
        raise TimeError(
            f"{label} has a negative lead_time.",
            "lead_time = valid time - init_time >= 0.",
            "Check its sign.",
        )


def _check_rising(axis: npt.NDArray[np.generic], name: str, label: str) -> None:
    steps = np.diff(axis)
    bad = np.flatnonzero((steps <= np.timedelta64(0, "ns")) | np.isnat(steps))
    if np.isnat(axis).any() or bad.size:
        where = axis[bad[0] + 1] if bad.size else axis[np.isnat(axis)][0]
        raise TimeError(
            f"{label}[{name!r}] does not rise at {where}: it is doubled, out of order or empty there.",
            f"{name} rises strictly.",
            f"Sort with weather.sortby({name!r}) and decide which of the doubles is right.",
        )


def _check_availability(weather: xr.Dataset, label: str) -> None:
    analysis = is_analysis(weather)
    allowed: tuple[tuple[str, ...], ...] = (
        (("time",),) if analysis else (("init_time",), ("init_time", "lead_time"))
    )
    if "available_time" not in weather.coords or weather["available_time"].dims not in allowed:
        found = weather["available_time"].dims if "available_time" in weather.coords else "none"
        raise SchemaError(
            f"{label} has no usable coordinate available_time (found: {found}).",
            f"available_time has dimensions {' or '.join(map(str, allowed))}: when each value could first be had.",
            "Add it: weather.assign_coords(available_time=('init_time', init_time + publication_delay)).",
        )
    arrived = weather["available_time"]
    if arrived.dtype.kind != "M":
        raise TimeError(
            f"{label}['available_time'] has the type {arrived.dtype}.",
            "available_time holds datetime64 in UTC.",
            "Convert zone-aware times with energyforecast.core.timestamps.to_ns.",
        )
    start = weather["time" if analysis else "init_time"]
    early = (arrived < start).values
    if early.any():
        where = tuple(np.argwhere(early)[0])
        raise TimeError(
            f"{label} for {start.values[where[0]]} says that it was available earlier, at {arrived.values[where]}.",
            "A value is available after the run's initialisation (a reanalysis after its hour).",
            "Check that available_time is in UTC.",
        )


def _check_variable(values: xr.DataArray, name: str, label: str) -> None:
    if values.dtype.kind != "f":
        raise SchemaError(
            f"{label}[{name!r}] has the type {values.dtype}.",
            "Weather variables are floats.",
            "Use astype('float32').",
        )
    wanted = {"site", "time"} if "time" in values.dims else {"site", "init_time", "lead_time"}
    if set(map(str, values.dims)) - {"member"} != wanted:
        raise SchemaError(
            f"{label}[{name!r}] has the dimensions {values.dims}.",
            "A variable has (site, init_time, lead_time[, member]) or, in an analysis, (site, time[, member]).",
            "Choose from a dimension with isel(...), broadcast what is missing, or drop the variable.",
        )
    row = _row_of(values, name)
    if row is None:
        return
    given = values.attrs.get("units")
    if given is not None and given not in _spellings(row.units):
        raise UnitsError(
            f"{label}[{name!r}] has attrs['units'] = {given!r}.",
            f"energyforecast holds {name} in {row.units!r}.",
            "Convert the values and set the attribute, or remove a wrong attribute.",
        )
    method = values.attrs.get("cell_methods")
    if method is not None and method not in (variables.POINT, variables.MEAN):
        raise SchemaError(
            f"{label}[{name!r}] has attrs['cell_methods'] = {method!r}.",
            f"It is {variables.POINT!r} for instants, {variables.MEAN!r} for means, labelled at their beginning.",
            "De-accumulate the values where they are read and set the attribute.",
        )
    _check_range(values, row, name, label)


def _row_of(values: xr.DataArray, name: str) -> variables.Variable | None:
    if "units" in values.attrs and "cell_methods" in values.attrs:
        try:
            return variables.lookup(name)
        except SchemaError:
            return None  # a variable of the user's own, which says what it is
    return variables.lookup(name)


def _spellings(units: str) -> tuple[str, ...]:
    others = {
        "m s-1": ("m/s", "m s**-1", "m s^-1", "m s⁻¹"),
        "degree_Celsius": ("degC", "°C", "celsius", "Celsius", "C"),
        "degree": ("degrees", "°", "deg"),
        "percent": ("%",),
        "W m-2": ("W/m2", "W m**-2", "W/m²", "W m⁻²"),
        "mm h-1": ("mm/h",),
    }
    return (units, *others.get(units, ()))


def _looks_like_kmh(speed: Floats) -> bool:
    # The windiest sites on land have a median near 11 m/s at 100 m and a 99th percentile near 30.
    return speed.size >= _ENOUGH and (float(np.median(speed)) > 13.5 or float(np.quantile(speed, 0.99)) > 40)


#: For a variable: when its typical value betrays another unit, which one, and how to convert.
_BETRAYALS: Final[dict[str, tuple[Callable[[Floats], bool], str, str]]] = {
    "temp_air": (lambda x: float(np.median(x)) > 150, "kelvin", "Subtract 273.15."),
    "temp_dew": (lambda x: float(np.median(x)) > 150, "kelvin", "Subtract 273.15."),
    "pressure": (lambda x: float(np.median(x)) < 2000, "hPa", "Multiply by 100."),
    "relative_humidity": (lambda x: x.size > 24 and float(x.max()) <= 1.01, "a fraction", "Multiply by 100."),
    "cloud_cover": (lambda x: x.size > 24 and 0 < float(x.max()) <= 1.01, "a fraction", "Multiply by 100."),
    "ghi": (lambda x: float(x.max()) > 5000, "J m-2 accumulated", "Divide by the seconds of the interval."),
    "wind_speed": (_looks_like_kmh, "km/h", "Divide by 3.6."),
}


#: What a few days of weather may look like by themselves: a storm, a clear sky.
_NEEDS_WEEKS: Final = ("wind_speed", "cloud_cover")


def _distinct_hours(values: xr.DataArray) -> int:
    if "init_time" not in values.dims:
        return int(values.sizes["time"])
    valid = values["init_time"].values[:, None] + values["lead_time"].values[None, :]
    return len(np.unique(valid))


def _check_range(values: xr.DataArray, row: variables.Variable, name: str, label: str) -> None:
    array = values.transpose("site", ...).values
    for place, block in zip(values["site"].values, array, strict=True):
        if np.isinf(block).any():
            infinite = float(block[np.isinf(block)][0])
            when = _first_time(values.sel(site=place), infinite)
            raise RangeError(
                f"{label}[{name!r}] is {infinite} at site {str(place)!r}{when}.",
                f"{name} lies between {row.minimum:g} and {row.maximum:g} [{row.units}].",
                "Set it to NaN, so that it counts as missing.",
            )
        finite = block[np.isfinite(block)].astype(np.float64)
        if finite.size == 0:
            continue
        betrayal = _BETRAYALS.get(row.name)
        enough = row.name not in _NEEDS_WEEKS or _distinct_hours(values) >= _ENOUGH
        if betrayal and enough and betrayal[0](finite):
            raise UnitsError(
                f"{label}[{name!r}] has a median of {np.median(finite):.1f} at site {str(place)!r}.",
                f"energyforecast expects {row.units!r}; this looks like {betrayal[1]}.",
                betrayal[2],
            )
        low, high = float(finite.min()), float(finite.max())
        if low < row.minimum - 1e-3 or high > row.maximum + 1e-3:
            worst = low if low < row.minimum - 1e-3 else high
            when = _first_time(values.sel(site=place), worst)
            raise RangeError(
                f"{label}[{name!r}] is {worst:.6g} at site {str(place)!r}{when}.",
                f"{name} lies between {row.minimum:g} and {row.maximum:g} [{row.units}].",
                "Check the unit; set single impossible values to NaN, so that they count as missing.",
            )


def _first_time(values: xr.DataArray, worst: float) -> str:
    where = np.argwhere(values.values == np.asarray(worst, dtype=values.dtype))
    if not len(where):
        return ""
    parts = [
        f"{dim} {values[dim].values[k]}"
        for dim, k in zip(values.dims, where[0], strict=True)
        if dim in values.coords
    ]
    return " at " + ", ".join(parts) if parts else ""


def _check_radiation(weather: xr.Dataset, sites: Sequence[Site], label: str) -> None:
    analysis = is_analysis(weather)
    for site in sites:
        ghi = weather["ghi"].sel(site=site.name)
        if "member" in ghi.dims:
            ghi = ghi.mean("member")
        if analysis:
            valid = timestamps.to_ns(ghi["time"].values)
        else:
            lead = ghi["lead_time"].values.astype("timedelta64[ns]")
            valid = (timestamps.to_ns(ghi["init_time"].values)[:, None] + lead[None, :]).ravel()
        if ghi.attrs.get("cell_methods") == variables.POINT:  # the sun is asked for at the stamps themselves
            valid = valid - _usual_step(np.unique(valid)) // 2
        check_sun(valid, ghi.values.ravel().astype(float), site=site, label=f"{label}['ghi']")


#: One weather model, or several by name.
Weather = xr.Dataset | Mapping[str, xr.Dataset]


def as_models(weather: Weather) -> dict[str, xr.Dataset]:
    """Weather models by name; a single dataset has the empty name.

    Examples
    --------
    >>> list(as_models(xr.Dataset()))
    ['']
    """
    return {"": weather} if isinstance(weather, xr.Dataset) else dict(weather)
