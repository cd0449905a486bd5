"""Fuzzing of the library's readers: ``python -m tests.support.fuzzing --seconds 30 --json report.json``.

Each input follows from the name of its reader, a seed and its number. A child process with limits of memory and time
reads them, so that a crash of the interpreter and a hang are seen; it is started again behind the input that ended it.
``--show READER NUMBER --seed SEED --out FOLDER`` writes the files of an input.
"""

# ruff: noqa: E501

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from energyforecast.errors import EnergyForecastError

__all__ = ["Finding", "Report", "fuzz"]

#: Memory that an input may take, above that of the process [bytes]; beyond the second, the system refuses it.
_NOTED, _MEMORY = 1 << 29, 3 << 29
#: Longest time of the processor until Python stops an input, and of the clock until its process is ended. [s]
_SLOW, _HANG = 10.0, 180.0


@dataclass(frozen=True)
class Finding:
    """An input that ended in another way than by an error of the library."""

    reader: str
    seed: int
    number: int
    kind: str  # foreign, crash, hang, memory
    error: str
    message: str
    place: str

    @property
    def sort(self) -> tuple[str, ...]:
        """What findings of one cause have in common."""
        return self.reader, self.kind, self.error, self.place


@dataclass(frozen=True)
class Report:
    """Inputs tried, refused by the library's errors, and peak memory above that of the process [bytes], by reader."""

    tried: dict[str, int]
    refused: dict[str, int]
    memory: dict[str, int]
    findings: list[Finding]

    def __str__(self) -> str:
        lines = ["reader                          tried  refused  others   memory [MB]"]
        for name, count in self.tried.items():
            others = sum(item.reader == name for item in self.findings)
            lines.append(
                f"{name:<30}{count:>7}{self.refused[name]:>9}{others:>8}{self.memory[name] / 2**20:>14.0f}"
            )
        kinds: dict[tuple[str, ...], list[Finding]] = {}
        for item in self.findings:
            kinds.setdefault(item.sort, []).append(item)
        for several in sorted(kinds.values(), key=len, reverse=True):
            one = several[0]
            lines.append(
                f"{len(several)} x {one.reader} #{one.number} (seed {one.seed}): {one.kind} {one.error} at {one.place}: {one.message}"
            )
        return "\n".join(lines)


def input_files(reader: Any, seed: int, number: int) -> dict[str, bytes]:
    """Files of an input."""
    random = Random(zlib.crc32(f"{reader.name}/{seed}/{number}".encode()))
    files = reader.sample()
    return dict(files) if number == 0 else reader.mutate(random, dict(files))


def write_files(files: dict[str, bytes], folder: Path) -> None:
    """Write the files of an input into an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def fuzz(
    names: Sequence[str], *, seed: int, seconds: float | None = None, count: int | None = None, first: int = 1
) -> Report:
    """Read inputs of each reader: as many, or for a share of the time that is the same for all."""
    report = Report(*(dict.fromkeys(names, 0) for _ in range(3)), [])
    share = None if seconds is None else seconds / len(names)
    left = [{"name": name, "first": first, "end": None if count is None else first + count} for name in names]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        while left:
            settings = {"readers": left, "seed": seed, "seconds": share, "folder": folder}
            left = _behind(left, _one_child(settings, report))
    return report


def _one_child(settings: dict[str, Any], report: Report) -> dict[str, Any] | None:
    """Count the inputs of a child; the one that ended it, if it did not come to its end."""
    lines = Path(settings["folder"]) / "lines.jsonl"
    lines.write_text("")
    code = _run_child(settings, lines)
    rows = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        if "done" in row:
            report.tried[row["name"]] += 1
            report.refused[row["name"]] += row.get("refused", False)
            report.memory[row["name"]] = max(report.memory[row["name"]], row["memory"])
        if "finding" in row:
            report.findings.append(Finding(**row["finding"]))
    if code == 0:
        return None
    last = rows[-1] if rows else {"name": settings["readers"][0]["name"], "begun": -1}
    words = (lines.parent / "stderr").read_text(encoding="utf-8", errors="replace")[-300:]
    number, kind = last.get("begun", last.get("done", -1)), "hang" if code == "hang" else "crash"
    report.tried[last["name"]] += 1
    report.findings.append(Finding(last["name"], settings["seed"], number, kind, str(code), words, ""))
    return last | {"number": number}


def _behind(readers: list[dict[str, Any]], last: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Readers and inputs that are left behind one that ended its process; the reader goes if it was its sample."""
    if last is None:
        return []
    place = [reader["name"] for reader in readers].index(last["name"])
    rest = [{**readers[place], "first": last["number"] + 1}] if last["number"] > 0 else []
    return [one for one in rest + readers[place + 1 :] if one["end"] is None or one["first"] < one["end"]]


