"""Scores of the three demos in one file, and how far they lie from another such file.

Runs ``energyforecast demo``, ``demo shelek`` and ``demo plan`` (about two and a half CPU minutes) and writes each
score over all leads, and the figures of the plan. With ``--against`` it compares with a file that was written before,
in the same environment: a change of the code that should not change a result must keep all of them to 1e-9.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOLERANCE = 1e-9


def figures(folder: Path) -> dict[str, float]:
    """Every number of the demos, by its name; runs them."""
    found: dict[str, float] = {}
    for name, arguments in (("power", []), ("shelek", ["shelek"]), ("plan", ["plan"])):
        out = folder / name
        command = [sys.executable, "-m", "energyforecast", "demo", *arguments, "--out", str(out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found |= {f"{name}: {key}": value for key, value in read(out)}
    return found


def read(out: Path) -> Iterator[tuple[str, float]]:
    """Scores over all leads, or the numbers of a plan, of a folder that a demo has written."""
    if (out / "scores.json").is_file():
        for row in json.loads((out / "scores.json").read_text(encoding="utf-8"))["scores"]:
            if row["lead_hours"] == "all":
                level = "" if row["level"] is None else f" {row['level']:g}"
                yield f"{row['site']}, {row['model']}, {row['metric']}{level} [{row['unit']}]", row["value"]
    else:
        yield from _numbers(json.loads((out / "plan.json").read_text(encoding="utf-8")), "")


def _numbers(value: Any, name: str) -> Iterator[tuple[str, float]]:
    """Numbers of nested tables, by the path to them."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _numbers(inner, f"{name}/{key}")
    if isinstance(value, int | float) and not isinstance(value, bool) and "seconds" not in name:
        yield name, float(value)


def differences(before: dict[str, float], after: dict[str, float]) -> list[str]:
    """Figures that are missing, new, or differ by more than the tolerance."""
    lines = [f"only before: {name}" for name in before.keys() - after.keys()]
    lines += [f"only after: {name}" for name in after.keys() - before.keys()]
    for name in sorted(before.keys() & after.keys()):
        if not math.isclose(before[name], after[name], rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            lines.append(f"{name}: {before[name]!r} before, {after[name]!r} after")
    return lines


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--against", type=Path, help="file to compare with")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        after = figures(Path(folder))
    if given.json:
        given.json.write_text(json.dumps(after, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(after)} figures")
    if given.against:
        lines = differences(json.loads(given.against.read_text(encoding="utf-8")), after)
        print("\n".join(lines) if lines else "all as before")
        sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
