"""Scores of the peak and the energy of days: level, coverage, and the hour of the peak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.alignment import outcomes_at
from energyforecast.core.arguments import check_types
from energyforecast.core.error_correlation import ERROR_CORRELATION, Decay
from energyforecast.core.forecast import By, Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.errors import MissingDataError, one_of
from energyforecast.evaluation.losses import pinball_loss
from energyforecast.evaluation.result import Result
from energyforecast.planning.period_values import NEAR, most_likely_time, periods_of, sampled
from energyforecast.planning.scenario_generation.dependence import Dependence

__all__ = ["period_scores"]

Array = npt.NDArray[Any]
_Rows = list[tuple[str, str, float, Array]]

_COVERAGES: Final = (0.5, 0.8, 0.9)
#: Time from the first to the last lead of windows that can hold a whole period: a day may have 23 h, steps 3.
_SHORTEST: Final = {"day": pd.Timedelta("20h"), "month": pd.Timedelta("27D"), "window": pd.Timedelta(0)}
#: Levels of the pinball loss.
_LEVELS: Final = np.arange(1, 100) / 100


def period_scores(
    result: Result,
    *,
    by: By = "day",
    groups: Mapping[str, Sequence[str]] | None = None,
    dependence: Mapping[str, Dependence] | None = None,
    n_scenarios: int = 200,
) -> pd.DataFrame:
    r"""Scores of the peak and the energy of each day of a backtest, and of the time of the peak.

    .. math::
        \text{bias} = \frac{1}{n} \sum_d \bigl(\hat Q_{0.5}(M_d) - m_d\bigr), \qquad
        \text{time} = \frac{1}{n} \sum_d \mathbf{1}\bigl[\,|\hat t_d - t_d| \le 1\,\text{h}\,\bigr]

    with the peak or energy :math:`M_d` that is forecast of day :math:`d`, its outcome :math:`m_d`, and the time
    :math:`t_d` of the peak. The pinball loss is the mean over the levels 0.01 to 0.99.

    A day or month that a forecast covers in part is left out: its peak is not that of these hours.

    Parameters
    ----------
    result : Result
        Of a backtest; each model is scored on the same days, whole ones without a missing interval.
    by : {"day", "month", "window"}
    groups : mapping of sequence of str, optional
        As in :func:`peak`; by default each site alone.
    dependence : mapping of Dependence, optional
        By model, in place of that which its forecast carries, which is that of the backtest's first fit.
    n_scenarios : int
        Of each issue.

    Returns
    -------
    DataFrame
        Columns ``model``, ``site``, ``quantity`` (``"peak"`` [MW], ``"energy"`` [MWh], ``"time of peak"``), ``metric``
        (``"pinball"``, ``"mae"`` and ``"bias"`` of the median, ``"coverage"`` of the central interval ``level``,
        ``"within 1 h"``), ``level``, ``value`` and ``n``, the number of periods. Models whose forecasts carry no
        dependence are left out.

    Raises
    ------
    MissingDataError
        If no model has a dependence, or no forecast covers a whole period of which all intervals were observed.

    See Also
    --------
    peak, energy : The quantities.
    energyforecast.evaluation.score : Scores of hours.

    Examples
    --------
    The model is 1 MW too low in every hour, and so about 24 MWh in the day; power rises by 0.5 MW an hour:

    >>> from energyforecast.planning import GaussianCopula
    >>> from energyforecast.testing import example_result
    >>> decay = GaussianCopula.exponential(range_hours=6.0)
    >>> table = period_scores(example_result(), dependence={"model": decay})
    >>> table[table["metric"].isin(["bias", "within 1 h"])][["quantity", "metric", "value", "n"]].round(1)
           quantity      metric  value  n
    2          peak        bias    0.4  1
    8        energy        bias  -24.5  1
    12  time of peak  within 1 h    1.0  1
    """
    check_types(locals(), of=period_scores)
    one_of("by", by, allowed=tuple(_SHORTEST))
    given = dict(dependence or {})
    able = {name: one for name, one in result.forecasts.items() if name in given or _carries(one)}
    if not able:
        raise MissingDataError(
            f"The forecasts of {', '.join(result.forecasts)} hold no correlation of their errors between hours.",
            "Peaks and energies must be scored from scenarios.",
            "Give dependence={name: GaussianCopula.fit(past_forecasts, observations)}.",
        )
    tables = [
        _table(_of_model(forecast, result.observations, by, groups, given.get(name), n_scenarios), model=name)
        for name, forecast in able.items()
        if _span(forecast) >= _SHORTEST[by]
    ]
    if not any(len(table) for table in tables):
        raise MissingDataError(
            f"No forecast covers a whole {by} of which all intervals were observed.",
            "Peaks and energies must be scored of whole periods.",
            "Give by='window' for tasks of a few hours, or a result of longer forecasts.",
        )
    return pd.concat(tables, ignore_index=True)


def _carries(forecast: Forecast) -> bool:
    """Whether a forecast holds the dependence of all its sites."""
    numbers = str(forecast.data.attrs.get(ERROR_CORRELATION, ""))
    return bool(numbers) and {*forecast.sites} <= {*Decay.from_text(numbers).sites}


def _span(forecast: Forecast) -> pd.Timedelta:
    """Time from the first lead to the last one."""
    lead = forecast.data["lead_time"].values
    return pd.Timedelta(lead.max() - lead.min())


def _of_model(
    forecast: Forecast,
    observations: Observations,
    by: By,
    groups: Mapping[str, Sequence[str]] | None,
    dependence: Dependence | None,
    n_scenarios: int,
) -> Iterator[dict[str, Any]]:
    """Quantiles and outcome of the peak and the energy of each site and period."""
    zone = str(forecast.data.attrs.get("timezone", "UTC"))
    members = {name: [name] for name in forecast.sites} if groups is None else groups
    for scenarios in sampled(forecast, groups=members, dependence=dependence, n_scenarios=n_scenarios):
        valid, step = scenarios.data["valid_time"].values, pd.Timedelta(hours=scenarios.step)
        for k, (name, sites) in enumerate(members.items()):
            outcome = sum(
                outcomes_at(observations, valid, site=site, step=step, outside="missing") for site in sites
            )
            for period in periods_of(scenarios.valid_times, by=by, timezone=zone, step=step):
                y, x = np.asarray(outcome)[period.places], scenarios.data.values[:, k, period.places]
                if period.whole and np.isfinite(y).all():
                    time, _ = most_likely_time(x.argmax(axis=1), valid[period.places])
                    yield {
                        "site": name,
                        "peak": (y.max(), _curve(x.max(axis=1))),
                        "energy": (y.sum() * scenarios.step, _curve(x.sum(axis=1) * scenarios.step)),
                        "near": abs(time - valid[period.places][y.argmax()]) <= NEAR,
                    }


def _curve(values: Array) -> Array:
    """Quantiles of equally likely values."""
    return np.asarray(np.quantile(values, _LEVELS, method="hazen"))


def _table(found: Iterator[dict[str, Any]], *, model: str) -> pd.DataFrame:
    """Mean scores of each site."""
    whole = pd.DataFrame(list(found), columns=["site", "peak", "energy", "near"])
    rows: list[dict[str, Any]] = []
    for site, part in whole.groupby("site", sort=False):
        head = {"model": model, "site": site, "n": len(part)}
        for quantity in ("peak", "energy"):
            y = np.array([one[0] for one in part[quantity]])
            rows += [
                head | {"quantity": quantity} | one
                for one in _scores(y, np.stack([c for _, c in part[quantity]]))
            ]
        near = {"quantity": "time of peak", "metric": "within 1 h", "level": np.nan}
        rows.append(head | near | {"value": float(part["near"].mean())})
    return pd.DataFrame(rows, columns=["model", "site", "quantity", "metric", "level", "value", "n"])


def _scores(y: Array, curves: Array) -> list[dict[str, Any]]:
    """Pinball loss, error and bias of the median and coverage of one quantity."""
    rows: list[dict[str, Any]] = [
        {"metric": "pinball", "level": np.nan, "value": float(pinball_loss(y, curves, _LEVELS).mean())},
        {"metric": "mae", "level": np.nan, "value": float(np.abs(curves[:, 49] - y).mean())},
        {"metric": "bias", "level": np.nan, "value": float((curves[:, 49] - y).mean())},
    ]
    for share in _COVERAGES:
        low, high = (round(100 * (0.5 + side * share / 2)) - 1 for side in (-1, 1))
        inside = (y >= curves[:, low]) & (y <= curves[:, high])
        rows.append({"metric": "coverage", "level": share, "value": float(inside.mean())})
    return rows
