"""The figure of a sheet, with labels of its language."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from energyforecast.errors import MissingDataError
from energyforecast.reporting import translations
from energyforecast.reporting.sheets.sheet import Chart, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "svg"]

#: Colours and strokes of what is drawn, those of the other figures: told apart by the colour-blind and in grey.
_STYLES: Final[dict[str, dict[str, Any]]] = {
    "forecast": {"color": "#0b5f8a", "linewidth": 1.8},
    "outcome": {"color": "#c1440e", "linewidth": 1.6, "linestyle": "--"},
    "schedule": {"color": "#222222", "linewidth": 1.4, "linestyle": ":"},
    "before": {"color": "#767676", "linewidth": 1.6, "linestyle": "--"},
}
_BAND: Final = "#9dbfd0"
#: At most so many names of hours along the axis.
_TICKS: Final = 13


def draw(sheet: Sheet, *, language: str = "en") -> Figure:
    """Band, lines and names of the hours; each row of the table is as wide as the others, whatever the clock did.

    Raises
    ------
    MissingDataError
        If the sheet has no figure.

    Examples
    --------
    >>> from energyforecast.reporting.sheets import day_ahead_sheet
    >>> from energyforecast.testing import example_forecast
    >>> draw(day_ahead_sheet(example_forecast(), timezone="UTC"), language="fr").axes[0].get_ylabel()
    'Puissance [MW]'
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    chart = sheet.chart
    if chart is None:
        raise MissingDataError(
            f"The figure of a sheet of kind {sheet.kind!r} is asked for.",
            "It has none.",
            "Give the sheet a chart.",
        )
    figure = Figure(figsize=(7.6, 2.9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    _draw(axes, sheet, chart, language)
    return figure


def svg(sheet: Sheet, *, language: str = "en") -> bytes:
    """The figure as an SVG whose letters are shapes, so that it looks alike everywhere.

    Examples
    --------
    >>> from energyforecast.reporting.sheets import day_ahead_sheet
    >>> from energyforecast.testing import example_forecast
    >>> b"<svg" in svg(day_ahead_sheet(example_forecast(), timezone="UTC"))
    True
    """
    import matplotlib as mpl

    held = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "energyforecast"}):
        draw(sheet, language=language).savefig(held, format="svg", metadata={"Date": None, "Creator": None})
    return held.getvalue()


def _draw(axes: Axes, sheet: Sheet, chart: Chart, language: str) -> None:
    from matplotlib.ticker import FuncFormatter

    data = sheet.table.data
    edges = np.arange(len(data) + 1)
    if chart.band is not None:
        low, high, label = chart.band
        axes.fill_between(
            edges,
            _stairs(data[low]),
            _stairs(data[high]),
            step="post",
            color=_BAND,
            linewidth=0,
            label=label.say(language),
        )
    for line in chart.lines:
        axes.step(
            edges,
            _stairs(data[line.column]),
            where="post",
            label=line.label.say(language),
            **_STYLES[line.role],
        )
    places, names = _ticks(sheet, language)
    axes.set_xticks(places, names)
    axes.set_xlim(0, len(data))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: translations.number(value, language)))
    unit = translations.say(f"unit.{chart.unit}", language)
    name = chart.axis.say(language)
    axes.set_ylabel(translations.say("format.heading", language).format(name=name, unit=unit))
    axes.set_xlabel(chart.bottom.say(language))
    axes.margins(y=0.08)
    lowest = min(float(np.nanmin(_drawn(sheet, chart))), 0.0)
    axes.set_ylim(bottom=lowest * 1.05)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.17), ncols=4, fontsize=8, frameon=False)


def _drawn(sheet: Sheet, chart: Chart) -> Any:
    names = [line.column for line in chart.lines] + ([] if chart.band is None else [chart.band[0]])
    values = sheet.table.data[names].to_numpy(dtype=float)
    return np.append(values[np.isfinite(values)], 0.0)


def _stairs(values: Any) -> Any:
    numbers = values.to_numpy(dtype=float)
    return np.append(numbers, numbers[-1:])


def _ticks(sheet: Sheet, language: str) -> tuple[list[float], list[str]]:
    """Days in the middle of their step; hours, or midnights of longer sheets, at their beginning."""
    data = sheet.table.data
    if "day" in data:
        return [k + 0.5 for k in range(len(data))], [
            translations.moment(day.date(), language) for day in data["day"]
        ]
    moments = list(data["begin"])
    if sheet.period[0] == sheet.period[1]:
        every = max(1, -(-len(moments) // _TICKS))
        places = list(range(0, len(moments), every))
        return [float(k) for k in places], [f"{moments[k]:%H:%M}" for k in places]
    midnights = [k for k, moment in enumerate(moments) if k == 0 or moment.date() != moments[k - 1].date()]
    chosen = midnights[:: max(1, -(-len(midnights) // 8))]
    return [float(k) for k in chosen], [translations.moment(moments[k].date(), language) for k in chosen]
