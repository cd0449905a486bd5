"""Promotion of a new model: only if it is not worse than the one in service on weeks that neither has seen."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import ValidatedWeather
from energyforecast.errors import EnergyForecastError
from energyforecast.evaluation.pairing import Pairs
from energyforecast.evaluation.significance import benjamini_hochberg, compare
from energyforecast.forecasting import storage
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.operations.own_backtest import OwnBacktest, known_by, pairs_of
from energyforecast.operations.registry import Served

__all__ = ["Verdict", "judge"]

#: Chance of refusing a model that is not worse, as in the gates of a backtest.
NOISE: Final = 0.05
_METRICS: Final = ("crps", "mae")


@dataclass(frozen=True)
class Verdict:
    """Whether a new model may be put in service, and from which comparison.

    Parameters
    ----------
    promoted : bool
    reason : str
    compared : str
        Which fits were compared.
    scores : tuple of dict
        By site and metric: ``value`` of the new model, ``in_service``, ``p`` of being worse, ``days``, ``n``.

    Examples
    --------
    >>> Verdict(True, "There is no model in service.").to_dict()["promoted"]
    True
    """

    promoted: bool
    reason: str
    compared: str = ""
    scores: tuple[dict[str, Any], ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Content for a manifest."""
        return asdict(self)


def judge(
    served: Served | None,
    backtest: OwnBacktest | None,
    *,
    weather: ValidatedWeather,
    observations: Observations | None,
    as_of: pd.Timestamp,
    differences: Sequence[str] = (),
) -> Verdict:
    r"""Verdict of a one-sided test of each site: a model is refused where it is worse by more than noise.

    The challenger is the new recipe fitted before the newest weeks, never the fit on all data, which has seen them. Its
    opponent is the model in service itself where it was fitted before these weeks, else the fit of its own recipe
    before them, which is stored with it; both answer without fallback models.

    Parameters
    ----------
    served : Served, optional
        The model in service.
    backtest : OwnBacktest, optional
        Of the new model: its last fit is the challenger.
    weather : ValidatedWeather
    observations : Observations, optional
    as_of : moment
    differences : sequence of str
        Settings of the configuration that the model in service has not: the new one takes its place in any case.
    """
    if served is None:
        return Verdict(True, "There is no model in service.")
    changed = f"The configuration has changed: {'; '.join(differences[:3])}. " if differences else ""
    if backtest is None or observations is None:
        return Verdict(True, f"{changed}There are too few weeks to compare.")
    try:
        opponent, of_opponent = _opponent(served, backtest)
        issued = backtest.issued[backtest.issued >= timestamps.instant(_known_until(opponent, as_of))]
        if not len(issued):
            return Verdict(True, f"{changed}The model in service has seen all weeks: no comparison.")
        known = known_by(observations, as_of)
        new, old = (pairs_of(_bare(one), weather, known, issued) for one in (backtest.comparison, opponent))
        scores = _compared(new, old)
    except EnergyForecastError as error:
        return Verdict(True, f"{changed}The model in service cannot be compared: {error.found}")
    span = f"{issued[0]:%Y-%m-%d} to {issued[-1]:%Y-%m-%d}"
    words = (
        f"new model fitted as of {_known_until(backtest.comparison, as_of)}, {of_opponent}, issues of {span}"
    )
    worse = [row for row in scores if row["worse"]]
    if worse and not changed:
        return Verdict(False, f"Worse than the model in service: {_in_words(worse)}.", words, scores)
    verdict = (
        f"worse than the model in service: {_in_words(worse)}"
        if worse
        else "not worse than the model in service"
    )
    few = "" if any(row["p"] is not None for row in scores) else ", of too few days for a test"
    return Verdict(True, f"{changed}It is {verdict}{few}.", words, scores)


def _opponent(served: Served, backtest: OwnBacktest) -> tuple[Forecaster, str]:
    """Model in service, or the fit of its recipe with an earlier end, and which of them it is."""
    begin, record = backtest.issued[0], served.record
    if (
        timestamps.instant(_known_until(served.forecaster, record.as_of)) <= begin
        or record.comparison is None
    ):
        return served.forecaster, f"the model in service {record.name} itself"
    earlier = storage.load(record.comparison)
    until = _known_until(earlier, record.as_of)
    return earlier, f"the recipe of the model in service {record.name} fitted as of {until}"


def _known_until(forecaster: Forecaster, usual: pd.Timestamp) -> str:
    """Moment at which all that a forecaster has learnt was known, in UTC."""
    return forecaster.training_.as_of or f"{usual:%Y-%m-%d %H:%M}"


def _bare(forecaster: Forecaster) -> Forecaster:
    """The forecaster without its fallback models."""
    alone = copy.copy(forecaster)
    alone.fallbacks_ = ()
    return alone


def _compared(new: Pairs, old: Pairs) -> tuple[dict[str, Any], ...]:
    """Scores of both by site, with the probability that a model that is not worse looks as much worse."""
    tables = [
        compare(new, old, metric=metric, by="site", fill="common", alternative="greater")
        for metric in _METRICS
    ]
    table = pd.concat(tables, ignore_index=True)
    adjusted = benjamini_hochberg(table["p"])  # of all sites and metrics: each looks for a reason to refuse
    return tuple(
        {"site": row["site"], "metric": row["metric"]}
        | {"value": float(row["value"]), "in_service": float(row["reference"])}
        | {"p": None if np.isnan(p) else float(p), "days": int(row["days"]), "n": int(row["n"])}
        | {"worse": bool(p < NOISE and row["value"] > row["reference"])}
        for row, p in zip(table.to_dict("records"), adjusted, strict=True)
    )


def _in_words(rows: Sequence[dict[str, Any]]) -> str:
    """Scores that are worse, in words."""
    return "; ".join(
        f"{row['metric']} at {row['site']} {row['value']:.4g} MW, in service {row['in_service']:.4g} MW "
        f"(p = {row['p']:.3f}, {row['days']} days)"
        for row in rows
    )
