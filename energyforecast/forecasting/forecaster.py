"""Sites, task, features and model together: learn from the past, forecast from what was known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import sklearn.base

from energyforecast.core import (
    observation_checks,
    provenance,
    solar_clock,
    timestamps,
    variables,
    weather_schema,
)
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import PVPlant, Site, Sites, WindFarm, as_sites
from energyforecast.core.tasks import Task, Windows
from energyforecast.core.version import __version__
from energyforecast.core.weather_schema import Weather
from energyforecast.errors import (
    MissingDataError,
    NoRunError,
    NotFittedError,
    PerfectWeatherError,
    SchemaError,
    TimeError,
)
from energyforecast.features import ColdStartPower, FeatureSet, Needs
from energyforecast.forecasting.defaults import (
    FeaturesFor,
    ModelsFor,
    alike,
    assign_features,
    assign_models,
    check_pooled,
    shared,
)
from energyforecast.models import Climatology, ColdStart, QuantileModel
from energyforecast.observations import Lag, estimate_lag
from energyforecast.observations.clock import WIND_TOLERANCE
from energyforecast.physics import is_dark, solar_position
from energyforecast.point_in_time import snapshot, weather_access
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["Forecaster", "Table", "Training"]

Array = npt.NDArray[Any]

#: The age of a run at issue moves with clock changes and late starts, without being late for that. [h]
_AGE_SLACK: Final = 2.0
#: Instants around each hour at which the wind is compared with the power. [h]
_REACH: Final = range(-3, 5)
#: A site with fewer hours of published power than this is forecast from physics. [h]
_COLD: Final = 720.0


@dataclass(frozen=True)
class Training:
    """What a forecaster learnt from.

    Parameters
    ----------
    origins : int
        Issue times.
    rows : dict of int
        Rows with an outcome, by site.
    without_outcome : dict of int
        Rows left out because the outcome was missing, not published or set aside by its flags, by site.
    without_weather : int
        Origins left out because no usable weather had arrived (``missing="drop"``).
    oldest_weather : dict of float
        Greatest age of a weather run at issue, by weather model. [h]
    usual_weather : dict of float
        Age that 95 % of the runs stayed under, by weather model. [h]
    cold : dict of list of str
        Sites with less than 30 days of power, each with the sites whose errors stand for its own (none:
        those that weather forecasts usually have).
    data_hash : str
        Hash of the features and outcomes from which was learnt.
    fitted_on : dict of str
        Platform, processor level and commit of the fit.

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster
    >>> learnt = example_forecaster().training_  # days issued at 09 UTC, from runs of 00 UTC
    >>> learnt.origins, learnt.rows, learnt.oldest_weather
    (29, {'farm': 696}, {'': 9.0})
    """

    origins: int
    rows: dict[str, int]
    without_outcome: dict[str, int]
    without_weather: int
    oldest_weather: dict[str, float]
    usual_weather: dict[str, float]
    cold: dict[str, list[str]] = field(default_factory=dict)
    data_hash: str = ""
    fitted_on: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """Features of many origins, a row for each cell inside their windows.

    Parameters
    ----------
    windows : Windows
    columns : dict of DataFrame, shape (rows, columns)
        By site; rows in order of issue, then of lead.
    origin : array, shape (rows,)
        Position of each row's origin.
    weather_init_time, skipped : dict of array, shape (origins,)
        By weather model and site.
    usable : array of bool, shape (origins,)
        Whether usable weather had arrived for every site.
    physics : dict of DataFrame, shape (rows, columns)
        :class:`energyforecast.features.ColdStartPower` by site; without columns where the weather does not tell.
    remembered : dict of array of bool, shape (origins,)
        Whether of every lag that features ask for something was published, by site.
    newest : dict of array of datetime64, shape (origins,)
        Beginning of the newest observation that a lag took, by site; NaT where none was taken.
    expected : dict of array, shape (rows, 8)
        Wind speed from 3 h before to 4 h after, for the check of the clock; by site.

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster, example_observations, example_weather
    >>> table = example_forecaster().tabulate(
    ...     example_weather(), example_observations(), ["2024-01-01 09:00"]
    ... )
    >>> table.columns["farm"].assign(valid_time=table.valid_time).head(2)
       hour          valid_time
    0   0.0 2024-01-02 00:00:00
    1   1.0 2024-01-02 01:00:00
    """

    windows: Windows
    columns: dict[str, pd.DataFrame]
    physics: dict[str, pd.DataFrame]
    origin: npt.NDArray[np.int64]
    weather_init_time: dict[tuple[str, str], timestamps.Times]
    skipped: dict[tuple[str, str], npt.NDArray[np.bool_]]
    usable: npt.NDArray[np.bool_]
    remembered: dict[str, npt.NDArray[np.bool_]]
    newest: dict[str, timestamps.Times]
    expected: dict[str, Array]

    @property
    def valid_time(self) -> timestamps.Times:
        """Beginning of each row's interval, shape (rows,)."""
        return self.windows.valid_time[self.windows.inside]

    @property
    def issue_time(self) -> timestamps.Times:
        """Issue time of each row, shape (rows,)."""
        return self.windows.issue_time[self.origin]

    def of_origins(self, chosen: npt.NDArray[np.bool_]) -> Table:
        """The rows of some origins only."""
        rows = chosen[self.origin]
        windows = replace(
            self.windows,
            issue_time=self.windows.issue_time[chosen],
            valid_time=self.windows.valid_time[chosen],
            inside=self.windows.inside[chosen],
        )
        return Table(
            windows=windows,
            columns={name: frame[rows] for name, frame in self.columns.items()},
            physics={name: frame[rows] for name, frame in self.physics.items()},
            origin=np.nonzero(windows.inside)[0],
            weather_init_time={key: value[chosen] for key, value in self.weather_init_time.items()},
            skipped={key: value[chosen] for key, value in self.skipped.items()},
            usable=self.usable[chosen],
            remembered={name: known[chosen] for name, known in self.remembered.items()},
            newest={name: moments[chosen] for name, moments in self.newest.items()},
            expected={name: array[rows] if len(array) else array for name, array in self.expected.items()},
        )


