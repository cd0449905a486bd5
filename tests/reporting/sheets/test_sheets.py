"""Sheets for planners: hours of real clock changes, sums by hand, scores of the evaluation, files read back."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import energyforecast as ef
from energyforecast import evaluation
from energyforecast.core import timestamps
from energyforecast.core.fallback import LADDER
from energyforecast.core.forecast import Forecast
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import DependencyError, MissingDataError, RangeError, SchemaError, TimeError
from energyforecast.planning import GaussianCopula, sample_scenarios
from energyforecast.reporting import translations
from energyforecast.reporting.sheets import (
    Sheet,
    VerificationTerms,
    day_ahead_sheet,
    figure,
    html,
    revision_sheet,
    verification_sheet,
    weekly_outlook,
    workbook,
)
from energyforecast.reporting.sheets.sheet import Column, Table
from energyforecast.testing import example_forecast, example_observations

CAVEAT = "synthetic: scores say how the code behaves, not how well a real site can be forecast"


def forecast_of(
    day: str,
    *,
    timezone: str = "UTC",
    site: str = "farm",
    median: Any = None,
    issue: str = "09:00",
    days: int = 1,
    levels: tuple[float, ...] = (0.1, 0.5, 0.9),
    spread: float = 10.0,
    frequency: str = "1h",
    age: int | None = 9,
    fallback: int = 0,
    caveats: str = CAVEAT,
) -> Forecast:
    """A forecast for local days from one on: normal quantiles around a median that rises by hours."""
    task = ef.day_ahead(issue, timezone=timezone, days=days, quantiles=levels, frequency=frequency)
    windows = task.windows(task.issue_times(day, day))
    count = int(windows.inside.sum())
    middle = 50.0 + np.arange(count) if median is None else np.broadcast_to(median, count)
    init = windows.issue_time - np.timedelta64(age or 0, "h")
    return Forecast.from_rows(
        {
            site: SiteRows(
                middle[:, None] + spread * stats.norm.ppf(levels)[None, :],
                capacity=500.0,
                kind="wind",
                fallback_level=np.full(1, fallback),
                weather_init_time=None if age is None else init,
            )
        },
        windows=windows,
        quantile_levels=levels,
        attrs={"model": "made", "timezone": timezone, "caveats": caveats},
    )


def plan_of(forecast: Forecast, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"valid_time": forecast.to_frame()["valid_time"]} | columns)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_an_unknown_language_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    sheet = day_ahead_sheet(example_forecast(), timezone="UTC")
    for write in (sheet.write_csv, sheet.write_xlsx, sheet.write_html):
        with pytest.raises(MissingDataError, match=r"'kk' is asked for.*\n.*'en', 'ru', 'fr'"):
            write(tmp_path / "sheet", language="kk")
    assert not (tmp_path / "sheet").exists()


# --- The day ahead --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "timezone", "rows", "around"),
    [
        ("2015-06-01", "Europe/Paris", 24, ["02:00–03:00", "03:00–04:00"]),
        ("2015-03-29", "Europe/Paris", 23, ["01:00–02:00", "03:00–04:00"]),
        ("2015-10-25", "Europe/Paris", 25, ["02:00–03:00 (UTC+02:00)", "02:00–03:00 (UTC+01:00)"]),
        ("2024-02-29", "Asia/Almaty", 25, ["23:00–24:00 (UTC+06:00)", "23:00–24:00 (UTC+05:00)"]),
        ("2024-03-01", "Asia/Almaty", 24, ["23:00–24:00"]),
    ],
)
def test_a_local_day_has_the_hours_that_its_clock_shows(
    day: str, timezone: str, rows: int, around: list[str]
) -> None:
    sheet = day_ahead_sheet(forecast_of(day, timezone=timezone), timezone=timezone)
    frame = sheet.to_frame()
    assert len(frame) == rows
    assert frame["hour"].is_unique
    places = [frame["hour"].tolist().index(name) for name in around]
    assert places == list(range(places[0], places[0] + len(around)))
    doubled = frame["flags"] == "the clock shows this hour twice"
    assert doubled.sum() == (2 if rows == 25 else 0)
    assert str(sheet.period[0]) == str(sheet.period[1]) == day
    # beginnings are moments: an hour apart, whatever the clock shows
    assert (frame["begin"].diff().dropna() == pd.Timedelta("1h")).all()


def test_half_hours_are_named_to_the_minute() -> None:
    sheet = day_ahead_sheet(
        forecast_of("2015-10-25", timezone="Europe/Paris", frequency="30min"), timezone="Europe/Paris"
    )
    names = sheet.to_frame()["hour"].tolist()
    assert len(names) == len(set(names)) == 50
    assert names[5:7] == ["02:30–03:00 (UTC+02:00)", "02:00–02:30 (UTC+01:00)"]


def test_schedule_and_reserve_stand_beside_exactly_their_hours() -> None:
    forecast = forecast_of("2024-06-02", timezone="Asia/Almaty")
    schedule = plan_of(forecast, schedule=np.arange(24.0)).sample(frac=1, random_state=0)
    reserve = plan_of(forecast, up=np.arange(24.0) + 100, down=np.arange(24.0) + 200)
    reserve["valid_time"] = reserve["valid_time"].dt.tz_convert("America/New_York")
    frame = day_ahead_sheet(forecast, timezone="Asia/Almaty", schedule=schedule, reserve=reserve).to_frame()
    assert frame["schedule"].tolist() == list(range(24))
    assert frame["reserve_up"].tolist() == list(range(100, 124))
    assert frame["reserve_down"].tolist() == list(range(200, 224))
    assert frame["q0.5"].tolist() == pytest.approx(list(range(50, 74)))
    assert frame["q0.1"][0] == pytest.approx(50 - 12.815516, abs=1e-4)


def test_what_is_missing_is_flagged_and_counted_and_not_summed() -> None:
    forecast = forecast_of("2024-06-02")
    planned = np.full(24, 70.0)
    planned[[3, 4]] = np.nan
    planned[5], planned[20] = 300.0, 1.0
    up = np.full(24, 5.0)
    up[7] = np.nan
    sheet = day_ahead_sheet(
        forecast,
        timezone="UTC",
        schedule=plan_of(forecast, schedule=planned),
        reserve=plan_of(forecast, up=up, down=6.0),
    )
    flags = sheet.to_frame()["flags"]
    assert flags[3] == flags[4] == "no schedule"
    assert flags[5] == "schedule above the 0.9 quantile"
    assert flags[7].endswith("no reserve")
    assert flags[20] == "schedule below the 0.1 quantile"
    said = [note.translate() for note in sheet.notes]
    assert f"Scheduled energy: {20 * 70 + 301:,} MWh." in said
    assert "Hours without a schedule: 2; the energy leaves them out." in said
    assert "Largest reserve: 5 MW upward, 6 MW downward." in said


@pytest.mark.parametrize("column", ["valid_time", "schedule"])
def test_a_schedule_without_its_columns_is_refused(column: str) -> None:
    forecast = forecast_of("2024-06-02")
    with pytest.raises(SchemaError, match=f"'farm' has no column '{column}'"):
        day_ahead_sheet(
            forecast, timezone="UTC", schedule=plan_of(forecast, schedule=1.0).drop(columns=column)
        )


def test_a_schedule_of_other_hours_is_refused() -> None:
    forecast = forecast_of("2024-06-02")
    whole = plan_of(forecast, schedule=1.0)
    with pytest.raises(TimeError, match=r"lacks 1 of 24 hours, the first 2024-06-02 05:00"):
        day_ahead_sheet(forecast, timezone="UTC", schedule=whole.drop(index=5))
    with pytest.raises(TimeError, match=r"holds 2024-06-02 00:00:00\+00:00 twice"):
        day_ahead_sheet(forecast, timezone="UTC", schedule=pd.concat([whole, whole.head(1)]))
    naive = whole.assign(valid_time=whole["valid_time"].dt.tz_localize(None))
    with pytest.raises(TimeError, match="no time zone"):
        day_ahead_sheet(forecast, timezone="UTC", schedule=naive)


def test_frames_of_several_sites_and_issues_give_their_own_rows() -> None:
    forecast = forecast_of("2024-06-02")
    issued = forecast.issue_times[0]
    mine = plan_of(forecast, schedule=2.0, site="farm", issue_time=issued)
    frames = [mine, mine.assign(site="other", schedule=9.0)]
    frames.append(mine.assign(issue_time=issued - pd.Timedelta("1D"), schedule=8.0))
    sheet = day_ahead_sheet(forecast, timezone="UTC", schedule=pd.concat(frames, ignore_index=True))
    assert (sheet.to_frame()["schedule"] == 2.0).all()


def test_a_sheet_shows_one_site_and_one_issue() -> None:
    one, two = forecast_of("2024-06-02").data, forecast_of("2024-06-02", site="park").data
    import xarray as xr

    both = Forecast(xr.concat([one, two], "site", combine_attrs="override"))
    with pytest.raises(MissingDataError, match="'farm', 'park'"):
        day_ahead_sheet(both, timezone="UTC")
    assert day_ahead_sheet(both, timezone="UTC", site="park").subject == "park"
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    windows = task.windows(task.issue_times("2024-06-02", "2024-06-03"))
    several = Forecast.from_rows(
        {
            "farm": SiteRows(
                np.tile([1.0, 2.0, 3.0], (48, 1)), kind="wind", weather_init_time=windows.issue_time
            )
        },
        windows=windows,
        quantile_levels=task.quantiles,
        attrs={},
    )
    with pytest.raises(MissingDataError, match="issued 2 times"):
        day_ahead_sheet(several, timezone="UTC")
    chosen = day_ahead_sheet(several, timezone="UTC", issue_time="2024-06-02 09:00")
    assert str(chosen.period[0]) == "2024-06-03"


def test_one_day_of_a_longer_forecast() -> None:
    forecast = forecast_of("2024-02-28", timezone="Asia/Almaty", days=3)
    whole = day_ahead_sheet(forecast, timezone="Asia/Almaty")
    assert len(whole.table.data) == 24 + 25 + 24
    leap = day_ahead_sheet(forecast, timezone="Asia/Almaty", day="2024-02-29")
    assert len(leap.table.data) == 25
    assert leap.table.data["q0.5"].tolist() == whole.table.data["q0.5"].tolist()[24:49]
    with pytest.raises(MissingDataError, match="2024-03-09"):
        day_ahead_sheet(forecast, timezone="Asia/Almaty", day="2024-03-09")


def test_a_sheet_says_what_the_forecast_rests_on() -> None:
    sheet = day_ahead_sheet(forecast_of("2024-06-02", age=15, fallback=2), timezone="Asia/Almaty")
    assert translations.format_value(sheet.facts["fact.quality"]) == f"2: {LADDER[2]}"
    assert translations.format_value(sheet.facts["fact.run"]) == "2024-05-31 18:00 UTC, 15 h old at issue"
    assert (
        translations.format_value(sheet.facts["fact.issue"]) == "2024-06-01 14:00"
    )  # on the clock of the sheet
    frame = sheet.to_frame()
    assert set(frame["fallback_level"]) == {2}
    assert set(frame["weather_age"]) == {15.0}
    assert set(frame["caveat"]) == {CAVEAT}
    analysis = day_ahead_sheet(forecast_of("2024-06-02", age=None), timezone="UTC")
    assert translations.format_value(analysis.facts["fact.run"]) == "none (an analysis, or no weather)"


def test_caveats_of_plans_are_said_once() -> None:
    forecast = forecast_of("2024-06-02")
    reserve = plan_of(forecast, up=1.0, down=1.0)
    reserve.attrs = {"caveats": f"{CAVEAT}; static", "risk": 0.01}
    schedule = plan_of(forecast, schedule=1.0, caveat="drawn from few")
    sheet = day_ahead_sheet(forecast, timezone="UTC", schedule=schedule, reserve=reserve)
    assert sheet.caveats == (CAVEAT, "drawn from few", "static")
    assert "a probability of at most 0.01." in sheet.notes[-1].translate()


def test_levels_must_be_inside_those_of_the_forecast() -> None:
    with pytest.raises(RangeError, match=r"0\.05 is asked for"):
        day_ahead_sheet(example_forecast(), timezone="UTC", quantile_levels=(0.05, 0.5))
    between = day_ahead_sheet(example_forecast(), timezone="UTC", quantile_levels=(0.3,))
    assert between.to_frame()["q0.3"][0] == pytest.approx(8.0)  # half way from 6 to 10


# --- The week -------------------------------------------------------------------------------------


def normal_scenarios(rho: float, number: int = 4000, hours: int = 49) -> Scenarios:
    """Each hour normal with mean 100 and spread 10; any two hours correlated by rho."""
    rng = np.random.default_rng(5)
    shared, own = rng.normal(size=(number, 1, 1)), rng.normal(size=(number, 1, hours))
    values = 100 + 10 * (np.sqrt(rho) * shared + np.sqrt(1 - rho) * own)
    valid = pd.date_range("2024-02-28 18:00", periods=hours, freq="1h", tz="UTC")
    return Scenarios.from_values(values, sites=["net load"], valid_time=valid, caveats=["synthetic: normal"])


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_quantiles_of_a_days_energy_are_those_of_the_sum(rho: float) -> None:
    frame = weekly_outlook(normal_scenarios(rho), timezone="Asia/Almaty").to_frame()
    assert frame["hours"].tolist() == [25, 24]
    for row, n in zip(frame.itertuples(), (25, 24), strict=True):
        spread = 10 * np.sqrt(n + rho * n * (n - 1))
        width = frame.loc[row.Index, "energy_q0.9"] - frame.loc[row.Index, "energy_q0.1"]
        assert width == pytest.approx(2 * 1.281552 * spread, rel=0.06)
        assert row.energy_mean == pytest.approx(100 * n, abs=4 * spread / np.sqrt(4000))


def test_energy_is_power_times_hours_by_hand() -> None:
    valid = pd.date_range("2024-01-01", periods=96, freq="30min", tz="UTC")
    courses = np.arange(200.0)[:, None, None] + np.zeros((1, 1, 96))
    outlook = weekly_outlook(
        Scenarios.from_values(courses, sites=["a"], valid_time=valid),
        timezone="UTC",
        quantile_levels=(0.1, 0.5),
    )
    frame = outlook.to_frame()
    assert frame["energy_mean"].tolist() == [99.5 * 24] * 2
    assert frame["energy_q0.5"].tolist() == [99.5 * 24] * 2


def test_hours_at_risk_are_those_above_or_below_by_more_than_the_risk() -> None:
    valid = pd.date_range("2024-01-01", periods=24, freq="1h", tz="UTC")
    courses = np.zeros((100, 1, 24))
    courses[:20, 0, [7, 8, 9, 18]] = 50.0  # above 40 with a probability of 0.2
    courses[:10, 0, 3] = 50.0  # 0.1, which does not exceed the risk
    courses[:30, 0, 22] = -5.0  # below -1 with 0.3
    scenarios = Scenarios.from_values(courses, sites=["a"], valid_time=valid)
    outlook = weekly_outlook(scenarios, timezone="UTC", above=40.0).to_frame()
    assert outlook["hours_at_risk"].tolist() == [4]
    assert outlook["when_at_risk"].tolist() == ["07:00–10:00, 18:00–19:00"]
    assert outlook["peak_probability"].tolist() == [0.2]
    both = weekly_outlook(scenarios, timezone="UTC", above=40.0, below=-1.0).to_frame()
    assert both["when_at_risk"].tolist() == ["07:00–10:00, 18:00–19:00, 22:00–23:00"]
    assert "hours_at_risk" not in weekly_outlook(scenarios, timezone="UTC").to_frame()


def test_a_span_over_a_doubled_hour_is_unambiguous() -> None:
    scenarios = normal_scenarios(0.0, number=200)
    outlook = weekly_outlook(scenarios, timezone="Asia/Almaty", above=0.0, risk=0.5).to_frame()
    assert outlook["when_at_risk"].tolist() == ["00:00–24:00 (UTC+05:00)", "00:00–24:00"]


def test_a_part_of_a_day_is_called_so() -> None:
    scenarios = normal_scenarios(0.0, number=200)
    frame = weekly_outlook(scenarios, timezone="UTC").to_frame()
    assert frame["hours"].tolist() == [6, 24, 19]
    assert frame["flags"].tolist() == ["part of the day only", "", "part of the day only"]


def test_a_forecast_gives_expected_energy_but_no_quantiles_of_sums() -> None:
    forecast = forecast_of("2024-02-28", timezone="Asia/Almaty", days=7, caveats=CAVEAT)
    outlook = weekly_outlook(forecast, timezone="Asia/Almaty")
    frame = outlook.to_frame()
    assert frame["hours"].tolist() == [24, 25, 24, 24, 24, 24, 24]
    hourly = forecast.mean.values[0, 0]
    assert frame["energy_mean"].tolist()[:2] == pytest.approx([hourly[:24].sum(), hourly[24:49].sum()])
    assert not [name for name in frame if name.startswith("energy_q")]
    with pytest.raises(SchemaError, match="quantiles of a sum are not sums of quantiles"):
        weekly_outlook(forecast, timezone="Asia/Almaty", quantile_levels=(0.5,))


@pytest.mark.parametrize("level", [0.2, 0.5, 0.8])
def test_a_forecasts_probability_beyond_its_quantile_is_one_less_the_level(level: float) -> None:
    fine = tuple(k / 20 for k in range(1, 20))
    forecast = forecast_of("2024-06-02", levels=fine, median=100.0)
    bound = float(forecast.at(level).values[0, 0, 0])
    above = weekly_outlook(forecast, timezone="UTC", above=bound, risk=0.1).to_frame()
    assert above["peak_probability"][0] == pytest.approx(1 - level)
    below = weekly_outlook(forecast, timezone="UTC", below=bound, risk=0.1).to_frame()
    assert below["peak_probability"][0] == pytest.approx(level)


def test_a_mass_at_the_bound_is_neither_above_nor_below() -> None:
    """A calm plant: half of the distribution lies at 0."""
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    windows = task.windows(task.issue_times("2024-06-02", "2024-06-02"))
    forecast = Forecast.from_rows(
        {
            "farm": SiteRows(
                np.tile([0.0, 0.0, 8.0], (24, 1)),
                capacity=10.0,
                kind="wind",
                weather_init_time=windows.issue_time,
            )
        },
        windows=windows,
        quantile_levels=task.quantiles,
        attrs={},
    )
    peak = {
        side: weekly_outlook(forecast, timezone="UTC", risk=0.2, **{side: 0.0}).to_frame()[
            "peak_probability"
        ][0]
        for side in ("above", "below")
    }
    assert peak == {"above": pytest.approx(0.5), "below": 0.0}


def test_too_few_scenarios_for_a_level_or_a_risk_are_refused() -> None:
    with pytest.raises(RangeError, match=r"99 scenarios of 'net load' .* of 0\.1.*\n.*takes 100"):
        weekly_outlook(normal_scenarios(0.0, number=99), timezone="UTC")
    with pytest.raises(RangeError, match=r"risk of 0\.01.*\n.*takes 1000"):
        weekly_outlook(normal_scenarios(0.0, number=200), timezone="UTC", above=1.0, risk=0.01)
    with pytest.raises(RangeError, match=r"levels from 0\.1 to 0\.9"):
        weekly_outlook(forecast_of("2024-06-02"), timezone="UTC", above=1.0, risk=0.05)
    with pytest.raises(RangeError, match="The risk is 0"):
        weekly_outlook(normal_scenarios(0.0), timezone="UTC", above=1.0, risk=0.0)


def test_drawn_scenarios_say_what_ties_their_hours() -> None:
    forecast = forecast_of("2024-06-02", caveats=CAVEAT)
    alone = weekly_outlook(sample_scenarios(forecast, n_scenarios=200), timezone="UTC")
    assert alone.caveats == (CAVEAT, "independent hours: intervals of a day's energy are too narrow")
    assert translations.format_value(alone.facts["fact.issue"]) == "2024-06-01 09:00"
    tied = sample_scenarios(
        forecast, n_scenarios=200, dependence=GaussianCopula.exponential(range_hours=12.0)
    )
    together = weekly_outlook(tied, timezone="UTC")
    assert together.caveats == (CAVEAT,)
    widths = [
        frame["energy_q0.9"][0] - frame["energy_q0.1"][0] for frame in (alone.to_frame(), together.to_frame())
    ]
    assert widths[1] > 2 * widths[0]


# --- What changed ---------------------------------------------------------------------------------


def later_issue(forecast: Forecast, *, hours: int, change: Any, scale: float = 1.0) -> Forecast:
    """The same hours, those already past left out, with another median and width."""
    step = pd.Timedelta(hours, "h")
    data = forecast.data.isel(lead_time=slice(hours, None))
    data = data.assign_coords(issue_time=data["issue_time"] + step, lead_time=data["lead_time"] - step)
    median = data.sel(quantile=0.5)
    moved = median + (data - median) * scale + np.asarray(change)[None, None, :, None]
    return Forecast(moved.transpose(*data.dims).assign_attrs(data.attrs))


def test_a_revision_compares_the_common_hours_and_counts_the_rest() -> None:
    before = forecast_of("2024-06-02", days=2)
    change = np.zeros(18 + 24)
    change[[2, 9, 30]] = [3.0, -30.0, 6.0]
    now = later_issue(before, hours=6, change=change, scale=0.5)
    short = Forecast(before.data.isel(lead_time=slice(0, 40)))
    sheet = revision_sheet(now, short, timezone="UTC", largest=2)
    counts = {key: sheet.facts[key] for key in ("fact.common", "fact.only_now", "fact.only_previous")}
    assert counts == {"fact.common": 34, "fact.only_now": 8, "fact.only_previous": 6}
    frame, top = sheet.to_frame(), sheet.to_frame(part="summary")
    assert frame["begin"].iloc[0] == timestamps.instant("2024-06-02 06:00")
    assert frame["change"].tolist() == pytest.approx(change[:34].tolist(), abs=1e-4)
    assert top["change"].tolist() == pytest.approx([-30.0, 6.0], abs=1e-4)
    width = 2 * 12.815516
    assert frame["width_change"].tolist() == pytest.approx([-width / 2] * 34, abs=1e-3)
    assert top["share"].tolist() == pytest.approx([-30 / width, 6 / width], abs=1e-4)
    assert (frame["flags"] != "").sum() == 1  # 30 MW is further than half of the interval, 6 is not
    assert top["flags"][0] == "new median outside the interval before"


def test_a_change_against_no_width_is_no_share() -> None:
    before = forecast_of("2024-06-02", spread=0.0)
    sheet = revision_sheet(later_issue(before, hours=1, change=np.ones(23)), before, timezone="UTC")
    assert sheet.to_frame()["share"].isna().all()
    assert ">–</td>" in html.html(replace(sheet, chart=None))


def test_issues_that_cannot_be_compared_are_refused() -> None:
    before = forecast_of("2024-06-02")
    now = later_issue(before, hours=6, change=np.zeros(18))
    with pytest.raises(TimeError, match="previous issue must be made before"):
        revision_sheet(before, now, timezone="UTC")
    with pytest.raises(TimeError, match="at least one hour in common"):
        revision_sheet(forecast_of("2024-06-05"), before, timezone="UTC")
    with pytest.raises(TimeError, match="same intervals"):
        revision_sheet(now, forecast_of("2024-06-02", frequency="30min"), timezone="UTC")
    with pytest.raises(RangeError, match="lower and an upper"):
        revision_sheet(now, before, timezone="UTC", interval=(0.1, 0.5, 0.9))


# --- Yesterday ------------------------------------------------------------------------------------

FINE = tuple(k / 20 for k in range(1, 20))


def outcomes(forecast: Forecast, values: Any, *, site: str = "farm") -> ef.Observations:
    index = pd.DatetimeIndex(forecast.to_frame()["valid_time"])
    return ef.Observations(
        pd.DataFrame({site: np.asarray(values, dtype=float)}, index=index), published_after="2h"
    )


@pytest.fixture
def yesterday() -> tuple[Forecast, ef.Observations, dict[str, Forecast]]:
    forecast = forecast_of("2024-06-02", levels=FINE)
    rng = np.random.default_rng(3)
    values = 50.0 + np.arange(24) + rng.normal(0, 9, 24)
    values[[4, 5]] = np.nan
    references = {
        "flat": forecast_of("2024-06-02", levels=FINE, median=61.0, spread=20.0),
        "point": forecast_of("2024-06-02", levels=(0.5,), median=55.0),
    }
    return forecast, outcomes(forecast, values), references


def scored(sheet: Sheet, model: str) -> dict[str, float]:
    return dict(sheet.to_frame(part="summary").set_index("key")[model])


def test_totals_are_the_scores_of_the_evaluation(yesterday: Any) -> None:
    forecast, observed, references = yesterday
    sheet = verification_sheet(
        forecast,
        observed,
        timezone="UTC",
        references={"flat": references["flat"]},
        terms=VerificationTerms(interval=0.8),
    )
    for name, item in {"forecast": forecast, "flat": references["flat"]}.items():
        found = scored(sheet, name)
        for key, table, column in (
            ("mae", evaluation.mae(observed, item), "value"),
            ("nmae", evaluation.mae(observed, item), "percent"),
            ("bias", evaluation.bias(observed, item), "value"),
            ("pinball", evaluation.pinball(observed, item), "value"),
            ("coverage", evaluation.coverage(observed, item, interval=0.8), "percent"),
        ):
            assert found[key] == pytest.approx(float(table[column][0])), key
            assert found["n"] == table["n"][0] == 22
            assert found["missing"] == table["missing"][0] == 2
    ratio = scored(sheet, "forecast")["pinball"] / scored(sheet, "flat")["pinball"]
    assert scored(sheet, "flat")["saved"] == pytest.approx(100 * (1 - ratio))


def test_hours_average_to_the_totals(yesterday: Any) -> None:
    forecast, observed, _ = yesterday
    sheet = verification_sheet(forecast, observed, timezone="UTC")
    frame, found = sheet.to_frame(), scored(sheet, "forecast")
    assert frame["error"].abs().mean() == pytest.approx(found["mae"])
    assert frame["pinball"].mean() == pytest.approx(found["pinball"])
    assert 100 * frame["inside"].mean() == pytest.approx(found["coverage"])
    assert frame["flags"].tolist().count("not measured") == 2
    assert frame.loc[4, ["observed", "error", "pinball", "shortage"]].isna().all()
    assert frame["inside"].isna().sum() == frame["within"].isna().sum() == 2


def test_pinball_losses_are_over_levels_that_all_hold(yesterday: Any) -> None:
    forecast, observed, references = yesterday
    sheet = verification_sheet(forecast, observed, timezone="UTC", references=references)
    assert scored(sheet, "point")["pinball"] == pytest.approx(scored(sheet, "point")["mae"] / 2)
    assert scored(sheet, "forecast")["pinball"] == pytest.approx(
        evaluation.pinball(observed, forecast, quantile_levels=[0.5])["value"][0]
    )
    assert np.isnan(scored(sheet, "point")["coverage"])
    assert "Pinball loss, 1 levels from 0.5 to 0.5" in sheet.to_frame(part="summary")["score"].tolist()
    with pytest.raises(RangeError, match="no level in common"):
        verification_sheet(
            forecast,
            observed,
            timezone="UTC",
            references={"odd": forecast_of("2024-06-02", levels=(0.123, 0.5001))},
        )


def test_the_tolerance_is_of_the_schedule_and_imbalance_has_a_side() -> None:
    forecast = forecast_of("2024-06-02", median=100.0)
    planned = np.full(24, 100.0)
    planned[3] = np.nan
    measured = np.full(24, 100.0)
    measured[:3] = [105.0, 94.9, 105.1]
    observed = outcomes(forecast, measured)
    schedule = plan_of(forecast, schedule=planned)
    sheet = verification_sheet(forecast, observed, timezone="UTC", schedule=schedule)
    frame, found = sheet.to_frame(), scored(sheet, "forecast")
    assert frame["within"].tolist()[:3] == [True, False, False]
    assert pd.isna(frame["within"][3])
    assert found["within"] == pytest.approx(100 * 21 / 23)
    assert found["shortage"] == pytest.approx(5.1)
    assert found["surplus"] == pytest.approx(5.0 + 5.1)
    assert any("Hours without a schedule: 1" in note.translate() for note in sheet.notes)
    bought = scored(
        verification_sheet(forecast.with_kind("demand"), observed, timezone="UTC", schedule=schedule),
        "forecast",
    )
    assert (bought["shortage"], bought["surplus"]) == (found["surplus"], found["shortage"])


def test_a_reference_must_cover_the_same_hours_and_is_cut_to_them(yesterday: Any) -> None:
    forecast, observed, _ = yesterday
    longer = forecast_of("2024-06-02", days=2, levels=FINE)
    sheet = verification_sheet(forecast, observed, timezone="UTC", references={"longer": longer})
    assert scored(sheet, "longer") | {"saved": 0} == scored(sheet, "forecast") | {"saved": 0}
    with pytest.raises(TimeError, match="'late' of site 'farm' lacks 24 of 24 hours"):
        verification_sheet(forecast, observed, timezone="UTC", references={"late": forecast_of("2024-06-05")})
    with pytest.raises(TimeError, match="was not observed"):
        verification_sheet(longer, observed, timezone="UTC")
    with pytest.raises(SchemaError, match="'forecast'"):
        verification_sheet(forecast, observed, timezone="UTC", references={"forecast": longer})


@pytest.mark.parametrize(("name", "value"), [("tolerance", 1.0), ("tolerance", -0.1), ("interval", 1.0)])
def test_impossible_terms_are_refused(name: str, value: float) -> None:
    with pytest.raises(RangeError, match=f"The {name} is"):
        VerificationTerms(**{name: value})


def test_a_reference_may_be_called_like_a_heading(yesterday: Any, tmp_path: Path) -> None:
    forecast, observed, references = yesterday
    sheet = verification_sheet(
        forecast, observed, timezone="UTC", references={"Forecast": references["flat"]}
    )
    path = sheet.write_csv(tmp_path / "scores.csv", language="en", part="summary")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Key", "Score", "Unit", "Forecast", "Forecast", "Caveat"]
    assert float(rows[1][3]) != float(rows[1][4])


# --- Files ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sheets() -> dict[str, Sheet]:
    """One of each kind, on the day of 25 hours, each with a synthetic forecast."""
    forecast = forecast_of("2024-02-29", timezone="Asia/Almaty", levels=FINE)
    day = day_ahead_sheet(
        forecast,
        timezone="Asia/Almaty",
        schedule=plan_of(forecast, schedule=[np.nan, *np.full(24, 60.5)]),
        reserve=plan_of(forecast, up=7.0, down=8.0),
    )
    return {
        "day_ahead": day,
        "weekly_outlook": weekly_outlook(normal_scenarios(0.5, 200), timezone="Asia/Almaty", above=110.0),
        "revision": revision_sheet(
            later_issue(forecast, hours=2, change=np.ones(23)), forecast, timezone="Asia/Almaty"
        ),
        "verification": verification_sheet(
            forecast,
            outcomes(forecast, np.full(25, 62.0)),
            timezone="Asia/Almaty",
            references={"flat": forecast_of("2024-02-29", timezone="Asia/Almaty", levels=FINE, median=60.0)},
        ),
    }


KINDS = ("day_ahead", "weekly_outlook", "revision", "verification")


@pytest.mark.parametrize("kind", KINDS)
def test_csv_reads_back_as_it_was(sheets: dict[str, Sheet], kind: str, tmp_path: Path) -> None:
    sheet = sheets[kind]
    path = sheet.write_csv(tmp_path / "sheet.csv")
    back = pd.read_csv(path)
    assert back["caveat"].str.contains("synthetic").all()
    for column in sheet.table.columns:
        if column.kind in ("time", "day"):
            assert back[column.name].str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d[+-]\d\d:\d\d").all()
            moments = pd.to_datetime(back[column.name], utc=True)
            assert (moments == sheet.table.data[column.name].dt.tz_convert("UTC")).all()
        elif column.kind in ("number", "share", "count"):
            expected = sheet.table.data[column.name].to_numpy(dtype=float)
            np.testing.assert_allclose(back[column.name].to_numpy(dtype=float), expected, atol=5.1e-5)


def test_csv_of_a_language_translates_words_and_leaves_numbers(
    sheets: dict[str, Sheet], tmp_path: Path
) -> None:
    path = sheets["day_ahead"].write_csv(tmp_path / "ru.csv", language="ru")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # else Excel garbles Cyrillic
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1]["Заявленный график, МВт"] == "60.5000"
    assert rows[1]["Начало (Asia/Almaty)"] == "2024-02-29T01:00+06:00"
    assert rows[0]["Отметки"] == "графика нет"
    assert "синтетические" in rows[0]["Оговорка"]


@pytest.mark.parametrize("language", ["en", "ru", "fr"])
@pytest.mark.parametrize("kind", KINDS)
def test_workbooks_hold_numbers_and_dates(
    sheets: dict[str, Sheet], kind: str, language: str, tmp_path: Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    sheet = sheets[kind]
    book = openpyxl.load_workbook(sheet.write_xlsx(tmp_path / "sheet.xlsx", language=language))
    first = book.worksheets[0]
    rows = list(first.iter_rows(values_only=True))
    head = next(k for k, row in enumerate(rows) if sum(cell is not None for cell in row) > 2)
    assert first.freeze_panes is not None
    assert int(re.sub(r"\D", "", first.freeze_panes)) == head + 2  # the row below the headings
    assert any("synthetic" in str(row[0]) for row in rows[:head]), "said above the table"
    shown = [column for column in sheet.table.columns if not column.repeated]
    assert list(rows[head]) == [column.heading(language) for column in shown]
    body = rows[head + 1 :]
    assert len(body) == len(sheet.table.data)
    for place, column in enumerate(shown):
        written, given = [row[place] for row in body], sheet.table.data[column.name]
        if column.kind in ("time", "day"):
            assert written == [moment.to_pydatetime().replace(tzinfo=None) for moment in given]
        elif column.kind in ("number", "share", "count"):
            np.testing.assert_allclose([np.nan if v is None else v for v in written], given, atol=1e-6)
        elif column.kind == "yes_no":
            assert [value for value in written if value is not None] == [bool(v) for v in given.dropna()]
    about = " ".join(str(cell) for row in book.worksheets[-1].iter_rows(values_only=True) for cell in row)
    assert "synthetic" in about
    assert len(book.worksheets) == (3 if sheet.summary is not None else 2)


def test_the_same_sheet_is_the_same_file(sheets: dict[str, Sheet], tmp_path: Path) -> None:
    for write in ("write_csv", "write_xlsx", "write_html"):
        one, two = (getattr(sheets["day_ahead"], write)(tmp_path / name).read_bytes() for name in ("a", "b"))
        assert one == two, write


EVIL = ["=HYPERLINK(0)", "+1", "-1+1", "@SUM(A1)", "\t=1", "<script>alert(1)</script>", "http://x.example"]


def evil_sheet() -> Sheet:
    data = pd.DataFrame({"text": EVIL, "power": -np.arange(7.0)})
    columns = (Column("text", "=heading", kind="text"), Column("power", "p", unit="MW"))
    return Sheet(
        kind="day_ahead",
        subject='=cmd|"</title><b>',
        period=(pd.Timestamp("2024-01-01").date(),) * 2,
        timezone="UTC",
        table=Table(data, columns, translations.Text("word.table")),
        facts={"fact.site": "=1+1"},
        caveats=("=synthetic & <i>",),
    )


def test_text_never_becomes_a_formula_or_a_link(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(evil_sheet().write_xlsx(tmp_path / "evil.xlsx"))
    for page_ in book.worksheets:
        for row in page_.iter_rows():
            for cell in row:
                assert cell.data_type != "f", cell.value
                assert cell.hyperlink is None
    texts = [row[0].value for row in book.worksheets[0].iter_rows() if row[0].value in EVIL]
    assert texts == EVIL  # as they were
    assert [cell.value for cell in book.worksheets[0]["B"]][-7:] == [0, -1, -2, -3, -4, -5, -6]


@pytest.mark.parametrize(
    ("values", "digits"), [([0.5, 12.0], 2), ([250.0], 1), ([17400.0], 0), ([np.nan], 2)]
)
def test_decimals_suit_the_size_of_the_numbers(values: list[float], digits: int) -> None:
    assert workbook.digits_of(pd.Series(values)) == digits


def test_csv_disarms_formulas_and_keeps_negative_numbers(tmp_path: Path) -> None:
    with evil_sheet().write_csv(tmp_path / "evil.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows[1:]] == [f"'{text}" for text in EVIL[:5]] + EVIL[5:]
    assert {row[2] for row in rows[1:]} == {"'=synthetic & <i>"}
    assert rows[2][1] == "-1.0000"


class Reader(HTMLParser):
    """Checks nesting; gathers attributes and text."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("kind", KINDS)
