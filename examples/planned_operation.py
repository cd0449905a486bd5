"""A works whose furnace runs in campaigns: what its plan is worth to the forecast, and a plan that is tried out.

    python examples/planned_operation.py

The works is synthetic, so that the truth is known: 4 MW, 3 MW more in two shifts on weekdays, 6 MW more while the
furnace runs, and noise. Its campaigns are planned two days ahead; one in twenty is cancelled hours before it begins.
"""

from __future__ import annotations

import argparse
from statistics import NormalDist

import numpy as np
import pandas as pd

import energyforecast as ef

WORKS = ef.DemandArea(
    name="works", latitude=50.1, longitude=8.7, timezone="Europe/Berlin", country="DE", sector="industry"
)
TASK = ef.day_ahead("11:00", timezone="Europe/Berlin", quantiles=(0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95))
DAYS = 300
#: Standard deviation [MW] of the noise, which no forecast can know, and its memory from hour to hour.
NOISE, MEMORY = 0.58, 0.8


def campaigns(days: int = DAYS, *, seed: int = 1) -> pd.DataFrame:
    """Plans of the furnace as they were published, with the cancellations."""
    rng = np.random.default_rng(seed)
    rows = []
    for day in pd.date_range("2023-01-02", periods=days, freq="1D", tz="UTC")[rng.uniform(size=days) < 0.45]:
        start = day + pd.Timedelta(int(rng.integers(0, 16)), unit="h")
        end = start + pd.Timedelta(int(rng.integers(4, 13)), unit="h")
        rows.append((start, end, 1.0, day - pd.Timedelta("36h")))
        if rng.uniform() < 0.05:
            rows.append((start, end, 0.0, day - pd.Timedelta("4h")))
    plan = pd.DataFrame(rows, columns=["start", "end", "level", "published"])
    return plan.assign(site=WORKS.name, activity="furnace")


def demand(plan: ef.PlannedOperation, days: int = DAYS, *, seed: int = 2) -> pd.DataFrame:
    """Demand of the works, which runs by the last plan. [MW]"""
    hours = pd.date_range("2023-01-02", periods=24 * days, freq="1h", tz="UTC")
    local = hours.tz_convert(WORKS.timezone)
    shifts = (local.day_of_week < 5) & (local.hour >= 6) & (local.hour < 22)
    shock = np.random.default_rng(seed).normal(0, NOISE * np.sqrt(1 - MEMORY**2), len(hours))
    noise = pd.Series(shock).ewm(alpha=1 - MEMORY, adjust=False).mean() / (1 - MEMORY)
    power = 4 + 3 * shifts + 6 * plan.at(WORKS.name, "furnace", hours) + noise.to_numpy()
    return pd.DataFrame({WORKS.name: power}, index=hours)


def compare(measured: pd.DataFrame, plan: ef.PlannedOperation) -> ef.Forecaster:
    """Pinball loss and coverage without and with the plan; the forecaster that knows it."""
    issued = pd.date_range("2023-08-16 11:00", periods=70, freq="1D", tz=WORKS.timezone)
    for words, given in (("without the plan", None), ("with the plan", plan)):
        power = ef.Observations(measured, published_after="1h", planned=given)
        forecaster = ef.Forecaster(WORKS, TASK).fit(None, power, as_of=issued[0])
        forecast = forecaster.predict(None, power, issue_time=issued)
        loss = ef.evaluation.score("pinball", power, forecast)["value"].iloc[0]
        held = ef.evaluation.coverage(power, forecast, interval=0.8)["percent"].iloc[0]
        print(f"{words:<20} pinball {loss:.3f} MW, 80 % hold {held:.0f} % (n = {24 * len(issued)})")
    left = np.mean([NOISE * NormalDist().pdf(NormalDist().inv_cdf(level)) for level in TASK.quantiles])
    print(f"{'the noise alone':<20} pinball {left:.3f} MW")
    return forecaster


def of_tomorrow(*levels: tuple[str, str, float]) -> ef.PlannedOperation:
    """A plan of 17 October, published in the hour before the issue."""
    rows = [
        {"site": WORKS.name, "activity": "furnace", "start": start, "end": end, "level": level}
        for start, end, level in levels
    ]
    return ef.PlannedOperation(pd.DataFrame(rows), published="2023-10-16 10:30", timezone="Europe/Berlin")


def tried_out(forecaster: ef.Forecaster, measured: pd.DataFrame, plan: ef.PlannedOperation) -> None:
    """Tomorrow's demand by two plans of the furnace: it stands still, or runs from 8 to 14."""
    power = ef.Observations(measured, published_after="1h", planned=plan)
    before, hours, after = (
        ("2023-10-17 00:00", "2023-10-17 08:00"),
        ("2023-10-17 08:00", "2023-10-17 14:00"),
        ("2023-10-17 14:00", "2023-10-17 24:00"),
    )
    tried = {
        "no campaign": of_tomorrow(("2023-10-17", "2023-10-17", 0.0)),
        "8 to 14": of_tomorrow((*before, 0.0), (*hours, 1.0), (*after, 0.0)),
    }
    medians = {
        name: forecaster.predict(None, power, issue_time="2023-10-16 11:00", planned=change)
        .at(0.5)
        .values.ravel()
        for name, change in tried.items()
    }
    table = pd.DataFrame(medians, index=pd.Index(range(24), name="hour"))
    print("Median of 17 October [MW]")
    print(table.iloc[6:18:2].round(1).to_string())


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    plan = ef.PlannedOperation(campaigns())
    print(plan)
    measured = demand(plan)
    tried_out(compare(measured, plan), measured, plan)


if __name__ == "__main__":
    main()
