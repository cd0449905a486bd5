"""Wakes of turbines: losses of a farm by wind direction and by wind speed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.errors import SchemaError
from energyforecast.physics.arguments import physical

__all__ = ["wake_factor", "wake_wind_speed"]

Array = npt.NDArray[Any]
Number = Array | float


@physical
def wake_factor(wind_direction: Number, sector_direction: Array, factor: Array) -> Array:
    r"""Wake factor on the power (or wind speed) of a farm by wind direction.

    .. math:: f(\varphi) = f_k + (f_{k+1} - f_k) \, \frac{\varphi - \varphi_k}{\varphi_{k+1} - \varphi_k},
        \qquad \varphi_k \le \varphi < \varphi_{k+1}

    around the circle.

    Parameters
    ----------
    wind_direction : array
        Direction of origin. [degree]
    sector_direction : array, shape (sectors,)
        Centres :math:`\varphi_k` of the sectors, in any order. [degree]
    factor : array, shape (sectors,)
        Factors :math:`f_k`, e.g. 0.85 along the rows and 0.97 across.

    Returns
    -------
    array
        Interpolated factor.

    See Also
    --------
    wake_wind_speed, curve_power

    References
    ----------
    Wake losses by direction: Barthelmie et al. (2009), https://doi.org/10.1002/we.348.

    Examples
    --------
    >>> wake_factor(np.array([0.0, 45.0, 315.0]), np.array([0, 90, 180, 270]), np.array([0.8, 1, 0.8, 0.9]))
    array([0.8 , 0.9 , 0.85])
    """
    return np.asarray(np.interp(wind_direction, sector_direction, factor, period=360.0))


@physical
def wake_wind_speed(wind_speed: Number, curve_speed: Array, efficiency: Array) -> Array:
    r"""Wind speed that a farm has on average behind its own wakes, by the wind speed before the farm.

    .. math:: \bar v = v \, \eta(v)

    with the efficiency :math:`\eta`, linear between its points and constant outside them.

    Parameters
    ----------
    wind_speed : array
        Wind speed :math:`v` before the farm, at hub height. [m s⁻¹]
    curve_speed : array, shape (points,)
        Wind speeds of the efficiency curve, rising. [m s⁻¹]
    efficiency : array, shape (points,)
        Mean wind speed at the turbines over that before the farm, above 0 and up to 1.

    Returns
    -------
    array
        Reduced wind speed. [m s⁻¹]

    Raises
    ------
    SchemaError
        If the curve has no points, unequal numbers of them, or wind speeds that do not rise.
    RangeError
        If an efficiency is not above 0 and at most 1.

    See Also
    --------
    wake_factor, energyforecast.PowerCurve.with_wakes

    Notes
    -----
    Turbines take most momentum out of the wind where their thrust coefficient is high: losses are large below rated
    power and vanish in strong wind, which a constant factor does not show.

    References
    ----------
    Wind efficiency curves of German farms: dena-Netzstudie II, Deutsche Energie-Agentur (2010), p. 101; Knorr, K.
    (2016), doctoral thesis, Universität Kassel, p. 124.

    Examples
    --------
    >>> curve = np.array([5.0, 11.0, 16.0]), np.array([0.8, 0.9, 1.0])
    >>> wake_wind_speed(np.array([5.0, 8.0, 20.0]), *curve).round(2).tolist()
    [4.0, 6.8, 20.0]
    """
    speeds, share = np.asarray(curve_speed, dtype=float), np.asarray(efficiency, dtype=float)
    if not speeds.size or not (np.diff(speeds) > 0).all():
        raise SchemaError(
            f"The efficiency curve has the wind speeds {speeds} m/s.",
            "They must rise, each once.",
            "Sort its points by wind speed.",
        )
    return np.asarray(np.asarray(wind_speed) * np.interp(wind_speed, speeds, share))
