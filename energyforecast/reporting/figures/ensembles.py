"""Figures of the reliability of ensembles and of the spread of forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from energyforecast.core.arguments import check_types
from energyforecast.errors import SchemaError
from energyforecast.reporting.figures.style import (
    FORECAST,
    new_figure,
    power_axis,
    write_legend,
    write_lines,
    write_title,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["rank_histogram", "spread_skill"]


def rank_histogram(table: pd.DataFrame, *, title: str = "", caveats: Sequence[str] = ()) -> Figure:
    """Rank histogram of an ensemble: flat if it is reliable, U-shaped if its spread is too small.

    Parameters
    ----------
    table : DataFrame
        Of :func:`energyforecast.evaluation.rank_histogram`.
    title : str
        The number of outcomes by default.
    caveats : sequence of str

    See Also
    --------
    energyforecast.evaluation.rank_histogram, energyforecast.evaluation.rank_flatness
    pit : The same for quantile forecasts.

    Examples
    --------
    >>> from energyforecast.evaluation import rank_histogram as ranks
    >>> table = ranks(np.array([0.0, 3.0]), np.array([[1.0, 2.0]] * 2))
    >>> [float(bar.get_height()) for bar in rank_histogram(table).axes[0].patches[:3]]
    [0.5, 0.0, 0.5]
    """
    check_types(locals(), of=rank_histogram)
    _check_columns(table, ("low", "high", "value", "bar_low", "bar_high", "n"), "rank_histogram")
    figure, axes = new_figure(6.4, 4.2)
    axes.bar(
        table["low"],
        table["value"],
        width=table["high"] - table["low"],
        align="edge",
        color=FORECAST,
        edgecolor="white",
    )
    low, high = table["bar_low"].iloc[0], table["bar_high"].iloc[0]
    axes.axhspan(low, high, color="0.6", alpha=0.35, linewidth=0, label="reliable, independent rows")
    axes.axhline(1 / len(table), color="0.3", linewidth=1)
    axes.set(xlim=(0, 1), xlabel="Rank of the outcome among the members [1]", ylabel="Share of outcomes [1]")
    write_title(axes, title or f"Rank histogram, n = {int(table['n'].iloc[0])}")
    write_legend(axes)
    write_lines(figure, caveats)
    return figure


def spread_skill(table: pd.DataFrame, *, title: str = "", caveats: Sequence[str] = ()) -> Figure:
    """Error of the mean against the spread of the forecast: on the diagonal if uncertainty is forecast.

    Parameters
    ----------
    table : DataFrame
        Of :func:`energyforecast.evaluation.spread_skill` or ``spread_skill_of_samples``.
    title : str
        The number of outcomes by default.
    caveats : sequence of str

    See Also
    --------
    energyforecast.evaluation.spread_skill, energyforecast.evaluation.spread_skill_of_samples

    Examples
    --------
    >>> from energyforecast.evaluation import spread_skill_of_samples
    >>> members = np.array([[4.0, 6.0], [2.0, 8.0]])
    >>> figure = spread_skill(spread_skill_of_samples(np.array([7.0, 0.0]), members, bins=2))
    >>> figure.axes[0].get_title(loc="left")
    'Spread and error, n = 2'
    """
    check_types(locals(), of=spread_skill)
    _check_columns(table, ("low", "high", "spread", "error", "n"), "spread_skill")
    figure, axes = new_figure(5.6, 5.4)
    limit = 1.05 * float(np.nanmax(table[["spread", "error"]].to_numpy(), initial=1e-9))
    axes.plot([0, limit], [0, limit], color="0.4", linewidth=1, label="error as forecast")
    axes.plot(
        table["spread"], table["error"], "o-", color=FORECAST, linewidth=1.8, label="bins of the forecast"
    )
    axes.set(xlim=(0, limit), ylim=(0, limit))
    power_axis(axes.xaxis, "Spread of the forecast")
    power_axis(axes.yaxis, "Root-mean-square error of its mean")
    axes.set_aspect("equal")
    write_title(axes, title or f"Spread and error, n = {int(table['n'].sum())}")
    write_legend(axes)
    write_lines(figure, caveats)
    return figure


def _check_columns(table: pd.DataFrame, needed: Sequence[str], name: str) -> None:
    """Refuse a table of another kind."""
    absent = [column for column in needed if column not in table]
    if absent or not len(table):
        raise SchemaError(
            f"A table with the columns {list(table)} and {len(table)} rows is to be drawn.",
            f"It must have the columns {list(needed)}, and a row.",
            f"Make it by energyforecast.evaluation.{name}.",
        )
