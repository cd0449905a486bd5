"""Online calibration: quantiles moved by the residuals of earlier forecasts, as outcomes are published."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy.optimize import isotonic_regression

from energyforecast.core import quantile_cube, timestamps
from energyforecast.core.alignment import check_intervals
from energyforecast.core.arguments import checked
from energyforecast.core.fallback import CLIMATOLOGY
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import check_same_step, frequency_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import power_bounds
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.errors import RangeError, SchemaError, UncalibratedWarning
from energyforecast.models.conformal import quantile_by_level

__all__ = ["AdaptiveCalibration"]

Array = npt.NDArray[Any]
#: Levels of residuals, with one range of them added below 0 and above 1.
_LIMITS: Final = (-1.0, 2.0)


@checked()
@dataclass(frozen=True, kw_only=True)
class AdaptiveCalibration:
    r"""Adaptive conformal calibration: each level is moved by its residuals over the last days.

    With the :math:`n` sorted residuals :math:`r_{(1)} \le \dots \le r_{(n)}` of a level :math:`\tau` that were
    published in the window before an issue :math:`t`,

    .. math::

        \hat q^{\,\mathrm{cal}}_{\tau,t} = \hat q_{\tau,t} + r_{((n + 1) \alpha_{\tau,t})}, \qquad
        \alpha_{\tau,t+1} = \alpha_{\tau,t} + 4 \gamma \tau (1 - \tau) \left( \tau -
        \frac{1}{N_t} \sum_{i=1}^{N_t} \mathbf{1}\bigl[y_i < \hat q^{\,\mathrm{cal}}_{\tau,i}\bigr] \right),

    with :math:`\alpha_{\tau,0} = \tau` and the sum over the :math:`N_t` hours of an issue, as outcomes are published.
    One on a probability mass counts as below by its share, one not published within the window as :math:`\tau`.
    Beyond 0 and 1 the residuals go on linearly, by their range for each unit of :math:`\alpha`; :math:`\alpha` is
    limited to :math:`[-1, 2]`. Levels that cross are pooled by isotonic regression where they are used. In each group
    of leads, as long as :math:`\alpha` does not reach its limits, the mean of the shares over :math:`T` issues differs
    from :math:`\tau` by exactly :math:`|\alpha_{\tau,T} - \tau| / (4 \gamma \tau (1 - \tau) T)`: with a `rate` above 0
    it converges to :math:`\tau`, also under drift and trends.

    It keeps no state: corrections at an issue are computed from the archive of earlier forecasts and from outcomes
    published by then, so that a backtest and daily operation are one computation.

    Parameters
    ----------
    window : str
        Period before the issue from which residuals are taken, e.g. ``"60D"``.
    rate : float
        Step :math:`\gamma` of the levels :math:`\alpha`: if all outcomes of an issue are on one side of the median, its
        level moves by :math:`\gamma / 2`. With 0 levels stay at :math:`\tau`.
    by_lead : int
        Number of groups of about the same lead, each calibrated alone.
    min_residuals : int
        Residuals that a group needs before it is calibrated.

    Raises
    ------
    RangeError
        If a setting is out of its range.

    Warns
    -----
    UncalibratedWarning
        By :meth:`apply`, if too few residuals were known to calibrate any of the forecasts of a site.

    See Also
    --------
    energyforecast.models.ConformalQuantiles : Conformal calibration on held-out rows of training.

    Notes
    -----
    Gibbs and Candès take the whole real line as the interval once a level has left 0 to 1, which makes their bound
    unconditional. Finite quantiles cannot do that: the limits are reached if outcomes lie beyond the residuals of the
    window by more than their range, many issues in a row, or if all residuals of a window are equal. The deviation
    decreases slowly at outer levels: with the default `rate` it is below 0.1 after 300 issues at the median, and after
    10,100 at the level 0.01. It is a mean over time: it says nothing of a single day, hour or regime.

    References
    ----------
    - Gibbs and Candès (2021), Adaptive conformal inference under distribution shift, NeurIPS 34,
      arXiv:2106.00170
    - Zaffran, Féron, Goude, Josse and Dieuleveut (2022), Adaptive conformal predictions for time series,
      ICML, PMLR 162, arXiv:2202.07282
    - Ding, Gibbs and Tibshirani (2025), Calibrated multi-level quantile forecasting, arXiv:2512.23671

    Examples
    --------
    Outcomes are 20 MW below forecasts of 50 MW:

    >>> from energyforecast.testing import example_days
    >>> forecast, observations = example_days(days=60)
    >>> lower = Observations(observations.values - 20, published_after="1h")
    >>> moved = AdaptiveCalibration().apply(forecast, lower).at(0.5)[0].mean("lead_time")
    >>> moved.values[[0, -1]].round(-1).tolist()
    [50.0, 30.0]
    """

    window: str = "60D"
    rate: float = 0.05
    by_lead: int = 4
    min_residuals: int = 100

    def __post_init__(self) -> None:
        if timestamps.duration(self.window) <= pd.Timedelta(0):
            raise RangeError(
                f"The window is {self.window!r}.", "It must be longer than 0.", "Use e.g. window='60D'."
            )
        if not 0 <= self.rate < 1 or self.by_lead < 1 or self.min_residuals < 1:
            raise RangeError(
                f"rate={self.rate}, by_lead={self.by_lead}, min_residuals={self.min_residuals}.",
                "The rate must lie between 0 and 1, with at least one group and one residual.",
                "Correct the settings.",
            )

    def apply(
        self, forecast: Forecast, observations: Observations, *, past: Forecast | None = None
    ) -> Forecast:
        """Calibrate forecasts, each from outcomes published when it was issued.

        Parameters
        ----------
        forecast : Forecast
            Forecasts of one or several issues, not calibrated: of a backtest, or of today.
        observations : Observations
            Power or demand. [MW]
        past : Forecast, optional
            Forecasts issued before, not calibrated: the archive of daily operation.

        Returns
        -------
        Forecast
            The same issues. Forecasts from climatology (``fallback_level`` 3 and above) and hours that
            are certain, such as nights of a PV plant, are neither changed nor used.

        Raises
        ------
        SchemaError
            If `past` has other sites, levels or leads, or issues that are not earlier.

        Examples
        --------
        Today is calibrated by the archive of the days before:

        >>> from energyforecast.testing import example_days
        >>> every, observations = example_days(days=60)
        >>> past, today = (Forecast(every.data[:, days]) for days in (slice(-1), slice(-1, None)))
        >>> moved = AdaptiveCalibration().apply(today, observations, past=past)
        >>> whole = AdaptiveCalibration().apply(every, observations)
        >>> bool((moved.data.values == whole.data.values[:, -1:]).all())
        True
        """
        data = forecast.data if past is None else _joined(past, forecast)
        check_intervals(observations, data["valid_time"].values, frequency_of(forecast))
        values, none = data.values.astype(float), []
        for k, name in enumerate(data["site"].values):
            # Of the forecast: concatenation keeps capacity and kind of the archive.
            bounds = power_bounds(float(forecast.data["capacity"].values[k]), kind=forecast.kinds[str(name)])
            share = _share_in_service(data, k)[:, :, None]
            at_rated = data.isel(site=k).copy(data=values[k] / share)
            made, moved = self._of_site(at_rated, str(name), observations, bounds, share[..., 0])
            values[k] = made * share
            none += [] if moved[-len(forecast.issue_times) :].any() else [str(name)]
        self._warn_of_none(none)
        new = data.copy(data=values.astype(np.float32)).isel(
            issue_time=slice(-len(forecast.issue_times), None)
        )
        new = new.sel(lead_time=forecast.data["lead_time"])
        new = new.assign_coords({name: forecast.data[name] for name in ("kind", "capacity")})
        return Forecast(new.assign_attrs(forecast.data.attrs | {"calibration": repr(self)}))

    def _of_site(
        self, data: Any, site: str, observations: Observations, bounds: tuple[float, float], share: Array
    ) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Quantiles of one site, as with its rated capacity in service, and the issues that were calibrated."""
        top = bounds[1]  # in single precision a quantile at the capacity is not exactly there
        values = np.where(data.values.astype(np.float32) == np.float32(top), top, data.values.astype(float))
        residuals = _Residuals.collect(data, values, site, observations, share)
        result: Array = values.copy()
        calibrated = np.zeros(len(values), dtype=bool)
        for group in _groups(data["lead_time"].values, self.by_lead):
            cells = residuals.usable & group
            for k, move in self._moves(residuals, cells, data["quantile"].values, bounds):
                result[k, cells[k]] = np.clip(np.sort(values[k, cells[k]] + move, axis=1), *bounds)
                calibrated[k] |= cells[k].any()
        return result, calibrated

    def _warn_of_none(self, sites: list[str]) -> None:
        if sites:
            warnings.warn(
                f"No forecast of {', '.join(sites)} was calibrated: fewer than {self.min_residuals} residuals of a "
                f"group of leads were published within {self.window} before the issue.",
                UncalibratedWarning,
                stacklevel=3,  # where apply() was called
            )

    def _moves(
        self, residuals: _Residuals, cells: npt.NDArray[np.bool_], levels: Array, bounds: tuple[float, float]
    ) -> Iterator[tuple[int, Array]]:
        """Issues of one group of leads in order of time, each with the shifts of its levels."""
        chosen, moves = levels.copy(), np.zeros((len(cells), len(levels)))
        step = 4 * self.rate * levels * (1 - levels)
        learnt = np.zeros_like(cells)
        first = np.searchsorted(
            residuals.issued, residuals.issued - timestamps.duration(self.window).to_timedelta64()
        )
        for k, now in enumerate(residuals.issued):
            part = slice(first[k], k)
            known = cells[part] & (residuals.known_at[part] <= now)
            row, column = np.nonzero(known & ~learnt[part])
            row += first[k]
            if len(row):
                # An issue counts once, whenever its outcomes are published: hours of one day fail together.
                excess = residuals.excess(row, column, moves[row], levels, bounds)
                chosen -= step * (excess / cells[row].sum(axis=1)[:, None]).sum(axis=0)
                chosen = np.clip(chosen, *_LIMITS)
                learnt[row, column] = True
            if known.sum() >= self.min_residuals:
                moves[k] = _quantile_beyond(residuals.values[part][known], _uncrossed(chosen, levels))
                yield k, moves[k]


