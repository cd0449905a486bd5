"""The page about a backtest: what it says, that it says it offline, and that its figures can be used."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core.error_correlation import ERROR_CORRELATION, Decay
from energyforecast.errors import MissingDataError
from energyforecast.evaluation import Result, backtest
from energyforecast.planning import period_scores
from energyforecast.reporting.backtest_report import fans, tables
from energyforecast.reporting.backtest_report.page import caveats
from energyforecast.reporting.backtest_report.rows import setup
from energyforecast.testing import example_days, example_result

pytest.importorskip("plotly", reason="the report is drawn by plotly (extra report)")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class _Page(HTMLParser):
    """Tables by caption, scripts by id, and every address of a resource."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self.scripts: dict[str, str] = {}
        self.loaded: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self._caption = self._script = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.loaded += [str(found[key]) for key in ("src", "data", "srcset") if found.get(key)]
        if tag == "link":
            self.loaded.append(str(found["href"]))
        if tag == "caption":
            self._caption = ""
        if tag == "tr":
            self.rows.setdefault(self._caption, []).append([])
        if tag in ("td", "th"):
            self.rows[self._caption][-1].append("")
        if tag == "small":
            self.rows[self._caption][-1][-1] += "|"
        self._script = str(found.get("id", "")) if tag == "script" else ""
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "caption" in self._open:
            self._caption += data
        elif {"td", "th"} & set(self._open):
            self.rows[self._caption][-1][-1] += data
        elif self._open and self._open[-1] == "script":
            self.scripts[self._script] = self.scripts.get(self._script, "") + data


@pytest.fixture(scope="module")
def result() -> Result:
    site, weather, power = ef.datasets.la_haute_borne()
    task = ef.day_ahead("09:00", timezone="Europe/Paris")
    models = {
        "trees": ef.LightGBMQuantiles(n_estimators=10, folds=0),
        "Climatology": ef.Climatology(),
        "Persistence": ef.Persistence(),
    }
    several = {
        name: ef.Forecaster(site, task, model=model, perfect_weather=True) for name, model in models.items()
    }
    return backtest(several, weather, power, start="2015-03", end="2015-03")


@pytest.fixture(scope="module")
def file(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return result.report(tmp_path_factory.mktemp("report") / "backtest.html")


def _float(cell: str) -> float:
    return float(cell.split("|", maxsplit=1)[0].replace("−", "-").replace(",", ""))


def test_scores_of_the_page_are_those_of_the_result(result: Result, file: Path) -> None:
    page = _Page(file.read_text(encoding="utf-8"))
    head, *rows = next(rows for caption, rows in page.rows.items() if caption.startswith("Scores; n = trees"))
    assert head == ["Score", "trees", "Climatology", "Persistence"]
    table = {row[0]: [_float(cell) for cell in row[1:]] for row in rows}
    scores = result.scores(chosen=["mae", "crps", "bias"]).set_index(["metric", "model"])
    for name, metric in (
        ("MAE of the median", "mae"),
        ("CRPS", "crps"),
        ("Bias of the mean (forecast minus outcome)", "bias"),
    ):
        for unit, column in (("MW", "value"), ("% of capacity", "percent")):
            expected = [scores.loc[(metric, model), column] for model in head[1:]]
            assert table[f"{name} [{unit}]"] == pytest.approx(expected, rel=0.006)
    skill = {row[0]: _float(row[1]) for row in page.rows["Skill in CRPS over Climatology"][1:]}
    best = {row[0]: row[2] for row in page.rows["Skill in CRPS over Climatology"][1:]}
    inside = result.confidence_set("crps").set_index("model")["inside"]
    assert best == {name: "yes" if inside[name] else "no" for name in best}
    expected = result.skill("crps", reference="Climatology").set_index("model")["percent"]
    assert skill == pytest.approx({name: expected[name] for name in ("trees", "Persistence")}, rel=0.006)


def test_every_caveat_is_said(result: Result, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "perfect weather (ERA5 reanalysis): not forecast skill" in text
    assert "few samples: " in text
    marked = replace(result, provenance=dict(result.provenance) | {"caveats": ["synthetic: not real"]})
    assert caveats(marked)[0] == "synthetic: not real"
    alone = replace(result, forecasts={"trees": result.forecasts["trees"]})
    assert any("no reference" in line for line in caveats(alone))


def test_a_newest_bias_outside_that_of_the_past_is_a_caveat() -> None:
    task = ef.day_ahead("09:00", timezone="UTC")
    index = pd.date_range("2024-01-01", periods=24 * 150, freq="1h", tz="UTC")
    noise = np.random.default_rng(0).normal(size=len(index))
    area = ef.DemandArea(name="town", latitude=45.0, longitude=5.0, timezone="UTC")
    forecaster = ef.Forecaster(area, task, model=ef.Climatology())
    for step, expected in ((-20.0, "town was forecast 20 MW too high"), (0.0, None)):
        demand = 100 + noise + step * (index >= index[-24 * 14])
        observed = ef.Observations(pd.DataFrame({"town": demand}, index=index), published_after="1h")
        result = backtest(forecaster, None, observed, start="2024-01-31", end="2024-05-29", refit=None)
        found = [line for line in caveats(result) if line.startswith("recent bias: ")]
        assert len(found) == (expected is not None)
        assert expected is None or expected in found[0]


def test_the_page_says_in_words_what_a_default_has_chosen() -> None:
    index = pd.date_range("2024-01-01", periods=24 * 100, freq="1h", tz="UTC")
    noise = np.random.default_rng(0).normal(size=len(index))
    demand = pd.DataFrame({"town": 100 + 20 * np.sin(index.hour / 24 * 2 * np.pi) + noise}, index=index)
    area = ef.DemandArea(name="town", latitude=45.0, longitude=5.0, timezone="UTC")
    forecaster = ef.Forecaster(area, ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9)))
    observed = ef.Observations(demand, published_after="1h")
    result = backtest({"auto": forecaster}, None, observed, start="2024-03-29", end="2024-04-05", refit=None)
    rows = dict(setup(result))
    chosen = result.folds["chosen"].iloc[0]
    assert set(chosen.split(" + ")) <= set(forecaster.model.candidates)
    assert rows["Chosen among candidates"] == f"auto: {chosen} (1 fit)"
    assert rows["Models"].startswith("auto: chosen among absolute, linear base on the level, departure")
    assert "LightGBM" not in rows["Models"]


