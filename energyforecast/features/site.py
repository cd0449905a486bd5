"""Static features of sites, for models that many sites share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energyforecast.core.sites import WindFarm
from energyforecast.features.base import Columns, Feature
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["SiteStatics"]


@dataclass(frozen=True)
class SiteStatics(Feature):
    """Static features of the site: number, coordinates, capacity and hub height.

    A pooled model learns from them how sites differ, and calibration by ``"site"`` treats each separately.

    See Also
    --------
    energyforecast.Site, energyforecast.Forecaster

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> columns = SiteStatics().compute(example_snapshot())
    >>> {name: float(values) for name, values in columns.items()}
    {'site': 0.0, 'latitude': 43.64, 'longitude': 78.54, 'capacity': 60.0, 'hub_height': 90.0}
    """

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``site``, ``latitude``, ``longitude`` [degree], ``capacity`` [MW] and ``hub_height`` [m]."""
        hub = now.site.hub_height if isinstance(now.site, WindFarm) else None
        values = {
            "site": now.sites.index(now.site),
            "latitude": now.site.latitude,
            "longitude": now.site.longitude,
            "capacity": now.site.capacity,
            "hub_height": hub,
        }
        return {
            name: np.asarray(np.nan if value is None else value, dtype=float)
            for name, value in values.items()
        }
