"""What the shared trees are worth against one booster for each quantile, and what they cost.

On GEFCom2014 wind (tasks 1 to 3, on which nothing is scored), in the features of the library's recipe, with power
known up to each task's start. ``pinball_ratio`` is the mean pinball loss over 0.01 to 0.99 of the default
``LightGBMQuantiles()`` by that of 99 boosters, one a quantile, sorted and cut at the bounds, of the same trees,
leaves, step, split randomisation, features and seeds. ``train_cpu_ratio`` and ``predict_cpu_ratio`` are CPU
seconds of the default by those of one such booster; each the least of ``--repeats`` runs. With ``--frontier``
also points of loss against training cost: shared trees with 1 to 8 structures, 5 to 99 boosters with 1 to 8 seeds;
on wind, on solar (the last months of the training period) and on load (day-ahead with measured temperature, months
before the first task), each in the settings of its kind of target; ``--figure`` draws them.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from rich.progress import track

import energyforecast as ef
from energyforecast.competitions import competition
from energyforecast.core import timestamps
from energyforecast.evaluation import pinball_loss

LEVELS = {
    5: (0.02, 0.2, 0.5, 0.8, 0.98),
    9: (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99),
    19: (0.01, *(k / 20 for k in range(1, 10)), 0.5, *(k / 20 for k in range(11, 20)), 0.99),
    99: ef.core.quantiles.PERCENTILES,
}
#: Months of the solar training period, and months of load before its first task, that the frontier is drawn on.
SOLAR = ("2013-01", "2013-02", "2013-03")
LOAD = ("2010-01", "2010-05", "2010-08")
DENSE = (0.01, 0.025, 0.05, 0.1, 0.17, 0.25, 0.37, 0.5, 0.63, 0.75, 0.83, 0.9, 0.95, 0.975, 0.99)
#: Settings of each kind of target, as the forecaster chooses them.
SETTINGS: dict[str, dict[str, Any]] = {
    "wind": {},
    "solar": {"extra_trees": False, "folds": 3, "feature_fraction": 0.4},
    "load": {
        "extra_trees": False,
        "init_from_median": True,
        "folds": 3,
        "blocks_per_fold": 15,
        "fitted_quantiles": DENSE,
    },
}


@dataclass(frozen=True, eq=False)
class Cell:
    """One month at one site: rows to learn from and rows to forecast."""

    task: str
    X: pd.DataFrame
    y: np.ndarray[Any, Any]
    new: pd.DataFrame
    outcome: np.ndarray[Any, Any]
    bounds: tuple[float, float] = (0.0, 1.0)

    def loss(self, quantiles: np.ndarray[Any, Any]) -> float:
        return float(pinball_loss(self.outcome, quantiles, ef.core.quantiles.PERCENTILES).mean())


def cells(name: str, folder: Path, starts: Sequence[tuple[str, Any]], sites: Sequence[int]) -> Iterator[Cell]:
    """Every chosen month at every chosen site, in the features of the recipe."""
    event = competition(name)
    data = event.read(folder)
    for number in sites:
        site = data.sites[number - 1].name
        forecaster = event.forecaster(data, site)  # type: ignore[attr-defined]
        power = data.outcomes[[site]]
        table = forecaster.design_matrix(
            data.weather, power, forecaster.training_origins(data.weather, power)
        )
        y = data.outcomes.value_at(site, table.valid_time)
        for task, start in starts:
            begin = data.starts[start] if isinstance(start, int) else pd.Timestamp(start, tz="UTC")
            first, last = (
                timestamps.to_ns([moment])[0] for moment in (begin, begin + pd.offsets.MonthBegin(1))
            )
            known, month = np.isfinite(y), (table.valid_time >= first) & (table.valid_time < last)
            past, asked = known & (table.valid_time < first), known & month
            X = table.columns[site]
            yield Cell(task, X[past], y[past], X[asked], y[asked])


def load_cells(folder: Path) -> Iterator[Cell]:
    """Demand a day ahead, learnt from the three years before each month, with the stations' mean temperature."""
    data = competition("gefcom2014-load").read(folder)
    area, known = data.sites[0], data.observations["2007":"2010-09"]  # type: ignore[misc]
    mean = data.weather.mean("site").expand_dims(site=[area.name])
    mean["temp_air"].attrs = data.weather["temp_air"].attrs
    forecaster = ef.Forecaster(area, ef.day_ahead("09:00", timezone="UTC"), perfect_weather=True)
    table = forecaster.design_matrix(mean, known, forecaster.training_origins(mean, known))
    y = known.value_at(area.name, table.valid_time)
    X = table.columns[area.name]
    for month in LOAD:
        first, last = timestamps.to_ns(list(timestamps.period(month)))
        seen, asked = table.valid_time < first, (table.valid_time >= first) & (table.valid_time < last)
        past, asked = np.isfinite(y) & seen, np.isfinite(y) & asked
        yield Cell(month, X[past], y[past], X[asked], y[asked], (0.0, np.inf))


