"""Checks of measured power: names, units and bounds of each site."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from energyforecast.core.sites import Site
from energyforecast.core.solar_clock import _ENOUGH
from energyforecast.errors import RangeError, SchemaError, UnitsError

__all__ = ["check_observations"]


def check_observations(
    values: pd.DataFrame,
    *,
    sites: Sequence[Site],
    unfit: pd.DataFrame | None = None,
    label: str = "observations",
) -> None:
    """Refuse power that lacks a site, is not in MW, or exceeds 1.2 of the capacity; `unfit` cells are exempt."""
    for site in sites:
        if site.name not in values.columns:
            raise SchemaError(
                f"{label} has the columns {list(values.columns)}, without {site.name!r}.",
                "There is a column for each site.",
                "Rename the columns to the names of the sites.",
            )
        if site.capacity is not None:
            column = values[site.name]
            _check_capacity(
                column if unfit is None else column[~unfit[site.name]], site, site.capacity, label
            )


def _check_capacity(fit: pd.Series, site: Site, capacity: float, label: str) -> None:
    largest = float(fit.abs().max())
    if not np.isfinite(largest):
        return
    ratio, when = largest / capacity, fit.abs().idxmax()
    if ratio > 20:
        raise UnitsError(
            f"{label} of site {site.name!r} reaches {largest:g} MW at {when}, {ratio:.0f} times its {capacity:g} MW.",
            "energyforecast expects MW; this looks like kW.",
            "Divide by 1000, or read with energyforecast.read_power(..., unit='kW').",
        )
    if len(fit) >= _ENOUGH and 0 < ratio < 1 / 200:
        raise UnitsError(
            f"{label} of site {site.name!r} never exceeds {largest:g} MW, {ratio:.4f} of its {capacity:g} MW.",
            "energyforecast expects MW; this looks like GW, or the capacity like kW.",
            "Correct the unit of the power or of the capacity.",
        )
    if ratio > 1.2:
        raise RangeError(
            f"{label} of site {site.name!r} is {fit[when]:g} MW at {when}, above its {capacity:g} MW.",
            "Power stays below 1.2 times the capacity in absolute value.",
            "Correct the capacity, or flag these hours with Flag.ABOVE_CAPACITY.",
        )
