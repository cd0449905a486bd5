"""Fits of a backtest and their forecasts: in processes, with checkpoints on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.evaluation.checkpoints import Checkpoint, Checkpoints
from energyforecast.evaluation.resource_use import ProcessUse
from energyforecast.evaluation.splits import Fold, Splits
from energyforecast.features import Needs
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.forecaster import Forecaster

__all__ = ["Candidate", "Execution", "FoldRun", "audit", "forecast_of", "run_folds"]

_MOMENTS = ("as_of", "newest_outcome")


@checked(jobs=(1, inf))
@dataclass(frozen=True)
class Execution:
    """Execution of a backtest: processes, checkpoints, progress. The result does not depend on it.

    Parameters
    ----------
    jobs : int
        Processes.
    resume : path, optional
        Folder in which each fit's forecasts are kept. A stopped run goes on from it, with the same
        result to the bit; and forecasts lie on disk, not in memory.
    progress : callable, optional
        Called with the number of fits done and their total.

    See Also
    --------
    energyforecast.backtest, Splits

    Examples
    --------
    >>> Execution(jobs=2, resume="run")
    Execution(jobs=2, resume='run', progress=None)
    """

    jobs: int = 1
    resume: str | Path | None = None
    progress: Callable[[int, int], None] | None = None

    def report(self, done: int, total: int) -> None:
        """Call `progress`, if it is given."""
        if self.progress is not None:
            self.progress(done, total)


@dataclass(frozen=True)
class Candidate:
    """A forecaster of a backtest, with the features of all origins of which it learns or that it forecasts."""

    name: str
    forecaster: Forecaster
    table: DesignMatrix
    needs: Needs


@dataclass(frozen=True)
class FoldRun:
    """A fit that is done: its checkpoint, or the folder that holds it; its use unless it was done in an earlier run."""

    model: int
    fold: int
    use: ProcessUse | None
    summary: dict[str, Any]
    checkpoint: Checkpoint | None
    checkpoints: Checkpoints | None

    def read(self) -> Checkpoint:
        """Its forecasts, from memory or disk."""
        if self.checkpoint is not None:
            return self.checkpoint
        assert self.checkpoints is not None, "forecasts that are not in memory lie on disk"
        checkpoint = self.checkpoints.read(self.model, self.fold)
        assert checkpoint is not None, "it was written, and read, before"
        return checkpoint


def run_folds(
    candidates: Sequence[Candidate],
    observations: Observations,
    folds: Sequence[Fold],
    splits: Splits,
    *,
    checkpoints: Checkpoints | None,
    execution: Execution,
) -> dict[tuple[int, int], FoldRun]:
    """Every fit of every candidate by numbers of candidate and fold, those on disk first."""
    work = [(k, fold) for fold in reversed(range(len(folds))) for k in range(len(candidates))]
    done = {} if checkpoints is None else _on_disk(checkpoints, work)
    if done:
        execution.report(len(done), len(work))
    results = Parallel(n_jobs=execution.jobs, return_as="generator_unordered")(
        delayed(_run)(candidates[k], observations, folds[fold], splits, (k, fold), checkpoints)
        for k, fold in work
        if (k, fold) not in done
    )
    for item in results:
        done[(item.model, item.fold)] = item
        execution.report(len(done), len(work))
    return done


def _on_disk(checkpoints: Checkpoints, work: Sequence[tuple[int, int]]) -> dict[tuple[int, int], FoldRun]:
    """Fits of an earlier run."""
    done = {}
    for k, fold in work:
        checkpoint = checkpoints.read(k, fold)
        if checkpoint is not None:
            moments = {key: timestamps.instant(checkpoint.summary[key]) for key in _MOMENTS}
            done[(k, fold)] = FoldRun(k, fold, None, checkpoint.summary | moments, None, checkpoints)
    return done


def _run(
    candidate: Candidate,
    observations: Observations,
    fold: Fold,
    splits: Splits,
    numbers: tuple[int, int],
    checkpoints: Checkpoints | None,
) -> FoldRun:
    """Fit and forecast one fold; runs in a process of its own."""
    begun, table, (model, number) = time.process_time(), candidate.table, numbers
    fitted = candidate.forecaster.unfitted()
    known, as_of = splits.rows(table, fold.as_of), splits.ends(fold.as_of)
    fitted.fit_matrix(
        table, observations, needs=candidate.needs, as_of=as_of, rows=known, since=splits.begins(fold.as_of)
    )
    rows = np.isin(table.issue_time, fold.issue_time)
    quantiles = {site.name: fitted.predict_rows(table, site, rows=rows) for site in fitted.sites}
    places = np.unique(table.origin[rows])
    levels = {site.name: fitted.fallback_levels(table, site)[places] for site in fitted.sites}
    hours = fitted.training_.hours.values()
    use = ProcessUse.since(begun)
    summary = {
        "model": candidate.name,
        "fold": number,
        "as_of": fold.as_of,
        "origins": len(places),
        "training_rows": sum(fitted.training_.rows.values()),
        "training_first": min((first for first, _ in hours), default=""),
        "training_last": max((last for _, last in hours), default=""),
        "chosen": _chosen(fitted),
        "newest_outcome": _newest_outcome(table, observations, known, as_of),
        "cold_start": "; ".join(fitted.cold_starts),
        "error_correlation": fitted.training_.error_correlation,
        "data_hash": fitted.training_.data_hash,
        "cpu_seconds": use.cpu_seconds,
        "peak_memory_mb": use.peak_memory_mb,
    }
    plain = summary | {key: str(summary[key]) for key in _MOMENTS}
    single = {site: values.astype(np.float32) for site, values in quantiles.items()}
    checkpoint = Checkpoint(single, levels, plain)
    if checkpoints is None:
        return FoldRun(model, number, use, summary, checkpoint, None)
    checkpoints.write(model, number, checkpoint)
    return FoldRun(model, number, use, summary, None, checkpoints)


def _chosen(fitted: Forecaster) -> str:
    """Candidates that the models of a fit have chosen; empty where there was no choice."""
    selections = fitted.training_.selection.values()
    return "; ".join(dict.fromkeys(str(item["chosen"]) for item in selections))


def _newest_outcome(
    table: DesignMatrix, observations: Observations, known: npt.NDArray[np.bool_], as_of: pd.Timestamp
) -> pd.Timestamp:
    """Beginning of the newest hour with an outcome known to a fit; NaT if there is none."""
    moments = table.valid_time[known]
    outcomes = [
        observations.value_at(site, moments, as_of=as_of, outside="missing")
        for site in table.columns
        if site in observations.sites
    ]
    learnt = np.logical_or.reduce([np.isfinite(values) for values in outcomes]) if outcomes else []
    observed = moments[learnt] if len(learnt) else moments[:0]
    return timestamps.to_index([observed.max()])[0] if len(observed) else pd.NaT


def forecast_of(
    candidate: Candidate,
    runs: Sequence[FoldRun],
    *,
    issue_times: pd.DatetimeIndex,
    caveats: Sequence[str],
    allocate: Callable[[tuple[int, ...]], npt.NDArray[Any]] | None = None,
) -> Forecast:
    """Forecast of a candidate, its fits one after the other."""
    forecaster = candidate.forecaster
    table = candidate.table.of_origins(
        np.isin(candidate.table.windows.issue_time, timestamps.to_ns(issue_times))
    )
    sites = [site.name for site in forecaster.sites]
    cold = (line for item in runs for line in item.summary["cold_start"].split("; "))
    lines = [line for line in dict.fromkeys([*caveats, *cold]) if line]
    return forecaster.to_forecast(
        table,
        {site: _Blocks(runs, site) for site in sites},
        fallback_level={
            site: np.concatenate([item.read().fallback_levels[site] for item in runs]) for site in sites
        },
        attrs={
            "model": candidate.name,
            "caveats": "; ".join(lines),
            # That of the first fit: known at the issue of all.
            "error_correlation": runs[0].summary["error_correlation"],
        },
        allocate=allocate,
    )


@dataclass(frozen=True)
class _Blocks:
    """The quantiles of a site, a fit after the other, so that one at a time is in memory."""

    runs: Sequence[FoldRun]
    site: str

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return (item.read().quantiles[self.site] for item in self.runs)


def audit(candidate: Candidate, forecast: Forecast, runs: Sequence[FoldRun]) -> pd.DataFrame:
    """For each origin and site: the fit, the run and the newest observation that it used."""
    table = candidate.table.of_origins(
        np.isin(candidate.table.windows.issue_time, timestamps.to_ns(forecast.issue_times))
    )
    issued, counts = table.windows.issue_time, [item.summary["origins"] for item in runs]
    shared: dict[str, Any] = {"fold": np.repeat([item.summary["fold"] for item in runs], counts)}
    for key in _MOMENTS:
        moments = pd.DatetimeIndex([item.summary[key] for item in runs])
        shared[key] = timestamps.to_index(np.repeat(timestamps.to_ns(moments), counts))
    frames = []
    for k, site in enumerate(forecast.sites):
        columns = {"model": candidate.name, "site": site, "issue_time": timestamps.to_index(issued), **shared}
        columns["newest_observation"] = timestamps.to_index(table.newest_observation[site])
        columns["fallback_level"] = forecast.data["fallback_level"].values[k]
        for (model, place), init in table.weather_init_time.items():
            if place == site:
                suffix = f"[{model}]" if model else ""
                columns[f"weather_init_time{suffix}"] = timestamps.to_index(init)
                if (model, place) in table.from_earlier:
                    columns[f"hours_of_earlier_run{suffix}"] = table.from_earlier[(model, place)]
                columns[f"weather_age{suffix}"] = (issued - init) / np.timedelta64(1, "h")
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)
