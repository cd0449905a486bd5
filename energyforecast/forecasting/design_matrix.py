"""Design matrix: features of many origins, each from data known at its issue time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.fallback import CLIMATOLOGY
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea, PVPlant, Site
from energyforecast.core.weather_schema import ValidatedWeather, Weather, as_models, check_structure, label_of
from energyforecast.errors import MissingDataError
from energyforecast.features import ColdStartPower, FeatureSet, Needs
from energyforecast.features.standard_profile import load_profiles_of, profile_columns
from energyforecast.forecasting.defaults import Recipe
from energyforecast.forecasting.hub_wind import clock_margin, hub_wind
from energyforecast.forecasting.known_history import has_history, newest_observation
from energyforecast.forecasting.row_capacity import RowCapacity
from energyforecast.models import QuantileModel
from energyforecast.models.base import PoolsMembers
from energyforecast.physics import is_dark, solar_position
from energyforecast.point_in_time import gathering
from energyforecast.point_in_time.run_selection import select_runs
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = [
    "DesignMatrix",
    "build_design_matrix",
    "joint_needs",
    "merge_sites",
    "of_origins",
    "runs_within_reach",
]

Array = npt.NDArray[Any]

#: Caveat of forecasts for which no single run has all hours.
EARLIER: Final = "weather: hours that the newest run does not reach are from the run before"
_NAT: Final = np.datetime64("NaT", "ns")


@dataclass(frozen=True)
class DesignMatrix:
    """Features of many origins, a row for each cell inside their windows.

    Parameters
    ----------
    windows : Windows
    columns : dict of DataFrame, shape (rows, columns)
        By site; rows in order of issue, then of lead.
    physics : dict of DataFrame, shape (rows, columns)
        :class:`energyforecast.features.ColdStartPower` by site; without columns where the weather does not allow it.
        Of demand the standard load profiles of all areas, in parts of their means.
    origin : array, shape (rows,)
        Position of each row's origin.
    weather_init_time, skipped : dict of array, shape (origins,)
        Newest run, and whether a newer one was incomplete; by weather model and site. ``skipped`` holds the models of
        which features need a variable: with the others a forecast is neither late nor lost.
    usable_at : dict of array of bool, shape (origins,)
        Whether usable weather had arrived, by site.
    has_history : dict of array of bool, shape (origins,)
        Whether of the lags of every feature a value was published, by site.
    newest_observation : dict of array of datetime64, shape (origins,)
        Beginning of the newest observation that a lag took, by site; NaT where none was taken.
    hub_wind : dict of array, shape (rows, 7)
        Mean wind speed of the interval and of those around it, for the check of the clock; by site. [m s⁻¹]
    members : dict of tuple of DataFrame
        Features of each origin, the rows of one ensemble member after the other; by site, for models that pool
        members.
    measured : callable, optional
        Matrix of measured weather as of a moment, on which to fit in place of this one.
    from_earlier : dict of array of int, shape (origins,)
        Number of hours that came from the runs before the newest; by weather model and site, where there are any.
    refusal : MissingDataError, optional
        Reason why the first origin without usable weather has none, where an ensemble gave one.
    weather_steps : dict of str
        Native steps and those of the task, of weather models that were brought to them.
    capacity : RowCapacity, optional

    See Also
    --------
    energyforecast.Forecaster.design_matrix : Builds it.

    Examples
    --------
    >>> from energyforecast.testing import example_forecaster, example_observations, example_weather
    >>> matrix = example_forecaster().design_matrix(
    ...     example_weather(), example_observations(), ["2024-01-01 09:00"]
    ... )
    >>> matrix.columns["farm"].assign(valid_time=matrix.valid_time).head(2)
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
    usable_at: dict[str, npt.NDArray[np.bool_]]
    has_history: dict[str, npt.NDArray[np.bool_]]
    newest_observation: dict[str, timestamps.Times]
    hub_wind: dict[str, Array]
    members: dict[str, tuple[pd.DataFrame, ...]] = field(default_factory=dict)
    from_earlier: dict[tuple[str, str], npt.NDArray[np.int64]] = field(default_factory=dict)
    measured: Callable[[pd.Timestamp | None], DesignMatrix] | None = None
    refusal: MissingDataError | None = None
    weather_steps: dict[str, str] = field(default_factory=dict)
    capacity: RowCapacity | None = None

    @property
    def valid_time(self) -> timestamps.Times:
        """Beginning of each row's interval, shape (rows,)."""
        return self.windows.valid_time[self.windows.inside]

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Whether usable weather had arrived for every site, shape (origins,)."""
        return np.asarray(np.logical_and.reduce(list(self.usable_at.values())))

    @property
    def issue_time(self) -> timestamps.Times:
        """Issue time of each row, shape (rows,)."""
        return self.windows.issue_time[self.origin]

    @property
    def provenance(self) -> dict[str, str]:
        """Steps of weather that was brought to those of the task, for forecasts made of the rows."""
        steps = (f"{model}: {words}" if model else words for model, words in self.weather_steps.items())
        return {"weather_steps": "; ".join(steps)} if self.weather_steps else {}

    def of_origins(self, chosen: npt.NDArray[np.bool_]) -> DesignMatrix:
        """The rows of some origins only."""
        rows = chosen[self.origin]
        windows = of_origins(self.windows, chosen)
        return DesignMatrix(
            windows=windows,
            columns={name: frame[rows] for name, frame in self.columns.items()},
            physics={name: frame[rows] for name, frame in self.physics.items()},
            origin=np.nonzero(windows.inside)[0],
            weather_init_time={key: value[chosen] for key, value in self.weather_init_time.items()},
            skipped={key: value[chosen] for key, value in self.skipped.items()},
            from_earlier={key: value[chosen] for key, value in self.from_earlier.items()},
            usable_at={name: usable[chosen] for name, usable in self.usable_at.items()},
            has_history={name: known[chosen] for name, known in self.has_history.items()},
            newest_observation={name: moments[chosen] for name, moments in self.newest_observation.items()},
            hub_wind={name: array[rows] if len(array) else array for name, array in self.hub_wind.items()},
            members={
                name: tuple(frame for frame, kept in zip(frames, chosen, strict=True) if kept)
                for name, frames in self.members.items()
            },
            measured=self.measured,
            refusal=self.refusal,
            weather_steps=self.weather_steps,
            capacity=None if self.capacity is None else self.capacity.of_rows(rows),
        )

    def predict(self, model: QuantileModel, site: str, rows: npt.NDArray[np.bool_]) -> Array:
        """Quantiles of some rows by a fitted model, over the members of an ensemble where it pools them."""
        if site not in self.members or not isinstance(model, PoolsMembers):
            return model.predict(self.columns[site][rows])
        quantiles = np.empty((len(rows), len(model.levels)))
        for origin in np.unique(self.origin[rows]):
            steps, frame = self.origin == origin, self.members[site][origin]
            quantiles[steps] = model.predict_members(frame, members=len(frame) // int(steps.sum()))
        return quantiles[rows]

    def in_service(self, quantiles: Array, site: Site, rows: Array) -> Array:
        """Quantiles of some rows, as for the capacity in service. [MW]"""
        return quantiles if self.capacity is None else self.capacity.of_rows(rows).scaled(quantiles, site)

    def available(self, site: str) -> Array | None:
        """Available capacity of each row; None where none was given. [MW]"""
        return None if self.capacity is None else self.capacity.available(site)

    def weather_age(self, model: str, site: str) -> Array:
        """Issue time minus the run's initialisation, shape (origins,); NaN without a run. [h]"""
        age = (self.windows.issue_time - self.weather_init_time[(model, site)]) / np.timedelta64(1, "h")
        return np.asarray(age)

    def measurement_age(self, site: str) -> Array:
        """Issue time minus the newest measurement's beginning, shape (origins,); NaN without one. [h]"""
        age = self.windows.issue_time - self.newest_observation[site]
        return np.asarray(age / np.timedelta64(1, "h"))

    def hour_of_day(self, site: Site) -> pd.DataFrame:
        """Local hour at each row's beginning, as the one column ``hour``. [h]"""
        return pd.DataFrame({"hour": timestamps.local_hours(self.valid_time, site.timezone)})

    def is_dark(self, site: Site) -> npt.NDArray[np.bool_]:
        """Rows of a PV plant during which the sun is never up: its power is zero, for any model."""
        if not isinstance(site, PVPlant):
            return np.zeros(len(self.origin), dtype=bool)
        step = self.windows.frequency.to_timedelta64()
        instants = (self.valid_time + part * step // 2 for part in (0, 1, 2))
        return is_dark(*(solar_position(instant, site.latitude, site.longitude) for instant in instants))

    def any_lag(self, site: str) -> npt.NDArray[np.bool_]:
        """Origins at which any lag had a published value, shape (origins,); all where there are no lags."""
        return self.has_history[site] | ~np.isnat(self.newest_observation[site])

    def first_runs(self, levels: Mapping[str, npt.NDArray[np.int64]]) -> dict[str, timestamps.Times]:
        """Run of the first weather model by site, shape (origins,); NaT without weather, or where none was used."""
        runs: dict[str, timestamps.Times] = {
            site: np.full(len(self.windows.issue_time), _NAT) for site in levels
        }
        for (_, site), run in reversed(list(self.weather_init_time.items())):
            runs[site] = np.where(levels[site] < CLIMATOLOGY, run, _NAT)
        return runs

    def with_caveats(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Provenance, with a caveat if hours are from the runs before the newest."""
        if not any(count.any() for count in self.from_earlier.values()):
            return attrs
        return attrs | {"caveats": "; ".join(filter(None, [attrs.get("caveats", ""), EARLIER]))}

    def has_physics(self, site: Site) -> bool:
        """Whether a cold start can forecast a plant from capacity and weather, an area from profile and energy."""
        sized = site.yearly_energy if isinstance(site, DemandArea) else site.capacity
        own = getattr(site, "load_profile", "") is not None
        return sized is not None and own and self.physics[site.name].shape[1] > 0


def of_origins(windows: Windows, chosen: npt.NDArray[np.bool_] | slice) -> Windows:
    """Windows of some origins only."""
    return replace(
        windows,
        issue_time=windows.issue_time[chosen],
        valid_time=windows.valid_time[chosen],
        inside=windows.inside[chosen],
    )


def joint_needs(recipes: Iterable[Recipe], weather: Weather) -> Needs:
    """Needs of the features of all sites together."""
    several = [features.resolve(weather)[1] for _, features, _ in recipes]
    return Needs(
        names={
            model: tuple(dict.fromkeys(name for item in several for name in item.names[model]))
            for model in several[0].names
        },
        margin=max(item.margin for item in several),
        history=tuple(dict.fromkeys(past for item in several for past in item.history)),
    )


def runs_within_reach(
    weather: Weather, windows: Windows, *, recipes: Sequence[Recipe], places: Sequence[Site]
) -> Weather:
    """Weather runs that the origins may use; only those of an archive are validated."""
    if isinstance(weather, ValidatedWeather):
        return weather
    models = as_models(weather)
    for model, dataset in models.items():
        check_structure(dataset, sites=places, label=label_of(model))
    margin = max(joint_needs(recipes, models).margin, clock_margin(windows.frequency, places))
    return {model: select_runs(dataset, windows, margin=margin) for model, dataset in models.items()}


def build_design_matrix(
    weather: Weather,
    observations: Observations | None,
    windows: Windows,
    *,
    sites: Sequence[Site],
    recipes: Sequence[Recipe],
    neighbours: Sequence[Site] = (),
) -> DesignMatrix:
    """Features of all sites, each group of sites by its own recipe."""
    parts = [_of_recipe(weather, observations, windows, recipe, sites, neighbours) for recipe in recipes]
    return merge_sites(parts, windows, sites)


def merge_sites(parts: Sequence[DesignMatrix], windows: Windows, sites: Sequence[Site]) -> DesignMatrix:
    """One matrix of parts with the same windows and different sites."""

    def by_run(attribute: str) -> dict[tuple[str, str], Any]:
        return {key: value for part in parts for key, value in getattr(part, attribute).items()}

    def by_site(attribute: str) -> dict[str, Any]:
        found = {name: value for part in parts for name, value in getattr(part, attribute).items()}
        return {site.name: found[site.name] for site in sites}

    return DesignMatrix(
        windows=windows,
        origin=np.nonzero(windows.inside)[0],
        usable_at=by_site("usable_at"),
        weather_init_time=by_run("weather_init_time"),
        skipped=by_run("skipped"),
        from_earlier=by_run("from_earlier"),
        columns=by_site("columns"),
        physics=by_site("physics"),
        has_history=by_site("has_history"),
        newest_observation=by_site("newest_observation"),
        hub_wind=by_site("hub_wind"),
        members={name: frames for part in parts for name, frames in part.members.items()},
        refusal=next((part.refusal for part in parts if part.refusal is not None), None),
        weather_steps={model: words for part in parts for model, words in part.weather_steps.items()},
    )


def _of_recipe(
    weather: Weather,
    observations: Observations | None,
    windows: Windows,
    recipe: Recipe,
    sites: Sequence[Site],
    neighbours: Sequence[Site],
) -> DesignMatrix:
    """Rows of sites that share features and model; the other sites of their kind are their neighbours."""
    features, needs = recipe.features.resolve(weather)
    kinds = {type(site) for site in recipe.sites}
    now = gathering.take_snapshot(
        weather,
        observations,
        sites=[*(site for site in sites if type(site) in kinds), *neighbours],
        windows=windows,
        names=needs.names,
        required=needs.names,
        margin=max(needs.margin, clock_margin(windows.frequency, sites)),
        history=needs.history,
    )
    # A model that names its columns is a reference, for which physics is no substitute.
    cold = FeatureSet((ColdStartPower(),) if recipe.model.needs is None and now.margin else ())
    profiles = load_profiles_of(sites) if recipe.model.needs is None else ()
    views = {site.name: now.at(site.name) for site in recipe.sites}
    return DesignMatrix(
        windows=windows,
        columns={name: _rows(features.compute(view), windows) for name, view in views.items()},
        physics={
            name: _rows({**cold.compute(view), **profile_columns(view, profiles)}, windows)
            for name, view in views.items()
        },
        origin=np.nonzero(windows.inside)[0],
        weather_init_time={key: value for key, value in now.init_time.items() if key[1] in views},
        skipped={key: value for key, value in now.skipped.items() if key[1] in views and needs.names[key[0]]},
        from_earlier={
            key: ((older > np.timedelta64(0)) & windows.inside).sum(axis=1)
            for key, older in now.older.items()
            if key[1] in views
        },
        usable_at={name: _usable(view, needs) for name, view in views.items()},
        has_history={
            name: has_history(now, name, needed=[item.history for item in features]) for name in views
        },
        newest_observation={name: newest_observation(now, name) for name in views},
        hub_wind={name: hub_wind(view) for name, view in views.items()},
        members=_members(now, features, recipe),
        weather_steps=dict(now.converted),
    )


def _members(now: Snapshot, features: FeatureSet, recipe: Recipe) -> dict[str, tuple[pd.DataFrame, ...]]:
    """Features of each ensemble member by site and origin, for a model that pools members."""
    if not isinstance(recipe.model, PoolsMembers) or all(array.ndim < 3 for array in now.weather.values()):
        return {}
    apart = now.by_member()
    origins = len(now.windows.issue_time)
    of_origin = np.repeat(np.arange(origins), len(apart.windows.issue_time) // origins)
    row = of_origin[np.nonzero(apart.windows.inside)[0]]
    tables = {site.name: _rows(features.compute(apart.at(site.name)), apart.windows) for site in recipe.sites}
    return {name: tuple(table[row == k] for k in range(origins)) for name, table in tables.items()}


def _usable(view: Snapshot, needs: Needs) -> npt.NDArray[np.bool_]:
    """Origins for which at least one weather model has all that is needed at a site."""
    usable = np.full(len(view.windows.issue_time), not any(needs.names.values()))
    for model, names in needs.names.items():
        prefix = f"{model}:" if model else ""
        arrays = [view.members(prefix + name) for name in names]
        whole = [np.isfinite(array).all(axis=2) | ~view.windows.inside for array in arrays]
        usable |= np.logical_and.reduce(whole).all(axis=1) if whole else False
    return usable


def _rows(values: Mapping[str, Array], windows: Windows) -> pd.DataFrame:
    """Columns with a row for each cell inside the windows."""
    rows = [array[windows.inside] for array in values.values()]
    count = int(windows.inside.sum())
    whole = np.stack(rows, axis=1) if rows else np.empty((count, 0), dtype=np.float32)
    return pd.DataFrame(whole, columns=pd.Index(list(values)), copy=False)
