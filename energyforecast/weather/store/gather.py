"""Many archive files as one lazy dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from energyforecast.core import timestamps
from energyforecast.weather.store.archive_files import Piece, held
from energyforecast.weather.store.manifest import Manifest, Record

__all__ = ["gathered"]

_DIMS: Final = {
    "forecast": ("site", "init_time", "lead_time"),
    "analysis": ("site", "time"),
}
_NAT: Final = np.datetime64("NaT", "ns")
Array = npt.NDArray[Any]


def gathered(
    manifest: Manifest, *, sites: Sequence[str], start: int | None = None, end: int | None = None
) -> xr.Dataset | None:
    """Archived weather of some sites, with runs or hours in [start, end); ``None`` if the archive has none.

    Parameters
    ----------
    manifest : Manifest
    sites : sequence of str
    start, end : int, optional
        [s since 1970]

    Returns
    -------
    Dataset or None
        Where pieces overlap, the value that came first.

    Examples
    --------
    >>> gathered(Manifest(folder=Path("nowhere"), source="calm", kind="forecast"), sites=["farm"]) is None
    True
    """
    paths = [manifest.path(record.name) for record in _touched(manifest, set(sites), start, end)]
    if not paths:
        return None
    pieces = [held(path) for path in paths]
    dims = _DIMS[manifest.kind]
    rows = dims[1]
    axes = {"site": pd.Index(sites), **{dim: _union(dim, pieces) for dim in (*dims[1:], "member")}}
    axes[rows] = _between(axes[rows], start, end)
    axes = {dim: axis for dim, axis in axes.items() if len(axis)}
    if rows not in axes:
        return None
    return _dataset(pieces, paths, axes, dims, manifest)


def _touched(manifest: Manifest, sites: set[str], start: int | None, end: int | None) -> list[Record]:
    """Pieces with any of the sites and runs; a month of an analysis reaches to the next month."""
    reach = 31 * 86_400 if manifest.kind == "analysis" else 0
    return [
        record
        for record in manifest.pieces
        if sites.intersection(record.sites)
        and (start is None or record.blocks[-1] + reach >= start)
        and (end is None or record.blocks[0] < end)
    ]


def _union(dim: str, pieces: Iterable[Piece]) -> pd.Index:
    """Labels of all pieces along a dimension, rising; empty if none has it."""
    found = [piece.coords[dim].values for piece in pieces if dim in piece.coords]
    return pd.Index(np.unique(np.concatenate(found))) if found else pd.Index([])


def _between(axis: pd.Index, start: int | None, end: int | None) -> pd.Index:
    seconds = timestamps.to_ns(axis.to_numpy()).astype("datetime64[s]").astype(np.int64)
    inside = np.ones(len(axis), dtype=bool)
    if start is not None:
        inside &= seconds >= start
    if end is not None:
        inside &= seconds < end
    return axis[inside]


def _dataset(
    pieces: Sequence[Piece],
    paths: Sequence[Path],
    axes: Mapping[str, pd.Index],
    dims: tuple[str, ...],
    manifest: Manifest,
) -> xr.Dataset:
    newest = pieces[-1]
    variables = {}
    for name in sorted({name for piece in pieces for name in piece.names}):
        having = [(path, piece) for path, piece in zip(paths, pieces, strict=True) if name in piece.names]
        members = any("member" in piece.dims[name] for _, piece in having)
        own = {dim: axes[dim] for dim in (*dims, *(("member",) if members else ()))}
        lazy = indexing.LazilyIndexedArray(_Gathered(name, [path for path, _ in having], own))
        variables[name] = xr.Variable(tuple(own), lazy, having[-1][1].attributes(name))
    coords = {dim: (dim, _labels(axis)) for dim, axis in axes.items()}
    return xr.Dataset(
        variables,
        coords={**coords, **_availability(pieces, axes, manifest), **_cells(pieces, axes["site"])},
        attrs=newest.attrs,
    )


def _labels(axis: pd.Index) -> Array:
    if isinstance(axis, pd.DatetimeIndex):
        return timestamps.to_ns(axis)
    return np.asarray(axis.to_numpy())


def _availability(
    pieces: Sequence[Piece], axes: Mapping[str, pd.Index], manifest: Manifest
) -> dict[str, tuple[tuple[str, ...], Array]]:
    """Arrival of the last value of each run and lead, over sites and variables; NaT without a value."""
    dims = tuple(dim for dim in ("init_time", "time", "lead_time") if dim in axes)
    came = np.full([len(axes[dim]) for dim in dims], _NAT)
    for piece in pieces:
        if not set(axes["site"]) & set(piece.coords["site"].values):
            continue
        own = piece.coords["available_time"]
        to, of = _places(axes, {dim: piece.coords[dim].values for dim in dims})
        block = own.values[np.ix_(*of)]
        came[np.ix_(*to)] = np.fmax(came[np.ix_(*to)], block)
    result = {"available_time": (dims, came)}
    if manifest.kind == "forecast":
        seen = {
            block
            for record in manifest.pieces
            for block, when in zip(record.blocks, record.arrived, strict=True)
            if when is not None
        }
        seconds = timestamps.to_ns(axes["init_time"]).astype("datetime64[s]").astype(np.int64)
        words = np.array(["recorded" if int(run) in seen else "declared" for run in seconds])
        result["arrival"] = (("init_time",), words)
    return result


def _cells(pieces: Sequence[Piece], sites: pd.Index) -> dict[str, tuple[str, Array]]:
    """Grid cell of each site, from the newest file."""
    names = {
        name
        for piece in pieces
        for name, own in piece.coords.items()
        if name != "site" and own.dims == ("site",)
    }
    result = {}
    for name in sorted(names):
        values = np.full(len(sites), np.nan)
        for piece in pieces:
            if name in piece.coords:
                to = sites.get_indexer(pd.Index(piece.coords["site"].values))
                values[to[to >= 0]] = piece.coords[name].values[to >= 0]
        result[name] = ("site", values)
    return result


def _places(axes: Mapping[str, pd.Index], own: Mapping[str, Array]) -> tuple[list[Array], list[Array]]:
    """Where labels of a piece stand in the whole, and which of its labels those are."""
    to, of = [], []
    for dim, labels in own.items():
        place = axes[dim].get_indexer(pd.Index(labels))
        of.append(np.flatnonzero(place >= 0))
        to.append(place[place >= 0])
    return to, of


class _Gathered(BackendArray):
    """A variable over all pieces that hold it; a file is read when a cell of it is wanted."""

    def __init__(self, name: str, paths: Sequence[Path], axes: Mapping[str, pd.Index]) -> None:
        self.name, self.paths, self.axes = name, list(paths), dict(axes)
        self.shape = tuple(len(axis) for axis in axes.values())
        self.dtype = np.dtype(np.float32)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._values
        )

    def _values(self, key: tuple[Any, ...]) -> Array:
        wanted = [
            axis[np.atleast_1d(np.arange(len(axis))[k])]
            for axis, k in zip(self.axes.values(), key, strict=True)
        ]
        axes = dict(zip(self.axes, wanted, strict=True))
        out = np.full([len(axis) for axis in wanted], np.nan, dtype=self.dtype)
        for path in self.paths:
            self._fill(out, axes, held(path))
        single = tuple(k for k, item in enumerate(key) if isinstance(item, int | np.integer))
        return out.squeeze(axis=single) if single else out

    def _fill(self, out: Array, axes: Mapping[str, pd.Index], piece: Piece) -> None:
        own = {dim: piece.coords[dim].values for dim in piece.dims[self.name]}
        to, of = _places(axes, own)
        if not all(len(places) for places in of):
            return
        region = tuple(slice(int(places[0]), int(places[-1]) + 1) for places in of)
        block = piece.read(self.name, region)[np.ix_(*[places - places[0] for places in of])]
        if block.ndim < out.ndim:  # members in some pieces only: a single value is that of every member
            block, to = block[..., None], [*to, np.arange(out.shape[-1])]
            block = np.broadcast_to(block, (*block.shape[:-1], out.shape[-1]))
        there = out[np.ix_(*to)]
        out[np.ix_(*to)] = np.where(np.isnan(there), block, there)
