"""Scores that are better than any known forecast, which is a sign of leakage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.wording import minute
from energyforecast.errors import TimeError
from energyforecast.evaluation.losses import pinball_loss
from energyforecast.evaluation.scored_forecasts import ScoredForecasts

__all__ = ["LIMITS", "Limit", "implausible_scores", "with_caveats"]

Array = npt.NDArray[np.float64]


class Limit(NamedTuple):
    """Best figures known of forecasts of single sites, or of a country's demand, at least 12 h ahead.

    Parameters
    ----------
    error : float
        Mean absolute error of the median. [% of capacity, of the mean for demand]
    skill : float
        Skill of the pinball loss over the distribution of the outcomes themselves, by month and hour of the day for
        the sun. [1]
    source : str
    """

    error: float
    skill: float
    source: str


#: By kind of site: a forecast beneath the error and above the skill is better than any that we know of.
LIMITS: Final[dict[str, Limit]] = {
    "wind": Limit(9.9, 0.62, "single farms; best month of the winner of GEFCom2014"),
    "solar": Limit(2.3, 0.62, "single plants; best month of the winner of GEFCom2014"),
    "demand": Limit(1.0, 0.0, "demand of whole countries"),
}
#: Shortest lead to which the limits apply [h], and least number of hours.
_DAY_AHEAD: Final = 12.0
_FEWEST: Final = 720
#: Share of hours, outcomes at a bound left out, at which a median may equal the outcome.
_EXACT: Final = 0.5
_CLOSE: Final = 1e-6


def implausible_scores(result: ScoredForecasts) -> tuple[str, ...]:
    r"""Caveats of forecasts that are better than any known one, or of models that were fitted later.

    The skill is that of the pinball loss :math:`L` over the distribution of the outcomes of the period itself, which
    no climatology of earlier data reaches:

    .. math:: S = 1 - \frac{L}{L_\text{outcomes}}

    Weather analyses are marked already and left out. Single sites, at leads of 12 h and more, with a month of hours at
    least, are compared. A caveat is no proof: a calm season or a short record can have such scores.

    Parameters
    ----------
    result : ScoredForecasts
        Such as a :class:`energyforecast.Result`.

    Returns
    -------
    tuple of str

    See Also
    --------
    energyforecast.testing.check_no_leakage, energyforecast.testing.check_pipeline

    Examples
    --------
    >>> from energyforecast.testing import example_result
    >>> implausible_scores(example_result())  # one day is too short
    ()
    """
    lines: list[str] = []
    for name, forecast in result.forecasts.items():
        lines += _fitted_later(name, forecast)
        if not forecast.perfect_weather:
            lines += _too_good(name, forecast, result.observations)
    return tuple(dict.fromkeys(lines))


def with_caveats(result: Any) -> Any:
    """A :class:`energyforecast.Result` with the caveats of its scores in its provenance."""
    lines = [*result.provenance.get("caveats", ()), *implausible_scores(result)]
    return replace(result, provenance=dict(result.provenance) | {"caveats": list(dict.fromkeys(lines))})


def _fitted_later(name: str, forecast: Forecast) -> Iterator[str]:
    """Caveat of a model that was fitted on data which was not known at the first issue time."""
    fitted = str(forecast.data.attrs.get("fitted_as_of", ""))
    first = forecast.issue_times[0]
    if fitted and timestamps.instant(fitted) > first:
        yield (
            f"{name} was fitted on data known at {fitted} UTC, after its first issue at "
            f"{minute(timestamps.to_ns([first])[0])} UTC: no forecast skill"
        )


def _too_good(name: str, forecast: Forecast, observations: Observations) -> Iterator[str]:
    """Caveats of the sites of a forecast."""
    levels = np.asarray(forecast.quantiles)
    lead = forecast.data["lead_time"].values / np.timedelta64(1, "h")
    chosen = np.flatnonzero(lead >= _DAY_AHEAD)
    median = int(np.abs(levels - 0.5).argmin())
    if not chosen.size or abs(levels[median] - 0.5) > 0.01:
        return
    issued = timestamps.to_ns(forecast.issue_times)
    valid = issued[:, None] + forecast.data["lead_time"].values[chosen].astype("timedelta64[ns]")
    capacity = forecast.data["capacity"].values.astype(np.float64)
    for k, site in enumerate(forecast.sites):
        limit = LIMITS.get(forecast.kinds[site])
        if limit is None:
            continue
        try:
            outcome = observations.value_at(site, valid, outside="missing")
        except TimeError:  # other intervals than those of the forecast
            continue
        curves = forecast.data.values[k][:, chosen]
        known = np.isfinite(outcome) & np.isfinite(curves[..., 0])
        if known.sum() >= _FEWEST:
            hour = (valid[known] - valid[known].astype("datetime64[D]")) / np.timedelta64(1, "h")
            month = valid[known].astype("datetime64[M]").astype(np.int64)
            grouped = 24.0 * month + hour if forecast.kinds[site] == "solar" else np.zeros(known.sum())
            scale = capacity[k] if forecast.kinds[site] != "demand" else float(outcome[known].mean())
            if scale > 0:
                yield from _of_site(
                    f"{name} at {site}", outcome[known], curves[known], levels, grouped, scale, limit
                )


def _of_site(
    words: str, outcome: Array, curves: Array, levels: Array, group: Array, scale: float, limit: Limit
) -> Iterator[str]:
    """Caveats of one site: the median is the outcome, or error and skill are beyond the limits."""
    median = curves[:, int(np.abs(levels - 0.5).argmin())]
    inside = (outcome > 0) & (outcome < outcome.max())
    if inside.any() and (np.abs(median - outcome)[inside] <= _CLOSE * scale).mean() > _EXACT:
        yield f"{words}: the median is the measured value itself in many hours: a sign of leakage"
        return
    error = 100 * float(np.abs(median - outcome).mean()) / scale
    if error >= limit.error:
        return
    loss = float(pinball_loss(outcome, curves, levels).mean())
    skill = 1 - loss / _loss_of_outcomes(outcome, levels, group) if loss else 1.0
    if skill > limit.skill:
        yield (
            f"{words}: better than any forecast known to us 12 h ahead and more (mean absolute error {error:.1f} %, "
            f"skill {skill:.2f}; limits {limit.error:g} %, {limit.skill:g}: {limit.source}): "
            "look for leakage before these scores are used"
        )


def _loss_of_outcomes(outcome: Array, levels: Array, group: Array) -> float:
    """Mean pinball loss of the distribution of the outcomes themselves, by group."""
    total = 0.0
    for one in np.unique(group):
        values = outcome[group == one]
        curve = np.quantile(values, levels)
        total += float(pinball_loss(values, np.tile(curve, (len(values), 1)), levels).mean(axis=1).sum())
    return total / len(outcome)
