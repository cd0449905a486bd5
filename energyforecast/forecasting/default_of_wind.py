"""Default model of wind, and the season that it learns once that is known."""

from __future__ import annotations

from typing import Any, Final

from energyforecast.core.sites import Site, WindFarm
from energyforecast.features import DayOfYear, Feature
from energyforecast.models import LightGBMQuantiles, QuantileModel, SelectedModel

__all__ = ["SEASON", "model_of_wind", "season_for"]

#: Season in parts of a year that hold many spells of weather: trees cannot single out one of them.
SEASON: Final = DayOfYear(parts=6)
#: Years from which on the season is known: two, but for some days. [a]
_YEARS: Final = 1.95


def model_of_wind(*, next_hours: bool, by_recipe: bool) -> QuantileModel:
    """Default model of wind; of the next hours a departure from the newest power, which decays with the time since.

    Departures of the next hour are narrower than those of the next day: levels are calibrated by the distance. In two
    years each season was seen again; it is then used unless the model without it forecasts later rows better.
    """
    settings: dict[str, Any] = (
        {"relative_to": "newest[decayed]", "calibrate_by": "newest[distance]"} if next_hours else {}
    )
    if not by_recipe:
        return LightGBMQuantiles(**settings)
    without = LightGBMQuantiles(exclude=("season_*",), **settings)
    return SelectedModel(
        candidates={
            "season": LightGBMQuantiles(season_after=1.0, **settings),
            "without season": without,
            "before two years": without,
        },
        usual=("season",),
        required=(("season", "season_*"),),
        early=("before two years",),
        early_before=_YEARS,
        blend=False,
    )


def season_for(site: Site, model: QuantileModel) -> list[Feature]:
    """Season of a wind farm, for a model that waits until it is known."""
    chooses = isinstance(site, WindFarm) and isinstance(model, SelectedModel)
    return [SEASON] if chooses and "season" in (model.candidates or ()) else []
