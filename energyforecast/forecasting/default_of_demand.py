"""Default models of demand: with and without a temperature, in short histories, of industry, and of the next hours."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from energyforecast.core import calendars
from energyforecast.core.sites import DemandArea
from energyforecast.models import DayProfile, KernelQuantiles, LightGBMQuantiles, QuantileModel, SelectedModel

__all__ = ["IN_ITS_UNIT", "model_of_demand", "model_of_demand_now"]

#: Levels fitted for demand.
_DENSE: Final = (0.01, 0.025, 0.05, 0.1, 0.17, 0.25, 0.37, 0.5, 0.63, 0.75, 0.83, 0.9, 0.95, 0.975, 0.99)

#: Columns of demand in its unit, which enter as departures where the outcome does.
_LEVELS_OF_DEMAND: Final = ("lag_*h", "mean_*", "level", "day_mean", "newest")
#: All columns in the unit of demand, besides the age of lags.
IN_ITS_UNIT: Final = (*_LEVELS_OF_DEMAND, "level[[]*", "newest[[]*", "change[[]*")
#: Columns that move as slowly as the season: in a short history with weather, trees take single weeks for them.
_OF_WEEKS: Final = ("day_length", "mean_4x168h", "level[[]*")
_SLOW: Final = (*_OF_WEEKS, "level", "mean_7x24h", "day_mean")
#: Columns that move with the year, which no temperature explains.
_OF_THE_YEAR: Final = ("season_*", "day_length", "daylight")
#: Settings of trees where columns explain little: random thresholds, no start at the median, holidays of a few days.
_EXPLAIN_LITTLE: Final[dict[str, Any]] = {
    "extra_trees": True,
    "init_from_median": False,
    "min_child_samples": 40,
}
#: Projections of the kernel models: with more they are hardly better, and dearer.
_PROJECTIONS: Final = 200
#: Years below which profiles forecast demand, and below which they do so with trees. [a]
_FEW_WEEKS: Final = 0.125
_HALF_YEAR: Final = 0.5
#: Columns without which there is no profile.
_OF_PROFILES: Final = ("hour", "weekday", "mean_7x24h", "lag_24h")
#: Columns of industry for the first weeks alone: later, those of its level say the same.
_OF_FIRST_WEEKS: Final = ("hour", "lag_24h*", "mean_*", "day_mean")
#: Years of demand from which on the season is known. [a]
_SEASON_AFTER: Final = 1.25


def model_of_demand(site: DemandArea) -> QuantileModel:
    """Default model of a demand area.

    Departures from published values follow growth and breaks; a linear base on the level goes beyond the range of
    training, as in the first frost, in which it takes over. A kernel model is smooth in all columns at once. Errors
    differ: the mean is the usual choice. Industry moves in steps: its level is that of its newest days.
    """
    if site.sector == "industry":
        return _of_industry(site)
    absolute = {"absolute": _demand_trees()}
    means = {
        "linear base on the level": _demand_trees(linear_base=True, relative_to="level"),
        "departure from the week's mean": _demand_trees(relative_to="mean_7x24h"),
        "kernel of the departure from the newest day": _demand_kernel("day_mean", season_after=_SEASON_AFTER),
    }
    weather, alone, profiles = _of_short_history(), _of_demand_alone(), _profiles(site)
    # Where the temperature explains little, or leaves all that was learnt, the past alone may be right.
    early = weather | {
        "departure from the week's mean, without temperature": _of_the_past("mean_7x24h", "temp_air*")
    }
    responding = absolute | means
    return SelectedModel(
        candidates=responding | early | alone | profiles,
        usual=(*absolute, *means, *alone, *weather),
        required=(
            *((name, "temp_air*") for name in (*responding, *early)),
            *((name, "!temp_air*") for name in alone),
            *((name, column) for name in profiles for column in _OF_PROFILES),
        ),
        # A frost or heat beyond all before raises demand: a base that falls follows the other leg of its response.
        beyond=tuple(
            ("temp_air[mean]", name, "above") for name in ("linear base on the level", "linear base, weather")
        ),
        early=tuple(early),
        early_before=_SEASON_AFTER,
        weigh=True,
        young=(
            (_FEW_WEEKS, (*profiles, "departure from the week's mean, short history")),
            (_FEW_WEEKS, tuple(profiles)),
            (_HALF_YEAR, (*profiles, next(iter(alone)))),
        ),
    )


def _of_industry(site: DemandArea) -> QuantileModel:
    """Default model of industry; of the first weeks, that of other demand without a temperature."""
    profiles, alone = _profiles(site), _of_demand_alone()
    week = next(iter(alone))
    return SelectedModel(
        candidates={
            "departure from the level": _demand_trees(relative_to="level", exclude=_OF_FIRST_WEEKS),
            "absolute": _demand_trees(exclude=_OF_FIRST_WEEKS),
            **profiles,
            week: alone[week],
        },
        required=tuple((name, column) for name in (*profiles, week) for column in _OF_PROFILES),
        young=((_FEW_WEEKS, (*profiles, week)), (_FEW_WEEKS, tuple(profiles))),
    )


def _profiles(site: DemandArea) -> dict[str, QuantileModel]:
    """Candidates for the first weeks, from the week's mean and from the newest day: each hour of each type of day."""
    week = np.datetime64("2024-01-01") + np.arange(7)
    off = calendars.weekend(week, country=site.country, subdivision=site.subdivision)
    weekend = tuple(int(k) for k in np.flatnonzero(off))
    return {
        "profile from the week's mean": DayProfile(weekend=weekend),
        "profile from the newest day": DayProfile(level="lag_24h", weekend=weekend),
    }


