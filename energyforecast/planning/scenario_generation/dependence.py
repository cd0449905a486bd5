"""Dependence between hours and sites: ranks of the scenarios in every hour at every site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from energyforecast.planning.scenario_generation.marginals import Marginals

__all__ = ["Dependence", "Independence", "ranks_of"]

Array = npt.NDArray[Any]


@runtime_checkable
class Dependence(Protocol):
    """Ranks of the scenarios in each hour at each site; a protocol that any class can follow.

    See Also
    --------
    GaussianCopula, SchaakeShuffle, EnsembleCopulaCoupling, Independence

    Examples
    --------
    Comonotone: the scenario that is highest in one hour is highest in all, at all sites.

    >>> from energyforecast.planning import sample_scenarios
    >>> from energyforecast.testing import example_forecast
    >>> class Comonotone:
    ...     def ranks(self, marginals, *, n_scenarios, rng):
    ...         return np.broadcast_to(np.arange(n_scenarios)[:, None, None], (n_scenarios, *marginals.shape))
    >>> sample_scenarios(example_forecast(), n_scenarios=3, dependence=Comonotone()).of()[:, :2].round(2).tolist()
    [[6.67, 7.17], [10.0, 10.5], [13.33, 13.83]]
    """

    def ranks(self, marginals: Marginals, *, n_scenarios: int, rng: np.random.Generator) -> Array:
        """Ranks 0 to n_scenarios - 1, each once in every hour at every site, shape (n_scenarios, sites, hours)."""
        ...


@dataclass(frozen=True)
class Independence:
    """Independent hours and sites: the reference that every other dependence must beat.

    See Also
    --------
    GaussianCopula, SchaakeShuffle, EnsembleCopulaCoupling

    Examples
    --------
    >>> from energyforecast.planning import sample_scenarios
    >>> from energyforecast.testing import example_forecast
    >>> sample_scenarios(example_forecast(), n_scenarios=100, dependence=Independence()).data.attrs["dependence"]
    'Independence()'
    """

    def ranks(self, marginals: Marginals, *, n_scenarios: int, rng: np.random.Generator) -> Array:
        """Ranks of the scenarios, as :class:`Dependence` defines them."""
        ordered = np.broadcast_to(np.arange(n_scenarios)[:, None, None], (n_scenarios, *marginals.shape))
        return rng.permuted(ordered, axis=0)


def ranks_of(values: Array, ties: Array) -> Array:
    """Ranks along the first axis; equal values are ordered by one tie number a scenario, alike in all hours."""
    by_tie = np.argsort(ties, kind="stable")
    order = by_tie[np.argsort(values[by_tie], axis=0, kind="stable")]
    ranks = np.empty_like(order)
    places = np.arange(len(values)).reshape(-1, *([1] * (values.ndim - 1)))
    np.put_along_axis(ranks, order, np.broadcast_to(places, order.shape), axis=0)
    return ranks
