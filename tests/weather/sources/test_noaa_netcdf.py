"""NOAA's runs as NetCDF: real files where they are, and made ones."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from energyforecast import physics
from energyforecast.core.sites import Site
from energyforecast.errors import FileFormatError, MissingDataError, RangeError, SchemaError, TimeError
from energyforecast.weather import at_steps, read_noaa_ensemble, read_noaa_netcdf

RUNS = Path(os.environ.get("ENERGYFORECAST_DATA", "/nowhere")) / "weather_samples" / "noaa_runs"
TUCSON = Site(name="Tucson", latitude=32.2, longitude=-110.3)
real = pytest.mark.skipif(not RUNS.exists(), reason="ENERGYFORECAST_DATA is not set")


def made(folder: Path, *, run: str = "2019/05/15/00", name: str = "gefs_c00.nc", steps: int = 5) -> Path:
    lead = np.arange(steps) * 3
    mean = np.array([np.nan, 300.0, 150.0, 0.0, 60.0])[:steps]
    grid, light = ("time", "latitude", "longitude"), np.broadcast_to(mean[:, None, None], (steps, 2, 2))
    dataset = xr.Dataset(
        {
            "dswrf": (grid, light, {"units": "W/m^2"}),
            "tcdc": (grid, light / 5, {"units": "percent"}),
            "t2m": (grid, np.full((steps, 2, 2), 290.0), {"units": "K"}),
        },
        coords={
            "time": (
                "time",
                lead.astype(float),
                {"units": "hours since 2019-05-15", "reference_time": 1557878400.0},
            ),
            "latitude": [32.0, 32.5],
            "longitude": [249.5, 250.0],
        },
    )
    path = folder / "gefs" / run / name
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.to_netcdf(path, engine="scipy")
    return path


def test_a_run_has_the_time_of_its_path(tmp_path: Path) -> None:
    run = read_noaa_netcdf(made(tmp_path), model="gefs", sites=[TUCSON])
    assert run["init_time"].values[0] == np.datetime64("2019-05-15")
    # Windows 0-3, 0-6, 6-9, 6-12: 300, 0, 0, 120.
    np.testing.assert_allclose(run["ghi"][0, 0], [300, 0, 0, 120, np.nan])
    np.testing.assert_allclose(run["cloud_cover"][0, 0], [60, 0, 0, 24, np.nan])


def test_the_ensemble_has_all_its_members(tmp_path: Path) -> None:
    paths = [made(tmp_path, name=f"gefs_{name}.nc") for name in ("c00", "p01", "p02", "avg", "spr")]
    run = read_noaa_ensemble(paths, sites=[TUCSON], members=range(3))
    assert run["ghi"].dims == ("site", "init_time", "lead_time", "member")
    with pytest.raises(MissingDataError, match="Member 3 of gefs"):
        read_noaa_ensemble(paths, sites=[TUCSON], members=range(4))


@pytest.mark.faults
def test_wrong_folders_cut_files_and_members_of_other_lengths(tmp_path: Path) -> None:
    with pytest.raises(TimeError, match="by its reference_time"):
        read_noaa_netcdf(made(tmp_path, run="2019/05/15/06"), model="gefs", sites=[TUCSON])
    with pytest.raises(TimeError, match="names no run"):
        read_noaa_netcdf(shutil.copy(made(tmp_path), tmp_path / "gefs.nc"), model="gefs", sites=[TUCSON])
    paths = [made(tmp_path), made(tmp_path, name="gefs_p01.nc", steps=4)]
    with pytest.raises(TimeError, match="different runs or leads"):
        read_noaa_ensemble(paths, sites=[TUCSON], members=range(2))
    with pytest.raises(SchemaError, match="model is 'gfs2'"):
        read_noaa_netcdf(made(tmp_path), model="gfs2", sites=[TUCSON])
    cut = made(tmp_path)
    cut.write_bytes(cut.read_bytes()[:300])
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_noaa_netcdf(cut, model="gefs", sites=[TUCSON])


@pytest.mark.faults
def test_hourly_instants_taken_for_running_means_are_refused(tmp_path: Path) -> None:
    """The afternoon falls by far more than rounding."""
    path = made(tmp_path)
    with xr.open_dataset(path, engine="scipy", decode_times=False) as raw:
        wrong = raw.load()
    wrong["dswrf"][:] = np.array([0.0, 900.0, 100.0, 900.0, 100.0])[:, None, None]
    wrong.to_netcdf(path, engine="scipy")
    with pytest.raises(RangeError, match="accumulated in another way"):
        read_noaa_netcdf(path, model="gefs", sites=[TUCSON])


@real
@pytest.mark.parametrize(
    ("file", "model", "where"),
    [
        ("gfs_0p25/2019/05/15/00/gfs_0p25.nc", "gfs", (32.2, -110.3)),
        ("hrrr_hourly/2019/05/15/00/hrrr_hourly.nc", "hrrr", (32.05, -110.45)),
        ("hrrr_subhourly/2019/05/15/00/hrrr_subhourly.nc", "hrrr_subhourly", (32.05, -110.45)),
        ("nam_12km/2019/05/15/00/nam_12km.nc", "nam", (32.2, -110.3)),
    ],
)
def test_clear_hours_of_real_runs_stand_where_the_sun_does(
    file: str, model: str, where: tuple[float, float]
) -> None:
    """Of shifts by half a step, none fits a clear sky better than the label that is declared."""
    site = Site(name="there", latitude=where[0], longitude=where[1], altitude=900.0)
    run = read_noaa_netcdf(RUNS / file, model=model, sites=[site], method="bilinear")
    ghi = run["ghi"].isel(site=0, init_time=0)
    lead = run["lead_time"].values[:37]
    step = lead[1] - lead[0]
    half = step / 2 if ghi.attrs["cell_methods"] == "time: mean" else np.timedelta64(0, "ns")
    miss = {}
    for shift in (-2, -1, 0, 1, 2):
        moment = run["init_time"].values[0] + lead + half + shift * step / 2
        clear = physics.clear_sky(physics.solar_position(moment, *where), altitude=900.0).ghi
        miss[shift] = np.nanmean(np.abs(ghi.values[:37] - clear))
    assert min(miss, key=miss.__getitem__) == 0, miss


@real
@pytest.mark.slow
def test_real_ensembles_become_hours() -> None:
    run = read_noaa_ensemble(sorted((RUNS / "gefs/2019/05/15/00").glob("*.nc")), sites=[TUCSON])
    fine = at_steps(run, "1h", sites=[TUCSON])
    assert (run.sizes["member"], run.sizes["lead_time"], fine.sizes["lead_time"]) == (21, 97, 390)
    native = run["ghi"].isel(site=0, init_time=0).values
    steps = np.diff(run["lead_time"].values / np.timedelta64(1, "h"))
    energy = (native[:-1] * steps[:, None]).sum(axis=0)
    np.testing.assert_allclose(np.nansum(fine["ghi"].values[0, 0], axis=0), energy, rtol=1e-5)
