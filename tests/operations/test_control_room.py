"""The simulated control room holds nothing later than its clock, its faults are faults, and its checks find them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast import configuration
from energyforecast.core.timestamps import instant
from energyforecast.errors import SourceError
from energyforecast.operations.last_resort import reference_forecast
from energyforecast.weather.sources.common.base import RunSource
from tests.support.control_room import ControlRoom, portfolio
from tests.support.morning_faults import METER_FAULTS, WEATHER_FAULTS
from tests.support.published_checks import check_forecast, check_only_grew

START = "2024-03-01"  # the clock of Kazakhstan was set back in the night before


def _source(settings: configuration.Configuration) -> RunSource:
    source = settings.source()
    assert isinstance(source, RunSource)
    return source


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ControlRoom]:
    """A room with ten days of history."""
    with ControlRoom(tmp_path, portfolio(start=START, days=3, history=10), start=START) as opened:
        opened.export()
        yield opened


def test_the_meter_file_is_the_truth_up_to_what_is_published(room: ControlRoom) -> None:
    power = configuration.read(room.config).observations()
    assert power.index[-1] + pd.Timedelta("3h") == room.now
    truth = room.held.measured.loc[power.index, list(power.sites)]
    assert np.allclose(power.values, truth, equal_nan=True)


def test_the_server_has_the_runs_that_had_arrived(room: ControlRoom) -> None:
    settings = configuration.read(room.config)
    source = _source(settings)
    runs = room.held.weather["available_time"].to_series()
    last = runs[runs <= room.now.tz_localize(None)].index[-1]
    later = runs[runs > room.now.tz_localize(None)].index[0]
    got = source.get_run(settings.sites, instant(last))
    theirs = room.held.weather["ghi"].sel(init_time=last, site=[site.name for site in settings.sites])
    assert np.allclose(got["ghi"].isel(init_time=0)[:, 1:-1], theirs[:, 1:-1], atol=1e-2, equal_nan=True)
    with pytest.raises(SourceError, match="not available"):
        source.get_run(settings.sites, instant(later))


@pytest.mark.parametrize("name", METER_FAULTS)
def test_each_fault_of_the_meter_file_changes_it(room: ControlRoom, name: str) -> None:
    lines = room.exported().splitlines(keepends=True)
    assert METER_FAULTS[name](lines, random.Random(1)) != "".join(lines)


@pytest.mark.parametrize("name", WEATHER_FAULTS)
def test_each_fault_of_the_server_loses_values_or_the_run(room: ControlRoom, name: str) -> None:
    settings = configuration.read(room.config)
    run = instant("2024-02-28 12:00")
    whole = _source(settings).get_run(settings.sites, run)
    room.server.always(WEATHER_FAULTS[name])
    try:
        got = _source(settings).get_run(settings.sites, run)
    except ef.errors.EnergyForecastError:
        return
    counts = [sum(int(values.notnull().sum()) for values in one.values()) for one in (got, whole)]
    assert counts[0] < counts[1], f"{name} is no fault"


@pytest.fixture
def forecast(room: ControlRoom) -> ef.Forecast:
    """A forecast on level 3."""
    settings = configuration.read(room.config)
    return reference_forecast(settings.sites, settings.task, settings.observations(), issue_time=room.now)


def test_a_forecast_that_is_as_it_must_be_passes(room: ControlRoom, forecast: ef.Forecast) -> None:
    check_forecast(forecast, room)


def test_the_checks_find_what_must_not_be(room: ControlRoom, forecast: ef.Forecast) -> None:
    data = forecast.data
    fewer = ef.Forecast(data.isel(site=[0, 1]))
    with pytest.raises(AssertionError):
        check_forecast(fewer, room)
    silent = data.copy()
    silent.attrs["caveats"] = ""
    with pytest.raises(AssertionError, match="without a caveat"):
        check_forecast(ef.Forecast(silent), room)
    levels, runs = data["fallback_level"], data["weather_init_time"]
    arrived = room.held.weather["available_time"].to_series()
    later = arrived[arrived > room.now.tz_localize(None)].index[0]
    future = data.assign_coords(
        fallback_level=levels * 0,
        weather_init_time=runs.copy(data=np.full(runs.shape, later.to_datetime64())),
    )
    with pytest.raises(AssertionError, match="had not arrived"):
        check_forecast(ef.Forecast(future), room)


def test_a_lost_and_a_changed_row_are_found() -> None:
    before: dict[str, set[tuple[object, ...]]] = {"forecast": {(1, "a"), (2, "b")}}
    check_only_grew(before, {"forecast": {(1, "a"), (2, "b"), (3, "c")}})
    for after in ({"forecast": {(1, "a")}}, {"forecast": {(1, "a"), (2, "x")}}, {}):
        with pytest.raises(AssertionError, match="lost or changed"):
            check_only_grew(before, after)  # type: ignore[arg-type]
