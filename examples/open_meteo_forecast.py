"""Tomorrow's power of a planned wind farm, from one run of a weather model at Open-Meteo.

    python examples/open_meteo_forecast.py           # from the answer that is kept beside this file
    python examples/open_meteo_forecast.py --live    # from the newest run of ECMWF's model; needs the network

The farm has no measurements yet, so the forecast is its power curve on the weather, with the errors that
weather forecasts usually have; it says so. The kept answer is made up, in the shape of Open-Meteo's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import energyforecast as ef

KEPT = Path(__file__).with_name("open_meteo_run.json")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--live", action="store_true", help="ask Open-Meteo instead of reading the kept answer"
    )
    options = parser.parse_args()

    farm = ef.WindFarm(
        name="planned farm",
        latitude=43.64,
        longitude=78.54,
        capacity=60,
        hub_height=100,
        timezone="Asia/Almaty",
    )
    names = ("wind_speed_100m", "wind_direction_100m", "temp_air", "pressure")
    if options.live:
        source = ef.weather.OpenMeteo("ecmwf_ifs", variables=names)
        weather = source.get_run([farm], source.newest())
        issue_time = "now"
    else:
        weather = ef.weather.read_open_meteo(
            KEPT, sites=farm, model="ecmwf_ifs", init_time="2024-06-10 00:00", variables=names
        )
        issue_time = "2024-06-10 14:00"
    print(weather)

    task = ef.day_ahead("14:00", timezone="Asia/Almaty", quantiles=(0.1, 0.5, 0.9))
    forecaster = ef.Forecaster(farm, task).fit(weather, missing="drop")
    forecast = forecaster.predict(weather, issue_time=issue_time)
    print(forecast)
    print(forecast.to_frame().set_index("valid_time")[["q0.1", "q0.5", "q0.9"]].round(1).to_string())
    print(f"{weather.attrs['attribution']}. {'; '.join(forecast.caveats)}.")


if __name__ == "__main__":
    main()
