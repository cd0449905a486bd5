"""A Gaussian copula over hours and sites, learnt from the normal scores of past outcomes in their forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import error_correlation as shrinking
from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.error_correlation import ERROR_CORRELATION, Decay
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.errors import LeakageError, MissingDataError, RangeError, one_of
from energyforecast.planning.scenario_generation.dependence import ranks_of
from energyforecast.planning.scenario_generation.marginals import Marginals
from energyforecast.planning.scenario_generation.ranks import HindcastScores

__all__ = ["GaussianCopula"]

Array = npt.NDArray[Any]

#: Smallest number of issues from which a correlation is learnt; an hour of a site with fewer outcomes has the target's.
_MIN_ISSUES: Final = 10
#: Targets of the shrinkage.
_TARGETS: Final = ("separable", "independent")


@dataclass(frozen=True, eq=False, repr=False)
class GaussianCopula:
    r"""Gaussian copula: ranks of a multivariate normal with the correlation of hindcast residuals.

    .. math::
        z_{d,c} = \Phi^{-1}\big(F_{d,c}(y_{d,c})\big), \qquad
        R = (1 - \lambda)\, Z^\top Z + \lambda\, T

    with the outcome y of issue d in cell c, an hour of a site, its forecast distribution F, the scores Z (z centred
    and of norm 1 over the issues), the target T and its share λ.

    Made by :meth:`fit`, or by :meth:`exponential` where there is no history yet.

    Parameters
    ----------
    target : Decay
        Correlation that decays with the lag in hours, times that between sites.
    shrinkage : float
        Share λ of the target in the correlation; the rest is the sample's. 1 without history. [1]
    scores : array, shape (issues, sites, leads)
        Scores Z of past outcomes; 0 where missing.
    leads : array of timedelta64
    known_by : Timestamp, optional
        Moment at which the last outcome that it was learnt from became known.
    missing : int
        Number of missing outcomes, which are left out.

    Notes
    -----
    An outcome on a point mass, such as no power, has a random level within the mass; beyond the outer levels the
    quantile function is continued linearly over the normal score, at most to ±3.

    The correlation of hours × sites is never computed as a matrix. A scenario is

    .. math:: x = \sqrt{1 - \lambda}\, Z^\top w + \sqrt{\lambda}\, L \varepsilon, \qquad L L^\top = T

    with independent standard normal w (a weight for each issue) and ε, so that R is positive definite and 50 sites
    of 48 hours take milliseconds. A cell with fewer than 10 outcomes has λ = 1.

    References
    ----------
    - Pinson, Madsen, Nielsen, Papaefthymiou and Klöckl (2009), From probabilistic forecasts to statistical
      scenarios of short-term wind power production, https://doi.org/10.1002/we.284
    - Random levels: Czado, Gneiting and Held (2009), https://doi.org/10.1111/j.1541-0420.2009.01191.x
    - Shrinkage: Schäfer and Strimmer (2005), A shrinkage approach to large-scale covariance matrix estimation,
      https://doi.org/10.2202/1544-6115.1175

    See Also
    --------
    SchaakeShuffle : Ranks of past days; needs no past forecasts.
    EnsembleCopulaCoupling : Ranks of the members of an ensemble.
    sample_scenarios : Scenarios with this dependence.

    Examples
    --------
    >>> from energyforecast.planning import sample_scenarios
    >>> from energyforecast.testing import example_forecast
    >>> copula = GaussianCopula.exponential(range_hours=12.0)
    >>> copula
    GaussianCopula(decay within 12 h, shrinkage 1)
    >>> scenarios = sample_scenarios(example_forecast(), n_scenarios=1000, dependence=copula)
    >>> float(np.corrcoef(scenarios.of()[:, 0], scenarios.of()[:, 12])[0, 1].round(1))  # about exp(-12/12)
    0.4
    """

    target: Decay
    shrinkage: float = 1.0
    scores: Array | None = None
    leads: npt.NDArray[np.timedelta64] | None = None
    known_by: pd.Timestamp | None = None
    missing: int = 0

    @classmethod
    def fit(
        cls,
        forecasts: Forecast | Sequence[Forecast],
        observations: Observations | Sequence[Observations],
        *,
        until: Any = None,
        shrinkage: float | str = "auto",
        target: str = "separable",
        seed: int = 0,
    ) -> GaussianCopula:
        r"""Learn from hindcasts and their outcomes.

        Parameters
        ----------
        forecasts : Forecast or sequence of Forecast
            Past issues, from a backtest or an archive, on days that the model was not trained on: residuals of
            training days are smaller and correlated differently.
        observations : Observations or sequence of Observations
            An outcome counts if it was published by `until`.
        until : str or moment, optional
            In UTC unless it has an offset. By default all outcomes count, and :func:`sample_scenarios` refuses issues
            before the last of them was published.
        shrinkage : float or "auto"
            Share of the target. ``"auto"`` minimises the expected squared error of all correlations, by
            Schäfer and Strimmer:

            .. math::
                \lambda = \frac{\sum_{c \ne e} \widehat{\operatorname{Var}}(r_{ce})}{\sum_{c \ne e} (r_{ce} - t_{ce})^2}

            with the correlations r of the sample and t of the target, within [0, 1].
        target : {"separable", "independent"}
            Target of the shrinkage: decay with the lag, learnt for each site, times a correlation between sites; or
            no correlation.
        seed : int
            Of the random levels on point masses.

        Raises
        ------
        MissingDataError
            If fewer than 10 issues have outcomes.
        RangeError, SchemaError
            If the shrinkage does not lie between 0 and 1, or the target is not known.

        Examples
        --------
        >>> from energyforecast.testing import example_days
        >>> forecast, observations = example_days(days=400, sites=("a", "b"), range_hours=6.0, between=0.8)
        >>> GaussianCopula.fit(forecast, observations)
        GaussianCopula(400 issues of a, b; decay within 6 h; shrinkage 1; 0 outcomes missing)
        """
        check_types(locals(), of=GaussianCopula.fit)
        _check(shrinkage, target)
        past = HindcastScores.of(forecasts, observations, until=until, seed=seed)
        if len(past.scores) < _MIN_ISSUES:
            raise MissingDataError(
                f"{len(past.scores)} issues of {', '.join(past.sites)} have outcomes published by {past.known_by}.",
                f"A correlation must be learnt from {_MIN_ISSUES} or more.",
                "Give older forecasts, or begin with GaussianCopula.exponential(range_hours=...).",
            )
        scores = shrinking.standardised(past.scores, min_count=_MIN_ISSUES)
        hours = past.leads / np.timedelta64(1, "h")
        decay = (
            Decay.fit(scores, hours, sites=past.sites)
            if target == "separable"
            else Decay.none(sites=past.sites)
        )
        share = shrinking.intensity(scores, decay, hours) if shrinkage == "auto" else float(shrinkage)
        return cls(
            target=decay,
            shrinkage=share,
            scores=scores,
            leads=past.leads,
            known_by=past.known_by,
            missing=past.missing,
        )

    @classmethod
    def exponential(
        cls, *, range_hours: float, site_correlation: float | pd.DataFrame = 0.0
    ) -> GaussianCopula:
        r"""Exponential decay of the correlation with the lag, times a correlation between sites: no history needed.

        .. math:: R_{(i,t),(j,s)} = \rho_{ij}\, e^{-|t - s| / \ell}

        Parameters
        ----------
        range_hours : float
            Lag at which the correlation has fallen to 1/e. [h]
        site_correlation : float or DataFrame
            Between all sites; or a table with their names as index and columns.

        Raises
        ------
        RangeError, SchemaError
            If the range is not positive, or the table is no correlation matrix.
        """
        return cls(target=Decay.declared(range_hours=range_hours, site_correlation=site_correlation))

    @classmethod
    def of(cls, forecast: Forecast) -> GaussianCopula:
        """Dependence that a forecast carries: of its model's errors in outcomes that it had not learnt.

        A fit learns a decay of the correlation with the lag for each site, and a correlation between sites, from the
        out-of-fold normal scores of its rows; of climatologies and other references, from those in sample.

        Raises
        ------
        MissingDataError
            If the forecast carries none.

        See Also
        --------
        fit : From hindcasts, which know more of it.

        Examples
        --------
        >>> from energyforecast.testing import example_forecaster, example_weather
        >>> forecast = example_forecaster().predict(example_weather(), issue_time="2024-01-01 09:00")
        >>> GaussianCopula.of(forecast)  # climatology errs for days
        GaussianCopula(decay within 400 h, shrinkage 1)
        """
        numbers = str(forecast.data.attrs.get(ERROR_CORRELATION, ""))
        known = Decay.from_text(numbers) if numbers else None
        absent = [name for name in forecast.sites if known is None or name not in known.sites]
        if known is None or absent:
            raise MissingDataError(
                f"The forecast of {absent[0]!r} holds no correlation of its errors between hours.",
                "Sums and peaks must be computed in scenarios; quantiles of hours alone do not give them.",
                "Give dependence=GaussianCopula.fit(past_forecasts, observations), or forecast with a model that is "
                "calibrated out of fold, such as the default.",
            )
        return cls(target=known)

    def correlation(self, marginals: Marginals) -> Array:
        """Correlation R of the cells of a window, shape (sites × hours, sites × hours), for inspection."""
        target = self.target.matrix(marginals.sites, marginals.lead_hours)
        if self.scores is None:
            return target
        flat = self._history(marginals).reshape(len(self.scores), -1)
        share = self._shares(flat)
        outer = np.sqrt(1 - share)
        return np.asarray(outer[:, None] * (flat.T @ flat) * outer + np.sqrt(share[:, None] * share) * target)

    def ranks(self, marginals: Marginals, *, n_scenarios: int, rng: np.random.Generator) -> Array:
        """Ranks of the scenarios, as :class:`Dependence` defines them.

        Raises
        ------
        LeakageError
            If an outcome that it was learnt from became known after the issue.
        MissingDataError
            If a site or a lead does not occur in the hindcasts.
        """
        if self.known_by is not None and self.known_by > marginals.issue_time:
            raise LeakageError(
                f"The copula was learnt from data known by {self.known_by}; the forecast was issued at "
                f"{marginals.issue_time}.",
                "Scenarios must use no later data than their forecast.",
                "Fit it with until=issue_time.",
            )
        normal = self.target.sample(marginals.sites, marginals.lead_hours, n_scenarios=n_scenarios, rng=rng)
        if self.scores is not None:
            flat = self._history(marginals).reshape(len(self.scores), -1)
            share = self._shares(flat).reshape(marginals.shape)
            days = (rng.standard_normal((n_scenarios, len(flat))) @ flat).reshape(normal.shape)
            normal = np.sqrt(1 - share) * days + np.sqrt(share) * normal
        return ranks_of(normal, np.zeros(n_scenarios))

    def _history(self, marginals: Marginals) -> Array:
        """Past scores of the cells of a window, shape (issues, sites, hours)."""
        assert self.scores is not None
        assert self.leads is not None
        rows = self.target.places(marginals.sites)
        gap = np.abs(self.leads[:, None] - marginals.lead_time[None, :])
        if (gap.min(axis=0) > marginals.frequency.to_timedelta64()).any():
            far = int(gap.min(axis=0).argmax())
            raise MissingDataError(
                f"The hour {timestamps.to_index(marginals.valid_time)[far]} lies "
                f"{marginals.lead_hours[far]:g} h ahead.",
                f"Leads from {self.leads[0] / np.timedelta64(1, 'h'):g} to "
                f"{self.leads[-1] / np.timedelta64(1, 'h'):g} h were learnt.",
                "Fit the copula on past forecasts of the same task.",
            )
        # The 25th hour of a day may not occur in the hindcasts: it takes the scores of its neighbour.
        return np.asarray(self.scores[:, rows][:, :, gap.argmin(axis=0)])

    def _shares(self, flat: Array) -> Array:
        """Share of the target in each cell: all of it where a cell has no scores."""
        return np.where((flat != 0).any(axis=0), self.shrinkage, 1.0)

    def __repr__(self) -> str:
        if self.scores is None:
            return f"GaussianCopula({self.target}, shrinkage 1)"
        return (
            f"GaussianCopula({len(self.scores)} issues of {', '.join(self.target.sites)}; {self.target}; "
            f"shrinkage {self.shrinkage:.2g}; {self.missing} outcomes missing)"
        )


def _check(shrinkage: float | str, target: str) -> None:
    one_of("target", target, allowed=_TARGETS)
    if shrinkage != "auto" and not (isinstance(shrinkage, float | int) and 0 <= shrinkage <= 1):
        raise RangeError(
            f"shrinkage={shrinkage!r}.",
            'It must lie between 0, the sample alone, and 1, the target alone, or be "auto".',
            "Correct it.",
        )
