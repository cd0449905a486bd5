"""ERA5 archives opened: NetCDF of two layouts, zip files of them, Zarr stores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from energyforecast.errors import (
    FileFormatError,
    SchemaError,
    UnreachableError,
    require,
)
from energyforecast.weather.sources.common.containers import (
    open_netcdf,
    real_times,
    unzipped,
    without_other_dimensions,
)
from energyforecast.weather.sources.era5.catalogue import BY_NAME

__all__ = ["is_remote", "one_layout", "open_file", "open_zarr"]


def is_remote(path: str | Path) -> bool:
    """Whether an archive is addressed over the network."""
    return "://" in str(path)


def open_file(path: Path) -> xr.Dataset:
    """Open NetCDF, or a zip of NetCDF files with the same hours."""
    try:
        head = path.read_bytes()[:2]
    except OSError as error:
        raise FileFormatError(
            f"{path} cannot be read: {error.strerror}.", "The file must exist.", "Check the path."
        ) from error
    if head != b"PK":
        return open_netcdf(path, label=path.name)
    parts = [
        one_layout(open_netcdf(content, label=f"{path.name}/{name}"))
        for name, content in unzipped(path.read_bytes(), label=path.name).items()
    ]
    hours = {name: part.sizes.get("time") for name, part in enumerate(parts)}
    try:
        return xr.merge(parts, join="exact", compat="no_conflicts", combine_attrs="drop_conflicts")
    except (ValueError, xr.MergeError) as error:
        raise SchemaError(
            f"The files of {path.name} do not fit each other: they have {list(hours.values())} hours.",
            "Instants and sums of one request must have the same hours and cells.",
            "Request them again, with the same period and area.",
        ) from error


def open_zarr(path: str, storage_options: Mapping[str, Any] | None) -> xr.Dataset:
    """Open a Zarr store, lazily."""
    for library in ("zarr", *(("fsspec",) if is_remote(path) else ())):
        require(library, extra="store", purpose="ERA5 is read from a Zarr store.")
    options = dict(storage_options) if storage_options else None
    try:
        store: xr.Dataset = xr.open_zarr(
            path, chunks=None, storage_options=options, consolidated=_consolidated(path)
        )
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        problem = UnreachableError if is_remote(path) else FileFormatError
        raise problem(
            f"{path.partition('?')[0]} cannot be opened as Zarr: {type(error).__name__}.",
            "It must be a Zarr store with consolidated metadata, or a folder of one.",
            "Check the address, the network, and storage_options.",
        ) from error
    return store


def _consolidated(path: str) -> bool | None:
    """A local store may have metadata by array; over a network they are read at once."""
    if is_remote(path):
        return None
    folder = Path(path)
    if (folder / ".zmetadata").exists():
        return True
    about = folder / "zarr.json"
    written = about.read_text(encoding="utf-8") if about.exists() else ""
    return re.search(r'"consolidated_metadata":\s*\{', written) is not None  # older zarr writes null


def one_layout(raw: xr.Dataset) -> xr.Dataset:
    """The layouts of both stores as one: ``time``, no ``expver``, no ``number``."""
    dataset = raw.rename({"valid_time": "time"}) if "valid_time" in raw.dims else raw
    if "time" not in dataset.dims:
        raise SchemaError(
            f"The file has the dimensions {tuple(map(str, dataset.dims))}.",
            "It must have 'valid_time' or, in older files, 'time'.",
            "Fetch it in the format 'netcdf'.",
        )
    if "expver" in dataset.dims:
        versions = sorted(dataset["expver"].values.tolist())
        parts = [dataset.sel(expver=version, drop=True) for version in versions]
        dataset = parts[0]
        for later in parts[1:]:
            dataset = dataset.fillna(later)
    dataset = without_other_dimensions(real_times(dataset, "time"), names=BY_NAME)
    return dataset.drop_vars(["expver", "number", "surface"], errors="ignore")
