"""The house: arrows point down, importing costs nothing, every public name is there and documented."""

from __future__ import annotations

import ast
import inspect
import io
import os
import subprocess
import sys
import tokenize
from pathlib import Path
from types import ModuleType

import pytest

import energyforecast

PACKAGE = Path(energyforecast.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def test_contracts_of_imports_are_kept() -> None:
    """Layers, independence and no circle, type-only imports included: [tool.importlinter] of pyproject.toml."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=PACKAGE.parent,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout


def test_only_the_front_door_lies_at_the_top() -> None:
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert files == {"__init__.py", "__init__.pyi", "__main__.py", "errors.py", "py.typed"}


def test_imports_are_absolute() -> None:
    relative = [
        path
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


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


@pytest.mark.slow
def test_lightgbm_and_matplotlib_wait_until_they_are_used() -> None:
    code = (
        "import energyforecast as ef, sys; ef.Forecaster, ef.backtest, ef.reporting.figures, ef.load; "
        "print(*sys.modules)"
    )
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


#: A warning of another library, caught around one call: its cause is refused right after it, or becomes a value (the
#: package holidays warns of years without some of a country's holidays; they are not ``known``).
REASONED = {
    ("power_curve_sources.py", " simplefilter ("),
    ("calendar_tables.py", " simplefilter ("),
    # A run goes on whatever stops a step of it; the outcome names the error.
    ("archiving.py", " except Exception"),
    ("fetch.py", " except Exception"),
    ("issuing.py", " except Exception"),
    ("publishing_step.py", " except Exception"),
    ("run_steps.py", " except Exception"),
}


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
        homes = {f"energyforecast.{name}", f"energyforecast.core.{name}"}
        assert item.__name__ in homes, "a module is not hidden by one of its functions"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="energyforecast attribute nothing"):
        _ = energyforecast.nothing
    assert set(dir(energyforecast)) >= set(energyforecast.__all__)
    assert len(set(energyforecast.__all__)) == len(energyforecast.__all__)


@pytest.mark.slow
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
