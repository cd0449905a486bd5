"""First tries: the defaults on data that nobody tuned on, against a LightGBM written by hand for each kind of series.

For each data set in the folder (``--data``, by default that of ``ENERGYFORECAST_DATA``) the script forecasts the last
third of the record, at most a year, with fits each month (two where it is longer than five), and PV plants of which
the first 1, 2, 4, 6 and 9 months are learnt. Compared are the library's default (``Forecaster(site, task)`` in
``backtest``), its references, and the models of ``first_try_opponents.py``, on identical hours and information; with
``--models default,hand,others`` other libraries, too (``first_try_others.py``), in the interpreters of ``--python``.
Further files of the same form may be laid into the folders; ``first_try_data.py`` reads them.

Scores: mean pinball loss over the levels 0.05 to 0.95, mean absolute error and bias of the median, coverage of the
central 80 and 90 % (ties share it) overall and in the season where it is furthest off, CPU seconds of features, fits
and forecasts together. The change of the default against the hand-written model has an interval of 95 % from blocks
of seven days, both models on the same days. Consumers have the losses by season and type of day as well (``--parts``).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import first_try_data as sets
import first_try_opponents as hand
import first_try_others as others
import first_try_page
import first_try_parts
import numpy as np
import numpy.typing as npt
import pandas as pd
from first_try_data import Case
from first_try_opponents import LEVELS, Rows
from joblib import Parallel, delayed
from rich.console import Console
from rich.progress import track
from rich.table import Table

import energyforecast as ef
from energyforecast.core.provenance import machine

Array = npt.NDArray[Any]
DEFAULT, HAND = "default", "hand-written"
#: Hours that a season must have for its coverage to be stated.
SEASON = 300


# -- forecasts -------------------------------------------------------------------------------------


def rows_of(case: Case) -> tuple[Rows, list[tuple[pd.Timestamp, Array, Array]]]:
    """Rows of all issues, and for each fit its time, the rows that it may learn and those that it forecasts."""
    zero = pd.Timedelta("1h")
    issued = case.task.issue_times(case.power.index[0] + zero, case.end)
    windows = case.task.windows(issued)
    issue = np.repeat(windows.issue_time, windows.inside.sum(axis=1))
    valid = windows.valid_time[windows.inside]
    step = windows.frequency.to_timedelta64()
    newest = hand.past_of(case).newest(issue)
    known, now = (
        hand.weather_at(case.weather, *moments, step) for moments in ((issue, valid), (newest, newest))
    )
    rows = Rows(issue, valid, known, now)
    tested = case.task.issue_times(case.start, case.end)
    latency = pd.Timedelta(case.observations.published_after).to_timedelta64()
    fits = []
    fold = _fold(case, tested)
    for number in np.unique(fold):
        origins = tested[fold == number].tz_convert(None).as_unit("ns").to_numpy()
        may_learn = valid + step + latency <= origins[0]
        fits.append((pd.Timestamp(origins[0], tz="UTC"), may_learn, np.isin(issue, origins)))
    return rows, fits


def _fold(case: Case, tested: pd.DatetimeIndex) -> Array:
    """Number of the fit that forecasts each origin, as in the library's backtest."""
    if isinstance(case.refit, int):
        return np.asarray(np.arange(len(tested)) // case.refit)
    first = pd.DatetimeIndex(case.task.windows(tested).valid_time[:, 0], tz="UTC")
    local = first.tz_convert(case.task.timezone)
    return np.asarray(12 * local.year + local.month)


def by_library(
    case: Case, model: ef.QuantileModel | None, rows: Rows, *, features: ef.FeatureSet | None = None
) -> Array:
    """Quantiles of a model of the library, of the default without one, shape (rows, levels). [MW]"""
    forecaster = ef.Forecaster(
        case.site,
        case.task,
        features=features,
        model=model,
        perfect_weather=case.perfect_weather,
        trust_clock=case.trust_clock,
    )
    result = ef.backtest(
        forecaster,
        case.weather,
        case.observations,
        start=case.start,
        end=case.end,
        refit=case.refit,
        missing="drop",
    )
    cube = result.forecasts["model"].data.sel(site=case.site.name, quantile=list(LEVELS), method="nearest")
    cube = cube.transpose("issue_time", "lead_time", "quantile")
    valid = cube["valid_time"].transpose("issue_time", "lead_time").values.astype("datetime64[ns]")
    issue = np.broadcast_to(cube["issue_time"].values[:, None], valid.shape).astype("datetime64[ns]")
    inside = ~np.isnat(valid)
    index = pd.MultiIndex.from_arrays([issue[inside], valid[inside]])
    place = index.get_indexer(pd.MultiIndex.from_arrays([rows.issue, rows.valid]))
    values = np.asarray(cube.values[inside], dtype=np.float64)
    return np.where((place >= 0)[:, None], values[np.maximum(place, 0)], np.nan)


def by_vendor(case: Case, rows: Rows) -> Array:
    """Point forecast of others with the quantiles of its errors at each hour before the period."""
    assert case.vendor is not None
    error = (case.power - case.vendor.reindex(case.power.index))[: case.start]
    curves = error.groupby(pd.DatetimeIndex(error.index).hour).quantile(list(LEVELS)).unstack()
    valid = pd.DatetimeIndex(rows.valid, tz="UTC")
    point = case.vendor.reindex(valid).to_numpy()
    return np.asarray(point[:, None] + curves.reindex(valid.hour).to_numpy())


def known_of(case: Case, fits: list[tuple[pd.Timestamp, Array, Array]], rows: Rows) -> others.Known:
    """What other libraries are given."""
    fold = np.full(len(rows.valid), -1)
    for number, (_, _, inside) in enumerate(fits):
        fold[inside] = number
    country, subdivision = (getattr(case.site, name, None) for name in ("country", "subdivision"))
    zone = case.site.timezone or "UTC"
    calendar = hand.calendar(rows.valid, timezone=zone, country=country, subdivision=subdivision)
    moments = {name: pd.DatetimeIndex(getattr(rows, name), tz="UTC") for name in ("issue", "valid")}
    parts = [rows.weather.reset_index(drop=True), calendar.add_prefix("calendar ").astype(float)]
    about = {
        "latitude": case.site.latitude,
        "longitude": case.site.longitude,
        "country": country,
        "latency": pd.Timedelta(case.observations.published_after) / pd.Timedelta("1min"),
    }
    table = pd.concat([pd.DataFrame({"fold": fold, **moments}), *parts], axis=1)
    return others.Known(about, case.power, table)


class Found(NamedTuple):
    """Rows of a case, whether each is forecast, quantiles and CPU seconds by model, and facts of other libraries."""

    rows: Rows
    asked: Array
    models: dict[str, tuple[Array, float]]
    #: Version of each, and the reason for which one was left out.
    versions: dict[str, str]
    left_out: dict[str, str]


def forecasts(case: Case, models: list[str], pythons: dict[str, str]) -> Found:
    """Forecasts of all models."""
    rows, fits = rows_of(case)
    asked = np.logical_or.reduce([fit[2] for fit in fits])
    makers = {}
    if "default" in models:
        makers[DEFAULT] = lambda: by_library(case, None, rows)
    if "hand" in models:
        makers[HAND] = lambda: hand.forecast(case, fits, rows)
        makers |= {
            name: lambda maker=maker: maker(case, fits, rows)
            for name, maker in hand.simple_opponents(case).items()
        }
    if "reference" in models:
        makers |= {name: lambda one=one: by_library(case, one, rows) for name, one in case.references.items()}
        if case.vendor is not None:
            makers["operator"] = lambda: by_vendor(case, rows)
    found = {}
    for name, maker in makers.items():
        begun = time.process_time()
        found[name] = (maker(), time.process_time() - begun)
    said: dict[str, others.Answer | str] = {}
    if "others" in models and case.site.kind != "demand":
        said = dict.fromkeys(others.OTHERS, "it was asked for demand alone")
    elif "others" in models:
        known = known_of(case, fits, rows)
        for name, (library, _) in others.OTHERS.items():
            said[name] = others.ask(name, pythons.get(library, sys.executable), known)
    answers = {name: one for name, one in said.items() if not isinstance(one, str)}
    found |= {name: (one.quantiles, one.cpu) for name, one in answers.items()}
    versions = {name: one.version for name, one in answers.items()}
    left_out = {name: one for name, one in said.items() if isinstance(one, str)}
    return Found(rows, asked, found, versions, left_out)


# -- scores ----------------------------------------------------------------------------------------


def pinball(outcome: Array, quantiles: Array) -> Array:
    """Mean pinball loss of the levels, of each row."""
    error, levels = outcome[:, None] - quantiles, np.array(LEVELS)
    return np.asarray(np.maximum(levels * error, (levels - 1.0) * error).mean(axis=1))


def covered(outcome: Array, quantiles: Array, level: float) -> Array:
    """Share of each outcome that lies in the central interval; one that equals several quantiles is shared.

    Examples
    --------
    >>> night = np.zeros((1, 19))  # all quantiles are 0: the outcome has the probability of every level
    >>> covered(np.zeros(1), night, 0.8).round(3).tolist()
    [0.8]
    """
    grid = np.array([0.0, *LEVELS, 1.0])
    below = grid[(quantiles < outcome[:, None]).sum(axis=1)]
    above = grid[len(grid) - 1 - (quantiles > outcome[:, None]).sum(axis=1)]
    low, high = (1 - level) / 2, (1 + level) / 2
    inside = np.clip(np.minimum(above, high) - np.maximum(below, low), 0.0, None)
    return np.asarray(inside / (above - below))


def scores(case: Case, rows: Rows, outcome: Array, quantiles: Array) -> dict[str, Any]:
    """Scores of a model on rows."""
    median = quantiles[:, LEVELS.index(0.5)]
    inside = {f"coverage {level}": covered(outcome, quantiles, level / 100) for level in (80, 90)}
    local = pd.DatetimeIndex(rows.valid, tz="UTC").tz_convert(case.site.timezone or "UTC")
    season = np.array(["December to February", "March to May", "June to August", "September to November"])[
        local.month % 12 // 3
    ]
    found: dict[str, Any] = {
        "pinball": float(pinball(outcome, quantiles).mean()),
        "mae": float(np.abs(outcome - median).mean()),
        "bias": float((median - outcome).mean()),
        **{name: float(share.mean()) for name, share in inside.items()},
    }
    found["seasons"] = {
        name: {
            "n": int((season == name).sum()),
            "pinball": float(pinball(outcome, quantiles)[season == name].mean()),
            **{key: float(share[season == name].mean()) for key, share in inside.items()},
        }
        for name in dict.fromkeys(season)
        if (season == name).sum() >= SEASON
    }
    lead = (rows.valid - rows.issue) / np.timedelta64(1, "h")
    if case.kind == "consumer":
        found["peak"] = peak(local, outcome, median)
    if lead.max() < 12:
        found["leads"] = {
            f"{one:g}": {
                "mae": float(np.abs(outcome - median)[lead == one].mean()),
                "pinball": float(pinball(outcome, quantiles)[lead == one].mean()),
                "coverage 80": float(inside["coverage 80"][lead == one].mean()),
            }
            for one in np.unique(lead)
        }
    return found


def short_scores(outcome: Array, quantiles: Array) -> dict[str, float]:
    """Pinball loss, and coverage of the central 80 %."""
    held = covered(outcome, quantiles, 0.8)
    return {"pinball": float(pinball(outcome, quantiles).mean()), "coverage 80": float(held.mean())}


def peak(local: pd.DatetimeIndex, outcome: Array, median: Array) -> dict[str, float]:
    """Mean error of the day's peak, and share of days on which its hour is that of the median's peak.

    Examples
    --------
    >>> day = pd.date_range("2024-01-01", periods=24, freq="1h", tz="UTC")
    >>> outcome = np.where(day.hour == 18, 9.0, 5.0)
    >>> peak(day, outcome, np.where(day.hour == 17, 7.0, 5.0))
    {'mae': 2.0, 'hour': 0.0, 'days': 1}
    """
    table = pd.DataFrame({"outcome": outcome, "median": median}, index=local)
    whole = table.groupby(local.date).filter(
        lambda day: len(day) >= 0.9 * table.groupby(local.date).size().max()
    )
    days = whole.groupby(whole.index.date)
    hours = days.agg(lambda values: values.idxmax().hour)
    return {
        "mae": float((days["median"].max() - days["outcome"].max()).abs().mean()),
        "hour": float((hours["median"] == hours["outcome"]).mean()),
        "days": len(hours),
    }


def interval(changed: Array, usual: Array, *, block: int = 7, draws: int = 1000) -> tuple[float, float]:
    """Interval of 95 % of the change of the mean, from days drawn in blocks that wrap around. [%]

    Examples
    --------
    >>> days = np.random.default_rng(1).uniform(1, 2, size=90)
    >>> low, high = interval(1.1 * days, days)  # a tenth more on each day
    >>> round(low, 6), round(high, 6)
    (10.0, 10.0)
    """
    rng, count = np.random.default_rng(0), len(usual)
    begins = rng.integers(0, count, size=(draws, -(-count // block)))
    days = (begins[:, :, None] + np.arange(block)).reshape(draws, -1)[:, :count] % count
    change = 100 * (changed[days].sum(axis=1) / usual[days].sum(axis=1) - 1)
    low, high = np.quantile(change, (0.025, 0.975))
    return float(low), float(high)


def comparison(rows: Rows, outcome: Array, changed: Array, usual: Array) -> dict[str, Any]:
    """Change of the pinball loss against another model, with its interval. [%]"""
    table = pd.DataFrame({"changed": pinball(outcome, changed), "usual": pinball(outcome, usual)})
    days = table.groupby(rows.valid.astype("datetime64[D]")).sum()
    change = 100 * (days["changed"].sum() / days["usual"].sum() - 1)
    low, high = interval(days["changed"].to_numpy(), days["usual"].to_numpy())
    return {"percent": float(change), "interval": (low, high), "days": len(days)}


def measure(case: Case, models: list[str], pythons: dict[str, str]) -> dict[str, Any]:
    """Figures of one case: all models on the same rows."""
    rows, asked, found, versions, left_out = forecasts(case, models, pythons)
    outcome = hand.past_of(case).at(rows.valid)
    whole = asked & np.isfinite(outcome)
    for quantiles, _ in found.values():
        whole &= np.isfinite(quantiles).all(axis=1)
    if case.kind == "PV":  # At night all models are right.
        whole &= (
            hand.clear_sky(rows.valid, case.site, case.task.frequency.to_timedelta64())["clear"].to_numpy()
            > 0
        )
    rows, outcome = (
        Rows(rows.issue[whole], rows.valid[whole], rows.weather[whole], rows.now[whole]),
        outcome[whole],
    )
    figures: dict[str, Any] = {
        "data": case.data,
        "series": case.series,
        "task": case.task_name,
        "kind": case.kind,
        "learnt from": str(case.power.index[0]),
        "start": str(case.start),
        "end": str(case.end),
        "refit": case.refit,
        "n": int(whole.sum()),
        "models": {
            name: scores(case, rows, outcome, quantiles[whole]) | {"cpu": round(cpu, 2)}
            for name, (quantiles, cpu) in found.items()
        },
    }
    if DEFAULT in found:
        figures["default against"] = {
            name: comparison(rows, outcome, found[DEFAULT][0][whole], quantiles[whole])
            for name, (quantiles, _) in found.items()
            if name != DEFAULT
        }
    if case.kind.startswith("consumer"):
        by_model = {
            name: lambda chosen, q=quantiles[whole]: short_scores(outcome[chosen], q[chosen])
            for name, (quantiles, _) in found.items()
        }
        figures["parts"] = first_try_parts.by_part(
            rows.valid, case.site, by_model, step=case.observations.frequency
        )
    if versions or left_out:
        figures |= {"versions": versions, "left out": left_out}
    return figures


# -- results ---------------------------------------------------------------------------------------


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the cases of each data set, and over the data sets."""
    against = [row for row in rows if HAND in row.get("default against", {})]
    sets_ = dict.fromkeys(row["data"] for row in against)
    by_set = {
        name: float(
            np.mean([row["default against"][HAND]["percent"] for row in against if row["data"] == name])
        )
        for name in sets_
    }
    worse = [row for row in against if row["default against"][HAND]["interval"][0] > 0]
    return {
        "default against hand-written by set, %": by_set,
        "mean over sets, %": float(np.mean(list(by_set.values()))) if by_set else None,
        "cases": len(against),
        "clearly worse than hand-written": [name_of(row) for row in worse],
    }


def name_of(row: dict[str, Any]) -> str:
    """Name of the case of a row."""
    return f"{row['data']} {row['series']}, {row['task']}"


def furthest(figures: dict[str, Any], level: int) -> float:
    """Coverage of the season in which it is furthest from its level. [%]"""
    seasons = [one[f"coverage {level}"] for one in figures["seasons"].values()] or [
        figures[f"coverage {level}"]
    ]
    return 100 * max(seasons, key=lambda share: abs(share - level / 100))


def table(rows: list[dict[str, Any]]) -> Table:
    """Table of the terminal: a line for each model of each case."""
    view = Table(title="First tries", show_lines=False)
    for name in ("case", "model", "pinball", "default against it, %", "MAE", "bias", "80 %", "90 %", "CPU s"):
        view.add_column(name, justify="left" if name in ("case", "model") else "right")
    for row in rows:
        title = f"{row['data']} {row['series']}, {row['task']} (n {row['n']})"
        for name, one in row["models"].items():
            change = row.get("default against", {}).get(name)
            words = (
                ""
                if change is None
                else f"{change['percent']:+.1f} ({change['interval'][0]:+.0f} to {change['interval'][1]:+.0f})"
            )
            coverage = [
                f"{100 * one[f'coverage {level}']:.0f} ({furthest(one, level):.0f})" for level in (80, 90)
            ]
            numbers = [f"{one['mae']:.4g}", f"{one['bias']:+.3g}", *coverage, f"{one['cpu']:.1f}"]
            view.add_row(title, name, f"{one['pinball']:.4g}", words, *numbers)
            title = ""
        view.add_section()
    return view


def run(
    cases: list[Case], models: list[str], *, pythons: dict[str, str], jobs: int = 1
) -> Iterator[dict[str, Any]]:
    """Figures of each case, as they are done."""
    yield from Parallel(n_jobs=jobs, return_as="generator")(
        delayed(measure)(case, models, pythons) for case in cases
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA"), help="folder of the data"
    )
    parser.add_argument(
        "--json", type=Path, help="write the figures here, after each case; with --only others are kept"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="cases whose name has one of these words")
    parser.add_argument("--models", default="default,hand,reference", help="with commas; and others")
    parser.add_argument(
        "--python", nargs="+", default=[], metavar="LIBRARY=PATH", help="interpreters of other libraries"
    )
    parser.add_argument("--quick", action="store_true", help="forecast three weeks of each case")
    parser.add_argument(
        "--parts", action="store_true", help="print consumers by season and type of day, in Markdown"
    )
    parser.add_argument("--page", action="store_true", help="write the page of the documentation, too")
    parser.add_argument("--page-only", action="store_true", help="write it from the figures that are there")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    if options.page_only:
        first_try_page.write(json.loads(first_try_page.NOW.read_text(encoding="utf-8")))
        return
    if options.data is None:
        parser.error("give --data DIR, or set ENERGYFORECAST_DATA")
    cases = sets.cases(options.data, options.only)
    cases = [case.quick() for case in cases] if options.quick else cases
    libraries = {name: version(name) for name in ("lightgbm", "numpy", "pandas", "scikit-learn")}
    rows: list[dict[str, Any]] = []
    found: dict[str, Any] = {
        "versions": {"energyforecast": ef.__version__} | libraries,
        "without data": {} if options.only else sets.without_data(options.data),
        "cases": rows,
    }
    measured = {case.name for case in cases}
    about = {"commit": machine().get("commit", ""), "date": f"{pd.Timestamp.now('UTC'):%Y-%m-%d}"}
    if options.json and options.json.exists() and options.only:
        earlier = json.loads(options.json.read_text(encoding="utf-8"))
        rows += [row for row in earlier["cases"] if name_of(row) not in measured]
        found["without data"] = earlier.get("without data", {})
    console = Console(width=None if os.isatty(1) else 170)
    for row in track(
        run(
            cases,
            options.models.split(","),
            pythons=dict(pair.split("=", 1) for pair in options.python),
            jobs=options.jobs,
        ),
        total=len(cases),
        console=Console(stderr=True),
    ):
        rows.append(row | about)
        found["summary"] = summary(rows)
        if options.json:  # After each case: an interrupted run leaves those that are done.
            options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.page:
        first_try_page.write(found)
    console.print(table([row for row in rows if name_of(row) in measured]))
    if options.parts:
        console.print(first_try_parts.table(rows), soft_wrap=True, markup=False)
    console.print_json(json.dumps(found.get("summary", {}) | {"without data": found["without data"]}))


if __name__ == "__main__":
    main()
