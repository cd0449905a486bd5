"""Publication latency: the time from initialisation to availability, and that of known weather models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import numpy as np

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked

__all__ = ["LATENCIES", "PublicationLatency"]


@checked()
@dataclass(frozen=True, kw_only=True)
class PublicationLatency:
    r"""Publication latency: time from initialisation (or the hour of an analysis) to availability.

    Parameters
    ----------
    base : timedelta or str
        Latency of the first value.
    per_lead_hour : timedelta or str
        Increase for each hour of lead.
    by_cycle : mapping, optional
        Base of runs with a different latency, by their hour [UTC].
    margin : timedelta or str
        Added to all, for the distribution of published values to servers.

    Notes
    -----
    A value with the lead :math:`h` (in hours) of the run initialised at :math:`t_0` is available at

    .. math::
        t_{\text{available}} = t_0 + b + p h + m

    with the base :math:`b`, the latency per hour of lead :math:`p` and the margin :math:`m`.

    Examples
    --------
    GFS: 235 min and 0.262 min for each hour of lead; here without margin.

    >>> gfs = PublicationLatency(base="235min", per_lead_hour="15.72s", margin="0min")
    >>> init = np.array(["2024-06-01T00"], dtype="datetime64[ns]")
    >>> gfs.available_time(init, np.array([0, 24], dtype="timedelta64[h]")).astype("datetime64[m]")
    array([['2024-06-01T03:55', '2024-06-01T04:01']], dtype='datetime64[m]')
    """

    base: timedelta | str
    per_lead_hour: timedelta | str = "0s"
    by_cycle: Mapping[int, timedelta | str] = field(default_factory=dict)
    margin: timedelta | str = "15min"

    def available_time(self, init_time: timestamps.Times, lead_time: Any = None) -> timestamps.Times:
        """Availability of values, shape (runs,), or (runs, leads) where leads are given."""
        start = timestamps.to_ns(init_time)
        hours = ((start - start.astype("datetime64[D]")) // np.timedelta64(1, "h")).astype(int)
        base = np.array(
            [timestamps.duration(self.by_cycle.get(int(hour), self.base)).value for hour in hours]
        )
        known = start + (base + timestamps.duration(self.margin).value).astype("timedelta64[ns]")
        if lead_time is None:
            return np.asarray(known)
        leads = np.asarray(lead_time).astype("timedelta64[ns]") / np.timedelta64(1, "h")
        later = np.round(leads * timestamps.duration(self.per_lead_hour).value).astype("timedelta64[ns]")
        return np.asarray(known[:, None] + later[None, :])


#: Measured on time stamps of archives where possible; see docs/reference/sources.md.
LATENCIES: Final[dict[str, PublicationLatency]] = {
    "gfs": PublicationLatency(base="235min", per_lead_hour="15.72s"),
    "gefs": PublicationLatency(base="245min", per_lead_hour="26.04s"),
    "hrrr": PublicationLatency(base="61min", per_lead_hour="111.6s", margin="2min"),
    "ifs": PublicationLatency(base="455min", by_cycle={6: "388min", 18: "388min"}),
    "aifs": PublicationLatency(base="370min"),
    "icon_eu": PublicationLatency(base="240min"),
    "icon_d2": PublicationLatency(base="120min"),
    "era5": PublicationLatency(base="5D"),
    "nasa_power": PublicationLatency(base="7D"),
    "nsrdb": PublicationLatency(base="548D"),
    "pvgis": PublicationLatency(base="1461D"),
}
