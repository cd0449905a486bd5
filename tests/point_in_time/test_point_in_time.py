"""Point-in-time access, against oracles that look at one cell at a time and share no code with them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energyforecast.core import weather_schema
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.core.tasks import day_ahead, intraday
from energyforecast.core.variables import Flag
from energyforecast.errors import EnergyForecastError, MissingDataError, SchemaError
from energyforecast.point_in_time import gathering, weather_access
from energyforecast.point_in_time.history import Past, history_as_of
from energyforecast.point_in_time.snapshot import Snapshot
from tests.support.error_messages import three_lines

START = np.datetime64("2024-01-01T00", "ns")
HOUR = np.timedelta64(1, "h")
SITE = Site(name="a", latitude=48.45, longitude=5.59, capacity=10)
OTHER = Site(name="b", latitude=43.64, longitude=78.54, capacity=60)
FAST = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# --- Archives -------------------------------------------------------------------------------------


def _archive(
    values: np.ndarray,
    *,
    init: np.ndarray,
    lead: np.ndarray,
    arrived: np.ndarray,
    members: int = 0,
    name: str = "temp_air",
) -> xr.Dataset:
    """One site and one or two variables from an array (variable, run, lead[, member])."""
    dims = ("site", "init_time", "lead_time", *(("member",) if members else ()))
    data = {name: (dims, values[0][None])}
    if len(values) > 1:
        data["pressure"] = (dims, values[1][None])
    along = ("init_time", "lead_time")[: arrived.ndim]
    coords = {"site": ["a"], "init_time": init, "lead_time": lead, "available_time": (along, arrived)}
    return xr.Dataset(data, coords=coords)


def _random_archive(seed: int, *, per_lead: bool, irregular: bool, members: int) -> xr.Dataset:
    """Runs every six hours: some late, some never there, some with holes, some absent altogether."""
    rng = np.random.default_rng(seed)
    runs = 20
    init = START + np.arange(runs) * 6 * HOUR
    init = init[np.sort(rng.choice(runs, size=17, replace=False))]
    hours = np.r_[np.arange(24), np.arange(24, 73, 3)] if irregular else np.arange(60)
    lead = hours.astype("timedelta64[h]")
    arrived = init + rng.integers(0, 20, len(init)) * HOUR
    arrived[rng.random(len(init)) < 0.15] = np.datetime64("NaT", "ns")
    if per_lead:
        arrived = arrived[:, None] + (hours / 8 * rng.integers(0, 2)).astype("timedelta64[h]")[None, :]
        arrived[rng.random(arrived.shape) < 0.01] = np.datetime64("NaT", "ns")
    shape = (2, len(init), len(hours), *((members,) if members else ()))
    values = rng.normal(size=shape).astype("float32")
    values[rng.random(shape) < 0.004] = np.nan
    return _archive(values, init=init, lead=lead, arrived=arrived, members=members)


def _origins(seed: int, count: int, steps: int, width: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Issue times, valid times and what lies inside the windows, with margins and short last days."""
    rng = np.random.default_rng(seed + 1)
    issued = (
        START + rng.integers(-12, 150, count) * HOUR + rng.integers(0, 2, count) * np.timedelta64(30, "m")
    )
    begin = (issued + np.timedelta64(30, "m")).astype("datetime64[h]").astype("datetime64[ns]")
    begin += rng.integers(0, 9, count) * HOUR
    valid = begin[:, None] + np.arange(-2, steps + 2) * width * HOUR
    inside = np.zeros(valid.shape, dtype=bool)
    inside[:, 2:-2] = np.arange(steps) < steps - rng.integers(0, 3, count)[:, None]
    return issued, valid, inside


# --- The oracle of weather --------------------------------------------------------------------------


@dataclass
class Answer:
    values: dict[str, np.ndarray]
    init_time: np.datetime64
    skipped: bool


def _cells(weather: xr.Dataset) -> dict[tuple[int, np.datetime64], tuple[np.datetime64, dict[str, Any]]]:
    """Arrival and values by run and valid time."""
    arrived = np.asarray(weather["available_time"].values)
    found = {}
    for run, init in enumerate(weather["init_time"].values):
        for column, lead in enumerate(weather["lead_time"].values):
            values = {
                name: weather.variables[name].values[0, run, column] for name in ("temp_air", "pressure")
            }
            found[run, init + lead] = (arrived[run, column] if arrived.ndim == 2 else arrived[run], values)
    return found


def _by_loops(
    cells: dict[tuple[int, np.datetime64], tuple[np.datetime64, dict[str, Any]]],
    weather: xr.Dataset,
    issued: np.datetime64,
    valid: np.ndarray,
    inside: np.ndarray,
    required: list[str],
) -> Answer:
    skipped = False
    nothing = np.full(weather.sizes.get("member", 1), np.nan)
    missing = np.datetime64("NaT", "ns"), dict.fromkeys(("temp_air", "pressure"), nothing)
    for run in reversed(range(weather.sizes["init_time"])):
        if not (np.atleast_1d(weather["available_time"].values[run]) <= issued).any():
            continue
        found: dict[str, list[Any]] = {"temp_air": [], "pressure": []}
        for moment in valid:
            arrived, values = cells.get((run, moment), missing)
            for name, column in found.items():
                column.append(np.atleast_1d(values[name]) if arrived <= issued else nothing)
        answer = {name: np.array(column) for name, column in found.items()}
        if all(np.isfinite(answer[name][inside]).all() for name in required):
            return Answer(answer, weather["init_time"].values[run], skipped)
        skipped = True
    return Answer(
        {name: np.array([nothing] * len(valid)) for name in ("temp_air", "pressure")},
        np.datetime64("NaT", "ns"),
        skipped,
    )


