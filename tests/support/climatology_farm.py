"""A wind farm without weather, forecast by climatology: the smallest configuration of a daily run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

CONFIG = """
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


def climatology_farm(folder: Path) -> Path:
    """Write power.csv, sixty days of random power, and farm.toml."""
    index = pd.date_range("2024-01-01", periods=60 * 24, freq="h")
    power = pd.DataFrame({"farm": np.random.default_rng(0).uniform(0, 60, len(index)).round(2)}, index=index)
    power.index = power.index.strftime("%Y-%m-%d %H:%M")
    power.to_csv(folder / "power.csv", index_label="time")
    path = folder / "farm.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path
