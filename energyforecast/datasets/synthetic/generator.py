"""Common parts of the generators of synthetic sites: arguments, origin, tables and meters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.core.variables import Flag
from energyforecast.datasets.synthetic.stochastic_processes import Axis, Runs, stream, whole_kilowatts
from energyforecast.datasets.synthetic.synthetic_site import Statistic, SyntheticSite
from energyforecast.errors import RangeError, SchemaError

__all__ = ["MODELS", "Generator"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Weather models of every synthetic site.
MODELS: Final = ("ecmwf", "icon", "gfs")


@dataclass(frozen=True)
class Generator:
    """Hours, seed and weather models of a synthetic site."""

    name: str
    axis: Axis
    runs: Runs
    version: int

    @classmethod
    def of(
        cls, name: str, *, seed: int, start: Any, hours: int, models: Iterable[str], version: int
    ) -> Generator:
        """Check the arguments of a synthetic site."""
        _check_arguments(seed=seed, hours=hours, version=version, models=models)
        axis = Axis.of(start, hours)
        return cls(name, axis, Runs(axis, seed, tuple(models)), version)

    @property
    def attrs(self) -> dict[str, Any]:
        """Origin of everything that is made from the synthetic site; netCDF can hold it."""
        return {
            "source": f"synthetic site {self.name!r} of energyforecast",
            "synthetic": 1,
            "generator_version": self.version,
            "seed": self.runs.seed,
        }

    def stream(self, part: str) -> np.random.Generator:
        """Random numbers of one part of the site."""
        return stream(self.runs.seed, part)

    def labelled(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table with its origin as last column and in its attributes."""
        table = table.assign(source="synthetic")
        table.attrs = self.attrs
        return table

    def truth(self, columns: Mapping[str, Floats]) -> pd.DataFrame:
        """True values of the hours of the site, out of those of the whole axis."""
        period = self.axis.period
        values = {name: values[period] for name, values in columns.items()}
        return self.labelled(pd.DataFrame(values, index=self.axis.index))

    def metered(
        self, site: Site, power: Floats, *, service: Floats, flagged: Mapping[Flag, Mask]
    ) -> Observations:
        """Hourly metered power, published two hours after the end of the hour."""
        assert site.capacity is not None
        masks = {Flag.OUTAGE: service < 0.9, **flagged}
        flags = np.sum([np.where(mask, int(flag), 0) for flag, mask in masks.items()], axis=0)
        values = whole_kilowatts(np.where(flagged[Flag.INCOMPLETE], np.nan, power))

        def frame(values: npt.NDArray[Any]) -> pd.DataFrame:
            return pd.DataFrame({site.name: values}, index=self.axis.index)

        return Observations(
            frame(values),
            published_after="2h",
            flags=frame(flags),
            available_capacity=frame(site.capacity * service),
            frequency="1h",
        )

    def site(
        self,
        sites: tuple[Site, ...],
        *,
        weather: dict[str, xr.Dataset],
        observations: Observations,
        raw: pd.DataFrame,
        truth: pd.DataFrame,
        measure: Callable[[SyntheticSite], Iterable[Statistic]],
    ) -> SyntheticSite:
        """The synthetic site of the generated parts."""
        return SyntheticSite(
            name=self.name,
            sites=sites,
            weather=weather,
            observations=observations,
            raw=raw,
            truth=truth,
            seed=self.runs.seed,
            version=self.version,
            measure=measure,
        )


def _check_arguments(*, seed: int, hours: int, version: int, models: Iterable[str]) -> None:
    if hours < 48 or seed < 0:
        raise RangeError(
            f"A synthetic site is requested with hours={hours} and seed={seed}.",
            "It must have at least 48 hours, and a seed that is not negative.",
            "Give e.g. hours=2 * 8760, seed=1.",
        )
    if version != 1:
        raise RangeError(
            f"Version {version} of the generator is requested.",
            "There is version 1.",
            "Use version=1.",
        )
    if not list(models) or not set(models) <= set(MODELS):
        raise SchemaError(
            f"The weather models requested are {list(models)}.",
            f"At least one, of {list(MODELS)}.",
            "Choose among them.",
        )
