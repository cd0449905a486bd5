"""Values of a manifest and of the records in archive files, as Python needs them; ValueError for any other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

__all__ = ["by_block", "count", "moments", "place", "seconds", "share", "table", "text", "texts", "time"]

_T = TypeVar("_T")
#: Bound of moments: years 1678 to 2261 in nanoseconds, and in seconds.
_NANOSECONDS: Final = 9_200_000_000 * 10**9
_SECONDS: Final = 9_200_000_000


def _bad(value: Any, expected: str) -> ValueError:
    return ValueError(f"{ascii(value)[:60]} is no {expected}")


def _whole(value: Any, low: int, high: int, expected: str) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _bad(value, expected)
    return value


def seconds(value: Any) -> int:
    """Moment of a block. [s since 1970]"""
    return _whole(value, -_SECONDS, _SECONDS, "moment in seconds")


def time(value: Any) -> int:
    """Moment of an arrival. [ns since 1970]"""
    return _whole(value, -_NANOSECONDS, _NANOSECONDS, "moment in nanoseconds")


def count(value: Any, *, least: int = 0) -> int:
    """Number of seconds, bytes or requests."""
    return _whole(value, least, _SECONDS, f"number from {least} on")


def share(value: Any) -> float:
    """Share of expected values."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise _bad(value, "share")
    return float(value)


def text(value: Any) -> str:
    """Text."""
    if not isinstance(value, str):
        raise _bad(value, "text")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """List of different names."""
    names = tuple(map(text, _listed(value)))
    if len(set(names)) < len(names):
        raise _bad(value, "list of different names")
    return names


def moments(value: Any) -> tuple[int | None, ...]:
    """List of arrivals, of which some are not known."""
    return tuple(None if item is None else time(item) for item in _listed(value))


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _bad(value, "list")
    return value


def table(value: Any, of: Callable[[Any], _T]) -> dict[str, _T]:
    """Table of values by name."""
    if not isinstance(value, Mapping):
        raise _bad(value, "table")
    return {str(name): of(item) for name, item in value.items()}


def by_block(value: Any, of: Callable[[Any], _T]) -> dict[int, _T]:
    """Table of values by block, which JSON writes as text. [s since 1970]"""
    return {seconds(int(block)): item for block, item in table(value, of).items()}


def place(value: Any) -> tuple[float, float]:
    """Latitude and longitude. [degree]"""
    if len(_listed(value)) != 2 or not all(type(item) in (int, float) for item in value):
        raise _bad(value, "pair of coordinates")
    if not all(math.isfinite(item) and abs(item) <= 360 for item in value):
        raise _bad(value, "pair of coordinates")
    return float(value[0]), float(value[1])
