"""Integrity and completeness of an archive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.weather.store.archive_files import DamagedFileError, verified
from energyforecast.weather.store.manifest import Manifest, Record

__all__ = ["damaged", "described", "list_damaged", "set_aside"]

_DESCRIBED: Final = (
    "source",
    "site",
    "kind",
    "expected",
    "present",
    "missing",
    "incomplete",
    "coverage",
    "variables",
    "reach",
    "newest",
    "recorded",
    "lateness_median",
    "lateness_max",
)
_DAMAGED: Final = ("source", "file", "reason", "sites", "blocks")


def damaged(manifest: Manifest) -> list[tuple[Record, str]]:
    """Archive files with altered or lost bytes, each with the reason."""
    found = []
    for record in manifest.files:
        try:
            verified(manifest.path(record.name))
        except DamagedFileError as error:
            found.append((record, error.found))
    return found


def set_aside(manifest: Manifest, broken: Iterable[tuple[Record, str]]) -> list[str]:
    """Move damaged files to quarantine, where that is permitted, and remove them from the manifest."""
    names = []
    for record, reason in broken:
        path = manifest.path(record.name)
        with suppress(OSError):  # gone, or a disk that may only be read: it is left out all the same
            quarantine = manifest.folder / "quarantine"
            quarantine.mkdir(exist_ok=True)
            path.replace(quarantine / path.name)
        manifest.lose(record, reason)
        names.append(record.name)
    return names


def list_damaged(manifests: Sequence[Manifest]) -> pd.DataFrame:
    """Files that are damaged and not replaced yet."""
    rows: list[dict[str, Any]] = []
    for manifest in manifests:
        known = {item["file"] for item in manifest.lost}
        for record, reason in damaged(manifest):
            if record.name not in known:
                manifest.lose(record, reason)
        for item in manifest.lost:
            moments = pd.to_datetime(item["blocks"], unit="s", utc=True)
            rows.append({"source": manifest.source, **item, "blocks": list(moments)})
    return pd.DataFrame(rows, columns=list(_DAMAGED))


def described(manifests: Sequence[Manifest]) -> pd.DataFrame:
    """Contents of an archive, a row for each source and site; see :meth:`energyforecast.weather.Store.describe`."""
    rows = [_row(manifest, site) for manifest in manifests for site in manifest.sites]
    return pd.DataFrame(rows, columns=list(_DESCRIBED))


def _row(manifest: Manifest, site: str) -> dict[str, Any]:
    records = [record for record in manifest.files if site in record.sites]
    shares: dict[int, float] = {}
    arrived: dict[int, int] = {}
    for record in records:
        for block, moment in zip(record.blocks, record.arrived, strict=True):
            share = record.short.get(block, {}).get(site, 1.0)
            shares[block] = max(share, shares.get(block, 0.0))
            if moment is not None:
                arrived[block] = max(moment, arrived.get(block, moment))
    late = pd.to_timedelta([moment - block * 10**9 for block, moment in arrived.items()], unit="ns")
    expected = max(_expected(manifest), len(shares))
    return {
        "source": manifest.source,
        "site": site,
        "kind": manifest.kind,
        "expected": expected,
        "present": len(shares),
        "missing": expected - len(shares),
        "incomplete": sum(share < 1.0 for share in shares.values()),
        "coverage": float(np.mean(list(shares.values()))) if shares else 0.0,
        "variables": len({name for record in records for name in record.variables}),
        "reach": pd.Timedelta(max((record.reach for record in records), default=0), unit="s"),
        "newest": pd.Timestamp(max(shares), unit="s", tz="UTC") if shares else pd.NaT,
        "recorded": len(arrived),
        "lateness_median": late.to_series().median() if len(late) else pd.NaT,
        "lateness_max": late.max() if len(late) else pd.NaT,
    }


def _expected(manifest: Manifest) -> int:
    """Runs, or months, between the first and the last that were ever due."""
    if manifest.first is None or manifest.last is None:
        return 0
    if manifest.kind == "forecast":
        return (manifest.last - manifest.first) // manifest.cycle + 1
    months = np.array([manifest.first, manifest.last]).astype("datetime64[s]").astype("datetime64[M]")
    return int((months[1] - months[0]).astype(int)) + 1
