"""Net load: sun and wind behind the meter, and departures of the newest observation in the next hours."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.errors import RangeError
from energyforecast.features import NewestDepartures, NewestObservation
from energyforecast.forecasting import storage
from energyforecast.testing import check_no_leakage

POINT = ef.DemandArea(name="point", latitude=52.1, longitude=5.2, timezone="Europe/Amsterdam", country="NL")
QUARTERS = ef.intraday(every="1h", leads="4h", frequency="15min", quantiles=(0.1, 0.5, 0.9))
DAY_AHEAD = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
QUICK = ef.LightGBMQuantiles(n_estimators=3, folds=0, fitted_quantiles=(0.1, 0.9))


def _load(days: int, *, step: str = "15min", seed: int = 0) -> pd.Series:
    """Daily cycle with a disturbance that lasts for hours. [MW]"""
    index = pd.date_range(
        "2024-01-01", periods=round(pd.Timedelta(days, "D") / pd.Timedelta(step)), freq=step
    )
    noise, keep = np.random.default_rng(seed), np.exp(-(pd.Timedelta(step) / pd.Timedelta("8h")))
    error = np.zeros(len(index))
    for k in range(1, len(error)):
        error[k] = keep * error[k - 1] + np.sqrt(1 - keep**2) * noise.normal()
    cycle = 8 * np.sin(2 * np.pi * (index.hour + index.minute / 60) / 24)
    return pd.Series(cycle + 2 * error, index=index.tz_localize("UTC"))


def _observed(load: pd.Series, *, published_after: str = "0h") -> ef.Observations:
    return ef.Observations(load.to_frame("point"), published_after=published_after)


def _columns(
    load: pd.Series, task: ef.Task, issue: str, *features: ef.Feature, latency: str = "0h"
) -> pd.DataFrame:
    forecaster = ef.Forecaster(POINT, task, features=features, model=QUICK)
    matrix = forecaster.design_matrix(None, _observed(load, published_after=latency), [issue])
    return matrix.columns["point"].set_index(pd.DatetimeIndex(matrix.valid_time, tz="UTC"))


# --- Departures of the newest observation ---------------------------------------------------------


@pytest.mark.parametrize("latency", ["0h", "35min"])
@pytest.mark.parametrize("step", ["10min", "15min", "1h"])
def test_departures_are_those_of_pandas(step: str, latency: str) -> None:
    load, issue = _load(40, step=step), pd.Timestamp("2024-02-08 10:00", tz="UTC")
    task = ef.intraday(every="1h", leads="3h", frequency=step)
    got = _columns(load, task, str(issue), NewestDepartures(), latency=latency)
    width = pd.Timedelta(step)
    newest = load.index[load.index + width + pd.Timedelta(latency) <= issue][-1]
    day = pd.Timedelta("1D")
    days = np.mean([load[newest - k * day] for k in range(1, 8)])
    weeks = np.mean([load[newest - 7 * k * day] for k in range(1, 5)])
    assert np.allclose(got["newest[yesterday]"], load[newest] - load[newest - day], atol=1e-5)
    assert np.allclose(got["newest[days]"], load[newest] - days, atol=1e-5)
    assert np.allclose(got["newest[weeks]"], load[newest] - weeks, atol=1e-5)
    then = np.mean([load.reindex(got.index - k * day).to_numpy() for k in range(1, 8)], axis=0)
    assert np.allclose(got["change[days]"], then - days, atol=1e-5)
    back = {name: hours for hours, name in ((0.25, "-0.25h"), (0.5, "-0.5h"), (1, "-1h"), (3, "-3h"))}
    for name, hours in back.items():
        before = load[: newest - pd.Timedelta(hours, "h")].iloc[-1]
        if hours >= width / pd.Timedelta("1h"):
            assert np.allclose(got[f"newest[{name}]"], load[newest] - before, atol=1e-5)
        else:
            assert f"newest[{name}]" not in got


def test_a_gap_gives_way_to_older_values_of_the_same_hour() -> None:
    load = _load(40)
    newest = pd.Timestamp("2024-02-08 09:45", tz="UTC")
    yesterday = newest - pd.Timedelta("1D")
    load[yesterday] = load[newest - pd.Timedelta("1h")] = np.nan
    got = _columns(load, QUARTERS, "2024-02-08 10:00", NewestDepartures())
    assert np.allclose(
        got["newest[yesterday]"], load[newest] - load[yesterday - pd.Timedelta("1D")], atol=1e-5
    )
    assert np.allclose(got["newest[-1h]"], load[newest] - load[newest - pd.Timedelta("75min")], atol=1e-5)


def test_values_that_are_not_published_are_not_used() -> None:
    load = _load(40)
    later = load.copy()
    later["2024-02-08 10:00":] += 100.0
    one, other = (
        _columns(each, QUARTERS, "2024-02-08 10:00", NewestObservation(), NewestDepartures())
        for each in (load, later)
    )
    pd.testing.assert_frame_equal(one, other)


def test_wrong_settings_are_refused() -> None:
    for wrong in ({"hours": (0,)}, {"hours": ()}, {"days": 0}, {"weeks": 53}):
        with pytest.raises(RangeError):
            NewestDepartures(**wrong)


# --- Recipe ---------------------------------------------------------------------------------------


def _weather(*names: str, days: int = 60) -> xr.Dataset:
    """Measured weather of each hour."""
    time = pd.date_range("2024-01-01", periods=24 * days, freq="1h").as_unit("ns").to_numpy()
    noise = np.random.default_rng(5)
    values = {
        "temp_air": 5 + noise.normal(size=len(time)),
        "ghi": np.clip(300 * np.sin(np.pi * (np.arange(len(time)) % 24 - 6) / 12), 0, None),
        "wind_speed_10m": 4 + np.abs(noise.normal(size=len(time))),
        "wind_speed_100m": 8 + 3 * np.repeat(noise.normal(size=len(time) // 6), 6).clip(-2, 2),
    }
    data = {name: (("site", "time"), values[name][None].astype("float32")) for name in names}
    coords = {"site": ["point"], "time": time, "available_time": ("time", time)}
    return xr.Dataset(data, coords=coords, attrs={"kind": "analysis", "source": "made"})


@pytest.mark.parametrize("sector", ["total", "households", "industry"])
def test_sun_and_wind_are_used_where_the_weather_has_them(sector: str) -> None:
    area = ef.DemandArea(name="point", latitude=52.1, longitude=5.2, sector=sector)
    forecaster = ef.Forecaster(area, DAY_AHEAD, model=QUICK, perfect_weather=True)
    power = _observed(_load(60, step="1h"))

    def columns(*names: str) -> set[str]:
        matrix = forecaster.design_matrix(_weather(*names), power, ["2024-02-20 09:00"])
        return set(matrix.columns["point"])

    plain = columns("temp_air")
    assert not any("ghi" in name or "wind" in name for name in plain)
    assert columns("temp_air", "ghi") - plain == {"ghi[mean -1h]", "ghi[mean]", "ghi[mean +1h]"}
    wind = columns("temp_air", "wind_speed_10m", "wind_speed_100m") - plain
    assert {"wind_speed_10m[mean]", "wind_speed_100m[mean]", "wind_speed_100m[mean +1h]"} <= wind


def test_wind_behind_the_meter_is_learnt() -> None:
    weather = _weather("temp_air", "wind_speed_100m", days=90)
    wind = weather["wind_speed_100m"].to_series().droplevel("site").tz_localize("UTC")
    load = _load(90, step="1h").sub(wind, axis=0)  # 1 MW of each m/s
    power = _observed(load)
    model = ef.LightGBMQuantiles(n_estimators=60, folds=0, min_child_samples=20)

    def error(given: xr.Dataset) -> float:
        forecaster = ef.Forecaster(POINT, DAY_AHEAD, model=model, perfect_weather=True)
        forecaster.fit(given, power, as_of="2024-03-10 00:00")
        forecast = forecaster.predict(
            given, power, issue_time=DAY_AHEAD.issue_times("2024-03-11", "2024-03-27")
        )
        return float(ef.evaluation.mae(power, forecast)["value"].iloc[0])

    assert error(weather) < 0.85 * error(weather[["temp_air"]])


# --- The next hours -------------------------------------------------------------------------------


@cache
def _intraday() -> tuple[ef.Forecaster, ef.Observations]:
    power = _observed(_load(60))
    return ef.Forecaster(POINT, QUARTERS).fit(None, power, as_of="2024-02-15 00:00"), power


def test_the_usual_choice_of_the_next_hours_continues_from_the_newest_value() -> None:
    for given in (None, [NewestObservation(), ef.features.LeadTime()]):
        model = ef.Forecaster(POINT, QUARTERS, features=given).model
        assert isinstance(model, ef.models.SelectedModel)
        assert model.candidates is not None
        first = next(iter(model.candidates.values()))
        assert isinstance(first, ef.LightGBMQuantiles)
        assert (first.relative_to, first.calibrate_by) == ("newest", "lead_time")


def test_the_usual_mean_of_industry_returns_to_its_level() -> None:
    works = dataclasses.replace(POINT, sector="industry")
    for site, bases in ((POINT, ["newest", "newest"]), (works, ["newest", "newest", "level"])):
        model = ef.Forecaster(site, QUARTERS).model
        assert isinstance(model, ef.models.SelectedModel)
        assert model.candidates is not None
        assert [model.candidates[name].get_params()["relative_to"] for name in model.usual] == bases


def test_features_without_the_lead_are_not_calibrated_by_it() -> None:
    features = [NewestObservation(), ef.features.LocalHour()]
    model = ef.Forecaster(POINT, QUARTERS, features=features).model
    assert isinstance(model, ef.models.SelectedModel)
    assert model.candidates is not None
    assert all(each.get_params().get("calibrate_by") is None for each in model.candidates.values())


@pytest.mark.slow
def test_leads_are_better_than_persistence_and_each_is_calibrated() -> None:
    forecaster, power = _intraday()
    issued = QUARTERS.issue_times("2024-02-15", "2024-02-29")
    table = forecaster.predict(None, power, issue_time=issued).to_frame()
    outcome = power.values["point"].reindex(table["valid_time"]).to_numpy()
    newest = power.values["point"].reindex(table["issue_time"] - pd.Timedelta("15min")).to_numpy()
    lead = table["lead_hours"].round(2)
    error = (table["q0.5"] - outcome).abs().groupby(lead).mean()
    persistence = pd.Series(np.abs(newest - outcome), index=lead.index).groupby(lead).mean()
    # One model for all leads: at the first, where the newest value is nearly all, its noise shows.
    assert (error.loc[:0.5] < 1.25 * persistence.loc[:0.5]).all(), pd.DataFrame(
        {"ours": error, "newest": persistence}
    )
    assert (error.loc[1:] < 0.9 * persistence.loc[1:]).all()
    assert error.loc[2:].mean() < 0.6 * persistence.loc[2:].mean()
    covered = ((outcome >= table["q0.1"]) & (outcome <= table["q0.9"])).groupby(lead).mean()
    assert covered.between(0.7, 0.95).all()
    assert covered.loc[0.25:].between(0.74, 0.94).all()  # a month is known: rather too wide


@pytest.mark.slow
def test_the_default_of_the_next_hours_is_stored_and_sees_what_was_known_alone(tmp_path: Path) -> None:
    forecaster, power = _intraday()
    again = storage.load(forecaster.save(tmp_path / "point.forecaster"))
    before, after = (one.predict(None, power, issue_time="2024-02-20 10:00") for one in (forecaster, again))
    np.testing.assert_array_equal(before.data.values, after.data.values)
    quick = ef.Forecaster(POINT, QUARTERS, model=QUICK)
    check_no_leakage(quick, None, _observed(_load(45)), issue_time="2024-02-12 10:00")
