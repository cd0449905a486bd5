"""One forecast scored hour by hour, for the verification sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import Kind
from energyforecast.core.settlement import ImbalanceTerms, deviations
from energyforecast.evaluation import METRICS, Pairs, align, pinball_loss, score
from energyforecast.reporting.sheets import common as parts

__all__: list[str] = []

Array = npt.NDArray[Any]

_MAE: Final = next(metric for metric in METRICS if metric.name == "mae")
_BIAS: Final = next(metric for metric in METRICS if metric.name == "bias")


@dataclass(frozen=True)
class Rules:
    """Rules by which the forecast and its references are scored."""

    levels: tuple[float, ...]
    interval: float
    tolerance: float
    kind: Kind
    hours: float

    @property
    def band(self) -> ImbalanceTerms:
        """The tolerance as a dead band; prices do not matter."""
        return ImbalanceTerms(shortage=1.0, surplus=1.0, band=self.tolerance)


@dataclass(frozen=True)
class ScoredIssue:
    """One forecast and its outcomes; hours without one are NaN."""

    pairs: Pairs
    rules: Rules
    observed: Array
    schedule: Array
    error: Array
    loss: Array
    inside: Array
    within: Array
    shortage: Array
    surplus: Array

    @classmethod
    def of(
        cls,
        forecast: Forecast,
        observations: Observations,
        valid: pd.DatetimeIndex,
        plan: Array | None,
        rules: Rules,
    ) -> ScoredIssue:
        """Score a forecast against a plan, or against its median without one."""
        pairs = align(observations, forecast)
        rows = valid.get_indexer(pd.DatetimeIndex(pairs.labels["valid_time"]))

        def spread(values: Array) -> Array:
            """A value for each hour of the forecast."""
            found = np.full(len(valid), np.nan)
            found[rows] = values
            return found

        outcome, median = spread(pairs.observed), spread(pairs.at(0.5))
        losses = pinball_loss(
            pairs.observed, np.column_stack([pairs.at(level) for level in rules.levels]), rules.levels
        )
        declared = parts.quantile(forecast, 0.5) if plan is None else plan
        shortage, surplus = deviations(outcome, declared, kind=rules.kind)
        return cls(
            pairs=pairs,
            rules=rules,
            observed=outcome,
            schedule=declared,
            error=median - outcome,
            loss=spread(losses.mean(axis=1)),
            inside=spread(_inside(pairs, rules.interval)),
            within=rules.band.within(outcome, declared),
            shortage=shortage,
            surplus=surplus,
        )

    def scores(self) -> dict[str, float]:
        """Scores over all hours, by key of the phrases."""
        table = score([_MAE, _BIAS], self.pairs).set_index("metric")
        return {
            "score.mae": float(table.loc["mae", "value"]),
            "score.nmae": float(table.loc["mae", "percent"]),
            "score.bias": float(table.loc["bias", "value"]),
            "score.pinball": _mean(self.loss),
            "score.coverage": 100 * _mean(self.inside),
            "score.within": 100 * _mean(self.within),
            "score.shortage": float(np.nansum(self.shortage)) * self.rules.hours,
            "score.surplus": float(np.nansum(self.surplus)) * self.rules.hours,
        }


def _inside(pairs: Pairs, interval: float) -> Array:
    """Share of outcomes in the central interval; NaN where the levels do not reach it."""
    low, high = (1 - interval) / 2, (1 + interval) / 2
    if not (pairs.quantile_levels[0] <= low + 1e-9 and high - 1e-9 <= pairs.quantile_levels[-1]):
        return np.full(len(pairs), np.nan)
    return pairs.share_inside(interval)


def _mean(values: Array) -> float:
    """Mean of the known values."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
