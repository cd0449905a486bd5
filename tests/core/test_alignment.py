"""Values are matched with hours exactly, and none is missing in silence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from energyforecast.core.alignment import by_hour, finite_by_hour, outcomes_at
from energyforecast.core.observation_series import Observations
from energyforecast.errors import RangeError, TimeError

HOURS = pd.date_range("2024-01-02", periods=2, freq="1h", tz="UTC")


def test_hours_may_repeat_and_a_number_is_that_of_all() -> None:
    assert by_hour(pd.Series([3.0, 4.0], index=HOURS), HOURS[[1, 1]], name="price").tolist() == [4.0, 4.0]
    assert finite_by_hour(5.0, HOURS, name="schedule").tolist() == [5.0, 5.0]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (HOURS.tz_localize(None), "without a time zone"),
        (HOURS[[0, 0]], "twice"),
        (HOURS + pd.Timedelta("30min"), "begins at 2024-01-02 00:30"),
    ],
)
def test_other_hours_are_refused(index: pd.DatetimeIndex, message: str) -> None:
    with pytest.raises(TimeError, match=message):
        by_hour(pd.Series([3.0, 4.0], index=index), HOURS, name="price")


def test_a_missing_value_is_refused_where_none_may_be_missing() -> None:
    with pytest.raises(RangeError, match="The schedule is nan at 2024-01-02 01:00"):
        finite_by_hour(pd.Series([3.0, np.nan], index=HOURS), HOURS, name="schedule")


def test_outcomes_that_are_missing_stay_missing() -> None:
    measured = pd.Series([3.0, np.nan], index=HOURS)
    observed = Observations(measured.to_frame("farm"), published_after="2h")
    for given in (measured, observed):
        np.testing.assert_array_equal(outcomes_at(given, HOURS, site="farm", step=1.0), [3.0, np.nan])
