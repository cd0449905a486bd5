"""Features of wind: heights, power curves, ensembles, neighbours, trends; and the curve as a reference."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import physics
from energyforecast.core import weather_schema
from energyforecast.errors import SchemaError
from energyforecast.evaluation import mae
from energyforecast.features import (
    EnsembleSpread,
    Feature,
    FeatureSet,
    HubWind,
    LeadTime,
    NeighbourWind,
    NeighbourWindComponents,
    PowerCurvePower,
    WindShear,
    WindTrend,
    WindVeer,
    features_giving,
)
from energyforecast.forecasting import storage
from energyforecast.models.references import PowerCurveReference
from energyforecast.point_in_time import gathering
from tests.support.synthetic_data import replaced, synthetic

START, HOUR = np.datetime64("2024-01-01T00", "ns"), np.timedelta64(1, "h")
CURVE = ef.PowerCurve((3, 12, 25), (0, 1, 1))
FARM = ef.WindFarm(
    name="farm", latitude=43.64, longitude=78.54, capacity=60, hub_height=50, power_curve=CURVE
)
NEAR = ef.WindFarm(name="near", latitude=43.7, longitude=78.6, capacity=10)
FAR = ef.WindFarm(name="far", latitude=46.9, longitude=79.75, capacity=10)


def _weather(sites: list[str], members: int = 0, **values: object) -> xr.Dataset:
    """One run of 55 hours at each of 40 days; a value is a number, or a function of lead, site and member."""
    init = START + np.arange(40) * 24 * HOUR
    shape = (len(sites), 40, 55) + ((members,) if members else ())
    dims = ("site", "init_time", "lead_time", "member")[: len(shape)]
    site, _, lead, *rest = np.indices(shape)
    member = rest[0] if rest else np.zeros(shape)
    arrays = {
        name: np.broadcast_to(value(lead, site, member) if callable(value) else value, shape)
        for name, value in values.items()
    }
    return xr.Dataset(
        {name: (dims, array.astype("float32")) for name, array in arrays.items()},
        coords={
            "site": sites,
            "init_time": init,
            "lead_time": np.arange(55).astype("timedelta64[h]").astype("timedelta64[ns]"),
            "available_time": ("init_time", init),
        },
    )


def _look(
    item: Feature, weather: weather_schema.Weather, sites: list[ef.Site] | None = None, at: str = "farm"
) -> dict[str, np.ndarray]:
    windows = ef.intraday(every="1h", leads="6h").windows(pd.DatetimeIndex(["2024-01-03 12:00"], tz="UTC"))
    kept, needs = FeatureSet((item,)).resolve(weather)
    now = gathering.take_snapshot(
        weather, None, sites=sites or [FARM], windows=windows, names=needs.names, required=needs.names,
        margin=needs.margin,
    )  # fmt: skip
    return {name: values[0] for name, values in kept.compute(now.at(at)).items()}


def test_hub_wind_is_read_between_two_heights() -> None:
    weather = _weather(["farm"], wind_speed_10m=4.0, wind_speed_25m=6.0, wind_speed_100m=8.0)
    np.testing.assert_allclose(_look(HubWind(), weather)["wind_speed_hub"], 7.0, rtol=1e-6)


def test_hub_wind_above_all_heights_keeps_their_shear() -> None:
    weather = _weather(["farm"], wind_speed_10m=4.0, wind_speed_20m=5.0, wind_speed_40m=6.0)
    expected = 6 * 1.25 ** (np.log(6 / 5) / np.log(2))
    np.testing.assert_allclose(_look(HubWind(), weather)["wind_speed_hub"], expected, rtol=1e-6)


def test_hub_wind_from_one_height_follows_the_power_law() -> None:
    got = _look(HubWind(), {"ifs": _weather(["farm"], wind_speed_100m=8.0)})
    np.testing.assert_allclose(got["ifs:wind_speed_hub"], 8 * 0.5 ** (1 / 7), rtol=1e-6)


def test_a_height_at_the_hub_is_taken_as_it_is() -> None:
    weather = _weather(["farm"], wind_speed_50m=6.5, wind_speed_100m=20.0)
    np.testing.assert_allclose(_look(HubWind(), weather)["wind_speed_hub"], 6.5)


def test_shear_and_veer_stand_between_heights_and_nowhere_else() -> None:
    weather = _weather(
        ["farm"], wind_speed_10m=5.0, wind_speed_100m=7.0, wind_direction_10m=350.0, wind_direction_100m=10.0
    )
    np.testing.assert_allclose(_look(WindShear(), weather)["wind_shear_10m_100m"], np.log10(1.4), rtol=1e-5)
    np.testing.assert_allclose(_look(WindVeer(), weather)["wind_veer_10m_100m"], 20.0)
    single = _weather(["farm"], wind_speed_100m=7.0, wind_direction_100m=10.0)
    assert _look(WindShear(), single) == _look(WindVeer(), single) == {}


def test_curve_power_is_the_mean_over_the_interval_not_the_power_of_the_mean() -> None:
    weather = _weather(["farm"], wind_speed_50m=lambda lead, *_: np.where(lead % 2, 1.0, 7.5))
    # 0.5 and 0 at the ends; the mean wind of 4.25 m/s would give 0.139
    np.testing.assert_allclose(_look(PowerCurvePower(), weather)["power_curve"], 0.25, rtol=1e-6)


def test_curve_power_of_an_ensemble_is_the_mean_of_its_members() -> None:
    weather = _weather(["farm"], members=2, wind_speed_50m=lambda lead, site, member: 2.0 + 10.0 * member)
    np.testing.assert_allclose(_look(PowerCurvePower(), weather)["power_curve"], 0.5, rtol=1e-6)


def test_curve_power_by_density() -> None:
    weather = _weather(["farm"], wind_speed_50m=8.0, temp_air=30.0, pressure=85_000.0)
    density = physics.air_density_at_height(30.0, 85_000.0, hub_height=50.0)
    got = _look(PowerCurvePower(density=True), weather)["power_curve[density]"]
    np.testing.assert_allclose(got, float(CURVE.power_at(8.0, density)), rtol=1e-5)
    assert float(CURVE.power_at(8.0, density)) < float(CURVE.power_at(8.0))
    damp = _weather(["farm"], wind_speed_50m=8.0, temp_air=30.0, pressure=85_000.0, relative_humidity=90.0)
    assert (_look(PowerCurvePower(density=True), damp)["power_curve[density]"] < got).all()
    assert _look(PowerCurvePower(density=True), weather.drop_vars("pressure")) == {}


def test_a_site_without_a_curve_is_refused() -> None:
    bare = dataclasses.replace(FARM, power_curve=None)
    with pytest.raises(SchemaError) as caught:
        _look(PowerCurvePower(), _weather(["farm"], wind_speed_50m=8.0), [bare])
    assert len(str(caught.value).splitlines()) == 3
    assert "'farm'" in str(caught.value)


def test_members_disagree_by_their_deviation() -> None:
    weather = _weather(["farm"], members=11, wind_speed_100m=lambda lead, site, member: member + 3.0)
    got = _look(EnsembleSpread(), weather)
    np.testing.assert_allclose(got["wind_speed_100m[spread]"], np.arange(11).std(), rtol=1e-6)
    np.testing.assert_allclose(got["wind_speed_100m[low]"], 4.0)
    np.testing.assert_allclose(got["wind_speed_100m[high]"], 12.0)
    assert _look(EnsembleSpread(), _weather(["farm"], wind_speed_100m=5.0)) == {}


def test_neighbours_are_counted_by_distance_from_each_site() -> None:
    weather = _weather(["farm", "far", "near"], wind_speed_100m=lambda lead, site, member: 4.0 + 2.0 * site)
    sites: list[ef.Site] = [FARM, FAR, NEAR]
    here, there = (_look(NeighbourWind(nearest=1), weather, sites, at) for at in ("farm", "far"))
    assert list(here) == list(there)
    np.testing.assert_allclose(here["wind_speed_100m[neighbour 1]"], 8.0)
    np.testing.assert_allclose(there["wind_speed_100m[neighbour 1]"], 8.0)
    np.testing.assert_allclose(here["wind_speed_100m[neighbours' mean]"], 7.0)
    np.testing.assert_allclose(there["wind_speed_100m[neighbours' spread]"], 2.0)
    assert _look(NeighbourWind(), weather, [FARM]) == {}


def test_columns_of_neighbours_are_of_the_height_nearest_the_hub() -> None:
    weather = _weather(
        ["farm", "near"],
        wind_speed_120m=4.0,
        wind_speed_100m=lambda lead, *_: 8.0 + lead,
        wind_direction_100m=180.0,
    )
    table = _look(NeighbourWind(nearest=1), weather, [FARM, NEAR])
    assert [name for name in table if "neighbour 1" in name] == ["wind_speed_100m[neighbour 1]"]
    # A wind that rises evenly: the hour's mean lies between the instants before and after.
    one = table["wind_speed_100m[neighbour 1]"]
    around = [table[f"wind_speed_100m[neighbours' mean {hour}h]"] for hour in ("-3", "+4")]
    np.testing.assert_allclose(np.mean(around, axis=0), one, rtol=1e-6)
    np.testing.assert_allclose(around[1] - around[0], 7.0, rtol=1e-5)
    assert "wind_speed_120m[neighbours' mean]" in table
    parts = _look(NeighbourWindComponents(), weather, [FARM, NEAR])
    assert list(parts) == ["wind_u_100m[neighbour 1]", "wind_v_100m[neighbour 1]"]
    np.testing.assert_allclose(parts["wind_v_100m[neighbour 1]"], one, rtol=1e-5)  # a south wind blows north
    np.testing.assert_allclose(parts["wind_u_100m[neighbour 1]"], 0.0, atol=1e-5)


def _grid(weather: xr.Dataset, cells: list[ef.Site], *, error: float) -> xr.Dataset:
    """The farm's weather in its own cell and in others, each with errors of its own."""
    noise = np.random.default_rng(5)
    names = [str(weather["site"].values[0]), *(cell.name for cell in cells)]
    wide = weather.isel(site=[0] * len(names)).assign_coords(site=names)
    speed = wide["wind_speed_100m"] + error * noise.normal(size=wide["wind_speed_100m"].shape)
    return replaced(wide, "wind_speed_100m", speed.clip(0, 40))


