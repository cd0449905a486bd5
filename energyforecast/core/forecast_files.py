"""Files of forecasts: NetCDF and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import wording
from energyforecast.core.files import whole_file
from energyforecast.errors import FileFormatError

__all__ = ["read_netcdf", "write_csv", "write_netcdf"]

_SECONDS = {"units": "seconds since 1970-01-01", "dtype": "float64", "_FillValue": np.nan}


def write_csv(frame: pd.DataFrame, path: Path, *, caveats: Sequence[str]) -> Path:
    """Write rows of a forecast, with the caveats as the last column; power below 1 MW has more than four decimals."""
    levels = [name for name in frame if str(name).startswith("q0.")]
    figures = wording.decimals(frame[levels].to_numpy(), least=4)
    if "lead_hours" in frame:
        frame["lead_hours"] = frame["lead_hours"].map("{:.4f}".format)
    if caveats:
        frame["caveat"] = "; ".join(caveats)
    with whole_file(path) as scratch:
        frame.to_csv(
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
    with whole_file(path) as scratch:
        data.to_netcdf(scratch, engine="scipy", encoding=encoding)
    return path


def read_netcdf(path: str | Path) -> xr.DataArray:
    """Cube of quantiles of a file; times are in nanoseconds."""
    try:
        with xr.open_dataset(path, engine="scipy", decode_timedelta=True) as dataset:
            data = dataset.load()["power"]
        for name in ("issue_time", "valid_time", "weather_init_time"):
            data[name] = (data[name].dims, data[name].values.astype("datetime64[ns]"))
        data["lead_time"] = data["lead_time"].values.astype("timedelta64[ns]")
    except (OSError, EOFError, LookupError, ValueError, TypeError) as error:
        raise FileFormatError(
            f"{path} cannot be read as a forecast: {error}",
            "It must be a file written by Forecast.save.",
            "Check the path.",
        ) from error
    return data
