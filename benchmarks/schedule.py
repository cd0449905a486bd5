"""What a schedule costs that declares the mean, the median or the cheapest power, and what reserve it needs. Synthetic.

A synthetic wind farm like Shelek: day-ahead quantile forecasts of 90 days by a small LightGBM that learnt from the
months before them, and two forecasts without weather, settled under several terms. Costs are shares of the revenue.
Reserve is that of the farm alone, by hour from its quantiles and as one number from the errors of
the 90 days before. Figures say how the code behaves, not what plants at Shelek pay.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.core.scenario_set import Scenarios
from energyforecast.core.settlement import ImbalanceTerms, kazakhstan
from energyforecast.planning import compare_schedules, reserve, reserve_exceedance, static_reserve

#: An assumption: no deadline is published.
GATE_CLOSURE = "08:00"
DAYS = 90
TERMS: dict[str, ImbalanceTerms] = {
    "1.3 / 0.7 beyond 5 % of schedule": kazakhstan(gate_closure=GATE_CLOSURE),
    "... the whole deviation is paid": kazakhstan(gate_closure=GATE_CLOSURE, paid="whole"),
    "... without a band": kazakhstan(gate_closure=GATE_CLOSURE, band=0.0),
    "... band of 20 % of schedule": kazakhstan(gate_closure=GATE_CLOSURE, band=0.2),
    "... band of 5 % of capacity": ImbalanceTerms(shortage=0.3, surplus=0.3, band=0.05, band_of="capacity"),
    "shortage 1.0, surplus 0.3, no band": ImbalanceTerms(shortage=1.0, surplus=0.3),
    "shortage 1.0, surplus 0.3, 5 % of schedule": ImbalanceTerms(shortage=1.0, surplus=0.3, band=0.05),
}


def forecasts() -> tuple[dict[str, ef.Forecast], pd.Series]:
    """Forecasts of twice 90 days by model, and what came."""
    synthetic = ef.datasets.shelek(hours=24 * 640, models=("ecmwf", "gfs"))
    task = ef.day_ahead(GATE_CLOSURE, timezone="Asia/Almaty")
    last = synthetic.observations.index[-1].tz_convert("Asia/Almaty").normalize() - pd.Timedelta("2D")
    models = {
        "LightGBM": ef.LightGBMQuantiles(n_estimators=120, folds=2),
        "Climatology": ef.Climatology(),
        "Persistence": ef.Persistence(),
    }
    result = ef.backtest(
        {name: ef.Forecaster(synthetic.site, task, model=model) for name, model in models.items()},
        synthetic.weather,
        synthetic.observations,
        start=f"{last - pd.Timedelta(days=2 * DAYS - 1):%Y-%m-%d}",
        end=f"{last:%Y-%m-%d}",
        refit="QS",
    )
    name = synthetic.site.name
    power = synthetic.observations.values[name].where(~synthetic.observations.unfit[name])
    return result.forecasts, power.clip(lower=0.0)


def schedules(made: dict[str, ef.Forecast], power: pd.Series) -> list[dict[str, Any]]:
    """Cost of each way of declaring under each set of terms."""
    rows = []
    for label, terms in TERMS.items():
        for model, forecast in made.items():
            table = compare_schedules(forecast, terms, observations=power)
            if model != "LightGBM":
                table = table[table["schedule"] == "median"]
            hours = pd.DatetimeIndex(forecast.to_frame()["valid_time"])
            revenue = float(power.reindex(hours).sum())
            rows += [
                {
                    "terms": label,
                    "forecast": model,
                    "schedule": row["schedule"],
                    "cost_percent_of_revenue": round(100 * row["realised_cost"] / revenue, 2),
                    "band_worth_percent_of_revenue": round(100 * row["realised_band_worth"] / revenue, 2),
                    "hours_within_band_percent": round(100 * row["within_band"], 1),
                    "n": row["n"],
                }
                for row in table.to_dict("records")
            ]
    return rows


def reserves(before: ef.Forecast, forecast: ef.Forecast, power: pd.Series) -> list[dict[str, Any]]:
    """Exceedance of reserves by hour and of one number; upward is less wind than scheduled."""
    load, rows = -power, []
    past = before.to_frame()["valid_time"]
    error = pd.Series(before.mean.values[0][before.inside] + load.reindex(past).to_numpy())
    distribution = QuantileFunction(forecast.data.values[0][forecast.inside], forecast.quantiles)
    # Equal probabilities of each hour's curve: enough for reserve, which looks at hours one by one.
    even = (np.arange(2000) + 0.5) / 2000
    trajectories = -distribution.table(even)
    hours = pd.DatetimeIndex(forecast.to_frame()["valid_time"])
    scenarios = Scenarios.from_values(
        trajectories.T[:, None], sites=["farm"], kind="demand", valid_time=hours
    )
    for risk in (0.05, 0.02, 0.01):
        dynamic = reserve(scenarios, risk=risk)
        plan = dynamic.set_index("valid_time")["scheduled"]
        held = {"by hour": dynamic}
        if len(error.dropna()) * risk >= 10:
            held["static"] = static_reserve(error, plan, risk=risk)
        table = reserve_exceedance(held, load)
        # Where the farm stands still, outcomes lie a few kW below the lowest quantiles.
        table["share_by_1_percent_of_capacity"] = reserve_exceedance(held, load, tolerance=0.6)["share"]
        rows += [{"risk": risk} | row for row in table.round(4).to_dict("records")]
    return rows


def measure() -> dict[str, Any]:
    """All figures."""
    begun = time.process_time()
    made, power = forecasts()
    late = {name: ef.Forecast(item.data.isel(issue_time=slice(DAYS, None))) for name, item in made.items()}
    early = ef.Forecast(made["LightGBM"].data.isel(issue_time=slice(0, DAYS)))
    return {
        "note": "synthetic: how the code behaves, not what plants at Shelek pay",
        "days": DAYS,
        "gate_closure": f"{GATE_CLOSURE} on the day before, an assumption",
        "schedules": schedules(late, power),
        "reserve": reserves(early, late["LightGBM"], power),
        "cpu_seconds": round(time.process_time() - begun, 1),
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
