"""Scenarios: shapes and levels that cannot be right are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from energyforecast.core.scenario_set import Scenarios
from energyforecast.errors import RangeError, SchemaError, TimeError

HOURS = pd.date_range("2024-01-02", periods=3, freq="1h", tz="UTC")


@pytest.mark.parametrize("shape", [(5, 2, 3), (5, 1, 2), (5, 3), (3, 1, 5)])
def test_values_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SchemaError, match=r"\(scenarios, 1 sites, 3 hours\)"):
        Scenarios.from_values(np.zeros(shape), sites=["farm"], valid_time=HOURS)


def test_an_hour_without_a_time_is_refused() -> None:
    with pytest.raises(TimeError, match="Hour 1 of the scenarios has no time"):
        Scenarios.from_values(
            np.zeros((5, 1, 2)), sites=["farm"], valid_time=HOURS[:2].where([True, False]), frequency="1h"
        )


@pytest.mark.parametrize("levels", [[10], [0.0], [1.0], [0.5, 0.1], [np.nan], []])
def test_levels_that_are_no_probabilities_are_refused(levels: list[float]) -> None:
    scenarios = Scenarios.from_values(np.zeros((5, 1, 3)), sites=["farm"], valid_time=HOURS)
    with pytest.raises(RangeError):
        scenarios.quantiles(levels)
