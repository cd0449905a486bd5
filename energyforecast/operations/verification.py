"""Verification: forecasts as they were issued against outcomes as they are known now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.configuration import Configuration
from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import frequency_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.errors import MissingDataError, RangeError, WrongDataError
from energyforecast.evaluation import align
from energyforecast.operations import hourly_scores
from energyforecast.operations.issued_forecasts import Issued, issued_forecasts
from energyforecast.operations.known_outcomes import (
    REASONS,
    capacities_of,
    extended,
    known_outcomes,
    reasons_left_out,
)
from energyforecast.operations.plan_costs import plan_costs
from energyforecast.operations.reference_forecasts import HISTORY, REFERENCES, reference_forecasts

if TYPE_CHECKING:
    from energyforecast.archive import Archive
    from energyforecast.core.available_capacity import AvailableCapacity

__all__ = ["Verification", "verify"]

#: Grouping of the three tables of scores.
_GROUPS: Final = (["site"], ["site", "fallback_level"], ["site", "leads", "fallback_level"])


@dataclass(frozen=True, eq=False)
class Verification:
    """Scores of issued forecasts, by site, group of leads and level of the fallback ladder.

    Parameters
    ----------
    as_of : Timestamp
        Moment of the knowledge of outcomes, in UTC.
    days : int
        Days before that moment of which the hours are scored.
    scores : DataFrame
        A row for each group: ``site``, ``leads`` and ``fallback_level`` (empty in rows of all), ``mae``, ``rmse``,
        ``bias``, ``crps`` [MW], ``mae_percent``, ``crps_percent`` (of the capacity), ``coverage`` of the central 80 %
        interval [1], ``width`` of it [MW], ``skill_climatology`` and ``skill_persistence`` (of the CRPS, on the hours
        that both have), and the number of hours ``n``.
    hours : DataFrame
        A row for each site, issue and hour that is scored.
    left_out : dict of dict
        Hours that are not scored, by site and reason.
    plans : DataFrame
        Cost of imbalance of the archived schedules by site, if there are any.
    notes : tuple of str
        Sites, references and files that could not be used, and why.
    unscored : tuple of str
        Sites of which no hour could be scored.

    See Also
    --------
    verify, energyforecast.operations.drift.drift

    Examples
    --------
    >>> from energyforecast.operations import hourly_scores
    >>> from energyforecast.testing import example_result
    >>> hours = hourly_scores.of_pairs(example_result().pairs["model"])
    >>> Verification(pd.Timestamp("2024-01-03", tz="UTC"), 30, hours=hours).scores[["site", "mae", "n"]].head(1)
       site  mae   n
    0  farm  1.0  24
    """

    as_of: pd.Timestamp
    days: int
    hours: pd.DataFrame
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    plans: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[str, ...] = ()
    unscored: tuple[str, ...] = ()

    @property
    def scores(self) -> pd.DataFrame:
        """Scores of each site, of its levels, and of its groups of leads and levels."""
        tables = [hourly_scores.means(self.hours, by=by, references=tuple(REFERENCES)) for by in _GROUPS]
        return hourly_scores.joined(tables)

    @property
    def n(self) -> int:
        """Number of hours that are scored."""
        return len(self.hours)

    def daily(self, column: str, *, site: str, greatest_level: int = 1) -> pd.Series[float]:
        """Mean of a column of ``hours`` on each UTC day, of forecasts up to a level of the ladder.

        Parameters
        ----------
        column : str
        site : str
        greatest_level : int
            Forecasts without weather or measurements are no measure of a model.
        """
        chosen = self.hours[(self.hours["site"] == site) & (self.hours["fallback_level"] <= greatest_level)]
        return chosen.groupby(chosen["valid_time"].dt.floor("D"))[column].mean()

    def to_dict(self) -> dict[str, Any]:
        """Content for a file of JSON; missing numbers are null."""
        return {
            "as_of": f"{self.as_of:%Y-%m-%dT%H:%M:%SZ}",
            "days": self.days,
            "n": self.n,
            "scores": hourly_scores.records(self.scores),
            "left_out": {site: dict(counts) for site, counts in self.left_out.items()},
            "plans": hourly_scores.records(self.plans),
            "notes": list(self.notes),
            "unscored": list(self.unscored),
        }


def verify(
    archive: Archive,
    *,
    settings: Configuration,
    as_of: Any,
    days: int = 30,
    sites: Sequence[str] | None = None,
) -> Verification:
    """Score issued forecasts against the outcomes that are known now.

    Of each hour the newest record counts that was made before it began: a forecast that is corrected, or written to the
    archive, afterwards is not scored. Outcomes are those known at `as_of`, corrections included; references know what
    was published at each issue. Hours under an order, of an outage, with a flag or without a measurement are left out
    and counted.

    Parameters
    ----------
    archive : Archive
        With forecasts and measurements of the daily run.
    settings : Configuration
        Its sites, task, terms of a plan, and files of orders and capacity in service.
    as_of : moment
        Strings are wall time in the zone of the task.
    days : int
        Hours of the last so many days are scored.
    sites : sequence of str, optional
        All sites of the configuration by default.

    Returns
    -------
    Verification

    Raises
    ------
    RangeError
        If `days` is below 1.
    StoreError
        If the archive cannot be read.

    See Also
    --------
    energyforecast.operations.drift.drift, energyforecast.archive.open

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_operations
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     settings, archive = example_operations(folder, days=40)
    ...     verified = verify(archive, settings=settings, as_of="2024-02-10 00:00")
    >>> verified.scores[["site", "leads", "fallback_level", "crps", "coverage", "n"]].round(1).head(2)
       site leads fallback_level  crps  coverage    n
    0  farm                        5.9       0.8  704
    1  farm                    0   5.9       0.8  704
    """
    check_types(locals(), of=verify)
    moment = timestamps.instant(as_of, timezone=settings.task.timezone).floor("us")
    if days < 1:
        raise RangeError(f"days = {days}.", "At least one day must be scored.", "Use days=30.")
    capacities, notes = capacities_of(settings, as_of=moment)
    since = moment - pd.Timedelta(days, "D")
    done: list[_ScoredSite] = []
    asked = {site.name: site for site in settings.sites if sites is None or site.name in sites}
    for name, site in asked.items():
        try:
            done.append(_scored(archive, settings, site, since, moment, capacities))
        except (MissingDataError, WrongDataError) as error:
            notes.append(f"{name}: {error.found}")
    tables = [one.hours for one in done if len(one.hours)]
    outcomes = {one.name: one.outcomes for one in done}
    return Verification(
        moment,
        days,
        pd.concat(tables, ignore_index=True) if tables else hourly_scores.empty(),
        {one.name: one.left_out for one in done},
        plan_costs(archive, settings, outcomes, since=since, as_of=moment),
        tuple(dict.fromkeys([*notes, *(line for one in done for line in one.notes)])),
        tuple(name for name in asked if name not in {one.name for one in done if len(one.hours)}),
    )


@dataclass(frozen=True, eq=False)
class _ScoredSite:
    """Scores of the hours of one site, its outcomes, and the hours that were left out."""

    name: str
    hours: pd.DataFrame
    outcomes: Observations
    left_out: dict[str, int]
    notes: list[str]


def _scored(
    archive: Archive,
    settings: Configuration,
    site: Site,
    since: pd.Timestamp,
    as_of: pd.Timestamp,
    capacities: Sequence[AvailableCapacity],
) -> _ScoredSite:
    """Scores of one site."""
    issued = issued_forecasts(archive, site.name, since=since, until=as_of, as_of=as_of)
    if not issued:
        raise MissingDataError(
            f"No forecast of the hours since {since:%Y-%m-%d %H:%M} UTC was recorded before they began.",
            "The archive must hold forecasts that were issued.",
            "Run energyforecast run CONFIG each morning.",
        )
    step = frequency_of(issued[0].forecast) or settings.task.frequency
    last = max(timestamps.to_index(one.forecast.data["valid_time"].values.ravel()).max() for one in issued)
    outcomes = known_outcomes(
        archive, site, since=since - HISTORY, until=last, as_of=as_of, step=step, capacities=capacities
    )
    parts, counts = [], dict.fromkeys(REASONS, 0)
    for one in issued:
        table, lost = _rows(one, outcomes, site, since=since, as_of=as_of)
        parts.append(table)
        for reason, count in lost.items():
            counts[reason] += count
    hours = pd.concat(parts, ignore_index=True)
    hours, notes = _against_references(hours, outcomes, site, settings)
    left_out = {reason: count for reason, count in counts.items() if count}
    return _ScoredSite(site.name, hours, outcomes, left_out, notes)


def _rows(
    issued: Issued, outcomes: Observations, site: Site, *, since: pd.Timestamp, as_of: pd.Timestamp
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Scores of the hours of forecasts that have ended, and the number of others by reason."""
    pairs = align(outcomes, issued.forecast)
    found: dict[str, int] = {}

    def fit(labels: pd.DataFrame) -> npt.NDArray[np.bool_]:
        inside = (labels["valid_time"] >= since) & (labels["valid_time"] + outcomes.frequency <= as_of)
        inside &= issued.holds(labels["valid_time"])
        reason = reasons_left_out(outcomes, site, pd.DatetimeIndex(labels["valid_time"]))
        for name, count in pd.Series(reason[inside.to_numpy()]).value_counts().items():
            if name:
                found[str(name)] = found.get(str(name), 0) + int(count)
        return np.asarray(inside & (reason == ""))

    fit(pairs.missing)
    return hourly_scores.of_pairs(pairs.of_rows(fit(pairs.labels))), found


def _against_references(
    hours: pd.DataFrame, outcomes: Observations, site: Site, settings: Configuration
) -> tuple[pd.DataFrame, list[str]]:
    """The hours with the scores of references, and notes on references that there are not."""
    references: dict[str, Forecast] = {}
    notes: list[str] = []
    if len(hours):
        issues = pd.DatetimeIndex(hours["issue_time"].unique()).sort_values()
        references, notes = reference_forecasts(site, settings.task, outcomes, issues=issues)
    for name in REFERENCES:
        made = references.get(name)
        whole = None if made is None else _covering(outcomes, made)
        pairs = None if made is None or whole is None else align(whole, made)
        hours = hourly_scores.with_reference(hours, pairs, name=name)
    return hours, notes


def _covering(outcomes: Observations, forecast: Forecast) -> Observations:
    """Outcomes that reach to the end of a forecast; hours without one are missing."""
    return extended(outcomes, until=timestamps.to_index(forecast.data["valid_time"].values.ravel()).max())
