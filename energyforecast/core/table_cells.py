"""Cells of a table: numbers and stamps that files write as text, of which none is guessed and none dropped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.core.table_format import TableFormat
from energyforecast.errors import SchemaError, TimeError

__all__ = ["all_have_offset", "is_of_numbers", "numbers", "refuse_codes"]

#: Signs of decimals and of thousands that files use; the first of several with the same result is proposed.
_SIGNS: Final = tuple(
    (decimal, group) for decimal in (".", ",") for group in (None, ",", ".", " ", "'") if group != decimal
)
#: Numbers with a unit or a mark, and words in place of a number: a column of them is one of measurements.
_NEARLY: Final = (
    r"(?i)[<>~]?\s*[+-]?\d[\d.,]*\s*([kMG]?Wh?|%)?"
    r"|[-?]+|#\S+|no ?data|bad|error|fault|missing|offline|n\.?/?a\.?"
)
#: Numbers in place of a missing value; 99 itself is too small to be told from power.
_CODES: Final = (
    *(
        99.9,
        99.99,
        999.0,
        999.9,
        999.99,
        9999.0,
        9999.9,
        9999.99,
        99999.0,
        99999.9,
        999999.0,
        9999999.0,
        99999999.0,
    ),
    *(
        6999.0,
        7999.0,
        8888.0,
        32767.0,
        32768.0,
        65535.0,
        2147483647.0,
        2147483648.0,
        4294967295.0,
        999999999.0,
    ),
)
#: Numbers beyond any power, as -1e30 and the fill value of NetCDF, 9.97e36.
_BEYOND: Final = 1e12
_EMPTY: Final = ("", "nan")
_OFFSET: Final = re.compile(r"\d ?(?:Z|UTC|GMT)$|\d[T ]\d.*[+-]\d{2}(?::?\d{2})?$")


def is_of_numbers(column: pd.Series, form: TableFormat) -> bool:
    """Whether a column holds a number, or text in place of numbers; other text describes the rows."""
    if pd.api.types.is_numeric_dtype(column):
        return not pd.api.types.is_bool_dtype(column)
    if column.dtype.kind in "mM":
        return False
    text = _text(column, form)
    return bool(_parsed(column, form.decimal, form.thousands).notna().any()) or (
        bool(text.notna().any()) and bool(text.dropna().str.fullmatch(_NEARLY).all())
    )


def numbers(column: pd.Series, form: TableFormat) -> pd.Series:
    """Numbers of a column, read with the declared signs; missing where a cell is empty or a declared mark.

    Raises
    ------
    SchemaError
        If a cell is no number: with column, row and text.
    """
    if pd.api.types.is_numeric_dtype(column):
        return _without(column, _codes(form)) if form.missing else column
    values, text = _parsed(column, form.decimal, form.thousands), _text(column, form)
    bad = np.flatnonzero(values.isna() & text.notna())
    if len(bad):
        raise _no_number(column, text, row=int(bad[0]), form=form).at(rows=bad, columns=[column.name])
    return _without(values.where(text.notna()), _codes(form))


def _without(values: pd.Series, codes: Sequence[float]) -> pd.Series:
    """Values, missing where they are a code: to twelve digits, for text is rounded when it is read."""
    cells = values.to_numpy(dtype=float)[:, None]
    return values.mask(np.isclose(cells, np.asarray(codes)[None, :], rtol=1e-12, atol=0.0).any(axis=1))


def refuse_codes(values: pd.Series) -> None:
    """Refuse -99, -9999, 9999 and the like, which loggers write in place of a missing value.

    Only where no other value is beyond half of it, so that a plant that gives 9999 kW may do so.

    Raises
    ------
    SchemaError
        If the column holds such a number.
    """
    is_code = values.isin([*_CODES, -99.0, *(-code for code in _CODES)]) | (values.abs() >= _BEYOND)
    others = values[~is_code].dropna()
    for code in values[is_code].unique() if len(others) else ():
        if (others.max() < code / 2) if code > 0 else (others.min() > code / 2):
            where, mark = np.flatnonzero(values == code), f"{code:.10g}"
            mark = mark if float(mark) == code else repr(float(code))
            raise SchemaError(
                f"The column {str(values.name)!r} holds {mark} in {len(where)} rows, from row {where[0] + 1}; "
                f"its other values lie between {others.min():g} and {others.max():g}.",
                "A number in place of a missing value must be declared.",
                f"Give missing=['{mark}'] in the format, or correct the rows.",
            ).at(rows=where, columns=[values.name])


def all_have_offset(stamps: pd.Index | pd.Series) -> bool:
    """Whether stamps carry an offset from UTC: all or none of them.

    Raises
    ------
    TimeError
        If some do and others do not.
    """
    text = pd.Series(np.asarray(stamps, dtype=object)).dropna().astype(str).str.strip()
    given = text.map(lambda stamp: _OFFSET.search(stamp) is not None).astype(bool)
    if given.any() and not given.all():
        bare = int(text.index[~given][0])
        raise TimeError(
            f"{given.sum()} stamps have an offset, the first {text[given].iloc[0]!r}, and {(~given).sum()} have none, "
            f"the first {text[bare]!r} in row {bare + 1}.",
            "All stamps of a column must carry their offset from UTC, or none of them.",
            "Write its own offset behind each stamp, as in '2024-03-01 00:00+06:00'.",
        ).at(rows=text.index[given if given.mean() < 0.5 else ~given])
    return bool(given.any())


def _codes(form: TableFormat) -> list[float]:
    """Numbers among the declared marks of a missing value."""
    marks = pd.Series(list(form.missing), dtype=object)
    return [float(mark) for mark in _parsed(marks, form.decimal, form.thousands).dropna()]


def _text(column: pd.Series, form: TableFormat) -> pd.Series:
    """Cells as text, missing where they are empty or hold a declared mark."""
    text = column.astype(object).where(column.notna())
    text = text.map(lambda cell: str(cell).strip(), na_action="ignore")
    return text.where(
        ~text.str.lower().isin(_EMPTY) & ~text.isin([str(mark).strip() for mark in form.missing])
    )


def _parsed(column: pd.Series, decimal: str, thousands: str | None) -> pd.Series:
    """Numbers of a column with the given signs; NaN where a cell is none."""
    column = column.astype(object)
    is_text = column.map(lambda cell: isinstance(cell, str)).astype(bool)
    text = column.where(is_text, "").astype(str).str.strip()
    values = text.where(text.str.fullmatch(_number(decimal, thousands)))
    if thousands is not None:
        values = values.str.replace(_group(thousands), "", regex=True)
    values = values.str.replace(decimal, ".", regex=False)
    return values.where(is_text, column.map(_floated)).pipe(pd.to_numeric, errors="coerce").astype(float)


def _floated(cell: Any) -> Any:
    """A whole number that has more digits than those of the processor as a fraction, which may be infinite."""
    try:
        return float(cell) if type(cell) is int else cell
    except OverflowError:
        return np.inf if cell > 0 else -np.inf


def _number(decimal: str, thousands: str | None) -> str:
    """Pattern of a number; groups between signs of thousands have three digits."""
    whole, point = r"\d+", re.escape(decimal)
    if thousands is not None:
        whole = rf"(?:\d{{1,3}}(?:{_group(thousands)}\d{{3}})+|\d+)"
    return rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"


def _group(thousands: str) -> str:
    """Pattern of the sign between groups of three digits; a blank may be a narrow one."""
    return r"\s" if thousands.isspace() else re.escape(thousands)


def _no_number(column: pd.Series, text: pd.Series, *, row: int, form: TableFormat) -> SchemaError:
    cell, stamp = text.iloc[row], column.index[row]
    place = f"row {row + 1}" if isinstance(column.index, pd.RangeIndex) else f"row {row + 1} ({stamp})"
    return SchemaError(
        f"The column {str(column.name)!r} holds {cell!r} in {place}.",
        "A column of numbers must hold numbers with the declared signs, empty cells and declared marks alone.",
        _remedy(column, text, cell=cell, form=form),
    )


def _remedy(column: pd.Series, text: pd.Series, *, cell: str, form: TableFormat) -> str:
    """Signs with which the whole column is numbers, with the value of the cell if several have that; else a mark."""
    readings: dict[float, str] = {}
    for decimal, thousands in _SIGNS:
        if _parsed(column, decimal, thousands)[text.notna()].notna().all():
            value = float(_parsed(pd.Series([cell], dtype=object), decimal, thousands).iloc[0])
            readings.setdefault(value, _as_arguments(decimal, thousands, form))
    if len(readings) == 1:
        return f"Give {next(iter(readings.values()))}."
    if readings:
        return (
            "Give "
            + ", or ".join(f"{signs} if {cell!r} is {value:g}" for value, signs in readings.items())
            + "."
        )
    return (
        f"Correct the cell, give missing=[{cell!r}] if it marks a missing value, or columns=[...] without it."
    )


def _as_arguments(decimal: str, thousands: str | None, form: TableFormat) -> str:
    """Arguments that differ from the declared signs."""
    wanted = {"decimal": decimal, "thousands": thousands}
    return ", ".join(f"{name}={sign!r}" for name, sign in wanted.items() if sign != getattr(form, name))
