"""Measured power and demand: UTC, interval-beginning, MW, with the time at which each was published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast import checks, times
from energyforecast.errors import MissingDataError, SchemaError, TimeError, UnitsError
from energyforecast.variables import UNFIT, Flag

__all__ = ["Lag", "Observations", "estimate_lag", "read_power"]

Floats = npt.NDArray[np.float64]
_MEGAWATTS: Final = {"W": 1e-6, "kW": 1e-3, "MW": 1.0, "GW": 1e3}


@dataclass(frozen=True, eq=False, repr=False)
class Observations:
    """Observed power of one or several sites, and when it was known.

    Parameters
    ----------
    values : DataFrame
        Indexed by the beginnings of regular intervals in UTC, a column a site. What was not measured
        is NaN; small negative power (auxiliary use) is kept. [MW]
    published_after : str or timedelta
        Delay after the END of an interval at which its value is published, e.g. ``"2h"``.
    published_time : DataFrame
        In place of a delay: the time in UTC at which each value was published (NaT: never).
    flags : DataFrame of int, optional
        Bits of :class:`energyforecast.variables.Flag`.
    available_capacity : DataFrame, optional
        Capacity in service. [MW]
    frequency : str or timedelta, optional
        Length of an interval; read from the index where there is more than one row.

    Raises
    ------
    SchemaError, TimeError
        If the frames are not as described.
    MissingDataError
        If nothing says when the values were published.

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
    available_capacity: pd.DataFrame | None = None
    frequency: Any = None

    def __post_init__(self) -> None:
        given = None if self.frequency is None else times.duration(self.frequency)
        frequency = checks.check_frame(self.values, label="observations", frequency=given)
        values = _plain(self.values, "observations")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "frequency", frequency)
        if (self.published_after is None) == (self.published_time is None):
            raise MissingDataError(
                f"Observations with published_after={self.published_after!r} and "
                f"published_time={'given' if self.published_time is not None else None}.",
                "Exactly one of them says when the values became known.",
                "Give published_after='2h' for a fixed delay after the end of each interval.",
            )
        if self.published_after is not None:
            delay = times.duration(self.published_after)
            if delay < pd.Timedelta(0):
                raise TimeError(
                    f"published_after is {delay}.",
                    "A value is published after its interval.",
                    "Give a delay >= 0.",
                )
            object.__setattr__(self, "published_after", delay)
        for name in ("published_time", "flags", "available_capacity"):
            frame = getattr(self, name)
            if frame is not None:
                object.__setattr__(self, name, _aligned(frame, values, name))
        self._check_published()

    def _check_published(self) -> None:
        if self.published_time is None:
            return
        ends = times.to_ns(self.values.index) + self.frequency.to_timedelta64()
        early = np.argwhere(self.published < ends[:, None])
        if len(early):
            row, column = early[0]
            raise TimeError(
                f"published_time of site {self.values.columns[column]!r} at {self.values.index[row]} is "
                f"{self.published[row, column]}, before the interval ends.",
                "A mean over an interval is published after its end.",
                "Check that published_time is in UTC and that the labels are beginnings.",
            )

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(self.values.columns)

    @property
    def index(self) -> pd.DatetimeIndex:
        """Beginnings of the intervals, in UTC."""
        return pd.DatetimeIndex(self.values.index)

    @property
    def published(self) -> times.Times:
        """When each value was published, shape (rows, sites); NaT for never."""
        if self.published_time is not None:
            return np.column_stack([times.to_ns(self.published_time[name]) for name in self.sites])
        delay = self.frequency.to_timedelta64() + self.published_after.to_timedelta64()
        return np.repeat((times.to_ns(self.index) + delay)[:, None], len(self.sites), axis=1)

    @property
    def unfit(self) -> pd.DataFrame:
        """Cells whose flags set them aside, shape (rows, sites)."""
        if self.flags is None:
            return pd.DataFrame(False, index=self.values.index, columns=self.values.columns)
        return (self.flags & int(UNFIT)) != 0

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, key: Any) -> Observations:
        if isinstance(key, str):
            key = [key] if key in self.sites else slice(*self._whole(key))
        if isinstance(key, slice):
            return self._select(lambda frame: frame.loc[key])
        absent = [name for name in key if name not in self.sites]
        if absent:
            raise SchemaError(
                f"There is no site {absent[0]!r} among {list(self.sites)}.",
                "Sites are chosen by name.",
                "Correct the name.",
            )
        return self._select(lambda frame: frame[list(key)])

    def _whole(self, name: str) -> tuple[pd.Timestamp, pd.Timestamp]:
        start, end = times.period(name)
        return start, max(start, end - pd.Timedelta(1, "ns"))

    def _select(self, choose: Any) -> Observations:
        frames: dict[str, Any] = {
            name: None if getattr(self, name) is None else choose(getattr(self, name))
            for name in ("published_time", "flags", "available_capacity")
        }
        return replace(self, values=choose(self.values), **frames)

    def resample(self, frequency: str | timedelta) -> Observations:
        """Means over longer intervals, NaN and flagged ``INCOMPLETE`` where a part is missing.

        Parameters
        ----------
        frequency : str or timedelta
            A multiple of the present one.

        Examples
        --------
        >>> index = pd.date_range("2024-01-01", periods=12, freq="10min", tz="UTC")
        >>> frame = pd.DataFrame({"farm": [6.0] * 11 + [float("nan")]}, index=index)
        >>> Observations(frame, published_after="1h").resample("1h").values["farm"].tolist()
        [6.0, nan]
        """
        longer = times.duration(frequency)
        parts = longer / self.frequency
        if parts != int(parts):
            raise TimeError(
                f"{longer} is not a multiple of {self.frequency}.",
                "Intervals are joined whole.",
                "Choose a multiple of the present frequency.",
            )
        groups = self.values.resample(longer)
        complete = groups.count() == int(parts)
        flags = _joined_flags(self, longer) | (~complete).astype("int64") * int(Flag.INCOMPLETE)
        latest = None if self.published_time is None else _latest(self.published_time, longer, int(parts))
        capacity = (
            None if self.available_capacity is None else self.available_capacity.resample(longer).mean()
        )
        return replace(
            self,
            values=groups.mean().where(complete),
            flags=flags,
            published_time=latest,
            available_capacity=capacity,
            frequency=longer,
        )

    def __repr__(self) -> str:
        missing = int(self.values.isna().to_numpy().sum())
        flagged = 0 if self.flags is None else int((self.flags != 0).to_numpy().sum())
        known = (
            f"after {_short(self.published_after)}" if self.published_time is None else "at recorded times"
        )
        return (
            f"Observations of {', '.join(self.sites)}: {len(self)} x {_short(self.frequency)} from "
            f"{self.index[0]:%Y-%m-%d %H:%M} UTC, {missing} missing, {flagged} flagged, published {known}"
        )


