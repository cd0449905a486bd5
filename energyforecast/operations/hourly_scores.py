"""Scores of each hour of issued forecasts, and their means by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.evaluation.metrics import basic
from energyforecast.evaluation.pairing import Pairs

__all__ = [
    "INTERVAL",
    "empty",
    "joined",
    "lead_group",
    "means",
    "of_pairs",
    "plain",
    "records",
    "with_reference",
]

#: Probability of the interval of which coverage and width are given.
INTERVAL: Final = 0.8
_KEYS: Final = ["site", "issue_time", "valid_time"]
#: Ends of the groups of leads. [h]
_ENDS: Final = (6.0, 24.0, 48.0, 72.0, 168.0)
_GROUPS: Final = ("0-6 h", "6-24 h", "24-48 h", "48-72 h", "72-168 h", "over 168 h")
_POINTS: Final = {
    "mae": basic.mae.metrics()[0],
    "squared_error": basic.rmse.metrics()[0],
    "bias": basic.bias.metrics()[0],
    "crps": basic.crps.metrics()[0],
    "coverage": basic.coverage.metrics({"interval": INTERVAL})[0],
    "width": basic.width.metrics({"interval": INTERVAL})[0],
}
_LABELS: Final = (*_KEYS, "kind", "lead_time", "fallback_level", "capacity", "observed")


def of_pairs(pairs: Pairs) -> pd.DataFrame:
    """A row for each hour; scores that the levels of the forecast do not reach are NaN."""
    table = pairs.labels.rename(columns={"quality": "fallback_level"})
    table = table.assign(capacity=pairs.capacity, observed=pairs.observed)[list(_LABELS)]
    for name, metric in _POINTS.items():
        reached = metric.within(pairs.quantile_levels)
        table[name] = pairs.points(metric) if reached else np.full(len(pairs), np.nan)
    return table


def empty() -> pd.DataFrame:
    """The table without a row."""
    times = {name: pd.Series(dtype="datetime64[ns, UTC]") for name in ("issue_time", "valid_time")}
    words = {name: pd.Series(dtype=object) for name in ("site", "kind")}
    numbers = {name: pd.Series(dtype=float) for name in (*_LABELS, *_POINTS)}
    return pd.DataFrame(numbers | times | words | {"fallback_level": pd.Series(dtype=int)})[
        [*_LABELS, *_POINTS]
    ]


def with_reference(table: pd.DataFrame, pairs: Pairs | None, *, name: str) -> pd.DataFrame:
    """The table with the CRPS and absolute error of a reference at the same issues and hours, or NaN."""
    columns = {"crps": f"crps_{name}", "mae": f"mae_{name}"}
    if pairs is None:
        return table.assign(**dict.fromkeys(columns.values(), np.nan))
    other = of_pairs(pairs)[[*_KEYS, *columns]].rename(columns=columns)
    return table.merge(other, on=_KEYS, how="left")


def lead_group(lead_time: pd.Series[float]) -> pd.Series[str]:
    """Group of each lead time, such as 24-48 h; its beginning belongs to it."""
    place = np.searchsorted(_ENDS, lead_time.to_numpy(dtype=float), side="right")
    return pd.Series(np.array(_GROUPS, dtype=object)[place], index=lead_time.index, dtype=object)


def means(table: pd.DataFrame, *, by: Sequence[str], references: Sequence[str] = ()) -> pd.DataFrame:
    """Scores of each group, with the number of its hours."""
    labelled = table.assign(leads=lead_group(table["lead_time"]))
    rows = []
    for key, group in labelled.groupby(list(by), sort=False):
        rows.append(dict(zip(by, key, strict=True)) | _of_group(group, references))
    names = [*by, *_of_group(labelled, references)]
    found = pd.DataFrame(rows, columns=names)
    order = {name: rank for rank, name in enumerate(_GROUPS)}
    sites = {name: rank for rank, name in enumerate(dict.fromkeys(table["site"]))}
    ranks = {"site": sites, "leads": order}
    return found.sort_values(list(by), key=lambda one: one.map(ranks.get(one.name, lambda x: x))).reset_index(
        drop=True
    )


def _of_group(group: pd.DataFrame, references: Sequence[str]) -> dict[str, Any]:
    """Means of one group; percentages are of the capacity in service of each hour."""
    crps, capacity = group["crps"], group["capacity"]
    found: dict[str, Any] = {
        "mae": group["mae"].mean(),
        "rmse": float(np.sqrt(group["squared_error"].mean())),
        "bias": group["bias"].mean(),
        "crps": crps.mean(),
        "mae_percent": 100 * (group["mae"] / capacity).mean(skipna=False),
        "crps_percent": 100 * (crps / capacity).mean(skipna=False),
        "coverage": group["coverage"].mean(),
        "width": group["width"].mean(),
    }
    for name in references:
        found[f"skill_{name}"] = _skill(crps, group.get(f"crps_{name}"))
    return found | {"n": len(group)}


def _skill(crps: pd.Series[float], reference: pd.Series[float] | None) -> float:
    """1 - CRPS / CRPS of the reference, over the hours that both have."""
    if reference is None or not (both := reference.notna() & crps.notna()).any():
        return float("nan")
    base = reference[both].mean()
    return float(1 - crps[both].mean() / base) if base > 0 else float("nan")


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of coarser and finer groups under one another; labels that a table lacks are empty."""
    keys = ["site", "leads", "fallback_level"]
    scores = [name for name in tables[0].columns if name not in keys]
    filled = []
    for table in tables:
        labels = {name: table[name].astype(object) if name in table else "" for name in keys}
        filled.append(table.assign(**labels)[[*keys, *scores]])
    return pd.concat(filled, ignore_index=True)


def records(frame: pd.DataFrame, *, digits: int = 6) -> list[Mapping[str, Any]]:
    """Rows for a file of JSON: missing numbers are None, moments are ISO text."""
    return [
        {str(name): plain(value, digits) for name, value in row.items()} for row in frame.to_dict("records")
    ]


def plain(value: Any, digits: int = 6) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, pd.Timestamp):
        return None if pd.isna(value) else f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(value, digits) if np.isfinite(value) else None
    return value
