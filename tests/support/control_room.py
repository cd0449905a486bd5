"""A simulated control room: a portfolio, its weather server, its meter file, and the clock on the wall.

The portfolio is synthetic (wind of Shelek, PV of Kapshagay, households of Almaty), with the faults of its data set:
runs that are late, lost or cut, gaps, outages, orders and stuck meters. Weather comes from a local server in the form
of Open-Meteo, which holds at each moment the runs that had arrived by then; the meter file is written anew each
morning, as a control system exports it. Nothing later than the clock exists in a room, so nothing later can be used.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast import datasets
from energyforecast.core.http import Http
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm
from energyforecast.weather.sources import registry
from energyforecast.weather.sources.common.base import RunSource
from energyforecast.weather.sources.openmeteo import OpenMeteo, OpenMeteoAccess
from energyforecast.weather.sources.openmeteo.catalogue import model_named
from tests.support.replay import Replay, Request
from tests.support.replay_open_meteo import OpenMeteoServer, RefusalError, unix

__all__ = [
    "DEADLINE",
    "ISSUE",
    "PATIENCE",
    "SOURCE",
    "ControlRoom",
    "Portfolio",
    "portfolio",
    "register_source",
]

#: Name of the source in the configuration: the client of Open-Meteo for the runs of 00 and 12 UTC, with short waits and
#: without pauses.
SOURCE = "replayed-open-meteo"
#: Issue time and deadline on the wall.
ISSUE, DEADLINE = "09:00", "09:30"
#: Variables of the synthetic weather models.
VARIABLES = (
    *("wind_speed_10m", "wind_speed_100m", "wind_direction_100m"),
    *("temp_air", "pressure", "cloud_cover", "ghi"),
)
#: Variables that the synthetic models lack, for sources that ask for them.
STEADY = {"relative_humidity": 60.0, "precipitation": 0.0, "wind_direction_10m": 90.0}
#: Weather and measurements before the first morning, by default. [d]
HISTORY = 60
#: Latency of the meters. [h]
PUBLISHED_AFTER = 2
#: Longest wait for an answer. [s]
PATIENCE = 0.4


def _source(model: str | None, base_url: str | None, api_key: str | None) -> RunSource:
    http = Http(timeout=PATIENCE, deadline=10 * PATIENCE, attempts=2, sleep=lambda _: None)
    access = OpenMeteoAccess(base_url=base_url, api_key=api_key, http=http)
    twice = dataclasses.replace(model_named(model or "ecmwf_ifs", product="single_runs"), cycle="12h")
    return OpenMeteo(twice, variables=VARIABLES, horizon="73h", access=access)


def register_source() -> None:
    """Make the source of the rooms known to configurations of this process."""
    registry.register(SOURCE, _source)


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Sites, the weather forecasts as they arrived, and the measurements as the meters recorded them.

    Parameters
    ----------
    sites : tuple of Site
    weather : Dataset
        Every variable at every site.
    measured : DataFrame
        Hourly means by site, in UTC. [MW]
    """

    sites: tuple[Site, ...]
    weather: xr.Dataset
    measured: pd.DataFrame

    def value(
        self,
        name: str,
        latitude: float,
        longitude: float,
        times: Any,
        *,
        step: float = 3600.0,
        init: Any = None,
        member: int = 0,
    ) -> np.ndarray:
        """A variable of a run at a place, as :class:`tests.support.replay.Atmosphere` gives it; NaN beyond its end."""
        begin = np.asarray(times, dtype=float)
        distances = [abs(site.latitude - latitude) + abs(site.longitude - longitude) for site in self.sites]
        row, run = int(np.argmin(distances)), self._run(float(init))
        lead = np.round((begin - float(init)) / 3600.0).astype(int)
        inside = (lead >= 0) & (lead < self.weather.sizes["lead_time"])
        if name in STEADY:
            return np.where(inside, STEADY[name], np.nan)
        values = self.weather[name].values[row, run]
        return np.where(inside, values[np.where(inside, lead, 0)], np.nan)

    def _run(self, init: float) -> int:
        return self._runs[int(init)]

    @property
    def _runs(self) -> dict[int, int]:
        return _positions(self)

    def arrival(self, init: float) -> float:
        """Moment at which a run arrived, infinite for one that never did. [s since 1970]"""
        place = self._runs.get(int(init))
        if place is None:
            return float("inf")
        return float(self.weather["available_time"].values[place].astype("M8[s]").astype(float))


