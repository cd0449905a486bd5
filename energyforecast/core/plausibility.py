"""Plausibility of values: units and ranges of weather and power, and the clock of radiation against the sun."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast import physics
from energyforecast.core import timestamps, variables
from energyforecast.core.daylight import dark_days, proven_lag
from energyforecast.core.power_series import check_unit_of_power
from energyforecast.core.sites import DemandArea, PVPlant, Site
from energyforecast.core.unit_changes import check_radiation_units, check_unit_changes
from energyforecast.errors import RangeError, SchemaError, TimeError, UnitsError

__all__ = ["check_observations", "check_radiation", "check_sun", "check_variable"]

Floats = npt.NDArray[np.float64]

#: A typical value over at least this many hours distinguishes a wrong unit from a windy week. [values]
_ENOUGH: Final = 500


def check_variable(values: xr.DataArray, name: str, label: str) -> None:
    """Check type, dimensions, unit, cell method and range of one variable."""
    if values.dtype.kind != "f":
        raise SchemaError(
            f"{label}[{name!r}] has the type {values.dtype}.",
            "Weather variables must be floats.",
            "Use astype('float32').",
        )
    wanted = {"site", "time"} if "time" in values.dims else {"site", "init_time", "lead_time"}
    if set(map(str, values.dims)) - {"member"} != wanted:
        raise SchemaError(
            f"{label}[{name!r}] has the dimensions {values.dims}.",
            "A variable must have (site, init_time, lead_time[, member]) or, in an analysis, (site, time[, member]).",
            "Choose from a dimension with isel(...), broadcast missing dimensions, or drop the variable.",
        )
    row = _row_of(values, name)
    if row is None:
        return
    given = values.attrs.get("units")
    if given is not None and given not in _spellings(row.units):
        raise UnitsError(
            f"{label}[{name!r}] has attrs['units'] = {given!r}.",
            f"{name} must be in {row.units!r}.",
            "Convert the values and set the attribute, or remove a wrong attribute.",
        )
    method = values.attrs.get("cell_methods")
    if method is not None and method not in (variables.POINT, variables.MEAN):
        raise SchemaError(
            f"{label}[{name!r}] has attrs['cell_methods'] = {method!r}.",
            f"It must be {variables.POINT!r} for instants, {variables.MEAN!r} for means, labelled at their beginning.",
            "De-accumulate the values where they are read and set the attribute.",
        )
    _check_range(values, row, name, label)


def _row_of(values: xr.DataArray, name: str) -> variables.Variable | None:
    """Row of the catalogue; None for a variable that a user describes in full."""
    if "units" in values.attrs and "cell_methods" in values.attrs:
        try:
            return variables.lookup(name)
        except SchemaError:
            return None
    return variables.lookup(name)


def _spellings(units: str) -> tuple[str, ...]:
    """Accepted spellings of a unit."""
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
    """Whether wind speeds are too high for m/s."""
    # The windiest sites on land have a median near 11 m/s at 100 m and a 99th percentile near 30.
    return speed.size >= _ENOUGH and (float(np.median(speed)) > 13.5 or float(np.quantile(speed, 0.99)) > 40)


#: By variable: the test that its typical value shows another unit, that unit, and the conversion.
_OTHER_UNITS: Final[dict[str, tuple[Callable[[Floats], bool], str, str]]] = {
    "temp_air": (lambda x: float(x.min()) > 150, "kelvin", "Subtract 273.15."),
    "temp_dew": (lambda x: float(x.min()) > 150, "kelvin", "Subtract 273.15."),
    "pressure": (lambda x: float(x.min()) > 200 and float(x.max()) < 2000, "hPa", "Multiply by 100."),
    "relative_humidity": (lambda x: x.size > 24 and float(x.max()) <= 1.01, "a fraction", "Multiply by 100."),
    "cloud_cover": (lambda x: x.size > 24 and 0 < float(x.max()) <= 1.01, "a fraction", "Multiply by 100."),
    "ghi": (lambda x: float(x.max()) > 5000, "J m-2 accumulated", "Divide by the seconds of the interval."),
    "wind_speed": (_looks_like_kmh, "km/h", "Divide by 3.6."),
}


#: By variable: units that a part of the values may have, with the range of such values and the conversion.
_PARTS: Final[dict[str, tuple[tuple[float, float, str, str], ...]]] = {
    "temp_dew": ((180.0, 340.0, "kelvin", "Subtract 273.15 from all values in kelvin."),),
    "temp_air": (
        (180.0, 340.0, "kelvin", "Subtract 273.15 from all values in kelvin."),
        (60.0, 134.0, "°F", "Convert all values in °F: (value - 32) / 1.8."),
    ),
    "pressure": (
        (450.0, 1100.0, "hPa", "Multiply all values in hPa by 100."),
        (45.0, 110.0, "kPa", "Multiply all values in kPa by 1000."),
    ),
}
#: Values in another unit that are no single faults.
_PART: Final = 6
#: Numbers that files hold in place of a missing value; of huge ones any counts.
_CODES: Final = (99.0, 99.9, 99.99, 999.0, 999.9, 999.99, 9999.0, 9999.9, 9999.99, 32767.0, 32768.0, 99999.0)
_HUGE: Final = 1e9
#: Variables whose bounds hold 99 or -99, which they hardly ever reach.
_WITHIN: Final = ("wind_speed", "wind_gust", "wind_u", "wind_v", "temp_dew")

#: Share of its capacity that a plant may use itself.
_CONSUMED: Final = 0.2

#: Radiation, which sensors and packed files give slightly below 0 at night. [W m-2]
_RADIATION: Final = ("ghi", "dni", "dhi")
_DARK: Final = 5.0

#: Offset of a zone that explains a lag. [min]
_ALIKE: Final = 20.0
_RELABEL: Final = "If the source labels the end of the hour, shift it by one hour; check the time zone."
_SHARED: Final = " Demand of the same table has the same clock."

#: Variables of which a few days alone may look wrong: a storm, a clear sky.
_NEEDS_WEEKS: Final = ("wind_speed", "cloud_cover")


def _distinct_hours(values: xr.DataArray) -> int:
    """Number of different valid times."""
    if "init_time" not in values.dims:
        return int(values.sizes["time"])
    valid = values["init_time"].values[:, None] + values["lead_time"].values[None, :]
    return len(np.unique(valid))


def _check_range(values: xr.DataArray, row: variables.Variable, name: str, label: str) -> None:
    """Check each site's values for infinities, another unit, and bounds."""
    array = values.transpose("site", ...).values
    for place, block in zip(values["site"].values, array, strict=True):
        if np.isinf(block).any():
            infinite = float(block[np.isinf(block)][0])
            when = _first_time(values.sel(site=place), infinite)
            raise RangeError(
                f"{label}[{name!r}] is {infinite} at site {str(place)!r}{when}.",
                f"{name} must lie between {row.minimum:g} and {row.maximum:g} [{row.units}].",
                "Set it to NaN, so that it counts as missing.",
            )
        finite = block[np.isfinite(block)].astype(np.float64)
        if finite.size == 0:
            continue
        _check_marks(values.sel(site=place), finite, row, f"{label}[{name!r}]")
        check_unit_changes(values.sel(site=[place]), kind=row.name, name=name, label=label)
        other = _OTHER_UNITS.get(row.name)
        enough = row.name not in _NEEDS_WEEKS or _distinct_hours(values) >= _ENOUGH
        if other and enough and other[0](finite):
            raise UnitsError(
                f"{label}[{name!r}] has a median of {np.median(finite):.1f} at site {str(place)!r}.",
                f"{name} must be in {row.units!r}; this looks like {other[1]}.",
                other[2],
            )
        _check_bounds(values.sel(site=place), finite, row, f"{label}[{name!r}]")


