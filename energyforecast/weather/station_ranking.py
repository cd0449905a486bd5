"""Ranking of temperature stations by how well they explain the demand of an area."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.errors import MissingDataError
from energyforecast.weather.measurements import known_by

__all__ = ["rank_stations"]

#: Days on which stations are compared, at least. [d]
_MIN_DAYS: Final = 60


def rank_stations(
    temperature: xr.Dataset, observations: Observations, *, site: str, as_of: Any = None
) -> tuple[str, ...]:
    r"""Rank stations by how well their temperature explains an area's demand, the best first.

    Parameters
    ----------
    temperature : Dataset
        ``temp_air`` [°C] of stations, dimensions ``(site, time)``.
    observations : Observations
        Demand of the area. [MW]
    site : str
        Name of the area.
    as_of : str or moment, optional
        Only data known by then is used; by default all that is given.

    Returns
    -------
    tuple of str

    Raises
    ------
    MissingDataError
        If fewer than 60 days have both demand and temperature.

    See Also
    --------
    energyforecast.weather.TemperatureEnsemble : Averages the best stations.

    Notes
    -----
    The logarithm of the mean demand :math:`D_d` of each day :math:`d` is regressed on the station's daily mean
    temperature :math:`T_d` (a cubic spline :math:`s`), weekday :math:`w`, season and trend,

    .. math::

        \ln D_d = \alpha + \beta d + \gamma_{w(d)} + \sum_{k=1}^{3} \left( a_k \cos \tfrac{2 \pi k d}{365.25}
        + b_k \sin \tfrac{2 \pi k d}{365.25} \right) + s(T_d) + \varepsilon_d,

    and stations are ordered by the median of :math:`|\varepsilon_d|`.

    References
    ----------
    Choosing stations by the fit of a demand model: Hong, Wang and White (2015),
    https://doi.org/10.1016/j.ijforecast.2014.07.001.

    Examples
    --------
    >>> days = pd.date_range("2023-01-01", "2023-12-31 23:00", freq="1h", tz="UTC")
    >>> warm = 10 + 10 * np.sin(np.arange(len(days)) / 200)
    >>> other = 10 + 10 * np.sin(np.arange(len(days)) / 300)
    >>> demand = Observations(pd.DataFrame({"city": 200 - 5 * warm}, index=days), published_after="1h")
    >>> stations = xr.Dataset(
    ...     {"temp_air": (("site", "time"), np.stack([other, warm]))},
    ...     coords={"site": ["far", "near"], "time": timestamps.to_ns(days)},
    ... ).assign_coords(available_time=("time", timestamps.to_ns(days)))
    >>> rank_stations(stations, demand, site="city")
    ('near', 'far')
    """
    known = temperature if as_of is None else known_by(temperature, as_of)
    moment = None if as_of is None else timestamps.instant(as_of)
    demand = observations.value_at(site, observations.index, as_of=moment)
    daily = pd.Series(np.where(demand > 0, demand, np.nan), index=observations.index).resample("1D").mean()
    names = [str(name) for name in known["site"].values]
    frame = known["temp_air"].transpose("time", "site").to_pandas().set_axis(names, axis=1)
    warmth = (
        frame.set_axis(timestamps.to_index(frame.index), axis=0).resample("1D").mean().reindex(daily.index)
    )
    misfit = {name: _misfit(daily, warmth[name]) for name in names}
    return tuple(sorted(names, key=lambda name: misfit[name]))


def _misfit(demand: pd.Series[Any], warmth: pd.Series[Any]) -> float:
    """Median absolute residual of the logarithm of daily demand."""
    from sklearn.preprocessing import SplineTransformer

    both = (demand.notna() & warmth.notna()).to_numpy()
    if both.sum() < _MIN_DAYS:
        raise MissingDataError(
            f"{int(both.sum())} days have both demand and the temperature of station {warmth.name!r}.",
            f"Stations must be compared on {_MIN_DAYS} days or more.",
            "Give a longer history, or leave the station out.",
        )
    days = pd.DatetimeIndex(demand.index[both])
    spline = SplineTransformer(8, knots="quantile", extrapolation="linear", include_bias=False)
    season = 2 * np.pi * np.asarray(days.day_of_year)[:, None] / 365.25 * np.arange(1, 4)
    design = np.hstack(
        [
            np.ones((len(days), 1)),
            np.arange(len(days))[:, None] / len(days),
            (np.asarray(days.day_of_week)[:, None] == np.arange(1, 7)).astype(float),
            np.cos(season),
            np.sin(season),
            spline.fit_transform(warmth.to_numpy()[both][:, None]),
        ]
    )
    target = np.log(demand.to_numpy()[both])
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    return float(np.median(np.abs(target - design @ coefficients)))
