"""A/A test: how often `Result.compare` separates two equal models that differ by seed alone.

Synthetic wind farm, PV plant and city, and the real farm of the library (perfect weather: not forecast skill), learn
one year and forecast the next, with one fit or with monthly fits, by the default model and by a small one. With --data,
three wind farms and three PV plants of GEFCom2014 as well, three months on which nothing is scored. From S seeds there
are S (S - 1) / 2 pairs, and each period of one, two, four and twelve months is tested as `Result.compare` tests it.

spread        standard deviation of the loss of the whole period between seeds [%]
months        length of the periods
excludes      share of the 90 % intervals that exclude 0 [%]; at most 10 are expected
days_alone    the same for intervals that know the chance of days, not that of fits (`fit_spread=0`) [%]
with_seeds    the same with `fit_spread` as measured here between the seeds, in place of the usual one of the kind [%]
half_width    half of the interval's width, mean [% of the loss]
finds         share of the pairs in which a model with 5 % less loss is found better: its interval is above 0 [%]
finds_with_seeds   the same with the measured `fit_spread` [%]
cpu           CPU seconds of a seed, features not counted
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sklearn.base
from rich.progress import track

import energyforecast as ef
from energyforecast.competitions import competition
from energyforecast.evaluation.paired_difference import usual_fit_spread
from energyforecast.evaluation.score import METRICS
from energyforecast.evaluation.significance import skill_test

Array = npt.NDArray[Any]

LENGTHS = (1, 2, 4, 12)
BETTER = 0.05
PINBALL = next(item for item in METRICS if item.name == "pinball")


@dataclass(frozen=True, eq=False)
class Case:
    """A forecaster with its data and the period that is forecast."""

    name: str
    forecaster: ef.Forecaster
    weather: Any
    observations: ef.Observations
    start: str
    end: str


def synthetic() -> Iterator[Case]:
    """Sites that need no files."""
    site, weather, power = ef.datasets.la_haute_borne()
    task = ef.day_ahead("09:00", timezone="Europe/Paris")
    farm = ef.Forecaster(site, task, perfect_weather=True)
    yield Case("La Haute Borne", farm, weather, power, "2015-01", "2015-12-30")
    for make in (ef.datasets.shelek, ef.datasets.kapshagay, ef.datasets.almaty):
        made = make()
        task = ef.day_ahead("09:00", timezone="Asia/Almaty")
        power = made.observations[[made.site.name]]
        forecaster = ef.Forecaster(made.site, task)
        yield Case(made.site.name, forecaster, made.weather["ecmwf"], power, "2024-01", "2024-12-29")


def handed(folder: Path) -> Iterator[Case]:
    """Wind farms and PV plants of GEFCom2014, on months without a published score."""
    for track_name, numbers, start, end in (
        ("gefcom2014-wind", (2, 5, 8), "2012-10", "2012-12"),
        ("gefcom2014-solar", (1, 2, 3), "2013-01", "2013-03"),
    ):
        protocol = competition(track_name)
        data = protocol.read(folder)
        for number in numbers:
            site = data.sites[number - 1]
            others = [item for item in data.sites if item is not site] if "wind" in track_name else []
            forecaster = ef.Forecaster([site], protocol.task(data), neighbours=others)  # type: ignore[attr-defined]
            power = data.observations[[site.name]]
            yield Case(f"{track_name} {site.name}", forecaster, data.weather, power, start, end)


def seeded(model: ef.QuantileModel, seed: int) -> ef.QuantileModel:
    """The same model, not fitted, with another seed, its parts too."""
    changed: dict[str, Any] = {}
    for name, value in model.get_params(deep=False).items():
        if name == "seed":
            changed[name] = seed
        elif isinstance(value, ef.QuantileModel):
            changed[name] = seeded(value, seed)
        elif (
            isinstance(value, Mapping) and value and isinstance(next(iter(value.values())), ef.QuantileModel)
        ):
            changed[name] = {key: seeded(part, seed) for key, part in value.items()}
    return sklearn.base.clone(model).set_params(**changed)  # type: ignore[no-any-return]


def losses(
    case: Case, model: ef.QuantileModel, *, seeds: int, refit: str | None
) -> tuple[Array, pd.Series, float]:
    """Pinball loss of each seed at each hour, the day of each hour, and CPU seconds of a seed."""
    base = case.forecaster
    named = {
        str(seed): ef.Forecaster(
            base.sites,
            base.task,
            features=base.features_of,
            model=seeded(model, seed),
            perfect_weather=base.perfect_weather,
            neighbours=base.neighbours,
        )
        for seed in range(1, seeds + 1)
    }
    result = ef.backtest(
        named, case.weather, case.observations, start=case.start, end=case.end, refit=refit, missing="drop"
    )
    points = np.array([pairs.points(PINBALL) for pairs in result.pairs.values()])
    day = result.pairs["1"].labels["valid_time"].dt.tz_localize(None).dt.normalize()
    return points, day, float(result.folds["cpu_seconds"].sum()) / seeds


def rows(points: Array, day: pd.Series, *, usual: float) -> Iterator[dict[str, Any]]:
    """Shares of intervals that exclude 0, for each length of periods."""
    month = 12 * day.dt.year + day.dt.month
    month -= month.iloc[len(month) // 50]  # The first hours in UTC are of the month before.
    mean = points.mean(axis=1)
    spread = float(mean.std(ddof=1) / mean.mean())
    for length in LENGTHS:
        if length > month.max() + 1:
            return
        found = []
        for first in range(0, month.max() + 2 - length, length):
            inside = ((month >= first) & (month < first + length)).to_numpy()
            for pair in combinations(range(len(points)), 2):
                both, days = points[list(pair)][:, inside], day[inside].to_numpy()
                spreads = (usual, 0.0, spread)
                equal = [skill_test(PINBALL, both, days, fit_spread=item) for item in spreads]
                unlike = both * [[1 - BETTER], [1]]
                better = [
                    skill_test(PINBALL, unlike, days, fit_spread=item).low > 0 for item in (usual, spread)
                ]
                excludes = [test.low > 0 or test.high < 0 for test in equal]
                found.append([*excludes, (equal[0].high - equal[0].low) / 2, *better])
        shares = 100 * np.mean(np.array(found, dtype=float), axis=0)
        names = ("excludes", "days_alone", "with_seeds", "half_width", "finds", "finds_with_seeds")
        figures = {name: round(float(share), 1) for name, share in zip(names, shares, strict=True)}
        yield {"spread": round(100 * spread, 2), "months": length, "tests": len(found)} | figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA") or None)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--only", default="", help="part of the name of the cases")
    parser.add_argument("--models", default="default,small", help="with commas")
    parser.add_argument("--refits", default="one,monthly", help="with commas")
    options = parser.parse_args()
    cases = [*synthetic(), *(handed(options.data) if options.data else ())]
    small = ef.LightGBMQuantiles(n_estimators=60, folds=0)
    work = [
        (case, name, fits)
        for case in cases
        if options.only.lower() in case.name.lower()
        for name in options.models.split(",")
        for fits in options.refits.split(",")
    ]
    table: list[dict[str, Any]] = []
    for case, name, fits in track(work):
        model = small if name == "small" else case.forecaster.model
        refit = None if fits == "one" else "MS"
        points, day, cpu = losses(case, model, seeds=options.seeds, refit=refit)
        usual = usual_fit_spread([case.forecaster.sites[0].kind])
        head = {"site": case.name, "model": name, "fits": fits}
        table += [head | row | {"cpu": round(cpu, 1)} for row in rows(points, day, usual=usual)]
        if options.json:  # After each case: what is done outlives an interruption.
            options.json.write_text(json.dumps({"seeds": options.seeds, "rows": table}, indent=1) + "\n")
    print(pd.DataFrame(table).to_string(index=False))


if __name__ == "__main__":
    main()
