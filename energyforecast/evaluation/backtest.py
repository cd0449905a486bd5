"""Backtest over rolling origins: fit on published data and forecast, for several models at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.available_capacity import Capacities
from energyforecast.core.observation_series import Observations
from energyforecast.core.planned_operation import PlannedOperation
from energyforecast.core.weather_schema import Weather, validated
from energyforecast.errors import MissingDataError, SchemaError, TimeError, of_type, one_of
from energyforecast.evaluation.backtest_provenance import notes_of_sites, provenance_of
from energyforecast.evaluation.checkpoints import Checkpoints, fingerprint
from energyforecast.evaluation.fold_runs import Candidate, Execution, audit, forecast_of, run_folds
from energyforecast.evaluation.inputs import negative_outcomes
from energyforecast.evaluation.published_limits import with_caveats
from energyforecast.evaluation.resource_use import total_use
from energyforecast.evaluation.result import Result
from energyforecast.evaluation.splits import Fold, Refit, Splits, ends_within, split
from energyforecast.evaluation.tuned_period import refuse_tuned_later
from energyforecast.forecasting import checks
from energyforecast.forecasting.fitted_plants import declared_sites, fitted_plants
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.point_in_time.capacity import with_capacity
from energyforecast.point_in_time.planned import with_plan

__all__ = ["backtest"]

_SPLITS: Final = Splits()
_EXECUTION: Final = Execution()


def backtest(
    forecasters: Forecaster | Mapping[str, Forecaster],
    weather: Weather,
    observations: Observations,
    *,
    start: Any,
    end: Any,
    refit: Refit = "auto",
    splits: Splits = _SPLITS,
    execution: Execution = _EXECUTION,
    missing: Literal["error", "drop"] = "error",
    available_capacity: Capacities = None,
    planned: PlannedOperation | None = None,
) -> Result:
    """Forecast a past period as it would have been, refitting on the way.

    Parameters
    ----------
    forecasters : Forecaster or mapping of Forecaster
        By name (one alone is named ``"model"``); all have the same sites and task, and meet identical origins. They
        are not changed.
    weather : Dataset, mapping of Dataset, ValidatedWeather or None
        None where no feature needs it. A forecaster whose features need none learns from all observations, however
        short the weather of the others is; ``folds`` hold the first and the last hour that each fit learnt from.
    observations : Observations
    start, end : str or moment
        Period in which the windows of the forecasts begin, read in the task's zone; ``"2015"`` means
        all of it. Windows that begin in the record and end after it are left out, and counted in
        ``provenance["beyond_record"]``.
    refit : {"auto", "D", "W", "MS", "QS", "YS"}, int, callable or None
        Fit again at the first origin of each local day, week, month, quarter or year; at every so many
        origins; where ``refit(issue_time, last_fit)`` is true; ``None``: once. ``"auto"``: each week while the history
        is shorter than 26 weeks, each second week up to 52, each month from then on. The history is what a fit
        learns from, of the site and the forecaster that have the least; ``folds`` list the fits.
    splits : Splits
        Length of the past from which a fit learns, gap before the fit, stride of the origins, periods that are skipped.
    execution : Execution
        Processes, the folder in which a stopped run goes on, and progress.
    missing : {"error", "drop"}
        Treatment of issue times for which no usable weather had arrived, as in ``fit``: refuse, or neither learn from
        them nor forecast them, with any of the models. They are counted in ``provenance["without_weather"]``.
    available_capacity : AvailableCapacity, or several, optional
        Capacity in service and orders, besides those of the observations; each fit and each forecast uses what was
        known by its time.
    planned : PlannedOperation, optional
        Planned operation, besides that of the observations, likewise.

    Returns
    -------
    Result

    Raises
    ------
    SchemaError
        If the forecasters differ in sites or task, `refit` is unknown, no origin is left to forecast, or
        the folder of `execution` holds another backtest.
    MissingDataError
        If weather is missing, or no outcome is known before the first origin.
    LeakageError
        If settings were tuned on data known after the first issue time (:func:`energyforecast.tune`).

    See Also
    --------
    energyforecast.evaluation.Splits, energyforecast.evaluation.Execution
    energyforecast.Result : Scores, skill, tests, gates and a report.
    energyforecast.tune : Settings of a model, chosen before the period.

    Notes
    -----
    A fit at time t uses outcomes published by t, less the gap. Features of an origin come from data that was
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
    check_types({"splits": splits, "execution": execution}, of=backtest)
    one_of("missing", missing, allowed=("error", "drop"))
    named = _named(forecasters)
    first = _alike(named)
    if available_capacity is not None:
        observations = with_capacity(observations, available_capacity)
    observations = with_plan(observations, planned)
    begun, cpu_begun = time.perf_counter(), time.process_time()
    named_period = splits.origins(first.task, start, end)
    asked = _with_outcomes(first, observations, named_period)
    refuse_tuned_later(named, asked[0])
    named = _with_orientation(named, observations, asked)
    first = next(iter(named.values()))
    weather = validated(weather, sites=first.sites)  # Once, and not for each forecaster.
    candidates = [_candidate(name, named[name], weather, observations, asked, splits) for name in named]
    if missing == "error":
        _refuse_unusable(candidates, weather, splits)
    tested = _with_weather(candidates, asked)
    folds = split(
        first.task, tested, refit=refit, history=lambda: _history(candidates, observations, tested, splits)
    )
    checkpoints = _checkpoints(named, weather, observations, folds, splits, execution)
    done = run_folds(candidates, observations, folds, splits, checkpoints=checkpoints, execution=execution)
    runs = [[done[(k, fold)] for fold in range(len(folds))] for k in range(len(candidates))]
    forecasts = {
        item.name: forecast_of(
            item,
            runs[k],
            issue_times=tested,
            caveats=first.caveats(weather),
            allocate=None if checkpoints is None else partial(checkpoints.cube, k),
        )
        for k, item in enumerate(candidates)
    }
    audits = [audit(item, forecasts[item.name], runs[k]) for k, item in enumerate(candidates)]
    summaries = [
        run.summary for run in sorted(done.values(), key=lambda run: (run.summary["model"], run.fold))
    ]
    result = Result(
        forecasts=forecasts,
        observations=observations,
        folds=pd.DataFrame(summaries).drop(columns=["newest_outcome", "error_correlation"]),
        origins=pd.concat(audits, ignore_index=True),
        provenance=provenance_of(named, weather, tested)
        | {"refit": "callable" if callable(refit) else refit}
        | {"without_weather": len(asked) - len(tested), "beyond_record": len(named_period) - len(asked)}
        | {"window": str(splits.window), "gap": str(splits.gap), "stride": splits.stride}
        | notes_of_sites(observations)
        | {"below_zero": negative_outcomes(observations, next(iter(forecasts.values())))}
        | {"wall_seconds": round(time.perf_counter() - begun, 2)}
        | total_use([run.use for run in done.values() if run.use is not None], since=cpu_begun),
    )
    found: Result = with_caveats(result)
    return found


