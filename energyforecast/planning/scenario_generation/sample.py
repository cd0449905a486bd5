"""From quantile forecasts to scenarios: the marginals are the forecast's, the dependence is learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.quantiles import TAILS, Tails
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import RangeError, one_of
from energyforecast.planning.scenario_generation.dependence import Dependence, Independence
from energyforecast.planning.scenario_generation.marginals import Marginals
from energyforecast.planning.scenario_generation.merging import as_list

__all__ = ["sample_by_kind", "sample_scenarios"]

_K = TypeVar("_K", bound=str)


def sample_scenarios(
    forecasts: Forecast | Sequence[Forecast],
    *,
    n_scenarios: int = 200,
    dependence: Dependence | None = None,
    issue_time: Any = None,
    seed: int = 0,
    tails: Tails = "flat",
) -> Scenarios:
    r"""Equally likely trajectories over sites and hours, with the forecast's distribution in each hour.

    .. math:: x_{k,i,t} = F_{i,t}^{-1}\left(\frac{r_{k,i,t} + \frac{1}{2}}{n}\right)

    with the forecast's quantile function F of site i at hour t and the rank r of scenario k among n. Each rank occurs
    once, so the marginal distributions are kept exactly; the dependence decides which scenario has which rank.

    Parameters
    ----------
    forecasts : Forecast or sequence of Forecast
        Merged by site; all with one issue time, one window and one frequency.
    n_scenarios : int
        Number of scenarios, at least 2.
    dependence : Dependence, optional
        Dependence between hours and sites: :class:`GaussianCopula`, :class:`SchaakeShuffle` or
        :class:`EnsembleCopulaCoupling`. The default is :class:`Independence`, with which sums over hours and sites
        are far too certain; it is for comparison.
    issue_time : str or moment, optional
        Needed where a forecast has several issues; in UTC unless it has an offset.
    seed : int
        The same seed gives the same scenarios, in any order of sites.
    tails : {"flat", "normal"}
        Distribution beyond the outer levels. ``"flat"``: the outer probabilities lie on the outer quantiles, as in
        every score of the library. ``"normal"``: the ends of the curve are continued linearly over the normal score
        of the level, within the bounds of the site: 0, of demand the negative capacity, and the capacity.

    Returns
    -------
    Scenarios
        Sites in the order of the forecasts.

    Raises
    ------
    TimeError, SchemaError, RangeError
        If forecasts do not fit each other, or fewer than two scenarios are asked for.
    LeakageError
        If the dependence was learnt from outcomes that became known after the issue.

    See Also
    --------
    sample_by_kind : Demand, wind and solar together, returned by kind.
    hindcast_residuals : Residuals from which :class:`MinT` learns.

    Examples
    --------
    >>> from energyforecast.testing import example_forecast
    >>> scenarios = sample_scenarios(example_forecast(), n_scenarios=5)
    >>> scenarios
    5 scenarios of farm: 24 intervals of 1h from 2024-01-02 00:00 UTC [MW]
    >>> sorted(scenarios.of()[:, 0].round(6).tolist())  # quantiles 6, 10, 14 at the levels 0.1, 0.5, 0.9
    [6.0, 8.0, 10.0, 12.0, 14.0]
    """
    check_types(locals(), of=sample_scenarios)
    _check(n_scenarios, tails)
    if seed < 0:
        raise RangeError(f"The seed is {seed}.", "It must be 0 or more.", "Leave it out, or give seed=1.")
    marginals = Marginals.of(forecasts, issue_time=issue_time)
    model = Independence() if dependence is None else dependence
    rng = np.random.default_rng([seed, marginals.issue_time.value])
    values = marginals.values(model.ranks(marginals, n_scenarios=n_scenarios, rng=rng), tails=tails)
    order = [name for forecast in as_list(forecasts) for name in forecast.sites]
    return Scenarios.from_values(
        values[:, [marginals.sites.index(name) for name in order]],
        sites=order,
        kind=dict(zip(marginals.sites, marginals.kinds, strict=True)),
        valid_time=timestamps.to_index(marginals.valid_time),
        attrs=marginals.attrs
        | {
            "issue_time": f"{marginals.issue_time:%Y-%m-%dT%H:%M:%SZ}",
            "dependence": str(model),
            "tails": tails,
            "seed": seed,
        },
        frequency=str(marginals.frequency),
    )


def sample_by_kind(
    forecasts: Mapping[_K, Forecast | Sequence[Forecast]],
    *,
    n_scenarios: int = 200,
    dependence: Dependence | None = None,
    issue_time: Any = None,
    seed: int = 0,
    tails: Tails = "flat",
) -> dict[_K, Scenarios]:
    """Scenarios of demand, wind and solar, sampled together and returned by kind.

    Parameters
    ----------
    forecasts : mapping of Forecast or of sequence of Forecast
        By kind: ``"demand"``, ``"wind"``, ``"solar"``.
    n_scenarios, dependence, issue_time, seed, tails
        As in :func:`sample_scenarios`.

    Returns
    -------
    dict of Scenarios
        The k-th scenario of one kind belongs to the k-th of every other.

    Raises
    ------
    TimeError, SchemaError, RangeError, LeakageError
        As in :func:`sample_scenarios`.

    See Also
    --------
    sample_scenarios, energyforecast.planning.net_load

    Examples
    --------
    >>> from energyforecast.testing import example_forecast
    >>> sample_by_kind({"wind": example_forecast()}, n_scenarios=5)
    {'wind': 5 scenarios of farm: 24 intervals of 1h from 2024-01-02 00:00 UTC [MW]}
    """
    check_types(locals(), of=sample_by_kind)
    parts = {kind: as_list(given) for kind, given in forecasts.items()}
    together = sample_scenarios(
        [forecast for several in parts.values() for forecast in several],
        n_scenarios=n_scenarios,
        dependence=dependence,
        issue_time=issue_time,
        seed=seed,
        tails=tails,
    )
    return {
        kind: together.total({site: [site] for forecast in several for site in forecast.sites})
        for kind, several in parts.items()
    }


def _check(n_scenarios: int, tails: str) -> None:
    if n_scenarios < 2:
        raise RangeError(
            f"n_scenarios={n_scenarios} scenarios are asked for.",
            "A distribution must have at least two, usually hundreds.",
            "Give n_scenarios=200.",
        )
    one_of("tails", tails, allowed=TAILS)
