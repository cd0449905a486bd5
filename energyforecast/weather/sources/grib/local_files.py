"""GRIB files on disk, at sites."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import xarray as xr

from energyforecast.core import weather_schema
from energyforecast.core.sites import Sites, as_sites
from energyforecast.errors import (
    FileFormatError,
    ResponseError,
    SchemaError,
)
from energyforecast.weather.processing.grid_cells import Method
from energyforecast.weather.sources.grib.decode import Message, decode
from energyforecast.weather.sources.grib.index import split_messages
from energyforecast.weather.sources.grib.models import MODELS, GribModel, needed_fields
from energyforecast.weather.sources.grib.parser import parse_grib, right_statistic

__all__ = ["read_grib"]

#: Padding allowed between two messages of a file on disk: archives fill records of 120 bytes with zeros. [bytes]
_PADDING: Final = 120
#: Classes of ECMWF's archive that hold reanalyses.
_REANALYSES: Final = {
    "ea": "ERA5",
    "l5": "ERA5-Land",
    "e2": "ERA-20C",
    "e4": "ERA-40",
    "ei": "ERA-Interim",
    "ep": "CERA-20C",
    "rr": "CERRA",
}


def read_grib(
    paths: str | Path | Sequence[str | Path],
    *,
    model: str,
    sites: Sites,
    method: Method = "nearest",
    names: Sequence[str] = (),
) -> xr.Dataset:
    """Run of a weather model from GRIB files on disk.

    Parameters
    ----------
    paths : path or sequence of path
        Files of one run. No index files are written.
    model : str
        Name in :data:`energyforecast.weather.sources.grib.models.MODELS`: it determines the meaning of accumulations.
    sites : Site or sequence of Site
    method : {"nearest", "bilinear"}
    names : sequence of str
        Variables that must be present and whole; by default those of the model that occur in the files.

    Returns
    -------
    Dataset
        Dimensions ``(site, init_time, lead_time[, member])``; ``available_time`` by the model's usual latency.

    Raises
    ------
    FileFormatError
        If a file is damaged, cut or no GRIB.
    MissingDataError
        If a field is missing at a lead that others have.
    DependencyError
        If the extra ``grib`` is not installed.

    See Also
    --------
    read_noaa_netcdf : NetCDF files of NOAA.
    Gfs, IfsOpenData, IconEu : Sources of public files.

    Examples
    --------
    >>> from energyforecast import Site
    >>> read_grib("gfs.f003", model="gfs", sites=[Site(name="farm", latitude=43.6, longitude=78.5)])
    Traceback (most recent call last):
        ...
    energyforecast.errors.FileFormatError: gfs.f003 cannot be read: No such file or directory.
    The file must exist.
    Check the path.
    """
    places = as_sites(sites)
    files = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    table = _model(model)
    contents = [_bytes_of(path) for path in files]
    try:
        messages, cells = decode(contents, sites=places, fields=table.fields, method=method)
    except ResponseError as error:
        raise FileFormatError(error.found, error.expected, error.remedy) from error
    _check_forecast(messages, model)
    present = [
        field
        for field in table.fields
        if any(message.is_of(field) and right_statistic(field, message) for message in messages)
    ]
    if not present:
        raise SchemaError(
            f"{', '.join(path.name for path in files)} hold {_inventory(messages)}.",
            f"Files of {model} must hold some of {', '.join(field.index for field in table.fields)}.",
            "Name the right model, or fetch other fields.",
        )
    wanted = needed_fields(table, names) if names else present
    weather = parse_grib(messages, model=table, fields=wanted, cells=cells, sites=places)
    return weather_schema.check_weather(weather, sites=places, label=f"the run of {model}")


def _check_forecast(messages: Iterable[Message], model: str) -> None:
    """Refuse a reanalysis, which is known after its hours only."""
    for message in messages:
        name = _REANALYSES.get(message.about["archive"])
        if name is not None:
            raise SchemaError(
                f"The files are of the reanalysis {name} (class {message.about['archive']!r}).",
                f"Files of {model} must be forecasts of this model: a reanalysis is known after its hours only.",
                "Fetch the reanalysis as NetCDF and read it with energyforecast.weather.read_era5, as perfect weather.",
            )


def _model(name: str) -> GribModel:
    if name not in MODELS:
        raise SchemaError(
            f"The weather model {name!r} is unknown.",
            f"Known are {', '.join(MODELS)}.",
            "Choose one of them, or read the file with another library and write NetCDF.",
        )
    return MODELS[name]


def _bytes_of(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(
            f"{path} cannot be read: {error.strerror}.", "The file must exist.", "Check the path."
        ) from error
    try:
        # Files assembled from byte ranges often hold the first byte of the following message.
        return b"".join(split_messages(data, label=path.name, padding=_PADDING))
    except ResponseError as error:
        raise FileFormatError(error.found, error.expected, error.remedy) from error


def _inventory(messages: Iterable[Message]) -> str:
    names = sorted({f"{message.about['name']} at level {message.about['level']}" for message in messages})
    return ", ".join(names[:8]) or "no message"
