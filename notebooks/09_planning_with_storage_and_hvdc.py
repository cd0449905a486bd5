# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Planning with storage and HVDC
#
# **What it shows.** From forecasts of demand, wind and sun to tomorrow's schedule of a small system: scenarios
# instead of quantiles, because what is stored or added over hours is no matter of single hours; a plan on the
# median and one on scenarios; and what each costs once the day is known.
#
# **Data.** **Synthetic**: the farm, the PV plant and the city of the other notebooks, the city at a tenth of its
# size. Costs and machines are made up. Figures say how the method behaves, not what a system would cost.

# %%
# %matplotlib inline
from dataclasses import replace

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast import planning

wind, sun, city = (
    synthetic(models=("ecmwf",))
    for synthetic in (ef.datasets.shelek, ef.datasets.kapshagay, ef.datasets.almaty)
)
demand = replace(city.observations, values=city.observations.values / 10)
measured = {"demand": demand, "wind": wind.observations, "solar": sun.observations}
task = ef.day_ahead("08:00", timezone="Asia/Almaty", quantiles=tuple(k / 20 for k in range(1, 20)))

# %% [markdown]
# ## Three forecasts, and their past errors
#
# A backtest of two months gives forecasts that were honest at their time. The last of them is planned with, those
# before teach how errors hang together: over the hours of a day, and between wind, sun and demand.

# %%
forecasts = {}
for name, (site, archive) in {
    "demand": (city.site, city.weather),
    "wind": (wind.site, wind.weather),
    "solar": (sun.site, sun.weather),
}.items():
    model = ef.LightGBMQuantiles(n_estimators=150)
    forecaster = ef.Forecaster(site, task, model=model)
    one_model = archive["ecmwf"]
    result = ef.backtest(
        {name: forecaster}, one_model, measured[name], start="2024-05", end="2024-08-03", refit=None
    )
    forecasts[name] = result.forecasts[name]
    print(name, result)

# %%
issue = "2024-07-04 08:00+05:00"
names = list(forecasts)
copula = planning.GaussianCopula.fit(
    [forecasts[name] for name in names], [measured[name] for name in names], until=issue
)
print(copula)
today = [forecasts[name].sel(issue_time=issue) for name in names]
scenarios = planning.sample_scenarios(today, n_scenarios=40, dependence=copula, issue_time=issue)
print(scenarios)

# %%
ef.reporting.figures.scenarios(scenarios, site=wind.site.name, timezone="Asia/Almaty")

# %% [markdown]
# Each line is a course that the day may take, and all of them together have the quantiles of the forecast. The
# quantile 0.1 of each hour is no course: no day is unlucky at all of its hours.
#
# ## Net load
#
# What is left for machines: demand minus wind minus sun, scenario by scenario. The sum of the parts' widths is
# wider than this, for not everything goes wrong on one day.

# %%
together = dict(zip(names, today, strict=True))
net = planning.net_load(**together, n_scenarios=200, dependence=copula, issue_time=issue, parts=True)
apart = planning.net_load(**together, n_scenarios=200, dependence=planning.Independence(), issue_time=issue)


def width(courses):
    """Mean width of the central 80 % of an hour. [MW]"""
    low, high = np.quantile(courses, [0.1, 0.9], axis=0)
    return float((high - low).mean())


widths = {
    "sum of the parts' intervals": sum(width(net.of(part)) for part in names),
    "scenarios that hang together": width(net.of("net load")),
    "scenarios without dependence": width(apart.of("net load")),
}
print("mean width of the central 80 % of an hour's net load, synthetic [MW]")
print(pd.Series(widths).round(1).to_string())

# %%
energy = {"copula": net.of("net load").sum(axis=1), "independence": apart.of("net load").sum(axis=1)}
print("standard deviation of the day's energy, synthetic [MWh]")
print({name: round(float(values.std())) for name, values in energy.items()})

# %% [markdown]
# In a single hour dependence between hours changes nothing. Over the day it is all: without it errors cancel on
# paper, and the storage that is sized by it is too small.
#
# ## The system
#
# Cheap coal in the north, an HVDC link to the south, and in the south the city, the wind, the sun, gas, and a
# pumped storage. Coal and gas are scheduled a day ahead; who leaves the schedule pays a premium.