def _latest(published: pd.DataFrame, longer: pd.Timedelta, parts: int) -> pd.DataFrame:
    """When the last part was published; never, if a part never was or is not there."""
    groups = published.resample(longer)
    return groups.max().where(groups.count() == parts)


def _short(length: pd.Timedelta) -> str:
    minutes = length / pd.Timedelta("1min")
    return f"{minutes / 60:g}h" if minutes % 60 == 0 else f"{minutes:g}min"


def _joined_flags(observations: Observations, frequency: pd.Timedelta) -> pd.DataFrame:
    if observations.flags is None:
        shape = observations.values.resample(frequency).count()
        return pd.DataFrame(0, index=shape.index, columns=shape.columns, dtype="int64")
    bits = [int(flag) for flag in Flag]
    return sum(
        ((observations.flags & bit) != 0).resample(frequency).max().astype("int64") * bit for bit in bits
    )


def _plain(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    try:
        values = frame.astype("float64")
    except (ValueError, TypeError) as error:
        raise SchemaError(
            f"{label} hold {sorted({str(kind) for kind in frame.dtypes})}: {error}",
            "Every column is numeric, in MW.",
            "Convert text to numbers; what was not measured is NaN.",
        ) from error
    infinite = np.argwhere(np.isinf(values.to_numpy()))
    if len(infinite):
        row, column = infinite[0]
        raise SchemaError(
            f"{label} of site {frame.columns[column]!r} is infinite at {frame.index[row]}.",
            "Values are finite, or NaN where nothing was measured.",
            "Replace infinities by NaN.",
        )
    values.columns = pd.Index([str(name) for name in frame.columns])
    values.index = times.to_index(frame.index)
    return values


def _aligned(frame: pd.DataFrame, values: pd.DataFrame, name: str) -> pd.DataFrame:
    result = frame.copy()
    result.columns = pd.Index([str(column) for column in frame.columns])
    if isinstance(frame.index, pd.DatetimeIndex) and frame.index.tz is not None:
        result.index = times.to_index(frame.index)
    if not (result.index.equals(values.index) and list(result.columns) == list(values.columns)):
        raise SchemaError(
            f"{name} has {len(frame)} rows and the columns {list(frame.columns)}.",
            f"It has the index and the columns of the values ({len(values)} rows, {list(values.columns)}).",
            "Reindex it: frame.reindex(index=values.index, columns=values.columns).",
        )
    return result


def read_power(
    source: str | Path | pd.DataFrame | pd.Series,
    *,
    unit: Literal["W", "kW", "MW", "GW"],
    timezone: str,
    label: Literal["beginning", "ending"],
    published_after: str | timedelta,
    time: str | None = None,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    frequency: str | timedelta | None = None,
) -> Observations:
    """Power or demand from a CSV file, a parquet file or a frame; nothing about it is guessed.

    Parameters
    ----------
    source : path, DataFrame or Series
        The measurements.
    unit : {"W", "kW", "MW", "GW"}
        Their unit.
    timezone : str
        Zone of the clock that stamped them, ``"UTC"`` or ``"fixed:+06:00"``; used where the stamps
        carry no offset.
    label : {"beginning", "ending"}
        Which end of its interval a stamp names.
    published_after : str or timedelta
        Delay after the end of an interval at which its value is known.
    time : str, optional
        Column of the stamps; the first column of a file, the index of a frame.
    columns : mapping or sequence, optional
        Columns to read, or a mapping from column to site; all numeric columns by default.
    frequency : str or timedelta, optional
        Length of an interval; the most frequent step by default.

    Returns
    -------
    Observations
        Regular, in MW and UTC; gaps of the logger are NaN.

    Raises
    ------
    TimeError
        If stamps are doubled, or hours of a clock change cannot be told apart.
    UnitsError, SchemaError
        If the unit is unknown, or a column is not there.

    Examples
    --------
    >>> wall = ["2024-02-29 22:00", "2024-02-29 23:00", "2024-02-29 23:00", "2024-03-01 00:00"]
    >>> frame = pd.DataFrame({"farm": [100.0, 200.0, 300.0, 400.0]}, index=pd.DatetimeIndex(wall))
    >>> read_power(frame, unit="kW", timezone="Asia/Almaty", label="beginning", published_after="2h")
    Observations of farm: 4 x 1h from 2024-02-29 16:00 UTC, 0 missing, 0 flagged, published after 2h
    """
    if unit not in _MEGAWATTS:
        raise UnitsError(
            f"The unit {unit!r} is unknown.", f"It is one of {list(_MEGAWATTS)}.", "Choose one of them."
        )
    if label not in ("beginning", "ending"):
        raise SchemaError(
            f"label={label!r}.", "It is 'beginning' or 'ending'.", "Say which end a stamp names."
        )
    frame = _renamed(_indexed(_loaded(source), time), columns)
    index = times.localise(_stamps(frame.index), timezone=timezone)
    values = _plain(frame.set_axis(index, axis=0), "power") * _MEGAWATTS[unit]
    step = _step(values, frequency)
    checks.check_rising_times(pd.DatetimeIndex(values.index), "power")
    if label == "ending":
        values.index = values.index - step
    regular = pd.date_range(values.index[0], values.index[-1], freq=step)
    stray = values.index.difference(regular)
    if len(stray):
        raise TimeError(
            f"power has a stamp at {stray[0]}, off the grid of {step} that begins at {values.index[0]}.",
            "Stamps lie on a regular grid; whole intervals may be absent.",
            "Give frequency=..., or round the stamps where the logger's clock trembles.",
        )
    return Observations(values.reindex(regular), published_after=published_after, frequency=step)


def _loaded(source: str | Path | pd.DataFrame | pd.Series) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        return source
    if isinstance(source, pd.Series):
        return source.to_frame(source.name if source.name is not None else "power")
    path = Path(source)
    if not path.exists():
        raise MissingDataError(
            f"There is no file {path}.", "The measurements are in a file.", "Check the path."
        )
    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except pd.errors.EmptyDataError as error:
        raise MissingDataError(f"{path} is empty.", "It has a header and rows.", "Check the file.") from error
    return frame.set_index(frame.columns[0]) if isinstance(frame.index, pd.RangeIndex) else frame


def _indexed(frame: pd.DataFrame, time: str | None) -> pd.DataFrame:
    if time is None or time == frame.index.name:
        return frame
    plain = frame.reset_index()
    if time not in plain.columns:
        raise SchemaError(
            f"There is no column {time!r} among {list(plain.columns)}.",
            "`time` names the stamps.",
            "Correct the name.",
        )
    return plain.set_index(time)


def _renamed(frame: pd.DataFrame, columns: Mapping[str, str] | Sequence[str] | None) -> pd.DataFrame:
    if columns is None:
        return frame.select_dtypes("number")
    names = dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns}
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise SchemaError(
            f"There is no column {absent[0]!r} among {list(frame.columns)}.",
            "`columns` names columns of the source.",
            "Correct the name.",
        )
    return frame[list(names)].rename(columns=names)


