"""Put the report together: text and tables that stand without scripts, figures that need them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.errors import MissingDataError, require
from energyforecast.evaluation.result import Result
from energyforecast.reporting.backtest_report import fans, figures, tables

__all__ = ["caveats", "write"]

_NAMES: Final = {
    "mae": "MAE of the median",
    "rmse": "RMSE of the mean",
    "bias": "Bias of the mean (forecast minus outcome)",
    "pinball": "Pinball loss, all levels",
    "pinball_7": "Pinball loss, 7 levels",
    "crps": "CRPS",
    "coverage": "Coverage",
    "width": "Width",
}
_REFITS: Final = {
    "D": "each day",
    "W": "each week",
    "MS": "each month",
    "QS": "each quarter",
    "YS": "each year",
    "None": "never",
}


def write(result: Result, path: str | Path, *, reference: str | None = None) -> Path:
    """Write the report of a backtest as one HTML file that needs no network.

    Parameters
    ----------
    result : Result
        Its first model is the one reported on; the others are compared with it.
    path : path
    reference : str, optional
        Model over which skill is told; by default the first reference of the result.

    Returns
    -------
    Path

    Raises
    ------
    DependencyError
        If plotly is not installed.
    MissingDataError
        If there is no such reference.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_result
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(example_result(), folder + "/backtest.html").read_text()[:15]
    '<!doctype html>'
    """
    target = Path(path)
    target.write_text(_page(result, _reference(result, reference)), encoding="utf-8")
    return target


def _reference(result: Result, asked: str | None) -> str | None:
    """The model over which skill is told, if there is one beside the first."""
    if asked is not None and asked not in result.forecasts:
        raise MissingDataError(
            f"A report with skill over {asked!r} is asked for.",
            f"The models are {list(result.forecasts)}.",
            "Choose one of them, or give the reference to backtest.",
        )
    first, *others = result.forecasts
    named = [name for name in result.provenance.get("references", ()) if name in others]
    return asked if asked != first and asked is not None else next(iter([*named, *others]), None)


def caveats(result: Result) -> tuple[str, ...]:
    """Everything that must be said: by the forecasts, and by what the scores rest on.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> caveats(example_result())[0]
    'few samples: 1 day scored; intervals are wide or undefined, and not all seasons are seen'
    """
    said = [*result.provenance.get("caveats", ())]
    said += [line for forecast in result.forecasts.values() for line in forecast.caveats]
    first = next(iter(result.forecasts))
    pairs, days = result.pairs[first], len(np.unique(tables.local_days(result, model=first)))
    if days < tables.FEW_DAYS:
        plural = "" if days == 1 else "s"
        said.append(
            f"few samples: {days} day{plural} scored; intervals are wide or undefined, and not all seasons are seen"
        )
    share = len(pairs.missing) / max(1, len(pairs) + len(pairs.missing))
    if share > 0.05:
        said.append(f"{share:.0%} of the hours have no outcome: scores say nothing about them")
    if len(result.forecasts) == 1:
        said.append("no reference was forecast along: scores alone do not say whether the forecast is good")
    fallen = int((next(iter(result.forecasts.values())).data["fallback_level"].values > 0).sum())
    if fallen:
        said.append(f"{fallen} issues were made with less than the full information (fallback level above 0)")
    return tuple(dict.fromkeys(said))


# --- Pieces of HTML -------------------------------------------------------------------------------


class _Html(str):
    """A cell that is HTML already."""

    __slots__ = ()


def _cell(content: Any) -> str:
    return content if isinstance(content, _Html) else escape(str(content))


def _table(heads: Iterable[str], rows: Iterable[Iterable[Any]], caption: str) -> str:
    head = "".join(f'<th scope="col">{escape(str(item))}</th>' for item in heads)
    body = "".join(_row(cells) for cells in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(cells: Iterable[Any]) -> str:
    first, *others = (_cell(cell) for cell in cells)
    return f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in others) + "</tr>"


def _section(name: str, title: str, *parts: str) -> str:
    return f'<section id="{name}" aria-labelledby="{name}-h"><h2 id="{name}-h">{title}</h2>{"".join(parts)}</section>'


def _text(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _figure(name: str, label: str) -> str:
    return f'<div class="figure" id="figure-{name}" role="img" aria-label="{escape(label)}"></div>'


def _details(title: str, inside: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{inside}</details>"


def _number(value: Any, digits: int = 3) -> str:
    if value is None or not np.isfinite(value):
        return "–"
    return f"{value:.{digits}g}".replace("-", "−") if abs(value) < 1000 else f"{value:,.0f}"


def _json(value: Any) -> str:
    """JSON inside a script element, where no ``<`` may end it."""
    text = json.dumps(value, separators=(",", ":"), default=_plain, allow_nan=False)
    return text.replace("<", "\\u003c")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


# --- Sections -------------------------------------------------------------------------------------


def _what(result: Result) -> str:
    used, first = result.provenance, next(iter(result.forecasts))
    forecast = result.forecasts[first]
    lead = forecast.data["lead_time"].values / np.timedelta64(1, "h")
    zone = tables.timezone_of(result)
    issued = [
        f"{moment:%Y-%m-%d %H:%M}"
        for moment in forecast.issue_times.tz_convert(timestamps.zone(zone))[[0, -1]]
    ]
    capacity = dict(zip(forecast.sites, forecast.data["capacity"].values.tolist(), strict=True))
    sites = ", ".join(
        f"{name} ({value:g} MW)" if np.isfinite(value) else name for name, value in capacity.items()
    )
    refit = _REFITS.get(str(used.get("refit")), str(used.get("refit", "not said")))
    rows = [
        ("Sites and capacity", sites),
        ("Issues", f"{len(forecast.issue_times)}, from {issued[0]} to {issued[1]} ({zone})"),
        ("Lead times", f"{lead.min():g} to {lead.max():g} h, intervals of {_hours(forecast)}"),
        (
            "Quantiles",
            f"{len(forecast.quantiles)}, from {forecast.quantiles[0]:g} to {forecast.quantiles[-1]:g}",
        ),
        ("Weather", used.get("weather", "not said")),
        (
            "Information",
            "perfect: an analysis of the hours that were forecast"
            if result.perfect_weather
            else "only what had been published at each issue",
        ),
        ("Fitted again", f"{refit}; {len(result.folds)} fits of all models"),
        (
            "Models",
            "; ".join(f"{name}: {used.get('models', {}).get(name, name)}" for name in result.forecasts),
        ),
    ]
    features = [(name, ", ".join(items)) for name, items in used.get("features", {}).items()]
    more = _details("Features of each model", _table(("Model", "Features"), features, "Features"))
    return _section(
        "what",
        "What was forecast",
        _table(("", ""), rows, "Forecasts, weather and information"),
        more if features else "",
    )


def _hours(forecast: Forecast) -> str:
    width = (
        pd.Timedelta(str(forecast.data.attrs["frequency"])) if "frequency" in forecast.data.attrs else None
    )
    return "unknown width" if width is None else f"{width.total_seconds() / 60:g} min"


def _headline(result: Result, reference: str | None) -> str:
    table = tables.score_intervals(result)
    first, days = next(iter(result.forecasts)), int(table["days"].iloc[0])
    parts = [
        _text(
            f"Scores over all sites and leads. Below each its 95 % interval, from blocks of consecutive days drawn "
            f"500 times out of {days}. Less is better but for bias (0 is best), coverage (its level is best) and width."
        )
    ]
    if reference is not None:
        skills = tables.skill_intervals(result, reference=reference)
        said = [
            (row.model, _ranged(row.percent, 100 * row.low, 100 * row.high), row.n)
            for row in skills.itertuples()
        ]
        parts.append(_table(("Model", "Skill [%]", "n"), said, f"Skill in CRPS over {reference}"))
    percents = not tables.has_no_capacity(result, first)
    rows = []
    groups = table.groupby(["metric", "level"], dropna=False, sort=False)
    for _, group in groups:
        by_model = {row.model: row for row in group.itertuples()}
        example = next(iter(by_model.values()))
        share = example.metric == "coverage"
        name = _NAMES[example.metric]
        name += "" if pd.isna(example.level) else f" of the {example.level:.0%} interval"
        if not share:
            rows.append((f"{name} [MW]", *(_scored(by_model.get(m), "") for m in result.forecasts)))
        if share or percents:
            unit = "%" if share else "% of capacity"
            rows.append(
                (f"{name} [{unit}]", *(_scored(by_model.get(m), "_percent") for m in result.forecasts))
            )
    counts = [f"{name}: {len(pairs)}" for name, pairs in result.pairs.items()]
    parts.append(_table(("Score", *result.forecasts), rows, f"Scores; n = {', '.join(counts)}"))
    if len(next(iter(result.forecasts.values())).sites) > 1:
        parts.append(_by_site(result))
    return _section("scores", "Headline scores", *parts)


def _scored(row: Any, kind: str) -> str:
    if row is None:
        return "–"
    value = row.percent if kind else row.value
    return _ranged(value, getattr(row, f"low{kind}"), getattr(row, f"high{kind}"))


def _ranged(value: float, low: float, high: float) -> str:
    """A number with its interval below it, so that columns stay narrow."""
    if not np.isfinite(low):
        return _number(value)
    return _Html(f"{_number(value)}<small>{_number(low)} to {_number(high)}</small>")


def _by_site(result: Result) -> str:
    table = result.scores(by="site")
    table = table[table["metric"].isin(["mae", "crps"])]
    rows = [
        (row.site, row.model, row.metric.upper(), _number(row.value), _number(row.percent), row.n)
        for row in table.itertuples()
    ]
    return _details(
        "By site", _table(("Site", "Model", "Score", "MW", "% of capacity", "n"), rows, "Scores by site")
    )


def _skill(result: Result, reference: str | None) -> str:
    if reference is None:
        return _section("skill", "Skill by lead", _text("No reference was forecast along."))
    table = result.skill("crps", reference=reference, by="lead_time")
    table = table[table["model"] != reference]
    rows = [(row.model, f"{row.lead_time:g}", _number(row.percent), row.n) for row in table.itertuples()]
    return _section(
        "skill",
        "Skill by lead",
        _text(f"One minus CRPS over that of {reference} on the same hours: 100 % is perfect, 0 % no better."),
        _figure("skill", f"Skill in CRPS over {reference} by lead time"),
        _details("Numbers", _table(("Model", "Lead [h]", "Skill [%]", "n"), rows, "Skill by lead")),
    )


def _calibration(result: Result) -> str:
    first = next(iter(result.forecasts))
    rows = [
        (f"{row.level:g}", _number(row.frequency), row.n)
        for row in result.calibration(model=first).itertuples()
    ]
    return _section(
        "calibration",
        "Reliability and PIT",
        _text(
            "Reliability: how often outcomes lay at or below each quantile; on the diagonal if calibrated. PIT: "
            "where outcomes fell in their distributions; flat if calibrated, a U if intervals are too narrow, a "
            "hump if too wide. Outcomes on a mass, such as no power, count evenly over it. Grey bands: 95 % of what "
            "calibrated forecasts would show if days were independent."
        ),
        '<div class="pair">',
        _figure("reliability", f"Reliability of {', '.join(result.forecasts)}"),
        _figure("pit", f"PIT histogram of {first}"),
        "</div>",
        _details("Numbers", _table(("Level", "Share at or below", "n"), rows, f"Reliability of {first}")),
    )


def _fans(content: Mapping[str, Any]) -> str:
    label = f"Fan chart of {content['model']} with the measured outcome; arrow keys step through the issues"
    left = content["left_out"]
    return _section(
        "fans",
        "Day by day",
        _text(
            f"Median, central intervals and outcome of {content['model']}, wall time in {content['timezone']}. "
            "Step with the buttons, or with the arrow keys, Home and End; drag or use the buttons to zoom."
            + (f" The oldest {left} issues are left out to keep the page small." if left else "")
        ),
        '<div class="controls" role="group" aria-label="Choose the day and zoom">'
        '<label id="site-label">Site <select id="fan-site"></select></label>'
        '<button type="button" id="fan-back">◀ Previous</button>'
        '<label>Day <select id="fan-day"></select></label>'
        '<button type="button" id="fan-next">Next ▶</button>'
        '<button type="button" id="fan-in">Zoom in</button>'
        '<button type="button" id="fan-out">Zoom out</button>'
        '<button type="button" id="fan-all">Whole day</button></div>'
        '<p id="fan-said" role="status" aria-live="polite"></p>'
        f'<div class="figure" id="figure-fan" tabindex="0" role="group" aria-label="{escape(label)}"></div>',
    )


def _worst(result: Result, left_out: int) -> str:
    first = next(iter(result.forecasts))
    forecast, table = result.forecasts[first], tables.worst_days(result, model=first)

    def shown(row: Any) -> str:
        """The day, as a button where the page holds its fan."""
        issue = forecast.issue_times.get_loc(row.issue_time) - left_out
        place = f'data-issue="{issue}" data-site="{forecast.sites.index(row.site)}"'
        return (
            _Html(f'<button type="button" {place}>{row.day:%Y-%m-%d}</button>')
            if issue >= 0
            else f"{row.day:%Y-%m-%d}"
        )

    rows = [
        (shown(row), row.site, *(_number(value) for value in (row.crps, row.error, row.observed)), row.n)
        for row in table.itertuples()
    ]
    heads = ("Day", "Site", "CRPS [MW]", "Mean error [MW]", "Mean outcome [MW]", "n")
    return _section(
        "worst",
        "Worst days",
        _text(
            "Issues with the largest mean CRPS; the mean error is forecast minus outcome. Choose one to see it."
        ),
        _table(heads, rows, f"Worst days of {first}"),
    )


def _errors(result: Result) -> str:
    first = next(iter(result.forecasts))
    parts = []
    for metric in ("mae", "bias"):
        table = tables.error_by_hour_and_month(result, model=first, metric=metric)
        rows = [
            (tables.MONTHS[int(month) - 1], *(_number(value, 2) for value in row))
            for month, row in zip(table.index, table.to_numpy(dtype=float), strict=True)
        ]
        name = f"{_NAMES[metric]} [{table.attrs['unit']}]"
        parts += [f"<h3>{escape(name)}</h3>", _figure(metric, f"{name} by local hour and month")]
        parts.append(_details("Numbers", _table(("Month", *table.columns), rows, name)))
    return _section("errors", "Error by hour and month", *parts)


def _ramps(result: Result) -> str:
    size, hours, tolerance = tables.RAMP
    rows = [
        (name, row.direction, row.observed, row.hits, row.misses, row.false_alarms, _number(row.csi))
        for name in result.forecasts
        for row in tables.ramps(result, model=name).itertuples()
    ]
    return _section(
        "ramps",
        "Ramps",
        _text(
            f"A ramp is a change by {size:.0%} of capacity (of the largest outcome where there is none) or more "
            f"within {hours:g} h inside one issue. An hour at which a ramp began is a hit if the median began one of "
            f"the same direction within {tolerance:g} h. CSI = hits / (hits + misses + false alarms). Hours are "
            "counted, not events; a median is smoother than an outcome and misses ramps by its nature."
        ),
        _table(("Model", "Direction", "Observed", "Hits", "Misses", "False alarms", "CSI"), rows, "Ramps"),
    )


def _value(result: Result, reference: str | None) -> str:
    shortage, surplus = tables.IMBALANCE_PRICES
    unknown = [site for site, kind in next(iter(result.forecasts.values())).kinds.items() if kind == "site"]
    if unknown:
        return _section(
            "value",
            "Economic value",
            _text(
                f"Not shown: whether {', '.join(unknown)} makes power or uses it is not known, and so not which "
                "deviation is a shortage. Give the kind: forecast.with_kind(...)."
            ),
        )
    table = tables.imbalance(result)
    base = table[table["model"] == reference].set_index("schedule")["cost"]
    rows = []
    for row in table.itertuples():
        worth = base.get(row.schedule, float("nan"))
        saved = 100 * (1 - row.cost / worth) if np.isfinite(worth) and worth > 0 else float("nan")
        level = f"{row.level:g}" if np.isfinite(row.level) else "by kind"
        rows.append((row.model, f"{row.schedule} ({level})", _number(row.cost), _number(saved), row.n))
    heads = ("Model", "Schedule (level)", "Cost [EUR/MWh]", f"Saved of {reference} [%]", "n")
    return _section(
        "value",
        "Economic value",
        _text(
            f"An illustration, not a market: a MWh too little costs {shortage:g} EUR and one too much {surplus:g} EUR "
            "beside the day-ahead price. Costs are per MWh of the outcome; a perfect forecast costs 0. "
            "Schedules are the median, and the quantile that is cheapest under these prices."
        ),
        _table(heads, rows, "Cost of imbalance"),
    )


def _quality(result: Result) -> str:
    first = next(iter(result.forecasts))
    pairs, forecast = result.pairs[first], result.forecasts[first]
    rows: list[tuple[str, Any]] = [
        ("Hours scored", len(pairs)),
        ("Hours without outcome, left out", len(pairs.missing)),
        ("Slightly negative outcomes, judged as 0", pairs.below_zero),
    ]
    aside = result.observations[_span(result, first)].unfit
    rows.append(("Observations of the period set aside by their flags", int(aside.to_numpy().sum())))
    level, count = np.unique(forecast.data["fallback_level"].values, return_counts=True)
    rows += [
        (f"Issues with fallback level {k}", n) for k, n in zip(level.tolist(), count.tolist(), strict=True)
    ]
    init = forecast.data["weather_init_time"].values
    age = (forecast.data["issue_time"].values - init)[~np.isnat(init)] / np.timedelta64(1, "h")
    if age.size:
        rows.append(("Age of the weather run at issue [h]", f"{age.min():g} to {age.max():g}"))
    return _section("quality", "Data quality", _table(("What", "How many"), rows, f"Data behind {first}"))


def _span(result: Result, model: str) -> slice:
    valid = pd.DatetimeIndex(
        result.forecasts[model].data["valid_time"].values[result.forecasts[model].inside]
    ).tz_localize("UTC")
    return slice(valid.min(), valid.max())


def _provenance(result: Result, plotly: str) -> str:
    used = dict(result.provenance)
    versions = dict(used.get("versions", {})) | {"plotly": plotly}
    plain = [(key, value) for key, value in used.items() if isinstance(value, str | int | float | bool)]
    text = json.dumps(used, indent=1, default=_plain)
    folds = result.folds
    fits = "" if folds.empty else _table(folds.columns, folds.itertuples(index=False), "Fits")
    return _section(
        "provenance",
        "Provenance and versions",
        _table(("Library", "Version"), versions.items(), "Versions"),
        _table(("What", "Value"), plain, "Provenance") if plain else "",
        _details("All of the provenance, as JSON", f'<pre tabindex="0">{escape(text)}</pre>'),
        _details("Every fit", fits) if fits else "",
    )


# --- The page -------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def library() -> tuple[str, str]:
    """Plotly's script, compressed, and its version; raises DependencyError where it is not installed."""
    plotly = require("plotly", extra="report", purpose="A report is drawn by plotly.")
    from plotly.offline import get_plotlyjs

    packed = gzip.compress(get_plotlyjs().encode("utf-8"), mtime=0)
    return base64.b64encode(packed).decode("ascii"), str(plotly.__version__)


