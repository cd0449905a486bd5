"""A model that several sites share, calibrated for each of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import energyforecast as ef
from energyforecast.errors import SchemaError
from energyforecast.evaluation import align
from energyforecast.features import HubWind, SiteStatics
from tests.support.synthetic_data import SyntheticSite, synthetic

TASK = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))


@cache
def _synthetic_site() -> SyntheticSite:
    """The second farm gives two thirds of what the wind says."""
    given = synthetic(days=150, sites=2)
    values = given.power.values.copy()
    values["farm 1"] *= 0.67
    return replace(given, power=replace(given.power, values=values))


def _below(model: ef.QuantileModel, *, statics: bool) -> dict[str, Any]:
    """Share of outcomes below each quantile, by site, in the last weeks. [%]"""
    given = _synthetic_site()
    features = [HubWind(), SiteStatics()] if statics else [HubWind()]
    forecaster = ef.Forecaster(given.sites, TASK, features=features, model=model, pooled=True)
    forecaster.fit(given.weather, given.power, as_of="2024-04-20 00:00")
    issued = TASK.issue_times("2024-04-21", "2024-05-25")
    pairs = align(given.power, forecaster.predict(given.weather, given.power, issue_time=issued))
    rows = {name: (pairs.labels["site"] == name).to_numpy() for name in ("farm 0", "farm 1")}
    return {name: 100 * pairs.share_at_or_below[row].mean(axis=0) for name, row in rows.items()}


def test_a_pooled_model_is_calibrated_for_each_site() -> None:
    linear = ef.LinearQuantiles(fitted_quantiles=(0.1, 0.5, 0.9), spline_columns=("wind*",), penalty=1.0)
    plain = _below(linear, statics=False)
    assert plain["farm 1"][1] - plain["farm 0"][1] > 12, "what is right for both is right for neither"
    mended = _below(ef.ConformalQuantiles(model=linear, by="site"), statics=True)
    for name in mended:
        np.testing.assert_allclose(mended[name], [10, 50, 90], atol=8)  # 35 days of one realisation


def test_pooled_rows_lie_in_order_of_time() -> None:
    """Models cut them into blocks: of sites one after the other each block would be a site."""
    seen = []

    class Looks(ef.Climatology):
        def _fit(self, X: Any, y: Any, sample_weight: Any) -> None:
            seen.append(X["site"].to_numpy())
            super()._fit(X, y, sample_weight)

    given = _synthetic_site()
    features = [ef.features.LocalHour(), SiteStatics()]
    ef.Forecaster(given.sites, TASK, features=features, model=Looks(), pooled=True).fit(
        given.weather, given.power
    )
    thirds = np.array_split(seen[0], 3)
    assert all(0.45 < part.mean() < 0.55 for part in thirds)


def test_calibration_by_site_needs_to_know_the_site() -> None:
    given = _synthetic_site()
    model = ef.ConformalQuantiles(model=ef.LinearQuantiles(), by="site")
    with pytest.raises(SchemaError, match="'site'"):
        ef.Forecaster(given.sites, TASK, features=[HubWind()], model=model, pooled=True).fit(
            given.weather, given.power
        )
