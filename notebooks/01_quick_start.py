# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Quick start
#
# A real wind farm, offline, in a few lines: learn from a year, forecast a day, and see how sure the
# forecast is. Then a feature of your own, and the test that proves that nothing leaks.

# %%
# %matplotlib inline
import energyforecast as ef

site, weather, power = ef.datasets.la_haute_borne()
print(site)
print(power)
weather

# %% [markdown]
# The weather is ERA5, a reanalysis: it was made after the fact, so no forecaster could have known it.
# The library refuses it unless told that this is what is wanted.

# %%
task = ef.day_ahead("09:00", timezone="Europe/Paris")
try:
    ef.Forecaster(site, task).fit(weather, power)
except ef.errors.PerfectWeatherError as error:
    print(error)

# %%
forecaster = ef.Forecaster(site, task, perfect_weather=True)
forecaster.fit(weather, power[:"2014-12"])
print(forecaster.training_)

# %% [markdown]
# ## One day
#
# Issued at nine in the morning for the next local day. The dashed line is what was measured.

# %%
forecast = forecaster.predict(weather, power, issue_time="2015-01-14 09:00")
forecast.plot(power, timezone="Europe/Paris")

# %%
forecast.to_frame()[["valid_time", "q0.1", "q0.5", "q0.9", "fallback_level"]].head()


# %% [markdown]
# ## A feature of your own
#
# A feature declares what it needs and sees a snapshot of what was known at each issue time; an archive
# can't be reached from it.


# %%
@ef.feature(weather=["wind_speed_100m", "temp_air", "pressure"], margin="1h")
def wind_power_density(now):
    """Kinetic power density of the wind over the interval. [W m⁻²]"""
    density = ef.physics.air_density(now.interval_mean("temp_air"), now.interval_mean("pressure"))
    return 0.5 * density * now.interval_mean("wind_speed_100m") ** 3


with_density = ef.Forecaster(
    site,
    task,
    features=ef.recipe(site) + wind_power_density,
    model=ef.LightGBMQuantiles(trees=30, folds=0),
    perfect_weather=True,
)
print(with_density.features)

# %% [markdown]
# ## Does anything leak?
#
# Everything that was not known at the issue time is replaced by noise. Features, fitted model and forecast
# must stay the same, bit for bit.

# %%
ef.testing.check_no_leakage(with_density, weather, power[:"2014-09"], issue_time="2014-08-01 09:00")

# %% [markdown]
# ## What is it worth?
#
# One month with references; `energyforecast demo` does all of 2015.

# %%
result = ef.backtest(
    {
        "LightGBM": forecaster,
        "Climatology": ef.Forecaster(site, task, model=ef.Climatology(), perfect_weather=True),
        "Persistence": ef.Forecaster(site, task, model=ef.Persistence(), perfect_weather=True),
    },
    weather,
    power,
    start="2015-01",
    end="2015-01",
)
print(result)
result.skill("crps", reference="Climatology")[["model", "value", "n"]].round(2)

# %%
ef.plotting.reliability(result)

# %% [markdown]
# ## Exercises
#
# 1. Forecast ten quantiles instead of 99: `ef.day_ahead(..., quantiles=(0.1, 0.5, 0.9))`. What becomes of
#    the scores that need more?
# 2. Write a feature that looks two hours past the margin that it declares. What does the error say?
# 3. Shift the power by one hour, as if the end of each hour had been taken for its beginning, and fit.
