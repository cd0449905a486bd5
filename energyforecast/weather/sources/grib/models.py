"""GRIB products of weather models: fields, labels, steps and addresses, from ``fields.csv`` and ``models.toml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.labels import Label
from energyforecast.errors import SchemaError
from energyforecast.weather.sources.common.package_tables import csv_rows, toml_tables
from energyforecast.weather.sources.common.publication_latency import LATENCIES, PublicationLatency

__all__ = ["MODELS", "Field", "GribModel", "given_names", "needed_fields"]

Code = tuple[int, int, int]
#: Leads of a run, by (last lead, step). [h]
LeadSteps = tuple[tuple[int, int], ...]

#: Fixed surfaces of GRIB 2 (code table 4.5), in each way that centres write them.
_SURFACES: Final[dict[str, tuple[int, ...]]] = {
    "ground": (1,),
    "above_ground": (103,),
    "model_level": (105, 118, 150),
    "column": (1, 8, 10, 200, 255),  # the whole atmosphere
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """Field of a model: its names in GRIB, and the variable of the library.

    ``direct_horizontal`` is the beam on a horizontal plane, which with ``dhi`` gives ``ghi``; see ``fields.csv``.
    """

    name: str
    index: str
    codes: tuple[Code, ...]
    surfaces: tuple[int, ...]
    level: int = 0
    label: Label = Label.INSTANT
    offset: float = 0.0
    parameters: tuple[int, ...] = ()
    smooth: bool = False


@dataclass(frozen=True, kw_only=True)
class GribModel:
    """Weather model and the form in which it is published; see ``models.toml``.

    Examples
    --------
    >>> MODELS["ifs"].leads(0)[-3:], MODELS["ifs"].leads(6)[-1]
    ((348, 354, 360), 144)
    """

    name: str
    fields: tuple[Field, ...]
    lead_steps: LeadSteps
    short_lead_steps: LeadSteps = ()
    long_runs_every: int = 1
    cycle: pd.Timedelta
    base_url: str
    path: str
    index: Literal["idx", "ecmwf", "none"]
    latency: PublicationLatency
    attribution: str
    #: Of an ensemble; 0 is the control run.
    members: tuple[int, ...] = (0,)
    member_names: Mapping[int, str] = field(default_factory=dict)

    def leads(self, hour: int) -> tuple[int, ...]:
        """Leads of a run that is initialised at an hour, from 0. [h]"""
        leads = [0]
        for last, step in self.short_lead_steps if hour % self.long_runs_every else self.lead_steps:
            leads.extend(range(leads[-1] + step, last + 1, step))
        return tuple(leads)


def _field(row: Mapping[str, str]) -> Field:
    """Field of a row of ``fields.csv``."""
    codes = [tuple(map(int, code.split("."))) for code in row["codes"].split()]
    return Field(
        name=row["name"],
        index=row["index"],
        codes=tuple((discipline, category, number) for discipline, category, number in codes),
        surfaces=_SURFACES[row["surfaces"]],
        level=int(row["level"] or 0),
        label=Label[row["label"]],
        offset=float(row["offset"] or 0.0),
        parameters=tuple(map(int, row["parameters"].split())),
        smooth=row["smooth"] == "yes",
    )


def _model(name: str, table: Mapping[str, Any], fields: Sequence[Mapping[str, str]]) -> GribModel:
    """Model of a table of ``models.toml``."""
    given = dict(table)
    members = range(given.pop("members", 1))
    control, pattern = given.pop("control_name", ""), given.pop("member_name", "")
    steps: dict[str, Any] = {
        key: tuple(map(tuple, given.pop(key, ()))) for key in ("lead_steps", "short_lead_steps")
    }
    return GribModel(
        name=name,
        fields=tuple(_field(row) for row in fields if row["table"] == given["fields"]),
        cycle=timestamps.duration(given.pop("cycle")),
        latency=LATENCIES[name],
        members=tuple(members),
        member_names={number: pattern.format(number) if number else control for number in members if control},
        **steps,
        **{key: value for key, value in given.items() if key != "fields"},
    )


def _models() -> dict[str, GribModel]:
    fields = csv_rows(__package__, "fields.csv")
    return {
        name: _model(name, table, fields) for name, table in toml_tables(__package__, "models.toml").items()
    }


#: The models, by name.
MODELS: Final[dict[str, GribModel]] = _models()


def needed_fields(model: GribModel, names: Sequence[str]) -> tuple[Field, ...]:
    """Fields from which variables are made."""
    chosen: list[Field] = []
    for name in names:
        parts = {name, name.replace("wind_speed_", "wind_u_"), name.replace("wind_speed_", "wind_v_")}
        parts |= {name.replace("wind_direction_", f"wind_{part}_") for part in "uv"}
        direct = name == "ghi" and not any(field.name == "ghi" for field in model.fields)
        found = [
            f for f in model.fields if f.name in (parts | ({"direct_horizontal", "dhi"} if direct else set()))
        ]
        if not found:
            raise SchemaError(
                f"The model {model.name} has no {name!r}.",
                f"It has {', '.join(given_names(model.fields))}.",
                "Choose among them.",
            )
        chosen += [field for field in found if field not in chosen]
    return tuple(chosen)


def given_names(fields: Iterable[Field]) -> tuple[str, ...]:
    """Variables that fields become, in order."""
    names: dict[str, None] = {}
    for given in fields:
        kind, _, height = given.name.rpartition("_")
        if kind == "wind_u":
            names |= dict.fromkeys((f"wind_speed_{height}", f"wind_direction_{height}"))
        elif kind != "wind_v":
            names["ghi" if given.name == "direct_horizontal" else given.name] = None
    return tuple(names)
