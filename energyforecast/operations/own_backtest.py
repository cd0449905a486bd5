"""Backtest that goes with a model: its recipe, fitted earlier, on the newest weeks, with references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from energyforecast.core import timestamps
from energyforecast.core.fallback import OLDER_RUN
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import ValidatedWeather
from energyforecast.errors import EnergyForecastError, MissingDataError
from energyforecast.evaluation.metrics import basic
from energyforecast.evaluation.pairing import Pairs, align
from energyforecast.evaluation.splits import ends_within
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import Climatology, Persistence
from energyforecast.operations import score_blocks

__all__ = ["OwnBacktest", "known_by", "own_backtest", "pairs_of"]

_WEEK: Final = pd.Timedelta("7D")
#: Share of the history that a backtest may take at most.
_SHARE: Final = 3
#: Probability of the range of the score of one week, and the fewest weeks that give one.
_CONFIDENCE: Final = 0.95
_FEWEST: Final = 4
_KEYS: Final = ["site", "issue_time", "valid_time"]
_INTERVAL: Final = 0.8
_METRICS: Final = {
    "mae": basic.mae.metrics()[0],
    "crps": basic.crps.metrics()[0],
    "bias": basic.bias.metrics()[0],
    "coverage": basic.coverage.metrics({"interval": _INTERVAL})[0],
}
_REFERENCES: Final = {"climatology": Climatology, "persistence": Persistence}


@dataclass(frozen=True, eq=False)
class OwnBacktest:
    """Scores of the newest weeks, each forecast by a fit that knew no later data.

    Parameters
    ----------
    summary : dict
        For the manifest: ``first`` and ``last`` hour, moments of the ``fits``, ``scores`` by site of the model and of
        references, ``blocks`` of a week, and the ``range`` in which the score of the next week is expected.
    comparison : Forecaster
        The last fit, which knew nothing of its issue times.
    issued : DatetimeIndex
        Issue times of the last fit.
    """

    summary: dict[str, Any]
    comparison: Forecaster
    issued: pd.DatetimeIndex


def own_backtest(
    forecaster: Forecaster,
    weather: ValidatedWeather,
    observations: Observations,
    *,
    as_of: pd.Timestamp,
    weeks: int,
    refit_weeks: int,
) -> OwnBacktest:
    """Fit before the newest weeks, and every `refit_weeks` of them again, and forecast each issue of them.

    Raises
    ------
    MissingDataError
        If the history is shorter than three weeks, or no issue of the newest weeks has an outcome.
    """
    known = known_by(observations, as_of)
    first = forecaster.training_origins(weather, known, as_of=as_of)[0]
    possible = (as_of - first) // (_SHARE * _WEEK)
    if possible < 1:
        raise MissingDataError(
            f"The history of {(as_of - first).days} days is too short for a backtest.",
            "It must hold three weeks: two to learn from, one to forecast.",
            "Train again when there is more of it.",
        )
    span = min(weeks, possible)
    begins = [as_of - count * _WEEK for count in range(span, 0, -min(refit_weeks, span))]
    tables, fits = [], []
    for begin, end in zip(begins, [*begins[1:], as_of], strict=True):
        issued = _issues(forecaster, known, begin, end)
        if not len(issued):
            continue
        fitted = forecaster.unfitted().fit(weather, known, as_of=begin, missing="drop")
        tables.append(_table(fitted, weather, known, issued))
        fits.append((begin, fitted, issued))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if not len(table):
        raise MissingDataError(
            f"No issue of the {span} weeks before {as_of} has weather and an outcome.",
            "At least one must have been forecast and measured.",
            "Complete the archive of weather and the measurements.",
        )
    _, comparison, issued = fits[-1]
    return OwnBacktest(_summary(table, [begin for begin, *_ in fits]), comparison, issued)


def known_by(observations: Observations, as_of: pd.Timestamp) -> Observations:
    """Observations of which the values published after a moment are missing."""
    later = observations.published > as_of.tz_convert("UTC").tz_localize(None).to_datetime64()
    return replace(observations, values=observations.values.mask(later))


def _issues(
    forecaster: Forecaster, observations: Observations, begin: pd.Timestamp, end: pd.Timestamp
) -> pd.DatetimeIndex:
    """Issue times from one moment to another of which the whole windows lie in the observations."""
    last = observations.index[-1]
    issued = forecaster.task.issue_times(begin, min(end, last) + forecaster.task.reach)
    issued = issued[(issued >= begin) & (issued < end)]
    if not len(issued):
        return issued
    windows = forecaster.task.windows(issued)
    hours = np.where(windows.inside, windows.valid_time, windows.valid_time[:, :1]).max(axis=1)
    within = ends_within(windows, last) & (hours <= timestamps.to_ns([last])[0])
    return issued[within]


def pairs_of(
    forecaster: Forecaster, weather: Any, observations: Observations, issued: pd.DatetimeIndex
) -> Pairs:
    """Outcomes and forecasts of some issue times."""
    forecast = forecaster.predict(weather, observations, issue_time=list(issued), strict=False)
    return align(observations, forecast)


def _table(
    fitted: Forecaster, weather: ValidatedWeather, observations: Observations, issued: pd.DatetimeIndex
) -> pd.DataFrame:
    """A row for each hour that the full model forecast, with the scores of references."""
    pairs = pairs_of(fitted, weather, observations, issued)
    answered = pairs.of_rows((pairs.labels["quality"] <= OLDER_RUN).to_numpy())
    table = _points(answered).assign(capacity=answered.capacity)
    for name, kind in _REFERENCES.items():
        columns = {metric: f"{metric}_{name}" for metric in _METRICS}
        others = []
        for site in fitted.sites:
            reference = Forecaster(site, fitted.task, model=kind(), trust_clock=True)
            try:
                reference.fit(None, observations, as_of=issued[0])
                others.append(_points(pairs_of(reference, None, observations, issued)))
            except EnergyForecastError:  # a site that is new has no reference
                continue
        if others:
            other = pd.concat(others, ignore_index=True).rename(columns=columns)
            table = table.merge(other, on=_KEYS, how="left")
        else:
            table = table.assign(**dict.fromkeys(columns.values(), np.nan))
    return table


def _points(pairs: Pairs) -> pd.DataFrame:
    """Scores of each hour; NaN where the levels do not reach."""
    table = pairs.labels[_KEYS].reset_index(drop=True)
    for name, metric in _METRICS.items():
        reached = metric.within(pairs.quantile_levels)
        table[name] = pairs.points(metric) if reached else np.full(len(pairs), np.nan)
    return table


def _summary(table: pd.DataFrame, fits: Sequence[pd.Timestamp]) -> dict[str, Any]:
    """Scores, blocks and ranges of a table of hours."""
    last = table["valid_time"].max()
    shared = score_blocks.common_hours(table)
    age = (last - shared["valid_time"]) // _WEEK
    blocks = [
        {"site": site, "first": _text(rows["valid_time"].min()), "last": _text(rows["valid_time"].max())}
        | _means(rows)
        for (site, _), rows in shared.groupby(["site", -age], sort=False)
    ]
    blocks.sort(key=lambda block: (block["site"], block["first"]))
    return {
        "first": _text(table["valid_time"].min()),
        "last": _text(last),
        "fits": [_text(moment) for moment in fits],
        "issues": int(table["issue_time"].nunique()),
        "interval": _INTERVAL,
        "scores": [{"site": site, **_means(rows)} for site, rows in table.groupby("site", sort=False)],
        "blocks": blocks,
        "range": {
            site: _ranges([block for block in blocks if block["site"] == site])
            for site in table["site"].unique()
        },
    }


def _means(rows: pd.DataFrame) -> dict[str, Any]:
    """Scores of hours, of the model and of references: in MW, in % of the capacity, and the number of hours."""
    found: dict[str, Any] = {}
    for name in _METRICS:
        for suffix in ("", *(f"_{reference}" for reference in _REFERENCES)):
            found[f"{name}{suffix}"] = float(rows[f"{name}{suffix}"].mean())
    for name in ("mae", "crps"):
        found[f"{name}_percent"] = float(100 * (rows[name] / rows["capacity"]).mean(skipna=False))
    return found | {"n": len(rows)}


def _ranges(blocks: Sequence[dict[str, Any]]) -> dict[str, dict[str, float] | None]:
    """Range of each score, from the blocks that have at least half as many hours as the fullest."""
    fullest = max(block["n"] for block in blocks)
    whole = [block for block in blocks if 2 * block["n"] >= fullest]
    return {name: _range([block[name] for block in whole]) for name in _METRICS}


def _range(values: Sequence[float]) -> dict[str, float] | None:
    r"""Interval of the score of the next week: mean and deviation of the weeks, by Student's distribution."""
    known = np.array([value for value in values if np.isfinite(value)])
    if len(known) < _FEWEST:
        return None
    reach = float(
        stats.t.ppf((1 + _CONFIDENCE) / 2, len(known) - 1) * known.std(ddof=1) * np.sqrt(1 + 1 / len(known))
    )
    mean = float(known.mean())
    return {"mean": mean, "low": mean - reach, "high": mean + reach}


def _text(moment: pd.Timestamp) -> str:
    return f"{moment.tz_convert('UTC'):%Y-%m-%d %H:%M}"
