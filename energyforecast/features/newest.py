"""Features of the next hours: change and decay of the newest power, and the present error of the forecasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from energyforecast.core.arguments import checked
from energyforecast.core.sites import Site, WindFarm
from energyforecast.errors import SchemaError
from energyforecast.features.base import Array, Columns, Feature, mean_of_known, offset_name, step_hours
from energyforecast.features.wind_power import power_of_mean_wind
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot

__all__ = ["CurveError", "DecayingNewest", "NewestChange", "NewestWind"]

_NEWEST: Final = Past(pd.Timedelta(0), newest=True)
#: The newest observation, with the forecast of the wind in its interval.
_NEWEST_WIND: Final = Past(pd.Timedelta(0), newest=True, weather=("wind_speed_*m",))


def _power(now: Snapshot, past: Past) -> Array:
    """Observed power, shape (origins, steps). [fraction of capacity or MW]"""
    return np.asarray(now.history[past, now.site.name][0] / (now.site.capacity or 1.0))


@checked(hours=(1 / 60, 240))
@dataclass(frozen=True)
class NewestChange(Feature):
    r"""Newest published observation minus those some hours before it: its trend. [fraction of capacity or MW]

    .. math:: \Delta_h = y_{t_0} - y_{t_0 - h}

    with the newest published observation at :math:`t_0`. One that is missing gives way to the next older one.

    Parameters
    ----------
    hours : tuple of float
        Distances :math:`h`. [h]

    See Also
    --------
    NewestObservation, DecayingNewest, CurveError

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> change = NewestChange(hours=(1, 3))
    >>> columns = change.compute(example_snapshot(history=change.history, hours=1))  # 0.5 of 60 MW an hour
    >>> {name: values.round(4).tolist() for name, values in columns.items()}
    {'newest[change 1h]': [[0.0083]], 'newest[change 3h]': [[0.025]]}
    """

    hours: tuple[float, ...] = (1, 2, 3)

    @property
    def history(self) -> tuple[Past, ...]:  # type: ignore[override]
        """The newest observation, and those before it."""
        return (_NEWEST, *map(_before, self.hours))

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``newest[change 1h]``."""
        newest = _power(now, _NEWEST)
        return {
            f"newest[change {offset_name(hours).removeprefix('+')}]": newest - _power(now, _before(hours))
            for hours in self.hours
        }


def _before(hours: float) -> Past:
    return Past(pd.Timedelta(hours, "h"), newest=True)


@checked(time_constant=(0.1, 240))
@dataclass(frozen=True)
class DecayingNewest(Feature):
    r"""Newest published power, decaying with the time since: base of a forecast that becomes absolute in a few hours.

    .. math:: b_t = y_{t_0} \, e^{-d / \tau}, \qquad d = t - (t_0 + \Delta)

    with the newest published observation of the interval from :math:`t_0` to :math:`t_0 + \Delta`. The outcome minus
    the base is the change of the power in the next hour, and the power itself on the next day. The distance :math:`d`
    takes the place of the lead time: where the newest values are missing, a forecast is that of a longer lead.

    Parameters
    ----------
    time_constant : float
        Time :math:`\tau` in which the newest power decays to 37 %. [h]

    See Also
    --------
    NewestObservation, NewestChange, energyforecast.LightGBMQuantiles

    References
    ----------
    The share of the newest value that falls with the lead is from Nielsen, Joensen, Madsen, Landberg and Giebel (1998),
    A new reference for wind power forecasting,
    https://doi.org/10.1002/(SICI)1099-1824(199809)1:1%3C29::AID-WE10%3E3.0.CO;2-B.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> decaying = DecayingNewest(time_constant=16)
    >>> now = example_snapshot(history=decaying.history, hours=2)  # 14.5 of 60 MW, until 16 h before the window
    >>> for name, values in decaying.compute(now).items():
    ...     print(name, values.round(3).tolist())
    newest[distance] [[16.0, 17.0]]
    newest[decayed] [[0.089, 0.084]]
    """

    history: ClassVar[tuple[Past, ...]] = (_NEWEST,)

    time_constant: float = 3

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``newest[distance]`` [h] and ``newest[decayed]``, 0 before the first publication."""
        distance = now.lead_time + now.history[_NEWEST, now.site.name][1] - step_hours(now)
        base = _power(now, _NEWEST) * np.exp(-distance / self.time_constant)
        return {"newest[distance]": distance, "newest[decayed]": np.nan_to_num(base)}


def _wind(now: Snapshot, name: str, *, reach: float) -> Array:
    """Forecast wind in the interval of the newest observation, NaN where that is older than a reach. [m s⁻¹]"""
    _, age = now.history[_NEWEST_WIND, now.site.name]
    return np.where(age <= reach, now.hindcasts[_NEWEST_WIND, name, now.site.name][:, None], np.nan)


@checked(reach=(0, 240))
@dataclass(frozen=True)
class NewestWind(Feature):
    """Forecast wind speed in the hour of the newest published observation, of the newest run that holds it.

    Together with that observation it shows the present error of the forecasts, which persists for some hours. A run
    that begins after that hour gives way to the one before.

    Parameters
    ----------
    reach : float
        Maximum age at issue of an observation that is informative. [h]

    See Also
    --------
    NewestObservation, CurveError

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> wind = NewestWind()
    >>> now = example_snapshot({"wind_speed_100m": 8.0}, history=wind.history)  # no run reaches back so far
    >>> wind.compute(now)["wind_speed_100m[newest]"].tolist()
    [[nan, nan, nan]]
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m",)
    history: ClassVar[tuple[Past, ...]] = (_NEWEST_WIND,)

    reach: float = 12

    def compute(self, now: Snapshot) -> Columns:
        """Columns like ``wind_speed_100m[newest]``, the mean over that hour. [m s⁻¹]"""
        return {f"{name}[newest]": _wind(now, name, reach=self.reach) for name in now.matching(*self.weather)}