@dataclass(frozen=True)
class _Residuals:
    """Outcomes minus quantiles of one site, and the time at which each became known."""

    issued: timestamps.Times
    quantiles: Array
    outcome: Array
    values: Array
    known_at: timestamps.Times
    usable: npt.NDArray[np.bool_]

    @classmethod
    def collect(
        cls, data: Any, quantiles: Array, site: str, observations: Observations, share: Array
    ) -> _Residuals:
        """Residuals of the forecasts of a site, outcomes over the share of its capacity in service."""
        valid = data["valid_time"].values
        outcome = observations.value_at(site, valid, outside="missing") / share
        published = observations.published_at(site, valid, outside="missing")
        observed = np.isfinite(outcome)
        spread = quantiles[..., -1] > quantiles[..., 0]
        return cls(
            issued=data["issue_time"].values,
            quantiles=quantiles,
            outcome=outcome,
            values=outcome[..., None] - quantiles,
            known_at=np.where(observed, published, np.datetime64("NaT", "ns")),
            usable=(data["fallback_level"].values < CLIMATOLOGY)[:, None] & spread,
        )

    def excess(
        self, row: Array, column: Array, move: Array, levels: Array, bounds: tuple[float, float]
    ) -> Array:
        """One for an outcome below its moved quantile, a share for one on a mass of them, minus the level."""
        moved = np.sort(np.clip(self.quantiles[row, column] + move, *bounds), axis=1)
        outcome = np.clip(self.outcome[row, column], *bounds)
        first, last = (end[:, None] for end in QuantileFunction(moved, levels).pit_interval(outcome))
        share = np.clip((levels - first) / np.where(last > first, last - first, 1.0), 0.0, 1.0)
        tied = (moved == outcome[:, None]) & (last > first)
        return np.asarray(np.where(tied, share, outcome[:, None] < moved) - levels)


