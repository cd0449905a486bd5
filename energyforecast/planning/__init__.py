"""From forecasts to a plan: scenarios, net load, reserve, schedules, ramps, dispatch and planners' sheets.

What is added, stored or dispatched over hours and sites is computed in scenarios, never in quantiles.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from energyforecast.planning.copula import GaussianCopula as GaussianCopula
    from energyforecast.planning.dependence import Dependence as Dependence
    from energyforecast.planning.dependence import Independence as Independence
    from energyforecast.planning.drawing import draw as draw
    from energyforecast.planning.netting import net_load as net_load
    from energyforecast.planning.past import past_errors as past_errors
    from energyforecast.planning.reconciliation import MinT as MinT
    from energyforecast.planning.reconciliation import reconcile as reconcile
    from energyforecast.planning.scenarios import Scenarios as Scenarios
    from energyforecast.planning.sheets import Sheet as Sheet
    from energyforecast.planning.sheets import day_ahead_sheet as day_ahead_sheet
    from energyforecast.planning.sheets import revision_sheet as revision_sheet
    from energyforecast.planning.sheets import verification_sheet as verification_sheet
    from energyforecast.planning.sheets import weekly_outlook as weekly_outlook
    from energyforecast.planning.templates import EnsembleCopulaCoupling as EnsembleCopulaCoupling
    from energyforecast.planning.templates import SchaakeShuffle as SchaakeShuffle

#: Where each public name lives, along the way from a forecast to a plan.
_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "scenarios": ("Scenarios",),
    "drawing": ("draw",),
    "dependence": ("Dependence", "Independence"),
    "copula": ("GaussianCopula",),
    "templates": ("SchaakeShuffle", "EnsembleCopulaCoupling"),
    "netting": ("net_load",),
    "past": ("past_errors",),
    "reconciliation": ("MinT", "reconcile"),
    "sheets": ("Sheet", "day_ahead_sheet", "weekly_outlook", "revision_sheet", "verification_sheet"),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]  # noqa: PLE0604  (the names are those of the table above)


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(f"energyforecast.planning.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'energyforecast.planning' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
