"""A stored forecaster: bit-identical when read back, free of pickle, and refused when damaged."""

from __future__ import annotations

import inspect
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import energyforecast as ef
from energyforecast.errors import FileFormatError, NotFittedError, SchemaError
from energyforecast.features import (
    Feature,
    FeatureSet,
    Lag,
    LocalHour,
    NewestObservation,
    WindSpeed,
    WindVariability,
)
from energyforecast.forecasting import description, storage
from tests.support.error_messages import three_lines
from tests.support.synthetic_data import SyntheticSite, synthetic

TASK = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))
ISSUED = "2024-02-15 09:00"
#: Every model of the library, small.
#: Models of which this wind farm has not the columns; their parts are round-tripped in test_models.
ELSEWHERE = (
    "ColdStart",
    "DayProfile",
    "DemandResponse",
    "PowerCurveReference",
    "ProfileStart",
    "SmartPersistence",
)
_TREES = ef.LightGBMQuantiles(n_estimators=3, folds=0)
_SETTINGS: dict[str, dict[str, Any]] = {
    "LightGBMQuantiles": {"n_estimators": 3, "folds": 0},
    "ConformalQuantiles": {"model": _TREES, "folds": 2, "by": "lead_time"},
    "Blend": {"model": ef.ConformalQuantiles(model=_TREES, folds=2), "folds": 2},
}
MODELS = [
    kind(**_SETTINGS.get(name, {}))
    for name, kind in ef.QuantileModel.registry.items()
    if not inspect.isabstract(kind) and not name.startswith("_") and name not in ELSEWHERE
]


@cache
def _synthetic_site(sites: int = 1) -> SyntheticSite:
    return synthetic(days=50, sites=sites)


def _fitted(features: Any = None, *, sites: int = 1, **changes: Any) -> ef.Forecaster:
    given = _synthetic_site(sites)
    chosen = {"model": ef.Climatology(), "features": features} | changes
    return ef.Forecaster(given.sites, TASK, **chosen).fit(
        given.weather, given.power, as_of="2024-02-10 00:00"
    )


def _predicted(forecaster: ef.Forecaster) -> Any:
    given = _synthetic_site(len(forecaster.sites))
    return forecaster.predict(given.weather, given.power, issue_time=ISSUED).data


# --- Round trips ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_every_model_forecasts_the_same_bits_when_read_back(model: ef.QuantileModel, tmp_path: Path) -> None:
    forecaster = _fitted(model=model)
    again = ef.load(forecaster.save(tmp_path / "farm.forecaster"))
    assert _predicted(again).identical(_predicted(forecaster))
    assert storage.parts(again) == storage.parts(forecaster)
    assert storage.dump(again) == storage.dump(forecaster)
    assert repr(again) == repr(forecaster)
    assert again.training_ == forecaster.training_
    assert (again.sites, again.task, again.features) == (
        forecaster.sites,
        forecaster.task,
        forecaster.features,
    )


def test_calibration_is_stored_with_the_model(tmp_path: Path) -> None:
    forecaster = _fitted(model=ef.LightGBMQuantiles(n_estimators=3, folds=2))
    assert len(forecaster.models_["farm 0"].correction_)
    assert _predicted(ef.load(forecaster.save(tmp_path / "farm.forecaster"))).identical(
        _predicted(forecaster)
    )


@pytest.mark.parametrize("pooled", [False, True])
def test_several_sites_and_every_feature_are_stored(pooled: bool, tmp_path: Path) -> None:
    modules = tuple(f"features.{name}" for name in ("wind", "wind_power", "neighbours", "calendar", "lags"))
    others = ("PowerCurvePower", "WindSpeed", "NeighbourIrradiance", "Lag")
    names = [
        kind
        for name, kind in Feature.registry.items()
        if name not in others and kind.__module__.endswith(modules)
    ]
    changed = (WindSpeed(hours=(-1, 0, 1)), Lag("48h", step="24h"), Lag("24h"))
    features = FeatureSet(tuple(kind() for kind in names) + changed)
    forecaster = _fitted(
        features, sites=2, pooled=pooled, model=ef.LightGBMQuantiles(n_estimators=3, folds=0)
    )
    again = ef.load(forecaster.save(tmp_path / "farms.forecaster"))
    assert again.features == features
    assert again.pooled == pooled
    assert _predicted(again).identical(_predicted(forecaster))


def test_every_built_in_feature_comes_back_from_its_description() -> None:
    for name, kind in Feature.registry.items():
        if name != "FunctionFeature":
            described = json.loads(json.dumps(description._feature_to_json(kind())))
            assert description.feature_from_json(described, {}) == kind(), name


