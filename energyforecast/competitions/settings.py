"""Model of each kind of target in all benchmarks, chosen on training periods alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from sklearn.base import clone

from energyforecast.forecasting.default_of_wind import model_of_wind
from energyforecast.models import KernelQuantiles, LightGBMQuantiles, QuantileModel, SelectedModel

__all__ = ["Kind", "kinds", "model", "several_sets"]

Kind: TypeAlias = Literal["wind", "solar", "load"]


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
    >>> kinds(LightGBMQuantiles(base_models=(KernelQuantiles(season_after=1.0),), exclude=("hour",)))
    {'trees': LightGBMQuantiles(exclude=('hour',)), 'kernel': KernelQuantiles(season_after=1.0)}
    """
    return {
        "trees": _changed(default, lambda trees: trees.set_params(base_models=())),
        "kernel": _changed(default, _kernel),
    }


def several_sets(default: QuantileModel) -> dict[str, QuantileModel]:
    """The default with three sets of trees, averaged.

    Examples
    --------
    >>> several_sets(LightGBMQuantiles())
    {'sets': LightGBMQuantiles(n_tree_sets=3)}
    """
    return {"sets": _changed(default, lambda trees: trees.set_params(n_tree_sets=3))}


def _kernel(trees: LightGBMQuantiles) -> QuantileModel:
    """Kernel model beneath some trees, or else of their columns."""
    beneath = [clone(item) for item in trees.base_models if isinstance(item, KernelQuantiles)]
    return next(iter(beneath), KernelQuantiles(exclude=trees.exclude, season_after=trees.season_after))


def _changed(default: QuantileModel, change: Callable[[LightGBMQuantiles], QuantileModel]) -> QuantileModel:
    """Copy of a default, in which all trees, of candidates as well, are changed."""
    copy: QuantileModel = clone(default)
    if isinstance(copy, LightGBMQuantiles):
        return change(copy)
    if isinstance(copy, SelectedModel):
        candidates = {name: _changed(item, change) for name, item in (copy.candidates or {}).items()}
        copy.set_params(candidates=candidates)
    return copy
