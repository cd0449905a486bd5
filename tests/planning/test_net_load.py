"""Net load and reconciliation: computed in scenarios, against closed forms and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

from energyforecast import Forecast
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import LeakageError, MissingDataError, SchemaError, TimeError
from energyforecast.planning import (
    GaussianCopula,
    MinT,
    hindcast_residuals,
    net_load,
    reconcile,
    sample_scenarios,
)
from energyforecast.testing import example_days, example_forecast, example_observations

Array = npt.NDArray[Any]
HOURS = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")


def _scenarios(values: Array, *sites: str, issue: str = "2024-01-01T09:00Z") -> Scenarios:
    return Scenarios.from_values(values, sites=sites, valid_time=HOURS, attrs={"issue_time": issue})


def _one(name: str, *, seed: int = 0) -> Forecast:
    """N(50, 10²) in every hour."""
    forecast, _ = example_days(days=1, sites=(name,), seed=seed)
    return forecast


# --- Net load -------------------------------------------------------------------------------------


@pytest.mark.parametrize("tie", [0.0, 0.6])
def test_net_load_of_dependent_normals_is_the_normal_of_the_textbook(tie: float) -> None:
    """The variance of d - w - s is 3 - 2r times that of one, for equal correlations r."""
    net = net_load(
        demand=_one("city"),
        wind=_one("farm"),
        solar=_one("plant"),
        n_scenarios=4000,
        dependence=GaussianCopula.exponential(range_hours=6.0, site_correlation=tie),
    )
    deviation = 10 * np.sqrt(3 - 2 * tie)
    for level in (0.05, 0.5, 0.95):
        expected = -50 + deviation * stats.norm.ppf(level)
        assert net.quantiles([level])[f"q{level:g}"].mean() == pytest.approx(expected, abs=0.4)


def test_quantiles_of_a_sum_are_not_sums_of_quantiles() -> None:
    pair = sample_scenarios([_one("a"), _one("b")], n_scenarios=4000)
    total = pair.total({"all": ["a", "b"]}).quantiles([0.95])["q0.95"].mean()
    added = sum(pair.quantiles([0.95], site=name)["q0.95"].mean() for name in ("a", "b"))
    assert total == pytest.approx(100 + np.sqrt(2) * 16.45, abs=0.5)
    assert added == pytest.approx(100 + 2 * 16.45, abs=0.5)


def test_areas_and_parts_add_up_in_every_scenario() -> None:
    demand, _ = example_days(days=1, sites=("city", "works"))
    net = net_load(
        demand=demand,
        wind=example_forecast(),
        areas={"north": {"city", "farm"}, "south": {"works"}},
        parts=True,
        n_scenarios=20,
    )
    assert net.sites == (
        *("north", "north: demand", "north: wind", "south", "south: demand", "south: wind"),
        *("net load", "demand", "wind"),
    )
    np.testing.assert_allclose(net.of("north") + net.of("south"), net.of("net load"))
    np.testing.assert_allclose(net.of("north: demand") - net.of("north: wind"), net.of("north"))
    assert (net.of("south: wind") == 0).all()
    # The same scenarios, taken apart by hand.
    both = sample_scenarios([demand, example_forecast()], n_scenarios=20)
    np.testing.assert_allclose(both.of("city") - both.of("farm"), net.of("north"))
    again = net_load(demand=both.total({"d": ["city", "works"]}), wind=both.total({"w": ["farm"]}))
    np.testing.assert_allclose(again.of(), net.of("net load"))


def test_what_cannot_be_net_load() -> None:
    demand, wind = _one("city"), example_forecast()
    drawn = sample_scenarios(demand, n_scenarios=10)
    with pytest.raises(SchemaError, match="some are scenarios and some forecasts"):
        net_load(demand=drawn, wind=wind)
    with pytest.raises(SchemaError, match="10 scenarios of demand and 11 of wind"):
        net_load(demand=drawn, wind=sample_scenarios(wind, n_scenarios=11))
    with pytest.raises(SchemaError, match="'city' is given as two kinds"):
        net_load(demand=drawn, wind=drawn)
    with pytest.raises(SchemaError, match=r"Site 'farm' is in the areas \[\]"):
        net_load(demand=demand, wind=wind, areas={"north": {"city"}})
    with pytest.raises(SchemaError, match="The areas hold \\['elsewhere'\\]"):
        net_load(demand=demand, wind=wind, areas={"north": {"city", "farm", "elsewhere"}})
    values = np.zeros((2, 1, 2))
    with pytest.raises(TimeError, match="issued at"):
        net_load(demand=_scenarios(values, "a"), wind=_scenarios(values, "b", issue="2024-01-01T10:00Z"))
    with pytest.raises(TimeError, match="begin at"):
        net_load(demand=drawn, wind=_scenarios(np.zeros((10, 1, 2)), "b"))


# --- Reconciliation -------------------------------------------------------------------------------

TREE = {"all": ["a", "b"]}


def test_weights_of_two_sites_by_hand() -> None:
    """Errors of deviations 1, 2 and 3 without correlation: a total that is 7 too high is shared 1 : 4 : 9."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((5000, 3))
    noise = np.linalg.solve(np.linalg.cholesky(np.cov(noise.T)), (noise - noise.mean(axis=0)).T).T
    errors = pd.DataFrame(noise * [3.0, 1.0, 2.0], columns=["all", "a", "b"])
    given = _scenarios(np.array([[[10.0, 10.0], [20.0, 20.0], [37.0, 30.0]]]), "a", "b", "all")
    for method in ("wls", "mint_shrink"):
        made = reconcile(given, hierarchy=TREE, residuals=errors, method=method)
        np.testing.assert_allclose(made.data.values[0, :, 0], [10 + 0.5, 20 + 2.0, 37 - 4.5], atol=1e-6)
        np.testing.assert_allclose(made.data.values[0, :, 1], [10, 20, 30], atol=1e-9)


