"""From the grid of a weather model to sites: nearest cells, bilinear means, cells around a site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast import physics
from energyforecast.core.sites import Site
from energyforecast.errors import RangeError, SchemaError

__all__ = ["Cells", "Grid", "average", "cells_around", "read_points", "to_sites"]

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]
Method = Literal["nearest", "bilinear"]
Surface = Literal["any", "land", "sea"]

_LATITUDES: Final = ("latitude", "lat", "nav_lat")
_LONGITUDES: Final = ("longitude", "lon", "nav_lon")
#: How far the nearest cell of the wanted surface may lie. [cells]
_REACH: Final = 3
#: A site may lie this far from the centre of the outermost cell: half a diagonal, and rounding. [cells]
_MARGIN: Final = 0.75
#: Width of the cell of a grid that has only one. [degree]
_COARSE: Final = 1.0
#: What is read at once. [bytes]
_BLOCK: Final = 1 << 26


@dataclass(frozen=True, eq=False)
class Grid:
    """Centres of a model's cells.

    Parameters
    ----------
    latitude, longitude : array
        One dimension each on a regular grid, rows and columns; two on a curvilinear one. Latitudes may fall,
        longitudes may run from 0 to 360. [degree]
    elevation : array (rows, columns), optional
        Of the model's ground. [m]
    land : array (rows, columns), optional
        Share of land, 0 to 1.

    Examples
    --------
    >>> grid = Grid(np.arange(90.0, -90.1, -0.25), np.arange(0.0, 360.0, 0.25))
    >>> grid.shape, grid.cells([Site(name="farm", latitude=-33.1, longitude=-70.6)]).longitude.tolist()
    ((721, 1440), [-70.5])
    """

    latitude: Floats
    longitude: Floats
    elevation: Floats | None = None
    land: Floats | None = None

    @classmethod
    def of(cls, dataset: xr.Dataset) -> Grid:
        """The grid of a dataset with coordinates ``latitude`` and ``longitude`` (or ``lat`` and ``lon``)."""
        latitude, longitude = _named(dataset, _LATITUDES), _named(dataset, _LONGITUDES)
        return cls(np.asarray(dataset[latitude].values), np.asarray(dataset[longitude].values))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        if self.latitude.ndim == 1:
            return len(self.latitude), len(self.longitude)
        return self.latitude.shape[0], self.latitude.shape[1]

    def centres(self, index: Any) -> tuple[Floats, Floats]:
        """Latitude and longitude (-180 to 180) of cells, counted row by row. [degree]"""
        row, column = np.divmod(np.asarray(index), self.shape[1])
        if self.latitude.ndim == 1:
            latitude, longitude = self.latitude[row], self.longitude[column]
        else:
            latitude, longitude = self.latitude[row, column], self.longitude[row, column]
        return np.asarray(latitude, dtype=float), _wrapped(np.asarray(longitude, dtype=float))

    def cells(self, sites: Sequence[Site], *, method: Method = "nearest", surface: Surface = "any") -> Cells:
        """The cells that stand for sites.

        Parameters
        ----------
        sites : sequence of Site
        method : {"nearest", "bilinear"}
        surface : {"any", "land", "sea"}
            Take cells of land or sea alone, as far as three cells away; needs ``land``.

        Raises
        ------
        RangeError
            If a site lies outside the grid, or no cell of the surface is near.
        """
        find = self._nearest if method == "nearest" else self._around
        found = [find(site) for site in sites]
        index = np.array([cells for cells, _ in found])
        weights = np.array([shares for _, shares in found])
        if surface != "any":
            index, weights = self._on_surface(sites, index, weights, surface)
        latitude, longitude = self.centres(index)
        # Longitudes are averaged as distances from the first cell, across 180 degrees too.
        east = (_wrapped(longitude - longitude[:, :1]) * weights).sum(axis=1)
        elevation = None if self.elevation is None else (self.elevation.ravel()[index] * weights).sum(axis=1)
        north = (latitude * weights).sum(axis=1)
        return Cells(index, weights, north, _wrapped(longitude[:, 0] + east), elevation, longitude)

    def _nearest(self, site: Site) -> tuple[list[int], list[float]]:
        row, column = self._position(site)
        return [int(row) * self.shape[1] + int(column)], [1.0]

    def _position(self, site: Site) -> tuple[int, int]:
        """Row and column of the nearest cell."""
        if self.latitude.ndim == 2:
            return self._curvilinear(site)
        north = np.abs(self.latitude - site.latitude)
        east = np.abs(_wrapped(self.longitude - site.longitude))
        row, column = int(north.argmin()), int(east.argmin())
        steps = [np.abs(_wrapped(np.diff(axis))).max(initial=0.0) for axis in (self.latitude, self.longitude)]
        for miss, axis, step, what in (
            (north[row], self.latitude, steps[0], "latitude"),
            (east[column], self.longitude, steps[1], "longitude"),
        ):
            # A single row is as wide as a column, and a single cell as those of coarse models.
            if miss > 0.5 * (step or max(steps) or _COARSE) * 1.001:
                raise _outside(site, f"its {what}s run from {axis.min():g} to {axis.max():g}")
        return row, column

    def _curvilinear(self, site: Site) -> tuple[int, int]:
        point = _vectors(np.array([site.latitude]), np.array([site.longitude]))
        distance, nearest = (found[0] for found in self._tree.query(point))
        row, column = np.unravel_index(int(nearest), self.shape)
        rows, columns = _window(int(row), int(column), self.shape, 1)
        near = _vectors(self.latitude[rows, columns], self.longitude[rows, columns])
        here = _vectors(self.latitude[row, column], self.longitude[row, column])
        steps = np.sort(np.linalg.norm(near - here, axis=-1).ravel())
        spacing = steps[1 : max(2, min(4, len(steps)))].max() if len(steps) > 1 else np.inf
        if distance > _MARGIN * spacing:
            raise _outside(site, f"its nearest cell is {distance * 6371:.0f} km away")
        return int(row), int(column)

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        vectors = _vectors(self.latitude, self.longitude).reshape(-1, 3)
        return cKDTree(vectors, balanced_tree=False, compact_nodes=False)

    def _around(self, site: Site) -> tuple[list[int], list[float]]:
        """The four cells around a site and their shares."""
        row, column = self._position(site)
        rows, columns = self.shape
        if rows < 2 or columns < 2:
            raise _outside(site, "it has a single row or column, and bilinear needs four cells")
        best: tuple[float, list[int], list[float]] | None = None
        for up in (row - 1, row):
            for left in (column - 1, column):
                quad = self._quad(up, left)
                if quad is None:
                    continue
                north, east = self._inverse(site, quad)
                beyond = max(0.0, -north, north - 1.0, -east, east - 1.0)
                if best is None or beyond < best[0]:
                    north, east = min(max(north, 0.0), 1.0), min(max(east, 0.0), 1.0)
                    shares = [(1 - north) * (1 - east), (1 - north) * east, north * (1 - east), north * east]
                    best = beyond, [i * columns + j for i, j in quad], shares
        if best is None or best[0] > 0.51:
            raise _outside(site, "no four of its cells surround the site")
        return best[1], best[2]

    def _quad(self, up: int, left: int) -> list[tuple[int, int]] | None:
        rows, columns = self.shape
        right = left + 1
        if self._is_round():
            left, right = left % columns, right % columns
        if up < 0 or up + 1 >= rows or left < 0 or right >= columns:
            return None
        return [(up, left), (up, right), (up + 1, left), (up + 1, right)]

    def _is_round(self) -> bool:
        """Whether the last column is the first one's neighbour."""
        if self.longitude.ndim == 2 or len(self.longitude) < 3:
            return False
        gap = _wrapped(np.array([self.longitude[0] - self.longitude[-1]]))[0]
        return bool(np.isclose(abs(gap), abs(self.longitude[1] - self.longitude[0]), rtol=0.01))

    def _inverse(self, site: Site, quad: list[tuple[int, int]]) -> tuple[float, float]:
        """Where a site lies in a quadrilateral of cells, both from 0 to 1 inside: Newton's method on a plane."""
        flat = np.array([row * self.shape[1] + column for row, column in quad])
        latitude, longitude = self.centres(flat)
        x = _wrapped(longitude - site.longitude) * np.cos(np.radians(site.latitude))
        y = latitude - site.latitude
        north = east = 0.5
        for _ in range(8):
            shares = np.array(
                [(1 - north) * (1 - east), (1 - north) * east, north * (1 - east), north * east]
            )
            by_north = np.array([east - 1, -east, 1 - east, east])
            by_east = np.array([north - 1, 1 - north, -north, north])
            slope = np.array([[x @ by_north, x @ by_east], [y @ by_north, y @ by_east]])
            if abs(np.linalg.det(slope)) < 1e-14:
                return np.inf, np.inf
            step = np.linalg.solve(slope, [x @ shares, y @ shares])
            north, east = north - float(step[0]), east - float(step[1])
        return north, east

    def _on_surface(
        self, sites: Sequence[Site], index: Ints, weights: Floats, surface: Surface
    ) -> tuple[Ints, Floats]:
        if self.land is None:
            raise SchemaError(
                f"Cells of {surface} were asked of a grid that does not know its land.",
                "A grid says so by its share of land in each cell.",
                "Give it: Grid(latitude, longitude, land=...), or take surface='any'.",
            )
        wanted = ((self.land >= 0.5) == (surface == "land")).ravel()
        index, weights = index.copy(), np.where(wanted[index], weights, 0.0)
        for k, site in enumerate(sites):
            if weights[k].sum() > 0:
                weights[k] /= weights[k].sum()
                continue
            index[k, 0], weights[k, 0] = self._nearest_of(site, wanted, surface), 1.0
        return index, weights

    def _nearest_of(self, site: Site, wanted: npt.NDArray[np.bool_], surface: str) -> int:
        row, column = self._position(site)
        rows, columns = _window(row, column, self.shape, _REACH)
        flat = (
            np.arange(self.shape[0])[rows, None] * self.shape[1] + np.arange(self.shape[1])[columns]
        ).ravel()
        flat = flat[wanted[flat]]
        if not len(flat):
            raise RangeError(
                f"No cell of {surface} lies within {_REACH} cells of site {site.name!r}.",
                "A site stands on the surface that is asked for.",
                "Check its coordinates, or take surface='any'.",
            )
        point = _vectors(np.array([site.latitude]), np.array([site.longitude]))
        return int(flat[np.linalg.norm(_vectors(*self.centres(flat)) - point, axis=-1).argmin()])


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells that stand for sites, counted row by row, with their shares.

    Parameters
    ----------
    index : array (sites, cells)
    weights : array (sites, cells)
    latitude, longitude : array (sites)
        Centres; of several cells, their mean. [degree]
    elevation : array (sites), optional
        [m]
    cell_longitudes : array (sites, cells), optional
        Of each cell by itself. [degree]

    Examples
    --------
    >>> grid = Grid(np.array([44.0, 43.0]), np.array([78.0, 79.0]))
    >>> cells = grid.cells([Site(name="farm", latitude=43.5, longitude=78.5)], method="bilinear")
    >>> cells.take(np.array([1.0, 2.0, 3.0, 4.0])).tolist()
    [2.5]
    """

    index: Ints
    weights: Floats
    latitude: Floats
    longitude: Floats
    elevation: Floats | None = None
    cell_longitudes: Floats | None = None

    @property
    def needed(self) -> Ints:
        """Every cell that is used, once."""
        return np.unique(self.index)

    def among_needed(self) -> Ints:
        """Places of the cells in :attr:`needed`, shape (sites, cells)."""
        return np.searchsorted(self.needed, self.index)

    def take(self, values: Floats) -> Floats:
        """Means over the cells of each site, from values (..., all cells of the grid)."""
        return np.asarray((values[..., self.index] * self.weights).sum(axis=-1))


def average(fields: Mapping[str, Floats], weights: Floats) -> dict[str, Floats]:
    """Means over cells; winds as speeds and as vectors, which are not the same.

    Parameters
    ----------
    fields : mapping of array (..., sites, cells)
        By the names of the library. ``wind_u_<height>m`` and ``wind_v_<height>m`` give
        ``wind_speed_<height>m``, the mean of the cells' speeds, and ``wind_direction_<height>m``, the direction
        of their mean vector. A direction alone is averaged as a vector of the length of its speed, or of 1.
    weights : array (sites, cells)

    Returns
    -------
    dict of array (..., sites)

    Examples
    --------
    Two cells whose winds blow against each other: calm as a vector, 5 m/s as a speed.

    >>> winds = {"wind_u_10m": np.array([[5.0, -5.0]]), "wind_v_10m": np.array([[0.1, 0.1]])}
    >>> found = average(winds, np.array([[0.5, 0.5]]))
    >>> found["wind_speed_10m"].round(2).tolist(), found["wind_direction_10m"].tolist()
    ([5.0], [180.0])
    """
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


def cells_around(
    sites: Site | Sequence[Site], *, grid: Grid, count: int = 4, surface: Surface = "any"
) -> tuple[Site, ...]:
    """The cells nearest to sites, as sites of their own: ``farm/1``, ``farm/2``...

    Ask a source for their weather together with that of the sites, and give them to
    ``Forecaster(neighbours=...)``: features then see the weather around the site.

    Parameters
    ----------
    sites : Site or sequence of Site
    grid : Grid
        Of the weather model.
    count : int
        Cells for each site, the nearest first. A cell near two sites stands once.
    surface : {"any", "land", "sea"}

    Returns
    -------
    tuple of Site

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
                f"Cells of {surface} were asked of a grid that does not know its land.",
                "A grid says so by its share of land in each cell.",
                "Give it: Grid(latitude, longitude, land=...), or take surface='any'.",
            )
        wanted = (grid.land >= 0.5) == (surface == "land")
    found: dict[int, Site] = {}
    for site in (sites,) if isinstance(sites, Site) else tuple(sites):
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
            f"{count} were asked for.",
            "Ask for fewer, or take a larger grid.",
        )
    point = _vectors(np.array([site.latitude]), np.array([site.longitude]))
    distance = np.linalg.norm(_vectors(*grid.centres(flat)) - point, axis=-1)
    return np.asarray(flat[np.argsort(distance, kind="stable")][:count])


