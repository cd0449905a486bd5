"""What yesterday's forecast was worth, beside climatology and persistence.

    python examples/verification_of_yesterday.py [--out DIR]

Uses the embedded wind farm La Haute Borne. Its weather is a reanalysis, so what comes out is not
forecast skill. One day says little: the sheet says so, and a backtest says more.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import energyforecast as ef
from energyforecast.reporting.sheets import verification_sheet


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("verification"), help="folder for what is written")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    site, weather, power = ef.datasets.la_haute_borne()
    task = ef.day_ahead("09:00", timezone="Europe/Paris")
    models = {
        "forecast": ef.LightGBMQuantiles(),
        "Climatology": ef.Climatology(),
        "Persistence": ef.Persistence(),
    }
    issued = {}
    for name, model in models.items():
        forecaster = ef.Forecaster(site, task, model=model, perfect_weather=True)
        forecaster.fit(weather, power["2014-07":"2014-12"])
        issued[name] = forecaster.predict(weather, power, issue_time="2015-02-17 09:00")

    forecast = issued.pop("forecast")
    sheet = verification_sheet(forecast, power, timezone="Europe/Paris", references=issued)
    print(sheet)
    print(sheet.to_frame(part="summary").drop(columns=["key", "caveat"]).round(2).to_string(index=False))
    for note in sheet.notes:
        print("-", note.translate())

    worst = sheet.to_frame().nlargest(3, "pinball")[["hour", "observed", "q0.1", "q0.5", "q0.9", "pinball"]]
    print("The worst hours:")
    print(worst.round(2).to_string(index=False))

    sheet.write_csv(options.out / "hours.csv")
    sheet.write_csv(options.out / "scores.csv", part="summary")
    sheet.write_html(options.out / "verification.html")
    print(f"Written to {options.out}")


if __name__ == "__main__":
    main()
