"""The verification sheet: what happened, beside what was forecast, scheduled and what references said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import quantile_levels
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.settlement import ImbalanceTerms, deviations
from energyforecast.core.sites import Kind
from energyforecast.errors import RangeError, SchemaError, TimeError
from energyforecast.evaluation import METRICS, Pairs, align, pinball_loss, score
from energyforecast.reporting.sheets import common as parts
from energyforecast.reporting.sheets.day_ahead import fan
from energyforecast.reporting.sheets.sheet import Column, Sheet, Table
from energyforecast.reporting.translations import Share, Text

__all__ = ["verification_sheet"]

Array = npt.NDArray[Any]

_MAE: Final = next(metric for metric in METRICS if metric.name == "mae")
_BIAS: Final = next(metric for metric in METRICS if metric.name == "bias")
#: Fewer hours than this are called few.
_FEW: Final = 90 * 24


def verification_sheet(
    forecast: Forecast,
    observed: Observations,
    *,
    timezone: str,
    references: Mapping[str, Forecast] | None = None,
    schedule: pd.DataFrame | None = None,
    tolerance: float = 0.05,
    interval: float = 0.8,
    levels: Sequence[float] = (0.1, 0.5, 0.9),
    site: str | None = None,
    issue_time: Any = None,
) -> Sheet:
    """An issue against what was measured, hour by hour and in total, beside references.

    Parameters
    ----------
    forecast : Forecast
        Its kind says which side is short: of demand, more than scheduled.
    observed : Observations
        Hold every hour of the forecast; an hour that is not known is NaN, left out and counted.
    timezone : str
    references : mapping of Forecast, optional
        One issue each, for at least the hours of the forecast.
    schedule : DataFrame, optional
        Columns ``valid_time`` and ``schedule`` [MW]. The median of the forecast by default; that of each
        reference for the references.
    tolerance : float
        Share of the schedule of the hour by which the outcome may miss it.
    interval : float
        Probability of the central interval that is checked.
    levels : sequence of float
        Quantiles shown.
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
        If the tolerance or the interval is impossible, or lies outside the levels of the forecast.

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
    _check(tolerance, interval)
    chosen = parts.one_issue(forecast, site, issue_time)
    name, valid = chosen.sites[0], parts.valid_times(chosen)
    others = _references(references or {}, chosen)
    common = _common_levels(chosen, others)
    plan = None if schedule is None else parts.beside(schedule, "schedule", valid, of=chosen, what="schedule")
    rules = _Rules(
        common, interval, tolerance, chosen.kinds[name], parts.step_of(chosen) / pd.Timedelta("1h")
    )
    judged = _Judged.of(chosen, observed, valid, plan, rules)
    beside = {key: _Judged.of(other, observed, valid, None, rules) for key, other in others.items()}
    data, columns = _hours(judged, chosen, quantile_levels.check_quantiles(levels), timezone)
    days = parts.local_days(valid, timezone)
    return Sheet(
        kind="verification",
        subject=name,
        period=(days[0], days[-1]),
        timezone=timezone,
        table=Table(data, columns, Text("word.table")),
        summary=_summary(judged, beside),
        facts=_facts(chosen, judged, others, timezone),
        notes=_notes(judged, given=schedule is not None, references=bool(others)),
        caveats=parts.together(
            chosen.caveats, *(item.caveats for item in others.values()), parts.said_beside(schedule)
        ),
        chart=fan(levels, timezone, schedule=schedule is not None, observed=True),
    )


def _check(tolerance: float, interval: float) -> None:
    if not 0 <= tolerance < 1:
        raise RangeError(
            f"The tolerance is {tolerance:g}.",
            "It is a share of the schedule, in [0, 1).",
            "Give 0.05 for ±5 %.",
        )
    if not 0 < interval < 1:
        raise RangeError(
            f"The interval is {interval:g}.", "It is a probability, in (0, 1).", "Give 0.8 for 80 %."
        )


