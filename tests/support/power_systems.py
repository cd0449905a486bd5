"""Small power systems, and their hours and scenarios."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from energyforecast.core.scenario_set import Scenarios
from energyforecast.planning import Area, Electrolyser, HVDCLink, PumpedStorage, System, ThermalUnit


def hours(number: int, step: str = "1h") -> pd.DatetimeIndex:
    return pd.date_range("2024-01-02", periods=number, freq=step, tz="UTC")


def frame(step: str = "1h", **columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=hours(len(next(iter(columns.values()))), step), dtype=float)


def scenarios(values: Any, site: str = "South") -> Scenarios:
    values = np.asarray(values, dtype=float)
    return Scenarios.from_values(
        values[:, None], sites=[site], valid_time=hours(values.shape[1]), frequency="1h"
    )


def unit(name: str, capacity: float, cost: float, area: str = "South", **more: Any) -> ThermalUnit:
    return ThermalUnit(name=name, area=area, capacity=capacity, cost=cost, **more)


def synthetic_system(number: int, seed: int = 0) -> tuple[System, dict[str, Scenarios]]:
    """Coal behind a link, gas, a lake and an electrolyser over a day of half-hidden wind."""
    random = np.random.default_rng(seed)
    coal = unit("coal", 400, 20, "North", minimum=0.3, ramp=60, flexible=0.1, premium_up=8, premium_down=8)
    gas = unit("gas", 150, 70, premium_up=40, premium_down=30)
    system = System(
        areas=[Area(name="North"), Area(name="South")],
        units=[coal, gas],
        links=[HVDCLink(name="HVDC", from_area="North", to_area="South", capacity=200, losses=0.04)],
        storages=[
            PumpedStorage(name="lake", area="South", turbine=40, pump=50, reservoir=200, start_level=80)
        ],
        electrolysers=[
            Electrolyser(name="H2", area="South", capacity=30, hydrogen_demand=8, hydrogen_storage=60)
        ],
        shedding_cost=2000,
        curtailment_cost=2,
    )
    sun = np.clip(np.sin(np.arange(12) / 12 * np.pi), 0, None)
    north = 150 + 20 * sun + random.normal(scale=5, size=(number, 12))
    demand = np.stack([north, 250 + 80 * sun + random.normal(scale=15, size=(number, 12))], axis=1)
    wind = np.clip(70 + random.normal(scale=15, size=(number, 12)).cumsum(axis=1), 0, 160)
    return system, {
        "demand": Scenarios.from_values(demand, sites=["North", "South"], valid_time=hours(12)),
        "wind": scenarios(wind),
    }
