"""False alarms and found faults of the clock checks of PV power, over synthetic plants of any orientation.

Latitudes up to 65° on both hemispheres, all seasons and longitudes, steps of 15, 30 and 60 minutes, clear and mixed
skies, fixed modules that face any direction and trackers, hills in the morning or the evening. The orientation is
declared as it is, not at all, or wrongly. Each plant is read with the right clock, and with clocks that are an hour
late and early, half past five hours late (a zone that was forgotten), and on daylight saving.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast import physics
from energyforecast.core import plausibility, timestamps
from energyforecast.errors import TimeError

FINE, CAPACITY = pd.Timedelta("5min"), 10.0
CLOCKS = {"an hour late": 60, "an hour early": -60, "five and a half hours late": 330}


class Plant(NamedTuple):
    """A plant as it is declared, its power with a right clock, and the facts that made it."""

    site: ef.PVPlant
    power: pd.Series
    shaded: bool
    declared: Literal["right", "not", "wrong"]


def draw(rng: np.random.Generator) -> Plant:
    """One plant with its power."""
    mounting: Literal["fixed", "single_axis"] = "single_axis" if rng.random() < 0.15 else "fixed"
    true = ef.PVPlant(
        name="plant",
        latitude=rng.uniform(-65, 65),
        longitude=rng.uniform(-179, 179),
        capacity=CAPACITY,
        dc_capacity=CAPACITY * rng.uniform(1.0, 1.5),
        mounting=mounting,
        surface_tilt=rng.uniform(0, 90) if rng.random() < 0.3 else rng.uniform(0, 45),
        surface_azimuth=rng.uniform(0, 360),
    )
    start = pd.Timestamp("2023-01-01", tz="UTC") + pd.Timedelta(int(rng.integers(365)), "D")
    index = pd.date_range(start, periods=int(rng.choice([20, 40, 90, 365])) * 288, freq=FINE)
    hills = rng.choice([0.0, 5.0, 10.0, 20.0], size=2) * (rng.random() < 0.5)
    power = _power(true, index, rng, hills).resample(f"{rng.choice([15, 30, 60])}min").mean()
    declared: Literal["right", "not", "wrong"] = rng.choice(["right", "right", "not", "wrong"])
    site = {
        "right": true,
        "not": replace(true, mounting="fixed", surface_tilt=None, surface_azimuth=None),
        "wrong": replace(true, mounting="fixed", surface_azimuth=rng.uniform(0, 360)),
    }[declared]
    return Plant(site, power, bool(hills.any()), declared)


def _power(
    plant: ef.PVPlant, index: pd.DatetimeIndex, rng: np.random.Generator, hills: np.ndarray
) -> pd.Series:
    """Power under clear or mixed skies, with hills of some degrees in the east and in the west. [MW]"""
    sun = physics.solar_position(timestamps.to_ns(index + FINE / 2), plant.latitude, plant.longitude)
    ghi = np.nan_to_num(physics.clear_sky(sun).ghi)
    if rng.random() < 0.5:
        day = np.arange(len(index)) // 288
        hour = rng.normal(size=len(index) // 12).repeat(12)
        ghi = ghi * np.clip(1.05 * rng.beta(2, 1.2, day[-1] + 1)[day] + 0.1 * hour, 0.05, 1.05)
    sky = physics.decompose(ghi, sun)
    hidden = 90.0 - sun.apparent_zenith < np.where(sun.azimuth < 180, *hills)
    dni, dhi = np.where(hidden, 0.0, sky.dni), np.where(hidden, 0.7 * sky.dhi, sky.dhi)
    seen = physics.Irradiance(dni * np.clip(np.cos(np.radians(sun.zenith)), 0, None) + dhi, dni, dhi)
    power = CAPACITY * np.nan_to_num(plant.power(seen, sun, temp_air=15.0, wind_speed=2.0))
    return pd.Series(np.where(power < 0.003 * CAPACITY, 0.0, power), index=index)  # inverters start late


def on_daylight_saving(power: pd.Series) -> pd.Series:
    """Power of a logger that follows Berlin's clock changes, read as if it did not."""
    summer = np.array([bool(hour.dst()) for hour in power.index.tz_convert("Europe/Berlin")])
    moved = power.set_axis(power.index + pd.to_timedelta(np.where(summer, 60, 0), "min"))
    return moved[~moved.index.duplicated()].asfreq(power.index[1] - power.index[0])


def checked(power: pd.Series, site: ef.PVPlant) -> dict[str, Any]:
    """Verdict of ``check_clock``, and whether ``Forecaster.fit`` refuses."""
    report = ef.check_clock(power, site=site)
    known = power.dropna()
    try:
        plausibility.check_sun(
            timestamps.to_ns(known.index), known.to_numpy(), site=site, label="power", modules=True
        )
    except TimeError:
        return {"verdict": report.verdict, "refused": True}
    return {"verdict": report.verdict, "refused": False}


def measure(plants: int) -> dict[str, Any]:
    """Counts of false alarms, and of faults that were found in plants with and without hills."""
    rng = np.random.default_rng(0)
    right: Counter[str] = Counter()
    found: dict[str, Counter[str]] = {name: Counter() for name in (*CLOCKS, "on daylight saving")}
    for _ in range(plants):
        plant = draw(rng)
        outcome = checked(plant.power, plant.site)
        right[outcome["verdict"]] += 1
        right["refused by fit"] += outcome["refused"]
        wrong = {
            name: plant.power.set_axis(plant.power.index + pd.Timedelta(minutes, "min"))
            for name, minutes in CLOCKS.items()
        }
        if len(plant.power.index.normalize().unique()) > 300:
            wrong["on daylight saving"] = on_daylight_saving(plant.power)
        for name, power in wrong.items():
            outcome = checked(power, plant.site)
            kind = "hills" if plant.shaded else "open"
            found[name][f"{kind}, plants"] += 1
            found[name][f"{kind}, seen by check_clock"] += outcome["verdict"] not in ("right", "unknown")
            found[name][f"{kind}, refused by fit"] += outcome["refused"]
    return {
        "plants": plants,
        "right clocks": dict(right),
        "wrong clocks": {k: dict(v) for k, v in found.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plants", type=int, default=500, help="number of plants (500)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    text = json.dumps(measure(options.plants), indent=1)
    print(text)
    if options.json is not None:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
