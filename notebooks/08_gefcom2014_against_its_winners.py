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
# # GEFCom2014 against its winners
#
# **What it shows.** In the Global Energy Forecasting Competition of 2014, many teams forecast the same farms, from
# the same weather, for the same hours. This notebook compares their published scores with those of this library,
# month by month. If you have the data, it also forecasts one month of two farms.
#
# **Data.** Scores only: the files in `benchmarks/results`, which name their command, and the leaderboard published
# by the organisers. The data of the competition is not part of the package; [the
# benchmarks](../docs/benchmarks/competitions.md) give its source. Set `ENERGYFORECAST_DATA` to its folder to run
# the last part.

# %%
# %matplotlib inline
import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from energyforecast import competitions

results = Path("..") / "benchmarks" / "results"
wind = json.loads((results / "gefcom2014-wind.json").read_text())
print(wind["made"])
print(wind["settings"]["model"])
print("\n".join(wind["settings"]["features"]))

# %% [markdown]
# ## The rules
#
# Ten wind farms in Australia. At the first hour of a month, 99 quantiles are required for every hour of it, from
# the wind of the ECMWF runs of 00 UTC (lead times of 1 to 24 h) and from past power. The score is the mean pinball
# loss over hours, quantiles and farms, in shares of capacity. Tasks 4 to 12 counted; the first three were a trial,
# and the settings of this library were chosen on them. The comparison has a limit: **this library did not
# compete.** Its settings could use the publications of the winners, which the teams did not have.

# %%
months = [str(month) for month in range(4, 13)]
teams = pd.DataFrame(wind["leaderboard"]["teams"]).T[months].dropna()
ours = pd.Series(wind["tasks"], name="energyforecast")[months]
board = pd.concat([teams.assign(mean=teams.mean(axis=1)), ours.to_frame().T.assign(mean=wind["mean"])])
board.sort_values("mean").head(6).round(5)

# %%
figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
best = teams.loc["kPower"]
entered = teams.drop(index=["Benchmark - Wind", "kPower"])
for number, (_, row) in enumerate(entered.iterrows()):
    axis.plot(
        months, 100 * (row / best - 1), color="0.75", linewidth=1, label=None if number else "other teams"
    )
axis.axhline(0, color="#c1440e", linewidth=2, label="kPower, the winner")
axis.plot(months, 100 * (ours / best - 1), color="#0b5f8a", linewidth=2, marker="o", label="energyforecast")
axis.set(xlabel="Task (month)", ylabel="Pinball loss above the winner's [%]", ylim=(-5, 25))
axis.spines[["top", "right"]].set_visible(False)
axis.set_title(
    "GEFCom2014 wind, ten farms, 99 quantiles (climatology: 81 to 220 % above)", loc="left", fontsize=11
)
axis.legend(frameon=False, fontsize=9, loc="upper right")
plt.show()

# %% [markdown]
# The mean is below that of the winner; most months are better, some worse. The standard error of the paired
# difference over nine months:

# %%
difference = ours - best
error = difference.std() / np.sqrt(len(difference))
print(f"mean difference {difference.mean():+.5f}, standard error {error:.5f}")
print(f"better in {(difference < 0).sum()} of {len(difference)} months")

# %% [markdown]
# The difference is more than two standard errors. But the months were also scored several times with different
# versions of the model (see the benchmark page), which makes the score slightly optimistic.
#
# ## Calibration
#
# The coverage of the central intervals by season, with hours of exactly 0 inside, and with ties shared:

# %%
coverage = pd.DataFrame(
    {
        (f"{float(share):.0%} interval", counted): found
        for share in ("0.8", "0.9")
        for counted, found in (
            ("plain", wind["coverage"][share]),
            ("ties shared", wind["coverage"][share]["ties_shared"]),
        )
    }
)
coverage.loc[["all", "DJF", "MAM", "JJA", "SON"]].astype(float).round(3)

# %% [markdown]
# One hour in ten is exactly 0 and lies in every interval that begins at 0, so the coverage of calibrated forecasts
# is above nominal. With ties shared, the coverage can be compared with the nominal value.

# %% [markdown]
# ## Solar
#
# Three plants. Only one month of the solar track can be scored with the available files, so the result is less
# certain: one month compared with the teams, and thirteen months of cross-validation without a comparison.

# %%
solar = json.loads((results / "gefcom2014-solar.json").read_text())
april = pd.Series({name: scores["1"] for name, scores in solar["leaderboard"]["teams"].items()})
april["energyforecast"] = solar["tasks"]["1"]
print(
    f"leave one month out: {solar['leave_one_month_out']['mean']:.5f} (no forecast skill: later months are learnt from)"
)
april.sort_values().head(5).round(5)

# %% [markdown]
# ## Forecast a month
#
# With the data of the competition: two farms, one month, from the data known at its first hour. This takes about
# ten seconds.

# %%
data_folder = os.environ.get("ENERGYFORECAST_DATA")
if data_folder is None:
    print("ENERGYFORECAST_DATA is not set: nothing is run.")
else:
    event = competitions.competition("gefcom2014-wind")
    data = event.read(data_folder, information="competition")
    rows = {}
    for zone in ("zone 1", "zone 7"):
        done = event.forecast(data, 4, site=zone).scored()
        usual = event.climatology(data, 4, site=zone).scored()
        rows[zone] = {
            "energyforecast": competitions.scoring.pinball(done),
            "climatology": competitions.scoring.pinball(usual),
            "hours": len(done),
        }
    print(pd.DataFrame(rows).T.round(5))

# %%
if data_folder is not None:
    week = slice(0, 7 * 24)
    figure, axis = plt.subplots(figsize=(9, 3.2), layout="constrained")
    hours = done.valid_time[week]
    for low, high, colour in ((4, 94, "#d3dfe7"), (9, 89, "#a8c3d3"), (24, 74, "#6f9fb8")):
        axis.fill_between(
            hours, done.quantiles[week, low], done.quantiles[week, high], color=colour, linewidth=0
        )
    axis.plot(hours, done.quantiles[week, 49], color="#0b5f8a", label="median")
    axis.plot(hours, done.observed[week], color="#c1440e", linestyle="--", label="measured")
    axis.set(ylabel="Share of capacity [1]", ylim=(0, 1))
    axis.set_title("Zone 7, first week of task 4: 50, 80 and 90 % intervals", loc="left", fontsize=11)
    axis.legend(frameon=False, ncols=2)
    plt.show()

# %% [markdown]
# ## Exercises
#
# 1. Rank the teams by the mean of their ranks instead of the mean score. Which teams gain?
# 2. In which months are all scores bad? Is that skill or weather? (Compare with the climatology.)
# 3. Draw the pinball loss by farm (`wind["sites"]`). Why is a high loss not a sign of a bad forecast?
# 4. With the data: `energyforecast benchmark gefcom2014-wind --data DIR --tasks 4 --information operational`. What
#    is the effect of weather that is not published for the whole month, and why did the competition publish it?
# 5. With the data: run tasks 1 to 3 with a model of your own, and then, once, task 4.
