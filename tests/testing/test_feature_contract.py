"""The contract of a feature: kept by every built-in one, and caught where it is broken."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import energyforecast as ef
from energyforecast.core.observation_series import Observations
from energyforecast.errors import EnergyForecastError, LeakageError, SchemaError, TimeError
from energyforecast.features import Feature, FunctionFeature
from energyforecast.testing import check_feature
from tests.support.synthetic_data import HOUR

TASK = ef.intraday(every="3h", leads="6h")
PLACE: dict[str, Any] = {"latitude": 48.0, "longitude": 5.0, "timezone": "Europe/Paris"}
FARMS = tuple(
    ef.WindFarm(
        name=f"farm {k}",
        capacity=10,
        hub_height=90,
        power_curve=ef.PowerCurve.generic(),
        **(PLACE | {"latitude": 48.0 + k}),
    )
    for k in range(2)
)
PLANTS = tuple(
    ef.PVPlant(name=f"farm {k}", capacity=10, **(PLACE | {"latitude": 48.0 + k})) for k in range(2)
)
AREA = ef.DemandArea(name="farm 0", country="FR", **PLACE)
BUILT_IN = sorted(set(Feature.registry) - {"FunctionFeature"})


@cache
def _given() -> tuple[xr.Dataset, Observations]:
    noise, days = np.random.default_rng(0), 40
    init = np.datetime64("2024-05-01", "ns") + np.arange(0, 24 * days, 6) * HOUR
    shape = (2, len(init), 49)
    ranges = {
        "wind_speed_10m": (2, 10),
        "wind_speed_100m": (4, 20),
        "wind_direction_10m": (0, 360),
        "wind_direction_100m": (0, 360),
        "temp_air": (5, 25),
        "temp_dew": (-5, 5),
        "relative_humidity": (20, 90),
        "pressure": (95_000, 100_000),
        "cloud_cover": (0, 100),
        "ghi": (0, 800),
        "dni": (0, 700),
        "dhi": (0, 300),
    }
    weather = xr.Dataset(
        {
            name: (("site", "init_time", "lead_time"), noise.uniform(*span, size=shape).astype("float32"))
            for name, span in ranges.items()
        },
        coords={
            "site": ["farm 0", "farm 1"],
            "init_time": init,
            "lead_time": np.arange(49) * HOUR,
            "available_time": ("init_time", init + 7 * HOUR),
        },
        attrs={"kind": "forecast"},
    )
    index = pd.date_range("2024-05-01", periods=24 * days, freq="1h", tz="UTC")
    power = pd.DataFrame(
        noise.uniform(0, 10, size=(len(index), 2)), index=index, columns=["farm 0", "farm 1"]
    )
    return weather, Observations(power, published_after="2h")


def _check(item: Feature, sites: Any = FARMS) -> None:
    check_feature(item, *_given(), sites=sites, task=TASK)


def _refused(item: Feature, kind: type[EnergyForecastError], *named: str) -> None:
    with pytest.raises(kind) as caught:
        _check(item)
    assert len(str(caught.value).splitlines()) == 3
    for word in named:
        assert word in str(caught.value)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_feature_of_the_library_keeps_the_contract(name: str) -> None:
    module = Feature.registry[name].__module__.rpartition(".")[2]
    sites: Any = {
        "solar": PLANTS,
        "pv_chain": PLANTS,
        "demand": AREA,
        "standard_profile": AREA,
    }.get(module, FARMS)
    settings: dict[str, Any] = {"profile": "H25"} if name == "StandardLoadProfile" else {}
    item: Feature = Feature.registry[name](**settings)
    _check(item, sites)
    if name == "ColdStartPower":
        _check(item, PLANTS)


def test_a_sound_feature_of_ones_own_passes() -> None:
    @ef.feature(weather=["wind_speed_100m"], margin="1h", history=["24h"])
    def sound(now: Any) -> Any:
        return {"ramp": now.shift("wind_speed_100m", hours=1) - now["wind_speed_100m"], "day": now.lag("24h")}

    _check(sound)


# --- Planted faults -------------------------------------------------------------------------------


def _planted(function: Any, **declared: Any) -> FunctionFeature:
    return ef.feature(**({"weather": ["wind_speed_100m"]} | declared))(function)


def test_what_was_not_declared_is_named() -> None:
    _refused(_planted(lambda now: now["temp_air"]), SchemaError, "temp_air", "weather=['temp_air']")
    _refused(_planted(lambda now: now.shift("wind_speed_100m", hours=2)), SchemaError, "margin='2h'")
    _refused(_planted(lambda now: now.lag("24h")), SchemaError, "24h", "history")


def test_a_wrong_shape_is_refused() -> None:
    _refused(_planted(lambda now: now["wind_speed_100m"][:, :-1]), SchemaError, "shape")
    _refused(_planted(lambda now: np.array(["calm"])), SchemaError, "holds no numbers")


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_infinite_values_are_refused() -> None:
    _refused(_planted(lambda now: np.log(now["wind_speed_100m"] * 0)), SchemaError, "infinite")


def test_means_over_the_batch_are_caught() -> None:
    def standardised(now: Any) -> Any:
        return now["wind_speed_100m"] - now["wind_speed_100m"].mean()

    _refused(_planted(standardised), LeakageError, "'standardised'", "computed alone")


def test_chance_is_caught() -> None:
    noise = np.random.default_rng()
    _refused(
        _planted(lambda now: now["wind_speed_100m"] + noise.normal(size=now.valid_time.shape)),
        LeakageError,
        "computed twice",
    )


def test_names_that_change_are_caught() -> None:
    def named(now: Any) -> Any:
        return {f"wind of {len(now.valid_time)}": now["wind_speed_100m"]}

    _refused(_planted(named), SchemaError, "other columns", "computed alone")


def test_writing_into_the_snapshot_is_caught() -> None:
    def clipped(now: Any) -> Any:
        return np.clip(now["wind_speed_100m"], 0, 10, out=now["wind_speed_100m"])

    _refused(_planted(clipped), SchemaError, "writes into the snapshot")


def test_reaching_past_the_snapshot_is_caught() -> None:
    memory: dict[str, Any] = {}

    def cheating(now: Any) -> Any:
        """What comes, from an archive of its own that the poison spoils too."""
        lag = now.lag("0h")
        return (
            lag
            + memory["observed"].reindex(pd.DatetimeIndex(now.valid_time[:, 0], tz="UTC")).to_numpy()[:, None]
        )

    item = _planted(cheating, history=["0h"])
    weather, power = _given()
    from energyforecast.point_in_time import gathering

    honest = gathering.take_snapshot

    def spied(weather: Any, observations: Any, **settings: Any) -> Any:
        memory["observed"] = observations.values["farm 0"]
        return honest(weather, observations, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "take_snapshot", spied)
        with pytest.raises(LeakageError, match="destroyed"):
            check_feature(item, weather, power, sites=FARMS, task=TASK)


def _looked_up(power: Any, now: Any) -> Any:
    hours = pd.DatetimeIndex(now.valid_time.ravel(), tz="UTC")
    return power.reindex(hours).to_numpy().reshape(now.valid_time.shape)


MEASURED = pd.Series(1.0, pd.date_range("2024-01-01", periods=24, freq="1h", tz="UTC"))


def _around(power: Any) -> Any:
    def cheating(now: Any) -> Any:
        return sum(_looked_up(power, now) for _ in range(1))

    return cheating


def _by_default(now: Any, power: Any = MEASURED) -> Any:
    return _looked_up(power, now)


def _by_helper(now: Any) -> Any:
    return _helped(now)


def _helped(now: Any) -> Any:
    return dict.fromkeys(["power"], _looked_up(MEASURED, now))


@dataclass(frozen=True)
class Held(Feature):
    """A feature that was given what was measured."""

    measured: Any
    weather: ClassVar[tuple[str, ...]] = ("wind_speed_100m",)

    def compute(self, now: Any) -> Any:
        return {"held": _looked_up(self.measured["farm"], now)}


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (_planted(_around(MEASURED)), "'power' (Series)"),
        (_planted(_around(MEASURED.to_frame("farm"))), "'power' (DataFrame)"),
        (_planted(_around(_given()[1])), "'power' (Observations)"),
        (_planted(_around({"farm": [_given()[0]]})), "'power' (dict"),
        (_planted(_around(ef.datasets.shelek(hours=48))), "'power' (SyntheticSite)"),
        (_planted(_by_default), "'power' (Series)"),
        (_planted(_by_helper), "'MEASURED' (Series)"),
        (Held({"farm": MEASURED}), "'measured' (dict)"),
    ],
    ids=["series", "frame", "observations", "nested", "dataclass", "default", "helper", "field"],
)
def test_an_archive_that_a_feature_brings_along_is_found(item: Feature, name: str) -> None:
    """Noise can't be put into it, so no destroyed data would show the leak."""
    _refused(item, LeakageError, name)


def test_what_has_no_times_may_be_brought_along() -> None:
    curve = pd.DataFrame({"wind_speed": [3.0, 12.0], "power": [0.0, 1.0]})
    holidays = (np.datetime64("2024-01-01"),)

    def sound(now: Any) -> Any:
        power = np.interp(now["wind_speed_100m"], curve["wind_speed"], curve["power"])
        return power * (now.valid_time.astype("datetime64[D]") != holidays[0])

    _check(_planted(sound))


def test_weather_without_issue_times_is_refused() -> None:
    weather, power = _given()
    with pytest.raises(TimeError):
        check_feature(
            ef.recipe(FARMS[0]).features[0],
            weather.isel(init_time=[0]),
            power,
            sites=FARMS,
            task=TASK,
        )
