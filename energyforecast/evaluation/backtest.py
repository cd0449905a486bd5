"""Backtest over rolling origins: fit on published data and forecast, for several models at once."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.provenance import machine
from energyforecast.core.version import __version__
from energyforecast.core.weather_schema import Weather, as_models, validated
from energyforecast.errors import SchemaError
from energyforecast.evaluation.checkpoints import Piece, Pieces, fingerprint
from energyforecast.evaluation.metrics.basic import SEVEN_LEVELS
from energyforecast.evaluation.pairing import align
from energyforecast.evaluation.result import Result
from energyforecast.evaluation.splits import Fold, Memory, Refit, Skip, origins, split
from energyforecast.features import Needs
from energyforecast.forecasting import checks
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import (
    Climatology,
    ConvexCombination,
    Persistence,
    PowerCurveReference,
    SeasonalNaive,
    SmartPersistence,
)

__all__ = ["backtest"]

_REFERENCES: Final = (
    Climatology,
    ConvexCombination,
    Persistence,
    PowerCurveReference,
    SeasonalNaive,
    SmartPersistence,
)


def backtest(
    forecasters: Forecaster | Mapping[str, Forecaster],
    weather: Weather,
    observations: Observations,
    *,
    start: Any,
    end: Any,
    refit: Refit = "MS",
    window: Any = "expanding",
    stride: int = 1,
    gap: Any = "0h",
    skip: Skip = (),
    jobs: int = 1,
    resume: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Forecast a past period as it would have been, refitting on the way.

    Parameters
    ----------
    forecasters : Forecaster or mapping of Forecaster
        By name (one alone is named ``"model"``); all have the same sites and task, and meet identical origins. They
        are not changed.
    weather : Dataset, mapping of Dataset or ValidatedWeather
        ``{}`` where nothing looks at it.
    observations : Observations
    start, end : str or moment
        Period in which the windows of the forecasts begin, read in the task's zone; ``"2015"`` means
        all of it.
    refit : {"D", "W", "MS", "QS", "YS"}, int, callable or None
        Fit again at the first origin of each local day, week, month, quarter or year; at every so many
        origins; where ``refit(issue_time, last_fit)`` says so; ``None``: once.
    window : "expanding" or str or timedelta
        How far back a fit learns: from everything, or from the last ``"365D"``.
    stride : int
        Forecast each origin (1), every second, ...
    gap : str or timedelta
        A fit knows what was known so long before it: the time that fitting and releasing a model takes.
    skip : str or sequence
        Periods in which no forecast begins, each like ``"2015-08"`` or a pair of first and last. Their
        outcomes are learnt from.
    jobs : int
        Processes.
    resume : path, optional
        Folder in which each fit's forecasts are kept. A run that was stopped goes on there, with the same
        result to the bit; and forecasts lie on disk, not in memory.
    progress : callable, optional
        Called with the number of fits done and their total.

    Returns
    -------
    Result

    Raises
    ------
    SchemaError
        If the forecasters differ in sites or task, `refit` is unknown, nothing is left to forecast, or
        `resume` holds another backtest.
    MissingDataError
        If weather is missing, or there is nothing to learn from before the first origin.

    Notes
    -----
    A fit at time t uses outcomes published by t, less the gap. Features of an origin come from what was
    known at that origin, so they are computed once for all fits.

    Examples
    --------
    >>> import energyforecast as ef
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris")
    >>> climatology = ef.Forecaster(site, task, model=ef.Climatology(), perfect_weather=True)
    >>> ef.backtest({"climatology": climatology}, weather, power, start="2015-01", end="2015-03")
    Result of climatology: 90 issues, 3 fits, perfect weather (ERA5 reanalysis): not forecast skill
    """
    named = {"model": forecasters} if isinstance(forecasters, Forecaster) else dict(forecasters)
    first = _alike(named)
    begun, spent = time.perf_counter(), time.process_time()
    memory = Memory(window, gap)
    tested = origins(first.task, start, end, stride=stride, skip=skip)
    folds = split(first.task, tested, refit=refit)
    windows = first.task.windows(tested)
    for site in first.sites:  # refused now, not after the fits
        observations.value_at(site.name, windows.valid_time[windows.inside])
    pieces = None
    if resume is not None:
        cuts = [array for fold in folds for array in (str(fold.as_of), fold.issue_time)]
        mark = fingerprint(named, weather, observations, settings=[str(window), str(gap), *cuts])
        pieces = Pieces(Path(resume))
        pieces.begin(mark)
    weather = validated(weather, sites=first.sites)  # Once, and not for each forecaster.
    prepared = {name: _prepare(item, weather, observations, tested, memory) for name, item in named.items()}
    done = _all_done(
        named, prepared, observations, folds, memory, pieces=pieces, jobs=jobs, progress=progress
    )
    said = {"caveats": "; ".join(first.caveats(weather))}
    forecasts, audits = {}, []
    for k, name in enumerate(named):
        parts = [done[(k, fold)] for fold in range(len(folds))]
        table = prepared[name][0].of_origins(
            np.isin(prepared[name][0].windows.issue_time, timestamps.to_ns(tested))
        )
        attrs = said | {"model": name}
        forecasts[name] = _assembled(named[name], table, parts, attrs, pieces=pieces, model=k)
        audits.append(_audit(name, forecasts[name], table, parts))
    summaries = [done[key].summary for key in sorted(done, key=lambda key: (list(named)[key[0]], key[1]))]
    return Result(
        forecasts=forecasts,
        observations=observations,
        folds=pd.DataFrame(summaries).drop(columns="newest_outcome"),
        origins=pd.concat(audits, ignore_index=True),
        provenance=_provenance(named, weather, tested, refit)
        | {"window": str(window), "gap": str(gap), "stride": stride}
        | {
            "below_zero": _below_zero(observations, next(iter(forecasts.values()))),
            "wall_seconds": round(time.perf_counter() - begun, 2),
            "cpu_seconds": round(time.process_time() - spent + _elsewhere(done, "cpu_seconds", sum), 2),
            "peak_memory_mb": _whole(peak_memory() + _elsewhere(done, "peak_memory_mb", max)),
        },
    )