# %%
system = planning.System(
    areas=[planning.Area(name="North"), planning.Area(name="South")],
    units=[
        planning.ThermalUnit(
            name="coal",
            area="North",
            capacity=80,
            cost=20,
            minimum=0.3,
            ramp=10,
            flexible=0.1,
            premium_up=8,
            premium_down=8,
        ),
        planning.ThermalUnit(name="gas", area="South", capacity=80, cost=70, premium_up=40, premium_down=30),
    ],
    links=[planning.HVDCLink(name="HVDC", from_area="North", to_area="South", capacity=70, losses=0.04)],
    storages=[
        planning.PumpedStorage(name="lake", area="South", turbine=15, pump=15, reservoir=90, start_level=45)
    ],
    shedding_cost=2000,
)


def south(drawn):
    """Scenarios of each kind, all of the south."""
    sites = {"demand": city.site, "wind": wind.site, "solar": sun.site}
    return {kind: drawn.total({"South": [site.name]}) for kind, site in sites.items()}


def truth(hours):
    """What was measured."""
    return {
        kind: power.values.iloc[:, :1].reindex(hours).set_axis(["South"], axis=1)
        for kind, power in measured.items()
    }


plans = {
    "median": planning.plan_deterministic(system, planning.DispatchInputs(**south(scenarios))),
    "scenarios": planning.plan_scenarios(system, planning.DispatchInputs(**south(scenarios))),
}
ef.reporting.figures.dispatch(plans["scenarios"], area="South", timezone="Asia/Almaty")

# %%
ef.reporting.figures.dispatch(plans["scenarios"], timezone="Asia/Almaty")

# %% [markdown]
# ## What does each plan cost?
#
# `realised_costs` fixes the schedules and lets the truth arrive: in expectation over the scenarios, and on the day.
# Perfect foresight is the bound that no plan can beat; `regret` is the distance to it.

# %%
shown = ["fuel", "regulation", "shedding", "total", "regret"]
print("in expectation (synthetic)")
print(planning.realised_costs(plans, planning.DispatchInputs(**south(scenarios)))[shown].round(0).to_string())
print("on the day (synthetic)")
outcomes = planning.DispatchInputs(**truth(scenarios.valid_times))
print(planning.realised_costs(plans, outcomes)[shown].round(0).to_string())

# %% [markdown]
# One day proves nothing, neither way. Thirty days, each planned from what was known when it was issued:

# %%
issues = [moment for moment in forecasts["wind"].issue_times if moment >= pd.Timestamp(issue)][:30]
regrets = []
for moment in issues:
    day = [forecasts[name].sel(issue_time=moment) for name in names]
    drawn = planning.sample_scenarios(day, n_scenarios=30, dependence=copula, issue_time=moment)
    outcome = truth(drawn.valid_times)
    if any(frame.isna().to_numpy().any() for frame in outcome.values()):
        continue  # a meter was silent: the day cannot be judged
    both = {
        "median": planning.plan_deterministic(system, planning.DispatchInputs(**south(drawn))),
        "scenarios": planning.plan_scenarios(system, planning.DispatchInputs(**south(drawn))),
    }
    costs = planning.realised_costs(both, planning.DispatchInputs(**outcome))
    regrets.append(costs["regret"].drop("perfect foresight").rename(moment.date()))
table = pd.DataFrame(regrets)
gain = table["median"] - table["scenarios"]
print(f"mean regret a day (synthetic), {len(table)} of {len(issues)} days without gaps")
print(table.mean().round(0).to_string())
print(
    f"the plan on scenarios saves {gain.mean():.0f} a day, with a standard error of {gain.std() / len(gain) ** 0.5:.0f}"
)

# %% [markdown]
# In expectation over the scenarios the second plan is always the cheaper one: that is how it is made. On real days
# it is so only if the scenarios are right, and only in the mean over many. Read the standard error before the
# saving, and backtest a planning method like a forecast: here the days decide nothing.

# %% [markdown]
# ## What is the storage worth?
#
# The same day without it. Its worth is what the plan saves; it grows with the spread of prices and with the
# uncertainty.

# %%
without = replace(system, storages=())
costs = {
    "with the lake": plans["scenarios"].cost,
    "without": planning.plan_scenarios(without, planning.DispatchInputs(**south(scenarios))).cost,
}
print({name: round(cost) for name, cost in costs.items()}, "(synthetic, expected)")

# %% [markdown]
# ## Exercises
#
# 1. Plan with `planning.Independence()` in place of the copula. Is the schedule another one? Is the regret of ten
#    days?
# 2. Make the premiums four times as dear. Which plan gains?
# 3. Double the HVDC link, then take it out. In which hours is the price of the north that of the south
#    (`plan.prices`)?
# 4. Halve the reservoir, then double it. From which size on is nothing gained, and which of the scenarios decides
#    that?
# 5. Give perfect foresight to the planner of one kind only (the truth of the sun, scenarios of the rest). Whose
#    error is the dearest?
