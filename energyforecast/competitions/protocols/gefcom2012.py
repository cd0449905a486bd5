"""The wind track of GEFCom2012: withheld blocks of 48 hours, each forecast from a weather run before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from energyforecast.competitions import settings
from energyforecast.competitions.base import Competition, TaskForecast, described
from energyforecast.competitions.readers.common import CompetitionData, Information
from energyforecast.competitions.readers.gefcom2012 import read_gefcom2012_wind
from energyforecast.competitions.settings import Kind
from energyforecast.core import timestamps
from energyforecast.core.tasks import intraday
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import Climatology, Persistence, QuantileModel

__all__ = ["Gefcom2012Wind"]


class Gefcom2012Wind(Competition):
    """Seven wind farms, 48 hours at a time, twice in seven days.

    Information ``"past"``: refitted each month on the hours before it. ``"competition"``: one fit on all training
    hours, also those after a block, as the competitors had them. Weather and newest power are in both those before
    the block.

    Examples
    --------
    >>> Gefcom2012Wind().selectable
    False
    """

    name: ClassVar[str] = "gefcom2012-wind"
    kind: ClassVar[Kind] = "wind"
    selectable: ClassVar[bool] = False
    next_hours: ClassVar[bool] = True
    information: ClassVar[tuple[Information, ...]] = ("past", "competition")

    def read(self, folder: str | Path, *, information: Information = "past") -> CompetitionData:
        """See :func:`energyforecast.competitions.read_gefcom2012_wind`."""
        return read_gefcom2012_wind(folder, information=information)

    def compared(self) -> dict[str, QuantileModel]:
        """Trees alone, the kernel model alone, and three sets of trees."""
        return settings.kinds(self.model()) | settings.several_sets(self.model())

    def forecast(
        self, data: CompetitionData, task: int, *, site: str, model: QuantileModel | None = None
    ) -> TaskForecast:
        """Fit on the data of the information, forecast the blocks of the task."""
        return self._by(data, task, site, self.model() if model is None else model)

    def climatology(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """The distribution of the power that is learnt from, by hour of the day."""
        return self._by(data, task, site, Climatology())

    def references(self, data: CompetitionData, task: int, *, site: str) -> dict[str, TaskForecast]:
        """Persistence of the newest power before the block."""
        return {"persistence": self._by(data, task, site, Persistence())}

    def _by(self, data: CompetitionData, task: int, site: str, model: QuantileModel) -> TaskForecast:
        forecaster = _forecaster(data, site, model)
        power = data.observations[[site]]
        start, issued = data.starts[task], _blocks(data, site)
        if data.information == "past":
            issued = issued[(issued >= start) & (issued < start + pd.offsets.MonthBegin(1))]
        as_of = start if data.information == "past" else None
        forecaster.fit(data.weather, power, as_of=as_of, missing="drop")
        forecast = forecaster.predict(data.weather, power, issue_time=issued)
        cube = forecast.data.sel(site=site)
        valid = cube["valid_time"].values
        begun = np.broadcast_to(cube["issue_time"].values[:, None], valid.shape).ravel()
        quantiles = np.asarray(cube.values, dtype=float).reshape(valid.size, -1)
        # The last block ends with the data, before its 48 hours are over.
        return TaskForecast.of_site(data, site, valid.ravel(), quantiles, issue_time=begun, outside="missing")

    def settings(self, data: CompetitionData) -> dict[str, Any]:
        """Model, features and task."""
        refit = "each month" if data.information == "past" else "never: one fit on all training hours"
        return {"refit": refit} | described(_forecaster(data, data.sites[0].name, self.model()), data)


def _forecaster(data: CompetitionData, site: str, model: QuantileModel) -> Forecaster:
    """Forecaster of one farm, with the weather at all others."""
    task = intraday(every="12h", leads="48h")
    return Forecaster(data.site(site), task, model=model, neighbours=data.others(site), trust_clock=True)


def _blocks(data: CompetitionData, site: str) -> pd.DatetimeIndex:
    """First hours of the withheld blocks."""
    withheld = data.outcomes.values[site].notna().to_numpy()
    before = np.concatenate([[False], withheld[:-1]])
    return timestamps.to_index(timestamps.to_ns(data.outcomes.index[withheld & ~before]))
