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
        High: twice the trees at half the step.

    Returns
    -------
    QuantileModel

    Examples
    --------
    >>> model("wind").trees, model("wind", effort="high").trees
    (250, 500)
    """
    del kind  # so far all share one
    trees, step = (500, 0.025) if effort == "high" else (250, 0.05)
    return LightGBMQuantiles(
        folds=0, trees=trees, leaves=24, learning_rate=step, minimum_rows=50, feature_fraction=0.8
    )
