"""Phrases are complete in every language, and values are written as the language does."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from energyforecast.core.fallback import LADDER
from energyforecast.errors import MissingDataError
from energyforecast.reporting import translations
from energyforecast.reporting.sheets import day_ahead_sheet, html
from energyforecast.testing import example_forecast

pytest.importorskip("babel", reason="languages are written with Babel (extra report)")


def test_every_phrase_exists_in_every_language() -> None:
    table = translations.phrases()
    assert tuple(table) == ("en", "ru", "fr")
    for language, phrases in table.items():
        assert phrases.keys() == table["en"].keys()
        assert [key for key, phrase in phrases.items() if not phrase] == [], language
        # ... and names the same values, lest one is lost in translation
        names = {key: set(re.findall(r"{(\w+)}", phrase)) for key, phrase in phrases.items()}
        assert names == {key: set(re.findall(r"{(\w+)}", phrase)) for key, phrase in table["en"].items()}


def test_phrases_are_translated_and_used() -> None:
    table = translations.phrases()
    alike = {key for key, phrase in table["en"].items() if phrase == table["ru"][key]}
    assert {key for key in alike if not key.startswith(("phrase.", "unit."))} == set()
    folder = Path(translations.__file__).parent
    written = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    by_name = ("quality.", "unit.", "column.", "kind.", "caveat.", "word.")  # keys that are put together
    assert [key for key in table["en"] if key not in written and not key.startswith(by_name)] == []


def test_phrases_that_the_code_names_exist() -> None:
    folder = Path(translations.__file__).parent
    written = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    families = "|".join(sorted({key.split(".")[0] for key in translations.phrases()["en"]}))
    named = set(re.findall(rf"[\"']((?:{families})\.[a-z_]+)[\"']", written))
    assert len(named) > 80
    assert named - translations.phrases()["en"].keys() == set()


def test_words_of_the_ladder_are_those_of_forecasts() -> None:
    assert {level: translations.phrase(f"quality.{level}") for level in LADDER} == LADDER


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1234567.25, ("1,234,567.25", "1 234 567,25", "1 234 567,25")),
        (-0.5, ("−0.5", "−0,5", "−0,5")),
        (-0.00001, ("0", "0", "0")),
        (0.00006, ("0.0001", "0,0001", "0,0001")),
        (float("nan"), ("–", "–", "–")),
        (True, ("yes", "да", "oui")),
        (translations.Share(-0.1255), ("−12.55 %", "−12,55 %", "−12,55 %")),
        (
            datetime(2024, 2, 9, 7, 5, tzinfo=UTC),
            ("2024-02-09 07:05", "09.02.2024 07:05", "09/02/2024 07:05"),
        ),
        (date(2024, 2, 9), ("2024-02-09", "09.02.2024", "09/02/2024")),
    ],
)
def test_values_are_written_as_the_language_does(value: Any, written: tuple[str, ...]) -> None:
    found = tuple(translations.format_value(value, language) for language in translations.languages())
    assert tuple(re.sub(r"\s", " ", text) for text in found) == written


def test_groups_and_signs_of_percent_do_not_break_over_lines() -> None:
    for language in ("ru", "fr"):
        text = translations.format_number(12345.0, language) + translations.format_share(0.5, language)
        assert " " not in text
        assert re.search(r"\d\s\d", text)


def test_english_without_babel_writes_the_numbers_of_babel() -> None:
    from babel.numbers import format_decimal

    for value in (0.0, 0.125, 0.5, 12.3456, 999.99994, 1e3, 1234567.891, 1e9):
        assert translations.format_number(value) == format_decimal(value, format="#,##0.####", locale="en")


@pytest.mark.parametrize(
    ("language", "number", "day"),
    [("kk", "1 234,5", "01.02.2024"), ("uz", "1 234,5", "01/02/2024"), ("zh", "1,234.5", "2024/2/1")],
)
def test_a_language_is_one_more_column(
    language: str, number: str, day: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MissingDataError, match=f"'{language}' is asked for"):
        translations.format_number(1.0, language)
    table = translations.phrases()
    monkeypatch.setattr(translations, "phrases", lambda: table | {language: table["en"]})
    assert re.sub(r"\s", " ", translations.format_number(1234.5, language)) == number
    assert translations.format_moment(date(2024, 2, 1), language) == day
    assert f'<html lang="{language}">' in html.html(
        day_ahead_sheet(example_forecast(), timezone="UTC"), language=language
    )


_CODE = string.Template("""
import sys
for name in ("babel", "jinja2", "plotly"):
    sys.modules[name] = None  # as if it were not installed
from energyforecast.errors import DependencyError
from energyforecast.reporting import backtest_report, figures
from energyforecast.reporting.sheets import day_ahead_sheet
from energyforecast.testing import example_forecast, example_result
sheet = day_ahead_sheet(example_forecast(), timezone="UTC")
assert repr(sheet) == "Day-ahead sheet: farm, 2024-01-02; 24 rows"
sheet.write_csv("$folder/day.csv", language="en")
figures.save(figures.fan_chart(example_forecast()), "$folder/day.png")
for write in (
    lambda: sheet.write_html("$folder/day.html"),
    lambda: sheet.write_csv("$folder/ru.csv", language="ru"),
    lambda: backtest_report.write(example_result(), "$folder/report.html"),
):
    try:
        write()
    except DependencyError as error:
        print(len(str(error).splitlines()), str(error).splitlines()[-1])
""")


@pytest.mark.slow
def test_without_the_extra_english_tables_work_and_pages_name_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CODE.substitute(folder=tmp_path.as_posix())],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout.splitlines()
        == [
            "3 Use: python -m pip install 'energyforecast[report]'; in the folder of the project: '.[report]'."
        ]
        * 3
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["day.csv", "day.png"]
