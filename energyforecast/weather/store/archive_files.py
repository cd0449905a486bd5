"""Files of an archive: immutable Zarr groups in zip files, each named by the checksum of its bytes."""

from __future__ import annotations

import io
import math
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.bounded_memory import largest_content, refuse_bloated_zip
from energyforecast.core.damaged_files import DAMAGE
from energyforecast.core.files import checksum, refused
from energyforecast.errors import StoreError, require

__all__ = ["ArchiveFile", "DamagedFileError", "from_bytes", "to_bytes", "verified"]

_ORDER: Final = ("site", "init_time", "time", "lead_time", "member")
_MOMENTS: Final = ("init_time", "time", "available_time")
_EPOCH: Final = "nanoseconds since 1970-01-01"
_ATTRIBUTES: Final = ("units", "standard_name", "cell_methods")
#: Sites of one chunk, the rest of a file being whole: a plant's series is read without those of a thousand.
_SITES: Final = 64
#: Size of the cache, from which one variable after the other is read. [bytes]
_HELD: Final = 1 << 27


class DamagedFileError(StoreError):
    """Archive file with altered bytes."""


def to_bytes(weather: xr.Dataset, *, record: Mapping[str, Any]) -> bytes:
    """Weather as a Zarr group in a zip; the same weather gives the same bytes."""
    zarr = _zarr()
    content: dict[str, Any] = {}
    store = zarr.storage.MemoryStore(content)
    attributes = {str(key): value for key, value in weather.attrs.items()} | {"record": dict(record)}
    group = zarr.create_group(store, attributes=attributes, zarr_format=3)
    for name in sorted(map(str, weather.variables)):
        _write(group, name, weather.variables[name])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for key in sorted(content):
            archive.writestr(zipfile.ZipInfo(key, (1980, 1, 1, 0, 0, 0)), content[key].to_bytes())
    return buffer.getvalue()


def _zarr() -> Any:
    zarr = require("zarr", extra="store", purpose="The archive of weather is in Zarr.")
    require("zarr.codecs", extra="store")
    require("zarr.storage", extra="store")
    return zarr


def _write(group: Any, name: str, variable: xr.Variable) -> None:
    values, attributes = (
        variable.values,
        {key: variable.attrs[key] for key in _ATTRIBUTES if key in variable.attrs},
    )
    if name in _MOMENTS:
        values, attributes = timestamps.to_ns(values).astype(np.int64), {"units": _EPOCH}
    elif values.dtype.kind == "m":
        values, attributes = values.astype("timedelta64[ns]").astype(np.int64), {"units": "nanoseconds"}
    elif values.dtype.kind in "UOT":
        values = np.array([str(item) for item in values.ravel()], dtype=np.dtypes.StringDType()).reshape(
            values.shape
        )
    chunks = tuple(
        min(size, _SITES) if dim == "site" else size
        for dim, size in zip(variable.dims, values.shape, strict=True)
    )
    group.create_array(
        name,
        data=values,
        chunks=chunks,
        dimension_names=tuple(map(str, variable.dims)),
        compressors=_zarr().codecs.ZstdCodec(level=3, checksum=True),
        fill_value=np.nan if values.dtype.kind == "f" else None,
        attributes=attributes,
    )


