"""Model of each kind of target in all benchmarks, chosen on training periods alone."""

from __future__ import annotations

from typing import Literal, TypeAlias

from energyforecast.models import LightGBMQuantiles, QuantileModel

__all__ = ["Kind", "model"]

Kind: TypeAlias = Literal["wind", "solar", "load"]


def model(kind: Kind, *, n_tree_sets: int = 1) -> QuantileModel:
    """Model for a kind of target.

    Examples
    --------
    >>> model("wind")
    LightGBMQuantiles()
    """
    if kind == "solar":
        # Tails of sun and cloud need trees of their own: a booster a level, for four times the cost of shared trees.
        return LightGBMQuantiles(
            sharing="none",
            fitted_quantiles=(0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.99),
            folds=3,
            feature_fraction=0.6,
            min_child_samples=30,
            calibrate_by="clear_sky_power",
            n_tree_sets=n_tree_sets,
        )
    return LightGBMQuantiles(n_tree_sets=n_tree_sets)
