"""Features: what they declare, what they may give, and what they can see."""

from __future__ import annotations

import contextlib
import linecache
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast import physics
from energyforecast.core import weather_schema
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea, Site, WindFarm
from energyforecast.core.tasks import day_ahead, intraday
from energyforecast.errors import SchemaError
from energyforecast.features import (
    AirMass,
    DayOfYear,
    Feature,
    FeatureSet,
    FunctionFeature,
    Lag,
    LeadTime,
    LocalHour,
    NewestObservation,
    WeatherAge,
    Weekday,
    WindDirection,
    WindSpeed,
    WindVariability,
    feature,
    features_giving,
    recipe,
)
from energyforecast.point_in_time import gathering
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.snapshot import Snapshot
from tests.support.error_messages import three_lines

START = np.datetime64("2024-01-01T00", "ns")
HOUR = np.timedelta64(1, "h")
FARM = WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60, timezone="Asia/Almaty")


def _weather(*names: str, runs: int = 4, leads: int = 31) -> xr.Dataset:
    """Runs every six hours, had at once; every value is 100 run + lead (+ 1000 for each further variable)."""
    init = START + np.arange(runs) * 6 * HOUR
    values = (100.0 * np.arange(runs)[:, None] + np.arange(leads)).astype("float32")
    return xr.Dataset(
        {
            name: (("site", "init_time", "lead_time"), (values + 1000 * place)[None])
            for place, name in enumerate(names or ("wind_speed_100m",))
        },
        coords={
            "site": ["farm"],
            "init_time": init,
            "lead_time": np.arange(leads).astype("timedelta64[h]"),
            "available_time": ("init_time", init),
        },
    )


def _power() -> Observations:
    index = pd.date_range("2023-12-20", periods=24 * 14, freq="1h", tz="UTC")
    return Observations(pd.DataFrame({"farm": np.arange(336.0) / 10}, index=index), published_after="2h")


def _windows(*issued: str, leads: str = "6h") -> Windows:
    return intraday(every="1h", leads=leads).windows(
        pd.DatetimeIndex(issued or ["2024-01-01 06:00"], tz="UTC")
    )


def _look(
    features: FeatureSet | Feature,
    weather: weather_schema.Weather | None = None,
    *,
    windows: Windows | None = None,
    power: Observations | None = None,
    site: Site = FARM,
) -> dict[str, np.ndarray]:
    """Columns of the features that the weather can serve."""
    given = FeatureSet((features,)) if isinstance(features, Feature) else features
    weather = _weather() if weather is None else weather
    kept, needs = given.resolve(weather)
    now = gathering.take_snapshot(
        weather,
        power,
        sites=[site],
        windows=_windows() if windows is None else windows,
        names=needs.names,
        required=needs.names,
        margin=needs.margin,
        history=needs.history,
    )
    return kept.compute(now)


@feature(weather=["wind_speed_100m"])
def cubed(now: Snapshot) -> np.ndarray:
    return now["wind_speed_100m"] ** 3


# --- Sets of features -----------------------------------------------------------------------------


def test_sets_add_remove_and_replace_without_changing_the_old() -> None:
    base = FeatureSet((LocalHour(), LeadTime()))
    more = base + cubed
    assert more.names == ["LocalHour", "LeadTime", "cubed"]
    assert (more - "LocalHour").names == ["LeadTime", "cubed"]
    assert (base + FeatureSet((cubed, Weekday()))).names == ["LocalHour", "LeadTime", "cubed", "Weekday"]
    assert (base + iter([cubed])).names == more.names
    replaced = more.replace("LeadTime", DayOfYear())
    assert replaced.names == ["LocalHour", "DayOfYear", "cubed"]
    assert base.names == ["LocalHour", "LeadTime"]
    assert len(more) == len(list(more)) == 3


@pytest.mark.parametrize(
    "act", [lambda some: some - "Nothing", lambda some: some.replace("Nothing", LeadTime())]
)
def test_removing_or_replacing_what_is_not_there_is_refused(act: Callable[[FeatureSet], FeatureSet]) -> None:
    with pytest.raises(SchemaError, match="'Nothing'") as caught:
        act(FeatureSet((LocalHour(),)))
    three_lines(caught.value, "LocalHour")


def test_two_features_of_one_name_are_refused() -> None:
    with pytest.raises(SchemaError, match="two features named 'lag_24h'") as caught:
        FeatureSet((Lag("24h"),)) + Lag("24h", step="24h")
    three_lines(caught.value)


