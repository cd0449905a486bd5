"""Value of the settings of the month-ahead load forecast, on months before the first task of GEFCom2014 load.

Each month from January 2009 to September 2010 is forecast from what was known at its first hour, as the competition's
months are later. Nothing from October 2010 on is read: task 1 begins there. Printed are, for each variant, the mean
pinball loss [MW] over months, hours and the 99 levels; its change against the chosen settings, with the 5 and 95 %
quantiles of a bootstrap of months; in how many months it is below the reference, quantiles of past load about the
same date; the coverage of the central 90 % interval; and the CPU seconds of all months.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from energyforecast.competitions import CompetitionData, Gefcom2014Load, TaskForecast
from energyforecast.evaluation import pinball_loss
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import DemandResponse
from energyforecast.weather import TemperatureEnsemble

END = pd.Timestamp("2010-10-01", tz="UTC")
CHOSEN = "chosen"


@dataclass(frozen=True)
class Change:
    """Other settings of the demand response and of the temperature scenarios."""

    model: dict[str, Any] = field(default_factory=dict)
    weather: dict[str, Any] = field(default_factory=dict)


VARIANTS: dict[str, Change] = {
    CHOSEN: Change(),
    "half-life of 40 days": Change(model={"half_life": 40}),
    "half-life of 160 days": Change(model={"half_life": 160}),
    "half-life of 320 days": Change(model={"half_life": 320}),
    "150 trees, step 0.08": Change(model={"n_estimators": 150, "learning_rate": 0.08}),
    "4 stations": Change(weather={"stations": 4}),
    "all 25 stations": Change(weather={"stations": 25}),
    "not begun from the newest anomaly": Change(weather={"memory_days": 0}),
    "shifts of up to 16 days": Change(weather={"shift_days": 16}),
    "shifts of up to 32 days": Change(weather={"shift_days": 32}),
    "seasons not shifted": Change(weather={"shift_days": 0}),
}


class PseudoMonths(Gefcom2014Load):
    """The competition on earlier months, with other settings."""

    change: Change

    def forecaster(self, data: CompetitionData, site: str) -> Forecaster:
        """The forecaster with another model."""
        chosen = super().forecaster(data, site)
        return Forecaster(chosen.sites, chosen.task, model=DemandResponse(**self.change.model))

    def weather(self, data: CompetitionData) -> TemperatureEnsemble:
        """The temperature scenarios with other settings."""
        return TemperatureEnsemble(data.weather, **self.change.weather)


def before_the_tasks(data: CompetitionData, first: str, last: str) -> CompetitionData:
    """What was known before the first task, with earlier months for tasks."""
    until = data.observations.index[data.observations.index < END][-1]
    cut = data.observations[:until]
    months = pd.date_range(first, last, freq="MS", tz="UTC")
    weather = data.weather.sel(time=data.weather["time"] <= np.datetime64(END.tz_localize(None)))
    return replace(
        data, weather=weather, observations=cut, outcomes=cut, starts=dict(enumerate(months, start=1))
    )


def score(done: TaskForecast) -> float:
    """Mean pinball loss. [MW]"""
    levels = tuple(k / 100 for k in range(1, 100))
    return float(pinball_loss(done.observed, done.quantiles, levels).mean())


def inside(done: TaskForecast) -> float:
    """Share of hours inside the central 90 % interval."""
    return float(((done.quantiles[:, 4] <= done.observed) & (done.observed <= done.quantiles[:, 94])).mean())


def drawn(difference: np.ndarray) -> list[float]:
    """5 and 95 % quantiles of the mean when months are drawn anew."""
    places = np.random.default_rng(0).integers(len(difference), size=(2000, len(difference)))
    return [round(float(value), 4) for value in np.quantile(difference[places].mean(axis=1), (0.05, 0.95))]


def measure(data: CompetitionData, names: list[str]) -> dict[str, dict[str, Any]]:
    """Scores of each variant."""
    event, site = PseudoMonths(), data.sites[0].name
    reference = np.array(
        [score(event.references(data, task, site=site)["seasonal climatology"]) for task in data.starts]
    )
    rows: dict[str, dict[str, Any]] = {"seasonal climatology": {"pinball": round(float(reference.mean()), 4)}}
    found: dict[str, np.ndarray] = {}
    for name in names:
        event.change = VARIANTS[name]
        begun = time.process_time()
        months = [event.forecast(data, task, site=site) for task in data.starts]
        found[name] = np.array([score(done) for done in months])
        difference = found[name] - found[CHOSEN]
        rows[name] = {
            "pinball": round(float(found[name].mean()), 4),
            "change_percent": round(100 * float(difference.mean() / found[CHOSEN].mean()), 2),
            "change_interval": drawn(difference),
            "below_reference": f"{int((found[name] < reference).sum())} of {len(reference)}",
            "coverage_90": round(float(np.mean([inside(done) for done in months])), 3),
            "cpu_seconds": round(time.process_time() - begun, 1),
            "by_month": [round(float(value), 3) for value in found[name]],
        }
        print(name, {key: value for key, value in rows[name].items() if key != "by_month"}, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of GEFCom2014 load")
    parser.add_argument("--first", default="2009-01", help="first month (default: %(default)s)")
    parser.add_argument(
        "--last", default="2010-09", help="last month, before October 2010 (default: %(default)s)"
    )
    parser.add_argument(
        "--only", nargs="*", default=None, metavar="VARIANT", help="some variants only, by name"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    names = list(VARIANTS) if options.only is None else [CHOSEN, *options.only]
    data = before_the_tasks(Gefcom2014Load().read(options.data), options.first, options.last)
    rows = measure(data, names)
    if options.json:
        options.json.write_text(json.dumps({"unit": "MW", "variants": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
