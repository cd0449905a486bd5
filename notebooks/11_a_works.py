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
# # A works
#
# **What it shows.** The demand of a works in quarter-hours, forecast from its meter, the calendar and its own plans:
# no weather is needed. How good the forecast is, how good it could be, and how to get the peak and the energy of a day.
#
# **Data.** **Synthetic**: a works of 700 kW whose statistics follow those of a real steel works. Its true distribution
# is known, so each score has a best possible value. Scores show how the software behaves.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import pandas as pd

import energyforecast as ef

plt.rcParams["date.converter"] = "concise"
synthetic = ef.datasets.works()
works, demand = synthetic.site, synthetic.observations
print(demand)
print(demand.planned)

# %% [markdown]
# ## The data
#
# Two weeks in May. Two shifts work from Monday to Friday, the nights are silent, and there are two holidays, on 1 and
# 9 May (the 8th is free by decree). The lines below show what the works had planned: campaigns of the furnace, and
# extra shifts at a weekend.

# %%
clock = demand.index.tz_convert(works.timezone)
shown = (clock >= "2023-04-28") & (clock < "2023-05-13")
local = clock[shown].tz_localize(None)
figure, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
axis.plot(local, 1000 * demand.values.loc[shown, works.name], color="0.25", linewidth=0.9, label="metered")
for height, (activity, colour) in enumerate({"furnace": "#c1440e", "extra shift": "#0b5f8a"}.items()):
    runs = demand.planned.at(works.name, activity, demand.index[shown]) > 0
    axis.fill_between(
        local,
        -30 - 30 * height,
        -8 - 30 * height,
        where=runs,
        step="post",
        color=colour,
        label=f"planned: {activity}",
        linewidth=0,
    )
axis.set(ylabel="Demand [kW]", xlabel="Local time", ylim=(-75, 700))
axis.set_title("A works (synthetic)", loc="left", fontsize=11)
axis.legend(frameon=False, ncols=3, loc="upper right")
axis.margins(x=0)
plt.show()

# %% [markdown]
# ## A first forecast
#
# Every morning at nine, the quarter-hours of the next day. `None` is the weather: there is none. The forecaster learns
# from all that was published by 1 June.

# %%
task = ef.day_ahead(
    "09:00", timezone=works.timezone, frequency="15min", quantiles=tuple(k / 20 for k in range(1, 20))
)
forecaster = ef.Forecaster(works, task).fit(None, demand, as_of="2023-06-01 09:00+06:00")
tomorrow = forecaster.predict(None, demand, issue_time="2023-06-01 09:00")
print(tomorrow)
tomorrow.plot(demand, timezone=works.timezone)

# %% [markdown]
# What did the default choose? Candidates are compared on later rows of the training data. Another choice than the usual
# one is taken only where it is clearly better.

# %%
print(forecaster)
pd.DataFrame(forecaster.training_.selection[works.name]["tried"]).set_index("choice").round(3)

# %% [markdown]
# ## How good is it?
#
# A score alone says little. Two references need no model: the same time of last week, and of the newest day of the same
# type (working day, Saturday, Sunday, holiday). A forecast that does not beat the second one is not worth its
# electricity.
#
# Since the works is synthetic, there is a fourth line: `best_possible` gives the true quantiles, which take as known
# all that could be known at nine o'clock. No forecast has a lower loss in the long run.

# %%
models = {"default": None, "same type of day": ef.SameTypeDay(), "last week": ef.SeasonalNaive()}
several = {name: ef.Forecaster(works, task, model=model) for name, model in models.items()}
backtest = ef.backtest(several, None, demand, start="2023-06-01", end="2023-08-29", refit=None)
best = synthetic.best_possible(backtest.forecasts["default"])
result = ef.Result.from_forecasts(dict(backtest.forecasts) | {"best possible": best}, demand)


def losses(result):
    """Mean absolute error of the median and pinball loss in kW, and the share that the central 80 % hold."""
    scores = result.scores(chosen=["mae", "pinball", "coverage"])
    scores = scores[scores["level"].isna() | (scores["level"] == 0.8)]
    table = scores.pivot(index="model", columns="metric", values="value")
    table[["mae", "pinball"]] *= 1000
    table["coverage"] *= 100
    return table.sort_values("pinball").round(1)


losses(result)

# %% [markdown]
# The best possible loss is far from zero: orders come and go, and machines start and stop. A part of the rest is the
# price of learning from five months.
#
# Where does the forecast lose? By the hour of the day:

