"""Tables of the GRIB products of weather models: fields, time labels, steps, addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import pandas as pd

from energyforecast.core.labels import Label
from energyforecast.errors import SchemaError
from energyforecast.weather.sources.common.base import LATENCIES, PublicationLatency

__all__ = ["MODELS", "Field", "GribModel"]

Code = tuple[int, int, int]

#: Fixed surfaces of GRIB 2 (code table 4.5).
_GROUND: Final = 1
_ABOVE: Final = 103
_HYBRID: Final = (105, 118, 150)  # levels of the model, in the three ways in which they are written
_COLUMN: Final = (1, 8, 10, 200, 255)  # the whole atmosphere, likewise


@dataclass(frozen=True, kw_only=True)
class Field:
    """Field of a model: its names in GRIB, and the variable of the library.

    Parameters
    ----------
    name : str
        Of the library; ``direct_horizontal`` is the beam on a horizontal plane, which with ``dhi`` gives ``ghi``.
    index : str
        As the index names it, or the file: ``"UGRD:100 m above ground"``, ``"100u"``, ``"U_10M"``.
    codes : tuple
        Discipline, category and number of GRIB 2, in each way that its centre has written it. A name of an
        eccodes table may change with its version; these do not.
    surfaces : tuple of int
        Kinds of level.
    level : int
    label : Label
    factor, offset : float
        From the file's unit to ours, after de-accumulation.
    parameters : tuple of int
        ``paramId`` of ECMWF, for files of edition 1.
    smooth : bool
        Neighbouring cells differ everywhere, as of wind: a hole then shows.

    Examples
    --------
    >>> MODELS["gfs"].fields[0].index
    'UGRD:10 m above ground'
    """

    name: str
    index: str
    codes: tuple[Code, ...]
    surfaces: tuple[int, ...]
    level: int = 0
    label: Label = Label.INSTANT
    factor: float = 1.0
    offset: float = 0.0
    parameters: tuple[int, ...] = ()
    smooth: bool = False


@dataclass(frozen=True, kw_only=True)
class GribModel:
    """A weather model and how it is published.

    Parameters
    ----------
    name : str
    fields : tuple of Field
    leads : callable
        Hours of lead of a run, by the hour of its initialisation.
    cycle : Timedelta
    base_url : str
    path : str
        Of a file; ``{init:%Y%m%d}``, ``{lead}``, ``{member}``, ``{stream}`` and ``{field}`` are filled in.
    index : {"idx", "ecmwf", "none"}
        Kind of index; with none, each file holds one field.
    latency : PublicationLatency
    attribution : str
    members : tuple of int
        Of an ensemble; 0 is the control run.
    member_names : mapping, optional
        Names of the members in the path.

    Examples
    --------
    >>> MODELS["ifs"].leads(0)[-3:], MODELS["ifs"].leads(6)[-1]
    ((348, 354, 360), 144)
    """

    name: str
    fields: tuple[Field, ...]
    leads: Callable[[int], tuple[int, ...]]
    cycle: pd.Timedelta
    base_url: str
    path: str
    index: Literal["idx", "ecmwf", "none"]
    latency: PublicationLatency
    attribution: str
    members: tuple[int, ...] = (0,)
    member_names: Mapping[int, str] = field(default_factory=dict)


def _wind(height: int, *, index: tuple[str, str], parameters: tuple[int, int] = (0, 0)) -> tuple[Field, ...]:
    numbers = (("u", 2), ("v", 3))
    return tuple(
        Field(
            name=f"wind_{part}_{height}m",
            index=name,
            codes=((0, 2, number),),
            surfaces=(_ABOVE,),
            level=height,
            parameters=(parameter,) if parameter else (),
            smooth=True,
        )
        for (part, number), name, parameter in zip(numbers, index, parameters, strict=True)
    )


def _noaa_wind(*heights: int) -> tuple[Field, ...]:
    return tuple(
        one
        for height in heights
        for one in _wind(height, index=(f"UGRD:{height} m above ground", f"VGRD:{height} m above ground"))
    )


def _kelvin(name: str, *, index: str, number: int, parameter: int = 0) -> Field:
    return Field(
        name=name,
        index=index,
        codes=((0, 0, number),),
        surfaces=(_ABOVE,),
        level=2,
        offset=-273.15,
        parameters=(parameter,) if parameter else (),
        smooth=True,
    )


def _flux(name: str, *, index: str, codes: tuple[Code, ...], label: Label, parameter: int = 0) -> Field:
    return Field(
        name=name,
        index=index,
        codes=codes,
        surfaces=(_GROUND,),
        label=label,
        parameters=(parameter,) if parameter else (),
    )


def _cloud(*, index: str, label: Label = Label.INSTANT, factor: float = 1.0) -> Field:
    return Field(
        name="cloud_cover",
        index=index,
        codes=((0, 6, 1), (0, 6, 192)),
        surfaces=_COLUMN,
        label=label,
        factor=factor,
        parameters=(164,),
    )


def _pressure(index: str) -> Field:
    return Field(
        name="pressure", index=index, codes=((0, 3, 0),), surfaces=(_GROUND,), parameters=(134,), smooth=True
    )


_SHORTWAVE: Final = ((0, 4, 192), (0, 4, 7))  # NCEP's own number, and that of the WMO
_LONGWAVE: Final = ((0, 5, 192), (0, 5, 3))

_NOAA: Final = (
    _kelvin("temp_air", index="TMP:2 m above ground", number=0),
    _kelvin("temp_dew", index="DPT:2 m above ground", number=6),
    _pressure("PRES:surface"),
)

_GFS: Final = (
    *_noaa_wind(10, 80, 100),
    *_NOAA,
    _flux("ghi", index="DSWRF:surface", codes=_SHORTWAVE, label=Label.MEAN_SINCE_RESET),
    _flux("longwave_down", index="DLWRF:surface", codes=_LONGWAVE, label=Label.MEAN_SINCE_RESET),
    _cloud(index="TCDC:entire atmosphere"),
)

_GEFS: Final = (
    *_noaa_wind(10),
    _NOAA[0],
    _NOAA[2],
    _flux("ghi", index="DSWRF:surface", codes=_SHORTWAVE, label=Label.MEAN_SINCE_RESET),
    _cloud(index="TCDC:entire atmosphere", label=Label.MEAN_SINCE_RESET),
)

_HRRR: Final = (
    *_noaa_wind(10, 80),
    *_NOAA,
    _flux("ghi", index="DSWRF:surface", codes=_SHORTWAVE, label=Label.INSTANT),
    # Beam and diffuse: ghi = VBDSF x cos(zenith) + VDDSF holds to 0.3 W m-2 in its files.
    _flux("dni", index="VBDSF:surface", codes=((0, 4, 200),), label=Label.INSTANT),
    _flux("dhi", index="VDDSF:surface", codes=((0, 4, 201),), label=Label.INSTANT),
    _cloud(index="TCDC:entire atmosphere"),
)

_ECMWF: Final = (
    *_wind(10, index=("10u", "10v"), parameters=(165, 166)),
    *_wind(100, index=("100u", "100v"), parameters=(228246, 228247)),
    _kelvin("temp_air", index="2t", number=0, parameter=167),
    _kelvin("temp_dew", index="2d", number=6, parameter=168),
    _pressure("sp"),
    _flux(
        "ghi", index="ssrd", codes=((0, 4, 7), (192, 128, 169)), label=Label.SUM_SINCE_START, parameter=169
    ),
)


def _model_level(part: str, number: int, level: int, height: int) -> Field:
    return Field(
        name=f"wind_{part}_{height}m",
        index=f"{part.upper()}:{level}",
        codes=((0, 2, number),),
        surfaces=_HYBRID,
        level=level,
        smooth=True,
    )


_ICON: Final = (
    *_wind(10, index=("U_10M", "V_10M")),
    # Heights of the middles of its lowest levels over low ground; over mountains they lie a little lower.
    *(_model_level(part, number, 72, 78) for part, number in (("u", 2), ("v", 3))),
    *(_model_level(part, number, 71, 127) for part, number in (("u", 2), ("v", 3))),
    _kelvin("temp_air", index="T_2M", number=0),
    _kelvin("temp_dew", index="TD_2M", number=6),
    _pressure("PS"),
    _flux("direct_horizontal", index="ASWDIR_S", codes=((0, 4, 198),), label=Label.MEAN_SINCE_START),
    _flux("dhi", index="ASWDIFD_S", codes=((0, 4, 199),), label=Label.MEAN_SINCE_START),
    _cloud(index="CLCT"),
)


def _steps(*parts: tuple[int, int]) -> tuple[int, ...]:
    """Leads from 0, by (last lead, step)."""
    leads = [0]
    for last, step in parts:
        leads.extend(range(leads[-1] + step, last + 1, step))
    return tuple(leads)


_EVERY_6H: Final = pd.Timedelta("6h")
_NOAA_SAYS: Final = "NOAA, public domain"
_ECMWF_SAYS: Final = "ECMWF open data, CC BY 4.0"

#: The models, by name.
MODELS: Final[dict[str, GribModel]] = {
    "gfs": GribModel(
        name="gfs",
        fields=_GFS,
        leads=lambda _: _steps((120, 1), (384, 3)),
        cycle=_EVERY_6H,
        base_url="https://noaa-gfs-bdp-pds.s3.amazonaws.com",
        path="gfs.{init:%Y%m%d}/{init:%H}/atmos/gfs.t{init:%H}z.pgrb2.0p25.f{lead:03d}",
        index="idx",
        latency=LATENCIES["gfs"],
        attribution=_NOAA_SAYS,
    ),
    "gefs": GribModel(
        name="gefs",
        fields=_GEFS,
        leads=lambda _: _steps((240, 3), (384, 6)),
        cycle=_EVERY_6H,
        base_url="https://noaa-gefs-pds.s3.amazonaws.com",
        path="gefs.{init:%Y%m%d}/{init:%H}/atmos/pgrb2ap5/{member}.t{init:%H}z.pgrb2a.0p50.f{lead:03d}",
        index="idx",
        latency=LATENCIES["gefs"],
        attribution=_NOAA_SAYS,
        members=tuple(range(31)),
        member_names={0: "gec00"} | {number: f"gep{number:02d}" for number in range(1, 31)},
    ),
    "hrrr": GribModel(
        name="hrrr",
        fields=_HRRR,
        leads=lambda hour: _steps((48 if hour % 6 == 0 else 18, 1)),
        cycle=pd.Timedelta("1h"),
        base_url="https://noaa-hrrr-bdp-pds.s3.amazonaws.com",
        path="hrrr.{init:%Y%m%d}/conus/hrrr.t{init:%H}z.wrfsfcf{lead:02d}.grib2",
        index="idx",
        latency=LATENCIES["hrrr"],
        attribution=_NOAA_SAYS,
    ),
    "ifs": GribModel(
        name="ifs",
        fields=_ECMWF,
        leads=lambda hour: _steps((144, 3), (360, 6)) if hour % 12 == 0 else _steps((144, 3)),
        cycle=_EVERY_6H,
        base_url="https://data.ecmwf.int/forecasts",
        path="{init:%Y%m%d}/{init:%H}z/ifs/0p25/{stream}/{init:%Y%m%d%H}0000-{lead}h-{stream}-fc.grib2",
        index="ecmwf",
        latency=LATENCIES["ifs"],
        attribution=_ECMWF_SAYS,
    ),
    "aifs": GribModel(
        name="aifs",
        fields=_ECMWF,
        leads=lambda _: _steps((360, 6)),
        cycle=_EVERY_6H,
        base_url="https://data.ecmwf.int/forecasts",
        path="{init:%Y%m%d}/{init:%H}z/aifs-single/0p25/oper/{init:%Y%m%d%H}0000-{lead}h-oper-fc.grib2",
        index="ecmwf",
        latency=LATENCIES["aifs"],
        attribution=_ECMWF_SAYS,
    ),
    "icon_eu": GribModel(
        name="icon_eu",
        fields=_ICON,
        leads=lambda _: _steps((78, 1), (120, 3)),
        cycle=_EVERY_6H,
        base_url="https://opendata.dwd.de/weather/nwp/icon-eu/grib",
        path="{init:%H}/{folder}/icon-eu_europe_regular-lat-lon_{level}_{init:%Y%m%d%H}_{lead:03d}_{file}.grib2.bz2",
        index="none",
        latency=LATENCIES["icon_eu"],
        attribution="Deutscher Wetterdienst, CC BY 4.0",
    ),
}


def needed_fields(model: GribModel, names: Sequence[str]) -> tuple[Field, ...]:
    """Fields from which variables are made."""
    chosen: list[Field] = []
    for name in names:
        parts = {name, name.replace("wind_speed_", "wind_u_"), name.replace("wind_speed_", "wind_v_")}
        parts |= {name.replace("wind_direction_", f"wind_{part}_") for part in "uv"}
        direct = name == "ghi" and not any(field.name == "ghi" for field in model.fields)
        found = [
            f for f in model.fields if f.name in (parts | ({"direct_horizontal", "dhi"} if direct else set()))
        ]
        if not found:
            raise SchemaError(
                f"The model {model.name} has no {name!r}.",
                f"It has {', '.join(given_names(model.fields))}.",
                "Choose among them.",
            )
        chosen += [field for field in found if field not in chosen]
    return tuple(chosen)


def given_names(fields: Iterable[Field]) -> tuple[str, ...]:
    """Variables that fields become, in order."""
    names: dict[str, None] = {}
    for one in fields:
        kind, _, height = one.name.rpartition("_")
        if kind == "wind_u":
            names |= dict.fromkeys((f"wind_speed_{height}", f"wind_direction_{height}"))
        elif kind != "wind_v":
            names["ghi" if one.name == "direct_horizontal" else one.name] = None
    return tuple(names)
