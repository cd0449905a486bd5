"""One TOML file for sites, their weather, its observations, a task and a model.

.. code-block:: toml

    [sites."La Haute Borne"]
    kind = "wind"
    latitude = 48.45
    longitude = 5.59
    capacity = 8.2          # MW
    hub_height = 80         # m
    power_curve = "curve.csv"  # wind_speed [m/s],power [kW]; as PowerCurve.read takes it
    timezone = "Europe/Paris"
    # wake_efficiency = "dena_mean"     # or pairs of wind speed and efficiency: [[5, 0.85], [15, 1.0]]
    # turbines of several types, heights or dates, each a table [[sites."La Haute Borne".turbine_groups]] with
    # capacity = 20.0, hub_height = 140, power_curve = "new.csv", commissioned = 2024-06-01

    [weather]
    file = "weather.nc"     # or dataset = "la-haute-borne"; several models: [weather.models] name = "file.nc"
    perfect_weather = true  # only if the weather is an analysis
    # or an archive that `energyforecast weather fetch` fills:
    # store = "archive.zarr"
    # source = "open-meteo"
    # model = "ecmwf_ifs"
    # since = "2024-06"                   # how far back it goes; a week without it
    # base_url = "https://..."            # of another server
    # api_key_env = "OPEN_METEO_KEY"      # the NAME of an environment variable; a key in the file is refused

    [observations]
    file = "power.csv"      # or dataset = "la-haute-borne"
    unit = "kW"
    timezone = "UTC"
    label = "beginning"
    published_after = "1h"

    [available_capacity]    # optional; [curtailment], with the same keys, holds orders that limit power
    file = "in_service.csv"
    unit = "MW"
    timezone = "UTC"
    label = "beginning"
    published_time = "known"  # column of the time at which each value was known

    [planned]               # optional: shifts, campaigns and closing days of consumers
    file = "plan.csv"       # site,activity,start,end,level,published
    timezone = "Europe/Paris"

    [task]
    kind = "day_ahead"      # or "intraday" with every = "1h", leads = "12h"
    issue = "09:00"
    timezone = "Europe/Paris"

    [model]
    kind = "LightGBMQuantiles"
    seed = 1

    [plan]                  # terms of plans from the forecasts: energyforecast.planning.settings

    [archive]               # optional: database of forecasts, plans and measurements
    file = "archive.sqlite" # or address = "postgresql://user@host/database"

Paths are relative to the file. An unknown section or key is an error, so that a misspelt
one is not silently a default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import xarray as xr

from energyforecast import archive as archives
from energyforecast import datasets
from energyforecast.configuration.archive_section import archive_place
from energyforecast.configuration.data_files import capacity_of, given_capacities, plan_of, reading_of
from energyforecast.configuration.operations_section import OperationsSettings, operations_settings
from energyforecast.configuration.plan import plan_settings
from energyforecast.configuration.schema import SITES, TASKS, file_section
from energyforecast.configuration.table_sections import require_observations
from energyforecast.configuration.validation import checked
from energyforecast.core.arguments import check_types
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.sites import Site, TurbineGroup
from energyforecast.core.structured_text import parse_toml
from energyforecast.core.tasks import Task
from energyforecast.core.weather_schema import Weather
from energyforecast.errors import ConfigurationError, EnergyForecastError, one_of
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.forecasting.profile_starts import nothing_measured
from energyforecast.models import LightGBMQuantiles, QuantileModel
from energyforecast.observations import read_power
from energyforecast.planning.settings import PlanSettings
from energyforecast.point_in_time.capacity import with_capacity
from energyforecast.point_in_time.planned import with_plan
from energyforecast.weather.processing.module_losses import with_losses
from energyforecast.weather.sources import netcdf, registry
from energyforecast.weather.sources.common.base import AnalysisSource, RunSource
from energyforecast.weather.store.store import Store

__all__ = ["Configuration", "read"]

_T = TypeVar("_T")


def _almaty_region() -> tuple[tuple[Site, ...], Weather, Observations]:
    synthetic = datasets.almaty_region()
    return synthetic.sites, synthetic.weather, synthetic.observations


DATASETS: Final[dict[str, Callable[[], tuple[Any, Weather, Observations]]]] = {
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
        Content of the file.
    plan : PlanSettings, optional
        Section [plan].

    Examples
    --------
    >>> from energyforecast import WindFarm, day_ahead
    >>> farm = WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60)
    >>> settings = Configuration(
    ...     path=Path("farm.toml"),
    ...     sites=(farm,),
    ...     task=day_ahead("08:00", timezone="Asia/Almaty"),
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
        """A forecaster that is not fitted."""
        return Forecaster(
            self.sites,
            self.task,
            model=self.model,
            perfect_weather=self.perfect_weather,
            trust_clock=self.sections.get("observations", {}).get("trust_clock", False),
        )

    def weather(self) -> Weather:
        """The weather, one dataset or several models by name; None without a section [weather].

        With the losses of modules where a plant has ``snow`` or a ``soiling_rate``.
        """
        if "weather" not in self.sections:
            return None
        return with_losses(self._weather(), self.sites)

    def _weather(self) -> Weather:
        section = dict(self.sections["weather"])
        if "models" in section:
            return {name: netcdf.read(self._path(file)) for name, file in section["models"].items()}
        if "dataset" in section:
            return _dataset(section["dataset"], self.path)[1]
        if "store" in section:
            weather = self.store().open(self.named_source(key=None).name, sites=self.sites)
            return weather.load() if isinstance(weather, xr.Dataset) else weather
        return netcdf.read(self._path(section["file"]))

    def store(self) -> Store:
        """The archive of weather, if the configuration has one."""
        section = self.sections.get("weather", {})
        if "store" not in section:
            raise ConfigurationError(
                f"{self.path}: [weather] names no store.",
                "An archive must be fetched into a store.",
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
                "It must hold the key.",
                f"Set it: export {variable}=...",
            )
        return self.named_source(key=key)

    def named_source(self, *, key: str | None) -> RunSource | AnalysisSource:
        """The source from which the archive is filled, with this key or, if it is not asked for weather, with none."""
        section = self.sections["weather"]
        model, base_url = section.get("model"), section.get("base_url")
        try:
            return registry.make(section["source"], model=model, base_url=base_url, api_key=key)
        except EnergyForecastError as error:
            found = f"{self.path}: [weather] {error.found}"
            raise ConfigurationError(found, error.expected, error.remedy) from error

    def observations(self) -> Observations:
        """The observations, with capacity in service, orders and plan; without a value where none are given."""
        if "observations" not in self.sections:
            return nothing_measured(self.sites, self.task)
        section = dict(self.sections["observations"])
        if "dataset" in section:
            power = _dataset(section["dataset"], self.path)[2]
        else:
            power = read_power(self._path(section["file"]), **reading_of(section))
        if section.get("resample", False):
            power = power.resample(self.task.frequency, timezone=self.task.timezone)
        folder = self.path.parent
        given = [capacity_of(self.sections, name, folder=folder) for name in given_capacities(self.sections)]
        plan = plan_of(self.sections, folder=folder)
        return with_plan(with_capacity(power, given) if given else power, plan)

    def archive(self) -> archives.Archive:
        """The database of forecasts, plans and measurements."""
        return archives.open(**archive_place(self.sections.get("archive"), self.path))

    @property
    def operations(self) -> OperationsSettings:
        """Settings of the daily run, with the defaults of those that the file lacks."""
        return operations_settings(self.sections.get("operations"), self.path)

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
    Forecaster(farm, auto, not fitted)
    """
    check_types(locals(), of=read)
    source = Path(path)
    try:
        sections = parse_toml(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{source} cannot be read: {error}.",
            "A configuration must be a TOML file in UTF-8.",
            "Check path and syntax.",
        ) from error
    checked(file_section(), sections, where=f"{source}: ")
    sites = tuple(_site(name, values, source) for name, values in sections["sites"].items())
    require_observations(sections, sites, where=f"{source}: ")
    return Configuration(
        path=source,
        sites=sites,
        task=_task(sections["task"], source),
        model=_model(sections.get("model", {}), source),
        perfect_weather=sections.get("weather", {}).get("perfect_weather", False),
        sections=sections,
        plan=plan_settings(sections["plan"], where=f"{source}: ") if "plan" in sections else None,
    )


