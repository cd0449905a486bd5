"""Weather sources: forecasts in runs, analyses, and the common form of their weather."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.http import Http
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.core.variables import lookup
from energyforecast.weather.sources.common.publication_latency import PublicationLatency

__all__ = [
    "AnalysisSource",
    "Http",
    "Label",
    "RunSource",
    "Source",
    "cf_attributes",
    "finished",
    "run_availability",
]


class Source(ABC):
    """Weather source: :class:`RunSource` for forecasts, :class:`AnalysisSource` for the rest.

    See Also
    --------
    energyforecast.testing.check_source : Contract of a source.

    Attributes
    ----------
    name : str
        E.g. ``"open-meteo:ecmwf_ifs"``: letters, digits and ``:_-.`` only, since folders are named after it.
    kind : {"forecast", "analysis"}
    variables : tuple of str
        Names of the library that it gives.
    labels : mapping of Label
        Meaning of its stamps, for each of these variables.
    latency : PublicationLatency
    attribution : str
        Credit line that its licence demands.

    Examples
    --------
    >>> issubclass(RunSource, Source), RunSource.kind, AnalysisSource.kind
    (True, 'forecast', 'analysis')
    """

    kind: ClassVar[Literal["forecast", "analysis"]]
    name: str
    variables: tuple[str, ...]
    labels: Mapping[str, Label]
    latency: PublicationLatency
    attribution: str


class RunSource(Source):
    """Source of forecasts, run by run.

    Attributes
    ----------
    cycle : Timedelta
        Between initialisations, counted from 00 UTC.

    See Also
    --------
    AnalysisSource : Weather without runs.
    energyforecast.testing.check_source : Contract of a source.

    Examples
    --------
    A source declares its time labels and its latency, and returns one run; here the wind always blows with 2 m/s.

    >>> class Calm(RunSource):
    ...     name, attribution = "calm", "none"
    ...     variables, labels = ("wind_speed_100m",), {"wind_speed_100m": Label.INSTANT}
    ...     latency, cycle = PublicationLatency(base="4h"), pd.Timedelta("12h")
    ...
    ...     def get_run(self, sites, init_time):
    ...         init, lead = timestamps.to_ns([init_time]), np.arange(49).astype("timedelta64[h]")
    ...         speed = np.full((len(sites), 1, len(lead)), 2.0)
    ...         weather = xr.Dataset(
    ...             {"wind_speed_100m": (("site", "init_time", "lead_time"), speed)},
    ...             coords={
    ...                 "init_time": init,
    ...                 "lead_time": lead.astype("timedelta64[ns]"),
    ...                 "available_time": ("init_time", self.latency.available_time(init)),
    ...             },
    ...         )
    ...         return finished(weather, source=self, sites=sites)
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> run = Calm().newest("2024-06-01 13:00")  # that of 12 UTC is published at 16:15
    >>> print(run)
    2024-06-01 00:00:00+00:00
    >>> dict(Calm().get_run([farm], run).sizes)
    {'site': 1, 'init_time': 1, 'lead_time': 49}
    """

    kind = "forecast"
    cycle: pd.Timedelta

    @abstractmethod
    def get_run(self, sites: Sequence[Site], init_time: pd.Timestamp) -> xr.Dataset:
        """One run at some sites, dims (site, init_time of length 1, lead_time[, member]), checked.

        Raises
        ------
        RunNotPublishedError
            If the server does not have it (yet).
        SourceError
            If the server cannot be reached, or its answer cannot be right.
        """

    def leads(self, init_time: pd.Timestamp) -> npt.NDArray[np.timedelta64] | None:  # noqa: ARG002
        """Lead times of a whole run, so that a half-published one is recognised; ``None`` if they are not known."""
        return None

    def runs(self, start: Any, end: Any) -> pd.DatetimeIndex:
        """Initialisations in [start, end), in UTC."""
        first, last = timestamps.instant(start).ceil(self.cycle), timestamps.instant(end)
        return pd.date_range(first, last, freq=self.cycle, inclusive="left")

    def newest(self, now: Any = None) -> pd.Timestamp:
        """Initialisation of the newest run that should be available, by the declared latency."""
        moment = timestamps.now() if now is None else timestamps.instant(now)
        for run in self.runs(moment - pd.Timedelta("3D"), moment)[::-1]:
            if self.latency.available_time(timestamps.to_ns([run]))[0] <= timestamps.to_ns([moment])[0]:
                return pd.Timestamp(run)
        return moment.floor(self.cycle) - pd.Timedelta("3D")


class AnalysisSource(Source):
    """Source of reanalyses, stitched histories and satellite products: weather without runs.

    Attributes
    ----------
    step : Timedelta
        Between times, an hour by default.

    See Also
    --------
    RunSource : Forecasts, run by run.
    energyforecast.testing.check_source : Contract of a source.

    Examples
    --------
    >>> AnalysisSource.kind
    'analysis'
    """

    kind = "analysis"
    step: pd.Timedelta = pd.Timedelta("1h")

    @abstractmethod
    def get_period(self, sites: Sequence[Site], start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        """Hours in [start, end) at some sites, dims (site, time), checked.

        Raises
        ------
        SourceError
            If the server cannot be reached, or its answer cannot be right.
        """


def _explained(attrs: Mapping[str, Any]) -> bool:
    """Whether a variable outside the vocabulary, such as a spread, has units and cell methods already."""
    return "units" in attrs and "cell_methods" in attrs and "standard_name" not in attrs


def cf_attributes(name: str, *, cell_methods: str | None = None) -> dict[str, str]:
    """Attributes of a variable of the vocabulary by the CF conventions."""
    row = lookup(name)
    return {
        "units": row.units,
        "standard_name": row.standard_name,
        "cell_methods": cell_methods or row.cell_methods,
    }


def run_availability(
    latency: PublicationLatency, init: np.datetime64, lead: npt.NDArray[Any], *, means: bool
) -> tuple[tuple[str, str], timestamps.Times]:
    """Availability of a run by lead; a mean, labelled at the beginning of its step, has the file of the step's end."""
    published = np.append(lead[1:], lead[-1:]) if means else lead
    return ("init_time", "lead_time"), latency.available_time(np.array([init]), published)


def finished(weather: xr.Dataset, *, source: Source, sites: Sequence[Site]) -> xr.Dataset:
    """Weather as it leaves a source: named, with CF attributes and provenance, in single precision, checked."""
    named = weather.assign_coords(site=[site.name for site in sites])
    for name in map(str, named.data_vars):
        given = named[name].attrs
        named[name] = named[name].astype(np.float32)
        named[name].attrs = (
            given if _explained(given) else cf_attributes(name, cell_methods=given.get("cell_methods"))
        )
    named.attrs = {
        **{key: value for key, value in weather.attrs.items() if isinstance(value, str | int | float)},
        "Conventions": "CF-1.11",
        "kind": source.kind,
        "source": source.name,
        "attribution": source.attribution,
    }
    return weather_schema.check_weather(named, sites=sites, label=source.name)
