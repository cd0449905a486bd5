"""Execution of a competition: every task at every site in a process of its own, then the scores."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from joblib import Parallel, delayed

from energyforecast.competitions import scoring
from energyforecast.competitions.base import Competition, TaskForecast
from energyforecast.competitions.protocols.gefcom2012 import Gefcom2012Wind
from energyforecast.competitions.protocols.gefcom2014 import Gefcom2014Solar, Gefcom2014Wind, _Monthly
from energyforecast.competitions.protocols.gefcom2014_load import Gefcom2014Load
from energyforecast.competitions.readers.common import CompetitionData, Information
from energyforecast.core.arguments import checked
from energyforecast.core.files import whole_file
from energyforecast.core.version import __version__
from energyforecast.errors import ConfigurationError, one_of
from energyforecast.evaluation.resource_use import ProcessUse, total_use

__all__ = ["competition", "names", "run", "write_json"]

#: Kinds of model of wind, and the mean of their quantiles.
_BOTH: Final = ("trees", "kernel")
_HALF: Final = "half"

#: Every competition by its name; a further one is entered here.
_COMPETITIONS: dict[str, type[Competition]] = {
    item.name: item for item in (Gefcom2014Wind, Gefcom2014Load, Gefcom2014Solar, Gefcom2012Wind)
}


def names() -> tuple[str, ...]:
    """Names of the competitions.

    See Also
    --------
    competition, run

    Examples
    --------
    >>> "gefcom2014-wind" in names()
    True
    """
    return tuple(_COMPETITIONS)


@checked()
def competition(name: str) -> Competition:
    """Competition by its name.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Raises
    ------
    ConfigurationError
        If there is none of that name.

    See Also
    --------
    names, run

    Examples
    --------
    >>> competition("gefcom2012-wind").unit
    'capacity'
    """
    one_of("benchmark", name, allowed=_COMPETITIONS, error=ConfigurationError)
    return _COMPETITIONS[name]()


@dataclass(frozen=True, eq=False)
class _SiteTask:
    """One task at one site: its forecasts, CPU seconds of models that are compared, and the use of the process."""

    task: int
    site: str
    forecasts: dict[str, TaskForecast]
    cpu_seconds: dict[str, float]
    use: ProcessUse


@checked()
def run(
    name: str,
    folder: str | Path,
    *,
    tasks: str | None = None,
    information: Information | None = None,
    jobs: int = 1,
    models: Sequence[str] = (),
    leave_one_month_out: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Forecast tasks of a competition, each from the data that the information allows, and score them.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    folder : path
        With the files of the competition.
    tasks : str, optional
        Like ``"4-12"`` or ``"1,3"``; those that the competition scored by default.
    information : {"competition", "operational", "past"}, optional
        GEFCom2014: weather of a month in one run (``"competition"``, the default), or a run a day (``"operational"``).
        GEFCom2012: fits that know the past alone (``"past"``, the default), or all training hours, also later ones, as
        the competitors had them (``"competition"``).
    jobs : int
        Processes; every task at every site is a piece of work.
    models : sequence of {"trees", "kernel", "half", "sets"}
        Other kinds of model to compare with the default on the same hours, each at the cost of its fits. Of wind: trees
        alone, the kernel model alone, and half of each, which needs both. Of wind and solar: three sets of trees.
    leave_one_month_out : bool
        Also forecast each month from all others, where the competition offers it.
    progress : callable, optional
        Called with the number of pieces done and their total.

    Returns
    -------
    dict
        Ready for JSON: ``information``, ``tasks`` (score by task), ``mean``, ``n``, ``missing``, ``sites``, ``rmse``
        (mean over sites, by model), ``climatology``, ``references``, ``coverage``, ``leaderboard``,
        ``models`` (of each kind its scores, their changes, and ``cpu_seconds``; null without `models`),
        ``leave_one_month_out``, ``settings``, ``wall_seconds``, ``cpu_seconds`` and ``peak_memory_mb`` (processes
        included).

    Raises
    ------
    ConfigurationError
        If there is no such competition, task or kind of information
        of model.
    EnergyForecastError
        If the files are missing, or not those of the competition.

    See Also
    --------
    write_json, names

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run("gefcom2014-wind", folder, tasks="1")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    energyforecast.errors.MissingDataError: ...
    """
    begun, cpu_begun = time.perf_counter(), time.process_time()
    event = competition(name)
    information = event.information[0] if information is None else information
    _check_information(event, information, leave_one_month_out)
    others = _others(event, models)
    data = event.read(folder, information=information)
    chosen = event.chosen(tasks, data)
    done = _forecasts(event, data, chosen, others=others, jobs=jobs, progress=progress)
    used = [item.use for item in done]
    months = None
    if leave_one_month_out:
        months, more = _leave_one_month_out(event, data, jobs)
        used += more
    return {
        "benchmark": name,
        "unit": event.unit,
        "information": information,
        **_scores(done, chosen),
        "leaderboard": scoring.leaderboard(folder, file=event.leaderboard, tasks=chosen),
        "models": _compared(done, others) if others else None,
        "leave_one_month_out": months,
        "settings": event.settings(data) | {"versions": _versions()},
        "wall_seconds": round(time.perf_counter() - begun, 2),
        **total_use(used, since=cpu_begun),
    }


