"""Forecasts as they were issued: for each hour the newest record that was made before it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from energyforecast import archive as archives
from energyforecast.configuration import Configuration
from energyforecast.configuration.archive_section import archive_place
from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.operations.run_folder import RunFolder

if TYPE_CHECKING:
    from energyforecast.archive import Archive

__all__ = ["Issued", "issued_forecasts", "newest_issue", "opened_archive", "together"]


@dataclass(frozen=True, eq=False)
class Issued:
    """Forecasts of one site, and the hours for which this record was the newest one before they began."""

    forecast: Forecast
    since: pd.Timestamp | None = None
    until: pd.Timestamp | None = None

    def holds(self, valid_time: pd.Series[pd.Timestamp]) -> pd.Series[bool]:
        """Whether hours lie between the two records."""
        held = pd.Series(True, index=valid_time.index)
        if self.since is not None:
            held &= valid_time >= self.since
        return held if self.until is None else held & (valid_time < self.until)


def opened_archive(settings: Configuration) -> Archive:
    """Archive of [archive], or of the folder of the daily run; it must exist."""
    section = settings.sections.get("archive")
    if section is not None:
        return archives.open(**archive_place(section, settings.path), create=False)
    file = RunFolder(settings.operations.folder).archive
    if not file.is_file():
        raise MissingDataError(
            f"There is no archive {file}.",
            "Forecasts are compared with outcomes from the archive of the daily run.",
            f"Run energyforecast run {settings.path}, or name a database in [archive].",
        )
    return archives.open(file, create=False)


def issued_forecasts(
    archive: Archive, site: str, *, since: pd.Timestamp, until: pd.Timestamp, as_of: pd.Timestamp
) -> list[Issued]:
    """Forecasts of a site for the hours from one moment to another, as recorded by a third."""
    records = archive.issues(site, valid=(since, until), as_of=as_of)
    whole: list[pd.Timestamp] = []
    found: list[Issued] = []
    for issue, revisions in records.groupby("issue_time"):
        if revisions["recorded_time"].iloc[-1] <= revisions["first_valid_time"].iloc[-1]:
            whole.append(issue)
        else:
            found += _by_revision(archive, site, revisions)
    return [*(Issued(forecast) for forecast in together(archive, site, whole, as_of=as_of)), *found]


def _by_revision(archive: Archive, site: str, revisions: pd.DataFrame) -> list[Issued]:
    """Records of one issue, each with the hours that began until the next was made."""
    recorded = list(revisions["recorded_time"])
    found = []
    for moment, following in zip(recorded, [*recorded[1:], None], strict=True):
        if moment <= revisions["last_valid_time"].iloc[0]:
            forecast = archive.forecast(site, issued=revisions["issue_time"].iloc[0], as_of=moment)
            found.append(Issued(forecast, moment, following))
    return found


def together(
    archive: Archive, site: str, issues: Sequence[pd.Timestamp], *, as_of: pd.Timestamp
) -> list[Forecast]:
    """Newest records of issues in as few forecasts as they fit: capacity, levels and intervals may change."""
    if not issues:
        return []
    try:
        read = archive.forecast(site, issued=(issues[0], issues[-1]), as_of=as_of)
    except SchemaError:
        if len(issues) == 1:
            raise
        middle = len(issues) // 2
        halves = (issues[:middle], issues[middle:])
        return [one for half in halves for one in together(archive, site, half, as_of=as_of)]
    chosen = read.data["issue_time"].isin(timestamps.to_ns(pd.DatetimeIndex(issues)))
    return [Forecast(read.data.isel(issue_time=chosen.values))]


def newest_issue(
    archive: Archive, site: str, *, as_of: pd.Timestamp, before: pd.Timestamp | None = None
) -> Forecast | None:
    """Newest forecast of a site that was recorded by a moment, optionally of those with a first hour until another."""
    days = (as_of - pd.Timedelta("40D"), as_of)
    records = archive.issues(site, issued=days, as_of=as_of)
    if before is not None:
        records = records[records["first_valid_time"] <= before]
    if records.empty:
        return None
    return archive.forecast(site, issued=records["issue_time"].max(), as_of=as_of)
