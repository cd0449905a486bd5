"""Lengths of intervals, read from anything that has some, and the refusal of lengths that differ."""

from __future__ import annotations

from typing import Any, Final, NoReturn, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.scenario_set import Scenarios
from energyforecast.core.wording import minute, short
from energyforecast.errors import TimeError

__all__ = [
    "Stepped",
    "check_same_step",
    "check_series",
    "clock_of",
    "frequency_of",
    "refuse_intervals",
    "refuse_step",
    "shortest_step",
    "step_of",
    "zoned",
]

Array = npt.NDArray[Any]
#: Anything with intervals of one length.
Stepped: TypeAlias = Observations | Forecast | Scenarios | pd.Series | pd.DataFrame

_HOUR: Final = pd.Timedelta("1h")


def frequency_of(series: Stepped | pd.DatetimeIndex | pd.Timedelta | float) -> pd.Timedelta | None:
    """Length of an interval, given as such or in hours; None where it cannot be read from a single row."""
    if isinstance(series, pd.Timedelta):
        return series
    if isinstance(series, int | float):
        return pd.Timedelta(round(series * 3.6e12), "ns")
    if isinstance(series, Observations):
        return cast(pd.Timedelta, series.frequency)
    if isinstance(series, Forecast | Scenarios):
        written = series.data.attrs.get("frequency")
        axis = "lead_time" if isinstance(series, Forecast) else "valid_time"
        return (
            shortest_step(series.data[axis].values) if written is None else timestamps.duration(str(written))
        )
    index = series if isinstance(series, pd.DatetimeIndex) else series.index
    freq = getattr(index, "freq", None)
    if isinstance(freq, pd.offsets.Tick):
        return pd.Timedelta(freq).as_unit("ns")
    return shortest_step(timestamps.to_ns(index))


def step_of(hours: pd.DatetimeIndex | None) -> float:
    """Shortest distance of some hours; 1 h where there are fewer than two. [h]"""
    length = None if hours is None else shortest_step(timestamps.to_ns(hours))
    return 1.0 if length is None else length / _HOUR


def shortest_step(stamps: Array) -> pd.Timedelta | None:
    """Shortest distance of moments; None of fewer than two."""
    steps = np.diff(np.unique(stamps))
    return pd.Timedelta(steps.min()).as_unit("ns") if len(steps) else None


def zoned(index: pd.Index, name: str) -> pd.DatetimeIndex:
    """An index of moments with their zone, each once."""
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        raise TimeError(
            f"The series of {name} is indexed by {index.dtype}, without a time zone.",
            "A series must be indexed by the beginnings of intervals, with their zone.",
            'Use series.tz_localize("UTC"), or the zone of its clock.',
        )
    if index.has_duplicates:
        raise TimeError(
            f"The series of {name} holds {index[index.duplicated()][0]} twice.",
            "Each interval must appear once.",
            "Drop the doubled rows.",
        )
    return index


def check_series(given: pd.DatetimeIndex, wanted: pd.DatetimeIndex) -> None:
    """Refuse outcomes of other intervals than a forecast's, both by their beginnings."""
    lengths = [frequency_of(index) for index in (given, wanted)]
    if lengths[0] is not None and lengths[1] is not None and lengths[0] != lengths[1]:
        refuse_intervals("The series of outcomes", lengths[0], lengths[1])


def check_same_step(
    a: Stepped | pd.Timedelta | float, b: Stepped | pd.Timedelta | float, *, name: str, other: str
) -> None:
    """Refuse two forecasts, or a forecast and scenarios, of other intervals."""
    given, wanted = frequency_of(a), frequency_of(b)
    if given is not None and wanted is not None and given != wanted:
        raise TimeError(
            f"{name} has intervals of {short(given)}, {other} of {short(wanted)}.",
            "Both must have intervals of one length.",
            "Forecast both with one frequency: day_ahead(..., frequency=...), intraday(..., frequency=...).",
        )


def refuse_step(given: pd.Timedelta, wanted: pd.Timedelta, *, begin: timestamps.Times | None = None) -> None:
    """Refuse observations of other intervals than those that are asked for, the first of which is known or not."""
    if given != wanted:
        refuse_intervals(
            "Observations", given, wanted, other=None if begin is None or not len(begin) else begin[0]
        )


def refuse_intervals(
    name: str,
    given: pd.Timedelta,
    wanted: pd.Timedelta,
    *,
    first: np.datetime64 | None = None,
    other: np.datetime64 | None = None,
) -> NoReturn:
    """Error of two series with intervals of other lengths, or that begin at other minutes."""
    if given == wanted and first is not None and other is not None:
        raise TimeError(
            f"{name}, every {short(given)}, begins at {minute(first)} UTC; an interval is asked for that begins at "
            f"{minute(other)} UTC.",
            "Intervals that meet must begin at the same minutes of the hour.",
            "Check zone and label of the stamps; if both are right, give the series in shorter intervals and bring "
            'it together: energyforecast.align(series, forecast, how="mean").',
        )
    raise TimeError(
        f"{name} {'have' if name == 'Observations' else 'has'} intervals of {short(given)}, those that are asked for "
        f"have {short(wanted)}.",
        "Series that meet must have intervals of one length, which begin at the same minutes.",
        _remedy(name, given, wanted, other),
    )


def clock_of(begin: np.datetime64, length: pd.Timedelta) -> str:
    """Clock on which intervals of a length, of which one begins at a moment, begin at whole multiples of it."""
    ahead = -int(begin.astype("datetime64[ns]").astype(np.int64)) % length.value
    hours, minutes = divmod(ahead // 60_000_000_000, 60)
    return f"fixed:+{hours:02d}:{minutes:02d}" if ahead else "UTC"


def _remedy(name: str, given: pd.Timedelta, wanted: pd.Timedelta, begin: np.datetime64 | None) -> str:
    """Call that brings a series to the intervals that are asked for."""
    shorter, longer = wanted % given == pd.Timedelta(0), given % wanted == pd.Timedelta(0)
    if name == "Observations" and shorter:
        clock = "UTC" if begin is None else clock_of(begin, wanted)
        zone = "" if clock == "UTC" else f", timezone={clock!r}"
        return f"Use observations.resample('{short(wanted)}'{zone}): means, missing where a part is."
    if shorter:
        return 'Use energyforecast.align(series, forecast, how="mean"), of energies how="sum": missing where a part is.'
    if longer and (name == "Observations" or "outcomes" in name):
        return f"Forecast with frequency='{short(given)}', or give values of {short(wanted)}."
    if longer:
        return (
            'Use energyforecast.align(series, forecast, how="repeat"): the same in each part of an interval.'
        )
    both = pd.Timedelta(int(np.lcm(given.value, wanted.value)), "ns")
    return f"Bring both to intervals of {short(both)}, the shortest that hold whole ones of each."
