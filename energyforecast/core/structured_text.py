"""JSON and TOML of files and answers, read within bounds: all that is wrong with a text is a ValueError."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, Final, NoReturn

__all__ = ["parse_json", "parse_toml"]

#: Tables and lists within each other; files of the library have fewer than twenty.
_DEEPEST: Final = 64
#: Bound of whole numbers: those of TOML and of databases have 64 bits.
_WIDEST: Final = 2**63
#: Escape of half a character, which no file and no terminal takes.
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str | bytes, *, constants: bool = True) -> Any:
    """Tree of JSON; ValueError if it is none, nested deeply, or holds half a character or a number of many digits.

    Numbers beyond the range are infinite, as in Python; ``constants=False`` refuses ``NaN`` and ``Infinity``.

    Examples
    --------
    >>> parse_json('{"capacity": 60}')
    {'capacity': 60}
    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
        ...
    ValueError: it is nested deeper than 64 levels
    """
    try:
        written = text if isinstance(text, str) else text.decode("utf-8-sig")
        tree = json.loads(written, parse_constant=None if constants else _refuse)
    except RecursionError:
        raise _too_deep() from None
    _check(tree)
    if _HALF.search(written):
        json.dumps(tree, ensure_ascii=False).encode()  # UnicodeEncodeError is a ValueError
    return tree


def parse_toml(text: str) -> dict[str, Any]:
    """Tables of TOML; ValueError if it is none, nested deeply, or holds a number of more than 64 bits.

    Examples
    --------
    >>> parse_toml("capacity = 60")
    {'capacity': 60}
    """
    try:
        tables = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    _check(tables)
    return tables


def _check(tree: Any) -> None:
    """Refuse a deeply nested tree, and whole numbers of more than 64 bits."""
    level = [tree]
    for _ in range(_DEEPEST + 2):
        wide = next(
            (item for item in level if isinstance(item, int) and not -_WIDEST <= item < _WIDEST), None
        )
        if wide is not None:
            raise ValueError(f"it holds a whole number of {wide.bit_length()} bits")
        level = [
            item
            for node in level
            if isinstance(node, dict | list)
            for item in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"it is nested deeper than {_DEEPEST} levels")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}, which is no JSON")
