"""Sources of weather without a network, whose answers can be told to be wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.weather.sources.common.base import AnalysisSource, RunSource, finished
from energyforecast.weather.sources.common.publication_latency import PublicationLatency

HOUR = np.timedelta64(3_600_000_000_000, "ns")
NAMES = ("ghi", "temp_air", "wind_speed_100m")
LABELS = {"ghi": Label.MEAN_ENDING, "temp_air": Label.INSTANT, "wind_speed_100m": Label.INSTANT}
FARM = Site(name="farm", latitude=43.6, longitude=78.5)
OTHER = Site(name="Ферма 2", latitude=51.1, longitude=71.4)


def utc(moment: Any) -> pd.Timestamp:
    return timestamps.instant(moment)


def spoken(name: str, site: Site, init: Any, hours: Any) -> Any:
    """What the source says: told by name, site, run and hour, so that any mix-up shows."""
    seed = hash_of(name) + site.latitude / 10 + (int(init.value // 3_600_000_000_000) % 101) / 10
    return np.asarray(seed + hours / 1000, dtype=np.float32)


def hash_of(name: str) -> int:
    return sum(map(ord, name)) % 7


class Toy(RunSource):
    """Runs of 0 and 12 UTC, out after four hours; `script` says what happens instead, by run."""

    name, attribution, cycle = "toy", "made up", pd.Timedelta("12h")
    variables, labels = NAMES, LABELS
    latency = PublicationLatency(base="4h", margin="0min")

    def __init__(self, script: dict[str, Any] | None = None, *, reach: int = 36, name: str = "toy") -> None:
        self.name, self.reach = name, reach
        self.script = {utc(run): what for run, what in (script or {}).items()}
        self.asked: list[tuple[pd.Timestamp, tuple[str, ...]]] = []

    def leads(self, init_time: pd.Timestamp) -> Any:
        return np.arange(self.reach + 1) * HOUR

    def get_run(self, sites: Sequence[Site], init_time: pd.Timestamp) -> xr.Dataset:
        self.asked.append((init_time, tuple(site.name for site in sites)))
        what = self.script.get(init_time, lambda weather: weather)
        if isinstance(what, BaseException):
            raise what
        return what(self.whole(sites, init_time))

    def whole(self, sites: Sequence[Site], init_time: pd.Timestamp) -> xr.Dataset:
        hours = np.arange(self.reach + 1)
        values = {
            name: np.stack([spoken(name, site, init_time, hours) for site in sites])[:, None]
            for name in NAMES
        }
        values["ghi"][..., -1] = np.nan  # labelled at the end: the last lead has no mean
        init = timestamps.to_ns([init_time])
        weather = xr.Dataset(
            {name: (("site", "init_time", "lead_time"), array) for name, array in values.items()},
            coords={
                "init_time": init,
                "lead_time": hours * HOUR,
                "available_time": ("init_time", self.latency.available_time(init)),
            },
        )
        return finished(weather, source=self, sites=sites)


class ToyAnalysis(AnalysisSource):
    """An analysis that is five days late."""

    name, attribution = "toy:analysis", "made up"
    variables, labels = NAMES, LABELS
    latency = PublicationLatency(base="5D", margin="0min")

    def __init__(self, change: Callable[[xr.Dataset], xr.Dataset] = lambda weather: weather) -> None:
        self.change = change
        self.asked: list[tuple[pd.Timestamp, pd.Timestamp]] = []

    def get_period(self, sites: Sequence[Site], start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        self.asked.append((start, end))
        hours = pd.date_range(start, end, freq="1h", inclusive="left")
        moments = timestamps.to_ns(hours)
        since = (hours - utc("2024-01-01")) / pd.Timedelta("1h")
        values = {
            name: np.stack([spoken(name, site, utc("2024-01-01"), since.to_numpy()) for site in sites])
            for name in NAMES
        }
        weather = xr.Dataset(
            {name: (("site", "time"), array) for name, array in values.items()},
            coords={"time": moments, "available_time": ("time", self.latency.available_time(moments))},
        )
        return self.change(finished(weather, source=self, sites=sites))


def truth(runs: Sequence[Any], sites: Sequence[Site] = (FARM,), **options: Any) -> xr.Dataset:
    """What a store holds if all went well."""
    parts = [Toy(**options).whole(sites, utc(run)) for run in runs]
    return xr.concat(parts, dim="init_time")


def same_values(found: xr.Dataset, expected: xr.Dataset) -> None:
    """Values and dimensions are those that are expected; when they came is another matter."""

    def plain(weather: xr.Dataset) -> xr.Dataset:
        names = [name for name in weather.coords if name not in weather.dims]
        return weather.drop_vars(names)[sorted(map(str, weather.data_vars))].transpose("site", ...)

    xr.testing.assert_equal(plain(found.load()), plain(expected))
