"""The week ahead of a wind farm: energy of each day as quantiles, and the hours in which it may stand still.

    python examples/weekly_outlook.py [--out DIR]

Quantiles of a day's energy come from scenarios, and depend on how errors of one hour go on into the next: it is
learnt from past forecasts, and compared with hours that know nothing of each other. Uses the embedded wind
farm La Haute Borne, whose weather is a reanalysis: not forecast skill, least of all seven days ahead.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

import energyforecast as ef
from energyforecast.planning import GaussianCopula, sample_scenarios
from energyforecast.reporting.sheets import weekly_outlook


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("weekly_outlook"), help="folder for what is written")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    site, weather, power = ef.datasets.la_haute_borne()
    task = ef.day_ahead("09:00", timezone="Europe/Paris", days=7)
    forecaster = ef.Forecaster(site, task, perfect_weather=True)
    forecaster.fit(weather, power["2014-09":"2014-12"])

    # How errors hang together: from forecasts of days that the model was not trained on.
    issue = pd.Timestamp("2015-03-25 09:00", tz="Europe/Paris")
    past = forecaster.predict(weather, power, issue_time=task.issue_times("2015-01-05", "2015-03-17"))
    copula = GaussianCopula.fit(past, power, until=issue)
    print(copula)

    # The clocks go forward on 29 March: that day has 23 hours.
    forecast = forecaster.predict(weather, power, issue_time=issue)
    options_of_outlook = {"timezone": "Europe/Paris", "below": 0.4, "risk": 0.2}
    outlook = weekly_outlook(
        sample_scenarios(forecast, n_scenarios=1000, dependence=copula), **options_of_outlook
    )
    apart = weekly_outlook(sample_scenarios(forecast, n_scenarios=1000), **options_of_outlook)
    print(outlook)
    columns = ["hours", "energy_q0.1", "energy_q0.5", "energy_q0.9", "hours_at_risk", "when_at_risk"]
    frame = outlook.to_frame()
    frame.index = frame["day"].map(lambda day: f"{day:%a %d %b}")
    print(frame[columns].round(1).to_string())

    def width(table: pd.DataFrame) -> float:
        return float((table["energy_q0.9"] - table["energy_q0.1"]).mean())

    # What came of it; a day with a missing hour has no measured energy.
    measured = power.values["La Haute Borne"].tz_convert("Europe/Paris")
    energies = pd.Series({day: measured[f"{day:%Y-%m-%d}"].sum(skipna=False) for day in frame["day"]})
    told = "  ".join(f"{day:%a} {energy:.1f}" for day, energy in energies.items())
    inside = energies.between(*(frame[name].to_numpy() for name in ("energy_q0.1", "energy_q0.9")))
    print(f"Measured [MWh]: {told}")
    print(
        f"Inside the 80 % interval: {inside.sum()} of {energies.notna().sum()} days that were measured whole."
    )
    print(
        f"The 80 % interval of a day is {width(frame):.0f} MWh wide; with hours that know nothing of each other it "
        f"would be {width(apart.to_frame()):.0f} MWh, and wrong."
    )

    outlook.write_csv(options.out / "week.csv")
    outlook.write_html(options.out / "week.html")
    print(f"Written to {options.out}")


if __name__ == "__main__":
    main()
