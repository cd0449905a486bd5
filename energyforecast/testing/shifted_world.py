"""Test of the shifted world: skill must disappear where the weather is that of another day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.arguments import checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import Weather, as_models, is_analysis
from energyforecast.errors import LeakageError
from energyforecast.evaluation.backtest import backtest
from energyforecast.evaluation.result import Result
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import Climatology, LightGBMQuantiles

__all__ = ["ShiftedWorld", "check_shifted_world"]

#: Loss of skill of the opponent from which the test can tell.
_CONCLUSIVE: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class ShiftedWorld:
    """Skill over climatology (pinball) with the weather as it was, and with that of another day.

    Parameters
    ----------
    skill, shifted_skill : float
        Of the tested forecaster. [1]
    honest_skill, shifted_honest_skill : float
        Of the opponent, which has the features of the library alone. [1]
    issues : int
        Number of forecasts.

    See Also
    --------
    check_shifted_world

    Examples
    --------
    >>> world = ShiftedWorld(
    ...     skill=0.5, shifted_skill=0.1, honest_skill=0.45, shifted_honest_skill=0.12, issues=60
    ... )
    >>> world.conclusive, round(world.lost, 2)
    (True, 0.4)
    """

    skill: float
    shifted_skill: float
    honest_skill: float
    shifted_honest_skill: float
    issues: int

    @property
    def lost(self) -> float:
        """Skill that the tested forecaster loses with the weather of another day."""
        return self.skill - self.shifted_skill

    @property
    def conclusive(self) -> bool:
        """Whether the opponent loses skill, so that the weather matters at this site and lead."""
        return self.honest_skill - self.shifted_honest_skill >= _CONCLUSIVE


@checked(tolerance=(0, 1))
def check_shifted_world(
    forecaster: Forecaster,
    weather: Weather,
    observations: Observations,
    *,
    start: Any,
    end: Any,
    shift: str | timedelta = "1D",
    opponent: Forecaster | None = None,
    tolerance: float = 0.15,
) -> ShiftedWorld:
    r"""Check that skill disappears with the weather: the same forecaster on weather of another day.

    All runs are moved by a day, with their initialisation and availability; power stays. Physics then allows
    no more skill than follows from the season, the time of day, the newest power, and the likeness of one day to the
    next. A pipeline that keeps its skill has the outcome from elsewhere: from an archive inside a feature, a file,
    or a setting.

    Parameters
    ----------
    forecaster : Forecaster
        It is not changed.
    weather : Dataset or mapping of Dataset
    observations : Observations
    start, end : str or moment
        Period of two backtests, each with one fit.
    shift : timedelta or str
        Whole days, so that the sun keeps its place.
    opponent : Forecaster, optional
        An honest forecaster for the same task, which shows how much skill the physics allows. By default a small
        tree model with the features of the library.
    tolerance : float
        Skill that the forecaster may keep beyond that of the opponent. [1]

    Returns
    -------
    ShiftedWorld
        Skills in both worlds; ``conclusive`` is false where the weather matters too little for a test.

    Raises
    ------
    LeakageError
        If the forecaster keeps more skill than the opponent and the tolerance.

    See Also
    --------
    check_no_leakage, check_pipeline
    energyforecast.backtest : Backtest of both worlds.

    Notes
    -----
    With pinball losses :math:`L` and that of climatology, the skill in the shifted world must not exceed

    .. math:: 1 - \frac{L'}{L'_\text{clim}} \;\le\; \max\Big(0,\; 1 - \frac{L'_\text{opponent}}{L'_\text{clim}}\Big) + d

    with the tolerance :math:`d`. A leak that improves a forecast by less than that is not found.

    Examples
    --------
    >>> import energyforecast as ef
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))
    >>> small = ef.LightGBMQuantiles(n_estimators=20, folds=0)
    >>> forecaster = ef.Forecaster(site, task, model=small, perfect_weather=True)
    >>> world = check_shifted_world(
    ...     forecaster, weather, power["2014-01":"2014-06"], start="2014-05", end="2014-06"
    ... )
    >>> world.lost > 0.3
    True
    """
    moved = _moved(weather, timestamps.duration(shift))
    others = {
        "opponent": opponent or _opponent(forecaster),
        "climatology": _of_model(forecaster, Climatology()),
    }
    given: Any = {"start": start, "end": end, "refit": None, "missing": "drop"}
    skills = []
    for of_world in (weather, moved):
        named = {"tested": _trusting(forecaster)} | {name: _trusting(item) for name, item in others.items()}
        skills.append(_skills(backtest(named, of_world, observations, **given)))
    (skill, honest, issues), (shifted, shifted_honest, _) = skills
    world = ShiftedWorld(
        skill=skill,
        shifted_skill=shifted,
        honest_skill=honest,
        shifted_honest_skill=shifted_honest,
        issues=issues,
    )
    if shifted > max(0.0, shifted_honest) + tolerance:
        raise LeakageError(
            f"With the weather moved by {shift} the forecaster keeps a skill of {shifted:.2f} over climatology "
            f"({skill:.2f} with its own weather); an opponent with the library's features keeps {shifted_honest:.2f} "
            f"of {honest:.2f}.",
            f"Skill comes from the weather and the newest power; at most {tolerance:g} more can remain.",
            "Look for the outcome in a feature, a file that it reads, a calendar or a setting: check_no_leakage and "
            "check_pipeline name it.",
        )
    return world


def _moved(weather: Weather, shift: pd.Timedelta) -> Any:
    """Weather of which all times are later."""
    delay = shift.to_timedelta64()
    models = {}
    for name, data in as_models(weather).items():
        axis = "time" if is_analysis(data) else "init_time"
        later = {axis: data[axis] + delay, "available_time": data["available_time"] + delay}
        models[name] = data.assign_coords({axis: later[axis]}).assign_coords(
            available_time=(data["available_time"].dims, later["available_time"].values)
        )
    return models[""] if isinstance(weather, xr.Dataset) else models


def _trusting(forecaster: Forecaster) -> Forecaster:
    """Copy that does not compare the clock of the power with the weather."""
    copy = forecaster.unfitted()
    copy.trust_clock = True
    return copy


def _of_model(forecaster: Forecaster, model: Any) -> Forecaster:
    return Forecaster(
        forecaster.sites, forecaster.task, model=model, perfect_weather=forecaster.perfect_weather
    )


def _opponent(forecaster: Forecaster) -> Forecaster:
    return _of_model(forecaster, LightGBMQuantiles(n_estimators=60, folds=0))


def _skills(result: Result) -> tuple[float, float, int]:
    """Skill of the tested forecaster and of the opponent over climatology, and the number of issues."""
    losses = {
        name: float(np.mean(result.scores(chosen=["pinball"], model=name)["value"]))
        for name in ("tested", "opponent", "climatology")
    }
    issues = len(next(iter(result.forecasts.values())).issue_times)
    return (
        1 - losses["tested"] / losses["climatology"],
        1 - losses["opponent"] / losses["climatology"],
        issues,
    )