class Forecaster:
    """A forecast of sites for a task, from declared features and a quantile model.

    Parameters
    ----------
    sites : Site or sequence of Site
        What is forecast.
    task : Task
        When, and for which hours: :func:`energyforecast.day_ahead` or :func:`energyforecast.intraday`.
    features : FeatureSet or sequence of Feature, optional
        By default each site has the recipe of its kind for the task; for a model that names its columns,
        those. A mapping gives each site its own, by name.
    model : QuantileModel, optional
        :class:`energyforecast.models.LightGBMQuantiles` by default, for industry as a departure from its last
        weeks. A mapping gives each site its own, by name.
    perfect_weather : bool
        Let an analysis stand for a forecast. Scores are then not forecast skill, and everything made
        from them says so.
    pooled : bool
        Fit one model for all sites, on power as a fraction of capacity, in place of one a site. They are then
        of one kind, with the same features.
    neighbours : Site or sequence of Site, optional
        Places whose weather features may look at, as at that of the sites, but which are not forecast:
        other plants, or cells of a weather model's grid.
    trust_clock : bool
        Do not compare the clock of the power with the wind and the sun before a fit: where it is known to be
        right and it is the weather that comes early or late.

    Raises
    ------
    SchemaError
        If there is no recipe for a site, a mapping names other sites, or sites that differ are pooled.

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

    def __init__(
        self,
        sites: Sites,
        task: Task,
        *,
        features: FeaturesFor = None,
        model: ModelsFor = None,
        perfect_weather: bool = False,
        pooled: bool = False,
        neighbours: Sites = (),
        trust_clock: bool = False,
    ) -> None:
        self.sites = as_sites(sites)
        around = (neighbours,) if isinstance(neighbours, Site) else tuple(neighbours)
        self.neighbours = as_sites((*self.sites, *around))[len(self.sites) :]
        self.task = task
        self.model_of = assign_models(self.sites, model, features=features)
        self.features_of = assign_features(self.sites, task, self.model_of, given=features)
        self.perfect_weather = perfect_weather
        self.pooled = pooled
        self.trust_clock = trust_clock
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
    def recipes(self) -> list[tuple[tuple[Site, ...], FeatureSet, QuantileModel]]:
        """Sites with the same features and the same model, in order of the first of them."""
        groups: list[tuple[list[Site], FeatureSet, QuantileModel]] = []
        for site in self.sites:
            features, model = self.features_of[site.name], self.model_of[site.name]
            for members, its, other in groups:
                if alike(features, its) and alike(model, other):
                    members.append(site)
                    break
            else:
                groups.append(([site], features, model))
        return [(tuple(members), features, model) for members, features, model in groups]

    def unfitted(self) -> Forecaster:
        """A copy that has learnt nothing.

        Examples
        --------
        >>> from energyforecast.testing import example_forecaster
        >>> example_forecaster().unfitted()
        Forecaster(farm, Climatology, not fitted)
        """
        return Forecaster(
            self.sites,
            self.task,
            features=self.features_of,
            model=self.model_of,
            perfect_weather=self.perfect_weather,
            pooled=self.pooled,
            neighbours=self.neighbours,
            trust_clock=self.trust_clock,
        )

    @property
    def _places(self) -> tuple[Site, ...]:
        """Where the weather is looked at."""
        return (*self.sites, *self.neighbours)

    @property
    def is_fitted(self) -> bool:
        """Whether :meth:`fit` was called."""
        return hasattr(self, "models_")

    # -- what was known ------------------------------------------------------------------------

    def tabulate(self, weather: Weather, observations: Observations | None, issue_times: Any) -> Table:
        """Features at many issue times, each from what was known then.

        Parameters
        ----------
        weather : Dataset or mapping of Dataset
        observations : Observations, optional
            Needed if features use lags.
        issue_times : DatetimeIndex or array of datetime64

        Returns
        -------
        Table
        """
        self._check(weather, observations)
        self.needs(weather)
        return self._tabulate(weather, observations, self.task.windows(issue_times))

    def _check(self, weather: Weather, observations: Observations | None) -> None:
        for name, dataset in weather_schema.as_models(weather).items():
            weather_schema.check_weather(
                dataset, sites=self._places, label=f"weather[{name!r}]" if name else "weather"
            )
            self._check_kind(dataset)
        if observations is not None:
            observation_checks.check_observations(
                observations.values, sites=self.sites, unfit=observations.unfit
            )
            if observations.frequency != self.task.frequency:
                raise TimeError(
                    f"The observations come every {observations.frequency}, the task every {self.task.frequency}.",
                    "Both have the same frequency.",
                    f"Use observations.resample('{self.task.frequency / pd.Timedelta('1min'):g}min').",
                )

    def _check_kind(self, dataset: Any) -> None:
        if weather_schema.is_analysis(dataset) and not self.perfect_weather:
            raise PerfectWeatherError(
                "The weather is an analysis (dimensions site, time): it was made after the fact and has no runs, "
                "so no forecaster could have known it at issue time.",
                "A forecaster learns from weather forecasts of the lead that it will be served; with an analysis, "
                "errors look smaller than they will be and intervals too narrow.",
                "Give weather forecasts (site, init_time, lead_time), or say Forecaster(..., perfect_weather=True): "
                "every result then says so.",
            )

    def needs(self, weather: Weather) -> Needs:
        """What the features of all sites need of given weather, together.

        Parameters
        ----------
        weather : Dataset or mapping of Dataset

        Raises
        ------
        SchemaError
            If a variable is not there, or the forecaster was fitted on others.

        Examples
        --------
        >>> from energyforecast.testing import example_forecaster, example_weather
        >>> example_forecaster().needs(example_weather()).names  # climatology needs none
        {'': ()}
        """
        several = [features.resolve(weather)[1] for _, features, _ in self.recipes]
        needs = Needs(
            names={
                model: tuple(dict.fromkeys(name for item in several for name in item.names[model]))
                for model in several[0].names
            },
            margin=max(item.margin for item in several),
            history=tuple(dict.fromkeys(past for item in several for past in item.history)),
        )
        if self.is_fitted and needs.names != self.needs_.names:
            raise SchemaError(
                f"The weather serves the variables {needs.names}.",
                f"The forecaster was fitted on {self.needs_.names}.",
                "Give the weather that fit was given, or fit again.",
            )
        return needs

    def _tabulate(self, weather: Weather, observations: Observations | None, windows: Windows) -> Table:
        parts = [self._part(weather, observations, windows, *item) for item in self.recipes]
        names = [site.name for site in self.sites]

        def by_site(attribute: str) -> dict[str, Any]:
            found = {name: value for part in parts for name, value in getattr(part, attribute).items()}
            return {name: found[name] for name in names}

        def by_run(attribute: str) -> dict[tuple[str, str], Any]:
            return {key: value for part in parts for key, value in getattr(part, attribute).items()}

        return Table(
            windows=windows,
            origin=np.nonzero(windows.inside)[0],
            usable=np.logical_and.reduce([part.usable for part in parts]),
            weather_init_time=by_run("weather_init_time"),
            skipped=by_run("skipped"),
            columns=by_site("columns"),
            physics=by_site("physics"),
            remembered=by_site("remembered"),
            newest=by_site("newest"),
            expected=by_site("expected"),
        )

    def _part(
        self,
        weather: Weather,
        observations: Observations | None,
        windows: Windows,
        sites: Sequence[Site],
        features: FeatureSet,
        model: QuantileModel,
    ) -> Table:
        """The table of sites that share their features and model; others of their kind are their neighbours."""
        features, needs = features.resolve(weather)
        kinds = {type(site) for site in sites}
        now = snapshot.take_snapshot(
            weather,
            observations,
            sites=[*(site for site in self.sites if type(site) in kinds), *self.neighbours],
            windows=windows,
            names=needs.names,
            required=needs.names,
            margin=max(needs.margin, self._clock_margin()),
            history=needs.history,
        )
        columns, physics, expected = {}, {}, {}
        # A model that names its columns is a reference, for which physics is no stand-in.
        alone = FeatureSet((ColdStartPower(),) if model.needs is None and now.margin else ())
        for site in sites:
            here = now.at(site.name)
            columns[site.name] = _rows(features.compute(here), windows)
            physics[site.name] = _rows(alone.compute(here), windows)
            expected[site.name] = _around(here, site)
        names = set(columns)
        return Table(
            windows=windows,
            columns=columns,
            physics=physics,
            origin=np.nonzero(windows.inside)[0],
            weather_init_time={key: value for key, value in now.init_time.items() if key[1] in names},
            skipped={key: value for key, value in now.skipped.items() if key[1] in names},
            usable=_usable(now, needs, sites),
            remembered={name: _remembered(now, name) for name in names},
            newest={name: _newest(now, name) for name in names},
            expected=expected,
        )

    def _clock_margin(self) -> pd.Timedelta:
        hourly = self.task.frequency == pd.Timedelta("1h")
        wind = any(isinstance(site, WindFarm) for site in self.sites)
        return pd.Timedelta("4h") if hourly and wind else pd.Timedelta(0)

    # -- learning ------------------------------------------------------------------------------

    def fit(
        self,
        weather: Weather,
        observations: Observations | None = None,
        *,
        as_of: Any = None,
        missing: Literal["error", "drop"] = "error",
    ) -> Self:
        """Learn from every origin whose outcome was published.

        Parameters
        ----------
        weather : Dataset or mapping of Dataset
        observations : Observations, optional
            A site without a column in them has no power yet.
        as_of : str or moment, optional
            Time of the fit: only outcomes published by then are used. By default all that are given.
        missing : {"error", "drop"}
            What to do with origins for which no usable weather had arrived: refuse, or leave them out
            and count them in ``training_``.

        Returns
        -------
        Forecaster
            Itself. Hours without outcome are left out and counted in ``training_``.

        Raises
        ------
        WrongDataError
            If weather or observations are not what they must be.
        MissingDataError
            If weather is missing, or there is no outcome to learn from.
        PerfectWeatherError
            If the weather is an analysis and ``perfect_weather`` was not said.

        Notes
        -----
        A plant with less than 30 days of published power is forecast by its power curve or PV chain on
        the weather (:class:`energyforecast.models.ColdStart`), with the errors of plants of its kind that have more,
        or those that weather forecasts usually have; ``training_``, repr and forecasts say so.
        """
        observations = self._completed(observations, weather)
        self._check(weather, observations)
        for name in ("models_", "needs_"):
            if hasattr(self, name):
                delattr(self, name)
        moment = None if as_of is None else timestamps.instant(as_of, timezone=self.task.timezone)
        issued = self.training_origins(weather, observations, as_of=moment)
        needs = self.needs(weather)
        table = self._tabulate(weather, observations, self.task.windows(issued))
        if missing == "error":
            self.refuse_unusable(weather, table)
        self.check_clock(table, observations)
        return self.fit_table(table, observations, needs=needs, as_of=moment)

    def _completed(self, observations: Observations | None, weather: Weather) -> Observations:
        """With a column for every site, empty for those that have no power yet."""
        names = [site.name for site in self.sites]
        if observations is None:
            return Observations(
                pd.DataFrame(np.nan, index=self._weather_hours(weather), columns=names), published_after="0h"
            )
        absent = [name for name in names if name not in observations.sites]
        # Beside a column of no site, an absent one is rather a misspelt name; the check says so.
        named = any(self.model_of[name].needs is not None for name in absent)
        if not absent or named or not set(observations.sites) < set(names):
            return observations
        published, available, flags = (
            None if frame is None else frame.reindex(columns=names)
            for frame in (
                observations.published_time,
                observations.available_capacity,
                observations.flags,
            )
        )
        return replace(
            observations,
            values=observations.values.reindex(columns=names),
            published_time=published,
            available_capacity=available,
            flags=None if flags is None else flags.where(flags.notna(), 0).astype(int),
        )

    def _weather_hours(self, weather: Weather) -> pd.DatetimeIndex:
        axes = [
            (data["time"] if weather_schema.is_analysis(data) else data["init_time"]).values
            for data in weather_schema.as_models(weather).values()
        ]
        start, end = max(axis[0] for axis in axes), min(axis[-1] for axis in axes)
        step = self.task.frequency
        begin, last = timestamps.to_index(np.array([start, end]))
        return pd.date_range(begin.ceil(step), max(last, begin + pd.Timedelta("4D")), freq=step)

    def training_origins(
        self, weather: Weather, observations: Observations, *, as_of: pd.Timestamp | None = None
    ) -> pd.DatetimeIndex:
        """Issue times from which can be learnt: weather had arrived, and the window lies in the observations.

        Raises
        ------
        MissingDataError
            If there is none.
        """
        width = self.task.frequency
        spans = [(observations.index[0], observations.index[-1] + width)]
        arrival = []
        for dataset in weather_schema.as_models(weather).values():
            if weather_schema.is_analysis(dataset):
                axis = timestamps.to_index(dataset["time"].values)
                spans.append((axis[0], axis[-1] + width))
            else:
                arrival.append(_first_arrival(dataset))
        start, end = max(span[0] for span in spans), min(span[1] for span in spans)
        issued = self.task.issue_times(start, end) if start < end else pd.DatetimeIndex([], tz="UTC")
        issued = issued[issued >= min(arrival)] if arrival else issued
        issued = issued if as_of is None else issued[issued < as_of]
        if len(issued):
            windows = self.task.windows(issued)
            last = np.where(windows.inside, windows.valid_time, windows.valid_time[:, :1]).max(axis=1)
            issued = issued[last < timestamps.to_ns([end])[0]]
        if not len(issued):
            raise MissingDataError(
                f"There is nothing to learn from: observations {observations.index[0]} to {observations.index[-1]}, "
                f"common with the weather from {start} to {end}"
                + (f", as of {as_of}." if as_of is not None else "."),
                "At least one window of the task lies in the observations, and its weather had arrived in time.",
                "Check the periods of the weather and of the observations, and the delay in available_time.",
            )
        return issued

    def check_clock(self, table: Table, observations: Observations) -> dict[str, Lag]:
        """Compare the clock of wind power with that of the wind, and of PV power with the sun.

        Parameters
        ----------
        table : Table
        observations : Observations

        Returns
        -------
        dict of Lag
            By wind farm, where there is data enough; empty if the clock is trusted.

        Raises
        ------
        TimeError
            If power comes more than 35 minutes before or after what was expected, with certainty.
        """
        lags: dict[str, Lag] = {}
        for site in () if self.trust_clock else self.sites:
            power = observations.value_at(site.name, table.valid_time, outside="missing")
            if isinstance(site, PVPlant):
                solar_clock.check_sun(table.valid_time, power, site=site, label="observations")
            lag = _clock_lag(power, table.expected[site.name], self.task.frequency)
            if lag is None:
                continue
            lags[site.name] = lag
            if lag.certain and abs(lag.minutes) - 2 * lag.standard_error > WIND_TOLERANCE:
                raise _wrong_clock(site, lag, table)
        return lags

    def fit_table(
        self,
        table: Table,
        observations: Observations,
        *,
        needs: Needs,
        as_of: pd.Timestamp | np.datetime64 | None = None,
        rows: npt.NDArray[np.bool_] | None = None,
    ) -> Self:
        """Fit on rows of a table whose outcome was published; what :meth:`fit` and a backtest call.

        Parameters
        ----------
        table : Table
        observations : Observations
        needs : Needs
            What the features needed of the weather.
        as_of : moment, optional
            Time of the fit.
        rows : array of bool, optional
            Rows that may be used.
        """
        outcome, keep = {}, {}
        usable = table.usable[table.origin] & (True if rows is None else rows)
        for site in self.sites:
            outcome[site.name] = observations.value_at(
                site.name, table.valid_time, as_of=as_of, outside="missing"
            )
            keep[site.name] = usable & np.isfinite(outcome[site.name])
            if not keep[site.name].any() and not _has_physics(table, site):
                raise MissingDataError(
                    f"Site {site.name!r} has no published outcome among {int(usable.sum())} rows"
                    + (f" as of {as_of}." if as_of is not None else "."),
                    "There is at least one hour with weather and a published, unflagged outcome.",
                    "Check the flags and published_after of the observations. Demand must be observed; a plant is "
                    "forecast without, if the features use the wind, or the sun and the temperature.",
                )
        cold = self._cold(table, keep)
        warm = [site for site in self.sites if site.name not in cold]
        self.scale_ = {site.name: _scale(site) for site in self.sites}
        self.models_ = self._fit_models(table, outcome, keep, warm)
        self.climatology_ = {site.name: self._side_climatology(table, outcome, keep, site) for site in warm}
        for name, others in cold.items():
            self.models_[name], self.climatology_[name] = self._cold_start(table, outcome, keep, name, others)
        self.needs_ = needs
        self.training_ = _training(table, usable, keep, cold, _learnt(table, outcome, keep))
        return self

    def _cold(self, table: Table, keep: dict[str, Array]) -> dict[str, list[str]]:
        """Plants with too little power to learn from, and those of their kind that have enough."""
        hour = self.task.frequency / pd.Timedelta("1h")
        cold = {
            site.name: type(site)
            for site in self.sites
            if _has_physics(table, site) and len(np.unique(table.valid_time[keep[site.name]])) * hour < _COLD
        }
        others = [site for site in self.sites if site.name not in cold and _has_physics(table, site)]
        return {name: [o.name for o in others if type(o) is kind] for name, kind in cold.items()}

    def _cold_start(
        self, table: Table, outcome: dict[str, Array], keep: dict[str, Array], name: str, others: list[str]
    ) -> tuple[QuantileModel, QuantileModel]:
        """Physics with the errors of other sites, and what answers where there is no weather."""
        hours = {site.name: _hour_of_day(table, site) for site in self.sites}
        rows = {site.name: _lit(table, site, keep[site.name]) for site in self.sites}
        X = pd.concat([table.physics[name][:0], *(table.physics[o][rows[o]] for o in others)])
        y = np.concatenate([np.empty(0), *(outcome[o][rows[o]] / self.scale_[o] for o in others)])
        hour = pd.concat([hours[name][:0], *(hours[o][rows[o]] for o in others)])
        if not others:  # Nothing is known: all between no power and full power is alike.
            hour, y_of_hour = pd.DataFrame({"hour": np.zeros(101)}), np.linspace(0.0, 1.0, 101)
        else:
            y_of_hour = y
        model = ColdStart(self.task.quantiles).fit(X, y, bounds=(0.0, 1.0))
        return model, Climatology(self.task.quantiles).fit(hour, y_of_hour, bounds=(0.0, 1.0))

    def _fit_models(
        self, table: Table, outcome: dict[str, Array], keep: dict[str, Array], sites: Sequence[Site]
    ) -> dict[str, QuantileModel]:
        groups = [sites] if self.pooled and sites else [(site,) for site in sites]
        fitted: dict[str, QuantileModel] = {}
        for group in groups:
            names = [site.name for site in group]
            rows = {site.name: _lit(table, site, keep[site.name]) for site in group}
            X = pd.concat([table.columns[name][rows[name]] for name in names], ignore_index=True)
            y = np.concatenate([outcome[name][rows[name]] / self.scale_[name] for name in names])
            if len(group) > 1:  # In order of time: models cut their rows into blocks of it.
                order = np.argsort(
                    np.concatenate([np.flatnonzero(rows[name]) for name in names]), kind="stable"
                )
                X, y = X.iloc[order].reset_index(drop=True), y[order]
            bounded = all(site.capacity is not None for site in group)
            model: QuantileModel = sklearn.base.clone(self.model_of[names[0]])
            model.set_params(quantiles=self.task.quantiles)
            model.fit(X, y, bounds=(0.0, 1.0) if bounded else (-np.inf, np.inf))
            fitted |= dict.fromkeys(names, model)
        return fitted

    def _side_climatology(
        self, table: Table, outcome: dict[str, Array], keep: dict[str, Array], site: Site
    ) -> QuantileModel:
        hour = _hour_of_day(table, site)[keep[site.name]]
        y = outcome[site.name][keep[site.name]] / self.scale_[site.name]
        bounds = (0.0, 1.0) if site.capacity is not None else (-np.inf, np.inf)
        return Climatology(self.task.quantiles).fit(hour, y, bounds=bounds)

    # -- forecasting ---------------------------------------------------------------------------

    def predict(
        self,
        weather: Weather,
        observations: Observations | None = None,
        *,
        issue_time: Any = "now",
        strict: bool = True,
    ) -> Forecast:
        """Forecast from what was known at one or several issue times.

        Parameters
        ----------
        weather : Dataset or mapping of Dataset
        observations : Observations, optional
            Needed if features use lags.
        issue_time : str, moment, or sequence of moments
            Strings are wall time in the task's zone; ``"now"`` is the present.
        strict : bool
            Refuse if no usable weather had arrived. Otherwise such an issue is answered by climatology,
            with ``fallback_level`` 3.

        Returns
        -------
        Forecast
            Its ``fallback_level`` says how each issue was made.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        NoRunError, MissingDataError
            If `strict` and weather is missing.

        Notes
        -----
        An older run than the newest is used where that one is incomplete, if training saw runs as old
        (``fallback_level`` 1).

        Examples
        --------
        >>> from energyforecast.testing import example_forecaster, example_weather
        >>> forecast = example_forecaster().predict(example_weather(), issue_time="2024-01-01 09:00")
        >>> forecast.at(0.5).values[0, 0, :3].tolist()
        [11.0, 11.5, 12.0]
        """
        if not self.is_fitted:
            raise NotFittedError(
                f"The forecaster of {self.sites[0].name!r} has learnt nothing.",
                "It is fitted before it predicts.",
                "Call forecaster.fit(weather, observations), or energyforecast.load(path).",
            )
        issued = self._moments(issue_time)
        if self.training_.cold:
            observations = self._completed(observations, weather)
        self._check(weather, observations)
        self.needs(weather)
        table = self._tabulate(weather, observations, self.task.windows(issued))
        if strict:
            self.refuse_unusable(weather, table)
            self._refuse_too_old(table)
            self._refuse_forgotten(table)
        return self.predict_table(table, attrs={"caveats": "; ".join(self.caveats(weather))})

    def caveats(self, weather: Weather) -> tuple[str, ...]:
        """What must be said of every result made from this weather."""
        said = []
        for dataset in weather_schema.as_models(weather).values():
            if weather_schema.is_analysis(dataset):
                said.append(
                    f"perfect weather ({dataset.attrs.get('source', 'analysis')}): not forecast skill"
                )
            if dataset.attrs.get("synthetic"):
                said.append(
                    "synthetic: scores say how the code behaves, not how well a real site can be forecast"
                )
        return tuple(dict.fromkeys(said)) + self.cold_starts()

    def cold_starts(self) -> tuple[str, ...]:
        """What must be said of sites that had too little power to learn from."""
        if not self.is_fitted:
            return ()
        return tuple(
            f"cold start: power curve on the weather for {site.name}, errors {_whose(others)}"
            if isinstance(site, WindFarm)
            else f"cold start: PV chain on the weather for {site.name}, errors {_whose(others)}"
            for site in self.sites
            if (others := self.training_.cold.get(site.name)) is not None
        )

    def _moments(self, issue_time: Any) -> timestamps.Times:
        if isinstance(issue_time, str) or np.ndim(issue_time) == 0:
            return timestamps.to_ns([timestamps.instant(issue_time, timezone=self.task.timezone)])
        moments = [timestamps.instant(moment, timezone=self.task.timezone) for moment in issue_time]
        return np.unique(timestamps.to_ns(pd.DatetimeIndex(moments)))

    def predict_table(self, table: Table, *, attrs: Mapping[str, Any] | None = None) -> Forecast:
        """Forecast the rows of a table; what :meth:`predict` and a backtest call."""
        quantiles = {site.name: self.predict_rows(table, site) for site in self.sites}
        return self.assemble(table, quantiles, attrs=attrs)

    def predict_rows(self, table: Table, site: Site, *, rows: npt.NDArray[np.bool_] | None = None) -> Array:
        """Quantiles of some rows of a table for one site, shape (rows, quantiles). [MW]"""
        chosen = np.ones(len(table.origin), dtype=bool) if rows is None else rows
        answered = self.levels(table, site)[table.origin][chosen] < 3
        result = np.empty((int(chosen.sum()), len(self.task.quantiles)))
        if answered.any():
            columns = (table.physics if site.name in self.training_.cold else table.columns)[site.name]
            result[answered] = self.models_[site.name].predict(columns[chosen][answered])
        if not answered.all():
            result[~answered] = self.climatology_[site.name].predict(
                _hour_of_day(table, site)[chosen][~answered]
            )
        result[_dark(table, site)[chosen]] = 0.0
        return result * self.scale_[site.name]

    def levels(self, table: Table, site: Site) -> npt.NDArray[np.int64]:
        """Rung of the ladder on which each origin is answered, shape (origins,)."""
        level = np.zeros(len(table.windows.issue_time), dtype=np.int64)
        for (model, name), init in table.weather_init_time.items():
            if name != site.name:
                continue
            age = (table.windows.issue_time - init) / np.timedelta64(1, "h")
            if model in self.training_.oldest_weather:  # an analysis has no runs
                level = np.maximum(level, np.where(np.isnat(init), 2, 0))
            usual = self.training_.usual_weather.get(model, np.inf) + _AGE_SLACK
            late = table.skipped[(model, name)] | (age > usual)
            level = np.maximum(level, np.where(late, 1, 0))
            oldest = self.training_.oldest_weather.get(model, np.inf) + _AGE_SLACK
            level = np.where(age > oldest, 3, level)
        # Trees answer without a lag that they know; a reference that rests on it cannot.
        if site.name in self.training_.cold:
            last = 3 if self.training_.cold[site.name] else 4
            return np.where(table.usable & (level < 3), level, last)
        known = table.remembered[site.name]
        level = np.where(known, level, np.maximum(level, 2 if self.model_of[site.name].needs is None else 3))
        return np.where(table.usable, level, 3)

    def assemble(
        self,
        table: Table,
        quantiles: Mapping[str, Array | Iterable[Array]],
        *,
        levels: Mapping[str, npt.NDArray[np.int64]] | None = None,
        attrs: Mapping[str, Any] | None = None,
        allocate: Callable[[tuple[int, ...]], Array] | None = None,
    ) -> Forecast:
        """The cube of a table's rows, with its provenance; see :meth:`energyforecast.Forecast.from_rows`."""
        rungs = (
            {site.name: self.levels(table, site) for site in self.sites} if levels is None else dict(levels)
        )
        # Without weather there is no run.
        first: dict[str, Any] = {
            site.name: np.full(len(table.usable), np.datetime64("NaT", "ns")) for site in self.sites
        }
        first |= {name: init for (model, name), init in reversed(list(table.weather_init_time.items()))}
        return Forecast.from_rows(
            quantiles,
            windows=table.windows,
            levels=self.task.quantiles,
            capacity={site.name: site.capacity for site in self.sites},
            kind={site.name: site.kind for site in self.sites},
            fallback_level=rungs,
            weather_init_time=first,
            attrs=self.provenance() | dict(attrs or {}),
            allocate=allocate,
        )

    def provenance(self) -> dict[str, Any]:
        """What every result carries: model, training data, machine, versions and caveats."""
        return {
            "model": self._model_names(),
            "perfect_weather": int(self.perfect_weather),
            "cold_start": ", ".join(self.training_.cold) if self.is_fitted else "",
            "timezone": self.task.timezone,
            "training_data": self.training_.data_hash if self.is_fitted else "",
            **provenance.machine(),
            "energyforecast": __version__,
            "lightgbm": version("lightgbm"),
        }

    # -- refusals ------------------------------------------------------------------------------

    def refuse_unusable(
        self, weather: Weather, table: Table, *, only: npt.NDArray[np.bool_] | None = None
    ) -> None:
        """Raise if an origin has no usable weather, saying why.

        Raises
        ------
        NoRunError, MissingDataError
        """
        lost = np.flatnonzero(~table.usable & (True if only is None else only))
        if lost.size:
            needs = {
                site.name: features.resolve(weather)[1]
                for sites, features, _ in self.recipes
                for site in sites
            }
            raise _no_weather(weather, table.windows, needs, lost)

    def _refuse_too_old(self, table: Table) -> None:
        for (model, name), init in table.weather_init_time.items():
            age = (table.windows.issue_time - init) / np.timedelta64(1, "h")
            limit = self.training_.oldest_weather.get(model, np.inf)
            old = np.flatnonzero(age > limit + _AGE_SLACK)
            if old.size:
                raise NoRunError(
                    f"At {table.windows.issue_time[old[0]]} UTC the newest usable weather run for site {name!r} is "
                    f"{age[old[0]]:g} h old (initialised {init[old[0]]} UTC).",
                    f"The model learnt from runs up to {limit:g} h old.",
                    "Update the weather archive, or use predict(..., strict=False) for a marked fallback.",
                )

    def _refuse_forgotten(self, table: Table) -> None:
        warm = [known for name, known in table.remembered.items() if name not in self.training_.cold]
        lost = np.flatnonzero(~np.logical_and.reduce(warm)) if warm else np.empty(0, dtype=int)
        if lost.size:
            raise MissingDataError(
                f"At {table.windows.issue_time[lost[0]]} UTC no observation of {self._names()} had been published "
                f"from which the lags {[item.lag for item in self.needs_.history]} could be taken.",
                "Of each lag that a feature asks for, a value or an older one was published.",
                "Give the newest observations, or use predict(..., strict=False) for a marked fallback.",
            )

    def _names(self) -> str:
        return ", ".join(repr(site.name) for site in self.sites)

    # -- storage -------------------------------------------------------------------------------

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
        names = ", ".join(site.name for site in self.sites[:3]) + (", ..." if len(self.sites) > 3 else "")
        caveat = ", perfect weather" if self.perfect_weather else ""
        state = f", fitted on {self.training_.origins} origins" if self.is_fitted else ", not fitted"
        if self.is_fitted and self.training_.cold:
            state += (
                f", cold start: power curve or PV chain on the weather for {', '.join(self.training_.cold)}"
            )
        return f"Forecaster({names}, {self._model_names()}{caveat}{state})"

    def _model_names(self) -> str:
        return ", ".join(dict.fromkeys(type(model).__name__ for model in self.model_of.values()))


