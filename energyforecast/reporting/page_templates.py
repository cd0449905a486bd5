"""HTML pages from Jinja templates: every value is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from energyforecast.errors import require

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["check_installed", "render"]


def render(template: str, context: Mapping[str, Any]) -> str:
    """Fill in a template of the folder ``templates``: text is escaped, numbers of numpy are plain numbers in JSON."""
    return _environment().get_template(template).render(context)


def check_installed() -> None:
    """Raise DependencyError now rather than when a page is written, if Jinja2 is not installed."""
    _environment()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Templates of the package, with automatic escaping and no silent gaps."""
    jinja2 = require("jinja2", extra="report", purpose="Pages are made from templates by Jinja2.")
    environment: Environment = jinja2.Environment(
        loader=jinja2.PackageLoader("energyforecast.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "separators": (",", ":"),
        "default": plain,
        "allow_nan": False,
    }
    return environment


def plain(value: Any) -> Any:
    """Numbers of numpy as numbers, every other value unknown to JSON as text."""
    return value.item() if isinstance(value, np.generic) else str(value)
