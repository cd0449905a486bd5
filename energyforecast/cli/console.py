"""Console, tables, progress and common options of all commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

__all__ = [
    "ConfigArgument",
    "JobsOption",
    "OutOption",
    "console",
    "listed",
    "plain_table",
    "processes",
    "progress_bar",
    "styled",
]

OutOption = Annotated[Path, typer.Option("--out", help="Folder for the files.")]
JobsOption = Annotated[int, typer.Option("--jobs", min=0, help="Processes; 0 means one for each core.")]
ConfigArgument = Annotated[Path, typer.Argument(help="Configuration (TOML).")]


def console(*, stderr: bool = False) -> Console:
    """Console of the terminal; wide in a pipe, where rich would cut tables to 80 columns.

    Names of sites and files may hold brackets: text is printed as it is, and styled by :func:`styled`.
    """
    from energyforecast.cli.pipe_console import PipeConsole

    is_terminal = sys.stdout is not None and sys.stdout.isatty()  # None if it was closed before the start
    return PipeConsole(stderr=stderr, width=None if is_terminal else 140, markup=False)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Line of plain parts and of parts with a style."""
    from rich.text import Text

    return Text.assemble(*parts)


def plain_table(
    title: str, heads: Iterable[str], *, left: Sequence[str] = (), caption: str | None = None
) -> Table:
    """Table without frame; columns are aligned to the right but for those named in `left`."""
    from rich import box
    from rich.table import Column, Table

    return Table(
        *(Column(head, justify="left" if head in left else "right") for head in heads),
        title=title,
        caption=caption,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
        header_style="bold",
        pad_edge=False,
        collapse_padding=True,
    )


@contextmanager
def progress_bar(text: str) -> Iterator[Any]:
    """Bar on stderr; yields a function of the work done and in all."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True)) as bar:
        line = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(line, completed=done, total=total)


def processes(jobs: int) -> int:
    """Number of processes; one for each core that this process may use if 0."""
    if hasattr(os, "sched_getaffinity"):
        return jobs or len(os.sched_getaffinity(0))
    return jobs or os.cpu_count() or 1


def listed(out: Path) -> str:
    """Names of the files in a folder."""
    return ", ".join(sorted(item.name for item in out.iterdir()))
