"""Point-in-time access: weather and lagged observations as they were known at an issue time.

* :func:`weather_as_of`: the newest weather run that had arrived and is complete, one coherent run.
* :func:`history_as_of`: an observation if it was published by then, else the next older one that was.

Outcomes, as of the time of a fit, are looked up by :meth:`energyforecast.Observations.value_at`.
:func:`take_snapshot` walks through both functions for whole tables of origins at once, by array
gathers, and hands features a :class:`Snapshot` of copies: no archive can be reached from it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast import checks, times, variables
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.observations import Observations
from energyforecast.physics import SolarPosition, solar_position
from energyforecast.sites import Site
from energyforecast.tasks import Windows

__all__ = [
    "Gathered",
    "Past",
    "Snapshot",
    "Weather",
    "as_models",
    "history_as_of",
    "match",
    "take_snapshot",
    "weather_as_of",
    "why_missing",
]

#: One weather model, or several by name.
Weather = xr.Dataset | Mapping[str, xr.Dataset]
Array = npt.NDArray[Any]

_NEVER: Final = np.iinfo(np.int64).max
_NAT: Final = np.datetime64("NaT", "ns")


@dataclass(frozen=True)
class Past:
    """A lagged observation that a feature wants.

    Parameters
    ----------
    lag : Timedelta
        Wanted is the value at ``valid_time - lag``.
    step : Timedelta, optional
        If that is not published, go back by whole steps (``24h`` keeps the hour of the day); by
        default to the newest published value before it.

    Examples
    --------
    >>> Past(times.duration("24h"))  # yesterday's value at the same hour
    Past(lag=Timedelta('1 days 00:00:00'), step=None)
    """

    lag: pd.Timedelta
    step: pd.Timedelta | None = None


@dataclass(frozen=True)
class Gathered:
    """What one weather model knew, for one site.

    Parameters
    ----------
    values : dict of array, shape (origins, steps[, members])
    init_time : array, shape (origins,)
        Run used; NaT where there is none, and for analyses.
    skipped : array of bool, shape (origins,)
        Whether a newer run had arrived but was incomplete.

    Examples
    --------
    >>> got = Gathered(
    ...     values={"temp_air": np.array([[3.0, 2.5]])},
    ...     init_time=np.array(["2024-01-01T06"], dtype="datetime64[ns]"),
    ...     skipped=np.array([True]),  # the run of 12 UTC had a hole
    ... )
    >>> got.values["temp_air"].shape
    (1, 2)
    """

    values: dict[str, Array]
    init_time: times.Times
    skipped: npt.NDArray[np.bool_]


def _ints(stamps: Array) -> npt.NDArray[np.int64]:
    """Nanoseconds; NaT becomes never."""
    result = np.asarray(stamps).astype(f"{np.asarray(stamps).dtype.kind}8[ns]").view(np.int64)
    return np.where(result == np.iinfo(np.int64).min, _NEVER, result)


def match(names: Iterable[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """Names of variables that fit any of the patterns, in their order.

    A pattern without a model fits the variable of every model.

    Examples
    --------
    >>> match(["ifs:wind_speed_100m", "ifs:temp_air"], ["wind_speed_*m"])
    ('ifs:wind_speed_100m',)
    """
    return tuple(
        name
        for name in names
        if any(
            fnmatch.fnmatchcase(name if ":" in pattern else name.split(":", 1)[-1], pattern)
            for pattern in patterns
        )
    )


def as_models(weather: Weather) -> dict[str, xr.Dataset]:
    """Weather models by name; a single dataset has the empty name.

    Examples
    --------
    >>> list(as_models(xr.Dataset()))
    ['']
    """
    return {"": weather} if isinstance(weather, xr.Dataset) else dict(weather)


def weather_as_of(
    weather: xr.Dataset,
    *,
    site: str,
    issue_time: times.Times,
    valid_time: times.Times,
    inside: npt.NDArray[np.bool_],
    names: Sequence[str],
    required: Sequence[str] | None = None,
) -> Gathered:
    """The newest usable run at each issue time, one coherent run per origin.

    A run is usable when, for every required variable and every step inside the window, the value is
    there and had arrived. Steps outside the window (margins that features look at) may be missing.

    Parameters
    ----------
    weather : Dataset
        A forecast, or an analysis, which answers as a pseudo-run for each origin.
    site : str
        Label of the site.
    issue_time : array of datetime64, shape (origins,)
    valid_time : array of datetime64, shape (origins, steps)
    inside : array of bool, shape (origins, steps)
        Steps that must be there.
    names : sequence of str
        Variables to gather.
    required : sequence of str, optional
        Variables that make a run complete; all of `names` by default.

    Returns
    -------
    Gathered
        NaN where an origin has no usable run.

    Examples
    --------
    The run of 12 UTC (10 m/s) arrives at 18 UTC; before that, the run of 0 UTC (8 m/s) is the newest.

    >>> from energyforecast.testing import example_weather
    >>> issued = np.array(["2024-01-01T17", "2024-01-01T18"], dtype="datetime64[ns]")
    >>> hours = issued[:, None] + np.arange(1, 4) * np.timedelta64(1, "h")
    >>> window = {"issue_time": issued, "valid_time": hours, "inside": np.ones(hours.shape, dtype=bool)}
    >>> got = weather_as_of(example_weather(), site="farm", names=["wind_speed_100m"], **window)
    >>> got.values["wind_speed_100m"].tolist()
    [[8.0, 8.0, 8.0], [10.0, 10.0, 10.0]]
    """
    needed = tuple(names if required is None else required)
    _check_coherent(weather)
    if checks.is_analysis(weather):
        return _analysis(weather, site, issue_time, valid_time, names)
    init = _ints(weather["init_time"].values)
    lead = _ints(weather["lead_time"].values)
    issued, valid = _ints(issue_time), _ints(valid_time)
    low = int(np.searchsorted(init, issued.min(initial=_NEVER) - lead[-1]))
    high = int(np.searchsorted(init, issued.max(initial=0), side="right"))
    runs = weather.isel(init_time=slice(low, high)) if (low, high) != (0, len(init)) else weather
    place = int(np.flatnonzero(weather["site"].values == site)[0])
    blocks = {name: _block(runs[name], place) for name in names}
    return _newest_usable(
        blocks, needed, _ints(runs["available_time"].values), init[low:high], lead, issued, valid, inside
    )


def _check_coherent(weather: xr.Dataset) -> None:
    """Pieces of many runs look like runs with holes: say what they are, instead of finding no usable run."""
    if str(weather.attrs.get("coherent_run", 1)).lower() in ("0", "false"):
        raise SchemaError(
            f"The weather of {weather.attrs.get('source', 'this source')} holds pieces of many runs.",
            "An origin is forecast from one coherent run.",
            "Use runs, e.g. energyforecast.weather.open_meteo(...); compare pieces with observations directly.",
        )


def _block(values: xr.DataArray, place: int) -> Array:
    order = ("init_time", "lead_time", *(("member",) if "member" in values.dims else ()))
    if values.dims == ("site", *order):
        return np.asarray(values.values[place])
    return np.asarray(values.isel(site=place).transpose(*order).values)


def _newest_usable(
    blocks: Mapping[str, Array],
    needed: Sequence[str],
    arrived: npt.NDArray[np.int64],
    init: npt.NDArray[np.int64],
    lead: npt.NDArray[np.int64],
    issued: npt.NDArray[np.int64],
    valid: npt.NDArray[np.int64],
    inside: npt.NDArray[np.bool_],
) -> Gathered:
    origins, steps = valid.shape
    out = {
        name: np.full((origins, steps, *block.shape[2:]), np.nan, dtype=block.dtype)
        for name, block in blocks.items()
    }
    chosen = np.full(origins, -1)
    skipped = np.zeros(origins, dtype=bool)
    last = np.where(inside, valid, np.iinfo(np.int64).min).max(axis=1, initial=np.iinfo(np.int64).min)
    run = np.searchsorted(init, issued, side="right") - 1
    pending = np.flatnonzero(run >= 0)
    while pending.size:
        pending, run = _step_back_to_arrived(pending, run, arrived, issued)
        # A run that does not reach the end of the window gives way, and all older ones with it.
        pending = pending[init[run[pending]] + lead[-1] >= last[pending]]
        at = run[pending]
        column, known = _columns(valid[pending] - init[at][:, None], lead)
        if arrived.ndim == 2:
            known = known & (arrived[at[:, None], column] <= issued[pending][:, None])
        found = {name: _take(block, at, column, known) for name, block in blocks.items()}
        complete = _complete(found, needed, known, inside[pending])
        done = pending[complete]
        for name, values in out.items():
            values[done] = found[name] if complete.all() else found[name][complete]
        chosen[done] = at[complete]
        pending = pending[~complete]
        skipped[pending] = True
        run[pending] -= 1
        pending = pending[run[pending] >= 0]
    stamps = np.append(init, np.iinfo(np.int64).min).view("datetime64[ns]")
    return Gathered(out, stamps[chosen], skipped)


def _step_back_to_arrived(
    pending: npt.NDArray[np.int64],
    run: npt.NDArray[np.int64],
    arrived: npt.NDArray[np.int64],
    issued: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Go back to runs of which at least something had arrived at the issue time."""
    first = arrived if arrived.ndim == 1 else arrived.min(axis=1)
    waiting = pending
    while waiting.size:
        waiting = waiting[_not_yet(first[run[waiting]], issued[waiting])]
        run[waiting] -= 1
        waiting = waiting[run[waiting] >= 0]
    return pending[run[pending] >= 0], run


