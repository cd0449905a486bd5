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
# # A city with Ramadan: solutions
#
# The cells go on where the notebook ends, with its variables.

# %% [markdown]
# 1. Less than one would hope in the first days: two beginnings are few to learn from, and the forecast looks at the
#    newest days, which were ordinary. Later the newest days are days of Ramadan, with and without a calendar. Where the
#    first days matter, give more years of history.

# %%
from dataclasses import replace

anywhere = ef.backtest(
    {"no calendar": ef.Forecaster(replace(city, country=None), task)},
    None,
    demand,
    start="2024-03-10",
    end="2024-03-26",
    refit=None,
)
rows = anywhere.forecasts["no calendar"].to_frame().set_index("valid_time")
error = (rows["q0.5"] - demand.values[city.name].reindex(rows.index)).abs()
day = error.index.tz_convert(city.timezone).tz_localize(None).normalize()
calendar = pd.DataFrame({"without the country": error.groupby(day).mean(), "with it": missed["no weather"]})
first, later = calendar["2024-03-11":"2024-03-13"].mean(), calendar["2024-03-14":"2024-03-27"].mean()
print("first three days: " + ", ".join(f"{value:.2f} MW {name}" for name, value in first.items()))
print("two weeks later:  " + ", ".join(f"{value:.2f} MW {name}" for name, value in later.items()))

# %% [markdown]
# 2. In the night: between the evening meal and the last meal before dawn the city is awake, and last week it slept.

# %%
hours = {}
for name in ("no weather", "best possible"):
    rows = forecasts[name].to_frame().set_index("valid_time")["2024-03-11":"2024-03-13"]
    error = (rows["q0.5"] - demand.values[city.name].reindex(rows.index)).abs()
    hours[name] = error.groupby(error.index.tz_convert(city.timezone).hour).mean()
pd.DataFrame(hours).round(2).T

# %% [markdown]
# 3. `ef.weather.TemperatureEnsemble` or `temperature_scenarios`: temperatures of past years, moved to the level of the
#    newest days. A forecast of a weather service is better still.
