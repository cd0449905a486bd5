"""A wind farm of two turbine types, commissioned a year apart: default forecasts with and without the types.

The wind and its forecasts are those of the synthetic farm Shelek, with a shear that changes over the day. Old
turbines (30 MW, hub at 65 m, small rotors) run from the beginning, new ones (40 MW, hub at 140 m, large rotors) from
the second year on; power is theirs by the true wind at each height. Four descriptions of the farm are forecast by
default, day ahead at 09:00, over the first months of the second year with a fit at the beginning of each: the farm
alone, with the capacity in service, with one power curve of the mean rotor as well, and with its turbine groups. Scores
are the CRPS over 19 levels and the mean absolute error of the median, in MW.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import energyforecast as ef

SECOND_YEAR = "2024-01-01"
LEVELS = tuple(np.arange(1, 20) / 20)
OLD = ef.TurbineGroup(
    name="old", capacity=30.0, hub_height=65.0, power_curve=ef.PowerCurve.generic(specific_power=420)
)
NEW = ef.TurbineGroup(
    name="new",
    capacity=40.0,
    hub_height=140.0,
    power_curve=ef.PowerCurve.generic(specific_power=230),
    commissioned=SECOND_YEAR,
)


def at_height(speed: Any, height: float, hour: Any) -> Any:
    """Wind at a height from that at 100 m, by a shear that is large at night."""
    exponent = 0.2 + 0.14 * np.cos(2 * np.pi * (hour - 20) / 24)  # 20 UTC is two at night
    return speed * (height / 100.0) ** exponent


def farm_weather(weather: xr.Dataset) -> xr.Dataset:
    """Forecasts at 50, 100 and 150 m with the shear of the hour."""
    hour = (weather["init_time"] + weather["lead_time"]).dt.hour
    heights = {
        f"wind_speed_{z}m": at_height(weather["wind_speed_100m"], z, hour).astype("float32")
        for z in (50, 150)
    }
    return weather.drop_vars("wind_speed_10m").assign(heights)


def farm_power(synthetic: ef.datasets.SyntheticSite, farm: ef.WindFarm) -> ef.Observations:
    """Power of all groups in service by the true wind, with 3 % of it as noise."""
    truth = synthetic.truth
    hours = truth.index.tz_localize(None).to_numpy()
    wind, share = truth["wind_speed_mean"].to_numpy(), farm.group_shares(hours)
    power = sum(
        share[k] * group.power_curve.power_at(at_height(wind, group.hub_height, truth.index.hour.to_numpy()))
        for k, group in enumerate(farm.groups())
    )
    noise = np.random.default_rng(0).normal(1.0, 0.03, len(hours))
    values = np.clip(power * noise, 0.0, 1.0) * farm.capacity_at(hours)
    return ef.Observations(pd.DataFrame({farm.name: values}, index=truth.index), published_after="2h")


def measure(months: int) -> dict[str, Any]:
    """Scores of the four descriptions."""
    synthetic = ef.datasets.shelek(models=("ecmwf",), hours=(366 + 31 * months) * 24)
    place = replace(synthetic.site, capacity=None, power_curve=None, turbines=None, hub_height=None)
    farm = replace(place, turbine_groups=(OLD, NEW), capacity=None)
    weather, power = farm_weather(synthetic.weather["ecmwf"]), farm_power(synthetic, farm)
    alone = replace(place, capacity=farm.capacity, hub_height=farm.hub_height)
    # The 70 MW have the rotors of both types: 30 / 420 + 40 / 230 km².
    mean = replace(alone, power_curve=ef.PowerCurve.generic(specific_power=70 / (30 / 420 + 40 / 230)))
    table = pd.DataFrame({farm.name: farm.capacity_at(power.index)}, index=power.index)
    known = ef.AvailableCapacity(table, published_after="-1h")
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=LEVELS)
    last = pd.Timestamp(SECOND_YEAR) + pd.DateOffset(months=months) - pd.Timedelta("1D")
    scores = {}
    for name, site, capacity in (
        ("farm alone", alone, None),
        ("with the capacity in service", alone, known),
        ("with one power curve, too", mean, known),
        ("with its turbine groups", farm, None),
    ):
        result = ef.backtest(
            ef.Forecaster(site, task),
            weather,
            power,
            start=SECOND_YEAR,
            end=f"{last:%Y-%m-%d}",
            refit="MS",
            available_capacity=capacity,
        )
        found = {metric: result.scores(chosen=(metric,)).iloc[0] for metric in ("crps", "mae")}
        scores[name] = {metric: round(float(row["value"]), 3) for metric, row in found.items()} | {
            "n": int(found["crps"]["n"])
        }
    return {"months": months, "unit": "MW", "scores": scores}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--months", type=int, default=3, help="months of the second year (default 3)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    text = json.dumps(measure(options.months), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
