"""One TOML file for a site, its weather, its observations, a task and a model.

.. code-block:: toml

    [sites."La Haute Borne"]
    kind = "wind"
    latitude = 48.45
    longitude = 5.59
    capacity = 8.2          # MW
    hub_height = 80         # m
    power_curve = "curve.csv"  # wind_speed [m/s],power [kW]; as PowerCurve.read takes it
    timezone = "Europe/Paris"

    [weather]
    file = "weather.nc"     # or dataset = "la-haute-borne"; several models: [weather.models] name = "file.nc"
    perfect_weather = true  # only if the weather is an analysis
    # or an archive that `energyforecast weather fetch` fills:
    # store = "archive.zarr"
    # source = "open-meteo"
    # model = "ecmwf_ifs"
    # since = "2024-06"                   # how far back it goes; a week without it
    # base_url = "https://..."            # of a server of one's own
    # api_key_env = "OPEN_METEO_KEY"      # the NAME of an environment variable; a key never stands in a file

    [observations]
    file = "power.csv"      # or dataset = "la-haute-borne"
    unit = "kW"
    timezone = "UTC"
    label = "beginning"
    published_after = "1h"

    [task]
    kind = "day_ahead"      # or "intraday" with every = "1h", leads = "12h"
    issue = "09:00"
    timezone = "Europe/Paris"

    [model]
    kind = "LightGBMQuantiles"
    seed = 1

    [plan]                  # what is planned from the forecasts: energyforecast.planning.settings

Paths are relative to the file. An unknown section or key is an error, so that a slip of the pen is
not silently a default.
"""

from __future__ import annotations

import difflib
import inspect
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import xarray as xr

from energyforecast import datasets
from energyforecast.core import tasks
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm
from energyforecast.core.tasks import Task
from energyforecast.core.weather_schema import Weather
from energyforecast.errors import ConfigurationError, EnergyForecastError, one_of
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import LightGBMQuantiles, QuantileModel
from energyforecast.observations import read_power
from energyforecast.planning.settings import PlanSettings
from energyforecast.weather.sources import netcdf, registry
from energyforecast.weather.sources.common.base import AnalysisSource, RunSource
from energyforecast.weather.store.store import Store

__all__ = ["Configuration", "read"]

_T = TypeVar("_T")

#: Keys of [weather]: where it is, and how an archive is filled.
_PLACES: Final = ("file", "dataset", "models", "store")
_ASKED: Final = ("source", "model", "since", "base_url", "api_key_env")
_TASKS: Final[dict[str, Callable[..., Task]]] = {
    "day_ahead": tasks.day_ahead,
    "intraday": tasks.intraday,
    "month_ahead": tasks.month_ahead,
}

_SITES: Final[dict[str, type[Site]]] = {kind.kind: kind for kind in (WindFarm, PVPlant, DemandArea, Site)}
_SECTIONS: Final = ("sites", "weather", "observations", "task", "model", "plan")
_OPTIONAL: Final = ("model", "plan")


def _almaty_region() -> tuple[tuple[Site, ...], Weather, Observations]:
    synthetic = datasets.almaty_region()
    return synthetic.sites, synthetic.weather, synthetic.observations


_DATASETS: Final[dict[str, Callable[[], tuple[Any, Weather, Observations]]]] = {
    "la-haute-borne": datasets.la_haute_borne,
    "almaty-region": cache(_almaty_region),  # weather and observations are asked for one after the other
}


