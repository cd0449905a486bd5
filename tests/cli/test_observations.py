"""``energyforecast observations check``: what it prints and writes, and when it says no."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from energyforecast import datasets
from energyforecast.cli import app, main
from energyforecast.core.variables import FLAG_VERSION
from energyforecast.weather.sources import netcdf

SITE, WEATHER, POWER = datasets.la_haute_borne()
FORM = ["--unit", "kW", "--timezone", "UTC", "--label", "beginning", "--published-after", "1h"]
FARM = ["--kind", "wind", "--capacity", "8.2", "--column", "power=La Haute Borne"]


def _file(folder: Path, values: pd.Series) -> Path:
    path = folder / "power.csv"
    (values.tz_localize(None) * 1000).rename("power").to_csv(path, index_label="time")
    return path


def _check(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["observations", "check", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture
def values() -> pd.Series:
    return POWER.values[SITE.name]["2014-03":"2014-08"].copy()  # type: ignore[misc]


def test_a_sound_file_is_trusted(values: pd.Series, tmp_path: Path) -> None:
    values["2014-04-01 00:00":"2014-04-01 11:00"] = 2.345  # type: ignore[misc]
    weather = netcdf.write(WEATHER, tmp_path / "weather.nc")
    found = tmp_path / "found.json"
    code, shown = _check(_file(tmp_path, values), *FORM, *FARM, "--weather", weather, "--json", found)
    assert code == 0, shown
    assert "The audit passed" in shown
    assert "STUCK (bit 16)" in shown
    content = json.loads(found.read_text())
    site = content["sites"][SITE.name]
    flags = {flag["flag"]: flag for flag in site["flags"]}
    assert flags["STUCK"]["hours"] == 12
    assert site["clock"]["verdict"] == "right"
    assert content["flag_version"] == FLAG_VERSION
    assert site["missing"] == int(values.isna().sum())


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("clock", "off by a constant"),
        ("unit", "looks like another unit"),
        ("gaps", "is missing"),
        ("frozen", "set aside by flags"),
    ],
)
def test_measurements_that_do_not_pass_are_code_3(
    fault: str, message: str, values: pd.Series, tmp_path: Path
) -> None:
    if fault == "clock":
        values.index = values.index + pd.Timedelta("3h")
    if fault == "gaps":
        values = values[values.index.day > 8]
    if fault == "frozen":
        values["2014-03-01":"2014-04-15"] = 2.345  # type: ignore[misc]
    form = ["--unit", "MW", *FORM[2:]] if fault == "unit" else FORM
    weather = netcdf.write(WEATHER, tmp_path / "weather.nc")
    code, shown = _check(_file(tmp_path, values), *form, *FARM, "--weather", weather)
    assert code == 3, shown
    assert message in " ".join(shown.split())
    assert "The audit failed" in shown


def test_a_configuration_says_the_rest(values: pd.Series, tmp_path: Path) -> None:
    path = _file(tmp_path, values)
    config = tmp_path / "farm.toml"
    config.write_text(
        """
        [sites."La Haute Borne"]
        kind = "wind"
        latitude = 48.45
        longitude = 5.59
        capacity = 8.2
        [weather]
        dataset = "la-haute-borne"
        perfect_weather = true
        [observations]
        file = "elsewhere.csv"
        unit = "kW"
        timezone = "UTC"
        label = "beginning"
        published_after = "1h"
        columns = { power = "La Haute Borne" }
        [task]
        kind = "day_ahead"
        issue = "09:00"
        timezone = "Europe/Paris"
        """,
        encoding="utf-8",
    )
    code, shown = _check(path, "--config", config)
    assert code == 0, shown
    code, shown = _check(path, "--config", config, "--unit", "MW")
    assert code == 3, "an option goes before the configuration"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (FORM[2:], "unit"),
        ([*FORM, "--kind", "solar"], "--latitude"),
        ([*FORM, "--kind", "tidal"], "tidal"),
        ([*FORM[:-2], "--published-after", "soon"], "soon"),
    ],
)
def test_what_is_not_said_is_an_error_of_three_lines(
    arguments: list[str],
    named: str,
    values: pd.Series,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = _file(tmp_path, values)
    monkeypatch.setattr("sys.argv", ["energyforecast", "observations", "check", str(path), *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert named in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Farm [north]", "Farm [/]", "[bold]Farm"])
def test_brackets_in_the_name_of_a_site_are_shown(values: pd.Series, tmp_path: Path, name: str) -> None:
    farm = ["--kind", "wind", "--capacity", "8.2", "--column", f"power={name}"]
    code, shown = _check(_file(tmp_path, values), *FORM, *farm)
    assert code == 0, shown
    assert name in shown


def test_forms_of_published_files_have_their_options(values: pd.Series, tmp_path: Path) -> None:
    def written(series: pd.Series) -> Path:
        lines = [f"{time:%Y%m%d%H%M};farm;{value:.4f}" for time, value in series.iloc[::-1].items()]
        (tmp_path / "published.csv").write_text("exported;x;y\nby nobody;x;y\n" + "\n".join(lines) + "\n")
        return tmp_path / "published.csv"

    options = [
        "--skip-rows",
        "2",
        "--no-header",
        "--delimiter",
        ";",
        "--time-format",
        "%Y%m%d%H%M",
        "--site",
        "2",
    ]
    options += ["--missing", "-9999.0", "--unit", "MW", *FORM[2:], "--kind", "wind", "--capacity", "8.2"]
    code, shown = _check(written(values.fillna(-9999)), *options, "--column", "3")
    assert code == 0, shown
    assert "farm" in shown
    readings = written(values.clip(lower=0.0).fillna(0.0).cumsum())
    meter = ["--column", "3", "--unit", "MWh", "--label", "ending", "--cumulative"]
    code, shown = _check(readings, *options, *meter)
    assert code == 0, shown
