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
# # Demand of industry and households
#
# **What it shows.** Demand has no capacity, no night and no power curve. It has people: hours, weekdays, holidays,
# walls that stay warm, factories that stop. One forecaster for an area and its two sectors, each with features of
# its own.
#
# **Data.** **Synthetic**: a city like Almaty with its region. Yearly energy and months are tuned to published
# figures; the share of industry and the shapes of day and week are choices of ours. Scores say how the code
# behaves.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import pandas as pd

import energyforecast as ef

plt.rcParams["date.converter"] = "concise"
synthetic = ef.datasets.almaty()
weather, demand = synthetic.weather["ecmwf"], synthetic.observations
areas = {area.sector: area for area in synthetic.sites}
for sector, area in areas.items():
    print(f"{sector:10}  {area.name}")
print(demand)

# %% [markdown]
# ## Look first
#
# A week in which a holiday falls. Households rise in the morning and peak in the evening; industry runs three
# shifts and notices little but the weekend.

# %%
local = demand.values.tz_convert("Asia/Almaty").loc["2024-03-18":"2024-03-31"]
figure, axis = plt.subplots(figsize=(9, 3.4), layout="constrained")
for sector, colour in (("households", "#c1440e"), ("industry", "#0b5f8a")):
    axis.plot(local.index.tz_localize(None), local[areas[sector].name], color=colour, label=sector)
for day in pd.date_range("2024-03-21", "2024-03-25"):
    axis.axvspan(day, day + pd.Timedelta("1D"), color="0.92", linewidth=0)
axis.set(ylabel="Demand [MW]", xlabel="Local time")
axis.set_title("Almaty (synthetic) around Nauryz, days off in grey", loc="left", fontsize=11)
axis.legend(frameon=False)
axis.set_ylim(0)
plt.show()

# %% [markdown]
# Holidays come from the package `holidays`, with days moved by decree. **Keep it up to date**: a decree of this
# year is known to next month's version only, and a backtest sees old decrees as if they had been announced in time.

# %%
days = pd.date_range("2024-03-20", "2024-03-26")
kinds = ef.core.calendars.look_up(days, country="KZ")
pd.DataFrame({"holiday": kinds.holiday, "weekend": kinds.weekend, "working": kinds.working}, index=days)

# %% [markdown]
# Temperature acts through walls. Plot households against the temperature of the hour, and against its mean over the
# day before: the second cloud is the narrower one. That is why the recipe has means over 8, 24 and 72 hours.

# %%
households = demand.values[areas["households"].name]
temperature = synthetic.truth["temp_air"]
noon = households.index.tz_convert("Asia/Almaty").hour == 12
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
for axis, (name, felt) in zip(
    axes,
    {"of the hour": temperature, "mean of the 24 h before": temperature.rolling(24).mean()}.items(),
    strict=True,
):
    axis.scatter(felt[noon], households[noon], s=6, alpha=0.5, linewidth=0, color="#0b5f8a")
    axis.set(xlabel=f"Air temperature, {name} [°C]")
axes[0].set(ylabel="Households at noon [MW]")
figure.suptitle(
    "Households (synthetic): heating below 13 °C, cooling above 21 °C", x=0.01, ha="left", fontsize=11
)
plt.show()

# %% [markdown]
# ## One forecaster, three recipes
#
# Each area gets what its sector needs. Industry is forecast as a departure from its last weeks: trees cannot follow
# a level that they have not seen, and a furnace that was repaired last year says nothing of today.

# %%
task = ef.day_ahead("08:00", timezone="Asia/Almaty", quantiles=tuple(k / 20 for k in range(1, 20)))
forecaster = ef.Forecaster(synthetic.sites, task)
for area in synthetic.sites:
    print(f"{area.sector:10}  {', '.join(forecaster.features_of[area.name].names)}")
    print(f"{'':10}  {forecaster.model_of[area.name]}")

# %% [markdown]
# ## What is it worth?
#
# The reference is the same hour of last week, which is quite good. Give no percentage of capacity, for there is
# none: MW.

# %%
models = {"trees": forecaster, "last week": ef.Forecaster(synthetic.sites, task, model=ef.SeasonalNaive())}
result = ef.backtest(models, weather, demand, start="2024-09", end="2024-10", refit=None)
print(result)
scores = result.scores(by="site", chosen=["mae", "crps", "coverage"])
scores = scores[scores["level"].isna() | (scores["level"] == 0.8)]
scores.pivot(index=["site", "model"], columns="metric", values="value").round(2)

# %%
comparison = result.compare("crps", reference="last week", by="site")
comparison[["site", "skill", "low", "high", "p_adjusted", "n"]].round(3)

# %% [markdown]
# A backtest keeps its forecasts, and they are those that `predict` would have made at the time. The one for 25
# October, the Day of the Republic:

# %%
republic = result.forecasts["trees"].sel(issue_time="2024-10-24 08:00+05:00")
republic.plot(demand, timezone="Asia/Almaty")

# %%
republic.plot(demand, site=areas["industry"].name, timezone="Asia/Almaty")

# %% [markdown]
# ## Do the parts add up?
#
# The three areas are forecast apart, so the medians of the parts need not give that of the whole, and quantiles
# never add up: industry and households do not have their bad days together. The sum of two quantiles 0.9 is a rarer
# event than one in ten.

# %%
parts = result.forecasts["trees"]
level = {
    q: {sector: parts.sel(site=area.name).at(q).values.ravel() for sector, area in areas.items()}
    for q in (0.5, 0.9)
}
for q, values in level.items():
    excess = pd.Series(values["industry"] + values["households"] - values["total"])
    print(f"quantile {q}: the parts together are {excess.mean():+.1f} MW off the total's (synthetic)")

# %%
ef.reporting.figures.error_by_hour_and_month(result)

# %% [markdown]
# ## Exercises
#
# 1. Give the area no `country` (`dataclasses.replace(area, country=None)`). What does a holiday cost then?
# 2. Read `ef.datasets.almaty(ramadan=True)` and score March 2024 by hour. Which feature sees the sunset?
# 3. Fit industry with `LightGBMQuantiles()` in place of its default (`model={...}` by name). What happens after
#    hour 13,000, when a new consumer comes?
# 4. Try `LightGBMQuantiles(sharing="none")` for the total. Is the gain worth the time?
# 5. Forecast the total as the sum of its parts' medians. Is that better than the total's own?
