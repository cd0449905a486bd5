"""La Haute Borne: a real wind farm with its reanalysis weather, 2014 and 2015."""

from __future__ import annotations

import gzip
from importlib.resources import files
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, variables
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import WindFarm
from energyforecast.core.variables import Flag

__all__ = ["la_haute_borne"]

_NAME: Final = "La Haute Borne"
_TURBINES: Final = 4
#: ERA5T is published about five days later.
_LATENCY: Final = np.timedelta64(5 * 24, "h")


def la_haute_borne() -> tuple[WindFarm, xr.Dataset, Observations]:
    """Real wind farm in France with hourly power and ERA5 weather of 2014 and 2015.

    Four Senvion MM82 turbines of 2.05 MW (ENGIE, Etalab Open Licence 2.0), with their clock corrected; ERA5 wind at
    100 m, temperature and pressure (contains modified Copernicus Climate Change Service information).
    The weather is an analysis, not a forecast: a forecaster accepts it only with ``perfect_weather=True``.

    Returns
    -------
    site : WindFarm
    weather : Dataset
        Dimensions (site, time); instants.
    power : Observations
        MW, hourly. Hours in which a turbine did not report are NaN and flagged ``INCOMPLETE``; small
        negative power (auxiliary use) is kept. Regarded as published one hour after the end of the hour.

    See Also
    --------
    shelek, SyntheticSite

    Examples
    --------
    >>> site, weather, power = la_haute_borne()
    >>> site.capacity, site.hub_height
    (8.2, 80.0)
    >>> power
    Observations of La Haute Borne: 17520 x 1h from 2014-01-01 00:00 UTC, 261 missing, 261 flagged, published after 1h
    """
    site = WindFarm(
        name=_NAME,
        latitude=48.45,
        longitude=5.59,
        capacity=8.2,
        timezone="Europe/Paris",
        altitude=411.0,
        hub_height=80.0,
        rotor_diameter=82.0,
        turbines=_TURBINES,
    )
    return site, _weather(), _power()


def _read(name: str) -> pd.DataFrame:
    resource = files("energyforecast.datasets") / "data" / name
    with resource.open("rb") as raw, gzip.open(raw, "rt") as text:
        frame = pd.read_csv(text)
    index = pd.DatetimeIndex(pd.to_datetime(frame.pop("time"), format="ISO8601", utc=True))
    return frame.set_index(timestamps.to_index(index))


def _power() -> Observations:
    table = _read("la_haute_borne_power.csv.gz")
    whole = table["turbines_reporting"] == _TURBINES
    flags = np.where(whole, 0, int(Flag.INCOMPLETE))
    flags |= np.where(table["clock_ambiguous"] == 1, int(Flag.CLOCK_SUSPECT), 0)
    # The total of a farm is unknown if a turbine does not report: neither the sum of the others nor zero.
    values = table["power"].where(whole).to_frame(_NAME)
    return Observations(
        values,
        published_after="1h",
        flags=pd.DataFrame({_NAME: flags}, index=values.index),
    )


def _weather() -> xr.Dataset:
    table = _read("la_haute_borne_era5.csv.gz")
    stamps = timestamps.to_ns(table.index)
    dataset = xr.Dataset(
        {name: (("site", "time"), table[name].to_numpy(dtype=np.float32)[None, :]) for name in table.columns},
        coords={"site": [_NAME], "time": stamps, "available_time": ("time", stamps + _LATENCY)},
        attrs={
            "kind": "analysis",
            "source": "ERA5 reanalysis",
            "license": "Contains modified Copernicus Climate Change Service information 2020",
        },
    )
    for name in dataset.data_vars:
        row = variables.lookup(str(name))
        dataset[name].attrs = {
            "units": row.units,
            "standard_name": row.standard_name,
            "cell_methods": row.cell_methods,
        }
    return dataset
