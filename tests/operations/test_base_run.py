"""The daily run in a base installation: a forecast without the libraries of archive, stores and pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.climatology_farm import climatology_farm

_ABSENT = ("sqlalchemy", "alembic", "psycopg", "jinja2", "babel", "zarr", "h5netcdf", "filelock", "fsspec")
_CODE = f"""
import sys
sys.modules.update(dict.fromkeys({_ABSENT!r}))
from energyforecast.cli.application import main
main()
"""


@pytest.mark.slow
def test_a_base_installation_runs_and_names_the_steps_it_leaves_out(tmp_path: Path) -> None:
    climatology_farm(tmp_path)
    command = ["run", "farm.toml", "--issue-time", "2024-02-25 09:00", "--json", "run.json"]
    done = subprocess.run(
        [sys.executable, "-c", _CODE, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    steps = {step["name"]: step for step in record["steps"]}
    assert steps["forecast"]["state"] == "good"
    assert (steps["archive"]["state"], "sqlalchemy" in steps["archive"]["message"]) == ("skipped", True)
    assert (tmp_path / "operations" / "published" / "forecast.csv").is_file()
    assert "Traceback" not in done.stderr + done.stdout
