"""Every public name is documented, and every class and function shows itself at work."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import energyforecast

_PLAIN = "adds nothing to EnergyForecastError, whose docstring has the example"
_WARNING = "adds nothing to UserWarning; Site.coordinates_for_weather gives it"

#: Names without an example of their own, and why.
WITHOUT_EXAMPLE = {
    "energyforecast.errors.ApproximateCoordinatesWarning": _WARNING,
    "energyforecast.errors.DamagedStoreWarning": "adds nothing to UserWarning; Store.open gives it",
    "energyforecast.errors.UncalibratedWarning": "adds nothing to UserWarning; ConformalQuantiles.fit gives it",
    "energyforecast.errors.ConfigurationError": _PLAIN,
    "energyforecast.errors.DeprecatedWarning": "adds nothing to DeprecationWarning; core.deprecations gives it",
    "energyforecast.errors.DependencyError": _PLAIN,
    "energyforecast.errors.EnergyForecastWarning": "adds nothing to UserWarning; the base of the others",
    "energyforecast.errors.FileFormatError": _PLAIN,
    "energyforecast.errors.InfeasibleError": _PLAIN,
    "energyforecast.errors.LeakageError": _PLAIN,
    "energyforecast.errors.MissingDataError": _PLAIN,
    "energyforecast.errors.NoRunError": _PLAIN,
    "energyforecast.errors.RunLockedError": _PLAIN,
    "energyforecast.errors.NotFittedError": _PLAIN,
    "energyforecast.errors.PerfectWeatherError": _PLAIN,
    "energyforecast.errors.RangeError": _PLAIN,
    "energyforecast.errors.RefusedError": _PLAIN,
    "energyforecast.errors.ResponseError": _PLAIN,
    "energyforecast.errors.RunNotPublishedError": _PLAIN,
    "energyforecast.errors.SourceError": _PLAIN,
    "energyforecast.errors.StoreError": _PLAIN,
    "energyforecast.errors.StoreLockedError": _PLAIN,
    "energyforecast.errors.UnreachableError": _PLAIN,
    "energyforecast.errors.SchemaError": _PLAIN,
    "energyforecast.errors.TimeError": _PLAIN,
    "energyforecast.errors.UnitsError": _PLAIN,
    "energyforecast.errors.WrongDataError": _PLAIN,
}

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(energyforecast.__path__, "energyforecast.")
    if not any(part.startswith("_") for part in found.name.split("."))
)
#: What runs and shows itself on the command line, and sources, whose public names ``ef.weather`` offers.
_NO_FACES = ("energyforecast.cli", "energyforecast.demos", "energyforecast.weather.sources")


def _faces() -> Iterator[Any]:
    """Everything that the package and its sub-packages offer."""
    packages = [energyforecast, *(importlib.import_module(name) for name in MODULES)]
    for package in packages:
        if hasattr(package, "__path__") and not package.__name__.startswith(_NO_FACES):
            yield from (getattr(package, name) for name in getattr(package, "__all__", ()))


#: What a face offers by name; modules that a face lists are for readers of the code.
PUBLIC = {id(item) for item in _faces()}


def _is_public(module: ModuleType, item: Any) -> bool:
    return id(item) in PUBLIC or module is energyforecast.errors


def _defined(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Public names that a module defines itself, not those that it passes on."""
    for name in getattr(module, "__all__", ()):
        item = getattr(module, name)
        if getattr(item, "__module__", module.__name__) == module.__name__ or not callable(item):
            yield name, item


def _explained(source: str, name: str) -> bool:
    """Whether a comment of the kind that Sphinx reads stands above an assignment."""
    return re.search(rf"^#: .+\n{name}\b.* = ", source, re.MULTILINE) is not None


def _lacks(name: str, item: Any, source: str, *, public: bool = True) -> str | None:
    """What a name lacks, if anything; an example is asked of public names alone."""
    if not (inspect.isclass(item) or inspect.isroutine(inspect.unwrap(item))):
        # A constant or an alias; packages and the front door pass on those of their modules.
        passed_on = not re.search(rf"^{name}\b.* = ", source, re.MULTILINE)
        return None if passed_on or not public or _explained(source, name) else "a comment '#: ...' above it"
    text = item.__dict__.get("__doc__") if inspect.isclass(item) else item.__doc__
    # A dataclass without docstring is given its signature for one.
    if not text or text.startswith(f"{name}("):
        return "a docstring"
    return None if ">>> " in text or not public else "an example"


def test_every_module_says_what_is_public() -> None:
    assert len(MODULES) > 20
    modules = [importlib.import_module(name) for name in MODULES]
    silent = [
        module for module in modules if not hasattr(module, "__all__") and not _is_docstring_alone(module)
    ]
    assert silent == []


def _is_docstring_alone(module: ModuleType) -> bool:
    """A package that offers nothing itself."""
    return (
        hasattr(module, "__path__")
        and len(ast.parse(Path(str(module.__file__)).read_text("utf-8")).body) == 1
    )


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_has_a_docstring_and_an_example(name: str) -> None:
    module = importlib.import_module(name)
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    lacking = {
        f"{name}.{public}": _lacks(public, item, source, public=_is_public(module, item))
        for public, item in _defined(module)
    }
    found = {public: what for public, what in lacking.items() if what is not None}
    excused = {public for public, what in found.items() if what == "an example" and public in WITHOUT_EXAMPLE}
    assert {public: what for public, what in found.items() if public not in excused} == {}
    # ... and an excuse that is no longer needed goes.
    assert {public for public in WITHOUT_EXAMPLE if public.rpartition(".")[0] == name} == excused


def test_what_lacks_something_is_found() -> None:
    def bare() -> None: ...

    def silent() -> None:
        """Says what it does."""

    def shown() -> None:
        """Says what it does.

        >>> shown()
        """

    assert [_lacks(item.__name__, item, "") for item in (bare, silent, shown)] == [
        "a docstring",
        "an example",
        None,
    ]

    class Bare: ...

    class Heir(energyforecast.Site): ...

    assert _lacks("Bare", Bare, "") == "a docstring"
    assert _lacks("Heir", Heir, "") == "a docstring"  # that of the parent is not its own
    assert _lacks("ONE", 1, "ONE: Final = 1\n") == "a comment '#: ...' above it"
    assert _lacks("ONE", 1, "#: The first number.\nONE: Final = 1\n") is None
