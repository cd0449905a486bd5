"""NASA POWER, PVGIS and NSRDB: their labels, their clocks, and what is refused; over the real HTTP stack."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from energyforecast.core.sites import Site
from energyforecast.errors import ResponseError
from energyforecast.testing import check_source
from energyforecast.weather import NSRDB, PVGIS, AnalysisSource, Http, NasaPower
from tests.support.replay import Replay, mangled, rewritten
from tests.support.replay_points import MINUTE, ROUTES, SKY, instant

FARM = Site(name="farm", latitude=43.6, longitude=78.5)
PLANT = Site(name="plant", latitude=39.74, longitude=-105.18)
QUICK = Http(attempts=2, timeout=10.0, sleep=lambda _: None)


@pytest.fixture(scope="module")
def server() -> Iterator[Replay]:
    with Replay(ROUTES) as replay:
        yield replay


@pytest.fixture(autouse=True)
def _healthy(server: Replay) -> Iterator[None]:
    yield
    server.heal()


def _source(name: str, server: Replay) -> AnalysisSource:
    made = {
        "power": lambda url: NasaPower(base_url=url, http=QUICK),
        "pvgis": lambda url: PVGIS(base_url=url, http=QUICK),
        "nsrdb": lambda url: NSRDB(api_key="CANARY-KEY", email="me@example.org", base_url=url, http=QUICK),
    }
    return made[name](f"{server.url}/{name}")


_SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("pvgis", "nsrdb")]


@pytest.mark.parametrize("name", ["power", *_SLOW])
def test_a_source_keeps_its_contract(name: str, server: Replay) -> None:
    table = check_source(
        _source(name, server), sites=[FARM, PLANT], start="2020-02-27", end="2020-03-05", clear_days=1
    )
    assert abs(table.loc["ghi", "minutes_after_sun"]) < 5
    assert (table["missing"] == 0).all()


def test_an_answer_of_power_is_means_with_the_fill_value_as_missing() -> None:
    content = {
        "geometry": {"coordinates": [78.5, 43.6, 560.0]},
        "header": {"fill_value": -999.0, "time_standard": "UTC"},
        "parameters": {"T2M": {"units": "C"}},
        "properties": {"parameter": {"T2M": {"2024060100": 18.5, "2024060101": -999.0}}},
    }
    weather = NasaPower.parse(json.dumps(content).encode(), site=FARM)
    np.testing.assert_array_equal(weather["temp_air"], [[18.5, np.nan]])
    assert weather["temp_air"].attrs["cell_methods"] == "time: mean"


@pytest.mark.parametrize(
    ("slope", "variables"),
    [(0, {"temp_air", "wind_speed_10m", "ghi", "dhi"}), (30, {"temp_air", "wind_speed_10m"})],
)
def test_an_answer_of_pvgis_has_ghi_only_of_a_level_plane(slope: int, variables: set[str]) -> None:
    row = {
        "time": "20200601:1010",
        "Gb(i)": 500.0,
        "Gd(i)": 120.0,
        "Gr(i)": 0.0,
        "T2m": 21.0,
        "WS10m": 2.0,
        "Int": 0.0,
    }
    content = {
        "inputs": {
            "location": {"latitude": 45.0, "longitude": 8.0, "elevation": 250.0},
            "mounting_system": {"fixed": {"slope": {"value": slope}}},
        },
        "meta": {"inputs": {}},
        "outputs": {"hourly": [row]},
    }
    weather = PVGIS.parse(json.dumps(content).encode(), site=Site(name="plant", latitude=45.0, longitude=8.0))
    assert set(weather.data_vars) == variables
    assert weather["time"].values[0] == np.datetime64("2020-06-01T10:10")
    if slope == 0:
        assert weather["ghi"].values.tolist() == [[620.0]]


def test_an_answer_of_nsrdb_is_in_the_zone_of_its_header() -> None:
    head = "Source,Latitude,Longitude,Time Zone,Local Time Zone,Elevation,GHI Units,Temperature Units"
    lines = [head, "NSRDB,39.73,-105.18,-7,-7,1820,w/m2,c", "Year,Month,Day,Hour,Minute,GHI,Temperature"]
    body = "\n".join([*lines, "2024,2,29,11,30,650,8.1", "2024,2,29,12,30,700,9.0", ""]).encode()
    weather = NSRDB.parse(body, site=PLANT)
    assert weather["time"].values[0] == np.datetime64("2024-02-29T18:30")
    with pytest.raises(ResponseError, match="degrees from 'farm'"):
        NSRDB.parse(body, site=FARM)


def test_power_means_begin_at_their_stamps(server: Replay) -> None:
    weather = _source("power", server).get_period(
        [FARM], pd.Timestamp("2024-06-01"), pd.Timestamp("2024-06-03")
    )
    seconds = weather["time"].values.astype("datetime64[s]").astype(float)
    true = SKY.value("ghi", FARM.latitude, FARM.longitude, seconds)
    np.testing.assert_allclose(weather["ghi"][0], true, atol=0.01)
    assert weather["wind_speed_50m"].attrs["cell_methods"] == "time: mean"
    assert float(weather["pressure"].mean()) > 80_000
    assert float(weather["cell_elevation"][0]) == 560
    assert weather.attrs["source"] == "nasa-power"
    assert (weather["available_time"] - weather["time"]).values.min() >= np.timedelta64(7, "D")


def test_power_in_local_solar_time_is_refused(server: Replay) -> None:
    server.always(mangled(lambda content: content["header"].update(time_standard="LST")))
    with pytest.raises(ResponseError, match="LST"):
        _source("power", server).get_period([FARM], pd.Timestamp("2024-06-01"), pd.Timestamp("2024-06-02"))
    assert server.requests[0].one("time-standard") == "UTC", "the server's own default is local time"


def test_instants_of_pvgis_keep_their_minute(server: Replay) -> None:
    weather = _source("pvgis", server).get_period(
        [FARM], pd.Timestamp("2020-06-01"), pd.Timestamp("2020-06-03")
    )
    assert set(pd.DatetimeIndex(weather["time"].values).minute) == {MINUTE}
    assert weather["ghi"].attrs["cell_methods"] == "time: point"
    assert weather.sizes["time"] == 48


@pytest.mark.slow
def test_radiation_that_pvgis_filled_in_is_missing(server: Replay) -> None:
    def fill(content: dict) -> None:
        for row in content["outputs"]["hourly"][3600:3700]:
            row["Int"] = 1.0

    server.always(mangled(fill))
    weather = _source("pvgis", server).get_period(
        [FARM], pd.Timestamp("2020-05-01"), pd.Timestamp("2020-07-01")
    )
    assert int(weather["ghi"].isnull().sum()) == 100
    assert int(weather["temp_air"].isnull().sum()) == 0


def test_a_real_file_of_pvgis_with_a_tracker_has_no_ghi() -> None:
    folder = Path(os.environ.get("ENERGYFORECAST_DATA", "nowhere"), "weather_samples")
    path = folder / "pvgis_hourly_Timeseries_45.000_8.000_SA2_10kWp_CIS_5_2a_2013_2014.json"
    if not path.exists():
        pytest.skip("ENERGYFORECAST_DATA does not hold weather_samples")
    weather = PVGIS.read(path, site=Site(name="plant", latitude=45, longitude=8))
    assert set(weather.data_vars) == {"temp_air", "wind_speed_10m"}
    assert weather.sizes["time"] == 10
    assert set(pd.DatetimeIndex(weather["time"].values).minute) == {10}
    assert float(weather["temp_air"][0, 0]) == pytest.approx(-0.97)


@pytest.mark.slow
def test_nsrdb_has_its_leap_day_and_no_local_clock(server: Replay) -> None:
    source = _source("nsrdb", server)
    weather = source.get_period([PLANT], pd.Timestamp("2020-02-28"), pd.Timestamp("2020-03-02"))
    assert weather.sizes["time"] == 72
    stamps = pd.DatetimeIndex(weather["time"].values)
    assert set(stamps.minute) == {30}
    true = instant("ghi", PLANT.latitude, PLANT.longitude, stamps)
    np.testing.assert_allclose(weather["ghi"][0], true, atol=0.01)


@pytest.mark.slow
def test_nsrdb_in_local_time_is_read_by_its_header(server: Replay) -> None:
    import requests

    params = {
        "api_key": "CANARY-KEY",
        "wkt": "POINT(-105.18 39.74)",
        "names": 2020,
        "interval": 60,
        "leap_day": "true",
    }
    local, utc = (
        NSRDB.parse(
            requests.get(f"{server.url}/nsrdb", params=params | {"utc": word}, timeout=10).content, site=PLANT
        )
        for word in ("false", "true")
    )
    np.testing.assert_array_equal(local["time"], utc["time"])
    np.testing.assert_array_equal(local["ghi"], utc["ghi"])


@pytest.mark.slow
def test_years_are_joined(server: Replay) -> None:
    weather = _source("nsrdb", server).get_period(
        [PLANT], pd.Timestamp("2020-12-31"), pd.Timestamp("2021-01-02")
    )
    assert weather.sizes["time"] == 48
    assert [request.one("names") for request in server.requests] == ["2020", "2021"]


def test_units_are_read_and_not_believed(server: Replay) -> None:
    server.always(rewritten(lambda body: body.replace(b",mbar", b",hPa", 1)))
    with pytest.raises(ResponseError, match="Pressure in hPa"):
        _source("nsrdb", server).get_period([PLANT], pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02"))
    server.always(mangled(lambda content: content["parameters"]["WS50M"].update(units="km/h")))
    with pytest.raises(ResponseError, match="WS50M in km/h"):
        _source("power", server).get_period([FARM], pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02"))
