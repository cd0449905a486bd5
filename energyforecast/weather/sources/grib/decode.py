"""GRIB files of weather models, at sites: decoded in a process of their own, whole or not at all."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import variables, weather_schema
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.errors import (
    DependencyError,
    FileFormatError,
    MissingDataError,
    ResponseError,
    SchemaError,
    TimeError,
)
from energyforecast.weather.processing.accumulation import check_windows, de_accumulate
from energyforecast.weather.processing.spatial import Cells, Grid, Method, average, cell_coords
from energyforecast.weather.processing.temporal import dark_at_night
from energyforecast.weather.sources.grib.decode_worker import ABSENT, DAMAGED
from energyforecast.weather.sources.grib.index import split_messages
from energyforecast.weather.sources.grib.models import MODELS, Field, GribModel, needed_fields

__all__ = ["Message", "decode", "parse_grib", "read_grib", "rotated"]

Floats = npt.NDArray[np.floating[Any]]

_MINUTE: Final = np.timedelta64(1, "m")
#: What may stand between two messages of a file on disk: archives fill records of 120 bytes with zeros. [bytes]
_PADDING: Final = 120
_SUMS: Final = (Label.SUM_ENDING, Label.SUM_SINCE_START, Label.SUM_SINCE_MIDNIGHT)


@dataclass(frozen=True, eq=False)
class Message:
    """One field of a GRIB file at the cells of some sites.

    Parameters
    ----------
    about : dict
        What its header says: code, level, window, statistic, member, grid.
    values : array (sites, cells)

    Examples
    --------
    >>> Message({"code": [0, 2, 2], "surface": 103, "level": 100}, np.zeros((1, 1))).is_of(MODELS["gfs"].fields[4])
    True
    """

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


def read_grib(
    paths: str | Path | Sequence[str | Path],
    *,
    model: str,
    sites: Sequence[Site],
    method: Method = "nearest",
    names: Sequence[str] = (),
) -> xr.Dataset:
    """A run of a weather model from GRIB files that lie on disk.

    Parameters
    ----------
    paths : path or sequence of path
        Files of one run. Nothing is ever written beside them.
    model : str
        Which of :data:`energyforecast.weather.sources.grib.models.MODELS`: it says what accumulations mean.
    sites : sequence of Site
    method : {"nearest", "bilinear"}
    names : sequence of str
        Variables that must be there, whole; by default those of the model of which the files hold anything.

    Returns
    -------
    Dataset
        Dimensions ``(site, init_time, lead_time[, member])``; ``available_time`` by the model's usual delay.

    Raises
    ------
    FileFormatError
        If a file is damaged, cut or no GRIB.
    MissingDataError
        If a field is missing at a lead that others have.
    DependencyError
        If the extra ``grib`` is not installed.

    Examples
    --------
    >>> read_grib("gfs.f003", model="gfs", sites=[Site(name="farm", latitude=43.6, longitude=78.5)])
    Traceback (most recent call last):
        ...
    energyforecast.errors.FileFormatError: gfs.f003 cannot be read: No such file or directory.
    GRIB files are there.
    Check the path.
    """
    files = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    table = _model(model)
    contents = [_bytes_of(path) for path in files]
    try:
        messages, cells = decode(contents, sites=sites, fields=table.fields, method=method)
    except ResponseError as error:
        raise FileFormatError(error.found, error.expected, error.remedy) from error
    held = [field for field in table.fields if any(message.is_of(field) for message in messages)]
    if not held:
        raise SchemaError(
            f"{', '.join(path.name for path in files)} hold {_inventory(messages)}.",
            f"Files of {model} hold {', '.join(field.index for field in table.fields)}.",
            "Name the right model, or fetch other fields.",
        )
    wanted = needed_fields(table, names) if names else held
    weather = parse_grib(messages, model=table, fields=wanted, cells=cells, sites=sites)
    return weather_schema.check_weather(weather, sites=sites, label=f"the run of {model}")


def _model(name: str) -> GribModel:
    if name not in MODELS:
        raise SchemaError(
            f"The weather model {name!r} is unknown.",
            f"Known are {', '.join(MODELS)}.",
            "Choose one of them, or read the file with another library and write NetCDF.",
        )
    return MODELS[name]


def _bytes_of(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(
            f"{path} cannot be read: {error.strerror}.", "GRIB files are there.", "Check the path."
        ) from error
    try:
        # Files put together from byte ranges often hold the first byte of what followed in the original.
        return b"".join(split_messages(data, label=path.name, padding=_PADDING))
    except ResponseError as error:
        raise FileFormatError(error.found, error.expected, error.remedy) from error


def _inventory(messages: Iterable[Message]) -> str:
    names = sorted({f"{message.about['name']} at level {message.about['level']}" for message in messages})
    return ", ".join(names[:8]) or "nothing"


# --- Decoding ---------------------------------------------------------------------------------------


def decode(
    contents: Sequence[bytes],
    *,
    sites: Sequence[Site],
    fields: Sequence[Field] = (),
    method: Method = "nearest",
    timeout: float = 600.0,
) -> tuple[list[Message], Cells]:
    """Fields of GRIB data at sites, decoded in a child process.

    Parameters
    ----------
    contents : sequence of bytes
        Whole messages, of one grid.
    sites : sequence of Site
    fields : sequence of Field
        Which of them are smooth, so that a hole shows.
    method : {"nearest", "bilinear"}
    timeout : float
        [s]

    Returns
    -------
    messages : list of Message
    cells : Cells

    Raises
    ------
    ResponseError
        If a message cannot be decoded, or the child died of it: the process that calls never does.
    DependencyError
        If the extra ``grib`` is not installed.

    Examples
    --------
    >>> decode([b"<html>"], sites=[])
    Traceback (most recent call last):
        ...
    energyforecast.errors.ResponseError: GRIB data holds b'<html>' at byte 0, which is no GRIB.
    Each message is whole and ends with 7777.
    The file is damaged or still being written: fetch it again.
    """
    whole = [split_messages(content) for content in contents]
    with tempfile.TemporaryDirectory(prefix="energyforecast-") as folder:
        paths = [Path(folder) / f"{number}.grib" for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        first = Path(folder) / "first.grib"
        first.write_bytes(whole[0][0])
        with _Child(folder, timeout) as child:
            about, arrays = child.asked([first])
            grid = about[0]["grid"]
            cells = _grid(arrays, about[0]).cells(sites, method=method)
            smooth: list[Any] = [list(code) for one in fields if one.smooth for code in one.codes]
            smooth += [number for one in fields if one.smooth for number in one.parameters]
            about, arrays = child.asked(paths, cells={grid: cells.needed.tolist()}, smooth=smooth)
    counted = np.bincount([one["file"] for one in about], minlength=len(whole))
    for number, messages in enumerate(whole):
        if counted[number] < len(messages):
            raise ResponseError(
                f"Of {len(messages)} messages of file {number}, {counted[number]} were decoded.",
                "Every message is decoded.",
                "The file is damaged: fetch it again.",
            )
    place = cells.among_needed()
    return [Message(one, arrays[f"values_{k}"][place]) for k, one in enumerate(about)], cells


def _grid(arrays: dict[str, Floats], about: dict[str, Any]) -> Grid:
    latitude, longitude = (arrays[f"{name}_{about['grid']}"] for name in ("latitude", "longitude"))
    if about["grid_type"] == "regular_ll":
        return Grid(latitude[:, 0], longitude[0])
    return Grid(latitude, longitude)


class _Child:
    """The process that decodes; it ends with the block, whatever happens."""

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

    def __exit__(self, *_: object) -> None:
        self.timer.cancel()
        with contextlib.suppress(OSError):  # it may have died with the request unread
            self.process.communicate()
        self.complaints.close()

    def asked(
        self, paths: Sequence[Path], *, cells: dict[str, list[int]] | None = None, smooth: Sequence[Any] = ()
    ) -> tuple[list[dict[str, Any]], dict[str, Floats]]:
        """What the headers of messages say, and arrays: the grid, or with cells their values."""
        answer = self.folder / "answer.npz"
        answer.unlink(missing_ok=True)
        request = {
            "files": [str(path) for path in paths],
            "cells": cells,
            "smooth": list(smooth),
            "answer": str(answer),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        said = self.process.stdout.readline().strip()
        if said != "written" or not answer.exists():
            raise self._failure(said)
        with np.load(io.BytesIO(answer.read_bytes()), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        return json.loads(bytes(found.pop("messages")).decode()), found

    def _failure(self, said: str) -> DependencyError | ResponseError:
        code = self.process.wait()
        if code == ABSENT:
            return DependencyError(
                f"GRIB cannot be decoded: {said}.",
                "GRIB is decoded with the extra 'grib'.",
                "Use: python -m pip install 'energyforecast[grib]'.",
            )
        if code == DAMAGED:
            return _undecodable(said.replace(f"{self.folder}{os.sep}", ""))
        self.complaints.seek(0)
        last = self.complaints.read().strip().splitlines()[-1:] or ["it said nothing"]
        return _undecodable(f"the decoder ended with exit code {code} within {self.timeout:g} s: {last[0]}")


def _environment() -> dict[str, str]:
    """The child finds the same packages, also where the path was changed after the start."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}


