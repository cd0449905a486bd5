"""Random processes from which synthetic sites are made.

Truth is one Gaussian process per quantity. The forecast of a weather model is the same process with a
correlation that decreases with lead time, plus an error that is correlated over neighbouring
hours, between successive runs and between models. Speeds, clear-sky indices and temperatures are
monotone functions of these.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy import signal, special

from energyforecast.core import timestamps, variables

__all__ = [
    "Axis",
    "Runs",
    "autoregression",
    "blocks",
    "forecast_errors",
    "normal_scores",
    "stream",
    "whole_kilowatts",
]

Floats = npt.NDArray[np.float64]
HOUR: Final = np.timedelta64(1, "h")

#: Hours of truth before the start and after the end, for runs and smoothing. [h]
BEFORE: Final = 72
AFTER: Final = 96
#: Normal scores are taken over at least a year, so that a short synthetic site has the weather of its season.
SHORTEST: Final = 8760
LEADS: Final = 74  # 0 to 73 h
RUN_EVERY: Final = 6


def stream(seed: int, name: str) -> np.random.Generator:
    """Independent random numbers for each part of a synthetic site, so that no part changes another."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))


@dataclass(frozen=True)
class Axis:
    """Hours of a synthetic site, and hours around them that are generated as well."""

    start: np.datetime64
    hours: int

    @classmethod
    def of(cls, start: Any, hours: int) -> Axis:
        """From the arguments of the user; text is UTC."""
        return cls(timestamps.to_ns([timestamps.instant(start)])[0].astype("datetime64[h]"), hours)

    @property
    def length(self) -> int:
        """Number of generated hours."""
        return max(self.hours, SHORTEST) + BEFORE + AFTER

    @property
    def all(self) -> timestamps.Times:
        """Every generated hour."""
        return timestamps.to_ns(self.start + (np.arange(self.length) - BEFORE) * HOUR)

    @property
    def period(self) -> slice:
        """Hours of the synthetic site among all."""
        return slice(BEFORE, BEFORE + self.hours)

    @property
    def index(self) -> pd.DatetimeIndex:
        """Hours of the synthetic site in UTC."""
        return timestamps.to_index(self.all[self.period])

    def year_share(self) -> Floats:
        """Position in the year, 0 to 1."""
        year = self.all.astype("datetime64[Y]")
        length = (year + np.timedelta64(1, "Y")).astype("datetime64[ns]") - year.astype("datetime64[ns]")
        return np.asarray((self.all - year) / length)

    def solar_hour(self, longitude: float) -> Floats:
        """Mean solar time. [h]"""
        hour = (self.all - self.all.astype("datetime64[D]")) / HOUR
        return np.asarray(np.mod(hour + longitude / 15.0, 24.0))

    def monthly(self, values: Sequence[float]) -> Floats:
        """Linear interpolation of twelve values at the middles of the months."""
        return np.interp(self.year_share() * 12.0, np.arange(12) + 0.5, values, period=12.0)


def autoregression(rng: np.random.Generator, length: int, *, memory: float) -> Floats:
    """Gaussian noise of variance 1 with autocorrelation exp(-lag / memory), in hours."""
    keep = np.exp(-1.0 / memory)
    noise = rng.standard_normal(length) * np.sqrt(1.0 - keep**2)
    noise[0] /= np.sqrt(1.0 - keep**2)
    return np.asarray(signal.lfilter([1.0], [1.0, -keep], noise))


def blocks(
    rng: np.random.Generator, length: int, *, every: float, shortest: int, longest: int
) -> npt.NDArray[np.bool_]:
    """Hours inside blocks that begin on average every so many hours."""
    inside = np.zeros(length, dtype=bool)
    for begin in np.flatnonzero(rng.random(length) < 1 / every):
        inside[begin : begin + int(rng.integers(shortest, longest + 1))] = True
    return inside


def whole_kilowatts(power: Any) -> Any:
    """Power in whole kilowatts, which hides differences between processors in the last bit of a sine. [MW]"""
    return np.round(power, 3)


def normal_scores(values: Floats) -> Floats:
    """Values replaced by standard normal scores of their ranks: no year is windier than another by chance."""
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values)) + 0.5
    return np.asarray(special.ndtri(ranks / len(values)))


