"""What weather, observations and quantiles must be, and how each wrong one is named."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pvlib import clearsky, solarposition

from energyforecast.core import plausibility, timestamps, weather_schema
from energyforecast.core.quantiles import check_levels
from energyforecast.core.sites import DemandArea, PVPlant, Site, WindFarm, as_sites
from energyforecast.core.variables import VARIABLES
from energyforecast.errors import EnergyForecastError, RangeError, SchemaError, TimeError, UnitsError

FARM = WindFarm(name="farm", latitude=48.45, longitude=5.59, capacity=8.2)
OTHER = WindFarm(name="other", latitude=43.64, longitude=78.54, capacity=60)
HOURS = np.timedelta64(1, "h")


def _three_lines(error: EnergyForecastError, *named: str) -> None:
    lines = str(error).splitlines()
    assert len(lines) == 3, lines
    assert all(lines)
    for word in named:
        assert word in str(error), f"{word!r} is not named in {error}"


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
    _three_lines(caught.value, name, repr(site))


@pytest.mark.parametrize(
    ("name", "units"),
    [("temp_air", "K"), ("wind_speed_100m", "km h-1"), ("pressure", "hPa"), ("temp_air", "m s-1")],
)
def test_another_unit_in_the_attributes_is_refused(name: str, units: str) -> None:
    weather = _runs()
    weather[name].attrs["units"] = units
    with pytest.raises(UnitsError) as caught:
        weather_schema.check_weather(weather)
    _three_lines(caught.value, name, repr(units))


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
    _three_lines(caught.value, name, "'other'", f"{value:g}", "2024-02-21T12", str(7 * 3600))


def test_an_impossible_value_is_found_whatever_the_order_of_dimensions() -> None:
    weather = _runs().transpose("lead_time", "init_time", "site")
    weather["temp_air"].values[7, 3, 1] = 70.0
    with pytest.raises(RangeError) as caught:
        weather_schema.check_weather(weather)
    _three_lines(caught.value, "'other'", "2024-02-21T12")


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
    _three_lines(caught.value, "temp_air", "'farm'", "inf", "2024-02-21T12")


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
    _three_lines(caught.value)


def test_what_is_no_dataset_is_refused() -> None:
    for given in (pd.DataFrame({"temp_air": [1.0]}), _runs()["temp_air"], None):
        with pytest.raises(SchemaError, match=type(given).__name__) as caught:
            weather_schema.check_weather(given)  # type: ignore[arg-type]
        _three_lines(caught.value)


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
    _three_lines(caught.value)


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
    _three_lines(caught.value)


def test_a_missing_site_is_named() -> None:
    weather = _runs().sel(site=["other"])
    with pytest.raises(SchemaError) as caught:
        weather_schema.check_weather(weather, sites=[OTHER, FARM])
    _three_lines(caught.value, "without 'farm'")


def test_a_doubled_site_is_refused() -> None:
    with pytest.raises(SchemaError, match="twice") as caught:
        weather_schema.check_weather(_runs().assign_coords(site=["farm", "farm"]))
    _three_lines(caught.value, "'farm'")


def test_numbered_sites_are_refused_for_nothing_would_find_them() -> None:
    numbered = Site(name="1", latitude=0, longitude=0)
    with pytest.raises(SchemaError):
        weather_schema.check_weather(_runs().assign_coords(site=[1, 2]), sites=[numbered])


@pytest.mark.parametrize(
    ("unknown", "suggested"),
    [("temp_ari", "temp_air"), ("wind_sped_100m", "wind_speed_<height>m"), ("wind_speed", "_<height>m")],
)
def test_an_unknown_variable_is_named_with_a_suggestion(unknown: str, suggested: str) -> None:
    with pytest.raises(SchemaError) as caught:
        weather_schema.check_weather(_runs().rename(temp_air=unknown))
    _three_lines(caught.value, repr(unknown))
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
    _three_lines(caught.value, "temp_air")


def test_integers_are_refused() -> None:
    with pytest.raises(SchemaError, match="int") as caught:
        weather_schema.check_weather(_runs().assign(pressure=_runs()["pressure"].astype("int32")))
    _three_lines(caught.value, "pressure")


# --- Time axes and availability -------------------------------------------------------------------


@pytest.mark.parametrize("order", [[0, 2, 1], [0, 1, 1]])
def test_runs_out_of_order_or_doubled_are_named(order: list[int]) -> None:
    with pytest.raises(TimeError, match="does not rise") as caught:
        weather_schema.check_weather(_runs(count=3).isel(init_time=order))
    _three_lines(caught.value, "init_time", "2024-02-20T12")


def test_doubled_hours_of_an_analysis_are_named() -> None:
    doubled = _analysis().isel(time=[*range(10), 9, *range(10, 20)])
    with pytest.raises(TimeError, match="does not rise") as caught:
        weather_schema.check_weather(doubled)
    _three_lines(caught.value, "'time'", "2024-02-01T09")


def test_an_empty_time_is_refused() -> None:
    weather = _runs(count=3)
    axis = weather["init_time"].values.copy()
    axis[1] = np.datetime64("NaT", "ns")
    with pytest.raises(TimeError) as caught:
        weather_schema.check_weather(weather.assign_coords(init_time=axis))
    _three_lines(caught.value, "init_time")


@pytest.mark.parametrize("axis", ["init_time", "available_time"])
def test_zone_aware_times_are_refused_with_the_remedy(axis: str) -> None:
    weather = _runs(count=3)
    aware = np.array([pd.Timestamp(moment, tz="UTC") for moment in weather[axis].values], dtype=object)
    with pytest.raises(TimeError, match="object") as caught:
        weather_schema.check_weather(weather.assign_coords({axis: ("init_time", aware)}))
    _three_lines(caught.value, axis, "to_ns")


def test_whole_numbers_as_lead_are_refused() -> None:
    with pytest.raises(TimeError, match="int64") as caught:
        weather_schema.check_weather(_runs().assign_coords(lead_time=np.arange(49)))
    _three_lines(caught.value, "lead_time")


def test_a_negative_lead_is_refused() -> None:
    weather = _runs()
    with pytest.raises(TimeError, match="negative") as caught:
        weather_schema.check_weather(weather.assign_coords(lead_time=weather["lead_time"].values - HOURS))
    _three_lines(caught.value)


@pytest.mark.parametrize("weather", [_runs(), _analysis()])
def test_weather_that_does_not_say_when_it_arrived_is_refused(weather: xr.Dataset) -> None:
    with pytest.raises(SchemaError, match="available_time") as caught:
        weather_schema.check_weather(weather.drop_vars("available_time"))
    _three_lines(caught.value)
    assert "assign_coords" in str(caught.value).splitlines()[2]


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
    _three_lines(caught.value, "2024-02-22T00", "2024-02-21T23")


def test_a_run_that_never_arrived_and_arrivals_by_lead_pass() -> None:
    weather = _runs()
    arrived = weather["available_time"] + weather["lead_time"] / 10
    arrived.values[4] = np.datetime64("NaT", "ns")
    weather_schema.check_weather(weather.assign_coords(available_time=arrived))


# --- The sun as a clock ---------------------------------------------------------------------------

PLANTS = [
    PVPlant(name="kapshagay", latitude=43.97, longitude=77.11, capacity=100),
    PVPlant(name="arizona", latitude=33.4, longitude=-112.0, capacity=100),
    PVPlant(name="auckland", latitude=-36.9, longitude=174.8, capacity=100),
]


@lru_cache
def _clear_sky(site: Site) -> pd.Series:
    fine = pd.date_range("2024-03-01", periods=184 * 144, freq="10min", tz="UTC")
    sun = solarposition.spa_python(fine + pd.Timedelta("5min"), site.latitude, site.longitude)
    return clearsky.haurwitz(sun["apparent_zenith"])["ghi"].set_axis(fine)


def _radiation(
    site: Site, *, days: int, shift: int = 0, cloudy: bool = False, width: str = "1h"
) -> pd.Series:
    """Means over intervals from pvlib's clear sky, labelled with their beginning plus `shift` hours."""
    ghi = _clear_sky(site).iloc[: days * 144].resample(width).mean()
    if cloudy:
        rng = np.random.default_rng(5)
        hourly = np.convolve(rng.normal(size=len(ghi) + 8), np.ones(9) / 3, mode="valid")
        ghi *= 1 / (1 + np.exp(-1.5 * hourly))
    ghi.index = ghi.index + pd.Timedelta(shift, "h")
    return ghi


