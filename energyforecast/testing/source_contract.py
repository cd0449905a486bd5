"""Contract of weather sources: schema, declarations, latency, and radiation consistent with the sun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, variables, weather_schema
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site, Sites, as_sites
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.testing.radiation_shift import fit_sun
from energyforecast.weather.sources.common.base import AnalysisSource, RunSource, Source

__all__ = ["check_source"]

Floats = npt.NDArray[np.float64]
_ALLOWED: Final = 15.0


def check_source(
    source: Source,
    *,
    sites: Sites,
    init_time: Any = None,
    start: Any = None,
    end: Any = None,
    clear_days: int = 1,
) -> pd.DataFrame:
    """Check a weather source against its contract, on the weather it returns.

    A source must return weather accepted by :func:`energyforecast.core.weather_schema.check_weather`, with the declared
    variables and labels, in single precision and with attributes, including its origin. Weather must not be available
    before the declared latency, and radiation must follow the sun: on clear days the best shift to clear-sky
    irradiance is zero.

    Parameters
    ----------
    source : RunSource or AnalysisSource
    sites : Site or sequence of Site
        Sites of the request; with clear days for the check of the sun.
    init_time : moment or sequence of moments, optional
        Runs of a :class:`~energyforecast.weather.RunSource`; the newest by default.
    start, end : moment, optional
        Hours of an :class:`~energyforecast.weather.AnalysisSource`, `end` excluded.
    clear_days : int
        Minimum number of clear days at each site for the check of the sun; 0 omits it.

    Returns
    -------
    DataFrame
        For each variable its label, the number of missing values, and for ``ghi`` its lag behind the sun. [min]

    Raises
    ------
    SchemaError, TimeError, UnitsError, RangeError
        If the source breaks its contract.
    MissingDataError
        If it returns radiation, and no day is clear.

    See Also
    --------
    example_source, check_feature, check_model, energyforecast.weather.RunSource

    Examples
    --------
    A source that always returns 2 m/s:

    >>> from energyforecast.testing import check_source
    >>> from energyforecast.weather import Label, PublicationLatency, RunSource
    >>> from energyforecast.weather.sources.common.base import finished
    >>> class Calm(RunSource):
    ...     name, attribution = "calm", "none"
    ...     variables, labels = ("wind_speed_100m",), {"wind_speed_100m": Label.INSTANT}
    ...     latency, cycle = PublicationLatency(base="4h"), pd.Timedelta("12h")
    ...
    ...     def get_run(self, sites, init_time):
    ...         init = timestamps.to_ns([init_time])
    ...         weather = xr.Dataset(
    ...             {"wind_speed_100m": (("site", "init_time", "lead_time"), np.full((1, 1, 49), 2.0))},
    ...             coords={
    ...                 "init_time": init,
    ...                 "lead_time": np.arange(49) * np.timedelta64(3_600_000_000_000, "ns"),
    ...                 "available_time": ("init_time", self.latency.available_time(init)),
    ...             },
    ...         )
    ...         return finished(weather, source=self, sites=sites)
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> check_source(Calm(), sites=farm, init_time="2024-06-01 12:00")["missing"].to_dict()
    {'wind_speed_100m': 0}

    A source with a wrong availability does not pass:

    >>> class Hasty(Calm):
    ...     latency = PublicationLatency(base="1h")
    ...
    ...     def get_run(self, sites, init_time):
    ...         self.latency = PublicationLatency(base="4h")
    ...         early = super().get_run(sites, init_time)
    ...         return early.assign_coords(available_time=early["init_time"])
    >>> check_source(Hasty(), sites=farm, init_time="2024-06-01 12:00")
    Traceback (most recent call last):
        ...
    energyforecast.errors.TimeError: calm for 2024-06-01T12:00:00 declares availability at 2024-06-01T12:00:00.
    Its declared latency gives 2024-06-01T16:15:00.
    Set available_time by source.latency.available_time(...), or declare another latency.
    """
    places = as_sites(sites)
    _check_declarations(source)
    given = _asked(source, places, init_time, start, end)
    for weather in given:
        weather_schema.check_weather(weather, sites=places, label=source.name)
        _check_provenance(weather, source)
        _check_variables(weather, source)
        _check_latency(weather, source)
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
            f"{source.name} is a {type(source).__name__}, requested from {start} to {end}.",
            "A RunSource is checked on runs, an AnalysisSource on the hours from `start` to `end`.",
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
            f"It must return those from {first} to {last}, the end excluded.",
            "Cut the answer of the server to the period.",
        )
    return [weather]


def _run(source: RunSource, sites: Sequence[Site], moment: pd.Timestamp) -> xr.Dataset:
    weather = source.get_run(sites, moment)
    found = timestamps.to_ns(weather["init_time"].values) if "init_time" in weather.dims else None
    if found is None or not np.array_equal(found, timestamps.to_ns([moment])):
        raise TimeError(
            f"{source.name} gives {'no run' if found is None else f'the runs {found}'}.",
            f"It must return the run of {moment}.",
            "Let get_run return the one requested run, with the dimension init_time.",
        )
    return weather


def _check_declarations(source: Source) -> None:
    unlabelled = set(source.variables) ^ set(source.labels)
    strange = [name for name, label in source.labels.items() if not isinstance(label, Label)]
    if unlabelled or strange or not source.variables:
        which = sorted(unlabelled) or strange or "no variable"
        raise SchemaError(
            f"{source.name} declares variables and labels that do not match: {which}.",
            "Every variable must have a Label, and every label a variable.",
            "Set `variables` and `labels` of the source.",
        )
    if not source.attribution:
        raise SchemaError(
            f"{source.name} declares no attribution.",
            "A source must declare the credit line of its licence, or 'none'.",
            "Set `attribution` of the source.",
        )


def _check_provenance(weather: xr.Dataset, source: Source) -> None:
    wanted = {"kind": source.kind, "source": source.name, "attribution": source.attribution}
    wrong = [key for key, value in wanted.items() if weather.attrs.get(key) != value]
    if wrong:
        raise SchemaError(
            f"{source.name} gives weather with {wrong[0]} = {weather.attrs.get(wrong[0])!r}.",
            f"It must be {wanted[wrong[0]]!r}, as declared.",
            "Let energyforecast.weather.sources.common.base.finished set the attributes.",
        )


def _check_variables(weather: xr.Dataset, source: Source) -> None:
    other = set(map(str, weather.data_vars)) ^ set(source.variables)
    if other:
        name = min(other)
        raise SchemaError(
            f"{source.name} {'gives' if name in weather else 'does not give'} {name!r}.",
            f"It declares {', '.join(source.variables)}.",
            "Declare all variables that are returned; use NaN for values the server does not have.",
        )
    for name in source.variables:
        values = weather[name]
        method = variables.POINT if source.labels[name] is Label.INSTANT else variables.MEAN
        if values.attrs.get("cell_methods") != method or "units" not in values.attrs:
            raise SchemaError(
                f"{source.name} gives {name!r} with {values.attrs}, labelled {source.labels[name].value!r}.",
                f"It must have units, and cell_methods {method!r}.",
                "Correct the label, or set attrs['cell_methods'] before `finished`.",
            )
        if values.dtype != np.float32:
            raise SchemaError(
                f"{source.name} gives {name!r} in {values.dtype}.",
                "Weather must be float32.",
                "Use `finished`.",
            )


def _check_latency(weather: xr.Dataset, source: Source) -> None:
    """Refuse availability before the declared latency, unless the arrival was recorded."""
    if weather.attrs.get("availability") == "recorded":
        return
    given = timestamps.to_ns(weather["available_time"].values)
    if weather_schema.is_analysis(weather):
        stamps = timestamps.to_ns(weather["time"].values)
        declared = source.latency.available_time(stamps)
    else:
        stamps = timestamps.to_ns(weather["init_time"].values)
        declared = source.latency.available_time(stamps, weather["lead_time"].values)
        declared = declared.max(axis=1) if given.ndim == 1 else declared
    early = np.argwhere(given < declared)
    if len(early):
        where = tuple(early[0])
        raise TimeError(
            f"{source.name} for {_plain(stamps[where[0]])} declares availability at {_plain(given[where])}.",
            f"Its declared latency gives {_plain(declared[where])}.",
            "Set available_time by source.latency.available_time(...), or declare another latency.",
        )


def _plain(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[s]"))


def _check_sun(given: Sequence[xr.Dataset], source: Source, sites: Sequence[Site], clear_days: int) -> float:
    worst = 0.0
    for site in sites:
        instants = source.labels["ghi"] is Label.INSTANT
        fit = fit_sun([_series(weather, site) for weather in given], site=site, instants=instants)
        if fit.days < clear_days:
            raise MissingDataError(
                f"{source.name} gives {fit.days} clear days at site {site.name!r}.",
                f"The check of the sun requires at least {clear_days}.",
                "Request more days or runs, or a sunnier place or season; clear_days=0 omits the check.",
            )
        if abs(fit.lag) > _ALLOWED:
            raise TimeError(
                f"{source.name}'s ghi lies {abs(fit.lag):.0f} min {'after' if fit.lag > 0 else 'before'} the sun "
                f"at site {site.name!r} ({fit.days} clear days).",
                "Means must carry the beginning of their interval, instants their time, in UTC.",
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
