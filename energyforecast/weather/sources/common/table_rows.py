"""Rows of a table of weather: their places on the axes of a dataset, and when they were available."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.core import timestamps
from energyforecast.errors import TimeError

__all__ = ["TableRows"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TableRows:
    """Axes of the result and the place of each row of the table on them; an analysis has no runs."""

    site: npt.NDArray[np.int64]
    runs: timestamps.Times | None
    run: npt.NDArray[np.int64]
    stamps: Any

    @classmethod
    def of(cls, *, site: npt.NDArray[np.int64], init: timestamps.Times | None, stamps: Any) -> TableRows:
        """Unique runs and stamps of the rows, sorted."""
        if init is None:
            return cls(site, None, np.zeros(len(site), dtype=np.int64), np.unique(stamps))
        runs = np.unique(init)
        return cls(site, runs, np.searchsorted(runs, init), np.unique(stamps))

    def cube(self, values: Floats, stamps: Any, *, sites: int) -> Floats:
        """Values by site, run (of forecasts) and stamp; NaN where the table has no row."""
        count = 1 if self.runs is None else len(self.runs)
        shape = (sites, count, len(self.stamps))
        used = stamps >= self.stamps[0]
        place = np.searchsorted(self.stamps, np.maximum(stamps, self.stamps[0]))
        flat = np.ravel_multi_index((self.site, self.run, place), shape)[used]
        unique, counts = np.unique(flat, return_counts=True)
        if len(unique) < len(flat):
            doubled = int(np.flatnonzero(flat == unique[counts.argmax()])[1])
            raise TimeError(
                f"Row {doubled} of the table repeats the site, run and hour of another; "
                f"{len(flat) - len(unique)} do.",
                "Each combination must occur once.",
                "Keep the right row and drop the others.",
            )
        cube = np.full(shape, np.nan)
        cube.reshape(-1)[flat] = values[used]
        return cube[:, 0] if self.runs is None else cube

    def available_after(
        self, latency: np.timedelta64, *, step: np.timedelta64
    ) -> tuple[tuple[str, ...], timestamps.Times]:
        """Availability by latency: after the initialisation, or after the end of an analysed interval."""
        if self.runs is None:
            return ("time",), self.stamps + step + latency
        return ("init_time",), self.runs + latency

    def available_at(
        self, moments: timestamps.Times, stamps: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], timestamps.Times]:
        """Availability as recorded in the rows; an hour without a row counts with the last of its run."""
        never = np.iinfo(np.int64).min
        latest = np.full((1 if self.runs is None else len(self.runs), len(self.stamps)), never)
        for by_variable in stamps.values():
            places = np.searchsorted(self.stamps, np.maximum(by_variable, self.stamps[0]))
            np.maximum.at(latest, (self.run, places), moments.astype(np.int64))
        whole = np.where(latest == never, latest.max(axis=1, keepdims=True), latest)
        available = whole.astype("datetime64[ns]")
        return (("time",), available[0]) if self.runs is None else (("init_time", "lead_time"), available)