@pytest.mark.slow
def test_cells_of_a_grid_around_a_farm_are_neighbours_that_help_and_are_not_forecast() -> None:
    given = synthetic(days=60)
    cells: list[ef.Site] = [
        ef.Site(name=f"{north:g} {east:g}", latitude=48 + north, longitude=5 + east)
        for north in (-0.25, 0, 0.25)
        for east in (-0.25, 0, 0.25)
        if north or east
    ]
    weather = _grid(given.weather[["wind_speed_100m"]], cells, error=3.0)
    task = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    issued = task.issue_times("2024-02-10", "2024-02-25")
    model = ef.LightGBMQuantiles(n_estimators=150, folds=0, min_child_samples=20)
    error = {}
    for around in ((), cells):
        forecaster = ef.Forecaster(given.site, task, model=model, neighbours=around)
        forecaster.fit(weather, given.power[:"2024-02-08"])
        forecast = forecaster.predict(weather, given.power, issue_time=issued)
        assert forecast.sites == (given.site.name,)
        error[len(around)] = float(mae(given.power, forecast)["value"].iloc[0])
    assert error[8] < 0.9 * error[0], error
    ef.testing.check_no_leakage(forecaster, weather, given.power, issue_time="2024-02-12 09:00")


def test_trend_smooths_and_takes_the_ramp() -> None:
    weather = _weather(["farm"], wind_speed_100m=lambda lead, *_: lead**2 / 10.0)
    got = _look(WindTrend(hours=(2,)), weather)
    lead = 12.0 + np.arange(6)
    np.testing.assert_allclose(got["wind_speed_100m[smooth 2h]"], (lead**2 + 2) / 10, rtol=1e-5)
    np.testing.assert_allclose(got["wind_speed_100m[ramp 2h]"], 8 * lead / 10, rtol=1e-5)


