"""Figures of scenarios and plans."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import SchemaError, one_of
from energyforecast.planning.dispatch.plan import Plan
from energyforecast.reporting.figures.style import (
    BANDS,
    FORECAST,
    OUTCOME,
    edges_of,
    new_figure,
    stairs,
    time_axis,
    tint,
    write_caveats,
    write_legend,
    write_lines,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["costs", "dispatch", "ramps", "reserve", "scenarios", "storage"]

#: Courses are followed, not named: shades of grey suffice.
_COURSES: Final = ("0.0", "0.35", "0.15", "0.5")
#: What a plan runs, from the bottom of its stack, with colours that the colour-blind tell apart.
_KINDS: Final = {
    "thermal": "#7f7f7f",
    "HVDC": "#8a80c0",
    "wind": "#4a90b8",
    "solar": "#ddaa33",
    "pumped storage": "#117733",
    "battery": "#88ccaa",
    "electrolyser": "#aa4499",
    "surplus": "#661100",
    "shedding": "#cc3311",
}
#: Ways to plan, told apart by line and colour.
_WAYS: Final = (
    (FORECAST, "-"),
    ("#44aa99", "--"),
    (OUTCOME, "-."),
    ("0.25", ":"),
    ("#aa4499", "-"),
    ("#ddaa33", "--"),
)


def scenarios(
    drawn: Scenarios,
    observed: Observations | None = None,
    *,
    site: str | None = None,
    courses: int = 8,
    timezone: str = "UTC",
) -> Figure:
    """Some scenarios as lines over the central intervals of all: what may come, and how likely.

    The intervals say how far each hour may go; only the lines say how long it stays there.

    Parameters
    ----------
    drawn : Scenarios
    observed : Observations, optional
        Of a column named like the site.
    site : str, optional
        The first by default.
    courses : int
        How many are drawn as lines; they are the first ones, so as good as any others.
    timezone : str
        Zone of the time axis.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from energyforecast.planning import draw
    >>> from energyforecast.testing import example_forecast
    >>> figure = scenarios(draw(example_forecast()), courses=5)
    >>> len(figure.axes[0].get_lines())  # five scenarios and the median
    6
    """
    name = drawn.sites[0] if site is None else site
    values, valid = drawn.of(name), drawn.valid_times
    edges = valid.append(valid[-1:] + timestamps.duration(drawn.data.attrs["frequency"]))
    edges = edges.tz_convert(timestamps.zone(timezone))
    figure, axes = new_figure()
    for share, strength in BANDS:
        bounds = drawn.quantiles([(1 - share) / 2, (1 + share) / 2], site=name)
        lower, upper = (stairs(bounds.iloc[:, k].to_numpy()) for k in (1, 2))
        axes.fill_between(
            edges,
            lower,
            upper,
            step="post",
            color=tint(strength),
            linewidth=0,
            label=f"{share:.0%} interval",
        )
    middles = edges[:-1] + timestamps.duration(drawn.data.attrs["frequency"]) / 2
    for k, course in enumerate(values[:courses]):
        label = f"{min(courses, drawn.number)} of {drawn.number} scenarios" if k == 0 else None
        # Joined from middle to middle: as steps, lines of several courses cannot be followed.
        axes.plot(middles, course, color=_COURSES[k % len(_COURSES)], linewidth=1.0, label=label)
    median = drawn.quantiles([0.5], site=name)["q0.5"].to_numpy()
    axes.step(edges, stairs(median), where="post", color=FORECAST, linewidth=2.2, label="median")
    if observed is not None:
        outcome = stairs(observed.value_at(name, valid, include_flagged=True, outside="missing"))
        axes.step(
            edges,
            outcome,
            where="post",
            color=OUTCOME,
            linewidth=1.8,
            linestyle="--",
            label="measured",
        )
    time_axis(axes, timezone)
    axes.set_title(f"{name}: {drawn.number} scenarios", loc="left", fontsize=11)
    axes.set_ylabel("Power [MW]")
    axes.set_xlabel(f"Beginning of the interval, {timezone}")
    write_legend(axes)
    write_caveats(figure, drawn)
    return figure


def reserve(
    scenarios: Scenarios, table: pd.DataFrame, *, site: str | None = None, timezone: str = "UTC"
) -> Figure:
    """Net load as a fan, what is scheduled, and how far the reserve reaches above and below it.

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

    Returns
    -------
    Figure

    Examples
    --------
    >>> from energyforecast.planning import reserve as reserve_of
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> courses = Scenarios.from_values(np.random.default_rng(1).normal(500, 50, (200, 1, 2)), sites=["area"],
    ...                                 valid_time=hours)
    >>> figure = reserve(courses, reserve_of(courses, risk=0.05))
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()][-2:]
    ['scheduled', 'with reserve up and down']
    """
    if list(timestamps.to_ns(table["valid_time"])) != list(timestamps.to_ns(scenarios.valid_times)):
        raise SchemaError(
            f"The reserve is that of {len(table)} hours from {table['valid_time'].min()}, the scenarios of "
            f"{len(scenarios.valid_times)} from {scenarios.valid_times[0]}.",
            "Both are of the same hours.",
            "Draw the reserve beside the scenarios that it was made from.",
        )
    edges = edges_of(scenarios, timezone)
    figure, axes = new_figure()
    for share, strength in BANDS:
        band = scenarios.quantiles([(1 - share) / 2, (1 + share) / 2], site=site)
        low, high = (stairs(band.iloc[:, k].to_numpy()) for k in (1, 2))
        look: dict[str, Any] = {"step": "post", "color": tint(strength), "linewidth": 0}
        axes.fill_between(edges, low, high, label=f"{share:.0%} interval", **look)
    planned = table["scheduled"].to_numpy()
    axes.step(edges, stairs(planned), where="post", color=FORECAST, linewidth=1.8, label="scheduled")
    for name, sign in (("up", 1), ("down", -1)):
        axes.step(
            edges,
            stairs(planned + sign * table[name].to_numpy()),
            where="post",
            color=OUTCOME,
            linewidth=1.4,
            linestyle="--",
            label="with reserve up and down" if sign == 1 else None,
        )
    time_axis(axes, timezone)
    shown = f", risk {table.attrs['risk']:.2g}" if "risk" in table.attrs else ""
    name = scenarios.sites[0] if site is None else site
    axes.set_title(f"{name}: net load and reserve{shown}", loc="left", fontsize=11)
    axes.set_ylabel("Net load [MW]")
    axes.set_xlabel(f"Beginning of the hour, {timezone}")
    write_legend(axes)
    write_caveats(figure, scenarios)
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
    """Some courses of power, and below them how likely a ramp begins in each hour, upward and downward.

    Parameters
    ----------
    scenarios : Scenarios
    table : DataFrame
        Of :func:`energyforecast.planning.ramps`.
    within : str
        The window that is drawn.
    probability : float
        From which on a warning is given: a line.
    site : str, optional
        The only one by default.
    timezone : str
        Zone of the time axis.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from energyforecast.planning import ramps as ramps_of
    >>> hours = pd.date_range("2024-01-02", periods=4, freq="1h", tz="UTC")
    >>> courses = Scenarios.from_values([[[2.0, 2.0, 8.0, 8.0]]], sites=["farm"], valid_time=hours)
    >>> figure = ramps(courses, ramps_of(courses, change=5.0, within=["1h"]), within="1h")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['Power [MW]', 'Probability [1]']
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    chosen = table[table["within"] == within]
    if chosen.empty:
        raise SchemaError(
            f"Ramps within {within!r} are to be drawn.",
            f"The table has those within {sorted(set(table['within']))}.",
            "Choose one of them.",
        )
    figure = Figure(figsize=(8.0, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    power, chance = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    edges = edges_of(scenarios, timezone)
    # Lines through the middles of hours: twenty stairs over each other could not be told apart.
    middles = edges[:-1] + pd.Timedelta(hours=scenarios.hours / 2)
    for course in scenarios.of(site)[:: max(1, scenarios.number // 20)]:
        power.plot(middles, course, color=tint(0.36), linewidth=0.7)
    median = stairs(scenarios.quantiles([0.5], site=site)["q0.5"].to_numpy())
    power.step(edges, median, where="post", color=FORECAST, linewidth=1.8, label="median of the hour")
    for direction, colour, line in (("up", FORECAST, "-"), ("down", OUTCOME, "--")):
        rows = chosen[chosen["direction"] == direction]
        chance.step(
            edges,
            stairs(rows["probability"].to_numpy()),
            where="post",
            color=colour,
            linestyle=line,
            linewidth=1.6,
            label=f"{direction} within {within}",
        )
    chance.axhline(probability, color="0.4", linewidth=1, label="warning")
    for axes in (power, chance):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.6)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), fontsize=8, frameon=False, ncols=3)
    time_axis(chance, timezone)
    least, name = float(chosen["change"].iloc[0]), scenarios.sites[0] if site is None else site
    power.set_title(f"{name}: ramps of {least:g} MW and more", loc="left", fontsize=11)
    power.set_ylabel("Power [MW]")
    chance.set(ylim=(0, 1), ylabel="Probability [1]", xlabel=f"Hour from which the ramp begins, {timezone}")
    write_caveats(figure, scenarios)
    return figure


def dispatch(plan: Plan, *, area: str | None = None, timezone: str = "UTC") -> Figure:
    """What meets the demand of each hour, stacked; below zero what takes power beside it.

    Parameters
    ----------
    plan : Plan
        Of a plan on scenarios the mean is drawn.
    area : str, optional
        All areas together by default; links are then what is lost on them.
    timezone : str
        Zone of the time axis.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from energyforecast.planning import System, plan_median
    >>> unit = {"area": "South", "capacity": 300, "cost": 20}
    >>> system = System.from_dict({"areas": ["South"], "units": {"coal": unit}})
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> plan = plan_median(system, demand=pd.DataFrame({"South": [100.0, 200.0]}, index=hours))
    >>> [text.get_text() for text in dispatch(plan, area="South").axes[0].get_legend().get_texts()]
    ['demand', 'thermal']
    """
    if area is not None:
        one_of("area", area, allowed=plan.system.area_names)
    rows = plan.dispatch if area is None else plan.dispatch[plan.dispatch["area"] == area]
    sums = rows.groupby(["scenario", "kind", "valid_time"], sort=False)["power"].sum().unstack("valid_time")
    given, taken = (side.groupby("kind").mean() for side in (sums.clip(lower=0.0), sums.clip(upper=0.0)))
    width = timestamps.duration(f"{plan.hours * 60:g}min")
    edges = plan.valid_times.append(plan.valid_times[-1:] + width).tz_convert(timestamps.zone(timezone))
    figure, axes = new_figure(9.0, 5.0)
    axes.step(edges, stairs(-taken.loc["demand"].to_numpy()), where="post", color="black", label="demand")
    for side in (given, taken):
        base = np.zeros(len(plan.valid_times))
        for kind in _KINDS:
            if kind in side.index and side.loc[kind].abs().max() > 1e-3:
                top = base + side.loc[kind].to_numpy()
                shown = kind not in axes.get_legend_handles_labels()[1]
                axes.fill_between(
                    edges,
                    stairs(base),
                    stairs(top),
                    step="post",
                    color=_KINDS[kind],
                    linewidth=0,
                    label=kind if shown else None,
                )
                base = top
    axes.axhline(0, color="0.3", linewidth=0.8)
    mean = f", mean of {plan.number} scenarios" if plan.number > 1 else ""
    axes.set_title(f"{area or 'All areas'}: plan ({plan.name}){mean}", loc="left", fontsize=11)
    axes.set(ylabel="Power [MW]", xlabel=f"Beginning of the hour, {timezone}")
    time_axis(axes, timezone)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    write_caveats(figure, plan)
    return figure


def storage(plans: Mapping[str, Plan], *, component: str | None = None, timezone: str = "UTC") -> Figure:
    """How full a storage is at the end of each hour, by plan.

    Parameters
    ----------
    plans : mapping of Plan
        By name. Of a plan on scenarios the mean is drawn.
    component : str, optional
        The first storage by default.
    timezone : str
        Zone of the time axis.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from energyforecast.planning import System, plan_median
    >>> battery = {"area": "South", "power": 50, "energy": 100}
    >>> unit = {"area": "South", "capacity": 300, "cost": 20}
    >>> system = System.from_dict({"areas": ["South"], "units": {"coal": unit}, "batteries": {"battery": battery}})
    >>> hours = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")
    >>> plan = plan_median(system, demand=pd.DataFrame({"South": [100.0, 200.0]}, index=hours))
    >>> [text.get_text() for text in storage({"median": plan}).axes[0].get_legend().get_texts()]
    ['median']
    """
    first = next(iter(plans.values()))
    known = list(first.storage["component"].unique())
    name = known[0] if component is None and known else component
    one_of("component", name, allowed=known)
    figure, axes = new_figure()
    for (label, plan), (colour, line) in zip(plans.items(), itertools.cycle(_WAYS), strict=False):
        rows = plan.storage[plan.storage["component"] == name]
        level = rows.groupby("valid_time")["level"].mean()
        ends = pd.DatetimeIndex(level.index) + pd.Timedelta(hours=plan.hours)
        axes.plot(
            ends.tz_convert(timestamps.zone(timezone)),
            level.to_numpy(),
            color=colour,
            linestyle=line,
            linewidth=1.5,
            label=label,
        )
    axes.set_ylim(bottom=0)
    axes.set_title(f"{name}: level", loc="left", fontsize=11)
    axes.set(ylabel="Energy [MWh]", xlabel=f"End of the hour, {timezone}")
    time_axis(axes, timezone)
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4)
    write_lines(figure, [line for plan in plans.values() for line in plan.caveats])
    return figure


