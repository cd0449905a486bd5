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
# **What it shows.** From forecasts of demand, wind and solar power to the schedule of a small power system:
# scenarios, which contain the dependence between hours, a plan on the median and a plan on scenarios, and their
# costs with the measured outcome.
#
# **Data.** **Synthetic**: the wind farm, the PV plant and the city of the other notebooks, with the city at a
# tenth of its size. The costs and units are not real. The results show how the method behaves, not the costs of a
# real system.

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
# ## Three forecasts and their past errors
#
# A backtest of two months gives forecasts without leakage. The plan is for the last of them; the dependence is
# fitted to the others: between the hours of a day, and between wind, solar and demand.

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
# Each line is a scenario of the day, and together they have the quantiles of the forecast. The quantile 0.1 of
# each hour is not a scenario: no day has low power in all of its hours.
#
# ## Net load
#
# The net load is demand minus wind minus solar power, in each scenario. Its intervals are narrower than the sum of
# the widths of its parts, because the errors of the parts are not all large at the same time.

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
# The dependence between hours does not change the distribution of a single hour. It determines that of the day:
# with independent hours, errors would cancel, and a storage of this size would be too small.
#
# ## The system
#
# A coal unit with low costs in the north, an HVDC link to the south, and in the south the city, the wind farm, the
# PV plant, a gas unit and a pumped storage. Coal and gas are scheduled a day ahead; deviations from the schedule
# cost a premium.

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
# ## Costs of the plans
#
# `realised_costs` fixes the schedules and computes the costs: in expectation over the scenarios, and with the
# measured outcome. Perfect foresight is the lower bound of the costs; `regret` is the difference to it.

# %%
shown = ["fuel", "regulation", "shedding", "total", "regret"]
print("in expectation (synthetic)")
print(planning.realised_costs(plans, planning.DispatchInputs(**south(scenarios)))[shown].round(0).to_string())
print("on the day (synthetic)")
outcomes = planning.DispatchInputs(**truth(scenarios.valid_times))
print(planning.realised_costs(plans, outcomes)[shown].round(0).to_string())

# %% [markdown]
# One day is not sufficient for a comparison. Thirty days, each planned from the data known at its issue time:

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
# In expectation over the scenarios, the plan on scenarios always has the lower cost. With measured outcomes this
# holds only if the scenarios are calibrated, and only in the mean over many days. Compare the saving with its
# standard error, and backtest a planning method like a forecast: here, thirty days are too few.

# %% [markdown]
# ## The value of the storage
#
# The same day without storage. The value of the storage is the increase of the cost; it grows with the differences
# between prices and with the uncertainty.

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
# 1. Plan with `planning.Independence()` instead of the copula. Does the schedule change? Does the regret of ten
#    days?
# 2. Multiply the premiums by four. Which plan gains?
# 3. Double the HVDC link, then remove it. In which hours are the prices of north and south equal (`plan.prices`)?
# 4. Halve the reservoir, then double it. From which size on does the cost not change, and which scenario
#    determines this?
# 5. Use the true values of one kind (for example solar) and scenarios for the others. Which forecast error costs
#    most?
