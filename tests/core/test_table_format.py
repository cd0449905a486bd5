"""Form of a table: one object for every reader, and no field that is silently ignored."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import configuration
from energyforecast.core.table_format import FORMATS, format_of
from energyforecast.errors import ConfigurationError, SchemaError, UnitsError
from tests.support.error_messages import three_lines

TEXT = "Zeit;Leistung\n01.03.2024 00:00;1.500,5\n01.03.2024 01:00;k.A.\n01.03.2024 02:00;900,0\n"
GERMAN = ef.TableFormat(
    unit="kW",
    timezone="Europe/Berlin",
    label="beginning",
    columns={"Leistung": "farm"},
    time_format="%d.%m.%Y %H:%M",
    delimiter=";",
    decimal=",",
    thousands=".",
    missing=["k.A."],
)


def _file(folder: Path) -> Path:
    path = folder / "power.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_thousands_and_marks_of_missing_values_are_read(tmp_path: Path) -> None:
    power = ef.read_power(_file(tmp_path), published_after="1h", format=GERMAN)
    assert power.values["farm"].fillna(-1).tolist() == [1.5005, -1, 0.9]


def test_an_argument_goes_before_the_format(tmp_path: Path) -> None:
    power = ef.read_power(_file(tmp_path), unit="MW", label="ending", published_after="1h", format=GERMAN)
    assert power.values["farm"].iloc[0] == 1500.5
    assert power.index[0] == pd.Timestamp("2024-02-29 22:00", tz="UTC")


@pytest.mark.parametrize("name", ["unit", "timezone", "label"])
def test_unit_clock_and_label_are_needed(tmp_path: Path, name: str) -> None:
    kept = {item.name: getattr(GERMAN, item.name) for item in fields(GERMAN) if item.name != name}
    with pytest.raises(SchemaError, match=f"The {name} of the table is not given"):
        ef.read_power(_file(tmp_path), published_after="1h", format=ef.TableFormat(**kept))


def test_a_field_that_a_reader_does_not_use_is_refused(tmp_path: Path) -> None:
    hours = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
    frame = pd.DataFrame({"issue_time": "2024-01-01 09:00", "valid_time": hours, "point": 5.0})
    with pytest.raises(SchemaError, match=r"decimal = ','.*\n.*from_frame uses unit, timezone, frequency"):
        ef.Forecast.from_frame(frame, columns="point", format=ef.TableFormat(decimal=","))
    with pytest.raises(SchemaError, match="init_time = 'run'"):
        ef.read_power(
            _file(tmp_path), published_after="1h", format=ef.TableFormat(timezone="UTC", init_time="run")
        )
    farm = ef.Site(name="farm", latitude=43.6, longitude=78.5)
    with pytest.raises(SchemaError, match="unit = 'kW'"):
        ef.weather.read_table(
            frame, sites=farm, units={}, label=ef.weather.Label.INSTANT, format=ef.TableFormat(unit="kW")
        )


def test_a_forecast_of_others_has_unit_clock_and_frequency_of_its_format() -> None:
    frame = pd.DataFrame(
        {
            "issue_time": "2024-01-01 09:00",
            "valid_time": ["2024-01-02 06:00", "2024-01-02 07:00"],
            "p": 5000.0,
        }
    )
    form = ef.TableFormat(unit="kW", timezone="Asia/Almaty", frequency="30min")
    forecast = ef.Forecast.from_frame(frame, columns="p", format=form)
    assert float(forecast.at(0.5)[0, 0, 0]) == 5.0
    assert forecast.to_frame()["valid_time"].iloc[0] == pd.Timestamp("2024-01-02 00:00", tz="UTC")
    with pytest.raises(UnitsError):
        ef.Forecast.from_frame(frame, columns="p", format=ef.TableFormat(unit="kWh", timezone="UTC"))


def test_formats_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(UnitsError, match="unit of a meter"):
        ef.TableFormat(unit="MW", cumulative=True)
    with pytest.raises(SchemaError, match="meter with label='beginning'"):
        ef.TableFormat(label="beginning", cumulative=True)
    with pytest.raises(SchemaError, match="perhaps 'neso'"):
        format_of("nes")


def _toml(folder: Path, observations: str) -> Path:
    text = (Path(__file__).parents[2] / "examples" / "la_haute_borne.toml").read_text(encoding="utf-8")
    section = '[observations]\ndataset = "la-haute-borne"\n'
    assert section in text
    path = folder / "farm.toml"
    path.write_text(text.replace(section, f"[observations]\n{observations}\n"), encoding="utf-8")
    return path


def test_a_configuration_takes_the_same_fields_and_names(tmp_path: Path) -> None:
    _file(tmp_path)
    keys = """file = "power.csv"
format = "decimal-comma"
unit = "kW"
timezone = "Europe/Berlin"
label = "beginning"
published_after = "1h"
time_format = "%d.%m.%Y %H:%M"
thousands = "."
missing = ["k.A."]
skip_rows = 0
nonexistent = "drop"
resolution = "hold"
columns = { "Leistung" = "farm" }
"""
    power = configuration.read(_toml(tmp_path, keys)).observations()
    assert power.values["farm"].fillna(-1).tolist() == [1.5005, -1, 0.9]
    for old, new, message in (
        ("decimal-comma", "decimal-coma", "decimal-coma"),
        ("thousands", "thousand", "Did you mean 'thousands'"),
        ('unit = "kW"\n', "", "does not give unit"),
        ('unit = "kW"', 'unit = "KW"', "unit = 'KW'"),
    ):
        assert old in keys
        with pytest.raises(ConfigurationError, match=message):
            configuration.read(_toml(tmp_path, keys.replace(old, new)))


def test_a_named_format_may_give_unit_clock_and_label(tmp_path: Path) -> None:
    keys = 'file = "demand.csv"\nformat = "neso"\npublished_after = "1h"'
    assert {"unit", "timezone", "label"} <= set(FORMATS["neso"].given)
    assert configuration.read(_toml(tmp_path, keys)).sections["observations"]["format"] == "neso"


@pytest.mark.parametrize(
    "value", [0, 3.5, True, "", [], ["a"], {}, object(), b"x", pd.Timestamp("2024"), None, [None]]
)
@pytest.mark.parametrize("name", [item.name for item in fields(ef.TableFormat)])
def test_fields_of_a_wrong_type_are_refused_by_the_library(tmp_path: Path, name: str, value: object) -> None:
    given = {
        "unit": "MW",
        "timezone": "UTC",
        "label": "beginning",
        "columns": ["a"],
        "time": "t",
        name: value,
    }
    path = tmp_path / "table.csv"
    path.write_text("t,a\n2024-01-01 00:00,1\n2024-01-01 01:00,2\n")
    try:
        ef.read_power(path, published_after="1h", format=ef.TableFormat(**given))
    except ef.errors.EnergyForecastError as error:
        three_lines(error)


def test_one_mark_of_a_missing_value_is_no_list_of_its_letters() -> None:
    with pytest.raises(SchemaError, match=r"missing=\['-9999'\]"):
        ef.TableFormat(missing="-9999")
    with pytest.raises(SchemaError, match="columns"):
        ef.TableFormat(columns="power")
