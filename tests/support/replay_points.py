"""Answers of NASA POWER, PVGIS and NSRDB about the replay server's atmosphere, in their documented shapes."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from energyforecast import physics
from tests.support.replay import Answer, Atmosphere, Request

SKY = Atmosphere()
POWER = {
    "ALLSKY_SFC_SW_DWN": ("ghi", "Wh/m^2", 1.0),
    "ALLSKY_SFC_SW_DNI": ("dni", "Wh/m^2", 1.0),
    "ALLSKY_SFC_SW_DIFF": ("dhi", "Wh/m^2", 1.0),
    "T2M": ("temp_air", "C", 1.0),
    "PS": ("pressure", "kPa", 1e-3),
    "RH2M": ("relative_humidity", "%", 1.0),
    "WS10M": ("wind_speed_10m", "m/s", 1.0),
    "WS50M": ("wind_speed_50m", "m/s", 1.0),
    "WD50M": ("wind_direction_50m", "Degrees", 1.0),
}
#: SARAH's minute at this place.
MINUTE = 10


def _seconds(stamps: pd.DatetimeIndex) -> np.ndarray:
    return stamps.as_unit("s").asi8.astype(float)


@lru_cache(maxsize=32)
def _clear(latitude: float, longitude: float, begin: int, step: int, count: int) -> tuple[np.ndarray, ...]:
    moments = (begin + step * np.arange(count)).astype("datetime64[s]").astype("datetime64[ns]")
    return tuple(physics.clear_sky(physics.solar_position(moments, latitude, longitude)))


def instant(name: str, latitude: float, longitude: float, stamps: pd.DatetimeIndex) -> np.ndarray:
    """Radiation at a moment, under a sky that is always clear."""
    seconds = _seconds(stamps)
    step = int(seconds[1] - seconds[0])
    whole = _clear(latitude, longitude, int(seconds[0]), step, int((seconds[-1] - seconds[0]) // step) + 1)
    place = ((seconds - seconds[0]) // step).astype(int)  # without a leap day there is a gap
    return whole[("ghi", "dni", "dhi").index(name)][place]


def power(request: Request) -> Answer:
    latitude, longitude = float(request.one("latitude")), float(request.one("longitude"))
    start, end = pd.Timestamp(request.one("start")), pd.Timestamp(request.one("end")) + pd.Timedelta("1D")
    zone = "UTC" if request.one("time-standard") == "UTC" else "LST"
    stamps = pd.date_range(start, end, freq="1h", inclusive="left", tz="UTC")
    true = stamps if zone == "UTC" else stamps - pd.Timedelta(round(longitude / 15), "h")
    values: dict[str, Any] = {}
    for parameter in request.many("parameters"):
        name, _, factor = POWER[parameter]
        series = SKY.value(name, latitude, longitude, _seconds(true)) * factor
        values[parameter] = dict(zip(stamps.strftime("%Y%m%d%H"), map(float, series), strict=True))
    content = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [longitude, latitude, 560.0]},
        "properties": {"parameter": values},
        "header": {"title": "a replay", "fill_value": -999.0, "time_standard": zone},
        "messages": [],
        "parameters": {name: {"units": POWER[name][1]} for name in values},
    }
    return Answer(json.dumps(content).encode())


def pvgis(request: Request) -> Answer:
    latitude, longitude = float(request.one("lat")), float(request.one("lon"))
    years = [int(request.one(name)) for name in ("startyear", "endyear")]
    begin, end = pd.Timestamp(years[0], 1, 1), pd.Timestamp(years[1] + 1, 1, 1)
    stamps = pd.date_range(begin, end, freq="1h", inclusive="left", tz="UTC") + pd.Timedelta(MINUTE, "min")
    ghi, dhi = (instant(name, latitude, longitude, stamps) for name in ("ghi", "dhi"))
    temperature = SKY.value("temp_air", latitude, longitude, _seconds(stamps))
    wind = SKY.value("wind_speed_10m", latitude, longitude, _seconds(stamps))
    rows = [
        {
            "time": when,
            "Gb(i)": g - d,
            "Gd(i)": d,
            "Gr(i)": 0.0,
            "H_sun": 0.0,
            "T2m": t,
            "WS10m": w,
            "Int": 0.0,
        }
        for when, g, d, t, w in zip(
            stamps.strftime("%Y%m%d:%H%M"),
            ghi.tolist(),
            dhi.tolist(),
            temperature.tolist(),
            wind.tolist(),
            strict=True,
        )
    ]
    slope = int(request.one("angle"))
    content = {
        "inputs": {
            "location": {"latitude": latitude, "longitude": longitude, "elevation": 560.0},
            "meteo_data": {"radiation_db": request.one("raddatabase")},
            "mounting_system": {"fixed": {"slope": {"value": slope, "optimal": False}}},
        },
        "outputs": {"hourly": rows},
        "meta": {"inputs": {}},
    }
    return Answer(json.dumps(content).encode())


def nsrdb(request: Request) -> Answer:
    if request.one("api_key") != "CANARY-KEY":
        return Answer(b'{"errors": ["API_KEY_INVALID"]}', 403)
    longitude, latitude = map(float, request.one("wkt")[6:-1].split())
    year, step = int(request.one("names")), int(request.one("interval"))
    first = pd.Timestamp(year, 1, 1) + pd.Timedelta(step // 2 if step == 60 else 0, "min")
    stamps = pd.date_range(first, pd.Timestamp(year + 1, 1, 1), freq=f"{step}min", inclusive="left", tz="UTC")
    if request.one("leap_day") != "true":
        stamps = stamps[~((stamps.month == 2) & (stamps.day == 29))]
    offset = 0 if request.one("utc") == "true" else round(longitude / 15)
    wall = stamps + pd.Timedelta(offset, "h")
    columns = {
        "GHI": instant("ghi", latitude, longitude, stamps),
        "DNI": instant("dni", latitude, longitude, stamps),
        "DHI": instant("dhi", latitude, longitude, stamps),
        "Temperature": SKY.value("temp_air", latitude, longitude, _seconds(stamps)),
        "Dew Point": SKY.value("temp_dew", latitude, longitude, _seconds(stamps)),
        "Relative Humidity": SKY.value("relative_humidity", latitude, longitude, _seconds(stamps)),
        "Pressure": SKY.value("pressure", latitude, longitude, _seconds(stamps)) / 100,
    }
    units = dict.fromkeys(("GHI", "DNI", "DHI"), "w/m2") | {
        "Temperature": "c",
        "Dew Point": "c",
        "Relative Humidity": "%",
        "Pressure": "mbar",
    }
    head = ["Source", "Latitude", "Longitude", "Elevation", "Time Zone", "Local Time Zone"]
    told = ["NSRDB", latitude, longitude, 1820, offset, round(longitude / 15)]
    table = pd.DataFrame(
        {"Year": wall.year, "Month": wall.month, "Day": wall.day, "Hour": wall.hour, "Minute": wall.minute}
        | {name: np.round(values, 2) for name, values in columns.items()}
    )
    lines = [
        ",".join([*head, *(f"{name} Units" for name in units)]),
        ",".join(map(str, [*told, *units.values()])),
    ]
    return Answer(("\n".join(lines) + "\n" + table.to_csv(index=False, lineterminator="\n")).encode())


ROUTES = {"/power": power, "/pvgis": pvgis, "/nsrdb": nsrdb}
