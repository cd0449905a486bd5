"""Training of a forecaster: origins, rows with a published outcome, models and cold starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import sklearn.base

from energyforecast.core import provenance, timestamps, weather_schema
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import power_bounds
from energyforecast.core.sites import PVPlant, Site, WindFarm
from energyforecast.core.weather_schema import Weather
from energyforecast.core.wording import minute
from energyforecast.errors import MissingDataError
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.models import Climatology, ColdStart, QuantileModel, SelectedModel
from energyforecast.point_in_time.capacity import capacity_in_service, free_power

__all__ = [
    "Training",
    "TrainingRows",
    "cold_start_caveats",
    "cold_start_sites",
    "fit_cold_start",
    "fit_models",
    "select_rows",
    "summarise",
    "with_every_site",
]

Array = npt.NDArray[Any]

#: A farm with fewer hours of published power than this is forecast from physics, a PV plant with fewer of daylight: its
#: days repeat, so that after 15 of them what was learned is 21 % better than the chain alone, after 8 days 10 %. [h]
_COLD: Final = 720.0
_COLD_BY_DAY: Final = 150.0


@dataclass(frozen=True)
class Training:
    """Summary of the data on which a forecaster was fitted.

    Parameters
    ----------
    origins : int
        Issue times.
    rows : dict of int
        Rows with an outcome, by site.
    hours : dict of list of str
        First and last hour with an outcome that was learnt, by site, in UTC.
    without_outcome : dict of int
        Rows left out because the outcome was missing, not published or set aside by its flags, by site.
    without_weather : int
        Origins left out because no usable weather had arrived (``missing="drop"``).
    oldest_weather : dict of float
        Greatest age of a weather run at issue, by weather model. [h]
    usual_weather : dict of float
        Age that 95 % of the runs stayed under, by weather model. [h]
    cold : dict of list of str
        Sites with little power (a farm: 30 days, a PV plant: 150 h of daylight), each with the sites from which its
        errors are taken (none: the usual errors of weather forecasts).
    selection : dict of dict
        Choice among the candidates of ``model="auto"``, by site: ``chosen``, ``decided`` (newest hour that it saw,
        UTC), and ``tried``, a row for each choice with its validation loss and its difference from the usual one, in
        parts of that one's loss.
    error_correlation : str
        Correlation of errors between hours and sites (:func:`energyforecast.planning.peak`); empty if not learnt.
    data_hash : str
        Hash of the features and outcomes.
    fitted_on : dict of str
        Platform, processor level and commit of the fit.

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster
    >>> training = example_forecaster().training_  # climatology, which needs no weather
    >>> training.origins, training.rows, training.hours
    (30, {'farm': 720}, {'farm': ['2024-01-01 00:00', '2024-01-30 23:00']})
    """

    origins: int
    rows: dict[str, int]
    without_outcome: dict[str, int]
    without_weather: int
    oldest_weather: dict[str, float]
    usual_weather: dict[str, float]
    cold: dict[str, list[str]] = field(default_factory=dict)
    hours: dict[str, list[str]] = field(default_factory=dict)
    selection: dict[str, dict[str, Any]] = field(default_factory=dict)
    error_correlation: str = ""
    data_hash: str = ""
    fitted_on: dict[str, str] = field(default_factory=dict)

    @property
    def provenance(self) -> dict[str, str]:
        """Provenance that every forecast carries."""
        return {
            "cold_start": ", ".join(self.cold),
            "training_data": self.data_hash,
            "error_correlation": self.error_correlation,
        }


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


def _first_and_last(hours: Array) -> list[str]:
    return [minute(hours.min()), minute(hours.max())]


def _selections(rows: TrainingRows, models: Mapping[str, QuantileModel]) -> dict[str, dict[str, Any]]:
    """Choice among candidates, of the models that have made one."""
    return {
        name: {
            "chosen": " + ".join(model.models_),
            "decided": minute(rows.matrix.valid_time[rows.keep[name]].max()),
            "tried": model.selection_.to_dict("records"),
        }
        for name, model in models.items()
        if isinstance(model, SelectedModel)
    }


def summarise(
    rows: TrainingRows,
    cold: dict[str, list[str]],
    models: Mapping[str, QuantileModel],
    error_correlation: str,
) -> Training:
    """Summary of a fit, by which later forecasts judge the age of their weather."""
    matrix = rows.matrix
    # A cold start meets the weather's lateness without any outcome.
    met = np.logical_or.reduce(list((rows.usable if cold else rows.keep).values()))
    origins = np.unique(matrix.origin[met])
    ages: dict[str, list[Array]] = {}
    for model, site in matrix.skipped:
        age = matrix.weather_age(model, site)[origins]
        ages.setdefault(model, []).append(age[np.isfinite(age)])
    known = {model: np.concatenate(several) for model, several in ages.items()}
    return Training(
        origins=len(origins),
        rows={name: int(mask.sum()) for name, mask in rows.keep.items()},
        without_outcome={name: int((rows.usable[name] & ~mask).sum()) for name, mask in rows.keep.items()},
        without_weather=int((~matrix.usable).sum()),
        oldest_weather={model: float(age.max()) for model, age in known.items() if len(age)},
        usual_weather={model: float(np.quantile(age, 0.95)) for model, age in known.items() if len(age)},
        cold=cold,
        hours={
            name: _first_and_last(matrix.valid_time[keep]) for name, keep in rows.keep.items() if keep.any()
        },
        selection=_selections(rows, models),
        error_correlation=error_correlation,
        data_hash=provenance.data_hash(
            part
            for name, keep in rows.keep.items()
            for part in (matrix.columns[name][keep], rows.outcome[name][keep])
        ),
        fitted_on=provenance.machine(),
    )
