"""Summary of a fit: its data, the ages of its weather, and the moment from which its forecasts are honest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import provenance, timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea
from energyforecast.core.wording import minute
from energyforecast.features.planned import planned_activity
from energyforecast.forecasting import error_dependence
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.training import TrainingRows
from energyforecast.models import QuantileModel, SelectedModel

__all__ = ["NOT_FITTED", "Training", "summarise"]

Array = npt.NDArray[Any]

#: Provenance of a forecaster without a fit.
NOT_FITTED: Final = {"cold_start": "", "training_data": "", "fitted_as_of": ""}


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
    newest_weather : dict of float
        Age that 5 % of the runs stayed under, by weather model. [h]
    oldest_measurement, usual_measurement : dict of float
        Greatest age of the newest measurement at issue, and that which 95 % stayed under, by site that reads some. [h]
    planned : dict of dict of float
        Greatest planned level of each activity in training, by site with a plan.
    always_known : dict of list of str
        Columns without a missing value in training, by site.
    fallbacks : dict of str
        Fallback models by name, and on how many origins each was fitted, or why it was not.
    cold : dict of list of str
        Sites with little power (a farm: 30 days, a PV plant: 150 h of daylight), each with the sites from which its
        errors are taken (none: the usual errors of weather forecasts), and areas without a day of demand, each with
        those from which its spread is taken (none: one that is assumed).
    young : dict of float
        Areas with less than four weeks of published demand, and the days that are known. [d]
    profile_mean : dict of float
        Mean of a year by the days known, of young areas whose load profile is blended in. [MW]
    alike : dict of list of str
        Young areas with others of their sector of which the newest weeks train them, too.
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
    as_of : str
        Moment at which all that was learnt was known, in UTC: `as_of` of the fit, else when the newest outcome was
        published. Forecasts of an earlier issue know their future.

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster
    >>> training = example_forecaster().training_  # climatology, which needs no weather
    >>> training.origins, training.rows, training.hours
    (30, {'farm': 720}, {'farm': ['2024-01-01 00:00', '2024-01-30 23:00']})
    >>> training.as_of  # power is published an hour after its own
    '2024-01-31 01:00'
    """

    origins: int
    rows: dict[str, int]
    without_outcome: dict[str, int]
    without_weather: int
    oldest_weather: dict[str, float]
    usual_weather: dict[str, float]
    newest_weather: dict[str, float] = field(default_factory=dict)
    oldest_measurement: dict[str, float] = field(default_factory=dict)
    usual_measurement: dict[str, float] = field(default_factory=dict)
    planned: dict[str, dict[str, float]] = field(default_factory=dict)
    always_known: dict[str, list[str]] = field(default_factory=dict)
    fallbacks: dict[str, str] = field(default_factory=dict)
    cold: dict[str, list[str]] = field(default_factory=dict)
    young: dict[str, float] = field(default_factory=dict)
    profile_mean: dict[str, float] = field(default_factory=dict)
    alike: dict[str, list[str]] = field(default_factory=dict)
    hours: dict[str, list[str]] = field(default_factory=dict)
    selection: dict[str, dict[str, Any]] = field(default_factory=dict)
    error_correlation: str = ""
    data_hash: str = ""
    fitted_on: dict[str, str] = field(default_factory=dict)
    as_of: str = ""

    @property
    def provenance(self) -> dict[str, str]:
        """Provenance that every forecast carries."""
        return {
            "cold_start": ", ".join([*self.cold, *self.young]),
            "training_data": self.data_hash,
            "fitted_as_of": self.as_of,
            "error_correlation": self.error_correlation,
        }


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
    observations: Observations,
    *,
    cold: dict[str, list[str]],
    young: dict[str, float],
    profile_mean: dict[str, float],
    alike: dict[str, list[str]],
    models: Mapping[str, QuantileModel],
    as_of: pd.Timestamp | np.datetime64 | None,
) -> Training:
    """Summary of a fit, by which later forecasts judge the age of their weather."""
    matrix = rows.matrix
    # The cold start of a plant meets the weather's lateness without any outcome.
    by_weather = any(site.name in cold and not isinstance(site, DemandArea) for site in rows.sites)
    met = np.logical_or.reduce(list((rows.usable if by_weather else rows.keep).values()))
    origins = np.unique(matrix.origin[met])
    weather, measured = _ages_of_weather(matrix, origins), _ages_of_measurements(rows)
    return Training(
        origins=len(origins),
        rows={name: int(mask.sum()) for name, mask in rows.keep.items()},
        without_outcome={name: int((rows.usable[name] & ~mask).sum()) for name, mask in rows.keep.items()},
        without_weather=int((~matrix.usable).sum()),
        oldest_weather={model: float(age.max()) for model, age in weather.items()},
        usual_weather={model: float(np.quantile(age, 0.95)) for model, age in weather.items()},
        newest_weather={model: float(np.quantile(age, 0.05)) for model, age in weather.items()},
        oldest_measurement={name: float(age.max()) for name, age in measured.items()},
        usual_measurement={name: float(np.quantile(age, 0.95)) for name, age in measured.items()},
        planned=_greatest_levels(rows),
        always_known={
            name: list(frame.columns[frame[rows.keep[name]].notna().all()])
            for name, frame in matrix.columns.items()
        },
        cold=cold,
        young=young,
        profile_mean=profile_mean,
        alike=alike,
        hours={
            name: _first_and_last(matrix.valid_time[keep]) for name, keep in rows.keep.items() if keep.any()
        },
        selection=_selections(rows, models),
        error_correlation=error_dependence.learn(rows, models),
        data_hash=provenance.data_hash(
            part
            for name, keep in rows.keep.items()
            for part in (matrix.columns[name][keep], rows.outcome[name][keep])
        ),
        fitted_on=provenance.machine(),
        as_of=_known_from(rows, observations, as_of),
    )


