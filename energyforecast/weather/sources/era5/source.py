"""ERA5 at sites, from files and Zarr stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.arguments import check_types
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site, Sites, as_sites
from energyforecast.core.variables import MEAN
from energyforecast.errors import (
    FileFormatError,
    MissingDataError,
    RangeError,
    SchemaError,
    TimeError,
)
from energyforecast.weather.processing.grid_cells import Method
from energyforecast.weather.sources.common.base import AnalysisSource, finished
from energyforecast.weather.sources.common.publication_latency import PublicationLatency
from energyforecast.weather.sources.era5.archives import is_remote, open_file, open_zarr
from energyforecast.weather.sources.era5.catalogue import ROWS
from energyforecast.weather.sources.era5.parser import ATTRIBUTION, LATENCY, parse_era5

__all__ = ["Era5", "read_era5"]


def read_era5(
    path: str | Path,
    *,
    sites: Sites,
    method: Method = "nearest",
    land: bool = False,
    start: Any = None,
    end: Any = None,
    allow_missing: bool = False,
    storage_options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """ERA5 at sites from a file of the Climate Data Store, or from a Zarr store.

    Parameters
    ----------
    path : str or path
        NetCDF of either layout, a zip of NetCDF files, a folder of Zarr, or the address of a remote Zarr store.
    sites : Site or sequence of Site
    method : {"nearest", "bilinear"}
    land : bool
        It is ERA5-Land, whose sums begin at 00 UTC.
    start, end : moment, optional
        Hours in [start, end), read alone where the store is lazy.
    allow_missing : bool
        Let missing values pass as NaN; an hour of ERA5 that is missing is an error otherwise, since a Zarr store
        tells a lost chunk by nothing else.
    storage_options : mapping, optional
        For a remote store, as fsspec takes them, e.g. ``{"token": "anon"}``.

    Returns
    -------
    Dataset
        An analysis, dimensions ``(site, time)``. Sums have become means, labelled at the beginning of their hour;
        that of the last hour is not in the file.

    Raises
    ------
    FileFormatError
        If the file is damaged.
    MissingDataError
        If hours are missing.
    TimeError
        If an hour has two values, or times are no whole hours.
    DependencyError
        If zarr, fsspec or h5netcdf is needed and not installed.

    See Also
    --------
    Era5 : The same as a source.
    parse_era5_point : The frame of pvlib at a point.

    Examples
    --------
    >>> import tempfile
    >>> hours = np.arange("2024-06-01T00", "2024-06-01T03", dtype="datetime64[h]").astype("datetime64[ns]")
    >>> raw = xr.Dataset(
    ...     {"ssrd": (("valid_time", "latitude", "longitude"), np.full((3, 1, 1), 3.6e5), {"units": "J m**-2"})},
    ...     coords={"valid_time": hours, "latitude": [43.5], "longitude": [78.5]},
    ... )
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     raw.to_netcdf(folder + "/era5.nc", engine="scipy")
    ...     read_era5(folder + "/era5.nc", sites=farm)["ghi"].values.tolist()
    [[100.0, 100.0, nan]]
    """
    check_types({"path": path}, of=read_era5)
    places = as_sites(sites)
    if is_remote(path) or Path(path).is_dir():
        raw, lazy = open_zarr(str(path), storage_options), True
    else:
        raw, lazy = open_file(Path(path)), False
    try:
        weather = parse_era5(raw, sites=places, method=method, land=land, start=start, end=end)
    except (RuntimeError, OSError, ValueError) as error:
        if not lazy or isinstance(error, (RangeError, SchemaError, TimeError)):
            raise
        raise FileFormatError(
            f"{path} cannot be read: {error}.",
            "Each chunk must be whole.",
            "A chunk is damaged: fetch it again.",
        ) from error
    finally:
        raw.close()
    if not allow_missing:
        _check_whole(weather, str(path))
    return weather_schema.check_weather(weather, sites=places, label=str(path))


def _check_whole(weather: xr.Dataset, label: str) -> None:
    stamps = timestamps.to_ns(np.asarray(weather["time"].values))
    gaps = np.flatnonzero(np.diff(stamps) != np.timedelta64(1, "h"))
    if gaps.size:
        if len(gaps) == len(stamps) - 1 and len(np.unique(np.diff(stamps))) == 1:
            raise MissingDataError(
                f"{label} has an hour every {(stamps[1] - stamps[0]) / np.timedelta64(1, 'h'):g} h only.",
                "ERA5 must have every hour; its sums, as of radiation, are of one hour each at any step.",
                "Fetch every hour. With allow_missing=True instants are read as they are, and radiation and "
                "precipitation are missing.",
            )
        raise MissingDataError(
            f"{label} has no hours between {stamps[gaps[0]]} and {stamps[gaps[0] + 1]} ({gaps.size} gaps in all).",
            "ERA5 must have every hour.",
            "Fetch the missing hours and join the files, or let them be missing with allow_missing=True.",
        )
    for name in map(str, weather.data_vars):
        values = weather[name].transpose("site", "time").values
        ends = weather[name].attrs["cell_methods"] == MEAN
        lost = np.isnan(values[:, :-1] if ends else values)
        if lost.any():
            site, hour = np.argwhere(lost)[0]
            raise MissingDataError(
                f"{label} has no {name} at site {str(weather['site'].values[site])!r}, "
                f"{weather['time'].values[hour]}: {int(lost.sum())} of {lost.size} values are missing.",
                "ERA5 must have every hour; over water, ERA5-Land has none.",
                "A chunk or hours were lost: fetch them again, or let them be NaN with allow_missing=True.",
            )


@dataclass(frozen=True, kw_only=True)
class Era5(AnalysisSource):
    """ERA5 from a Zarr store of the network, or a folder of one.

    Parameters
    ----------
    address : str
        Of the store. One whose chunks are long in time answers for sites within seconds; Google's, with one chunk
        an hour, takes hours for a year.
    variables : tuple of str
    method : {"nearest", "bilinear"}
    storage_options : mapping, optional
        As fsspec takes them; keys of an account belong here, and into no message.

    See Also
    --------
    read_era5 : Files and stores, at once.
    energyforecast.weather.OpenMeteoHistory : ERA5 by point from Open-Meteo.

    Examples
    --------
    >>> Era5(address="https://example.org/era5.zarr").labels["ghi"].value
    'sum over the interval that ends at the stamp'
    """

    name = "era5"
    latency: PublicationLatency = LATENCY
    attribution = ATTRIBUTION

    address: str
    variables: tuple[str, ...] = ("wind_speed_100m", "wind_direction_100m", "temp_air", "pressure", "ghi")
    method: Method = "nearest"
    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def labels(self) -> Mapping[str, Label]:  # type: ignore[override]
        """Time label of each variable in the archive."""
        summed = {row.name for row in ROWS if row.label is Label.SUM_ENDING} | {"dhi"}
        return {name: Label.SUM_ENDING if name in summed else Label.INSTANT for name in self.variables}

    def get_period(self, sites: Sequence[Site], start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        """Hours in [start, end) at some sites.

        Raises
        ------
        UnreachableError
            If the store cannot be opened.
        MissingDataError
            If hours are missing.
        """
        weather = read_era5(
            self.address,
            sites=sites,
            method=self.method,
            start=start,
            end=end,
            storage_options=self.storage_options or None,
        )
        last = timestamps.to_ns([timestamps.instant(end)])[0]
        inside = np.flatnonzero(timestamps.to_ns(np.asarray(weather["time"].values)) < last)
        return finished(weather[list(self.variables)].isel(time=inside), source=self, sites=sites)
