"""Power of PV and wind behind the meters of an area, by its capacity as it was known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from energyforecast.core.arguments import checked
from energyforecast.core.embedded import SOURCES, Source, embedded_at
from energyforecast.core.power_curve import PowerCurve
from energyforecast.core.sites import DemandArea
from energyforecast.errors import one_of
from energyforecast.features.base import Array, Columns, Feature
from energyforecast.features.wind_power import wind_at_height
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["EmbeddedPower"]

#: Irradiance of the rated power of modules [W m⁻²], and hub height of turbines that are not known [m].
_FULL_SUN, _HUB = 1000.0, 100.0


@checked()
@dataclass(frozen=True)
class EmbeddedPower(Feature):
    r"""Power of PV or wind behind the meters of an area: ``embedded_pv`` or ``embedded_wind``. [MW]

    .. math:: \hat P_\mathrm{pv} = C_\mathrm{pv} \, \min(\mathrm{GHI} / 1000, 1), \qquad
        \hat P_\mathrm{wind} = C_\mathrm{wind} \, P(v_{100})

    with the capacities :math:`C` at the forecast hour as they were known at the issue and the generic power curve
    :math:`P`. Scale and losses are learnt; the columns carry how the capacity grows.

    Parameters
    ----------
    source : {"pv", "wind"}

    See Also
    --------
    IntervalMean, energyforecast.EmbeddedCapacity, energyforecast.PowerCurve.generic

    Notes
    -----
    The column is NaN where no capacity was known, and for sites other than areas.

    Examples
    --------
    >>> from energyforecast.core.sites import EmbeddedCapacity
    >>> from energyforecast.testing import example_snapshot
    >>> roofs = EmbeddedCapacity(pv=50), EmbeddedCapacity(pv=80, since="2024-03-20 01:00")
    >>> city = DemandArea(name="city", latitude=48.86, longitude=2.35, embedded=roofs)
    >>> now = example_snapshot({"ghi": 400.0}, sites=city, start="2024-03-20 00:00", hours=2)
    >>> EmbeddedPower().compute(now)["embedded_pv"].round(1).tolist()  # 0.4 of 50 MW, then of 80 MW
    [[20.0, 32.0]]
    """

    optional: ClassVar[bool] = True
    margin: ClassVar[pd.Timedelta] = pd.Timedelta("1h")

    source: Source = "pv"

    def __post_init__(self) -> None:
        one_of("source of EmbeddedPower", self.source, allowed=SOURCES)

    @property
    def name(self) -> str:
        """``EmbeddedPower_`` and the source."""
        return f"EmbeddedPower_{self.source}"

    @property
    def weather(self) -> tuple[str, ...]:  # type: ignore[override]
        """Irradiance, or wind at every height."""
        return ("ghi",) if self.source == "pv" else ("wind_speed_*m",)

    def compute(self, now: Snapshot) -> Columns:
        """Column ``embedded_pv`` or ``embedded_wind``. [MW]"""
        capacity = np.full(now.valid_time.shape, np.nan)
        if isinstance(now.site, DemandArea):
            capacity = embedded_at(
                now.site.embedded,
                now.valid_time,
                issue_time=now.windows.issue_time,
                source=self.source,
                timezone=now.site.timezone,
            )
        return {f"{prefix}embedded_{self.source}": capacity * share for prefix, share in self._share(now)}

    def _share(self, now: Snapshot) -> list[tuple[str, Array]]:
        """Prefix of each weather model, and its power as a share of the capacity."""
        if self.source == "wind":
            curve = PowerCurve.generic()
            return [(prefix, curve.power_at(speed)) for prefix, speed in wind_at_height(now, _HUB).items()]
        return [
            (name.removesuffix("ghi"), np.clip(now.interval_mean(name) / _FULL_SUN, 0.0, 1.0))
            for name in now.matching("ghi")
        ]
