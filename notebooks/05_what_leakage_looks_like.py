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
# **What it shows.** A forecast with leakage uses data that was not known at the issue time. It has good scores in
# a backtest, and fails in operation. This notebook makes three such mistakes on purpose, and shows their effect on
# the score, how the checks for leakage find them, and what they cannot find.
#
# **Data.** **Synthetic**: a wind farm similar to those of the Shelek corridor. Scores show how the software
# behaves, not how well Shelek can be forecast. The models are small, so that the notebook runs in half a minute.

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
# A value of a weather run has three times: the **initialisation** of the model, the **publication** of its output,
# and the hour for which the value is **valid**. Archives contain the first and the last. Leakage is possible if
# the second is not known.

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
# ## The score without leakage
#
# Half a year that is not in the training data, with the newest run that was published. Mean absolute error of the
# median in percent of capacity.

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
# ## Mistake 1: the outcome is in the feature
#
# The power of the last hour is a very good predictor, but for noon of the next day it is not known yet. In a table
# of hours, this mistake is a single `shift(1)`. Here it is more difficult: a feature gets a snapshot from which no
# archive can be reached, so the function has to bring its own data.

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
# The error is halved. A score that is **too good** is the most frequent symptom of leakage. The check inspects the
# objects that a feature uses in addition to its snapshot, and the files that it opens, and names them.

# %%
try:
    ef.testing.check_no_leakage(shifted, weather, power, issue_time="2024-08-01 08:00")
except ef.errors.LeakageError as found:
    print(found)

# %% [markdown]
# The same input, declared as a lag: it is then the observation of this time if it was published by the issue time,
# or else the newest earlier one that was. It contains no data of the future.

# %%
declared = ef.Forecaster(farm, task, features=ef.recipe(farm) + ef.features.Lag("1h"), model=small)
ef.testing.check_no_leakage(declared, weather, power, issue_time="2024-08-01 08:00")
errors["lag, as published"] = error(declared)
print(f"lag as published (synthetic): {errors['lag, as published']:.2f} %, and nothing leaks")

# %% [markdown]
# ## Mistake 2: statistics of the whole table
#
# A column is scaled by its mean and standard deviation before the split into training and test data. Then each row
# depends on all others, also on later ones. The score hardly changes, so it does not reveal the mistake. The check
# does: it computes an issue time together with others, and again with all unknown values replaced by noise.


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
# ## How the check works
#
# All values that were not published at a given time are replaced by noise. If a result for this time changes, it
# depended on data that was not known.

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
# ## Mistake 3: wrong times
#
# Many archives contain the initialisation of a run but not its arrival. If the first is used for the second, the
# forecast of 08:00 uses the run of 00 UTC (06:00 in Almaty until March 2024, 05:00 since), which was published
# hours later.

# %%
lying = weather.assign_coords(
    available_time=("init_time", weather["init_time"].values, weather["available_time"].attrs)
)
errors["init_time as available_time"] = error(honest, lying)
ef.testing.check_no_leakage(honest, lying, power, issue_time="2024-08-01 08:00")
gain = 1 - errors["init_time as available_time"] / errors["honest"]
print(f"init_time taken for available_time (synthetic): {gain:.1%} better, and the poison test finds nothing")

# %% [markdown]
# This is the most dangerous mistake. The improvement is a few percent, as from a new feature, and the poison test
# **cannot find it**: it relies on `available_time`. Another check asks whether the data can have been known then.

# %%
for name, archive in {"honest": weather, "lying": lying}.items():
    try:
        table = ef.testing.check_known_then(archive, power, power_latency="1h")
        print(f"{name}: {len(table)} tests, {set(table['result'])}")
    except ef.errors.LeakageError as found:
        print(f"{name}: {found}")

# %% [markdown]
# A wrong time that is plausible passes: two hours too early, within what the source can do. Remedies:
#
# - Record the arrival. A [store](../docs/howto/weather_store.md) records when each run arrived; a source of the
#   library declares its latency, and `testing.check_source` compares it. `testing.check_revisions` compares two
#   copies of an archive.
# - Look at the age of the run in the origins of a backtest. An age that is six hours less than the service can
#   provide is a sign of leakage.

# %%
ages = {}
for name, archive in {"honest": weather, "lying": lying}.items():
    audit = ef.backtest({"farm": honest}, archive, power, **span).origins
    ages[name] = audit["weather_age"].value_counts().rename_axis("age of the run at issue [h]")
pd.DataFrame(ages).astype("Int64")

# %% [markdown]
# The same holds for power: with `published_after="0h"` for a meter that is read the next morning, every lag has
# leakage. `check_known_then(..., power_latency="12h")` refuses it, if you know when the meter is read.
#
# [22 leaks and the check for each](../docs/explanation/leakage.md), and what no check finds.

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
# 1. Put the measured power into a class with a method `at(hours)`, and use it in the feature. Is it still found?
#    How could it be hidden?
# 2. Fit with `lying` and predict with `weather`, as in operation. Is the increase of the error larger than the
#    gain was?
# 3. Set `published_after="0h"` (`dataclasses.replace`) and add `ef.features.NewestObservation()`. How much better
#    does an intraday forecast (`ef.intraday(every="6h", leads="12h")`) appear?
# 4. Correct the feature of mistake 2 by a constant mean and standard deviation.
# 5. `ef.testing.check_feature(standardised_wind, weather, sites=farm, task=task)` needs no fit. What is its
#    result?
