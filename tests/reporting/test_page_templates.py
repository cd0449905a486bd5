"""Pages escape everything that is filled in, and refuse gaps."""

from __future__ import annotations

from pathlib import Path

import pytest

from energyforecast.core.forecast import Forecast
from energyforecast.evaluation import Result
from energyforecast.reporting import page_templates
from energyforecast.reporting.sheets import day_ahead_sheet
from energyforecast.testing import example_forecast, example_observations, example_result

jinja2 = pytest.importorskip("jinja2", reason="pages are made with Jinja2 (extra report)")

EVIL = """<b>&"x"'</b>"""
ESCAPED = "&lt;b&gt;&amp;&#34;x&#34;&#39;&lt;/b&gt;"


def named(forecast: Forecast) -> Forecast:
    return Forecast(forecast.data.assign_coords(site=[EVIL]))


def test_the_name_of_a_site_is_escaped_on_a_sheet(tmp_path: Path) -> None:
    page = day_ahead_sheet(named(example_forecast()), timezone="UTC").write_html(tmp_path / "a.html")
    text = page.read_text(encoding="utf-8")
    assert EVIL not in text
    assert "<b>" not in text
    assert f"<title>Day-ahead sheet: {ESCAPED}, 2024-01-02</title>" in text
    assert f"<dd>{ESCAPED}</dd>" in text


def test_the_name_of_a_site_is_escaped_on_the_report_of_a_backtest(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    plain = example_result()
    renamed = {name: named(forecast) for name, forecast in plain.forecasts.items()}
    power = example_observations()
    observed = type(power)(power.values.set_axis([EVIL], axis=1), published_after="1h")
    result = Result(forecasts=renamed, observations=observed, folds=plain.folds, provenance={"weather": EVIL})
    text = result.report(tmp_path / "a.html").read_text(encoding="utf-8")
    body = text[: text.index("<script")]
    assert EVIL not in body
    assert "<b>" not in text[: text.index('id="data-plotly"')]
    assert f"<h1>{ESCAPED}: evaluation of the forecasts of model</h1>" in body
    assert f"<td>{ESCAPED}</td>" in body


def test_a_value_that_is_not_given_is_an_error_and_no_gap() -> None:
    with pytest.raises(jinja2.UndefinedError, match="title"):
        page_templates.render("sheet.html", {"language": "en"})
