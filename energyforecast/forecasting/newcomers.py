"""Cold starts: plants with little power, forecast from physics, and areas with little demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import sklearn.base

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import power_bounds
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm
from energyforecast.core.wording import counted
from energyforecast.forecasting.default_of_demand import IN_ITS_UNIT
from energyforecast.forecasting.profile_starts import (
    alike_consumers,
    fit_profile_start,
    means_of_few_days,
    measured_days,
    words_of,
)
from energyforecast.forecasting.training import TrainingRows, stacked
from energyforecast.forecasting.training_summary import Training
from energyforecast.models import Climatology, ColdStart, QuantileModel, SelectedModel
from energyforecast.models.tree_matrix import fits
from energyforecast.models.unseen_scores import forget_unseen
from energyforecast.point_in_time.capacity import capacity_in_service, free_power

__all__ = [
    "alike_areas",
    "caveats",
    "cold_sites",
    "fit_cold_start",
    "fit_with_alike",
    "free_outcomes",
    "in_words",
    "means_of_few_days",
    "young_areas",
]

Array = npt.NDArray[Any]

#: A farm with fewer hours of published power than this is forecast from physics, a PV plant with fewer of daylight: its
#: days repeat, so that after 15 of them what was learned is 21 % better than the chain alone, after 8 days 10 %. [h]
_COLD: Final = 720.0
_COLD_BY_DAY: Final = 150.0
#: Most alike areas that lend a young one their rows: their newest weeks, with the weight of so many days together.
_MOST: Final = 10
_NEWEST: Final = pd.Timedelta("42D")
_LENT: Final = 14.0
#: An area with fewer days of published demand is young: each type of day was seen four times at most. [d]
_YOUNG: Final = 28.0


def cold_sites(rows: TrainingRows) -> dict[str, list[str]]:
    """Sites with little or no published power or demand, each with those of its kind that have more."""
    matrix = rows.matrix
    cold = {
        site.name: type(site)
        for site in rows.sites
        if not isinstance(site, DemandArea) and matrix.has_physics(site) and _has_little(rows, site)
    }
    others = [site for site in rows.sites if site.name not in cold and matrix.has_physics(site)]
    plants = {name: [o.name for o in others if type(o) is kind] for name, kind in cold.items()}
    return plants | alike_consumers(rows)


def _has_little(rows: TrainingRows, site: Site) -> bool:
    """Whether the published power of a site is too short for a model."""
    known = rows.keep[site.name] & ~rows.matrix.is_dark(site)
    hours = len(np.unique(rows.matrix.valid_time[known])) * (
        rows.matrix.windows.frequency / pd.Timedelta("1h")
    )
    return bool(hours < (_COLD_BY_DAY if isinstance(site, PVPlant) else _COLD))


def free_outcomes(
    observations: Observations,
    site: Site,
    *,
    as_of: pd.Timestamp | np.datetime64 | None = None,
    since: np.datetime64 | None = None,
) -> tuple[timestamps.Times, Array]:
    """Intervals with a published outcome, and these as with the rated capacity in service. [MW]"""
    moments = timestamps.to_ns(observations.index)
    moments = moments if since is None else moments[moments >= since]
    capacity = capacity_in_service(observations, sites=[site], step=observations.frequency)
    power = free_power(observations, site, moments, as_of=as_of, capacity=capacity)
    known = np.isfinite(power)
    return moments[known], power[known]


def young_areas(
    observations: Observations,
    model_of: Mapping[str, QuantileModel],
    *,
    sites: Sequence[Site],
    as_of: pd.Timestamp | np.datetime64 | None = None,
) -> dict[str, float]:
    """Days of published demand of areas that have few, unless their model names its columns. [d]"""
    step = observations.frequency / pd.Timedelta("1D")
    days = {
        site.name: len(free_outcomes(observations, site, as_of=as_of)[0]) * step
        for site in sites
        if isinstance(site, DemandArea) and model_of[site.name].needs is None
    }
    return {name: round(count, 3) for name, count in days.items() if count < _YOUNG}


def alike_areas(
    rows: TrainingRows, young: Mapping[str, float], model_of: Mapping[str, QuantileModel]
) -> dict[str, list[str]]:
    """Young areas that learn by their default model from others of their sector, with the most alike of these."""
    areas = [site for site in rows.sites if isinstance(site, DemandArea)]
    columns = {site.name: list(rows.matrix.columns[site.name]) for site in areas}
    found = {
        one.name: [
            other.name
            for other in areas
            if other.name not in young
            and measured_days(rows, other) >= 1
            and other.sector == one.sector
            and columns[other.name] == columns[one.name]
        ]
        for one in areas
        if one.name in young and _is_default(model_of[one.name])
    }
    return {name: _most_alike(rows, name, others) for name, others in found.items() if others}


def _is_default(model: QuantileModel) -> bool:
    """Whether a model has candidates for few weeks, of which an area's default alone has."""
    return isinstance(model, SelectedModel) and bool(model.young)


