"""The JSON schema of configurations: what editors complete and check by."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from energyforecast import configuration
from energyforecast.core.sites import DemandArea
from energyforecast.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
EXAMPLES = ("daily_forecast", "la_haute_borne", "plan", "store_update")


def _validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    return jsonschema.Draft202012Validator(configuration.json_schema())


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_name_the_schema_and_keep_it(name: str) -> None:
    text = (ROOT / "examples" / f"{name}.toml").read_text(encoding="utf-8")
    head = text.splitlines()[0]
    assert head.startswith("#:schema ")
    assert (ROOT / "examples" / head.removeprefix("#:schema ")).exists()
    _validator().validate(tomllib.loads(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hub_height = 80", "hub_heigth = 80"),
        ('kind = "wind"', 'kind = "windy"'),
        ("latitude = 48.45", 'latitude = "48.45"'),
        ('dataset = "la-haute-borne"\nperfect', 'dataset = "la-haute-borne"\nfile = "x.nc"\nperfect'),
        ("seed = 1", "seeds = 1"),
    ],
)
def test_the_schema_refuses_what_reading_refuses(tmp_path: Path, old: str, new: str) -> None:
    text = (ROOT / "examples" / "la_haute_borne.toml").read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "farm.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigurationError):
        configuration.read(file)
    assert not _validator().is_valid(tomllib.loads(file.read_text(encoding="utf-8")))


def test_every_field_of_a_site_is_a_key() -> None:
    known = configuration.json_schema()["$defs"]["DemandArea"]["properties"]
    assert {"country", "subdivision", "sector", "kind"} <= set(known)
    assert "name" not in known
    assert set(known) == {item.name for item in fields(DemandArea)} - {"name"} | {"kind"}


def test_importing_the_library_does_not_import_pydantic() -> None:
    code = "import sys, energyforecast as ef; ef.Forecaster, ef.planning.System; assert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("value", ["true", '"2"', "2.5"])
def test_types_are_strict(tmp_path: Path, value: str) -> None:
    """A quoted number, a truth value and a broken number are no integer."""
    text = (ROOT / "examples" / "la_haute_borne.toml").read_text(encoding="utf-8")
    file = tmp_path / "farm.toml"
    file.write_text(text.replace("turbines = 4", f"turbines = {value}"), encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"\[sites.La Haute Borne\] has turbines = .*\n.*whole number"
    ):
        configuration.read(file)
