"""Shared style of figures: colours, steps, bands, axes in local time, caveats, and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.files import whole_file
from energyforecast.core.wording import power_unit
from energyforecast.errors import MissingDataError
from energyforecast.evaluation.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["save"]

#: Colours of the forecast and of the outcome: distinct for the colour-blind and in grey.
FORECAST: Final = "#0b5f8a"
OUTCOME: Final = "#c1440e"
#: Colours of several models, distinct in the same way.
MODELS: Final = (FORECAST, OUTCOME, "#5b8c2a", "#7d4f9e", "#b8860b", "#555555")
#: Central intervals, and the share of the forecast's colour in each: opaque, so that the legend shows the same colours.
BANDS: Final = ((0.9, 0.18), (0.8, 0.36), (0.5, 0.58))
#: Colours and strokes by role.
_STROKES: Final[dict[str, dict[str, Any]]] = {
    "forecast": {"color": FORECAST, "linewidth": 1.8},
    "outcome": {"color": OUTCOME, "linewidth": 1.6, "linestyle": "--"},
    "schedule": {"color": "#222222", "linewidth": 1.4, "linestyle": ":"},
    "before": {"color": "#767676", "linewidth": 1.6, "linestyle": "--"},
}


class _Cautious(Protocol):
    @property
    def caveats(self) -> tuple[str, ...]: ...


def model_of(result: Result, name: str | None) -> str:
    """Name of a model, by default the first; refuse one that is unknown."""
    if name is not None and name not in result.forecasts:
        raise MissingDataError(
            f"A figure of {name!r} is asked for.",
            f"The models are {list(result.forecasts)}.",
            "Choose one of them.",
        )
    return next(iter(result.forecasts)) if name is None else name


def blank_figure(width: float, height: float) -> Figure:
    """An empty figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from energyforecast.reporting.figures.plain_figure import PlainFigure

    # Not pyplot: its global state would keep every figure of a long run in memory.
    figure = PlainFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_figure(width: float = 8.0, height: float = 4.5) -> tuple[Figure, Axes]:
    """A figure with one pair of axes."""
    figure = blank_figure(width, height)
    return figure, open_axes(figure.add_subplot())


def open_axes(axes: Axes) -> Axes:
    """Axes with a pale grid and without a frame above and to the right."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    return axes


def write_title(axes: Axes, title: str) -> None:
    """Title above the left end of the axes."""
    axes.set_title(title, loc="left", fontsize=11)


def write_legend(axes: Axes) -> None:
    """Legend between title and axes: inside, a fan covers any place on some day."""
    axes.set_title(axes.get_title(loc="left"), loc="left", fontsize=11, pad=22)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0, fontsize=8, frameon=False, ncols=6)


def write_caveats(figure: Figure, shown: _Cautious) -> None:
    """Caveats of one forecast, set of scenarios or plan, below the figure."""
    write_lines(figure, shown.caveats)


def write_lines(figure: Figure, lines: Sequence[str]) -> None:
    """Caveats of several objects in one figure, each once."""
    if lines:
        text = "; ".join(dict.fromkeys(lines))
        figure.supxlabel(text, fontsize=8, color="0.35", x=0.99, ha="right")


def tint(strength: float) -> tuple[float, ...]:
    """Colour of the forecast, mixed with white."""
    from matplotlib.colors import to_rgb

    return tuple(1.0 - strength * (1.0 - part) for part in to_rgb(FORECAST))


def stairs(values: Any) -> Any:
    """Values at the edges of intervals: the last one holds to the end."""
    numbers = np.asarray(values, dtype=float)
    return np.append(numbers, numbers[-1:])


def draw_steps(
    axes: Axes, edges: Any, values: Any, *, role: str, label: str | None, linewidth: float | None = None
) -> None:
    """One value for each interval, as steps in the colour and stroke of a role."""
    look = _STROKES[role] if linewidth is None else _STROKES[role] | {"linewidth": linewidth}
    axes.step(edges, stairs(values), where="post", label=label, **look)


def fill_steps(axes: Axes, edges: Any, low: Any, high: Any, *, color: Any, label: str | None) -> None:
    """The area between two values for each interval."""
    axes.fill_between(edges, stairs(low), stairs(high), step="post", color=color, linewidth=0, label=label)


def draw_bands(axes: Axes, edges: Any, bounds: Callable[[float, float], tuple[Any, Any] | None]) -> None:
    """Central intervals, the widest first; those without bounds are left out."""
    for share, strength in BANDS:
        found = bounds((1 - share) / 2, (1 + share) / 2)
        if found is not None:
            fill_steps(axes, edges, *found, color=tint(strength), label=f"{share:.0%} interval")


def time_axis(axes: Axes, timezone: str) -> None:
    """Hours and days of a clock."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    zone = timestamps.zone(timezone)
    locator = AutoDateLocator(tz=zone)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, tz=zone, show_offset=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)


def power_axis(axis: Axis, words: str) -> None:
    """Label of an axis of power [MW] and its numbers, in a unit in which they are readable."""
    from matplotlib.ticker import FuncFormatter

    factor, unit = power_unit(max(map(abs, axis.get_view_interval())))
    axis.set_label_text(f"{words} [{unit}]")
    if factor != 1.0:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{factor * value:.10g}"))


def finish_time_series(
    axes: Axes,
    shown: _Cautious,
    *,
    title: str,
    timezone: str,
    ylabel: str = "Power",
    xlabel: str = "Beginning of the hour",
) -> None:
    """Clock, title, labels, legend above the axes, and caveats."""
    time_axis(axes, timezone)
    write_title(axes, title)
    axes.set_xlabel(f"{xlabel}, {timezone}")
    power_axis(axes.yaxis, ylabel)
    write_legend(axes)
    write_caveats(cast("Figure", axes.figure), shown)  # no axes of a sub-figure come here


def edges_of(valid: pd.DatetimeIndex, width: pd.Timedelta, timezone: str) -> Any:
    """Beginnings of the intervals, and the end of the last."""
    return valid.append(valid[-1:] + width).tz_convert(timestamps.zone(timezone))


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG, or in the format of the file's suffix.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.reporting.figures import fan_chart
    >>> from energyforecast.testing import example_forecast
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(fan_chart(example_forecast()), folder + "/farm.png").read_bytes()[1:4]
    b'PNG'
    """
    target = Path(path)
    with whole_file(target) as scratch:
        figure.savefig(scratch, dpi=130)
    return target
