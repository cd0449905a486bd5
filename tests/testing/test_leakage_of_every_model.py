"""The check for leakage runs on every model of the library."""

from __future__ import annotations

import pytest

import energyforecast as ef
from energyforecast.errors import EnergyForecastError
from energyforecast.models import QuantileModel
from energyforecast.testing import check_no_leakage
from tests.support.synthetic_data import synthetic

pytestmark = pytest.mark.slow

TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
GIVEN = synthetic(days=45, timezone="UTC")
#: Parameters of models that are large by default.
SMALL = {"n_estimators": 5, "folds": 2, "projections": 1}


#: Those are the choice of a fit, not of a user.
OF_A_FIT = ("ColdStart", "ProfileStart")
NAMES = sorted(name for name in QuantileModel.registry if not name.startswith("_") and name not in OF_A_FIT)


def _model(name: str) -> QuantileModel:
    model = QuantileModel.registry[name]()
    known = model.get_params(deep=False)
    return model.set_params(**{key: value for key, value in SMALL.items() if key in known})


@pytest.mark.parametrize("name", NAMES)
def test_the_check_runs_on_every_model(name: str) -> None:
    try:
        model = _model(name)
        forecaster = ef.Forecaster(GIVEN.site, TASK, model=model)
        forecaster.unfitted().fit(GIVEN.weather, GIVEN.power, as_of="2024-02-10 09:00", missing="drop")
    except EnergyForecastError as error:
        pytest.skip(f"{name} is not for a wind farm with six weeks of data: {str(error).splitlines()[0]}")
    check_no_leakage(forecaster, GIVEN.weather, GIVEN.power, issue_time="2024-02-10 09:00", origins=1)
