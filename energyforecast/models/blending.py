"""Sister models of several weather models, blended level by level."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.models.calibration import unfitted
from energyforecast.models.curves import GROWN, between
from energyforecast.models.model import Array, Part, QuantileModel, parts_of, restored

__all__ = ["Blend"]

#: Fewer rows than this in a block tell nothing about weights: then all weigh the same.
_LEAST: Final = 100


class Blend(QuantileModel):
    """One model for each weather model, and their quantiles averaged with weights by level.

    Columns named ``"ifs:..."`` belong to the weather model ``ifs``, those without a prefix to all. Each
    sister sees its own weather and what is common. On blocks of time that the sisters did not see, weights that are
    nowhere negative and sum to one are found for each level. Where the weather of a sister is missing, the
    others share its weight.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    model : QuantileModel, optional
        What each sister is, not fitted; :class:`LightGBMQuantiles` by default.
    sources : tuple of str, optional
        Weather models; by default all prefixes of the columns.
    folds : int
        Blocks of time by which weights are found, at least two. The sisters of all blocks make the forecast.
    fitted_weights : bool
        Otherwise all weigh the same.

    Attributes
    ----------
    weights_ : array, shape (sources, levels)

    References
    ----------
    - Lichtendahl, Grushka-Cockayne and Winkler (2013), Is it better to average probabilities or
      quantiles?, Management Science 59(7), doi:10.1287/mnsc.1120.1667
    - Nowotarski and Weron (2015), Computing electricity spot price prediction intervals using quantile
      regression and forecast averaging, Computational Statistics 30(3), doi:10.1007/s00180-014-0523-0

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=1000)
    >>> X = pd.DataFrame({"good:wind": y, "poor:wind": rng.normal(size=1000)})
    >>> from energyforecast.models import LinearQuantiles
    >>> Blend((0.5,), model=LinearQuantiles()).fit(X, y).weights().round(2)
           0.5
    good   1.0
    poor   0.0
    """

    def __init__(
        self,
        quantiles: tuple[float, ...] | None = None,
        *,
        model: QuantileModel | None = None,
        sources: tuple[str, ...] | None = None,
        folds: int = 5,
        fitted_weights: bool = True,
    ) -> None:
        super().__init__(quantiles)
        self.model = model
        self.sources = sources
        self.folds = folds
        self.fitted_weights = fitted_weights

    @property
    def needs(self) -> tuple[str, ...] | None:
        """What the sisters ask for."""
        return unfitted(self.model, self.levels).needs

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self.sources_ = self._found(X)
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        folds = self.folds if self.folds > 1 and len(y) >= self.folds * _LEAST else 1
        block = np.arange(len(y)) * folds // len(y)
        unseen = np.full((len(self.sources_), len(y), len(self.levels)), np.nan)
        self.sisters_: dict[str, list[QuantileModel]] = {}
        for k, source in enumerate(self.sources_):
            columns, there = self._seen_by(X, source), self._there(X, source)
            self.sisters_[source] = []
            for fold in range(folds):
                rows = there & (block != fold) if folds > 1 else there
                if not rows.any():
                    continue
                sister = unfitted(self.model, self.levels)
                sister.fit(X.loc[rows, columns], y[rows], sample_weight=weight[rows], bounds=self.bounds_)
                self.sisters_[source].append(sister)
                left = there & (block == fold)
                if folds > 1 and left.any():
                    unseen[k, left] = sister.predict(X.loc[left, columns])
        self._refuse_none(X)
        whole = np.isfinite(unseen[:, :, 0]).all(axis=0)
        fit_them = self.fitted_weights and whole.sum() >= _LEAST
        self.weights_ = (
            _weights(unseen[:, whole], y[whole], weight[whole], self.levels)
            if fit_them
            else np.full((len(self.sources_), len(self.levels)), 1 / len(self.sources_))
        )

    def _found(self, X: pd.DataFrame) -> list[str]:
        prefixes = list(dict.fromkeys(name.rpartition(":")[0] for name in map(str, X.columns) if ":" in name))
        found = [""] if not prefixes and self.sources is None else list(self.sources or prefixes)
        lacking = [name for name in found if name and name not in prefixes]
        if lacking:
            raise SchemaError(
                f"No column is of the weather model {lacking[0]!r}.",
                f"Columns begin with the name of their weather model; there are {prefixes}.",
                "Give the weather as {'name': dataset, ...}, or correct sources.",
            )
        return found

    def _own(self, columns: list[str], source: str) -> list[str]:
        return [name for name in columns if name.startswith(f"{source}:")] if source else columns

    def _seen_by(self, X: pd.DataFrame, source: str) -> list[str]:
        """Its own columns, and those of no weather model."""
        names = [str(name) for name in X.columns]
        own = set(self._own(names, source))
        return [name for name in names if name in own or ":" not in name]

    def _there(self, X: pd.DataFrame, source: str) -> npt.NDArray[np.bool_]:
        """Rows in which the weather model has a value."""
        own = self._own([str(name) for name in X.columns], source)
        return np.asarray(X[own].notna().any(axis=1)) if source else np.ones(len(X), dtype=bool)

    def _refuse_none(self, X: pd.DataFrame) -> None:
        empty = [source for source, sisters in self.sisters_.items() if not sisters]
        if empty:
            raise MissingDataError(
                f"The weather model {empty[0]!r} has no value in {len(X)} rows.",
                "Each sister has rows to learn from.",
                "Leave it out: Blend(sources=(...)), or give weather that reaches back.",
            )

    def _predict(self, X: pd.DataFrame) -> Array:
        total = np.zeros((len(X), len(self.levels)))
        whole = np.zeros_like(total)
        spare, count = np.zeros_like(total), np.zeros((len(X), 1))
        for source, weight in zip(self.sources_, self.weights_, strict=True):
            there = self._there(X, source)
            if not there.any():
                continue
            given = X.loc[there, self._seen_by(X, source)]
            values = np.mean([sister.predict(given) for sister in self.sisters_[source]], axis=0)
            total[there] += weight * values
            whole[there] += weight
            spare[there] += values
            count[there] += 1
        if (count == 0).any():
            raise MissingDataError(
                f"In {int((count == 0).sum())} rows no weather model of {self.sources_} has a value.",
                "At least one has.",
                "Forecast such rows from climatology: predict(..., strict=False).",
            )
        # Those that are left may weigh nothing at a level: then they weigh the same.
        safe = np.where(whole > 1e-6, whole, 1.0)
        return np.asarray(np.where(whole > 1e-6, total / safe, spare / count))

    def weights(self) -> pd.DataFrame:
        """A row for each weather model, a column for each level; columns sum to one.

        Examples
        --------
        >>> from energyforecast.models import Climatology
        >>> X = pd.DataFrame({"a:x": [1.0, 2.0], "b:x": [1.0, 2.0], "hour": [0.0, 0.0]})
        >>> Blend((0.5,), model=Climatology()).fit(X, np.array([1.0, 2.0])).weights()  # too few rows to tell
           0.5
        a  0.5
        b  0.5
        """
        return pd.DataFrame(self.weights_, index=self.sources_, columns=list(self.levels))

    def parts(self) -> dict[str, Part]:
        """The weights, and what each sister has learnt."""
        about = {source: len(sisters) for source, sisters in self.sisters_.items()}
        own: dict[str, Part] = {"weights": self.weights_, "about": json.dumps(about)}
        for source, sisters in self.sisters_.items():
            for k, sister in enumerate(sisters):
                own |= parts_of(f"{source}_{k}", sister)
        return own

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take back what :meth:`parts` gave."""
        about = json.loads(str(parts["about"]))
        self.weights_, self.sources_ = np.asarray(parts["weights"]), list(about)
        self.sisters_ = {
            source: [
                restored(f"{source}_{k}", unfitted(self.model, self.levels), parts) for k in range(count)
            ]
            for source, count in about.items()
        }


