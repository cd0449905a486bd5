"""Reserve: closed forms, what more risk and more outages do, what is refused, and how often it is exceeded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import RangeError, SchemaError, TimeError
from energyforecast.planning import Outage, outage_table, reserve, reserve_exceedance, static_reserve

HOURS = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")


def _trajectories(values: np.ndarray, hours: pd.DatetimeIndex = HOURS) -> Scenarios:
    """Scenarios of one area, from an array of shape (scenarios, hours)."""
    return Scenarios.from_values(
        np.asarray(values, float)[:, None, :], sites=["area"], valid_time=hours, frequency="1h"
    )


def _normal(number: int, *, mean: float, spread: float) -> np.ndarray:
    """A normal distribution by equal probabilities: its quantiles are known, and no seed moves them."""
    levels = (np.arange(number) + 0.5) / number
    return np.repeat(stats.norm(mean, spread).ppf(levels)[:, None], 2, axis=1)


# -- closed forms ----------------------------------------------------------------------------------


def test_independent_normal_errors_need_the_quantile_of_their_sum() -> None:
    rng = np.random.default_rng(3)
    demand, wind = (rng.normal(0, spread, (20_000, 2)) for spread in (30.0, 40.0))
    table = reserve(_trajectories(500 + demand - wind), risk=0.01)
    expected = stats.norm(0, np.hypot(30, 40)).isf(0.01)
    np.testing.assert_allclose(table["up"], expected, rtol=0.03)
    np.testing.assert_allclose(table["down"], expected, rtol=0.03)
    np.testing.assert_allclose(table["scheduled"], 500, atol=1.5)


@pytest.mark.parametrize(("tail", "number"), [(None, 20_000), ("gaussian", 20_000), ("pareto", 20_000)])
def test_a_normal_error_and_one_unit_agree_with_their_closed_form(tail: str | None, number: int) -> None:
    power, chance, risk = 300.0, 0.02, 0.01
    trajectories = _trajectories(_normal(number, mean=800.0, spread=50.0))
    found = reserve(trajectories, risk=risk, outages=[Outage(capacity=power, probability=chance)], tail=tail)

    def beyond(amount: float) -> float:
        law = stats.norm(0, 50)
        return float((1 - chance) * law.sf(amount) + chance * law.sf(amount - power) - risk)

    expected = optimize.brentq(beyond, 0, 1000)
    assert expected > 250  # the unit decides, not the error
    np.testing.assert_allclose(found["up"], expected, rtol=0.01)
    np.testing.assert_allclose(found["down"], stats.norm(0, 50).isf(risk), rtol=0.01)


def test_outages_alone_need_what_their_table_says() -> None:
    still = _trajectories(np.full((2000, 2), 100.0))
    units = [Outage(capacity=100, probability=0.1, units=2), Outage(capacity=50, probability=0.1)]
    power, chance = outage_table(units)
    np.testing.assert_allclose(power, [0, 50, 100, 150, 200, 250])
    np.testing.assert_allclose(chance, [0.729, 0.081, 0.162, 0.018, 0.009, 0.001])
    for risk, expected in (
        (0.3, 0.0),
        (0.2, 50.0),
        (0.03, 100.0),
        (0.02, 150.0),
        (0.01, 150.0),
        (0.005, 200.0),
    ):
        assert reserve(still, risk=risk, outages=units)["up"].tolist() == [expected] * 2
        assert reserve(still, risk=risk, outages=units)["down"].tolist() == [0.0] * 2


def test_the_table_of_many_units_is_that_of_all_their_states() -> None:
    rng = np.random.default_rng(1)
    units = [
        Outage(capacity=int(c), probability=p)
        for c, p in zip(rng.integers(10, 60, 9), rng.uniform(0, 0.3, 9), strict=True)
    ]
    power, chance = outage_table(units)
    states = np.array(np.meshgrid(*[[0, 1]] * 9)).reshape(9, -1).T
    out = states @ [unit.capacity for unit in units]
    told = np.prod(
        [np.where(states[:, k], u.probability, 1 - u.probability) for k, u in enumerate(units)], axis=0
    )
    expected = pd.Series(told).groupby(out).sum()
    np.testing.assert_allclose(power, expected.index)
    np.testing.assert_allclose(chance, expected)


def test_a_tail_of_pareto_finds_a_rare_quantile_where_a_gaussian_one_does_not() -> None:
    heavy = stats.genpareto(0.25, scale=20.0)
    levels = (np.arange(2000) + 0.5) / 2000
    trajectories = _trajectories(np.repeat(heavy.ppf(levels)[:, None], 2, axis=1))
    true = float(heavy.isf(0.001)) - trajectories.of().mean()
    np.testing.assert_allclose(reserve(trajectories, risk=0.001, tail="pareto")["up"], true, rtol=0.06)
    assert (reserve(trajectories, risk=0.001, tail="gaussian")["up"] < 0.6 * true).all()


def test_a_plant_that_stands_still_needs_no_reserve_with_any_tail() -> None:
    for tail in (None, "gaussian", "pareto"):
        table = reserve(_trajectories(np.zeros((1000, 2))), risk=0.01, tail=tail)
        assert table[["up", "down"]].to_numpy().max() < 1e-4


def test_what_is_scheduled_moves_the_reserve_from_one_side_to_the_other() -> None:
    trajectories = _trajectories(_normal(1000, mean=500.0, spread=50.0))
    plan = pd.Series([520.0, 480.0], index=HOURS.tz_convert("Asia/Almaty"))
    usual, moved = reserve(trajectories, risk=0.05), reserve(trajectories, risk=0.05, schedule=plan)
    np.testing.assert_allclose(moved["up"] - usual["up"], [-20, 20], atol=1e-6)
    np.testing.assert_allclose(moved["down"] - usual["down"], [20, -20], atol=1e-6)
    far = reserve(trajectories, risk=0.05, schedule=plan + 1000)
    assert (far["up"] == 0).all()


def test_means_of_areas_schedule_their_sum() -> None:
    rng = np.random.default_rng(2)
    trajectories = Scenarios.from_values(
        rng.gamma(1.0, 50.0, (400, 2, 2)), sites=["a", "b"], valid_time=HOURS
    )
    whole = reserve(trajectories.total({"both": ["a", "b"]}), risk=0.05)
    parts = [reserve(trajectories, risk=0.05, site=name) for name in ("a", "b")]
    np.testing.assert_allclose(whole["scheduled"], parts[0]["scheduled"] + parts[1]["scheduled"])
    assert (whole["up"] < parts[0]["up"] + parts[1]["up"]).all()  # errors partly make up for each other


# -- properties ------------------------------------------------------------------------------------

RISKS = st.floats(0.011, 0.4)
UNITS = st.lists(st.builds(Outage, capacity=st.integers(1, 200), probability=st.floats(0, 0.3)), max_size=3)
TAILS = st.sampled_from([None, "gaussian", "pareto"])


@settings(max_examples=8, deadline=None)
@given(risks=st.tuples(RISKS, RISKS), outages=UNITS, tail=TAILS, seed=st.integers(0, 99))
def test_more_risk_never_needs_more_reserve(
    risks: tuple[float, float], outages: list[Outage], tail: str | None, seed: int
) -> None:
    trajectories = _trajectories(np.random.default_rng(seed).gamma(2.0, 40.0, (1000, 2)))
    low, high = (reserve(trajectories, risk=risk, outages=outages, tail=tail) for risk in sorted(risks))
    assert (low[["up", "down"]] >= high[["up", "down"]] - 1e-6).all(axis=None)
    assert (low[["up", "down"]] >= 0).all(axis=None)


@settings(max_examples=6, deadline=None)
@given(risk=RISKS, outages=UNITS, more=UNITS, scale=st.sampled_from([2, 10]), seed=st.integers(0, 99))
def test_more_outages_need_more_upward_only_and_units_scale(
    risk: float, outages: list[Outage], more: list[Outage], scale: int, seed: int
) -> None:
    values = np.random.default_rng(seed).normal(100.0, 40.0, (1000, 2))
    few, many = (
        reserve(_trajectories(values), risk=risk, outages=units) for units in (outages, outages + more)
    )
    assert (many["up"] >= few["up"] - 1e-6).all()
    assert (many["down"] == few["down"]).all()
    larger = [Outage(capacity=scale * unit.capacity, probability=unit.probability) for unit in outages]
    scaled = reserve(_trajectories(scale * values), risk=risk, outages=larger)
    np.testing.assert_allclose(scaled[["up", "down"]], scale * few[["up", "down"]], atol=1e-5)


@settings(max_examples=6, deadline=None)
@given(risk=RISKS, outages=UNITS, seed=st.integers(0, 99))
def test_the_reserve_is_the_least_that_keeps_the_risk(risk: float, outages: list[Outage], seed: int) -> None:
    """Against all sums of a scenario and a state, one by one."""
    values = np.round(np.random.default_rng(seed).normal(100.0, 40.0, (1000, 1)), 1)
    found = reserve(_trajectories(values, HOURS[:1]), risk=risk, outages=outages)
    power, chance = outage_table(outages)
    error = values[:, 0] - values.mean()
    need, weight = np.add.outer(error, power).ravel(), np.outer(np.full(1000, 1 / 1000), chance).ravel()
    up = found["up"].iloc[0]
    assert weight[need > up + 1e-6].sum() <= risk + 1e-9
    assert up == 0 or weight[need > up - 1e-6].sum() > risk - 1e-9


# -- what is refused -------------------------------------------------------------------------------


def test_a_risk_that_the_sample_cannot_show_is_refused_with_what_is_needed() -> None:
    trajectories = _trajectories(_normal(200, mean=0, spread=1))
    with pytest.raises(RangeError, match=r"(?s)risk of 0.01.*200 scenarios.*At least 1000 scenarios"):
        reserve(trajectories, risk=0.01)
    assert len(reserve(trajectories, risk=0.05)) == 2
    assert len(reserve(trajectories, risk=0.001, tail="gaussian")) == 2
    with pytest.raises(RangeError, match="At least 300 scenarios"):
        reserve(trajectories, risk=0.01, tail="pareto")
    with pytest.raises(RangeError, match="At least 1000 scenarios"):
        reserve(_trajectories(_normal(500, mean=0, spread=1)), risk=0.0001, tail="pareto")
    with pytest.raises(RangeError, match="8760 residuals"):
        static_reserve(pd.Series(np.zeros(8760)), pd.Series(0.0, index=HOURS), risk=0.001)


@pytest.mark.parametrize("risk", [0.0, -0.1, 0.5, 1.0, np.nan])
def test_what_is_no_risk_is_refused(risk: float) -> None:
    with pytest.raises(RangeError, match="risk"):
        reserve(_trajectories(np.zeros((10_000, 2))), risk=risk)


def test_schedules_of_other_hours_or_without_a_zone_are_refused() -> None:
    trajectories = _trajectories(_normal(200, mean=0, spread=1))
    with pytest.raises(TimeError, match="without a time zone"):
        reserve(trajectories, risk=0.05, schedule=pd.Series(0.0, index=HOURS.tz_localize(None)))
    with pytest.raises(TimeError, match="lacks 1 of 2 hours, the first 2024-01-02 01:00"):
        reserve(trajectories, risk=0.05, schedule=pd.Series(0.0, index=HOURS[:1]))
    with pytest.raises(TimeError, match="twice"):
        reserve(trajectories, risk=0.05, schedule=pd.Series(0.0, index=HOURS[[0, 0, 1]]))
    with pytest.raises(RangeError, match="schedule is nan at 2024-01-02 01:00"):
        reserve(trajectories, risk=0.05, schedule=pd.Series([0.0, np.nan], index=HOURS))
    with pytest.raises(TimeError, match="without a time zone"):
        _trajectories(np.zeros((3, 2)), HOURS.tz_localize(None))
    with pytest.raises(SchemaError, match="tail"):
        reserve(trajectories, risk=0.05, tail="weibull")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [{"capacity": -1}, {"capacity": np.nan}, {"probability": 1.0}, {"probability": -0.1}, {"units": 0}],
)
def test_outages_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(RangeError, match="An outage has"):
        Outage(**({"capacity": 100.0, "probability": 0.1} | wrong))  # type: ignore[arg-type]


def test_a_table_of_outages_that_would_not_end_is_refused() -> None:
    units = [Outage(capacity=100 + 0.001 * 3**k, probability=0.1) for k in range(18)]
    with pytest.raises(RangeError, match="Round capacities"):
        outage_table(units)


# -- static, and how often -------------------------------------------------------------------------


def test_a_static_reserve_is_one_number_and_leaves_missing_errors_out() -> None:
    past = pd.Series(np.concatenate([stats.norm(0, 50).ppf((np.arange(2000) + 0.5) / 2000), [np.nan] * 5]))
    table = static_reserve(past, pd.Series([500.0, 600.0], index=HOURS), risk=0.01)
    assert table["up"].nunique() == 1
    assert table["n"].tolist() == [2000, 2000]
    np.testing.assert_allclose(table["up"], stats.norm(0, 50).isf(0.01), rtol=0.01)
    unit = [Outage(capacity=300, probability=0.05)]
    assert (
        static_reserve(past, table.set_index("valid_time")["scheduled"], risk=0.01, outages=unit)["up"] > 300
    ).all()


def test_exceedance_is_counted_with_its_exact_interval() -> None:
    hours = pd.date_range("2024-01-01", periods=48, freq="1h", tz="UTC")
    plan = pd.Series(100.0, index=hours)
    table = static_reserve(pd.Series(np.linspace(-10, 10, 1001)), plan, risk=0.1)
    assert table["up"].iloc[0] == pytest.approx(8.0)
    observed = plan.copy()
    observed.iloc[:6] += 9.0  # 00:00 to 05:00 of the first day
    observed.iloc[10] -= 9.0
    observed.iloc[20] = np.nan
    up, down = (row for _, row in reserve_exceedance(table, observed).iterrows())
    assert (up["exceeded"], down["exceeded"], up["n"], up["missing"]) == (6, 1, 47, 1)
    assert (up["beyond"], down["beyond"]) == (pytest.approx(1.0), pytest.approx(1.0))
    assert reserve_exceedance(table, observed, tolerance=1.5)["exceeded"].tolist() == [0, 0]
    # Clopper and Pearson by the quantiles of the beta distribution.
    assert up["low"] == pytest.approx(stats.beta(6, 42).ppf(0.025))
    assert up["high"] == pytest.approx(stats.beta(7, 41).ppf(0.975))
    hourly = reserve_exceedance({"held": table}, observed, by="hour", timezone="Asia/Almaty")
    ups = hourly[hourly["direction"] == "up"].set_index("hour")
    assert ups.loc[6, "exceeded"] == 1  # midnight UTC, before the clock of Almaty changed
    assert ups.loc[12, "exceeded"] == 0
    assert ups["n"].sum() == 47


def test_a_reserve_by_hour_keeps_a_risk_that_a_static_one_keeps_only_on_average() -> None:
    """Calm and stormy hours alternate; the static reserve fails in the stormy ones."""
    rng = np.random.default_rng(5)
    hours = pd.date_range("2024-01-01", periods=2000, freq="1h", tz="UTC")
    spread = np.where(np.arange(2000) % 2, 60.0, 6.0)
    dynamic = reserve(_trajectories(rng.normal(0, spread, (1000, 2000)), hours), risk=0.05)
    observed = pd.Series(rng.normal(0, spread), index=hours)
    past = pd.Series(rng.normal(0, np.tile(spread, 2)))
    static = static_reserve(past, pd.Series(0.0, index=hours), risk=0.05)
    table = reserve_exceedance({"dynamic": dynamic, "static": static}, observed).set_index(
        ["reserve", "direction"]
    )
    for direction in ("up", "down"):
        assert table.loc[("dynamic", direction), "low"] < 0.05 < table.loc[("dynamic", direction), "high"]
        assert table.loc[("dynamic", direction), "held"] < table.loc[("static", direction), "held"]
    stormy = reserve_exceedance({"static": static.iloc[1::2], "dynamic": dynamic.iloc[1::2]}, observed)
    shares = stormy.set_index(["reserve", "direction"])["share"]
    assert shares["static", "up"] > 1.5 * 0.05 > 1.2 * shares["dynamic", "up"]