def _undecodable(why: str) -> ResponseError:
    return ResponseError(
        f"GRIB data cannot be decoded: {why}.",
        "Each message is whole and undamaged.",
        "Fetch the file again; if it stays so, the source has published a damaged one.",
    )


# --- Meaning ----------------------------------------------------------------------------------------


def parse_grib(
    messages: Sequence[Message],
    *,
    model: GribModel,
    fields: Sequence[Field],
    cells: Cells,
    sites: Sequence[Site],
    leads: Sequence[int] = (),
    members: Sequence[int] = (),
) -> xr.Dataset:
    """Weather of the library from decoded messages of one run.

    Parameters
    ----------
    messages : sequence of Message
    model : GribModel
    fields : sequence of Field
        Each must be there at every lead, for every member; means and sums not at lead 0.
    cells : Cells
    sites : sequence of Site
    leads : sequence of int
        Hours that must be there; those that any message has if not given. [h]
    members : sequence of int
        Likewise.

    Returns
    -------
    Dataset

    Raises
    ------
    MissingDataError
        If a field is missing somewhere.
    TimeError
        If messages are of several runs, or declare windows that their label does not have.

    Examples
    --------
    >>> grid = Grid(np.array([44.0, 43.0]), np.array([78.0, 79.0]))
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.6)
    >>> about = {"code": [0, 0, 0], "surface": 103, "level": 2, "init_time": "20240601T0000", "begin": 60, "end": 60,
    ...          "statistic": None, "member": 0, "resolution": 0.01, "grid_relative": False, "name": "2t"}
    >>> field = next(field for field in MODELS["gfs"].fields if field.name == "temp_air")
    >>> warm = Message(about, np.array([[300.0]]))
    >>> cells = grid.cells([farm])
    >>> weather = parse_grib([warm], model=MODELS["gfs"], fields=[field], cells=cells, sites=[farm])
    >>> round(float(weather["temp_air"].item()), 2)
    26.85
    """
    held = [(one, [message for message in messages if message.is_of(one)]) for one in fields]
    init = _one_run([message for _, found in held for message in found])
    hours = _axis(leads, [m.about["end"] / 60 for _, found in held for m in found])
    people = [int(one) for one in _axis(members, [m.about["member"] for _, found in held for m in found])]
    lead = (hours * 60).round().astype("timedelta64[m]").astype("timedelta64[ns]")
    cubes: dict[str, Floats] = {}
    notes: dict[str, float] = {}
    for one, found in held:
        cube, start, resolution = _cube(one, found, lead, people)
        if one.label is not Label.INSTANT:
            cube, clipped = _means(one, cube, lead, start=start, resolution=resolution)
            notes |= {f"clipped_{one.name}": clipped} if clipped else {}
        cubes[one.name] = cube * one.factor + one.offset
        if one.name == "cloud_cover" and one.label is not Label.INSTANT:
            cubes[one.name] = np.minimum(cubes[one.name], 100.0)  # by rounding, as below 0
    _rotate(cubes, held, cells)
    weather = _assembled(average(cubes, cells.weights), init, lead, people, len(model.members) > 1)
    _methods(weather, fields)
    # A mean that stands at the beginning of its step came with the file of the step's end.
    later = np.append(lead[1:], lead[-1:]) if any(f.label is not Label.INSTANT for f in fields) else lead
    available = model.delay.available_time(np.array([init]), later)
    weather = weather.assign_coords(available_time=(("init_time", "lead_time"), available))
    weather.attrs = {"kind": "forecast", "source": model.name, "attribution": model.attribution, **notes}
    return dark_at_night(weather.assign_coords(cell_coords(cells, sites)), sites=sites)


