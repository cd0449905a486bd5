"""Command that writes a first configuration, asked by question or by options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from energyforecast.cli.console import console
from energyforecast.core.files import whole_file
from energyforecast.errors import ConfigurationError, one_of

__all__ = ["app"]

app = typer.Typer()

#: Questions on a terminal, in their order: option, question, usual answer.
_QUESTIONS: Final[tuple[tuple[str, str, Any], ...]] = (
    ("kind", "wind, solar, demand or portfolio", "wind"),
    ("name", "Name of the site", "My site"),
    ("latitude", "Latitude in degrees, north positive", None),
    ("longitude", "Longitude in degrees, east positive", None),
    ("capacity", "Capacity in MW", 10.0),
    ("timezone", "Time zone, like Asia/Almaty", "UTC"),
    ("issue", "Wall time of the daily forecast", "09:00"),
    ("observations", "File of measurements (CSV)", "power.csv"),
    ("unit", "Unit of the measurements", "MW"),
    ("label", "Whether their stamps are the beginning or the ending of an interval", "beginning"),
    ("published_after", "Time after which a measurement is known", "1h"),
)
_NUMBERS: Final = ("latitude", "longitude", "capacity")


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Configuration to write.")] = Path("forecast.toml"),
    kind: Annotated[str | None, typer.Option(help="wind, solar (or pv), demand or portfolio.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the site.")] = None,
    latitude: Annotated[float | None, typer.Option(min=-90, max=90, help="[degree]")] = None,
    longitude: Annotated[float | None, typer.Option(min=-180, max=180, help="[degree]")] = None,
    capacity: Annotated[float | None, typer.Option(help="Of a plant. [MW]")] = None,
    timezone: Annotated[str | None, typer.Option(help="Of site, measurements and issue.")] = None,
    issue: Annotated[str | None, typer.Option(help="Wall time of the daily forecast.")] = None,
    observations: Annotated[str | None, typer.Option(help="File of measurements.")] = None,
    unit: Annotated[str | None, typer.Option(help="Of the measurements.")] = None,
    label: Annotated[str | None, typer.Option(help="Of their stamps: beginning or ending.")] = None,
    published_after: Annotated[
        str | None, typer.Option(help="Time after which a measurement is known.")
    ] = None,
    source: Annotated[str, typer.Option(help="Source of the weather.")] = "open-meteo",
    weather_model: Annotated[str, typer.Option(help="Model of the weather.")] = "ecmwf_ifs",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented configuration of a wind farm, a PV plant, demand or a portfolio, for `check` and `run`.

    On a terminal each option that is not given is asked for. Elsewhere kind, latitude and longitude must be given,
    and the others have their usual values.
    """
    given = {key: value for key, value in locals().items() if key not in ("file", "force")}
    if file.exists() and not force:
        raise ConfigurationError(
            f"{file} exists.", "A configuration is not replaced.", "Give another name, or --force."
        )
    answers = _answers(given)
    _write(file, answers)
    shown = console()
    shown.print(
        f"Written to {file}. Lay the measurements at {answers['observations']}, then:", highlight=False
    )
    shown.print(f"  energyforecast check {file}\n  energyforecast run {file}", highlight=False)


def _answers(given: dict[str, Any]) -> dict[str, Any]:
    """Options, and answers to questions about those that are not given."""
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    answers = dict(given)
    if answers["kind"] == "pv":
        answers["kind"] = "solar"
    for key, question, usual in _QUESTIONS:
        if answers[key] is not None or (key == "capacity" and answers["kind"] == "demand"):
            continue
        if asks:
            answers[key] = typer.prompt(question, default=usual, type=float if key in _NUMBERS else str)
        elif key in ("kind", "latitude", "longitude"):
            raise typer.BadParameter(
                f"--{key} is needed where no question can be asked.", param_hint=f"--{key}"
            )
        else:
            answers[key] = usual
        if key == "kind":
            answers[key] = {"pv": "solar", "PV": "solar"}.get(answers[key], answers[key])
    one_of("--label", answers["label"], allowed=("beginning", "ending"))
    return answers


def _write(file: Path, answers: dict[str, Any]) -> None:
    """Write the file if it can be read again."""
    from energyforecast import configuration
    from energyforecast.operations.example_file import Example, example_file

    text = example_file(Example(**answers))
    with whole_file(file) as scratch:
        scratch.write_text(text, encoding="utf-8")
        try:
            configuration.read(scratch)
        except ConfigurationError as error:  # names the file that is meant
            found = error.found.replace(str(scratch), str(file))
            raise ConfigurationError(found, error.expected, error.remedy) from error