@checked(time_constant=(0.1, 240))
@dataclass(frozen=True)
class CurveError(Feature):
    r"""Present error of the power curve on the forecast wind, and the curve corrected by it. [fraction of capacity]

    .. math:: e = y_{t_0} - P(v_{t_0}), \qquad \hat P_t = P(v_t) + e^{-(t - t_0) / \tau} \, e

    with the newest published power :math:`y_{t_0}`, the power curve :math:`P` of the farm (the generic one if it has
    none) and the forecast wind :math:`v_{t_0}` of the newest run that holds that hour: persistence for the next hour,
    the curve for the next day. Of several weather models it is the mean. Where no power is known, the curve is not
    corrected.

    Parameters
    ----------
    time_constant : float
        Time :math:`\tau` in which the error decays. [h]

    See Also
    --------
    NewestWind, NewestChange, PowerCurvePower

    References
    ----------
    Nielsen, Joensen, Madsen, Landberg and Giebel (1998), A new reference for wind power forecasting,
    https://doi.org/10.1002/(SICI)1099-1824(199809)1:1%3C29::AID-WE10%3E3.0.CO;2-B.

    Examples
    --------
    At 18 UTC the newest power is 19 of 60 MW, from 16 to 17 UTC; the run of 12 UTC has 10 m/s at all hours, of which
    the generic curve makes 0.91.

    >>> import energyforecast as ef
    >>> from energyforecast.testing import example_observations, example_weather
    >>> farm = ef.WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60, hub_height=100)
    >>> error = CurveError(time_constant=3)
    >>> forecaster = ef.Forecaster(farm, ef.intraday(every="1h", leads="2h"), features=[error])
    >>> table = forecaster.design_matrix(example_weather(), example_observations(), ["2024-01-01 18:00"])
    >>> table.columns["farm"].astype(float).round(2).to_dict("list")
    {'curve_error': [-0.59, -0.59], 'corrected_curve': [0.6, 0.69]}
    """

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_*m",)
    margin: ClassVar[pd.Timedelta] = pd.Timedelta("1h")
    history: ClassVar[tuple[Past, ...]] = (_NEWEST_WIND,)

    time_constant: float = 6

    def compute(self, now: Snapshot) -> Columns:
        """Columns ``curve_error`` and ``corrected_curve``.

        Raises
        ------
        SchemaError
            If the site is no wind farm.
        """
        farm = _farm(now.site)
        _, age = now.history[_NEWEST_WIND, farm.name]
        curve = _mean_power(now, farm, now.interval_mean)
        error = _power(now, _NEWEST_WIND) - _mean_power(now, farm, partial(_wind, now, reach=np.inf))
        left = np.exp(-(now.lead_time + age) / self.time_constant) * error
        return {"curve_error": error, "corrected_curve": curve + np.nan_to_num(left)}


def _mean_power(now: Snapshot, farm: WindFarm, read: Callable[[str], Array]) -> Array:
    return mean_of_known(np.stack(list(power_of_mean_wind(now, farm, read).values())))


def _farm(site: Site) -> WindFarm:
    if not isinstance(site, WindFarm):
        raise SchemaError(
            f"Site {site.name!r} is a {type(site).__name__}.",
            "CurveError needs a wind farm.",
            "Give WindFarm(...), or remove the feature.",
        )
    return site
