"""Marginal distributions of one issue at all sites, which scenarios must reproduce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import check_same_step
from energyforecast.core.power_kinds import Kind, bounds_of_rows
from energyforecast.core.quantile_cube import available_capacity
from energyforecast.core.quantiles import QuantileFunction, Tails
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.planning.scenario_generation.merging import as_list, by_site

__all__ = ["Marginals"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Marginals:
    """Distribution of each hour at each site, as forecast at one issue: the input of a :class:`Dependence`.

    Parameters
    ----------
    sites : tuple of str
    issue_time : Timestamp
    valid_time : array of datetime64, shape (hours,)
        Beginnings of the intervals.
    frequency : Timedelta
        Length of an interval.
    levels : tuple of array
        Levels of each site.
    curves : tuple of array, shape (hours, levels)
        Quantiles of each site. [MW]
    capacity : array, shape (sites,)
        NaN where there is none. [MW]
    available : array, shape (sites, hours)
        Bound of each hour: the available capacity, or the rated one. [MW]
    kinds : tuple of str
        Of each site, as in :attr:`energyforecast.Forecast.kinds`.
    attrs : dict
        Provenance.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast
    >>> marginals = Marginals.of(example_forecast())
    >>> marginals.sites, marginals.shape, marginals.lead_hours[:2].tolist()
    (('farm',), (1, 24), [15.0, 16.0])
    """

    sites: tuple[str, ...]
    issue_time: pd.Timestamp
    valid_time: timestamps.Times
    frequency: pd.Timedelta
    levels: tuple[Array, ...]
    curves: tuple[Array, ...]
    capacity: Array
    available: Array
    kinds: tuple[Kind, ...]
    attrs: dict[str, Any]

    @classmethod
    def of(cls, forecasts: Forecast | Sequence[Forecast], *, issue_time: Any = None) -> Marginals:
        """Merge forecasts by site, in order of the names.

        Raises
        ------
        TimeError
            If issue times or hours differ, or none of several issues is chosen.
        SchemaError
            If there is no forecast, frequencies differ, or a site is forecast twice.
        """
        chosen = [_one_issue(forecast, issue_time) for forecast in as_list(forecasts)]
        if not chosen:
            raise SchemaError(
                "No forecast is given.", "Scenarios are sampled from one or several.", "Give a Forecast."
            )
        _check_alike(chosen)
        parts, first = by_site(chosen), chosen[0]
        levels = tuple(np.asarray(forecast.quantiles) for _, forecast, _ in parts)
        return cls(
            sites=tuple(name for name, _, _ in parts),
            issue_time=first.issue_times[0],
            valid_time=first.data["valid_time"].values[0],
            frequency=timestamps.duration(first.data.attrs["frequency"]),
            levels=levels,
            curves=tuple(forecast.data.values[k, 0].astype(float) for _, forecast, k in parts),
            capacity=np.array([float(forecast.data["capacity"].values[k]) for _, forecast, k in parts]),
            available=np.stack([available_capacity(forecast.data)[k, 0] for _, forecast, k in parts]),
            kinds=tuple(forecast.kinds[name] for name, forecast, _ in parts),
            attrs=_provenance(chosen),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Sites and hours."""
        return len(self.sites), len(self.valid_time)

    @property
    def lead_time(self) -> npt.NDArray[np.timedelta64]:
        """Time from the issue to the beginning of each hour."""
        return np.asarray(self.valid_time - timestamps.to_ns([self.issue_time])[0])

    @property
    def lead_hours(self) -> Array:
        """Lead time of each hour. [h]"""
        return np.asarray(self.lead_time / np.timedelta64(1, "h"))

    @property
    def medians(self) -> Array:
        """Median of each hour, shape (sites, hours). [MW]"""
        return np.stack([found.at(0.5) for found in self.distributions])

    @property
    def distributions(self) -> list[QuantileFunction]:
        """Quantile functions of the hours of each site."""
        return [
            QuantileFunction(curve, levels) for curve, levels in zip(self.curves, self.levels, strict=True)
        ]

    def values(self, ranks: Array, *, tails: Tails = "flat") -> Array:
        """Power at ranks 0 to n - 1, shape (n, sites, hours); rank k is the level (k + ½) / n. [MW]"""
        wanted = (np.arange(len(ranks)) + 0.5) / len(ranks)
        result = np.empty(ranks.shape)
        for k, found in enumerate(self.distributions):
            low, high = bounds_of_rows(self.available[k], np.array(self.kinds[k]))
            ordered = found.table(wanted, tails=tails, bounds=(low[:, None], high[:, None]))
            result[:, k] = np.take_along_axis(ordered.T, ranks[:, k], axis=0)
        return result


def _one_issue(forecast: Forecast, issue_time: Any) -> Forecast:
    if issue_time is None and len(forecast.issue_times) > 1:
        raise TimeError(
            f"The forecast of {', '.join(forecast.sites)} has {len(forecast.issue_times)} issues.",
            "Scenarios must be of one issue.",
            f"Choose one: issue_time={str(forecast.issue_times[-1])!r}.",
        )
    chosen = forecast.sel(issue_time=forecast.issue_times[0] if issue_time is None else issue_time)
    if not chosen.data.sizes["lead_time"]:
        raise MissingDataError(
            f"The forecast of {', '.join(forecast.sites)} issued at {chosen.issue_times[0]} covers no hour.",
            "Scenarios must be of the hours of a window.",
            "Choose another issue.",
        )
    return chosen


def _check_alike(chosen: list[Forecast]) -> None:
    first = chosen[0]
    for other in chosen[1:]:
        names = f"{', '.join(first.sites)!r} and {', '.join(other.sites)!r}"
        check_same_step(
            first,
            other,
            name=f"The forecast of {', '.join(first.sites)}",
            other=f"that of {', '.join(other.sites)}",
        )
        if other.issue_times[0] != first.issue_times[0]:
            raise TimeError(
                f"Forecasts of {names} were issued at {first.issue_times[0]} and {other.issue_times[0]}.",
                "Forecasts that are sampled together must have one issue time.",
                "Issue them together, or choose an issue that all have with issue_time=.",
            )
        if not np.array_equal(other.data["valid_time"].values, first.data["valid_time"].values):
            spans = [
                "{} to {}".format(*timestamps.to_index(one.data["valid_time"].values[0][[0, -1]]))
                for one in (first, other)
            ]
            raise TimeError(
                f"Forecasts of {names} cover {spans[0]} and {spans[1]}.",
                "Forecasts that are sampled together must cover the same hours.",
                "Forecast them by tasks of one window and one time zone.",
            )


def _provenance(chosen: list[Forecast]) -> dict[str, Any]:
    caveats = dict.fromkeys(line for forecast in chosen for line in forecast.caveats)
    found: dict[str, Any] = {
        "caveats": "; ".join(caveats),
        "perfect_weather": int(any(forecast.perfect_weather for forecast in chosen)),
    }
    zones = {str(forecast.data.attrs["timezone"]) for forecast in chosen if "timezone" in forecast.data.attrs}
    return found | ({"timezone": zones.pop()} if len(zones) == 1 else {})
