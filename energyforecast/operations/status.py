"""Status: whether the forecast of today can be trusted."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from energyforecast.configuration import Configuration
from energyforecast.core import provenance, timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.fallback import CLIMATOLOGY, LADDER
from energyforecast.core.tasks import Task
from energyforecast.core.wording import counted
from energyforecast.errors import DependencyError, MissingDataError, StoreError
from energyforecast.operations import drift as drift_tests
from energyforecast.operations.deadline import deadline_of
from energyforecast.operations.drift import Drift
from energyforecast.operations.issued_forecasts import opened_archive
from energyforecast.operations.model_summary import ModelSummary, model_in_service
from energyforecast.operations.run_folder import RunFolder
from energyforecast.operations.run_record import DEGRADED, GOOD, NO_FORECAST, newest_records
from energyforecast.operations.site_status import SiteStatus, of_archive, of_files
from energyforecast.operations.verification import Verification, verify

__all__ = ["Problem", "Status", "status"]

#: Records of runs that are read.
_RUNS: Final = 7
#: Age beyond the usual one from which weather or measurements are late. [h]
_SLACK: Final = 2.0
_LITTLE_SPACE: Final = 2**30


@dataclass(frozen=True)
class Problem:
    """A reason not to trust a forecast: of a site, or of all where the site is empty.

    See Also
    --------
    Status

    Examples
    --------
    >>> Problem("warning", "no model in service").severity
    'warning'
    """

    severity: Literal["error", "warning"]
    message: str
    site: str = ""


@dataclass(frozen=True, eq=False)
class Status:
    """State of the forecasts of a configuration at a moment.

    Parameters
    ----------
    as_of : Timestamp
    name : str
        Of the configuration.
    timezone : str
        Clock of the task.
    first_hour : Timestamp
        Of the forecast that is due.
    sites : tuple of SiteStatus
    problems : tuple of Problem
    model : ModelSummary, optional
        In service.
    verification : Verification, optional
        Of the last days; None without an archive.
    drift : Drift
    runs : tuple of mapping
        Records of the newest runs, the newest first.
    disk : mapping
        ``free`` and ``used`` bytes of the disk and of the folder.
    versions : mapping

    See Also
    --------
    energyforecast.operations.status.status, verify, energyforecast.operations.status_page.write

    Examples
    --------
    >>> moment = pd.Timestamp("2024-02-10 10:00", tz="UTC")
    >>> found = Status(moment, "farm", "UTC", moment, (SiteStatus("farm"),), (Problem("error", "no forecast", "farm"),))
    >>> found.state, found.exit_code
    ('no forecast', 1)
    """

    as_of: pd.Timestamp
    name: str
    timezone: str
    first_hour: pd.Timestamp
    sites: tuple[SiteStatus, ...]
    problems: tuple[Problem, ...] = ()
    model: ModelSummary | None = None
    verification: Verification | None = None
    drift: Drift = field(default_factory=lambda: Drift(0.01))
    runs: tuple[Mapping[str, Any], ...] = ()
    disk: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 as it should be, 3 with less trust, 1 without a forecast of some site."""
        if any(one.severity == "error" for one in self.problems):
            return NO_FORECAST
        return DEGRADED if self.problems else GOOD

    @property
    def state(self) -> str:
        """The exit code in words."""
        return {GOOD: "good", DEGRADED: "degraded", NO_FORECAST: "no forecast"}[self.exit_code]

    def to_dict(self) -> dict[str, Any]:
        """Content for a file of JSON."""
        return {
            "format": "energyforecast.status",
            "schema": 1,
            "as_of": _iso(self.as_of),
            "configuration": self.name,
            "state": self.state,
            "exit_code": self.exit_code,
            "first_hour": _iso(self.first_hour),
            "sites": [_plain(asdict(one)) for one in self.sites],
            "problems": [asdict(one) for one in self.problems],
            "model": None
            if self.model is None
            else {"name": self.model.name, "as_of": _iso(self.model.as_of)},
            "verification": None if self.verification is None else self.verification.to_dict(),
            "drift": self.drift.to_dict(),
            "runs": [{key: run.get(key) for key in ("start", "state", "issue_time")} for run in self.runs],
            "disk": dict(self.disk),
            "versions": dict(self.versions),
        }

    def alerts(self) -> list[dict[str, Any]]:
        """Problems as records of alerts (:func:`energyforecast.operations.alerts.alert`)."""
        return [
            {
                "severity": one.severity,
                "configuration": self.name,
                "time": _iso(self.as_of),
                "state": self.state,
            }
            | {"site": one.site or None, "message": one.message}
            for one in self.problems
        ]


