"""Choice among candidate models by forward-chained validation inside the training rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from energyforecast.errors import SchemaError, of_type
from energyforecast.models.base import Array, Part, QuantileModel, parts_of, restored
from energyforecast.models.lightgbm import LightGBMQuantiles
from energyforecast.models.linear import LinearQuantiles

__all__ = ["SelectedModel"]

#: Levels of the validation.
_LEVELS: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
#: Settings of quick variants, where a model has them: a quarter of the trees, with steps four times as long.
_FASTER: Final = 4
#: Part of the trees that each model of a mean has, at least: 1 over this.
_MAX_PARTS: Final = 2.5
#: Beginning of each validation part as a share of the rows; each ends where the next begins.
_PARTS: Final = (0.4, 0.6, 0.8)
#: Rows between training and validation, as a share: their windows overlap.
_GAP: Final = 0.01
#: Rows of training and of validation in a part, at most.
_MAX_ROWS: Final = 5000
#: With fewer rows nothing is compared.
_MIN_ROWS: Final = 300
#: Blocks of time in the validation, whose differences give the noise.
_BLOCKS: Final = 30
#: Standard errors by which another choice must be better than the usual one. On 21 samples of demand, choices by 1.5
#: standard errors were 1.7 % worse than the usual mean of two, by none 3.6 %.
_BEYOND_NOISE: Final = 2.0


class _Choice(NamedTuple):
    """Candidates that are used, and the validation that led to them."""

    names: tuple[str, ...]
    table: list[dict[str, Any]]


class SelectedModel(QuantileModel):
    r"""A usual choice among candidate models, or another where it forecasts later rows better beyond noise.

    The rows are cut along time. Quick variants of the candidates learn the first 40, 60 and 80 % and forecast the next
    20 %. With the mean pinball loss :math:`\bar L_c` of choice :math:`c`, a candidate or the mean of the quantiles of
    two, and :math:`\bar L_u` of the usual choice, the choice is

    .. math::

        \arg\min_c \bar L_c \quad \text{among} \quad
        \bar L_u - \bar L_c > 2 \operatorname{se}(\bar L_u - \bar L_c),

    and the usual one where there is none; :math:`\operatorname{se}` is the standard error of blocks of rows or of the
    three parts, whichever is larger. The choice is then fitted on all rows; of a mean of two, each has half the trees,
    of more 2/5.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels to predict; set by the forecaster.
    candidates : dict of QuantileModel, optional
        Unfitted models by name; :class:`LightGBMQuantiles` and :class:`LinearQuantiles` by
        default. Those of which a named column (`relative_to`, `share_of`) is not among the columns, or is empty, are
        left out.
    usual : tuple of str
        Names of the usual choice, of which the mean is taken; the first candidate by default.
    required : tuple of tuple of str
        Names of candidates, each with a pattern such as ``"temp_air*"`` of columns without which it is left out.
    blend : bool
        Try the mean of each two candidates as well.

    Attributes
    ----------
    models_ : dict of QuantileModel
        The chosen candidates, fitted.
    selection_ : DataFrame
        Mean pinball loss of each choice, its difference from the usual one and the standard error of that, in parts
        of the usual one's loss, and whether it was chosen. Empty where there was one candidate or too few rows.

    Raises
    ------
    SchemaError
        If there is no candidate, one is not a model, or a usual one is not among them.

    See Also
    --------
    LightGBMQuantiles : Its candidates by default.
    Blend : Quantile-regression average over weather models.

    References
    ----------
    - Tashman (2000), Out-of-sample tests of forecasting accuracy, International Journal of Forecasting 16(4),
      doi:10.1016/S0169-2070(00)00065-0
    - Lichtendahl, Grushka-Cockayne and Winkler (2013), Is it better to average probabilities or quantiles?,
      Management Science 59(7), doi:10.1287/mnsc.1120.1667

    Examples
    --------
    An outcome that grows is best forecast as a departure from its level:

    >>> from energyforecast.models import LightGBMQuantiles
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"level": np.linspace(1, 3, 3000), "x": rng.uniform(size=3000)})
    >>> y = X["level"].to_numpy() + X["x"].to_numpy() + 0.1 * rng.normal(size=3000)
    >>> candidates = {"absolute": LightGBMQuantiles(), "departure": LightGBMQuantiles(relative_to="level")}
    >>> model = SelectedModel((0.1, 0.5, 0.9), candidates=candidates).fit(X, y)
    >>> list(model.models_)
    ['departure']
    """

    def __init__(
        self,
        quantiles: tuple[float, ...] | None = None,
        *,
        candidates: Mapping[str, QuantileModel] | None = None,
        usual: tuple[str, ...] = (),
        required: tuple[tuple[str, str], ...] = (),
        blend: bool = True,
    ) -> None:
        super().__init__(quantiles)
        self.candidates = candidates
        self.usual = usual
        self.required = required
        self.blend = blend

    @property
    def _candidates(self) -> Mapping[str, QuantileModel]:
        """Candidates as given, or trees and a linear model."""
        return (
            {"trees": LightGBMQuantiles(), "linear": LinearQuantiles()}
            if self.candidates is None
            else self.candidates
        )

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        usable = self._usable(X)
        choice = self._chosen(usable, X, y, sample_weight)
        self.selection_ = pd.DataFrame(choice.table)
        self.models_ = {}
        for name in choice.names:
            model = _of_levels(usable[name], self.levels)
            model = (
                model
                if len(choice.names) == 1
                else _with_trees(model, parts=min(len(choice.names), _MAX_PARTS))
            )
            self.models_[name] = model.fit(X, y, sample_weight=sample_weight, bounds=self.bounds_)

    def _usable(self, X: pd.DataFrame) -> dict[str, QuantileModel]:
        """Candidates of which each named column is there."""
        given = dict(self._candidates)
        for name, model in given.items():
            of_type(
                f"candidates[{name!r}]", model, expected=QuantileModel, remedy="Give LightGBMQuantiles()."
            )
        unknown = [name for name in self.usual if name not in given]
        if unknown:
            raise SchemaError(
                f"The usual choice is {self.usual}.",
                f"It must be of the candidates {list(given)}.",
                "Correct usual, or leave it out for the first candidate.",
            )
        found = {
            name: model
            for name, model in given.items()
            if _has_columns(model, X)
            and all(_has_any(pattern, X) for of, pattern in self.required if of == name)
        }
        if not found:
            raise SchemaError(
                f"None of the candidates {list(given)} can be used with the columns {list(X.columns)}.",
                "There must be a candidate whose columns are among the features.",
                "Give candidates={'absolute': LightGBMQuantiles()}, or the features that they name.",
            )
        return found

    def _chosen(
        self, usable: Mapping[str, QuantileModel], X: pd.DataFrame, y: Array, weight: Array | None
    ) -> _Choice:
        """Candidate or pair with the lowest validation loss, if it is better than the usual one beyond noise."""
        usual = tuple(name for name in usable if name in self.usual) or (next(iter(usable)),)
        if len(usable) == 1 or len(y) < _MIN_ROWS:
            return _Choice(usual, [])
        losses = self._validated(usable, X, y, weight)
        reference = losses[usual]
        unit = float(reference.mean()) or 1.0
        table: list[dict[str, Any]] = []
        best = usual
        for names, loss in losses.items():
            gain = (reference - loss) / unit
            error = _standard_error(gain)
            beyond = float(gain.mean()) > _BEYOND_NOISE * error
            table.append(
                {
                    "choice": " + ".join(names),
                    "loss": float(loss.mean()),
                    "difference": -float(gain.mean()),
                    "standard_error": error,
                }
            )
            if beyond and loss.mean() < losses[best].mean():
                best = names
        return _Choice(best, [row | {"chosen": row["choice"] == " + ".join(best)} for row in table])

    def _validated(
        self, usable: Mapping[str, QuantileModel], X: pd.DataFrame, y: Array, weight: Array | None
    ) -> dict[tuple[str, ...], Array]:
        """Mean pinball loss of each choice in each block of the validation."""
        losses: dict[tuple[str, ...], list[Array]] = {}
        for part, (train, later) in enumerate(_splits(len(y))):
            seen = None if weight is None else weight[train]
            if seen is not None and not seen.any():
                continue
            unseen = {
                name: _quick(model, part=part).fit(
                    X.iloc[train], y[train], sample_weight=seen, bounds=self.bounds_
                )
                for name, model in usable.items()
            }
            forecast = {name: model.predict(X.iloc[later]) for name, model in unseen.items()}
            for names in self._choices(usable):
                mean = np.mean([forecast[name] for name in names], axis=0)
                each = _pinball(mean, y[later]) * (1.0 if weight is None else weight[later])
                blocks = np.array_split(each, _BLOCKS // len(_PARTS))
                losses.setdefault(names, []).append(np.array([block.mean() for block in blocks]))
        return {names: np.concatenate(several) for names, several in losses.items()}

    def _choices(self, usable: Mapping[str, QuantileModel]) -> list[tuple[str, ...]]:
        """Each candidate, each two, and the usual choice."""
        pairs = list(combinations(usable, 2))
        usual = tuple(name for name in usable if name in self.usual)
        choices = [*((name,) for name in usable), *(pairs if self.blend else ())]
        return choices if usual in choices or not usual else [*choices, usual]

    def _predict(self, X: pd.DataFrame) -> Array:
        return np.asarray(np.mean([model.predict(X) for model in self.models_.values()], axis=0))

    def gain(self) -> pd.Series:
        """Share of each column in the loss reduction of all splits, mean over the chosen models. [1]"""
        return self._mean_of("gain")

    def contributions(self, X: pd.DataFrame, *, quantile: float = 0.5) -> pd.DataFrame:
        """Shapley values of each column for one quantile, mean over the chosen models."""
        self._check_columns(X)
        return self._mean_of("contributions", X, quantile=quantile)

    def parts(self) -> dict[str, Part]:
        """The comparison, and the fitted state of each chosen model."""
        about = {"chosen": list(self.models_), "selection": self.selection_.to_dict("records")}
        state: dict[str, Part] = {"about": json.dumps(about)}
        for k, model in enumerate(self.models_.values()):
            state |= parts_of(f"model_{k}", model)
        return state

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        about = json.loads(str(parts["about"]))
        self.selection_ = pd.DataFrame(about["selection"])
        self.models_ = {}
        for k, name in enumerate(about["chosen"]):
            unfitted = _of_levels(self._candidates[name], self.levels)
            several = len(about["chosen"])
            unfitted = unfitted if several == 1 else _with_trees(unfitted, parts=min(several, _MAX_PARTS))
            self.models_[name] = restored(f"model_{k}", unfitted, parts)

    def _mean_of(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Mean of a method's tables over the chosen models."""
        self._check_fitted()
        several = [getattr(model, method)(*args, **kwargs) for model in self.models_.values()]
        return sum(several[1:], several[0]) / len(several)


