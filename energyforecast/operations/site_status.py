"""Status of one site: from the archive, or from the index of the published files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from energyforecast.core import file_sets, timestamps
from energyforecast.core.fallback import LADDER
from energyforecast.errors import MissingDataError, TimeError
from energyforecast.operations.issued_forecasts import newest_issue
from energyforecast.operations.model_summary import ModelSummary
from energyforecast.operations.run_folder import RunFolder

if TYPE_CHECKING:
    from energyforecast.archive import Archive
    from energyforecast.core.forecast import Forecast

__all__ = ["SiteStatus", "of_archive", "of_files"]


@dataclass(frozen=True)
class SiteStatus:
    """Newest forecast of one site, the ages of its inputs, and its scores.

    Parameters
    ----------
    name : str
    issue_time, first_hour : Timestamp, optional
        Of the newest forecast; None if there is none.
    is_current : bool
        Whether it is the forecast that is due.
    fallback_level : int, optional
    weather_age, usual_weather_age : float, optional
        Of the run at issue, and that under which 95 % of training stayed. [h]
    measurement_age, usual_measurement_age : float, optional
        Of the newest measurement that was known at the status, and the usual age at issue. [h]
    caveats : tuple of str

    See Also
    --------
    Status

    Examples
    --------
    >>> SiteStatus("farm").is_current
    False
    """

    name: str
    issue_time: pd.Timestamp | None = None
    first_hour: pd.Timestamp | None = None
    is_current: bool = False
    fallback_level: int | None = None
    weather_age: float | None = None
    usual_weather_age: float | None = None
    measurement_age: float | None = None
    usual_measurement_age: float | None = None
    caveats: tuple[str, ...] = ()


def of_archive(
    archive: Archive, name: str, *, first: pd.Timestamp, as_of: pd.Timestamp, model: ModelSummary | None
) -> SiteStatus:
    """State of one site from the archive."""
    ages = _usual(model, name)
    ages["measurement_age"] = _measurement_age(archive, name, as_of)
    forecast = newest_issue(archive, name, as_of=as_of)
    if forecast is None:
        return SiteStatus(name, **ages)
    begins = timestamps.to_index(forecast.data["valid_time"].values.ravel()).min()
    return SiteStatus(
        name,
        issue_time=forecast.issue_times[0],
        first_hour=begins,
        is_current=bool(begins >= first),
        fallback_level=int(forecast.data["fallback_level"].values[0, 0]),
        weather_age=_weather_age(forecast),
        caveats=forecast.caveats,
        **ages,
    )


def _weather_age(forecast: Forecast) -> float | None:
    """Age of the weather run at issue; None without one. [h]"""
    if "weather_init_time" not in forecast.data.coords:
        return None
    run = pd.Timestamp(forecast.data["weather_init_time"].values[0, 0])
    if pd.isna(run):
        return None
    return float((forecast.issue_times[0] - run.tz_localize("UTC")) / pd.Timedelta("1h"))


def _measurement_age(archive: Archive, name: str, as_of: pd.Timestamp) -> float | None:
    """Time since the end of the newest interval that was measured and recorded. [h]"""
    try:
        held = archive.observations(name, valid=(as_of - pd.Timedelta("40D"), as_of), as_of=as_of)
    except MissingDataError:
        return None
    known = held.index[held.values[name].notna()]
    return float((as_of - known[-1] - held.frequency) / pd.Timedelta("1h")) if len(known) else None


def of_files(
    folder: RunFolder, name: str, *, first: pd.Timestamp, as_of: pd.Timestamp, model: ModelSummary | None
) -> SiteStatus:
    """State of one site from the index of the published files; without a forecast if it is not of this site."""
    index, usual = file_sets.read_index(folder.index), _usual(model, name)
    level = _level(index, name)
    if index.get("state") != "issued" or level is None:
        return SiteStatus(name, **usual)
    try:
        issued, begins = (timestamps.instant(index.get(key)) for key in ("issue_time", "first_hour"))
    except TimeError:
        return SiteStatus(name, **usual)
    if issued > as_of:  # what was published later was not known
        return SiteStatus(name, **usual)
    caveats = index.get("caveats")
    return SiteStatus(
        name,
        issue_time=issued,
        first_hour=begins,
        is_current=bool(begins >= first),
        fallback_level=level,
        caveats=tuple(map(str, caveats)) if isinstance(caveats, list) else (),
        **usual,
    )


def _level(index: Mapping[str, Any], name: str) -> int | None:
    """Fallback level of a site in an index; None without a forecast of it."""
    levels = index.get("fallback_levels")
    level = levels.get(name) if isinstance(levels, dict) else None
    return level if isinstance(level, int) and level in LADDER else None


def _usual(model: ModelSummary | None, name: str) -> dict[str, Any]:
    """Usual ages of weather and measurements at issue. [h]"""
    if model is None:
        return {}
    return {
        "usual_weather_age": model.usual_weather_age(),
        "usual_measurement_age": model.usual_measurement_age(name),
    }
