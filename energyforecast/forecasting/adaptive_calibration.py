"""Calibration that goes on while forecasts are issued: from errors of earlier ones, as soon as they are published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.fallback import CLIMATOLOGY
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.errors import RangeError, SchemaError
from energyforecast.models.conformal import quantile_by_level

__all__ = ["AdaptiveCalibration"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class AdaptiveCalibration:
    """Quantiles moved by the errors of forecasts issued before, as far as outcomes were published.

    Like conformal calibration it moves each level by a quantile of the level's past errors, here those of the
    last days. Which quantile is taken is itself corrected: if outcomes fell below a level more often
    than they should, the next time a lower one is taken. So the long-run share below each level is right
    even where the weather drifts away from the one that the model learnt.

    It keeps no state. The corrections at an issue are computed from the archive of forecasts issued before
    and from what was published by then, so that a backtest and daily operation are one computation.

    Parameters
    ----------
    window : str
        Errors of so many days count.
    rate : float
        How far the median's level moves if all outcomes of an issue fell on one side, of which half should have;
        outer levels move less, as 4 level (1 - level). 0: none moves.
    by_lead : int
        Groups of about the same lead, calibrated apart.
    least : int
        Errors that a group needs before it is calibrated.

    References
    ----------
    - Gibbs and Candès (2021), Adaptive conformal inference under distribution shift, NeurIPS 34,
      arXiv:2106.00170
    - Zaffran, Féron, Goude, Josse and Dieuleveut (2022), Adaptive conformal predictions for time series,
      ICML, PMLR 162, arXiv:2202.07282

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> result = example_result()  # one issue: there is nothing yet to learn from
    >>> given = result.forecasts["model"]
    >>> AdaptiveCalibration().apply(given, result.observations).data.equals(given.data)
    True
    """

    window: str = "60D"
    rate: float = 0.05
    by_lead: int = 4
    least: int = 100

    def __post_init__(self) -> None:
        timestamps.duration(self.window)
        if not 0 <= self.rate < 1 or self.by_lead < 1 or self.least < 1:
            raise RangeError(
                f"rate={self.rate}, by_lead={self.by_lead}, least={self.least}.",
                "The rate lies between 0 and 1, and there is at least one group and one error.",
                "Correct the settings.",
            )

    def apply(
        self, forecast: Forecast, observations: Observations, *, past: Forecast | None = None
    ) -> Forecast:
        """Calibrate forecasts, each from outcomes published when it was issued.

        Parameters
        ----------
        forecast : Forecast
            As the model gave it, of one or many issues; a backtest's, or today's.
        observations : Observations
        past : Forecast, optional
            Forecasts issued before, as the model gave them: the archive of daily operation.

        Returns
        -------
        Forecast
            The same issues. Forecasts from climatology (``fallback_level`` 3 and above) and hours that
            are certain, such as nights of a PV plant, stay as they are and teach nothing.

        Raises
        ------
        SchemaError
            If `past` has other sites, levels or leads, or issues that are not earlier.

        Examples
        --------
        >>> from energyforecast.testing import example_forecast, example_observations
        >>> forecast = example_forecast()
        >>> AdaptiveCalibration().apply(forecast, example_observations()).data.equals(forecast.data)
        True
        """
        data = forecast.data if past is None else _joined(past, forecast)
        values = data.values.astype(float)
        for k, name in enumerate(data["site"].values):
            values[k] = self._of_site(data.isel(site=k), str(name), observations)
        new = data.copy(data=values.astype(np.float32)).isel(
            issue_time=slice(-len(forecast.issue_times), None)
        )
        new = new.sel(lead_time=forecast.data["lead_time"])
        new = new.assign_coords(kind=forecast.data["kind"])  # joined with an archive, it is the archive's
        return Forecast(new.assign_attrs(forecast.data.attrs | {"calibration": repr(self)}))

    def _of_site(self, data: Any, site: str, observations: Observations) -> Array:
        """Calibrated quantiles of one site, shape (issues, leads, levels)."""
        values, capacity = data.values.astype(float), float(data["capacity"])
        bounds = (-np.inf, np.inf) if np.isnan(capacity) else (0.0, capacity)
        errors = _Errors.collect(data, values, site, observations)
        result: Array = values.copy()
        for group in _groups(data["lead_time"].values, self.by_lead):
            cells = errors.teach & group
            for k, move in self._moves(errors, cells, data["quantile"].values, bounds):
                result[k, cells[k]] = np.clip(np.sort(values[k, cells[k]] + move, axis=1), *bounds)
        return result

    def _moves(
        self, errors: _Errors, cells: npt.NDArray[np.bool_], levels: Array, bounds: tuple[float, float]
    ) -> Iterator[tuple[int, Array]]:
        """Issues of one group of leads in order of time, each with the shifts of its levels."""
        taken, moves = levels.copy(), np.zeros((len(cells), len(levels)))
        step = 4 * self.rate * levels * (1 - levels)
        learnt = np.zeros_like(cells)
        first = np.searchsorted(
            errors.issued, errors.issued - timestamps.duration(self.window).to_timedelta64()
        )
        for k, now in enumerate(errors.issued):
            part = slice(first[k], k)
            known = cells[part] & (errors.known_at[part] <= now)
            row, column = np.nonzero(known & ~learnt[part])
            row += first[k]
            if len(row):
                # An issue counts once, whenever its outcomes come: hours of one day fail together.
                excess = errors.excess(row, column, moves[row], levels, bounds)
                taken -= step * (excess / cells[row].sum(axis=1)[:, None]).sum(axis=0)
                taken = np.clip(taken, 0.0, 1.0)
                learnt[row, column] = True
            if known.sum() >= self.least:
                moves[k] = quantile_by_level(errors.values[part][known], tuple(taken))
                yield k, moves[k]


@dataclass(frozen=True)
class _Errors:
    """Outcomes minus quantiles of one site, and when each became known."""

    issued: timestamps.Times
    quantiles: Array
    outcome: Array
    values: Array
    known_at: timestamps.Times
    teach: npt.NDArray[np.bool_]

    @classmethod
    def collect(cls, data: Any, quantiles: Array, site: str, observations: Observations) -> _Errors:
        valid = data["valid_time"].values
        outcome = observations.value_at(site, valid, outside="missing")
        published = observations.published_at(site, valid, outside="missing")
        there = np.isfinite(outcome)
        spread = quantiles[..., -1] > quantiles[..., 0]
        return cls(
            issued=data["issue_time"].values,
            quantiles=quantiles,
            outcome=outcome,
            values=outcome[..., None] - quantiles,
            known_at=np.where(there, published, np.datetime64("NaT", "ns")),
            teach=(data["fallback_level"].values < CLIMATOLOGY)[:, None] & spread,
        )

    def excess(
        self, row: Array, column: Array, move: Array, levels: Array, bounds: tuple[float, float]
    ) -> Array:
        """One for an outcome below its moved quantile, minus the level; 0 where both lie on a bound."""
        moved = np.clip(self.quantiles[row, column] + move, *bounds)
        outcome = np.clip(self.outcome[row, column], *bounds)[:, None]
        return np.asarray(np.where(moved == outcome, 0.0, (outcome < moved) - levels))


def _groups(leads: Array, count: int) -> Iterator[npt.NDArray[np.bool_]]:
    place = np.arange(len(leads)) * min(count, len(leads)) // len(leads)
    for k in np.unique(place):
        yield place == k


def _joined(past: Forecast, forecast: Forecast) -> xr.DataArray:
    alike = past.sites == forecast.sites and past.quantiles == forecast.quantiles
    if not alike or past.issue_times[-1] >= forecast.issue_times[0]:
        raise SchemaError(
            f"The archive has {len(past.quantiles)} levels of {', '.join(past.sites)}, issued until "
            f"{past.issue_times[-1]}; the forecast {len(forecast.quantiles)} of {', '.join(forecast.sites)}, "
            f"issued from {forecast.issue_times[0]}.",
            "An archive holds earlier issues of the same sites and levels.",
            "Select them: archive.data.sel(issue_time=slice(None, ...)).",
        )
    several = [past.data, forecast.data]
    return xr.concat(
        several, dim="issue_time", coords="minimal", compat="override", join="outer", combine_attrs="override"
    )
