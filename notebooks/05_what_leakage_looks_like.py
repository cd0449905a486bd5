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
# # What leakage looks like
#
# **What it shows.** A forecast that was given something of the future scores well in every backtest and fails in
# the first week of service. Here the mistake is made three times on purpose, from the gross to the subtle: what
# each does to the score, what the poison test finds, and what it cannot find.
#
# **Data.** **Synthetic**: a wind farm like those of the Shelek corridor. Scores say how the code behaves, not how
# well Shelek can be forecast. Models are small, so that this runs in half a minute.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import energyforecast as ef

plt.rcParams["date.converter"] = "concise"
synthetic = ef.datasets.shelek(models=("ecmwf",))
farm, weather, power = synthetic.site, synthetic.weather["ecmwf"], synthetic.observations
task = ef.day_ahead("08:00", timezone="Asia/Almaty", quantiles=(0.1, 0.25, 0.5, 0.75, 0.9))
small = ef.LightGBMQuantiles(n_estimators=100, folds=0)

# %% [markdown]
# ## Three times
#
# Every weather run has three: when the model **started**, when its output could be **had**, and the hour that a
# value is **of**. Archives show the first and the last. Leakage lives in the gap between the first and the second.

# %%
issue = pd.Timestamp("2024-07-10 08:00", tz="Asia/Almaty").tz_convert("UTC").tz_localize(None)
runs = weather[["available_time"]].sel(init_time=slice(issue - pd.Timedelta("22h"), issue))
figure, axis = plt.subplots(figsize=(9, 3), layout="constrained")
for row, (begun, arrived) in enumerate(
    zip(runs["init_time"].values, runs["available_time"].values, strict=True)
):
    known = arrived <= issue.to_datetime64()
    axis.plot([begun, arrived], [row, row], color="0.75", linewidth=6, solid_capstyle="butt")
    axis.plot(begun, row, "o", color="0.4")
    axis.plot(arrived, row, "o", color="#0b5f8a" if known else "#c1440e")
    said = "could be had" if known else "not there yet"
    axis.annotate(said, (arrived, row), xytext=(0, 8), textcoords="offset points", ha="right")
axis.axvline(issue, color="black", linestyle="--")
axis.set_yticks(
    range(len(runs["init_time"])), [f"run of {pd.Timestamp(t):%H} UTC" for t in runs["init_time"].values]
)
axis.set(
    xlim=(issue - pd.Timedelta("22h"), issue + pd.Timedelta("9h")),
    ylim=(-0.6, len(runs["init_time"]) - 0.4),
    xlabel="UTC",
)
axis.set_title(
    "Issued at 08:00 in Almaty (dashed): the run of 00 UTC has started and is not there",
    loc="left",
    fontsize=11,
)
plt.show()

# %% [markdown]
# ## The honest score
#
# Half a year that the model has not seen, from the run that had arrived. Mean absolute error of the median in
# percent of capacity.

# %%
span = {"start": "2024-07", "end": "2024-12-27", "refit": None}


def error(forecaster, archive=weather):
    """Mean absolute error of a backtest. [% of capacity]"""
    scores = ef.backtest({"farm": forecaster}, archive, power, **span).scores(chosen=["mae"])
    return float(scores["percent"].iloc[0])


honest = ef.Forecaster(farm, task, model=small)
errors = {"honest": error(honest)}
print(f"honest (synthetic): {errors['honest']:.2f} %")

# %% [markdown]
# ## Mistake 1: the answer is in the feature
#
# "Power an hour ago is the best predictor there is." So it is, and tomorrow at noon it is not known yet. In a table
# of hours that is one `shift(1)`, and nothing looks wrong with it. Here it takes some effort, for a feature is
# handed a snapshot from which no archive can be reached: the function has to bring its own.

# %%
measured = power.values[farm.name]


@ef.feature(weather=["wind_speed_100m"])
def power_an_hour_before(now):
    """What was measured an hour before the hour that is forecast. [MW]"""
    hours = pd.DatetimeIndex(now.valid_time.ravel(), tz="UTC") - pd.Timedelta("1h")
    return measured.reindex(hours).to_numpy().reshape(now.valid_time.shape)


shifted = ef.Forecaster(farm, task, features=ef.recipe(farm) + power_an_hour_before, model=small)
errors["power an hour before"] = error(shifted)
print(f"with power an hour before (synthetic): {errors['power an hour before']:.2f} %")

# %% [markdown]
# Half the error. Whoever sees that in a day-ahead forecast of wind should not open the champagne: **a score that is
# too good is the most frequent symptom.** The check looks at what a feature holds beside its snapshot, and names
# it.

# %%
try:
    ef.testing.check_no_leakage(shifted, weather, power, issue_time="2024-08-01 08:00")
except ef.errors.LeakageError as found:
    print(found)

# %% [markdown]
# The same wish, declared: a lag is then an observation that was published by the issue time, or the next older one
# that was. Its name stays the same for all leads; what it holds does not come from the future.

# %%
declared = ef.Forecaster(farm, task, features=ef.recipe(farm) + ef.features.Lag("1h"), model=small)
ef.testing.check_no_leakage(declared, weather, power, issue_time="2024-08-01 08:00")
errors["lag, as published"] = error(declared)
print(f"lag as published (synthetic): {errors['lag, as published']:.2f} %, and nothing leaks")