def _with_radiation(site: Site, ghi: pd.Series) -> xr.Dataset:
    axis = timestamps.to_ns(ghi.index)
    return xr.Dataset(
        {"ghi": (("site", "time"), ghi.to_numpy(dtype="float32")[None, :])},
        coords={"site": [site.name], "time": axis, "available_time": ("time", axis + 24 * HOURS)},
    )


@pytest.mark.parametrize("site", PLANTS, ids=lambda site: site.name)
@pytest.mark.parametrize(("days", "cloudy"), [(30, False), (184, True)])
def test_radiation_labelled_at_the_beginning_passes(site: Site, days: int, cloudy: bool) -> None:
    weather_schema.check_weather(
        _with_radiation(site, _radiation(site, days=days, cloudy=cloudy)), sites=[site]
    )


@pytest.mark.parametrize("site", PLANTS, ids=lambda site: site.name)
@pytest.mark.parametrize(("days", "cloudy"), [(30, False), (184, True)])
@pytest.mark.parametrize(("shift", "where"), [(1, "after"), (-1, "before"), (5, "after")])
def test_radiation_labelled_at_the_end_or_in_local_time_is_found_by_the_sun(
    site: Site, days: int, cloudy: bool, shift: int, where: str
) -> None:
    wrong = _with_radiation(site, _radiation(site, days=days, cloudy=cloudy, shift=shift))
    with pytest.raises(TimeError, match=rf"min {where} the sun") as caught:
        weather_schema.check_weather(wrong, sites=[site])
    _three_lines(caught.value, "ghi", repr(site.name), "2024-0")