def _check_marks(values: xr.DataArray, finite: Floats, row: variables.Variable, label: str) -> None:
    """Refuse a number in place of missing values: out of bounds, or beyond twice all others."""
    for code in (float(finite.min()), float(finite.max())):
        huge = abs(code) > _HUGE
        if not (huge or np.isclose(abs(code), _CODES, rtol=1e-6).any()) or (
            row.minimum <= code <= row.maximum and row.name not in _WITHIN
        ):
            continue
        others = finite[finite != code]
        apart = others.size and (others.max() < code / 2 if code > 0 else others.min() > code / 2)
        if apart or (huge and not others.size):
            raise RangeError(
                f"{label} holds {code:.6g} at site {str(values['site'].values)!r}{_first_time(values, code)}, "
                f"in {finite.size - others.size} of {finite.size} values: this looks like a mark of missing values.",
                "A missing value must be NaN.",
                f"Set such values to NaN; in the format of a table, give missing=['{code:.6g}'].",
            )


def _check_bounds(values: xr.DataArray, finite: Floats, row: variables.Variable, label: str) -> None:
    """Refuse values out of bounds, as those of another unit where there are several."""
    low, high = float(finite.min()), float(finite.max())
    lowest = row.minimum - (_DARK if row.name in _RADIATION else 1e-3)
    if low >= lowest and high <= row.maximum + 1e-3:
        return
    worst = low if low < lowest else high
    found = f"{label} is {worst:.6g} at site {str(values['site'].values)!r}{_first_time(values, worst)}"
    for least, most, looks, remedy in _PARTS.get(row.name, ()):
        if least < worst < most and ((finite > least) & (finite < most)).sum() >= _PART:
            raise UnitsError(
                f"{found}: a part looks like {looks}.",
                f"{values.name} must be in {row.units!r} throughout.",
                remedy,
            )
    raise RangeError(
        f"{found}.",
        f"{values.name} must lie between {row.minimum:g} and {row.maximum:g} [{row.units}].",
        "Check the unit; set single impossible values to NaN, so that they count as missing.",
    )


