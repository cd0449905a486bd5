"""Parameters of models: of a wrong type or out of range, they are refused in a fit, in the library's words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import EnergyForecastError, RangeError, SchemaError
from energyforecast.models import QuantileModel

X = pd.DataFrame({"hour": np.arange(300) % 24, "weekday": np.arange(300) // 24 % 7, "lead_time": 1.0})
Y = np.arange(300.0) + 1
OF_THE_LIBRARY = {
    name: kind
    for name, kind in QuantileModel.registry.items()
    if not name.startswith("_") and not kind.__abstractmethods__
}
FARM = ef.WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60, hub_height=90)
TASK = ef.day_ahead("09:00", timezone="UTC")


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, key) for name, kind in OF_THE_LIBRARY.items() for key in kind().get_params(deep=False)],
)
def test_a_parameter_of_another_type_is_refused_in_fit(name: str, parameter: str) -> None:
    wrong: dict[str, Any] = {parameter: object()}
    model = OF_THE_LIBRARY[name](**wrong)  # scikit-learn: only stored
    with pytest.raises(SchemaError, match=f"^{parameter} is of the type object") as caught:
        model.fit(X, Y)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_estimators": "x"},
        {"folds": "2"},
        {"folds": True},
        {"seed": 1.5},
        {"fitted_quantiles": 5},
        {"quantiles": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("inside", [False, True])
def test_numbers_and_levels_are_of_their_types_in_inner_models_too(
    wrong: dict[str, Any], inside: bool
) -> None:
    model: QuantileModel = ef.LightGBMQuantiles(**wrong)
    with pytest.raises(SchemaError, match=next(iter(wrong))):
        (ef.ConformalQuantiles(model=model) if inside else model).fit(X, Y)
    with pytest.raises(SchemaError, match=next(iter(wrong))):
        ef.Forecaster(FARM, TASK, model=ef.Blend(model=model) if inside else model)


@pytest.mark.filterwarnings("ignore::energyforecast.errors.UncalibratedWarning")
def test_numbers_of_numpy_and_lists_of_levels_are_accepted() -> None:
    given: dict[str, Any] = {"quantiles": [0.1, 0.9], "fitted_quantiles": np.array([0.1, 0.5, 0.9])}
    model = ef.LightGBMQuantiles(**given | {"n_estimators": np.int64(2), "learning_rate": 1})
    assert model.fit(X, Y).predict(X).shape == (300, 2)


@pytest.mark.parametrize("kind", [ef.ConformalQuantiles, ef.Blend, ef.LightGBMQuantiles])
def test_a_model_in_place_of_the_levels_is_named(kind: Any) -> None:
    for attempt in (
        lambda: kind(ef.LinearQuantiles()).fit(X, Y),
        lambda: ef.Forecaster(FARM, TASK, model=kind(ef.LinearQuantiles())),
    ):
        with pytest.raises(SchemaError, match=r"model=LinearQuantiles\(") as caught:
            attempt()
        assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    "model",
    [
        *(
            ef.LightGBMQuantiles(**wrong)
            for wrong in (
                {"n_estimators": 0},
                {"num_leaves": 1},
                {"learning_rate": 0.0},
                {"learning_rate": np.nan},
                {"feature_fraction": 1.5},
                {"bagging_fraction": 0.0},
                {"folds": -1},
                {"blocks_per_fold": 0},
                {"min_child_samples": 0},
            )
        ),
        *(
            ef.models.DemandResponse(**wrong)
            for wrong in ({"folds": 1}, {"half_life": 0.0}, {"horizon": -1}, {"n_estimators": 0})
        ),
        ef.Blend(folds=1),
    ],
    ids=str,
)
def test_a_parameter_out_of_its_range_is_refused(model: QuantileModel) -> None:
    with pytest.raises(RangeError) as caught:
        model.fit(X, Y)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("features", [[], (), ef.FeatureSet()], ids=["list", "tuple", "set"])
def test_a_forecaster_without_features_is_refused(features: Any) -> None:
    with pytest.raises(SchemaError, match="features of 'farm' is empty"):
        ef.Forecaster(FARM, TASK, features=features)
    whole = ef.models.Climatology(by=())
    assert not ef.Forecaster(FARM, TASK, features=features, model=whole).features.features


@pytest.mark.parametrize(
    ("table", "outcomes"), [(X[[]], Y), (X.to_numpy(), Y), (X, ["a"] * 300), (X, None)], ids=range(4)
)
def test_tables_and_outcomes_that_are_none_are_refused(table: Any, outcomes: Any) -> None:
    with pytest.raises(EnergyForecastError) as caught:
        ef.LightGBMQuantiles().fit(table, outcomes)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("shape", [(300, 2), (300, 1)])
@pytest.mark.parametrize("model", [ef.LightGBMQuantiles(), ef.LinearQuantiles(), ef.Climatology()], ids=repr)
def test_outcomes_of_two_dimensions_are_refused(model: QuantileModel, shape: tuple[int, int]) -> None:
    with pytest.raises(SchemaError, match="y has the shape"):
        model.fit(X, np.broadcast_to(Y[:, None], shape))


@pytest.mark.parametrize("kind", [ef.LightGBMQuantiles, ef.KernelQuantiles])
@pytest.mark.parametrize("years", [-1.0, np.nan])
def test_years_until_the_season_is_known_are_not_negative(kind: Any, years: float) -> None:
    with pytest.raises(RangeError, match="season_after is"):
        kind(season_after=years).fit(X, Y)