def test_the_ladder_is_stored(tmp_path: Path) -> None:
    given, forecaster = _synthetic_site(), _fitted(model=ef.LightGBMQuantiles(n_estimators=3, folds=0))
    again = ef.load(forecaster.save(tmp_path / "farm.forecaster"))
    short = given.weather.isel(lead_time=slice(0, 20))
    forecasts = [item.predict(short, issue_time=ISSUED, strict=False).data for item in (forecaster, again)]
    assert forecasts[0]["fallback_level"].values == 3
    assert forecasts[0].identical(forecasts[1])


def test_tasks_of_every_kind_are_stored(tmp_path: Path) -> None:
    given = _synthetic_site()
    for task in (
        ef.intraday(every="6h", leads="12h", timezone="Asia/Almaty", quantiles=(0.2, 0.5)),
        ef.day_ahead("10:30", timezone="fixed:+05:00", days=2, first_day=0),
    ):
        forecaster = ef.Forecaster(given.site, task, model=ef.Climatology()).fit(given.weather, given.power)
        assert ef.load(forecaster.save(tmp_path / "farm.forecaster")).task == task


def test_two_saves_give_the_same_bytes(tmp_path: Path) -> None:
    model = ef.LightGBMQuantiles(n_estimators=3, folds=2)
    saved = [_fitted(model=model).save(tmp_path / name).read_bytes() for name in ("one", "two")]
    assert saved[0] == saved[1]
    with zipfile.ZipFile(
        tmp_path / "one"
    ) as archive:  # no clock, which might have stood still between the two
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_capacity_read_from_a_table_is_stored(tmp_path: Path) -> None:
    given = _synthetic_site()
    site = replace(given.site, capacity=np.int64(10), hub_height=np.float32(100), turbines=np.int64(4))
    forecaster = ef.Forecaster(site, TASK, model=ef.Climatology()).fit(given.weather, given.power)
    again = ef.load(forecaster.save(tmp_path / "farm.forecaster"))
    assert again.sites == (site,)


def test_names_in_other_alphabets_are_stored(tmp_path: Path) -> None:
    given = _synthetic_site()
    weather = given.weather.assign_coords(site=["Шелек"])
    power = ef.Observations(given.power.values.rename(columns={"farm 0": "Шелек"}), published_after="2h")
    forecaster = ef.Forecaster(replace(given.site, name="Шелек"), TASK, model=ef.Climatology()).fit(
        weather, power
    )
    assert ef.load(forecaster.save(tmp_path / "Шелек.forecaster")).sites == forecaster.sites


def test_the_file_holds_a_manifest_texts_and_arrays_and_no_pickle(tmp_path: Path) -> None:
    path = _fitted(model=ef.LightGBMQuantiles(n_estimators=3, folds=2)).save(tmp_path / "farm.forecaster")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert json.loads(archive.read("manifest.json"))["schema"] == 3
        for name in names:
            content = archive.read(name)
            if name.endswith(".npy"):
                assert np.load(io.BytesIO(content), allow_pickle=False).dtype.kind in "fiu"
            elif name.endswith(".txt"):
                assert content.startswith((b"tree\n", b'{"used": '))
            else:
                assert name == "manifest.json"
    assert {name.rpartition(".")[2] for name in names} == {"json", "npy", "txt"}


def test_a_forecaster_that_has_learnt_nothing_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError) as caught:
        ef.Forecaster(_synthetic_site().site, TASK).save(tmp_path / "farm.forecaster")
    three_lines(caught.value)
    assert list(tmp_path.iterdir()) == []


# --- Features of the user's own -------------------------------------------------------------------


def _power_of_the_wind(exponent: int) -> Feature:
    """The same name each time; the code differs with the exponent."""
    if exponent == 3:

        @ef.feature(weather=["wind_speed_100m"])
        def wind_power(now: ef.Snapshot) -> Any:
            return now["wind_speed_100m"] ** 3

    else:

        @ef.feature(weather=["wind_speed_100m"])
        def wind_power(now: ef.Snapshot) -> Any:
            return now["wind_speed_100m"] ** 2

    return wind_power


@dataclass(frozen=True)
class Excess(Feature):
    """Wind above a threshold."""

    weather: ClassVar[tuple[str, ...]] = ("wind_speed_100m",)
    threshold: float = 5.0

    def compute(self, now: ef.Snapshot) -> Any:
        return {"excess": np.maximum(now["wind_speed_100m"] - self.threshold, 0)}


@pytest.mark.parametrize(
    ("own", "changed"),
    [(_power_of_the_wind(3), _power_of_the_wind(2)), (Excess(), Excess(threshold=6.0))],
    ids=["function", "class"],
)
def test_a_feature_of_the_users_own_must_be_handed_in_again_unchanged(
    own: Feature, changed: Feature, tmp_path: Path
) -> None:
    forecaster = _fitted(FeatureSet((own, LocalHour())), model=ef.LightGBMQuantiles(n_estimators=3, folds=0))
    path = forecaster.save(tmp_path / "farm.forecaster")
    assert _predicted(ef.load(path, features=[own])).identical(_predicted(forecaster))
    with pytest.raises(SchemaError) as caught:
        ef.load(path)
    three_lines(caught.value, repr(own.name), "was not given", "features=[")
    with pytest.raises(SchemaError) as caught:
        ef.load(path, features=[changed])
    three_lines(caught.value, repr(own.name), "has changed", "fit again")