def _not_yet(arrived: npt.NDArray[np.int64], issued: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return arrived > issued


def _columns(
    wanted: npt.NDArray[np.int64], axis: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Positions of wanted values on a rising axis, and whether they are there exactly."""
    step = axis[1] - axis[0] if len(axis) > 1 else np.int64(1)
    if len(axis) > 1 and axis[-1] - axis[0] == step * (len(axis) - 1) and (np.diff(axis) == step).all():
        position, rest = np.divmod(wanted - axis[0], step)
        known = (rest == 0) & (position >= 0) & (position < len(axis))
    else:
        position = np.searchsorted(axis, wanted)
        known = axis[np.minimum(position, len(axis) - 1)] == wanted
    return np.where(known, position, 0), known


def _take(block: Array, run: Array, column: Array, known: npt.NDArray[np.bool_]) -> Array:
    values: Array = block[run[:, None], column]
    if not known.all():
        values[~known] = np.nan
    return values


def _complete(
    found: Mapping[str, Array],
    needed: Sequence[str],
    known: npt.NDArray[np.bool_],
    inside: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    there = known
    for name in needed:
        finite = np.isfinite(found[name])
        there = there & (finite if finite.ndim == 2 else finite.all(axis=2))
    return np.asarray((there | ~inside).all(axis=1))


def _analysis(
    weather: xr.Dataset, site: str, issue_time: times.Times, valid_time: times.Times, names: Sequence[str]
) -> Gathered:
    axis = _ints(weather["time"].values)
    column, known = _columns(_ints(valid_time), axis)
    out = {}
    for name in names:
        series = np.asarray(weather[name].sel(site=site).transpose("time", ...).values)
        values: Array = series[column]
        values[~known] = np.nan
        out[name] = values
    return Gathered(out, np.full(len(issue_time), _NAT), np.zeros(len(issue_time), dtype=bool))


def why_missing(
    weather: xr.Dataset,
    *,
    site: str,
    issue_time: np.datetime64,
    valid_time: times.Times,
    names: Sequence[str],
) -> str | None:
    """Why no run was usable at one issue time, in words; ``None`` if one was.

    Parameters
    ----------
    weather : Dataset
    site : str
    issue_time : datetime64
    valid_time : array of datetime64, shape (steps,)
        Hours of the window.
    names : sequence of str
        Variables that are needed.

    Returns
    -------
    str or None

    Examples
    --------
    >>> from energyforecast.testing import example_weather
    >>> early = np.datetime64("2024-01-01T05", "ns")
    >>> why_missing(
    ...     example_weather(), site="farm", issue_time=early, valid_time=early[None], names=["wind_speed_100m"]
    ... )
    'no run had arrived by then.'
    """
    window: dict[str, Any] = {"issue_time": np.array([issue_time]), "valid_time": valid_time[None, :]}
    nothing = np.zeros((1, len(valid_time)), dtype=bool)
    got = weather_as_of(weather, site=site, names=names, inside=~nothing, **window)
    holes = {
        name: ~np.isfinite(values[0].reshape(len(valid_time), -1)).all(axis=1)
        for name, values in got.values.items()
    }
    if not any(hole.any() for hole in holes.values()):
        return None
    if checks.is_analysis(weather):
        name, hole = next((name, hole) for name, hole in holes.items() if hole.any())
        return f"{name} is missing at {valid_time[hole][0]} UTC ({int(hole.sum())} hours)."
    arrived = _ints(weather["available_time"].values)
    first = arrived if arrived.ndim == 1 else arrived.min(axis=1)
    known = np.flatnonzero(~_not_yet(first, _ints(np.array(issue_time))))
    if not known.size:
        return "no run had arrived by then."
    newest = weather.isel(init_time=[int(known.max())])
    start = newest["init_time"].values[0]
    reach = start + newest["lead_time"].values[-1]
    if reach < valid_time[-1]:
        return (
            f"the newest run that had arrived, of {start} UTC, ends at {reach} UTC, before {valid_time[-1]}."
        )
    partial = weather_as_of(newest, site=site, names=names, required=(), inside=nothing, **window)
    for name, values in partial.values.items():
        hole = ~np.isfinite(values[0].reshape(len(valid_time), -1)).all(axis=1)
        if hole.any():
            missing = valid_time[hole]
            return f"the newest run, of {start} UTC, lacks {name} at {missing[0]} UTC ({len(missing)} hours)."
    return f"the newest run, of {start} UTC, had arrived in part only."


def history_as_of(
    observations: Observations,
    *,
    site: str,
    issue_time: times.Times,
    wanted_time: times.Times,
    step: pd.Timedelta | None = None,
) -> tuple[Array, Array]:
    """Observations that were published by the issue time.

    Parameters
    ----------
    observations : Observations
    site : str
        Name of the site.
    issue_time : array of datetime64, shape (origins,)
    wanted_time : array of datetime64, shape (origins, steps)
        Beginnings of the intervals that are wanted.
    step : Timedelta, optional
        How far to go back at a time while a value is missing or not published; an interval by default.

    Returns
    -------
    values : array, shape (origins, steps)
        NaN where nothing older was published either. [MW]
    age : array, shape (origins, steps)
        ``issue_time`` minus the beginning of the interval that was used. [h]

    Notes
    -----
    Quality flags are not looked at: nothing says when a flag was set, and one that was set later than
    the value was published would tell the past about the future.

    Examples
    --------
    Power is published an hour after the end of its hour: at 09:00 that of 06 and 07 UTC is known, that of
    08 UTC is not, and 07 UTC, which began 2 h ago, stands for it.

    >>> from energyforecast.testing import example_observations
    >>> wanted = np.array([["2024-01-01T06", "2024-01-01T07", "2024-01-01T08"]], dtype="datetime64[ns]")
    >>> issued = np.array(["2024-01-01T09"], dtype="datetime64[ns]")
    >>> values, age = history_as_of(
    ...     example_observations(), site="farm", issue_time=issued, wanted_time=wanted
    ... )
    >>> values.tolist(), age.tolist()
    ([[14.0, 14.5, 14.5]], [[3.0, 2.0, 2.0]])
    """
    column = observations.sites.index(site)
    values = observations.values[site].to_numpy()
    published = _ints(observations.published[:, column])
    begin, width = _ints(times.to_ns(observations.index))[0], observations.frequency.value
    hop = 1 if step is None else _whole_steps(step, observations.frequency)
    issued = np.broadcast_to(_ints(issue_time)[:, None], wanted_time.shape).ravel()
    position = np.minimum(
        (_ints(wanted_time).ravel() - begin) // width, len(values) - 1 if hop == 1 else _NEVER
    )
    if hop > 1:
        beyond = np.maximum(0, position - (len(values) - 1))
        position = position - -(-beyond // hop) * hop
    if observations.published_after is not None:
        position = _back_to_published(position, issued, begin, width, observations.published_after.value, hop)
    usable = np.isfinite(values)
    pending = np.flatnonzero(position >= 0)
    while pending.size:
        at = position[pending]
        pending = pending[~usable[at] | _unpublished(published[at], issued[pending])]
        position[pending] -= hop
        pending = pending[position[pending] >= 0]
    there = position >= 0
    found = np.where(there, values[np.maximum(position, 0)], np.nan)
    age = np.where(there, (issued - (begin + position * width)) / 3.6e12, np.nan)
    return found.reshape(wanted_time.shape), age.reshape(wanted_time.shape)


def _whole_steps(step: pd.Timedelta, frequency: pd.Timedelta) -> int:
    if step < frequency or step % frequency != pd.Timedelta(0):
        raise TimeError(
            f"A lag goes back by steps of {step}; the observations have intervals of {frequency}.",
            "A step is a whole number of intervals.",
            "Choose another step, or resample the observations.",
        )
    return int(step // frequency)


def _back_to_published(position: Array, issued: Array, begin: int, width: int, delay: int, hop: int) -> Array:
    """With a fixed delay the newest published interval is known without looking."""
    newest = (issued - delay - width - begin) // width
    behind = np.maximum(0, position - newest)
    return np.asarray(position - -(-behind // hop) * hop)


def _unpublished(published: Array, issued: Array) -> npt.NDArray[np.bool_]:
    return np.asarray(published > issued)


@dataclass(frozen=True)
class Snapshot:
    """What was known at each of many issue times, seen from one site. Made by :func:`take_snapshot`.

    Features index it like a mapping: ``now["wind_speed_100m"]`` has shape (origins, steps).

    Parameters
    ----------
    site : Site
        The site for which features are computed.
    sites : tuple of Site
        All sites; their weather is reached with :meth:`at`.
    windows : Windows
        Issue times and the hours covered.
    margin : int
        Steps gathered before and after each window.
    weather : dict
        Values by variable and site, shape (origins, margin + steps + margin[, members]).
    cell_methods : dict
        ``"time: point"`` or ``"time: mean"`` by variable.
    init_time : dict
        Run used by weather model and site, shape (origins,).
    skipped : dict
        Whether a newer, incomplete run gave way, by weather model and site.
    history : dict
        Values and ages of lagged observations by request and site.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"wind_speed_100m": 8.0}, rising=0.5)  # the first three hours of tomorrow
    >>> now["wind_speed_100m"]
    array([[8. , 8.5, 9. ]])
    >>> now.lead_time, now.weather_age()
    (array([[15., 16., 17.]]), array([9.]))
    """

    site: Site
    sites: tuple[Site, ...]
    windows: Windows
    margin: int
    weather: Mapping[tuple[str, str], Array]
    cell_methods: Mapping[str, str]
    init_time: Mapping[tuple[str, str], times.Times]
    skipped: Mapping[tuple[str, str], npt.NDArray[np.bool_]]
    history: Mapping[tuple[Past, str], tuple[Array, Array]]

    def at(self, site: str) -> Snapshot:
        """The same moment, seen from another site.

        Parameters
        ----------
        site : str

        Returns
        -------
        Snapshot

        Raises
        ------
        SchemaError
            If there is no such site.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> example_snapshot().at("farm").site.capacity
        60
        """
        for other in self.sites:
            if other.name == site:
                return replace(self, site=other)
        raise SchemaError(
            f"The snapshot has no site {site!r}.",
            f"Its sites are {[other.name for other in self.sites]}.",
            "Add the site to the forecaster.",
        )

    def by_member(self) -> Snapshot:
        """Each member of an ensemble as an origin of its own, so that features see the members apart.

        Returns
        -------
        Snapshot
            Of members times origins, the members of the first origin first.

        Raises
        ------
        SchemaError
            If weather models have ensembles of different sizes.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot({"temp_air": [14.0, 16.0]}, hours=2)  # an ensemble of two
        >>> now.by_member()["temp_air"].tolist()
        [[14.0, 14.0], [16.0, 16.0]]
        """
        sizes = {array.shape[2] for array in self.weather.values() if array.ndim == 3}
        if len(sizes) > 1:
            raise SchemaError(
                f"The weather has ensembles of {sorted(sizes)} members.",
                "Members are taken one by one, so each variable has as many.",
                "Choose one weather model, or reduce the others to their mean.",
            )
        count = next(iter(sizes), 1)

        def apart(array: Array) -> Array:
            return np.moveaxis(array, 2, 1).reshape(-1, array.shape[1]) if array.ndim == 3 else again(array)

        def again(array: Array) -> Array:
            return np.repeat(array, count, axis=0)

        windows = replace(
            self.windows,
            issue_time=again(self.windows.issue_time),
            valid_time=again(self.windows.valid_time),
            inside=again(self.windows.inside),
        )
        return replace(
            self,
            windows=windows,
            weather={key: apart(array) for key, array in self.weather.items()},
            init_time={key: again(array) for key, array in self.init_time.items()},
            skipped={key: again(array) for key, array in self.skipped.items()},
            history={key: (again(values), again(ages)) for key, (values, ages) in self.history.items()},
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Variables that were gathered."""
        return tuple(dict.fromkeys(name for name, _ in self.weather))

    def matching(self, *patterns: str) -> tuple[str, ...]:
        """Gathered variables that fit a pattern such as ``"wind_speed_*m"``.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot({"wind_speed_10m": 5.0, "temp_air": 15.0, "wind_speed_100m": 8.0})
        >>> now.matching("wind_speed_*m")
        ('wind_speed_10m', 'wind_speed_100m')
        """
        return match(self.names, patterns)

    def members(self, name: str, *, hours: float = 0.0) -> Array:
        """Every ensemble member, shape (origins, steps, members).

        Parameters
        ----------
        name : str
            Variable.
        hours : float
            As in :meth:`shift`.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot({"temp_air": [14.0, 16.0]}, hours=2)  # an ensemble of two
        >>> now.members("temp_air").tolist()
        [[[14.0, 16.0], [14.0, 16.0]]]
        >>> now["temp_air"].tolist()
        [[15.0, 15.0]]
        """
        values = self._shifted(name, hours)
        return values if values.ndim == 3 else values[:, :, None]

    def __getitem__(self, name: str) -> Array:
        return self.shift(name, hours=0.0)

    def shift(self, name: str, *, hours: float) -> Array:
        """Values some hours after (or, negative, before) each step, inside the same run.

        Parameters
        ----------
        name : str
            Variable; of an ensemble the mean of its members.
        hours : float
            A whole number of steps, within the margin that the feature declared.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot({"temp_air": 15.0}, rising=1.0)
        >>> now.shift("temp_air", hours=-3).tolist()
        [[12.0, 13.0, 14.0]]
        """
        values = self._shifted(name, hours)
        return np.asarray(values.mean(axis=2)) if values.ndim == 3 else values

    def path(self, name: str, *, hours: float) -> Array:
        """Values from some hours before each window to its end, inside the same run.

        Parameters
        ----------
        name : str
            Variable; of an ensemble the mean of its members.
        hours : float
            A whole number of steps, within the margin that the feature declared.

        Returns
        -------
        array, shape (origins, steps before + steps)
            NaN where the run does not reach back so far.
        """
        self._shifted(name, -hours)
        before = round(hours * pd.Timedelta("1h") / self.windows.frequency)
        values = self.weather[(name, self.site.name)]
        values = _double(values[:, self.margin - before : self.margin + self.windows.valid_time.shape[1]])
        return np.asarray(values.mean(axis=2)) if values.ndim == 3 else values

    def interval_mean(self, name: str, *, hours: float = 0.0) -> Array:
        """Mean over each interval, or over that some hours after it: of both ends for instants, a mean as it is.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot({"temp_air": 15.0, "ghi": 200.0}, rising=1.0)
        >>> now.interval_mean("temp_air").tolist(), now.interval_mean("ghi").tolist()
        ([[15.5, 16.5, 17.5]], [[200.0, 201.0, 202.0]])
        """
        if self.cell_methods[self._known(name)] == variables.MEAN:
            return self.shift(name, hours=hours)
        step = self.windows.frequency / pd.Timedelta("1h")
        return np.asarray(0.5 * (self.shift(name, hours=hours) + self.shift(name, hours=hours + step)))

    def _known(self, name: str) -> str:
        if (name, self.site.name) not in self.weather:
            raise SchemaError(
                f"A feature of site {self.site.name!r} asks for the variable {name!r}.",
                f"Gathered were {list(self.names)}: what features declare.",
                f"Add weather=[{name!r}] to the feature's declaration.",
            )
        return name

    def _shifted(self, name: str, hours: float) -> Array:
        values = self.weather[(self._known(name), self.site.name)]
        first = self._first(hours, repr(name))
        return _double(values[:, first : first + self.windows.valid_time.shape[1]])

    def _first(self, hours: float, what: str) -> int:
        """Where a window moved by some hours begins in what was gathered."""
        steps = hours * pd.Timedelta("1h") / self.windows.frequency
        if steps != int(steps) or abs(steps) > self.margin:
            raise SchemaError(
                f"A feature looks {hours:g} h from its step at {what}.",
                f"Gathered were {self.margin} whole steps of {self.windows.frequency} before and after each window.",
                f"Add margin='{abs(hours):g}h' to the feature's declaration.",
            )
        return self.margin + int(steps)

    def sun(self, *, hours: float = 0.0) -> SolarPosition:
        """Position of the sun in the middle of each interval, or some hours after it."""
        first = self._first(hours, "the sun")
        last = first + self.windows.valid_time.shape[1]
        return SolarPosition(*(values[:, first:last] for values in self._sun))

    @cached_property
    def _sun(self) -> SolarPosition:
        """Computed once for all features of a site, margins included."""
        width = self.windows.frequency.to_timedelta64()
        middle = _extend(self.windows, self.margin).valid_time + width // 2
        position = solar_position(middle, self.site.latitude, self.site.longitude)
        for values in position:
            values.flags.writeable = False
        return position

    def lag(self, lag: str, *, step: str | None = None) -> Array:
        """Observation at ``valid_time - lag``, or the newest older one that was published. [MW]

        Parameters
        ----------
        lag : str
            E.g. ``"24h"``, one of those that the feature declared.
        step : str, optional
            By which to go back while a value is not published, as declared.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot()
        >>> now.lag("24h").tolist()
        [[11.0, 11.5, 12.0]]
        """
        return self._past(lag, step)[0]

    def lag_age(self, lag: str, *, step: str | None = None) -> Array:
        """Age at issue of the observation that :meth:`lag` gives. [h]

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> example_snapshot().lag_age("24h").tolist()  # issued at 09 UTC, wanted from 00 UTC of that day
        [[9.0, 8.0, 7.0]]
        """
        return self._past(lag, step)[1]

    def _past(self, lag: str, step: str | None) -> tuple[Array, Array]:
        wanted = Past(times.duration(lag), None if step is None else times.duration(step))
        if (wanted, self.site.name) not in self.history:
            raise SchemaError(
                f"A feature of site {self.site.name!r} asks for the lag {lag!r} (step {step!r}).",
                "Gathered were the lags that features declare.",
                f"Add history=[{lag!r}] to the feature's declaration, or ({lag!r}, step) with a step.",
            )
        return self.history[(wanted, self.site.name)]

    @property
    def valid_time(self) -> times.Times:
        """Beginnings of the intervals, shape (origins, steps)."""
        return self.windows.valid_time

    @property
    def lead_time(self) -> Array:
        """``valid_time - issue_time``, shape (origins, steps). [h]"""
        return np.asarray(self.windows.lead_time / np.timedelta64(1, "h"))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the weather models; the empty name if there is one without a name."""
        return tuple(dict.fromkeys(model for model, _ in self.init_time))

    def weather_age(self, model: str = "") -> Array:
        """Issue time minus the run's initialisation, shape (origins,); NaN for analyses. [h]"""
        return np.asarray(
            (self.windows.issue_time - self.init_time[(model, self.site.name)]) / np.timedelta64(1, "h")
        )

    def weather_lead_time(self, model: str = "") -> Array:
        """Valid time minus the run's initialisation, shape (origins, steps); NaN for analyses. [h]"""
        start = self.init_time[(model, self.site.name)][:, None]
        return np.asarray((self.windows.valid_time - start) / np.timedelta64(1, "h"))


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
    """What was known at each issue time.

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
        Lagged observations.

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
    >>> from energyforecast.tasks import day_ahead
    >>> from energyforecast.testing import example_weather
    >>> farm = Site(name="farm", latitude=43.64, longitude=78.54)
    >>> task = day_ahead("18:00", timezone="UTC")
    >>> speed = {"": ["wind_speed_100m"]}
    >>> windows = task.windows(task.issue_times("2024-01-02", "2024-01-02"))
    >>> now = take_snapshot(example_weather(), None, sites=[farm], windows=windows, names=speed, required=speed)
    >>> now["wind_speed_100m"].shape, now.weather_age().tolist()  # the run of 12 UTC arrived at 18 UTC
    ((1, 24), [6.0])
    """
    steps = int(np.ceil(margin / windows.frequency))
    extended = _extend(windows, steps)
    values: dict[tuple[str, str], Array] = {}
    init: dict[tuple[str, str], times.Times] = {}
    skipped: dict[tuple[str, str], npt.NDArray[np.bool_]] = {}
    methods: dict[str, str] = {}
    for model, dataset in as_models(weather).items():
        prefix = f"{model}:" if model else ""
        for site in sites:
            got = weather_as_of(
                dataset,
                site=site.name,
                issue_time=windows.issue_time,
                valid_time=extended.valid_time,
                inside=extended.inside,
                names=names[model],
                required=required[model],
            )
            values |= {(prefix + name, site.name): array for name, array in got.values.items()}
            init[(model, site.name)], skipped[(model, site.name)] = got.init_time, got.skipped
        methods |= {prefix + name: _cell_methods(dataset[name], name) for name in names[model]}
    past = _histories(observations, sites, windows, tuple(dict.fromkeys(history)))
    for array in (*values.values(), *(one for pair in past.values() for one in pair), windows.valid_time):
        # A feature that computes in place must not change what the next one sees.
        array.flags.writeable = False
    return Snapshot(
        site=sites[0],
        sites=tuple(sites),
        windows=windows,
        margin=steps,
        weather=values,
        cell_methods=methods,
        init_time=init,
        skipped=skipped,
        history=past,
    )


