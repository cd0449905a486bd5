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
# **What it shows.** The whole way for a wind farm: look at the data, say when a forecast is issued, learn, forecast
# tomorrow, and prove in a backtest what that is worth, against the references that a planner has for nothing.
#
# **Data.** **Synthetic**: a farm of 60 MW like those of the Shelek corridor in Kazakhstan, with weather forecasts
# as they arrived. Its statistics are tuned to published aggregate figures; no value was measured. Scores say how
# the code behaves, not how well Shelek can be forecast.

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
# ## What the weather forecasts are worth
#
# Weather comes as runs. Each has the time at which its model started (`init_time`), the time at which it could be
# had (`available_time`, hours later), and values by lead.

# %%
ecmwf = weather["ecmwf"]
print(list(weather), dict(ecmwf.sizes))
ecmwf["available_time"][:4].to_series().rename_axis("init_time")

# %% [markdown]
# Take every run at a lead of 24 h, and put the wind that it promised beside what the farm gave. The curve is there,
# and so is the cloud around it: steep where the farm is most sensitive, because half of the errors of power are
# made by small errors of wind on the steep part. No model can take that cloud away from one weather forecast; it
# can only say how wide it is.

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
# When is the forecast issued, and for which hours? Here at 08:00 in Almaty for the next local day: 24 hours, 16 to
# 40 hours ahead. (No deadline is published; 08:00 is an assumption.) At that time the run of midnight UTC is not
# there yet, so the one of six hours before will be used, in training as in service.

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
# `without_outcome` counts hours that did not teach: missing, or set aside by a quality flag such as curtailment. A
# model that learns from curtailed hours learns that wind does not blow.

# %%
learnt.without_outcome

# %% [markdown]
# ## Tomorrow
#
# The dark band is the central half, the palest holds nine outcomes in ten. Read the width before the median: it is
# what the planner has to keep in reserve.

# %%
forecast = forecaster.predict(weather, power, issue_time="2024-10-05 08:00")
forecast.plot(power, timezone="Asia/Almaty")

# %%
table = forecast.to_frame().set_index("valid_time")
table[["q0.1", "q0.5", "q0.9", "fallback_level"]].iloc[::6].round(1)

# %% [markdown]
# ## What is it worth?
#
# Three months that the model has not seen. The power curve on the newest weather run is what anybody can do without
# learning; it is the reference to beat. All of them are issued at the same times from the same runs.

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
# In percent of capacity. Persistence is worst: what blows now says nothing of tomorrow. Is the gain over the power
# curve more than luck? `compare` tests the daily differences, for hours of one day hang together.

# %%
result.compare("crps", reference="power curve")[
    ["model", "skill", "low", "high", "p_adjusted", "days", "n"]
].round(3)

# %% [markdown]
# ## Can it be trusted?
#
# Two questions that a mean score does not answer: are the quantiles right, and at which leads does it help?

# %%
ef.reporting.figures.reliability(result)

# %%
ef.reporting.figures.skill_by_lead(result, reference="climatology")

# %% [markdown]
# Reliability: the line lies in the grey band, where chance alone would put it, down to its foot: in a calm the lowest
# quantiles are exactly nothing, and so are the outcomes.
#
# Skill by lead: careful. In a day-ahead task each lead is one hour of the day (16 h is midnight), so this is skill
# by hour as well. Trees beat the curve at each of them: it trusts the wind that it is given, and they have learnt
# from three weather models by how much each is wrong.

# %% [markdown]
# ## Exercises
#
# 1. Issue at 14:00 in place of 08:00. Which run is used then, and what is it worth?
# 2. Give the forecaster `weather["gfs"]` alone, then all three models. What does the second and third model add?
# 3. Set `quantiles=(0.05, 0.5, 0.95)` in the task. Which scores are left, and why are others gone?
# 4. Take the flags away (`dataclasses.replace(power, flags=None)`) before the fit, and look at the quantile 0.9 on
#    windy days. What did curtailment teach?
# 5. `synthetic.truth` knows the wind that really blew. How good would a forecast be that knew it?
