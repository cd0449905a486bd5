"""Reliability: how often outcomes lay at or below each quantile, against how often they should.

python examples/gallery/reliability.py reliability.png
"""

import sys

import energyforecast as ef

site, weather, power = ef.datasets.la_haute_borne()
task = ef.day_ahead("09:00", timezone="Europe/Paris")
forecaster = ef.Forecaster(site, task, perfect_weather=True)

# One fit at the beginning of the year, on 2014; then a forecast every day of 2015.
result = ef.backtest({"LightGBMQuantiles": forecaster}, weather, power, start="2015", end="2015", refit=None)
ef.reporting.figures.save(ef.reporting.figures.reliability(result), sys.argv[1])