@dataclass(frozen=True)
class Configuration:
    """A configuration file, read and checked; data is loaded when it is asked for.

    Parameters
    ----------
    path : Path
        Where it was read.
    sites : tuple of Site
    task : Task
    model : QuantileModel, optional
        Without a section [model] each site has the default of its kind.
    perfect_weather : bool
    sections : dict
        The file's own content.
    plan : PlanSettings, optional
        Section [plan].

    Examples
    --------
    >>> farm = WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60)
    >>> settings = Configuration(
    ...     path=Path("farm.toml"),
    ...     sites=(farm,),
    ...     task=tasks.day_ahead("08:00", timezone="Asia/Almaty"),
    ...     model=LightGBMQuantiles(),
    ...     perfect_weather=True,
    ...     sections={"weather": {"dataset": "la-haute-borne"}, "observations": {"dataset": "la-haute-borne"}},
    ... )
    >>> settings.forecaster()
    Forecaster(farm, LightGBMQuantiles, perfect weather, not fitted)
    >>> settings.observations()["2015"].values.shape
    (8760, 1)
    """

    path: Path
    sites: tuple[Site, ...]
    task: Task
    model: QuantileModel | None
    perfect_weather: bool
    sections: Mapping[str, Any]
    plan: PlanSettings | None = None

    def forecaster(self) -> Forecaster:
        """A forecaster that has learnt nothing yet."""
        return Forecaster(self.sites, self.task, model=self.model, perfect_weather=self.perfect_weather)

    def weather(self) -> Weather:
        """The weather, one dataset or several models by name."""
        section = dict(self.sections["weather"])
        if "models" in section:
            return {name: netcdf.read(self._path(file)) for name, file in section["models"].items()}
        if "dataset" in section:
            return _dataset(section["dataset"], self.path)[1]
        if "store" in section:
            weather = self.store().open(self._named_source(key=None).name, sites=self.sites)
            return weather.load() if isinstance(weather, xr.Dataset) else weather
        return netcdf.read(self._path(section["file"]))

    def store(self) -> Store:
        """The archive of weather, if the configuration has one."""
        section = self.sections["weather"]
        if "store" not in section:
            raise ConfigurationError(
                f"{self.path}: [weather] names no store.",
                "An archive is fetched into a store.",
                'Add store = "archive.zarr", source = "open-meteo" and model = "ecmwf_ifs".',
            )
        return Store(self._path(section["store"]))

    def source(self) -> RunSource | AnalysisSource:
        """The source from which the archive is filled, with the key from the environment."""
        self.store()
        variable = self.sections["weather"].get("api_key_env")
        key = None if variable is None else os.environ.get(variable)
        if variable is not None and not key:
            raise ConfigurationError(
                f"{self.path}: [weather] has api_key_env = {variable!r}, and the environment has no such variable.",
                "It holds the key.",
                f"Set it: export {variable}=...",
            )
        return self._named_source(key=key)

    def _named_source(self, *, key: str | None) -> RunSource | AnalysisSource:
        section = self.sections["weather"]
        model, base_url = section.get("model"), section.get("base_url")
        try:
            return registry.make(section["source"], model=model, base_url=base_url, api_key=key)
        except EnergyForecastError as error:
            found = f"{self.path}: [weather] {error.found}"
            raise ConfigurationError(found, error.expected, error.remedy) from error

    def observations(self) -> Observations:
        """The observations."""
        section = dict(self.sections["observations"])
        if "dataset" in section:
            return _dataset(section["dataset"], self.path)[2]
        return read_power(self._path(section.pop("file")), **section)

    def _path(self, name: str) -> Path:
        return self.path.parent / name


