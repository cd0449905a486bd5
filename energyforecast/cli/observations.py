"""Commands about measured power: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from energyforecast.cli.console import plain_table, styled
from energyforecast.cli.json_output import JsonOption, shown_by, write_json
from energyforecast.errors import ConfigurationError, one_of

if TYPE_CHECKING:
    from rich.console import Console

    from energyforecast.core.observation_series import Observations
    from energyforecast.observations.audit import AuditReport

__all__ = ["app"]

#: Exit code of a file that was read and did not pass; 1 is an error, 2 a wrong option.
_FAILED: Final = 3

app = typer.Typer(help="Look at measured power and demand.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look at measured power and demand."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Measurements: CSV, parquet or .xlsx.")],
    config: Annotated[Path | None, typer.Option(help="Sites and form from a configuration (TOML).")] = None,
    unit: Annotated[str | None, typer.Option(help="W, kW, MW, GW, or Wh ... GWh of an interval.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Of the stamps: Asia/Almaty, UTC, fixed:+06:00.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="beginning, ending or hour_ending.")] = None,
    published_after: Annotated[
        str | None, typer.Option(help="Delay after the end of an interval: 2h.")
    ] = None,
    format: Annotated[str | None, typer.Option(help="Named form of the file: neso, decimal-comma.")] = None,
    time: Annotated[
        list[str] | None, typer.Option(help="Column of the stamps; twice: date, time of day.")
    ] = None,
    period: Annotated[str | None, typer.Option(help="Column of settlement periods.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="COLUMN or COLUMN=SITE; may be repeated.")] = None,
    time_format: Annotated[str | None, typer.Option(help="Form of the stamps: '%d.%m.%Y %H:%M'.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the file: cp1251.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal sign.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Sign between columns.")] = None,
    thousands: Annotated[str | None, typer.Option(help="Sign between thousands.")] = None,
    missing: Annotated[
        list[str] | None, typer.Option(help="Mark of a missing value; may be repeated.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Column of sites, a row for each site and time.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook.")] = None,
    skip_rows: Annotated[int | None, typer.Option(help="Lines before the header.")] = None,
    header: Annotated[bool, typer.Option(help="Whether the file names its columns.")] = True,
    cumulative: Annotated[bool, typer.Option("--cumulative", help="Readings of a meter.")] = False,
    resolution: Annotated[
        str | None, typer.Option(help="mean or hold, where the step changes within the file.")
    ] = None,
    doubled_hour: Annotated[str | None, typer.Option(help="Column of the mark of the doubled hour.")] = None,
    nonexistent: Annotated[
        str | None, typer.Option(help="drop: rows in an hour that the clock skips.")
    ] = None,
    kind: Annotated[str, typer.Option(help="wind, solar, demand or site.")] = "site",
    capacity: Annotated[float | None, typer.Option(help="Of the site. [MW]")] = None,
    latitude: Annotated[float | None, typer.Option(help="Needed for solar.")] = None,
    longitude: Annotated[float | None, typer.Option(help="Needed for solar.")] = None,
    weather: Annotated[Path | None, typer.Option(help="Weather of the sites, NetCDF.")] = None,
    json_file: JsonOption = None,
) -> None:
    """Read measurements, flag doubtful values, check the clock, and judge whether they pass.

    Exit code 3: they do not pass: more than a fifth is missing or set aside by flags, the unit cannot be right, or
    the clock is wrong by half an hour or more. Exit code 1: they cannot be read.
    """
    from energyforecast.observations import audit
    from energyforecast.weather.sources import netcdf

    sites, form = _settings(config)
    given: dict[str, Any] = {
        "format": format,
        "unit": unit,
        "timezone": timezone,
        "label": label,
        "published_after": published_after,
        "time": time[0] if time and len(time) == 1 else time,
        "period": period,
        "columns": _columns(column),
        "time_format": time_format,
        "encoding": encoding,
        "decimal": decimal,
        "delimiter": delimiter,
        "thousands": thousands,
        "missing": missing,
        "site": site,
        "sheet": sheet,
        "skip_rows": skip_rows,
        "header": None if header else False,
        "cumulative": cumulative or None,
        "resolution": resolution,
        "doubled_hour": doubled_hour,
        "nonexistent": nonexistent,
    }
    form |= {name: value for name, value in given.items() if value is not None}
    power = _read(file, form)
    places = sites or _sites(power.sites, kind, capacity, latitude, longitude)
    forecasts = None if weather is None else netcdf.read(weather)
    report = audit.audit_observations(power, sites=places, weather=forecasts)
    _show(report, file, shown=shown_by(json_file))
    write_json(json_file, report.to_dict())
    if not report.passed:
        raise typer.Exit(_FAILED)


def _read(file: Path, form: dict[str, Any]) -> Observations:
    """Measurements of a file, if all that must be declared is given."""
    from energyforecast.configuration.data_files import reading_of
    from energyforecast.core.table_format import format_of
    from energyforecast.observations import read_power

    known = {*form, *format_of(form.get("format")).given}
    if "published_time" in known:
        known.add("published_after")
    for name in ("unit", "timezone", "label", "published_after"):
        if name not in known:
            raise ConfigurationError(
                f"The {name} of {file} is not given.",
                "Data must be described; it is not guessed.",
                f"Give --{name.replace('_', '-')}, or --config with a section [observations].",
            )
    return read_power(file, **reading_of({"duplicates": "flag"} | form))


def _settings(config: Path | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Sites of a configuration, and the form of its measurements."""
    if config is None:
        return (), {}
    from energyforecast import configuration

    settings = configuration.read(config)
    form = dict(settings.sections.get("observations", {}))
    return settings.sites, {name: value for name, value in form.items() if name not in ("file", "dataset")}