def _has_columns(model: QuantileModel, X: pd.DataFrame) -> bool:
    """Whether each column that a model names is there, with a value."""
    named = [model.get_params(deep=False).get(key) for key in ("relative_to", "share_of")]
    return all(name in X.columns and bool(X[name].notna().any()) for name in named if name is not None)


def _has_any(pattern: str, X: pd.DataFrame) -> bool:
    """Whether a column of a pattern has a value."""
    return any(fnmatchcase(str(name), pattern) and bool(X[name].notna().any()) for name in X.columns)


def _of_levels(model: QuantileModel, levels: tuple[float, ...]) -> QuantileModel:
    """Unfitted copy for some levels."""
    copy: QuantileModel = clone(model)
    copy.set_params(quantiles=levels)
    return copy


def _with_trees(model: QuantileModel, *, parts: float) -> QuantileModel:
    """Unfitted copy with a part of the trees, and steps as many times longer."""
    copy: QuantileModel = clone(model)
    given = model.get_params(deep=False)
    if not {"n_estimators", "learning_rate"} <= given.keys():
        return copy
    trees = max(1, round(given["n_estimators"] / parts))
    copy.set_params(n_estimators=trees, learning_rate=min(1.0, given["learning_rate"] * parts))
    return copy


def _quick(model: QuantileModel, *, part: int) -> QuantileModel:
    """Unfitted quick variant: few levels, fewer trees, no calibration, and other random numbers in each part."""
    copy = _with_trees(_of_levels(model, _LEVELS), parts=_FASTER)
    given = copy.get_params(deep=False)
    quick: dict[str, Any] = {
        "folds": 0,
        "fitted_quantiles": _LEVELS,
        "seed": given.get("seed", 0) + 7919 * part,
    }
    copy.set_params(**{key: value for key, value in quick.items() if key in given})
    return copy


