"""Nothing that was not known reaches a feature, a model or a forecast; and a library that leaks is caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import energyforecast as ef
from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.errors import LeakageError
from energyforecast.features import Lag, NewestObservation
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.point_in_time import gathering, history, weather_access
from energyforecast.point_in_time.snapshot import Snapshot
from energyforecast.testing import check_no_leakage, poison_observations, poison_weather
from tests.support.synthetic_data import HOUR, SyntheticSite, analysis_of, replaced, synthetic, with_arrival

TASK = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))
#: 08:00 UTC: the run of 06:00 exists but arrives at 13:00; power is known up to 06:00.
MOMENT = pd.Timestamp("2024-02-10 09:00", tz="Europe/Paris")
SMALL = ef.LightGBMQuantiles(n_estimators=15, folds=0)
LAGS = (NewestObservation(), Lag("24h"), Lag("48h", step="24h"))
DELAY = pd.Timedelta("2h")


def _forecaster(given: SyntheticSite, **changes: Any) -> ef.Forecaster:
    chosen = {"model": SMALL, "features": ef.recipe(given.site) + LAGS} | changes
    return ef.Forecaster(given.sites, TASK, **chosen)


# --- An honest library passes ---------------------------------------------------------------------


@pytest.mark.parametrize("published_after", ["2h", None], ids=["fixed delay", "recorded times"])
@pytest.mark.parametrize("per_lead", ["0min", "5min"], ids=["whole runs", "run by run and lead by lead"])
def test_wind_on_forecast_weather_with_lags_passes(published_after: str | None, per_lead: str) -> None:
    given = synthetic(published_after=published_after, per_lead=per_lead)
    check_no_leakage(_forecaster(given), given.weather, given.power, issue_time=MOMENT)


@pytest.mark.parametrize(
    "model", [ef.Climatology(), ef.Persistence(), ef.SeasonalNaive()], ids=lambda model: type(model).__name__
)
def test_references_pass(model: ef.QuantileModel) -> None:
    given = synthetic()
    check_no_leakage(
        _forecaster(given, model=model, features=None), given.weather, given.power, issue_time=MOMENT
    )


def test_two_weather_models_pass() -> None:
    given, other = synthetic(), synthetic(every=12, delay="9h", per_lead="2min", seed=5)
    weather = {"fast": given.weather, "slow": other.weather}
    check_no_leakage(_forecaster(given), weather, given.power, issue_time=MOMENT)


def test_intraday_passes() -> None:
    given = synthetic(days=30)
    task = ef.intraday(every="6h", leads="12h", quantiles=(0.1, 0.5, 0.9))
    forecaster = ef.Forecaster(given.site, task, features=ef.recipe(given.site) + LAGS, model=SMALL)
    check_no_leakage(forecaster, given.weather, given.power, issue_time="2024-01-20 12:00")


def test_perfect_weather_of_la_haute_borne_passes() -> None:
    site, weather, power = ef.datasets.la_haute_borne()
    forecaster = ef.Forecaster(site, TASK, features=ef.recipe(site) + LAGS, model=SMALL, perfect_weather=True)
    weather, power = weather.sel(time=slice("2014-01", "2014-04")), power["2014-01":"2014-04"]
    check_no_leakage(forecaster, weather, power, issue_time="2014-04-01 09:00")


@ef.feature(weather=["wind_speed_100m"], margin="2h")
def upwind(now: Snapshot) -> dict[str, Any]:
    """The neighbour's wind, two hours ago."""
    other = next(site.name for site in now.sites if site.name != now.site.name)
    return {"upwind": now.at(other).shift("wind_speed_100m", hours=-2)}


def test_pooled_sites_that_look_at_their_neighbour_pass() -> None:
    given = synthetic(sites=2)
    forecaster = _forecaster(given, features=ef.recipe(given.site) + LAGS + upwind, pooled=True)
    check_no_leakage(forecaster, given.weather, given.power, issue_time=MOMENT)


# --- A library that leaks is caught ---------------------------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], None]


def _plant(name: str, of: Any = weather_access) -> Callable[[Callable[..., Any]], Plant]:
    """Put a faulty function, which is given the right one first, in its place."""

    def wrap(faulty: Callable[..., Any]) -> Plant:
        right = getattr(of, name)

        def plant(patch: pytest.MonkeyPatch) -> None:
            patch.setattr(of, name, lambda *args, **kwargs: faulty(right, *args, **kwargs))

        plant.__name__ = faulty.__name__
        return plant

    return wrap


