"""One way to every score: by name, as an object, with pandas and xarray in; exact, and honest about bad input."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from energyforecast import evaluation as ev
from energyforecast.errors import EnergyForecastError, MissingDataError, SchemaError, TimeError
from energyforecast.evaluation import align, score
from energyforecast.evaluation.registry import REGISTRY, RegisteredTable
from energyforecast.evaluation.score import SAMPLE_METRICS, named
from energyforecast.testing import example_days, example_forecast, example_observations, example_result

#: Of metrics that cannot be scored without.
NEEDED: dict[str, dict[str, Any]] = {
    "brier": {"threshold": 50.0},
    "roc": {"threshold": 50.0},
    "roc_area": {"threshold": 50.0},
    "event_reliability": {"threshold": 50.0, "draws": 20},
    "brier_parts": {"threshold": 50.0},
    "corp_event_reliability": {"threshold": 50.0, "draws": 20},
    "corp_quantile_reliability": {"draws": 20},
    "contingency": {"threshold": 50.0},
    "firm": {"thresholds": [40.0, 60.0], "risk": 0.7},
    "relative_economic_value": {"threshold": 50.0},
    "ramp_firm": {"changes": [0.1, 0.3], "risk": 0.7},
    "imbalance_cost": {"shortage": 40.0, "surplus": 10.0},
    "economic_value": {"shortage": 40.0, "surplus": 10.0},
}
SAMPLES = tuple(SAMPLE_METRICS)
VECTORS = ("energy_score", "variogram_score")
SCORES = [name for name in ev.metric_names() if name not in SAMPLES]


@pytest.fixture(scope="module")
def pairs() -> ev.Pairs:
    forecast, observations = example_days(days=12, kind="demand")
    made = align(observations, forecast)
    object.__setattr__(made, "capacity", np.full(len(made), 100.0))
    return made


@pytest.mark.parametrize("name", SCORES)
def test_a_name_scores_as_the_object_of_that_name(name: str, pairs: ev.Pairs) -> None:
    given = NEEDED.get(name, {}) | ({"reference": pairs} if name == "economic_value" else {})
    metric = getattr(ev, name)
    by_name = score(name, pairs, parameters=given)
    pd.testing.assert_frame_equal(by_name, metric(pairs, **given))
    assert "n" in by_name
    assert metric is REGISTRY[name]


@pytest.mark.parametrize("name", SCORES)
def test_every_metric_is_documented_with_its_formula(name: str) -> None:
    text = getattr(ev, name).__doc__
    for part in (".. math::", "See Also\n--------", ">>> ", "observed : ", "forecast : "):
        assert part in text
    parameters = list(inspect.signature(getattr(ev, name)).parameters)
    assert parameters[:2] == ["observed", "forecast"]


def test_samples_are_scored_by_name() -> None:
    rng = np.random.default_rng(0)
    observed, samples = rng.normal(size=(6, 3)), rng.normal(size=(6, 20, 3))
    for name in VECTORS:
        table = score(name, observed, samples)
        assert table["value"].iloc[0] == pytest.approx(getattr(ev, name)(observed, samples).mean())
    for name in set(SAMPLES) - set(VECTORS):
        given = {"threshold": 0.0} if name == "brier_of_samples" else {}
        assert score(name, observed[:, 0], samples[:, :, 0], parameters=given)["n"].sum() >= 6


def test_a_part_is_chosen_by_its_own_name(pairs: ev.Pairs) -> None:
    table = score(["mae", "ramp_csi", "mse_phase"], pairs)
    assert table["metric"].tolist() == ["mae", "ramp_csi", "mse_phase"]
    result = example_result().scores(chosen=["brier"], parameters={"threshold": 15.0}, model="model")
    assert result["metric"].tolist()[:2] == ["brier", "brier_reliability"]


def test_unknown_names_and_parameters_are_refused(pairs: ev.Pairs) -> None:
    for wrong, message in (
        (lambda: score("mea", pairs), "'mea'"),
        (lambda: score("brier", pairs), "without 'threshold'"),
        (lambda: ev.brier(pairs, treshold=3.0), "Give threshold=..."),
        (lambda: ev.pit(pairs, confidence=0.9), "'confidence'"),
        (lambda: score(["mae", "pit"], pairs), "table of its own"),
        (lambda: score(["mae", "brier"], pairs, parameters={"threshold": 1.0}), "one metric"),
        (lambda: score("mae", pairs, example_forecast()), "hold their forecast"),
        (lambda: score("energy_score", np.zeros((1, 2)), np.zeros((1, 3, 2)), confidence=0.9), "samples"),
    ):
        with pytest.raises(SchemaError) as caught:
            wrong()
        assert message in str(caught.value)
        assert len(str(caught.value).splitlines()) == 3


def test_points_are_remembered_as_long_as_their_metric(pairs: ev.Pairs) -> None:
    assert pairs.points(named("mae")[0]) is pairs.points(named("mae")[0])
    held = len(pairs._points)
    ev.interval_score(pairs, interval=0.4)
    assert len(pairs._points) == held


# --- pandas and xarray ----------------------------------------------------------------------------


def _plain() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Outcomes by site and quantiles by level of the example, as tables."""
    frame = example_forecast().to_frame().set_index("valid_time")
    quantiles = frame[["q0.1", "q0.5", "q0.9"]].set_axis([0.1, 0.5, 0.9], axis="columns")
    return example_observations().values.loc[frame.index], quantiles