def _weights(values: Array, y: Array, weight: Array, levels: tuple[float, ...]) -> Array:
    """Weights at a few levels that minimise the pinball loss of the mean, and straight lines between them."""
    if len(values) == 1:
        return np.ones((1, len(levels)))
    known = (
        tuple(level for level in GROWN if levels[0] <= level <= levels[-1])
        if len(levels) > len(GROWN)
        else levels
    )
    at = [int(np.abs(np.array(levels) - level).argmin()) for level in known]
    found = np.stack([_best(values[:, :, j].T, y, weight, levels[j]) for j in at], axis=1)
    spread = between(found, tuple(levels[j] for j in at), levels)
    spread = np.clip(spread, 0.0, None)
    return np.asarray(spread / spread.sum(axis=0))


def _best(values: Array, y: Array, weight: Array, level: float) -> Array:
    unit = float(np.abs(y[:, None] - values).mean()) or 1.0
    count = values.shape[1]

    def loss(w: Array) -> tuple[float, Array]:
        error = (y - values @ w) / unit
        slope = np.where(error > 0, level, level - 1)
        return float(np.mean(weight * slope * error)), -(values.T @ (weight * slope)) / (unit * len(y))

    simplex = {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda _: np.ones(count)}
    start = np.full(count, 1 / count)
    found = minimize(
        loss, start, jac=True, method="SLSQP", bounds=[(0, 1)] * count, constraints=[simplex], tol=1e-8
    )
    best = np.clip(found.x, 0.0, None)
    best = best / best.sum()
    return np.asarray(best if loss(best)[0] < loss(start)[0] else start)