def _of_short_history() -> dict[str, QuantileModel]:
    """Candidates where a temperature is known and the season is not.

    In so short a history, trees take single weeks for what moves with the season. On 34 histories of two to fourteen
    months, the mean of these four has 14 % less loss than the usual one of longer histories.
    """
    newest = {"relative_to": "day_mean", "relative_columns": _LEVELS_OF_DEMAND, "exclude": _OF_WEEKS}
    return {
        "weather": _demand_trees(exclude=_SLOW),
        "linear base, weather": _demand_trees(exclude=_SLOW, linear_base=True),
        "departure from the newest day, short history": _demand_trees(**newest),
        "departure from the week's mean, short history": _demand_trees(relative_to="mean_7x24h"),
    }


def _of_demand_alone() -> dict[str, QuantileModel]:
    """Candidates where no temperature is known: departures of demand from its newest levels, as all of its past enters.

    The settings of the trees are those for columns that explain little. A kernel model, which is smooth in all columns
    at once, errs differently: the mean of both is the usual choice, in shares by out-of-fold rows.
    """
    kernel = _demand_kernel("day_mean", exclude=_OF_THE_YEAR)
    return {
        "departure from the week's mean, past alone": _of_the_past("mean_7x24h"),
        "kernel of the departure from the newest day, past alone": kernel,
    }


def _of_the_past(level: str, *more: str) -> QuantileModel:
    """Trees for the departure of demand from a level of its past, without the year and some more columns."""
    exclude = (*_OF_THE_YEAR, *more)
    return _demand_trees(
        relative_to=level, relative_columns=_LEVELS_OF_DEMAND, exclude=exclude, **_EXPLAIN_LITTLE
    )


def model_of_demand_now(site: DemandArea, lead: str | None) -> QuantileModel:
    """Default model of a demand area for the next hours, which continue from the newest value.

    Errors grow with the lead, by which levels are calibrated. Trees and a kernel model err differently: their mean is
    the usual choice, of two in shares by out-of-fold rows. A machine that was switched on is switched off again: of
    industry, trees for the departure from the level of the newest days are in the mean as well.
    """
    usual: dict[str, QuantileModel] = {
        "departure from the newest value": _demand_trees(relative_to="newest", calibrate_by=lead),
        "kernel of the departure from the newest value": _demand_kernel("newest", season_after=_SEASON_AFTER),
    }
    if site.sector == "industry":
        # The level stays a column as it is: it separates night and noon.
        others = tuple(name for name in _LEVELS_OF_DEMAND if name != "level")
        usual["departure from the level"] = _demand_trees(
            relative_to="level", relative_columns=others, calibrate_by=lead
        )
    without = "linear base"  # for features of one's own that have no newest value
    return SelectedModel(
        candidates=usual | {without: _demand_trees(linear_base=True, calibrate_by=lead)},
        usual=tuple(usual),
        required=((without, "!newest"),),
        weigh=True,
        blend=False,
    )


def _demand_kernel(level: str, **settings: Any) -> QuantileModel:
    """Kernel model of the departure of demand from a level, with all that it reads of demand as departures."""
    return KernelQuantiles(
        projections=_PROJECTIONS, relative_to=level, relative_columns=_LEVELS_OF_DEMAND, **settings
    )


def _demand_trees(**settings: Any) -> QuantileModel:
    """Trees for demand.

    It depends on few features: thresholds are searched in full. Quantiles lie near the median, where leaf values begin;
    each fold has all seasons; residuals are nearly normal, so that straight lines between few levels would widen the
    distribution.
    """
    usual: dict[str, Any] = {
        "extra_trees": False,
        "init_from_median": True,
        "folds": 3,
        "blocks_per_fold": 15,
        "fitted_quantiles": _DENSE,
        "season_after": _SEASON_AFTER,
    }
    return LightGBMQuantiles(**(usual | settings))