def _first_time(values: xr.DataArray, worst: float) -> str:
    """Words for where a value occurs first."""
    where = np.argwhere(values.values == np.asarray(worst, dtype=values.dtype))
    if not len(where):
        return ""
    parts = [
        f"{dim} {values[dim].values[k]}"
        for dim, k in zip(values.dims, where[0], strict=True)
        if dim in values.coords
    ]
    return " at " + ", ".join(parts) if parts else ""


def check_radiation(weather: xr.Dataset, sites: Iterable[Site], label: str) -> None:
    """Check that radiation lies where the sun is, at each site."""
    analysis = "init_time" not in weather.dims
    for site in sites:
        ghi = weather["ghi"].sel(site=site.name)
        if "member" in ghi.dims:
            ghi = ghi.mean("member", keep_attrs=True)
        if analysis:
            valid = timestamps.to_ns(ghi["time"].values)
        else:
            ghi = ghi.transpose("init_time", "lead_time")
            lead = ghi["lead_time"].values.astype("timedelta64[ns]")
            valid = (timestamps.to_ns(ghi["init_time"].values)[:, None] + lead[None, :]).ravel()
        if ghi.attrs.get("cell_methods") == variables.POINT:  # the sun is asked for at the stamps themselves
            valid = valid - _usual_step(np.unique(valid)) // 2
        given = ghi.values.ravel().astype(float)
        remedy = _RELABEL + (_SHARED if analysis and isinstance(site, DemandArea) else "")
        check_sun(valid, given, site=site, label=f"{label}['ghi']", measured=analysis, remedy=remedy)
        starts = (
            valid.astype("datetime64[D]")
            if analysis
            else np.repeat(timestamps.to_ns(ghi["init_time"].values), ghi.sizes["lead_time"])
        )
        moments, where = np.unique(valid, return_inverse=True)
        height = _sun_height(moments + _usual_step(moments) // 2, site)[where]
        check_radiation_units(given, height=height, start=starts, site=site.name, label=f"{label}['ghi']")


def check_sun(
    valid: timestamps.Times,
    generation: Floats,
    *,
    site: Site,
    label: str,
    modules: bool = False,
    measured: bool = False,
    remedy: str = _RELABEL,
) -> float | None:
    """Lag of radiation or PV power behind the sun, None with under a week of light. [min]

    It is refused from 45 min on (power: 35, measured radiation: 20), if values without light prove it: hills, clouds
    and other orientations move the power of a day too.
    PV power of `modules` is compared with theirs under a clear sky, radiation with the height of the sun.
    """
    order = np.argsort(valid, kind="stable")
    valid, generation = valid[order], generation[order]
    keep = np.isfinite(generation) & np.append(True, np.diff(valid) > np.timedelta64(0, "ns"))
    valid, generation = valid[keep], np.clip(generation[keep], 0.0, None)
    step = _usual_step(valid)
    height = _usual_power(valid + step // 2, site) if modules else _sun_height(valid + step // 2, site)
    # Days are cut at the sun's midnight, so that one day's light stays together.
    local = valid + np.timedelta64(round(site.longitude / 15 * 60), "m")
    day = local.astype("datetime64[D]")
    minute = (local - day).astype("timedelta64[m]").astype(float)
    lag = _daily_lag(day, minute, generation, height)
    if lag is None:
        return None
    proven = proven_lag(lag, dark_days(valid, generation, step=step, site=site).possible())
    if proven is not None and abs(proven) >= (35 if modules else 20 if measured else 45):
        raise TimeError(
            f"{label} at site {site.name!r} comes {abs(proven):.0f} min {'after' if proven > 0 else 'before'} the sun "
            f"(median over days, from {valid[0]}), and is above 0 in the dark{_as_clock(proven, valid, site)}.",
            "Means and power must be labelled with the beginning of their interval, in UTC.",
            remedy,
        )
    return lag


def _as_clock(lag: float, valid: timestamps.Times, site: Site) -> str:
    """Words for a lag that the wall clock of the site explains, taken for UTC."""
    local = pd.DatetimeIndex(valid[[0, len(valid) // 2, -1]], tz="UTC").tz_convert(
        timestamps.zone(site.timezone)
    )
    ahead = [moment.utcoffset() / pd.Timedelta("1min") for moment in local]
    alike = any(abs(lag - minutes) <= _ALIKE for minutes in ahead if minutes)
    return f": stamps of the clock of {site.timezone}, read as UTC, would come so" if alike else ""


def _usual_power(moments: timestamps.Times, site: Site) -> Floats:
    """Power of a plant's modules, as they are declared, under a clear sky."""
    assert isinstance(site, PVPlant)
    sun = physics.solar_position(moments, site.latitude, site.longitude)
    return np.nan_to_num(site.clear_sky_power(sun))


def _sun_height(moments: timestamps.Times, site: Site) -> Floats:
    """Sine of the sun's elevation, 0 below the horizon."""
    from pvlib import solarposition

    index = pd.DatetimeIndex(moments, tz="UTC")
    sun = solarposition.spa_python(index, site.latitude, site.longitude)["elevation"].to_numpy()
    height: Floats = np.clip(np.sin(np.radians(sun)), 0.0, None)
    return height


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


def check_observations(
    values: pd.DataFrame,
    *,
    sites: Sequence[Site],
    unfit: pd.DataFrame | None = None,
    label: str = "observations",
) -> None:
    """Refuse power that lacks a site, is not in MW, or is out of a plant's bounds; `unfit` cells are exempt."""
    for site in sites:
        if site.name not in values.columns:
            raise SchemaError(
                f"{label} has the columns {list(values.columns)}, without {site.name!r}.",
                "Each site must have a column.",
                "Rename the columns to the names of the sites.",
            )
        column = values[site.name] if unfit is None else values[site.name][~unfit[site.name]]
        if site.capacity is not None:
            _check_capacity(column, site, site.capacity, label)
        check_unit_of_power(column, label=f"{label} of site {site.name!r}")


def _check_capacity(fit: pd.Series, site: Site, capacity: float, label: str) -> None:
    largest = float(fit.abs().max())
    if not np.isfinite(largest):
        return
    ratio, when = largest / capacity, fit.abs().idxmax()
    if ratio > 20:
        raise UnitsError(
            f"{label} of site {site.name!r} reaches {largest:g} MW at {when}, {ratio:.0f} times its {capacity:g} MW.",
            "Power must be in MW; this looks like kW.",
            "Divide by 1000, or read with energyforecast.read_power(..., unit='kW').",
        )
    if len(fit) >= _ENOUGH and 0 < ratio < 1 / 200:
        raise UnitsError(
            f"{label} of site {site.name!r} never exceeds {largest:g} MW, {ratio:.4f} of its {capacity:g} MW.",
            "Power must be in MW; this looks like GW, or the capacity like kW.",
            "Correct the unit of the power or of the capacity.",
        )
    if ratio > 1.2:
        raise RangeError(
            f"{label} of site {site.name!r} is {fit[when]:g} MW at {when}, above its {capacity:g} MW.",
            "Power must stay below 1.2 times the capacity in absolute value.",
            "Correct the capacity, or flag these hours with Flag.ABOVE_CAPACITY.",
        )
    if site.kind in ("wind", "solar") and (fit < -_CONSUMED * capacity).any():
        when = fit.idxmin()
        raise RangeError(
            f"{label} of site {site.name!r} is {fit[when]:g} MW at {when}, of a plant of {capacity:g} MW.",
            "A plant must not use more than a fifth of its capacity; -99 and the like mark missing values.",
            "Set marks of missing values to NaN, or flag them by energyforecast.flag_quality.",
        )
