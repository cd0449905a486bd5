"""Writing of archive files: new values of an answer, and small files merged into one."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, replace
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core.files import checksum, write_whole
from energyforecast.weather.store.archive_files import to_bytes
from energyforecast.weather.store.lazy_dataset import gathered
from energyforecast.weather.store.manifest import Manifest, Record

__all__ = ["fresh_part", "joined", "merge_files", "write_archive_file"]

#: Number of small files of the present month that are merged.
_MERGED_AT: Final = 16
#: Newer runs stay apart: if one is damaged, the previous run is still available.
_APART: Final = pd.Timedelta("7D")
#: Largest merged file, since damage costs all of its content. [bytes]
_LARGEST: Final = 1 << 24


def fresh_part(answer: xr.Dataset, old: xr.Dataset | None) -> xr.Dataset | None:
    """New values of an answer, where none is stored; ``None`` without any."""
    fresh = answer
    if old is not None:
        known = bare(old).reindex({dim: bare(answer)[dim] for dim in answer.dims if dim in old.dims})
        fresh = answer.assign(
            {name: answer[name].where(known[name].isnull()) for name in known if name in answer}
        )
    present = {name: values.notnull() for name, values in fresh.items()}
    names = [name for name, known in present.items() if bool(known.any())]
    if not names:
        return None
    axis = "lead_time" if "lead_time" in answer.dims else "time"
    filled = np.any(
        [present[name].any([dim for dim in present[name].dims if dim != axis]) for name in names], axis=0
    )
    return fresh[names].isel({axis: np.flatnonzero(filled)})


def joined(answer: xr.Dataset, old: xr.Dataset | None) -> xr.Dataset:
    """Archived values completed by those of an answer, without coordinates that are no dimensions."""
    return bare(answer) if old is None else bare(old).combine_first(bare(answer))


def bare(weather: xr.Dataset) -> xr.Dataset:
    """Without coordinates that are no dimensions, which may disagree."""
    return weather.drop_vars([name for name in weather.coords if name not in weather.dims])


def write_archive_file(manifest: Manifest, weather: xr.Dataset, record: Record) -> None:
    """Write a file and list it; it exists once the manifest is saved."""
    description = {
        "source": manifest.source,
        "kind": manifest.kind,
        "attribution": manifest.attribution,
        "variables": list(manifest.variables),
        "cycle": manifest.cycle,
        "places": {name: list(manifest.sites[name]) for name in record.sites},
        "stored": manifest.newest,
        "file": {
            **asdict(record),
            "short": {str(block): dict(description) for block, description in record.short.items()},
        },
    }
    content = to_bytes(weather, record=description)
    name = checksum(content)
    write_whole(manifest.path(name), content)
    manifest.files.append(replace(record, name=name, size=len(content)))


def merge_files(manifest: Manifest, *, now: pd.Timestamp) -> None:
    """Merge small files of complete months."""
    over = np.datetime64(now.tz_localize(None), "M")
    until = int((now - _APART).timestamp())
    for (sites, month, _), group in _groups(manifest, until).items():
        small = group if sum(record.size for record in group) <= _LARGEST else _smallest(group)
        if len(small) >= (2 if np.datetime64(month, "M") < over else _MERGED_AT):
            _merge(manifest, sites, small, now)


def _groups(manifest: Manifest, until: int) -> dict[tuple[tuple[str, ...], str, int], list[Record]]:
    """Files that may be merged, by sites, month and reach (runs of some hours are shorter)."""
    forecast = manifest.kind == "forecast"
    count = Counter(key for record in manifest.files for key in _cells(record))
    whole = manifest.complete()
    groups: dict[tuple[tuple[str, ...], str, int], list[Record]] = defaultdict(list)
    for record in manifest.files:
        alone = not record.short and all(count[key] == 1 for key in _cells(record))
        full = set(record.sites) <= whole.get(record.blocks[0], set())
        if record.blocks[-1] < until and (alone if forecast else full):
            month = str(np.datetime64(record.blocks[0], "s").astype("datetime64[M]"))
            groups[record.sites, month, record.reach if forecast else 0].append(record)
    return groups


def _cells(record: Record) -> list[tuple[int, str]]:
    return [(block, site) for block in record.blocks for site in record.sites]


def _smallest(group: list[Record]) -> list[Record]:
    """Smallest files, up to the largest size of a merged one."""
    ranked = sorted(group, key=lambda record: record.size)
    sizes = np.cumsum([record.size for record in ranked])
    return ranked[: int(np.searchsorted(sizes, _LARGEST, side="right"))]


def _merge(manifest: Manifest, sites: tuple[str, ...], group: list[Record], now: pd.Timestamp) -> None:
    part = replace(manifest, files=group)
    weather = gathered(part, sites=sites)
    assert weather is not None
    arrived = {
        block: moment for record in group for block, moment in zip(record.blocks, record.arrived, strict=True)
    }
    blocks = tuple(sorted(arrived))
    record = Record(
        name="",
        sites=sites,
        blocks=blocks,
        arrived=tuple(arrived[block] for block in blocks),
        variables=tuple(map(str, weather.data_vars)),
        reach=max(record.reach for record in group),
    )
    merged = {record.name for record in group}
    write_archive_file(manifest, weather.load().drop_vars("arrival", errors="ignore"), record)
    manifest.files = [record for record in manifest.files if record.name not in merged]
    manifest.retired.update(dict.fromkeys(merged, int(now.value)))
    manifest.save()
