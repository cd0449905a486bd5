"""Run the code of documentation pages as a reader would, and compare what it prints with what the page shows.

::

    python tools/run_docs.py docs/tutorials/wind_farm.md [--write]
    python tools/run_docs.py --all --write

Blocks of a page share one folder, in which ``examples`` is that of the project, and, if they are ``python``, one
namespace. A ``toml`` block that begins with ``# name.toml`` is written under that name. Lines of a ``sh`` block that
begin with ``energyforecast`` are run. A ``text`` block holds what the block before it prints; ``...`` stands for
anything. Numbers may differ by 5 %, and decimals between -1 and 1 (skills, coverages, p-values) by 0.15: they depend
on versions of libraries and on the kind of processor, and noise decides on their second digit. A block after the line
``<!-- not run: why -->`` is not run. With ``--write`` text blocks are replaced by what was printed, and figures of the
page by those that it saved; read a page again whose numbers have changed.
"""

from __future__ import annotations

import argparse
import contextlib
import doctest
import io
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"^(?P<skip><!-- not run: .+? -->\n+)?```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FIGURE = re.compile(r"!\[[^]]*\]\((?P<path>[^)]*?(?P<name>[^)/]+\.png))\)")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?!\w)")
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_ROOT = Path(__file__).resolve().parents[1]
_FOLDERS = ("tutorials", "howto", "explanation")
#: A page with this line shows parts of programs, with names that stand for objects of the reader; it is not run.
_PARTS = "<!-- examples are parts -->"


def pages() -> list[Path]:
    """Every page whose code is run."""
    docs = _ROOT / "docs"
    found = sorted(page for folder in _FOLDERS for page in docs.glob(f"{folder}/*.md"))
    whole = [page for page in found if _PARTS not in page.read_text(encoding="utf-8")]
    return [*whole, _ROOT / "README.md", docs / "reference" / "sites.md"]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    code: str
    line: int
    span: tuple[int, int]
    skipped: bool


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(
            found["language"],
            found["code"],
            text.count("\n", 0, found.start("code")) + 1,
            found.span("code"),
            found["skip"] is not None,
        )
        for found in _BLOCK.finditer(text)
    ]


def run(page: Path, folder: Path) -> Iterator[tuple[Block, str]]:
    """Run a page's blocks in a folder; give each text block with what was printed before it."""
    module = types.ModuleType("page")
    sys.modules["page"] = module  # classes of a page look for their module
    (folder / "examples").symlink_to(_ROOT / "examples")
    printed = ""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language == "text" and not block.skipped:
            yield block, printed
        elif not block.skipped:
            printed = _run(block, page, folder, module)


def _run(block: Block, page: Path, folder: Path, module: types.ModuleType) -> str:
    if block.language == "python":
        return _python(block, page, folder, module)
    if block.language == "sh":
        lines = block.code.replace("\\\n", " ").splitlines()
        return "".join(_command(line, folder) for line in lines if line.startswith("energyforecast "))
    if block.language == "toml" and (name := re.match(r"# (\S+\.toml)\n", block.code)):
        (folder / name[1]).write_text(block.code, encoding="utf-8")
    return ""


def _python(block: Block, page: Path, folder: Path, module: types.ModuleType) -> str:
    # Blocks are files, so that the source of functions can be found, and errors name page and line.
    source = folder / f"{page.stem}_line_{block.line}.py"
    source.write_text(block.code, encoding="utf-8")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.chdir(folder):
        exec(compile(block.code, str(source), "exec"), module.__dict__)  # noqa: S102  (our own pages)
    return printed.getvalue()


def _command(line: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(line, comments=True)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(_ROOT), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{line} ends with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def same(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed, up to white space, ``...`` and the noise of numbers."""
    if doctest.OutputChecker().check_output(shown, printed, _FLAGS):
        return True
    numbers = [_NUMBER.findall(side) for side in (shown, printed)]
    words = [_NUMBER.sub("0", side).split() for side in (shown, printed)]
    return words[0] == words[1] and all(_near(*pair) for pair in zip(*numbers, strict=True))


def _near(shown: str, printed: str) -> bool:
    """Whether two numbers differ by noise alone: absolute in shares, skills and p-values, relative in others."""
    one, other = float(shown), float(printed)
    share = "." in shown and "." in printed and max(abs(one), abs(other)) <= 1
    return math.isclose(one, other, rel_tol=0.05, abs_tol=0.15 if share else 0.02)


def _copy_figures(page: Path, folder: Path) -> None:
    for found in _FIGURE.finditer(page.read_text(encoding="utf-8")):
        made = folder / found["name"]
        if made.exists():
            target = page.parent / found["path"]
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(made, target)


def main() -> int:
    """Follow the command line."""
    parser = argparse.ArgumentParser(description="Run the code of documentation pages.")
    parser.add_argument("pages", nargs="*", type=Path)
    parser.add_argument("--all", action="store_true", help="Every page whose code is run.")
    parser.add_argument("--write", action="store_true", help="Replace what pages show by what was printed.")
    given = parser.parse_args()
    os.environ.setdefault("MPLBACKEND", "agg")
    wrong = 0
    for page in pages() if given.all else given.pages:
        text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            found = list(run(page.resolve(), Path(folder)))
            if given.write:
                _copy_figures(page, Path(folder))
        for block, printed in reversed(found):
            if not same(block.code, printed) or (given.write and "..." not in block.code):
                wrong += not same(block.code, printed)
                if not same(block.code, printed):
                    print(f"{page}:{block.line} shows\n{block.code}and prints\n{printed}")
                begin, end = block.span
                text = text[:begin] + "\n".join(map(str.rstrip, printed.splitlines())) + "\n" + text[end:]
        if given.write:
            page.write_text(text, encoding="utf-8")
    return 1 if wrong and not given.write else 0


if __name__ == "__main__":
    sys.exit(main())
