"""Training of a forecaster: origins, rows with a published outcome, models and cold starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sklearn.base

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import power_bounds
from energyforecast.core.sites import Site
from energyforecast.core.weather_schema import Weather
from energyforecast.errors import MissingDataError
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.missing_inputs import with_every_column
from energyforecast.models import QuantileModel
from energyforecast.point_in_time.capacity import capacity_in_service, free_power

__all__ = [
    "TrainingRows",
    "fit_models",
    "select_rows",
    "with_every_site",
]

Array = npt.NDArray[Any]


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
    return with_every_column(observations, names)


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
                "Check the flags and published_after of the observations. Demand must be observed, unless the area has "
                "load_profile (such as 'H25') and yearly_energy [GWh]; a plant is forecast without, if the features "
                "use the wind, or the sun and the temperature.",
            )
    return TrainingRows(matrix=matrix, sites=tuple(sites), usable=usable, outcome=outcome, keep=keep)


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
