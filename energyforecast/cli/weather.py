"""Commands about the archive of weather: parses, calls, prints."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from energyforecast.cli.console import plain_table, progress_bar, styled
from energyforecast.cli.json_output import JsonOption, shown_by, write_json

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from energyforecast import Site
    from energyforecast.weather.sources.common.base import AnalysisSource, RunSource

__all__ = ["app"]

#: Exit code of an update that is incomplete, and of an archive that is old or damaged; 1 is an error, 2 a wrong option.
_IN_PART: Final = 3
#: Time by which the newest weather may lag behind what should be available.
_BEHIND: Final = "1D"
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
    json_file: JsonOption = None,
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
    shown = shown_by(json_file)
    shown.print(report.summary, highlight=False)
    write_json(json_file, vars(report))
    troubles = {**report.failed, **report.incomplete}
    for run, reason in list(troubles.items())[:_SHOWN]:
        shown.print(f"  {run:%Y-%m-%d %H:%M}  {reason}", highlight=False)
    if len(troubles) > _SHOWN:
        shown.print(f"  ... and {len(troubles) - _SHOWN} more", highlight=False)
    if troubles or report.stopped:
        raise typer.Exit(_IN_PART)


@app.command()
def status(config: _Config, json_file: JsonOption = None) -> None:
    """Show the runs in the store, their lateness, and damaged or missing ones.

    Exit code 3: files are damaged, or the newest run of a site is more than a day older than the newest that should be
    available by now (of an analysis: a month is missing).
    """
    from energyforecast import configuration

    settings = configuration.read(config)
    store, source = settings.store(), settings.named_source(key=None)
    shown, damaged, held = shown_by(json_file), store.quarantined(), store.describe()
    shown.print(_table(repr(store), held, store.clock()))
    late = _late(held, source, settings.sites, now=store.clock())
    rows = {"sources": held.to_dict("records"), "damaged": damaged.to_dict("records")}
    write_json(json_file, {"is_good": not late and not len(damaged), "late": late, **rows})
    for line in late[:_SHOWN]:
        shown.print(styled((line, "bold red")))
    if len(damaged):
        runs = sum(len(blocks) for blocks in damaged["blocks"])
        line = f"{len(damaged)} damaged files with {runs} runs are set aside; the next fetch asks for them."
        shown.print(styled((line, "bold red")))
        for row in damaged.head(_SHOWN).itertuples():
            shown.print(f"  {row.source}: {row.reason}", highlight=False)
    if late or len(damaged):
        raise typer.Exit(_IN_PART)


def _late(
    held: pd.DataFrame, source: RunSource | AnalysisSource, sites: Iterable[Site], *, now: pd.Timestamp
) -> list[str]:
    """A line for each site of which the newest weather is out of date."""
    import pandas as pd

    from energyforecast.weather.store.update import newest_due

    due = newest_due(source, now - pd.Timedelta(_BEHIND))
    newest = held[held["source"] == source.name].set_index("site")["newest"].to_dict()
    lines = []
    for site in sites:
        last = newest.get(site.name)
        if last is None or pd.isna(last):
            lines.append(f"{site.name}: no weather of {source.name} is stored.")
        elif last < due:
            age = (now - last).total_seconds() / 86_400
            lines.append(
                f"{site.name}: the newest weather is of {last:%Y-%m-%d %H:%M}, {age:.1f} days old; that of "
                f"{newest_due(source, now):%Y-%m-%d %H:%M} should be available."
            )
    return lines


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
