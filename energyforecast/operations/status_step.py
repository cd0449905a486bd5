"""Step of a run in which the status is written next to the published files, as JSON and as a page."""

from __future__ import annotations

import json
from importlib.util import find_spec

from energyforecast.core.files import whole_file
from energyforecast.operations.outcome import StepOutcome
from energyforecast.operations.run_steps import Run

__all__ = ["write_status"]


def write_status(run: Run) -> StepOutcome:
    """Write the status as of now, which includes the record of the run, as JSON and as a page (extra ``report``)."""
    from energyforecast.operations import status_page
    from energyforecast.operations.status import status

    found = status(run.settings, as_of=run.clock())
    text = json.dumps(found.to_dict(), indent=1, ensure_ascii=False, default=str)
    with whole_file(run.folder.status_file) as scratch:
        scratch.write_text(text + "\n", encoding="utf-8")
    if find_spec("jinja2") is None:
        return StepOutcome("status", "good", f"{run.folder.status_file.name}; no page without jinja2.")
    status_page.write(found, run.folder.status_page, settings=run.settings)
    return StepOutcome("status", "good", f"{run.folder.status_page.name}, {run.folder.status_file.name}")
