"""Skill by lead: what a forecast is worth over climatology, the further ahead it looks.

python examples/gallery/skill_by_lead.py skill_by_lead.png
"""

import sys

import energyforecast as ef

synthetic = ef.datasets.shelek(models=("ecmwf",))
task = ef.intraday(every="12h", leads="48h", timezone="Asia/Almaty")
models = {
    "LightGBMQuantiles": None,  # the default of a wind farm
    "Persistence": ef.Persistence(),
    "Climatology": ef.Climatology(),
}
forecasters = {name: ef.Forecaster(synthetic.site, task, model=model) for name, model in models.items()}

result = ef.backtest(
    forecasters,
    synthetic.weather["ecmwf"],
    synthetic.observations,
    start="2024-03",
    end="2024-06",
    refit=None,
)
ef.reporting.figures.save(ef.reporting.figures.skill_by_lead(result, reference="Climatology"), sys.argv[1])
