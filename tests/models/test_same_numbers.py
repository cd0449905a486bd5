"""The same seed gives the same forecast at every level of vector instructions, and with every BLAS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.features import FeatureSet
from energyforecast.models.tree_matrix import rounded
from energyforecast.testing import example_snapshot

ROOT = Path(ef.__file__).parents[1]


def _levels() -> dict[str, dict[str, str]]:
    """Environments by name: as it is, without AVX-512, and without all that numpy may leave out here."""
    from numpy._core import _multiarray_umath as numpy_core

    # Only features that numpy dispatches and this processor has may be named; others are an error.
    found = [name for name in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__.get(name)]
    wide = [name for name in found if "AVX512" in name or name == "X86_V4"]
    # BLAS and the C library choose by processor too. Where they are others, these names are not read.
    plain = {"OPENBLAS_CORETYPE": "Prescott", "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA"}
    several = {"as it is": {}}
    if wide and len(wide) < len(found):
        several["no AVX-512"] = {"NPY_DISABLE_CPU_FEATURES": " ".join(wide), "OPENBLAS_CORETYPE": "Haswell"}
    if found:
        several["least"] = {"NPY_DISABLE_CPU_FEATURES": " ".join(found), **plain}
    return several


LEVELS = _levels()
several_levels = pytest.mark.skipif(
    len(LEVELS) < 2, reason="numpy knows one level of instructions on this processor"
)


def _printed(code: str, level: str) -> Any:
    """What a process of its own prints at a level, read as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", _PRELUDE + code],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | LEVELS[level],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _differing(found: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    """Levels and names of that which is not as at the first level."""
    first = found["as it is"]
    return [(level, name) for level in found for name in first if found[level][name] != first[name]]


_PRELUDE = """
import hashlib, json
import numpy as np, pandas as pd
import energyforecast as ef

def digest(values):
    # The sign of a missing number is chance.
    return hashlib.sha256(np.where(np.isnan(values), np.nan, values).tobytes()).hexdigest()

def digests(forecaster, weather, observations, start):
    table = forecaster.design_matrix(weather, observations, forecaster.training_origins(weather, observations))
    several = {f"features of {name}": digest(frame.to_numpy()) for name, frame in table.columns.items()}
    forecaster.fit(weather, observations)
    issued = forecaster.task.issue_times(start, start + pd.Timedelta("20D"))
    return several | {"forecast": digest(forecaster.predict(weather, observations, issue_time=issued).data.values)}

model = ef.LightGBMQuantiles(n_estimators=60)
"""

_REAL = """
site, weather, power = ef.datasets.la_haute_borne()
task = ef.day_ahead("09:00", timezone="Europe/Paris")
forecaster = ef.Forecaster(site, task, model=model, perfect_weather=True)
print(json.dumps(digests(forecaster, weather, power["2014-01":"2014-10"], pd.Timestamp("2014-11-01", tz="UTC"))))
"""

_SYNTHETIC = """
task = ef.day_ahead("08:00", timezone="Asia/Almaty")
found = {}
for make in (ef.datasets.shelek, ef.datasets.kapshagay, ef.datasets.almaty):
    synthetic = make(hours=240 * 24)
    for site in getattr(synthetic, "sites", (synthetic.site,)):
        chosen = ef.Forecaster(site, task)
        found |= {
            f"{site.name}, {key}": value
            for key, value in digests(
                chosen, synthetic.weather, synthetic.observations[: "2023-07-31"], pd.Timestamp("2023-08-02", tz="UTC")
            ).items()
        }
    found[f"{synthetic.name}, power"] = digest(synthetic.observations.values.to_numpy())
print(json.dumps(found))
"""

_SOLVERS = """
from energyforecast.planning import GaussianCopula, MinT
from energyforecast.testing import example_days

rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(2000, 6)), columns=list("abcdef"))
y = X.to_numpy() @ np.arange(6) + rng.normal(size=2000)
linear = ef.LinearQuantiles((0.1, 0.5, 0.9)).fit(X, y)
kernel = ef.KernelQuantiles((0.1, 0.5, 0.9)).fit(X, y)
both = X.rename(columns={"a": "one:a", "b": "two:b"})
blend = ef.Blend((0.1, 0.5, 0.9), model=ef.LightGBMQuantiles(n_estimators=30)).fit(both, y)
hours = pd.date_range("2024", periods=400, freq="1h", tz="UTC")
errors = pd.DataFrame(rng.normal(size=(400, 3)), hours, ["a", "b", "all"])
days = example_days(days=200)
copula = GaussianCopula.fit(*days)
print(json.dumps({
    "linear": (linear.predict(X[:50]) / np.ptp(y)).tolist(),
    "kernel": (kernel.predict(X[:50]) / np.ptp(y)).tolist(),
    "blend": (blend.predict(both[:50]) / np.ptp(y)).tolist(),
    "MinT": MinT.fit({"all": ["a", "b"]}, residuals=errors).weights.tolist(),
    "copula": copula.scores[:20, :24].tolist(),
}))
"""


@pytest.mark.slow
@several_levels
def test_features_and_forecasts_of_a_farm_are_the_same_at_every_level() -> None:
    found = {level: _printed(_REAL, level) for level in LEVELS}
    assert _differing(found) == []


@pytest.mark.slow
@several_levels
def test_synthetic_sites_and_their_forecasts_are_the_same_at_every_level() -> None:
    found = {level: _printed(_SYNTHETIC, level) for level in LEVELS}
    assert _differing(found) == []


@pytest.mark.slow
@several_levels
def test_solvers_agree_at_every_level() -> None:
    """Not to the bit: the order of their sums is that of BLAS. Forecasts are shares of the outcomes' range."""
    found = {level: _printed(_SOLVERS, level) for level in LEVELS}
    for values in found.values():
        for name, expected in found["as it is"].items():
            np.testing.assert_allclose(values[name], expected, rtol=1e-6, atol=1e-6, err_msg=name)


# --- Without another processor --------------------------------------------------------------------


def _last_bits(values: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """The same numbers as another processor might have them: a bit higher, lower, or equal."""
    way = rng.integers(-1, 2, values.shape)
    lower, higher = (np.nextafter(values, np.float32(end)) for end in (-np.inf, np.inf))
    return np.choose(way + 1, [lower, values, higher])


def _matrix(rows: int) -> npt.NDArray[np.float32]:
    """Sine, cosine and a component of the wind, in directions of whole degrees: many values are equal."""
    rng = np.random.default_rng(1)
    angle = np.radians(rng.integers(0, 36, rows) * 10.0 + 3.0)
    speed = rng.integers(8, 200, rows) / 8
    return np.column_stack([np.sin(angle), np.cos(angle), speed, speed * np.sin(angle)]).astype(np.float32)


def test_a_last_bit_of_a_feature_changes_no_forecast() -> None:
    values = _matrix(6000)
    rng = np.random.default_rng(2)
    y = np.round(values[:, 2] * (1.0 + 0.2 * values[:, 0]) + rng.normal(size=len(values)), 3)
    told = []
    for matrix in (values, _last_bits(values, rng)):
        X = pd.DataFrame(matrix, columns=["sine", "cosine", "speed", "component"])
        told.append(
            ef.LightGBMQuantiles((0.1, 0.5, 0.9), n_estimators=60).fit(X[:5000], y[:5000]).predict(X[5000:])
        )
    np.testing.assert_array_equal(told[0], told[1])


def test_numbers_of_categories_are_exact() -> None:
    """Two categories whose numbers begin alike are two."""
    rng = np.random.default_rng(0)
    kind = np.where(rng.random(2000) < 0.5, 100_000.0, 100_001.0)
    X = pd.DataFrame({"kind": kind, "noise": rng.random(2000)})
    y = np.where(kind == 100_000.0, 1.0, 3.0)
    model = ef.LightGBMQuantiles((0.5,), categories=("kind",), folds=0).fit(X, y)
    assert model.predict(X[:100])[:, 0].round(1).tolist() == y[:100].tolist()


def test_a_gap_and_an_endless_number_stay_what_they_are() -> None:
    values = rounded(np.array([np.nan, np.inf, -np.inf, 0.0, -0.25, 1000.5, 1 / 3]))
    np.testing.assert_array_equal(values[:6], np.array([np.nan, np.inf, -np.inf, 0.0, -0.25, 1000.5]))
    assert abs(values[6] * 3 - 1) < 2e-5


def test_a_feature_keeps_single_precision_and_sends_halves_upwards() -> None:
    single = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    above = np.nextafter(single, np.float32(np.inf))
    half = (single.astype(float) + above) / 2

    @ef.feature()
    def given(now: Any) -> Any:
        return np.array([[single[0], half[0], half[0] * (1 - 1e-15), half[0] * (1 + 1e-15)]])

    column = FeatureSet((given,)).compute(example_snapshot(hours=4))["given"][0]
    assert column[0] == single[0]
    assert len(set(column[1:])) == 1