def _around(now: Snapshot, site: Site) -> Array:
    """Wind speed nearest the hub from 3 h before to 4 h after each row's interval."""
    speeds = now.matching("wind_speed_*m")
    if now.margin < 4 or not speeds or not isinstance(site, WindFarm):
        return np.empty((0, len(_REACH)))
    hub = site.hub_height or 100.0
    nearest = min(speeds, key=lambda name: abs((variables.height_of(name) or hub) - hub))
    inside = now.windows.inside
    return np.stack([now.shift(nearest, hours=hour)[inside] for hour in _REACH], axis=1)


def _clock_lag(power: Array, speed: Array, frequency: pd.Timedelta) -> Lag | None:
    if not len(speed):
        return None
    return estimate_lag(power, 0.5 * (speed[:, :-1] + speed[:, 1:]).astype(float), step=frequency)


def _wrong_clock(site: Site, lag: Lag, table: Table) -> TimeError:
    side = "after" if lag.minutes > 0 else "before"
    return TimeError(
        f"Power of site {site.name!r} comes {abs(lag.minutes):.0f} ± {lag.standard_error:.0f} min {side} the wind "
        f"(from {table.valid_time[0]} UTC on).",
        "Power is labelled with the beginning of its hour, in UTC, so that the two agree within 35 min.",
        "If the file labels the end of the hour, read it with label='ending'; else check its time zone. If it is "
        "known to be right, and the weather to be off, use Forecaster(..., trust_clock=True).",
    )