def timed(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Least CPU time of some calls, and what the last one gave."""
    spent = []
    for _ in range(repeats):
        begun = time.process_time()
        found = function()
        spent.append(time.process_time() - begun)
    return min(spent), found


def apart(levels: tuple[float, ...], structures: int = 1, kind: str = "wind") -> ef.LightGBMQuantiles:
    """One booster a level, fitted once to all rows."""
    settings = SETTINGS[kind] | {
        "sharing": "none",
        "fitted_quantiles": levels,
        "folds": 0,
        "n_tree_sets": structures,
    }
    return ef.LightGBMQuantiles(**settings)


def compare(cell: Cell, repeats: int) -> dict[str, Any]:
    """The default, 99 boosters, and one, at one site and month."""
    train_cpu, model = timed(lambda: ef.LightGBMQuantiles().fit(cell.X, cell.y, bounds=(0, 1)), repeats)
    predict_cpu, quantiles = timed(lambda: model.predict(cell.new), repeats)
    reference = apart(LEVELS[99]).fit(cell.X, cell.y, bounds=(0, 1)).predict(cell.new)
    one = _one(cell, ef.LightGBMQuantiles())
    values = cell.new.to_numpy(dtype=np.float32)
    one_train, booster = timed(one, repeats)
    one_predict, _ = timed(lambda: booster.predict(values, num_threads=1), repeats)
    return {
        "task": cell.task,
        "pinball": cell.loss(quantiles),
        "reference": cell.loss(reference),
        "train_cpu": train_cpu,
        "predict_cpu": predict_cpu,
        "one_train_cpu": one_train,
        "one_predict_cpu": one_predict,
    }


def _one(cell: Cell, model: ef.LightGBMQuantiles) -> Callable[[], Any]:
    """Grow the booster of the median alone, as the model does."""
    settings = {
        "objective": "quantile",
        "alpha": 0.5,
        "num_leaves": model.num_leaves,
        "learning_rate": model.learning_rate,
        "min_data_in_leaf": model.min_child_samples,
        "extra_trees": model.extra_trees,
        "feature_fraction": model.feature_fraction,
        "max_bin": 63,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "seed": model.seed,
        "verbosity": -1,
    }
    values = cell.X.to_numpy(dtype=np.float32)

    def grow() -> Any:
        data = lightgbm.Dataset(values, label=cell.y, params=settings)
        return lightgbm.train(settings, data, num_boost_round=model.trees)

    return grow


def summary(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Ratios over some sites and months."""
    table = pd.DataFrame(rows).drop(columns="task").sum()
    return {
        "pinball": float(table["pinball"] / len(rows)),
        "reference_pinball": float(table["reference"] / len(rows)),
        "pinball_ratio": float(table["pinball"] / table["reference"]),
        "train_cpu_ratio": float(table["train_cpu"] / table["one_train_cpu"]),
        "predict_cpu_ratio": float(table["predict_cpu"] / table["one_predict_cpu"]),
    }


def frontier(kind: str, several: Sequence[Cell], *, largest: int, jobs: int) -> list[dict[str, Any]]:
    """Loss and training cost, in boosters, of several ways."""
    settings = SETTINGS[kind]
    models = {
        f"shared trees, {count} structure{'s' * (count > 1)}": ef.LightGBMQuantiles(
            **settings, n_tree_sets=count
        )
        for count in (1, 2, 4, 8)
    }
    models |= {"shared trees, uncalibrated": ef.LightGBMQuantiles(**settings | {"folds": 0})}
    models |= {
        f"{count} boosters, {seeds} seed{'s' * (seeds > 1)}": apart(LEVELS[count], seeds, kind)
        for count, seeds in ((5, 1), (9, 1), (19, 1), (99, 1), (5, 2), (9, 2), (9, 4), (9, 8))
        if count * seeds <= largest
    }
    work = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_points)(cell, models, ef.LightGBMQuantiles(**settings)) for cell in several
    )
    each = list(track(work, total=len(several), description=f"Frontier, {kind}"))
    one = sum(cost for _, cost in each)
    return [
        {
            "way": name,
            "pinball": float(np.mean([found[name][0] for found, _ in each])),
            "boosters": round(sum(found[name][1] for found, _ in each) / one, 2),
        }
        for name in models
    ]


