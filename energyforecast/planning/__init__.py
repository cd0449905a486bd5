"""From forecasts to a plan: scenarios, net load, reserve, schedules, ramps, dispatch and planners' sheets.

What is added, stored or dispatched over hours and sites is computed in scenarios, never in quantiles.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from energyforecast.planning.dispatch import to_pypsa as to_pypsa
    from energyforecast.planning.parts import Area as Area
    from energyforecast.planning.parts import Battery as Battery
    from energyforecast.planning.parts import Electrolyser as Electrolyser
    from energyforecast.planning.parts import HVDCLink as HVDCLink
    from energyforecast.planning.parts import PumpedStorage as PumpedStorage
    from energyforecast.planning.parts import ThermalUnit as ThermalUnit
    from energyforecast.planning.plan import Plan as Plan
    from energyforecast.planning.plans import perfect_foresight as perfect_foresight
    from energyforecast.planning.plans import plan_median as plan_median
    from energyforecast.planning.plans import plan_scenarios as plan_scenarios
    from energyforecast.planning.plans import realise as realise
    from energyforecast.planning.plans import realised_costs as realised_costs
    from energyforecast.planning.scenarios import Scenarios as Scenarios
    from energyforecast.planning.system import System as System

#: Where each public name lives, along the way from a forecast to a plan.
_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "scenarios": ("Scenarios",),
    "parts": ("Area", "Battery", "Electrolyser", "HVDCLink", "PumpedStorage", "ThermalUnit"),
    "system": ("System",),
    "dispatch": ("to_pypsa",),
    "plan": ("Plan",),
    "plans": ("plan_median", "plan_scenarios", "perfect_foresight", "realise", "realised_costs"),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]  # noqa: PLE0604  (the names are those of the table above)


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(f"energyforecast.planning.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'energyforecast.planning' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