def status(settings: Configuration, *, as_of: Any, days: int = 30) -> Status:
    """Look up whether the forecast that is due is there, and how far it can be trusted.

    Nothing is computed anew but scores: forecasts and measurements are those of the archive. Where it cannot be read,
    issue and levels are those of the index of the published files.

    Parameters
    ----------
    settings : Configuration
    as_of : moment
        Strings are wall time in the zone of the task.
    days : int
        Hours of the last so many days are scored.

    Returns
    -------
    Status

    See Also
    --------
    verify, daily_run

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_operations
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     settings, _ = example_operations(folder, days=40)
    ...     found = status(settings, as_of="2024-02-10 08:00")
    >>> found.state, [one.message for one in found.problems], found.sites[0].fallback_level
    ('degraded', ['no model in service'], 0)
    """
    check_types(locals(), of=status)
    moment = timestamps.instant(as_of, timezone=settings.task.timezone).floor("us")
    folder = RunFolder(settings.operations.folder)
    first = due(settings, moment)
    model = model_in_service(folder)
    problems: list[Problem] = []
    verified, tests = None, Drift(0.01)
    names = [site.name for site in settings.sites]
    sites = tuple(of_files(folder, name, first=first, as_of=moment, model=model) for name in names)
    try:
        archive = opened_archive(settings)
        sites = tuple(of_archive(archive, name, first=first, as_of=moment, model=model) for name in names)
        verified = verify(archive, settings=settings, as_of=moment, days=days)
        tests = drift_tests.drift(verified, model, since=None if model is None else model.since)
    except (MissingDataError, StoreError, DependencyError) as error:
        problems.append(Problem("warning", f"no archive: {error.found}"))
    runs = tuple(newest_records(folder, count=_RUNS))
    disk = _disk(folder.root)
    problems += [*_of_sites(sites), *_of_service(model, tests, runs, disk)]
    return Status(
        moment,
        settings.path.stem,
        settings.task.timezone,
        first,
        sites,
        tuple(problems),
        model,
        verified,
        tests,
        runs,
        disk,
        provenance.versions(),
    )


def due(settings: Configuration, as_of: pd.Timestamp) -> pd.Timestamp:
    """First hour of the newest forecast that must be there: that of an issue before the deadline is not yet due."""
    task: Task = settings.task
    issued = task.issue_times(as_of - 2 * task.reach - pd.Timedelta("40D"), as_of + task.reach)
    passed = issued[issued <= as_of]
    deadline = settings.operations.deadline
    if deadline is not None and len(passed):
        until = deadline_of(deadline, timezone=task.timezone, clock=lambda: passed[-1]).moment
        if until is not None and as_of < until and len(passed) > 1:
            passed = passed[:-1]
    newest = passed[-1:] if len(passed) else issued[:1]
    windows = task.windows(newest)
    return timestamps.to_index(windows.valid_time[windows.inside]).min()


def _of_sites(sites: tuple[SiteStatus, ...]) -> list[Problem]:
    """Problems of the forecasts and inputs of sites."""
    found = []
    for one in sites:
        if not one.is_current:
            newest = (
                "none" if one.first_hour is None else f"the newest begins {one.first_hour:%Y-%m-%d %H:%M} UTC"
            )
            found.append(Problem("error", f"the forecast that is due is not there: {newest}", one.name))
        if one.fallback_level:
            how = LADDER[one.fallback_level]
            note = ", without weather and measurements" if one.fallback_level >= CLIMATOLOGY else ""
            found.append(Problem("warning", f"level {one.fallback_level}: {how}{note}", one.name))
        late = ("weather", one.weather_age, one.usual_weather_age)
        measured = ("newest measurement", one.measurement_age, one.usual_measurement_age)
        for name, age, usual in (late, measured):
            if age is not None and usual is not None and age > usual + _allowance(name):
                found.append(Problem("warning", f"{name} {age:.0f} h old, usual {usual:.0f} h", one.name))
    return found


def _allowance(name: str) -> float:
    """Hours beyond the usual age at issue: the status may be asked a day after the issue."""
    return _SLACK if name == "weather" else _SLACK + 24.0


def _of_service(
    model: ModelSummary | None, tests: Drift, runs: tuple[Mapping[str, Any], ...], disk: Mapping[str, int]
) -> list[Problem]:
    """Problems of model, scores, newest run and disk."""
    found = []
    if model is None:
        found.append(Problem("warning", "no model in service"))
    found += [Problem("warning", line) for line in tests.reasons]
    for step in runs[0].get("steps", []) if runs else []:
        if step.get("state") not in ("good", "skipped"):
            found.append(Problem("warning", f"newest run, {step.get('name')}: {step.get('message')}"))
    if disk and disk["free"] < _LITTLE_SPACE:
        found.append(Problem("warning", f"only {disk['free'] / 2**20:.0f} MiB are free on the disk"))
    return found


def _disk(folder: Path) -> dict[str, int]:
    """Free bytes of the disk, and those that the folder takes."""
    try:
        there = folder if folder.is_dir() else folder.parent
        used = (
            sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else 0
        )
        return {"free": shutil.disk_usage(there).free, "used": used}
    except OSError:
        return {}


def set_aside(runs: tuple[Mapping[str, Any], ...]) -> list[tuple[str, str]]:
    """Data set aside in runs, by the beginning of the run."""
    found = []
    for run in runs:
        for step in run.get("steps", []):
            details = step.get("details") if isinstance(step, dict) else None
            items = details.get("set_aside", []) if isinstance(details, dict) else []
            for item in items if isinstance(items, list) else []:
                if isinstance(item, dict):
                    count = item.get("count", 1)
                    text = f"{item.get('part', '')} {item.get('name', '')}: {item.get('error', '')}"
                    more = f" ({counted(count, 'time')})" if isinstance(count, int) and count > 1 else ""
                    found.append((str(run.get("start", "")), text + more))
    return found


def _iso(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _iso(value) if isinstance(value, pd.Timestamp) else value for name, value in content.items()
    }
