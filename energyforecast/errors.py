"""Errors and warnings of the library, and two checks that raise errors.

::

    EnergyForecastError
    ├── WrongDataError (ValueError)      data that cannot be right
    │   ├── SchemaError                  dimensions, columns, names or types
    │   ├── UnitsError                   a unit other than the expected (kelvin, km/h, kW)
    │   ├── RangeError                   a value outside the possible range
    │   └── TimeError                    naive, duplicated, missing or mislabelled times
    ├── MissingDataError (LookupError)   data that is needed and absent
    │   └── NoRunError                   no usable weather run at an issue time
    ├── LeakageError                     a value that could not have been known
    │   └── PerfectWeatherError          an analysis offered as if it were a forecast
    ├── ConfigurationError (ValueError)  a configuration file with wrong keys or values
    ├── InfeasibleError (ValueError)     a system without a feasible plan
    ├── NotFittedError (RuntimeError)    a forecast of a model that is not fitted
    ├── FileFormatError (ValueError)     a saved file that is damaged or of another form
    ├── SourceError (OSError)            a server or an archive that did not give its data
    │   ├── UnreachableError             no answer, or an error of the server
    │   ├── RateLimitError               too many requests; with the time to wait
    │   ├── RefusedError                 the request itself was refused: key, parameters, place
    │   ├── RunNotPublishedError         a weather run that does not exist (yet)
    │   └── ResponseError                an answer that cannot be right, or is not whole
    ├── StoreError (OSError)             a store or an archive that cannot be written or trusted
    │   └── StoreLockedError             another process is writing to it
    │       └── RunLockedError           another daily run works in the folder
    └── DependencyError (ImportError)    a library or system package that is absent

    EnergyForecastWarning (UserWarning)
    ├── ApproximateCoordinatesWarning    weather asked for at coordinates that may be kilometres off
    ├── DeprecatedWarning (FutureWarning)  a name that a later release removes
    ├── DamagedStoreWarning              files of an archive of weather were left out
    └── UncalibratedWarning              a model with too few rows to calibrate it

Each message has three lines: found, expected, remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple, Self

__all__ = [
    "ApproximateCoordinatesWarning",
    "ConfigurationError",
    "DamagedStoreWarning",
    "DependencyError",
    "DeprecatedWarning",
    "EnergyForecastError",
    "EnergyForecastWarning",
    "FileFormatError",
    "InfeasibleError",
    "LeakageError",
    "MissingDataError",
    "NoRunError",
    "NotFittedError",
    "PerfectWeatherError",
    "Place",
    "RangeError",
    "RateLimitError",
    "RefusedError",
    "ResponseError",
    "RunLockedError",
    "RunNotPublishedError",
    "SchemaError",
    "SourceError",
    "StoreError",
    "StoreLockedError",
    "TimeError",
    "UncalibratedWarning",
    "UnitsError",
    "UnreachableError",
    "WrongDataError",
    "of_type",
    "one_of",
    "require",
]


class Place(NamedTuple):
    """Place of a finding: rows of a table, counted from 0, names of its columns, and moments in UTC.

    Examples
    --------
    >>> Place(rows=(500,), columns=("B",)).columns
    ('B',)
    """

    rows: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    times: tuple[Any, ...] = ()


class EnergyForecastError(Exception):
    """Base of every error of the library.

    Parameters
    ----------
    found : str
        The finding, with the site, the variable and the hour where known.
    expected : str
        The expectation.
    remedy : str
        The remedy for the user.

    Examples
    --------
    >>> print(EnergyForecastError("The capacity is -3 MW.", "A capacity must be positive.", "Give it in MW."))
    The capacity is -3 MW.
    A capacity must be positive.
    Give it in MW.
    """

    place: Place | None = None

    def __init__(self, found: str, expected: str, remedy: str) -> None:
        # A message of another library may have many lines; this one has three.
        found, expected, remedy = (" ".join(part.split()) for part in (found, expected, remedy))
        super().__init__(f"{found}\n{expected}\n{remedy}")
        self.found, self.expected, self.remedy = found, expected, remedy

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross process borders; the default would pass one argument instead of three.
        return type(self), (self.found, self.expected, self.remedy), {"place": self.place}

    def at(
        self, *, rows: Iterable[int] = (), columns: Iterable[object] = (), times: Iterable[Any] = ()
    ) -> Self:
        """Give the error the place of its finding, for programs that set the part aside; returns the error."""
        self.place = Place(tuple(map(int, rows)), tuple(map(str, columns)), tuple(times))
        return self


class WrongDataError(EnergyForecastError, ValueError):
    """Data that cannot be right."""


class SchemaError(WrongDataError):
    """Wrong dimensions, columns, names or types."""


class UnitsError(WrongDataError):
    """Value in another unit than expected."""


class RangeError(WrongDataError):
    """Value outside the possible range."""


class TimeError(WrongDataError):
    """Times that are naive, duplicated, missing or mislabelled."""


class MissingDataError(EnergyForecastError, LookupError):
    """Data that is needed and absent."""


class NoRunError(MissingDataError):
    """No usable weather run at an issue time."""


class LeakageError(EnergyForecastError):
    """Use of a value that could not have been known."""


class PerfectWeatherError(LeakageError):
    """Analysis given where a forecast is needed."""


class ConfigurationError(EnergyForecastError, ValueError):
    """Configuration file with wrong keys or values."""


class InfeasibleError(EnergyForecastError, ValueError):
    """System without a feasible plan."""


class NotFittedError(EnergyForecastError, RuntimeError):
    """Forecast of a model that is not fitted."""


class FileFormatError(EnergyForecastError, ValueError):
    """Saved file that is damaged, or of another form."""


class DependencyError(EnergyForecastError, ImportError):
    """Absent library or system package."""


class SourceError(EnergyForecastError, OSError):
    """Server or archive that did not give its data."""


class UnreachableError(SourceError):
    """No answer, or an error of the server."""


class RateLimitError(SourceError):
    """Too many requests to a server.

    Parameters
    ----------
    found, expected, remedy : str
        As in every error.
    retry_after : float
        Time to wait before the next request. [s]

    Examples
    --------
    >>> RateLimitError("Too many calls.", "600 a minute are free.", "Wait a minute.", 60.0).retry_after
    60.0
    """

    def __init__(self, found: str, expected: str, remedy: str, retry_after: float = 60.0) -> None:
        super().__init__(found, expected, remedy)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.found, self.expected, self.remedy, self.retry_after), {"place": self.place}


class RefusedError(SourceError):
    """Refused request: its key, its parameters or its place."""


class RunNotPublishedError(SourceError):
    """Weather run that does not exist, or not yet."""


class ResponseError(SourceError):
    """Answer that cannot be right, or is not whole."""


class StoreError(EnergyForecastError, OSError):
    """Store of weather, or archive, that cannot be written or trusted."""


class StoreLockedError(StoreError):
    """Store or archive to which another process is writing."""


class RunLockedError(StoreLockedError):
    """Folder in which another daily run works."""


class EnergyForecastWarning(UserWarning):
    """Base of every warning of the library."""


class ApproximateCoordinatesWarning(EnergyForecastWarning):
    """Weather for coordinates that may be kilometres off."""


class DeprecatedWarning(EnergyForecastWarning, FutureWarning):
    """Use of a deprecated name, which a later release removes."""


class DamagedStoreWarning(EnergyForecastWarning):
    """Damaged files of an archive of weather, which were left out."""


class UncalibratedWarning(EnergyForecastWarning):
    """Model that is used as it is, with too few rows to calibrate it."""


def one_of(
    name: str, value: object, *, allowed: Iterable[object], error: type[EnergyForecastError] = SchemaError
) -> None:
    """Refuse a value that is not among those allowed.

    Parameters
    ----------
    name : str
        Of the argument or field, as the message gives it.
    value : object
    allowed : iterable
        Every value that is accepted.
    error : type, optional
        The error to raise.

    Raises
    ------
    SchemaError
        Or the `error` given, if the value is not one of them.

    See Also
    --------
    require : Refuse to go on without an optional library.

    Examples
    --------
    >>> one_of("method", "wls", allowed=("ols", "wls", "mint"))
    >>> one_of("method", "wsl", allowed=("ols", "wls", "mint"))
    Traceback (most recent call last):
        ...
    energyforecast.errors.SchemaError: method is 'wsl'.
    It must be one of 'ols', 'wls', 'mint'.
    Choose one of them; perhaps 'wls' is meant.
    """
    choices = tuple(allowed)
    if isinstance(value, Hashable) and value in choices:
        return
    near = difflib.get_close_matches(str(value), [item for item in choices if isinstance(item, str)], n=1)
    raise error(
        f"{name} is {value!r}.",
        f"It must be one of {', '.join(map(repr, choices))}.",
        "Choose one of them" + (f"; perhaps {near[0]!r} is meant." if near else "."),
    )


def of_type(name: str, value: object, *, expected: type, remedy: str) -> None:
    """Refuse an argument of another type.

    Parameters
    ----------
    name : str
        Of the argument, as the message gives it.
    value : object
    expected : type
        Base class or protocol that it must have.
    remedy : str
        Way to an object of the type.

    Raises
    ------
    SchemaError
        If the value is of another type, or the type itself.

    See Also
    --------
    one_of : Refuse a value that is not among those allowed.

    Examples
    --------
    >>> of_type("hours", "24", expected=int, remedy="Give a number.")
    Traceback (most recent call last):
        ...
    energyforecast.errors.SchemaError: hours is of the type str.
    It must be of the type int.
    Give a number.
    """
    if isinstance(value, expected):
        return
    found = (
        f"the class {value.__name__}" if isinstance(value, type) else f"of the type {type(value).__name__}"
    )
    raise SchemaError(f"{name} is {found}.", f"It must be of the type {expected.__name__}.", remedy)


def require(module: str, *, extra: str, purpose: str = "") -> ModuleType:
    """Import an optional library, or name the extra that brings it.

    Parameters
    ----------
    module : str
        Name by which it is imported.
    extra : str
        Extra of this package that brings it; several, with a comma, if its use needs others too.
    purpose : str, optional
        A sentence on its use, with the file where known.

    Returns
    -------
    module

    Raises
    ------
    DependencyError
        If it cannot be imported.

    See Also
    --------
    one_of : Refuse a value that is not among those allowed.

    Examples
    --------
    >>> require("json", extra="store").dumps([1])
    '[1]'
    >>> require("no_such_library", extra="store", purpose="It reads archives.")
    Traceback (most recent call last):
        ...
    energyforecast.errors.DependencyError: no_such_library cannot be imported: No module named 'no_such_library'.
    It reads archives. It comes with the extra 'store'.
    Use: python -m pip install 'energyforecast[store]'; in the folder of the project: '.[store]'.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise DependencyError(
            f"{module} cannot be imported: {str(error).rstrip('.')}.",
            f"{purpose} It comes with the extra{'s' * (',' in extra)} {extra!r}.",
            f"Use: python -m pip install 'energyforecast[{extra}]'; in the folder of the project: '.[{extra}]'.",
        ) from error
