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
# # Bring your own data
#
# **What it shows.** From two files as they lie on somebody's disk, a logger's CSV and a table of weather forecasts,
# to a backtest of your own plant. Most of the work, and most of what can go wrong, is before the first model: which
# clock, which end of the interval, which unit, which hours not to believe.
#
# **Data.** **Synthetic**: the files are written here from a farm like those of the Shelek corridor, with the
# defects that loggers have. Put your own files in their place. Scores say how the code behaves.

# %%
# %matplotlib inline
import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import energyforecast as ef

plt.rcParams["date.converter"] = "concise"
folder = Path(tempfile.mkdtemp())
synthetic = ef.datasets.shelek(start="2023-07-01", hours=400 * 24, models=("ecmwf",))

# %% [markdown]
# ## The logger's file
#
# Ten minutes in kW, stamped at their **end** by a clock that was set to UTC+6 and never again, though Kazakhstan
# moved to UTC+5 on 1 March 2024. Semicolons, decimal commas, a Russian header in an old encoding; some rows twice,
# some missing. Nothing of that is said in the file.

# %%
raw = synthetic.raw
logger = pd.DataFrame(
    {
        "Время": (raw["time"] + pd.Timedelta("10min")).dt.strftime("%d.%m.%Y %H:%M"),
        "Мощность, кВт": raw["power"],
        "Ветер": raw["wind_speed"],
    }
)
logger.to_csv(folder / "scada.csv", index=False, sep=";", decimal=",", encoding="cp1251")
print((folder / "scada.csv").read_text(encoding="cp1251")[:200])

# %% [markdown]
# ## Your plant
#
# Name, place and capacity are enough to begin. What is not known stays out.

# %%
farm = ef.WindFarm(
    name="my farm (synthetic)",
    latitude=43.64,
    longitude=78.54,
    capacity=60,
    hub_height=100,
    timezone="Asia/Almaty",
)
logger = ef.TableFormat(
    unit="kW",
    label="ending",
    columns={"Мощность, кВт": farm.name},
    time_format="%d.%m.%Y %H:%M",
    delimiter=";",
    decimal=",",
    encoding="cp1251",
)

# %% [markdown]
# Nothing is guessed: unit, clock and label must be said, and `published_after` too, for a lag that is used before
# it was published is a leak. What is said wrongly is an error with a remedy. First try, with the clock of the
# country:

# %%
file = folder / "scada.csv"
try:
    ef.read_power(file, timezone="Asia/Almaty", published_after="2h", format=logger)
except ef.errors.EnergyForecastError as error:
    print(error)

# %% [markdown]
# When Kazakhstan put its clocks back, one hour was shown twice. The file has it once: this logger did not follow.
# So it is a clock that never changes, and there are two to choose from, before and after the change.

# %%
try:
    ef.read_power(file, timezone="fixed:+06:00", published_after="2h", format=logger)
except ef.errors.EnergyForecastError as error:
    print(error)

# %% [markdown]
# That is the other defect: rows that are there twice and contradict each other. `duplicates="flag"` keeps the first
# of each and marks the hour.

# %%
power, logger = {}, replace(logger, duplicates="flag")
for zone in ("fixed:+05:00", "fixed:+06:00"):
    read = ef.read_power(file, timezone=zone, published_after="2h", format=logger)
    power[zone] = read.resample("1h")
    print(zone, power[zone])

# %% [markdown]
# ## Weather as you were sent it
#
# A row for each run and hour, in somebody's units, with the time at which the file came. That column is worth more
# than any other: without it nobody can say later what was known when.

# %%
ecmwf = synthetic.weather["ecmwf"].isel(site=0, lead_time=slice(0, 61))
table = ecmwf[["wind_speed_100m", "wind_direction_100m", "temp_air", "pressure"]].to_dataframe().reset_index()
sent = pd.DataFrame(
    {
        "run": table["init_time"],
        "hour": table["lead_time"] / pd.Timedelta("1h"),
        "came": table["available_time"],
        "ws100_kmh": (3.6 * table["wind_speed_100m"]).round(2),
        "wd100": table["wind_direction_100m"].round(0),
        "t_kelvin": (table["temp_air"] + 273.15).round(2),
        "p_hpa": (table["pressure"] / 100).round(1),
    }
)
sent.to_csv(folder / "weather.csv", index=False)
sent.head(3)

# %%
weather = ef.weather.read_table(
    folder / "weather.csv",
    sites=farm,
    format=ef.TableFormat(
        init_time="run",
        lead_time="hour",
        published_time="came",
        timezone="UTC",
        columns={
            "ws100_kmh": "wind_speed_100m",
            "wd100": "wind_direction_100m",
            "t_kelvin": "temp_air",
            "p_hpa": "pressure",
        },
    ),
    units={"wind_speed_100m": "km/h", "wind_direction_100m": "degree", "temp_air": "K", "pressure": "hPa"},
    label=ef.weather.Label.INSTANT,
    attribution="synthetic",
)
weather

# %% [markdown]
# ## Which clock?
#
# Wind and power know each other. Where the power lags behind the wind of the forecasts, the clock is wrong, and by
# month it shows how.

# %%
reports = {zone: ef.check_clock(read, weather, site=farm) for zone, read in power.items()}
for zone, report in reports.items():
    print(f"{zone}: {report}\n")

