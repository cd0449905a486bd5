"""Scenarios, sheets and figures of an issue with an outage keep within the available capacity."""

from __future__ import annotations

import numpy as np

import energyforecast as ef
from energyforecast import planning
from energyforecast.reporting import sheets
from energyforecast.testing import example_forecast


def _bounded(available: float) -> ef.Forecast:
    """The example, cut at the capacity in service at noon and after."""
    data = example_forecast().data
    bounds = np.where(np.arange(24) < 12, 60.0, available)[None, None]
    data = data.copy(data=np.minimum(data.values, bounds[..., None]).astype(np.float32))
    return ef.Forecast(data.assign_coords(available_capacity=(data.dims[:3], bounds)))


def test_tails_of_scenarios_end_at_the_available_capacity() -> None:
    forecast = _bounded(12.0)
    marginals = planning.scenario_generation.marginals.Marginals.of(forecast)
    ranks = np.tile(np.arange(50)[:, None, None], (1, 1, 24))
    found = marginals.values(ranks, tails="normal")
    assert found[:, 0, 12:].max() <= 12.0
    assert found[:, 0, :12].max() > 12.0


def test_the_sheet_has_a_column_for_it() -> None:
    table = sheets.day_ahead_sheet(_bounded(12.0), timezone="UTC").to_frame()
    assert table["available_capacity"].tolist() == [60.0] * 12 + [12.0] * 12
    assert "available_capacity" not in sheets.day_ahead_sheet(example_forecast(), timezone="UTC").to_frame()


def test_the_fan_chart_shows_a_plant_that_grew() -> None:
    data = example_forecast().data
    grown = data.copy(data=data.values * 4).assign_coords(
        available_capacity=(data.dims[:3], np.full(data.shape[:3], 240.0))
    )
    assert ef.Forecast(grown).plot().axes[0].get_ylim()[1] >= 240
    assert example_forecast().plot().axes[0].get_ylim()[1] < 65
