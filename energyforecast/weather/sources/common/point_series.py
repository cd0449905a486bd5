"""Sources that serve one point at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.sites import Site
from energyforecast.errors import ResponseError
from energyforecast.weather.sources.common.base import AnalysisSource, finished

__all__ = ["PointSource", "invalid_answer", "parsed", "point_dataset"]

#: Distance beyond which a point belongs to another cell than the requested one. [degree]
_FARTHEST: Final = 1.0


class PointSource(AnalysisSource):
    """Analysis source that requests one point after the other."""

    def _get_site(self, site: Site, start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        raise NotImplementedError

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


def parsed(parse: Callable[[], xr.Dataset], name: str) -> xr.Dataset:
    """Run a parser; its refusals of malformed content become errors of the source."""
    try:
        return parse()
    except ResponseError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise invalid_answer(name, f"cannot be read ({type(error).__name__}: {error})") from None


def point_dataset(
    columns: Mapping[str, Any],
    stamps: timestamps.Times,
    place: tuple[float, float, float],
    site: Site,
    source: type[AnalysisSource],
    method: str,
) -> xr.Dataset:
    """Series of one point as weather of a site, refused where it is empty or of another place."""
    if not columns or not len(stamps):
        raise invalid_answer(source.name, "has no values")
    off = max(abs(place[0] - site.latitude), abs((place[1] - site.longitude + 180) % 360 - 180))
    if off > _FARTHEST:
        raise invalid_answer(
            source.name, f"is of {place[0]:g}, {place[1]:g}, {off:.1f} degrees from {site.name!r}"
        )
    coords = {
        "time": stamps,
        "available_time": ("time", source.latency.available_time(stamps)),
        "cell_latitude": ("site", [place[0]]),
        "cell_longitude": ("site", [place[1]]),
        "cell_elevation": ("site", [place[2]]),
    }
    cells: dict[str, Any] = {
        name: (("site", "time"), np.asarray(values)[None, :], {"cell_methods": method})
        for name, values in columns.items()
    }
    return finished(xr.Dataset(cells, coords=coords), source=source, sites=[site])  # type: ignore[arg-type]


def invalid_answer(name: str, problem: str) -> ResponseError:
    """Error for an answer that is incomplete or contradicts the documentation of the service."""
    return ResponseError(
        f"The answer of {name} {problem}.",
        "It is a whole answer about the place, in UTC and in the units of the service.",
        "Ask again; if it stays so, look at the service's news.",
    )
