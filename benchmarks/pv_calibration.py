"""Do intervals of PV power hold what they promise in each season, in daylight?

Three ways: levels calibrated in groups of the median alone, the same with the power under a clear sky among the
columns, and with levels calibrated by it too, which is the default. Synthetic Kapshagay (seeds that no page shows; the
settings were chosen on 11 to 13): each season of the second and third year by a model of all that came before. The
solar track of GEFCom2014 (with --data): each of the first twelve months by a model of the others; April 2013, which
is scored, is left out. Given are the mean pinball loss over 0.01 to 0.99 and the coverage of the central 50, 80
and 90 %, of hours with the sun up in their middle, by season of the site.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast.competitions import Gefcom2014Solar
from energyforecast.core.quantiles import PERCENTILES
from energyforecast.evaluation.losses import pinball_loss

LAST = pd.Timestamp("2013-04-01")
WAYS = ("median alone", "column of the clear sky", "calibrated by it")
Fold = tuple[str, np.ndarray, np.ndarray]
Case = tuple[str, ef.PVPlant, pd.DataFrame, np.ndarray, pd.DatetimeIndex, list[Fold]]


def _case(
    forecaster: ef.Forecaster, weather: Any, power: ef.Observations
) -> tuple[ef.PVPlant, pd.DataFrame, np.ndarray, pd.DatetimeIndex]:
    """Columns, outcomes (share of capacity) and times of all rows with an outcome that are not dark."""
    plant = forecaster.sites[0]
    assert isinstance(plant, ef.PVPlant)
    table = forecaster.design_matrix(weather, power, forecaster.training_origins(weather, power))
    y = power.value_at(plant.name, table.valid_time)
    middle = ef.physics.solar_position(
        table.valid_time + np.timedelta64(30, "m"), plant.latitude, plant.longitude
    )
    rows = table.usable[table.origin] & np.isfinite(y) & (middle.zenith < 96)
    X = table.columns[plant.name][rows].reset_index(drop=True)
    return plant, X, np.clip(y[rows] / (plant.capacity or 1), 0, 1), pd.DatetimeIndex(table.valid_time[rows])


def _synthetic(seed: int) -> Case:
    synthetic = ef.datasets.kapshagay(seed=seed, start="2017-01-01", hours=3 * 8760)
    forecaster = ef.Forecaster(synthetic.site, ef.day_ahead("08:00", timezone="Asia/Almaty"))
    plant, X, y, at = _case(forecaster, synthetic.weather, synthetic.observations)
    starts = pd.date_range("2018-03-01", "2019-09-01", freq="3MS")
    ends = [start + pd.DateOffset(months=3) for start in starts]
    folds = [
        (str(start), np.asarray(at < start), np.asarray((at >= start + pd.Timedelta("1D")) & (at < end)))
        for start, end in zip(starts, ends, strict=True)
    ]
    return f"Kapshagay (synthetic), seed {seed}", plant, X, y, at, folds


def _real(folder: Path) -> Iterator[Case]:
    competition = Gefcom2014Solar()
    data = competition.read(folder)
    for site in data.sites:
        forecaster = competition.forecaster(data, site.name)
        plant, X, y, at = _case(forecaster, data.weather, data.observations[[site.name]])
        known = np.asarray(at < LAST)
        month = np.asarray(at.strftime("%Y-%m"))
        folds = [(m, known & (month != m), known & (month == m)) for m in np.unique(month[known])]
        yield "GEFCom2014", plant, X, y, at, folds


def _models(X: pd.DataFrame) -> Iterator[tuple[str, ef.LightGBMQuantiles, pd.DataFrame]]:
    settings: dict[str, Any] = {"extra_trees": False, "folds": 3, "feature_fraction": 0.4}
    yield WAYS[0], ef.LightGBMQuantiles(PERCENTILES, **settings), X.drop(columns="clear_sky_power")
    yield WAYS[1], ef.LightGBMQuantiles(PERCENTILES, **settings), X
    by = "clear_sky_power"
    yield WAYS[2], ef.LightGBMQuantiles(PERCENTILES, calibrate_by=by, **settings), X


def _scored(case: Case) -> Iterator[pd.DataFrame]:
    name, plant, columns, y, at, folds = case
    middle = ef.physics.solar_position(
        at.to_numpy() + np.timedelta64(30, "m"), plant.latitude, plant.longitude
    )
    season = (at.month.to_numpy() % 12 // 3 + (0 if plant.latitude > 0 else 2)) % 4
    for _, learn, judge in folds:
        lit = judge & (middle.zenith < 90)
        for way, model, X in _models(columns):
            found = model.fit(X[learn].reset_index(drop=True), y[learn], bounds=(0.0, 1.0)).predict(X[lit])
            row = {"data": name.partition(",")[0], "way": way}
            row |= {"season": np.array(["winter", "spring", "summer", "autumn"])[season[lit]]}
            row |= {"pinball": pinball_loss(y[lit], found, PERCENTILES).mean(axis=1)}
            at_level = {level: found[:, k] for k, level in enumerate(PERCENTILES)}
            for share, (low, high) in {50: (0.25, 0.75), 80: (0.1, 0.9), 90: (0.05, 0.95)}.items():
                row[f"coverage_{share}"] = (at_level[low] <= y[lit]) & (y[lit] <= at_level[high])
            yield pd.DataFrame(row)


def measure(seeds: list[int], data: Path | None) -> list[dict[str, object]]:
    """Scores by data, way and season."""
    cases = [_synthetic(seed) for seed in seeds] + ([] if data is None else list(_real(data / "gefcom2014")))
    hours = pd.concat(part for case in cases for part in _scored(case))
    whole = hours.assign(season="all")
    names = ["pinball", "coverage_50", "coverage_80", "coverage_90"]
    group = pd.concat([whole, hours]).groupby(["data", "season", "way"], sort=False)
    table = (
        (100 * group[names].mean()).round({"pinball": 4} | dict.fromkeys(names[1:], 1)).assign(n=group.size())
    )
    return [dict(row) for row in table.reset_index().to_dict("records")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[14, 15, 16], help="of synthetic sites")
    parser.add_argument("--data", type=Path, help="data folder; without it synthetic sites alone")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    begun = time.process_time()
    rows = measure(options.seeds, options.data)
    cost = round(time.process_time() - begun)
    text = json.dumps(
        {"unit": "% of capacity; %", "seeds": options.seeds, "cpu_seconds": cost, "hours": rows}, indent=1
    )
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
