"""Dependence of forecast errors between hours and sites, learnt in the fit of a forecaster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import compress
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.core.error_correlation import Decay, standardised
from energyforecast.forecasting.training import TrainingRows, stacked
from energyforecast.models import QuantileModel
from energyforecast.models.unseen_scores import forget_unseen, unseen_scores

__all__ = ["learn"]

Array = npt.NDArray[Any]

#: Issues from which a correlation is learnt, at least.
_MIN_ISSUES: Final = 10
#: Sites between which errors are correlated, at most: the table grows with the square.
_MAX_SITES: Final = 100


def learn(rows: TrainingRows, models: Mapping[str, QuantileModel]) -> str:
    """Numbers of the :class:`Decay` of errors, as JSON, of sites with scores in enough issues; empty without."""
    scores: dict[str, Array] = {}
    places: dict[str, npt.NDArray[np.intp]] = {}
    rng = np.random.default_rng(0)
    if len(rows.sites) > _MAX_SITES:
        forget_unseen(models.values())
        return ""
    for site in rows.sites:
        places[site.name] = np.flatnonzero(rows.lit(site))
        found = unseen_scores(models[site.name], *stacked(rows, (site,)), rng=rng)
        if found is not None:
            scores[site.name] = found
    if not scores:
        return ""
    table, leads = _by_issue(rows, scores, places)
    enough = np.isfinite(table).any(axis=2).sum(axis=0) >= _MIN_ISSUES
    if not enough.any():
        return ""
    table, names = table[:, enough], tuple(compress(scores, enough))
    decay = Decay.fit(standardised(table, min_count=_MIN_ISSUES), leads, sites=names)
    return json.dumps(_with_unseen(decay, np.nanvar(table, axis=(0, 2))).to_numbers())


def _with_unseen(decay: Decay, variance: Array) -> Decay:
    """Decay with the variance that widened levels add to the sample, as an error of all hours together.

    Levels are widened since the mean error of the coming days is not known: out-of-fold scores vary less than a
    standard normal, and the missing variance is shared by the hours.
    """
    share = np.clip(variance, 0.0, 1.0)
    return replace(decay, strength=share * decay.strength, floor=share * decay.floor + 1.0 - share)


def _by_issue(
    rows: TrainingRows, scores: Mapping[str, Array], places: Mapping[str, npt.NDArray[np.intp]]
) -> tuple[Array, Array]:
    """Scores, shape (issues, sites, leads), and the leads [h]."""
    matrix = rows.matrix
    hours = (matrix.valid_time - matrix.issue_time) / np.timedelta64(1, "h")
    leads = np.unique(hours)
    table = np.full((len(matrix.windows.issue_time), len(scores), len(leads)), np.nan)
    for k, (name, values) in enumerate(scores.items()):
        where = places[name]
        table[matrix.origin[where], k, np.searchsorted(leads, hours[where])] = values
    return table, leads
