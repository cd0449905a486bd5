"""Power of three local days in steps of five minutes, and its means, energies and forecasts at longer steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core.power_kinds import Kind
from energyforecast.core.timestamps import local_midnights

Array = npt.NDArray[np.float64]
Label: TypeAlias = Literal["beginning", "ending"]

STEPS = (5, 10, 15, 20, 30, 60)
#: Steps that every public call serves or refuses. [min]
EVERY_STEP = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 40, 60, 90, 120, 180)
#: Zones, each with a first local day so that the second one is that of the change of its clock, if it has one.
ZONES = {
    "Asia/Almaty": "2024-02-28",
    "Asia/Kolkata": "2024-03-30",
    "Asia/Kathmandu": "2024-03-30",
    "Australia/Adelaide": "2024-04-06",
    "Europe/Berlin": "2024-03-30",
    "UTC": "2024-03-30",
}
LABELS: tuple[Label, ...] = ("beginning", "ending")
#: Clocks that go back leave a doubled hour, in October those of Berlin too.
_AUTUMN = {"Europe/Berlin": "2024-10-26"}
_BASE = 5


def every(some: Sequence[int]) -> list[Any]:
    """Every step as a parameter, all but some of them slow."""
    return [pytest.param(step, marks=() if step in some else pytest.mark.slow) for step in EVERY_STEP]


@dataclass(frozen=True)
class Local:
    """Three local days of a zone, with power in steps of five minutes."""

    zone: str
    first: str
    days: int = 3

    @property
    def of_change(self) -> Local:
        """The day on which the clock changes, alone."""
        return Local(self.zone, str(pd.Timestamp(self.first).date() + pd.Timedelta("1D")), days=1)

    @property
    def edges(self) -> pd.DatetimeIndex:
        """First and last moment, in UTC."""
        days = [pd.Timestamp(self.first).date() + pd.Timedelta(days=k) for k in (0, self.days)]
        return local_midnights(days, timezone=self.zone)

    def midnight(self, day: int) -> pd.Timestamp:
        """Beginning of a local day."""
        return local_midnights(
            [pd.Timestamp(self.first).date() + pd.Timedelta(days=day)], timezone=self.zone
        )[0]

    def index(self, step: int) -> pd.DatetimeIndex:
        """Beginnings of intervals in UTC."""
        first, last = self.edges
        return pd.date_range(first, last, freq=f"{step}min", inclusive="left").tz_convert("UTC")

    def truth(self, step: int, seed: int = 0) -> Array:
        """Means over intervals. [MW]"""
        return _means(base(len(self.index(_BASE)), seed), step // _BASE)

    def wall(self, step: int, label: Label) -> pd.DatetimeIndex:
        """Stamps of a file: naive, on the local clock, in order of time."""
        moments = self.index(step) + pd.Timedelta(minutes=step if label == "ending" else 0)
        return moments.tz_convert(self.zone).tz_localize(None)

    def observations(self, step: int, label: Label, seed: int = 0) -> ef.Observations:
        """Read from a table in kW on the local clock."""
        return _observations(self, step, label, seed)

    def forecast(self, step: int, seed: int = 1, site: str = "site", kind: Kind = "wind") -> ef.Forecast:
        """One issue, read from a table on the local clock; quantiles 10 MW below and above the median."""
        return _forecast(self, step, seed, site, kind)

    def scenarios(self, step: int, seed: int = 1, kind: Kind = "demand", count: int = 40) -> ef.Scenarios:
        """Trajectories at equal distances around the truth."""
        spread = np.linspace(-10, 10, count)[:, None, None]
        values = self.truth(step, seed) + spread
        return ef.Scenarios.from_values(values, sites=["site"], valid_time=self.index(step), kind=kind)


@lru_cache(maxsize=64)
def base(count: int, seed: int) -> Array:
    """Smooth power between 20 and 80 MW with noise of five minutes."""
    rng = np.random.default_rng(seed)
    wave = 50 + 20 * np.sin(2 * np.pi * np.arange(count) / 288 + seed)
    return np.asarray(np.round(wave + rng.uniform(-10, 10, count), 3))


def _means(values: Array, parts: int) -> Array:
    return np.asarray(values.reshape(-1, parts).mean(axis=1))


def joined(values: Array, step: int, longer: int) -> Array:
    """Means over a longer step."""
    return _means(values, longer // step)


@lru_cache(maxsize=256)
def _observations(local: Local, step: int, label: Label, seed: int) -> ef.Observations:
    table = pd.DataFrame({"site": 1000 * local.truth(step, seed)}, index=local.wall(step, label))
    return ef.read_power(table, unit="kW", timezone=local.zone, label=label, published_after="0h")


@lru_cache(maxsize=256)
def _forecast(local: Local, step: int, seed: int, site: str, kind: Kind) -> ef.Forecast:
    wall, median = local.wall(step, "beginning"), local.truth(step, seed)
    rows = {"valid_time": wall, "site": site, "q0.1": median - 10, "q0.5": median, "q0.9": median + 10}
    frame = pd.DataFrame(rows).assign(issue_time=wall[0] - pd.Timedelta("9h"))
    form = ef.TableFormat(timezone=local.zone, frequency=f"{step}min")
    return ef.Forecast.from_frame(frame, kind=kind, format=form)


def locals_of(zone: str) -> list[Local]:
    """The days of a zone; of Berlin those of both changes."""
    return [Local(zone, ZONES[zone]), *([Local(zone, _AUTUMN[zone])] if zone in _AUTUMN else [])]
