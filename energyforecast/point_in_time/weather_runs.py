"""Runs of a weather model at one site, as arrays: at their own stamps, or brought to the steps of a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.weather.processing.temporal import Conversion, integral_of, speed_of

__all__ = [
    "NEVER",
    "Array",
    "ConvertedRuns",
    "Gathered",
    "Runs",
    "arrivals",
    "positions",
    "to_ints",
]

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

NEVER: Final = np.iinfo(np.int64).max


def to_ints(stamps: Array) -> Ints:
    """Nanoseconds; NaT becomes never."""
    result = np.asarray(stamps).astype(f"{np.asarray(stamps).dtype.kind}8[ns]").view(np.int64)
    return np.where(result == np.iinfo(np.int64).min, NEVER, result)


def arrivals(weather: xr.Dataset) -> Ints:
    """Times of arrival by run, or by run and lead. [ns]"""
    return to_ints(weather["available_time"].transpose("init_time", ...).values)


@dataclass(frozen=True)
class Gathered:
    """Values known from one weather model, for one site.

    Parameters
    ----------
    values : dict of array, shape (origins, steps[, members])
    init_time : array, shape (origins,)
        Run used; NaT where there is none, and for analyses.
    skipped : array of bool, shape (origins,)
        Whether a newer run had arrived but was incomplete.
    older : array of timedelta64, shape (origins, steps), optional
        How much older than `init_time` the run of each step is, where runs were completed from earlier ones.
    converted : Conversion, optional
        Conversion by which the weather was brought to the steps of the task.

    Examples
    --------
    >>> gathered = Gathered(
    ...     values={"temp_air": np.array([[3.0, 2.5]])},
    ...     init_time=np.array(["2024-01-01T06"], dtype="datetime64[ns]"),
    ...     skipped=np.array([True]),  # the run of 12 UTC had a hole
    ... )
    >>> gathered.values["temp_air"].shape
    (1, 2)
    """

    values: dict[str, Array]
    init_time: timestamps.Times
    skipped: npt.NDArray[np.bool_]
    older: Array | None = None
    converted: Conversion | None = None


@dataclass(frozen=True)
class Runs:
    """Runs at one site. [ns]

    Parameters
    ----------
    blocks : dict of array, shape (runs, leads[, members])
    arrived : array, shape (runs,) or (runs, leads)
    init : array, shape (runs,)
    lead : array, shape (leads,)
    """

    blocks: dict[str, Array]
    arrived: Ints
    init: Ints
    lead: Ints

    @classmethod
    def of(cls, weather: xr.Dataset, site: str, names: Sequence[str]) -> Runs:
        """Runs of a dataset, at their own stamps."""
        place = int(np.flatnonzero(weather["site"].values == site)[0])
        blocks = {name: _block(weather[name], place) for name in names}
        axes = (to_ints(weather[name].values) for name in ("init_time", "lead_time"))
        return cls(blocks, arrivals(weather), *axes)

    def take(self, run: Ints, column: Ints, known: npt.NDArray[np.bool_]) -> dict[str, Array]:
        """Values of runs at columns, shape (origins, steps[, members]); NaN where they are not known."""
        return {name: _take(block, run, column, known) for name, block in self.blocks.items()}

    @property
    def stamps(self) -> Ints:
        """Leads of the blocks. [ns]"""
        return self.lead

    def empty(self, shape: tuple[int, int]) -> dict[str, Array]:
        """Arrays without values, shape (origins, steps[, members])."""
        return {
            name: np.full((*shape, *block.shape[2:]), np.nan, dtype=block.dtype)
            for name, block in self.blocks.items()
        }


@dataclass(frozen=True)
class ConvertedRuns(Runs):
    """Runs that are brought to the steps of a task when they are taken: only those that origins use.

    Parameters
    ----------
    weather : Dataset
        The same runs, for units and for the speed that belongs to a direction.
    site : str
    conversion : Conversion
    """

    weather: xr.Dataset
    site: str
    conversion: Conversion

    @property
    def stamps(self) -> Ints:
        """Leads of the blocks, which are not those of the steps. [ns]"""
        return to_ints(self.weather["lead_time"].values)

    @classmethod
    def to_steps(cls, weather: xr.Dataset, names: Sequence[str], conversion: Conversion) -> ConvertedRuns:
        """Runs of a dataset at the site of a conversion."""
        site = conversion.site.name
        runs = Runs.of(weather, site, names)
        arrived = runs.arrived
        if arrived.ndim == 2:
            arrived = to_ints(conversion.latest(_moments(weather)).view("datetime64[ns]"))
        integrals = {integral_of(name): runs.blocks[name] for name in conversion.integrated(weather, names)}
        blocks = runs.blocks | integrals
        return cls(blocks, arrived, runs.init, conversion.grid.target, weather, site, conversion)

    def take(self, run: Ints, column: Ints, known: npt.NDArray[np.bool_]) -> dict[str, Array]:
        """Values of runs at the steps."""
        used, place = np.unique(run, return_inverse=True)
        if not len(used):
            return {
                name: np.empty((0, column.shape[1], *block.shape[2:])) for name, block in self.blocks.items()
            }
        bring = self.conversion.of_runs(used)
        taken = {}
        for name, block in self.blocks.items():
            if name not in self.weather:
                integral = bring.grid.integrals(_last(block)[used])
                taken[name] = _take(np.moveaxis(integral, -1, 1), place, column, known)
                continue
            winds = speed_of(name)
            speed = None
            if winds in self.weather:
                site = int(np.flatnonzero(self.weather["site"].values == self.site)[0])
                speed = _last(
                    self.blocks[winds] if winds in self.blocks else _block(self.weather[winds], site)
                )[used]
            made = bring.bring(name, _last(block)[used], attrs=self.weather[name].attrs, speed=speed)
            taken[name] = _take(np.moveaxis(made, -1, 1), place, column, known)
        return taken


def _moments(weather: xr.Dataset) -> Array:
    """Times of arrival by run and lead, in nanoseconds."""
    moments = weather["available_time"].transpose("init_time", ...).values
    return np.asarray(moments).astype("datetime64[ns]")


def _last(block: Array) -> Array:
    """Values with the stamps last: (runs[, members], leads)."""
    return np.moveaxis(block, 1, -1)


def _block(values: xr.DataArray, place: int) -> Array:
    order = ("init_time", "lead_time", *(("member",) if "member" in values.dims else ()))
    if values.dims == ("site", *order):
        return np.asarray(values.values[place])
    return np.asarray(values.isel(site=place).transpose(*order).values)


def positions(requested: Ints, axis: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Positions of values on a rising axis, and whether they lie on it exactly."""
    step = axis[1] - axis[0] if len(axis) > 1 else np.int64(1)
    if len(axis) > 1 and axis[-1] - axis[0] == step * (len(axis) - 1) and (np.diff(axis) == step).all():
        position, rest = np.divmod(requested - axis[0], step)
        known = (rest == 0) & (position >= 0) & (position < len(axis))
    else:
        position = np.searchsorted(axis, requested)
        known = axis[np.minimum(position, len(axis) - 1)] == requested
    return np.where(known, position, 0), known


def _take(block: Array, run: Array, column: Array, known: npt.NDArray[np.bool_]) -> Array:
    values: Array = block[run[:, None], column]
    if not known.all():
        values[~known] = np.nan
    return values
