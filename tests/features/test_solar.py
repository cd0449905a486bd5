"""Features, recipe, night and references of PV plants, on a small synthetic site in which the truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import physics
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import PVPlant, WindFarm
from energyforecast.core.tasks import Task, day_ahead, intraday
from energyforecast.errors import SchemaError
from energyforecast.features import (
    ClearSky,
    ClearSkyPersistence,
    ClearSkyPower,
    Feature,
    FeatureSet,
    Irradiance,
    LocalHour,
    NeighbourIrradiance,
    NewestClearSkyShare,
    PVChainPower,
    SunPosition,
    features_giving,
    recipe,
)
from energyforecast.point_in_time import gathering
from energyforecast.point_in_time.snapshot import Snapshot
from tests.support.error_messages import three_lines

HOUR = np.timedelta64(1, "h")
HALF = np.timedelta64(30, "m")
PLANT = PVPlant(
    name="pv", latitude=43.9669, longitude=77.1138, capacity=100, surface_tilt=35, timezone="Asia/Almaty"
)
EAST = PVPlant(name="east", latitude=43.9, longitude=78.1, capacity=50, mounting="single_axis")
START = np.datetime64("2023-03-01", "ns")
DAYS = 150


def _hours() -> np.ndarray:
    return START + np.arange(24 * DAYS) * HOUR


def _truth(site: PVPlant, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Hourly means of irradiance, and the power that the plant made of them."""
    position = physics.solar_position(_hours() + HALF, site.latitude, site.longitude)
    rng = np.random.default_rng(seed)
    daily = np.repeat(rng.beta(2.0, 0.9, DAYS), 24)
    index = np.clip(daily + 0.1 * rng.standard_normal(len(daily)), 0.05, 1.1)
    ghi = physics.clear_sky(position).ghi * index
    return ghi, 100 * site.power(ghi, position, temp_air=15.0, wind_speed=3.0) * (site.capacity or 1) / 100


def _weather(*sites: PVPlant, error: float = 0.0) -> xr.Dataset:
    """Runs at 00 UTC to 72 h, had six hours later."""
    init = START + np.arange(DAYS - 3) * 24 * HOUR
    lead = np.arange(73)
    hours = np.arange(DAYS - 3)[:, None] * 24 + lead
    ghi = np.stack([_truth(site)[0][hours] for site in sites])
    noise = np.random.default_rng(1).normal(1.0, error, ghi.shape)
    cube = {"ghi": np.clip(ghi * noise, 0, 1500), "temp_air": np.full(ghi.shape, 15.0)}
    cube["wind_speed_10m"] = np.full(ghi.shape, 3.0)
    return xr.Dataset(
        {
            name: (("site", "init_time", "lead_time"), values.astype("float32"))
            for name, values in cube.items()
        },
        coords={
            "site": [site.name for site in sites],
            "init_time": init,
            "lead_time": lead.astype("timedelta64[h]").astype("timedelta64[ns]"),
            "available_time": ("init_time", init + 6 * HOUR),
        },
    )


def _power(*sites: PVPlant) -> Observations:
    index = pd.DatetimeIndex(_hours(), tz="UTC")
    return Observations(
        pd.DataFrame({site.name: _truth(site)[1] for site in sites}, index=index), published_after="1h"
    )


TASK = day_ahead("09:00", timezone="Asia/Almaty", quantiles=(0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95))


def _look(
    item: Feature | FeatureSet, *sites: PVPlant, issued: str = "", task: Task = TASK
) -> tuple[Snapshot, dict[str, np.ndarray]]:
    sites = sites or (PLANT,)
    features = item if isinstance(item, FeatureSet) else FeatureSet((item,))
    weather = _weather(*sites)
    kept, needs = features.resolve(weather)
    issues = pd.DatetimeIndex([issued], tz="UTC") if issued else task.issue_times("2023-04-10", "2023-04-10")
    windows = task.windows(issues)
    now = gathering.take_snapshot(
        weather, _power(*sites), sites=sites, windows=windows, names=needs.names, required=needs.names,
        margin=needs.margin, history=needs.history,
    )  # fmt: skip
    return now, kept.compute(now)


