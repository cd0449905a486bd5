"""Tuning sees training time alone, repeats itself for a seed, and finds what is better."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from functools import cache

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.core import timestamps
from energyforecast.errors import MissingDataError, RangeError, SchemaError
from energyforecast.evaluation.tuning import Search, Tuning
from energyforecast.testing import poison_observations, poison_weather
from tests.support.synthetic_data import SyntheticSite, synthetic

pytest.importorskip("optuna", reason="optuna is not installed: pip install 'energyforecast[tune]'")

TASK = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=(0.1, 0.5, 0.9))
END = "2024-02-25 00:00"


@cache
def _synthetic_site() -> SyntheticSite:
    return synthetic(days=60)


def _linear() -> ef.Forecaster:
    few = [ef.features.HubWind(), ef.features.LocalHour()]
    return ef.Forecaster(
        _synthetic_site().sites,
        TASK,
        features=few,
        model=ef.LinearQuantiles(fitted_quantiles=(0.1, 0.5, 0.9), penalty=3.0),
    )


def _tuned(weather: object = None, power: object = None, **changed: object) -> Tuning:
    given = _synthetic_site()
    search = {"trials": 4, "folds": 3, "space": {"penalty": (1e-5, 10.0, "log")}}
    search |= {item.name: changed.pop(item.name) for item in fields(Search) if item.name in changed}
    return ef.tune(
        _linear(),
        given.weather if weather is None else weather,
        given.power if power is None else power,
        search=Search(**search),
        **({"end": END} | changed),
    )


@cache
def _found() -> Tuning:
    return _tuned()


def test_what_was_not_known_at_the_end_changes_no_trial() -> None:
    given, moment = _synthetic_site(), timestamps.instant(END, timezone="Europe/Paris")
    spoilt = _tuned(poison_weather(given.weather, moment), poison_observations(given.power, moment))
    pd.testing.assert_frame_equal(
        spoilt.trials.drop(columns="cpu_seconds"), _found().trials.drop(columns="cpu_seconds")
    )


def test_the_same_seed_tries_the_same_settings_and_another_one_others() -> None:
    again, other = _tuned(), _tuned(seed=7)
    pd.testing.assert_series_equal(again.trials["penalty"], _found().trials["penalty"])
    assert not other.trials["penalty"].equals(again.trials["penalty"])


def test_a_setting_that_is_wrong_is_found_out() -> None:
    found = _found()
    assert found.improvement > 0.02, "a penalty of 3 stifles the model"
    assert found.settings["penalty"] < 1
    assert found.trials["pinball"].iloc[0] > found.trials["pinball"].min()
    assert found.forecaster.model.penalty == found.settings["penalty"]
    assert not found.forecaster.is_fitted


def test_a_block_is_judged_by_models_that_did_not_see_its_days() -> None:
    """A model that knows its rows by heart would be perfect on them."""
    remembers = ef.Climatology(by=("hour", "day"))

    @ef.feature()
    def day(now: ef.Snapshot) -> np.ndarray:
        return (now.valid_time - np.datetime64("2024-01-01")) / np.timedelta64(1, "D") // 1

    features = [ef.features.LocalHour(), day]
    by_heart = ef.Forecaster(_synthetic_site().sites, TASK, features=features, model=remembers)
    given = _synthetic_site()
    space = {"by": [("hour", "day"), ("hour",)]}
    found = ef.tune(by_heart, given.weather, given.power, end=END, search=Search(trials=3, space=space))
    assert found.trials["pinball"].min() > 1  # % of capacity


def test_progress_is_reported() -> None:
    calls: list[tuple[int, int]] = []
    _tuned(trials=1, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]


def test_settings_of_a_model_inside_another_are_tried() -> None:
    given = _synthetic_site()
    model = ef.ConformalQuantiles(model=ef.LinearQuantiles(fitted_quantiles=(0.1, 0.5, 0.9)), folds=2)
    forecaster = ef.Forecaster(given.sites, TASK, model=model)
    space = {"model__penalty": (0.001, 0.1), "scaled": [True, False]}
    found = ef.tune(forecaster, given.weather, given.power, end=END, search=Search(trials=1, space=space))
    assert found.forecaster.model.model.penalty == found.settings["model__penalty"]
    assert forecaster.model.model.penalty == 1e-4, "the one that was given is as it was"


def test_the_forecaster_is_the_same_but_for_its_settings() -> None:
    given = synthetic(days=60, sites=2)
    farm, other = given.sites
    model = ef.LinearQuantiles(fitted_quantiles=(0.1, 0.5, 0.9))
    features = [ef.features.HubWind(), ef.features.NeighbourWind()]
    forecaster = ef.Forecaster(
        farm, TASK, features=features, model=model, neighbours=[other], trust_clock=True
    )
    search = Search(trials=1, space={"penalty": (0.001, 0.1)})
    found = ef.tune(forecaster, given.weather, given.power, end=END, search=search).forecaster
    assert found.trust_clock
    assert found.neighbours == forecaster.neighbours
    found.fit(given.weather, given.power, as_of=END)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"space": {"leafs": (3, 4)}}, SchemaError, "leafs"),
        ({"space": {}}, SchemaError, "no parameter"),
        ({"space": {"penalty": (1.0, 0.1)}}, RangeError, "penalty"),
        ({"trials": 0}, RangeError, "trials of Search is 0"),
        ({"folds": 1}, RangeError, "folds=1"),
        ({"folds": 2, "end": "2024-02-10 00:00"}, MissingDataError, "less than 30 days"),
        ({"end": "2024-01-12 00:00"}, MissingDataError, "issues"),
    ],
)
def test_what_makes_no_sense_is_refused(
    changed: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        _tuned(**changed)
    assert len(str(caught.value).splitlines()) == 3


def test_without_optuna_a_remedy_is_given() -> None:
    code = """
import sys
sys.modules["optuna"] = None
import energyforecast as ef
from energyforecast.errors import DependencyError
try:
    ef.tune(None, None, None, end="2024")
except DependencyError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "energyforecast[tune]" in done.stdout.splitlines()[2]
