"""What all figures share: colours, axes in local time, caveats, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.scenario_set import Scenarios

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["save"]

#: One colour for the forecast, one for the outcome: told apart by the colour-blind and in grey.
FORECAST: Final = "#0b5f8a"
OUTCOME: Final = "#c1440e"
#: Several models, told apart in the same way.
MODELS: Final = (FORECAST, OUTCOME, "#5b8c2a", "#7d4f9e", "#b8860b", "#555555")
#: Central intervals, and the share of the forecast's colour in each: opaque, so that the legend shows what is drawn.
BANDS: Final = ((0.9, 0.18), (0.8, 0.36), (0.5, 0.58))


class _Cautious(Protocol):
    @property
    def caveats(self) -> tuple[str, ...]: ...


def new_figure(width: float = 8.0, height: float = 4.5) -> tuple[Figure, Axes]:
    """A figure with one pair of axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Not pyplot: its global state would keep every figure of a long run in memory.
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    return figure, axes


def write_legend(axes: Axes) -> None:
    """Between title and axes: inside, a fan leaves no room that is free on every day."""
    axes.set_title(axes.get_title(loc="left"), loc="left", fontsize=11, pad=22)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0, fontsize=8, frameon=False, ncols=6)


def write_caveats(figure: Figure, shown: _Cautious) -> None:
    """What must be said wherever it is shown, below the figure."""
    write_lines(figure, shown.caveats)


def write_lines(figure: Figure, lines: Sequence[str]) -> None:
    """Caveats of several things that are shown together, each once."""
    if lines:
        said = "; ".join(dict.fromkeys(lines))
        figure.supxlabel(said, fontsize=8, color="0.35", x=0.99, ha="right")


def tint(strength: float) -> tuple[float, ...]:
    """The colour of the forecast, mixed with white."""
    from matplotlib.colors import to_rgb

    return tuple(1.0 - strength * (1.0 - part) for part in to_rgb(FORECAST))


def within(level: float, levels: Sequence[float]) -> float:
    """The level, or the next one that is there."""
    return min(max(level, levels[0]), levels[-1])


def stairs(values: Any) -> Any:
    """Values at the edges of intervals: the last one holds to the end."""
    return np.append(values, values[-1])


def time_axis(axes: Axes, timezone: str) -> None:
    """Hours and days of a clock."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    zone = timestamps.zone(timezone)
    locator = AutoDateLocator(tz=zone)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, tz=zone, show_offset=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)


def edges_of(scenarios: Scenarios, timezone: str) -> Any:
    """Beginnings of the hours, and the end of the last."""
    hours = scenarios.valid_times
    return hours.append(hours[-1:] + pd.Timedelta(hours=scenarios.hours)).tz_convert(
        timestamps.zone(timezone)
    )


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG (or what the ending says).

    Parameters
    ----------
    figure : Figure
    path : path

    Returns
    -------
    Path

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
    figure.savefig(target, dpi=130)
    return target
