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
# # A city with Ramadan
#
# **What it shows.** The demand of a city follows calendar and temperature. Ramadan turns its day around, and comes
# eleven days earlier each year, so that no lag of a week or a year shows where it will be. What the calendar gives, and
# what a measured temperature adds.
#
# **Data.** **Synthetic**: a city of Morocco in half-hours, whose statistics follow those of a real one, with the
# temperature of a station. Its true distribution is known. Scores show how the software behaves.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import pandas as pd

import energyforecast as ef

plt.rcParams["date.converter"] = "concise"
synthetic = ef.datasets.city()
city, demand = synthetic.site, synthetic.observations
print(demand)

# %% [markdown]
# ## The data
#
# The dates of Ramadan come from the calendar of the library. Profiles of its weeks, and of the three weeks before: the
# day is quieter, the city is still when the fast is broken, and busy until the last meal before dawn. In Morocco the
# clock goes back by an hour for the month.

# %%
local = demand.values[city.name].tz_convert(city.timezone)
dates = local.index.tz_localize(None).normalize()
fasting = ef.core.calendars.ramadan(dates.to_numpy().astype("datetime64[D]"))
begins = dates[1:][fasting[1:] & ~fasting[:-1]]
print("Ramadan begins:", ", ".join(f"{day:%d %B %Y}" for day in begins))

figure, panels = plt.subplots(1, 3, figsize=(9, 3), layout="constrained", sharey=True)
for panel, day in zip(panels, begins, strict=True):
    for label, colour, first in (
        ("three weeks before", "0.6", day - pd.Timedelta("21D")),
        ("three weeks of Ramadan", "#0b5f8a", day),
    ):
        chosen = local[(dates >= first) & (dates < first + pd.Timedelta("21D"))]
        profile = chosen.groupby(chosen.index.hour + chosen.index.minute / 60).mean()
        panel.plot(profile.index, profile, color=colour, label=label)
    panel.set(title=f"{day:%Y}", xlabel="Local hour", xticks=range(0, 25, 6), ylim=(0, 52))
panels[0].set_ylabel("Demand [MW]")
panels[0].legend(frameon=False, fontsize=8, loc="lower right")
plt.show()

# %% [markdown]
# Temperature: the city heats below 14 °C and cools above 18 °C. Each point is the mean of a day.

# %%
daily = pd.DataFrame(
    {
        "demand": local.groupby(dates).mean(),
        "temperature": synthetic.temperature[city.name].tz_convert(city.timezone).groupby(dates).mean(),
    }
)
weekend = daily.index.day_of_week >= 5
figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
for chosen, label, colour in ((~weekend, "Monday to Friday", "#0b5f8a"), (weekend, "weekend", "#c1440e")):
    axis.scatter(
        daily["temperature"][chosen],
        daily["demand"][chosen],
        s=7,
        alpha=0.6,
        linewidth=0,
        color=colour,
        label=label,
    )
axis.set(xlabel="Mean temperature of the day [°C]", ylabel="Mean demand [MW]")
axis.set_title("A city (synthetic)", loc="left", fontsize=11)
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Without weather
#
# Two years are learnt, with two Ramadans. The third one is forecast, and the week before it: every morning the next
# day. `country` is enough for holidays and for Ramadan; both are in the features of the recipe.

# %%
task = ef.day_ahead(
    "09:00", timezone=city.timezone, frequency="30min", quantiles=tuple(k / 20 for k in range(1, 20))
)
print(ef.recipe(city, task, weather=None))
period = {"start": "2024-03-04", "end": "2024-04-07", "refit": None}
models = {"no weather": None, "same type of day": ef.SameTypeDay(), "last week": ef.SeasonalNaive()}
several = {name: ef.Forecaster(city, task, model=model) for name, model in models.items()}
alone = ef.backtest(several, None, demand, **period)
print("chosen:", alone.folds.set_index("model")["chosen"]["no weather"])

# %% [markdown]
# ## With a measured temperature
#
# The station measures, it does not forecast. So a backtest with its values has a perfect forecast of the temperature:
# its scores are a bound, and the library marks them. `perfect_weather=True` says that you know.

# %%
weather = ef.weather.measured_weather({"temp_air": synthetic.temperature}, published_after="15min")
warm = ef.backtest(
    {"temperature": ef.Forecaster(city, task, perfect_weather=True)}, weather, demand, **period
)
best = synthetic.best_possible(alone.forecasts["no weather"])
forecasts = dict(alone.forecasts) | dict(warm.forecasts) | {"best possible": best}
result = ef.Result.from_forecasts(forecasts, demand)
scores = result.scores(chosen=["mae", "pinball", "coverage"])
scores = scores[scores["level"].isna() | (scores["level"] == 0.8)]
scores.pivot(index="model", columns="metric", values="value").sort_values("pinball").round(3)

# %% [markdown]
# ## Day by day
#
# The references look back: last week needs a week to notice that Ramadan has begun, and the newest day of the same type
# a day for working days and more for Saturday and Sunday. The models know the calendar, but they have seen only two
# beginnings, and what they know of the level and the profile of the newest days is from before. See how many days they
# need, and how much of it nobody could know (the broken line).

# %%
missed = {}
for name, forecast in forecasts.items():
    rows = forecast.to_frame().set_index("valid_time")
    error = (rows["q0.5"] - demand.values[city.name].reindex(rows.index)).abs()
    missed[name] = error.groupby(error.index.tz_convert(city.timezone).tz_localize(None).normalize()).mean()
missed = pd.DataFrame(missed)
colours = {
    "last week": "0.75",
    "same type of day": "#e0a030",
    "no weather": "#0b5f8a",
    "temperature": "#c1440e",
    "best possible": "black",
}
figure, axis = plt.subplots(figsize=(9, 3.4), layout="constrained")
for name, colour in colours.items():
    axis.plot(
        missed.index, missed[name], color=colour, label=name, ls="--" if name == "best possible" else "-"
    )
axis.axvline(begins[-1], color="0.5", linewidth=0.8)
axis.text(begins[-1], 4.5, " Ramadan begins", va="top", fontsize=9, color="0.3")
axis.set(ylabel="Mean absolute error [MW]", ylim=(0, 4.6))
axis.set_title("A city (synthetic), by day", loc="left", fontsize=11)
axis.legend(frameon=False, ncols=2, loc="upper right", fontsize=9)
plt.show()

# %%
alone.forecasts["no weather"].sel(issue_time="2024-03-12 09:00+00:00").plot(demand, timezone=city.timezone)

# %% [markdown]
# ## Peak and energy
#
# In Ramadan the highest half-hour of the day may come in the night. The peak has a time, and how sure it is.

# %%
peaks = [
    alone.forecasts["no weather"].sel(issue_time=issue).peak().iloc[0]
    for issue in alone.forecasts["no weather"].issue_times[[0, 9]]
]
pd.DataFrame(peaks).drop(columns=["site", "issue_time"]).T

# %% [markdown]
# ## Exercises
#
# 1. Forecast the city without its country (`dataclasses.replace(city, country=None)`). What is the calendar worth in
#    the first three days of Ramadan, and in the two weeks after them?
# 2. In which hours do the first three days of Ramadan lose most, against the best possible?
# 3. The station fails on the day of the issue: the temperature is known up to yesterday evening. Which function of
#    `ef.weather` gives the forecaster a temperature that is honest? (No code.)
#
# Solutions: `solutions/13_a_city_with_ramadan.py`, which goes on where this notebook ends.
