"""PV and wind behind the meters of an area: capacity by date and publication, and a forecast that grows with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core.embedded import embedded_at
from energyforecast.errors import RangeError, SchemaError, TimeError
from energyforecast.features import EmbeddedPower
from energyforecast.testing import example_snapshot

HOURS = np.array([["2024-03-31T22", "2024-03-31T23"], ["2024-05-01T00", "2024-05-01T01"]], "datetime64[ns]")
ISSUES = np.array(["2024-03-31T09", "2024-04-30T09"], "datetime64[ns]")


def _at(*capacities: ef.EmbeddedCapacity, zone: str = "UTC") -> list[list[float]]:
    return embedded_at(capacities, HOURS, issue_time=ISSUES, source="pv", timezone=zone).tolist()


def test_a_capacity_counts_from_its_day_on_the_clock_of_the_area() -> None:
    capacities = ef.EmbeddedCapacity(pv=50), ef.EmbeddedCapacity(pv=80, since="2024-04-01")
    assert _at(*capacities) == [[50, 50], [80, 80]]
    assert _at(*capacities, zone="Etc/GMT-1") == [[50, 80], [80, 80]]


def test_a_capacity_counts_from_its_publication() -> None:
    usual = ef.EmbeddedCapacity(pv=50, since="2024-01-01")
    new = {"pv": 80, "since": "2024-03-01"}
    assert _at(usual, ef.EmbeddedCapacity(**new, published="2024-04-29")) == [[50, 50], [80, 80]]
    assert _at(usual, ef.EmbeddedCapacity(**new, published="2024-04-30")) == [[50, 50], [50, 50]]


def test_a_correction_replaces_what_was_published_before_in_any_order() -> None:
    first = ef.EmbeddedCapacity(pv=90, since="2024-01-01", published="2024-02-01")
    corrected = ef.EmbeddedCapacity(pv=70, since="2024-01-01", published="2024-04-05")
    assert _at(first, corrected) == _at(corrected, first) == [[90, 90], [70, 70]]


def test_no_known_capacity_is_missing() -> None:
    later = ef.EmbeddedCapacity(pv=50, since="2024-04-15")
    values = np.array(_at(later))
    assert np.isnan(values[0]).all()
    assert (values[1] == 50).all()


@pytest.mark.parametrize("pv", [-1.0, np.inf, np.nan])
def test_an_impossible_capacity_is_refused(pv: float) -> None:
    with pytest.raises(RangeError, match="has pv"):
        ef.EmbeddedCapacity(pv=pv)


def test_what_is_no_capacity_is_refused() -> None:
    with pytest.raises(SchemaError, match="has embedded"):
        ef.DemandArea(name="a", latitude=50, longitude=10, embedded=[120])
    with pytest.raises(TimeError):
        ef.EmbeddedCapacity(pv=1, since="spring")


def test_the_recipe_has_the_power_of_what_is_told() -> None:
    area = ef.DemandArea(name="a", latitude=50, longitude=10, embedded=[ef.EmbeddedCapacity(wind=30)])
    assert "EmbeddedPower_wind" in ef.recipe(area).names
    assert "EmbeddedPower_pv" not in ef.recipe(area).names
    assert "EmbeddedPower_wind" not in ef.recipe(area, weather=None).names


def test_wind_is_the_generic_curve_at_hub_height_times_its_capacity() -> None:
    area = ef.DemandArea(name="a", latitude=50, longitude=10, embedded=[ef.EmbeddedCapacity(wind=30)])
    now = example_snapshot({"wind_speed_100m": 8.0}, sites=area)
    share = float(ef.PowerCurve.generic().power_at(8.0))
    np.testing.assert_allclose(EmbeddedPower("wind").compute(now)["embedded_wind"], 30 * share)


# -- a forecast of net load ------------------------------------------------------------------------


def _town(days: int = 150) -> tuple[xr.Dataset, pd.Series, tuple[ef.EmbeddedCapacity, ...]]:
    """Sun, net load of a town whose roofs grow each ten days from 20 MW to 160 MW, and their capacities."""
    rng = np.random.default_rng(0)
    index = pd.date_range("2023-01-01", periods=24 * days, freq="1h", tz="UTC")
    hour, day = np.asarray(index.hour), np.arange(len(index)) // 24
    sky = np.clip(rng.uniform(0.2, 1.1, days)[day], 0, 1)
    ghi = 800 * sky * np.clip(np.sin(np.pi * (hour + 0.5 - 6) / 12), 0, None)
    capacity = 20.0 + 10 * (day // 10)
    use = 300 + 40 * np.sin(2 * np.pi * (hour - 8) / 24) + 3 * rng.normal(size=len(index))
    stamps = index.tz_localize(None).to_numpy().astype("datetime64[ns]")
    about = {"units": "W m-2", "cell_methods": "time: mean"}
    weather = xr.Dataset(
        {"ghi": (("site", "time"), ghi[None].astype("float32"), about)},
        coords={"site": ["town"], "time": stamps, "available_time": ("time", stamps)},
        attrs={"kind": "analysis"},
    )
    told = tuple(
        ef.EmbeddedCapacity(pv=20.0 + 10 * k, since=str(index[240 * k].date())) for k in range(days // 10)
    )
    return weather, pd.Series(use - 0.8 * capacity * ghi / 1000, index, name="town"), told


def _forecaster(embedded: tuple[ef.EmbeddedCapacity, ...]) -> ef.Forecaster:
    area = ef.DemandArea(name="town", latitude=0, longitude=0, embedded=embedded)
    features = [ef.features.LocalHour(), ef.features.IntervalMean("ghi")]
    features += [EmbeddedPower("pv")] if embedded else []
    model = ef.LightGBMQuantiles(n_estimators=60, folds=0, extra_trees=False, linear_base=True)
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    return ef.Forecaster(area, task, model=model, features=features, perfect_weather=True, trust_clock=True)


def test_a_forecast_follows_roofs_that_are_told(tmp_path: Path) -> None:
    weather, load, told = _town()
    demand = ef.Observations(load.to_frame(), published_after="1h")
    end = load.index[24 * 130]
    bias = {}
    for name, embedded in {"untold": (), "told": told}.items():
        forecaster = _forecaster(embedded).fit(weather, demand[:end])
        issued = [f"{end + pd.Timedelta(days=k):%Y-%m-%d} 09:00" for k in (1, 4, 7, 10, 13)]
        frame = forecaster.predict(weather, issue_time=issued).to_frame().set_index("valid_time")
        midday = frame[(frame.index.hour >= 10) & (frame.index.hour < 14)]
        bias[name] = float((midday["q0.5"] - load.reindex(midday.index)).mean())
    assert bias["untold"] > 15  # as if roofs were those of the mean of the months before
    assert abs(bias["told"]) < 5

    forecaster.save(tmp_path / "town.forecaster")
    assert ef.load(tmp_path / "town.forecaster").sites[0].embedded == told


def test_a_configuration_carries_capacities(tmp_path: Path) -> None:
    text = """
[sites.town]
kind = "demand"
latitude = 50
longitude = 10
embedded = [{pv = 50, wind = 4}, {pv = 80, since = "2024-04-01", published = "2024-04-10"}]

[observations]
file = "demand.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "2h"

[task]
kind = "day_ahead"
issue = "09:00"
timezone = "UTC"
"""
    (tmp_path / "town.toml").write_text(text, encoding="utf-8")
    (area,) = ef.configuration.read(tmp_path / "town.toml").sites
    assert isinstance(area, ef.DemandArea)
    assert area.embedded == (
        ef.EmbeddedCapacity(pv=50, wind=4),
        ef.EmbeddedCapacity(pv=80, since="2024-04-01", published="2024-04-10"),
    )


def test_a_moment_that_the_clock_of_the_area_leaves_out_is_refused_with_the_area() -> None:
    with pytest.raises(TimeError):
        ef.DemandArea(
            name="town",
            latitude=50,
            longitude=10,
            timezone="Europe/Paris",
            embedded=[{"pv": 1, "since": "2024-03-31 02:30"}],
        )
