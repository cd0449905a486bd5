"""Sources that serve one point at a time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.damaged_files import DAMAGE
from energyforecast.core.sites import Site
from energyforecast.errors import ResponseError
from energyforecast.weather.sources.common.base import AnalysisSource, finished

__all__ = ["PointSeries", "PointSource", "invalid_answer"]

#: Distance beyond which a point belongs to another cell than the requested one. [degree]
_FARTHEST: Final = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class PointSeries:
    """Series at one point, in the units of the library."""

    columns: Mapping[str, Any]
    stamps: timestamps.Times
    latitude: float
    longitude: float
    elevation: float


class PointSource(AnalysisSource):
    """Analysis source that requests one point after the other."""

    #: Cell method of all its variables.
    cell_method: ClassVar[str]

    @abstractmethod
    def _get_site(self, site: Site, start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        """Weather of a site; longer than the period where the service gives whole days or years."""

    @staticmethod
    @abstractmethod
    def _series(body: bytes) -> PointSeries:
        """Series of an answer."""

    def get_period(self, sites: Sequence[Site], start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        """Hours in [start, end), dims (site, time); see :class:`AnalysisSource`."""
        first, last = timestamps.instant(start), timestamps.instant(end)
        parts = [self._get_site(site, first, last) for site in sites]
        whole = xr.concat(parts, dim="site", join="outer", coords="different", compat="equals")
        inside = (whole["time"] >= timestamps.to_ns([first])[0]) & (
            whole["time"] < timestamps.to_ns([last])[0]
        )
        weather = whole.isel(time=np.flatnonzero(inside.values))
        if not weather.sizes["time"]:
            raise invalid_answer(self.name, f"has no hours from {first} to {last}")
        known = self.latency.available_time(weather["time"].values)
        attrs = {"retrieved_at": f"{timestamps.now():%Y-%m-%dT%H:%M:%SZ}"}
        return finished(
            weather.assign_coords(available_time=("time", known)).assign_attrs(attrs),
            source=self,
            sites=sites,
        )

    @classmethod
    def read(cls, path: str | Path, *, site: Site) -> xr.Dataset:
        """Weather (site, time) of a stored answer; raises like :meth:`parse`."""
        return cls.parse(Path(path).read_bytes(), site=site)

    @classmethod
    def parse(cls, body: bytes, *, site: Site) -> xr.Dataset:
        """Weather (site, time) of an answer.

        Raises
        ------
        ResponseError
            If the answer is incomplete, is of another place, or contradicts the documentation of the service.
        """
        try:
            series = cls._series(body)
        except ResponseError:
            raise
        except DAMAGE as error:
            raise invalid_answer(cls.name, f"cannot be read ({type(error).__name__}: {error})") from None
        if not series.columns or not len(series.stamps):
            raise invalid_answer(cls.name, "has no values")
        east = (series.longitude - site.longitude + 180) % 360 - 180
        distance = max(abs(series.latitude - site.latitude), abs(east))
        if distance > _FARTHEST:
            place = f"{series.latitude:g}, {series.longitude:g}"
            raise invalid_answer(cls.name, f"is of {place}, {distance:.1f} degrees from {site.name!r}")
        coords = {
            "time": series.stamps,
            "available_time": ("time", cls.latency.available_time(series.stamps)),
            "cell_latitude": ("site", [series.latitude]),
            "cell_longitude": ("site", [series.longitude]),
            "cell_elevation": ("site", [series.elevation]),
        }
        cells: dict[str, Any] = {
            name: (
                ("site", "time"),
                np.asarray(values, dtype=float)[None, :],
                {"cell_methods": cls.cell_method},
            )
            for name, values in series.columns.items()
        }
        return finished(xr.Dataset(cells, coords=coords), source=cls, sites=[site])  # type: ignore[arg-type]


def invalid_answer(name: str, problem: str) -> ResponseError:
    """Error for an answer that is incomplete or contradicts the documentation of the service."""
    return ResponseError(
        f"The answer of {name} {problem}.",
        "An answer must be whole, of the place, in UTC and in the units of the service.",
        "Ask again; if it stays so, look at the service's news.",
    )
