"""GRIB messages at sites, decoded completely or refused, in a child process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.core.sites import Site
from energyforecast.errors import (
    DependencyError,
    ResponseError,
)
from energyforecast.weather.processing.grid_cells import Cells, Grid, Method
from energyforecast.weather.sources.grib.decode_worker import ABSENT, DAMAGED, NOT_SUPPORTED
from energyforecast.weather.sources.grib.index import split_messages
from energyforecast.weather.sources.grib.models import Field

__all__ = ["Message", "decode"]

Floats = npt.NDArray[np.floating[Any]]
_MINUTE: Final = np.timedelta64(1, "m")


@dataclass(frozen=True, eq=False)
class Message:
    """One field of a GRIB file at the cells of some sites."""

    about: dict[str, Any]
    values: Floats

    def is_of(self, wanted: Field) -> bool:
        """Whether it holds a field."""
        if self.about["code"] is None:
            return self.about["parameter"] in wanted.parameters
        same = tuple(self.about["code"]) in wanted.codes
        return same and self.about["surface"] in wanted.surfaces and self._level_of(wanted)

    def _level_of(self, wanted: Field) -> bool:
        return wanted.level == 0 or self.about["level"] == wanted.level

    @property
    def window(self) -> tuple[np.timedelta64, np.timedelta64]:
        """Beginning and end, as leads."""
        return self.about["begin"] * _MINUTE, self.about["end"] * _MINUTE


def decode(
    contents: Sequence[bytes],
    *,
    sites: Sequence[Site],
    fields: Sequence[Field] = (),
    method: Method = "nearest",
    timeout: float = 600.0,
) -> tuple[list[Message], Cells]:
    """Fields of GRIB data at sites, decoded in a child process."""
    whole = [split_messages(content) for content in contents]
    with tempfile.TemporaryDirectory(prefix="energyforecast-") as folder:
        paths = [Path(folder) / f"{number}.grib" for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        first = Path(folder) / "first.grib"
        first.write_bytes(whole[0][0])
        with _Child(folder, timeout) as child:
            about, arrays = child.request([first])
            if not about:
                raise ResponseError(
                    "The first message of a file holds no field.",
                    "Every message must be decoded.",
                    "The file is damaged: fetch it again.",
                )
            grid = about[0]["grid"]
            cells = _grid(arrays, about[0]).cells(sites, method=method)
            smooth: list[Any] = [
                [list(code), list(field.surfaces), field.level]
                for field in fields
                if field.smooth
                for code in field.codes
            ]
            smooth += [number for field in fields if field.smooth for number in field.parameters]
            about, arrays = child.request(paths, cells={grid: cells.needed.tolist()}, smooth=smooth)
    counted = np.bincount([header["file"] for header in about], minlength=len(whole))
    for number, messages in enumerate(whole):
        if counted[number] < len(messages):
            raise ResponseError(
                f"Of {len(messages)} messages of file {number}, {counted[number]} were decoded.",
                "Every message must be decoded.",
                "The file is damaged: fetch it again.",
            )
    place = cells.among_needed()
    return [Message(header, arrays[f"values_{k}"][place]) for k, header in enumerate(about)], cells


def _grid(arrays: dict[str, Floats], about: dict[str, Any]) -> Grid:
    latitude, longitude = (arrays[f"{name}_{about['grid']}"] for name in ("latitude", "longitude"))
    if about["grid_type"] == "regular_ll":
        return Grid(latitude[:, 0], longitude[0])
    return Grid(latitude, longitude)


class _Child:
    """Process that decodes; it ends with the block in any case."""

    def __init__(self, folder: str, timeout: float) -> None:
        self.folder, self.timeout = Path(folder), timeout
        self.complaints = (self.folder / "stderr").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "energyforecast.weather.sources.grib.decode_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
            env=_environment(),
        )
        self.timer = threading.Timer(timeout, self.process.kill)

    def __enter__(self) -> _Child:
        self.timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.timer.cancel()
        if kind is not None:  # such as the end of this process: nobody waits for the answer
            self.process.kill()
        with contextlib.suppress(OSError):  # it may have died with the request unread
            self.process.communicate()
        self.complaints.close()

    def request(
        self, paths: Sequence[Path], *, cells: dict[str, list[int]] | None = None, smooth: Sequence[Any] = ()
    ) -> tuple[list[dict[str, Any]], dict[str, Floats]]:
        """Headers of messages and arrays: the grid or, with `cells`, their values."""
        answer = self.folder / "answer.npz"
        answer.unlink(missing_ok=True)
        content = {
            "files": [str(path) for path in paths],
            "cells": cells,
            "smooth": list(smooth),
            "answer": str(answer),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(content) + "\n")
            self.process.stdin.flush()
        reply = self.process.stdout.readline().strip()
        if reply != "written" or not answer.exists():
            raise self._failure(reply)
        with np.load(io.BytesIO(answer.read_bytes()), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        return json.loads(bytes(found.pop("messages")).decode()), found

    def _failure(self, reply: str) -> DependencyError | ResponseError:
        code = self.process.wait()
        if code == ABSENT:
            return DependencyError(
                f"GRIB cannot be decoded: {reply}.",
                "Decoding of GRIB needs the extra 'grib'.",
                "Use: python -m pip install 'energyforecast[grib]'.",
            )
        if code == DAMAGED:
            return _undecodable(reply.replace(f"{self.folder}{os.sep}", ""))
        self.complaints.seek(0)
        last = self.complaints.read().strip().splitlines()[-1:] or ["no output"]
        return _undecodable(f"the decoder ended with exit code {code} within {self.timeout:g} s: {last[0]}")


def _environment() -> dict[str, str]:
    """Environment in which the child finds the same packages, also if the path was changed after the start."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}


def _undecodable(why: str) -> ResponseError:
    if NOT_SUPPORTED in why:
        return ResponseError(
            f"GRIB data cannot be read: {why}.",
            "The cells of its grid must lie in rows of one length, scanned row by row.",
            "Request it on a regular grid (grid='0.25/0.25' in an archive of ECMWF), or interpolate it to one "
            "with cdo or MIR.",
        )
    return ResponseError(
        f"GRIB data cannot be decoded: {why}.",
        "Each message must be whole and undamaged.",
        "Fetch the file again; if it stays so, the source has published a damaged one.",
    )
