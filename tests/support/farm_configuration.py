"""A wind farm with weather and power in files, and a configuration of them, for commands of the daily run."""

from __future__ import annotations

from pathlib import Path

import energyforecast as ef
from tests.support.synthetic_data import SyntheticSite, synthetic

#: Fits in a fraction of a second.
SMALL = 'kind = "LightGBMQuantiles"\nn_estimators = 20\nlearning_rate = 0.2\nfolds = 0'


def farm_configuration(
    folder: Path,
    *,
    days: int = 100,
    model: str = SMALL,
    capacity: float = 10.0,
    operations: str = "",
    given: SyntheticSite | None = None,
) -> Path:
    """Write weather.nc, power.csv and farm.toml; a file that is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    given = synthetic(days=days) if given is None else given
    if not (folder / "weather.nc").exists():
        ef.weather.write(given.weather, folder / "weather.nc")
        frame = given.power.values.rename_axis("time")
        frame.to_csv(folder / "power.csv", float_format="%.4f")
    path = folder / "farm.toml"
    path.write_text(
        f"""
[sites."farm 0"]
kind = "wind"
latitude = 48.0
longitude = 5.0
capacity = {capacity}
hub_height = 100
timezone = "Europe/Paris"
[weather]
file = "weather.nc"
[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "2h"
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "Europe/Paris"
quantiles = [0.1, 0.5, 0.9]
[model]
{model}
[operations]
{operations}
""",
        encoding="utf-8",
    )
    return path
