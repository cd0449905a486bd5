"""Wind farms of several turbine types, hub heights and commissioning dates."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

import energyforecast as ef
from energyforecast import configuration
from energyforecast.errors import ConfigurationError, EnergyForecastError
from energyforecast.features import PowerCurvePower
from energyforecast.forecasting import storage
from energyforecast.testing import example_forecaster, example_snapshot
from tests.support.error_messages import three_lines

LINE = ef.PowerCurve((3, 13, 25), (0, 1, 1))
STEEP = ef.PowerCurve((3, 8, 25), (0, 1, 1))
OLD = ef.TurbineGroup(capacity=20, hub_height=50, power_curve=LINE, turbines=10, name="old")
NEW = ef.TurbineGroup(capacity=30, hub_height=100, power_curve=STEEP, turbines=6, commissioned="2024-01-02")


def _farm(*groups: ef.TurbineGroup, **more: object) -> ef.WindFarm:
    return ef.WindFarm(name="farm", latitude=43.64, longitude=78.54, turbine_groups=groups, **more)


def test_the_farm_is_the_sum_of_its_groups() -> None:
    farm = _farm(OLD, NEW)
    assert (farm.capacity, farm.turbines) == (50.0, 16)
    assert farm.hub_height == pytest.approx(50**0.4 * 100**0.6)
    assert _farm(OLD, NEW, capacity=50, hub_height=80).hub_height == 80
    assert _farm(dataclasses.replace(OLD, hub_height=None), NEW).hub_height is None


def test_groups_are_in_service_from_their_day_in_the_zone_of_the_farm() -> None:
    hours = np.array(["2024-01-01T18:00", "2024-01-01T19:00", "2024-01-02T00:00"], dtype="datetime64[ns]")
    assert _farm(OLD, NEW).capacity_at(hours).tolist() == [20.0, 20.0, 50.0]
    east = _farm(OLD, NEW, timezone="Asia/Almaty")  # UTC+6 until March 2024
    assert east.capacity_at(hours[None]).tolist() == [[50.0, 50.0, 50.0]]
    moment = dataclasses.replace(NEW, commissioned="2024-01-01 19:00Z")
    assert _farm(OLD, moment).capacity_at(hours).tolist() == [20.0, 50.0, 50.0]
    assert dataclasses.replace(NEW, commissioned=date(2024, 1, 2)) == NEW
    assert (
        ef.WindFarm(name="farm", latitude=0, longitude=0, capacity=7).capacity_at(hours).tolist() == [7] * 3
    )


def test_shares_add_up_to_one_even_before_the_first_commissioning() -> None:
    hours = np.array(["2024-01-01", "2024-01-02", "2024-02-01"], dtype="datetime64[ns]")
    assert _farm(OLD, NEW).group_shares(hours).tolist() == [[1.0, 0.4, 0.4], [0.0, 0.6, 0.6]]
    late = dataclasses.replace(OLD, commissioned="2024-01-15")
    np.testing.assert_allclose(_farm(late, NEW).group_shares(hours)[0], [0.4, 0.0, 0.4])


def test_each_group_takes_the_wind_of_its_height_through_its_own_curve() -> None:
    winds = {"wind_speed_50m": 6.0, "wind_speed_100m": 8.0}
    farm = _farm(OLD, dataclasses.replace(NEW, commissioned=None))
    power = PowerCurvePower().compute(example_snapshot(winds, sites=farm))["power_curve"]
    np.testing.assert_allclose(power, 0.4 * 0.3 + 0.6 * 1.0, rtol=1e-6)
    # The hours of the snapshot are those of 2 January: one day later the new turbines are not built yet.
    before = _farm(OLD, dataclasses.replace(NEW, commissioned="2024-01-03"))
    power = PowerCurvePower().compute(example_snapshot(winds, sites=before))["power_curve"]
    np.testing.assert_allclose(power, 0.3, rtol=1e-6)


def test_groups_without_height_or_curve_take_those_of_the_farm_or_of_their_rotors() -> None:
    plain = ef.TurbineGroup(capacity=20, turbines=10, rotor_diameter=100)
    (height, curve), _ = _farm(plain, NEW, hub_height=90, power_curve=LINE).groups()
    assert (height, curve) == (90, LINE)
    (height, curve), (own_height, own) = _farm(plain, NEW).groups()
    expected = ef.PowerCurve.generic(specific_power=20e6 / 10 / (np.pi / 4 * 100**2))
    assert (height, own_height, own) == (100.0, 100, STEEP)
    np.testing.assert_allclose(curve.power, expected.power, rtol=1e-9)
    (height, curve), _ = _farm(ef.TurbineGroup(capacity=20), NEW).groups()
    assert (height, curve) == (100.0, ef.PowerCurve.generic())


def test_wakes_of_the_farm_hold_for_every_curve() -> None:
    pairs = [(5, 0.8), (15, 1.0)]
    farm = _farm(OLD, NEW, wake_efficiency=pairs)
    assert [group.power_curve for group in farm.groups()] == [
        LINE.with_wakes(pairs),
        STEEP.with_wakes(pairs),
    ]
    single = ef.WindFarm(name="f", latitude=0, longitude=0, power_curve=LINE, wake_efficiency=pairs)
    assert single.groups()[0].power_curve == LINE.with_wakes(pairs)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"capacity": 0}, "capacity"),
        ({"capacity": float("nan")}, "capacity"),
        ({"capacity": "20"}, "capacity"),
        ({"hub_height": -50}, "hub_height"),
        ({"rotor_diameter": 4000}, "rotor_diameter"),
        ({"turbines": 0}, "turbines"),
        ({"power_curve": "curve.csv"}, "power curve"),
        ({"commissioned": "01.06.2024"}, "moment"),
        ({"commissioned": 2024}, "commissioned"),
    ],
)
def test_a_group_that_cannot_be_is_refused(given: dict[str, object], named: str) -> None:
    with pytest.raises(EnergyForecastError, match=named) as caught:
        dataclasses.replace(OLD, **given)
    three_lines(caught.value)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"capacity": 60.0}, "sum of those"),
        ({"turbine_groups": ("old", "new")}, "turbine group"),
        ({"turbine_groups": OLD}, "turbine_groups"),
        ({"wake_efficiency": [(5, 85), (15, 100)]}, "efficiency"),
        ({"wake_efficiency": 0.9}, "efficiency"),
    ],
)
def test_a_farm_that_cannot_be_is_refused(given: dict[str, object], named: str) -> None:
    with pytest.raises(EnergyForecastError, match=named) as caught:
        ef.WindFarm(**{"name": "farm", "latitude": 0, "longitude": 0, "turbine_groups": (OLD, NEW), **given})
    three_lines(caught.value)


def test_a_farm_keeps_its_groups_through_storage(tmp_path: Path) -> None:
    forecaster = example_forecaster()
    farm = _farm(OLD, NEW, ef.TurbineGroup(capacity=5), wake_efficiency=[(5, 0.8), (15, 1.0)])
    forecaster.sites = (farm,)
    again = storage.load(forecaster.save(tmp_path / "farm.forecaster"))
    assert again.sites == (farm,)
    assert hash(again.sites[0]) == hash(farm)


CONFIGURATION = """
[sites.farm]
kind = "wind"
latitude = 43.64
longitude = 78.54
wake_efficiency = [[5, 0.8], [15.0, 1.0]]
[[sites.farm.turbine_groups]]
name = "old"
capacity = 20
turbines = 10
hub_height = 50
[[sites.farm.turbine_groups]]
capacity = 30
hub_height = 100
power_curve = "new.csv"
commissioned = 2024-01-02
[weather]
file = "weather.nc"
[observations]
file = "power.csv"
unit = "MW"
timezone = "UTC"
label = "beginning"
published_after = "1h"
[task]
kind = "day_ahead"
issue = "08:00"
timezone = "Asia/Almaty"
"""


def _read(folder: Path, text: str = CONFIGURATION) -> ef.WindFarm:
    (folder / "new.csv").write_text("wind_speed [m/s],power [kW]\n3,0\n8,2500\n25,2500\n")
    (folder / "farm.toml").write_text(text)
    farm = configuration.read(folder / "farm.toml").sites[0]
    assert isinstance(farm, ef.WindFarm)
    return farm


def test_a_configuration_has_a_table_for_each_group(tmp_path: Path) -> None:
    farm = _read(tmp_path)
    assert farm.turbine_groups == (
        ef.TurbineGroup(capacity=20, turbines=10, hub_height=50, name="old"),
        ef.TurbineGroup(
            capacity=30,
            hub_height=100,
            commissioned="2024-01-02",
            power_curve=ef.PowerCurve((3, 8, 25), (0, 2.5, 2.5), rated=2.5, name="new"),
        ),
    )
    assert farm.wake_efficiency == ((5.0, 0.8), (15.0, 1.0))
    text = CONFIGURATION.replace("= 2024-01-02", '= "2024-01-02"')
    assert _read(tmp_path, text) == farm


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("turbines = 10", "turbine = 10", "turbines"),
        ("turbines = 10", 'turbines = "10"', "turbines"),
        ('"new.csv"', '"absent.csv"', "absent.csv"),
        ("= 2024-01-02", '= "02.01.2024"', "sites.farm.turbine_groups"),
        ("capacity = 30", "capacity = -30", "sites.farm.turbine_groups"),
        ("[[5, 0.8], [15.0, 1.0]]", "[[5, 80], [15.0, 100]]", "sites.farm"),
        ("[[5, 0.8], [15.0, 1.0]]", "0.9", "wake_efficiency"),
    ],
)
def test_a_configuration_that_is_wrong_names_the_place(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    assert old in CONFIGURATION
    with pytest.raises(ConfigurationError) as caught:
        _read(tmp_path, CONFIGURATION.replace(old, new))
    three_lines(caught.value, named)


def test_the_schema_knows_the_groups() -> None:
    text = json.dumps(configuration.json_schema()["$defs"]["TurbineGroup"])
    assert all(field.name in text for field in dataclasses.fields(ef.TurbineGroup))
