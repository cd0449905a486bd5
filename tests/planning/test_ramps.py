"""Ramps of scenarios: what counts as one, warnings as events, and how they are matched with what came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energyforecast.core.observation_series import Observations
from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import RangeError, SchemaError, TimeError
from energyforecast.evaluation.ramp_matching import match_ramps
from energyforecast.planning import alarm_scores, alarms, ramps


def _hours(length: int, step: str = "1h") -> pd.DatetimeIndex:
    return pd.date_range("2024-01-02", periods=length, freq=step, tz="UTC")


def _trajectories(*trajectories: list[float], step: str = "1h") -> Scenarios:
    values = np.asarray(trajectories, float)[:, None, :]
    return Scenarios.from_values(values, sites=["farm"], valid_time=_hours(values.shape[2], step))


def _chances(table: pd.DataFrame, within: str, direction: str) -> list[float]:
    rows = table[(table["within"] == within) & (table["direction"] == direction)]
    return rows["probability"].tolist()


def test_a_rise_that_is_gone_at_the_end_of_the_window_counts() -> None:
    table = ramps(_trajectories([0, 0, 9, 0, 0], [0, 0, 0, 0, 0]), change=9, within=["1h", "3h"])
    assert _chances(table, "1h", "up")[:4] == [0, 0.5, 0, 0]
    assert _chances(table, "3h", "up")[:2] == [0.5, 0.5]
    assert _chances(table, "3h", "down")[:2] == [0, 0]  # the fall begins at 9 MW, in hour 2
    assert _chances(table, "1h", "down")[:4] == [0, 0, 0.5, 0]
    assert (table["n"] == 2).all()


def test_hours_whose_window_is_not_whole_are_not_known() -> None:
    table = ramps(_trajectories([0.0] * 8), change=1)
    for within, length in (("1h", 7), ("3h", 5), ("6h", 2)):
        known = np.isfinite(_chances(table, within, "up"))
        assert known.tolist() == [True] * length + [False] * (8 - length)


def test_a_share_of_the_capacity_and_half_hours() -> None:
    trajectories = _trajectories([0, 10, 20, 30, 30], step="30min")
    table = ramps(trajectories, change=0.2, capacity=100.0, within=["30min", "1h"])
    assert (table["change"] == 20).all()
    assert _chances(table, "30min", "up")[:4] == [0, 0, 0, 0]
    assert _chances(table, "1h", "up")[:3] == [1, 1, 0]


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 999), change=st.floats(1, 60), more=st.floats(0, 30), scale=st.sampled_from([2, 1000])
)
def test_longer_windows_and_smaller_changes_are_never_less_likely(
    seed: int, change: float, more: float, scale: int
) -> None:
    values = np.random.default_rng(seed).uniform(0, 60, (20, 12))
    table, larger = (ramps(_trajectories(*values), change=least) for least in (change, change + more))
    wide = table.pivot(index=["valid_time", "direction"], columns="within", values="probability").dropna()
    assert (wide["1h"] <= wide["3h"]).all()
    assert (wide["3h"] <= wide["6h"]).all()
    assert (larger["probability"].dropna() <= table["probability"].dropna()).all()
    scaled = ramps(_trajectories(*(scale * values)), change=scale * change)
    np.testing.assert_array_equal(scaled["probability"], table["probability"])
    turned = ramps(_trajectories(*(60 - values)), change=change)
    for within in ("1h", "3h"):
        np.testing.assert_array_equal(_chances(turned, within, "up"), _chances(table, within, "down"))


def _table(
    chances: list[float], *, within: str = "1h", direction: str = "up", **columns: Any
) -> pd.DataFrame:
    given = {"valid_time": _hours(len(chances)), "within": within, "direction": direction, "change": 5.0}
    return pd.DataFrame(given | {"probability": chances, "n": 100} | columns)


def test_hours_in_a_row_are_one_warning() -> None:
    found = alarms(_table([0.1, 0.4, 0.6, 0.3, 0.2, 0.9, np.nan]), probability=0.3)
    assert found["start"].dt.hour.tolist() == [1, 5]
    assert found["end"].dt.hour.tolist() == [3, 5]
    assert found["hours"].tolist() == [3, 1]
    assert found["probability"].tolist() == [0.6, 0.9]
    assert found["likeliest"].dt.hour.tolist() == [2, 5]
    # ... but not across an hour that is not there.
    gap = alarms(_table([0.5, 0.5, 0.5, 0.5]).drop(index=[2]))
    assert gap["hours"].tolist() == [2, 1]
    assert alarms(_table([0.1, 0.2])).empty
    assert list(alarms(_table([0.1, 0.2])).columns) == list(found.columns)


def test_warnings_are_matched_with_the_ramps_that_came() -> None:
    hours = _hours(12)
    came = pd.Series([0, 0, 0, 6, 6, 6, 6, 6, 6, 0, 0, 0.0], index=hours)  # up from hour 2, down from hour 8
    up = _table([0.1, 0.5] + [0.1] * 4 + [0.8, 0.1, 0.1, 0.1, 0.1, np.nan])  # an hour early; false at 6
    down = _table([0.1] * 5 + [0.5] + [0.1] * 5 + [np.nan], direction="down")  # three hours early
    scores = alarm_scores(pd.concat([up, down]), came).set_index("direction")
    assert scores.loc["up", ["hits", "misses", "false_alarms"]].tolist() == [1, 0, 1]
    assert scores.loc["down", ["hits", "misses", "false_alarms"]].tolist() == [0, 1, 1]
    assert scores["csi"].tolist() == [0.5, 0.0]
    assert scores["n"].tolist() == [11, 11]
    np.testing.assert_allclose(scores["warned"], [2 / 11, 1 / 11])
    lenient = alarm_scores(pd.concat([up, down]), came, tolerance="3h").set_index("direction")
    assert lenient.loc["down", "hits"] == 1
    strict = alarm_scores(pd.concat([up, down]), came, tolerance="0h").set_index("direction")
    assert strict.loc["up", "hits"] == 0


def test_a_warning_hits_once_and_days_are_added() -> None:
    # Two ramps upward within reach of one warning of three hours.
    came = pd.Series([0, 6, 0, 6, 6, 6.0], index=_hours(6))
    table = _table([0.5, 0.5, 0.5, 0.0, 0.0, np.nan])
    one = alarm_scores(table, came).iloc[0]
    assert (one["hits"], one["misses"], one["false_alarms"]) == (1, 1, 0)
    assert (one["csi"], one["pod"], one["far"]) == (0.5, 0.5, 0.0)
    both = alarm_scores([table, table], came).iloc[0]
    assert (both["hits"], both["misses"], both["n"]) == (2, 2, 10)


def test_what_was_not_observed_is_neither_hit_nor_false_and_is_counted() -> None:
    frame = pd.DataFrame({"farm": [0.0, 0, np.nan, 6, 6, 6]}, index=_hours(6))
    power = Observations(frame, published_after="1h")
    row = alarm_scores(_table([0.0, 0.0, 0.9, 0.0, 0.0, np.nan]), power, site="farm").iloc[0]
    assert (row["hits"], row["misses"], row["false_alarms"]) == (0, 0, 0)
    assert (row["n"], row["missing"]) == (3, 2)
    assert np.isnan(row["csi"])


def test_the_nearest_free_forecast_of_the_same_direction_hits() -> None:
    told = [(2.0, 2.0, 1), (5.0, 7.0, 1), (9.0, 9.0, -1)]
    assert match_ramps([(6.0, 1), (3.0, 1), (9.0, 1)], told, tolerance=1) == ([0, 1], [2])
    assert match_ramps([(8.0, 1)], told, tolerance=1) == ([0], [0, 2])
    assert match_ramps([(8.0, 1)], [], tolerance=1) == ([], [])


def test_changes_windows_and_tables_that_cannot_be_are_refused() -> None:
    trajectories = _trajectories([0.0] * 6)
    for change in (0.0, -5.0, np.nan):
        with pytest.raises(RangeError, match="A ramp is a change"):
            ramps(trajectories, change=change)
    for within in ("90min", "6h", "0h"):
        with pytest.raises(TimeError, match=f"Ramps within {within}"):
            ramps(trajectories, change=1, within=[within])
    for probability in (0.0, 1.1):
        with pytest.raises(RangeError, match="Warnings"):
            alarms(ramps(trajectories, change=1, within=["1h"]), probability=probability)
    with pytest.raises(SchemaError, match="no column 'direction'"):
        alarms(pd.DataFrame({"valid_time": _hours(2), "within": "1h"}))
    with pytest.raises(TimeError, match="lacks 2 of 6 hours"):
        alarm_scores(ramps(trajectories, change=1, within=["1h"]), pd.Series(0.0, index=_hours(4)))
