"""Forecasts where no model can be used: climatology of each site, or constant quantiles within its bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast import physics
from energyforecast.core import provenance, timestamps
from energyforecast.core.fallback import CLIMATOLOGY, CONSTANT
from energyforecast.core.forecast import Forecast
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import power_bounds
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.sites import Site
from energyforecast.core.tasks import Task
from energyforecast.errors import MissingDataError
from energyforecast.forecasting.ladder import fit_climatology
from energyforecast.forecasting.newcomers import free_outcomes

__all__ = ["reference_forecast"]

Array = npt.NDArray[Any]

#: Days of outcomes from which a climatology is made.
_LEAST_DAYS: Final = 7
#: Zenith of the sun from which a plant gives no power. [°]
_DARK: Final = 92.0


def reference_forecast(
    sites: Sequence[Site],
    task: Task,
    observations: Observations | None,
    *,
    issue_time: pd.Timestamp,
) -> Forecast:
    r"""Climatology by hour of the day of all outcomes known at the issue, or constant quantiles.

    Parameters
    ----------
    sites : sequence of Site
        A site of which neither outcomes nor a capacity are known is left out.
    task : Task
    observations : Observations, optional
        Measured power. [MW]
    issue_time : Timestamp
        In UTC.

    Returns
    -------
    Forecast
        On ``fallback_level`` 3 for a site with a week of outcomes, 4 for others.

    Raises
    ------
    MissingDataError
        If nothing is known of any site.

    Notes
    -----
    Constant quantiles of a plant are those of the uniform distribution between its bounds:

    .. math:: q_\tau = P_\mathrm{min} + \tau (P_\mathrm{max} - P_\mathrm{min})

    Examples
    --------
    >>> import energyforecast as ef
    >>> farm = ef.WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60)
    >>> task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.25, 0.5, 0.75))
    >>> issued = pd.Timestamp("2024-01-01 09:00", tz="UTC")
    >>> forecast = reference_forecast([farm], task, None, issue_time=issued)
    >>> forecast.data.values[0, 0, 0].tolist(), int(forecast.data["fallback_level"][0, 0])
    ([15.0, 30.0, 45.0], 4)
    """
    windows = task.windows(task.moments(issue_time))
    valid = windows.valid_time[windows.inside]
    rows = {}
    for site in sites:
        found = _rows(site, task, observations, valid=valid, issue_time=issue_time)
        if found is not None:
            rows[site.name] = found
    if not rows:
        raise MissingDataError(
            f"Neither outcomes nor a capacity are known of {sites[0].name!r}.",
            "A forecast must rest on outcomes, or on the bounds of a plant.",
            "Give measurements, or the capacity of the site.",
        )
    return _forecast(rows, windows, task)


def _forecast(rows: dict[str, SiteRows], windows: Windows, task: Task) -> Forecast:
    """Forecast of the rows, with its caveats."""
    levels = {int(item.fallback_level[0]) for item in rows.values() if item.fallback_level is not None}
    words = {CLIMATOLOGY: "climatology", CONSTANT: "constant quantiles"}
    caveat = f"no model could be used: {' and '.join(words[level] for level in sorted(levels))}"
    about = {"model": "reference", "perfect_weather": 0, "timezone": task.timezone, "caveats": caveat}
    about |= {**provenance.machine(), **provenance.versions()}
    return Forecast.from_rows(rows, windows=windows, quantile_levels=task.quantiles, attrs=about)


def _rows(
    site: Site, task: Task, observations: Observations | None, *, valid: Array, issue_time: pd.Timestamp
) -> SiteRows | None:
    """Rows of quantiles of a site; None if neither outcomes nor bounds are known."""
    low, high = power_bounds(site.capacity, kind=site.kind)
    if _days(site, observations, issue_time) >= _LEAST_DAYS:
        assert observations is not None
        model = fit_climatology(observations, site, quantiles=task.quantiles, as_of=issue_time)
        hour = pd.DataFrame({"hour": timestamps.local_hours(valid, site.timezone)})
        quantiles, level = model.predict(hour) * (site.capacity or 1.0), CLIMATOLOGY
    elif np.isfinite(low) and np.isfinite(high):
        each = low + np.asarray(task.quantiles) * (high - low)
        quantiles, level = np.tile(each, (len(valid), 1)), CONSTANT
    else:
        return None
    quantiles = np.clip(np.sort(quantiles, axis=1), low, high)
    if site.kind == "solar":
        quantiles[_is_dark(site, valid, task.frequency.to_timedelta64())] = 0.0
    levels = np.array([level])
    return SiteRows(quantiles, capacity=site.capacity, kind=site.kind, fallback_level=levels)


def _days(site: Site, observations: Observations | None, issue_time: pd.Timestamp) -> float:
    """Length of the outcomes of a site that were published by a moment. [d]"""
    if observations is None or site.name not in observations.sites:
        return 0.0
    known, _ = free_outcomes(observations, site, as_of=issue_time)
    return float(len(known) * (observations.frequency / pd.Timedelta("1D")))


def _is_dark(site: Site, valid: Array, step: np.timedelta64) -> npt.NDArray[np.bool_]:
    """Intervals during which the sun is below the horizon at beginning, middle and end."""
    zenith = [
        physics.solar_position(valid + part, site.latitude, site.longitude).apparent_zenith
        for part in (np.timedelta64(0, "ns"), step // 2, step)
    ]
    return np.asarray(np.min(zenith, axis=0) > _DARK)
