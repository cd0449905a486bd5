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
# **What it shows.** A real wind farm, without a network, in a few lines: fit a model to one year, forecast one day
# with its uncertainty, add a feature of your own, check for leakage, and run a first backtest.
#
# **Data.** La Haute Borne, four turbines in Lorraine, measured by ENGIE (Licence Ouverte 2.0), and ERA5 weather
# (Copernicus). Both are part of the library.

# %%
# %matplotlib inline
import energyforecast as ef

site, weather, power = ef.datasets.la_haute_borne()
print(site)
print(power)

# %% [markdown]
# Every forecast needs three objects: a **site** with its coordinates and capacity, **weather** as an xarray
# dataset, and **observations** with the time at which each value was published.

# %%
weather

# %% [markdown]
# The weather is ERA5, a reanalysis: it was computed after the event, so it was not known at the issue time. The
# library refuses it without `perfect_weather=True`.

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
# The forecast is issued at 09:00 for the next local day. The dashed line is the measured power.

# %%
forecast = forecaster.predict(weather, power, issue_time="2015-01-14 09:00")
forecast.plot(power, timezone="Europe/Paris")

# %%
forecast.to_frame()[["valid_time", "q0.1", "q0.5", "q0.9", "fallback_level"]].head()


# %% [markdown]
# ## A feature of your own
#
# A feature declares its inputs and gets a snapshot of the values that were known at each issue time. The snapshot
# contains copies; the archives cannot be reached from it.


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
# ## Check for leakage
#
# The check replaces all values that were not known at the issue time by noise. Features, fitted model and forecast
# must stay identical to the bit. There is no output if the check passes; `05_what_leakage_looks_like` shows
# failures.

# %%
ef.testing.check_no_leakage(with_density, weather, power[:"2014-09"], issue_time="2014-08-01 09:00")
print("Nothing changed: nothing leaks.")

# %% [markdown]
# ## A first backtest
#
# A score is meaningful only in comparison with a reference. Climatology uses only the hour of the day, and
# persistence only the newest measurement; a useful forecast is better than both. This backtest is for one month;
# `energyforecast demo` runs all of 2015.

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
# Skill is one minus the score divided by the score of the reference: 0 is as good as the reference, and 1 is
# perfect. The figure shows the calibration: the share of outcomes below each quantile. With one month of 31 days,
# the grey band of chance is wide.

# %%
ef.reporting.figures.reliability(result)

# %% [markdown]
# ## Exercises
#
# 1. Forecast three quantiles instead of 99: `ef.day_ahead(..., quantiles=(0.1, 0.5, 0.9))`. Which scores are no
#    longer available?
# 2. Write a feature that uses two hours beyond its declared margin. Which error is raised?
# 3. Shift the power by one hour, as if the end of each hour had been taken for its beginning, and fit.
