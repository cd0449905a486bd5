"""What calibration and linear regression are worth on GEFCom2014 wind, tasks 1 to 3.

Three zones apart (1, 4, 7), every hour of October to December 2012, each month by models of what came before it;
the weather of the month was given whole, as in the competition. Columns are wind at both heights two hours around,
its direction, the hour, the lead and the 100 m wind of the other zones. Given are the mean pinball loss over 0.01
to 0.99 in shares of capacity, the coverage of the central 50, 80 and 90 %, and the CPU seconds of all nine fits.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.evaluation.losses import pinball_loss

ZONES, TASKS = (1, 4, 7), (1, 2, 3)
TREES = ef.LightGBMQuantiles(folds=0, n_estimators=150, num_leaves=24, learning_rate=0.08)
BENT = ef.LinearQuantiles(spline_columns=("wind_speed_*m",))
WAYS: dict[str, ef.QuantileModel] = {
    "trees, as they are": TREES,
    "calibrated on five blocks, refitted on all": ef.ConformalQuantiles(model=TREES, refit=True),
    "... errors scaled by the width": ef.ConformalQuantiles(model=TREES, refit=True, scaled=True),
    "... by wind speed": ef.ConformalQuantiles(model=TREES, refit=True, by="wind_speed_100m", groups=6),
    "... by lead": ef.ConformalQuantiles(model=TREES, refit=True, by="lead_time"),
    "calibrated on the last quarter, refitted on all": ef.ConformalQuantiles(
        model=TREES, folds=0, refit=True
    ),
    "calibrated on five blocks, mean of their models (default)": ef.ConformalQuantiles(model=TREES),
    "linear": ef.LinearQuantiles(),
    "linear, wind bent": BENT,
    "linear, wind bent, calibrated, refitted": ef.ConformalQuantiles(model=BENT, refit=True),
}


def _zone(table: pd.DataFrame, zone: int) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    east, north = (table.pivot(index="timestamp", columns="zoneid", values=name) for name in ("u100", "v100"))
    others = np.hypot(east, north).drop(columns=zone)
    own = table[table["zoneid"] == zone].set_index("timestamp").sort_index()
    columns: dict[str, pd.Series] = {}
    for height in (10, 100):
        speed = np.hypot(own[f"u{height}"], own[f"v{height}"])
        columns[f"wind_speed_{height}m"] = speed
        columns |= {f"wind_speed_{height}m[{hours:+d}]": speed.shift(-hours) for hours in (-2, -1, 1, 2)}
        columns[f"sine_{height}m"] = own[f"v{height}"] / speed
        columns[f"cosine_{height}m"] = own[f"u{height}"] / speed
    X = pd.DataFrame(columns).join(others.add_prefix("wind_speed_100m[zone ").add_suffix("]"))
    X["lead_time"], X["hour"] = (own.index.hour - 1) % 24 + 1.0, own.index.hour.astype(float)
    return X, own["targetvar"], own["task"]


def _folds(path: Path) -> Iterator[tuple[pd.DataFrame, np.ndarray, pd.DataFrame, np.ndarray]]:
    table = pd.read_parquet(path)
    for zone in ZONES:
        X, y, task = _zone(table, zone)
        for month in TASKS:
            learn, judge = (part & y.notna() for part in (task < month, task == month))
            yield X[learn].reset_index(drop=True), y[learn].to_numpy(), X[judge], y[judge].to_numpy()


def measure(path: Path) -> list[dict[str, object]]:
    """Scores of each way."""
    rows: list[dict[str, object]] = []
    for way, model in WAYS.items():
        begun, losses, inside = time.process_time(), [], []
        for X, y, new, outcome in _folds(path):
            found = model.fit(X, y, bounds=(0.0, 1.0)).predict(new)
            losses.append(pinball_loss(outcome, found, PERCENTILES).mean())
            at = {level: found[:, k] for k, level in enumerate(PERCENTILES)}
            pairs = ((0.25, 0.75), (0.1, 0.9), (0.05, 0.95))
            inside.append([np.mean((at[a] <= outcome) & (outcome <= at[b])) for a, b in pairs])
        shares = 100 * np.mean(inside, axis=0)
        row = {"way": way, "pinball": round(float(np.mean(losses)), 5)}
        row |= {
            f"coverage_{k}": round(float(share), 1) for k, share in zip((50, 80, 90), shares, strict=True)
        }
        rows.append(row | {"cpu_seconds": round(time.process_time() - begun, 1)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA"), help="data folder"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    rows = measure(Path(options.data) / "gefcom2014" / "wind.parquet")
    text = json.dumps({"unit": "share of capacity; %; CPU s", "ways": rows}, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
