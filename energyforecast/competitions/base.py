"""A competition: data, tasks, and a forecast of each task that is independent of the others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from energyforecast.competitions import settings
from energyforecast.competitions.readers.common import CompetitionData, Information
from energyforecast.competitions.settings import Kind
from energyforecast.core import timestamps
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.errors import ConfigurationError
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import QuantileModel

__all__ = ["Competition", "TaskForecast"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class TaskForecast:
    """Forecast and outcome of one task at one or several sites, a row an hour.

    Parameters
    ----------
    observed : array, shape (rows,)
        NaN where the outcome is missing. [unit of the competition]
    quantiles : array, shape (rows, 99)
        Levels 0.01 to 0.99. [unit of the competition]
    site : array of str, shape (rows,)
    valid_time : array of datetime64, shape (rows,)
        Beginnings of the hours, in UTC (load: on the competition's clock).
    lead_time : array of timedelta64, shape (rows,)
        From the issue to the beginning of the hour.

    Examples
    --------
    >>> hour, lead = np.array(["2013-01-01"], dtype="datetime64[ns]"), np.zeros(1, dtype="timedelta64[ns]")
    >>> forecast = TaskForecast(np.array([0.4]), np.full((1, 99), 0.3), np.array(["zone 1"]), hour, lead)
    >>> len(forecast.scored())
    1
    """

    observed: Array
    quantiles: Array
    site: Array
    valid_time: timestamps.Times
    lead_time: Array

    @classmethod
    def of_site(
        cls,
        data: CompetitionData,
        site: str,
        valid_time: timestamps.Times,
        quantiles: Array,
        *,
        issue_time: npt.ArrayLike | None = None,
        outside: Literal["error", "missing"] = "error",
    ) -> TaskForecast:
        """Quantiles of one site with its outcomes; hours outside the data are refused or missing.

        Without `issue_time` all were issued in the first hour.
        """
        observed = data.outcomes.value_at(site, valid_time, outside=outside)
        lead = valid_time - (valid_time[:1] if issue_time is None else np.asarray(issue_time))
        return cls(observed, quantiles, np.full(len(valid_time), site), valid_time, lead)

    def __len__(self) -> int:
        return len(self.observed)

    def of_rows(self, rows: Array) -> TaskForecast:
        """Some rows only."""
        return TaskForecast(*(getattr(self, item.name)[rows] for item in fields(self)))

    def scored(self) -> TaskForecast:
        """Rows with an outcome."""
        return self.of_rows(np.isfinite(self.observed))

    @staticmethod
    def joined(parts: Iterable[TaskForecast]) -> TaskForecast:
        """Several below each other."""
        several = list(parts)
        columns = ([getattr(part, item.name) for part in several] for item in fields(TaskForecast))
        return TaskForecast(*map(np.concatenate, columns))


class Competition(ABC):
    """A forecasting competition as a benchmark.

    A subclass reads data, lists tasks, and forecasts one task at one site from the data known at its start; tasks
    and sites can then run in processes of their own.

    See Also
    --------
    competition, run

    Examples
    --------
    >>> from energyforecast.competitions import competition
    >>> competition("gefcom2014-wind").kind
    'wind'
    """

    name: ClassVar[str]
    kind: ClassVar[Kind]
    #: Tasks that the competition scored; the default of a run.
    counted: ClassVar[str] = "4-12"
    #: Whether single tasks can be chosen.
    selectable: ClassVar[bool] = True
    #: Information from which it can be forecast, the default first.
    information: ClassVar[tuple[Information, ...]] = ("competition", "operational")
    #: Whether the model continues from the newest power.
    next_hours: ClassVar[bool] = False
    #: File with the scores of the competitors, where there is one.
    leaderboard: ClassVar[str | None] = None
    #: Unit of scores.
    unit: ClassVar[str] = "capacity"
    levels: ClassVar[tuple[float, ...]] = PERCENTILES

    def model(self) -> QuantileModel:
        """The model, not fitted."""
        return settings.model(self.kind, next_hours=self.next_hours)

    def compared(self) -> dict[str, QuantileModel]:
        """Other kinds of model by name, not fitted; none where the competition has one kind."""
        return {}

    @abstractmethod
    def read(self, folder: str | Path, *, information: Information = "competition") -> CompetitionData:
        """All data that forecasts may use, with the time at which it was known, and the outcomes."""

    def tasks(self, data: CompetitionData) -> tuple[int, ...]:
        """Numbers of the tasks that the data holds."""
        return tuple(data.starts)

    def sites(self, data: CompetitionData) -> tuple[str, ...]:
        """Names of the sites, each of which is forecast by itself."""
        return tuple(site.name for site in data.sites)

    @abstractmethod
    def forecast(
        self, data: CompetitionData, task: int, *, site: str, model: QuantileModel | None = None
    ) -> TaskForecast:
        """Forecast one task at one site from the data known at its start, by the default model or another one."""

    @abstractmethod
    def climatology(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """The competition's own benchmark, on the same hours."""

    def references(self, data: CompetitionData, task: int, *, site: str) -> dict[str, TaskForecast]:
        """Further forecasts for comparison, on the same hours."""
        del data, task, site
        return {}

    def settings(self, data: CompetitionData) -> dict[str, Any]:
        """Model, features and task, in words."""
        del data
        return {}

    def chosen(self, wanted: str | None, data: CompetitionData) -> tuple[int, ...]:
        """Tasks of a selection like ``"4-12"`` or ``"1,3"``.

        Raises
        ------
        ConfigurationError
            If they cannot be read, are not in the data, or cannot be chosen.
        """
        known = self.tasks(data)
        if not self.selectable:
            if wanted is not None:
                raise ConfigurationError(
                    f"Tasks {wanted!r} are asked of {self.name}.",
                    "It has no single tasks: all its hours are scored together.",
                    "Leave --tasks out.",
                )
            return known
        numbers = _numbers(self.counted if wanted is None else wanted)
        absent = [number for number in numbers if number not in known]
        if absent or not numbers:
            raise ConfigurationError(
                f"Task {absent[0] if absent else wanted!r} of {self.name} is asked for; the data holds "
                f"{', '.join(map(str, known)) or 'none'}.",
                "Tasks must be in the data, whole months of hours with their weather.",
                "Choose others with --tasks, e.g. --tasks 1-3, or give the files of later tasks.",
            )
        return numbers


def described(forecaster: Forecaster, data: CompetitionData) -> dict[str, Any]:
    """Information, model, features, task and weather of a forecaster, in words."""
    task = forecaster.task
    return {
        "information": data.information,
        "model": repr(forecaster.model),
        "features": [repr(item) for item in forecaster.features.resolve(data.weather)[0].features],
        "task": f"{type(task).__name__}(timezone={task.timezone!r}, frequency={task.frequency!r})",
        "weather": data.weather.attrs["source"],
    }


def _numbers(wanted: str) -> tuple[int, ...]:
    """Numbers of a selection, each once."""
    numbers: list[int] = []
    for part in wanted.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise ConfigurationError(
                f"The tasks are given as {wanted!r}.",
                "They must be numbers and ranges, like 4-12 or 1,3,5-7.",
                "Write them so.",
            )
        numbers += range(int(first), int(last if dash else first) + 1)
    return tuple(dict.fromkeys(numbers))