def _with_orientation(
    named: Mapping[str, Forecaster], observations: Observations, asked: pd.DatetimeIndex
) -> dict[str, Forecaster]:
    """Forecasters of PV plants as their power shows them by the first issue time, where they are not declared."""
    sites = next(iter(named.values())).sites
    fitted = fitted_plants(sites, observations, as_of=asked[0])
    if fitted == sites:
        return dict(named)
    copies = {name: forecaster.unfitted() for name, forecaster in named.items()}
    for copy in copies.values():
        copy.sites = fitted
    return copies


def _with_outcomes(
    forecaster: Forecaster, observations: Observations, asked: pd.DatetimeIndex
) -> pd.DatetimeIndex:
    """Origins with an outcome for each hour; hours that were never observed are refused now, not after the fits."""
    remedy = "Read them with energyforecast.read_power."
    of_type("observations", observations, expected=Observations, remedy=remedy)
    checks.check_intervals(observations, forecaster.task)
    asked = asked[ends_within(forecaster.task.windows(asked), observations.index[-1])]
    windows = forecaster.task.windows(asked)
    for site in forecaster.sites:
        try:
            observations.value_at(site.name, windows.valid_time[windows.inside])
        except TimeError as error:
            remedy = "Choose a start and an end inside the observations, or give more of them."
            raise TimeError(error.found, error.expected, remedy) from error
    return asked


