"""How often should a forecaster be fitted again, by the length of its history?

From each age of a site, four weeks are forecast day-ahead by its defaults: with one fit, with one a fortnight, and with
one a week, each on all that was published by then. Sites are the farm that the library holds and, with ``--data``, the
series of ``first_try_data.py`` (at most three of a data set) and two wind farms of GEFCom2014 with a run a day.
`change` is that of the mean pinball loss (0.01 to 0.99) against one fit in four weeks [%]; `seconds` are CPU seconds
of a fit, its features included; by months of history, changes are means over data sets of the means over their sites,
each with the standard error over data sets.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import first_try_data
import numpy as np
import numpy.typing as npt
import pandas as pd

import energyforecast as ef
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.evaluation.losses import pinball_loss

#: Months of history at the first fit, and sites of a data set, at most.
AGES, SITES = (1, 2, 4, 8), 3
WEEK = pd.Timedelta("7D")
#: Number of the week whose fit forecasts each of the four weeks.
SCHEDULES = {"once": (0, 0, 0, 0), "fortnightly": (0, 0, 2, 2), "weekly": (0, 1, 2, 3)}


class Series(NamedTuple):
    """A site with its weather and its outcomes."""

    data: str
    forecaster: ef.Forecaster
    weather: Any
    power: ef.Observations


def wind(folder: Path | None) -> Iterator[Series]:
    """La Haute Borne with perfect weather, and two farms of GEFCom2014."""
    site, weather, power = ef.datasets.la_haute_borne()
    task = ef.day_ahead("09:00", timezone="Europe/Paris")
    yield Series("La Haute Borne", ef.Forecaster(site, task, perfect_weather=True), weather, power)
    if folder is None or not (folder / "gefcom2014").is_dir():
        return
    data = ef.competitions.read_gefcom2014_wind(folder, information="operational")
    for zone in ("zone 2", "zone 7"):
        forecaster = ef.Forecaster(
            data.site(zone),
            ef.day_ahead("00:00", timezone="UTC", first_day=0),
            neighbours=data.others(zone),
            trust_clock=True,
        )
        power = ef.Observations(data.observations.values[[zone]], published_after="1h")
        yield Series("gefcom2014 wind", forecaster, data.weather, power)


def every(folder: Path | None, only: list[str]) -> Iterator[Series]:
    """All series whose data set is asked for."""

    def asked(name: str) -> bool:
        return not only or any(word in name for word in only)

    yield from (item for item in wind(folder) if asked(item.data))
    seen, count = set(), Counter[str]()
    for case in first_try_data.cases(folder, only or None) if folder is not None else ():
        mark = (case.data, case.series)
        if mark in seen or not case.task_name.startswith("day ahead") or count[case.data] == SITES:
            continue
        seen.add(mark)
        count[case.data] += 1
        forecaster = ef.Forecaster(
            case.site, case.task, perfect_weather=case.perfect_weather, trust_clock=case.trust_clock
        )
        yield Series(case.data, forecaster, case.weather, case.observations)


def losses(series: Series, start: pd.Timestamp) -> tuple[pd.DataFrame, float]:
    """Loss of each issue by schedule, and CPU seconds of a fit."""
    by_fit, seconds = [], []
    for number in range(4):
        begun = time.process_time()
        fit = start + number * WEEK
        series.forecaster.fit(series.weather, series.power, as_of=fit, missing="drop")
        seconds.append(time.process_time() - begun)
        # The first fit forecasts all weeks, the third two, the others their own.
        last = fit + {0: 4, 2: 2}.get(number, 1) * WEEK
        by_fit.append(_issued(series, fit, last))
    week = (by_fit[0].index - start) // WEEK
    chosen = {
        name: pd.concat([by_fit[fit].reindex(by_fit[0].index[week == k]) for k, fit in enumerate(fits)])
        for name, fits in SCHEDULES.items()
    }
    return pd.DataFrame(chosen), float(np.mean(seconds))


def _issued(series: Series, first: pd.Timestamp, last: pd.Timestamp) -> pd.Series:
    """Mean pinball loss of each issue from the first to before the last."""
    forecaster = series.forecaster
    site, issued = forecaster.sites[0].name, forecaster.task.issue_times(first, last)
    issued = issued[(issued >= first) & (issued < last)]
    forecast = forecaster.predict(series.weather, series.power, issue_time=issued, strict=False)
    cube = forecast.data.sel(site=site).transpose("issue_time", "lead_time", "quantile")
    valid = cube["valid_time"].transpose("issue_time", "lead_time").values
    quantiles: npt.NDArray[Any] = np.asarray(cube.values, dtype=float).reshape(valid.size, -1)
    observed = series.power.value_at(site, valid.ravel(), outside="missing")
    loss = pd.Series(pinball_loss(observed, quantiles, PERCENTILES).mean(axis=1))
    return loss.groupby(np.repeat(np.arange(len(issued)), valid.shape[1])).mean().set_axis(issued)


def measure(folder: Path | None, only: list[str]) -> list[dict[str, Any]]:
    """Changes of the loss by series and months of history."""
    rows = []
    for series in every(folder, only):
        site = series.forecaster.sites[0].name
        known = first_try_data.known(series.power.values[site])
        for months in AGES:
            start = (known[0] + pd.Timedelta(days=30.5 * months)).normalize()
            if start + 4.5 * WEEK > known[-1]:
                continue
            table, seconds = losses(series, start)
            table = table.dropna()
            row: dict[str, Any] = {"data": series.data, "site": site, "months": months, "days": len(table)}
            for name in ("fortnightly", "weekly"):
                row[name] = round(float(100 * (table[name].mean() / table["once"].mean() - 1)), 2)
            rows.append(row | {"loss": round(float(table["once"].mean()), 5), "seconds": round(seconds, 2)})
            print(rows[-1], flush=True)
    return rows


def by_months(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over data sets by months of history."""
    found = []
    for months, part in pd.DataFrame(rows).groupby("months"):
        sets = part.groupby("data")[["fortnightly", "weekly", "seconds"]].mean()
        row = {"months": months, "data sets": len(sets), "sites": len(part)}
        row |= {name: round(float(value), 2) for name, value in sets.mean().items()}
        row |= {f"{name}_error": round(float(sets[name].sem()), 2) for name in ("fortnightly", "weekly")}
        found.append(row)
    return found


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with the data sets")
    parser.add_argument("--only", nargs="*", default=[], help="data sets whose name holds one of these")
    parser.add_argument("--json", type=Path, help="file for the figures")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", ef.errors.UncalibratedWarning)
    rows = measure(asked.data, asked.only)
    report = {"by_months": by_months(rows), "rows": rows}
    print(pd.DataFrame(report["by_months"]).to_string(index=False))
    if asked.json is not None:
        asked.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
