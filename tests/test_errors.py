"""The two checks that many arguments and every optional library share."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import energyforecast
from energyforecast.cli.plan import demo
from energyforecast.errors import DependencyError, SchemaError, UnitsError, one_of, require

PACKAGE = Path(energyforecast.__file__).parent


def test_a_value_that_is_allowed_passes_and_another_is_named_with_the_nearest() -> None:
    one_of("unit", "MW", allowed={"MW": 1, "kW": 2})
    with pytest.raises(UnitsError) as caught:
        one_of("unit", "MWW", allowed={"MW": 1, "kW": 2}, error=UnitsError)
    assert str(caught.value).splitlines() == [
        "unit is 'MWW'.",
        "It must be one of 'MW', 'kW'.",
        "Choose one of them; perhaps 'MW' is meant.",
    ]


@pytest.mark.parametrize("value", [None, 3, ["first"], {"first": 1}])
def test_a_value_of_another_type_is_refused_not_a_crash(value: object) -> None:
    with pytest.raises(SchemaError, match="revisions is"):
        one_of("revisions", value, allowed=("first", "last"))


def test_an_absent_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DependencyError) as caught:
        require("pyarrow", extra="benchmark", purpose="power.parquet is a parquet file.")
    found, expected, remedy = str(caught.value).splitlines()
    assert found.startswith("pyarrow cannot be imported: ")
    assert expected == "power.parquet is a parquet file. It comes with the extra 'benchmark'."
    assert remedy == (
        "Use: python -m pip install 'energyforecast[benchmark]'; in the folder of the project: '.[benchmark]'."
    )


def test_a_library_that_is_there_and_broken_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_library.py").write_text("import a_part_that_is_absent\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DependencyError, match="a_part_that_is_absent"):
        require("broken_library", extra="store")


def test_every_extra_that_is_named_exists() -> None:
    project = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    named = set(re.findall(r"\brequire\([^)]*?extra=\"(\w+)\"", source))
    assert len(named) >= 6
    assert [extra for extra in named if f"\n{extra} = [" not in project] == []


def test_optional_libraries_are_asked_for_in_one_way() -> None:
    """The exceptions have another cause: a system library, a decoder in a process of its own, a library of pandas."""
    makers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bDependencyError\($", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert makers == {
        "errors.py",
        "core/table_files.py",
        "models/boosters.py",
        "weather/sources/grib/decode.py",
    }


def test_a_plan_names_both_extras_that_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("jinja2", "xlsxwriter"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DependencyError) as caught:
        demo(tmp_path, gate_closure="08:00")
    assert "'energyforecast[planning,report]'" in caught.value.remedy
    assert "'.[planning,report]'" in caught.value.remedy
