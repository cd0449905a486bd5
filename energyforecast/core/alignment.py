"""Series that meet: of the same intervals, matched exactly, or brought together by a stated rule."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypeVar, cast, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import (
    Stepped,
    clock_of,
    frequency_of,
    refuse_intervals,
    refuse_step,
    shortest_step,
    zoned,
)
from energyforecast.core.observation_series import Observations, Outside
from energyforecast.core.scenario_set import Scenarios
from energyforecast.core.wording import intervals, short
from energyforecast.errors import RangeError, SchemaError, TimeError, one_of

__all__ = ["How", "align", "by_hour", "check_intervals", "finite_by_hour", "outcomes_at"]

Array = npt.NDArray[Any]
#: Rule by which a series is brought to other intervals.
How: TypeAlias = Literal["error", "mean", "sum", "weighted", "repeat"]
Series = TypeVar("Series", Observations, pd.Series, pd.DataFrame)


def align(a: Series, b: Stepped, *, how: How = "error", weights: pd.Series | None = None) -> Series:
    r"""Bring a series to the intervals of another.

    .. math::
        \bar a_t = \frac{1}{m} \sum_{k \in t} a_k, \qquad
        \Sigma a_t = \sum_{k \in t} a_k, \qquad
        \tilde a_t = \frac{\sum_{k \in t} w_k a_k}{\sum_{k \in t} w_k}

    over the m parts k of an interval t. An interval with a missing part is missing: there is no mean of three
    quarter-hours.

    Parameters
    ----------
    a : Observations, Series or DataFrame
        By the beginnings of intervals, with their zone.
    b : Forecast, Scenarios, Observations, Series or DataFrame
        Its intervals are taken, not its period.
    how : {"error", "mean", "sum", "weighted", "repeat"}
        Other intervals are refused by default. ``"mean"`` is for power, and for prices whose energy is even over the
        interval; ``"sum"`` for energy; ``"weighted"`` for prices of an uneven energy, such as that of the imbalance:
        the mean price then gives the same money. ``"repeat"`` takes a schedule or a price, which holds for
        its whole interval, into shorter ones. Power that was measured is never repeated.
    weights : Series, optional
        For ``"weighted"``: w at the intervals of `a`, at least 0, such as energies. Where their sum is 0 the plain
        mean is taken.

    Returns
    -------
    The type of `a`
        Incomplete intervals are NaN: flagged ``INCOMPLETE`` in observations, else counted in ``attrs["incomplete"]``.

    Raises
    ------
    TimeError
        If the intervals differ and ``how="error"``, if one is no whole multiple of the other, or if the length of an
        interval cannot be read from a single row.
    SchemaError
        If `how` is unknown or does not suit `a`.
    RangeError
        If a weight is below 0.

    See Also
    --------
    energyforecast.Observations.resample : Means over intervals of a given length.
    energyforecast.evaluation.align : Pairs of outcomes and forecasts.

    Examples
    --------
    >>> quarters = pd.date_range("2025-10-01", periods=8, freq="15min", tz="UTC")
    >>> hours = pd.Series(0.0, index=pd.date_range("2025-10-01", periods=2, freq="1h", tz="UTC"))
    >>> prices = pd.Series([80.0, 40.0, 40.0, 40.0, 50.0, 60.0, 70.0, None], index=quarters)
    >>> align(prices, hours, how="mean").tolist()
    [50.0, nan]
    >>> imbalance = pd.Series([3.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], index=quarters)  # [MWh]
    >>> align(prices, hours, how="weighted", weights=imbalance).tolist()
    [70.0, nan]
    >>> align(align(prices, hours, how="mean"), quarters.to_series(), how="repeat").tolist()[:4]
    [50.0, 50.0, 50.0, 50.0]
    """
    one_of("how", how, allowed=get_args(How))
    if not isinstance(a, Observations | pd.Series | pd.DataFrame):
        raise SchemaError(
            f"A {type(a).__name__} is to be brought to other intervals.",
            "Observations, a Series or a DataFrame can be; quantiles of a mean are not means of quantiles.",
            "Forecast with a task of the other frequency, or bring the measurements to that of the forecast.",
        )
    (given, first), (wanted, origin) = _grid(a), _grid(b)
    shift = np.timedelta64(int((origin - first).astype(np.int64)) % min(given, wanted).value, "ns")
    if given == wanted and not shift:
        return a
    if how == "error":
        refuse_intervals("The first series", given, wanted, first=first, other=origin)
    if how == "repeat":
        return cast(Series, _repeated(a, given, wanted, shift))
    if wanted % given or shift or wanted == given:
        refuse_intervals("The first series", given, wanted, first=first, other=origin)
    if isinstance(a, Observations):
        if how != "mean":
            raise SchemaError(
                f"Observations are to be brought to longer intervals by how={how!r}.",
                "They are power in MW, which is averaged.",
                'Give how="mean"; sum energies [MWh] as a Series.',
            )
        return a.resample(wanted, timezone=clock_of(origin, wanted))
    return cast(Series, _joined(a, wanted // given, wanted, origin, how, weights))


def _joined(
    values: Any, parts: int, wanted: pd.Timedelta, origin: np.datetime64, how: str, weights: pd.Series | None
) -> Any:
    """Means or sums of whole intervals."""
    stamps = timestamps.to_ns(values.index)
    begins = origin + (stamps - origin) // wanted.to_timedelta64() * wanted.to_timedelta64()
    labels = timestamps.to_index(begins).tz_convert(values.index.tz).rename(values.index.name)

    def total(items: Any) -> Any:
        return items.groupby(labels).sum(min_count=parts)

    sums = total(values)
    if how == "mean":
        sums = sums / parts
    elif how == "weighted":
        known = _weights(weights, values)
        weight, plain = total(known), sums / parts
        weighted = total(values.mul(known, axis=0))
        sums = weighted.div(weight.where(weight > 0), axis=0).where(weight.gt(0), plain)
        sums[weight.isna()] = np.nan
    sums.attrs = dict(values.attrs) | {"incomplete": int(np.asarray(sums.isna()).sum())}
    return sums


def _weights(weights: pd.Series | None, values: Any) -> pd.Series:
    """Weights at the rows of a series, none below 0."""
    if weights is None:
        raise SchemaError(
            "how='weighted' is asked for without weights.",
            "Weights must be given at the intervals of the first series.",
            "Give weights=energies, such as (measured - scheduled).abs() / 4 of quarter-hours.",
        )
    known = by_hour(weights, pd.DatetimeIndex(values.index), name="weights", step=_grid(values)[0])
    if (known < 0).any():
        raise RangeError(
            f"A weight is {known[known < 0][0]:g}.",
            "Weights must be at least 0.",
            "Give sizes: weights.abs().",
        )
    return pd.Series(known, index=values.index)


def _repeated(values: Any, given: pd.Timedelta, wanted: pd.Timedelta, shift: np.timedelta64) -> Any:
    """Each value in every shorter interval of its own."""
    if isinstance(values, Observations):
        raise SchemaError(
            f"Observations of {short(given)} are to be repeated every {short(wanted)}.",
            "Power that was measured over an interval is not known in its parts.",
            f"Forecast and score intervals of {short(given)}.",
        )
    if given % wanted or shift or given == wanted:
        refuse_intervals("The first series", given, wanted)
    parts = given // wanted
    stamps = timestamps.to_ns(values.index)[:, None] + np.arange(parts) * wanted.to_timedelta64()
    result = values.iloc[np.repeat(np.arange(len(values)), parts)]
    result.index = timestamps.to_index(stamps.ravel()).tz_convert(values.index.tz)
    return result.rename_axis(values.index.name)


def _grid(series: Stepped) -> tuple[pd.Timedelta, np.datetime64]:
    """Length of an interval, and the beginning of the first."""
    if isinstance(series, Forecast):
        valid = series.data["valid_time"].values
        first = valid[~np.isnat(valid)][:1]
    elif isinstance(series, Scenarios):
        first = timestamps.to_ns(series.valid_times[:1])
    else:
        first = timestamps.to_ns(zoned(series.index, "a series")[:1])
    step = frequency_of(series)
    if step is None or not len(first):
        raise TimeError(
            f"A series has {len(first)} row{'' if len(first) else 's'}, and no frequency.",
            "The length of its interval must be known.",
            'Give more rows, or an index with a frequency: pd.date_range(..., periods=1, freq="1h", tz="UTC").',
        )
    return step, np.datetime64(first[0], "ns")


def by_hour(
    values: float | pd.Series,
    hours: pd.DatetimeIndex,
    *,
    name: str,
    step: pd.Timedelta | float | None = None,
) -> Array:
    """A value for each interval, which may repeat: one number for all, or a series that must hold each of them.

    A series of other intervals is refused. `step` is the length of an interval [h, or Timedelta]; by default the
    shortest distance of the hours.
    """
    if not isinstance(values, pd.Series):
        return np.full(len(hours), float(values))
    index = zoned(values.index, name)
    wanted, stamps = timestamps.to_ns(hours), timestamps.to_ns(index)
    length = shortest_step(wanted) if step is None else frequency_of(step)
    if length is not None:
        _check_series(stamps, wanted, length, name=name)
    place = pd.Index(stamps).get_indexer(pd.Index(wanted))
    absent = place < 0
    if absent.any():
        given = frequency_of(values)
        if given is not None and length is not None and given > length:
            refuse_intervals(f"The series of {name}", given, length)
        raise TimeError(
            f"The series of {name} lacks {int(absent.sum())} of {intervals(len(hours), length)}, the first "
            f"{hours[absent][0]}.",
            f"It ({intervals(len(values), given)} from {index.min()}) must hold all that are asked for.",
            "Give the values of all of them, or choose a shorter window.",
        )
    return np.asarray(values.to_numpy(dtype=float)[place])


def _check_series(
    stamps: timestamps.Times, wanted: timestamps.Times, length: pd.Timedelta, *, name: str
) -> None:
    """Refuse a series with values within the intervals that are asked for."""
    ordered = np.sort(stamps)
    after = np.searchsorted(ordered, wanted, side="right")
    within = after < np.searchsorted(ordered, wanted + length.to_timedelta64(), side="left")
    if within.any():
        given = shortest_step(ordered) or length
        refuse_intervals(f"The series of {name}", given, length, first=ordered[0], other=wanted[0])


def finite_by_hour(
    values: float | pd.Series,
    hours: pd.DatetimeIndex,
    *,
    name: str,
    step: pd.Timedelta | float | None = None,
) -> Array:
    """A value for each interval as :func:`by_hour`, none missing."""
    found = by_hour(values, hours, name=name, step=step)
    bad = np.flatnonzero(~np.isfinite(found))
    if bad.size:
        raise RangeError(
            f"The {name} is {found[bad[0]]} at {hours[bad[0]]} ({bad.size} intervals in all).",
            "It must be known in every interval that is asked for.",
            "Give a number for these intervals.",
        )
    return found


def outcomes_at(
    observed: Observations | pd.Series,
    hours: Any,
    *,
    site: str,
    step: pd.Timedelta | float | None,
    as_of: Any = None,
    outside: Outside = "error",
    include_flagged: bool = False,
) -> Array:
    """Observed power at intervals of a length [h, or Timedelta], of any shape; NaN where it is missing or flagged. [MW]

    Observations of other intervals are refused, whether or not hours outside may be missing.
    """
    if not isinstance(observed, Observations):
        return by_hour(observed, hours, name=f"outcomes of site {site!r}", step=step)
    stamps = timestamps.instants(hours)
    check_intervals(observed, stamps, step)
    return observed.value_at(site, stamps, as_of=as_of, outside=outside, include_flagged=include_flagged)


def check_intervals(
    observed: Observations, stamps: timestamps.Times, step: pd.Timedelta | float | None
) -> None:
    """Refuse observations of other intervals, or of intervals that begin at other minutes."""
    known = stamps[~np.isnat(stamps)]
    length = shortest_step(known) if step is None else frequency_of(step)
    if length is not None:
        refuse_step(observed.frequency, length, begin=known[:1])
    first, width = timestamps.to_ns(observed.index[:1])[0], observed.frequency.to_timedelta64()
    off = np.flatnonzero((known - first) % width != np.timedelta64(0, "ns"))
    if off.size:
        refuse_intervals(
            "Observations", observed.frequency, observed.frequency, first=first, other=known[off[0]]
        )