def test_correlated_errors_move_weights_as_the_formula_says() -> None:
    """Against the formula with the inverse written out, for the covariance that was learnt from."""
    rng = np.random.default_rng(1)
    mix = np.array([[3.0, 1.0, 0.5], [0.0, 1.0, 0.7], [0.0, 0.0, 2.0]])
    errors = pd.DataFrame(rng.standard_normal((4000, 3)) @ mix, columns=["all", "a", "b"])
    found = MinT.fit(TREE, residuals=errors)
    sample = errors.corr().to_numpy()
    kept = np.where(np.eye(3, dtype=bool), 1.0, (1 - found.shrinkage) * sample)
    inverse = np.linalg.inv(kept * np.outer(errors.std(), errors.std()))
    sums = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    expected = np.linalg.inv(sums.T @ inverse @ sums) @ sums.T @ inverse
    np.testing.assert_allclose(found.weights, expected, atol=1e-9)
    assert 0 < found.shrinkage < 0.05


def test_the_shrinkage_is_that_of_schafer_and_strimmer() -> None:
    """Their formula, pair by pair."""
    rng = np.random.default_rng(2)
    errors = pd.DataFrame(rng.standard_normal((30, 3)), columns=["all", "a", "b"])
    errors["a"] += 0.5 * errors["all"]
    unit = ((errors - errors.mean()) / errors.std()).to_numpy()
    variance = distance = 0.0
    n = len(unit)
    for i in range(3):
        for j in range(3):
            if i != j:
                w = unit[:, i] * unit[:, j]
                variance += n / (n - 1) ** 3 * ((w - w.mean()) ** 2).sum()
                distance += (n / (n - 1) * w.mean()) ** 2
    assert MinT.fit(TREE, residuals=errors).shrinkage == pytest.approx(variance / distance, rel=1e-6)


@pytest.mark.parametrize("method", ["mint_shrink", "wls", "ols", "bottom_up"])
def test_what_adds_up_stays_and_what_does_not_is_made_to(method: str) -> None:
    rng = np.random.default_rng(3)
    tree = {"all": ["west", "c"], "west": ["a", "b"]}
    errors = pd.DataFrame(rng.standard_normal((200, 5)), columns=["all", "west", "a", "b", "c"])
    sites = rng.uniform(0, 10, (50, 3, 2))
    whole = np.stack([*sites.transpose(1, 0, 2), sites[:, :2].sum(axis=1), sites.sum(axis=1)], axis=1)
    coherent = _scenarios(whole, "a", "b", "c", "west", "all")
    same = reconcile(coherent, hierarchy=tree, residuals=errors, method=method)
    np.testing.assert_allclose(same.data.values, whole, atol=1e-9)
    assert same.sites == coherent.sites
    assert same.data.attrs["reconciliation"].startswith(f"MinT({method}, 3 sites, 2 sums")
    noisy = _scenarios(whole + rng.normal(size=whole.shape), *coherent.sites)
    made = reconcile(
        noisy, hierarchy=tree, residuals=errors, method=method, bounds=dict.fromkeys("abc", (0, 10))
    )
    np.testing.assert_allclose(made.of("a") + made.of("b"), made.of("west"))
    np.testing.assert_allclose(made.of("west") + made.of("c"), made.of("all"))
    assert made.of("a").min() >= 0
    assert made.of("a").max() <= 10
    if method == "bottom_up":
        np.testing.assert_allclose(made.of("c"), np.clip(noisy.of("c"), 0, 10))