def _points(
    cell: Cell, models: dict[str, ef.LightGBMQuantiles], one: ef.LightGBMQuantiles
) -> tuple[dict[str, tuple[float, float]], float]:
    """Loss and CPU seconds of each model, and the CPU seconds of one booster."""
    found = {}
    for name, model in models.items():
        cpu, fitted = timed(lambda model=model: model.fit(cell.X, cell.y, bounds=cell.bounds), 1)  # type: ignore[misc]
        found[name] = (cell.loss(fitted.predict(cell.new)), cpu)
    return found, timed(_one(cell, one), 2)[0]


#: Of the figure. [%]
_HIGHEST = 3.0


def draw(points: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """One panel a kind of target: loss relative to nine boosters against cost."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(points), figsize=(4.2 * len(points), 4.2), layout="constrained")
    for axis, (kind, several) in zip(np.atleast_1d(axes), points.items(), strict=True):
        base = next(point["pinball"] for point in several if point["way"] == "9 boosters, 1 seed")
        for shared, marker, label in (
            (True, "o", "shared trees: structures"),
            (False, "s", "boosters apart: levels × seeds"),
        ):
            ours = sorted(
                (point for point in several if ("shared" in point["way"]) == shared),
                key=lambda point: point["boosters"],
            )
            x = [point["boosters"] for point in ours]
            loss = [100 * (point["pinball"] / base - 1) for point in ours]
            y = [min(value, _HIGHEST) for value in loss]  # else one point squeezes all others
            axis.plot(x, y, marker, label=label, color="#0072B2" if shared else "#D55E00")
            for point, right, up, true in zip(ours, x, y, loss, strict=True):
                offset = (3, 5) if shared else (3, -11)
                text = _short(point["way"]) + (f" ({true:+.0f} %)" if true > up else "")
                axis.annotate(text, (right, up), fontsize=7, xytext=offset, textcoords="offset points")
        axis.set(title=kind, xscale="log", xlabel="training cost [boosters]")
        axis.margins(x=0.25)
        axis.grid(alpha=0.3)
    np.atleast_1d(axes)[0].set_ylabel("pinball loss against nine boosters [%]")
    np.atleast_1d(axes)[0].legend(fontsize=8)
    figure.savefig(path, dpi=130)


def _short(way: str) -> str:
    """``1``, ``1 uncalibrated``, ``9``, ``9 × 2``: what stands beside a point."""
    numbers = [word for word in way.split() if word.isdigit()]
    if way.startswith("shared"):
        return "1 uncalibrated" if "uncalibrated" in way else numbers[0]
    return numbers[0] if numbers[1] == "1" else " × ".join(numbers)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA"))
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--tasks", default="1,2,3", help="wind tasks, with commas")
    parser.add_argument("--sites", default="1,2,3,4,5,6,7,8,9,10", help="wind farms, with commas")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the fastest is taken")
    parser.add_argument(
        "--frontier",
        action="store_true",
        help="also loss against cost, at the first farm, one plant and the utility",
    )
    parser.add_argument("--largest", type=int, default=99, help="most boosters of a point of the frontier")
    parser.add_argument("--figure", type=Path, help="draw the frontier here (PNG)")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data DIR, or set ENERGYFORECAST_DATA")
    starts = [(number, int(number)) for number in options.tasks.split(",")]
    sites = [int(number) for number in options.sites.split(",")]
    wind = list(cells("gefcom2014-wind", options.data, starts, sites))
    work = Parallel(n_jobs=options.jobs, return_as="generator")(
        delayed(compare)(cell, options.repeats) for cell in wind
    )
    rows = list(track(work, total=len(wind), description="Comparison"))
    found: dict[str, Any] = {
        task: summary([row for row in rows if row["task"] == task]) for task, _ in starts
    } | {"all": summary(rows), "sites": sites}
    write(found, options.json)
    if options.frontier:
        months = [(month, month) for month in SOLAR]
        several = {
            "wind": wind[: len(starts)],
            "solar": list(cells("gefcom2014-solar", options.data, months, (1,))),
            "load": list(load_cells(options.data)),
        }
        found["frontier"] = {
            kind: frontier(kind, these, largest=options.largest, jobs=options.jobs)
            for kind, these in several.items()
        }
        if options.figure:
            draw(found["frontier"], options.figure)
        write(found, options.json)
    print(json.dumps(found, indent=1))


def write(found: dict[str, Any], path: Path | None) -> None:
    """What is known so far outlives an interruption."""
    if path:
        path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
