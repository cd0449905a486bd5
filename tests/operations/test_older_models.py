"""Models stored by earlier versions of the library are read, and give the forecasts that were stored with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from energyforecast.core.files import checksum
from energyforecast.errors import FileFormatError
from energyforecast.operations import Registry
from energyforecast.operations.manifest import MODEL, sealed
from tests.models.test_same_numbers import LEVELS
from tests.support import older_models

STORED = Path(__file__).parent / "stored"
VERSIONS = sorted(path.name for path in STORED.iterdir())


def _forecast(folder: Path) -> np.ndarray:
    """Forecast of the stored model, whoever stored it."""
    served = Registry(folder / "models", key=older_models.KEY).served()
    assert served is not None
    assert served.refused == ()
    forecast = served.forecaster.predict(
        older_models.weather(), older_models.power(), issue_time=older_models.ISSUED
    )
    assert (forecast.data["fallback_level"].values == 0).all()
    return forecast.data.values[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_model_is_read_and_gives_its_forecast(version: str) -> None:
    stored = json.loads((STORED / version / "forecast.json").read_text(encoding="utf-8"))
    assert tuple(stored["issued"]) == older_models.ISSUED
    expected = np.array(stored["quantiles"])
    assert np.ptp(expected) > 20  # MW: it is no constant
    np.testing.assert_allclose(_forecast(STORED / version), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifest_of_an_older_model_is_read(version: str) -> None:
    (record,) = Registry(STORED / version / "models", key=older_models.KEY).records()
    assert record.signed
    assert record.written_by == version
    assert record.manifest["features"] == {"farm": ["WindSpeed", "LocalHour", "LeadTime"]}


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
def test_an_older_model_gives_its_forecast_at_every_level_of_instructions(level: str) -> None:
    code = (
        "import json, sys\nfrom pathlib import Path\nfrom tests.operations import test_older_models as tests\n"
        "print(json.dumps([tests._forecast(tests.STORED / version).tolist() for version in tests.VERSIONS]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | LEVELS[level],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    for version, quantiles in zip(VERSIONS, json.loads(done.stdout), strict=True):
        stored = json.loads((STORED / version / "forecast.json").read_text(encoding="utf-8"))
        np.testing.assert_allclose(quantiles, stored["quantiles"], rtol=0, atol=1e-9)


def test_a_file_of_another_schema_says_why_and_who_wrote_it(tmp_path: Path) -> None:
    """As a later version would find a model that it no longer reads."""
    shutil.copytree(STORED / "0.1.0" / "models", tmp_path / "models")
    registry = Registry(tmp_path / "models", key=older_models.KEY)
    (record,) = registry.records()
    with zipfile.ZipFile(record.path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members["manifest.json"] = members["manifest.json"].replace(b'"schema": 3', b'"schema": 2', 1)
    with zipfile.ZipFile(record.path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    content = record.path.read_bytes()
    manifest = {**record.manifest, "files": {MODEL: {"sha256": checksum(content), "bytes": len(content)}}}
    (record.folder / "manifest.json").write_bytes(sealed(manifest, key=older_models.KEY))
    with pytest.raises(
        FileFormatError, match=r"schema 2\. It was written by energyforecast 0\.1\.0"
    ) as error:
        registry.load(record.name)
    assert "Fit and save again with this version." in str(error.value)
    assert registry.served() is None
