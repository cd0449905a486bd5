"""Forecast of a home before its first measurement, and with its first days.

    python examples/new_consumer.py [--out DIR]

The home takes 3.5 MWh a year. Needs no network and no files; the first days are synthetic.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import energyforecast as ef


def first_days(days: int, issued: pd.Timestamp) -> ef.Observations:
    """Synthetic measurements of the days before an issue: more in the evening. [MW]"""
    index = pd.date_range(end=issued.floor("h"), periods=24 * days + 9, freq="1h")
    evening = np.isin(index.tz_convert("Europe/Amsterdam").hour, (18, 19, 20, 21))
    load = (0.2 + 0.9 * evening) * np.random.default_rng(1).lognormal(-0.05, 0.3, len(index))
    return ef.Observations(pd.DataFrame({"new home": load / 1000}, index=index), published_after="15min")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--issue-time", default="2026-03-02 09:00", help="wall time of the task, or now")
    parser.add_argument("--out", type=Path, default=Path("new_consumer"), help="folder of the files")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    settings = ef.configuration.read(Path(__file__).with_suffix(".toml"))
    issued = ef.core.timestamps.instant(options.issue_time, timezone=settings.task.timezone)

    for days in (0, 2, 7):
        demand = first_days(days, issued) if days else None
        forecaster = settings.forecaster().fit(None, demand, as_of=issued if days else None)
        forecast = forecaster.predict(None, demand, issue_time=issued)
        forecast.write_csv(options.out / f"forecast_{days}_days.csv")
        print(*forecast.caveats, sep="\n")
        table = forecast.to_frame()
        table.index = table["valid_time"].dt.tz_convert(settings.task.timezone).dt.strftime("%H:%M")
        print((1000 * table[["q0.1", "q0.5", "q0.9"]]).round(2).iloc[[4, 12, 19]].to_string())  # kW


if __name__ == "__main__":
    main()
