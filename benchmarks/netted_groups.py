"""Intervals of consumers and of their sum: power of the hour, energy and peak of the day.

::

    python benchmarks/netted_groups.py --data DIR [--mixed] [--json FILE] [--figure FILE]

DIR holds one or several tables ``households*.parquet``: a column ``time`` (UTC, beginnings of hours) and one in Wh for
each household. With ``--mixed`` all consumers of DIR, as ``first_try_consumers.py`` reads them, are one portfolio: each
divided by its mean, on its own standard clock, and moved by whole weeks to one year, without holidays.

Each consumer is forecast day ahead by the default without weather; five months are learnt, the next three are scored,
with monthly refits. Scenarios of all together take the dependence that

- ``independent``: there is none, for comparison;
- ``own``: the forecast carries, learnt by the first fit from outcomes that its models had not learnt;
- ``past``: a copula has learnt from the scored forecasts of earlier months, from the second month on.

``reconciled``: the sum is forecast on its own, too, and scenarios of all are reconciled by MinT, with residuals of the
earlier months. Shown are the coverage of the central 50, 80 and 90 %, 95 % intervals of that of 80 % from days drawn in
blocks of a week, and the mean pinball loss.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from first_try_consumers import consumption

import energyforecast as ef
from energyforecast.core.alignment import outcomes_at
from energyforecast.evaluation.bootstrap import block_draws
from energyforecast.evaluation.losses import pinball_loss
from energyforecast.planning import (
    GaussianCopula,
    Independence,
    hindcast_residuals,
    reconcile,
    sample_scenarios,
)

CALIFORNIA = {"latitude": 34.0, "longitude": -118.0, "country": "US", "timezone": "America/Los_Angeles"}
NOWHERE = {"latitude": 35.0, "longitude": 0.0, "timezone": "UTC"}
#: A Monday; consumers are moved to begin within half a week of it.
FIRST = pd.Timestamp("2018-01-01", tz="UTC")
LEVELS = np.arange(1, 100) / 100
ALL = "all"
SCENARIOS = 300


def households(folder: Path) -> pd.DataFrame:
    """Power of each household, and of all together. [MW]"""
    tables = [pd.read_parquet(path).set_index("time") for path in sorted(folder.rglob("households*.parquet"))]
    if not tables:
        raise SystemExit(f"There is no households*.parquet in {folder}.")
    power = pd.concat(tables, axis=1) / 1e6
    power.index = pd.DatetimeIndex(power.index, tz="UTC") if power.index.tz is None else power.index
    return power.assign(**{ALL: power.sum(axis=1, skipna=False)})


def portfolio(folder: Path) -> pd.DataFrame:
    """Power of each consumer in units of its mean, on one clock, and of all together. [MW]"""
    columns = {}
    for case in consumption(folder):
        if case.task_name == "day ahead":
            power = case.power.resample("1h").mean()
            clock = power.index + power.index[0].tz_convert(case.site.timezone).utcoffset()
            weeks = round((FIRST - clock[0]) / pd.Timedelta("7D"))
            moved = power.set_axis(clock + weeks * pd.Timedelta("7D"))
            columns[case.site.name] = moved / moved.mean()
    power = pd.concat(columns, axis=1, join="inner")[FIRST:].interpolate(limit=3)
    return power.assign(**{ALL: power.sum(axis=1, skipna=False)})


def backtest(power: pd.DataFrame, area: dict[str, Any]) -> ef.Result:
    """Default forecasts of the three months after the first five."""
    sites = [ef.DemandArea(name=name, **area) for name in power]
    task = ef.day_ahead("09:00", timezone=area["timezone"])
    observations = ef.Observations(power, published_after="2h")
    first = power.index[0].tz_convert(area["timezone"])
    start, end = (f"{first + pd.DateOffset(months=months):%Y-%m}" for months in (5, 7))
    return ef.backtest(ef.Forecaster(sites, task), None, observations, start=start, end=end, refit="MS")


def of_sites(forecast: ef.Forecast, names: list[str]) -> ef.Forecast:
    """The forecasts of some sites."""
    return ef.Forecast(forecast.data.sel(site=names))


def scenarios_of(result: ef.Result, way: str) -> Iterator[ef.Scenarios]:
    """Scenarios of each issue, with the sum of all households."""
    (forecast,) = result.forecasts.values()
    parts = [name for name in forecast.sites if name != ALL]
    chosen = forecast if way == "reconciled" else of_sites(forecast, parts)
    known: dict[str, Any] = {}
    zone = str(forecast.data.attrs["timezone"])
    for issue in forecast.issue_times:
        month = f"{issue.tz_convert(zone):%Y-%m}-01"
        if way == "own":
            dependence: Any = GaussianCopula.of(chosen)
        elif way == "independent":
            dependence = Independence()
        elif (until := pd.Timestamp(month, tz=zone)) < forecast.issue_times[0] + pd.Timedelta("20D"):
            continue
        else:
            if month not in known:
                copula = GaussianCopula.fit(chosen, result.observations, until=until)
                known[month] = copula, hindcast_residuals(chosen, result.observations, until=until)
            dependence = known[month][0]
        sampled = sample_scenarios(
            chosen, n_scenarios=SCENARIOS, dependence=dependence, issue_time=issue, tails="normal"
        )
        if way == "reconciled":
            yield reconcile(sampled, hierarchy={ALL: parts}, residuals=known[month][1], bounds=(0.0, np.inf))
        else:
            yield sampled.total({**{name: [name] for name in parts}, ALL: parts})


def scores(result: ef.Result, way: str) -> pd.DataFrame:
    """Coverage and pinball loss of each quantity and name."""
    found: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    for scenarios in scenarios_of(result, way):
        valid = scenarios.data["valid_time"].values
        for k, name in enumerate(scenarios.sites):
            x = scenarios.data.values[:, k]
            y = outcomes_at(result.observations, valid, site=name, step=pd.Timedelta("1h"), outside="missing")
            if np.isfinite(y).all():
                found.setdefault(("hour", name), []).append((y, x))
                found.setdefault(("energy", name), []).append((y.sum()[None], x.sum(axis=1)[:, None]))
                found.setdefault(("peak", name), []).append((y.max()[None], x.max(axis=1)[:, None]))
    rows = []
    for (quantity, name), days in found.items():
        y = np.concatenate([day[0] for day in days])
        curve = np.concatenate([np.quantile(day[1], LEVELS, axis=0, method="hazen").T for day in days])
        row = {"way": way, "quantity": quantity, "name": name, "n": len(y)}
        for share in (50, 80, 90):
            low, high = curve[:, 49 - share // 2], curve[:, 49 + share // 2]
            inside = (y >= low) & (y <= high)
            row[f"holds_{share}"] = round(100 * float(inside.mean()), 1)
            if share == 80:
                by_day = np.array([part.mean() for part in np.split(inside, len(days))])
                row["from_80"], row["to_80"] = _interval(by_day)
        rows.append(row | {"pinball_kw": round(1000 * float(pinball_loss(y, curve, LEVELS).mean()), 4)})
    return pd.DataFrame(rows)


def _interval(by_day: Any) -> tuple[float, float]:
    """Central 95 % of the mean over days, drawn in blocks of a week. [%]"""
    drawn = block_draws(len(by_day), block=7, draws=2000) @ by_day / len(by_day)
    low, high = np.round(100 * np.quantile(drawn, [0.025, 0.975]), 1)
    return float(low), float(high)


def figure(result: ef.Result, path: Path | str, *, model: str) -> None:
    """Hours of one day of all households together, and distributions of its peak and energy."""
    from matplotlib import pyplot as plt

    forecast = result.forecasts[model]
    parts = [name for name in forecast.sites if name != ALL]
    chosen, issue = of_sites(forecast, parts), forecast.issue_times[len(forecast.issue_times) // 2]
    sampled = sample_scenarios(
        chosen, n_scenarios=1000, dependence=GaussianCopula.of(chosen), issue_time=issue, tails="normal"
    )
    x = 1000 * sampled.total({ALL: parts}).of()
    valid = sampled.data["valid_time"].values
    y = 1000 * sum(
        outcomes_at(result.observations, valid, site=name, step=pd.Timedelta("1h"), outside="missing")
        for name in parts
    )
    hours = sampled.valid_times.tz_convert(forecast.data.attrs["timezone"]).hour
    drawn, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.4), width_ratios=(2, 1, 1))
    for share, shade in ((0.9, "#c6dbec"), (0.5, "#93bcdd")):
        ends = np.quantile(x, [0.5 - share / 2, 0.5 + share / 2], axis=0)
        left.fill_between(hours, *ends, color=shade, lw=0, label=f"{share:.0%}")
    left.plot(hours, np.median(x, axis=0), color="#1f77b4", label="median")
    left.plot(hours, y, "k--", lw=1, label="outcome")
    left.set(xlabel="local hour", ylabel="power [kW]", title="hours")
    left.legend(frameon=False, fontsize=8)
    for axes, values, outcome, unit, title in (
        (middle, x.max(axis=1), y.max(), "kW", "peak of the day"),
        (right, x.sum(axis=1), y.sum(), "kWh", "energy of the day"),
    ):
        axes.hist(values, bins=30, density=True, color="#1f77b4", alpha=0.4)
        axes.axvline(outcome, color="k", ls="--", lw=1)
        axes.set(xlabel=f"[{unit}]", title=title, yticks=[])
    middle.axvline(np.median(x, axis=0).max(), color="#d62728", lw=1.2)
    middle.text(
        np.median(x, axis=0).max(),
        0,
        " highest median",
        color="#d62728",
        rotation=90,
        va="bottom",
        fontsize=8,
    )
    drawn.tight_layout()
    drawn.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds households*.parquet")
    parser.add_argument(
        "--mixed", action="store_true", help="all consumers of the folder, not the households"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--figure", type=Path, help="draw one day here")
    arguments = parser.parse_args()
    result = (
        backtest(portfolio(arguments.data), NOWHERE)
        if arguments.mixed
        else backtest(households(arguments.data), CALIFORNIA)
    )
    table = pd.concat(
        [scores(result, way) for way in ("independent", "own", "past", "reconciled")], ignore_index=True
    )
    print(table.to_string(index=False))
    if arguments.figure is not None:
        figure(result, arguments.figure, model=next(iter(result.forecasts)))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(table.to_dict("records"), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
