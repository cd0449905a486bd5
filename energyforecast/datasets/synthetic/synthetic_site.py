"""Synthetic sites with known truth, their statistics and published targets."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import xarray as xr

from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site

__all__ = ["Statistic", "SyntheticSite", "tabulated"]


@dataclass(frozen=True)
class Statistic:
    """Statistic of a synthetic site and its target.

    Parameters
    ----------
    name : str
        Name.
    unit : str
        Its unit; ``"1"`` for shares of capacity and correlations.
    target : float
        Published or designed value.
    tolerance : float
        Allowed distance from the target over two years: a choice, wide enough for differences between seeds.
    reached : float
        Value of this site.
    basis : {"published", "design"}
        Whether the target is (or lies within) a figure published of real plants, or a design choice
        near the value of the generator, which detects changes and is no evidence of reality.

    See Also
    --------
    SyntheticSite.describe

    Examples
    --------
    >>> Statistic("mean power", "1", target=0.35, tolerance=0.03, reached=0.37).within
    True
    >>> Statistic("mean power", "1", target=0.35, tolerance=0.03, reached=0.39).within
    False
    """

    name: str
    unit: str
    target: float
    tolerance: float
    reached: float
    basis: str = "published"

    @property
    def within(self) -> bool:
        """Whether the target is reached within the tolerance."""
        return bool(abs(self.reached - self.target) <= self.tolerance)


@dataclass(frozen=True, eq=False, repr=False)
class SyntheticSite:
    """Synthetic plants or areas with known truth, reproducible from seed and version.

    Parameters
    ----------
    name : str
        Contains "synthetic".
    sites : tuple of Site
        Plants or areas; their names contain "synthetic".
    weather : dict of Dataset
        Forecasts by weather model: by issue time and lead, with ``available_time``.
    observations : Observations
        Measurements as received, with gaps and flags.
    raw : DataFrame
        Records of the logger, with their defects: local stamps without offset.
    truth : DataFrame
        True weather and power, without defects; hidden from forecasts.
    seed, version : int
        Of the generator.
    measure : callable
        Statistics of the site, with their targets.

    See Also
    --------
    shelek, kapshagay, nur_navoi, almaty, almaty_region

    Examples
    --------
    >>> from energyforecast.datasets import shelek
    >>> synthetic = shelek(hours=240)
    >>> synthetic
    SyntheticSite Shelek (synthetic): seed 1, version 1, 240 hours from 2023-01-01 00:00 UTC, weather ecmwf, icon, gfs
    >>> synthetic.site.capacity
    60.0
    """

    name: str
    sites: tuple[Site, ...]
    weather: dict[str, xr.Dataset]
    observations: Observations
    raw: pd.DataFrame
    truth: pd.DataFrame
    seed: int
    version: int
    measure: Callable[[SyntheticSite], Iterable[Statistic]] = field(kw_only=True)

    @property
    def site(self) -> Site:
        """The first site: the plant, or the whole area."""
        return self.sites[0]

    def statistics(self) -> tuple[Statistic, ...]:
        """Statistics with their targets, for two years; those of a short site may miss them."""
        return tuple(self.measure(self))

    def describe(self) -> pd.DataFrame:
        """Target, reached value and tolerance of each statistic, one per row.

        Returns
        -------
        DataFrame
            Columns ``unit``, ``target``, ``reached``, ``tolerance``, ``within`` and ``basis``.
        """
        return tabulated(self.statistics(), attrs=dict(self.truth.attrs))

    def __repr__(self) -> str:
        index = self.observations.index
        return (
            f"SyntheticSite {self.name}: seed {self.seed}, version {self.version}, {len(index)} hours from "
            f"{index[0]:%Y-%m-%d %H:%M} UTC, weather {', '.join(self.weather)}"
        )


def tabulated(statistics: Iterable[Statistic], *, attrs: dict[Hashable, Any]) -> pd.DataFrame:
    """Statistics as a table with its origin."""
    rows = [
        {
            "statistic": row.name,
            "unit": row.unit,
            "target": row.target,
            "reached": round(row.reached, 4),
            "tolerance": row.tolerance,
            "within": row.within,
            "basis": row.basis,
        }
        for row in statistics
    ]
    table = pd.DataFrame(rows).set_index("statistic")
    table.attrs = attrs
    return table
