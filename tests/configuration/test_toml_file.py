"""Configuration files: their objects, and that no misspelt key becomes a default."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast import configuration, weather
from energyforecast.core.sites import WindFarm
from energyforecast.errors import ConfigurationError
from energyforecast.models import (
    Climatology,
    ConformalQuantiles,
    KernelQuantiles,
    LightGBMQuantiles,
    SelectedModel,
)

EXAMPLE = Path(__file__).parents[2] / "examples" / "la_haute_borne.toml"

SECTIONS = {
    "sites": """
[sites.farm]
kind = "wind"
latitude = 43.64
longitude = 78.54
capacity = 60
hub_height = 90
timezone = "Asia/Almaty"
""",
    "weather": """
[weather]
file = "weather.nc"
""",
    "observations": """
[observations]
file = "power.csv"
unit = "kW"
timezone = "Asia/Almaty"
label = "ending"
published_after = "2h"
""",
    "task": """
[task]
kind = "day_ahead"
issue = "08:00"
timezone = "Asia/Almaty"
quantiles = [0.1, 0.5, 0.9]
""",
    "model": """
[model]
kind = "Climatology"
""",
}


def _write(folder: Path, **changed: str) -> Path:
    path = folder / "farm.toml"
    path.write_text("".join((SECTIONS | changed).values()), encoding="utf-8")
    return path


def _replaced(section: str, old: str, new: str) -> dict[str, str]:
    assert old in SECTIONS[section]
    return {section: SECTIONS[section].replace(old, new)}


def _added(section: str, line: str) -> dict[str, str]:
    return {section: SECTIONS[section] + line + "\n"}


def _refused(path: Path, *named: str) -> None:
    """The error has three lines, names the file, and the words."""
    with pytest.raises(ConfigurationError) as caught:
        configuration.read(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3, lines
    assert all(lines)
    assert str(path) in lines[0]
    for word in named:
        assert word in str(caught.value), f"{word!r} is not named in {caught.value}"


# --- What a file gives ----------------------------------------------------------------------------


def test_an_area_has_the_subdivision_of_the_file(tmp_path: Path) -> None:
    area = """
