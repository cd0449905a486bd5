"""Commands of a configuration: forecast, backtest, config."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from energyforecast.cli.archive import ArchiveOption, archive_of, keep, keep_forecast, run_or_refusal
from energyforecast.cli.console import (
    ConfigArgument,
    JobsOption,
    OutOption,
    console,
    listed,
    plain_table,
    processes,
    progress_bar,
    styled,
)
from energyforecast.cli.json_output import JsonOption, is_output, rows_of, shown_by, write_json
from energyforecast.cli.published_set import PublishedSet
from energyforecast.cli.result_tables import write_results
from energyforecast.core.files import distinct_names, whole_file

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from energyforecast import Forecast, Forecaster, Observations
    from energyforecast.configuration import Configuration
    from energyforecast.core.forecast import By
    from energyforecast.evaluation import GateReport

__all__ = ["app"]

#: Exit code of a forecast on a lower level of the fallback ladder.
DEGRADED: Final = 3

app = typer.Typer()


@app.command()
def forecast(
    config: ConfigArgument,
    issue_time: Annotated[str, typer.Option(help="Wall time in the task's zone, or now.")] = "now",
    model: Annotated[Path | None, typer.Option(help="A stored forecaster; without it one is fitted.")] = None,
    save: Annotated[Path | None, typer.Option(help="Store the forecaster here.")] = None,
    strict: Annotated[bool, typer.Option(help="Refuse if weather is missing, rather than fall back.")] = True,
    by: Annotated[str, typer.Option(help="Peak and energy of a consumer's day, month or window.")] = "day",
    archive: ArchiveOption = None,
    json_file: JsonOption = None,
    out: OutOption = Path("forecast"),
) -> None:
    """Forecast from a configuration: forecast.csv, forecast.nc and a fan chart for each site.

    Of consumers also peak.csv and energy.csv: quantiles of the highest power and of the energy of each local day,
    where the forecast carries the dependence of its errors between hours. Issue times of the past without usable
    weather are left out of training. With --no-strict models of later and fewer inputs are fitted, too, and one of them
    answers where weather or measurements are late or lost. Exit code 3: a fallback_level is above 0.
    With an archive, forecast, measurements and model are recorded in it too; exit code 3: only the files were written.

    The files take the place of the old ones together, and are listed in forecast_files.json. If the forecast is
    refused, those of an earlier day are moved to the folder previous, and forecast_files.json has the error. A stored
    forecaster must have the sites, the task and the model of the configuration, and must have been fitted on data
    known at the issue time.
    """
    from energyforecast import configuration
    from energyforecast.cli.period_tables import write_periods
    from energyforecast.core import timestamps
    from energyforecast.errors import one_of
    from energyforecast.forecasting import storage

    one_of("by", by, allowed=("day", "month", "window"))
    files, begun = (
        PublishedSet(out, "forecast", report=None if is_output(json_file) else json_file),
        timestamps.now(),
    )
    with files.or_refused(), run_or_refusal("forecast", config, archive, begun=begun):
        settings = configuration.read(config)
        moment = timestamps.instant(issue_time, timezone=settings.task.timezone)
        files.ask(settings.task, moment)
        opens = archive_of(settings, archive)
        stored = None if model is None else _stored(model, settings, moment)
        weather, power = settings.weather(), settings.observations()
        # A gap of the past is no reason to refuse the forecast of today: such issue times are left out and counted.
        learnt: Any = {"as_of": moment, "missing": "drop", "fallbacks": not strict}
        fitted = settings.forecaster().fit(weather, power, **learnt) if stored is None else stored
        if save is not None:
            fitted.save(save)
        result = fitted.predict(weather, power, issue_time=moment, strict=strict)
        about = {"fallback_level": int(result.data["fallback_level"].max()), "caveats": list(result.caveats)}
        with files.publish(about) as stage:
            _write(result, power, stage, timezone=settings.task.timezone)
            periods = write_periods(result, stage, by=cast("By", by), timezone=settings.task.timezone)
    _show(result, periods, timezone=settings.task.timezone, shown=shown_by(json_file))
    write_json(json_file, {**files.asked, **about, "out": str(out), "rows": rows_of(result)})
    if fitted.training_.without_weather:
        shown_by(json_file).print(
            f"Left out of training without usable weather: {fitted.training_.without_weather} issue times"
        )
    shown_by(json_file).print(f"Written to {out}: {listed(out)}", highlight=False)
    if opens is not None:
        content = storage.dump(fitted) if model is None else model.read_bytes()
        keep(opens, lambda held: keep_forecast(held, result, power, model=content, begun=begun))
    if about["fallback_level"]:
        raise typer.Exit(DEGRADED)


def _show(result: Forecast, periods: list[Table], *, timezone: str, shown: Console) -> None:
    """Print the caveats, the hours and the periods of a forecast."""
    shown.print(repr(result), highlight=False)
    for caveat in result.caveats:
        shown.print(styled((caveat, "bold red")))
    shown.print(_day_sheet(result, timezone))
    for table in periods:
        shown.print(table)


def _write(result: Forecast, power: Observations, folder: Path, *, timezone: str) -> None:
    """Write the table, the cube and a figure for each site."""
    from energyforecast.reporting import figures

    result.write_csv(folder / "forecast.csv")
    result.save(folder / "forecast.nc")
    stems = distinct_names(result.sites)
    for site in result.sites:
        figure = figures.fan_chart(result, power, site=site, timezone=timezone)
        figures.save(figure, folder / f"fan_chart_{stems[site]}.png")


def _stored(model: Path, settings: Configuration, moment: pd.Timestamp) -> Forecaster:
    """A stored forecaster, if it is that of the configuration and was fitted before the issue time."""
    from energyforecast.forecasting import agreement, storage

    stored = storage.load(model)
    agreement.refuse_other_settings(
        stored, settings.forecaster(), model=settings.model is not None, name=str(model)
    )
    agreement.refuse_later_fit(stored, settings.task.moments(moment), name=str(model))
    return stored


def _day_sheet(result: Any, timezone: str) -> Table:
    """Some quantiles of each hour, and the fallback level."""
    from energyforecast.core import timestamps, wording

    levels = [
        level
        for level in (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
        if result.quantiles[0] <= level <= result.quantiles[-1]
    ]
    heads = ("site", "hour", *(f"q{level:g}" for level in levels), "made by")
    table = plain_table(f"Power [MW], beginning of the hour in {timezone}", heads)
    zone, frame = timestamps.zone(timezone), result.to_frame()
    figures = {
        site: wording.decimals(rows.filter(regex=r"^q0\.").to_numpy(), least=2)
        for site, rows in frame.groupby("site")
    }
    for row in frame.to_dict("records"):
        hour = row["valid_time"].tz_convert(zone).strftime("%Y-%m-%d %H:%M")
        places = figures[row["site"]]
        cells = [f"{row[f'q{level:g}']:.{places}f}" for level in levels if f"q{level:g}" in row]
        table.add_row(row["site"], hour, *cells, f"level {row['fallback_level']}")
    return table


@app.command()
def backtest(
    config: ConfigArgument,
    start: Annotated[str | None, typer.Option(help="First day, month or year that is forecast.")] = None,
    end: Annotated[str | None, typer.Option(help="Last one, all of it.")] = None,
    refit: Annotated[
        str, typer.Option(help="auto (by length of history), D, W, MS, QS, YS, or a count of origins.")
    ] = "auto",
    window: Annotated[
        str, typer.Option(help="Past from which a fit learns: expanding (all), or like 365D.")
    ] = "expanding",
    gap: Annotated[str, typer.Option(help="Time between the end of a fit's data and the fit.")] = "0h",
    stride: Annotated[int, typer.Option(help="Forecast each origin (1), every second, ...")] = 1,
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="Leave out issue times without usable weather.")
    ] = False,
    resume: Annotated[Path | None, typer.Option(help="Folder from which a stopped run goes on.")] = None,
    gate: Annotated[Path | None, typer.Option(help="Limits of scores (TOML).")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Folder of --out of an earlier run, to compare with.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File for the report of the gates.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="The same, as a table for a pull request.")] = None,
    report: Annotated[Path | None, typer.Option(help="File for a page that opens offline (HTML).")] = None,
    jobs: JobsOption = 0,
    out: OutOption = Path("backtest"),
) -> None:
    """Backtest a configuration against climatology and persistence: scores, forecasts and figures.

    Without start and end: the last year of the observations, or their last two thirds if they are short. With
    --gate or --baseline the exit code is 3 if a score is worse than its limit, or than the baseline by more than
    noise.
    """
    from energyforecast import configuration
    from energyforecast.demos.power import ReferenceBacktest
    from energyforecast.evaluation import Execution, Result, Splits, read_gates
    from energyforecast.reporting.backtest_report.page import check_installed

    begun = time.perf_counter()
    settings = configuration.read(config)
    # Gates and baseline are read, and refused, before the fits.
    limits, comparison = ([], {}) if gate is None else read_gates(gate)
    earlier = None if baseline is None else Result.load(baseline)
    if report is not None:
        check_installed()
    power = settings.observations()
    first, last = _last_year(power, settings.task.timezone)
    weather, forecaster = settings.weather(), settings.forecaster()
    planned = ReferenceBacktest(
        "",
        forecaster,
        weather,
        power,
        start=start or first,
        end=end or last,
        refit=int(refit) if refit.isdigit() else refit,
        splits=Splits(window=window, gap=gap, stride=stride),
        missing="drop" if drop_missing else "error",
    )
    with progress_bar("Fits and forecasts") as progress:
        result = planned.run(Execution(jobs=processes(jobs), resume=resume, progress=progress))
    result.write(out)
    write_results({"": result}, out, timezone=settings.task.timezone, begun=begun)
    if report is not None:
        console().print(f"Report: {result.report(report)}")
    if gate is not None or baseline is not None:
        _judge(result.gate(limits, baseline=earlier, **comparison), json_file, markdown)


def _judge(report: GateReport, json_file: Path | None, markdown: Path | None) -> None:
    """Show and write the report of the gates; exit with 3 if one failed."""
    typer.echo(report.to_markdown())
    for path, text in ((json_file, report.to_json()), (markdown, report.to_markdown())):
        if path is not None:
            with whole_file(path) as scratch:
                scratch.write_text(text + "\n", encoding="utf-8")
    if not report.passed:
        raise typer.Exit(3)


def _last_year(power: Any, timezone: str) -> tuple[str, str]:
    """First and last day of the last year of observations, or of their last two thirds if they are short."""
    from energyforecast.core import timestamps

    zone = timestamps.zone(timezone)
    begin, end = (moment.tz_convert(zone) for moment in (power.index[0], power.index[-1] + power.frequency))
    last = end.normalize() - timestamps.duration("1D")
    first = max(last - timestamps.duration("364D"), begin + (end - begin) / 3)
    return f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"


@app.command(name="config")
def show_config(config: ConfigArgument, json_file: JsonOption = None) -> None:
    """Read a configuration and print its objects as JSON, or write them to a file."""
    from energyforecast import configuration

    settings = configuration.read(config)
    content = {
        "sites": [repr(site) for site in settings.sites],
        "task": repr(settings.task),
        "model": repr(settings.model),
        "perfect_weather": settings.perfect_weather,
        "weather": settings.sections.get("weather"),
        "observations": settings.sections.get("observations"),
    }
    content |= {
        name: settings.sections[name]
        for name in ("available_capacity", "curtailment", "planned")
        if name in settings.sections
    }
    write_json(json_file or Path("-"), content)
