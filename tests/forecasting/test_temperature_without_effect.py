"""A short history with a temperature: the past alone is tried, and taken where the temperature explains nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef

TOWN = ef.DemandArea(name="town", latitude=35.6, longitude=-5.4, timezone="UTC")
TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
PAST = "departure from the week's mean, without temperature"


def _spring(effect: float, wander: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Temperature and demand of four months that become warmer; its level may wander from day to day. [°C, MW]"""
    index = pd.date_range("2024-01-01", "2024-05-01", freq="1h", tz="UTC", inclusive="left")
    rng, day = np.random.default_rng(5), np.arange(len(index)) // 24
    weather = pd.Series(rng.normal(0, 3, day[-1] + 1)).ewm(alpha=0.4).mean().to_numpy()[day]
    celsius = 8 + 0.12 * day + weather + 4 * np.sin(2 * np.pi * (index.hour - 9) / 24)
    level = np.cumsum(rng.normal(0, wander, day[-1] + 1))[day]
    shape = 8 * np.sin(2 * np.pi * (index.hour - 13) / 24) + 4 * (index.day_of_week < 5)
    load = 60 + level + shape + effect * (18 - celsius) + rng.normal(0, 0.5, len(index))
    return tuple(pd.DataFrame({"town": values}, index=index) for values in (celsius, load))  # type: ignore[return-value]


@pytest.mark.slow
@pytest.mark.parametrize(("effect", "wander", "taken"), [(0.0, 0.6, True), (1.5, 0.05, False)])
def test_the_past_alone_is_taken_where_the_temperature_has_no_effect(
    effect: float, wander: float, taken: bool
) -> None:
    celsius, load = _spring(effect, wander)
    weather = ef.weather.measured_weather({"temp_air": celsius}, published_after="0h")
    demand = ef.Observations(load, published_after="1h")
    forecaster = ef.Forecaster(TOWN, TASK, perfect_weather=True).fit(weather, demand)
    table = pd.DataFrame(forecaster.training_.selection["town"]["tried"])
    assert PAST in set(table["choice"])
    assert PAST not in table["choice"].iloc[0]  # of the usual mean it is no part
    (chosen,) = table.loc[table["chosen"], "choice"]
    assert (PAST in chosen) == taken
    assert (PAST in repr(forecaster)) == taken


def test_that_candidate_does_not_read_the_temperature() -> None:
    default = ef.Forecaster(TOWN, TASK).model
    assert isinstance(default, ef.models.SelectedModel)
    assert default.candidates is not None
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {name: rng.uniform(size=400) for name in ("temp_air[mean]", "temp_air[24h]", "mean_7x24h", "hour")}
    )
    y = X["mean_7x24h"] + 3 * X["temp_air[mean]"] + X["hour"]
    gain = default.candidates[PAST].set_params(quantiles=(0.5,)).fit(X, y.to_numpy()).gain()
    assert gain["hour"] > 0
    assert gain.filter(like="temp_air").sum() == 0
