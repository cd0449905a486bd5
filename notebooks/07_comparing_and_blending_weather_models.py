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
# # Comparing and blending weather models
#
# **What it shows.** Three weather models of one farm: which is best, whether the difference is real, what they are
# worth together, and what happens on the day when the best one does not come.
#
# **Data.** **Synthetic**: a farm like those of the Shelek corridor, with three weather models that err as published
# of ECMWF, ICON and GFS there. They bear those names and are not their data. Scores say how the code behaves.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import pandas as pd

import energyforecast as ef

synthetic = ef.datasets.shelek()
farm, weather, power = synthetic.site, synthetic.weather, synthetic.observations
task = ef.day_ahead("08:00", timezone="Asia/Almaty", quantiles=tuple(k / 20 for k in range(1, 20)))
small = ef.LightGBMQuantiles(n_estimators=100, folds=0)
span = {"start": "2024-09", "end": "2024-12-28", "refit": None}

# %% [markdown]
# ## One forecaster for each
#
# Not the wind is compared, but the **power** that can be made of it: a biased wind model costs nothing once a model
# has learnt its bias. Same farm, same hours, same trees; only the weather differs.

# %%
forecasts = {}
for name, runs in weather.items():
    alone = ef.backtest({name: ef.Forecaster(farm, task, model=small)}, runs, power, **span)
    forecasts[name] = alone.forecasts[name]

# %% [markdown]
# ## Together, in two ways
#
# Give several weather models as a dict, and each has columns of its own (`ecmwf:wind_speed_100m` ...). **One
# matrix**: the trees see them all. **Blend**: a base model for each weather model, and a linear quantile regression
# on their quantiles, found on blocks of time that the base models did not see.

# %%
blend = ef.Blend(model=small, folds=2)
ways = {"one matrix": ef.Forecaster(farm, task, model=small), "blend": ef.Forecaster(farm, task, model=blend)}
result = ef.backtest(ways, weather, power, **span).with_forecasts(forecasts)
print(result)
table = result.scores(chosen=["mae", "crps", "coverage"])
table = table[table["level"].isna() | (table["level"] == 0.8)]
table.pivot(index="model", columns="metric", values="percent").sort_values("crps").round(2)

# %% [markdown]
# ## Is the difference real?
#
# Four months are 119 days, not 2,705 independent hours: a front that is late spoils a whole day. `compare` tests
# daily means, gives the skill an interval from days drawn in blocks of a week, and adjusts p for the number of
# rows.

# %%
compared = result.compare("crps", reference="ecmwf")
compared[["model", "skill", "low", "high", "p_adjusted", "days", "n"]].round(3)

# %%
figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
skill = 100 * compared.set_index("model")[["skill", "low", "high"]].sort_values("skill")
axis.hlines(skill.index, skill["low"], skill["high"], color="#0b5f8a", linewidth=3)
axis.plot(skill["skill"], skill.index, "o", color="#0b5f8a")
axis.axvline(0, color="0.4", linewidth=1)
axis.spines[["top", "right"]].set_visible(False)
axis.set(xlabel="Skill in CRPS over ecmwf alone [%], with 90 % interval")
axis.set_title("Shelek (synthetic), September to December 2024", loc="left", fontsize=11)
plt.show()

# %% [markdown]
# Read it slowly. Three models together are better than the best one by a few percent, as everywhere. For the blend p
# is below 0.01. For one matrix it is not below 0.05, though it is better by 5 %: four months of one farm do not
# prove that, and a month would "prove" anything. Who sees a table of weather models without such a column, from two
# weeks of a winter, may look away.
#
# Against one matrix there is more to say:

# %%
result.compare("crps", reference="one matrix")[["model", "skill", "low", "high", "p_adjusted"]].round(3)

# %% [markdown]
# ## Who has which say?
#
# Coefficients of base models that resemble each other are hard to read. Weights are easier: the mean in place of the
# regression, with weights by level that are nowhere negative and sum to one.

# %%
mean = ef.Forecaster(farm, task, model=ef.Blend(model=small, folds=2, combination="weights"))
fitted = mean.fit(weather, power[:"2024-08"])
weights = fitted.models_[farm.name].weights()
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for name, row in weights.iterrows():
    axis.plot(row.index, row, marker="o", markersize=3, label=name)
axis.set(xlabel="Level of the quantile [1]", ylabel="Weight [1]", ylim=(0, 1))
axis.set_title("Weights of the base models (synthetic)", loc="left", fontsize=11)
axis.legend(frameon=False, ncols=3)
plt.show()

# %% [markdown]
# ## The day when a model does not come
#
# From 30 November on the best weather model is silent; both forecasters have learnt from all three. On the first
# day an older run of it stands in (`fallback_level` 1). On the next its last run is older than any that training
# saw, and climatology answers (3). Then it has no run that reaches the day, and the other two models do (2).

# %%
december = {"start": "2024-12", "end": "2024-12-28", "refit": None}
silent = weather | {"ecmwf": weather["ecmwf"].sel(init_time=slice(None, "2024-11-29"))}
cases = {
    "all weather": ef.backtest(ways, weather, power, **december),
    "ecmwf is silent": ef.backtest(ways, silent, power, **december),
}
print(
    cases["ecmwf is silent"].origins.groupby("model")["fallback_level"].value_counts().unstack(fill_value=0)
)
pd.DataFrame(
    {name: case.scores(chosen=["crps"]).set_index("model")["percent"] for name, case in cases.items()}
).round(1)

# %% [markdown]
# Trees that always had a column are lost without it. Base models know nothing of each other: a regression on the others
# stands ready for the day when one is missing. Here the blend is also somewhat better in fair weather; over more
# synthetic sites the two are level, and one matrix costs less. So the matrix in fair weather and a fitted `Blend` in
# the drawer, or the blend alone. (Another way is to fit one matrix for each set of models that can occur, and to choose
# at issue.)
#
# CRPS in percent of capacity, synthetic; [several weather models](../docs/howto/blending.md) has it for more seeds and
# ways.

# %% [markdown]
# ## Exercises
#
# 1. Set `combination="equal"`. Is the plain mean worse, beyond chance?
# 2. Add a fourth weather model that is ecmwf of the day before (shift `init_time` and `available_time` by 24 h).
#    Does the matrix gain from it? What is its weight?
# 3. Compare by lead (`by="lead_time"`). At how many leads is p below 0.05 before, and at how many after the
#    adjustment?
# 4. Wrap the blend: `ef.ConformalQuantiles(model=blend, folds=2)`. What becomes of the coverage?
# 5. Repeat it with `seed=2`. Which of the findings stand?
