"""Features and models that hold what they should not know: each of them is found, and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import Akima1DInterpolator
from sklearn.linear_model import Ridge

import energyforecast as ef
from energyforecast.errors import LeakageError
from energyforecast.features import Feature
from energyforecast.point_in_time.snapshot import Snapshot
from energyforecast.testing import check_no_leakage
from tests.support import leaking_helpers
from tests.support.leaking_helpers import Archive, hour_of, measured_at, read_archive
from tests.support.synthetic_data import SyntheticSite, synthetic

TASK = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))
MOMENT = "2024-02-10 09:00"
GIVEN = synthetic()
POWER = GIVEN.power.values["farm 0"].to_numpy()
ARCHIVE = Archive(POWER)
SMALL = ef.LightGBMQuantiles(n_estimators=10, folds=0)

Compute = Callable[[Snapshot], Any]


def refused(*features: Any, model: ef.QuantileModel = SMALL, given: SyntheticSite = GIVEN) -> str:
    """Message of the error with which a forecaster is refused."""
    forecaster = ef.Forecaster(given.site, TASK, features=list(features), model=model)
    with pytest.raises(LeakageError) as caught:
        check_no_leakage(forecaster, given.weather, given.power, issue_time=MOMENT, origins=2)
    assert len(str(caught.value).splitlines()) == 3
    return str(caught.value)


def leak(compute: Compute) -> Any:
    return ef.feature(weather=["wind_speed_100m"])(compute)


def in_a_closure() -> Compute:
    power = POWER.copy()

    def an_array(now: Snapshot) -> Any:
        return power[hour_of(now.valid_time)]

    return an_array


def in_an_object() -> Compute:
    archive = Archive(POWER)

    def an_object(now: Snapshot) -> Any:
        return archive.at(now.valid_time)

    return an_object


def in_a_helper() -> Compute:
    power = POWER.tolist()

    def look_up(valid_time: Any) -> Any:
        return np.asarray(power)[hour_of(valid_time)]

    def a_helper(now: Snapshot) -> Any:
        return look_up(now.valid_time)

    return a_helper


def in_a_default() -> Compute:
    def a_default(now: Snapshot, power: Any = tuple(POWER)) -> Any:
        return np.asarray(power)[hour_of(now.valid_time)]

    return a_default


def a_global(now: Snapshot) -> Any:
    return POWER[hour_of(now.valid_time)]


def a_function_of_a_module(now: Snapshot) -> Any:
    return measured_at(now.valid_time)


def an_attribute_of_a_module(now: Snapshot) -> Any:
    return leaking_helpers.POWER[leaking_helpers.hour_of(now.valid_time)]


class _Holder:
    power: ClassVar[Any] = dict(enumerate(POWER))

    @classmethod
    def at(cls, valid_time: Any) -> Any:
        return np.vectorize(cls.power.get)(hour_of(valid_time))


def a_class_attribute(now: Snapshot) -> Any:
    return _Holder.at(now.valid_time)


def in_a_cache() -> Compute:
    power = POWER.copy()

    @lru_cache
    def archive() -> Any:
        return power

    def a_cache(now: Snapshot) -> Any:
        return archive()[hour_of(now.valid_time)]

    return a_cache


def in_a_partial() -> Compute:
    look_up = partial(np.take, POWER)

    def a_partial(now: Snapshot) -> Any:
        return look_up(hour_of(now.valid_time))

    return a_partial


def in_a_method() -> Compute:
    look_up = Archive(POWER).at

    def a_method(now: Snapshot) -> Any:
        return look_up(now.valid_time)

    return a_method


def in_observations() -> Compute:
    power = GIVEN.power

    def observations(now: Snapshot) -> Any:
        return power.value_at("farm 0", now.valid_time, outside="missing")

    return observations


def in_a_fitted_model() -> Compute:
    ridge = Ridge().fit(np.arange(len(POWER))[:, None], POWER)

    def a_fitted_model(now: Snapshot) -> Any:
        return ridge.predict(hour_of(now.valid_time).reshape(-1, 1)).reshape(now.valid_time.shape)

    return a_fitted_model


def in_an_interpolation() -> Compute:
    curve = Akima1DInterpolator(np.arange(len(POWER)), POWER)

    def an_interpolation(now: Snapshot) -> Any:
        return curve(hour_of(now.valid_time))

    return an_interpolation


HELD = [
    in_a_fitted_model(),
    in_an_interpolation(),
    in_a_closure(),
    in_an_object(),
    in_a_helper(),
    in_a_default(),
    a_global,
    a_function_of_a_module,
    an_attribute_of_a_module,
    a_class_attribute,
    in_a_cache(),
    in_a_partial(),
    in_a_method(),
    in_observations(),
]


@pytest.mark.parametrize("compute", HELD, ids=lambda compute: compute.__name__)
def test_data_that_a_feature_holds_is_found_and_named(
    compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaking_helpers, "POWER", POWER)
    assert f"The feature {compute.__name__!r} holds" in refused(leak(compute))


def test_data_in_the_class_of_a_feature_is_found() -> None:
    @dataclass(frozen=True)
    class Measured(Feature):
        weather: ClassVar[tuple[str, ...]] = ("wind_speed_100m",)
        power: ClassVar[Any] = POWER

        def compute(self, now: Snapshot) -> Any:
            return self.power[hour_of(now.valid_time)]

    assert "The feature 'Measured' holds 'power' (ndarray of 1,440 numbers)" in refused(Measured())


# --- Files ----------------------------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    np.save(tmp_path / "power.npy", POWER)
    GIVEN.power.values.to_csv(tmp_path / "power.csv")
    GIVEN.power.values.to_parquet(tmp_path / "power.parquet")
    return tmp_path


def test_a_file_that_a_feature_reads_is_found(archive: Path) -> None:
    def a_file(now: Snapshot) -> Any:
        return pd.read_csv(archive / "power.csv")["farm 0"].to_numpy()[hour_of(now.valid_time)]

    message = refused(leak(a_file))
    assert "'a_file'" in message
    assert "power.csv" in message or "read_csv" in message


def test_a_file_that_was_read_and_kept_before_is_found(archive: Path) -> None:
    def a_kept_file(now: Snapshot) -> Any:
        return read_archive(archive / "power.npy")[hour_of(now.valid_time)]

    read_archive(archive / "power.npy")
    message = refused(leak(a_kept_file))
    assert "'a_kept_file'" in message
    assert "power.npy" in message


def test_a_file_that_a_compiled_library_opens_is_found(archive: Path) -> None:
    def a_table(now: Snapshot) -> Any:
        return pd.read_parquet(archive / "power.parquet")["farm 0"].to_numpy()[hour_of(now.valid_time)]

    assert "The feature 'a_table' reads" in refused(leak(a_table))


# --- Statistics of the outcome ----------------------------------------------------------------------


@pytest.mark.parametrize("table", [dict, np.array, tuple], ids=lambda table: table.__name__)
def test_a_target_encoding_is_found(table: Any) -> None:
    hourly = GIVEN.power.values["farm 0"].groupby(GIVEN.power.index.hour).mean()
    means = hourly.to_dict() if table is dict else table(hourly.to_list())

    def usual_power(now: Snapshot) -> Any:
        hours = hour_of(now.valid_time) % 24
        return np.array([means[int(hour)] for hour in hours.ravel()]).reshape(hours.shape)

    message = refused(leak(usual_power))
    assert "'usual_power' holds 'means'" in message
    assert "means of the observations by hour" in message


# --- Models -----------------------------------------------------------------------------------------


class Remembering(ef.Climatology):
    """Climatology that looks up the outcome of each row by its place in an archive."""

    def __init__(self, power: Any = None, quantiles: tuple[float, ...] | None = None) -> None:
        super().__init__(quantiles=quantiles)
        self.power = power

    def _predict(self, X: pd.DataFrame) -> Any:
        return super()._predict(X) + 0 * len(self.power)


def test_data_that_a_model_holds_is_found() -> None:
    message = refused(*ef.recipe(GIVEN.site), model=Remembering(power=POWER))
    assert "The model 'Remembering' holds 'power'" in message


class Own(ef.QuantileModel):
    """A model of the user's own: quantiles of the outcomes by wind."""

    def _fit(self, X: pd.DataFrame, y: Any, sample_weight: Any) -> None:
        self.row_ = np.quantile(y, self.levels)

    def _predict(self, X: pd.DataFrame) -> Any:
        return np.tile(self.row_, (len(X), 1)) * (1 + 0.001 * np.nan_to_num(X.iloc[:, :1].to_numpy()))

    def parts(self) -> dict[str, Any]:
        return {"row": self.row_}

    def restore(self, parts: Any) -> None:
        self.row_ = np.asarray(parts["row"])


