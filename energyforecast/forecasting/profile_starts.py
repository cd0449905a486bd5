"""Cold starts of demand: areas without measurements, by a standard load profile and their yearly energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea, Site
from energyforecast.core.tasks import Task
from energyforecast.features.standard_profile import PROFILE_COLUMN
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.training import TrainingRows
from energyforecast.forecasting.training_summary import Training
from energyforecast.models import ProfileStart, QuantileModel

__all__ = [
    "alike_consumers",
    "blended",
    "fit_profile_start",
    "has_profile",
    "means_of_few_days",
    "measured_days",
    "nothing_measured",
    "words_of",
]

Array = npt.NDArray[Any]

#: Days of published demand below which the profile forecasts, and those that one who lends its spread has. [d]
_FIRST_DAY: Final = 1.0
_LENDER: Final = 28.0
#: Days of demand from which on the profile adds nothing: on twelve histories of consumers the mean with it has 25 %
#: less loss than one day alone, 4 % less than two, and than four no less. [d]
_LAST_DAY: Final = 4.0
#: Spread of a consumer around its profile where no other is known, by the first letter of the profile: of homes, and
#: sums of many of them, less than of a works among all of industry.
_SPREAD: Final = {"H": 0.35, "P": 0.6, "S": 0.6, "G": 1.0, "L": 0.6}
#: Size of single loads. [MW]
_SINGLE_LOAD: Final = 0.0004
#: An issue time in the days of which nothing is measured.
_ANY_DAY: Final = "2024-01-01 09:00"
_HOURS: Final = 8.76  # of a year, in thousands


def has_profile(site: Site) -> TypeGuard[DemandArea]:
    """Whether an area can be forecast without any measurement."""
    return isinstance(site, DemandArea) and site.load_profile is not None and site.yearly_energy is not None


def nothing_measured(sites: Sequence[Site], task: Task) -> Observations:
    """Observations without any value, on the intervals of a task: of no matter which days."""
    window = timestamps.to_index(task.windows(task.moments(_ANY_DAY)).valid_time[0])
    end = window[-1] + (window[-1] - window[0]) + pd.Timedelta("2D")
    index = pd.date_range(window[0], end, freq=task.frequency)
    columns = [site.name for site in sites]
    return Observations(pd.DataFrame(np.nan, index=index, columns=columns), published_after="0h")


def measured_days(rows: TrainingRows, site: Site) -> float:
    """Days of published demand among the rows of a fit. [d]"""
    step = rows.matrix.windows.frequency / pd.Timedelta("1D")
    return float(len(np.unique(rows.matrix.valid_time[rows.keep[site.name]])) * step)


def alike_consumers(rows: TrainingRows) -> dict[str, list[str]]:
    """Areas with less than a day of demand, each with the others of its sector of which four weeks are known."""
    starts = [site for site in rows.sites if has_profile(site) and rows.matrix.has_physics(site)]
    cold = [site for site in starts if measured_days(rows, site) < _FIRST_DAY]
    if not cold:
        return {}
    known = [
        site for site in rows.sites if isinstance(site, DemandArea) and measured_days(rows, site) >= _LENDER
    ]
    return {
        site.name: [
            other.name
            for other in known
            if other.sector == site.sector and _column(site) in rows.matrix.physics[other.name]
        ]
        for site in cold
    }


def _column(site: DemandArea) -> str:
    """Column of the profile of an area."""
    return PROFILE_COLUMN.format(site.load_profile)


def fit_profile_start(
    rows: TrainingRows, name: str, others: Sequence[str], *, quantiles: tuple[float, ...]
) -> QuantileModel:
    """Profile of an area by its yearly energy, with the spread of others around the same profile.

    Each of the others counts as much as any. It is brought to its own yearly energy where that is known, so that its
    error enters, and else to its mean.
    """
    sites = {site.name: site for site in rows.sites}
    site: Any = sites[name]
    scale, column = rows.scale[name], _column(site)
    model = _model(site, quantiles, mean=site.yearly_energy / _HOURS / scale, scale=scale)
    shapes, outcomes, weights = [rows.matrix.physics[name][[column]][:0]], [np.empty(0)], [np.empty(0)]
    for other in others:
        keep = rows.keep[other]
        shape, outcome = rows.matrix.physics[other].loc[keep, [column]], rows.outcome[other][keep]
        mean = outcome.mean() / shape[column].mean()
        if (energy := sites[other].yearly_energy) is not None:
            mean = energy / _HOURS
        if mean > 0:
            shapes.append(shape)
            outcomes.append(outcome / mean)
            weights.append(np.full(len(outcome), 1.0 / len(outcome)))
    bounds = (0.0, np.inf if site.capacity is None else site.largest_share)
    X, y, weight = pd.concat(shapes), np.concatenate(outcomes), np.concatenate(weights)
    return model.fit(X, y, sample_weight=weight if len(y) else None, bounds=bounds)


def _model(site: DemandArea, quantiles: tuple[float, ...], *, mean: float, scale: float) -> ProfileStart:
    """Model of an area with a mean, in parts of its scale, before it has learnt from others."""
    spread = _SPREAD[str(site.load_profile)[0]]
    return ProfileStart(quantiles, mean=mean, spread=spread, single_load=_SINGLE_LOAD / scale)


def means_of_few_days(rows: TrainingRows, young: Mapping[str, float]) -> dict[str, float]:
    """Means of a year of areas with a profile of which so few days are known that it helps, by these. [MW]"""
    found = {}
    for site in rows.sites:
        if not isinstance(site, DemandArea) or site.load_profile is None:
            continue
        frame, keep = rows.matrix.physics[site.name], rows.keep[site.name]
        if young.get(site.name, np.inf) < _LAST_DAY and keep.any() and frame.shape[1]:
            demand, shape = rows.outcome[site.name][keep].sum(), frame.loc[keep, _column(site)].sum()
            found[site.name] = rows.scale[site.name] * float(demand / shape)
    return {name: mean for name, mean in found.items() if mean > 0}


def blended(
    quantiles: Array,
    matrix: DesignMatrix,
    site: Site,
    *,
    training: Training,
    levels: tuple[float, ...],
    rows: Array,
) -> Array:
    r"""Quantiles of an area of which :math:`d` days are known, with those of its profile in the share 1 / (1 + d²).

    Both are in parts of the capacity where the area has one.
    """
    mean = training.profile_mean.get(site.name)
    if mean is None or not isinstance(site, DemandArea):
        return quantiles
    scale = site.capacity or 1.0
    X = matrix.physics[site.name].loc[rows, [_column(site)]]
    profile = _model(site, levels, mean=mean / scale, scale=scale).fit(X[:0], np.empty(0)).predict(X)
    share = 1.0 / (1.0 + training.young[site.name] ** 2)
    return np.asarray((1.0 - share) * quantiles + share * profile)


def words_of(site: DemandArea, others: Mapping[str, Sequence[str]], errors: str) -> str:
    """Caveat of a forecast by a profile."""
    energy = 1000 * (site.yearly_energy or 0.0)
    spread = errors if others.get(site.name) else "assumed"
    return (
        f"cold start: load profile {site.load_profile} of {energy:,.4g} MWh a year for {site.name}, "
        f"no whole day measured, spread {spread}"
    )
