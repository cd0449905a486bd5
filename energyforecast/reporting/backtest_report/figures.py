"""Figures of the page: data and layout for Plotly, as plain dictionaries."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from energyforecast.evaluation.metrics import contingency, corp_diagrams
from energyforecast.evaluation.result import Result
from energyforecast.reporting.backtest_report import event_tables, tables

__all__ = ["OKABE_ITO", "events", "hours_and_months", "pit", "reliability", "skill", "warnings"]

#: Colours of Okabe and Ito, distinct for the colour-blind; https://jfly.uni-koeln.de/color/.
OKABE_ITO: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash")
_MARKS: Final = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star")
_GREY: Final = "rgba(120,120,120,0.25)"

Figure = dict[str, Any]


def _layout(x: str, y: str) -> dict[str, Any]:
    """Layout with the titles of both axes."""
    axis = {"gridcolor": "#e3e3e3", "zerolinecolor": "#999", "linecolor": "#555", "automargin": True}
    return {
        "xaxis": axis | {"title": {"text": x}},
        "yaxis": axis | {"title": {"text": y}},
        "margin": {"l": 56, "r": 12, "t": 16, "b": 48},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#222"},
        "paper_bgcolor": "#fff",
        "plot_bgcolor": "#fff",
        "hovermode": "closest",
        "dragmode": False,
        "height": 380,
    }


def _line(position: int) -> dict[str, Any]:
    """Line and marker of the model at a position."""
    colour = OKABE_ITO[position % len(OKABE_ITO)]
    return {
        "line": {"color": colour, "width": 2, "dash": _DASHES[position % len(_DASHES)]},
        "marker": {"color": colour, "size": 7, "symbol": _MARKS[position % len(_MARKS)]},
    }


def _area(x: list[float | None], low: Any, high: Any, *, name: str, color: str) -> dict[str, Any]:
    """The area between two lines, without hover."""
    return {
        "x": x + x[::-1],
        "y": low + high[::-1],
        "fill": "toself",
        "fillcolor": color,
        "line": {"width": 0},
        "mode": "lines",
        "name": name,
        "hoverinfo": "skip",
    }


def _rounded(values: Any, digits: int = 3) -> list[float | None]:
    """Rounded numbers, None where one is missing."""
    return [None if not np.isfinite(value) else round(float(value), digits) for value in values]


def skill(result: Result, *, reference: str) -> Figure:
    """Skill in CRPS by lead of every model over the reference, with the first one's interval."""
    table = tables.skill_intervals(result, reference=reference, by_lead=True)
    data: list[dict[str, Any]] = []
    for k, (name, rows) in enumerate(table.groupby("model", sort=False)):
        lead = _rounded(rows["lead_time"], 2)
        if k == 0 and np.isfinite(rows["low"]).all():
            low, high = (_rounded(100 * rows[end], 1) for end in ("low", "high"))
            label = f"95 % interval of {name}"
            data.append(_area(lead, low, high, name=label, color="rgba(0,114,178,0.18)"))
        hover = [f"n = {n}" for n in rows["n"]]
        data.append(
            {"x": lead, "y": _rounded(rows["percent"], 1), "name": name, "mode": "lines+markers"}
            | _line(k)
            | {"text": hover, "hovertemplate": "%{x} h: %{y} %, %{text}<extra>%{fullData.name}</extra>"}
        )
    return {"data": data, "layout": _layout("Lead time [h]", f"Skill in CRPS over {reference} [%]")}


def reliability(result: Result) -> Figure:
    """Share of outcomes at or below each quantile, with the band of a calibrated forecast."""
    first = next(iter(result.forecasts))
    level = np.linspace(0, 1, 41)
    days = max(1, len(np.unique(tables.local_days(result, model=first))))
    slack = 1.96 * np.sqrt(level * (1 - level) / days)
    low, high = (_rounded((level + sign * slack).clip(0, 1)) for sign in (-1, 1))
    data = [
        _area(_rounded(level), low, high, name="95 % of calibrated forecasts", color=_GREY),
        {"x": [0, 1], "y": [0, 1], "mode": "lines", "name": "calibrated", "hoverinfo": "skip"}
        | {"line": {"color": "#666", "width": 1}},
    ]
    for k, name in enumerate(result.forecasts):
        table = result.calibration(model=name)
        data.append(
            {"x": _rounded(table["level"]), "y": _rounded(table["frequency"]), "name": name, "mode": "lines"}
            | {"line": _line(k)["line"]}
        )
    layout = _layout("Level of the quantile", "Share at or below it")
    layout["xaxis"] |= {"range": [0, 1]}
    layout["yaxis"] |= {"range": [0, 1]}
    return {"data": data, "layout": layout}


