"""Forecasts that any model must beat."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
import pandas as pd

from energyforecast.models.model import Array, Part, QuantileModel, weighted_quantiles

__all__ = ["Climatology", "Persistence", "PowerCurveReference", "SeasonalNaive", "SmartPersistence"]


class _Grouped(QuantileModel):
    """Quantiles of something by groups of rows."""

    by: tuple[str, ...]

    def _group(self, X: pd.DataFrame) -> Array:
        return np.asarray(np.round(X[list(self.by)].to_numpy(dtype=np.float64), 3))

    def _fit_groups(self, X: pd.DataFrame, values: Array, weight: Array | None) -> None:
        keys, member = np.unique(self._group(X), axis=0, return_inverse=True)
        member = member.ravel()
        self.keys_ = keys
        self.overall_ = weighted_quantiles(values, self.levels, weight)
        rows = [member == k for k in range(len(keys))]
        self.table_ = np.stack(
            [
                weighted_quantiles(values[row], self.levels, None if weight is None else weight[row])
                for row in rows
            ]
        )

    def _look_up(self, X: pd.DataFrame) -> Array:
        wanted, member = np.unique(self._group(X), axis=0, return_inverse=True)
        rows = np.stack([self._row(key) for key in wanted])
        return np.asarray(rows[member.ravel()])

    def _row(self, key: Array) -> Array:
        there = np.flatnonzero((self.keys_ == key).all(axis=1))
        return np.asarray(self.table_[there[0]] if there.size else self.overall_)

    def parts(self) -> dict[str, Part]:
        """Groups and their quantiles."""
        return {"keys": self.keys_, "table": self.table_, "overall": self.overall_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take back what :meth:`parts` gave."""
        self.keys_, self.table_, self.overall_ = (
            np.asarray(parts[name]) for name in ("keys", "table", "overall")
        )


class Climatology(_Grouped):
    """Quantiles of past outcomes in the same group, by default the same hour of the local day.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    by : tuple of str
        Columns that make the groups. A group never seen takes the quantiles of all.

    Examples
    --------
    >>> X = pd.DataFrame({"hour": [0, 0, 0, 12, 12, 12]})
    >>> Climatology((0.5,)).fit(X, np.array([1, 2, 3, 7, 8, 9.0])).predict(X).ravel().tolist()
    [2.0, 2.0, 2.0, 8.0, 8.0, 8.0]
    """

    def __init__(
        self, quantiles: tuple[float, ...] | None = None, *, by: tuple[str, ...] = ("hour",)
    ) -> None:
        super().__init__(quantiles)
        self.by = by

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that make the groups."""
        return tuple(self.by)

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        self._fit_groups(X, y, sample_weight)

    def _predict(self, X: pd.DataFrame) -> Array:
        return self._look_up(X)


class _PastValue(_Grouped):
    """A past value, and the quantiles of its past errors."""

    @property
    @abstractmethod
    def column(self) -> str:
        """Column of the past value."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The past value and the columns that make the groups."""
        return (self.column, *self.by)

    def _fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None) -> None:
        past = X[self.column].to_numpy(dtype=np.float64)
        known = np.isfinite(past)
        weight = None if sample_weight is None else sample_weight[known]
        if not known.any():
            known, past, weight = np.ones(len(y), dtype=bool), np.zeros(len(y)), sample_weight
        self._fit_groups(X[known], (y - past)[known], weight)
        self.outcomes_ = weighted_quantiles(y, self.levels, sample_weight)

    def _predict(self, X: pd.DataFrame) -> Array:
        past = X[self.column].to_numpy(dtype=np.float64)[:, None]
        # Where nothing was published yet, all outcomes are the answer: wide, but not missing.
        return np.asarray(np.where(np.isfinite(past), past + self._look_up(X), self.outcomes_))

    def parts(self) -> dict[str, Part]:
        """Groups and the quantiles of their errors, and the quantiles of all outcomes."""
        return super().parts() | {"outcomes": self.outcomes_}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """Take back what :meth:`parts` gave."""
        super().restore(parts)
        self.outcomes_ = np.asarray(parts["outcomes"])


class Persistence(_PastValue):
    """The newest published observation goes on, with the errors that this made at each lead.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.

    Examples
    --------
    >>> X = pd.DataFrame({"newest": [1.0, 2.0], "lead_time": [1.0, 1.0]})
    >>> Persistence((0.5,)).fit(X, np.array([1.5, 2.5])).predict(X).ravel().tolist()
    [1.5, 2.5]
    """

    by = ("lead_time",)

    @property
    def column(self) -> str:
        """The newest observation."""
        return "newest"


class SmartPersistence(_PastValue):
    """Clouds stay as they are while the sun moves, with the errors that this made at each lead and hour.

    The newest published power of a PV plant over that under a clear sky, times that under a clear sky at
    the time of the forecast.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.

    Examples
    --------
    >>> X = pd.DataFrame({"smart_persistence": [0.2, 0.4], "lead_time": [1.0, 1.0], "hour": [9.0, 9.0]})
    >>> SmartPersistence((0.5,)).fit(X, np.array([0.3, 0.5])).predict(X).ravel().round(6).tolist()
    [0.3, 0.5]
    """

    by = ("lead_time", "hour")

    @property
    def column(self) -> str:
        """Clear-sky persistence."""
        return "smart_persistence"


class SeasonalNaive(_PastValue):
    """The value of the same hour one season ago, with the errors that this made.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    season : str
        Length of the season: a week by default. While the value is not published, whole seasons before it.

    Examples
    --------
    >>> X = pd.DataFrame({"lag_168h": [1.0, 2.0, 3.0]})
    >>> SeasonalNaive((0.5,)).fit(X, np.array([1.0, 2.5, 3.0])).predict(X).ravel().tolist()
    [1.0, 2.0, 3.0]
    """

    by = ()

    def __init__(self, quantiles: tuple[float, ...] | None = None, *, season: str = "168h") -> None:
        super().__init__(quantiles)
        self.season = season

    @property
    def column(self) -> str:
        """The observation one season ago."""
        return f"lag_{self.season}"

    def _group(self, X: pd.DataFrame) -> Array:
        return np.zeros((len(X), 1))


class PowerCurveReference(_PastValue):
    """The farm's power curve on the weather forecast, with the errors that this made at each lead.

    What a user has without any learning from weather: a model is worth what it adds to it.

    Parameters
    ----------
    quantiles : tuple of float, optional
        Levels; set by the forecaster.
    column : str
        Column of the curve's power: with ``"power_curve[density]"`` corrected for the density of the
        air, with ``"ifs:power_curve"`` that of one weather model among several.

    Examples
    --------
    >>> X = pd.DataFrame({"power_curve": [0.2, 0.6], "lead_time": [1.0, 1.0]})
    >>> reference = PowerCurveReference((0.5,)).fit(X, np.array([0.1, 0.5]))  # 0.1 less than the curve says
    >>> reference.predict(X).ravel().round(2).tolist()
    [0.1, 0.5]
    """

    by = ("lead_time",)
    column = "power_curve"

    def __init__(self, quantiles: tuple[float, ...] | None = None, *, column: str = "power_curve") -> None:
        super().__init__(quantiles)
        self.column = column