def _stamps(index: pd.Index) -> pd.DatetimeIndex:
    if isinstance(index, pd.DatetimeIndex):
        return index
    if pd.api.types.is_numeric_dtype(index) and len(index):
        raise TimeError(
            f"The stamps are numbers: {index[0]}.",
            "Stamps are written like '2024-03-01 00:00', or are datetimes.",
            "Give time='<column of the stamps>', or convert them with pandas.to_datetime(..., unit=...).",
        )
    try:
        # Only ISO 8601: guessing whether the day or the month comes first is how months get exchanged.
        return pd.DatetimeIndex(pd.to_datetime(index, format="ISO8601", utc=_has_offset(index)))
    except (ValueError, TypeError) as error:
        raise TimeError(
            f"The stamps cannot be read: {error}",
            "Stamps are written like '2024-03-01 00:00', optionally with an offset.",
            "Convert them with pandas.to_datetime(..., format=...) and give the frame.",
        ) from error


def _has_offset(index: pd.Index) -> bool:
    first = str(index[0]) if len(index) else ""
    return first.endswith("Z") or "+" in first[10:] or "-" in first[10:]


def _step(values: pd.DataFrame, frequency: str | timedelta | None) -> pd.Timedelta:
    if frequency is not None:
        return times.duration(frequency)
    if len(values) < 2:
        raise TimeError(
            "The source has fewer than two rows.", "The frequency is known.", "Give frequency='1h'."
        )
    steps = np.diff(times.to_ns(values.index))
    lengths, counts = np.unique(steps[steps > np.timedelta64(0)], return_counts=True)
    if not len(lengths):
        raise TimeError("All stamps are the same.", "Times rise.", "Check the column of the stamps.")
    return pd.Timedelta(lengths[counts.argmax()]).as_unit("ns")


