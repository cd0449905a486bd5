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
# # Calibration
#
# **What it shows.** In a calibrated forecast, 90 % of the outcomes are below the quantile 0.9. This notebook has a
# model that is not calibrated, and corrects it in two ways: by residuals on rows that the model has not seen, and
# by the errors of issued forecasts.
#
# **Data.** La Haute Borne, a real wind farm. The weather is ERA5, a reanalysis, so the scores are not forecast
# skill.

# %%
# %matplotlib inline
from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd

import energyforecast as ef

site, weather, power = ef.datasets.la_haute_borne()
levels = tuple(k / 20 for k in range(1, 20))
task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=levels)

# %% [markdown]
# ## Intervals that are too narrow
#
# Deep trees with a booster for each level fit the training rows too closely, and their residuals there are smaller
# than the errors on new data. `ConformalQuantiles` predicts each block of time by a model of the other blocks, and
# moves each level until the share of outcomes below it is right. The default model, which calibrates itself, is
# shown for comparison.

# %%
deep = ef.LightGBMQuantiles(
    sharing="none",
    folds=0,
    n_estimators=100,
    num_leaves=31,
    min_child_samples=10,
    learning_rate=0.1,
    fitted_quantiles=(0.05, 0.25, 0.5, 0.75, 0.95),
)
models = {
    "deep trees": deep,
    "deep, calibrated": ef.ConformalQuantiles(model=deep, folds=3),
    "default": ef.LightGBMQuantiles(),
}
result = ef.backtest(
    {name: ef.Forecaster(site, task, model=model, perfect_weather=True) for name, model in models.items()},
    weather,
    power,
    start="2015-01",
    end="2015-06",
    refit=None,
)
print(result)
table = result.scores(chosen=["coverage", "width", "crps"])
table["level"] = table["level"].map("{:.0%}".format).where(table["level"].notna(), "all")
table.pivot(index="model", columns=["metric", "level"], values="percent").round(1)

# %% [markdown]
# In percent. The 80 and 90 % intervals of the deep trees contain nine and twelve percent too few outcomes.
# Calibration corrects half of this where it is worst, with wider intervals and about the same CRPS. The
# rest is a difference between years: the model was calibrated on 2014 and scored in 2015. Calibration holds as
# long as the conditions do not change.
#
# The PIT histogram shows the same: the level at which each outcome fell in its forecast distribution. It is flat
# for a calibrated forecast. Peaks at both ends are outcomes beyond the outer quantiles.

# %%
ef.reporting.figures.pit(result, model="deep trees")

# %%
ef.reporting.figures.pit(result, model="deep, calibrated")

# %% [markdown]
# The default model calibrates itself by out-of-fold models, so it needs no `ConformalQuantiles`. Use it for models
# of your own.
#
# ## A plant that changes
#
# In the middle of January, a quarter of the turbines stop: we reduce the power, without a flag. The forecast is
# then no longer calibrated. `AdaptiveCalibration` uses the errors of earlier forecasts with published outcomes. It
# needs no fit and has no state.

# %%
values = power.values.copy()
values.loc["2015-01-16":] *= 0.75
changed = replace(power, values=values)
forecasts = {name: result.forecasts[name] for name in models}
adaptive = ef.AdaptiveCalibration(window="30D")
forecasts["deep, calibrated, then adapted"] = adaptive.apply(forecasts["deep, calibrated"], changed)


# %%
def frequency(forecast, first):
    """How often outcomes fell below each quantile from a day on, and on a mass at no power half so often."""
    pairs = ef.evaluation.align(changed, forecast)
    late = pairs.labels["valid_time"] >= pd.Timestamp(first, tz="UTC")
    return pairs.quantile_levels, pairs.share_at_or_below[late.to_numpy()].mean(axis=0)


figure, axis = plt.subplots(figsize=(5, 5), layout="constrained")
axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as it should be")
for name, forecast in forecasts.items():
    axis.plot(*frequency(forecast, "2015-02-15"), label=name)
axis.set(
    xlabel="Level of the quantile [1]",
    ylabel="Share of outcomes at or below it [1]",
    xlim=(0, 1),
    ylim=(0, 1),
)
axis.set_aspect("equal")
axis.set_title(
    "La Haute Borne from 15 February on,\na month after a quarter of it stopped\n(perfect weather)",
    loc="left",
    fontsize=11,
)
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# A line above the diagonal means that too many outcomes are below each quantile: the forecast is too high. After
# the adaptation it is calibrated again. This took weeks of errors. It is better to know the outage: if the
# operator reports it, set the flag `OUTAGE`, so that these hours are left out of training and scores.

# %% [markdown]
# ## Exercises
#
# 1. Calibrate by lead time: `ConformalQuantiles(by="lead_time", ...)`. Does it matter with perfect weather?
# 2. Set `rate=0` in `AdaptiveCalibration`, so that only the window of errors is used. How does the curve change?
# 3. Set the window to `"10D"` and then to `"60D"`. Which one adapts faster, and what is the advantage of the
#    other?
# 4. Adapt the forecasts of the default model too, first for the original farm, then for the changed one. When does
#    it help?
