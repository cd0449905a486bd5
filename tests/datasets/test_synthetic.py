"""Synthetic sites: pure functions of their arguments, near to their targets, honest and faulty as said."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core import calendars, plausibility, timestamps, weather_schema
from energyforecast.core.variables import Flag
from energyforecast.datasets import SyntheticSite
from energyforecast.errors import RangeError, SchemaError, TimeError
from energyforecast.observations import estimate_lag

HOUR = pd.Timedelta("1h")
GENERATORS: tuple[Callable[..., SyntheticSite], ...] = (
    ef.datasets.shelek,
    ef.datasets.kapshagay,
    ef.datasets.nur_navoi,
    ef.datasets.almaty,
)
PLANTS = GENERATORS[1:3]
every_synthetic_site = pytest.mark.parametrize("make", GENERATORS, ids=lambda make: make.__name__)


@cache
def two_years(make: Callable[..., SyntheticSite], seed: int = 1) -> SyntheticSite:
    return make(seed=seed)


@cache
def month(make: Callable[..., SyntheticSite], seed: int = 1) -> SyntheticSite:
    return make(seed=seed, hours=31 * 24)


def fingerprint(synthetic: SyntheticSite) -> list[bytes]:
    """Every number and time of a synthetic site."""
    parts = [frame.to_csv().encode() for frame in (synthetic.truth, synthetic.raw)]
    observed = synthetic.observations
    assert observed.flags is not None
    parts += [observed.values.to_numpy().tobytes(), observed.flags.to_numpy().tobytes()]
    for weather in synthetic.weather.values():
        parts += [weather[name].to_numpy().tobytes() for name in weather.variables]
    return parts


# --- A pure function ------------------------------------------------------------------------------


@every_synthetic_site
def test_the_same_arguments_make_the_same_bytes(make: Callable[..., SyntheticSite]) -> None:
    assert fingerprint(make(seed=1, hours=31 * 24)) == fingerprint(month(make))


@every_synthetic_site
def test_another_seed_makes_another_synthetic_site(make: Callable[..., SyntheticSite]) -> None:
    one, other = month(make, 1), month(make, 2)
    assert not one.truth.iloc[:, 0].equals(other.truth.iloc[:, 0])
    assert not np.array_equal(one.observations.values, other.observations.values, equal_nan=True)


def test_leaving_a_weather_model_out_changes_nothing_else() -> None:
    alone, all_three = ef.datasets.shelek(hours=240, models=("gfs",)), ef.datasets.shelek(hours=240)
    assert alone.weather["gfs"].identical(all_three.weather["gfs"])
    pd.testing.assert_frame_equal(alone.truth, all_three.truth)


@every_synthetic_site
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"hours": 2}, RangeError),
        ({"seed": -1}, RangeError),
        ({"version": 2}, RangeError),
        ({"models": ("ukmo",)}, SchemaError),
        ({"models": ()}, SchemaError),
    ],
)
def test_what_no_synthetic_site_can_be_made_from_is_refused(
    make: Callable[..., SyntheticSite], change: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        make(**change)
    assert len(str(caught.value).splitlines()) == 3


# --- Its statistics -------------------------------------------------------------------------------


@every_synthetic_site
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_years_come_within_the_tolerances(make: Callable[..., SyntheticSite], seed: int) -> None:
    table = two_years(make, seed).describe()
    assert table["within"].all(), table[~table["within"]].to_string()


def test_a_small_model_errs_by_as_much_as_is_published() -> None:
    """Day-ahead errors of trained models in the corridor: 0.157 to 0.184 of rated power."""
    synthetic = two_years(ef.datasets.shelek)
    task = ef.day_ahead("08:00", timezone="Asia/Almaty")
    model = ef.LightGBMQuantiles(n_estimators=40, folds=0)
    forecaster = ef.Forecaster(synthetic.site, task, model=model).fit(
        synthetic.weather, synthetic.observations[:"2024-02"]
    )
    issued = task.issue_times(*(pd.Timestamp(day, tz="UTC") for day in ("2024-03-01", "2024-12-30")))
    table = forecaster.design_matrix(synthetic.weather, synthetic.observations, issued)
    name = synthetic.site.name
    median = forecaster.models_[name].predict(table.columns[name])[:, 49]
    happened = synthetic.truth["power"].reindex(timestamps.to_index(table.valid_time)).to_numpy()
    error = np.nanmean(np.abs(median - happened / synthetic.site.capacity))  # models learn shares of capacity
    assert 0.157 < error < 0.184


# --- Its weather ----------------------------------------------------------------------------------


@every_synthetic_site
def test_the_weather_is_weather_as_the_library_knows_it(make: Callable[..., SyntheticSite]) -> None:
    synthetic = two_years(make)
    for weather in synthetic.weather.values():
        weather_schema.check_weather(weather, sites=synthetic.sites)
        assert {values.dtype for values in weather.values()} == {np.dtype("float32")}
        assert not weather_schema.is_analysis(weather)


@every_synthetic_site
def test_no_run_is_available_before_six_hours_and_most_come_within_eight(
    make: Callable[..., SyntheticSite],
) -> None:
    for weather in two_years(make).weather.values():
        delay = (weather["available_time"] - weather["init_time"]).to_numpy() / np.timedelta64(1, "h")
        assert delay.min() >= 6
        assert 0.003 < (delay > 8).mean() < 0.03
        assert set(pd.DatetimeIndex(weather["init_time"].to_numpy()).hour) == {0, 6, 12, 18}


@every_synthetic_site
def test_some_runs_never_come_and_some_end_early(make: Callable[..., SyntheticSite]) -> None:
    for weather in two_years(make).weather.values():
        steps = np.diff(weather["init_time"].to_numpy()) / np.timedelta64(6, "h")
        assert 0.004 < (steps > 1).mean() < 0.02
        ends_early = weather["temp_air"].isnull().any(("site", "lead_time")).to_numpy()
        assert 0.001 < ends_early.mean() < 0.012


def test_forecasts_of_an_hour_get_better_and_resemble_each_other() -> None:
    synthetic = two_years(ef.datasets.shelek)
    wind = synthetic.weather["ecmwf"]["wind_speed_100m"].isel(site=0)
    truth = synthetic.truth["wind_speed_100m"]
    errors = {}
    for lead in (6, 24, 48, 72):
        values = wind.sel(lead_time=np.timedelta64(lead, "h"))
        valid = timestamps.to_index(values["init_time"].to_numpy() + np.timedelta64(lead, "h"))
        errors[lead] = pd.Series(values.to_numpy(), index=valid) - truth.reindex(valid)
    rmse = {lead: float((error**2).mean() ** 0.5) for lead, error in errors.items()}
    assert rmse[6] < rmse[24] < rmse[48] < rmse[72]
    assert errors[24].corr(errors[48]) > 0.6


# --- What it says of itself -----------------------------------------------------------------------


@every_synthetic_site
def test_everything_says_that_it_is_synthetic(make: Callable[..., SyntheticSite]) -> None:
    synthetic = month(make)
    assert "synthetic" in repr(synthetic)
    assert all("synthetic" in site.name for site in synthetic.sites)
    assert all("synthetic" in name for name in synthetic.observations.sites)
    for frame in (synthetic.truth, synthetic.raw):
        assert (frame["source"] == "synthetic").all()
    for attrs in (
        synthetic.truth.attrs,
        synthetic.raw.attrs,
        synthetic.describe().attrs,
        *(weather.attrs for weather in synthetic.weather.values()),
    ):
        assert "synthetic" in attrs["source"]
        assert (attrs["synthetic"], attrs["generator_version"], attrs["seed"]) == (1, 1, 1)


@every_synthetic_site
def test_the_weather_survives_a_file_with_its_origin(
    make: Callable[..., SyntheticSite], tmp_path: object
) -> None:
    weather = next(iter(month(make).weather.values()))
    again = ef.weather.read(ef.weather.write(weather, f"{tmp_path}/weather.nc"))
    assert again.attrs == weather.attrs
    assert again.equals(weather)


# --- What goes wrong in it ------------------------------------------------------------------------


def test_what_a_planner_gets_has_outages_curtailment_a_stuck_meter_and_gaps() -> None:
    synthetic = two_years(ef.datasets.shelek)
    observed, name = synthetic.observations, synthetic.site.name
    assert observed.flags is not None
    power, flags = observed.values[name], observed.flags[name]
    share = {flag: float(((flags & int(flag)) != 0).mean()) for flag in Flag}
    assert 0.003 < share[Flag.CURTAILED] < 0.012
    assert 0.003 < share[Flag.OUTAGE] < 0.03
    assert 0.002 < share[Flag.STUCK] < 0.02
    assert 0.01 < share[Flag.INCOMPLETE] < 0.05
    assert (power.isna() == ((flags & int(Flag.INCOMPLETE)) != 0)).all()
    curtailed = power[(flags & int(Flag.CURTAILED)) != 0].dropna()
    assert (curtailed < synthetic.truth["power"][curtailed.index]).mean() > 0.99
    assert power.min() < 0
    assert power.max() <= synthetic.site.capacity * 1.02
    assert observed.published_after == pd.Timedelta("2h")
    assert observed.available_capacity is not None
    assert observed.available_capacity[name].min() == 0
    clean = power.notna() & (flags == 0)
    served = synthetic.truth["power"] * observed.available_capacity[name] / synthetic.site.capacity
    assert (power - served)[clean].abs().max() < 1.5


def test_the_logger_writes_rows_twice_loses_some_and_never_changes_its_clock() -> None:
    raw = two_years(ef.datasets.shelek).raw
    stamps = pd.DatetimeIndex(raw["time"])
    assert stamps.tz is None
    assert stamps.is_monotonic_increasing
    assert 50 < stamps.duplicated().sum() < 200
    expected = 2 * 8760 * 6
    assert 0.02 < 1 - len(stamps.unique()) / expected < 0.07
    with pytest.raises(TimeError, match="occurs twice"):
        ef.read_power(
            raw.drop_duplicates("time"), unit="kW", timezone="Asia/Almaty", label="beginning", published_after="2h",
            format=ef.TableFormat(time="time", columns=["power"]),
        )  # fmt: skip


@pytest.mark.parametrize(("zone", "late"), [("Asia/Almaty", 60), ("fixed:+06:00", 0)])
def test_the_clock_fault_of_the_logger_can_be_found_from_the_wind(zone: str, late: int) -> None:
    synthetic = two_years(ef.datasets.shelek)
    raw = synthetic.raw.drop_duplicates("time")
    after = raw[(raw["time"] >= "2024-03-02") & (raw["time"] < "2024-12-01")]
    power = ef.read_power(
        after,
        unit="kW",
        timezone=zone,
        label="beginning",
        published_after="2h",
        format=ef.TableFormat(time="time", columns=["power"]),
    ).resample("1h")
    wind = synthetic.truth["wind_speed_mean"]
    index = power.index
    shifted = np.column_stack([wind.reindex(index + k * HOUR).to_numpy() for k in range(-3, 4)])
    lag = estimate_lag(power.values["power"].to_numpy(), shifted, step=HOUR)
    assert lag is not None
    assert lag.certain
    assert abs(lag.minutes - late) < 15


@pytest.mark.parametrize("make", PLANTS, ids=lambda make: make.__name__)
def test_a_pv_plant_follows_the_sun_and_its_flags_say_what_was_done_to_it(
    make: Callable[..., SyntheticSite],
) -> None:
    synthetic = two_years(make)
    name, capacity = synthetic.site.name, synthetic.site.capacity
    observed = synthetic.observations
    assert observed.flags is not None
    assert capacity is not None
    power, flags, truth = observed.values[name], observed.flags[name], synthetic.truth
    plausibility.check_observations(observed.values, sites=synthetic.sites, unfit=observed.unfit)
    assert (
        plausibility.check_sun(
            timestamps.to_ns(power.index), power.to_numpy(), site=synthetic.site, label="power"
        )
        is not None
    )
    assert (truth["power"][truth["ghi_clear"] == 0] == 0).all()
    assert (truth["ghi"] <= 1.1 * truth["ghi_clear"] + 1e-9).all()
    assert truth["power"].between(0, capacity).all()
    curtailed = (flags & int(Flag.CURTAILED)) != 0
    assert curtailed.any()
    assert (power[curtailed].dropna() == capacity / 2).all()
    assert ((flags & int(Flag.OUTAGE)) != 0).any()


def test_a_tracker_gives_more_in_the_morning_than_fixed_modules() -> None:
    shares = {}
    for make in PLANTS:
        truth = two_years(make).truth
        summer = truth[truth.index.month.isin((6, 7))]["power"]
        of_day = summer.groupby(summer.index.hour).mean() / summer.mean()
        shares[make.__name__] = float((of_day > 0.8 * of_day.max()).sum())
    assert shares["nur_navoi"] >= shares["kapshagay"] + 2


def test_industry_and_households_add_up_to_the_total() -> None:
    synthetic = two_years(ef.datasets.almaty)
    total, industry, households = (site.name for site in synthetic.sites)
    for frame in (synthetic.truth, synthetic.observations.values):
        parts = frame[industry] + frame[households]
        assert np.allclose(parts.dropna(), frame[total][parts.notna()])
        assert frame[total][parts.isna()].isna().all()
    plausibility.check_observations(synthetic.observations.values, sites=synthetic.sites)


def test_demand_answers_to_cold_heat_holidays_and_growth() -> None:
    synthetic = two_years(ef.datasets.almaty)
    total, industry, households = (synthetic.truth[site.name] for site in synthetic.sites)
    local = synthetic.truth.index.tz_convert("Asia/Almaty")
    daily, warmth = (
        households.groupby(local.date).mean(),
        synthetic.truth["temp_air"].groupby(local.date).mean(),
    )
    mild = daily[warmth.between(14, 20)].mean()
    assert daily[warmth < -5].mean() > 1.15 * mild
    assert daily[warmth > 26].mean() > 1.03 * mild
    assert households.groupby(local.hour).mean().idxmax() in (18, 19, 20, 21)
    assert industry.std() / industry.mean() < 0.5 * households.std() / households.mean()
    nauryz = (local.month == 3) & pd.Index(local.day).isin((21, 22, 23)) & (local.year == 2023)
    around = (local.month == 3) & pd.Index(local.day).isin((14, 15, 16, 28, 29, 30)) & (local.year == 2023)
    assert industry[nauryz].mean() < 0.97 * industry[around].mean()
    assert total[local.year == 2024].mean() > 1.02 * total[local.year == 2023].mean()
    step = industry.rolling(24 * 21).mean()
    assert step.iloc[13_000 + 24 * 30] > 1.02 * step.iloc[13_000 - 24 * 7]


def test_ramadan_moves_households_to_the_evening_and_nothing_else() -> None:
    plain, kept = (
        ef.datasets.almaty(start="2023-02-01", hours=90 * 24, ramadan=ramadan) for ramadan in (False, True)
    )
    _, industry, households = (site.name for site in plain.sites)
    local = plain.truth.index.tz_convert("Asia/Almaty")
    change = kept.truth[households] / plain.truth[households] - 1.0
    fasting = calendars.ramadan(local.tz_localize(None).to_numpy())  # 23 March to 20 April 2023
    assert 27 * 24 <= fasting.sum() <= 30 * 24
    assert (change[~fasting] == 0).all()
    by_hour = change[fasting].groupby(local[fasting].hour).mean()
    assert by_hour[21] > 0.04  # the sun sets at about 19:30
    assert by_hour[18] < -0.02
    assert by_hour.abs()[[3, 10]].max() < 0.02
    for same in ("temp_air", industry):
        pd.testing.assert_series_equal(kept.truth[same], plain.truth[same])
    # So that the recipe's days and its hours after sunset are known.
    assert {site.country for site in plain.sites} == {"KZ"}


def test_the_wall_clock_of_the_meter_shows_an_hour_twice_and_is_read_right() -> None:
    synthetic = ef.datasets.almaty(start="2024-02-20", hours=20 * 24)
    name = synthetic.site.name
    assert synthetic.raw["time"].duplicated().sum() == 1
    read = ef.read_power(
        synthetic.raw, unit="MW", timezone="Asia/Almaty", label="beginning", published_after="2h",
        format=ef.TableFormat(time="time", columns=[name], frequency="1h"),
    )  # fmt: skip
    expected = synthetic.observations.values[name].reindex(read.index)
    assert np.allclose(read.values[name].dropna(), expected[read.values[name].notna()], atol=0.051)