def test_a_model_of_the_users_own_passes() -> None:
    forecaster = ef.Forecaster(GIVEN.site, TASK, model=Own())
    check_no_leakage(forecaster, GIVEN.weather, GIVEN.power, issue_time=MOMENT, origins=2)


class Later(Own):
    """A model that learns from outcomes that the fit did not give it."""

    def _fit(self, X: pd.DataFrame, y: Any, sample_weight: Any) -> None:
        super()._fit(X, np.append(y, _LATER["power"]), sample_weight)


_LATER: dict[str, Any] = {}


def test_outcomes_that_a_model_takes_around_the_fit_are_found() -> None:
    _LATER["power"] = POWER
    assert "The model 'Later' holds '_LATER'" in refused(*ef.recipe(GIVEN.site), model=Later())


# --- What is no leak --------------------------------------------------------------------------------

_SPEED = np.arange(0, 30, 0.1)
_FINE = ef.PowerCurve(tuple(_SPEED), tuple(np.clip((_SPEED / 12) ** 3, 0, 1)), rated=1.0)
WEIGHTS = np.array([0.2, 0.3, 0.5])
FARM = replace(GIVEN.site, power_curve=_FINE)
CURVE = tuple((speed, min(1.0, (speed / 12) ** 3)) for speed in range(26))


def test_constants_and_facts_of_a_plant_are_no_archive() -> None:
    def weighted(now: Snapshot) -> Any:
        x, y = zip(*CURVE, strict=True)
        return WEIGHTS.mean() * np.interp(now["wind_speed_100m"], x, y) * FARM.capacity

    forecaster = ef.Forecaster(GIVEN.site, TASK, features=[leak(weighted)], model=SMALL)
    check_no_leakage(forecaster, GIVEN.weather, GIVEN.power, issue_time=MOMENT, origins=1)
