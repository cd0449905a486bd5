"""Zip archives and NetCDF files from outside, checked against bounds before they are read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import xarray as xr

from energyforecast.core.bounded_memory import refuse_bloated
from energyforecast.core.damaged_files import DAMAGE
from energyforecast.errors import FileFormatError, SchemaError, TimeError, require
from energyforecast.weather.processing.grid_cells import LATITUDES, LONGITUDES

__all__ = ["open_netcdf", "real_times", "refuse_grib", "unzipped", "without_other_dimensions"]

_MAX_FILES: Final = 64
#: All files of an archive, unpacked. [bytes]
_LARGEST: Final = 1 << 32
#: Largest ratio of compression: packed numbers shrink to a fifth, seldom to a hundredth; bombs to a thousandth.
_MAX_RATIO: Final = 200
#: Dimensions of times and places, by their usual names.
_AXES: Final = {"time", *LATITUDES, *LONGITUDES, *("y", "x", "rlat", "rlon", "values", "cell")}
#: Calendars of which each date is a real day.
_REAL_CALENDARS: Final = ("standard", "gregorian", "proleptic_gregorian", "julian")
#: Julian day of 1970-01-01.
_UNIX_DAY: Final = 2440588
#: Expectation and remedy for times that are no moments.
_TIMES: Final = (
    "Times must be counted in a unit such as 'hours since 1900-01-01', from 1700 to 2240.",
    "Correct the attribute 'units' of the times; cdo writes relative times with -r.",
)


def unzipped(data: bytes, *, label: str = "the archive", largest: int = _LARGEST) -> dict[str, bytes]:
    """Files of a zip archive, unpacked in memory."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            listed = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_listing(listed, label, largest)
            found = {}
            for entry in listed:
                with archive.open(entry) as file:
                    content = file.read(entry.file_size + 1)
                if len(content) != entry.file_size:
                    raise _untrusted(
                        f"{label} holds {entry.filename!r}, larger than its declared size.",
                        "Declared sizes must be true.",
                    )
                found[entry.filename] = content
            return found
    except DAMAGE as error:
        if isinstance(error, FileFormatError):
            raise
        raise _untrusted(
            f"{label} cannot be unpacked: {error}.", "It must be a whole zip archive."
        ) from error


def _check_listing(listed: list[zipfile.ZipInfo], label: str, largest: int) -> None:
    for entry in listed:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
            raise _untrusted(
                f"{label} holds a file named {entry.filename!r}.",
                "Names must be relative and stay inside the archive.",
            )
        if entry.file_size > _MAX_RATIO * max(entry.compress_size, 1 << 16):
            raise _untrusted(
                f"{label} holds {entry.filename!r}: {entry.file_size} bytes packed into {entry.compress_size}.",
                f"A file must not be packed to less than a {_MAX_RATIO}th.",
            )
    size = sum(entry.file_size for entry in listed)
    if len(listed) > _MAX_FILES or size > largest or not listed:
        raise _untrusted(
            f"{label} holds {len(listed)} files of {size} bytes.",
            f"It must hold 1 to {_MAX_FILES} files of at most {largest} bytes.",
        )


def _untrusted(found: str, expected: str) -> FileFormatError:
    return FileFormatError(found, expected, "Do not trust it; fetch the data again from its source.")


