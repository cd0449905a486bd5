"""Write the stored model and its forecast that later versions of the library must read.

::

    python -m tests.support.older_models FOLDER

The folder is committed once for each version that changes what is stored, and never written again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import energyforecast as ef
from energyforecast.features import FeatureSet, LeadTime, LocalHour, WindSpeed
from energyforecast.operations import Registry

FARM = ef.WindFarm(
    name="farm", latitude=43.64, longitude=78.54, capacity=60, hub_height=100, timezone="Asia/Almaty"
)
TASK = ef.day_ahead("08:00", timezone="Asia/Almaty", quantiles=(0.1, 0.5, 0.9))
#: As an organisation has it in its environment.
KEY = b"the key of the stored models"
ISSUED = ("2024-03-05 08:00", "2024-03-06 08:00")
_HOUR = np.timedelta64(3_600_000_000_000, "ns")
_DAYS = 75


def weather() -> xr.Dataset:
    """Runs of numbers that every processor has exactly: quarters and eighths."""
    init = np.datetime64("2024-01-01", "ns") + np.arange(0, 24 * _DAYS, 12) * _HOUR
    lead = np.arange(73)
    hour = 12 * np.arange(len(init))[:, None] + lead
    speed = (hour * 37 % 80) / 4.0 + (hour // 24 % 7) / 8.0
    temperature = (hour % 24) / 2.0 - 4.0
    values = {"wind_speed_100m": speed, "temp_air": temperature}
    return xr.Dataset(
        {
            name: (("site", "init_time", "lead_time"), array[None].astype("float32"))
            for name, array in values.items()
        },
        coords={
            "site": ["farm"],
            "init_time": init,
            "lead_time": lead * _HOUR,
            "available_time": ("init_time", init + 6 * _HOUR),
        },
        attrs={"kind": "forecast", "source": "numbers"},
    )


def power() -> ef.Observations:
    """Power that follows the wind, with remainders of its own."""
    hour = np.arange(24 * _DAYS)
    speed = (hour * 37 % 80) / 4.0 + (hour // 24 % 7) / 8.0
    values = np.clip(3.0 * speed - 6.0 + (hour * 11 % 17) / 4.0, 0.0, 60.0)
    index = pd.date_range("2024-01-01", periods=len(hour), freq="1h", tz="UTC")
    return ef.Observations(pd.DataFrame({"farm": values}, index=index), published_after="1h")


def forecaster() -> ef.Forecaster:
    """A small model of trees, with fallback models."""
    features = FeatureSet((WindSpeed(), LocalHour(), LeadTime()))
    model = ef.LightGBMQuantiles(n_estimators=8, learning_rate=0.3, num_leaves=6, folds=0)
    return ef.Forecaster(FARM, TASK, features=features, model=model, trust_clock=True)


def main(folder: Path) -> None:
    """Fit, store and forecast."""
    as_of = pd.Timestamp("2024-03-01 02:00", tz="UTC")
    fitted = forecaster().fit(weather(), power(), as_of=as_of, fallbacks=True)
    registry = Registry(folder / "models", key=KEY)
    record = registry.add(fitted, as_of=as_of, about={"promotion": {"promoted": True, "reason": "the first"}})
    registry.put_in_service(record.name)
    forecast = fitted.predict(weather(), power(), issue_time=ISSUED)
    content = {"model": record.name, "issued": ISSUED, "quantiles": forecast.data.values[0].tolist()}
    (folder / "forecast.json").write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
