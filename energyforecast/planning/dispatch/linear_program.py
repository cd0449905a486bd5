"""Linear and mixed-integer programs for HiGHS, composed of blocks of columns and rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from energyforecast.errors import require

__all__ = ["Program", "Solution"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Solution:
    """Values of the columns and shadow prices of the rows at the optimum."""

    values: Array
    prices: Array


class Program:
    """Minimise a cost over columns within bounds, subject to rows within bounds."""

    # Linopy, which PyPSA uses, aligns each block of rows by its labels: it takes seconds to compose a program that
    # HiGHS solves in a tenth of one. Here blocks are numbered arrays from the start.
    def __init__(self) -> None:
        self._columns: list[tuple[Array, Array, Array, Array]] = []
        self._rows: list[tuple[Array, Array]] = []
        self._entries: list[tuple[Array, Array, Array]] = []
        self._width = self._height = 0

    def columns(
        self,
        shape: tuple[int, ...],
        *,
        lower: Any = 0.0,
        upper: Any = np.inf,
        cost: Any = 0.0,
        integer: bool = False,
    ) -> Array:
        """Numbers of new columns, in that shape; bounds and costs are broadcast to it."""
        size = int(np.prod(shape))
        parts = (np.broadcast_to(part, shape).ravel() for part in (lower, upper, cost, integer))
        self._columns.append(tuple(parts))  # type: ignore[arg-type]
        self._width += size
        return np.arange(self._width - size, self._width).reshape(shape)

    def rows(self, shape: tuple[int, ...], *, lower: Any = -np.inf, upper: Any = np.inf) -> Array:
        """Numbers of new rows, in that shape; bounds are broadcast to it."""
        size = int(np.prod(shape))
        self._rows.append((np.broadcast_to(lower, shape).ravel(), np.broadcast_to(upper, shape).ravel()))
        self._height += size
        return np.arange(self._height - size, self._height).reshape(shape)

    def put(self, rows: Array, columns: Array, value: Any = 1.0) -> None:
        """Add coefficients of columns in rows; all three are broadcast to one shape."""
        shaped = np.broadcast_arrays(rows, columns, value)
        self._entries.append((shaped[0].ravel(), shaped[1].ravel(), shaped[2].ravel()))

    def solve(self) -> Solution | None:
        """The optimum, or None for an infeasible program."""
        highspy = require("highspy", extra="planning", purpose="Plans are optimised by HiGHS.")
        lower, upper, cost, integer = (_joined(parts) for parts in zip(*self._columns, strict=True))
        row_lower, row_upper = (_joined(parts) for parts in zip(*self._rows, strict=True))
        rows, columns, values = (_joined(parts) for parts in zip(*self._entries, strict=True))
        matrix = sparse.csc_matrix((values.astype(float), (rows, columns)), (self._height, self._width))
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = self._width, self._height
        program.col_lower_, program.col_upper_ = lower.astype(float), upper.astype(float)
        program.col_cost_ = cost.astype(float)
        program.row_lower_, program.row_upper_ = row_lower.astype(float), row_upper.astype(float)
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
        program.a_matrix_.value_ = matrix.data
        if integer.any():
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            program.integrality_ = [kinds[int(whole)] for whole in integer]
        return _solved(highspy, program)


def _joined(parts: Iterable[Array]) -> Array:
    return np.concatenate(list(parts))


def _solved(highspy: Any, program: Any) -> Solution | None:
    # highspy.Highs prints a heading while it is made; its base, without callbacks, can be silenced before.
    solver = highspy.Highs.__base__()
    solver.setOptionValue("output_flag", False)
    # Integers are rare, and a plan within a thousandth of the optimum is good enough.
    solver.setOptionValue("mip_rel_gap", 1e-3)
    solver.passModel(program)
    solver.run()
    status = solver.getModelStatus()
    infeasible = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)
    if status in infeasible:
        return None
    if status != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"HiGHS ended with {solver.modelStatusToString(status)}.")
    found = solver.getSolution()
    return Solution(values=np.asarray(found.col_value), prices=np.asarray(found.row_dual))
