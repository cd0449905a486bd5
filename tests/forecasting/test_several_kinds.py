"""A farm, a PV plant and demand in one forecaster: each is forecast by the recipe and the model of its kind."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast import configuration
from energyforecast.core.sites import Site
from energyforecast.errors import MissingDataError, NoRunError, SchemaError
from energyforecast.features import DayOfYear, FeatureSet, LagMean, LocalHour
from energyforecast.forecasting import storage
from energyforecast.forecasting.defaults import alike
from energyforecast.models import KernelQuantiles, SelectedModel
from tests.support.synthetic_data import HOUR

FARM = ef.WindFarm(
    name="farm", latitude=48, longitude=5, capacity=10, hub_height=100, timezone="Europe/Paris"
)
PLANT = ef.PVPlant(name="plant", latitude=48.5, longitude=5.5, capacity=4, timezone="Europe/Paris")
WORKS = ef.DemandArea(name="works", latitude=48.2, longitude=5.2, sector="industry", timezone="Europe/Paris")
ALL = (FARM, PLANT, WORKS)
TASK = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))
DAYS = 50
SMALL = {"n_estimators": 5, "folds": 0}
#: What each site is served; elsewhere the variable is missing. A plant takes wind to cool its modules.
SERVED = {
    "wind_speed_100m": ("farm", "plant"),
    "ghi": ("plant",),
    "dni": ("plant",),
    "dhi": ("plant",),
    "temp_air": ("plant", "works"),
}


@cache
def _weather(*, everywhere: bool = False) -> xr.Dataset:
    noise = np.random.default_rng(0)
    init = np.datetime64("2024-03-01", "ns") + np.arange(0, 24 * DAYS, 12) * HOUR
    lead = np.arange(61)
    hour = (np.arange(0, 24 * DAYS, 12)[:, None] + lead) % 24
    sun = np.clip(np.sin(np.pi * (hour - 5.1) / 12), 0, None)
    level = {"wind_speed_100m": 8 + 0 * hour, "ghi": 500 * sun, "dni": 400 * sun, "dhi": 150 * sun}
    level["temp_air"] = 8 + 5 * sun
    cube = {}
    for name, values in level.items():
        drawn = values * (1 + 0.2 * noise.normal(size=(3, *values.shape)))
        served = np.array([everywhere or site.name in SERVED[name] for site in ALL])[:, None, None]
        cube[name] = (
            ("site", "init_time", "lead_time"),
            np.where(served, np.clip(drawn, 0, None), np.nan).astype("f4"),
        )
    coords = {
        "site": [site.name for site in ALL],
        "init_time": init,
        "lead_time": lead * HOUR,
        "available_time": ("init_time", init + 4 * HOUR),
    }
    return xr.Dataset(cube, coords=coords, attrs={"kind": "forecast", "source": "a synthetic site"})


@cache
def _power() -> ef.Observations:
    index = pd.date_range("2024-03-01", periods=24 * DAYS, freq="h", tz="UTC")
    noise, hour = np.random.default_rng(1), index.hour.to_numpy()
    sun = np.clip(np.sin(np.pi * (hour - 5.1) / 12), 0, None)
    values = {
        "farm": 10 * noise.beta(2, 2, len(index)),
        "plant": 3 * sun * noise.uniform(0.5, 1, len(index)),
        "works": 50 + 5 * (hour > 7) + noise.normal(size=len(index)),
    }
    return ef.Observations(pd.DataFrame(values, index=index), published_after="2h")


def _models() -> dict[str, ef.QuantileModel]:
    together = ef.Forecaster(ALL, TASK)
    return {name: _small(model) for name, model in together.model_of.items()}


def _small(model: ef.QuantileModel) -> ef.QuantileModel:
    """Model with few trees, or candidates with few."""
    for one in (model.candidates or {}).values() if isinstance(model, SelectedModel) else (model,):
        small = {"projections": 10} if isinstance(one, KernelQuantiles) else SMALL
        one.set_params(**{key: value for key, value in small.items() if key in one.get_params(deep=False)})
    return model


def _usual(model: ef.QuantileModel) -> tuple[str, ...]:
    """Names of the usual choice, none of a plain model."""
    if not isinstance(model, SelectedModel):
        return ()
    return model.usual or tuple(model.candidates or ())[:1]


@cache
def _fitted() -> ef.Forecaster:
    return ef.Forecaster(ALL, TASK, model=_models()).fit(_weather(), _power(), as_of="2024-04-10 00:00")


def _only(site: Site) -> tuple[xr.Dataset, ef.Observations]:
    names = [name for name, served in SERVED.items() if site.name in served]
    power = _power()
    values = power.values[[site.name]]
    return _weather()[names].sel(site=[site.name]), ef.Observations(values, published_after="2h")


def test_each_site_has_the_recipe_and_the_model_of_its_kind() -> None:
    forecaster = ef.Forecaster(ALL, TASK)
    for site in ALL:
        alone = ef.Forecaster(site, TASK)
        season = [DayOfYear(parts=6)] if isinstance(site, ef.WindFarm) else []
        assert forecaster.features_of[site.name] == alone.features == ef.recipe(site, TASK) + season
        assert alike(forecaster.model_of[site.name], alone.model)
    assert "departure from the level" in _usual(forecaster.model_of["works"])
    assert _usual(forecaster.model_of["farm"])[:2] == ("trees, season", "kernel, season")


@pytest.mark.parametrize("task", [TASK, ef.intraday(every="1h", leads="4h")])
@pytest.mark.parametrize("site", [FARM, replace(WORKS, sector="total")], ids=lambda site: site.kind)
def test_a_kernel_model_is_in_the_usual_mean(site: Site, task: ef.Task) -> None:
    model = ef.Forecaster(site, task).model
    assert isinstance(model, SelectedModel)
    kinds = {type((model.candidates or {})[name]).__name__ for name in _usual(model)}
    assert kinds == {"KernelQuantiles", "LightGBMQuantiles"}


@pytest.mark.parametrize("site", ALL, ids=lambda site: site.name)
def test_a_site_is_forecast_beside_others_as_it_is_alone(site: Site) -> None:
    """Though the weather of the others lacks what it needs, and its own what they need."""
    weather, power = _only(site)
    alone = ef.Forecaster(site, TASK, model=_models()[site.name]).fit(
        weather, power, as_of="2024-04-10 00:00"
    )
    issued = "2024-04-15 09:00"
    expected = alone.predict(weather, power, issue_time=issued).data.values[0]
    found = _fitted().predict(_weather(), _power(), issue_time=issued).sel(site=site.name).data.values[0]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_sites_of_several_kinds_do_not_leak() -> None:
    ef.testing.check_no_leakage(
        ef.Forecaster(ALL, TASK, model=_models()),
        _weather(everywhere=True),
        _power(),
        issue_time="2024-04-10 09:00",
        origins=2,
    )


def test_sites_of_several_kinds_are_stored(tmp_path: Path) -> None:
    again = ef.load(_fitted().save(tmp_path / "all.forecaster"))
    assert again.features_of == _fitted().features_of
    assert repr(again.model_of) == repr(_fitted().model_of)
    assert storage.dump(again) == storage.dump(_fitted())
    one, other = (
        item.predict(_weather(), _power(), issue_time="2024-04-15 09:00").data for item in (again, _fitted())
    )
    assert one.identical(other)


def test_sites_of_several_kinds_are_backtested() -> None:
    result = ef.backtest(_fitted(), _weather(), _power(), start="2024-04-10", end="2024-04-12", refit=None)
    assert set(result.scores(by="site")["site"]) == {"farm", "plant", "works"}
    features = result.provenance["features"]["model"]
    assert {"WindSpeed", "Irradiance", "HourOfWeek"} <= set(features)
    assert "departure from the level" in result.provenance["models"]["model"]


def test_weather_that_only_another_site_needs_may_be_missing_and_its_own_may_not() -> None:
    holes = _weather().copy(deep=True)
    holes["ghi"].loc[{"site": "plant"}] = np.nan
    with pytest.raises(MissingDataError, match=r"'plant'.*ghi"):
        ef.Forecaster(ALL, TASK, model=_models()).fit(holes, _power())


def test_what_sites_do_not_share_is_looked_up_by_site() -> None:
    forecaster = ef.Forecaster(ALL, TASK)
    for name in ("features", "model"):
        with pytest.raises(SchemaError) as caught:
            getattr(forecaster, name)
        assert f"forecaster.{name}_of[name]" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 3


def test_features_and_models_are_given_by_site() -> None:
    features = {"farm": FeatureSet((LocalHour(),)), "works": [LocalHour(), LagMean("24h", 7)]}
    models = {"farm": ef.Climatology(), "works": ef.LightGBMQuantiles(**SMALL)}
    forecaster = ef.Forecaster((FARM, WORKS), TASK, features=features, model=models)
    assert forecaster.features_of["works"].names == ["LocalHour", "mean_7x24h"]
    assert forecaster.unfitted().features_of == forecaster.features_of
    for wrong in (
        {"features": {"farm": features["farm"]}},
        {"model": models | {"elsewhere": ef.Climatology()}},
    ):
        with pytest.raises(SchemaError) as caught:
            ef.Forecaster((FARM, WORKS), TASK, **wrong)
        assert len(str(caught.value).splitlines()) == 3


def test_sites_of_several_kinds_are_not_pooled() -> None:
    with pytest.raises(SchemaError, match="WindFarm, PVPlant"):
        ef.Forecaster((FARM, PLANT), TASK, pooled=True)
    towns = [
        ef.DemandArea(name=name, latitude=48, longitude=5, sector=name) for name in ("industry", "total")
    ]
    with pytest.raises(SchemaError, match="other features than"):
        ef.Forecaster(towns, TASK, pooled=True)
    assert ef.Forecaster(towns[1:], TASK, pooled=True).pooled


def test_a_configuration_leaves_each_kind_its_default(tmp_path: Path) -> None:
    sites = "".join(
        f'[sites.{site.name}]\nkind = "{site.kind}"\nlatitude = 48\nlongitude = 5\n{more}\n'
        for site, more in ((FARM, "capacity = 10"), (PLANT, "capacity = 4"), (WORKS, 'sector = "industry"'))
    )
    rest = """
