"""Manifest of a stored model: written with it, and checked before it is read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.core import provenance, timestamps
from energyforecast.core.files import checksum
from energyforecast.core.version import __version__
from energyforecast.errors import FileFormatError, TimeError
from energyforecast.forecasting import storage
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.forecasting.specification import name_of_model
from energyforecast.forecasting.training_summary import Training
from energyforecast.operations.signature import is_signed_by, sign

__all__ = ["COMPARISON", "MANIFEST", "MODEL", "SCHEMA", "ModelRecord", "describe", "read_record", "sealed"]

FORMAT: Final = "energyforecast.operations.model"
SCHEMA: Final = 1
MANIFEST: Final = "manifest.json"
#: File of the forecaster that is fitted on all data.
MODEL: Final = "model.forecaster"
#: File of the same forecaster fitted before the newest weeks: the next one is compared with it on weeks new to both.
COMPARISON: Final = "comparison.forecaster"
#: A longer manifest is none of ours. [bytes]
_LARGEST: Final = 16 * 2**20
_SEALS: Final = ("checksum", "signature")


@dataclass(frozen=True)
class ModelRecord:
    """A stored model: its folder and its manifest, of which the checksums were verified.

    Parameters
    ----------
    name : str
        Moment of its training in UTC and the first digits of its checksum.
    folder : Path
    manifest : mapping
        ``versions``, ``sites``, ``task``, ``models``, ``features``, ``training`` (window, rows, ages of the weather
        runs, hash of what was learnt), ``data`` (hashes of weather and observations), ``backtest`` (scores and blocks
        of weeks outside the training period), ``promotion``, ``caveats``, ``files`` with their checksums.
    signed : bool
        Whether the signature was verified with the key of the registry.

    See Also
    --------
    energyforecast.operations.Registry

    Examples
    --------
    >>> record = ModelRecord("20260311T0800Z-5bdcc146", Path("models"), {"as_of": "2026-03-11 08:00"}, False)
    >>> record.as_of
    Timestamp('2026-03-11 08:00:00+0000', tz='UTC')
    """

    name: str
    folder: Path
    manifest: Mapping[str, Any]
    signed: bool

    @property
    def as_of(self) -> pd.Timestamp:
        """Moment of the training: it knew no later data."""
        return timestamps.instant(self.manifest["as_of"])

    @property
    def path(self) -> Path:
        """File of the forecaster."""
        return self.folder / MODEL

    @property
    def comparison(self) -> Path | None:
        """File of the same forecaster, fitted before the newest weeks, with which the next one is compared."""
        return self.folder / COMPARISON if COMPARISON in self.manifest.get("files", {}) else None

    @property
    def promoted(self) -> bool:
        """Whether it was found fit for service when it was trained."""
        return bool((self.manifest.get("promotion") or {}).get("promoted", True))

    @property
    def backtest(self) -> Mapping[str, Any] | None:
        """Scores of the weeks outside its training period; None if there were too few."""
        found = self.manifest.get("backtest")
        return found if isinstance(found, Mapping) and "scores" in found else None

    @property
    def caveats(self) -> tuple[str, ...]:
        """Caveats of the model, known when it was trained."""
        return tuple(map(str, self.manifest.get("caveats", ())))

    @property
    def written_by(self) -> str:
        """Version of the library that wrote it."""
        return str((self.manifest.get("versions") or {}).get("energyforecast", "unknown"))


def describe(
    forecaster: Forecaster,
    *,
    name: str,
    as_of: pd.Timestamp,
    files: Mapping[str, bytes],
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Manifest of a fitted forecaster, without its seals."""
    return dict(
        plain(
            {
                "format": FORMAT,
                "schema": SCHEMA,
                "name": name,
                "as_of": f"{as_of.tz_convert('UTC'):%Y-%m-%d %H:%M:%S}",
                "versions": {
                    **provenance.versions(),
                    "numpy": np.__version__,
                    "pandas": version("pandas"),
                    "forecaster_schema": storage.SCHEMA,
                },
                "machine": dict(forecaster.training_.fitted_on),
                "sites": [site.name for site in forecaster.sites],
                "task": repr(forecaster.task),
                "models": {
                    site.name: name_of_model(
                        forecaster.model_of[site.name], forecaster.models_.get(site.name)
                    )
                    for site in forecaster.sites
                },
                "features": {name: list(features.names) for name, features in forecaster.features_of.items()},
                "training": _training(forecaster.training_),
                **about,
                "files": {
                    file: {"sha256": checksum(content), "bytes": len(content)}
                    for file, content in files.items()
                },
            }
        )
    )


