"""Step of a run in which forecast, measurements, model, plan and run go into the archive."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from energyforecast import archive as archives
from energyforecast.configuration.archive_section import archive_place
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.operations.adaptation import archive_adapted
from energyforecast.operations.run_folder import RunFolder

if TYPE_CHECKING:
    from energyforecast.archive import Archive
    from energyforecast.configuration import Configuration
    from energyforecast.planning import DayPlan

__all__ = ["archive_issue", "missing_library", "open_archive", "reached"]


def open_archive(settings: Configuration, folder: RunFolder, *, clock: Callable[[], pd.Timestamp]) -> Archive:
    """The archive of a configuration, or the one in the folder of runs.

    Raises
    ------
    StoreError
        If the database cannot be reached.
    ConfigurationError
        If its password is not in the environment.
    DependencyError
        Without the extra ``archive``.
    """
    return archives.open(**_place(settings, folder), clock=clock)


def reached(settings: Configuration, folder: RunFolder) -> str:
    """One line about the database of a configuration, which is asked and not changed.

    Raises
    ------
    StoreError
        If it cannot be reached.
    """
    from energyforecast.archive.address import engine_of, shown, transaction, url_of

    url = url_of(**_place(settings, folder))
    if url.drivername == "sqlite" and not Path(str(url.database)).is_file():
        return f"{shown(url)} would be made."
    with transaction(engine_of(url), write=False):
        return f"{shown(url)} can be reached."


def _place(settings: Configuration, folder: RunFolder) -> dict[str, Any]:
    """Arguments of :func:`energyforecast.archive.open`."""
    section = settings.sections.get("archive")
    return {"address": folder.archive} if section is None else archive_place(section, settings.path)


def missing_library() -> str | None:
    """Name of the library without which there is no archive; None if it is installed."""
    return next((name for name in ("sqlalchemy", "alembic") if find_spec(name) is None), None)


def archive_issue(
    archive: Archive,
    forecast: Forecast | None,
    observations: Observations | None,
    *,
    model: bytes | None,
    plan: DayPlan | None,
    name: str,
    before: Forecast | None = None,
) -> tuple[dict[str, int], dict[str, Exception]]:
    """Record forecast, model, plan and measurements; numbers of rows that were new, and errors, by part.

    The forecast comes first, and a part that cannot be recorded keeps none of the others from it.

    Parameters
    ----------
    archive : Archive
    forecast : Forecast, optional
    observations : Observations, optional
    model : bytes, optional
        Content of the file of the forecaster.
    plan : DayPlan, optional
    name : str
        Of the plan.
    before : Forecast, optional
        The forecast before its adaptation.
    """
    works: dict[str, Callable[[], int]] = {}
    digest = None if model is None else hashlib.sha256(model).hexdigest()
    if forecast is not None:
        first = forecast if before is None else before
        works["forecasts"] = lambda: archive_adapted(archive, first, forecast, model_hash=digest)
    if model is not None and digest is not None:
        works["models"] = lambda: archive.write_model(digest, manifest=_manifest(model))
    if plan is not None:
        works["plans"] = lambda: archive.write_plan(plan.tables(), name=name, issue_time=plan.issue_time)
    if observations is not None:
        works["measurements"] = lambda: archive.write_observations(observations)
    new: dict[str, int] = {}
    errors: dict[str, Exception] = {}
    for part, work in works.items():
        try:
            new[part] = work()
        except Exception as error:  # noqa: BLE001  (the other parts are recorded all the same)
            errors[part] = error
    return new, errors


def _manifest(model: bytes) -> dict[str, Any]:
    """Manifest of the file of a forecaster."""
    return dict(json.loads(zipfile.ZipFile(io.BytesIO(model)).read("manifest.json")))
