"""The page "First tries" of the documentation, from the figures of ``first_try.py``."""

# ruff: noqa: E501  (paragraphs of the page)
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import first_try_parts
import numpy as np

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results" / "first_try"
PAGE: Final = ROOT / "docs" / "benchmarks" / "first_try.md"
NOW, BEFORE, OTHERS = (RESULTS / f"{name}.json" for name in ("now", "before", "others"))
DEFAULT, HAND = "default", "hand-written"
#: Commit of rows that do not hold theirs.
EARLIER: Final = "`d4ea42a` or earlier"

LIBRARIES: Final = """## Other libraries

OpenSTEF and skforecast, by `benchmarks/first_try_others.py`, on the first three weeks that are forecast, with the same fits (defaults as of commit `f3a9ee4`):

```sh
{command}
```

Each runs in an environment of its own, with the same outcomes and weather at the same issue times, and gives the same levels. **skforecast** is its recursive forecaster
with LightGBM, the errors of the last fifth of the history, and calendar and weather as exogenous variables; **skforecast, quantiles** fits LightGBM's quantile regression for each level, with lags that are known for
the whole day. **OpenSTEF** has its own features, holidays and settings, and the weather that it has names for (no wind direction): of version 3 the operational pipelines, of version 4 the presets of XGBoost and of the linear booster. All have settings of their own by
default: whoever tunes them gets better scores. OpenSTEF 3 draws its validation days by chance: two runs with the same input differed by 3 %. Pinball loss; in brackets the coverage of the central 80 %, and CPU seconds of fit and forecasts.
"""

HEAD: Final = """# First tries

What a new user gets from the defaults on data that nobody tuned on, compared with a LightGBM that a competent modeller writes by hand in an
afternoon, from the same information:

```sh
{command}
```

The data is not part of the project; the script reads each folder of `DIR` by the form of its files, and further files of a form may be laid there. The
last third of each record is forecast, at most a year, with a fit each month, or two where more than five months are forecast. Of each PV plant the first 1, 2, 4, 6 and 9
months are learnt, and the two months after them are forecast. Of consumers (`consumption`) the last four months are forecast with a fit each month, and the four weeks after the first 1, 4 and 13 weeks with one fit. The weather of `nl_gridpoints`, `vic_elec` and `pvanalytics` is measured or analysed: those scores
are not forecast skill. Settings are never chosen by data set; but the structures of the defaults
were compared on earlier parts of these series, and some rules after a look at the forecast part, so that the figures are somewhat optimistic.

**Default** is `ef.Forecaster(site, task)` in `ef.backtest`. **Hand-written** are the models of `benchmarks/first_try_opponents.py`: a departure from the newest day
(load), from the newest value (intraday), or a share of the irradiance of a clear sky (PV), with a booster for each level, whose length is chosen on the last fifth of the
history. Both meet the same hours. Pinball losses are means over the levels 0.05 to 0.95, of PV in daylight, in MW, of consumers in kW, or in shares of capacity. The interval of the change is a bootstrap of
blocks of seven days. Coverages share ties; in brackets is the season in which they are furthest off.
"""


