"""Weather of single places: NASA POWER, PVGIS and NSRDB, read with pvlib's parsers and asked for with bounds."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps, variables
from energyforecast.core.http import Http
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.errors import ResponseError
from energyforecast.weather.sources.common.base import DELAYS, AnalysisSource, finished
from energyforecast.weather.sources.common.units import converted

__all__ = [
    "NSRDB",
    "PVGIS",
    "NasaPower",
    "parse_nasa_power",
    "parse_nsrdb",
    "parse_pvgis",
    "read_nasa_power",
    "read_nsrdb",
    "read_pvgis",
]

_POWER_URL: Final = "https://power.larc.nasa.gov/api/temporal/hourly/point"
_PVGIS_URL: Final = "https://re.jrc.ec.europa.eu/api/v5_3/seriescalc"
_NSRDB_URL: Final = "https://developer.nlr.gov/api/nsrdb/v2/solar/nsrdb-GOES-conus-v4-0-0-download.csv"

#: Parameters of NASA POWER, our names, and the units in which they come.
_POWER: Final[dict[str, tuple[str, tuple[str, ...], str]]] = {
    "ALLSKY_SFC_SW_DWN": ("ghi", ("Wh/m^2", "W/m^2"), "W m-2"),
    "ALLSKY_SFC_SW_DNI": ("dni", ("Wh/m^2", "W/m^2"), "W m-2"),
    "ALLSKY_SFC_SW_DIFF": ("dhi", ("Wh/m^2", "W/m^2"), "W m-2"),
    "T2M": ("temp_air", ("C",), "degree_Celsius"),
    "PS": ("pressure", ("kPa",), "kPa"),
    "RH2M": ("relative_humidity", ("%",), "percent"),
    "WS10M": ("wind_speed_10m", ("m/s",), "m s-1"),
    "WS50M": ("wind_speed_50m", ("m/s",), "m s-1"),
    "WD50M": ("wind_direction_50m", ("Degrees",), "degree"),
}
#: Columns of NSRDB, our names, what their header calls the unit, and the unit. Its wind has no height.
_NSRDB: Final[dict[str, tuple[str, str, str]]] = {
    "GHI": ("ghi", "w/m2", "W m-2"),
    "DNI": ("dni", "w/m2", "W m-2"),
    "DHI": ("dhi", "w/m2", "W m-2"),
    "Temperature": ("temp_air", "c", "degree_Celsius"),
    "Dew Point": ("temp_dew", "c", "degree_Celsius"),
    "Relative Humidity": ("relative_humidity", "%", "percent"),
    "Pressure": ("pressure", "mbar", "mbar"),
}
_NSRDB_ATTRIBUTES: Final = "ghi,dni,dhi,air_temperature,dew_point,relative_humidity,surface_pressure"
#: A place farther from the one that was asked for belongs to another cell.
_FARTHEST: Final = 1.0


class _PointSource(AnalysisSource):
    """Asks for one place after the other."""

    def _get_site(self, site: Site, start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        raise NotImplementedError

    def get_period(self, sites: Sequence[Site], start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        """Hours in [start, end), dims (site, time); see :class:`AnalysisSource`."""
        first, last = timestamps.instant(start), timestamps.instant(end)
        parts = [self._get_site(site, first, last) for site in sites]
        whole = xr.concat(parts, dim="site", join="outer", coords="different", compat="equals")
        inside = (whole["time"] >= timestamps.to_ns([first])[0]) & (
            whole["time"] < timestamps.to_ns([last])[0]
        )
        weather = whole.isel(time=np.flatnonzero(inside.values))
        if not weather.sizes["time"]:
            raise _bad(self.name, f"has nothing from {first} to {last}")
        known = self.delay.available_time(weather["time"].values)
        attrs = {"retrieved_at": f"{timestamps.now():%Y-%m-%dT%H:%M:%SZ}"}
        return finished(
            weather.assign_coords(available_time=("time", known)).assign_attrs(attrs),
            source=self,
            sites=sites,
        )


@dataclass(frozen=True, kw_only=True)
class NasaPower(_PointSource):
    """NASA POWER: CERES radiation on 1°, MERRA-2 weather on 0.5° x 0.625°, hourly from 2001, no key.

    Parameters
    ----------
    http : Http
    base_url : str

    Notes
    -----
    All its values are means of the hour that BEGINS at the stamp, wind and temperature too. The server's own
    default is local solar time; UTC is asked for, and an answer in another is refused. The service is at
    https://power.larc.nasa.gov.

    Examples
    --------
    >>> NasaPower().labels["wind_speed_50m"].value
    'mean of the interval that begins at the stamp'
    """

    http: Http = field(default_factory=Http)
    base_url: str = _POWER_URL
    name = "nasa-power"
    variables = tuple(name for name, _, _ in _POWER.values())
    labels = dict.fromkeys(variables, Label.MEAN_BEGINNING)
    delay = DELAYS["nasa_power"]
    attribution = "NASA Langley Research Center (LaRC) POWER Project"

    def _get_site(self, site: Site, start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        latitude, longitude = site.coordinates_for_weather()
        last = end - pd.Timedelta(1, "ns")
        params = {
            "parameters": ",".join(_POWER),
            "community": "RE",
            "latitude": latitude,
            "longitude": longitude,
            "start": f"{start:%Y%m%d}",
            "end": f"{last:%Y%m%d}",
            "format": "JSON",
            "time-standard": "UTC",
        }
        weather = parse_nasa_power(self.http.get(self.base_url, params=params), site=site)
        hours = (last.floor("D") - start.floor("D")) // pd.Timedelta("1h") + 24
        if weather.sizes["time"] != hours:
            raise _bad(self.name, f"has {weather.sizes['time']} hours for {site.name!r}, not {hours}")
        return weather


@dataclass(frozen=True, kw_only=True)
class PVGIS(_PointSource):
    """PVGIS of the Joint Research Centre: satellite radiation (SARAH) by hour to 2023, no key.

    Parameters
    ----------
    database : str
        E.g. ``"PVGIS-SARAH3"`` or ``"PVGIS-ERA5"``.
    http : Http
    base_url : str

    Notes
    -----
    SARAH's values are instants at an odd minute of the hour that differs from place to place, of ERA5's at
    the half; they keep their stamps. Hours that PVGIS itself filled in are missing here. The service is at
    https://joint-research-centre.ec.europa.eu/pvgis.

    Examples
    --------
    >>> PVGIS().labels["ghi"].value
    'value at the stamp'
    """

    database: str = "PVGIS-SARAH3"
    http: Http = field(default_factory=Http)
    base_url: str = _PVGIS_URL
    name = "pvgis"
    variables = ("ghi", "dhi", "temp_air", "wind_speed_10m")
    labels = dict.fromkeys(variables, Label.INSTANT)
    delay = DELAYS["pvgis"]
    attribution = "PVGIS, European Commission, Joint Research Centre"

    def _get_site(self, site: Site, start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        latitude, longitude = site.coordinates_for_weather()
        params = {
            "lat": latitude,
            "lon": longitude,
            "startyear": start.year,
            "endyear": (end - pd.Timedelta(1, "ns")).year,
            "raddatabase": self.database,
            "components": 1,
            "angle": 0,
            "outputformat": "json",
        }
        return parse_pvgis(self.http.get(self.base_url, params=params), site=site)


@dataclass(frozen=True, kw_only=True)
class NSRDB(_PointSource):
    """NSRDB of NLR (once NREL): satellite radiation of the Americas from GOES, by year; a free key is needed.

    Parameters
    ----------
    api_key, email : str
        Of the account; no message shows them.
    minutes : {60, 30, 15, 5}
        Between instants; hourly ones stand at the half hour.
    http : Http
    base_url : str

    Notes
    -----
    UTC and leap days are asked for: the server's own defaults are local time, and no 29 February. Values are
    instants. Its wind is left out, for the file does not say at what height it blows. Sengupta et al. (2018),
    https://doi.org/10.1016/j.rser.2018.03.003.

    Examples
    --------
    >>> NSRDB(api_key="secret", email="me@example.org")
    NSRDB(minutes=60)
    """

    api_key: str = field(repr=False)
    email: str = field(repr=False)
    minutes: int = 60
    http: Http = field(default_factory=Http, repr=False)
    base_url: str = field(default=_NSRDB_URL, repr=False)
    name = "nsrdb"
    variables = tuple(name for name, _, _ in _NSRDB.values())
    labels = dict.fromkeys(variables, Label.INSTANT)
    delay = DELAYS["nsrdb"]
    attribution = "National Solar Radiation Database, National Laboratory of the Rockies"

    def _get_site(self, site: Site, start: pd.Timestamp, end: pd.Timestamp) -> xr.Dataset:
        years = range(start.year, (end - pd.Timedelta(1, "ns")).year + 1)
        return xr.concat(
            [self._get_year(site, year) for year in years], dim="time", coords="minimal", compat="equals"
        )

    def _get_year(self, site: Site, year: int) -> xr.Dataset:
        latitude, longitude = site.coordinates_for_weather()
        params = {
            "api_key": self.api_key,
            "email": self.email,
            "wkt": f"POINT({longitude:.4f} {latitude:.4f})",
            "names": year,
            "attributes": _NSRDB_ATTRIBUTES,
            "leap_day": "true",
            "utc": "true",
            "interval": self.minutes,
        }
        weather = parse_nsrdb(self.http.get(self.base_url, params=params), site=site)
        length = pd.Timestamp(year + 1, 1, 1) - pd.Timestamp(year, 1, 1)
        wanted = length // pd.Timedelta(self.minutes, "min")
        if weather.sizes["time"] != wanted:
            raise _bad(self.name, f"has {weather.sizes['time']} rows of {year}, not {wanted}")
        return weather


def read_nasa_power(path: str | Path, *, site: Site) -> xr.Dataset:
    """A stored answer of NASA POWER; see :func:`parse_nasa_power`.

    Examples
    --------
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> read_nasa_power("nowhere.json", site=farm)
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.json'
    """
    return parse_nasa_power(Path(path).read_bytes(), site=site)


def parse_nasa_power(body: bytes, *, site: Site) -> xr.Dataset:
    """What a JSON answer of NASA POWER means.

    Parameters
    ----------
    body : bytes
    site : Site

    Returns
    -------
    Dataset
        Dims (site, time): means of the hour that begins at the stamp; the fill value is NaN.

    Raises
    ------
    ResponseError
        If it is no whole answer, is not in UTC, or has another unit.

    Examples
    --------
    >>> content = {
    ...     "geometry": {"coordinates": [78.5, 43.6, 560.0]},
    ...     "header": {"fill_value": -999.0, "time_standard": "UTC"},
    ...     "parameters": {"T2M": {"units": "C"}},
    ...     "properties": {"parameter": {"T2M": {"2024060100": 18.5, "2024060101": -999.0}}},
    ... }
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> parse_nasa_power(json.dumps(content).encode(), site=farm)["temp_air"].values.tolist()
    [[18.5, nan]]
    """
    return _parsed(lambda: _nasa_power(body, site), "nasa-power")


def _nasa_power(body: bytes, site: Site) -> xr.Dataset:
    content = json.loads(body)
    header, values = content["header"], content["properties"]["parameter"]
    if header["time_standard"] != "UTC":
        raise _bad("nasa-power", f"is in {header['time_standard']}, not in UTC")
    table = pd.DataFrame({name: pd.Series(values[name], dtype=float) for name in values if name in _POWER})
    stamps = pd.to_datetime(pd.Index(table.index, dtype=str), format="%Y%m%d%H")
    columns = {}
    for name in table:
        ours, spellings, unit = _POWER[str(name)]
        said = content["parameters"][name]["units"]
        if said not in spellings:
            raise _bad("nasa-power", f"has {name} in {said}, not in {spellings[0]}")
        plain = table[name].where(table[name] != float(header["fill_value"])).to_numpy()
        columns[ours] = converted(plain, ours, unit=unit, hours=1.0)
    longitude, latitude, *height = content["geometry"]["coordinates"]
    place = (float(latitude), float(longitude), float(height[0]) if height else np.nan)
    return _dataset(columns, timestamps.to_ns(stamps), place, site, NasaPower, variables.MEAN)


def read_pvgis(path: str | Path, *, site: Site) -> xr.Dataset:
    """A stored JSON answer of PVGIS; see :func:`parse_pvgis`.

    Examples
    --------
    >>> farm = Site(name="farm", latitude=45.0, longitude=8.0)
    >>> read_pvgis("nowhere.json", site=farm)
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.json'
    """
    return parse_pvgis(Path(path).read_bytes(), site=site)


def parse_pvgis(body: bytes, *, site: Site) -> xr.Dataset:
    """What a JSON answer of PVGIS's hourly series means.

    Parameters
    ----------
    body : bytes
    site : Site

    Returns
    -------
    Dataset
        Dims (site, time): instants. Radiation only where the plane lies flat: on any other it is not ``ghi``.

    Raises
    ------
    ResponseError
        If it is no whole answer.

    Examples
    --------
    >>> row = {"time": "20200601:1010", "Gb(i)": 500.0, "Gd(i)": 120.0, "Gr(i)": 0.0, "T2m": 21.0, "WS10m": 2.0}
    >>> row["Int"] = 0.0
    >>> content = {
    ...     "inputs": {
    ...         "location": {"latitude": 45.0, "longitude": 8.0, "elevation": 250.0},
    ...         "mounting_system": {"fixed": {"slope": {"value": 0}}},
    ...     },
    ...     "meta": {"inputs": {}},
    ...     "outputs": {"hourly": [row]},
    ... }
    >>> plant = Site(name="plant", latitude=45.0, longitude=8.0)
    >>> weather = parse_pvgis(json.dumps(content).encode(), site=plant)
    >>> float(weather["ghi"][0, 0]), str(weather["time"].values[0])[:16]
    (620.0, '2020-06-01T10:10')
    """
    return _parsed(lambda: _pvgis(body, site), "pvgis")


def _pvgis(body: bytes, site: Site) -> xr.Dataset:
    from pvlib.iotools import read_pvgis_hourly

    table, meta = read_pvgis_hourly(io.StringIO(body.decode()), pvgis_format="json")
    where = meta["inputs"]["location"]
    columns = {"temp_air": table["temp_air"], "wind_speed_10m": table["wind_speed"]}
    slope = meta["inputs"]["mounting_system"].get("fixed", {}).get("slope", {}).get("value")
    if slope == 0:
        measured = table["Int"] == 0
        beam, diffuse = table["poa_direct"], table["poa_sky_diffuse"] + table["poa_ground_diffuse"]
        columns |= {"ghi": (beam + diffuse).where(measured), "dhi": diffuse.where(measured)}
    place = (float(where["latitude"]), float(where["longitude"]), float(where["elevation"]))
    plain = {name: series.to_numpy(dtype=float) for name, series in columns.items()}
    return _dataset(plain, timestamps.to_ns(table.index), place, site, PVGIS, variables.POINT)


def read_nsrdb(path: str | Path, *, site: Site) -> xr.Dataset:
    """A stored CSV file of NSRDB; see :func:`parse_nsrdb`.

    Examples
    --------
    >>> farm = Site(name="farm", latitude=39.7, longitude=-105.2)
    >>> read_nsrdb("nowhere.csv", site=farm)
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.csv'
    """
    return parse_nsrdb(Path(path).read_bytes(), site=site)


def parse_nsrdb(body: bytes, *, site: Site) -> xr.Dataset:
    r"""What a CSV answer of NSRDB means, in whatever zone its header says.

    Parameters
    ----------
    body : bytes
    site : Site

    Returns
    -------
    Dataset
        Dims (site, time): instants.

    Raises
    ------
    ResponseError
        If it is no whole file, or has another unit.

    Examples
    --------
    >>> head = "Source,Latitude,Longitude,Time Zone,Local Time Zone,Elevation,GHI Units,Temperature Units"
    >>> lines = [head, "NSRDB,39.73,-105.18,-7,-7,1820,w/m2,c", "Year,Month,Day,Hour,Minute,GHI,Temperature"]
    >>> body = "\n".join([*lines, "2024,2,29,11,30,650,8.1", "2024,2,29,12,30,700,9.0", ""]).encode()
    >>> weather = parse_nsrdb(body, site=Site(name="plant", latitude=39.74, longitude=-105.18))
    >>> str(weather["time"].values[0])[:16]
    '2024-02-29T18:30'
    """
    return _parsed(lambda: _nsrdb(body, site), "nsrdb")


def _nsrdb(body: bytes, site: Site) -> xr.Dataset:
    from pvlib.iotools import read_nsrdb_psm4

    if not body.startswith(b"Source,") or not body.endswith(b"\n"):
        raise _bad("nsrdb", "is no whole CSV file")
    table, meta = read_nsrdb_psm4(io.StringIO(body.decode()), map_variables=False)
    columns = {}
    for theirs, (ours, said, unit) in _NSRDB.items():
        if theirs in table:
            if meta[f"{theirs} Units"].strip().lower() != said:
                raise _bad("nsrdb", f"has {theirs} in {meta[f'{theirs} Units']}, not in {said}")
            columns[ours] = converted(table[theirs].to_numpy(dtype=float), ours, unit=unit, hours=1.0)
    place = (meta["Latitude"], meta["Longitude"], float(meta["Elevation"]))
    return _dataset(columns, timestamps.to_ns(table.index), place, site, NSRDB, variables.POINT)


def _parsed(parse: Callable[[], xr.Dataset], name: str) -> xr.Dataset:
    try:
        return parse()
    except ResponseError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise _bad(name, f"cannot be read ({type(error).__name__}: {error})") from None


def _dataset(
    columns: Mapping[str, Any],
    stamps: timestamps.Times,
    place: tuple[float, float, float],
    site: Site,
    source: type[AnalysisSource],
    method: str,
) -> xr.Dataset:
    if not columns or not len(stamps):
        raise _bad(source.name, "has no values")
    off = max(abs(place[0] - site.latitude), abs((place[1] - site.longitude + 180) % 360 - 180))
    if off > _FARTHEST:
        raise _bad(source.name, f"is of {place[0]:g}, {place[1]:g}, {off:.1f} degrees from {site.name!r}")
    coords = {
        "time": stamps,
        "available_time": ("time", source.delay.available_time(stamps)),
        "cell_latitude": ("site", [place[0]]),
        "cell_longitude": ("site", [place[1]]),
        "cell_elevation": ("site", [place[2]]),
    }
    cells: dict[str, Any] = {
        name: (("site", "time"), np.asarray(values)[None, :], {"cell_methods": method})
        for name, values in columns.items()
    }
    return finished(xr.Dataset(cells, coords=coords), source=source, sites=[site])  # type: ignore[arg-type]


def _bad(name: str, what: str) -> ResponseError:
    return ResponseError(
        f"The answer of {name} {what}.",
        "It is a whole answer about the place, in UTC and in the units of the service.",
        "Ask again; if it stays so, look at the service's news.",
    )