def costs(table: pd.DataFrame, *, caveats: Sequence[str] = ()) -> Figure:
    """What each plan cost more than perfect foresight.

    Parameters
    ----------
    table : DataFrame
        Of :func:`energyforecast.planning.realised_costs`, or one with its columns ``total`` and ``regret``.
    caveats : sequence of str

    Returns
    -------
    Figure

    Examples
    --------
    >>> table = pd.DataFrame({"total": [120.0, 100.0], "regret": [20.0, 0.0]}, index=["median", "perfect foresight"])
    >>> [float(bar.get_width()) for bar in costs(table).axes[0].patches]
    [20.0]
    """
    rows = table[table["regret"] > 0] if (table["regret"] > 0).any() else table
    figure, axes = new_figure(8.0, 1.6 + 0.5 * len(rows))
    bars = axes.barh(list(rows.index), rows["regret"].to_numpy(), color=FORECAST, height=0.6)
    least = float((table["total"] - table["regret"]).iloc[0])
    marks = [f"{value:,.0f} ({value / least:.2%})" for value in rows["regret"]]
    axes.bar_label(bars, marks, padding=4, fontsize=9)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.25)
    axes.set_title(f"Cost beyond perfect foresight, which costs {least:,.0f}", loc="left", fontsize=11)
    axes.set_xlabel("[currency]")
    write_lines(figure, caveats)
    return figure