def test_tables_series_and_arrays_score_as_the_objects_do() -> None:
    expected = score(["mae", "crps", "bias"], example_observations(), example_forecast())["value"]
    outcomes, quantiles = _plain()
    times = outcomes.index.tz_convert("UTC").tz_localize(None).to_numpy()
    array = xr.DataArray(
        quantiles.to_numpy(), dims=("time", "quantile"), coords={"time": times, "quantile": [0.1, 0.5, 0.9]}
    )
    observed = xr.DataArray(outcomes["farm"].to_numpy(), dims="time", coords={"time": times})
    for first, second in (
        (outcomes["farm"], quantiles),
        (outcomes, quantiles.sample(frac=1.0, random_state=0)),  # the order does not matter
        (observed, array),
        (outcomes["farm"], array.expand_dims(site=["farm"]).isel(site=0, drop=True)),
        (example_observations(), quantiles),
        (example_observations(), array.expand_dims(site=["farm"])),
        (outcomes["farm"], example_forecast()),
        (observed, example_forecast().data),
    ):
        table = score(["mae", "crps", "bias"], first, second)
        np.testing.assert_allclose(table["value"], expected, atol=1e-6)
        assert table["n"].eq(24).all()


def test_a_series_is_a_point_forecast_and_missing_outcomes_are_counted() -> None:
    hours = pd.date_range("2024-01-01", periods=4, freq="1h", tz="Asia/Almaty")
    observed, forecast = pd.Series([1.0, np.nan, 3.0, 4.0], hours), pd.Series([1.0, 2.0, 5.0, 4.0], hours)
    table = ev.mae(observed, forecast, by="hour")
    assert table["hour"].tolist() == [0, 1, 2, 3]  # local
    assert (table["n"].tolist(), table["missing"].tolist()) == ([1, 0, 1, 1], [0, 1, 0, 0])
    forecast.attrs |= {"kind": "demand", "capacity": 10.0}
    assert ev.mape(observed, forecast)["value"].iloc[0] == pytest.approx(2 / 9)
    assert ev.mae(observed, forecast)["percent"].iloc[0] == pytest.approx(100 * 2 / 3 / 10)


def test_times_that_differ_and_missing_forecasts_are_refused() -> None:
    outcomes, quantiles = _plain()
    with pytest.raises(TimeError, match=r"1 values of time, the first 2024-01-02 00"):
        score("mae", outcomes["farm"], quantiles.iloc[1:])
    with pytest.raises(TimeError, match="twice"):
        score("mae", outcomes["farm"], pd.concat([quantiles, quantiles.iloc[:1]]))
    with pytest.raises(MissingDataError, match="1 observed hours"):
        score("mae", outcomes["farm"], quantiles.mask(np.arange(24)[:, None] + np.zeros(3) == 3))
    with pytest.raises(SchemaError, match="site"):
        score("mae", outcomes.assign(other=1.0), quantiles)
    with pytest.raises(SchemaError, match="DatetimeIndex"):
        score("mae", pd.Series([1.0]), pd.Series([1.0]))


# --- arguments of tables --------------------------------------------------------------------------

TABLES = [(name, item) for name, item in REGISTRY.items() if isinstance(item, RegisteredTable)]


@pytest.mark.parametrize(("name", "entry"), TABLES, ids=[name for name, _ in TABLES])
def test_tables_refuse_parameters_of_a_wrong_type(name: str, entry: RegisteredTable) -> None:
    pairs = align(example_observations(), example_forecast())
    right = {"threshold": 15.0, "reference": pairs, "shortage": 40.0, "surplus": 20.0, "window": 3}
    given = {key: value for key, value in right.items() if key in entry.parameters}
    assert len(score(name, pairs, parameters=given))
    for parameter in entry.parameters:
        for wrong in ({"a": 1}, object(), "0.5"):
            with pytest.raises(EnergyForecastError) as caught:
                score(name, pairs, parameters=given | {parameter: wrong})
            assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(("name", "given"), [("pit", {"by": "hour"}), ("murphy", {"confidence": 0.8})])
def test_an_argument_that_is_given_twice_is_refused(name: str, given: dict[str, Any]) -> None:
    pairs = align(example_observations(), example_forecast())
    with pytest.raises(SchemaError, match="among the parameters too"):
        score(name, pairs, parameters=given, **given)
