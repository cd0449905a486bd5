"""Scores that are too good to be true have a caveat in results, reports and files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core.observation_series import Observations
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.evaluation.published_limits import LIMITS, implausible_scores

DAYS = 60


def _result(*, error: float, kind: str = "wind", days: int = DAYS, perfect: int = 0) -> ef.Result:
    """Day-ahead forecasts of which the median is off by normal errors [% of capacity], calibrated."""
    task = ef.day_ahead("09:00", timezone="UTC")
    first = pd.Timestamp("2024-01-02", tz="UTC")
    windows = task.windows(task.issue_times(first, first + pd.Timedelta(days, "D")))
    noise, hours = np.random.default_rng(0), pd.DatetimeIndex(windows.valid_time[windows.inside], tz="UTC")
    y = 50 + 30 * np.sin(np.arange(len(hours)) / 17) + noise.normal(size=len(hours))
    sigma = error * np.sqrt(np.pi / 2)
    median = y + sigma * noise.normal(size=len(hours))
    levels = np.asarray(task.quantiles)
    spread = sigma * np.sqrt(2) * _normal(levels)
    rows = SiteRows(
        np.clip(median[:, None] + spread, 0, 100),
        capacity=100.0,
        kind=kind,
        weather_init_time=windows.issue_time,
    )
    forecast = ef.Forecast.from_rows(
        {"farm": rows},
        windows=windows,
        quantile_levels=task.quantiles,
        attrs={"model": "made", "perfect_weather": perfect, "timezone": "UTC"},
    )
    observed = Observations(pd.DataFrame({"farm": y}, index=hours), published_after="1h")
    return ef.Result.from_forecasts({"made": forecast}, observed)


def _normal(levels: Any) -> Any:
    from scipy import stats

    return stats.norm.ppf(levels)


def test_a_day_ahead_error_that_no_wind_forecast_has_is_named() -> None:
    lines = _result(error=2.0).provenance["caveats"]
    assert any("made at farm: better than any forecast known to us" in line for line in lines)


def test_a_usual_error_has_no_caveat() -> None:
    assert implausible_scores(_result(error=11.0)) == ()


def test_a_median_that_is_the_outcome_is_named() -> None:
    assert "the median is the measured value itself" in implausible_scores(_result(error=0.0))[0]


@pytest.mark.parametrize("given", [{"days": 20}, {"perfect": 1}, {"kind": "site"}], ids=str)
def test_a_short_record_an_analysis_and_an_unknown_kind_are_not_judged(given: dict[str, Any]) -> None:
    assert implausible_scores(_result(error=2.0, **given)) == ()


def test_a_report_has_the_caveat(tmp_path: Any) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed: pip install 'energyforecast[report]'")
    page = _result(error=2.0).report(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "better than any forecast known to us" in page


def test_every_limit_is_that_of_a_kind_of_sites() -> None:
    assert set(LIMITS) == {"wind", "solar", "demand"}
