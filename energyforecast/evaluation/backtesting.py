"""Rolling origins: fit on what was published, forecast what came, for several models at once."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed

from energyforecast import __version__, times
from energyforecast.asof import Weather, as_models
from energyforecast.errors import SchemaError
from energyforecast.evaluation.metrics import SEVEN_LEVELS, align
from energyforecast.evaluation.results import Result
from energyforecast.features import Needs
from energyforecast.forecast import Forecast
from energyforecast.forecaster import Forecaster, Table
from energyforecast.models import (
    Climatology,
    ConvexCombination,
    Persistence,
    PowerCurveReference,
    SeasonalNaive,
    SmartPersistence,
)
from energyforecast.observations import Observations

__all__ = ["backtest"]

_CALENDAR: Final = {"D": "D", "W": "W-SUN", "MS": "M", "QS": "Q", "YS": "Y"}
_REFERENCES: Final = (
    Climatology,
    ConvexCombination,
    Persistence,
    PowerCurveReference,
    SeasonalNaive,
    SmartPersistence,
)


@dataclass(frozen=True)
class _Fold:
    """One fit and the origins that it forecasts."""

    as_of: pd.Timestamp
    rows: npt.NDArray[np.bool_]


def backtest(
    forecasters: Forecaster | Mapping[str, Forecaster],
    weather: Weather,
    observations: Observations,
    *,
    start: Any,
    end: Any,
    refit: str | None = "MS",
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Forecast a past period as it would have been, refitting on the way.

    Parameters
    ----------
    forecasters : Forecaster or mapping of Forecaster
        By name; all have the same sites and task, and meet identical origins. They are not changed.
    weather : Dataset or mapping of Dataset
    observations : Observations
    start, end : str or moment
        Period in which the windows of the forecasts begin, read in the task's zone; ``"2015"`` means
        all of it.
    refit : {"D", "W", "MS", "QS", "YS"} or None
        Fit again at the first origin of each local day, week, month, quarter or year; ``None``: once.
    jobs : int
        Processes.
    progress : callable, optional
        Called with the number of fits done and their total.

    Returns
    -------
    Result

    Raises
    ------
    SchemaError
        If the forecasters differ in sites or task, or `refit` is unknown.
    MissingDataError
        If weather is missing, or there is nothing to learn from before the first origin.

    Notes
    -----
    A fit at time t uses outcomes published by t. Features of an origin come from what was known at
    that origin, so they are computed once for all fits.

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
    tested = first.task.issue_times(start, end)
    prepared = {name: _prepare(item, weather, observations, tested) for name, item in named.items()}
    folds = _folds(first, tested, prepared[next(iter(named))][0], refit)
    work = [(name, k) for k in reversed(range(len(folds))) for name in named]
    done: dict[tuple[str, int], _Done] = {}
    results = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(_run)(named[name], *prepared[name], observations, folds[k], name, k) for name, k in work
    )
    for item in results:
        done[(item.name, item.fold)] = item
        if progress is not None:
            progress(len(done), len(work))
    said = {"caveats": "; ".join(first.caveats(weather))}
    forecasts = {
        name: _assembled(named[name], prepared[name][0], folds, done, said | {"model": name}, tested)
        for name in named
    }
    table = pd.DataFrame([done[key].summary for key in sorted(done, key=lambda key: (key[0], key[1]))])
    return Result(
        forecasts=forecasts,
        observations=observations,
        folds=table,
        provenance=_provenance(named, weather, tested, refit)
        | {
            # Aligned here, so that observations that end early are refused now, not when scores are asked for.
            "below_zero": align(observations, next(iter(forecasts.values()))).below_zero,
            "wall_seconds": round(time.perf_counter() - begun, 2),
            "cpu_seconds": round(time.process_time() - spent + _elsewhere(done, "cpu_seconds", sum), 2),
            "peak_memory_mb": _whole(peak_memory() + _elsewhere(done, "peak_memory_mb", max)),
        },
    )


def _whole(size: float) -> int | None:
    return None if math.isnan(size) else round(size)


def _elsewhere(
    done: Mapping[tuple[str, int], _Done], key: str, joined: Callable[[list[float]], float]
) -> float:
    """What other processes used, summed over them."""
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
    forecaster: Forecaster, weather: Weather, observations: Observations, tested: pd.DatetimeIndex
) -> tuple[Table, Needs]:
    learnt = forecaster.training_origins(weather, observations, as_of=tested[-1])
    issued = np.union1d(times.to_ns(learnt), times.to_ns(tested))
    table = forecaster.tabulate(weather, observations, issued)
    needs = forecaster.needs(weather)
    lost = ~table.usable & np.isin(table.windows.issue_time, times.to_ns(tested))
    if lost.any():
        forecaster.refuse_unusable(weather, table, only=lost)
    forecaster.check_clock(table, observations)
    return table, needs


def _folds(forecaster: Forecaster, tested: pd.DatetimeIndex, table: Table, refit: str | None) -> list[_Fold]:
    if refit is not None and refit not in _CALENDAR:
        raise SchemaError(
            f"refit={refit!r}.", f"It is one of {list(_CALENDAR)} or None.", "Choose one of them."
        )
    begins = times.to_index(forecaster.task.windows(tested).valid_time[:, 0])
    local = begins.tz_convert(times.zone(forecaster.task.timezone)).tz_localize(None)
    period = (
        np.zeros(len(tested), dtype=int)
        if refit is None
        else np.asarray(local.to_period(_CALENDAR[refit]).asi8)
    )
    issued = times.to_ns(tested)
    return [
        _Fold(tested[period == value][0], np.isin(table.issue_time, issued[period == value]))
        for value in dict.fromkeys(period.tolist())
    ]


@dataclass(frozen=True)
class _Done:
    name: str
    fold: int
    process: int
    quantiles: dict[str, npt.NDArray[Any]]
    levels: dict[str, npt.NDArray[np.int64]]
    summary: dict[str, Any]


def _run(
    forecaster: Forecaster,
    table: Table,
    needs: Needs,
    observations: Observations,
    fold: _Fold,
    name: str,
    number: int,
) -> _Done:
    """Fit and forecast one fold; runs in a process of its own."""
    begun = time.process_time()
    fitted = forecaster.unfitted()
    before = table.issue_time < times.to_ns([fold.as_of])[0]
    fitted.fit_table(table, observations, needs=needs, as_of=fold.as_of, rows=before)
    quantiles = {site.name: fitted.predict_rows(table, site, rows=fold.rows) for site in fitted.sites}
    origins = np.unique(table.origin[fold.rows])
    levels = {site.name: fitted.levels(table, site)[origins] for site in fitted.sites}
    summary = {
        "model": name,
        "fold": number,
        "as_of": fold.as_of,
        "origins": len(origins),
        "training_rows": sum(fitted.training_.rows.values()),
        "cold_start": "; ".join(fitted.cold_starts()),
        "cpu_seconds": time.process_time() - begun,
        "peak_memory_mb": peak_memory(),
    }
    return _Done(
        name,
        number,
        os.getpid(),
        {site: q.astype(np.float32) for site, q in quantiles.items()},
        levels,
        summary,
    )


def _assembled(
    forecaster: Forecaster,
    table: Table,
    folds: Sequence[_Fold],
    done: Mapping[tuple[str, int], _Done],
    attrs: Mapping[str, Any],
    tested: pd.DatetimeIndex,
) -> Forecast:
    part = table.of_origins(np.isin(table.windows.issue_time, times.to_ns(tested)))
    parts = [done[(str(attrs["model"]), k)] for k in range(len(folds))]
    sites = [site.name for site in forecaster.sites]
    quantiles = {site: np.concatenate([item.quantiles[site] for item in parts]) for site in sites}
    levels = {site: np.concatenate([item.levels[site] for item in parts]) for site in sites}
    cold = (line for item in parts for line in item.summary["cold_start"].split("; "))
    said = [line for line in dict.fromkeys([*str(attrs["caveats"]).split("; "), *cold]) if line]
    attrs = dict(attrs) | {"caveats": "; ".join(said)}
    return forecaster.assemble(part, quantiles, levels=levels, attrs=attrs)


def _provenance(
    named: Mapping[str, Forecaster],
    weather: Weather,
    tested: pd.DatetimeIndex,
    refit: str | None,
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
        "refit": refit,
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
