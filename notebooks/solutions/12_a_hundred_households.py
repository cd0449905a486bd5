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
# # A hundred households: solutions
#
# The cells go on where the notebook ends, with its variables.

# %% [markdown]
# 1. With nothing in common it would halve at each step, by the square root of the number. Season and what all
#    households share remain, however many they are.

# %%
spread = {}
for number in (1, 4, 16, 64):
    total = kilowatts[whole[:number]].sum(axis=1).tz_convert(zone)
    hour_of_week = 24 * total.index.day_of_week + total.index.hour
    spread[number] = 100 * float((total / total.groupby(hour_of_week).transform("mean")).std())
pd.Series(spread).round(1).rename("standard deviation [%]")

# %% [markdown]
# 2. Less often than one hour in ten: the three are seldom high together.

# %%
upper = forecast.at(0.9).sel(site=three).sum("site").values.ravel()
times = pd.DatetimeIndex(forecast.data["valid_time"].values.ravel(), tz="UTC")
together = demand.values[three].sum(axis=1).reindex(times).to_numpy()
exceeded = 100 * float(np.mean(together > upper))
print(f"exceeded in {exceeded:.0f} % of hours")

# %% [markdown]
# 3. Yes: the evening peak of all is that of the mean profile, that of one household is its highest spike.

# %%
periods = ef.planning.period_scores(result)
peak_hour = periods[(periods["metric"] == "within 1 h") & (periods["model"] == "default")].set_index("site")[
    "value"
]
(100 * peak_hour).round(0)
