"""Outcomes by hour, matched exactly with the hours that are planned."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import pandas as pd

from energyforecast.core.alignment import by_hour
from energyforecast.core.observation_series import Observations

__all__ = ["outcomes_by_hour"]

Array = npt.NDArray[Any]


def outcomes_by_hour(observed: Observations | pd.Series, hours: pd.DatetimeIndex, *, site: str) -> Array:
    """Observed power at each hour; NaN where it is missing or flagged. [MW]"""
    if isinstance(observed, Observations):
        return observed.value_at(site, hours)
    return by_hour(observed, hours, what=f"outcomes of site {site!r}")
