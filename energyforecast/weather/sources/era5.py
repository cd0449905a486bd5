"""The reanalysis ERA5, as its archives give it: NetCDF of two layouts, zips of them, Zarr, and pvlib's points."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.core.variables import MEAN, POINT, lookup
from energyforecast.errors import (
    FileFormatError,
    MissingDataError,
    RangeError,
    SchemaError,
    TimeError,
    UnitsError,
    UnreachableError,
    require,
)
from energyforecast.weather.processing.accumulation import de_accumulate
from energyforecast.weather.processing.spatial import Grid, Method, to_sites
from energyforecast.weather.sources.common.base import DELAYS, AnalysisSource, PublicationDelay, finished
from energyforecast.weather.sources.common.containers import open_netcdf, unzipped

__all__ = ["Era5", "parse_era5", "parse_era5_point", "read_era5"]

_HOUR: Final = np.timedelta64(3_600_000_000_000, "ns")
_ATTRIBUTION: Final = "Contains modified Copernicus Climate Change Service information"
_DELAY: Final = DELAYS["era5"]


@dataclass(frozen=True, kw_only=True)
class _Row:
    name: str
    short: str
    long: str
    units: str
    factor: float = 1.0
    offset: float = 0.0
    label: Label = Label.INSTANT


def _row(
    name: str,
    short: str,
    long: str,
    units: str,
    *,
    factor: float = 1.0,
    offset: float = 0.0,
    summed: bool = False,
) -> _Row:
    label = Label.SUM_ENDING if summed else Label.INSTANT
    return _Row(name=name, short=short, long=long, units=units, factor=factor, offset=offset, label=label)


#: Sums of an hour in J m-2, divided by its seconds, are W m-2; direct_horizontal falls on a horizontal plane.
_ROWS: Final = (
    _row("wind_u_10m", "u10", "10m_u_component_of_wind", "m s**-1"),
    _row("wind_v_10m", "v10", "10m_v_component_of_wind", "m s**-1"),
    _row("wind_u_100m", "u100", "100m_u_component_of_wind", "m s**-1"),
    _row("wind_v_100m", "v100", "100m_v_component_of_wind", "m s**-1"),
    _row("wind_gust_10m", "i10fg", "instantaneous_10m_wind_gust", "m s**-1"),
    _row("temp_air", "t2m", "2m_temperature", "K", offset=-273.15),
    _row("temp_dew", "d2m", "2m_dewpoint_temperature", "K", offset=-273.15),
    _row("pressure", "sp", "surface_pressure", "Pa"),
    _row("cloud_cover", "tcc", "total_cloud_cover", "(0 - 1)", factor=100.0),
    _row("ghi", "ssrd", "surface_solar_radiation_downwards", "J m**-2", summed=True),
    _row("direct_horizontal", "fdir", "total_sky_direct_solar_radiation_at_surface", "J m**-2", summed=True),
    _row("longwave_down", "strd", "surface_thermal_radiation_downwards", "J m**-2", summed=True),
    _row("precipitation", "tp", "total_precipitation", "m", factor=3.6e6, summed=True),
)
_BY_NAME: Final = {key: row for row in _ROWS for key in (row.short, row.long)}
#: What pvlib's reader makes of them: converted, but still labelled at the end of the hour.
_PVLIB: Final = {
    "temp_air": _Row(name="temp_air", short="", long="", units="C"),
    "temp_dew": _Row(name="temp_dew", short="", long="", units="C"),
    "pressure": _Row(name="pressure", short="", long="", units="Pa"),
    "ghi": _Row(name="ghi", short="", long="", units="W", label=Label.MEAN_ENDING),
    "bhi": _Row(name="direct_horizontal", short="", long="", units="W", label=Label.MEAN_ENDING),
    "longwave_down": _Row(name="longwave_down", short="", long="", units="W", label=Label.MEAN_ENDING),
    "precipitation": _Row(
        name="precipitation", short="", long="", units="cm", label=Label.MEAN_ENDING, factor=10.0
    ),
}
_SPELLINGS: Final = {
    "m s-1": "m s**-1",
    "m/s": "m s**-1",
    "J m-2": "J m**-2",
    "1": "(0 - 1)",
    "0-1": "(0 - 1)",
}


def read_era5(
    path: str | Path,
    *,
    sites: Sequence[Site],
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
    sites : sequence of Site
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
    DependencyError
        If zarr, fsspec or h5netcdf is needed and not installed.

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
    ...     read_era5(folder + "/era5.nc", sites=[farm])["ghi"].values.tolist()
    [[100.0, 100.0, nan]]
    """
    if _is_remote(path) or Path(path).is_dir():
        raw, lazy = _opened_zarr(str(path), storage_options), True
    else:
        raw, lazy = _opened_file(Path(path)), False
    try:
        weather = parse_era5(raw, sites=sites, method=method, land=land, start=start, end=end)
    except (RuntimeError, OSError, ValueError) as error:
        if not lazy or isinstance(error, (RangeError, SchemaError, TimeError)):
            raise
        raise FileFormatError(
            f"{path} cannot be read: {error}.", "Each chunk is whole.", "A chunk is damaged: fetch it again."
        ) from error
    finally:
        raw.close()
    if not allow_missing:
        _check_whole(weather, str(path))
    return weather_schema.check_weather(weather, sites=sites, label=str(path))