def _page(result: Result, reference: str | None) -> str:
    first = next(iter(result.forecasts))
    script, version = library()
    content = fans.content(result, model=first)
    drawn = {
        "reliability": figures.reliability(result),
        "pit": figures.pit(result, model=first),
        "mae": figures.hours_and_months(result, model=first, metric="mae"),
        "bias": figures.hours_and_months(result, model=first, metric="bias"),
    }
    if reference is not None:
        drawn["skill"] = figures.skill(result, reference=reference)
    sections = [
        _what(result),
        _headline(result, reference),
        _skill(result, reference),
        _calibration(result),
        _fans(content),
        _worst(result, content["left_out"]),
        _errors(result),
        _ramps(result),
        _value(result, reference),
        _quality(result),
        _provenance(result, version),
    ]
    title = f"{', '.join(result.forecasts[first].sites)}: what the forecasts of {first} are worth"
    said = "".join(f"<li>{escape(line)}</li>" for line in caveats(result))
    return _static("page.html").format(
        title=escape(title),
        style=_static("page.css"),
        caveats=f'<aside aria-label="Caveats"><strong>⚠ Read first</strong><ul>{said}</ul></aside>'
        if said
        else "",
        sections="\n".join(sections),
        figures=_json(drawn),
        fans=_json(content),
        plotly=script,
        script=_static("page.js"),
    )


def _static(name: str) -> str:
    return (
        resources.files("energyforecast.reporting.backtest_report")
        .joinpath("static", name)
        .read_text(encoding="utf-8")
    )
