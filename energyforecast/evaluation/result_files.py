"""Files of a result: NetCDF for cubes and outcomes, JSON for the rest; scores as JSON and CSV; parquet for others."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import netcdf_files, timestamps
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.damaged_files import DAMAGE
from energyforecast.core.files import whole_file
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import frequency_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.planned_operation import COLUMNS, PlannedOperation
from energyforecast.core.spreadsheets import without_formulas
from energyforecast.core.structured_text import parse_json
from energyforecast.errors import FileFormatError, require

__all__ = ["INDEX", "read", "write", "write_parquet", "write_scores"]

_SCHEMA: Final = 1
#: A folder without it is no result.
INDEX: Final = "result.json"
_OUTCOMES: Final = "observations.nc"
_FRAMES: Final = ("values", "published_time", "flags", "available_capacity")
_MOMENTS: Final = ("issue_time", "as_of", "newest_outcome", "newest_observation", "weather_init_time")


def write(
    folder: Path,
    forecasts: Mapping[str, Forecast],
    observations: Observations,
    *,
    folds: pd.DataFrame,
    origins: pd.DataFrame,
    provenance: Mapping[str, Any],
) -> None:
    """Write everything that :func:`read` needs into an empty folder."""
    files = {name: f"model{k:03d}.nc" for k, name in enumerate(forecasts)}
    for name, forecast in forecasts.items():
        forecast.save(folder / files[name])
    _write_observations(observations, folder / _OUTCOMES)
    content = {
        "format": "energyforecast.result",
        "schema": _SCHEMA,
        "forecasts": files,
        "folds": _records(folds),
        "origins": _records(origins),
        "provenance": dict(provenance),
    }
    (folder / INDEX).write_text(json.dumps(content, default=_plain), encoding="utf-8")


def _plain(value: Any) -> Any:
    """A value as JSON holds it."""
    return value.item() if isinstance(value, np.generic) else str(value)


def _records(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Columns of a table, as JSON holds them."""
    columns: dict[str, list[Any]] = {}
    for name in frame:
        values = frame[name]
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            columns[name] = [None if pd.isna(value) else value.isoformat() for value in values]
        else:
            columns[name] = [None if pd.isna(value) else value for value in values.tolist()]
    return columns


