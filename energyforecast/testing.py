"""Contract checks that users run on their own parts, and small examples for documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy import stats

from energyforecast import asof, checks, storage, times
from energyforecast.asof import Past, Snapshot, Weather, as_models
from energyforecast.errors import LeakageError, SchemaError, TimeError
from energyforecast.evaluation import Result
from energyforecast.features import Feature, FeatureSet
from energyforecast.features.reach import archives_within_reach
from energyforecast.forecast import Forecast
from energyforecast.forecaster import Forecaster, Table
from energyforecast.models import Climatology
from energyforecast.models.contract import check_model
from energyforecast.observations import Observations
from energyforecast.sites import Kind, Site, Sites, WindFarm, as_sites
from energyforecast.tasks import Task, Windows, day_ahead
from energyforecast.weather.contract import check_source
from energyforecast.weather.source import Label, PublicationDelay, RunSource, finished

__all__ = [
    "check_feature",
    "check_model",
    "check_no_leakage",
    "check_source",
    "example_days",
    "example_forecast",
    "example_forecaster",
    "example_observations",
    "example_result",
    "example_snapshot",
    "example_source",
    "example_weather",
    "poison_observations",
    "poison_weather",
]


def check_no_leakage(
    forecaster: Forecaster,
    weather: Weather,
    observations: Observations,
    *,
    issue_time: Any,
    origins: int = 4,
    seed: int = 0,
) -> None:
    """Destroy everything that was not known, and see that nothing changes.

    At the issue time, all weather that had not arrived and all observations that were not published are
    replaced by noise. The features of that origin, the model fitted as of that time and its forecast
    must stay the same to the bit. The features of some earlier origins are put to the same test, each
    with its own moment, since a leak into training rows shows only there.

    An archive that a feature brings along can't be destroyed, so it is looked for in its code: measurements or
    weather with times of their own, in a variable around the function, a default or a field. What a feature
    reads from a file is not found. Nor are times that are wrong themselves: a run that is said to have been
    available at its initialisation, or power that is said to be published at once.

    Parameters
    ----------
    forecaster : Forecaster
        Its features, model and task are tested; it is not changed.
    weather : Dataset or mapping of Dataset
        Long enough to fit, with runs after the issue time. With ``perfect_weather=True`` an analysis
        is left as it is; the test then covers observations and outcomes.
    observations : Observations
        Reaching beyond the issue time.
    issue_time : str or moment
        When the tested forecast is issued.
    origins : int
        Number of earlier origins.
    seed : int
        Of the noise.

    Raises
    ------
    LeakageError
        Naming what changed: a column, the fitted model or the forecast; or the archive that a feature holds.

    Examples
    --------
    >>> import energyforecast as ef
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris")
    >>> forecaster = ef.Forecaster(site, task, model=ef.Persistence(), perfect_weather=True)
    >>> check_no_leakage(forecaster, weather, power, issue_time="2014-06-10 09:00")
    """
    for features in forecaster.features_of.values():
        for feature in features:
            _brings_no_archive(feature)
    moment = times.instant(issue_time, timezone=forecaster.task.timezone)
    earlier = forecaster.training_origins(weather, observations, as_of=moment)
    chosen = _telling(earlier, weather, origins)
    everything = forecaster.tabulate(
        weather, observations, np.append(times.to_ns(chosen), times.to_ns([moment]))
    )
    for k, origin in enumerate([*chosen, moment]):
        spoilt = (
            poison_weather(weather, origin, seed=seed),
            poison_observations(observations, origin, seed=seed),
        )
        alone = forecaster.tabulate(*spoilt, [origin])
        _same_features(everything, alone, k, origin)
    honest = forecaster.unfitted().fit(weather, observations, as_of=moment, missing="drop")
    spoilt = poison_weather(weather, moment, seed=seed), poison_observations(observations, moment, seed=seed)
    fooled = forecaster.unfitted().fit(*spoilt, as_of=moment, missing="drop")
    if storage.parts(honest) != storage.parts(fooled):
        raise LeakageError(
            f"The model fitted as of {moment} changes when data that was not known then is destroyed.",
            "A fit uses outcomes that were published, and weather that had arrived, by its time.",
            "Look for an outcome taken by issue time, or a feature that reaches past the snapshot.",
        )
    before = honest.predict(weather, observations, issue_time=moment, strict=False)
    after = fooled.predict(*spoilt, issue_time=moment, strict=False)
    if not np.array_equal(before.data.values, after.data.values, equal_nan=True):
        raise LeakageError(
            f"The forecast issued at {moment} changes when data that was not known then is destroyed.",
            "A forecast uses what was known when it was issued.",
            "Look for a feature that reaches past the snapshot.",
        )


def _telling(earlier: pd.DatetimeIndex, weather: Weather, count: int) -> pd.DatetimeIndex:
    """Origins spread over time; half of them, where there are such, while a run was still to come."""
    issued = times.to_ns(earlier)
    awaited = np.zeros(len(issued), dtype=bool)
    for dataset in as_models(weather).values():
        if not checks.is_analysis(dataset):
            arrived = times.to_ns(dataset["available_time"].values)
            last = arrived if arrived.ndim == 1 else arrived.max(axis=1)
            newest = np.searchsorted(times.to_ns(dataset["init_time"].values), issued, side="right") - 1
            awaited |= (newest >= 0) & ~(last[newest] <= issued)
    some = _spread(np.flatnonzero(awaited), count // 2)
    return earlier[np.union1d(some, _spread(np.arange(len(issued)), count - len(some)))]


def _spread(places: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    if not len(places) or count < 1:
        return places[:0]
    return np.asarray(places[np.linspace(0, len(places) - 1, min(count, len(places))).astype(int)])


def check_feature(
    feature: Feature,
    weather: Weather,
    observations: Observations | None = None,
    *,
    sites: Site | Sequence[Site],
    task: Task,
    origins: int = 6,
    seed: int = 0,
) -> None:
    """See that a feature keeps its contract, on real or made-up data.

    It declares what it uses; gives arrays of numbers, finite or NaN, under the same names each time; is
    the same when computed twice, for one origin alone, and after everything not known at the origin was
    destroyed; and leaves the snapshot as it was.

    Parameters
    ----------
    feature : Feature
    weather : Dataset or mapping of Dataset
        Long enough for some issue times.
    observations : Observations, optional
        Needed if the feature uses lags.
    sites : Site or sequence of Site
    task : Task
    origins : int
        Number of issue times that are tried.
    seed : int
        Of the noise that destroys what was not known.

    Raises
    ------
    SchemaError
        If something is used that was not declared, or a column has a wrong shape, an infinite value or a
        name that changes, or the feature writes into the snapshot.
    LeakageError
        If the columns of an origin depend on other origins, on what was not known, or on chance, or the feature
        holds measurements or weather with times of their own.
    TimeError
        If no issue time lies in the weather.

    Examples
    --------
    >>> import energyforecast as ef
    >>> site, weather, power = ef.datasets.la_haute_borne()
    >>> task = ef.day_ahead("09:00", timezone="Europe/Paris")
    >>> check_feature(ef.recipe(site).features[0], weather, sites=site, task=task)
    """
    _brings_no_archive(feature)
    places = as_sites(sites)
    issued = _some_issues(weather, task, origins)
    together = _computed(feature, weather, observations, places, task.windows(issued))
    again = _computed(feature, weather, observations, places, task.windows(issued))
    _same_columns(feature, together, again, "when it is computed twice", "on nothing but the snapshot")
    for k, moment in enumerate(issued):
        expected = {key: values[k : k + 1] for key, values in together.items()}
        windows = task.windows(issued[k : k + 1])
        alone = _computed(feature, weather, observations, places, windows)
        _same_columns(feature, expected, alone, "when the origin is computed alone", "on its own origin only")
        past = None if observations is None else poison_observations(observations, moment, seed=seed)
        honest = _computed(feature, poison_weather(weather, moment, seed=seed), past, places, windows)
        _same_columns(
            feature, expected, honest, "when what was not known is destroyed", "on what was known at issue"
        )


def _brings_no_archive(feature: Feature) -> None:
    for name, kind in archives_within_reach(feature).items():
        raise LeakageError(
            f"The feature {feature.name!r} holds {name!r} ({kind}), data with times of its own, beside its snapshot.",
            "A feature sees what was known at the issue time; nothing keeps it from looking further in what it holds, "
            "and no test can destroy that.",
            "Declare it as weather or history and take it from the snapshot; a calendar that was known long "
            "before can be a tuple of dates.",
        )


def _some_issues(weather: Weather, task: Task, count: int) -> pd.DatetimeIndex:
    """Issue times spread over the second half of the weather, where lags find something."""
    axes = [
        times.to_index((data["time"] if checks.is_analysis(data) else data["init_time"]).values)
        for data in asof.as_models(weather).values()
    ]
    start, end = max(axis[0] for axis in axes), min(axis[-1] for axis in axes)
    issued = task.issue_times(start + (end - start) / 2, end) if start < end else pd.DatetimeIndex([])
    if not len(issued):
        raise TimeError(
            f"No issue time of the task lies in the second half of the weather, {start} to {end}.",
            "A feature is tried at some issue times.",
            "Give more weather, or a task that is issued more often.",
        )
    return issued[np.unique(np.linspace(0, len(issued) - 1, count).astype(int))]


def _computed(
    feature: Feature,
    weather: Weather,
    observations: Observations | None,
    sites: Sequence[Site],
    windows: Windows,
) -> dict[tuple[str, str], npt.NDArray[Any]]:
    """Columns by site and name, shape (origins, steps), from a snapshot of what the feature declares."""
    features, needs = FeatureSet((feature,)).resolve(weather)
    now = asof.take_snapshot(
        weather,
        observations,
        sites=sites,
        windows=windows,
        names=needs.names,
        required=needs.names,
        margin=needs.margin,
        history=needs.history,
    )
    columns = {}
    for site in sites:
        for name, values in _of_site(feature, features, now.at(site.name)).items():
            if np.isinf(values[windows.inside]).any():
                raise SchemaError(
                    f"The feature {feature.name!r} gives the column {name!r} at site {site.name!r} with infinite "
                    "values.",
                    "Values are finite, or NaN where they are not known.",
                    "Guard the division, or the logarithm.",
                )
            columns[(site.name, name)] = np.where(windows.inside, values, np.nan)
    return columns


def _of_site(feature: Feature, features: FeatureSet, now: Snapshot) -> dict[str, npt.NDArray[Any]]:
    try:
        return features.compute(now)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise SchemaError(
            f"The feature {feature.name!r} writes into the snapshot: {error}.",
            "What a feature is given stays as it is for the next one.",
            "Compute with a copy: values.copy().",
        ) from error


def _same_columns(
    feature: Feature,
    expected: dict[tuple[str, str], npt.NDArray[Any]],
    found: dict[tuple[str, str], npt.NDArray[Any]],
    when: str,
    rests: str,
) -> None:
    if list(expected) != list(found):
        other = next(iter(set(expected) ^ set(found)), next(iter(expected)))
        raise SchemaError(
            f"The feature {feature.name!r} gives other columns {when}, e.g. {other[1]!r} at site {other[0]!r}.",
            "Names are the same, in the same order, for any origins.",
            "Let names depend on the weather's variables only, not on values.",
        )
    for (site, name), values in expected.items():
        got = found[(site, name)]
        # Steps are the union over origins: alone, a short day has fewer.
        width = min(values.shape[1], got.shape[1])
        if not np.array_equal(values[:, :width], got[:, :width], equal_nan=True):
            raise LeakageError(
                f"The feature {feature.name!r} gives another column {name!r} at site {site!r} {when}.",
                f"A column rests {rests}.",
                "Compute each origin from its own row of the snapshot, without means over origins, archives or chance.",
            )


def _same_features(everything: Table, alone: Table, k: int, origin: pd.Timestamp) -> None:
    rows = everything.origin == k
    for site, frame in everything.columns.items():
        expected = frame[rows].to_numpy()
        found = alone.columns[site].to_numpy()
        same = (
            (expected == found) | (np.isnan(expected) & np.isnan(found))
            if expected.shape == found.shape
            else None
        )
        if same is None or not same.all():
            column = (
                "the rows" if same is None else repr(frame.columns[int(np.flatnonzero(~same.all(axis=0))[0])])
            )
            raise LeakageError(
                f"At site {site!r}, {column} of the origin {origin} changes when data not known then is destroyed.",
                "A feature uses weather that had arrived and observations that were published by the issue time.",
                "Compute it from the snapshot alone, and check available_time and published_after.",
            )


def poison_weather(weather: Weather, moment: pd.Timestamp, *, seed: int = 0) -> Weather:
    """Weather in which all that had not arrived at a moment is noise; analyses are left as they are.

    Parameters
    ----------
    weather : Dataset or mapping of Dataset
    moment : Timestamp
    seed : int

    Examples
    --------
    >>> weather = example_weather()
    >>> spoilt = poison_weather(weather, times.instant("2024-01-01 09:00"))
    >>> changed = (spoilt != weather)["wind_speed_100m"].any(["site", "lead_time"])
    >>> changed.values.tolist()  # the second run arrived at 18:00
    [False, True]
    """
    if isinstance(weather, xr.Dataset):
        return _poisoned(weather, moment, np.random.default_rng(seed))
    return {name: _poisoned(data, moment, np.random.default_rng(seed)) for name, data in weather.items()}


def _poisoned(weather: xr.Dataset, moment: pd.Timestamp, noise: np.random.Generator) -> xr.Dataset:
    if checks.is_analysis(weather):
        return weather
    arrived = weather["available_time"]
    unknown = (arrived > times.to_ns([moment])[0]) | arrived.isnull()
    spoilt = weather.copy()
    for name, values in weather.data_vars.items():
        # Drawn from what the archive holds, so that the noise is not refused as impossible or another unit.
        whole = values.values[np.isfinite(values.values)]
        junk = noise.choice(whole, size=values.shape) if whole.size else values.values
        if name == "ghi":  # dimmed where the sun is: light in the night would be refused as a wrong clock
            junk = values.values * noise.uniform(size=values.shape)
        mask = unknown.broadcast_like(values).transpose(*values.dims)
        spoilt[name] = values.where(~mask, junk).astype(values.dtype).assign_attrs(values.attrs)
    return spoilt


def poison_observations(observations: Observations, moment: pd.Timestamp, *, seed: int = 0) -> Observations:
    """Observations in which all that was not published at a moment is noise.

    Parameters
    ----------
    observations : Observations
    moment : Timestamp
    seed : int

    Examples
    --------
    >>> power = example_observations()
    >>> spoilt = poison_observations(power, power.index[-1])
    >>> int((spoilt.values != power.values).to_numpy().sum())
    2
    """
    unknown = ~(observations.published <= times.to_ns([moment])[0])
    values = observations.values.to_numpy()
    largest = np.nan_to_num(observations.values.abs().where(~observations.unfit).max().to_numpy())
    junk = np.random.default_rng(seed).uniform(0, 1, size=values.shape) * largest
    frame = pd.DataFrame(
        np.where(unknown, junk, values), index=observations.index, columns=observations.values.columns
    )
    if observations.flags is None:
        return replace(observations, values=frame)
    clean = observations.flags.where(~unknown, 0)
    return replace(observations, values=frame, flags=clean)


# -- small examples ----------------------------------------------------------------------------


def _example_site() -> WindFarm:
    return WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60, hub_height=90)


#: What lagged observations an example snapshot holds.
_PASTS: Final = (Past(times.duration("0h")), Past(times.duration("24h")))
_HOUR: Final = np.timedelta64(3_600_000_000_000, "ns")


def _runs(
    values: Mapping[str, npt.NDArray[Any]], init: times.Times, lead: npt.NDArray[Any], sites: Sequence[str]
) -> xr.Dataset:
    """Runs that arrive 6 h after their initialisation."""
    dims = ("site", "init_time", "lead_time", "member")
    return xr.Dataset(
        {name: (dims[: array.ndim], array.astype(np.float32)) for name, array in values.items()},
        coords={
            "site": list(sites),
            "init_time": init,
            "lead_time": lead,
            "available_time": ("init_time", init + 6 * _HOUR),
        },
    )


def _power(sites: Sequence[str], start: pd.Timestamp, days: int) -> Observations:
    index = pd.date_range(start, periods=24 * days, freq="1h")
    daily = 11.0 + 0.5 * np.asarray(index.hour)
    return Observations(pd.DataFrame(dict.fromkeys(sites, daily), index=index), published_after="1h")


def example_weather() -> xr.Dataset:
    """Two runs for the farm, of 0 and 12 UTC: 8 m/s in the first, 10 m/s in the second; each arrives after 6 h.

    Examples
    --------
    >>> example_weather()["wind_speed_100m"].sel(site="farm").isel(lead_time=slice(3)).values.tolist()
    [[8.0, 8.0, 8.0], [10.0, 10.0, 10.0]]
    """
    init = np.array(["2024-01-01T00", "2024-01-01T12"], dtype="datetime64[ns]")
    lead = np.arange(49) * _HOUR
    speed = np.array([8.0, 10.0])[None, :, None] + np.zeros((1, 2, len(lead)))
    return checks.check_weather(_runs({"wind_speed_100m": speed}, init, lead, ["farm"]))


class _Calm(RunSource):
    """Runs of 0 and 12 UTC that come after 4 h; the wind blows with 2 m/s."""

    name, attribution = "calm", "none"
    variables, labels = ("wind_speed_100m",), {"wind_speed_100m": Label.INSTANT}
    delay, cycle = PublicationDelay(base="4h"), pd.Timedelta("12h")

    def leads(self, init_time: pd.Timestamp) -> npt.NDArray[np.timedelta64]:  # noqa: ARG002
        return np.arange(49) * _HOUR

    def get_run(self, sites: Sequence[Site], init_time: pd.Timestamp) -> xr.Dataset:
        speed = np.full((len(sites), 1, 49), 2.0)
        names = [site.name for site in sites]
        weather = _runs({"wind_speed_100m": speed}, times.to_ns([init_time]), self.leads(init_time), names)
        known = self.delay.available_time(weather["init_time"].values)
        return finished(weather.assign_coords(available_time=("init_time", known)), source=self, sites=sites)


def example_source() -> RunSource:
    """A source of forecasts that needs no network: the wind always blows with 2 m/s.

    Examples
    --------
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> run = example_source().get_run([farm], times.instant("2024-06-01"))
    >>> dict(run.sizes), float(run["wind_speed_100m"].max())
    ({'site': 1, 'init_time': 1, 'lead_time': 49}, 2.0)
    """
    return _Calm()


def example_snapshot(
    weather: Mapping[str, float | Sequence[float]] | None = None,
    *,
    rising: float = 0.0,
    sites: Sites | None = None,
    start: Any = "2024-01-02 00:00",
    hours: int = 3,
    history: Sequence[Past] = _PASTS,
) -> Snapshot:
    """What was known 15 h before a few hours, for examples and tests of features.

    Parameters
    ----------
    weather : mapping of float, optional
        Value of each variable at the first hour, several for the members of an ensemble; a wind speed
        of 8 m/s by default. The run is initialised 24 h before that hour and arrives 6 h later; it
        holds 4 h more on each side.
    rising : float
        What is added to every variable with each hour.
    sites : Site or sequence of Site, optional
        The farm of :func:`example_observations` by default, with the clock of Almaty (UTC+6 in that
        winter). Every site has the power of that farm.
    start : str or moment
        First hour, in UTC.
    hours : int
    history : sequence of Past
        Lagged observations that the snapshot holds.

    Examples
    --------
    >>> now = example_snapshot({"wind_speed_100m": 8.0}, rising=0.5)
    >>> now["wind_speed_100m"].tolist()
    [[8.0, 8.5, 9.0]]
    >>> now.lag("24h").tolist()
    [[11.0, 11.5, 12.0]]
    """
    places = as_sites(replace(_example_site(), timezone="Asia/Almaty") if sites is None else sites)
    names = [site.name for site in places]
    first = times.instant(start)
    begin = times.to_ns([first])
    around = np.arange(-4, hours + 4)
    given = {"wind_speed_100m": 8.0} if weather is None else weather
    values = {}
    for name, value in given.items():
        members = rising * around.reshape(-1, *[1] * np.ndim(value)) + np.asarray(value)
        values[name] = np.repeat(members[None, None], len(names), axis=0)
    wanted = {"": tuple(values)}
    return asof.take_snapshot(
        checks.check_weather(_runs(values, begin - 24 * _HOUR, (24 + around) * _HOUR, names)),
        _power(names, first.floor("D") - pd.Timedelta("10D"), 12),
        sites=places,
        windows=Windows(
            issue_time=begin - 15 * _HOUR,
            valid_time=begin[:, None] + np.arange(hours) * _HOUR,
            inside=np.ones((1, hours), dtype=bool),
            frequency=times.duration("1h"),
        ),
        names=wanted,
        required=wanted,
        margin=times.duration("4h"),
        history=history,
    )


def example_observations(days: int = 2) -> Observations:
    """Hourly power of a farm, rising and falling by day. [MW]

    Examples
    --------
    >>> example_observations().values["farm"].iloc[24:27].tolist()
    [11.0, 11.5, 12.0]
    """
    return _power(["farm"], times.instant("2024-01-01"), days)


def example_forecast() -> Forecast:
    """One day of three quantiles for the farm of :func:`example_observations`, 1 MW too low.

    Examples
    --------
    >>> example_forecast().quantiles
    (0.1, 0.5, 0.9)
    """
    return _low_forecast(1.0, "example")


def example_days(
    *,
    days: int,
    sites: Sequence[str] = ("a", "b"),
    range_hours: float = 6.0,
    between: float = 0.5,
    seed: int = 0,
    kind: Kind = "site",
) -> tuple[Forecast, Observations]:
    """Day-ahead forecasts and outcomes whose errors have a known correlation.

    Each hour at each site is normal with a mean of 50 MW and a deviation of 10 MW, and forecast so; the
    correlation is exp(-lag / range) between hours, times `between` between different sites.

    Parameters
    ----------
    days : int
    sites : sequence of str
    range_hours : float
        [h]
    between : float
    seed : int
    kind : str
        Of all sites.

    Examples
    --------
    >>> forecast, observations = example_days(days=3)
    >>> forecast
    Forecast of a, b: 3 issues, 72 hours from 2024-01-02 00:00 UTC, 99 quantiles from 0.01 to 0.99 [MW]
    >>> observations
    Observations of a, b: 72 x 1h from 2024-01-02 00:00 UTC, 0 missing, 0 flagged, published after 1h
    """
    task = day_ahead("09:00", timezone="UTC")
    windows = task.windows(
        task.issue_times("2024-01-02", times.instant("2024-01-02") + pd.Timedelta(days, "D"))
    )
    lag = np.abs(np.subtract.outer(np.arange(24), np.arange(24)))
    apart = np.where(np.eye(len(sites), dtype=bool), 1.0, between)
    root = np.linalg.cholesky(np.kron(apart, np.exp(-lag / range_hours)))
    noise = np.random.default_rng(seed).standard_normal((len(windows.issue_time), len(root))) @ root.T
    outcomes = 50.0 + 10.0 * noise.reshape(-1, len(sites), 24).transpose(0, 2, 1).reshape(-1, len(sites))
    hours = times.to_index(windows.valid_time[windows.inside])
    curve = 50.0 + 10.0 * stats.norm.ppf(task.quantiles)
    forecast = Forecast.from_rows(
        {name: np.tile(curve, (len(hours), 1)) for name in sites},
        windows=windows,
        levels=task.quantiles,
        capacity=dict.fromkeys(sites),
        kind=dict.fromkeys(sites, kind),
        fallback_level={name: np.zeros(len(windows.issue_time), dtype=int) for name in sites},
        weather_init_time=dict.fromkeys(sites, windows.issue_time),
        attrs={"model": "known", "perfect_weather": 0, "timezone": "UTC"},
    )
    return forecast, Observations(pd.DataFrame(outcomes, hours, list(sites)), published_after="1h")


def example_result() -> Result:
    """Two forecasts of the same day: ``"model"`` is 1 MW too low, ``"reference"`` 2 MW.

    Examples
    --------
    >>> example_result()
    Result of model, reference: 1 issues, 0 fits
    """
    return Result(
        forecasts={"model": _low_forecast(1.0, "model"), "reference": _low_forecast(2.0, "reference")},
        observations=example_observations(),
        folds=pd.DataFrame(),
        provenance={"references": ["reference"]},
    )


def _low_forecast(by: float, model: str) -> Forecast:
    task = day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    windows = task.windows(task.issue_times("2024-01-02", "2024-01-02"))
    median: npt.NDArray[Any] = 11.0 - by + 0.5 * np.arange(24)
    return Forecast.from_rows(
        {"farm": np.column_stack([median - 4, median, median + 4])},
        windows=windows,
        levels=task.quantiles,
        capacity={"farm": 60.0},
        kind={"farm": "wind"},
        fallback_level={"farm": np.zeros(1, dtype=int)},
        weather_init_time={"farm": windows.issue_time - np.timedelta64(9, "h")},
        attrs={"model": model, "perfect_weather": 0, "timezone": "UTC"},
    )


def example_forecaster() -> Forecaster:
    """A fitted climatology of the farm of :func:`example_observations`.

    Examples
    --------
    >>> example_forecaster()
    Forecaster(farm, Climatology, fitted on 29 origins)
    """
    observations = example_observations(days=30)
    init = times.to_ns(observations.index[::24])
    speed = np.full((1, len(init), 73), 8.0)
    weather = _runs({"wind_speed_100m": speed}, init, np.arange(73) * _HOUR, ["farm"])
    task = day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    return Forecaster(_example_site(), task, model=Climatology()).fit(weather, observations)
