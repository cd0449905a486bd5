"""Time to gather the weather of two years of day-ahead forecasts as it was known.

One site, four runs a day, 73 hourly leads, eight variables, 721 origins: 17,304 rows. Measured is
``asof.weather_as_of`` and the assembly of one matrix; CPU seconds, best of five.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import xarray as xr

from energyforecast.point_in_time import weather_access

VARIABLES = ("wind_speed_10m", "wind_speed_100m", "wind_direction_10m", "wind_direction_100m")
OTHERS = ("temp_air", "pressure", "relative_humidity", "cloud_cover")
ORIGINS = 721


def archive(rng: np.random.Generator) -> xr.Dataset:
    """Two years of runs, published seven hours after their initialisation."""
    first, last, step = np.datetime64("2022-12-29"), np.datetime64("2025-01-01"), np.timedelta64(6, "h")
    init = np.arange(first, last, step).astype("datetime64[ns]")
    lead = np.arange(73).astype("timedelta64[h]").astype("timedelta64[ns]")
    shape = (1, len(init), len(lead))
    dims = ("site", "init_time", "lead_time")
    return xr.Dataset(
        {name: (dims, rng.random(shape, dtype=np.float32)) for name in (*VARIABLES, *OTHERS)},
        coords={
            "site": ["farm"],
            "init_time": init,
            "lead_time": lead,
            "available_time": ("init_time", init + np.timedelta64(7, "h")),
        },
    )


def assemble(weather: xr.Dataset) -> np.ndarray:
    """The matrix of all origins: a row for each hour of the next day."""
    issue = np.datetime64("2023-01-05T09:00", "ns") + np.arange(ORIGINS) * np.timedelta64(24, "h")
    valid = issue[:, None] + np.arange(15, 39) * np.timedelta64(1, "h")
    got = weather_access.weather_as_of(
        weather,
        site="farm",
        issue_time=issue,
        valid_time=valid,
        inside=np.ones(valid.shape, dtype=bool),
        names=[str(name) for name in weather.data_vars],
    )
    return np.column_stack([values.ravel() for values in got.values.values()])


def measure() -> dict[str, object]:
    """Rows, CPU seconds and where they were measured."""
    weather = archive(np.random.default_rng(0))
    spent = []
    for _ in range(6):  # the first one warms up
        begun = time.process_time()
        table = assemble(weather)
        spent.append(time.process_time() - begun)
    assert np.isfinite(table).all()
    return {
        "rows": len(table),
        "columns": table.shape[1],
        "seconds": min(spent[1:]),
        "all_seconds": spent[1:],
        "unit": "CPU s, best of five",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    figures = measure()
    text = json.dumps(figures, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
