"""Quantiles and outcomes of every issue, small enough for a page: 16 bits a number."""

from __future__ import annotations

import base64
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.wording import power_unit
from energyforecast.evaluation.result import Result
from energyforecast.evaluation.score import METRICS
from energyforecast.reporting.backtest_report import tables

__all__ = ["content"]

_LEVELS: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
_MISSING: Final = 65535
#: Largest size of the fans of a page; older issues are left out. [bytes]
_ROOM: Final = 2_500_000

Array = npt.NDArray[Any]


def content(result: Result, *, model: str, room: int = _ROOM) -> dict[str, Any]:
    """Fans of one model in the form that the page draws."""
    forecast = result.forecasts[model]
    reach = forecast.quantiles[0] - 1e-9, forecast.quantiles[-1] + 1e-9
    levels = [level for level in _LEVELS if reach[0] <= level <= reach[1]]
    inside = forecast.inside
    cells = int(inside.sum(axis=1).max())
    # The lead times of an issue lie next to each other, whichever they are.
    order = np.argsort(~inside, axis=1, kind="stable")[:, :cells]
    present = np.take_along_axis(inside, order, axis=1)
    kept = min(len(order), max(1, int(room / (len(forecast.sites) * cells * (len(levels) + 1) * 8 / 3))))
    order, present = order[-kept:], present[-kept:]
    valid = np.take_along_axis(forecast.data["valid_time"].values[-kept:], order, axis=1)
    local = _local(valid, result)
    midnight = local.astype("datetime64[D]")
    cubes = np.stack([forecast.at(level).values[:, -kept:] for level in levels], axis=-1)
    scores = _scores(result, model)
    sites = []
    for k, name in enumerate(forecast.sites):
        quantiles = np.take_along_axis(cubes[k], order[..., None], axis=1)
        block = np.concatenate([quantiles, _outcome(result, name, valid)[..., None]], axis=-1)
        packed, low, unit = _packed(np.where(present[..., None], block, np.nan))
        capacity = float(forecast.data["capacity"].values[k])
        crps = [scores.get((name, moment)) for moment in forecast.issue_times[-kept:]]
        sites.append(
            {"name": name, "values": packed, "low": low, "unit": unit, "crps": crps}
            | {"capacity": capacity if np.isfinite(capacity) else None}
            | dict(zip(("scale", "power"), power_unit(_largest(block, capacity)), strict=True))
        )
    return {
        "model": model,
        "timezone": tables.timezone_of(result),
        "levels": levels,
        "cells": cells,
        "left_out": len(inside) - kept,
        "days": _base64(_coded(midnight.astype(np.int64))),
        "minutes": _base64(_coded((local - midnight).astype("timedelta64[m]").astype(np.int64))),
        "issues": _issues(local, forecast.issue_times[-kept:], result),
        "sites": sites,
    }


def _largest(values: Array, capacity: float) -> float:
    """Capacity of a site, or without one its largest power. [MW]"""
    known = np.abs(values[np.isfinite(values)])
    return capacity if np.isfinite(capacity) else float(known.max(initial=0.0))


def _local(valid: Array, result: Result) -> Array:
    """Wall times, shape of the input; NaT stays."""
    zone = timestamps.zone(tables.timezone_of(result))
    flat = pd.DatetimeIndex(valid.ravel()).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    return np.asarray(flat.to_numpy().astype("datetime64[ns]").reshape(valid.shape))


def _issues(local: Array, issued: pd.DatetimeIndex, result: Result) -> list[dict[str, str]]:
    """Day and time of issue of each fan."""
    zone = timestamps.zone(tables.timezone_of(result))
    found = []
    for first, moment in zip(local[:, 0], issued.tz_convert(zone), strict=True):
        day = pd.Timestamp(first)
        found.append({"day": f"{day:%a} {day.day} {day:%B %Y}", "issued": f"{moment:%Y-%m-%d %H:%M}"})
    return found


def _outcome(result: Result, site: str, valid: Array) -> Array:
    """Outcomes as they were measured; those set aside by their flags are missing."""
    observations = result.observations
    return outcomes_at(observations, valid, site=site, step=observations.frequency, outside="missing")


def _scores(result: Result, model: str) -> dict[tuple[str, pd.Timestamp], float]:
    """Mean CRPS of each site and issue."""
    pairs = result.pairs[model]
    crps = next(item for item in METRICS if item.name == "crps")
    frame = pairs.labels[["site", "issue_time"]].assign(crps=pairs.points(crps))
    means = frame.groupby(["site", "issue_time"])["crps"].mean()
    return {(str(site), moment): float(f"{value:.4g}") for (site, moment), value in means.items()}


def _packed(values: Array) -> tuple[str, float, float]:
    """Numbers as 16 bits between their minimum and their maximum: ``low + unit * code``."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    unit = (high - low) / (_MISSING - 1) or 1.0
    return _base64(_coded((values - low) / unit)), low, unit


def _coded(values: Array) -> Array:
    """Whole numbers; a missing one becomes the largest."""
    lost = ~np.isfinite(values) | (values < 0)  # NaT is the smallest whole number
    return np.where(lost, _MISSING, np.round(np.where(lost, 0, values))).astype("<u2")


def _base64(codes: Array) -> str:
    """Codes as text."""
    return base64.b64encode(codes.tobytes()).decode("ascii")
