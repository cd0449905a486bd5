"""Comparisons of tests/oracles over many random inputs, and the page "Checked against" that shows them.

Needs the extra ``test``. ``--add`` runs only those that the file lacks, such as new ones; ``--page`` writes the page
``docs/benchmarks/checked_against.md`` from the file alone if nothing is to be run.
"""

# ruff: noqa: E501  (paragraphs of the page)
from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.oracles import AREAS, Comparison, comparisons  # noqa: E402  (from the folder of the project)

RESULT = ROOT / "benchmarks" / "results" / "oracles.json"
PAGE = ROOT / "docs" / "benchmarks" / "checked_against.md"
TITLES = {
    "scores": "Scores",
    "significance": "Significance",
    "calibration": "Calibration",
    "models": "Models",
    "reconciliation": "Reconciliation",
    "wind": "Wind",
    "solar": "Solar",
    "calendars": "Calendars",
    "observations": "Measurements",
    "planning": "Planning",
}
HEAD = """# Checked against

The numbers of this library are compared with those of other libraries and with published values. Each comparison is a test (`tests/oracles`, one file for each
library) with few random inputs; this page shows it with many. The inputs contain the edge cases where libraries differ: missing values, ties, constants, zeros,
one member, probability masses at the bounds, unequal levels, weights.

{total:,} values in {count} comparisons, measured on {date} with Python {python}, numpy {numpy} and the versions in the tables:

```sh
python -m pip install ".[test]"
python benchmarks/oracles.py --json benchmarks/results/oracles.json --page
```

**Difference** is the largest difference of all values, relative to the other library's value, or to 1 where that is smaller. About 10⁻¹⁵ is the rounding of
double precision. Where a difference is larger, or the two follow different conventions, the notes below the table give the reason.
"""


def declared() -> Iterator[tuple[str, Comparison]]:
    """File and comparison, for each that the tests declare."""
    for path in sorted((ROOT / "tests" / "oracles").glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"oracles_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        except pytest.skip.Exception as reason:
            raise SystemExit(f"{path.name}: {reason}\nInstall the peers: pip install '.[test]'") from None
        yield from ((path.name, comparison) for comparison in comparisons(module))


def measure(file: str, comparison: Comparison, known: dict[str, Any] | None = None) -> dict[str, Any]:
    """One row: the declaration, the version of the peer and the largest differences, which may be known already."""
    figures = known or asdict(comparison.run(comparison.benchmark)) | {"version": version(comparison.peer)}
    if figures["relative"] > comparison.tolerance:
        raise SystemExit(f"{file}, {comparison.name}: {figures}, allowed {comparison.tolerance}")
    declaration = ("name", "area", "ours", "theirs", "peer", "tolerance", "convention")
    figure = ("version", "cases", "absolute", "relative")
    return {
        "file": file,
        **{field: getattr(comparison, field) for field in declaration},
        **{field: figures[field] for field in figure},
    }


def version(peer: str) -> str:
    """Installed version of a peer; empty for published values."""
    try:
        return metadata.version(peer)
    except (metadata.PackageNotFoundError, ValueError):
        return ""


def measured(*, known: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    """Rows of all comparisons in the order of their files; those that are known are not run again."""
    rows = [measure(file, comparison, known.get((file, comparison.name))) for file, comparison in declared()]
    return {
        "date": f"{datetime.now(UTC):%d %B %Y}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "comparisons": rows,
    }


def page(result: dict[str, Any]) -> str:
    """The page in Markdown."""
    rows = result["comparisons"]
    figures = {name: result[name] for name in ("date", "python", "numpy")}
    total = sum(row["cases"] for row in rows)
    parts = [HEAD.format(total=total, count=len(rows), **figures)]
    for area in AREAS:
        here = sorted((row for row in rows if row["area"] == area), key=lambda row: row["ours"])
        if here:
            notes = [
                f"- **{row['name'][:1].upper() + row['name'][1:]}** ({who(row)}): {row['convention']}"
                for row in here
                if row["convention"]
            ]
            parts.append(f"## {TITLES[area]}\n\n{table(here)}")
            parts.extend(["\n".join(notes) + "\n"] if notes else [])
    return "\n".join(parts)


def table(rows: list[dict[str, Any]]) -> str:
    """Rows of one area."""
    lines = ["| Quantity | Values | Difference | Compared with | Here |", "| --- | --: | --: | --- | --- |"]
    lines += [
        f"| {row['name'][:1].upper() + row['name'][1:]} | {row['cases']:,} | {power(row['relative'])} | {who(row)}: {row['theirs']} | `{row['ours']}` |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def who(row: dict[str, Any]) -> str:
    """Peer with its version, or source of a published value as a link."""
    name, _, address = row["peer"].partition(", https://")
    return f"[{name}](https://{address})" if address else f"{name} {row['version']}"


def power(difference: float) -> str:
    """A difference rounded up to one digit, as a power of ten."""
    return "0" if difference == 0 else f"{difference:.0e}".replace("e-0", "e-")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, default=RESULT, help=f"file of the figures ({RESULT.name})")
    parser.add_argument("--add", action="store_true", help="run only what the file lacks")
    parser.add_argument("--page", action="store_true", help="write the page from the figures")
    options = parser.parse_args()
    known: dict[tuple[str, str], dict[str, Any]] = {}
    if options.add:
        before = json.loads(options.json.read_text(encoding="utf-8"))
        known = {(row["file"], row["name"]): row for row in before["comparisons"]}
    result = measured(known=known)
    options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if options.page:
        PAGE.write_text(page(result), encoding="utf-8")
    print(f"{sum(row['cases'] for row in result['comparisons']):,} values agree")


if __name__ == "__main__":
    main()