def to_sites(
    dataset: xr.Dataset,
    sites: Sequence[Site],
    *,
    method: Method = "nearest",
    surface: Surface = "any",
    grid: Grid | None = None,
) -> xr.Dataset:
    """Values of a gridded dataset at sites.

    Parameters
    ----------
    dataset : Dataset
        In the library's names and units, with coordinates of latitude and longitude; may be lazy, and is
        read chunk by chunk.
    sites : sequence of Site
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

    Examples
    --------
    >>> field = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], dims=("lat", "lon"))
    >>> dataset = xr.Dataset({"temp_air": field}, coords={"lat": [44.0, 43.0], "lon": [78.0, 79.0]})
    >>> to_sites(dataset, [Site(name="farm", latitude=43.1, longitude=78.9)])["temp_air"].values.tolist()
    [4.0]
    """
    there = grid or Grid.of(dataset)
    cells = there.cells(sites, method=method, surface=surface)
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
        like = (
            name
            if name in shapes
            else name.replace("wind_speed", "wind_u").replace("wind_direction", "wind_u")
        )
        result[name] = ((*shapes[like], "site"), mean, attrs.get(name, {}))
        result[name] = result[name].transpose("site", ...)
    kept = {name: coord for name, coord in dataset.coords.items() if not set(dims) & set(coord.dims)}
    kept = {name: coord for name, coord in kept.items() if name not in (*_LATITUDES, *_LONGITUDES)}
    return result.assign_coords(kept).assign_coords(cell_coords(cells, sites))


