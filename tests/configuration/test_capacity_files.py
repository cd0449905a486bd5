"""Files of the capacity in service and of orders, in a configuration and by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import energyforecast as ef
from energyforecast import configuration, errors
from energyforecast.cli import application
from tests.support.toy_weather import toy_power, toy_weather, wind_farm

FARM = wind_farm(capacity=200.0)

CONFIGURATION = """
[sites.farm]
kind = "wind"
latitude = 48.0
longitude = 10.0
capacity = 200.0
hub_height = 100.0
[weather]
file = "weather.nc"
[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[available_capacity]
file = "in_service.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[curtailment]
file = "orders.csv"
unit = "kW"
timezone = "Europe/Berlin"
label = "ending"
time = "hour"
columns = ["farm"]
published_time = "known"
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "UTC"
quantiles = [0.1, 0.5, 0.9]
[model]
kind = "Persistence"
"""

#: From 10:00 to 12:00 UTC on 9 February, told at 7:30 UTC of the day before.
ORDERS = "hour,farm,known\n2024-02-09 12:00,30000,2024-02-08 08:30\n2024-02-09 13:00,30000,2024-02-08 08:30\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("capacity")
    weather, truth = toy_weather([FARM], days=45)
    values = toy_power([FARM], truth).values
    capacity = pd.DataFrame({"farm": np.where(values.index < "2024-02-01", 100.0, 200.0)}, index=values.index)
    ef.weather.write(weather, place / "weather.nc")
    (values * capacity / 200).to_csv(place / "power.csv", index_label="time")
    capacity.to_csv(place / "in_service.csv", index_label="time")
    (place / "orders.csv").write_text(ORDERS)
    (place / "farm.toml").write_text(CONFIGURATION)
    return place


def test_a_configuration_reads_both(folder: Path) -> None:
    service, order = configuration.read(folder / "farm.toml").observations().capacities
    assert not service.limit
    assert service.values["farm"].iloc[[0, -1]].tolist() == [100.0, 200.0]
    assert order.limit
    assert list(order.index) == list(pd.date_range("2024-02-09 10:00", periods=2, freq="1h", tz="UTC"))
    assert order.values["farm"].tolist() == [30.0, 30.0]
    assert (order.published("farm") == np.datetime64("2024-02-08T07:30")).all()


@pytest.mark.parametrize(("issue", "limit"), [("2024-02-08 09:00", 30.0), ("2024-02-07 09:00", 200.0)])
def test_the_command_forecasts_with_them(folder: Path, tmp_path: Path, issue: str, limit: float) -> None:
    arguments = ["forecast", str(folder / "farm.toml"), "--issue-time", issue, "--out", str(tmp_path)]
    done = CliRunner().invoke(application.app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "forecast.csv")
    assert table["available_capacity"].tolist() == [200.0] * 10 + [limit] * 2 + [200.0] * 12
    assert (table["q0.9"] <= table["available_capacity"]).all()
    assert table["q0.9"].max() > 100


def test_keys_that_a_file_needs_are_named(folder: Path) -> None:
    path = folder / "incomplete.toml"
    path.write_text(CONFIGURATION.replace('unit = "kW"\n', ""))
    with pytest.raises(errors.ConfigurationError, match=r"\[curtailment\] does not give unit"):
        configuration.read(path)


def test_of_revisions_the_last_counts_or_the_first() -> None:
    hour, known = (
        ["2024-02-09 10:00"] * 2 + ["2024-02-09 11:00"],
        ["2024-02-08 12:00", "2024-02-08 08:00", "2024-02-08 08:00"],
    )
    rows = pd.DataFrame({"hour": hour, "farm": [60.0, 30.0, 30.0], "known": known})
    form = ef.TableFormat(time="hour", columns=["farm"], published_time="known")
    given = {"unit": "MW", "timezone": "UTC", "label": "beginning", "format": form}
    last, first = (ef.read_capacity(rows, revisions=which, **given) for which in ("last", "first"))
    assert last.values["farm"].tolist() == [60.0, 30.0]
    assert first.values["farm"].tolist() == [30.0, 30.0]
    assert last.published("farm")[0] == np.datetime64("2024-02-08T12:00")
    assert first.published("farm")[0] == np.datetime64("2024-02-08T08:00")


def test_energy_is_no_capacity() -> None:
    rows = pd.DataFrame({"farm": [60.0, 30.0]}, index=pd.date_range("2024-02-09", periods=2, freq="1h"))
    with pytest.raises(errors.UnitsError, match="MWh"):
        ef.read_capacity(rows, unit="MWh", timezone="UTC", label="beginning", published_after="1h")
