"""Normal scores and residuals of hindcasts, with the publication of their outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.errors import MissingDataError, SchemaError

__all__ = ["HindcastScores", "hindcast_residuals", "normal_scores", "observed_of"]

Array = npt.NDArray[Any]

#: No outcome is taken as further out than this normal score, about one in a thousand.
_FURTHEST: Final = 3.0


@dataclass(frozen=True, eq=False)
class HindcastScores:
    """Normal scores by issue, site and lead.

    Parameters
    ----------
    sites : tuple of str
    issue_time : array of datetime64
        Issues of which an outcome is known.
    leads : array of timedelta64
    scores : array, shape (issues, sites, leads)
        NaN where there is no outcome, the hour was certain or lies outside the window.
    known_by : Timestamp
        When the last of the outcomes was published, or `until`.
    missing : int
        Hours that were forecast and are over, and whose outcome is missing or flagged.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> past = HindcastScores.of(example_forecast(), example_observations())
    >>> past.scores.shape, past.missing, past.known_by
    ((1, 1, 24), 0, Timestamp('2024-01-03 01:00:00+0000', tz='UTC'))
    >>> float(past.scores[0, 0, 0].round(2))  # 11 MW, where 10 and 14 are the quantiles 0.5 and 0.9
    0.25
    """

    sites: tuple[str, ...]
    issue_time: timestamps.Times
    leads: npt.NDArray[np.timedelta64]
    scores: Array
    known_by: pd.Timestamp
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
        """Collect scores from hindcasts; only outcomes published by `until` count.

        Parameters
        ----------
        forecasts : Forecast or sequence of Forecast
        observations : Observations or sequence of Observations
        until : str or moment, optional
            In UTC unless it has an offset; by default all that is given was known.
        seed : int
            Of the places of outcomes on point masses.

        Raises
        ------
        MissingDataError
            If a site was not observed, or no outcome is known.
        SchemaError
            If a site is forecast twice.
        """
        moment = None if until is None else timestamps.instant(until)
        several = [forecasts] if isinstance(forecasts, Forecast) else list(forecasts)
        parts = sorted(
            ((name, forecast, k) for forecast in several for k, name in enumerate(forecast.sites)),
            key=lambda part: part[0],
        )
        sites = tuple(name for name, _, _ in parts)
        if len(set(sites)) < len(sites):
            raise SchemaError(
                f"The sites {list(sites)} hold one twice.", "Each site is forecast once.", "Leave one out."
            )
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
    outcome = observations.value_at(site, valid, as_of=until, outside="missing")
    curve = data.values[place].astype(float)
    # Climatology in place of a forecast teaches nothing of its errors, nor do hours that were certain.
    teach = forecast.inside & (data["fallback_level"].values[place] < 3)[:, None]
    teach &= curve[..., -1] > curve[..., 0]
    known = teach & np.isfinite(outcome)
    scores = np.full(outcome.shape, np.nan)
    levels = np.asarray(forecast.quantiles)
    if known.any():
        scores[known] = normal_scores(outcome[known], curve[known], levels, rng=rng)
    ever = observations.value_at(site, valid, outside="missing")
    end = valid + observations.frequency.to_timedelta64()
    over = teach if until is None else teach & (end <= timestamps.to_ns([until])[0])
    return _OfSite(
        scores=scores,
        missing=int((over & ~np.isfinite(ever)).sum()),
        published=_newest(observations, site, valid[known]),
    )


def _newest(observations: Observations, site: str, valid: timestamps.Times) -> pd.Timestamp | None:
    """When the last of these hours was published."""
    if not len(valid):
        return None
    return timestamps.to_index(observations.published_at(site, valid)).max()


def observed_of(observations: Observations | Sequence[Observations], site: str) -> Observations:
    """Those that hold a site.

    Raises
    ------
    MissingDataError
        If none does.

    Examples
    --------
    >>> from energyforecast.testing import example_observations
    >>> observed_of([example_observations()], "farm").sites
    ('farm',)
    """
    several = [observations] if isinstance(observations, Observations) else list(observations)
    for one in several:
        if site in one.sites:
            return one
    raise MissingDataError(
        f"Site {site!r} was not observed.",
        f"Observed were {sorted({name for one in several for name in one.sites})}.",
        "Rename the column, or give the observations of that site too.",
    )


def normal_scores(outcome: Array, curve: Array, levels: Array, *, rng: np.random.Generator) -> Array:
    """Normal score of the level at which each outcome lies in its curve, shape (rows,).

    On a point mass, such as no power, the level is drawn among those of the mass. Beyond the outer levels the
    curve goes on along the lines of its ends over the normal score, at most to 3.

    Parameters
    ----------
    outcome : array, shape (rows,)
    curve : array, shape (rows, levels)
    levels : array
    rng : Generator

    References
    ----------
    Randomised levels: Czado, Gneiting and Held (2009), https://doi.org/10.1111/j.1541-0420.2009.01191.x.

    Examples
    --------
    >>> curve = np.array([[6.0, 10.0, 14.0]])
    >>> rng = np.random.default_rng(0)
    >>> found = [normal_scores(np.array([y]), curve, np.array([0.1, 0.5, 0.9]), rng=rng) for y in (10.0, 14.0, 17.0)]
    >>> [float(score[0].round(2)) for score in found]
    [0.0, 1.28, 2.24]
    """
    low, high = QuantileFunction(curve, levels).pit_interval(outcome, tails="normal")
    level = low + (high - low) * rng.uniform(size=len(outcome))
    return np.asarray(np.clip(ndtri(level), -_FURTHEST, _FURTHEST))


def hindcast_residuals(
    forecasts: Forecast | Sequence[Forecast],
    observations: Observations | Sequence[Observations],
    *,
    until: Any = None,
) -> pd.DataFrame:
    """Outcome minus mean of past forecasts: a row for each issue and hour, a column for each site. [MW]

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
        NaN where there is no outcome; ``attrs["known_by"]`` is `until`, or when the last outcome was published.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast, example_observations
    >>> hindcast_residuals(example_forecast(), example_observations())["farm"].head(2).round(6).tolist()
    [1.0, 1.0]
    """
    moment = None if until is None else timestamps.instant(until)
    several = [forecasts] if isinstance(forecasts, Forecast) else list(forecasts)
    columns, last = [], []
    for forecast in several:
        origin, step = np.nonzero(forecast.inside)
        valid = forecast.data["valid_time"].values[origin, step]
        issued = timestamps.to_index(forecast.data["issue_time"].values[origin])
        index = pd.MultiIndex.from_arrays(
            [issued, timestamps.to_index(valid)], names=["issue_time", "valid_time"]
        )
        mean = forecast.mean.values
        for k, name in enumerate(forecast.sites):
            source = observed_of(observations, name)
            outcome = source.value_at(name, valid, as_of=moment, outside="missing")
            last.append(_newest(source, name, valid[np.isfinite(outcome)]))
            columns.append(pd.Series(outcome - mean[k, origin, step], index=index, name=name))
    found = pd.concat(columns, axis=1)
    newest = [stamp for stamp in last if stamp is not None]
    found.attrs["known_by"] = moment if moment is not None else max(newest, default=None)
    return found
