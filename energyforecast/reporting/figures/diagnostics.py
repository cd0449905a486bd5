"""Figures of calibration by isotonic regression, of Murphy diagrams and of the value of warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from energyforecast.core.arguments import check_types
from energyforecast.evaluation.metrics import contingency, corp_diagrams
from energyforecast.evaluation.metrics import murphy as murphy_scores
from energyforecast.evaluation.result import Result
from energyforecast.reporting.figures.style import (
    FORECAST,
    MODELS,
    blank_figure,
    model_of,
    new_figure,
    open_axes,
    power_axis,
    write_caveats,
    write_legend,
    write_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["corp_event_reliability", "corp_quantile_reliability", "murphy", "relative_economic_value"]

#: Colour of bands and intervals.
_BAND: Final = "0.85"
#: Draws of the band of a quantile.
_DRAWS: Final = 50


def corp_event_reliability(
    result: Result, *, threshold: float, relative: bool = False, model: str | None = None
) -> Figure:
    """Reliability diagram of power above a threshold, without bins, and the frequency of its probabilities.

    Parameters
    ----------
    result : Result
    threshold : float
        [MW], or a share of the capacity.
    relative : bool
    model : str, optional
        The first by default.

    See Also
    --------
    energyforecast.evaluation.corp_event_reliability : The numbers, their formula and the band.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> corp_event_reliability(example_result(), threshold=15.0).axes[0].get_title(loc="left")
    'farm: power above 15 MW, n = 24'
    """
    check_types(locals(), of=corp_event_reliability)
    name = model_of(result, model)
    table = corp_diagrams.corp_event_reliability(result.pairs[name], threshold=threshold, relative=relative)
    figure, axes = new_figure(5.6, 5.4)
    _draw_curve(axes, table["probability"], table["value"], (table["low"], table["high"]), label=name)
    axes.set(
        xlim=(0, 1), ylim=(0, 1), xlabel="Probability [1]", ylabel="Frequency of the event, recalibrated [1]"
    )
    axes.set_aspect("equal")
    _finish(figure, result, name, f"power above {_amount(threshold, relative)}, n = {_rows(table['n'])}")
    return figure


def corp_quantile_reliability(
    result: Result, *, levels: Sequence[float] = (0.1, 0.5, 0.9), model: str | None = None
) -> Figure:
    """Reliability diagrams of some quantiles: the quantile of the outcomes by that of the forecast.

    A curve above the diagonal shows outcomes that are higher than forecasts of this size.

    Parameters
    ----------
    result : Result
    levels : sequence of float
    model : str, optional
        The first by default.

    See Also
    --------
    energyforecast.evaluation.corp_quantile_reliability : The numbers, their formula and the band.
    reliability : All levels, over all hours.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> [axes.get_title() for axes in corp_quantile_reliability(example_result(), levels=[0.1, 0.9]).axes]
    ['quantile 0.1', 'quantile 0.9']
    """
    check_types(locals(), of=corp_quantile_reliability)
    name = model_of(result, model)
    figure = blank_figure(3.6 * len(levels), 4.3)
    rows = 0
    for place, level in enumerate(levels):
        table = corp_diagrams.corp_quantile_reliability(result.pairs[name], level=level, draws=_DRAWS)
        axes = open_axes(figure.add_subplot(1, len(levels), place + 1))
        _draw_curve(axes, table["forecast"], table["value"], (table["low"], table["high"]), label=name)
        axes.set_title(f"quantile {level:g}", fontsize=10)
        power_axis(axes.xaxis, "Forecast")
        power_axis(axes.yaxis, "Recalibrated")
        axes.set_ylabel(axes.get_ylabel() if place == 0 else "")
        rows = _rows(table["n"])
    sites = ", ".join(result.forecasts[name].sites)
    figure.suptitle(
        f"{sites}: reliability of quantiles of {name}, n = {rows}", fontsize=11, x=0.01, ha="left"
    )
    write_caveats(figure, next(iter(result.forecasts.values())))
    return figure


def murphy(
    result: Result,
    *,
    reference: str,
    model: str | None = None,
    functional: murphy_scores.Functional = "quantile",
    level: float = 0.5,
) -> Figure:
    """Murphy diagram of a model and a reference: their scores at each threshold, and the difference with its band.

    Parameters
    ----------
    result : Result
    reference : str
        Name of another model.
    model : str, optional
        The first by default.
    functional : {"quantile", "mean"}
    level : float
        Of the quantile.

    See Also
    --------
    energyforecast.evaluation.murphy : The numbers and their formula.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> [axes.get_ylabel() for axes in murphy(example_result(), reference="reference").axes]
    ['Elementary score [1]', 'Difference [1]']
    """
    check_types(locals(), of=murphy)
    name, other = model_of(result, model), model_of(result, reference)
    pairs = result.pairs
    table = murphy_scores.murphy(pairs[name], reference=pairs[other], functional=functional, level=level)
    figure = blank_figure(7.0, 5.6)
    above, below = map(open_axes, figure.subplots(2, 1, sharex=True, height_ratios=(3, 2)))
    for column, label, color in (("value", name, MODELS[0]), ("reference", other, MODELS[1])):
        above.plot(table["threshold"], table[column], color=color, linewidth=1.8, label=label)
    below.fill_between(table["threshold"], table["low"], table["high"], color=_BAND, label="90 % interval")
    below.plot(table["threshold"], table["difference"], color=FORECAST, linewidth=1.8)
    below.axhline(0, color="0.4", linewidth=1)
    for axes, words in ((above, "Elementary score"), (below, "Difference")):
        if functional == "quantile":
            axes.set_ylabel(f"{words} [1]")
        else:
            power_axis(axes.yaxis, words)
    power_axis(below.xaxis, "Threshold")
    shown = f"the quantile {level:g}" if functional == "quantile" else "the mean"
    _finish(figure, result, name, f"Murphy diagram of {shown}, n = {_rows(table['n'])}")
    write_legend(above)
    return figure


def relative_economic_value(
    result: Result, *, threshold: float, relative: bool = False, models: Sequence[str] | None = None
) -> Figure:
    """Relative economic value of warnings by the ratio of cost to loss, a curve for each model.

    Parameters
    ----------
    result : Result
    threshold : float
        Of the event that is warned of. [MW], or a share of the capacity.
    relative : bool
    models : sequence of str, optional
        All by default; the band is that of the first.

    See Also
    --------
    energyforecast.evaluation.relative_economic_value : The numbers and their formula.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> figure = relative_economic_value(example_result(), threshold=15.0)
    >>> [line.get_label() for line in figure.axes[0].get_lines()[:2]]
    ['model', 'reference']
    """
    check_types(locals(), of=relative_economic_value)
    names = list(result.forecasts) if models is None else [model_of(result, name) for name in models]
    figure, axes = new_figure(7.0, 4.5)
    rows = 0
    for place, name in enumerate(names):
        table = contingency.relative_economic_value(
            result.pairs[name],
            threshold=threshold,
            relative=relative,
            confidence=0.9 if place == 0 else None,
        )
        if place == 0:
            label = f"90 % interval of {name}"
            axes.fill_between(table["cost_loss"], table["low"], table["high"], color=_BAND, label=label)
            rows = _rows(table["n"])
        axes.plot(
            table["cost_loss"], table["value"], color=MODELS[place % len(MODELS)], linewidth=1.8, label=name
        )
    axes.axhline(0, color="0.4", linewidth=1)
    axes.set(
        xlim=(0, 1),
        ylim=(-0.5, 1),
        xlabel="Cost of protection / loss [1]",
        ylabel="Relative economic value [1]",
    )
    _finish(
        figure,
        result,
        names[0],
        f"value of warnings of power above {_amount(threshold, relative)}, n = {rows}",
    )
    write_legend(axes)
    return figure


def _amount(threshold: float, relative: bool) -> str:
    """A threshold with its unit."""
    return f"{100 * threshold:g} % of capacity" if relative else f"{threshold:g} MW"


def _rows(count: object) -> int:
    """Number of hours of a table."""
    values = np.asarray(count)
    return int(values.max()) if len(values) else 0


def _draw_curve(axes: Axes, x: object, y: object, band: tuple[object, object], *, label: str) -> None:
    """Band, diagonal and curve of a reliability diagram."""
    values = np.asarray(x, dtype=float)
    ends = [values.min(), values.max()] if len(values) else [0, 1]
    low, high = (np.asarray(end, dtype=float) for end in band)
    axes.fill_between(values, low, high, color=_BAND, label="90 % of calibrated forecasts")
    axes.plot(ends, ends, color="0.4", linewidth=1, label="calibrated")
    axes.plot(values, np.asarray(y, dtype=float), color=FORECAST, linewidth=1.8, label=label)
    axes.legend(loc="upper left", fontsize=8, frameon=False)


def _finish(figure: Figure, result: Result, model: str, title: str) -> None:
    """Title with the sites of a model, and the caveats of the first one."""
    write_title(figure.axes[0], f"{', '.join(result.forecasts[model].sites)}: {title}")
    write_caveats(figure, next(iter(result.forecasts.values())))