def _below_zero(observations: Observations, forecast: Forecast) -> int:
    """How many outcomes are below zero and are judged as zero."""
    # One level is enough to align, and a cube on disk stays there.
    return align(observations, Forecast(forecast.data.isel(quantile=[0]))).below_zero


def _whole(size: float) -> int | None:
    return None if math.isnan(size) else round(size)


def _elsewhere(
    done: Mapping[tuple[int, int], _Done], key: str, joined: Callable[[list[float]], float]
) -> float:
    """CPU time or memory of other processes, summed over them."""
    used: dict[int, list[float]] = {}
    for item in done.values():
        if item.process != os.getpid():
            used.setdefault(item.process, []).append(float(item.summary[key]))
    return sum(joined(values) for values in used.values())


def peak_memory() -> float:
    """Largest resident size of this process so far; NaN where the system does not tell. [MB]"""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


def _alike(named: Mapping[str, Forecaster]) -> Forecaster:
    if not named:
        raise SchemaError("No forecaster is given.", "There is at least one.", "Give a Forecaster.")
    first = next(iter(named.values()))
    for name, other in named.items():
        if other.sites != first.sites or other.task != first.task:
            raise SchemaError(
                f"The forecaster {name!r} has other sites or another task than {next(iter(named))!r}.",
                "Forecasters that are compared meet identical origins.",
                "Give them the same sites and task.",
            )
    return first


def _prepare(
    forecaster: Forecaster,
    weather: Weather,
    observations: Observations,
    tested: pd.DatetimeIndex,
    memory: Memory,
) -> tuple[DesignMatrix, Needs]:
    learnt = forecaster.training_origins(weather, observations, as_of=tested[-1])
    begin = memory.begins(tested[0])
    if begin is not None:  # What lies before every fit's window needs no features.
        windows = forecaster.task.windows(learnt)
        learnt = learnt[(windows.inside & (windows.valid_time >= begin)).any(axis=1)]
    issued = np.union1d(timestamps.to_ns(learnt), timestamps.to_ns(tested))
    table = forecaster.design_matrix(weather, observations, issued)
    needs = forecaster.needs(weather)
    lost = ~table.usable & np.isin(table.windows.issue_time, timestamps.to_ns(tested))
    if lost.any():
        checks.refuse_unusable(weather, table, recipes=forecaster.recipes, only=lost)
    if not forecaster.trust_clock:
        checks.check_clock(table, observations, sites=forecaster.sites)
    return table, needs


