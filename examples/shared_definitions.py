"""Shared definitions: quantiles, scores, kinds, outcomes and imbalance costs are the same in all of the library.

    python examples/shared_definitions.py

The numbers are invented, and small enough to be checked by hand.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

import energyforecast as ef
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.evaluation import mae, score

TASK = ef.day_ahead("09:00", timezone="UTC")
HOURS = pd.date_range("2024-03-02", periods=24, freq="1h", tz="UTC")
LEVELS = np.arange(1, 100) / 100


def demand() -> ef.Forecast:
    """Demand of a town: normal, 100 ± 10 MW in each hour."""
    table = pd.DataFrame({f"q{level:g}": norm.ppf(level, 100, 10) for level in LEVELS}, index=HOURS)
    frame = table.rename_axis("valid_time").reset_index().assign(site="Town")
    return ef.Forecast.from_frame(frame, task=TASK, kind="demand")


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()

    power = QuantileFunction(np.array([12.0, 16.0, 20.0]), (0.1, 0.5, 0.9))
    print("One quantile function, for (12, 16, 20) MW at the levels (0.1, 0.5, 0.9)")
    print(f"  level 0.37: {power.at(0.37):.2f} MW; P(power > 17.3 MW) = {1 - power.at_most(17.3):.3f}")

    forecast = demand()
    observations = ef.Observations(pd.DataFrame({"Town": 104.0}, index=HOURS), published_after="2h")
    print("One registry of scores, by name or as an object")
    for metric in ("mae", "pinball", "crps"):
        row = score(metric, observations, forecast).iloc[0]
        print(f"  {metric}: {row['value']:.2f} MW (n = {row['n']})")
    print(f"  mae(observed, forecast): {mae(observations, forecast)['value'].iloc[0]:.2f} MW")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forecast.nc"
        forecast.save(path)
        loaded = ef.Forecast.load(path)
    print("A forecast knows its kind, also after it was saved and loaded")
    table = ef.planning.schedule(loaded, shortage=30, surplus=10).iloc[0]
    print(f"  kind: {loaded.kinds['Town']}; shortage 30, surplus 10 per MWh")
    print(f"  schedule of demand: {table['schedule']:.1f} MW, {table['expected_cost']:.0f} per hour expected")
    wind = ef.planning.schedule(loaded.with_kind("wind"), shortage=30, surplus=10).iloc[0]
    print(f"  schedule of a wind farm with the same quantiles: {wind['schedule']:.1f} MW")

    print("One look-up of outcomes, as of a moment (published 2 h after the end of the hour)")
    for as_of in ("2024-03-02 03:59", "2024-03-02 04:00"):
        value = observations.value_at("Town", HOURS[1], as_of=as_of)
        print(f"  01:00 to 02:00, known at {as_of[-5:]}: {float(value):.0f} MW")

    print("One cost of imbalance, with its sides by kind")
    terms = ef.settlement.ImbalanceTerms(shortage=30, surplus=10, band=0.05)
    for kind in ("demand", "wind"):
        cost = terms.cost(np.array([112.0]), np.array([100.0]), kind=kind)[0]
        print(f"  {kind}: 112 MW after declaring 100 MW costs {cost:.0f}, beyond a dead band of 5 %")


if __name__ == "__main__":
    main()