def _one_run(messages: Sequence[Message]) -> np.datetime64:
    stamps = sorted({message.about["init_time"] for message in messages})
    if not stamps:
        raise MissingDataError(
            "No message holds any of the fields asked for.",
            "Each field is there.",
            "Check the file and the model.",
        )
    if len(stamps) > 1:
        raise TimeError(
            f"The messages are of the runs {stamps[0]} and {stamps[1]}.",
            "Files of one run are read together.",
            "Read each run by itself and join them along init_time.",
        )
    return np.datetime64(pd.to_datetime(stamps[0], format="%Y%m%dT%H%M"), "ns")


def _axis(given: Sequence[int], found: Sequence[float]) -> npt.NDArray[np.float64]:
    return np.array(sorted(given or set(found)), dtype=float)


def _cube(
    one: Field, messages: Sequence[Message], lead: npt.NDArray[Any], members: Sequence[int]
) -> tuple[Floats, npt.NDArray[Any], float]:
    """Values (member, lead, sites, cells), beginnings of the windows and the coarsest rounding of a field."""
    wanted = [m for m in messages if _right_statistic(one, m)]
    shape = messages[0].values.shape if messages else (0, 0)
    cube = np.full((len(members), len(lead), *shape), np.nan)
    there = np.zeros(cube.shape[:2], dtype=bool)
    start = lead.copy()
    for message in wanted:
        begin, end = (one_end.astype("timedelta64[ns]") for one_end in message.window)
        k = int(np.searchsorted(lead, end))
        if k == len(lead) or lead[k] != end or message.about["member"] not in members:
            continue
        place = members.index(message.about["member"]), k
        if there[place] and not np.array_equal(cube[place], message.values, equal_nan=True):
            raise SchemaError(
                f"{one.index} at lead {lead[k] / _MINUTE / 60:g} h stands twice in the files, with other values.",
                "A field stands once for each lead and member.",
                "Read the files of one product.",
            )
        cube[place], there[place], start[k] = message.values, True, begin
    _complete(one, there, lead, members)
    return cube, start, max((m.about["resolution"] for m in wanted), default=0.0)


