"""Tables and files of forecasts: NetCDF and CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import netcdf_files, timestamps, wording
from energyforecast.core.damaged_files import DAMAGE
from energyforecast.core.files import whole_file
from energyforecast.core.quantile_cube import available_capacity
from energyforecast.core.spreadsheets import without_formulas
from energyforecast.errors import FileFormatError

__all__ = ["read_netcdf", "rows_of", "write_csv", "write_netcdf"]

_SECONDS = {"units": "seconds since 1970-01-01", "dtype": "float64", "_FillValue": np.nan}


def rows_of(data: xr.DataArray, kinds: Mapping[str, str], levels: Sequence[float]) -> pd.DataFrame:
    """A row for each site, issue and interval of a cube of quantiles. [MW]"""
    origin, step = np.nonzero(~np.isnat(data["valid_time"].values))
    frames = []
    for k, (name, kind) in enumerate(kinds.items()):
        head = {
            "site": name,
            "kind": kind,
            "issue_time": timestamps.to_index(data["issue_time"].values[origin]),
            "valid_time": timestamps.to_index(data["valid_time"].values[origin, step]),
            "lead_hours": data["lead_time"].values[step] / np.timedelta64(1, "h"),
            "fallback_level": data["fallback_level"].values[k, origin],
            "weather_init_time": timestamps.to_index(data["weather_init_time"].values[k, origin]),
        }
        if "available_capacity" in data.coords:
            head["available_capacity"] = available_capacity(data)[k, origin, step]
        body = data.values[k, origin, step].astype(float)
        columns = {f"q{level:g}": body[:, j] for j, level in enumerate(levels)}
        frames.append(pd.DataFrame(head | columns))
    return pd.concat(frames, ignore_index=True)


def write_csv(frame: pd.DataFrame, path: Path, *, caveats: Sequence[str]) -> Path:
    """Write rows of a forecast, with the caveats as the last column; power below 1 MW has more than four decimals."""
    levels = [name for name in frame if str(name).startswith("q0.")]
    figures = wording.decimals(frame[levels].to_numpy(), least=4)
    if "lead_hours" in frame:
        frame["lead_hours"] = frame["lead_hours"].map("{:.4f}".format)
    if caveats:
        frame["caveat"] = "; ".join(caveats)
    with whole_file(path) as scratch:
        without_formulas(frame).to_csv(
            scratch,
            index=False,
            float_format=f"%.{figures}f",
            lineterminator="\n",
            date_format="%Y-%m-%dT%H:%MZ",
        )
    return path


def write_netcdf(cube: xr.DataArray, path: Path) -> Path:
    """Write a cube of quantiles."""
    data = cube.to_dataset(name="power")
    encoding: dict[str, dict[str, Any]] = {name: dict(_SECONDS) for name in ("issue_time", "valid_time")}
    encoding["weather_init_time"] = dict(_SECONDS)
    encoding["issue_time"].pop("_FillValue")
    encoding["lead_time"] = {"units": "seconds", "dtype": "float64"}
    data["fallback_level"] = data["fallback_level"].astype("int32")
    return netcdf_files.write(data, path, encoding=encoding)


def read_netcdf(path: str | Path) -> xr.DataArray:
    """Cube of quantiles of a file; times are in nanoseconds."""
    try:
        netcdf_files.refuse_damage(Path(path))
        with xr.open_dataset(path, engine="scipy", decode_timedelta=True) as dataset:
            data = dataset.load()["power"]
        for name in ("issue_time", "valid_time", "weather_init_time"):
            data[name] = (data[name].dims, data[name].values.astype("datetime64[ns]"))
        data["lead_time"] = data["lead_time"].values.astype("timedelta64[ns]")
    except DAMAGE as error:
        raise FileFormatError(
            f"{path} cannot be read as a forecast: {error}",
            "It must be a file written by Forecast.save.",
            "Check the path.",
        ) from error
    return data
