"""Weather models fetched field by field from their GRIB files: GFS, GEFS, HRRR, IFS, AIFS, ICON-EU."""

from __future__ import annotations

import bz2
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.http import Http
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.errors import MissingDataError, ResponseError
from energyforecast.weather.processing.grid_cells import Method
from energyforecast.weather.sources.common.base import RunSource, finished
from energyforecast.weather.sources.grib.decode import Message, decode
from energyforecast.weather.sources.grib.index import (
    ByteRange,
    message_length,
    parse_ecmwf_index,
    parse_idx,
    split_messages,
)
from energyforecast.weather.sources.grib.models import MODELS, Field, GribModel, given_names, needed_fields
from energyforecast.weather.sources.grib.parser import parse_grib

__all__ = ["AifsOpenData", "Gefs", "Gfs", "GribSource", "Hrrr", "IconEu", "IfsOpenData"]

#: Before this day, runs of ECMWF at 06 and 18 UTC had a separate stream.
_ONE_STREAM: Final = pd.Timestamp("2026-05-12", tz="UTC")
#: Largest unpacked file: a field of ICON-EU has 900 thousand values. [bytes]
_UNPACKED: Final = 1 << 26


@dataclass(frozen=True)
class _Part:
    """Fields of one member in one file."""

    lead: int
    member: int
    fields: tuple[Field, ...]


