"""Command benchmark: a competition's tasks and leaderboard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from energyforecast.cli.console import JobsOption, plain_table, processes, progress_bar
from energyforecast.cli.json_output import JsonOption, is_output, shown_by, write_json
from energyforecast.errors import ConfigurationError, MissingDataError, one_of

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["benchmark"]


def benchmark(
    name: Annotated[str, typer.Argument(help="gefcom2014-wind, -load, -solar or gefcom2012-wind.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with the data set; by default $ENERGYFORECAST_DATA.")
    ] = None,
    tasks: Annotated[
        str | None, typer.Option(help="Like 4-12 or 1,3; by default those that the competition scored.")
    ] = None,
    json_file: JsonOption = None,
    information: Annotated[
        str | None,
        typer.Option(
            help="2014: competition (a month's weather at once) or operational (a run a day). 2012: past, or "
            "competition (fits know all training hours, later ones too)."
        ),
    ] = None,
    jobs: JobsOption = 1,
    models: Annotated[
        str | None,
        typer.Option(
            help="Other kinds to compare, each at its cost. Wind: trees,kernel,half,sets; solar: sets."
        ),
    ] = None,
    leave_one_month_out: Annotated[
        bool, typer.Option("--leave-one-month-out", help="Also forecast each month from all others.")
    ] = False,
) -> None:
    """Forecast the tasks of a competition and compare with its leaderboard; docs/benchmarks lists where to get data."""
    from energyforecast import competitions
    from energyforecast.competitions.readers.common import Information

    if information is not None:
        one_of("--information", information, allowed=get_args(Information), error=ConfigurationError)
    folder = _data_folder(data)
    with progress_bar(f"Fits and forecasts {name}") as progress:
        report = competitions.run(
            name,
            folder,
            tasks=tasks,
            information=information,  # type: ignore[arg-type]  # checked above
            jobs=processes(jobs),
            models=[name.strip() for name in (models or "").split(",") if name.strip()],
            leave_one_month_out=leave_one_month_out,
            progress=progress,
        )
    shown = shown_by(json_file)
    for table in _benchmark_tables(report):
        shown.print(table)
    shown.print(_benchmark_line(report), highlight=False)
    if is_output(json_file):
        write_json(json_file, report)
    elif json_file is not None:
        shown.print(f"Written to {competitions.write_json(json_file, report)}", highlight=False)


def _data_folder(given: Path | None) -> Path:
    """Folder of the competition's files, from the option or the environment."""
    if given is not None:
        return given
    folder = os.environ.get("ENERGYFORECAST_DATA")
    if folder:
        return Path(folder)
    raise MissingDataError(
        "No --data is given, and ENERGYFORECAST_DATA is not set.",
        "A folder must hold the competition's files; they are not shipped.",
        "Give --data DIR; docs/benchmarks lists where to get them.",
    )


def _benchmark_tables(report: dict[str, Any]) -> Iterator[Table]:
    """Scores by task, by site, and of each month left out."""
    board, usual = report["leaderboard"], report["climatology"]
    references = [usual, *report["references"].values()]
    names = ("climatology", *report["references"])
    heads = ("task", "n", "score", *names, *(("best team", board["team"] or "none") if board else ()))
    what = f"mean pinball loss of 99 quantiles [{report['unit']}], information: {report['information']}"
    table = plain_table(f"{report['benchmark']}: {what}", heads)
    for task, score in report["tasks"].items():
        cells = [task, str(report["n_by_task"][task]), f"{score:.5f}"]
        cells += [f"{other['tasks'][task]:.5f}" for other in references]
        if board:
            winner = board["teams"].get(board["team"], {})
            cells += [_number(board["best"][task]), _number(winner.get(task))]
        table.add_row(*cells)
    table.add_section()
    mean = [
        "mean",
        str(report["n"]),
        f"{report['mean']:.5f}",
        *(f"{other['mean']:.5f}" for other in references),
    ]
    table.add_row(*mean, *(("", _number(board["mean"])) if board else ()))
    yield table
    yield _sites_table(report)
    if report["models"]:
        yield _models_table(report)
        yield _coverage_table(report)
    if report["leave_one_month_out"]:
        months = report["leave_one_month_out"]
        title = f"{report['benchmark']}: each month from all others, not forecast skill"
        left = plain_table(title, ("month", "score"))
        for month, score in (*months["months"].items(), ("mean", months["mean"])):
            left.add_row(month, f"{score:.5f}")
        yield left


def _sites_table(report: dict[str, Any]) -> Table:
    """Pinball loss and root mean squared error of each site."""
    models = ["model", "climatology", *report["references"]]
    heads = [f"{metric}\n{name}" for metric in ("pinball", "rmse") for name in models]
    table = plain_table(f"{report['benchmark']}: by site [{report['unit']}]", ("site", "n", *heads))
    for site, scores in report["sites"].items():
        cells = [f"{scores[metric][name]:.4f}" for metric in ("pinball", "rmse") for name in models]
        table.add_row(site, str(scores["n"]), *cells)
    table.add_section()
    overall = [report["mean"], report["climatology"]["mean"]]
    overall += [other["mean"] for other in report["references"].values()]
    cells = [f"{value:.4f}" for value in (*overall, *(report["rmse"][name] for name in models))]
    table.add_row("mean", str(report["n"]), *cells)
    return table


def _models_table(report: dict[str, Any]) -> Table:
    """Scores and CPU seconds of several kinds of model on the same hours, and their changes."""
    compared = report["models"]
    title = f"{report['benchmark']}: kinds of model [{report['unit']}], changes against {compared['against']}"
    caption = "Intervals of 95 %, paired, of blocks of seven days; coverage with ties shared in brackets."
    heads = ("model", "pinball", "change", "rmse", "change", "80 %", "90 %", "CPU s")
    table = plain_table(title, heads, left=("model",), caption=caption)
    for name, row in compared["scores"].items():
        cells = [name]
        for metric, digits in (("pinball", 5), ("rmse", 4)):
            low, high = row["interval"][metric]
            change = f"{row['change'][metric]:+.2f} % ({low:+.2f} to {high:+.2f})"
            cells += [f"{row[metric]:.{digits}f}", "" if name == compared["against"] else change]
        covered = row["coverage"]
        cells += [f"{covered[share]:.1%} ({covered['ties_shared'][share]:.1%})" for share in ("0.8", "0.9")]
        table.add_row(*cells, f"{row['cpu_seconds']:.0f}")
    return table


def _coverage_table(report: dict[str, Any]) -> Table:
    """Coverage of the central intervals of several kinds of model by lead time."""
    scores = report["models"]["scores"]
    heads = ("from lead [h]", "n", *scores)
    table = plain_table(f"{report['benchmark']}: coverage of the 80 and 90 % intervals by lead time", heads)
    for lead, first in next(iter(scores.values()))["leads"].items():
        shares = [[row["leads"][lead][share] for share in ("0.8", "0.9")] for row in scores.values()]
        table.add_row(
            lead, str(first["n"]), *(" / ".join(f"{share:.1%}" for share in each) for each in shares)
        )
    return table


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:.5f}"


def _benchmark_line(report: dict[str, Any]) -> str:
    covers = ", ".join(
        f"{float(share):.0%} interval {part['all']:.1%} (ties shared: {part['ties_shared']['all']:.1%})"
        for share, part in report["coverage"].items()
        if share != "n"
    )
    return (
        f"Coverage: {covers}. {report['n']} hours scored, {report['missing']} without outcome. "
        f"{report['cpu_seconds']:.0f} CPU s, {report['wall_seconds']:.0f} s, {report['peak_memory_mb']} MB."
    )
