"""Forecaster: fits models of sites on the past, and forecasts from data known at the issue time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import provenance, timestamps
from energyforecast.core.available_capacity import Capacities
from energyforecast.core.fallback import CLIMATOLOGY
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.planned_operation import PlannedOperation
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.sites import Site
from energyforecast.core.weather_schema import Weather, weather_caveats
from energyforecast.core.wording import counted
from energyforecast.errors import one_of
from energyforecast.features import Needs
from energyforecast.forecasting import checks, known_activities, ladder, newcomers, training, training_summary
from energyforecast.forecasting.design_matrix import DesignMatrix, runs_within_reach
from energyforecast.forecasting.ensemble_matrix import measured_matrix
from energyforecast.forecasting.extrapolation import extrapolation_caveats
from energyforecast.forecasting.fallback_models import FallbackModel, fit_fallbacks, replaced
from energyforecast.forecasting.fitted_plants import declared_sites, fitted_plants, orientation_caveats
from energyforecast.forecasting.specification import Specification
from energyforecast.weather import TemperatureEnsemble

__all__ = ["Forecaster"]

Array = npt.NDArray[Any]


class Forecaster(Specification):
    """A forecast of sites for a task, from declared features and a quantile model.

    Parameters
    ----------
    sites : Site or sequence of Site
        Sites to forecast.
    task : Task
        Issue times and hours covered: :func:`energyforecast.day_ahead`, :func:`energyforecast.intraday` or
        :func:`energyforecast.month_ahead`.
    features : FeatureSet or sequence of Feature, optional
        By default each site has the recipe of its kind for the task; for a model that names its columns,
        those. A mapping gives each site its own, by name.
    model : QuantileModel or "auto"
        ``"auto"`` chooses at each fit among candidates of the site's kind, such as the power itself or its departure
        from a recent level (:class:`energyforecast.models.SelectedModel`). A mapping gives each site its own, by name.
    perfect_weather : bool
        Take an analysis in place of a forecast. Scores are then not forecast skill, and every result is
        marked so.
    pooled : bool
        Fit one model for all sites, on power as a fraction of capacity, in place of one a site. They must be
        of one kind, with the same features.
    neighbours : Site or sequence of Site, optional
        Places that are not forecast but have weather for features: other plants, or cells of a weather
        model's grid.
    trust_clock : bool
        Do not compare the clock of the power with the wind and the sun before a fit, where it is known to be
        right and the weather is early or late.

    Raises
    ------
    SchemaError
        If there is no recipe for a site, a mapping names other sites, or sites that differ are pooled.

    See Also
    --------
    energyforecast.backtest : Forecasts of a past period, refitted on the way.
    energyforecast.load : Reads a stored forecaster.
    energyforecast.weather.TemperatureEnsemble : Weather of demand weeks and months ahead.

    Examples
    --------
    >>> import energyforecast as ef
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris")
    >>> model = ef.LightGBMQuantiles(n_estimators=20, folds=0)
    >>> forecaster = ef.Forecaster(site, task, model=model, perfect_weather=True)
    >>> forecaster.fit(weather, power["2014-05":"2014-08"])
    Forecaster(La Haute Borne, LightGBMQuantiles, perfect weather, fitted on 122 origins)
    >>> forecaster.predict(weather, power, issue_time="2014-09-15 09:00")
    Forecast of La Haute Borne: 1 issue, 24 hours from 2014-09-15 22:00 UTC,
    99 quantiles from 0.01 to 0.99 [MW], perfect weather
    """

    @property
    def is_fitted(self) -> bool:
        """Whether :meth:`fit` was called."""
        return hasattr(self, "models_")

    @property
    def cold_starts(self) -> tuple[str, ...]:
        """Caveats of the sites of which little power or demand was known."""
        return newcomers.caveats(self.sites, self.training_) if self.is_fitted else ()

    @property
    def provenance(self) -> dict[str, Any]:
        """Provenance of every result: model, training data, machine, versions and caveats."""
        trained = self.training_ if self.is_fitted else None
        return {
            "model": self._model_names(),
            "perfect_weather": int(self.perfect_weather),
            "timezone": self.task.timezone,
            **(trained.provenance if trained else training_summary.NOT_FITTED),
            **provenance.machine(),
            **provenance.versions(),
        }

    def needs(self, weather: Weather) -> Needs:
        """Needs of the features of all sites; after a fit, weather with other variables is refused."""
        needs = super().needs(weather)
        if self.is_fitted:
            checks.refuse_other_variables(needs, fitted=self.needs_)
        return needs

    def fit(
        self,
        weather: Weather,
        observations: Observations | None = None,
        *,
        as_of: Any = None,
        missing: Literal["error", "drop"] = "error",
        fallbacks: bool = False,
    ) -> Self:
        """Fit on every origin with a published outcome.

        Parameters
        ----------
        weather : Dataset, mapping of Dataset, ValidatedWeather, TemperatureEnsemble or None
            None where no feature needs weather.
        observations : Observations, optional
            Power and demand; a site without a column has no power yet. [MW]
        as_of : str or moment, optional
            Time of the fit: only outcomes published by then are used. By default all that are given.
        missing : {"error", "drop"}
            Treatment of origins for which no usable weather had arrived: refuse, or leave them out
            and count them in ``training_``.
        fallbacks : bool
            Fit models of later and of fewer inputs, too, which answer where the full one lacks some, at about four
            times the cost; ``training_.fallbacks`` names them.

        Returns
        -------
        Forecaster
            Itself. Hours without outcome are left out and counted in ``training_``.

        Raises
        ------
        WrongDataError
            If weather or observations break their schema.
        MissingDataError
            If weather is missing, or there is no outcome to learn from.
        PerfectWeatherError
            If the weather is an analysis and ``perfect_weather`` was not chosen.

        Notes
        -----
        A wind farm with less than 30 days of published power, or a PV plant with less than 150 hours of it in daylight,
        is forecast by its power curve or PV chain on the weather (:class:`energyforecast.models.ColdStart`), an area
        without a day of demand by ``load_profile`` and ``yearly_energy``; with less than four weeks of it, it learns
        from others of its sector, too. ``training_``, repr and forecasts are marked so. PV sites without tilt and
        azimuth get those of :func:`energyforecast.fit_plant`, marked likewise.
        """
        one_of("missing", missing, allowed=("error", "drop"))
        one_of("fallbacks", fallbacks, allowed=(True, False))
        observations = self._with_every_site(observations, weather)
        checked = self._checked(weather, observations)
        for name in ("models_", "needs_"):
            vars(self).pop(name, None)
        moment = None if as_of is None else timestamps.instant(as_of, timezone=self.task.timezone)
        self.sites = fitted_plants(self.sites, observations, as_of=moment)
        if isinstance(checked, TemperatureEnsemble):
            matrix = measured_matrix(checked, observations, moment, recipes=self.recipes)
            return self.fit_matrix(matrix, observations, needs=self.needs(checked), as_of=moment)
        issued = self.training_origins(checked, observations, as_of=moment)
        matrix = self.design_matrix(checked, observations, issued)
        if missing == "error":
            checks.refuse_unusable(checked, matrix, recipes=self.recipes_for(checked), place="fit")
        if not self.trust_clock:
            checks.check_clock(matrix, observations, sites=declared_sites(self.sites))
        self.fit_matrix(matrix, observations, needs=self.needs(checked), as_of=moment)
        if fallbacks:
            fit_fallbacks(self, checked, observations, as_of=moment)
        return self

    def fit_matrix(
        self,
        matrix: DesignMatrix,
        observations: Observations,
        *,
        needs: Needs,
        as_of: pd.Timestamp | np.datetime64 | None = None,
        rows: npt.NDArray[np.bool_] | None = None,
        since: np.datetime64 | None = None,
    ) -> Self:
        """Fit on the rows of a design matrix with a published outcome, as :meth:`fit` and a backtest do.

        Parameters
        ----------
        matrix : DesignMatrix
        observations : Observations
        needs : Needs
            Needs of the features, from :meth:`needs`.
        as_of : moment, optional
            Time of the fit.
        rows : array of bool, optional
            Rows that may be used.
        since : datetime64, optional
            First hour from which the climatology of the fallback ladder learns.
        """
        if matrix.measured is not None:
            matrix, rows = matrix.measured(None if as_of is None else timestamps.instant(as_of)), None
        chosen = training.select_rows(matrix, observations, sites=self.sites, as_of=as_of, allowed=rows)
        cold = newcomers.cold_sites(chosen)
        warm = [site for site in self.sites if site.name not in cold]
        levels, names = self.task.quantiles, [site.name for site in warm]
        checks.refuse_different_columns(matrix.columns, names if self.pooled else [])
        self.needs_, self.scale_ = needs, chosen.scale
        young = newcomers.young_areas(observations, self.model_of, sites=warm, as_of=as_of)
        alike = {} if self.pooled else newcomers.alike_areas(chosen, young, self.model_of)
        given: Any = {"model_of": self.model_of, "quantiles": levels}
        self.models_ = newcomers.fit_with_alike(chosen, alike, **given)
        alone = [site for site in warm if site.name not in alike]
        self.models_ |= training.fit_models(chosen, alone, pooled=self.pooled, **given)
        self.climatology_ = {
            site.name: ladder.fit_climatology(observations, site, quantiles=levels, as_of=as_of, since=since)
            for site in warm
        }
        for name, others in cold.items():
            both = newcomers.fit_cold_start(chosen, name, others, quantiles=levels)
            self.models_[name], self.climatology_[name] = both
        self.fallbacks_: tuple[FallbackModel, ...] = ()
        learnt: Any = {"cold": cold, "young": young, "alike": alike, "models": self.models_, "as_of": as_of}
        learnt["profile_mean"] = newcomers.means_of_few_days(chosen, young)
        self.training_ = training_summary.summarise(chosen, observations, **learnt)
        return self

    def predict(
        self,
        weather: Weather,
        observations: Observations | None = None,
        *,
        issue_time: Any = "now",
        strict: bool = True,
        available_capacity: Capacities = None,
        planned: PlannedOperation | None = None,
    ) -> Forecast:
        """Forecast from data known at one or several issue times.

        Parameters
        ----------
        weather : Dataset, mapping of Dataset, ValidatedWeather, TemperatureEnsemble or None
        observations : Observations, optional
            Needed if features use lags. [MW]
        issue_time : str, moment, or sequence of moments
            Strings are wall time in the task's zone; ``"now"`` is the present.
        strict : bool
            Refuse if no usable weather had arrived, or if a plan has other activities than training. Otherwise such an
            issue is answered by a fallback model or climatology, or without the activity, marked in ``fallback_level``.
        available_capacity : AvailableCapacity, or several, optional
            Capacity in service and orders of the hours to come, besides those of the observations.
        planned : PlannedOperation, optional
            Planned operation besides that of the observations: a newer plan, or one to try.

        Returns
        -------
        Forecast
            Its ``fallback_level`` marks how each issue was made (:data:`energyforecast.core.fallback.LADDER`).

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        NoRunError, MissingDataError, SchemaError
            If `strict` and weather is missing, or planned activities differ from those of the fit.

        Examples
        --------
        >>> from energyforecast.testing import example_forecaster, example_weather
        >>> forecast = example_forecaster().predict(example_weather(), issue_time="2024-01-01 09:00")
        >>> forecast.at(0.5).values[0, 0, :3].tolist()
        [11.0, 11.5, 12.0]
        """
        checks.refuse_unfitted(self.is_fitted, self.sites[0])
        issued = self.task.moments(issue_time)
        checks.check_issue_times(issued, strict=strict)
        if self.training_.cold:
            observations = self._with_every_site(observations, weather)
        if not strict:
            weather, observations = self._completed(weather, observations, issued)
        near = runs_within_reach(
            weather, self.task.windows(issued), recipes=self.recipes_for(weather), places=self._places
        )
        given: Any = {"available_capacity": available_capacity, "planned": planned}
        matrix = self.design_matrix(near, observations, issued, **given)
        matrix, plans = known_activities.as_learnt(matrix, self.models_, fit=self.training_, strict=strict)
        if strict:
            checks.refuse_unusable(weather, matrix, recipes=self.recipes_for(weather), place="predict")
            checks.refuse_too_old(matrix, self.training_)
            checks.refuse_unpublished(matrix, self.training_, self.needs_)
        ages = (*plans, *ladder.caveats_of_ages(matrix, self.training_))
        caveats = "; ".join((*self.caveats(near), *ages, *extrapolation_caveats(self.models_, matrix)))
        result = self.to_forecast(matrix, attrs={"caveats": caveats})
        return replaced(result, self.fallbacks_, weather, observations, given=given)

    def caveats(self, weather: Weather) -> tuple[str, ...]:
        """Caveats of every result made from this weather."""
        return (*weather_caveats(weather), *self.cold_starts, *orientation_caveats(self.sites))

    def predict_rows(
        self, matrix: DesignMatrix, site: Site, *, rows: npt.NDArray[np.bool_] | None = None
    ) -> Array:
        """Quantiles of some rows of a design matrix for one site, shape (rows, quantiles). [MW]"""
        chosen = np.ones(len(matrix.origin), dtype=bool) if rows is None else rows
        modelled = self.fallback_levels(matrix, site)[matrix.origin][chosen] < CLIMATOLOGY
        models = ladder.SiteModels(self.models_[site.name], self.climatology_[site.name], self.training_)
        result = ladder.quantiles_of_rows(matrix, site, models, chosen=chosen, modelled=modelled)
        return matrix.in_service(result * self.scale_[site.name], site, chosen)

    def fallback_levels(self, matrix: DesignMatrix, site: Site) -> npt.NDArray[np.int64]:
        """Level of the fallback ladder on which each origin is forecast, shape (origins,)."""
        return ladder.fallback_levels(matrix, site, training=self.training_, model=self.model_of[site.name])

    def to_forecast(
        self,
        matrix: DesignMatrix,
        quantiles: Mapping[str, Array | Iterable[Array]] | None = None,
        *,
        fallback_level: Mapping[str, npt.NDArray[np.int64]] | None = None,
        attrs: Mapping[str, Any] | None = None,
        allocate: Callable[[tuple[int, ...]], Array] | None = None,
    ) -> Forecast:
        """Forecast of a design matrix, with its provenance.

        Parameters
        ----------
        matrix : DesignMatrix
        quantiles : mapping of array, shape (rows, quantiles), optional
            By site; :meth:`predict_rows` by default. [MW]
        fallback_level : mapping of array, shape (origins,), optional
            By site; :meth:`fallback_levels` by default.
        attrs : mapping, optional
            Further provenance.
        allocate : callable, optional
            As in :meth:`energyforecast.Forecast.from_rows`.

        Returns
        -------
        Forecast
        """
        levels = fallback_level or {site.name: self.fallback_levels(matrix, site) for site in self.sites}
        runs = matrix.first_runs(levels)
        rows = {
            site.name: SiteRows(
                self.predict_rows(matrix, site) if quantiles is None else quantiles[site.name],
                capacity=site.capacity,
                kind=site.kind,
                fallback_level=levels[site.name],
                weather_init_time=runs[site.name],
                available_capacity=matrix.available(site.name),
            )
            for site in self.sites
        }
        return Forecast.from_rows(
            rows,
            windows=matrix.windows,
            quantile_levels=self.task.quantiles,
            attrs=matrix.with_caveats(self.provenance | matrix.provenance | dict(attrs or {})),
            allocate=allocate,
        )

    def save(self, path: str | Path) -> Path:
        """Write to one file without pickle; see :func:`energyforecast.load`.

        Examples
        --------
        >>> import tempfile
        >>> from energyforecast.testing import example_forecaster
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     example_forecaster().save(folder + "/farm.forecaster").name
        'farm.forecaster'
        """
        from energyforecast.forecasting import storage

        return storage.save(self, path)

    def __repr__(self) -> str:
        if not self.is_fitted:
            return f"Forecaster({self._in_words()}, not fitted)"
        parts = [self._in_words(), f"fitted on {counted(self.training_.origins, 'origin')}"]
        parts += ["orientation estimated"] if orientation_caveats(self.sites) else []
        parts += newcomers.in_words(self.sites, self.training_)
        return f"Forecaster({', '.join(parts)})"