def open_netcdf(source: Path | bytes, *, label: str) -> xr.Dataset:
    """A NetCDF file of version 3 or 4, loaded."""
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise _no_netcdf(label, str(error.strerror)) from error
    engine = "h5netcdf" if data[:4] == b"\x89HDF" else "scipy" if data[:3] == b"CDF" else None
    refuse_grib(data[:4], label=label)
    if engine is None:
        raise FileFormatError(
            f"{label} cannot be read: it begins with {data[:12]!r}.",
            "NetCDF must begin with CDF or HDF.",
            "The file is damaged or another one: fetch it again.",
        )
    if engine == "h5netcdf":
        require(engine, extra="store", purpose=f"{label} is NetCDF 4.")
    try:
        if engine == "h5netcdf":
            refuse_bloated(io.BytesIO(data), size=len(data), label=label)
        with xr.open_dataset(io.BytesIO(data), engine=engine, decode_timedelta=False) as dataset:
            return dataset.load()
    except FileFormatError:
        raise
    except DAMAGE as error:
        if "decode time" in str(error):
            raise TimeError(
                f"{label} has times that cannot be decoded: {str(error).partition('. Try')[0]}.", *_TIMES
            ) from error
        raise _no_netcdf(label, str(error)) from error


def _no_netcdf(label: str, why: str) -> FileFormatError:
    return FileFormatError(
        f"{label} cannot be read: {why}.",
        "It must be a whole NetCDF file.",
        "The file is damaged or another one: fetch it again.",
    )


def refuse_grib(head: bytes, *, label: str) -> None:
    """Refuse a GRIB file that is given as NetCDF."""
    if head.startswith(b"GRIB"):
        raise FileFormatError(
            f"{label} is a GRIB file.",
            "It must be NetCDF.",
            "Request the format 'netcdf', or convert it with grib_to_netcdf or cdo; forecasts in GRIB are read by "
            "energyforecast.weather.read_grib.",
        )


def real_times(dataset: xr.Dataset, name: str) -> xr.Dataset:
    """The dataset with times of any calendar in which real days have a date as datetimes.

    Raises
    ------
    TimeError
        If the times are numbers, or dates of a calendar with other days.
    """
    values = dataset[name].values
    if values.dtype.kind in "iuf":
        units = dataset[name].attrs.get("units")
        raise TimeError(f"{name!r} holds the number {values.flat[0]} with the unit {units!r}.", *_TIMES)
    calendar = getattr(values.flat[0], "calendar", None) if values.dtype.kind == "O" and values.size else None
    if calendar is None:
        return dataset
    if calendar not in _REAL_CALENDARS:
        raise TimeError(
            f"{name!r} has dates of the calendar {calendar!r}.",
            "Dates must be those of real days: of the standard, proleptic Gregorian or Julian calendar.",
            "A climate model's calendar has other days than the weather of a site; with Dataset.convert_calendar of "
            "xarray days are left out or missing.",
        )
    days = np.array([moment.toordinal() - _UNIX_DAY for moment in values.flat], dtype="M8[D]")
    if abs(days - np.datetime64("1970-01-01")).max() > np.timedelta64(100_000, "D"):
        raise TimeError(f"{name!r} holds {values.flat[0]}.", *_TIMES)
    within = [((m.hour * 60 + m.minute) * 60 + m.second) * 1_000_000 + m.microsecond for m in values.flat]
    times = days.astype("M8[ns]") + np.array(within, dtype="m8[us]").astype("m8[ns]")
    return dataset.assign_coords({name: (dataset[name].dims, times.reshape(values.shape))})


def without_other_dimensions(dataset: xr.Dataset, *, names: Collection[str]) -> xr.Dataset:
    """Without dimensions of length 1 of these variables, such as ``number``, ``pressure_level`` or ``height``.

    Raises
    ------
    SchemaError
        If one is longer and is neither time nor place.
    """
    used = {str(dim) for name, values in dataset.data_vars.items() if name in names for dim in values.dims}
    for name in sorted(used - _AXES):
        if dataset.sizes[name] > 1:
            first: Any = dataset[name].values[:3] if name in dataset.coords else ()
            raise SchemaError(
                f"The file has {dataset.sizes[name]} values of {name!r}: {', '.join(map(str, first))} ...",
                "Its variables must have one value for each time, latitude and longitude.",
                f"Choose one by xarray.open_dataset(path).isel({name}=0).to_netcdf(...), "
                "or request it so (one member, one level).",
            )
    return dataset.squeeze(sorted(used - _AXES), drop=True)