def _is_remote(path: str | Path) -> bool:
    return "://" in str(path)


def _opened_file(path: Path) -> xr.Dataset:
    try:
        head = path.read_bytes()[:2]
    except OSError as error:
        raise FileFormatError(
            f"{path} cannot be read: {error.strerror}.", "The file is there.", "Check the path."
        ) from error
    if head != b"PK":
        return open_netcdf(path, label=path.name)
    parts = [
        _one_layout(open_netcdf(content, label=f"{path.name}/{name}"))
        for name, content in unzipped(path.read_bytes(), label=path.name).items()
    ]
    hours = {name: part.sizes.get("time") for name, part in enumerate(parts)}
    try:
        return xr.merge(parts, join="exact", compat="no_conflicts", combine_attrs="drop_conflicts")
    except (ValueError, xr.MergeError) as error:
        raise SchemaError(
            f"The files of {path.name} do not fit each other: they have {list(hours.values())} hours.",
            "Instants and sums of one request have the same hours and cells.",
            "Ask for them again, with the same period and area.",
        ) from error


def _opened_zarr(path: str, storage_options: Mapping[str, Any] | None) -> xr.Dataset:
    for library in ("zarr", *(("fsspec",) if _is_remote(path) else ())):
        require(library, extra="store", purpose="ERA5 is read from a Zarr store.")
    options = dict(storage_options) if storage_options else None
    try:
        store: xr.Dataset = xr.open_zarr(
            path, chunks=None, storage_options=options, consolidated=_consolidated(path)
        )
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        problem = UnreachableError if _is_remote(path) else FileFormatError
        raise problem(
            f"{path.partition('?')[0]} cannot be opened as Zarr: {type(error).__name__}.",
            "It is a Zarr store with consolidated metadata, or a folder of one.",
            "Check the address, the network, and storage_options.",
        ) from error
    return store


def _consolidated(path: str) -> bool | None:
    """A local store may have metadata by array; over a network they are read at once."""
    if _is_remote(path):
        return None
    there = Path(path)
    if (there / ".zmetadata").exists():
        return True
    about = there / "zarr.json"
    written = about.read_text(encoding="utf-8") if about.exists() else ""
    return re.search(r'"consolidated_metadata":\s*\{', written) is not None  # older zarr writes null


