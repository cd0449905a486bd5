"""Weather age: which run a morning may use; a run counts from its arrival, not from its start.

python examples/gallery/weather_age.py weather_age.png
"""

import sys

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.dates import ConciseDateFormatter

import energyforecast as ef

synthetic = ef.datasets.shelek(models=("ecmwf",))
runs = synthetic.weather["ecmwf"]["available_time"].sel(init_time=slice("2023-02-13 06:00", "2023-02-16"))
issues = pd.date_range("2023-02-14 02:00", periods=3, freq="D")  # 08:00 in Almaty, at UTC+6 then

figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
for row, (start, came) in enumerate(runs.to_series().items()):
    axes.barh(row, came - start, left=start, color="0.85", label="computed and sent" if row == 0 else None)
    axes.plot(came, row, "o", color="#0b5f8a", markersize=5, label="arrived" if row == 0 else None)
for issue in issues:
    usable = runs.to_series()[lambda came: came <= issue]  # noqa: B023
    axes.axvline(issue, color="#c1440e", linewidth=1.2)
    age = (issue - usable.index[-1]) / pd.Timedelta("1h")
    axes.annotate(f" {age:.0f} h old", (issue, len(usable) - 1), color="#c1440e", va="center")
axes.set_yticks(range(len(runs)), [f"{start:%d %b %H:%M}" for start in runs.to_series().index])
axes.invert_yaxis()
axes.set(xlabel="Time, UTC; lines: issues at 08:00 in Almaty", ylabel="Start of the run, UTC")
axes.set_title(f"{synthetic.site.name}: the newest run that had arrived", loc="left", fontsize=11)
axes.legend(loc="upper right", fontsize=8, frameon=False)
axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
figure.supxlabel("synthetic", fontsize=8, color="0.35", x=0.99, ha="right")
ef.reporting.figures.save(figure, sys.argv[1])