def _greatest_levels(rows: TrainingRows) -> dict[str, dict[str, float]]:
    """Greatest planned level of each activity in the rows of a fit, by site with a plan."""
    found = {
        name: {
            activity: float(np.nan_to_num(frame[column][rows.keep[name]].max()))
            for column in frame
            if (activity := planned_activity(str(column)))
        }
        for name, frame in rows.matrix.columns.items()
    }
    return {name: levels for name, levels in found.items() if levels}


def _known_from(
    rows: TrainingRows, observations: Observations, as_of: pd.Timestamp | np.datetime64 | None
) -> str:
    """Moment at which all outcomes of a fit were known: that of the fit if it was given."""
    if as_of is not None:
        return minute(timestamps.to_ns([as_of])[0])
    hours = {name: rows.matrix.valid_time[keep] for name, keep in rows.keep.items() if keep.any()}
    known = [observations.published_at(name, of_site, outside="missing") for name, of_site in hours.items()]
    return minute(max(times[~np.isnat(times)].max() for times in known)) if known else ""


def _ages_of_weather(matrix: DesignMatrix, origins: Array) -> dict[str, Array]:
    """Ages of the runs of some origins, by weather model. [h]"""
    ages: dict[str, list[Array]] = {}
    for model, site in matrix.skipped:
        age = matrix.weather_age(model, site)[origins]
        ages.setdefault(model, []).append(age[np.isfinite(age)])
    known = {model: np.concatenate(several) for model, several in ages.items()}
    return {model: age for model, age in known.items() if len(age)}


def _ages_of_measurements(rows: TrainingRows) -> dict[str, Array]:
    """Ages of the newest measurement at the origins of the rows that a fit uses, by site. [h]"""
    found = {}
    for name, keep in rows.keep.items():
        age = rows.matrix.measurement_age(name)[np.unique(rows.matrix.origin[keep])]
        found[name] = age[np.isfinite(age)]
    return {name: age for name, age in found.items() if len(age)}