@pytest.mark.parametrize("stranger", [LocalHour, lambda now: now, "hour"])
def test_what_is_no_feature_is_refused(stranger: Any) -> None:
    with pytest.raises(SchemaError, match="is not a feature") as caught:
        FeatureSet((stranger,))
    three_lines(caught.value)


# --- What weather can serve -----------------------------------------------------------------------


def test_an_optional_feature_is_left_out_where_its_variables_are_not_there() -> None:
    kept, needs = (FeatureSet((WindDirection(), AirMass(), cubed))).resolve(
        _weather("wind_speed_100m", "temp_air")
    )
    assert kept.names == ["cubed"]
    assert needs.names == {"": ("wind_speed_100m",)}  # temp_air would make runs incomplete for nothing


def test_a_missing_variable_of_a_feature_that_is_not_optional_is_named() -> None:
    with pytest.raises(SchemaError) as caught:
        FeatureSet((cubed,)).resolve(_weather("temp_air"))
    three_lines(caught.value, "'cubed'", "'wind_speed_100m'", "features - 'cubed'")


def test_needs_are_those_of_all_features_together() -> None:
    some = FeatureSet((WindVariability(hours=2), WindSpeed(hours=(-5, 0)), Lag("24h"), NewestObservation()))
    _, needs = some.resolve(_weather("wind_speed_100m", "wind_speed_10m", "temp_air"))
    assert needs.names == {"": ("wind_speed_100m", "wind_speed_10m")}
    assert needs.margin == pd.Timedelta("5h")
    assert set(needs.history) == {Past(pd.Timedelta("24h")), Past(pd.Timedelta("0h"))}


def test_several_weather_models_give_columns_of_each_and_a_pattern_may_name_one() -> None:
    @feature(weather=["gfs:wind_speed_100m"])
    def of_gfs(now: Snapshot) -> np.ndarray:
        return now["gfs:wind_speed_100m"]

    late = _weather("wind_speed_100m")
    late = late.assign_coords(available_time=("init_time", late["init_time"].values + 72 * HOUR))
    table = _look(FeatureSet((WindSpeed(hours=(0,)), of_gfs, WeatherAge())), {"ifs": _weather(), "gfs": late})
    assert "ifs:wind_speed_100m[mean]" in table
    assert np.isfinite(table["ifs:wind_speed_100m[mean]"]).all()
    for column in ("gfs:wind_speed_100m[mean]", "of_gfs", "gfs:weather_age"):
        assert np.isnan(table[column]).all()
    assert (table["ifs:weather_age"] == 0).all()


# --- Columns --------------------------------------------------------------------------------------


def test_a_function_becomes_a_feature_of_its_name() -> None:
    assert isinstance(cubed, FunctionFeature)
    table = _look(cubed)
    assert list(table) == ["cubed"]
    np.testing.assert_allclose(table["cubed"], [[(100 + lead) ** 3 for lead in range(6)]])
    assert table["cubed"].dtype == np.float32


def test_a_class_of_ones_own_may_give_several_columns() -> None:
    @dataclass(frozen=True)
    class Powers(Feature):
        weather: ClassVar[tuple[str, ...]] = ("wind_speed_100m",)
        largest: int = 2

        def compute(self, now: Snapshot) -> dict[str, np.ndarray]:
            return {f"power_{k}": now["wind_speed_100m"] ** k for k in range(1, self.largest + 1)}

    assert list(_look(Powers(largest=3))) == ["power_1", "power_2", "power_3"]
    assert Powers(largest=3).settings() == {"largest": 3}
    assert "Powers" not in Feature.registry  # only built-in features are found by name alone


def test_one_value_an_origin_stands_for_all_its_steps() -> None:
    @feature(weather=["wind_speed_100m"])
    def first(now: Snapshot) -> np.ndarray:
        return now["wind_speed_100m"][:, 0]

    table = _look(first, windows=_windows("2024-01-01 06:00", "2024-01-01 12:00"))
    np.testing.assert_array_equal(table["first"], [[100] * 6, [200] * 6])


def _giving(result: Callable[[Snapshot], Any]) -> FunctionFeature:
    @feature(weather=["wind_speed_100m"])
    def odd(now: Snapshot) -> Any:
        return result(now)

    return odd


