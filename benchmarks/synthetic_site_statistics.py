"""How near the synthetic sites come to their targets, and what making them costs.

For each synthetic site of two years, each group of synthetic consumers and each seed: every statistic with its target,
the value reached and the tolerance, and the CPU seconds of making it (one thread). All of it is synthetic.

With --data DIR, the folder of measured consumers that first_try.py reads: their statistics beside the synthetic ones.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd
from first_try_consumers import consumption

from energyforecast import datasets
from energyforecast.datasets.synthetic.consumer_statistics import statistics_of

WORLDS = {
    "shelek": datasets.shelek,
    "kapshagay": datasets.kapshagay,
    "nur_navoi": datasets.nur_navoi,
    "almaty": datasets.almaty,
}
CONSUMERS = {"works": datasets.works, "households": datasets.households, "city": datasets.city}


def measure(seeds: list[int]) -> dict[str, object]:
    """Statistics and CPU seconds by site and seed."""
    for make in WORLDS.values():
        make(hours=48)  # imports
    synthetic_sites: list[dict[str, object]] = []
    for name, make in (WORLDS | CONSUMERS).items():
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
                    "version": synthetic.truth.attrs.get("generator_version", 1),
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


def side_by_side(folder: Path) -> pd.DataFrame:
    """Statistics of measured consumers and of synthetic ones of the same kind, a column each."""
    found = {}
    for case in consumption(folder):
        if case.site.name not in found:
            power = case.observations.values[case.site.name].tz_convert(case.site.timezone)
            found[case.site.name] = statistics_of(power.dropna())
    for name, make in CONSUMERS.items():
        synthetic = make()
        power = pd.DataFrame(synthetic.distribution.power(), index=synthetic.observations.index)
        power = power.tz_convert(synthetic.site.timezone)
        found[f"synthetic {name}"] = statistics_of(power.sum(axis=1))
        if power.shape[1] > 1:
            found[f"one of {name}"] = statistics_of(power[0])
    return pd.DataFrame(found).round(2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--data", type=Path, help="folder of measured consumers")
    options = parser.parse_args()
    if options.data:
        print(side_by_side(options.data).to_string())
        return
    text = json.dumps(measure(options.seeds), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
