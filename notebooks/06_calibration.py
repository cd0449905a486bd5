# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Calibration
#
# A quantile of 0.9 should be above nine outcomes in ten. Here is a model of which that is not so, and how it is
# repaired: before forecasts are issued, from rows that the model did not see, and while they are issued,
# from the errors of earlier ones. Weather is ERA5, a reanalysis, so the scores are not forecast skill.

# %%
# %matplotlib inline
from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd

import energyforecast as ef

site, weather, power = ef.datasets.la_haute_borne()
task = ef.day_ahead("09:00", timezone="Europe/Paris")

# %% [markdown]
# ## Too sure of itself
#
# Trees that are grown deep know their training rows too well, and take the errors there for those to come.
# `ConformalQuantiles` asks the model of each block of time for rows it has not seen, and moves each level
# until the share of outcomes below it is right.

# %%
deep = ef.LightGBMQuantiles(folds=0, trees=60, leaves=31, minimum_rows=10, learning_rate=0.1)
models = {"deep trees": deep, "calibrated": ef.ConformalQuantiles(model=deep, folds=3)}
result = ef.backtest(
    {name: ef.Forecaster(site, task, model=model, perfect_weather=True) for name, model in models.items()},
    weather,
    power,
    start="2015-01",
    end="2015-03",
    refit=None,
)
print(result)
coverage = result.scores().query("metric == 'coverage'")
coverage.pivot(index="model", columns="level", values="percent").round(1)

# %% [markdown]
# ## A plant that changes
#
# In the middle of January a quarter of the turbines stop (we take their power away; nobody tells the model). What was
# calibrated is so no more. `AdaptiveCalibration` looks at the forecasts issued before, as far as their outcomes were
# published, and follows.

# %%
values = power.values.copy()
values.loc["2015-01-16":] *= 0.75
changed = replace(power, values=values)
forecasts = {name: result.forecasts[name] for name in models}
forecasts["calibrated, then adapted"] = ef.AdaptiveCalibration(window="30D").apply(
    forecasts["calibrated"], changed
)


# %%
def frequency(forecast, first):
    """How often outcomes fell below each quantile from a day on, and on a mass at no power half so often."""
    pairs = ef.evaluation.metrics.align(changed, forecast)
    late = pairs.labels["valid_time"] >= pd.Timestamp(first, tz="UTC")
    return pairs.levels, pairs.share_at_or_below[late.to_numpy()].mean(axis=0)


figure, axis = plt.subplots(figsize=(5, 5), layout="constrained")
axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as it should be")
for name, forecast in forecasts.items():
    axis.plot(*frequency(forecast, "2015-02-15"), label=name)
axis.set_xlabel("level of the quantile")
axis.set_ylabel("share of outcomes below")
axis.set_title("La Haute Borne after a quarter of it stopped\nfrom 15 February 2015, perfect weather")
axis.legend(frameon=False)
figure.savefig("calibration.png", dpi=100)

# %% [markdown]
# ## Exercises
#
# 1. Calibrate by lead: `ConformalQuantiles(by="lead_time", ...)`. Does it matter with perfect weather?
# 2. Set `rate=0` in `AdaptiveCalibration`: only the window of errors is left. What becomes of the curve?