def _frame(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    """A table of columns; moments are in UTC."""
    frame = pd.DataFrame(dict(columns))
    for name in frame:
        if name.partition("[")[0] in _MOMENTS:
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601").dt.as_unit("ns")
        elif name.partition("[")[0] == "weather_age":
            frame[name] = frame[name].astype(float)
    return frame


def _write_observations(observations: Observations, path: Path) -> None:
    """Write outcomes with their publication, flags and capacity as NetCDF."""
    names = np.asarray(observations.sites, dtype=str)
    index = timestamps.to_ns(observations.index)
    data = xr.Dataset(coords={"time": index, "site": names})
    for name in _FRAMES:
        frame = getattr(observations, name)
        if name == "available_capacity":
            frame = _in_service(observations)
        if frame is None:
            continue
        values = frame.to_numpy()
        if name == "published_time":
            values = np.column_stack([timestamps.to_ns(frame[column]) for column in frame])
        data[name] = (("time", "site"), values.astype("int32") if name == "flags" else values)
    if observations.planned is not None:
        for name, column in observations.planned.rows.items():
            data[f"planned_{name}"] = ("plan", _plain_column(column))
    data.attrs["frequency_seconds"] = observations.frequency / pd.Timedelta("1s")
    if observations.published_after is not None:
        data.attrs["published_after_seconds"] = observations.published_after / pd.Timedelta("1s")
    seconds = {"units": "seconds since 1970-01-01", "dtype": "float64"}
    encoding: dict[str, dict[str, Any]] = {"time": dict(seconds)}
    if "published_time" in data:
        encoding["published_time"] = seconds | {"_FillValue": np.nan}
    netcdf_files.write(data, path, encoding=encoding)


def _plain_column(column: pd.Series) -> np.ndarray[Any, Any]:
    """Column of a plan as text, numbers or seconds since 1970."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return timestamps.to_ns(column).astype("int64") / 1e9
    return np.asarray(column, dtype=float if column.dtype.kind == "f" else str)


def _read_plan(data: xr.Dataset) -> PlannedOperation | None:
    """Planned operation of a file, if it has one."""
    if "planned_site" not in data:
        return None
    rows = pd.DataFrame({name: data[f"planned_{name}"].values for name in COLUMNS})
    for name in ("start", "end", "published"):
        rows[name] = pd.to_datetime(rows[name], unit="s", utc=True)
    return PlannedOperation(rows)


def _in_service(observations: Observations) -> pd.DataFrame | None:
    """Capacity in service of the observed hours as last published."""
    if observations.available_capacity is None or isinstance(observations.available_capacity, pd.DataFrame):
        return observations.available_capacity
    hours = observations.index
    columns = {name: observations.available_capacity_at(name, hours) for name in observations.sites}
    return pd.DataFrame(columns, index=hours)


def _read_observations(path: Path) -> Observations:
    """Read the file of :func:`_write_observations`."""
    netcdf_files.refuse_damage(path)
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
            frames[name] = frame.apply(lambda column: pd.to_datetime(column, utc=True)) if moments else frame
    latency = data.attrs.get("published_after_seconds")
    return Observations(
        frames["values"],
        published_after=None if latency is None else pd.Timedelta(seconds=float(latency)),
        published_time=frames["published_time"],
        flags=frames["flags"],
        available_capacity=frames["available_capacity"],
        planned=_read_plan(data),
        frequency=pd.Timedelta(seconds=float(data.attrs["frequency_seconds"])),
    )


def read(folder: Path) -> dict[str, Any]:
    """Fields of a result from the files of :func:`write`; FileFormatError without one, or if it is damaged."""
    try:
        content = _index(folder)
        files = {name: folder / Path(file).name for name, file in content["forecasts"].items()}
        return {
            "forecasts": {name: Forecast.load(path) for name, path in files.items()},
            "observations": _read_observations(folder / _OUTCOMES),
            "folds": _frame(content["folds"]),
            "provenance": content["provenance"],
            "origins": _frame(content["origins"]),
        }
    except DAMAGE as error:
        raise FileFormatError(
            f"{folder} holds no result: {error}.",
            "It must be a folder written by Result.save.",
            "Check the path, or run the backtest again.",
        ) from error


def _index(folder: Path) -> dict[str, Any]:
    """Index of a result, of which the tables are tables."""
    content = parse_json((folder / INDEX).read_text(encoding="utf-8"))
    if not isinstance(content, dict) or content.get("schema") != _SCHEMA:
        raise ValueError(f"{INDEX} is not of the schema {_SCHEMA}")
    for name in ("forecasts", "folds", "origins", "provenance"):
        if not isinstance(content.get(name), dict):
            raise ValueError(f"{name} of {INDEX} is no table")  # noqa: TRY004  (of a file)
    if not content["forecasts"] or not all(isinstance(file, str) for file in content["forecasts"].values()):
        raise ValueError(f"forecasts of {INDEX} name no files")
    columns = [*content["folds"].values(), *content["origins"].values()]
    if not all(isinstance(column, list) for column in columns):
        raise ValueError(f"folds and origins of {INDEX} are no tables of columns")
    return content


def write_parquet(path: Path, forecasts: Mapping[str, Forecast], observations: Observations) -> Path:
    """Write a row for each model, site, issue and hour: quantiles and outcome; needs pyarrow."""
    require("pyarrow", extra="benchmark", purpose="Parquet is asked for; NetCDF needs no other library.")
    frames = []
    for name, forecast in forecasts.items():
        frame = forecast.to_frame()
        frame.insert(0, "model", name)
        step = frequency_of(forecast)
        for site, hours in frame["valid_time"].groupby(frame["site"].to_numpy()):
            frame.loc[hours.index, "observed"] = outcomes_at(observations, hours, site=site, step=step)
        frames.append(frame.assign(caveats="; ".join(forecast.caveats)))
    with whole_file(path) as scratch:
        pd.concat(frames, ignore_index=True).to_parquet(scratch, index=False)
    return path


def score_records(table: pd.DataFrame, *, share: bool = False) -> list[dict[str, Any]]:
    """Rows of a table of scores by site in the form of ``scores.json``: in MW and in % of capacity, or in %."""
    records = []
    for row in table.to_dict("records"):
        lead = row.get("lead_time", "all")
        base = {
            "site": row["site"],
            "model": row["model"],
            "lead_hours": lead if lead == "all" else float(lead),
            "metric": row["metric"],
            "level": None if pd.isna(row["level"]) else float(row["level"]),
        }
        if share or row["metric"] in ("coverage", "coverage_closed"):
            units = [(row["percent"], "%")]
        else:
            units = [(row["value"], "MW"), (row["percent"], "% of capacity")]
        records += [
            base | {"value": _number(value), "unit": unit, "n": int(row["n"])}
            for value, unit in units
            if not (unit == "% of capacity" and math.isnan(value) and row["n"])
        ]
    return records


def _number(value: float) -> float | None:
    """A number, or None where it is undefined."""
    return None if math.isnan(value) else float(value)


def write_scores(
    folder: str | Path, records: Sequence[dict[str, Any]], provenance: Mapping[str, Any]
) -> None:
    """Write ``scores.json`` and, the same list with a column for the caveat, ``scores.csv``.

    Parameters
    ----------
    folder : path
        Made where it is missing.
    records : sequence of dict
        A score each, such as those of :meth:`energyforecast.Result.records`.
    provenance : dict

    See Also
    --------
    energyforecast.Result.save

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_scores(folder, [{"metric": "mae", "value": 1.0}], {"caveats": ["perfect weather"]})
    ...     Path(folder, "scores.csv").read_text().splitlines()
    ['metric,value,caveat', 'mae,1.0,perfect weather']
    """
    content = {"schema": _SCHEMA, "provenance": dict(provenance), "scores": list(records)}
    text = json.dumps(content, indent=1, default=_plain, allow_nan=False)
    target = Path(folder)
    with whole_file(target / "scores.json") as path:
        path.write_text(text + "\n", encoding="utf-8")
    table = pd.DataFrame(list(records))
    if provenance.get("caveats"):
        table["caveat"] = "; ".join(provenance["caveats"])
    with whole_file(target / "scores.csv") as path:
        without_formulas(table).to_csv(path, index=False, lineterminator="\n")
