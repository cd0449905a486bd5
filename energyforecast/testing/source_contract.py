"""What every source of weather keeps to, as a check that its author runs: schema, declarations, delay, and the sun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast import physics
from energyforecast.core import timestamps, variables, weather_schema
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site, Sites, as_sites
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.weather.sources.common.base import AnalysisSource, RunSource, Source

__all__ = ["SunFit", "check_source", "fit_sun"]

Floats = npt.NDArray[np.float64]

_MINUTE: Final = 60_000_000_000
#: Shifts that are tried, and by how much the sun may seem to be off: haze and turbidity bend mornings and evenings.
_GRID: Final = 5
_FARTHEST: Final = 150
_ALLOWED: Final = 15.0
#: A day is clear where its radiation is that of a clear sky up to a factor and a shift: the share of its
#: energy that is not.
_CLEAR: Final = 0.003


def check_source(
    source: Source,
    *,
    sites: Sites,
    init_time: Any = None,
    start: Any = None,
    end: Any = None,
    clear_days: int = 1,
) -> pd.DataFrame:
    """See that a source of weather keeps its contract, on what it gives.

    It gives weather as :func:`energyforecast.core.weather_schema.check_weather` knows it, with the variables that it
    declares, each with its label, in single precision and with attributes; says where it comes from; is
    never available before its declared delay; and its radiation lies where the sun is: for clear days, the
    shift that best fits clear-sky irradiance is zero.

    Parameters
    ----------
    source : RunSource or AnalysisSource
    sites : Site or sequence of Site
        At which it is asked; for the sun, places with clear days.
    init_time : moment or sequence of moments, optional
        Runs of a :class:`~energyforecast.weather.RunSource`; the newest by default.
    start, end : moment, optional
        Hours of an :class:`~energyforecast.weather.AnalysisSource`, `end` excluded.
    clear_days : int
        How many clear days the test of the sun needs at each site; 0 leaves it out.

    Returns
    -------
    DataFrame
        For each variable its label, how many of its values are missing, and for ``ghi`` the minutes by which
        it comes after the sun.

    Raises
    ------
    SchemaError, TimeError, UnitsError, RangeError
        If the source breaks its contract.
    MissingDataError
        If it gives radiation, and no day is clear.

    Examples
    --------
    A source that always says 2 m/s:

    >>> from energyforecast.testing import check_source
    >>> from energyforecast.weather import Label, PublicationDelay, RunSource
    >>> from energyforecast.weather.sources.common.base import finished
    >>> class Calm(RunSource):
    ...     name, attribution = "calm", "none"
    ...     variables, labels = ("wind_speed_100m",), {"wind_speed_100m": Label.INSTANT}
    ...     delay, cycle = PublicationDelay(base="4h"), pd.Timedelta("12h")
    ...
    ...     def get_run(self, sites, init_time):
    ...         init = timestamps.to_ns([init_time])
    ...         weather = xr.Dataset(
    ...             {"wind_speed_100m": (("site", "init_time", "lead_time"), np.full((1, 1, 49), 2.0))},
    ...             coords={
    ...                 "init_time": init,
    ...                 "lead_time": np.arange(49) * np.timedelta64(3_600_000_000_000, "ns"),
    ...                 "available_time": ("init_time", self.delay.available_time(init)),
    ...             },
    ...         )
    ...         return finished(weather, source=self, sites=sites)
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> check_source(Calm(), sites=farm, init_time="2024-06-01 12:00")["missing"].to_dict()
    {'wind_speed_100m': 0}

    One that forgets how late it is does not pass:

    >>> class Hasty(Calm):
    ...     delay = PublicationDelay(base="1h")
    ...
    ...     def get_run(self, sites, init_time):
    ...         self.delay = PublicationDelay(base="4h")
    ...         early = super().get_run(sites, init_time)
    ...         return early.assign_coords(available_time=early["init_time"])
    >>> check_source(Hasty(), sites=farm, init_time="2024-06-01 12:00")
    Traceback (most recent call last):
        ...
    energyforecast.errors.TimeError: calm for 2024-06-01T12:00:00 says that it was available at 2024-06-01T12:00:00.
    Its declared delay gives 2024-06-01T16:15:00.
    Add source.delay.available_time(...) to what it gives, or declare another delay.
    """
    places = as_sites(sites)
    _check_declarations(source)
    given = _asked(source, places, init_time, start, end)
    for weather in given:
        weather_schema.check_weather(weather, sites=places, label=source.name)
        _check_provenance(weather, source)
        _check_variables(weather, source)
        _check_delay(weather, source)
    lag = _check_sun(given, source, places, clear_days) if "ghi" in source.variables and clear_days else None
    return pd.DataFrame(
        {
            "label": {name: source.labels[name].value for name in source.variables},
            "missing": {
                name: sum(int(data[name].isnull().sum()) for data in given) for name in source.variables
            },
            "values": {name: sum(data[name].size for data in given) for name in source.variables},
            "minutes_after_sun": {name: lag if name == "ghi" else None for name in source.variables},
        }
    )


def _asked(source: Source, sites: Sequence[Site], init_time: Any, start: Any, end: Any) -> list[xr.Dataset]:
    if isinstance(source, RunSource):
        some = source.newest() if init_time is None else init_time
        listed = some if isinstance(some, list | tuple | pd.DatetimeIndex) else [some]
        return [_run(source, sites, timestamps.instant(moment)) for moment in listed]
    if not isinstance(source, AnalysisSource) or start is None or end is None:
        raise SchemaError(
            f"{source.name} is a {type(source).__name__}, asked from {start} to {end}.",
            "A RunSource is asked for runs, an AnalysisSource for the hours from `start` to `end`.",
            "Derive it from one of the two; give start and end for an analysis.",
        )
    first, last = timestamps.instant(start), timestamps.instant(end)
    weather = source.get_period(sites, first, last)
    if (
        timestamps.instant(weather["time"].values[0]) < first
        or timestamps.instant(weather["time"].values[-1]) >= last
    ):
        raise TimeError(
            f"{source.name} gives hours from {weather['time'].values[0]} to {weather['time'].values[-1]}.",
            f"Asked were those from {first} to {last}, the end excluded.",
            "Cut what the server gives to the period.",
        )
    return [weather]


def _run(source: RunSource, sites: Sequence[Site], moment: pd.Timestamp) -> xr.Dataset:
    weather = source.get_run(sites, moment)
    found = timestamps.to_ns(weather["init_time"].values) if "init_time" in weather.dims else None
    if found is None or not np.array_equal(found, timestamps.to_ns([moment])):
        raise TimeError(
            f"{source.name} gives {'no run' if found is None else f'the runs {found}'}.",
            f"Asked was that of {moment}.",
            "get_run gives the one run that was asked for, with the dimension init_time.",
        )
    return weather


def _check_declarations(source: Source) -> None:
    unlabelled = set(source.variables) ^ set(source.labels)
    strange = [name for name, label in source.labels.items() if not isinstance(label, Label)]
    if unlabelled or strange or not source.variables:
        which = sorted(unlabelled) or strange or "no variable"
        raise SchemaError(
            f"{source.name} declares variables and labels that do not belong together: {which}.",
            "Every variable has a Label, and every label a variable.",
            "Set `variables` and `labels` of the source.",
        )
    if not source.attribution:
        raise SchemaError(
            f"{source.name} says no attribution.",
            "A source says what its licence asks to be said; 'none' if that is nothing.",
            "Set `attribution` of the source.",
        )


def _check_provenance(weather: xr.Dataset, source: Source) -> None:
    wanted = {"kind": source.kind, "source": source.name, "attribution": source.attribution}
    wrong = [key for key, value in wanted.items() if weather.attrs.get(key) != value]
    if wrong:
        raise SchemaError(
            f"{source.name} gives weather with {wrong[0]} = {weather.attrs.get(wrong[0])!r}.",
            f"It says {wanted[wrong[0]]!r}.",
            "Let energyforecast.weather.sources.common.base.finished set the attributes.",
        )


def _check_variables(weather: xr.Dataset, source: Source) -> None:
    other = set(map(str, weather.data_vars)) ^ set(source.variables)
    if other:
        name = min(other)
        raise SchemaError(
            f"{source.name} {'gives' if name in weather else 'does not give'} {name!r}.",
            f"It declares {', '.join(source.variables)}.",
            "Declare what is given; give NaN for what the server does not have.",
        )
    for name in source.variables:
        values = weather[name]
        method = variables.POINT if source.labels[name] is Label.INSTANT else variables.MEAN
        if values.attrs.get("cell_methods") != method or "units" not in values.attrs:
            raise SchemaError(
                f"{source.name} gives {name!r} with {values.attrs}, labelled {source.labels[name].value!r}.",
                f"It has units, and cell_methods {method!r}.",
                "Correct the label, or set attrs['cell_methods'] before `finished`.",
            )
        if values.dtype != np.float32:
            raise SchemaError(
                f"{source.name} gives {name!r} in {values.dtype}.", "Weather is float32.", "Use `finished`."
            )


def _check_delay(weather: xr.Dataset, source: Source) -> None:
    """Nothing is available before the declared delay, unless it was seen to be."""
    if weather.attrs.get("availability") == "recorded":
        return
    given = timestamps.to_ns(weather["available_time"].values)
    if weather_schema.is_analysis(weather):
        stamps = timestamps.to_ns(weather["time"].values)
        declared = source.delay.available_time(stamps)
    else:
        stamps = timestamps.to_ns(weather["init_time"].values)
        declared = source.delay.available_time(stamps, weather["lead_time"].values)
        declared = declared.max(axis=1) if given.ndim == 1 else declared
    early = np.argwhere(given < declared)
    if len(early):
        where = tuple(early[0])
        raise TimeError(
            f"{source.name} for {_plain(stamps[where[0]])} says that it was available at {_plain(given[where])}.",
            f"Its declared delay gives {_plain(declared[where])}.",
            "Add source.delay.available_time(...) to what it gives, or declare another delay.",
        )


def _plain(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[s]"))


# --- The sun --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SunFit:
    """How radiation lies to the sun.

    Parameters
    ----------
    lag : float
        Minutes by which it comes after the sun; NaN without a clear day.
    days : int
        Clear days.

    Examples
    --------
    >>> SunFit(lag=30.0, days=4).lag  # e.g. centres of hours, taken for their beginnings
    30.0
    """

    lag: float
    days: int


def fit_sun(
    series: Sequence[tuple[timestamps.Times, Floats]], *, site: Site, instants: bool = False
) -> SunFit:
    """The shift at which radiation fits clear-sky irradiance best, over the days that it fits at any.

    Parameters
    ----------
    series : sequence of (array of datetime64, array)
        Labels, at the beginning of their interval, and radiation; one pair for each run. [W m-2]
    site : Site
    instants : bool
        Whether these are values at their labels instead of means.

    Returns
    -------
    SunFit

    Notes
    -----
    A day's radiation g and that of a clear sky, shifted by s, are compared up to a factor, which haze and
    even clouds change: 1 - (g·c(s))² / (|g|² |c(s)|²). A day is clear where that is small for some s; the
    shift is where its sum over clear days is least.

    Examples
    --------
    >>> hours = np.arange("2024-06-01", "2024-06-04", dtype="datetime64[h]").astype("datetime64[ns]")
    >>> place = Site(name="place", latitude=43.6, longitude=78.5)
    >>> at_the_end = physics.solar_position(hours + np.timedelta64(1, "h"), 43.6, 78.5)
    >>> sky = physics.clear_sky(at_the_end).ghi  # instants an hour later, taken for means: half an hour off
    >>> fit = fit_sun([(hours, sky)], site=place)
    >>> fit.days, round(fit.lag, -1)
    (2, -30.0)
    """
    tried = np.arange(-_FARTHEST, _FARTHEST + 1, _GRID)
    total, days = np.zeros(len(tried)), 0
    for valid, radiation in series:
        for misfit in _misfits(valid, radiation, site, tried, instants):
            if misfit.min() < _CLEAR:
                total, days = total + misfit, days + 1
    return SunFit(lag=_lowest(tried.astype(float), total) if days else float("nan"), days=days)


def _lowest(x: Floats, y: Floats) -> float:
    """Where a parabola through the least value and its neighbours is lowest."""
    k = int(np.clip(y.argmin(), 1, len(y) - 2))
    left, middle, right = y[k - 1 : k + 2]
    bend = left - 2 * middle + right
    return float(x[k] + 0.5 * (x[1] - x[0]) * (left - right) / bend) if bend > 0 else float(x[k])


def _misfits(
    valid: timestamps.Times, radiation: Floats, site: Site, tried: npt.NDArray[np.int64], instants: bool
) -> list[Floats]:
    """Of each whole day with light: how badly it fits, by shift."""
    stamps = valid.astype("datetime64[ns]").astype(np.int64)
    step = int(np.median(np.diff(stamps)))
    following = np.append(np.diff(stamps), step)
    keep = np.isfinite(radiation) & (following == step)
    stamps, radiation = stamps[keep], np.clip(radiation[keep], 0.0, None)
    if not len(stamps):
        return []
    sky = _skies(stamps, step, site, tried, instants)
    # Days are cut at the sun's midnight, so that one day's light stays together.
    local = stamps + round(site.longitude * 4) * _MINUTE
    day = local // (1440 * _MINUTE)
    per_day = round(1440 * _MINUTE / step)
    found = []
    for one in np.unique(day):
        rows = day == one
        light = radiation[rows]
        if rows.sum() < per_day or not light.any():
            continue
        products = sky[:, rows] @ light
        squares = (sky[:, rows] ** 2).sum(axis=1) * (light**2).sum()
        if (squares > 0).all():
            found.append(np.asarray(1.0 - products**2 / squares))
    return found


def _skies(
    stamps: npt.NDArray[np.int64],
    step: int,
    site: Site,
    tried: npt.NDArray[np.int64],
    instants: bool,
) -> Floats:
    """Clear-sky irradiance as a series late by each shift would show it, shape (shifts, stamps)."""
    grid = _GRID * _MINUTE
    begin = stamps.min() - (_FARTHEST + _GRID) * _MINUTE
    count = int((stamps.max() + step - begin) // grid) + _FARTHEST // _GRID + 3
    middle = begin + grid * np.arange(count) + (0 if instants else grid // 2)
    position = physics.solar_position(middle.astype("datetime64[ns]"), site.latitude, site.longitude)
    fine = physics.clear_sky(position, altitude=site.altitude or 0.0).ghi
    first = (stamps[None, :] - tried[:, None] * _MINUTE - begin) // grid
    if instants:
        return np.asarray(fine[first])
    width = step // grid
    total = np.append(0.0, np.cumsum(fine))
    return np.asarray((total[first + width] - total[first]) / width)


def _check_sun(given: Sequence[xr.Dataset], source: Source, sites: Sequence[Site], clear_days: int) -> float:
    worst = 0.0
    for site in sites:
        instants = source.labels["ghi"] is Label.INSTANT
        fit = fit_sun([_series(weather, site) for weather in given], site=site, instants=instants)
        if fit.days < clear_days:
            raise MissingDataError(
                f"{source.name} gives {fit.days} clear days at site {site.name!r}.",
                f"The sun is tested with at least {clear_days}.",
                "Ask for more days or runs, or a sunnier place or season; clear_days=0 leaves the test out.",
            )
        if abs(fit.lag) > _ALLOWED:
            raise TimeError(
                f"{source.name}'s ghi comes {abs(fit.lag):.0f} min {'after' if fit.lag > 0 else 'before'} the sun "
                f"at site {site.name!r} ({fit.days} clear days).",
                "Means carry the beginning of their interval, instants their own time, in UTC.",
                "60 min: the source labels the end, or the beginning was shifted once too often; 30 min: it labels "
                "the centre, or gives instants.",
            )
        worst = max(worst, fit.lag, key=abs)
    return round(worst, 1)


def _series(weather: xr.Dataset, site: Site) -> tuple[timestamps.Times, Floats]:
    """Radiation of a run, or of its control, or of an analysis."""
    ghi = weather["ghi"].sel(site=site.name)
    if "member" in ghi.dims:
        ghi = ghi.isel(member=0)
    if weather_schema.is_analysis(weather):
        return timestamps.to_ns(ghi["time"].values), ghi.values.astype(float)
    run = ghi.isel(init_time=0)
    valid = timestamps.to_ns(weather["init_time"].values)[0] + run["lead_time"].values.astype(
        "timedelta64[ns]"
    )
    return valid, run.values.astype(float)
