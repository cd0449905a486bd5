"""Ramp alarms: how likely the power of a wind farm changes by much within three hours, and where a warning is due.

Run: python examples/gallery/ramp_alarms.py ramp_alarms.png
"""

import sys

import pandas as pd

import energyforecast as ef

synthetic = ef.datasets.shelek(models=("ecmwf",), hours=10_000)
weather, power = synthetic.weather["ecmwf"], synthetic.observations
task = ef.day_ahead("08:00", timezone="Asia/Almaty")
forecaster = ef.Forecaster(synthetic.site, task).fit(weather, power, as_of="2023-11-01")

# Ramps need courses whose hours belong together: their dependence is learnt from past days.
issue = pd.Timestamp("2024-01-15 08:00", tz="Asia/Almaty")
past = forecaster.predict(
    weather, power, issue_time=pd.date_range(end=issue, periods=60, inclusive="left"), strict=False
)
copula = ef.planning.GaussianCopula.fit(past, power, until=issue)
forecast = forecaster.predict(weather, power, issue_time=issue)
drawn = ef.planning.sample_scenarios(forecast, n_scenarios=500, dependence=copula)

table = ef.planning.ramps(drawn, change=0.4, capacity=synthetic.site.capacity, within=["3h"])
figure = ef.reporting.figures.ramps(drawn, table, within="3h", probability=0.3, timezone="Asia/Almaty")
ef.reporting.figures.save(figure, sys.argv[1])
