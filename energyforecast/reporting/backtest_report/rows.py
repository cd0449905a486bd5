"""Rows of the tables of the report, section by section, as the page shows them."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.wording import counted
from energyforecast.evaluation.result import Result
from energyforecast.reporting.backtest_report import event_tables, tables
from energyforecast.reporting.page_templates import plain

__all__: list[str] = []

_NAMES: Final = {
    "mae": "MAE of the median",
    "rmse": "RMSE of the mean",
    "bias": "Bias of the mean (forecast minus outcome)",
    "pinball": "Pinball loss, all levels",
    "pinball_7": "Pinball loss, 7 levels",
    "crps": "CRPS",
    "coverage": "Coverage",
    "coverage_closed": "Coverage, ends included,",
    "width": "Width",
}
_REFITS: Final = {
    "auto": "by the length of the history",
    "D": "each day",
    "W": "each week",
    "MS": "each month",
    "QS": "each quarter",
    "YS": "each year",
    "None": "never",
}

#: Fits that are listed one by one; of more, the first and the last.
_MAX_FITS: Final = 60

Row = tuple[Any, ...]


class Ranged(NamedTuple):
    """A number with its interval, written below it."""

    value: str
    limits: str


class Issue(NamedTuple):
    """A day that leads to its fan."""

    day: str
    issue: int
    site: int


def number(value: Any, digits: int = 3) -> str:
    """Three significant digits, or whole numbers from a thousand on; a missing one is a dash."""
    if value is None or not np.isfinite(value):
        return "–"
    return f"{value:.{digits}g}".replace("-", "−") if abs(value) < 1000 else f"{value:,.0f}"


def _ranged(value: float, low: float, high: float) -> Ranged | str:
    """A number and its interval, where there is one."""
    return Ranged(number(value), f"{number(low)} to {number(high)}") if np.isfinite(low) else number(value)


def _first(result: Result) -> tuple[str, Forecast]:
    """The model that is reported, and its forecasts."""
    return next(iter(result.forecasts.items()))


def setup(result: Result) -> list[Row]:
    """Sites, issues, lead times, levels, weather, information, fits and models."""
    used, (_, forecast) = result.provenance, _first(result)
    models = (f"{name}: {used.get('models', {}).get(name, name)}" for name in result.forecasts)
    refit = _REFITS.get(str(used.get("refit")), str(used.get("refit", "unknown")))
    information = "only values published at each issue"
    if result.perfect_weather:
        information = "perfect: an analysis of the hours that were forecast"
    return [
        *_task(result, forecast),
        ("Weather", used.get("weather", "unknown")),
        ("Information", information),
        ("Refits", f"{refit}; {len(result.folds)} fits of all models"),
        *_fits(result),
        ("Models", "; ".join(models)),
        *_chosen(result),
        *_training(result),
    ]


def _fits(result: Result) -> list[Row]:
    """Days of the fits, by month; none where they are not known."""
    if "as_of" not in result.folds:
        return []
    days = pd.DatetimeIndex(sorted(set(result.folds["as_of"]))).strftime("%Y-%m-%d")
    if len(days) > _MAX_FITS:
        return [("Fitted on", f"{len(days)} days from {days[0]} to {days[-1]} (UTC)")]
    return [("Fitted on", f"{', '.join(days)} (UTC)")]


def _chosen(result: Result) -> list[Row]:
    """Structures that each default has chosen among its candidates, with the number of fits."""
    if "chosen" not in result.folds:
        return []
    counts = result.folds[result.folds["chosen"] != ""].groupby("model", sort=False)["chosen"].value_counts()
    words = [f"{name}: {chosen} ({counted(count, 'fit')})" for (name, chosen), count in counts.items()]
    return [("Chosen among candidates", "; ".join(words))] if words else []


def _training(result: Result) -> list[Row]:
    """First and last hour from which each model learnt at its last fit, and the number of rows."""
    if "training_first" not in result.folds:
        return []
    last = result.folds.groupby("model", sort=False).last()
    learnt = (
        f"{name}: {row.training_first} to {row.training_last} UTC (n = {row.training_rows})"
        for name, row in last.iterrows()
    )
    return [("Learnt at the last fit", "; ".join(learnt))]


def _task(result: Result, forecast: Forecast) -> list[Row]:
    """Sites, issues, lead times and levels."""
    zone = tables.timezone_of(result)
    local = forecast.issue_times.tz_convert(timestamps.zone(zone))
    lead = forecast.data["lead_time"].values / np.timedelta64(1, "h")
    width = forecast.data.attrs.get("frequency")
    interval = "unknown width" if width is None else f"{pd.Timedelta(str(width)).total_seconds() / 60:g} min"
    levels, capacities = forecast.quantiles, forecast.data["capacity"].values.tolist()
    sites = (
        f"{name} ({capacity:g} MW)" if np.isfinite(capacity) else name
        for name, capacity in zip(forecast.sites, capacities, strict=True)
    )
    return [
        ("Sites and capacity", ", ".join(sites)),
        ("Issues", f"{len(local)}, from {local[0]:%Y-%m-%d %H:%M} to {local[-1]:%Y-%m-%d %H:%M} ({zone})"),
        ("Lead times", f"{lead.min():g} to {lead.max():g} h, intervals of {interval}"),
        ("Quantiles", f"{len(levels)}, from {levels[0]:g} to {levels[-1]:g}"),
    ]


def features(result: Result) -> list[Row]:
    """Features of each model, where the backtest knows them."""
    return [(name, ", ".join(items)) for name, items in result.provenance.get("features", {}).items()]


def scores(result: Result, reference: str | None) -> dict[str, Any]:
    """Skill, scores with intervals, and scores by site."""
    table = tables.score_intervals(result)
    first, forecast = _first(result)
    percents = not tables.has_no_capacity(result, first)
    groups = table.groupby(["metric", "level"], dropna=False, sort=False)
    counts = ", ".join(f"{name}: {len(pairs)}" for name, pairs in result.pairs.items())
    return {
        "days": int(table["days"].iloc[0]),
        "skill": [] if reference is None else _skill(result, reference),
        "caption": f"Scores; n = {counts}",
        "heads": ("Score", *result.forecasts),
        "rows": [row for _, group in groups for row in _score(group, list(result.forecasts), percents)],
        "by_site": _by_site(result) if len(forecast.sites) > 1 else [],
    }


def _skill(result: Result, reference: str) -> list[Row]:
    """Skill of each model over all lead times, and whether it is separable from the best one."""
    table = tables.skill_intervals(result, reference=reference)
    best = {
        row.model: "–" if np.isnan(row.p) else "yes" if row.inside else "no"
        for row in result.confidence_set("crps").itertuples()
    }
    return [
        (row.model, _ranged(row.percent, 100 * row.low, 100 * row.high), best[row.model], row.n)
        for row in table.itertuples()
    ]


def _score(group: pd.DataFrame, models: list[str], percents: bool) -> list[Row]:
    """One metric of every model, in MW and in % of capacity; coverage in % alone."""
    by_model = {row.model: row for row in group.itertuples()}
    example = next(iter(by_model.values()))
    name = _NAMES[example.metric] + (
        "" if pd.isna(example.level) else f" of the {example.level:.0%} interval"
    )
    if example.metric in ("coverage", "coverage_closed"):
        kinds = [("%", "_percent")]
    else:
        kinds = [("MW", "")] + ([("% of capacity", "_percent")] if percents else [])
    return [
        (f"{name} [{unit}]", *(_scored(by_model.get(model), kind) for model in models))
        for unit, kind in kinds
    ]


def _scored(row: Any, kind: str) -> Ranged | str:
    """The score of one model."""
    if row is None:
        return "–"
    value = row.percent if kind else row.value
    return _ranged(value, getattr(row, f"low{kind}"), getattr(row, f"high{kind}"))


def _by_site(result: Result) -> list[Row]:
    """MAE and CRPS of each site."""
    table = result.scores(by="site")
    return [
        (row.site, row.model, row.metric.upper(), number(row.value), number(row.percent), row.n)
        for row in table[table["metric"].isin(["mae", "crps"])].itertuples()
    ]


def skill(result: Result, reference: str | None) -> list[Row]:
    """Skill of each model by lead time."""
    if reference is None:
        return []
    table = result.skill("crps", reference=reference, by="lead_time")
    table = table[table["model"] != reference]
    return [(row.model, f"{row.lead_time:g}", number(row.percent), row.n) for row in table.itertuples()]


def calibration(result: Result) -> list[Row]:
    """Reliability of the first model."""
    table = result.calibration(model=_first(result)[0])
    return [(f"{row.level:g}", number(row.frequency), row.n) for row in table.itertuples()]


def worst(result: Result, left_out: int) -> list[Row]:
    """The worst days; those in the page lead to their fan."""
    first, forecast = _first(result)

    def day(row: Any) -> Issue | str:
        """The day, with the position of its fan where the page has it."""
        issue = forecast.issue_times.get_loc(row.issue_time) - left_out
        date = f"{row.day:%Y-%m-%d}"
        return Issue(date, issue, forecast.sites.index(row.site)) if issue >= 0 else date

    return [
        (day(row), row.site, number(row.crps), number(row.error), number(row.observed), row.n)
        for row in tables.worst_days(result, model=first).itertuples()
    ]


def errors(result: Result) -> list[tuple[str, str, Row, list[Row]]]:
    """Metric, heading, heads and rows of each table by month and hour."""
    found = []
    for metric in ("mae", "bias"):
        table = tables.error_by_hour_and_month(result, model=_first(result)[0], metric=metric)
        rows = [
            (tables.MONTHS[int(month) - 1], *(number(value, 2) for value in values))
            for month, values in zip(table.index, table.to_numpy(dtype=float), strict=True)
        ]
        found.append((metric, f"{_NAMES[metric]} [{table.attrs['unit']}]", ("Month", *table.columns), rows))
    return found


def ramps(result: Result) -> dict[str, Any]:
    """Definition of a ramp, and hits, misses and false alarms of each model."""
    size, hours, tolerance = tables.RAMP
    rows = [
        (name, row.direction, row.observed, row.hits, row.misses, row.false_alarms, number(row.csi))
        for name in result.forecasts
        for row in tables.ramps(result, model=name).itertuples()
    ]
    return {"size": f"{size:.0%}", "hours": f"{hours:g}", "tolerance": f"{tolerance:g}", "rows": rows}


def miscalibration(result: Result, reference: str | None) -> list[Row]:
    """CRPS of the first model and the reference, and the part that recalibration could save."""
    models = [name for name in dict.fromkeys((_first(result)[0], reference)) if name is not None]
    table = event_tables.miscalibration(result, models=models)
    share = 100 * table["miscalibration"] / table["crps"].where(table["crps"] > 0)
    return [
        (row.model, number(row.crps), number(row.miscalibration), number(percent), row.n)
        for row, percent in zip(table.itertuples(), share, strict=True)
    ]


def event(result: Result) -> str:
    """The event of the report, in words."""
    given = event_tables.event(result, model=_first(result)[0])
    if given["relative"]:
        return f"power above {100 * given['threshold']:g} % of capacity"
    return f"power above {number(given['threshold'])} MW, the median outcome"


def curves(figure: dict[str, Any]) -> list[Row]:
    """Name, horizontal and vertical value of each point of the lines of a figure that are not its background."""
    lines = [line for line in figure["data"] if line.get("hoverinfo") != "skip"]
    return [
        (line["name"], number(x), number(np.nan if y is None else y))
        for line in lines
        for x, y in zip(line["x"], line["y"], strict=True)
    ]


def value(result: Result, reference: str | None) -> dict[str, Any]:
    """Prices, and the cost of imbalance of each schedule; sites of unknown kind instead, if there are any."""
    unknown = [site for site, kind in _first(result)[1].kinds.items() if kind == "site"]
    if unknown:
        return {"unknown": unknown}
    table = tables.imbalance(result)
    base = table[table["model"] == reference].set_index("schedule")["cost"]
    rows = []
    for row in table.itertuples():
        cost = base.get(row.schedule, float("nan"))
        saved = 100 * (1 - row.cost / cost) if np.isfinite(cost) and cost > 0 else float("nan")
        level = f"{row.level:g}" if np.isfinite(row.level) else "by kind"
        rows.append((row.model, f"{row.schedule} ({level})", number(row.cost), number(saved), row.n))
    shortage, surplus = (f"{price:g}" for price in tables.IMBALANCE_PRICES)
    return {"unknown": [], "shortage": shortage, "surplus": surplus, "rows": rows}


def quality(result: Result) -> list[Row]:
    """Hours scored and left out, flags, fallback levels and ages of weather runs."""
    first, forecast = _first(result)
    pairs = result.pairs[first]
    valid = timestamps.to_index(forecast.data["valid_time"].values[forecast.inside])
    flagged = result.observations[valid.min() : valid.max()].unfit
    level, count = np.unique(forecast.data["fallback_level"].values, return_counts=True)
    init = forecast.data["weather_init_time"].values
    age = (forecast.data["issue_time"].values - init)[~np.isnat(init)] / np.timedelta64(1, "h")
    return [
        ("Hours scored", len(pairs)),
        ("Hours without outcome, left out", len(pairs.missing)),
        ("Slightly negative outcomes of plants, scored as 0", pairs.below_zero),
        ("Observations of the period set aside by their flags", int(flagged.to_numpy().sum())),
        *(
            (f"Issues with fallback level {k}", n)
            for k, n in zip(level.tolist(), count.tolist(), strict=True)
        ),
        *([("Age of the weather run at issue [h]", f"{age.min():g} to {age.max():g}")] if age.size else []),
    ]


def provenance(result: Result, plotly: str) -> dict[str, Any]:
    """Versions, plain entries, everything as JSON, and every fit."""
    used, folds = dict(result.provenance), result.folds
    return {
        "versions": list((dict(used.get("versions", {})) | {"plotly": plotly}).items()),
        "entries": [(key, item) for key, item in used.items() if isinstance(item, str | int | float | bool)],
        "json": json.dumps(used, indent=1, default=plain),
        "heads": tuple(folds.columns),
        "fits": list(folds.itertuples(index=False, name=None)),
    }
