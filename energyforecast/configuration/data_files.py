"""Files of measurements, capacity, orders and planned operation that the sections of a configuration name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from energyforecast.core.available_capacity import AvailableCapacity
from energyforecast.core.planned_operation import PlannedOperation
from energyforecast.core.table_format import TableFormat, format_of
from energyforecast.observations import read_capacity, read_planned_operation

__all__ = ["CAPACITY_SECTIONS", "capacity_of", "given_capacities", "plan_of", "reading_of"]

#: Sections of capacities, and whether they hold orders.
CAPACITY_SECTIONS: Final = {"available_capacity": False, "curtailment": True}


def reading_of(section: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of :func:`energyforecast.read_power` from the keys of [observations]."""
    fields_of = {item.name for item in fields(TableFormat)}
    form = {name: value for name, value in section.items() if name in fields_of}
    rest = {
        name: value for name, value in section.items() if name in ("published_after", "revisions", "as_of")
    }
    return rest | {"format": format_of(section.get("format"), **form)}


def given_capacities(sections: Mapping[str, Any]) -> Iterator[str]:
    """Names of the sections of capacities that a file has."""
    return (name for name in CAPACITY_SECTIONS if sections.get(name) is not None)


def capacity_of(sections: Mapping[str, Any], name: str, *, folder: Path) -> AvailableCapacity:
    """Capacity in service, or orders, of a section."""
    section = sections[name]
    return read_capacity(folder / section["file"], limit=CAPACITY_SECTIONS[name], **reading_of(section))


def plan_of(sections: Mapping[str, Any], *, folder: Path) -> PlannedOperation | None:
    """Planned operation, if there is a section of it."""
    if "planned" not in sections:
        return None
    section = dict(sections["planned"])
    file, form = folder / section.pop("file"), section.pop("format", None)
    given = {name: section.pop(name, None) for name in ("site", "published")}
    return read_planned_operation(file, **given, format=format_of(form, **section))
