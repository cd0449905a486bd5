"""How near the synthetic worlds come to their targets, and what making them costs.

For each world of two years and each seed: every statistic with its target, the value reached and the
tolerance, and the CPU seconds of making the world (one thread). All of it is synthetic.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np

from energyforecast import datasets

WORLDS = {
    "shelek": datasets.shelek,
    "kapshagay": datasets.kapshagay,
    "nur_navoi": datasets.nur_navoi,
    "almaty": datasets.almaty,
}


def measure(seeds: list[int]) -> dict[str, object]:
    """Statistics and CPU seconds by world and seed."""
    for make in WORLDS.values():
        make(hours=48)  # imports
    worlds: list[dict[str, object]] = []
    for name, make in WORLDS.items():
        for seed in seeds:
            begun = time.process_time()
            world = make(seed=seed)
            spent = time.process_time() - begun
            table = world.describe().reset_index()
            worlds.append(
                {
                    "world": name,
                    "source": world.truth.attrs["source"],
                    "seed": seed,
                    "version": world.version,
                    "cpu_seconds": round(spent, 2),
                    "statistics": json.loads(table.to_json(orient="records")),
                }
            )
    return {
        "worlds": worlds,
        "within": all(row["within"] for world in worlds for row in world["statistics"]),  # type: ignore[attr-defined]
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    text = json.dumps(measure(options.seeds), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
