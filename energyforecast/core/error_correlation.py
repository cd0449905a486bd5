"""Correlation of forecast errors over hours and sites: a structured form, and its share in that of a sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from energyforecast.core.quantiles import QuantileFunction
from energyforecast.core.structured_text import parse_json
from energyforecast.errors import FileFormatError, MissingDataError, RangeError, SchemaError

__all__ = ["ERROR_CORRELATION", "Decay", "intensity", "normal_scores", "standardised"]

Array = npt.NDArray[Any]

#: Ranges on the grid of the fit. [h]
_RANGES: Final = np.geomspace(0.25, 400.0, 90)
#: Floors on the grid of the fit. [1]
_FLOORS: Final = np.linspace(0.0, 0.9, 19)
#: Attribute of a forecast that holds the numbers of a :class:`Decay`, as JSON.
ERROR_CORRELATION: Final = "error_correlation"
#: Rounding of the numbers in that attribute.
_ROUNDED: Final = 1e-5
#: Largest absolute normal score of an outcome, about one in a thousand.
_MAX_SCORE: Final = 3.0


def normal_scores(outcome: Array, curve: Array, levels: Array, *, rng: np.random.Generator) -> Array:
    """Normal score of the level of each outcome in its curve; random levels on point masses, tails to ±3."""
    low, high = QuantileFunction(curve, levels).pit_interval(outcome, tails="normal")
    level = low + (high - low) * rng.uniform(size=len(outcome))
    return np.asarray(np.clip(ndtri(level), -_MAX_SCORE, _MAX_SCORE))


def standardised(scores: Array, *, min_count: int) -> Array:
    """Scores of mean 0 and norm 1 over issues, 0 where missing; cells with too few outcomes are 0 throughout."""
    known = np.isfinite(scores)
    count = known.sum(axis=0)
    filled = np.where(known, scores, 0.0)
    centred = np.where(known, filled - filled.sum(axis=0) / np.maximum(count, 1), 0.0)
    norm = np.sqrt((centred**2).sum(axis=0))
    usable = (count >= min_count) & (norm > 1e-12)
    return np.asarray(np.where(usable, centred / np.where(usable, norm, 1.0), 0.0))


@dataclass(frozen=True, eq=False, repr=False)
class Decay:
    r"""Separable correlation: one between sites, times one that decays with the lag, with a range for each site.

    .. math::
        C_i(t, s) = \sigma_i\, e^{-|t - s| / \ell_i} + \phi_i \quad (t \ne s), \qquad
        T_{(i,t),(j,s)} = \rho_{ij} \left(L_i L_j^\top\right)_{ts}, \qquad L_i L_i^\top = C_i

    with the strength :math:`\sigma`, the range :math:`\ell`, the floor :math:`\phi` and the correlation :math:`\rho`
    between sites; C is 1 at t = s. The product of the Cholesky factors keeps T positive definite when the ranges of two
    sites differ.

    Parameters
    ----------
    sites : tuple of str
        Empty for any sites, all with the same decay.
    between : array, shape (sites, sites), or float
        Correlation between sites; one number for any sites. [1]
    range_hours : array, shape (sites,), or float
        [h]
    strength : array, shape (sites,), or float
        The part that decays; with the floor it is less than 1 where hours have independent noise. [1]
    floor : array, shape (sites,), or float
        The part that remains at long lags, such as an error of the whole day. [1]

    See Also
    --------
    energyforecast.planning.GaussianCopula : Shrinks the correlation of the sample towards it.

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
        """A stated decay, without history."""
        if not (np.isfinite(range_hours) and range_hours > 0):
            raise RangeError(
                f"range_hours={range_hours}.", "A range must be a positive number of hours.", "Give e.g. 8.0."
            )
        table = isinstance(site_correlation, pd.DataFrame)
        between = np.asarray(site_correlation, dtype=float)
        names = tuple(str(name) for name in site_correlation.index) if table else ()  # type: ignore[union-attr]
        if table and names != tuple(str(name) for name in site_correlation.columns):  # type: ignore[union-attr]
            raise SchemaError(
                f"The correlation has the rows {list(names)} and other columns.",
                "Index and columns must be the names of the sites, in one order.",
                "Reindex it.",
            )
        if not table and not -1.0 <= float(between) <= 1.0:
            raise RangeError(
                f"site_correlation={site_correlation}.", "It must lie in [-1, 1].", "Correct it."
            )
        if table:
            _check_correlation(between)
        return cls(names, between, np.asarray(float(range_hours)), np.asarray(1.0))

    @classmethod
    def none(cls, *, sites: tuple[str, ...]) -> Decay:
        """Independent cells."""
        alone = np.ones(len(sites))
        return cls(sites, np.eye(len(sites)), alone, np.zeros(len(sites)))

    @classmethod
    def fit(cls, scores: Array, hours: Array, *, sites: tuple[str, ...]) -> Decay:
        """Decay of each site by least squares; the correlation between sites is pooled over leads.

        Parameters
        ----------
        scores : array, shape (issues, sites, leads)
            Of mean 0 and norm 1 over issues.
        hours : array, shape (leads,)
            [h]
        sites : tuple of str
        """
        fits = [_fit_decay(scores[:, k], hours) for k in range(len(sites))]
        ranges, strengths, floors = (np.array(column) for column in zip(*fits, strict=True))
        return cls(sites, _between_sites(scores), ranges, strengths, floors)

    def to_numbers(self) -> dict[str, Any]:
        """The same as plain numbers and names; ``Decay.from_numbers`` reads them."""
        names = ("between", "range_hours", "strength", "floor")
        return {"sites": list(self.sites)} | {key: np.round(getattr(self, key), 6).tolist() for key in names}

    @classmethod
    def from_numbers(cls, numbers: Mapping[str, Any]) -> Decay:
        """Decay of the numbers of :meth:`to_numbers`."""
        arrays = {key: np.asarray(values, float) for key, values in numbers.items() if key != "sites"}
        return cls(sites=tuple(numbers["sites"]), **arrays)

    @classmethod
    def from_text(cls, text: str) -> Decay:
        """Decay of the JSON that a forecast carries; FileFormatError if it is another text."""
        try:
            found = cls.from_numbers(parse_json(text))
            found._check()  # noqa: SLF001  (its own)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise FileFormatError(
                f"A forecast carries a correlation of errors that cannot be read: {error}.",
                "Its attributes must be as the library wrote them.",
                "Forecast again, or restore the file from a copy.",
            ) from error
        return found

    def _check(self) -> None:
        """ValueError unless the numbers belong to the sites, and may be those of a correlation."""
        count, (shared, own) = len(self.sites), ((), (len(self.sites),))
        if not all(isinstance(site, str) for site in self.sites):
            raise ValueError(f"its sites are {self.sites}")
        if self.between.shape not in (shared, (count, count)):
            raise ValueError(f"it has {count} sites and the shape {self.between.shape}")
        # Rounded as it is, it may have eigenvalues a little below zero, which sampling takes for zero.
        if self.between.ndim and not np.allclose(np.diag(self.between), 1.0):
            raise ValueError("its correlation between sites is not 1 on the diagonal")
        if not np.isfinite(self.between).all() or (abs(self.between) > 1 + _ROUNDED).any():
            raise ValueError("its correlation between sites leaves [-1, 1]")
        for values, most in (
            (self.range_hours, 1e6),
            (self.strength, 1 + _ROUNDED),
            (self.floor, 1 + _ROUNDED),
        ):
            if values.shape not in (shared, own) or not ((values >= 0) & (values <= most)).all():
                raise ValueError(f"it has {count} sites and the numbers {values}")
        if not ((self.range_hours > 0) & (self.strength + self.floor <= 1 + _ROUNDED)).all():
            raise ValueError(f"it has the ranges {self.range_hours}, or shares above 1 together")

    def places(self, sites: tuple[str, ...]) -> list[int]:
        """Positions of sites in the correlation; MissingDataError if one has none."""
        absent = [name for name in sites if name not in self.sites]
        if absent:
            raise MissingDataError(
                f"The dependence of site {absent[0]!r} is asked for.",
                f"Known are {list(self.sites)}.",
                "Fit it on past forecasts of all sites that are sampled together.",
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
        """Correlation between sites as a matrix."""
        if self.between.ndim:
            rows = self.places(sites)
            return np.asarray(self.between[np.ix_(rows, rows)])
        whole = np.full((len(sites),) * 2, float(self.between))
        np.fill_diagonal(whole, 1.0)
        _check_correlation(whole)
        return whole

    def _factors(self, sites: tuple[str, ...], hours: Array) -> list[Array]:
        """Cholesky factor of the decay of each site; equal decays are factorised once."""
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
        return "decay within " + " to ".join(f"{end:g}" for end in np.unique(ends[[0, -1]])) + " h"


def _decay(hours: Array, reach: float, strength: float, floor: float) -> Array:
    """Correlation of the hours of one site."""
    lag = np.abs(hours[:, None] - hours[None, :])
    result = strength * np.exp(-lag / reach) + floor
    np.fill_diagonal(result, 1.0)
    return np.asarray(result)


def _root(correlation: Array) -> Array:
    """A square root of the matrix, also of a singular one."""
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)))


