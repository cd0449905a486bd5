"""Vocabulary: every variable's name, unit, CF standard name, cell method and plausible range.

Names are pvlib's where it has one (``ghi``, ``temp_air``); a height is a suffix
(``wind_speed_100m``). A variable of one weather model among several carries the model's name in
front (``ifs:wind_speed_100m``). Quality flags of observations are bits of :class:`Flag`.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from energyforecast.errors import SchemaError, of_type

__all__ = [
    "FLAG_VERSION",
    "MEAN",
    "POINT",
    "UNFIT",
    "VARIABLES",
    "Flag",
    "Variable",
    "height_of",
    "lookup",
    "match",
    "model_of",
]

#: Cell method of values at instants.
POINT: Final = "time: point"
#: Cell method of means over an interval.
MEAN: Final = "time: mean"


@dataclass(frozen=True, kw_only=True)
class Variable:
    """Row of the vocabulary of variables.

    Parameters
    ----------
    name : str
        Name without height, e.g. ``"wind_speed"``.
    units : str
        UDUNITS string of the only unit in which the library holds this variable.
    standard_name : str
        CF standard name.
    cell_methods : str
        ``"time: point"`` for instants, ``"time: mean"`` for means over an interval that are
        labelled with its beginning.
    minimum, maximum : float
        Plausible range; a value outside it is an error. [units]
    has_height : bool
        Whether the name takes a height as suffix.

    Examples
    --------
    >>> row = VARIABLES["temp_air"]
    >>> row.units, row.minimum, row.maximum, row.has_height
    ('degree_Celsius', -90.0, 60.0, False)
    """

    name: str
    units: str
    standard_name: str
    cell_methods: str
    minimum: float
    maximum: float
    has_height: bool = False


def _table(*rows: Variable) -> dict[str, Variable]:
    return {row.name: row for row in rows}


def _row(
    name: str, units: str, standard_name: str, cell: str, low: float, high: float, height: bool = False
) -> Variable:
    return Variable(
        name=name,
        units=units,
        standard_name=standard_name,
        cell_methods=cell,
        minimum=low,
        maximum=high,
        has_height=height,
    )


#: Every variable by its name without height.
VARIABLES: Final[dict[str, Variable]] = _table(
    _row("wind_speed", "m s-1", "wind_speed", POINT, 0.0, 110.0, True),
    _row("wind_direction", "degree", "wind_from_direction", POINT, 0.0, 360.0, True),
    _row("wind_u", "m s-1", "eastward_wind", POINT, -110.0, 110.0, True),
    _row("wind_v", "m s-1", "northward_wind", POINT, -110.0, 110.0, True),
    _row("wind_gust", "m s-1", "wind_speed_of_gust", POINT, 0.0, 140.0, True),
    _row("temp_air", "degree_Celsius", "air_temperature", POINT, -90.0, 60.0),
    _row("temp_dew", "degree_Celsius", "dew_point_temperature", POINT, -100.0, 45.0),
    _row("pressure", "Pa", "surface_air_pressure", POINT, 45_000.0, 110_000.0),
    _row("relative_humidity", "percent", "relative_humidity", POINT, 0.0, 105.0),
    _row("cloud_cover", "percent", "cloud_area_fraction", POINT, 0.0, 100.5),
    _row("ghi", "W m-2", "surface_downwelling_shortwave_flux_in_air", MEAN, 0.0, 1600.0),
    _row("dni", "W m-2", "surface_direct_along_beam_shortwave_flux_in_air", MEAN, 0.0, 1400.0),
    _row("dhi", "W m-2", "surface_diffuse_downwelling_shortwave_flux_in_air", MEAN, 0.0, 1000.0),
    _row("longwave_down", "W m-2", "surface_downwelling_longwave_flux_in_air", MEAN, 0.0, 700.0),
    _row("top_net_solar", "W m-2", "toa_net_downward_shortwave_flux", MEAN, 0.0, 1450.0),
    _row("cloud_water", "kg m-2", "atmosphere_mass_content_of_cloud_liquid_water", POINT, 0.0, 50.0),
    _row("cloud_ice", "kg m-2", "atmosphere_mass_content_of_cloud_ice", POINT, 0.0, 50.0),
    _row("albedo", "1", "surface_albedo", POINT, 0.0, 1.0),
    _row("snow_depth", "m", "surface_snow_thickness", POINT, 0.0, 20.0),
    _row("snow_loss", "1", "snow_loss_of_photovoltaic_modules", MEAN, 0.0, 1.0),
    _row("soiling_loss", "1", "soiling_loss_of_photovoltaic_modules", MEAN, 0.0, 1.0),
    _row("run_lead_time", "h", "forecast_period", MEAN, 0.0, 1e4),
    _row("precipitation", "mm h-1", "lwe_precipitation_rate", MEAN, 0.0, 400.0),
)

_HEIGHT = re.compile(r"^(?P<base>[a-z_]+)_(?P<height>\d+)m$")


def model_of(name: str) -> str | None:
    """Weather model in front of a variable's name, or None.

    Examples
    --------
    >>> model_of("ifs:wind_speed_100m")
    'ifs'
    """
    return name.split(":", 1)[0] if ":" in name else None


def height_of(name: str) -> float | None:
    """Height above ground in a variable's name, or None. [m]

    Examples
    --------
    >>> height_of("wind_speed_100m")
    100.0
    """
    match = _HEIGHT.match(name.split(":", 1)[-1])
    return float(match["height"]) if match else None


def lookup(name: str) -> Variable:
    """Row of the vocabulary for a name with height and model.

    Parameters
    ----------
    name : str
        E.g. ``"temp_air"``, ``"wind_speed_100m"`` or ``"ifs:wind_speed_100m"``.

    Returns
    -------
    Variable

    Raises
    ------
    SchemaError
        If the vocabulary does not hold the name.

    Examples
    --------
    >>> lookup("wind_speed_100m").units
    'm s-1'
    """
    of_type("The name of a variable", name, expected=str, remedy="Give text, such as 'temp_air'.")
    bare = name.split(":", 1)[-1]
    match = _HEIGHT.match(bare)
    if match and match["base"] in VARIABLES and VARIABLES[match["base"]].has_height:
        return VARIABLES[match["base"]]
    if bare in VARIABLES and not VARIABLES[bare].has_height:
        return VARIABLES[bare]
    raise SchemaError(
        f"The variable {name!r} is not in the vocabulary.",
        f"It must be one of {', '.join(_spelled(row) for row in VARIABLES.values())}.",
        f"{_suggestion(bare)}Rename it; another variable needs attrs 'units' and 'cell_methods'.",
    )


def _spelled(row: Variable) -> str:
    return f"{row.name}_<height>m" if row.has_height else row.name


def _suggestion(name: str) -> str:
    stem = name.rstrip("0123456789m").rstrip("_")
    close = difflib.get_close_matches(stem, VARIABLES, n=1)
    if not close:
        return ""
    height = "".join(filter(str.isdigit, name[len(stem) :])) or "<height>"
    return f"Did you mean {_spelled(VARIABLES[close[0]]).replace('<height>', height)!r}? "


#: Of the bits of :class:`Flag`: grows when bits are added; none ever changes its meaning.
FLAG_VERSION: Final = 2


class Flag(IntFlag):
    """Quality flags of observations, as bits with a permanent meaning.

    See Also
    --------
    energyforecast.flag_quality, energyforecast.Observations

    Examples
    --------
    >>> Flag.OUTAGE | Flag.CURTAILED
    <Flag.OUTAGE|CURTAILED: 6>
    """

    INCOMPLETE = 1  #: some units of the plant did not report, so the total is unknown
    OUTAGE = 2  #: units were out of service
    CURTAILED = 4  #: output was limited by order
    CLOCK_SUSPECT = 8  #: the time stamp cannot be trusted
    STUCK = 16  #: the sensor repeated itself
    SPIKE = 32  #: an isolated impossible value
    ABOVE_CAPACITY = 64  #: more than the plant can give
    NIGHT_GENERATION = 128  #: a PV plant that generates at night
    CLIPPING = 256  #: held at the inverter's limit
    INTERPOLATED = 512  #: not measured, filled by the data's owner
    DUPLICATE = 1024  #: one of several values for the same time
    USER = 2048  #: set aside by the user
    UNREADABLE = 4096  #: refused by the reader and set aside by the daily run


#: Flags of hours that neither train a model nor score a forecast unless the user asks for it.
UNFIT: Final[Flag] = (
    Flag.INCOMPLETE
    | Flag.OUTAGE
    | Flag.CURTAILED
    | Flag.CLOCK_SUSPECT
    | Flag.STUCK
    | Flag.SPIKE
    | Flag.ABOVE_CAPACITY
    | Flag.INTERPOLATED
    | Flag.DUPLICATE
    | Flag.USER
    | Flag.UNREADABLE
)


def match(names: Iterable[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """Names of variables that fit any of the patterns, in their order.

    A pattern without a model fits the variable of every model.

    Examples
    --------
    >>> match(["ifs:wind_speed_100m", "ifs:temp_air"], ["wind_speed_*m"])
    ('ifs:wind_speed_100m',)
    """
    return tuple(
        name
        for name in names
        if any(
            fnmatch.fnmatchcase(name if ":" in pattern else name.split(":", 1)[-1], pattern)
            for pattern in patterns
        )
    )
