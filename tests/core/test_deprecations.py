"""A deprecated name warns until its release, and fails the tests from then on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import energyforecast
from energyforecast.core import deprecations
from energyforecast.core.deprecations import DEPRECATIONS, Deprecation, due, release, warn
from energyforecast.errors import DeprecatedWarning

PACKAGE = Path(energyforecast.__file__).parent
OLD = {"Forecaster(old)": Deprecation("Forecaster(new)", since="0.2", removed_in="0.10")}


def test_no_deprecation_is_due() -> None:
    assert due(energyforecast.__version__) == [], "remove the name, its entry in DEPRECATIONS and its tests"


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("0.9.3", []),
        ("0.10.0", ["Forecaster(old)"]),
        ("0.10.0rc1", ["Forecaster(old)"]),
        ("1.0", ["Forecaster(old)"]),
    ],
)
def test_a_deprecation_is_due_from_its_release_on(version: str, names: list[str]) -> None:
    assert due(version, deprecations=OLD) == names


def test_a_deprecated_name_is_warned_of_where_it_is_used() -> None:
    def deprecated() -> None:
        warn("Forecaster(old)", deprecations=OLD)

    with pytest.warns(DeprecatedWarning, match=r"0\.10 removes it\. Use Forecaster\(new\)") as caught:
        deprecated()
    assert caught[0].filename == __file__


def test_a_name_outside_the_list_cannot_be_warned_of() -> None:
    with pytest.raises(KeyError):
        warn("Forecaster(other)", deprecations=OLD)


def test_the_list_holds_the_names_that_the_code_warns_of() -> None:
    calls = [
        node
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == f"{deprecations.__name__.split('.')[-1]}.warn"
    ]
    assert {ast.literal_eval(call.args[0]) for call in calls} == set(DEPRECATIONS)


def test_a_deprecation_lasts_two_minor_releases() -> None:
    for name, item in {**DEPRECATIONS, **OLD}.items():
        (major, minor), (last_major, last_minor) = release(item.since), release(item.removed_in)
        assert last_major > major or last_minor - minor >= 2, name
