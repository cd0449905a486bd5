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
        for (column, above), names in model.followers.items():
            rows = int(np.count_nonzero(model.leaves_range(matrix.columns[site], column)))
            able = " and ".join(repr(name) for name in names if name in model.models_)
            if rows and able:
                verb = "take" if " and " in able else "takes"
                found.append(
                    f"{site}: {column} lies beyond training in {rows} intervals, where {able} {verb} over"
                    + (" if it is higher" if above else "")
                )
    return tuple(found)
