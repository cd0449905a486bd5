"""Public names: each is there at once, whichever is asked for first; the stub is the only list of them."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import energyforecast

PACKAGE = Path(energyforecast.__file__).parent
STUBS = sorted(PACKAGE.rglob("__init__.pyi"))
PAGES = sorted((PACKAGE.parent / "docs" / "reference" / "api").glob("*.md"))
REFERENCE = "".join(page.read_text(encoding="utf-8") for page in PAGES)
#: Sub-packages and modules of the reference, from the package on: "weather", "weather.spatial".
DOCUMENTED = re.findall(r"automodule:: energyforecast\.(\S+)", REFERENCE)


def _python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def exported(stub: Path) -> tuple[set[str], set[str]]:
    """Modules, and names of modules, that a stub re-exports."""
    found = [
        n for n in ast.walk(ast.parse(stub.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom)
    ]
    assert all(alias.asname == alias.name for node in found for alias in node.names), "re-exported as itself"
    modules = {alias.name for node in found if node.module is None for alias in node.names}
    return modules, {alias.name for node in found if node.module for alias in node.names}


#: Asks for one name after the other, each of a package that was imported anew and has loaded nothing else.
_EACH_FIRST = """
import importlib, operator, sys
for name in sys.argv[1:]:
    for loaded in [key for key in sys.modules if key.partition(".")[0] == "energyforecast"]:
        del sys.modules[loaded]
    package = importlib.import_module("energyforecast")
    try:
        operator.attrgetter(name)(package)
    except AttributeError as error:
        print(name, error, file=sys.stderr)
"""


@pytest.mark.slow
def test_every_documented_name_is_there_when_it_is_the_first() -> None:
    done = _python(_EACH_FIRST, *DOCUMENTED, *energyforecast.__all__)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_stub_names_every_documented_module() -> None:
    documented = {name.split(".")[0] for name in DOCUMENTED}
    assert len(DOCUMENTED) > 20
    assert documented <= exported(PACKAGE / "__init__.pyi")[0]


@pytest.mark.slow
@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: stub.parent.name)
def test_a_package_offers_the_names_of_its_stub(stub: Path) -> None:
    modules, names = exported(stub)
    package = ".".join(stub.parent.relative_to(PACKAGE.parent).parts)
    done = _python(f"import {package} as p; print(*p.__all__); print(*dir(p))")
    everything, listed = done.stdout.splitlines()
    assert set(everything.split()) == set(listed.split()) == modules | names


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: stub.parent.name)
def test_a_function_is_not_hidden_by_the_module_of_its_name(stub: Path) -> None:
    """Importing the module would put it in the place of the function; the package binds such a name at once."""
    files = {path.stem for path in stub.parent.glob("*.py")} | {
        path.parent.name for path in stub.parent.glob("*/*.py")
    }
    tree = ast.parse(stub.with_suffix(".py").read_text(encoding="utf-8"))
    bound = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert files & exported(stub)[1] == bound


def test_a_misspelt_name_is_answered_with_the_right_one() -> None:
    done = _python("import energyforecast as ef; ef.Forcaster")
    assert "AttributeError" in done.stderr
    assert "Did you mean: 'Forecaster'?" in done.stderr
    assert "Did you mean: 'Store'?" in _python("import energyforecast as ef; ef.weather.Stroe").stderr


@pytest.mark.slow
def test_all_names_can_be_imported_at_once() -> None:
    """EAGER_IMPORT, which other libraries on lazy_loader test with, finds no circle."""
    done = _python("import energyforecast", EAGER_IMPORT="1")
    assert (done.returncode, done.stderr) == (0, "")