# %% [markdown]
# ## Mistake 2: statistics of the whole table
#
# Scale a column by its mean and spread, as every textbook does before the split into training and test. Now each
# row holds a little of all the others, of later ones too. Next to nothing is gained, so no score gives it away. The
# poison test does: it computes an origin among the others, and once more with all that was not known destroyed.


# %%
@ef.feature(weather=["wind_speed_100m"])
def standardised_wind(now):
    """Wind in standard deviations from its mean over all rows. [1]"""
    wind = now["wind_speed_100m"]
    return (wind - np.nanmean(wind)) / np.nanstd(wind)


scaled = ef.Forecaster(farm, task, features=ef.recipe(farm) + standardised_wind, model=small)
errors["statistics of the table"] = error(scaled)
print(f"with statistics of the whole table (synthetic): {errors['statistics of the table']:.2f} %")
try:
    ef.testing.check_no_leakage(scaled, weather, power, issue_time="2024-08-01 08:00")
except ef.errors.LeakageError as found:
    print(found)

# %% [markdown]
# ## How poison works
#
# Nothing clever: what had not arrived or was not published at a moment becomes noise. If a number of that moment
# changes, it knew something that it could not know.

# %%
moment = ef.core.timestamps.instant("2024-07-10 08:00", timezone="Asia/Almaty")
around = slice(moment - pd.Timedelta("36h"), moment + pd.Timedelta("36h"))
poisoned = ef.testing.poison_observations(power, moment)
figure, axis = plt.subplots(figsize=(9, 3.2), layout="constrained")
axis.step(
    poisoned.values.loc[around].index,
    poisoned.values.loc[around, farm.name],
    color="#c1440e",
    where="post",
    label="poisoned",
)
axis.step(measured.loc[around].index, measured.loc[around], color="#0b5f8a", where="post", label="measured")
axis.axvline(moment, color="black", linestyle="--")
axis.set(ylabel="Power [MW]", xlabel="UTC")
axis.set_title(
    "Power as the test sees it; dashed: the issue time. Publication takes two hours", loc="left", fontsize=11
)
axis.legend(frameon=False, loc="upper left")
plt.show()

# %% [markdown]
# ## Mistake 3: times that lie
#
# Many archives know the start of a run and not its arrival. Take one for the other, and the forecast of 08:00 uses
# the run of 00 UTC (06:00 in Almaty until March 2024, 05:00 since), which in truth comes hours later.

# %%
lying = weather.assign_coords(
    available_time=("init_time", weather["init_time"].values, weather["available_time"].attrs)
)
errors["init_time as available_time"] = error(honest, lying)
ef.testing.check_no_leakage(honest, lying, power, issue_time="2024-08-01 08:00")
gain = 1 - errors["init_time as available_time"] / errors["honest"]
print(f"init_time taken for available_time (synthetic): {gain:.1%} better, and the poison test finds nothing")

# %% [markdown]
# This is the one to fear. The gain is a few percent, as of a good idea; people publish papers about less. And **the
# poison test cannot find it**: it destroys what `available_time` says was not there, and believes what it is told.
# What helps:
#
# - Record arrivals. A [store](../docs/howto/weather_store.md) writes down when each run came; a source of the library
#   declares its delay, and `testing.check_source` holds it to that.
# - Look at the audit of a backtest: the age of the run at issue. Six hours less than a weather service can do is a
#   finding.

# %%
ages = {}
for name, archive in {"honest": weather, "lying": lying}.items():
    audit = ef.backtest({"farm": honest}, archive, power, **span).origins
    ages[name] = audit["weather_age"].value_counts().rename_axis("age of the run at issue [h]")
pd.DataFrame(ages).astype("Int64")

# %% [markdown]
# The same holds for power: `published_after="0h"` for a meter that is read on the next morning makes every lag
# leak, and no test on the same data can know.

# %%
figure, axis = plt.subplots(figsize=(7, 2.6), layout="constrained")
axis.barh(list(errors), list(errors.values()), color=["#0b5f8a", "#c1440e", "#0b5f8a", "#c1440e", "#c1440e"])
axis.bar_label(axis.containers[0], fmt=" %.1f")
axis.invert_yaxis()
axis.spines[["top", "right"]].set_visible(False)
axis.set(xlabel="Mean absolute error [% of capacity], synthetic; red: leaks")
plt.show()

# %% [markdown]
# ## Exercises
#
# 1. Wrap the measured power in a class of your own with a method `at(hours)`, and hide it in the feature. Is it
#    still found? What would you have to write so that it is not?
# 2. Fit on `lying` and predict with `weather`, as it would be in service. Is the loss greater than the gain was?
# 3. Say `published_after="0h"` (`dataclasses.replace`) and add `ef.features.NewestObservation()`. By how much does
#    an intraday forecast (`ef.intraday(every="6h", leads="12h")`) look better than it is?
# 4. Write the feature of mistake 2 rightly: with a mean and a spread that are constants.
# 5. `ef.testing.check_feature(standardised_wind, weather, sites=farm, task=task)` needs no fit. What does it say?