def read(path: str | Path) -> Configuration:
    """Read a configuration file.

    Raises
    ------
    ConfigurationError
        If it is not TOML, or a section or key is missing, unknown or of the wrong kind.

    Examples
    --------
    >>> import tempfile
    >>> text = '''
    ... [sites.farm]
    ... kind = "wind"
    ... latitude = 43.64
    ... longitude = 78.54
    ... capacity = 60
    ... [weather]
    ... file = "weather.nc"
    ... [observations]
    ... file = "power.csv"
    ... unit = "kW"
    ... timezone = "Asia/Almaty"
    ... label = "ending"
    ... published_after = "2h"
    ... [task]
    ... kind = "day_ahead"
    ... issue = "08:00"
    ... timezone = "Asia/Almaty"
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "farm.toml")
    ...     _ = file.write_text(text)
    ...     read(file).forecaster()
    Forecaster(farm, LightGBMQuantiles, not fitted)
    """
    source = Path(path)
    try:
        sections = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{source} cannot be read: {error}.",
            "A configuration is a TOML file in UTF-8.",
            "Check path and syntax.",
        ) from error
    _known(sections, _SECTIONS, source, "")
    for name in _SECTIONS:
        optional = name in _OPTIONAL and name not in sections
        if not optional and (
            not isinstance(sections.get(name), dict) or not (sections[name] or name == "model")
        ):
            raise ConfigurationError(
                f"{source} has no section [{name}].",
                f"Sections are {', '.join(_SECTIONS)}.",
                f"Add [{name}].",
            )
    _check_weather(sections["weather"], source)
    observations = sections["observations"]
    _known(observations, ("file", "dataset", *_keywords(read_power)), source, "observations")
    _one_of(observations, ("file", "dataset"), source, "observations")
    _is(observations, "file", str, "a path in quotes", source, "observations")
    if "file" in observations:
        _all_there(observations, read_power, source, "observations")
    return Configuration(
        path=source,
        sites=tuple(_site(name, values, source) for name, values in sections["sites"].items()),
        task=_task(sections["task"], source),
        model=_model(sections.get("model", {}), source),
        perfect_weather=sections["weather"].get("perfect_weather", False),
        sections=sections,
        plan=_plan(sections["plan"], source) if "plan" in sections else None,
    )


def _plan(values: Mapping[str, Any], source: Path) -> PlanSettings:
    try:
        return PlanSettings.from_dict(values)
    except EnergyForecastError as error:
        raise ConfigurationError(f"{source}: {error.found}", error.expected, error.remedy) from error


def _check_weather(weather: Mapping[str, Any], source: Path) -> None:
    """The section [weather]: one place where the weather is, and no secret."""
    _refuse_secrets(weather, source)
    _known(weather, (*_PLACES, "perfect_weather", *(_ASKED if "store" in weather else ())), source, "weather")
    _one_of(weather, _PLACES, source, "weather")
    _is(weather, "perfect_weather", bool, "true or false", source, "weather")
    _is(weather, "models", dict, "a table of names and paths", source, "weather")
    for key in ("file", "store"):
        _is(weather, key, str, "a path in quotes", source, "weather")
    for key in _ASKED:
        _is(weather, key, str, "text in quotes", source, "weather")
    if weather.get("models") == {}:
        raise ConfigurationError(
            f"{source}: [weather.models] names no model.", "It names at least one.", 'Add name = "file.nc".'
        )
    if "store" in weather and "source" not in weather:
        raise ConfigurationError(
            f"{source}: [weather] has a store and no source.",
            f"Sources are {', '.join(registry.named())}.",
            'Add source = "open-meteo".',
        )


def _refuse_secrets(weather: Mapping[str, Any], source: Path) -> None:
    """A key in a file ends in a repository; the message does not repeat it."""
    named = [key for key in weather if re.fullmatch(r"(?i)(api_?)?(key|token)|password|secret", key)]
    base = weather.get("base_url")
    if isinstance(base, str) and (urlsplit(base).query or "@" in urlsplit(base).netloc):
        named.append("base_url with a query or a password")
    variable = weather.get("api_key_env")
    if isinstance(variable, str) and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable):
        named.append("api_key_env that is not a name in capitals")
    if named:
        raise ConfigurationError(
            f"{source}: [weather] has {named[0]}, which would put a key into a file.",
            "Keys stand in the environment.",
            'Remove it, revoke the key if it was shared, and add api_key_env = "NAME_OF_A_VARIABLE".',
        )


def _known(given: Mapping[str, Any], known: Iterable[str], source: Path, section: str) -> None:
    allowed = list(known)
    for key in given:
        if key not in allowed:
            close = difflib.get_close_matches(key, allowed, n=1)
            where = f"[{section}] " if section else ""
            raise ConfigurationError(
                f"{source}: {where}holds the unknown key {key!r}.",
                f"Known are {', '.join(allowed)}.",
                f"Did you mean {close[0]!r}?" if close else "Remove it, or correct its name.",
            )


def _one_of(given: Mapping[str, Any], choices: tuple[str, ...], source: Path, section: str) -> None:
    named = [key for key in choices if key in given]
    if len(named) != 1:
        raise ConfigurationError(
            f"{source}: [{section}] names {named or 'nothing'}.",
            f"It names exactly one of {', '.join(choices)}.",
            "Say where the data is.",
        )


