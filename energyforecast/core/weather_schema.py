"""Schema of weather, its checks, and a wrapper of weather that passed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast.core.arguments import check_types
from energyforecast.core.plausibility import check_radiation, check_variable
from energyforecast.core.sites import Site
from energyforecast.errors import SchemaError, TimeError

__all__ = [
    "ValidatedWeather",
    "Weather",
    "as_models",
    "check_structure",
    "check_weather",
    "is_analysis",
    "label_of",
    "validated",
    "weather_caveats",
]


@dataclass(frozen=True, eq=False, repr=False)
class ValidatedWeather:
    """Weather that passed every check; made by :func:`validated`.

    ``fit``, ``predict`` and ``backtest`` accept it in place of a dataset and do not check it again. It holds datasets
    and is none; they must not be changed afterwards.

    Parameters
    ----------
    models : mapping of Dataset
        Weather models by name; a single one has the empty name.
    sites : tuple of Site
        Sites at which the radiation was compared with the sun.

    See Also
    --------
    energyforecast.weather.validated : Makes it.

    Examples
    --------
    >>> from energyforecast.testing import example_weather
    >>> validated(example_weather())
    Validated weather: wind_speed_100m at farm, 2 runs
    """

    models: Mapping[str, xr.Dataset]
    sites: tuple[Site, ...] = ()

    def for_sites(self, sites: Sequence[Site]) -> ValidatedWeather:
        """The same weather, checked to hold these sites and to agree with the sun at each."""
        new = [site for site in sites if site not in self.sites]
        if not new:
            return self
        for model, dataset in self.models.items():
            _check_site_labels(dataset, new, label_of(model))
            if "ghi" in dataset:
                check_radiation(dataset, new, label_of(model))
        return ValidatedWeather(self.models, (*self.sites, *new))

    def __repr__(self) -> str:
        if not self.models:
            return "No weather"
        parts = []
        for model, dataset in self.models.items():
            axis, unit = ("time", "hours") if is_analysis(dataset) else ("init_time", "runs")
            names = ", ".join(map(str, dataset.data_vars))
            sites = ", ".join(map(str, dataset["site"].values))
            parts.append(f"{model + ': ' if model else ''}{names} at {sites}, {dataset.sizes[axis]} {unit}")
        return "Validated weather: " + "; ".join(parts)


#: One weather model, several by name, or either of them validated; ``None`` where no feature needs weather.
Weather: TypeAlias = xr.Dataset | Mapping[str, xr.Dataset] | ValidatedWeather | None


def as_models(weather: Weather) -> dict[str, xr.Dataset]:
    """Weather models by name; a single dataset has the empty name, and without weather there is none."""
    if weather is None:
        return {}
    if isinstance(weather, ValidatedWeather):
        return dict(weather.models)
    if isinstance(weather, xr.Dataset):
        return {"": weather}
    models: Mapping[str, xr.Dataset] = weather
    if not isinstance(models, Mapping):
        raise SchemaError(
            f"weather is of the type {type(weather).__name__}.",
            "It must be an xarray Dataset, or a dict of them by the name of the weather model.",
            "Give a Dataset of the readers of energyforecast.weather; its read_table reads tables.",
        )
    wrong = [name for name in models if not isinstance(name, str) or ":" in name]
    if wrong:
        raise SchemaError(
            f"A weather model has the name {wrong[0]!r}.",
            "Names of weather models must be text without a colon: variables are named 'model:variable'.",
            "Rename the model.",
        )
    return dict(models)


def validated(weather: Weather, *, sites: Sequence[Site] = ()) -> ValidatedWeather:
    """Check weather once, so that each later use need not.

    Parameters
    ----------
    weather : Dataset or mapping of Dataset
        Weather already validated is checked for further `sites` only.
    sites : sequence of Site, optional
        Required sites. With radiation among the variables, the sun checks its time label.

    Returns
    -------
    ValidatedWeather
        Accepted by ``fit``, ``predict`` and ``backtest``.

    Raises
    ------
    SchemaError, TimeError, UnitsError, RangeError
        If anything is not as it must be.

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster, example_weather
    >>> weather = validated(example_weather())
    >>> forecast = example_forecaster().predict(weather, issue_time="2024-01-01 09:00")
    >>> forecast.at(0.5).values[0, 0, :3].tolist()
    [11.0, 11.5, 12.0]
    """
    check_types({"sites": sites}, of=validated)
    if isinstance(weather, ValidatedWeather):
        return weather.for_sites(sites)
    models = as_models(weather)
    for model, dataset in models.items():
        check_weather(dataset, sites=sites, label=label_of(model))
    return ValidatedWeather(MappingProxyType(models), tuple(sites))


def label_of(model: str) -> str:
    """Name of a weather model's dataset in messages."""
    return f"weather[{model!r}]" if model else "weather"


