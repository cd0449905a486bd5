"""Parts of data that were set aside, each with the error of its reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from energyforecast.errors import EnergyForecastError, one_of

__all__ = ["PARTS", "Part", "SetAside", "summary", "why"]

#: Parts from the smallest to the largest: of a table a cell, a row, a site's column; of weather a run, a model; a file.
Part: TypeAlias = Literal["cell", "row", "run", "site", "model", "file"]
PARTS: Final[tuple[str, ...]] = get_args(Part)


@dataclass(frozen=True)
class SetAside:
    """Part of the data that a reader refused and that a run went on without.

    Parameters
    ----------
    part : {"cell", "row", "run", "site", "model", "file"}
        The smallest part that is whole.
    name : str
        Of the file, the weather model or the store.
    error : str
        Finding of the reader.
    count : int
        Number of such parts.
    site : str
        Name of the site, where it is one.
    hour : str
        First interval or run in question, in UTC, where known.

    See Also
    --------
    read_measurements, read_weather

    Examples
    --------
    >>> part = SetAside("cell", "power.csv", "The column 'B' holds 'ERR'.", 1, site="B", hour="2024-01-21 20:00")
    >>> print(part)
    power.csv: 1 cell of B, from 2024-01-21 20:00 UTC, is set aside: The column 'B' holds 'ERR'.
    """

    part: Part
    name: str
    error: str
    count: int = 1
    site: str = ""
    hour: str = ""

    def __post_init__(self) -> None:
        one_of("part", self.part, allowed=PARTS)

    def __str__(self) -> str:
        several = self.count != 1
        if self.part == "site":
            counted, place = "all", f" of {self.site}"
        else:
            counted, place = (
                f"{self.count} {self.part}{'s' * several}",
                f" of {self.site}" if self.site else "",
            )
        hour = f", from {self.hour} UTC," if self.hour else ""
        return f"{self.name}: {counted}{place}{hour} {'are' if several else 'is'} set aside: {self.error}"

    def to_dict(self) -> dict[str, Any]:
        """Content for a file of JSON."""
        return asdict(self)


def why(error: Exception) -> str:
    """Finding of an error, in one line."""
    if isinstance(error, EnergyForecastError):
        return error.found
    reason = getattr(error, "strerror", None) or error
    return f"{getattr(error, 'filename', None) or 'A file'}: {reason}."


def summary(parts: Iterable[SetAside]) -> str:
    """Counts of the parts that were set aside, in one line; empty without any.

    Examples
    --------
    >>> summary([SetAside("cell", "power.csv", "ERR", 3), SetAside("file", "plan.csv", "is gone")])
    '3 cells of power.csv, 1 file: plan.csv'
    """
    lines = []
    for part in parts:
        counted = f"{part.count} {part.part}{'s' * (part.count != 1)}"
        lines.append(f"{counted}: {part.name}" if part.part == "file" else f"{counted} of {part.name}")
    return ", ".join(dict.fromkeys(lines))
