"""Distribution functions by kernel ridge regression: of the outcome itself, or of its departure from a mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from energyforecast.models.base import Part
from energyforecast.models.random_features import (
    FourierFeatures,
    Moments,
    coefficients,
    ridge_of,
    squared_error,
)

__all__ = [
    "RIDGE",
    "Distribution",
    "Kinds",
    "Rows",
    "best_kinds",
    "fit_distributions",
    "grid_of",
    "indicators",
    "widths",
]

Array = npt.NDArray[Any]

#: Levels of the outcomes at which the distribution function is fitted: denser in the tails.
_LEVELS: Final = np.concatenate([[0.0025, 0.005, 0.01], np.arange(1, 60) / 60, [0.99, 0.995, 0.9975, 1.0]])
#: Steps in which probabilities are rounded: sums of BLAS differ in their last bits.
_STEP: Final = 2.0**20
#: Ridge penalty. [rows]
RIDGE: Final = 3.0
#: Share of the outcomes that are the highest, from which on it is a mass: full power.
_FREQUENT: Final = 0.01
#: Score at most, in the best, of a kind of distribution that is used.
_CLOSE: Final = 1.08


class Kinds(NamedTuple):
    """Distributions that are fitted: of the outcome itself, of its departure from a mean, or both."""

    outcome: bool
    departure: bool


@dataclass(frozen=True)
class Rows:
    """Rows of a fit: inputs, outcomes, weights, and the part of time in which each lies, from 0."""

    inputs: Array
    y: Array
    weight: Array
    part: npt.NDArray[np.int64]

    def thinned(self, step: int, *, seed: int) -> Rows:
        """One of each so many rows, drawn: every 24th would be that of one hour, with whole days alone."""
        first = np.arange(0, len(self.y), step)
        drawn = first + np.random.default_rng(seed).integers(step, size=len(first))
        chosen = np.minimum(drawn, len(self.y) - 1)
        return Rows(*(values[chosen] for values in vars(self).values()))

    def moments(self, features: FourierFeatures, *targets: Array) -> list[Moments]:
        """Moments of each part."""
        return [
            Moments.of(features, self.inputs[here], *(one[here] for one in targets), weight=self.weight[here])
            for here in (self.part == number for number in range(int(self.part.max()) + 1))
        ]


@dataclass(frozen=True)
class Distribution:
    """Coefficients of the mean, shape (features,), and of the distribution function on a grid of departures from it.

    `slope` has the shape (features, grid - 1): at the end of the grid the distribution function is 1.
    """

    grid: Array
    slope: Array
    centre: Array

    def quantiles(self, features: FourierFeatures, inputs: Array, *, levels: tuple[float, ...]) -> Array:
        """Quantiles of rows, shape (rows, levels)."""
        curve = np.empty((len(inputs), len(levels)))
        unit = float(self.grid[-1] - self.grid[0]) or 1.0
        for rows, terms in features.blocks(inputs):
            share = np.round(np.sort(np.clip(terms @ self.slope, 0.0, 1.0), axis=1) * _STEP) / _STEP
            mean = np.round(terms @ self.centre * (_STEP / unit)) * (unit / _STEP)
            curve[rows] = mean[:, None] + _inverted(share, self.grid, levels)
        return curve

    def parts(self, number: int) -> dict[str, Part]:
        """Fitted state, for storage."""
        return {f"{name}_{number}": value for name, value in vars(self).items()}

    @classmethod
    def restored(cls, parts: Mapping[str, Part]) -> tuple[Self, ...]:
        """Distributions from :meth:`parts` of each."""
        names = cls.__dataclass_fields__
        return tuple(
            cls(*(np.asarray(parts[f"{name}_{k}"]) for name in names))
            for k in range(2)
            if f"grid_{k}" in parts
        )


def fit_distributions(
    rows: Rows, features: FourierFeatures, *, kinds: Kinds, unseen: bool
) -> list[tuple[Distribution, ...]]:
    """Fit distributions of some kinds on all rows and, if asked for, without each part."""
    grid = grid_of(rows.y, rows.weight)
    each = rows.moments(features, rows.y[:, None], indicators(rows.y, grid))
    every = Moments.total(each)
    moments = [every, *(every.without([part]) for part in each if len(each) > 1)]
    ridges = [ridge_of(part.gram, ridge=RIDGE) for part in moments]
    slopes = [ridge(part.cross) for ridge, part in zip(ridges, moments, strict=True)]
    if not unseen:
        ridges = ridges[:1]
    found: list[tuple[Distribution, ...]] = [() for _ in ridges]
    if kinds.outcome:
        none = np.zeros(len(features))
        ends = _with_full_end(grid, rows.y, rows.weight)
        found = [(Distribution(ends, slope[:, 1:], none),) for slope, _ in zip(slopes, ridges, strict=False)]
    if kinds.departure:
        departing = _of_departures(rows, features, [slope[:, 0] for slope in slopes], ridges)
        found = [(*before, one) for before, one in zip(found, departing, strict=True)]
    return found


def _of_departures(
    rows: Rows, features: FourierFeatures, means: list[Array], ridges: list[Callable[[Array], Array]]
) -> list[Distribution]:
    """Distributions of the departure from the means of all rows, and of those without each part."""
    departure = _departures(rows, features, means)[:, : len(ridges)]
    kept = [np.ones(len(rows.y), dtype=bool), *(rows.part != k for k in range(len(ridges) - 1))]
    grids = [grid_of(one[here], rows.weight[here]) for one, here in zip(departure.T, kept, strict=True)]
    several = list(zip(departure.T, kept, grids, strict=True))
    cross = np.zeros((len(features), sum(len(grid) - 1 for grid in grids)))
    for block, terms in features.blocks(rows.inputs):
        steps = [
            np.where(here[block], rows.weight[block], 0.0)[:, None] * indicators(one[block], grid)
            for one, here, grid in several
        ]
        cross += terms.T @ np.hstack(steps)
    ends = np.cumsum([len(grid) - 1 for grid in grids])[:-1]
    solved = zip(grids, np.split(cross, ends, axis=1), means, ridges, strict=False)
    return [Distribution(grid, ridge(part), mean) for grid, part, mean, ridge in solved]


def _departures(rows: Rows, features: FourierFeatures, means: list[Array]) -> Array:
    """Departures of rows from means, shape (rows, means), as wide as from those that have not seen a row's part."""
    slopes = np.stack(means, axis=1)
    departure = rows.y[:, None] - np.concatenate(
        [terms @ slopes for _, terms in features.blocks(rows.inputs)]
    )
    if len(means) < 2:
        return np.asarray(departure)
    error = rows.weight[:, None] * np.abs(departure)
    unseen, seen = error[np.arange(len(error)), 1 + rows.part].sum(), error[:, 0].sum()
    return np.asarray(departure * (unseen / seen if seen > 0 else 1.0))


