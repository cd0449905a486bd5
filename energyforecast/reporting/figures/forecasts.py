"""Figures of forecasts and of what they were worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.evaluation.metrics import distribution
from energyforecast.evaluation.result import Result
from energyforecast.reporting.backtest_report import tables
from energyforecast.reporting.figures.style import (
    BANDS,
    FORECAST,
    MODELS,
    OUTCOME,
    new_figure,
    stairs,
    time_axis,
    tint,
    within,
    write_caveats,
    write_legend,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["error_by_hour_and_month", "fan_chart", "pit", "reliability", "skill_by_lead"]


def fan_chart(
    forecast: Forecast,
    observed: Observations | None = None,
    *,
    site: str | None = None,
    timezone: str = "UTC",
) -> Figure:
    """Median and central intervals of one issue, with the outcome where it is known.

    Parameters
    ----------
    forecast : Forecast
        The first issue is drawn; choose another with :meth:`energyforecast.core.forecast.Forecast.sel`.
    observed : Observations, optional
    site : str, optional
        The first by default.
    timezone : str
        Zone of the time axis.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> fan_chart(example_forecast(), example_observations()).axes[0].get_ylabel()
    'Power [MW]'
    """
    name = forecast.sites[0] if site is None else site
    chosen = forecast.sel(site=name, issue_time=forecast.issue_times[0])
    valid = timestamps.to_index(chosen.data["valid_time"].values[0])
    width = valid[1] - valid[0] if len(valid) > 1 else timestamps.duration("1h")
    edges = valid.append(valid[-1:] + width).tz_convert(timestamps.zone(timezone))
    figure, axes = new_figure()
    levels = chosen.quantiles
    for share, strength in BANDS:
        low, high = (1 - share) / 2, (1 + share) / 2
        if levels[0] <= low + 1e-9 and high - 1e-9 <= levels[-1]:
            lower, upper = (stairs(chosen.at(within(level, levels)).values[0, 0]) for level in (low, high))
            axes.fill_between(
                edges,
                lower,
                upper,
                step="post",
                color=tint(strength),
                linewidth=0,
                label=f"{share:.0%} interval",
            )
    axes.step(
        edges,
        stairs(chosen.at(0.5).values[0, 0]),
        where="post",
        color=FORECAST,
        linewidth=1.8,
        label="median",
    )
    if observed is not None:
        outcome = observed.value_at(name, valid, include_flagged=True, outside="missing")
        axes.step(
            edges,
            stairs(outcome),
            where="post",
            color=OUTCOME,
            linewidth=1.6,
            linestyle="--",
            label="measured" if np.isfinite(outcome).any() else "not measured",
        )
    time_axis(axes, timezone)
    issued = chosen.issue_times[0].tz_convert(timestamps.zone(timezone))
    axes.set_title(f"{name}: forecast issued {issued:%Y-%m-%d %H:%M} ({timezone})", loc="left", fontsize=11)
    capacity = float(chosen.data["capacity"].values[0])
    axes.set_ylim(0 if np.isfinite(capacity) else None, capacity * 1.02 if np.isfinite(capacity) else None)
    axes.set_ylabel("Power [MW]")
    axes.set_xlabel(f"Beginning of the hour, {timezone}")
    write_legend(axes)
    write_caveats(figure, forecast)
    return figure


def reliability(result: Result, *, model: str | None = None) -> Figure:
    """How often outcomes lay at or below each quantile, against how often they should.

    Parameters
    ----------
    result : Result
    model : str, optional
        The first by default.

    Returns
    -------
    Figure

    Notes
    -----
    The grey band holds 95 % of what a perfectly calibrated forecast would show if days were
    independent of each other (one independent outcome a day).

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> reliability(example_result()).axes[0].get_title(loc="left")
    'farm: reliability, n = 24'
    """
    name = next(iter(result.forecasts)) if model is None else model
    table = result.calibration(model=name)
    days = max(1, result.forecasts[name].data.sizes["issue_time"])
    figure, axes = new_figure(5.6, 5.4)
    level = table["level"].to_numpy()
    slack = 1.96 * np.sqrt(level * (1 - level) / days)
    axes.fill_between(level, level - slack, level + slack, color="0.85", label="95 % of calibrated forecasts")
    axes.plot([0, 1], [0, 1], color="0.4", linewidth=1, label="calibrated")
    axes.plot(level, table["frequency"], color=FORECAST, linewidth=2, label=name)
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="Level of the quantile [1]",
        ylabel="Share of outcomes at or below it [1]",
    )
    axes.set_aspect("equal")
    site = ", ".join(result.forecasts[name].sites)
    axes.set_title(f"{site}: reliability, n = {int(table['n'].iloc[0])}", loc="left", fontsize=11)
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    write_caveats(figure, next(iter(result.forecasts.values())))
    return figure


def pit(result: Result, *, model: str | None = None, bins: int = 10) -> Figure:
    """Where outcomes fell in their forecast distributions: flat where those were right.

    Parameters
    ----------
    result : Result
    model : str, optional
        The first by default.
    bins : int

    Returns
    -------
    Figure

    Notes
    -----
    See :func:`energyforecast.evaluation.pit`; outcomes on a mass, such as no power, are spread over it.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> [float(bar.get_height()) for bar in pit(example_result(), bins=2).axes[0].patches]  # all above the median
    [0.0, 1.0]
    """
    name = next(iter(result.forecasts)) if model is None else model
    table = distribution.pit(result.pairs[name], bins=bins)
    figure, axes = new_figure(6.4, 4.2)
    axes.bar(table["low"], table["value"], width=1 / bins, align="edge", color=FORECAST, edgecolor="white")
    axes.axhline(1 / bins, color="0.4", linewidth=1)
    axes.set(xlim=(0, 1), xlabel="Probability at or below the outcome [1]", ylabel="Share of outcomes [1]")
    site = ", ".join(result.forecasts[name].sites)
    axes.set_title(f"{site}: PIT of {name}, n = {int(table['n'].iloc[0])}", loc="left", fontsize=11)
    write_caveats(figure, next(iter(result.forecasts.values())))
    return figure


def error_by_hour_and_month(result: Result, *, model: str | None = None, metric: str = "mae") -> Figure:
    """A score by local hour and month.

    Parameters
    ----------
    result : Result
    model : str, optional
        The first by default.
    metric : str

    Returns
    -------
    Figure

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> figure = error_by_hour_and_month(example_result())
    >>> figure.axes[0].images[0].get_array().shape  # one month, 24 hours
    (1, 24)
    """
    name = next(iter(result.forecasts)) if model is None else model
    table = tables.error_by_hour_and_month(result, model=name, metric=metric)
    figure, axes = new_figure(8.0, 1.6 + 0.3 * len(table))
    axes.grid(visible=False)
    image = axes.imshow(table.to_numpy(), aspect="auto", cmap="cividis")
    axes.set(xlabel="Local hour", ylabel="Month")
    axes.set_xticks(range(0, table.shape[1], 3), [str(hour) for hour in table.columns[::3]])
    axes.set_yticks(range(len(table)), [str(month) for month in table.index])
    figure.colorbar(image, ax=axes, label=f"{metric.upper()} [{table.attrs['unit']}]")
    site = ", ".join(result.forecasts[name].sites)
    axes.set_title(f"{site}: {metric.upper()} of {name}", loc="left", fontsize=11)
    write_caveats(figure, next(iter(result.forecasts.values())))
    return figure


def skill_by_lead(result: Result, *, reference: str, metric: str = "crps") -> Figure:
    """Skill of every other model against a reference, by lead.

    Parameters
    ----------
    result : Result
    reference : str
        Name of a model of the result.
    metric : str
        Name of a metric of which less is better.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> figure = skill_by_lead(example_result(), reference="reference", metric="mae")
    >>> figure.axes[0].get_lines()[0].get_ydata()[:3].tolist()  # an error of 1 MW instead of 2 MW
    [50.0, 50.0, 50.0]
    """
    table = result.skill(metric, reference=reference, by="lead_time")
    figure, axes = new_figure()
    others = table[table["model"] != reference]
    axes.set_prop_cycle(color=MODELS)
    for name, rows in others.groupby("model", sort=False):
        axes.plot(rows["lead_time"], rows["percent"], marker="o", markersize=3, label=name)
    axes.axhline(0, color="0.4", linewidth=1)
    axes.set(xlabel="Lead time [h]", ylabel=f"Skill in {metric.upper()} over {reference} [%]")
    site = ", ".join(result.forecasts[reference].sites)
    hours = int(others.groupby("model")["n"].sum().max())
    axes.set_title(f"{site}: skill over {reference}, n = {hours}", loc="left")
    write_legend(axes)
    write_caveats(figure, next(iter(result.forecasts.values())))
    return figure
