"""One design matrix of parts with the same sites and other origins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from energyforecast.core.forecast_windows import Windows
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.row_capacity import RowCapacity

__all__ = ["join_origins"]


def join_origins(parts: Sequence[DesignMatrix], windows: Windows) -> DesignMatrix:
    """One matrix of parts with the same sites, in order of issue.

    Parameters
    ----------
    parts : sequence of DesignMatrix
    windows : Windows
        Windows of all their origins, in order of issue.
    """
    issued = np.concatenate([part.windows.issue_time for part in parts])
    order = np.argsort(issued, kind="stable")
    rank = np.argsort(order, kind="stable")
    lengths = np.cumsum([0, *(len(part.windows.issue_time) for part in parts)])
    origin = np.concatenate([part.origin + begin for part, begin in zip(parts, lengths, strict=False)])
    rows = np.argsort(rank[origin], kind="stable")

    def by_origin(attribute: str) -> dict[Any, Any]:
        first = getattr(parts[0], attribute)
        return {
            key: np.concatenate([getattr(part, attribute)[key] for part in parts])[order] for key in first
        }

    def frames(attribute: str) -> dict[str, pd.DataFrame]:
        first = getattr(parts[0], attribute)
        whole = {key: pd.concat([getattr(part, attribute)[key] for part in parts]) for key in first}
        return {key: frame.iloc[rows].reset_index(drop=True) for key, frame in whole.items()}

    hubs = {key: [part.hub_wind[key] for part in parts] for key in parts[0].hub_wind}
    members = {key: [frame for part in parts for frame in part.members[key]] for key in parts[0].members}
    capacity = [part.capacity for part in parts if part.capacity is not None]
    return DesignMatrix(
        windows=windows,
        columns=frames("columns"),
        physics=frames("physics"),
        origin=np.nonzero(windows.inside)[0],
        usable_at=by_origin("usable_at"),
        weather_init_time=by_origin("weather_init_time"),
        skipped=by_origin("skipped"),
        has_history=by_origin("has_history"),
        newest_observation=by_origin("newest_observation"),
        hub_wind={
            key: np.concatenate(each)[rows if len(each[0]) else slice(0)] for key, each in hubs.items()
        },
        members={key: tuple(each[k] for k in order) for key, each in members.items()},
        refusal=next((part.refusal for part in parts if part.refusal is not None), None),
        weather_steps=parts[0].weather_steps,
        capacity=RowCapacity.joined(capacity).of_rows(rows) if capacity else None,
    )
