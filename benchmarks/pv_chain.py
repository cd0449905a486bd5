"""CPU seconds for a million rows of the chain from weather to PV power.

A hundred plants of 10,000 hours: the worst case, in which no two share an hour, with fixed modules and with
bifacial ones on trackers. ``seconds_per_million_rows`` is position, orientation and chain of the trackers,
the dearer of the two; best of five.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pvlib

from energyforecast import physics

SITES, HOURS = 100, 10_000


def best(function: Callable[[], Any]) -> tuple[float, Any]:
    """Least CPU time of five calls, and what the last one gave."""
    spent = []
    for _ in range(5):
        begun = time.process_time()
        found = function()
        spent.append(time.process_time() - begun)
    return min(spent), found


def measure() -> dict[str, Any]:
    """CPU seconds of the parts and of the whole."""
    rng = np.random.default_rng(0)
    first = np.datetime64("2020-01-01T00:30", "ns") + rng.integers(0, 8760, (SITES, 1)) * np.timedelta64(
        1, "h"
    )
    instants = first + np.arange(HOURS) * np.timedelta64(1, "h")
    latitude, longitude = rng.uniform(35, 52, (SITES, 1)), rng.uniform(50, 85, (SITES, 1))
    parts: dict[str, float] = {}
    parts["solar_position"], position = best(lambda: physics.solar_position(instants, latitude, longitude))
    parts["clear_sky"], clear = best(lambda: physics.clear_sky(position))
    shape = instants.shape
    ghi = clear.ghi * rng.uniform(0.2, 1.0, shape)
    weather = {"temp_air": rng.uniform(-10, 35, shape), "wind_speed": rng.uniform(0, 10, shape)}
    parts["decompose"], sky = best(lambda: physics.decompose(ghi, position))
    parts["tracker_orientation"], (tilt, azimuth) = best(lambda: physics.tracker_orientation(position))
    fixed = physics.PVSystem(surface_tilt=35.0, surface_azimuth=180.0)
    tracker = physics.PVSystem(surface_tilt=tilt, surface_azimuth=azimuth, bifaciality=0.7)
    parts["pv_power_fixed"], _ = best(lambda: physics.pv_power(sky, position, system=fixed, **weather))
    parts["pv_power_tracker"], power = best(
        lambda: physics.pv_power(sky, position, system=tracker, **weather)
    )
    assert np.isfinite(power).all()
    common = parts["solar_position"] + parts["decompose"]
    whole = common + parts["tracker_orientation"] + parts["pv_power_tracker"]
    return {
        "seconds_per_million_rows": whole,
        "seconds_per_million_rows_fixed": common + parts["pv_power_fixed"],
        "parts": parts,
        "rows": SITES * HOURS,
        "unit": "CPU s, best of five",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pvlib": pvlib.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    text = json.dumps(measure(), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