def _as_runs(site: Site, ghi: pd.Series, leads: np.ndarray) -> xr.Dataset:
    init = timestamps.to_ns(ghi.index[: -int(leads[-1]) - 1 : 24])
    position = np.searchsorted(timestamps.to_ns(ghi.index), init)[:, None] + leads[None, :]
    return xr.Dataset(
        {"ghi": (("site", "init_time", "lead_time"), ghi.to_numpy(dtype="float32")[position][None])},
        coords={
            "site": [site.name],
            "init_time": init,
            "lead_time": leads.astype("timedelta64[h]"),
            "available_time": ("init_time", init + 5 * HOURS),
        },
    )


@pytest.mark.parametrize("shift", [0, 1])
def test_the_sun_checks_forecasts_too_whose_runs_overlap(shift: int) -> None:
    weather = _as_runs(PLANTS[0], _radiation(PLANTS[0], days=30, shift=shift), np.arange(60))
    if shift:
        with pytest.raises(TimeError, match="after the sun"):
            weather_schema.check_weather(weather, sites=[PLANTS[0]])
    else:
        weather_schema.check_weather(weather, sites=[PLANTS[0]])


@pytest.mark.parametrize("width", ["10min", "30min", "3h"])
def test_means_over_shorter_and_longer_intervals_are_compared_with_the_suns_middle(width: str) -> None:
    right = _radiation(PLANTS[0], days=30, width=width)
    lag = plausibility.check_sun(timestamps.to_ns(right.index), right.to_numpy(), site=PLANTS[0], label="ghi")
    assert lag is not None
    assert abs(lag) < 5


def test_ten_minutes_are_told_from_the_sun_on_clear_days() -> None:
    clear = _radiation(PLANTS[0], days=30)
    stamps = timestamps.to_ns(clear.index) + np.timedelta64(20, "m")
    lag = plausibility.check_sun(stamps, clear.to_numpy(), site=PLANTS[0], label="ghi")
    assert lag == pytest.approx(20, abs=4)


def test_a_few_days_say_nothing_about_the_clock() -> None:
    few = _radiation(PLANTS[0], days=5, shift=3)
    assert (
        plausibility.check_sun(timestamps.to_ns(few.index), few.to_numpy(), site=PLANTS[0], label="ghi")
        is None
    )


# --- Observations and quantiles -------------------------------------------------------------------