def _check_correlation(matrix: Array) -> None:
    symmetric = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and np.allclose(matrix, matrix.T)
    smallest = float(np.linalg.eigvalsh(matrix)[0]) if symmetric else np.nan
    if not symmetric or not np.allclose(np.diag(matrix), 1.0) or smallest < -1e-8:
        raise RangeError(
            f"The correlation between {len(matrix)} sites has the smallest eigenvalue {smallest:.3g}.",
            "A correlation must be symmetric, 1 on the diagonal, and have no negative eigenvalue.",
            "Correct it; many sites cannot all have negative correlations.",
        )


def _fit_decay(scores: Array, hours: Array) -> tuple[float, float, float]:
    """Range, strength and floor of one site: least squares over the pairs of observed hours."""
    known = np.flatnonzero((scores != 0).any(axis=0))
    first, second = np.triu_indices(len(known), k=1)
    if not len(first):
        return 1.0, 0.0, 0.0
    # Pairs of one lag have one fitted value: their mean, weighted by their number, has the same least squares.
    distance = np.abs(hours[known][second] - hours[known][first])
    lag, group, count = np.unique(np.round(distance, 6), return_inverse=True, return_counts=True)
    sample = np.bincount(group, (scores[:, known].T @ scores[:, known])[first, second]) / count
    shape = np.exp(-lag[:, None] / _RANGES)
    power = count @ shape**2
    tries = []
    for floor in _FLOORS:
        strength = np.clip((count * (sample - floor)) @ shape / power, 0.0, 1.0 - floor)
        misfit = count @ (sample[:, None] - floor - strength * shape) ** 2
        best = int(misfit.argmin())
        tries.append((misfit[best], float(_RANGES[best]), float(strength[best]), float(floor)))
    return min(tries)[1:]


