"""Helpers of features that reach data outside their snapshot, in a module of their own."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

#: Power of all hours since :data:`START`, which a test sets. [MW]
POWER: npt.NDArray[Any] = np.zeros(0)
START = np.datetime64("2024-01-01", "ns")


def hour_of(valid_time: Any) -> npt.NDArray[np.int64]:
    """Hours since the first one of the archive, within its length."""
    hours = (np.asarray(valid_time).astype("datetime64[ns]") - START) // np.timedelta64(1, "h")
    return np.clip(hours.astype(np.int64), 0, 60 * 24 - 1)


def measured_at(valid_time: Any) -> npt.NDArray[Any]:
    """Power at given hours, from the archive of this module. [MW]"""
    return POWER[hour_of(valid_time)]


@lru_cache
def read_archive(path: Path) -> npt.NDArray[Any]:
    """Power of a file, which is read once. [MW]"""
    array: npt.NDArray[Any] = np.load(path)
    return array


class Archive:
    """Archive of measured power."""

    def __init__(self, power: npt.NDArray[Any]) -> None:
        self.power = power

    def at(self, valid_time: Any) -> npt.NDArray[Any]:
        """Power at given hours. [MW]"""
        return self.power[hour_of(valid_time)]