@dataclass(frozen=True)
class _Done:
    """A fit that is done: its piece, or where it lies."""

    model: int
    fold: int
    process: int
    summary: dict[str, Any]
    piece: Piece | None
    pieces: Pieces | None

    def read(self) -> Piece:
        """Its piece, from memory or disk."""
        piece = self.piece if self.pieces is None else self.pieces.read(self.model, self.fold)
        assert piece is not None, "it was written, and read, before"
        return piece


def _all_done(
    named: Mapping[str, Forecaster],
    prepared: Mapping[str, tuple[DesignMatrix, Needs]],
    observations: Observations,
    folds: Sequence[Fold],
    memory: Memory,
    *,
    pieces: Pieces | None,
    jobs: int,
    progress: Callable[[int, int], None] | None,
) -> dict[tuple[int, int], _Done]:
    """Every fit of every forecaster, those on disk first."""
    work = [(k, fold) for fold in reversed(range(len(folds))) for k in range(len(named))]
    done = {} if pieces is None else _on_disk(pieces, work)
    if done and progress is not None:
        progress(len(done), len(work))
    names = list(named)
    results = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(_run)(
            named[names[k]],
            *prepared[names[k]],
            observations,
            folds[fold],
            memory,
            (names[k], k, fold),
            pieces,
        )
        for k, fold in work
        if (k, fold) not in done
    )
    for item in results:
        done[(item.model, item.fold)] = item
        if progress is not None:
            progress(len(done), len(work))
    return done


def _on_disk(pieces: Pieces, work: Sequence[tuple[int, int]]) -> dict[tuple[int, int], _Done]:
    found = {}
    for k, fold in work:
        piece = pieces.read(k, fold)
        if piece is not None:
            summary = piece.summary | {
                key: timestamps.instant(piece.summary[key]) for key in ("as_of", "newest_outcome")
            }
            # What an earlier run spent is told in its folds, not in what this one spent.
            found[(k, fold)] = _Done(k, fold, os.getpid(), summary, None, pieces)
    return found


def _run(
    forecaster: Forecaster,
    table: DesignMatrix,
    needs: Needs,
    observations: Observations,
    fold: Fold,
    memory: Memory,
    names: tuple[str, int, int],
    pieces: Pieces | None,
) -> _Done:
    """Fit and forecast one fold; runs in a process of its own."""
    begun = time.process_time()
    fitted = forecaster.unfitted()
    known = memory.rows(table, fold.as_of)
    knows = memory.ends(fold.as_of)
    fitted.fit_matrix(table, observations, needs=needs, as_of=knows, rows=known)
    rows = np.isin(table.issue_time, fold.issue_time)
    quantiles = {site.name: fitted.predict_rows(table, site, rows=rows) for site in fitted.sites}
    places = np.unique(table.origin[rows])
    levels = {site.name: fitted.fallback_levels(table, site)[places] for site in fitted.sites}
    name, model, number = names
    summary = {
        "model": name,
        "fold": number,
        "as_of": fold.as_of,
        "origins": len(places),
        "training_rows": sum(fitted.training_.rows.values()),
        "newest_outcome": _newest_outcome(table, observations, known, knows),
        "cold_start": "; ".join(fitted.cold_starts),
        "data_hash": fitted.training_.data_hash,
        "cpu_seconds": time.process_time() - begun,
        "peak_memory_mb": peak_memory(),
    }
    piece = Piece({site: q.astype(np.float32) for site, q in quantiles.items()}, levels, summary)
    if pieces is None:
        return _Done(model, number, os.getpid(), summary, piece, None)
    plain = summary | {key: str(summary[key]) for key in ("as_of", "newest_outcome")}
    pieces.write(model, number, Piece(piece.quantiles, levels, plain))
    return _Done(model, number, os.getpid(), summary, None, pieces)


def _newest_outcome(
    table: DesignMatrix, observations: Observations, known: npt.NDArray[np.bool_], knows: pd.Timestamp
) -> pd.Timestamp:
    """Beginning of the newest hour with an outcome known to a fit; NaT if there is none."""
    moments = table.valid_time[known]
    outcomes = [
        observations.value_at(site, moments, as_of=knows, outside="missing")
        for site in table.columns
        if site in observations.sites
    ]
    learnt = np.logical_or.reduce([np.isfinite(values) for values in outcomes]) if outcomes else []
    there = moments[learnt] if len(learnt) else moments[:0]
    return timestamps.to_index([there.max()])[0] if len(there) else pd.NaT


