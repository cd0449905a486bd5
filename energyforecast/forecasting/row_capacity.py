"""Capacity in service and limits of the rows of a design matrix, as they were known at each issue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from energyforecast.core.power_kinds import bounds_of_rows
from energyforecast.core.sites import Site
from energyforecast.core.timestamps import Times
from energyforecast.point_in_time.capacity import CapacityInService

__all__ = ["RowCapacity"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class RowCapacity:
    """Capacity in service and limits of orders by site, shape (rows,). [MW]"""

    capacity: CapacityInService
    in_service: Mapping[str, Array]
    limit: Mapping[str, Array]

    @classmethod
    def at(cls, capacity: CapacityInService, sites: Sequence[Site], *, hours: Times, issued: Times) -> Self:
        """Of some hours, each as known at its issue time."""
        return cls(
            capacity,
            {site.name: capacity.in_service(site, hours, issued) for site in sites},
            {site.name: capacity.limit(site, hours, issued) for site in sites},
        )

    @classmethod
    def joined(cls, parts: Sequence[RowCapacity]) -> RowCapacity:
        """Of the rows of several, one after the other."""
        return replace(
            parts[0],
            in_service={
                k: np.concatenate([part.in_service[k] for part in parts]) for k in parts[0].in_service
            },
            limit={k: np.concatenate([part.limit[k] for part in parts]) for k in parts[0].limit},
        )

    def of_rows(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Self:
        """Of some rows."""
        return replace(
            self,
            in_service={name: values[rows] for name, values in self.in_service.items()},
            limit={name: values[rows] for name, values in self.limit.items()},
        )

    def available(self, site: str) -> Array:
        """Bound of each row: the capacity in service, or a lower limit; NaN without any. [MW]"""
        bound = np.fmin(self.in_service[site], self.limit[site])
        return np.where(np.isfinite(bound), bound, np.nan)

    def scaled(self, quantiles: Array, site: Site) -> Array:
        """Quantiles for the rated capacity, as for that in service, and cut at the limits. [MW]"""
        factor = self.capacity.from_rated(site, self.in_service[site.name])
        bounds = bounds_of_rows(self.available(site.name), np.array(site.kind))
        return np.clip(quantiles * factor[:, None], *(bound[:, None] for bound in bounds))