def _uncrossed(chosen: Array, levels: Array) -> Array:
    """Levels that do not fall: those that cross are pooled, which brings them back in order as they go on."""
    return np.asarray(isotonic_regression(chosen, weights=1 / (levels * (1 - levels))).x)


def _quantile_beyond(residuals: Array, levels: Array) -> Array:
    """Quantile of each column at its level; linear beyond 0 and 1, so that a trend is followed."""
    within = np.clip(levels, 0.0, 1.0)
    beyond = (levels - within) * np.ptp(residuals, axis=0)
    return np.asarray(quantile_by_level(residuals, tuple(within)) + beyond)


def _share_in_service(data: xr.DataArray, site: int) -> Array:
    """Available over rated capacity, shape (issues, leads); 1 where it is not known, or none is available."""
    if "available_capacity" not in data.coords or data["kind"].values[site] == "demand":
        return np.ones(data.shape[1:3])
    share = quantile_cube.available_capacity(data)[site] / float(data["capacity"].values[site])
    return np.where(share > 0, share, 1.0)


def _groups(leads: Array, count: int) -> Iterator[npt.NDArray[np.bool_]]:
    """Leads of each group, neighbours together."""
    place = np.arange(len(leads)) * min(count, len(leads)) // len(leads)
    for k in np.unique(place):
        yield place == k


def _joined(past: Forecast, forecast: Forecast) -> xr.DataArray:
    """Archive and forecast along their issues."""
    check_same_step(past, forecast, name="The archive", other="the forecast")
    alike = past.sites == forecast.sites and past.quantiles == forecast.quantiles
    if not alike or past.issue_times[-1] >= forecast.issue_times[0]:
        raise SchemaError(
            f"The archive has {len(past.quantiles)} levels of {', '.join(past.sites)}, issued until "
            f"{past.issue_times[-1]}; the forecast {len(forecast.quantiles)} of {', '.join(forecast.sites)}, "
            f"issued from {forecast.issue_times[0]}.",
            "The archive must hold earlier issues of the same sites and levels.",
            "Select them: archive.data.sel(issue_time=slice(None, ...)).",
        )
    several = [past.data, forecast.data]
    if any("available_capacity" in data.coords for data in several):
        several = [
            data.assign_coords(available_capacity=(data.dims[:3], quantile_cube.available_capacity(data)))
            for data in several
        ]
    return xr.concat(
        several, dim="issue_time", coords="minimal", compat="override", join="outer", combine_attrs="override"
    )