def _right_statistic(one: Field, message: Message) -> bool:
    """A file may hold a field as instant and as mean."""
    found = message.about["statistic"]
    wanted = None if one.label is Label.INSTANT else "sum" if one.label in _SUMS else "mean"
    return bool(found == wanted)


def _complete(
    one: Field, there: npt.NDArray[np.bool_], lead: npt.NDArray[Any], members: Sequence[int]
) -> None:
    needed = np.ones_like(there)
    if one.label is not Label.INSTANT:
        needed[:, lead == np.timedelta64(0, "ns")] = False  # nothing has been summed yet
    if (there | ~needed).all():
        return
    member, k = np.argwhere(needed & ~there)[0]
    raise MissingDataError(
        f"{one.index} is missing at lead {lead[k] / _MINUTE / 60:g} h"
        + (f" of member {members[member]}" if len(members) > 1 else "")
        + f": {int((needed & ~there).sum())} of {int(needed.sum())} fields.",
        "A run is whole: each variable at each lead, for each member.",
        "It is still being published, or the file is cut: take the previous run, or ask for fewer variables or leads.",
    )


def _means(
    one: Field, cube: Floats, lead: npt.NDArray[Any], *, start: npt.NDArray[Any], resolution: float
) -> tuple[Floats, float]:
    check_windows(start, lead, label=one.label, name=one.index)
    values = xr.DataArray(
        cube, dims=("member", "lead_time", "site", "cell"), coords={"lead_time": lead}, name=one.index
    )
    means = de_accumulate(values, label=one.label, resolution=resolution)
    return np.asarray(means.values), float(means.attrs["clipped"])


