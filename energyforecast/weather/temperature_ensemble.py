"""Temperature beyond the horizon of weather forecasts: an ensemble of past years, continued from the latest values."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.arguments import check_types, checked
from energyforecast.core.variables import POINT
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.weather.measurements import known_by

__all__ = ["temperature_scenarios"]

Floats = npt.NDArray[np.float64]

_DAY: Final = pd.Timedelta("1D")
_YEAR: Final = 365.25
#: Harmonics of the year in the level, and in the daily cycle.
_LEVEL: Final = 3
_CYCLE: Final = 2
#: Longest gap of past anomalies that is interpolated. [h]
_BRIDGED: Final = 6


@checked(horizon="1h", lookback="0h", shift_days=(0, 180), step_days=(1, 180), memory_days=(0, 180))
def temperature_scenarios(
    analysis: xr.Dataset,
    *,
    site: str,
    issue_time: Any,
    horizon: str | timedelta,
    lookback: str | timedelta = "0h",
    shift_days: int = 24,
    step_days: int = 4,
    memory_days: int = 8,
) -> xr.Dataset:
    r"""Ensemble forecast of temperature from past years, using only values available at its issue time.

    Parameters
    ----------
    analysis : Dataset
        Measured ``temp_air`` at even steps, dimensions ``(site, time)``; at least two years.
    site : str
    issue_time : str or moment
        In UTC unless it has an offset.
    horizon : str or timedelta
        Length of the scenarios after the issue, e.g. ``"30D"``.
    lookback : str or timedelta
        Length of measured temperature with which the run begins, for features that look back.
    shift_days, step_days : int
        Largest shift of a past year within its season, and the step of shifts. [d]
    memory_days : int
        Persistence of the newest known anomaly. [d]

    Returns
    -------
    Dataset
        ``temp_air`` [°C] of one run, initialised `lookback` ahead of its issue and available at the
        issue; dimensions ``(site, init_time, lead_time, member)``. Up to the newest known temperature all
        members equal the measured temperature.

    Raises
    ------
    MissingDataError
        If less than a year and the shifts is known before the issue.
    SchemaError, TimeError
        If the analysis has no temperature, or no even steps.

    See Also
    --------
    known_by, measured_weather

    Notes
    -----
    Temperature is the sum of a harmonic climatology :math:`c` (three harmonics of the year, two of the day, and their
    products up to the second of the year) and an anomaly :math:`a`. A scenario follows the anomaly of a past year from
    an origin :math:`o` of about the same season. The persistence :math:`\rho_d` of the mean anomaly :math:`\bar{a}` of
    the last 24 h after :math:`d` days is its regression on the whole past, linear in between, and 0 after
    `memory_days`; with it all scenarios continue from the temperature known at the issue :math:`t`:

    .. math::
        T_{t+h} = c_{t+h} + a_{o+h} + \rho_h \left( \bar{a}_t - \bar{a}_o \right), \qquad
        \rho_d = \max\left( 0,\; \frac{\sum_s \bar{a}_s\, \bar{a}_{s+d}}{\sum_s \bar{a}_s^2} \right)

    Shifts of the season give more scenarios than years.

    References
    ----------
    Shifted past temperatures as scenarios for demand: Xie and Hong (2018),
    https://doi.org/10.1109/TSG.2016.2597178; Xie and Hong (2016),
    https://doi.org/10.1016/j.ijforecast.2015.11.005.

    Examples
    --------
    >>> from energyforecast.datasets import la_haute_borne
    >>> weather = la_haute_borne()[1]
    >>> run = temperature_scenarios(weather, site="La Haute Borne", issue_time="2015-12-01", horizon="30D")
    >>> run.sizes["member"], run["temp_air"].mean("member").values[0, 0, ::240].round().tolist()
    (13, [5.0, 5.0, 3.0, 3.0])
    """
    check_types(locals(), of=temperature_scenarios)
    _check_site(analysis, site)
    if not weather_schema.is_analysis(analysis) or "temp_air" not in analysis:
        raise SchemaError(
            f"The weather has the dimensions {tuple(map(str, analysis.dims))} and the variables "
            f"{list(map(str, analysis.data_vars))}.",
            "Scenarios must be made from measured temperature: temp_air on (site, time).",
            "Give an analysis: a station's record or a reanalysis.",
        )
    issue = timestamps.instant(issue_time)
    measured = _measured(known_by(analysis, issue)["temp_air"].sel(site=site).to_series())
    step = pd.Timedelta(measured.index.freq)
    end = issue + timestamps.duration(horizon)
    axis = pd.date_range(measured.index[0], end, freq=step)
    normal = _normal(measured, axis)
    known = len(measured)
    anomaly = (measured - normal[:known]).interpolate(limit=round(pd.Timedelta(f"{_BRIDGED}h") / step))
    trajectories = _analogues(
        anomaly.to_numpy(),
        ahead=len(axis) - known,
        day=round(_DAY / step),
        shifts=range(-shift_days, shift_days + 1, step_days),
        memory=memory_days,
    )
    if not len(trajectories):
        raise MissingDataError(
            f"Temperature of {site!r} is known from {measured.index[0]} to {measured.index[-1]}.",
            "More than a year must be known, without gaps of more than 6 h, since a scenario follows a past year.",
            "Give a longer record, e.g. of a reanalysis.",
        )
    members = np.vstack(
        [
            np.repeat(measured.to_numpy()[:, None], len(trajectories), axis=1),
            normal[known:, None] + trajectories.T,
        ]
    )
    return _run(members, axis, site=site, issue=issue, lookback=timestamps.duration(lookback))


def _check_site(analysis: xr.Dataset, site: str) -> None:
    """Refuse an analysis against the schema, or without the site."""
    weather_schema.check_weather(analysis, label="temperature")
    if site not in analysis["site"].values:
        known = ", ".join(map(str, analysis["site"].values))
        raise SchemaError(
            f"The temperature has no site {site!r}.", f"It must be one of {known}.", "Correct its name."
        )


def _measured(series: pd.Series[Any]) -> pd.Series[Any]:
    """On even steps in UTC, up to the newest known value."""
    known = series.dropna()
    if len(known) < 2:
        raise MissingDataError(
            f"Of {len(series)} temperatures {len(known)} were known at the issue.",
            "Scenarios must be made from past years.",
            "Give a record that begins years before the issue.",
        )
    known.index = timestamps.to_index(known.index)
    step = pd.Series(known.index).diff().min()
    regular = pd.date_range(known.index[0], known.index[-1], freq=step)
    if _DAY % step != pd.Timedelta(0) or not known.index.isin(regular).all():
        raise TimeError(
            f"The temperatures have steps from {step} on, not all of them whole multiples of it.",
            "Temperature must have even steps, a whole number of them a day.",
            "Resample the analysis, e.g. analysis.resample(time='1h').interpolate().",
        )
    return known.reindex(regular)


def _normal(measured: pd.Series[Any], axis: pd.DatetimeIndex) -> Floats:
    """Harmonic climatology of measured temperature, on an axis."""
    hours = np.asarray((axis - pd.Timestamp("2000-01-01", tz="UTC")) / pd.Timedelta("1h"))
    year = _harmonics(hours / 24 / _YEAR, _LEVEL)
    day = _harmonics(hours / 24, 2)
    cycle = [a * b for a in day.T[1:] for b in year.T[: 1 + 2 * _CYCLE]]
    design = np.column_stack([year, *cycle])
    values = measured.to_numpy()
    finite = np.flatnonzero(np.isfinite(values))
    fitted = np.linalg.lstsq(design[finite], values[finite], rcond=None)[0]
    return np.asarray(design @ fitted)


def _harmonics(turns: Floats, count: int) -> Floats:
    angles = 2 * np.pi * turns[:, None] * np.arange(1, count + 1)
    waves = np.stack([np.cos(angles), np.sin(angles)], axis=2).reshape(len(turns), -1)
    return np.hstack([np.ones((len(turns), 1)), waves])


def _analogues(anomaly: Floats, *, ahead: int, day: int, shifts: range, memory: int) -> Floats:
    """Anomalies of past years, shifted and begun from the newest known one, shape (members, ahead)."""
    newest = _mean_of_last_day(anomaly, day)
    now = newest[len(anomaly)]
    persistence = _persistence(anomaly, newest, ahead=ahead, day=day, memory=memory)
    trajectories = []
    for years in range(1, len(anomaly) // round(_YEAR * day) + 2):
        for shift in shifts:
            begin = len(anomaly) + (shift - round(_YEAR * years)) * day
            if begin >= day and begin + ahead <= len(anomaly):
                trajectories.append(anomaly[begin : begin + ahead] + persistence * (now - newest[begin]))
    whole = [values for values in trajectories if np.isfinite(values).all()]
    return np.asarray(whole).reshape(len(whole), ahead)


def _mean_of_last_day(anomaly: Floats, day: int) -> Floats:
    """Mean over the day before each place, also before the place after the last."""
    return np.concatenate([[np.nan], pd.Series(anomaly).rolling(day, min_periods=day // 2).mean().to_numpy()])


def _persistence(anomaly: Floats, newest: Floats, *, ahead: int, day: int, memory: int) -> Floats:
    """Share of the last day's anomaly that is left at each step ahead, from regressions by day ahead."""
    begin = np.arange(len(anomaly) % day + day, len(anomaly) - memory * day + 1, day)
    shares = np.zeros(memory)
    for k in range(memory):
        later = newest[begin + (k + 1) * day]
        both = np.isfinite(later) & np.isfinite(newest[begin])
        now, then = newest[begin][both], later[both]
        shares[k] = np.maximum(0.0, now @ then / (now @ now)) if both.any() else 0.0
    step = np.arange(ahead)
    left = np.interp(step, (np.arange(memory) + 0.5) * day, shares) if memory else np.zeros(ahead)
    return np.asarray(np.where(step < memory * day, left, 0.0))


def _run(
    members: Floats, axis: pd.DatetimeIndex, *, site: str, issue: pd.Timestamp, lookback: pd.Timedelta
) -> xr.Dataset:
    first = max(axis[0], issue - lookback)
    begin = int(axis.searchsorted(first))
    init = timestamps.to_ns(axis[begin : begin + 1])
    cube = members[begin:].astype(np.float32)[None, None]
    return weather_schema.check_weather(
        xr.Dataset(
            {"temp_air": (("site", "init_time", "lead_time", "member"), cube, {"cell_methods": POINT})},
            coords={
                "site": [site],
                "init_time": init,
                "lead_time": timestamps.to_ns(axis[begin:]) - init[0],
                "member": np.arange(members.shape[1]),
                "available_time": ("init_time", timestamps.to_ns([issue])),
            },
            attrs={
                "kind": "forecast",
                "source": "temperature of past years, continued from the newest known",
            },
        )
    )
