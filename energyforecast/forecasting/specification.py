"""Specification of a forecaster: sites, task, features and models, before anything is fitted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import pandas as pd

from energyforecast.core.arguments import check_types
from energyforecast.core.available_capacity import Capacities
from energyforecast.core.observation_series import Observations
from energyforecast.core.planned_operation import PlannedOperation
from energyforecast.core.sites import Site, Sites, as_sites
from energyforecast.core.tasks import Task
from energyforecast.core.timestamps import Times
from energyforecast.core.weather_schema import ValidatedWeather, Weather, as_models, validated
from energyforecast.errors import of_type
from energyforecast.features import FeatureSet, Needs
from energyforecast.forecasting import checks, training, training_origins
from energyforecast.forecasting.defaults import (
    FeaturesFor,
    ModelsFor,
    Recipe,
    assign_features,
    assign_models,
    check_pooled,
    group_recipes,
    shared,
    unserved,
    without_weather,
)
from energyforecast.forecasting.design_matrix import DesignMatrix, build_design_matrix, joint_needs
from energyforecast.forecasting.ensemble_matrix import ensemble_matrix
from energyforecast.forecasting.missing_inputs import with_every_measurement, with_every_variable
from energyforecast.forecasting.profile_starts import has_profile, nothing_measured
from energyforecast.forecasting.row_capacity import RowCapacity
from energyforecast.models import QuantileModel, SelectedModel
from energyforecast.point_in_time.capacity import capacity_in_service, with_capacity
from energyforecast.point_in_time.planned import with_plan
from energyforecast.weather import TemperatureEnsemble

__all__ = ["Specification", "name_of_model"]


class Specification:
    """Sites, task, features and models of a forecaster, and the features of its issue times.

    Base of :class:`energyforecast.Forecaster`, which documents the parameters and adds what is fitted.
    """

    def __init__(
        self,
        sites: Sites,
        task: Task,
        *,
        features: FeaturesFor = None,
        model: ModelsFor = "auto",
        perfect_weather: bool = False,
        pooled: bool = False,
        neighbours: Sites = (),
        trust_clock: bool = False,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in ("task", "model")}
        check_types(given, of=Specification.__init__)  # task and model have remedies of their own
        self.sites = as_sites(sites)
        around = (neighbours,) if isinstance(neighbours, Site) else tuple(neighbours)
        self.neighbours = as_sites((*self.sites, *around))[len(self.sites) :]
        of_type("task", task, expected=Task, remedy="Give day_ahead(...), intraday(...) or month_ahead(...).")
        self.task = task
        self.model_of = assign_models(self.sites, model, task=task, features=features)
        self.features_of = assign_features(self.sites, task, self.model_of, given=features)
        self.perfect_weather = perfect_weather
        self.pooled = pooled
        self.trust_clock = trust_clock
        #: Moment up to which data chose the settings of the model, in UTC; set by tune(), stored with the forecaster.
        self.tuned_until = ""
        if pooled:
            check_pooled(self.sites, self.features_of)
            self.model  # noqa: B018  (refuses several)

    @property
    def features(self) -> FeatureSet:
        """The features of all sites; ``features_of`` where sites differ."""
        return shared(self.features_of, "features")

    @property
    def model(self) -> QuantileModel:
        """The model of all sites, not fitted; ``model_of`` where sites differ."""
        return shared(self.model_of, "model")

    @property
    def recipes(self) -> list[Recipe]:
        """Sites with the same features and the same model, in order of the first of them."""
        return group_recipes(self.sites, self.features_of, self.model_of)

    def recipes_for(self, weather: Weather | TemperatureEnsemble) -> list[Recipe]:
        """The recipes; without any weather, default features give way to those that need none."""
        if isinstance(weather, TemperatureEnsemble):
            return self.recipes
        if not as_models(weather):
            features_of = without_weather(self.sites, self.task, self.features_of)
            return group_recipes(self.sites, features_of, self.model_of)
        features_of = dict(self.features_of)
        for site, names in self._left_out(weather).items():
            features_of[site] = FeatureSet(tuple(f for f in features_of[site] if f.name not in names))
        return group_recipes(self.sites, features_of, self.model_of)

    def _left_out(self, weather: Weather) -> dict[str, tuple[str, ...]]:
        """Optional features of areas that lack values in this weather, or in that of the fit once there was one."""
        fitted: Needs | None = vars(self).get("needs_")
        return unserved(self.sites, self.features_of, weather) if fitted is None else fitted.left_out

    @property
    def _places(self) -> tuple[Site, ...]:
        """Places at which the weather is needed."""
        return (*self.sites, *self.neighbours)

    def unfitted(self) -> Self:
        """Copy that is not fitted."""
        copy = type(self)(
            self.sites,
            self.task,
            features=self.features_of,
            model=self.model_of,
            perfect_weather=self.perfect_weather,
            pooled=self.pooled,
            neighbours=self.neighbours,
            trust_clock=self.trust_clock,
        )
        copy.tuned_until = self.tuned_until
        return copy

    def design_matrix(
        self,
        weather: Weather,
        observations: Observations | None,
        issue_times: Any,
        *,
        available_capacity: Capacities = None,
        planned: PlannedOperation | None = None,
    ) -> DesignMatrix:
        """Features at many issue times, each from data known then.

        Parameters
        ----------
        weather : Dataset, mapping of Dataset or ValidatedWeather
        observations : Observations, optional
            Needed if features use lags.
        issue_times : DatetimeIndex or array of datetime64
        available_capacity : AvailableCapacity, or several, optional
            Besides that of the observations.
        planned : PlannedOperation, optional
            Rows besides those of the observations.

        Returns
        -------
        DesignMatrix
        """
        observations = with_plan(observations, planned)
        checked = self._checked(weather, observations)
        self.needs(checked)
        windows, recipes = self.task.windows(issue_times), self.recipes_for(checked)
        capacity = capacity_in_service(
            observations, available_capacity, sites=self._places, step=self.task.frequency
        )
        if observations is not None and available_capacity is not None:
            observations = with_capacity(observations, available_capacity)
        if isinstance(checked, TemperatureEnsemble):
            matrix = ensemble_matrix(checked, observations, windows, recipes=recipes)
        else:
            matrix = build_design_matrix(
                checked,
                observations,
                windows,
                sites=self.sites,
                recipes=recipes,
                neighbours=self.neighbours,
            )
        if capacity is None:
            return matrix
        of_rows = RowCapacity.at(capacity, self.sites, hours=matrix.valid_time, issued=matrix.issue_time)
        return replace(matrix, capacity=of_rows)

    def _checked(self, weather: Weather, observations: Observations | None) -> ValidatedWeather:
        """Weather and observations, refused where they are wrong; validated weather is not looked at again."""
        checked = validated(weather, sites=self._places)
        if isinstance(checked, TemperatureEnsemble) and not self._reads(checked):
            checked = validated(None, sites=self._places)  # an ensemble would give its measured hours alone
        checks.check_kind(checked, perfect_weather=self.perfect_weather)
        checks.check_measured(observations, sites=self.sites, task=self.task)
        return checked

    def needs(self, weather: Weather) -> Needs:
        """Needs of the features of all sites, for given weather.

        Parameters
        ----------
        weather : Dataset, mapping of Dataset or ValidatedWeather

        Raises
        ------
        SchemaError
            If a variable is missing.

        Examples
        --------
        >>> from energyforecast.testing import example_forecaster, example_weather
        >>> example_forecaster().needs(example_weather()).names  # climatology needs none
        {'': ()}
        """
        joint = joint_needs(self.recipes_for(weather), weather)
        return (
            joint
            if isinstance(weather, TemperatureEnsemble)
            else replace(joint, left_out=self._left_out(weather))
        )

    def training_origins(
        self, weather: Weather, observations: Observations, *, as_of: pd.Timestamp | None = None
    ) -> pd.DatetimeIndex:
        """Issue times for training: the window lies in the observations, and weather that features need had arrived.

        Where no feature needs any, all observations count. None on a
        :class:`energyforecast.weather.TemperatureEnsemble`, where a fit uses every measured hour.

        Raises
        ------
        MissingDataError
            If weather and observations have no window in common.
        """
        used = {model: as_models(weather)[model] for model in self._reads(weather)}
        if used and isinstance(weather, TemperatureEnsemble):
            return pd.DatetimeIndex([], tz="UTC")
        if not used and all(map(has_profile, self.sites)):
            return training_origins.some_origins(self.task, observations, as_of=as_of)
        return training_origins.training_origins(self.task, used, observations, as_of=as_of)

    def _reads(self, weather: Weather) -> list[str]:
        """Weather models of which the features need a variable."""
        return [model for model, names in self.needs(weather).names.items() if names]

    def _with_every_site(self, observations: Observations | None, weather: Weather) -> Observations:
        """Observations with a column for each site."""
        checks.check_observations(observations)
        if observations is None and not as_models(weather) and all(map(has_profile, self.sites)):
            return nothing_measured(self.sites, self.task)
        return training.with_every_site(
            observations, weather, model_of=self.model_of, frequency=self.task.frequency
        )

    def _completed(
        self, weather: Weather, observations: Observations | None, issued: Times
    ) -> tuple[Any, Observations | None]:
        """Weather and observations of all that the fit read, missing where they lack it."""
        needs: Needs = vars(self)["needs_"]
        windows = self.task.windows(issued)
        return (
            with_every_variable(weather, needs, places=self._places, windows=windows),
            with_every_measurement(observations, needs, sites=self.sites, windows=windows),
        )

    def _model_names(self) -> str:
        """Kinds of the models; of a default that has chosen among candidates, the choice."""
        chosen = getattr(self, "models_", {})
        return ", ".join(
            dict.fromkeys(name_of_model(model, chosen.get(name)) for name, model in self.model_of.items())
        )

    def _in_words(self) -> str:
        """Sites, models and weather, for representations."""
        names = ", ".join(site.name for site in self.sites[:3]) + (", ..." if len(self.sites) > 3 else "")
        return f"{names}, {self._model_names()}" + (", perfect weather" if self.perfect_weather else "")


def name_of_model(unfitted: QuantileModel, fitted: QuantileModel | None = None) -> str:
    """Kind of a model; ``auto`` where it chooses among candidates, with those that it has chosen."""
    if not isinstance(unfitted, SelectedModel):
        return type(unfitted).__name__
    return f"auto ({' + '.join(fitted.models_)})" if isinstance(fitted, SelectedModel) else "auto"
