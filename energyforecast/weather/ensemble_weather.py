"""Temperatures of past years as the weather of a forecaster, for hours beyond the horizon of weather forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from energyforecast.core import provenance, weather_schema
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.core.weather_schema import ValidatedWeather
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.weather.measurements import known_by
from energyforecast.weather.station_ranking import rank_stations
from energyforecast.weather.temperature_ensemble import temperature_scenarios

__all__ = ["TemperatureEnsemble"]


@checked(stations=(1, inf), shift_days=(0, 180), step_days=(1, 180), memory_days=(0, 180))
@dataclass(frozen=True, eq=False, repr=False)
class TemperatureEnsemble(ValidatedWeather):
    """Ensemble of past years' temperatures, made anew at each issue time from the values known by then.

    A :class:`energyforecast.Forecaster` takes it as weather: ``fit`` learns from the measured temperature, as far
    as it was known at the time of the fit, and ``predict`` forecasts over the scenarios of
    :func:`temperature_scenarios`.

    Parameters
    ----------
    temperature : Dataset
        Measured ``temp_air`` [°C], dimensions ``(site, time)``, with ``available_time``: of the areas by their
        names, or of stations. It may begin long before the demand: its years are the scenarios.
    stations : int
        Where an area has no temperature of its own name, so many stations are averaged: those that explain its
        demand best (:func:`rank_stations`), as of the fit or issue.
    shift_days, step_days, memory_days : int
        As in :func:`temperature_scenarios`. [d]

    Raises
    ------
    SchemaError
        If it is not an analysis of temperature.
    TimeError, UnitsError, RangeError
        If anything else of it is not as it must be.

    See Also
    --------
    energyforecast.models.DemandResponse : Pools its forecasts over the scenarios.
    measured_weather : Makes the dataset from a table.

    Examples
    --------
    >>> import pandas as pd
    >>> from energyforecast.weather import measured_weather
    >>> hours = pd.date_range("2022-01-01", "2024-01-01", freq="1h", tz="UTC")
    >>> measured = measured_weather({"temp_air": pd.DataFrame({"city": 5.0}, index=hours)}, published_after="1h")
    >>> TemperatureEnsemble(measured)
    Temperature ensemble of past years: city, 2022-01-01 to 2024-01-01
    """

    models: Mapping[str, xr.Dataset] = field(init=False)
    sites: tuple[Site, ...] = field(init=False, default=())
    temperature: xr.Dataset
    stations: int = field(default=8, kw_only=True)
    shift_days: int = field(default=24, kw_only=True)
    step_days: int = field(default=4, kw_only=True)
    memory_days: int = field(default=8, kw_only=True)

    def __post_init__(self) -> None:
        weather_schema.check_weather(self.temperature, label="temperature")
        if not weather_schema.is_analysis(self.temperature) or "temp_air" not in self.temperature:
            raise SchemaError(
                f"The temperature has the dimensions {tuple(map(str, self.temperature.dims))} and the variables "
                f"{list(map(str, self.temperature.data_vars))}.",
                "Scenarios must be drawn from measured temperature: temp_air on (site, time).",
                "Give an analysis; give a weather forecast to the forecaster as it is.",
            )
        object.__setattr__(self, "models", MappingProxyType({"": self._template()}))

    def for_sites(self, sites: Sequence[Site]) -> TemperatureEnsemble:
        """Itself: stations need not have the names of the sites."""
        del sites
        return self

    def known(self, site: str, observations: Observations | None, *, as_of: Any = None) -> xr.Dataset:
        """Measured temperature of an area as known at a moment, NaN after it.

        Parameters
        ----------
        site : str
            Name of the area.
        observations : Observations or None
            Demand, which ranks the stations where there are some. [MW]
        as_of : str or moment, optional
            By default all values are known.

        Returns
        -------
        Dataset
            ``temp_air`` [°C], dimensions ``(site, time)``.

        Raises
        ------
        MissingDataError
            If stations have to be ranked without demand.
        """
        measured = self.temperature[["temp_air"]]
        known = measured if as_of is None else known_by(measured, as_of)
        if site in known["site"].values:
            return known.sel(site=[site])
        if observations is None:
            raise MissingDataError(
                f"The temperature has no site {site!r}, and no observations are given.",
                "Stations are ranked by how well they explain the demand of the area.",
                "Pass the observations to predict, too, or name the temperature like the area.",
            )
        best = rank_stations(known, observations, site=site, as_of=as_of)[: self.stations]
        mean = known.sel(site=list(best)).mean("site", skipna=True).expand_dims(site=[site])
        return mean.transpose("site", "time")

    def run(
        self,
        site: str,
        observations: Observations | None,
        *,
        issue_time: Any,
        horizon: str | timedelta,
        lookback: str | timedelta,
    ) -> xr.Dataset:
        """Ensemble forecast for an area from the values known at an issue time.

        Parameters
        ----------
        site : str
            Name of the area.
        observations : Observations or None
            As in :meth:`known`.
        issue_time : str or moment
        horizon, lookback : str or timedelta
            As in :func:`temperature_scenarios`.

        Returns
        -------
        Dataset
            ``temp_air`` [°C], dimensions ``(site, init_time, lead_time, member)``.
        """
        return temperature_scenarios(
            self.known(site, observations, as_of=issue_time),
            site=site,
            issue_time=issue_time,
            horizon=horizon,
            lookback=lookback,
            shift_days=self.shift_days,
            step_days=self.step_days,
            memory_days=self.memory_days,
        )

    def _template(self) -> xr.Dataset:
        """Dataset of a forecast's form without values, marked by everything from which runs are made."""
        ends = self.temperature.isel(time=[0, -1])
        measured = self.temperature["temp_air"]
        empty = np.full((measured.sizes["site"], 2, 1, 1), np.nan, dtype=np.float32)
        latency = self.temperature["available_time"] - self.temperature["time"]
        return xr.Dataset(
            {"temp_air": (("site", "init_time", "lead_time", "member"), empty, measured.attrs)},
            coords={
                "site": self.temperature["site"],
                "init_time": ends["time"].values,
                "lead_time": np.zeros(1, dtype="timedelta64[ns]"),
                "available_time": ("init_time", ends["available_time"].values),
            },
            attrs=self.temperature.attrs
            | {
                "kind": "forecast",
                "source": f"past years of {self.temperature.attrs.get('source', 'measured temperature')}",
                "ensemble": f"{self.stations} stations; shifts of {self.shift_days} days by {self.step_days}; "
                f"memory of {self.memory_days} days",
                "data_hash": provenance.data_hash([measured.values, latency.values / np.timedelta64(1, "h")]),
            },
        )

    def __repr__(self) -> str:
        names = [str(name) for name in self.temperature["site"].values]
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        first, last = (str(self.temperature["time"].values[place])[:10] for place in (0, -1))
        return f"Temperature ensemble of past years: {shown}, {first} to {last}"
