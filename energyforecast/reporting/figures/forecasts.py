"""Figures of forecasts and of their scores."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from energyforecast.core import timestamps
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import frequency_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import power_bounds
from energyforecast.core.quantile_cube import available_capacity
from energyforecast.core.wording import power_unit
from energyforecast.evaluation.metrics import distribution
from energyforecast.evaluation.result import Result
from energyforecast.reporting.backtest_report import tables
from energyforecast.reporting.figures.style import (
    FORECAST,
    MODELS,
    draw_bands,
    draw_steps,
    edges_of,
    finish_time_series,
    model_of,
    new_figure,
    write_caveats,
    write_legend,
    write_title,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["error_by_hour_and_month", "fan_chart", "pit", "reliability", "skill_by_lead"]


def fan_chart(
    forecast: Forecast,
    observations: Observations | None = None,
    *,
    site: str | None = None,
    timezone: str = "UTC",
) -> Figure:
    """Fan chart: median and central intervals of one issue, with the outcome where it is known.

    Parameters
    ----------
    forecast : Forecast
        Its first issue is drawn; choose another with :meth:`energyforecast.core.forecast.Forecast.sel`.
    observations : Observations, optional
    site : str, optional
        The first by default.
    timezone : str
        Zone of the time axis.

    See Also
    --------
    energyforecast.reporting.figures.scenarios : The same intervals with scenarios as lines.

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
    edges = edges_of(valid, width, timezone)
    figure, axes = new_figure()
    draw_bands(axes, edges, partial(_bounds, chosen))
    draw_steps(axes, edges, chosen.at(0.5).values[0, 0], role="forecast", label="median")
    if observations is not None:
        outcome = outcomes_at(
            observations,
            valid,
            site=name,
            step=frequency_of(forecast),
            include_flagged=True,
            outside="missing",
        )
        label = "measured" if np.isfinite(outcome).any() else "not measured"
        draw_steps(axes, edges, outcome, role="outcome", label=label)
    issued = chosen.issue_times[0].tz_convert(timestamps.zone(timezone))
    title = f"{name}: forecast issued {issued:%Y-%m-%d %H:%M} ({timezone})"
    # A plant may have grown beyond its rated capacity.
    capacity = float(
        np.fmax.reduce([chosen.data["capacity"].values[0], *available_capacity(chosen.data).ravel()])
    )
    low, high = power_bounds(capacity, kind=chosen.kinds[name])
    from_zero = low == 0 or (np.isfinite(low) and axes.dataLim.y0 >= 0)
    axes.set_ylim(0 if from_zero else None, high * 1.02 if np.isfinite(high) else None)
    finish_time_series(axes, forecast, title=title, timezone=timezone)
    return figure


def _bounds(forecast: Forecast, low: float, high: float) -> tuple[Any, Any] | None:
    """Quantiles of one site and issue, or None where its levels do not reach them."""
    first, last = forecast.quantiles[0], forecast.quantiles[-1]
    if not (first <= low + 1e-9 and high - 1e-9 <= last):
        return None
    return forecast.at(max(low, first)).values[0, 0], forecast.at(min(high, last)).values[0, 0]


def _finish(figure: Figure, result: Result, *, model: str, title: str) -> None:
    """Title with the sites of a model, and the caveats of the first one."""
    write_title(figure.axes[0], f"{', '.join(result.forecasts[model].sites)}: {title}")
    write_caveats(figure, next(iter(result.forecasts.values())))


def reliability(result: Result, *, model: str | None = None) -> Figure:
    r"""Reliability diagram: share of outcomes at or below each quantile, against its level.

    Parameters
    ----------
    result : Result
    model : str, optional
        The first by default.

    Notes
    -----
    The grey band holds 95 % of the curves of perfectly calibrated forecasts, if days are independent of each
    other (one independent outcome a day):

    .. math:: \tau \pm 1.96 \sqrt{\tau (1 - \tau) / n_\text{days}}

    See Also
    --------
    pit : Histogram of the same outcomes.
    energyforecast.Result : The numbers.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> reliability(example_result()).axes[0].get_title(loc="left")
    'farm: reliability, n = 24'
    """
    check_types(locals(), of=reliability)
    name = model_of(result, model)
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
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    _finish(figure, result, model=name, title=f"reliability, n = {int(table['n'].iloc[0])}")
    return figure


