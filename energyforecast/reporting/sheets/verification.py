"""The verification sheet: outcomes against forecast, schedule and references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.core.arguments import check_types, checked
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import check_same_step
from energyforecast.core.observation_series import Observations
from energyforecast.core.quantiles import check_levels
from energyforecast.errors import RangeError, SchemaError
from energyforecast.reporting.sheets import common as parts
from energyforecast.reporting.sheets.day_ahead import fan
from energyforecast.reporting.sheets.scored_issue import Array, Rules, ScoredIssue
from energyforecast.reporting.sheets.sheet import Column, Sheet, Table
from energyforecast.reporting.translations import Share, Text

__all__ = ["VerificationTerms", "verification_sheet"]

#: Smaller samples have a note. [h]
_FEW: Final = 90 * 24


@checked()
@dataclass(frozen=True)
class VerificationTerms:
    """Terms of a verification sheet: tolerance, interval and quantiles.

    Parameters
    ----------
    tolerance : float
        Share of the schedule of the hour by which the outcome may deviate, in [0, 1). [1]
    interval : float
        Probability of the central interval that is checked, in (0, 1). [1]
    quantile_levels : tuple of float
        Quantiles shown.

    Raises
    ------
    RangeError
        If one of them is impossible.

    See Also
    --------
    verification_sheet : Takes them.

    Examples
    --------
    >>> VerificationTerms(tolerance=0.1).interval
    0.8
    """

    tolerance: float = 0.05
    interval: float = 0.8
    quantile_levels: tuple[float, ...] = (0.1, 0.5, 0.9)

    def __post_init__(self) -> None:
        check_levels(self.quantile_levels)
        if not 0 <= self.tolerance < 1:
            raise RangeError(
                f"The tolerance is {self.tolerance:g}.",
                "It must be a share of the schedule, in [0, 1).",
                "Give 0.05 for ±5 %.",
            )
        if not 0 < self.interval < 1:
            raise RangeError(
                f"The interval is {self.interval:g}.",
                "It must be a probability, in (0, 1).",
                "Give 0.8 for 80 %.",
            )


def verification_sheet(
    forecast: Forecast,
    observations: Observations,
    *,
    timezone: str,
    references: Mapping[str, Forecast] | None = None,
    schedule: pd.DataFrame | None = None,
    terms: VerificationTerms | None = None,
    site: str | None = None,
    issue_time: Any = None,
) -> Sheet:
    """An issue against its outcomes and against references, hour by hour and in total.

    Parameters
    ----------
    forecast : Forecast
        Its kind decides which side is short: of demand, more than scheduled.
    observations : Observations
        Must hold every hour of the forecast; unknown hours are NaN, left out and counted.
    timezone : str
    references : mapping of Forecast, optional
        One issue each, for at least the hours of the forecast.
    schedule : DataFrame, optional
        Columns ``valid_time`` and ``schedule`` [MW]. The median of the forecast by default; that of each
        reference for the references.
    terms : VerificationTerms, optional
        Tolerance, interval and quantiles.
    site : str, optional
        Needed if there are several.
    issue_time : moment, optional
        Needed if there are several issues.

    Returns
    -------
    Sheet
        The summary holds the scores of :mod:`energyforecast.evaluation`, on the same hours for all.

    Raises
    ------
    TimeError
        If the observations, the schedule or a reference lack an hour of the forecast.
    MissingDataError
        If the kind of the forecast is ``"site"``, so that shortage and surplus are not known.
    RangeError
        If the quantiles lie outside the levels of the forecast.

    See Also
    --------
    day_ahead_sheet : The same hours before they are measured.
    energyforecast.evaluation.score : The scores.

    Examples
    --------
    >>> from energyforecast.testing import example_observations, example_result
    >>> first, second = example_result().forecasts.values()
    >>> sheet = verification_sheet(
    ...     first, example_observations(), timezone="UTC", references={"reference": second}
    ... )
    >>> sheet.to_frame(part="summary")[["key", "unit", "forecast", "reference"]].head(3)
        key unit  forecast  reference
    0   mae   MW  1.000000   2.000000
    1  nmae    %  1.666667   3.333333
    2  bias   MW -1.000000  -2.000000
    """
    check_types(locals(), of=verification_sheet)
    terms = VerificationTerms() if terms is None else terms
    chosen = parts.one_issue(forecast, site, issue_time)
    valid, others = parts.valid_times(chosen), _references(references or {}, chosen)
    plan = (
        None if schedule is None else parts.aligned(schedule, "schedule", valid, of=chosen, kind="schedule")
    )
    rules = _rules(chosen, others, terms)
    scored = ScoredIssue.of(chosen, observations, valid, plan, rules)
    compared = {key: ScoredIssue.of(other, observations, valid, None, rules) for key, other in others.items()}
    days = parts.local_days(valid, timezone)
    return Sheet(
        kind="verification",
        subject=chosen.sites[0],
        period=(days[0], days[-1]),
        timezone=timezone,
        table=_table(scored, chosen, terms.quantile_levels, timezone),
        summary=_summary(scored, compared),
        facts=_facts(chosen, scored, others, timezone),
        notes=_notes(scored, given=schedule is not None, references=bool(others)),
        caveats=parts.together(
            chosen.caveats, *(item.caveats for item in others.values()), parts.caveats_of(schedule)
        ),
        chart=fan(terms.quantile_levels, timezone, schedule=schedule is not None, observed=True),
    )


def _rules(forecast: Forecast, others: Mapping[str, Forecast], terms: VerificationTerms) -> Rules:
    """Rules that apply to the forecast and to its references alike."""
    hours = parts.step_of(forecast) / pd.Timedelta("1h")
    levels = _common_levels(forecast, others)
    return Rules(levels, terms.interval, terms.tolerance, forecast.kinds[forecast.sites[0]], hours)


def _references(references: Mapping[str, Forecast], forecast: Forecast) -> dict[str, Forecast]:
    """One issue each, cut to the hours of the forecast."""
    name, valid = forecast.sites[0], parts.valid_times(forecast)
    found = {}
    for key, reference in references.items():
        if key in ("key", "score", "unit", "forecast", "caveat"):
            raise SchemaError(
                f"A reference has the name {key!r}.", "That is a column of the sheet.", "Choose another name."
            )
        one = parts.one_issue(reference, name)
        check_same_step(one, forecast, name=f"The reference {key!r}", other="the forecast")
        covered = parts.valid_times(one)
        parts.check_covers(covered, valid, name=f"The reference {key!r} of site {name!r}")
        found[key] = Forecast(one.data.isel(lead_time=np.flatnonzero(covered.isin(valid))))
    return found


def _common_levels(forecast: Forecast, others: Mapping[str, Forecast]) -> tuple[float, ...]:
    """Levels that all hold: pinball losses over different levels cannot be compared."""
    shared = [
        level
        for level in forecast.quantiles
        if all(np.isclose(level, item.quantiles, atol=1e-9, rtol=0).any() for item in others.values())
    ]
    if not shared:
        raise RangeError(
            f"The forecast and its references {list(others)} have no level in common.",
            "Pinball losses must be compared over the same levels.",
            "Give references with levels of the forecast, such as 0.5.",
        )
    return tuple(shared)


def _table(scored: ScoredIssue, forecast: Forecast, levels: Sequence[float], timezone: str) -> Table:
    """Each hour with outcome, quantiles, error, schedule and imbalance."""
    head, first = parts.head_columns(forecast, timezone)
    tail, last = parts.tail_columns(forecast)
    valid, step = parts.valid_times(forecast), parts.step_of(forecast)
    data = pd.DataFrame(
        {
            **head,
            "begin": parts.begin(valid, timezone),
            "hour": parts.hour_names(valid, step, timezone),
            "observed": scored.observed,
            **{parts.name_of(level): parts.quantile(forecast, level) for level in levels},
            "error": scored.error,
            "pinball": scored.loss,
            "inside": _yes_no(scored.inside),
            "schedule": scored.schedule,
            "shortage": scored.shortage,
            "surplus": scored.surplus,
            "within": _yes_no(scored.within),
            "flags": [() if known else (Text("flag.unmeasured"),) for known in np.isfinite(scored.observed)],
            **tail,
        }
    )
    columns = (*first, *parts.hour_columns(timezone), *_columns(scored.rules, levels), *last)
    return Table(data, columns, Text("word.table"))


def _columns(rules: Rules, levels: Sequence[float]) -> tuple[Column, ...]:
    """Columns between the names of the hours and the quality of the issue."""
    inside = Text("column.inside", {"interval": Share(rules.interval)})
    within = Text("column.within", {"tolerance": Share(rules.tolerance)})
    return (
        parts.power_column("observed"),
        *parts.quantile_columns(levels),
        parts.power_column("error"),
        parts.power_column("pinball"),
        Column("inside", inside, kind="yes_no"),
        *(parts.power_column(name) for name in ("schedule", "shortage", "surplus")),
        Column("within", within, kind="yes_no"),
        parts.FLAGS,
    )


def _yes_no(values: Array) -> Any:
    """Booleans; missing where not finite."""
    known = np.isfinite(values)
    return pd.arrays.BooleanArray(np.where(known, values, 0.0).astype(bool), ~known)


#: Units of the rows of the summary, in their order.
_UNITS: Final = {
    "score.mae": "MW",
    "score.nmae": "%",
    "score.bias": "MW",
    "score.pinball": "MW",
    "score.coverage": "%",
    "score.within": "%",
    "score.shortage": "MWh",
    "score.surplus": "MWh",
    "score.saved": "%",
    "score.n": "",
    "score.missing": "",
}


def _summary(scored: ScoredIssue, compared: Mapping[str, ScoredIssue]) -> Table:
    """A row for each score, a column for each forecast."""
    rules = scored.rules
    found = {"forecast": scored.scores()} | {key: item.scores() for key, item in compared.items()}
    pinball = found["forecast"]["score.pinball"]
    for key, item in (("forecast", scored), *compared.items()):
        loss = found[key]["score.pinball"]
        saved = 100 * (1 - pinball / loss) if key != "forecast" and loss > 0 else float("nan")
        counts = {"score.n": len(item.pairs), "score.missing": len(item.pairs.missing)}
        found[key] |= {"score.saved": saved} | counts
    values: dict[str, dict[str, Any]] = {
        "score.pinball": {"count": len(rules.levels), "low": rules.levels[0], "high": rules.levels[-1]},
        "score.coverage": {"interval": Share(rules.interval)},
        "score.within": {"tolerance": Share(rules.tolerance)},
    }
    rows = [
        {
            "key": key.removeprefix("score."),
            "score": Text(key, values.get(key, {})),
            "unit": Text(f"unit.{unit}") if unit else "",
            **{name: float(scores[key]) for name, scores in found.items()},
        }
        for key, unit in _UNITS.items()
        if key != "score.saved" or compared
    ]
    columns = (
        Column("key", Text("column.key"), kind="text", repeated=True),
        Column("score", Text("column.score"), kind="text"),
        Column("unit", Text("column.unit"), kind="text"),
        Column("forecast", Text("column.forecast"), kind="score"),
        *(Column(key, key, kind="score") for key in compared),
    )
    return Table(pd.DataFrame(rows), columns, Text("word.totals"))


def _facts(
    forecast: Forecast, scored: ScoredIssue, others: Mapping[str, Forecast], timezone: str
) -> dict[str, Any]:
    """Facts of the issue, its references, and the number of hours."""
    facts = parts.issue_facts(forecast, timezone)
    if others:
        facts["fact.references"] = ", ".join(others)
    return facts | {"fact.n": len(scored.pairs), "fact.missing": len(scored.pairs.missing)}


def _notes(scored: ScoredIssue, *, given: bool, references: bool) -> tuple[Text, ...]:
    """Notes on tolerance, schedules and samples."""
    notes = [Text("note.band", {"tolerance": Share(scored.rules.tolerance)})]
    unplanned = int(np.isnan(scored.schedule).sum())
    if unplanned:
        notes.append(Text("note.no_schedule_scored", {"n": unplanned}))
    if not given:
        notes.append(Text("note.own_schedule"))
    elif references:
        notes.append(Text("note.reference_schedule"))
    if scored.pairs.below_zero:
        notes.append(Text("note.below_zero", {"n": scored.pairs.below_zero}))
    hours = len(scored.pairs) * scored.rules.hours
    if hours < _FEW:
        notes.append(Text("note.few", {"n": int(hours)}))
    return tuple(notes)
