"""Figures. Matplotlib is imported where it is used; every function returns a Figure and shows nothing."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from energyforecast import times
from energyforecast.errors import SchemaError
from energyforecast.evaluation import distributions
from energyforecast.evaluation.results import Result
from energyforecast.forecast import Forecast
from energyforecast.observations import Observations
from energyforecast.planning.plan import Plan
from energyforecast.planning.scenarios import Scenarios
from energyforecast.report import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "costs",
    "dispatch",
    "error_by_hour_and_month",
    "fan_chart",
    "pit",
    "ramps",
    "reliability",
    "reserve",
    "save",
    "scenarios",
    "skill_by_lead",
    "storage",
]

#: One colour for the forecast, one for the outcome: told apart by the colour-blind and in grey.
_FORECAST: Final = "#0b5f8a"
_OUTCOME: Final = "#c1440e"
#: Central intervals, and the share of the forecast's colour in each: opaque, so that the legend shows what is drawn.
_BANDS: Final = ((0.9, 0.18), (0.8, 0.36), (0.5, 0.58))


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


def _figure(width: float = 8.0, height: float = 4.5) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Not pyplot: its global state would keep every figure of a long run in memory.
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    return figure, axes


def _caveat(figure: Figure, shown: Forecast | Scenarios) -> None:
    _caveats(figure, shown.caveats)


def _caveats(figure: Figure, caveats: Sequence[str]) -> None:
    if caveats:
        figure.supxlabel("; ".join(caveats), fontsize=8, color="0.35", x=0.99, ha="right")


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
        The first issue is drawn; choose another with :meth:`Forecast.sel`.
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
    valid = times.to_index(chosen.data["valid_time"].values[0])
    width = valid[1] - valid[0] if len(valid) > 1 else times.duration("1h")
    edges = valid.append(valid[-1:] + width).tz_convert(times.zone(timezone))
    figure, axes = _figure()
    levels = chosen.quantiles
    for share, strength in _BANDS:
        low, high = (1 - share) / 2, (1 + share) / 2
        if levels[0] <= low + 1e-9 and high - 1e-9 <= levels[-1]:
            lower, upper = (_stairs(chosen.at(_within(level, levels)).values[0, 0]) for level in (low, high))
            axes.fill_between(
                edges,
                lower,
                upper,
                step="post",
                color=_tint(strength),
                linewidth=0,
                label=f"{share:.0%} interval",
            )
    axes.step(
        edges,
        _stairs(chosen.at(0.5).values[0, 0]),
        where="post",
        color=_FORECAST,
        linewidth=1.8,
        label="median",
    )
    if observed is not None:
        if name not in observed.sites:
            raise SchemaError(
                f"Site {name!r} was not observed.",
                f"Observed were {list(observed.sites)}.",
                "Rename the column.",
            )
        outcome = observed.values[name].reindex(valid).to_numpy()
        axes.step(
            edges,
            _stairs(outcome),
            where="post",
            color=_OUTCOME,
            linewidth=1.6,
            linestyle="--",
            label="measured",
        )
    _time_axis(axes, timezone)
    issued = chosen.issue_times[0].tz_convert(times.zone(timezone))
    axes.set_title(f"{name}: forecast issued {issued:%Y-%m-%d %H:%M} ({timezone})", loc="left", fontsize=11)
    capacity = float(chosen.data["capacity"].values[0])
    axes.set_ylim(0 if np.isfinite(capacity) else None, capacity * 1.02 if np.isfinite(capacity) else None)
    axes.set_ylabel("Power [MW]")
    axes.set_xlabel(f"Beginning of the hour, {timezone}")
    axes.legend(loc="best", fontsize=8, frameon=False, ncols=2)
    _caveat(figure, forecast)
    return figure


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
    edges = valid.append(valid[-1:] + times.duration(drawn.data.attrs["frequency"]))
    edges = edges.tz_convert(times.zone(timezone))
    figure, axes = _figure()
    for share, strength in _BANDS:
        bounds = drawn.quantiles([(1 - share) / 2, (1 + share) / 2], site=name)
        lower, upper = (_stairs(bounds.iloc[:, k].to_numpy()) for k in (1, 2))
        axes.fill_between(
            edges,
            lower,
            upper,
            step="post",
            color=_tint(strength),
            linewidth=0,
            label=f"{share:.0%} interval",
        )
    middles = edges[:-1] + times.duration(drawn.data.attrs["frequency"]) / 2
    for k, course in enumerate(values[:courses]):
        label = f"{min(courses, drawn.number)} of {drawn.number} scenarios" if k == 0 else None
        # Joined from middle to middle: as steps, lines of several courses cannot be followed.
        axes.plot(middles, course, color=_COURSES[k % len(_COURSES)], linewidth=1.0, label=label)
    median = drawn.quantiles([0.5], site=name)["q0.5"].to_numpy()
    axes.step(edges, _stairs(median), where="post", color=_FORECAST, linewidth=2.2, label="median")
    if observed is not None:
        if name not in observed.sites:
            raise SchemaError(
                f"Site {name!r} was not observed.",
                f"Observed were {list(observed.sites)}.",
                "Rename the column.",
            )
        outcome = _stairs(observed.values[name].reindex(valid).to_numpy())
        axes.step(
            edges,
            outcome,
            where="post",
            color=_OUTCOME,
            linewidth=1.8,
            linestyle="--",
            label="measured",
        )
    _time_axis(axes, timezone)
    axes.set_title(f"{name}: {drawn.number} scenarios", loc="left", fontsize=11)
    axes.set_ylabel("Power [MW]")
    axes.set_xlabel(f"Beginning of the interval, {timezone}")
    axes.legend(loc="best", fontsize=8, frameon=False, ncols=2)
    _caveat(figure, drawn)
    return figure


def _tint(strength: float) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb

    return tuple(1.0 - strength * (1.0 - part) for part in to_rgb(_FORECAST))


def _within(level: float, levels: Sequence[float]) -> float:
    return min(max(level, levels[0]), levels[-1])


def _stairs(values: Any) -> Any:
    return np.append(values, values[-1])


def _time_axis(axes: Axes, timezone: str) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    zone = times.zone(timezone)
    locator = AutoDateLocator(tz=zone)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, tz=zone, show_offset=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)


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
    figure, axes = _figure(5.6, 5.4)
    level = table["level"].to_numpy()
    slack = 1.96 * np.sqrt(level * (1 - level) / days)
    axes.fill_between(level, level - slack, level + slack, color="0.85", label="95 % of calibrated forecasts")
    axes.plot([0, 1], [0, 1], color="0.4", linewidth=1, label="calibrated")
    axes.plot(level, table["frequency"], color=_FORECAST, linewidth=2, label=name)
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
    _caveat(figure, next(iter(result.forecasts.values())))
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
    table = distributions.pit(result.pairs[name], bins=bins)
    figure, axes = _figure(6.4, 4.2)
    axes.bar(table["low"], table["value"], width=1 / bins, align="edge", color=_FORECAST, edgecolor="white")
    axes.axhline(1 / bins, color="0.4", linewidth=1)
    axes.set(xlim=(0, 1), xlabel="Probability at or below the outcome [1]", ylabel="Share of outcomes [1]")
    site = ", ".join(result.forecasts[name].sites)
    axes.set_title(f"{site}: PIT of {name}, n = {int(table['n'].iloc[0])}", loc="left", fontsize=11)
    _caveat(figure, next(iter(result.forecasts.values())))
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
    table = numbers.error_by_hour_and_month(result, model=name, metric=metric)
    figure, axes = _figure(8.0, 1.6 + 0.3 * len(table))
    axes.grid(visible=False)
    image = axes.imshow(table.to_numpy(), aspect="auto", cmap="cividis")
    axes.set(xlabel="Local hour", ylabel="Month")
    axes.set_xticks(range(0, table.shape[1], 3), [str(hour) for hour in table.columns[::3]])
    axes.set_yticks(range(len(table)), [str(month) for month in table.index])
    figure.colorbar(image, ax=axes, label=f"{metric.upper()} [{table.attrs['unit']}]")
    site = ", ".join(result.forecasts[name].sites)
    axes.set_title(f"{site}: {metric.upper()} of {name}", loc="left", fontsize=11)
    _caveat(figure, next(iter(result.forecasts.values())))
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
    figure, axes = _figure()
    for name, rows in table[table["model"] != reference].groupby("model", sort=False):
        axes.plot(rows["lead_time"], rows["percent"], marker="o", markersize=3, label=name)
    axes.axhline(0, color="0.4", linewidth=1)
    axes.set(xlabel="Lead time [h]", ylabel=f"Skill in {metric.upper()} over {reference} [%]")
    axes.legend(fontsize=8, frameon=False)
    _caveat(figure, next(iter(result.forecasts.values())))
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
    if list(times.to_ns(table["valid_time"])) != list(times.to_ns(scenarios.valid_times)):
        raise SchemaError(
            f"The reserve is that of {len(table)} hours from {table['valid_time'].min()}, the scenarios of "
            f"{len(scenarios.valid_times)} from {scenarios.valid_times[0]}.",
            "Both are of the same hours.",
            "Draw the reserve beside the scenarios that it was made from.",
        )
    edges = _edges(scenarios, timezone)
    figure, axes = _figure()
    for share, strength in _BANDS:
        band = scenarios.quantiles([(1 - share) / 2, (1 + share) / 2], site=site)
        low, high = (_stairs(band.iloc[:, k].to_numpy()) for k in (1, 2))
        look: dict[str, Any] = {"step": "post", "color": _tint(strength), "linewidth": 0}
        axes.fill_between(edges, low, high, label=f"{share:.0%} interval", **look)
    planned = table["scheduled"].to_numpy()
    axes.step(edges, _stairs(planned), where="post", color=_FORECAST, linewidth=1.8, label="scheduled")
    for name, sign in (("up", 1), ("down", -1)):
        axes.step(
            edges,
            _stairs(planned + sign * table[name].to_numpy()),
            where="post",
            color=_OUTCOME,
            linewidth=1.4,
            linestyle="--",
            label="with reserve up and down" if sign == 1 else None,
        )
    _time_axis(axes, timezone)
    shown = f", risk {table.attrs['risk']:.2g}" if "risk" in table.attrs else ""
    name = scenarios.sites[0] if site is None else site
    axes.set_title(f"{name}: net load and reserve{shown}", loc="left", fontsize=11)
    axes.set_ylabel("Net load [MW]")
    axes.set_xlabel(f"Beginning of the hour, {timezone}")
    axes.legend(loc="best", fontsize=8, frameon=False, ncols=2)
    _caveat(figure, scenarios)
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
    edges = _edges(scenarios, timezone)
    # Lines through the middles of hours: forty stairs over each other could not be told apart.
    middles = edges[:-1] + pd.Timedelta(hours=scenarios.hours / 2)
    for course in scenarios.of(site)[:: max(1, scenarios.number // 40)]:
        power.plot(middles, course, color=_tint(0.36), linewidth=0.7)
    median = _stairs(scenarios.quantiles([0.5], site=site)["q0.5"].to_numpy())
    power.step(edges, median, where="post", color=_FORECAST, linewidth=1.8, label="median of the hour")
    for direction, colour, line in (("up", _FORECAST, "-"), ("down", _OUTCOME, "--")):
        rows = chosen[chosen["direction"] == direction]
        chance.step(
            edges,
            _stairs(rows["probability"].to_numpy()),
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
    _time_axis(chance, timezone)
    least, name = float(chosen["change"].iloc[0]), scenarios.sites[0] if site is None else site
    power.set_title(f"{name}: ramps of {least:g} MW and more", loc="left", fontsize=11)
    power.set_ylabel("Power [MW]")
    chance.set(ylim=(0, 1), ylabel="Probability [1]", xlabel=f"Hour from which the ramp begins, {timezone}")
    _caveat(figure, scenarios)
    return figure


def _edges(scenarios: Scenarios, timezone: str) -> Any:
    """Beginnings of the hours, and the end of the last."""
    hours = scenarios.valid_times
    return hours.append(hours[-1:] + pd.Timedelta(hours=scenarios.hours)).tz_convert(times.zone(timezone))


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
    if area is not None and area not in plan.system.area_names:
        raise SchemaError(
            f"The area {area!r} is asked for.",
            f"There are {list(plan.system.area_names)}.",
            "Name one of them.",
        )
    rows = plan.dispatch if area is None else plan.dispatch[plan.dispatch["area"] == area]
    sums = rows.groupby(["scenario", "kind", "valid_time"], sort=False)["power"].sum().unstack("valid_time")
    given, taken = (side.groupby("kind").mean() for side in (sums.clip(lower=0.0), sums.clip(upper=0.0)))
    width = times.duration(f"{plan.hours * 60:g}min")
    edges = plan.valid_times.append(plan.valid_times[-1:] + width).tz_convert(times.zone(timezone))
    figure, axes = _figure(9.0, 5.0)
    axes.step(edges, _stairs(-taken.loc["demand"].to_numpy()), where="post", color="black", label="demand")
    for side in (given, taken):
        base = np.zeros(len(plan.valid_times))
        for kind in _KINDS:
            if kind in side.index and side.loc[kind].abs().max() > 1e-3:
                top = base + side.loc[kind].to_numpy()
                shown = kind not in axes.get_legend_handles_labels()[1]
                axes.fill_between(
                    edges,
                    _stairs(base),
                    _stairs(top),
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
    _time_axis(axes, timezone)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    _caveats(figure, plan.caveats)
    return figure


#: Ways to plan, told apart by line and colour.
_WAYS: Final = (
    (_FORECAST, "-"),
    ("#44aa99", "--"),
    (_OUTCOME, "-."),
    ("0.25", ":"),
    ("#aa4499", "-"),
    ("#ddaa33", "--"),
)


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
    if name not in known:
        raise SchemaError(f"The storage {name!r} is asked for.", f"There are {known}.", "Name one of them.")
    figure, axes = _figure()
    for (label, plan), (colour, line) in zip(plans.items(), itertools.cycle(_WAYS), strict=False):
        rows = plan.storage[plan.storage["component"] == name]
        level = rows.groupby("valid_time")["level"].mean()
        ends = pd.DatetimeIndex(level.index) + pd.Timedelta(hours=plan.hours)
        axes.plot(
            ends.tz_convert(times.zone(timezone)),
            level.to_numpy(),
            color=colour,
            linestyle=line,
            linewidth=1.5,
            label=label,
        )
    axes.set_ylim(bottom=0)
    axes.set_title(f"{name}: level", loc="left", fontsize=11)
    axes.set(ylabel="Energy [MWh]", xlabel=f"End of the hour, {timezone}")
    _time_axis(axes, timezone)
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4)
    _caveats(figure, list(dict.fromkeys(line for plan in plans.values() for line in plan.caveats)))
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
    >>> [bar.get_width() for bar in costs(table).axes[0].patches]
    [20.0]
    """
    rows = table[table["regret"] > 0] if (table["regret"] > 0).any() else table
    figure, axes = _figure(8.0, 1.6 + 0.5 * len(rows))
    bars = axes.barh(list(rows.index), rows["regret"].to_numpy(), color=_FORECAST, height=0.6)
    least = float((table["total"] - table["regret"]).iloc[0])
    marks = [f"{value:,.0f} ({value / least:.2%})" for value in rows["regret"]]
    axes.bar_label(bars, marks, padding=4, fontsize=9)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.25)
    axes.set_title(f"Cost beyond perfect foresight, which costs {least:,.0f}", loc="left", fontsize=11)
    axes.set_xlabel("[currency]")
    _caveats(figure, caveats)
    return figure


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
    >>> from energyforecast.testing import example_forecast
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(fan_chart(example_forecast()), folder + "/farm.png").read_bytes()[1:4]
    b'PNG'
    """
    target = Path(path)
    figure.savefig(target, dpi=130)
    return target
