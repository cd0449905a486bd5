"""Figures of the status page, as SVG that needs no network: fans, and scores in the range of the backtest."""

from __future__ import annotations

import base64
import io
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import frequency_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import power_bounds
from energyforecast.operations.drift import Drift
from energyforecast.reporting.figures.style import (
    FORECAST,
    OUTCOME,
    draw_bands,
    draw_steps,
    edges_of,
    new_figure,
    tint,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["as_svg", "fan", "ranges"]

#: Of a figure: letters are as large as the text of the page on a phone. [inch]
_WIDTH: Final = 5.0


def fan(forecast: Forecast, observations: Observations | None, *, timezone: str) -> Figure:
    """Median and central intervals of one site and issue, with the outcome where it is known."""
    from matplotlib.dates import AutoDateLocator, DateFormatter

    valid = timestamps.to_index(forecast.data["valid_time"].values[0])
    edges = edges_of(valid, frequency_of(forecast) or pd.Timedelta("1h"), timezone)
    figure, axes = new_figure(_WIDTH, 2.9)
    draw_bands(axes, edges, partial(_bounds, forecast))
    if forecast.quantiles[0] <= 0.5 <= forecast.quantiles[-1]:
        draw_steps(axes, edges, forecast.at(0.5).values[0, 0], role="forecast", label=None)
    if observations is not None:
        site = forecast.sites[0]
        outcome = observations.value_at(site, valid, include_flagged=True, outside="missing")
        if np.isfinite(outcome).any():
            draw_steps(axes, edges, outcome, role="outcome", label=None)
    capacity = float(forecast.data["capacity"].values[0])
    low, high = power_bounds(capacity, kind=forecast.kinds[forecast.sites[0]])
    axes.set_ylim(0 if low == 0 else None, high * 1.02 if np.isfinite(high) else None)
    zone = timestamps.zone(timezone)
    locator = AutoDateLocator(tz=zone, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    long = edges[-1] - edges[0] > pd.Timedelta("49h")
    axes.xaxis.set_major_formatter(DateFormatter("%d %b" if long else "%H:%M", tz=zone))  # type: ignore[no-untyped-call]
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylabel("MW", fontsize=8)
    axes.tick_params(labelsize=8)
    return figure


def _bounds(forecast: Forecast, low: float, high: float) -> tuple[Any, Any] | None:
    """Quantiles, or None where the levels of the forecast do not reach them."""
    first, last = forecast.quantiles[0], forecast.quantiles[-1]
    if not (first <= low + 1e-9 and high - 1e-9 <= last):
        return None
    return forecast.at(max(low, first)).values[0, 0], forecast.at(min(high, last)).values[0, 0]


def ranges(drift: Drift, *, metric: str) -> Figure | None:
    """Recent score of each site in the range of the backtest of its model; None without a test."""
    rows = drift.tests[drift.tests["metric"] == metric]
    if rows.empty:
        return None
    figure, axes = new_figure(_WIDTH, 0.6 + 0.3 * len(rows))
    for k, row in enumerate(rows.to_dict("records")):
        axes.barh(k, row["high"] - row["low"], left=row["low"], height=0.5, color=tint(0.36))
        axes.plot([row["backtest"]] * 2, [k - 0.25, k + 0.25], color=FORECAST, linewidth=1.8)
        axes.plot(row["recent"], k, marker="D", markersize=6, color=OUTCOME, linestyle="none")
    axes.set_yticks(range(len(rows)), [_short(str(name)) for name in rows["site"]])
    axes.margins(x=0.06)
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 20 else f"{name[:19]}…"


def as_svg(figure: Figure) -> str:
    """SVG in base 64, with letters drawn as shapes."""
    import matplotlib as mpl

    held = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "energyforecast"}):
        figure.savefig(held, format="svg", metadata={"Date": None, "Creator": None})
    return base64.b64encode(held.getvalue()).decode("ascii")