def _run_child(settings: dict[str, Any], lines: Path) -> int | str:
    """Exit code of a child, or "hang"."""
    with (lines.parent / "stderr").open("w") as errors:
        command = [sys.executable, "-m", "tests.support.fuzzing", "--child", json.dumps(settings)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=environment)
        moved, size = time.monotonic(), 0
        try:
            while process.poll() is None:
                time.sleep(0.05)
                now = lines.stat().st_size
                if now != size:
                    size, moved = now, time.monotonic()
                elif time.monotonic() - moved > _HANG:
                    return "hang"
        finally:
            process.kill()
            process.wait()
    return process.returncode


# --- The child --------------------------------------------------------------------------------------


class _Slow(BaseException):
    """An input that takes too long."""


def _stop(*_: Any) -> None:
    raise _Slow


def _child(settings: dict[str, Any]) -> None:
    """Read inputs, a line of JSON before and after each."""
    from tests.support.fuzzed_readers import READERS

    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, _stop)
    folder = Path(settings["folder"])
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else folder
    place = Path(tempfile.mkdtemp(prefix="fuzz-", dir=base))
    try:
        with (folder / "lines.jsonl").open("a", encoding="utf-8", buffering=1) as lines:
            for given in settings["readers"]:
                reader = READERS[given["name"]]
                lines.write(json.dumps({"name": reader.name, "begun": 0}) + "\n")
                resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
                write_files(input_files(reader, settings["seed"], 0), place)
                with suppress(EnergyForecastError):  # all is imported
                    reader.read(place)
                resource.setrlimit(resource.RLIMIT_AS, (_pages(0) + _MEMORY, resource.RLIM_INFINITY))
                _read_all(reader, settings, given, place, lines)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _read_all(reader: Any, settings: dict[str, Any], given: dict[str, Any], place: Path, lines: Any) -> None:
    number, until, started = given["first"], settings["seconds"], time.monotonic()
    while (given["end"] is None or number < given["end"]) and (
        until is None or time.monotonic() - started < until
    ):
        lines.write(json.dumps({"name": reader.name, "begun": number}) + "\n")
        row = {"name": reader.name} | _read_one(reader, settings["seed"], number, place)
        lines.write(json.dumps(row) + "\n")
        number += 1


def _read_one(reader: Any, seed: int, number: int, place: Path) -> dict[str, Any]:
    """Read an input; how it ended."""
    from tests.support.fuzzed_readers import is_own

    write_files(input_files(reader, seed, number), place)
    held = _pages(1)
    _forget_peak()
    row: dict[str, Any] = {"done": number}
    signal.setitimer(signal.ITIMER_PROF, _SLOW)
    try:
        reader.read(place)
    except _Slow as error:
        row["finding"] = _finding(reader, seed, number, "hang", error)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  (also those that are no Exception)
        if is_own(error):
            row["refused"] = True
        else:
            row["finding"] = _finding(reader, seed, number, "foreign", error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    row["memory"] = max(0, _peak() - held)
    if row["memory"] > _NOTED and "finding" not in row:
        row["finding"] = asdict(
            Finding(reader.name, seed, number, "memory", "", f"{row['memory'] >> 20} MB", "")
        )
    return row


def _finding(reader: Any, seed: int, number: int, kind: str, error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/energyforecast/" in frame.filename]
    place = (
        ""
        if not own
        else f"{own[-1].filename.rpartition('/energyforecast/')[2]}:{own[-1].lineno} {own[-1].name}"
    )
    message = str(error).encode("utf-8", "backslashreplace").decode()[:200]
    return asdict(Finding(reader.name, seed, number, kind, type(error).__name__, message, place))


def _pages(column: int) -> int:
    """Size of the process (0) and what of it is in memory (1). [bytes]"""
    return int(Path("/proc/self/statm").read_text().split()[column]) * resource.getpagesize()


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """Greatest size in memory since it was forgotten. [bytes]"""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Fuzz the readers: inputs tried, other errors, peak memory.")
    parser.add_argument("names", nargs="*", help="readers, or the beginnings of their names; all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="for all readers together")
    parser.add_argument("--count", type=int, help="inputs of each reader")
    parser.add_argument("--first", type=int, default=1, help="number of the first input")
    parser.add_argument("--json", type=Path, help="file for the report")
    parser.add_argument("--show", type=int, metavar="NUMBER", help="write the files of an input")
    parser.add_argument("--out", type=Path, default=Path("fuzzed"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        _child(json.loads(given.child))
        return
    from tests.support.fuzzed_readers import READERS, is_own

    names = [name for name in READERS if not given.names or any(name.startswith(one) for one in given.names)]
    if given.show is not None:
        reader = READERS[given.names[0]]
        write_files(input_files(reader, given.seed, given.show), given.out)
        try:
            sys.stdout.write(f"{reader.read(given.out)!r}\n")
        except Exception as error:
            if not is_own(error):
                raise
            sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return
    seconds = given.seconds if given.seconds or given.count else 60.0
    report = fuzz(names, seed=given.seed, seconds=seconds, count=given.count, first=given.first)
    sys.stdout.write(f"{report}\n")
    if given.json:
        given.json.write_text(json.dumps(asdict(report), indent=1), encoding="utf-8")


if __name__ == "__main__":
    _main()
