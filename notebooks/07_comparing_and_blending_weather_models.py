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
# **What it shows.** Three weather models of one farm: which is the most accurate, whether the difference is
# significant, how accurate they are together, and what happens if the best one is missing.
#
# **Data.** **Synthetic**: a farm similar to those of the Shelek corridor, with three weather models whose errors
# are those published for ECMWF, ICON and GFS there. They have these names but are not their data. Scores show how
# the software behaves.

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
# ## One forecaster for each weather model
#
# We compare forecasts of **power**, not of wind, because a bias of the wind is corrected by the model. The farm,
# the hours and the settings are the same; only the weather differs.

# %%
forecasts = {}
for name, runs in weather.items():
    alone = ef.backtest({name: ef.Forecaster(farm, task, model=small)}, runs, power, **span)
    forecasts[name] = alone.forecasts[name]

# %% [markdown]
# ## Two ways to combine them
#
# Several weather models are passed as a dict, and each has its own columns (`ecmwf:wind_speed_100m` ...). **One
# matrix**: the trees use all columns. **Blend**: a base model for each weather model, and a linear quantile
# regression on their quantiles, fitted on blocks of time that the base models have not seen.

# %%
blend = ef.Blend(model=small, folds=2)
ways = {"one matrix": ef.Forecaster(farm, task, model=small), "blend": ef.Forecaster(farm, task, model=blend)}
result = ef.backtest(ways, weather, power, **span).with_forecasts(forecasts)
print(result)
table = result.scores(chosen=["mae", "crps", "coverage"])
table = table[table["level"].isna() | (table["level"] == 0.8)]
table.pivot(index="model", columns="metric", values="percent").sort_values("crps").round(2)

# %% [markdown]
# ## Significance
#
# Four months are 119 days, not 2,705 independent hours, because the errors of a day are correlated. `compare`
# tests daily means, computes the confidence interval of the skill from the same test, and adjusts p for the
# number of rows. The test also knows that two fits differ by chance.

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
# Three weather models together are about 5 % better than the best one, which is a typical result, and their intervals
# lie above 0. The two other weather models alone are 6 and 7 % worse, but their intervals reach 0: four months of one
# farm are not sufficient to show it. Comparisons over a few weeks without such a test are not reliable.
#
# Compared with one matrix:

# %%
result.compare("crps", reference="one matrix")[["model", "skill", "low", "high", "p_adjusted"]].round(3)

# %% [markdown]
# ## Weights of the weather models
#
# Coefficients of correlated base models are hard to interpret. Weights are easier: with a weighted mean instead of
# the regression, the weights of each level are non-negative and sum to one.

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
# ## A missing weather model
#
# From 30 November on, the best weather model is missing; both forecasters were fitted with all three. On the first
# day, an older run is used (`fallback_level` 1). On the next day, its last run is older than any run in training,
# and the forecast is climatology (3). After that, it has no run for the day, and the other two models are used
# (2).

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
# One matrix is inaccurate without the columns of the best weather model. The base models are independent of each
# other, and the blend has a regression for each missing model. Here the blend is also somewhat better if all
# models are available; over more synthetic sites both have about the same loss, and one matrix has a lower cost. A
# good choice is one matrix, and a fitted `Blend` for the days with a missing model; or the blend only. (Another
# way is to fit one matrix for each possible set of models.)
#
# CRPS in percent of capacity, synthetic. [Several weather models](../docs/howto/blending.md) shows more seeds and
# combinations.

# %% [markdown]
# ## Exercises
#
# 1. Set `combination="equal"`. Is the mean significantly worse?
# 2. Add a fourth weather model: ecmwf of the previous day (shift `init_time` and `available_time` by 24 h). Does
#    one matrix improve? What is its weight?
# 3. Compare by lead time (`by="lead_time"`). At how many lead times is p below 0.05 before and after the
#    adjustment?
# 4. Calibrate the blend: `ef.ConformalQuantiles(model=blend, folds=2)`. How does the coverage change?
# 5. Repeat the notebook with `seed=2`. Which results are the same?