def best_kinds(rows: Rows, features: FourierFeatures) -> Kinds:
    """Kinds of distributions by their continuous ranked probability score in parts that they have not seen."""
    if not rows.part.any():
        return Kinds(outcome=True, departure=False)
    each = rows.moments(features, rows.y[:, None])
    every = Moments.total(each)
    means = [coefficients(part, ridge=RIDGE)[:, 0] for part in (every, *(every.without([k]) for k in each))]
    scores = []
    for values in (rows.y, _departures(rows, features, means)[:, 0]):
        grid = grid_of(values, rows.weight)
        errors = squared_error(rows.moments(features, indicators(values, grid)), ridge=RIDGE)
        scores.append(float(widths(grid) @ errors))
    return Kinds(outcome=scores[0] <= _CLOSE * scores[1], departure=scores[1] <= _CLOSE * scores[0])


def grid_of(y: Array, weight: Array) -> Array:
    """Outcomes at which the distribution function is fitted; with that below an outcome which is frequent."""
    order = np.argsort(y[weight > 0], kind="stable")
    values, w = y[weight > 0][order], weight[weight > 0][order]
    place = np.searchsorted(np.cumsum(w) / w.sum(), _LEVELS - 1e-9)
    found, times = np.unique(values[np.minimum(place, len(values) - 1)], return_counts=True)
    before = np.searchsorted(values, found[times > 1]) - 1
    return np.unique(np.concatenate([values[[0, -1]], found, values[before[before >= 0]]]))


def _with_full_end(grid: Array, y: Array, weight: Array) -> Array:
    """Grid that is at its end from the last value but one on, where the end is as frequent as full power."""
    share = [float(weight[y == value].sum() / weight.sum()) for value in grid[-2:]]
    if len(grid) < 3 or not share[0] < _FREQUENT <= share[1]:
        return grid
    return np.concatenate([grid[:-2], grid[-1:], grid[-1:]])


def indicators(y: Array, grid: Array) -> npt.NDArray[np.bool_]:
    """Whether an outcome is at most the value of the grid, shape (rows, grid - 1); at its end it always is."""
    return np.asarray(y[:, None] <= grid[:-1])


def widths(grid: Array) -> Array:
    """Part of the range of outcomes for which each value of the grid but the last counts, shape (grid - 1,)."""
    step = np.diff(grid)
    return np.asarray(0.5 * (step + np.concatenate([[0.0], step[:-1]])))


def _inverted(share: Array, grid: Array, levels: tuple[float, ...]) -> Array:
    """Quantiles of distribution functions, shape (rows, grid - 1), that reach 1 at the end of the grid."""
    full = np.concatenate([np.zeros((len(share), 1)), share, np.ones((len(share), 1))], axis=1)
    ends = np.concatenate([grid[:1], grid])
    rows = np.arange(len(share))
    curve = np.empty((len(share), len(levels)))
    for k, level in enumerate(levels):
        end = np.maximum((full < level).sum(axis=1), 1)
        low, high = full[rows, end - 1], full[rows, end]
        part = (level - low) / np.maximum(high - low, 1e-300)
        curve[:, k] = ends[end - 1] + part * (ends[end] - ends[end - 1])
    return curve
