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
# # A works: solutions
#
# The cells go on where the notebook ends, with its variables.

# %% [markdown]
# 1. The model, because it has most to learn. Last week and the newest day of the same type need little more than that
#    week; what they lose is the knowledge of their own errors.

# %%
short = ef.backtest(several, None, demand["2023-05-04":], start="2023-06-01", end="2023-06-28", refit=None)
long = ef.backtest(several, None, demand, start="2023-06-01", end="2023-06-28", refit=None)
four_weeks = pd.DataFrame({"four weeks": losses(short)["pinball"], "five months": losses(long)["pinball"]})
four_weeks

# %% [markdown]
# 2. It answers with a normal day, or nearly so: from January to May the works was never closed by plan, so there is
#    nothing to learn from. A forecast under a plan is as good as the variety of the past. A holiday of the calendar is
#    another matter, because there were some.

# %%
row = {"site": works.name, "activity": "closed", "start": "2023-06-02", "end": "2023-06-03", "level": 1}
closing = ef.PlannedOperation(pd.DataFrame([row]), published="2023-06-01 08:30", timezone=works.timezone)
closed = forecaster.predict(None, demand, issue_time="2023-06-01 09:00", planned=closing)
closed_share = float(closed.at(0.5).sum() / tomorrow.at(0.5).sum())
print(f"closed by plan: {100 * closed_share:.0f} % of the energy of a normal day")

# %% [markdown]
# 3. The newest value helps in the first hour and little later, since machines start and stop; the best possible
#    forecast has the same shape. Persistence takes the silence before a shift for the shift.

# %%
now = ef.intraday(every="1h", leads="4h", frequency="15min", quantiles=task.quantiles)
nearby = ef.backtest(
    {
        "default": ef.Forecaster(works, now),
        "persistence": ef.Forecaster(works, now, model=ef.Persistence()),
    },
    None,
    demand["2023-04":],
    start="2023-06-01",
    end="2023-06-07",
    refit=None,
)
of_next_hours = dict(nearby.forecasts) | {
    "best possible": synthetic.best_possible(nearby.forecasts["default"])
}
next_hours = pd.Series(
    {
        name: 1000 * float(ef.evaluation.score("pinball", demand, forecast)["value"].iloc[0])
        for name, forecast in of_next_hours.items()
    }
)
next_hours.round(1).rename("pinball loss [kW]")

# %% [markdown]
# 4. On most days, and on nearly all on which the works works: the highest of many values is high because its own
#    chance was good. On a silent Sunday there is little to be higher than.

# %%
rows = result.forecasts["default"].to_frame().set_index("valid_time")
day = rows.index.tz_convert(works.timezone).date
peaks = pd.DataFrame(
    {
        "highest median": rows["q0.5"].groupby(day).max(),
        "peak": demand.values[works.name].reindex(rows.index).groupby(day).max(),
    }
)
below = float((peaks["highest median"] < peaks["peak"]).mean())
print(f"the highest median lies below the peak on {100 * below:.0f} % of days")
