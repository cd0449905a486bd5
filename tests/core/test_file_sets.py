"""Sets of files under kills, full disks and two writers: the old set or the new one, and never a mix unsaid."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

import energyforecast
from energyforecast.core.file_sets import PREVIOUS, read_index, set_aside, whole_set
from energyforecast.core.files import SCRATCH, checksum

ROWS = 500
#: Writes one set after another, each of one number; with a limit, files may not grow beyond it [bytes].
WRITER = f"""
import itertools, pathlib, sys
from energyforecast.core.file_sets import whole_set
folder, first, limit = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for number in itertools.count(first):
    with whole_set(folder, index="set.json", about={{"number": number}}) as stage:
        for name in ("a.csv", "b.csv", "c.csv"):
            (stage / name).write_text(f"{{number:09d}}\\n" * {ROWS})
"""


@contextmanager
def _start(folder: Path, *, first: int = 0, limit: int = 0) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, folder, str(first), str(limit)],
        env=os.environ | {"PYTHONPATH": str(Path(energyforecast.__file__).parents[1])},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _number(path: Path) -> int:
    """The number of a file that is whole."""
    rows = path.read_text().splitlines()
    assert len(rows) == ROWS, f"{path.name} is cut"
    assert len(set(rows)) == 1
    return int(rows[0])


def _check(folder: Path) -> None:
    """Every file is whole; with an index all are of one set, and have its checksums."""
    numbers = {_number(path) for path in folder.glob("*.csv")}
    index = read_index(folder / "set.json")
    if index:
        assert numbers == {index["number"]}, "a mix"
        assert index["files"] == {path.name: checksum(path.read_bytes()) for path in folder.glob("*.csv")}


def _kill(folder: Path, times: int, *, seed: int) -> None:
    rng = random.Random(seed)
    for k in range(times):
        with _start(folder, first=1000 * k):
            time.sleep(0.25 + rng.uniform(0.0, 0.05))
        _check(folder)


def test_kills_leave_the_old_set_or_the_new_one(tmp_path: Path) -> None:
    _kill(tmp_path, 3, seed=0)


@pytest.mark.faults
def test_thirty_kills_leave_the_old_set_or_the_new_one(tmp_path: Path) -> None:
    _kill(tmp_path, 30, seed=1)


@pytest.mark.skipif(find_spec("resource") is None, reason="no limit of file sizes on this system")
def test_a_disk_that_is_full_leaves_the_old_set(tmp_path: Path) -> None:
    """A limit of the size of files acts as a full disk does."""
    with whole_set(tmp_path, index="set.json", about={"number": 7}) as stage:
        for name in ("a.csv", "b.csv", "c.csv"):
            (stage / name).write_text("000000007\n" * ROWS)
    with _start(tmp_path, limit=3000) as process:
        assert "too large" in process.communicate()[1]
    _check(tmp_path)
    assert read_index(tmp_path / "set.json")["number"] == 7
    assert not list(tmp_path.glob(f"{SCRATCH}*"))


def test_readers_see_one_set_while_two_write(tmp_path: Path) -> None:
    """Where the index is the same before and after the files are read, they are its files."""
    read = 0
    with _start(tmp_path, first=0) as one, _start(tmp_path, first=10**6) as two:
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            before = read_index(tmp_path / "set.json")
            numbers = {_number(path) for path in tmp_path.glob("*.csv")}
            if before and read_index(tmp_path / "set.json") == before:
                read += 1
                assert numbers == {before["number"]}, "a mix"
        assert [one.poll(), two.poll()] == [None, None], "a writer failed"
    assert read > 5
    _check(tmp_path)


def test_files_that_the_new_set_lacks_are_removed_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with whole_set(tmp_path, index="set.json", about={}) as stage:
        (stage / "old_site.png").write_text("old")
    with whole_set(tmp_path, index="set.json", about={}) as stage:
        (stage / "new_site.png").write_text("new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new_site.png", "notes.txt", "set.json"]


def test_an_index_that_was_altered_removes_nothing_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "set.json").write_text(json.dumps({"files": {"../precious": "", "sub/other": ""}}))
    with whole_set(folder, index="set.json", about={}) as stage:
        (stage / "a.csv").write_text("a")
    assert set_aside(folder, index="set.json", about={"state": "refused"}) == ["a.csv"]
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_set_that_is_set_aside_has_its_index_with_it(tmp_path: Path) -> None:
    for number in (1, 2):
        with whole_set(tmp_path, index="set.json", about={"number": number}) as stage:
            (stage / "a.csv").write_text(str(number))
        set_aside(tmp_path, index="set.json", about={"state": "refused", "error": "no run"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [PREVIOUS, "set.json"]
    assert (tmp_path / PREVIOUS / "a.csv").read_text() == "2"
    assert read_index(tmp_path / PREVIOUS / "set.json")["number"] == 2
    assert read_index(tmp_path / "set.json")["error"] == "no run"
    assert set_aside(tmp_path, index="set.json", about={"state": "refused"}) == []
    assert (tmp_path / PREVIOUS / "a.csv").exists(), "a second refusal keeps the newest set"


@pytest.mark.parametrize("content", ["", "[1]", "{", "[" * 100_000])
def test_an_index_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "set.json").write_text(content)
    assert read_index(tmp_path / "set.json") == {}