def _is(
    given: Mapping[str, Any], key: str, kind: type | tuple[type, ...], wanted: str, source: Path, section: str
) -> None:
    if key in given and not isinstance(given[key], kind):
        raise ConfigurationError(
            f"{source}: [{section}] has {key} = {given[key]!r}.", f"{key} is {wanted}.", "Correct the value."
        )


def _all_there(given: Mapping[str, Any], function: Any, source: Path, section: str) -> None:
    for name, item in inspect.signature(function).parameters.items():
        if item.kind is item.KEYWORD_ONLY and item.default is item.empty and name not in given:
            raise ConfigurationError(
                f"{source}: [{section}] does not say {name}.",
                "Nothing about data is guessed.",
                f"Add {name}.",
            )


def _like_defaults(given: Mapping[str, Any], maker: Any, source: Path, section: str) -> None:
    """Refuse a value of another type than the parameter's default: a whole number may stand for any number."""
    for name, item in inspect.signature(maker).parameters.items():
        kind = type(item.default)
        if name in given and kind in (int, float, str, tuple, bool):
            kinds = (int, float) if kind is float else kind
            wrong_bool = kind in (int, float) and isinstance(given[name], bool)
            wanted = "a list" if kind is tuple else f"like {item.default!r}"
            _is(given, name, () if wrong_bool else kinds, wanted, source, section)


def _keywords(function: Any) -> list[str]:
    return [
        name
        for name, item in inspect.signature(function).parameters.items()
        if item.kind is item.KEYWORD_ONLY
    ]


def _site(name: str, values: Any, source: Path) -> Site:
    section = f"sites.{name}"
    given = dict(values) if isinstance(values, dict) else {}
    kind = given.pop("kind", None)
    one_of(f"{source}: kind of [{section}]", kind, allowed=_SITES, error=ConfigurationError)
    _known(given, [item.name for item in fields(_SITES[kind]) if item.name != "name"], source, section)
    if isinstance(given.get("power_curve"), str):
        file = source.parent / given["power_curve"]
        given["power_curve"] = _built(PowerCurve.read, {"path": file}, source, section)
    return _built(_SITES[kind], {"name": name} | given, source, section)


def _task(values: Mapping[str, Any], source: Path) -> Task:
    given = dict(values)
    kind = given.pop("kind", None)
    one_of(f"{source}: kind of [task]", kind, allowed=_TASKS, error=ConfigurationError)
    _known(given, inspect.signature(_TASKS[kind]).parameters, source, "task")
    return _built(_TASKS[kind], given, source, "task")


def _model(values: Mapping[str, Any], source: Path, section: str = "model") -> QuantileModel | None:
    if not values:
        return None
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    if isinstance(values.get("model"), dict):
        given["model"] = _model(values["model"], source, f"{section}.model")
    kind: Any = given.pop("kind", LightGBMQuantiles.__name__)
    known = [name for name in QuantileModel.registry if not name.startswith("_")]
    one_of(f"{source}: kind of [{section}]", kind, allowed=known, error=ConfigurationError)
    _known(given, _keywords(QuantileModel.registry[kind].__init__), source, section)
    _like_defaults(given, QuantileModel.registry[kind], source, section)
    return _built(QuantileModel.registry[kind], given, source, section)


def _built(maker: Callable[..., _T], values: dict[str, Any], source: Path, section: str) -> _T:
    try:
        return maker(**values)
    except EnergyForecastError as error:
        raise ConfigurationError(
            f"{source}: [{section}] {error.found}", error.expected, error.remedy
        ) from error
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{source}: [{section}] cannot be followed: {error}.",
            "Every key has the type of its parameter, and none that is needed is missing.",
            "Correct the section.",
        ) from error


def _dataset(name: str, source: Path) -> tuple[Any, Weather, Observations]:
    one_of(f"{source}: dataset", name, allowed=_DATASETS, error=ConfigurationError)
    return _DATASETS[name]()
