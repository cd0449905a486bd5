"""Model of each kind of target in all benchmarks, chosen on training periods alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias, cast

from sklearn.base import clone

from energyforecast.forecasting.default_of_wind import model_of_wind
from energyforecast.models import KernelQuantiles, LightGBMQuantiles, QuantileModel, SelectedModel

__all__ = ["Kind", "kinds", "model", "several_sets"]

Kind: TypeAlias = Literal["wind", "solar", "load"]

#: Settings that trees and the kernel model have in common.
_SHARED: Final = ("relative_to", "relative_columns", "share_of", "exclude", "season_after", "categories")


def model(kind: Kind, *, next_hours: bool = False) -> QuantileModel:
    """Model for a kind of target; of wind the library's default, as a departure from the newest power or not.

    Examples
    --------
    >>> model("load")
    LightGBMQuantiles()
    """
    if kind == "wind":
        return model_of_wind(next_hours=next_hours, by_recipe=True)
    if kind == "solar":
        # Tails of sun and cloud need trees of their own: a booster a level, for four times the cost of shared trees.
        return LightGBMQuantiles(
            sharing="none",
            fitted_quantiles=(0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.99),
            folds=3,
            feature_fraction=0.6,
            min_child_samples=30,
            calibrate_by="clear_sky_power",
        )
    return LightGBMQuantiles()


def kinds(default: QuantileModel) -> dict[str, QuantileModel]:
    """The default of wind by trees alone and by the kernel model alone.

    Examples
    --------
    >>> kinds(LightGBMQuantiles(base_models=(KernelQuantiles(),), exclude=("hour",)))
    {'trees': LightGBMQuantiles(exclude=('hour',)), 'kernel': KernelQuantiles(exclude=('hour',))}
    """
    return {"trees": _alone(default, LightGBMQuantiles), "kernel": _alone(default, KernelQuantiles)}


def several_sets(default: QuantileModel) -> dict[str, QuantileModel]:
    """The default with three sets of trees, averaged.

    Examples
    --------
    >>> several_sets(LightGBMQuantiles())
    {'sets': LightGBMQuantiles(n_tree_sets=3)}
    """
    return {"sets": _changed(default, lambda trees: trees.set_params(n_tree_sets=3))}


def _alone(default: QuantileModel, kind: type[QuantileModel]) -> QuantileModel:
    """A default without its models of other kinds; trees make room for the kernel model where it is beneath them."""
    if isinstance(default, SelectedModel):
        given = default.candidates or {}
        kept = [name for name, item in given.items() if isinstance(item, kind)] or list(given)
        copy = clone(default).set_params(
            candidates={name: _alone(given[name], kind) for name in kept},
            usual=tuple(name for name in default.usual if name in kept),
            required=tuple(item for item in default.required if item[0] in kept),
            early=tuple(name for name in default.early if name in kept),
        )
        return cast("QuantileModel", copy)
    if isinstance(default, LightGBMQuantiles) and kind is KernelQuantiles:
        return KernelQuantiles(**{name: getattr(default, name) for name in _SHARED})
    trees = {"base_models": ()} if isinstance(default, LightGBMQuantiles) else {}
    return cast("QuantileModel", clone(default).set_params(**trees))


def _changed(default: QuantileModel, change: Callable[[LightGBMQuantiles], QuantileModel]) -> QuantileModel:
    """Copy of a default, in which all trees, of candidates as well, are changed."""
    copy: QuantileModel = clone(default)
    if isinstance(copy, LightGBMQuantiles):
        return change(copy)
    if isinstance(copy, SelectedModel):
        candidates = {name: _changed(item, change) for name, item in (copy.candidates or {}).items()}
        copy.set_params(candidates=candidates)
    return copy
