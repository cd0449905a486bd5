"""From forecasts to a plan: scenarios, net load, reserve, schedules, ramps, dispatch and planners' sheets.

What is added, stored or dispatched over hours and sites is computed in scenarios, never in quantiles.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from energyforecast.core.settlement import ImbalanceTerms as ImbalanceTerms
    from energyforecast.planning.ahead import Ahead as Ahead
    from energyforecast.planning.ahead import forecast_ahead as forecast_ahead
    from energyforecast.planning.copula import GaussianCopula as GaussianCopula
    from energyforecast.planning.day import DayPlan as DayPlan
    from energyforecast.planning.day import plan_day as plan_day
    from energyforecast.planning.dependence import Dependence as Dependence
    from energyforecast.planning.dependence import Independence as Independence
    from energyforecast.planning.dispatch import to_pypsa as to_pypsa
    from energyforecast.planning.drawing import draw as draw
    from energyforecast.planning.netting import net_load as net_load
    from energyforecast.planning.outages import Outage as Outage
    from energyforecast.planning.outages import outage_table as outage_table
    from energyforecast.planning.parts import Area as Area
    from energyforecast.planning.parts import Battery as Battery
    from energyforecast.planning.parts import Electrolyser as Electrolyser
    from energyforecast.planning.parts import HVDCLink as HVDCLink
    from energyforecast.planning.parts import PumpedStorage as PumpedStorage
    from energyforecast.planning.parts import ThermalUnit as ThermalUnit
    from energyforecast.planning.past import past_errors as past_errors
    from energyforecast.planning.plan import Plan as Plan
    from energyforecast.planning.plans import perfect_foresight as perfect_foresight
    from energyforecast.planning.plans import plan_median as plan_median
    from energyforecast.planning.plans import plan_scenarios as plan_scenarios
    from energyforecast.planning.plans import realise as realise
    from energyforecast.planning.plans import realised_costs as realised_costs
    from energyforecast.planning.ramping import alarm_scores as alarm_scores
    from energyforecast.planning.ramping import alarms as alarms
    from energyforecast.planning.ramping import ramps as ramps
    from energyforecast.planning.reconciliation import MinT as MinT
    from energyforecast.planning.reconciliation import reconcile as reconcile
    from energyforecast.planning.reserves import reserve as reserve
    from energyforecast.planning.reserves import reserve_exceedance as reserve_exceedance
    from energyforecast.planning.reserves import static_reserve as static_reserve
    from energyforecast.planning.scenarios import Scenarios as Scenarios
    from energyforecast.planning.scheduling import compare_schedules as compare_schedules
    from energyforecast.planning.scheduling import schedule as schedule
    from energyforecast.planning.settings import PlanSettings as PlanSettings
    from energyforecast.planning.settings import RampTerms as RampTerms
    from energyforecast.planning.settings import ReserveTerms as ReserveTerms
    from energyforecast.planning.sheets import Sheet as Sheet
    from energyforecast.planning.sheets import day_ahead_sheet as day_ahead_sheet
    from energyforecast.planning.sheets import revision_sheet as revision_sheet
    from energyforecast.planning.sheets import verification_sheet as verification_sheet
    from energyforecast.planning.sheets import weekly_outlook as weekly_outlook
    from energyforecast.planning.system import System as System
    from energyforecast.planning.templates import EnsembleCopulaCoupling as EnsembleCopulaCoupling
    from energyforecast.planning.templates import SchaakeShuffle as SchaakeShuffle

#: Where each public name lives, along the way from a forecast to a plan. No module is named like a public
#: function: an import of the module would put itself in the function's place.
_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "scenarios": ("Scenarios",),
    "dependence": ("Dependence", "Independence"),
    "copula": ("GaussianCopula",),
    "templates": ("SchaakeShuffle", "EnsembleCopulaCoupling"),
    "past": ("past_errors",),
    "drawing": ("draw",),
    "netting": ("net_load",),
    "reconciliation": ("MinT", "reconcile"),
    "outages": ("Outage", "outage_table"),
    "reserves": ("reserve", "reserve_exceedance", "static_reserve"),
    "scheduling": ("compare_schedules", "schedule"),
    "ramping": ("alarm_scores", "alarms", "ramps"),
    "parts": ("Area", "Battery", "Electrolyser", "HVDCLink", "PumpedStorage", "ThermalUnit"),
    "system": ("System",),
    "dispatch": ("to_pypsa",),
    "plan": ("Plan",),
    "plans": ("plan_median", "plan_scenarios", "perfect_foresight", "realise", "realised_costs"),
    "sheets": ("Sheet", "day_ahead_sheet", "weekly_outlook", "revision_sheet", "verification_sheet"),
    "settings": ("PlanSettings", "RampTerms", "ReserveTerms"),
    "ahead": ("Ahead", "forecast_ahead"),
    "day": ("DayPlan", "plan_day"),
}
_HOME_OF: Final = {name: f"planning.{home}" for home, names in _HOMES.items() for name in names} | {
    "ImbalanceTerms": "core.settlement"
}

__all__ = [*_HOME_OF]  # noqa: PLE0604  (the names are those of the table above)


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(f"energyforecast.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'energyforecast.planning' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
