"""A year of mornings in a simulated control room: forecasts that were issued, late or missed, and how good they were.

::

    python benchmarks/year_of_mornings.py [--days 365] [--seed 1] [--json FILE]

A portfolio of three kinds (synthetic wind farm of Shelek, PV plant of Kapshagay, households of Almaty) is forecast
each day at 09:00 for the next one by the daily run, with a simulated clock. Weather comes from a local server in the
form of Open-Meteo, power from a meter file that is exported each morning. Runs that are late, lost or cut, gaps,
outages, orders and stuck meters are those of the synthetic data; faults of the server, the file, disk, database, models
and processes are added at the rates of ``tests/support/morning_faults.py``. Where no disk can be mounted, those of
disks are left out. A run that is stopped by Ctrl-C is scored as far as it came.

issued            mornings with a forecast of that morning
missed            those without one
late              those with one after the deadline, 09:30
violations        mornings on which the published files, the forecast or the archive were not as they must be
faults            mornings by fault
exit_codes        calls of the run by exit code; -9 were killed
levels            forecasts of a site by fallback level
coverage_by_level share of outcomes within the 80 % interval, by fallback level and by site and level
skill_by_level    1 - CRPS / CRPS of the reference, for the same hours; the reference is the distribution of the same
                  local hour in the 28 days that were known. CRPS is that of five levels, 0.1 to 0.9

"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import energyforecast as ef

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.control_room import PUBLISHED_AFTER, ControlRoom, Portfolio, portfolio
from tests.support.morning_faults import RATES, SmallDisk
from tests.support.mornings import Morning, Mornings
from tests.support.published_checks import archived_rows, check_only_grew

START = "2024-01-01"
#: Days from which the reference is made.
REFERENCE_DAYS = 28
#: Days between two looks at every row of the archive.
LOOKS = 15
#: The daily run, with small models and few trainings.
KEYS = {"deadline": "09:30", "train_every": "61D", "train_on_drift": False, "keep": "100D"}
KEYS |= {"promotion_weeks": 2, "backtest_weeks": 2}
#: Model of each site, with intervals that are calibrated.
MODEL = {"n_estimators": 60, "folds": 2}


class Draw:
    """Faults of the mornings: each at its rate, and outages of two to five days."""

    def __init__(self, draw: random.Random, *, with_disks: bool) -> None:
        self._draw, self._left = draw, Counter[str]()
        disks = ("disk full", "read-only")
        self._rates = {name: rate for name, rate in RATES.items() if with_disks or name not in disks}

    def __call__(self) -> tuple[str, ...]:
        """Faults of the next morning."""
        found = []
        for name, rate in self._rates.items():
            if self._left[name] > 0:
                self._left[name] -= 1
                found.append(name)
            elif self._draw.random() < rate:
                self._left[name] = self._draw.randint(1, 4) if name.endswith("for days") else 0
                found.append(name)
        return tuple(found)


def reference(held: Portfolio, forecast: ef.Forecast, timezone: str) -> ef.Forecast:
    """Quantiles of the outcomes of the same local hour in the newest days that were known at the issue."""
    data = forecast.data.transpose("site", "issue_time", "lead_time", "quantile")
    result = data.copy(data=np.full_like(data.values, np.nan))
    highest = data["capacity"].fillna(np.inf).values[:, None]
    for k, issue in enumerate(pd.DatetimeIndex(data["issue_time"].values).tz_localize("UTC")):
        known = held.measured[: issue - pd.Timedelta(PUBLISHED_AFTER + 1, "h")].iloc[-24 * REFERENCE_DAYS :]
        table = known.groupby(known.index.tz_convert(timezone).hour).quantile(list(data["quantile"].values))
        valid = pd.DatetimeIndex(data["valid_time"].values[k]).tz_localize("UTC").tz_convert(timezone)
        for j in np.flatnonzero(np.isfinite(data.values[0, k, :, 0])):
            found = table.loc[valid[j].hour][list(data["site"].values)].to_numpy().T
            result.values[:, k, j] = np.clip(found, 0.0, highest)
    return ef.Forecast(result)


def joined(mornings: list[Morning]) -> ef.Forecast:
    """The forecasts of all mornings as one."""
    bare = [
        _at_nominal(morning.forecast.data, morning.issue)
        for morning in mornings
        if morning.forecast is not None
    ]
    whole = xr.concat(
        bare, "issue_time", coords="minimal", compat="override", join="outer", combine_attrs="override"
    )
    inside = whole.notnull().all(["site", "quantile"]).transpose("issue_time", "lead_time")
    valid = whole["issue_time"].values[:, None] + whole["lead_time"].values
    valid = np.where(inside.values, valid, np.datetime64("NaT"))
    return ef.Forecast(whole.assign_coords(valid_time=(("issue_time", "lead_time"), valid)))


def _at_nominal(data: xr.DataArray, issue: pd.Timestamp) -> xr.DataArray:
    """A forecast of some seconds or minutes after the issue time as one of this time."""
    moment = np.array([issue.tz_localize(None)], dtype="datetime64[ns]")
    valid = data["valid_time"].values[0]
    inside = ~np.isnat(valid)
    part = data.drop_vars("valid_time").isel(lead_time=inside)
    return part.assign_coords(issue_time=moment, lead_time=valid[inside] - moment[0])


def scored(held: Portfolio, forecast: ef.Forecast, timezone: str) -> dict[str, Any]:
    """Coverage and skill by level of the ladder, of all sites and of each."""
    used = held.measured.clip(lower=0.0)  # at night plants use some power
    observed = ef.Observations(used, published_after=f"{PUBLISHED_AFTER}h", frequency="1h")
    compared = reference(held, forecast, timezone)
    by = ["site", "quality"]
    cover = ef.evaluation.coverage(observed, forecast, interval=0.8, by=by).query("n > 0")
    crps, theirs = (
        ef.evaluation.score("crps", observed, one, by=by).query("n > 0") for one in (forecast, compared)
    )
    loss = crps.assign(ratio=crps["value"].to_numpy() / theirs["value"].to_numpy())
    return {
        "coverage_by_level": _by_level(cover.assign(share=cover["value"]), "share"),
        "skill_by_level": _by_level(loss.assign(skill=1 - loss["ratio"]), "skill"),
    }


def _by_level(table: pd.DataFrame, column: str) -> dict[str, Any]:
    """Values by level: means of the sites, weighted with their hours, and of each site."""
    result: dict[str, Any] = {}
    for level, rows in table.groupby("quality"):
        mean = float(np.average(rows[column], weights=rows["n"]))
        result[f"level {level}"] = {"value": round(mean, 4), "n": int(rows["n"].sum())} | {
            site: {"value": round(value, 4), "n": int(n)}
            for site, value, n in zip(rows["site"], rows[column], rows["n"], strict=True)
        }
    return result


def simulate(*, days: int, seed: int, folder: Path, shows: bool = True) -> dict[str, Any]:
    """A number of mornings, with all that was counted."""
    begun, used = time.monotonic(), time.process_time()
    held = portfolio(seed=seed, start=START, days=days)
    mornings: list[Morning] = []
    violations: list[str] = []
    rows: dict[str, set[tuple[object, ...]]] = {}
    with SmallDisk(folder) as disk, ControlRoom(folder, held, start=START, keys=KEYS, model=MODEL) as room:
        draw = random.Random(seed)  # noqa: S311  (faults of a simulation)
        faults, run = Draw(draw, with_disks=disk.is_mounted), Mornings(room, disk, draw)
        for day in range(days):
            chosen = faults() if day else ()
            try:
                mornings.append(run(chosen))
            except KeyboardInterrupt:
                break
            except AssertionError as error:
                violations.append(f"{room.today():%Y-%m-%d} {chosen}: {error}")
                mornings.append(Morning(room.today(), chosen, error=str(error)))
            if day % LOOKS == 0 or day == days - 1:
                found = archived_rows(room.operations / "archive.sqlite")
                try:
                    check_only_grew(rows, found)
                except AssertionError as error:
                    violations.append(f"{room.today():%Y-%m-%d}: {error}")
                rows = found
            if shows:
                _show(mornings[-1], time.monotonic() - begun)
            room.go_to(mornings[-1].issue)
            room.next_morning()
        timezone = room.timezone
        disks = disk.is_mounted
    counted = _counted(mornings) | {"violations": violations, "disk_faults": disks}
    scores = scored(held, joined(mornings), timezone)
    times = {"seconds": round(time.monotonic() - begun), "cpu_seconds": round(time.process_time() - used)}
    return {"days": len(mornings), "seed": seed} | counted | scores | times


def _counted(mornings: list[Morning]) -> dict[str, Any]:
    issued = [morning for morning in mornings if morning.forecast is not None]
    levels = Counter(
        int(level) for morning in issued for level in morning.forecast.data["fallback_level"].values[:, 0]
    )
    return {
        "issued": len(issued),
        "missed": len(mornings) - len(issued),
        "late": sum(morning.is_late for morning in issued),
        "missed_on": [
            f"{one.issue:%Y-%m-%d} {one.faults} {one.error}" for one in mornings if one.forecast is None
        ],
        "late_on": [f"{one.issue:%Y-%m-%d} {one.faults}" for one in issued if one.is_late],
        "faults": dict(sorted(Counter(name for one in mornings for name in one.faults).items())),
        "mornings_without_a_fault": sum(not one.faults for one in mornings),
        "exit_codes": {
            str(code): n for code, n in sorted(Counter(c for one in mornings for c in one.codes).items())
        },
        "levels": {str(level): levels[level] for level in sorted(levels)},
    }


def _show(morning: Morning, seconds: float) -> None:
    levels = [] if morning.forecast is None else morning.forecast.data["fallback_level"].values[:, 0].tolist()
    late = " LATE" if morning.is_late else ""
    faults = ", ".join(morning.faults)
    print(
        f"{morning.issue:%Y-%m-%d} {seconds:6.0f} s  codes {morning.codes} levels {levels}{late} {faults}",
        flush=True,
    )


def main() -> None:
    """Simulate, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        result = simulate(days=given.days, seed=given.seed, folder=Path(name, "room"))
    text = json.dumps(result, indent=1, ensure_ascii=False)
    print(text)
    if given.json is not None:
        given.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
