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
    >>> model("wind", effort="high")
    LightGBMQuantiles(effort='high')
    """
    if kind == "solar":  # the default of PV plants
        return LightGBMQuantiles(
            effort=effort,
            random_splits=False,
            folds=3,
            feature_fraction=0.4,
            calibrate_by="clear_sky_power",
        )
    return LightGBMQuantiles(effort=effort)
