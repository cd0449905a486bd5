"""Temporal reconciliation: forecasts of one window at several steps that agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import MissingDataError, SchemaError, TimeError, one_of
from energyforecast.planning.projection import (
    BOUNDS_BY,
    Bounds,
    bounds_of,
    check_known,
    varies,
    weights_of,
    within,
)

__all__ = ["TEMPORAL_METHODS", "reconcile_temporal"]

Array = npt.NDArray[Any]

#: Covariances of the residuals of a temporal hierarchy.
TEMPORAL_METHODS: Final = ("wls_struct", "wls", "bottom_up")


def reconcile_temporal(
    scenarios: Sequence[Scenarios],
    *,
    method: Literal["wls_struct", "wls", "bottom_up"] = "wls_struct",
    residuals: Sequence[pd.DataFrame] | None = None,
    bounds: Bounds | None = None,
    bounds_by: Literal["clipping", "optimisation"] = "clipping",
    pairing: Literal["energy", "given"] = "energy",
) -> list[Scenarios]:
    r"""Project forecasts of one window at several steps (quarter-hour, hour, day) onto those that agree.

    Power at a longer step is the mean of its parts. In each interval of the longest step, with the energies
    :math:`\hat y` of all intervals of all steps, and S, which adds up those of the shortest step,

    .. math::
        \tilde y = S \left(S^\top \Sigma^{-1} S\right)^{-1} S^\top \Sigma^{-1} \hat y, \qquad
        \Sigma = \operatorname{diag}(m_k) \;\text{ or }\; \operatorname{diag}\left(m_k^2 \sigma_k^2\right)

    with :math:`m_k` shortest steps in a step k (structural scaling, ``"wls_struct"``), or the variance
    :math:`\sigma_k^2` of the residuals of power at that step (series variance scaling, ``"wls"``).

    Parameters
    ----------
    scenarios : sequence of Scenarios
        One for each step, of the same sites, window and number; each step is a whole part of the longest. A point
        forecast is one scenario.
    method : {"wls_struct", "wls", "bottom_up"}
        ``"bottom_up"`` takes the shortest step alone.
    residuals : sequence of DataFrame, optional
        Of past forecasts at each step, in the order of `scenarios`, a column for each site, of
        :func:`energyforecast.planning.hindcast_residuals`; for ``"wls"``. [MW]
    bounds, bounds_by
        Of the power of sites at the shortest step, as in :func:`reconcile`.
    pairing : {"energy", "given"}
        Scenarios of different steps are paired in order of the energy of all sites over the window, or as they are.
        Those of steps that were sampled apart do not belong together, and their means would vary too little.

    Returns
    -------
    list of Scenarios
        In the same order; power at each step is the mean of that at every shorter step which divides it.

    Raises
    ------
    SchemaError, TimeError, MissingDataError, RangeError, LeakageError
        If steps, windows, issues, sites or numbers do not fit, bounds are in the wrong order, or residuals are
        absent, do not vary, or became known after the issue.

    See Also
    --------
    reconcile : Sites, areas and totals.

    Notes
    -----
    The projection of ``"wls_struct"`` is the same for all sites, that of one :class:`MinT` for all steps. One after
    the other, in any order and without bounds, they make forecasts that agree over sites and steps (cross-temporal).

    A day of 23 or 25 hours is no multiple of 24 hours: give it as an interval of its own length.

    References
    ----------
    Athanasopoulos, Hyndman, Kourentzes and Petropoulos (2017), Forecasting with temporal hierarchies,
    https://doi.org/10.1016/j.ejor.2017.02.046

    Examples
    --------
    The half hours have a mean of 5 MW, the hour was forecast to have 8 MW. Its residual has half of their variance:

    >>> def of(values, step):
    ...     times = pd.date_range("2024-01-02", periods=len(values), freq=step, tz="UTC")
    ...     return Scenarios.from_values([[values]], sites=["farm"], valid_time=times, frequency=step)
    >>> halves, hour = reconcile_temporal([of([4.0, 6.0], "30min"), of([8.0], "1h")])
    >>> halves.of().round(6).tolist(), hour.of().round(6).tolist()
    ([[5.5, 7.5]], [[6.5]])
    """
    check_types(locals(), of=reconcile_temporal)
    for name, value, allowed in (
        ("method", method, TEMPORAL_METHODS),
        ("bounds_by", bounds_by, BOUNDS_BY),
        ("pairing", pairing, ("energy", "given")),
    ):
        one_of(name, value, allowed=allowed)
    lengths = _lengths(scenarios)
    sites, longest, shortest = scenarios[0].sites, max(lengths), lengths.index(1)
    low, high = bounds_of(bounds, sites)
    powers = [item.data.sel(site=list(sites)).values for item in scenarios]
    if pairing == "energy":
        powers = [_paired(power, like=powers[shortest]) for power in powers]
    blocks = powers[shortest].shape[2] // longest
    energies = np.concatenate(
        [
            length * power.reshape(len(power), len(sites), blocks, -1)
            for power, length in zip(powers, lengths, strict=True)
        ],
        axis=3,
    )
    sums = np.concatenate([np.kron(np.eye(longest // m), np.ones((1, m))) for m in lengths])
    found = np.empty_like(powers[shortest])
    for k, name in enumerate(sites):
        norm = _covariance(method, residuals, scenarios, lengths=lengths, site=name)
        weights = (
            sums.T * (_each([m == 1 for m in lengths], lengths)) if norm is None else weights_of(sums, norm)
        )
        made = energies[:, k] @ weights.T
        limits = {"low": np.full(longest, low[k]), "high": np.full(longest, high[k])}
        held = norm if bounds_by == "optimisation" else None
        made = within(made.reshape(-1, longest), sums=sums, covariance=held, **limits)
        found[:, k] = made.reshape(len(found), -1)
    about = f"temporal ({method}: {', '.join(item.data.attrs['frequency'] for item in scenarios)})"
    return [_mean(found, item, sites=sites, about=about) for item in scenarios]


def _lengths(scenarios: Sequence[Scenarios]) -> list[int]:
    """Shortest steps in the step of each; refuse scenarios of several windows, and steps that do not fit."""
    if len(scenarios) < 2:
        raise SchemaError(
            f"{len(scenarios)} sets of scenarios are given.",
            "There must be one for each of two steps or more.",
            "Give e.g. [quarters, hours, day].",
        )
    first = scenarios[0]
    begins, ends, issues = set(), set(), set()
    for item in scenarios:
        step = timestamps.duration(item.data.attrs["frequency"])
        begins.add(item.valid_times[0])
        ends.add(item.valid_times[-1] + step)
        issues |= {str(item.data.attrs["issue_time"])} if "issue_time" in item.data.attrs else set()
        if (
            set(item.sites) != set(first.sites)
            or item.n_scenarios != first.n_scenarios
            or item.kinds != first.kinds
        ):
            raise SchemaError(
                f"One set is {first!r}, another {item!r}.",
                "All must have the same sites, kinds and number of scenarios.",
                "Sample the same number of scenarios of the same sites at each step.",
            )
    if len(begins) > 1 or len(ends) > 1 or len(issues) > 1:
        raise TimeError(
            f"The windows begin at {_shown(begins)}, end at {_shown(ends)}, and were issued at {_shown(issues)}.",
            "All steps must be of one window and one issue.",
            "Select the intervals that all have: of whole longest steps.",
        )
    steps = [timestamps.duration(item.data.attrs["frequency"]) for item in scenarios]
    lengths = [step / min(steps) for step in steps]
    if len(set(lengths)) < len(lengths) or any(m % 1 or max(lengths) % m for m in lengths):
        raise TimeError(
            f"The steps are {', '.join(item.data.attrs['frequency'] for item in scenarios)}.",
            "They must differ, and each be a whole multiple of the shortest and a whole part of the longest.",
            "Leave out those that do not fit, or add the forecast of a longer step.",
        )
    return [int(m) for m in lengths]


def _shown(moments: set[Any]) -> str:
    return " and ".join(sorted(map(str, moments))) or "unknown moments"


def _paired(power: Array, *, like: Array) -> Array:
    """Scenarios in the order of their energy over all sites and the window that others have."""
    rank = np.argsort(np.argsort(like.mean(axis=2).sum(axis=1), kind="stable"), kind="stable")
    return np.asarray(power[np.argsort(power.mean(axis=2).sum(axis=1), kind="stable")[rank]])


def _covariance(
    method: str,
    residuals: Sequence[pd.DataFrame] | None,
    scenarios: Sequence[Scenarios],
    *,
    lengths: list[int],
    site: str,
) -> Array | None:
    """Covariance of the energies of all intervals of the longest step; None if the shortest step decides."""
    if method == "bottom_up":
        return None
    if method == "wls_struct":
        return np.diag(_each(lengths, lengths))
    if residuals is None or len(residuals) != len(scenarios):
        raise MissingDataError(
            f"There are residuals of {0 if residuals is None else len(residuals)} steps, and scenarios of "
            f"{len(scenarios)}.",
            'The variance of the residuals at each step must be known for method="wls".',
            'Collect them with hindcast_residuals at each step, or use method="wls_struct".',
        )
    variances = [_variance(table, item, site=site) for table, item in zip(residuals, scenarios, strict=True)]
    return np.diag(_each([m**2 * v for m, v in zip(lengths, variances, strict=True)], lengths))


def _variance(residuals: pd.DataFrame, scenarios: Scenarios, *, site: str) -> float:
    """Variance of the residuals of one step and site. [MW²]"""
    check_known(residuals.attrs.get("known_by"), scenarios)
    step = scenarios.data.attrs["frequency"]
    found = as_numbers("residuals", residuals[site]) if site in residuals else np.empty(0)
    found = found[np.isfinite(found)]
    if len(found) < 10 or not varies(found[:, None])[0]:
        raise MissingDataError(
            f"{len(found)} residuals of {site!r} at the step of {step} are known.",
            "A variance must be learnt from 10 or more, which differ.",
            'Give more past forecasts, or use method="wls_struct".',
        )
    return float(found.var())


def _each(values: Sequence[float], lengths: list[int]) -> Array:
    """A value for each interval of the longest step, from one for each step."""
    return np.repeat(np.asarray(values, dtype=float), [max(lengths) // m for m in lengths])


def _mean(power: Array, like: Scenarios, *, sites: tuple[str, ...], about: str) -> Scenarios:
    """Means of the power of shortest steps at the step of other scenarios."""
    earlier = like.data.attrs.get("reconciliation")
    means = power.reshape(*power.shape[:2], len(like.valid_times), -1).mean(axis=3)
    return Scenarios.from_values(
        means[:, [sites.index(name) for name in like.sites]],
        sites=like.sites,
        kind=like.kinds,
        valid_time=like.valid_times,
        frequency=like.data.attrs["frequency"],
        attrs=dict(like.data.attrs) | {"reconciliation": f"{earlier}; {about}" if earlier else about},
    )