def _training(training: Training) -> dict[str, Any]:
    """Window, rows and hash of the data that was learnt, and ages of weather runs and measurements. [h]"""
    spans = list(training.hours.values())
    return {
        "first_hour": min((first for first, _ in spans), default=None),
        "last_hour": max((last for _, last in spans), default=None),
        "as_of": training.as_of,
        "origins": training.origins,
        "rows": training.rows,
        "without_weather": training.without_weather,
        "weather_age": {
            model: {
                "newest": training.newest_weather.get(model),
                "usual": training.usual_weather.get(model),
                "oldest": oldest,
            }
            for model, oldest in training.oldest_weather.items()
        },
        "measurement_age": {
            site: {"usual": training.usual_measurement.get(site), "oldest": oldest}
            for site, oldest in training.oldest_measurement.items()
        },
        "fallbacks": training.fallbacks,
        "data_hash": training.data_hash,
    }


def plain(value: Any) -> Any:
    """A value as JSON holds it: text as keys, no numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def sealed(manifest: Mapping[str, Any], *, key: bytes | None) -> bytes:
    """Bytes of a manifest with its checksum and, by a key, its signature."""
    content = canonical(manifest)
    seals = {"checksum": checksum(content)} | ({} if key is None else {"signature": sign(content, key=key)})
    return (json.dumps({**manifest, **seals}, indent=1, ensure_ascii=False) + "\n").encode()


def canonical(manifest: Mapping[str, Any]) -> bytes:
    """Bytes of a manifest without its seals: the same however it was laid out."""
    kept = {name: value for name, value in manifest.items() if name not in _SEALS}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def read_record(folder: Path, *, key: bytes | None) -> ModelRecord:
    """Record of a folder, if manifest and files are as they were written and, by a key, signed.

    Raises
    ------
    FileFormatError
        If anything is missing, altered, unsigned, or of a newer version.
    """
    manifest = _read_manifest(folder)
    found, schema = manifest.get("format"), manifest.get("schema")
    if found != FORMAT or not isinstance(schema, int) or not 1 <= schema <= SCHEMA:
        newer = found == FORMAT and isinstance(schema, int) and schema > SCHEMA
        raise FileFormatError(
            f"{folder} has a manifest of format {found!r}, schema {schema!r}.",
            f"energyforecast {__version__} reads {FORMAT!r}, schemas 1 to {SCHEMA}.",
            "Install the newer version that wrote it." if newer else "Train again.",
        )
    _refuse_altered(folder, manifest)
    signed = key is not None and is_signed_by(canonical(manifest), manifest.get("signature"), key=key)
    if key is not None and not signed:
        raise FileFormatError(
            f"{folder} is {'signed with another key' if 'signature' in manifest else 'not signed'}.",
            "Where the environment has a key, a model must be signed with it.",
            "Train again with the key, or correct the key.",
        )
    record = ModelRecord(folder.name, folder, manifest, signed)
    try:
        record.as_of  # noqa: B018  (refused here, not where it is used)
    except (KeyError, TimeError) as error:
        raise _damaged(folder, "as_of of its manifest is no moment") from error
    return record


def _read_manifest(folder: Path) -> dict[str, Any]:
    """Content of the manifest of a folder."""
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise _damaged(folder, f"its manifest has more than {_LARGEST:,} bytes")
        manifest = json.loads(content)
    except OSError as error:
        raise _damaged(folder, f"{MANIFEST} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, f"{MANIFEST} is no JSON, or was cut") from error
    if not isinstance(manifest, dict):
        raise _damaged(folder, f"{MANIFEST} is no object of JSON")
    return manifest


def _refuse_altered(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a manifest or files without the checksums with which they were written."""
    if manifest.get("checksum") != checksum(canonical(manifest)):
        raise _damaged(folder, "its manifest was altered")
    if manifest.get("name") != folder.name:
        raise _damaged(folder, f"its manifest is that of {manifest.get('name')!r}")
    files = manifest.get("files")
    if not isinstance(files, dict) or MODEL not in files or not set(files) <= {MODEL, COMPARISON}:
        raise _damaged(folder, f"its manifest lists no {MODEL}, or other files")
    for name, of_file in files.items():
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise _damaged(folder, f"{name} cannot be read: {error.strerror}") from error
        if not isinstance(of_file, dict) or of_file.get("sha256") != checksum(content):
            raise _damaged(folder, f"{name} was altered, or cut")


def _damaged(folder: Path, found: str) -> FileFormatError:
    return FileFormatError(
        f"The model {folder.name} is damaged: {found}.",
        "Every file of a stored model must be as it was written.",
        "Restore the folder from a copy, remove it, or train again.",
    )
