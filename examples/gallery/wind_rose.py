"""A wind rose with error: where the wind comes from, and from where it is hard to forecast.

python examples/gallery/wind_rose.py wind_rose.png
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import energyforecast as ef

site, weather, power = ef.datasets.la_haute_borne()
task = ef.day_ahead("09:00", timezone="Europe/Paris")
forecaster = ef.Forecaster(site, task, perfect_weather=True)
result = ef.backtest({"LightGBMQuantiles": forecaster}, weather, power, start="2015", end="2015", refit=None)

pairs = result.pairs["LightGBMQuantiles"]  # outcomes beside the forecasts of their hours
error = abs(pairs.observed - pairs.at(0.5)) / pairs.capacity * 100
direction = weather["wind_direction_100m"].sel(site=site.name).to_series().tz_localize("UTC")
sector = (direction[pairs.labels["valid_time"]].reset_index(drop=True) / 30).round() % 12  # 0: north
share = sector.value_counts(normalize=True).sort_index() * 100
mae = pd.Series(error).groupby(sector).mean()

figure, axes = plt.subplots(figsize=(6.4, 5.2), layout="constrained", subplot_kw={"projection": "polar"})
axes.set_theta_zero_location("N")
axes.set_theta_direction("clockwise")
axes.set_rlabel_position(135)
colours = plt.Normalize(0, mae.max())
axes.bar(np.radians(share.index * 30), share, width=0.45, color=plt.cm.cividis(colours(mae)))
axes.set_xticks(np.radians(range(0, 360, 45)), ["N", "NE", "E", "SE", "S", "SW", "W", "NW"])
axes.set_yticks([5, 10], ["5 %", "10 %"])
figure.colorbar(plt.cm.ScalarMappable(colours, "cividis"), ax=axes, label="MAE [% of capacity]", pad=0.1)
axes.set_title(f"{site.name}: share of hours, n = {len(error)}", loc="left", fontsize=11)
figure.supxlabel("perfect weather (ERA5 reanalysis): not forecast skill", fontsize=8, color="0.35")
ef.reporting.figures.save(figure, sys.argv[1])
