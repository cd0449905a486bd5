"""Sources of facts about sites, with their certainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from energyforecast.errors import SchemaError, of_type, one_of

__all__ = ["Certainty", "Source", "as_sources"]

Certainty: TypeAlias = Literal["stated", "derived", "approximate"]


@dataclass(frozen=True)
class Source:
    """Source of a fact, with its certainty.

    Parameters
    ----------
    text : str
        Name of the source.
    certainty : {"stated", "derived", "approximate"}
        Stated by the source; computed or inferred from statements of sources; a usable guess.

    Examples
    --------
    >>> Source("pypsa-kz-data, CC-BY-4.0", "stated").certainty
    'stated'
    """

    text: str
    certainty: Certainty

    def __post_init__(self) -> None:
        one_of(f"certainty of the source {self.text!r}", self.certainty, allowed=get_args(Certainty))


def as_sources(given: Mapping[str, Any], site: Any) -> dict[str, Source]:
    """Sources by field; also from plain mappings, as a file holds them."""
    result = {}
    of_type("sources", given, expected=Mapping, remedy="Give a Source for each field, by its name.")
    for name, item in given.items():
        if not hasattr(site, name):
            raise SchemaError(
                f"Site {site.name!r} has a source for {name!r}, which is not a field of a {type(site).__name__}.",
                "Sources are given by field.",
                "Correct the name.",
            )
        unknown = set(item) - set(Source.__dataclass_fields__) if isinstance(item, Mapping) else {str(item)}
        if not isinstance(item, Source) and unknown:
            raise SchemaError(
                f"Site {site.name!r} has the source {item!r} for {name!r}.",
                f"It must be a Source, or a mapping of {list(Source.__dataclass_fields__)}.",
                "Give Source(...).",
            )
        result[name] = item if isinstance(item, Source) else Source(**item)
    return result
