"""A fan chart: tomorrow as a median with central intervals, and what came.

python examples/gallery/fan_chart.py fan_chart.png
"""

import sys

import energyforecast as ef

site, weather, power = ef.datasets.la_haute_borne()
task = ef.day_ahead("09:00", timezone="Europe/Paris")
forecaster = ef.Forecaster(site, task, perfect_weather=True)
forecaster.fit(weather, power[:"2014-12"])

forecast = forecaster.predict(weather, power, issue_time="2015-01-14 09:00")
figure = forecast.plot(power, timezone="Europe/Paris")
ef.reporting.figures.save(figure, sys.argv[1])
