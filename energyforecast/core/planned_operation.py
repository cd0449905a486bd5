"""Planned operation of consumers: activities with their level, and the time at which each plan was known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.planned_times import activity_times, is_day, moments
from energyforecast.core.wording import counted, minute
from energyforecast.errors import MissingDataError, RangeError, SchemaError, TimeError, of_type, one_of

__all__ = ["COLUMNS", "PlannedOperation", "joined_plans", "refuse_doubled"]

#: Columns of a plan.
COLUMNS: Final = ("site", "activity", "start", "end", "level", "published")


@dataclass(frozen=True, eq=False, repr=False)
class PlannedOperation:
    r"""Planned activities of one or several consumers: shifts, campaigns, maintenance, closing days.

    Parameters
    ----------
    rows : DataFrame
        A row for each plan: `site`, `activity` (a name), `start`, `end` (exclusive; a day without a time of day is all
        of it), `level` (1 by default: MW, a share, the number of shifts) and `published`, the time at which it was
        known (a day: its end). Activities to come belong to it, and rows are added, never changed: of each moment the
        row of the activity counts that was published last, and level 0 cancels.
    published : str or moment, optional
        One time of publication for all rows, in place of the column; a day is its end.
    timezone : str
        Zone of times without an offset. Of an hour that its clock repeats, the first showing is a start, the second an
        end; rows that follow each other on that clock meet, and of two with the same times one is for each showing.

    Raises
    ------
    SchemaError
        If a column is absent or unknown, or two rows of one publication contradict each other.
    TimeError
        If a time cannot be read, or an activity ends before it starts.
    RangeError
        If a level is negative or no number.
    MissingDataError
        If there is no row, or an empty cell.

    See Also
    --------
    energyforecast.read_planned_operation : Reads a file.
    energyforecast.features.Planned : Feature that forecasts learn from.
    energyforecast.Observations, energyforecast.Forecaster.predict, energyforecast.backtest
    energyforecast.AvailableCapacity : Capacity in service of a plant.

    Notes
    -----
    With the level :math:`\ell_t(\tau)` that the last publication up to the issue :math:`t` gives the moment
    :math:`\tau`, 0 where none does, an interval :math:`[a, b)` has the planned level

    .. math:: p_t(a, b) = \frac{1}{b - a} \int_a^b \ell_t(\tau) \, d\tau .

    It is missing before the first publication of any activity of the site.

    Examples
    --------
    A furnace is planned for three hours; on the day itself the last hour is cancelled.

    >>> plan = PlannedOperation(
    ...     pd.DataFrame(
    ...         {
    ...             "site": "works",
    ...             "activity": "furnace",
    ...             "start": ["2024-03-05 10:00", "2024-03-05 12:00"],
    ...             "end": ["2024-03-05 13:00", "2024-03-05 13:00"],
    ...             "level": [1.0, 0.0],
    ...             "published": ["2024-03-03 12:00", "2024-03-05 08:00"],
    ...         }
    ...     )
    ... )
    >>> plan
    PlannedOperation of works: furnace, 2 rows from 2024-03-05 10:00 to 2024-03-05 13:00 UTC
    >>> hours = ["2024-03-05 11:30", "2024-03-05 12:00"]
    >>> plan.at("works", "furnace", hours).tolist()
    [1.0, 0.0]
    >>> plan.at("works", "furnace", hours, as_of="2024-03-04").tolist()
    [1.0, 1.0]
    """

    rows: pd.DataFrame
    _: KW_ONLY
    published: Any = None
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        of_type("rows", self.rows, expected=pd.DataFrame, remedy="Give a table with a row for each activity.")
        check_types({"timezone": self.timezone}, of=type(self))
        table = self.rows.reset_index(drop=True)
        if self.published is not None:
            _refuse_two_publications(table)
            table = table.assign(published=_known(self.published, self.timezone))
            object.__setattr__(self, "published", None)
        table = _with_columns(table)
        table["start"], table["end"] = activity_times(table, timezone=self.timezone)
        table["published"] = moments(table["published"], timezone=self.timezone, late=True, name="published")
        _refuse_reversed(table)
        # Stable: rows of one publication keep their order.
        table = table.sort_values("published", kind="stable", ignore_index=True)
        _refuse_contradictions(table)
        object.__setattr__(self, "rows", table)

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(sorted(set(self.rows["site"])))

    def activities(self, site: str) -> tuple[str, ...]:
        """Names of the activities of a site."""
        return tuple(sorted(set(self.rows["activity"][self.rows["site"] == site])))

    def of_sites(self, sites: str | Iterable[str]) -> PlannedOperation | None:
        """The rows of some sites; None without any."""
        of_type("sites", sites, expected=Iterable, remedy="Give a name, or a list of names.")
        rows = self.rows[self.rows["site"].isin([sites] if isinstance(sites, str) else list(sites))]
        return PlannedOperation(rows) if len(rows) else None

    def at(self, site: str, activity: str, moment: Any, *, as_of: Any = None) -> npt.NDArray[np.float64]:
        """Level at given moments as last published, or as published by `as_of`; 0 where none was planned.

        Raises
        ------
        SchemaError
            If the plan has no such site or activity.
        """
        one_of("site", site, allowed=self.sites)
        one_of("activity", activity, allowed=self.activities(site))
        wanted = timestamps.instants(moment)
        level = np.where(np.isnat(wanted), np.nan, 0.0)
        rows = self.rows[(self.rows["site"] == site) & (self.rows["activity"] == activity)]
        if as_of is not None:
            rows = rows[rows["published"] <= timestamps.instant(as_of)]
        starts, ends = timestamps.to_ns(rows["start"]), timestamps.to_ns(rows["end"])
        for start, end, value in zip(starts, ends, rows["level"], strict=True):
            level[(wanted >= start) & (wanted < end)] = value
        return level

    def __repr__(self) -> str:
        names = sorted(set(self.rows["activity"]))
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        first, last = (minute(timestamps.to_ns([moment])[0]) for moment in self._span())
        return (
            f"PlannedOperation of {', '.join(self.sites)}: {shown}, {counted(len(self.rows), 'row')} "
            f"from {first} to {last} UTC"
        )

    def _span(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        return self.rows["start"].min(), self.rows["end"].max()


def joined_plans(*plans: PlannedOperation | None) -> PlannedOperation | None:
    """All rows of several plans; None without any."""
    tables = [plan.rows for plan in plans if plan is not None]
    return PlannedOperation(pd.concat(tables, ignore_index=True)) if tables else None


def _known(published: Any, timezone: str) -> pd.Timestamp:
    """Time of publication of all rows; a day is its end."""
    if not is_day(published):
        return timestamps.instant(published, timezone=timezone)
    return moments(pd.Series([published], dtype=object), timezone=timezone, late=True, name="published")[0]


def _with_columns(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of a plan in their order, with names as text and levels as numbers."""
    refuse_doubled(table)
    if "level" not in table:
        table = table.assign(level=1.0)
    absent = [name for name in COLUMNS if name not in table]
    unknown = [name for name in table.columns if name not in COLUMNS]
    if absent or unknown:
        raise SchemaError(
            f"The plan has no column {absent[0]!r}." if absent else f"The plan has a column {unknown[0]!r}.",
            f"Its columns must be {', '.join(COLUMNS)}; level is 1 where it is left out.",
            "Rename the columns, and drop others; published=... gives all rows one time of publication.",
        )
    if not len(table):
        raise MissingDataError(
            "The plan has no rows.",
            "It must hold an activity.",
            "Leave the plan out where nothing is planned.",
        )
    for name in ("site", "activity"):
        empty = table[name].isna() | (table[name].astype(str).str.strip() == "")
        if empty.any():
            raise MissingDataError(
                f"The column {name!r} is empty in row {int(np.argmax(empty)) + 1}.",
                "Every activity must have its site and its name.",
                "Complete the row, or leave it out.",
            )
    return table.assign(
        site=table["site"].astype(str).str.strip().astype(object),
        activity=table["activity"].astype(str).str.strip().astype(object),
        level=_levels(table["level"]),
    )[list(COLUMNS)]


