"""Random processes of synthetic sites have the moments and correlations that they state."""

from __future__ import annotations

import numpy as np
import pytest

from energyforecast.datasets.synthetic import stochastic_processes as processes


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_each_part_has_random_numbers_of_its_own() -> None:
    first, again, other = (processes.stream(1, name).random() for name in ("wind", "wind", "sun"))
    assert first == again
    assert first != other


def test_a_short_site_is_made_of_a_year_and_its_surroundings() -> None:
    axis = processes.Axis.of("2023-01-01", 48)
    assert (len(axis.index), axis.length) == (48, 72 + 8760 + 96)
    np.testing.assert_array_equal(axis.all[axis.period], axis.index.tz_localize(None).to_numpy())


def test_noise_has_variance_one_and_forgets_with_its_memory() -> None:
    noise = processes.autoregression(np.random.default_rng(0), 200_000, memory=12.0)
    assert noise.var() == pytest.approx(1.0, abs=0.05)
    assert _correlation(noise[:-12], noise[12:]) == pytest.approx(np.exp(-1), abs=0.03)


def test_blocks_cover_their_share_of_hours() -> None:
    inside = processes.blocks(np.random.default_rng(0), 100_000, every=100.0, shortest=2, longest=2)
    assert inside.mean() == pytest.approx(0.02, abs=0.002)


def test_normal_scores_keep_the_order() -> None:
    assert processes.normal_scores(np.array([30.0, 10.0, 20.0])).round(2).tolist() == [0.97, -0.97, 0.0]


def test_errors_are_correlated_along_a_run_and_between_runs_at_one_valid_time() -> None:
    errors = processes.forecast_errors(np.random.default_rng(0), 2000, 1, memory=12.0, kept=0.8)[0]
    assert errors.shape == (2000, 74)
    assert errors.var() == pytest.approx(1.0, abs=0.05)
    assert _correlation(errors[:-1, 6:], errors[1:, :-6]) == pytest.approx(0.8, abs=0.03)
    assert _correlation(errors[:, :-12], errors[:, 12:]) == pytest.approx(np.exp(-1), abs=0.05)


def test_runs_begin_every_six_hours_and_reach_over_the_site() -> None:
    runs = processes.Runs(processes.Axis.of("2023-01-01", 48), seed=1, models=("ecmwf",))
    assert [str(init)[:13] for init in runs.init_time[[0, 1, -1]]] == [
        "2022-12-30T00", "2022-12-30T06", "2023-01-02T18",
    ]  # fmt: skip
    assert runs.place.shape == (16, 74)
    valid = runs.init_time[:, None] + (np.arange(74) * np.timedelta64(1, "h"))
    np.testing.assert_array_equal(runs.axis.all[runs.place], valid)