def _double(values: Array) -> npt.NDArray[np.float64]:
    """Single precision is for storage: its last bit of a sine or a logarithm differs between processors."""
    result = values.astype(np.float64)
    result.flags.writeable = values.flags.writeable
    return result


def _extend(windows: Windows, steps: int) -> Windows:
    width = windows.frequency.to_timedelta64()
    start = windows.valid_time[:, :1] - steps * width
    count = windows.valid_time.shape[1] + 2 * steps
    inside = np.pad(windows.inside, ((0, 0), (steps, steps)))
    return replace(windows, valid_time=start + np.arange(count)[None, :] * width, inside=inside)


def _cell_methods(values: xr.DataArray, name: str) -> str:
    given = values.attrs.get("cell_methods")
    return str(given) if given is not None else variables.lookup(name).cell_methods


def _histories(
    observations: Observations | None, sites: Sequence[Site], windows: Windows, history: Sequence[Past]
) -> dict[tuple[Past, str], tuple[Array, Array]]:
    if history and observations is None:
        raise MissingDataError(
            f"Features ask for lagged observations ({history[0].lag}), and there are none.",
            "Observations are given to predict as to fit.",
            "Pass them: forecaster.predict(weather, observations, issue_time=...), or remove the lag features.",
        )
    return {
        (past, site.name): history_as_of(
            observations,  # type: ignore[arg-type]
            site=site.name,
            issue_time=windows.issue_time,
            wanted_time=windows.valid_time - past.lag.to_timedelta64(),
            step=past.step,
        )
        for past in history
        for site in sites
        if site.name in observations.sites  # type: ignore[union-attr]
    }
