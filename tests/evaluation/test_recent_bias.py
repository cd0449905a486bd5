"""The newest bias against that of the past: breaks are found, chance and growth of the sample are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from energyforecast.errors import RangeError
from energyforecast.evaluation import Pairs, bias, recent_bias
from tests.support.pairs import certain
from tests.support.wandering_pairs import make_pairs


def _broken(step: float, *, days: int = 200, last: int = 14, seed: int = 0) -> Pairs:
    """Pairs of which the outcomes of the last days are moved."""
    pairs = make_pairs(days=days, seed=seed)
    moved = np.arange(len(pairs)) >= len(pairs) - 24 * last
    return replace(pairs, observed=pairs.observed + step * moved)


def test_a_break_of_two_weeks_is_outside_the_past_and_in_megawatts() -> None:
    pairs = _broken(-6.0)
    (row,) = recent_bias(pairs).itertuples()
    newest = pairs.of_rows(np.arange(len(pairs)) >= len(pairs) - 24 * 14)
    assert row.bias == pytest.approx(float(bias(newest)["value"].iloc[0]))
    assert row.outside
    assert row.bias > row.high > 0 > row.low
    assert row.since == newest.labels["valid_time"].min()
    assert row.periods == 13  # of 186 days, without the part of a period
    (row,) = recent_bias(_broken(6.0)).itertuples()
    assert row.bias < row.low
    assert row.outside


@pytest.mark.parametrize("last", [60, 0])
def test_a_bias_that_has_lasted_is_the_past_s_and_chance_is_seldom_outside(last: int) -> None:
    found = [bool(recent_bias(_broken(-6.0, last=last, seed=seed))["outside"].iloc[0]) for seed in range(40)]
    assert sum(found) <= 2


def test_few_weeks_have_no_range() -> None:
    (row,) = recent_bias(_broken(-30.0, days=98)).itertuples()
    assert row.periods == 6
    assert row.outside
    (row,) = recent_bias(_broken(-30.0, days=80)).itertuples()
    assert np.isnan(row.low)
    assert not row.outside


def test_each_site_has_its_own_past() -> None:
    one, other = _broken(-6.0), _broken(0.0)
    both = replace(
        one,
        observed=np.concatenate([one.observed, other.observed]),
        quantiles=np.concatenate([one.quantiles, other.quantiles]),
        labels=pd.concat([one.labels, other.labels.assign(site="b")], ignore_index=True),
        capacity=np.concatenate([one.capacity, other.capacity]),
    )
    table = recent_bias(both).set_index("site")
    assert table["outside"].to_dict() == {"a": True, "b": False}


def test_a_forecast_without_error_is_never_outside() -> None:
    values = 10.0 + np.arange(24 * 120) % 24
    assert not recent_bias(certain(values, values))["outside"].any()


def test_wrong_settings_are_refused() -> None:
    pairs = certain(np.ones(24), np.ones(24))
    with pytest.raises(RangeError, match="days is 0"):
        recent_bias(pairs, days=0)
    with pytest.raises(RangeError, match="confidence is 99"):
        recent_bias(pairs, confidence=99.0)