# --- Features -------------------------------------------------------------------------------------


def test_the_sun_is_taken_at_the_middle_of_the_hour() -> None:
    now, table = _look(SunPosition())
    middle = physics.solar_position(now.valid_time + HALF, PLANT.latitude, PLANT.longitude)
    np.testing.assert_allclose(table["sun_elevation"], 90 - middle.zenith, atol=1e-4)
    np.testing.assert_allclose(table["sun_azimuth"], middle.azimuth, atol=1e-4)
    for wrong in (0 * HALF, 2 * HALF):
        other = physics.solar_position(now.valid_time + wrong, PLANT.latitude, PLANT.longitude)
        assert np.abs(table["sun_elevation"] - 90 + other.zenith).max() > 4


def test_with_true_weather_the_chain_gives_the_plants_power() -> None:
    now, table = _look(PVChainPower())
    position = (now.valid_time[0] - START) // HOUR
    np.testing.assert_allclose(table["pv_chain_power"][0], _truth(PLANT)[1][position] / 100, atol=1e-5)
    # The same hours with the sun of their beginning would miss by far: a planted half hour is found.
    ghi = _truth(PLANT)[0][position]
    early = physics.solar_position(now.valid_time[0], PLANT.latitude, PLANT.longitude)
    wrong = PLANT.power(ghi, early, temp_air=15.0, wind_speed=3.0)
    assert np.abs(wrong - table["pv_chain_power"][0]).max() > 0.02


def test_the_chain_of_the_hours_around_is_what_the_plant_makes_then() -> None:
    now, table = _look(PVChainPower(hours=(-2, 0, 1)))
    position = (now.valid_time[0] - START) // HOUR
    assert list(table) == ["pv_chain_power[-2h]", "pv_chain_power", "pv_chain_power[+1h]"]
    for name, hours in (("pv_chain_power[-2h]", -2), ("pv_chain_power", 0), ("pv_chain_power[+1h]", 1)):
        np.testing.assert_allclose(table[name][0], _truth(PLANT)[1][position + hours] / 100, atol=1e-5)


def test_irradiance_looks_around_inside_its_run_only() -> None:
    now, table = _look(Irradiance())
    position = (now.valid_time[0] - START) // HOUR
    for hours in (-2, -1, 0, 1, 2):
        np.testing.assert_allclose(
            table[f"ghi[{hours:+d}h]"][0], _truth(PLANT)[0][position + hours], rtol=1e-5
        )
    clear = _look(ClearSky())[1]["clear_sky_ghi"]
    known = np.isfinite(table["clear_sky_index"])
    assert (known == (clear >= 20)).all()
    np.testing.assert_allclose(
        table["clear_sky_index"][known], table["ghi[+0h]"][known] / clear[known], rtol=1e-4
    )


def test_the_sun_is_computed_once_for_all_features_and_cannot_be_changed() -> None:
    now, _ = _look(FeatureSet((SunPosition(), Irradiance())))
    assert now.sun() is now.sun()
    with pytest.raises(ValueError, match="read-only"):
        now.sun().zenith[...] = 0


def test_neighbours_come_nearest_first() -> None:
    far = PVPlant(name="far", latitude=50.0, longitude=73.0, capacity=50)
    now, table = _look(NeighbourIrradiance(), PLANT, far, EAST)
    position = (now.valid_time[0] - START) // HOUR
    assert list(table) == ["ghi[neighbour 1]", "ghi[neighbour 2]", "ghi[neighbours' mean]"]
    np.testing.assert_allclose(table["ghi[neighbour 1]"][0], _truth(EAST)[0][position], rtol=1e-5)
    np.testing.assert_allclose(table["ghi[neighbour 2]"][0], _truth(far)[0][position], rtol=1e-5)
    both = 0.5 * (_truth(EAST)[0][position] + _truth(far)[0][position])
    np.testing.assert_allclose(table["ghi[neighbours' mean]"][0], both, rtol=1e-5)
    _, around = _look(NeighbourIrradiance(nearest=1, hours=(-1, 0)), PLANT, far, EAST)
    assert list(around) == ["ghi[neighbour 1 -1h]", "ghi[neighbour 1]", "ghi[neighbours' mean]"]
    np.testing.assert_allclose(around["ghi[neighbour 1 -1h]"][0], _truth(EAST)[0][position - 1], rtol=1e-5)
    assert _look(NeighbourIrradiance(), PLANT)[1] == {}