@FAST
@given(
    seed=st.integers(0, 10**6),
    per_lead=st.booleans(),
    irregular=st.booleans(),
    members=st.sampled_from([0, 0, 3]),
    required=st.sampled_from([["temp_air"], ["temp_air", "pressure"]]),
)
def test_every_cell_is_that_of_the_newest_usable_run(
    seed: int, per_lead: bool, irregular: bool, members: int, required: list[str]
) -> None:
    weather = _random_archive(seed, per_lead=per_lead, irregular=irregular, members=members)
    issued, valid, inside = _origins(seed, count=12, steps=5, width=3 if irregular else 1)
    names = ["temp_air", "pressure"]
    got = weather_access.weather_as_of(
        weather, site="a", issue_time=issued, valid_time=valid, inside=inside, names=names, required=required
    )
    cells = _cells(weather)
    for row in range(len(issued)):
        wanted = _by_loops(cells, weather, issued[row], valid[row], inside[row], required)
        assert (
            got.init_time[row] == wanted.init_time or np.isnat([got.init_time[row], wanted.init_time]).all()
        )
        for name in names:
            expected = wanted.values[name] if members else wanted.values[name][:, 0]
            np.testing.assert_array_equal(got.values[name][row], expected)
        if not np.isnat(wanted.init_time):
            assert got.skipped[row] == wanted.skipped


def test_the_random_archives_hold_what_they_are_to_hold() -> None:
    """Runs used, runs that gave way, origins without any, and margins that are missing."""
    used = skipped = none = margins = 0
    for seed in range(20):
        weather = _random_archive(seed, per_lead=seed % 2 == 0, irregular=False, members=0)
        issued, valid, inside = _origins(seed, count=12, steps=5)
        got = weather_access.weather_as_of(
            weather,
            site="a",
            issue_time=issued,
            valid_time=valid,
            inside=inside,
            names=["temp_air", "pressure"],
        )
        there = ~np.isnat(got.init_time)
        used, none, skipped = used + there.sum(), none + (~there).sum(), skipped + (got.skipped & there).sum()
        margins += np.isnan(got.values["temp_air"][there]).any(axis=1).sum()
    assert min(used, skipped, none, margins) >= 5, (used, skipped, none, margins)


@pytest.mark.parametrize("seed", range(4))
def test_complete_archives_agree_with_merge_asof(seed: int) -> None:
    """With runs that are whole, the newest that arrived is what pandas' backward search finds."""
    rng = np.random.default_rng(seed)
    init = START + np.arange(60) * 6 * HOUR
    arrived = np.sort(
        init + 5 * HOUR + rng.integers(0, 360, 60).astype("timedelta64[m]")
    )  # in the order of the runs
    weather = _archive(
        rng.normal(size=(1, 60, 61)), init=init, lead=np.arange(61).astype("timedelta64[h]"), arrived=arrived
    )
    task = day_ahead("09:00", timezone="Europe/Paris")
    windows = task.windows(task.issue_times("2024-01-04", "2024-01-14"))
    got = weather_access.weather_as_of(
        weather,
        site="a",
        issue_time=windows.issue_time,
        valid_time=windows.valid_time,
        inside=windows.inside,
        names=["temp_air"],
    )
    table = weather["temp_air"].sel(site="a").to_dataframe("value").reset_index()
    table["valid_time"] = table["init_time"] + table["lead_time"]
    wanted = pd.DataFrame(
        {
            "issue_time": np.repeat(windows.issue_time, windows.valid_time.shape[1]),
            "valid_time": windows.valid_time.ravel(),
            "row": np.arange(windows.valid_time.size),
        }
    )
    merged = pd.merge_asof(
        wanted.sort_values("issue_time"),
        table.astype({"valid_time": "datetime64[ns]", "available_time": "datetime64[ns]"}).sort_values(
            "available_time"
        ),
        left_on="issue_time",
        right_on="available_time",
        by="valid_time",
    ).sort_values("row")
    assert merged["value"].notna().all()
    np.testing.assert_array_equal(got.values["temp_air"].ravel(), merged["value"])
    np.testing.assert_array_equal(np.repeat(got.init_time, windows.valid_time.shape[1]), merged["init_time"])


# --- Weather, case by case -------------------------------------------------------------------------


def _tidy(runs: int = 4, leads: int = 13, delay: int = 3) -> xr.Dataset:
    """Runs every six hours whose value tells run and lead: 100 run + lead."""
    init = START + np.arange(runs) * 6 * HOUR
    values = (100.0 * np.arange(runs)[:, None] + np.arange(leads)).astype("float32")[None]
    return _archive(
        values, init=init, lead=np.arange(leads).astype("timedelta64[h]"), arrived=init + delay * HOUR
    )


