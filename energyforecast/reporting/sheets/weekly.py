"""The weekly outlook: energy of each local day and the hours at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.quantiles import QuantileFunction, check_levels
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import RangeError, SchemaError
from energyforecast.reporting.sheets import common as parts
from energyforecast.reporting.sheets.sheet import Chart, Column, Kind, Line, Sheet, Table
from energyforecast.reporting.translations import Share, Text

__all__ = ["weekly_outlook"]

Array = npt.NDArray[Any]

_LEVELS: Final = (0.1, 0.5, 0.9)
_INDEPENDENT: Final = "independent hours: intervals of a day's energy are too narrow"
#: Scenarios that must lie beyond a level or a risk; fewer are chance.
_BEYOND: Final = 10


def weekly_outlook(
    source: Scenarios | Forecast,
    *,
    timezone: str,
    quantile_levels: Sequence[float] | None = None,
    above: float | None = None,
    below: float | None = None,
    risk: float = 0.1,
    site: str | None = None,
    issue_time: Any = None,
) -> Sheet:
    """Energy of each local day, and its hours at risk.

    Parameters
    ----------
    source : Scenarios or Forecast
        Quantiles of a day's energy need scenarios. A forecast gives its expected energy, since means add up,
        and the hours at risk, which are single hours.
    timezone : str
        Zone of the local days.
    quantile_levels : sequence of float, optional
        Quantiles of a day's energy; 0.1, 0.5 and 0.9 of scenarios by default, none of a forecast.
    above, below : float, optional
        An hour is at risk if its power, or net load, lies above the one or below the other with a probability
        of more than `risk`. [MW]
    risk : float
        In (0, 1).
    site : str, optional
        Needed if there are several.
    issue_time : moment, optional
        Of a forecast that was issued several times.

    Returns
    -------
    Sheet

    Raises
    ------
    SchemaError
        If quantiles of a day's energy are asked of a forecast.
    RangeError
        If there are too few scenarios for the levels or the risk (ten must lie beyond each), or a forecast's
        levels do not reach as far as the risk.

    Examples
    --------
    >>> hours = pd.date_range("2024-02-28 18:00", periods=49, freq="1h", tz="UTC")
    >>> values = np.repeat(np.arange(101.0)[:, None, None], 49, axis=2)
    >>> scenarios = Scenarios.from_values(values, sites=["net load"], valid_time=hours)
    >>> outlook = weekly_outlook(scenarios, timezone="Asia/Almaty", above=85.0)
    >>> outlook.to_frame()[["day", "hours", "energy_q0.5", "hours_at_risk"]]
                            day  hours  energy_q0.5  hours_at_risk
    0 2024-02-29 00:00:00+06:00     25       1250.0             25
    1 2024-03-01 00:00:00+05:00     24       1200.0             24
    """
    check_types(locals(), of=weekly_outlook)
    wanted = _levels(source, quantile_levels)
    given = _Source.of(source, site, issue_time)
    given.check(wanted, risk if above is not None or below is not None else None)
    at_risk = _probability(given, above, below)
    days = pd.Series(parts.local_days(given.valid, timezone))
    rows = [
        _day(given, at_risk, np.flatnonzero(days == day), wanted, risk=risk, timezone=timezone)
        for day in days.unique()
    ]
    columns = _columns(wanted, given.step, risky=at_risk is not None)
    table = Table(
        pd.DataFrame(rows)[[column.name for column in columns]].assign(site=given.site),
        (Column("site", Text("column.site"), kind="text", repeated=True), *columns),
        Text("word.days"),
    )
    return Sheet(
        kind="weekly_outlook",
        subject=given.site,
        period=(days.iloc[0], days.iloc[-1]),
        timezone=timezone,
        table=table,
        facts=_facts(given, timezone, above, below, risk),
        notes=_notes(given, risky=at_risk is not None),
        caveats=given.caveats,
        chart=_chart(wanted, timezone),
    )


@dataclass(frozen=True)
class _Source:
    """Power of one site, from scenarios or from a forecast."""

    site: str
    valid: pd.DatetimeIndex
    step: pd.Timedelta
    caveats: tuple[str, ...]
    mean: Array
    trajectories: Array | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    forecast: Forecast | None = None

    @classmethod
    def of(cls, source: Scenarios | Forecast, site: str | None, issue_time: Any) -> _Source:
        if isinstance(source, Scenarios):
            name = parts.one_site(source.sites, site)
            trajectories, attrs = source.of(name), dict(source.data.attrs)
            apart = str(attrs.get("dependence", "")).startswith("Independence")
            caveats = (*source.caveats, _INDEPENDENT) if apart else source.caveats
            mean = trajectories.mean(axis=0)
            step = timestamps.duration(source.data.attrs["frequency"])
            return cls(name, source.valid_times, step, caveats, mean, trajectories=trajectories, attrs=attrs)
        one = parts.one_issue(source, site, issue_time)
        mean = np.asarray(one.mean.values[0, 0], dtype=float)
        return cls(one.sites[0], parts.valid_times(one), parts.step_of(one), one.caveats, mean, forecast=one)

    @property
    def hours(self) -> float:
        """Length of an interval. [h]"""
        return float(self.step / pd.Timedelta("1h"))

    def check(self, levels: Sequence[float], risk: float | None) -> None:
        """Refuse levels and risks that the source does not reach."""
        tails = [min(level, 1 - level) for level in levels] + ([] if risk is None else [min(risk, 1 - risk)])
        if risk is not None and not 0 < risk < 1:
            raise RangeError(f"The risk is {risk:g}.", "It must lie in (0, 1).", "Give e.g. risk=0.1.")
        if self.trajectories is not None and tails and len(self.trajectories) * min(tails) < _BEYOND - 1e-9:
            raise RangeError(
                f"There are {len(self.trajectories)} scenarios of {self.site!r} for a level or risk of {min(tails):g}.",
                f"At least {_BEYOND} must lie beyond it, which takes {int(np.ceil(_BEYOND / min(tails) - 1e-6))}.",
                "Draw more scenarios, or choose levels and a risk nearer to 0.5.",
            )
        if self.forecast is not None and risk is not None:
            low, high = self.forecast.quantiles[0], self.forecast.quantiles[-1]
            if not max(low, 1 - high) <= risk + 1e-9:
                raise RangeError(
                    f"Hours at a risk of {risk:g} are asked of a forecast of {self.site!r} with levels from "
                    f"{low:g} to {high:g}.",
                    "Its levels must reach as far as the risk on both sides.",
                    "Forecast more levels, or choose a larger risk.",
                )

    def probability(self, bound: float, *, above: bool) -> Array:
        """Probability that each hour lies beyond a bound."""
        if self.trajectories is not None:
            beyond = self.trajectories > bound if above else self.trajectories < bound
            return np.asarray(beyond.mean(axis=0))
        assert self.forecast is not None
        found = QuantileFunction(self.forecast.data.values[0, 0].astype(float), self.forecast.quantiles)
        return 1.0 - found.at_most(bound) if above else found.below(bound)


def _levels(source: Scenarios | Forecast, levels: Sequence[float] | None) -> tuple[float, ...]:
    """Levels of a day's energy, which needs scenarios."""
    if isinstance(source, Scenarios):
        return check_levels(_LEVELS if levels is None else levels)
    if levels:
        raise SchemaError(
            f"Quantiles {list(levels)} of a day's energy are asked of a forecast of {list(source.sites)}.",
            "They come from scenarios: quantiles of a sum are not sums of quantiles.",
            "Sample scenarios (ef.planning.sample_scenarios), or leave quantile_levels out: expected energy alone.",
        )
    return ()


