"""Every section of a configuration, and the JSON schema by which editors complete and check the file."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Discriminator, Field, Tag, create_model

from energyforecast.configuration.archive_section import archive_section
from energyforecast.configuration.operations_section import operations_section
from energyforecast.configuration.table_sections import described, one_place, table_sections
from energyforecast.configuration.validation import Section, refuse, section_of
from energyforecast.core import tasks
from energyforecast.core.settlement import ImbalanceTerms, kazakhstan
from energyforecast.core.sites import DemandArea, PVPlant, Site, TurbineGroup, WindFarm
from energyforecast.core.tasks import Task
from energyforecast.models import LightGBMQuantiles, QuantileModel
from energyforecast.planning.dispatch.system import PARTS, System
from energyforecast.planning.settings import PRESETS, PlanSettings
from energyforecast.weather.sources import registry

__all__ = ["SITES", "TASKS", "file_section", "json_schema", "plan_section", "system_section"]

SITES: Final[dict[str, type[Site]]] = {kind.kind: kind for kind in (WindFarm, PVPlant, DemandArea, Site)}
TASKS: Final[dict[str, Callable[..., Task]]] = {
    "day_ahead": tasks.day_ahead,
    "intraday": tasks.intraday,
    "month_ahead": tasks.month_ahead,
}
#: Models that are no choice of a configuration: private bases, and the one that a forecaster adds itself.
_NO_CHOICE: Final = ("ColdStart", "ProfileStart", "SelectedModel")
#: Parameters that are models, with their types.
_INNER: Final = {"model": "Model", "base_models": "list[NamedModel]"}


#: Keys of [weather] with type and meaning: the place of the data, then how an archive is filled.
WEATHER_PLACES: Final[dict[str, tuple[Any, str]]] = {
    "file": (str, "Path of a NetCDF file that `energyforecast.weather.write` wrote."),
    "dataset": (str, "Name of a data set of the library: `la-haute-borne`, `almaty-region`."),
    "models": (
        Annotated[dict[str, str], Field(min_length=1)],
        'Table of several weather models: `[weather.models]` with a line `name = "file.nc"` for each.',
    ),
    "store": (str, "Path of an archive that `energyforecast weather fetch` fills."),
}
PERFECT_WEATHER: Final = {
    "perfect_weather": (bool, "`true` lets an analysis replace forecasts; every result is marked with it.")
}
WEATHER_REQUEST: Final[dict[str, tuple[Any, str]]] = {
    "source": (
        str,
        "With `store`: the source from which it is filled, by the name in [sources](sources.md).",
    ),
    "model": (str, "With `store`: the weather model, where the source has several."),
    "since": (str, "With `store`: how far back the archive goes; a week without it."),
    "base_url": (str, "With `store`: address of a server of your own."),
    "api_key_env": (
        str,
        "With `store`: NAME of the environment variable that holds the key. A key in the file is refused.",
    ),
}


class _WeatherChecks(Section):
    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in WEATHER_PLACES]})

    @classmethod
    def keys_for(cls, given: Mapping[str, Any]) -> Sequence[str]:
        _refuse_secrets(given)
        return [*WEATHER_PLACES, *PERFECT_WEATHER, *(WEATHER_REQUEST if "store" in given else ())]

    @classmethod
    def check_table(cls, given: Mapping[str, Any]) -> None:
        one_place(given, tuple(WEATHER_PLACES))
        if "store" in given and "source" not in given:
            refuse(
                "{where} has a store and no source.",
                f"Sources are {', '.join(registry.named())}.",
                'Add source = "open-meteo".',
            )


def _refuse_secrets(weather: Mapping[str, Any]) -> None:
    """A key in a file ends in a repository; the message does not repeat it."""
    named = [key for key in weather if re.fullmatch(r"(?i)(api_?)?(key|token)|password|secret", key)]
    base = weather.get("base_url")
    if isinstance(base, str) and (urlsplit(base).query or "@" in urlsplit(base).netloc):
        named.append("base_url with a query or a password")
    variable = weather.get("api_key_env")
    if isinstance(variable, str) and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable):
        named.append("api_key_env that is not a name in capitals")
    if named:
        refuse(
            f"{{where}} has {named[0]}, which would put a key into a file.",
            "A key must be kept in the environment.",
            'Remove it, revoke the key if it was shared, and add api_key_env = "NAME_OF_A_VARIABLE".',
        )


class _KazakhstanSection(Section):
    @classmethod
    def check_table(cls, given: Mapping[str, Any]) -> None:
        if "gate_closure" not in given:
            refuse(
                f"{{where}} has preset = {given.get('preset')!r} and no gate_closure.",
                "The wall time until which a schedule is declared is not published: it must be given.",
                'Add gate_closure = "08:00", the wall time on the day before.',
            )


def _choice(sections: Mapping[str, type[Section]], *, key: str = "kind", usual: str | None = None) -> Any:
    """One of several sections, chosen by a key of the table."""

    def tag(given: Any) -> str | None:
        value = given.get(key, usual) if isinstance(given, Mapping) else usual
        return None if value is None else str(value)

    tagged = tuple(Annotated[section, Tag(name)] for name, section in sections.items())
    return Annotated[reduce(or_, tagged), Discriminator(tag)]


def _sections_by_kind(
    makers: Mapping[str, Callable[..., Any]],
    *,
    leave_out: Iterable[str] = (),
    types: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, type[Section]]:
    sections = {}
    for kind, maker in makers.items():
        given = tuple(
            (key, hint) for key, hint in types.items() if key in inspect.signature(maker).parameters
        )
        section = section_of(maker, leave_out=frozenset(leave_out), types=given)
        sections[kind] = _with_key(section, "kind", kind)
    return sections


def _with_key(section: type[Section], key: str, value: str, *, required: bool = True) -> type[Section]:
    """Section with the key by which it is chosen."""
    field: dict[str, Any] = {key: (Literal[value], ... if required else value)}
    return create_model(section.__name__, __base__=section, **field)


class _Auto(Section):
    """Section [model] of ``kind = "auto"``: the default of each kind of site."""


def _models() -> dict[str, type[QuantileModel]]:
    return {
        name: model
        for name, model in QuantileModel.registry.items()
        if not name.startswith("_") and name not in _NO_CHOICE
    }


def _model_section() -> Any:
    """Section [model]; a model inside another is a table of its own."""
    sections = {}
    for name, maker in _models().items():
        given = inspect.signature(maker).parameters
        inner = tuple((key, kind) for key, kind in _INNER.items() if key in given)
        section = section_of(maker, leave_out=frozenset({"quantiles"}), types=inner)
        sections[name] = _with_key(section, "kind", name, required=name != LightGBMQuantiles.__name__)
    base = _choice(sections, usual=LightGBMQuantiles.__name__)
    sections = {**sections, "auto": _with_key(_Auto, "kind", "auto")}
    choice = _choice(sections, usual=LightGBMQuantiles.__name__)
    for section in sections.values():
        section.model_rebuild(force=True, _types_namespace={"Model": choice, "NamedModel": base})
    return choice


def system_section() -> type[Section]:
    """Section [plan.system]."""
    parts = tuple(
        (table, dict[str, section_of(kind, leave_out=frozenset({"name"}))])  # type: ignore[misc, arg-type]
        for table, (_, kind) in PARTS.items()
    )
    return section_of(
        System,
        leave_out=frozenset({"units", "links", "storages", "electrolysers"}),
        types=(("areas", list[str]), *parts),
        name="System",
    )


def plan_section() -> type[Section]:
    """Section [plan]."""
    schedules: dict[str, type[Section]] = {"terms": section_of(ImbalanceTerms)}
    for name, maker in PRESETS.items():
        base = _KazakhstanSection if maker is kazakhstan else Section
        schedules[name] = _with_key(section_of(maker, base=base), "preset", name)
    return section_of(
        PlanSettings,
        leave_out=frozenset({"site_areas"}),
        types=(("schedule", _choice(schedules, key="preset", usual="terms")), ("system", system_section())),
        name="Plan",
    )


def file_section() -> type[Section]:
    """The whole file."""
    groups = section_of(TurbineGroup, types=(("power_curve", str), ("commissioned", str | date)))
    sites = _sections_by_kind(
        SITES,
        leave_out=("name",),
        types={
            "power_curve": str,
            "sources": dict[str, Any],
            "turbine_groups": list[groups],  # type: ignore[valid-type]
            "wake_efficiency": str | list[list[float]],
        },
    )
    weather = WEATHER_PLACES | PERFECT_WEATHER | WEATHER_REQUEST
    site: Any = _choice(sites)
    tables = table_sections()
    keys: dict[str, Any] = {
        "sites": (Annotated[dict[str, site], Field(min_length=1)], ...),
        "weather": (described("Weather", weather, _WeatherChecks), None),
        "observations": tables.pop("observations"),
        "task": (_choice(_sections_by_kind(TASKS)), ...),
        "model": (_model_section(), None),
        "plan": (plan_section(), None),
        "archive": (archive_section(), None),
        "operations": (operations_section(), None),
    } | tables
    return create_model("Configuration", __base__=Section, **keys)


def json_schema() -> dict[str, Any]:
    """JSON schema of the file, for editors that complete and check TOML.

    Examples
    --------
    >>> sorted(json_schema()["required"])
    ['sites', 'task']
    """
    schema = file_section().model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_plain(schema)}


def _plain(schema: Any) -> Any:
    """Schema in the form that all versions of pydantic share: no titles, no default of a key that is absent."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if len(schema.get("allOf", ())) == 1:
        schema = {**schema, **schema["allOf"][0]}
        del schema["allOf"]
    return {key: _plain(value) for key, value in schema.items() if not _is_redundant(schema, key, value)}


def _is_redundant(schema: Mapping[str, Any], key: str, value: Any) -> bool:
    return (
        (key == "title" and isinstance(value, str))
        or (key == "default" and value is None)
        or (key == "enum" and "const" in schema)
        or (key == "additionalProperties" and value is True)
    )
