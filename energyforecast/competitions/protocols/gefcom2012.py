"""The wind track of GEFCom2012: blocks of 48 hours that were withheld, each forecast from a run before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from energyforecast.competitions import settings
from energyforecast.competitions.base import Competition, TaskForecast
from energyforecast.competitions.readers.common import CompetitionData, Information
from energyforecast.competitions.readers.gefcom2012 import read_gefcom2012_wind
from energyforecast.competitions.settings import Kind
from energyforecast.core import timestamps
from energyforecast.core.tasks import intraday
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import Climatology, Persistence, QuantileModel

__all__ = ["Gefcom2012Wind"]


class Gefcom2012Wind(Competition):
    """Seven wind farms, 48 hours at a time, twice in seven days; refitted each month.

    Examples
    --------
    >>> Gefcom2012Wind().selectable
    False
    """

    name: ClassVar[str] = "gefcom2012-wind"
    kind: ClassVar[Kind] = "wind"
    selectable: ClassVar[bool] = False
    operational: ClassVar[bool] = False

    def read(self, folder: str | Path, *, information: Information = "competition") -> CompetitionData:
        """See :func:`energyforecast.competitions.read_gefcom2012_wind`."""
        del information
        return read_gefcom2012_wind(folder)

    def forecast(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """Fit on what was known at the month's first hour, forecast the blocks that begin in the month."""
        return self._by(data, task, site, settings.model(self.kind))

    def climatology(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """The distribution of the power so far, by hour of the day."""
        return self._by(data, task, site, Climatology())

    def references(self, data: CompetitionData, task: int, *, site: str) -> dict[str, TaskForecast]:
        """Persistence of the newest power before the block."""
        return {"persistence": self._by(data, task, site, Persistence())}

    def _by(self, data: CompetitionData, task: int, site: str, model: QuantileModel) -> TaskForecast:
        forecaster = _forecaster(data, site, model)
        power = data.observations[[site]]
        start = data.starts[task]
        forecaster.fit(data.weather, power, as_of=start, missing="drop")
        issued = _blocks(data, site)
        issued = issued[(issued >= start) & (issued < start + pd.offsets.MonthBegin(1))]
        forecast = forecaster.predict(data.weather, power, issue_time=issued)
        cube = forecast.data.sel(site=site)
        valid = cube["valid_time"].values.ravel()
        # The last block ends with the data, before its 48 hours are over.
        observed = data.outcomes.value_at(site, valid, outside="missing")
        quantiles = np.asarray(cube.values, dtype=float).reshape(len(valid), -1)
        return TaskForecast(observed, quantiles, np.full(len(valid), site), valid)

    def settings(self, data: CompetitionData) -> dict[str, Any]:
        """Model, features and task."""
        forecaster = _forecaster(data, data.sites[0].name, settings.model(self.kind))
        return {
            "refit": "each month",
            "model": repr(forecaster.model),
            "features": [repr(item) for item in forecaster.features.resolve(data.weather)[0].features],
            "task": repr(forecaster.task).split(", quantiles")[0] + ")",
            "weather": data.weather.attrs["source"],
        }


def _forecaster(data: CompetitionData, site: str, model: QuantileModel) -> Forecaster:
    task = intraday(every="12h", leads="48h")
    return Forecaster(data.site(site), task, model=model, neighbours=data.others(site), trust_clock=True)


def _blocks(data: CompetitionData, site: str) -> pd.DatetimeIndex:
    """First hours of the blocks that were withheld."""
    withheld = data.outcomes.values[site].notna().to_numpy()
    before = np.concatenate([[False], withheld[:-1]])
    return timestamps.to_index(timestamps.to_ns(data.outcomes.index[withheld & ~before]))
