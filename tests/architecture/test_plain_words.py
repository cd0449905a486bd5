"""Summary lines of docstrings: noun phrases of the field or imperatives, in words that a stranger reads once."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import energyforecast

PACKAGE = Path(energyforecast.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
BANNED = re.compile(r"\b(what|nothing|says|tells|told|beside|worth|stands|whose|came)\b", re.IGNORECASE)

#: Files whose summary lines are still to be rewritten; the list only shrinks.
REMAINING: set[str] = {}


def _summaries(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield text.split("\n\n")[0].replace("\n", " ")


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_summary_lines_use_plain_words(path: Path) -> None:
    found = [line for line in _summaries(path) if BANNED.search(line)]
    if _name(path) in REMAINING:
        assert found, "take it off the list"
    else:
        assert found == []


def test_the_words_are_seen() -> None:
    assert BANNED.search("What a forecast is worth.")
    assert not BANNED.search("Somewhat better than whatever was there: worthwhile.")
