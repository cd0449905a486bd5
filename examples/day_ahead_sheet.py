"""Tomorrow's sheet of a wind farm, for a machine, a spreadsheet and a desk, in three languages.

    python examples/day_ahead_sheet.py [--out DIR]

Uses the embedded wind farm La Haute Borne. Its weather is a reanalysis, so the sheet says that it is not
forecast skill. XLSX needs the extra ``planning``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import energyforecast as ef
from energyforecast.reporting.sheets import day_ahead_sheet


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("day_ahead_sheet"), help="folder for what is written"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    site, weather, power = ef.datasets.la_haute_borne()
    task = ef.day_ahead("09:00", timezone="Europe/Paris")
    forecaster = ef.Forecaster(site, task, perfect_weather=True)
    forecaster.fit(weather, power["2014-07":"2015-06"])

    # The clocks go back on 25 October 2015: the day has 25 hours.
    forecast = forecaster.predict(weather, power, issue_time="2015-10-24 09:00")

    # A schedule and a reserve are frames by hour, from wherever they come. Here the median is declared, and what
    # is held ready lets the farm fall short of it, or exceed it, once in twenty hours.
    hours = forecast.to_frame()
    schedule = hours[["valid_time"]].assign(schedule=hours["q0.5"])
    reserve = hours[["valid_time"]].assign(
        up=hours["q0.5"] - hours["q0.05"], down=hours["q0.95"] - hours["q0.5"]
    )
    sheet = day_ahead_sheet(forecast, timezone="Europe/Paris", schedule=schedule, reserve=reserve)
    print(sheet)
    shown = ["hour", "q0.1", "q0.5", "q0.9", "schedule", "reserve_up", "reserve_down"]
    print(sheet.to_frame()[shown].round(2).to_string(index=False))
    for note in sheet.notes:
        print("-", note.translate())

    sheet.write_csv(options.out / "day_ahead.csv")
    for language in ("en", "ru", "fr"):
        sheet.write_html(options.out / f"day_ahead_{language}.html", language=language)
        sheet.write_xlsx(options.out / f"day_ahead_{language}.xlsx", language=language)

    print(f"Written to {options.out}")


if __name__ == "__main__":
    main()
