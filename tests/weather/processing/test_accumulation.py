"""De-accumulation: what every rule must keep, for any radiation, any steps and any rounding."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from energyforecast.core.labels import Label
from energyforecast.errors import RangeError, SchemaError, TimeError
from energyforecast.weather.processing.accumulation import (
    check_windows,
    de_accumulate,
    interval_means,
    window_starts,
)

RUN_LABELS = (Label.SUM_SINCE_START, Label.MEAN_SINCE_START, Label.MEAN_SINCE_RESET, Label.SUM_ENDING)
HOUR = 3600.0


def leads(*steps: int) -> np.ndarray:
    """From 0, by steps in hours."""
    return np.concatenate([[0], np.cumsum(steps)]).astype("timedelta64[h]").astype("timedelta64[ns]")


def accumulated(hourly: np.ndarray, end: np.ndarray, label: Label) -> np.ndarray:
    """What a model would write at the ends, from means of single hours: added up, hour by hour."""
    written = []
    for last in (end / np.timedelta64(1, "h")).astype(int):
        begin = (window_starts(end, label=label) / np.timedelta64(1, "h")).astype(int)[len(written)]
        total = float(hourly[begin:last].sum()) * HOUR
        length = (last - begin) * HOUR
        sums = label in (Label.SUM_SINCE_START, Label.SUM_ENDING)
        written.append(np.nan if length == 0 else total if sums else total / length)
    return np.array(written)


# Steps that divide the reset, as those of all models do: 1 h, then 3 h, then 6 h.
STEPS = st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(1, 4)).map(
    lambda n: leads(*[1] * (6 * n[0]), *[3] * (2 * n[1]), *[6] * n[2])
)
LIGHT = st.lists(st.one_of(st.just(0.0), st.floats(0.0, 1200.0)), min_size=72, max_size=72).map(np.array)


@settings(max_examples=60, deadline=None)
@given(end=STEPS, hourly=LIGHT, label=st.sampled_from(RUN_LABELS))
def test_every_rule_gives_back_the_means_of_the_steps(
    end: np.ndarray, hourly: np.ndarray, label: Label
) -> None:
    found = interval_means(accumulated(hourly, end, label), end, label=label)
    hours = (end / np.timedelta64(1, "h")).astype(int)
    truth = [hourly[a:b].mean() for a, b in pairwise(hours)]
    np.testing.assert_allclose(found.values[:-1], truth, atol=1e-2)
    assert np.isnan(found.values[-1])
    assert found.clipped < 1e-6
    # The sum over the whole window is kept ...
    energy = (found.values[:-1] * np.diff(hours)).sum()
    assert energy == pytest.approx(hourly[: hours[-1]].sum(), abs=0.5)
    # ... and what was dark is exactly dark.
    dark = np.array(truth) == 0.0
    assert (found.values[:-1][dark] == 0.0).all()


@settings(max_examples=60, deadline=None)
@given(end=STEPS, hourly=LIGHT, label=st.sampled_from(RUN_LABELS), digits=st.integers(0, 1))
def test_rounding_in_the_file_gives_no_negative_and_is_told(
    end: np.ndarray, hourly: np.ndarray, label: Label, digits: int
) -> None:
    scale = 3600.0 if label in (Label.SUM_SINCE_START, Label.SUM_ENDING) else 1.0
    written = np.round(accumulated(hourly, end, label) / scale, digits) * scale
    found = interval_means(written, end, label=label)
    raw = found.values[:-1]
    assert (raw >= 0.0).all()
    assert found.clipped <= 60.0
    # With the file's own resolution, what is dark is exactly 0 again.
    exact = interval_means(written, end, label=label, resolution=scale * 10.0**-digits)
    hours = (end / np.timedelta64(1, "h")).astype(int)
    for k, (a, b) in enumerate(pairwise(hours)):
        if not hourly[a:b].any():
            assert exact.values[k] == 0.0


@settings(max_examples=40, deadline=None)
@given(end=STEPS, hourly=LIGHT, label=st.sampled_from(RUN_LABELS), lost=st.integers(1, 100))
def test_a_lost_lead_is_nan_and_nothing_else_changes(
    end: np.ndarray, hourly: np.ndarray, label: Label, lost: int
) -> None:
    written = accumulated(hourly, end, label)
    whole = interval_means(written, end, label=label).values
    k = 1 + lost % (len(end) - 1)
    broken = interval_means(np.where(np.arange(len(end)) == k, np.nan, written), end, label=label).values
    assert np.isnan(broken[k - 1])
    kept = ~np.isnan(broken)
    np.testing.assert_array_equal(broken[kept], whole[kept])
    assert set(np.flatnonzero(np.isnan(broken))) <= {k - 1, k, len(end) - 1}


def test_the_first_step_is_never_zero_for_want_of_a_value() -> None:
    """A run that is asked for from its third hour on: what fell before is unknown, not dark."""
    end = np.array([3, 6, 9], dtype="timedelta64[h]")
    found = interval_means(np.array([3.6e6, 7.2e6, 10.8e6]), end, label=Label.SUM_SINCE_START).values
    np.testing.assert_allclose(found, [3.6e6 / 10800, 3.6e6 / 10800, np.nan])
    # Fluxes are absent at lead 0: the first mean begins there all the same.
    first = interval_means(np.array([np.nan, 100.0]), leads(1), label=Label.MEAN_SINCE_RESET).values
    np.testing.assert_array_equal(first, [100.0, np.nan])


def test_a_reset_is_known_from_its_window_and_not_from_a_fall() -> None:
    """A cloud makes a running mean fall within a window; a bright hour makes it rise across a reset."""
    end = leads(1, 1, 1, 1, 1, 1, 1, 1)
    means = np.array([np.nan, 600.0, 350.0, 300.0, 300.0, 300.0, 300.0, 900.0, 500.0])
    found = interval_means(means, end, label=Label.MEAN_SINCE_RESET).values
    np.testing.assert_allclose(found[:3], [600.0, 100.0, 200.0])
    np.testing.assert_allclose(found[6:8], [900.0, 100.0])
    # The same numbers under windows that the file declares otherwise.
    declared = end.copy()
    declared[1:] = end[:-1]
    np.testing.assert_allclose(
        interval_means(means, end, label=Label.MEAN_SINCE_RESET, start=declared).values[:-1], means[1:]
    )


def test_a_step_that_a_window_does_not_fill_is_unknown() -> None:
    """GFS: 12-hourly steps at the end, windows of 6 h."""
    end = np.array([240, 252, 264], dtype="timedelta64[h]")
    assert np.isnan(
        interval_means(np.array([1.0, 100.0, 100.0]), end, label=Label.MEAN_SINCE_RESET).values
    ).all()


def test_era5_land_begins_again_at_midnight() -> None:
    stamps = np.arange("2024-06-01T21", "2024-06-02T03", dtype="datetime64[h]")
    sums = np.array([10.0, 13.0, 15.0, 16.0, 1.0, 3.0]) * HOUR  # 00 UTC holds all of the day before
    found = interval_means(sums, stamps, label=Label.SUM_SINCE_MIDNIGHT).values
    np.testing.assert_allclose(found, [3.0, 2.0, 1.0, 1.0, 2.0, np.nan])


def test_what_falls_by_more_than_rounding_is_mislabelled() -> None:
    hourly = np.array([0.0, 100.0, 400.0, 700.0, 300.0, 50.0, 0.0])
    with pytest.raises(RangeError, match="accumulated in another way"):
        interval_means(hourly * HOUR, leads(*[1] * 6), label=Label.SUM_SINCE_START)


def test_windows_of_the_file_must_be_those_of_the_label() -> None:
    end = leads(3, 3, 3)
    check_windows(np.zeros_like(end), end, label=Label.MEAN_SINCE_START)
    with pytest.raises(TimeError, match="lead 9 h declares a window that begins at 0 h"):
        check_windows(np.zeros_like(end), end, label=Label.MEAN_SINCE_RESET)


def test_nothing_is_done_twice_and_instants_never() -> None:
    values = xr.DataArray(
        [0.0, 3.6e5, 7.2e5], dims="lead_time", coords={"lead_time": leads(1, 1)}, name="ssrd"
    )
    once = de_accumulate(values, label=Label.SUM_SINCE_START)
    assert de_accumulate(once, label=Label.SUM_SINCE_START) is once
    with pytest.raises(SchemaError, match="instants"):
        de_accumulate(values.assign_attrs(cell_methods="time: point"), label=Label.SUM_SINCE_START)
    with pytest.raises(SchemaError, match="instants never can"):
        de_accumulate(values, label=Label.INSTANT)


def test_members_and_sites_are_kept_apart() -> None:
    rng = np.random.default_rng(0)
    sums = rng.uniform(0, 3.6e6, (3, 2, 5)).cumsum(axis=-1)
    end = leads(1, 1, 3, 6)
    dims: Any = ("member", "site", "lead_time")
    both = de_accumulate(
        xr.DataArray(sums, dims=dims, coords={"lead_time": end}).transpose("lead_time", "site", "member"),
        label=Label.SUM_SINCE_START,
    )
    one = interval_means(sums[2, 1], end, label=Label.SUM_SINCE_START).values
    np.testing.assert_array_equal(both.sel(member=2, site=1).values, one)
    assert both.dims == ("lead_time", "site", "member")
