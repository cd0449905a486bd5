"""Training of a forecaster: origins, rows with a published outcome, models and cold starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import sklearn.base

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import power_bounds
from energyforecast.core.sites import PVPlant, Site, WindFarm
from energyforecast.core.weather_schema import Weather
from energyforecast.errors import MissingDataError
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.models import Climatology, ColdStart, QuantileModel
from energyforecast.point_in_time.capacity import capacity_in_service, free_power

__all__ = [
    "TrainingRows",
    "cold_start_caveats",
    "cold_start_sites",
    "fit_cold_start",
    "fit_models",
    "select_rows",
    "with_every_site",
]

Array = npt.NDArray[Any]

#: A farm with fewer hours of published power than this is forecast from physics, a PV plant with fewer of daylight: its
#: days repeat, so that after 15 of them what was learned is 21 % better than the chain alone, after 8 days 10 %. [h]
_COLD: Final = 720.0
_COLD_BY_DAY: Final = 150.0


@dataclass(frozen=True)
class TrainingRows:
    """Outcomes of a design matrix, as with the rated capacity in service, and the rows that a fit uses, by site."""

    matrix: DesignMatrix
    sites: tuple[Site, ...]
    usable: dict[str, npt.NDArray[np.bool_]]
    outcome: dict[str, Array]
    keep: dict[str, npt.NDArray[np.bool_]]

    @property
    def scale(self) -> dict[str, float]:
        """Divisor of lags and outcomes by site: the capacity, or 1 where a site has none. [MW]"""
        return {site.name: 1.0 if site.capacity is None else float(site.capacity) for site in self.sites}

    def lit(self, site: Site) -> npt.NDArray[np.bool_]:
        """Rows to fit on, without nights: their zeros would fill leaves and blur the calibration of days."""
        keep = self.keep[site.name]
        lit = keep & ~self.matrix.is_dark(site)
        return lit if lit.any() else keep


def with_every_site(
    observations: Observations | None,
    weather: Weather,
    *,
    model_of: Mapping[str, QuantileModel],
    frequency: pd.Timedelta,
) -> Observations:
    """Observations with a column for every site, empty for those that have no power yet."""
    names = list(model_of)
    if observations is None:
        index = _weather_hours(weather, frequency)
        return Observations(pd.DataFrame(np.nan, index=index, columns=names), published_after="0h")
    absent = [name for name in names if name not in observations.sites]
    # Next to a column of no site, an absent one is rather a misspelt name, which the check then reports.
    references = any(model_of[name].needs is not None for name in absent)
    if not absent or references or not set(observations.sites) < set(names):
        return observations
    published, flags = (
        None if frame is None else frame.reindex(columns=names)
        for frame in (observations.published_time, observations.flags)
    )
    available = observations.available_capacity
    return replace(
        observations,
        values=observations.values.reindex(columns=names),
        published_time=published,
        available_capacity=available.reindex(columns=names)
        if isinstance(available, pd.DataFrame)
        else available,
        flags=None if flags is None else flags.where(flags.notna(), 0).astype(int),
    )


def _weather_hours(weather: Weather, frequency: pd.Timedelta) -> pd.DatetimeIndex:
    """Intervals from the first common run or hour of all weather models to the last."""
    if not weather_schema.as_models(weather):
        raise MissingDataError(
            "There are no observations and no weather.",
            "A forecaster must learn from one of them.",
            "Give observations: forecaster.fit(None, observations), or weather of a plant that has a capacity.",
        )
    axes = [
        (data["time"] if weather_schema.is_analysis(data) else data["init_time"]).values
        for data in weather_schema.as_models(weather).values()
    ]
    start, end = max(axis[0] for axis in axes), min(axis[-1] for axis in axes)
    begin, last = timestamps.to_index(np.array([start, end]))
    return pd.date_range(begin.ceil(frequency), max(last, begin + pd.Timedelta("4D")), freq=frequency)


def select_rows(
    matrix: DesignMatrix,
    observations: Observations,
    *,
    sites: Sequence[Site],
    as_of: pd.Timestamp | np.datetime64 | None = None,
    allowed: npt.NDArray[np.bool_] | None = None,
) -> TrainingRows:
    """Rows with usable weather and an outcome published as of a moment, by site."""
    outcome, keep = {}, {}
    capacity = capacity_in_service(observations, sites=sites, step=matrix.windows.frequency)
    may = np.ones(len(matrix.origin), dtype=bool) if allowed is None else allowed
    usable = {site.name: matrix.usable_at[site.name][matrix.origin] & may for site in sites}
    for site in sites:
        outcome[site.name] = free_power(observations, site, matrix.valid_time, as_of=as_of, capacity=capacity)
        keep[site.name] = usable[site.name] & np.isfinite(outcome[site.name])
        if not keep[site.name].any() and not matrix.has_physics(site):
            raise MissingDataError(
                f"Site {site.name!r} has no published outcome among {int(usable[site.name].sum())} rows"
                + (f" as of {as_of}." if as_of is not None else "."),
                "At least one hour must have weather and a published, unflagged outcome.",
                "Check the flags and published_after of the observations. Demand must be observed; a plant is "
                "forecast without, if the features use the wind, or the sun and the temperature.",
            )
    return TrainingRows(matrix=matrix, sites=tuple(sites), usable=usable, outcome=outcome, keep=keep)


def cold_start_sites(rows: TrainingRows) -> dict[str, list[str]]:
    """Plants with little published power, each with those of its kind that have more."""
    matrix = rows.matrix
    cold = {
        site.name: type(site) for site in rows.sites if matrix.has_physics(site) and _has_little(rows, site)
    }
    others = [site for site in rows.sites if site.name not in cold and matrix.has_physics(site)]
    return {name: [o.name for o in others if type(o) is kind] for name, kind in cold.items()}


def _has_little(rows: TrainingRows, site: Site) -> bool:
    """Whether the published power of a site is too short for a model."""
    known = rows.keep[site.name] & ~rows.matrix.is_dark(site)
    hours = len(np.unique(rows.matrix.valid_time[known])) * (
        rows.matrix.windows.frequency / pd.Timedelta("1h")
    )
    return bool(hours < (_COLD_BY_DAY if isinstance(site, PVPlant) else _COLD))


def cold_start_caveats(sites: Sequence[Site], cold: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Caveats of results for sites that had little power."""
    return tuple(
        f"cold start: power curve on the weather for {site.name}, errors {_origin_of_errors(cold[site.name])}"
        if isinstance(site, WindFarm)
        else f"cold start: PV chain on the weather for {site.name}, errors {_origin_of_errors(cold[site.name])}"
        for site in sites
        if site.name in cold
    )


