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

    Returns
    -------
    QuantileModel

    Examples
    --------
    >>> type(model("wind")).__name__
    'LightGBMQuantiles'
    """
    del kind, effort
    return LightGBMQuantiles(
        folds=0, trees=250, leaves=24, learning_rate=0.05, minimum_rows=50, feature_fraction=0.8
    )
