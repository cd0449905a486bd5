"""Runs of NOAA's models as NetCDF files with the run in their path: ``gfs/2019/05/15/00/gfs.nc``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, variables, weather_schema
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site, Sites, as_sites
from energyforecast.errors import MissingDataError, SchemaError, TimeError, UnitsError, one_of
from energyforecast.weather.processing.accumulation import de_accumulate
from energyforecast.weather.processing.grid_cells import Grid, Method
from energyforecast.weather.processing.spatial import to_sites
from energyforecast.weather.processing.temporal import dark_at_night
from energyforecast.weather.sources.common.base import cf_attributes, run_availability
from energyforecast.weather.sources.common.containers import open_netcdf, real_times, without_other_dimensions
from energyforecast.weather.sources.common.publication_latency import LATENCIES, PublicationLatency

__all__ = ["parse_noaa_netcdf", "read_noaa_ensemble", "read_noaa_netcdf"]

_PATH: Final = re.compile(
    r"(?P<year>\d{4})[/\\](?P<month>\d{2})[/\\](?P<day>\d{2})[/\\](?P<hour>\d{2})[/\\][^/\\]+$"
)
_MEMBER: Final = re.compile(r"_(?P<kind>[cp])(?P<number>\d{2})\.nc$")


@dataclass(frozen=True, kw_only=True)
class _Model:
    latency: PublicationLatency
    labels: Mapping[str, Label]


_RESET: Final = {"ghi": Label.MEAN_SINCE_RESET, "cloud_cover": Label.MEAN_SINCE_RESET}
#: Time labels of radiation and clouds by model; everything else is an instant.
_MODELS: Final = {
    "gfs": _Model(latency=LATENCIES["gfs"], labels=_RESET),
    "gefs": _Model(latency=LATENCIES["gefs"], labels=_RESET),
    "hrrr": _Model(latency=LATENCIES["hrrr"], labels={}),
    "hrrr_subhourly": _Model(latency=LATENCIES["hrrr"], labels={"ghi": Label.MEAN_ENDING}),
    "nam": _Model(latency=PublicationLatency(base="90min", per_lead_hour="60s"), labels={}),
    "rap": _Model(latency=PublicationLatency(base="50min", per_lead_hour="90s"), labels={}),
}
#: Short name in the file: name of the library, unit in the file, factor and offset.
_NAMES: Final = {
    "t2m": ("temp_air", "K", 1.0, -273.15),
    "d2m": ("temp_dew", "K", 1.0, -273.15),
    "sp": ("pressure", "Pa", 1.0, 0.0),
    "si10": ("wind_speed_10m", "m/s", 1.0, 0.0),
    "wdir10": ("wind_direction_10m", "degree", 1.0, 0.0),
    "u10": ("wind_u_10m", "m/s", 1.0, 0.0),
    "v10": ("wind_v_10m", "m/s", 1.0, 0.0),
    "u80": ("wind_u_80m", "m/s", 1.0, 0.0),
    "v80": ("wind_v_80m", "m/s", 1.0, 0.0),
    "tcdc": ("cloud_cover", "percent", 1.0, 0.0),
    "dswrf": ("ghi", "W/m^2", 1.0, 0.0),
    "vbdsf": ("dni", "W/m^2", 1.0, 0.0),
    "vddsf": ("dhi", "W/m^2", 1.0, 0.0),
}


def read_noaa_netcdf(path: str | Path, *, model: str, sites: Sites, method: Method = "nearest") -> xr.Dataset:
    """One run of GFS, GEFS, HRRR, NAM or RAP at sites.

    Parameters
    ----------
    path : path
        Ends with ``year/month/day/hour/file.nc``: the run. The reference time in the file must be the same.
    model : {"gfs", "gefs", "hrrr", "hrrr_subhourly", "nam", "rap"}
        Determines the time label of radiation: means since the last reset for GFS and GEFS, instants for HRRR,
        NAM and RAP, means of the quarter-hour for the quarter-hourly HRRR.
    sites : Site or sequence of Site
    method : {"nearest", "bilinear"}

    Returns
    -------
    Dataset
        Dimensions ``(site, init_time, lead_time)``.

    Raises
    ------
    FileFormatError
        If the file is damaged.
    TimeError
        If path and file name different runs.

    See Also
    --------
    read_noaa_ensemble : All members of a run.
    read_grib : GRIB files.

    Examples
    --------
    >>> farm = Site(name="farm", latitude=32.2, longitude=-110.2)
    >>> read_noaa_netcdf("gfs.nc", model="gfs", sites=farm)
    Traceback (most recent call last):
        ...
    energyforecast.errors.TimeError: The path gfs.nc names no run.
    It must end with year/month/day/hour/file.nc.
    Move the file to a folder of its run, such as 2019/05/15/00.
    """
    source, places = Path(path), as_sites(sites)
    init = _init_of(source)
    raw = open_netcdf(source, label=str(source))
    weather = parse_noaa_netcdf(raw, model=model, sites=places, init_time=init, method=method)
    return weather_schema.check_weather(weather, sites=places, label=str(source))


def read_noaa_ensemble(
    paths: Sequence[str | Path],
    *,
    model: str = "gefs",
    sites: Sites,
    method: Method = "nearest",
    members: Sequence[int] = tuple(range(21)),
) -> xr.Dataset:
    """The members of one run of an ensemble, files that end with ``_c00.nc``, ``_p01.nc``...

    Parameters
    ----------
    paths : sequence of path
        Means and spreads among them (``_avg.nc``, ``_spr.nc``) are left out.
    model, sites, method
        As in :func:`read_noaa_netcdf`.
    members : sequence of int
        Required members; 0 is the control run.

    Returns
    -------
    Dataset
        Dimensions ``(site, init_time, lead_time, member)``.

    Raises
    ------
    MissingDataError
        If a member is missing.

    See Also
    --------
    read_noaa_netcdf : One file.

    Examples
    --------
    >>> read_noaa_ensemble([], sites=[Site(name="farm", latitude=32.2, longitude=-110.2)], members=[0])
    Traceback (most recent call last):
        ...
    energyforecast.errors.MissingDataError: Member 0 of gefs is not among the 0 files.
    An ensemble must be whole: 1 members.
    Fetch it, or name the available members: members=[...].
    """
    found: dict[int, Path] = {}
    for path in map(Path, paths):
        match = _MEMBER.search(path.name)
        if match:
            found[int(match["number"])] = path
    for member in members:
        if member not in found:
            raise MissingDataError(
                f"Member {member} of {model} is not among the {len(found)} files.",
                f"An ensemble must be whole: {len(members)} members.",
                "Fetch it, or name the available members: members=[...].",
            )
    runs = [read_noaa_netcdf(found[member], model=model, sites=sites, method=method) for member in members]
    try:
        joined = xr.concat(
            runs, pd.Index(list(members), name="member"), join="exact", combine_attrs="override"
        )
    except ValueError as error:
        raise TimeError(
            f"The members of {model} have different runs or leads.",
            "Members of one run must have the same leads.",
            "Read each run by itself; fetch members that are cut again.",
        ) from error
    joined = joined.transpose("site", "init_time", "lead_time", "member")
    return weather_schema.check_weather(joined, sites=as_sites(sites), label=f"the ensemble {model}")


def _init_of(path: Path) -> pd.Timestamp:
    match = _PATH.search(str(path))
    try:
        assert match is not None
        return timestamps.instant(f"{match['year']}-{match['month']}-{match['day']}T{match['hour']}:00")
    except (AssertionError, TimeError) as error:
        raise TimeError(
            f"The path {path} names no run.",
            "It must end with year/month/day/hour/file.nc.",
            "Move the file to a folder of its run, such as 2019/05/15/00.",
        ) from error


def parse_noaa_netcdf(
    raw: xr.Dataset, *, model: str, sites: Sequence[Site], init_time: pd.Timestamp, method: Method = "nearest"
) -> xr.Dataset:
    """Weather of the library from a dataset of one run."""
    one_of("model", model, allowed=_MODELS)
    known = {name: _NAMES[name] for name in map(str, raw.data_vars) if name in _NAMES}
    if not known or "time" not in raw.dims:
        raise SchemaError(
            f"The file has the variables {', '.join(map(str, raw.data_vars))}.",
            f"Known are {', '.join(_NAMES)}, along time.",
            "Convert it with wgrib2, or read the GRIB file itself.",
        )
    raw = without_other_dimensions(real_times(raw, "time"), names=known)
    init = timestamps.to_ns([init_time])[0]
    _check_reference(raw, init)
    named = xr.Dataset(
        {
            variable: _in_our_unit(raw[name], unit, factor, offset)
            for name, (variable, unit, factor, offset) in known.items()
        },
        coords=raw.coords,
    )
    lead = timestamps.to_ns(np.asarray(raw["time"].values)) - init
    at_sites = to_sites(named, sites, method=method, grid=Grid.of(raw)).rename(time="lead_time")
    at_sites = at_sites.assign_coords(lead_time=lead)
    return dark_at_night(_run(at_sites, _MODELS[model], init, model), sites=sites)


def _check_reference(raw: xr.Dataset, init: np.datetime64) -> None:
    given = raw["time"].attrs.get("reference_time")
    if given is None:
        return
    reference = np.datetime64(0, "ns") + np.timedelta64(int(given), "s")
    if reference != init:
        raise TimeError(
            f"The file is of the run {reference.astype('datetime64[m]')}, by its reference_time.",
            f"Its path gives {init.astype('datetime64[m]')}.",
            "Move the file to the folder of its run.",
        )


def _in_our_unit(values: xr.DataArray, unit: str, factor: float, offset: float) -> xr.DataArray:
    given = values.attrs.get("units", unit)
    if given != unit:
        raise UnitsError(
            f"{values.name} has attrs['units'] = {given!r}.",
            f"NOAA's files give it in {unit!r}.",
            "Convert it back; the reader converts units itself.",
        )
    return (values.drop_attrs() * factor + offset).assign_attrs(units=given)


def _run(weather: xr.Dataset, model: _Model, init: np.datetime64, name: str) -> xr.Dataset:
    notes: dict[str, Any] = {}
    for key in map(str, weather.data_vars):
        label = model.labels.get(key, Label.INSTANT)
        values = weather[key].drop_attrs()
        if label is not Label.INSTANT:
            values = de_accumulate(values, label=label)
            notes |= {f"clipped_{key}": values.attrs["clipped"]} if values.attrs["clipped"] else {}
        if key == "cloud_cover":
            values = values.clip(max=100.0)  # by the same rounding
        method = variables.POINT if label is Label.INSTANT else variables.MEAN
        weather[key] = values.astype(np.float32)
        weather[key].attrs = cf_attributes(key, cell_methods=method)
    lead = np.asarray(weather["lead_time"].values)
    available = run_availability(model.latency, init, lead, means=bool(model.labels))
    run = weather.expand_dims(init_time=np.array([init])).transpose("site", "init_time", "lead_time")
    run = run.assign_coords(available_time=available)
    run.attrs = {"kind": "forecast", "source": f"noaa:{name}", "attribution": "NOAA, public domain", **notes}
    return run