@dataclass(frozen=True)
class Lag:
    """By how much one series comes after another, with its standard error.

    Parameters
    ----------
    minutes : float
        Positive if the measured series comes late.
    standard_error : float
        From a jackknife over blocks of time. [minutes]
    correlation : float
        At the best lag.

    Examples
    --------
    >>> Lag(minutes=60.0, standard_error=3.0, correlation=0.8).certain
    True
    >>> Lag(minutes=60.0, standard_error=3.0, correlation=0.1).certain
    False
    """

    minutes: float
    standard_error: float
    correlation: float

    @property
    def certain(self) -> bool:
        """Whether the series are related well enough for the lag to mean something."""
        return self.correlation > 0.4 and self.standard_error < 15.0


def estimate_lag(measured: Floats, shifted: Floats, *, step: pd.Timedelta, blocks: int = 24) -> Lag | None:
    """Lag of a measured series against what was expected, from correlations at whole steps.

    Parameters
    ----------
    measured : array, shape (n,)
        Measured values in order of time; NaN is left out.
    shifted : array, shape (n, 2 K + 1)
        Expected values at K steps before to K steps after the time of the measured one.
    step : Timedelta
        Length of a step.
    blocks : int
        Blocks of the jackknife.

    Returns
    -------
    Lag or None
        ``None`` if there are fewer than 20 rows in each block.

    Notes
    -----
    The peak of the correlation is refined by a parabola through its three highest neighbours.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> wind = np.convolve(rng.normal(size=3000), np.ones(12) / 12, mode="same")
    >>> shifts = np.column_stack([np.roll(wind, -k) for k in range(-3, 4)])
    >>> round(estimate_lag(np.roll(wind, 1), shifts, step=pd.Timedelta("1h")).minutes)
    60
    """
    keep = np.isfinite(measured) & np.isfinite(shifted).all(axis=1)
    y, x = measured[keep], shifted[keep]
    if len(y) < 20 * blocks:
        return None
    block = np.arange(len(y)) * blocks // len(y)
    terms = np.concatenate(
        [np.ones((len(y), 1)), y[:, None], (y**2)[:, None], x, x**2, x * y[:, None]], axis=1
    )
    sums = np.add.reduceat(terms, np.searchsorted(block, np.arange(blocks)), axis=0)
    total = sums.sum(axis=0)
    width = shifted.shape[1]
    minutes = step / pd.Timedelta("1min")
    best, correlation = _peak(total, width)
    left_out = np.array([_peak(total - part, width)[0] for part in sums])
    error = np.sqrt((blocks - 1) / blocks * ((left_out - left_out.mean()) ** 2).sum())
    # Expected values at +k steps that fit best mean that the measured stamps come k steps early.
    return Lag(-best * minutes, float(error) * minutes, correlation)


def _peak(sums: Floats, width: int) -> tuple[float, float]:
    n, y, yy = sums[0], sums[1] / sums[0], sums[2] / sums[0]
    x, xx, xy = (sums[3 + k * width : 3 + (k + 1) * width] / n for k in range(3))
    spread = np.sqrt(np.maximum((xx - x**2) * (yy - y**2), 1e-300))
    correlation = (xy - x * y) / spread
    top = int(correlation.argmax())
    inner = min(max(top, 1), width - 2)
    before, at, after = correlation[inner - 1 : inner + 2]
    curve = before - 2 * at + after
    refined = 0.5 * (before - after) / curve if curve < 0 else 0.0
    position = inner + refined if inner == top else float(top)
    return float(position - width // 2), float(correlation[top])
