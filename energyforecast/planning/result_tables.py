"""Columns of the tables of reserve and ramps."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from energyforecast.errors import SchemaError

__all__ = ["check_columns"]


def check_columns(table: pd.DataFrame, columns: Sequence[str], *, name: str, source: str) -> None:
    """Refuse a table that lacks one of the columns of a result."""
    absent = [column for column in columns if column not in table]
    if absent:
        raise SchemaError(
            f"The table {name!r} has no column {absent[0]!r}.",
            f"It must have {list(columns)}.",
            f"Give a result of {source}.",
        )
