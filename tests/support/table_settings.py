"""Settings of a reader of tables, with the fields of their format gathered."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import energyforecast as ef

_FIELDS = {item.name for item in fields(ef.TableFormat)}


def with_format(
    settings: dict[str, Any], *, direct: tuple[str, ...] = ("unit", "timezone", "label")
) -> dict[str, Any]:
    """The same settings; those of the format in a TableFormat, but for the direct ones."""
    form = {name: value for name, value in settings.items() if name in _FIELDS and name not in direct}
    rest = {name: value for name, value in settings.items() if name not in form}
    return rest | ({"format": ef.TableFormat(**form)} if form else {})