def weather_caveats(weather: Weather) -> tuple[str, ...]:
    """Caveats of every result made from this weather."""
    found = []
    for dataset in as_models(weather).values():
        if is_analysis(dataset):
            found.append(f"perfect weather ({dataset.attrs.get('source', 'analysis')}): not forecast skill")
        if dataset.attrs.get("synthetic"):
            found.append(
                "synthetic: scores say how the code behaves, not how well a real site can be forecast"
            )
    return tuple(dict.fromkeys(found))


def is_analysis(weather: xr.Dataset) -> bool:
    """Whether weather has no runs: a reanalysis, a stitched history, a satellite product."""
    return "init_time" not in weather.dims


def check_weather(weather: xr.Dataset, *, sites: Sequence[Site] = (), label: str = "weather") -> xr.Dataset:
    """Check weather against the schema and return it unchanged.

    Parameters
    ----------
    weather : Dataset
        Dimensions ``(site, init_time, lead_time[, member])`` for a forecast, ``(site, time)`` for an
        analysis, with the coordinate ``available_time``.
    sites : sequence of Site
        Required sites. With radiation among the variables, the sun checks its time label.
    label : str
        Name of the dataset in messages.

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
    check_structure(weather, sites=sites, label=label)
    _check_availability(weather, label)
    for name in map(str, weather.data_vars):
        check_variable(weather[name], name, label)
    if "ghi" in weather and sites:
        check_radiation(weather, sites, label)
    return weather


def check_structure(weather: xr.Dataset, *, sites: Sequence[Site] = (), label: str = "weather") -> None:
    """Check dimensions, site labels and time axes, without a look at the values."""
    _check_dimensions(weather, label)
    _check_site_labels(weather, sites, label)
    _check_time_axes(weather, label)


def _check_dimensions(weather: xr.Dataset, label: str) -> None:
    if not isinstance(weather, xr.Dataset):
        raise SchemaError(
            f"{label} is a {type(weather).__name__}.",
            "Weather must be an xarray.Dataset with dimensions (site, init_time, lead_time) or (site, time).",
            "Build one with the readers of energyforecast.weather.",
        )
    wanted = ("site", "time") if is_analysis(weather) else ("site", "init_time", "lead_time")
    kind = "analysis" if is_analysis(weather) else "forecast"
    if any(name not in weather.dims for name in wanted) or weather.attrs.get("kind", kind) != kind:
        raise SchemaError(
            f"{label} has dimensions {tuple(map(str, weather.dims))} and kind {weather.attrs.get('kind')!r}.",
            "A forecast must have (site, init_time, lead_time[, member]), an analysis (site, time).",
            "Rename the dimensions; add `site` with expand_dims for a single site.",
        )
    if not weather.data_vars or 0 in (weather.sizes[name] for name in wanted):
        raise SchemaError(
            f"{label} is empty: {dict(weather.sizes)} and {len(weather.data_vars)} variables.",
            "Weather must have at least one variable, one site and one run or hour.",
            "Check the period and the file from which it was read.",
        )
    missing = [name for name in wanted if name not in weather.coords]
    if missing:
        raise SchemaError(
            f"{label} has no coordinate {missing[0]!r}.",
            "Every dimension must have its coordinate.",
            f"Use weather.assign_coords({missing[0]}=...).",
        )


def _check_site_labels(weather: xr.Dataset, sites: Sequence[Site], label: str) -> None:
    strangers = [name for name in weather["site"].values if not isinstance(name, str)]
    if strangers:
        raise SchemaError(
            f"{label} has a site labelled {strangers[0]!r}, a {type(strangers[0]).__name__}.",
            "Sites must be labelled by their names, as text.",
            "Use weather.assign_coords(site=[...]) with the names of the sites.",
        )
    names = [str(name) for name in weather["site"].values]
    repeated = [name for name in names if names.count(name) > 1]
    absent = [site.name for site in sites if site.name not in names]
    if repeated or absent:
        raise SchemaError(
            f"{label} has the sites {names}"
            + (f", without {absent[0]!r}." if absent else f", {repeated[0]!r} twice."),
            "Every site of the forecaster must be in the weather, once.",
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
                f"{name} must hold {'datetime64 in UTC' if kind == 'M' else 'timedelta64'}.",
                "Convert zone-aware times with ef.core.timestamps.to_ns, leads with astype('timedelta64[h]').",
            )
        _check_rising(axis, name, label)
    if "lead_time" in weather.coords and np.asarray(weather["lead_time"].values)[0] < np.timedelta64(0, "ns"):
        raise TimeError(
            f"{label} has a negative lead_time.",
            "lead_time = valid time - init_time must not be negative.",
            "Check its sign.",
        )


def _check_rising(axis: npt.NDArray[np.generic], name: str, label: str) -> None:
    steps = np.diff(axis)
    bad = np.flatnonzero((steps <= np.timedelta64(0, "ns")) | np.isnat(steps))
    if np.isnat(axis).any() or bad.size:
        where = axis[bad[0] + 1] if bad.size else axis[np.isnat(axis)][0]
        raise TimeError(
            f"{label}[{name!r}] does not rise at {where}: it is doubled, out of order or empty.",
            f"{name} must rise strictly.",
            f"Sort with weather.sortby({name!r}) and decide which of the doubles is right.",
        )


def covered(weather: xr.Dataset) -> tuple[np.datetime64, np.datetime64]:
    """First and last valid time of an analysis, or of all runs."""
    if is_analysis(weather):
        return weather["time"].values[0], weather["time"].values[-1]
    start, lead = weather["init_time"].values, weather["lead_time"].values
    return start[0] + lead[0], start[-1] + lead[-1]


def _check_availability(weather: xr.Dataset, label: str) -> None:
    analysis = is_analysis(weather)
    allowed: tuple[tuple[str, ...], ...] = (
        (("time",),) if analysis else (("init_time",), ("init_time", "lead_time"))
    )
    axis = "time" if analysis else "init_time"
    found = tuple(map(str, weather["available_time"].dims)) if "available_time" in weather.coords else "none"
    if set(found) not in [set(dims) for dims in allowed]:
        raise SchemaError(
            f"{label} has no usable coordinate available_time (found: {found}).",
            f"It must have the dimensions {' or '.join(map(str, allowed))}, and hold when each value could first "
            "be had.",
            f"Add it: weather.assign_coords(available_time=({axis!r}, {axis} + latency)).",
        )
    arrived = weather["available_time"].transpose(axis, ...)
    if arrived.dtype.kind != "M":
        raise TimeError(
            f"{label}['available_time'] has the type {arrived.dtype}.",
            "available_time must hold datetime64 in UTC.",
            "Convert zone-aware times with energyforecast.core.timestamps.to_ns.",
        )
    start = weather[axis]
    early = (arrived < start).values
    if early.any():
        where = tuple(np.argwhere(early)[0])
        raise TimeError(
            f"{label} for {start.values[where[0]]} was available earlier, at {arrived.values[where]}.",
            "A value must be available after the run's initialisation (a reanalysis after its hour).",
            "Check that available_time is in UTC.",
        )
