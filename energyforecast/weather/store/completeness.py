"""Completeness of archived runs and months: available values against the expected ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.labels import Label
from energyforecast.weather.sources.common.base import AnalysisSource, RunSource
from energyforecast.weather.store.manifest import Manifest, Record

__all__ = ["PATIENCE", "Completeness", "finite", "next_month", "seconds", "step_of"]

#: Time after it was due in which a run is requested at every update; afterwards a few times more.
PATIENCE: Final = pd.Timedelta("3D")
_DAY: Final = 86_400


@dataclass(frozen=True)
class Completeness:
    """Share of the expected values that an archive holds of a run or a month, by site."""

    manifest: Manifest
    source: RunSource | AnalysisSource
    _: KW_ONLY
    now: pd.Timestamp

    def shares(self, block: pd.Timestamp, joined: xr.Dataset) -> list[float]:
        """Share of the expected values that are present, by site, rounded down so that 1 means whole."""
        axis = "lead_time" if isinstance(self.source, RunSource) else "time"
        usual = self._usual(block)
        expected, names = self._expected(block, joined, usual), self._names(joined, usual)
        known = joined.reindex({axis: expected})
        found = np.zeros(joined.sizes["site"])
        for name in names:
            instant = self.source.labels.get(name, Label.INSTANT) is Label.INSTANT
            # A mean has no value for the last lead.
            count = len(expected) - (axis == "lead_time" and not instant and len(expected) > 1)
            found += finite(known, name, axis)[:, :count].mean(axis=1)
        shares = found / max(1, len(names))
        return [float(np.floor(share * 1e6) / 1e6) if share < 1.0 else 1.0 for share in shares]

    def _usual(self, block: pd.Timestamp) -> list[Record]:
        """Older runs of the same hour, which define the usual content of a run."""
        late = seconds(self.now - PATIENCE) - _DAY
        block_seconds = seconds(block)
        return [
            record
            for record in self.manifest.files
            if any(
                (other - block_seconds) % _DAY == 0 and other < late and other != block_seconds
                for other in record.blocks
            )
        ]

    def _names(self, joined: xr.Dataset, usual: Sequence[Record]) -> list[str]:
        known = {name for record in usual for name in record.variables} | {
            str(name) for name, values in joined.items() if bool(values.notnull().any())
        }
        return [name for name in self.source.variables if name in known or not usual]

    def _expected(self, block: pd.Timestamp, joined: xr.Dataset, usual: Sequence[Record]) -> Any:
        if isinstance(self.source, AnalysisSource):
            hours = pd.date_range(block, next_month(block), freq=step_of(self.source), inclusive="left")
            return timestamps.to_ns(hours)
        declared = self.source.leads(block)
        if declared is not None:
            return np.asarray(declared).astype("timedelta64[ns]")
        leads = joined["lead_time"].values
        if not usual:
            return leads
        present = np.any([finite(joined, str(name), "lead_time").any(axis=0) for name in joined], axis=0)
        reach = max([leads[present].max(), *(np.timedelta64(record.reach, "s") for record in usual)])
        axis = leads[leads <= reach]
        return axis if axis[-1] == reach else np.append(axis, reach)


def step_of(source: RunSource | AnalysisSource) -> pd.Timedelta:
    """Time between runs, or between the hours of an analysis."""
    return source.cycle if isinstance(source, RunSource) else source.step


def finite(weather: xr.Dataset, name: str, axis: str) -> npt.NDArray[np.bool_]:
    """Mask of values present in all members, shape (sites, axis); false for an absent variable."""
    if name not in weather:
        return np.zeros((weather.sizes["site"], weather.sizes[axis]), dtype=bool)
    finite = np.isfinite(weather[name].transpose("site", axis, ...).values)
    return np.asarray(finite.all(axis=tuple(range(2, finite.ndim))))


def seconds(moment: pd.Timestamp) -> int:
    """Seconds since 1970."""
    return int(moment.value // 1_000_000_000)


def next_month(month: pd.Timestamp) -> pd.Timestamp:
    """Beginning of the following month."""
    return month + pd.offsets.MonthBegin(1)
