"""A result on disk: NetCDF for cubes and outcomes, JSON for the rest; parquet for other tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.errors import FileFormatError, require

if TYPE_CHECKING:
    from energyforecast.evaluation.result import Result

__all__ = ["read", "write", "write_parquet"]

_INDEX: Final = "result.json"
_OUTCOMES: Final = "observations.nc"
_FRAMES: Final = ("values", "published_time", "flags", "available_capacity")
_MOMENTS: Final = ("issue_time", "as_of", "newest_outcome", "newest_observation", "weather_init_time")


def write(result: Result, folder: Path) -> None:
    """Write all that :func:`read` needs.

    Parameters
    ----------
    result : Result
    folder : Path
        It is there already.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_result
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(example_result(), Path(folder))
    ...     read(Path(folder))
    Result of model, reference: 1 issues, 0 fits
    """
    files = {name: f"model{k:03d}.nc" for k, name in enumerate(result.forecasts)}
    for name, forecast in result.forecasts.items():
        forecast.save(folder / files[name])
    _write_observations(result.observations, folder / _OUTCOMES)
    content = {
        "format": "energyforecast.result",
        "schema": 1,
        "forecasts": files,
        "folds": _records(result.folds),
        "origins": _records(result.origins),
        "provenance": dict(result.provenance),
    }
    # Last, and at once: a folder without it is no result.
    scratch = folder / f"{_INDEX}.part"
    scratch.write_text(json.dumps(content, default=_plain), encoding="utf-8")
    scratch.replace(folder / _INDEX)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


def _records(frame: pd.DataFrame) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for name in frame:
        values = frame[name]
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            columns[name] = [None if pd.isna(value) else value.isoformat() for value in values]
        else:
            columns[name] = [None if pd.isna(value) else value for value in values.tolist()]
    return columns


def _frame(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(dict(columns))
    for name in frame:
        if name.partition("[")[0] in _MOMENTS:
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601").dt.as_unit("ns")
        elif name.partition("[")[0] == "weather_age":
            frame[name] = frame[name].astype(float)
    return frame


def _write_observations(observations: Observations, path: Path) -> None:
    names = np.asarray(observations.sites, dtype=str)
    index = timestamps.to_ns(observations.index)
    data = xr.Dataset(coords={"time": index, "site": names})
    for name in _FRAMES:
        frame = getattr(observations, name)
        if frame is None:
            continue
        values = frame.to_numpy()
        if name == "published_time":
            values = np.column_stack([timestamps.to_ns(frame[column]) for column in frame])
        data[name] = (("time", "site"), values.astype("int32") if name == "flags" else values)
    data.attrs["frequency_seconds"] = observations.frequency / pd.Timedelta("1s")
    if observations.published_after is not None:
        data.attrs["published_after_seconds"] = observations.published_after / pd.Timedelta("1s")
    seconds = {"units": "seconds since 1970-01-01", "dtype": "float64"}
    encoding: dict[str, dict[str, Any]] = {"time": dict(seconds)}
    if "published_time" in data:
        encoding["published_time"] = seconds | {"_FillValue": np.nan}
    data.to_netcdf(path, engine="scipy", encoding=encoding)


def _read_observations(path: Path) -> Observations:
    with xr.open_dataset(path, engine="scipy") as dataset:
        data = dataset.load()
    index = timestamps.to_index(data["time"].values.astype("datetime64[ns]"))
    sites = [str(name) for name in data["site"].values]
    frames: dict[str, pd.DataFrame | None] = dict.fromkeys(_FRAMES)
    for name in _FRAMES:
        if name in data:
            values = data[name].values
            if name == "flags":
                values = values.astype("int64")
            frame = pd.DataFrame(values, index=index, columns=sites)
            moments = name == "published_time"
            frames[name] = frame.apply(lambda own: pd.to_datetime(own, utc=True)) if moments else frame
    delay = data.attrs.get("published_after_seconds")
    return Observations(
        frames["values"],
        published_after=None if delay is None else pd.Timedelta(seconds=float(delay)),
        published_time=frames["published_time"],
        flags=frames["flags"],
        available_capacity=frames["available_capacity"],
        frequency=pd.Timedelta(seconds=float(data.attrs["frequency_seconds"])),
    )


def read(folder: Path) -> Result:
    """Read what :func:`write` wrote.

    Raises
    ------
    FileFormatError
        If there is no result, or it is damaged.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_result
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read(example_result().write(folder)).scores(model="model")["value"].iloc[0]
    np.float64(1.0)
    """
    from energyforecast.evaluation.result import Result

    try:
        content = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        if content["schema"] != 1:
            raise ValueError(f"its schema is {content['schema']}")  # noqa: TRY301
        files = {str(name): folder / Path(file).name for name, file in content["forecasts"].items()}
        forecasts = {name: Forecast.load(path) for name, path in files.items()}
        observations = _read_observations(folder / _OUTCOMES)
        folds, origins = _frame(content["folds"]), _frame(content["origins"])
    except (OSError, EOFError, LookupError, ValueError, TypeError) as error:
        raise FileFormatError(
            f"{folder} holds no result: {error}.",
            "It was written by Result.save.",
            "Check the path, or run the backtest again.",
        ) from error
    return Result(forecasts, observations, folds, content["provenance"], origins)


def write_parquet(result: Result, path: Path) -> Path:
    """A row for each model, site, issue and hour: quantiles and outcome.

    Parameters
    ----------
    result : Result
    path : Path

    Raises
    ------
    DependencyError
        Without pyarrow.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_result
    >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
    ...     len(pd.read_parquet(write_parquet(example_result(), Path(folder, "pairs.parquet"))))
    48
    """
    require("pyarrow", extra="benchmark", purpose="Parquet is asked for; NetCDF needs no other library.")
    frames = []
    for name, forecast in result.forecasts.items():
        frame = forecast.to_frame()
        frame.insert(0, "model", name)
        for site, hours in frame["valid_time"].groupby(frame["site"].to_numpy()):
            frame.loc[hours.index, "observed"] = result.observations.value_at(site, hours)
        frames.append(frame.assign(caveats="; ".join(forecast.caveats)))
    pd.concat(frames, ignore_index=True).to_parquet(path, index=False)
    return path
