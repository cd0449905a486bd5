"""Run a competition: every task at every site in a process of its own, then the scores."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from energyforecast.competitions import scoring
from energyforecast.competitions.base import Competition, TaskForecast
from energyforecast.competitions.protocols.gefcom2012 import Gefcom2012Wind
from energyforecast.competitions.protocols.gefcom2014 import Gefcom2014Solar, Gefcom2014Wind, _Monthly
from energyforecast.competitions.protocols.gefcom2014_load import Gefcom2014Load
from energyforecast.competitions.readers.common import CompetitionData, Information
from energyforecast.core.version import __version__
from energyforecast.errors import ConfigurationError, one_of
from energyforecast.evaluation.process_use import ProcessUse, total_use

__all__ = ["competition", "names", "run", "write_json"]

#: Every competition by its name; a further one is entered here.
_COMPETITIONS = {
    item.name: item for item in (Gefcom2014Wind(), Gefcom2014Load(), Gefcom2014Solar(), Gefcom2012Wind())
}


def names() -> tuple[str, ...]:
    """Names of the competitions.

    Examples
    --------
    >>> "gefcom2014-wind" in names()
    True
    """
    return tuple(_COMPETITIONS)


def competition(name: str) -> Competition:
    """A competition by its name.

    Raises
    ------
    ConfigurationError
        If there is none of that name.

    Examples
    --------
    >>> competition("gefcom2012-wind").unit
    'capacity'
    """
    one_of("benchmark", name, allowed=_COMPETITIONS, error=ConfigurationError)
    return _COMPETITIONS[name]


@dataclass(frozen=True, eq=False)
class _Done:
    """One task at one site."""

    task: int
    model: TaskForecast
    climatology: TaskForecast
    references: dict[str, TaskForecast]
    use: ProcessUse


def run(
    name: str,
    folder: str | Path,
    *,
    tasks: str | None = None,
    information: Information = "competition",
    jobs: int = 1,
    leave_one_month_out: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Forecast tasks of a competition, each from what was known at its start, and score them.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    folder : path
        With the files of the competition.
    tasks : str, optional
        Like ``"4-12"`` or ``"1,3"``; those that the competition counted by default.
    information : {"competition", "operational"}
        Which weather was known when.
    jobs : int
        Processes; every task at every site is a piece of work.
    leave_one_month_out : bool
        Also forecast each month from all others, where the competition offers it.
    progress : callable, optional
        Called with the number of pieces done and their total.

    Returns
    -------
    dict
        Ready for JSON: ``tasks`` (score by task), ``mean``, ``n``, ``missing``, ``sites``, ``climatology``,
        ``references``, ``rmse``, ``coverage``, ``leaderboard``, ``leave_one_month_out``, ``settings``,
        ``wall_seconds``, ``cpu_seconds`` and ``peak_memory_mb`` (processes included).

    Raises
    ------
    ConfigurationError
        If there is no such competition, task or kind of information.
    EnergyForecastError
        If the files are not there, or not what the competition handed out.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run("gefcom2014-wind", folder, tasks="1")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    energyforecast.errors.MissingDataError: ...
    """
    begun, spent = time.perf_counter(), time.process_time()
    event = competition(name)
    _check_information(event, information, leave_one_month_out)
    data = event.read(folder, information=information)
    chosen = event.chosen(tasks, data)
    work = [(task, site) for task in reversed(chosen) for site in event.sites(data)]
    pieces: list[_Done] = []
    for piece in Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(_piece)(event, data, task, site) for task, site in work
    ):
        pieces.append(piece)
        if progress is not None:
            progress(len(pieces), len(work))
    pieces.sort(key=lambda piece: (piece.task, str(piece.model.site[0])))
    used = [piece.use for piece in pieces]
    months = None
    if leave_one_month_out:
        months, more = _leave_one_month_out(event, data, jobs)
        used += more
    return {
        "benchmark": name,
        "unit": event.unit,
        **_scores(pieces, chosen),
        "leaderboard": scoring.leaderboard(folder, file=event.leaderboard, tasks=chosen),
        "leave_one_month_out": months,
        "settings": event.settings(data) | {"versions": _versions()},
        "wall_seconds": round(time.perf_counter() - begun, 2),
        **total_use(used, since=spent),
    }


