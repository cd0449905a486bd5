"""What the operators' own forecasts of load are worth, and how our references stand beside them.

    python examples/operators_forecast.py [--data DIR] [--start 2019-01 --end 2019-12]

Austria, Switzerland and France publish a load forecast for the next day (ENTSO-E, point forecasts; when each was
issued is not in the data: the deadline of the regulation, two hours before the gate closes at noon, is
assumed). Great Britain counts half-hours of its local day: 46 and 50 of them on the days of the clock changes;
there a vendor who says "as last week" stands for an operator. Without the data it says so and stops: see
docs/howto/backtest.md for where it comes from.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pandas as pd

import energyforecast as ef
from energyforecast.evaluation import Result

AREAS = {
    "AT": ("Austria", "Europe/Vienna"),
    "CH": ("Switzerland", "Europe/Zurich"),
    "FR": ("France", "Europe/Paris"),
}


def continent(path: Path, code: str, *, start: str, end: str) -> Result:
    """The operator's forecast beside references that know as much as it did."""
    name, zone = AREAS[code]
    table = pd.read_parquet(path)
    hours = pd.DatetimeIndex(pd.to_datetime(table["utc_timestamp"]))
    load = pd.DataFrame({name: table[f"{code}_load_actual_entsoe_transparency"].to_numpy(float)}, index=hours)
    power = ef.Observations(load, published_after="1h")
    task = ef.day_ahead("10:00", timezone=zone)
    told = pd.DataFrame(
        {
            "site": name,
            "valid_time": hours,
            "load": table[f"{code}_load_forecast_entsoe_transparency"].to_numpy(float),
        }
    )
    return beside_references(told, power, task, code, start=start, end=end, who="operator")


def great_britain(path: Path, *, start: str, end: str) -> Result:
    """Half-hours by settlement period, through both clock changes."""
    table = pd.read_parquet(path)
    midnights = ef.core.timestamps.local_midnights(table["SETTLEMENT_DATE"].dt.date, timezone="Europe/London")
    halves = midnights + pd.to_timedelta(30 * (table["SETTLEMENT_PERIOD"].to_numpy() - 1), unit="min")
    demand = pd.Series(table["ND"].to_numpy(float), index=halves)
    power = ef.Observations(demand.to_frame("Great Britain"), published_after="1h")
    told = pd.DataFrame({"site": "Great Britain", "valid_time": halves, "load": as_last_week(table)})
    task = ef.day_ahead("10:00", timezone="Europe/London", frequency="30min")
    return beside_references(told, power, task, "GB", start=start, end=end, who="vendor")


def as_last_week(table: pd.DataFrame) -> pd.Series:
    """The same period a week before; where that day had fewer, its last."""
    before = table[["SETTLEMENT_DATE", "SETTLEMENT_PERIOD"]].copy()
    before["SETTLEMENT_DATE"] -= pd.Timedelta("7D")
    periods = table.groupby("SETTLEMENT_DATE")["SETTLEMENT_PERIOD"].max()
    last = before["SETTLEMENT_DATE"].map(periods)
    before["SETTLEMENT_PERIOD"] = before["SETTLEMENT_PERIOD"].where(before["SETTLEMENT_PERIOD"] <= last, last)
    known = table.set_index(["SETTLEMENT_DATE", "SETTLEMENT_PERIOD"])["ND"]
    return known.reindex(pd.MultiIndex.from_frame(before)).reset_index(drop=True)


def beside_references(
    told: pd.DataFrame,
    power: ef.Observations,
    task: ef.Task,
    code: str,
    *,
    start: str,
    end: str,
    who: str,
) -> Result:
    """Backtest references without weather, and put the forecast of others beside them."""
    first = ef.core.timestamps.period(start, timezone=task.timezone)[0]
    after = ef.core.timestamps.period(end, timezone=task.timezone)[1]
    period = told[(told["valid_time"] >= first) & (told["valid_time"] < after)]
    forecast = ef.Forecast.from_frame(period, columns="load", task=task, kind="demand", name=who)
    area = ef.DemandArea(
        name=power.sites[0], latitude=47.0, longitude=8.0, timezone=task.timezone, country=code
    )
    models = {"climatology": ef.Climatology(), "last week": ef.SeasonalNaive()}
    references = {name: ef.Forecaster(area, task, model=model) for name, model in models.items()}
    result = ef.backtest(references, {}, power, start=start, end=end)
    # Hours that the operator left empty are left out of all, and counted.
    return result.with_forecasts({who: forecast}, missing="drop")


def show(title: str, result: Result) -> None:
    """Scores and skill; of a point the CRPS is the absolute error."""
    table = result.scores()
    table = table[table["metric"].isin(["mae", "rmse", "bias", "crps"])]
    print(f"\n{title} [MW]")
    print(table.pivot(index="model", columns="metric", values="value").round(1).to_string())
    skill = result.skill("crps", reference="last week").set_index("model")["value"]
    print(
        f"skill in CRPS over 'last week': {skill.round(3).to_dict()}; hours {table['n'].iloc[0]}, "
        f"left out {result.provenance['left_out']}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("ENERGYFORECAST_DATA", "data")))
    parser.add_argument("--start", default="2019-01")
    parser.add_argument("--end", default="2019-12")
    options = parser.parse_args()
    period = {"start": options.start, "end": options.end}
    load, demand = options.data / "opsd/at_ch_fr_2018_2020.parquet", options.data / "gb_demand/demand.parquet"
    for path in (load, demand):
        if not path.exists():
            print(f"Skipped: there is no {path}. Give --data, or set ENERGYFORECAST_DATA.")
    if load.exists():
        for code, (name, _) in AREAS.items():
            show(f"{name}, day-ahead", continent(load, code, **period))
    if demand.exists():
        show("Great Britain, half-hours, day-ahead", great_britain(demand, **period))


if __name__ == "__main__":
    main()
