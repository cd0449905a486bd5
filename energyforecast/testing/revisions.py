"""Check that an archive still holds its earlier values: those that were revised were not known then."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import Weather, as_models, is_analysis
from energyforecast.errors import LeakageError, SchemaError

__all__ = ["check_revisions"]

Array = npt.NDArray[Any]
#: Relative difference of stored numbers.
_CLOSE: Final = 1e-5


def check_revisions(then: Weather | Observations, now: Weather | Observations, *, taken: Any) -> None:
    """Check that all that an archive declares as known at a moment was in a copy which was taken then.

    Two states of one archive are compared, such as last month's copy and today's. A value that today's declares as
    known before the copy was taken must be in the copy, with the same number, flags and capacity in service.
    What differs was written later: a revised measurement, a flag that was set later, power that took longer to be
    published than is declared, a run that was completed or replaced.

    Parameters
    ----------
    then : Dataset, mapping of Dataset, or Observations
        The copy.
    now : Dataset, mapping of Dataset, or Observations
        The same archive, later.
    taken : str or moment
        Time at which the copy was taken. Strings are in UTC.

    Raises
    ------
    LeakageError
        If a value declared as known then was absent or different.
    SchemaError
        If one is weather and the other observations, or a site or weather model is missing.

    See Also
    --------
    check_known_then, check_no_leakage
    energyforecast.archive : Measurements with the time at which each of their versions was known.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from energyforecast.testing import example_observations
    >>> now = example_observations(days=2)
    >>> check_revisions(now[:"2024-01-01"], now, taken="2024-01-02 01:00")
    >>> smoothed = replace(now, values=now.values.rolling(3, center=True, min_periods=1).max())
    >>> check_revisions(  # doctest: +IGNORE_EXCEPTION_DETAIL
    ...     now[:"2024-01-01"], smoothed, taken="2024-01-02 01:00"
    ... )
    Traceback (most recent call last):
        ...
    energyforecast.errors.LeakageError: The power of 'farm' of 2024-01-01 00:00 UTC was 11, and is 11.5 today ...
    """
    check_types(locals(), of=check_revisions)
    moment = timestamps.to_ns([timestamps.instant(taken)])[0]
    if isinstance(then, Observations) and isinstance(now, Observations):
        _compare_observations(then, now, moment)
    elif isinstance(then, Observations) or isinstance(now, Observations):
        raise SchemaError(
            f"Compared are {type(then).__name__} and {type(now).__name__}.",
            "Both must be weather, or both observations.",
            "Give two states of the same archive.",
        )
    else:
        _compare_weather(as_models(then), as_models(now), moment)


def _refuse(words: str, moment: np.datetime64, count: int) -> None:
    more = f", and {count - 1} more." if count > 1 else "."
    raise LeakageError(
        f"{words} today{more}",
        f"A value declared as known at {np.datetime_as_string(moment, unit='m').replace('T', ' ')} UTC must be the one "
        "that was known then.",
        "Keep each version with its own time of publication (energyforecast.archive), or declare it as published "
        "later.",
    )


def _compare_observations(then: Observations, now: Observations, moment: np.datetime64) -> None:
    for k, site in enumerate(now.sites):
        known = now.published[:, k] <= moment
        hours = timestamps.to_ns(now.index)[known]
        # What lies before the beginning of the copy was not copied.
        hours = hours[hours >= timestamps.to_ns(then.index)[0]]
        plain: Any = {"include_flagged": True, "outside": "missing"}
        pairs = {
            "power": (then.value_at(site, hours, **plain), now.value_at(site, hours, **plain)),
            "flags": (_flags(then, site, hours), _flags(now, site, hours)),
            "capacity in service": (_capacity(then, site, hours), _capacity(now, site, hours)),
        }
        for what, (old, new) in pairs.items():
            changed = np.flatnonzero(~_close(old, new))
            if what == "power":  # an hour that is missing today leaks nothing
                changed = changed[np.isfinite(new[changed])]
            if len(changed):
                at = changed[0]
                hour = np.datetime_as_string(hours[at], unit="m").replace("T", " ")
                _refuse(
                    f"The {what} of {site!r} of {hour} UTC was {_number(old[at])}, and is {_number(new[at])}",
                    moment,
                    len(changed),
                )


def _number(value: float) -> str:
    return "absent" if np.isnan(value) else f"{value:g}"


def _close(old: Array, new: Array) -> npt.NDArray[np.bool_]:
    return np.isclose(old, new, rtol=_CLOSE, atol=1e-9, equal_nan=True)


def _flags(observations: Observations, site: str, hours: Array) -> Array:
    inside = np.isin(hours, timestamps.to_ns(observations.index))
    found = np.zeros(len(hours))
    found[inside] = observations.flags_at(site, hours[inside])
    return found


def _capacity(observations: Observations, site: str, hours: Array) -> Array:
    if not observations.capacities:
        return np.full(len(hours), np.nan)
    return observations.available_capacity_at(site, hours, outside="missing")


def _compare_weather(then: Any, now: Any, moment: np.datetime64) -> None:
    for name, data in now.items():
        if name not in then:
            raise SchemaError(
                f"The weather model {name!r} is not in the copy.",
                f"It must be one of {list(then)}.",
                "Give the same weather models.",
            )
        axis = "time" if is_analysis(data) else "init_time"
        copy = then[name].reindex_like(data[[axis, "site"]])
        begin = timestamps.to_ns(then[name][axis].values).min()
        known = (data["available_time"] <= moment) & (data[axis] >= begin)
        for variable in map(str, data.data_vars):
            if variable in copy:
                _compare_variable(copy[variable], data[variable], known, variable, moment)


def _compare_variable(
    old: xr.DataArray, new: xr.DataArray, known: xr.DataArray, variable: str, moment: np.datetime64
) -> None:
    old, mask = (item.broadcast_like(new).transpose(*new.dims) for item in (old, known))
    differ = mask.values & np.isfinite(new.values) & ~_close(old.values, new.values)
    if differ.any():
        at = tuple(np.argwhere(differ)[0])
        axis = new.dims.index("time" if "time" in new.dims else "init_time")
        stamp = new[new.dims[axis]].values[at[axis]]
        place = str(new["site"].values[at[new.dims.index("site")]])
        run = np.datetime_as_string(np.datetime64(stamp, "ns"), unit="m").replace("T", " ")
        _refuse(
            f"{variable} of {place!r} of the run of {run} UTC was {_number(float(old.values[at]))}, and is "
            f"{_number(float(new.values[at]))}",
            moment,
            int(differ.sum()),
        )