@cache
def _positions(held: Portfolio) -> dict[int, int]:
    seconds = held.weather["init_time"].values.astype("M8[s]").astype(int)
    return {int(second): place for place, second in enumerate(seconds)}


@cache
def portfolio(
    *, seed: int = 1, start: str = "2024-01-01", days: int = 365, history: int = HISTORY
) -> Portfolio:
    """Portfolio of three kinds whose first morning is `start`, with some days of history before it."""
    first = pd.Timestamp(start) - pd.Timedelta(history + 2, "D")
    hours = 24 * (history + days + 4)
    region = datasets.almaty_region(seed=seed, start=f"{first:%Y-%m-%d}", hours=hours, models=("ecmwf",))
    sites = region.sites[1:]
    weather = region.weather["ecmwf"].sel(site=[site.name for site in sites]).load()
    for name in VARIABLES:  # a variable that a part of the region lacks is that of the site that has it
        values = weather[name].values
        held = np.isfinite(values[:, :, 0]).any(axis=1)
        values[~held] = values[int(np.argmax(held))]
    return Portfolio(sites, weather, region.observations.values[[site.name for site in sites]])


@dataclass
class WeatherServer(OpenMeteoServer):
    """Open-Meteo with the runs of a portfolio; `withheld` delays every run further. [h]"""

    sky: Any = None
    withheld: float = 0.0

    def _hours(self, request: Request, host: str) -> tuple[np.ndarray, float | None]:
        run = request.one("run")
        if host != "single" or run is None:
            raise RefusalError("Parameter 'run' is required")
        init = unix(run)
        if self.sky.arrival(init) + 3600.0 * self.withheld > unix(self.now):
            raise RefusalError(f"The requested model run is not available. Model: ecmwf_ifs, run: {run}")
        return init + 3600.0 * np.arange(int(request.one("forecast_hours") or 74)), init