@pytest.mark.parametrize(
    "result",
    [
        lambda now: now["wind_speed_100m"][:, :-1],
        lambda now: now["wind_speed_100m"][:-1],
        lambda now: now["wind_speed_100m"].T,
        lambda now: now.members("wind_speed_100m"),
        lambda now: np.arange(7.0),
    ],
)
def test_a_column_of_another_shape_is_named(result: Callable[[Snapshot], Any]) -> None:
    windows = _windows("2024-01-01 06:00", "2024-01-01 07:00", "2024-01-01 12:00", "2024-01-01 18:00")
    with pytest.raises(SchemaError, match="shape") as caught:
        _look(_giving(result), windows=windows)
    three_lines(caught.value, "'odd'", "(4, 6)")


@pytest.mark.parametrize("origins", [1, 4])
def test_one_value_a_step_is_refused(origins: int) -> None:
    # With as many origins as steps it would be read as one value an origin: batches would differ.
    windows = _windows(*(f"2024-01-01 {hour:02d}:00" for hour in range(6, 6 + origins)))
    steps = _giving(lambda now: np.arange(now.valid_time.shape[1], dtype=float))
    with pytest.raises(SchemaError):
        _look(steps, windows=windows)


def test_text_is_no_column() -> None:
    with pytest.raises(SchemaError) as caught:
        _look(_giving(lambda now: np.full(now.valid_time.shape, "windy")))
    three_lines(caught.value, "'odd'")


def test_a_column_that_is_already_there_is_refused() -> None:
    @feature()
    def hour(now: Snapshot) -> np.ndarray:
        return now.lead_time

    with pytest.raises(SchemaError, match="column 'hour'") as caught:
        _look(FeatureSet((LocalHour(), hour)))
    three_lines(caught.value, "another feature")


def test_looking_further_than_declared_is_refused_with_the_declaration() -> None:
    with pytest.raises(SchemaError, match="margin='2h'"):
        _look(_giving(lambda now: now.shift("wind_speed_100m", hours=2)))
    with pytest.raises(SchemaError, match="'temp_air'"):
        _look(_giving(lambda now: now["temp_air"]), _weather("wind_speed_100m", "temp_air"))


def test_a_feature_that_computes_in_place_does_not_change_what_the_next_one_sees() -> None:
    @feature(weather=["wind_speed_100m"])
    def careless(now: Snapshot) -> np.ndarray:
        speed = now["wind_speed_100m"]
        speed *= 2
        return speed

    expected = _look(cubed)["cubed"]
    with contextlib.suppress(ValueError):  # read-only arrays say so
        np.testing.assert_array_equal(_look(FeatureSet((careless, cubed)))["cubed"], expected)


# --- History --------------------------------------------------------------------------------------


def test_a_feature_sees_the_lags_it_declares() -> None:
    @feature(history=["24h", ("6h", "24h")])
    def yesterday(now: Snapshot) -> dict[str, np.ndarray]:
        return {"day": now.lag("24h"), "six": now.lag("6h", step="24h"), "age": now.lag_age("24h")}

    table = _look(yesterday, power=_power())
    # 06:00 on 1 January is hour 294; published by then were hours up to 291, as 291 ends at 04:00.
    np.testing.assert_allclose(table["day"], [np.arange(270, 276) / 10])
    np.testing.assert_allclose(table["six"], [np.array([288, 289, 290, 291, 268, 269]) / 10])
    np.testing.assert_allclose(table["age"], [24 - np.arange(6)])


def test_built_in_lags_are_fractions_of_capacity_with_their_age() -> None:
    table = _look(FeatureSet((Lag("168h", step="24h"), NewestObservation())), power=_power())
    np.testing.assert_allclose(table["lag_168h"], [np.arange(126, 132) / 10 / 60], rtol=1e-6)
    np.testing.assert_allclose(table["lag_168h_age"], [168 - np.arange(6)])
    np.testing.assert_allclose(table["newest"], [[29.1 / 60] * 6], rtol=1e-6)
    np.testing.assert_allclose(table["newest_age"], [[3] * 6])


def test_demand_without_capacity_stays_in_megawatts() -> None:
    area = DemandArea(name="farm", latitude=43.24, longitude=76.9)
    np.testing.assert_allclose(
        _look(NewestObservation(), power=_power(), site=area)["newest"], [[29.1] * 6], rtol=1e-6
    )


# --- The end of a run -----------------------------------------------------------------------------


