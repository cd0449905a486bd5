"""Commands of stored models: train, models list, models promote, models rollback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from energyforecast.cli.console import ConfigArgument, console, plain_table, styled
from energyforecast.cli.verification import AsOfOption, JsonOption, moment_of, write_json

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from energyforecast.operations import ModelRecord

__all__ = ["app", "train"]

#: Exit code of a training of which the model is not in service, and of a list with models that are refused.
_DEGRADED: Final = 3

app = typer.Typer(help="List stored models, and choose the one in service.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """List stored models, and choose the one in service."""


def train(
    config: ConfigArgument,
    force: Annotated[bool, typer.Option("--force", help="Train even if it is not due.")] = False,
    as_of: AsOfOption = "now",
    json_file: JsonOption = None,
) -> None:
    """Train the model of a configuration if it is due, and put it in service if it is not worse than the one that is.

    It is due if there is no model that can answer, if the configuration has changed, or if the newest model is older
    than train_every in [operations]. The model is fitted with fallback models, scored on the newest backtest_weeks by
    fits with earlier ends, compared with the model in service on the newest promotion_weeks, and stored with a manifest
    in the folder of [operations]. Exit code 3: it is stored, and not in service.
    """
    from energyforecast import configuration
    from energyforecast.operations import is_due, registry_of
    from energyforecast.operations import train as trained

    settings = configuration.read(config)
    moment = moment_of(as_of, settings)
    registry = registry_of(settings)
    reason = is_due(settings, registry, moment) or ("It was asked for." if force else None)
    if reason is None:
        _answer(json_file, {"due": False, "reason": None}, "No training is due. With --force one is made.")
        return
    done = trained(
        settings,
        weather=settings.weather(),
        observations=settings.observations(),
        as_of=moment,
        registry=registry,
    )
    about = {"due": True, "reason": reason, "promoted": done.promoted, "verdict": done.reason}
    caveats = [styled((caveat, "bold red")) for caveat in done.record.caveats]
    content = about | {"model": _described(done.record)}
    _answer(json_file, content, reason, str(done), *caveats, *_backtest_tables(done.record))
    if not done.promoted:
        raise typer.Exit(_DEGRADED)


def _backtest_tables(record: ModelRecord) -> list[Table]:
    """Scores of a model's own backtest, if there is one."""
    if record.backtest is None:
        return []
    first, last = (record.backtest[end] for end in ("first", "last"))
    heads = ("site", "CRPS", "climatology", "persistence", "MAE", "coverage of 80 %", "n")
    table = plain_table(f"Backtest of {first} to {last} UTC [MW]", heads, left=("site",))
    for row in record.backtest["scores"]:
        keys = ("crps", "crps_climatology", "crps_persistence", "mae")
        cells = ["" if row[key] is None else f"{row[key]:.4g}" for key in keys]
        covered = "" if row["coverage"] is None else f"{100 * row['coverage']:.1f} %"
        table.add_row(row["site"], *cells, covered, str(row["n"]))
    return [table]


@app.command(name="list")
def show(config: ConfigArgument, json_file: JsonOption = None) -> None:
    """List the models of a configuration, the newest first. Exit code 3: some are damaged, and never loaded."""
    from energyforecast import configuration
    from energyforecast.operations import registry_of

    registry = registry_of(configuration.read(config))
    served, damaged = registry.served(), registry.damaged()
    name = None if served is None else served.record.name
    table = plain_table(
        f"Models in {registry.folder}", ("model", "trained [UTC]", "learnt until", "CRPS [MW]", "state")
    )
    for record in reversed(registry.records()):
        scores = [] if record.backtest is None else record.backtest["scores"]
        mean = ", ".join(f"{row['crps']:.4g}" for row in scores if row["crps"] is not None)
        state = "in service" if record.name == name else "" if record.promoted else "not put in service"
        last = str(record.manifest["training"]["last_hour"])
        table.add_row(record.name, f"{record.as_of:%Y-%m-%d %H:%M}", last, mean, state)
    refused = () if served is None else served.refused
    lines = [styled((line, "bold red")) for line in dict.fromkeys((*refused, *damaged.values()))]
    records = [_described(record) for record in registry.records()]
    content = {"in_service": name, "refused": list(refused), "damaged": damaged, "models": records}
    _answer(json_file, content, table, *lines)
    if damaged or refused:
        raise typer.Exit(_DEGRADED)


@app.command()
def promote(
    config: ConfigArgument,
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    json_file: JsonOption = None,
) -> None:
    """Put a model in service, whatever the comparison found."""
    from energyforecast import configuration
    from energyforecast.core import timestamps
    from energyforecast.operations import registry_of

    registry = registry_of(configuration.read(config))
    registry.put_in_service(name, since=timestamps.now())
    _answer(json_file, {"in_service": name}, f"{name} is in service.")


@app.command()
def rollback(config: ConfigArgument, json_file: JsonOption = None) -> None:
    """Put the model in service again that was before the present one."""
    from energyforecast import configuration
    from energyforecast.core import timestamps
    from energyforecast.operations import registry_of

    registry = registry_of(configuration.read(config))
    record = registry.roll_back(since=timestamps.now())
    _answer(json_file, {"in_service": record.name}, f"{record.name} is in service again.")


def _described(record: ModelRecord) -> dict[str, Any]:
    """A record for a file of JSON."""
    return {"name": record.name, "signed": record.signed, **record.manifest}


def _answer(path: Path | None, content: dict[str, Any], *shown: str | Text | Table) -> None:
    """Write the answer as JSON where it is asked for, and print it unless the output is that JSON."""
    if path is not None:
        write_json(path, content)
    if path is None or str(path) != "-":
        for part in shown:
            console().print(part, highlight=False)
