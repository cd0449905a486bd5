"""Draw docs/figures/sites.png, the public sites of Central Asia by place, kind and capacity.

::

    python tools/build_sites_map.py [--out FILE]
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from energyforecast.core.site_catalogue import catalogue
from energyforecast.core.sites import Site

FIGURE = Path(__file__).resolve().parents[1] / "docs" / "figures" / "sites.png"
#: West, east, south, north. [degree]
VIEW = (49.0, 85.0, 35.8, 53.2)
KINDS = {
    "wind": ("o", "#1b6c92", "wind"),
    "solar": ("s", "#d98218", "solar"),
    "demand": ("^", "#666666", "demand"),
}
#: Where a label may stand, in points from its site, the best first.
PLACES = [(dx, dy) for radius in (7, 14, 24, 36, 50) for dx, dy in (
    (radius, -3), (-radius, -3), (0, radius), (0, -radius - 6),
    (radius * 0.7, radius * 0.7), (-radius * 0.7, radius * 0.7), (radius * 0.7, -radius), (-radius * 0.7, -radius),
)]  # fmt: skip


def size(site: Site) -> float:
    """Area of a mark: by capacity where there is one. [points²]"""
    return 20 + 0.35 * (site.capacity or 60)


def label(axes: Axes, site: Site, taken: list[Bbox]) -> None:
    """Write a name where it covers nothing else."""
    text = site.name if site.capacity is None else f"{site.name} {site.capacity:g}"
    wide = max(0.0, size(site) ** 0.5 / 2 - 3)
    for near, dy in PLACES:
        dx = near + (wide if near > 0 else -wide if near < 0 else 0)
        side = "left" if dx > 0 else "right" if dx < 0 else "center"
        note = axes.annotate(
            text,
            (site.longitude, site.latitude),
            (dx, dy),
            textcoords="offset points",
            ha=side,
            fontsize=8,
            color="#222222",
            arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.6, "shrinkB": 3}
            if abs(dx) + abs(dy) > 16
            else None,
        )
        note.update_positions(axes.figure.canvas.get_renderer())
        box = Text.get_window_extent(note)  # without its line
        inside = axes.get_window_extent().padded(-2)
        if (
            not any(box.overlaps(other) for other in taken)
            and inside.containsx(box.x0)
            and inside.containsx(box.x1)
        ):
            taken.append(box)
            return
        note.remove()
    raise ValueError(f"No place is left for the name of {site.name}.")


def draw(sites: Iterable[Site]) -> plt.Figure:
    """The map."""
    west, east, south, north = VIEW
    shown = [site for site in sites if west < site.longitude < east and south < site.latitude < north]
    figure, axes = plt.subplots(figsize=(11, 7.2), layout="constrained")
    axes.set(xlim=(west, east), ylim=(south, north), xlabel="Longitude [° east]", ylabel="Latitude [° north]")
    axes.set_aspect(1.39)  # of a degree of latitude to one of longitude at 44° north
    axes.grid(color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    for site in shown:
        mark, colour, _ = KINDS[site.kind]
        coarse = (site.coordinate_uncertainty_km or 0) >= 5
        axes.scatter(
            site.longitude, site.latitude, size(site), marker=mark, edgecolor=colour, facecolor="white" if coarse else colour, zorder=3
        )  # fmt: skip
    figure.canvas.draw()
    taken = [marked(axes, site) for site in shown]
    for site in sorted(shown, key=lambda site: site.longitude):
        label(axes, site, taken)
    handles = [
        Line2D([], [], marker=mark, color=colour, linestyle="", label=name)
        for mark, colour, name in KINDS.values()
    ]
    handles.append(
        Line2D(
            [],
            [],
            marker="o",
            color="#555555",
            markerfacecolor="white",
            linestyle="",
            label="place known to 5 km or worse",
        )
    )
    axes.legend(handles=handles, loc="lower left", frameon=False, fontsize=9)
    axes.set_title("Public sites in the catalogue, with their capacity in MW", loc="left")
    return figure


def marked(axes: Axes, site: Site) -> Bbox:
    """What the mark of a site covers, in pixels."""
    x, y = axes.transData.transform((site.longitude, site.latitude))
    half = size(site) ** 0.5 * axes.figure.dpi / 72 / 2
    return Bbox([[x - half, y - half], [x + half, y + half]])


def main() -> None:
    """Follow the command line."""
    parser = argparse.ArgumentParser(description="Draw the map of the catalogue.")
    parser.add_argument("--out", type=Path, default=FIGURE)
    given = parser.parse_args()
    mpl.use("agg")
    draw(catalogue().values()).savefig(given.out, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