def test_the_chain_of_several_weather_models_and_of_wind_at_another_height() -> None:
    windy = _weather(PLANT).rename(wind_speed_10m="wind_speed_100m")
    bare = _weather(PLANT)[["ghi"]]
    models = {"ifs": _weather(PLANT), "gfs": windy, "dwd": bare}
    kept, needs = FeatureSet((PVChainPower(),)).resolve(models)
    windows = TASK.windows(TASK.issue_times("2023-04-10", "2023-04-10"))
    now = gathering.take_snapshot(
        models,
        None,
        sites=[PLANT],
        windows=windows,
        names=needs.names,
        required=needs.names,
        margin=needs.margin,
    )
    table = kept.compute(now)
    assert list(table) == ["ifs:pv_chain_power", "gfs:pv_chain_power"]
    # 3 m/s at 100 m are less at 10 m, so the modules are warmer.
    day = table["ifs:pv_chain_power"] > 0.2
    assert (table["gfs:pv_chain_power"][day] < table["ifs:pv_chain_power"][day]).all()


def _chain_by(*parts: str) -> np.ndarray:
    """Modelled power where the weather has these components of a sky that is clearer than its decomposition."""
    weather = _weather(PLANT)
    time = (weather["init_time"] + weather["lead_time"]).to_numpy()
    sun = physics.solar_position(time + HALF, PLANT.latitude, PLANT.longitude)
    ghi = weather["ghi"].to_numpy().astype(float)
    dhi = 0.3 * ghi
    sky = {"dni": (ghi - dhi) / np.maximum(np.cos(np.radians(sun.zenith)), 0.0523), "dhi": dhi}
    for part in parts:
        weather[part] = (weather["ghi"].dims, sky[part])
    features, needs = FeatureSet((PVChainPower(components=True),)).resolve(weather)
    windows = TASK.windows(TASK.issue_times("2023-04-10", "2023-04-10"))
    now = gathering.take_snapshot(
        weather, None, sites=[PLANT], windows=windows, names=needs.names, required=needs.names,
        margin=needs.margin,
    )  # fmt: skip
    return features.compute(now)["pv_chain_power"]


def test_one_component_of_the_irradiance_completes_the_other() -> None:
    both = _chain_by("dni", "dhi")
    np.testing.assert_allclose(_chain_by("dhi"), both, atol=2e-3)
    np.testing.assert_allclose(_chain_by("dni"), both, atol=2e-3)
    assert np.abs(_look(PVChainPower())[1]["pv_chain_power"] - both).max() > 0.01


def test_components_that_the_weather_has_not_are_refused() -> None:
    with pytest.raises(SchemaError) as caught:
        _look(PVChainPower(components=True))
    three_lines(caught.value, "dni or dhi")
    with pytest.raises(SchemaError, match="temp_air"):
        FeatureSet((PVChainPower(components=True),)).resolve(_weather(PLANT).drop_vars("temp_air"))


@pytest.mark.parametrize(
    "item", [PVChainPower(), ClearSkyPersistence(), ClearSkyPower(), NewestClearSkyShare()]
)
def test_a_site_that_is_no_plant_is_told_so(item: Feature) -> None:
    farm = WindFarm(name="pv", latitude=43.9, longitude=77.1, capacity=100)
    weather = _weather(PLANT)
    kept, needs = FeatureSet((item,)).resolve(weather)
    windows = TASK.windows(TASK.issue_times("2023-04-10", "2023-04-10"))
    now = gathering.take_snapshot(
        weather, _power(PLANT), sites=[farm], windows=windows, names=needs.names, required=needs.names,
        margin=needs.margin, history=needs.history,
    )  # fmt: skip
    with pytest.raises(SchemaError, match="PVPlant"):
        kept.compute(now)


