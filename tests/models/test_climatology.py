"""Seasonal climatology: the same hour and kind of day of nearby dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.models import SeasonalClimatology

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def test_the_seasonal_climatology_takes_the_same_hour_and_kind_of_day_of_nearby_dates() -> None:
    index = pd.date_range("2019-01-01", "2022-12-31 23:00", freq="1h")
    angle = 2 * np.pi * (index.day_of_year - 1 + index.hour / 24) / np.where(index.is_leap_year, 366, 365)
    X = pd.DataFrame(
        {
            "hour": index.hour.astype(float),
            "weekend": (index.day_of_week >= 5).astype(float),
            "season_cosine": np.cos(angle),
            "season_sine": np.sin(angle),
        }
    )
    y = np.random.default_rng(0).normal(size=len(X))
    past, rows = index < "2022-01-01", [index.get_loc(t) for t in ("2022-01-02 07:00", "2022-07-06 18:00")]
    model = SeasonalClimatology(LEVELS).fit(X[past], y[past])
    for row in rows:
        moment = index[row]
        near = np.zeros(len(index), dtype=bool)
        for year in (2018, 2019, 2020, 2021, 2022):
            apart = index.normalize() - moment.normalize().replace(year=year)
            near |= np.abs(apart / pd.Timedelta("1D")) <= 8
        same = (
            near
            & past
            & (index.hour == moment.hour)
            & ((index.day_of_week >= 5) == (moment.day_of_week >= 5))
        )
        np.testing.assert_allclose(model.predict(X.iloc[[row]])[0], np.quantile(y[same], LEVELS), atol=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("country", "timezone", "weekend"),
    [
        ("KZ", "Asia/Almaty", {"Saturday", "Sunday"}),
        ("IL", "Asia/Jerusalem", {"Friday", "Saturday"}),
        ("SA", "Asia/Riyadh", {"Friday", "Saturday"}),
        ("QA", "Asia/Qatar", {"Friday", "Saturday"}),
        ("AE", "Asia/Dubai", {"Saturday", "Sunday"}),
        ("IR", "Asia/Tehran", {"Friday"}),
        ("NP", "Asia/Kathmandu", {"Saturday", "Sunday"}),
        (None, "Asia/Riyadh", {"Saturday", "Sunday"}),
    ],
)
def test_weekends_of_the_seasonal_climatology_are_those_of_the_country(
    country: str | None, timezone: str, weekend: set[str]
) -> None:
    area = ef.DemandArea(name="city", latitude=30.0, longitude=45.0, timezone=timezone, country=country)
    index = pd.date_range("2023-01-01", "2024-03-31 23:00", freq="1h", tz=timezone).tz_convert("UTC")
    local = index.tz_convert(timezone).day_name()
    load = np.where(local.isin(list(weekend)), 50.0, 100.0)
    demand = ef.Observations(pd.DataFrame({"city": load}, index=index), published_after="1h")
    task = ef.day_ahead("09:00", timezone=timezone, quantiles=(0.1, 0.5, 0.9))
    forecaster = ef.Forecaster(area, task, model=SeasonalClimatology())
    forecaster.fit(None, demand["2023-01-01":"2024-02-29"])
    for day in pd.date_range("2024-03-04", periods=7, freq="1D"):
        forecast = forecaster.predict(None, demand, issue_time=f"{day:%Y-%m-%d} 09:00")
        tomorrow = (day + pd.Timedelta("1D")).day_name()
        expected = 50.0 if tomorrow in weekend else 100.0
        assert forecast.to_frame()[["q0.1", "q0.9"]].to_numpy() == pytest.approx(expected), tomorrow


def test_a_weekend_that_moved_is_known_with_its_year() -> None:
    friday = np.array(["2021-03-05", "2024-03-01"], dtype="datetime64[D]")
    assert ef.calendars.weekend(friday, country="AE").tolist() == [True, False]


def test_a_part_of_a_country_may_have_a_weekend_of_its_own() -> None:
    days = np.array(["2024-03-01", "2024-03-03"], dtype="datetime64[D]")  # Friday, Sunday
    assert ef.calendars.weekend(days, country="MY").tolist() == [False, True]
    assert ef.calendars.weekend(days, country="MY", subdivision="03").tolist() == [True, False]
