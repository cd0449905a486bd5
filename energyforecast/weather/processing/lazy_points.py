"""Single cells of lazy arrays, read chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import xarray as xr

from energyforecast.weather.processing.grid_cells import Floats, Ints

__all__ = ["read_points"]

#: Largest block that is read at once. [bytes]
_BLOCK: Final = 1 << 26


def read_points(values: xr.DataArray, cells: Ints, *, dims: tuple[str, str] | None = None) -> Floats:
    """Values of single cells of a lazy array: each chunk is read once, and cells are picked in memory."""
    rows, columns = dims or (str(values.dims[-2]), str(values.dims[-1]))
    ordered = values.transpose(..., rows, columns)
    row, column = np.divmod(np.asarray(cells), ordered.sizes[columns])
    high, wide = (_chunk(values, dim) for dim in (rows, columns))
    result: Any = np.empty((*ordered.shape[:-2], len(row)), dtype=values.dtype)
    key = (row // high) * (ordered.sizes[columns] // wide + 1) + column // wide
    order = np.argsort(key, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
        top, left = (int(place[members].min()) for place in (row, column))
        box = {
            rows: slice(top, int(row[members].max()) + 1),
            columns: slice(left, int(column[members].max()) + 1),
        }
        block = ordered.isel(box)
        for part in _parts(block, values):
            read = block.isel(part).values
            where: tuple[Any, ...] = tuple(part.get(str(dim), slice(None)) for dim in block.dims[:-2])
            result[(*where, members)] = read[..., row[members] - top, column[members] - left]
    return np.asarray(result)


def _chunk(values: xr.DataArray, dim: str) -> int:
    """Cells of a chunk along a dimension; all of them where there are no chunks."""
    chunks = values.encoding.get("preferred_chunks", {})
    if chunks.get(dim):
        return int(chunks[dim])
    sizes = values.encoding.get("chunks") or values.encoding.get("chunksizes")
    stored = values.encoding.get("source_dims", values.dims)
    return int(sizes[stored.index(dim)]) if sizes else int(values.sizes[dim])


def _parts(block: xr.DataArray, values: xr.DataArray) -> Iterator[dict[str, slice]]:
    """Slices along the first dimension that fit into memory, cut where chunks end."""
    size = block.size * block.dtype.itemsize
    if size <= _BLOCK or block.ndim == 2:
        yield {}
        return
    dim = str(block.dims[0])
    chunk = _chunk(values, dim)
    step = max(1, int(block.sizes[dim] * _BLOCK / size) // chunk) * chunk
    for begin in range(0, block.sizes[dim], step):
        yield {dim: slice(begin, begin + step)}
