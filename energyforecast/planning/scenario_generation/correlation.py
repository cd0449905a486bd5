"""Correlations of few days over many hours and sites: a structured target, and how much of it to take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.errors import MissingDataError, RangeError, SchemaError

__all__ = ["Decay", "intensity", "standardised"]

Array = npt.NDArray[Any]

#: Ranges among which the best fit is looked for. [h]
_RANGES: Final = np.geomspace(0.25, 400.0, 90)
#: Correlations among which the one that stays at long lags is looked for.
_FLOORS: Final = np.linspace(0.0, 0.9, 19)


def standardised(scores: Array, *, least: int) -> Array:
    """Scores of mean 0 and norm 1 over issues, 0 where missing; cells with few of them are 0 throughout.

    Parameters
    ----------
    scores : array, shape (issues, ...)
    least : int
        Outcomes that a cell needs.

    Examples
    --------
    >>> standardised(np.array([[1.0, 5.0], [3.0, np.nan], [np.nan, np.nan]]), least=2).round(2).tolist()
    [[-0.71, 0.0], [0.71, 0.0], [0.0, 0.0]]
    """
    known = np.isfinite(scores)
    count = known.sum(axis=0)
    filled = np.where(known, scores, 0.0)
    centred = np.where(known, filled - filled.sum(axis=0) / np.maximum(count, 1), 0.0)
    norm = np.sqrt((centred**2).sum(axis=0))
    usable = (count >= least) & (norm > 1e-12)
    return np.asarray(np.where(usable, centred / np.where(usable, norm, 1.0), 0.0))


@dataclass(frozen=True, eq=False, repr=False)
class Decay:
    """A correlation between sites, times one that decays with the lag, at its own pace for each site.

    Cells of one site are tied by ``strength exp(-lag / range) + floor``, two sites by their correlation times the
    product of the factors of both decays: positive definite however the ranges differ.

    Parameters
    ----------
    sites : tuple of str
        Empty: any, all alike.
    between : array, shape (sites, sites), or float
        Correlation between sites; one number for any sites.
    range_hours : array, shape (sites,), or float
        [h]
    strength : array, shape (sites,), or float
        What decays; with the floor less than 1 where neighbouring hours have noise of their own.
    floor : array, shape (sites,), or float
        What stays at long lags, such as an error of the whole day.

    Examples
    --------
    >>> decay = Decay.declared(range_hours=10.0, site_correlation=0.5)
    >>> decay.matrix(("a", "b"), np.array([0.0, 10.0])).round(2).tolist()[0]
    [1.0, 0.37, 0.5, 0.18]
    """

    sites: tuple[str, ...]
    between: Array
    range_hours: Array
    strength: Array
    floor: Array = field(default_factory=lambda: np.asarray(0.0))

    @classmethod
    def declared(cls, *, range_hours: float, site_correlation: float | pd.DataFrame) -> Decay:
        """Without history."""
        if not (np.isfinite(range_hours) and range_hours > 0):
            raise RangeError(
                f"range_hours={range_hours}.", "A range is a positive number of hours.", "Give e.g. 8.0."
            )
        table = isinstance(site_correlation, pd.DataFrame)
        between = np.asarray(site_correlation, dtype=float)
        names = tuple(str(name) for name in site_correlation.index) if table else ()  # type: ignore[union-attr]
        if table and names != tuple(str(name) for name in site_correlation.columns):  # type: ignore[union-attr]
            raise SchemaError(
                f"The correlation has the rows {list(names)} and other columns.",
                "Index and columns are the names of the sites, in one order.",
                "Reindex it.",
            )
        if not table and not -1.0 <= float(between) <= 1.0:
            raise RangeError(f"site_correlation={site_correlation}.", "It lies in [-1, 1].", "Correct it.")
        if table:
            _check_correlation(between)
        return cls(names, between, np.asarray(float(range_hours)), np.asarray(1.0))

    @classmethod
    def none(cls, *, sites: tuple[str, ...]) -> Decay:
        """Independence of everything."""
        alone = np.ones(len(sites))
        return cls(sites, np.eye(len(sites)), alone, np.zeros(len(sites)))

    @classmethod
    def fit(cls, scores: Array, hours: Array, *, sites: tuple[str, ...]) -> Decay:
        """The decay of each site by least squares, the correlation between sites pooled over leads.

        Parameters
        ----------
        scores : array, shape (issues, sites, leads)
            As :func:`standardised` gives them.
        hours : array, shape (leads,)
            [h]
        sites : tuple of str
        """
        fits = [_fit_decay(scores[:, k], hours) for k in range(len(sites))]
        ranges, strengths, floors = (np.array(column) for column in zip(*fits, strict=True))
        return cls(sites, _between_sites(scores), ranges, strengths, floors)

    def places(self, sites: tuple[str, ...]) -> list[int]:
        """Where sites stand in the correlation.

        Raises
        ------
        MissingDataError
            If one does not.
        """
        absent = [name for name in sites if name not in self.sites]
        if absent:
            raise MissingDataError(
                f"The dependence of site {absent[0]!r} is asked for.",
                f"Known are {list(self.sites)}.",
                "Fit it on past forecasts of all sites that are drawn together.",
            )
        return [self.sites.index(name) for name in sites]

    def sample(
        self, sites: tuple[str, ...], hours: Array, *, n_scenarios: int, rng: np.random.Generator
    ) -> Array:
        """Normal vectors of this correlation, shape (n_scenarios, sites, hours)."""
        noise = rng.standard_normal((n_scenarios, len(sites), len(hours)))
        root = _root(self._between(sites))
        tied = np.einsum("ij,njh->nih", root, noise, optimize=True)
        factors = self._factors(sites, hours)
        return np.stack([tied[:, k] @ factor.T for k, factor in enumerate(factors)], axis=1)

    def matrix(self, sites: tuple[str, ...], hours: Array) -> Array:
        """Correlation of the cells (site, hour), shape (sites × hours, sites × hours)."""
        return np.concatenate([self.rows(k, sites, hours) for k in range(len(sites))])

    def rows(self, k: int, sites: tuple[str, ...], hours: Array) -> Array:
        """Correlation of the hours of one site with all cells, shape (hours, sites × hours)."""
        factors = self._factors(sites, hours)
        between = self._between(sites)[k]
        return np.concatenate(
            [between[j] * (factors[k] @ other.T) for j, other in enumerate(factors)], axis=1
        )

    def _between(self, sites: tuple[str, ...]) -> Array:
        if self.between.ndim:
            rows = self.places(sites)
            return np.asarray(self.between[np.ix_(rows, rows)])
        whole = np.full((len(sites),) * 2, float(self.between))
        np.fill_diagonal(whole, 1.0)
        _check_correlation(whole)
        return whole

    def _factors(self, sites: tuple[str, ...], hours: Array) -> list[Array]:
        """Lower factor of the decay of each site; of equal ones the same."""
        shape = [
            np.broadcast_to(part, len(self.sites) or 1)
            for part in (self.range_hours, self.strength, self.floor)
        ]
        rows = self.places(sites) if self.range_hours.ndim else [0] * len(sites)
        pairs = [tuple(float(part[k]) for part in shape) for k in rows]
        known = {pair: np.linalg.cholesky(_decay(hours, *pair)) for pair in dict.fromkeys(pairs)}
        return [known[pair] for pair in pairs]

    def __repr__(self) -> str:
        ends = np.unique(np.round(np.atleast_1d(self.range_hours[self.strength > 0]), 0))
        if not len(ends):
            return "no target"
        return (
            f"decay within {ends[0]:g} h" if len(ends) == 1 else f"decay within {ends[0]:g} to {ends[-1]:g} h"
        )


def _decay(hours: Array, reach: float, strength: float, floor: float) -> Array:
    lag = np.abs(hours[:, None] - hours[None, :])
    result = strength * np.exp(-lag / reach) + floor
    np.fill_diagonal(result, 1.0)
    return np.asarray(result)


def _root(correlation: Array) -> Array:
    """A square root, also where some sites are copies of others."""
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)))


def _check_correlation(matrix: Array) -> None:
    symmetric = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and np.allclose(matrix, matrix.T)
    least = float(np.linalg.eigvalsh(matrix)[0]) if symmetric else np.nan
    if not symmetric or not np.allclose(np.diag(matrix), 1.0) or least < -1e-8:
        raise RangeError(
            f"The correlation between {len(matrix)} sites has the least eigenvalue {least:.3g}.",
            "A correlation is symmetric, 1 on the diagonal, and has no negative eigenvalue.",
            "Correct it; many sites cannot all oppose each other.",
        )


def _fit_decay(scores: Array, hours: Array) -> tuple[float, float, float]:
    """Range, strength and floor of one site: least squares over the pairs of hours that were seen."""
    seen = np.flatnonzero((scores != 0).any(axis=0))
    first, second = np.triu_indices(len(seen), k=1)
    if not len(first):
        return 1.0, 0.0, 0.0
    found = (scores[:, seen].T @ scores[:, seen])[first, second]
    shape = np.exp(-np.abs(hours[seen][second] - hours[seen][first])[:, None] / _RANGES)
    power = (shape**2).sum(axis=0)
    tries = []
    for floor in _FLOORS:
        strength = np.clip((found - floor) @ shape / power, 0.0, 1.0 - floor)
        misfit = ((found[:, None] - floor - strength * shape) ** 2).sum(axis=0)
        best = int(misfit.argmin())
        tries.append((misfit[best], float(_RANGES[best]), float(strength[best]), float(floor)))
    return min(tries)[1:]


def _between_sites(scores: Array) -> Array:
    """Correlation between sites pooled over leads, shrunk towards one that is the same for all pairs."""
    products = np.einsum("kih,kjh->kij", scores, scores, optimize=True)
    power = np.sqrt(np.einsum("kii->i", products))
    power = np.where(power > 0, power, 1.0)
    products /= power[:, None] * power[None, :]
    sample, issues = products.sum(axis=0), len(scores)
    np.fill_diagonal(sample, 1.0)
    if len(sample) == 1:
        return np.asarray(sample)
    apart = ~np.eye(len(sample), dtype=bool)
    equal = np.where(apart, max(sample[apart].mean(), 0.0), 1.0)
    variance = issues / (issues - 1) * ((products - sample / issues) ** 2).sum(axis=0)
    share = _share(variance[apart].sum(), ((sample - equal)[apart] ** 2).sum())
    return np.asarray((1 - share) * sample + share * equal)


def intensity(scores: Array, target: Decay, hours: Array) -> float:
    """Share of the target that minimises the expected squared error of all correlations.

    Parameters
    ----------
    scores : array, shape (issues, sites, leads)
        As :func:`standardised` gives them.
    target : Decay
    hours : array, shape (leads,)
        [h]

    References
    ----------
    Schäfer and Strimmer (2005), https://doi.org/10.2202/1544-6115.1175: the sum of the variances of the sampled
    correlations over that of their squared distances from the target.

    Examples
    --------
    >>> noise = standardised(np.random.default_rng(0).standard_normal((50, 1, 24)), least=2)
    >>> round(intensity(noise, Decay.none(sites=("a",)), np.arange(24.0)), 1)
    1.0
    """
    issues, sites, leads = scores.shape
    flat = scores.reshape(issues, -1)
    seen = (flat != 0).any(axis=0)
    variance = distance = 0.0
    for k in range(sites):
        here = scores[:, k]
        sample = here.T @ flat
        spread = (issues * ((here**2).T @ flat**2) - sample**2) / (issues - 1)
        pairs = np.outer(seen[k * leads : (k + 1) * leads], seen)
        pairs[np.arange(leads), k * leads + np.arange(leads)] = False
        variance += spread[pairs].sum()
        distance += ((sample - target.rows(k, target.sites, hours))[pairs] ** 2).sum()
    return _share(variance, distance)


def _share(variance: float, distance: float) -> float:
    return float(np.clip(variance / distance, 0.0, 1.0)) if distance > 0 else 1.0
