"""Manifest of an archive: one small file for each source, replaced atomically, that lists its files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from energyforecast.core.files import checksum, refused, write_whole
from energyforecast.core.structured_text import parse_json
from energyforecast.errors import EnergyForecastError, FileFormatError, SchemaError, StoreError
from energyforecast.weather.store import checked_values as values
from energyforecast.weather.store.archive_files import DamagedFileError, from_bytes, verified

__all__ = ["Manifest", "Record", "folder_of"]

_FORMAT: Final = "energyforecast.store"
_SCHEMA: Final = 1
_FILE: Final = "manifest.json"
_SOURCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.-]{0,99}")
_FILE_NAME: Final = re.compile(r"[0-9a-f]{64}")


def folder_of(store: Path, source: str) -> Path:
    """Folder of a source in a store."""
    if not _SOURCE.fullmatch(source):
        raise SchemaError(
            f"The source is named {source[:100]!r}.",
            "A name must consist of letters, digits and :_-., and begin with a letter or a digit.",
            "Rename the source.",
        )
    return store / source.replace(":", "+")


@dataclass(frozen=True, kw_only=True)
class Record:
    """Entry of an archive file in the manifest."""

    name: str  # checksum of its bytes
    sites: tuple[str, ...]
    blocks: tuple[int, ...]  # runs, or beginnings of months of an analysis [s since 1970]
    arrived: tuple[
        int | None, ...
    ]  # arrival by block; None where the declared latency applies [ns since 1970]
    #: Share of the expected values that are present, by block and site, where it is below one.
    short: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    reach: int = 0  # greatest lead [s]
    size: int = 0  # of its file [bytes]

    def whole(self, block: int) -> set[str]:
        """Sites with complete values."""
        return set(self.sites) - set(self.short.get(block, {}))

    def doubted(self, blocks: Iterable[int]) -> Record:
        """Copy that counts as incomplete in some blocks, after the loss of a file they build on."""
        doubt = {block: dict.fromkeys(self.sites, 0.0) for block in blocks if block in self.blocks}
        return replace(self, short={**self.short, **doubt})


@dataclass(kw_only=True)
class Manifest:
    """State of a source in a store."""

    folder: Path
    source: str
    kind: str
    attribution: str = ""
    variables: tuple[str, ...] = ()
    cycle: int = 0  # between runs, or steps of an analysis [s]
    first: int | None = None  # oldest block that was ever due [s since 1970]
    last: int | None = None  # newest one
    newest: int = 0  # when the last file was written, by the clock [ns since 1970]
    sites: dict[str, tuple[float, float]] = field(default_factory=dict)  # latitude and longitude
    files: list[Record] = field(default_factory=list)
    asked: dict[int, dict[str, int]] = field(
        default_factory=dict
    )  # requests without new values, by block and site
    #: Last request that found a block unpublished or incomplete, by block and site. [ns since 1970]
    absent: dict[int, dict[str, int]] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)  # of failures, by block
    lost: list[dict[str, Any]] = field(default_factory=list)  # damaged files that are not replaced yet
    #: Files that were merged into others, and when; readers may still use them. [ns since 1970]
    retired: dict[str, int] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Of a file."""
        return self.folder / "files" / f"{name}.zip"

    def save(self) -> None:
        """Replace the file: from here on its files exist, and no others do."""
        state = {key: value for key, value in vars(self).items() if key != "folder"}
        state["files"] = [vars(record) for record in self.files]
        content = json.dumps({"format": _FORMAT, "schema": _SCHEMA, **state}, ensure_ascii=True)
        write_whole(self.folder / _FILE, f"{checksum(content.encode())}\n{content}\n".encode())

    @classmethod
    def load(cls, folder: Path) -> Manifest | None:
        """Read a manifest; a damaged or lost one is made again from the files, which describe themselves."""
        try:
            content = (folder / _FILE).read_bytes()
        except FileNotFoundError:
            return _rebuilt(folder)
        except OSError as error:
            raise refused(error, folder / _FILE) from error
        expected, _, text = content.partition(b"\n")
        if checksum(text.rstrip(b"\n")).encode() != expected:
            return _rebuilt(folder)
        return _parsed(text, folder)

    def complete(self) -> dict[int, set[str]]:
        """Complete sites by block; blocks without any value are absent."""
        whole: dict[int, set[str]] = {}
        for record in self.files:
            for block in record.blocks:
                whole.setdefault(block, set()).update(record.whole(block))
        return whole

    def lose(self, record: Record, reason: str) -> None:
        """Remove a damaged file; its blocks are incomplete again."""
        self.files = [
            other.doubted(record.blocks) if set(other.sites) & set(record.sites) else other
            for other in self.files
            if other.name != record.name
        ]
        self.lost.append(
            {
                "file": record.name,
                "reason": reason,
                "sites": list(record.sites),
                "blocks": list(record.blocks),
                # A run that was complete in this file keeps its arrival when it is fetched again.
                "arrived": [
                    None if block in record.short else moment
                    for block, moment in zip(record.blocks, record.arrived, strict=True)
                ],
            }
        )

    def strike_found(self) -> None:
        """Remove losses from the list once they are fetched again."""
        whole = self.complete()
        self.lost = [
            item
            for item in self.lost
            if any(set(item["sites"]) - whole.get(block, set()) for block in item["blocks"])
        ]

    def arrival(self, block: int, sites: Iterable[str]) -> int | None:
        """Arrival of a lost block, if that is known for all of these sites."""
        wanted = set(sites)
        for item in self.lost:
            if block in item["blocks"] and wanted <= set(item["sites"]):
                moment: int | None = item["arrived"][item["blocks"].index(block)]
                return moment
        return None