def events(result: Result, *, model: str) -> Figure:
    """Reliability of the probability of the event of the report, by isotonic regression, with its consistency band."""
    pairs = event_tables.fewer_rows(result.pairs[model])
    table = corp_diagrams.corp_event_reliability(
        pairs, **event_tables.event(result, model=model), confidence=0.95
    )
    chance, low, high = (_rounded(table[key]) for key in ("probability", "low", "high"))
    data = [
        {"x": [0, 1], "y": [0, 1], "mode": "lines", "name": "calibrated", "hoverinfo": "skip"}
        | {"line": {"color": "#666", "width": 1}},
        {
            "x": chance,
            "y": _rounded(table["value"]),
            "name": model,
            "mode": "lines",
            "line": _line(0)["line"],
        },
    ]
    if np.isfinite(table["low"]).all():
        data.insert(0, _area(chance, low, high, name="95 % of calibrated forecasts", color=_GREY))
    layout = _layout("Probability of the event", "Frequency, recalibrated")
    layout["xaxis"] |= {"range": [0, 1]}
    layout["yaxis"] |= {"range": [0, 1]}
    return {"data": data, "layout": layout}


def warnings(result: Result, *, model: str) -> Figure:
    """Relative economic value of warnings of the event of the report, of every model, by the ratio of cost to loss."""
    data: list[dict[str, Any]] = []
    for k, name in enumerate(result.forecasts):
        given = event_tables.event(result, model=model) | {"confidence": 0.95 if k == 0 else None}
        table = contingency.relative_economic_value(result.pairs[name], **given)
        ratio = _rounded(table["cost_loss"])
        if k == 0 and np.isfinite(table["low"]).all():
            low, high = (_rounded(table[end]) for end in ("low", "high"))
            label = f"95 % interval of {name}"
            data.append(_area(ratio, low, high, name=label, color="rgba(0,114,178,0.18)"))
        line = {"x": ratio, "y": _rounded(table["value"]), "name": name, "mode": "lines+markers"}
        data.append(line | _line(k))
    layout = _layout("Cost of protection, as a share of the loss", "Relative economic value")
    layout["xaxis"] |= {"range": [0, 1]}
    layout["yaxis"] |= {"range": [-0.5, 1.02]}
    return {"data": data, "layout": layout}


def pit(result: Result, *, model: str) -> Figure:
    """Histogram of the probability integral transform; flat at 1 if calibrated."""
    table = tables.pit_histogram(result, model=model)
    days = max(1, len(np.unique(tables.local_days(result, model=model))))
    slack = 1.96 * np.sqrt((len(table) - 1) / days)
    band = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": max(0.0, 1 - slack), "y1": 1 + slack}
    one = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1, "line": {"color": "#666"}}
    bars = {
        "type": "bar",
        "x": _rounded((table["low"] + table["high"]) / 2),
        "y": _rounded(table["density"]),
        "marker": {"color": "#0072B2", "line": {"color": "#fff", "width": 1}},
        "hovertemplate": "around %{x}: %{y}<extra></extra>",
        "name": model,
    }
    shapes = [band | {"fillcolor": _GREY, "line": {"width": 0}, "layer": "below"}, one]
    layout = _layout("Probability integral transform", "Density (1 if calibrated)")
    return {"data": [bars], "layout": layout | {"shapes": shapes, "bargap": 0, "showlegend": False}}


def hours_and_months(result: Result, *, model: str, metric: str) -> Figure:
    """A score by local hour and month."""
    table = tables.error_by_hour_and_month(result, model=model, metric=metric)
    cells = [_rounded(row, 2) for row in table.to_numpy(dtype=float)]
    signed = metric == "bias"
    reach = float(np.nanmax(np.abs(table.to_numpy(dtype=float)))) or 1.0
    heat = {
        "type": "heatmap",
        "x": [int(hour) for hour in table.columns],
        "y": [tables.MONTHS[int(month) - 1] for month in table.index],
        "z": cells,
        "zmin": -reach if signed else 0,
        "zmax": reach,
        # Blue over white to vermilion for signs; blues, darker is worse, for sizes.
        "colorscale": [[0, "#0072B2"], [0.5, "#ffffff"], [1, "#D55E00"]]
        if signed
        else [[0, "#f7fbff"], [0.5, "#56B4E9"], [1, "#00395a"]],
        "colorbar": {"title": {"text": table.attrs["unit"], "side": "right"}, "thickness": 14},
        "hovertemplate": "%{y}, %{x} h: %{z} " + table.attrs["unit"] + "<extra></extra>",
        "xgap": 1,
        "ygap": 1,
    }
    layout = _layout("Local hour", "")
    layout["yaxis"] |= {"autorange": "reversed", "type": "category"}
    layout["xaxis"] |= {"dtick": 3, "showgrid": False}
    return {"data": [heat], "layout": layout | {"height": 130 + 26 * max(3, len(table))}}
