"""Seasonal climatology: the same hour and kind of day of nearby dates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from energyforecast.models import SeasonalClimatology

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def test_the_seasonal_climatology_takes_the_same_hour_and_kind_of_day_of_nearby_dates() -> None:
    index = pd.date_range("2019-01-01", "2022-12-31 23:00", freq="1h")
    angle = 2 * np.pi * (index.day_of_year - 1 + index.hour / 24) / np.where(index.is_leap_year, 366, 365)
    X = pd.DataFrame(
        {
            "hour": index.hour.astype(float),
            "weekday": index.day_of_week.astype(float),
            "season_cosine": np.cos(angle),
            "season_sine": np.sin(angle),
        }
    )
    y = np.random.default_rng(0).normal(size=len(X))
    past, rows = index < "2022-01-01", [index.get_loc(t) for t in ("2022-01-02 07:00", "2022-07-06 18:00")]
    model = SeasonalClimatology(LEVELS).fit(X[past], y[past])
    for row in rows:
        moment = index[row]
        near = np.zeros(len(index), dtype=bool)
        for year in (2018, 2019, 2020, 2021, 2022):
            apart = index.normalize() - moment.normalize().replace(year=year)
            near |= np.abs(apart / pd.Timedelta("1D")) <= 8
        same = (
            near
            & past
            & (index.hour == moment.hour)
            & ((index.day_of_week >= 5) == (moment.day_of_week >= 5))
        )
        np.testing.assert_allclose(model.predict(X.iloc[[row]])[0], np.quantile(y[same], LEVELS), atol=0.2)
