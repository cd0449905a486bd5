"""Measurements as they were known before: a clock or a unit that changed overnight, and answers for lost values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.variables import Flag
from energyforecast.core.wording import short
from energyforecast.errors import TimeError, UnitsError, WrongDataError

__all__ = ["RECENT", "Answered", "answered", "changed", "refuse_changes"]

#: Time before the issue over which measurements are compared with those known before.
RECENT: Final = "30D"
#: Hours that both must have, of which so many differ from the hour before.
_COMMON: Final = 24
_VARIED: Final = 12
#: Share of hours with equal values that shows a clock or a unit; below the smaller one the values are others.
_ALIKE: Final = 0.9
_OTHER: Final = 0.5
#: Longest shift of a clock that is looked for.
_SHIFT: Final = pd.Timedelta("26h")
#: Factors between units of power and energy: of thousands, and of the intervals in an hour.
_FACTORS: Final = (1e3, 1e-3, 1e6, 1e-6, 1e9, 1e-9, 2.0, 0.5, 4.0, 0.25, 6.0, 1 / 6, 12.0, 1 / 12, -1.0)

Bools = npt.NDArray[np.bool_]


def refuse_changes(power: pd.Series, known: pd.Series, *, site: str) -> None:
    """Refuse measurements that are those known before by another clock, or in another unit.

    Corrections of single values are none: at most half of the values that both have may be equal by the hour, and
    nine in ten must be equal by another clock or unit.

    Parameters
    ----------
    power, known : Series
        Of one site, by the beginnings of intervals of one length, in UTC. [MW]
    site : str
        Its name.

    Raises
    ------
    TimeError
        With the shift.
    UnitsError
        With the factor.

    Examples
    --------
    >>> hours = pd.date_range("2024-03-01", periods=72, freq="1h", tz="UTC")
    >>> known = pd.Series(np.arange(72.0) ** 2 % 17, index=hours)
    >>> refuse_changes(known.shift(1), known, site="farm")
    Traceback (most recent call last):
        ...
    energyforecast.errors.TimeError: The measurements of 'farm' come 1h later than before, in 66 of 66 hours.
    The clock of a file must not change.
    Check the zone and the label of the meter's stamps.
    >>> refuse_changes(known[:"2024-03-03"], known, site="farm")
    """
    known = known.dropna()
    at_once = _equal(power, known, pd.Timedelta(0))
    if at_once is None or at_once[0] > _OTHER * at_once[1]:
        return
    step = known.index[1:].min() - known.index[0] if len(known) > 1 else _SHIFT
    for shift in sorted((k * step for k in range(-int(_SHIFT / step), int(_SHIFT / step) + 1)), key=abs):
        same = _equal(power, known, shift)
        if shift and same is not None and same[0] >= _ALIKE * same[1]:
            way = "later" if shift > pd.Timedelta(0) else "earlier"
            raise TimeError(
                f"The measurements of {site!r} come {short(abs(shift))} {way} than before, in {same[0]} of {same[1]} "
                "hours.",
                "The clock of a file must not change.",
                "Check the zone and the label of the meter's stamps.",
            )
    for factor in _FACTORS:
        same = _equal(power / factor, known, pd.Timedelta(0))
        if same is not None and same[0] >= _ALIKE * same[1]:
            raise UnitsError(
                f"The measurements of {site!r} are {factor:g} times those known before, "
                f"in {same[0]} of {same[1]} hours.",
                "The unit of a file must not change.",
                "Correct the unit of the configuration, if it is that of all rows now.",
            )


def _equal(power: pd.Series, known: pd.Series, shift: pd.Timedelta) -> tuple[int, int] | None:
    """Number of equal values, and of all that both have; None where too few are there or vary."""
    other = power.dropna()
    other = other.set_axis(other.index - shift).reindex(known.index)
    both = other.notna().to_numpy()
    a, b = other.to_numpy()[both], known.to_numpy()[both]
    changes = np.flatnonzero(np.diff(b) != 0)
    if len(b) < _COMMON or len(changes) < _VARIED:
        return None
    # Nights and calms are alike by any clock: hours that differ from the one before count alone.
    a, b = a[changes + 1], b[changes + 1]
    return int(np.isclose(a, b, rtol=1e-4, atol=1e-9).sum()), len(b)


@dataclass(frozen=True)
class Answered:
    """Measurements, with the number of intervals by site that are answered as known before."""

    observations: Observations | None
    counts: dict[str, int]


def answered(
    power: Observations | None, known: Observations, *, site: str, whole: bool, last: pd.Timestamp | None
) -> Answered:
    """Measurements with the lost values of one site as they were known before.

    That is: all of it, if `whole`, else cells with the flag UNREADABLE, and hours after the `last` row of a file that
    ends earlier than before. Values that a file gives as missing stay so: they were withdrawn.
    """
    if power is None:
        return Answered(known, {site: int(known.values[site].notna().sum())})
    sites = list(dict.fromkeys([*power.sites, site]))
    step = power.frequency
    if known.frequency != step or (known.index[0] - power.index[0]) % step:
        return Answered(power, {})
    index = power.index.union(known.index)
    index = pd.date_range(index[0], index[-1], freq=step)
    frames = _frames(power, index, sites)
    others = _frames(known, index, sites)
    taken = _taken(frames, site, last=last, whole=whole) & others["values"][site].notna().to_numpy()
    if not taken.any():
        return Answered(power, {})
    for name, frame in frames.items():
        frame[site] = frame[site].where(~taken, others[name][site])
    flags = frames["flags"].astype("int64")
    result = replace(
        power,
        values=frames["values"],
        published_after=None,
        published_time=frames["published"],
        flags=flags if flags.to_numpy().any() else None,
        available_capacity=power.capacities or None,
        frequency=step,
    )
    return Answered(result, {site: int(taken.sum())})


def _frames(power: Observations, index: pd.DatetimeIndex, sites: list[str]) -> dict[str, pd.DataFrame]:
    """Values, times of publication and flags on common axes."""
    published = {site: timestamps.to_index(power.published_at(site, power.index)) for site in power.sites}
    flags = {site: power.flags_at(site, power.index) for site in power.sites}
    frames = {
        "values": power.values,
        "published": pd.DataFrame(published, index=power.index),
        "flags": pd.DataFrame(flags, index=power.index),
    }
    frames = {name: frame.reindex(index=index, columns=sites) for name, frame in frames.items()}
    frames["flags"] = frames["flags"].where(frames["flags"].notna(), 0).astype("int64")
    zone = pd.DatetimeTZDtype("ns", "UTC")
    frames["published"] = frames["published"].astype(dict.fromkeys(sites, zone))
    return frames


def _taken(frames: dict[str, pd.DataFrame], site: str, *, last: pd.Timestamp | None, whole: bool) -> Bools:
    """Hours of a site that the file has lost."""
    values = frames["values"][site]
    if whole or last is None:
        return np.ones(len(values), dtype=bool)
    unreadable = (frames["flags"][site].to_numpy() & int(Flag.UNREADABLE)) != 0
    return np.asarray(values.isna().to_numpy() & (unreadable | np.asarray(values.index > last)))


def changed(power: Observations, known: Observations) -> dict[str, WrongDataError]:
    """Sites of which the clock or the unit changed, each with the error."""
    found: dict[str, WrongDataError] = {}
    if power.frequency != known.frequency:
        return found
    for site in set(power.sites) & set(known.sites):
        try:
            refuse_changes(power.values[site], known.values[site], site=site)
        except WrongDataError as error:
            found[site] = error
    return found
