"""Areas of demand of which nothing is measured: a standard load profile, and it says so."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import energyforecast as ef
from energyforecast import configuration
from energyforecast.cli import app
from energyforecast.core import load_profiles
from energyforecast.core.fallback import CLIMATOLOGY
from energyforecast.errors import ConfigurationError, DependencyError, MissingDataError, SchemaError
from energyforecast.features import StandardLoadProfile
from energyforecast.testing import example_snapshot

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
ZONE = "Europe/Amsterdam"
TASK = ef.day_ahead("09:00", timezone=ZONE, quantiles=LEVELS)
SMALL = ef.models.DayProfile()
HOURS = pd.date_range("2024-01-01", "2024-02-08", freq="1h", tz="UTC", inclusive="left")
ISSUE = "2024-02-06 09:00"


def _area(name: str, **more: Any) -> ef.DemandArea:
    return ef.DemandArea(
        name=name,
        latitude=52.1,
        longitude=5.2,
        timezone=ZONE,
        country="NL",
        **({"sector": "households"} | more),
    )


HOME = _area("home", load_profile="H25", yearly_energy=0.0035)


@cache
def _street(count: int = 3) -> pd.DataFrame:
    """Homes around the profile of households, each with a size and a shape of its own. [MW]"""
    rng = np.random.default_rng(7)
    local = HOURS.tz_convert(ZONE)
    kind = np.maximum(local.day_of_week.to_numpy() - 4, 0)
    day = local.tz_localize(None).to_numpy().astype("datetime64[D]")
    shape = load_profiles.profile_at("H25", day, kind=kind, hour=np.asarray(local.hour), step=1.0)
    homes = {
        f"number {k}": 0.0004 * rng.lognormal(0, 0.5) * shape * rng.lognormal(-0.125, 0.5, len(HOURS))
        for k in range(count)
    }
    return pd.DataFrame(homes, index=HOURS)


def _fitted(sites: list[ef.DemandArea], values: pd.DataFrame | None) -> ef.Forecaster:
    models: dict[str, Any] = {site.name: "auto" if site.load_profile else SMALL for site in sites}
    given = None if values is None else ef.Observations(values, published_after="15min")
    return ef.Forecaster(sites, TASK, model=models).fit(None, given)


@cache
def _among_others() -> tuple[ef.Forecaster, ef.Forecast]:
    values = _street()
    forecaster = _fitted([*map(_area, values.columns), HOME], values)
    observations = ef.Observations(values, published_after="15min")
    return forecaster, forecaster.predict(None, observations, issue_time=ISSUE)


# --- Nothing measured at one of several sites ---------------------------------------------------------


@pytest.mark.slow
def test_an_area_without_any_demand_is_forecast_by_its_profile_and_says_so(tmp_path: Path) -> None:
    forecaster, forecast = _among_others()
    street = list(_street().columns)
    assert forecaster.training_.cold == {"home": street}
    assert not forecaster.training_.young
    assert "cold start: standard load profile for home" in repr(forecaster)
    said = "cold start: load profile H25 of 3.5 MWh a year for home, no whole day measured, spread as at "
    assert forecast.caveats == (said + ", ".join(street),)
    assert forecast.data.attrs["cold_start"] == "home"
    assert forecast.data["fallback_level"].values.ravel().tolist() == [0, 0, 0, CLIMATOLOGY]
    again = ef.load(forecaster.save(tmp_path / "street.forecaster"))
    observations = ef.Observations(_street(), published_after="15min")
    assert again.predict(None, observations, issue_time=ISSUE).data.identical(forecast.data)


def test_the_other_sites_are_forecast_as_without_it() -> None:
    values = _street()
    alone = _fitted(list(map(_area, values.columns)), values)
    observations = ef.Observations(values, published_after="15min")
    usual = alone.predict(None, observations, issue_time=ISSUE)
    np.testing.assert_array_equal(_among_others()[1].data.values[:-1], usual.data.values)


# --- Nothing measured at all ----------------------------------------------------------------------------


def test_a_single_home_needs_no_observations_at_all() -> None:
    forecaster = ef.Forecaster(HOME, TASK).fit(None)
    assert forecaster.training_.origins == 0
    issues = TASK.issue_times("2026-01-01", "2026-12-31")
    forecast = forecaster.predict(None, issue_time=issues)
    assert forecast.caveats == (
        "cold start: load profile H25 of 3.5 MWh a year for home, no whole day measured, spread assumed",
    )
    quarters = forecast.at(0.5).values[forecast.inside[None]]
    assert np.isfinite(quarters).all()
    dense = ef.Forecaster(HOME, ef.day_ahead("09:00", timezone=ZONE)).fit(None)
    mean = dense.predict(None, issue_time=issues).data.mean().item()
    assert 8760 * mean == pytest.approx(3.5, rel=0.03), "the mean of 99 quantiles is the yearly energy [MWh]"


@pytest.mark.parametrize(
    "task", [ef.intraday(every="1h", leads="4h", frequency="15min"), ef.month_ahead(timezone="Asia/Kolkata")]
)
def test_other_tasks_begin_without_measurements_too(task: Any) -> None:
    forecast = ef.Forecaster(HOME, task).fit(None).predict(None, issue_time="2026-03-01 00:00")
    assert np.isfinite(forecast.at(0.5).values[forecast.inside[None]]).all()


def test_many_homes_together_vary_less_than_one() -> None:
    widths = []
    for energy in (0.0035, 3.5):
        site = _area("homes", load_profile="H25", yearly_energy=energy)
        table = ef.Forecaster(site, TASK).fit(None).predict(None, issue_time=ISSUE).to_frame()
        widths.append(((table["q0.9"] - table["q0.1"]) / table["q0.5"]).mean())
    assert widths[0] > 2 * widths[1]


@pytest.mark.slow
def test_from_the_first_whole_day_on_the_measurements_forecast() -> None:
    values = _street()
    for days, cold in ((1, True), (5, False)):
        home = values["number 0"].where(HOURS[0] + pd.Timedelta(days=days) > HOURS)
        forecaster = _fitted([*map(_area, values.columns), HOME], values.assign(home=home))
        assert ("home" in forecaster.training_.cold) == cold
        assert ("home" in forecaster.training_.young) != cold
        assert not cold or forecaster.training_.alike == {}


def test_a_history_shorter_than_a_window_is_no_reason_to_refuse() -> None:
    home = _street()["number 0"].rename("home").iloc[:20].to_frame()
    given = ef.Observations(home, published_after="15min")
    forecaster = ef.Forecaster(HOME, TASK).fit(None, given, as_of="2024-01-01 20:00")
    assert forecaster.training_.cold == {"home": []}
    assert np.isfinite(forecaster.predict(None, given, issue_time="2024-01-02 09:00").data.values).any()


def test_the_first_days_are_blended_with_the_profile_and_say_so(tmp_path: Path) -> None:
    home = (2 * _street()["number 0"]).rename("home")[: HOURS[0] + pd.Timedelta("71h")].to_frame()
    given = ef.Observations(home, published_after="15min")
    issue = "2024-01-04 09:00"
    with_profile, without = (ef.Forecaster(site, TASK).fit(None, given) for site in (HOME, _area("home")))
    forecast = with_profile.predict(None, given, issue_time=issue)
    assert with_profile.training_.profile_mean["home"] == pytest.approx(home["home"].mean(), rel=0.35)
    assert "cold start: 3 days of demand known for home, and its load profile" in forecast.caveats
    assert forecast.data["fallback_level"].values.ravel().tolist() == [0]
    alone = without.predict(None, given, issue_time=issue)
    mean = with_profile.training_.profile_mean["home"]
    scaled = _area("home", load_profile="H25", yearly_energy=8.76 * mean)
    profile = ef.Forecaster(scaled, TASK).fit(None).predict(None, issue_time=issue)
    expected = 0.9 * alone.data.values + 0.1 * profile.data.values  # 1 / (1 + 3²)
    np.testing.assert_allclose(forecast.data.values, expected, rtol=1e-5)  # kept as float32
    again = ef.load(with_profile.save(tmp_path / "home.forecaster"))
    assert again.predict(None, given, issue_time=issue).data.identical(forecast.data)


# --- What is refused ------------------------------------------------------------------------------------


def test_an_area_without_demand_and_profile_is_refused_with_the_remedy() -> None:
    values = _street()
    with pytest.raises(MissingDataError, match=r"load_profile .* and yearly_energy"):
        _fitted([*map(_area, values.columns), _area("home", yearly_energy=0.0035)], values)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(SchemaError, match="H25"):
        _area("home", load_profile="H26")


def test_without_demandlib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    load_profiles._table.cache_clear()
    monkeypatch.setitem(sys.modules, "demandlib.bdew", None)
    with pytest.raises(DependencyError, match=r"energyforecast\[profiles\]"):
        ef.Forecaster(HOME, TASK).fit(None)


# --- Feature --------------------------------------------------------------------------------------------


def test_holidays_and_weekends_are_those_of_the_country() -> None:
    feature = StandardLoadProfile("G25", scaled_by="yearly_energy")

    def noon(country: str, zone: str, day: str) -> float:
        site = ef.DemandArea(
            name="shop", latitude=40, longitude=40, timezone=zone, country=country, yearly_energy=8.76
        )
        start = pd.Timestamp(f"{day} 12:00", tz=zone).tz_convert("UTC")
        return float(
            feature.compute(example_snapshot(sites=site, start=str(start)[:16], hours=1))[
                "standard_load_profile"
            ][0, 0]
        )

    friday, saturday, sunday = (noon("DE", "Europe/Berlin", f"2024-01-{day}") for day in (19, 20, 21))
    assert friday > saturday > sunday
    assert noon("DE", "Europe/Berlin", "2024-01-01") == sunday, "New Year's Day, a Monday"
    assert noon("EG", "Africa/Cairo", "2024-01-19") == saturday, "Friday begins the weekend"
    assert noon("EG", "Africa/Cairo", "2024-01-21") == friday, "Sunday is a working day"


def test_the_scale_follows_the_newest_week() -> None:
    local = HOURS.tz_convert(ZONE)
    feature = StandardLoadProfile()
    shape = pd.Series(
        load_profiles.profile_at(
            "H25",
            local.tz_localize(None).to_numpy().astype("datetime64[D]"),
            kind=np.where(
                local.date == pd.Timestamp("2024-01-01").date(), 2, np.maximum(local.day_of_week - 4, 0)
            ),
            hour=np.asarray(local.hour),
            step=1.0,
        ),
        HOURS,
    )
    demand = (0.002 * shape).rename("home")
    forecaster = ef.Forecaster(HOME, TASK, features=[feature])
    given = ef.Observations(demand.to_frame(), published_after="15min")
    matrix = forecaster.design_matrix(None, given, TASK.issue_times("2024-01-20", "2024-02-01"))
    found = matrix.columns["home"]["standard_load_profile"].to_numpy()
    np.testing.assert_allclose(
        found, demand.reindex(pd.DatetimeIndex(matrix.valid_time, tz="UTC")), rtol=1e-6
    )


# --- Configuration and command --------------------------------------------------------------------------

TOML = """
[sites.home]
kind = "demand"
sector = "households"
latitude = 52.1
longitude = 5.2
timezone = "Europe/Amsterdam"
country = "NL"
{}
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "Europe/Amsterdam"
"""


def test_a_configuration_without_observations_forecasts_by_the_profile(tmp_path: Path) -> None:
    file = tmp_path / "home.toml"
    file.write_text(TOML.format('load_profile = "H25"\nyearly_energy = 0.0035'), encoding="utf-8")
    result = CliRunner().invoke(
        app, ["forecast", str(file), "--issue-time", "2026-03-02 09:00", "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 3, result.output  # a level above 0
    table = pd.read_csv(tmp_path / "out" / "forecast.csv")
    assert len(table) == 24
    assert table["fallback_level"].eq(CLIMATOLOGY).all()
    assert table["caveat"].str.contains("load profile H25").all()


def test_other_configurations_must_have_observations(tmp_path: Path) -> None:
    file = tmp_path / "home.toml"
    file.write_text(TOML.format("yearly_energy = 0.0035"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"no section \[observations\]"):
        configuration.read(file)
