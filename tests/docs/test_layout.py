"""Each page of the documentation lies in its part."""

from __future__ import annotations

import functools
import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import energyforecast

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PARTS = {"tutorials", "howto", "explanation", "reference", "benchmarks", "gallery", "news"}


def test_no_page_lies_outside_the_parts() -> None:
    loose = {path.name for path in DOCS.iterdir() if path.suffix in {".md", ".png", ".py"}}
    assert loose == {"index.md", "conf.py"}
    assert {path.parts[-2] for path in DOCS.glob("*/*.md") if path.parent.name != "_build"} <= PARTS


def _layers() -> list[set[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(item["layers"] for item in contracts if item["type"] == "layers")
    return [set(line.split(" | ")) for line in layers]


def test_the_architecture_shows_the_layers_of_the_contract() -> None:
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("| Layer | Holds |")[2].partition("\n\n")[0]
    assert [set(re.findall(r"`(\w+)`", row.split("|")[1])) for row in table.splitlines()[2:]] == _layers()


def test_homes_of_the_architecture_exist() -> None:
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("| Definition | Home |")[2].partition("\n\n")[0]
    homes = [home for row in table.splitlines()[2:] for home in re.findall(r"`([\w./]+)`", row.split("|")[2])]
    assert len(homes) > 15
    for home in homes:
        if "/" in home:
            assert (ROOT / home).is_file()
        else:
            functools.reduce(_part, home.split("."), energyforecast)


def _part(whole: Any, name: str) -> Any:
    """A name of a package or class, or a module of a package that it does not list."""
    if hasattr(whole, name):
        return getattr(whole, name)
    return importlib.import_module(f"{whole.__name__}.{name}")


def test_the_architecture_names_every_convenience_of_the_contracts() -> None:
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = set(re.findall(r"-> energyforecast\.[\w.]+\",  # (\w+\.\w+)", settings))
    assert len(listed) > 5
    assert {name for name in listed if f"`{name}`" not in page} == set()


def test_every_layer_has_its_class_of_stability() -> None:
    page = (DOCS / "reference" / "stability.md").read_text(encoding="utf-8")
    assert set.union(*_layers()) - set(re.findall(r"`(\w+)`", page)) == set()