[sites.upper_bavaria]
kind = "demand"
latitude = 48.1
longitude = 11.6
timezone = "Europe/Berlin"
country = "DE"
subdivision = "BY"
"""
    (site,) = configuration.read(_write(tmp_path, sites=area)).sites
    assert (site.country, site.subdivision) == ("DE", "BY")
    _refused(_write(tmp_path, sites=area.replace('"BY"', '"XX"')), "subdivision", "XX")


def test_the_example_is_read_with_its_embedded_data() -> None:
    settings = configuration.read(EXAMPLE)
    (site,) = settings.sites
    assert isinstance(site, WindFarm)
    assert (site.name, site.capacity, site.hub_height) == ("La Haute Borne", 8.2, 80)
    assert settings.task.issue == time(9)
    assert settings.task.timezone == "Europe/Paris"
    assert settings.model.get_params() == LightGBMQuantiles(seed=1).get_params()
    assert settings.forecaster().perfect_weather is True
    dataset, power = settings.weather(), settings.observations()
    assert isinstance(dataset, xr.Dataset)
    assert dataset.attrs["kind"] == "analysis"
    assert power.sites == ("La Haute Borne",)


def _runs(first: str = "2024-02-20", days: int = 14) -> xr.Dataset:
    init = pd.date_range(first, periods=days, freq="1D").to_numpy().astype("datetime64[ns]")
    speed = 8 + 4 * np.sin(np.arange(days)[:, None] + np.arange(73)[None, :] / 9)
    return xr.Dataset(
        {
            "wind_speed_100m": (
                ("site", "init_time", "lead_time"),
                speed[None].astype(np.float32),
                {"units": "m s-1"},
            )
        },
        coords={
            "site": ["farm"],
            "init_time": init,
            "lead_time": np.arange(73).astype("timedelta64[h]").astype("timedelta64[ns]"),
            "available_time": ("init_time", init + np.timedelta64(6, "h")),
        },
        attrs={"kind": "forecast"},
    )


def _log(folder: Path) -> None:
    """Kilowatts, stamped at the end of each hour by a wall clock that went back on 29 February."""
    index = pd.date_range("2024-02-20 00:00", periods=24 * 12, freq="1h", tz="UTC")
    wall = (index + pd.Timedelta("1h")).tz_convert("Asia/Almaty").strftime("%Y-%m-%d %H:%M")
    power = 1000.0 * np.arange(len(index)) / 10
    pd.DataFrame({"time": wall, "farm": power}).to_csv(folder / "power.csv", index=False)


def test_files_are_read_beside_the_configuration_and_converted(tmp_path: Path) -> None:
    _log(tmp_path)
    weather.write(_runs(), tmp_path / "weather.nc")
    settings = configuration.read(_write(tmp_path))
    assert settings.perfect_weather is False
    power = settings.observations()
    assert power.index[0] == pd.Timestamp("2024-02-20 00:00", tz="UTC"), "the beginning of the hour, in UTC"
    np.testing.assert_allclose(power.values["farm"], np.arange(24 * 12) / 10)  # MW
    assert power.published_after == pd.Timedelta("2h")
    read = settings.weather()
    assert isinstance(read, xr.Dataset)
    xr.testing.assert_equal(read, _runs())
    forecast = settings.forecaster().fit(read, power).predict(read, power, issue_time="2024-03-01 08:00")
    assert forecast.quantiles == (0.1, 0.5, 0.9)
    assert forecast.data.attrs["model"] == "Climatology"
    assert not forecast.caveats


def test_several_weather_models_are_named(tmp_path: Path) -> None:
    for name in ("ecmwf", "gfs"):
        weather.write(_runs(), tmp_path / f"{name}.nc")
    section = '[weather.models]\necmwf = "ecmwf.nc"\ngfs = "gfs.nc"\n'
    assert set(configuration.read(_write(tmp_path, weather=section)).weather()) == {"ecmwf", "gfs"}


def test_without_a_model_section_the_default_is_taken(tmp_path: Path) -> None:
    settings = configuration.read(_write(tmp_path, model=""))
    assert settings.model is None
    assert isinstance(settings.forecaster().model, SelectedModel)


def test_calibration_by_groups_and_scales_is_read(tmp_path: Path) -> None:
    for scaled in (True, "wind_speed_100m[spread]"):
        written = "true" if scaled is True else f'"{scaled}"'
        text = f'[model]\nkind = "ConformalQuantiles"\nby = "hour"\ngroups = 24\nscaled = {written}\n'
        model = configuration.read(_write(tmp_path, model=text)).model
        assert model.get_params(deep=False) == ConformalQuantiles(
            by="hour", groups=24, scaled=scaled
        ).get_params(deep=False)


def test_parameters_of_the_model_are_those_of_the_file(tmp_path: Path) -> None:
    text = '[model]\nkind = "LightGBMQuantiles"\nn_estimators = 17\nlearning_rate = 1\n'
    text += "fitted_quantiles = [0.1, 0.5, 0.9]\n"
    parameters = configuration.read(_write(tmp_path, model=text)).model.get_params()
    assert parameters["n_estimators"] == 17
    assert parameters["fitted_quantiles"] == (0.1, 0.5, 0.9)
    by = configuration.read(_write(tmp_path, model='[model]\nkind = "Climatology"\nby = ["hour"]\n')).model
    assert by.get_params() == Climatology().get_params()


def test_base_models_are_tables_of_their_own(tmp_path: Path) -> None:
    text = '[model]\nn_estimators = 17\n[[model.base_models]]\nkind = "KernelQuantiles"\nprojections = 60\n'
    text += '[[model.base_models]]\nkind = "Climatology"\nby = ["hour"]\n'
    model = configuration.read(_write(tmp_path, model=text)).model
    expected = (KernelQuantiles(projections=60), Climatology(by=("hour",)))
    assert repr(model) == repr(LightGBMQuantiles(n_estimators=17, base_models=expected))
    for wrong in ('kind = "auto"', "projections = 60", 'kind = "Kernel"'):
        with pytest.raises(ConfigurationError, match="base_models"):
            configuration.read(_write(tmp_path, model=f"[model]\n[[model.base_models]]\n{wrong}\n"))


def test_an_intraday_task_and_several_sites_are_read(tmp_path: Path) -> None:
    task = '[task]\nkind = "intraday"\nevery = "1h"\nleads = "12h"\ntimezone = "Asia/Almaty"\n'
    other = '[sites."A park"]\nkind = "solar"\nlatitude = 43.0\nlongitude = 77.0\ncapacity = 1.5\n'
    settings = configuration.read(_write(tmp_path, task=task, sites=SECTIONS["sites"] + other))
    assert settings.task.leads == pd.Timedelta("12h")
    assert [site.name for site in settings.sites] == ["farm", "A park"]


def test_a_wall_time_may_be_written_as_toml_time(tmp_path: Path) -> None:
    assert configuration.read(
        _write(tmp_path, **_replaced("task", '"08:00"', "08:00:00"))
    ).task.issue == time(8)


# --- Slips ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[wether]\nfile = 'x.nc'", ("'wether'", "Did you mean 'weather'?")),
        ("[plots]\ncolour = 'red'", ("'plots'", "sites, weather, observations, task, model")),
    ],
)
def test_an_unknown_section_is_refused(tmp_path: Path, line: str, words: tuple[str, ...]) -> None:
    _refused(_write(tmp_path, more=line + "\n"), *words)


@pytest.mark.parametrize(
    ("section", "line", "words"),
    [
        ("sites", "hub_heigth = 80", ("[sites.farm]", "'hub_heigth'", "Did you mean 'hub_height'?")),
        ("sites", "surface_tilt = 20", ("[sites.farm]", "'surface_tilt'")),
        ("sites", 'name = "another"', ("[sites.farm]", "'name'")),
        ("weather", "perfekt_weather = true", ("[weather]", "Did you mean 'perfect_weather'?")),
        ("observations", 'units = "MW"', ("[observations]", "Did you mean 'unit'?")),
        ("task", 'frequence = "1h"', ("[task]", "Did you mean 'frequency'?")),
        ("task", 'every = "1h"', ("[task]", "'every'")),
        ("model", "n_estimators = 10", ("[model]", "'n_estimators'")),
        ("model", "quantiles = [0.5]", ("[model]", "'quantiles'")),
    ],
)
def test_an_unknown_key_is_refused_with_its_section(
    tmp_path: Path, section: str, line: str, words: tuple[str, ...]
) -> None:
    _refused(_write(tmp_path, **_added(section, line)), *words)


@pytest.mark.parametrize("section", ["sites", "observations", "task"])
def test_a_missing_section_is_refused(tmp_path: Path, section: str) -> None:
    _refused(_write(tmp_path, **{section: ""}), f"[{section}]")


@pytest.mark.parametrize("section", ["weather", "observations"])
def test_data_has_exactly_one_place(tmp_path: Path, section: str) -> None:
    _refused(
        _write(tmp_path, **_added(section, 'dataset = "la-haute-borne"')), f"[{section}]", "file", "dataset"
    )
    file = "weather.nc" if section == "weather" else "power.csv"
    left = SECTIONS[section].replace(f'file = "{file}"', "") + (
        "perfect_weather = true\n" if section == "weather" else ""
    )
    _refused(_write(tmp_path, **{section: left}), f"[{section}]", "no place")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_replaced("sites", '"wind"', '"windy"'), ("[sites.farm]", "'windy'", "'wind', 'solar', 'demand'")),
        (_replaced("sites", 'kind = "wind"', ""), ("[sites.farm]", "kind")),
        (_replaced("task", '"day_ahead"', '"weekly"'), ("[task]", "'weekly'", "intraday")),
        (_replaced("model", '"Climatology"', '"Oracle"'), ("[model]", "'Oracle'", "Climatology")),
        (_replaced("model", '"Climatology"', '"_Grouped"'), ("[model]", "'_Grouped'")),
        (_replaced("sites", '"wind"', '["wind"]'), ("[sites.farm]",)),
        (_replaced("task", '"day_ahead"', '["day_ahead"]'), ("[task]",)),
    ],
)
def test_an_unknown_kind_is_refused_with_the_known_ones(
    tmp_path: Path, change: dict[str, str], words: tuple[str, ...]
) -> None:
    _refused(_write(tmp_path, **change), *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_replaced("sites", "43.64", "95"), ("[sites.farm]", "latitude 95")),
        (_replaced("sites", "capacity = 60", "capacity = -60"), ("[sites.farm]", "capacity -60")),
        (_replaced("sites", "Asia/Almaty", "Asia/Nowhere"), ("[sites.farm]", "Asia/Nowhere")),
        (_replaced("sites", "latitude = 43.64\n", ""), ("[sites.farm]", "latitude")),
        (_replaced("sites", "43.64", '"43.64 N"'), ("[sites.farm]",)),
        (_replaced("task", "08:00", "25:00"), ("[task]", "25:00")),
        (_replaced("task", "Asia/Almaty", "Asia/Nowhere"), ("[task]", "Asia/Nowhere")),
        (_replaced("task", 'issue = "08:00"\n', ""), ("[task]", "issue")),
        (_replaced("task", "0.9]", "90]"), ("[task]", "90")),
        (_replaced("task", "[0.1, 0.5, 0.9]", '"0.5"'), ("[task]",)),
        (_added("task", 'frequency = "hourly"'), ("[task]", "hourly")),
    ],
)
def test_an_impossible_value_is_refused_with_its_section(
    tmp_path: Path, change: dict[str, str], words: tuple[str, ...]
) -> None:
    _refused(_write(tmp_path, **change), *words)


@pytest.mark.parametrize("value", ['"false"', "0", "[]"])
def test_perfect_weather_is_said_with_true_or_false_and_nothing_else(tmp_path: Path, value: str) -> None:
    """A text such as "no" must not admit analyses."""
    _refused(
        _write(tmp_path, **_added("weather", f"perfect_weather = {value}")), "[weather]", "perfect_weather"
    )


@pytest.mark.parametrize("value", [True, False])
def test_a_clock_can_be_trusted(tmp_path: Path, value: bool) -> None:
    path = _write(tmp_path, **_added("observations", f"trust_clock = {str(value).lower()}"))
    assert configuration.read(path).forecaster().trust_clock is value


def test_shorter_intervals_are_averaged_over_those_of_the_task_on_request(tmp_path: Path) -> None:
    """Hours of India begin at half past the hour UTC."""
    half_hours = pd.date_range("2024-01-01", periods=48, freq="30min")
    pd.DataFrame({"farm": np.arange(48.0)}, index=half_hours).to_csv(tmp_path / "p.csv", index_label="time")
    observations = '[observations]\nfile = "p.csv"\nunit = "MW"\ntimezone = "UTC"\nlabel = "beginning"\n'
    task = '[task]\nkind = "day_ahead"\nissue = "09:00"\ntimezone = "Asia/Kolkata"\n'
    more = 'published_after = "1h"\nresample = true\n'
    path = _write(tmp_path, observations=observations + more, task=task)
    hours = configuration.read(path).observations().values["farm"].dropna()
    assert hours.index[0] == pd.Timestamp("2024-01-01 00:30", tz="UTC")
    assert hours.tolist() == np.arange(1.5, 46, 2).tolist()


@pytest.mark.parametrize("key", ["unit", "timezone", "label", "published_after"])
def test_nothing_about_measurements_is_guessed(tmp_path: Path, key: str) -> None:
    lines = [line for line in SECTIONS["observations"].splitlines() if not line.startswith(key)]
    _refused(_write(tmp_path, observations="\n".join(lines) + "\n"), "[observations]", key)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"weather": '[weather]\nmodels = "x.nc"\n'}, "[weather]"),
        ({"weather": "[weather.models]\n"}, "weather"),
        ({"weather": "[weather]\nfile = 3\n"}, "[weather]"),
        ({"model": '[model]\nkind = "LightGBMQuantiles"\nn_estimators = "many"\n'}, "[model]"),
        ({"model": "[model]\nn_estimators = 10.5\n"}, "[model]"),
        ({"model": '[model]\nkind = "Climatology"\nby = "hour"\n'}, "[model]"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_when_the_file_is_read(
    tmp_path: Path, changed: dict[str, str], named: str
) -> None:
    _refused(_write(tmp_path, **changed), named)


@pytest.mark.parametrize("name", ["model", "task", "weather"])
def test_a_section_that_is_no_section_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "farm.toml"
    rest = "".join(text for key, text in SECTIONS.items() if key != name)
    path.write_text(f'{name} = "x"\n{rest}', encoding="utf-8")
    _refused(path, name)


@pytest.mark.parametrize("content", [b"[sites", b"a = 1\na = 2\n", b"\xff\xfe[sites]"])
def test_what_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "farm.toml"
    path.write_bytes(content)
    _refused(path, "TOML")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    _refused(tmp_path / "absent.toml")


@pytest.mark.parametrize("section", ["weather", "observations"])
def test_an_unknown_dataset_is_refused_with_the_known_ones(tmp_path: Path, section: str) -> None:
    settings: Any = configuration.read(
        _write(tmp_path, **{section: f'[{section}]\ndataset = "la-haute-bourne"\n'})
    )
    with pytest.raises(ConfigurationError) as caught:
        getattr(settings, section)()
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "la-haute-bourne" in lines[0]
    assert "la-haute-borne" in lines[1]
