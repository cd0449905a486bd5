"""Update of an archive: requests for missing weather, and checks of the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.files import without_secrets
from energyforecast.core.sites import Site
from energyforecast.errors import (
    RateLimitError,
    RefusedError,
    ResponseError,
    RunNotPublishedError,
    SourceError,
    UnreachableError,
    WrongDataError,
)
from energyforecast.weather.sources.common.base import AnalysisSource, RunSource
from energyforecast.weather.store import merge
from energyforecast.weather.store.completeness import (
    PATIENCE,
    Completeness,
    finite,
    next_month,
    seconds,
    step_of,
)
from energyforecast.weather.store.lazy_dataset import gathered
from energyforecast.weather.store.manifest import Manifest, Record

__all__ = ["UpdateReport", "Updating", "newest_due"]

_TRIES: Final = 3
#: Longest time after the declared latency at which a run was fetched live: its true arrival is recorded.
_LIVE: Final = np.timedelta64(1, "D")
#: Consecutive failures of the server after which the rest is left to the next update.
_MAX_TROUBLES: Final = 3
_KEPT: Final = ("retrieved_at", "model", "coherent_run")


@dataclass(kw_only=True)
class UpdateReport:
    """Result of an update.

    Attributes
    ----------
    source : str
    stored : list of Timestamp
        Runs, or months of an analysis, with new values in the store.
    incomplete : dict
        Incomplete ones, with the missing part.
    failed : dict
        Those without any new value, with the reason.
    given_up : int
        Runs that are no longer requested: the server had no (further) values three times, days after they
        were due; ``update(..., retry=True)`` requests them again.
    quarantined : list of str
        Damaged files that were set aside; their runs were requested again.
    stopped : str or None
        Reason for which the rest is left to the next update.

    See Also
    --------
    Store.update

    Examples
    --------
    >>> report = UpdateReport(source="calm")
    >>> report.stored.append(pd.Timestamp("2024-06-01", tz="UTC"))
    >>> print(report.summary)
    calm: 1 stored, 0 incomplete, 0 failed, 0 given up, 0 quarantined
    """

    source: str
    stored: list[pd.Timestamp] = field(default_factory=list)
    incomplete: dict[pd.Timestamp, str] = field(default_factory=dict)
    failed: dict[pd.Timestamp, str] = field(default_factory=dict)
    given_up: int = 0
    quarantined: list[str] = field(default_factory=list)
    stopped: str | None = None

    @property
    def summary(self) -> str:
        """One line."""
        counts = f"{len(self.stored)} stored, {len(self.incomplete)} incomplete, {len(self.failed)} failed"
        rest = f"{self.given_up} given up, {len(self.quarantined)} quarantined"
        return f"{self.source}: {counts}, {rest}" + (f"; stopped: {self.stopped}" if self.stopped else "")


class Updating:
    """One update of one source, by the only writer."""

    def __init__(
        self,
        manifest: Manifest,
        source: RunSource | AnalysisSource,
        sites: Sequence[Site],
        *,
        clock: Callable[[], pd.Timestamp],
    ) -> None:
        self.manifest, self.source, self.clock = manifest, source, clock
        self.sites = {site.name: site for site in sites}
        self.report = UpdateReport(source=source.name)
        self._troubles = 0

    def due(self, since: pd.Timestamp, until: pd.Timestamp) -> list[pd.Timestamp]:
        """Runs (or months) in [since, until) that should be available by now, the newest first."""
        now = self.clock()
        until = min(until, now)
        if isinstance(self.source, AnalysisSource):
            months = pd.date_range(_month(since), until, freq="MS", inclusive="left")
            return [month for month in months[::-1] if month < _known_until(self.source, now)]
        runs = self.source.runs(since, until)
        available = self.source.latency.available_time(timestamps.to_ns(runs)) <= timestamps.to_ns([now])[0]
        return list(runs[available][::-1])

    def run(
        self,
        since: pd.Timestamp,
        until: pd.Timestamp,
        *,
        retry: bool,
        progress: Callable[[int, int], None] | None,
    ) -> UpdateReport:
        """Request missing runs, the newest first, and store each answer before the next request."""
        blocks = self.due(since, until)
        if blocks:
            self._note_span(blocks)
        whole = self.manifest.complete()
        for done, block in enumerate(blocks):
            if progress is not None:
                progress(done, len(blocks))
            wanted = [name for name in self.sites if name not in whole.get(seconds(block), ())]
            requested = wanted if retry else self._not_given_up(block, wanted)
            self.report.given_up += len(requested) < len(wanted)
            if requested and not self._one(block, requested):
                break
        if progress is not None and blocks:
            progress(len(blocks), len(blocks))
        merge.merge_files(self.manifest, now=self.clock())
        self.manifest.strike_found()
        self.manifest.save()
        return self.report

    def _note_span(self, blocks: Sequence[pd.Timestamp]) -> None:
        first, last = seconds(blocks[-1]), seconds(blocks[0])
        state = self.manifest
        state.first = first if state.first is None else min(first, state.first)
        state.last = last if state.last is None else max(last, state.last)

    def _not_given_up(self, block: pd.Timestamp, sites: Sequence[str]) -> list[str]:
        tries = self.manifest.asked.get(seconds(block), {})
        return [name for name in sites if tries.get(name, 0) < _TRIES]

    def _one(self, block: pd.Timestamp, names: Sequence[str]) -> bool:
        """Request one run or month; whether to go on with the next."""
        sites = [self.sites[name] for name in names]
        try:
            answer = self._request(block, sites)
        except RateLimitError as error:
            return self._stop(error)
        except (UnreachableError, RefusedError) as error:
            self._fail(block, error)
            self._troubles += 1
            return self._troubles < _MAX_TROUBLES or self._stop(error)
        except (SourceError, WrongDataError) as error:
            self._fail(block, error)
            self._count(block, names)
            if isinstance(error, RunNotPublishedError):
                self._troubles = 0
                self._note_absent(block, names)
                self.manifest.save()
            return True
        self._troubles = 0
        if answer is not None:
            self._keep(block, names, answer)
        return True

    def _stop(self, error: SourceError) -> bool:
        self.report.stopped = without_secrets(f"{error.found} {error.remedy}")
        return False

    def _fail(self, block: pd.Timestamp, error: SourceError | WrongDataError) -> None:
        self.report.failed[block] = without_secrets(error.found)
        self.manifest.reasons[seconds(block)] = without_secrets(error.found)

    def _note_absent(self, block: pd.Timestamp, names: Iterable[str]) -> None:
        """Remember that a block was asked for and was not there, or not whole: it did not arrive before."""
        seen = self.manifest.absent.setdefault(seconds(block), {})
        seen.update(dict.fromkeys(names, self.clock().value))

    def _count(self, block: pd.Timestamp, names: Sequence[str]) -> None:
        """Count an unanswered request once the block is long overdue."""
        if self.clock() <= self._end_of(block) + PATIENCE:
            return
        tries = self.manifest.asked.setdefault(seconds(block), {})
        for name in names:
            tries[name] = tries.get(name, 0) + 1

    def _end_of(self, block: pd.Timestamp) -> pd.Timestamp:
        """Moment at which a block was due."""
        end = block if isinstance(self.source, RunSource) else next_month(block)
        return pd.Timestamp(self.source.latency.available_time(timestamps.to_ns([end]))[0], tz="UTC")

    # --- One answer --------------------------------------------------------------------------------

    def _request(self, block: pd.Timestamp, sites: Sequence[Site]) -> xr.Dataset | None:
        if isinstance(self.source, RunSource):
            answer = self.source.get_run(sites, block)
            self._must_be(
                list(timestamps.to_index(_axis(answer, "init_time"))) == [block], f"is not the run of {block}"
            )
        else:
            start, end = self._open_hours(block, [site.name for site in sites])
            if start >= end:
                return None
            answer = self.source.get_period(sites, start, end)
            hours = timestamps.to_index(_axis(answer, "time"))
            inside = bool(len(hours)) and hours[0] >= start and hours[-1] < end
            self._must_be(inside, f"is not of {start} to {end}")
        weather_schema.check_weather(answer, sites=sites, label=self.source.name)
        extra = set(map(str, answer["site"].values)) - {site.name for site in sites}
        self._must_be(not extra, f"has the sites {sorted(extra)}, which were not requested")
        if not any(bool(values.notnull().any()) for values in answer.values()):
            raise RunNotPublishedError(
                f"The answer of {self.source.name} holds no value.",
                "A run that is published must have values.",
                "Ask again later.",
            )
        return answer.sel(site=[site.name for site in sites])

    def _must_be(self, right: bool, found: str) -> None:
        if not right:
            raise ResponseError(
                f"The answer of {self.source.name} {found}.",
                "An answer must match its request.",
                "Try again later; if the error persists, report it.",
            )

    def _open_hours(self, month: pd.Timestamp, names: Sequence[str]) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Hours from the first missing one of a month to the last that should be available."""
        end = min(next_month(month), _known_until(self.source, self.clock()))
        old = self._archived(month, names)
        if old is None:
            return month, end
        hours = pd.date_range(month, end, freq=step_of(self.source), inclusive="left")
        known = old.reindex(time=timestamps.to_ns(hours))
        available = np.all([finite(known, name, "time") for name in self.source.variables], axis=0)
        holes = ~available.all(axis=0)
        return (hours[int(np.argmax(holes))], end) if holes.any() else (end, end)

    def _archived(self, block: pd.Timestamp, names: Sequence[str]) -> xr.Dataset | None:
        """Archived values of a block."""
        forecast = isinstance(self.source, RunSource)
        end = seconds(block) + 1 if forecast else seconds(next_month(block))
        found = gathered(self.manifest, sites=names, start=seconds(block), end=end)
        return None if found is None else found.load()

    def _keep(self, block: pd.Timestamp, names: Sequence[str], answer: xr.Dataset) -> None:
        old = self._archived(block, names)
        fresh = merge.fresh_part(answer, old)
        joined = merge.joined(answer, old)
        shares = Completeness(self.manifest, self.source, now=self.clock()).shares(block, joined)
        short = {name: share for name, share in zip(names, shares, strict=True) if share < 1.0}
        if fresh is not None:
            self._store(block, fresh, short)
            self.report.stored.append(block)
        self.manifest.reasons.pop(seconds(block), None)
        if short:
            problem = (
                f"{min(shares):.1%} of the expected values at {min(short, key=lambda name: short[name])!r}"
            )
            self.report.incomplete[block] = problem
            self.manifest.reasons[seconds(block)] = problem
            self._count(block, list(short))
            self._note_absent(block, short)
        if fresh is not None or short:
            self.manifest.save()

    def _store(self, block: pd.Timestamp, fresh: xr.Dataset, short: Mapping[str, float]) -> None:
        names = [str(name) for name in fresh["site"].values]
        now = self.clock()
        arrival, seen = self._arrival(block, fresh, timestamps.to_ns([now])[0])
        weather = fresh.assign_coords(available_time=arrival)
        leads = weather["lead_time"].values if "lead_time" in weather.dims else np.zeros(1, "m8[ns]")
        file = Record(
            name="",
            sites=tuple(names),
            blocks=(seconds(block),),
            arrived=(seen,),
            short={seconds(block): dict(short)} if short else {},
            variables=tuple(map(str, weather.data_vars)),
            reach=int(leads[-1] / np.timedelta64(1, "s")),
        )
        self.manifest.newest = max(self.manifest.newest, now.value)
        weather.attrs = self._attributes(fresh)
        merge.write_archive_file(self.manifest, weather, file)

    def _arrival(
        self, block: pd.Timestamp, fresh: xr.Dataset, now: np.datetime64
    ) -> tuple[tuple[tuple[str, ...], Any], int | None]:
        """First availability of each value, and the moment if it was recorded.

        It is recorded for values that are stored within a day of their declared latency, by a clock that did not go
        back since the last file. For others the declared one counts, or the last request that did not find them, or
        the clock where it went back: the latest of these.
        """
        rows = ("init_time", "lead_time") if "init_time" in fresh.dims else ("time",)
        start = fresh[rows[0]]
        ones = xr.ones_like(fresh[rows[-1]], dtype=np.int8)
        declared, _ = xr.broadcast(fresh["available_time"], ones)
        known = timestamps.to_ns(declared.transpose(*rows).values)
        names = [str(name) for name in fresh["site"].values]
        again = self.manifest.arrival(seconds(block), names)
        if again is not None:
            return (rows, np.full(known.shape, np.datetime64(again, "ns"))), again
        if now.astype(np.int64) < self.manifest.newest:
            return (rows, np.maximum(known, now)), None
        earliest = np.broadcast_to(
            timestamps.to_ns(start.values).reshape(-1, *[1] * (known.ndim - 1)), known.shape
        )
        known = np.maximum(known, self._last_absent(block, names, now))
        if len(rows) == 1:  # hours of an analysis grow up one by one
            return (rows, np.where(now <= known + _LIVE, np.maximum(now, earliest), known)), None
        if now <= known.max() + _LIVE:
            return (rows, np.maximum(now, earliest)), int(now.astype(np.int64))
        return (rows, known), None

    def _last_absent(self, block: pd.Timestamp, names: Iterable[str], now: np.datetime64) -> np.datetime64:
        """Last request that did not find a block whole, by a clock that was not ahead; 1970 without one."""
        seen = self.manifest.absent.get(seconds(block), {})
        moments = [seen[name] for name in names if name in seen]
        past = [moment for moment in moments if np.datetime64(moment, "ns") <= now]
        return np.datetime64(max(past, default=0), "ns")

    def _attributes(self, answer: xr.Dataset) -> dict[str, str | int | float]:
        """Provenance without keys."""
        kept = {key: value for key, value in answer.attrs.items() if key in _KEPT}
        return {
            **{
                key: without_secrets(value) if isinstance(value, str) else value
                for key, value in kept.items()
            },
            "Conventions": "CF-1.11",
            "kind": self.source.kind,
            "source": self.source.name,
            "attribution": without_secrets(self.source.attribution),
        }


def _known_until(source: RunSource | AnalysisSource, now: pd.Timestamp) -> pd.Timestamp:
    """End of the hours that should be available of an analysis."""
    moment = timestamps.to_ns([now])
    lag = source.latency.available_time(moment)[0] - moment[0]
    return (now - pd.Timedelta(lag)).floor(step_of(source))


def newest_due(source: RunSource | AnalysisSource, now: pd.Timestamp) -> pd.Timestamp:
    """Newest run, or month of an analysis, that should be available."""
    return source.newest(now) if isinstance(source, RunSource) else _month(_known_until(source, now))


def _axis(answer: xr.Dataset, name: str) -> Any:
    return answer[name].values if name in answer.coords else np.array([], dtype="datetime64[ns]")


def _month(moment: pd.Timestamp) -> pd.Timestamp:
    return moment.normalize().replace(day=1)