# %% [markdown]
# A wind farm tells hours, not minutes: that the label is the end of its ten minutes could not be found out in this
# way, and has to be asked for.

# %%
chosen = power["fixed:+06:00"]

# %% [markdown]
# ## Which hours not to believe?
#
# Flags change no value. Most of them keep an hour from training and from scores. `INCOMPLETE` hours lack some of
# their ten minutes; an `OUTAGE` is a farm that stands still in a wind that would drive it.

# %%
flagged = ef.flag_quality(chosen, sites=farm, weather=weather)
bits = flagged.flags[farm.name]
counts = {flag.name: int((bits & flag.value != 0).sum()) for flag in ef.Flag}
print(flagged)
pd.Series({name: count for name, count in counts.items() if count}, name="hours")

# %%
spell = bits[(bits & int(ef.Flag.OUTAGE)) != 0].index[0]
around = slice(spell - pd.Timedelta("1D"), spell + pd.Timedelta("2D"))
figure, axis = plt.subplots(figsize=(9, 3), layout="constrained")
shown = flagged.values.loc[around, farm.name]
axis.step(shown.index, shown, where="post", color="0.5", label="measured")
axis.plot(shown[flagged.unfit.loc[around, farm.name]], "o", color="#c1440e", label="set aside by a flag")
axis.set(ylabel="Power [MW]", xlabel="UTC")
axis.set_title("My farm (synthetic): hours that neither teach nor count", loc="left", fontsize=11)
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# ## The farm's own curve
#
# The logger has the wind of the nacelles beside the power: a curve by the method of bins, from the hours to
# believe. With it the farm has a reference: what the curve says of the wind that was forecast.

# %%
began = (raw["time"] - pd.Timedelta("6h")).dt.tz_localize("UTC")
wind = raw.set_index(began)["wind_speed"].resample("1h").mean().reindex(flagged.index)
curve = ef.PowerCurve.from_measurements(
    flagged.values[farm.name], wind, rated=farm.capacity, usable=~flagged.unfit[farm.name]
)
farm = replace(farm, power_curve=curve)

figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
good = ~flagged.unfit[farm.name]
axis.scatter(
    wind[good],
    flagged.values.loc[good, farm.name],
    s=3,
    alpha=0.3,
    linewidth=0,
    color="#0b5f8a",
    label="kept",
)
axis.scatter(
    wind[~good], flagged.values.loc[~good, farm.name], s=8, linewidth=0, color="#c1440e", label="set aside"
)
speeds = np.linspace(0, 20, 200)
axis.plot(speeds, farm.capacity * curve.power_at(speeds), color="black", label="curve")
axis.set(xlabel="Wind of the nacelles [m s⁻¹]", ylabel="Power [MW]", xlim=(0, 20))
axis.set_title("My farm (synthetic)", loc="left", fontsize=11)
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# ## What is it worth?
#
# From here on it is as with any other farm. Fitted anew each month from what was known then, on ten months at
# first.

# %%
task = ef.day_ahead("08:00", timezone="Asia/Almaty", quantiles=tuple(k / 20 for k in range(1, 20)))
models = {
    "trees": ef.LightGBMQuantiles(),
    "power curve": ef.PowerCurveReference(),
    "climatology": ef.Climatology(),
}
result = ef.backtest(
    {name: ef.Forecaster(farm, task, model=model) for name, model in models.items()},
    weather,
    flagged,
    start="2024-05",
    end="2024-07",
    refit="MS",
)
print(result, "(synthetic)")
scores = result.scores(chosen=["mae", "crps", "coverage"])
scores = scores[scores["level"].isna() | (scores["level"] == 0.8)]
scores.pivot(index="model", columns="metric", values="percent").round(1)

# %%
result.forecasts["trees"].sel(issue_time="2024-07-09 08:00+05:00").plot(flagged, timezone="Asia/Almaty")

# %% [markdown]
# Keep it: scores for people, and NetCDF that `ef.Result.load` reads back.

# %%
sorted(path.name for path in result.save(folder / "backtest").iterdir())

# %% [markdown]
# ## What did the wrong clock cost?
#
# An hour, no more. `fit` refuses such power; tell it that you know better (`trust_clock=True`), and the score shows
# what the check has saved.

# %%
stubborn = ef.Forecaster(farm, task, trust_clock=True)
late = ef.backtest(
    {"wrong clock": stubborn}, weather, power["fixed:+05:00"], start="2024-05", end="2024-07", refit="MS"
)
both = {"right clock": result.forecasts["trees"]} | dict(late.forecasts)
judged = ef.Result.from_forecasts(both, flagged)  # by what really was
judged.compare("crps", reference="right clock")[["model", "skill", "low", "high", "p_adjusted", "n"]].round(3)

# %% [markdown]
# A skill below nothing is what the wrong clock costs. Flags would have found it too: of power that lags by more
# than 45 minutes `flag_quality` sets every hour aside (`CLOCK_SUSPECT`), and nothing is left to learn from.

# %% [markdown]
# ## Exercises
#
# 1. Say `unit="MW"` in place of kW. Which check stops you, and what does it say?
# 2. Read with `label="beginning"` and look at the lag of `check_clock`. Why is that not enough to decide?
# 3. Leave the column `came` out and say `available_after="0h"`. Nothing complains. Which notebook tells why?
# 4. Do the same on the command line: `energyforecast observations check scada.csv --help`.
# 5. Now with your own files.