def _history(
    candidates: Sequence[Candidate], observations: Observations, tested: pd.DatetimeIndex, splits: Splits
) -> npt.NDArray[np.timedelta64]:
    """Length of the past from which a fit at each origin learns, where it is shortest."""
    issued, firsts = timestamps.to_ns(tested), []
    for item in candidates:
        hours = np.unique(item.table.valid_time)
        for site in set(observations.sites) & {site.name for site in item.forecaster.sites}:
            seen = hours[np.isfinite(observations.value_at(site, hours, outside="missing"))]
            firsts += [seen[0]] if len(seen) else []  # A site that is never observed gains by no fit.
    return splits.history(issued, max(firsts, default=issued[0]))


def _checkpoints(
    named: Mapping[str, Forecaster],
    weather: Weather,
    observations: Observations,
    folds: Sequence[Fold],
    splits: Splits,
    execution: Execution,
) -> Checkpoints | None:
    """Folder of the fits, if one is given, marked by everything on which the result depends."""
    if execution.resume is None:
        return None
    cuts = [array for fold in folds for array in (str(fold.as_of), fold.issue_time)]
    mark = fingerprint(named, weather, observations, settings=[str(splits.window), str(splits.gap), *cuts])
    checkpoints = Checkpoints(Path(execution.resume))
    checkpoints.begin(mark)
    return checkpoints


def _named(forecasters: Forecaster | Mapping[str, Forecaster]) -> dict[str, Forecaster]:
    if isinstance(forecasters, Forecaster):
        return {"model": forecasters}
    remedy = "Give a Forecaster, or a mapping of forecasters by name."
    of_type("forecasters", forecasters, expected=Mapping, remedy=remedy)
    for name, forecaster in forecasters.items():
        of_type(f"forecasters[{name!r}]", forecaster, expected=Forecaster, remedy=remedy)
    return dict(forecasters)


def _alike(named: Mapping[str, Forecaster]) -> Forecaster:
    if not named:
        raise SchemaError("No forecaster is given.", "At least one must be given.", "Give a Forecaster.")
    first = next(iter(named.values()))
    for name, other in named.items():
        if other.sites != first.sites or other.task != first.task:
            raise SchemaError(
                f"The forecaster {name!r} has other sites or another task than {next(iter(named))!r}.",
                "Forecasters that are compared must meet identical origins.",
                "Give them the same sites and task.",
            )
    return first


def _candidate(
    name: str,
    forecaster: Forecaster,
    weather: Weather,
    observations: Observations,
    tested: pd.DatetimeIndex,
    splits: Splits,
) -> Candidate:
    """Features of all origins, of training and test, computed once for all fits."""
    learnt = forecaster.training_origins(weather, observations, as_of=tested[-1])
    begin = splits.begins(tested[0])
    if begin is not None:  # Hours before every fit's window need no features.
        windows = forecaster.task.windows(learnt)
        learnt = learnt[(windows.inside & (windows.valid_time >= begin)).any(axis=1)]
    issued = np.union1d(timestamps.to_ns(learnt), timestamps.to_ns(tested))
    table = forecaster.design_matrix(weather, observations, issued)
    if begin is not None and table.measured is not None:
        raise SchemaError(
            f"A moving window of {splits.window} is asked for on an ensemble of past years.",
            "Its response is learnt from all measured hours, in their order.",
            'Leave window="expanding".',
        )
    if not forecaster.trust_clock:
        checks.check_clock(table, observations, sites=declared_sites(forecaster.sites))
    return Candidate(name, forecaster, table, forecaster.needs(weather))


def _refuse_unusable(candidates: Sequence[Candidate], weather: Weather, splits: Splits) -> None:
    """Refuse missing weather of origins that are learnt or forecast, unless they are skipped."""
    for item in candidates:
        asked = splits.asked(item.forecaster.task, item.table.windows)
        recipes = item.forecaster.recipes_for(weather)
        checks.refuse_unusable(weather, item.table, recipes=recipes, place="backtest", only=asked)


def _with_weather(candidates: Sequence[Candidate], asked: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Origins for which every candidate has usable weather."""
    usable = np.logical_and.reduce(
        [
            item.table.usable[np.isin(item.table.windows.issue_time, timestamps.to_ns(asked))]
            for item in candidates
        ]
    )
    if not usable.any():
        raise MissingDataError(
            f"None of {len(asked)} issue times from {asked[0]} to {asked[-1]} has usable weather.",
            "At least one must be forecast.",
            "Choose a period that has weather, or complete the archive.",
        )
    return asked[usable]
