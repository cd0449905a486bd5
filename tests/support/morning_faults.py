"""Faults of a control room by name: of the weather server, of the meter file, of disk, database, models and processes.

The rates are those of one morning. Runs that are late, lost or cut, gaps in measurements, outages, orders and stuck
meters are not here: they are in the synthetic data, at the rates of the synthetic Shelek.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from tests.support.control_room import PATIENCE, ControlRoom
from tests.support.replay import (
    Answer,
    Fault,
    Request,
    disconnected,
    late,
    mangled,
    said,
    status,
    truncated,
)

__all__ = [
    "METER_FAULTS",
    "RATES",
    "WEATHER_FAULTS",
    "MeterFault",
    "SmallDisk",
    "altered_model",
    "database_gone",
    "model_files",
]

# --- Weather server -------------------------------------------------------------------------------


def _places(payload: Any) -> list[dict[str, Any]]:
    return payload if isinstance(payload, list) else [payload]


def _kelvin(payload: Any) -> None:
    for place in _places(payload):
        column = place["hourly"]["temperature_2m"]
        place["hourly"]["temperature_2m"] = [None if value is None else value + 273.15 for value in column]


def _knots(payload: Any) -> None:
    for place in _places(payload):
        for name in place["hourly_units"]:
            if name.startswith("wind_speed"):
                place["hourly_units"][name] = "kn"


def _half(payload: Any) -> None:
    for place in _places(payload):
        for name, column in place["hourly"].items():
            if name != "time":
                place["hourly"][name] = column[:20] + [None] * (len(column) - 20)


def _windless(payload: Any) -> None:
    for place in _places(payload):
        for name, column in place["hourly"].items():
            if name.startswith("wind"):
                place["hourly"][name] = [None] * len(column)


def _one_site(payload: Any) -> None:
    for name, column in _places(payload)[-1]["hourly"].items():
        if name != "time":
            _places(payload)[-1]["hourly"][name] = [None] * len(column)


def _if_json(change: Callable[[Any], None]) -> Fault:
    """A change of healthy answers; refusals stay as they are."""

    def fault(answer: Answer, request: Request) -> Answer:
        return mangled(change)(answer, request) if answer.status == 200 else answer

    return fault


#: Answers of the weather server. ``lost`` and ``late`` runs are withheld by the server itself.
WEATHER_FAULTS: Mapping[str, Fault] = {
    "404": status(404, "not found"),
    "500": status(500, "internal error"),
    "slow": late(3 * PATIENCE),
    "cut answer": truncated(0.4),
    "closed": disconnected(),
    "a page": said("<html>Maintenance</html>"),
    "kelvin": _if_json(_kelvin),
    "knots": _if_json(_knots),
    "half a run": _if_json(_half),
    "no wind": _if_json(_windless),
    "one site without": _if_json(_one_site),
}

# --- Meter file -----------------------------------------------------------------------------------

#: A change of the lines of the meter file; None removes it.
MeterFault = Callable[[list[str], random.Random], str | None]


def _cut(lines: list[str], draw: random.Random) -> str:
    text = "".join(lines)
    return text[: int(len(text) * draw.uniform(0.3, 0.999))]


def _doubled(lines: list[str], draw: random.Random) -> str:
    place = draw.randrange(len(lines) // 2, len(lines))
    return "".join([*lines[: place + 1], *lines[place:]])


def _contradicting(lines: list[str], draw: random.Random) -> str:
    place = draw.randrange(len(lines) // 2, len(lines) - 1)
    stamp, values = lines[place].split(",", 1)[0], lines[place + 1].split(",", 1)[1]
    return "".join([*lines[: place + 1], f"{stamp},{values}", *lines[place + 1 :]])


def _shifted(lines: list[str], draw: random.Random) -> str:
    """From last night on stamps are an hour ahead: an hour is skipped."""
    first = len(lines) - draw.randrange(6, 30)
    hour = pd.Timedelta("1h")
    moved = []
    for line in lines[first:]:
        stamp, values = line.split(",", 1)
        moved.append(f"{pd.Timestamp(stamp) + hour:%Y-%m-%d %H:%M},{values}")
    return "".join([*lines[:first], *moved])


def _cell(lines: list[str], draw: random.Random) -> str:
    place = draw.randrange(1, len(lines))
    cells = lines[place].rstrip("\n").split(",")
    cells[draw.randrange(1, len(cells))] = draw.choice(["ERR", "#REF!", "Bad Data", "1.2.3"])
    return "".join([*lines[:place], ",".join(cells) + "\n", *lines[place + 1 :]])


def _kilowatts(lines: list[str], draw: random.Random) -> str:
    first = draw.choice([1, len(lines) - 24])
    changed = []
    for line in lines[first:]:
        stamp, *cells = line.rstrip("\n").split(",")
        cells = [cell and f"{1000 * float(cell):.0f}" for cell in cells]
        changed.append(",".join([stamp, *cells]) + "\n")
    return "".join([*lines[:first], *changed])


def _column(lines: list[str], draw: random.Random) -> str:
    gone = draw.randrange(1, lines[0].count(",") + 1)
    rows = [line.rstrip("\n").split(",") for line in lines]
    return "".join(",".join([*row[:gone], *row[gone + 1 :]]) + "\n" for row in rows)


METER_FAULTS: Mapping[str, MeterFault] = {
    "gone": lambda *_: None,
    "empty": lambda *_: "",
    "header only": lambda lines, _: lines[0],
    "cut": _cut,
    "doubled row": _doubled,
    "two values": _contradicting,
    "written twice": lambda lines, _: "".join(lines + lines[1:]),
    "shifted": _shifted,
    "a cell of text": _cell,
    "kilowatts": _kilowatts,
    "a column gone": _column,
    "bytes": lambda *_: "\x00\x01\ufffd\x00" * 40,
}

# --- Disk, database, models -----------------------------------------------------------------------


class SmallDisk:
    """A disk of its own for a folder, which can be filled and made read-only; for root alone.

    Where no disk can be mounted `is_mounted` is false, and the faults of disks are left out.
    """

    def __init__(self, folder: Path, *, size: str = "512m") -> None:
        self.folder, self.size = folder, size
        self.is_mounted = False

    def __enter__(self) -> SmallDisk:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.is_mounted = os.name == "posix" and os.geteuid() == 0 and self._mount(f"size={self.size}")
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)

    def _mount(self, options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    @contextmanager
    def full(self, *, left: int = 16_384) -> Iterator[None]:
        """Disk with so many bytes left."""
        held = os.statvfs(self.folder)
        used = (held.f_blocks - held.f_bfree) * held.f_frsize
        with self._options(f"size={used + left}", f"size={self.size}"):
            yield

    def read_only(self) -> Any:
        """Disk that cannot be written to."""
        return self._options("ro", "rw")

    @contextmanager
    def _options(self, during: str, afterwards: str) -> Iterator[None]:
        self._remount(during)
        try:
            yield
        finally:
            self._remount(afterwards)

    def _remount(self, options: str) -> None:
        command = ["mount", "-o", f"remount,{options}", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True)


@contextmanager
def database_gone(room: ControlRoom) -> Iterator[None]:
    """The database cannot be opened for a while: a folder has its name."""
    path = room.operations / "archive.sqlite"
    held = [item for item in room.operations.glob("archive.sqlite*") if item.is_file()]
    for item in held:
        item.rename(item.with_name("kept-" + item.name))
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        path.rmdir()
        for item in held:
            item.with_name("kept-" + item.name).rename(item)


def model_files(room: ControlRoom) -> list[Path]:
    """Files of the stored models, the newest last."""
    found = [
        item for item in (room.operations / "models").rglob("*") if item.is_file() and item.suffix != ".json"
    ]
    return sorted(found, key=lambda item: item.stat().st_mtime_ns)


def altered_model(room: ControlRoom, draw: random.Random) -> bool:
    """Change bytes of every stored model; whether there is one."""
    files = model_files(room)
    for path in files:
        content = bytearray(path.read_bytes())
        for _ in range(20):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(bytes(content))
    return bool(files)


#: Share of mornings with each fault. An outage of weather or meters lasts for days.
RATES: Mapping[str, float] = {
    **{f"weather: {name}": 0.01 for name in WEATHER_FAULTS},
    "weather: late": 0.02,
    "weather: lost for days": 0.006,
    **{f"meters: {name}": 0.01 for name in METER_FAULTS},
    "meters: stale for days": 0.006,
    "killed": 0.02,
    "two at once": 0.02,
    "disk full": 0.006,
    "read-only": 0.006,
    "database gone": 0.01,
    "model altered": 0.006,
}