def by_case(figures: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Rows by data set, series and task."""
    return {(row["data"], row["series"], row["task"]): row for row in figures["cases"]}


def page(
    figures: dict[str, Any], before: dict[str, Any] | None = None, others: dict[str, Any] | None = None
) -> str:
    """The page in Markdown."""
    rows, old = by_case(figures), by_case(before or {"cases": []})
    libraries = ", ".join(f"{name} {number}" for name, number in figures["versions"].items())
    command = "python benchmarks/first_try.py --data DIR --json benchmarks/results/first_try/now.json --page"
    parts = [HEAD.format(command=command), f"Measured with {libraries}.\n", measured_at(rows)]
    parts += ["## By data set\n", overview(rows, old)]
    lost = [f"{name} ({reason})" for name, reason in figures.get("without data", {}).items()]
    parts += [f"Without data, and not measured: {', '.join(lost)}.\n"] if lost else []
    parts += ["## By series\n", details(rows, old)]
    if any(row.get("parts") for row in rows.values()):
        parts += ["## Consumers by season and type of day\n", first_try_parts.table(list(rows.values()))]
    parts += [libraries_table(others)] if others else []
    return "\n".join(parts)


def measured_at(rows: dict[tuple[str, str, str], dict[str, Any]]) -> str:
    """Commit and date of the defaults, by data set."""
    lines = ["| Measured at | on | Data |", "| --- | --- | --- |"]
    moments: dict[tuple[str, str], list[str]] = {}
    for (data, _, _), row in rows.items():
        moments.setdefault((row.get("commit", ""), row.get("date", "")), []).append(data)
    for (commit, date), sets in moments.items():
        words = f"`{commit[:7]}`" if commit else EARLIER
        counts = ", ".join(f"{name} ({sets.count(name)})" for name in dict.fromkeys(sets))
        lines.append(f"| {words} | {date or '–'} | {counts} |")
    return "\n".join([*lines, ""])


def libraries_table(others: dict[str, Any]) -> str:
    """Section of other libraries."""
    rows = others["cases"]
    names = list(dict.fromkeys(name for row in rows for name in row["models"]))
    versions = {name: number for row in rows for name, number in row.get("versions", {}).items()}
    heads = [f"{name} ({versions[name]})" if name in versions else name.capitalize() for name in names]
    command = (
        "python benchmarks/first_try.py --data DIR --models default,hand,others --quick \\\n"
        "    --python skforecast=PYTHON openstef=PYTHON openstef_models=PYTHON \\\n"
        "    --json benchmarks/results/first_try/others.json"
    )
    lines = [f"| Series, task | Hours | {' | '.join(heads)} |", f"| --- | ---: |{' ---: |' * len(names)}"]
    for row in rows:
        cells = [_of_library(row["models"].get(name)) for name in names]
        lines.append(f"| {row['data']} {row['series']}, {row['task']} | {row['n']:,} | {' | '.join(cells)} |")
    reasons = sorted(
        {f"- {name}: {why}" for row in rows for name, why in (row.get("left out") or {}).items()}
    )
    tail = ["", "Left out:", "", *reasons] if reasons else []
    return "\n".join([LIBRARIES.format(command=command), *lines, *tail, ""])


def _of_library(figures: dict[str, Any] | None) -> str:
    """Loss, coverage and seconds of a model; a dash where it was left out."""
    if figures is None:
        return "–"
    return f"{figures['pinball']:.4g} ({100 * figures['coverage 80']:.0f} %, {figures['cpu']:.0f} s)"


def overview(rows: dict[tuple[str, str, str], dict[str, Any]], old: dict[tuple[str, str, str], Any]) -> str:
    """Mean change against the hand-written model of each data set, now and before."""
    lines = [
        "| Data | Series and tasks | Change, % | Before, % | Furthest coverage of 80 % | of 90 % | CPU s |"
    ]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    means: list[tuple[float, float]] = []
    for data in dict.fromkeys(key[0] for key in rows):
        here = {key: row for key, row in rows.items() if key[0] == data and HAND in row["models"]}
        if not here:
            continue
        now = float(np.mean([_change(row["models"][DEFAULT], row) for row in here.values()]))
        then = [_change(old[key]["models"][DEFAULT], row) for key, row in here.items() if key in old]
        earlier = float(np.mean(then)) if len(then) == len(here) else np.nan
        means.append((now, earlier))
        shares = [_furthest(here, level) for level in (80, 90)]
        cpu = sum(row["models"][DEFAULT]["cpu"] for row in here.values())
        lines.append(
            f"| {data} | {len(here)} | {_signed(now)} | {_signed(earlier)} | {shares[0]} | {shares[1]} | {cpu:.0f} |"
        )
    now, earlier = (float(np.mean(column)) for column in zip(*means, strict=True))
    lines.append(
        f"| **mean of the data sets** | {len(rows)} | **{_signed(now)}** | {_signed(earlier)} | | | |"
    )
    return "\n".join([*lines, ""])


def _change(figures: dict[str, Any], row: dict[str, Any]) -> float:
    """Change of a pinball loss against that of the hand-written model. [%]"""
    return float(100 * (figures["pinball"] / row["models"][HAND]["pinball"] - 1))


def _furthest(rows: dict[tuple[str, str, str], dict[str, Any]], level: int) -> str:
    """Coverage of the series in which it is furthest from its level. [%]"""
    shares = [100 * row["models"][DEFAULT][f"coverage {level}"] for row in rows.values()]
    return f"{max(shares, key=lambda share: abs(share - level)):.0f}"


def _signed(value: float) -> str:
    """Number with its sign, empty where it is not known."""
    return "" if np.isnan(value) else f"{value:+.1f}".replace("-", "−")


def details(rows: dict[tuple[str, str, str], dict[str, Any]], old: dict[tuple[str, str, str], Any]) -> str:
    """A line for each series and task."""
    lines = [
        "| Series, task | Hours | Default | Before | Hand-written | Change, % | Best reference | 80 % | 90 % | CPU s |"
    ]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |")
    for key, row in rows.items():
        one, size = row["models"][DEFAULT], 1e3 if key[0] == "consumption" else 1.0
        earlier = f"{old[key]['models'][DEFAULT]['pinball']:.4g}" if key in old else ""
        by_hand = row["models"].get(HAND)
        others = {
            name: size * item["pinball"]
            for name, item in row["models"].items()
            if name not in (DEFAULT, HAND)
        }
        best = min(others, key=lambda name: others[name]) if others else ""
        cells = [
            f"{key[0]} {key[1]}, {key[2]}",
            f"{row['n']:,}",
            f"{size * one['pinball']:.4g}",
            earlier,
            f"{size * by_hand['pinball']:.4g}" if by_hand else "",
            _interval(row),
            f"{best} {others[best]:.4g}" if best else "",
            *(_coverage(one, level) for level in (80, 90)),
            f"{one['cpu']:.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _interval(row: dict[str, Any]) -> str:
    """Change against the hand-written model with its interval."""
    found = row.get("default against", {}).get(HAND)
    if found is None:
        return ""
    low, high = (f"{value:+.0f}".replace("-", "−") for value in found["interval"])
    return f"{_signed(found['percent'])} ({low} to {high})"


def _coverage(figures: dict[str, Any], level: int) -> str:
    """Coverage, and in brackets that of the season furthest off. [%]"""
    name = f"coverage {level}"
    seasons = [season[name] for season in figures["seasons"].values()] or [figures[name]]
    worst = max(seasons, key=lambda share: abs(share - level / 100))
    return f"{100 * figures[name]:.0f} ({100 * worst:.0f})"


def write(figures: dict[str, Any]) -> None:
    """Write the page, with the figures of the earlier default and of other libraries where they are there."""
    before, others = (
        json.loads(path.read_text(encoding="utf-8")) if path.exists() else None for path in (BEFORE, OTHERS)
    )
    PAGE.write_text(page(figures, before, others), encoding="utf-8")
