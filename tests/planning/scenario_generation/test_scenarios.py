"""Scenarios keep the forecast's marginals, and hang together as past errors did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from energyforecast import Forecast, Observations
from energyforecast.core import timestamps
from energyforecast.core.error_correlation import Decay, normal_scores
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import LeakageError, MissingDataError, RangeError, SchemaError, TimeError
from energyforecast.evaluation.vector_losses import energy_score, variogram_score
from energyforecast.planning import (
    EnsembleCopulaCoupling,
    GaussianCopula,
    Independence,
    SchaakeShuffle,
    sample_scenarios,
)
from energyforecast.planning.scenario_generation.dependence import Dependence, ranks_of
from energyforecast.planning.scenario_generation.marginals import Marginals
from energyforecast.planning.scenario_generation.ranks import HindcastScores
from energyforecast.testing import example_days, example_forecast

Array = npt.NDArray[np.float64]


def _forecast(
    curve: Array,
    levels: tuple[float, ...],
    *,
    sites: tuple[str, ...] = ("farm",),
    capacity: float | None = 60.0,
    issue: str = "2024-01-01T09",
    start: str = "2024-01-02T00",
    frequency: str = "1h",
    caveats: str = "",
) -> Forecast:
    """One issue of the same curves, shape (hours, levels), at each site."""
    step = timestamps.duration(frequency).to_timedelta64()
    valid = (np.datetime64(start, "ns") + np.arange(len(curve)) * step)[None, :]
    issued = np.array([issue], dtype="datetime64[ns]")
    return Forecast.from_rows(
        dict.fromkeys(sites, SiteRows(curve.astype(np.float32), capacity=capacity, weather_init_time=issued)),
        windows=Windows(issued, valid, np.ones(valid.shape, dtype=bool), timestamps.duration(frequency)),
        quantile_levels=levels,
        attrs={"perfect_weather": 0, "caveats": caveats},
    )


def _last(forecast: Forecast) -> Forecast:
    return forecast.sel(issue_time=forecast.issue_times[-1])


# --- Marginals --------------------------------------------------------------------------------------

WAYS: dict[str, Dependence] = {
    "independence": Independence(),
    "copula": GaussianCopula.exponential(range_hours=6.0, site_correlation=0.3),
}


@settings(max_examples=10, deadline=None)
@given(
    rises=st.lists(
        st.lists(st.sampled_from([0.0, 0.0, 1.5, 7.0]), min_size=4, max_size=4), min_size=1, max_size=5
    ),
    n_scenarios=st.integers(2, 60),
    way=st.sampled_from(sorted(WAYS)),
)
def test_every_hour_has_the_quantile_curve_of_its_forecast(
    rises: list[list[float]], n_scenarios: int, way: str
) -> None:
    levels = (0.1, 0.4, 0.6, 0.9)
    curve = np.cumsum(rises, axis=1)  # masses wherever it does not rise
    scenarios = sample_scenarios(
        _forecast(curve, levels, sites=("a", "b"), frequency="1h"),
        n_scenarios=n_scenarios,
        dependence=WAYS[way],
    )
    wanted = (np.arange(n_scenarios) + 0.5) / n_scenarios
    for hour, row in enumerate(curve):
        expected = np.interp(wanted, levels, row.astype(np.float32).astype(float))
        for site in ("a", "b"):
            np.testing.assert_allclose(np.sort(scenarios.of(site)[:, hour]), expected, atol=1e-9)
    assert (scenarios.data.values >= curve.min()).all()
    assert (scenarios.data.values <= curve.max()).all()


def test_levels_of_a_forecast_come_back_as_quantiles_of_its_scenarios() -> None:
    levels = tuple(round(0.01 * k, 2) for k in range(1, 100))
    curve = np.tile(30 + 5 * stats.norm.ppf(levels), (24, 1))
    scenarios = sample_scenarios(_forecast(curve, levels), n_scenarios=200)
    back = scenarios.quantiles([0.05, 0.5, 0.95])
    np.testing.assert_allclose(back["q0.05"], curve[:, 4], rtol=2e-3)
    np.testing.assert_allclose(back["q0.5"], curve[:, 49], rtol=1e-6)
    np.testing.assert_allclose(back["q0.95"], curve[:, 94], rtol=2e-3)


def test_point_masses_are_kept() -> None:
    """Calm with probability 0.6, full power with 0.2."""
    curve = np.array([[0.0, 0.0, 0.0, 60.0, 60.0]])
    scenarios = sample_scenarios(_forecast(curve, (0.1, 0.3, 0.6, 0.8, 0.9)), n_scenarios=1000)
    assert (scenarios.of() == 0.0).mean() == pytest.approx(0.6, abs=0.001)
    assert (scenarios.of() == 60.0).mean() == pytest.approx(0.2, abs=0.001)


def test_tails_are_flat_or_go_on_as_a_normal_within_the_bounds() -> None:
    levels = (0.1, 0.5, 0.9)
    curve = 30 + 10 * stats.norm.ppf(levels)[None, :].repeat(3, axis=0)
    flat = sample_scenarios(_forecast(curve, levels), n_scenarios=500).of()
    assert flat.max() == pytest.approx(curve.max())
    tail = sample_scenarios(_forecast(curve, levels, capacity=None), n_scenarios=500, tails="normal").of()
    assert tail[:, 0].max() == pytest.approx(30 + 10 * stats.norm.ppf(0.999), rel=1e-5)
    narrow = sample_scenarios(_forecast(curve, levels, capacity=45.0), n_scenarios=500, tails="normal").of()
    assert narrow.max() == 45.0
    assert narrow.min() >= 0.0
    with pytest.raises(SchemaError, match="tails is 'wide'"):
        sample_scenarios(_forecast(curve, levels), tails="wide")


def test_a_forecast_of_one_level_is_certain() -> None:
    scenarios = sample_scenarios(_forecast(np.array([[7.0], [8.0]]), (0.5,)), n_scenarios=3)
    assert scenarios.of().tolist() == [[7.0, 8.0]] * 3


# --- Asking ---------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_scenarios_and_another_gives_others() -> None:
    forecast, _ = example_days(days=1)
    way = GaussianCopula.exponential(range_hours=6.0)
    first, again, other = (
        sample_scenarios(forecast, dependence=way, seed=seed).data.values for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(other, axis=0))


def test_issues_do_not_share_their_noise() -> None:
    forecast, _ = example_days(days=2)
    one, two = (sample_scenarios(forecast, issue_time=issue).data.values for issue in forecast.issue_times)
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("way", sorted(WAYS))
def test_the_order_of_sites_changes_nothing(way: str) -> None:
    curve, levels = np.tile([6.0, 10.0, 14.0], (24, 1)), (0.1, 0.5, 0.9)
    a, b = (_forecast(curve, levels, sites=(name,)) for name in ("a", "b"))
    there, back = (
        sample_scenarios(order, n_scenarios=20, dependence=WAYS[way]) for order in ([a, b], [b, a])
    )
    assert back.sites == ("b", "a")
    assert np.array_equal(there.of("a"), back.of("a"))
    assert np.array_equal(there.of("b"), back.of("b"))


def test_forecasts_of_other_levels_are_drawn_together() -> None:
    wide = _forecast(np.array([[0.0, 5.0]]), (0.05, 0.95), sites=("a",), caveats="synthetic")
    fine = _forecast(np.array([[1.0, 2.0, 3.0]]), (0.1, 0.5, 0.9), sites=("b",), caveats="perfect weather")
    scenarios = sample_scenarios([wide, fine], n_scenarios=10)
    assert scenarios.sites == ("a", "b")
    assert scenarios.caveats == ("synthetic", "perfect weather")
    assert scenarios.data.attrs["issue_time"] == "2024-01-01T09:00:00Z"


def test_what_does_not_fit_is_refused() -> None:
    curve, levels = np.tile([1.0, 2.0], (4, 1)), (0.1, 0.9)
    a = _forecast(curve, levels, sites=("a",))
    with pytest.raises(TimeError, match=r"were issued at 2024-01-01 09:00.*and 2024-01-01 10:00"):
        sample_scenarios([a, _forecast(curve, levels, sites=("b",), issue="2024-01-01T10")])
    with pytest.raises(TimeError, match=r"cover 2024-01-02 00:00.* and 2024-01-02 01:00"):
        sample_scenarios([a, _forecast(curve, levels, sites=("b",), start="2024-01-02T01")])
    with pytest.raises(TimeError, match="intervals of 1h, that of b of 30min"):
        sample_scenarios([a, _forecast(curve, levels, sites=("b",), frequency="30min")])
    with pytest.raises(SchemaError, match="'a' is in several"):
        sample_scenarios([a, a])
    with pytest.raises(SchemaError, match="No forecast is given"):
        sample_scenarios([])
    with pytest.raises(RangeError, match="n_scenarios=1 "):
        sample_scenarios(a, n_scenarios=1)
    several, _ = example_days(days=2)
    with pytest.raises(TimeError, match="2 issues"):
        sample_scenarios(several)
    with pytest.raises(MissingDataError, match="issue time"):
        sample_scenarios(several, issue_time="2020-01-01")


# --- The copula -----------------------------------------------------------------------------------


def _truth(sites: int, *, range_hours: float, between: float) -> Array:
    lag = np.abs(np.subtract.outer(np.arange(24), np.arange(24)))
    apart = np.where(np.eye(sites, dtype=bool), 1.0, between)
    return np.asarray(np.kron(apart, np.exp(-lag / range_hours)))


def test_a_planted_correlation_is_found_and_drawn() -> None:
    forecast, observations = example_days(days=400, range_hours=5.0, between=0.7)
    until = forecast.issue_times[-1]
    copula = GaussianCopula.fit(forecast, observations, until=until)
    truth = _truth(2, range_hours=5.0, between=0.7)
    marginals = Marginals.of(forecast, issue_time=until)
    assert np.sqrt(((copula.correlation(marginals) - truth) ** 2).mean()) < 0.05
    drawn = sample_scenarios(
        forecast, n_scenarios=3000, dependence=copula, issue_time=until
    ).data.values.reshape(3000, -1)
    # What is drawn has the correlation that is said; normal marginals, so that Pearson's is the copula's.
    assert np.abs(np.corrcoef(drawn.T) - copula.correlation(marginals)).max() < 0.1
    assert copula.missing == 0  # what is not yet over, or not yet published, is not missing


def test_few_days_need_shrinkage_and_the_target_helps() -> None:
    forecast, observations = example_days(days=30, range_hours=5.0, between=0.7, seed=3)
    until = forecast.issue_times[-1]
    marginals, truth = Marginals.of(forecast, issue_time=until), _truth(2, range_hours=5.0, between=0.7)

    def miss(**settings: float | str) -> float:
        copula = GaussianCopula.fit(forecast, observations, until=until, **settings)  # type: ignore[arg-type]
        return float(((copula.correlation(marginals) - truth) ** 2).mean())

    assert miss() < 0.7 * miss(target="independent") < 0.7 * miss(shrinkage=0.0) * 1.5
    assert miss() < 0.5 * miss(shrinkage=0.0)


def test_full_shrinkage_to_no_target_is_independence() -> None:
    forecast, observations = example_days(days=100, between=0.9)
    until = forecast.issue_times[-1]
    copula = GaussianCopula.fit(forecast, observations, until=until, shrinkage=1.0, target="independent")
    marginals = Marginals.of(forecast, issue_time=until)
    np.testing.assert_array_equal(copula.correlation(marginals), np.eye(48))
    drawn = sample_scenarios(
        forecast, n_scenarios=2000, dependence=copula, issue_time=until
    ).data.values.reshape(2000, -1)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(48)).max() < 0.12


def test_correlation_is_positive_definite_also_with_gaps() -> None:
    forecast, observations = example_days(days=40, sites=("a", "b", "c"), between=0.95, range_hours=30.0)
    values = observations.values.copy()
    values.loc[values.index[::3], "a"] = np.nan
    values.loc[values.index[5::7], "b"] = np.nan
    gappy = Observations(values, published_after="1h")
    until = forecast.issue_times[-1]
    for shrinkage in ("auto", 0.0, 0.2):
        copula = GaussianCopula.fit(forecast, gappy, until=until, shrinkage=shrinkage)
        matrix = copula.correlation(Marginals.of(forecast, issue_time=until))
        np.testing.assert_allclose(np.diag(matrix), 1.0)
        assert np.linalg.eigvalsh(matrix)[0] > -1e-9
        assert copula.missing > 40 * 24 / 3
        assert np.isfinite(
            sample_scenarios(forecast, dependence=copula, issue_time=until, n_scenarios=10).data.values
        ).all()


def test_sites_of_other_pace_have_their_own_range() -> None:
    fast, seen = example_days(days=200, sites=("fast",), range_hours=2.0, seed=1)
    slow, also = example_days(days=200, sites=("slow",), range_hours=20.0, seed=2)
    copula = GaussianCopula.fit([fast, slow], [seen, also])
    assert copula.target.sites == ("fast", "slow")
    assert copula.target.range_hours[0] < 4.0 < 10.0 < copula.target.range_hours[1]


def test_outcomes_after_the_issue_change_nothing() -> None:
    forecast, observations = example_days(days=40)
    issue = forecast.issue_times[30]
    published = observations.published[:, 0] <= timestamps.to_ns([issue])[0]
    spoilt = observations.values.copy()
    spoilt.loc[~published] = 0.0
    fooled = Observations(spoilt, published_after="1h")
    one, two = (
        sample_scenarios(
            forecast,
            issue_time=issue,
            dependence=GaussianCopula.fit(forecast, seen, until=issue),
            n_scenarios=20,
        )
        for seen in (observations, fooled)
    )
    assert np.array_equal(one.data.values, two.data.values)
    shuffled = [
        sample_scenarios(
            forecast, issue_time=issue, dependence=SchaakeShuffle(seen, similar_to=archive), n_scenarios=20
        )
        for seen, archive in (
            (observations, forecast),
            (fooled, Forecast(forecast.data.isel(issue_time=slice(31)))),
        )
    ]
    assert np.array_equal(shuffled[0].data.values, shuffled[1].data.values)


def test_a_copula_that_knows_the_future_is_refused() -> None:
    forecast, observations = example_days(days=40)
    copula = GaussianCopula.fit(forecast, observations)
    assert copula.known_by == pd.Timestamp("2024-02-11 01:00", tz="UTC")  # an hour after the last hour's end
    with pytest.raises(LeakageError, match="known by 2024-02-11"):
        sample_scenarios(forecast, dependence=copula, issue_time=forecast.issue_times[20])


def test_what_a_copula_cannot_be_learnt_from() -> None:
    forecast, observations = example_days(days=40)
    with pytest.raises(MissingDataError, match="4 issues of a, b"):
        GaussianCopula.fit(forecast, observations, until=forecast.issue_times[4])
    with pytest.raises(MissingDataError, match="no outcome was published"):
        GaussianCopula.fit(forecast, observations, until="2020-01-01")
    with pytest.raises(MissingDataError, match="'b' was not observed"):
        GaussianCopula.fit(forecast, observations[["a"]])
    with pytest.raises(RangeError, match=r"shrinkage=1.5"):
        GaussianCopula.fit(forecast, observations, shrinkage=1.5)
    with pytest.raises(SchemaError, match="target is 'other'"):
        GaussianCopula.fit(forecast, observations, target="other")
    learnt = GaussianCopula.fit(Forecast(forecast.data.sel(site=["a"])), observations, until="2024-02-01")
    with pytest.raises(MissingDataError, match="dependence of site 'b'"):
        sample_scenarios(_last(forecast), dependence=learnt)
    far = replace(learnt, leads=learnt.leads - np.timedelta64(5, "h"))  # type: ignore[operator]
    with pytest.raises(MissingDataError, match=r"lies .* h ahead"):
        sample_scenarios(Forecast(_last(forecast).data.sel(site=["a"])), dependence=far)
    with pytest.raises(RangeError, match="range_hours=0"):
        GaussianCopula.exponential(range_hours=0.0)
    with pytest.raises(RangeError, match="eigenvalue"):
        sample_scenarios(
            _forecast(np.ones((2, 1)), (0.5,), sites=("a", "b", "c")),
            dependence=GaussianCopula.exponential(range_hours=3.0, site_correlation=-0.9),
        )


def test_a_table_of_correlations_between_sites() -> None:
    table = pd.DataFrame([[1.0, -0.8], [-0.8, 1.0]], ["a", "b"], ["a", "b"])
    forecast, _ = example_days(days=1)
    way = GaussianCopula.exponential(range_hours=6.0, site_correlation=table)
    drawn = sample_scenarios(forecast, n_scenarios=2000, dependence=way)
    assert np.corrcoef(drawn.of("a")[:, 3], drawn.of("b")[:, 3])[0, 1] == pytest.approx(-0.8, abs=0.05)
    with pytest.raises(SchemaError, match="other columns"):
        GaussianCopula.exponential(range_hours=6.0, site_correlation=table[["b", "a"]])


def test_ranks_of_outcomes() -> None:
    """A point mass is spread over its levels, inside stands the level itself, beyond the line of the end."""
    levels = np.array([0.2, 0.5, 0.8])
    calm = np.tile([0.0, 0.0, 9.0], (4000, 1))
    found = normal_scores(np.zeros(4000), calm, levels, rng=np.random.default_rng(0))
    uniform = stats.norm.cdf(found) / 0.5
    assert stats.kstest(np.clip(uniform, 0, 1), "uniform").pvalue > 0.01
    line = np.array([[10.0, 20.0, 30.0]])
    rng = np.random.default_rng(0)
    for outcome, level in ((10.0, 0.2), (25.0, 0.65), (30.0, 0.8)):
        score = normal_scores(np.array([outcome]), line, levels, rng=rng)
        assert stats.norm.cdf(score)[0] == pytest.approx(level)
    assert normal_scores(np.array([40.0]), line, levels, rng=rng)[0] == pytest.approx(2 * stats.norm.ppf(0.8))


def test_certain_hours_and_climatology_teach_nothing() -> None:
    forecast, observations = example_days(days=30, sites=("a",))
    data = forecast.data.copy()
    data[:, :, :6] = 0.0  # night
    data["fallback_level"][:, :5] = 3
    past = HindcastScores.of(Forecast(data), observations)
    assert np.isnan(past.scores[:, :, :6]).all()
    assert len(past.scores) == 25
    assert past.missing == 0


@pytest.mark.slow
def test_the_known_dependence_beats_independence_and_a_learnt_one_comes_close() -> None:
    forecast, observations = example_days(days=160, range_hours=8.0, between=0.6)
    begin = forecast.issue_times[120]
    ways: dict[str, Dependence] = {
        "independent": Independence(),
        "truth": GaussianCopula.exponential(range_hours=8.0, site_correlation=0.6),
        "learnt": GaussianCopula.fit(forecast, observations, until=begin),
        "schaake": SchaakeShuffle(observations),
    }
    days = forecast.issue_times[121:]
    outcome = np.stack(
        [observations.values.loc[f"{day + pd.Timedelta('1D'):%F}"].to_numpy().T.ravel() for day in days]
    )
    score = {}
    for name, way in ways.items():
        drawn = np.stack(
            [
                sample_scenarios(
                    forecast, issue_time=day, n_scenarios=60, dependence=way
                ).data.values.reshape(60, -1)
                for day in days
            ]
        )
        score[name] = energy_score(outcome, drawn).mean(), variogram_score(outcome, drawn).mean()
    # The true dependence itself gains no more than about a tenth: the scores see marginals most.
    for name in ("truth", "learnt", "schaake"):
        assert score[name][0] < 0.995 * score["independent"][0]
        assert score[name][1] < 0.95 * score["independent"][1]
    assert score["learnt"][1] < 1.02 * score["truth"][1]


# --- Templates ------------------------------------------------------------------------------------


def test_the_shuffle_has_the_ranks_of_past_days() -> None:
    forecast, observations = example_days(days=60)
    issue = forecast.issue_times[-1]
    marginals = Marginals.of(forecast, issue_time=issue)
    template = SchaakeShuffle(observations).template(marginals, n_scenarios=20)
    assert len(template.values) == 20
    # The newest day that was over and published when the forecast was issued ended at midnight before.
    assert template.shifts[0] == np.timedelta64(48, "h")
    yesterday = observations.values["a"].loc[f"{issue - pd.Timedelta('1D'):%F}"]
    np.testing.assert_array_equal(template.values[0, 0], yesterday)
    drawn = sample_scenarios(
        forecast, issue_time=issue, n_scenarios=20, dependence=SchaakeShuffle(observations)
    ).data.values
    expected = stats.rankdata(template.values, axis=0)
    np.testing.assert_array_equal(stats.rankdata(drawn[:, [0, 1]], axis=0), expected)


def test_similar_days_are_those_whose_forecast_resembles() -> None:
    forecast, observations = example_days(days=60, sites=("a",))
    high = np.arange(60) % 3 == 0
    data = forecast.data.copy()
    data[:, high] += 40.0
    issue = forecast.issue_times[57]  # a high one
    marginals = Marginals.of(Forecast(data), issue_time=issue)
    shuffle = SchaakeShuffle(observations, similar_to=Forecast(data), days=10)
    chosen = shuffle.template(marginals, n_scenarios=30).shifts / np.timedelta64(24, "h")
    assert high[57 - chosen.astype(int)].all()


def test_days_with_gaps_are_left_out_and_counted() -> None:
    forecast, observations = example_days(days=60)
    values = observations.values.copy()
    values.loc["2024-01-20 05:00", "b"] = np.nan
    marginals = Marginals.of(forecast, issue_time=forecast.issue_times[-1])
    template = SchaakeShuffle(Observations(values, published_after="1h")).template(marginals, n_scenarios=200)
    assert len(template.values) == 60 - 2 - 1 + 0
    assert template.incomplete == 1
    short = Observations(values.iloc[-24 * 5 :], published_after="1h")
    with pytest.raises(MissingDataError, match="days of a, b were complete"):
        SchaakeShuffle(short).template(marginals, n_scenarios=200)
    with pytest.raises(RangeError, match="days=2"):
        SchaakeShuffle(observations, days=2)


def test_members_give_their_ranks() -> None:
    forecast, _ = example_days(days=1)
    rng = np.random.default_rng(0)
    hours = timestamps.to_index(forecast.data["valid_time"].values[0])
    members = Scenarios.from_values(rng.normal(size=(12, 2, 24)), sites=["b", "a"], valid_time=hours)
    drawn = sample_scenarios(forecast, n_scenarios=12, dependence=EnsembleCopulaCoupling(members))
    np.testing.assert_array_equal(
        stats.rankdata(drawn.of("a"), axis=0), stats.rankdata(members.of("a"), axis=0)
    )
    # Two scenarios a member: in every hour they stand side by side.
    twice = stats.rankdata(
        sample_scenarios(forecast, n_scenarios=24, dependence=EnsembleCopulaCoupling(members)).of("a"), axis=0
    )
    np.testing.assert_array_equal(np.abs(twice[:12] - twice[12:]), 1.0)
    with pytest.raises(MissingDataError, match="do not hold site 'a'"):
        sample_scenarios(forecast, dependence=EnsembleCopulaCoupling(members.total({"b": ["b"]})))
    late = members.data.assign_coords(valid_time=members.data["valid_time"].values + np.timedelta64(1, "h"))
    with pytest.raises(MissingDataError, match="no value for site"):
        sample_scenarios(forecast, dependence=EnsembleCopulaCoupling(Scenarios(late)))
    with pytest.raises(SchemaError, match="dimensions"):
        sample_scenarios(forecast, dependence=EnsembleCopulaCoupling(members.data[0]))


def test_members_of_weather_are_those_of_the_newest_run_that_had_arrived() -> None:
    forecast = example_forecast()  # issued at 09:00
    init = np.array(["2024-01-01T00", "2024-01-01T06"], dtype="datetime64[ns]")
    lead = np.arange(49) * np.timedelta64(1, "h")
    first, second = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])
    speed = np.stack([first, second])[None, :, None, :] + np.zeros((1, 2, 49, 1))
    weather = xr.Dataset(
        {
            "wind_speed_100m": (
                ("site", "init_time", "lead_time", "member"),
                speed,
                {"cell_methods": "time: point"},
            )
        },
        coords={
            "site": ["farm"],
            "init_time": init,
            "lead_time": lead.astype("timedelta64[ns]"),
            "available_time": ("init_time", init + np.timedelta64(4, "h")),
        },
        attrs={"kind": "forecast"},
    )
    way = EnsembleCopulaCoupling(weather, variable="wind_speed_100m")
    drawn = sample_scenarios(forecast, n_scenarios=3, dependence=way)
    assert stats.rankdata(drawn.of()[:, 0]).tolist() == first.tolist()  # the run of 06 UTC came at 10
    with pytest.raises(SchemaError, match="one variable gives the ranks"):
        EnsembleCopulaCoupling(weather)
    with pytest.raises(SchemaError, match="It must hold 'ghi' with members"):
        sample_scenarios(forecast, dependence=EnsembleCopulaCoupling(weather, variable="ghi"))


def test_hourly_members_of_weather_serve_quarter_hours() -> None:
    """Their order changes between two hours, and is that of the linear wind on the way."""
    valid = pd.date_range("2024-01-02", periods=96, freq="15min", tz="UTC")
    rows = pd.DataFrame({"issue_time": "2024-01-01 09:00", "valid_time": valid, "site": "farm"})
    forecast = Forecast.from_frame(rows.assign(**{"q0.1": 10.0, "q0.5": 50.0, "q0.9": 90.0}))
    lead = np.arange(49).astype("timedelta64[h]").astype("timedelta64[ns]")
    speed = np.stack([np.full(49, 5.0), np.where(np.arange(49) % 2, 8.0, 3.0)], axis=1)[None, None]
    weather = xr.Dataset(
        {
            "wind_speed_100m": (
                ("site", "init_time", "lead_time", "member"),
                speed,
                {"cell_methods": "time: point"},
            )
        },
        coords={
            "site": ["farm"],
            "init_time": np.array(["2024-01-01"], dtype="datetime64[ns]"),
            "lead_time": lead,
            "available_time": ("init_time", np.array(["2024-01-01T06"], dtype="datetime64[ns]")),
        },
    )
    way = EnsembleCopulaCoupling(weather, variable="wind_speed_100m")
    drawn = sample_scenarios(forecast, n_scenarios=2, dependence=way).of()
    # Means of quarters from 3 to 8 m/s: 3.6, 4.9, 6.1, 7.4; against 5 m/s of the other member.
    assert (drawn[1, :4] > drawn[0, :4]).tolist() == [False, False, True, True]


def test_ties_are_broken_alike_in_all_hours() -> None:
    values = np.array([[0.0, 0.0, 5.0], [0.0, 0.0, 5.0], [1.0, -1.0, 5.0]])
    ranks = ranks_of(values, np.array([0.5, 0.1, 0.9]))
    assert ranks.tolist() == [[1, 2, 1], [0, 1, 0], [2, 0, 2]]


def test_decay_of_different_ranges_is_positive_definite() -> None:
    decay = Decay(
        ("a", "b"), np.array([[1.0, 0.99], [0.99, 1.0]]), np.array([1.0, 50.0]), np.array([1.0, 0.8])
    )
    matrix = decay.matrix(("a", "b"), np.arange(48.0))
    np.testing.assert_allclose(matrix, matrix.T)
    np.testing.assert_allclose(np.diag(matrix), 1.0)
    assert np.linalg.eigvalsh(matrix)[0] > 0
