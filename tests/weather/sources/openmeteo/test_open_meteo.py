"""Open-Meteo, healthy: what comes out is what the sky was, in our names, units and time labels."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core import timestamps
from energyforecast.core.sites import Site
from energyforecast.errors import MissingDataError, RunNotPublishedError, SchemaError, TimeError, UnitsError
from energyforecast.point_in_time import weather_access
from energyforecast.testing import check_source
from energyforecast.weather import Http, OpenMeteo, OpenMeteoAccess, OpenMeteoHistory
from energyforecast.weather.sources.openmeteo import get_open_meteo, parse_open_meteo, weight
from energyforecast.weather.sources.openmeteo.catalogue import OPEN_METEO_MODELS
from tests.support.replay import HOUR, Atmosphere, Replay, Request
from tests.support.replay_open_meteo import OpenMeteoServer, unix

SITES = (
    Site(name="farm", latitude=43.64, longitude=78.54),
    Site(name="plant", latitude=43.97, longitude=77.11),
    Site(name="south", latitude=-30.02, longitude=140.31),
)
SKY = Atmosphere()
IFS = OPEN_METEO_MODELS["ecmwf_ifs"]
NAMES = ("wind_speed_100m", "wind_direction_100m", "temp_air", "pressure", "ghi", "precipitation")
#: Open-Meteo rounds; the mimic to four digits, pressure in hPa.
ROUNDED = {"pressure": 0.011, "precipitation": 4.1e-4}


@pytest.fixture(scope="module")
def _running() -> Iterator[Replay]:
    with Replay(OpenMeteoServer().routes()) as server:
        yield server


@pytest.fixture
def server(_running: Replay) -> Replay:
    _running.heal()
    return _running


def _true(name: str, site: Site, begin: Any, **how: Any) -> np.ndarray:
    return SKY.value(name, site.latitude, site.longitude, begin, **how)


def _near(found: np.ndarray, expected: np.ndarray, name: str) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=ROUNDED.get(name, 1.1e-4), err_msg=name)


# --- Runs -----------------------------------------------------------------------------------------


def test_a_run_is_the_sky_of_its_leads(server: Replay) -> None:
    names = (
        *NAMES,
        "relative_humidity",
        "cloud_cover",
        "dhi",
        "dni",
        "wind_gust_10m",
        "temp_dew",
        "snow_depth",
    )
    source = OpenMeteo(
        "ecmwf_ifs", access=OpenMeteoAccess(base_url=server.url + "/single"), variables=names, horizon="72h"
    )
    run = source.get_run(SITES, pd.Timestamp("2024-06-10 06:00", tz="UTC"))
    start = unix("2024-06-10T06:00")
    for k, site in enumerate(SITES):
        for name in names:
            # Instants at their stamp; means and sums over the hour that begins at their stamp.
            expected = _true(name, site, start + HOUR * np.arange(73), init=start)
            _near(run[name].values[k, 0], expected, name)
    assert np.isfinite(run["ghi"].values).all()  # also in the last hour
    assert run["ghi"].attrs["cell_methods"] == "time: mean"
    assert run["temp_air"].attrs["cell_methods"] == "time: point"
    assert run["lead_time"].dtype == "timedelta64[ns]"
    assert run.attrs["source"] == "open-meteo:ecmwf_ifs"
    assert "missing" not in run.attrs
    assert timestamps.instant(run["available_time"].values[0]) == timestamps.instant(
        "2024-06-10 12:53"
    )  # 388 + 25 min
    assert abs(run["cell_latitude"].values - [43.61, 43.96, -30.03]).max() < 0.02


QUARTER = np.timedelta64(15, "m")


def test_quarter_hours_of_a_run_are_the_sky_of_its_leads(server: Replay) -> None:
    source = OpenMeteo(
        "icon_d2",
        access=OpenMeteoAccess(base_url=server.url + "/single"),
        variables=NAMES,
        horizon="24h",
        step="15min",
    )
    run = source.get_run(SITES, pd.Timestamp("2024-06-10 06:00", tz="UTC"))
    (asked,) = server.requests
    assert (asked.one("forecast_minutely_15"), asked.one("hourly")) == ("98", None)
    assert (np.diff(run["lead_time"].values) == QUARTER).all()
    start = unix("2024-06-10T06:00")
    for k, site in enumerate(SITES):
        for name in NAMES:
            expected = _true(name, site, start + HOUR / 4 * np.arange(97), init=start, step=HOUR / 4)
            _near(run[name].values[k, 0], expected, name)
    assert run.attrs["source"] == "open-meteo-15min:icon_d2"


def test_quarter_hours_of_several_requests_are_joined(server: Replay) -> None:
    site = SITES[0]
    access = OpenMeteoAccess(base_url=server.url + "/historical", largest_weight=1)
    source = OpenMeteoHistory(
        "icon_d2", product="historical_forecast", variables=NAMES, access=access, step="15min"
    )
    first, last = pd.Timestamp("2024-05-01", tz="UTC"), pd.Timestamp("2024-06-15", tz="UTC")
    found = source.get_period([site], first, last)
    assert len(server.requests) > 1
    stamps = unix("2024-05-01T00:00") + HOUR / 4 * np.arange(45 * 96)
    for name in NAMES:
        _near(found[name].values[0], _true(name, site, stamps, step=HOUR / 4), name)
    known = found["available_time"].values - found["time"].values
    assert (known > QUARTER).all()


def test_a_stored_answer_of_quarter_hours_is_read(tmp_path: Path) -> None:
    count = 4 * 30 + 1
    part = {"time": [1717200000 + 900 * k for k in range(count)], "precipitation": [0.5] * count}
    part |= {"shortwave_radiation": [float(k) for k in range(count)], "temperature_2m": [20.0] * count}
    units = {"time": "unixtime", "precipitation": "mm", "shortwave_radiation": "W/m²", "temperature_2m": "°C"}
    answer = {"latitude": 43.6, "longitude": 78.5, "minutely_15_units": units, "minutely_15": part}
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer))
    site = Site(name="farm", latitude=43.6, longitude=78.5)
    for init in ("2024-06-01 00:00", None):
        found = ef.weather.read_open_meteo(path, sites=site, model="icon_d2", init_time=init).squeeze()
        assert found["precipitation"].values[:3].tolist() == [2.0, 2.0, 2.0]  # mm/h
        assert found["ghi"].values[:2].tolist() == [1.0, 2.0]  # of the quarter that begins at the stamp
        axis = "time" if init is None else "lead_time"
        assert (np.diff(found[axis].values) == QUARTER).all()


def test_hours_in_place_of_quarter_hours_are_refused(server: Replay) -> None:
    hourly = OpenMeteo("icon_d2", access=OpenMeteoAccess(base_url=server.url + "/single"), horizon="24h")
    run = pd.Timestamp("2024-06-10 06:00", tz="UTC")
    payload = hourly._get(SITES, run, run + pd.Timedelta("25h"))
    quarters = replace(hourly, step="15min")
    with pytest.raises(ef.errors.ResponseError, match="15min was requested"):
        quarters.parse_run(payload, sites=SITES, init_time=run)
    with pytest.raises(SchemaError, match="step of Open-Meteo"):
        replace(hourly, step="10min")  # type: ignore[arg-type]


def test_what_is_asked_leaves_nothing_to_the_servers_defaults(server: Replay) -> None:
    source = OpenMeteo(
        "icon_eu",
        access=OpenMeteoAccess(base_url=server.url + "/single"),
        cell_selection="sea",
        horizon="24h",
    )
    source.get_run(SITES, timestamps.instant("2024-06-10"))
    (asked,) = server.requests
    told = {
        "wind_speed_unit": "ms",
        "timezone": "GMT",
        "timeformat": "unixtime",
        "models": "icon_eu",
        "cell_selection": "sea",
        "run": "2024-06-10T00:00",
        "forecast_hours": "26",
    }
    assert {name: asked.one(name) for name in told} == told
    assert asked.many("latitude") == ["43.64000", "43.97000", "-30.02000"]


def test_runs_follow_the_clock_of_the_model_and_its_delay() -> None:
    source = OpenMeteo("ecmwf_ifs")
    assert source.newest("2024-06-10 12:52") == timestamps.instant("2024-06-10 00:00")
    assert source.newest("2024-06-10 12:53") == timestamps.instant("2024-06-10 06:00")


def test_a_run_that_is_not_there_is_told_apart_from_a_wrong_request(server: Replay) -> None:
    source = OpenMeteo(access=OpenMeteoAccess(base_url=server.url + "/single"), horizon="24h")
    with pytest.raises(RunNotPublishedError, match="not available"):
        source.get_run(SITES, timestamps.instant("2024-06-20 00:00"))
    assert len(server.requests) == 1  # asking again would not help


def test_an_archive_of_runs_names_those_that_it_lacks() -> None:
    with Replay(OpenMeteoServer(missing_runs=("2024-06-10T06:00",)).routes()) as server:
        weather = ef.weather.open_meteo(
            SITES[0],
            "2024-06-10",
            "2024-06-11 12:00",
            access=OpenMeteoAccess(base_url=server.url + "/single"),
            horizon="48h",
            variables=NAMES,
        )
    hours = pd.DatetimeIndex(weather["init_time"].values).strftime("%d %H").tolist()
    assert hours == ["10 00", "10 12", "10 18", "11 00", "11 06"]
    assert weather.attrs["runs_missing"] == "2024-06-10T06"
    ef.core.weather_schema.check_weather(weather, sites=SITES[:1])


def test_an_archive_without_any_run_is_an_error(server: Replay) -> None:
    with pytest.raises(RunNotPublishedError, match="none of the 4 runs"):
        ef.weather.open_meteo(
            SITES[0], "2024-07-10", "2024-07-10", access=OpenMeteoAccess(base_url=server.url + "/single")
        )


def test_the_newest_forecast_is_of_the_run_that_the_server_says(server: Replay) -> None:
    source = OpenMeteo(
        "icon_eu",
        product="forecast",
        access=OpenMeteoAccess(base_url=server.url + "/forecast"),
        horizon="48h",
        variables=NAMES,
    )
    run = source.newest()
    assert run == timestamps.instant("2024-06-19 18:00")
    forecast = source.get_run(SITES, run)
    start = unix("2024-06-19T18:00")
    _near(
        forecast["wind_speed_100m"].values[0, 0],
        _true("wind_speed_100m", SITES[0], start + HOUR * np.arange(49), init=start),
        "wind",
    )
    # It says when it was there: that, and ten minutes for all servers to have it.
    assert timestamps.instant(forecast["available_time"].values[0]) == timestamps.instant("2024-06-20 00:10")
    assert forecast.attrs["availability"] == "recorded"
    with pytest.raises(RunNotPublishedError, match="newest run of icon_eu is that of 2024-06-19 18:00"):
        source.get_run(SITES, timestamps.instant("2024-06-19 12:00"))


# --- Ensembles ------------------------------------------------------------------------------------


def test_members_stand_along_a_dimension_control_first(server: Replay) -> None:
    source = OpenMeteo(
        "gfs025",
        product="ensemble",
        access=OpenMeteoAccess(base_url=server.url + "/ensemble"),
        variables=("wind_speed_80m", "ghi"),
        horizon="24h",
    )
    run = source.get_run(SITES[:2], source.newest())
    assert run["wind_speed_80m"].dims == ("site", "init_time", "lead_time", "member")
    assert run.sizes["member"] == 31
    start = unix("2024-06-19T18:00")
    for member in (0, 1, 30):
        expected = _true("wind_speed_80m", SITES[1], start + HOUR * np.arange(25), init=start, member=member)
        _near(run["wind_speed_80m"].values[1, 0, :, member], expected, str(member))


def test_the_mean_of_an_ensemble_comes_with_its_spread(server: Replay) -> None:
    source = OpenMeteo(
        "ecmwf_ifs025_ensemble_mean",
        product="ensemble_mean",
        access=OpenMeteoAccess(base_url=server.url + "/ensemble"),
        variables=("wind_speed_100m", "wind_speed_100m_spread", "ghi", "ghi_spread"),
        horizon="24h",
    )
    run = source.get_run(SITES[:1], source.newest())
    spread = run["wind_speed_100m_spread"]
    assert spread.attrs["units"] == "m s-1"
    assert "standard deviation" in spread.attrs["long_name"]
    np.testing.assert_allclose(spread.values[0, 0, [0, 10]], [0.2, 0.3], atol=1e-6)
    # That of a mean belongs to the hour of the mean.
    np.testing.assert_allclose(run["ghi_spread"].values[0, 0, [0, 10]], [0.21, 0.31], atol=1e-6)
    assert (
        "wind_speed_100m_spread" in OpenMeteo("ecmwf_ifs025_ensemble_mean", product="ensemble_mean").variables
    )


# --- Histories and earlier predictions ------------------------------------------------------------


@pytest.mark.parametrize("product", ["archive", "historical_forecast"])
def test_a_history_is_an_analysis(server: Replay, product: Any) -> None:
    place = "/archive" if product == "archive" else "/historical"
    source = OpenMeteoHistory(
        "era5", product=product, access=OpenMeteoAccess(base_url=server.url + place), variables=NAMES
    )
    weather = source.get_period(SITES, timestamps.instant("2024-02-28"), timestamps.instant("2024-03-02"))
    assert weather.sizes["time"] == 72  # 29 February has its day
    assert ef.core.weather_schema.is_analysis(weather)
    assert weather.attrs["stitched"] == (product == "historical_forecast")
    start = unix("2024-02-28T00:00")
    for name in NAMES:
        _near(weather[name].values[1], _true(name, SITES[1], start + HOUR * np.arange(72)), name)
    wait = weather["available_time"].values - weather["time"].values
    assert (wait == np.timedelta64(5 * 24 * 60 + 60 + 25, "m")).all()


def test_earlier_predictions_stand_at_the_run_of_which_they_are(server: Replay) -> None:
    pieces = ef.weather.open_meteo_previous_runs(
        SITES[:1],
        "2024-06-10",
        "2024-06-11",
        days=[1, 3],
        model="icon_global",
        variables=("wind_speed_120m", "ghi"),
        access=OpenMeteoAccess(base_url=server.url + "/previous"),
    )
    wind = pieces["wind_speed_120m"].values[0]
    assert np.isfinite(wind).sum() == 2 * 48  # every hour once for each day
    begin = unix("2024-06-10T00:00")
    for hour, days in ((7, 1), (7, 3), (20, 1)):
        stamp = begin + hour * HOUR
        init = stamp - days * 86400 - (stamp - days * 86400) % (6 * HOUR)
        at = {
            "init_time": np.datetime64(int(init), "s"),
            "lead_time": np.timedelta64(int(stamp - init), "s"),
        }
        found = float(pieces["wind_speed_120m"].isel(site=0).sel(at))
        expected = _true("wind_speed_120m", SITES[0], [stamp], init=init)[0]
        assert found == pytest.approx(expected, abs=1e-4)
        # Never before the model's latency, nor before a cycle after the hour, days earlier.
        arrived = pieces["available_time"].sel(at).values
        assert arrived >= at["init_time"] + np.timedelta64(4 * 60 + 25, "m")
        assert arrived >= np.datetime64(int(stamp - days * 86400 + 6 * HOUR), "s")
    # A mean was predicted for the end of its hour; the values are those of the sun.
    radiation = pieces["ghi"].values[0]
    assert np.isfinite(radiation).sum() == 2 * 48
    lead = pieces["lead_time"].values / np.timedelta64(1, "h")
    assert set(lead[np.isfinite(radiation).any(axis=0)]) == {*range(23, 29), *range(71, 77)}


def test_an_earlier_prediction_is_not_available_before_its_run(server: Replay) -> None:
    """A cycle after its hour, 24 h earlier, the run of ECMWF is not there yet: that takes eight hours."""
    pieces = ef.weather.open_meteo_previous_runs(
        SITES[:1],
        "2024-06-10",
        "2024-06-10",
        days=[1],
        model="ecmwf_ifs",
        variables=("wind_speed_100m",),
        access=OpenMeteoAccess(base_url=server.url + "/previous"),
    )
    first = pieces["available_time"].sel(init_time="2024-06-09T00:00", lead_time=np.timedelta64(24, "h"))
    assert str(first.values)[:16] == "2024-06-09T08:00"


def test_pieces_of_many_runs_train_no_forecaster(server: Replay) -> None:
    pieces = ef.weather.open_meteo_previous_runs(
        SITES[:1],
        "2024-06-10",
        "2024-06-12",
        variables=("wind_speed_120m",),
        access=OpenMeteoAccess(base_url=server.url + "/previous"),
    )
    issued = np.array(["2024-06-10T09"], dtype="datetime64[ns]")
    hours = issued[:, None] + np.arange(15, 20) * np.timedelta64(1, "h")
    window: dict[str, Any] = {"issue_time": issued, "valid_time": hours, "inside": np.ones(hours.shape, bool)}
    with pytest.raises(SchemaError, match="pieces of many runs"):
        weather_access.weather_as_of(pieces, site="farm", names=["wind_speed_120m"], **window)


# --- Requests -------------------------------------------------------------------------------------


def test_a_long_period_is_split_by_weight_and_joined(server: Replay) -> None:
    source = OpenMeteoHistory(
        "era5", access=OpenMeteoAccess(base_url=server.url + "/archive"), variables=NAMES
    )
    asked: dict[str, Any] = {
        "endpoint": source.endpoint,
        "model": source.described,
        "variables": NAMES,
        "start": timestamps.instant("2024-01-01"),
        "end": timestamps.instant("2024-03-01"),
    }
    whole = get_open_meteo(SITES, **asked)
    assert len(server.requests) == 1
    small = replace(source.endpoint.access, largest_weight=5.0)
    split = get_open_meteo(SITES, **asked | {"endpoint": replace(source.endpoint, access=small)})
    assert len(server.requests) > 3
    assert json.dumps(
        [{k: v for k, v in item.items() if k != "location_id"} for item in split]
    ) == json.dumps(whole)
    for request in server.requests[1:]:
        days = (unix(str(request.one("end_hour"))) - unix(str(request.one("start_hour")))) / 86400
        cost = weight(sites=len(request.many("latitude")), variables=len(NAMES), days=days)
        assert cost <= 5.0 or len(request.many("latitude")) == 1


def test_many_sites_go_as_a_form_of_at_most_a_thousand(server: Replay) -> None:
    places = [Site(name=f"s{k}", latitude=40 + k / 500, longitude=70.0) for k in range(1300)]
    source = OpenMeteo(
        access=OpenMeteoAccess(base_url=server.url + "/single", largest_weight=5000),
        variables=("temp_air",),
        horizon="3h",
    )
    payload = get_open_meteo(
        places,
        endpoint=source.endpoint,
        model=IFS,
        variables=["temp_air"],
        start=timestamps.instant("2024-06-10"),
        end=timestamps.instant("2024-06-10 03:00"),
    )
    assert [(request.method, len(request.many("latitude"))) for request in server.requests] == [
        ("POST", 1000),
        ("POST", 300),
    ]
    assert len(payload) == 1300
    hours = parse_open_meteo(payload, sites=places, variables=["temp_air"], model=IFS)
    assert abs(hours["cell_latitude"].values - [site.latitude for site in places]).max() < 0.06


def test_weight_is_that_of_the_price_list() -> None:
    assert weight(sites=10_000, variables=10, days=7) == 10_000
    assert weight(sites=1, variables=2, days=1) == 1
    assert round(weight(sites=1, variables=10, days=3653)) == 261


@pytest.mark.parametrize("model", ["best_match", "icon_seamless", "no_such_model"])
def test_mixtures_and_unknown_models_are_refused(model: str) -> None:
    with pytest.raises(SchemaError, match=model):
        OpenMeteo(model)


def test_a_variable_that_open_meteo_lacks_is_refused() -> None:
    with pytest.raises(SchemaError, match="cloud_ice"):
        OpenMeteo(variables=("cloud_ice",))
    with pytest.raises(SchemaError, match="archive"):
        OpenMeteo(product="archive")  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="single_runs"):
        OpenMeteoHistory(product="single_runs")  # type: ignore[arg-type]


# --- Files ----------------------------------------------------------------------------------------


def test_a_kept_answer_is_read_as_run_or_as_history(server: Replay, tmp_path: Path) -> None:
    source = OpenMeteo(
        access=OpenMeteoAccess(base_url=server.url + "/single"), variables=NAMES, horizon="24h"
    )
    run = timestamps.instant("2024-06-10")
    payload = get_open_meteo(
        SITES, endpoint=source.endpoint, model=IFS, variables=NAMES, start=run, end=run + pd.Timedelta("24h")
    )
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(payload))
    read = ef.weather.read_open_meteo(path, sites=SITES, model="ecmwf_ifs", init_time=run)
    fetched = source.get_run(SITES, run)
    for name in NAMES:
        last = None if name in ("wind_speed_100m", "wind_direction_100m", "temp_air", "pressure") else -1
        np.testing.assert_array_equal(read[name].values[..., :last], fetched[name].values[..., :last])
    assert np.isnan(read["ghi"].values[..., -1]).all()
    assert read.attrs["missing"] == "ghi 3, precipitation 3"
    assert ef.core.weather_schema.is_analysis(
        ef.weather.read_open_meteo(path, sites=SITES, model="ecmwf_ifs")
    )


@pytest.mark.parametrize(
    "start", ["2024-03-30T23:00", "2024-10-26T22:00", "2024-12-31T12:00", "2024-02-28T20:00"]
)
def test_local_time_follows_the_one_offset_of_its_answer(tmp_path: Path, start: str) -> None:
    """Open-Meteo writes a whole answer with one offset, also across changes of the clock."""
    local = pd.date_range(start, periods=30, freq="h").strftime("%Y-%m-%dT%H:%M").tolist()
    answer = {
        "latitude": 43.64,
        "longitude": 78.54,
        "utc_offset_seconds": 3600,
        "timezone": "Europe/Paris",
        "hourly_units": {"time": "iso8601", "temperature_2m": "°C"},
        "hourly": {"time": local, "temperature_2m": list(range(30))},
    }
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer))
    weather = ef.weather.read_open_meteo(path, sites=SITES[0], model="era5")
    expected = np.datetime64(start) - np.timedelta64(1, "h") + np.arange(30) * np.timedelta64(1, "h")
    np.testing.assert_array_equal(weather["time"].values, expected)


@pytest.mark.skipif(
    not Path(os.environ.get("ENERGYFORECAST_DATA", "/nowhere"), "weather_samples").is_dir(),
    reason="needs samples of weather (ENERGYFORECAST_DATA)",
)
def test_a_recorded_answer_in_local_time_is_read() -> None:
    path = Path(os.environ["ENERGYFORECAST_DATA"], "weather_samples", "open_meteo_archive_sample.json")
    recorded = json.loads(path.read_text())
    site = Site(name="calais", latitude=recorded["latitude"], longitude=recorded["longitude"])
    weather = ef.weather.read_open_meteo(path, sites=site, model="ecmwf_ifs")
    assert str(weather["time"].values[0])[:13] == "2024-05-31T22"  # midnight in Paris
    assert float(weather["pressure"].mean()) == pytest.approx(101_000, abs=2_000)
    assert {"wind_speed_100m", "wind_direction_100m", "wind_gust_10m", "cloud_cover"} <= set(weather)


# --- The contract ---------------------------------------------------------------------------------


def test_runs_and_histories_keep_the_contract_of_sources(server: Replay) -> None:
    runs = OpenMeteo(access=OpenMeteoAccess(base_url=server.url + "/single"))
    table = check_source(runs, sites=SITES, init_time=["2024-06-08", "2024-06-10 06:00"])
    assert (table["missing"] == 0).all()
    assert abs(table.loc["ghi", "minutes_after_sun"]) < 2
    quarters = OpenMeteo(access=OpenMeteoAccess(base_url=server.url + "/single"), step="15min")
    table = check_source(quarters, sites=SITES, init_time=["2024-06-08", "2024-06-10 06:00"])
    assert abs(table.loc["ghi", "minutes_after_sun"]) < 2
    history = OpenMeteoHistory(access=OpenMeteoAccess(base_url=server.url + "/archive"))
    table = check_source(history, sites=SITES, start="2024-01-10", end="2024-01-20")
    assert abs(table.loc["ghi", "minutes_after_sun"]) < 2
    ensemble = OpenMeteo(
        "gfs025",
        product="ensemble",
        access=OpenMeteoAccess(base_url=server.url + "/ensemble"),
        variables=("ghi",),
        horizon="72h",
    )
    check_source(ensemble, sites=SITES)


class _Changed(OpenMeteoHistory):
    """A history whose weather is changed after it was parsed."""

    def get_period(self, sites: Any, start: Any, end: Any) -> xr.Dataset:
        return self.change(super().get_period(sites, start, end))  # type: ignore[attr-defined, no-any-return]


def _history(server: Replay, change: Any) -> _Changed:
    source = _Changed(access=OpenMeteoAccess(base_url=server.url + "/archive"), variables=("ghi", "temp_air"))
    object.__setattr__(source, "change", change)
    return source


def _late(minutes: int) -> Any:
    """Radiation that carries the label of the hour before or after, or half of it."""

    def change(weather: xr.Dataset) -> xr.Dataset:
        values = weather["ghi"].values
        other = np.roll(values, int(np.sign(minutes)), axis=1)
        shifted = other if abs(minutes) == 60 else (values + other) / 2
        return weather.assign(ghi=weather["ghi"].copy(data=shifted))

    return change


@pytest.mark.parametrize("minutes", [30, -30, 60, -60])
@pytest.mark.parametrize("days", [4, 12])  # too few for the check of every weather, and enough
def test_a_label_that_is_off_by_half_an_hour_is_found(server: Replay, minutes: int, days: int) -> None:
    source, end = _history(server, _late(minutes)), timestamps.instant("2024-06-01") + pd.Timedelta(days=days)
    with pytest.raises(TimeError, match="sun") as caught:
        check_source(source, sites=SITES[:1], start="2024-06-01", end=end)
    assert ("after" if minutes > 0 else "before") in caught.value.found


_BROKEN: dict[str, tuple[type[Exception], str, Any]] = {
    "a variable too few": (SchemaError, "temp_air", lambda w: w.drop_vars("temp_air")),
    "a variable too many": (SchemaError, "extra", lambda w: w.assign(extra=w["temp_air"])),
    "double precision": (
        SchemaError,
        "float64",
        lambda w: w.assign(temp_air=w["temp_air"].astype("float64")),
    ),
    "no attributes": (SchemaError, "temp_air", lambda w: w.assign(temp_air=w["temp_air"].drop_attrs())),
    "another origin": (SchemaError, "source", lambda w: w.assign_attrs(source="elsewhere")),
    "available at once": (TimeError, "latency", lambda w: w.assign_coords(available_time=w["time"])),
    "kelvin": (UnitsError, "kelvin", lambda w: w.assign(temp_air=w["temp_air"] + 273.15)),
    "hours too many": (
        TimeError,
        "excluded",
        lambda w: w.assign_coords(time=w["time"] + np.timedelta64(1, "h")),
    ),
}


@pytest.mark.parametrize("broken", _BROKEN)
def test_a_source_that_breaks_its_contract_is_told_so(server: Replay, broken: str) -> None:
    kind, word, change = _BROKEN[broken]
    with pytest.raises(kind, match=word):
        check_source(_history(server, change), sites=SITES[:1], start="2024-06-01", end="2024-06-03")


def test_without_a_clear_day_the_sun_is_not_tested(server: Replay) -> None:
    def overcast(weather: xr.Dataset) -> xr.Dataset:
        noise = np.random.default_rng(0).uniform(0.1, 1, weather["ghi"].shape)
        return weather.assign(
            ghi=(weather["ghi"] * noise).astype("float32").assign_attrs(weather["ghi"].attrs)
        )

    source = _history(server, overcast)
    with pytest.raises(MissingDataError, match="0 clear days"):
        check_source(source, sites=SITES[:1], start="2024-06-01", end="2024-06-04")
    check_source(source, sites=SITES[:1], start="2024-06-01", end="2024-06-04", clear_days=0)


def test_labels_and_variables_belong_together() -> None:
    source = OpenMeteoHistory(variables=("ghi", "temp_air"))
    object.__setattr__(source, "labels", {"ghi": source.labels["ghi"]})
    with pytest.raises(SchemaError, match="temp_air"):
        check_source(source, sites=SITES[:1], start="2024-06-01", end="2024-06-02")


def test_the_key_goes_as_a_header_to_the_hosts_of_customers(server: Replay) -> None:
    assert (
        OpenMeteo(access=OpenMeteoAccess(api_key="CANARY")).endpoint.url
        == "https://customer-single-runs-api.open-meteo.com/v1/forecast"
    )
    assert OpenMeteo().endpoint.url == "https://single-runs-api.open-meteo.com/v1/forecast"
    source = OpenMeteo(
        access=OpenMeteoAccess(base_url=server.url + "/single", api_key="CANARY", http=Http(attempts=1)),
        horizon="3h",
    )
    run = source.get_run(SITES[:1], timestamps.instant("2024-06-10"))
    (asked,) = server.requests
    assert _header(asked, "X-Api-Key") == "CANARY"
    assert "CANARY" not in str(asked.query)
    assert "CANARY" not in repr(source) + repr(source.endpoint) + str(run.attrs)


def _header(request: Request, name: str) -> str | None:
    return {key.lower(): value for key, value in request.headers.items()}.get(name.lower())
