"""Commands about issued forecasts and the trust in them: parses, calls, prints."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from energyforecast.cli.console import ConfigArgument, console, plain_table, styled
from energyforecast.core.files import whole_file

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from energyforecast.configuration import Configuration
    from energyforecast.operations.status import Status

__all__ = ["AsOfOption", "JsonOption", "moment_of", "report", "status", "verify", "write_json"]

#: Exit code of a command that is done with less than was asked.
_DEGRADED: Final = 3

AsOfOption = Annotated[
    str, typer.Option("--as-of", help="Moment of knowledge: wall time in the task's zone, or now.")
]
JsonOption = Annotated[Path | None, typer.Option("--json", help="File for the answer; - is the output.")]


def verify(
    config: ConfigArgument,
    days: Annotated[int, typer.Option(min=1, help="Hours of the last so many days are scored.")] = 30,
    as_of: AsOfOption = "now",
    json_file: JsonOption = None,
) -> None:
    """Score the forecasts that were issued against the measurements since, by site, lead and level.

    From the archive of the daily run: forecasts as they were issued, outcomes as they are known now, references from
    what was known at each issue. Exit code 3 if a site could not be scored, 1 if none could.
    """
    from energyforecast import configuration
    from energyforecast.operations import verify as verified_by
    from energyforecast.operations.issued_forecasts import opened_archive

    settings = configuration.read(config)
    moment = moment_of(as_of, settings)
    result = verified_by(opened_archive(settings), settings=settings, as_of=moment, days=days)
    if json_file is not None:
        write_json(json_file, result.to_dict())
    if json_file is None or str(json_file) != "-":
        _show(result.scores, result.left_out, result.plans, days=days)
        for line in result.notes:
            console().print(styled((line, "bold red")))
    if not result.n:
        raise typer.Exit(1)
    if result.unscored:
        raise typer.Exit(_DEGRADED)


def moment_of(as_of: str, settings: Configuration) -> pd.Timestamp:
    """A moment of the command line."""
    from energyforecast.core import timestamps

    return timestamps.instant(as_of, timezone=settings.task.timezone)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write an answer as JSON to a file, or to the output."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
        return
    with whole_file(path) as scratch:
        scratch.write_text(text, encoding="utf-8")


def _show(
    scores: pd.DataFrame, left_out: Mapping[str, Mapping[str, int]], plans: pd.DataFrame, *, days: int
) -> None:
    """Print the tables."""
    shown = console()
    shown.print(_scores_table(scores, f"Forecasts of the last {days} days, as issued; outcomes as known now"))
    for site, counts in left_out.items():
        if counts:
            shown.print(f"{site}: hours left out: {_counts(counts)}", highlight=False)
    if len(plans):
        heads = [str(name).replace("_", " ") for name in plans.columns]
        table = plain_table("Cost of imbalance of the schedules that were planned", heads, left=("site",))
        for row in plans.itertuples(index=False):
            table.add_row(*(_number(value) for value in row))
        shown.print(table)


def _scores_table(scores: pd.DataFrame, title: str) -> Table:
    heads = ("site", "lead", "level", "n", "MAE [MW]", "CRPS [MW]", "CRPS [%]", "coverage of 80 %")
    table = plain_table(title, (*heads, "skill climatology", "skill persistence"), left=("site", "lead"))
    for row in scores.to_dict("records"):
        shares = (row["coverage"], row["skill_climatology"], row["skill_persistence"])
        table.add_row(
            str(row["site"]),
            str(row["leads"]) or "all",
            "all" if row["fallback_level"] == "" else str(row["fallback_level"]),
            str(row["n"]),
            *(_number(row[name]) for name in ("mae", "crps", "crps_percent")),
            *("-" if math.isnan(share) else f"{share:.1%}" for share in shares),
        )
    return table


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())


def _number(value: Any) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def status(config: ConfigArgument, as_of: AsOfOption = "now", json_file: JsonOption = None) -> None:
    """Show whether the forecast that is due is there, and how far it can be trusted.

    Forecast and level of each site, ages of weather and measurements with their usual ages, the model in service, the
    skill of the last 30 days with the range of its backtest, the newest run, and disk. Exit code 0: as it should be.
    3: with less trust. 1: a forecast that is due is not there.
    """
    from energyforecast import configuration
    from energyforecast.operations.status import status as looked_up

    settings = configuration.read(config)
    found = looked_up(settings, as_of=moment_of(as_of, settings))
    if json_file is not None:
        write_json(json_file, found.to_dict())
    if json_file is None or str(json_file) != "-":
        _show_status(found)
    if found.exit_code:
        raise typer.Exit(found.exit_code)


def report(
    config: ConfigArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File of the page; status.html of the published files by default."),
    ] = None,
    as_of: AsOfOption = "now",
) -> None:
    """Write the status as one page (HTML) that needs no network, with the fans of today and yesterday.

    Exit code 0: the page is written, whatever its state.
    """
    from energyforecast import configuration
    from energyforecast.operations import RunFolder, status_page
    from energyforecast.operations.status import status as looked_up

    settings = configuration.read(config)
    found = looked_up(settings, as_of=moment_of(as_of, settings))
    target = out or RunFolder(settings.operations.folder).status_page
    target.parent.mkdir(parents=True, exist_ok=True)
    status_page.write(found, target, settings=settings)
    console().print(f"Written to {target}: {found.state}", highlight=False)


def _show_status(found: Status) -> None:
    """Print the state, its problems, and a row for each site."""
    shown = console()
    style = {"good": "bold green", "degraded": "bold yellow"}.get(found.state, "bold red")
    shown.print(styled((found.state, style), f"  {found.name}, as of {found.as_of:%Y-%m-%d %H:%M} UTC"))
    for one in found.problems:
        where = f"{one.site}: " if one.site else ""
        shown.print(
            styled(
                (one.severity, "bold red" if one.severity == "error" else "yellow"), f"  {where}{one.message}"
            )
        )
    heads = ("site", "issued (UTC)", "level", "weather [h]", "usual", "measured [h]", "usual")
    table = plain_table("Newest forecasts, and ages of their inputs", heads, left=("site",))
    for site in found.sites:
        ages = (site.weather_age, site.usual_weather_age, site.measurement_age, site.usual_measurement_age)
        table.add_row(
            site.name,
            "-" if site.issue_time is None else f"{site.issue_time:%Y-%m-%d %H:%M}",
            "-" if site.fallback_level is None else str(site.fallback_level),
            *("-" if age is None else f"{age:.0f}" for age in ages),
        )
    shown.print(table)
    if found.verification is not None and found.verification.n:
        scores = found.verification.scores
        shown.print(
            _scores_table(scores[scores["leads"] == ""], f"Scores of the last {found.verification.days} days")
        )
    if found.model is not None:
        shown.print(
            f"Model in service: {found.model.name}, trained as of {found.model.as_of:%Y-%m-%d %H:%M} UTC"
        )