def parse_era5(
    raw: xr.Dataset,
    *,
    sites: Sequence[Site],
    method: Method = "nearest",
    land: bool = False,
    start: Any = None,
    end: Any = None,
) -> xr.Dataset:
    """ERA5 as the library knows weather, from a dataset of either layout, by short or long names.

    Parameters
    ----------
    raw : Dataset
        May be lazy.
    sites : sequence of Site
    method : {"nearest", "bilinear"}
    land : bool
        It is ERA5-Land.
    start, end : moment, optional

    Returns
    -------
    Dataset
        Dimensions ``(site, time)``.

    Raises
    ------
    SchemaError
        If no variable of ERA5 is there.
    UnitsError
        If one has another unit than ERA5 gives it.

    Examples
    --------
    The preliminary part of an old file, ``expver`` 5, follows the final one.

    >>> hours = np.array(["2024-06-01T00", "2024-06-01T01"], dtype="datetime64[ns]")
    >>> kelvin = np.array([[290.0, np.nan], [np.nan, 291.0]])[:, :, None, None]
    >>> old = xr.Dataset(
    ...     {"t2m": (("time", "expver", "latitude", "longitude"), kelvin.transpose(1, 0, 2, 3))},
    ...     coords={"time": hours, "expver": [1, 5], "latitude": [43.5], "longitude": [78.5]},
    ... )
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> parse_era5(old, sites=[farm])["temp_air"].values.round(2).tolist()
    [[16.850000381469727, 17.850000381469727]]
    """
    regular = _one_layout(raw)
    if start is not None or end is not None:
        regular = _within(regular, start, end)
    rows = {str(name): _BY_NAME[str(name)] for name in regular.data_vars if str(name) in _BY_NAME}
    if not rows:
        raise SchemaError(
            f"The file has the variables {', '.join(map(str, regular.data_vars))}.",
            f"Known are {', '.join(row.short for row in _ROWS)} and their long names.",
            "Ask for some of these.",
        )
    for name, row in rows.items():
        _check_units(regular[name], row)
    named = regular[list(rows)].rename({name: row.name for name, row in rows.items()})
    at_sites = to_sites(named, sites, method=method, grid=Grid.of(regular))
    by_name = {row.name: row for row in rows.values()}
    made = {name: _converted(at_sites[name], by_name, land=land) for name in map(str, at_sites.data_vars)}
    return _analysis(at_sites.assign(made))


def _within(dataset: xr.Dataset, start: Any, end: Any) -> xr.Dataset:
    """Hours in [start, end), and the one after them: it holds the sums of the last."""
    stamps = timestamps.to_ns(np.asarray(dataset["time"].values))
    first = stamps[0] if start is None else timestamps.to_ns([timestamps.instant(start)])[0]
    last = stamps[-1] if end is None else timestamps.to_ns([timestamps.instant(end)])[0]
    inside = np.flatnonzero((stamps >= first) & (stamps <= last))
    if not len(inside):
        raise MissingDataError(
            f"The file has {stamps[0]} to {stamps[-1]}.",
            f"Hours from {first} were asked for.",
            "Ask for a period that it holds.",
        )
    return dataset.isel(time=slice(int(inside[0]), int(inside[-1]) + 1))


def _one_layout(raw: xr.Dataset) -> xr.Dataset:
    """The layouts of both stores as one: ``time``, no ``expver``, no ``number``."""
    dataset = raw.rename({"valid_time": "time"}) if "valid_time" in raw.dims else raw
    if "time" not in dataset.dims:
        raise SchemaError(
            f"The file has the dimensions {tuple(map(str, dataset.dims))}.",
            "ERA5 has 'valid_time' or, in older files, 'time'.",
            "Fetch it in the format 'netcdf'.",
        )
    if "expver" in dataset.dims:
        versions = sorted(dataset["expver"].values.tolist())
        parts = [dataset.sel(expver=version, drop=True) for version in versions]
        dataset = parts[0]
        for later in parts[1:]:
            dataset = dataset.fillna(later)
    return dataset.drop_vars(["expver", "number", "surface"], errors="ignore")


def _check_units(values: xr.DataArray, row: _Row) -> None:
    given = values.attrs.get("units")
    if given is None or _SPELLINGS.get(given, given) == row.units:
        return
    raise UnitsError(
        f"{values.name} has attrs['units'] = {given!r}.",
        f"ERA5 gives it in {row.units!r}.",
        "Fetch the file again; if it was converted, give it back its units.",
    )


def _converted(values: xr.DataArray, rows: Mapping[str, _Row], *, land: bool) -> xr.DataArray:
    row = rows.get(str(values.name))
    if row is None:  # speed and direction of wind, which have been made from components
        return values.assign_attrs(cell_methods=POINT)
    bare = values.drop_attrs()
    if row.label is Label.INSTANT:
        return (bare * row.factor + row.offset).assign_attrs(cell_methods=POINT)
    label = Label.SUM_SINCE_MIDNIGHT if land and row.label is Label.SUM_ENDING else row.label
    step = None if label is Label.SUM_SINCE_MIDNIGHT else _HOUR
    return de_accumulate(bare * row.factor, label=label, step=step, most_negative=60.0)