def _levels(column: pd.Series) -> npt.NDArray[np.float64]:
    """Levels as numbers from 0."""
    level = np.array([_number(cell) for cell in column], dtype=float)
    wrong = np.flatnonzero(~(np.isfinite(level) & (level >= 0)))
    if len(wrong):
        raise RangeError(
            f"The level of row {wrong[0] + 1} is {column.iloc[wrong[0]]!r}.",
            "A level must be a number from 0; 0 cancels an activity.",
            "Correct the cell, or leave the column out: each activity then has level 1.",
        )
    return level


def _number(cell: Any) -> float:
    """A number, or one that is written as text; else NaN."""
    if not isinstance(cell, str | Real | Decimal | np.bool_) or "_" in str(cell):
        return float("nan")
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return float("nan")


def refuse_doubled(table: pd.DataFrame) -> None:
    """Refuse two columns of one name.

    Raises
    ------
    SchemaError
        If there are two.
    """
    if table.columns.has_duplicates:
        name = table.columns[table.columns.duplicated()][0]
        raise SchemaError(
            f"The plan has two columns {name!r}.",
            "Each column must have a name of its own.",
            "Drop one, or correct the names that are given to columns.",
        )


def _refuse_two_publications(table: pd.DataFrame) -> None:
    if "published" in table:
        raise SchemaError(
            "The plan has a column 'published', and published=... is given.",
            "One of them must give the time at which rows were known.",
            "Leave one out.",
        )


def _refuse_reversed(table: pd.DataFrame) -> None:
    """Refuse an activity that does not end after its start."""
    wrong = np.flatnonzero((table["end"] <= table["start"]).to_numpy())
    if len(wrong):
        row = table.iloc[wrong[0]]
        raise TimeError(
            f"The activity {row['activity']!r} of {row['site']!r} starts at {row['start']} and ends at {row['end']}.",
            "An end must lie after its start.",
            f"Correct row {wrong[0] + 1}; an activity past midnight ends on the next day.",
        )


def _refuse_contradictions(table: pd.DataFrame) -> None:
    """Refuse rows of one publication that give an activity two levels at once."""
    for (site, activity, known), group in table.groupby(["site", "activity", "published"], sort=False):
        if len(group) == 1:
            continue
        rows = group.sort_values("start", kind="stable")
        starts, ends = timestamps.to_ns(rows["start"]), timestamps.to_ns(rows["end"])
        level = rows["level"].to_numpy()
        after = np.searchsorted(starts, ends, side="left")
        for k, last in enumerate(after):
            other = k + 1 + np.flatnonzero(level[k + 1 : last] != level[k])
            if len(other):
                raise SchemaError(
                    f"The activity {activity!r} of {site!r} has the levels {level[k]:g} and {level[other[0]]:g} at "
                    f"{minute(starts[other[0]])} UTC, both published {known:%Y-%m-%d %H:%M} UTC.",
                    "Of one publication, one row must give the level of a moment.",
                    "Give a correction its own, later time of publication, or shorten one of the rows.",
                )