def test_the_page_shows_how_long_each_model_learnt_and_both_coverages(result: Result, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    last = result.folds.groupby("model").last()
    for name in result.forecasts:
        row = last.loc[name]
        assert f"{name}: {row.training_first} to {row.training_last} UTC (n = {row.training_rows})" in text
    page = _Page(text)
    rows = next(rows for caption, rows in page.rows.items() if caption.startswith("Scores; n = trees"))
    table = {row[0]: _float(row[1]) for row in rows[1:]}
    for name, metric in (("Coverage", "coverage"), ("Coverage, ends included,", "coverage_closed")):
        scores = result.scores(chosen=[metric], model="trees").set_index("level")["percent"]
        assert table[f"{name} of the 80% interval [%]"] == pytest.approx(scores[0.8], rel=0.006)


def test_the_page_shows_the_days_of_the_fits(result: Result, file: Path) -> None:
    """With ``"auto"``, more than a year of history is fitted each month: at the issue before 1 March."""
    rows = {
        row[0]: row[1] for several in _Page(file.read_text(encoding="utf-8")).rows.values() for row in several
    }
    assert rows["Refits"] == "by the length of the history; 3 fits of all models"
    assert rows["Fitted on"] == "2015-02-28 (UTC)"
    many = pd.concat(
        [result.folds.assign(as_of=result.folds["as_of"] + pd.Timedelta(days=k)) for k in range(99)]
    )
    shown = dict(setup(replace(result, folds=many))[:-1])
    assert shown["Fitted on"] == "99 days from 2015-02-28 to 2015-06-06 (UTC)"


def test_the_page_is_one_small_file_that_loads_nothing(file: Path) -> None:
    assert file.stat().st_size < 6_000_000
    page = _Page(file.read_text(encoding="utf-8"))
    assert page.loaded == ["data:,"]
    assert "default-src 'none'" in file.read_text(encoding="utf-8")


def test_names_are_text_and_not_markup(tmp_path: Path) -> None:
    shown = example_result()
    evil = "</script><script>alert(1)</script><img src=x>"
    named = replace(shown, forecasts={evil: shown.forecasts["model"]}, provenance={"caveats": [evil]})
    plain = _Page(shown.report(tmp_path / "a.html").read_text(encoding="utf-8"))
    page = _Page(named.report(tmp_path / "b.html").read_text(encoding="utf-8"))
    assert page.tags.count("script") == plain.tags.count("script")
    assert "img" not in page.tags
    assert json.loads(page.scripts["data-fans"])["model"] == evil


def test_fans_hold_quantiles_and_outcomes_to_five_digits(result: Result) -> None:
    content = fans.content(result, model="trees")
    site = content["sites"][0]
    shape = (len(content["issues"]), content["cells"], len(content["levels"]) + 1)
    codes = np.frombuffer(base64.b64decode(site["values"]), "<u2").reshape(shape)
    values = np.where(codes == 65535, np.nan, site["low"] + site["unit"] * codes)
    forecast = result.forecasts["trees"]
    day = content["issues"].index({"day": "Sun 29 March 2015", "issued": "2015-03-28 09:00"})
    one = forecast.sel(issue_time=forecast.issue_times[day])
    hours = one.data.sizes["lead_time"]
    assert (hours, content["cells"]) == (23, 24)
    np.testing.assert_allclose(values[day, :23, content["levels"].index(0.5)], one.at(0.5)[0, 0], atol=1e-4)
    assert np.isnan(values[day, 23]).all()


def test_the_newest_issues_are_kept_where_room_is_short(result: Result) -> None:
    content = fans.content(result, model="trees", room=5_000)
    assert 0 < len(content["issues"]) < 31
    assert content["left_out"] == 31 - len(content["issues"])
    assert content["issues"][-1]["day"] == "Tue 31 March 2015"


def test_peak_and_energy_of_consumers_are_those_of_the_scores(file: Path, tmp_path: Path) -> None:
    """A forecast that errs by 1 MW in all hours together, as its dependence says; and another without one."""
    forecast, observations = example_days(days=12, sites=("works", "farm"), kind="demand")
    decay = Decay(("works", "farm"), np.eye(2), np.full(2, 6.0), np.ones(2), np.zeros(2))
    carried = forecast.data.assign_attrs({ERROR_CORRELATION: json.dumps(decay.to_numbers())})
    forecasts = {"default": ef.Forecast(carried), "other": forecast}
    result = Result.from_forecasts(forecasts, observations)
    page = _Page(result.report(tmp_path / "peaks.html").read_text(encoding="utf-8"))
    table = period_scores(result)
    scores = {
        (row.site, row.quantity, row.metric, 0.0 if np.isnan(row.level) else row.level): row.value
        for row in table.itertuples()
    }
    head, *rows = page.rows["Peak of the day"]
    assert [row[:2] for row in rows] == [["works", "default"], ["farm", "default"]]
    for site, row in zip(("works", "farm"), rows, strict=True):
        found = dict(zip(head, row, strict=True))
        assert found["Error of the median [MW]"] == f"{scores[site, 'peak', 'mae', 0.0]:.3g}"
        assert found["Inside 80 % [%]"] == f"{100 * scores[site, 'peak', 'coverage', 0.8]:.0f}"
        assert found["Hour right [%]"] == f"{100 * scores[site, 'time of peak', 'within 1 h', 0.0]:.0f}"
        assert found["Days"] == "12"
    assert len(page.rows["Energy of the day"]) == 3
    assert "Without a dependence of their errors, and so without peaks: other." in (
        tmp_path / "peaks.html"
    ).read_text(encoding="utf-8")
    assert "Peak of the day" not in _Page(file.read_text(encoding="utf-8")).rows  # a wind farm


def test_an_unknown_reference_is_refused(result: Result, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="nobody"):
        result.report(tmp_path / "a.html", reference="nobody")


# --- Numbers --------------------------------------------------------------------------------------


def test_a_pit_histogram_has_the_mean_one(result: Result) -> None:
    table = tables.pit_histogram(result, model="Climatology")
    assert table["density"].mean() == pytest.approx(1)


def test_intervals_hold_their_scores(result: Result) -> None:
    table = tables.score_intervals(result)
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert (table["low_percent"] <= table["percent"]).all()
    assert (table["percent"] <= table["high_percent"]).all()
    skill = tables.skill_intervals(result, reference="Climatology").iloc[0]
    assert skill["low"] < skill["value"] < skill["high"]


def test_a_day_alone_has_no_interval() -> None:
    assert tables.score_intervals(example_result())["low"].isna().all()


def test_ramps_are_matched_within_an_hour() -> None:
    labels = np.arange(8.0)

    rows = pd.DataFrame(
        {
            "lead_time": labels,
            "observed": [0, 0, 0, 5, 5, 5, 5, 5],
            "median": [0, 0, 0, 0, 5, 5, 5, 5],
        }
    )
    assert tables._matched(rows, 1, 4.0, 1.0).tolist() == [3, 0, 0]
    assert tables._matched(rows.assign(median=0.0), 1, 4.0, 1.0).tolist() == [0, 3, 0]
    assert tables._matched(rows.assign(observed=0.0), 1, 4.0, 1.0).tolist() == [0, 0, 3]


def test_imbalance_costs_what_the_prices_say() -> None:
    table = tables.imbalance(example_result()).set_index(["model", "schedule"])
    shown = example_result().pairs["model"]
    expected = 10.0 * (shown.observed - shown.at(0.5)).sum() / shown.observed.sum()
    assert table.loc[("model", "median"), "cost"] == pytest.approx(expected)


# --- In a browser ---------------------------------------------------------------------------------

_BEFORE = """<script>
window.faults = [];
addEventListener("error", (e) => faults.push(e.message));
addEventListener("unhandledrejection", (e) => faults.push(String(e.reason)));
addEventListener("securitypolicyviolation", (e) => faults.push("blocked " + e.blockedURI));
const real = console.error; console.error = (...x) => { faults.push(x.join(" ")); real(...x); };
</script>"""
_AFTER = """<script>
(async () => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  while (!document.documentElement.dataset.ready && !faults.length) await wait(50);
  const id = (name) => document.getElementById(name), fan = id("figure-fan");
  const said = () => id("fan-status").textContent;
  const steps = [said()];
  const press = (key) => fan.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  id("fan-next").click(); await wait(300); steps.push(said());
  press("ArrowLeft"); await wait(300); steps.push(said());
  press("End"); await wait(300); steps.push(said());
  id("fan-in").click(); await wait(300);
  const zoomed = fan.layout.xaxis.range.slice();
  const worst = document.querySelector("#worst [data-issue]");
  worst.click(); await wait(300); steps.push(said());
  const median = fan.data.find((one) => one.name === "median").y;
  const drawn = document.querySelectorAll(".figure .main-svg").length;
  const loaded = performance.getEntriesByType("resource").map((one) => one.name);
  const told = { faults, steps, zoomed, worst: worst.textContent, median, drawn, loaded,
    wide: document.documentElement.scrollWidth - innerWidth };
  document.title = "done"; document.body.textContent = "TOLD" + JSON.stringify(told) + "TOLD";
})();
</script>"""


def _chromium(folder: Path, *arguments: str) -> str:
    command = [
        str(CHROMIUM),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=20000",
    ]
    done = subprocess.run(
        [*command, f"--user-data-dir={folder / 'profile'}", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_in_a_browser_days_are_stepped_zoomed_and_chosen_without_an_error(
    result: Result, file: Path, tmp_path: Path
) -> None:
    text = file.read_text(encoding="utf-8").replace("<head>", "<head>" + _BEFORE)
    page = tmp_path / "probed.html"
    page.write_text(text.replace("</body>", _AFTER + "</body>"), encoding="utf-8")
    shown = _chromium(tmp_path, "--window-size=1280,900", "--dump-dom", page.as_uri())
    told: dict[str, Any] = json.loads(shown.split("TOLD")[1].replace("&gt;", ">").replace("&amp;", "&"))
    assert told["faults"] == []
    assert [name for name in told["loaded"] if not name.startswith(("data:", "blob:"))] == []
    first, second, again, last, worst = told["steps"]
    assert first != second
    assert again == first
    assert "31 March 2015" in last
    assert told["zoomed"][1] - told["zoomed"][0] == pytest.approx(12)
    table = tables.worst_days(result, model="trees")
    assert told["worst"] == f"{table['day'][0]:%Y-%m-%d}"
    assert f"{table['day'][0]:%B %Y}" in worst
    chosen = result.forecasts["trees"].sel(issue_time=table["issue_time"][0])
    np.testing.assert_allclose(told["median"][:-1], chosen.at(0.5).values[0, 0], atol=1e-3)
    assert told["drawn"] >= 6
    assert told["wide"] <= 0, "the page scrolls sideways"


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_browser_takes_a_picture_and_prints(file: Path, tmp_path: Path) -> None:
    _chromium(tmp_path, "--window-size=1280,3000", f"--screenshot={tmp_path / 'page.png'}", file.as_uri())
    assert (tmp_path / "page.png").read_bytes()[1:4] == b"PNG"
    _chromium(tmp_path, f"--print-to-pdf={tmp_path / 'page.pdf'}", file.as_uri())
    assert (tmp_path / "page.pdf").read_bytes()[:4] == b"%PDF"
