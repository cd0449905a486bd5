"""Features, recipe and references of an area's demand, on made-up weather and on Victoria's real demand."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast import configuration, physics
from energyforecast.core import calendars
from energyforecast.core.decrees import Decree
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea
from energyforecast.core.tasks import Task, day_ahead, intraday
from energyforecast.errors import EnergyForecastError, SchemaError
from energyforecast.evaluation import mae
from energyforecast.features import (
    ApparentTemperature,
    Daylight,
    DaysOff,
    DayType,
    Feature,
    FeatureSet,
    HalfDays,
    HourOfWeek,
    Lag,
    LagMean,
    LocalHour,
    RecentLevel,
    SchoolHolidays,
    Temperature,
    recipe,
)
from energyforecast.forecasting import storage
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import LightGBMQuantiles, SeasonalNaive, SelectedModel
from energyforecast.point_in_time import gathering
from energyforecast.testing import check_no_leakage

ALMATY = DemandArea(name="Almaty", latitude=43.24, longitude=76.9, timezone="Asia/Almaty", country="KZ")
DATA = Path(os.environ.get("ENERGYFORECAST_DATA", "")) / "vic_elec" / "vic_elec.parquet"


def _runs(
    start: str, *, runs: int = 8, leads: int = 60, names: tuple[str, ...] = ("temp_air",)
) -> xr.Dataset:
    """A run a day, had after six hours; values wander with the run and the lead."""
    init = np.datetime64(start, "ns") + np.arange(runs) * np.timedelta64(24, "h")
    rng = np.random.default_rng(3)
    values = {
        "temp_air": 10 + rng.normal(0, 3, (runs, leads)),
        "relative_humidity": np.full((runs, leads), 60.0),
        "wind_speed_10m": np.full((runs, leads), 4.0),
    }
    return xr.Dataset(
        {name: (("site", "init_time", "lead_time"), values[name][None].astype("float32")) for name in names},
        coords={
            "site": ["Almaty"],
            "init_time": init,
            "lead_time": np.arange(leads).astype("timedelta64[h]"),
            "available_time": ("init_time", init + np.timedelta64(6, "h")),
        },
    )


def _demand(start: str, days: int, *, delay: str = "2h") -> Observations:
    index = pd.date_range(start, periods=24 * days, freq="1h", tz="UTC")
    return Observations(
        pd.DataFrame({"Almaty": 1000 + np.arange(24.0 * days)}, index=index), published_after=delay
    )


def _look(
    some: Feature | FeatureSet,
    windows: Windows,
    *,
    weather: xr.Dataset | None = None,
    demand: Observations | None = None,
    site: DemandArea = ALMATY,
) -> dict[str, np.ndarray]:
    given = FeatureSet((some,)) if isinstance(some, Feature) else some
    weather = _runs("2025-01-01") if weather is None else weather
    kept, needs = given.resolve(weather)
    return kept.compute(
        gathering.take_snapshot(
            weather,
            demand,
            sites=[site],
            windows=windows,
            names=needs.names,
            required=needs.names,
            margin=needs.margin,
            history=needs.history,
        )
    )


def _day(*days: str, task: Task | None = None) -> Windows:
    task = day_ahead("14:00", timezone="Asia/Almaty") if task is None else task
    issued = [task.issue_times(day, day) for day in days]
    return task.windows(issued[0].append(issued[1:]) if len(issued) > 1 else issued[0])


# --- Temperature ----------------------------------------------------------------------------------


def test_inertia_sees_one_run_from_its_beginning_on_and_nothing_after_the_interval() -> None:
    weather = _runs("2025-01-01")
    got = _look(Temperature(), _day("2025-01-06"), weather=weather)
    # Issued at 9:00 UTC on the 5th from the run of 0:00 UTC; the window begins 19 h into that run.
    run = weather["temp_air"].values[0, 4].astype(float)
    for step in (0, 5, 23):
        weight = np.exp(-np.arange(19 + step, -1, -1) / 24.0)
        expected = np.average(run[: 20 + step], weights=weight)
        assert got["temp_air[24h]"][0, step] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(got["temp_air[mean]"][0], (run[19:43] + run[20:44]) / 2, rtol=1e-5)


def test_what_comes_after_an_interval_does_not_change_its_inertia() -> None:
    weather = _runs("2025-01-01")
    later = weather.copy(deep=True)
    later["temp_air"][:, 4, 30:] = 40.0
    early, late = (_look(Temperature(), _day("2025-01-06"), weather=one) for one in (weather, later))
    for name in ("temp_air[8h]", "temp_air[72h]", "temp_air[heating]"):
        np.testing.assert_array_equal(early[name][0, :11], late[name][0, :11])
        assert (early[name][0, 11:] != late[name][0, 11:]).any()


def test_the_reach_bounds_what_the_means_see() -> None:
    weather = _runs("2025-01-01")
    near = _look(Temperature(reach=4), _day("2025-01-06"), weather=weather)
    run = weather["temp_air"].values[0, 4].astype(float)
    expected = np.average(run[15:20], weights=np.exp(-np.arange(4, -1, -1) / 72.0))
    assert near["temp_air[72h]"][0, 0] == pytest.approx(expected, rel=1e-5)


def test_heating_and_cooling_follow_the_felt_temperature() -> None:
    got = _look(Temperature(heating=12.0, cooling=9.0), _day("2025-01-06"))
    felt = got["temp_air[8h]"]
    np.testing.assert_allclose(got["temp_air[heating]"], np.maximum(12 - felt, 0), atol=1e-5)
    np.testing.assert_allclose(got["temp_air[cooling]"], np.maximum(felt - 9, 0), atol=1e-5)


def test_apparent_temperature_where_there_is_humidity_and_wind() -> None:
    all_three = ("temp_air", "relative_humidity", "wind_speed_10m")
    weather = _runs("2025-01-01", names=all_three)
    got = _look(FeatureSet((Temperature(), ApparentTemperature())), _day("2025-01-06"), weather=weather)
    expected = physics.apparent_temperature(got["temp_air[mean]"], 60.0, 4.0)
    np.testing.assert_allclose(got["temp_air[apparent]"], expected, rtol=1e-5)
    without = FeatureSet((Temperature(), ApparentTemperature())).resolve(_runs("2025-01-01"))[0]
    assert without.names == ["Temperature"]


# --- Days -----------------------------------------------------------------------------------------


def test_days_are_those_of_the_local_clock() -> None:
    got = _look(DayType(), _day("2025-01-03", "2025-01-05", "2025-01-06"))
    assert (got["weekday"] == np.array([[4], [6], [0]])).all()
    assert (got["holiday"] == np.array([[1], [0], [0]])).all()
    assert (got["working_weekend"] == np.array([[0], [1], [0]])).all()


def test_a_utc_window_across_local_midnight_changes_its_day_there() -> None:
    windows = intraday(every="1h", leads="6h").windows(pd.DatetimeIndex(["2025-01-02 16:00"], tz="UTC"))
    got = _look(FeatureSet((DayType(), HourOfWeek())), windows)
    assert got["weekday"][0].tolist() == [3, 3, 3, 4, 4, 4]  # 19:00 UTC is midnight in Almaty
    assert got["hour_of_week"][0].tolist() == [93, 94, 95, 96, 97, 98]


def test_the_day_on_which_almaty_changed_its_clock_keeps_25_hours() -> None:
    got = _look(
        FeatureSet((DayType(), HourOfWeek())),
        _day("2024-02-29", "2024-03-01"),
        weather=_runs("2024-02-26"),
    )
    assert (got["weekday"][0] == 3).all()  # 25 hours of Thursday
    assert got["hour_of_week"][0, -2:].tolist() == [95, 95]  # 23:00 twice
    assert (got["weekday"][1, :24] == 4).all()


def test_ramadan_counts_from_sunset() -> None:
    got = _look(DayType(), _day("2025-03-10", "2025-04-10"), weather=_runs("2025-03-05", runs=40))
    since = got["ramadan_after_sunset"]
    # The sun sets in Almaty at about 18:00 (UTC+5) in the middle of March.
    assert abs(since[0, 18]) < 1
    assert since[0, 20] == pytest.approx(since[0, 18] + 2, abs=0.01)
    assert np.isnan(since[1]).all()


def test_an_area_without_country_knows_its_weekdays() -> None:
    site = DemandArea(name="Almaty", latitude=43.24, longitude=76.9, timezone="Asia/Almaty")
    got = _look(DayType(), _day("2025-01-03"), site=site)
    assert (got["weekday"] == 4).all()
    assert np.isnan(got["holiday"]).all()
    assert list(got) == list(_look(DayType(), _day("2025-01-03")))


def test_daylight_of_a_winter_day() -> None:
    got = _look(Daylight(), _day("2025-01-06"))
    assert got["day_length"][0, 12] == pytest.approx(9.1, abs=0.1)
    assert got["daylight"][0].sum() == pytest.approx(9.1, abs=0.1)
    assert got["daylight"][0, 12] == 1
    assert got["daylight"][0, 0] == 0


def test_calendar_columns_without_a_country_and_beyond_known_years_are_missing() -> None:
    every = FeatureSet((DayType(), DaysOff(), HalfDays(), SchoolHolidays()))
    nowhere = DemandArea(name="Almaty", latitude=43.24, longitude=76.9, timezone="Asia/Almaty")
    got = _look(every, _day("2025-01-03"), site=nowhere)
    names = ("holiday", "days_off_before", "days_off_after", "half_day", "school_holidays")
    assert all(np.isnan(got[name]).all() for name in names)
    ceylon = DemandArea(
        name="Almaty", latitude=6.9, longitude=79.9, timezone="Asia/Almaty", country="LK"
    )  # The package knows Sri Lanka up to 2026.
    late = _look(every, _day("2027-01-14"), site=ceylon, weather=_runs("2027-01-10"))
    assert all(np.isnan(late[name]).all() for name in names)
    assert (late["weekday"] == 3).all()


def test_runs_and_decrees_on_the_local_clock() -> None:
    with_decrees, without = (
        _look(FeatureSet((DayType(decrees=known), DaysOff(decrees=known))), _day("2025-01-03", "2025-01-05"))
        for known in (True, False)
    )
    # 1 and 2 January are holidays; Friday, the 3rd, was off for Sunday, the 5th.
    assert (with_decrees["holiday"] == [[1], [0]]).all()
    assert (without["holiday"] == 0).all()
    assert (with_decrees["days_off_before"] == [[2], [4]]).all()
    assert (without["days_off_before"] == [[2], [1]]).all()
    assert (without["bridge_day"] == [[1], [0]]).all()
    assert (with_decrees["working_weekend"] == [[0], [1]]).all()


TRANSFER = Decree(published="2025-01-08 12:00", day_off="2025-01-10", working_day="2025-01-12")


def test_a_decree_of_the_site_counts_from_its_publication_on() -> None:
    area = dataclasses.replace(ALMATY, decrees=[TRANSFER])
    windows = intraday(every="1h", leads="72h").windows(
        pd.DatetimeIndex(["2025-01-08 06:59", "2025-01-08 07:00"], tz="UTC")  # 12:00 in Almaty is 7:00 UTC
    )
    weather = _runs("2025-01-01", leads=120, runs=12)
    got = _look(FeatureSet((DayType(), DaysOff())), windows, weather=weather, site=area)
    friday = windows.valid_time == np.datetime64("2025-01-10T06", "ns")
    assert got["holiday"][friday].tolist() == [0, 1]
    thursday = windows.valid_time == np.datetime64("2025-01-09T06", "ns")
    assert got["before_holiday"][thursday].tolist() == [0, 1]
    assert got["days_off_after"][thursday].tolist() == [0, 2]  # Sunday is worked
    later = _look(DayType(decrees=False), _day("2025-01-12", "2025-01-10"), site=area)
    assert (later["working_weekend"] == [[1], [0]]).all()
    assert (later["holiday"] == [[0], [1]]).all()


def test_a_decree_of_a_date_is_known_from_its_end_on_and_of_no_issue_is_no_error() -> None:
    area = dataclasses.replace(ALMATY, decrees=[dataclasses.replace(TRANSFER, published="2025-01-08")])
    windows = _day("2025-01-10")  # issued on the 9th, at 14:00
    assert (_look(DayType(), windows, site=area)["holiday"] == 1).all()
    same_day = dataclasses.replace(TRANSFER, published="2025-01-09")
    late = _look(DayType(), windows, site=dataclasses.replace(ALMATY, decrees=[same_day]))
    assert (late["holiday"] == 0).all()


def test_decrees_are_stored_and_configured(tmp_path: Path) -> None:
    demand = _demand("2025-01-01", 60)
    area = dataclasses.replace(ALMATY, decrees=(TRANSFER,))
    model = LightGBMQuantiles(n_estimators=3, folds=0, fitted_quantiles=(0.1, 0.9))
    task = day_ahead("14:00", timezone="Asia/Almaty")
    forecaster = Forecaster(area, task, features=[DayType(), LocalHour()], model=model)
    forecaster.fit(None, demand[:"2025-02-20"])
    assert storage.load(forecaster.save(tmp_path / "area.forecaster")).sites == (area,)
    file = tmp_path / "city.toml"
    file.write_text(
        '[sites.Almaty]\nkind = "demand"\nlatitude = 43.24\nlongitude = 76.9\n'
        'timezone = "Asia/Almaty"\ncountry = "KZ"\n'
        'decrees = [{ published = "2025-01-08 12:00", day_off = "2025-01-10", working_day = "2025-01-12" }]\n'
        '[observations]\nfile = "demand.csv"\nunit = "MW"\ntimezone = "UTC"\nlabel = "beginning"\n'
        'published_after = "1h"\n'
        '[task]\nkind = "day_ahead"\nissue = "14:00"\ntimezone = "Asia/Almaty"\n'
    )
    assert configuration.read(file).sites == (area,)
    file.write_text(file.read_text().replace("day_off", "dayoff"))
    with pytest.raises(EnergyForecastError, match="day_off"):
        configuration.read(file)


@pytest.mark.parametrize(
    "wrong",
    [
        {"published": "2025-01-08"},
        {"published": "soon", "day_off": "2025-01-10"},
        {"published": "2025-01-08", "day_off": "10.01.2025"},
        {"published": "2025-01-08", "working_day": "2025-13-40"},
        {"published": 5, "day_off": "2025-01-10"},
        {"day_off": "2025-01-10"},
        {"published": "2025-01-08", "day_of": "2025-01-10"},
        "2025-01-10",
        None,
        7,
    ],
)
def test_senseless_decrees_are_refused(wrong: Any) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        dataclasses.replace(ALMATY, decrees=[wrong])
    assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(SchemaError, match="no country"):
        dataclasses.replace(ALMATY, country=None, decrees=[TRANSFER])


@pytest.mark.parametrize("kind", [DayType, DaysOff])
@pytest.mark.parametrize("wrong", ["no", None, 0])
def test_decrees_that_are_neither_true_nor_false_are_refused(kind: Any, wrong: Any) -> None:
    with pytest.raises(SchemaError, match="decrees"):
        kind(decrees=wrong)


@pytest.mark.parametrize("minutes", [1, 10, 15, 60, 180])
def test_calendar_features_at_every_step(minutes: int) -> None:
    windows = day_ahead("14:00", timezone="Asia/Almaty", frequency=f"{minutes}min").windows(
        ["2025-01-02 14:00"]
    )
    got = _look(FeatureSet((DayType(), DaysOff(), HalfDays())), windows)
    assert (got["holiday"][windows.inside[0][None]] == 1).all()
    assert (got["days_off_before"] == 2).all()


def test_calendar_features_are_stored_with_their_settings(tmp_path: Path) -> None:
    demand = _demand("2025-01-01", 60)
    more = FeatureSet(
        (LocalHour(), DayType(decrees=False), DaysOff(decrees=False), HalfDays(), SchoolHolidays())
    )
    model = LightGBMQuantiles(n_estimators=3, folds=0, fitted_quantiles=(0.1, 0.9))
    task = day_ahead("14:00", timezone="Asia/Almaty")
    forecaster = Forecaster(ALMATY, task, features=more, model=model).fit(None, demand[:"2025-02-20"])
    again = storage.load(forecaster.save(tmp_path / "area.forecaster"))
    assert again.features_of["Almaty"] == more
    before, after = (one.predict(None, demand, issue_time="2025-02-22 14:00") for one in (forecaster, again))
    np.testing.assert_array_equal(before.data.values, after.data.values)


# --- History --------------------------------------------------------------------------------------


def test_a_mean_of_lags_skips_what_is_missing_and_falls_back_by_whole_steps() -> None:
    demand = _demand("2024-12-01", 60)
    windows = _day("2025-01-20")
    got = _look(LagMean("24h", 3), windows, weather=_runs("2025-01-15"), demand=demand)["mean_3x24h"][0]
    now = (windows.valid_time[0] - np.datetime64("2024-12-01", "ns")) / np.timedelta64(1, "h") + 1000
    # At 14:00 local the day of issue is known up to 12:00: later hours fall back to the day before.
    np.testing.assert_allclose(got[:12], (now - 48)[:12])
    np.testing.assert_allclose(got[12:], (now - 56)[12:])


@pytest.mark.parametrize("delay", ["2h", "30h", "8D"])
def test_same_hour_last_week_gives_way_to_older_weeks_while_not_published(delay: str) -> None:
    demand = _demand("2024-12-01", 60, delay=delay)
    windows = _day("2025-01-20")
    got = _look(Lag("168h", step="168h"), windows, weather=_runs("2025-01-15"), demand=demand)
    weeks = 2 if delay == "8D" else 1
    now = (windows.valid_time[0] - np.datetime64("2024-12-01", "ns")) / np.timedelta64(1, "h") + 1000
    np.testing.assert_allclose(got["lag_168h"][0], now - 168 * weeks)


def _weeks(change: dict[str, float]) -> Observations:
    """Hourly demand of 100 MW, of 90 MW on Sundays, with 2 MW more each hour of the day; changed from days on."""
    index = pd.date_range("2024-11-01", periods=24 * 100, freq="1h", tz="Asia/Almaty").tz_convert("UTC")
    local = index.tz_convert("Asia/Almaty")
    demand = 100.0 + 2.0 * np.asarray(local.hour) - 10.0 * np.asarray(local.day_of_week == 6)
    for day, step in change.items():
        demand = demand + step * np.asarray(local >= pd.Timestamp(day, tz="Asia/Almaty"))
    return Observations(pd.DataFrame({"Almaty": demand}, index=index), published_after="1h")


@pytest.mark.parametrize(("day", "base"), [("2025-01-20", 100.0), ("2025-01-19", 90.0)])
def test_the_level_knows_the_hour_and_the_weekday(day: str, base: float) -> None:
    got = _look(RecentLevel(), _day(day), demand=_weeks({}))
    np.testing.assert_allclose(got["level"][0], base + 2.0 * np.arange(24))
    np.testing.assert_allclose(got["level[weeks]"][0], 0.0, atol=1e-9)
    np.testing.assert_allclose(got["level[shift]"][0], 0.0, atol=1e-9)


def test_the_level_follows_a_break_within_a_week_and_last_weeks_do_not() -> None:
    got = _look(RecentLevel(), _day("2025-01-23"), demand=_weeks({"2025-01-12": 20.0}))  # a Thursday
    np.testing.assert_allclose(got["level"][0], 120.0 + 2.0 * np.arange(24), atol=2.5)
    # Three of the four Thursdays lie before the break.
    assert got["level[weeks]"][0].mean() == pytest.approx(-15.0, abs=2.5)


def _works() -> Observations:
    """Hourly demand of 100 MW on working days and of 60 MW on all others, in the winter and spring of 2025."""
    index = pd.date_range("2024-11-01", "2025-05-01", freq="1h", tz="Asia/Almaty", inclusive="left")
    days = index.tz_localize(None).to_numpy().astype("datetime64[D]")
    demand = np.where(calendars.look_up(days, country="KZ").working, 100.0, 60.0)
    return Observations(pd.DataFrame({"Almaty": demand}, index=index.tz_convert("UTC")), published_after="1h")


def test_holidays_and_working_weekends_are_not_the_level_of_the_weeks_after() -> None:
    # Nauryz is from Friday 21 to Tuesday 25 March; Sunday 5 January was worked.
    for first, last in (("2025-03-22", "2025-04-26"), ("2025-01-06", "2025-02-10")):
        days = [f"{day:%Y-%m-%d}" for day in pd.date_range(first, last)]
        got = _look(RecentLevel(holidays=False), _day(*days), demand=_works(), weather=_runs(first, runs=2))
        weekend = np.array([pd.Timestamp(day).day_of_week >= 5 for day in days])
        np.testing.assert_allclose(got["level"], np.where(weekend, 60.0, 100.0)[:, None] * np.ones(24))
        for column in ("level[weeks]", "level[shift]"):
            np.testing.assert_allclose(got[column], 0.0, atol=1e-9)
    for feature, site in (
        (RecentLevel(), ALMATY),
        (RecentLevel(holidays=False), dataclasses.replace(ALMATY, country=None)),
    ):
        got = _look(feature, _day("2025-03-27"), demand=_works(), weather=_runs("2025-03-20"), site=site)
        assert got["level"].mean() < 90.0


WEEK = day_ahead("14:00", timezone="Asia/Almaty", days=7)


def test_a_week_ahead_the_level_knows_the_hour_and_the_weekday() -> None:
    windows = _day("2025-01-20", task=WEEK)
    got = _look(RecentLevel(), windows, demand=_weeks({}))
    sunday = np.repeat(np.arange(7) == 6, 24)
    np.testing.assert_allclose(got["level"][0], 100.0 - 10.0 * sunday + 2.0 * np.tile(np.arange(24), 7))
    # The last hours of the window lie more than a week after the newest value of their hour.
    assert (windows.valid_time[0, -1] - windows.issue_time[0]) / np.timedelta64(1, "h") > 168
    for column in ("level[weeks]", "level[shift]"):
        np.testing.assert_allclose(got[column][0], 0.0, atol=1e-9)


def test_a_week_ahead_the_level_is_that_of_the_newest_published_days() -> None:
    # Two weeks of another level are known at the issue, so that each day of the window has it.
    got = _look(RecentLevel(weeks=1), _day("2025-01-30", task=WEEK), demand=_weeks({"2025-01-08": 20.0}))
    sunday = np.repeat(np.arange(7) == 3, 24)
    np.testing.assert_allclose(got["level"][0], 120.0 - 10.0 * sunday + 2.0 * np.tile(np.arange(24), 7))


def test_the_shift_tells_of_a_repair_that_has_begun_but_not_of_an_hour() -> None:
    # Issued at 14:00 on Tuesday 21st: of the repair since Tuesday 0:00, hours up to 12:00 are known.
    repair = _look(RecentLevel(), _day("2025-01-22"), demand=_weeks({"2025-01-20 13:00": -30.0}))
    assert repair["level[shift]"][0, 0] == pytest.approx(-30 * 6 / 7, abs=0.5)
    trip = _look(
        RecentLevel(),
        _day("2025-01-22"),
        demand=_weeks({"2025-01-21 03:00": -30.0, "2025-01-21 06:00": 30.0}),
    )
    assert abs(trip["level[shift]"][0, 0]) < 0.5
    assert trip["level[yesterday]"][0, 3] < -20


def test_a_level_without_a_past_is_missing() -> None:
    got = _look(RecentLevel(), _day("2024-11-01"), weather=_runs("2024-10-28"), demand=_weeks({}))
    assert all(np.isnan(values).all() for values in got.values())


def test_people_are_forecast_as_they_are_and_by_departures_from_three_levels() -> None:
    area = DemandArea(name="Almaty", latitude=43.24, longitude=76.9)
    model = Forecaster(area, day_ahead("14:00", timezone="Asia/Almaty")).model
    assert isinstance(model, SelectedModel)
    assert model.candidates is not None
    others = {name for name, pattern in model.required if pattern.startswith("!")}  # without a temperature
    others |= set(model.early)
    usual = [model.candidates[name].get_params() for name in model.usual if name not in others]
    assert [one["relative_to"] for one in usual] == [None, "level", "mean_7x24h", "day_mean"]
    assert [one.get("linear_base") for one in usual] == [
        False,
        True,
        False,
        None,
    ]  # the last is a kernel model


def test_industry_is_forecast_as_a_departure_from_its_level() -> None:
    area = DemandArea(name="works", latitude=43.24, longitude=76.9, sector="industry")
    model = Forecaster(area, day_ahead("14:00", timezone="Asia/Almaty")).model
    assert isinstance(model, SelectedModel)
    assert model.candidates is not None
    assert next(iter(model.candidates.values())).get_params()["relative_to"] == "level"


# --- Recipe, reference, storage -------------------------------------------------------------------


@pytest.mark.parametrize("sector", ["total", "industry", "households"])
def test_each_sector_has_a_recipe_that_its_weather_can_serve(sector: str) -> None:
    area = DemandArea(
        name="Almaty", latitude=43.24, longitude=76.9, timezone="Asia/Almaty", country="KZ", sector=sector
    )
    windows = _day("2025-01-20")
    got = _look(recipe(area), windows, weather=_runs("2025-01-15"), demand=_demand("2024-12-01", 60))
    assert ("hour_of_week" in got) == (sector == "industry")
    assert ("temp_air[72h]" in got) == (sector != "industry")
    assert ("mean_4x168h" in got) == (sector != "industry")
    assert {"holiday", "weekday", "level", "level[newest]"} <= set(got)


@pytest.mark.parametrize("minutes", [15, 30])
def test_the_recipe_of_an_area_has_a_value_for_each_step_of_the_hour(minutes: int) -> None:
    task = day_ahead("14:00", timezone="Asia/Almaty", frequency=f"{minutes}min")
    index = pd.date_range("2024-11-20", "2025-01-25", freq=f"{minutes}min", tz="Asia/Almaty")
    local = index.hour + index.minute / 60
    demand = Observations(
        pd.DataFrame({"Almaty": 100 + 2 * np.asarray(local)}, index=index.tz_convert("UTC")),
        published_after="1h",
    )
    windows = _day("2025-01-20", task=task)
    got = _look(recipe(ALMATY, weather=None), windows, demand=demand)
    hours = np.arange(0, 24, minutes / 60)
    np.testing.assert_allclose(got["hour"][0], hours)
    for column in ("level", "lag_24h", "mean_4x168h"):  # the same step of previous days
        np.testing.assert_allclose(got[column][0], 100 + 2 * hours, err_msg=column)
    lit = got["daylight"][0].sum() * minutes / 60
    assert lit == pytest.approx(got["day_length"][0].mean(), abs=0.05)


def test_same_hour_last_week_of_an_area_without_capacity_is_in_megawatts() -> None:
    demand = _demand("2025-01-01", 60)
    forecaster = Forecaster(
        ALMATY, day_ahead("14:00", timezone="Asia/Almaty", quantiles=(0.1, 0.5, 0.9)), model=SeasonalNaive()
    )
    weather = _runs("2025-01-01", runs=60)
    forecaster.fit(weather, demand[:"2025-02-20"])
    forecast = forecaster.predict(weather, demand, issue_time="2025-02-22 14:00")
    truth = demand.values["Almaty"].reindex(
        pd.DatetimeIndex(forecast.data["valid_time"].values.ravel(), tz="UTC")
    )
    # Demand grows by 1 MW an hour, so last week was 168 MW lower, and the model has learnt that.
    np.testing.assert_allclose(forecast.at(0.5).values.ravel(), truth, atol=1e-6)


@pytest.mark.parametrize(("part", "holiday"), [("BY", 1), ("SN", 0), (None, 0)])
def test_the_recipe_knows_the_holidays_of_a_part_of_the_country(part: str | None, holiday: int) -> None:
    area = DemandArea(name="Almaty", latitude=48.1, longitude=11.6, country="DE", subdivision=part)
    windows = _day("2024-05-30")  # Corpus Christi, a day off in Bavaria and not in Saxony
    weather = _runs("2024-05-25")
    got = _look(recipe(area), windows, weather=weather, demand=_demand("2024-04-15", 50), site=area)
    assert (got["holiday"][:, 10] == holiday).all()


def test_country_and_subdivision_are_stored_and_configured(tmp_path: Path) -> None:
    demand, weather = _demand("2025-01-01", 60), _runs("2025-01-01", runs=60)
    area = DemandArea(
        name="Almaty", latitude=43.24, longitude=76.9, timezone="Asia/Almaty", country="AU", subdivision="VIC"
    )
    model = LightGBMQuantiles(n_estimators=3, folds=0, fitted_quantiles=(0.1, 0.9))
    forecaster = Forecaster(area, day_ahead("14:00", timezone="Asia/Almaty"), model=model)
    forecaster.fit(weather, demand[:"2025-02-20"])
    again = storage.load(forecaster.save(tmp_path / "area.forecaster"))
    assert again.sites == (area,)
    before, after = (
        one.predict(weather, demand, issue_time="2025-02-22 14:00") for one in (forecaster, again)
    )
    np.testing.assert_array_equal(before.data.values, after.data.values)


@pytest.mark.parametrize("sector", ["total", "industry"])
def test_no_recipe_sees_what_was_not_known(sector: str) -> None:
    area = DemandArea(
        name="Almaty", latitude=43.24, longitude=76.9, timezone="Asia/Almaty", country="KZ", sector=sector
    )
    model = LightGBMQuantiles(n_estimators=3, folds=0, fitted_quantiles=(0.1, 0.9))
    check_no_leakage(
        Forecaster(area, day_ahead("14:00", timezone="Asia/Almaty"), model=model),
        _runs("2025-01-01", runs=60),
        _demand("2025-01-01", 60),
        issue_time="2025-02-12 14:00",
    )


@pytest.mark.parametrize(
    "place", [{"country": "Kazakhstan"}, {"subdivision": "VIC"}, {"country": "AU", "subdivision": "75"}]
)
def test_an_impossible_place_is_refused_at_birth(place: dict[str, str]) -> None:
    with pytest.raises(SchemaError) as caught:
        DemandArea(name="area", latitude=0, longitude=0, **place)
    assert len(str(caught.value).splitlines()) == 3


# --- Real demand ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_file(), reason="needs vic_elec in the folder that ENERGYFORECAST_DATA names")
def test_the_recipe_halves_the_error_of_same_hour_last_week_in_victoria() -> None:
    table = pd.read_parquet(DATA)
    index = pd.DatetimeIndex(pd.to_datetime(table["Time"], utc=True)).as_unit("ns")
    demand = Observations(
        pd.DataFrame({"Victoria": table["Demand"].to_numpy()}, index=index), published_after="1h"
    )
    stamps = index.tz_localize(None).to_numpy()
    weather = xr.Dataset(
        {
            "temp_air": (
                ("site", "time"),
                table["Temperature"].to_numpy("float32")[None],
                {
                    "units": "degree_Celsius",
                    "standard_name": "air_temperature",
                    "cell_methods": "time: point",
                },
            )
        },
        coords={"site": ["Victoria"], "time": stamps, "available_time": ("time", stamps)},
        attrs={"kind": "analysis", "source": "Melbourne, measured"},
    )
    area = DemandArea(
        name="Victoria",
        latitude=-37.8,
        longitude=145.0,
        timezone="Australia/Melbourne",
        country="AU",
        subdivision="VIC",
    )
    task = day_ahead("09:00", timezone="Australia/Melbourne", frequency="30min", quantiles=(0.1, 0.5, 0.9))
    issued = task.issue_times("2014-01", "2014-03")
    error = {}
    for model in (SeasonalNaive(), None):
        forecaster = Forecaster(area, task, model=model, perfect_weather=True)
        forecaster.fit(weather, demand["2012":"2013"])
        forecast = forecaster.predict(weather, demand, issue_time=issued)
        score = mae(demand, forecast)
        error[type(forecaster.model).__name__] = float(score["value"].iloc[0])
        assert int(score["n"].iloc[0]) == 90 * 48
    assert error["SelectedModel"] < 0.5 * error["SeasonalNaive"], error
