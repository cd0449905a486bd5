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
from energyforecast.weather.store.archive_files import ArchiveFile, held
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
    """Archived weather of some sites, with runs or hours in [start, end); ``None`` if the archive has none."""
    paths = [manifest.path(record.name) for record in _touched(manifest, set(sites), start, end)]
    if not paths:
        return None
    files = [held(path) for path in paths]
    dims = _DIMS[manifest.kind]
    rows = dims[1]
    axes = {"site": pd.Index(sites), **{dim: _union(dim, files) for dim in (*dims[1:], "member")}}
    axes[rows] = _between(axes[rows], start, end)
    axes = {dim: axis for dim, axis in axes.items() if len(axis)}
    if rows not in axes:
        return None
    return _dataset(files, paths, axes, dims, manifest)


def _touched(manifest: Manifest, sites: set[str], start: int | None, end: int | None) -> list[Record]:
    """Files with any of the sites and runs; a month of an analysis reaches to the next month."""
    reach = 31 * 86_400 if manifest.kind == "analysis" else 0
    return [
        record
        for record in manifest.files
        if sites.intersection(record.sites)
        and (start is None or record.blocks[-1] + reach >= start)
        and (end is None or record.blocks[0] < end)
    ]


def _union(dim: str, files: Iterable[ArchiveFile]) -> pd.Index:
    """Labels of all files along a dimension, rising; empty if none has it."""
    found = [file.coords[dim].values for file in files if dim in file.coords]
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
    files: Sequence[ArchiveFile],
    paths: Sequence[Path],
    axes: Mapping[str, pd.Index],
    dims: tuple[str, ...],
    manifest: Manifest,
) -> xr.Dataset:
    newest = files[-1]
    variables = {}
    for name in sorted({name for file in files for name in file.names}):
        having = [(path, file) for path, file in zip(paths, files, strict=True) if name in file.names]
        members = any("member" in file.dims[name] for _, file in having)
        local = {dim: axes[dim] for dim in (*dims, *(("member",) if members else ()))}
        lazy = indexing.LazilyIndexedArray(_Gathered(name, [path for path, _ in having], local))
        variables[name] = xr.Variable(tuple(local), lazy, having[-1][1].attributes(name))
    coords = {dim: (dim, _labels(axis)) for dim, axis in axes.items()}
    return xr.Dataset(
        variables,
        coords={**coords, **_availability(files, axes, manifest), **_cells(files, axes["site"])},
        attrs=newest.attrs,
    )


def _labels(axis: pd.Index) -> Array:
    if isinstance(axis, pd.DatetimeIndex):
        return timestamps.to_ns(axis)
    return np.asarray(axis.to_numpy())


def _availability(
    files: Sequence[ArchiveFile], axes: Mapping[str, pd.Index], manifest: Manifest
) -> dict[str, tuple[tuple[str, ...], Array]]:
    """Arrival of the last value of each run and lead, over sites and variables; NaT without a value."""
    dims = tuple(dim for dim in ("init_time", "time", "lead_time") if dim in axes)
    arrival = np.full([len(axes[dim]) for dim in dims], _NAT)
    for file in files:
        if not set(axes["site"]) & set(file.coords["site"].values):
            continue
        local = file.coords["available_time"]
        to, of = _places(axes, {dim: file.coords[dim].values for dim in dims})
        block = local.values[np.ix_(*of)]
        arrival[np.ix_(*to)] = np.fmax(arrival[np.ix_(*to)], block)
    result = {"available_time": (dims, arrival)}
    if manifest.kind == "forecast":
        seen = {
            block
            for record in manifest.files
            for block, moment in zip(record.blocks, record.arrived, strict=True)
            if moment is not None
        }
        seconds = timestamps.to_ns(axes["init_time"]).astype("datetime64[s]").astype(np.int64)
        arrivals = np.array(["recorded" if int(run) in seen else "declared" for run in seconds])
        result["arrival"] = (("init_time",), arrivals)
    return result


def _cells(files: Sequence[ArchiveFile], sites: pd.Index) -> dict[str, tuple[str, Array]]:
    """Grid cell of each site, from the newest file."""
    names = {
        name
        for file in files
        for name, local in file.coords.items()
        if name != "site" and local.dims == ("site",)
    }
    result = {}
    for name in sorted(names):
        values = np.full(len(sites), np.nan)
        for file in files:
            if name in file.coords:
                to = sites.get_indexer(pd.Index(file.coords["site"].values))
                values[to[to >= 0]] = file.coords[name].values[to >= 0]
        result[name] = ("site", values)
    return result


def _places(axes: Mapping[str, pd.Index], local: Mapping[str, Array]) -> tuple[list[Array], list[Array]]:
    """Positions of the labels of a file in the whole dataset, and in the file."""
    to, of = [], []
    for dim, labels in local.items():
        place = axes[dim].get_indexer(pd.Index(labels))
        of.append(np.flatnonzero(place >= 0))
        to.append(place[place >= 0])
    return to, of


class _Gathered(BackendArray):
    """A variable over all files that hold it; a file is read when a cell of it is wanted."""

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

    def _fill(self, out: Array, axes: Mapping[str, pd.Index], file: ArchiveFile) -> None:
        local = {dim: file.coords[dim].values for dim in file.dims[self.name]}
        to, of = _places(axes, local)
        if not all(len(places) for places in of):
            return
        region = tuple(slice(int(places[0]), int(places[-1]) + 1) for places in of)
        block = file.read(self.name, region)[np.ix_(*[places - places[0] for places in of])]
        if block.ndim < out.ndim:  # members in some files only: a single value is that of every member
            block, to = block[..., None], [*to, np.arange(out.shape[-1])]
            block = np.broadcast_to(block, (*block.shape[:-1], out.shape[-1]))
        filled = out[np.ix_(*to)]
        out[np.ix_(*to)] = np.where(np.isnan(filled), block, filled)
