"""Measured power and demand: UTC, interval-beginning, MW, with the time at which each was published.

Readers of servers are imported when they are first used: they bring the libraries that they need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from energyforecast.clocks import ClockReport, Lag, check_clock, estimate_lag
from energyforecast.observations.measured import Observations
from energyforecast.observations.reading import read_demand, read_power

if TYPE_CHECKING:
    from energyforecast.observations.elexon import get_elexon as get_elexon
    from energyforecast.observations.elexon import parse_elexon as parse_elexon
    from energyforecast.observations.elexon import read_elexon as read_elexon
    from energyforecast.observations.entsoe import get_entsoe as get_entsoe
    from energyforecast.observations.entsoe import parse_entsoe as parse_entsoe
    from energyforecast.observations.entsoe import read_entsoe as read_entsoe

#: Where each name lives that is imported when it is first used.
_HOMES: Final[dict[str, str]] = {
    **dict.fromkeys(("get_elexon", "parse_elexon", "read_elexon"), "elexon"),
    **dict.fromkeys(("get_entsoe", "parse_entsoe", "read_entsoe"), "entsoe"),
}

__all__ = [  # noqa: PLE0604  (the names are those of the table above)
    "ClockReport",
    "Lag",
    "Observations",
    "check_clock",
    "estimate_lag",
    "read_demand",
    "read_power",
    *_HOMES,
]


def __getattr__(name: str) -> Any:
    if name in _HOMES.values():
        return import_module(f"energyforecast.observations.{name}")
    if name in _HOMES:
        return getattr(import_module(f"energyforecast.observations.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'energyforecast.observations' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