# %%
hours = {}
for name, forecast in result.forecasts.items():
    rows = forecast.to_frame().set_index("valid_time")
    missed = (rows["q0.5"] - demand.values[works.name].reindex(rows.index)).abs()
    hours[name] = 1000 * missed.groupby(missed.index.tz_convert(works.timezone).hour).mean()
figure, axis = plt.subplots(figsize=(9, 3.4), layout="constrained")
order = ["last week", "same type of day", "default", "best possible"]
pd.DataFrame(hours)[order].plot(
    ax=axis, color=["0.75", "#e0a030", "#0b5f8a", "black"], style=["-", "-", "-", "--"]
)
axis.set(xlabel="Local hour", ylabel="Mean absolute error [kW]", ylim=(0, None), xlim=(0, 23))
axis.set_title("A works (synthetic), 90 days", loc="left", fontsize=11)
axis.legend(frameon=False, title=None)
plt.show()

# %% [markdown]
# ## The plan
#
# The forecaster knew the plans of the works: they are in the observations, each with the time at which it was
# published. Without them, the furnace comes as a surprise every time.

# %%
blind = ef.Observations(
    demand.values, published_after="15min", flags=demand.flags, frequency="15min"
)  # no plan
without = ef.backtest(
    {"without the plan": several["default"]}, None, blind, start="2023-06-01", end="2023-08-29", refit=None
)
planned = ef.Result.from_forecasts(
    {"with the plan": result.forecasts["default"], "without the plan": without.forecasts["without the plan"]},
    demand,
)
losses(planned)

# %% [markdown]
# A plan can be tried out before it is decided. What does tomorrow look like if the furnace runs from 10 to 16, and if
# it does not? Rows that were published later replace the earlier ones.


# %%
def tried(level):
    """Median of 2 June with the furnace at this level from 10 to 16, and off at any other time. [kW]"""
    rows = pd.DataFrame(
        {
            "site": works.name,
            "activity": "furnace",
            "start": ["2023-06-02 00:00", "2023-06-02 10:00", "2023-06-02 16:00"],
            "end": ["2023-06-02 10:00", "2023-06-02 16:00", "2023-06-03 00:00"],
            "level": [0, level, 0],
        }
    )
    plan = ef.PlannedOperation(rows, published="2023-06-01 08:30", timezone=works.timezone)
    forecast = forecaster.predict(None, demand, issue_time="2023-06-01 09:00", planned=plan)
    return 1000 * forecast.at(0.5).values.ravel()


question = pd.DataFrame({"furnace off": tried(0), "furnace 10 to 16": tried(1)})
question.index = (pd.timedelta_range("0h", periods=96, freq="15min") / pd.Timedelta("1h")).rename("hour")
question.iloc[36:68:4].round(0)

# %% [markdown]
# ## Peak and energy
#
# The works pays for its highest quarter-hour and for its energy. Neither is in the quantiles of quarter-hours: the
# highest of 96 medians is lower than most peaks. Both come from scenarios. [MW, MWh]

# %%
tomorrow.peak().iloc[0].drop(["site", "issue_time"])

# %%
tomorrow.energy().iloc[0].drop(["site", "issue_time"])

# %% [markdown]
# How well do they hold? `bias` is that of the median [MW, MWh], `coverage` the share of days in the central interval,
# `within 1 h` the share of days on which the time of the peak was right. Read this table before you promise a peak to
# anybody: intervals that hold for quarter-hours need not hold for the highest of them.

# %%
periods = ef.planning.period_scores(backtest)
kept = periods[periods["metric"].isin(["bias", "coverage", "within 1 h"]) & (periods["model"] == "default")]
kept[["quantity", "metric", "level", "value", "n"]].round(3)

# %% [markdown]
# ## Exercises
#
# 1. Use only the four weeks before 1 June. Which of the three models is hurt most?
# 2. Give a plan in which the works is closed on 2 June (`activity="closed"`). What does the forecaster answer, and why
#    can it not know?
# 3. Forecast the next four hours, every hour (`ef.intraday(every="1h", leads="4h", frequency="15min")`), in the first
#    week of June. How near is the default to the best possible, and is persistence better?
# 4. How often does the highest median of a day lie below its peak?
#
# Solutions: `solutions/11_a_works.py`, which goes on where this notebook ends.
