"""A month of demand ahead as a figure: task 3 of GEFCom2014 load, December 2010, which does not count."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from energyforecast.competitions import Gefcom2014Load, TaskForecast

SHADES = ((5, "#cfe0f1"), (10, "#a9c8e6"), (25, "#6fa3d3"))


def draw(done: TaskForecast, path: Path) -> None:
    """The central 90, 80 and 50 % intervals, the median and what was observed."""
    figure, axes = plt.subplots(figsize=(11, 4))
    time = np.asarray(done.valid_time)
    for percent, colour in SHADES:
        low, high = done.quantiles[:, percent - 1], done.quantiles[:, 99 - percent]
        axes.fill_between(time, low, high, color=colour, linewidth=0, label=f"{100 - 2 * percent} %")
    axes.plot(time, done.quantiles[:, 49], color="#1f4e79", linewidth=1.2, label="median")
    axes.plot(time, done.observed, color="black", linewidth=0.7, label="observed")
    axes.set_ylabel("Demand [MW]")
    axes.set_ylim(top=1.08 * max(np.nanmax(done.observed), done.quantiles.max()))
    axes.margins(x=0)
    axes.legend(ncol=5, loc="upper left", frameon=False)
    axes.set_title("GEFCom2014 load, task 3, issued at the first hour of December 2010")
    figure.tight_layout()
    figure.savefig(path, dpi=75)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of GEFCom2014 load")
    parser.add_argument("--figure", type=Path, required=True, help="PNG to write")
    options = parser.parse_args()
    event = Gefcom2014Load()
    data = event.read(options.data)
    draw(event.forecast(data, 3, site=data.sites[0].name), options.figure)


if __name__ == "__main__":
    main()