def _check_information(event: Competition, information: str, leave_one_month_out: bool) -> None:
    """Refuse information, or a leave-one-month-out, that the competition does not offer."""
    one_of(f"--information of {event.name}", information, allowed=event.information, error=ConfigurationError)
    if leave_one_month_out and not isinstance(event, _Monthly):
        raise ConfigurationError(
            f"Leaving one month out is asked of {event.name}.",
            "Only the wind and solar tracks of GEFCom2014 offer it.",
            "Leave --leave-one-month-out out.",
        )


def _others(event: Competition, names: Sequence[str]) -> tuple[str, ...]:
    """Kinds of model to compare, each once; half of each needs both."""
    known = tuple(event.compared())
    allowed = (*known, _HALF) if set(_BOTH) <= set(known) else known
    for name in names:
        if name not in allowed:
            raise ConfigurationError(
                f"The model {name!r} is to be compared with the default of {event.name}.",
                f"There are {', '.join(allowed)} to compare."
                if allowed
                else "Tracks of wind and solar have others.",
                "Choose of them with --models, separated by commas." if allowed else "Leave --models out.",
            )
    return tuple(name for name in allowed if name in names or (_HALF in names and name in _BOTH))


def _forecasts(
    event: Competition,
    data: CompetitionData,
    tasks: Sequence[int],
    *,
    others: Sequence[str],
    jobs: int,
    progress: Callable[[int, int], None] | None,
) -> list[_SiteTask]:
    """Every task at every site, in order."""
    work = [(task, site) for task in reversed(tasks) for site in event.sites(data)]
    done: list[_SiteTask] = []
    for item in Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(_site_task)(event, data, task, site, others) for task, site in work
    ):
        done.append(item)
        if progress is not None:
            progress(len(done), len(work))
    return sorted(done, key=lambda item: (item.task, item.site))


def _site_task(
    event: Competition, data: CompetitionData, task: int, site: str, others: Sequence[str]
) -> _SiteTask:
    """Forecast one task at one site; runs in a process of its own."""
    begun = time.process_time()
    compared: dict[str, TaskForecast] = {}
    seconds: dict[str, float] = {}
    for name, model in ({"model": None} | event.compared()).items():
        if name in ("model", *others):
            before = time.process_time()
            compared[name] = event.forecast(data, task, site=site, model=model)
            seconds[name] = time.process_time() - before
    if _HALF in others:
        one, two = (compared[name] for name in _BOTH)
        compared[_HALF] = replace(one, quantiles=0.5 * (one.quantiles + two.quantiles))
        seconds[_HALF] = seconds["trees"] + seconds["kernel"]
    forecasts = compared | {
        "climatology": event.climatology(data, task, site=site),
        **event.references(data, task, site=site),
    }
    return _SiteTask(task, site, forecasts, seconds, ProcessUse.since(begun))


