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
# # Quick start
#
# **What it shows.** A real wind farm, offline, in a few lines: learn from a year, forecast a day, and see how sure
# the forecast is. Then a feature of your own, the test that looks for leaks, and a first backtest.
#
# **Data.** La Haute Borne, four turbines in Lorraine, measured by ENGIE (Licence Ouverte 2.0), and ERA5 weather
# (Copernicus). Both come with the library.

# %%
# %matplotlib inline
import energyforecast as ef

site, weather, power = ef.datasets.la_haute_borne()
print(site)
print(power)

# %% [markdown]
# Three things are always there: a **site** that knows where it is and what it can give, **weather** as an xarray
# dataset, and **observations** that know when each value was published.

# %%
weather

# %% [markdown]
# The weather is ERA5, a reanalysis: it was made after the fact, so no forecaster could have known it. The library
# refuses it unless told that this is what is wanted.

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
# A feature declares what it needs and is handed a snapshot of what was known at each issue time: copies, from which
# no archive can be reached.


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
    model=ef.LightGBMQuantiles(n_estimators=30, folds=0),
    perfect_weather=True,
)
print(with_density.features)

# %% [markdown]
# ## Does anything leak?
#
# Everything that was not known at the issue time is replaced by noise. Features, fitted model and forecast must
# stay the same, bit for bit. No answer is a good answer; `05_what_leakage_looks_like` shows the others.

# %%
ef.testing.check_no_leakage(with_density, weather, power[:"2014-09"], issue_time="2014-08-01 09:00")
print("Nothing changed: nothing leaks.")

# %% [markdown]
# ## What is it worth?
#
# A score says little without something to compare it with. Climatology knows only the hour of the day, persistence
# only what was measured last; whoever can't beat them has no forecast. One month here; `energyforecast demo` does
# all of 2015.

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

# %% [markdown]
# Skill is one minus the score by the reference's: 0 is no better, 1 perfect. The figure asks another question: when
# the forecast said nine in ten, was it nine in ten? One month is 31 days, so the grey band of what chance would do
# is wide.

# %%
ef.reporting.figures.reliability(result)

# %% [markdown]
# ## Exercises
#
# 1. Forecast ten quantiles instead of 99: `ef.day_ahead(..., quantiles=(0.1, 0.5, 0.9))`. What becomes of the
#    scores that need more?
# 2. Write a feature that looks two hours past the margin that it declares. What does the error say?
# 3. Shift the power by one hour, as if the end of each hour had been taken for its beginning, and fit.