def _analysis(weather: xr.Dataset) -> xr.Dataset:
    """Named, with diffuse radiation where there is direct, and when it could be had."""
    if "direct_horizontal" in weather:
        if "ghi" in weather:
            diffuse = (weather["ghi"] - weather["direct_horizontal"]).clip(min=0.0)
            weather["dhi"] = diffuse.assign_attrs(cell_methods=MEAN)
        weather = weather.drop_vars("direct_horizontal")
    notes = {
        f"clipped_{name}": float(array.attrs["clipped"])
        for name, array in weather.data_vars.items()
        if array.attrs.get("clipped")
    }
    for name in map(str, weather.data_vars):
        row = lookup(name)
        method = weather[name].attrs.get("cell_methods", row.cell_methods)
        weather[name] = weather[name].astype(np.float32)
        weather[name].attrs = {"units": row.units, "standard_name": row.standard_name, "cell_methods": method}
    stamps = timestamps.to_ns(np.asarray(weather["time"].values))
    # Sums of an hour come with the stamp of its end.
    weather = weather.assign_coords(
        available_time=("time", _DELAY.available_time(stamps + _HOUR)), time=stamps
    )
    weather.attrs = {"kind": "analysis", "source": "era5", "attribution": _ATTRIBUTION, **notes}
    return weather.transpose("site", "time")


def _check_whole(weather: xr.Dataset, label: str) -> None:
    for name in map(str, weather.data_vars):
        values = weather[name].transpose("site", "time").values
        ends = weather[name].attrs["cell_methods"] == MEAN
        lost = np.isnan(values[:, :-1] if ends else values)
        if lost.any():
            site, hour = np.argwhere(lost)[0]
            raise MissingDataError(
                f"{label} has no {name} at site {str(weather['site'].values[site])!r}, "
                f"{weather['time'].values[hour]}: {int(lost.sum())} of {lost.size} values are missing.",
                "ERA5 has every hour; over water, ERA5-Land has none.",
                "A chunk or hours were lost: fetch them again, or let them be NaN with allow_missing=True.",
            )


def parse_era5_point(frame: pd.DataFrame, *, site: Site) -> xr.Dataset:
    """ERA5 at a point from the frame of ``pvlib.iotools.get_era5``.

    Parameters
    ----------
    frame : DataFrame
        As pvlib gives it, mapped to its names or not; its stamps end the hour.
    site : Site

    Returns
    -------
    Dataset
        Dimensions ``(site, time)``.

    Examples
    --------
    >>> index = pd.date_range("2024-06-01", periods=2, freq="1h", tz="UTC")
    >>> frame = pd.DataFrame({"ghi": [0.0, 120.0]}, index=index)
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> parse_era5_point(frame, site=farm)["ghi"].values.tolist()
    [[120.0, nan]]
    """
    rows = {str(name): {**_BY_NAME, **_PVLIB}.get(str(name)) for name in frame.columns}
    known = {name: row for name, row in rows.items() if row is not None}
    if not known or not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
        raise SchemaError(
            f"The frame has the columns {', '.join(rows)} and an index of type {type(frame.index).__name__}.",
            f"Known are {', '.join(_PVLIB)}, u10, v10, u100, v100; the index is in UTC.",
            "Give the frame that pvlib.iotools.get_era5 returns.",
        )
    stamps = timestamps.to_ns(frame.index)
    values = {
        row.name: (("time", "latitude", "longitude"), frame[name].to_numpy(dtype=float)[:, None, None])
        for name, row in known.items()
    }
    coords = {"time": stamps, "latitude": [site.latitude], "longitude": [site.longitude]}
    at_site = to_sites(xr.Dataset(values, coords=coords), [site])
    by_name = {row.name: row for row in known.values()}
    made = {name: _converted(at_site[name], by_name, land=False) for name in map(str, at_site.data_vars)}
    return weather_schema.check_weather(
        _analysis(at_site.assign(made)), sites=[site], label="ERA5 at a point"
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

    Examples
    --------
    >>> Era5(address="https://example.org/era5.zarr").labels["ghi"].value
    'sum over the interval that ends at the stamp'
    """

    name = "era5"
    delay: PublicationDelay = _DELAY
    attribution = _ATTRIBUTION

    address: str
    variables: tuple[str, ...] = ("wind_speed_100m", "wind_direction_100m", "temp_air", "pressure", "ghi")
    method: Method = "nearest"
    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def labels(self) -> Mapping[str, Label]:  # type: ignore[override]
        """What its stamps mean."""
        summed = {row.name for row in _ROWS if row.label is Label.SUM_ENDING} | {"dhi"}
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
