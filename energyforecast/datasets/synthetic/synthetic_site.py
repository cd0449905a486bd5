"""Synthetic sites with known truth, their statistics and published targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.errors import RangeError, SchemaError

__all__ = ["Statistic", "SyntheticSite"]

Floats = npt.NDArray[np.float64]

#: Value of every column of origin.
SYNTHETIC: Final = "synthetic"


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
        Allowed distance from the target over two years: our choice, wide enough for what one seed
        differs from another.
    reached : float
        Value of this site.
    basis : {"published", "design"}
        Whether the target is (or lies within) a figure published of real plants, or is a choice of ours,
        near to what the generator gives: it then finds changes and says nothing about reality.

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
        """Every statistic with its target. They are meant for two years; a short synthetic site strays."""
        return tuple(self.measure(self))

    def describe(self) -> pd.DataFrame:
        """Target, reached value and tolerance of each statistic, a row each.

        Returns
        -------
        DataFrame
            Columns ``unit``, ``target``, ``reached``, ``tolerance``, ``within`` and ``basis``.
        """
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
            for row in self.statistics()
        ]
        table = pd.DataFrame(rows).set_index("statistic")
        table.attrs = dict(self.truth.attrs)
        return table

    def __repr__(self) -> str:
        index = self.observations.index
        return (
            f"SyntheticSite {self.name}: seed {self.seed}, version {self.version}, {len(index)} hours from "
            f"{index[0]:%Y-%m-%d %H:%M} UTC, weather {', '.join(self.weather)}"
        )


def provenance(name: str, *, seed: int, version: int) -> dict[str, Any]:
    """Attributes of everything that is made from a synthetic site; netCDF can hold them."""
    return {
        "source": f"synthetic site {name!r} of energyforecast",
        "synthetic": 1,
        "generator_version": version,
        "seed": seed,
    }


def check_arguments(
    *, seed: int, hours: int, version: int, models: Iterable[str], known: Iterable[str]
) -> None:
    """Check the arguments of a generator.

    Raises
    ------
    RangeError, SchemaError
        If it cannot.
    """
    if hours < 48 or seed < 0:
        raise RangeError(
            f"A synthetic site is asked for with hours={hours} and seed={seed}.",
            "It has at least 48 hours, and its seed is not negative.",
            "Give e.g. hours=2 * 8760, seed=1.",
        )
    if version != 1:
        raise RangeError(
            f"Version {version} of the generator is asked for.",
            "There is version 1.",
            "Use version=1.",
        )
    unknown = [name for name in models if name not in known]
    if unknown or not list(models):
        raise SchemaError(
            f"The weather models asked for are {list(models)}.",
            f"At least one, of {list(known)}.",
            "Choose among them.",
        )


def at_lead(weather: xr.Dataset, name: str, first: int, index: pd.DatetimeIndex) -> pd.Series:
    """The forecast of each hour by the last run that is at least so many hours older.

    Parameters
    ----------
    first : int
        Lead; those of the next five hours fill the hours between runs. [h]
    """
    lead = np.arange(first, first + 6)
    values = weather[name].isel(site=0).sel(lead_time=(lead * np.timedelta64(1, "h"))).to_numpy()
    valid = weather["init_time"].to_numpy()[:, None] + (lead * np.timedelta64(1, "h"))[None, :]
    series = pd.Series(values.ravel(), index=pd.DatetimeIndex(valid.ravel(), tz="UTC"))
    return series.reindex(index)
