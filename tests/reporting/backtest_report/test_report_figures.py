"""Figures of the report: data and layout for Plotly, of a backtest that can be computed by hand."""

from __future__ import annotations

from energyforecast.reporting.backtest_report import fans, figures
from energyforecast.testing import example_result


def test_skill_by_lead_time() -> None:
    assert figures.skill(example_result(), reference="reference")["data"][-1]["y"][:2] == [24.5, 24.5]


def test_reliability_of_outcomes_between_the_median_and_the_upper_quantile() -> None:
    assert figures.reliability(example_result())["data"][-1]["y"] == [0.0, 0.0, 1.0]


def test_a_pit_histogram_has_ten_bins() -> None:
    assert len(figures.pit(example_result(), model="model")["data"][0]["y"]) == 10


def test_months_are_named() -> None:
    figure = figures.hours_and_months(example_result(), model="model", metric="mae")
    assert figure["data"][0]["y"] == ["Jan"]


def test_fans_hold_the_levels_that_the_forecast_has() -> None:
    content = fans.content(example_result(), model="model")
    assert content["issues"][0]["day"] == "Tue 2 January 2024"
    assert (content["sites"][0]["scale"], content["sites"][0]["power"]) == (1.0, "MW")
    assert (content["cells"], content["levels"]) == (24, [0.1, 0.25, 0.5, 0.75, 0.9])


def test_warnings_of_an_event_that_never_happened_have_no_value() -> None:
    first, second = figures.warnings(example_result(), model="model")["data"]
    assert (first["name"], second["name"]) == ("model", "reference")
    assert first["y"] == [None] * 19  # no outcome is above half of 60 MW


def test_reliability_of_an_event_lies_at_its_frequency() -> None:
    curve = figures.events(example_result(), model="model")["data"][-1]
    assert set(curve["y"]) == {0.0}
