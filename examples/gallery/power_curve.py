"""A power curve with density: thick cold air carries more power than thin warm air at the same wind.

python examples/gallery/power_curve.py power_curve.png
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import energyforecast as ef

synthetic = ef.datasets.shelek(models=("ecmwf",))
truth, site = synthetic.truth, synthetic.site
density = ef.physics.air_density(truth["temp_air"].to_numpy(), truth["pressure"].to_numpy())
wind, power = truth["wind_speed_mean"].to_numpy(), truth["power"].to_numpy()

figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
axes.plot(wind, power, ".", color="0.85", markersize=2, label=f"hours, n = {len(power)}")
low, high = np.quantile(density, [0.1, 0.9])
speed = np.arange(0, 16, 0.1)
for name, chosen, colour in (("densest", density > high, "#0b5f8a"), ("thinnest", density < low, "#c1440e")):
    curve = ef.PowerCurve.from_measurements(power[chosen], wind[chosen], rated=site.capacity)
    label = f"{name} tenth of the hours, {density[chosen].mean():.2f} kg m⁻³"
    axes.plot(speed, curve.power_at(speed) * site.capacity, color=colour, label=label)
axes.set(xlim=(2, 16), xlabel="Wind speed at hub height, mean of the hour [m s⁻¹]", ylabel="Power [MW]")
axes.set_title(f"{site.name}: power curves by air density", loc="left", fontsize=11)
axes.spines[["top", "right"]].set_visible(False)
axes.legend(loc="lower right", fontsize=8, frameon=False)
figure.supxlabel("synthetic", fontsize=8, color="0.35", x=0.99, ha="right")
ef.reporting.figures.save(figure, sys.argv[1])