@pytest.mark.parametrize("item", [WindSpeed(), WindVariability(), AirMass(), WindDirection()])
def test_no_feature_sees_beyond_the_last_lead_of_its_run(item: Feature) -> None:
    names = ("wind_speed_100m", "wind_direction_100m", "temp_air", "pressure")

    def weather(leads: int) -> xr.Dataset:
        made = _weather(*names, leads=leads)
        return made.assign(temp_air=made["temp_air"] / 1000, pressure=90_000 + made["pressure"])

    # The window of the run of 06:00 ends with its last lead; the runs before and after know more hours.
    windows = _windows("2024-01-01 06:00", leads="12h")
    whole = _look(item, weather(40), windows=windows)
    for name, values in _look(item, weather(12), windows=windows).items():
        looks_back = re.search(r"\[(-\d|\+0)", name) is not None
        assert np.isfinite(whole[name][0, -1]), name
        assert np.isfinite(values[0, -1]) == looks_back, name


def test_the_mean_over_an_interval_takes_both_ends_of_the_wind() -> None:
    table = _look(WindSpeed())
    np.testing.assert_allclose(table["wind_speed_100m[mean]"], [np.arange(100.5, 106)])
    np.testing.assert_allclose(table["wind_speed_100m[+1h]"], [np.arange(101, 107)])
    np.testing.assert_allclose(table["wind_speed_100m[+0h]"], [np.arange(100, 106)])
    # Before its first lead the run knows nothing, although the run before it does.
    np.testing.assert_array_equal(table["wind_speed_100m[-2h]"][0], [np.nan, np.nan, 100, 101, 102, 103])


def test_variability_is_the_change_over_the_interval_and_the_deviation_around_it() -> None:
    table = _look(WindVariability(hours=1), windows=_windows("2024-01-01 08:00"))
    np.testing.assert_allclose(table["wind_speed_100m[change]"], [[1] * 6])
    np.testing.assert_allclose(table["wind_speed_100m[deviation]"], [[np.std([0, 1, 2, 3])] * 6], rtol=1e-5)


def test_direction_is_averaged_on_the_circle() -> None:
    weather = _weather("wind_direction_100m")
    weather["wind_direction_100m"].values[0, 1, :4] = [350, 10, 90, 90]
    table = _look(WindDirection(), weather, windows=_windows(leads="3h"))
    np.testing.assert_allclose(table["wind_direction_100m[sine]"][0, [0, 2]], [0, 1], atol=1e-6)
    np.testing.assert_allclose(
        table["wind_direction_100m[cosine]"][0, [0, 2]], [np.cos(np.radians(10)), 0], atol=1e-6
    )


def test_density_and_the_corrected_speed_are_those_of_physics() -> None:
    weather = _weather("wind_speed_100m", "temp_air", "pressure")
    weather["wind_speed_100m"].values[...] = 8
    weather["temp_air"].values[...] = -10
    weather["pressure"].values[...] = 95_000
    table = _look(AirMass(), weather)
    density = physics.air_density(-10.0, 95_000.0)
    assert density == pytest.approx(1.258, abs=0.002)
    np.testing.assert_allclose(table["air_density"], density, rtol=1e-6)
    corrected = physics.density_corrected_wind_speed(8.0, density)
    np.testing.assert_allclose(table["wind_speed_100m[density]"], corrected, rtol=1e-6)


def test_damp_air_is_lighter_where_the_weather_tells_of_it() -> None:
    weather = _weather("wind_speed_100m", "temp_air", "pressure", "relative_humidity")
    for name, value in {"wind_speed_100m": 8, "temp_air": 30, "pressure": 95_000}.items():
        weather[name].values[...] = value
    weather["relative_humidity"].values[...] = 80
    got = _look(AirMass(), weather)
    np.testing.assert_allclose(got["air_density"], physics.air_density(30.0, 95_000.0, 80.0), rtol=1e-6)
    dry = _look(AirMass(), weather.drop_vars("relative_humidity"))
    assert set(dry) == set(got)
    assert (dry["air_density"] > got["air_density"]).all()
    assert "relative_humidity" not in FeatureSet((WindSpeed(),)).resolve(weather)[1].names[""]


# --- The calendar ---------------------------------------------------------------------------------


def test_the_calendar_is_that_of_the_sites_clock() -> None:
    task = day_ahead("08:00", timezone="Asia/Almaty")
    windows = task.windows(task.issue_times("2024-02-29", "2024-03-01"))
    weather = _weather(runs=300, leads=73)
    table = _look(FeatureSet((LocalHour(), Weekday(), LeadTime())), weather, windows=windows)
    assert table["hour"][0].tolist() == [*range(24), 23]
    assert table["hour"][1, :24].tolist() == list(range(24))
    assert set(table["weekday"][0]) == {3}
    assert set(table["weekday"][1, :24]) == {4}
    assert table["lead_time"][:, 0].tolist() == [16, 17]


