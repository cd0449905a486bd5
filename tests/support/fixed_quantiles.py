"""A quantile model that learns nothing, so that its calibration can be compared alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from energyforecast.models import QuantileModel
from energyforecast.models.base import Part


class FixedQuantiles(QuantileModel):
    """Quantiles of a normal distribution of deviation 1 around the column x."""

    def _fit(
        self, X: pd.DataFrame, y: npt.NDArray[np.float64], sample_weight: npt.NDArray[np.float64] | None
    ) -> None:
        pass

    def _predict(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:
        return np.asarray(X["x"].to_numpy()[:, None] + ndtri(self.levels))

    def parts(self) -> dict[str, Part]:
        return {}

    def restore(self, parts: Mapping[str, Part]) -> None:
        pass
