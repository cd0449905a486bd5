"""Manifest of an archive: one small file for each source, replaced atomically, that lists its files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from energyforecast.core.files import checksum, refused, write_whole
from energyforecast.errors import FileFormatError, SchemaError, StoreError
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
        return _parsed(json.loads(text), folder)

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


def _parsed(state: dict[str, Any], folder: Path) -> Manifest:
    if state.pop("format", None) != _FORMAT or state.pop("schema", None) != _SCHEMA:
        raise FileFormatError(
            f"{folder.name}/{_FILE} was written by another version of the library, or is not ours.",
            f"Its schema must be {_SCHEMA}.",
            "Upgrade energyforecast.",
        )
    files = [_record(item) for item in state.pop("files")]
    asked = {int(block): sites for block, sites in state.pop("asked").items()}
    absent = {int(block): sites for block, sites in state.pop("absent", {}).items()}
    reasons = {int(block): text for block, text in state.pop("reasons").items()}
    state["variables"] = tuple(state["variables"])
    state["sites"] = {name: (place[0], place[1]) for name, place in state["sites"].items()}
    return Manifest(folder=folder, files=files, asked=asked, absent=absent, reasons=reasons, **state)


def _record(item: dict[str, Any]) -> Record:
    if not _FILE_NAME.fullmatch(item["name"]):
        raise StoreError(
            f"A manifest names the file {item['name'][:80]!r}.",
            "Files must be named by the checksum of their bytes.",
            "Restore the store from a copy: its manifest was altered by hand.",
        )
    short = {int(block): dict(shares) for block, shares in item["short"].items()}
    lists = {key: tuple(item[key]) for key in ("sites", "blocks", "arrived", "variables")}
    return Record(name=item["name"], short=short, reach=item["reach"], size=item["size"], **lists)


def _rebuilt(folder: Path) -> Manifest | None:
    """Manifest rebuilt from the records inside the files; ``None`` without files."""
    result: Manifest | None = None
    for path in sorted((folder / "files").glob("*.zip")):
        try:
            content = verified(path)
            description = from_bytes(content).record
        except DamagedFileError:
            continue  # its blocks are missing then, and requested again
        if result is None:
            result = Manifest(folder=folder, source=description["source"], kind=description["kind"])
        _adopt(result, description, _record({**description["file"], "name": path.stem, "size": len(content)}))
    if result is not None:
        result.files.sort(key=lambda record: record.blocks)
    return result


def _adopt(manifest: Manifest, description: Mapping[str, Any], record: Record) -> None:
    manifest.files.append(record)
    manifest.attribution, manifest.cycle = description["attribution"], description["cycle"]
    manifest.variables = tuple(description["variables"])
    manifest.sites.update({name: (place[0], place[1]) for name, place in description["places"].items()})
    manifest.first = min(record.blocks) if manifest.first is None else min(manifest.first, *record.blocks)
    manifest.last = max(record.blocks) if manifest.last is None else max(manifest.last, *record.blocks)
    manifest.newest = max(manifest.newest, description["stored"])
