"""Outcomes that a reliable forecast could have had, for the bands of diagrams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.evaluation.bootstrap import BLOCK
from energyforecast.evaluation.pairing import Pairs

__all__ = ["consistency_band", "reliable_levels"]

Array = npt.NDArray[Any]

#: Fewer days than this give no band.
_FEWEST: Final = 8


def reliable_levels(pairs: Pairs, *, draws: int, seed: int) -> Iterator[Array]:
    r"""Draws of the level of each outcome in its distribution, uniform as of a reliable forecast, shape (rows,).

    The levels of the outcomes are replaced by their ranks among the same hour and lead of all days, which are uniform.
    Then days are drawn in blocks of seven: hours of a day, sites and days of a spell of weather stay together, as
    far as they were together. There is no draw with fewer than eight days.
    """
    day = pairs.labels["valid_time"].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    number = (day - day.min()).astype(int) if len(day) else day.astype(int)
    if len(np.unique(number)) < _FEWEST:
        return
    rng = np.random.default_rng(seed)
    keys = pairs.labels[["site", "lead_time", "hour"]].assign(
        minute=pairs.labels["valid_time"].dt.minute.to_numpy()
    )
    slot = keys.groupby(list(keys), dropna=False, sort=False).ngroup().to_numpy()
    low, high = pairs.distribution.pit_interval(pairs.observed)
    level = low + (high - low) * rng.uniform(size=len(low))
    days, table = number.max() + 1, np.full((number.max() + 1, slot.max() + 1), np.nan)
    table[number, slot] = level
    known = np.isfinite(table)
    rank = np.argsort(np.argsort(table, axis=0), axis=0)  # missing ones are last
    table = np.where(known, (rank + rng.uniform(size=table.shape)) / known.sum(axis=0), np.nan)
    length = max(1, min(BLOCK, days // 4))
    for _ in range(draws):
        first = rng.integers(days, size=-(-days // length))
        drawn = ((first[:, None] + np.arange(length)).ravel()[:days] % days)[number]
        found = table[drawn, slot]
        yield np.where(np.isfinite(found), found, rng.uniform(size=len(found)))


def consistency_band(curves: list[Array], *, confidence: float, size: int) -> tuple[Array, Array]:
    """Central interval of drawn curves at each place; NaN without curves."""
    if not curves:
        return np.full(size, np.nan), np.full(size, np.nan)
    low, high = np.quantile(np.stack(curves), ((1 - confidence) / 2, (1 + confidence) / 2), axis=0)
    return low, high
