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
# **What it shows.** From two files, the CSV file of a logger and a table of weather forecasts, to a backtest of
# your own plant. Most mistakes happen before the first model is fitted: the clock, the label, the unit, and hours
# with wrong values.
#
# **Data.** **Synthetic**: the files are written here for a farm similar to those of the Shelek corridor, with
# typical faults of loggers. Replace them by your own files. Scores show how the software behaves.

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
# ## The file of the logger
#
# Ten-minute values in kW, labelled at their **end** by a clock that stays at UTC+6, although Kazakhstan changed to
# UTC+5 on 1 March 2024. Semicolons, decimal commas, a Russian header in an old encoding, some duplicate and some
# missing rows. The file does not contain this information.

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
# Name, coordinates and capacity are sufficient. Leave out fields that you do not know.

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
# The readers do not guess: unit, time zone and label are required, and so is `published_after`, because a lag that
# is used before its publication is leakage. A wrong value is an error with a remedy. The first attempt, with the
# time zone of the country:

# %%
file = folder / "scada.csv"
try:
    ef.read_power(file, timezone="Asia/Almaty", published_after="2h", format=logger)
except ef.errors.EnergyForecastError as error:
    print(error)

# %% [markdown]
# When Kazakhstan put its clocks back, one hour occurred twice. In the file it occurs once, so the clock of the
# logger was not changed. Its offset is that before or after the change.

# %%
try:
    ef.read_power(file, timezone="fixed:+06:00", published_after="2h", format=logger)
except ef.errors.EnergyForecastError as error:
    print(error)

# %% [markdown]
# The next fault: duplicate rows with different values. `duplicates="flag"` keeps the first of them and flags the
# hour.

# %%
power, logger = {}, replace(logger, duplicates="flag")
for zone in ("fixed:+05:00", "fixed:+06:00"):
    read = ef.read_power(file, timezone=zone, published_after="2h", format=logger)
    power[zone] = read.resample("1h")
    print(zone, power[zone])

# %% [markdown]
# ## A table of weather forecasts
#
# One row for each run and hour, in various units, with the time at which the file arrived. This column is the most
# important one: without it, the data known at an issue time cannot be reconstructed.

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
# ## Check the clock
#
# Wind and power are correlated. If the power lags behind the forecast wind, the clock is wrong; the lag by month
# shows how.

# %%
reports = {zone: ef.check_clock(read, weather, site=farm) for zone, read in power.items()}
for zone, report in reports.items():
    print(f"{zone}: {report}\n")

# %% [markdown]
# For wind, the accuracy is about half an hour. So the label at the end of ten minutes cannot be found in this way,
# and you must ask the operator.

# %%
chosen = power["fixed:+06:00"]

# %% [markdown]
# ## Quality flags
#
# Flags do not change values. Most of them exclude an hour from training and scores. `INCOMPLETE` hours lack some
# of their ten-minute values; an `OUTAGE` is a farm without power in a wind with which it should produce.

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
# ## The power curve of the farm
#
# The logger also records the wind at the nacelles. The method of bins computes a power curve from hours without
# flags. With it, the farm has a reference: the power of the curve for the forecast wind.

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
# ## Backtest
#
# The remaining steps are the same as for any other farm. The model is fitted again every month from the data known
# then, beginning with ten months.

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
# Save the result: scores as tables, and NetCDF files for `ef.Result.load`.

# %%
sorted(path.name for path in result.save(folder / "backtest").iterdir())

# %% [markdown]
# ## The effect of a wrong clock
#
# The clock is wrong by one hour. `fit` refuses such power unless you set `trust_clock=True`. The score shows the
# effect:

# %%
stubborn = ef.Forecaster(farm, task, trust_clock=True)
late = ef.backtest(
    {"wrong clock": stubborn}, weather, power["fixed:+05:00"], start="2024-05", end="2024-07", refit="MS"
)
both = {"right clock": result.forecasts["trees"]} | dict(late.forecasts)
judged = ef.Result.from_forecasts(both, flagged)  # by what really was
judged.compare("crps", reference="right clock")[["model", "skill", "low", "high", "p_adjusted", "n"]].round(3)

# %% [markdown]
# With the wrong clock, the skill is negative. The quality flags would also have found it: if power lags by more
# than 45 minutes, `flag_quality` sets the flag `CLOCK_SUSPECT` for every hour, and no hour is left for training.

# %% [markdown]
# ## Exercises
#
# 1. Give `unit="MW"` instead of kW. Which check fails, and what is its message?
# 2. Read with `label="beginning"` and look at the lag of `check_clock`. Why is it not sufficient to decide?
# 3. Leave out the column `came` and give `available_after="0h"`. There is no error. Which notebook gives the
#    reason?
# 4. Do the same on the command line: `energyforecast observations check scada.csv --help`.
# 5. Now use your own files.