def _probability(given: _Source, above: float | None, below: float | None) -> Array | None:
    """Probability that each hour is at risk; the larger one of both sides."""
    found = [
        given.probability(bound, above=side)
        for bound, side in ((above, True), (below, False))
        if bound is not None
    ]
    return np.max(found, axis=0) if found else None


def _day(
    given: _Source,
    at_risk: Array | None,
    rows: Array,
    levels: Sequence[float],
    *,
    risk: float,
    timezone: str,
) -> dict[str, Any]:
    """One local day: hours, energy, risk and flags."""
    valid = given.valid[rows]
    found: dict[str, Any] = {
        "day": valid[0].tz_convert(timestamps.zone(timezone)),
        "hours": _in_hours(len(rows), given.step),
        "energy_mean": given.mean[rows].sum() * given.hours,
    }
    if given.trajectories is not None:
        sums = given.trajectories[:, rows].sum(axis=1) * given.hours
        quantiles = np.quantile(sums, levels, method="hazen")  # as Scenarios.quantiles
        found |= {f"energy_{parts.name_of(level)}": quantiles[k] for k, level in enumerate(levels)}
    if at_risk is not None:
        risky = rows[at_risk[rows] > risk]
        found |= {
            "hours_at_risk": _in_hours(len(risky), given.step),
            "peak_probability": at_risk[rows].max(),
            "when_at_risk": _spans(given, risky, timezone),
        }
    found["flags"] = () if _is_whole(valid, given.step, timezone) else (Text("flag.partial"),)
    return found