def _references(references: Mapping[str, Forecast], forecast: Forecast) -> dict[str, Forecast]:
    """One issue each, cut to the hours of the forecast."""
    name, valid = forecast.sites[0], parts.valid_times(forecast)
    found = {}
    for key, reference in references.items():
        if key in ("key", "score", "unit", "forecast", "caveat"):
            raise SchemaError(
                f"A reference has the name {key!r}.", "That is a column of the sheet.", "Name it otherwise."
            )
        one = parts.one_issue(reference, name)
        there = parts.valid_times(one)
        absent = valid[~valid.isin(there)]
        if len(absent):
            raise TimeError(
                f"The reference {key!r} lacks {len(absent)} hours of site {name!r}, the first {absent[0]}.",
                "References cover every hour of the forecast.",
                "Issue them for the same task.",
            )
        found[key] = Forecast(one.data.isel(lead_time=np.flatnonzero(there.isin(valid))))
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
            "Pinball losses are compared over the same levels.",
            "Give references with levels of the forecast, such as 0.5.",
        )
    return tuple(shared)


@dataclass(frozen=True)
class _Rules:
    """By what all are judged."""

    levels: tuple[float, ...]
    interval: float
    tolerance: float
    kind: Kind
    hours: float

    @property
    def band(self) -> ImbalanceTerms:
        """The tolerance as a dead band; what it costs beyond is not asked."""
        return ImbalanceTerms(shortage=1.0, surplus=1.0, band=self.tolerance)


@dataclass(frozen=True)
class _Judged:
    """One forecast beside the outcomes; hours without one are NaN."""

    pairs: Pairs
    rules: _Rules
    observed: Array
    schedule: Array
    error: Array
    loss: Array
    inside: Array
    within: Array
    shortage: Array
    surplus: Array

    @classmethod
    def of(
        cls,
        forecast: Forecast,
        observed: Observations,
        valid: pd.DatetimeIndex,
        plan: Array | None,
        rules: _Rules,
    ) -> _Judged:
        pairs = align(observed, forecast)
        rows = valid.get_indexer(pd.DatetimeIndex(pairs.labels["valid_time"]))

        def spread(values: Array) -> Array:
            """A value for each hour of the forecast."""
            found = np.full(len(valid), np.nan)
            found[rows] = values
            return found

        outcome, median = spread(pairs.observed), spread(pairs.at(0.5))
        losses = pinball_loss(
            pairs.observed, np.column_stack([pairs.at(level) for level in rules.levels]), rules.levels
        )
        declared = parts.quantile(forecast, 0.5) if plan is None else plan
        shortage, surplus = deviations(outcome, declared, kind=rules.kind)
        return cls(
            pairs=pairs,
            rules=rules,
            observed=outcome,
            schedule=declared,
            error=median - outcome,
            loss=spread(losses.mean(axis=1)),
            inside=spread(_inside(pairs, rules.interval)),
            within=rules.band.within(outcome, declared),
            shortage=shortage,
            surplus=surplus,
        )

    def scores(self) -> dict[str, float]:
        """By key of the labels."""
        table = score([_MAE, _BIAS], self.pairs).set_index("metric")
        return {
            "score.mae": float(table.loc["mae", "value"]),
            "score.nmae": float(table.loc["mae", "percent"]),
            "score.bias": float(table.loc["bias", "value"]),
            "score.pinball": _mean(self.loss),
            "score.coverage": 100 * _mean(self.inside),
            "score.within": 100 * _mean(self.within),
            "score.shortage": float(np.nansum(self.shortage)) * self.rules.hours,
            "score.surplus": float(np.nansum(self.surplus)) * self.rules.hours,
        }


