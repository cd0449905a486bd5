"""Scenarios: courses that tomorrow may take, with the quantiles of the forecast and the memory of its errors.

Run: python examples/gallery/scenarios.py scenarios.png
"""

import sys

import pandas as pd

import energyforecast as ef

synthetic = ef.datasets.shelek(models=("ecmwf",), hours=10_000)
weather, power = synthetic.weather["ecmwf"], synthetic.observations
task = ef.day_ahead("08:00", timezone="Asia/Almaty")
forecaster = ef.Forecaster(synthetic.site, task).fit(weather, power, as_of="2023-11-01")

# The past issues are of days that the model has not seen; strict=False keeps mornings with late weather.
issue = pd.Timestamp("2024-01-15 08:00", tz="Asia/Almaty")
past = forecaster.predict(
    weather, power, issue_time=pd.date_range(end=issue, periods=60, inclusive="left"), strict=False
)
copula = ef.planning.GaussianCopula.fit(past, power, until=issue)
forecast = forecaster.predict(weather, power, issue_time=issue)
drawn = ef.planning.sample_scenarios(forecast, n_scenarios=500, dependence=copula)
ef.reporting.figures.save(ef.reporting.figures.scenarios(drawn, power, timezone="Asia/Almaty"), sys.argv[1])