def _ask(
    weather: xr.Dataset, issue: str, valid: list[str], inside: list[bool] | None = None
) -> weather_access.Gathered:
    stamps = np.array([valid], dtype="datetime64[ns]")
    return weather_access.weather_as_of(
        weather,
        site="a",
        issue_time=np.array([issue], dtype="datetime64[ns]"),
        valid_time=stamps,
        inside=np.ones(stamps.shape, bool) if inside is None else np.array([inside]),
        names=["temp_air"],
    )


@pytest.mark.parametrize(
    ("issue", "run"), [("2024-01-01T08:59:59", 0), ("2024-01-01T09:00", 1), ("2024-01-01T11:00", 1)]
)
def test_a_run_can_be_had_from_its_arrival_on_not_from_its_initialisation(issue: str, run: int) -> None:
    got = _ask(_tidy(), issue, ["2024-01-01T12"])
    assert got.values["temp_air"].tolist() == [[100 * run + (12 if run == 0 else 6)]]
    assert got.init_time[0] == START + run * 6 * HOUR


def test_before_the_first_arrival_there_is_nothing() -> None:
    got = _ask(_tidy(), "2024-01-01T02:59", ["2024-01-01T03"])
    assert np.isnan(got.values["temp_air"]).all()
    assert np.isnat(got.init_time).all()
    assert not got.skipped.any()


def test_a_hole_in_the_window_makes_the_whole_run_give_way() -> None:
    weather = _tidy()
    weather["temp_air"].values[0, 1, 4] = np.nan
    got = _ask(weather, "2024-01-01T09", ["2024-01-01T10", "2024-01-01T11"])
    assert got.values["temp_air"].tolist() == [[10, 11]]  # both of run 0: never a mixture
    assert got.skipped.tolist() == [True]


def test_a_hole_in_the_margin_is_left_missing() -> None:
    weather = _tidy()
    weather["temp_air"].values[0, 1, 4] = np.nan
    got = _ask(weather, "2024-01-01T09", ["2024-01-01T10", "2024-01-01T11"], [False, True])
    np.testing.assert_array_equal(got.values["temp_air"], [[np.nan, 105]])


def test_a_run_that_ends_inside_the_window_is_not_completed_from_another() -> None:
    got = _ask(_tidy(), "2024-01-01T09", ["2024-01-01T18", "2024-01-01T19"])
    assert np.isnan(got.values["temp_air"]).all()
    assert np.isnat(got.init_time[0])


def test_a_variable_of_another_model_does_not_make_a_run_incomplete() -> None:
    weather = _tidy()
    weather["pressure"] = weather["temp_air"] * np.nan
    issued, valid = (
        np.array(["2024-01-01T09"], dtype="datetime64[ns]"),
        np.array([["2024-01-01T10"]], dtype="datetime64[ns]"),
    )
    common = {"site": "a", "issue_time": issued, "valid_time": valid, "inside": np.ones((1, 1), bool)}
    both = ["temp_air", "pressure"]
    free = weather_access.weather_as_of(weather, names=both, required=["temp_air"], **common)  # type: ignore[arg-type]
    assert free.values["temp_air"].tolist() == [[104]]
    strict = weather_access.weather_as_of(weather, names=both, **common)  # type: ignore[arg-type]
    assert np.isnan(strict.values["temp_air"]).all()


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_archives_in_other_units_of_time_answer_alike(unit: str) -> None:
    weather = _tidy()
    coords = {name: weather[name].astype(f"datetime64[{unit}]") for name in ("init_time", "available_time")}
    got = _ask(weather.assign_coords(coords), "2024-01-01T09", ["2024-01-01T10"])
    assert got.values["temp_air"].tolist() == [[104]]
    assert got.init_time[0] == START + 6 * HOUR


@pytest.mark.parametrize("hours", [[0, 2, 3, 6], [0, 1, 2, 5, 8], [3], [0, 6, 9, 18]])
def test_leads_in_any_rhythm_are_found_exactly_or_not_at_all(hours: list[int]) -> None:
    lead = np.array(hours).astype("timedelta64[h]")
    weather = _archive(
        np.array([[hours]], dtype=float), init=np.array([START]), lead=lead, arrived=np.array([START])
    )
    wanted = range(24)
    valid = [str(START + hour * HOUR) for hour in wanted]
    got = _ask(weather, "2024-01-01T00", valid, [hour in hours for hour in wanted])
    np.testing.assert_array_equal(
        got.values["temp_air"], [[hour if hour in hours else np.nan for hour in wanted]]
    )


def test_the_site_is_found_by_its_name_and_the_order_of_dimensions_does_not_matter() -> None:
    weather = xr.concat([_tidy().assign_coords(site=["b"]) + 1000, _tidy()], dim="site").transpose(
        "lead_time", "init_time", "site"
    )
    got = _ask(weather, "2024-01-01T09", ["2024-01-01T10"])
    assert got.values["temp_air"].tolist() == [[104]]


# --- Analyses -------------------------------------------------------------------------------------


def _analysis(hours: int = 72) -> xr.Dataset:
    axis = START + np.arange(hours) * HOUR
    return xr.Dataset(
        {"temp_air": (("site", "time"), np.arange(hours, dtype="float32")[None])},
        coords={"site": ["a"], "time": axis, "available_time": ("time", axis + 5 * 24 * HOUR)},
    )


