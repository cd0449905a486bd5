"""Registry of trained models in a folder: added whole, put in service, rolled back, and refused when altered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from energyforecast.configuration import Configuration
from energyforecast.core import file_sets, timestamps
from energyforecast.core.files import checksum, refused, whole_file
from energyforecast.errors import EnergyForecastError, FileFormatError, MissingDataError, SchemaError
from energyforecast.forecasting import storage
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.operations.issuing import in_words
from energyforecast.operations.manifest import (
    COMPARISON,
    MANIFEST,
    MODEL,
    ModelRecord,
    describe,
    read_record,
    sealed,
)
from energyforecast.operations.run_folder import RunFolder
from energyforecast.operations.service_state import IN_SERVICE, read_state, write_state
from energyforecast.operations.signature import key_from_environment

__all__ = ["Registry", "Served", "registry_of"]

#: Digits of the checksum in a name.
_DIGITS: Final = 8
#: What reading a model may raise: also a disk, a library or a memory may be at fault.
_UNREADABLE: Final = (EnergyForecastError, OSError, MemoryError)


@dataclass(frozen=True)
class Served:
    """Model that answers, read, and why those that should have answered before it do not.

    Parameters
    ----------
    record : ModelRecord
    forecaster : Forecaster
    refused : tuple of str
        Reasons by name of the model; empty where the one in service answers.

    See Also
    --------
    Registry.served

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_forecaster
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     registry = Registry(Path(folder))
    ...     record = registry.add(example_forecaster(), as_of=pd.Timestamp("2024-02-01", tz="UTC"))
    ...     registry.put_in_service(record.name)
    ...     registry.served().forecaster
    Forecaster(farm, Climatology, fitted on 30 origins)
    """

    record: ModelRecord
    forecaster: Forecaster
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registry:
    """Trained models in a folder, one of which is in service.

    Each model is a folder of its own, which appears whole or not at all. A model with an altered file, a cut manifest
    or, where there is a key, without its signature is never loaded: the one that was in service before it answers.

    Parameters
    ----------
    folder : Path
        Made when the first model is added.
    key : bytes, optional
        Key by which models are signed and verified (:func:`energyforecast.operations.key_from_environment`).

    See Also
    --------
    energyforecast.operations.train : Fits, compares and adds a model.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_forecaster
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     registry = Registry(Path(folder))
    ...     for day in ("2024-02-01", "2024-02-08"):
    ...         record = registry.add(example_forecaster(), as_of=pd.Timestamp(day, tz="UTC"))
    ...         registry.put_in_service(record.name)
    ...     registry.in_service().as_of.day, registry.roll_back().as_of.day, registry.in_service().as_of.day
    (8, 1, 1)
    """

    folder: Path
    key: bytes | None = field(default=None, repr=False)

    def add(
        self,
        forecaster: Forecaster,
        *,
        as_of: pd.Timestamp,
        about: Mapping[str, Any] | None = None,
        comparison: Forecaster | None = None,
    ) -> ModelRecord:
        """Write a fitted forecaster with its manifest; it is not in service by that.

        Parameters
        ----------
        forecaster : Forecaster
        as_of : moment
            Of the training.
        about : mapping, optional
            Further parts of the manifest, such as its backtest.
        comparison : Forecaster, optional
            The same forecaster, fitted before the newest weeks.

        Returns
        -------
        ModelRecord
            Adding the same forecaster again changes nothing.

        Raises
        ------
        NotFittedError
            Before fit.
        StoreError
            If the folder cannot be written.
        """
        moment = timestamps.instant(as_of)
        files = {MODEL: storage.dump(forecaster)}
        if comparison is not None:
            files[COMPARISON] = storage.dump(comparison)
        name = f"{moment:%Y%m%dT%H%MZ}-{checksum(files[MODEL])[:_DIGITS]}"
        if self._is_whole(name):
            return self.record(name)
        manifest = describe(forecaster, name=name, as_of=moment, files=files, about=about or {})
        content = {**files, MANIFEST: sealed(manifest, key=self.key)}
        try:
            with file_sets.whole_folder(self.folder / name, keep=lambda: self._is_whole(name)) as stage:
                for file, part in content.items():
                    with whole_file(stage / file) as scratch:
                        scratch.write_bytes(part)
        except OSError as error:
            raise refused(error, self.folder) from error
        return self.record(name)

    def record(self, name: str) -> ModelRecord:
        """Record of a model, verified.

        Raises
        ------
        FileFormatError
            If there is none, or it is damaged, altered or not signed.
        """
        held = self._names()
        if name not in held:
            raise FileFormatError(
                f"There is no model {name!r} in {self.folder}.",
                f"There {'is' if len(held) == 1 else 'are'} {', '.join(held) or 'none'}.",
                "Choose one of them." if held else "Train one: energyforecast train CONFIG.",
            )
        return read_record(self.folder / name, key=self.key)

    def _is_whole(self, name: str) -> bool:
        """Whether a model is there, and not damaged."""
        try:
            self.record(name)
        except FileFormatError:
            return False
        return True

    def records(self) -> tuple[ModelRecord, ...]:
        """Records of all models that are whole, in order of their training."""
        whole, _ = self._all()
        return whole

    def damaged(self) -> dict[str, str]:
        """Folders that are never loaded, with the reason."""
        _, damaged = self._all()
        return damaged

    def _all(self) -> tuple[tuple[ModelRecord, ...], dict[str, str]]:
        """Models that are whole, and those that are not."""
        whole, damaged = [], {}
        for name in self._names():
            try:
                whole.append(self.record(name))
            except FileFormatError as error:
                damaged[name] = error.found
        return tuple(sorted(whole, key=lambda record: (record.as_of, record.name))), damaged

    def _names(self) -> list[str]:
        """Names of all folders but hidden ones, which are being written."""
        if not self.folder.is_dir():
            return []
        return sorted(
            item.name for item in self.folder.iterdir() if item.is_dir() and not item.name.startswith(".")
        )

    def in_service(self) -> ModelRecord | None:
        """Record of the model that answers; None if there is none. :meth:`served` also names refused ones."""
        served = self.served()
        return None if served is None else served.record

    def served(self) -> Served | None:
        """The model in service or, if it is refused, the newest that was before it; None if there is none."""
        return self._answering([])

    def refused(self) -> tuple[str, ...]:
        """Reasons for which models that should answer do not, also where none is left that can."""
        said: list[str] = []
        self._answering(said)
        return tuple(said)

    def _answering(self, said: list[str]) -> Served | None:
        """The first model that can be read; why those before it cannot is added to a list."""
        for name in self._wanted(said):
            try:
                record = self.record(name)
                return Served(record, self._read(record), tuple(said))
            except _UNREADABLE as error:
                said.append(f"{name}: {in_words(error)}")
        return None

    def load(self, name: str | None = None) -> Forecaster:
        """Read a model, by default the one that answers.

        Raises
        ------
        FileFormatError
            If it is damaged, altered, not signed, or of a version that this one does not read.
        MissingDataError
            If no model can answer.
        """
        if name is not None:
            return self._read(self.record(name))
        served = self.served()
        if served is None:
            damaged = "; ".join(self.damaged().values() or self.refused())
            raise MissingDataError(
                f"No model in {self.folder} is in service" + (f": {damaged}" if damaged else "."),
                "A model must have been trained and put in service.",
                "Train one: energyforecast train CONFIG.",
            )
        return served.forecaster

    def _read(self, record: ModelRecord) -> Forecaster:
        """Forecaster of a verified record."""
        try:
            return storage.load(record.path)
        except FileFormatError as error:
            raise FileFormatError(
                f"{error.found} It was written by energyforecast {record.written_by}.",
                error.expected,
                error.remedy,
            ) from error

    def _wanted(self, said: list[str]) -> Iterator[str]:
        """Names of models in the order in which they should answer: every one that was found fit, in the end."""
        if not read_state(self.folder) and (self.folder / IN_SERVICE).exists():
            said.append(f"{IN_SERVICE} is damaged: the newest model that was found fit answers.")
        before = self._before()
        yield from before
        yield from (name for name in self._fit() if name not in before)

    def _before(self) -> list[str]:
        """Names of the model in service and of those before it; of all that were found fit where no file has them."""
        state = read_state(self.folder)
        return [state["name"], *state["history"]] if state else self._fit()

    def _fit(self) -> list[str]:
        """Names of the models that were found fit for service when they were trained, the newest first."""
        return [record.name for record in reversed(self.records()) if record.promoted]

    def put_in_service(
        self, name: str, *, since: pd.Timestamp | None = None, instead_of: str | None = None
    ) -> None:
        """Put a model in service; the one that was answers if it is ever refused, and after :meth:`roll_back`.

        Parameters
        ----------
        name : str
        since : moment, optional
            By default that of its training.
        instead_of : str, optional
            Name of the model that must be in service, as when another was compared with it.

        Raises
        ------
        FileFormatError
            If there is no such model, or it is refused.
        SchemaError
            If another model than `instead_of` is in service by now.
        """
        record = self.record(name)
        self._read(record)
        with file_sets.alone(self.folder):
            answering = None if instead_of is None else self.in_service()
            if answering is not None and answering.name not in (instead_of, name):
                raise SchemaError(
                    f"{name} was compared with {instead_of}, and {answering.name} is in service by now.",
                    "A model must be compared with the one that it replaces.",
                    "Train again.",
                )
            before = self._before()
            if before[:1] == [name] and read_state(self.folder):
                return
            history = [old for old in before if old != name]
            write_state(self.folder, name, history, since=record.as_of if since is None else since)

    def roll_back(self, *, since: pd.Timestamp | None = None) -> ModelRecord:
        """Put the newest model that was in service before, and is whole, in service again; `since` now by default.

        Raises
        ------
        MissingDataError
            If there is none.
        """
        if not self.folder.is_dir():
            raise self._none_before()
        with file_sets.alone(self.folder):
            _, *history = self._before() or [""]
            while history:
                name = history.pop(0)
                try:
                    record = self.record(name)
                    self._read(record)
                except _UNREADABLE:
                    continue
                write_state(self.folder, name, history, since=timestamps.now() if since is None else since)
                return record
        raise self._none_before()

    def _none_before(self) -> MissingDataError:
        return MissingDataError(
            f"No model that is whole was in service before, in {self.folder}.",
            "An earlier one must be there to be put in service again.",
            "Choose one by name: energyforecast models promote CONFIG NAME.",
        )

    def prune(self, *, keep: pd.Timedelta, as_of: pd.Timestamp) -> tuple[str, ...]:
        """Remove models trained longer ago than `keep`, but not the one that answers and the last two in service.

        Returns the names of those that were removed.
        """
        limit = timestamps.instant(as_of) - timestamps.duration(keep)
        aged = [record.name for record in self.records() if record.as_of < limit]
        served = self.served() if aged else None  # another than the one in service where that is refused
        kept = {*self._before()[:2], *(() if served is None else (served.record.name,))}
        old = [name for name in aged if name not in kept]
        for name in old:
            file_sets.drop_folder(self.folder / name)
        return tuple(old)


def registry_of(settings: Configuration) -> Registry:
    """Registry of a configuration, with the key from the environment if it names one.

    Parameters
    ----------
    settings : Configuration

    Raises
    ------
    ConfigurationError
        If the environment has no such key.

    See Also
    --------
    Registry, key_from_environment

    Examples
    --------
    >>> from energyforecast import configuration
    >>> registry_of(configuration.read("examples/la_haute_borne.toml")).folder.as_posix()
    'examples/operations/models'
    """
    lengths = settings.operations
    return Registry(RunFolder(lengths.folder).models, key=key_from_environment(lengths.signature_key_env))
