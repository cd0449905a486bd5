"""Time to import energyforecast, against that of pandas and xarray together.

Each import runs in a fresh interpreter; CPU seconds, best of five, less those of an empty interpreter.
``ratio`` is for ``import energyforecast`` alone, whose names are loaded when first used;
``ratio_forecaster`` is for an import followed by the first use of ``Forecaster``.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

STATEMENTS = {
    "nothing": "pass",
    "pandas_xarray": "import pandas, xarray",
    "energyforecast": "import energyforecast",
    "energyforecast_forecaster": "import energyforecast; energyforecast.Forecaster",
}


def cpu_seconds(statement: str) -> float:
    """CPU time of a fresh interpreter that runs one statement."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure() -> dict[str, object]:
    """Ratios and the seconds behind them."""
    for statement in STATEMENTS.values():
        cpu_seconds(statement)  # fills the file cache and writes byte code
    best = {name: min(cpu_seconds(code) for _ in range(5)) for name, code in STATEMENTS.items()}
    net = {name: value - best["nothing"] for name, value in best.items()}
    return {
        "ratio": net["energyforecast"] / net["pandas_xarray"],
        "ratio_forecaster": net["energyforecast_forecaster"] / net["pandas_xarray"],
        "seconds": best,
        "unit": "CPU s, best of five",
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    text = json.dumps(measure(), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
