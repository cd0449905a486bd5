"""Keep an archive of weather: fetch, meet a server in trouble, fetch again, damage a file, heal.

    python examples/store_update.py [--out DIR]

Needs no network: a server on this computer answers in Open-Meteo's format, with winds that are made up.
"""

from __future__ import annotations

import argparse
import json
import shutil
import threading
import warnings
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from energyforecast import configuration

UNITS = {
    "wind_direction": "°",
    "wind_speed": "m/s",
    "wind_gusts": "m/s",
    "temperature": "°C",
    "dew_point": "°C",
}
UNITS |= {"surface_pressure": "hPa", "relative_humidity": "%", "cloud_cover": "%", "snow_depth": "m"}
UNITS |= {"precipitation": "mm"}
LEVELS = {"surface_pressure": 850.0, "relative_humidity": 50.0, "cloud_cover": 30.0, "precipitation": 0.0}


class Server(BaseHTTPRequestHandler):
    """One place, any run; one run meets a server in trouble."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        down = self.asked in (3, 4)  # the client asks once more
        body = b"<html>Down for maintenance</html>" if down else json.dumps(answer(query)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def answer(query: dict[str, str]) -> dict[str, object]:
    """A run in Open-Meteo's format."""
    begin = int(datetime.fromisoformat(query["run"]).replace(tzinfo=UTC).timestamp())
    hours = range(int(query.get("forecast_hours", "97")))
    names = query["hourly"].split(",")
    columns = {name: [value(name, begin // 3600 + hour) for hour in hours] for name in names}
    units = {name: unit(name) for name in names}
    return {
        "latitude": float(query["latitude"]),
        "longitude": float(query["longitude"]),
        "utc_offset_seconds": 0,
        "elevation": 480.0,
        "hourly_units": {"time": "unixtime", **units},
        "hourly": {"time": [begin + 3600 * hour for hour in hours], **columns},
    }


def value(name: str, hour: int) -> float:
    if name.startswith("wind_direction"):
        return float(200 + hour % 24)
    level = next((level for start, level in LEVELS.items() if name.startswith(start)), None)
    return level if level is not None else 5.0 + hour % 7 if unit(name) != "W/m²" else 0.0


def unit(name: str) -> str:
    return next((unit for start, unit in UNITS.items() if name.startswith(start)), "W/m²")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("store_update"), help="folder for the archive")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    # The configuration beside this script, but the server of this computer.
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    text = text.replace("https://single-runs-api.open-meteo.com", f"http://127.0.0.1:{server.server_port}")
    file = options.out / "store_update.toml"
    file.write_text(text, encoding="utf-8")
    settings = configuration.read(file)
    shutil.rmtree(options.out / "archive.zarr", ignore_errors=True)

    # A first fetch: one run meets a broken answer, which is not kept.
    store, source = settings.store(), settings.source()
    report = store.update(source, sites=settings.sites, since="2024-05-31", until="2024-06-01")
    print(report.summary)
    for run, reason in report.failed.items():
        print(f"  {run:%Y-%m-%d %H:%M}  {reason}")

    # A second one asks for what is missing, and for nothing else.
    report = store.update(source, sites=settings.sites, until="2024-06-01")
    print(report.summary)

    # A file is cut off on the disk: its runs are left out, told, and fetched again.
    file = max(store.path.rglob("files/*.zip"), key=lambda path: path.stat().st_mtime)
    file.write_bytes(file.read_bytes()[:-1])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        print(f"{store.open().sizes['init_time']} runs are left: {caught[0].message}")
    print(store.update(source, sites=settings.sites, until="2024-06-01").summary)
    print(store.describe()[["source", "site", "expected", "present", "coverage"]].to_string(index=False))
    print(settings.weather())
    server.shutdown()


if __name__ == "__main__":
    main()