def _in_hours(intervals: int, step: pd.Timedelta) -> float:
    """Length of several intervals, a whole number where it is one. [h]"""
    hours = intervals * step / pd.Timedelta("1h")
    return int(hours) if hours.is_integer() else float(hours)


def _is_whole(valid: pd.DatetimeIndex, step: pd.Timedelta, timezone: str) -> bool:
    """Whether the hours are all of their local day."""
    day = parts.local_days(valid[:1], timezone)[0]
    start, end = timestamps.local_midnights([day, day + timedelta(days=1)], timezone=timezone)
    return bool(len(valid) * step == end - start)


def _spans(given: _Source, which: Array, timezone: str) -> str:
    """Hours that follow each other as one span: ``17:00–20:00``."""
    if not len(which):
        return ""
    names = parts.hour_names(given.valid[which], given.step, timezone)
    runs = np.split(np.arange(len(which)), np.flatnonzero(np.diff(which) > 1) + 1)
    return ", ".join(_span(names[run[0]], names[run[-1]]) for run in runs)


def _span(first: str, last: str) -> str:
    """From the beginning of one hour to the end of another."""
    if first == last:
        return first
    (begin, begin_end), (_, end) = first.split("–"), last.split("–")
    return f"{begin}{begin_end[5:]}–{end}"  # with the offset, where the clock shows the hour twice


def _columns(levels: Sequence[float], step: pd.Timedelta, *, risky: bool) -> tuple[Column, ...]:
    """Columns of the days; parts of an hour are written where the intervals are no whole hours."""
    hours: Kind = "number" if step % pd.Timedelta("1h") else "count"
    energies = [
        Column(f"energy_{parts.name_of(level)}", Text("column.energy_quantile", {"level": level}), unit="MWh")
        for level in levels
    ]
    columns = [
        Column("day", Text("column.day"), kind="day"),
        Column("hours", Text("column.hours"), kind=hours),
        Column("energy_mean", Text("column.energy_mean"), unit="MWh"),
        *energies,
    ]
    if risky:
        columns += [
            Column("hours_at_risk", Text("column.hours_at_risk"), kind=hours),
            Column("peak_probability", Text("column.peak_probability"), kind="share"),
            Column("when_at_risk", Text("column.when_at_risk"), kind="text"),
        ]
    return (*columns, parts.FLAGS)


def _facts(
    given: _Source, timezone: str, above: float | None, below: float | None, risk: float
) -> dict[str, Any]:
    """Facts of the issue or the scenarios, and limits of risk."""
    if given.forecast is not None:
        facts = parts.issue_facts(given.forecast, timezone)
    else:
        assert given.trajectories is not None
        facts = {
            "fact.site": given.site,
            "fact.timezone": timezone,
            "fact.scenarios": len(given.trajectories),
        }
        if "issue_time" in given.attrs:
            issued = pd.DatetimeIndex([timestamps.instant(given.attrs["issue_time"])])
            facts["fact.issue"] = parts.local_moments(issued, timezone)[0]
        if "dependence" in given.attrs:
            facts["fact.dependence"] = str(given.attrs["dependence"])
    bounds = {"fact.above": above, "fact.below": below}
    limits = {
        key: Text("phrase.power", {"value": bound}) for key, bound in bounds.items() if bound is not None
    }
    return facts | limits | ({"fact.risk": Share(risk)} if limits else {})


def _notes(given: _Source, *, risky: bool) -> tuple[Text, ...]:
    """Notes on sums and on risk."""
    notes = [Text("note.no_sum" if given.trajectories is None else "note.energy_scenarios")]
    return (*notes, Text("note.risk_margin")) if risky else tuple(notes)


def _chart(levels: Sequence[float], timezone: str) -> Chart:
    """Energy of the days: median or mean over the outer quantiles."""
    names = [f"energy_{parts.name_of(level)}" for level in levels]
    band = None
    if len(levels) > 1:
        band = (names[0], names[-1], Text("line.interval", {"low": levels[0], "high": levels[-1]}))
    median = [Line("energy_q0.5", Text("line.median"), "forecast")] if 0.5 in levels else []
    lines = median or [Line("energy_mean", Text("line.mean"), "forecast")]
    return Chart(tuple(lines), band, Text("axis.energy"), "MWh", Text("axis.day", {"timezone": timezone}))