def forecast_errors(
    rng: np.random.Generator, runs: int, series: int, *, memory: float, kept: float
) -> npt.NDArray[np.float32]:
    """Errors of variance 1, shape (series, runs, leads), correlated along runs and between runs."""
    # At one valid time the error is `kept` times that of the run before plus new noise; along a run it falls as
    # exp(-lag / memory). The field is Markov in both directions: each run continues the one before exactly.
    stay = np.float32(np.exp(-1.0 / memory))
    new = np.sqrt(1.0 - stay**2)
    white = rng.standard_normal((runs, series, LEADS), dtype=np.float32) * new
    white[:, :, 0] /= new
    fresh = signal.lfilter([1.0], np.array([1.0, -stay], dtype=np.float32), white, axis=2)
    grown = rng.standard_normal((runs, RUN_EVERY, series), dtype=np.float32) * new
    errors = np.empty((runs, series, LEADS), dtype=np.float32)
    errors[0] = fresh[0]
    for run in range(1, runs):
        errors[run, :, :-RUN_EVERY] = errors[run - 1, :, RUN_EVERY:]
        for step in range(RUN_EVERY):
            place = LEADS - RUN_EVERY + step
            errors[run, :, place] = stay * errors[run, :, place - 1] + grown[run, step]
        errors[run] = np.float32(kept) * errors[run] + np.float32(np.sqrt(1.0 - kept**2)) * fresh[run]
    return errors.transpose(1, 0, 2)


@dataclass(frozen=True)
class Runs:
    """Runs of the weather models of a synthetic site: four a day, lead times 0 to 73 h."""

    axis: Axis
    seed: int
    models: tuple[str, ...]

    @property
    def init_time(self) -> timestamps.Times:
        """Initialisations at 00, 06, 12 and 18 UTC, from two days before the synthetic site to its end."""
        first = (self.axis.start - 48 * HOUR).astype("datetime64[D]").astype("datetime64[h]")
        last = self.axis.start + self.axis.hours * HOUR
        return timestamps.to_ns(np.arange(first, last, RUN_EVERY * HOUR))

    @property
    def lead(self) -> Floats:
        """Lead times. [h]"""
        return np.arange(LEADS, dtype=np.float64)

    @property
    def place(self) -> npt.NDArray[np.int64]:
        """Position of each valid time on the axis, shape (runs, leads)."""
        first = (self.init_time - self.axis.all[0]) // HOUR.astype("timedelta64[ns]")
        return np.asarray(first[:, None] + np.arange(LEADS)[None, :])

    def errors(
        self, name: str, *, memory: float, kept: float, shared: float
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Errors of variance 1 by model with a `shared` part; leaving a model out does not change the others."""
        runs = len(self.init_time)
        parts = {
            part: forecast_errors(stream(self.seed, f"{name}/{part}"), runs, 1, memory=memory, kept=kept)[0]
            for part in ("all models", *self.models)
        }
        common, single = np.float32(np.sqrt(shared)), np.float32(np.sqrt(1.0 - shared))
        return {model: common * parts["all models"] + single * parts[model] for model in self.models}

    def dataset(
        self,
        model: str,
        values: Mapping[str, npt.NDArray[Any]],
        site: Sequence[str],
        attrs: Mapping[str, Any],
    ) -> xr.Dataset:
        """Forecasts of one model as delivered: some runs are missing, late or incomplete."""
        rng = stream(self.seed, f"delivery/{model}")
        runs = len(self.init_time)
        delay = rng.uniform(6.0, 8.0, runs) + (rng.random(runs) < _LATE) * rng.uniform(2.0, 10.0, runs)
        arrived = rng.random(runs) >= _MISSING
        cut = np.where(rng.random(runs) < _CUT, rng.integers(24, LEADS, runs), LEADS)
        present = np.arange(LEADS)[None, :] < cut[:, None]
        init = self.init_time
        dims = ("site", "init_time", "lead_time")
        weather = xr.Dataset(
            {
                name: (
                    dims,
                    np.repeat(
                        np.where(present, array, np.nan).astype(np.float32)[None, arrived], len(site), axis=0
                    ),
                )
                for name, array in values.items()
            },
            coords={
                "site": list(site),
                "init_time": init[arrived],
                "lead_time": (np.arange(LEADS) * HOUR).astype("timedelta64[ns]"),
                "available_time": ("init_time", (init + _minutes(delay))[arrived]),
            },
            attrs={"kind": "forecast", "model": f"synthetic {model}", **attrs},
        )
        for name in values:
            row = variables.lookup(name)
            weather[name].attrs = {
                "units": row.units,
                "standard_name": row.standard_name,
                "cell_methods": row.cell_methods,
            }
        return weather


#: Shares of runs that arrive more than 8 h after their initialisation, never, or incomplete.
_LATE: Final = 0.015
_MISSING: Final = 0.01
_CUT: Final = 0.005


def _minutes(hours: Floats) -> npt.NDArray[np.timedelta64]:
    return np.round(hours * 60.0).astype("timedelta64[m]").astype("timedelta64[ns]")
