"""Drift: recent weeks tested against the backtest of the model in service."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from energyforecast.errors import RangeError
from energyforecast.operations import Verification
from energyforecast.operations.drift import drift
from energyforecast.operations.model_summary import ModelSummary

TRAINED = pd.Timestamp("2024-03-01", tz="UTC")


def _hours(factor: float, *, weeks: int = 4, level: int = 0, seed: int = 1) -> pd.DataFrame:
    """Hours of a site with weekly CRPS of about 5 MW by a factor, where climatology has 10 MW."""
    rng = np.random.default_rng(seed)
    valid = pd.date_range(TRAINED, periods=168 * weeks, freq="1h", tz="UTC")
    weekly = np.repeat(np.exp(0.1 * rng.standard_normal(weeks)), 168)
    return pd.DataFrame(
        {
            "site": "farm",
            "issue_time": valid,
            "valid_time": valid,
            "fallback_level": level,
            "crps": 5.0 * factor * weekly,
            "crps_climatology": 10.0,
            "coverage": 0.8,
        }
    )


def _verified(hours: pd.DataFrame) -> Verification:
    return Verification(hours["valid_time"].max() + pd.Timedelta("1h"), 30, hours)


def _model(*, weeks: int = 8, seed: int = 0) -> ModelSummary:
    rng = np.random.default_rng(seed)
    blocks = [
        {
            "site": "farm",
            "crps": float(5 * np.exp(0.1 * rng.standard_normal())),
            "crps_climatology": 10.0,
            "coverage": float(0.8 + 0.02 * rng.standard_normal()),
            "n": 168,
        }
        for _ in range(weeks)
    ]
    return ModelSummary("m", TRAINED, {"backtest": {"scores": [], "blocks": blocks}})


def test_forecasts_as_good_as_the_backtest_are_no_drift() -> None:
    found = drift(_verified(_hours(1.0)), _model())
    assert found.reason is None
    assert set(found.tests["metric"]) == {"skill", "coverage"}
    row = found.tests.iloc[0]
    assert row["low"] < row["backtest"] < row["high"]
    assert row["backtest"] == pytest.approx(0.5, abs=0.05)


def test_forecasts_that_lost_their_skill_are_a_reason_with_its_significance() -> None:
    found = drift(_verified(_hours(1.6)), _model())
    assert found.reason is not None
    assert "skill over climatology of the last 4 weeks" in found.reason
    assert "p = " in found.reason
    assert "n = 672 hours" in found.reason


def test_better_forecasts_are_no_drift() -> None:
    assert drift(_verified(_hours(0.5)), _model()).reason is None


def test_intervals_that_cover_too_little_or_too_much_are_drift() -> None:
    for coverage in (0.6, 0.97):
        found = drift(_verified(_hours(1.0).assign(coverage=coverage)), _model())
        assert list(found.found["metric"]) == ["coverage"]


def test_the_share_of_false_alarms_is_about_that_of_the_level() -> None:
    alarms = [
        drift(_verified(_hours(1.0, seed=100 + k)), _model(seed=k), level=0.1)
        .found["metric"]
        .eq("skill")
        .any()
        for k in range(60)
    ]
    assert np.mean(alarms) <= 0.15


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"level": 2}, "no verdict"),  # forecasts without their inputs are no measure of the model
        ({"weeks": 1}, None),
    ],
)
def test_forecasts_of_lower_levels_do_not_count_and_one_week_is_enough(
    change: dict[str, Any], expected: str | None
) -> None:
    found = drift(_verified(_hours(3.0, **change)), _model())
    if expected is None:
        assert found.reason is not None
    else:
        assert found.reason is None
        assert expected in found.notes[0]


def test_forecasts_of_an_earlier_model_do_not_count() -> None:
    later = ModelSummary("m", TRAINED + pd.Timedelta("28D"), _model().manifest)
    found = drift(_verified(_hours(3.0)), later)
    assert found.reason is None
    assert "before a week" in found.notes[0]


def test_a_short_backtest_has_no_range() -> None:
    found = drift(_verified(_hours(3.0)), _model(weeks=3))
    assert found.reason is None
    assert "3 weeks of 4" in found.notes[0]
    with pytest.raises(RangeError):
        drift(_verified(_hours(1.0)), _model(), level=0.7)


def test_after_a_rollback_forecasts_of_the_newer_model_do_not_count() -> None:
    verified = _verified(_hours(3.0))
    assert drift(verified, _model(), since=TRAINED).reason is not None
    found = drift(verified, _model(), since=TRAINED + pd.Timedelta("26D"))
    assert found.reason is None
    assert "before a week" in found.notes[0]


def test_hours_without_climatology_count_on_neither_side() -> None:
    """Nights that are easy, of which climatology has no score, are no skill; their absence is no drift."""
    hours = _hours(1.0)
    night = hours["valid_time"].dt.hour < 8
    hours.loc[night, "crps"] = 60.0
    hours.loc[night, "crps_climatology"] = np.nan
    found = drift(_verified(hours), _model())
    assert found.reason is None
    row = found.tests[found.tests["metric"] == "skill"].iloc[0]
    assert row["recent"] == pytest.approx(0.5, abs=0.1)
    assert row["n"] == 672 * 2 // 3


def test_where_climatology_has_few_scores_the_crps_itself_is_tested() -> None:
    hours = _hours(1.0)
    hours.loc[hours.index > 50, "crps_climatology"] = np.nan
    found = drift(_verified(hours), _model())
    assert set(found.tests["metric"]) == {"crps", "coverage"}
    assert set(found.tests["n"]) == {672}


def test_each_reason_is_a_statement_of_its_own() -> None:
    found = drift(_verified(_hours(1.6).assign(coverage=0.6)), _model())
    assert len(found.reasons) == 2
    assert all(
        line.startswith("farm: ") and "; the backtest of the model had" in line for line in found.reasons
    )
    assert found.reason == "; ".join(found.reasons)
    assert drift(_verified(_hours(1.0)), _model()).reasons == ()
