"""Last year's demand, scaled, and departures of earlier years: what each knows at its issue, and its numbers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

HOURS = pd.date_range("2020-01-01", periods=24 * 364 * 3, freq="1h", tz="UTC")
KNOWN = pd.Timestamp("2022-06-01", tz="UTC")


@pytest.fixture(scope="module")
def plan() -> Iterator[Any]:
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    yield importlib.import_module("demand_plan")
    sys.path.remove(folder)


def _power(growth: float) -> pd.Series:
    """A year of 364 days that is repeated, larger by a factor each time."""
    hour = np.arange(len(HOURS))
    cycle = 100 + 20 * np.sin(2 * np.pi * hour / 24) + 30 * np.cos(2 * np.pi * hour / (24 * 364))
    return pd.Series(cycle * growth ** (hour // (24 * 364)), HOURS)


def test_last_year_is_exact_where_growth_is_that_of_the_newest_quarter(plan: Any) -> None:
    power = _power(1.1)
    found = plan.LastYear(power, 30).outlook(KNOWN, KNOWN)
    y = plan.outcome(power, KNOWN, 30)
    assert found is not None
    np.testing.assert_allclose(found.energy, y.sum())
    np.testing.assert_allclose(found.peak, y.max())
    assert len(found.energy) == 99  # its weekly errors until then, all of them zero
    assert found.place[0] == y.argmax()


def test_the_reference_and_its_errors_know_nothing_after_the_issue(plan: Any) -> None:
    power = _power(1.1) * np.exp(np.random.default_rng(0).normal(0, 0.1, len(HOURS)))
    later = power.where(power.index < KNOWN, 7.0)
    one, other = (plan.LastYear(each, 7).outlook(KNOWN, KNOWN) for each in (power, later))
    np.testing.assert_array_equal(one.energy, other.energy)
    np.testing.assert_array_equal(one.peak, other.peak)
    assert np.ptp(one.peak) > 0


def test_departures_go_on_as_in_the_same_season_of_each_earlier_year(plan: Any) -> None:
    """A departure that repeats after a mean year, on a level that rises by 1 each year."""
    hour = np.arange(round(3.6 * 8766))
    departure = np.cos(2 * np.pi * hour / 8766) + hour / 8766
    scenarios, windows = plan.analogues(departure[: 3 * 8766], 24 * 30)
    level = departure[3 * 8766 - plan.LEVEL : 3 * 8766].mean()
    truth = departure[3 * 8766 :][: 24 * 30] - level
    assert scenarios.shape[1] == 720
    same_date = scenarios[3::7]  # not shifted
    np.testing.assert_allclose(same_date - truth, 0.0, atol=0.01)
    assert windows == pytest.approx(2 * (1 + 42 / 30))


def test_few_windows_make_wide_intervals(plan: Any) -> None:
    assert plan._student(5) == pytest.approx(1.533206 / 1.281552 * np.sqrt(1.2), rel=1e-5)
    values = np.exp(np.random.default_rng(0).normal(size=(50, 1)))
    plain, wide = plan.Outlook.of(values), plan.Outlook.of(values, windows=5)
    ratio = np.log(wide.energy).std() / np.log(plain.energy).std()
    assert ratio == pytest.approx(plan._student(5))


def test_years_are_turned_so_that_each_date_keeps_its_season(plan: Any) -> None:
    """A departure with a season of its own, on a level that rises by 0.1 each year."""
    hour = np.arange(4 * 8760)
    departure = np.cos(2 * np.pi * hour / 8760) + 0.1 * hour / 8760
    scenarios, windows = plan.analogues(departure[: 3 * 8760], 8760)
    level = departure[3 * 8760 - plan.LEVEL : 3 * 8760].mean()
    season = np.cos(2 * np.pi * hour[:8760] / 8760)
    assert len(scenarios) == 1 + (2 * 8760 - plan.LEVEL) // 672
    for scenario in scenarios:
        np.testing.assert_allclose(np.corrcoef(scenario, season)[0, 1], 1.0, atol=0.01)
    # The newest window is that of the last year, in its order.
    newest = departure[2 * 8760 : 3 * 8760] - departure[2 * 8760 - plan.LEVEL : 2 * 8760].mean()
    np.testing.assert_allclose(scenarios[0], newest)
    assert np.abs(scenarios[0] - (departure[3 * 8760 :] - level)).max() < 0.01
    assert windows == pytest.approx(1 + 672 * (len(scenarios) - 1) / 8760)
