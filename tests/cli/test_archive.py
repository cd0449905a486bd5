"""The archive on the command line: forecasts are recorded, looked up as of a moment, and exported."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.cli import main
from energyforecast.configuration import read
from energyforecast.core import timestamps
from energyforecast.errors import ConfigurationError
from energyforecast.testing import example_forecast
from tests.support.toy_weather import toy_power, toy_weather, wind_farm

TOY = """
[sites.farm]
kind = "wind"
latitude = 48
longitude = 10
capacity = 100
[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "Europe/Paris"
quantiles = [0.1, 0.5, 0.9]
[model]
kind = "Climatology"
"""
PASSWORD = "c4nary-pw"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in a folder with a configuration; exit code, output and errors."""
    farm = wind_farm()
    power = toy_power([farm], toy_weather([farm], days=20)[1])
    power.values.tz_convert(None).to_csv(tmp_path / "power.csv", index_label="time")
    (tmp_path / "toy.toml").write_text(TOY + '[archive]\nfile = "kept.sqlite"\n', encoding="utf-8")
    (tmp_path / "plain.toml").write_text(TOY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["energyforecast", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return (code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


def test_a_forecast_is_recorded_once_and_looked_up(command: Command, tmp_path: Path) -> None:
    issued = ("forecast", "toy.toml", "--issue-time", "2024-01-15 09:00")
    for _ in range(2):
        assert command(*issued)[0] == 0
    after = f"{timestamps.now():%Y-%m-%dT%H:%M:%S.%fZ}"

    code, out, _ = command(
        "archive",
        "show",
        "--config",
        "toy.toml",
        "--site",
        "farm",
        "--valid",
        "2024-01-16",
        "--json",
        "said.json",
    )
    assert code == 0
    assert "2024-01-16 00:00" in out, "the local day of the task"
    said = json.loads((tmp_path / "said.json").read_text(encoding="utf-8"))
    assert said["timezone"] == "Europe/Paris"
    table = pd.read_csv(tmp_path / "forecast" / "forecast.csv")
    assert [row["q0.5"] for row in said["rows"]] == pytest.approx(table["q0.5"], abs=1e-4)

    archive = read(tmp_path / "toy.toml").archive()
    records = archive.issues()
    assert len(records) == 1, "the same forecast twice is one record"
    assert archive.models()["model_hash"].tolist() == records["model_hash"].tolist()
    assert archive.runs()["command"].tolist() == ["forecast", "forecast"]
    assert archive.runs()["detail"].iloc[0]["fallback_levels"] == {"farm": 0}

    place = ("--archive", "kept.sqlite", "--site", "farm")
    assert command("archive", "show", *place, "--as-of", after)[0] == 0
    code, _, err = command("archive", "show", *place, "--as-of", "2024-01-15 10:00")
    assert (code, "MissingDataError" in err) == (1, True), "then it was not recorded yet"


def test_an_answer_is_of_the_newest_issue_recorded_by_then(command: Command, tmp_path: Path) -> None:
    now = ["2024-01-01 09:01"]
    archive = ef.archive.open(tmp_path / "archive.sqlite", clock=lambda: timestamps.instant(now[0]))
    first = example_forecast()
    archive.write_forecast(first)
    now[0] = "2024-01-01 13:00"
    later = first.data.assign_coords(issue_time=first.data["issue_time"] + pd.Timedelta("3h"))
    later = later.assign_coords(lead_time=later["lead_time"] - pd.Timedelta("3h"))
    archive.write_forecast(ef.Forecast(later.copy(data=later.values + 1)))
    medians = {}
    for moment in ("2024-01-01 12:30", "2024-01-01 13:30"):
        question = ("--site", "farm", "--valid", "2024-01-02", "--as-of", moment, "--json", "said.json")
        code, _, err = command("archive", "show", *question)
        assert code == 0, err
        rows = json.loads((tmp_path / "said.json").read_text(encoding="utf-8"))["rows"]
        assert len(rows) == 24
        medians[moment] = (rows[0]["q0.5"], rows[0]["issue_time"][11:16], rows[0]["recorded_time"][11:16])
    assert medians == {
        "2024-01-01 12:30": (10.0, "09:00", "09:01"),
        "2024-01-01 13:30": (11.0, "12:00", "13:00"),
    }


def test_an_export_is_read_as_any_other_file(command: Command, tmp_path: Path) -> None:
    assert (
        command("forecast", "plain.toml", "--issue-time", "2024-01-15 09:00", "--archive", "archive.sqlite")[
            0
        ]
        == 0
    )
    for arguments in (("f.nc",), ("f.parquet",), ("m.parquet", "--content", "measurements")):
        assert command("archive", "export", *arguments, "--site", "farm")[0] == 0
    forecast = ef.Forecast.load(tmp_path / "f.nc")
    assert forecast.data.equals(ef.Forecast.load(tmp_path / "forecast" / "forecast.nc").data)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "f.parquet"), forecast.to_frame(), check_dtype=False
    )
    measured = pd.read_parquet(tmp_path / "m.parquet")
    power = read(tmp_path / "plain.toml").observations()
    assert measured["power"].to_numpy() == pytest.approx(power.values["farm"].dropna().to_numpy())
    assert command("archive", "export", "f.csv", "--site", "farm")[0] == 1
    code, _, err = command("archive", "show", "--archive", "typo.sqlite", "--site", "farm")
    assert (code, "typo.sqlite" in err) == (1, True)
    assert not (tmp_path / "typo.sqlite").exists()


@pytest.mark.parametrize("place", ["broken.sqlite", "broken.sqlite/archive.sqlite"])
def test_without_its_database_a_forecast_is_issued_all_the_same(
    place: str, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "broken.sqlite").write_text("no database " * 500)
    code, out, err = command("forecast", "plain.toml", "--issue-time", "2024-01-15 09:00", "--archive", place)
    assert code == 3, out + err
    assert "not archived" in err
    assert len(pd.read_csv(tmp_path / "forecast" / "forecast.csv")) == 24


def test_a_wrong_address_is_refused_before_the_fit(command: Command, tmp_path: Path) -> None:
    address = f"mysql://user:{PASSWORD}@host/db"
    code, out, err = command("forecast", "plain.toml", "--archive", address)
    assert (code, "ConfigurationError" in err) == (1, True)
    assert PASSWORD not in out + err
    assert not (tmp_path / "forecast").exists()


def test_a_driver_that_is_absent_is_named_before_the_fit(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    code, out, err = command("forecast", "plain.toml", "--archive", "postgresql://127.0.0.1:1/db")
    assert (code, "energyforecast[archive]" in err) == (1, True), out + err
    assert not (tmp_path / "forecast").exists()


@pytest.mark.parametrize(
    "lines",
    [
        f'address = "postgresql://user:{PASSWORD}@host/db"',
        f'address = "postgresql://user@host/db?password={PASSWORD}"',
        f'address = "postgresql://user@host/db"\npassword_env = "{PASSWORD}"',
        'file = "a.sqlite"\naddress = "postgresql://user@host/db"',
        "",
        'path = "a.sqlite"',
    ],
)
def test_a_section_with_a_password_or_without_one_place_is_refused(lines: str, tmp_path: Path) -> None:
    (tmp_path / "toy.toml").write_text(f"{TOY}[archive]\n{lines}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"\[archive\]") as caught:
        read(tmp_path / "toy.toml")
    assert PASSWORD not in str(caught.value)


def test_the_password_is_that_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = 'address = "postgresql://user@127.0.0.1:1/db"\npassword_env = "EF_PASSWORD"'
    (tmp_path / "toy.toml").write_text(f"{TOY}[archive]\n{lines}\n", encoding="utf-8")
    monkeypatch.delenv("EF_PASSWORD", raising=False)
    with pytest.raises(ConfigurationError, match="EF_PASSWORD"):
        read(tmp_path / "toy.toml").archive()


def test_without_its_library_it_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(ef.errors.DependencyError, match=r"energyforecast\[archive\]"):
        ef.archive.open("archive.sqlite")
