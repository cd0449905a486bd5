"""Commands of the daily run: run, check."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from energyforecast.cli.console import ConfigArgument, console, styled
from energyforecast.core.files import whole_file
from energyforecast.errors import RunLockedError

if TYPE_CHECKING:
    from rich.status import Status
    from rich.text import Text

    from energyforecast.operations import RunRecord, StepOutcome

__all__ = ["app"]

#: Exit code of a run that finds another one in its folder.
_LOCKED: Final = 4
_STYLES: Final = {"good": "green", "skipped": "dim", "degraded": "yellow", "failed": "bold red"}

app = typer.Typer()

_Deadline = Annotated[
    str | None, typer.Option(help="Wall time, like 09:30, by which the forecast must be published.")
]
_Issue = Annotated[str | None, typer.Option(help="Wall time in the task's zone; the present by default.")]
_Json = Annotated[
    str | None, typer.Option("--json", help="File for the record of the run; - for standard output.")
]


@app.command()
def run(
    config: ConfigArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the steps without doing them.")] = False,
    deadline: _Deadline = None,
    issue_time: _Issue = None,
    json_file: _Json = None,
) -> None:
    """Run the day: fetch weather, read, train if due, forecast, plan, publish, archive, verify, prune.

    It is made for cron or a systemd timer, may be repeated at any time, and publishes a forecast whatever fails: from
    older weather, by the model in service, or from climatology. Settings are in the section [operations].

    Exit code 0: everything is as asked. 3: a forecast is published, and a step failed or the forecast is on a
    fallback_level above 0. 1: no forecast. 4: another run works in the folder, and is named.
    """
    from energyforecast import configuration
    from energyforecast.operations import daily_run

    settings = configuration.read(config)
    with _Lines(json_file) as lines:
        try:
            record = daily_run(
                settings, deadline=deadline, issue_time=issue_time, dry_run=dry_run, progress=lines
            )
        except RunLockedError as error:
            _write(json_file, {"state": "locked", "exit_code": _LOCKED, "error": error.found})
            console(stderr=True).print(styled(("locked", "bold red")))
            sys.stderr.write(f"{error}\n")
            raise typer.Exit(_LOCKED) from error
    _finish(record, json_file)


@app.command()
def check(
    config: ConfigArgument,
    deadline: _Deadline = None,
    issue_time: _Issue = None,
    json_file: _Json = None,
) -> None:
    """Check the configuration, its data, the model in service, disk and database, without doing anything.

    Exit code 0: a run would be as asked. 3: it would be degraded. 1: it would issue no forecast.
    """
    from energyforecast import configuration
    from energyforecast.operations import daily_run

    settings = configuration.read(config)
    with _Lines(json_file) as lines:
        record = daily_run(settings, deadline=deadline, issue_time=issue_time, dry_run=True, progress=lines)
    _finish(record, json_file)


class _Lines:
    """One line a step; on a terminal also the step that is being done."""

    def __init__(self, json_file: str | None) -> None:
        # A document on standard output leaves no place for lines.
        self.console = console(stderr=json_file == "-")
        self.status: Status | None = None

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        if self.status is not None:
            self.status.stop()
            self.status = None

    def __call__(self, name: str, outcome: StepOutcome | None) -> None:
        """Show the beginning or the outcome of a step."""
        if outcome is None:
            if self.console.is_terminal:
                self.status = self.console.status(name)
                self.status.start()
            return
        self._end()
        if outcome.name != "record" or not outcome.is_good:
            self.console.print(_line(outcome), highlight=False, soft_wrap=True)


def _line(outcome: StepOutcome) -> Text:
    """A step in a line."""
    state = (f"{outcome.state:<9}", _STYLES[outcome.state])
    return styled(f"{outcome.name:<13}", state, f"{outcome.seconds:7.1f} s  {outcome.message}")


def _finish(record: RunRecord, json_file: str | None) -> None:
    """Show caveats and the state of a run, write its record, and exit."""
    shown = console(stderr=json_file == "-")
    for line in record.details.get("caveats", ()):
        shown.print(styled((line, "bold red")), soft_wrap=True)
    issued = "not known" if record.issue_time is None else f"{record.issue_time:%Y-%m-%d %H:%M} UTC"
    title = "would be" if record.dry_run else "is"
    shown.print(f"The run {title} {record.state}; issue time {issued}.", highlight=False)
    is_written = _write(json_file, record.to_dict())
    if record.exit_code or not is_written:
        raise typer.Exit(record.exit_code or 3)


def _write(json_file: str | None, content: dict[str, Any]) -> bool:
    """Write a document to a file or to standard output; False, with a line, where it cannot be written."""
    if json_file is None:
        return True
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    try:
        if json_file == "-":
            typer.echo(text)
            return True
        path = Path(json_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as scratch:
            scratch.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            from energyforecast.cli.pipe_console import discard

            discard(sys.stdout)
        place = "standard output" if json_file == "-" else json_file
        line = f"The record of the run is not written to {place}: {error}. Its forecast is not affected."
        console(stderr=True).print(styled((line, "bold red")), soft_wrap=True)
        return False
    return True