def _parsed(text: bytes, folder: Path) -> Manifest:
    """Manifest of a text with its checksum, which another version or a hand may have written."""
    try:
        state = dict(parse_json(text))
        if state.pop("format", None) != _FORMAT or state.pop("schema", None) != _SCHEMA:
            raise FileFormatError(
                f"{folder.name}/{_FILE} was written by another version of the library, or is not ours.",
                f"Its schema must be {_SCHEMA}.",
                "Upgrade energyforecast.",
            )
        return _manifest(state, folder)
    except (LookupError, TypeError, ValueError) as error:
        if isinstance(error, EnergyForecastError):
            raise
        raise StoreError(
            f"{folder.name}/{_FILE} does not describe an archive: {error}.",
            "It must be as the library wrote it.",
            "Remove it, or restore the store from a copy: it is made again from the files of the archive.",
        ) from error


def _manifest(state: dict[str, Any], folder: Path) -> Manifest:
    """Manifest of its tree."""
    if folder_of(folder.parent, values.text(state["source"])) != folder:
        raise ValueError(f"it is of the source {state['source']!r}")
    first, last = (None if state[key] is None else values.seconds(state[key]) for key in ("first", "last"))
    counts, moments = partial(values.table, of=values.count), partial(values.table, of=values.time)
    return Manifest(
        folder=folder,
        source=state["source"],
        kind=_kind(state["kind"]),
        attribution=values.text(state["attribution"]),
        variables=values.texts(state["variables"]),
        cycle=values.count(state["cycle"], least=1),
        first=first,
        last=last,
        newest=values.time(state["newest"]),
        sites=values.table(state["sites"], values.place),
        files=[_record(item) for item in state["files"]],
        asked=values.by_block(state["asked"], counts),
        absent=values.by_block(state.get("absent", {}), moments),
        reasons=values.by_block(state["reasons"], values.text),
        lost=[_lost(item) for item in state["lost"]],
        retired=moments(state["retired"]),
    )


def _kind(value: Any) -> str:
    if value not in ("forecast", "analysis"):
        raise ValueError(f"its kind is {value!r}")
    return str(value)


def _record(item: Mapping[str, Any]) -> Record:
    name = values.text(item["name"])
    if not _FILE_NAME.fullmatch(name):
        raise StoreError(
            f"A manifest names the file {name[:80]!r}.",
            "Files must be named by the checksum of their bytes.",
            "Restore the store from a copy: its manifest was altered by hand.",
        )
    blocks, arrived = _arrivals(item)
    return Record(
        name=name,
        sites=values.texts(item["sites"]),
        blocks=blocks,
        arrived=arrived,
        short=values.by_block(item["short"], partial(values.table, of=values.share)),
        variables=values.texts(item["variables"]),
        reach=values.count(item["reach"]),
        size=values.count(item["size"]),
    )


def _lost(item: Mapping[str, Any]) -> dict[str, Any]:
    blocks, arrived = _arrivals(item)
    texts = {name: values.text(item[name]) for name in ("file", "reason")}
    return texts | {
        "sites": list(values.texts(item["sites"])),
        "blocks": list(blocks),
        "arrived": list(arrived),
    }


def _arrivals(item: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[int | None, ...]]:
    """Blocks of a file, at least one, and the arrival of each."""
    blocks, arrived = tuple(map(values.seconds, item["blocks"])), values.moments(item["arrived"])
    if not blocks or len(blocks) != len(arrived):
        raise ValueError(f"a file has {len(blocks)} blocks and {len(arrived)} arrivals")
    return blocks, arrived


def _rebuilt(folder: Path) -> Manifest | None:
    """Manifest rebuilt from the records inside the files; ``None`` without files."""
    result: Manifest | None = None
    for path in sorted((folder / "files").glob("*.zip")):
        try:
            content = verified(path)
            found = _described(from_bytes(content).record, name=path.stem, size=len(content))
        except (DamagedFileError, LookupError, TypeError, ValueError):
            continue  # its blocks are missing then, and requested again
        result = result or Manifest(folder=folder, source=found.source, kind=found.kind)
        _adopt(result, found)
    if result is not None:
        result.files.sort(key=lambda record: record.blocks)
    return result


@dataclass(frozen=True, kw_only=True)
class _Description:
    """Record inside an archive file."""

    source: str
    kind: str
    attribution: str
    cycle: int
    variables: tuple[str, ...]
    places: dict[str, tuple[float, float]]
    stored: int
    file: Record


def _described(record: Mapping[str, Any], *, name: str, size: int) -> _Description:
    return _Description(
        source=values.text(record["source"]),
        kind=_kind(record["kind"]),
        attribution=values.text(record["attribution"]),
        cycle=values.count(record["cycle"], least=1),
        variables=values.texts(record["variables"]),
        places=values.table(record["places"], values.place),
        stored=values.time(record["stored"]),
        file=_record({**record["file"], "name": name, "size": size}),
    )


def _adopt(manifest: Manifest, found: _Description) -> None:
    blocks = found.file.blocks
    manifest.files.append(found.file)
    manifest.attribution, manifest.cycle, manifest.variables = (
        found.attribution,
        found.cycle,
        found.variables,
    )
    manifest.sites.update(found.places)
    manifest.first = min(blocks) if manifest.first is None else min(manifest.first, *blocks)
    manifest.last = max(blocks) if manifest.last is None else max(manifest.last, *blocks)
    manifest.newest = max(manifest.newest, found.stored)
