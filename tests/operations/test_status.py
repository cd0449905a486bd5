"""Status and its page: whether the forecast that is due is there, and how far it can be trusted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from energyforecast import configuration
from energyforecast.operations import status_page
from energyforecast.operations.status import due, status
from energyforecast.testing import example_operations

NOW = "2024-01-25 10:00"  # an hour after the issue of the last day
NASTY = "<script>alert(1)</script> [/] $\\frac{$"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _service(folder: Path, site: str) -> None:
    """A model in service with its backtest, and the record of a run."""
    models = folder / "operations" / "models" / "m1"
    models.mkdir(parents=True)
    rng = np.random.default_rng(0)
    blocks = [
        {
            "site": site,
            "crps": float(5.6 + 0.3 * rng.standard_normal()),
            "crps_climatology": 6.3,
            "coverage": float(0.8 + 0.03 * rng.standard_normal()),
            "n": 168,
        }
        for _ in range(8)
    ]
    manifest = {
        "as_of": "2024-01-10 00:00",
        "backtest": {"scores": [], "blocks": blocks},
        "training": {"weather_age": {"": {"usual": 9.0}}, "measurement_age": {site: {"usual": 3.0}}},
    }
    (models / "manifest.json").write_text(json.dumps(manifest))
    (models.parent / "in_service.json").write_text(json.dumps({"name": "m1"}))


def _run(folder: Path, steps: list[dict[str, Any]]) -> None:
    runs = folder / "operations" / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    record = {"start": "2024-01-25T09:00:00Z", "state": "degraded", "steps": steps}
    (runs / "2024-01-25T090000Z.json").write_text(json.dumps(record))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("status")
    example_operations(folder, days=25, site=NASTY)
    _service(folder, NASTY)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def _settings(folder: Path) -> Any:
    return configuration.read(folder / "farm.toml")


def test_a_day_as_it_should_be_is_good(folder: Path) -> None:
    found = status(_settings(folder), as_of=NOW)
    assert (found.state, found.exit_code) == ("good", 0), found.problems
    site = found.sites[0]
    assert (site.name, site.is_current, site.fallback_level) == (NASTY, True, 0)
    assert (site.usual_weather_age, site.usual_measurement_age) == (9.0, 3.0)
    assert site.measurement_age == pytest.approx(2, abs=1)
    assert found.alerts() == []
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_forecast_that_is_due_and_absent_is_an_error(folder: Path) -> None:
    found = status(_settings(folder), as_of="2024-01-26 10:00")
    assert (found.state, found.exit_code) == ("no forecast", 1)
    assert found.alerts()[0]["severity"] == "error"
    assert found.alerts()[0]["site"] == NASTY


def test_before_the_deadline_the_forecast_of_today_is_not_yet_due(folder: Path) -> None:
    with (folder / "farm.toml").open("a") as file:
        file.write('\n[operations]\ndeadline = "09:30"\n')
    settings = _settings(folder)
    before, after = (pd.Timestamp(f"2024-01-26 {time}", tz="UTC") for time in ("09:20", "09:40"))
    assert due(settings, before) == pd.Timestamp("2024-01-26", tz="UTC")
    assert due(settings, after) == pd.Timestamp("2024-01-27", tz="UTC")
    assert status(settings, as_of=before).exit_code == 0
    assert status(settings, as_of=after).exit_code == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "../../x"}', '{"name": "m1", "x": [[[['])
def test_a_damaged_registry_is_no_model_and_no_error(folder: Path, content: str) -> None:
    (folder / "operations" / "models" / "in_service.json").write_text(content)
    found = status(_settings(folder), as_of=NOW)
    assert found.exit_code == 3
    assert [one.message for one in found.problems] == ["no model in service"]


def test_troubles_of_the_newest_run_are_named(folder: Path) -> None:
    _run(folder, [{"name": "fetch", "state": "failed", "message": "No answer.", "details": {}}])
    found = status(_settings(folder), as_of=NOW)
    assert found.exit_code == 3
    assert "newest run, fetch: No answer." in [one.message for one in found.problems]


def test_without_an_archive_no_forecast_can_be_vouched_for(folder: Path) -> None:
    (folder / "archive.sqlite").unlink()
    found = status(_settings(folder), as_of=NOW)
    assert found.exit_code == 1
    assert status_page.page(found, settings=_settings(folder)).startswith("<!doctype html>")


@pytest.mark.parametrize("reason", ["no file", "no library"])
def test_without_an_archive_the_published_files_have_issue_and_level(
    folder: Path, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason == "no file":
        (folder / "archive.sqlite").unlink()
    else:
        monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    index = folder / "operations" / "published" / "forecast_files.json"
    index.parent.mkdir(exist_ok=True)
    content: dict[str, Any] = {"state": "issued", "issue_time": "2024-01-25T09:00:00Z"}
    content |= {"first_hour": "2024-01-26T00:00:00Z", "fallback_levels": {NASTY: 2}, "caveats": ["one"]}
    index.write_text(json.dumps(content))
    found = status(_settings(folder), as_of=NOW)
    (site,) = found.sites
    assert (found.exit_code, site.is_current, site.fallback_level, site.caveats) == (3, True, 2, ("one",))
    assert site.first_hour == pd.Timestamp("2024-01-26", tz="UTC")
    assert any(one.message.startswith("no archive") for one in found.problems)
    assert status(_settings(folder), as_of="2024-01-26 10:00").exit_code == 1
    assert not status(_settings(folder), as_of="2024-01-25 08:00").sites[0].is_current  # not yet published
    for damaged in (
        "{",
        "[]",
        json.dumps(content | {"first_hour": 3}),
        json.dumps(content | {"fallback_levels": 1}),
    ):
        index.write_text(damaged)
        assert status(_settings(folder), as_of=NOW).exit_code == 1


def test_drift_is_one_problem_for_each_statement(folder: Path) -> None:
    manifest = folder / "operations" / "models" / "m1" / "manifest.json"
    content = json.loads(manifest.read_text())
    for block in content["backtest"]["blocks"]:
        block["crps"] /= 5
    manifest.write_text(json.dumps(content))
    found = status(_settings(folder), as_of=NOW)
    assert [one.message for one in found.problems] == list(found.drift.reasons)
    assert len(found.problems) >= 1
    state = folder / "operations" / "models" / "in_service.json"
    state.write_text(json.dumps({"name": "m1", "since": "2024-01-24 00:00:00"}))
    assert status(_settings(folder), as_of=NOW).problems == ()  # it was rolled back to yesterday


def test_the_page_escapes_names_and_needs_no_network(folder: Path) -> None:
    aside = {"set_aside": [{"part": "cell", "name": NASTY, "error": "'<b>' is no number", "count": 2}]}
    _run(folder, [{"name": "measurements", "state": "degraded", "message": "<i>x</i>", "details": aside}])
    settings = _settings(folder)
    text = status_page.page(status(settings, as_of=NOW), settings=settings)
    assert "<script" not in text
    assert "<b>" not in text
    assert "<i>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [/] $\\frac{$" in text
    assert "http://" not in text
    assert "https://" not in text
    assert text.count("<img") == 4  # newest and yesterday, skill and coverage
    assert "Yesterday: Wednesday 24 January 2024" in text


@pytest.mark.slow
def test_the_commands_have_exit_codes_json_and_names_with_brackets(folder: Path) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        whole = [sys.executable, "-m", "energyforecast", *arguments]
        return subprocess.run(
            whole, cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False
        )

    good = command("status", "farm.toml", "--as-of", NOW)
    assert good.returncode == 0, good.stderr
    assert "[/]" in good.stdout
    late = command("status", "farm.toml", "--as-of", "2024-01-26 10:00", "--json", "-")
    assert late.returncode == 1
    assert json.loads(late.stdout)["state"] == "no forecast"
    page = command("report", "farm.toml", "--as-of", NOW)
    assert page.returncode == 0, page.stderr
    assert (folder / "operations" / "published" / "status.html").is_file()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser_the_page_fits_a_phone_and_a_screen(folder: Path, tmp_path: Path, width: int) -> None:
    settings = _settings(folder)
    text = status_page.page(status(settings, as_of=NOW), settings=settings)
    (folder / "page.html").write_text(text, encoding="utf-8")
    # A window of Chromium is never as narrow as a phone: the page is put into a frame.
    frame = (
        f'<iframe id="f" src="page.html" style="width:{width}px;height:900px;border:0"></iframe><script>'
        'document.getElementById("f").onload = (e) => { const d = e.target.contentDocument.documentElement;'
        " const images = [...e.target.contentDocument.images].map((one) => one.naturalWidth > 0 ? 1 : 0);"
        ' document.body.textContent = "WIDE" + [d.scrollWidth, images.join("")].join(" ") + "WIDE"; };</script>'
    )
    (folder / "frame.html").write_text(f"<body>{frame}</body>", encoding="utf-8")
    command = [
        *(str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"),
        *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000"),
    ]
    given: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 180}
    shown = subprocess.run(
        [*command, "--dump-dom", (folder / "frame.html").as_uri()], check=True, **given
    ).stdout
    wide, images = shown.split("WIDE")[1].split()
    assert int(wide) <= width, "the page scrolls sideways"
    assert images == "1111", "a figure is not drawn"
    printed = tmp_path / "page.pdf"
    subprocess.run(
        [*command, f"--print-to-pdf={printed}", (folder / "page.html").as_uri()], check=True, **given
    )
    assert printed.read_bytes()[:4] == b"%PDF"
