"""Reconciliation within bounds, of other covariances, and over steps: conditions of the optimum, and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import (
    EnergyForecastError,
    LeakageError,
    MissingDataError,
    RangeError,
    SchemaError,
    TimeError,
)
from energyforecast.planning import MinT, reconcile, reconcile_temporal

Array = npt.NDArray[Any]
NAMES = ["west", "all", "a", "b", "c"]
TREE = {"west": ["a", "b"], "all": ["west", "c"]}
SUMS = np.array([[1, 1, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float)


def _residuals(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(rows, 5)) @ rng.normal(size=(5, 5)), columns=NAMES)


def _drawn(values: Array, sites: list[str] = NAMES, step: str = "1h", **attrs: str) -> Scenarios:
    times = pd.date_range("2024-01-02", periods=values.shape[2], freq=step, tz="UTC")
    return Scenarios.from_values(values, sites=sites, valid_time=times, frequency=step, attrs=attrs)


def _random(scenarios: int = 40, hours: int = 5, seed: int = 1) -> Array:
    return np.asarray(np.random.default_rng(seed).normal(1, 4, (scenarios, 5, hours)))


def _inverse(fitted: MinT) -> Array:
    """Norm in which distances are measured."""
    assert fitted.covariance is not None
    return np.asarray(np.linalg.inv(fitted.covariance))


# --- Covariances ----------------------------------------------------------------------------------


def test_structural_scaling_by_hand() -> None:
    """Variances 2, 1 and 1: a total that is 4 too high gives half of it up, and a quarter goes to each site."""
    given = _drawn(np.array([[[34.0], [10.0], [20.0]]]), ["all", "a", "b"])
    made = reconcile(given, hierarchy={"all": ["a", "b"]}, method="wls_struct")
    np.testing.assert_allclose(made.data.values[0, :, 0], [32, 11, 21])


def test_the_sample_covariance_is_used_as_it_is() -> None:
    residuals = _residuals()
    inverse = np.linalg.inv(np.cov(residuals.to_numpy().T))
    expected = np.linalg.inv(SUMS.T @ inverse @ SUMS) @ SUMS.T @ inverse
    found = MinT.fit(TREE, residuals=residuals, method="mint_cov")
    np.testing.assert_allclose(found.weights, expected, atol=1e-9)
    assert (found.shrinkage, found.rows) == (0.0, 400)
    np.testing.assert_allclose(found.weights @ SUMS, np.eye(3), atol=1e-9)


@pytest.mark.parametrize(
    ("residuals", "error", "words"),
    [
        (_residuals(12).assign(d=0.0)[:5], MissingDataError, "hours"),
        (_residuals(11)[:10].reindex(range(12)), None, ""),
        (_residuals().assign(all=lambda t: t["west"] + t["c"]), RangeError, "singular"),
        (_residuals().assign(west=np.inf), MissingDataError, "0 hours"),
    ],
    ids=range(4),
)
def test_a_singular_covariance_is_refused(residuals: pd.DataFrame, error: Any, words: str) -> None:
    if error is None:  # ten hours of five names are enough, NaN are left out
        assert MinT.fit(TREE, residuals=residuals, method="mint_cov").missing == 2
        return
    with pytest.raises(error, match=words) as caught:
        MinT.fit(TREE, residuals=residuals, method="mint_cov")
    assert len(str(caught.value).splitlines()) == 3


def test_as_many_names_as_hours_have_no_covariance_of_their_own() -> None:
    tree = {"all": [f"s{k}" for k in range(11)]}
    residuals = pd.DataFrame(np.random.default_rng(0).normal(size=(12, 12)), columns=["all", *tree["all"]])
    with pytest.raises(MissingDataError, match="more hours than names"):
        MinT.fit(tree, residuals=residuals, method="mint_cov")
    MinT.fit(tree, residuals=residuals, method="mint_shrink")


# --- Bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["mint_shrink", "mint_cov", "wls", "wls_struct", "ols"])
@pytest.mark.parametrize("bounds", [(0, np.inf), {"a": (0, 2), "b": (1, 1), "c": (-1, np.inf)}], ids=str)
def test_the_optimum_within_bounds_meets_the_conditions_of_karush_kuhn_and_tucker(
    method: str, bounds: Any
) -> None:
    """Slopes are 0 between the bounds, upwards at the lower one and downwards at the upper one."""
    values = _random()
    fitted = MinT.fit(TREE, residuals=_residuals(), method=method)
    made = fitted.apply(_drawn(values), bounds=bounds, bounds_by="optimisation").data.values
    each = bounds if isinstance(bounds, dict) else dict.fromkeys("abc", bounds)
    low, high = (np.array([each[name][k] for name in "abc"])[:, None] for k in (0, 1))
    sites = made[:, 2:]
    assert (sites >= low).all()
    assert (sites <= high).all()
    np.testing.assert_allclose(np.einsum("ns,ksh->knh", SUMS, sites), made, atol=1e-9)
    slope = np.einsum("sn,nm,kmh->ksh", SUMS.T, _inverse(fitted), made - values)
    slope /= np.abs(slope).max()
    assert (slope[(sites > low) & (sites < high)] < 1e-6).all()
    assert (slope[sites < high] > -1e-6).all()
    assert (slope[sites > low] < 1e-6).all()
    assert (sites == low).any()


def test_the_optimum_is_nearer_than_clipping_and_equal_where_nothing_leaves() -> None:
    fitted = MinT.fit(TREE, residuals=_residuals())
    inverse = _inverse(fitted)
    values, far = _random(), {}
    for by in ("clipping", "optimisation"):
        gap = fitted.apply(_drawn(values), bounds=(0, 3), bounds_by=by).data.values - values
        far[by] = np.einsum("knh,nm,kmh->kh", gap, inverse, gap)
    assert (far["optimisation"] <= far["clipping"] + 1e-9).all()
    assert (far["optimisation"] < far["clipping"] - 1e-3).mean() > 0.3
    free = fitted.apply(_drawn(values)).data.values
    inside = ((free[:, 2:] >= 0) & (free[:, 2:] <= 3)).all(axis=1)
    held = fitted.apply(_drawn(values), bounds=(0, 3), bounds_by="optimisation").data.values
    np.testing.assert_array_equal(held.transpose(0, 2, 1)[inside], free.transpose(0, 2, 1)[inside])


def test_from_bottom_up_the_nearest_point_is_the_clipped_one() -> None:
    given = _drawn(_random())
    clipped, optimal = (
        reconcile(given, hierarchy=TREE, method="bottom_up", bounds=(0, 2), bounds_by=by).data
        for by in ("clipping", "optimisation")
    )
    np.testing.assert_array_equal(clipped, optimal)


@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_the_unit_of_sites_does_not_matter(size: float) -> None:
    """A roof and a power station in one hierarchy."""
    unit = np.array([1.0, size])
    values = np.random.default_rng(0).normal(size=(50, 2, 1)) * unit[:, None]
    values = np.concatenate([values.sum(axis=1, keepdims=True) + size, values], axis=1)
    past = np.random.default_rng(1).normal(size=(200, 2)) * unit
    residuals = pd.DataFrame(
        np.column_stack([past.sum(axis=1) + unit.max() * 0.1 * past[:, 0], past]), columns=["all", "a", "b"]
    )
    fitted = MinT.fit({"all": ["a", "b"]}, residuals=residuals, method="wls")
    made = fitted.apply(
        _drawn(values, ["all", "a", "b"]), bounds=(0, np.inf), bounds_by="optimisation"
    ).data.values
    slope = np.einsum("sn,nm,kmh->ksh", fitted.sums.T, _inverse(fitted), made - values)
    free = np.abs(slope * unit[:, None])[made[:, 1:] > 0]
    assert free.max() < 1e-6 * np.abs(slope * unit[:, None]).max()


@pytest.mark.parametrize(
    "wrong",
    [
        {"bounds": (1.0, 0.0)},
        {"bounds": (np.nan, 1.0)},
        {"bounds": (np.inf, np.inf)},
        {"bounds": (0.0,)},
        {"bounds": 0.0},
        {"bounds": {"west": (0, 1)}},
        {"bounds": (0, 1), "bounds_by": "magic"},
        {"bounds_by": None},
        {"method": "mint"},
    ],
    ids=str,
)
def test_bounds_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        reconcile(_drawn(_random()), hierarchy=TREE, **({"method": "ols"} | wrong))
    assert len(str(caught.value).splitlines()) == 3


# --- Steps ----------------------------------------------------------------------------------------

STEPS = {"15min": 1, "1h": 4, "1D": 96}


def _at_steps(seed: int = 0, days: int = 2, n: int = 6, sites: int = 2, **attrs: str) -> list[Scenarios]:
    rng = np.random.default_rng(seed)
    names = [f"site {k}" for k in range(sites)]
    return [
        _drawn(rng.normal(3, 2, (n, sites, days * 96 // m)), names, step, **attrs)
        for step, m in STEPS.items()
    ]


def test_steps_agree_and_are_the_projection_of_athanasopoulos_and_others() -> None:
    """In sums, with the weights written out: diag(1, 4, 96) for the energies of a day."""
    given = _at_steps()
    made = reconcile_temporal(given, pairing="given")
    sums = np.concatenate([np.eye(96), np.kron(np.eye(24), np.ones((1, 4))), np.ones((1, 96))])
    scale = np.diag(1 / sums.sum(axis=1))
    project = np.linalg.inv(sums.T @ scale @ sums) @ sums.T @ scale
    for site in (0, 1):
        for day in (0, 1):
            energies = [
                m * item.data.values[:, site].reshape(6, 2, -1)[:, day]
                for item, m in zip(given, STEPS.values(), strict=True)
            ]
            expected = np.concatenate(energies, axis=1) @ project.T
            found = made[0].data.values[:, site].reshape(6, 2, 96)[:, day]
            np.testing.assert_allclose(found, expected, atol=1e-9)
    quarters = made[0].data.values
    np.testing.assert_allclose(made[1].data.values, quarters.reshape(6, 2, 48, 4).mean(axis=3))
    np.testing.assert_allclose(made[2].data.values, quarters.reshape(6, 2, 2, 96).mean(axis=3))
    assert made[2].data.attrs["reconciliation"] == "temporal (wls_struct: 15min, 1h, 24h)"
    assert [item.data.attrs["frequency"] for item in made] == [i.data.attrs["frequency"] for i in given]


@pytest.mark.parametrize("method", ["wls_struct", "wls", "bottom_up"])
def test_steps_that_agree_stay_in_any_order(method: Any) -> None:
    first = reconcile_temporal(_at_steps(), method="bottom_up")
    residuals = [
        pd.DataFrame(np.random.default_rng(k).normal(size=(50, 2)), columns=first[0].sites) for k in range(3)
    ]
    again = reconcile_temporal(first[::-1], method=method, residuals=residuals)
    for one, other in zip(first, again[::-1], strict=True):
        np.testing.assert_allclose(one.data.values, other.data.values, atol=1e-9)


def test_variances_of_steps_by_hand() -> None:
    """Half hours of variance 1, hour of 4: in energies 1, 1 and 16, a gap of 18 is shared 1 : 1 : 16."""
    unit = np.tile([-1.0, 1.0], 10)
    residuals = [pd.DataFrame({"farm": unit}), pd.DataFrame({"farm": 2 * unit})]
    given = [_drawn(np.array([[[4.0, 6.0]]]), ["farm"], "30min"), _drawn(np.array([[[14.0]]]), ["farm"])]
    halves, hour = reconcile_temporal(given, method="wls", residuals=residuals)
    np.testing.assert_allclose(halves.of(), [[5, 7]])
    np.testing.assert_allclose(hour.of(), [[6]])


@pytest.mark.parametrize("bounds_by", ["clipping", "optimisation"])
def test_bounds_of_steps_hold(bounds_by: Any) -> None:
    made = reconcile_temporal(_at_steps(), bounds={"site 0": (0, 4)}, bounds_by=bounds_by)
    free = reconcile_temporal(_at_steps())
    inside = [item.of("site 0") for item in made]
    assert min(item.min() for item in inside) == 0
    assert max(item.max() for item in inside) == pytest.approx(4)
    np.testing.assert_array_equal(made[0].of("site 1"), free[0].of("site 1"))
    np.testing.assert_allclose(made[1].of("site 0"), made[0].of("site 0").reshape(6, 48, 4).mean(axis=2))


def test_scenarios_sampled_apart_are_paired_by_energy() -> None:
    """Two forecasts of the same distribution: averaged as drawn, the spread of the day would be too small."""
    rng = np.random.default_rng(0)
    spread = {}
    day, other = rng.normal(50, 10, (2, 400, 1, 1))
    hours = np.repeat(day, 24, axis=2) + rng.normal(size=(400, 1, 24))
    given = [_drawn(hours, ["farm"]), _drawn(other, ["farm"], "24h")]
    for pairing in ("given", "energy"):
        spread[pairing] = reconcile_temporal(given, pairing=pairing)[1].of().std()
    assert spread["given"] < 8
    assert spread["energy"] == pytest.approx(10, abs=0.8)
    # The order of the shortest step is kept, with which other sites and days may have been paired.
    order = reconcile_temporal(given)[0].of().mean(axis=1)
    np.testing.assert_array_equal(np.argsort(order), np.argsort(hours[:, 0].mean(axis=1)))


def test_sites_and_steps_agree_at_once_in_any_order() -> None:
    """One matrix along the sites and one along the hours: they commute."""
    rng = np.random.default_rng(0)
    names = ["all", "a", "b"]
    given = [
        _drawn(rng.normal(3, 2, (4, 3, 48 // m)), names, step)
        for step, m in {"30min": 1, "1h": 2, "6h": 12}.items()
    ]
    fitted = MinT.fit({"all": ["a", "b"]}, residuals=_residuals()[names])
    one = reconcile_temporal([fitted.apply(item) for item in given], pairing="given")
    other = [fitted.apply(item) for item in reconcile_temporal(given, pairing="given")]
    for this, that in zip(one, other, strict=True):
        np.testing.assert_allclose(this.data.values, that.data.values, atol=1e-9)
        np.testing.assert_allclose(this.of("a") + this.of("b"), this.of("all"), atol=1e-9)
    np.testing.assert_allclose(one[2].of("a"), one[0].of("a").reshape(4, 4, 12).mean(axis=2))
    assert one[0].data.attrs["reconciliation"].startswith("MinT(mint_shrink")
    assert one[0].data.attrs["reconciliation"].endswith("; temporal (wls_struct: 30min, 1h, 6h)")


def test_a_day_of_23_hours_is_an_interval_of_its_own_length() -> None:
    hours, day = _drawn(np.ones((1, 1, 23)), ["farm"]), _drawn(np.full((1, 1, 1), 3.0), ["farm"], "23h")
    made = reconcile_temporal([hours, day])
    np.testing.assert_allclose(
        made[0].of(), 2.0
    )  # the gap of 46 in energy is shared by variances of 23 and 23
    with pytest.raises(TimeError, match="end at"):
        reconcile_temporal([hours, _drawn(np.ones((1, 1, 1)), ["farm"], "24h")])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda given: given[:1], SchemaError),
        (lambda given: [], SchemaError),
        (lambda given: given[0], SchemaError),
        (lambda given: [*given, given[1]], TimeError),
        (lambda given: [given[0], *_at_steps(days=4)[1:]], TimeError),
        (lambda given: [given[0], *_at_steps(n=5)[1:]], SchemaError),
        (lambda given: [given[0], *_at_steps(sites=1)[1:]], SchemaError),
        (lambda given: [given[0], *_at_steps(issue_time="2024-01-01T10:00Z")[1:]], TimeError),
        (
            lambda given: [_drawn(np.ones((1, 1, 6)), ["a"], "40min"), _drawn(np.ones((1, 1, 4)), ["a"])],
            TimeError,
        ),
        (
            lambda given: [_drawn(np.ones((1, 1, 6)), ["a"], "2h"), _drawn(np.ones((1, 1, 4)), ["a"], "3h")],
            TimeError,
        ),
    ],
    ids=range(10),
)
def test_steps_and_windows_that_do_not_fit_are_refused(change: Any, error: type[EnergyForecastError]) -> None:
    with pytest.raises(error) as caught:
        reconcile_temporal(change(_at_steps(issue_time="2024-01-01T09:00Z")))
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("tables", "error"),
    [
        (None, MissingDataError),
        ([np.ones(20)], MissingDataError),
        ([np.ones(20)] * 3, MissingDataError),
        ([np.arange(9.0)] * 3, MissingDataError),
        ([np.full(20, np.nan)] * 3, MissingDataError),
        (["known late"] * 3, LeakageError),
    ],
    ids=range(6),
)
def test_residuals_of_steps_that_teach_no_variance_are_refused(
    tables: Any, error: type[EnergyForecastError]
) -> None:
    residuals = None
    if tables is not None:
        late = isinstance(tables[0], str)
        values = [np.arange(20.0)] * 3 if late else tables
        residuals = [pd.DataFrame({"site 0": one, "site 1": one}) for one in values]
        for table in residuals if late else ():
            table.attrs["known_by"] = pd.Timestamp("2024-01-01T10:00Z")
    with pytest.raises(error) as caught:
        reconcile_temporal(_at_steps(issue_time="2024-01-01T09:00Z"), method="wls", residuals=residuals)
    assert len(str(caught.value).splitlines()) == 3
