"""Deprecated names: the only list of them, each with the release that removes it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from energyforecast.errors import DeprecatedWarning

__all__ = ["DEPRECATIONS", "Deprecation", "due", "warn"]


@dataclass(frozen=True)
class Deprecation:
    """A public name or argument that a later release removes.

    Parameters
    ----------
    replacement : str
        The name or call to use in its place.
    since : str
        The release that deprecated it, such as "0.2".
    removed_in : str
        The release that no longer has it.
    """

    replacement: str
    since: str
    removed_in: str


#: By public name; an argument is written "Forecaster(argument)".
DEPRECATIONS: Mapping[str, Deprecation] = {}


def due(version: str, *, deprecations: Mapping[str, Deprecation] = DEPRECATIONS) -> list[str]:
    """Names that a version must no longer have."""
    return [name for name, item in deprecations.items() if release(version) >= release(item.removed_in)]


def release(version: str) -> tuple[int, int]:
    """Major and minor number of a version."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def warn(name: str, *, deprecations: Mapping[str, Deprecation] = DEPRECATIONS) -> None:
    """Warn, at the line that called the deprecated function, that a later release removes a listed name."""
    item = deprecations[name]
    message = (
        f"{name} is deprecated since {item.since}; {item.removed_in} removes it. Use {item.replacement}."
    )
    warnings.warn(message, DeprecatedWarning, stacklevel=3)
