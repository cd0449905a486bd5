"""Text in tables that people open in a spreadsheet: none of it is a formula there."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

__all__ = ["plain_text", "without_formulas"]

#: Beginnings that a spreadsheet takes for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def plain_text(cell: Any) -> Any:
    """Text that no spreadsheet takes for a formula: with an apostrophe before it if necessary."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Table of which no heading and no text of a cell is a formula; numbers and times stay.

    Examples
    --------
    >>> without_formulas(pd.DataFrame({"site": ["=1+1", "farm"], "q0.5": [-1.0, 2.0]}))
        site  q0.5
    0  '=1+1  -1.0
    1   farm   2.0
    """
    table = frame.copy(deep=False)
    for place in range(table.shape[1]):
        cells = table.iloc[:, place]
        if pd.api.types.is_object_dtype(cells.dtype) or pd.api.types.is_string_dtype(cells.dtype):
            table.isetitem(place, [plain_text(cell) for cell in cells])
    table.columns = pd.Index([plain_text(name) for name in table.columns])
    return table
