"""Standard load profiles of German grid operators, from the package `demandlib <https://demandlib.readthedocs.io>`_."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import require

__all__ = ["LOAD_PROFILES", "Array", "LoadProfile", "profile_at"]

Array = npt.NDArray[Any]

#: Households (H), with PV (P) and with a battery (S), trade and industry (G), farms (L): those of 2025, then of 1999.
LoadProfile: TypeAlias = Literal[
    "H25", "P25", "S25", "G25", "L25", "H0", "G0", "G1", "G2", "G3", "G4", "G5", "G6", "L0", "L1", "L2"
]
LOAD_PROFILES: Final[tuple[LoadProfile, ...]] = get_args(LoadProfile)
#: Profiles that are multiplied by a factor of the day of the year.
_DYNAMIC: Final = ("H25", "P25", "S25", "H0")
_QUARTERS: Final = 96
#: Days of the tables of 2025, and numbers of the weekday in those of 1999: working day, Saturday, Sunday and holidays.
_KINDS: Final = ("WT", "SA", "FT")
_WEEKDAYS: Final = (1, 6, 7)
#: Month and day from which each season of the profiles of 1999 lasts.
_SEASONS: Final = (
    (101, "winter"),
    (321, "transition"),
    (515, "summer"),
    (915, "transition"),
    (1101, "winter"),
)
#: Year whose mean is 1.
_YEAR: Final = np.arange("2025-01-01", "2026-01-01", dtype="datetime64[D]")


class _Table(NamedTuple):
    """Demand by period of the year, kind of day and quarter of an hour, and a factor for each day of the year."""

    values: Array
    #: Month and day from which each period lasts.
    begins: Array
    factor: Array

    def at(self, day: Array, kind: Array, quarter: Array) -> Array:
        """Demand of quarters of hours of local days."""
        month = day.astype("datetime64[M]")
        of_month = (day - month.astype("datetime64[D]")).astype(np.int64) + 1
        number = 100 * (month.astype(np.int64) % 12 + 1) + of_month
        of_year = (day - day.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
        period = np.searchsorted(self.begins, number, side="right") - 1
        return np.asarray(self.values[period, kind, quarter] * self.factor[of_year])


def profile_at(profile: LoadProfile, day: Array, *, kind: Array, hour: Array, step: float) -> Array:
    """Standard load profile of intervals, in parts of its mean of a year.

    Parameters
    ----------
    profile : str
        One of :data:`LOAD_PROFILES`.
    day : array of datetime64[D]
        Local day at the beginning of each interval.
    kind : array of int
        Kind of the day: 0 a working day, 1 a Saturday, 2 a Sunday or holiday.
    hour : array
        Local hour of the day at the beginning. [h]
    step : float
        Length of the intervals. [h]

    Raises
    ------
    DependencyError
        If demandlib, the extra ``profiles``, is not installed.

    References
    ----------
    BDEW (2025), Standardlastprofile Strom, https://www.bdew.de/energie/standardlastprofile-strom/

    Examples
    --------
    >>> noon = np.array([12.0]), np.array(["2025-01-08"], dtype="datetime64[D]")
    >>> [round(profile_at("G25", noon[1], kind=np.array([k]), hour=noon[0], step=1.0).item(), 2) for k in (0, 2)]
    [2.13, 0.63]
    """
    table = _table(profile)
    # Quarters are constant: an hour has four, ten minutes lie in two.
    parts = round(4 * step) if abs(4 * step - round(4 * step)) < 1e-9 else max(1, round(12 * step))
    total = np.zeros(np.broadcast(day, hour).shape)
    for part in range(parts):
        quarter = np.floor(4 * (hour + (part + 0.5) * step / parts) + 1e-9).astype(np.int64) % _QUARTERS
        total += table.at(day, kind, quarter)
    return total / parts


@lru_cache(maxsize=len(LOAD_PROFILES))
def _table(profile: LoadProfile) -> _Table:
    """Table of a profile with a mean of 1 in a year without holidays."""
    bdew = require("demandlib.bdew", extra="profiles", purpose=f"The load profile {profile} is read from it.")
    folder = resources.files("demandlib.bdew") / "bdew_data"
    new = profile.endswith("25")
    with (folder / (f"{profile.lower()}.csv" if new else "selp_series.csv")).open(encoding="utf-8") as file:
        found = _of_2025(file) if new else _of_1999(file, profile.lower())
    factor = np.ones(366)
    if profile in _DYNAMIC:
        leap = pd.date_range("2024-01-01", "2024-12-31", freq="D")
        factor = np.asarray(bdew.H25.dynamisation_function(leap), dtype=np.float64)
    table = _Table(*found, factor)
    kind = np.maximum((_YEAR.astype(np.int64) + 3) % 7 - 4, 0)
    mean = table.at(_YEAR[:, None], kind[:, None], np.arange(_QUARTERS)).mean()
    return table._replace(values=table.values / mean)


def _of_2025(file: Any) -> tuple[Array, Array]:
    """Demand by month, kind of day and quarter."""
    frame = pd.read_csv(file, header=[0, 1], index_col=0)
    months = list(dict.fromkeys(frame.columns.get_level_values(0)))  # in their order
    values = [[frame[month, kind].to_numpy(dtype=np.float64) for kind in _KINDS] for month in months]
    return np.array(values), 100 * np.arange(1, 13) + 1


def _of_1999(file: Any, name: str) -> tuple[Array, Array]:
    """Demand by season, kind of day and quarter."""
    frame = pd.read_csv(file, usecols=["period", "weekday", name])
    by_day = {
        key: rows[name].to_numpy(dtype=np.float64) for key, rows in frame.groupby(["period", "weekday"])
    }
    values = [[by_day[season, weekday] for weekday in _WEEKDAYS] for _, season in _SEASONS]
    return np.array(values), np.array([begin for begin, _ in _SEASONS])
