"""Weather runs of any step, and power that follows them at any frequency: the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

import energyforecast as ef
from energyforecast import physics

DAY = np.timedelta64(1, "D")
DIMS = ("site", "init_time", "lead_time")


def toy_weather(
    sites: Sequence[ef.Site],
    *,
    start: str = "2024-01-01",
    days: int = 60,
    cycle: str = "12h",
    leads: int = 85,
    step: str = "1h",
    latency: str = "6h",
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Runs of wind, temperature and radiation, and the true wind at each site."""
    rng = np.random.default_rng(0)
    width = pd.Timedelta(step).to_timedelta64()
    count = int(pd.Timedelta(days, "D") / pd.Timedelta(cycle))
    init = pd.date_range(start, periods=count, freq=cycle).to_numpy("M8[ns]")
    lead = (np.arange(leads) * width).astype("timedelta64[ns]")
    valid = init[:, None] + lead
    truth = _true_wind(np.unique(valid), sites, rng)
    runs = [truth[site.name].reindex(valid.ravel()).to_numpy().reshape(valid.shape) for site in sites]
    speed = np.clip(np.stack(runs) + 0.6 * rng.normal(size=(len(sites), *valid.shape)), 0, 30)
    time_of_day = (valid - valid.astype("datetime64[D]")) / DAY
    temperature = np.broadcast_to(10 + 5 * np.sin(2 * np.pi * time_of_day), speed.shape)
    radiation = np.stack([0.8 * _clear_sky(valid + width // 2, site) for site in sites])
    point, mean = {"cell_methods": "time: point"}, {"cell_methods": "time: mean"}
    weather = xr.Dataset(
        {
            "wind_speed_100m": (DIMS, speed.astype("f4"), {"units": "m s-1"} | point),
            "temp_air": (DIMS, temperature.astype("f4"), {"units": "degree_Celsius"} | point),
            "ghi": (DIMS, radiation.astype("f4"), {"units": "W m-2"} | mean),
        },
        coords={
            "site": [site.name for site in sites],
            "init_time": init,
            "lead_time": lead,
            "available_time": ("init_time", init + pd.Timedelta(latency).to_timedelta64()),
        },
        attrs={"kind": "forecast"},
    )
    return weather, truth


def toy_power(
    sites: Sequence[ef.Site], truth: pd.DataFrame, *, frequency: str = "1h", offset: str = "0min"
) -> ef.Observations:
    """Power of the true wind, of a clear sky or of a daily load, published an hour after each interval."""
    width = pd.Timedelta(frequency)
    index = pd.date_range(truth.index[0], truth.index[-1], freq=width, inclusive="left") + pd.Timedelta(
        offset
    )
    share = {site.name: _share(site, index, index + width / 2, truth) for site in sites}
    values = {site.name: share[site.name] * (site.capacity or 100) for site in sites}
    return ef.Observations(pd.DataFrame(values, index=index.tz_localize("UTC")), published_after="1h")


def _share(
    site: ef.Site, begin: pd.DatetimeIndex, middle: pd.DatetimeIndex, truth: pd.DataFrame
) -> np.ndarray:
    if site.kind == "solar":
        return _clear_sky(middle.to_numpy("M8[ns]"), site) / 1000 * 0.8
    if site.kind == "demand":
        hour = (begin - begin.normalize()) / pd.Timedelta("1h")
        return (0.6 + 0.2 * np.sin(2 * np.pi * (hour - 8) / 24)).to_numpy()
    known = truth.index.to_numpy("M8[ns]").astype("i8")
    wind = np.interp(middle.to_numpy("M8[ns]").astype("i8"), known, truth[site.name])
    return np.clip((wind - 3) / 9, 0, 1) ** 2


def _true_wind(times: np.ndarray, sites: Sequence[ef.Site], rng: np.random.Generator) -> pd.DataFrame:
    """Wind with a memory of a day and a half of hours."""
    steps = pd.DataFrame(rng.normal(size=(len(times), len(sites))), index=pd.DatetimeIndex(times))
    slow = steps.ewm(alpha=0.03, adjust=False).mean() / 0.03 * 0.25
    return (8 + 3 * slow).clip(0, 24).set_axis([site.name for site in sites], axis=1)


def _clear_sky(middle: np.ndarray, site: ef.Site) -> np.ndarray:
    sun = physics.solar_position(middle.astype("M8[ns]"), site.latitude, site.longitude)
    return np.asarray(physics.clear_sky(sun).ghi)


def wind_farm(**changes: object) -> ef.WindFarm:
    """A farm of 100 MW at 48 N, 10 E."""
    place = {"name": "farm", "latitude": 48.0, "longitude": 10.0, "capacity": 100.0, "hub_height": 100.0}
    return ef.WindFarm(**(place | changes))


def quick_model(n_estimators: int = 5) -> ef.LightGBMQuantiles:
    """A model of a fraction of a second."""
    return ef.LightGBMQuantiles(n_estimators=n_estimators, folds=0)