def test_reconciling_lowers_the_error_of_a_total_that_is_forecast_badly() -> None:
    rng = np.random.default_rng(4)
    truth = rng.uniform(20, 40, (1000, 2, 2))
    whole = np.concatenate([truth, truth.sum(axis=1, keepdims=True)], axis=1)
    error = rng.standard_normal(whole.shape) * np.array([1.0, 1.0, 5.0])[:, None]
    past = pd.DataFrame(rng.standard_normal((500, 3)) * [1.0, 1.0, 5.0], columns=["a", "b", "all"])
    made = reconcile(_scenarios(whole + error, "a", "b", "all"), hierarchy=TREE, residuals=past)
    after = np.sqrt(((made.data.values - whole) ** 2).mean(axis=(0, 2)))
    assert after[2] == pytest.approx(np.sqrt(1 / (1 / 2 + 1 / 25)), rel=0.05)  # best of both estimates
    assert (after[:2] < 1.01).all()


def test_hindcast_residuals_are_of_what_was_published() -> None:
    forecast, observations = example_days(days=20)
    issue = forecast.issue_times[10]
    errors = hindcast_residuals(forecast, observations, until=issue)
    # Issued at 09:00: hours that ended by 08:00 are published, of the ten days before and of today.
    assert int(errors["a"].notna().sum()) == 9 * 24 + 8
    assert errors.attrs["known_by"] == issue
    row = errors.index[0]
    expected = observations.values.loc[row[1], "a"] - 50
    assert errors["a"].iloc[0] == pytest.approx(expected, abs=1e-4)
    late = hindcast_residuals(forecast, observations)
    total = Forecast(forecast.data.isel(issue_time=[10]))
    drawn = sample_scenarios(total, n_scenarios=10)
    with pytest.raises(LeakageError, match="Residuals became known until"):
        reconcile(drawn, hierarchy={"a": ["b"]}, residuals=late)
    reconcile(drawn, hierarchy={"a": ["b"]}, residuals=errors)


def test_what_cannot_be_reconciled() -> None:
    given = _scenarios(np.ones((2, 3, 2)), "a", "b", "all")
    with pytest.raises(SchemaError, match="'all' is part of itself"):
        reconcile(given, hierarchy={"all": ["a", "all"]}, method="ols")
    with pytest.raises(SchemaError, match=r"'all' counts \['a'\] twice"):
        reconcile(given, hierarchy={"all": ["a", "some"], "some": ["a", "b"]}, method="ols")
    with pytest.raises(SchemaError, match="A sum has no parts"):
        reconcile(given, hierarchy={"all": []}, method="ols")
    with pytest.raises(SchemaError, match="The hierarchy holds"):
        reconcile(given, hierarchy={"all": ["a"]}, method="ols")
    with pytest.raises(SchemaError, match="method is 'best'"):
        reconcile(given, hierarchy=TREE, method="best")
    with pytest.raises(SchemaError, match=r"Bounds are given for \['all'\]"):
        reconcile(given, hierarchy=TREE, method="ols", bounds={"all": (0, 1)})
    with pytest.raises(MissingDataError, match="no residuals of"):
        reconcile(given, hierarchy=TREE)
    rng = np.random.default_rng(0)
    errors = pd.DataFrame(rng.standard_normal((12, 3)), columns=["a", "b", "all"])
    errors.loc[3:, "a"] = np.nan
    with pytest.raises(MissingDataError, match="3 hours have the residuals of all names"):
        reconcile(given, hierarchy=TREE, residuals=errors)
    with pytest.raises(MissingDataError, match=r"those of \['a'\] do not vary"):
        reconcile(given, hierarchy=TREE, residuals=errors.fillna({"a": 1.0}).assign(a=1.0))


def test_missing_errors_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(0)
    errors = pd.DataFrame(rng.standard_normal((100, 3)), columns=["a", "b", "all"])
    errors.loc[:4, "b"] = np.nan
    found = MinT.fit(TREE, residuals=errors)
    assert (found.rows, found.missing) == (95, 5)


def test_errors_of_the_example() -> None:
    errors = hindcast_residuals(example_forecast(), example_observations())
    assert errors["farm"].round(6).unique().tolist() == [1.0]
