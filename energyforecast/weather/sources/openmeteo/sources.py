"""Open-Meteo as a source: runs of its models, and histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core import variables as vocabulary
from energyforecast.core.arguments import checked
from energyforecast.core.sites import Site
from energyforecast.errors import ResponseError, RunNotPublishedError, SchemaError
from energyforecast.weather.sources.common.base import AnalysisSource, RunSource, Source, finished
from energyforecast.weather.sources.openmeteo.catalogue import (
    ATTRIBUTION,
    CellSelection,
    OpenMeteoModel,
    column_of,
    default_variables,
    model_named,
)
from energyforecast.weather.sources.openmeteo.client import (
    Endpoint,
    OpenMeteoAccess,
    RunStatus,
    get_open_meteo,
)
from energyforecast.weather.sources.openmeteo.column_reader import unexpected
from energyforecast.weather.sources.openmeteo.parser import Payload, counts, parse_open_meteo

__all__ = ["CELLS", "OpenMeteo", "OpenMeteoHistory", "complete", "cut"]

#: Time between the arrival of a run and its presence on all servers.
_SPREADING: Final = pd.Timedelta("10min")


class _OpenMeteoSource(Source):
    """Requests and answers of runs and histories alike."""

    model: str | OpenMeteoModel
    product: str
    cell_selection: CellSelection
    access: OpenMeteoAccess
    step: str = "1h"

    @property
    def described(self) -> OpenMeteoModel:
        """The model, with its cells, its latency and its members."""
        return model_named(self.model, product=self.product)

    @property
    def endpoint(self) -> Endpoint:
        """Address of the product."""
        return Endpoint(product=self.product, access=self.access, step=self.step)

    def _get(self, sites: Sequence[Site], start: pd.Timestamp, end: pd.Timestamp) -> Payload:
        """Answer for the stamps from start to end, both included: a mean is stamped with the end of its hour."""
        return get_open_meteo(
            sites,
            endpoint=self.endpoint,
            model=self.described,
            variables=self.variables,
            start=start,
            end=end,
            cell_selection=self.cell_selection,
        )

    def _parse(self, payload: Payload, sites: Sequence[Site]) -> xr.Dataset:
        """Hours or quarter-hours of an answer."""
        found = parse_open_meteo(
            payload,
            sites=sites,
            variables=self.variables,
            model=self.described,
            cell_selection=self.cell_selection,
        )
        step = np.diff(found["time"].values[:2])
        if (step != pd.Timedelta(self.step)).any():
            raise unexpected(
                f"Open-Meteo answers in steps of {pd.Timedelta(step[0])}.", f"{self.step} was requested."
            )
        return found


@checked(horizon="1h")
@dataclass(frozen=True, eq=False)
class OpenMeteo(_OpenMeteoSource, RunSource):
    """Runs of a weather model at Open-Meteo.

    Parameters
    ----------
    model : str or OpenMeteoModel
        E.g. ``"ecmwf_ifs"``, ``"icon_eu"``; mixtures such as ``"best_match"`` have no runs.
    product : {"single_runs", "forecast", "ensemble", "ensemble_mean"}
        ``"single_runs"`` gives any run of its archive. The others give the newest run only, and their
        answers do not contain its time, which is read from the run status before and after.
        ``"ensemble"`` has members, ``"ensemble_mean"`` means and, as variables ``..._spread``, spreads.
    variables : tuple of str
        Names of the library; by default those of the default features, at the model's heights.
    horizon : str
        Last requested lead time, at most that of the model.
    cell_selection : {"nearest", "land", "sea"}
    access : OpenMeteoAccess, optional
        Address, key and retries.
    step : {"1h", "15min"}
        ``"15min"`` requests ``minutely_15``, which has values of their own for ICON-D2 and AROME in Central Europe and
        HRRR in North America. Others are interpolated by the server: from hours, a forecaster does so itself.

    Notes
    -----
    With ``"forecast"`` and ``"ensemble"``, variables that are published late, such as winds at hub height, may
    still be of the previous run. Archives for training should be made from ``"single_runs"``.

    See Also
    --------
    OpenMeteoHistory : Reanalyses and stitched histories.
    energyforecast.weather.open_meteo : Archived runs of a period.

    References
    ----------
    https://open-meteo.com/en/docs/single-runs-api

    Examples
    --------
    >>> source = OpenMeteo("icon_eu", variables=("wind_speed_120m", "ghi"))
    >>> source.name, source.cycle
    ('open-meteo:icon_eu', Timedelta('0 days 03:00:00'))
    >>> source.labels["ghi"].value
    'mean of the interval that ends at the stamp'

    ``source.get_run([farm], run)`` requests a run; see docs/howto/weather_open_meteo.md.
    """

    model: str | OpenMeteoModel = "ecmwf_ifs"
    _: KW_ONLY
    product: Literal["single_runs", "forecast", "ensemble", "ensemble_mean"] = "single_runs"
    variables: tuple[str, ...] = ()
    horizon: str = "168h"
    cell_selection: CellSelection = "nearest"
    access: OpenMeteoAccess = field(default_factory=OpenMeteoAccess, repr=False)
    step: Literal["1h", "15min"] = "1h"

    def __post_init__(self) -> None:
        described = model_named(self.model, product=self.product)
        if self.endpoint.product not in ("single_runs", "forecast", "ensemble", "ensemble_mean"):
            raise SchemaError(
                f"The product {self.product!r} has no runs.",
                "Products with runs are 'single_runs', 'forecast', 'ensemble' and 'ensemble_mean'.",
                "Use OpenMeteoHistory for histories, open_meteo_previous_runs for earlier predictions.",
            )
        _declare(self, described, self.product, self.variables, spread=self.product == "ensemble_mean")
        object.__setattr__(self, "cycle", timestamps.duration(described.cycle))

    @property
    def reach(self) -> pd.Timedelta:
        """Last requested lead time."""
        return min(timestamps.duration(self.horizon), timestamps.duration(self.described.horizon))

    def newest(self, now: Any = None) -> pd.Timestamp:
        """Initialisation of the newest run, by the declared latency or as reported by the server."""
        if self.product == "single_runs" or now is not None:
            return super().newest(now)
        return RunStatus.of(self.described, endpoint=self.endpoint).init_time

    def get_run(self, sites: Sequence[Site], init_time: pd.Timestamp) -> xr.Dataset:
        """One run at some sites; see :class:`~energyforecast.weather.RunSource`."""
        run = timestamps.instant(init_time)
        arrived = None if self.product == "single_runs" else self._arrival(run)
        payload = self._get(sites, run, run + self.reach + pd.Timedelta(self.step))
        if arrived is not None:
            self._arrival(run)
        return self.parse_run(payload, sites=sites, init_time=run, available_time=arrived)

    def parse_run(
        self,
        payload: Payload,
        *,
        sites: Sequence[Site],
        init_time: pd.Timestamp,
        available_time: pd.Timestamp | None = None,
    ) -> xr.Dataset:
        """Weather of a run from an answer; available after the declared latency unless its arrival is given."""
        hours = self._parse(payload, sites)
        init = timestamps.to_ns([init_time])
        step = pd.Timedelta(self.step)
        lead = np.arange(0, round(self.reach / step) + 1) * np.timedelta64(step.value, "ns")
        run = cut(hours, init[0] + lead).rename(time="lead_time").assign_coords(lead_time=lead)
        if all(bool(run[name].isnull().all()) for name in self.variables):
            raise RunNotPublishedError(
                f"Open-Meteo has the run of {init_time} of {self.described.name} without a value.",
                "A published run must have values.",
                "Ask for an older run, or wait until it is published.",
            )
        arrived = (
            self.latency.available_time(init)
            if available_time is None
            else timestamps.to_ns([available_time])
        )
        order = ("site", "init_time", "lead_time", *(("member",) if "member" in run.dims else ()))
        cube = run.expand_dims(init_time=init).transpose(*order)
        cube = cube.assign_coords(
            {name: cube[name].isel(init_time=0) for name in CELLS if "init_time" in cube[name].dims}
        ).assign_coords(available_time=("init_time", arrived))
        known = "declared" if available_time is None else "recorded"
        attributes = {"product": self.product, "availability": known, "missing": counts(cube)}
        return complete(cube, source=self, sites=sites, attributes=attributes)

    def _arrival(self, run: pd.Timestamp) -> pd.Timestamp:
        """Arrival of a run, refused unless it is the newest."""
        status = RunStatus.of(self.described, endpoint=self.endpoint)
        arrived = status.available_time + _SPREADING
        if status.init_time != run or arrived > timestamps.now():
            raise RunNotPublishedError(
                f"The newest run of {self.described.name} is that of {status.init_time}, available since "
                f"{status.available_time}.",
                f"The product {self.product!r} gives the newest run, 10 min after its arrival, not that of {run}.",
                "Ask for source.newest(), or use product='single_runs'.",
            )
        return arrived


@checked()
@dataclass(frozen=True, eq=False)
class OpenMeteoHistory(_OpenMeteoSource, AnalysisSource):
    """Histories at Open-Meteo: ERA5, and the first hours of many runs stitched together.

    Parameters
    ----------
    model : str or OpenMeteoModel
    product : {"archive", "historical_forecast"}
        Neither is a forecast: the archive is a reanalysis, and stitched hours are predicted minutes to hours ahead.
        Only ``perfect_weather=True`` lets them into a forecaster.
    variables, cell_selection, access, step
        As of :class:`OpenMeteo`; ERA5 has hours only.

    See Also
    --------
    OpenMeteo : Forecasts.

    References
    ----------
    https://open-meteo.com/en/docs/historical-weather-api

    Examples
    --------
    >>> source = OpenMeteoHistory("era5", variables=("temp_air",))
    >>> source.name, source.kind
    ('open-meteo-archive:era5', 'analysis')
    """

    model: str | OpenMeteoModel = "era5"
    _: KW_ONLY
    product: Literal["archive", "historical_forecast"] = "archive"
    variables: tuple[str, ...] = ()
    cell_selection: CellSelection = "nearest"
    access: OpenMeteoAccess = field(default_factory=OpenMeteoAccess, repr=False)
    step: Literal["1h", "15min"] = "1h"

    def __post_init__(self) -> None:
        if self.product not in ("archive", "historical_forecast"):
            raise SchemaError(
                f"The product {self.product!r} is no history.",
                "Histories are 'archive' and 'historical_forecast'.",
                "Use OpenMeteo for runs.",
            )
        _declare(self, self.described, self.product, self.variables)

    def get_period(self, sites: Sequence[Site], start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        """Hours in [start, end) at some sites; see :class:`~energyforecast.weather.AnalysisSource`."""
        first, last = timestamps.instant(start), timestamps.instant(end)
        return self.parse_period(self._get(sites, first, last), sites=sites, start=first, end=last)

    def parse_period(
        self, payload: Payload, *, sites: Sequence[Site], start: pd.Timestamp, end: pd.Timestamp
    ) -> xr.Dataset:
        """Weather of the hours in [start, end) from an answer."""
        period = cut(
            self._parse(payload, sites),
            timestamps.to_ns(pd.date_range(start, end, freq=self.step, inclusive="left")),
        )
        width = pd.Timedelta(self.step).to_timedelta64()
        arrived = self.latency.available_time(timestamps.to_ns(period["time"].values) + width)
        period = period.assign_coords(available_time=("time", arrived))
        stitched = int(self.product == "historical_forecast")
        attributes = {"product": self.product, "stitched": stitched, "missing": counts(period)}
        return complete(period, source=self, sites=sites, attributes=attributes)


#: Coordinates of the cell of a site.
CELLS: Final = ("cell_latitude", "cell_longitude", "cell_elevation")


def _declare(
    source: _OpenMeteoSource,
    model: OpenMeteoModel,
    product: str,
    names: Sequence[str],
    *,
    spread: bool = False,
) -> None:
    """Set the declarations of a source: name, variables, labels, latency, attribution."""
    chosen = tuple(names) or default_variables(model)
    if spread and not names:
        chosen += tuple(f"{name}_spread" for name in chosen if not name.startswith("wind_direction"))
    title = "open-meteo" if product == "single_runs" else f"open-meteo-{product.replace('_', '-')}"
    title += "" if source.step == "1h" else f"-{source.step}"
    attributes = {
        "name": f"{title}:{model.name}",
        "variables": chosen,
        "labels": {name: column_of(name).label for name in chosen},
        "latency": model.latency,
        "attribution": ATTRIBUTION,
    }
    for key, value in attributes.items():
        object.__setattr__(source, key, value)


def cut(hours: xr.Dataset, wanted: timestamps.Times) -> xr.Dataset:
    """Requested hours, all of them."""
    available = hours["time"].values
    if not len(wanted) or wanted[0] < available[0] or wanted[-1] > available[-1]:
        raise ResponseError(
            f"Open-Meteo gives the hours {available[0]} to {available[-1]} UTC.",
            f"Requested were {wanted[0]} to {wanted[-1]}." if len(wanted) else "At least one hour is needed.",
            "Choose a period, or a horizon, that the model has.",
        )
    return hours.sel(time=wanted)


def complete(
    weather: xr.Dataset, *, source: Source, sites: Sequence[Site], attributes: Mapping[str, str | int]
) -> xr.Dataset:
    """Weather with attributes: spreads described, source and time of retrieval recorded."""
    for name in map(str, weather.data_vars):
        if name.endswith("_spread"):
            row = vocabulary.lookup(name.removesuffix("_spread"))
            weather[name].attrs = {
                "units": row.units,
                "cell_methods": row.cell_methods,
                "long_name": f"standard deviation of {row.standard_name} over the members",
            }
    kept = {key: value for key, value in attributes.items() if value != ""}
    kept["retrieved_at"] = f"{timestamps.now():%Y-%m-%dT%H:%M:%SZ}"
    return finished(weather.assign_attrs(kept), source=source, sites=sites)
