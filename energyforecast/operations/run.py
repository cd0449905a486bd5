"""The daily run: weather, measurements, training, forecast, plan, publication, archive and pruning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.fallback import FULL, LADDER
from energyforecast.core.published_set import PublishedSet
from energyforecast.core.wording import counted
from energyforecast.errors import RunLockedError, TimeError
from energyforecast.forecasting import storage
from energyforecast.operations import archiving, training_step
from energyforecast.operations import dry_run as rehearsal
from energyforecast.operations.adapting_step import adapt_issued
from energyforecast.operations.alerts import alert, alert_of
from energyforecast.operations.deadline import deadline_of
from energyforecast.operations.fetch import fetch
from energyforecast.operations.issuing import Issued, in_words, issue
from energyforecast.operations.lock import only_run
from energyforecast.operations.outcome import State, StepOutcome
from energyforecast.operations.planning_step import make_plan
from energyforecast.operations.pruning import prune
from energyforecast.operations.publishing import described
from energyforecast.operations.publishing_step import publish_issued
from energyforecast.operations.reading import read_measurements, read_weather
from energyforecast.operations.run_folder import RunFolder
from energyforecast.operations.run_record import LOCKED, RunRecord, write_record
from energyforecast.operations.run_steps import Progress, Run, guarded
from energyforecast.operations.status_step import write_status
from energyforecast.operations.step_times import StepTimes
from energyforecast.operations.verifying import verify_issued

if TYPE_CHECKING:
    from energyforecast.configuration import Configuration

__all__ = ["daily_run"]

_COMMAND: Final = "run"
#: Difference of two clocks under which an issue time is not one of the future.
_CLOCKS: Final = pd.Timedelta("1min")


def daily_run(
    settings: Configuration,
    *,
    clock: Callable[[], pd.Timestamp] = timestamps.now,
    deadline: str | None = None,
    issue_time: Any = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> RunRecord:
    """Issue the forecast of a day by the best way that its data and the time allow, and publish it.

    A step that fails never stops those after it as long as a forecast can be issued: without new weather the store
    answers as it is, without training the model in service, without any model one that is fitted now, and without
    data climatology or constant quantiles; each is marked by its ``fallback_level``.

    Parameters
    ----------
    settings : Configuration
        From :func:`energyforecast.configuration.read`.
    clock : callable
        The present moment in UTC; another one is for simulations.
    deadline : str, optional
        Wall time in the task's zone, such as ``"09:30"``; by default that of the section [operations].
    issue_time : str or moment, optional
        Strings are wall time in the task's zone. By default the moment at which the weather has been fetched. At an
        issue of more than an hour ago nothing is trained.
    dry_run : bool
        Report what would be done, without doing it.
    progress : callable, optional
        Called with the name of each step and None, and with its outcome when it ends.

    Returns
    -------
    RunRecord
        Also written into the folder of runs, and to the archive.

    Raises
    ------
    RunLockedError
        If another run works in the folder.
    StoreError
        If the folder cannot be written.
    TimeError
        If the issue time is to come.

    See Also
    --------
    RunRecord, RunFolder

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from energyforecast import configuration
    >>> text = '''
    ... [sites."La Haute Borne"]
    ... kind = "wind"
    ... latitude = 48.45
    ... longitude = 5.59
    ... capacity = 8.2
    ... [observations]
    ... dataset = "la-haute-borne"
    ... [task]
    ... kind = "day_ahead"
    ... issue = "09:00"
    ... timezone = "Europe/Paris"
    ... [model]
    ... kind = "Climatology"
    ... '''
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "farm.toml")
    >>> _ = path.write_text(text)
    >>> clock = lambda: pd.Timestamp("2015-03-15 08:00", tz="UTC")
    >>> record = daily_run(configuration.read(path), clock=clock)
    >>> record.step("publish").message
    'forecast.csv, forecast.nc'
    >>> record.exit_code, record.details["fallback_levels"]
    (0, {'La Haute Borne': 0})
    >>> folder.cleanup()
    """
    text = deadline if deadline is not None else settings.operations.deadline
    until = deadline_of(text, timezone=settings.task.timezone, clock=clock)
    moment = None if issue_time is None else timestamps.instant(issue_time, timezone=settings.task.timezone)
    if moment is not None and moment > clock() + _CLOCKS:
        raise _to_come(moment, clock())
    run = Run(settings, clock, until, RunFolder(settings.operations.folder), progress, moment)
    if dry_run:
        return rehearsal.rehearse(run)
    start = clock()
    try:
        with only_run(run.folder.lock, now=start) as dead:
            if dead is not None:
                run.details["taken_over_from"] = dead
            return _held(run, start)
    except RunLockedError as error:
        _keep_refusal(run, start, error)
        raise


def _to_come(moment: pd.Timestamp, now: pd.Timestamp) -> TimeError:
    """Error of an issue time in the future, after which no forecast of an earlier day would be published."""
    return TimeError(
        f"The issue time {moment:%Y-%m-%d %H:%M} UTC is to come: it is {now:%Y-%m-%d %H:%M} UTC.",
        "A forecast is issued at the present moment or, to repeat it, at one of the past.",
        "Leave the issue time out, or set the clock of this machine.",
    )


def _held(run: Run, start: pd.Timestamp) -> RunRecord:
    """The run, by the holder of the lock; also one that is stopped leaves its record."""
    files = PublishedSet(run.folder.published, "forecast")
    try:
        guarded("ask", lambda: _ask(run, files))
        due = _issue_steps(run, files)
        _later_steps(run, due)
    except BaseException as error:  # a signal: exceptions of steps are outcomes
        run.steps.append(StepOutcome("stop", "failed", f"Stopped by {type(error).__name__}."))
        try:
            if run.is_published and not any(step.name == "archive" for step in run.steps):
                run.do("archive", lambda: _archive(run))
        finally:  # also if it is stopped again
            _end(run, files, start, is_stopped=True)
        raise
    return _end(run, files, start)


def _ask(run: Run, files: PublishedSet) -> StepOutcome:
    """Note the hours that would be asked for now, by which a run that is stopped early knows an answer."""
    files.ask(run.settings.task, run.moment)
    return StepOutcome("ask", "good")


def _issue_steps(run: Run, files: PublishedSet) -> str | None:
    """Steps up to publication; the reason to train, if there is one and no time for it."""
    times = StepTimes.of(run.folder)
    run.do(
        "fetch",
        lambda: fetch(
            run.settings, clock=run.clock, deadline=run.deadline, reserve=times.reserve(run.deadline)
        ),
    )
    if run.issue_time is None:
        run.issue_time = run.clock().ceil("s")
    files.ask(run.settings.task, run.issue_time)
    due = training_step.look(run)
    late = due is not None and run.in_service() is not None and training_step.is_late(run, times)
    run.is_recent = run.in_service() is not None and (due is None or late)
    run.do("weather", lambda: read_weather(run))
    run.do("measurements", lambda: read_measurements(run))
    if due is not None and not late:
        run.do("train", lambda: training_step.train_model(run, due))
    run.do("forecast", lambda: _forecast(run))
    if run.settings.operations.adapt and run.issued is not None:
        run.do("adapt", lambda: adapt_issued(run, times))
    if run.settings.plan is not None and run.issued is not None:
        run.do("plan", lambda: _plan(run, times))
    run.do("publish", lambda: publish_issued(run, files))
    return due if late else None


def _later_steps(run: Run, due: str | None) -> None:
    """Steps for which no reader of the forecast waits; with a reason to train that had to wait."""
    run.do("archive", lambda: _archive(run))
    run.do("verify", lambda: verify_issued(run))
    if due is not None:
        run.do("train", lambda: training_step.train_model(run, due))
    run.do("prune", lambda: prune(run.settings, run.folder, as_of=run.clock()))


def _forecast(run: Run) -> StepOutcome:
    """Issue the forecast."""
    run.issued = issue(
        run.settings, run.inputs, moment=run.moment, in_service=run.in_service(), everything=run.everything
    )
    about = described(run.issued.forecast)
    run.details |= about
    level = about["fallback_level"]
    message = f"{run.issued.by}; level {level}, {LADDER[level]}."
    details = {**about, "way": run.issued.way, "refused": list(run.issued.refused)}
    absent = [site.name for site in run.settings.sites if site.name not in run.issued.forecast.sites]
    if absent:
        message += f" No forecast of {', '.join(absent)}."
    good = level == FULL and not run.issued.refused and not absent
    return StepOutcome("forecast", "good" if good else "degraded", message, details)


def _plan(run: Run, times: StepTimes) -> StepOutcome:
    """Plan, if there is time."""
    assert run.issued is not None
    left, usual = run.deadline.seconds_left(), times.usual("plan")
    if left < usual:
        message = f"Not planned: {left:.0f} s are left before the deadline, a plan may take {usual:.0f} s."
        return StepOutcome("plan", "failed", message)
    terms = run.settings.plan
    learns = terms is not None and terms.dependence == "gaussian"  # from hindcasts
    inputs = run.everything() if learns else run.inputs
    run.plan = make_plan(run.settings, run.issued.forecast, inputs, moment=run.moment)
    parts = ", ".join(run.plan.tables()) or "no table"
    return StepOutcome("plan", "good", f"{parts}.", {"dependence": run.plan.dependence})


def _archive(run: Run) -> StepOutcome:
    """Record forecast, model, plan and measurements."""
    if (missing := archiving.missing_library()) is not None:
        state: State = "degraded" if "archive" in run.settings.sections else "skipped"
        return StepOutcome("archive", state, f"Not archived: {missing} is not installed.")
    archive = archiving.open_archive(run.settings, run.folder, clock=run.clock)
    issued = run.issued if run.is_published else None  # the archive holds what was said
    new, errors = archiving.archive_issue(
        archive,
        None if issued is None else issued.forecast,
        run.inputs.observations,
        model=None if issued is None else _model_file(run, issued),
        plan=run.plan if run.is_published else None,
        name=run.settings.path.stem,
        before=None if issued is None else issued.before,
    )
    shown = ", ".join(f"{count} {name}" for name, count in new.items())
    if errors:
        lost = " ".join(f"Not archived, {name}: {in_words(error)}" for name, error in errors.items())
        return StepOutcome(
            "archive", "degraded" if new else "failed", f"New: {shown or 'nothing'}. {lost}", new
        )
    return StepOutcome("archive", "good", f"New: {shown or 'nothing'}.", new)


def _model_file(run: Run, issued: Issued) -> bytes | None:
    """Content of the file of the forecaster that made a forecast."""
    served = None if run.registry is None else run.registry.served()
    if served is not None and issued.forecaster is served.forecaster:
        return served.record.path.read_bytes()
    return None if issued.forecaster is None else storage.dump(issued.forecaster)


def _end(run: Run, files: PublishedSet, start: pd.Timestamp, *, is_stopped: bool = False) -> RunRecord:
    """Write the record, the row of the archive, the alert and the status of a run that has ended."""
    issued = run.is_published or files.is_answered()
    if not issued and files.asked:  # else nobody knows whether they answer
        guarded("publish", lambda: _publish_nothing(files))

    def record() -> RunRecord:
        return _record(run, start, is_issued=issued, is_stopped=is_stopped)

    _alert(run, record())
    run.do("record", lambda: _keep_run(run, record()))
    guarded("record", lambda: _write(record(), run.folder))  # the status shows it
    if not run.do("status", lambda: write_status(run)).is_good:
        _alert(run, record())
    ended = record()
    written = guarded("record", lambda: _write(ended, run.folder))
    return ended if written.is_good else replace(ended, steps=(*ended.steps, written))


def _alert(run: Run, record: RunRecord) -> None:
    """Alert of a run that is not good, once; a run that is stopped does not wait for the command."""
    found = alert_of(record, configuration=run.settings.path.stem)
    if found is None or any(step.name == "alert" for step in run.steps):
        return
    command = () if record.is_stopped else run.settings.operations.alert_command
    run.do("alert", lambda: alert(found, run.folder, command=command))


def _write(record: RunRecord, folder: RunFolder) -> StepOutcome:
    write_record(record, folder)
    return StepOutcome("record", "good")


def _publish_nothing(files: PublishedSet) -> StepOutcome:
    """Set the files of an earlier issue aside."""
    moved = files.refuse("No forecast could be published.")
    return StepOutcome("publish", "failed", f"No forecast; {counted(len(moved), 'file')} set aside.")


def _record(run: Run, start: pd.Timestamp, *, is_issued: bool, is_stopped: bool) -> RunRecord:
    return RunRecord(
        start=start,
        end=run.clock(),
        issue_time=run.issue_time,
        steps=tuple(run.steps),
        is_issued=is_issued,
        is_stopped=is_stopped,
        details=dict(run.details),
    )


def _keep_run(run: Run, record: RunRecord) -> StepOutcome:
    """Write the row of the run into the archive."""
    if archiving.missing_library() is not None:
        return StepOutcome("record", "skipped", "There is no archive.")
    archive = archiving.open_archive(run.settings, run.folder, clock=run.clock)
    content = record.to_dict()
    archive.write_run(
        _COMMAND, start=record.start, end=record.end, exit_code=record.exit_code, detail=content
    )
    return StepOutcome("record", "good")


def _keep_refusal(run: Run, start: pd.Timestamp, error: RunLockedError) -> None:
    """Archive the row of a run that found the folder locked; never an error, as the archive may be at fault."""
    run.do("record", lambda: _write_refusal(run, start, error))


def _write_refusal(run: Run, start: pd.Timestamp, error: RunLockedError) -> StepOutcome:
    if archiving.missing_library() is None:
        archive = archiving.open_archive(run.settings, run.folder, clock=run.clock)
        detail = {"state": "locked", "error": error.found}
        archive.write_run(_COMMAND, start=start, end=run.clock(), exit_code=LOCKED, detail=detail)
    return StepOutcome("record", "good")
