"""Weather for a run that goes on: runs, sites, models and files that cannot be right are set aside, and named."""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from energyforecast.configuration import Configuration
from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.weather_schema import ValidatedWeather, Weather, as_models, validated
from energyforecast.errors import DamagedStoreWarning, EnergyForecastError, WrongDataError
from energyforecast.operations.set_aside import SetAside, why
from energyforecast.operations.sound_runs import sound
from energyforecast.weather.processing.module_losses import with_losses
from energyforecast.weather.sources import netcdf
from energyforecast.weather.store.store import Store

__all__ = ["UsableWeather", "read_weather"]


@dataclass(frozen=True)
class UsableWeather:
    """Weather of a run, and the parts that were set aside.

    Parameters
    ----------
    weather : ValidatedWeather or None
        With every site of the configuration, missing where there is nothing of it; None if nothing can be read.
    set_aside : tuple of SetAside

    See Also
    --------
    read_weather

    Examples
    --------
    >>> gone = SetAside("file", "weather.nc", "weather.nc does not exist.")
    >>> UsableWeather(None, set_aside=(gone,)).caveats
    ('weather.nc: 1 file is set aside: weather.nc does not exist.',)
    """

    weather: Weather
    _: KW_ONLY
    set_aside: tuple[SetAside, ...] = ()

    @property
    def caveats(self) -> tuple[str, ...]:
        """A line for each part that was set aside."""
        return tuple(map(str, self.set_aside))


def read_weather(settings: Configuration, *, as_of: Any = None, since: Any = None) -> UsableWeather:
    """Read the weather of a configuration, and set aside the parts that cannot be right.

    The readers are those of :meth:`energyforecast.configuration.Configuration.weather`. What they refuse is set aside
    by the smallest part that is whole, and treated as missing: a run at a site, a site, a weather model, or the file
    or store.

    Parameters
    ----------
    settings : Configuration
    as_of, since : str or moment, optional
        Runs that began later, or earlier, are not looked at: a stored model needs those of the last days alone.

    Returns
    -------
    UsableWeather

    Raises
    ------
    ConfigurationError
        If the section [weather] names no source that there is.

    See Also
    --------
    read_measurements : The same for measurements.
    SetAside

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import energyforecast as ef
    >>> from energyforecast.configuration import Configuration
    >>> site, _, _ = ef.datasets.la_haute_borne()
    >>> settings = Configuration(
    ...     path=Path("farm.toml"),
    ...     sites=(site,),
    ...     task=ef.day_ahead("09:00", timezone="Europe/Paris"),
    ...     model=None,
    ...     perfect_weather=True,
    ...     sections={"weather": {"file": "no_such_file.nc"}},
    ... )
    >>> usable = read_weather(settings)
    >>> usable.weather is None, [part.part for part in usable.set_aside]
    (True, ['file'])
    """
    check_types({"as_of": as_of, "since": since}, of=read_weather)
    if "weather" not in settings.sections:
        return UsableWeather(None)
    gone: list[SetAside] = []
    models = {}
    for name, data in _models(settings, gone).items():
        kept = sound(
            _between(data, settings, since, as_of), settings.sites, name=name or "weather", gone=gone
        )
        if kept is not None:
            models[name] = kept
    return UsableWeather(_validated(models, settings, gone), set_aside=tuple(gone))


def _between(data: xr.Dataset, settings: Configuration, since: Any, as_of: Any) -> xr.Dataset:
    """Runs that began between two moments; all, if there is none."""
    if "init_time" not in data.dims:
        return data
    begun, zone = data["init_time"].values, settings.task.timezone
    inside = np.ones(len(begun), dtype=bool)
    if as_of is not None:
        inside &= begun <= timestamps.to_ns([timestamps.instant(as_of, timezone=zone)])[0]
    if since is not None:
        inside &= begun >= timestamps.to_ns([timestamps.instant(since, timezone=zone)])[0]
    return data if inside.all() or not inside.any() else data.isel(init_time=inside)


def _models(settings: Configuration, gone: list[SetAside]) -> dict[str, xr.Dataset]:
    """Weather models of a configuration by name; a single one has the empty name."""
    section = settings.sections["weather"]
    if "models" in section:
        found = {name: _file(settings, file, gone, model=name) for name, file in section["models"].items()}
        return {name: data for name, data in found.items() if data is not None}
    if "store" in section:
        stored = _stored(settings, settings.store(), gone)
        return stored if isinstance(stored, dict) else {"": stored}
    if "file" in section:
        single = _file(settings, section["file"], gone)
        return {} if single is None else {"": single}
    return as_models(settings.weather())


def _file(
    settings: Configuration, file: str, gone: list[SetAside], *, model: str | None = None
) -> xr.Dataset | None:
    """Content of a file of weather."""
    try:
        return netcdf.unchecked(settings.path.parent / file)
    except (EnergyForecastError, OSError) as error:
        gone.append(SetAside("file" if model is None else "model", model or file, why(error)))
    return None


def _stored(
    settings: Configuration, store: Store, gone: list[SetAside]
) -> dict[str, xr.Dataset] | xr.Dataset:
    """Weather of a store at the sites that it has."""
    name, source = store.path.name, settings.named_source(key=None).name
    try:
        held = store.describe()
        known = set(held["site"][held["source"] == source])
        sites = [site for site in settings.sites if site.name in known]
        for site in settings.sites if known else ():
            if site.name not in known:
                found = f"{store!r} has no weather of {source} at {site.name!r}."
                gone.append(SetAside("site", name, found, site=site.name))
        with warnings.catch_warnings(record=True, action="always", category=DamagedStoreWarning) as caught:
            opened = store.open(source, sites=sites or None)
            weather = opened.load() if isinstance(opened, xr.Dataset) else opened
        if any(issubclass(item.category, DamagedStoreWarning) for item in caught):
            _name_damage(store, gone)
    except (EnergyForecastError, OSError) as error:
        gone.append(SetAside("file", name, why(error)))
        return {}
    return weather


def _name_damage(store: Store, gone: list[SetAside]) -> None:
    """Name the files of a store that are damaged, and count their runs."""
    for row in store.quarantined().to_dict("records"):
        hour = f"{min(row['blocks']):%Y-%m-%d %H:%M}"
        sites = ", ".join(row["sites"])
        gone.append(
            SetAside("run", store.path.name, row["reason"], len(row["blocks"]), site=sites, hour=hour)
        )


def _validated(models: dict[str, xr.Dataset], settings: Configuration, gone: list[SetAside]) -> Weather:
    """Weather with the losses of modules; none if it cannot be used."""
    if not models:
        return None
    weather: Weather = models[""] if list(models) == [""] else models
    try:
        lossy = with_losses(weather, settings.sites)
        if lossy is weather:  # which passed every check
            return ValidatedWeather(MappingProxyType(models), settings.sites)
        return validated(lossy, sites=settings.sites)
    except WrongDataError as error:
        gone.append(SetAside("file", "weather", why(error)))
        return None
