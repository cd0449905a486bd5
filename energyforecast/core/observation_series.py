"""Measured power and demand: UTC, interval-beginning, MW, with publication times."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.available_capacity import (
    AvailableCapacity,
    Capacities,
    as_capacities,
    in_frame_of,
    latest_capacity,
    selected,
)
from energyforecast.core.observation_frames import (
    as_numbers,
    check_frame,
    joined,
    on_same_axes,
    one_for_each,
    outside_error,
    refuse_early,
)
from energyforecast.core.planned_operation import PlannedOperation
from energyforecast.core.variables import UNFIT
from energyforecast.core.wording import short
from energyforecast.errors import MissingDataError, SchemaError, TimeError, of_type, one_of

__all__ = ["Observations"]

Array = npt.NDArray[Any]
#: An hour that is no interval of the observations: an error, or a missing value.
Outside: TypeAlias = Literal["error", "missing"]


@dataclass(frozen=True, eq=False, repr=False)
class Observations:
    """Observed power of one or several sites, with the time at which each value was known.

    Parameters
    ----------
    values : DataFrame
        Indexed by the beginnings of regular intervals in UTC, a column a site. A value that was not
        measured is NaN; small negative power (auxiliary use) is kept. [MW]
    published_after : str or timedelta
        Latency after the END of an interval at which its value is published, e.g. ``"2h"``.
    published_time : DataFrame
        In place of a latency: the time in UTC at which each value was published (NaT: never).
    flags : DataFrame of int, optional
        Bits of :class:`energyforecast.core.variables.Flag`.
    available_capacity : DataFrame or AvailableCapacity, or several, optional
        Capacity in service: a frame is known as the values are. [MW]
    planned : PlannedOperation, optional
        Planned operation of consumers, in hours to come too.
    frequency : str or timedelta, optional
        Length of an interval; read from the index where there is more than one row.

    Raises
    ------
    SchemaError, TimeError
        If the frames are not as described.
    MissingDataError
        If neither or both of `published_after` and `published_time` are given.

    See Also
    --------
    value_at, energyforecast.read_power, energyforecast.flag_quality

    Notes
    -----
    It slices by time like its frame, ``power[:"2014-12"]``, and by name, ``power[["farm"]]``.

    Examples
    --------
    >>> index = pd.date_range("2024-01-01", periods=3, freq="1h", tz="UTC")
    >>> frame = pd.DataFrame({"farm": [1.0, 2.0, float("nan")]}, index=index)
    >>> power = Observations(frame, published_after="2h")
    >>> power
    Observations of farm: 3 x 1h from 2024-01-01 00:00 UTC, 1 missing, 0 flagged, published after 2h
    >>> power.published[0]
    array(['2024-01-01T03:00:00.000000000'], dtype='datetime64[ns]')
    """

    values: pd.DataFrame
    _: KW_ONLY
    published_after: Any = None
    published_time: pd.DataFrame | None = None
    flags: pd.DataFrame | None = None
    available_capacity: pd.DataFrame | Capacities = None
    planned: PlannedOperation | None = None
    frequency: Any = None

    def __post_init__(self) -> None:
        special = ("values", "available_capacity", "planned")
        plain = {name: value for name, value in vars(self).items() if name not in special}
        check_types(plain, of=type(self))  # the others have remedies of their own
        given = None if self.frequency is None else timestamps.duration(self.frequency)
        frequency = check_frame(self.values, label="observations", frequency=given)
        values = as_numbers(self.values, "observations")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "frequency", frequency)
        if (self.published_after is None) == (self.published_time is None):
            raise MissingDataError(
                f"Observations with published_after={self.published_after!r} and "
                f"published_time={'given' if self.published_time is not None else None}.",
                "Exactly one of them must give the time at which values became known.",
                "Give published_after='2h' for a fixed latency after the end of each interval.",
            )
        if self.published_after is not None:
            latency = timestamps.duration(self.published_after)
            if latency < pd.Timedelta(0):
                raise TimeError(
                    f"published_after is {latency}.",
                    "A value must be published after its interval.",
                    "Give a latency >= 0.",
                )
            object.__setattr__(self, "published_after", latency)
        for name in ("published_time", "flags"):
            frame = getattr(self, name)
            if frame is not None:
                object.__setattr__(self, name, on_same_axes(frame, values, name))
        object.__setattr__(self, "available_capacity", in_frame_of(values, self.available_capacity))
        if self.planned is not None:
            remedy = "Make it of a table: PlannedOperation(rows), or read a file by read_planned_operation."
            of_type("planned", self.planned, expected=PlannedOperation, remedy=remedy)
        if self.published_time is not None:
            refuse_early(self.published, values, frequency)

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(self.values.columns)

    @property
    def index(self) -> pd.DatetimeIndex:
        """Beginnings of the intervals, in UTC."""
        return pd.DatetimeIndex(self.values.index)

    @cached_property
    def published(self) -> timestamps.Times:
        """Publication time of each value, shape (rows, sites); NaT for never."""
        times = np.column_stack([self._published(name) for name in self.sites])
        times.flags.writeable = False  # every lag reads it
        return times

    def _published(self, site: str) -> timestamps.Times:
        """Publication time of each value of a site."""
        if self.published_time is not None:
            return timestamps.to_ns(self.published_time[site])
        latency = (self.frequency + self.published_after).to_timedelta64()
        return np.asarray(timestamps.to_ns(self.index) + latency)

    @property
    def unfit(self) -> pd.DataFrame:
        """Cells excluded by their flags from training and scores, shape (rows, sites)."""
        if self.flags is None:
            return pd.DataFrame(False, index=self.values.index, columns=self.values.columns)
        return (self.flags & int(UNFIT)) != 0

    def value_at(
        self,
        site: str,
        valid_time: Any,
        *,
        as_of: Any = None,
        include_flagged: bool = False,
        outside: Outside = "error",
    ) -> Array:
        """Observed power at given hours. [MW]

        Parameters
        ----------
        site : str
            Name of the site.
        valid_time : moment or array-like of moments
            Beginnings of intervals, of any shape; without a zone they are in UTC. They are matched exactly: neither
            the nearest hour nor one within the interval is taken.
        as_of : moment or array-like of moments, optional
            A value counts if it was published by then: one moment for all hours, or one for each (any shape that
            broadcasts to that of `valid_time`). By default every value counts.
        include_flagged : bool
            Whether values with flags of :data:`energyforecast.core.variables.UNFIT` count too.
        outside : {"error", "missing"}
            An hour that is no interval of the observations (before the first, after the last, between two, or NaT)
            is refused, or its value is missing.

        Returns
        -------
        array, of the shape of `valid_time`
            NaN where the value is missing, excluded by its flags, or was not published by `as_of`. [MW]

        Raises
        ------
        SchemaError
            If the site was not observed, or `as_of` has another shape.
        TimeError
            If an hour lies outside and ``outside="error"``, or is no moment.

        See Also
        --------
        published_at : Their publication times.
        available_capacity_at : Capacity in service at these hours.
        energyforecast.point_in_time.history.history_as_of : Lagged observations; goes back to the newest published one.

        Examples
        --------
        An hour's power is published two hours after its end: that of 01:00 at 04:00.

        >>> index = pd.date_range("2024-01-01", periods=3, freq="1h", tz="UTC")
        >>> power = Observations(pd.DataFrame({"farm": [5.0, 6.0, 7.0]}, index=index), published_after="2h")
        >>> power.value_at("farm", index[:2]).tolist()
        [5.0, 6.0]
        >>> power.value_at("farm", index, as_of="2024-01-01 04:00").tolist()
        [5.0, 6.0, nan]
        """
        check_types(locals(), of=Observations.value_at)
        row, inside = self._located(site, valid_time, outside)
        if not include_flagged and self.flags is not None:
            inside = inside & ((self.flags[site].to_numpy()[row] & int(UNFIT)) == 0)
        if as_of is not None:
            inside = inside & (
                self._published(site)[row] <= one_for_each(timestamps.instants(as_of), row.shape)
            )
        return np.where(inside, self.values[site].to_numpy()[row], np.nan)

    def published_at(self, site: str, valid_time: Any, *, outside: Outside = "error") -> timestamps.Times:
        """Publication times of the values of given hours; NaT for never.

        Arguments and errors are those of :meth:`value_at`; an hour outside that is not refused gives NaT.

        See Also
        --------
        value_at : The values themselves.

        Examples
        --------
        >>> from energyforecast.testing import example_observations
        >>> example_observations().published_at("farm", ["2024-01-01 08:00"])  # an hour after the end
        array(['2024-01-01T10:00:00.000000000'], dtype='datetime64[ns]')
        """
        row, inside = self._located(site, valid_time, outside)
        return np.where(inside, self._published(site)[row], np.datetime64("NaT", "ns"))

    def available_capacity_at(self, site: str, valid_time: Any, *, outside: Outside = "error") -> Array:
        """Capacity in service at given hours; NaN where it is not known. [MW]

        Arguments and errors are those of :meth:`value_at`; an hour outside that is not refused gives NaN.

        See Also
        --------
        value_at : The power at these hours.

        Examples
        --------
        >>> index = pd.date_range("2024-01-01", periods=2, freq="1h", tz="UTC")
        >>> frame = pd.DataFrame({"farm": [5.0, 6.0]}, index=index)
        >>> power = Observations(frame, published_after="2h", available_capacity=frame * 2)
        >>> power.available_capacity_at("farm", index).tolist()
        [10.0, 12.0]
        """
        _, inside = self._located(site, valid_time, outside)
        return np.where(inside, latest_capacity(self.capacities, site, valid_time), np.nan)

    @property
    def capacities(self) -> tuple[AvailableCapacity, ...]:
        """Capacity in service and limits, each with the time at which it was known."""
        known = {"published_after": self.published_after, "published_time": self.published_time}
        return as_capacities(self.available_capacity, frequency=self.frequency, **known)

    def flags_at(self, site: str, valid_time: Any) -> npt.NDArray[np.int64]:
        """Bits of :class:`energyforecast.core.variables.Flag` at given hours; 0 without flags.

        Arguments and errors are those of :meth:`value_at`; an hour outside is refused.

        See Also
        --------
        value_at : The values, some of which are excluded by flags.

        Examples
        --------
        >>> index = pd.date_range("2024-01-01", periods=2, freq="1h", tz="UTC")
        >>> frame = pd.DataFrame({"farm": [5.0, 6.0]}, index=index)
        >>> from energyforecast.core.variables import Flag
        >>> flags = pd.DataFrame({"farm": [0, int(Flag.CURTAILED)]}, index=index)
        >>> power = Observations(frame, published_after="2h", flags=flags)
        >>> [Flag(int(bits)).name for bits in power.flags_at("farm", index[1:])]
        ['CURTAILED']
        """
        row, _ = self._located(site, valid_time, "error")
        if self.flags is None:
            return np.zeros(row.shape, dtype=np.int64)
        return np.asarray(self.flags[site].to_numpy(dtype=np.int64)[row])

    def _located(
        self, site: str, valid_time: Any, outside: Outside
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Row of each hour (0 for an hour outside), and whether it is inside."""
        if site not in self.sites:
            raise SchemaError(
                f"Site {site!r} was not observed.", f"It must be in {list(self.sites)}.", "Rename the column."
            )
        wanted = timestamps.instants(valid_time)
        # NaT is the smallest of whole numbers: the difference overflows to beyond the last possible moment.
        since = wanted.view(np.int64) - timestamps.to_ns(self.index[:1]).view(np.int64)[0]
        row, rest = np.divmod(since, self.frequency.value)
        inside = (rest == 0) & (row >= 0) & (row < len(self))
        if outside != "missing" and not inside.all():
            raise outside_error(site, wanted[~inside], self.index, self.frequency)
        return np.where(inside, row, 0), inside

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, key: Any) -> Observations:
        if isinstance(key, str) and key in self.sites:
            key = [key]
        if isinstance(key, slice) or not pd.api.types.is_list_like(key):
            chosen = timestamps.label_slice(key) if isinstance(key, slice) else self._whole(key)
            return self._select(lambda frame: frame.loc[chosen])
        for name in key:
            one_of("The site", name, allowed=self.sites)
        return self._select(lambda frame: frame[list(key)])

    def _whole(self, name: Any) -> slice:
        try:
            return timestamps.label_slice(slice(name, name))
        except TimeError as error:
            if not isinstance(name, str) or re.match(r"\d+[.:/-]\d", name):
                raise
            raise SchemaError(
                f"{name!r} is neither a site nor a period.",
                f"It must be one of the sites {list(self.sites)}, or a period like '2024-03'.",
                "Correct the name.",
            ) from error

    def _select(self, choose: Any) -> Observations:
        frames: dict[str, Any] = {
            name: None if getattr(self, name) is None else choose(getattr(self, name))
            for name in ("published_time", "flags")
        }
        values = choose(self.values)
        frames["available_capacity"] = selected(self.available_capacity, choose, sites=values.columns)
        frames["planned"] = None if self.planned is None else self.planned.of_sites(values.columns)
        return replace(self, values=values, **frames)

    def resample(self, frequency: str | timedelta, *, timezone: str | None = None) -> Observations:
        """Means over longer intervals, NaN and flagged ``INCOMPLETE`` where a part is missing.

        Parameters
        ----------
        frequency : str or timedelta
            A multiple of the present one that divides a day.
        timezone : str, optional
            Clock on which the intervals begin, at whole multiples since midnight; UTC by default. Hours of India
            begin at half past the hour UTC. Days must have one.

        Raises
        ------
        TimeError
            If the intervals are no whole number of the present ones, or have different lengths on the clock.

        Examples
        --------
        >>> index = pd.date_range("2024-01-01", periods=12, freq="10min", tz="UTC")
        >>> frame = pd.DataFrame({"farm": [6.0] * 11 + [float("nan")]}, index=index)
        >>> Observations(frame, published_after="1h").resample("1h").values["farm"].tolist()
        [6.0, nan]
        """
        check_types(locals(), of=Observations.resample)
        longer = timestamps.duration(frequency)
        names = ("values", "flags", "published_time", "available_capacity")
        frames = {name: getattr(self, name) for name in names}
        return replace(
            self, frequency=longer, **joined(frames, step=self.frequency, longer=longer, timezone=timezone)
        )

    def __repr__(self) -> str:
        missing = int(self.values.isna().to_numpy().sum())
        flagged = 0 if self.flags is None else int((self.flags != 0).to_numpy().sum())
        known = f"after {short(self.published_after)}" if self.published_time is None else "at recorded times"
        named = ", ".join(self.sites[:3]) + (
            f" and {len(self.sites) - 3} more" if len(self.sites) > 3 else ""
        )
        return (
            f"Observations of {named}: {len(self)} x {short(self.frequency)} from "
            f"{self.index[0]:%Y-%m-%d %H:%M} UTC, {missing} missing, {flagged} flagged, published {known}"
        )
