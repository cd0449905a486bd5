"""Choice among candidate models by forward-chained validation inside the training rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.quantiles import QuantileFunction, check_levels
from energyforecast.errors import SchemaError, of_type
from energyforecast.models import out_of_fold_calibration
from energyforecast.models.base import (
    Array,
    Part,
    QuantileModel,
    check_ranges,
    parts_of,
    restored,
)
from energyforecast.models.calibration_groups import numbers_of
from energyforecast.models.candidates import check_named, has_columns
from energyforecast.models.forward_validation import chosen, of_levels, with_trees
from energyforecast.models.lightgbm import LightGBMQuantiles
from energyforecast.models.linear import LinearQuantiles
from energyforecast.models.out_of_fold_mean import (
    fitted_with_unseen,
    mean_of_tables,
    quantile_of,
    shares_of_two,
)
from energyforecast.models.tree_growth import MIN_ROWS
from energyforecast.models.tree_matrix import columns_of, lasts_less, meets, years_of

__all__ = ["SelectedModel"]

#: Part of the trees that each model of a mean has, at least: 1 over this.
_MAX_PARTS: Final = 2.5
#: Levels at which the mean of several models is calibrated.
_CALIBRATED: Final = (0.01, 0.025, 0.05, 0.1, 0.17, 0.25, 0.37, 0.5, 0.63, 0.75, 0.83, 0.9, 0.95, 0.975, 0.99)
#: Part of the rows in which a column that a candidate names is known, at least: the first 40 % are a training part.
_KNOWN: Final = 2 / 3
#: Distance beyond the range of training at which a candidate has taken over, as a share of the range.
_TAKEN_OVER: Final = 0.1


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
        default. Those of which a column in `needs` is not among the columns, or a named one (`relative_to`,
        `share_of`) is not, or is known in less than two thirds of the rows (`relative_to`) or in none, are left out.
    usual : tuple of str
        Names of the usual choice, of which the mean is taken; the first candidate by default.
    required : tuple of tuple of str
        Candidates, each with a pattern such as ``"temp_air*"`` of columns without which it is left out, or
        ``"!temp_air*"`` of those with which it is. Not heeded where no candidate would be left.
    beyond : tuple of tuple of str
        Columns, each with a candidate that takes over in a mean where the column, of any weather model, leaves the
        range of training: fully at a tenth of the range beyond it. The mean of several, where a column has them. With
        ``"above"`` as a third word, only where the median is then the higher one.
    early : tuple of str
        Candidates for rows that span fewer than `early_before` years, where there are the columns of
        :class:`energyforecast.features.DayOfYear`: the other candidates are then left out, and the usual choice is the
        mean of those that `usual` names. In longer rows they are left out, unless there are no others.
    early_before : float
        Years from which on the season is known. [a]
    young : tuple of (float, tuple of str)
        Years, and candidates for rows that span fewer: of the first of which all can be used the mean is taken, without
        comparison and further calibration, for which weeks are too few. Trees are left out where their rows are too few
        to calibrate them. Candidates that are neither usual nor early serve such rows alone. [a]
    blend : bool
        Try the mean of each two candidates as well.
    weigh : bool
        Weigh the two models of a mean by their out-of-fold quantiles, where both give them at low cost (trees, and
        :class:`KernelQuantiles`): a share of 0, 0.15, 0.3, 0.7, 0.85 or 1 of the first is taken where its pinball loss
        is lower than that of halves beyond noise. Two usual ones are then not compared with each of them alone.

    Attributes
    ----------
    models_ : dict of QuantileModel
        The chosen candidates, fitted. The mean of several is calibrated by its out-of-fold quantiles.
    shares_ : array, shape (n_models,)
        Share of each in the mean.
    selection_ : DataFrame
        Mean pinball loss of each choice, its difference from the usual one and the standard error of that, in parts
        of the usual one's loss, and whether it was chosen. Empty where there was one candidate or too few rows.

    Raises
    ------
    SchemaError
        If there is no candidate, one is not a model, one that another argument names is not among them, or a third word
        of `beyond` is not ``"above"``.
    RangeError
        If `early_before` is negative or no number.

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
        beyond: tuple[tuple[str, ...], ...] = (),
        early: tuple[str, ...] = (),
        early_before: float = 1.25,
        young: tuple[tuple[float, tuple[str, ...]], ...] = (),
        blend: bool = True,
        weigh: bool = False,
    ) -> None:
        super().__init__(quantiles)
        self.candidates = candidates
        self.usual = usual
        self.required = required
        self.beyond = beyond
        self.early = early
        self.early_before = early_before
        self.young = young
        self.blend = blend
        self.weigh = weigh

    @property
    def _candidates(self) -> Mapping[str, QuantileModel]:
        """Candidates as given, or trees and a linear model."""
        return (
            {"trees": LightGBMQuantiles(), "linear": LinearQuantiles()}
            if self.candidates is None
            else self.candidates
        )

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        check_ranges(self, {"early_before": (0.0, np.inf)})
        young = self._young(X, found := self._usable(X))
        usable = young or self._of_length(found, X)
        choices = [tuple(young)] if young else self._choices(usable)
        choice = chosen(usable, choices, X, y, weight=sample_weight, bounds=self.bounds_)
        self.selection_ = pd.DataFrame(choice.table)
        self.models_ = {name: self._unfitted(name, choice.names) for name in choice.names}
        given: dict[str, Any] = {"sample_weight": sample_weight, "bounds": self.bounds_}
        if len(choice.names) == 1:
            self.models_[choice.names[0]].fit(X, y, **given)
            unseen: list[Array | None] = []
        else:
            unseen = fitted_with_unseen(self.models_.values(), X, y, **given)
        self.range_ = {
            column: (float(np.nanmin(X[column])), float(np.nanmax(X[column])))
            for named, name, *_ in self.beyond
            for column in columns_of(X, named)
            if name in self.models_ and X[column].notna().any()
        }
        weigh, calibrate = self.weigh and len(choice.names) == 2, True
        if (
            young
        ):  # Of few weeks shares and corrected levels are noise: these made their loss 2 to 3 % higher.
            weigh = calibrate = False
        self._combine(unseen, X, y, sample_weight, weigh=weigh, calibrate=calibrate)

    def _unfitted(self, name: str, names: Sequence[str]) -> QuantileModel:
        """Candidate as it is fitted, alone or for a mean, in which those with trees have fewer."""
        if len(names) == 1:
            return of_levels(self._candidates[name], self.levels)
        growing = sum("n_estimators" in self._candidates[item].get_params(deep=False) for item in names)
        parts = min(max(growing, 1), _MAX_PARTS)
        return with_trees(of_levels(self._candidates[name], _CALIBRATED), parts=parts)

    def _combine(
        self,
        several: Sequence[Array | None],
        X: pd.DataFrame,
        y: Array,
        weight: Array | None,
        *,
        weigh: bool,
        calibrate: bool,
    ) -> None:
        """Shares of the models in a mean, and its calibration out of fold: it is wider than they are."""
        count = len(self.models_)
        self.shares_, self.correction_ = np.full(count, 1 / count), np.empty((0, 2 + len(_CALIBRATED)))
        self.unseen_: tuple[Array, Array] | None = None
        unseen = [curves for curves in several if curves is not None]
        if len(unseen) < max(count, 2):
            return
        if weigh:
            self.shares_ = shares_of_two((unseen[0], unseen[1]), y, weight=weight, levels=_CALIBRATED)
        mean = np.clip(self._mean(unseen), *self.bounds_)
        known = np.isfinite(mean).all(axis=1)
        if known.any():
            if calibrate:
                kept = None if weight is None else weight[known]
                self.correction_ = self._correction(mean[known], X[known], y[known], kept)
            self.unseen_ = np.flatnonzero(known), mean[known]

    def _mean(self, several: Sequence[Array]) -> Array:
        """Mean of curves by the shares of the models."""
        return np.asarray(np.average(np.stack(several), axis=0, weights=self.shares_))

    def _correction(self, mean: Array, X: pd.DataFrame, y: Array, weight: Array | None) -> Array:
        return out_of_fold_calibration.correction(
            mean, y, _CALIBRATED, weight, by=self.groups_by(X), times=X.index
        )

    def groups_by(self, X: pd.DataFrame) -> Array | None:
        """Column by which all chosen models are calibrated."""
        several = [model.get_params(deep=False) for model in self.models_.values()]
        names = {given["calibrate_by"] for given in several if "calibrate_by" in given}
        name = names.pop() if len(names) == 1 else None
        return None if name is None else numbers_of(X[name])

    def _usable(self, X: pd.DataFrame) -> dict[str, QuantileModel]:
        """Candidates of which each named column is there."""
        given = dict(self._candidates)
        for name, model in given.items():
            of_type(
                f"candidates[{name!r}]", model, expected=QuantileModel, remedy="Give LightGBMQuantiles()."
            )
        check_named(self, list(given))
        lacking = {name for name, pattern in self.required if not meets(pattern, X)}
        able = {name: model for name, model in given.items() if has_columns(model, X)}
        found = {name: model for name, model in able.items() if name not in lacking} or able
        if not found:
            raise SchemaError(
                f"None of the candidates {list(given)} can be used with the columns {list(X.columns)}.",
                "There must be a candidate whose columns are among the features.",
                "Give candidates={'absolute': LightGBMQuantiles()}, or the features that they name.",
            )
        return found

    def _young(self, X: pd.DataFrame, found: dict[str, QuantileModel]) -> dict[str, QuantileModel]:
        """Candidates of which the mean is taken in so short a history; none in a longer one."""
        for years, names in self.young:
            if years_of(X) < years and set(names) <= set(found):
                several = {name: found[name] for name in names}
                few = {name: one for name, one in several.items() if not isinstance(one, LightGBMQuantiles)}
                return few if few and len(X) < MIN_ROWS else several
        return {}

    def _of_length(self, found: dict[str, QuantileModel], X: pd.DataFrame) -> dict[str, QuantileModel]:
        """Candidates for so long a history, or all where there are none for it."""
        lasting = {*found} - {name for _, names in self.young for name in names}
        lasting |= {*self.usual, *self.early}
        found = {name: model for name, model in found.items() if name in lasting} or found
        short = lasts_less(X, self.early_before)
        return {name: model for name, model in found.items() if (name in self.early) == short} or found

    def _choices(self, usable: Mapping[str, QuantileModel]) -> list[tuple[str, ...]]:
        """The usual choice, each candidate, and each two."""
        usual = tuple(name for name in usable if name in self.usual) or (next(iter(usable)),)
        pairs = combinations(usable, 2) if self.blend else ()
        # Shares reach from none to all of a model: each of those that are weighed needs no comparison of its own.
        alone = [name for name in usable if not (self.weigh and len(usual) == 2 and name in usual)]
        return list(dict.fromkeys([usual, *((name,) for name in alone), *pairs]))

    def _predict(self, X: pd.DataFrame) -> Array:
        several = [model.predict(X) for model in self.models_.values()]
        if len(several) == 1:
            return several[0]
        mean, by = self._mean(several), self.groups_by(X)
        result = out_of_fold_calibration.read(mean, _CALIBRATED, self.levels, self.correction_, by=by)
        middle = _CALIBRATED.index(0.5)
        for (column, above), names in self.followers.items():
            able = [curve for name, curve in zip(self.models_, several, strict=True) if name in names]
            if able:
                # As they are: the calibration of the mean knows the others' errors within the range.
                values = np.mean(np.stack(able), axis=0)
                alone = QuantileFunction(values, _CALIBRATED)
                follows = values[:, middle] > mean[:, middle] if above else True
                share = (self._taken_over(X, column) * follows)[:, None]
                result = (1 - share) * result + share * alone.table(self.levels, tails="normal")
        return result

    def _taken_over(self, X: pd.DataFrame, column: str) -> Array:
        """Share of the forecast that a candidate takes over where its column leaves the range of training."""
        share = np.zeros(len(X))
        for name in columns_of(X, column):
            low, high = self.range_.get(name, (0.0, 0.0))
            if high > low:
                values = numbers_of(X[name])
                distance = np.nan_to_num(np.fmax(low - values, values - high))
                share = np.maximum(share, np.clip(distance / (_TAKEN_OVER * (high - low)), 0.0, 1.0))
        return share

    @property
    def followers(self) -> dict[tuple[str, bool], list[str]]:
        """Candidates that take over, by the column of `beyond` and whether only where they are higher."""
        found: dict[tuple[str, bool], list[str]] = {}
        for column, name, *side in self.beyond:
            found.setdefault((column, "above" in side), []).append(name)
        return found

    def leaves_range(self, X: pd.DataFrame, column: str) -> npt.NDArray[np.bool_]:
        """Rows in which a column of `beyond` lies outside its range of training, shape (rows,).

        Examples
        --------
        >>> X = pd.DataFrame({"x": np.linspace(0, 1, 200)})
        >>> candidates = {"trees": LightGBMQuantiles(folds=0), "linear": LinearQuantiles()}
        >>> both = SelectedModel((0.5,), candidates=candidates, usual=("trees", "linear"), beyond=(("x", "linear"),))
        >>> both.fit(X, X["x"].to_numpy()).leaves_range(pd.DataFrame({"x": [0.5, 1.5]}), "x").tolist()
        [False, True]
        """
        return np.asarray(self._taken_over(X, column) > 0)

    def gain(self) -> pd.Series:
        """Share of each column in the loss reduction of all splits, mean over the chosen models with trees. [1]"""
        self._check_fitted()
        several = zip(self.models_.values(), self.shares_, strict=True)
        able = [(model.gain(), share) for model, share in several if hasattr(model, "gain")]
        shares = np.array([share for _, share in able]) + 1e-12
        return mean_of_tables([table for table, _ in able], shares / shares.sum())

    def contributions(self, X: pd.DataFrame, *, quantile: float = 0.5) -> pd.DataFrame:
        """Shapley values of each column for one quantile, mean over the chosen models.

        The forecast of a model without such values is a column under the name of its candidate.
        """
        self._check_columns(X)
        check_levels((quantile,))
        tables = [
            model.contributions(X, quantile=quantile)
            if hasattr(model, "contributions")
            else pd.DataFrame({name: quantile_of(model, X, quantile), "base": 0.0}, index=X.index)
            for name, model in self.models_.items()
        ]
        return mean_of_tables(tables, self.shares_)

    def parts(self) -> dict[str, Part]:
        """The comparison, and the fitted state of each chosen model."""
        about = {
            "chosen": list(self.models_),
            "selection": self.selection_.to_dict("records"),
            "range": self.range_,
        }
        state: dict[str, Part] = {"correction": self.correction_, "shares": self.shares_}
        for k, model in enumerate(self.models_.values()):
            state |= parts_of(f"model_{k}", model)
        return state | {"about": json.dumps(about)}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Restore the fitted state from :meth:`parts`."""
        about = json.loads(str(parts["about"]))
        self.selection_ = pd.DataFrame(about["selection"])
        self.range_ = {name: (float(low), float(high)) for name, (low, high) in about["range"].items()}
        self.correction_, self.shares_ = (np.asarray(parts[name]) for name in ("correction", "shares"))
        names = about["chosen"]
        self.models_ = {
            name: restored(f"model_{k}", self._unfitted(name, names), parts) for k, name in enumerate(names)
        }
