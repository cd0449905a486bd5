"""Normal scores and residuals of hindcasts, with the publication of their outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.arguments import check_types
from energyforecast.core.error_correlation import normal_scores
from energyforecast.core.fallback import CLIMATOLOGY
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import frequency_of
from energyforecast.core.observation_series import Observations
from energyforecast.errors import MissingDataError
from energyforecast.planning.scenario_generation.merging import as_list, by_site, observed_of

__all__ = ["HindcastScores", "hindcast_residuals"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class HindcastScores:
    """Normal scores of past outcomes in their forecasts."""

    sites: tuple[str, ...]
    #: Issues with a known outcome.
    issue_time: timestamps.Times
    leads: npt.NDArray[np.timedelta64]
    #: Shape (issues, sites, leads); NaN without outcome, outside the window, or where the hour was certain.
    scores: Array
    #: Publication of the last outcome, or `until`.
    known_by: pd.Timestamp
    #: Number of past hours without outcome.
    missing: int

    @classmethod
    def of(
        cls,
        forecasts: Forecast | Sequence[Forecast],
        observations: Observations | Sequence[Observations],
        *,
        until: Any = None,
        seed: int = 0,
    ) -> HindcastScores:
        """Scores of hindcasts by the outcomes that were published by `until`."""
        moment = None if until is None else timestamps.instant(until)
        several = as_list(forecasts)
        if not several:
            raise MissingDataError(
                "There is no forecast to learn from.", "There must be at least one.", "Give hindcasts."
            )
        parts = by_site(several)
        sites = tuple(name for name, _, _ in parts)
        issues = np.unique(np.concatenate([timestamps.to_ns(one.issue_times) for one in several]))
        leads = np.unique(np.concatenate([one.data["lead_time"].values for one in several]))
        scores = np.full((len(issues), len(sites), len(leads)), np.nan)
        rng, missing, last = np.random.default_rng(seed), 0, []
        for k, (name, forecast, place) in enumerate(parts):
            found = _of_site(forecast, place, observed_of(observations, name), moment, rng)
            rows = np.searchsorted(issues, timestamps.to_ns(forecast.issue_times))
            columns = np.searchsorted(leads, forecast.data["lead_time"].values)
            scores[np.ix_(rows, np.array([k]), columns)] = found.scores[:, None]
            missing += found.missing
            last.append(found.published)
        known = np.isfinite(scores).any(axis=(1, 2))
        if not known.any():
            raise MissingDataError(
                f"Of {len(issues)} issues of {', '.join(sites)} no outcome was published by "
                f"{'the end of the observations' if moment is None else moment}.",
                "Dependence is learnt from outcomes of past forecasts.",
                "Give older forecasts with their observations, or a later until=.",
            )
        newest = timestamps.to_index([stamp for stamp in last if stamp is not None]).max()
        return cls(
            sites=sites,
            issue_time=issues[known],
            leads=leads,
            scores=scores[known],
            known_by=newest if moment is None else moment,
            missing=missing,
        )


@dataclass(frozen=True, eq=False)
class _OfSite:
    scores: Array
    missing: int
    published: pd.Timestamp | None


def _of_site(
    forecast: Forecast,
    place: int,
    observations: Observations,
    until: pd.Timestamp | None,
    rng: np.random.Generator,
) -> _OfSite:
    """Scores of one site, shape (issues, leads)."""
    site, data = forecast.sites[place], forecast.data
    valid = data["valid_time"].values
    step = frequency_of(forecast)
    outcome = outcomes_at(observations, valid, site=site, step=step, as_of=until, outside="missing")
    curve = data.values[place].astype(float)
    # Climatology in place of a forecast has other residuals; hours that were certain have none.
    used = forecast.inside & (data["fallback_level"].values[place] < CLIMATOLOGY)[:, None]
    used &= curve[..., -1] > curve[..., 0]
    known = used & np.isfinite(outcome)
    scores = np.full(outcome.shape, np.nan)
    levels = np.asarray(forecast.quantiles)
    if known.any():
        scores[known] = normal_scores(outcome[known], curve[known], levels, rng=rng)
    final = outcomes_at(observations, valid, site=site, step=step, outside="missing")
    end = valid + observations.frequency.to_timedelta64()
    past = used if until is None else used & (end <= timestamps.to_ns([until])[0])
    return _OfSite(
        scores=scores,
        missing=int((past & ~np.isfinite(final)).sum()),
        published=_newest(observations, site, valid[known]),
    )


def _newest(observations: Observations, site: str, valid: timestamps.Times) -> pd.Timestamp | None:
    """Publication of the last of these hours, if there is one."""
    if not len(valid):
        return None
    return timestamps.to_index(observations.published_at(site, valid)).max()


def hindcast_residuals(
    forecasts: Forecast | Sequence[Forecast],
    observations: Observations | Sequence[Observations],
    *,
    until: Any = None,
) -> pd.DataFrame:
    r"""Residuals of hindcasts: outcome minus forecast mean. [MW]

    .. math:: e_{i,t} = y_{i,t} - \operatorname{E}\left[\hat Y_{i,t}\right]

    Parameters
    ----------
    forecasts : Forecast or sequence of Forecast
        Past issues.
    observations : Observations or sequence of Observations
    until : str or moment, optional
        An outcome counts if it was published by then; in UTC unless it has an offset. By default all count.

    Returns
    -------
    DataFrame
        A row for each issue and hour, a column for each site; NaN without outcome. ``attrs["known_by"]`` is `until`,
        or the publication of the last outcome.

    See Also
    --------
    MinT : Learns the covariance of the residuals.
    static_reserve : Quantiles of the residuals of net load.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> hindcast_residuals(example_forecast(), example_observations())["farm"].head(2).round(6).tolist()
    [1.0, 1.0]
    """
    check_types(locals(), of=hindcast_residuals)
    moment = None if until is None else timestamps.instant(until)
    columns, last = [], []
    for forecast in as_list(forecasts):
        (origin, step), width = np.nonzero(forecast.inside), frequency_of(forecast)
        valid = forecast.data["valid_time"].values[origin, step]
        issued = timestamps.to_index(forecast.data["issue_time"].values[origin])
        index = pd.MultiIndex.from_arrays(
            [issued, timestamps.to_index(valid)], names=["issue_time", "valid_time"]
        )
        mean = forecast.mean.values
        for k, name in enumerate(forecast.sites):
            source = observed_of(observations, name)
            outcome = outcomes_at(source, valid, site=name, step=width, as_of=moment, outside="missing")
            last.append(_newest(source, name, valid[np.isfinite(outcome)]))
            columns.append(pd.Series(outcome - mean[k, origin, step], index=index, name=name))
    if not columns:
        raise MissingDataError("No forecast is given.", "There must be at least one.", "Give past forecasts.")
    found = pd.concat(columns, axis=1)
    newest = [stamp for stamp in last if stamp is not None]
    found.attrs["known_by"] = moment if moment is not None else max(newest, default=None)
    return found
