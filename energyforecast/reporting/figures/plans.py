"""Figures of plans: dispatch, storage and costs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.errors import one_of
from energyforecast.planning.dispatch.plan import Plan
from energyforecast.reporting.figures.style import (
    FORECAST,
    OUTCOME,
    edges_of,
    fill_steps,
    new_figure,
    power_axis,
    stairs,
    time_axis,
    write_caveats,
    write_lines,
    write_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["costs", "dispatch", "storage"]

#: Kinds of a dispatch, from the bottom of the stack, with colours that are distinct for the colour-blind.
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
#: Colour and line style of each plan.
_STYLES: Final = (
    (FORECAST, "-"),
    ("#44aa99", "--"),
    (OUTCOME, "-."),
    ("0.25", ":"),
    ("#aa4499", "-"),
    ("#ddaa33", "--"),
)


def dispatch(plan: Plan, *, area: str | None = None, timezone: str = "UTC") -> Figure:
    """Stacked dispatch of each hour against demand; consumers other than demand lie below zero.

    Parameters
    ----------
    plan : Plan
        Of a plan on scenarios the mean is drawn.
    area : str, optional
        All areas together by default; links then show their losses.
    timezone : str
        Zone of the time axis.

    See Also
    --------
    storage, costs
    energyforecast.planning.Plan : The numbers.

    Examples
    --------
    >>> from energyforecast.planning import plan_deterministic
    >>> from energyforecast.testing import example_dispatch
    >>> plan = plan_deterministic(*example_dispatch(demand=[100.0, 200.0]))
    >>> [text.get_text() for text in dispatch(plan, area="South").axes[0].get_legend().get_texts()]
    ['demand', 'thermal']
    """
    if area is not None:
        one_of("area", area, allowed=plan.system.area_names)
    rows = plan.dispatch if area is None else plan.dispatch[plan.dispatch["area"] == area]
    sums = rows.groupby(["scenario", "kind", "valid_time"], sort=False)["power"].sum().unstack("valid_time")
    supply, use = (side.groupby("kind").mean() for side in (sums.clip(lower=0.0), sums.clip(upper=0.0)))
    edges = edges_of(plan.valid_times, pd.Timedelta(hours=plan.step), timezone)
    figure, axes = new_figure(9.0, 5.0)
    axes.step(edges, stairs(-use.loc["demand"]), where="post", color="black", label="demand")
    for side in (supply, use):
        _stack(axes, edges, side)
    axes.axhline(0, color="0.3", linewidth=0.8)
    mean = f", mean of {plan.n_scenarios} scenarios" if plan.n_scenarios > 1 else ""
    write_title(axes, f"{area or 'All areas'}: plan ({plan.name}){mean}")
    axes.set_xlabel(f"Beginning of the hour, {timezone}")
    power_axis(axes.yaxis, "Power")
    time_axis(axes, timezone)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    write_caveats(figure, plan)
    return figure


def _stack(axes: Axes, edges: pd.DatetimeIndex, side: pd.DataFrame) -> None:
    """Stack of the kinds, each once in the legend."""
    base = np.zeros(side.shape[1])
    for kind in _KINDS:
        if kind in side.index and side.loc[kind].abs().max() > 1e-3:
            top = base + side.loc[kind].to_numpy()
            label = kind if kind not in axes.get_legend_handles_labels()[1] else None
            fill_steps(axes, edges, base, top, color=_KINDS[kind], label=label)
            base = top


def storage(plans: Mapping[str, Plan], *, component: str | None = None, timezone: str = "UTC") -> Figure:
    """Level of a storage at the end of each hour, by plan.

    Parameters
    ----------
    plans : mapping of Plan
        By name. Of a plan on scenarios the mean is drawn.
    component : str, optional
        The first storage by default.
    timezone : str
        Zone of the time axis.

    Examples
    --------
    >>> from energyforecast.planning import plan_deterministic
    >>> from energyforecast.testing import example_dispatch
    >>> plan = plan_deterministic(*example_dispatch(demand=[100.0, 200.0]))
    >>> [text.get_text() for text in storage({"median": plan}).axes[0].get_legend().get_texts()]
    ['median']
    """
    first = next(iter(plans.values()))
    known = list(first.storage["component"].unique())
    name = known[0] if component is None and known else component
    one_of("component", name, allowed=known)
    figure, axes = new_figure()
    zone = timestamps.zone(timezone)
    for (label, plan), (colour, line) in zip(plans.items(), itertools.cycle(_STYLES), strict=False):
        rows = plan.storage[plan.storage["component"] == name]
        level = rows.groupby("valid_time")["level"].mean()
        ends = (pd.DatetimeIndex(level.index) + pd.Timedelta(hours=plan.step)).tz_convert(zone)
        axes.plot(ends, level.to_numpy(), color=colour, linestyle=line, linewidth=1.5, label=label)
    axes.set_ylim(bottom=0)
    write_title(axes, f"{name}: level")
    axes.set(ylabel="Energy [MWh]", xlabel=f"End of the hour, {timezone}")
    time_axis(axes, timezone)
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4)
    write_lines(figure, [line for plan in plans.values() for line in plan.caveats])
    return figure


def costs(table: pd.DataFrame, *, caveats: Sequence[str] = ()) -> Figure:
    """Cost of each plan beyond perfect foresight.

    Parameters
    ----------
    table : DataFrame
        Of :func:`energyforecast.planning.realised_costs`, or one with its columns ``total`` and ``regret``.
    caveats : sequence of str

    Examples
    --------
    >>> table = pd.DataFrame({"total": [120.0, 100.0], "regret": [20.0, 0.0]}, index=["median", "perfect foresight"])
    >>> [float(bar.get_width()) for bar in costs(table).axes[0].patches]
    [20.0]
    """
    rows = table[table["regret"] > 0] if (table["regret"] > 0).any() else table
    figure, axes = new_figure(8.0, 1.6 + 0.5 * len(rows))
    bars = axes.barh(list(rows.index), rows["regret"].to_numpy(), color=FORECAST, height=0.6)
    cheapest = float((table["total"] - table["regret"]).iloc[0])
    marks = [f"{value:,.0f} ({value / cheapest:.2%})" for value in rows["regret"]]
    axes.bar_label(bars, marks, padding=4, fontsize=9)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.25)
    write_title(axes, f"Cost beyond perfect foresight, which costs {cheapest:,.0f}")
    axes.set_xlabel("[currency]")
    write_lines(figure, caveats)
    return figure
