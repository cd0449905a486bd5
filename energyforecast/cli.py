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

from energyforecast.errors import EnergyForecastError

if TYPE_CHECKING:
    from rich.table import Table

    from energyforecast.evaluation import Result

__all__ = ["app", "main"]

app = typer.Typer(
    help="Plan electricity from the weather.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

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
    name: Annotated[str, typer.Argument(help="Which one: la-haute-borne.")] = "la-haute-borne",
    out: _Out = Path("demo"),
    jobs: _Jobs = 0,
) -> None:
    """Forecast a real wind farm day-ahead, prove it in a backtest of 2015, write scores and figures.

    The weather is a reanalysis: what it shows is not forecast skill.
    """
    from energyforecast import datasets
    from energyforecast.errors import ConfigurationError
    from energyforecast.forecaster import Forecaster
    from energyforecast.tasks import day_ahead

    if name != "la-haute-borne":
        raise ConfigurationError(f"There is no demo {name!r}.", "There is la-haute-borne.", "Choose it.")
    site, weather, power = datasets.la_haute_borne()
    forecaster = Forecaster(site, day_ahead("09:00", timezone="Europe/Paris"), perfect_weather=True)
    result = _run_backtest(forecaster, weather, power, start="2015", end="2015", refit="MS", jobs=_jobs(jobs))
    _write(result, out, timezone="Europe/Paris")


def _run_backtest(forecaster: Any, weather: Any, power: Any, **keywords: Any) -> Result:
    from energyforecast.evaluation import backtest
    from energyforecast.forecaster import Forecaster
    from energyforecast.models import Climatology, Persistence

    def reference(model: Any) -> Forecaster:
        return Forecaster(
            forecaster.sites, forecaster.task, model=model, perfect_weather=forecaster.perfect_weather
        )

    several = {
        type(forecaster.model).__name__: forecaster,
        "Climatology": reference(Climatology()),
        "Persistence": reference(Persistence()),
    }
    with _progress("Fits and forecasts") as progress:
        return backtest(several, weather, power, progress=progress, **keywords)


def _write(result: Result, out: Path, *, timezone: str) -> None:
    from energyforecast import plotting

    begun = time.perf_counter()
    first = next(iter(result.forecasts))
    folder = result.save(out)
    forecast = result.forecasts[first]
    shown = forecast.sel(issue_time=_liveliest(forecast))
    plotting.save(plotting.fan_chart(shown, result.observations, timezone=timezone), folder / "fan_chart.png")
    plotting.save(plotting.reliability(result), folder / "reliability.png")
    console = _console()
    for line in _headline(result):
        console.print(line, highlight=False)
    for unit in ("MW", "% of capacity"):
        console.print(_table(result, first, unit))
    used = result.provenance
    console.print(
        f"{used['issues']} forecasts, {len(result.folds)} fits, {used['wall_seconds']:.0f} s "
        f"({used['cpu_seconds']:.0f} CPU s), and {time.perf_counter() - begun:.0f} s for files and figures.",
        highlight=False,
    )
    console.print(
        f"Written to {folder}: {', '.join(sorted(item.name for item in folder.iterdir()))}", highlight=False
    )


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
        "Skill in CRPS over climatology by hour and over persistence; cover and width of central intervals.",
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


def _table(result: Result, first: str, unit: str) -> Table:
    title = f"{first}, scores by lead time [{unit}]"
    caption = result.provenance["caveats"][0] if result.provenance["caveats"] else None
    table = _plain_table(title, caption)
    heads = ["lead", "n", "MAE", "RMSE", "bias", "pinball", "CRPS"]
    heads += [f"{kind}\n{share}" for share in ("50%", "80%", "90%") for kind in ("cover", "width")]
    heads += ["skill\nclimat.", "skill\npersist."]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    value = "value" if unit == "MW" else "percent"
    for by in (["lead_time"], None):
        scores = result.scores(by=by, model=first)
        tables = [result.skill("crps", reference=name, by=by) for name in ("Climatology", "Persistence")]
        skills = [item[item["model"] == first] for item in tables]
        if by is None:
            table.add_section()
            scores, skills = (
                scores.assign(lead_time=float("nan")),
                [item.assign(lead_time=float("nan")) for item in skills],
            )
        for lead, rows in scores.groupby("lead_time", dropna=False, sort=True):
            table.add_row(*_cells(lead, rows, value, skills))
    return table


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
    from energyforecast import config as configuration
    from energyforecast import plotting, storage, times

    settings = configuration.read(config)
    weather, power = settings.weather(), settings.observations()
    moment = times.instant(issue_time, timezone=settings.task.timezone)
    learnt = None if model is None else storage.load(model)
    fitted = settings.forecaster().fit(weather, power, as_of=moment) if learnt is None else learnt
    if save is not None:
        fitted.save(save)
    result = fitted.predict(weather, power, issue_time=moment, strict=strict)
    out.mkdir(parents=True, exist_ok=True)
    result.write_csv(out / "forecast.csv")
    result.save(out / "forecast.nc")
    for site in result.sites:
        figure = plotting.fan_chart(result, power, site=site, timezone=settings.task.timezone)
        plotting.save(figure, out / ("fan_chart_" + re.sub(r"[^\w.-]", "_", site) + ".png"))
    console = _console()
    console.print(repr(result), highlight=False)
    for caveat in result.caveats:
        console.print(f"[bold red]{caveat}[/]", highlight=False)
    console.print(_day_sheet(result, settings.task.timezone))
    console.print(
        f"Written to {out}: {', '.join(sorted(item.name for item in out.iterdir()))}", highlight=False
    )


def _day_sheet(result: Any, timezone: str) -> Table:
    from energyforecast import times

    levels = [
        level
        for level in (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
        if result.quantiles[0] <= level <= result.quantiles[-1]
    ]
    table = _plain_table(f"Power [MW], beginning of the hour in {timezone}")
    for head in ("site", "hour", *(f"q{level:g}" for level in levels), "made by"):
        table.add_column(head, justify="right")
    zone = times.zone(timezone)
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
    refit: Annotated[str, typer.Option(help="D, W, MS, QS or YS.")] = "MS",
    jobs: _Jobs = 0,
    out: _Out = Path("backtest"),
) -> None:
    """Backtest a configuration against climatology and persistence: scores, forecasts and figures.

    Without start and end: the last year of the observations, or their last two thirds if they are short.
    """
    from energyforecast import config as configuration

    settings = configuration.read(config)
    power = settings.observations()
    first, last = _last_year(power, settings.task.timezone)
    result = _run_backtest(
        settings.forecaster(),
        settings.weather(),
        power,
        start=start or first,
        end=end or last,
        refit=refit,
        jobs=_jobs(jobs),
    )
    _write(result, out, timezone=settings.task.timezone)


def _last_year(power: Any, timezone: str) -> tuple[str, str]:
    from energyforecast import times

    zone = times.zone(timezone)
    begin, end = (moment.tz_convert(zone) for moment in (power.index[0], power.index[-1] + power.frequency))
    last = end.normalize() - times.duration("1D")
    first = max(last - times.duration("364D"), begin + (end - begin) / 3)
    return f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"


@app.command(name="config")
def show_config(config: _Config) -> None:
    """Read a configuration and print what it means, as JSON."""
    from energyforecast import config as configuration

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
