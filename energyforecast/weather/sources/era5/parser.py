"""Weather analyses from ERA5 datasets and from point tables of pvlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.core.variables import MEAN, POINT
from energyforecast.errors import (
    MissingDataError,
    SchemaError,
    TimeError,
    UnitsError,
)
from energyforecast.weather.processing.accumulation import de_accumulate
from energyforecast.weather.processing.grid_cells import Grid, Method
from energyforecast.weather.processing.spatial import to_sites
from energyforecast.weather.sources.common.base import cf_attributes
from energyforecast.weather.sources.common.publication_latency import LATENCIES
from energyforecast.weather.sources.era5.archives import one_layout
from energyforecast.weather.sources.era5.catalogue import BY_NAME, PVLIB, ROWS, SPELLINGS, Row

__all__ = ["ATTRIBUTION", "LATENCY", "parse_era5", "parse_era5_point"]

_HOUR: Final = np.timedelta64(3_600_000_000_000, "ns")
ATTRIBUTION: Final = "Contains modified Copernicus Climate Change Service information"
LATENCY: Final = LATENCIES["era5"]


def parse_era5(
    raw: xr.Dataset,
    *,
    sites: Sequence[Site],
    method: Method = "nearest",
    land: bool = False,
    start: Any = None,
    end: Any = None,
) -> xr.Dataset:
    """ERA5 as the library knows weather, from a dataset of either layout, by short or long names."""
    regular = _rising(one_layout(raw))
    if start is not None or end is not None:
        regular = _within(regular, start, end)
    rows = {str(name): BY_NAME[str(name)] for name in regular.data_vars if str(name) in BY_NAME}
    if not rows:
        raise SchemaError(
            f"The file has the variables {', '.join(map(str, regular.data_vars))}.",
            f"Known are {', '.join(row.short for row in ROWS)} and their long names.",
            "Ask for some of these.",
        )
    for name, row in rows.items():
        _check_units(regular[name], row)
    named = regular[list(rows)].rename({name: row.name for name, row in rows.items()})
    at_sites = to_sites(named, sites, method=method, grid=Grid.of(regular))
    by_name = {row.name: row for row in rows.values()}
    made = {name: _converted(at_sites[name], by_name, land=land) for name in map(str, at_sites.data_vars)}
    return _analysis(at_sites.assign(made))


def _rising(dataset: xr.Dataset) -> xr.Dataset:
    """Hours in their order, equal doubles once; other steps than an hour's multiple, and other times, are refused."""
    given = pd.DatetimeIndex(timestamps.to_ns(np.asarray(dataset["time"].values)))
    odd = given[given != given.round("h")]
    if len(odd):
        raise TimeError(
            f"The file has the time {odd[0]}.",
            "Times of ERA5 must be whole hours; single precision cannot hold them.",
            "Write the file again with times as integers or in double precision.",
        )
    ordered = (
        dataset.isel(time=np.argsort(given.values, kind="stable"))
        if not given.is_monotonic_increasing
        else dataset
    )
    stamps = pd.DatetimeIndex(timestamps.to_ns(np.asarray(ordered["time"].values)))
    again = stamps.duplicated()
    if not again.any():
        return ordered
    kept, doubles = ordered.isel(time=~again), ordered.isel(time=again)
    if not kept.sel(time=doubles["time"]).drop_vars("time").equals(doubles.drop_vars("time")):
        raise TimeError(
            f"The file has the hour {stamps[again][0]} twice, with other values.",
            "Each hour must have one value.",
            "Keep the final ones, of expver 1, in place of the preliminary ones.",
        )
    return kept


def _within(dataset: xr.Dataset, start: Any, end: Any) -> xr.Dataset:
    """Hours in [start, end), and the one after them: it holds the sums of the last."""
    stamps = timestamps.to_ns(np.asarray(dataset["time"].values))
    first = stamps[0] if start is None else timestamps.to_ns([timestamps.instant(start)])[0]
    last = stamps[-1] if end is None else timestamps.to_ns([timestamps.instant(end)])[0]
    inside = np.flatnonzero((stamps >= first) & (stamps <= last))
    if not len(inside):
        raise MissingDataError(
            f"The file has {stamps[0]} to {stamps[-1]}.",
            f"Hours from {first} were requested.",
            "Ask for a period that it holds.",
        )
    return dataset.isel(time=slice(int(inside[0]), int(inside[-1]) + 1))


def _check_units(values: xr.DataArray, row: Row) -> None:
    given = values.attrs.get("units")
    if given is None or SPELLINGS.get(given, given) == row.units:
        return
    raise UnitsError(
        f"{values.name} has attrs['units'] = {given!r}.",
        f"ERA5 gives it in {row.units!r}.",
        "Fetch the file again; if it was converted, give it back its units.",
    )


def _converted(values: xr.DataArray, rows: Mapping[str, Row], *, land: bool) -> xr.DataArray:
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
    """Weather with names, diffuse radiation where the direct is known, and availability."""
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
        method = weather[name].attrs.get("cell_methods")
        weather[name] = weather[name].astype(np.float32)
        weather[name].attrs = cf_attributes(name, cell_methods=method)
    stamps = timestamps.to_ns(np.asarray(weather["time"].values))
    # Sums of an hour are published with the stamp of its end.
    weather = weather.assign_coords(
        available_time=("time", LATENCY.available_time(stamps + _HOUR)), time=stamps
    )
    weather.attrs = {"kind": "analysis", "source": "era5", "attribution": ATTRIBUTION, **notes}
    return weather.transpose("site", "time")


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

    See Also
    --------
    read_era5 : Files and Zarr stores.

    Examples
    --------
    >>> index = pd.date_range("2024-06-01", periods=2, freq="1h", tz="UTC")
    >>> frame = pd.DataFrame({"ghi": [0.0, 120.0]}, index=index)
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> parse_era5_point(frame, site=farm)["ghi"].values.tolist()
    [[120.0, nan]]
    """
    rows = {str(name): {**BY_NAME, **PVLIB}.get(str(name)) for name in frame.columns}
    known = {name: row for name, row in rows.items() if row is not None}
    if not known or not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
        raise SchemaError(
            f"The frame has the columns {', '.join(rows)} and an index of type {type(frame.index).__name__}.",
            f"Known are {', '.join(PVLIB)}, u10, v10, u100, v100; the index is in UTC.",
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
