"""The figure of a sheet, with labels of its language."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from energyforecast.errors import MissingDataError
from energyforecast.reporting import translations
from energyforecast.reporting.figures.style import draw_steps, fill_steps, new_figure, tint
from energyforecast.reporting.sheets.sheet import Chart, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "svg"]

#: Largest number of names of hours along the axis.
_TICKS: Final = 13


def draw(sheet: Sheet, *, language: str = "en") -> Figure:
    """Band, lines and names of the hours; each row of the table has the same width, at clock changes too."""
    chart = sheet.chart
    if chart is None:
        raise MissingDataError(
            f"The figure of a sheet of kind {sheet.kind!r} is asked for.",
            "It has none.",
            "Give the sheet a chart.",
        )
    figure, axes = new_figure(7.6, 2.9)
    _draw(axes, sheet, chart, language)
    return figure


def svg(sheet: Sheet, *, language: str = "en") -> bytes:
    """The figure as SVG, with letters drawn as shapes, so that it looks alike everywhere."""
    import matplotlib as mpl

    held = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "energyforecast"}):
        draw(sheet, language=language).savefig(held, format="svg", metadata={"Date": None, "Creator": None})
    return held.getvalue()


def _draw(axes: Axes, sheet: Sheet, chart: Chart, language: str) -> None:
    """Band, lines, ticks and labels."""
    from matplotlib.ticker import FuncFormatter

    data = sheet.table.data
    edges = np.arange(len(data) + 1)
    if chart.band is not None:
        low, high, label = chart.band
        fill_steps(axes, edges, data[low], data[high], color=tint(0.4), label=label.translate(language))
    for line in chart.lines:
        draw_steps(axes, edges, data[line.column], role=line.role, label=line.label.translate(language))
    places, names = _ticks(sheet, language)
    axes.set_xticks(places, names)
    axes.set_xlim(0, len(data))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: translations.format_number(value, language))
    )
    unit = translations.phrase(f"unit.{chart.unit}", language)
    name = chart.axis.translate(language)
    axes.set_ylabel(translations.phrase("phrase.heading", language).format(name=name, unit=unit))
    axes.set_xlabel(chart.bottom.translate(language))
    axes.margins(y=0.08)
    lowest = min(float(np.nanmin(_drawn(sheet, chart))), 0.0)
    axes.set_ylim(bottom=lowest * 1.05)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.17), ncols=4, fontsize=8, frameon=False)


def _drawn(sheet: Sheet, chart: Chart) -> Any:
    """All finite values that are drawn, and zero."""
    names = [line.column for line in chart.lines] + ([] if chart.band is None else [chart.band[0]])
    values = sheet.table.data[names].to_numpy(dtype=float)
    return np.append(values[np.isfinite(values)], 0.0)


def _ticks(sheet: Sheet, language: str) -> tuple[list[float], list[str]]:
    """Days in the middle of their step; hours, or midnights of longer sheets, at their beginning."""
    data = sheet.table.data
    if "day" in data:
        return [k + 0.5 for k in range(len(data))], [
            translations.format_moment(day.date(), language) for day in data["day"]
        ]
    moments = list(data["begin"])
    if sheet.period[0] == sheet.period[1]:
        every = max(1, -(-len(moments) // _TICKS))
        places = list(range(0, len(moments), every))
        return [float(k) for k in places], [f"{moments[k]:%H:%M}" for k in places]
    midnights = [k for k, moment in enumerate(moments) if k == 0 or moment.date() != moments[k - 1].date()]
    chosen = midnights[:: max(1, -(-len(midnights) // 8))]
    return [float(k) for k in chosen], [
        translations.format_moment(moments[k].date(), language) for k in chosen
    ]
