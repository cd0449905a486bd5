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
# # A PV plant
#
# **What it shows.** The special properties of PV: clear-sky power, labels that are wrong by half an hour, the
# effect of nights on scores, and a reference that follows the sun.
#
# **Data.** **Synthetic**: 100 MW of fixed modules as at Kapshagay in Kazakhstan, with weather forecasts and their
# times of arrival, tuned to the published yearly output of similar plants. Scores show how the software behaves.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import energyforecast as ef

plt.rcParams["date.converter"] = "concise"
synthetic = ef.datasets.kapshagay()
plant, weather, power = synthetic.site, synthetic.weather, synthetic.observations
print(plant)
print(power)

# %% [markdown]
# ## Clear-sky power
#
# The position of the sun is known exactly, and so, approximately, is the power under a clear sky. Only the effect
# of clouds must be forecast. The position of the sun is computed for the **middle** of each hour, because power is
# a mean over the hour and is labelled at its beginning.

# %%
week = slice("2024-09-02", "2024-09-08")
measured = power.values.loc[week, plant.name]
middle = measured.index.tz_localize(None).to_numpy() + np.timedelta64(30, "m")
sun = ef.physics.solar_position(middle, plant.latitude, plant.longitude)
clear = ef.physics.clear_sky(sun, altitude=plant.altitude)
ceiling = plant.capacity * plant.power(clear.ghi, sun, temp_air=22.0, wind_speed=2.0)

figure, axis = plt.subplots(figsize=(9, 3.2), layout="constrained")
axis.step(measured.index, ceiling, where="post", color="0.6", label="under a clear sky, 22 °C")
axis.step(measured.index, measured, where="post", color="#c1440e", linestyle="--", label="measured")
axis.set(ylabel="Power [MW]", xlabel="UTC")
axis.set_title(
    "Kapshagay PV (synthetic): the sky that could be, and the one that was", loc="left", fontsize=11
)
axis.legend(frameon=False, ncols=2, loc="upper left")
axis.set_ylim(0, 105)
plt.show()

# %% [markdown]
# On clear days, both curves are the same; on the 5th and the 8th there were clouds. If the curves were shifted
# **in time**, the clock would be wrong. A label at the middle of the interval, which is wrong by half an hour, is
# the most frequent error of solar data, and it costs more accuracy than any model gains. So check the clock:

# %%
print(ef.check_clock(power, site=plant))
late = power.values[plant.name].shift(1, freq="1h")
print("moved by an hour:", ef.check_clock(late, site=plant).verdict)

# %% [markdown]
# ## Fit and forecast
#
# The features of a PV plant are irradiance around the hour, its ratio to a clear sky, the power of a physical
# model, and the position of the sun. Hours with the sun more than 3° below the horizon are not used for training;
# their quantiles are all 0.

# %%
task = ef.day_ahead("08:00", timezone="Asia/Almaty")
forecaster = ef.Forecaster(plant, task)
forecaster.fit(weather, power[:"2024-08"])
print(forecaster.features)

# %%
forecast = forecaster.predict(weather, power, issue_time="2024-09-03 08:00")
forecast.plot(power, timezone="Asia/Almaty")

# %% [markdown]
# ## Backtest
#
# `Persistence` uses the newest power for all hours, which is never good for PV. `SmartPersistence` keeps the
# clear-sky index constant: the newest power divided by its clear-sky power, times the clear-sky power of each
# hour. This is the reference here.

# %%
models = {"trees": forecaster} | {
    name: ef.Forecaster(plant, task, model=model)
    for name, model in {
        "smart persistence": ef.SmartPersistence(),
        "climatology": ef.Climatology(),
        "persistence": ef.Persistence(),
    }.items()
}
result = ef.backtest(models, weather, power, start="2024-09", end="2024-11", refit=None)
print(result)
result.compare("crps", reference="smart persistence")[
    ["model", "skill", "low", "high", "p_adjusted", "n"]
].round(3)

# %% [markdown]
# ## Scores in daylight
#
# Half of the hours are at night, with a known power of 0. They halve the mean error and draw the coverage towards
# its nominal value. So compute scores for the hours of daylight, and state the hours of a score.

# %%
table = pd.concat(
    ef.evaluation.score(["mae", "crps", "coverage"], hours).assign(model=name)
    for name, pairs in result.pairs.items()
    for hours in (pairs, ef.evaluation.daylight(pairs, plant))
)
table["score"] = table["metric"] + table["level"].map(" of {:.0%}".format).where(table["level"].notna(), "")
table.pivot(index="score", columns=["hours", "model"], values="percent").round(1)

# %% [markdown]
# Look at the coverage of the model in daylight: the central 50 % interval contains about half of the outcomes. Over
# all hours it is nearer to nominal, because a night, which lies in every interval, counts by the share of its
# probability inside; `coverage_closed` counts it as inside, and has three quarters. The diagram shows the
# calibration at each level: where the line is below the diagonal, too few outcomes fell below the quantile, so the
# forecast was a little low in this autumn. One season is a small sample; `docs/explanation/solar.md` shows several
# seeds, each season, and real plants.

# %%
lit = ef.evaluation.daylight(result.pairs["trees"], plant)
figure, axis = plt.subplots(figsize=(4.6, 4.6), layout="constrained")
axis.plot([0, 1], [0, 1], color="0.5", linewidth=1)
axis.plot(lit.quantile_levels, lit.share_at_or_below.mean(axis=0), color="#0b5f8a", linewidth=2)
axis.set(
    xlabel="Level of the quantile [1]",
    ylabel="Share of outcomes at or below it [1]",
    xlim=(0, 1),
    ylim=(0, 1),
)
axis.set_title(f"Kapshagay PV (synthetic), daylight, n = {len(lit)}", loc="left", fontsize=11)
plt.show()

# %% [markdown]
# The error by local hour and month is largest at noon, when power is largest.

# %%
ef.reporting.figures.error_by_hour_and_month(result)

# %% [markdown]
# ## Exercises
#
# 1. Compute the clear-sky index of a month (`ef.physics.clear_sky_index`) and draw its histogram. Why does it have
#    two peaks?
# 2. Read the power as if its labels were at the end of the hour (`power.values.shift(-1)`), fit, and read the
#    error of `fit`.
# 3. Turn the modules to the east in the description of the plant (`dataclasses.replace(plant,
#    surface_azimuth=90)`). What is the result of `check_clock` now, and how does the score change?
# 4. `ef.datasets.nur_navoi()` has trackers. Compare the profile of a clear day with that of fixed modules.
# 5. Forecast some hours ahead: `ef.intraday(every="1h", leads="6h")`. Up to which lead time is smart persistence
#    better?