# --- Smart persistence ----------------------------------------------------------------------------


def test_smart_persistence_keeps_the_clouds_and_moves_the_sun() -> None:
    task = intraday(every="1h", leads="6h", quantiles=(0.5,))
    now, table = _look(ClearSkyPersistence(), issued="2023-04-10 05:00", task=task)
    issue = now.windows.issue_time[0]
    newest = int((issue - START) // HOUR) - 2  # the hour that ended an hour ago was published just now
    clear = PLANT.clear_sky_power(physics.solar_position(_hours() + HALF, PLANT.latitude, PLANT.longitude))
    index = min(_truth(PLANT)[1][newest] / 100 / clear[newest], 1.5)
    position = (now.valid_time[0] - START) // HOUR
    np.testing.assert_allclose(
        table["smart_persistence"][0], np.clip(index * clear[position], 0, 1), rtol=1e-4
    )


def test_before_dawn_yesterday_tells_how_cloudy_it_is() -> None:
    task = intraday(every="1h", leads="12h", quantiles=(0.5,))
    now, table = _look(
        ClearSkyPersistence(), issued="2023-04-09 23:00", task=task
    )  # 23:00 UTC is 05:00 there
    position = ((now.valid_time[0] - START) // HOUR).astype(int)
    clear = PLANT.clear_sky_power(physics.solar_position(_hours() + HALF, PLANT.latitude, PLANT.longitude))
    day = (clear[position] > 0.06) & (clear[position - 24] > 0.06)
    assert day.sum() > 6
    index = np.minimum(_truth(PLANT)[1][position - 24] / 100 / np.maximum(clear[position - 24], 0.01), 1.5)
    expected = np.clip(index * clear[position], 0, 1)
    np.testing.assert_allclose(table["smart_persistence"][0][day], expected[day], rtol=1e-4)
    assert np.isfinite(table["smart_persistence"]).all()


def test_the_share_of_the_newest_day_is_that_of_its_published_hours() -> None:
    task = intraday(every="1h", leads="6h", quantiles=(0.5,))
    now, table = _look(NewestClearSkyShare(), issued="2023-04-10 05:00", task=task)
    newest = int((now.windows.issue_time[0] - START) // HOUR) - 2  # published just now
    day = np.arange(newest - 23, newest + 1)
    clear = PLANT.clear_sky_power(physics.solar_position(_hours() + HALF, PLANT.latitude, PLANT.longitude))
    expected = _truth(PLANT)[1][day].sum() / 100 / clear[day].sum()
    assert 0.1 < expected < 1.5
    np.testing.assert_allclose(table["newest_clear_sky_share"][0], expected, rtol=1e-4)


def test_its_columns_are_found_by_name() -> None:
    assert features_giving(ef.SmartPersistence().needs).names == [
        "ClearSkyPersistence",
        "LeadTime",
        "LocalHour",
    ]


# --- Recipe and night -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted() -> ef.Forecaster:
    forecaster = ef.Forecaster(PLANT, TASK, model=ef.LightGBMQuantiles(n_estimators=40, folds=3))
    return forecaster.fit(_weather(PLANT, error=0.15), _power(PLANT), as_of="2023-07-01")


def test_the_recipe_takes_what_the_weather_has() -> None:
    _, table = _look(recipe(PLANT))
    assert {"ghi[+0h]", "clear_sky_index", "pv_chain_power", "sun_elevation", "temp_air[mean]"} <= set(table)
    assert not any("cloud" in name or "dni" in name for name in table)


def test_a_plant_is_calibrated_by_its_clear_sky_where_that_is_among_the_features() -> None:
    def by(features: FeatureSet | None) -> set[str | None]:
        model = ef.Forecaster(PLANT, TASK, features=features).model
        given = model.get_params(deep=False).get("candidates") or {"alone": model}
        return {candidate.calibrate_by for candidate in given.values()}

    assert by(None) == by(recipe(PLANT)) == {"clear_sky_power"}
    assert by(recipe(PLANT) - "ClearSkyPower") == {None}
    now, table = _look(ClearSkyPower())
    position = physics.solar_position(now.valid_time[0] + HALF, PLANT.latitude, PLANT.longitude)
    np.testing.assert_allclose(table["clear_sky_power"][0], PLANT.clear_sky_power(position), rtol=1e-6)


def test_depth_of_snow_and_albedo_are_columns_where_the_weather_has_them() -> None:
    weather, issued = _weather(PLANT), TASK.moments("2023-05-10 09:00")
    forecaster = ef.Forecaster(PLANT, TASK)
    snowy = weather.assign(snow_depth=0.0 * weather["ghi"] + 0.3, albedo=0.0 * weather["ghi"] + 0.7)
    added, plain = (
        set(forecaster.design_matrix(each, _power(PLANT), issued).columns["pv"]) for each in (snowy, weather)
    )
    assert added - plain == {"snow_depth[mean]", "albedo[mean]"}


def test_the_newest_day_is_in_the_recipe_of_the_next_days_alone() -> None:
    each = {
        "day": TASK,
        "now": intraday(every="1h", leads="6h"),
        "month": ef.month_ahead("09:00", timezone="UTC"),
    }
    found = {name for name, task in each.items() if "NewestClearSkyShare" in recipe(PLANT, task).names}
    assert found == {"day"}


def test_a_covered_plant_is_forecast_lower_the_day_after_and_without_power_as_usual(tmp_path) -> None:
    """Some weeks of no power under any sky: seen in the newest day, which is not needed for a forecast."""
    covered = np.isin(np.arange(24 * DAYS) // 24 // 10, (2, 5, 7, 9, 11, 13))
    power = _power(PLANT).values.where(~covered[:, None], 0.0)
    observed = Observations(power, published_after="1h")
    forecaster = ef.Forecaster(PLANT, TASK).fit(_weather(PLANT), observed, as_of="2023-07-05")
    issued = "2023-07-17 09:00"  # day 138, covered since day 130; the next ten days are free
    noon = [
        forecaster.predict(_weather(PLANT), given, issue_time=issued).at(0.5).values.max()
        for given in (observed, _power(PLANT), None)
    ]
    assert noon[0] < 0.6 * noon[1]
    assert 0.8 * noon[1] < noon[2] <= 1.1 * noon[1]
    stored = ef.load(forecaster.save(tmp_path / "pv.forecaster"))
    assert stored.predict(_weather(PLANT), issue_time=issued).at(0.5).values.max() == noon[2]


def _night(forecast: ef.Forecast) -> np.ndarray:
    valid = forecast.data["valid_time"].values.astype("datetime64[ns]").reshape(-1)
    ends = [
        physics.solar_position(valid + k * HALF, PLANT.latitude, PLANT.longitude).zenith for k in (0, 1, 2)
    ]
    return np.min(ends, axis=0) > 93


def test_at_night_the_forecast_is_nothing_and_by_day_it_is_not(fitted: ef.Forecaster) -> None:
    forecast = fitted.predict(_weather(PLANT, error=0.15), _power(PLANT), issue_time="2023-07-10 09:00")
    cube = forecast.data.values.reshape(-1, len(TASK.quantiles))
    night = _night(forecast)
    assert 6 <= night.sum() <= 10
    assert (cube[night] == 0).all()
    assert (cube[~night][2:-2, -1] > 0).all()
    assert np.isfinite(cube).all()
    assert (np.diff(cube, axis=1) >= 0).all()


def test_other_models_give_nothing_at_night_too() -> None:
    for model in (ef.Climatology(), ef.SmartPersistence(), ef.Persistence()):
        forecaster = ef.Forecaster(PLANT, TASK, model=model).fit(
            _weather(PLANT), _power(PLANT), as_of="2023-07-01"
        )
        forecast = forecaster.predict(_weather(PLANT), _power(PLANT), issue_time="2023-07-10 09:00")
        assert (forecast.data.values.reshape(-1, len(TASK.quantiles))[_night(forecast)] == 0).all()


def test_nights_are_counted_as_outcomes(fitted: ef.Forecaster) -> None:
    training = fitted.training_
    # Not known when it was fitted were the 24 hours of its last window and the newest one.
    assert training.rows["pv"] + training.without_outcome["pv"] == 24 * 121
    assert training.without_outcome["pv"] == 25


def test_the_recipe_beats_smart_persistence_and_is_calibrated_by_day() -> None:
    weather, power = _weather(PLANT, error=0.15), _power(PLANT)
    losses, inside = {}, {}
    for model in (ef.LightGBMQuantiles(n_estimators=60, folds=3), ef.SmartPersistence(), ef.Climatology()):
        forecaster = ef.Forecaster(PLANT, TASK, model=model).fit(weather, power, as_of="2023-06-20")
        issued = [f"2023-{day:%m-%d} 09:00" for day in pd.date_range("2023-06-22", "2023-07-20")]
        forecast = forecaster.predict(weather, power, issue_time=issued)
        cube = forecast.data.values.reshape(-1, len(TASK.quantiles))
        valid = forecast.data["valid_time"].values.astype("datetime64[ns]").reshape(-1)
        y = _truth(PLANT)[1][((valid - START) // HOUR).astype(int)][:, None]
        level = np.asarray(TASK.quantiles)
        name = type(model).__name__
        losses[name] = float(np.mean(np.where(y >= cube, level * (y - cube), (1 - level) * (cube - y))))
        day = y[:, 0] > 2
        inside[name] = float(((y[:, 0] >= cube[:, 1]) & (y[:, 0] <= cube[:, 5]))[day].mean())
    assert losses["LightGBMQuantiles"] < 0.6 * min(losses["SmartPersistence"], losses["Climatology"]), losses
    assert 0.70 < inside["LightGBMQuantiles"] < 0.92, inside


def test_nothing_leaks() -> None:
    task = intraday(every="3h", leads="6h", quantiles=(0.1, 0.5, 0.9))
    for model in (ef.SmartPersistence(), ef.LightGBMQuantiles(n_estimators=5, folds=0)):
        forecaster = ef.Forecaster(
            PLANT, task, model=model, features=recipe(PLANT) + ClearSkyPersistence() + LocalHour()
        )
        ef.testing.check_no_leakage(forecaster, _weather(PLANT), _power(PLANT), issue_time="2023-05-10 06:00")


def test_the_newest_day_does_not_leak() -> None:
    model = ef.LightGBMQuantiles(n_estimators=5, folds=0)
    forecaster = ef.Forecaster(PLANT, TASK, model=model, features=recipe(PLANT, TASK))
    ef.testing.check_no_leakage(forecaster, _weather(PLANT), _power(PLANT), issue_time="2023-05-10 09:00")


def test_a_plant_is_stored_with_its_mounting(fitted: ef.Forecaster, tmp_path) -> None:
    assert ef.load(fitted.save(tmp_path / "pv.forecaster")).sites[0] == PLANT


def test_no_quantile_exceeds_the_export_limit() -> None:
    """Power is above the limit now and then, as meters are: no forecast follows it there."""
    cut = dataclasses.replace(PLANT, export_limit=60.0)
    table = _power(PLANT).values.clip(upper=61.0)
    power = Observations(table, published_after="1h")
    for model in (ef.LightGBMQuantiles(n_estimators=10, folds=3), ef.Climatology()):
        forecaster = ef.Forecaster(cut, TASK, model=model).fit(_weather(PLANT), power, as_of="2023-06-20")
        issued = [f"2023-06-{day} 09:00" for day in range(22, 28)]
        cube = forecaster.predict(_weather(PLANT), power, issue_time=issued).data.values
        assert np.nanmax(cube) == pytest.approx(60.0)


def test_irradiance_of_an_unknown_variable_is_refused() -> None:
    with pytest.raises(SchemaError, match="'cloud_cover'"):
        Irradiance("cloud_cover")
