"""The one model of each kind of target that all benchmarks use; chosen on training periods alone."""

from __future__ import annotations

from typing import Literal, TypeAlias

from energyforecast.models import LightGBMQuantiles, QuantileModel

__all__ = ["Effort", "Kind", "model"]

Kind: TypeAlias = Literal["wind", "solar", "load"]
Effort: TypeAlias = Literal["default", "high"]


def model(kind: Kind, *, effort: Effort = "default") -> QuantileModel:
    """The model of a kind of target.

    Parameters
    ----------
    kind : {"wind", "solar", "load"}
    effort : {"default", "high"}
        High: the mean of three structures, for three times the cost.

    Returns
    -------
    QuantileModel

    Examples
    --------
    >>> model("wind", effort="high")
    LightGBMQuantiles(effort='high')
    """
    if kind == "solar":
        # Tails of sun and cloud need trees of their own: a booster a level, for four times the cost of shared trees.
        return LightGBMQuantiles(
            effort=effort,
            sharing="none",
            fitted=(0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.99),
            folds=3,
            feature_fraction=0.6,
            minimum_rows=30,
            calibrate_by="clear_sky_power",
        )
    return LightGBMQuantiles(effort=effort)
