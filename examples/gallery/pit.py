"""PIT: where outcomes fell in their forecast distributions; flat where the forecasts were honest.

python examples/gallery/pit.py pit.png
"""

import sys

import energyforecast as ef

synthetic = ef.datasets.shelek(models=("ecmwf",))
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
ef.reporting.figures.save(ef.reporting.figures.pit(result), sys.argv[1])
