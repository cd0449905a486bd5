"""Pairs: outcomes and the forecasts of exactly their hours."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import arguments, timestamps
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.arguments import checked
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import frequency_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import bounds_of_rows
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.core.sites import Site, as_sites
from energyforecast.errors import RangeError, SchemaError
from energyforecast.evaluation.arguments import check_pairs
from energyforecast.evaluation.losses import central_levels
from energyforecast.physics import solar_position

__all__ = ["Pairs", "align", "daylight"]

Array = npt.NDArray[Any]


class Pointwise(Protocol):
    """A score that has a value at each row of pairs, such as a Metric."""

    @property
    def pointwise(self) -> Callable[[Pairs], Array]:
        """The value at each row."""


@dataclass(frozen=True)
class Pairs:
    """Outcomes and forecasts of the same hours.

    Parameters
    ----------
    observed : array, shape (rows,)
        Between the bounds of the forecast. [MW]
    quantiles : array, shape (rows, levels)
        [MW]
    quantile_levels : array, shape (levels,)
    labels : DataFrame, shape (rows, ...)
        ``site``, ``kind`` (:attr:`energyforecast.Forecast.kinds`), ``lead_time`` [h], ``issue_time``,
        ``valid_time``, ``hour``, ``month``, ``quality`` (the forecast's ``fallback_level``) and
        ``weather_age`` (issue minus run, NaN for analyses) [h].
    capacity : array, shape (rows,)
        In service at the hour where that is known, else installed; NaN where there is none. [MW]
    missing : DataFrame
        The labels of hours without outcome.
    below_zero : int
        Outcomes of plants below 0, judged as 0.
    step : float
        Length of an interval. [h]
    hours : str
        Which hours they are: ``"all"`` or ``"daylight"``.

    Raises
    ------
    SchemaError, RangeError
        If arrays differ in length or have more dimensions, the kind of sites is not labelled, levels do not rise within
        (0, 1), a capacity is below 0, or quantiles fall from one level to the next.

    See Also
    --------
    align, daylight, score

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> pairs = align(example_observations(), example_forecast())
    >>> pairs.observed[:3].tolist(), pairs.at(0.5)[:3].tolist()
    ([11.0, 11.5, 12.0], [10.0, 10.5, 11.0])
    """

    observed: Array
    quantiles: Array
    quantile_levels: Array
    labels: pd.DataFrame
    capacity: Array
    missing: pd.DataFrame
    below_zero: int
    step: float = 1.0
    hours: str = "all"
    _points: MutableMapping[Pointwise, Array] = field(
        default_factory=WeakKeyDictionary, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        check_pairs(
            self.observed,
            self.quantiles,
            self.quantile_levels,
            labels=self.labels,
            capacity=self.capacity,
            step=self.step,
        )

    def of_rows(self, rows: Array) -> Pairs:
        """Select rows by a mask or by their numbers; missing hours stay counted.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> pairs = example_result().pairs["model"]
        >>> len(pairs.of_rows(pairs.observed > 20))
        5
        """
        chosen = self.labels[rows] if np.asarray(rows).dtype == bool else self.labels.iloc[rows]
        return replace(
            self,
            observed=self.observed[rows],
            quantiles=self.quantiles[rows],
            labels=chosen.reset_index(drop=True),
            capacity=self.capacity[rows],
        )

    def points(self, metric: Pointwise) -> Array:
        """The metric at each row, computed once while the metric is in use.

        Examples
        --------
        >>> from energyforecast.testing import example_result
        >>> from energyforecast.evaluation import METRICS
        >>> example_result().pairs["model"].points(METRICS[0])[:3].tolist()  # absolute errors
        [1.0, 1.0, 1.0]
        """
        if metric not in self._points:
            self._points[metric] = metric.pointwise(self)
        return self._points[metric]

    def __len__(self) -> int:
        return len(self.observed)

    def at(self, level: float) -> Array:
        """One quantile of each row, interpolated where it is not among the levels.

        Raises
        ------
        RangeError
            If the level lies outside those of the forecast.
        """
        if not self.quantile_levels[0] - 1e-9 <= level <= self.quantile_levels[-1] + 1e-9:
            raise RangeError(
                f"A score asks for the quantile {level:g}.",
                f"The forecast holds levels from {self.quantile_levels[0]:g} to {self.quantile_levels[-1]:g}.",
                "Forecast more levels, or choose another interval.",
            )
        return self.distribution.at(level)

    @property
    def distribution(self) -> QuantileFunction:
        """The distribution of each row."""
        return QuantileFunction(self.quantiles, self.quantile_levels)

    @property
    def kind(self) -> Array:
        """Kind of each row's site, shape (rows,): one of :data:`energyforecast.core.power_kinds.KINDS`."""
        return np.asarray(self.labels["kind"], dtype=str)

    @property
    def valid_times(self) -> pd.DatetimeIndex:
        """Beginning of each row's interval, in UTC."""
        return pd.DatetimeIndex(self.labels["valid_time"])

    @property
    def share_at_or_below(self) -> Array:
        r"""Share of the outcome at or below each quantile, shape (rows, levels): 0 or 1, between on a mass.

        .. math:: s_{ik} = \min\Big(\max\Big(\frac{\tau_k - F_i(y_i^-)}{F_i(y_i) - F_i(y_i^-)}, 0\Big), 1\Big)

        On a mass, as a plant has at 0 and at its capacity, an outcome counts evenly for all levels of the mass, as in
        the histogram of the probability integral transform (:func:`energyforecast.evaluation.pit`).
        """
        low, high = (end[:, None] for end in self.distribution.pit_interval(self.observed))
        width = high - low
        return np.where(
            width > 0,
            np.clip((self.quantile_levels - low) / np.where(width > 0, width, 1.0), 0.0, 1.0),
            (low <= self.quantile_levels).astype(float),
        )

    def share_inside(self, interval: float, *, closed: bool = False) -> Array:
        r"""Share of each outcome inside a central interval, shape (rows,): 0 or 1, between on a mass.

        An outcome lies on a mass, :math:`[F_i(y_i^-), F_i(y_i)]`, if it equals several quantiles, or the outermost one
        at 0 or at the capacity. All others are inside or not, the ends of the interval included.

        Parameters
        ----------
        interval : float
            Probability :math:`p` of the interval.
        closed : bool
            Count an outcome on a mass at an end of the interval as inside.
        """
        low, high = central_levels(interval)
        inside = ((self.observed >= self.at(low)) & (self.observed <= self.at(high))).astype(float)
        if closed:
            return inside
        outer = (self.quantiles[:, 0] == self.observed) | (self.quantiles[:, -1] == self.observed)
        bound = (self.observed == 0) | (self.observed >= self.capacity)
        several = (self.quantiles == self.observed[:, None]).sum(axis=1) > 1
        rows = np.flatnonzero(several | (outer & bound))
        curves = QuantileFunction(self.quantiles[rows], self.quantile_levels)
        first, last = curves.pit_interval(self.observed[rows])
        shared = np.clip(np.minimum(last, high) - np.maximum(first, low), 0.0, None)
        width = last - first
        inside[rows] = np.where(width > 0, shared / np.where(width > 0, width, 1.0), inside[rows])
        return inside

    @property
    def mean(self) -> Array:
        """Mean of each distribution. [MW]"""
        return self.distribution.mean


def align(observed: Observations, forecast: Forecast) -> Pairs:
    """Pair every forecast hour with its outcome, exactly.

    Parameters
    ----------
    observed : Observations
    forecast : Forecast

    Returns
    -------
    Pairs

    Raises
    ------
    TimeError
        If the intervals differ (:func:`energyforecast.align`), or one of the forecast lies outside the observations.
    SchemaError
        If a site was not observed.

    See Also
    --------
    Pairs, daylight

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> pairs = align(example_observations(), example_forecast())
    >>> pairs.labels[["site", "valid_time", "lead_time"]].head(2)
       site                valid_time  lead_time
    0  farm 2024-01-02 00:00:00+00:00       15.0
    1  farm 2024-01-02 01:00:00+00:00       16.0
    """
    arguments.check_types(locals(), of=align)
    (origin, step), data = np.nonzero(forecast.inside), forecast.data
    valid = data["valid_time"].values[origin, step].astype("datetime64[ns]")
    local = timestamps.to_index(valid).tz_convert(timestamps.zone(str(data.attrs.get("timezone", "UTC"))))
    frames, outcomes, cubes, limits, served = [], [], [], [], []
    for k, name in enumerate(forecast.sites):
        outcomes.append(outcomes_at(observed, valid, site=name, step=frequency_of(forecast)))
        cubes.append(data.values[k, origin, step].astype(float))
        limits.append(np.full(len(valid), float(data["capacity"].values[k])))
        served.append(_in_service(observed.available_capacity_at(name, valid), limits[-1]))
        labels = {
            "site": name,
            "kind": forecast.kinds[name],
            "issue_time": timestamps.to_index(data["issue_time"].values[origin]),
            "valid_time": timestamps.to_index(valid),
            "lead_time": data["lead_time"].values[step] / np.timedelta64(1, "h"),
            "hour": np.asarray(local.hour),
            "month": np.asarray(local.month),
            "quality": data["fallback_level"].values[k, origin],
            "weather_age": _age(data, k)[origin],
        }
        frames.append(pd.DataFrame(labels))
    return pairs_of_rows(
        np.concatenate(outcomes),
        np.concatenate(cubes),
        np.asarray(forecast.quantiles),
        pd.concat(frames, ignore_index=True),
        installed=np.concatenate(limits),
        in_service=np.concatenate(served),
        step=observed.frequency / pd.Timedelta("1h"),
    )


def pairs_of_rows(
    outcome: Array,
    quantiles: Array,
    quantile_levels: Array,
    labels: pd.DataFrame,
    *,
    installed: Array,
    in_service: Array,
    step: float,
) -> Pairs:
    """Pairs of the rows with an outcome, within the bounds of its site; the others are missing."""
    known = np.isfinite(outcome)
    largest = np.where(in_service > installed, in_service, installed)  # plants grow beyond their rating
    low, high = bounds_of_rows(largest, labels["kind"].to_numpy(dtype=str))
    return Pairs(
        observed=np.clip(outcome, low, high)[known],
        quantiles=_exact(quantiles, high)[known],
        quantile_levels=quantile_levels,
        labels=labels[known].reset_index(drop=True),
        capacity=in_service[known],
        missing=labels[~known].reset_index(drop=True),
        below_zero=int(((low == 0) & (outcome < 0)).sum()),
        step=step,
    )


def _exact(quantiles: Array, high: Array) -> Array:
    """Quantiles at the capacity in single precision are at the capacity, as outcomes are."""
    return np.where(quantiles == high.astype(np.float32)[:, None], high[:, None], quantiles)


def _in_service(available: Array, installed: Array) -> Array:
    """Capacity in service; where it is not known, or is zero, that which is installed."""
    return np.where(available > 0, available, installed)


def _age(data: xr.DataArray, site: int) -> Array:
    """Age of the newest run at issue. [h]"""
    if "weather_init_time" not in data.coords:
        return np.full(data.sizes["issue_time"], np.nan)
    age = data["issue_time"].values - data["weather_init_time"].values[site]
    return np.asarray(age / np.timedelta64(1, "h"))


@checked()
def daylight(pairs: Pairs, sites: Site | Sequence[Site]) -> Pairs:
    """Daylight hours: those with the sun above the horizon in their middle.

    Parameters
    ----------
    pairs : Pairs
    sites : Site or sequence of Site
        Of all names in the pairs.

    Returns
    -------
    Pairs
        Tables of their scores hold ``"daylight"`` in the column ``hours``.

    Raises
    ------
    SchemaError
        If a site is not given.

    See Also
    --------
    align, energyforecast.physics.solar_position

    Examples
    --------
    >>> import energyforecast as ef
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> farm = ef.Site(name="farm", latitude=47.0, longitude=8.0)
    >>> pairs = daylight(align(example_observations(), example_forecast()), farm)
    >>> pairs.hours, pairs.labels["hour"].tolist()
    ('daylight', [7, 8, 9, 10, 11, 12, 13, 14, 15])
    """
    places = {site.name: site for site in as_sites(sites)}

    def lit(labels: pd.DataFrame) -> Array:
        absent = sorted(set(labels["site"]) - set(places))
        if absent:
            raise SchemaError(
                f"Daylight at site {absent[0]!r} is asked for.",
                f"Places of all sites must be given; known are {list(places)}.",
                "Give the sites of the forecast.",
            )
        up = np.zeros(len(labels), dtype=bool)
        middle = timestamps.to_ns(labels["valid_time"]) + np.timedelta64(round(pairs.step * 1.8e12), "ns")
        for name, site in places.items():
            rows = np.flatnonzero(labels["site"] == name)
            if rows.size:
                latitude, longitude = site.latitude, site.longitude
                up[rows] = solar_position(middle[rows], latitude, longitude).zenith < 90
        return up

    dark = replace(pairs, missing=pairs.missing[lit(pairs.missing)].reset_index(drop=True), hours="daylight")
    return dark.of_rows(lit(pairs.labels))