def _usable(now: Snapshot, needs: Needs, sites: Sequence[Site]) -> npt.NDArray[np.bool_]:
    """Origins for which, at every site, at least one weather model has all that is needed."""
    usable = np.ones(len(now.windows.issue_time), dtype=bool)
    for site in sites:
        here = now.at(site.name)
        found = np.zeros_like(usable)
        for model, names in needs.names.items():
            prefix = f"{model}:" if model else ""
            arrays = [here.members(prefix + name) for name in names]
            whole = [np.isfinite(array).all(axis=2) | ~now.windows.inside for array in arrays]
            found |= np.logical_and.reduce(whole).all(axis=1) if whole else True
        usable &= found | (not any(needs.names.values()))
    return usable


def _rows(values: Mapping[str, Array], windows: Windows) -> pd.DataFrame:
    """Columns with a row for each cell inside the windows."""
    rows = [array[windows.inside] for array in values.values()]
    count = int(windows.inside.sum())
    whole = np.stack(rows, axis=1) if rows else np.empty((count, 0), dtype=np.float32)
    return pd.DataFrame(whole, columns=pd.Index(list(values)), copy=False)


def _remembered(now: Snapshot, site: str) -> npt.NDArray[np.bool_]:
    """Origins for which of every lag at least one value was published."""
    known = [
        np.isfinite(values).any(axis=1) for (_, name), (values, _) in now.history.items() if name == site
    ]
    return np.logical_and.reduce(known) if known else np.ones(len(now.windows.issue_time), dtype=bool)


