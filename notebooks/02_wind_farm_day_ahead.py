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
# # A wind farm, day-ahead
#
# **What it shows.** The steps for a wind farm: inspect the data, define the task, fit, forecast one day, and
# measure the accuracy in a backtest with simple references.
#
# **Data.** **Synthetic**: a farm of 60 MW similar to those of the Shelek corridor in Kazakhstan, with weather
# forecasts and their times of arrival. The statistics are tuned to published aggregate figures; no value was
# measured. Scores show how the software behaves, not how well Shelek can be forecast.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import energyforecast as ef

synthetic = ef.datasets.shelek()
farm, weather, power = synthetic.site, synthetic.weather, synthetic.observations
print(synthetic)
print(farm)
print(power)

# %% [markdown]
# ## Weather forecasts
#
# Weather forecasts consist of runs. Each run has the time at which its model started (`init_time`), the time at
# which it was published (`available_time`, hours later), and values by lead time.

# %%
ecmwf = weather["ecmwf"]
print(list(weather), dict(ecmwf.sizes))
ecmwf["available_time"][:4].to_series().rename_axis("init_time")

# %% [markdown]
# The figure compares the wind forecast with a lead time of 24 h and the power of the farm. The points follow the
# power curve with a large scatter. The scatter is largest where the curve is steep, because small errors of the
# wind speed lead to large errors of power. A model cannot remove this scatter, but it can forecast its
# distribution.

# %%
day_old = ecmwf["wind_speed_100m"].sel(site=farm.name, lead_time=pd.Timedelta("24h"))
valid = pd.DatetimeIndex(day_old["init_time"].values + np.timedelta64(24, "h"), tz="UTC")
measured = power.value_at(farm.name, valid, outside="missing")

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.scatter(day_old, measured, s=6, alpha=0.35, linewidth=0, color="#0b5f8a", label="hours")
winds = np.linspace(0, 20, 200)
axis.plot(winds, farm.capacity * farm.power_curve.power_at(winds), color="#c1440e", label="power curve")
axis.set(xlabel="Wind at 100 m, forecast a day before [m s⁻¹]", ylabel="Power [MW]", xlim=(0, 20))
axis.set_title("Shelek (synthetic): what one weather model knows a day before", loc="left", fontsize=11)
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# ## The task
#
# The task is the issue time and the hours of the forecast. Here it is 08:00 in Almaty for the next local day: 24
# hours, 16 to 40 hours ahead. (No deadline is published; 08:00 is an assumption.) At that time, the run of 00 UTC
# is not published yet, so the previous run is used, in training as in operation.

# %%
task = ef.day_ahead("08:00", timezone="Asia/Almaty")
forecaster = ef.Forecaster(farm, task)
forecaster.fit(weather, power[:"2024-09"])
learnt = forecaster.training_
print(
    learnt.origins,
    "days,",
    learnt.rows,
    "hours; usual age of the weather at issue [h]:",
    learnt.usual_weather,
)
forecaster.features

# %% [markdown]
# `without_outcome` is the number of hours that were not used for training: missing, or excluded by a quality flag
# such as curtailment. With curtailed hours, a model would learn too low power for strong wind.

# %%
learnt.without_outcome

# %% [markdown]
# ## One day
#
# The dark band is the central 50 % interval, the lightest band the 90 % interval. The width of the intervals
# determines the reserve.

# %%
forecast = forecaster.predict(weather, power, issue_time="2024-10-05 08:00")
forecast.plot(power, timezone="Asia/Almaty")

# %%
table = forecast.to_frame().set_index("valid_time")
table[["q0.1", "q0.5", "q0.9", "fallback_level"]].iloc[::6].round(1)

# %% [markdown]
# ## Backtest
#
# Three months that are not in the training data. The power curve with the newest weather run is a reference that
# needs no training. All models have the same issue times and the same runs.

# %%
references = {
    "power curve": ef.PowerCurveReference(column="ecmwf:power_curve"),
    "climatology": ef.Climatology(),
    "persistence": ef.Persistence(),
}
models = {"trees": forecaster} | {
    name: ef.Forecaster(farm, task, model=model) for name, model in references.items()
}
result = ef.backtest(models, weather, power, start="2024-10", end="2024-12-28", refit=None)
print(result)

# %%
scores = result.scores(chosen=["mae", "crps"])
scores.pivot(index="model", columns="metric", values="percent").round(1)

# %% [markdown]
# In percent of capacity. Persistence has the largest error, because the current wind has little to do with the
# wind of the next day. Is the difference to the power curve significant? `compare` tests daily differences,
# because the hours of a day are correlated.

# %%
result.compare("crps", reference="power curve")[
    ["model", "skill", "low", "high", "p_adjusted", "days", "n"]
].round(3)

# %% [markdown]
# ## Calibration and lead times
#
# A mean score does not show whether the quantiles are calibrated, and at which lead times there is skill.

# %%
ef.reporting.figures.reliability(result)

# %%
ef.reporting.figures.skill_by_lead(result, reference="climatology")

# %% [markdown]
# Reliability: the line lies within the grey band of chance. In hours without wind, the lowest quantiles and the
# outcomes are exactly 0.
#
# Skill by lead time: in a day-ahead task, each lead time is also an hour of the day (16 h is midnight), so this is
# the skill by hour as well. The model is better than the power curve at each lead time: the curve uses one wind
# forecast, and the model combines three weather models with their errors.

# %% [markdown]
# ## Exercises
#
# 1. Issue the forecast at 14:00 instead of 08:00. Which run is used, and how does the skill change?
# 2. Use `weather["gfs"]` only, then all three weather models. How much do the second and third model add?
# 3. Set `quantiles=(0.05, 0.5, 0.95)` in the task. Which scores are left, and why?
# 4. Remove the flags (`dataclasses.replace(power, flags=None)`) before the fit, and look at the quantile 0.9 on
#    windy days. What is the effect of curtailment?
# 5. `synthetic.truth` contains the true wind. How accurate is a forecast that uses it?
