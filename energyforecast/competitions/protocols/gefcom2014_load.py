"""The load track of GEFCom2014: demand a month ahead, without a forecast of temperature."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from energyforecast.competitions.base import Competition, TaskForecast
from energyforecast.competitions.readers.common import CompetitionData, Information
from energyforecast.competitions.readers.gefcom2014_load import read_gefcom2014_load
from energyforecast.competitions.settings import Kind
from energyforecast.core import timestamps
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.tasks import month_ahead
from energyforecast.features import DayOfYear, FeatureSet, LocalHour, Weekend
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import DemandResponse, QuantileModel, SeasonalClimatology
from energyforecast.point_in_time import gathering
from energyforecast.weather import TemperatureEnsemble

__all__ = ["Gefcom2014Load"]

_CALENDAR = FeatureSet((LocalHour(), Weekend(), DayOfYear()))


class Gefcom2014Load(Competition):
    """Demand of a utility, a month at a time, from demand and temperature up to the month's first hour.

    Examples
    --------
    >>> Gefcom2014Load().unit
    'MW'
    """

    name: ClassVar[str] = "gefcom2014-load"
    kind: ClassVar[Kind] = "load"
    information: ClassVar[tuple[Information, ...]] = ("competition",)
    leaderboard: ClassVar[str | None] = "leaderboard_load.csv"
    unit: ClassVar[str] = "MW"

    def read(self, folder: str | Path, *, information: Information = "competition") -> CompetitionData:
        """See :func:`energyforecast.competitions.read_gefcom2014_load`."""
        del information
        return read_gefcom2014_load(folder)

    def forecaster(self, data: CompetitionData, site: str, model: QuantileModel | None = None) -> Forecaster:
        """The forecaster of the area, not fitted."""
        area, used = data.site(site), DemandResponse() if model is None else model
        return Forecaster(area, month_ahead(timezone=area.timezone), model=used)

    def weather(self, data: CompetitionData) -> TemperatureEnsemble:
        """The temperature scenarios."""
        return TemperatureEnsemble(data.weather)

    def forecast(
        self, data: CompetitionData, task: int, *, site: str, model: QuantileModel | None = None
    ) -> TaskForecast:
        """Fit on data known at the month's first hour, forecast all its hours."""
        weather, known, start = self.weather(data), data.observations, data.starts[task]
        fitted = self.forecaster(data, site, model).fit(weather, known, as_of=start)
        forecast = fitted.predict(weather, known, issue_time=start)
        cube = forecast.data.sel(site=site).isel(issue_time=0)
        quantiles = np.asarray(cube.values, dtype=float)
        return TaskForecast.of_site(data, site, cube["valid_time"].values, quantiles)

    def climatology(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """The load at the same stamp a year before, for every level: the organisers' benchmark."""
        start = data.starts[task]
        window = month_ahead(timezone=data.site(site).timezone).windows([start])
        year_before = timestamps.to_ns(timestamps.to_index(window.valid_time[0]) - pd.DateOffset(years=1))
        past = data.observations.value_at(site, year_before, as_of=start, outside="missing")
        quantiles = np.repeat(past[:, None], len(self.levels), axis=1)
        return TaskForecast.of_site(data, site, window.valid_time[0], quantiles)

    def references(self, data: CompetitionData, task: int, *, site: str) -> dict[str, TaskForecast]:
        """Past load at the same hour, within eight days of the date, weekends apart."""
        start = data.starts[task]
        past = timestamps.to_ns(data.observations.index[data.observations.index < start])
        window = month_ahead(timezone=data.site(site).timezone).windows([start])
        known = data.observations.value_at(site, past, as_of=start)
        observed = np.isfinite(known)
        model = SeasonalClimatology(self.levels).fit(_calendar(data, site, past[observed]), known[observed])
        valid = window.valid_time[0]
        quantiles = model.predict(_calendar(data, site, valid))
        return {"seasonal climatology": TaskForecast.of_site(data, site, valid, quantiles)}

    def settings(self, data: CompetitionData) -> dict[str, Any]:
        """Model and scenarios."""
        weather = self.weather(data)
        return {
            "model": repr(self.forecaster(data, data.sites[0].name).model),
            "stations": weather.stations,
            "scenarios": {
                "shift_days": weather.shift_days,
                "step_days": weather.step_days,
                "memory_days": weather.memory_days,
            },
            "weather": data.weather.attrs["source"],
        }


def _calendar(data: CompetitionData, site: str, valid: Any) -> pd.DataFrame:
    """Hour, weekend and day of the year."""
    window = Windows(
        issue_time=valid[:1],
        valid_time=valid[None, :],
        inside=np.ones((1, len(valid)), dtype=bool),
        frequency=pd.Timedelta("1h"),
    )
    now = gathering.take_snapshot({}, None, sites=[data.site(site)], windows=window, names={}, required={})
    return pd.DataFrame({name: values[0] for name, values in _CALENDAR.compute(now).items()})
