"""Times given as text or numbers, and arguments of a wrong type: right, or refused by an error of the library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import planning
from energyforecast.core import timestamps
from energyforecast.errors import EnergyForecastError, TimeError
from energyforecast.testing import example_forecast, example_observations
from energyforecast.weather import Grid
from tests.support.known_faults import or_refused

ISSUED = pd.Timestamp("2024-02-05 09:00", tz="UTC")
HOURS = pd.date_range("2024-02-06", periods=24, freq="1h", tz="UTC")


def _forecast(**columns: Any) -> ef.Forecast:
    return ef.Forecast.from_frame(
        pd.DataFrame({"issue_time": "2024-02-01", "valid_time": HOURS, "q0.5": 1.0} | columns)
    )


# -- days and months of the form 05.02.2024 --------------------------------------------------------


def _days_kept() -> int:
    year = pd.Series(1.0, pd.date_range("2024-01-01", periods=24 * 150, freq="1h", tz="UTC"), name="p")
    power = ef.read_power(
        year, unit="MW", timezone="UTC", label="beginning", published_after="0h", as_of="05.02.2024 00:00"
    )
    return len(power) // 24


def _february() -> ef.Observations:
    index = pd.date_range("2024-01-01", "2024-07-01", freq="1h", tz="UTC")
    return ef.Observations(pd.DataFrame({"p": 1.0}, index=index), published_after="1h")


GERMAN = [f"{day:02d}.02.2024 {hour:02d}:00" for day in (5, 6) for hour in range(24)]


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        pytest.param(lambda: timestamps.instant("05.02.2024 09:00"), ISSUED, id="instant"),
        pytest.param(lambda: timestamps.period("05.02.2024")[0], ISSUED.normalize(), id="period"),
        pytest.param(lambda: _february()["05.02.2024"].index[0], ISSUED.normalize(), id="slice of a day"),
        pytest.param(
            lambda: _forecast(issue_time="05.02.2024 09:00").issue_times[0],
            ISSUED,
            id="issue time of a frame",
        ),
        pytest.param(
            lambda: (
                ef.Forecast.from_frame(
                    pd.DataFrame({"issue_time": "2024-02-01", "valid_time": GERMAN, "q0.5": 1.0})
                )
                .to_frame()["valid_time"]
                .iloc[-1]
            ),
            HOURS[-1],
            id="valid times of a frame",
        ),
        pytest.param(_days_kept, 35, id="as_of of read_power"),
    ],
)
def test_the_fifth_of_february_is_no_second_of_may(read: Callable[[], Any], expected: Any) -> None:
    with or_refused("(?i)time|moment|date"):
        assert read() == expected


@pytest.mark.parametrize("number", [2024, 20240205, 1707123600, 45292.5])
def test_a_number_is_no_moment(number: float) -> None:
    with pytest.raises(TimeError):
        timestamps.instant(number)


def test_numbers_are_no_valid_times() -> None:
    rows = pd.DataFrame({"issue_time": "1969-12-31", "valid_time": np.arange(24), "q0.5": 1.0})
    with pytest.raises(TimeError):
        ef.Forecast.from_frame(rows)


# -- frames of forecasts ---------------------------------------------------------------------------

BERLIN = ["2023-10-29 01:00+02:00", "2023-10-29 02:00+02:00", "2023-10-29 02:00+01:00"]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param(
            {"issue_time": "2023-10-28 09:00", "valid_time": BERLIN},
            id="offsets that change",
        ),
        pytest.param(
            {"valid_time": ["12.01.2024 00:00", "13.01.2024 00:00", "14.01.2024 00:00"]},
            id="days after the 12th",
        ),
        pytest.param(
            {"valid_time": ["abc"] * 3},
            id="no times",
        ),
        pytest.param(
            {"q0.5": ["1,5"] * 3},
            id="decimal commas",
        ),
        pytest.param(
            {"q\u00b2": 1.0},
            id="a column that is no level",
        ),
    ],
)
def test_a_frame_that_cannot_be_read_is_refused(columns: dict[str, Any]) -> None:
    valid = pd.date_range("2024-01-02", periods=3, freq="1h", tz="UTC")
    rows = pd.DataFrame({"issue_time": "2024-01-01 09:00", "valid_time": valid, "q0.5": 50.0} | columns)
    with or_refused():
        ef.Forecast.from_frame(rows)


def test_a_doubled_column_of_a_frame_is_refused() -> None:
    rows = [["2024-01-01 09:00", time, 1.0, 2.0] for time in HOURS[:3]]
    with pytest.raises(EnergyForecastError):
        ef.Forecast.from_frame(pd.DataFrame(rows, columns=["issue_time", "valid_time", "q0.5", "q0.5"]))


# -- arguments of a wrong type ---------------------------------------------------------------------


def _grid_with_a_gap() -> Any:
    latitude, longitude = np.meshgrid(np.arange(40.0, 50.0), np.arange(0.0, 20.0), indexing="ij")
    latitude[0, 0] = np.nan
    return Grid(latitude, longitude).cells([ef.Site(name="x", latitude=45.2, longitude=5.4)])


def _wind_forecast() -> ef.Forecast:
    return example_forecast().with_kind("wind")


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(
            lambda: ef.WindFarm(name="x", latitude=48, longitude=5, capacity="8.2"),
            id="a capacity as text",
        ),
        pytest.param(
            lambda: planning.schedule(_wind_forecast(), shortage=np.ones(24), surplus=1.0),
            id="an array of prices",
        ),
        pytest.param(
            lambda: planning.schedule(
                _wind_forecast(), shortage=pd.DataFrame({"p": np.ones(24)}), surplus=1.0
            ),
            id="a frame of prices",
        ),
        pytest.param(
            _grid_with_a_gap,
            id="a grid with a gap",
        ),
        pytest.param(
            lambda: example_observations()[2014],
            id="a number for a period",
        ),
        pytest.param(
            lambda: example_observations()[0:10],
            id="a slice of numbers",
        ),
        pytest.param(
            lambda: repr(planning.System.from_dict({"areas": [1]})),
            id="a number for an area",
        ),
    ],
)
def test_an_argument_of_a_wrong_type_is_refused(call: Callable[[], Any]) -> None:
    with or_refused():
        call()
