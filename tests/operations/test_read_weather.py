"""Weather of a run that goes on: runs, sites, models and files that are refused are set aside and named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import configuration
from energyforecast.core import netcdf_files, timestamps
from energyforecast.core.weather_schema import as_models
from energyforecast.operations import UsableWeather, read_weather
from energyforecast.testing import example_source
from energyforecast.weather import Store
from tests.support.toy_weather import quick_model, toy_power, toy_weather, wind_farm

FARMS = [wind_farm(name=name) for name in ("A", "B")]
TEXT = """
[sites.A]
kind = "wind"
latitude = 48.0
longitude = 10.0
capacity = 100
hub_height = 100
[sites.B]
kind = "wind"
latitude = 48.0
longitude = 10.0
capacity = 100
hub_height = 100
[weather]
{weather}
[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "UTC"
"""


@pytest.fixture(scope="module")
def clean() -> xr.Dataset:
    return toy_weather(FARMS, days=40)[0]


@pytest.fixture
def bad(clean: xr.Dataset) -> xr.Dataset:
    """Weather that a test may spoil."""
    return clean.copy(deep=True)


def settings(folder: Path, weather: str = 'file = "weather.nc"') -> configuration.Configuration:
    path = folder / "farms.toml"
    path.write_text(TEXT.format(weather=weather), encoding="utf-8")
    return configuration.read(path)


def read(folder: Path, weather: xr.Dataset) -> UsableWeather:
    """Weather of a file that was written by another program, unchecked."""
    netcdf_files.write(weather, folder / "weather.nc", encoding={})
    return read_weather(settings(folder))


def only(usable: UsableWeather) -> xr.Dataset:
    (data,) = as_models(usable.weather).values()
    return data


def lost(usable: UsableWeather, clean: xr.Dataset) -> dict[str, list[int]]:
    """Runs of each site without any value, all others being as they were."""
    data, found = only(usable), {}
    for site in ("A", "B"):
        gone = np.ones(clean.sizes["init_time"], dtype=bool)
        for name in clean.data_vars:
            values, expected = data[name].sel(site=site).values, clean[name].sel(site=site).values
            empty = np.isnan(values).all(axis=1)
            assert (empty | (values == expected).all(axis=1)).all(), "a run is kept in part or changed"
            gone &= empty
        found[site] = np.flatnonzero(gone).tolist()
    return found


def test_sound_weather_is_as_the_plain_reader_gives_it(tmp_path: Path, clean: xr.Dataset) -> None:
    usable = read(tmp_path, clean)
    assert usable.set_aside == ()
    xr.testing.assert_identical(only(usable), settings(tmp_path).weather())


def test_runs_that_began_later_are_not_read(tmp_path: Path, clean: xr.Dataset) -> None:
    netcdf_files.write(clean, tmp_path / "weather.nc", encoding={})
    usable = read_weather(settings(tmp_path), as_of="2024-01-30 09:00", since="2024-01-20")
    runs = pd.DatetimeIndex(only(usable)["init_time"].values)
    assert (runs[0], runs[-1]) == (pd.Timestamp("2024-01-20"), pd.Timestamp("2024-01-30"))


SPOILT: dict[str, Callable[[xr.DataArray, xr.DataArray], None]] = {
    "kelvin": lambda _speed, warmth: warmth.__setitem__((0, 40), 285.0),
    "mark": lambda speed, _warmth: speed.__setitem__((0, 40, 3), 999.0),
    "infinite": lambda speed, _warmth: speed.__setitem__((0, 40, 3), np.inf),
    "impossible": lambda speed, _warmth: speed.__setitem__((0, 40, 3), 170.0),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_one_wrong_run_of_one_site_is_missing_alone(
    tmp_path: Path, clean: xr.Dataset, bad: xr.Dataset, kind: str
) -> None:
    SPOILT[kind](bad["wind_speed_100m"], bad["temp_air"])
    usable = read(tmp_path, bad)
    assert lost(usable, clean) == {"A": [40], "B": []}
    (part,) = usable.set_aside
    assert (part.part, part.site, part.count, part.hour) == ("run", "A", 1, "2024-01-21 00:00")
    with pytest.raises(ef.errors.WrongDataError) as caught:
        settings(tmp_path).weather()
    assert part.error.split("[", 1)[1] == caught.value.found.split("weather.nc[", 1)[1]


@pytest.mark.parametrize(
    ("name", "factor", "offset"),
    [("temp_air", 1.0, 273.15), ("temp_air", 1.8, 32.0), ("wind_speed_100m", 3.6, 0.0)],
    ids=["kelvin", "Fahrenheit", "km/h"],
)
def test_runs_in_another_unit_from_a_day_on_are_set_aside(
    tmp_path: Path, clean: xr.Dataset, bad: xr.Dataset, name: str, factor: float, offset: float
) -> None:
    first = clean.sizes["init_time"] - 11
    bad[name][1, first:] = bad[name][1, first:] * factor + offset
    usable = read(tmp_path, bad)
    found = lost(usable, clean)
    assert found["A"] == []
    assert set(range(first, clean.sizes["init_time"])) <= set(found["B"])
    assert len(found["B"]) < 15
    assert {part.site for part in usable.set_aside} == {"B"}


def test_runs_that_came_before_they_began_never_come(tmp_path: Path, bad: xr.Dataset) -> None:
    arrived = bad["available_time"].values.copy()
    arrived[5] = bad["init_time"].values[5] - np.timedelta64(1, "h")
    usable = read(tmp_path, bad.assign_coords(available_time=("init_time", arrived)))
    (part,) = usable.set_aside
    assert (part.part, part.count) == ("run", 1)
    assert np.flatnonzero(np.isnat(only(usable)["available_time"].values)).tolist() == [5]


def test_a_site_that_is_missing_leaves_the_other(tmp_path: Path, clean: xr.Dataset) -> None:
    usable = read(tmp_path, clean.isel(site=[0]))
    (part,) = usable.set_aside
    assert (part.part, part.site) == ("site", "B")
    found = lost(usable, clean)
    assert found == {"A": [], "B": list(range(clean.sizes["init_time"]))}


def test_weather_of_another_unit_throughout_is_set_aside_whole(tmp_path: Path, bad: xr.Dataset) -> None:
    bad["temp_air"] += 273.15
    usable = read(tmp_path, bad)
    assert usable.weather is None
    assert usable.set_aside[-1].part == "model"
    assert "looks like kelvin" not in usable.set_aside[0].error
    assert "median" in usable.set_aside[0].error


@pytest.mark.parametrize("content", [None, b"", b"x" * 1000], ids=["gone", "empty", "text"])
def test_a_file_that_cannot_be_read_is_set_aside(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "weather.nc").write_bytes(content)
    usable = read_weather(settings(tmp_path))
    assert usable.weather is None
    assert [part.part for part in usable.set_aside] == ["file"]
    assert "weather.nc" in usable.caveats[0]


def test_a_flipped_bit_is_found(tmp_path: Path, clean: xr.Dataset) -> None:
    content = bytearray(netcdf_files.write(clean, tmp_path / "weather.nc", encoding={}).read_bytes())
    content[5000] ^= 255
    (tmp_path / "weather.nc").write_bytes(content)
    assert read_weather(settings(tmp_path)).weather is None


def test_one_of_two_models_goes_on(tmp_path: Path, clean: xr.Dataset) -> None:
    netcdf_files.write(clean, tmp_path / "one.nc", encoding={})
    (tmp_path / "two.nc").write_bytes(b"CDF")
    usable = read_weather(settings(tmp_path, '[weather.models]\nifs = "one.nc"\ngfs = "two.nc"'))
    assert list(as_models(usable.weather)) == ["ifs"]
    (part,) = usable.set_aside
    assert (part.part, part.name) == ("model", "gfs")


@pytest.mark.slow
def test_a_forecast_is_made_of_what_is_left(tmp_path: Path, bad: xr.Dataset) -> None:
    clean, truth = toy_weather(FARMS, days=40)
    power = toy_power(FARMS, truth)
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    fitted = ef.Forecaster(FARMS, task, model=quick_model()).fit(clean, power)
    bad["temp_air"][1] += 273.15
    usable = read(tmp_path, bad)
    forecast = fitted.predict(usable.weather, power, issue_time="2024-02-05 09:00", strict=False)
    levels = dict(zip(forecast.sites, forecast.data["fallback_level"].values[:, 0], strict=True))
    assert levels == {"A": 2, "B": 3}, "A lacks the wind at its neighbour, B its weather"
    assert np.isfinite(forecast.data.values).all()


# --- Stores ---------------------------------------------------------------------------------------

STORE = 'store = "archive.zarr"\nsource = "open-meteo"\nmodel = "ecmwf_ifs"'


class Calm(type(example_source())):  # type: ignore[misc]
    """The source of the configuration, without a network."""

    name = "open-meteo:ecmwf_ifs"


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Folder with a store of five runs."""
    pytest.importorskip("zarr")
    clock = timestamps.instant("2024-06-03 13:00")
    store = Store(tmp_path / "archive.zarr", clock=lambda: clock)
    store.update(Calm(), sites=FARMS, since="2024-06-01")
    return tmp_path


def files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("archive.zarr/*/files/*.zip"))
    assert found
    return found