def _inside(pairs: Pairs, interval: float) -> Array:
    """Whether outcomes lie in the central interval; NaN where the levels do not reach it."""
    low, high = (1 - interval) / 2, (1 + interval) / 2
    if not (pairs.levels[0] <= low + 1e-9 and high - 1e-9 <= pairs.levels[-1]):
        return np.full(len(pairs), np.nan)
    return ((pairs.at(low) <= pairs.observed) & (pairs.observed <= pairs.at(high))).astype(float)


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _hours(
    judged: _Judged, forecast: Forecast, levels: Sequence[float], timezone: str
) -> tuple[pd.DataFrame, tuple[Column, ...]]:
    valid, rules = parts.valid_times(forecast), judged.rules
    head, first = parts.head_columns(forecast, timezone)
    tail, last = parts.tail_columns(forecast)
    quantiles = {parts.name_of(level): parts.quantile(forecast, level) for level in levels}
    measured = np.isfinite(judged.observed)
    data = pd.DataFrame(
        head
        | {"begin": parts.begin(valid, timezone)}
        | {"hour": parts.hour_names(valid, parts.step_of(forecast), timezone)}
        | {"observed": judged.observed}
        | quantiles
        | {
            "error": judged.error,
            "pinball": judged.loss,
            "inside": _yes_no(judged.inside),
            "schedule": judged.schedule,
            "shortage": judged.shortage,
            "surplus": judged.surplus,
            "within": _yes_no(judged.within),
            "flags": [() if there else (Text("flag.unmeasured"),) for there in measured],
        }
        | tail
    )

    columns = (
        *first,
        *parts.hour_columns(timezone),
        Column("observed", Text("column.observed"), unit="MW"),
        *(
            Column(name, Text("column.quantile", {"level": level}), unit="MW")
            for name, level in zip(quantiles, levels, strict=True)
        ),
        Column("error", Text("column.error"), unit="MW"),
        Column("pinball", Text("column.pinball"), unit="MW"),
        Column("inside", Text("column.inside", {"interval": Share(rules.interval)}), kind="yes_no"),
        *(Column(name, Text(f"column.{name}"), unit="MW") for name in ("schedule", "shortage", "surplus")),
        Column("within", Text("column.within", {"tolerance": Share(rules.tolerance)}), kind="yes_no"),
        Column("flags", Text("column.flags"), kind="text"),
        *last,
    )
    return data, columns


def _yes_no(values: Array) -> Any:
    known = np.isfinite(values)
    return pd.arrays.BooleanArray(np.where(known, values, 0.0).astype(bool), ~known)


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


def _summary(judged: _Judged, beside: Mapping[str, _Judged]) -> Table:
    rules = judged.rules
    found = {"forecast": judged.scores()} | {key: item.scores() for key, item in beside.items()}
    own = found["forecast"]["score.pinball"]
    for key, item in (("forecast", judged), *beside.items()):
        loss = found[key]["score.pinball"]
        saved = 100 * (1 - own / loss) if key != "forecast" and loss > 0 else float("nan")
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
        if key != "score.saved" or beside
    ]
    columns = (
        Column("key", Text("column.key"), kind="text", repeated=True),
        Column("score", Text("column.score"), kind="text"),
        Column("unit", Text("column.unit"), kind="text"),
        Column("forecast", Text("column.forecast"), kind="score"),
        *(Column(key, key, kind="score") for key in beside),
    )
    return Table(pd.DataFrame(rows), columns, Text("word.totals"))


def _facts(
    forecast: Forecast, judged: _Judged, others: Mapping[str, Forecast], timezone: str
) -> dict[str, Any]:
    facts = parts.issue_facts(forecast, timezone)
    if others:
        facts["fact.references"] = ", ".join(others)
    return facts | {"fact.n": len(judged.pairs), "fact.missing": len(judged.pairs.missing)}


def _notes(judged: _Judged, *, given: bool, references: bool) -> tuple[Text, ...]:
    notes = [Text("note.band", {"tolerance": Share(judged.rules.tolerance)})]
    unplanned = int(np.isnan(judged.schedule).sum())
    if unplanned:
        notes.append(Text("note.no_schedule_scored", {"n": unplanned}))
    if not given:
        notes.append(Text("note.own_schedule"))
    elif references:
        notes.append(Text("note.reference_schedule"))
    if judged.pairs.below_zero:
        notes.append(Text("note.below_zero", {"n": judged.pairs.below_zero}))
    if len(judged.pairs) < _FEW:
        notes.append(Text("note.few", {"n": len(judged.pairs)}))
    return tuple(notes)
