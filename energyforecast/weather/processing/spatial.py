"""Weather of a grid at sites: nearest cells, bilinear interpolation, cells around a site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast import physics
from energyforecast.core.arguments import check_types, checked
from energyforecast.core.sites import Site, Sites, as_sites
from energyforecast.errors import RangeError, SchemaError
from energyforecast.weather.processing.grid_cells import (
    LATITUDES,
    LONGITUDES,
    Cells,
    Floats,
    Grid,
    Ints,
    Method,
    Surface,
    coordinate_name,
    unit_vectors,
)
from energyforecast.weather.processing.lazy_points import read_points

__all__ = ["average", "cell_coords", "cells_around", "to_sites"]


def average(fields: Mapping[str, Floats], weights: Floats) -> dict[str, Floats]:
    """Means over cells, from (..., sites, cells) to (..., sites): wind speeds as scalars, directions as vectors."""
    result: dict[str, Floats] = {}
    for name, values in fields.items():
        kind, _, height = name.rpartition("_")
        if kind == "wind_v" and f"wind_u_{height}" in fields:
            continue
        if kind == "wind_u" and f"wind_v_{height}" in fields:
            north = fields[f"wind_v_{height}"]
            result[f"wind_speed_{height}"] = _mean(np.hypot(values, north), weights)
            vector = _mean(values, weights), _mean(north, weights)
            result[f"wind_direction_{height}"] = physics.wind_from_components(*vector)[1]
        elif kind == "wind_direction":
            speed = fields.get(f"wind_speed_{height}", np.ones_like(values))
            east, north = physics.wind_components(speed, values)
            result[name] = physics.wind_from_components(_mean(east, weights), _mean(north, weights))[1]
        else:
            result[name] = _mean(values, weights)
    return result


def _mean(values: Floats, weights: Floats) -> Floats:
    if weights.shape[-1] == 1:  # the nearest cell, as it is
        return np.asarray(values[..., 0])
    # A cell without a share may be NaN; one with a share makes the mean unknown.
    return np.asarray(np.where(weights > 0, values * weights, 0.0).sum(axis=-1))


@checked(count=(1, inf))
def cells_around(sites: Sites, *, grid: Grid, count: int = 4, surface: Surface = "any") -> tuple[Site, ...]:
    """Grid cells nearest to sites, as additional sites: ``farm/1``, ``farm/2``...

    Their weather is requested together with that of the sites; with ``Forecaster(neighbours=...)``, features use the
    weather around a site.

    Parameters
    ----------
    sites : Site or sequence of Site
    grid : Grid
        Of the weather model.
    count : int
        Cells for each site, the nearest first. A cell near two sites occurs once.
    surface : {"any", "land", "sea"}

    Returns
    -------
    tuple of Site

    See Also
    --------
    Grid : Cells of a weather model.
    to_sites : Weather of a grid at sites.

    Examples
    --------
    >>> grid = Grid(np.arange(44.0, 43.0, -0.25), np.arange(78.0, 79.0, 0.25))
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.55)
    >>> [(site.name, site.latitude, site.longitude) for site in cells_around(farm, grid=grid, count=2)]
    [('farm/1', 43.5, 78.5), ('farm/2', 43.75, 78.5)]
    """
    wanted = np.ones(grid.shape, dtype=bool)
    if surface != "any":
        if grid.land is None:
            raise SchemaError(
                f"Cells of {surface} were requested of a grid without a share of land.",
                "A grid must declare the share of land in each cell.",
                "Give it: Grid(latitude, longitude, land=...), or take surface='any'.",
            )
        wanted = (grid.land >= 0.5) == (surface == "land")
    found: dict[int, Site] = {}
    for site in as_sites(sites):
        for rank, cell in enumerate(_ranked(grid, site, wanted.ravel(), count), start=1):
            latitude, longitude = grid.centres(cell)
            place = Site(name=f"{site.name}/{rank}", latitude=float(latitude), longitude=float(longitude))
            found.setdefault(int(cell), place)
    return tuple(found.values())


def _ranked(grid: Grid, site: Site, wanted: npt.NDArray[np.bool_], count: int) -> Ints:
    row, column = grid._position(site)  # noqa: SLF001
    reach = int(np.ceil(np.sqrt(count))) + 1
    down = np.arange(max(0, row - reach), min(grid.shape[0], row + reach + 1))
    across = np.arange(column - reach, column + reach + 1)
    across = across % grid.shape[1] if grid._is_round() else across[(across >= 0) & (across < grid.shape[1])]  # noqa: SLF001
    flat = (down[:, None] * grid.shape[1] + np.unique(across)).ravel()
    flat = flat[wanted[flat]]
    if len(flat) < count:
        raise RangeError(
            f"Only {len(flat)} cells lie near site {site.name!r}.",
            f"{count} were requested.",
            "Request fewer, or take a larger grid.",
        )
    point = unit_vectors(np.array([site.latitude]), np.array([site.longitude]))
    distance = np.linalg.norm(unit_vectors(*grid.centres(flat)) - point, axis=-1)
    return np.asarray(flat[np.argsort(distance, kind="stable")][:count])


def to_sites(
    dataset: xr.Dataset,
    sites: Sites,
    *,
    method: Method = "nearest",
    surface: Surface = "any",
    grid: Grid | None = None,
) -> xr.Dataset:
    r"""Interpolate a gridded dataset to sites.

    Parameters
    ----------
    dataset : Dataset
        In the library's names and units, with coordinates of latitude and longitude; may be lazy, and is
        read chunk by chunk.
    sites : Site or sequence of Site
    method : {"nearest", "bilinear"}
    surface : {"any", "land", "sea"}
    grid : Grid, optional
        With elevation or land; that of the dataset otherwise.

    Returns
    -------
    Dataset
        The dimension ``site`` first, with coordinates ``cell_latitude``, ``cell_longitude`` and, where it is
        known, ``cell_elevation``. Components of wind have become speed and direction.

    Raises
    ------
    RangeError
        If a site lies outside the grid.

    Notes
    -----
    ``"nearest"`` takes the nearest cell. ``"bilinear"`` takes the mean of the four cells around a site,

    .. math::
        x = (1-v)(1-u)\, x_{00} + (1-v)\,u\, x_{01} + v\,(1-u)\, x_{10} + v\,u\, x_{11}

    where :math:`u` and :math:`v`, from 0 to 1, are the coordinates of the site in the quadrilateral of the four
    centres, found by Newton's method on a local plane; on a regular grid they are the shares of the steps of
    longitude and latitude. The speed of wind is the mean of the cells' speeds, its direction that of the mean vector.

    See Also
    --------
    Grid : Cells of a weather model.
    cells_around : Neighbouring cells as sites.

    Examples
    --------
    >>> field = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], dims=("lat", "lon"))
    >>> dataset = xr.Dataset({"temp_air": field}, coords={"lat": [44.0, 43.0], "lon": [78.0, 79.0]})
    >>> to_sites(dataset, Site(name="farm", latitude=43.1, longitude=78.9))["temp_air"].values.tolist()
    [4.0]
    """
    check_types(locals(), of=to_sites)
    source_grid = grid or Grid.of(dataset)
    places = as_sites(sites)
    cells = source_grid.cells(places, method=method, surface=surface)
    dims = _grid_dims(dataset)
    place = cells.among_needed()
    fields: dict[str, Floats] = {}
    shapes: dict[str, tuple[str, ...]] = {}
    attrs: dict[str, Any] = {}
    for name in map(str, dataset.data_vars):
        values = dataset[name]
        if not set(dims) <= set(values.dims):
            continue
        fields[name] = read_points(values, cells.needed, dims=dims)[..., place]
        shapes[name] = tuple(str(dim) for dim in values.dims if dim not in dims)
        attrs[name] = values.attrs
    result = xr.Dataset(attrs=dataset.attrs)
    for name, mean in average(fields, cells.weights).items():
        component = (
            name
            if name in shapes
            else name.replace("wind_speed", "wind_u").replace("wind_direction", "wind_u")
        )
        result[name] = ((*shapes[component], "site"), mean, attrs.get(name, {}))
        result[name] = result[name].transpose("site", ...)
    kept = {name: coord for name, coord in dataset.coords.items() if not set(dims) & set(coord.dims)}
    kept = {name: coord for name, coord in kept.items() if name not in (*LATITUDES, *LONGITUDES)}
    return result.assign_coords(kept).assign_coords(cell_coords(cells, places))


def cell_coords(cells: Cells, sites: Sequence[Site]) -> dict[str, Any]:
    """Coordinates with the grid cell of each site."""
    coords: dict[str, Any] = {
        "site": [site.name for site in sites],
        "cell_latitude": ("site", np.asarray(cells.latitude)),
        "cell_longitude": ("site", np.asarray(cells.longitude)),
    }
    if cells.elevation is not None:
        coords["cell_elevation"] = ("site", np.asarray(cells.elevation))
    return coords


def _grid_dims(dataset: xr.Dataset) -> tuple[str, str]:
    latitude, longitude = (dataset[coordinate_name(dataset, names)] for names in (LATITUDES, LONGITUDES))
    if latitude.ndim == 1:
        return str(latitude.dims[0]), str(longitude.dims[0])
    return str(latitude.dims[0]), str(latitude.dims[1])