def test_the_recipe_uses_a_curve_only_if_the_farm_has_one() -> None:
    assert "PowerCurvePower" in ef.recipe(FARM).names
    assert not [name for name in ef.recipe(NEAR).names if name.startswith("PowerCurve")]


def test_what_was_new_does_not_fire_for_one_farm_with_one_forecast() -> None:
    site, weather, _ = ef.datasets.la_haute_borne()
    task = ef.day_ahead("09:00", timezone="Europe/Paris")
    issued = pd.DatetimeIndex(["2014-05-01 07:00"], tz="UTC")
    columns = [
        list(
            ef.Forecaster(site, task, features=features, perfect_weather=True)
            .design_matrix(weather, None, issued)
            .columns[site.name]
        )
        for features in (
            ef.recipe(site),
            ef.recipe(site) - "NeighbourWind" - "NeighbourWindComponents" - "EnsembleSpread",
        )
    ]
    assert columns[0] == columns[1]


# --- The reference --------------------------------------------------------------------------------


def test_features_giving_knows_the_curve() -> None:
    assert features_giving(["power_curve"]).names == ["PowerCurvePower"]
    assert features_giving(["ifs:power_curve[density]"]).names == ["PowerCurvePower[density]"]


def test_the_reference_adds_the_errors_of_each_lead() -> None:
    X = pd.DataFrame({"power_curve": [0.2, 0.4, 0.2, 0.4], "lead_time": [1.0, 1.0, 30.0, 30.0]})
    fitted = PowerCurveReference((0.1, 0.5, 0.9)).fit(X, np.array([0.2, 0.4, 0.0, 0.6]), bounds=(0, 1))
    width = np.ptp(fitted.predict(X), axis=1)
    assert width[0] < 1e-9 < 0.1 < width[2]


