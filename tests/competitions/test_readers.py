"""Readers of competitions: what belongs to which hour, what was known when, and what cannot be read."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core import weather_schema
from energyforecast.errors import (
    DependencyError,
    FileFormatError,
    MissingDataError,
    SchemaError,
    TimeError,
)
from tests.support.competition_files import wind_table, write_2012, write_solar, write_wind
from tests.support.error_messages import three_lines

SPLIT = "2012-11-01"
HOUR = np.timedelta64(3_600_000_000_000, "ns")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return wind_table("2012-09-01", "2012-12-01")


@pytest.fixture(scope="module")
def wind(tmp_path_factory: pytest.TempPathFactory, table: pd.DataFrame) -> Path:
    return write_wind(tmp_path_factory.mktemp("wind"), table, split=SPLIT)


def _row(table: pd.DataFrame, stamp: str, zone: int = 1) -> pd.Series:
    [row] = table[(table["TIMESTAMP"] == stamp) & (table["ZONEID"] == zone)].to_dict("records")
    return pd.Series(row)


def test_power_belongs_to_the_hour_before_its_stamp_and_wind_to_the_stamp(
    wind: Path, table: pd.DataFrame
) -> None:
    data = ef.competitions.read_gefcom2014_wind(wind)
    row = _row(table, "20121015 7:00")
    assert data.observations.values.loc["2012-10-15 06:00+00:00", "zone 1"] == row["TARGETVAR"]
    run = data.weather.sel(site="zone 1", init_time="2012-10-01")
    instant = run.sel(lead_time=np.timedelta64(14 * 24 + 7, "h"))
    assert float(instant["wind_speed_100m"]) == pytest.approx(np.hypot(row["U100"], row["V100"]), rel=1e-6)
    comes_from = np.degrees(np.arctan2(-row["U100"], -row["V100"])) % 360
    assert float(instant["wind_direction_100m"]) == pytest.approx(comes_from, abs=1e-3)


def test_a_month_is_one_run_that_begins_where_the_last_one_ended(wind: Path, table: pd.DataFrame) -> None:
    data = ef.competitions.read_gefcom2014_wind(wind)
    months = data.weather["init_time"].values.astype("datetime64[D]").astype(str)
    assert months.tolist() == ["2012-09-01", "2012-10-01", "2012-11-01"]
    assert (data.weather["available_time"] == data.weather["init_time"]).all()
    speed = data.weather["wind_speed_100m"].sel(site="zone 2")
    assert speed.notnull().sum("lead_time").values.tolist() == [721, 745, 721]
    row = _row(table, "20121001 0:00", zone=2)
    assert float(speed[1, 0]) == pytest.approx(np.hypot(row["U100"], row["V100"]), rel=1e-6)
    assert float(speed[0, 720]) == float(speed[1, 0])
    assert list(data.starts.items()) == [
        (1, pd.Timestamp("2012-10-01", tz="UTC")),
        (2, pd.Timestamp("2012-11-01", tz="UTC")),
    ]


def test_of_the_first_instant_nothing_was_handed_out_and_its_hour_teaches_nothing(wind: Path) -> None:
    data = ef.competitions.read_gefcom2014_wind(wind)
    speed = data.weather["wind_speed_100m"].isel(init_time=0)
    assert (speed.isel(lead_time=0) == speed.isel(lead_time=1)).all()
    assert data.observations.values.iloc[0].isna().all()
    assert data.observations.values.iloc[1].notna().all()


def test_an_operator_sees_a_run_a_day_and_its_true_lead(wind: Path) -> None:
    data = ef.competitions.read_gefcom2014_wind(wind, information="operational")
    assert data.weather.sizes["init_time"] == 91
    assert (data.weather["lead_time"].values == np.arange(25) * HOUR).all()
    whole = ef.competitions.read_gefcom2014_wind(wind).weather
    day = data.weather.sel(init_time="2012-10-15")
    same = whole.sel(init_time="2012-10-01").isel(lead_time=slice(14 * 24, 15 * 24 + 1))
    np.testing.assert_array_equal(day["wind_speed_10m"].values, same["wind_speed_10m"].values)
    for weather in (day, same):
        assert weather["run_lead_time"].values[0, :24].tolist() == list(range(1, 25))
    # The hour that begins where the run ends is the next day's, and so is its mean.
    assert np.isnan(data.weather["run_lead_time"].values[:, :, 24]).all()


@pytest.mark.parametrize("information", ["competition", "operational"])
def test_power_of_a_month_is_known_at_its_end_and_no_hour_earlier(wind: Path, information: str) -> None:
    data = ef.competitions.read_gefcom2014_wind(wind, information=information)  # type: ignore[arg-type]
    published = data.observations.published_time
    assert published is not None
    october = published.loc["2012-10"]
    assert set(october.to_numpy().ravel()) == {pd.Timestamp("2012-11-01", tz="UTC")}


def test_an_outcome_that_was_not_handed_out_stays_missing(tmp_path: Path, table: pd.DataFrame) -> None:
    folder = write_wind(tmp_path, table, split=SPLIT)
    (folder / "Wind" / "solution2_W.csv").unlink()
    data = ef.competitions.read_gefcom2014_wind(folder)
    assert data.observations.values.loc["2012-11"].isna().all(axis=None)
    assert data.weather["wind_speed_10m"].sel(init_time="2012-11-01").notnull().sum("lead_time").max() == 721


def test_sums_of_radiation_become_means_of_their_hours(tmp_path: Path) -> None:
    data = ef.competitions.read_gefcom2014_solar(
        write_solar(tmp_path, "2013-03-01", "2013-05-01", split="2013-04-01")
    )
    weather_schema.check_weather(
        data.weather, sites=data.sites
    )  # among others that the radiation lies where the sun is
    run = data.weather.sel(init_time="2013-04-01", site="zone 1")
    assert float(run["longwave_down"].min()) == pytest.approx(300)
    assert float(run["longwave_down"].max()) == pytest.approx(300)
    assert float(run["precipitation"].mean()) == pytest.approx(1.0)
    assert run["ghi"].attrs["cell_methods"] == "time: mean"
    power = data.observations.values["zone 1"].loc["2013-04"].to_numpy()
    np.testing.assert_allclose(power, run["ghi"].values[:720] / 1100, atol=2e-5)
    assert list(data.starts) == [1]


def test_withheld_hours_of_2012_are_never_known(tmp_path: Path) -> None:
    data = ef.competitions.read_gefcom2012_wind(write_2012(tmp_path))
    hole = slice("2011-01-01 00:00+00:00", "2011-01-02 23:00+00:00")
    assert data.observations.values.loc[hole].isna().all(axis=None)
    assert data.outcomes.values.loc[hole].notna().all(axis=None)
    assert data.outcomes.values.notna().sum().tolist() == [3 * 48] * 2
    both = data.observations.values.notna() & data.outcomes.values.notna()
    assert not both.any(axis=None)
    assert data.observations.values.loc["2010-12-31 23:00+00:00"].notna().all()


def test_the_instant_of_a_run_comes_from_the_newest_earlier_run_that_tells_it(tmp_path: Path) -> None:
    speed = (
        ef.competitions.read_gefcom2012_wind(write_2012(tmp_path))
        .weather["wind_speed_10m"]
        .sel(site="farm 1")
    )

    def at(run: str, lead: int) -> float:
        return float(speed.sel(init_time=run, lead_time=np.timedelta64(lead, "h")))

    assert at("2010-12-10 12:00", 0) == at("2010-12-10 00:00", 12)
    # Runs inside the hole do not tell its end; that of its beginning does.
    assert np.isnan(at("2011-01-02 12:00", 12))
    assert at("2011-01-03 00:00", 0) == at("2011-01-01 00:00", 48)


# --- What cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "read",
    [
        ef.competitions.read_gefcom2014_wind,
        ef.competitions.read_gefcom2014_solar,
        ef.competitions.read_gefcom2012_wind,
    ],
)
@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_the_data_says_what_it_holds(read, exists: bool, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path if exists else tmp_path / "absent"
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(MissingDataError, match=r"notes\.txt" if exists else "no folder") as caught:
        read(folder)
    three_lines(caught.value)


def test_a_column_that_is_absent_is_named(tmp_path: Path, table: pd.DataFrame) -> None:
    folder = write_wind(tmp_path, table.rename(columns={"U100": "WIND"}), split=SPLIT)
    with pytest.raises(SchemaError, match="u100") as caught:
        ef.competitions.read_gefcom2014_wind(folder)
    three_lines(caught.value)


def test_a_doubled_hour_is_refused(tmp_path: Path, table: pd.DataFrame) -> None:
    folder = write_wind(tmp_path, pd.concat([table, table.iloc[[5]]]), split=SPLIT)
    with pytest.raises(TimeError, match="two rows") as caught:
        ef.competitions.read_gefcom2014_wind(folder)
    three_lines(caught.value)


def test_a_stamp_of_another_form_is_refused(tmp_path: Path, table: pd.DataFrame) -> None:
    folder = write_wind(tmp_path, table, split=SPLIT)
    path = folder / "Wind" / "Task 2" / "Task2_W_Zone1.csv"
    path.write_text(path.read_text().replace("20120901 1:00", "1 September"))
    with pytest.raises(TimeError, match="Task2_W_Zone1") as caught:
        ef.competitions.read_gefcom2014_wind(folder)
    three_lines(caught.value)


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wind.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DependencyError, match="benchmark") as caught:
        ef.competitions.read_gefcom2014_wind(tmp_path)
    three_lines(caught.value)


def test_a_damaged_parquet_file_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "gefcom2014").mkdir()
    (tmp_path / "gefcom2014" / "wind.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(FileFormatError) as caught:
        ef.competitions.read_gefcom2014_wind(tmp_path)
    three_lines(caught.value)
