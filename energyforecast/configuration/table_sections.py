"""Sections of table files: [observations], [available_capacity], [curtailment] and [planned]."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field, create_model

from energyforecast.configuration.validation import Section, refuse, section_of
from energyforecast.core.sites import Site
from energyforecast.core.table_format import FORMATS, TableFormat
from energyforecast.errors import ConfigurationError
from energyforecast.forecasting.profile_starts import has_profile
from energyforecast.observations import read_capacity, read_planned_operation, read_power
from energyforecast.observations.planned_operation import USED

__all__ = ["OBSERVATION_USE", "described", "one_place", "require_observations", "table_sections"]

#: Keys without which a file of measurements cannot be read; a named format gives some of them.
REQUIRED_OF_FILES: Final = ("unit", "timezone", "label", "published_after")


OBSERVATION_PLACES: Final[dict[str, tuple[Any, str]]] = {
    "file": (str, "Path of a CSV file, a Parquet file or a workbook (.xlsx)."),
    "dataset": (str, "Name of a data set of the library: `la-haute-borne`, `almaty-region`."),
}
OBSERVATION_USE: Final[dict[str, tuple[Any, str]]] = {
    "trust_clock": (
        bool,
        "`true` lets `fit` take power that comes earlier or later than the weather; the clock is not compared.",
    ),
    "resample": (
        bool,
        "`true` averages measurements of shorter intervals over those of the task; with a missing part it is missing.",
    ),
}


#: Keys of [available_capacity] and [curtailment].
CAPACITY_PLACES: Final[dict[str, tuple[Any, str]]] = {
    "file": (str, "Path of a CSV or parquet file: a row for each hour or day, a column for each site.")
}


class _CapacityChecks(Section):
    model_config = ConfigDict(json_schema_extra={"required": ["file"]})

    @classmethod
    def check_table(cls, given: Mapping[str, Any]) -> None:
        one_place(given, tuple(CAPACITY_PLACES))
        _refuse_incomplete(given)


#: Keys of [planned] besides those of its reader.
PLAN_PLACES: Final[dict[str, tuple[Any, str]]] = {
    "file": (
        str,
        "Path of a CSV file, a Parquet file or a workbook (.xlsx): a row for each planned activity.",
    )
}


class _PlanChecks(Section):
    model_config = ConfigDict(json_schema_extra={"required": ["file"]})

    @classmethod
    def check_table(cls, given: Mapping[str, Any]) -> None:
        one_place(given, tuple(PLAN_PLACES))
        _refuse_incomplete(given, ("timezone",))


class _ObservationChecks(Section):
    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["dataset"]}, {"required": ["file"]}],
        }
    )

    @classmethod
    def check_table(cls, given: Mapping[str, Any]) -> None:
        one_place(given, tuple(OBSERVATION_PLACES))
        if "file" in given:
            _refuse_incomplete(given)


def _refuse_incomplete(given: Mapping[str, Any], required: Sequence[str] = REQUIRED_OF_FILES) -> None:
    """Refuse a file without a description of its form."""
    named = FORMATS.get(str(given.get("format")), TableFormat()).given
    instead = {"published_after": "published_time"}
    for name in required:
        if not {name, instead.get(name)} & {*given, *named}:
            refuse(
                f"{{where}} does not give {name}.", "It must be given, and is not guessed.", f"Add {name}."
            )


def table_sections() -> dict[str, Any]:
    """Each section of a table file, with its default."""
    capacity = _reading(
        read_capacity, described("Capacity", CAPACITY_PLACES, _CapacityChecks), name="Capacity"
    )
    observations = _reading(
        read_power,
        described("Observations", OBSERVATION_PLACES | OBSERVATION_USE, _ObservationChecks),
        name="Observations",
    )
    return {
        "observations": (observations, None),  # none where nothing is measured yet
        "available_capacity": (capacity, None),
        "curtailment": (capacity, None),
        "planned": (_planned_section(), None),
    }


def require_observations(sections: Mapping[str, Any], sites: Sequence[Site], *, where: str) -> None:
    """Refuse a file without [observations], unless all of its sites are forecast by a load profile."""
    if "observations" not in sections and not all(map(has_profile, sites)):
        raise ConfigurationError(
            f"{where}the file has no section [observations].",
            "It must have it, unless every site is an area of demand with load_profile and yearly_energy.",
            "Add [observations].",
        )


def _reading(reader: Callable[..., Any], places: type[Section], *, name: str) -> type[Section]:
    """Section of a file and of everything that its reader has to know."""
    reading = section_of(
        reader,
        leave_out=frozenset({"source", "limit"}),
        types=(("format", Literal[tuple(FORMATS)]),),
        base=places,
        all_optional=True,
    )
    return section_of(
        TableFormat,
        leave_out=frozenset({"init_time", "lead_time"}),
        base=reading,
        all_optional=True,
        name=name,
    )


def _planned_section() -> type[Section]:
    """Section [planned]: a file of planned operation, and the arguments of its reader."""
    reading = section_of(
        read_planned_operation,
        leave_out=frozenset({"source"}),
        types=(("format", Literal[tuple(FORMATS)]), ("published", str)),
        base=described("Planned", PLAN_PLACES, _PlanChecks),
        all_optional=True,
    )
    unused = frozenset(item.name for item in fields(TableFormat)) - frozenset(USED)
    return section_of(TableFormat, leave_out=unused, base=reading, all_optional=True, name="Planned")


def one_place(given: Mapping[str, Any], places: Sequence[str]) -> None:
    """Refuse a table that names no place of its data, or several."""
    named = [key for key in places if key in given]
    if len(named) != 1:
        refuse(
            f"{{where}} names {named or 'no place'}.",
            f"It must name exactly one of {', '.join(places)}.",
            "Give the place of the data.",
        )


def described(name: str, keys: Mapping[str, tuple[Any, str]], base: type[Section]) -> type[Section]:
    """Section of keys that are optional, with their meaning."""
    fields: dict[str, Any] = {
        key: (kind, Field(default=None, description=text)) for key, (kind, text) in keys.items()
    }
    return create_model(name, __base__=base, **fields)
