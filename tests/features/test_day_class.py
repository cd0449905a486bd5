"""The newest day of the same class: which day is taken, at every hour of the day."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core.decrees import Decree
from energyforecast.features import DayClass, FeatureSet, SameTypeLag
from energyforecast.point_in_time import gathering

PLACES = {"KZ": "Asia/Almaty", "FR": "Europe/Paris", None: "Europe/Paris"}


def _look(feature: ef.Feature, country: str | None, day: str, **changes: object) -> np.ndarray:
    """Columns at the hours of a day, issued at 14:00 before it; demand is the day of the month plus 1 % of the hour."""
    zone = PLACES[country]
    area = ef.DemandArea(name="city", latitude=48.0, longitude=9.0, timezone=zone, country=country, **changes)
    target = pd.Timestamp(day)
    index = pd.date_range(target - pd.Timedelta("50D"), target, freq="1h", tz=zone).tz_convert("UTC")
    local = index.tz_convert(zone)
    load = pd.DataFrame({"city": local.day + local.hour / 100.0}, index=index)
    task = ef.day_ahead("14:00", timezone=zone)
    _, needs = FeatureSet((feature,)).resolve({})
    snapshot = gathering.take_snapshot(
        {},
        ef.Observations(load, published_after="1h"),
        sites=[area],
        windows=task.windows(task.issue_times(day, day)),
        names=needs.names,
        required=needs.names,
        margin=needs.margin,
        history=needs.history,
    )
    return next(iter(FeatureSet((feature,)).compute(snapshot).values()))[0]


@pytest.mark.parametrize(
    ("country", "day", "taken"),
    [
        ("KZ", "2025-01-20", 17),  # Monday: Friday
        ("KZ", "2025-01-18", 11),  # Saturday
        ("KZ", "2025-01-19", 12),  # Sunday
        (
            "KZ",
            "2025-01-07",
            3,
        ),  # Christmas on a Tuesday: the Friday that a decree made free; Sunday was worked
        ("KZ", "2025-01-06", 31),  # that Sunday is not published yet at 14:00, but for its first hours
        ("FR", "2024-05-10", 4),  # bridge day after Ascension: Saturday
        (
            "FR",
            "2024-05-13",
            7,
        ),  # Monday after it: Tuesday, as 8 and 9 May were holidays, and Friday a bridge day
        ("FR", "2025-03-31", 28),  # the clock went forward on Sunday
        (None, "2025-01-01", 30),  # no holidays are known, and of Tuesday nothing after 13:00
    ],
)
def test_the_newest_day_of_the_class_is_taken(country: str | None, day: str, taken: int) -> None:
    got = _look(SameTypeLag(), country, day)
    np.testing.assert_allclose(got[14:], taken + np.arange(14, 24) / 100.0, rtol=1e-6)


def test_hours_of_today_that_are_published_are_newer() -> None:
    got = _look(SameTypeLag(), "KZ", "2025-01-21")
    expected = [20 + hour / 100 if hour <= 12 else 17 + hour / 100 for hour in range(24)]
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_without_a_day_of_the_class_last_week_is_taken() -> None:
    got = _look(SameTypeLag(days=3), "KZ", "2025-01-18")
    np.testing.assert_allclose(got, 11 + np.arange(24) / 100.0, rtol=1e-6)


@pytest.mark.parametrize(("published", "taken"), [("2025-01-10", 4.0), ("2025-01-21", 0.0)])
def test_a_decree_counts_from_its_publication(published: str, taken: float) -> None:
    decree = Decree(published=published, day_off="2025-01-20")
    assert set(_look(DayClass(), "KZ", "2025-01-20", decrees=[decree])) == {taken}
