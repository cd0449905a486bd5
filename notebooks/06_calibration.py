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
# **What it shows.** A quantile of 0.9 should be above nine outcomes in ten. Here is a model of which that is not
# so, and how it is repaired: before forecasts are issued, from rows that the model did not see, and while they are
# issued, from the errors of earlier ones.
#
# **Data.** La Haute Borne, a real wind farm. Weather is ERA5, a reanalysis, so the scores are not forecast skill.

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
# ## Too sure of itself
#
# Trees that are grown deep, one booster a level, know their training rows too well, and take the errors there for
# those to come. `ConformalQuantiles` asks the model of each block of time for rows it has not seen, and moves each
# level until the share of outcomes below it is right there. Beside them the default model, which calibrates itself.

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
# In percent. The intervals of the deep trees hold too few outcomes: eight or nine in a hundred are missing from the
# wide ones. After the repair more than half of that is gone, for intervals that are a tenth wider, at about the
# same CRPS. What is left is not the model's fault alone: it was calibrated on 2014, and judged in 2015. Calibration
# is always that of the past, and holds as far as the future is like it.
#
# The PIT says the same in one picture: where in its forecast distribution did each outcome fall? Evenly, if the
# distribution was right. Heaps at both ends are outcomes that the forecast thought next to impossible.

# %%
ef.reporting.figures.pit(result, model="deep trees")

# %%
ef.reporting.figures.pit(result, model="deep, calibrated")

# %% [markdown]
# The default model calibrates itself in a cheaper way (out-of-fold models judge it on rows that they did not see),
# so it needs no wrapper. Wrap what you bring yourself.
#
# ## A plant that changes
#
# In the middle of January a quarter of the turbines stop (we take their power away; nobody tells the model). What
# was calibrated is so no more. `AdaptiveCalibration` looks at the forecasts issued before, as far as their outcomes
# were published, and follows. It needs no fit and keeps no state.

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
# A line above the diagonal says that outcomes fell too often below each quantile: the forecast is too high.
# Adapted, it is back. That took weeks of errors, and better is to know: hours of which the operator says that
# turbines were out should carry the flag `OUTAGE`, so that they neither teach nor count.

# %% [markdown]
# ## Exercises
#
# 1. Calibrate by lead: `ConformalQuantiles(by="lead_time", ...)`. Does it matter with perfect weather?
# 2. Set `rate=0` in `AdaptiveCalibration`: only the window of errors is left. What becomes of the curve?
# 3. Make the window `"10D"` and then `"60D"`. Which follows faster, and what does the other one have for it?
# 4. Adapt the default model's forecasts as well, first for the farm as it was, then for the changed one. When does
#    it help?
