"""The archive on SQLite and on a real PostgreSQL: as known at a moment, append-only, the same objects as everywhere."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import energyforecast as ef
from energyforecast import planning
from energyforecast.archive import tables
from energyforecast.archive.address import engine_of, url_of
from energyforecast.core import timestamps
from energyforecast.errors import ConfigurationError, MissingDataError, SchemaError, StoreError
from energyforecast.forecasting import PortfolioForecast
from energyforecast.testing import example_days, example_forecast, example_observations
from tests.support import postgresql

KILLS = Path(__file__).parents[2] / "benchmarks" / "archive_kills.py"


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: str) -> None:
        self.now = now

    def __call__(self) -> pd.Timestamp:
        return timestamps.instant(self.now)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql.server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "archive.sqlite")
    else:
        with postgresql.database(request.getfixturevalue("server")) as made:
            yield made


def _moved(forecast: ef.Forecast, by: float) -> ef.Forecast:
    return ef.Forecast(forecast.data.copy(data=forecast.data.values + np.float32(by)))


def _median(forecast: ef.Forecast) -> float:
    return float(forecast.at(0.5)[0, 0, 0])


def _execute(address: str, statement: str) -> Any:
    with (
        engine_of(url_of(address)).connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        result = connection.execute(sa.text(statement))
        return result.all() if result.returns_rows else None


# -- forecasts -------------------------------------------------------------------------------------


def test_what_was_said_then_is_answered_after_corrections(address: str) -> None:
    clock, forecast = Clock("2024-01-01 09:00:30"), example_forecast()
    archive = ef.archive.open(address, clock=clock)
    assert archive.write_forecast(forecast) == 1
    assert archive.write_forecast(forecast) == 0, "safe to repeat"
    clock.now = "2024-01-01 10:00"
    assert archive.write_forecast(_moved(forecast, 1.0)) == 1
    clock.now = "2024-01-01 11:00"
    assert archive.write_forecast(forecast) == 1, "the first one again is a third opinion"

    asked = {"2024-01-01 09:30": 10.0, "2024-01-01 10:00": 11.0, "2024-01-01 10:59": 11.0}
    for moment, median in asked.items():
        assert _median(archive.forecast("farm", as_of=moment)) == median
    assert _median(archive.forecast("farm")) == 10.0
    with pytest.raises(MissingDataError, match="'farm'"):
        archive.forecast("farm", as_of="2024-01-01 09:00")
    records = archive.issues("farm")
    assert records["revision"].tolist() == [0, 1, 2]
    assert records["recorded_time"].dt.strftime("%H:%M:%S").tolist() == ["09:00:30", "10:00:00", "11:00:00"]


def test_a_clock_that_goes_back_puts_no_correction_before_what_it_corrects(address: str) -> None:
    clock = Clock("2024-01-01 10:00")
    archive = ef.archive.open(address, clock=clock)
    archive.write_forecast(example_forecast())
    clock.now = "2024-01-01 08:00"
    archive.write_forecast(_moved(example_forecast(), 1.0))
    assert _median(archive.forecast("farm")) == 11.0
    assert archive.issues()["recorded_time"].is_monotonic_increasing


def _paris() -> ef.Forecast:
    """Days of 23, 24 and 25 hours, two sites, one of them with a lower capacity in service."""
    task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))
    hours = pd.date_range("2024-03-29 23:00", "2024-03-31 21:00", freq="1h", tz="UTC")
    frame = pd.DataFrame({"valid_time": hours, "q0.1": 1.0, "q0.5": 2.0, "q0.9": 3.0})
    frame["available_capacity"] = np.where(np.arange(len(hours)) < 5, 4.0, 8.0)
    both = pd.concat([frame.assign(site="a"), frame.assign(site="b")])
    return ef.Forecast.from_frame(both, task=task, capacity={"a": 8.0, "b": 8.0}, kind="wind")


@pytest.mark.parametrize("made", [example_forecast, _paris, lambda: example_days(days=3)[0]])
def test_a_forecast_comes_back_bit_for_bit(address: str, made: Any) -> None:
    forecast = made()
    archive = ef.archive.open(address)
    archive.write_forecast(forecast, model_hash="abc")
    read = archive.forecast(forecast.sites)
    assert read.data.identical(forecast.data)
    assert read.data.dtype == forecast.data.dtype
    assert set(archive.issues()["model_hash"]) == {"abc"}


def test_a_local_day_has_its_hours_whatever_the_issue(address: str) -> None:
    archive = ef.archive.open(address)
    archive.write_forecast(_paris())
    day = archive.forecast("a", valid="2024-03-31", timezone="Europe/Paris")
    valid = day.to_frame()["valid_time"]
    assert len(valid) == 23, "the clock was put forward"
    assert valid.iloc[0] == pd.Timestamp("2024-03-30 23:00", tz="UTC")
    pair = archive.forecast("a", valid=("2024-03-30", "2024-03-31"), timezone="Europe/Paris")
    assert len(pair.to_frame()) == 47
    assert len(archive.forecast("a", issued="2024-03-29").issue_times) == 1
    with pytest.raises(MissingDataError):
        archive.forecast("a", valid="2024-04-02")


def test_records_that_do_not_fit_into_one_forecast_are_refused_with_a_way_out(address: str) -> None:
    archive = ef.archive.open(address)
    early, late = example_days(days=4)[0], example_days(days=6)[0]
    archive.write_forecast(ef.Forecast(early.data.sel(site=["a"])))
    archive.write_forecast(ef.Forecast(late.data.sel(site=["b"])))
    with pytest.raises(SchemaError, match="not forecast at the same issues"):
        archive.forecast(["a", "b"])
    assert len(archive.forecast("b").issue_times) == len(late.issue_times)
    archive.write_forecast(ef.Forecast(late.data.sel(site=["a"])[:, 4:, :, ::2]))
    with pytest.raises(SchemaError, match="quantile_levels"):
        archive.forecast("a")
    first = archive.forecast("a", issued=(None, early.issue_times[-1]))
    assert first.data.equals(early.data.sel(site=["a"]))


def test_queries_in_sql_see_quantiles_as_numbers(address: str) -> None:
    archive, forecast = ef.archive.open(address), example_forecast()
    archive.write_forecast(forecast)
    rows = _execute(address, "SELECT valid_time, q05, q10, q25, q50, q90 FROM issued ORDER BY valid_time")
    table = np.array([row[1:] for row in rows], dtype=float)
    assert str(rows[0][0]).startswith("2024-01-02 00:00:00")
    assert np.isnan(table[:, 0]).all(), "the forecast has no level so low"
    for column, level in ((1, 0.1), (2, 0.25), (3, 0.5), (4, 0.9)):
        np.testing.assert_allclose(table[:, column], forecast.at(level)[0, 0], rtol=1e-6)


def test_a_record_that_was_changed_behind_the_triggers_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "archive.sqlite"
    archive = ef.archive.open(file)
    archive.write_forecast(example_forecast())
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TRIGGER forecast_value_refuses_update")
        connection.execute(
            "UPDATE forecast_value SET quantiles = zeroblob(12) WHERE valid_time LIKE '%05:00%'"
        )
    connection.close()
    with pytest.raises(StoreError, match="not as it was written"):
        archive.forecast("farm")


# -- append-only -----------------------------------------------------------------------------------


def _filled(address: str) -> ef.archive.Archive:
    archive = ef.archive.open(address, clock=Clock("2024-01-05"))
    archive.write_forecast(example_forecast())
    archive.write_observations(example_observations())
    archive.write_plan({"t": pd.DataFrame({"a": [1.0]})}, name="region", issue_time="2024-01-01")
    archive.write_model("abc", manifest={"kind": "x"})
    end = pd.Timestamp("2024-01-02", tz="UTC") + pd.Timedelta(1, "ns")  # a clock may be finer than a database
    archive.write_run("forecast", start="2024-01-01", end=end, exit_code=3, detail={"b": "late"})
    return archive


def _content(address: str) -> dict[str, Any]:
    return {table.name: _execute(address, f"SELECT * FROM {table.name}") for table in tables.TABLES}


def test_the_database_refuses_changes(address: str) -> None:
    _filled(address)
    before = _content(address)
    assert all(before.values()), "every table has a row"
    for table, declared in tables.metadata.tables.items():
        column = next(c.name for c in declared.columns if not c.primary_key)
        statements = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]
        if "://" in address:
            statements.append(f"TRUNCATE {table} CASCADE")
        else:
            statements.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
        for statement in statements:
            with pytest.raises(sa.exc.DBAPIError, match="append-only"):
                _execute(address, statement)
    assert _content(address) == before


def test_replacing_is_refused_to_programs_that_set_nothing(tmp_path: Path) -> None:
    """REPLACE of a plain connection deletes rows without firing the triggers of DELETE."""
    _filled(str(tmp_path / "archive.sqlite"))
    connection = sqlite3.connect(tmp_path / "archive.sqlite")
    with pytest.raises(sqlite3.Error, match="append-only"):
        connection.execute(
            "INSERT OR REPLACE INTO run SELECT run_id, 'x', start_time, end_time, 0, '' FROM run"
        )
    connection.close()


# -- measurements ----------------------------------------------------------------------------------


def _power(values: list[float], start: str = "2024-01-01") -> ef.Observations:
    index = pd.date_range(start, periods=len(values), freq="1h", tz="UTC")
    return ef.Observations(pd.DataFrame({"farm": values}, index=index), published_after="1h", frequency="1h")


def test_corrections_and_late_values_are_known_from_the_time_of_their_record(address: str) -> None:
    nan, clock = float("nan"), Clock("2024-01-01 06:00")
    archive = ef.archive.open(address, clock=clock)
    assert archive.write_observations(_power([1.0, 2.0, nan, 4.0])) == 3
    assert archive.write_observations(_power([1.0, 2.0, nan, 4.0])) == 0, "safe to repeat"
    clock.now = "2024-01-02 06:00"
    assert archive.write_observations(_power([1.0, 2.5, 3.0, nan, 5.0])) == 4

    now, then = archive.observations("farm"), archive.observations("farm", as_of="2024-01-01 12:00")
    assert now.values["farm"].tolist()[:3] + now.values["farm"].tolist()[4:] == [1.0, 2.5, 3.0, 5.0]
    assert np.isnan(now.values["farm"].iloc[3]), "a value that was withdrawn"
    assert then.values["farm"].fillna(-1.0).tolist() == [1.0, 2.0, -1.0, 4.0]
    published = pd.DatetimeIndex(now.published_at("farm", now.index)).strftime("%d %H:%M").tolist()
    assert published[0] == "01 02:00", "as declared: an hour after the end of the interval"
    assert published[1] == published[2] == "02 06:00", "corrected, or late: known when it was recorded"
    assert published[4] == "01 06:00", "newer than all that was held: as declared"
    assert np.isnan(now.value_at("farm", now.index[1:2], as_of="2024-01-02 05:00"))[0], (
        "no leak of a correction"
    )


def test_a_longer_history_is_known_as_declared(address: str) -> None:
    archive = ef.archive.open(address, clock=Clock("2024-01-05"))
    archive.write_observations(_power([5.0], "2024-01-01 04:00"))
    archive.write_observations(_power([1.0, 2.0, 3.0, 4.0, 5.0]))
    power = archive.observations("farm")
    assert pd.DatetimeIndex(power.published_at("farm", power.index[:1]))[0] == pd.Timestamp(
        "2024-01-01 02:00"
    )


def test_flags_and_several_sites_come_back(address: str) -> None:
    _, power = example_days(days=3)
    flags = pd.DataFrame(0, index=power.values.index, columns=power.values.columns)
    flags.iloc[2, 0] = int(ef.Flag.CURTAILED)
    power = ef.Observations(power.values, published_after=power.published_after, flags=flags)
    archive = ef.archive.open(address)
    archive.write_observations(power)
    read = archive.observations(power.sites)
    pd.testing.assert_frame_equal(read.values, power.values, check_freq=False)
    pd.testing.assert_frame_equal(read.flags, power.flags, check_freq=False)
    np.testing.assert_array_equal(read.published, power.published)
    with pytest.raises(MissingDataError, match="nowhere"):
        archive.observations("nowhere")


def test_scores_calibration_and_report_work_on_what_comes_back(address: str) -> None:
    forecast, power = example_days(days=60)
    archive = ef.archive.open(address)
    archive.write_forecast(forecast)
    archive.write_observations(power)
    read, measured = archive.forecast(forecast.sites), archive.observations(power.sites)
    pd.testing.assert_frame_equal(
        ef.evaluation.score("crps", measured, read), ef.evaluation.score("crps", power, forecast)
    )
    lower = ef.Observations(measured.values - 5.0, published_after="1h")
    moved = ef.AdaptiveCalibration().apply(read, lower)
    assert moved.data.equals(ef.AdaptiveCalibration().apply(forecast, lower).data)


# -- plans, models and runs ------------------------------------------------------------------------


def test_tables_of_a_plan_come_back_number_for_number(address: str) -> None:
    hours = pd.date_range("2024-01-02", periods=3, freq="1h", tz="UTC").as_unit("ns")
    plan = {
        "reserve": pd.DataFrame({"valid_time": hours, "up": [0.1, np.nan, 1 / 3], "count": [1, 2, 3]}),
        "costs": pd.DataFrame(
            {"site": ["a", None], "ok": [True, False]}, index=pd.Index(["x", "y"], name="name")
        ),
        "empty": pd.DataFrame({"up": pd.Series(dtype=float)}),
    }
    clock = Clock("2024-01-01 09:00")
    archive = ef.archive.open(address, clock=clock)
    issue = dt.datetime(2024, 1, 1, 8, tzinfo=dt.UTC)
    assert archive.write_plan(plan, name="region", issue_time=issue) == 1
    assert archive.write_plan(plan, name="region", issue_time=issue) == 0
    clock.now = "2024-01-01 10:00"
    read = archive.plan("region", issue_time=issue)
    assert read.keys() == plan.keys()
    for name, table in plan.items():
        pd.testing.assert_frame_equal(read[name], table, check_column_type=False)
    archive.write_plan({"other": plan["reserve"]}, name="region", issue_time=issue)
    assert archive.plan("region", issue_time=issue, as_of="2024-01-01 09:30").keys() == plan.keys()
    assert list(archive.plan("region", issue_time=issue)) == ["other"]
    with pytest.raises(MissingDataError):
        archive.plan("region", issue_time="2024-01-02")


@pytest.mark.slow
def test_every_table_of_a_planned_day_comes_back(tmp_path: Path) -> None:
    demand, _ = example_days(days=40)
    terms = {
        "areas": {"South": ["a", "b"]},
        "dependence": "independent",
        "reserve": {"risk": 0.05},
        "ramps": {"change": 20, "within": ["1h", "3h"], "probability": 0.1},
        "system": {"areas": ["South"], "units": {"gas": {"area": "South", "capacity": 200, "cost": 60}}},
    }
    ahead = PortfolioForecast({"demand": demand}, {})
    made = planning.plan_day(planning.PlanSettings.from_dict(terms), ahead, issue_time=demand.issue_times[-1])
    archive = ef.archive.open(tmp_path / "archive.sqlite")
    archive.write_plan(made.tables(), name="region", issue_time=made.issue_time)
    read = archive.plan("region", issue_time=made.issue_time)
    assert len(read) == len(made.tables()) > 8
    for name, table in made.tables().items():
        pd.testing.assert_frame_equal(read[name], table, check_dtype=False, check_column_type=False)


def test_models_and_runs_are_listed(address: str) -> None:
    archive = _filled(address)
    assert archive.write_model("abc", manifest={"kind": "other"}) == 0
    assert archive.models()["manifest"].tolist() == [{"kind": "x"}]
    assert archive.runs()[["command", "exit_code"]].to_numpy().tolist() == [["forecast", 3]]
    assert archive.runs()["detail"].tolist() == [{"b": "late"}]


# -- schema, addresses, writers --------------------------------------------------------------------


def test_migrations_lead_to_the_tables_that_are_declared(address: str) -> None:
    ef.archive.open(address)
    ef.archive.open(address)  # a second time there is nothing to do
    with engine_of(url_of(address)).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
        assert context.get_current_revision() == "0001"


def test_an_archive_of_a_newer_version_is_refused(address: str) -> None:
    ef.archive.open(address)
    _execute(address, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="'9999'"):
        ef.archive.open(address)


def test_timescale_keeps_the_intervals_where_it_is(server: str) -> None:
    """The extension itself is not here: a function in its place shows that it is called."""
    with postgresql.database(server) as address:
        _execute(address, "CREATE TABLE called (name text, by_column text)")
        body = "INSERT INTO called VALUES ($1::text, $2::text)"
        _execute(
            address,
            f"CREATE FUNCTION create_hypertable(regclass, name) RETURNS void LANGUAGE sql AS '{body}'",
        )
        _filled(address)
        assert _execute(address, "SELECT * FROM called") == [("forecast_value", "valid_time")]


CANARY = "c4nary-pw"


def test_passwords_are_in_no_message_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("psycopg", reason="PostgreSQL is not tested: psycopg is not installed")
    caplog.set_level(logging.DEBUG)
    texts = []
    for address in (
        f"postgresql://user:{CANARY}@127.0.0.1:1/db",
        f"postgresql://user@127.0.0.1:1/db?password={CANARY}",
        f"postgresql://user:p@{CANARY}@127.0.0.1:1/db",
        f"postgresql://user:{CANARY}@127.0.0.1:port/db",
        f"mysql://user:{CANARY}@127.0.0.1/db",
    ):
        with pytest.raises((StoreError, ConfigurationError)) as caught:
            ef.archive.open(address)
        error: BaseException | None = caught.value
        while error is not None:
            texts += [str(error), repr(error)]
            error = error.__cause__
    with pytest.raises(StoreError) as caught:
        ef.archive.open("postgresql://user@127.0.0.1:1/db", password=CANARY)
    texts.append(str(caught.value))
    assert "127.0.0.1:1" in str(caught.value)
    assert CANARY not in " ".join(texts) + caplog.text


def test_a_file_that_is_no_archive_or_is_absent_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_text("not a database " * 100)
    with pytest.raises(StoreError, match=r"text\.sqlite"):
        ef.archive.open(tmp_path / "text.sqlite")
    with pytest.raises(MissingDataError, match=r"absent\.sqlite"):
        ef.archive.open(tmp_path / "absent.sqlite", create=False)
    assert not (tmp_path / "absent.sqlite").exists()


def _write_days(address: str, days: int) -> None:
    """Write each issue by itself, as many mornings."""
    forecast, power = example_days(days=days)
    archive = ef.archive.open(address)
    for issue in forecast.issue_times:
        archive.write_forecast(forecast.sel(issue_time=issue))
    archive.write_observations(power)


def test_two_writers_at_once_lose_and_double_nothing(address: str) -> None:
    """On a database that neither has made yet."""
    with ThreadPoolExecutor(2) as pool:
        for writer in [pool.submit(_write_days, address, 8) for _ in range(2)]:
            writer.result(timeout=120)
    archive, (forecast, power) = ef.archive.open(address), example_days(days=8)
    assert archive.forecast(forecast.sites).data.equals(forecast.data)
    assert archive.issues()["revision"].eq(0).all()
    assert len(archive.issues()) == len(forecast.sites) * len(forecast.issue_times)
    count = _execute(address, "SELECT count(*) FROM measurement")[0][0]
    assert count == power.values.notna().to_numpy().sum()


@pytest.mark.slow
def test_killed_writers_lose_and_double_nothing(address: str) -> None:
    """Two processes at once, killed six times with SIGKILL; benchmarks/archive_kills.py does it 50 times."""
    where = [] if "://" not in address else ["--postgres", address]
    command = [sys.executable, str(KILLS), "--kills", "6", *where]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    found = json.loads(done.stdout)[address.partition(":")[0] if where else "sqlite"]
    assert found.pop("writes") > 0, "the kills came before anything was written"
    assert found == {"kills": 12, "lost": 0, "partial": 0, "doubled": 0}
