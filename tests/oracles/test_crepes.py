"""Conformal calibration of quantiles, by group and by scale, against predictive systems of crepes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from energyforecast.models import ConformalQuantiles
from tests.support.fixed_quantiles import FixedQuantiles
from tests.support.oracles import Array, Pair, compared, peer

crepes = peer("crepes")

#: Held-out rows of a group: multiples of the levels fall on residuals, exactly so in binary numbers.
ROWS = 127
ON_RESIDUALS = tuple(k / 128 for k in (1, 7, 32, 64, 100, 127))
BETWEEN = (0.011, 0.1, 0.25, 0.333, 0.5, 0.77, 0.95, 0.983)


def samples(rng: np.random.Generator, draws: int) -> Iterator[tuple[pd.DataFrame, Array]]:
    """Held-out rows of three groups: skewed errors, ties, zeros, far outcomes, groups of different spread."""
    for _ in range(draws):
        group = rng.permutation(np.repeat([0.0, 1.0, 2.0], ROWS))
        X = pd.DataFrame(
            {"x": rng.normal(size=3 * ROWS), "group": group, "scale": rng.uniform(0.5, 4, 3 * ROWS)}
        )
        error = rng.exponential(1 + group)
        yield X, X["x"].to_numpy() + error
        yield X, np.round(X["x"].to_numpy() + error)
        yield X.assign(x=0.0), np.maximum(error - 2, 0)
        yield X, 1e6 * error


def ours(X: pd.DataFrame, y: Array, levels: tuple[float, ...], **how: Any) -> Array:
    """Corrections of each level in each row, in the unit of the outcome."""
    first = X.drop_duplicates("group")  # one row of each group trains
    table, outcome = pd.concat([first, X]), np.concatenate([np.zeros(len(first)), y])
    share = (len(X) + 0.5) / len(table)
    model = ConformalQuantiles(levels, model=FixedQuantiles(), folds=0, share=share, **how).fit(
        table, outcome
    )
    unit = X[[how["scaled"]]].to_numpy() if "scaled" in how else 1.0
    row = X["group"].to_numpy().astype(int) if "by" in how else np.full(len(X), -1)
    return np.asarray(model.corrections_[row] * unit)


def theirs(X: pd.DataFrame, y: Array, levels: tuple[float, ...], **how: Any) -> tuple[Array, Array]:
    """Lower and higher percentiles of a predictive system for the residuals of each level."""
    bins = X["group"].to_numpy() if "by" in how else None
    sigmas = X["scale"].to_numpy() if "scaled" in how else None
    found = []
    for level, base in zip(levels, FixedQuantiles(levels).fit(X, y).predict(X).T, strict=True):
        system = crepes.ConformalPredictiveSystem().fit(y - base, sigmas=sigmas, bins=bins)
        found.append(
            system.predict_percentiles(
                np.zeros(len(X)),
                sigmas=sigmas,
                bins=bins,
                lower_percentiles=[100 * level],
                higher_percentiles=[100 * level],
            )
        )
    both = np.stack(found)
    return both[:, :, 0].T, both[:, :, 1].T


def pairs(rng: np.random.Generator, draws: int, **how: Any) -> Iterator[Pair]:
    """Levels on residuals and between them; linear between crepes' two neighbours."""
    for X, y in samples(rng, draws):
        for levels in (ON_RESIDUALS, BETWEEN):
            low, high = theirs(X, y, levels, **how)
            place = (len(X) + 1 if "by" not in how else ROWS + 1) * np.array(levels)
            yield ours(X, y, levels, **how), low + (place - np.floor(place)) * (high - low)


CONVENTION = (
    "Between two residuals ours is linear, crepes gives the lower and the higher: compared with the line between them. "
    "Beyond the outer residuals crepes is infinite, ours takes the outer one: left out."
)


@compared(
    "Conformal correction of all rows",
    area="calibration",
    ours="models.ConformalQuantiles",
    theirs="ConformalPredictiveSystem.predict_percentiles",
    peer="crepes",
    convention=CONVENTION,
    suite=2,
    benchmark=60,
)
def test_correction_of_all_rows(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    yield from pairs(rng, draws)


@compared(
    "Mondrian correction by group",
    area="calibration",
    ours="models.ConformalQuantiles(by=)",
    theirs="ConformalPredictiveSystem, bins",
    peer="crepes",
    convention=CONVENTION,
    suite=2,
    benchmark=60,
)
def test_correction_by_group(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    yield from pairs(rng, draws, by="group")


@compared(
    "Locally weighted correction by a column",
    area="calibration",
    ours="models.ConformalQuantiles(scaled=)",
    theirs="ConformalPredictiveSystem, sigmas",
    peer="crepes",
    convention=CONVENTION,
    suite=2,
    benchmark=60,
)
def test_correction_by_scale(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    yield from pairs(rng, draws, scaled="scale")


@compared(
    "Locally weighted correction by group",
    area="calibration",
    ours="models.ConformalQuantiles(by=, scaled=)",
    theirs="ConformalPredictiveSystem, bins and sigmas",
    peer="crepes",
    convention=CONVENTION,
    suite=2,
    benchmark=60,
)
def test_correction_by_group_and_scale(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    yield from pairs(rng, draws, by="group", scaled="scale")
