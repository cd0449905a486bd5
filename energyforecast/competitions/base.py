"""What a competition is: data, tasks, and a forecast of each task that rests on no other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from energyforecast.competitions.readers.common import CompetitionData, Information
from energyforecast.competitions.settings import Kind
from energyforecast.core import timestamps
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.errors import ConfigurationError

__all__ = ["Competition", "TaskForecast"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class TaskForecast:
    """Forecast and outcome of one task at one or several sites, a row an hour.

    Parameters
    ----------
    observed : array, shape (rows,)
        NaN where nothing was observed. [unit of the competition]
    quantiles : array, shape (rows, 99)
        Levels 0.01 to 0.99. [unit of the competition]
    site : array of str, shape (rows,)
    valid_time : array of datetime64, shape (rows,)
        Beginnings of the hours, in UTC (load: on the competition's clock).

    Examples
    --------
    >>> hour = np.array(["2013-01-01"], dtype="datetime64[ns]")
    >>> done = TaskForecast(np.array([0.4]), np.full((1, 99), 0.3), np.array(["zone 1"]), hour)
    >>> len(done.scored())
    1
    """

    observed: Array
    quantiles: Array
    site: Array
    valid_time: timestamps.Times

    def __len__(self) -> int:
        return len(self.observed)

    def of_rows(self, rows: Array) -> TaskForecast:
        """Some rows only."""
        return TaskForecast(self.observed[rows], self.quantiles[rows], self.site[rows], self.valid_time[rows])

    def scored(self) -> TaskForecast:
        """Rows with an outcome."""
        return self.of_rows(np.isfinite(self.observed))

    @staticmethod
    def joined(parts: Sequence[TaskForecast]) -> TaskForecast:
        """Several below each other."""
        return TaskForecast(
            np.concatenate([part.observed for part in parts]),
            np.concatenate([part.quantiles for part in parts]),
            np.concatenate([part.site for part in parts]),
            np.concatenate([part.valid_time for part in parts]),
        )


class Competition(ABC):
    """A forecasting competition as a benchmark.

    A subclass reads data, lists tasks, and forecasts one task at one site from what was known at its start; tasks
    and sites can then run in processes of their own.

    Examples
    --------
    >>> from energyforecast.competitions import competition
    >>> competition("gefcom2014-wind").kind
    'wind'
    """

    name: ClassVar[str]
    kind: ClassVar[Kind]
    #: Tasks that the competition scored; those that are asked for by default.
    counted: ClassVar[str] = "4-12"
    #: Whether single tasks can be asked for.
    selectable: ClassVar[bool] = True
    #: Whether the weather can be had as a run a day.
    operational: ClassVar[bool] = True
    #: File with the scores of the competitors, where there is one.
    leaderboard: ClassVar[str | None] = None
    #: Unit of scores.
    unit: ClassVar[str] = "capacity"
    levels: ClassVar[tuple[float, ...]] = PERCENTILES

    @abstractmethod
    def read(self, folder: str | Path, *, information: Information = "competition") -> CompetitionData:
        """Everything that forecasts may know, with the time at which it was known, and the outcomes."""

    def tasks(self, data: CompetitionData) -> tuple[int, ...]:
        """Numbers of the tasks that the data holds."""
        return tuple(data.starts)

    def sites(self, data: CompetitionData) -> tuple[str, ...]:
        """Names of the sites, each of which is forecast by itself."""
        return tuple(site.name for site in data.sites)

    @abstractmethod
    def forecast(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """Forecast one task at one site from what was known at its start."""

    @abstractmethod
    def climatology(self, data: CompetitionData, task: int, *, site: str) -> TaskForecast:
        """The competition's own benchmark, on the same hours."""

    def references(self, data: CompetitionData, task: int, *, site: str) -> dict[str, TaskForecast]:
        """Further forecasts to stand beside, on the same hours."""
        del data, task, site
        return {}

    def settings(self, data: CompetitionData) -> dict[str, Any]:
        """What was run, in words."""
        del data
        return {}

    def chosen(self, wanted: str | None, data: CompetitionData) -> tuple[int, ...]:
        """Tasks that are asked for, like ``"4-12"`` or ``"1,3"``.

        Raises
        ------
        ConfigurationError
            If they cannot be read, are not in the data, or cannot be chosen.
        """
        there = self.tasks(data)
        if not self.selectable:
            if wanted is not None:
                raise ConfigurationError(
                    f"Tasks {wanted!r} are asked of {self.name}.",
                    "It has no single tasks: all its hours are scored together.",
                    "Leave --tasks out.",
                )
            return there
        numbers = _numbers(self.counted if wanted is None else wanted)
        absent = [number for number in numbers if number not in there]
        if absent or not numbers:
            raise ConfigurationError(
                f"Task {absent[0] if absent else wanted!r} of {self.name} is asked for; the data holds "
                f"{', '.join(map(str, there)) or 'none'}.",
                "Tasks are in the data, whole months of hours with their weather.",
                "Choose others with --tasks, e.g. --tasks 1-3, or give the files of later tasks.",
            )
        return numbers


def _numbers(wanted: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in wanted.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise ConfigurationError(
                f"The tasks are given as {wanted!r}.",
                "They are numbers and ranges, like 4-12 or 1,3,5-7.",
                "Write them so.",
            )
        numbers += range(int(first), int(last if dash else first) + 1)
    return tuple(dict.fromkeys(numbers))
