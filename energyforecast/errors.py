"""Every error that the library raises, every warning that it gives, and two checks that raise them.

::

    EnergyForecastError
    ├── WrongDataError (ValueError)      what was given cannot be right
    │   ├── SchemaError                  dimensions, columns, names or types
    │   ├── UnitsError                   a unit that is not ours (kelvin, km/h, kW)
    │   ├── RangeError                   a value outside what is possible
    │   └── TimeError                    naive, duplicated, missing or mislabelled times
    ├── MissingDataError (LookupError)   what is needed is not there
    │   └── NoRunError                   no usable weather run at an issue time
    ├── LeakageError                     a value that could not have been known
    │   └── PerfectWeatherError          an analysis offered as if it were a forecast
    ├── ConfigurationError (ValueError)  a configuration file that cannot be followed
    ├── InfeasibleError (ValueError)     a system that cannot do what is asked of it
    ├── NotFittedError (RuntimeError)    a forecast asked of what has learnt nothing
    ├── FileFormatError (ValueError)     a saved file that is damaged or not ours
    ├── SourceError (OSError)            a server or an archive that did not give what it should
    │   ├── UnreachableError             no answer, or one that says that the server is in trouble
    │   ├── RateLimitError               asked too often; says when to come back
    │   ├── RefusedError                 the request itself was refused: key, parameters, place
    │   ├── RunNotPublishedError         a weather run that is not there (yet)
    │   └── ResponseError                an answer that cannot be right, or is not whole
    ├── StoreError (OSError)             an archive of weather that cannot be written or trusted
    │   └── StoreLockedError             another process is writing to it
    └── DependencyError (ImportError)    a library or system package that is absent

    EnergyForecastWarning (UserWarning)
    ├── ApproximateCoordinatesWarning    weather asked for at coordinates that may be kilometres off
    ├── DeprecatedWarning (FutureWarning)  a name that a later release removes
    └── DamagedStoreWarning              files of an archive of weather were left out

Each message has three lines: what was found, what was expected, and the remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

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
    "RangeError",
    "RateLimitError",
    "RefusedError",
    "ResponseError",
    "RunNotPublishedError",
    "SchemaError",
    "SourceError",
    "StoreError",
    "StoreLockedError",
    "TimeError",
    "UnitsError",
    "UnreachableError",
    "WrongDataError",
    "one_of",
    "require",
]


class EnergyForecastError(Exception):
    """Base of every error of the library.

    Parameters
    ----------
    found : str
        What was found, with the site, the variable and the hour where there are such.
    expected : str
        What was expected instead.
    remedy : str
        What the user can do about it.

    Examples
    --------
    >>> print(EnergyForecastError("The capacity is -3 MW.", "A capacity is positive.", "Give it in MW."))
    The capacity is -3 MW.
    A capacity is positive.
    Give it in MW.
    """

    def __init__(self, found: str, expected: str, remedy: str) -> None:
        # What another library said may have many lines; a message keeps three.
        found, expected, remedy = (" ".join(part.split()) for part in (found, expected, remedy))
        super().__init__(f"{found}\n{expected}\n{remedy}")
        self.found, self.expected, self.remedy = found, expected, remedy

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        # Exceptions cross process borders; the default would pass one argument instead of three.
        return type(self), (self.found, self.expected, self.remedy)


class WrongDataError(EnergyForecastError, ValueError):
    """What was given cannot be right."""


class SchemaError(WrongDataError):
    """Dimensions, columns, names or types are not those of the type."""


class UnitsError(WrongDataError):
    """A value carries a unit that is not ours."""


class RangeError(WrongDataError):
    """A value lies outside what is possible."""


class TimeError(WrongDataError):
    """Times are naive, duplicated, missing or mislabelled."""


class MissingDataError(EnergyForecastError, LookupError):
    """What is needed is not there."""


class NoRunError(MissingDataError):
    """No usable weather run had arrived at an issue time."""


class LeakageError(EnergyForecastError):
    """A value was used that could not have been known."""


class PerfectWeatherError(LeakageError):
    """An analysis was offered where a forecast is needed."""


class ConfigurationError(EnergyForecastError, ValueError):
    """A configuration file cannot be followed."""


class InfeasibleError(EnergyForecastError, ValueError):
    """A system cannot do what is asked of it."""


class NotFittedError(EnergyForecastError, RuntimeError):
    """A forecast was asked of something that has learnt nothing yet."""


class FileFormatError(EnergyForecastError, ValueError):
    """A saved file is damaged, or is not one of ours."""


class DependencyError(EnergyForecastError, ImportError):
    """A library or a system package is absent."""


class SourceError(EnergyForecastError, OSError):
    """A server or an archive did not give what it should."""


class UnreachableError(SourceError):
    """No answer came, or one that says that the server is in trouble."""


class RateLimitError(SourceError):
    """A server was asked too often.

    Parameters
    ----------
    found, expected, remedy : str
        As in every error.
    retry_after : float
        After how long it may be asked again. [s]

    Examples
    --------
    >>> RateLimitError("Too many calls.", "600 a minute are free.", "Wait a minute.", 60.0).retry_after
    60.0
    """

    def __init__(self, found: str, expected: str, remedy: str, retry_after: float = 60.0) -> None:
        super().__init__(found, expected, remedy)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type, tuple[str, str, str, float]]:  # type: ignore[override]
        return type(self), (self.found, self.expected, self.remedy, self.retry_after)


class RefusedError(SourceError):
    """The request itself was refused: its key, its parameters or its place."""


class RunNotPublishedError(SourceError):
    """A weather run is not there, or not yet."""


class ResponseError(SourceError):
    """An answer cannot be right, or is not whole."""


class StoreError(EnergyForecastError, OSError):
    """An archive of weather cannot be written, or cannot be trusted."""


class StoreLockedError(StoreError):
    """Another process is writing to the archive."""


class EnergyForecastWarning(UserWarning):
    """Base of every warning of the library."""


class ApproximateCoordinatesWarning(EnergyForecastWarning):
    """Weather was asked for at coordinates that may be kilometres off."""


class DeprecatedWarning(EnergyForecastWarning, FutureWarning):
    """A deprecated name was used; a later release removes it."""


class DamagedStoreWarning(EnergyForecastWarning):
    """Files of an archive of weather are damaged and were left out."""


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
    It is one of 'ols', 'wls', 'mint'.
    Choose one of them; perhaps 'wls' is meant.
    """
    choices = tuple(allowed)
    if value in choices:
        return
    near = difflib.get_close_matches(str(value), [item for item in choices if isinstance(item, str)], n=1)
    raise error(
        f"{name} is {value!r}.",
        f"It is one of {', '.join(map(repr, choices))}.",
        "Choose one of them" + (f"; perhaps {near[0]!r} is meant." if near else "."),
    )


def require(module: str, *, extra: str, purpose: str = "") -> ModuleType:
    """Import an optional library, or name the extra that brings it.

    Parameters
    ----------
    module : str
        Name by which it is imported.
    extra : str
        Extra of this package that brings it.
    purpose : str, optional
        A sentence on its use, with the file at hand where there is one.

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
    Use: python -m pip install 'energyforecast[store]'.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise DependencyError(
            f"{module} cannot be imported: {str(error).rstrip('.')}.",
            f"{purpose} It comes with the extra {extra!r}.",
            f"Use: python -m pip install 'energyforecast[{extra}]'.",
        ) from error
