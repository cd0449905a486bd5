"""The clear-sky index: what is left of the radiation when the course of the sun is taken out.

python examples/gallery/clear_sky_index.py clear_sky_index.png
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import energyforecast as ef

synthetic = ef.datasets.kapshagay(models=("ecmwf",))
sky = synthetic.truth.tz_convert("Asia/Almaty")
index = ef.physics.clear_sky_index(sky["ghi"].to_numpy(), sky["ghi_clear"].to_numpy())
days = slice("2024-05-06", "2024-05-10")

figure, (course, shares) = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained", width_ratios=(2, 1))
hours = np.arange(len(sky[days])) / 24
course.fill_between(hours, sky["ghi_clear"][days], step="post", color="0.88", label="clear sky")
course.step(hours, sky["ghi"][days], where="post", color="#c1440e", label="what came")
course.set(xlabel="Days from 6 May 2024, local time", ylabel="Global radiation [W m⁻²]", ylim=(0, 1150))
course.legend(loc="upper left", fontsize=8, frameon=False, ncols=2)
shares.hist(index, bins=np.arange(0, 1.3, 0.05), density=True, color="#0b5f8a", edgecolor="white")
shares.set(xlabel="Clear-sky index [1]", ylabel="Density, two years with sun [1]")
course.set_title(f"{synthetic.site.name}: radiation and its clear-sky index", loc="left", fontsize=11)
for axes in (course, shares):
    axes.spines[["top", "right"]].set_visible(False)
figure.supxlabel("synthetic", fontsize=8, color="0.35", x=0.99, ha="right")
ef.reporting.figures.save(figure, sys.argv[1])
