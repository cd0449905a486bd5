"""Scores by week: of a backtest, as manifests of models keep them, and of issued forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

__all__ = ["LENGTH", "blocks_of_hours", "common_hours", "frame_of"]

#: Length of a block: days of one week of weather are alike, weeks hardly.
LENGTH: Final = pd.Timedelta("7D")
_COLUMNS: Final = ("site", "crps", "crps_climatology", "coverage", "n")
#: Share of the hours, and of the days, of a block that must have a score.
_SHARE: Final = 0.5


def common_hours(hours: pd.DataFrame) -> pd.DataFrame:
    """Hours that have the score of climatology, at sites where at least half have it; all hours of other sites.

    The CRPS and that of climatology are then means over the same hours; sites with few of these have none to compare.
    """
    if "crps_climatology" not in hours:
        return hours
    known = hours["crps_climatology"].notna()
    often = known.groupby(hours["site"]).transform("mean") >= _SHARE
    return hours.assign(crps_climatology=hours["crps_climatology"].where(often))[known | ~often]


def blocks_of_hours(hours: pd.DataFrame, *, until: pd.Timestamp) -> pd.DataFrame:
    """Weekly means of hourly scores, counted back from a moment; weeks with few hours are left out."""
    if hours.empty:
        return pd.DataFrame(columns=list(_COLUMNS))
    hours = common_hours(hours)
    number = np.ceil((until - hours["valid_time"]) / LENGTH).astype(int)
    labelled = hours.assign(begin=until - LENGTH * number)
    most = labelled.groupby(["site", "begin"]).size().groupby("site").max()
    rows: list[Mapping[str, Any]] = []
    for (site, _), group in labelled.groupby(["site", "begin"], sort=True):
        days = group["valid_time"].dt.floor("D").nunique()
        if len(group) >= _SHARE * most[site] and days * pd.Timedelta("1D") >= _SHARE * LENGTH:
            rows.append({"site": site} | _means(group))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _means(group: pd.DataFrame) -> dict[str, Any]:
    return {
        "crps": group["crps"].mean(),
        "crps_climatology": group["crps_climatology"].mean() if "crps_climatology" in group else float("nan"),
        "coverage": group["coverage"].mean(),
        "n": len(group),
    }


def frame_of(blocks: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Blocks of a manifest as a table; those with few hours are left out."""
    table = pd.DataFrame([{name: block.get(name) for name in _COLUMNS} for block in blocks])
    if table.empty:
        return pd.DataFrame(columns=list(_COLUMNS))
    numbers = [name for name in _COLUMNS if name != "site"]
    table[numbers] = table[numbers].astype(float)
    most = table.groupby("site")["n"].transform("max")
    return table[table["crps"].notna() & (table["n"] >= _SHARE * most)]
