"""What documentation pages show is what happens: code runs, tables are those of the code, links lead somewhere."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import energyforecast

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])


@functools.cache
def tool(name: str) -> types.ModuleType:
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def made() -> dict[str, str]:
    pages: dict[str, str] = tool("build_reference_pages").pages()
    return pages


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.notebooks
@pytest.mark.parametrize("page", tool("run_docs").pages(), ids=named)
def test_code_of_a_page_prints_what_the_page_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    docs = tool("run_docs")
    found = [
        (block.line, block.code, printed)
        for block, printed in docs.run(page, tmp_path)
        if not docs.same(block.code, printed)
    ]
    assert found == []


def _reached(dotted: str) -> Any:
    value: Any = energyforecast
    for name in dotted.split(".")[1:]:
        value = getattr(value, name)
    return value


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_of_a_page_is_python_and_names_what_exists(page: Path) -> None:
    for block in tool("run_docs").blocks(page.read_text(encoding="utf-8")):
        if block.language == "python":
            tree = ast.parse(block.code)
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and ast.unparse(node).split(".")[0] == "ef":
                    text = ast.unparse(node)
                    if re.fullmatch(r"ef(\.\w+)+", text):
                        _reached(text)


def _imported(tree: ast.AST) -> dict[str, Any]:
    """Objects that a block imports from the library, by their name in the block."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("energyforecast"):
            for alias in node.names:
                found[alias.asname or alias.name] = _reached(f"{node.module}.{alias.name}")
    return found


def _called(node: ast.Call, names: dict[str, Any]) -> Any:
    """The public object that a call names, or None."""
    text = ast.unparse(node.func)
    first, _, rest = text.partition(".")
    if not re.fullmatch(r"[\w.]+", text) or first not in names:
        return None
    return functools.reduce(getattr, rest.split(".") if rest else [], names[first])


def _wrong_calls(tree: ast.AST, names: dict[str, Any]) -> list[str]:
    """Calls of objects of the library with arguments that do not fit their signatures."""
    wrong = []
    for node in ast.walk(tree):
        called = _called(node, names) if isinstance(node, ast.Call) else None
        if called is None or any(word.arg is None for word in node.keywords):
            continue
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            continue
        try:
            inspect.signature(called).bind(*node.args, **{word.arg: word.value for word in node.keywords})
        except TypeError as error:
            wrong.append(f"{ast.unparse(node.func)}: {error}")
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_calls_of_a_page_fit_the_signatures(page: Path) -> None:
    names = {"ef": energyforecast}
    for block in tool("run_docs").blocks(page.read_text(encoding="utf-8")):
        if block.language == "python":
            tree = ast.parse(block.code)
            names |= _imported(tree)
            assert _wrong_calls(tree, names) == [], f"line {block.line}"


def test_a_call_that_does_not_fit_is_found() -> None:
    tree = ast.parse("ef.backtest(f, w, o, window=3, start=1, end=2)\nef.load()\nef.load('a')")
    assert _wrong_calls(tree, {"ef": energyforecast}) == [
        "ef.backtest: got an unexpected keyword argument 'window'",
        "ef.load: missing a required argument: 'path'",
    ]


def _anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub and MyST make them, and those that are set by hand."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}
    return slugs | set(re.findall(r"^\((.+)\)=$", text, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_of_a_page_lead_to_files_and_headings(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    lost = []
    for target in re.findall(r"\]\(<?([^)\s>]+)>?\)", text):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in _anchors(file)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize(
    "name",
    ["variables.md", "sources.md", "configuration.md", "command_line.md", "errors.md", "publications.md"],
)
def test_tables_of_the_reference_are_those_of_the_code(name: str) -> None:
    shown = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert shown == made()[name], "run python tools/build_reference_pages.py"


def test_the_schema_of_configurations_is_that_of_the_code() -> None:
    shown = (DOCS / "configuration.schema.json").read_text(encoding="utf-8")
    assert shown == tool("build_reference_pages").schema_text(), "run python tools/build_reference_pages.py"


def test_every_page_is_in_a_table_of_contents() -> None:
    listed = set()
    for page in PAGES:
        for block in re.findall(
            r"^```\{toctree\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            for line in block.splitlines():
                entry = re.sub(r"^.*<(.+)>$", r"\1", line.strip())
                if entry and not entry.startswith(":"):
                    listed.add((page.parent / f"{entry}.md").resolve())
    pages = {page.resolve() for page in DOCS.rglob("*.md") if "_build" not in page.parts}
    assert pages - listed == {(DOCS / "index.md").resolve()}
    assert listed <= pages


def test_a_page_that_shows_something_else_is_found(tmp_path: Path) -> None:
    docs = tool("run_docs")
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nprint('skill', 0.41)\n```\n```text\nskill 0.42\n```\n"
        "<!-- not run: asks a server -->\n```python\n1 / 0\n```\n"
        "```python\nprint('skill', 0.41)\n```\n```text\nskill 0.61\n```\n",
        encoding="utf-8",
    )
    assert [docs.same(block.code, printed) for block, printed in docs.run(page, tmp_path)] == [True, False]


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("skill 0.036, p 0.057", "skill -0.017, p 0.187", True),
        ("crps 6.864 % of 627", "crps 6.701 % of 627", True),
        ("skill 0.61", "skill 0.41", False),
        ("crps 6.864", "crps 7.864", False),
        ("1 farm", "0 farm", False),
    ],
)
def test_noise_may_change_a_number_of_a_page_and_an_error_may_not(
    shown: str, printed: str, same: bool
) -> None:
    assert tool("run_docs").same(shown, printed) is same
