"""Interpolation of weather from steps of three and six hours to hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast import physics
from energyforecast.core import timestamps, variables, weather_schema
from energyforecast.core.sites import Site, Sites, as_sites
from energyforecast.errors import SchemaError

__all__ = ["dark_at_night", "hourly"]

Floats = npt.NDArray[np.floating[Any]]

_HOUR: Final = np.timedelta64(3_600_000_000_000, "ns")
#: Instants within an hour at which the sun is evaluated, for a mean over the hour.
_SAMPLES: Final = 6
#: Clear-sky irradiance below which no clear-sky index is formed. [W m-2]
_FAINT: Final = 20.0
#: A zenith beyond which a model has no light: refraction and half a cell away from the site are allowed for. [degree]
_DARK: Final = 93.0
#: Radiation at night that rounding in the files of GFS can cause. [W m-2]
_ROUNDING: Final = 60.0
_RADIATION: Final = ("ghi", "dni", "dhi", "top_net_solar")


def hourly(weather: xr.Dataset, *, sites: Sites) -> xr.Dataset:
    r"""Interpolate weather in longer steps to hours.

    Parameters
    ----------
    weather : Dataset
        A forecast or an analysis, of steps of whole hours that may differ.
    sites : Site or sequence of Site
        All sites of the weather, whose coordinates give the position of the sun.

    Returns
    -------
    Dataset
        With the method in ``attrs["interpolated"]`` and the original steps in ``attrs["native_steps"]``. NaN stay NaN.

    Raises
    ------
    SchemaError
        If steps are not whole hours, or a site of the weather is not given.

    Notes
    -----
    Instants are linear in time; a direction is that of the linear vector, while a speed stays linear as a speed,
    since the vector between two winds is shorter than either. Means of radiation :math:`\bar{G}` follow the
    clear-sky irradiance :math:`C_h` of each hour :math:`h` of a step, so that the energy of the step is preserved;
    instants of radiation have a clear-sky index :math:`k = G / C` that is linear between two stamps,
    :math:`w` being the share of the interval that has passed:

    .. math::
        \bar{G}_h = \bar{G} \, \frac{C_h}{\frac{1}{n} \sum_{j=1}^{n} C_j}, \qquad
        G_h = \left[ (1 - w) \, k_{\text{left}} + w \, k_{\text{right}} \right] C_h

    Other means are constant in a step. An hour between two stamps is available when the later of them is.

    See Also
    --------
    energyforecast.physics.clear_sky : Clear-sky irradiance.
    de_accumulate : Means of steps from sums.

    Examples
    --------
    >>> from energyforecast.testing import example_weather
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> coarse = example_weather().isel(lead_time=slice(None, None, 6))
    >>> hourly(coarse, sites=farm).equals(example_weather()), coarse.sizes["lead_time"]
    (True, 9)
    """
    axis = "time" if weather_schema.is_analysis(weather) else "lead_time"
    native = np.asarray(weather[axis].values).astype(
        "datetime64[ns]" if axis == "time" else "timedelta64[ns]"
    )
    steps = np.diff(native)
    _check_steps(steps, axis)
    places = as_sites(sites)
    _check_sites(weather, places)
    target = native[0] + np.arange((native[-1] - native[0]) // _HOUR + 1) * _HOUR
    hours = _Hours(native, target)
    result = xr.Dataset(attrs=_attrs(weather, steps))
    for name in map(str, weather.data_vars):
        values = weather[name].transpose(..., axis)
        made = _made(weather, name, axis, hours, places)
        result[name] = values.isel({axis: np.zeros(len(target), dtype=int)}).copy(data=made).drop_vars(axis)
        result[name].attrs = values.attrs
        result[name] = result[name].transpose(*weather[name].dims)
    coords = {
        key: coord
        for key, coord in weather.coords.items()
        if axis not in coord.dims and key != "available_time"
    }
    arrived: Any = weather["available_time"]
    if axis in arrived.dims:
        arrived = _later(arrived.transpose(..., axis), hours)
    return weather_schema.check_weather(
        result.drop_vars("available_time", errors="ignore").assign_coords(
            {**coords, axis: target, "available_time": arrived}
        )
    )


def dark_at_night(weather: xr.Dataset, *, sites: Sequence[Site]) -> xr.Dataset:
    """Set mean radiation to 0 in steps during which the sun stays below the horizon."""
    lead = np.asarray(weather["lead_time"].values).astype("timedelta64[ns]")
    steps = np.append(np.diff(lead), lead[-1:] * 0 + _HOUR)
    within = np.linspace(0.0, 1.0, 1 + 2 * int(max(1, steps.max() // _HOUR)))
    offsets = (steps[:, None] / np.timedelta64(1, "ns") * within).astype("timedelta64[ns]")
    moments = timestamps.to_ns(weather["init_time"].values)[:, None, None] + lead[:, None] + offsets
    dark = np.stack(
        [
            physics.solar_position(moments, site.latitude, site.longitude).zenith.min(axis=-1) > _DARK
            for site in sites
        ]
    )
    night = xr.DataArray(dark, dims=("site", "init_time", "lead_time"))
    result = weather.copy()
    for name in ("ghi", "dhi", "dni"):
        if name in weather and weather[name].attrs.get("cell_methods") == variables.MEAN:
            values = weather[name]
            # More than rounding stays: it reveals wrong times.
            result[name] = values.where(~night | ~(values <= _ROUNDING), 0.0).transpose(*values.dims)
            result[name].attrs = values.attrs
    return result


def _check_steps(steps: npt.NDArray[np.timedelta64], axis: str) -> None:
    odd = steps[(steps % _HOUR != np.timedelta64(0, "ns")) | (steps <= np.timedelta64(0, "ns"))]
    if len(odd):
        raise SchemaError(
            f"The weather has a step of {odd[0] / np.timedelta64(1, 'm'):g} min along {axis}.",
            "Steps must be whole hours.",
            "Average shorter steps to hours first.",
        )


def _check_sites(weather: xr.Dataset, sites: Sequence[Site]) -> None:
    names = {site.name for site in sites}
    for name in weather["site"].values:
        if str(name) not in names:
            raise SchemaError(
                f"The weather has the site {str(name)!r}, which was not given.",
                "The position of the sun differs by site, so each must be given.",
                "Give all sites of the weather: hourly(weather, sites=[...]).",
            )


def _attrs(weather: xr.Dataset, steps: npt.NDArray[np.timedelta64]) -> dict[str, Any]:
    lengths = ", ".join(f"{int(step / _HOUR)}h" for step in np.unique(steps))
    return {
        **weather.attrs,
        "native_steps": weather.attrs.get("native_steps", lengths),
        "interpolated": "to hours: instants linear, directions as vectors, radiation by clear-sky index",
    }


class _Hours:
    """Native stamps around each hour, and the share of the step that has passed."""

    def __init__(self, native: npt.NDArray[Any], target: npt.NDArray[Any]) -> None:
        self.native, self.target = native, target
        self.left = np.searchsorted(native, target, side="right") - 1
        self.right = np.minimum(self.left + 1, len(native) - 1)
        length = np.where(self.left < self.right, native[self.right] - native[self.left], _HOUR)
        self.share = (target - native[self.left]) / length
        self.exact = self.share == 0.0

    def linear(self, values: Floats) -> Floats:
        between = values[..., self.left] * (1 - self.share) + values[..., self.right] * self.share
        return np.asarray(np.where(self.exact, values[..., self.left], between))

    def constant(self, values: Floats) -> Floats:
        return np.asarray(values[..., self.left])

    def step_means(self, values: Floats) -> Floats:
        """Means of hourly values over each native step, one for each hour."""
        first = np.flatnonzero(self.exact)
        length = np.diff(np.append(first, len(self.target)))
        return np.repeat(np.add.reduceat(values, first, axis=-1) / length, length, axis=-1)


def _made(weather: xr.Dataset, name: str, axis: str, hours: _Hours, sites: Sequence[Site]) -> Floats:
    values = weather[name].transpose(..., axis)
    data = np.asarray(values.values)
    base = name.split(":", 1)[-1]
    mean = values.attrs.get("cell_methods", _usual_method(base)) == variables.MEAN
    if base in _RADIATION:
        return _sunlit(weather, name, axis, hours, sites, mean=mean).astype(data.dtype)
    if mean:
        return hours.constant(data)
    if base.startswith("wind_direction_"):
        speed_name = name.replace("wind_direction_", "wind_speed_")
        known = speed_name in weather
        speed = weather[speed_name].transpose(*values.dims).values if known else np.ones_like(data)
        # Calm air has no direction; a thousandth keeps the one that is written.
        east, north = physics.wind_components(np.maximum(speed, 1e-3), data)
        turned = physics.wind_from_components(hours.linear(east), hours.linear(north))[1]
        return np.where(hours.exact, hours.constant(data), turned).astype(data.dtype)
    return hours.linear(data).astype(data.dtype)


def _usual_method(name: str) -> str:
    try:
        return variables.lookup(name).cell_methods
    except SchemaError:
        return variables.POINT


def _sunlit(
    weather: xr.Dataset, name: str, axis: str, hours: _Hours, sites: Sequence[Site], *, mean: bool
) -> Floats:
    """Radiation with the daily course of a clear sky."""
    values = weather[name].transpose("site", ..., axis)
    start = (
        np.zeros(1, dtype="datetime64[ns]")
        if axis == "time"
        else timestamps.to_ns(weather["init_time"].values)
    )
    by_name = {site.name: site for site in sites}
    clear = np.stack(
        [
            _clear(by_name[str(place)], start, hours.target, name.split(":", 1)[-1], mean=mean)
            for place in values["site"].values
        ]
    )
    # Same dimensions as the values: (site[, init_time][, member], hours).
    found = [str(dim) for dim in values.dims]
    dims = ("site", axis) if axis == "time" else ("site", "init_time", axis)
    clear = clear[:, 0] if axis == "time" else clear
    sky = xr.DataArray(clear, dims=dims).expand_dims(
        {dim: values.sizes[dim] for dim in found if dim not in dims}
    )
    sky_values = np.asarray(sky.transpose(*found).values)
    data = np.asarray(values.values, dtype=float)
    made = _kept(data, sky_values, hours) if mean else _indexed(data, sky_values, hours)
    back = xr.DataArray(made, dims=found).transpose(*weather[name].transpose(..., axis).dims)
    return np.asarray(back.values)


def _kept(data: Floats, sky: Floats, hours: _Hours) -> Floats:
    """Hourly means that preserve the mean of each step."""
    whole = hours.step_means(sky)
    light = whole > 0
    # Radiation of a model at night is spread evenly, which preserves its energy.
    share = np.where(light, sky / np.where(light, whole, 1.0), 1.0)
    return np.asarray(hours.constant(data) * share)


def _indexed(data: Floats, sky: Floats, hours: _Hours) -> Floats:
    """Instants with a clear-sky index that is linear between two stamps."""
    at_stamps = sky[..., hours.exact]
    index = np.where(at_stamps > _FAINT, data / np.maximum(at_stamps, _FAINT), np.nan)
    left, right = index[..., hours.left], index[..., hours.right]
    left, right = np.where(np.isnan(left), right, left), np.where(np.isnan(right), left, right)
    made = (left * (1 - hours.share) + right * hours.share) * sky
    line = hours.linear(data)
    return np.asarray(np.where(hours.exact | np.isnan(made) | np.isnan(line), line, made))


def _clear(site: Site, start: timestamps.Times, target: npt.NDArray[Any], name: str, *, mean: bool) -> Floats:
    """Clear sky of hours, shape (runs, hours): means from each hour to the next, or instants."""
    moments = (
        start[:, None] + (target - np.datetime64(0, "ns") if target.dtype.kind == "M" else target)[None, :]
    )
    if mean:
        within = (np.arange(_SAMPLES) + 0.5) * (_HOUR / np.timedelta64(1, "ns") / _SAMPLES)
        moments = moments[..., None] + within.astype("timedelta64[ns]")
    position = physics.solar_position(moments, site.latitude, site.longitude)
    if name == "top_net_solar":
        sky = position.dni_extra * np.maximum(0.0, np.cos(np.radians(position.zenith)))
    else:
        sky = getattr(physics.clear_sky(position, altitude=site.altitude or 0.0), name)
    return np.asarray(sky.mean(axis=-1) if mean else sky)


def _later(arrived: xr.DataArray, hours: _Hours) -> tuple[tuple[str, ...], npt.NDArray[Any]]:
    known = timestamps.to_ns(np.asarray(arrived.values))
    both = np.maximum(known[..., hours.left], known[..., hours.right])
    return tuple(map(str, arrived.dims)), np.where(hours.exact, known[..., hours.left], both)
