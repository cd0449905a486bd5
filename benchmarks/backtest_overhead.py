"""CPU time that a backtest adds to the bare fits and predictions of LightGBM.

Three months of La Haute Borne, learnt from a year and more, forecast day-ahead with a fit each month. While
``backtest`` runs, the CPU seconds inside LightGBM are counted (``train``, ``Booster.predict``), and those
inside ``fit`` and ``predict`` of the quantile model. ``overhead`` is what is spent outside of
LightGBM's own functions, as a share of what is spent inside, for a booster for each of nine quantiles
(``sharing="none"``, without calibration), where nothing but LightGBM is at work in the model.
``overhead_default_model`` is for the default model, whose own arithmetic on leaves is part of it: what is spent
outside of its fits and predictions.
CPU seconds of this process, best of five.

    python benchmarks/backtest_overhead.py --json overhead.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightgbm

import energyforecast as ef

LEVELS = tuple(k / 10 for k in range(1, 10))


@contextmanager
def counted(owner: Any, *names: str) -> Iterator[list[float]]:
    """Seconds of CPU inside functions of a module or class, each counted once where they call each other."""
    total, depth = [0.0], [0]
    kept = {name: owner.__dict__[name] for name in names}

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            begun = time.process_time()
            depth[0] += 1
            try:
                return function(*arguments, **keywords)
            finally:
                depth[0] -= 1
                total[0] += time.process_time() - begun if depth[0] == 0 else 0.0

        return call

    for name, function in kept.items():
        setattr(owner, name, around(function))
    try:
        yield total
    finally:
        for name, function in kept.items():
            setattr(owner, name, function)


def run(model: ef.QuantileModel, *, own: bool) -> tuple[float, float]:
    """CPU seconds of a backtest, and of LightGBM (or of the model's fits and predictions) in it."""
    site, weather, power = ef.datasets.la_haute_borne()
    task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=LEVELS)
    forecaster = ef.Forecaster(site, task, model=model, perfect_weather=True)
    begun = time.process_time()
    if own:
        with counted(ef.QuantileModel, "fit", "predict") as inside:
            ef.backtest(forecaster, weather, power, start="2015-01", end="2015-03")
        return time.process_time() - begun, inside[0]
    with (
        counted(lightgbm, "train") as fits,
        counted(lightgbm.Booster, "predict") as predictions,
    ):
        ef.backtest(forecaster, weather, power, start="2015-01", end="2015-03")
    return time.process_time() - begun, fits[0] + predictions[0]


def measure(repeats: int = 5) -> dict[str, object]:
    """Overheads and the seconds behind them."""
    plain = ef.LightGBMQuantiles(sharing="none", folds=0)
    runs = [run(plain, own=False) for _ in range(repeats)]
    whole = [run(ef.LightGBMQuantiles(), own=True) for _ in range(repeats)]
    best, best_whole = (min(found, key=lambda pair: pair[0]) for found in (runs, whole))
    return {
        "overhead": best[0] / best[1] - 1,
        "overhead_default_model": best_whole[0] / best_whole[1] - 1,
        "seconds": {
            "backtest": best[0],
            "lightgbm": best[1],
            "backtest_default_model": best_whole[0],
            "default_model": best_whole[1],
        },
        "fits": 3,
        "origins": 90,
        "unit": f"CPU s, best of {repeats}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="runs of which the best counts")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    text = json.dumps(measure(options.repeats), indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
