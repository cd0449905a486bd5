"""Load track of GEFCom2014: its files, its benchmark, and no look ahead."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from energyforecast import competitions
from energyforecast.competitions import read_gefcom2014_load
from energyforecast.errors import TimeError
from energyforecast.evaluation import pinball_loss
from energyforecast.testing import poison_observations, poison_weather
from energyforecast.weather import TemperatureEnsemble

DATA = Path(os.environ.get("ENERGYFORECAST_DATA", "")) / "gefcom2014" / "load.parquet"
with_data = pytest.mark.skipif(
    not DATA.is_file(), reason="needs gefcom2014/load.parquet in the folder that ENERGYFORECAST_DATA names"
)


def _table(months: int = 13) -> pd.DataFrame:
    """A made-up load track from January 2001 on, stamped at the end of the hour."""
    index = pd.date_range("2001-01-01 01:00", periods=months * 732, freq="1h")
    table = pd.DataFrame({"load": np.arange(len(index)) % 100 + 50.0}, index=index)
    table.loc[table.index[:48], "load"] = np.nan
    return table.assign(**{f"w{k}": 32.0 + k + np.arange(len(index)) % 24 for k in range(1, 26)})


def _official(table: pd.DataFrame, folder: Path, task: int) -> None:
    """As the competition wrote it: month without, day with a leading zero, no separators."""
    when = table.index
    stamps = (
        [f"{t.month}{t.day:02d}{t.year} {t.hour}:00" for t in when]
        if task > 1
        else [f"{t.month}{t.day}{t.year} {t.hour}:00" for t in when]
    )
    written = table.rename(columns={"load": "LOAD"})
    written.insert(0, "TIMESTAMP", stamps)
    written.insert(0, "ZONEID", 1)
    place = folder / "Load" / f"Task {task}"
    place.mkdir(parents=True)
    written.to_csv(place / f"L{task}-train.csv", index=False)


def test_official_files_and_the_prepared_one_are_the_same(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table = _table()
    first, second, last = (
        table[:"2001-11-01 00:00"],
        table["2001-11-01 01:00":"2001-12-01 00:00"],
        table["2001-12-01 01:00":],
    )
    _official(first, tmp_path / "official", 1)
    _official(second, tmp_path / "official", 2)
    solution = last.rename(columns={"load": "LOAD"})
    ends = last.index - pd.Timedelta("1h")
    solution.insert(0, "hour", ends.hour + 1)
    solution.insert(0, "date", [f"{t.month}/{t.day}/{t.year}" for t in ends])
    solution.to_csv(tmp_path / "official" / "solution15_L_temperature.csv", index=False)
    (tmp_path / "gefcom2014").mkdir()
    table.rename_axis("timestamp").reset_index().to_parquet(tmp_path / "gefcom2014" / "load.parquet")
    read, prepared = (read_gefcom2014_load(folder) for folder in (tmp_path / "official", tmp_path))
    pd.testing.assert_frame_equal(read.observations.values, prepared.observations.values)
    assert read.weather.equals(prepared.weather)
    # Load belongs to the hour that ends at its stamp; temperature to the instant; °F became °C.
    assert read.observations.index[0] == pd.Timestamp("2001-01-03 00:00", tz="UTC")
    assert read.observations.values["utility"].iloc[0] == table["load"].iloc[48]
    assert read.weather["time"].values[0] == np.datetime64("2001-01-01T01:00")
    assert float(read.weather["temp_air"].sel(site="w9")[0]) == pytest.approx(5.0)
    assert (read.weather["available_time"] == read.weather["time"]).all()


def test_stamps_that_are_not_consecutive_hours_are_refused(tmp_path: Path) -> None:
    table = _table(1)
    _official(table.drop(table.index[200]), tmp_path, 1)
    with pytest.raises(TimeError, match="consecutive"):
        read_gefcom2014_load(tmp_path)


@with_data
def test_the_benchmark_of_the_organisers_is_met() -> None:
    """Their scores are on the leaderboard: the load of a year before, for every level."""
    event = competitions.competition("gefcom2014-load")
    data = event.read(DATA.parent)
    board = pd.read_csv(DATA.parent / "leaderboard_load.csv").set_index("Participant")
    for task in (3, 4):
        done = event.climatology(data, task, site="utility")
        loss = float(pinball_loss(done.observed, done.quantiles, event.levels).mean())
        assert loss == pytest.approx(float(board.loc["Benchmark - Load", f"Task{task}"]), abs=1e-3)


@pytest.mark.slow
@with_data
def test_the_load_benchmark_sees_nothing_from_its_first_hour_on() -> None:
    event = competitions.competition("gefcom2014-load")
    data = event.read(DATA.parent)
    start = data.starts[1]
    expected = event.forecast(data, 1, site="utility")
    ruined = replace(
        data,
        weather=poison_weather(TemperatureEnsemble(data.weather), start).temperature,
        observations=poison_observations(data.observations, start),
    )
    found = event.forecast(ruined, 1, site="utility")
    np.testing.assert_array_equal(found.quantiles, expected.quantiles)
    references = [
        event.references(given, 1, site="utility")["seasonal climatology"] for given in (data, ruined)
    ]
    np.testing.assert_array_equal(references[0].quantiles, references[1].quantiles)
    assert not ruined.weather.equals(data.weather)
