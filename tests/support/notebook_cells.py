"""Run a notebook kept as text, cell by cell, and show the last line of each as Jupyter would.

``python tests/support/notebook_cells.py NOTEBOOK FOLDER`` prints what cells print and give, and draws every figure
into the folder. Solutions of its exercises, in ``solutions/`` beside it, go on with its variables.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")


def cells(text: str) -> list[tuple[str, str]]:
    """Kind and source of each cell of the percent format, header left out."""
    _, _, body = text.partition("# ---\n# jupyter")
    marks = re.split(r"^# %%(.*)$", body or text, flags=re.MULTILINE)[1:]
    pairs = zip(marks[::2], marks[1::2], strict=True)
    return [("markdown" if "[markdown]" in mark else "code", source) for mark, source in pairs]


def execute(path: Path, folder: Path, *, namespace: dict[str, Any]) -> None:
    for number, (kind, source) in enumerate(cells(path.read_text(encoding="utf-8"))):
        if kind == "code":
            tree = ast.parse(source, filename=path.name)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, path.name, "exec"), namespace)
            if last is not None:
                show(
                    eval(compile(ast.Expression(last.value), path.name, "eval"), namespace),
                    folder / f"cell_{number:02d}.png",
                )
            draw_open_figures(folder, number)


def show(value: Any, target: Path) -> None:
    from matplotlib.figure import Figure

    if isinstance(value, Figure):
        value.savefig(target)
    elif value is not None:
        sys.stdout.write(f"{value}\n")


def draw_open_figures(folder: Path, number: int) -> None:
    """What Jupyter shows of pyplot at the end of a cell."""
    if "matplotlib.pyplot" in sys.modules:
        import matplotlib.pyplot as plt

        for figure in plt.get_fignums():
            plt.figure(figure).savefig(folder / f"cell_{number:02d}_{figure}.png")
        plt.close("all")


if __name__ == "__main__":
    notebook, target, shared = Path(sys.argv[1]), Path(sys.argv[2]), {"__name__": "__main__"}
    execute(notebook, target, namespace=shared)
    solutions = notebook.parent / "solutions" / notebook.name
    if solutions.exists():
        execute(solutions, target, namespace=shared)