def _assembled(
    forecaster: Forecaster,
    table: DesignMatrix,
    parts: Sequence[_Done],
    attrs: Mapping[str, Any],
    *,
    pieces: Pieces | None,
    model: int,
) -> Forecast:
    sites = [site.name for site in forecaster.sites]
    levels = {site: np.concatenate([item.read().levels[site] for item in parts]) for site in sites}
    cold = (line for item in parts for line in item.summary["cold_start"].split("; "))
    said = [line for line in dict.fromkeys([*str(attrs["caveats"]).split("; "), *cold]) if line]
    return forecaster.to_forecast(
        table,
        {site: _Blocks(parts, site) for site in sites},
        levels=levels,
        attrs=dict(attrs) | {"caveats": "; ".join(said)},
        allocate=None if pieces is None else lambda shape: pieces.cube(model, shape),
    )


@dataclass(frozen=True)
class _Blocks:
    """The quantiles of a site, a fit after the other, so that one at a time is in memory."""

    parts: Sequence[_Done]
    site: str

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return (item.read().quantiles[self.site] for item in self.parts)


def _audit(name: str, forecast: Forecast, table: DesignMatrix, parts: Sequence[_Done]) -> pd.DataFrame:
    """For each origin and site: the fit, the run and the newest observation that it used."""
    issued = timestamps.to_index(table.windows.issue_time)
    counts = [item.summary["origins"] for item in parts]
    frames = []
    for k, site in enumerate(forecast.sites):
        columns: dict[str, Any] = {"model": name, "site": site, "issue_time": issued}
        for key in ("fold", "as_of", "newest_outcome"):
            values = pd.Series([item.summary[key] for item in parts])
            columns[key] = values.repeat(counts).to_numpy() if key == "fold" else _moments(values, counts)
        columns["newest_observation"] = timestamps.to_index(table.newest_observation[site])
        columns["fallback_level"] = forecast.data["fallback_level"].values[k]
        for (model, place), init in table.weather_init_time.items():
            if place == site:
                suffix = f"[{model}]" if model else ""
                columns[f"weather_init_time{suffix}"] = timestamps.to_index(init)
                columns[f"weather_age{suffix}"] = (table.windows.issue_time - init) / np.timedelta64(1, "h")
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def _moments(values: pd.Series, counts: Sequence[int]) -> pd.DatetimeIndex:
    return timestamps.to_index(np.repeat(timestamps.to_ns(pd.DatetimeIndex(values)), counts))


def _provenance(
    named: Mapping[str, Forecaster],
    weather: Weather,
    tested: pd.DatetimeIndex,
    refit: Refit,
) -> dict[str, Any]:
    first = next(iter(named.values()))
    levels = first.task.quantiles
    models = as_models(weather)
    caveats = first.caveats(weather)
    source = "; ".join(str(dataset.attrs.get("source", "unnamed")) for dataset in models.values())
    return {
        "caveats": list(caveats),
        "perfect_weather": first.perfect_weather,
        "weather": source,
        "sites": [site.name for site in first.sites],
        "capacity_mw": {site.name: site.capacity for site in first.sites},
        "first_issue": str(tested[0]),
        "last_issue": str(tested[-1]),
        "issues": len(tested),
        "refit": "callable" if callable(refit) else refit,
        "models": {name: _models(item) for name, item in named.items()},
        "features": {name: _features(item) for name, item in named.items()},
        "references": [
            name
            for name, item in named.items()
            if all(isinstance(model, _REFERENCES) for model in item.model_of.values())
        ],
        "pinball_levels": f"{len(levels)} levels from {levels[0]} to {levels[-1]}",
        "pinball_7_levels": list(SEVEN_LEVELS),
        "definitions": "mae of the median; rmse and bias of the mean; pinball not doubled; crps of the curve "
        "through the quantiles, flat outside; outcomes below 0 (auxiliary use) judged as 0",
        **machine(),
        "versions": {
            "energyforecast": __version__,
            "lightgbm": version("lightgbm"),
            "numpy": np.__version__,
            "pandas": pd.__version__,
        },
    }


def _models(forecaster: Forecaster) -> str:
    return "; ".join(dict.fromkeys(repr(model) for *_, model in forecaster.recipes))


def _features(forecaster: Forecaster) -> list[str]:
    """Names of the features, each once."""
    return list(dict.fromkeys(name for _, features, _ in forecaster.recipes for name in features.names))
