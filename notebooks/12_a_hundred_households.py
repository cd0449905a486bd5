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
# # A hundred households
#
# **What it shows.** One household can hardly be forecast, a hundred together can. Intervals of a sum are no sums of
# intervals. A household that moved in two weeks ago learns from the others.
#
# **Data.** **Synthetic**: a hundred households whose sum has the statistics of real ones; each has an evening peak at
# an hour of its own, days at home and away, and spikes. Some meters have gaps, some households move in later. Scores
# show how the software behaves.

# %%
# %matplotlib inline
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import energyforecast as ef

plt.rcParams["date.converter"] = "concise"
synthetic = ef.datasets.households()
demand, homes = synthetic.observations, {site.name: site for site in synthetic.sites}
kilowatts = 1000 * demand.values
whole = list(kilowatts.columns[kilowatts.notna().all()])
print(demand)
print(f"{len(whole)} households of {len(homes)} have no gap and were there from the beginning")

# %% [markdown]
# ## One and many
#
# The left figure has two households in a week of October, the right one the mean of all that have no gap.

# %%
zone = synthetic.site.timezone
week = kilowatts.tz_convert(zone).loc["2023-10-02":"2023-10-08"]
local = week.index.tz_localize(None)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", sharey=True)
for name, colour in zip(whole[:2], ("#c1440e", "#0b5f8a"), strict=True):
    left.plot(local, week[name], color=colour, linewidth=1, label=name)
right.plot(local, week[whole].mean(axis=1), color="0.2", label=f"mean of {len(whole)}")
left.set(ylabel="Demand [kW]", ylim=(0, 1.9))
for panel in (left, right):
    panel.legend(frameon=False, loc="upper left", fontsize=9)
    panel.set_xlabel("Local time")
figure.suptitle("Households (synthetic), Monday to Sunday", x=0.01, ha="left", fontsize=11)
plt.show()

# %% [markdown]
# ## Forecasts of three households, and of all together
#
# `sector="households"` chooses the features: the same hour of earlier days and weeks, their means, the calendar. The
# sum is an area of its own.

# %%
three = whole[:3]
everyone = ef.DemandArea(
    name="all (synthetic)", latitude=43.24, longitude=76.9, timezone=zone, sector="households", country="KZ"
)
power = ef.Observations(
    demand.values[three].assign(**{everyone.name: demand.values[whole].sum(axis=1)}),
    published_after="15min",
)
task = ef.day_ahead("09:00", timezone=zone, quantiles=tuple(k / 20 for k in range(1, 20)))
sites = [*(homes[name] for name in three), everyone]
models = {"default": None, "same type of day": ef.SameTypeDay()}
several = {name: ef.Forecaster(sites, task, model=model) for name, model in models.items()}
result = ef.backtest(several, None, power, start="2023-10-01", end="2023-10-28", refit=None)
for model, chosen in result.folds[["model", "chosen"]].itertuples(index=False):
    print(f"{model}: {chosen or 'a reference has no choice'}")

# %% [markdown]
# The losses are in percent of the mean demand of each. For the households there is a true distribution, and so the
# best possible loss; each of them is mostly chance. The sum is not: chance averages out, habits do not.

# %%
mean = power.values["2023-10":].mean()
alone = {name: ef.Forecast(forecast.data.sel(site=three)) for name, forecast in result.forecasts.items()}
best = ef.Result.from_forecasts({"best possible": synthetic.best_possible(alone["default"])}, demand)
table = pd.concat(
    [part.scores(by="site", chosen=["pinball"]) for part in (result, best)], ignore_index=True
).pivot(index="site", columns="model", values="value")
(100 * table.div(mean, axis=0)).round(1)

# %%
result.forecasts["default"].sel(issue_time="2023-10-04 09:00+06:00").plot(power, site=three[0], timezone=zone)

# %%
result.forecasts["default"].sel(issue_time="2023-10-04 09:00+06:00").plot(
    power, site=everyone.name, timezone=zone
)

# %% [markdown]
# ## Three together
#
# A supplier buys the energy of the day for several households. It is tempting to add their quantiles, hour by hour and
# household by household. That assumes that all err together, always: the interval of the sum is far too wide.
# `energy(groups=...)` draws scenarios with the dependence that the forecast has learnt from its own errors.

