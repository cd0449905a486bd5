"""Figures of scenarios: trajectories, reserve and ramps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.observation_series import Observations
from energyforecast.core.scenario_set import Scenarios
from energyforecast.core.wording import power_unit
from energyforecast.errors import SchemaError
from energyforecast.reporting.figures.style import (
    FORECAST,
    OUTCOME,
    blank_figure,
    draw_bands,
    draw_steps,
    edges_of,
    finish_time_series,
    new_figure,
    open_axes,
    power_axis,
    stairs,
    time_axis,
    tint,
    write_caveats,
    write_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ramps", "reserve", "scenarios"]

#: Shades of grey: trajectories are followed, not named.
_GREYS: Final = ("0.0", "0.35", "0.15", "0.5")


def _quantiles(scenarios: Scenarios, site: str | None) -> Callable[[float, float], tuple[Any, Any]]:
    """Two quantiles of each interval."""

    def bounds(low: float, high: float) -> tuple[Any, Any]:
        table = scenarios.quantiles([low, high], site=site)
        return table.iloc[:, 1], table.iloc[:, 2]

    return bounds


def _edges(scenarios: Scenarios, timezone: str) -> Any:
    """Beginnings of the intervals, and the end of the last."""
    return edges_of(scenarios.valid_times, pd.Timedelta(hours=scenarios.step), timezone)


def scenarios(
    scenarios: Scenarios,
    observations: Observations | None = None,
    *,
    site: str | None = None,
    trajectories: int = 8,
    timezone: str = "UTC",
) -> Figure:
    """Some scenarios as lines over the central intervals of all of them.

    Intervals show the range of each hour; only lines show its persistence.

    Parameters
    ----------
    scenarios : Scenarios
    observations : Observations, optional
        With a column named like the site.
    site : str, optional
        The first by default.
    trajectories : int
        Number of lines: the first scenarios, as likely as any others.
    timezone : str
        Zone of the time axis.

    See Also
    --------
    fan_chart : The same intervals of a forecast.
    energyforecast.planning.sample_scenarios : The scenarios.

    Examples
    --------
    >>> from energyforecast.planning import sample_scenarios
    >>> from energyforecast.testing import example_forecast
    >>> figure = scenarios(sample_scenarios(example_forecast()), trajectories=5)
    >>> len(figure.axes[0].get_lines())  # five scenarios and the median
    6
    """
    name = scenarios.sites[0] if site is None else site
    edges = _edges(scenarios, timezone)
    figure, axes = new_figure()
    draw_bands(axes, edges, _quantiles(scenarios, name))
    middles = edges[:-1] + pd.Timedelta(hours=scenarios.step / 2)
    for k, trajectory in enumerate(scenarios.of(name)[:trajectories]):
        label = (
            f"{min(trajectories, scenarios.n_scenarios)} of {scenarios.n_scenarios} scenarios"
            if k == 0
            else None
        )
        # Lines from middle to middle of the intervals: several step functions cannot be followed.
        axes.plot(middles, trajectory, color=_GREYS[k % len(_GREYS)], linewidth=1.0, label=label)
    median = scenarios.quantiles([0.5], site=name)["q0.5"]
    draw_steps(axes, edges, median, role="forecast", label="median", linewidth=2.2)
    if observations is not None:
        outcome = outcomes_at(
            observations,
            scenarios.valid_times,
            site=name,
            step=scenarios.step,
            include_flagged=True,
            outside="missing",
        )
        draw_steps(axes, edges, outcome, role="outcome", label="measured", linewidth=1.8)
    title = f"{name}: {scenarios.n_scenarios} scenarios"
    finish_time_series(axes, scenarios, title=title, timezone=timezone, xlabel="Beginning of the interval")
    return figure


def reserve(
    scenarios: Scenarios, table: pd.DataFrame, *, site: str | None = None, timezone: str = "UTC"
) -> Figure:
    """Fan of the net load, with its schedule and the reserve above and below it.

    Parameters
    ----------
    scenarios : Scenarios
        Of net load.
    table : DataFrame
        Of :func:`energyforecast.planning.reserve`, for the same hours.
    site : str, optional
        The only one by default.
    timezone : str
        Zone of the time axis.

    See Also
    --------
    energyforecast.planning.reserve : The numbers.

    Examples
    --------
    >>> from energyforecast.planning import reserve as reserve_of
    >>> import numpy as np
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> trajectories = Scenarios.from_values(np.random.default_rng(1).normal(500, 50, (200, 1, 2)), sites=["area"],
    ...                                 valid_time=hours)
    >>> figure = reserve(trajectories, reserve_of(trajectories, risk=0.05))
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()][-2:]
    ['scheduled', 'with reserve up and down']
    """
    if list(timestamps.to_ns(table["valid_time"])) != list(timestamps.to_ns(scenarios.valid_times)):
        raise SchemaError(
            f"The reserve is that of {len(table)} hours from {table['valid_time'].min()}, the scenarios of "
            f"{len(scenarios.valid_times)} from {scenarios.valid_times[0]}.",
            "Both must cover the same hours.",
            "Give the scenarios from which the reserve was computed.",
        )
    edges = _edges(scenarios, timezone)
    figure, axes = new_figure()
    draw_bands(axes, edges, _quantiles(scenarios, site))
    planned = table["scheduled"].to_numpy()
    draw_steps(axes, edges, planned, role="forecast", label="scheduled")
    for values, label in (
        (planned + table["up"].to_numpy(), "with reserve up and down"),
        (planned - table["down"].to_numpy(), None),
    ):
        draw_steps(axes, edges, values, role="outcome", label=label, linewidth=1.4)
    risk = f", risk {table.attrs['risk']:.2g}" if "risk" in table.attrs else ""
    title = f"{scenarios.sites[0] if site is None else site}: net load and reserve{risk}"
    finish_time_series(axes, scenarios, title=title, timezone=timezone, ylabel="Net load")
    return figure


def ramps(
    scenarios: Scenarios,
    table: pd.DataFrame,
    *,
    within: str = "3h",
    probability: float = 0.3,
    site: str | None = None,
    timezone: str = "UTC",
) -> Figure:
    """Trajectories of power, and below them the probability that a ramp begins in each hour.

    Parameters
    ----------
    scenarios : Scenarios
    table : DataFrame
        Of :func:`energyforecast.planning.ramps`.
    within : str
        Window of the ramps.
    probability : float
        Threshold of a warning, drawn as a line. [1]
    site : str, optional
        The only one by default.
    timezone : str
        Zone of the time axis.

    See Also
    --------
    energyforecast.planning.ramps : The numbers.

    Examples
    --------
    >>> from energyforecast.planning import ramps as ramps_of
    >>> hours = pd.date_range("2024-01-02", periods=4, freq="1h", tz="UTC")
    >>> trajectories = Scenarios.from_values([[[2.0, 2.0, 8.0, 8.0]]], sites=["farm"], valid_time=hours)
    >>> figure = ramps(trajectories, ramps_of(trajectories, change=5.0, within=["1h"]), within="1h")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['Power [MW]', 'Probability [1]']
    """
    chosen = table[table["within"] == within]
    if chosen.empty:
        raise SchemaError(
            f"A figure of ramps within {within!r} is asked for.",
            f"The table has those within {sorted(set(table['within']))}.",
            "Choose one of them.",
        )
    figure = blank_figure(8.0, 5.2)
    power, chance = (open_axes(axes) for axes in figure.subplots(2, 1, sharex=True, height_ratios=[3, 2]))
    edges = _edges(scenarios, timezone)
    _draw_trajectories(power, edges, scenarios, site)
    for direction, colour, line in (("up", FORECAST, "-"), ("down", OUTCOME, "--")):
        rows = stairs(chosen.loc[chosen["direction"] == direction, "probability"])
        look: dict[str, Any] = {"color": colour, "linestyle": line, "linewidth": 1.6}
        chance.step(edges, rows, where="post", label=f"{direction} within {within}", **look)
    chance.axhline(probability, color="0.4", linewidth=1, label="warning")
    for axes in (power, chance):
        axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), fontsize=8, frameon=False, ncols=3)
    time_axis(chance, timezone)
    change, name = float(chosen["change"].iloc[0]), scenarios.sites[0] if site is None else site
    factor, unit = power_unit(abs(change))
    write_title(power, f"{name}: ramps of {factor * change:g} {unit} and more")
    power_axis(power.yaxis, "Power")
    chance.set(ylim=(0, 1), ylabel="Probability [1]", xlabel=f"Hour from which the ramp begins, {timezone}")
    write_caveats(figure, scenarios)
    return figure


def _draw_trajectories(axes: Axes, edges: Any, scenarios: Scenarios, site: str | None) -> None:
    """About twenty scenarios and the median of each hour."""
    # Lines from middle to middle of the hours: twenty step functions cannot be followed.
    middles = edges[:-1] + pd.Timedelta(hours=scenarios.step / 2)
    for trajectory in scenarios.of(site)[:: max(1, scenarios.n_scenarios // 20)]:
        axes.plot(middles, trajectory, color=tint(0.36), linewidth=0.7)
    median = scenarios.quantiles([0.5], site=site)["q0.5"]
    draw_steps(axes, edges, median, role="forecast", label="median of the hour")
