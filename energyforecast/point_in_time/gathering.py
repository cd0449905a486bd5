"""Gathering of the weather and history that were known at each issue time into one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, variables
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea, Site
from energyforecast.core.weather_schema import Weather, as_models
from energyforecast.errors import MissingDataError
from energyforecast.point_in_time.capacity import CapacityInService, capacity_in_service
from energyforecast.point_in_time.history import Past, begun, history_as_of
from energyforecast.point_in_time.margins import extend
from energyforecast.point_in_time.planned import PlanAtIssue, check_plan
from energyforecast.point_in_time.snapshot import Snapshot
from energyforecast.point_in_time.weather_access import Gathered, as_double, weather_as_of
from energyforecast.weather.processing.temporal import Steps, cell_methods_at_steps, integral_of

__all__ = ["take_snapshot"]

Array = npt.NDArray[Any]


def take_snapshot(
    weather: Weather,
    observations: Observations | None,
    *,
    sites: Sequence[Site],
    windows: Windows,
    names: Mapping[str, Sequence[str]],
    required: Mapping[str, Sequence[str]],
    margin: pd.Timedelta = pd.Timedelta(0),
    history: Iterable[Past] = (),
) -> Snapshot:
    """Gather the data known at each issue time, with the weather at the steps of the windows.

    Parameters
    ----------
    weather : Dataset or mapping of Dataset
        One weather model, or several by name.
    observations : Observations, optional
        Needed if a lag is asked for.
    sites : sequence of Site
    windows : Windows
    names, required : mapping of sequence of str
        Variables to gather, and those that make a run complete, by weather model (without prefix).
    margin : Timedelta
        How far before and after the windows features look.
    history : iterable of Past
        Lagged observations; where the capacity in service was known, as with the rated one.

    Returns
    -------
    Snapshot
        Seen from the first site.

    Raises
    ------
    MissingDataError
        If a lag is asked for without observations.

    Examples
    --------
    >>> from energyforecast.core.tasks import day_ahead
    >>> from energyforecast.testing import example_weather
    >>> farm = Site(name="farm", latitude=43.64, longitude=78.54)
    >>> task = day_ahead("18:00", timezone="UTC")
    >>> speed = {"": ["wind_speed_100m"]}
    >>> windows = task.windows(task.issue_times("2024-01-02", "2024-01-02"))
    >>> now = take_snapshot(example_weather(), None, sites=[farm], windows=windows, names=speed, required=speed)
    >>> now["wind_speed_100m"].shape, now.weather_age().tolist()  # the run of 12 UTC arrived at 18 UTC
    ((1, 24), [6.0])
    """
    # Margins count an hour for the end of the interval.
    steps = int(np.ceil(margin / windows.frequency)) + (windows.frequency > pd.Timedelta("1h"))
    models = as_models(weather)
    gathered = _gathered(models, sites, windows, extend(windows, steps), names, required)
    values = {
        (f"{model}:{name}" if model else name, site): array
        for (model, site), one in gathered.items()
        for name, array in one.values.items()
    }
    past = _histories(observations, sites, windows, tuple(dict.fromkeys(history)))
    hindcasts = _hindcasts(models, windows, past, names, {site.name: site for site in sites})
    pairs = (one for pair in past.values() for one in pair)
    for array in (*values.values(), *pairs, *hindcasts.values(), windows.valid_time):
        # A feature that computes in place must not change what the next one sees.
        array.flags.writeable = False
    return Snapshot(
        site=sites[0],
        sites=tuple(sites),
        windows=windows,
        margin=steps,
        weather=values,
        cell_methods={
            f"{model}:{name}" if model else name: _cell_methods(models[model][name], name, one)
            for (model, _), one in gathered.items()
            for name in names[model]
        },
        init_time={key: one.init_time for key, one in gathered.items()},
        skipped={key: one.skipped for key, one in gathered.items()},
        history=past,
        older={
            key: one.older[:, steps : steps + windows.valid_time.shape[1]]
            for key, one in gathered.items()
            if one.older is not None
        },
        converted={
            model: one.converted.words for (model, _), one in gathered.items() if one.converted is not None
        },
        hindcasts=hindcasts,
        plans=_plans(observations, windows, sites),
    )


def _gathered(
    models: Mapping[str, xr.Dataset],
    sites: Sequence[Site],
    windows: Windows,
    extended: Windows,
    names: Mapping[str, Sequence[str]],
    required: Mapping[str, Sequence[str]],
) -> dict[tuple[str, str], Gathered]:
    """Weather by model and site, at the steps of the windows and of their margins."""
    begins = windows.valid_time[:, 0] if windows.valid_time.size else windows.issue_time[:0]
    return {
        (model, site.name): weather_as_of(
            dataset,
            site=site.name,
            issue_time=windows.issue_time,
            valid_time=extended.valid_time,
            inside=extended.inside,
            names=names[model],
            required=required[model],
            steps=Steps.of_windows(site, begins, windows.frequency),
        )
        for model, dataset in models.items()
        for site in sites
    }


def _cell_methods(values: xr.DataArray, name: str, gathered: Gathered) -> str:
    """Cell method of a gathered variable."""
    given = values.attrs.get("cell_methods")
    native = str(given) if given is not None else variables.lookup(name).cell_methods
    return cell_methods_at_steps(name, native, gathered.converted)


def _histories(
    observations: Observations | None,
    sites: Sequence[Site],
    windows: Windows,
    history: Sequence[Past],
) -> dict[tuple[Past, str], tuple[Array, Array]]:
    """Lagged observations by request and site."""
    required = [past for past in history if not past.optional]
    if required and observations is None:
        raise MissingDataError(
            f"Features ask for lagged observations ({required[0].lag}), and there are none.",
            "Observations must be given to predict as to fit.",
            "Pass them: forecaster.predict(weather, observations, issue_time=...), or remove the lag features.",
        )
    unknown = np.full(windows.valid_time.shape, np.nan)
    found = {(past, site.name): (unknown, unknown) for past in history if past.optional for site in sites}
    if observations is None or not history:
        return found
    capacity = capacity_in_service(observations, sites=sites, step=windows.frequency)
    measured = [site for site in sites if site.name in observations.sites]
    void = {site.name: _void_since(observations, site, capacity) for site in measured}
    for past in history:
        for site in measured:
            read = partial(
                history_as_of,
                observations,
                site=site.name,
                issue_time=windows.issue_time,
                step=past.step,
                clock=site.timezone if isinstance(site, DemandArea) else None,
                void_since=void[site.name],
            )
            requested = windows.valid_time
            if past.newest:
                # By single intervals: the newest one of any hour.
                newest = partial(read, step=None)(requested_time=requested[:, :1])
                requested = _begun(newest[1], windows)
            values, age = read(requested_time=requested, lag=past.lag)
            values = _at_rated(values, age, site, windows, capacity)
            repeats = windows.valid_time.shape[1] if past.newest else 1
            found[past, site.name] = np.repeat(values, repeats, axis=1), np.repeat(age, repeats, axis=1)
    return found


def _begun(age: Array, windows: Windows) -> Array:
    """Beginnings of observations of some age; of the window where there is none."""
    return np.where(np.isfinite(age), begun(age, windows.issue_time), windows.valid_time[:, :1])


def _hindcasts(
    models: Mapping[str, xr.Dataset],
    windows: Windows,
    history: Mapping[tuple[Past, str], tuple[Array, Array]],
    names: Mapping[str, Sequence[str]],
    place: Mapping[str, Site],
) -> dict[tuple[Past, str, str], Array]:
    """Forecast means over the intervals of observations, from the newest runs that hold them."""
    width = windows.frequency.to_timedelta64()
    found: dict[tuple[Past, str, str], Array] = {}
    for (past, site), (_, age) in history.items():
        begun = _begun(age[:, :1], windows)
        for model, dataset in models.items():
            wanted = variables.match(names[model], past.weather)
            if not wanted:
                continue
            ends = Windows(
                issue_time=windows.issue_time,
                valid_time=np.concatenate([begun, begun + width], axis=1),
                inside=np.ones((len(begun), 2), dtype=bool),
                frequency=windows.frequency,
            )
            one = _gathered({model: dataset}, [place[site]], ends, ends, {model: wanted}, {model: wanted})
            for name, mean in _interval_means(one[model, site], dataset).items():
                mean[~np.isfinite(age[:, 0])] = np.nan
                found[past, f"{model}:{name}" if model else name, site] = mean
    return found


def _plans(
    observations: Observations | None, windows: Windows, sites: Sequence[Site]
) -> dict[str, PlanAtIssue]:
    """Planned operation of each site that has some, as known at each issue."""
    plan = None if observations is None else observations.planned
    if observations is None or plan is None:
        return {}
    check_plan(plan, {*observations.sites, *(site.name for site in sites)})
    return {
        site.name: PlanAtIssue(plan, site.name, windows.issue_time, windows.frequency)
        for site in sites
        if site.name in plan.sites
    }


def _interval_means(gathered: Gathered, dataset: xr.Dataset) -> dict[str, Array]:
    """Means over intervals of which both ends were gathered, and over members; shape (origins,)."""
    means = {}
    for name, array in gathered.values.items():
        if name not in dataset:
            continue
        whole = gathered.values.get(integral_of(name), array)
        point = whole is array and _cell_methods(dataset[name], name, gathered) != variables.MEAN
        values = as_double(whole)
        values = 0.5 * (values[:, 0] + values[:, 1]) if point else values[:, 0]
        means[name] = np.asarray(values.mean(axis=1)) if values.ndim == 2 else values
    return means


def _void_since(
    observations: Observations, site: Site, capacity: CapacityInService | None
) -> npt.NDArray[np.int64] | None:
    """Moment from which each value is known to show a shut plant or an order."""
    if capacity is None:
        return None
    return capacity.void_since(
        site, timestamps.to_ns(observations.index), observations.values[site.name].to_numpy()
    )


def _at_rated(
    values: Array, age: Array, site: Site, windows: Windows, capacity: CapacityInService | None
) -> Array:
    """Lagged power as with the rated capacity in service, as known at each issue."""
    if capacity is None:
        return values
    issued = windows.issue_time[:, None]
    # Ages are hours: in whole seconds, so that no rounding moves the interval.
    seconds = np.round(np.nan_to_num(age) * 3600).astype("timedelta64[s]")
    return capacity.to_rated(site, values, issued - seconds.astype("timedelta64[ns]"), issued)