# %%
forecast = result.forecasts["default"]
issues = forecast.issue_times
days, added = [], []
for issue in issues:
    one = forecast.sel(issue_time=issue)
    days.append(one.energy(groups={"three": three}).iloc[0])
    added.append([float(one.at(q).sel(site=three).sum()) for q in (0.1, 0.9)])
hours = pd.DatetimeIndex(forecast.data["valid_time"].values.ravel(), tz="UTC")
outcome = demand.values[three].sum(axis=1).reindex(hours).to_numpy().reshape(len(issues), -1).sum(axis=1)
energy = 1000 * pd.DataFrame(days)[["q0.1", "q0.9"]].to_numpy()
added, outcome = 1000 * np.array(added), 1000 * outcome


def held(interval):
    """Share of days in an interval. [%]"""
    return 100 * np.mean((outcome >= interval[:, 0]) & (outcome <= interval[:, 1]))


dates = [issue.tz_convert(zone).date() + pd.Timedelta("1D") for issue in issues]
figure, axis = plt.subplots(figsize=(9, 3.2), layout="constrained")
axis.fill_between(
    dates, *added.T, color="0.88", label=f"quantiles added: hold {held(added):.0f} % of days", linewidth=0
)
axis.fill_between(
    dates,
    *energy.T,
    color="#93bcdd",
    label=f"energy(groups=...): hold {held(energy):.0f} % of days",
    linewidth=0,
)
axis.plot(dates, outcome, "k.", label="metered")
axis.set(ylabel="Energy of the day [kWh]", ylim=(0, None))
axis.set_title("Central 80 % of three households (synthetic)", loc="left", fontsize=11)
axis.legend(frameon=False, loc="lower left", ncols=3, fontsize=9)
plt.show()

# %% [markdown]
# ## A new household
#
# A household moved in two weeks ago. Its own model has seen two Saturdays. A pooled forecaster fits one model for all
# households, on demand as a fraction of `capacity`; here that is ten times the mean that the contract expects. What a
# Monday morning does to a household, it knows from the others; how large this one is, from its newest days.

# %%
newcomer, others = whole[10], whole[11:18]
first = "2023-09-17"
values = demand.values[[newcomer, *others]]["2023-06":].copy()
values.loc[:first, newcomer] = np.nan
young = ef.Observations(values, published_after="15min")
scaled = [
    replace(homes[name], capacity=10 * float(values[name]["2023-09-17":"2023-09-30"].mean()))
    for name in values
]
candidates = {
    "pooled": ef.Forecaster(scaled, task, pooled=True),
    "its own": ef.Forecaster(scaled[0], task),
    "same type of day": ef.Forecaster(scaled[0], task, model=ef.SameTypeDay()),
}
tests = pd.date_range("2023-10-01 09:00", periods=28, tz=zone)
forecasts = {}
for name, candidate in candidates.items():
    fitted = candidate.fit(None, young, as_of=tests[0])
    forecasts[name] = ef.Forecast(fitted.predict(None, young, issue_time=tests).data.sel(site=[newcomer]))
forecasts["best possible"] = synthetic.best_possible(forecasts["pooled"])
newest = ef.Result.from_forecasts(forecasts, demand).scores(chosen=["pinball", "coverage"])
newest = newest[newest["level"].isna() | (newest["level"] == 0.8)]
cold = newest.pivot(index="model", columns="metric", values="value")
cold["pinball"] *= 1e6  # W
cold["coverage"] *= 100
cold.round(1)

# %% [markdown]
# ## Exercises
#
# 1. By how much does the sum of 1, 4, 16 and 64 households vary around its mean of the hour of the week, in percent?
#    What would it be if households had nothing in common?
# 2. Add the quantile 0.9 of the three households, hour by hour. How often is it exceeded by their sum?
# 3. Is the hour of the daily peak easier to forecast for all together than for one household
#    (`ef.planning.period_scores`)?
#
# Solutions: `solutions/12_a_hundred_households.py`, which goes on where this notebook ends.
