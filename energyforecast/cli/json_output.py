"""Results of commands as JSON: to a file, or to standard output, where tables then go to standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from energyforecast.cli.console import console
from energyforecast.core.files import whole_file

if TYPE_CHECKING:
    from rich.console import Console

    from energyforecast import Forecast

__all__ = ["JsonOption", "is_output", "rows_of", "shown_by", "write_json"]

JsonOption = Annotated[
    Path | None, typer.Option("--json", help="File for the result as JSON; - for standard output.")
]


def is_output(path: Path | None) -> bool:
    """Whether the result goes to standard output."""
    return str(path) == "-"


def shown_by(path: Path | None) -> Console:
    """Console for tables: standard error where the result has standard output."""
    return console(stderr=is_output(path))


def write_json(path: Path | None, content: Mapping[str, Any]) -> None:
    """Write a result, whole, if there is a path. Numbers that are none, and missing times, are null."""
    if path is None:
        return
    text = json.dumps(_plain(content), indent=1, ensure_ascii=False, allow_nan=False, default=str)
    if is_output(path):
        typer.echo(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as scratch:
        scratch.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """Value with text for keys, and None for NaN, NaT and infinities."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not float("-inf") < value < float("inf"):
        return None
    if hasattr(value, "item") and not hasattr(value, "isoformat"):
        return _plain(value.item())
    return None if str(value) == "NaT" else value


def rows_of(forecast: Forecast) -> list[dict[str, Any]]:
    """Rows of a forecast, one for each site and interval; moments in UTC."""
    frame = forecast.to_frame()
    rows: list[dict[str, Any]] = json.loads(
        frame.to_json(orient="records", date_format="iso", date_unit="s", double_precision=6)
    )
    return rows