def _splits(rows: int) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Rows to learn from and later rows to forecast, of each part; drawn at random where there are many."""
    ends, rng = (*_PARTS[1:], 1.0), np.random.default_rng(0)
    splits = []
    for begin, end in zip(_PARTS, ends, strict=True):
        train = np.arange(round(begin * rows))
        later = np.arange(round((begin + _GAP) * rows), round(end * rows))
        splits.append((_drawn(train, rng), _drawn(later, rng)))
    return splits


def _drawn(rows: npt.NDArray[np.intp], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """At most so many of the rows, in their order."""
    return rows if len(rows) <= _MAX_ROWS else np.sort(rng.choice(rows, _MAX_ROWS, replace=False))


def _standard_error(gain: Array) -> float:
    """Standard error of the mean of blocks, at least that of the parts: the chance of a fit lasts for a part."""
    parts = gain.reshape(len(gain) // (_BLOCKS // len(_PARTS)), -1).mean(axis=1)
    several = [each.std(ddof=1) / np.sqrt(len(each)) for each in (gain, parts) if len(each) > 1]
    return float(max(several))


def _pinball(quantiles: Array, y: Array) -> Array:
    """Mean pinball loss of each row over the levels of the validation."""
    error, levels = y[:, None] - quantiles, np.asarray(_LEVELS)
    return np.asarray(np.maximum(levels * error, (levels - 1) * error).mean(axis=1))