def _compared(done: Sequence[_SiteTask], others: Sequence[str]) -> dict[str, Any]:
    """Scores of the default and of other kinds, against trees alone where they are among them."""
    names = {"default": "model"} | {name: name for name in others}
    usual = "trees" if "trees" in others else "default"
    table = scoring.comparison({name: _joined(done, key) for name, key in names.items()}, usual=usual)
    seconds = {name: sum(item.cpu_seconds[key] for item in done) for name, key in names.items()}
    scores = {name: row | {"cpu_seconds": round(seconds[name], 2)} for name, row in table.items()}
    return {"against": usual, "scores": scores}


def _scores(done: Sequence[_SiteTask], tasks: Sequence[int]) -> dict[str, Any]:
    """Scores of the model, of the climatology and of further references."""
    by_task = {task: [item for item in done if item.task == task] for task in tasks}
    everything = _joined(done, "model")
    scored = everything.scored()
    names, by_site = tuple(done[0].forecasts), _by_site(done)
    compared = [name for name in done[0].cpu_seconds if name != "model"]
    scores = {name: _by_task(by_task, name) for name in names if name not in compared}
    return {
        **scores.pop("model"),
        "n": len(scored),
        "missing": len(everything) - len(scored),
        "n_by_task": {str(task): len(_joined(items, "model").scored()) for task, items in by_task.items()},
        "climatology": scores.pop("climatology"),
        "references": scores,
        "sites": by_site,
        "rmse": {name: float(np.mean([each["rmse"][name] for each in by_site.values()])) for name in names},
        "coverage": scoring.coverage(everything),
    }


def _joined(done: Iterable[_SiteTask], name: str) -> TaskForecast:
    """Forecasts of one name, below each other."""
    return TaskForecast.joined(item.forecasts[name] for item in done)


def _by_task(by_task: Mapping[int, Sequence[_SiteTask]], name: str) -> dict[str, Any]:
    """Score of each task, and their mean."""
    scores = {str(task): scoring.pinball(_joined(done, name)) for task, done in by_task.items()}
    return {"tasks": scores, "mean": float(np.mean(list(scores.values())))}


def _by_site(done: Sequence[_SiteTask]) -> dict[str, dict[str, Any]]:
    """Pinball loss and root mean squared error of each site, for the model and its references."""
    scores: dict[str, dict[str, Any]] = {}
    for site in dict.fromkeys(item.site for item in done):
        of_site = [item for item in done if item.site == site]
        forecasts = {name: _joined(of_site, name) for name in of_site[0].forecasts}
        scores[site] = {
            "n": len(forecasts["model"].scored()),
            "pinball": {name: scoring.pinball(forecast) for name, forecast in forecasts.items()},
            "rmse": {name: scoring.rmse(forecast) for name, forecast in forecasts.items()},
        }
    return scores


def _leave_one_month_out(
    event: Competition, data: CompetitionData, jobs: int
) -> tuple[dict[str, Any], list[ProcessUse]]:
    """Score of each month from all others, and its mean."""
    several = Parallel(n_jobs=jobs)(delayed(_months)(event, data, site) for site in event.sites(data))
    months = {
        month: scoring.pinball(TaskForecast.joined(forecasts[month] for forecasts, _ in several))
        for month in several[0][0]
    }
    return {"months": months, "mean": float(np.mean(list(months.values())))}, [use for _, use in several]


def _months(
    event: Competition, data: CompetitionData, site: str
) -> tuple[dict[str, TaskForecast], ProcessUse]:
    """Months of one site; runs in a process of its own."""
    assert isinstance(event, _Monthly)
    begun = time.process_time()
    return event.leave_one_month_out(data, site=site), ProcessUse.since(begun)


def _versions() -> dict[str, str]:
    """Versions of the library and of its dependencies."""
    return {
        "energyforecast": __version__,
        **{name: version(name) for name in ("lightgbm", "numpy", "pandas")},
    }


def write_json(path: str | Path, report: dict[str, Any]) -> Path:
    r"""Write the report of :func:`run` as JSON; NaN becomes null.

    See Also
    --------
    run

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_json(folder + "/scores.json", {"mean": float("nan")}).read_text()
    '{\n "mean": null\n}\n'
    """
    target = Path(path)
    text = json.dumps(_plain(report), indent=1, allow_nan=False) + "\n"
    with whole_file(target) as scratch:
        scratch.write_text(text, encoding="utf-8")
    return target


def _plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
