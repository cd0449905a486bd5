"""A first configuration of the daily run, with a comment on each choice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal

from energyforecast.errors import one_of

__all__ = ["KINDS", "Example", "example_file"]

#: Kinds of examples.
KINDS: Final = ("wind", "solar", "demand", "portfolio")


@dataclass(frozen=True, kw_only=True)
class Example:
    """Answers from which a configuration is written.

    Parameters
    ----------
    kind : {"wind", "solar", "demand", "portfolio"}
        A portfolio has one site of each kind, and a plan.
    name : str
        Of the site.
    latitude, longitude : float
        [degree]
    capacity : float, optional
        Of a plant; of demand none is needed. [MW]
    timezone : str
        Of the site, its measurements and the issue.
    issue : str
        Wall time at which the forecast is issued every day.
    observations : str
        File of measurements, relative to the configuration.
    unit : str
        Of the measurements.
    label : {"beginning", "ending"}
        End of the interval that a stamp of the measurements names.
    published_after : str
        Time after which a measurement is known.
    source, weather_model : str
        From which weather is fetched.

    See Also
    --------
    example_file

    Examples
    --------
    >>> Example(kind="wind", name="Hill", latitude=43.6, longitude=78.5, capacity=60, timezone="UTC").issue
    '09:00'
    """

    kind: str
    name: str
    latitude: float
    longitude: float
    timezone: str
    capacity: float | None = None
    issue: str = "09:00"
    observations: str = "power.csv"
    unit: str = "MW"
    label: Literal["beginning", "ending"] = "beginning"
    published_after: str = "1h"
    source: str = "open-meteo"
    weather_model: str = "ecmwf_ifs"

    def __post_init__(self) -> None:
        one_of("kind", self.kind, allowed=KINDS)


def example_file(example: Example) -> str:
    r"""Text of a configuration (TOML) that the daily run reads.

    Parameters
    ----------
    example : Example

    Returns
    -------
    str

    See Also
    --------
    energyforecast.configuration.read : Reads it.

    Examples
    --------
    >>> farm = Example(kind="wind", name="Hill farm", latitude=43.64, longitude=78.54, capacity=60, timezone="UTC")
    >>> print("\n".join(example_file(farm).splitlines()[4:7]))
    [sites."Hill farm"]
    kind = "wind"
    latitude = 43.64
    """
    names = _names(example)
    head = (
        f"# Daily forecast of {' '.join(example.name.split())}. Check this file:  energyforecast check THIS_FILE\n"
        "# Every morning, from cron or a timer:           energyforecast run THIS_FILE\n"
        "# Paths are relative to this file. Every key: docs/reference/configuration.md\n"
    )
    parts = [head, *(_site(example, kind, name) for kind, name in names.items()), _data(example, names)]
    if example.kind == "portfolio":
        parts.append(_plan(example, list(names.values())))
    return "\n".join([*parts, _OPERATIONS])


def _names(example: Example) -> dict[str, str]:
    """Name of the site of each kind."""
    if example.kind != "portfolio":
        return {example.kind: example.name}
    return {
        "wind": f"{example.name} wind",
        "solar": f"{example.name} PV",
        "demand": f"{example.name} demand",
    }


def _site(example: Example, kind: str, name: str) -> str:
    """Section of a site."""
    lines = [
        f"[sites.{_text(name)}]",
        f'kind = "{kind}"',
        f"latitude = {example.latitude!r}",
        f"longitude = {example.longitude!r}",
        f"timezone = {_text(example.timezone)}",
    ]
    if kind != "demand":
        lines.append(f"capacity = {float(example.capacity or 10.0)!r}  # MW")
    return "\n".join([*lines, *_MORE[kind]]) + "\n"


#: Further keys of a site, most of them as comments.
_MORE: Final = {
    "wind": (
        "hub_height = 100  # m",
        '# power_curve = "curve.csv"  # wind_speed [m/s],power [kW]; without it a usual curve',
        "# turbines = 20",
    ),
    "solar": (
        "# surface_tilt = 30      # degrees; without these two they are estimated from the measurements",
        "# surface_azimuth = 180  # degrees from north clockwise",
        '# mounting = "single_axis"',
    ),
    "demand": (
        '# country = "KZ"  # ISO 3166 code, for holidays',
        '# sector = "industry"  # or "households"',
    ),
}


def _data(example: Example, names: dict[str, str]) -> str:
    """Sections of weather, measurements and task."""
    columns = ", ".join(["time", *names.values()])
    return f"""[weather]
store = "weather.zarr"  # an archive that the run fills, a run of the weather model after the other
source = {_text(example.source)}
model = {_text(example.weather_model)}
# since = "2024-06"  # how far back the archive is filled; a week without it
# base_url = "https://..."  # of another server
# api_key_env = "OPEN_METEO_KEY"  # the NAME of a variable of the environment, never the key

[observations]
file = {_text(example.observations)}  # columns: {" ".join(columns.split())}
unit = {_text(example.unit)}
timezone = {_text(example.timezone)}
label = {_text(example.label)}  # whether a stamp is the beginning or the end of its interval
published_after = {_text(example.published_after)}  # time from the end of an interval until its value is known

[task]
kind = "day_ahead"  # the whole next day; also "intraday" with every = "1h" and leads = "12h"
issue = {_text(example.issue)}
timezone = {_text(example.timezone)}
# frequency = "15min"
"""


def _plan(example: Example, names: list[str]) -> str:
    """Section of the plan."""
    listed = ", ".join(_text(name) for name in names)
    return f"""[plan]  # reserve and schedules from the forecasts; see docs/howto/plan.md
areas = {{ {_text(example.name)} = [{listed}] }}
dependence = "exponential"  # "gaussian" learns it from past forecasts
range_hours = 6.0

[plan.reserve]
risk = 0.02  # probability in each hour and direction that the reserve falls short
"""


_OPERATIONS: Final = """[operations]
folder = "operations"  # models, records, alerts, and what is published: operations/published
# deadline = "09:30"  # wall time: the best forecast that can be had by then is issued
train_every = "7D"
keep = "400D"  # weather and records; the archive keeps everything
# alert_command = ["mail", "-s", "forecast", "control.room@example.org"]  # gets a line of JSON

# [archive]  # what was said, and when; without it a file in the folder of operations
# address = "postgresql://user@host:5432/database"
# password_env = "NAME_OF_A_VARIABLE"
"""


def _text(value: str) -> str:
    """Text as TOML holds it."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
