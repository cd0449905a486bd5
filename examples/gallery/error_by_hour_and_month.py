"""Error by hour and month: when the forecasts of a PV plant go wrong.

python examples/gallery/error_by_hour_and_month.py error_by_hour_and_month.png
"""

import sys

import energyforecast as ef

synthetic = ef.datasets.kapshagay(models=("ecmwf",))
task = ef.day_ahead("08:00", timezone="Asia/Almaty")
forecaster = ef.Forecaster(synthetic.site, task)

# One fit, on 2023; then a forecast every day of 2024.
result = ef.backtest(
    {"LightGBMQuantiles": forecaster},
    synthetic.weather["ecmwf"],
    synthetic.observations,
    start="2024",
    end="2024-12-29",
    refit=None,
)
ef.reporting.figures.save(ef.reporting.figures.error_by_hour_and_month(result), sys.argv[1])
