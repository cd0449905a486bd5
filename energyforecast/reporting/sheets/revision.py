"""The revision sheet: changes since the last issue."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import pandas as pd

from energyforecast.core.arguments import check_types, checked
from energyforecast.core.forecast import Forecast
from energyforecast.core.quantiles import check_levels
from energyforecast.errors import RangeError, TimeError
from energyforecast.reporting.sheets import common as parts
from energyforecast.reporting.sheets.sheet import Chart, Column, Line, Sheet, Table
from energyforecast.reporting.translations import Text

__all__ = ["revision_sheet"]


@checked(largest=(1, inf))
def revision_sheet(
    now: Forecast,
    previous: Forecast,
    *,
    timezone: str,
    interval: Sequence[float] = (0.1, 0.9),
    site: str | None = None,
    largest: int = 5,
) -> Sheet:
    """Changes made by a new issue, for the hours that both issues cover.

    Parameters
    ----------
    now, previous : Forecast
        One issue each; choose with :meth:`energyforecast.core.forecast.Forecast.sel`.
    timezone : str
    interval : (float, float)
        Levels of the interval whose width is compared.
    site : str, optional
        Needed if there are several.
    largest : int
        Number of hours in the summary, the largest changes of the median first.

    Returns
    -------
    Sheet
        Hours of only one of the issues are counted in its facts.

    See Also
    --------
    day_ahead_sheet : All values of one issue.

    Raises
    ------
    TimeError
        If the issues have no hour in common, are in the wrong order, or differ in their intervals.
    RangeError
        If the forecasts' levels do not reach the interval.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast
    >>> previous = example_forecast()
    >>> later = previous.data.assign_coords(issue_time=previous.data["issue_time"] + pd.Timedelta("6h"))
    >>> sheet = revision_sheet(Forecast(later + 1.0), previous, timezone="UTC")
    >>> sheet.to_frame()[["hour", "previous", "now", "change", "share"]].head(2)
              hour  previous   now  change  share
    0  00:00–01:00      10.0  11.0     1.0  0.125
    1  01:00–02:00      10.5  11.5     1.0  0.125
    """
    check_types(locals(), of=revision_sheet)
    low, high = _interval(interval)
    new, old = parts.one_issue(now, site), parts.one_issue(previous, site)
    common = _common(new, old)
    data = _changes(new, old, common, (low, high), timezone)
    head, first = parts.head_columns(new, timezone)
    columns = (*first, *_columns(timezone))
    order = data["change"].abs().sort_values(ascending=False, kind="stable").index[:largest]
    data = data.assign(**head)
    days = parts.local_days(common, timezone)
    return Sheet(
        kind="revision",
        subject=new.sites[0],
        period=(days[0], days[-1]),
        timezone=timezone,
        table=Table(data, columns, Text("word.table")),
        summary=Table(data.loc[order].reset_index(drop=True), columns, Text("word.largest")),
        facts=_facts(new, old, common, timezone),
        notes=(
            Text("note.width", {"low": low, "high": high}),
            Text(
                "note.moved",
                {
                    "change": round(float(data["change"].mean()), 2),
                    "largest": round(float(data["change"].loc[order[0]]), 2),
                    "outside": int(data["outside"].sum()),
                    "n": len(data),
                },
            ),
        ),
        caveats=parts.together(new.caveats, old.caveats),
        chart=_chart((low, high), timezone),
    )


def _interval(interval: Sequence[float]) -> tuple[float, float]:
    """Lower and upper level."""
    levels = check_levels(interval)
    if len(levels) != 2:
        raise RangeError(
            f"The interval has the levels {list(levels)}.",
            "An interval must have a lower and an upper level.",
            "Give e.g. interval=(0.1, 0.9).",
        )
    return levels[0], levels[1]


def _common(new: Forecast, old: Forecast) -> pd.DatetimeIndex:
    """Hours of both issues."""
    name, moments = new.sites[0], (new.issue_times[0], old.issue_times[0])
    if moments[1] >= moments[0]:
        raise TimeError(
            f"The previous issue of site {name!r} is of {moments[1]}, the new one of {moments[0]}.",
            "The previous issue must be made before the new one.",
            "Exchange them.",
        )
    if parts.step_of(new) != parts.step_of(old):
        raise TimeError(
            f"The issues of site {name!r} have intervals of {parts.step_of(new)} and {parts.step_of(old)}.",
            "Issues that are compared must have the same intervals.",
            "Compare issues of one task.",
        )
    hours, before = parts.valid_times(new), parts.valid_times(old)
    common = hours[hours.isin(before)]
    if not len(common):
        raise TimeError(
            f"The new issue of site {name!r} covers {hours[0]} to {hours[-1]}, the previous one {before[0]} to "
            f"{before[-1]}.",
            "They must have at least one hour in common.",
            "Compare issues that cover the same hours.",
        )
    return common


def _changes(
    new: Forecast, old: Forecast, common: pd.DatetimeIndex, interval: tuple[float, float], timezone: str
) -> pd.DataFrame:
    """Medians and intervals of both issues, and their differences."""

    def of(forecast: Forecast, level: float) -> pd.Series:
        """A quantile at the common hours."""
        values = pd.Series(parts.quantile(forecast, level), index=parts.valid_times(forecast))
        return values.reindex(common).reset_index(drop=True)

    (low, high), (low_before, high_before) = ([of(item, level) for level in interval] for item in (new, old))
    median, before = of(new, 0.5), of(old, 0.5)
    width_before, outside = high_before - low_before, (median < low_before) | (median > high_before)
    return pd.DataFrame(
        {
            "begin": parts.begin(common, timezone),
            "hour": parts.hour_names(common, parts.step_of(new), timezone),
            "previous": before,
            "now": median,
            "change": median - before,
            "width_previous": width_before,
            "width_now": high - low,
            "width_change": high - low - width_before,
            "share": (median - before) / width_before.where(width_before > 0),
            "outside": outside,
            "low_previous": low_before,
            "high_previous": high_before,
            "flags": [(Text("flag.outside"),) if out else () for out in outside],
        }
    )


def _columns(timezone: str) -> tuple[Column, ...]:
    """Columns of the hours and of their changes."""
    powers = ("previous", "now", "change", "width_previous", "width_now", "width_change")
    return (
        *parts.hour_columns(timezone),
        *(parts.power_column(name) for name in powers),
        Column("share", Text("column.share"), kind="share"),
        parts.FLAGS,
    )


def _facts(new: Forecast, old: Forecast, common: pd.DatetimeIndex, timezone: str) -> dict[str, Any]:
    """Facts of both issues, and the number of hours of each."""
    before = parts.issue_facts(old, timezone)
    return parts.issue_facts(new, timezone) | {
        "fact.previous_issue": before["fact.issue"],
        "fact.previous_quality": before["fact.quality"],
        "fact.common": len(common),
        "fact.only_now": len(parts.valid_times(new)) - len(common),
        "fact.only_previous": len(parts.valid_times(old)) - len(common),
    }


def _chart(interval: tuple[float, float], timezone: str) -> Chart:
    """Both medians over the interval of the earlier issue."""
    low, high = interval
    lines = (
        Line("previous", Text("line.previous"), "before"),
        Line("now", Text("line.now"), "forecast"),
    )
    label = Text("line.interval_previous", {"low": low, "high": high})
    return parts.power_chart(lines, ("low_previous", "high_previous", label), timezone)
