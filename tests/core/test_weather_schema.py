"""The schema of weather, and how each wrong dataset is named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast.core import weather_schema
from energyforecast.core.sites import Site, WindFarm
from energyforecast.core.variables import VARIABLES
from energyforecast.errors import RangeError, SchemaError, TimeError, UnitsError
from tests.support.error_messages import three_lines

FARM = WindFarm(name="farm", latitude=48.45, longitude=5.59, capacity=8.2)
OTHER = WindFarm(name="other", latitude=43.64, longitude=78.54, capacity=60)
HOURS = np.timedelta64(1, "h")


def _runs(count: int = 60, leads: int = 49, every: int = 12) -> xr.Dataset:
    """Two sites of plausible weather, published five hours after each run."""
    rng = np.random.default_rng(1)
    shape = (2, count, leads)
    init = np.datetime64("2024-02-20T00", "ns") + np.arange(count) * every * HOURS
    dims = ("site", "init_time", "lead_time")
    return xr.Dataset(
        {
            "wind_speed_100m": (dims, rng.weibull(2, shape).astype("float32") * 8),
            "temp_air": (dims, rng.normal(5, 8, shape).astype("float32")),
            "pressure": (dims, rng.normal(97_000, 600, shape).astype("float32")),
            "cloud_cover": (dims, rng.uniform(0, 100, shape).astype("float32")),
        },
        coords={
            "site": ["farm", "other"],
            "init_time": init,
            "lead_time": np.arange(leads).astype("timedelta64[h]"),
            "available_time": ("init_time", init + 5 * HOURS),
        },
        attrs={"kind": "forecast"},
    )


def _analysis(hours: int = 24 * 30) -> xr.Dataset:
    rng = np.random.default_rng(2)
    axis = np.datetime64("2024-02-01T00", "ns") + np.arange(hours) * HOURS
    return xr.Dataset(
        {"temp_air": (("site", "time"), rng.normal(5, 8, (2, hours)).astype("float32"))},
        coords={"site": ["farm", "other"], "time": axis, "available_time": ("time", axis + 5 * 24 * HOURS)},
        attrs={"kind": "analysis"},
    )


@pytest.mark.parametrize(
    "weather", [_runs(), _analysis(), _runs().isel(init_time=[0]), _runs().drop_vars("pressure")]
)
def test_good_weather_comes_back_as_it_came(weather: xr.Dataset) -> None:
    before = weather.copy(deep=True)
    assert weather_schema.check_weather(weather, sites=[FARM, OTHER]) is weather
    xr.testing.assert_identical(weather, before)


# --- Units and ranges -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wrong", "looks"),
    [
        ("temp_air", lambda x: x + 273.15, "kelvin"),
        ("wind_speed_100m", lambda x: x * 3.6, "km/h"),
        ("pressure", lambda x: x / 100, "hPa"),
        ("cloud_cover", lambda x: x / 100, "fraction"),
    ],
)
@pytest.mark.parametrize("site", ["farm", "other"])
def test_another_unit_is_recognised_by_its_values_at_one_site(
    site: str, name: str, wrong: Callable[[xr.DataArray], xr.DataArray], looks: str
) -> None:
    weather = _runs()
    weather[name] = xr.where(weather["site"] == site, wrong(weather[name]), weather[name]).astype("float32")
    with pytest.raises(UnitsError, match=looks) as caught:
        weather_schema.check_weather(weather)
    three_lines(caught.value, name, repr(site))


@pytest.mark.parametrize(
    ("name", "units"),
    [("temp_air", "K"), ("wind_speed_100m", "km h-1"), ("pressure", "hPa"), ("temp_air", "m s-1")],
)
def test_another_unit_in_the_attributes_is_refused(name: str, units: str) -> None:
    weather = _runs()
    weather[name].attrs["units"] = units
    with pytest.raises(UnitsError) as caught:
        weather_schema.check_weather(weather)
    three_lines(caught.value, name, repr(units))


@pytest.mark.parametrize(
    ("name", "units"), [("temp_air", "degC"), ("wind_speed_100m", "m/s"), ("cloud_cover", "%")]
)
def test_other_spellings_of_the_same_unit_pass(name: str, units: str) -> None:
    weather = _runs()
    weather[name].attrs["units"] = units
    weather_schema.check_weather(weather)


def test_a_windy_month_is_not_taken_for_kilometres_per_hour() -> None:
    weather = _runs()
    weather["wind_speed_100m"] = weather["wind_speed_100m"] * (
        11 / float(weather["wind_speed_100m"].median())
    )
    weather_schema.check_weather(weather)


def test_a_storm_in_one_ensemble_run_is_not_taken_for_kilometres_per_hour() -> None:
    # 51 members of one day: more than a thousand values, but 24 hours of weather.
    rng = np.random.default_rng(3)
    weather = _runs(count=1, leads=24)[["wind_speed_100m"]].expand_dims(member=51, axis=3).copy(deep=True)
    weather["wind_speed_100m"].values[...] = rng.normal(18, 2, weather["wind_speed_100m"].shape)
    weather_schema.check_weather(weather)


def test_a_clear_sky_is_not_taken_for_a_fraction() -> None:
    weather = _runs(count=1)
    weather["cloud_cover"].values[...] = 0
    weather["cloud_cover"].values[0, 0, 7] = 1
    weather_schema.check_weather(weather)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temp_air", -273.2),
        ("temp_air", 70.0),
        ("wind_speed_100m", -1.0),
        ("wind_speed_100m", 150.0),
        ("pressure", 0.0),
    ],
)
def test_an_impossible_value_is_named_by_site_variable_and_hour(name: str, value: float) -> None:
    weather = _runs()
    weather[name].values[1, 3, 7] = value
    with pytest.raises(RangeError) as caught:
        weather_schema.check_weather(weather)
    three_lines(caught.value, name, "'other'", f"{value:g}", "2024-02-21T12", str(7 * 3600))


def test_an_impossible_value_is_found_whatever_the_order_of_dimensions() -> None:
    weather = _runs().transpose("lead_time", "init_time", "site")
    weather["temp_air"].values[7, 3, 1] = 70.0
    with pytest.raises(RangeError) as caught:
        weather_schema.check_weather(weather)
    three_lines(caught.value, "'other'", "2024-02-21T12")


def test_the_value_that_is_out_of_range_is_shown_and_not_one_within_rounding() -> None:
    weather = _runs()[["wind_speed_100m"]]
    weather["wind_speed_100m"].values[0, 0, 0] = -0.0005  # interpolation leaves such; it is let through
    weather["wind_speed_100m"].values[0, 3, 7] = 500
    with pytest.raises(RangeError, match="is 500 at site"):
        weather_schema.check_weather(weather)


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_an_infinite_value_is_named(infinity: float) -> None:
    weather = _runs()
    weather["temp_air"].values[0, 3, 7] = infinity
    with pytest.raises(RangeError) as caught:
        weather_schema.check_weather(weather)
    three_lines(caught.value, "temp_air", "'farm'", "inf", "2024-02-21T12")


def test_nothing_but_infinite_values_is_refused() -> None:
    weather = _runs()
    weather["temp_air"].values[0] = np.inf
    with pytest.raises(RangeError):
        weather_schema.check_weather(weather)


def test_missing_values_are_not_wrong() -> None:
    weather = _runs()
    weather["temp_air"].values[0] = np.nan
    weather["pressure"].values[1, ::2] = np.nan
    weather_schema.check_weather(weather)


# --- Dimensions, names and types ------------------------------------------------------------------


def _emptied(weather: xr.Dataset, dim: str) -> xr.Dataset:
    return weather.isel({dim: slice(0, 0)})


@pytest.mark.parametrize(
    "archive",
    [
        *(_emptied(_runs(), dim) for dim in ("site", "init_time", "lead_time")),
        _emptied(_analysis(), "time"),
        _runs().drop_vars(list(_runs().data_vars)),
    ],
)
def test_an_empty_archive_is_refused(archive: xr.Dataset) -> None:
    with pytest.raises(SchemaError, match="empty") as caught:
        weather_schema.check_weather(archive)
    three_lines(caught.value)


def test_what_is_no_dataset_is_refused() -> None:
    for given in (pd.DataFrame({"temp_air": [1.0]}), _runs()["temp_air"], None):
        with pytest.raises(SchemaError, match=type(given).__name__) as caught:
            weather_schema.check_weather(given)  # type: ignore[arg-type]
        three_lines(caught.value)


@pytest.mark.parametrize(
    "weather",
    [
        _runs().isel(site=0, drop=True),
        _runs().rename(lead_time="step"),
        _runs().drop_vars("lead_time"),
        _runs().assign_attrs(kind="analysis"),
        _analysis().assign_attrs(kind="forecast"),
        xr.Dataset(),
    ],
)
def test_other_dimensions_and_a_kind_that_contradicts_them_are_refused(weather: xr.Dataset) -> None:
    with pytest.raises(SchemaError) as caught:
        weather_schema.check_weather(weather)
    three_lines(caught.value)


@pytest.mark.parametrize(
    "weather",
    [
        _runs().assign(albedo=("site", np.array([0.2, 0.2], dtype="float32"))),
        _runs().expand_dims(level=2),
    ],
)
def test_a_variable_with_other_dimensions_is_refused(weather: xr.Dataset) -> None:
    with pytest.raises(SchemaError) as caught:
        weather_schema.check_weather(weather)
    three_lines(caught.value)


def test_a_missing_site_is_named() -> None:
    weather = _runs().sel(site=["other"])
    with pytest.raises(SchemaError) as caught:
        weather_schema.check_weather(weather, sites=[OTHER, FARM])
    three_lines(caught.value, "without 'farm'")


def test_a_doubled_site_is_refused() -> None:
    with pytest.raises(SchemaError, match="twice") as caught:
        weather_schema.check_weather(_runs().assign_coords(site=["farm", "farm"]))
    three_lines(caught.value, "'farm'")


def test_numbered_sites_are_refused_for_nothing_would_find_them() -> None:
    numbered = Site(name="1", latitude=0, longitude=0)
    with pytest.raises(SchemaError):
        weather_schema.check_weather(_runs().assign_coords(site=[1, 2]), sites=[numbered])


@pytest.mark.parametrize(
    ("unknown", "suggested"),
    [
        ("temp_ari", "temp_air"),
        ("windspeed_100m", "Did you mean 'wind_speed_100m'?"),
        ("wind_speed", "_<height>m"),
    ],
)
def test_an_unknown_variable_is_named_with_a_suggestion(unknown: str, suggested: str) -> None:
    with pytest.raises(SchemaError) as caught:
        weather_schema.check_weather(_runs().rename(temp_air=unknown))
    three_lines(caught.value, repr(unknown))
    assert suggested in str(caught.value).splitlines()[2]


def test_a_variable_of_ones_own_says_its_units_and_cell_methods() -> None:
    weather = _runs()
    weather["icing"] = weather["temp_air"] * 0 + 1e9
    with pytest.raises(SchemaError, match="icing"):
        weather_schema.check_weather(weather)
    weather["icing"].attrs = {"units": "1", "cell_methods": "time: point"}
    weather_schema.check_weather(weather)


def test_accumulated_values_are_refused() -> None:
    weather = _runs()
    weather["temp_air"].attrs["cell_methods"] = "time: sum"
    with pytest.raises(SchemaError, match="time: sum") as caught:
        weather_schema.check_weather(weather)
    three_lines(caught.value, "temp_air")


def test_integers_are_refused() -> None:
    with pytest.raises(SchemaError, match="int") as caught:
        weather_schema.check_weather(_runs().assign(pressure=_runs()["pressure"].astype("int32")))
    three_lines(caught.value, "pressure")


# --- Time axes and availability -------------------------------------------------------------------


@pytest.mark.parametrize("order", [[0, 2, 1], [0, 1, 1]])
def test_runs_out_of_order_or_doubled_are_named(order: list[int]) -> None:
    with pytest.raises(TimeError, match="does not rise") as caught:
        weather_schema.check_weather(_runs(count=3).isel(init_time=order))
    three_lines(caught.value, "init_time", "2024-02-20T12")


def test_doubled_hours_of_an_analysis_are_named() -> None:
    doubled = _analysis().isel(time=[*range(10), 9, *range(10, 20)])
    with pytest.raises(TimeError, match="does not rise") as caught:
        weather_schema.check_weather(doubled)
    three_lines(caught.value, "'time'", "2024-02-01T09")


def test_an_empty_time_is_refused() -> None:
    weather = _runs(count=3)
    axis = weather["init_time"].values.copy()
    axis[1] = np.datetime64("NaT", "ns")
    with pytest.raises(TimeError) as caught:
        weather_schema.check_weather(weather.assign_coords(init_time=axis))
    three_lines(caught.value, "init_time")


@pytest.mark.parametrize("axis", ["init_time", "available_time"])
def test_zone_aware_times_are_refused_with_the_remedy(axis: str) -> None:
    weather = _runs(count=3)
    aware = np.array([pd.Timestamp(moment, tz="UTC") for moment in weather[axis].values], dtype=object)
    with pytest.raises(TimeError, match="object") as caught:
        weather_schema.check_weather(weather.assign_coords({axis: ("init_time", aware)}))
    three_lines(caught.value, axis, "to_ns")


def test_whole_numbers_as_lead_are_refused() -> None:
    with pytest.raises(TimeError, match="int64") as caught:
        weather_schema.check_weather(_runs().assign_coords(lead_time=np.arange(49)))
    three_lines(caught.value, "lead_time")


def test_a_negative_lead_is_refused() -> None:
    weather = _runs()
    with pytest.raises(TimeError, match="negative") as caught:
        weather_schema.check_weather(weather.assign_coords(lead_time=weather["lead_time"].values - HOURS))
    three_lines(caught.value)


@pytest.mark.parametrize(("weather", "axis"), [(_runs(), "init_time"), (_analysis(), "time")])
def test_weather_that_does_not_say_when_it_arrived_is_refused(weather: xr.Dataset, axis: str) -> None:
    with pytest.raises(SchemaError, match="available_time") as caught:
        weather_schema.check_weather(weather.drop_vars("available_time"))
    three_lines(caught.value)
    assert f"assign_coords(available_time=('{axis}', {axis} + latency))" in caught.value.remedy


def test_one_arrival_for_the_whole_archive_is_refused() -> None:
    with pytest.raises(SchemaError, match="available_time"):
        weather_schema.check_weather(_runs().assign_coords(available_time=np.datetime64("2024-01-01", "ns")))


@pytest.mark.parametrize("per_lead", [False, True])
def test_weather_that_arrived_before_its_run_is_named(per_lead: bool) -> None:
    weather = _runs()
    arrived = weather["available_time"] + (0 * weather["lead_time"] if per_lead else np.timedelta64(0, "ns"))
    arrived.values[4] -= 6 * HOURS
    with pytest.raises(TimeError, match="earlier") as caught:
        weather_schema.check_weather(weather.assign_coords(available_time=arrived))
    three_lines(caught.value, "2024-02-22T00", "2024-02-21T23")


def test_a_run_that_never_arrived_and_arrivals_by_lead_pass() -> None:
    weather = _runs()
    arrived = weather["available_time"] + weather["lead_time"] / 10
    arrived.values[4] = np.datetime64("NaT", "ns")
    weather_schema.check_weather(weather.assign_coords(available_time=arrived))


def test_every_row_of_the_vocabulary_passes_its_own_check() -> None:
    for row in VARIABLES.values():
        name = f"{row.name}_100m" if row.has_height else row.name
        weather = _runs()[["temp_air"]].rename(temp_air=name)
        weather[name].values[...] = np.linspace(row.minimum, row.maximum, weather.sizes["lead_time"])
        weather[name].attrs = {"units": row.units, "cell_methods": row.cell_methods}
        if row.name != "wind_speed":  # an even spread up to 110 m/s is rightly taken for km/h
            weather_schema.check_weather(weather)
