"""The forecaster: what it learns from, what it refuses, and what its forecasts say of themselves."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core.observation_series import Observations
from energyforecast.errors import (
    EnergyForecastError,
    MissingDataError,
    NoRunError,
    NotFittedError,
    PerfectWeatherError,
    SchemaError,
    TimeError,
    UnitsError,
)
from energyforecast.features import FeatureSet, Lag, LocalHour, NewestObservation, WindSpeed
from energyforecast.forecasting import storage
from tests.support.error_messages import three_lines
from tests.support.synthetic_data import HOUR, SyntheticSite, analysis_of, replaced, synthetic, with_arrival

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
TASK = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=LEVELS)
SMALL = ef.LightGBMQuantiles(n_estimators=15, folds=0, learning_rate=0.3)
#: 08:00 UTC; the newest run that had arrived is that of 00:00, the window 23:00 to 23:00 UTC.
ISSUED = "2024-02-20 09:00"
WINDOW = np.datetime64("2024-02-20T23", "ns") + np.arange(24) * HOUR


@cache
def _synthetic_site(sites: int = 1) -> SyntheticSite:
    return synthetic(sites=sites)


def _forecaster(given: SyntheticSite, **changes: Any) -> ef.Forecaster:
    return ef.Forecaster(given.sites, TASK, **({"model": SMALL} | changes))


@cache
def _fitted() -> ef.Forecaster:
    given = _synthetic_site()
    return _forecaster(given).fit(given.weather, given.power, as_of="2024-02-15 00:00")


def _valid(weather: xr.Dataset) -> np.ndarray:
    return weather["init_time"].values[:, None] + weather["lead_time"].values


def _hole(weather: xr.Dataset, name: str, cells: np.ndarray) -> xr.Dataset:
    return replaced(weather, name, np.where(cells, np.nan, weather[name].values))


def _runs(weather: xr.Dataset, start: str, end: str) -> np.ndarray:
    init = weather["init_time"].values
    return (init >= np.datetime64(start)) & (init < np.datetime64(end))


def _sound(forecast: ef.Forecast) -> bool:
    inside = forecast.data.values[:, forecast.inside]
    capacity = forecast.data["capacity"].values[:, None, None]
    return bool(
        np.isfinite(inside).all()
        and (np.diff(inside) >= 0).all()
        and ((inside >= 0) & (inside <= capacity)).all()
    )


# --- Forecast weather -----------------------------------------------------------------------------


def test_a_forecast_covers_the_next_local_day_and_says_how_it_was_made() -> None:
    given = _synthetic_site()
    forecast = _fitted().predict(given.weather, given.power, issue_time=ISSUED)
    np.testing.assert_array_equal(forecast.data["valid_time"].values[0], WINDOW)
    assert forecast.sites == ("farm 0",)
    assert forecast.quantiles == LEVELS
    assert forecast.data["weather_init_time"].values == np.datetime64("2024-02-20T00")
    assert forecast.data["fallback_level"].values == 0
    assert forecast.data.attrs["model"] == "LightGBMQuantiles"
    assert forecast.data.attrs["units"] == "MW"
    assert not forecast.perfect_weather
    assert forecast.caveats == ()
    assert "perfect" not in repr(forecast) + repr(_fitted())
    assert _sound(forecast)


def test_forecasts_learn_from_the_weather() -> None:
    given = _synthetic_site()
    origins = TASK.issue_times("2024-02-16", "2024-02-28")
    climatology = _forecaster(given, model=ef.Climatology()).fit(
        given.weather, given.power, as_of="2024-02-15 00:00"
    )
    loss = {}
    for name, forecaster in (("model", _fitted()), ("climatology", climatology)):
        table = forecaster.predict(given.weather, given.power, issue_time=origins).to_frame()
        error = (
            given.power.values["farm 0"].reindex(table["valid_time"]).to_numpy() - table["q0.5"].to_numpy()
        )
        loss[name] = np.abs(error).mean()
        inside = (error <= table["q0.95"] - table["q0.5"]) & (error >= table["q0.05"] - table["q0.5"])
        assert inside.mean() > 0.6
    assert loss["model"] < 0.5 * loss["climatology"]


def test_many_issues_are_forecast_as_one_by_one() -> None:
    given = _synthetic_site()
    forecaster = _forecaster(given, features=ef.recipe(given.site) + NewestObservation() + Lag("24h"))
    forecaster.fit(given.weather, given.power, as_of="2024-02-15 00:00")
    origins = TASK.issue_times("2024-02-16", "2024-02-22")
    together = forecaster.predict(given.weather, given.power, issue_time=origins[::-1])
    assert list(together.issue_times) == list(origins)
    for origin in origins:
        alone = forecaster.predict(given.weather, given.power, issue_time=origin)
        assert together.sel(issue_time=origin).data.identical(alone.data)


@pytest.mark.parametrize("moment", ["2024-02-20 09:00", "2024-02-20 08:00Z", "2024-02-20T13:00+05:00"])
def test_strings_without_offset_are_read_in_the_tasks_zone(moment: str) -> None:
    given = _synthetic_site()
    forecast = _fitted().predict(given.weather, issue_time=moment)
    assert forecast.issue_times[0] == pd.Timestamp("2024-02-20 08:00", tz="UTC")


def test_a_stale_archive_is_refused_now() -> None:
    given = _synthetic_site()
    with pytest.raises(NoRunError):
        _fitted().predict(given.weather, given.power)


def test_sites_are_forecast_as_each_alone() -> None:
    given = _synthetic_site(sites=2)
    own = ef.recipe(given.site) - "NeighbourWind" - "NeighbourWindComponents"
    together = ef.Forecaster(given.sites, TASK, features=own, model=SMALL)
    together.fit(given.weather, given.power, as_of="2024-02-15 00:00")
    forecast = together.predict(given.weather, given.power, issue_time=ISSUED)
    assert _sound(forecast)
    for site in given.sites:
        alone = ef.Forecaster(site, TASK, features=own, model=SMALL)
        alone.fit(given.weather, given.power[[site.name]], as_of="2024-02-15 00:00")
        expected = alone.predict(given.weather, given.power, issue_time=ISSUED)
        # Attributes name the training data, which are more together.
        assert forecast.sel(site=site.name).data.equals(expected.data)


def test_a_neighbour_is_looked_at_as_another_site_would_be_and_is_not_forecast(tmp_path: Path) -> None:
    given = _synthetic_site(2)
    one, other = given.sites
    model = ef.LightGBMQuantiles(n_estimators=5, folds=0)
    task = _forecaster(given).task
    both = ef.Forecaster(given.sites, task, model=model).fit(given.weather, given.power)
    alone = ef.Forecaster(one, task, model=model, neighbours=other)
    alone.fit(given.weather, given.power[[one.name]])
    forecast = alone.predict(given.weather, issue_time=ISSUED)
    assert forecast.sites == (one.name,)
    expected = both.predict(given.weather, issue_time=ISSUED).data.sel(site=one.name)
    np.testing.assert_array_equal(forecast.data.sel(site=one.name).values, expected.values)
    again = ef.load(alone.save(tmp_path / "one.forecaster"))
    assert again.neighbours == alone.unfitted().neighbours == (other,)
    assert again.predict(given.weather, issue_time=ISSUED).data.identical(forecast.data)


def test_a_neighbour_has_a_name_of_its_own_and_weather() -> None:
    given = _synthetic_site(2)
    one, other = given.sites
    task = _forecaster(given).task
    with pytest.raises(SchemaError) as caught:
        ef.Forecaster(one, task, neighbours=[one])
    three_lines(caught.value, repr(one.name))
    elsewhere = replace(other, name="elsewhere")
    with pytest.raises(SchemaError) as caught:
        ef.Forecaster(one, task, neighbours=elsewhere).fit(given.weather, given.power[[one.name]])
    three_lines(caught.value, "elsewhere")


def test_pooled_sites_share_a_model_and_keep_their_capacities() -> None:
    given = _synthetic_site(sites=2)
    forecaster = _forecaster(given, pooled=True).fit(given.weather, given.power, as_of="2024-02-15 00:00")
    assert forecaster.models_["farm 0"] is forecaster.models_["farm 1"]
    assert forecaster.training_.rows["farm 0"] == forecaster.training_.rows["farm 1"]
    forecast = forecaster.predict(
        given.weather, given.power, issue_time=TASK.issue_times("2024-02-16", "2024-02-25")
    )
    assert _sound(forecast)
    table = forecast.to_frame()
    for name, capacity in (("farm 0", 10.0), ("farm 1", 20.0)):
        own = table[table["site"] == name]
        outcome = given.power.values[name].reindex(own["valid_time"]).to_numpy()
        assert np.abs(outcome - own["q0.5"]).mean() < 0.2 * capacity
        assert own["q0.5"].max() > 0.55 * capacity


# --- Perfect weather ------------------------------------------------------------------------------


def test_an_analysis_is_refused_unless_perfect_weather_is_said() -> None:
    given = _synthetic_site()
    analysis = analysis_of(given)
    attempts = {
        "fit": lambda: _forecaster(given).fit(analysis, given.power),
        "predict": lambda: _fitted().predict(analysis, given.power, issue_time=ISSUED),
        "backtest": lambda: ef.backtest(
            _forecaster(given), analysis, given.power, start="2024-02-20", end="2024-02-22"
        ),
        "one of two": lambda: _forecaster(given).fit({"ifs": given.weather, "era5": analysis}, given.power),
    }
    for attempt in attempts.values():
        with pytest.raises(PerfectWeatherError) as caught:
            attempt()
        three_lines(caught.value, "after the fact", "issue time", "perfect_weather=True")
        assert "perfect_weather = true under [weather]" in caught.value.remedy, "for configurations"


def test_weather_that_does_not_reach_the_window_is_refused_with_the_period_that_it_covers() -> None:
    given = _synthetic_site()
    analysis = analysis_of(given)
    first = str(analysis["time"].values[0])[:10]
    fitted = _forecaster(given, perfect_weather=True).fit(analysis, given.power)
    with pytest.raises(MissingDataError) as caught:
        fitted.predict(analysis, given.power, issue_time="2030-01-01 09:00")
    three_lines(caught.value, f"The weather covers {first} 00:00 to ", "(1 issue time in all)", ":00 UTC (")
    assert ":00:00.000" not in str(caught.value)
    assert "run" not in caught.value.expected.split(), "an analysis has none"


def test_perfect_weather_is_said_everywhere(tmp_path: Path) -> None:
    given = _synthetic_site()
    analysis = analysis_of(given)
    said = "perfect weather (a synthetic analysis): not forecast skill"
    forecaster = _forecaster(given, perfect_weather=True)
    assert "perfect weather" in repr(forecaster)
    forecast = forecaster.fit(analysis, given.power).predict(analysis, given.power, issue_time=ISSUED)
    assert "perfect weather" in repr(forecaster)
    assert "perfect weather" in repr(forecast)
    assert forecast.perfect_weather
    assert forecast.caveats == (said,)
    assert np.isnat(forecast.data["weather_init_time"].values).all()
    text = " ".join(
        item.get_text() for item in forecast.plot(given.power).findobj(lambda item: hasattr(item, "get_text"))
    )
    assert said in text
    assert pd.read_csv(forecast.write_csv(tmp_path / "forecast.csv"))["caveat"].eq(said).all()
    assert ef.Forecast.load(forecast.save(tmp_path / "forecast.nc")).caveats == (said,)
    again = ef.load(forecaster.save(tmp_path / "farm.forecaster"))
    assert "perfect weather" in repr(again)
    with pytest.raises(PerfectWeatherError):
        ef.load(_fitted().save(tmp_path / "honest.forecaster")).predict(analysis, issue_time=ISSUED)


# --- Weather that is missing ----------------------------------------------------------------------


def test_missing_weather_in_the_window_is_refused_with_site_variable_and_hour() -> None:
    given = _synthetic_site()
    weather = _hole(given.weather, "temp_air", _valid(given.weather) == WINDOW[5])
    with pytest.raises(NoRunError) as caught:
        _fitted().predict(weather, given.power, issue_time=ISSUED)
    three_lines(caught.value, "'farm 0'", "temp_air", "2024-02-21 04:00")
    with pytest.raises(NoRunError) as caught:
        _forecaster(given).fit(weather, given.power)
    three_lines(caught.value, "'farm 0'", "temp_air", "2024-02-21 04:00", "missing='drop'")


def test_missing_hours_of_an_analysis_are_refused_with_site_variable_and_hour() -> None:
    given = _synthetic_site()
    analysis = analysis_of(given)
    holed = _hole(analysis, "pressure", analysis["time"].values == WINDOW[7])
    forecaster = _forecaster(given, perfect_weather=True).fit(analysis, given.power)
    for attempt in (
        lambda: forecaster.predict(holed, given.power, issue_time=ISSUED),
        lambda: _forecaster(given, perfect_weather=True).fit(holed, given.power),
    ):
        with pytest.raises(MissingDataError) as caught:
            attempt()
        three_lines(caught.value, "'farm 0'", "pressure", "2024-02-21 06:00")


def test_weather_missing_beside_the_window_is_no_error() -> None:
    given = _synthetic_site()
    weather = _hole(given.weather, "temp_air", _valid(given.weather) == WINDOW[0] - 2 * HOUR)
    assert _fitted().predict(weather, issue_time=ISSUED).data["fallback_level"].values == 0


def test_an_issue_before_any_run_had_arrived_is_refused() -> None:
    given = _synthetic_site()
    with pytest.raises(NoRunError) as caught:
        _fitted().predict(given.weather, issue_time="2024-01-01 06:00Z")
    three_lines(caught.value, "'farm 0'", "2024-01-01 06:00", "no run had arrived")


def test_runs_that_do_not_reach_the_end_of_the_window_are_refused() -> None:
    given = _synthetic_site()
    with pytest.raises(NoRunError) as caught:
        _fitted().predict(given.weather.isel(lead_time=slice(0, 31)), issue_time=ISSUED)
    three_lines(caught.value, "'farm 0'", "2024-02-20 00:00", "2024-02-21 06:00", "2024-02-21 22:00")


def test_an_archive_in_which_no_run_ever_arrived_is_refused() -> None:
    given = _synthetic_site()
    empty = with_arrival(given.weather, np.full(given.weather.sizes["init_time"], np.datetime64("NaT", "ns")))
    with pytest.raises(NoRunError) as caught:
        _forecaster(given).fit(empty, given.power)
    three_lines(caught.value, "available_time")
    with pytest.raises(NoRunError) as caught:
        _fitted().predict(empty, issue_time=ISSUED)
    three_lines(caught.value, "no run had arrived")
    assert _fitted().predict(empty, issue_time=ISSUED, strict=False).data["fallback_level"].values == 3


def test_an_archive_without_runs_is_refused() -> None:
    given = _synthetic_site()
    for attempt in (
        lambda empty: _forecaster(given).fit(empty, given.power),
        lambda empty: _fitted().predict(empty, issue_time=ISSUED),
    ):
        with pytest.raises(SchemaError) as caught:
            attempt(given.weather.isel(init_time=slice(0, 0)))
        three_lines(caught.value, "empty")


def test_a_run_older_than_any_of_training_is_refused() -> None:
    given = _synthetic_site()
    stale = given.weather.isel(init_time=~_runs(given.weather, "2024-02-19T12", "2024-03-01"))
    assert _fitted().training_.oldest_weather == {"": 8.0}
    with pytest.raises(NoRunError) as caught:
        _fitted().predict(stale, issue_time=ISSUED)
    three_lines(caught.value, "'farm 0'", "26 h old", "8 h old", "strict=False")


@pytest.mark.parametrize("moment", ["2024-02-20 09:00:30", "2024-02-20 09:25"])
def test_an_issue_some_minutes_late_is_answered_in_full(moment: str) -> None:
    """In operation nobody issues on the stroke of the hour; no newer run has come by then."""
    given = _synthetic_site()
    forecast = _fitted().predict(given.weather, given.power, issue_time=moment)
    assert forecast.data["weather_init_time"].values == np.datetime64("2024-02-20T00")
    assert forecast.data["fallback_level"].values == 0


def test_a_model_learnt_in_summer_time_is_used_in_winter() -> None:
    """At 09:00 in Paris the run of 00:00 UTC is 7 h old in summer, 8 h in winter: no lateness at all."""
    given = synthetic(start="2024-09-25", days=45)
    forecaster = _forecaster(given).fit(given.weather, given.power, as_of="2024-10-25 00:00")
    forecast = forecaster.predict(given.weather, issue_time="2024-11-01 09:00")
    assert forecast.data["fallback_level"].values == 0


@pytest.mark.parametrize("case", ["hole", "no run yet", "short", "stale"])
def test_without_strict_a_sound_marked_climatology_answers(case: str) -> None:
    given = _synthetic_site()
    weather, moment = given.weather, ISSUED
    if case == "hole":
        weather = _hole(weather, "temp_air", _valid(weather) == WINDOW[5])
    elif case == "no run yet":
        moment = "2024-01-01 06:00Z"
    elif case == "short":
        weather = weather.isel(lead_time=slice(0, 31))
    else:
        weather = weather.isel(init_time=~_runs(weather, "2024-02-19T12", "2024-03-01"))
    forecast = _fitted().predict(weather, given.power, issue_time=moment, strict=False)
    assert forecast.data["fallback_level"].values.tolist() == [[3]]
    assert _sound(forecast)
    known = given.power.values["farm 0"][:"2024-02-14 19:00"]
    spread = np.quantile(known, LEVELS)
    assert np.abs(forecast.data.values[0, 0].mean(axis=0) - np.clip(spread, 0, None)).max() < 1.0


def test_without_strict_issues_with_weather_are_answered_in_full() -> None:
    given = _synthetic_site()
    weather = _hole(given.weather, "temp_air", _valid(given.weather) == WINDOW[5])
    origins = TASK.issue_times("2024-02-20", "2024-02-22")
    forecast = _fitted().predict(weather, issue_time=origins, strict=False)
    assert forecast.data["fallback_level"].values.tolist() == [[0, 3, 0]]
    full = _fitted().predict(given.weather, issue_time=origins)
    np.testing.assert_array_equal(forecast.data.values[0, [0, 2]], full.data.values[0, [0, 2]])
    assert _sound(forecast)


def test_an_older_run_as_late_as_in_training_answers_for_an_incomplete_one() -> None:
    given = _synthetic_site()
    broken = _runs(given.weather, "2024-01-20", "2024-01-20T01") | _runs(
        given.weather, "2024-02-20", "2024-02-20T01"
    )
    weather = _hole(given.weather, "temp_air", broken[:, None] & (np.arange(73) == 30))
    forecaster = _forecaster(given).fit(weather, given.power, as_of="2024-02-15 00:00")
    assert forecaster.training_.oldest_weather == {"": 14.0}
    assert forecaster.training_.usual_weather == {"": 8.0}
    forecast = forecaster.predict(weather, issue_time=TASK.issue_times("2024-02-20", "2024-02-22"))
    assert forecast.data["fallback_level"].values.tolist() == [[0, 1, 0]]
    assert forecast.data["weather_init_time"].values[0, 1] == np.datetime64("2024-02-19T18")
    with pytest.raises(NoRunError):
        _fitted().predict(weather, issue_time=ISSUED)  # one that has never seen such a late run


def test_an_older_run_is_marked_even_where_training_often_used_such() -> None:
    given = _synthetic_site()
    hour = given.weather["init_time"].values.astype("datetime64[h]").astype(int)
    broken = (hour % 72 == 0) | _runs(given.weather, "2024-02-20", "2024-02-20T01")
    weather = _hole(given.weather, "temp_air", broken[:, None] & (np.arange(73) == 30))
    forecaster = _forecaster(given).fit(weather, given.power, as_of="2024-02-15 00:00")
    assert forecaster.training_.usual_weather == {"": 14.0}
    forecast = forecaster.predict(weather, issue_time=ISSUED)
    assert forecast.data["weather_init_time"].values == np.datetime64("2024-02-19T18")
    assert forecast.data["fallback_level"].values == 1


def test_origins_without_weather_are_left_out_and_counted_if_asked() -> None:
    given = _synthetic_site()
    whole = _forecaster(given).fit(given.weather, given.power).training_
    lost = given.weather.isel(init_time=~_runs(given.weather, "2024-01-20", "2024-01-25"))
    with pytest.raises(NoRunError, match="issue times in all"):
        _forecaster(given).fit(lost, given.power)
    forecaster = _forecaster(given).fit(lost, given.power, missing="drop")
    # The run of 19 January 18:00 reaches the 22nd, 18:00: to the end of the window issued on the 20th.
    assert whole.without_weather == 0
    assert forecaster.training_.without_weather == 4
    assert forecaster.training_.origins == whole.origins - 4
    assert forecaster.training_.rows["farm 0"] == whole.rows["farm 0"] - 96


def test_history_that_was_never_published_is_refused_or_answered_by_climatology() -> None:
    given = _synthetic_site()
    forecaster = _forecaster(given, model=ef.Persistence()).fit(
        given.weather, given.power, as_of="2024-02-15 00:00"
    )
    silent = replace(given.power, values=given.power.values * np.nan)
    with pytest.raises(MissingDataError) as caught:
        forecaster.predict(given.weather, silent, issue_time=ISSUED)
    three_lines(caught.value, "'farm 0'")
    forecast = forecaster.predict(given.weather, silent, issue_time=ISSUED, strict=False)
    assert forecast.data["fallback_level"].values == 3
    assert _sound(forecast)


def test_lags_without_observations_are_refused() -> None:
    given = _synthetic_site()
    forecaster = _forecaster(given, model=ef.Persistence()).fit(given.weather, given.power)
    with pytest.raises(MissingDataError) as caught:
        forecaster.predict(given.weather, issue_time=ISSUED)
    three_lines(caught.value, "lagged observations")


# --- Outcomes -------------------------------------------------------------------------------------


def test_missing_and_flagged_outcomes_are_left_out_and_counted() -> None:
    given = _synthetic_site()
    whole = _forecaster(given).fit(given.weather, given.power).training_
    values, flags = given.power.values.copy(), pd.DataFrame(0, index=given.power.index, columns=["farm 0"])
    values.iloc[100:105] = np.nan
    values.iloc[200:210] = 9999.0
    flags.iloc[200:210] = int(ef.Flag.SPIKE)
    flags.iloc[300:310] = int(ef.Flag.NIGHT_GENERATION)  # noted, yet fit for use
    power = Observations(values, published_after="2h", flags=flags)
    forecaster = _forecaster(given).fit(given.weather, power)
    assert whole.without_outcome == {"farm 0": 0}
    assert forecaster.training_.without_outcome == {"farm 0": 15}
    assert forecaster.training_.rows["farm 0"] == whole.rows["farm 0"] - 15
    gone = replace(power, values=values.where(flags != int(ef.Flag.SPIKE)), flags=None)
    assert storage.parts(forecaster) == storage.parts(_forecaster(given).fit(given.weather, gone))


def test_each_site_leaves_out_its_own_outcomes() -> None:
    given = _synthetic_site(sites=2)
    values = given.power.values.copy()
    values.iloc[100:105, 1] = np.nan
    training = _forecaster(given).fit(given.weather, replace(given.power, values=values)).training_
    assert training.without_outcome == {"farm 0": 0, "farm 1": 5}
    assert training.rows["farm 0"] == training.rows["farm 1"] + 5


def test_nothing_but_missing_outcomes_is_refused() -> None:
    given = _synthetic_site(sites=2)
    values = given.power.values.copy()
    values["farm 1"] = np.nan
    with pytest.raises(MissingDataError) as caught:
        _forecaster(given, model=ef.Climatology()).fit(given.weather, replace(given.power, values=values))
    three_lines(caught.value, "'farm 1'", "no published outcome")


@pytest.mark.parametrize("published_after", ["2h", None], ids=["fixed delay", "recorded times"])
def test_a_fit_as_of_a_time_is_a_fit_on_what_was_published_by_then(published_after: str | None) -> None:
    given = synthetic(published_after=published_after)
    features = ef.recipe(given.site) + NewestObservation()
    moment = np.datetime64("2024-02-10T08:30")
    unpublished = ~(given.power.published <= moment)
    then = replace(given.power, values=given.power.values.mask(unpublished))
    as_of = _forecaster(given, features=features).fit(given.weather, given.power, as_of="2024-02-10 08:30Z")
    on_then = _forecaster(given, features=features).fit(given.weather, then)
    after = _forecaster(given, features=features).fit(given.weather, given.power, as_of="2024-02-10 09:30Z")
    assert storage.parts(as_of) == storage.parts(on_then)
    assert storage.parts(as_of) != storage.parts(after)


def test_a_fit_before_anything_was_published_is_refused() -> None:
    given = _synthetic_site()
    for moment in ("2023-12-01 00:00", "2024-01-01 10:00"):
        with pytest.raises(MissingDataError) as caught:
            _forecaster(given, model=ef.Climatology()).fit(given.weather, given.power, as_of=moment)
        three_lines(caught.value, "as of")


def test_a_second_fit_forgets_the_first() -> None:
    given = _synthetic_site()
    twice = (
        _forecaster(given)
        .fit(given.weather, given.power)
        .fit(given.weather.drop_vars("pressure"), given.power)
    )
    once = _forecaster(given).fit(given.weather.drop_vars("pressure"), given.power)
    assert storage.dump(twice) == storage.dump(once)


def test_a_forecaster_that_has_learnt_nothing_is_refused() -> None:
    given = _synthetic_site()
    with pytest.raises(NotFittedError) as caught:
        _forecaster(given).predict(given.weather, issue_time=ISSUED)
    three_lines(caught.value, "'farm 0'")


# --- Wrong data -----------------------------------------------------------------------------------


def test_another_frequency_than_the_tasks_is_refused() -> None:
    given = _synthetic_site()
    longer = given.power.resample("2h")
    for attempt in (
        lambda: _forecaster(given).fit(given.weather, longer),
        lambda: _fitted().predict(given.weather, longer, issue_time=ISSUED),
    ):
        with pytest.raises(TimeError) as caught:
            attempt()
        three_lines(caught.value, "every 2h", "every 1h", "frequency='2h'")


def test_kilowatts_are_refused() -> None:
    given = _synthetic_site()
    kilowatts = replace(given.power, values=given.power.values * 1000)
    for attempt in (
        lambda: _forecaster(given).fit(given.weather, kilowatts),
        lambda: _fitted().predict(given.weather, kilowatts, issue_time=ISSUED),
    ):
        with pytest.raises(UnitsError) as caught:
            attempt()
        three_lines(caught.value, "'farm 0'", "kW", "10 MW")


@pytest.mark.parametrize(
    "wrong", [lambda x: x * 3.6, lambda x: x.where(x < 0, 120.0)], ids=["km/h", "a gale"]
)
def test_wind_that_cannot_be_is_refused(wrong: Any) -> None:
    given = _synthetic_site()
    weather = given.weather.assign(wind_speed_100m=wrong(given.weather["wind_speed_100m"]))
    with pytest.raises(EnergyForecastError) as caught:
        _fitted().predict(weather, issue_time=ISSUED)
    three_lines(caught.value, "wind_speed_100m", "'farm 0'")


def test_a_site_that_weather_or_observations_lack_is_refused() -> None:
    given = _synthetic_site(sites=2)
    first = ["farm 0"]
    misspelt = replace(given.power, values=given.power.values.rename(columns={"farm 1": "farm one"}))
    for weather, power in ((given.weather.sel(site=first), given.power), (given.weather, misspelt)):
        with pytest.raises(SchemaError) as caught:
            _forecaster(given).fit(weather, power)
        three_lines(caught.value, "'farm 1'")


def test_other_variables_than_in_fit_are_refused() -> None:
    given = _synthetic_site()
    with pytest.raises(SchemaError) as caught:
        _fitted().predict(given.weather.drop_vars("pressure"), issue_time=ISSUED)
    three_lines(caught.value, "pressure", "fitted on")
    with pytest.raises(SchemaError):
        _fitted().predict({"ifs": given.weather}, issue_time=ISSUED)


def test_variables_that_no_feature_uses_make_no_difference() -> None:
    given = _synthetic_site()
    more = given.weather.assign(temp_dew=given.weather["temp_air"] - np.nan)
    forecast = _fitted().predict(more, issue_time=ISSUED)
    assert forecast.data.identical(_fitted().predict(given.weather, issue_time=ISSUED).data)


# --- The clock ------------------------------------------------------------------------------------


def _shifted(power: Observations, hours: int) -> Observations:
    return replace(power, values=power.values.shift(hours))


@pytest.mark.parametrize("hours", [-2, -1, 1, 2])
def test_power_labelled_by_another_clock_is_refused(hours: int) -> None:
    given = _synthetic_site()
    with pytest.raises(TimeError) as caught:
        _forecaster(given).fit(given.weather, _shifted(given.power, hours))
    three_lines(caught.value, "'farm 0'", "after" if hours > 0 else "before", "label='ending'")


def test_only_the_site_with_the_wrong_clock_is_named() -> None:
    given = _synthetic_site(sites=2)
    values = given.power.values.copy()
    values["farm 1"] = values["farm 1"].shift(1)
    with pytest.raises(TimeError, match="'farm 1'"):
        _forecaster(given).fit(given.weather, replace(given.power, values=values))


def test_a_clock_that_is_trusted_is_not_compared(tmp_path: Path) -> None:
    given = _synthetic_site()
    forecaster = ef.Forecaster(given.site, TASK, model=ef.Climatology(), trust_clock=True)
    fitted = forecaster.fit(given.weather, _shifted(given.power, 2))
    assert fitted.unfitted().trust_clock
    assert ef.load(fitted.save(tmp_path / "farm.forecaster")).trust_clock


def test_interval_ending_power_declared_beginning_is_refused_at_la_haute_borne() -> None:
    site, weather, power = ef.datasets.la_haute_borne()
    weather, power = weather.sel(time="2014"), power["2014"]
    features = FeatureSet((WindSpeed(), LocalHour()))
    forecaster = ef.Forecaster(site, TASK, features=features, model=ef.Climatology(), perfect_weather=True)
    forecaster.fit(weather, power)
    with pytest.raises(TimeError) as caught:
        forecaster.fit(weather, _shifted(power, 1))
    three_lines(caught.value, "'La Haute Borne'", "after the wind")


# --- Windows --------------------------------------------------------------------------------------


def _predicted(given: SyntheticSite, task: ef.Task, *days: str) -> ef.Forecast:
    forecaster = ef.Forecaster(given.site, task, model=SMALL).fit(given.weather, given.power)
    return forecaster.predict(given.weather, given.power, issue_time=task.issue_times(*days))


@pytest.mark.parametrize(
    ("zone", "start", "days", "hours"),
    [
        ("Europe/Paris", "2024-03-10", ("2024-03-30", "2024-04-01"), [24, 23, 24]),
        ("Europe/Paris", "2024-10-06", ("2024-10-26", "2024-10-28"), [24, 25, 24]),
        ("Asia/Almaty", "2024-02-08", ("2024-02-28", "2024-03-01"), [24, 25, 24]),
    ],
    ids=["spring", "autumn", "Kazakhstan's change"],
)
def test_days_of_23_and_25_hours_are_covered_whole(
    zone: str, start: str, days: tuple[str, str], hours: list[int]
) -> None:
    given = synthetic(start=start, days=30, timezone=zone)
    task = ef.day_ahead("08:00", timezone=zone, quantiles=LEVELS)
    forecast = _predicted(given, task, *days)
    assert forecast.inside.sum(axis=1).tolist() == hours
    assert np.isfinite(forecast.data.values).all(axis=(0, 3)).tolist() == forecast.inside.tolist()
    assert np.isnan(forecast.data.values[:, ~forecast.inside]).all()
    table = forecast.to_frame()
    assert len(table) == sum(hours)
    assert (table["valid_time"].diff().dropna() == pd.Timedelta("1h")).all()
    local = table["valid_time"].dt.tz_convert(zone)
    assert local.dt.date.nunique() == 3
    assert local.iloc[0].hour == 0
    assert local.iloc[-1].hour == 23
    assert _sound(forecast)


def test_a_task_of_several_days_is_covered_whole() -> None:
    given = synthetic(days=30)
    task = ef.day_ahead("09:00", timezone="Europe/Paris", days=2, quantiles=LEVELS)
    forecast = _predicted(given, task, "2024-01-20", "2024-01-21")
    assert forecast.inside.sum(axis=1).tolist() == [48, 48]
    assert forecast.data["lead_time"].values[[0, -1]].tolist() == [15 * 3.6e12, 62 * 3.6e12]
    assert _sound(forecast)


def test_an_intraday_forecast_begins_with_its_issue() -> None:
    given = synthetic(days=30)
    task = ef.intraday(every="6h", leads="12h", quantiles=LEVELS)
    features = ef.recipe(given.site) + NewestObservation()
    forecaster = ef.Forecaster(given.site, task, features=features, model=SMALL).fit(
        given.weather, given.power
    )
    forecast = forecaster.predict(
        given.weather, given.power, issue_time=["2024-01-20 12:00", "2024-01-20 18:00"]
    )
    first = forecast.data["valid_time"].values
    assert first[0, ~np.isnat(first[0])][0] == np.datetime64("2024-01-20T12")
    assert first[1, ~np.isnat(first[1])][0] == np.datetime64("2024-01-20T18")
    assert forecast.inside.sum(axis=1).tolist() == [12, 12]
    assert _sound(forecast)
