"""Alerts of a run: lines of JSON in a file, and a command that gets each of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from energyforecast.core.files import without_secrets
from energyforecast.operations.outcome import StepOutcome
from energyforecast.operations.run_folder import RunFolder
from energyforecast.operations.run_record import GOOD, NO_FORECAST, RunRecord

__all__ = ["alert", "alert_of"]

#: Longest run of a command. [s]
_PATIENCE: Final = 30.0


def alert_of(record: RunRecord, *, configuration: str) -> dict[str, Any] | None:
    """Alert of a run that is not good; None for a good one.

    Examples
    --------
    >>> import pandas as pd
    >>> moment = pd.Timestamp("2026-03-11 04:00", tz="UTC")
    >>> steps = (StepOutcome("fetch", "failed", "No answer."), StepOutcome("publish", "good"))
    >>> record = RunRecord(start=moment, end=moment, issue_time=moment, steps=steps, is_issued=True)
    >>> found = alert_of(record, configuration="farm")
    >>> found["severity"], found["steps"]
    ('warning', [{'name': 'fetch', 'state': 'failed', 'message': 'No answer.'}])
    """
    if record.exit_code == GOOD:
        return None
    content = record.to_dict()
    return {
        "severity": "error" if record.exit_code == NO_FORECAST else "warning",
        "configuration": configuration,
        **{key: content[key] for key in ("state", "exit_code", "start", "end", "issue_time")},
        "fallback_levels": content.get("fallback_levels", {}),
        "steps": [
            {"name": step.name, "state": step.state, "message": step.message}
            for step in record.steps
            if not step.is_good
        ],
    }


def alert(content: Mapping[str, Any], folder: RunFolder, *, command: Sequence[str] = ()) -> StepOutcome:
    """Add an alert to the file, and give it to the command on its standard input; never fatal.

    Parameters
    ----------
    content : mapping
    folder : RunFolder
    command : sequence of str
        Program and arguments; it is ended after 30 s.
    """
    line = json.dumps(dict(content), ensure_ascii=False, default=str)
    troubles = []
    try:
        _append(folder.alerts, line)
    except OSError as error:
        troubles.append(f"{folder.alerts} cannot be written: {error.strerror}.")
    if command:
        troubles += _call(command, line)
    if troubles:
        return StepOutcome("alert", "failed", " ".join(troubles))
    return StepOutcome("alert", "good", f"Alert of severity {content.get('severity')}.")


def _append(path: Path, line: str) -> None:
    """Add a line by one write, whole on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, f"{line}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _call(command: Sequence[str], line: str) -> list[str]:
    """Troubles of a command that gets a line."""
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "start_new_session": True}
    try:
        process = subprocess.Popen(list(command), stdin=subprocess.PIPE, text=True, **quiet)  # noqa: S603
    except (OSError, ValueError) as error:
        return [f"The alert command {command[0]!r} cannot be started: {without_secrets(str(error))}."]
    try:
        _, text = process.communicate(f"{line}\n", timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return [f"The alert command {command[0]!r} had not ended after {_PATIENCE:g} s, and was ended."]
    finally:
        _end(process)
    if process.returncode:
        said = without_secrets(" ".join(text.split())[-200:])
        return [f"The alert command {command[0]!r} ended with code {process.returncode}: {said}"]
    return []


def _end(process: subprocess.Popen[str]) -> None:
    """End a command and its children."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with suppress(OSError, subprocess.TimeoutExpired):
        process.wait(5)
