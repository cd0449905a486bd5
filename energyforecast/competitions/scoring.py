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

__all__ = ["coverage", "leaderboard", "pinball", "rmse"]

_SEASONS: Final = ("DJF", "MAM", "JJA", "SON")
_SHARES: Final = (0.8, 0.9)
_BLOCK: Final = 7
_DRAWS: Final = 1000


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
    >>> hour = np.array(["2013-01-01"], dtype="datetime64[ns]")
    >>> forecast = TaskForecast(np.array([1.0]), np.zeros((1, 99)), np.array(["zone 1"]), hour)
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
    >>> hour = np.array(["2013-01-01"], dtype="datetime64[ns]")
    >>> rmse(TaskForecast(np.array([1.0]), np.full((1, 99), 0.75), np.array(["farm 1"]), hour))
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
    >>> table = coverage(TaskForecast(np.full(48, 0.92), levels, np.full(48, "zone 1"), hours))
    >>> table["0.8"]["all"], table["0.9"]["DJF"], table["n"]
    (0.0, 1.0, {'all': 48, 'DJF': 48})
    """
    scored = forecast.scored()
    season = (scored.valid_time.astype("datetime64[M]").astype(int) + 1) % 12 // 3
    present = [k for k in range(4) if (season == k).any()]
    table: dict[str, Any] = {}
    lowest, highest = QuantileFunction(scored.quantiles, PERCENTILES).pit_interval(scored.observed)
    width = highest - lowest

    def means(inside: Array) -> dict[str, float]:
        seasons = {_SEASONS[k]: float(inside[season == k].mean()) for k in present}
        return {"all": float(inside.mean()), **seasons}

    for share in _SHARES:
        ends = (1 - share) / 2, (1 + share) / 2
        low, high = (scored.quantiles[:, round(100 * level) - 1] for level in ends)
        inside = (low <= scored.observed) & (scored.observed <= high)
        common = np.clip(np.minimum(highest, ends[1]) - np.maximum(lowest, ends[0]), 0.0, None)
        shared = np.where(width > 0, common / np.where(width > 0, width, 1.0), inside)
        table[f"{share:g}"] = {
            "interval": _interval(inside, scored.valid_time),
            "ties_shared": means(shared) | {"interval": _interval(shared, scored.valid_time)},
            **means(inside),
        }
    table["n"] = {"all": len(scored), **{_SEASONS[k]: int((season == k).sum()) for k in present}}
    return table


def _interval(inside: Array, valid_time: Array) -> list[float]:
    """5 and 95 % quantiles of the mean over resampled blocks of days."""
    block = valid_time.astype("datetime64[D]").astype(int) // _BLOCK
    _, place = np.unique(block, return_inverse=True)
    hits, count = np.bincount(place, weights=inside), np.bincount(place)
    drawn = np.random.default_rng(0).integers(len(count), size=(_DRAWS, len(count)))
    means = hits[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    return [float(value) for value in np.quantile(means, (0.05, 0.95))]


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
