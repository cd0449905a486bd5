"""Weather in NetCDF files of the user."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from energyforecast.core import netcdf_files, weather_schema
from energyforecast.core.arguments import check_types, checked
from energyforecast.core.bounded_memory import refuse_bloated
from energyforecast.core.damaged_files import DAMAGE
from energyforecast.errors import FileFormatError, require
from energyforecast.weather.sources.common.containers import real_times, refuse_grib

__all__ = ["read", "write"]

_AXES = ("init_time", "time", "available_time")


def read(path: str | Path) -> xr.Dataset:
    """Read a forecast or an analysis from a NetCDF file and check it.

    Parameters
    ----------
    path : path
        Dimensions ``(site, init_time, lead_time[, member])`` or ``(site, time)``, with
        ``available_time``. NetCDF 3 is read by a base installation; NetCDF 4 needs the extra
        ``store``.

    Returns
    -------
    Dataset

    Raises
    ------
    FileFormatError
        If the file cannot be read, or is one of :func:`write` and does not have the checksum it was written with.
    DependencyError
        If it is NetCDF 4 and the extra ``store`` is not installed.
    SchemaError, TimeError, UnitsError, RangeError
        If its content is not weather in the form of the library.

    See Also
    --------
    write : The inverse.
    read_table : Weather from tables.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_weather
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     weather = read(write(example_weather(), folder + "/weather.nc"))
    >>> dict(weather.sizes)
    {'site': 1, 'init_time': 2, 'lead_time': 49}
    """
    check_types(locals(), of=read)
    source = Path(path)
    return weather_schema.check_weather(unchecked(source), label=str(source))


def unchecked(source: Path) -> xr.Dataset:
    """Content of a whole NetCDF file, that may not be weather.

    Raises
    ------
    FileFormatError, DependencyError
        As :func:`read`.
    """
    netcdf_files.refuse_damage(source)
    try:
        with source.open("rb") as raw:
            head = raw.read(4)
        refuse_grib(head, label=str(source))
        modern = head == b"\x89HDF"
        engine = "h5netcdf" if modern else "scipy"
        if modern:
            require(engine, extra="store", purpose=f"{source} is NetCDF 4.")
            refuse_bloated(source, size=source.stat().st_size, label=str(source))
        with xr.open_dataset(source, engine=engine, decode_timedelta=True) as dataset:
            weather = dataset.load()
    except FileFormatError:
        raise
    except DAMAGE as error:
        raise FileFormatError(
            f"{source} cannot be read: {error}",
            "A weather file must be NetCDF.",
            "Check the path and the file.",
        ) from error
    for name in [name for name in _AXES if name in weather.coords and weather[name].dtype.kind == "O"]:
        weather = real_times(weather, name)
    return _in_nanoseconds(weather)


def _in_nanoseconds(weather: xr.Dataset) -> xr.Dataset:
    """Times in nanoseconds and labels as text; other types are left to the check."""
    kinds = dict.fromkeys(_AXES, ("M", "datetime64[ns]")) | {"lead_time": ("m", "timedelta64[ns]")}
    present = {name: pair for name, pair in kinds.items() if name in weather.coords}
    named = weather.assign_coords(
        {
            name: weather[name].astype(kind)
            for name, (letter, kind) in present.items()
            if weather[name].dtype.kind == letter
        }
    )
    if "site" not in named.coords or named["site"].dims != ("site",):  # refused, or named, by the check
        return named
    return named.assign_coords(site=[str(name) for name in named["site"].values])


@checked()
def write(weather: xr.Dataset, path: str | Path) -> Path:
    """Write weather as NetCDF 3, which a base installation reads.

    Parameters
    ----------
    weather : Dataset
    path : path

    Returns
    -------
    Path

    See Also
    --------
    read : The inverse.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.datasets import la_haute_borne
    >>> site, weather, power = la_haute_borne()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read(write(weather, folder + "/era5.nc")).equals(weather)
    True
    """
    check_types(locals(), of=write)
    target = Path(path)
    weather_schema.check_weather(weather)
    encoding = {
        name: {"units": "seconds since 1970-01-01", "dtype": "float64"}
        for name in _AXES
        if name in weather.coords
    }
    if "lead_time" in weather.coords:
        encoding["lead_time"] = {"units": "seconds", "dtype": "float64"}
    return netcdf_files.write(weather, target, encoding=encoding)