def _site(name: str, values: Mapping[str, Any], source: Path) -> Site:
    section, given = f"sites.{name}", dict(values)
    kind = SITES[given.pop("kind")]
    if "turbine_groups" in given:
        groups = [
            _with_curve(group, source, f"{section}.turbine_groups") for group in given["turbine_groups"]
        ]
        given["turbine_groups"] = [
            _built(TurbineGroup, group, source, f"{section}.turbine_groups") for group in groups
        ]
    return _built(kind, {"name": name} | _with_curve(given, source, section), source, section)


def _with_curve(values: Mapping[str, Any], source: Path, section: str) -> dict[str, Any]:
    """Table with the power curve that its file holds."""
    if "power_curve" not in values:
        return dict(values)
    file = source.parent / values["power_curve"]
    return {**values, "power_curve": _built(PowerCurve.read, {"path": file}, source, section)}


def _task(values: Mapping[str, Any], source: Path) -> Task:
    given = dict(values)
    return _built(TASKS[given.pop("kind")], given, source, "task")


def _model(values: Mapping[str, Any], source: Path, section: str = "model") -> QuantileModel | None:
    return None if not values or values.get("kind") == "auto" else _of_kind(values, source, section)


def _of_kind(values: Mapping[str, Any], source: Path, section: str) -> QuantileModel:
    """Model of a table, with the models inside it."""
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    if "model" in given:
        given["model"] = _model(given["model"], source, f"{section}.model")
    if "base_models" in given:
        where = f"{section}.base_models"
        given["base_models"] = tuple(_of_kind(item, source, where) for item in given["base_models"])
    kind = given.pop("kind", LightGBMQuantiles.__name__)
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
            "Every key must have the type of its parameter, and none that is needed may be missing.",
            "Correct the section.",
        ) from error


def _dataset(name: str, source: Path) -> tuple[Any, Weather, Observations]:
    one_of(f"{source}: dataset", name, allowed=DATASETS, error=ConfigurationError)
    return DATASETS[name]()
