"""Default model of wind, and the season that it learns once that is known."""

from __future__ import annotations

from typing import Any, Final

from energyforecast.core.sites import Site, WindFarm
from energyforecast.features import DayOfYear, Feature
from energyforecast.models import KernelQuantiles, LightGBMQuantiles, QuantileModel, SelectedModel

__all__ = ["SEASON", "model_of_wind", "season_for"]

#: Season in parts of a year that hold many spells of weather: trees cannot single out one of them.
SEASON: Final = DayOfYear(parts=6)
#: Projections of the kernel model: with more it is slightly better, and dearer.
_PROJECTIONS: Final = 200
#: Years from which on the season is known: with 15 months it gained nothing, with 18 one percent. [a]
_YEARS: Final = 1.5
#: Candidates of so long a history, trees and kernel of each, the usual ones first.
_KNOWN: Final[dict[str, dict[str, Any]]] = {
    "season": {"season_after": 1.0},
    "no season": {"exclude": ("season_*",)},
}


def model_of_wind(*, next_hours: bool, by_recipe: bool) -> QuantileModel:
    """Default model of wind; of the next hours a departure from the newest power, which decays with the time since.

    Trees and a kernel model err differently: their mean is the usual choice, in shares by out-of-fold rows. Departures
    of the next hour are narrower than those of the next day: levels are calibrated by the distance. After a year
    and a half the season is known; it is then used unless models without it forecast later rows better.
    """
    level: dict[str, Any] = {"relative_to": "newest[decayed]"} if next_hours else {}
    by: dict[str, Any] = {"calibrate_by": "newest[distance]"} if next_hours else {}

    def two(name: str, columns: dict[str, Any]) -> dict[str, QuantileModel]:
        kernel = KernelQuantiles(projections=_PROJECTIONS, **level, **columns)
        return {f"trees{name}": LightGBMQuantiles(**level, **by, **columns), f"kernel{name}": kernel}

    if not by_recipe:
        candidates = two("", {})
        return SelectedModel(candidates=candidates, usual=tuple(candidates), weigh=True, blend=False)
    early = two("", _KNOWN["no season"])
    usual, without = (two(f", {name}", columns) for name, columns in _KNOWN.items())
    return SelectedModel(
        candidates=usual | without | early,
        usual=(*usual, *early),
        required=tuple((name, "season_*") for name in usual),
        early=tuple(early),
        early_before=_YEARS,
        weigh=True,
    )


def season_for(site: Site, model: QuantileModel) -> list[Feature]:
    """Season of a wind farm, for a model that waits until it is known."""
    chooses = isinstance(site, WindFarm) and isinstance(model, SelectedModel)
    return [SEASON] if chooses and "trees, season" in (model.candidates or ()) else []
