"""Scores of a competition: mean pinball loss as the organisers take it, coverage, and the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from energyforecast.competitions.base import Array, TaskForecast
from energyforecast.competitions.readers.common import find
from energyforecast.core.quantiles import PERCENTILES, QuantileFunction
from energyforecast.errors import FileFormatError
from energyforecast.evaluation import pinball_loss
from energyforecast.evaluation.bootstrap import block_draws, resampled

__all__ = ["comparison", "coverage", "leaderboard", "pinball", "rmse"]

_SEASONS: Final = ("DJF", "MAM", "JJA", "SON")
_SHARES: Final = (0.8, 0.9)
_BLOCK: Final = 7
_DRAWS: Final = 1000
#: First leads of the groups of hours whose coverage is compared. [h]
_LEADS: Final = np.array([0, 6, 12, 24, 48, 168, 336])
#: Probability of the interval of a change.
_CONFIDENCE: Final = 0.95


def pinball(forecast: TaskForecast) -> float:
    r"""Mean pinball loss over the 99 levels and over hours, then over sites; not doubled. [unit of the competition]

    .. math::

        \frac{1}{S} \sum_s \frac{1}{99 \, n_s} \sum_{i \in s} \sum_{k=1}^{99}
            \max\big(\tau_k (y_i - q_{ik}), (\tau_k - 1) (y_i - q_{ik})\big), \quad \tau_k = k / 100

    with :math:`n_s` observed hours of each of :math:`S` sites. It is NaN where no hour has an outcome.

    Parameters
    ----------
    forecast : TaskForecast

    See Also
    --------
    rmse, coverage, energyforecast.evaluation.pinball

    References
    ----------
    Hong et al. (2016), https://doi.org/10.1016/j.ijforecast.2016.02.001.

    Examples
    --------
    >>> import numpy as np
    >>> hour, lead = np.array(["2013-01-01"], dtype="datetime64[ns]"), np.zeros(1, dtype="timedelta64[ns]")
    >>> forecast = TaskForecast(np.array([1.0]), np.zeros((1, 99)), np.array(["zone 1"]), hour, lead)
    >>> round(pinball(forecast), 6)  # the mean level
    0.5
    """
    scored = forecast.scored()
    loss = pinball_loss(scored.observed, scored.quantiles, PERCENTILES).mean(axis=1)
    # Sites weigh alike, however many of their hours were observed.
    means = [loss[scored.site == site].mean() for site in np.unique(scored.site)]
    return float(np.mean(means)) if means else np.nan


def rmse(forecast: TaskForecast) -> float:
    r"""Root mean squared error of the mean of the quantiles. [unit of the competition]

    .. math:: \sqrt{\frac{1}{n} \sum_i \Big(y_i - \frac{1}{99} \sum_k q_{ik}\Big)^2}

    See Also
    --------
    pinball, energyforecast.evaluation.rmse

    References
    ----------
    Hong, Pinson and Fan (2014), https://doi.org/10.1016/j.ijforecast.2013.07.001.

    Examples
    --------
    >>> import numpy as np
    >>> hour, lead = np.array(["2013-01-01"], dtype="datetime64[ns]"), np.zeros(1, dtype="timedelta64[ns]")
    >>> rmse(TaskForecast(np.array([1.0]), np.full((1, 99), 0.75), np.array(["farm 1"]), hour, lead))
    0.25
    """
    scored = forecast.scored()
    error = scored.observed - scored.quantiles.mean(axis=1)
    return float(np.sqrt(np.mean(error**2))) if len(scored) else np.nan


def coverage(forecast: TaskForecast) -> dict[str, Any]:
    r"""Coverage of the central 80 and 90 % intervals, for all hours and by season, with n. [1]

    .. math:: \frac{1}{n} \sum_i \mathbf{1}\big[q_i(\tfrac{1 - p}{2}) \le y_i \le q_i(\tfrac{1 + p}{2})\big]

    with the probability :math:`p` of the interval.

    Parameters
    ----------
    forecast : TaskForecast

    Returns
    -------
    dict
        By share: ``all``, ``interval`` (90 %, by a bootstrap of blocks of seven days), each season, and under
        ``ties_shared`` the same where an outcome on several quantiles at once, as calms are on 0, is inside by the
        share of their probability that is; and ``n``.

    See Also
    --------
    pinball, energyforecast.evaluation.coverage

    Notes
    -----
    An interval that begins at 0 holds every calm, also the part of their probability that lies below it: right
    forecasts then cover more than their nominal share, and only ``ties_shared`` can be compared with it.

    References
    ----------
    Czado, Gneiting and Held (2009), https://doi.org/10.1111/j.1541-0420.2009.01191.x.

    Examples
    --------
    >>> import numpy as np
    >>> hours = np.arange("2013-01-01", "2013-01-03", dtype="datetime64[h]").astype("datetime64[ns]")
    >>> levels = np.tile(np.arange(1, 100) / 100, (48, 1))
    >>> zone = np.full(48, "zone 1")
    >>> table = coverage(TaskForecast(np.full(48, 0.92), levels, zone, hours, hours - hours[0]))
    >>> table["0.8"]["all"], table["0.9"]["DJF"], table["n"]
    (0.0, 1.0, {'all': 48, 'DJF': 48})
    """
    scored = forecast.scored()
    season = (scored.valid_time.astype("datetime64[M]").astype(int) + 1) % 12 // 3
    present = [k for k in range(4) if (season == k).any()]
    table: dict[str, Any] = {}

    def means(inside: Array) -> dict[str, float]:
        seasons = {_SEASONS[k]: float(inside[season == k].mean()) for k in present}
        return {"all": float(inside.mean()), **seasons}

    for share, (inside, shared) in _inside(scored).items():
        table[f"{share:g}"] = {
            "interval": _interval(inside, scored.valid_time),
            "ties_shared": means(shared) | {"interval": _interval(shared, scored.valid_time)},
            **means(inside),
        }
    table["n"] = {"all": len(scored), **{_SEASONS[k]: int((season == k).sum()) for k in present}}
    return table


def _inside(scored: TaskForecast) -> dict[float, tuple[Array, Array]]:
    """Whether each outcome is in the central 80 and 90 % intervals, and the same with ties shared, by share."""
    lowest, highest = QuantileFunction(scored.quantiles, PERCENTILES).pit_interval(scored.observed)
    width = highest - lowest
    found = {}
    for share in _SHARES:
        ends = (1 - share) / 2, (1 + share) / 2
        low, high = (scored.quantiles[:, round(100 * level) - 1] for level in ends)
        inside = (low <= scored.observed) & (scored.observed <= high)
        common = np.clip(np.minimum(highest, ends[1]) - np.maximum(lowest, ends[0]), 0.0, None)
        found[share] = inside, np.where(width > 0, common / np.where(width > 0, width, 1.0), inside)
    return found


def _interval(inside: Array, valid_time: Array) -> list[float]:
    """5 and 95 % quantiles of the mean over resampled blocks of days."""
    block = valid_time.astype("datetime64[D]").astype(int) // _BLOCK
    _, place = np.unique(block, return_inverse=True)
    hits, count = np.bincount(place, weights=inside), np.bincount(place)
    drawn = np.random.default_rng(0).integers(len(count), size=(_DRAWS, len(count)))
    means = hits[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    return [float(value) for value in np.quantile(means, (0.05, 0.95))]


def comparison(forecasts: Mapping[str, TaskForecast], *, usual: str) -> dict[str, dict[str, Any]]:
    r"""Scores of several models on the same hours, their changes against a usual one, and coverage by lead time.

    .. math:: \Delta = \sum_i L_i \Big/ \sum_i L^u_i - 1, \qquad
        \Delta_\text{rmse} = \Big(\sum_i e_i^2 \Big/ \sum_i (e^u_i)^2\Big)^{1/2} - 1

    with the losses :math:`L` and the errors :math:`e` of the mean of the quantiles of all hours :math:`i`, and those of
    the usual model :math:`u`. Intervals of 95 % are paired: both models have the same draws of blocks of seven days.

    Parameters
    ----------
    forecasts : dict of TaskForecast
        By model, of the same hours.
    usual : str
        The model with which others are compared.

    Returns
    -------
    dict
        By model: ``pinball`` and ``rmse`` (mean over sites) [unit of the competition], ``change`` with the ends of its
        ``interval`` for each of them [%], ``coverage`` by share [1], and under ``leads`` the same by first hour of a
        group of leads, with ``n``. Coverage has ``ties_shared``, as that of :func:`coverage`.

    See Also
    --------
    coverage, energyforecast.evaluation.skill

    References
    ----------
    Politis and Romano (1994), https://doi.org/10.1080/01621459.1994.10476870.

    Examples
    --------
    >>> import numpy as np
    >>> hours = np.arange("2013-01-01", "2013-01-03", dtype="datetime64[h]").astype("datetime64[ns]")
    >>> shown = hours, hours - hours[0]
    >>> zero, half = (
    ...     TaskForecast(np.ones(48), np.full((48, 99), value), np.full(48, "zone 1"), *shown) for value in (0, 0.5)
    ... )
    >>> table = comparison({"zero": zero, "half": half}, usual="zero")
    >>> table["half"]["change"]["rmse"], list(table["half"]["leads"])
    (-50.0, ['0', '6', '12', '24'])
    """
    scored = {name: forecast.scored() for name, forecast in forecasts.items()}
    losses = {name: _losses(forecast) for name, forecast in scored.items()}
    return {
        name: {
            "pinball": pinball(forecast),
            "rmse": float(np.mean([rmse(part) for part in _by_site(forecast)])),
            **_changes(losses[name], losses[usual], forecast.valid_time),
            "coverage": _shares(forecast),
            "leads": _by_lead(forecast),
        }
        for name, forecast in scored.items()
    }


def _by_site(forecast: TaskForecast) -> list[TaskForecast]:
    return [forecast.of_rows(forecast.site == site) for site in np.unique(forecast.site)]


def _losses(scored: TaskForecast) -> Array:
    """Pinball loss and squared error of each row, shape (rows, 2)."""
    loss = pinball_loss(scored.observed, scored.quantiles, PERCENTILES).mean(axis=1)
    return np.column_stack([loss, (scored.observed - scored.quantiles.mean(axis=1)) ** 2])


def _changes(losses: Array, usual: Array, valid_time: Array) -> dict[str, Any]:
    """Change of the pinball loss and of the root mean squared error, each with its interval. [%]"""
    days, day = np.unique(valid_time.astype("datetime64[D]"), return_inverse=True)
    drawn = np.vstack([np.ones(len(days)), block_draws(len(days))])
    mine, others = (resampled(each, day, drawn, total=True) for each in (losses, usual))
    changes = 100 * ((mine / others) ** (1, 0.5) - 1)
    low, high = np.quantile(changes[1:], ((1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2), axis=0)
    several = zip(("pinball", "rmse"), changes[0], low, high, strict=True)
    found = [
        (name, float(change), [float(lowest), float(highest)]) for name, change, lowest, highest in several
    ]
    return {
        "change": {name: change for name, change, _ in found},
        "interval": {name: ends for name, _, ends in found},
    }


def _by_lead(scored: TaskForecast) -> dict[str, dict[str, Any]]:
    """Coverage and number of hours by the first lead of a group."""
    group = np.searchsorted(_LEADS, scored.lead_time / np.timedelta64(1, "h"), side="right") - 1
    return {
        str(_LEADS[k]): {"n": int((group == k).sum()), **_shares(scored.of_rows(group == k))}
        for k in np.unique(group)
    }


def _shares(scored: TaskForecast) -> dict[str, Any]:
    """Coverage of the central intervals, and with ties shared."""
    found = _inside(scored).items()
    return {
        **{f"{share:g}": float(inside.mean()) for share, (inside, _) in found},
        "ties_shared": {f"{share:g}": float(shared.mean()) for share, (_, shared) in found},
    }


def leaderboard(folder: str | Path, *, file: str | None, tasks: Sequence[int]) -> dict[str, Any] | None:
    """Scores of the competitors on some tasks: best of each, winner of all, and all teams; None without the file."""
    names = ("gefcom2014", "GEFCom2014", "GEFCom2014 Data")
    path = None if file is None else find(folder, names=names, file=file)
    if path is None:
        return None
    try:
        table = pd.read_csv(path).set_index("Participant")
    except (KeyError, ValueError) as error:
        raise FileFormatError(
            f"{path} cannot be read as a leaderboard: {error}.",
            "It must be a CSV file with the columns Participant, Task1, Task2, ...",
            "Correct or remove it.",
        ) from error
    scores = table.reindex(columns=[f"Task{task}" for task in tasks]).astype(float)
    scores.columns = pd.Index([str(task) for task in tasks])
    entered = scores.dropna().mean(axis=1)
    return {
        "best": _known(scores.min().to_dict()),
        "team": None if entered.empty else str(entered.idxmin()),
        "mean": None if entered.empty else float(entered.min()),
        "teams": {str(team): _known(row.to_dict()) for team, row in scores.iterrows()},
    }


def _known(scores: Mapping[Any, float]) -> dict[str, float | None]:
    """Scores by task, None where one is missing."""
    return {str(task): None if np.isnan(score) else float(score) for task, score in scores.items()}
