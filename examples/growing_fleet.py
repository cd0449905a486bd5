"""A wind farm that doubles, roofs that grow every day, a repair and an order to curtail.

    python examples/growing_fleet.py

Weather and power are synthetic: the farm and the roofs are cut to the share that was built.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

import energyforecast as ef

MODEL = ef.LightGBMQuantiles(n_estimators=80, folds=0)
TASK = ef.day_ahead("09:00", timezone="Asia/Almaty", quantiles=(0.05, 0.25, 0.5, 0.75, 0.95))
LAST = pd.Timestamp("2023-07-15", tz="Asia/Almaty")


def built(synthetic: ef.datasets.SyntheticSite, share: pd.Series) -> tuple[ef.Observations, pd.DataFrame]:
    """Power of the share that was built at each hour, and the capacity in service."""
    name, full = synthetic.site.name, synthetic.observations
    power = full.values.mul(share, axis=0)
    in_service = pd.DataFrame({name: synthetic.site.capacity * share})
    return ef.Observations(power, published_after="2h", flags=full.flags), in_service


def errors(synthetic: ef.datasets.SyntheticSite, power: ef.Observations) -> tuple[float, float]:
    """Bias and mean absolute error of the two weeks before the last day. [MW]"""
    issued = pd.date_range(LAST - pd.Timedelta("14D"), LAST, freq="1D") + pd.Timedelta("9h")
    forecaster = ef.Forecaster(synthetic.site, TASK, model=MODEL)
    forecaster.fit(synthetic.weather, power, as_of=issued[0], missing="drop")
    forecast = forecaster.predict(synthetic.weather, power, issue_time=issued)
    hours = forecast.to_frame()["valid_time"]
    error = forecast.at(0.5).values.ravel() - power.value_at(synthetic.site.name, hours)
    return float(np.nanmean(error)), float(np.nanmean(np.abs(error)))


def show(title: str, synthetic: ef.datasets.SyntheticSite, share: pd.Series) -> None:
    """Errors without and with the capacity in service."""
    power, in_service = built(synthetic, share)
    register = ef.AvailableCapacity(in_service, published_after="24h")
    known = ef.Observations(
        power.values, published_after="2h", flags=power.flags, available_capacity=register
    )
    print(title)
    for words, given in (("without the capacity", power), ("with the capacity in service", known)):
        bias, absolute = errors(synthetic, given)
        print(f"  {words:<30} bias {bias:6.1f} MW, MAE {absolute:5.1f} MW")


def hours(values: float, *, begin: str, count: int, limit: bool = False) -> ef.AvailableCapacity:
    """Hours of the farm's day, as known the evening before."""
    index = pd.date_range(pd.Timestamp(begin, tz="Asia/Almaty").tz_convert("UTC"), periods=count, freq="1h")
    frame = pd.DataFrame({FARM.site.name: values}, index=index)
    return ef.AvailableCapacity(frame, published_time="2023-07-14 18:00+06:00", limit=limit)


def tomorrow() -> None:
    """A repair and an order on one day."""
    repair = hours(30.0, begin="2023-07-16 08:00", count=4)
    order = hours(20.0, begin="2023-07-16 16:00", count=4, limit=True)
    forecaster = ef.Forecaster(FARM.site, TASK, model=MODEL)
    forecaster.fit(FARM.weather, FARM.observations, as_of=LAST, missing="drop")
    forecast = forecaster.predict(
        FARM.weather,
        FARM.observations,
        issue_time="2023-07-15 09:00",
        available_capacity=[repair, order],
    )
    table = forecast.to_frame().set_index("valid_time").tz_convert("Asia/Almaty")
    print("Half of the farm in repair from 8 to 12, an order of 20 MW from 16 to 20")
    print(table[["available_capacity", "q0.05", "q0.5", "q0.95"]].iloc[6:21].round(1).to_string())


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    index = FARM.observations.index
    step = pd.Series(np.where(index < pd.Timestamp("2023-06-20", tz="UTC"), 0.5, 1.0), index=index)
    show("A farm of 30 MW that has 60 MW since 20 June", FARM, step)
    index = ROOFS.observations.index
    growth = pd.Series(np.linspace(0.4, 1.0, len(index)), index=index)
    show("Roofs that grew from 40 to 100 MW in 200 days", ROOFS, growth)
    tomorrow()


if __name__ == "__main__":
    FARM, ROOFS = ef.datasets.shelek(hours=24 * 200), ef.datasets.kapshagay(hours=24 * 200)
    main()