def test_pages_are_whole_and_need_nothing_else(sheets: dict[str, Sheet], kind: str) -> None:
    for language in translations.languages():
        drawn = language == "en" and kind in ("day_ahead", "weekly_outlook")  # drawing takes long
        sheet = sheets[kind] if drawn else replace(sheets[kind], chart=None)
        reader = read(html.html(sheet, language=language))
        tags = dict(reader.tags)
        assert tags["html"] == {"lang": language}
        links = [
            value
            for _, attributes in reader.tags
            for name, value in attributes.items()
            if name in ("src", "href")
        ]
        assert all(str(link).startswith("data:") for link in links)
        assert not {"script", "iframe", "object", "form"} & tags.keys()
        said = " ".join(reader.words)
        assert "synthetic" in said
        assert language == "en" or {"ru": "синтетические", "fr": "synthétiques"}[language] in said
        assert sum(tag == "tbody" for tag, _ in reader.tags) == (2 if sheets[kind].summary is not None else 1)
        if language != "en":  # decimal commas in cells
            cells = [word for word in reader.words if re.fullmatch(r"−?\d+[.,]\d+", word)]
            assert all("," in cell for cell in cells)


def test_pages_escape_everything() -> None:
    text = html.html(evil_sheet())
    reader = read(text)
    assert "<script>alert(1)</script>" in reader.words
    assert not {"script", "i", "b"} & {tag for tag, _ in reader.tags}
    assert "=synthetic & <i>" in reader.words


def test_figures_speak_the_language_and_tell_rows_of_a_long_day(sheets: dict[str, Sheet]) -> None:
    axes = figure.draw(sheets["day_ahead"], language="ru").axes[0]
    assert axes.get_ylabel() == "Мощность, МВт"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "квантили от 0,1 до 0,9",
        "медиана",
        "заявленный график",
    ]
    assert axes.get_xlim() == (0, 25)


def test_a_workbook_without_its_library_names_the_extra(
    sheets: dict[str, Sheet], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(DependencyError, match=r"energyforecast\[planning\]"):
        sheets["day_ahead"].write_xlsx(tmp_path / "sheet.xlsx")


def test_a_part_that_is_not_there_is_refused(sheets: dict[str, Sheet]) -> None:
    with pytest.raises(MissingDataError, match="'summary'"):
        sheets["day_ahead"].to_frame(part="summary")


def test_embedded_example_observations_verify_exactly() -> None:
    sheet = verification_sheet(example_forecast(), example_observations(), timezone="UTC")
    assert scored(sheet, "forecast")["mae"] == 1.0
    assert scored(sheet, "forecast")["shortage"] == 0.0
    assert scored(sheet, "forecast")["surplus"] == 24.0