def test_an_analysis_answers_as_a_run_of_each_origin_with_no_age() -> None:
    windows = intraday(every="6h", leads="3h").windows(
        pd.DatetimeIndex(["2024-01-01 06:00", "2024-01-03 22:00"], tz="UTC")
    )
    now = _snapshot(_analysis(), windows, margin="2h")
    np.testing.assert_array_equal(now["temp_air"], [[6, 7, 8], [70, 71, np.nan]])
    np.testing.assert_array_equal(now.shift("temp_air", hours=-2), [[4, 5, 6], [68, 69, 70]])
    assert np.isnan(now.weather_age()).all()
    assert np.isnan(now.weather_lead_time()).all()
    assert now.weather_lead_time().shape == (2, 3)


# --- Lagged observations ---------------------------------------------------------------------------


def _random_power(seed: int, *, recorded: bool, width: str = "1h") -> Observations:
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=400, freq=width, tz="UTC")
    values = pd.DataFrame({"z": 0.0, "a": rng.normal(size=400)}, index=index)
    values.loc[rng.random(400) < 0.1, "a"] = np.nan
    values.loc[values.index[200:230], "a"] = np.nan
    flags = pd.DataFrame(0, index=index, columns=values.columns)
    bits = [
        0,
        int(Flag.CURTAILED),
        int(Flag.INCOMPLETE),
        int(Flag.CLIPPING),
        int(Flag.NIGHT_GENERATION | Flag.STUCK),
    ]
    flags["a"] = rng.choice(bits, size=400, p=[0.8, 0.05, 0.05, 0.05, 0.05])
    if not recorded:
        return Observations(values, published_after=f"{rng.integers(0, 600)}min", flags=flags)
    late = pd.to_timedelta(rng.integers(0, 3000, size=400), unit="min")
    known = pd.DataFrame(
        {"z": index + pd.Timedelta("3h"), "a": index + pd.Timedelta(width) + late}, index=index
    )
    known.loc[rng.random(400) < 0.05, "a"] = pd.NaT
    return Observations(values, published_time=known, flags=flags)


def _record(power: Observations) -> list[tuple[np.datetime64, float, np.datetime64, int]]:
    """Beginning, value, publication and flags of each interval, from the definition."""
    assert power.flags is not None
    rows = []
    for begin, value, flag in zip(power.index, power.values["a"], power.flags["a"], strict=True):
        if power.published_time is not None:
            known = power.published_time.loc[begin, "a"]
        else:
            known = begin + power.frequency + power.published_after
        plain = np.datetime64("NaT", "ns") if pd.isna(known) else known.tz_convert(None).to_datetime64()
        rows.append((begin.tz_convert(None).to_datetime64(), value, plain, flag))
    return rows


