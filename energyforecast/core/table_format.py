"""Form of a table file, for measurements, weather, external forecasts, configurations and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias

from energyforecast.errors import SchemaError, UnitsError, of_type, one_of

__all__ = ["FORMATS", "LABELS", "Ending", "TableFormat", "format_of"]

Ending: TypeAlias = Literal["beginning", "ending", "hour_ending"]
Unit: TypeAlias = Literal["W", "kW", "MW", "GW", "Wh", "kWh", "MWh", "GWh"]

#: Ends of an interval that a stamp can name.
LABELS: Final = ("beginning", "ending", "hour_ending")
#: Fields that are text or not given, and fields that are a sign or a name.
_TEXTS: Final = (
    *(
        "timezone",
        "period",
        "time_format",
        "doubled_hour",
        "published_time",
        "init_time",
        "lead_time",
        "site",
    ),
    *("thousands", "sheet"),
)
_SIGNS: Final = ("encoding", "delimiter", "decimal")
_MEGAWATTS: Final = {"W": 1e-6, "kW": 1e-3, "MW": 1.0, "GW": 1e3}


@dataclass(frozen=True, kw_only=True)
class TableFormat:
    """Form of a table: its columns, its clock, its unit and the signs of its file.

    Parameters
    ----------
    unit : {"W", "kW", "MW", "GW", "Wh", "kWh", "MWh", "GWh"}, optional
        Unit of the values; energies are those of an interval, or readings of a meter (`cumulative`).
    timezone : str, optional
        Zone of the clock of the stamps, ``"UTC"`` or ``"fixed:+06:00"``; used where stamps carry no offset.
        Either all stamps carry one, or none.
    label : {"beginning", "ending", "hour_ending"}, optional
        End of its interval that a stamp names. ``"ending"``: the stamp is the time on the clock at the end.
        ``"hour_ending"``: hours are counted from 1 to 24, and one less on the clock is the beginning; the two differ on
        days on which the clock is changed.
    time : str or sequence of str, optional
        Column of the stamps, or one of dates and one of times of day or hours; by default the first column of a file,
        the index of a frame. 24:00 ends a day. Marks of a doubled hour (``02X``, ``2A`` and ``2B``) are read.
    columns : mapping or sequence, optional
        Columns to read, or a mapping from column to site (weather: to variable); all columns with numbers by default.
        A cell of text in them is refused.
    frequency : str or timedelta, optional
        Length of an interval; the most frequent step by default.
    period : str, optional
        Column that counts the periods of the local day from 1 (settlement periods: 46, 48 or 50 a day); `time` then
        holds the date, and values begin with their period, whatever the label.
    periods_per_day : {24, 48, 96}
        Periods of a day without a clock change.
    time_format : str, optional
        Form of the stamps, e.g. ``"%d.%m.%Y %H:%M"``, ``"%Y%m%d%H%M"`` for digits, or that of an interval,
        ``"%d.%m.%Y %H:%M - %d.%m.%Y %H:%M"``; ISO 8601 by default.
    doubled_hour : str, optional
        Column that marks the second of two hours with the same number, on the day on which a clock is put back, by
        Y, X, B, true or 1 (ERCOT's DSTFlag). Without it the order of the rows distinguishes them.
    nonexistent : {"error", "drop"}
        Treatment of rows with values in an hour that the clock skips; empty ones are always dropped.
    published_time : str, optional
        Column of the time at which each row was published (weather: became available), in place of a latency.
    site : str, optional
        Column of the name of the site, in a table with a row for each site and time.
    init_time, lead_time : str, optional
        Columns of weather: initialisation of the run, lead in hours.
    resolution : {"error", "mean", "hold"}
        Treatment of values whose interval changes its length within a table, as from 60 to 15 minutes. ``"mean"``
        gives means over the longest, ``"hold"`` the value of an interval to all its parts of the shortest. Energies
        are divided by the length of their own interval. A value at a change that may be of either length is missing.
    cumulative : bool
        The values are readings of a meter, an energy that rises; where it falls (a new meter, or one that began again)
        the interval is missing. A reading that falls and comes back, or rises and comes back, is faulty: the intervals
        before and after it are missing, and flagged ``SPIKE``; so is an interval with fifty times the energy of any
        other, as after a faulty first reading.
    duplicates : {"error", "flag"}
        Treatment of rows with the same stamp. ``"flag"`` keeps the first, and flags it ``DUPLICATE`` where the others
        differ.
    encoding, delimiter, decimal : str
        Of a CSV file, e.g. ``"cp1251"``, ``";"`` and ``","``.
    thousands : str, optional
        Sign between groups of three digits of a CSV file; numbers whose groups have other lengths are refused.
    missing : sequence of str
        Marks of a missing value (``"No Data"``, ``"-9999"``), in addition to an empty cell and ``NaN``.
    skip_rows : int or sequence of int
        Number of lines before the header of a file; or numbers of lines to leave out, counted from 1 (a line of units).
    header : bool
        Whether a file names its columns; without a header they are ``"1"``, ``"2"``, ...
    sheet : str, optional
        Sheet of a workbook (``.xlsx``), needed if it has several.

    Raises
    ------
    SchemaError
        If a field has a value that is not among its choices, or fields contradict each other.
    UnitsError
        If the unit is unknown.

    See Also
    --------
    energyforecast.read_power, energyforecast.read_demand, energyforecast.Forecast.from_frame : Readers that take it.
    energyforecast.weather.read_table : Reader of weather that takes it.

    Examples
    --------
    >>> TableFormat(unit="kW", delimiter=";", decimal=",")
    TableFormat(unit='kW', delimiter=';', decimal=',')
    """

    unit: Unit | None = None
    timezone: str | None = None
    label: Ending | None = None
    time: str | Sequence[str] | None = None
    columns: Mapping[str, str] | Sequence[str] | None = None
    frequency: str | timedelta | None = None
    period: str | None = None
    periods_per_day: int = 48
    time_format: str | None = None
    doubled_hour: str | None = None
    nonexistent: Literal["error", "drop"] = "error"
    published_time: str | None = None
    init_time: str | None = None
    lead_time: str | None = None
    site: str | None = None
    resolution: Literal["error", "mean", "hold"] = "error"
    cumulative: bool = False
    duplicates: Literal["error", "flag"] = "error"
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    thousands: str | None = None
    missing: Sequence[str] = ()
    skip_rows: int | Sequence[int] = 0
    header: bool = True
    sheet: str | None = None

    def __post_init__(self) -> None:
        self._check_types()
        one_of("duplicates", self.duplicates, allowed=("error", "flag"))
        one_of("nonexistent", self.nonexistent, allowed=("error", "drop"))
        one_of("resolution", self.resolution, allowed=("error", "mean", "hold"))
        if self.label is not None:
            one_of("label", self.label, allowed=LABELS)
        if self.unit is not None:
            self._check_unit(self.unit)
        if self.thousands is not None and (len(self.thousands) != 1 or self.thousands == self.decimal):
            raise SchemaError(
                f"thousands={self.thousands!r} with decimal={self.decimal!r}.",
                "The sign between groups of three digits must be one character, other than the decimal sign.",
                "Give thousands=' ', ',', '.' or \"'\" as the file has it, and the decimal sign.",
            )
        if self.cumulative and self.label not in (None, "ending"):
            raise SchemaError(
                f"Readings of a meter with label={self.label!r}.",
                "A reading must be taken at the end of the interval that it counts.",
                "Give label='ending'.",
            )

    def _check_types(self) -> None:
        for name in (*_TEXTS, *_SIGNS):
            if not (getattr(self, name) is None and name in _TEXTS):
                of_type(name, getattr(self, name), expected=str, remedy="Give text.")
        for name in _SIGNS:
            if not getattr(self, name):
                raise SchemaError(
                    f"{name} is empty.", "It must be a sign or a name.", "Leave it out, or give it."
                )
        for name in ("cumulative", "header"):
            of_type(name, getattr(self, name), expected=bool, remedy="Give True or False.")
        if not isinstance(self.time, str | None):
            _check_list(
                "time", self.time, of=str, remedy="Give time='<column>' or ['<dates>', '<times of day>']."
            )
        if isinstance(self.columns, str) or not isinstance(self.columns, Iterable | None):
            _check_list(
                "columns",
                self.columns,
                of=object,
                remedy="Give columns=['<column>'] or {'<column>': '<site>'}.",
            )
        _check_list("missing", self.missing, of=str | float | int, remedy="Give a list: missing=['-9999'].")
        if not isinstance(self.skip_rows, int) or isinstance(self.skip_rows, bool):
            _check_list(
                "skip_rows", self.skip_rows, of=int, remedy="Give the number of lines, or a list of numbers."
            )
        elif self.skip_rows < 0:
            raise SchemaError(
                f"skip_rows is {self.skip_rows}.", "It must be 0 or more.", "Give 3 for three lines."
            )

    def _check_unit(self, unit: str) -> None:
        energies = [f"{name}h" for name in _MEGAWATTS]
        allowed = energies if self.cumulative else [*energies, *_MEGAWATTS]
        name = "unit of a meter" if self.cumulative else "unit"
        one_of(name, unit, allowed=allowed, error=UnitsError)

    def __repr__(self) -> str:
        given = [f"{name}={getattr(self, name)!r}" for name in self.given]
        return f"TableFormat({', '.join(given)})"

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the fields that differ from their default."""
        return tuple(item.name for item in fields(self) if getattr(self, item.name) != item.default)

    @property
    def megawatts(self) -> float:
        """Factor from the unit to MW or MWh."""
        return _MEGAWATTS[str(self.required("unit")).removesuffix("h")]

    @property
    def is_energy(self) -> bool:
        """Whether the values are energies of an interval or of a meter."""
        return str(self.required("unit")).endswith("h")

    def required(self, name: str) -> Any:
        """Value of a field that a reader needs.

        Raises
        ------
        SchemaError
            If it is not given.
        """
        value = getattr(self, name)
        if value is None:
            raise SchemaError(
                f"The {name} of the table is not given.",
                "Data must be described, not guessed.",
                f"Give {name}=..., or format=TableFormat({name}=...).",
            )
        return value

    def check_used(self, *names: str, reader: str) -> None:
        """Refuse fields that a reader does not use, so that none is ignored.

        Raises
        ------
        SchemaError
            If another field is given.
        """
        unused = [name for name in self.given if name not in names]
        if unused:
            raise SchemaError(
                f"The format gives {unused[0]} = {getattr(self, unused[0])!r}.",
                f"{reader} uses {', '.join(names)}.",
                f"Leave {unused[0]} out.",
            )


def _check_list(name: str, value: object, *, of: Any, remedy: str) -> None:
    """Refuse a field that is no list of such values; text would be a list of its letters."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        raise SchemaError(f"{name} is {value!r}.", "It must be a list.", remedy)
    other = [item for item in value if not isinstance(item, of)]
    if other:
        raise SchemaError(
            f"{name} holds {other[0]!r}, of the type {type(other[0]).__name__}.",
            "It must be text or a number as described.",
            remedy,
        )


#: Formats by name.
FORMATS: Final[dict[str, TableFormat]] = {
    # historic demand of Great Britain's system operator
    "neso": TableFormat(
        unit="MW",
        timezone="Europe/London",
        label="beginning",
        time="SETTLEMENT_DATE",
        period="SETTLEMENT_PERIOD",
        columns={"ND": "Great Britain"},
    ),
    # CSV as spreadsheets write it where the decimal sign is a comma
    "decimal-comma": TableFormat(delimiter=";", decimal=","),
}


def format_of(given: TableFormat | str | None, **overrides: Any) -> TableFormat:
    """Format of an object or a name, with the fields that a call gives in addition."""
    if isinstance(given, str):
        one_of("format", given, allowed=FORMATS)
        given = FORMATS[given]
    elif given is not None:
        of_type("format", given, expected=TableFormat, remedy="Give a TableFormat or the name of one.")
    changes = {name: value for name, value in overrides.items() if value is not None}
    return replace(given or TableFormat(), **changes)