@dataclass
class ControlRoom:
    """A folder with a configuration and a meter file, a weather server, and a clock.

    Parameters
    ----------
    folder : Path
    held : Portfolio
    timezone : str
        Of the task and of the stamps of the meter file.
    keys, model : mapping
        Keys of [operations], and further ones of [model].
    further : str
        Further sections.
    """

    folder: Path
    held: Portfolio
    start: str = "2024-01-01"
    timezone: str = "Asia/Almaty"
    source: str = SOURCE
    keys: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    further: str = ""

    def __post_init__(self) -> None:
        self.now = pd.Timestamp(f"{self.start} {ISSUE}", tz=self.timezone).tz_convert("UTC")
        self._set = time.monotonic()
        self.weather = WeatherServer(sky=self.held)
        self.server = Replay(self.weather.routes())
        self.folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> ControlRoom:
        register_source()
        self.server.__enter__()
        self.configure()
        self.go_to(self.now)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "portfolio.toml"

    @property
    def meters(self) -> Path:
        """The meter file."""
        return self.folder / "meters.csv"

    @property
    def operations(self) -> Path:
        """Folder of the daily run."""
        return self.folder / "operations"

    def clock(self) -> pd.Timestamp:
        """The present moment; the seconds of a run pass."""
        return (self.now + pd.Timedelta(time.monotonic() - self._set, "s")).as_unit("ns")

    def go_to(self, moment: pd.Timestamp) -> None:
        """Set the clock of the room and of the server."""
        self.now, self._set = moment.tz_convert("UTC").as_unit("ns"), time.monotonic()
        self.weather.now = f"{self.now:%Y-%m-%dT%H:%M:%S}"

    def next_morning(self, *, days: int = 1) -> None:
        """The issue time on the wall of the next day, or some days later."""
        day = self.now.tz_convert(self.timezone).tz_localize(None).normalize() + pd.Timedelta(days, "D")
        self.go_to(pd.Timestamp(f"{day:%Y-%m-%d} {ISSUE}", tz=self.timezone))

    def today(self, at: str = ISSUE) -> pd.Timestamp:
        """A time on the wall of the day of the clock, in UTC."""
        day = self.now.tz_convert(self.timezone)
        return pd.Timestamp(f"{day:%Y-%m-%d} {at}", tz=self.timezone).tz_convert("UTC")

    def export(self, change: Callable[[list[str]], str | None] | None = None) -> None:
        """Write the meter file with all that is published by now, after a change of its lines; None removes it."""
        text = self.exported()
        changed = text if change is None else change(text.splitlines(keepends=True))
        if changed is None:
            self.meters.unlink(missing_ok=True)
        else:
            self.meters.write_text(changed, encoding="utf-8")

    def exported(self) -> str:
        """Content of the meter file: a row for each hour that is published, stamped on the wall with its beginning."""
        last = self.now - pd.Timedelta(PUBLISHED_AFTER + 1, "h")
        table = self.held.measured[:last]
        stamps = table.index.tz_convert(self.timezone).tz_localize(None)
        text: str = table.set_axis(stamps.strftime("%Y-%m-%d %H:%M"), axis=0).to_csv(index_label="time")
        return text

    def configure(self) -> None:
        """Write the configuration."""
        curves = [site.power_curve for site in self.held.sites if isinstance(site, WindFarm)]
        rows = [f"{speed:g},{power:g}" for curve in curves if curve for speed, power in _points(curve)]
        (self.folder / "curve.csv").write_text("wind_speed [m/s],power [share]\n" + "\n".join(rows) + "\n")
        since = f"{self.held.weather['init_time'].values[8].astype('M8[D]')}"
        weather = {"store": "weather.zarr", "source": self.source, "model": "ecmwf_ifs", "since": since}
        weather |= {"base_url": self.server.url + "/single"}
        observations = {"file": self.meters.name, "unit": "MW", "timezone": self.timezone}
        observations |= {"label": "beginning", "published_after": f"{PUBLISHED_AFTER}h", "frequency": "1h"}
        task = {"kind": "day_ahead", "issue": ISSUE, "timezone": self.timezone}
        task |= {"quantiles": [0.1, 0.25, 0.5, 0.75, 0.9]}
        model = {
            "kind": "LightGBMQuantiles",
            "n_estimators": 20,
            "folds": 0,
            "fitted_quantiles": [0.1, 0.5, 0.9],
        }
        model |= self.model
        sections = {f'sites."{site.name}"': _table_of(site) for site in self.held.sites}
        sections |= {"weather": weather, "observations": observations, "task": task, "model": model}
        if self.keys:
            sections |= {"operations": self.keys}
        self.config.write_text("\n".join(_toml(name, keys) for name, keys in sections.items()) + self.further)


def _points(curve: Any) -> list[tuple[float, float]]:
    return list(zip(curve.wind_speed, curve.power, strict=True))


def _table_of(site: Site) -> dict[str, Any]:
    """Keys of a site."""
    keys = ["latitude", "longitude", "altitude", "timezone"]
    if isinstance(site, WindFarm):
        keys += ["capacity", "hub_height"]
    elif isinstance(site, PVPlant):
        keys += ["capacity", "surface_tilt", "surface_azimuth", "dc_capacity"]
    elif isinstance(site, DemandArea):
        keys += ["sector", "country"]
    curve = {"power_curve": "curve.csv"} if isinstance(site, WindFarm) else {}
    return {"kind": site.kind} | {key: getattr(site, key) for key in keys} | curve


def _toml(name: str, keys: dict[str, Any]) -> str:
    """A table; JSON's numbers, texts and lists are TOML's."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    return "\n".join([f"[{name}]", *lines, ""])
