"""Many rows at once: each database by its quickest way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa

from energyforecast.core import timestamps

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["insert", "moments", "numbers"]

#: Types of PostgreSQL's binary COPY by that of the column.
_TYPES: Final[dict[type, str]] = {
    sa.BigInteger: "int8",
    sa.Integer: "int4",
    sa.Text: "text",
    sa.Double: "float8",
    sa.REAL: "float4",
    sa.LargeBinary: "bytea",
}


def moments(connection: Connection, times: Any) -> list[Any]:
    """Moments in the form of the driver; None for NaT."""
    unique, place = np.unique(timestamps.to_ns(times).astype("datetime64[us]"), return_inverse=True)
    if connection.dialect.name == "sqlite":
        texts = np.datetime_as_string(unique, unit="us").tolist()
        made = [None if text == "NaT" else text.replace("T", " ") for text in texts]
    else:
        made = [None if pd.isna(moment) else moment.to_pydatetime() for moment in timestamps.to_index(unique)]
    return [made[k] for k in place.tolist()]


def numbers(values: Any) -> list[float | None]:
    """Numbers in the form of the driver; None for NaN."""
    return [None if number != number else number for number in np.asarray(values, dtype=float).tolist()]  # noqa: PLR0124


def insert(
    connection: Connection, table: sa.Table, rows: Iterable[Sequence[Any]], *, columns: Sequence[str]
) -> None:
    """Insert rows of values in the form of the driver."""
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({names}) VALUES ({marks})",  # noqa: S608  (fixed names)
            [tuple(row) for row in rows],
        )
        return
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([_type_of(table.c[name]) for name in columns])
        for row in rows:
            copy.write_row(row)


def _type_of(column: sa.Column[Any]) -> str:
    return _TYPES.get(type(column.type), "timestamptz")
