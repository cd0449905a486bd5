"""Net load and reserve: demand less wind, its fan, and what must be held above and below its schedule.

Run: python examples/gallery/net_load_and_reserve.py net_load_and_reserve.png
"""

import sys

import pandas as pd

import energyforecast as ef

task = ef.day_ahead("08:00", timezone="Asia/Almaty")
issue = pd.Timestamp("2024-01-15 08:00", tz="Asia/Almaty")
days = pd.date_range(end=issue, periods=60, inclusive="left")

past, tomorrow, observed = [], [], []
city, farm = (make(models=("ecmwf",), hours=10_000) for make in (ef.datasets.almaty, ef.datasets.shelek))
for synthetic, model in ((city, ef.LinearQuantiles()), (farm, None)):
    name = synthetic.site.name
    weather, power = synthetic.weather["ecmwf"].sel(site=[name]), synthetic.observations[[name]]
    forecaster = ef.Forecaster(synthetic.site, task, model=model).fit(weather, power, as_of=days[0])
    past.append(forecaster.predict(weather, power, issue_time=days, strict=False))
    tomorrow.append(forecaster.predict(weather, power, issue_time=issue))
    observed.append(power)

# In scenarios, drawn together: quantiles of demand and wind do not add up.
copula = ef.planning.GaussianCopula.fit(past, observed, until=issue)
net = ef.planning.net_load(demand=tomorrow[0], wind=tomorrow[1], n_scenarios=2000, dependence=copula)
reserve = ef.planning.reserve(net, risk=0.01, outages=[ef.planning.Outage(capacity=60, probability=0.01)])
ef.reporting.figures.save(ef.reporting.figures.reserve(net, reserve, timezone="Asia/Almaty"), sys.argv[1])
