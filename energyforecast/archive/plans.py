"""Tables of plans as JSON that gives the same tables back, number for number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.structured_text import parse_json
from energyforecast.errors import SchemaError

__all__ = ["from_json", "to_json"]


def to_json(frames: Mapping[str, pd.DataFrame]) -> str:
    """Tables by name; each column with its kind."""
    return json.dumps({name: _table(frame, name) for name, frame in frames.items()}, ensure_ascii=False)


def from_json(text: str) -> dict[str, pd.DataFrame]:
    """Tables that :func:`to_json` wrote."""
    return {name: _frame(table) for name, table in parse_json(text).items()}


def _table(frame: pd.DataFrame, name: str) -> dict[str, Any]:
    """Columns, and the index where it is more than a count."""
    if frame.columns.nlevels > 1 or frame.index.nlevels > 1:
        raise SchemaError(
            f"The table {name!r} of a plan has an index or columns of several levels.",
            "Tables of plans must have one index and one row of names.",
            "Use frame.reset_index().",
        )
    index = frame.index
    counted = isinstance(index, pd.RangeIndex) and index.equals(pd.RangeIndex(len(frame)))
    return {
        "index": None if counted else {"name": index.name} | _column(index.to_series(), name),
        "columns": [{"name": column} | _column(frame[column], name) for column in map(str, frame.columns)],
    }


def _column(series: pd.Series[Any], table: str) -> dict[str, Any]:
    """Kind and values: times in UTC as ISO text, a missing value as null."""
    kind = series.dtype
    if isinstance(kind, pd.DatetimeTZDtype) or kind.kind == "M":
        zone = "UTC" if isinstance(kind, pd.DatetimeTZDtype) else None
        times = np.datetime_as_string(timestamps.to_ns(series), unit="ns").tolist()
        return {"kind": "time", "zone": zone, "values": [None if text == "NaT" else text for text in times]}
    if kind.kind == "m":
        return {"kind": "duration", "values": [None if pd.isna(one) else one.value for one in series]}
    if kind.kind in "fiub":
        numbers = series.tolist()
        values = [None if isinstance(one, float) and np.isnan(one) else one for one in numbers]
        return {"kind": str(kind), "values": values}
    values = [None if pd.isna(one) else one for one in series.tolist()]
    if not all(one is None or isinstance(one, str | bool | int | float) for one in values):
        raise SchemaError(
            f"The column {series.name!r} of the table {table!r} holds a {type(values[0]).__name__}.",
            "Tables of plans must hold numbers, times, lengths of time and text.",
            "Convert the column.",
        )
    return {"kind": "text", "values": values}


def _frame(table: dict[str, Any]) -> pd.DataFrame:
    columns = {item["name"]: _series(item) for item in table["columns"]}
    index = table["index"]
    rows = len(next(iter(columns.values()))) if columns else 0
    labels = pd.RangeIndex(rows) if index is None else pd.Index(_series(index), name=index["name"])
    return pd.DataFrame({name: values.set_axis(labels) for name, values in columns.items()}, index=labels)


def _series(item: dict[str, Any]) -> pd.Series[Any]:
    values = item["values"]
    if item["kind"] == "time":
        times = np.array(values, dtype="datetime64[ns]")
        return pd.Series(timestamps.to_index(times) if item["zone"] else times)
    if item["kind"] == "duration":
        return pd.Series(pd.to_timedelta(values, unit="ns"))
    return pd.Series(values, dtype=None if item["kind"] == "text" else item["kind"])
