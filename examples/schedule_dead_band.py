"""The schedule of a wind farm for tomorrow where deviations beyond a dead band are paid for.

    python examples/schedule_dead_band.py [--out DIR]

Declares what costs least on average, hour by hour, and shows what declaring the mean, the median or this
schedule would have cost in the two months before. Settings are in schedule_dead_band.toml. Offline; synthetic.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast import planning
from energyforecast.core import settlement


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=Path(__file__).with_suffix(".toml"))
    parser.add_argument("--out", type=Path, default=Path("schedule"), help="folder for what is written")
    options = parser.parse_args()
    settings = tomllib.loads(options.config.read_text(encoding="utf-8"))
    terms = settlement.kazakhstan(**settings["terms"])

    # A forecaster that has not seen the days on which it is checked.
    synthetic = ef.datasets.shelek(models=("ecmwf",), hours=10_000)
    weather, power = synthetic.weather["ecmwf"], synthetic.observations
    task = ef.day_ahead("08:00", timezone="Asia/Almaty")
    issued = ef.core.timestamps.instant(settings["issue_time"], timezone=task.timezone)
    past = pd.date_range(end=issued, periods=settings["check_days"] + 1, freq="D")[:-1]
    forecaster = ef.Forecaster(synthetic.site, task).fit(weather, power, as_of=past[0])

    # Tomorrow: the schedule of least expected cost, from the forecast's quantiles.
    forecast = forecaster.predict(weather, power, issue_time=issued)
    table = planning.schedule(forecast, terms)
    table.insert(1, "hour", table["valid_time"].dt.tz_convert(task.timezone).dt.strftime("%Y-%m-%d %H:%M"))
    print(*forecast.caveats, sep="\n")
    print(f"\n{synthetic.site.name}: schedule for the day after {settings['issue_time']}")
    print(
        f"Beyond {terms.band:.0%} of it a missing MWh costs {terms.shortage:g}, a surplus MWh {terms.surplus:g}.\n"
    )
    shown = table[["hour", "schedule", "expected_cost", "mean", "mean_cost", "median", "median_cost"]]
    print(shown.round(1).to_string(index=False))
    options.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out / "schedule.csv", index=False)

    # What each way of declaring would have cost in the days before, and how often it met the band.
    # strict=False: mornings on which weather came too late count as well, with the fallback that was issued.
    before = forecaster.predict(weather, power, issue_time=past, strict=False)
    compared = planning.compare_schedules(before, terms, observations=power)
    produced = np.nansum(power.value_at(synthetic.site.name, before.to_frame()["valid_time"]))
    compared["% of revenue"] = 100 * compared["realised_cost"] / (produced * settings["terms"]["price"])
    compared["within band"] = 100 * compared["within_band"]
    columns = [
        "schedule",
        "realised_cost",
        "% of revenue",
        "within band",
        "realised_band_worth",
        "n",
        "missing",
    ]
    print(f"\nThe {len(past)} days before. Revenue: of what came. Within the band: share of hours [%].")
    print(compared[columns].round(1).to_string(index=False))
    print(f"\nWritten to {options.out / 'schedule.csv'}")


if __name__ == "__main__":
    main()