def test_a_whole_store_is_read_as_it_is(stored: Path) -> None:
    usable = read_weather(settings(stored, STORE))
    assert usable.set_aside == ()
    xr.testing.assert_identical(only(usable), settings(stored, STORE).weather())


@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_a_damaged_file_of_a_store_costs_its_runs(stored: Path, damage: str) -> None:
    count = only(read_weather(settings(stored, STORE))).sizes["init_time"]
    file = files(stored)[-1]
    if damage == "changed":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 255
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:100])
    else:
        file.unlink()
    usable = read_weather(settings(stored, STORE))
    parts = [part for part in usable.set_aside if part.part == "run"]
    assert parts
    assert file.name[:12] in parts[0].error
    runs = sum(part.count for part in parts)
    left = only(usable).sizes["init_time"] if usable.weather is not None else 0
    assert left == count - runs


def test_a_site_that_a_store_lacks_is_missing_alone(tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    clock = timestamps.instant("2024-06-03 13:00")
    Store(tmp_path / "archive.zarr", clock=lambda: clock).update(Calm(), sites=FARMS[:1], since="2024-06-01")
    usable = read_weather(settings(tmp_path, STORE))
    (part,) = usable.set_aside
    assert (part.part, part.site) == ("site", "B")
    data = only(usable)["wind_speed_100m"]
    assert data.sel(site="A").notnull().all()
    assert data.sel(site="B").isnull().all()


def test_a_run_that_is_half_there_is_kept_as_it_is(tmp_path: Path) -> None:
    """An incomplete run is missing data, which the choice of runs answers: nothing is wrong with it."""
    pytest.importorskip("zarr")

    class Half(Calm):
        def get_run(self, sites: object, init_time: pd.Timestamp) -> xr.Dataset:
            run = super().get_run(sites, init_time)
            return run.isel(lead_time=slice(0, 20)) if init_time.day == 3 else run

    clock = timestamps.instant("2024-06-03 13:00")
    Store(tmp_path / "archive.zarr", clock=lambda: clock).update(Half(), sites=FARMS, since="2024-06-01")
    usable = read_weather(settings(tmp_path, STORE))
    assert usable.set_aside == ()
    assert only(usable)["wind_speed_100m"].isnull().any()


def test_a_store_that_is_gone_is_named(stored: Path) -> None:
    shutil.rmtree(stored / "archive.zarr")
    usable = read_weather(settings(stored, STORE))
    assert usable.weather is None
    (part,) = usable.set_aside
    assert (part.part, part.name) == ("file", "archive.zarr")


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 300], ids=["empty", "braces", "bytes"])
def test_a_manifest_that_cannot_be_read_is_made_again_from_the_files(stored: Path, content: bytes) -> None:
    before = only(read_weather(settings(stored, STORE)))
    (manifest,) = stored.glob("archive.zarr/*/manifest.json")
    manifest.write_bytes(content)
    usable = read_weather(settings(stored, STORE))
    assert usable.set_aside == ()
    assert only(usable).sizes == before.sizes


def test_a_manifest_of_another_version_sets_the_store_aside(stored: Path) -> None:
    from energyforecast.core.files import checksum

    (manifest,) = stored.glob("archive.zarr/*/manifest.json")
    for text in (
        '{"format": "energyforecast.store", "schema": 99}',
        '{"format": "energyforecast.store", "schema": 1}',
    ):
        manifest.write_bytes(f"{checksum(text.encode())}\n{text}\n".encode())
        usable = read_weather(settings(stored, STORE))
        assert usable.weather is None
        assert [part.part for part in usable.set_aside] == ["file"]
