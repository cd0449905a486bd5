"""Commands about the archive of weather: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from energyforecast.cli.console import console, plain_table, progress_bar, styled

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

__all__ = ["app"]

#: Exit code of an update that is incomplete; 1 is an error, 2 a wrong option.
_IN_PART: Final = 3
#: Failures that are printed; the rest is counted.
_SHOWN: Final = 10

app = typer.Typer(help="Keep an archive of weather.", no_args_is_help=True)

_Config = Annotated[
    Path, typer.Argument(help="Configuration (TOML) that names store and source of the weather.")
]


@app.callback()
def _group() -> None:
    """Keep an archive of weather."""


@app.command()
def fetch(
    config: _Config,
    since: Annotated[str | None, typer.Option(help="First run: 2024-06, or 2024-06-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Last one, all of it.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Ask also for runs that were given up.")] = False,
) -> None:
    """Fetch the weather that the store lacks. Run it again at any time: it goes on where it stopped.

    Exit code 3: the server did not deliver everything; its part is kept, and the next fetch asks for the rest.
    """
    from energyforecast import configuration

    settings = configuration.read(config)
    source, store = settings.source(), settings.store()
    with progress_bar(f"Asks {source.name}") as progress:
        report = store.update(
            source,
            sites=settings.sites,
            since=since or settings.sections["weather"].get("since"),
            until=until,
            retry=retry,
            progress=progress,
        )
    shown = console()
    shown.print(report.summary, highlight=False)
    troubles = {**report.failed, **report.incomplete}
    for run, reason in list(troubles.items())[:_SHOWN]:
        shown.print(f"  {run:%Y-%m-%d %H:%M}  {reason}", highlight=False)
    if len(troubles) > _SHOWN:
        shown.print(f"  ... and {len(troubles) - _SHOWN} more", highlight=False)
    if troubles or report.stopped:
        raise typer.Exit(_IN_PART)


@app.command()
def status(config: _Config) -> None:
    """Show the runs in the store, their lateness, and damaged or missing ones."""
    from energyforecast import configuration

    store = configuration.read(config).store()
    shown, damaged = console(), store.quarantined()
    shown.print(_table(repr(store), store.describe(), store.clock()))
    if len(damaged):
        runs = sum(len(blocks) for blocks in damaged["blocks"])
        line = f"{len(damaged)} damaged files with {runs} runs are set aside; the next fetch asks for them."
        shown.print(styled((line, "bold red")))
        for row in damaged.head(_SHOWN).itertuples():
            shown.print(f"  {row.source}: {row.reason}", highlight=False)


def _table(title: str, held: pd.DataFrame, now: pd.Timestamp) -> Table:
    """Runs of each source and site in the store."""
    heads = ["source", "site", "runs", "missing", "incomplete", "coverage", "variables", "reach"]
    heads += ["newest run", "age", "lateness\nmedian", "lateness\nmax"]
    table = plain_table(title, heads, left=("source", "site"))
    for row in held.to_dict("records"):
        table.add_row(*_cells(row, now))
    return table


def _cells(row: dict[str, Any], now: pd.Timestamp) -> list[str]:
    import pandas as pd

    newest = row["newest"]
    missing = pd.isna(newest)
    cells = [row["source"], row["site"], f"{row['present']} of {row['expected']}", str(row["missing"])]
    cells += [str(row["incomplete"]), f"{row['coverage']:.1%}", str(row["variables"]), _hours(row["reach"])]
    cells += ["", ""] if missing else [f"{newest:%Y-%m-%d %H:%M}", _hours(now - newest)]
    return [*cells, _hours(row["lateness_median"]), _hours(row["lateness_max"])]


def _hours(length: Any) -> str:
    """Hours, or an empty cell."""
    import pandas as pd

    return "" if pd.isna(length) else f"{length.total_seconds() / 3600:.1f} h"
