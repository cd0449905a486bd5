"""Manifests and archive files that have their checksum, and another content than the library writes."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import FileFormatError, StoreError
from energyforecast.testing import example_source

FARM = ef.Site(name="farm", latitude=43.6, longitude=78.5)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    ef.weather.Store(folder, clock=lambda: pd.Timestamp("2024-06-03 13:00", tz="UTC")).update(
        example_source(), sites=[FARM], since="2024-06-02"
    )
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "store"))


def _altered(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / "calm" / "manifest.json"
    tree = json.loads(path.read_bytes().partition(b"\n")[2])
    found = change(tree)
    _write(path, json.dumps(tree if found is None else found))


def _write(path: Path, text: str) -> None:
    path.write_bytes(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}\n".encode())


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    """Put the last item into the place before it."""

    def change(tree: Any) -> None:
        for key in path[:-2]:
            tree = tree[key]
        tree[path[-2]] = path[-1]

    return change


def _drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(tree: Any) -> None:
        for key in path[:-1]:
            tree = tree[key]
        del tree[path[-1]]

    return change


@pytest.mark.parametrize(
    "change",
    [
        *(_drop("files"), _drop("asked"), _drop("variables"), _drop("files", 0, "arrived"), _drop("source")),
        *(_set("files", "x"), _set("files", 0, "x"), _set("files", 0, "blocks", [])),
        *(_set("files", 0, "blocks", [10**30]), _set("files", 0, "blocks", [1e9])),
        *(_set("files", 0, "arrived", [None, None]), _set("files", 0, "arrived", ["x"])),
        *(
            _set("files", 0, "sites", [["farm"]]),
            _set("files", 0, "reach", "1"),
            _set("files", 0, "short", []),
        ),
        *(_set("files", 0, "short", {"1": {"farm": 2}}), _set("files", 0, "size", True)),
        *(
            _set("cycle", 0),
            _set("cycle", "12h"),
            _set("newest", {}),
            _set("first", "2024"),
            _set("last", []),
        ),
        *(_set("kind", "runs"), _set("source", []), _set("source", "other"), _set("sites", {"farm": [1]})),
        *(_set("sites", {"farm": [float("nan"), 1]}), _set("lost", [{}]), _set("retired", {"a": "b"})),
        *(_set("absent", {"x": {}}), _set("reasons", {"1": None}), _set("attribution", None)),
        *(lambda tree: [tree], lambda tree: [], lambda _: "x"),
    ],
)
def test_a_manifest_of_another_form_is_named(folder: Path, change: Any) -> None:
    _altered(folder, change)
    store = ef.weather.Store(folder)
    for call in (store.open, store.describe, store.sources, store.quarantined):
        with pytest.raises((StoreError, FileFormatError), match=r"manifest\.json|source is named"):
            call()


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": "\\ud800"}', "9" * 5_000])
def test_a_manifest_that_is_no_json(folder: Path, text: str) -> None:
    _write(folder / "calm" / "manifest.json", text)
    with pytest.raises(StoreError, match="does not describe an archive"):
        ef.weather.Store(folder).open()


def test_the_remedy_works(folder: Path) -> None:
    before = ef.weather.Store(folder).open().load()
    _altered(folder, _set("cycle", 0))
    (folder / "calm" / "manifest.json").unlink()
    assert ef.weather.Store(folder).open()["wind_speed_100m"].equals(before["wind_speed_100m"])


def _rewrite(folder: Path, change: Callable[[dict[str, bytes]], Any], *, listed: bool) -> None:
    """Change the newest archive file and name it by its checksum."""
    path = min((folder / "calm" / "files").glob("*.zip"))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path.unlink()
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path.with_name(f"{digest}.zip").write_bytes(buffer.getvalue())
    manifest = folder / "calm" / "manifest.json"
    text = manifest.read_text().partition("\n")[2].strip().replace(path.stem, digest)
    if listed:
        _write(manifest, text)
    else:
        manifest.unlink()


def _metadata(name: str, **keys: Any) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members[name] = json.dumps(json.loads(members[name]) | keys).encode()

    return change


_SPEED = "wind_speed_100m/zarr.json"


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        *(
            _metadata("zarr.json", attributes={}),
            _metadata("zarr.json", attributes=[]),
            _metadata("zarr.json", x=1),
        ),
        *(
            _metadata("zarr.json", attributes={"record": {}}),
            _metadata("zarr.json", attributes={"record": 3}),
        ),
        *(
            _metadata(_SPEED, shape=[1, 1, 10**9]),
            _metadata(_SPEED, shape="x"),
            _metadata(_SPEED, attributes=[1]),
        ),
        *(
            _metadata(_SPEED, dimension_names=["site", "x", "lead_time"]),
            _metadata(_SPEED, data_type="int32"),
        ),
        *(
            _metadata("site/zarr.json", dimension_names=["x"]),
            _metadata("available_time/zarr.json", shape=[7]),
        ),
        lambda members: members.update({_SPEED: b"[" * 100_000}),
        lambda members: [members.pop(name) for name in [*members] if name.startswith("available_time")],
        lambda members: [members.pop(name) for name in [*members] if name.startswith("site/")],
        lambda members: members.update({name: b"x" for name in members if "/c/" in name}),
    ],
)
def test_an_archive_file_of_another_form_is_named(folder: Path, change: Any, listed: bool) -> None:
    _rewrite(folder, change, listed=listed)
    store = ef.weather.Store(folder)
    found = ""
    try:
        weather = store.open().load()
    except StoreError as error:
        found = str(error)
    # One that is not listed is left out and its run is requested again; the record of a listed one is not needed.
    assert "file of the archive" in found or weather.sizes["init_time"] == (3 if listed else 2)
    store.describe()


def test_a_chunk_that_declares_thousands_of_times_its_bytes(folder: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        tree = json.loads(members[_SPEED])
        tree["chunk_grid"]["configuration"]["chunk_shape"] = [64, 1000, 1_000_000]
        members[_SPEED] = json.dumps(tree).encode()

    _rewrite(folder, change, listed=True)
    with pytest.raises(StoreError, match="bytes declare 256,0"):
        ef.weather.Store(folder).open()


def test_values_are_as_before(whole: Path) -> None:
    weather = ef.weather.Store(whole).open().load()
    assert np.nanmax(weather["wind_speed_100m"].values) == 2.0
