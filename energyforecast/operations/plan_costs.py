"""Cost of imbalance of the schedules that were archived, under the terms of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from energyforecast.configuration import Configuration
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.operations.known_outcomes import reasons_left_out

if TYPE_CHECKING:
    from energyforecast.archive import Archive

__all__ = ["plan_costs"]

_COLUMNS: Final = ("site", "energy", "cost", "cost_of_median", "cost_per_mwh", "within_band", "n")


def plan_costs(
    archive: Archive,
    settings: Configuration,
    outcomes: Mapping[str, Observations],
    *,
    since: pd.Timestamp,
    as_of: pd.Timestamp,
) -> pd.DataFrame:
    """Cost of each site's schedule over the hours from one moment to another; empty without plans."""
    terms = None if settings.plan is None else settings.plan.schedule
    rows = [] if terms is None else _schedules(archive, since=since, as_of=as_of)
    if not rows or terms is None:
        return pd.DataFrame(columns=list(_COLUMNS))
    every = pd.concat(rows, ignore_index=True)
    known = {site.name: site for site in settings.sites if site.name in outcomes}
    return pd.DataFrame(
        [
            _of_site(part, known[str(name)], outcomes[str(name)], terms, until=as_of)
            for name, part in every.groupby("site", sort=False)
            if name in known
        ],
        columns=list(_COLUMNS),
    )


def _schedules(archive: Archive, *, since: pd.Timestamp, as_of: pd.Timestamp) -> list[pd.DataFrame]:
    """Schedules of the newest plan of each hour that was recorded before it began."""
    records = archive.plans()
    reach = since - pd.Timedelta("40D")
    chosen = records[(records["issue_time"] >= reach) & (records["recorded_time"] <= as_of)]
    found = []
    for row in chosen.sort_values(["issue_time", "revision"]).itertuples():
        tables = archive.plan(str(row.name), issue_time=row.issue_time, as_of=row.recorded_time)
        table = tables.get("schedules")
        if table is not None:
            inside = (table["valid_time"] >= max(since, row.recorded_time)) & (table["valid_time"] < as_of)
            found.append(table[inside].assign(issue_time=row.issue_time, recorded=row.recorded_time))
    if not found:
        return []
    every = pd.concat(found, ignore_index=True)
    return [every.drop_duplicates(["site", "valid_time"], keep="last")]


def _of_site(
    rows: pd.DataFrame, site: Site, observed: Observations, terms: Any, *, until: pd.Timestamp
) -> dict[str, Any]:
    """Cost of the schedule of one site, and that of its median."""
    step = observed.frequency
    rows = rows[(rows["valid_time"] + step <= until) & rows["valid_time"].isin(observed.index)]
    hours = pd.DatetimeIndex(rows["valid_time"])
    free = reasons_left_out(observed, site, hours) == ""
    rows, hours = rows[free], hours[free]
    outcome = observed.value_at(site.name, hours)
    given: dict[str, Any] = {"kind": site.kind, "hours": hours, "step": step / pd.Timedelta("1h")}
    if terms.band_of == "capacity":
        given["capacity"] = site.capacity_at(hours.to_numpy())
    cost, of_median = (
        float(np.nansum(terms.cost(outcome, rows[name].to_numpy(dtype=float), **given)))
        for name in ("schedule", "median")
    )
    energy = float(np.nansum(outcome) * given["step"])
    limits = {"capacity": given["capacity"]} if "capacity" in given else {}
    within = terms.within(outcome, rows["schedule"].to_numpy(dtype=float), **limits)
    return {
        "site": site.name,
        "energy": energy,
        "cost": cost,
        "cost_of_median": of_median,
        "cost_per_mwh": cost / energy if energy > 0 else float("nan"),
        "within_band": float(np.mean(within)) if len(within) else float("nan"),
        "n": len(rows),
    }