def _power(values: list[float], start: str = "2024-01-01", site: str = "farm") -> pd.DataFrame:
    index = pd.date_range(start, periods=len(values), freq="1h", tz="UTC")
    return pd.DataFrame({site: values}, index=index)


def test_kilowatts_are_recognised() -> None:
    with pytest.raises(UnitsError, match="kW") as caught:
        plausibility.check_observations(_power([120.0, 8100.0, 35.0]), sites=[FARM])
    _three_lines(caught.value, "'farm'", "8100", "2024-01-01 01:00")


def test_gigawatts_are_recognised() -> None:
    with pytest.raises(UnitsError, match="GW") as caught:
        plausibility.check_observations(_power([0.0001, 0.0081] * 300), sites=[FARM])
    _three_lines(caught.value, "'farm'")


@pytest.mark.parametrize("value", [12.0, -12.0])
def test_power_above_capacity_is_named_by_site_and_hour(value: float) -> None:
    with pytest.raises(RangeError, match="above") as caught:
        plausibility.check_observations(_power([1.0, 2.0, value]), sites=[FARM])
    _three_lines(caught.value, "'farm'", f"{value:g}", "2024-01-01 02:00")


def test_small_negative_power_slightly_more_than_capacity_and_gaps_pass() -> None:
    plausibility.check_observations(_power([-0.05, 8.4, np.nan]), sites=[FARM])
    plausibility.check_observations(_power([np.nan, np.nan]), sites=[FARM])


def test_flagged_hours_may_hold_anything() -> None:
    values = _power([1.0, 9999.0])
    plausibility.check_observations(values, sites=[FARM], unfit=values > 100)
    with pytest.raises(UnitsError):
        plausibility.check_observations(values, sites=[FARM], unfit=values < 100)


def test_demand_without_capacity_has_no_bound() -> None:
    area = DemandArea(name="city", latitude=43.24, longitude=76.9)
    plausibility.check_observations(_power([1500.0], site="city"), sites=[area])


def test_a_site_without_a_column_is_named() -> None:
    with pytest.raises(SchemaError, match="without 'other'") as caught:
        plausibility.check_observations(_power([1.0]), sites=[FARM, OTHER])
    _three_lines(caught.value)


@pytest.mark.parametrize("levels", [[0.0], [1.0], [-0.5], [5, 50, 95], [], [0.9, 0.1], [0.5, 0.5], [np.nan]])
def test_levels_outside_0_and_1_or_not_rising_are_refused(levels: list[float]) -> None:
    with pytest.raises(RangeError) as caught:
        check_levels(levels)
    _three_lines(caught.value, f"{float(levels[0]):g}" if levels else "no level")


# --- Sites ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("latitude", 95),
        ("latitude", float("nan")),
        ("longitude", 181),
        ("longitude", -200),
        ("capacity", 0),
        ("capacity", -3),
        ("capacity", float("inf")),
        ("hub_height", 0),
        ("altitude", 10_000),
    ],
)
def test_an_impossible_site_is_refused_at_birth(field: str, value: float) -> None:
    good = {"latitude": 48.45, "longitude": 5.59, "capacity": 8.2}
    with pytest.raises(RangeError, match=field) as caught:
        WindFarm(name="farm", **(good | {field: value}))  # type: ignore[arg-type]
    _three_lines(caught.value, "'farm'", str(value))


def test_names_of_sites_are_unique_and_there_is_at_least_one() -> None:
    with pytest.raises(SchemaError, match="'farm' is given twice"):
        as_sites([FARM, OTHER, FARM])
    for nothing in ([], ["farm"]):
        with pytest.raises(SchemaError):
            as_sites(nothing)  # type: ignore[arg-type]


def test_every_row_of_the_vocabulary_passes_its_own_check() -> None:
    for row in VARIABLES.values():
        name = f"{row.name}_100m" if row.has_height else row.name
        weather = _runs()[["temp_air"]].rename(temp_air=name)
        weather[name].values[...] = np.linspace(row.minimum, row.maximum, weather[name].size).reshape(
            weather[name].shape
        )
        weather[name].attrs = {"units": row.units, "cell_methods": row.cell_methods}
        if row.name != "wind_speed":  # an even spread up to 110 m/s is rightly taken for km/h
            weather_schema.check_weather(weather)