def test_no_code_of_the_user_is_stored(tmp_path: Path) -> None:
    path = _fitted(FeatureSet((_power_of_the_wind(3), LocalHour()))).save(tmp_path / "farm.forecaster")
    with zipfile.ZipFile(path) as archive:
        assert b"** 3" not in b"".join(archive.read(name) for name in archive.namelist())


# --- Damage ---------------------------------------------------------------------------------------


def _refused(content: bytes, path: Path) -> FileFormatError:
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        ef.load(path)
    assert len(str(caught.value).splitlines()) == 3
    assert str(path) in str(caught.value)
    return caught.value


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_a_flipped_byte_is_refused_or_does_no_harm(flip: int, tmp_path: Path) -> None:
    forecaster = _fitted()
    whole = storage.dump(forecaster)
    path = tmp_path / "farm.forecaster"
    refused = 0
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        try:
            again = ef.load(path)
        except FileFormatError:
            refused += 1
        else:  # a date or another note of the zip that nothing depends on
            assert storage.dump(again) == whole, f"byte {place}"
    assert refused > 0.6 * len(range(0, len(whole), 7))


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    whole = storage.dump(_fitted())
    for length in range(0, len(whole), 101):
        _refused(whole[:length], tmp_path / "farm.forecaster")


_OTHERS: dict[str, Callable[[], bytes]] = {
    "html": lambda: b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>",
    "another zip": lambda: _zipped({"readme.txt": b"hello"}),
    "a list": lambda: _zipped({"manifest.json": b"[]"}),
    "not JSON": lambda: _zipped({"manifest.json": b"\xff\xfe"}),
    "another format": lambda: _zipped({"manifest.json": b'{"format": "other", "schema": 1}'}),
    "another schema": lambda: _changed(schema=1),
    "no models": lambda: _changed(models=None),
    "a model unknown": lambda: _changed(
        recipes=[{"sites": ["farm 0"], "features": [], "model": {"type": "Oracle", "parameters": {}}}]
    ),
    "impossible site": lambda: _changed(
        sites=[{"type": "Site", "name": "a", "latitude": 95, "longitude": 0}]
    ),
    "another member": lambda: _changed({"parts/more.npy": b"1"}),
}


def _changed(more: dict[str, bytes] | None = None, **values: Any) -> bytes:
    with zipfile.ZipFile(io.BytesIO(storage.dump(_fitted()))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"]) | values
    return _zipped(members | {"manifest.json": json.dumps(manifest).encode()} | (more or {}))


@pytest.mark.parametrize("content", _OTHERS.values(), ids=list(_OTHERS))
def test_what_is_no_forecaster_is_refused(content: Callable[[], bytes], tmp_path: Path) -> None:
    _refused(content(), tmp_path / "farm.forecaster")


def test_a_part_with_pickled_objects_is_refused(tmp_path: Path) -> None:
    """Even where the checksums have been made to agree, nothing is ever unpickled."""
    import hashlib

    buffer = io.BytesIO()
    np.save(buffer, np.array([print], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(io.BytesIO(storage.dump(_fitted()))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    victim = next(name for name in members if name.endswith(".npy"))
    manifest = json.loads(members["manifest.json"])
    manifest["files"][victim] = hashlib.sha256(buffer.getvalue()).hexdigest()
    _refused(
        _zipped(members | {"manifest.json": json.dumps(manifest).encode(), victim: buffer.getvalue()}),
        tmp_path / "farm.forecaster",
    )


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError) as caught:
        ef.load(tmp_path / "nowhere.forecaster")
    three_lines(caught.value, "nowhere.forecaster")


_KILLED = """
import os, sys
from pathlib import Path
from energyforecast.testing import example_forecaster
Path.replace = lambda self, target: os._exit(9)
example_forecaster().save(sys.argv[1])
"""


def test_a_process_killed_before_it_finishes_leaves_the_old_file(tmp_path: Path) -> None:
    path = _fitted().save(tmp_path / "farm.forecaster")
    before = path.read_bytes()
    root = Path(ef.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", _KILLED, str(path)], cwd=root, check=False)
    assert done.returncode == 9
    assert path.read_bytes() == before
    assert ef.load(path).is_fitted
    newer = _fitted(FeatureSet((LocalHour(), NewestObservation(), WindVariability())))
    assert ef.load(newer.save(path)).features == newer.features
