"""Driver of a site's power, wind speed or irradiance, and the power that is usual with it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast import physics
from energyforecast.core import timestamps, variables, weather_schema
from energyforecast.core.arguments import as_numbers
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm
from energyforecast.errors import MissingDataError, SchemaError, TimeError

__all__ = ["clock_driver", "driver_at", "expected_power", "measured_radiation"]

Floats = npt.NDArray[np.float64]

#: Smallest number of values for a median in a class of weather.
_IN_CLASS: Final = 20
#: Longest gap between two values that is interpolated.
_LONGEST_GAP: Final = pd.Timedelta("3h")


def driver_at(
    middle: pd.DatetimeIndex, expected: pd.Series | xr.Dataset | None = None, *, site: Site
) -> tuple[Floats, str]:
    """Wind speed or ``ghi`` that drives a site's power, NaN where not known, and its name."""
    if expected is None:
        raise MissingDataError(
            f"{site.name!r} has no series to be compared with.",
            "A wind farm or an area needs its weather; a PV plant alone is compared with the sun.",
            "Give expected=..., the wind speed or a weather dataset.",
        )
    series = _freshest(expected, site) if isinstance(expected, xr.Dataset) else expected
    if not isinstance(series.index, pd.DatetimeIndex) or series.index.tz is None:
        raise TimeError(
            "The expected series has no zone-aware index.",
            "Its times must be in UTC.",
            "Use expected.tz_localize('UTC') if they are.",
        )
    known = series.dropna().sort_index()
    stamps, wanted = (timestamps.to_ns(index).astype("int64") for index in (known.index, middle))
    if not len(stamps):
        raise MissingDataError("The expected series is empty.", "It must have values.", "Check the period.")
    values = np.interp(wanted, stamps, as_numbers("expected", known), left=np.nan, right=np.nan)
    # Between instants that are too far apart, the expected value is not known.
    after = np.clip(np.searchsorted(stamps, wanted), 1, max(len(stamps) - 1, 1))
    gap = stamps[after % len(stamps)] - stamps[after - 1]
    values[gap > _LONGEST_GAP.value] = np.nan
    return values, str(series.name or "the expected series")


def _freshest(weather: xr.Dataset, site: Site) -> pd.Series:
    """Driver of the site in a weather dataset, at each time from the newest run that has it."""
    if isinstance(site, PVPlant):
        name = "ghi"
    else:
        hub = (site.hub_height if isinstance(site, WindFarm) else None) or 100.0
        speeds = [str(name) for name in weather.data_vars if str(name).startswith("wind_speed_")]
        name = min(speeds, key=lambda name: abs((variables.height_of(name) or hub) - hub), default="")
    places = list(weather["site"].values) if "site" in weather.coords else []
    if name not in weather or site.name not in places:
        raise SchemaError(
            f"The weather has {list(map(str, weather.data_vars))} at {places}.",
            f"It needs the driver of {site.name!r}: wind speed, or ghi for a PV plant.",
            "Give the series itself as expected=...",
        )
    values = weather[name].sel(site=site.name)
    values = values.mean("member") if "member" in values.dims else values
    if weather_schema.is_analysis(weather):
        series = pd.Series(values.values, index=timestamps.to_index(values["time"].values), name=name)
    else:
        values = values.transpose("lead_time", "init_time")
        lead = values["lead_time"].values.astype("timedelta64[ns]")
        valid = timestamps.to_ns(values["init_time"].values)[None, :] + lead[:, None]
        whole = pd.Series(values.values.ravel(), index=timestamps.to_index(valid.ravel()), name=name).dropna()
        series = whole[~whole.index.duplicated()].sort_index()
    method = weather[name].attrs.get("cell_methods", variables.lookup(name).cell_methods)
    if method == variables.MEAN and len(series) > 1:
        series.index = series.index + pd.Series(series.index).diff().median() / 2
    return series


def clock_driver(
    middle: pd.DatetimeIndex, expected: pd.Series | xr.Dataset | None = None, *, site: Site
) -> tuple[Floats, str]:
    """Driver of a site's power with which its clock is compared, and its name.

    A PV plant's is the power of its modules, as they are declared, under a clear sky or with the radiation of weather;
    that of the radiation measured in an area is a clear sky.
    """
    if measured_radiation(expected, site) is not None:
        sky = physics.clear_sky(
            physics.solar_position(timestamps.to_ns(middle), site.latitude, site.longitude)
        )
        return np.nan_to_num(sky.ghi), "the sun"
    if not isinstance(site, PVPlant) or isinstance(expected, pd.Series):
        return driver_at(middle, expected, site=site)
    sun = physics.solar_position(timestamps.to_ns(middle), site.latitude, site.longitude)
    if expected is None:
        return np.nan_to_num(site.clear_sky_power(sun)), "the sun"
    ghi, name = driver_at(middle, expected, site=site)
    power = site.power(np.clip(ghi, 0.0, None), sun, temp_air=20.0, wind_speed=2.0)
    return np.where(np.isfinite(ghi), np.nan_to_num(power), np.nan), name


def measured_radiation(expected: pd.Series | xr.Dataset | None, site: Site) -> pd.Series | None:
    """Radiation that was measured in an area, by the beginnings of its intervals."""
    if not (
        isinstance(site, DemandArea)
        and isinstance(expected, xr.Dataset)
        and weather_schema.is_analysis(expected)
        and "ghi" in expected
        and site.name in expected["site"].values
    ):
        return None
    values = expected["ghi"].sel(site=site.name)
    series = pd.Series(values.values.astype(float), timestamps.to_index(values["time"].values)).dropna()
    if len(series) < 2:
        return None
    step = pd.Series(series.index).diff().min()
    if values.attrs.get("cell_methods") == variables.POINT:
        series.index = series.index - step / 2
    return series.asfreq(step)


def expected_power(power: Floats, driver: Floats, *, classes: int = 30) -> Floats:
    r"""Usual power at each value of its driver: medians in equally full classes, linear in between; NaN without driver.

    .. math::
        \hat{p}(x) = \operatorname{interp}\left( x;\; \tilde{x}_j, \tilde{p}_j \right), \qquad
        \tilde{x}_j = \operatorname{median}_{x_i \in C_j} x_i, \quad
        \tilde{p}_j = \operatorname{median}_{x_i \in C_j} p_i

    The method of bins of IEC 61400-12-1, with medians, which neither curtailments nor outages change.
    """
    known = np.isfinite(power) & np.isfinite(driver)
    if known.sum() < 5 * _IN_CLASS:
        return np.full(len(power), np.nan)
    count = min(classes, int(known.sum()) // _IN_CLASS)
    edges = np.unique(np.quantile(driver[known], np.linspace(0, 1, count + 1)))
    place = np.clip(np.searchsorted(edges, driver[known], side="right") - 1, 0, max(len(edges) - 2, 0))
    medians = pd.DataFrame({"x": driver[known], "y": power[known]}).groupby(place).median()
    usual = np.interp(driver, medians["x"], medians["y"])
    return np.where(np.isfinite(driver), usual, np.nan)