def _power(days: int = 40) -> ef.Observations:
    index = pd.date_range("2024-01-01", periods=24 * days, freq="1h", tz="UTC")
    lead = np.tile(np.arange(24.0), days)
    wind = 6 + 3 * np.sin(2 * np.pi * np.stack([lead, lead + 1]) / 24)
    share = CURVE.power_at(wind).mean(axis=0)
    return ef.Observations(pd.DataFrame({"farm": 60 * share}, index=index), published_after="1h")


def test_the_reference_forecasts_what_the_curve_says_and_is_stored(tmp_path: Path) -> None:
    weather = _weather(["farm"], wind_speed_50m=lambda lead, *_: 6 + 3 * np.sin(2 * np.pi * (lead % 24) / 24))
    task = ef.intraday(every="24h", leads="6h", quantiles=(0.1, 0.5, 0.9))
    forecaster = ef.Forecaster(FARM, task, model=ef.PowerCurveReference()).fit(weather, _power())
    assert forecaster.features.names == ["PowerCurvePower", "LeadTime"]
    forecast = forecaster.predict(weather, _power(), issue_time="2024-02-05 00:00")
    truth = _power().values["farm"].loc["2024-02-05 00:00":"2024-02-05 05:00"]  # type: ignore[misc]
    np.testing.assert_allclose(forecast.to_frame()["q0.5"], truth, atol=1e-3)
    again = storage.load(forecaster.save(tmp_path / "curve.forecaster"))
    pd.testing.assert_frame_equal(
        again.predict(weather, _power(), issue_time="2024-02-05 00:00").to_frame(), forecast.to_frame()
    )


def test_no_feature_sees_what_was_not_known() -> None:
    weather = _weather(
        ["farm", "near"],
        members=3,
        wind_speed_10m=lambda lead, site, member: 4 + np.sin(lead) + member + site,
        wind_speed_100m=lambda lead, site, member: 8 + np.sin(lead / 3) + member + site,
    )
    new = (HubWind(), WindShear(), WindTrend(), EnsembleSpread(), NeighbourWind(), LeadTime())
    power = _power()
    both = ef.Observations(power.values.assign(near=power.values["farm"] / 6), published_after="1h")
    forecaster = ef.Forecaster(
        [FARM, NEAR],
        ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9)),
        features=new,
        model=ef.LightGBMQuantiles(n_estimators=5, folds=0),
    )
    ef.testing.check_no_leakage(forecaster, weather, both, issue_time="2024-01-30 09:00")