def cell_coords(cells: Cells, sites: Sequence[Site]) -> dict[str, Any]:
    """Coordinates that say where the weather of each site comes from."""
    coords: dict[str, Any] = {
        "site": [site.name for site in sites],
        "cell_latitude": ("site", np.asarray(cells.latitude)),
        "cell_longitude": ("site", np.asarray(cells.longitude)),
    }
    if cells.elevation is not None:
        coords["cell_elevation"] = ("site", np.asarray(cells.elevation))
    return coords


def read_points(values: xr.DataArray, cells: Ints, *, dims: tuple[str, str] | None = None) -> Floats:
    """Values of single cells of a lazy array: each chunk is read once, and cells are picked in memory.

    Pointwise ``sel`` without Dask builds an index for every value and took several times as long.

    Parameters
    ----------
    values : DataArray
        With two dimensions of space; backed by Zarr, NetCDF or memory.
    cells : array of int
        Counted row by row.
    dims : tuple of str, optional
        Names of the rows and of the columns; the last two dimensions otherwise.

    Returns
    -------
    array (other dimensions..., cells)

    Examples
    --------
    >>> read_points(xr.DataArray(np.arange(12.0).reshape(2, 2, 3)), np.array([0, 5])).tolist()
    [[0.0, 5.0], [6.0, 11.0]]
    """
    rows, columns = dims or (str(values.dims[-2]), str(values.dims[-1]))
    ordered = values.transpose(..., rows, columns)
    row, column = np.divmod(np.asarray(cells), ordered.sizes[columns])
    high, wide = (_chunk(values, dim) for dim in (rows, columns))
    result: Any = np.empty((*ordered.shape[:-2], len(row)), dtype=values.dtype)
    key = (row // high) * (ordered.sizes[columns] // wide + 1) + column // wide
    order = np.argsort(key, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
        top, left = (int(place[members].min()) for place in (row, column))
        box = {
            rows: slice(top, int(row[members].max()) + 1),
            columns: slice(left, int(column[members].max()) + 1),
        }
        block = ordered.isel(box)
        for part in _parts(block, values):
            read = block.isel(part).values
            where: tuple[Any, ...] = tuple(part.get(str(dim), slice(None)) for dim in block.dims[:-2])
            result[(*where, members)] = read[..., row[members] - top, column[members] - left]
    return np.asarray(result)


def _chunk(values: xr.DataArray, dim: str) -> int:
    """Cells of a chunk along a dimension; all of them where there are no chunks."""
    chunks = values.encoding.get("preferred_chunks", {})
    if chunks.get(dim):
        return int(chunks[dim])
    sizes = values.encoding.get("chunks") or values.encoding.get("chunksizes")
    stored = values.encoding.get("source_dims", values.dims)
    return int(sizes[stored.index(dim)]) if sizes else int(values.sizes[dim])


def _parts(block: xr.DataArray, values: xr.DataArray) -> Iterator[dict[str, slice]]:
    """Pieces along the first dimension that fit into memory, cut where chunks end."""
    size = block.size * block.dtype.itemsize
    if size <= _BLOCK or block.ndim == 2:
        yield {}
        return
    dim = str(block.dims[0])
    chunk = _chunk(values, dim)
    step = max(1, int(block.sizes[dim] * _BLOCK / size) // chunk) * chunk
    for begin in range(0, block.sizes[dim], step):
        yield {dim: slice(begin, begin + step)}


def _grid_dims(dataset: xr.Dataset) -> tuple[str, str]:
    latitude, longitude = (dataset[_named(dataset, names)] for names in (_LATITUDES, _LONGITUDES))
    if latitude.ndim == 1:
        return str(latitude.dims[0]), str(longitude.dims[0])
    return str(latitude.dims[0]), str(latitude.dims[1])


def _named(dataset: xr.Dataset, names: Sequence[str]) -> str:
    for name in names:
        if name in dataset.variables and dataset[name].ndim in (1, 2):
            return name
    raise SchemaError(
        f"The dataset has the variables {', '.join(map(str, dataset.variables))}.",
        f"A gridded dataset has a coordinate {names[0]!r} of one or two dimensions.",
        "Rename its coordinates.",
    )


def _wrapped(degrees: Floats) -> Floats:
    """Differences or positions of longitude, from -180 up to 180."""
    return np.asarray((np.asarray(degrees, dtype=float) + 180.0) % 360.0 - 180.0)


def _vectors(latitude: Floats, longitude: Floats) -> Floats:
    """Places on a sphere of radius 1."""
    north, east = (
        np.radians(np.asarray(latitude, dtype=float)),
        np.radians(np.asarray(longitude, dtype=float)),
    )
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)


def _window(row: int, column: int, shape: tuple[int, int], reach: int) -> tuple[slice, slice]:
    return (
        slice(max(0, row - reach), min(shape[0], row + reach + 1)),
        slice(max(0, column - reach), min(shape[1], column + reach + 1)),
    )


def _outside(site: Site, why: str) -> RangeError:
    return RangeError(
        f"Site {site.name!r} at {site.latitude:g}, {site.longitude:g} lies outside the grid: {why}.",
        "A site lies within the grid, or less than half a cell beyond its outermost centres.",
        "Choose a weather model that covers it, or correct its coordinates.",
    )