def pit(result: Result, *, model: str | None = None, bins: int = 10) -> Figure:
    """PIT histogram: levels of outcomes in their forecast distributions, flat if calibrated.

    Parameters
    ----------
    result : Result
    model : str, optional
        The first by default.
    bins : int

    See Also
    --------
    energyforecast.evaluation.pit : The numbers; outcomes on a point mass, such as no power, are spread over it.
    reliability : Share of outcomes below each quantile.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> [float(bar.get_height()) for bar in pit(example_result(), bins=2).axes[0].patches]  # all above the median
    [0.0, 1.0]
    """
    check_types(locals(), of=pit)
    name = model_of(result, model)
    table = distribution.pit(result.pairs[name], bins=bins)
    figure, axes = new_figure(6.4, 4.2)
    axes.bar(table["low"], table["value"], width=1 / bins, align="edge", color=FORECAST, edgecolor="white")
    axes.axhline(1 / bins, color="0.4", linewidth=1)
    axes.set(xlim=(0, 1), xlabel="Probability at or below the outcome [1]", ylabel="Share of outcomes [1]")
    _finish(figure, result, model=name, title=f"PIT of {name}, n = {int(table['n'].iloc[0])}")
    return figure


def error_by_hour_and_month(result: Result, *, model: str | None = None, metric: str = "mae") -> Figure:
    """A score by local hour and month.

    Parameters
    ----------
    result : Result
    model : str, optional
        The first by default.
    metric : str

    See Also
    --------
    energyforecast.reporting.backtest_report.tables.error_by_hour_and_month : The numbers.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> figure = error_by_hour_and_month(example_result())
    >>> figure.axes[0].images[0].get_array().shape  # one month, 24 hours
    (1, 24)
    """
    check_types(locals(), of=error_by_hour_and_month)
    name = model_of(result, model)
    table = tables.error_by_hour_and_month(result, model=name, metric=metric)
    figure, axes = new_figure(8.0, 1.6 + 0.3 * len(table))
    axes.grid(visible=False)
    values, unit = table.to_numpy(dtype=float), table.attrs["unit"]
    if unit == "MW":
        factor, unit = power_unit(float(np.nanmax(np.abs(values), initial=0.0)))
        values = factor * values
    image = axes.imshow(values, aspect="auto", cmap="cividis")
    axes.set(xlabel="Local hour", ylabel="Month")
    axes.set_xticks(range(0, table.shape[1], 3), [str(hour) for hour in table.columns[::3]])
    axes.set_yticks(range(len(table)), [str(month) for month in table.index])
    figure.colorbar(image, ax=axes, label=f"{metric.upper()} [{unit}]")
    _finish(figure, result, model=name, title=f"{metric.upper()} of {name}")
    return figure


def skill_by_lead(result: Result, *, reference: str, metric: str = "crps") -> Figure:
    """Skill of every other model over a reference, by lead time.

    Parameters
    ----------
    result : Result
    reference : str
        Name of a model of the result.
    metric : str
        Name of a negatively oriented metric.

    See Also
    --------
    energyforecast.Result.skill : The numbers.

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> figure = skill_by_lead(example_result(), reference="reference", metric="mae")
    >>> figure.axes[0].get_lines()[0].get_ydata()[:3].tolist()  # an error of 1 MW instead of 2 MW
    [50.0, 50.0, 50.0]
    """
    check_types(locals(), of=skill_by_lead)
    table = result.skill(metric, reference=reference, by="lead_time")
    figure, axes = new_figure()
    others = table[table["model"] != reference]
    axes.set_prop_cycle(color=MODELS)
    for name, rows in others.groupby("model", sort=False):
        axes.plot(rows["lead_time"], rows["percent"], marker="o", markersize=3, label=name)
    axes.axhline(0, color="0.4", linewidth=1)
    axes.set(xlabel="Lead time [h]", ylabel=f"Skill in {metric.upper()} over {reference} [%]")
    hours = int(others.groupby("model")["n"].sum().max())
    _finish(figure, result, model=reference, title=f"skill over {reference}, n = {hours}")
    write_legend(axes)
    return figure