@checked(last_lead="0h", connections=(1, 1000))
@dataclass(frozen=True, kw_only=True)
class GribSource(RunSource):
    """Weather model on a server that supports byte ranges; its subclasses are the models.

    Parameters
    ----------
    variables : tuple of str
        Those of the model by default.
    last_lead : str or timedelta
        Last requested lead.
    method : {"nearest", "bilinear"}
        Interpolation from the grid to a site.
    base_url : str
        Address of a mirror; that of the model by default.
    members : tuple of int
        Of an ensemble, all by default; 0 is the control run.
    connections : int
        Number of files requested at once.
    http : Http

    Examples
    --------
    >>> Gfs(last_lead="48h").leads(pd.Timestamp("2024-06-01 00:00", tz="UTC"))[-2:].astype("timedelta64[h]")
    array([47, 48], dtype='timedelta64[h]')
    """

    model: ClassVar[GribModel]

    variables: tuple[str, ...] = ()
    last_lead: Any = "5D"
    method: Method = "nearest"
    base_url: str = ""
    members: tuple[int, ...] = ()
    connections: int = 4
    http: Http = field(default_factory=Http, repr=False)

    #: Fields required in the files for these variables.
    fields: tuple[Field, ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        asked, model = tuple(self.variables), self.model
        fields = needed_fields(model, asked) if asked else model.fields
        labels, given = {wanted.name: wanted.label for wanted in fields}, asked or given_names(fields)
        declared = {
            "variables": given,
            "labels": {name: labels.get(name, self._derived(name, labels)) for name in given},
            "base_url": self.base_url or model.base_url,
            "members": tuple(self.members) or model.members,
            "fields": fields,
        } | {name: getattr(model, name) for name in ("name", "cycle", "latency", "attribution")}
        for name, value in declared.items():
            object.__setattr__(self, name, value)

    @staticmethod
    def _derived(name: str, labels: dict[str, Label]) -> Label:
        return labels.get("direct_horizontal", Label.INSTANT) if name == "ghi" else Label.INSTANT

    def leads(self, init_time: pd.Timestamp) -> npt.NDArray[np.timedelta64]:
        """Requested lead times."""
        return np.array(self._hours(init_time)).astype("timedelta64[h]").astype("timedelta64[ns]")

    def _hours(self, init_time: pd.Timestamp) -> tuple[int, ...]:
        last = timestamps.duration(self.last_lead) / pd.Timedelta("1h")
        return tuple(lead for lead in self.model.leads(init_time.hour) if lead <= last)

    def get_run(self, sites: Sequence[Site], init_time: pd.Timestamp) -> xr.Dataset:
        """One run at some sites, whole.

        Raises
        ------
        RunNotPublishedError
            If a file is not published (yet).
        ResponseError
            If a field is missing or damaged, or the files are of another run than their index.
        SourceError
            If the server cannot be reached.
        """
        init = timestamps.instant(init_time)
        parts = self._parts(init)
        with ThreadPoolExecutor(self.connections) as pool:
            jobs = [pool.submit(self._get, init, part) for part in parts]
            try:
                contents = [job.result() for job in jobs]
            finally:
                pool.shutdown(cancel_futures=True)
        messages, cells = decode(contents, sites=sites, fields=self.fields, method=self.method)
        for number, part in enumerate(parts):
            _check(part, [m for m in messages if m.about["file"] == number], init, self.name)
        try:
            weather = parse_grib(
                messages,
                model=self.model,
                fields=self.fields,
                cells=cells,
                sites=sites,
                leads=self._hours(init),
                members=self.members,
            )
        except MissingDataError as error:
            raise ResponseError(error.found, error.expected, error.remedy) from error
        weather.attrs["retrieved_at"] = timestamps.now().isoformat()
        return finished(weather[list(self.variables)], source=self, sites=sites)

    def _parts(self, init: pd.Timestamp) -> list[_Part]:
        files = []
        for member, lead in product(self.members, self._hours(init)):
            fields = tuple(wanted for wanted in self.fields if lead > 0 or wanted.label is Label.INSTANT)
            # Without an index, each field is a file.
            groups = [(wanted,) for wanted in fields] if self.model.index == "none" else [fields]
            files += [_Part(lead, member, group) for group in groups if group]
        return files

    def _url(self, init: pd.Timestamp, part: _Part) -> str:
        name, _, level = part.fields[0].index.partition(":")
        path = self.model.path.format(
            init=init,
            lead=part.lead,
            member=self.model.member_names.get(part.member, part.member),
            stream="scda" if init.hour in (6, 18) and init < _ONE_STREAM else "oper",
            folder=name.lower(),
            level="model-level" if level else "single-level",
            file=f"{level}_{name}" if level else name,
        )
        return f"{self.base_url.rstrip('/')}/{path}"

    def _get(self, init: pd.Timestamp, part: _Part) -> bytes:
        url = self._url(init, part)
        if self.model.index == "none":
            data = _unpacked(self.http.get(url), url)
            split_messages(data, label=_last(url))
            return data
        return self._ranges(url, self._byte_ranges(url, init, part))

    def _byte_ranges(self, url: str, init: pd.Timestamp, part: _Part) -> list[ByteRange]:
        ecmwf = self.model.index == "ecmwf"
        address = f"{url.removesuffix('.grib2')}.index" if ecmwf else f"{url}.idx"
        text = self.http.get(address).decode("utf-8", errors="replace")
        listed = (parse_ecmwf_index if ecmwf else parse_idx)(text)
        chosen = []
        for wanted in part.fields:
            found = [entry for entry in listed if _names(entry, wanted, part, ecmwf=ecmwf)]
            if not found:
                raise ResponseError(
                    f"{_last(address)} has no {wanted.index} at lead {part.lead} h.",
                    "Each variable must be present at each lead.",
                    "The run is still being published, or no longer has it: take the previous run, or request less.",
                )
            if found[0].init_time != f"{init:%Y%m%d%H}":
                raise ResponseError(
                    f"{_last(address)} is of the run {found[0].init_time}.",
                    f"The run {init:%Y%m%d%H} was requested.",
                    "The server has an old index: try again later.",
                )
            chosen.append(found[0])
        return chosen

    def _ranges(self, url: str, ranges: Sequence[ByteRange]) -> bytes:
        """Bytes of ranges, in the order of the file; neighbours in one request."""
        ordered = sorted({(item.first, item.last) for item in ranges})
        known = [(first, self._end(url, first) if last is None else last) for first, last in ordered]
        groups: list[list[tuple[int, int]]] = []
        for first, last in known:
            if groups and groups[-1][-1][1] + 1 == first:
                groups[-1].append((first, last))
            else:
                groups.append([(first, last)])
        contents = []
        for group in groups:
            data = self.http.get(url, byte_range=(group[0][0], group[-1][1]))
            split_messages(data, label=_last(url), lengths=[last - first + 1 for first, last in group])
            contents.append(data)
        return b"".join(contents)

    def _end(self, url: str, first: int) -> int:
        """Last byte of the last message of a file, by its header."""
        length = message_length(self.http.get(url, byte_range=(first, first + 15)))
        if length is None:
            raise ResponseError(
                f"{_last(url)} holds no message at byte {first}.",
                "The index must name the first byte of each message.",
                "File and index are of different times: try again later.",
            )
        return first + length - 1


def _names(entry: ByteRange, wanted: Field, part: _Part, *, ecmwf: bool) -> bool:
    """Whether a line of an index is that of a field."""
    if entry.name != wanted.index or entry.end != part.lead:
        return False
    if ecmwf:  # without windows and statistics in its index, and with one product for each name
        return entry.member == part.member
    mean = wanted.label.name.startswith("MEAN")
    return entry.statistic == (None if wanted.label is Label.INSTANT else "mean" if mean else "sum")


def _check(part: _Part, messages: Sequence[Message], init: pd.Timestamp, name: str) -> None:
    """Check decoded messages against the index, or the name, of their file."""
    lead = np.timedelta64(part.lead, "h")
    for wanted in part.fields:
        fitting = [m for m in messages if m.is_of(wanted)]
        right = [
            m
            for m in fitting
            if m.window[1] == lead
            and m.about["member"] == part.member
            and m.about["init_time"] == f"{init:%Y%m%dT%H%M}"
        ]
        if not right:
            content = ", ".join(
                f"{m.about['name']} at level {m.about['level']} of {m.about['init_time']} at {m.about['end'] / 60:g} h"
                for m in messages[:4]
            )
            raise ResponseError(
                f"The file of {name} for {wanted.index} at lead {part.lead} h holds {content or 'no message'}.",
                f"It must hold {wanted.index} of {init:%Y%m%dT%H%M}"
                + (f", member {part.member}." if part.member else "."),
                "File and index are of different times, or the source has changed: try again later.",
            )


def _unpacked(data: bytes, url: str) -> bytes:
    unpacker = bz2.BZ2Decompressor()
    try:
        found = unpacker.decompress(data, _UNPACKED)
    except (OSError, EOFError, ValueError) as error:
        raise _not_packed(url, "cannot be unpacked") from error
    if not unpacker.eof:
        whole = "is cut" if unpacker.needs_input else f"unpacks to more than {_UNPACKED} bytes"
        raise _not_packed(url, whole)
    return found


def _not_packed(url: str, problem: str) -> ResponseError:
    return ResponseError(
        f"{_last(url)} {problem}.",
        "It must be a GRIB file packed by bzip2.",
        "It is damaged or still being written: try again later.",
    )


def _last(url: str) -> str:
    return url.rpartition("/")[2]


class Gfs(GribSource):
    """NOAA's global forecast system, 0.25 degrees: hourly to 120 h, then every 3 h to 384 h.

    See Also
    --------
    read_grib : Files on disk.
    Gefs : The ensemble.

    Examples
    --------
    >>> Gfs(variables=("wind_speed_100m", "ghi")).labels["ghi"].value
    'mean from the last reset, every six hours, to the stamp'
    """

    model = MODELS["gfs"]


class Gefs(GribSource):
    """NOAA's global ensemble, 0.5 degrees: control and 30 members, every 3 h to 240 h, then every 6 h.

    See Also
    --------
    Gfs : The single forecast.
    read_noaa_ensemble : NetCDF files of a run.

    Examples
    --------
    >>> len(Gefs().members), Gefs(members=(0, 1, 2)).members
    (31, (0, 1, 2))
    """

    model = MODELS["gefs"]


class Hrrr(GribSource):
    """NOAA's model of North America, 3 km: hourly to 18 h, to 48 h at 00, 06, 12 and 18 UTC.

    Its radiation is instantaneous, and its winds follow its grid until they are turned here.

    See Also
    --------
    Gfs : The global model.

    Examples
    --------
    >>> Hrrr(last_lead="48h").leads(pd.Timestamp("2024-06-01 07:00", tz="UTC")).size  # 0 to 18 h
    19
    """

    model = MODELS["hrrr"]


class IfsOpenData(GribSource):
    """ECMWF's forecast, 0.25 degrees: every 3 h to 144 h, then every 6 h to 360 h at 00 and 12 UTC.

    See Also
    --------
    AifsOpenData : The learnt model.
    read_grib : Files on disk.

    Examples
    --------
    >>> IfsOpenData(base_url="https://storage.googleapis.com/ecmwf-open-data").name
    'ifs'
    """

    model = MODELS["ifs"]


class AifsOpenData(GribSource):
    """ECMWF's learnt forecast, 0.25 degrees, every 6 h.

    See Also
    --------
    IfsOpenData : The physical model.

    Examples
    --------
    >>> AifsOpenData().leads(pd.Timestamp("2024-06-01", tz="UTC"))[:3].astype("timedelta64[h]")
    array([ 0,  6, 12], dtype='timedelta64[h]')
    """

    model = MODELS["aifs"]


class IconEu(GribSource):
    """DWD's model of Europe, 0.0625 degrees: hourly to 78 h, then every 3 h to 120 h; kept for a day.

    Winds at 78 and 127 m are those of its model levels.

    See Also
    --------
    OpenMeteo : ICON by point.

    Examples
    --------
    >>> IconEu().labels["ghi"].value
    'mean from the start of the run to the stamp'
    """

    model = MODELS["icon_eu"]
