"""Caveats of forecasts for weather or sun beyond the range of training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.models import QuantileModel, SelectedModel

__all__ = ["extrapolation_caveats"]


def extrapolation_caveats(models: Mapping[str, QuantileModel], matrix: DesignMatrix) -> tuple[str, ...]:
    """A caveat for each site and column that leaves its range of training."""
    found = []
    for site, model in models.items():
        if not isinstance(model, SelectedModel):
            continue
        for column, name, *side in model.beyond:
            rows = int(np.count_nonzero(model.leaves_range(matrix.columns[site], column)))
            if rows and name in model.models_:
                found.append(
                    f"{site}: {column} lies beyond training in {rows} intervals, where {name!r} takes over"
                    + (" if it is higher" if "above" in side else "")
                )
    return tuple(found)
