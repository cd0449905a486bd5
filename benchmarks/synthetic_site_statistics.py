"""How near the synthetic sites come to their targets, and what making them costs.

For each synthetic site of two years and each seed: every statistic with its target, the value reached and the
tolerance, and the CPU seconds of making it (one thread). All of it is synthetic.
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
    """Statistics and CPU seconds by site and seed."""
    for make in WORLDS.values():
        make(hours=48)  # imports
    synthetic_sites: list[dict[str, object]] = []
    for name, make in WORLDS.items():
        for seed in seeds:
            begun = time.process_time()
            synthetic = make(seed=seed)
            spent = time.process_time() - begun
            table = synthetic.describe().reset_index()
            synthetic_sites.append(
                {
                    "site": name,
                    "source": synthetic.truth.attrs["source"],
                    "seed": seed,
                    "version": synthetic.version,
                    "cpu_seconds": round(spent, 2),
                    "statistics": json.loads(table.to_json(orient="records")),
                }
            )
    return {
        "synthetic_sites": synthetic_sites,
        "within": all(row["within"] for synthetic in synthetic_sites for row in synthetic["statistics"]),  # type: ignore[attr-defined]
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
