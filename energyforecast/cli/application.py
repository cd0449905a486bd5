"""The command line: its commands, and its errors as three lines."""

from __future__ import annotations

import platform
import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from energyforecast.cli import (
    archive,
    benchmark,
    demo,
    forecast,
    init,
    models,
    observations,
    plan,
    run,
    verification,
)
from energyforecast.cli import weather as cli_weather
from energyforecast.cli.console import console, styled
from energyforecast.cli.json_output import JsonOption, is_output, write_json
from energyforecast.errors import EnergyForecastError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Plan electricity from the weather.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # names of sections such as [plan] are no markup
)


def main() -> None:
    """Run the command line; errors of the library become three lines and exit code 1."""
    # The usual end by SIGTERM would leave worker processes and temporary files.
    signal.signal(signal.SIGTERM, _stop)
    try:
        app()
    except EnergyForecastError as error:
        console(stderr=True).print(styled(("error", "bold red"), f"  {type(error).__name__}"))
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except OSError as error:
        console(stderr=True).print(styled(("error", "bold red"), f"  {type(error).__name__}"))
        sys.stderr.write(
            f"{error.filename or 'A file'}: {error.strerror or error}.\n"
            "Files must be readable, and the folder of --out writable.\n"
            "Check path, permissions and free space.\n"
        )
        sys.exit(1)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    """End as an error does, so that everything is cleaned up."""
    signal.signal(number, signal.SIG_IGN)  # the clean-up is not to be stopped by a second one
    raise SystemExit(128 + number)


def _show_version(wanted: bool) -> None:
    """Print the versions and end, if the option is given."""
    if wanted:
        version()
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the versions and exit."),
    ] = False,
) -> None:
    """Options of the program itself."""


@app.command()
def version(json_file: JsonOption = None) -> None:
    """Print the versions of the library and of its dependencies."""
    from importlib.metadata import version as of

    from energyforecast import __version__

    found = {name: of(name) for name in ("numpy", "pandas", "xarray", "scikit-learn", "lightgbm", "pvlib")}
    write_json(json_file, {"energyforecast": __version__, "python": platform.python_version(), **found})
    if is_output(json_file):
        return
    typer.echo(f"energyforecast {__version__} on Python {platform.python_version()}")
    for name, number in found.items():
        typer.echo(f"{name} {number}")


app.command()(demo.demo)
app.registered_commands.extend(init.app.registered_commands)
app.registered_commands.extend(run.app.registered_commands)
app.registered_commands.extend(forecast.app.registered_commands)
app.command()(benchmark.benchmark)
app.add_typer(observations.app, name="observations")
app.add_typer(cli_weather.app, name="weather")
app.add_typer(archive.app, name="archive")
app.command(name="plan")(plan.plan)
app.command(name="train")(models.train)
app.add_typer(models.app, name="models")
for command in (verification.verify, verification.status, verification.report):
    app.command()(command)
