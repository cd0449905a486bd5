"""The daily run in a base installation: a forecast without the libraries of archive, stores and pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

_ABSENT = ("sqlalchemy", "alembic", "psycopg", "jinja2", "babel", "zarr", "h5netcdf", "filelock", "fsspec")
_CODE = f"""
import sys
sys.modules.update(dict.fromkeys({_ABSENT!r}))
from energyforecast.cli.application import main
main()
"""
_CONFIG = """
[sites.farm]
kind = "wind"
latitude = 43.6
longitude = 78.5
capacity = 60
[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "UTC"
quantiles = [0.1, 0.5, 0.9]
[model]
kind = "Climatology"
"""


@pytest.mark.slow
def test_a_base_installation_runs_and_names_the_steps_it_leaves_out(tmp_path: Path) -> None:
    index = pd.date_range("2024-01-01", periods=60 * 24, freq="h").strftime("%Y-%m-%d %H:%M")
    power = pd.DataFrame({"farm": np.random.default_rng(0).uniform(0, 60, len(index)).round(2)}, index=index)
    power.to_csv(tmp_path / "power.csv", index_label="time")
    (tmp_path / "farm.toml").write_text(_CONFIG, encoding="utf-8")
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
