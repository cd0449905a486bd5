"""Sections of a configuration as pydantic models, made from the signatures of the objects they describe.

A section has one description: the signature of the class or function that is called with its keys. Its types become
those of TOML (``tuple`` a list, ``timedelta`` text, ``None`` an absent key), a key that is not a parameter is refused,
and a refusal becomes a :class:`~energyforecast.errors.ConfigurationError` of three lines.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import time, timedelta
from functools import cache, reduce
from operator import or_
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator
from pydantic_core import PydanticCustomError

from energyforecast.errors import ConfigurationError

__all__ = ["Section", "checked", "refuse", "section_of"]

#: Types of parameters that a file cannot hold.
_NOT_IN_TOML: Final = (NoneType, pd.Series)
#: Words for pydantic's types.
_WORDS: Final = {
    "string": "text in quotes",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "list": "a list in brackets",
}
_NO_TABLE: Final = ("dict_type", "model_type", "model_attributes_type")


class Section(BaseModel):
    """Table of a configuration file: types are strict, unknown keys are refused with the nearest known one."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _check_table(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            allowed = cls.keys_for(given)
            for key in given:
                if key not in allowed:
                    _refuse_key(key, allowed)
            cls.check_table(given)
        return given

    @classmethod
    def check_table(cls, given: Mapping[str, Any]) -> None:
        """Checks of a table that has known keys alone, before those of their values."""

    @classmethod
    def keys_for(cls, given: Mapping[str, Any]) -> Sequence[str]:  # noqa: ARG003  (for subclasses)
        """Keys that the table may hold."""
        return list(cls.model_fields)


def refuse(found: str, expected: str, remedy: str) -> None:
    """Refuse a table from within a check; ``{where}`` in `found` is replaced by the name of the section."""
    raise PydanticCustomError("refused", "refused", {"found": found, "expected": expected, "remedy": remedy})


def _refuse_key(key: str, allowed: Sequence[str]) -> None:
    close = difflib.get_close_matches(key, allowed, n=1)
    refuse(
        f"{{where}} holds the unknown key {key!r}.",
        f"Known are {', '.join(allowed)}.",
        f"Did you mean {close[0]!r}?" if close else "Remove it, or correct its name.",
    )


@cache
def section_of(
    maker: Any,
    *,
    leave_out: frozenset[str] = frozenset(),
    types: tuple[tuple[str, Any], ...] = (),
    base: type[Section] = Section,
    name: str = "",
    all_optional: bool = False,
) -> type[Section]:
    """Section with the parameters of a class or function as keys.

    `types` gives the type of a key where it is not that of the parameter, or a key that is no parameter.
    """
    keys: dict[str, Any] = {}
    hints, given = _hints(maker), dict(types)
    for key, item in inspect.signature(maker).parameters.items():
        if key not in leave_out:
            kind = given.pop(key) if key in given else _toml_type(hints.get(key, Any))
            keys[key] = (
                kind,
                _default(None if all_optional and item.default is item.empty else item.default),
            )
    keys |= {key: (kind, Field(default=None)) for key, kind in given.items()}
    made: type[Section] = create_model(name or maker.__name__, __base__=base, **keys)
    return made


def _hints(maker: Callable[..., Any]) -> dict[str, Any]:
    try:
        # A dataclass: its fields and those of its bases, each in the names of its own module.
        flat = inspect.isclass(maker) and not is_dataclass(maker)
        return get_type_hints(maker.__init__ if flat else maker)
    except NameError:  # a type that only a type checker imports
        return {}


def _default(value: Any) -> Any:
    """Default as the schema shows it; no default where it is required."""
    if value is inspect.Parameter.empty:
        return ...
    shown = list(value) if isinstance(value, tuple) else value
    return Field(default=shown if isinstance(shown, (bool, int, float, str, list)) else None)


def _toml_type(hint: Any) -> Any:
    """Type of a value in a TOML file for a parameter of a type."""
    origin, parts = get_origin(hint), get_args(hint)
    kinds = [_toml_type(part) for part in parts if part not in _NOT_IN_TOML and origin is not Literal]
    if origin in (Union, UnionType):
        return reduce(or_, kinds)
    if origin in (tuple, Sequence):
        return list[kinds[0]]  # type: ignore[valid-type]
    if origin is Mapping:
        return dict[str, kinds[1]]  # type: ignore[valid-type]
    if is_dataclass(hint) and isinstance(hint, type):
        return section_of(hint)
    known = origin is Literal or hint in (bool, int, float, str, time)
    return hint if known else str if hint is timedelta else Any


def checked(model: type[Section], values: Mapping[str, Any], *, where: str, section: str = "") -> None:
    """Refuse tables that a section does not allow.

    `where` begins the message, the name of the file for one; `section` is that of the tables in their file.
    """
    try:
        model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        found, expected, remedy = _explained(first, values, section)
        raise ConfigurationError(f"{where}{found}", expected, remedy) from error


def _explained(error: Mapping[str, Any], values: Mapping[str, Any], section: str) -> tuple[str, str, str]:
    """Finding, expectation and remedy of pydantic's first refusal."""
    context, kind = error.get("ctx", {}), error["type"]
    path = list(_path(error["loc"], values, absent=kind == "missing"))
    if kind == "refused":
        where = _bracketed(section, path)
        return context["found"].replace("{where}", where), context["expected"], context["remedy"]
    if kind.startswith("union_tag"):
        key, known = _tag(path)
        given = _value(values, path)
        shown = f"kind of {_bracketed(section, path)} is {given.get(key)!r}."
        expected = f"{key} must be one of {context.get('expected_tags', known)}."
        return shown.replace("kind", key, 1), expected, f"Choose one of them: {key} = ..."
    where, key = _bracketed(section, path[:-1]), path[-1]
    if kind == "missing":
        if where == "the file":
            return f"{where} has no section [{key}].", "It must have it.", f"Add [{key}]."
        return f"{where} does not give {key}.", "It must be given, and is not guessed.", f"Add {key} = ..."
    return _wrong_value(error, where, key)


def _wrong_value(error: Mapping[str, Any], where: str, key: Any) -> tuple[str, str, str]:
    if error["type"] in _NO_TABLE:
        return (
            f"{where} has {key} = {error['input']!r}, which is no table.",
            f"{key} must be a table of keys and values.",
            f"Write [{key}] and its keys below.",
        )
    expected = error["msg"].replace("Input should be", f"{key} must be")
    for name, words in _WORDS.items():
        expected = expected.replace(f"a valid {name}", words)
    return f"{where} has {key} = {error['input']!r}.", f"{expected}.", "Correct the value."


def _path(loc: Sequence[Any], values: Any, *, absent: bool) -> Iterator[Any]:
    """Keys from the root to the fault, without the tags of unions and the places in lists."""
    for part in loc:
        if isinstance(values, Mapping) and part in values:
            values = values[part]
            yield part
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
    if absent:
        yield loc[-1]


def _value(values: Any, path: Sequence[Any]) -> Any:
    for part in path:
        values = values[part]
    return values if isinstance(values, Mapping) else {}


def _bracketed(section: str, path: Sequence[Any]) -> str:
    name = ".".join([*([section] if section else []), *map(str, path)])
    return f"[{name}]" if name else "the file"


def _tag(path: Sequence[Any]) -> tuple[str, str]:
    """Key that chooses among the forms of a table."""
    return ("preset", "the presets") if path and path[-1] == "schedule" else ("kind", "the kinds")
