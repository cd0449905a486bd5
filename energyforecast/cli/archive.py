"""Commands about the archive of forecasts, plans and measurements: parses, calls, prints."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from energyforecast.cli.console import console, plain_table, styled
from energyforecast.cli.json_output import JsonOption, shown_by, write_json
from energyforecast.core.files import whole_file, without_secrets
from energyforecast.errors import EnergyForecastError, StoreError, one_of, require

if TYPE_CHECKING:
    import pandas as pd

    from energyforecast.archive import Archive
    from energyforecast.configuration import Configuration
    from energyforecast.core.forecast import Forecast
    from energyforecast.core.observation_series import Observations

__all__ = ["ArchiveOption", "app", "archive_of", "keep", "keep_forecast", "run_or_refusal"]

#: Exit code of a command whose files were written, and whose archive was not.
_DEGRADED: Final = 3

app = typer.Typer(help="Look up in the archive of forecasts, plans and measurements.", no_args_is_help=True)

ArchiveOption = Annotated[
    str | None, typer.Option("--archive", help="File (SQLite) or postgresql://...; else that of [archive].")
]
_Config = Annotated[Path | None, typer.Option(help="Configuration (TOML) with a section [archive].")]
_Site = Annotated[str, typer.Option(help="Name of the site.")]
_Valid = Annotated[str | None, typer.Option(help="Day, month or year that was forecast or measured.")]
_AsOf = Annotated[str | None, typer.Option(help="Moment of knowledge; now by default.")]
_Zone = Annotated[
    str | None, typer.Option(help="Clock of days and moments; that of the newest forecast by default.")
]


@app.callback()
def _group() -> None:
    """Look up in the archive of forecasts, plans and measurements."""


@app.command()
def show(
    site: _Site,
    valid: _Valid = None,
    as_of: _AsOf = None,
    timezone: _Zone = None,
    archive: ArchiveOption = None,
    config: _Config = None,
    json_file: JsonOption = None,
) -> None:
    """Show the forecast of a site as it was known at a moment: of each interval, the newest issue recorded by then."""
    held = _opened(archive, config)
    clock = timezone or _clock_of(held, site)
    question: dict[str, Any] = {"valid": valid, "as_of": as_of, "timezone": clock}
    forecast = held.forecast(site, **question)
    records = held.issues(site, **question).groupby("issue_time").last()
    frame = forecast.to_frame().sort_values("issue_time").drop_duplicates("valid_time", keep="last")
    frame = frame.sort_values("valid_time").join(records[["recorded_time", "revision"]], on="issue_time")
    shown = shown_by(json_file)
    for line in forecast.caveats:
        shown.print(styled((line, "bold red")))
    shown.print(_table(site, frame, clock))
    head = {"site": site, "as_of": as_of, "timezone": clock, "caveats": list(forecast.caveats)}
    rows = frame.to_json(orient="records", date_format="iso", date_unit="us", double_precision=6)
    write_json(json_file, head | {"rows": json.loads(rows)})


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="File: .nc (forecasts) or .parquet.")],
    site: Annotated[list[str], typer.Option(help="Name of a site; may be repeated.")],
    content: Annotated[str, typer.Option(help="forecasts or measurements.")] = "forecasts",
    issued: Annotated[str | None, typer.Option(help="Day, month or year of issue.")] = None,
    valid: _Valid = None,
    as_of: _AsOf = None,
    timezone: _Zone = None,
    archive: ArchiveOption = None,
    config: _Config = None,
    json_file: JsonOption = None,
) -> None:
    """Write forecasts or measurements of the archive to a file."""
    one_of("--content", content, allowed=("forecasts", "measurements"))
    one_of(
        "The ending of the file",
        out.suffix,
        allowed=(".nc", ".parquet") if content == "forecasts" else (".parquet",),
    )
    held = _opened(archive, config)
    question: dict[str, Any] = {
        "valid": valid,
        "as_of": as_of,
        "timezone": timezone or _clock_of(held, site[0]),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    if content == "measurements":
        _write_parquet(_measured(held.observations(site, **question)), out)
    elif out.suffix == ".nc":
        held.forecast(site, issued=issued, **question).save(out)
    else:
        _write_parquet(held.forecast(site, issued=issued, **question).to_frame(), out)
    shown_by(json_file).print(f"Written to {out}", highlight=False)
    write_json(json_file, {"file": str(out), "content": content, "sites": site, "bytes": out.stat().st_size})


def archive_of(settings: Configuration, address: str | None) -> Callable[[], Archive] | None:
    """Opens the archive of an option or of the configuration; None without one. A wrong address is refused at once."""
    from energyforecast import archive
    from energyforecast.configuration.archive_section import archive_place

    if address is None and "archive" not in settings.sections:
        return None
    place = {"address": address} if address else archive_place(settings.sections["archive"], settings.path)
    for module in ("sqlalchemy", "alembic"):
        require(module, extra="archive", purpose="Archives are databases.")
    from energyforecast.archive.address import url_of

    url_of(**place)
    return lambda: archive.open(**place)


def keep(opens: Callable[[], Archive] | None, write: Callable[[Archive], None]) -> None:
    """Write to the archive, if there is one; without it the files of the command are there, and the exit code is 3."""
    if opens is None:
        return
    try:
        write(opens())
    except StoreError as error:
        console(stderr=True).print(styled(("not archived", "bold red"), f"  {type(error).__name__}"))
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(_DEGRADED) from error


@contextmanager
def run_or_refusal(command: str, config: Path, address: str | None, *, begun: pd.Timestamp) -> Iterator[None]:
    """Record the row of a command that is refused, with its error, if there is an archive that can be written."""
    try:
        yield
    except EnergyForecastError as error:
        with suppress(EnergyForecastError, OSError):  # the refusal itself is the answer
            _keep_refusal(command, config, address, begun, error)
        raise


def _keep_refusal(
    command: str, config: Path, address: str | None, begun: pd.Timestamp, error: EnergyForecastError
) -> None:
    from energyforecast import configuration
    from energyforecast.core import timestamps

    opens = archive_of(configuration.read(config), address)
    if opens is not None:
        detail = {
            "error": type(error).__name__,
            "found": without_secrets(error.found),
            "remedy": error.remedy,
        }
        opens().write_run(command, start=begun, end=timestamps.now(), exit_code=1, detail=detail)


def keep_forecast(
    archive: Archive, forecast: Forecast, power: Observations, *, model: bytes, begun: pd.Timestamp
) -> None:
    """Record a forecast, its model, the measurements that were known, and the run."""
    from energyforecast.core import timestamps

    digest = hashlib.sha256(model).hexdigest()
    archive.write_model(digest, manifest=json.loads(zipfile.ZipFile(io.BytesIO(model)).read("manifest.json")))
    archive.write_observations(power)
    archive.write_forecast(forecast, model_hash=digest)
    levels = dict(zip(forecast.sites, forecast.data["fallback_level"].values[:, 0].tolist(), strict=True))
    detail = {"issue_time": forecast.issue_times[0], "fallback_levels": levels, "caveats": forecast.caveats}
    archive.write_run("forecast", start=begun, end=timestamps.now(), detail=detail)


def _opened(address: str | None, config: Path | None) -> Archive:
    """Archive to read, which must be there."""
    from energyforecast import archive, configuration
    from energyforecast.configuration.archive_section import archive_place

    if address is None and config is not None:
        settings = configuration.read(config)
        return archive.open(**archive_place(settings.sections.get("archive"), config), create=False)
    return archive.open(address or "archive.sqlite", create=False)


def _clock_of(archive: Archive, site: str) -> str:
    """Time zone of the newest forecast of a site, or UTC."""
    records = archive.issues(site)
    return str(records["timezone"].iloc[-1] or "UTC") if len(records) else "UTC"


def _table(site: str, frame: pd.DataFrame, timezone: str) -> Any:
    """Some quantiles of each interval, its issue, and the time at which it was recorded."""
    from energyforecast.core import timestamps, wording

    zone = timestamps.zone(timezone)
    names = [name for name in ("q0.05", "q0.1", "q0.25", "q0.5", "q0.75", "q0.9", "q0.95") if name in frame]
    names = names or [name for name in frame if str(name).startswith("q0.")]
    heads = ("beginning", *names, "issued", "recorded", "revision", "made by")
    table = plain_table(f"{site}: power [MW], times in {timezone}", heads)
    places = wording.decimals(frame[names].to_numpy(), least=2)
    for row in frame.to_dict("records"):
        times = [
            row[name].tz_convert(zone).strftime("%Y-%m-%d %H:%M")
            for name in ("valid_time", "issue_time", "recorded_time")
        ]
        cells = [f"{row[name]:.{places}f}" for name in names]
        table.add_row(times[0], *cells, *times[1:], str(row["revision"]), f"level {row['fallback_level']}")
    return table


def _measured(power: Observations) -> pd.DataFrame:
    """A row for each site and interval that was measured."""
    import pandas as pd

    parts = [
        pd.DataFrame(
            {
                "site": site,
                "valid_time": power.index,
                "power": power.values[site].to_numpy(),
                "published_time": pd.DatetimeIndex(power.published_at(site, power.index), tz="UTC"),
                "flags": power.flags_at(site, power.index),
            }
        )
        for site in power.sites
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset=["power"])


def _write_parquet(frame: pd.DataFrame, path: Path, engine: Literal["pyarrow"] = "pyarrow") -> None:
    """Write a table, whole or not at all."""
    require("pyarrow", extra="benchmark", purpose="Parquet is written by it.")
    with whole_file(path) as scratch:
        frame.to_parquet(scratch, engine=engine, index=False)