def _columns(column: list[str] | None) -> dict[str, str] | None:
    """Site of each column."""
    if not column:
        return None
    pairs = [text.rpartition("=") for text in column]
    return {(name or site): site for name, _, site in pairs}


def _sites(
    names: tuple[str, ...], kind: str, capacity: float | None, latitude: float | None, longitude: float | None
) -> list[Any]:
    """Sites of the columns, of one kind, at one place."""
    from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm

    kinds: dict[str, type[Site]] = {item.kind: item for item in (WindFarm, PVPlant, DemandArea, Site)}
    one_of("--kind", kind, allowed=kinds, error=ConfigurationError)
    if kinds[kind] is PVPlant and (latitude is None or longitude is None):
        raise ConfigurationError(
            "A PV plant without a place.",
            "Its night and its clock are checked by the sun.",
            "Give --latitude and --longitude.",
        )
    # Checks of other kinds do not depend on the place.
    return [
        kinds[kind](name=name, latitude=latitude or 0.0, longitude=longitude or 0.0, capacity=capacity)
        for name in names
    ]


def _show(report: AuditReport, file: Path, *, shown: Console) -> None:
    """Print the findings of an audit."""
    content = report.to_dict()
    heads = ("site", "finding", "hours", "share", "")
    table = plain_table(str(file), heads, left=("site", "finding", ""))
    hours = content["frequency_minutes"] / 60
    for name, site in content["sites"].items():
        span = f"{content['start'][:16]} to {content['end'][:16]} UTC, every {content['frequency_minutes']:g} min"
        table.add_row(name, "period", f"{content['intervals'] * hours:g}", "", span)
        table.add_row("", "missing", f"{site['missing'] * hours:g}", f"{site['missing_share']:.2%}", "")
        for flag in site["flags"]:
            use = "left out of training and scores" if flag["unfit"] else "reported, and kept"
            bit = f"{flag['flag']} (bit {flag['bit']})"
            table.add_row("", bit, f"{flag['hours']:g}", f"{flag['share']:.2%}", use)
        clock = site["clock"]
        table.add_row("", "clock", "", "", "no data to compare with" if clock is None else clock["verdict"])
        table.add_section()
    shown.print(table)
    for problem in report.problems:
        shown.print(styled(("problem", "bold red"), f"  {problem}"))
    verdict = ("The audit passed.", "bold") if report.passed else ("The audit failed.", "bold red")
    shown.print(styled(verdict))