def _between_sites(scores: Array) -> Array:
    """Correlation between sites pooled over leads, shrunk towards one that is the same for all pairs."""
    power = np.sqrt((scores**2).sum(axis=(0, 2)))[:, None]
    scores = scores / np.where(power > 0, power, 1.0)
    sample, issues = np.tensordot(scores, scores, axes=((0, 2), (0, 2))), len(scores)
    mean = sample / issues
    np.fill_diagonal(sample, 1.0)
    if len(sample) == 1:
        return np.asarray(sample)
    apart = ~np.eye(len(sample), dtype=bool)
    equal = np.where(apart, max(sample[apart].mean(), 0.0), 1.0)
    # One issue after the other: products of all at once are as large as issues times squared sites.
    spread = sum(((one @ one.T - mean)[apart] ** 2).sum() for one in scores)
    share = _share(issues / (issues - 1) * spread, ((sample - equal)[apart] ** 2).sum())
    return np.asarray((1 - share) * sample + share * equal)


def intensity(scores: Array, target: Decay, hours: Array) -> float:
    """Share of the target that minimises the expected squared error of all correlations (Schäfer and Strimmer)."""
    issues, sites, leads = scores.shape
    flat = scores.reshape(issues, -1)
    known = (flat != 0).any(axis=0)
    variance = distance = 0.0
    for k in range(sites):
        rows = scores[:, k]
        sample = rows.T @ flat
        spread = (issues * ((rows**2).T @ flat**2) - sample**2) / (issues - 1)
        pairs = np.outer(known[k * leads : (k + 1) * leads], known)
        pairs[np.arange(leads), k * leads + np.arange(leads)] = False
        variance += spread[pairs].sum()
        distance += ((sample - target.rows(k, target.sites, hours))[pairs] ** 2).sum()
    return _share(variance, distance)


def _share(variance: float, distance: float) -> float:
    """Variance over squared distance, within [0, 1]."""
    return float(np.clip(variance / distance, 0.0, 1.0)) if distance > 0 else 1.0
