"""Open-Meteo's JSON, served from the synthetic atmosphere of tests/support/replay.py with the server's own rules.

Written from the documentation alone: nothing here looks into the client, so that a wrong name, unit or
label in the client shows. ``OpenMeteoServer().routes()`` are routes for :class:`tests.support.replay.Replay`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tests.support.replay import HOUR, Answer, Atmosphere, Request, as_json

DAY = 86_400.0

#: Theirs -> ours, unit, factor to theirs, whether the mean of the hour before the stamp.
VARIABLES: dict[str, tuple[str, str, float, bool]] = {
    **{f"wind_speed_{h}m": (f"wind_speed_{h}m", "m/s", 1.0, False) for h in (10, 80, 100, 120, 180)},
    **{f"wind_direction_{h}m": (f"wind_direction_{h}m", "°", 1.0, False) for h in (10, 80, 100, 120, 180)},
    "wind_gusts_10m": ("wind_gust_10m", "m/s", 1.0, False),
    "temperature_2m": ("temp_air", "°C", 1.0, False),
    "dew_point_2m": ("temp_dew", "°C", 1.0, False),
    "relative_humidity_2m": ("relative_humidity", "%", 1.0, False),
    "surface_pressure": ("pressure", "hPa", 0.01, False),
    "cloud_cover": ("cloud_cover", "%", 1.0, False),
    "snow_depth": ("snow_depth", "m", 1.0, False),
    "shortwave_radiation": ("ghi", "W/m²", 1.0, True),
    "direct_normal_irradiance": ("dni", "W/m²", 1.0, True),
    "diffuse_radiation": ("dhi", "W/m²", 1.0, True),
    "precipitation": ("precipitation", "mm", 1.0, True),
}
CELL = {"ecmwf_ifs": 0.07, "icon_eu": 0.0625, "icon_global": 0.125, "icon_d2": 0.02, "gfs_hrrr": 0.03}
MEMBERS = {"ecmwf_ifs025": 51, "gfs025": 31, "icon_eu": 40}


class RefusalError(Exception):
    """A 400 with its reason."""


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%dT%H:%M")


@dataclass
class OpenMeteoServer:
    """The server at a moment: what it has by then.

    Parameters
    ----------
    now : str
        Its clock.
    delay : float
        After which a run is there. [h]
    cycle : float
        Between runs. [h]
    """

    now: str = "2024-06-20T00:00"
    delay: float = 6.0
    cycle: float = 6.0
    missing_runs: tuple[str, ...] = ()
    sky: Atmosphere = field(default_factory=Atmosphere)

    def routes(self) -> dict[str, Any]:
        """One host for each product, as a path in front of the server's own."""
        return {
            "/single/v1/forecast": self._guarded("single"),
            "/forecast/v1/forecast": self._guarded("forecast"),
            "/previous/v1/forecast": self._guarded("previous"),
            "/historical/v1/forecast": self._guarded("historical"),
            "/archive/v1/archive": self._guarded("archive"),
            "/ensemble/v1/ensemble": self._guarded("ensemble"),
            "/forecast/data/": self.meta,
            "/ensemble/data/": self.meta,
        }

    def newest(self) -> float:
        arrived = unix(self.now) - self.delay * HOUR
        return arrived - arrived % (self.cycle * HOUR)

    def meta(self, request: Request) -> Answer:
        init = int(self.newest())
        return as_json(
            {
                "last_run_initialisation_time": init,
                "last_run_modification_time": int(init + self.delay * HOUR - 300),
                "last_run_availability_time": int(init + self.delay * HOUR),
                "temporal_resolution_seconds": 3600,
                "update_interval_seconds": int(self.cycle * HOUR),
            }
        )

    def _guarded(self, host: str) -> Any:
        def handler(request: Request) -> Answer:
            try:
                return as_json(self._answer(request, host))
            except RefusalError as refusal:
                return as_json({"error": True, "reason": str(refusal)}, status=400)

        return handler

    def _answer(self, request: Request, host: str) -> Any:
        latitudes = [float(value) for value in request.many("latitude")]
        longitudes = [float(value) for value in request.many("longitude")]
        if len(latitudes) != len(longitudes) or not latitudes:
            raise RefusalError("Parameter 'latitude' and 'longitude' must have the same number of elements")
        if len(latitudes) > 1000:
            raise RefusalError("Only up to 1000 locations can be requested at once")
        stamps, init = self._hours(request, host)
        places = [
            self._place(request, host, latitude, longitude, stamps, init, number)
            for number, (latitude, longitude) in enumerate(zip(latitudes, longitudes, strict=True))
        ]
        return places[0] if len(places) == 1 else places

    def _hours(self, request: Request, host: str) -> tuple[np.ndarray, float | None]:
        quarters = bool(request.many("minutely_15"))
        step = HOUR / 4 if quarters else HOUR
        run = request.one("run")
        hours = request.one("forecast_minutely_15" if quarters else "forecast_hours")
        name = "minutely_15" if quarters else "hour"
        start, end = request.one(f"start_{name}"), request.one(f"end_{name}")
        if host == "single":
            if run is None:
                raise RefusalError("Parameter 'run' is required")
            if start or end:
                raise RefusalError("Parameter 'run' must not be combined with start and end")
            init = unix(run)
            if init > self.newest() or init % (self.cycle * HOUR) or run in self.missing_runs:
                model = request.one("models")
                raise RefusalError(f"The requested model run is not available. Model: {model}, run: {run}")
            return init + step * np.arange(int(hours or 168)), init
        if run is not None:
            raise RefusalError("Parameter 'run' must not be set")
        if start is None or end is None:
            raise RefusalError("Parameter 'start_hour' and 'end_hour' must be set")
        stamps = np.arange(unix(start), unix(end) + 1, step)
        return stamps, self.newest() if host in ("forecast", "ensemble") else None

    def _place(
        self,
        request: Request,
        host: str,
        latitude: float,
        longitude: float,
        stamps: np.ndarray,
        init: float | None,
        number: int,
    ) -> dict[str, Any]:
        models = request.many("models") or ["best_match"]
        cell = CELL.get(models[0], 0.25)
        part = "minutely_15" if request.many("minutely_15") else "hourly"
        hourly: dict[str, Any] = {}
        units: dict[str, str] = {}
        unixtime = request.one("timeformat") == "unixtime"
        hourly["time"] = [int(s) for s in stamps] if unixtime else [iso(s) for s in stamps]
        units["time"] = "unixtime" if unixtime else "iso8601"
        for model in models:
            for asked in request.many(part):
                members = MEMBERS.get(model, 1) if host == "ensemble" else 1
                for member in range(members):
                    name, unit, values = self._column(
                        asked, request, latitude, longitude, stamps, init, member
                    )
                    key = name + (f"_member{member:02d}" if member else "")
                    key += f"_{model}" if len(models) > 1 else ""
                    hourly[key], units[key] = values, unit
        return {
            "latitude": float(np.float32(round(latitude / cell) * cell)),
            "longitude": float(np.float32(round(longitude / cell) * cell)),
            "generationtime_ms": 0.5,
            "utc_offset_seconds": 0,
            "timezone": "GMT",
            "timezone_abbreviation": "GMT",
            "elevation": 480.0,
            **({"location_id": number} if number else {}),
            f"{part}_units": units,
            part: hourly,
        }

    def _column(
        self,
        asked: str,
        request: Request,
        latitude: float,
        longitude: float,
        stamps: np.ndarray,
        init: float | None,
        member: int,
    ) -> tuple[str, str, np.ndarray]:
        bare, _, day = asked.partition("_previous_day")
        spread = bare.endswith("_spread")
        bare = bare.removesuffix("_spread")
        if bare not in VARIABLES:
            raise RefusalError(
                f"Data corrupted at path ''. Cannot initialize from invalid String value {asked}."
            )
        ours, unit, factor, mean = VARIABLES[bare]
        issued: Any = init
        if day:
            before = stamps - int(day) * DAY
            issued = before - before % (self.cycle * HOUR)
        if spread:
            values = 0.2 + 0.01 * (stamps - (init or stamps)) / HOUR
        else:
            step = HOUR / 4 if request.many("minutely_15") else HOUR
            begin = stamps - step if mean else stamps
            values = self.sky.value(ours, latitude, longitude, begin, init=issued, member=member, step=step)
            factor *= step / HOUR if unit == "mm" else 1.0
        values = np.round(np.asarray(values, dtype=float) * factor, 4)
        if unit == "m/s" and request.one("wind_speed_unit") != "ms":
            unit, values = "km/h", values * 3.6
        return asked, unit, values