def _origin_of_errors(others: list[str]) -> str:
    """Words for the sites from which a cold start takes its errors."""
    named = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    return f"as at {named}" if others else "by default"


def fit_models(
    rows: TrainingRows,
    sites: Sequence[Site],
    *,
    model_of: Mapping[str, QuantileModel],
    quantiles: tuple[float, ...],
    pooled: bool,
) -> dict[str, QuantileModel]:
    """Fitted model of each site: one for each, or one for all."""
    groups = [tuple(sites)] if pooled and sites else [(site,) for site in sites]
    fitted: dict[str, QuantileModel] = {}
    for group in groups:
        X, y = stacked(rows, group)
        bounded = all(site.capacity is not None for site in group)
        share = max(site.largest_share for site in group) if bounded else None
        model: QuantileModel = sklearn.base.clone(model_of[group[0].name])
        model.set_params(quantiles=quantiles)
        model.fit(X, y, bounds=power_bounds(share, kind=group[0].kind))
        fitted |= dict.fromkeys((site.name for site in group), model)
    return fitted


def stacked(rows: TrainingRows, group: Sequence[Site]) -> tuple[pd.DataFrame, Array]:
    """Features, by the time they are of, and scaled outcomes of a group of sites, in order of time."""
    chosen = {site.name: rows.lit(site) for site in group}
    X = pd.concat([rows.matrix.columns[name][where] for name, where in chosen.items()])
    y = np.concatenate([rows.outcome[name][where] / rows.scale[name] for name, where in chosen.items()])
    # Models cut their rows into blocks of time.
    place = np.concatenate([np.flatnonzero(where) for where in chosen.values()])
    order = np.argsort(place, kind="stable")
    valid = pd.DatetimeIndex(rows.matrix.valid_time[place[order]], name="valid_time")
    return X.iloc[order].set_axis(valid), y[order]


def fit_cold_start(
    rows: TrainingRows, name: str, others: Sequence[str], *, quantiles: tuple[float, ...]
) -> tuple[QuantileModel, QuantileModel]:
    """Physics with the errors of other sites, and the climatology that answers where there is no weather."""
    matrix, scale = rows.matrix, rows.scale
    sites = {site.name: site for site in rows.sites}
    hours = {site: matrix.hour_of_day(sites[site]) for site in (name, *others)}
    lit = {other: rows.lit(sites[other]) for other in others}
    X = pd.concat([matrix.physics[name][:0], *(matrix.physics[o][lit[o]] for o in others)])
    y = np.concatenate([np.empty(0), *(rows.outcome[o][lit[o]] / scale[o] for o in others)])
    hour, y_of_hour = pd.concat([hours[name][:0], *(hours[o][lit[o]] for o in others)]), y
    if not others:  # Without any errors, all between no power and full power is equally likely.
        hour, y_of_hour = pd.DataFrame({"hour": np.zeros(101)}), np.linspace(0.0, 1.0, 101)
    model = ColdStart(quantiles).fit(X, y, bounds=(0.0, 1.0))
    return model, Climatology(quantiles).fit(hour, y_of_hour, bounds=(0.0, 1.0))
