"""The wind and solar tracks of GEFCom2014, with the default features of the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from energyforecast.competitions import settings
from energyforecast.competitions.base import Competition, TaskForecast, described
from energyforecast.competitions.readers.common import CompetitionData, Information
from energyforecast.competitions.readers.gefcom2014 import read_gefcom2014_solar, read_gefcom2014_wind
from energyforecast.competitions.settings import Kind
from energyforecast.core import timestamps
from energyforecast.core.tasks import Task, day_ahead, month_ahead
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import QuantileModel

__all__ = ["Gefcom2014Solar", "Gefcom2014Wind"]


class _Monthly(Competition):
    """Monthly forecasts of plants, from weather of the whole month or of each day."""

    def task(self, data: CompetitionData) -> Task:
        """Issue at the month's first hour, or at 00 UTC of each day."""
        if data.information == "competition":
            return month_ahead(timezone="UTC")
        return day_ahead("00:00", timezone="UTC", first_day=0)

    def forecaster(self, data: CompetitionData, site: str, model: QuantileModel | None = None) -> Forecaster:
        """Forecaster of one site, with the weather at all others."""
        return Forecaster(
            data.site(site),
            self.task(data),
            model=self.model() if model is None else model,
            neighbours=data.others(site),
            trust_clock=True,  # documented by the organisers; one farm's weather lags
        )

    def forecast(
        self, data: CompetitionData, task: int, *, site: str, model: QuantileModel | None = None
    ) -> TaskForecast:
        """Fit on data known at the task's start, forecast its month."""
        start = data.starts[task]
        forecaster = self.forecaster(data, site, model)
        power = data.observations[[site]]
        forecaster.fit(data.weather, power, as_of=start, missing="drop")
        issued = forecaster.task.issue_times(start, _next_month(start))
        forecast = forecaster.predict(data.weather, power, issue_time=issued)
        cube = forecast.data.sel(site=site)
        valid = cube["valid_time"].values
        inside = ~np.isnat(valid)
        begun = np.broadcast_to(cube["issue_time"].values[:, None], valid.shape)
        quantiles = np.asarray(cube.values[inside], dtype=float)
        return TaskForecast.of_site(data, site, valid[inside], quantiles, issue_time=begun[inside])

    def climatology(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """Quantiles of all power that was known: the organisers' benchmark for wind."""
        start = data.starts[task]
        hours = pd.date_range(start, _next_month(start), freq="1h", inclusive="left")
        past = timestamps.to_ns(data.observations.index)
        curve = np.nanquantile(data.observations.value_at(site, past, as_of=start), self.levels)
        quantiles = np.broadcast_to(curve, (len(hours), len(curve)))
        return TaskForecast.of_site(data, site, timestamps.to_ns(hours), quantiles)

    def settings(self, data: CompetitionData) -> dict[str, Any]:
        """Model, features and task."""
        return described(self.forecaster(data, data.sites[0].name), data)

    def leave_one_month_out(self, data: CompetitionData, *, site: str) -> dict[str, TaskForecast]:
        """Forecast each month, like ``"2012-04"``, from all others, also later ones: to judge features."""
        forecaster = self.forecaster(data, site)
        power, place = data.observations[[site]], forecaster.sites[0]
        issued = forecaster.training_origins(data.weather, power)
        table = forecaster.design_matrix(data.weather, power, issued)
        _, needs = forecaster.features.resolve(data.weather)
        month = table.valid_time.astype("datetime64[M]")
        forecasts = {}
        for value in np.unique(month):
            rows = month == value
            forecaster.fit_matrix(table, power, needs=needs, rows=~rows)
            quantiles = forecaster.predict_rows(table, place, rows=rows)
            forecasts[str(value)] = TaskForecast.of_site(data, site, table.valid_time[rows], quantiles)
        return forecasts


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

    def compared(self) -> dict[str, QuantileModel]:
        """Trees alone, the kernel model alone, and three sets of trees."""
        return settings.kinds(self.model()) | settings.several_sets(self.model())

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

    def compared(self) -> dict[str, QuantileModel]:
        """Three sets of trees."""
        return settings.several_sets(self.model())

    def read(self, folder: str | Path, *, information: Information = "competition") -> CompetitionData:
        """See :func:`energyforecast.competitions.read_gefcom2014_solar`."""
        return read_gefcom2014_solar(folder, information=information)

    def climatology(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """The power at the same stamp a year before, for every level: the organisers' benchmark for solar."""
        start = data.starts[task]
        hours = pd.date_range(start, _next_month(start), freq="1h", inclusive="left")
        year_before = timestamps.to_ns(hours - pd.DateOffset(years=1))
        past = data.observations.value_at(site, year_before, as_of=start, outside="missing")
        # The very first hour has no weather, so its power was dropped: it takes that of the next hour.
        past = pd.Series(past).bfill().ffill().to_numpy()
        quantiles = np.repeat(past[:, None], len(self.levels), axis=1)
        return TaskForecast.of_site(data, site, timestamps.to_ns(hours), quantiles)


def _next_month(start: pd.Timestamp) -> pd.Timestamp:
    """First hour of the month after."""
    return start + pd.offsets.MonthBegin(1)
