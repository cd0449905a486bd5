"""The wind and solar tracks of GEFCom2014, by the library's own recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from energyforecast.competitions import settings
from energyforecast.competitions.base import Array, Competition, TaskForecast
from energyforecast.competitions.readers.common import CompetitionData, Information
from energyforecast.competitions.readers.gefcom2014 import read_gefcom2014_solar, read_gefcom2014_wind
from energyforecast.competitions.settings import Kind
from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.tasks import Task, day_ahead, month_ahead
from energyforecast.forecasting.forecaster import Forecaster

__all__ = ["Gefcom2014Solar", "Gefcom2014Wind"]


class _Monthly(Competition):
    """Plants whose next month is forecast, from weather of the whole month or of each day."""

    def task(self, data: CompetitionData) -> Task:
        """When forecasts are issued: at the month's first hour, or at 00 UTC of each day."""
        if data.information == "competition":
            return month_ahead(timezone="UTC")
        return day_ahead("00:00", timezone="UTC", first_day=0)

    def forecaster(self, data: CompetitionData, site: str) -> Forecaster:
        """The forecaster of one site, which sees the weather at all others."""
        return Forecaster(
            data.site(site),
            self.task(data),
            model=settings.model(self.kind),
            neighbours=data.others(site),
            trust_clock=True,  # documented by the organisers; one farm's weather comes late
        )

    def forecast(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """Fit on what was known at the task's start, forecast its month."""
        start = data.starts[task]
        forecaster = self.forecaster(data, site)
        power = data.observations[[site]]
        forecaster.fit(data.weather, power, as_of=start, missing="drop")
        issued = forecaster.task.issue_times(start, _next_month(start))
        return _paired(forecaster.predict(data.weather, power, issue_time=issued), data, site)

    def climatology(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """Quantiles of all power that was known: the organisers' benchmark for wind."""
        start = data.starts[task]
        hours = pd.date_range(start, _next_month(start), freq="1h", inclusive="left")
        valid = timestamps.to_ns(hours)
        past = timestamps.to_ns(data.observations.index)
        known = data.observations.value_at(site, past, as_of=start)
        curve = np.nanquantile(known, self.levels)
        return TaskForecast(
            _outcome(data, site, valid),
            np.broadcast_to(curve, (len(valid), len(curve))),
            np.full(len(valid), site),
            valid,
        )

    def settings(self, data: CompetitionData) -> dict[str, Any]:
        """Model, features and task."""
        forecaster = self.forecaster(data, data.sites[0].name)
        return {
            "information": data.information,
            "model": repr(forecaster.model),
            "features": [repr(item) for item in forecaster.features.resolve(data.weather)[0].features],
            "task": repr(forecaster.task).split(", quantiles")[0] + ")",
            "weather": data.weather.attrs["source"],
        }

    def leave_one_month_out(self, data: CompetitionData, *, site: str) -> dict[str, TaskForecast]:
        """Forecast each month from all others, also later ones: says what features are worth, not skill.

        Returns
        -------
        dict of TaskForecast
            By month, like ``"2012-04"``.
        """
        forecaster = self.forecaster(data, site)
        power, place = data.observations[[site]], forecaster.sites[0]
        issued = forecaster.training_origins(data.weather, power)
        table = forecaster.design_matrix(data.weather, power, issued)
        _, needs = forecaster.features.resolve(data.weather)
        month = table.valid_time.astype("datetime64[M]")
        done = {}
        for value in np.unique(month):
            rows = month == value
            forecaster.fit_matrix(table, power, needs=needs, rows=~rows)
            quantiles = forecaster.predict_rows(table, place, rows=rows)
            valid = table.valid_time[rows]
            done[str(value)] = TaskForecast(
                _outcome(data, site, valid), quantiles, np.full(len(valid), site), valid
            )
        return done


class Gefcom2014Wind(_Monthly):
    """Ten Australian wind farms, a month at a time.

    Examples
    --------
    >>> Gefcom2014Wind().counted
    '4-12'
    """

    name: ClassVar[str] = "gefcom2014-wind"
    kind: ClassVar[Kind] = "wind"
    leaderboard: ClassVar[str | None] = "leaderboard_wind.csv"

    def read(self, folder: str | Path, *, information: Information = "competition") -> CompetitionData:
        """See :func:`energyforecast.competitions.read_gefcom2014_wind`."""
        return read_gefcom2014_wind(folder, information=information)


class Gefcom2014Solar(_Monthly):
    """Three Australian PV plants, a month at a time.

    Examples
    --------
    >>> Gefcom2014Solar().leaderboard
    'leaderboard_solar.csv'
    """

    name: ClassVar[str] = "gefcom2014-solar"
    kind: ClassVar[Kind] = "solar"
    counted: ClassVar[str] = "1"
    leaderboard: ClassVar[str | None] = "leaderboard_solar.csv"

    def read(self, folder: str | Path, *, information: Information = "competition") -> CompetitionData:
        """See :func:`energyforecast.competitions.read_gefcom2014_solar`."""
        return read_gefcom2014_solar(folder, information=information)

    def climatology(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """The power at the same stamp a year before, for every level: the organisers' benchmark for solar."""
        start = data.starts[task]
        hours = pd.date_range(start, _next_month(start), freq="1h", inclusive="left")
        year_before = timestamps.to_ns(hours - pd.DateOffset(years=1))
        past = data.observations.value_at(site, year_before, as_of=start, outside="missing")
        # Of the very first hour the weather is unknown, and its power was dropped: the next one stands for it.
        past, valid = pd.Series(past).bfill().ffill().to_numpy(), timestamps.to_ns(hours)
        return TaskForecast(
            _outcome(data, site, valid),
            np.repeat(past[:, None], len(self.levels), axis=1),
            np.full(len(valid), site),
            valid,
        )


def _next_month(start: pd.Timestamp) -> pd.Timestamp:
    return start + pd.offsets.MonthBegin(1)


def _outcome(data: CompetitionData, site: str, valid: timestamps.Times) -> Array:
    return data.outcomes.value_at(site, valid)


def _paired(forecast: Forecast, data: CompetitionData, site: str) -> TaskForecast:
    cube = forecast.data.sel(site=site)
    inside = ~np.isnat(cube["valid_time"].values)
    valid = cube["valid_time"].values[inside]
    quantiles = np.asarray(cube.values[inside], dtype=float)
    return TaskForecast(_outcome(data, site, valid), quantiles, np.full(len(valid), site), valid)
