"""From grids to sites."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from energyforecast.core.sites import Site
from energyforecast.errors import RangeError, SchemaError
from energyforecast.weather.processing.grid_cells import Grid
from energyforecast.weather.processing.lazy_points import read_points
from energyforecast.weather.processing.spatial import average, cells_around, to_sites


def place(latitude: float, longitude: float, name: str = "farm") -> Site:
    return Site(name=name, latitude=latitude, longitude=longitude)


SOUTHWARD = np.arange(45.0, 42.9, -0.25)


@pytest.mark.parametrize("latitude", [SOUTHWARD, SOUTHWARD[::-1]], ids=["falling", "rising"])
@pytest.mark.parametrize("east", [0.0, 360.0], ids=["-180..180", "0..360"])
def test_a_plane_is_read_exactly_whatever_the_axes(latitude: np.ndarray, east: float) -> None:
    """Bilinear reproduces a plane; nearest takes the nearest centre. West of Greenwich, where conventions part."""
    longitude = np.arange(-3.0, -1.0, 0.25) + east
    field = 2.0 * latitude[:, None] + 3.0 * (longitude - east)[None, :]
    grid = Grid(latitude, longitude)
    site = place(43.9, -2.3)
    flat = field.ravel()
    assert grid.cells([site], method="bilinear").take(flat) == pytest.approx(2 * 43.9 + 3 * -2.3)
    assert grid.cells([site]).take(flat) == pytest.approx(2 * 44.0 + 3 * -2.25)
    assert grid.cells([site]).longitude == pytest.approx([-2.25])


def test_a_global_grid_has_no_seam() -> None:
    grid = Grid(np.arange(90.0, -91.0, -1.0), np.arange(0.0, 360.0, 1.0))
    centred = np.broadcast_to(np.cos(np.radians(grid.longitude)), grid.shape).ravel()
    for east in (-0.3, -0.6, 179.7, -179.7, 0.2):
        cells = grid.cells([place(10.2, east)], method="bilinear")
        assert cells.take(centred) == pytest.approx(np.cos(np.radians(east)), abs=1e-4)
        assert abs((cells.longitude[0] - east + 180) % 360 - 180) < 1e-9


def test_outside_is_an_error_that_names_the_site() -> None:
    grid = Grid(SOUTHWARD, np.arange(78.0, 80.0, 0.25))
    for site in (place(46.0, 79.0), place(44.0, 85.0), place(44.0, -79.0)):
        with pytest.raises(RangeError, match=r"Site 'farm' at .* lies outside the grid"):
            grid.cells([site])
    grid.cells([place(45.1, 77.9)])  # less than half a cell beyond the outermost centres


def lambert() -> Grid:
    """A curvilinear grid, turned by 20 degrees and stretched."""
    i, j = np.meshgrid(np.arange(12), np.arange(15), indexing="ij")
    turn = np.radians(20.0)
    east, north = 0.05 * (j * np.cos(turn) - i * np.sin(turn)), 0.04 * (j * np.sin(turn) + i * np.cos(turn))
    return Grid(40.0 + north, -95.0 + east + 360.0)


def test_curvilinear_grids_agree_with_brute_force() -> None:
    grid = lambert()
    rng = np.random.default_rng(1)
    row, column = rng.uniform(1, 10, 40), rng.uniform(1, 13, 40)
    turn = np.radians(20.0)
    for i, j in zip(row, column, strict=True):
        east = 0.05 * (j * np.cos(turn) - i * np.sin(turn))
        north = 0.04 * (j * np.sin(turn) + i * np.cos(turn))
        site = place(40.0 + north, -95.0 + east)
        narrow = np.cos(np.radians(site.latitude))
        distance = np.hypot(grid.latitude - site.latitude, (grid.longitude - 360 - site.longitude) * narrow)
        assert grid.cells([site]).index[0, 0] == distance.argmin()
        # A plane in latitude and longitude comes back exactly.
        flat = (2 * grid.latitude - 5 * (grid.longitude - 360)).ravel()
        found = grid.cells([site], method="bilinear").take(flat)
        assert found == pytest.approx(2 * site.latitude - 5 * site.longitude, abs=1e-6)
    with pytest.raises(RangeError, match="nearest cell is"):
        grid.cells([place(38.0, -95.0)])


def test_land_and_sea() -> None:
    land = np.ones((9, 8))
    land[:, 4:] = 0.0
    grid = Grid(SOUTHWARD, np.arange(78.0, 80.0, 0.25), land=land)
    coast = place(44.0, 78.9)  # nearest centre: 79.0, at sea
    assert grid.cells([coast]).longitude == 79.0
    assert grid.cells([coast], surface="land").longitude == 78.75
    weights = grid.cells([coast], surface="land", method="bilinear").weights
    assert weights.sum() == pytest.approx(1.0)
    with pytest.raises(RangeError, match="No cell of sea lies within 3 cells"):
        grid.cells([place(44.0, 78.0)], surface="sea")
    with pytest.raises(SchemaError, match="without a share of land"):
        Grid(SOUTHWARD, np.arange(78.0, 80.0, 0.25)).cells([coast], surface="land")


def test_speed_is_made_before_it_is_averaged_and_direction_is_a_vector() -> None:
    winds = {"wind_u_100m": np.array([[3.0, -3.0]]), "wind_v_100m": np.array([[-4.0, -4.0]])}
    half = np.array([[0.5, 0.5]])
    found = average(winds, half)
    assert found["wind_speed_100m"] == pytest.approx(5.0)  # and not 4, that of the mean vector
    assert found["wind_direction_100m"] == pytest.approx(0.0)
    alone = average({"wind_direction_10m": np.array([[350.0, 20.0]])}, half)
    assert alone["wind_direction_10m"] == pytest.approx(5.0)  # and not 185


def test_a_nan_cell_makes_the_mean_unknown_only_where_it_has_a_share() -> None:
    values = {"temp_air": np.array([[1.0, np.nan], [np.nan, 2.0]])}
    found = average(values, np.array([[1.0, 0.0], [0.5, 0.5]]))["temp_air"]
    assert found[0] == 1.0
    assert np.isnan(found[1])


def test_cells_around_a_site_are_places_of_their_own() -> None:
    grid = Grid(SOUTHWARD, np.arange(78.0, 80.0, 0.25))
    two = cells_around([place(44.1, 79.12, "a"), place(44.12, 79.1, "b")], grid=grid, count=4)
    centres = {(site.latitude, site.longitude) for site in two}
    assert len(two) == len(centres) == 4  # shared by both, and named once
    assert [site.name for site in two] == ["a/1", "a/2", "a/3", "a/4"]
    for site in two:  # asked for at their centres, they are those cells
        assert grid.cells([site]).latitude == site.latitude
    with pytest.raises(RangeError, match="Only"):
        cells_around(place(44.0, 79.0), grid=Grid(SOUTHWARD[3:5], np.array([78.75, 79.0])), count=9)


@pytest.mark.parametrize("chunks", [(30, 4, 4), (7, 13, 11), (1, 13, 11)], ids=["point", "odd", "map"])
def test_reading_by_chunks_is_reading(tmp_path: Path, chunks: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(2)
    field = rng.normal(size=(30, 13, 11)).astype(np.float32)
    dataset = xr.Dataset(
        {"temp_air": (("time", "latitude", "longitude"), field)},
        coords={"latitude": np.arange(13) * -0.25 + 45, "longitude": np.arange(11) * 0.25 + 78},
    )
    dataset.to_zarr(tmp_path / "a.zarr", encoding={"temp_air": {"chunks": chunks}}, consolidated=False)
    cells = rng.permutation(13 * 11)[:50]
    with xr.open_zarr(tmp_path / "a.zarr", chunks=None, consolidated=False) as lazy:
        found = read_points(lazy["temp_air"], cells)
        turned = read_points(
            lazy["temp_air"].transpose("longitude", "time", "latitude"), cells, dims=("latitude", "longitude")
        )
    np.testing.assert_array_equal(found, field.reshape(30, -1)[:, cells])
    np.testing.assert_array_equal(turned, found)


def test_each_chunk_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    field = np.arange(4 * 16 * 16, dtype=np.float32).reshape(4, 16, 16)
    dataset = xr.Dataset({"temp_air": (("time", "latitude", "longitude"), field)})
    dataset.to_zarr(tmp_path / "a.zarr", encoding={"temp_air": {"chunks": (4, 4, 4)}}, consolidated=False)
    read: list[str] = []
    from zarr.storage import LocalStore

    true = LocalStore.get

    async def counted(self: LocalStore, key: str, *args: object, **kwargs: object) -> object:
        read.append(key)
        return await true(self, key, *args, **kwargs)

    monkeypatch.setattr(LocalStore, "get", counted)
    with xr.open_zarr(tmp_path / "a.zarr", chunks=None, consolidated=False) as lazy:
        read.clear()
        read_points(lazy["temp_air"], np.arange(0, 128, 3))  # rows 0 to 7: eight chunks of sixteen
    chunks = [key for key in read if "/c/" in key]
    assert len(chunks) == len(set(chunks)) == 8


def test_to_sites_keeps_what_does_not_lie_on_the_grid() -> None:
    dataset = xr.Dataset(
        {
            "wind_u_10m": (("time", "lat", "lon"), np.full((2, 2, 2), 3.0)),
            "wind_v_10m": (("time", "lat", "lon"), np.full((2, 2, 2), 4.0)),
        },
        coords={
            "time": np.array(["2024-01-01", "2024-01-02"], dtype="M8[ns]"),
            "lat": [44.0, 43.0],
            "lon": [78.0, 79.0],
        },
    )
    found = to_sites(dataset, [place(43.9, 78.2, "a"), place(43.1, 78.9, "b")], method="bilinear")
    assert found["wind_speed_10m"].dims == ("site", "time")
    np.testing.assert_allclose(found["wind_speed_10m"], 5.0)
    np.testing.assert_allclose(found["cell_latitude"], [43.9, 43.1])
    assert "lat" not in found.coords
