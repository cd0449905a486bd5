"""Several weather models: one matrix with the columns of all, or base models whose quantiles are combined.

Day-ahead forecasts of a synthetic wind farm in a gap wind (datasets.shelek) with three synthetic weather models of
different skill; scores say how the methods behave, not how well a site can be forecast. Learnt from the
first 16 months, scored on the last four; also with the best weather model missing in the scored months. Given
are the mean pinball loss over 0.01 to 0.99 in % of capacity, its difference to the one matrix, and among base models to
equal weights, each with its standard error (of the weeks' means, taken as independent), the coverage of the central
80 %, and CPU seconds of the fit.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import xarray as xr

import energyforecast as ef
from energyforecast.evaluation import align, pinball_loss

LEARNT, SCORED = "2024-05-01", ("2024-05-02", "2024-08-29")
TREES = ef.LightGBMQuantiles(folds=0, n_estimators=100)
#: Ways against which those below them are held.
REFERENCES = {"one_matrix": "one matrix", "equal_weights": "base models, equal weights"}


def _loss_by_week(power: ef.Observations, forecast: ef.Forecast) -> tuple[np.ndarray, float]:
    pairs = align(power, forecast)
    capacity = float(forecast.data["capacity"][0])
    loss = 100 / capacity * pinball_loss(pairs.observed, pairs.quantiles, pairs.quantile_levels).mean(axis=1)
    levels = list(np.round(pairs.quantile_levels, 2))
    low, high = (pairs.quantiles[:, levels.index(level)] for level in (0.1, 0.9))
    inside = float(np.mean((low <= pairs.observed) & (pairs.observed <= high)))
    week = np.arange(len(loss)) // (7 * 24)
    return np.array([loss[week == k].mean() for k in np.unique(week)]), 100 * inside


def _without(weather: dict[str, xr.Dataset], name: str) -> dict[str, xr.Dataset]:
    """No run of one weather model reaches the window any more."""
    return weather | {name: weather[name].isel(lead_time=slice(0, 6))}


def measure(seed: int) -> list[dict[str, object]]:
    """Scores of each way, whole and without the best weather model."""
    synthetic = ef.datasets.shelek(seed=seed, start="2023-01-01", hours=20 * 730)
    task = ef.day_ahead("08:00", timezone="Asia/Almaty")
    site, power, every = synthetic.site, synthetic.observations, dict(synthetic.weather)
    equal = ef.Blend(model=TREES, combination="equal")
    ways: dict[str, tuple[ef.QuantileModel, dict[str, xr.Dataset]]]
    ways = {f"{name} alone": (TREES, {name: every[name]}) for name in every}
    ways |= {
        "one matrix": (TREES, every),
        "one matrix, five structures": (
            ef.LightGBMQuantiles(folds=0, n_estimators=100, n_tree_sets=5),
            every,
        ),
        "base models, equal weights": (equal, every),
        "base models, equal weights, conformal": (ef.ConformalQuantiles(model=equal), every),
        "base models, fitted weights": (ef.Blend(model=TREES, combination="weights"), every),
        "base models, regression": (ef.Blend(model=TREES, combination="regression"), every),
    }
    rows: list[dict[str, object]] = []
    references: dict[tuple[str, str], np.ndarray] = {}
    issued = task.issue_times(*SCORED)
    for way, (model, weather) in ways.items():
        begun = time.process_time()
        forecaster = ef.Forecaster(site, task, model=model).fit(weather, power, as_of=LEARNT, missing="drop")
        spent = time.process_time() - begun
        served = {"all": weather} | (
            {"without ecmwf": _without(weather, "ecmwf")} if len(weather) > 1 else {}
        )
        for what, given in served.items():
            forecast = forecaster.predict(given, power, issue_time=issued, strict=False)
            loss, inside = _loss_by_week(power, forecast)
            row = {"seed": seed, "way": way, "weather": what, "pinball": round(float(loss.mean()), 3)}
            row |= {"coverage_80": round(inside, 1), "cpu_seconds": round(spent, 1)}
            row["fallback_level"] = int(forecast.data["fallback_level"].max())
            for name, reference in REFERENCES.items():
                if (reference, what) in references:
                    gap = loss - references[reference, what]
                    row[f"against_{name}"] = round(float(gap.mean()), 3)
                    row[f"against_{name}_error"] = round(float(gap.std(ddof=1) / np.sqrt(len(gap))), 3)
            if way in REFERENCES.values():
                references[way, what] = loss
            rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3], help="synthetic sites")
    options = parser.parse_args()
    rows = [row for seed in options.seeds for row in measure(seed)]
    caveat = "synthetic: scores say how the methods behave, not how well a site can be forecast"
    text = json.dumps({"unit": "% of capacity; CPU s", "caveat": caveat, "ways": rows}, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