def _refused(given: SyntheticSite, forecaster: ef.Forecaster | None = None, weather: Any = None) -> str:
    with pytest.raises(LeakageError) as caught:
        check_no_leakage(
            forecaster or _forecaster(given),
            given.weather if weather is None else weather,
            given.power,
            issue_time=MOMENT,
        )
    assert len(str(caught.value).splitlines()) == 3
    return str(caught.value)


@_plant("_not_yet")
def initialised_is_available(right: Any, arrived: Any, issued: Any) -> Any:
    return np.zeros(arrived.shape, dtype=bool)


@_plant("_step_back_to_arrived")
def newest_run_at_once(right: Any, pending: Any, run: Any, arrived: Any, issued: Any) -> Any:
    return pending, run


@_plant("_not_yet")
def one_hour_too_early(right: Any, arrived: Any, issued: Any) -> Any:
    return right(arrived, issued + 6 * 3_600_000_000_000)


@pytest.mark.parametrize("plant", [initialised_is_available, newest_run_at_once, one_hour_too_early])
def test_weather_that_had_not_arrived_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    given = synthetic()
    plant(monkeypatch)
    message = _refused(given)
    assert "'farm 0'" in message
    assert "'wind_speed_100m[mean]' of the origin" in message


def test_weather_that_had_not_arrived_is_caught_in_the_second_of_two_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = synthetic()
    punctual = with_arrival(given.weather, given.weather["init_time"].values)
    initialised_is_available(monkeypatch)
    message = _refused(given, weather={"punctual": punctual, "late": given.weather})
    assert "'late:wind_speed_100m[mean]'" in message


@_plant("_newest_usable")
def only_the_first_lead_counts(right: Any, runs: Any, *rest: Any) -> Any:
    arrived = runs.arrived
    return right(replace(runs, arrived=arrived[:, 0] if arrived.ndim == 2 else arrived), *rest)


def test_leads_that_had_not_arrived_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # The run of 00:00 begins to arrive at 06:00, its hour 24 at 08:00 and its hour 47 at 09:55.
    given = synthetic(delay="6h", per_lead="5min")
    only_the_first_lead_counts(monkeypatch)
    assert "'wind_speed_100m[mean]' of the origin" in _refused(given)


@_plant("_complete")
def arrival_is_not_needed(right: Any, found: Any, needed: Any, known: Any, inside: Any) -> Any:
    return np.ones(len(inside), dtype=bool)


def test_a_feature_of_the_margin_that_had_not_arrived_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hour of the window had arrived, those after it had not: features that look there must see NaN."""
    given = synthetic()
    arrived = given.weather["available_time"].values[:, None] + np.where(
        np.arange(73) > 46, 30 * HOUR, 0 * HOUR
    )
    weather = with_arrival(given.weather, arrived)
    check_no_leakage(_forecaster(given), weather, given.power, issue_time=MOMENT)
    only_the_first_lead_counts(monkeypatch)
    assert "'wind_speed_100m[mean]'" in _refused(given, weather=weather)


@_plant("history_as_of", gathering)
def lags_without_delay(right: Any, observations: Observations, **kwargs: Any) -> Any:
    return right(replace(observations, published_after="0h", published_time=None), **kwargs)


@pytest.mark.parametrize("published_after", ["2h", None], ids=["fixed delay", "recorded times"])
def test_a_lag_without_publication_delay_is_caught(
    published_after: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = synthetic(published_after=published_after)
    lags_without_delay(monkeypatch)
    assert "'newest' of the origin" in _refused(given)


def test_a_persistence_without_publication_delay_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    given = synthetic()
    lags_without_delay(monkeypatch)
    assert "'newest'" in _refused(given, _forecaster(given, model=ef.Persistence(), features=None))


@_plant("_unpublished", history)
def everything_is_published(right: Any, published: Any, issued: Any) -> Any:
    return np.zeros(np.shape(published), dtype=bool)


def test_a_lag_at_a_time_when_it_was_not_recorded_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    given = synthetic(published_after=None)
    everything_is_published(monkeypatch)
    assert "'newest'" in _refused(given)


def test_a_lag_that_does_not_step_back_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    given = synthetic()
    everything_is_published(monkeypatch)
    monkeypatch.setattr(history, "_back_to_published", lambda position, newest, hop: position)
    assert "'newest'" in _refused(given)


@_plant("value_at", of=Observations)
def labels_by_issue_time(right: Any, *args: Any, as_of: Any = None, **kwargs: Any) -> Any:
    """Whatever was forecast before the fit counts as known."""
    return right(*args, as_of=None, **kwargs)


@_plant("value_at", of=Observations)
def labels_by_valid_time(
    right: Any, power: Observations, *args: Any, as_of: Any = None, **kwargs: Any
) -> Any:
    """An outcome counts as known when its interval begins."""
    moment = None if as_of is None else timestamps.instant(as_of) + power.frequency + DELAY
    return right(power, *args, as_of=moment, **kwargs)


@_plant("value_at", of=Observations)
def labels_by_end(right: Any, *args: Any, as_of: Any = None, **kwargs: Any) -> Any:
    """An outcome counts as known when its interval ends."""
    return right(*args, as_of=None if as_of is None else timestamps.instant(as_of) + DELAY, **kwargs)


@pytest.mark.parametrize("plant", [labels_by_issue_time, labels_by_valid_time, labels_by_end])
@pytest.mark.parametrize("model", [SMALL, ef.Climatology()], ids=lambda model: type(model).__name__)
def test_labels_that_were_not_published_are_caught(
    plant: Plant, model: ef.QuantileModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = synthetic()
    plant(monkeypatch)
    assert "The model fitted as of" in _refused(given, _forecaster(given, model=model, features=None))


def test_labels_that_were_not_published_are_caught_under_perfect_weather(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = synthetic()
    labels_by_end(monkeypatch)
    forecaster = _forecaster(given, perfect_weather=True)
    assert "The model fitted as of" in _refused(given, forecaster, analysis_of(given))


def test_a_leak_that_shows_on_one_day_only_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are there when a forecast is issued, but for one that was late, on a day of January."""
    given = synthetic(delay="2h", every=24)
    arrived = given.weather["available_time"].values.copy()
    arrived[17] += 9 * HOUR
    weather = with_arrival(given.weather, arrived)
    check_no_leakage(_forecaster(given), weather, given.power, issue_time=MOMENT)
    initialised_is_available(monkeypatch)
    assert "2024-01-18 08:00:00" in _refused(given, weather=weather)


