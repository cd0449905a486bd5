"""Power and demand from files and frames; nothing about them is guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from energyforecast.core import time_index, timestamps
from energyforecast.core.observation_frames import plain
from energyforecast.core.observation_series import Observations
from energyforecast.core.variables import Flag
from energyforecast.errors import (
    FileFormatError,
    MissingDataError,
    SchemaError,
    TimeError,
    UnitsError,
    one_of,
    require,
)
from energyforecast.observations.timestamps import Stamps

__all__ = ["observed", "read_demand", "read_power"]

Unit: TypeAlias = Literal["W", "kW", "MW", "GW", "Wh", "kWh", "MWh", "GWh"]
_Columns: TypeAlias = Mapping[str, str] | Sequence[str] | None

_MEGAWATTS: Final = {"W": 1e-6, "kW": 1e-3, "MW": 1.0, "GW": 1e3}
_COMMA: Final = r"-?\d+,\d+"


def read_power(
    source: str | Path | pd.DataFrame | pd.Series,
    *,
    unit: Unit,
    timezone: str,
    label: Literal["beginning", "ending"],
    published_after: str | timedelta | None,
    time: str | Sequence[str] | None = None,
    columns: _Columns = None,
    frequency: str | timedelta | None = None,
    period: str | None = None,
    periods_per_day: int = 48,
    time_format: str | None = None,
    encoding: str = "utf-8",
    decimal: str = ".",
    separator: str = ",",
    cumulative: bool = False,
    duplicates: Literal["error", "flag"] = "error",
    published_time: str | None = None,
    revisions: Literal["first", "last"] = "first",
    as_of: Any = None,
) -> Observations:
    r"""Power from a CSV file, a parquet file or a frame; nothing about it is guessed.

    Parameters
    ----------
    source : path, DataFrame or Series
        The measurements.
    unit : {"W", "kW", "MW", "GW", "Wh", "kWh", "MWh", "GWh"}
        Their unit; energies are those of an interval, or readings of a meter (`cumulative`).
    timezone : str
        Zone of the clock that stamped them, ``"UTC"`` or ``"fixed:+06:00"``; used where the stamps
        carry no offset.
    label : {"beginning", "ending"}
        Which end of its interval a stamp names.
    published_after : str, timedelta or None
        Delay after the end of an interval at which its value is known; ``None`` with `published_time`.
    time : str or sequence of str, optional
        Column of the stamps, or one of dates and one of times of day; by default the first column of a
        file, the index of a frame.
    columns : mapping or sequence, optional
        Columns to read, or a mapping from column to site; all numeric columns by default.
    frequency : str or timedelta, optional
        Length of an interval; the most frequent step by default.
    period : str, optional
        Column that counts the periods of the local day from 1 (settlement periods: 46, 48 or 50 a day);
        `time` then holds the date.
    periods_per_day : {24, 48, 96}
        Periods of a day without a clock change.
    time_format : str, optional
        Form of the stamps, e.g. ``"%d.%m.%Y %H:%M"``; ISO 8601 by default.
    encoding, decimal, separator : str
        Of a CSV file, e.g. ``"cp1251"``, ``","`` and ``";"``.
    cumulative : bool
        The values are readings of a meter, an energy that rises; where it falls (a new meter, or one that
        began again) the interval is missing.
    duplicates : {"error", "flag"}
        What to do with rows of the same stamp. ``"flag"`` keeps the first, and flags it ``DUPLICATE``
        where the others differ.
    published_time : str, optional
        Column with the time at which each row was published, in place of a delay.
    revisions : {"first", "last"}
        Which of several publications of an interval counts, with its own time. The first is what a
        forecaster saw; the last is better known, and later.
    as_of : str or moment, optional
        Only what was published by then.

    Returns
    -------
    Observations
        Regular, in MW and UTC; gaps of the logger are NaN.

    Raises
    ------
    TimeError
        If stamps are doubled, or hours of a clock change cannot be told apart.
    UnitsError, SchemaError, FileFormatError
        If the unit is unknown, a column is not there, or the file is of another form than said.

    Examples
    --------
    >>> wall = ["2024-02-29 22:00", "2024-02-29 23:00", "2024-02-29 23:00", "2024-03-01 00:00"]
    >>> frame = pd.DataFrame({"farm": [100.0, 200.0, 300.0, 400.0]}, index=pd.DatetimeIndex(wall))
    >>> read_power(frame, unit="kW", timezone="Asia/Almaty", label="beginning", published_after="2h")
    Observations of farm: 4 x 1h from 2024-02-29 16:00 UTC, 0 missing, 0 flagged, published after 2h

    A logger with Russian headers, its own form of dates, and decimal commas:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "scada.csv")
    ...     _ = file.write_text("Время;Мощность, кВт\n01.03.2024 00:00;1500,5\n01.03.2024 01:00;900,0\n", "cp1251")
    ...     power = read_power(
    ...         file,
    ...         unit="kW",
    ...         timezone="fixed:+06:00",
    ...         label="beginning",
    ...         published_after="2h",
    ...         columns={"Мощность, кВт": "farm"},
    ...         time_format="%d.%m.%Y %H:%M",
    ...         encoding="cp1251",
    ...         decimal=",",
    ...         separator=";",
    ...     )
    >>> power.values["farm"].tolist()
    [1.5005, 0.9]
    """
    factor, energy = _factor(unit, cumulative)
    one_of("label", label, allowed=("beginning", "ending"))
    one_of("duplicates", duplicates, allowed=("error", "flag"))
    one_of("revisions", revisions, allowed=("first", "last"))
    if cumulative and label != "ending":
        raise SchemaError(
            "Readings of a meter with label='beginning'.",
            "A reading is taken at the end of what it counts.",
            "Give label='ending'.",
        )
    table = _loaded(source, encoding=encoding, decimal=decimal, separator=separator)
    stamps = Stamps(
        timezone=timezone, time=time, period=period, periods_per_day=periods_per_day, form=time_format
    )
    index = stamps.of(table)
    spent = (*(stamps.used or (table.index.name,)), published_time)
    values = plain(_renamed(table, columns, spent).set_axis(index, axis=0), "power") * factor
    published = None if published_time is None else _moments(table, published_time, timezone)
    return observed(
        values,
        published=published,
        published_after=published_after,
        ending=label == "ending",
        frequency=frequency,
        energy=energy,
        cumulative=cumulative,
        duplicates=duplicates,
        revisions=revisions,
        as_of=as_of,
    )


def read_demand(
    source: str | Path | pd.DataFrame | pd.Series,
    *,
    unit: Unit,
    timezone: str,
    label: Literal["beginning", "ending"],
    published_after: str | timedelta | None,
    time: str | Sequence[str] | None = None,
    columns: _Columns = None,
    frequency: str | timedelta | None = None,
    period: str | None = None,
    periods_per_day: int = 48,
    time_format: str | None = None,
    encoding: str = "utf-8",
    decimal: str = ".",
    separator: str = ",",
    cumulative: bool = False,
    duplicates: Literal["error", "flag"] = "error",
    published_time: str | None = None,
    revisions: Literal["first", "last"] = "first",
    as_of: Any = None,
) -> Observations:
    """Demand from a CSV file, a parquet file or a frame; the parameters are those of :func:`read_power`.

    Returns
    -------
    Observations
        Regular, in MW and UTC; gaps are NaN.

    Raises
    ------
    TimeError, UnitsError, SchemaError, FileFormatError
        As :func:`read_power`.
    SchemaError
        Also if an area has no demand at all: all its values are 0 or below.

    Examples
    --------
    Great Britain's day of 50 half-hours: the date is a midnight, the period says when.

    >>> table = pd.DataFrame({"SETTLEMENT_DATE": "2023-10-29", "SETTLEMENT_PERIOD": range(1, 51), "ND": 20_000.0})
    >>> read_demand(
    ...     table,
    ...     unit="MW",
    ...     timezone="Europe/London",
    ...     label="beginning",
    ...     published_after="1h",
    ...     time="SETTLEMENT_DATE",
    ...     period="SETTLEMENT_PERIOD",
    ...     columns={"ND": "Great Britain"},
    ... )
    Observations of Great Britain: 50 x 30min from 2023-10-28 23:00 UTC, 0 missing, 0 flagged, published after 1h
    """
    demand = read_power(
        source,
        unit=unit,
        timezone=timezone,
        label=label,
        published_after=published_after,
        time=time,
        columns=columns,
        frequency=frequency,
        period=period,
        periods_per_day=periods_per_day,
        time_format=time_format,
        encoding=encoding,
        decimal=decimal,
        separator=separator,
        cumulative=cumulative,
        duplicates=duplicates,
        published_time=published_time,
        revisions=revisions,
        as_of=as_of,
    )
    for name in demand.sites:
        if demand.values[name].notna().any() and not (demand.values[name] > 0).any():
            raise SchemaError(
                f"The demand of {name!r} is never above 0; its largest value is {demand.values[name].max():g} MW.",
                "Consumption is positive.",
                "Turn the sign of the column, or choose another.",
            )
    return demand


def observed(
    values: pd.DataFrame,
    *,
    published_after: str | timedelta | None,
    published: pd.DatetimeIndex | None = None,
    ending: bool = False,
    frequency: str | timedelta | None = None,
    energy: bool = False,
    cumulative: bool = False,
    duplicates: Literal["error", "flag"] = "error",
    revisions: Literal["first", "last"] = "first",
    as_of: Any = None,
) -> Observations:
    """Observations from rows in any order, with revisions and gaps: what all readers end in.

    Parameters
    ----------
    values : DataFrame
        By stamps in UTC. [MW, or MWh if `energy`]
    published_after, frequency, cumulative, duplicates, revisions, as_of
        As in :func:`read_power`.
    published : DatetimeIndex, optional
        When each row was published.
    ending : bool
        Whether stamps name the ends of intervals.
    energy : bool
        Whether the values are energies of an interval.

    Returns
    -------
    Observations

    Examples
    --------
    A value that was published twice: first and last publication.

    >>> index = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 00:00"], tz="UTC")
    >>> rows = pd.DataFrame({"farm": [1.0, 2.0, 1.5]}, index=index)
    >>> published = pd.DatetimeIndex(["2024-01-01 02:00", "2024-01-01 03:00", "2024-01-05 00:00"], tz="UTC")
    >>> observed(rows, published=published, published_after=None).values["farm"].tolist()
    [1.0, 2.0]
    >>> observed(rows, published=published, published_after=None, revisions="last").values["farm"].tolist()
    [1.5, 2.0]
    """
    if published is not None:
        values, published = _one_revision(values, published, revisions, as_of)
    moments = None if published is None else pd.Series(published, index=values.index)
    values, moments, doubled = _one_row_a_stamp(values, moments, duplicates)
    step = _step(values, frequency)
    if cumulative:
        values = _differences(values, step)
    if energy:
        values = values / (step / pd.Timedelta("1h"))
    shift = step if ending else pd.Timedelta(0)
    regular = _regular(values.index - shift, step)
    whole = values.set_axis(values.index - shift, axis=0).reindex(regular)
    flags = pd.DataFrame(0, index=regular, columns=whole.columns)
    flags.loc[doubled - shift] = int(Flag.DUPLICATE)
    known = None
    if moments is not None:
        own = moments.set_axis(moments.index - shift).reindex(regular)
        known = pd.DataFrame(dict.fromkeys(whole.columns, own), index=regular)
    result = Observations(
        whole,
        published_after=published_after,
        published_time=known,
        flags=flags if len(doubled) else None,
        frequency=step,
    )
    return result if as_of is None or published is not None else _published_by(result, as_of)


def _factor(unit: str, cumulative: bool) -> tuple[float, bool]:
    """Factor to MW or MWh, and whether it is an energy."""
    power = unit.removesuffix("h")
    wanted = [f"{name}h" for name in _MEGAWATTS] + ([] if cumulative else list(_MEGAWATTS))
    one_of("unit of a meter" if cumulative else "unit", unit, allowed=wanted, error=UnitsError)
    return _MEGAWATTS[power], power != unit


def _loaded(
    source: str | Path | pd.DataFrame | pd.Series, *, encoding: str, decimal: str, separator: str
) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        return source
    if isinstance(source, pd.Series):
        return source.to_frame(source.name if source.name is not None else "power")
    path = Path(source)
    if not path.exists():
        raise MissingDataError(
            f"There is no file {path}.", "The measurements are in a file.", "Check the path."
        )
    frame = (
        _parquet(path)
        if path.suffix == ".parquet"
        else _csv(path, encoding=encoding, decimal=decimal, separator=separator)
    )
    return frame.set_index(frame.columns[0], drop=False) if isinstance(frame.index, pd.RangeIndex) else frame


def _parquet(path: Path) -> pd.DataFrame:
    require("pyarrow", extra="benchmark", purpose=f"{path} is a parquet file.")
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise FileFormatError(
            f"{path} cannot be read: {error}", "It is a whole parquet file.", "Check the file."
        ) from error


def _csv(path: Path, *, encoding: str, decimal: str, separator: str) -> pd.DataFrame:
    said = f"encoding={encoding!r}, separator={separator!r}, decimal={decimal!r}"
    try:
        frame = pd.read_csv(path, encoding=encoding, decimal=decimal, sep=separator, index_col=False)
    except pd.errors.EmptyDataError as error:
        raise MissingDataError(f"{path} is empty.", "It has a header and rows.", "Check the file.") from error
    except (UnicodeError, LookupError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise FileFormatError(
            f"{path} cannot be read with {said}: {error}",
            "A file has the form that is said of it.",
            "Say encoding='cp1251' or 'utf-8', separator=';' or decimal=',' as the file has it.",
        ) from error
    other = {";", "\t"} - {separator}
    if len(frame.columns) == 1 or any(set(str(name)) & other for name in frame.columns):
        raise FileFormatError(
            f"{path} has the columns {list(frame.columns)}, read with {said}.",
            "It has a column of stamps and columns of values.",
            "Give separator=';' or whatever stands between its columns.",
        )
    return frame


def _renamed(table: pd.DataFrame, columns: _Columns, spent: Sequence[str | None]) -> pd.DataFrame:
    if columns is None:
        rest = table.drop(columns=[name for name in spent if name in table.columns])
        _no_commas(rest)
        return rest.select_dtypes("number")
    names = dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns}
    absent = [name for name in names if name not in table.columns]
    if absent:
        raise SchemaError(
            f"There is no column {absent[0]!r} among {list(table.columns)}.",
            "`columns` names columns of the source.",
            "Correct the name.",
        )
    chosen = table[list(names)].rename(columns=names)
    _no_commas(chosen)
    return chosen


def _no_commas(table: pd.DataFrame) -> None:
    """Numbers with decimal commas are text to a reader who was not told."""
    for name in table.select_dtypes(exclude="number").columns:
        text = table[name].dropna().astype(str).str.strip()
        if len(text) and text.str.fullmatch(_COMMA).mean() > 0.5:
            raise SchemaError(
                f"The column {name!r} holds {text.iloc[0]!r}.",
                "Numbers are written with the decimal sign that is said.",
                "Give decimal=','.",
            )


def _moments(table: pd.DataFrame, name: str, timezone: str) -> pd.DatetimeIndex:
    if name not in table.columns:
        raise SchemaError(
            f"There is no column {name!r} among {list(table.columns)}.",
            "`published_time` names the column that says when a row was published.",
            "Correct the name.",
        )
    return Stamps(timezone=timezone, time=name).of(table)


def _one_revision(
    values: pd.DataFrame, published: pd.DatetimeIndex, revisions: str, as_of: Any
) -> tuple[pd.DataFrame, pd.DatetimeIndex]:
    """Of several publications of an interval the first or the last one that was known by a moment."""
    if as_of is not None:
        known = np.asarray(published <= timestamps.instant(as_of))
        values, published = values[known], published[known]
        if not len(values):
            raise MissingDataError(
                f"Nothing was published by {as_of}.", "There is at least one value.", "Give a later as_of."
            )
    order = np.lexsort((timestamps.to_ns(published), timestamps.to_ns(values.index)))
    values, published = values.iloc[order], published[order]
    same = pd.MultiIndex.from_arrays([values.index, published]).duplicated(keep=False)
    other = ~np.asarray(values.index.duplicated(keep=revisions))
    # Two rows of one stamp that were published at the same moment are no revisions but doubles.
    keep = other | same
    return values[keep], published[keep]


def _one_row_a_stamp(
    values: pd.DataFrame, published: pd.Series | None, duplicates: str
) -> tuple[pd.DataFrame, pd.Series | None, pd.DatetimeIndex]:
    """Rows in the order of time, and the stamps whose rows contradict each other."""
    if duplicates == "error" or not values.index.has_duplicates:
        time_index.check_rising_times(pd.DatetimeIndex(values.index), "power")
        return values, published, pd.DatetimeIndex([], tz="UTC")
    values = values.sort_index(kind="stable")
    spread = values.groupby(level=0).nunique(dropna=False).max(axis=1)
    once = ~np.asarray(values.index.duplicated())
    kept = None if published is None else published.sort_index(kind="stable")[once]
    return values[once], kept, pd.DatetimeIndex(spread.index[spread > 1])


def _differences(readings: pd.DataFrame, step: pd.Timedelta) -> pd.DataFrame:
    """What a meter counted up to each reading; missing after a gap, and where the reading falls."""
    before = readings.reindex(readings.index - step).set_axis(readings.index, axis=0)
    counted = (readings - before).iloc[1:]
    return counted.where(counted >= 0)


def _regular(index: pd.Index, step: pd.Timedelta) -> pd.DatetimeIndex:
    regular = pd.date_range(index[0], index[-1], freq=step)
    stray = index.difference(regular)
    if len(stray):
        raise TimeError(
            f"power has a stamp at {stray[0]}, off the grid of {step} that begins at {index[0]}.",
            "Stamps lie on a regular grid; whole intervals may be absent.",
            "Give frequency=..., or round the stamps where the logger's clock trembles.",
        )
    return regular


def _step(values: pd.DataFrame, frequency: str | timedelta | None) -> pd.Timedelta:
    if frequency is not None:
        return timestamps.duration(frequency)
    if len(values) < 2:
        raise TimeError(
            "The source has fewer than two rows.", "The frequency is known.", "Give frequency='1h'."
        )
    steps = np.diff(timestamps.to_ns(values.index))
    lengths, counts = np.unique(steps[steps > np.timedelta64(0, "ns")], return_counts=True)
    if not len(lengths):
        raise TimeError("All stamps are the same.", "Times rise.", "Check the column of the stamps.")
    return pd.Timedelta(lengths[counts.argmax()]).as_unit("ns")


def _published_by(power: Observations, as_of: Any) -> Observations:
    """Up to the last interval that was published by a moment."""
    assert power.published_after is not None
    last = timestamps.instant(as_of) - power.published_after - power.frequency
    if last < power.index[0]:
        raise MissingDataError(
            f"Nothing was published by {as_of}.", "There is at least one value.", "Give a later as_of."
        )
    return power[:last]