@FAST
@given(
    seed=st.integers(0, 10**6),
    recorded=st.booleans(),
    step=st.sampled_from([None, "24h", "168h", "1h"]),
    lag=st.sampled_from(["0h", "1h", "24h", "168h"]),
    width=st.sampled_from(["1h", "30min"]),
)
def test_every_lag_is_the_newest_published_value_so_many_steps_back(
    seed: int, recorded: bool, step: str | None, lag: str, width: str
) -> None:
    power = _random_power(seed, recorded=recorded, width=width)
    rng = np.random.default_rng(seed)
    length = np.timedelta64(pd.Timedelta(width).value, "ns")
    issued = START + rng.integers(0, 450 * 60, 8).astype("timedelta64[m]")
    ahead = rng.integers(0, 40, 8)[:, None] + np.arange(6)
    wanted = START + ((issued - START) // length + 1)[:, None] * length + ahead * length
    wanted = wanted - pd.Timedelta(lag).to_timedelta64()
    values, age = history_as_of(
        power,
        site="a",
        issue_time=issued,
        requested_time=wanted,
        step=None if step is None else pd.Timedelta(step),
    )
    hop = length if step is None else pd.Timedelta(step).to_timedelta64()
    begin, value, known, _ = (np.array(column) for column in zip(*_record(power), strict=True))
    for row, column in np.ndindex(wanted.shape):
        back = wanted[row, column] - begin
        eligible = np.isfinite(value) & (known <= issued[row]) & (back >= 0 * HOUR) & (back % hop == 0 * HOUR)
        if not eligible.any():
            assert np.isnan([values[row, column], age[row, column]]).all()
            continue
        newest = np.flatnonzero(eligible).max()
        assert values[row, column] == value[newest]
        assert age[row, column] == pytest.approx((issued[row] - begin[newest]) / HOUR)


@pytest.mark.parametrize("seed", range(3))
def test_the_newest_published_value_agrees_with_merge_asof(seed: int) -> None:
    power = _random_power(seed, recorded=False)
    issued = START + np.arange(0, 420) * HOUR + np.timedelta64(17, "m")
    values, _ = history_as_of(power, site="a", issue_time=issued, requested_time=issued[:, None] + 24 * HOUR)
    table = pd.DataFrame({"known": power.published[:, 1], "value": power.values["a"].to_numpy()}).dropna()
    merged = pd.merge_asof(pd.DataFrame({"known": issued}), table, on="known")
    np.testing.assert_array_equal(values[:, 0], merged["value"])


def test_a_lag_that_is_not_yet_published_keeps_its_hour_of_the_day_with_a_step_of_24_hours() -> None:
    index = pd.date_range("2024-01-01", periods=24 * 7, freq="1h", tz="UTC")
    power = Observations(pd.DataFrame({"a": np.arange(168.0)}, index=index), published_after="2h")
    issued = np.array(["2024-01-05T09:00"], dtype="datetime64[ns]")
    wanted = np.array([["2024-01-05T05", "2024-01-05T06", "2024-01-05T07"]], dtype="datetime64[ns]")
    day, age = history_as_of(
        power, site="a", issue_time=issued, requested_time=wanted, step=pd.Timedelta("24h")
    )
    assert day.tolist() == [[96 + 5, 96 + 6, 72 + 7]]  # the hour from 06:00 is known at 09:00
    assert age.tolist() == [[4, 3, 26]]
    newest, _ = history_as_of(power, site="a", issue_time=issued, requested_time=wanted)
    assert newest.tolist() == [[96 + 5, 96 + 6, 96 + 6]]


def test_a_step_of_no_whole_number_of_intervals_is_refused() -> None:
    power = _random_power(0, recorded=False)
    wanted = np.array([["2024-01-05T05"]], dtype="datetime64[ns]")
    with pytest.raises(EnergyForecastError):
        history_as_of(
            power, site="a", issue_time=wanted[:, 0], requested_time=wanted, step=pd.Timedelta("90min")
        )


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Chicago", "Asia/Almaty", "Australia/Lord_Howe"])
@pytest.mark.parametrize("width", ["30min", "1h"])
@pytest.mark.parametrize("days", [1, 7])
@pytest.mark.parametrize("change", ["2024-03", "2024-11"])
def test_whole_days_back_by_the_clock_show_the_same_hour(
    zone: str, width: str, days: int, change: str
) -> None:
    begin = pd.Timestamp(change, tz="UTC") - pd.Timedelta("20D")
    index = pd.date_range(begin, periods=int(pd.Timedelta("70D") / pd.Timedelta(width)), freq=width)
    power = Observations(
        pd.DataFrame({"a": np.arange(len(index), dtype=float)}, index=index), published_after="0h"
    )
    wanted = index[index > begin + pd.Timedelta("30D")].tz_localize(None).to_numpy()[None]
    step = pd.Timedelta(days=days)
    values, _ = history_as_of(
        power, site="a", issue_time=wanted[:, -1], requested_time=wanted, lag=step, step=step, clock=zone
    )
    asked = pd.DatetimeIndex(wanted[0], tz="UTC").tz_convert(zone).tz_localize(None)
    found = index[values[0].astype(int)].tz_convert(zone).tz_localize(None)
    back = asked - found
    # Lord Howe moves its clock by half an hour, which is no whole number of hours.
    if not (zone == "Australia/Lord_Howe" and width == "1h"):
        assert (back % step == pd.Timedelta(0)).all()
        assert ((back == step) | (back == 2 * step)).all()
        assert (back == 2 * step).mean() < 0.01  # the hour that a clock leaves out


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Chicago", "Australia/Lord_Howe"])
@pytest.mark.parametrize("change", ["2024-03", "2024-11"])
@pytest.mark.parametrize("recorded", [False, True])
def test_the_record_after_the_issue_does_not_change_lags_by_the_clock(
    zone: str, change: str, recorded: bool
) -> None:
    index = pd.date_range(pd.Timestamp(change, tz="UTC") - pd.Timedelta("20D"), periods=24 * 70, freq="1h")
    values = pd.DataFrame({"a": np.arange(len(index), dtype=float)}, index=index)
    published = {"published_time": values.apply(lambda _: index + index.freq)} if recorded else None
    step = pd.Timedelta("24h")

    def lags(rows: int, issued: Any) -> Any:
        given = (
            {"published_time": published["published_time"][:rows]} if published else {"published_after": "0h"}
        )
        return history_as_of(
            Observations(values[:rows], **given),
            site="a",
            issue_time=issued,
            requested_time=issued[:, None] + np.arange(6, 48) * HOUR,
            lag=step,
            step=step,
            clock=zone,
        )

    for row in range(
        240 + 9, 60 * 24, 24
    ):  # among them the day before each change, which the record has not seen
        issued = index[[row]].tz_localize(None).to_numpy()
        np.testing.assert_array_equal(lags(row, issued), lags(len(index), issued))


def test_in_the_hour_that_a_clock_repeats_the_newest_published_value_is_used() -> None:
    index = pd.date_range("2024-10-20", periods=960, freq="15min", tz="UTC")
    power = Observations(pd.DataFrame({"a": np.arange(960.0)}, index=index), published_after="0h")
    issued = np.array(["2024-10-27T01:20"], dtype="datetime64[ns]")  # 02:20 in Paris, for the second time
    wanted = np.array([["2024-10-28T01:30"]], dtype="datetime64[ns]")
    day = pd.Timedelta("24h")
    values, age = history_as_of(
        power, site="a", issue_time=issued, requested_time=wanted, lag=day, step=day, clock="Europe/Paris"
    )
    assert index[int(values[0, 0])] == pd.Timestamp("2024-10-27 00:30", tz="UTC")  # 02:30, for the first time
    assert age[0, 0] == pytest.approx(50 / 60)


@pytest.mark.parametrize("hours", [3, 12, 24])
@pytest.mark.parametrize("change", ["2024-03-31", "2024-10-27"])
def test_no_interval_is_lost_that_is_longer_than_a_change_of_the_clock(hours: int, change: str) -> None:
    index = pd.date_range(
        pd.Timestamp(change, tz="UTC") - pd.Timedelta("7D"), periods=15 * 24 // hours, freq=f"{hours}h"
    )
    power = Observations(pd.DataFrame({"a": np.arange(float(len(index)))}, index=index), published_after="0h")
    wanted = index[24 // hours :].tz_localize(None).to_numpy()[None]
    issued = np.array(["2026-01-01"], dtype="datetime64[ns]")
    day = pd.Timedelta("24h")
    values, _ = history_as_of(
        power, site="a", issue_time=issued, requested_time=wanted, lag=day, step=day, clock="Europe/Paris"
    )
    np.testing.assert_array_equal(values[0], np.arange(len(index) - 24 // hours))


def test_without_a_clock_lags_are_counted_in_utc() -> None:
    index = pd.date_range("2024-03-20", periods=24 * 20, freq="1h", tz="UTC")
    power = Observations(pd.DataFrame({"a": np.arange(480.0)}, index=index), published_after="0h")
    issued, wanted = (
        index[[400]].tz_localize(None).to_numpy(),
        index[[300]].tz_localize(None).to_numpy()[None],
    )
    day = pd.Timedelta("24h")
    values, _ = history_as_of(
        power, site="a", issue_time=issued, requested_time=wanted, lag=3 * day, step=day
    )
    assert values.tolist() == [[300.0 - 72]]


# --- The snapshot ---------------------------------------------------------------------------------


def _snapshot(
    weather: weather_schema.Weather,
    windows: Windows,
    *,
    observations: Observations | None = None,
    margin: str = "0h",
    history: tuple[Past, ...] = (),
    sites: tuple[Site, ...] = (SITE,),
    names: tuple[str, ...] = ("temp_air",),
) -> Snapshot:
    models = list(weather_schema.as_models(weather))
    return gathering.take_snapshot(
        weather,
        observations,
        sites=sites,
        windows=windows,
        names=dict.fromkeys(models, names),
        required=dict.fromkeys(models, names),
        margin=pd.Timedelta(margin),
        history=history,
    )


def _windows(*issued: str, leads: str = "3h", frequency: str = "1h") -> Windows:
    task = intraday(every="1h", leads=leads, frequency=frequency)
    return task.windows(pd.DatetimeIndex(issued, tz="UTC"))


def test_a_snapshot_shifts_inside_one_run_and_stops_at_its_end() -> None:
    now = _snapshot(_tidy(), _windows("2024-01-01 09:00", "2024-01-01 15:00"), margin="8h")
    np.testing.assert_array_equal(now["temp_air"], [[103, 104, 105], [203, 204, 205]])
    np.testing.assert_array_equal(now.shift("temp_air", hours=7), [[110, 111, 112], [210, 211, 212]])
    # The next run knows 113, as lead 7 of run 2; the run in use ends at lead 12.
    np.testing.assert_array_equal(now.shift("temp_air", hours=8), [[111, 112, np.nan], [211, 212, np.nan]])
    np.testing.assert_array_equal(now.shift("temp_air", hours=-4), [[np.nan, 100, 101], [np.nan, 200, 201]])
    np.testing.assert_array_equal(now.weather_age(), [3, 3])
    np.testing.assert_array_equal(now.weather_lead_time(), [[3, 4, 5]] * 2)
    np.testing.assert_array_equal(now.lead_time, [[0, 1, 2]] * 2)


def test_the_mean_over_an_interval_takes_both_ends_of_instants_and_means_as_they_are() -> None:
    weather = _tidy()
    weather["precipitation"] = weather["temp_air"]
    now = _snapshot(weather, _windows("2024-01-01 09:00"), margin="2h", names=("temp_air", "precipitation"))
    np.testing.assert_array_equal(now.interval_mean("temp_air"), [[103.5, 104.5, 105.5]])
    np.testing.assert_array_equal(now.interval_mean("precipitation"), [[103, 104, 105]])
    np.testing.assert_array_equal(now.interval_mean("temp_air", hours=-2), [[101.5, 102.5, 103.5]])
    np.testing.assert_array_equal(now.interval_mean("precipitation", hours=-2), [[101, 102, 103]])
    weather["precipitation"].attrs["cell_methods"] = (
        "time: point"  # what a dataset says goes before the table
    )
    now = _snapshot(weather, _windows("2024-01-01 09:00"), margin="1h", names=("precipitation",))
    np.testing.assert_array_equal(now.interval_mean("precipitation"), [[103.5, 104.5, 105.5]])


@pytest.mark.parametrize("minutes", [5, 10, 12, 15, 20, 30])
def test_intervals_shorter_than_an_hour_have_their_mean_and_margin(minutes: int) -> None:
    axis = START + np.arange(24 * 60) * np.timedelta64(1, "m")
    weather = xr.Dataset(
        {"temp_air": (("site", "time"), np.arange(1440.0)[None])},
        coords={"site": ["a"], "time": axis, "available_time": ("time", axis)},
    )
    windows = _windows("2024-01-01 12:00", leads="1h", frequency=f"{minutes}min")
    now = _snapshot(weather, windows, margin="1h")
    expected = 720 + minutes * np.arange(60 // minutes)
    np.testing.assert_allclose(now["temp_air"], expected[None])
    np.testing.assert_allclose(now.interval_mean("temp_air"), expected[None] + minutes / 2)
    np.testing.assert_allclose(now.shift("temp_air", hours=-1), expected[None] - 60)


def test_members_are_kept_and_their_mean_is_what_a_feature_sees() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1, 2, 13, 5))
    init = START + np.arange(2) * 6 * HOUR
    weather = _archive(
        values, init=init, lead=np.arange(13).astype("timedelta64[h]"), arrived=init, members=5
    )
    now = _snapshot(weather, _windows("2024-01-01 06:00"), margin="1h")
    np.testing.assert_array_equal(now.members("temp_air"), values[0, 1, 0:3][None])
    np.testing.assert_array_equal(now.members("temp_air", hours=1), values[0, 1, 1:4][None])
    np.testing.assert_allclose(now["temp_air"], values[0, 1, 0:3].mean(axis=1)[None])
    single = _snapshot(_tidy(), _windows("2024-01-01 09:00"))
    assert single.members("temp_air").shape == (1, 3, 1)


def test_a_model_without_a_run_gives_missing_values_and_the_other_its_own() -> None:
    models = {"ifs": _tidy(), "gfs": _tidy(delay=48)}
    now = _snapshot(models, _windows("2024-01-01 09:00"))
    assert now.models == ("ifs", "gfs")
    assert now.names == ("ifs:temp_air", "gfs:temp_air")
    np.testing.assert_array_equal(now["ifs:temp_air"], [[103, 104, 105]])
    assert np.isnan(now["gfs:temp_air"]).all()
    assert now.weather_age("ifs").tolist() == [3]
    assert np.isnan(now.weather_age("gfs")).all()
    assert now.matching("temp_*") == ("ifs:temp_air", "gfs:temp_air")
    assert now.matching("gfs:temp_*") == ("gfs:temp_air",)


def test_the_same_moment_is_seen_from_another_site() -> None:
    weather = xr.concat([_tidy(), (_tidy() + 1000).assign_coords(site=["b"])], dim="site")
    index = pd.date_range("2024-01-01", periods=9, freq="1h", tz="UTC")
    power = Observations(
        pd.DataFrame({"a": np.arange(9.0), "b": -np.arange(9.0)}, index=index), published_after="0h"
    )
    past = Past(pd.Timedelta("0h"))
    now = _snapshot(
        weather, _windows("2024-01-01 09:00"), sites=(SITE, OTHER), observations=power, history=(past,)
    )
    there = now.at("b")
    assert (now.site, there.site) == (SITE, OTHER)
    np.testing.assert_array_equal(there["temp_air"], now["temp_air"] + 1000)
    np.testing.assert_array_equal(now.lag("0h"), [[8, 8, 8]])
    np.testing.assert_array_equal(there.lag("0h"), [[-8, -8, -8]])
    np.testing.assert_array_equal(now.lag_age("0h"), [[1, 1, 1]])
    with pytest.raises(SchemaError) as caught:
        now.at("c")
    three_lines(caught.value, "'c'", "'b'")


def test_what_was_not_declared_is_refused_with_the_declaration_to_add() -> None:
    now = _snapshot(_tidy(), _windows("2024-01-01 09:00"), margin="1h")
    for wrong, named in (
        (lambda: now["pressure"], "weather=['pressure']"),
        (lambda: now.members("pressure"), "weather=['pressure']"),
        (lambda: now.shift("temp_air", hours=2), "margin='2h'"),
        (lambda: now.shift("temp_air", hours=-2), "margin='2h'"),
        (lambda: now.shift("temp_air", hours=1.5), "margin='1.5h'"),
        (lambda: now.lag("24h"), "history=['24h']"),
    ):
        with pytest.raises(SchemaError) as caught:
            wrong()
        three_lines(caught.value, named, "'a'" if "margin" not in named else "temp_air")


@pytest.mark.parametrize("recorded", [False, True])
def test_a_lag_from_the_newest_observation_is_counted_from_it(recorded: bool) -> None:
    power = _random_power(5, recorded=recorded)
    pasts = [Past(pd.Timedelta(lag, "h"), newest=True) for lag in (0, 1, 3)]
    issued = pd.date_range("2024-01-04 06:20", periods=60, freq="3h", tz="UTC")
    now = _snapshot(_tidy(), _windows(*map(str, issued)), observations=power, history=tuple(pasts))
    known = power.published[:, power.sites.index("a")]
    table = pd.DataFrame({"value": power.values["a"].to_numpy(), "known": known}, index=power.index)
    for row, moment in enumerate(issued):
        seen = table[(table["known"] <= moment.tz_convert(None)) & table["value"].notna()]
        for past in pasts:
            value, age = (array[row] for array in now.history[past, "a"])
            older = seen.loc[: seen.index[-1] - past.lag]
            np.testing.assert_array_equal(value, older["value"].iloc[-1])
            np.testing.assert_allclose(age, (moment - older.index[-1]) / pd.Timedelta("1h"), rtol=1e-9)


@pytest.mark.parametrize(
    ("issue", "delay", "expected"),
    [
        ("19:00", "0h", 206.5),  # the run of 12 UTC, hours 6 to 7; that of 18 UTC is to arrive at 21
        ("19:00", "6h", 200.5),
        ("19:00", "7h", 105.5),  # the run of 12 UTC begins after that hour
        ("19:00", "13h", 5.5),
        ("15:00", "1h", 201.5),
        ("14:59", "0h", 107.5),  # the run of 12 UTC holds that hour, but arrives at 15
        ("02:00", "0h", np.nan),  # no run had arrived
    ],
)
def test_a_hindcast_is_of_the_newest_known_run_that_holds_the_interval(
    issue: str, delay: str, expected: float
) -> None:
    index = pd.date_range("2024-01-01", periods=20, freq="1h", tz="UTC")
    power = Observations(pd.DataFrame({"a": 1.0}, index=index), published_after=delay)
    past = Past(pd.Timedelta(0), newest=True, weather=("temp_*",))
    now = _snapshot(_tidy(), _windows(f"2024-01-01 {issue}"), observations=power, history=(past,))
    np.testing.assert_allclose(now.hindcasts[past, "temp_air", "a"], [expected])


def test_a_lag_with_another_step_is_another_lag() -> None:
    power = _random_power(0, recorded=False)
    day = pd.Timedelta("24h")
    now = _snapshot(_tidy(), _windows("2024-01-01 09:00"), observations=power, history=(Past(day, day),))
    assert now.lag("24h", step="24h").shape == (1, 3)
    with pytest.raises(SchemaError):
        now.lag("24h")
    with pytest.raises(SchemaError):
        now.lag("48h", step="24h")


def test_a_lag_without_observations_is_refused() -> None:
    with pytest.raises(MissingDataError) as caught:
        _snapshot(_tidy(), _windows("2024-01-01 09:00"), history=(Past(pd.Timedelta("24h")),))
    three_lines(caught.value, "1 days")


@pytest.mark.parametrize("weather", [_tidy(), _analysis()])
def test_a_snapshot_is_a_copy_of_the_archive(weather: xr.Dataset) -> None:
    power = _random_power(0, recorded=False)
    past = Past(pd.Timedelta("1h"))
    windows = _windows("2024-01-01 09:00")
    now = _snapshot(weather, windows, observations=power, history=(past,), margin="1h")
    weather_before, power_before = weather.copy(deep=True), power.values.copy()
    seen = now["temp_air"].copy(), now.lag("1h").copy()
    weather["temp_air"].values[...] = -1
    power.values.iloc[:, :] = -1
    np.testing.assert_array_equal(now["temp_air"], seen[0])
    np.testing.assert_array_equal(now.lag("1h"), seen[1])
    # And the other way round: nothing done to the snapshot reaches the archive.
    weather["temp_air"].values[...] = weather_before["temp_air"].values
    power.values.iloc[:, :] = power_before
    for arrays in (now.weather.values(), (now.lag("1h"), now.lag_age("1h"))):
        for array in arrays:
            assert not np.shares_memory(array, weather["temp_air"].values)
            assert not np.shares_memory(array, power.values["a"].to_numpy())


def test_no_feature_can_change_what_the_next_one_sees() -> None:
    power = _random_power(0, recorded=False)
    now = _snapshot(
        _tidy(), _windows("2024-01-01 09:00"), observations=power, history=(Past(pd.Timedelta("1h")),)
    )
    for look in (
        lambda: now["temp_air"],
        lambda: now.lag("1h"),
        lambda: now.lag_age("1h"),
        lambda: now.valid_time,
    ):
        before = look().copy()
        with contextlib.suppress(ValueError):  # read-only arrays say so
            look()[...] = look()[0, 0] * 0 if look().dtype.kind == "f" else START
        np.testing.assert_array_equal(look(), before)


def test_batches_give_what_single_origins_give() -> None:
    weather = _random_archive(11, per_lead=True, irregular=False, members=0)
    power = _random_power(11, recorded=True)
    issued = pd.date_range("2024-01-01 06:00", periods=30, freq="3h", tz="UTC")
    past = Past(pd.Timedelta("24h"), pd.Timedelta("24h"))
    task = intraday(every="1h", leads="6h")
    together = _snapshot(weather, task.windows(issued), observations=power, history=(past,), margin="2h")
    for row, moment in enumerate(issued):
        alone = _snapshot(weather, task.windows([moment]), observations=power, history=(past,), margin="2h")
        for hours in (-2, 0, 2):
            np.testing.assert_array_equal(
                alone.shift("temp_air", hours=hours)[0], together.shift("temp_air", hours=hours)[row]
            )
        np.testing.assert_array_equal(alone.lag("24h", step="24h")[0], together.lag("24h", step="24h")[row])
        np.testing.assert_array_equal(alone.weather_age()[0], together.weather_age()[row])