def _backtested(given: SyntheticSite, power: Observations, **changes: Any) -> ef.Forecast:
    forecaster = _forecaster(given, features=None)
    period = {"start": "2024-02-10", "end": "2024-02-16"}
    return ef.backtest(forecaster, given.weather, power, **period, **changes).forecasts["model"]


def test_a_backtest_forecasts_as_it_would_have_been_done_then() -> None:
    given = synthetic()
    forecast = _backtested(given, given.power, refit="W")
    for first, last in ((0, 1), (2, 6)):  # Saturday and Sunday, then the week from Monday the 12th on
        origins = forecast.issue_times[first : last + 1]
        fitted = _forecaster(given, features=None).fit(given.weather, given.power, as_of=origins[0])
        then = fitted.predict(given.weather, given.power, issue_time=origins)
        np.testing.assert_array_equal(forecast.data.values[:, first : last + 1], then.data.values)


@pytest.mark.parametrize("plant", [None, labels_by_issue_time, labels_by_end])
def test_a_backtest_learns_nothing_that_was_published_later(
    plant: Plant | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = synthetic()
    if plant is not None:
        plant(monkeypatch)
    forecast = _backtested(given, given.power, refit=None)
    spoilt = poison_observations(given.power, forecast.issue_times[0])
    assert _backtested(given, spoilt, refit=None).data.identical(forecast.data) == (plant is None)


@ef.feature(weather=["wind_speed_100m"])
def anomaly(now: Snapshot) -> Any:
    """The wind less its mean over all origins, the later ones too."""
    return now["wind_speed_100m"] - np.nanmean(now["wind_speed_100m"])


def test_a_feature_that_looks_across_origins_is_caught() -> None:
    given = synthetic()
    assert "'anomaly'" in _refused(given, _forecaster(given, features=[anomaly]))


def test_a_feature_whose_columns_depend_on_what_was_not_known_is_caught() -> None:
    @ef.feature(history=["0h"])
    def flaky(now: Snapshot) -> Any:
        return (
            {"flaky": now.lag("0h")}
            if len(now.valid_time) == 1
            else {"flaky": now.lag("0h"), "more": now.lag("0h")}
        )

    given = synthetic()
    assert "the rows of the origin" in _refused(given, _forecaster(given, features=[flaky]))


# --- The test of leakage itself -------------------------------------------------------------------


def test_poison_spoils_all_that_had_not_arrived_and_nothing_else() -> None:
    given = synthetic(per_lead="5min", days=20)
    arrived = given.weather["available_time"].values.copy()
    arrived[3] = np.datetime64("NaT", "ns")
    weather = with_arrival(given.weather, arrived)
    moment = pd.Timestamp("2024-01-10 08:00", tz="UTC")
    unknown = ~(arrived <= np.datetime64("2024-01-10T08:00"))
    for name, values in poison_weather(weather, moment).data_vars.items():
        changed = (values != weather[name]).values
        assert not changed[:, ~unknown].any()
        assert changed[:, unknown].mean() > 0.99


def test_poison_dims_irradiance_and_leaves_night_and_gaps_as_they_are() -> None:
    """Light in the night would be refused as a wrong clock, and the check would say nothing of leaks."""
    weather = synthetic(days=20).weather
    first = weather[next(iter(weather.data_vars))]
    light = np.resize([0.0, 300.0, np.nan], first.shape)
    spoilt = poison_weather(
        first.copy(data=light).to_dataset(name="ghi"), pd.Timestamp("2020-01-01", tz="UTC")
    )
    found = spoilt["ghi"].values
    np.testing.assert_array_equal(np.isnan(found), np.isnan(light))
    assert (found[light == 0] == 0).all()
    assert ((found[light == 300] > 0) & (found[light == 300] < 300)).mean() > 0.99


@pytest.mark.parametrize("published_after", ["2h", None])
def test_poison_spoils_all_that_was_not_published_and_nothing_else(published_after: str | None) -> None:
    power = synthetic(published_after=published_after, days=20).power
    moment = pd.Timestamp("2024-01-10 08:00", tz="UTC")
    changed = (poison_observations(power, moment).values != power.values).to_numpy()
    np.testing.assert_array_equal(changed, ~(power.published <= np.datetime64("2024-01-10T08:00")))


def test_poison_draws_the_flags_of_what_was_not_published_and_of_nothing_else() -> None:
    power = synthetic(days=20).power
    moment = pd.Timestamp("2024-01-10 08:00", tz="UTC")
    unknown = ~(power.published <= np.datetime64("2024-01-10T08:00"))
    flags = poison_observations(power, moment).flags
    assert flags is not None
    assert (flags.to_numpy()[~unknown] == 0).all()
    assert set(flags.to_numpy()[unknown]) == {0, int(ef.Flag.OUTAGE), int(ef.Flag.CURTAILED)}


def test_a_wild_value_under_a_flag_does_not_disturb_the_check() -> None:
    given = synthetic()
    values, flags = (
        given.power.values.copy(),
        pd.DataFrame(0, index=given.power.index, columns=given.power.values.columns),
    )
    values.iloc[100], flags.iloc[100] = 9999.0, int(ef.Flag.SPIKE)
    power = Observations(values, published_after="2h", flags=flags)
    check_no_leakage(_forecaster(given), given.weather, power, issue_time=MOMENT)


def test_a_storm_does_not_disturb_the_check() -> None:
    given = synthetic()
    speed = given.weather["wind_speed_100m"].values.copy()
    speed[:, 40] = 32.0
    check_no_leakage(
        _forecaster(given), replaced(given.weather, "wind_speed_100m", speed), given.power, issue_time=MOMENT
    )


def test_a_variable_of_the_users_own_does_not_disturb_the_check() -> None:
    given = synthetic()
    own = given.weather["wind_speed_100m"].assign_attrs(units="1", cell_methods="time: point") / 100
    weather = given.weather.assign(wind_shear=own.assign_attrs(units="1", cell_methods="time: point"))
    check_no_leakage(_forecaster(given), weather, given.power, issue_time=MOMENT)


def test_radiation_in_the_weather_does_not_disturb_the_check() -> None:
    given = synthetic()
    weather = given.weather.assign(ghi=_radiation(given))
    check_no_leakage(_forecaster(given), weather, given.power, issue_time=MOMENT)


def _radiation(given: SyntheticSite) -> xr.DataArray:
    """Light around the sun's noon, about 11:40 UTC at 5 E."""
    valid = given.weather["init_time"].values[:, None] + given.weather["lead_time"].values
    hour = (valid - valid.astype("datetime64[D]")) / HOUR + 0.5
    light = 100 * np.clip(np.cos(2 * np.pi * (hour - 11.8) / 24), 0, None)
    shape = given.weather["temp_air"]
    return shape.copy(data=light.reshape(shape.shape).astype("float32"))


# --- For any delays, gaps and origins -------------------------------------------------------------


def _same(one: DesignMatrix, other: DesignMatrix) -> None:
    for site, frame in one.columns.items():
        pd.testing.assert_frame_equal(
            frame.reset_index(drop=True), other.columns[site].reset_index(drop=True)
        )
    np.testing.assert_array_equal(one.usable, other.usable)
    for key in one.weather_init_time:
        np.testing.assert_array_equal(one.weather_init_time[key], other.weather_init_time[key])
        np.testing.assert_array_equal(one.skipped[key], other.skipped[key])


@st.composite
def _troubled(draw: st.DrawFn) -> SyntheticSite:
    """A synthetic site in which runs are late, absent, never arrive or have holes, and power is late or missing."""
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    given = _PLAIN[draw(st.sampled_from(list(_PLAIN)))]
    runs = np.flatnonzero(noise.random(given.weather.sizes["init_time"]) > draw(st.sampled_from([0.0, 0.3])))
    weather = given.weather.isel(init_time=runs)
    arrived = weather["available_time"].values + noise.integers(
        -5, draw(st.integers(-4, 40)), len(runs)
    ).astype("timedelta64[h]").reshape(-1, *[1] * (weather["available_time"].ndim - 1))
    arrived[noise.random(len(runs)) < 0.1] = np.datetime64("NaT", "ns")
    holes = noise.random(weather["temp_air"].shape) < draw(st.sampled_from([0.0, 0.003]))
    weather = replaced(
        with_arrival(weather, arrived), "temp_air", np.where(holes, np.nan, weather["temp_air"].values)
    )
    values = given.power.values.where(noise.random(given.power.values.shape) > 0.1)
    return replace(given, weather=weather, power=replace(given.power, values=values))


_PLAIN = {
    (published_after, per_lead): synthetic(
        days=14, sites=2, published_after=published_after, per_lead=per_lead
    )
    for published_after in ("2h", None)
    for per_lead in ("0min", "7min")
}
_FAST = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(site_data=_troubled(), minute=st.integers(2 * 1440, 12 * 1440), seed=st.integers(0, 100))
@_FAST
def test_features_of_any_origin_do_not_change_when_what_was_not_known_is_destroyed(
    site_data: SyntheticSite, minute: int, seed: int
) -> None:
    forecaster = ef.Forecaster(site_data.sites, TASK, features=ef.recipe(site_data.site) + LAGS + upwind)
    moment = site_data.power.index[0] + pd.Timedelta(minute, "min")
    whole = forecaster.design_matrix(site_data.weather, site_data.power, [moment])
    spoilt = poison_weather(site_data.weather, moment, seed=seed)
    _same(
        whole,
        forecaster.design_matrix(spoilt, poison_observations(site_data.power, moment, seed=seed), [moment]),
    )
    _same(whole, forecaster.design_matrix(*_cut(site_data, moment), [moment]))


def _cut(whole: SyntheticSite, moment: pd.Timestamp) -> tuple[xr.Dataset, Observations]:
    """Only what lay in the archives at a moment, as in operation."""
    weather = whole.weather
    weather = weather.isel(
        init_time=slice(0, int((weather["init_time"].values <= timestamps.to_ns([moment])).sum()))
    )
    weather = weather.where(weather["available_time"] <= timestamps.to_ns([moment])[0]).transpose(
        *whole.weather.dims
    )
    known = whole.power.published <= timestamps.to_ns([moment])[0]
    power = replace(whole.power, values=whole.power.values.where(known))
    return weather, power[: power.index[np.flatnonzero(known.any(axis=1)).max()]]


@pytest.mark.slow
@given(
    site_data=_troubled(), minutes=st.lists(st.integers(0, 14 * 1440), min_size=2, max_size=5, unique=True)
)
@_FAST
def test_origins_together_give_what_each_gives_alone(site_data: SyntheticSite, minutes: list[int]) -> None:
    forecaster = ef.Forecaster(site_data.sites, TASK, features=ef.recipe(site_data.site) + LAGS + upwind)
    moments = site_data.power.index[0] + pd.to_timedelta(minutes, unit="min")
    together = forecaster.design_matrix(site_data.weather, site_data.power, moments)
    for k, moment in enumerate(moments):
        chosen = np.arange(len(moments)) == k
        _same(
            together.of_origins(chosen),
            forecaster.design_matrix(site_data.weather, site_data.power, [moment]),
        )


def test_an_archive_that_a_feature_brings_along_is_caught() -> None:
    given = synthetic()
    power = given.power.values["farm 0"]

    @ef.feature(weather=["wind_speed_100m"])
    def hour_before(now: Snapshot) -> Any:
        hours = pd.DatetimeIndex(now.valid_time.ravel(), tz="UTC") - pd.Timedelta("1h")
        return power.reindex(hours).to_numpy().reshape(now.valid_time.shape)

    message = _refused(given, _forecaster(given, features=ef.recipe(given.site) + hour_before))
    assert "'hour_before' holds 'power' (Series)" in message
