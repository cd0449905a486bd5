"""Section [operations]: the daily run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import pandas as pd
from pydantic import Field

from energyforecast.configuration.table_sections import described
from energyforecast.configuration.validation import Section, refuse
from energyforecast.core import timestamps
from energyforecast.errors import TimeError

__all__ = ["OPERATIONS_KEYS", "OperationsSettings", "operations_section", "operations_settings"]

_Weeks = Annotated[int, Field(ge=1, le=104)]
OPERATIONS_KEYS: Final[dict[str, tuple[Any, str]]] = {
    "folder": (str, "Folder of models, records and published files; `operations` by default."),
    "deadline": (
        str,
        'Wall time in the zone of the task, such as `"09:30"`: the best forecast that can be had by then is issued.',
    ),
    "train_every": (str, "Age of the newest model from which a new one is trained; `7D` by default."),
    "train_on_drift": (
        bool,
        "Whether recent scores outside the range of the backtest are a reason to train; `true` by default.",
    ),
    "promotion_weeks": (
        _Weeks,
        "Newest weeks, outside the training period, on which a new model must not be worse; 4 by default.",
    ),
    "keep": (
        str,
        "Time for which runs of weather and records are kept; `400D` by default. The archive keeps everything.",
    ),
    "alert_command": (
        Annotated[list[str], Field(min_length=1)],
        "Command, as a list, that gets each alert as a line of JSON on its standard input.",
    ),
    "signature_key_env": (
        str,
        "NAME of the environment variable with the key by which models are signed. A key in the file is refused.",
    ),
    "adapt": (
        bool,
        "Whether intervals are adapted to the newest outcomes; `false` by default.",
    ),
    "backtest_weeks": (_Weeks, "Length of the backtest that goes with each model; 8 by default."),
}


@dataclass(frozen=True)
class OperationsSettings:
    """Section [operations] with its defaults; the keys are in ``OPERATIONS_KEYS``."""

    folder: Path
    deadline: str | None = None
    train_every: pd.Timedelta = pd.Timedelta("7D")
    train_on_drift: bool = True
    promotion_weeks: int = 4
    keep: pd.Timedelta = pd.Timedelta("400D")
    alert_command: tuple[str, ...] = ()
    signature_key_env: str | None = None
    adapt: bool = False
    backtest_weeks: int = 8


class _OperationsChecks(Section):
    @classmethod
    def check_table(cls, given: Mapping[str, Any]) -> None:
        for key in ("train_every", "keep"):
            _check(key, given, _length)
        _check("deadline", given, timestamps.wall_time)
        variable = given.get("signature_key_env", "NAME")
        if not isinstance(variable, str) or not re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable):
            refuse(
                "{where} would put a key into a file.",
                "A key must be kept in the environment.",
                'Remove it, change it if it was shared, and give signature_key_env = "NAME_OF_A_VARIABLE".',
            )


def _check(key: str, given: Mapping[str, Any], reads: Callable[[str], Any]) -> None:
    """Refuse text that cannot be read; other types are refused by pydantic."""
    if isinstance(value := given.get(key), str):
        try:
            reads(value)
        except TimeError as error:
            refuse(f"{{where}} has {key} = {value!r}. {error.found}", error.expected, error.remedy)


def _length(value: str) -> pd.Timedelta:
    length = timestamps.duration(value)
    if length <= pd.Timedelta(0):
        raise TimeError(f"{value!r} is not positive.", "A length of time must be positive.", "Give '7D'.")
    return length


def operations_section() -> type[Section]:
    """Section [operations]."""
    return described("Operations", OPERATIONS_KEYS, _OperationsChecks)


def operations_settings(section: Mapping[str, Any] | None, path: Path) -> OperationsSettings:
    """Settings of the daily run from the section of a file, with the defaults of those that it lacks."""
    given = dict(section or {})
    given["folder"] = path.parent / given.get("folder", "operations")
    for key in ("train_every", "keep"):
        if key in given:
            given[key] = timestamps.duration(given[key])
    if "alert_command" in given:
        given["alert_command"] = tuple(given["alert_command"])
    return OperationsSettings(**given)
