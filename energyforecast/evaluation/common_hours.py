"""Forecasts of several models on the hours that all of them cover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import check_same_step
from energyforecast.core.power_kinds import Kind
from energyforecast.errors import SchemaError, TimeError

__all__ = ["on_common_hours"]


def on_common_hours(
    forecasts: Mapping[str, Forecast], *, missing: Literal["error", "drop"]
) -> tuple[dict[str, Forecast], dict[str, int]]:
    """Forecasts of identical sites and hours, and the number of hours that each had more."""
    named = _of_one_kind(forecasts)
    first = next(iter(named))
    for name, other in named.items():
        check_same_step(named[first], other, name=f"The forecast {first!r}", other=repr(name))
    cells = {name: _cells_of(forecast) for name, forecast in named.items()}
    common = set.intersection(*cells.values())
    left_out = {name: len(held - common) for name, held in cells.items()}
    if (missing == "error" and any(left_out.values())) or not common:
        name, held = next((name, held) for name, held in cells.items() if held - common)
        site, hour = min(held - common)
        others = ", ".join(other for other in named if (site, hour) not in cells[other])
        raise TimeError(
            f"{name} forecasts {site!r} at {timestamps.instant(np.datetime64(hour, 'ns'))}, {others} does not "
            f"({sum(left_out.values())} such hours in all).",
            "Forecasts that are compared must cover the same sites and hours, each once.",
            "Use missing='drop' to compare them on the hours that all have.",
        )
    kept = {name: _only(forecast, common) if left_out[name] else forecast for name, forecast in named.items()}
    return kept, left_out


def _of_one_kind(forecasts: Mapping[str, Forecast]) -> dict[str, Forecast]:
    """Forecasts of the same sites, each of the kind that any of them knows."""
    known: dict[str, Kind] = {}
    for name, forecast in forecasts.items():
        for site, kind in forecast.kinds.items():
            if kind != "site" and known.setdefault(site, kind) != kind:
                raise SchemaError(
                    f"Site {site!r} is {kind} in the forecast {name!r}, and {known[site]} in another.",
                    "Forecasts that are compared must be of the same sites.",
                    "Correct it: forecast.with_kind(...).",
                )
    return {
        name: forecast.with_kind({site: known[site] for site in forecast.sites if site in known})
        for name, forecast in forecasts.items()
    }


def _cells_of(forecast: Forecast) -> set[tuple[str, int]]:
    """Sites and hours that a forecast covers."""
    hours = forecast.data["valid_time"].values[forecast.inside].astype("datetime64[ns]")
    unique = np.unique(hours)
    if len(unique) != len(hours):
        raise TimeError(
            f"A forecast covers {len(hours) - len(unique)} hours more than once.",
            "Forecasts that are compared must cover each hour once.",
            "Choose one issue for each hour.",
        )
    return {(site, int(hour)) for site in forecast.sites for hour in unique.astype("int64")}


def _only(forecast: Forecast, cells: set[tuple[str, int]]) -> Forecast:
    """The hours that are in a set for every site of the forecast."""
    data = forecast.data.copy()
    hours = np.unique([hour for _, hour in cells])
    whole = [hour for hour in hours if all((site, int(hour)) in cells for site in forecast.sites)]
    valid = data["valid_time"].values.astype("datetime64[ns]")
    keep = np.isin(valid.astype("int64"), whole)
    data["valid_time"] = (data["valid_time"].dims, np.where(keep, valid, np.datetime64("NaT", "ns")))
    data = data.where(xr.DataArray(keep, dims=("issue_time", "lead_time")))
    return Forecast(data.isel(issue_time=keep.any(axis=1)))
