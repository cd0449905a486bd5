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
from energyforecast.weather.store.gather import gathered
from energyforecast.weather.store.manifest import Manifest, Record

__all__ = ["fresh_part", "joined", "merge_pieces", "write_piece"]

#: Small pieces of a month that is not over are put together when there are as many.
_MANY: Final = 16
#: Newer runs stay apart: if one is damaged, the run before is still there.
_APART: Final = pd.Timedelta("7D")
#: Larger pieces are not made: one that is damaged costs all that it holds. [bytes]
_LARGEST: Final = 1 << 24


def fresh_part(answer: xr.Dataset, old: xr.Dataset | None) -> xr.Dataset | None:
    """New values of an answer, at places without a value so far; ``None`` if there are none.

    What had come first stays, so that a forecast of the past can be made again from what it saw.

    Parameters
    ----------
    answer : Dataset
    old : Dataset, optional

    Returns
    -------
    Dataset or None
        Without leads or hours of which nothing is new.

    Examples
    --------
    >>> from energyforecast.testing import example_weather
    >>> weather = example_weather()
    >>> fresh_part(weather, weather) is None
    True
    >>> dict(fresh_part(weather, weather.isel(lead_time=slice(0, 25))).sizes)
    {'site': 1, 'init_time': 2, 'lead_time': 24}
    """
    fresh = answer
    if old is not None:
        known = bare(old).reindex({dim: bare(answer)[dim] for dim in answer.dims if dim in old.dims})
        fresh = answer.assign(
            {name: answer[name].where(known[name].isnull()) for name in known if name in answer}
        )
    there = {name: values.notnull() for name, values in fresh.items()}
    names = [name for name, known in there.items() if bool(known.any())]
    if not names:
        return None
    axis = "lead_time" if "lead_time" in answer.dims else "time"
    some = np.any(
        [there[name].any([dim for dim in there[name].dims if dim != axis]) for name in names], axis=0
    )
    return fresh[names].isel({axis: np.flatnonzero(some)})


def joined(answer: xr.Dataset, old: xr.Dataset | None) -> xr.Dataset:
    """Archived values completed by those of an answer, without coordinates that are no dimensions.

    Examples
    --------
    >>> from energyforecast.testing import example_weather
    >>> weather = example_weather()
    >>> parts = weather.isel(lead_time=slice(20, None)), weather.isel(lead_time=slice(0, 25))
    >>> dict(joined(*parts).sizes)
    {'site': 1, 'init_time': 2, 'lead_time': 49}
    """
    return bare(answer) if old is None else bare(old).combine_first(bare(answer))


def bare(weather: xr.Dataset) -> xr.Dataset:
    """Without coordinates that are no dimensions, which may disagree."""
    return weather.drop_vars([name for name in weather.coords if name not in weather.dims])


def write_piece(manifest: Manifest, weather: xr.Dataset, record: Record) -> None:
    """Write a piece and list it; it exists once the manifest is saved.

    Parameters
    ----------
    manifest : Manifest
    weather : Dataset
    record : Record
        Its name and size are found here.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from energyforecast.testing import example_weather
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     calm = Manifest(folder=Path(folder), source="calm", kind="forecast", sites={"farm": (43.6, 78.5)})
    ...     write_piece(calm, example_weather(), Record(name="", sites=("farm",), blocks=(0,), arrived=(None,)))
    ...     [path.stem == calm.pieces[0].name for path in Path(folder, "pieces").iterdir()]
    [True]
    """
    own = {
        "source": manifest.source,
        "kind": manifest.kind,
        "attribution": manifest.attribution,
        "variables": list(manifest.variables),
        "cycle": manifest.cycle,
        "places": {name: list(manifest.sites[name]) for name in record.sites},
        "stored": manifest.newest,
        "piece": {**asdict(record), "short": {str(block): dict(own) for block, own in record.short.items()}},
    }
    content = to_bytes(weather, record=own)
    name = checksum(content)
    write_whole(manifest.path(name), content)
    manifest.pieces.append(replace(record, name=name, size=len(content)))


def merge_pieces(manifest: Manifest, *, now: pd.Timestamp) -> None:
    """Merge small files of complete months.

    Runs that came in several parts stay as they came: what was known when must remain tellable.

    Parameters
    ----------
    manifest : Manifest
    now : Timestamp

    Examples
    --------
    >>> from pathlib import Path
    >>> empty = Manifest(folder=Path("nowhere"), source="calm", kind="forecast")
    >>> merge_pieces(empty, now=pd.Timestamp("2024-06-01", tz="UTC"))
    """
    over = np.datetime64(now.tz_localize(None), "M")
    until = int((now - _APART).timestamp())
    for (sites, month, _), group in _groups(manifest, until).items():
        small = group if sum(record.size for record in group) <= _LARGEST else _smallest(group)
        if len(small) >= (2 if np.datetime64(month, "M") < over else _MANY):
            _merge(manifest, sites, small, now)


def _groups(manifest: Manifest, until: int) -> dict[tuple[tuple[str, ...], str, int], list[Record]]:
    """Pieces that may be put together, by sites, month and reach (runs of some hours reach less far)."""
    forecast = manifest.kind == "forecast"
    count = Counter(key for record in manifest.pieces for key in _cells(record))
    whole = manifest.complete()
    groups: dict[tuple[tuple[str, ...], str, int], list[Record]] = defaultdict(list)
    for record in manifest.pieces:
        alone = not record.short and all(count[key] == 1 for key in _cells(record))
        full = set(record.sites) <= whole.get(record.blocks[0], set())
        if record.blocks[-1] < until and (alone if forecast else full):
            month = str(np.datetime64(record.blocks[0], "s").astype("datetime64[M]"))
            groups[record.sites, month, record.reach if forecast else 0].append(record)
    return groups


def _cells(record: Record) -> list[tuple[int, str]]:
    return [(block, site) for block in record.blocks for site in record.sites]


def _smallest(group: list[Record]) -> list[Record]:
    """As many as fit into one piece."""
    ranked = sorted(group, key=lambda record: record.size)
    sizes = np.cumsum([record.size for record in ranked])
    return ranked[: int(np.searchsorted(sizes, _LARGEST, side="right"))]


def _merge(manifest: Manifest, sites: tuple[str, ...], group: list[Record], now: pd.Timestamp) -> None:
    part = replace(manifest, pieces=group)
    weather = gathered(part, sites=sites)
    assert weather is not None
    arrived = {
        block: came for record in group for block, came in zip(record.blocks, record.arrived, strict=True)
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
    gone = {record.name for record in group}
    write_piece(manifest, weather.load().drop_vars("arrival", errors="ignore"), record)
    manifest.pieces = [record for record in manifest.pieces if record.name not in gone]
    manifest.retired.update(dict.fromkeys(gone, int(now.value)))
    manifest.save()