def _check_information(event: Competition, information: str, leave_one_month_out: bool) -> None:
    kinds = ("competition", "operational") if event.operational else ("competition",)
    one_of(f"--information of {event.name}", information, allowed=kinds, error=ConfigurationError)
    if leave_one_month_out and not isinstance(event, _Monthly):
        raise ConfigurationError(
            f"Leaving one month out is asked of {event.name}.",
            "The wind and solar tracks of GEFCom2014 offer it.",
            "Leave --leave-one-month-out out.",
        )


def _piece(event: Competition, data: CompetitionData, task: int, site: str) -> _Done:
    begun = time.process_time()
    model = event.forecast(data, task, site=site)
    return _Done(
        task,
        model,
        event.climatology(data, task, site=site),
        event.references(data, task, site=site),
        ProcessUse.since(begun),
    )


def _scores(pieces: Sequence[_Done], tasks: Sequence[int]) -> dict[str, Any]:
    by_task = {task: [piece for piece in pieces if piece.task == task] for task in tasks}
    everything = TaskForecast.joined([piece.model for piece in pieces])
    scored = everything.scored()
    scores = {str(task): scoring.pinball(_model(done)) for task, done in by_task.items()}
    usual = {str(task): scoring.pinball(_climatology(done)) for task, done in by_task.items()}
    return {
        "tasks": scores,
        "mean": float(np.mean(list(scores.values()))),
        "n": len(scored),
        "missing": len(everything) - len(scored),
        "n_by_task": {str(task): len(_model(done).scored()) for task, done in by_task.items()},
        "climatology": {"tasks": usual, "mean": float(np.mean(list(usual.values())))},
        "references": _references(by_task),
        "sites": _by_site(pieces),
        "coverage": scoring.coverage(everything),
    }


def _model(pieces: Sequence[_Done]) -> TaskForecast:
    return TaskForecast.joined([piece.model for piece in pieces])


def _climatology(pieces: Sequence[_Done]) -> TaskForecast:
    return TaskForecast.joined([piece.climatology for piece in pieces])


def _references(by_task: Mapping[int, Sequence[_Done]]) -> dict[str, dict[str, Any]]:
    """Scores by task of each further forecast, and their mean."""
    found: dict[str, dict[str, Any]] = {}
    for name in next(iter(by_task.values()))[0].references:
        tasks = {
            str(task): scoring.pinball(TaskForecast.joined([piece.references[name] for piece in done]))
            for task, done in by_task.items()
        }
        found[name] = {"tasks": tasks, "mean": float(np.mean(list(tasks.values())))}
    return found


def _by_site(pieces: Sequence[_Done]) -> dict[str, dict[str, Any]]:
    """Pinball loss and root mean squared error of each site, the references' beside."""
    found: dict[str, dict[str, Any]] = {}
    for site in dict.fromkeys(str(piece.model.site[0]) for piece in pieces):
        own = [piece for piece in pieces if piece.model.site[0] == site]
        several = {"model": _model(own), "climatology": _climatology(own)}
        several |= {
            name: TaskForecast.joined([piece.references[name] for piece in own]) for name in own[0].references
        }
        found[site] = {
            "n": len(several["model"].scored()),
            "pinball": {name: scoring.pinball(done) for name, done in several.items()},
            "rmse": {name: scoring.rmse(done) for name, done in several.items()},
        }
    return found


def _leave_one_month_out(
    event: Competition, data: CompetitionData, jobs: int
) -> tuple[dict[str, Any], list[ProcessUse]]:
    several = Parallel(n_jobs=jobs)(delayed(_months)(event, data, site) for site in event.sites(data))
    months = {
        month: scoring.pinball(TaskForecast.joined([done[month] for done, _ in several]))
        for month in several[0][0]
    }
    return {"months": months, "mean": float(np.mean(list(months.values())))}, [used for _, used in several]


def _months(
    event: Competition, data: CompetitionData, site: str
) -> tuple[dict[str, TaskForecast], ProcessUse]:
    assert isinstance(event, _Monthly)
    begun = time.process_time()
    return event.leave_one_month_out(data, site=site), ProcessUse.since(begun)


def _versions() -> dict[str, str]:
    return {
        "energyforecast": __version__,
        **{name: version(name) for name in ("lightgbm", "numpy", "pandas")},
    }


def write_json(path: str | Path, report: dict[str, Any]) -> Path:
    r"""Write what :func:`run` gave; what is not a number becomes null.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_json(folder + "/scores.json", {"mean": float("nan")}).read_text()
    '{\n "mean": null\n}\n'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(_plain(report), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return target


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