def _most_alike(rows: TrainingRows, name: str, others: Sequence[str]) -> list[str]:
    """Areas with the mean day, in parts of its mean, nearest to that of another."""
    days = {area: _mean_day(rows, area) for area in (name, *others)}
    apart = {area: np.nansum((days[area] - days[name]) ** 2) for area in others}
    return sorted(others, key=apart.__getitem__)[:_MOST]


def _mean_day(rows: TrainingRows, name: str) -> Array:
    """Mean outcome of each hour of the local day in parts of their mean, NaN where it is not known."""
    site = next(site for site in rows.sites if site.name == name)
    keep = rows.keep[name]
    hour = np.floor(timestamps.local_hours(rows.matrix.valid_time[keep], site.timezone))
    means = pd.Series(rows.outcome[name][keep]).groupby(hour).mean().reindex(np.arange(24.0)).to_numpy()
    return np.asarray(means / np.nanmean(means))


def fit_with_alike(
    rows: TrainingRows,
    alike: Mapping[str, Sequence[str]],
    *,
    model_of: Mapping[str, QuantileModel],
    quantiles: tuple[float, ...],
) -> dict[str, QuantileModel]:
    """Models of young areas, of their own rows and of the newest weeks of others, brought to their size.

    With the mean outcomes :math:`s` of the young area and :math:`s_o` of another, outcomes and demand columns of the
    other are multiplied by :math:`s / s_o`. All others together have the weight of two weeks.
    """
    sites, fitted = {site.name: site for site in rows.sites}, {}
    for name, others in alike.items():
        X, y = stacked(rows, (sites[name],))
        each = pd.Timedelta("1D") / rows.matrix.windows.frequency * len(y) / X.index.nunique()
        parts = [(X, y, np.ones(len(y)))]
        for other in others:
            known, outcome = _of_its_size(*stacked(rows, (sites[other],)), X=X, y=y)
            weight = _LENT / len(others) * each / max(1, len(outcome))
            parts.append((known, outcome, np.full(len(outcome), weight)))
        table, target, weights = (pd.concat([part[0] for part in parts]), *_joined(parts))
        order = np.argsort(table.index.to_numpy(), kind="stable")
        bound = None if sites[name].capacity is None else sites[name].largest_share
        model: QuantileModel = sklearn.base.clone(model_of[name]).set_params(quantiles=quantiles)
        fitted[name] = model.fit(
            table.iloc[order],
            target[order],
            sample_weight=weights[order],
            bounds=power_bounds(bound, kind="demand"),
        )
    forget_unseen(fitted.values())
    return fitted


def _joined(parts: Sequence[tuple[pd.DataFrame, Array, Array]]) -> tuple[Array, Array]:
    """Outcomes and weights of several areas."""
    return np.concatenate([part[1] for part in parts]), np.concatenate([part[2] for part in parts])