class ArchiveFile:
    """Archive file read into memory; its arrays are decoded on demand."""

    def __init__(self, group: Any, *, size: int) -> None:
        self._arrays = dict(group.arrays())
        self._attributes = {name: dict(array.attrs) for name, array in self._arrays.items()}
        attributes = dict(group.attrs)
        self.record: dict[str, Any] = dict(attributes.pop("record"))
        self.attrs: dict[str, Any] = attributes
        dims = {name: tuple(array.metadata.dimension_names or ()) for name, array in self._arrays.items()}
        _check_sizes(self._arrays, dims, size)
        full = {name for name, axes in dims.items() if "site" in axes and len(axes) > 1}
        self.names = tuple(sorted(full))
        self.coords = {name: self._coordinate(name, dims[name]) for name in dims if name not in full}
        self.dims = {name: dims[name] for name in full}
        self._check_axes()

    def _check_axes(self) -> None:
        """Refuse arrays and arrivals without their axes."""
        rows = ("init_time", "lead_time") if "init_time" in self.coords else ("time",)
        for name in ("site", *rows):
            if self.coords[name].dims != (name,):
                raise ValueError(f"{name} has the dimensions {self.coords[name].dims}")
        kinds = {
            name: "O" if name == "site" else "m" if name == "lead_time" else "M" for name in ("site", *rows)
        }
        for name, kind in (*kinds.items(), ("available_time", "M")):
            if self.coords[name].dtype.kind != kind:
                raise ValueError(f"{name} is of the type {self.coords[name].dtype}")
        if self.coords["available_time"].dims != rows:
            raise ValueError(f"available_time has the dimensions {self.coords['available_time'].dims}")
        for name, axes in self.dims.items():
            if axes not in (("site", *rows), ("site", *rows, "member")) or not set(axes) <= {*self.coords}:
                raise ValueError(f"{name} has the dimensions {axes}")
            if self._arrays[name].dtype.kind != "f":
                raise ValueError(f"{name} is of the type {self._arrays[name].dtype}")

    def _coordinate(self, name: str, dims: tuple[str, ...]) -> xr.Variable:
        values = np.asarray(self._arrays[name][...])
        units = self._attributes[name].get("units")
        if units == _EPOCH:
            values = values.astype("datetime64[ns]")
        elif units == "nanoseconds":
            values = values.astype("timedelta64[ns]")
        elif values.dtype.kind == "T":
            values = values.astype(object)
        return xr.Variable(dims, values)

    def attributes(self, name: str) -> dict[str, Any]:
        """Units, standard name and cell methods of a variable."""
        return dict(self._attributes[name])

    def read(self, name: str, region: tuple[slice, ...]) -> npt.NDArray[np.float32]:
        """Block of a variable, in the order of its dimensions."""
        try:
            return np.asarray(self._arrays[name][region])
        except DAMAGE as error:
            raise _unreadable(error) from error

    def dataset(self) -> xr.Dataset:
        """All of it in memory."""
        variables = {
            name: xr.Variable(self.dims[name], self._arrays[name][...], self.attributes(name))
            for name in self.names
        }
        return xr.Dataset(variables, coords=self.coords, attrs=self.attrs)


def from_bytes(content: bytes) -> ArchiveFile:
    """Archive file from its bytes."""
    zarr = _zarr()
    from zarr.core.buffer import default_buffer_prototype

    make = default_buffer_prototype().buffer.from_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            refuse_bloated_zip(archive, size=len(content))
            entries = {name: make(archive.read(name)) for name in archive.namelist()}
        group = zarr.open_group(zarr.storage.MemoryStore(entries), mode="r", zarr_format=3)
        return ArchiveFile(group, size=len(content))
    except DAMAGE as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> DamagedFileError:
    return DamagedFileError(
        f"A file of the archive cannot be read: {type(error).__name__} {error}.",
        "It must be a Zarr group in a zip file, as the library wrote it.",
        "Remove the file, or restore it from a copy; the next update requests the runs of a removed one again.",
    )


def _check_sizes(arrays: Mapping[str, Any], dims: Mapping[str, tuple[str, ...]], size: int) -> None:
    """Refuse arrays that declare far more than the bytes of their file, or other lengths than each other."""
    lengths: dict[str, int] = {}
    for name, array in arrays.items():
        if len(dims[name]) != len(array.shape):
            raise ValueError(f"{name} has the shape {array.shape} and the dimensions {dims[name]}")
        for dim, length in zip(dims[name], array.shape, strict=True):
            if lengths.setdefault(dim, length) != length:
                raise ValueError(f"{dim} has the lengths {lengths[dim]} and {length}")
    declared = sum(math.prod(array.shape) * array.dtype.itemsize for array in arrays.values())
    chunks = sum(math.prod(array.chunks) * array.dtype.itemsize for array in arrays.values())
    if max(declared, chunks) > largest_content(size):
        raise ValueError(f"{size:,} bytes declare {max(declared, chunks):,}")


def verified(path: Path) -> bytes:
    """Bytes of a file, checked against its name."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise _damaged(path, "is gone") from error
    except OSError as error:
        raise refused(error, path) from error
    if checksum(content) != path.stem:
        raise _damaged(path, f"has {len(content)} bytes that are not those of its name")
    return content


def _damaged(path: Path, problem: str) -> DamagedFileError:
    return DamagedFileError(
        f"The file {path.name[:12]}… {problem}.",
        "A file must not change once it is written.",
        "Update the store: damaged files are requested again. Check the disk.",
    )


_cache: OrderedDict[Path, tuple[ArchiveFile, int]] = OrderedDict()


def held(path: Path) -> ArchiveFile:
    """Verified file; the last ones stay in memory, compressed, since files never change."""
    if path in _cache:
        with suppress(KeyError):  # another thread may have made room
            _cache.move_to_end(path)
            return _cache[path][0]
    content = verified(path)
    file = from_bytes(content)
    _cache[path] = file, len(content)
    while len(_cache) > 1 and sum(size for _, size in list(_cache.values())) > _HELD:
        _cache.popitem(last=False)
    return file