def test_the_season_closes_at_new_year() -> None:
    windows = _windows("2023-12-31 23:00", "2024-01-01 00:00", "2024-07-01 12:00", leads="1h")
    table = _look(DayOfYear(), windows=windows)
    np.testing.assert_allclose(table["season_cosine"][:, 0], [1, 1, -1], atol=0.01)
    np.testing.assert_allclose(table["season_sine"][:2, 0], [0, 0], atol=0.01)
    assert table["season_sine"][0, 0] < 0 <= table["season_sine"][1, 0]


def test_the_age_of_the_weather_is_that_of_the_run_in_use() -> None:
    table = _look(WeatherAge(), windows=_windows("2024-01-01 07:00", "2024-01-01 14:30", leads="2h"))
    # No variable is asked for, so any run that reaches the end serves.
    np.testing.assert_array_equal(table["weather_age"], [[1, 1], [2.5, 2.5]])
    np.testing.assert_array_equal(table["weather_lead_time"], [[1, 2], [3, 4]])


# --- Recipes --------------------------------------------------------------------------------------


def test_the_recipe_of_a_wind_farm_works_with_wind_alone() -> None:
    table = _look(recipe(FARM), _weather("wind_speed_100m"))
    assert {"wind_speed_100m[mean]", "hour", "weather_age"} <= set(table)
    assert not any("direction" in name or "density" in name for name in table)
    assert all(values.shape == (1, 6) and values.dtype == np.float32 for values in table.values())


def test_a_site_without_recipe_is_told_so() -> None:
    with pytest.raises(SchemaError, match="no recipe for Site 'x'") as caught:
        recipe(Site(name="x", latitude=0, longitude=0))
    three_lines(caught.value)


def test_features_are_found_by_the_columns_they_give() -> None:
    wanted = ["hour", "weekday", "lead_time", "season_cosine", "season_sine", "newest", "lag_168h"]
    found = features_giving(wanted)
    assert len(found.names) == len(set(found.names)) == 6  # the season's two columns come from one feature
    assert set(wanted) <= set(_look(found, power=_power()))
    with pytest.raises(SchemaError, match="'moon'") as caught:
        features_giving(["hour", "moon"])
    three_lines(caught.value)


# --- The hash of the source -----------------------------------------------------------------------


def _defined(body: str, tag: str) -> FunctionFeature:
    """A feature whose source Python can find, as in a module."""
    source = f"@feature(weather=['wind_speed_100m'])\ndef mine(now):\n    {body}\n"
    name = f"<{tag}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    space: dict[str, Any] = {"feature": feature}
    exec(compile(source, name, "exec"), space)
    return space["mine"]  # type: ignore[no-any-return]


def test_the_hash_changes_with_the_source_and_only_with_it() -> None:
    one = _defined("return now['wind_speed_100m'] ** 2", "one")
    again = _defined("return now['wind_speed_100m'] ** 2", "again")
    other = _defined("return now['wind_speed_100m'] ** 3", "other")
    assert one.source_hash == again.source_hash
    assert one.source_hash != other.source_hash
    assert len(one.source_hash) == 64


def test_the_declaration_belongs_to_the_source() -> None:
    def body(now: Snapshot) -> np.ndarray:
        return now["wind_speed_100m"]

    wide, narrow = (
        feature(weather=["wind_speed_100m"], margin="3h")(body),
        feature(weather=["wind_speed_100m"])(body),
    )
    assert wide != narrow
    assert wide.margin == pd.Timedelta("3h")


WITHOUT_SOURCE = """
from energyforecast.features import feature
space = {{}}
exec("def mine(now):\\n    return {body}", space)
print(feature()(space["mine"]).source_hash)
"""


def _hash_in_a_new_process(body: str) -> str:
    command = [sys.executable, "-c", WITHOUT_SOURCE.format(body=body)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.slow
def test_without_source_the_hash_is_that_of_the_code_and_the_same_in_every_process() -> None:
    first = _hash_in_a_new_process("[x for x in (1, 2)]")
    assert first == _hash_in_a_new_process("[x for x in (1, 2)]")
    assert first != _hash_in_a_new_process("[x for x in (1, 3)]")
