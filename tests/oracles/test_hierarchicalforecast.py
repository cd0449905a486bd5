"""Reconciliation of sites and steps against hierarchicalforecast."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from energyforecast import Scenarios
from energyforecast.planning import MinT, reconcile_temporal
from tests.support.oracles import Array, Pair, compared, peer

methods = peer("hierarchicalforecast.methods")

#: A tree, two levels of sums, and one site that two sums share.
HIERARCHIES: tuple[dict[str, list[str]], ...] = (
    {"all": ["a", "b"]},
    {"west": ["a", "b"], "east": ["c", "d", "e"], "all": ["west", "east"]},
    {"wind": ["a", "b"], "north": ["b", "c"], "all": ["a", "b", "c"]},
)
THEIRS = {"wls": "wls_var"}


def cases(rng: np.random.Generator, draws: int) -> Iterator[tuple[MinT, pd.DataFrame]]:
    """Hierarchies with correlated residuals of very different size."""
    for hierarchy in HIERARCHIES:
        names = MinT.fit(hierarchy, method="ols").names
        for _ in range(draws):
            mix = rng.normal(size=(len(names), len(names))) * 10 ** rng.uniform(0, 3, len(names))
            residuals = rng.normal(size=(rng.integers(20, 200), len(names))) @ mix
            yield MinT.fit(hierarchy, method="ols"), pd.DataFrame(residuals, columns=names)


def fitted(method: str, sums: Array, residuals: pd.DataFrame, forecast: Array, **how: Any) -> Any:
    """Their reconciliation, of residuals around 0 of their own forecasts."""
    errors = residuals.to_numpy().T
    with warnings.catch_warnings():  # of its solver, about the form of its matrices
        warnings.filterwarnings("ignore", "Converted matrix", UserWarning)
        return methods.MinTrace(method, **how).fit(
            sums, forecast, y_insample=errors, y_hat_insample=np.zeros_like(errors)
        )


def weights(rng: np.random.Generator, draws: int, method: str, **how: Any) -> Iterator[Pair]:
    """Weights of all names in each site."""
    for plain, residuals in cases(rng, draws):
        tree = {
            name: [site for site, part in zip(plain.sites, row, strict=True) if part]
            for name, row in zip(plain.names, plain.sums, strict=True)
            if name not in plain.sites
        }
        both = pd.concat([residuals, -residuals])  # its variances are the mean squares of the residuals
        found = MinT.fit(tree, residuals=both if method == "wls" else residuals, method=method)
        order = [found.sites.index(site) for site in plain.sites]
        columns = [found.names.index(name) for name in plain.names]
        forecast = np.zeros((len(plain.names), 1))
        other = fitted(THEIRS.get(method, method), plain.sums, residuals, forecast, **how)
        yield found.weights[np.ix_(order, columns)], other.P


@compared(
    "Weights without residuals",
    area="reconciliation",
    ours="planning.MinT, ols and wls_struct",
    theirs="MinTrace, ols and wls_struct",
    peer="hierarchicalforecast",
    suite=3,
    benchmark=100,
)
def test_weights_without_residuals(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    for method in ("ols", "wls_struct"):
        yield from weights(rng, draws, method)


@compared(
    "Weights of variances",
    area="reconciliation",
    ours="planning.MinT, wls",
    theirs="MinTrace, wls_var",
    peer="hierarchicalforecast",
    tolerance=1e-6,
    convention="Theirs takes mean squares, ours variances: compared for those of residuals and their negatives.",
    suite=5,
    benchmark=200,
)
def test_weights_of_variances(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    yield from weights(rng, draws, "wls")


@compared(
    "Weights of the sample covariance",
    area="reconciliation",
    ours="planning.MinT, mint_cov",
    theirs="MinTrace, mint_cov",
    peer="hierarchicalforecast",
    tolerance=1e-5,
    suite=5,
    benchmark=200,
)
def test_weights_of_the_sample_covariance(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    yield from weights(rng, draws, "mint_cov")


@compared(
    "Weights of the shrunk covariance",
    area="reconciliation",
    ours="planning.MinT, mint_shrink",
    theirs="MinTrace, mint_shrink",
    peer="hierarchicalforecast",
    tolerance=1e-6,
    convention="Theirs shrinks by 2e-8 at least, ours by 1e-6.",
    suite=5,
    benchmark=200,
)
def test_weights_of_the_shrunk_covariance(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    yield from weights(rng, draws, "mint_shrink")


@compared(
    "Reconciled forecasts that are not negative",
    area="reconciliation",
    ours="planning.MinT.apply(bounds_by='optimisation')",
    theirs="MinTrace(nonnegative=True)",
    peer="hierarchicalforecast",
    tolerance=1e-4,
    convention="Theirs sets negative forecasts to 0 before it projects, ours keeps them: compared from 0 on. "
    "The difference is their solver's: bounded least squares of scipy agree with ours to 1e-15.",
    suite=3,
    benchmark=50,
)
def test_reconciled_forecasts_that_are_not_negative(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    times = pd.date_range("2024-01-02", periods=6, freq="1h", tz="UTC")
    for plain, residuals in cases(rng, draws):
        scale = residuals.std().to_numpy()
        tree = {
            name: [site for site, part in zip(plain.sites, row, strict=True) if part]
            for name, row in zip(plain.names, plain.sums, strict=True)
            if name not in plain.sites
        }
        values = np.abs(rng.normal(size=(len(plain.names), 6)))
        for method in ("ols", "wls_struct", "mint_shrink"):
            size = scale / scale.max() if method == "mint_shrink" else 1.0
            given = residuals / scale.max()
            forecast = values * np.broadcast_to(size, len(values))[:, None]
            found = MinT.fit(tree, residuals=given, method=method)
            scenarios = Scenarios.from_values(forecast[None], sites=plain.names, valid_time=times)
            made = found.apply(scenarios, bounds=(0, np.inf), bounds_by="optimisation")
            yield made.data.values[0], fitted(method, plain.sums, given, forecast, nonnegative=True).y_hat


@compared(
    "Structural scaling of a temporal hierarchy",
    area="reconciliation",
    ours="planning.reconcile_temporal",
    theirs="MinTrace, wls_struct",
    peer="hierarchicalforecast",
    convention="Theirs is of sums (energy), ours of power: energies are compared.",
    suite=3,
    benchmark=50,
)
def test_structural_scaling_of_a_temporal_hierarchy(rng: np.random.Generator, draws: int) -> Iterator[Pair]:
    steps = {"24h": 96, "6h": 24, "1h": 4, "15min": 1}
    sums = np.concatenate([np.kron(np.eye(96 // m), np.ones((1, m))) for m in steps.values()])
    for _ in range(draws):
        energies = [rng.normal(size=(1, 1, 96 // m)) * m for m in steps.values()]
        scenarios = [
            Scenarios.from_values(
                energy / m,
                sites=["farm"],
                valid_time=pd.date_range("2024-01-02", periods=96 // m, freq=step, tz="UTC"),
                frequency=step,
            )
            for energy, (step, m) in zip(energies, steps.items(), strict=True)
        ]
        found = reconcile_temporal(scenarios)
        ours = np.concatenate([m * item.of()[0] for item, m in zip(found, steps.values(), strict=True)])
        forecast = np.concatenate([energy[0, 0] for energy in energies])[:, None]
        other = methods.MinTrace("wls_struct").fit(sums, forecast)
        yield ours, (sums @ other.P @ forecast)[:, 0]
