"""Scores by week: of a backtest, as manifests of models keep them, and of issued forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.evaluation.result import Result
from energyforecast.operations import hourly_scores

__all__ = ["LENGTH", "blocks_of_hours", "blocks_of_result", "frame_of"]

#: Length of a block: days of one week of weather are alike, weeks hardly.
LENGTH: Final = pd.Timedelta("7D")
_COLUMNS: Final = ("site", "begin", "crps", "crps_percent", "reference", "coverage", "n")
#: Share of the hours of a block that must have a score.
_SHARE: Final = 0.5


def blocks_of_result(result: Result, *, model: str, reference: str = "Climatology") -> list[dict[str, Any]]:
    """Weekly scores of a model of a backtest, for its manifest.

    Parameters
    ----------
    result : Result
    model : str
        Name of the model in the result.
    reference : str
        Name of the reference, if the result has it.

    Returns
    -------
    list of dict
        ``site``, ``begin`` (of the week, UTC), ``crps`` [MW], ``crps_percent`` (of the capacity; None without one),
        ``reference`` (CRPS of the reference on the same hours [MW], or None), ``coverage`` of the central 80 % interval
        [1], and the number of hours ``n``; from the newest week back.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> [(row["site"], row["begin"], row["n"]) for row in blocks_of_result(example_result(), model="model")]
    [('farm', '2023-12-27T00:00:00Z', 24)]
    """
    hours = hourly_scores.of_pairs(result.pairs[model])
    base = result.pairs.get(reference)
    hours = hourly_scores.with_reference(hours, base, name="climatology")
    step = pd.Timedelta(result.pairs[model].step, "h")
    end = hours["valid_time"].max() + step if len(hours) else pd.NaT
    return [dict(row) for row in hourly_scores.records(blocks_of_hours(hours, until=end, share=0.0))]


def blocks_of_hours(hours: pd.DataFrame, *, until: pd.Timestamp, share: float = _SHARE) -> pd.DataFrame:
    """Weekly means of hourly scores, counted back from a moment; weeks with few hours are left out."""
    if hours.empty:
        return pd.DataFrame(columns=list(_COLUMNS))
    number = np.ceil((until - hours["valid_time"]) / LENGTH).astype(int)
    labelled = hours.assign(begin=until - LENGTH * number)
    most = labelled.groupby(["site", "begin"]).size().groupby("site").max()
    rows: list[Mapping[str, Any]] = []
    for (site, begin), group in labelled.groupby(["site", "begin"], sort=True):
        if len(group) >= share * most[site]:
            rows.append({"site": site, "begin": begin} | _means(group))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _means(group: pd.DataFrame) -> dict[str, Any]:
    base = group.get("crps_climatology", pd.Series(dtype=float))
    both = group.loc[base.notna()] if len(base) else group.iloc[:0]
    return {
        "crps": group["crps"].mean(),
        "crps_percent": 100 * (group["crps"] / group["capacity"]).mean(skipna=False),
        "reference": both["crps_climatology"].mean() if len(both) else float("nan"),
        "coverage": group["coverage"].mean(),
        "n": len(group),
    }


def frame_of(blocks: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Blocks of a manifest as a table."""
    return pd.DataFrame(list(blocks), columns=list(_COLUMNS))
