"""Forecasts and observations of several sites: one object or several, merged by site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.errors import MissingDataError, SchemaError

__all__ = ["as_list", "by_site", "observed_of"]

_Sites = TypeVar("_Sites", Forecast, Observations)


def as_list(given: _Sites | Sequence[_Sites]) -> list[_Sites]:
    """One object or several, as a list."""
    return [given] if isinstance(given, Forecast | Observations) else list(given)


def by_site(forecasts: Sequence[Forecast]) -> list[tuple[str, Forecast, int]]:
    """Each site with its forecast and its position there, in order of the names."""
    parts = sorted(
        ((name, forecast, k) for forecast in forecasts for k, name in enumerate(forecast.sites)),
        key=lambda part: part[0],
    )
    names = [name for name, _, _ in parts]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SchemaError(
            f"Site {repeated[0]!r} is in several of the forecasts.",
            "Each site must be forecast once.",
            "Leave one out, or rename it.",
        )
    return parts


def observed_of(observations: Observations | Sequence[Observations], site: str) -> Observations:
    """The observations that hold a site."""
    for one in as_list(observations):
        if site in one.sites:
            return one
    raise MissingDataError(
        f"Site {site!r} was not observed.",
        f"Observed were {sorted({name for one in as_list(observations) for name in one.sites})}.",
        "Rename the column, or give the observations of that site too.",
    )