def _of_its_size(
    known: pd.DataFrame, outcome: Array, *, X: pd.DataFrame, y: Array
) -> tuple[pd.DataFrame, Array]:
    """Newest weeks of another area up to the last row of one, multiplied to the mean outcome of this one."""
    last = X.index.max()
    newest = np.asarray((known.index > last - _NEWEST) & (known.index <= last))
    known, outcome = known[newest], outcome[newest]
    size = float(np.abs(outcome).mean()) if len(outcome) else 0.0
    ratio = float(np.abs(y).mean()) / size if size > 0 else 1.0
    names = [str(name) for name in known if fits(str(name), IN_ITS_UNIT) and not str(name).endswith("_age")]
    return known.assign(**{name: known[name] * ratio for name in names}), outcome * ratio


def caveats(sites: Sequence[Site], training: Training) -> tuple[str, ...]:
    """Caveats of results for sites that had little power or demand."""
    said = {
        name: f"cold start: {counted(round(days), 'day')} of demand known for {name}{_lenders(training, name)}"
        f"{', and its load profile' if name in training.profile_mean else ''}"
        for name, days in training.young.items()
    }
    for site in sites:
        if site.name in training.cold and isinstance(site, DemandArea):
            said[site.name] = words_of(site, training.cold, _origin_of_errors(training.cold[site.name]))
        elif site.name in training.cold:
            physics = "power curve" if isinstance(site, WindFarm) else "PV chain"
            errors = _origin_of_errors(training.cold[site.name])
            said[site.name] = f"cold start: {physics} on the weather for {site.name}, errors {errors}"
    return tuple(said[site.name] for site in sites if site.name in said)


def _lenders(training: Training, name: str) -> str:
    """Words for the areas of which the newest weeks trained a young one, too."""
    others = training.alike.get(name, [])
    return f", with weeks of {_some(others)}" if others else ""


def in_words(sites: Sequence[Site], training: Training) -> list[str]:
    """Words of a repr for sites that had little power or demand."""
    areas = {site.name for site in sites if isinstance(site, DemandArea)}
    said = {
        "power curve or PV chain on the weather": [name for name in training.cold if name not in areas],
        "standard load profile": [name for name in training.cold if name in areas],
        "few days of demand known": list(training.young),
    }
    return [f"cold start: {words} for {', '.join(named)}" for words, named in said.items() if named]


def _origin_of_errors(others: list[str]) -> str:
    """Words for the sites from which a cold start takes its errors."""
    return f"as at {_some(others)}" if others else "by default"


def _some(names: Sequence[str]) -> str:
    """The first three names."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def fit_cold_start(
    rows: TrainingRows, name: str, others: Sequence[str], *, quantiles: tuple[float, ...]
) -> tuple[QuantileModel, QuantileModel]:
    """Physics with the errors of other sites, and the climatology that answers where there is no weather.

    Of demand both are its load profile.
    """
    matrix, scale = rows.matrix, rows.scale
    sites = {site.name: site for site in rows.sites}
    if isinstance(sites[name], DemandArea):
        profile = fit_profile_start(rows, name, others, quantiles=quantiles)
        return profile, profile
    hours = {site: matrix.hour_of_day(sites[site]) for site in (name, *others)}
    lit = {other: rows.lit(sites[other]) for other in others}
    X = pd.concat([matrix.physics[name][:0], *(matrix.physics[o][lit[o]] for o in others)])
    y = np.concatenate([np.empty(0), *(rows.outcome[o][lit[o]] / scale[o] for o in others)])
    hour, y_of_hour = pd.concat([hours[name][:0], *(hours[o][lit[o]] for o in others)]), y
    if not others:  # Without any errors, all between no power and full power is equally likely.
        hour, y_of_hour = pd.DataFrame({"hour": np.zeros(101)}), np.linspace(0.0, 1.0, 101)
    model = ColdStart(quantiles).fit(X, y, bounds=(0.0, 1.0))
    return model, Climatology(quantiles).fit(hour, y_of_hour, bounds=(0.0, 1.0))
