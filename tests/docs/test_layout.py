"""Each page of the documentation lies in its part."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PARTS = {"tutorials", "howto", "explanation", "reference", "benchmarks", "gallery", "news"}


def test_no_page_lies_outside_the_parts() -> None:
    loose = {path.name for path in DOCS.iterdir() if path.suffix in {".md", ".png", ".py"}}
    assert loose == {"index.md", "conf.py"}
    assert {path.parts[-2] for path in DOCS.glob("*/*.md") if path.parent.name != "_build"} <= PARTS