def rotated(u: Floats, v: Floats, *, longitude: Floats, lambert: Sequence[float]) -> tuple[Floats, Floats]:
    """Winds along the axes of a Lambert conformal grid, turned to the east and to the north.

    Parameters
    ----------
    u, v : array
        Along the rows and along the columns of the grid. [m s⁻¹]
    longitude : array
        Of the cells. [degree]
    lambert : sequence of float
        Longitude of the grid's vertical, and its two standard parallels. [degree]

    Returns
    -------
    east, north : array
        [m s⁻¹]

    References
    ----------
    Snyder (1987), Map projections: a working manual, equations 15-3 and 15-4 (the angle between the meridian and
    the grid's vertical is the cone's constant times the difference of longitude),
    https://doi.org/10.3133/pp1395.

    Examples
    --------
    East of the grid's vertical, the meridians lean to the left: what blows up the columns blows to the north and
    a little to the east.

    >>> east, north = rotated(0.0, 10.0, longitude=-75.0, lambert=(-97.5, 38.5, 38.5))
    >>> round(float(east), 2), round(float(north), 2)
    (2.42, 9.7)
    """
    vertical, first, second = lambert
    angle = _cone(first, second) * np.radians((np.asarray(longitude) - vertical + 180.0) % 360.0 - 180.0)
    east = u * np.cos(angle) + v * np.sin(angle)
    north = -u * np.sin(angle) + v * np.cos(angle)
    return np.asarray(east), np.asarray(north)


def _cone(first: float, second: float) -> float:
    one, two = np.radians([first, second])
    if abs(first - second) < 1e-9:
        return float(np.sin(one))
    ratio = np.log(np.tan(np.pi / 4 + two / 2) / np.tan(np.pi / 4 + one / 2))
    return float(np.log(np.cos(one) / np.cos(two)) / ratio)


def _rotate(cubes: dict[str, Floats], held: Sequence[tuple[Field, list[Message]]], cells: Cells) -> None:
    about = {one.name: found[0].about for one, found in held if found}
    for name in [name for name in cubes if name.startswith("wind_u_")]:
        other = name.replace("_u_", "_v_")
        if not about[name]["grid_relative"] or about[name]["grid_type"] in ("regular_ll", "regular_gg"):
            continue
        lambert = about[name]["lambert"]
        if other not in cubes or lambert is None or cells.cell_longitudes is None:
            raise SchemaError(
                f"{name} is relative to a grid of the type {about[name]['grid_type']!r}.",
                "Winds are turned to the east on Lambert grids, both components together.",
                "Read both components, or convert the file to winds relative to the earth.",
            )
        cubes[name], cubes[other] = rotated(
            cubes[name], cubes[other], longitude=cells.cell_longitudes, lambert=lambert
        )


def _assembled(
    values: dict[str, Floats],
    init: np.datetime64,
    lead: npt.NDArray[Any],
    members: Sequence[int],
    ensemble: bool,
) -> xr.Dataset:
    """Values (member, lead, site) as a dataset of one run."""
    if "direct_horizontal" in values:
        values["ghi"] = values.pop("direct_horizontal") + values["dhi"]
    dims = ("member", "lead_time", "site")
    weather = xr.Dataset(
        {name: (dims, array.astype(np.float32)) for name, array in values.items()},
        coords={"lead_time": lead, "member": list(members)},
    ).expand_dims(init_time=np.array([init], dtype="datetime64[ns]"))
    if not ensemble:
        weather = weather.isel(member=0, drop=True)
    return weather.transpose("site", "init_time", "lead_time", *(["member"] if ensemble else []))


def _methods(weather: xr.Dataset, fields: Sequence[Field]) -> None:
    labels = {one.name: one.label for one in fields}
    labels |= {"ghi": labels["direct_horizontal"]} if "direct_horizontal" in labels else {}
    for name in map(str, weather.data_vars):
        row = variables.lookup(name)
        point = labels.get(name, Label.INSTANT) is Label.INSTANT
        weather[name].attrs = {
            "units": row.units,
            "standard_name": row.standard_name,
            "cell_methods": variables.POINT if point else variables.MEAN,
        }
