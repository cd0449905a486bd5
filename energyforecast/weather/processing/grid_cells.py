"""Grid cells of weather models and the weights with which they represent sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast.core.arguments import checked
from energyforecast.core.sites import Site
from energyforecast.errors import RangeError, SchemaError

__all__ = [
    "LATITUDES",
    "LONGITUDES",
    "Cells",
    "Floats",
    "Grid",
    "Ints",
    "Method",
    "Surface",
    "coordinate_name",
    "unit_vectors",
]

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]
Method = Literal["nearest", "bilinear"]
Surface = Literal["any", "land", "sea"]
LATITUDES: Final = ("latitude", "lat", "nav_lat")
LONGITUDES: Final = ("longitude", "lon", "nav_lon")
#: Largest distance of the nearest cell of the requested surface. [cells]
_REACH: Final = 3
#: Largest distance of a site from the centre of the outermost cell: half a diagonal, and rounding. [cells]
_MARGIN: Final = 0.75
#: Width of the cell of a grid that has only one. [degree]
_COARSE: Final = 1.0


@checked()
@dataclass(frozen=True, eq=False)
class Grid:
    """Grid of a weather model: the centres of its cells.

    Parameters
    ----------
    latitude, longitude : array
        One dimension each on a regular grid, rows and columns; two on a curvilinear one. Latitudes may fall,
        longitudes may run from 0 to 360. [degree]
    elevation : array (rows, columns), optional
        Of the model's ground. [m]
    land : array (rows, columns), optional
        Share of land, 0 to 1.

    See Also
    --------
    energyforecast.weather.to_sites, energyforecast.weather.cells_around

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
        latitude, longitude = coordinate_name(dataset, LATITUDES), coordinate_name(dataset, LONGITUDES)
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
        """Cells that represent sites, with their weights.

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
        for miss, axis, step, axis_name in (
            (north[row], self.latitude, steps[0], "latitude"),
            (east[column], self.longitude, steps[1], "longitude"),
        ):
            # A single row is as wide as a column, and a single cell as those of coarse models.
            if miss > 0.5 * (step or max(steps) or _COARSE) * 1.001:
                raise _outside(site, f"its {axis_name}s run from {axis.min():g} to {axis.max():g}")
        return row, column

    def _curvilinear(self, site: Site) -> tuple[int, int]:
        point = unit_vectors(np.array([site.latitude]), np.array([site.longitude]))
        distance, nearest = (found[0] for found in self._tree.query(point))
        row, column = np.unravel_index(int(nearest), self.shape)
        rows, columns = _window(int(row), int(column), self.shape, 1)
        near = unit_vectors(self.latitude[rows, columns], self.longitude[rows, columns])
        nearest_vector = unit_vectors(self.latitude[row, column], self.longitude[row, column])
        steps = np.sort(np.linalg.norm(near - nearest_vector, axis=-1).ravel())
        spacing = steps[1 : max(2, min(4, len(steps)))].max() if len(steps) > 1 else np.inf
        if distance > _MARGIN * spacing:
            raise _outside(site, f"its nearest cell is {distance * 6371:.0f} km away")
        return int(row), int(column)

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        vectors = unit_vectors(self.latitude, self.longitude).reshape(-1, 3)
        gaps = int((~np.isfinite(vectors).all(axis=1)).sum())
        if gaps:
            raise SchemaError(
                f"{gaps} cells of the grid have no latitude or longitude.",
                "Every cell must have both.",
                "Fill the coordinates from the grid's definition; cells without data are NaN in the variables.",
            )
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
        """Whether the last column is a neighbour of the first."""
        if self.longitude.ndim == 2 or len(self.longitude) < 3:
            return False
        gap = _wrapped(np.array([self.longitude[0] - self.longitude[-1]]))[0]
        return bool(np.isclose(abs(gap), abs(self.longitude[1] - self.longitude[0]), rtol=0.01))

    def _inverse(self, site: Site, quad: list[tuple[int, int]]) -> tuple[float, float]:
        """Coordinates of a site in a quadrilateral of cells, from 0 to 1 inside: Newton's method on a plane."""
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
                f"Cells of {surface} were requested of a grid without a share of land.",
                "A grid must declare the share of land in each cell.",
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
                "A site must lie on the requested surface.",
                "Check its coordinates, or take surface='any'.",
            )
        point = unit_vectors(np.array([site.latitude]), np.array([site.longitude]))
        return int(flat[np.linalg.norm(unit_vectors(*self.centres(flat)) - point, axis=-1).argmin()])


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells that represent sites, counted row by row, with their weights."""

    index: Ints
    weights: Floats
    latitude: Floats
    longitude: Floats
    elevation: Floats | None = None
    cell_longitudes: Floats | None = None

    @property
    def needed(self) -> Ints:
        """Cells that are used, each once."""
        return np.unique(self.index)

    def among_needed(self) -> Ints:
        """Places of the cells in :attr:`needed`, shape (sites, cells)."""
        return np.searchsorted(self.needed, self.index)

    def take(self, values: Floats) -> Floats:
        """Means over the cells of each site, from values (..., all cells of the grid)."""
        return np.asarray((values[..., self.index] * self.weights).sum(axis=-1))


def coordinate_name(dataset: xr.Dataset, names: Sequence[str]) -> str:
    """Name of the coordinate, of one or two dimensions, that a dataset has among some."""
    for name in names:
        if name in dataset.variables and dataset[name].ndim in (1, 2):
            return name
    raise SchemaError(
        f"The dataset has the variables {', '.join(map(str, dataset.variables))}.",
        f"A gridded dataset must have a coordinate {names[0]!r} of one or two dimensions.",
        "Rename its coordinates.",
    )


def _wrapped(degrees: Floats) -> Floats:
    """Longitudes, or their differences, from -180 up to 180. [degree]"""
    return np.asarray((np.asarray(degrees, dtype=float) + 180.0) % 360.0 - 180.0)


def unit_vectors(latitude: Floats, longitude: Floats) -> Floats:
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
        "A site must lie within the grid, or less than half a cell beyond its outermost centres.",
        "Choose a weather model that covers it, or correct its coordinates.",
    )
