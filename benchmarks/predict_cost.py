"""CPU time of one live predict, by the length of the weather archive that it is given.

A wind farm (60 MW) with synthetic forecasts every six hours to 72 h of seven variables, wind and sun among them, and
hourly power. The forecaster is fitted once, on the last year (default recipe and model); then it forecasts the next day
from archives of the last 1, 2 and 4 years that end at the same run. Everything that ``predict`` does counts: checks,
features, model, forecast. CPU seconds of this process, best of five.

Keys of the file: ``cpu_seconds`` (by years, each the best of five), ``ratio_4_to_1`` (four years to one; at most 1.3 is
asked), ``archive_mb`` (by years), ``repeats``.

    python benchmarks/predict_cost.py --json predict_cost.json
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import energyforecast as ef
from energyforecast.core import timestamps

YEARS = (1, 2, 4)
END = np.datetime64("2024-12-31T00", "ns")
HOUR = np.timedelta64(3_600_000_000_000, "ns")
FARM = ef.WindFarm(
    name="farm", latitude=48.0, longitude=5.0, capacity=60.0, hub_height=100, timezone="Europe/Paris"
)
TASK = ef.day_ahead("09:00", timezone="Europe/Paris")


def archive(years: int, *, leads: int = 72, every: int = 6) -> tuple[xr.Dataset, ef.Observations]:
    """Forecasts and power of the last years before the end: the same values for the same hours."""
    count = years * 365 * 24
    hours = np.arange(count + leads + 1)
    valid = END - count * HOUR + hours * HOUR
    day = (valid - valid.astype("datetime64[D]")) / np.timedelta64(1, "D")
    number = (valid - END) / np.timedelta64(1, "h")
    speed = np.clip(7.5 + 4 * np.sin(number / 17.0) + 2 * np.sin(number / 5.3), 0.0, 24.0)
    ghi = _sun(valid)
    begin = np.arange(0, count + 1, every)
    where = begin[:, None] + np.arange(leads + 1)
    drift = 0.02 * np.arange(leads + 1) * np.sin(number[begin])[:, None]
    cube = {
        "wind_speed_10m": 0.7 * speed[where] + 0.3,
        "wind_speed_100m": np.clip(speed[where] + drift, 0.0, 24.0),
        "wind_direction_100m": np.mod(240 + 20 * (speed[where] - 8), 360),
        "temp_air": 10 + 5 * np.sin(2 * np.pi * day[where]),
        "pressure": 98_000 + 200 * (8 - speed[where]),
        "cloud_cover": 50 + 40 * np.sin(number[where] / 11.0),
        "ghi": ghi[where],
    }
    init = valid[begin]
    weather = xr.Dataset(
        {
            name: (("site", "init_time", "lead_time"), values[None].astype("float32"))
            for name, values in cube.items()
        },
        coords={"site": [FARM.name], "init_time": init, "lead_time": np.arange(leads + 1) * HOUR},
        attrs={"kind": "forecast", "source": "synthetic"},
    ).assign_coords(available_time=("init_time", init + 7 * HOUR))
    output = 60.0 * np.clip((speed - 3.0) / 9.0, 0.0, 1.0) ** 2
    index = timestamps.to_index(valid[: count + 1])
    power = ef.Observations(pd.DataFrame({FARM.name: output[: count + 1]}, index=index), published_after="2h")
    return weather, power


def _sun(valid: timestamps.Times) -> np.ndarray:
    """Clear-sky radiation as means over the hours. [W m⁻²]"""
    position = ef.physics.solar_position(valid + HOUR // 2, FARM.latitude, FARM.longitude)
    return np.asarray(900.0 * np.clip(np.cos(np.radians(position.zenith)), 0.0, None))


def measure(repeats: int = 5) -> dict[str, object]:
    """CPU seconds of one predict for each length of the archive."""
    forecaster = ef.Forecaster(FARM, TASK).fit(*archive(1))
    cpu, size = {}, {}
    for years in YEARS:
        weather, power = archive(years)
        seconds = []
        for _ in range(repeats):
            begun = time.process_time()
            forecaster.predict(weather, power, issue_time="2024-12-30 09:00")
            seconds.append(time.process_time() - begun)
        cpu[str(years)], size[str(years)] = round(min(seconds), 4), round(weather.nbytes / 2**20, 1)
    return {
        "cpu_seconds": cpu,
        "ratio_4_to_1": round(cpu["4"] / cpu["1"], 3),
        "archive_mb": size,
        "repeats": repeats,
    }


def main() -> None:
    """Measure, show and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of which the best counts")
    chosen = parser.parse_args()
    figures = measure(chosen.repeats)
    text = json.dumps(figures, indent=1)
    print(text)
    if chosen.json is not None:
        chosen.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
