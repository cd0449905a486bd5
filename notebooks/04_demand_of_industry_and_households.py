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
# **What it shows.** Demand depends on hours, weekdays, holidays, temperature with thermal inertia, and the state
# of factories. One forecaster for an area and its two sectors, with different features for each.
#
# **Data.** **Synthetic**: a city like Almaty with its region. Yearly and monthly energy are tuned to published
# figures; the share of industry and the daily and weekly profiles are assumptions. Scores show how the software
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
# ## The data
#
# A week with a holiday. Households have a morning rise and an evening peak; industry works in three shifts and
# changes mainly at weekends.

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
# Holidays are those of the package `holidays`, including days that are moved by decree. **Keep it up to date**:
# the package knows a decree only from its next version on, and a backtest treats past decrees as if they had been
# announced in time.

# %%
days = pd.date_range("2024-03-20", "2024-03-26")
kinds = ef.core.calendars.look_up(days, country="KZ")
pd.DataFrame({"holiday": kinds.holiday, "weekend": kinds.weekend, "working": kinds.working}, index=days)

# %% [markdown]
# Buildings react slowly to temperature. The figure shows households against the temperature of the hour, and
# against the mean temperature of the day before; the second scatter is smaller. So the features include means over
# 8, 24 and 72 hours.

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
# Each area gets the features of its sector. Industry is predicted as a deviation from the level of recent weeks,
# because trees cannot predict a level that is not in the training data.

# %%
task = ef.day_ahead("08:00", timezone="Asia/Almaty", quantiles=tuple(k / 20 for k in range(1, 20)))
forecaster = ef.Forecaster(synthetic.sites, task)
for area in synthetic.sites:
    print(f"{area.sector:10}  {', '.join(forecaster.features_of[area.name].names)}")
    print(f"{'':10}  {forecaster.model_of[area.name]}")

# %% [markdown]
# ## Backtest
#
# The reference is the same hour of the last week, which is already accurate. Scores are in MW, because demand has
# no capacity.

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
# A backtest stores its forecasts; they are identical to those of `predict` at the time. The forecast for 25
# October, the Day of the Republic:

# %%
republic = result.forecasts["trees"].sel(issue_time="2024-10-24 08:00+05:00")
republic.plot(demand, timezone="Asia/Almaty")

# %%
republic.plot(demand, site=areas["industry"].name, timezone="Asia/Almaty")

# %% [markdown]
# ## Sums of forecasts
#
# The three areas are forecast separately, so the medians of the sectors need not add up to the median of the
# total. Quantiles must not be added, because both sectors are seldom high at the same time: the sum of two
# quantiles 0.9 is exceeded in less than 10 % of hours.

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
# ## A single works
#
# The industry of a region is smooth, since its works average out. A single works is not: it has shifts, silent
# nights, and a furnace whose campaigns are planned. The synthetic works of notebook 11 needs no weather (`None`), and
# its true distribution is known, so the best possible loss is, too.

# %%
works = ef.datasets.works()
quarters = ef.day_ahead("09:00", timezone="Asia/Almaty", frequency="15min", quantiles=task.quantiles)
contestants = {"default": None, "same type of day": ef.SameTypeDay()}
single = ef.backtest(
    {name: ef.Forecaster(works.site, quarters, model=model) for name, model in contestants.items()},
    None,
    works.observations,
    start="2023-06-01",
    end="2023-06-28",
    refit=None,
)
best = {"best possible": works.best_possible(single.forecasts["default"])}
single = ef.Result.from_forecasts(dict(single.forecasts) | best, works.observations)
(1000 * single.scores(chosen=["pinball"]).set_index("model")["value"]).round(1).rename("pinball loss [kW]")

# %% [markdown]
# ## Exercises
#
# 1. Use the area without `country` (`dataclasses.replace(area, country=None)`). How large is the error on a
#    holiday?
# 2. Use `ef.datasets.almaty(ramadan=True)` and score March 2024 by hour. Which feature describes the sunset?
# 3. Fit industry with `LightGBMQuantiles()` instead of its default (`model={...}` by name). What happens after
#    hour 13,000, when a new consumer begins?
# 4. Use `LightGBMQuantiles(sharing="none")` for the total. Is the improvement worth the time?
# 5. Forecast the total as the sum of the medians of its sectors. Is that better than the forecast of the total?
