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
# **What it shows.** What is special about the sun: the sky that could be, the half hour that hides in a stamp,
# nights that flatter every score, and a reference that moves with the sun.
#
# **Data.** **Synthetic**: 100 MW of fixed modules as at Kapshagay in Kazakhstan, with weather forecasts as they
# arrived, tuned to the published yearly output of plants of this kind. Scores say how the code behaves.

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
# ## The sky that could be
#
# Most of solar power is astronomy. Where the sun stands is known for all time, and under a sky without clouds so is
# the power, nearly. What is left to forecast is by how much clouds take away. The sun is looked up in the
# **middle** of each hour: power is a mean over the hour, and stands at its beginning.

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
# On clear days the two lie on each other; on the 5th and the 8th there were clouds. If they had the same shape
# **side by side**, something would be wrong with the clock. Half an hour is the most frequent error of all in solar
# data (a stamp that names the middle), and it costs more than any model gains. So ask:

# %%
print(ef.check_clock(power, site=plant))
late = power.values[plant.name].shift(1, freq="1h")
print("moved by an hour:", ef.check_clock(late, site=plant).verdict)

# %% [markdown]
# ## Fit and forecast
#
# The recipe of a plant: irradiance around the hour, its ratio to a clear sky, the power that physics makes of it,
# the sun. Hours in which the sun stays 3° below the horizon are neither learnt from nor forecast: they are 0 at
# every quantile.

# %%
task = ef.day_ahead("08:00", timezone="Asia/Almaty")
forecaster = ef.Forecaster(plant, task)
forecaster.fit(weather, power[:"2024-08"])
print(forecaster.features)

# %%
forecast = forecaster.predict(weather, power, issue_time="2024-09-03 08:00")
forecast.plot(power, timezone="Asia/Almaty")

# %% [markdown]
# ## What is it worth?
#
# `Persistence` takes the newest power for all hours, at which no PV plant was ever good. `SmartPersistence` lets
# the clouds stay and the sun move: the share of a clear sky that the plant gave last, times the clear sky to come.
# That is the reference to beat.

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
# ## Nights flatter
#
# Half of the hours are nights, of which everybody knows the power. They halve the error and fill the intervals.
# Score the hours of daylight, and say which hours a score is of.

# %%
table = pd.concat(
    ef.evaluation.score(["mae", "crps", "coverage"], hours).assign(model=name)
    for name, pairs in result.pairs.items()
    for hours in (pairs, ef.evaluation.daylight(pairs, plant))
)
table["score"] = table["metric"] + table["level"].map(" of {:.0%}".format).where(table["level"].notna(), "")
table.pivot(index="score", columns=["hours", "model"], values="percent").round(1)

# %% [markdown]
# Look at the coverage of the trees. Of all hours the central half holds three quarters, as if it were far too wide:
# nights lie in every interval. Of the lit hours it holds about what it promises, and that is the figure to judge a
# forecast by. The diagram shows it for each level. Where its line lies below the diagonal, outcomes fell below the
# quantile too seldom: in the middle the forecast was a little low this autumn. One season is a few dozen weather
# spells; `docs/explanation/solar.md` has several seeds, each season, and real plants.

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
# When is it wrong? By local hour and month: noon is where the megawatts are, and so are the errors.

# %%
ef.reporting.figures.error_by_hour_and_month(result)

# %% [markdown]
# ## Exercises
#
# 1. Compute the clear-sky index of a month (`ef.physics.clear_sky_index`) and draw its histogram. Why does it have
#    two heaps?
# 2. Read the power as if its stamps named the end of each hour (`power.values.shift(-1)`), fit, and see what `fit`
#    says.
# 3. Turn the modules to the east in the plant's description (`dataclasses.replace(plant, surface_azimuth=90)`).
#    What does `check_clock` think now, and by how much does the score suffer?
# 4. `ef.datasets.nur_navoi()` stands on trackers. Compare the shape of a clear day with that of fixed modules.
# 5. Forecast an hour ahead: `ef.intraday(every="1h", leads="6h")`. Up to which lead does smart persistence hold?
