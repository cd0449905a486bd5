"""Temperature scenarios: what they know, where they begin, and what they follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.point_in_time import weather_access
from energyforecast.weather import measured_weather, temperature_scenarios

ISSUE = pd.Timestamp("2023-06-01", tz="UTC")
HOUR = np.timedelta64(1, "h")


def _temperature(*, years: int = 4, seed: int = 1, end: str = "2023-09-01") -> pd.DataFrame:
    """Seasons, days and a first-order autoregression of about three days."""
    index = pd.date_range(end=pd.Timestamp(end, tz="UTC"), periods=years * 8766, freq="1h")
    hours = np.arange(len(index))
    rng = np.random.default_rng(seed)
    noise = pd.Series(rng.normal(0, 0.6, len(index))).ewm(alpha=1 / 72).mean().to_numpy() * 40
    season = 10 - 12 * np.cos(2 * np.pi * (hours - hours[-1]) / 8766)
    return pd.DataFrame({"city": season + 4 * np.sin(2 * np.pi * hours / 24) + noise}, index=index)


def _run(frame: pd.DataFrame, **changes: Any) -> xr.Dataset:
    delay = changes.pop("published_after", "0h")
    given: dict[str, Any] = {
        "site": "city",
        "issue_time": ISSUE,
        "horizon": "720h",
        "lookback": "48h",
    } | changes
    return temperature_scenarios(measured_weather({"temp_air": frame}, published_after=delay), **given)


def _members(run: xr.Dataset) -> pd.DataFrame:
    valid = pd.DatetimeIndex(run["init_time"].values[0] + run["lead_time"].values, tz="UTC")
    return pd.DataFrame(run["temp_air"].values[0, 0], index=valid)


def test_members_are_what_was_measured_up_to_the_issue_and_differ_after_it() -> None:
    frame = _temperature()
    members = _members(_run(frame))
    before, after = members[:ISSUE], members[ISSUE + pd.Timedelta("1h") :]
    assert members.index[0] == ISSUE - pd.Timedelta("48h")
    assert members.index[-1] == ISSUE + pd.Timedelta("720h")
    expected = np.repeat(frame.loc[before.index].to_numpy(), members.shape[1], axis=1)
    np.testing.assert_allclose(before, expected, atol=1e-5)
    assert after.std(axis=1).iloc[48:].min() > 0.5
    assert members.shape[1] == 3 * 13  # three whole years before the issue, thirteen shifts


def test_nothing_that_was_not_known_at_the_issue_is_felt() -> None:
    frame = _temperature()
    spoilt = frame.copy()
    spoilt[ISSUE + pd.Timedelta("1h") :] = -40.0
    assert _run(spoilt).identical(_run(frame))
    late = _run(frame, published_after="5h")
    spoilt[ISSUE - pd.Timedelta("4h") :] = 44.0
    assert _run(spoilt, published_after="5h").identical(late)
    assert not _run(spoilt, published_after="3h").identical(_run(frame, published_after="3h"))


def test_a_record_that_comes_late_is_continued_from_its_newest_value() -> None:
    members = _members(_run(_temperature(), published_after="120h", lookback="240h"))
    spread = members.std(axis=1)
    assert spread[: ISSUE - pd.Timedelta("120h")].max() < 1e-5
    assert spread[ISSUE] > 0.5


def test_the_run_is_known_from_its_issue_on() -> None:
    run = _run(_temperature())
    valid = (ISSUE.to_datetime64() + np.arange(1, 25) * HOUR).astype("datetime64[ns]")[None, :]
    for moment, there in ((ISSUE - pd.Timedelta("1h"), False), (ISSUE, True)):
        got = weather_access.weather_as_of(
            run,
            site="city",
            issue_time=np.array([moment.to_datetime64()]).astype("datetime64[ns]"),
            valid_time=valid,
            inside=np.ones(valid.shape, dtype=bool),
            names=["temp_air"],
        )
        assert np.isfinite(got.values["temp_air"]).all() == there


def test_a_warm_day_before_the_issue_is_felt_for_some_days_and_no_longer() -> None:
    frame = _temperature()
    warm = frame.copy()
    warm[ISSUE - pd.Timedelta("23h") : ISSUE] += 6.0
    more = (_members(_run(warm)) - _members(_run(frame))).mean(axis=1)
    first = more[ISSUE + pd.Timedelta("1h") : ISSUE + pd.Timedelta("24h")].mean()
    third = more[ISSUE + pd.Timedelta("49h") : ISSUE + pd.Timedelta("72h")].mean()
    assert 3.0 < first < 6.0
    assert 0.5 < third < first
    assert abs(more[ISSUE + pd.Timedelta("193h") :].mean()) < 0.1
    unfelt = (_members(_run(warm, memory_days=0)) - _members(_run(frame, memory_days=0))).mean(axis=1)
    assert abs(unfelt[ISSUE + pd.Timedelta("1h") :].mean()) < 0.1


def test_a_scenario_follows_the_same_season_of_a_past_year() -> None:
    frame = _temperature()
    frame.loc["2022-06-10 12:00":"2022-06-10 18:00"] += 20.0  # one hot afternoon
    run = _run(frame, shift_days=0, memory_days=0)
    hot = _members(run)[0]["2023-06-10"]  # the newest year comes first
    assert hot.idxmax().hour in range(12, 19)
    assert hot.max() > _members(run)[1]["2023-06-10"].max() + 8
    shifted = _members(_run(frame, shift_days=4, memory_days=0))
    days = [shifted[k].groupby(shifted.index.date).max().idxmax().day for k in range(3)]
    assert days == [14, 10, 6]  # its season begins four days earlier, on time, four days later


def test_scenarios_spread_as_the_temperature_does() -> None:
    frame = _temperature(years=12)
    members = _members(_run(frame))
    measured = frame.loc[ISSUE + pd.Timedelta("240h") : ISSUE + pd.Timedelta("720h"), "city"]
    beyond = members.loc[measured.index]
    anomaly = frame["city"] - frame["city"].groupby([frame.index.day_of_year, frame.index.hour]).transform(
        "mean"
    )
    assert beyond.std(axis=1).mean() == pytest.approx(anomaly.std(), rel=0.25)


def test_short_gaps_are_bridged_and_long_ones_cost_members_only() -> None:
    frame = _temperature()
    gaps = frame.copy()
    gaps.iloc[1000:1004] = np.nan
    gaps.loc["2022-06-05":"2022-06-08"] = np.nan
    run = _run(gaps)
    assert np.isfinite(run["temp_air"].values).all()
    assert 13 <= run.sizes["member"] < _run(frame).sizes["member"]


def test_half_hours_and_other_grids() -> None:
    frame = _temperature()
    half = frame.resample("30min").interpolate()
    assert _run(half).sizes["lead_time"] == 2 * (48 + 720) + 1
    crooked = pd.concat([frame, frame[-1:].set_axis([frame.index[-1] + pd.Timedelta("50min")])])
    with pytest.raises(TimeError, match="even steps"):
        _run(crooked, issue_time="2023-09-02")


@pytest.mark.parametrize("years", [0.02, 0.8])
def test_too_short_a_record_is_refused(years: float) -> None:
    frame = _temperature()[:ISSUE]
    with pytest.raises(MissingDataError) as caught:
        _run(frame.iloc[-int(years * 8766) :])
    assert len(str(caught.value).splitlines()) == 3


def test_forecasts_and_other_units_are_refused() -> None:
    run = _run(_temperature())
    with pytest.raises(SchemaError, match="measured temperature"):
        temperature_scenarios(run, site="city", issue_time=ISSUE, horizon="24h")
