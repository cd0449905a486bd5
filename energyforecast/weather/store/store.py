"""Archive of weather runs by source and site, with the arrival of each."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from math import inf
from pathlib import Path
from typing import Any, Final

import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.files import only_writer, refused, sweep, without_secrets
from energyforecast.core.sites import Site, as_sites
from energyforecast.errors import DamagedStoreWarning, MissingDataError, StoreError
from energyforecast.weather.sources.common.base import AnalysisSource, RunSource
from energyforecast.weather.store.integrity import damaged, described, list_damaged, set_aside
from energyforecast.weather.store.lazy_dataset import gathered
from energyforecast.weather.store.manifest import Manifest, folder_of
from energyforecast.weather.store.update import UpdateReport, Updating

__all__ = ["Store"]

#: Default period with which an empty archive begins.
_BEGINNING: Final = pd.Timedelta("7D")
#: Time for which merged files stay, for readers that opened the archive before.
_GRACE: Final = pd.Timedelta("1D")


@checked(timeout=(0, inf))
class Store:
    """Append-only archive of weather with the arrival time of each value.

    Parameters
    ----------
    path : path
        Folder, created at the first update.
    timeout : float
        Longest wait of an update for another writer. [s]
    clock : callable
        The present moment.

    Notes
    -----
    *Arrival.* A run that is stored within a day of its declared latency was fetched live: its
    ``available_time`` is the moment at which it was stored (``arrival`` is ``"recorded"``). A run that is
    filled in later has the declared availability (``"declared"``). If the clock went back since the last
    file was written, the later of the two is taken.

    *Versions.* The first value stays. A run that was published in part is requested again, and its missing
    values are added with their own arrival; a lead counts as available from the arrival of its last value.

    *Safety.* Files are immutable and named by the checksum of their bytes; a manifest that is replaced whole
    lists them. A process killed at any moment leaves the state before or after a run, never one in between.

    See Also
    --------
    UpdateReport : Result of an update.
    energyforecast.weather.OpenMeteo, energyforecast.weather.Gfs : Sources of runs.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_source
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = Store(folder.name + "/archive.zarr", clock=lambda: timestamps.instant("2024-06-03 13:00"))
    >>> print(store.update(example_source(), sites=[farm], since="2024-06-01").summary)
    calm: 5 stored, 0 incomplete, 0 failed, 0 given up, 0 quarantined
    >>> print(store.update(example_source(), sites=[farm]).summary)
    calm: 0 stored, 0 incomplete, 0 failed, 0 given up, 0 quarantined
    >>> weather = store.open()
    >>> dict(weather.sizes)
    {'site': 1, 'init_time': 5, 'lead_time': 49}
    >>> weather["arrival"].values.tolist()  # runs of the last day were seen to arrive
    ['declared', 'declared', 'declared', 'recorded', 'recorded']
    >>> folder.cleanup()
    """

    def __init__(
        self, path: str | Path, *, timeout: float = 10.0, clock: Callable[[], pd.Timestamp] = timestamps.now
    ) -> None:
        self.path, self.timeout, self.clock = Path(path), timeout, clock

    def __repr__(self) -> str:
        return f"Store({os.fsencode(self.path).decode('utf-8', 'backslashreplace')!r})"

    def sources(self) -> tuple[str, ...]:
        """Names of the sources in the archive."""
        return tuple(manifest.source for manifest in self._manifests())

    def _manifests(self) -> list[Manifest]:
        try:
            folders = sorted(item.parent for item in self.path.glob("*/files"))
        except OSError as error:
            raise refused(error, self.path) from error
        return [manifest for folder in folders if (manifest := Manifest.load(folder)) is not None]

    def update(
        self,
        source: RunSource | AnalysisSource,
        *,
        sites: Site | Sequence[Site],
        since: Any = None,
        until: Any = None,
        retry: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> UpdateReport:
        """Request missing weather from a source; stored values are not requested again.

        Parameters
        ----------
        source : RunSource or AnalysisSource
        sites : Site or sequence of Site
            One that is new is filled in from the first run of the archive on.
        since, until : moment, optional
            Runs, or months of an analysis, that begin in it; a day, month or year means all of it. By default
            from the first that was ever requested, or a week ago, until now.
        retry : bool
            Request runs that were given up, too.
        progress : callable, optional
            Called with the number of runs that are done, and of all.

        Returns
        -------
        UpdateReport
            Stored and failed runs, with the reason: a server in trouble is no error of an update.

        Raises
        ------
        StoreLockedError
            If another process is writing.
        StoreError
            If the folder cannot be written, or a site has moved. Stored values stay.
        """
        places = as_sites(sites)
        folder = folder_of(self.path, source.name)
        with only_writer(self.path, timeout=self.timeout):
            sweep(folder)
            manifest = Manifest.load(folder) or Manifest(folder=folder, source=source.name, kind=source.kind)
            self._declare(manifest, source, places)
            self._tidy(manifest)
            task = Updating(manifest, source, places, clock=self.clock)
            task.report.quarantined.extend(set_aside(manifest, damaged(manifest)))
            first, last = self._span(manifest, since, until)
            return task.run(first, last, retry=retry, progress=progress)

    def _span(self, manifest: Manifest, since: Any, until: Any) -> tuple[pd.Timestamp, pd.Timestamp]:
        now = self.clock()
        last = now if until is None else timestamps.period(until)[1]
        if since is not None:
            return timestamps.period(since)[0], last
        if manifest.first is None:
            return now - _BEGINNING, last
        return pd.Timestamp(manifest.first, unit="s", tz="UTC"), last

    def _declare(self, manifest: Manifest, source: RunSource | AnalysisSource, sites: Iterable[Site]) -> None:
        """Record the source and its sites; the coordinates of a name must never change."""
        step = source.cycle if isinstance(source, RunSource) else source.step
        manifest.cycle = int(step / pd.Timedelta("1s"))
        manifest.variables = tuple(source.variables)
        manifest.attribution = without_secrets(source.attribution)
        for site in sites:
            place = (round(site.latitude, 4), round(site.longitude, 4))
            before = manifest.sites.setdefault(site.name, place)
            if before != place:
                raise StoreError(
                    f"Site {site.name!r} lies at {place}, and the store has its weather at {before}.",
                    "In a store the name of a site must mean one place.",
                    "Give the site another name, or use another store.",
                )

    def _tidy(self, manifest: Manifest) -> None:
        """Remove files that are no longer listed."""
        oldest = int((self.clock() - _GRACE).value)
        needed = {record.name for record in manifest.files}
        manifest.retired = {name: when for name, when in manifest.retired.items() if when > oldest}
        for path in (manifest.folder / "files").glob("*.zip"):
            if path.stem not in needed and path.stem not in manifest.retired:
                path.unlink(missing_ok=True)  # of an update that was killed, or merged long ago

    def open(
        self,
        source: str | None = None,
        *,
        sites: Site | Sequence[Site] | None = None,
        start: Any = None,
        end: Any = None,
    ) -> xr.Dataset | dict[str, xr.Dataset]:
        """Open the archive as weather; values are read from disk when they are used.

        Parameters
        ----------
        source : str, optional
            Name of a source; all of them by default.
        sites : Site or sequence of Site, optional
            All by default.
        start, end : moment, optional
            Runs, or hours of an analysis, in it; a day, month or year means all of it.

        Returns
        -------
        Dataset, or dict of Dataset
            A dictionary by weather model if there are several sources. ``load()`` it before it is used more
            than once.

        Raises
        ------
        MissingDataError
            If the archive has no such weather.
        StoreError
            If the folder cannot be read.

        Warns
        -----
        DamagedStoreWarning
            If files are damaged. They are left out and set aside, and the next update fetches their runs again.
        """
        names = [source] if source is not None else [manifest.source for manifest in self._manifests()]
        wanted = None if sites is None else [site.name for site in as_sites(sites)]
        bounds = (
            None if start is None else int(timestamps.period(start)[0].value // 10**9),
            None if end is None else -(-int(timestamps.period(end)[1].value) // 10**9),
        )
        found = {name: self._opened(name, wanted, *bounds) for name in names}
        present = {name: weather for name, weather in found.items() if weather is not None}
        if not present:
            raise MissingDataError(
                f"{self!r} holds no weather of {source or 'any source'}"
                + (" for these sites and times." if bounds != (None, None) or wanted else "."),
                "A store must be filled by update().",
                "Call update(source, sites=...), or the command energyforecast weather fetch.",
            )
        return next(iter(present.values())) if len(names) == 1 else _by_model(present)

    def _opened(
        self, name: str, sites: Sequence[str] | None, start: int | None, end: int | None
    ) -> xr.Dataset | None:
        manifest = self._sound(folder_of(self.path, name))
        if manifest is None:
            return None
        chosen = [site for site in manifest.sites if sites is None or site in sites]
        weather = gathered(manifest, sites=chosen, start=start, end=end) if chosen else None
        if weather is not None and sites is not None:
            absent = [site for site in sites if site not in manifest.sites]
            if absent:
                raise MissingDataError(
                    f"{self!r} has no weather of {name} at {absent[0]!r}.",
                    f"It has {', '.join(manifest.sites)}.",
                    "Update the store with this site.",
                )
        return weather

    def _sound(self, folder: Path) -> Manifest | None:
        """Manifest without damaged files, which are reported by a warning."""
        manifest = Manifest.load(folder)
        if manifest is None:
            return None
        broken = damaged(manifest)
        if broken and (newer := Manifest.load(folder)) is not None and newer.files != manifest.files:
            manifest = newer  # an update merged files meanwhile
            broken = damaged(manifest)
        if broken:
            set_aside(manifest, broken)
            runs = sum(len(record.blocks) for record, _ in broken)
            warnings.warn(
                f"{len(broken)} damaged files of {manifest.source} are left out, with {runs} runs or months: "
                f"{broken[0][1]} The next update requests them again.",
                DamagedStoreWarning,
                stacklevel=4,  # where open() was called
            )
        return manifest

    def describe(self) -> pd.DataFrame:
        """Contents of the archive, a row for each source and site.

        Returns
        -------
        DataFrame
            Runs, or months of an analysis, that were ``expected`` so far, that are ``present``, ``missing``, or
            ``incomplete``; ``coverage``, the share of the expected leads and variables in those that are present;
            ``variables`` and ``reach`` (greatest lead) that came; the ``newest``; ``recorded``, how many were seen
            to arrive, and their median and greatest ``lateness``, from initialisation to arrival.
        """
        return described(self._manifests())

    def quarantined(self) -> pd.DataFrame:
        """Damaged files that are not replaced yet, with their contents; verifies every checksum."""
        return list_damaged(self._manifests())


def _by_model(weather: dict[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Sources named by the part after the colon, the model, where that is unique; else by all of it."""
    short = [name.rpartition(":")[2] for name in weather]
    names = short if len(set(short)) == len(short) else [name.replace(":", "_") for name in weather]
    return dict(zip(names, weather.values(), strict=True))
