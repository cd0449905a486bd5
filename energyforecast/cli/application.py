"""The command line: parses, calls, prints."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from energyforecast.cli import observations, plan
from energyforecast.cli import weather as cli_weather
from energyforecast.errors import ConfigurationError, EnergyForecastError, MissingDataError, one_of

if TYPE_CHECKING:
    from rich.table import Table

    from energyforecast.evaluation import GateReport, Result

__all__ = ["app", "main"]

app = typer.Typer(
    help="Plan electricity from the weather.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(observations.app, name="observations")
app.add_typer(cli_weather.app, name="weather")
app.command(name="plan")(plan.plan)

_Out = Annotated[Path, typer.Option("--out", help="Folder for what is written.")]
_Jobs = Annotated[int, typer.Option("--jobs", help="Processes; 0 means one for each core.")]
_Config = Annotated[Path, typer.Argument(help="Configuration (TOML).")]


def main() -> None:
    """Run the command line; errors of the library become three lines and exit code 1."""
    try:
        app()
    except EnergyForecastError as error:
        _console(stderr=True).print(f"[bold red]error[/]  {type(error).__name__}", highlight=False)
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except OSError as error:
        _console(stderr=True).print(f"[bold red]error[/]  {type(error).__name__}", highlight=False)
        sys.stderr.write(
            f"{error.filename or 'A file'}: {error.strerror or error}.\n"
            "Files can be read, and the folder of --out can be written.\n"
            "Check path, permissions and free space.\n"
        )
        sys.exit(1)


def _console(*, stderr: bool = False) -> Any:
    from rich.console import Console

    # In a pipe rich would cut tables to 80 columns.
    return Console(stderr=stderr, width=None if sys.stdout.isatty() else 120)


@contextmanager
def _progress(text: str) -> Iterator[Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console(stderr=True)) as bar:
        line = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(line, completed=done, total=total)


def _jobs(jobs: int) -> int:
    return (
        jobs or len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else jobs or os.cpu_count() or 1
    )


@app.command()
def version() -> None:
    """Print the versions of the library and of what it stands on."""
    from importlib.metadata import version as of

    from energyforecast import __version__

    typer.echo(f"energyforecast {__version__} on Python {platform.python_version()}")
    for name in ("numpy", "pandas", "xarray", "scikit-learn", "lightgbm", "pvlib"):
        typer.echo(f"{name} {of(name)}")


@app.command()
def demo(
    name: Annotated[
        str, typer.Argument(help="Which one: la-haute-borne, shelek or plan.")
    ] = "la-haute-borne",
    out: _Out = Path("demo"),
    jobs: _Jobs = 0,
    gate_closure: Annotated[str, typer.Option(help="Wall time of issue of the synthetic cases.")] = "08:00",
    language: Annotated[str, typer.Option(help="Of the sheets of plan: en, ru or fr.")] = "en",
    json_file: Annotated[Path | None, typer.Option("--json", help="File for the figures of plan.")] = None,
) -> None:
    """Forecast day-ahead, prove it in a backtest, write scores and figures.

    la-haute-borne is a real wind farm with a reanalysis for weather: not forecast skill. shelek is a synthetic
    wind farm, PV plant and area with weather forecasts as they arrived. plan runs a synthetic region for a
    week, planned a day ahead every day, and says what the forecast was worth there.
    """
    from energyforecast.demos import power as demos

    if name == "plan":
        plan.demo(out, gate_closure=gate_closure, language=language, json_file=json_file, jobs=_jobs(jobs))
        return

    begun = time.perf_counter()
    cases = demos.cases(name, gate_closure=gate_closure)
    results = {}
    for case in cases:
        with _progress(f"Fits and forecasts {case.name}".strip()) as progress:
            results[case.name] = case.run(jobs=_jobs(jobs), progress=progress)
    notes = tuple(dict.fromkeys(note for case in cases for note in case.notes))
    _write(results, out, timezone=cases[0].forecaster.task.timezone, notes=notes, begun=begun)


def _write(
    results: dict[str, Result], out: Path, *, timezone: str, begun: float, notes: tuple[str, ...] = ()
) -> None:
    from energyforecast.evaluation import write_scores

    console = _console()
    out.mkdir(parents=True, exist_ok=True)
    for name, result in results.items():
        _write_case(result, out, f"_{name}" if name else "", timezone)
        for line in (*_headline(result), *(f"[bold]{note}[/]" for note in notes)):
            console.print(line, highlight=False)
        for site in next(iter(result.forecasts.values())).sites:
            for unit in ("MW", "% of capacity"):
                if unit == "MW" or result.provenance["capacity_mw"][site] is not None:
                    console.print(_table(result, site, unit))
    records = [record for result in results.values() for record in result.records()]
    write_scores(out, records, _joined(results, notes))
    fits = sum(len(result.folds) for result in results.values())
    spent = sum(result.provenance["cpu_seconds"] for result in results.values())
    console.print(
        f"{fits} fits, {spent:.0f} CPU s; {time.perf_counter() - begun:.0f} s in all.", highlight=False
    )
    console.print(
        f"Written to {out}: {', '.join(sorted(item.name for item in out.iterdir()))}", highlight=False
    )


def _joined(results: dict[str, Result], notes: tuple[str, ...]) -> dict[str, Any]:
    """Provenance of one case as it is; of several, each by its name."""
    if list(results) == [""]:
        return dict(results[""].provenance) | ({"notes": list(notes)} if notes else {})
    caveats = [caveat for result in results.values() for caveat in result.provenance["caveats"]]
    cases = {name: dict(result.provenance) for name, result in results.items()}
    return {"caveats": list(dict.fromkeys(caveats)), "notes": list(notes), "cases": cases}


def _write_case(result: Result, out: Path, suffix: str, timezone: str) -> None:
    from energyforecast.reporting import figures

    forecast = next(iter(result.forecasts.values()))
    forecast.write_csv(out / f"forecast{suffix}.csv")
    forecast.save(out / f"forecast{suffix}.nc")
    shown = forecast.sel(issue_time=_liveliest(forecast))
    figure = figures.fan_chart(shown, result.observations, timezone=timezone)
    figures.save(figure, out / f"fan_chart{suffix}.png")
    figures.save(figures.reliability(result), out / f"reliability{suffix}.png")


def _liveliest(forecast: Any) -> Any:
    """The issue whose median changes most: chosen by the forecast, not by how well it did."""
    median = forecast.at(0.5)
    reach = (median.max("lead_time") - median.min("lead_time")).isel(site=0)
    return forecast.issue_times[int(reach.argmax("issue_time"))]


def _headline(result: Result) -> list[str]:
    used = result.provenance
    sites = ", ".join(used["sites"])
    lines = [
        f"[bold]{sites}[/]: {used['issues']} forecasts, issued {used['first_issue']} to {used['last_issue']}",
        f"Skill in CRPS over {', '.join(used['references'])}; cover and width of central intervals.",
    ]
    lines += [f"[bold red]{caveat}[/]" for caveat in used["caveats"]]
    pairs = next(iter(result.pairs.values()))
    lines.append(
        f"Pinball and CRPS over {used['pinball_levels']}; {len(pairs)} hours scored, {len(pairs.missing)} without "
        f"outcome; {pairs.below_zero} slightly negative outcomes (auxiliary use) judged as 0."
    )
    return lines


def _plain_table(title: str, caption: str | None = None) -> Table:
    from rich import box
    from rich.table import Table

    return Table(
        title=title,
        caption=caption,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
        header_style="bold",
        pad_edge=False,
        collapse_padding=True,
    )


def _table(result: Result, site: str, unit: str) -> Table:
    first = next(iter(result.forecasts))
    caveats = result.provenance["caveats"]
    table = _plain_table(f"{site}: {first}, scores by lead time [{unit}]", caveats[0] if caveats else None)
    heads = ["lead", "n", "MAE", "RMSE", "bias", "pinball", "CRPS"]
    heads += [f"{kind}\n{share}" for share in ("50%", "80%", "90%") for kind in ("cover", "width")]
    heads += [f"skill\n{name[:8].lower()}." for name in result.provenance["references"]]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    value = "value" if unit == "MW" else "percent"
    for by in (["site", "lead_time"], ["site"]):
        scores = _of(result.scores(by=by, model=first), site)
        references = result.provenance["references"]
        skills = [result.skill("crps", reference=name, by=by) for name in references]
        skills = [_of(item[item["model"] == first], site) for item in skills]
        if len(by) == 1:
            table.add_section()
        for lead, rows in scores.groupby("lead_time", dropna=False, sort=True):
            table.add_row(*_cells(lead, rows, value, skills))
    return table


def _of(scores: Any, site: str) -> Any:
    """Scores of one site; all leads together stand under NaN."""
    own = scores[scores["site"] == site]
    return own if "lead_time" in own else own.assign(lead_time=float("nan"))


def _cells(lead: Any, rows: Any, value: str, skills: list[Any]) -> list[str]:
    found = {(row.metric, row.level): row for row in rows.itertuples()}
    by_level = {key: row for key, row in found.items() if not math.isnan(key[1])}
    plain = {name: row for (name, level), row in found.items() if math.isnan(level)}
    cells = ["all" if math.isnan(lead) else f"{lead:g} h", str(rows["n"].iloc[0])]
    cells += [f"{getattr(plain[name], value):.2f}" for name in ("mae", "rmse", "bias", "pinball", "crps")]
    for share in (0.5, 0.8, 0.9):
        cells.append(f"{by_level[('coverage', share)].percent:.1f}%")
        cells.append(f"{getattr(by_level[('width', share)], value):.2f}")
    for table in skills:
        row = table if math.isnan(lead) else table[table["lead_time"] == lead]
        cells.append(f"{row['value'].iloc[0]:.2f}")
    return cells


@app.command()
def forecast(
    config: _Config,
    issue_time: Annotated[str, typer.Option(help="Wall time in the task's zone, or now.")] = "now",
    model: Annotated[Path | None, typer.Option(help="A stored forecaster; without it one is fitted.")] = None,
    save: Annotated[Path | None, typer.Option(help="Store the forecaster here.")] = None,
    strict: Annotated[bool, typer.Option(help="Refuse if weather is missing, rather than fall back.")] = True,
    out: _Out = Path("forecast"),
) -> None:
    """Forecast from a configuration: forecast.csv, forecast.nc and a fan chart for each site."""
    from energyforecast import configuration
    from energyforecast.core import timestamps
    from energyforecast.forecasting import storage
    from energyforecast.reporting import figures

    settings = configuration.read(config)
    weather, power = settings.weather(), settings.observations()
    moment = timestamps.instant(issue_time, timezone=settings.task.timezone)
    learnt = None if model is None else storage.load(model)
    fitted = settings.forecaster().fit(weather, power, as_of=moment) if learnt is None else learnt
    if save is not None:
        fitted.save(save)
    result = fitted.predict(weather, power, issue_time=moment, strict=strict)
    out.mkdir(parents=True, exist_ok=True)
    result.write_csv(out / "forecast.csv")
    result.save(out / "forecast.nc")
    for site in result.sites:
        figure = figures.fan_chart(result, power, site=site, timezone=settings.task.timezone)
        figures.save(figure, out / ("fan_chart_" + re.sub(r"[^\w.-]", "_", site) + ".png"))
    console = _console()
    console.print(repr(result), highlight=False)
    for caveat in result.caveats:
        console.print(f"[bold red]{caveat}[/]", highlight=False)
    console.print(_day_sheet(result, settings.task.timezone))
    console.print(
        f"Written to {out}: {', '.join(sorted(item.name for item in out.iterdir()))}", highlight=False
    )


def _day_sheet(result: Any, timezone: str) -> Table:
    from energyforecast.core import timestamps

    levels = [
        level
        for level in (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
        if result.quantiles[0] <= level <= result.quantiles[-1]
    ]
    table = _plain_table(f"Power [MW], beginning of the hour in {timezone}")
    for head in ("site", "hour", *(f"q{level:g}" for level in levels), "made by"):
        table.add_column(head, justify="right")
    zone = timestamps.zone(timezone)
    for row in result.to_frame().to_dict("records"):
        hour = row["valid_time"].tz_convert(zone).strftime("%Y-%m-%d %H:%M")
        cells = [f"{row[f'q{level:g}']:.2f}" for level in levels if f"q{level:g}" in row]
        table.add_row(row["site"], hour, *cells, f"level {row['fallback_level']}")
    return table


@app.command()
def backtest(
    config: _Config,
    start: Annotated[
        str | None, typer.Option(help="First day, month or year whose hours are forecast.")
    ] = None,
    end: Annotated[str | None, typer.Option(help="Last one, all of it.")] = None,
    refit: Annotated[str, typer.Option(help="D, W, MS, QS, YS, or a count of origins.")] = "MS",
    window: Annotated[
        str, typer.Option(help="What a fit learns from: expanding, or like 365D.")
    ] = "expanding",
    gap: Annotated[str, typer.Option(help="How long before a fit its data ends.")] = "0h",
    stride: Annotated[int, typer.Option(help="Forecast every so many origins.")] = 1,
    resume: Annotated[
        Path | None, typer.Option(help="Folder in which a stopped run is kept, to go on with.")
    ] = None,
    gate: Annotated[Path | None, typer.Option(help="Limits of scores (TOML).")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="What an earlier run wrote with --out, to compare with.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File for what the gates said.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="The same, as a table for a pull request.")] = None,
    report: Annotated[Path | None, typer.Option(help="File for a page that opens offline (HTML).")] = None,
    jobs: _Jobs = 0,
    out: _Out = Path("backtest"),
) -> None:
    """Backtest a configuration against climatology and persistence: scores, forecasts and figures.

    Without start and end: the last year of the observations, or their last two thirds if they are short. With
    --gate or --baseline the exit code is 3 if a score is worse than its limit, or than the baseline by more than
    noise.
    """
    from energyforecast import configuration
    from energyforecast.demos.power import Case
    from energyforecast.evaluation import Result, read_gates
    from energyforecast.reporting.backtest_report.page import check_installed

    begun = time.perf_counter()
    settings = configuration.read(config)
    # What is refused is refused before the fits.
    limits, comparison = ([], {}) if gate is None else read_gates(gate)
    earlier = None if baseline is None else Result.load(baseline)
    if report is not None:
        check_installed()
    power = settings.observations()
    first, last = _last_year(power, settings.task.timezone)
    weather, forecaster = settings.weather(), settings.forecaster()
    case = Case(
        "",
        forecaster,
        weather,
        power,
        start=start or first,
        end=end or last,
        refit=int(refit) if refit.isdigit() else refit,
        window=window,
        gap=gap,
        stride=stride,
    )
    with _progress("Fits and forecasts") as progress:
        result = case.run(jobs=_jobs(jobs), progress=progress, resume=resume)
    result.write(out)
    _write({"": result}, out, timezone=settings.task.timezone, begun=begun)
    if report is not None:
        _console().print(f"Report: {result.report(report)}")
    if gate is not None or baseline is not None:
        _judge(result.gate(limits, baseline=earlier, **comparison), json_file, markdown)


def _judge(report: GateReport, json_file: Path | None, markdown: Path | None) -> None:
    """Show and write what the gates said; leave with 3 if one failed."""
    typer.echo(report.to_markdown())
    for path, text in ((json_file, report.to_json()), (markdown, report.to_markdown())):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
    if not report.passed:
        raise typer.Exit(3)


def _last_year(power: Any, timezone: str) -> tuple[str, str]:
    from energyforecast.core import timestamps

    zone = timestamps.zone(timezone)
    begin, end = (moment.tz_convert(zone) for moment in (power.index[0], power.index[-1] + power.frequency))
    last = end.normalize() - timestamps.duration("1D")
    first = max(last - timestamps.duration("364D"), begin + (end - begin) / 3)
    return f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"


@app.command(name="config")
def show_config(config: _Config) -> None:
    """Read a configuration and print what it means, as JSON."""
    from energyforecast import configuration

    settings = configuration.read(config)
    content = {
        "sites": [repr(site) for site in settings.sites],
        "task": repr(settings.task),
        "model": repr(settings.model),
        "perfect_weather": settings.perfect_weather,
        "weather": settings.sections["weather"],
        "observations": settings.sections["observations"],
    }
    typer.echo(json.dumps(content, indent=1, default=str))


@app.command()
def benchmark(
    name: Annotated[str, typer.Argument(help="gefcom2014-wind, -load, -solar or gefcom2012-wind.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with the data set; by default $ENERGYFORECAST_DATA.")
    ] = None,
    tasks: Annotated[
        str | None, typer.Option(help="Like 4-12 or 1,3; by default those that counted.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File for the scores.")] = None,
    information: Annotated[
        str, typer.Option(help="competition: a month's weather at once; operational: a run a day.")
    ] = "competition",
    jobs: _Jobs = 1,
    leave_one_month_out: Annotated[
        bool, typer.Option("--leave-one-month-out", help="Also forecast each month from all others.")
    ] = False,
) -> None:
    """Forecast the tasks of a competition and score them beside its leaderboard; docs/benchmarks says where data is."""
    from energyforecast import competitions

    known = _one_of("information", information, ("competition", "operational"))
    folder = _data_folder(data)
    with _progress(f"Fits and forecasts {name}") as progress:
        report = competitions.run(
            name,
            folder,
            tasks=tasks,
            information=known,
            jobs=_jobs(jobs),
            leave_one_month_out=leave_one_month_out,
            progress=progress,
        )
    console = _console()
    for table in _benchmark_tables(report):
        console.print(table)
    console.print(_benchmark_line(report), highlight=False)
    if json_file is not None:
        console.print(f"Written to {competitions.write_json(json_file, report)}", highlight=False)


def _data_folder(given: Path | None) -> Path:
    if given is not None:
        return given
    folder = os.environ.get("ENERGYFORECAST_DATA")
    if folder:
        return Path(folder)
    raise MissingDataError(
        "No --data is given, and ENERGYFORECAST_DATA is not set.",
        "A folder holds the competition's files; they are not shipped.",
        "Give --data DIR; docs/benchmarks says where to get them.",
    )


def _one_of(option: str, given: str, known: tuple[str, ...]) -> Any:
    one_of(f"--{option}", given, allowed=known, error=ConfigurationError)
    return given


def _benchmark_tables(report: dict[str, Any]) -> Iterator[Table]:
    board, usual = report["leaderboard"], report["climatology"]
    table = _plain_table(f"{report['benchmark']}: mean pinball loss of 99 quantiles [{report['unit']}]")
    beside = [usual, *report["references"].values()]
    names = ("climatology", *report["references"])
    heads = ("task", "n", "score", *names, *(("best team", board["team"] or "none") if board else ()))
    for head in heads:
        table.add_column(head, justify="right")
    for task, score in report["tasks"].items():
        cells = [task, str(report["n_by_task"][task]), f"{score:.5f}"]
        cells += [f"{other['tasks'][task]:.5f}" for other in beside]
        if board:
            own = board["teams"].get(board["team"], {})
            cells += [_number(board["best"][task]), _number(own.get(task))]
        table.add_row(*cells)
    table.add_section()
    mean = ["mean", str(report["n"]), f"{report['mean']:.5f}", *(f"{other['mean']:.5f}" for other in beside)]
    table.add_row(*mean, *(("", _number(board["mean"])) if board else ()))
    yield table
    yield _sites_table(report)
    if report["leave_one_month_out"]:
        months = report["leave_one_month_out"]
        left = _plain_table(f"{report['benchmark']}: each month from all others, not forecast skill")
        for head in ("month", "score"):
            left.add_column(head, justify="right")
        for month, score in (*months["months"].items(), ("mean", months["mean"])):
            left.add_row(month, f"{score:.5f}")
        yield left


def _sites_table(report: dict[str, Any]) -> Table:
    table = _plain_table(f"{report['benchmark']}: by site [{report['unit']}]")
    models = list(next(iter(report["sites"].values()))["rmse"])
    for head in ("site", "n", *(f"{metric}\n{name}" for metric in ("pinball", "rmse") for name in models)):
        table.add_column(head, justify="right")
    for site, scores in report["sites"].items():
        cells = [f"{scores[metric][name]:.4f}" for metric in ("pinball", "rmse") for name in models]
        table.add_row(site, str(scores["n"]), *cells)
    return table


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:.5f}"


def _benchmark_line(report: dict[str, Any]) -> str:
    covers = ", ".join(
        f"{float(share):.0%} interval {found['all']:.1%} (ties shared: {found['ties_shared']['all']:.1%})"
        for share, found in report["coverage"].items()
        if share != "n"
    )
    return (
        f"Coverage: {covers}. {report['n']} hours scored, {report['missing']} without outcome. "
        f"{report['cpu_seconds']:.0f} CPU s, {report['wall_seconds']:.0f} s, {report['peak_memory_mb']} MB."
    )