def _newest(now: Snapshot, site: str) -> timestamps.Times:
    """Beginning of the newest observation that any lag took, by origin."""
    issued = now.windows.issue_time
    ages = [age for (_, name), (_, age) in now.history.items() if name == site]
    if not ages:
        return np.full(len(issued), np.datetime64("NaT", "ns"))
    youngest = np.fmin.reduce(np.concatenate(ages, axis=1), axis=1)
    known = np.isfinite(youngest)
    # Ages are hours: in whole seconds, so that no rounding moves the interval.
    seconds = np.round(np.where(known, youngest, 0.0) * 3600).astype("timedelta64[s]")
    return np.where(known, issued - seconds.astype("timedelta64[ns]"), np.datetime64("NaT", "ns"))


def _first_arrival(dataset: Any) -> pd.Timestamp:
    arrived = timestamps.to_ns(dataset["available_time"].values.ravel())
    known = arrived[~np.isnat(arrived)]
    if not len(known):
        raise NoRunError(
            "No run of the weather archive ever arrived: every available_time is empty.",
            "available_time says when each run could be had.",
            "Add publication delays, or fill the archive.",
        )
    return timestamps.to_index([known.min()])[0]


def _hour_of_day(table: Table, site: Site) -> pd.DataFrame:
    local = pd.DatetimeIndex(table.valid_time, tz="UTC").tz_convert(timestamps.zone(site.timezone))
    return pd.DataFrame({"hour": np.asarray(local.hour + local.minute / 60, dtype=float)})


