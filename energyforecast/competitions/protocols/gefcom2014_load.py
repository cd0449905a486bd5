"""The load track of GEFCom2014: a month of demand ahead, whose temperature nobody knows."""

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
from energyforecast.core.tasks import month_ahead
from energyforecast.core.windows import Windows
from energyforecast.features import DayOfYear, FeatureSet, LocalHour, Weekday
from energyforecast.forecasting.month_ahead import ScenarioForecaster
from energyforecast.models import SeasonalClimatology
from energyforecast.point_in_time import gathering

__all__ = ["Gefcom2014Load"]

_CALENDAR = FeatureSet((LocalHour(), Weekday(), DayOfYear()))


class Gefcom2014Load(Competition):
    """Demand of a utility, a month at a time, from demand and temperature up to the month's first hour.

    Examples
    --------
    >>> Gefcom2014Load().unit
    'MW'
    """

    name: ClassVar[str] = "gefcom2014-load"
    kind: ClassVar[Kind] = "load"
    operational: ClassVar[bool] = False
    leaderboard: ClassVar[str | None] = "leaderboard_load.csv"
    unit: ClassVar[str] = "MW"

    def read(self, folder: str | Path, *, information: Information = "competition") -> CompetitionData:
        """See :func:`energyforecast.competitions.read_gefcom2014_load`."""
        del information
        return read_gefcom2014_load(folder)

    def forecaster(self, data: CompetitionData, site: str) -> ScenarioForecaster:
        """The forecaster of the area."""
        area = data.site(site)
        return ScenarioForecaster(area=area, task=month_ahead(timezone=area.timezone))  # type: ignore[arg-type]

    def forecast(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """Learn from what was known at the month's first hour, forecast all its hours."""
        forecast = self.forecaster(data, site).predict(
            data.weather, data.observations, issue_time=data.starts[task]
        )
        cube = forecast.data.sel(site=site).isel(issue_time=0)
        return _beside(np.asarray(cube.values, dtype=float), data, site, cube["valid_time"].values)

    def climatology(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """The load at the same stamp a year before, for every level: the organisers' benchmark."""
        start = data.starts[task]
        window = month_ahead(timezone=data.site(site).timezone).windows([start])
        year_before = timestamps.to_ns(timestamps.to_index(window.valid_time[0]) - pd.DateOffset(years=1))
        past = data.observations.value_at(site, year_before, as_of=start, outside="missing")
        return _beside(np.repeat(past[:, None], len(self.levels), axis=1), data, site, window.valid_time[0])

    def references(self, data: CompetitionData, task: int, *, site: str) -> dict[str, TaskForecast]:
        """Past load at the same hour, within eight days of the date, weekends apart."""
        start = data.starts[task]
        past = timestamps.to_ns(data.observations.index[data.observations.index < start])
        window = month_ahead(timezone=data.site(site).timezone).windows([start])
        known = data.observations.value_at(site, past, as_of=start)
        there = np.isfinite(known)
        model = SeasonalClimatology(self.levels).fit(_calendar(data, site, past[there]), known[there])
        valid = window.valid_time[0]
        quantiles = model.predict(_calendar(data, site, valid))
        return {"seasonal climatology": _beside(quantiles, data, site, valid)}

    def settings(self, data: CompetitionData) -> dict[str, Any]:
        """Model and scenarios."""
        forecaster = self.forecaster(data, data.sites[0].name)
        return {
            "model": repr(forecaster.model),
            "stations": forecaster.stations,
            "scenarios": {
                "shift_days": forecaster.shift_days,
                "step_days": forecaster.step_days,
                "memory_days": forecaster.memory_days,
            },
            "weather": data.weather.attrs["source"],
        }


def _beside(quantiles: Any, data: CompetitionData, site: str, valid: Any) -> TaskForecast:
    """A forecast with its outcomes."""
    observed = data.outcomes.value_at(site, valid)
    return TaskForecast(observed, quantiles, np.full(len(valid), site), valid)


def _calendar(data: CompetitionData, site: str, valid: Any) -> pd.DataFrame:
    """Hour, weekday and day of the year."""
    window = Windows(
        issue_time=valid[:1],
        valid_time=valid[None, :],
        inside=np.ones((1, len(valid)), dtype=bool),
        frequency=pd.Timedelta("1h"),
    )
    now = gathering.take_snapshot({}, None, sites=[data.site(site)], windows=window, names={}, required={})
    return pd.DataFrame({name: values[0] for name, values in _CALENDAR.compute(now).items()})