[weather]
file = "weather.nc"
[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "2h"
[task]
kind = "day_ahead"
issue = "09:00"
timezone = "Europe/Paris"
"""
    (tmp_path / "all.toml").write_text(sites + rest)
    forecaster = configuration.read(tmp_path / "all.toml").forecaster()
    assert "departure from the level" in _usual(forecaster.model_of["works"])
    assert "Irradiance" in forecaster.features_of["plant"].names
    (tmp_path / "all.toml").write_text(sites + rest + '[model]\nkind = "auto"\n')
    assert alike(
        configuration.read(tmp_path / "all.toml").forecaster().model_of["works"], forecaster.model_of["works"]
    )
    nested = '[model]\nkind = "ConformalQuantiles"\nby = "lead_time"\n[model.model]\nn_estimators = 7\n'
    (tmp_path / "all.toml").write_text(sites + rest + nested)
    model = configuration.read(tmp_path / "all.toml").forecaster().model_of["farm"]
    assert (model.by, model.model.n_estimators) == ("lead_time", 7)
    (tmp_path / "all.toml").write_text(sites + rest + nested + "treees = 8\n")
    with pytest.raises(ef.errors.ConfigurationError, match=r"\[model.model\] holds the unknown key 'treees'"):
        configuration.read(tmp_path / "all.toml")


def test_an_area_learns_without_the_sun_that_others_have_and_with_its_own_needs_it() -> None:
    model, task = ef.LightGBMQuantiles(**SMALL), TASK
    issued = "2024-04-15 09:00"
    without, served = (
        ef.Forecaster(WORKS, task, model=model).fit(weather.sel(site=["works"]), _power()[["works"]])
        for weather in (_weather(), _weather(everywhere=True))
    )
    assert without.needs_.left_out == {"works": ("IntervalMean_ghi", "IntervalMean_wind_speed_*m")}
    assert not any("ghi" in name for name in without.models_["works"].columns_)
    assert any("ghi" in name for name in served.models_["works"].columns_)
    # A fit that has seen no sun leaves it out later, and one that has seen it does not do without.
    late = without.predict(_weather(everywhere=True).sel(site=["works"]), _power(), issue_time=issued)
    assert int(late.data["fallback_level"].max()) < 3
    lost = _weather().sel(site=["works"])
    with pytest.raises(NoRunError, match="lacks"):
        served.predict(lost, _power(), issue_time=issued)
    answered = served.predict(lost, _power(), issue_time=issued, strict=False)
    assert int(answered.data["fallback_level"].max()) == 3


def test_the_remedy_for_a_variable_that_a_site_never_has_is_other_features() -> None:
    weather = _weather(everywhere=True).sel(site=["works"])
    cold = weather.assign(temp_air=weather["temp_air"].where(False))
    with pytest.raises(NoRunError, match=r"At 'works', temp_air has no value at all.*features={'works'"):
        ef.Forecaster(WORKS, TASK).fit(cold, _power()[["works"]])
    partly = weather.assign(
        temp_air=weather["temp_air"].where(weather["init_time"] > weather["init_time"][9])
    )
    with pytest.raises(NoRunError, match="missing='drop'"):
        ef.Forecaster(WORKS, TASK).fit(partly, _power()[["works"]])


def test_many_lags_that_lack_observations_are_named_in_short() -> None:
    forecaster = ef.Forecaster(WORKS, TASK, model=ef.LightGBMQuantiles(**SMALL)).fit({}, _power()[["works"]])
    works = _power()[["works"]]
    silent = replace(works, values=works.values * np.nan)
    with pytest.raises(MissingDataError, match=r"the lags \d+ h, \d+ h, \d+ h, \d+ h \.\.\. \d+ h could"):
        forecaster.predict({}, silent, issue_time="2024-04-15 09:00")