def _dark(table: Table, site: Site) -> npt.NDArray[np.bool_]:
    """Rows of a PV plant in which the sun never rises: its power is bounded by nothing, whatever the model."""
    if not isinstance(site, PVPlant):
        return np.zeros(len(table.origin), dtype=bool)
    step = table.windows.frequency.to_timedelta64()
    instants = (table.valid_time + part * step // 2 for part in (0, 1, 2))
    return is_dark(*(solar_position(instant, site.latitude, site.longitude) for instant in instants))


def _lit(table: Table, site: Site, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Rows to learn from. Nights teach nothing: their zeros would fill leaves and blur the calibration of days."""
    lit = rows & ~_dark(table, site)
    return lit if lit.any() else rows


def _scale(site: Site) -> float:
    """What lags and outcomes are a fraction of: both in MW where a site has no capacity."""
    return 1.0 if site.capacity is None else float(site.capacity)


def _has_physics(table: Table, site: Site) -> bool:
    return site.capacity is not None and table.physics[site.name].shape[1] > 0


def _whose(others: list[str]) -> str:
    named = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    return f"as at {named}" if others else "by default"


def _learnt(table: Table, outcome: dict[str, Array], keep: dict[str, Array]) -> str:
    """Hash of the rows from which was learnt."""
    return provenance.data_hash(
        part for name, rows in keep.items() for part in (table.columns[name][rows], outcome[name][rows])
    )


def _training(
    table: Table, usable: Array, keep: dict[str, Array], cold: dict[str, list[str]], learnt: str
) -> Training:
    # A cold start meets the weather's lateness without any outcome.
    met = usable if cold else np.logical_or.reduce(list(keep.values()))
    origins = np.unique(table.origin[met])
    ages: dict[str, list[Array]] = {}
    for (model, _), init in table.weather_init_time.items():
        age = ((table.windows.issue_time - init) / np.timedelta64(1, "h"))[origins]
        ages.setdefault(model, []).append(age[np.isfinite(age)])
    known = {model: np.concatenate(several) for model, several in ages.items()}
    return Training(
        origins=len(origins),
        rows={name: int(mask.sum()) for name, mask in keep.items()},
        without_outcome={name: int((usable & ~mask).sum()) for name, mask in keep.items()},
        without_weather=int((~table.usable).sum()),
        oldest_weather={model: float(age.max()) for model, age in known.items() if len(age)},
        usual_weather={model: float(np.quantile(age, 0.95)) for model, age in known.items() if len(age)},
        cold=cold,
        data_hash=learnt,
        fitted_on=provenance.machine(),
    )


def _no_weather(
    weather: Weather, windows: Windows, needs: Mapping[str, Needs], lost: npt.NDArray[np.int64]
) -> MissingDataError:
    origin = int(lost[0])
    for model, dataset in weather_schema.as_models(weather).items():
        for site, its in needs.items():
            reason = weather_access.why_missing(
                dataset,
                site=site,
                issue_time=windows.issue_time[origin],
                valid_time=windows.valid_time[origin][windows.inside[origin]],
                names=its.names[model],
            )
            if reason is not None:
                kind = MissingDataError if weather_schema.is_analysis(dataset) else NoRunError
                which = f" of weather model {model!r}" if model else ""
                return kind(
                    f"No usable weather{which} for site {site!r} at issue time {windows.issue_time[origin]} UTC "
                    f"({lost.size} issue times in all): {reason}",
                    "At each issue time a run had arrived that holds every variable for every hour of the window.",
                    "Complete the archive; fit(..., missing='drop') leaves such origins out, "
                    "predict(..., strict=False) answers them from climatology.",
                )
    raise AssertionError("an origin without weather has a reason")
