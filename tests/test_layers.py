"""The house: arrows point down, importing costs nothing, every public name is there and documented."""

from __future__ import annotations

import ast
import inspect
import io
import os
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

import energyforecast

PACKAGE = Path(energyforecast.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

#: From the bottom. A module may import rooms of lower floors and of its own floor; the rooms of a
#: floor never import each other in a circle.
FLOORS = (
    (
        "_version",
        "errors",
        "variables",
        "times",
        "calendars",
        "power_curves",
        "sites",
        "tasks",
        "checks",
        "physics",
        "provenance",
    ),
    ("core",),
    ("clocks", "observations", "quality", "trust", "weather", "datasets"),
    ("asof",),
    ("models", "features"),
    ("assignments", "forecast", "forecaster", "recalibration", "scenario_forecaster", "storage", "vendors"),
    ("evaluation",),
    ("tuning", "planning"),
    ("plotting", "report", "config"),
    ("demo_plan", "demos", "competitions", "cli", "cli_observations", "cli_plan", "cli_weather", "testing"),
    ("__main__",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

#: Rooms that do not even know their neighbours, nor what else their floor would allow.
FORBIDDEN = {
    "physics": set(FLOOR) - {"physics"},
    "models": {"features", "asof", "weather", "observations", "datasets"},
    "features": {"models", "weather", "datasets"},
}

#: The only arrows that point up or go in a circle: conveniences that import their target inside the method.
CONVENIENCES = {
    ("forecast", "plotting"): "Forecast.plot",
    ("evaluation", "report"): "Result.report",
    ("forecaster", "storage"): "Forecaster.save",
    ("forecast", "vendors"): "Forecast.from_frame",
}


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[tuple[str, str]]:
    """What a file imports of the package, with the function that does it ("" for the module)."""
    yield from _within(ast.parse(path.read_text(encoding="utf-8")), "")


def _within(node: ast.AST, scope: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            whole = child.module == "energyforecast"
            names = [f"{child.module}.{alias.name}" if whole else str(child.module) for alias in child.names]
        else:
            named = isinstance(child, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
            yield from _within(child, f"{scope}.{child.name}".strip(".") if named else scope)  # type: ignore[attr-defined]
            continue
        for name in names:
            if name.startswith("energyforecast."):
                yield name.split(".")[1], scope


def _arrows() -> list[tuple[str, str, str]]:
    """Who imports whom, where; the package's own ``__init__`` is the front door, not a room."""
    arrows = []
    for path in FILES:
        if path == PACKAGE / "__init__.py":
            continue
        for target, scope in _imports(path):
            if target in FLOOR and target != _room(path):
                arrows.append((_room(path), target, scope))
    return arrows


def test_every_module_has_its_place_in_the_house() -> None:
    rooms = {_room(path) for path in FILES} - {"__init__"}
    assert rooms <= set(FLOOR), f"without a place: {rooms - set(FLOOR)}"
    # ... and the house is not seen empty: some arrows that must be found, at each place they can stand.
    arrows = _arrows()
    assert ("evaluation", "forecaster", "") in arrows
    assert ("cli", "plotting", "forecast") in arrows
    assert ("asof", "times", "") in arrows


def test_arrows_point_down() -> None:
    up = [arrow for arrow in _arrows() if FLOOR[arrow[1]] > FLOOR[arrow[0]]]
    assert [arrow for arrow in up if CONVENIENCES.get(arrow[:2]) != arrow[2]] == []


def test_conveniences_are_those_that_are_named() -> None:
    found = {
        (source, target): scope for source, target, scope in _arrows() if (source, target) in CONVENIENCES
    }
    assert found == CONVENIENCES


def test_no_rooms_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for source, target, _ in _arrows():
        if (source, target) not in CONVENIENCES:
            graph.setdefault(source, set()).add(target)
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


@pytest.mark.parametrize("room", FORBIDDEN)
def test_rooms_do_not_know_what_is_not_their_business(room: str) -> None:
    known = {target for source, target, _ in _arrows() if source == room}
    assert known & FORBIDDEN[room] == set()


def test_physics_is_arithmetic_on_arrays() -> None:
    for path in (PACKAGE / "physics").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        imported |= {
            str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        }
        assert imported <= {
            "__future__",
            "numpy",
            "scipy",
            "pvlib",
            "math",
            "typing",
            "dataclasses",
            "collections",
            "lazy_loader",
            "energyforecast",
        }, path


# --- Importing ------------------------------------------------------------------------------------


def _fresh(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


HEAVY = {
    "pandas",
    "numpy",
    "xarray",
    "scipy",
    "sklearn",
    "lightgbm",
    "matplotlib",
    "plotly",
    "pvlib",
    "rich",
    "typer",
    "joblib",
    "optuna",
}


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = set(_fresh("import energyforecast, sys; print(*sys.modules)").split())
    assert loaded & HEAVY == set()


def test_lightgbm_and_matplotlib_wait_until_they_are_used() -> None:
    code = "import energyforecast as ef, sys; ef.Forecaster, ef.backtest, ef.plotting, ef.load; print(*sys.modules)"
    loaded = set(_fresh(code).split())
    assert "pandas" in loaded
    assert loaded & {"lightgbm", "matplotlib", "rich", "typer"} == set()


# --- What is not done -----------------------------------------------------------------------------


def _code(path: Path) -> str:
    """The file without its comments and strings of more than a word, tokens joined by one space."""
    words = []
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and " " in token.string):
            continue
        if token.string.strip():
            words.append(token.string)
    return " ".join(words)


#: A warning of another library, silenced around one call, whose cause is refused right after it.
REASONED = {("power_curves.py", " simplefilter (")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_neither_prints_nor_unpickles_nor_silences_warnings(path: Path) -> None:
    code = f" {_code(path)} "
    for banned in (
        " print (",
        " pickle ",
        " cloudpickle ",
        " dill ",
        " allow_pickle = True",
        " filterwarnings (",
        " simplefilter (",
        " basicConfig (",
        " fillna ( 0",
        " except Exception",
        " except :",
    ):
        called = code.replace(". print (", "")  # a console's own method
        if (path.name, banned) in REASONED:
            continue
        assert banned not in called, f"{banned.strip()!r} in {path.name}"
    assert "joblib . load" not in code


# --- Public names ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", energyforecast.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    item = getattr(energyforecast, name)
    if name == "__version__":
        assert isinstance(item, str)
        return
    assert inspect.getdoc(item), f"{name} has no docstring"
    if not isinstance(item, ModuleType):
        assert item.__module__.startswith("energyforecast.")
    else:
        assert item.__name__ == f"energyforecast.{name}", "a module is not hidden by one of its functions"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="energyforecast attribute nothing"):
        _ = energyforecast.nothing
    assert set(dir(energyforecast)) >= set(energyforecast.__all__)
    assert len(set(energyforecast.__all__)) == len(energyforecast.__all__)


def test_names_stay_what_they_are_when_all_modules_are_loaded() -> None:
    """``energyforecast.feature`` is the decorator, also after a module of a like name was imported."""
    _fresh(
        "import energyforecast as ef, importlib, inspect, pkgutil\n"
        "for found in pkgutil.walk_packages(ef.__path__, 'energyforecast.'):\n"
        "    found.name.endswith('__main__') or importlib.import_module(found.name)\n"
        "functions = ('feature', 'recipe', 'backtest', 'load', 'day_ahead', 'intraday', 'read_power')\n"
        "wrong = [name for name in functions if not inspect.isfunction(getattr(ef, name))]\n"
        "assert not wrong, wrong\n"
        "assert inspect.isfunction(ef.features.feature) and inspect.isfunction(ef.evaluation.backtest)\n"
    )
