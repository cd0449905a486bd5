"""Atomic writing, the lock of a writer, and removal of secrets from messages."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from energyforecast.core.files import (
    checksum,
    only_writer,
    refused,
    sweep,
    whole_file,
    without_secrets,
    write_whole,
)
from energyforecast.errors import StoreLockedError


def test_a_file_is_written_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "manifest.json"
    write_whole(target, b"old")
    write_whole(target, b"new")
    assert target.read_bytes() == b"new"
    assert [path.name for path in target.parent.iterdir()] == ["manifest.json"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "forecast.csv"
    target.write_bytes(b"old")

    def write_half() -> None:
        with whole_file(target) as path:
            path.write_bytes(b"ne")
            raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_links_pipes_and_endings_are_kept(tmp_path: Path) -> None:
    link = tmp_path / "newest.csv.gz"
    link.symlink_to(tmp_path / "of_today.csv.gz")
    with whole_file(link) as path:
        assert path.suffix == ".gz"  # pandas compresses by it
        path.write_bytes(b"new")
    assert link.is_symlink()
    assert (tmp_path / "of_today.csv.gz").read_bytes() == b"new"
    with whole_file(Path(os.devnull)) as path:
        assert path == Path(os.devnull).resolve()


def test_leftovers_of_killed_processes_are_removed_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / ".part-0123").write_bytes(b"half")
    (tmp_path / "kept.zip").write_bytes(b"whole")
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.zip"]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("filelock")
    with (
        only_writer(tmp_path, timeout=1.0),
        pytest.raises(StoreLockedError, match="another process"),
        only_writer(tmp_path, timeout=0.0),
    ):
        pass


def test_the_checksum_is_sha256() -> None:
    assert checksum(b"").startswith("e3b0c44298fc")


def test_a_full_disk_is_named() -> None:
    assert "Free space" in refused(OSError(errno.ENOSPC, "No space left on device"), Path("a.zarr")).remedy


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "https://me:pw@api.example.org/v1/forecast?apikey=CANARY refused",
            "https://api.example.org/v1/forecast refused",
        ),
        ("refused apikey=CANARY", "refused apikey=***"),
        ("private-token: CANARY", "private-token: ***"),
    ],
)
def test_keys_are_removed_from_messages(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
