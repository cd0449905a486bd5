"""Forecasts of others: read, aligned, compared; operators' load and Great Britain's half-hours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import RangeError, SchemaError, TimeError, UnitsError
from energyforecast.evaluation import Result
from energyforecast.testing import example_forecast, example_observations, example_result

EXAMPLE = Path(__file__).parents[2] / "examples" / "operators_forecast.py"
DATA = os.environ.get("ENERGYFORECAST_DATA")
needs_data = pytest.mark.skipif(
    not DATA or not (Path(DATA) / "opsd").exists(), reason="ENERGYFORECAST_DATA has no folder opsd"
)
LONDON = ef.day_ahead("10:00", timezone="Europe/London", frequency="30min")


def _point(hours: pd.DatetimeIndex, value: float = 5.0) -> pd.DataFrame:
    return pd.DataFrame({"site": "farm", "valid_time": hours, "point": value})


def test_what_is_written_as_a_frame_is_read_back() -> None:
    forecast = example_forecast()
    again = ef.Forecast.from_frame(forecast.to_frame(), capacity={"farm": 60.0})
    np.testing.assert_array_equal(again.data.values, forecast.data.values)
    np.testing.assert_array_equal(again.data["valid_time"].values, forecast.data["valid_time"].values)
    assert again.quantiles == forecast.quantiles
    mixed = forecast.to_frame().sample(frac=1, random_state=0)
    np.testing.assert_array_equal(
        ef.Forecast.from_frame(mixed, capacity={"farm": 60.0}).data.values, forecast.data.values
    )


GERMAN = pd.DataFrame(
    {
        "issue_time": "05.02.2024 09:00",
        "valid_time": [f"06.02.2024 {hour:02d}:00" for hour in range(24)],
        "q0.5": 1.0,
    }
)


def test_a_vendors_days_before_months_are_read_in_the_form_that_is_told() -> None:
    told = ef.TableFormat(time_format="%d.%m.%Y %H:%M", timezone="Europe/Berlin")
    read = ef.Forecast.from_frame(GERMAN, format=told)
    assert read.issue_times[0] == pd.Timestamp("2024-02-05 08:00", tz="UTC")
    assert read.to_frame()["valid_time"].iloc[0] == pd.Timestamp("2024-02-05 23:00", tz="UTC")


@pytest.mark.parametrize("name", ["issue_time", "valid_time"])
def test_a_vendors_days_before_months_are_refused_untold(name: str) -> None:
    right = {
        "issue_time": "2024-02-05 09:00",
        "valid_time": pd.date_range("2024-02-06", periods=24, freq="1h"),
    }
    with pytest.raises(TimeError, match="time_format="):
        ef.Forecast.from_frame(GERMAN.assign(**{key: right[key] for key in right if key != name}))


def test_a_vendors_offsets_that_change_are_read_one_by_one() -> None:
    night = ["2023-10-29 01:00+02:00", "2023-10-29 02:00+02:00", "2023-10-29 02:00+01:00"]
    rows = pd.DataFrame({"issue_time": "2023-10-28 09:00", "valid_time": night, "q0.5": 1.0})
    read = ef.Forecast.from_frame(rows).to_frame()["valid_time"]
    assert list(read) == list(pd.date_range("2023-10-28 23:00", periods=3, freq="1h", tz="UTC"))


def test_a_point_is_the_level_a_half_alone() -> None:
    hours = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
    point = ef.Forecast.from_frame(
        _point(hours, 12_000.0), columns="point", unit="kW", task=ef.day_ahead("09:00", timezone="UTC")
    )
    result = Result.from_forecasts({"vendor": point}, example_observations())
    scores = result.scores().set_index("metric")["value"]
    observed = result.pairs["vendor"].observed
    assert scores["mae"] == scores["crps"] == pytest.approx(np.abs(observed - 12).mean())
    assert scores["rmse"] == pytest.approx(np.sqrt(((observed - 12) ** 2).mean()))
    assert scores["pinball"] == pytest.approx(scores["mae"] / 2)
    assert not {"coverage", "width", "pinball_7"} & set(scores.index), "a point has no intervals"


def test_skill_in_pinball_between_other_levels_is_undefined() -> None:
    hours = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
    task = ef.day_ahead("09:00", timezone="UTC")
    point = ef.Forecast.from_frame(_point(hours), columns="point", task=task)
    result = example_result().with_forecasts({"vendor": point})
    skill = result.skill("pinball", reference="reference").set_index("model")["value"]
    assert np.isnan(skill["vendor"])
    assert skill["model"] > 0
    assert result.skill("crps", reference="reference").set_index("model")["value"].notna().all()
    result.records()


@pytest.mark.parametrize(("day", "periods"), [("2023-03-26", 46), ("2023-10-29", 50), ("2023-06-01", 48)])
def test_half_hours_through_clock_changes(day: str, periods: int) -> None:
    """Stamped by the wall clock; the doubled hour is told apart by its order."""
    begin, end = ef.core.timestamps.period(day, timezone="Europe/London")
    hours = pd.date_range(begin, end, freq="30min", inclusive="left")
    wall = hours.tz_convert("Europe/London").tz_localize(None)
    forecast = ef.Forecast.from_frame(_point(wall), columns="point", task=LONDON)
    assert forecast.inside.sum() == len(hours) == periods
    np.testing.assert_array_equal(
        np.sort(forecast.data["valid_time"].values[forecast.inside]), ef.core.timestamps.to_ns(hours)
    )
    issued = forecast.issue_times.tz_convert("Europe/London")
    expected = pd.Timestamp(f"{day} 10:00") - pd.Timedelta("1D")
    assert issued.tz_localize(None).tolist() == [expected]


def test_hours_left_empty_are_counted_and_named() -> None:
    hours = pd.date_range("2024-01-02", periods=24, freq="1h", tz="UTC")
    frame = _point(hours)
    frame.loc[5, "point"] = np.nan
    task = ef.day_ahead("09:00", timezone="UTC")
    vendor = ef.Forecast.from_frame(frame, columns="point", task=task)
    assert vendor.data.attrs["left_out"] == 1
    with pytest.raises(TimeError, match="2024-01-02 05:00"):
        example_result().with_forecasts({"vendor": vendor})
    result = example_result().with_forecasts({"vendor": vendor}, missing="drop")
    assert result.provenance["left_out"] == {"model": 1, "reference": 1, "vendor": 0}
    assert set(result.scores()["n"]) == {23}


def test_what_cannot_be_read_is_refused() -> None:
    hours = pd.date_range("2024-01-02", periods=4, freq="1h", tz="UTC")
    frame, task = _point(hours), ef.day_ahead("09:00", timezone="UTC")
    read = ef.Forecast.from_frame
    with pytest.raises(UnitsError):
        read(frame, columns="point", task=task, unit="MWh")
    with pytest.raises(SchemaError, match="issue_time"):
        read(frame, columns="point")
    with pytest.raises(SchemaError, match="load"):
        read(frame, columns="load", task=task)
    with pytest.raises(TimeError, match="twice"):
        read(pd.concat([frame, frame], ignore_index=True), columns="point", task=task)
    with pytest.raises(TimeError, match="2 issues"):
        read(frame, columns="point", task=ef.day_ahead("09:00", timezone="UTC", days=2))
    crossing = frame.assign(issue_time="2024-01-01 09:00", high=1.0)
    with pytest.raises(RangeError, match="crossing"):
        read(crossing, columns={"point": 0.1, "high": 0.9})


def _example(*arguments: str) -> str:
    root = str(Path(ef.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE), *arguments],
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_example_says_what_is_missing(tmp_path: Path) -> None:
    assert _example("--data", str(tmp_path)).count("Skipped: there is no") == 2


@needs_data
@pytest.mark.slow
def test_operators_stand_beside_references() -> None:
    shown = _example("--data", str(DATA), "--start", "2019-10", "--end", "2019-10")
    for name in ("Austria", "Switzerland", "France"):
        assert name in shown
    assert shown.count("hours 745") == 3, "a day of 25 hours is counted whole"
    assert "hours 1490" in shown, "a day of 50 half-hours too"
