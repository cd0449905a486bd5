"""Byte ranges of the fields of a GRIB file, from its index or from the file itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from energyforecast.core.structured_text import parse_json
from energyforecast.errors import ResponseError

__all__ = ["ByteRange", "parse_ecmwf_index", "parse_idx", "split_messages"]

_LINE: Final = re.compile(
    r"^(?P<number>\d+)(\.\d+)?:(?P<first>\d+):d=(?P<init>\d{10}):(?P<name>[^:]+):(?P<level>[^:]*):(?P<when>[^:]*):"
)
_WHEN: Final = re.compile(
    r"^(?:(?P<begin>\d+)-)?(?P<end>\d+) (?P<unit>min|hour|day)s? (?:(?P<statistic>ave|acc|max|min) )?fcst"
)
_HOURS: Final = {"min": 1 / 60, "hour": 1.0, "day": 24.0}
_STATISTICS: Final = {"ave": "mean", "acc": "sum"}
#: The indicator section of edition 2; 8 bytes in edition 1.
_HEAD: Final = 16


@dataclass(frozen=True, kw_only=True)
class ByteRange:
    """A field of a file, as an index names it."""

    first: int
    last: int | None  # None for the last entry of an index without lengths
    name: str
    init_time: str  # e.g. "2024060100"
    begin: float  # window, or twice the lead [h]
    end: float
    statistic: str | None = None
    member: int = 0


def parse_idx(text: str) -> list[ByteRange]:
    """Entries of an ``.idx`` file, the index that NOAA publishes with each GRIB file."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _LINE.match(line)
        if match is None:
            raise _no_index(line, "1:0:d=2024060100:UGRD:10 m above ground:6 hour fcst:")
        found.append(match)
    starts = sorted({int(match["first"]) for match in found})
    if not found or [int(match["first"]) for match in found] != sorted(
        int(match["first"]) for match in found
    ):
        raise _no_index(text[:60], "lines with rising second numbers, the first bytes")
    ends = dict(zip(starts, [*(start - 1 for start in starts[1:]), None], strict=True))
    return [
        _byte_range(match, ends[int(match["first"])]) for match in found if _window(match["when"]) is not None
    ]


def _byte_range(match: re.Match[str], last: int | None) -> ByteRange:
    window = _window(match["when"])
    assert window is not None
    return ByteRange(
        first=int(match["first"]),
        last=last,
        name=f"{match['name']}:{match['level']}",
        init_time=match["init"],
        begin=window[0],
        end=window[1],
        statistic=window[2],
    )


def _window(when: str) -> tuple[float, float, str | None] | None:
    """Window and statistic from their description; ``None`` where no variable uses them."""
    if when == "anl":
        return 0.0, 0.0, None
    match = _WHEN.match(when)
    if match is None:
        return None
    unit = _HOURS[match["unit"]]
    end = float(match["end"]) * unit
    begin = end if match["begin"] is None else float(match["begin"]) * unit
    return begin, end, _STATISTICS.get(match["statistic"], match["statistic"])


def parse_ecmwf_index(text: str) -> list[ByteRange]:
    """Lines of an ``.index`` file of ECMWF's open data: JSON, one field a line."""
    ranges = []
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            row = parse_json(line)
            ranges.append(_ecmwf_range(row))
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            raise _no_index(
                line, 'a line such as {"param": "100u", "step": "3", "_offset": 0, ...}'
            ) from error
    if not ranges:
        raise _no_index("no line", "a line for each field")
    return ranges


def _ecmwf_range(row: dict[str, Any]) -> ByteRange:
    begin, _, end = str(row["step"]).rpartition("-")
    first, length = int(row["_offset"]), int(row["_length"])
    if first < 0 or length <= 0:
        raise ValueError("an empty range")
    level = f":{row['levelist']}" if row.get("levtype", "sfc") != "sfc" else ""
    return ByteRange(
        first=first,
        last=first + length - 1,
        name=f"{row['param']}{level}",
        init_time=f"{row['date']}{row['time'][:2]}",
        begin=float(begin or end),
        end=float(end),
        member=int(row.get("number", 0) or 0),
    )


def _no_index(found: str, expected: str) -> ResponseError:
    return ResponseError(
        f"An index of a GRIB file holds {found[:80]!r}.",
        f"Expected: {expected}.",
        "The server sent another page, or half of one: try again later.",
    )


def split_messages(
    data: bytes, *, label: str = "GRIB data", lengths: Sequence[int] | None = None, padding: int = 0
) -> list[bytes]:
    """Split bytes into complete messages without gaps."""
    found: list[bytes] = []
    place = 0
    while place < len(data):
        length = message_length(data[place : place + _HEAD])
        if length is None and found:
            skip = data[place : place + padding + 4].find(b"GRIB")
            if skip > 0 or len(data) - place <= padding:
                place += skip if skip > 0 else padding
                continue
        if length is None:
            raise _damaged(f"{label} holds {data[place : place + 8]!r} at byte {place}, which is no GRIB.")
        message = data[place : place + length]
        if len(message) < length:
            raise _damaged(
                f"{label} ends after {len(data)} bytes, within its message {len(found)} of {length} bytes."
            )
        if message[-4:] != b"7777":
            raise _damaged(f"{label} has a message {len(found)} that ends with {message[-4:]!r}.")
        found.append(message)
        place += length
    if not found:
        raise _damaged(f"{label} is empty.")
    if lengths is not None and [len(message) for message in found] != list(lengths):
        raise _damaged(
            f"{label} has messages of {[len(one) for one in found]} bytes, by its index {list(lengths)}."
        )
    return found


def message_length(head: bytes) -> int | None:
    """Length of the message that begins so, if it is one."""
    if len(head) < 8 or head[:4] != b"GRIB" or head[7] not in (1, 2):
        return None
    if head[7] == 1:
        length = int.from_bytes(head[4:7], "big")
        # Messages of edition 1 above 8 MB write their length in another way, which no source here uses.
        return length if 12 <= length < 1 << 23 else None
    length = int.from_bytes(head[8:16], "big")
    return length if len(head) >= _HEAD and length >= 20 else None


def _damaged(found: str) -> ResponseError:
    return ResponseError(
        found,
        "Each message must be whole and end with 7777.",
        "The file is damaged or still being written: fetch it again.",
    )
