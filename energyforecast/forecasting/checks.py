"""Refusals of a forecaster: wrong inputs, a wrong clock, weather or history that is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import plausibility, timestamps, weather_schema
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import PVPlant, Site, WindFarm
from energyforecast.core.tasks import Task
from energyforecast.core.timestamps import Times
from energyforecast.core.weather_schema import Weather
from energyforecast.core.wording import counted, minute, short
from energyforecast.errors import (
    MissingDataError,
    NoRunError,
    NotFittedError,
    PerfectWeatherError,
    SchemaError,
    TimeError,
    of_type,
    one_of,
)
from energyforecast.features import Needs
from energyforecast.forecasting.defaults import Recipe
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.hub_wind import clock_stride
from energyforecast.forecasting.ladder import AGE_SLACK
from energyforecast.forecasting.training_summary import Training
from energyforecast.observations import Lag, estimate_lag
from energyforecast.observations.clock import WIND_TOLERANCE
from energyforecast.point_in_time import weather_access
from energyforecast.weather.processing.temporal import Steps

__all__ = [
    "check_clock",
    "check_intervals",
    "check_issue_times",
    "check_kind",
    "check_measured",
    "check_observations",
    "refuse_other_variables",
    "refuse_too_old",
    "refuse_unfitted",
    "refuse_unpublished",
    "refuse_unusable",
]

Array = npt.NDArray[Any]
#: Where weather is missing.
Place: TypeAlias = Literal["fit", "predict", "backtest"]


#: Lags that a message names.
_NAMED: Final = 4
#: Remedy of inputs that are lost at the issue time.
_NOT_STRICT: Final = (
    "--no-strict (command line) or predict(..., strict=False) gives a forecast without it, marked so"
)
#: Remedy of a wrong clock.
_RIGHT_CLOCK: Final = (
    "If the file labels the end of the hour, read it with label='ending'; else check its time zone. If the clock is "
    "known to be right: in a configuration trust_clock = true under [observations], in Python "
    "Forecaster(..., trust_clock=True)."
)


def check_kind(weather: Weather, *, perfect_weather: bool) -> None:
    """Refuse an analysis unless the forecaster was made for perfect weather."""
    analysis = any(weather_schema.is_analysis(data) for data in weather_schema.as_models(weather).values())
    if analysis and not perfect_weather:
        raise PerfectWeatherError(
            "The weather is an analysis (dimensions site, time): it was made after the fact and has no runs, "
            "so no forecaster could have known it at issue time.",
            "A forecaster must learn from weather forecasts of the lead that it will be served; with an analysis, "
            "errors look smaller than they will be and intervals too narrow.",
            "Give weather forecasts (site, init_time, lead_time), or allow the analysis: in a configuration "
            "perfect_weather = true under [weather], in Python Forecaster(..., perfect_weather=True); "
            "every result is then marked so.",
        )


def check_observations(observations: Observations | None) -> None:
    """Refuse tables, which carry neither flags nor times of publication."""
    if observations is not None:
        of_type(
            "observations",
            observations,
            expected=Observations,
            remedy="Read a table with energyforecast.read_power, or give Observations(frame, published_after=...).",
        )


def check_issue_times(issued: Times, *, strict: bool = True) -> None:
    """Refuse a forecast without an issue time, and another value of `strict` than True and False."""
    one_of("strict", strict, allowed=(True, False))
    if not len(issued):
        raise TimeError(
            "No issue time is given.", "A forecast must have at least one.", "Give issue_time=..."
        )


def check_measured(observations: Observations | None, *, sites: Sequence[Site], task: Task) -> None:
    """Refuse observations that lack a site, are not in MW, or have other intervals than the task."""
    if observations is None:
        return
    check_observations(observations)
    largest = [_largest(site, observations) for site in sites]
    plausibility.check_observations(observations.values, sites=largest, unfit=observations.unfit)
    check_intervals(observations, task)


def check_intervals(observations: Observations, task: Task) -> None:
    """Refuse observations with other intervals than the task: they are neither joined nor cut unasked."""
    frequency, given = short(task.frequency), short(observations.frequency)
    clock = "" if task.timezone == "UTC" else f", timezone={task.timezone!r}"
    joined = f"observations.resample({frequency!r}{clock})"
    if observations.frequency != task.frequency:
        finer = task.frequency % observations.frequency == pd.Timedelta(0)
        raise TimeError(
            f"The observations come every {given}, the task every {frequency}.",
            "Both must have the same frequency.",
            f"Use {joined}; in a configuration, resample = true under [observations]."
            if finer
            else f"Make the task with frequency={given!r}, or read observations of shorter intervals.",
        )
    begins = timestamps.to_index(task.windows(observations.index[:1]).valid_time[0, :1])
    if (begins[0] - observations.index[0]) % task.frequency:
        raise TimeError(
            f"The observations begin at {observations.index[0]:%H:%M} UTC, the intervals of {frequency} of the task at "
            f"{begins[0]:%H:%M} UTC, on the clock of {task.timezone}.",
            "Both must have the same intervals: half an hour or a quarter lies between them.",
            f"Read measurements of shorter intervals and use {joined} (in a configuration, resample = true), or make "
            "the task on the clock of the observations, by its timezone.",
        )


def _largest(site: Site, observations: Observations) -> Site:
    """A site with the largest capacity that it ever had in service."""
    ever = [
        item.values[site.name].max()
        for item in observations.capacities
        if not item.limit and site.name in item.sites
    ]
    if site.capacity is None or not ever or not max(ever) > site.capacity:
        return site
    if isinstance(site, WindFarm):
        site = replace(site, turbine_groups=())  # whose sum is the rated capacity
    return replace(site, capacity=float(max(ever)))


def refuse_unfitted(is_fitted: bool, site: Site) -> None:
    """Refuse to forecast before a fit."""
    if not is_fitted:
        raise NotFittedError(
            f"The forecaster of {site.name!r} is not fitted.",
            "It must be fitted before it predicts.",
            "Call forecaster.fit(weather, observations), or energyforecast.load(path).",
        )


def refuse_other_variables(needs: Needs, *, fitted: Needs) -> None:
    """Refuse weather with other variables than those of the fit."""
    if _read(needs) != _read(fitted):
        raise SchemaError(
            f"The weather serves the variables {needs.names}.",
            f"The forecaster was fitted on {fitted.names}.",
            "Give the weather that fit was given, or fit again.",
        )


def _read(needs: Needs) -> dict[str, tuple[str, ...]]:
    """Variables by weather model, without models of which none is read."""
    return {model: names for model, names in needs.names.items() if names}


def check_clock(matrix: DesignMatrix, observations: Observations, *, sites: Sequence[Site]) -> dict[str, Lag]:
    """Refuse power more than 35 minutes before or after the wind or the sun; lags by wind farm."""
    lags: dict[str, Lag] = {}
    for site in sites:
        step = matrix.windows.frequency
        power = outcomes_at(observations, matrix.valid_time, site=site.name, step=step, outside="missing")
        if isinstance(site, PVPlant):
            plausibility.check_sun(
                matrix.valid_time, power, site=site, label="observations", modules=True, remedy=_RIGHT_CLOCK
            )
        lag = _clock_lag(power, matrix.hub_wind[site.name], step)
        if lag is None:
            continue
        lags[site.name] = lag
        if lag.certain and abs(lag.minutes) - 2 * lag.standard_error > WIND_TOLERANCE:
            raise _wrong_clock(site, lag, matrix)
    return lags


def _clock_lag(power: Array, speed: Array, frequency: pd.Timedelta) -> Lag | None:
    """Lag of power behind the wind at the hub, which is given for each interval and those around it."""
    return (
        estimate_lag(power, speed.astype(float), step=clock_stride(frequency), interval=frequency)
        if len(speed)
        else None
    )


def _wrong_clock(site: Site, lag: Lag, matrix: DesignMatrix) -> TimeError:
    """Error of power that comes too early or too late."""
    side = "after" if lag.minutes > 0 else "before"
    return TimeError(
        f"Power of site {site.name!r} comes {abs(lag.minutes):.0f} ± {lag.standard_error:.0f} min {side} the wind "
        f"(from {matrix.valid_time[0]} UTC on).",
        "Power must be labelled with the beginning of its hour, in UTC, so that the two agree within 35 min.",
        _RIGHT_CLOCK,
    )


def refuse_unusable(
    weather: Weather,
    matrix: DesignMatrix,
    *,
    recipes: Sequence[Recipe],
    place: Place,
    only: npt.NDArray[np.bool_] | None = None,
) -> None:
    """Raise, with the reason and the remedy of its place, if an origin (or one of `only`) has no usable weather."""
    lost = np.flatnonzero(~matrix.usable & (True if only is None else only))
    if matrix.from_earlier and place != "predict":  # The first run of an archive has none before it.
        lost = lost[lost > int(matrix.usable.argmax())]
    if lost.size and matrix.refusal is not None:
        raise matrix.refusal
    if lost.size:
        needs = {site: features.resolve(weather)[1] for sites, features, _ in recipes for site in sites}
        raise _no_weather(weather, matrix.windows, needs, lost, place)


def _no_weather(
    weather: Weather, windows: Windows, needs: Mapping[Site, Needs], lost: npt.NDArray[np.int64], place: Place
) -> MissingDataError:
    """Error of the first origin without usable weather."""
    origin = int(lost[0])
    for model, dataset in weather_schema.as_models(weather).items():
        for site, needed in needs.items():
            reason = weather_access.why_missing(
                dataset,
                site=site.name,
                issue_time=windows.issue_time[origin],
                valid_time=windows.valid_time[origin][windows.inside[origin]],
                names=needed.names[model],
                steps=Steps.of_windows(site, windows.valid_time[:, 0], windows.frequency),
            )
            if reason is not None:
                analysis = weather_schema.is_analysis(dataset)
                kind = MissingDataError if analysis else NoRunError
                first, last = weather_schema.covered(dataset)
                which = f" of weather model {model!r}" if model else ""
                return kind(
                    f"No usable weather{which} for site {site.name!r} at issue time "
                    f"{minute(windows.issue_time[origin])} UTC ({counted(lost.size, 'issue time')} in all): {reason} "
                    f"The weather covers {minute(first)} to {minute(last)} UTC.",
                    "The analysis must hold every variable for every hour of the window."
                    if analysis
                    else "At each issue time a run must have arrived that holds every variable for every hour of the "
                    "window.",
                    (place != "predict" and _never_there(dataset, site.name, needed.names[model]))
                    or _remedy(dataset, windows.valid_time[lost, 0], place),
                )
    raise AssertionError("an origin without weather has a reason")


def _never_there(weather: xr.Dataset, site: str, names: Iterable[str]) -> str:
    """Remedy for a site at which variables have no value at all; empty where there are none."""
    empty = [name for name in names if name in weather and not weather[name].sel(site=site).notnull().any()]
    return (
        f"At {site!r}, {' and '.join(empty)} has no value at all: complete the weather, or give this site other "
        f"features: Forecaster(..., features={{{site!r}: recipe(site, task) - ..., ...}})."
        if empty
        else ""
    )


def _remedy(weather: xr.Dataset, begins: Times, place: Place) -> str:
    """Remedies, in their place, for issue times without usable weather, of windows that begin at these times."""
    first, last = minute(begins[0]), minute(begins[-1] + np.timedelta64(1, "m"))
    members = "Give the members alone that every run has, by weather.sel(member=[...]). "
    ways = {
        "fit": "fit(..., missing='drop') leaves such issue times out.",
        "predict": f"{_NOT_STRICT}.",
        "backtest": "backtest(..., missing='drop') leaves such issue times out of all models, and "
        f"splits=Splits(skip=[('{first}Z', '{last}Z')]) does not ask for them.",
    }
    return f"{members if 'member' in weather.dims else ''}Complete the weather; {ways[place]}"


def refuse_different_columns(columns: Mapping[str, pd.DataFrame], pooled: Sequence[str]) -> None:
    """Refuse one model for sites of which one has columns that another lacks."""
    for name in pooled[1:]:
        differing = sorted({*map(str, columns[name])} ^ {*map(str, columns[pooled[0]])})
        if differing:
            raise SchemaError(
                f"A pooled model is asked for; {name!r} and {pooled[0]!r} differ in the columns {differing}.",
                "Sites of one model must have the same columns, also those of planned operation.",
                "Plan the same activities for each (level 0 where one has none), or leave pooled=False.",
            )


def refuse_too_old(matrix: DesignMatrix, training: Training) -> None:
    """Raise if the newest usable run is older than any seen in training."""
    for (model, name), init in matrix.weather_init_time.items():
        age = matrix.weather_age(model, name)
        limit = training.oldest_weather.get(model, np.inf)
        old = np.flatnonzero(age > limit + AGE_SLACK)
        if old.size:
            raise NoRunError(
                f"At {minute(matrix.windows.issue_time[old[0]])} UTC the newest usable weather run for site "
                f"{name!r} is {age[old[0]]:g} h old (initialised {minute(init[old[0]])} UTC).",
                f"A run must be at most {limit:g} h old, as those of training were.",
                f"Update the weather archive; {_NOT_STRICT}.",
            )


def _several(lags: Sequence[pd.Timedelta]) -> str:
    """Lags in hours, those between left out where there are many."""
    hours = [f"{hours:g} h" for hours in sorted({lag / pd.Timedelta("1h") for lag in lags})]
    return ", ".join(hours[:_NAMED]) + (f" ... {hours[-1]}" if len(hours) > _NAMED else "")


def refuse_unpublished(matrix: DesignMatrix, training: Training, needs: Needs) -> None:
    """Raise if of a lag no observation had been published."""
    warm = [
        matrix.any_lag(name) if name in training.young else known
        for name, known in matrix.has_history.items()
        if name not in training.cold
    ]
    lost = np.flatnonzero(~np.logical_and.reduce(warm)) if warm else np.empty(0, dtype=int)
    if lost.size:
        names = ", ".join(repr(name) for name in matrix.has_history)
        lags = _several([item.lag for item in needs.history if not item.optional])
        raise MissingDataError(
            f"At {minute(matrix.windows.issue_time[lost[0]])} UTC no observation of {names} had been published "
            f"from which the lags {lags} could be taken.",
            "Of each lag that a feature uses, the value or an older one must be published.",
            f"Give the newest observations; {_NOT_STRICT}.",
        )
