"""Inputs of scores: observations and forecasts as objects of the library, pandas or xarray, as pairs."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.arguments import as_numbers, check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import check_series, frequency_of, step_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.quantile_cube import check_issued_before
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.evaluation.pairing import Pairs, align, pairs_of_rows

__all__ = ["Observed", "Predicted", "as_pairs", "negative_outcomes"]

Array = npt.NDArray[Any]
#: Outcomes: observations, or a series, a table with a column a site, or an array with the dimension ``time``. [MW]
Observed: TypeAlias = Observations | Pairs | pd.Series | pd.DataFrame | xr.DataArray
#: Forecasts: a forecast, or a series, a table with a column a quantile level or a site, or an array. [MW]
Predicted: TypeAlias = Forecast | pd.Series | pd.DataFrame | xr.DataArray

_CUBE: Final = {"site", "issue_time", "lead_time", "quantile"}


def as_pairs(observed: Observed, forecast: Predicted | None = None) -> Pairs:
    """Align outcomes with a forecast, exactly, in any form that :func:`energyforecast.evaluation.score` takes."""
    check_types(locals(), of=as_pairs)
    if isinstance(observed, Pairs):
        if forecast is not None:
            raise SchemaError(
                "Pairs and a forecast are given.", "Pairs hold their forecast.", "Give pairs alone."
            )
        return observed
    if forecast is None:
        raise SchemaError(
            "No forecast is given.", "Observations must be scored with a forecast.", "Give one, or Pairs."
        )
    if isinstance(forecast, xr.DataArray) and set(forecast.dims) == _CUBE:
        forecast = Forecast(forecast.transpose("site", "issue_time", "lead_time", "quantile"))
    if isinstance(forecast, Forecast):
        return align(_observations(observed, forecast.sites), forecast)
    predicted = _predicted(forecast)
    if isinstance(observed, Observations):
        times, sites = timestamps.to_index(predicted["time"].values), _sites(predicted)
        names = observed.sites if "site" not in predicted.dims and len(observed.sites) == 1 else sites
        step = _step(forecast, times)
        values = {
            site: outcomes_at(observed, times, site=name, step=step)
            for site, name in zip(sites, names, strict=True)
        }
        observed = pd.DataFrame(values, index=times)
    return _paired(_outcomes(observed, predicted), predicted)


def _observations(
    observed: Observations | pd.Series | pd.DataFrame | xr.DataArray, sites: Any
) -> Observations:
    """Outcomes as observations; a series belongs to the only site."""
    if isinstance(observed, Observations):
        return observed
    values = observed.to_pandas() if isinstance(observed, xr.DataArray) else observed
    if isinstance(values, pd.Series):
        if len(sites) != 1:
            raise SchemaError(
                f"One series of outcomes is given for the sites {list(sites)}.",
                "There must be a column for each site.",
                "Give a table with the names of the sites as columns.",
            )
        values = values.to_frame(sites[0])
    index = _utc(values.index)
    # Of one row, the index alone may hold the length.
    frequency = frequency_of(index) if len(index) == 1 else None
    return Observations(values.set_axis(index), published_after="0h", frequency=frequency)


def _step(forecast: pd.Series | pd.DataFrame | xr.DataArray, times: pd.DatetimeIndex) -> pd.Timedelta:
    """Length of an interval of a forecast that is a series."""
    step = frequency_of(times if isinstance(forecast, xr.DataArray) else _utc(forecast.index))
    if step is None:
        raise TimeError(
            f"The forecast has the hour {times[0]} alone, and no frequency.",
            "The length of its interval must be known, which the outcomes must have too.",
            'Give an index with a frequency: pd.date_range(..., periods=1, freq="1h", tz="UTC").',
        )
    return step


def _utc(index: pd.Index) -> pd.DatetimeIndex:
    """Times in UTC; without a zone they are."""
    if not isinstance(index, pd.DatetimeIndex):
        raise SchemaError(
            f"An index of {index.dtype} is given.", "Series must be indexed by time.", "Use a DatetimeIndex."
        )
    return index.tz_localize("UTC") if index.tz is None else index.tz_convert("UTC")


def _as_array(values: pd.Series | pd.DataFrame | xr.DataArray, columns: str) -> xr.DataArray:
    """Values by time, in UTC without a zone, and by columns where there are several."""
    if isinstance(values, xr.DataArray):
        if "time" not in values.dims:
            raise SchemaError(
                f"An array has the dimensions {values.dims}.",
                "Arrays that are scored must have the dimension time, and may have site and quantile.",
                "Rename its dimension.",
            )
        return values.astype(float)
    dims: tuple[Hashable, ...] = ("time",) if isinstance(values, pd.Series) else ("time", columns)
    coords: dict[Hashable, Any] = {"time": timestamps.to_ns(_utc(values.index))}
    if isinstance(values, pd.DataFrame):
        coords[columns] = list(values.columns)
    return xr.DataArray(as_numbers("A forecast", values), dims=dims, coords=coords, attrs=dict(values.attrs))


def _predicted(forecast: pd.Series | pd.DataFrame | xr.DataArray) -> xr.DataArray:
    """A forecast by time and quantile, and by site where there are several."""
    columns = "site"
    if isinstance(forecast, pd.DataFrame) and all(isinstance(name, float) for name in forecast.columns):
        columns = "quantile"
    array = _as_array(forecast, columns)
    zone = getattr(getattr(forecast, "index", None), "tz", None)
    if zone is not None:
        array.attrs.setdefault("timezone", str(zone))
    return array if "quantile" in array.dims else array.expand_dims(quantile=[0.5], axis=-1)


def _sites(array: xr.DataArray) -> list[str]:
    """Names of the sites; one without a name if there is no such dimension."""
    return [str(name) for name in array["site"].values] if "site" in array.dims else ["series"]


def _outcomes(observed: pd.Series | pd.DataFrame | xr.DataArray, predicted: xr.DataArray) -> xr.DataArray:
    """Outcomes in the order of the forecast's times and sites, which must be the same."""
    array = _as_array(observed, "site")
    if "site" in array.dims and "site" not in predicted.dims and array.sizes["site"] == 1:
        array = array.isel(site=0, drop=True)
    if set(array.dims) != set(predicted.dims) - {"quantile"}:
        raise SchemaError(
            f"Outcomes have the dimensions {array.dims}, the forecast {predicted.dims}.",
            "They must be the same but for quantile.",
            "Select one site, or give both by site.",
        )
    for dim in array.dims:
        first, second = array.indexes[dim], predicted.indexes[dim]
        if dim == "time":
            check_series(first, second)
        unshared = first.symmetric_difference(second)
        if len(unshared) or not (first.is_unique and second.is_unique):
            raise (TimeError if dim == "time" else SchemaError)(
                f"Outcomes and forecast differ in {len(unshared)} values of {dim}"
                + (f", the first {unshared[0]}." if len(unshared) else ": one occurs twice."),
                "A score must compare the same hours of the same sites, each once.",
                "Select common hours and sites, and count those that are left out.",
            )
    return array.reindex({dim: predicted[dim] for dim in array.dims})


def _paired(observed: xr.DataArray, predicted: xr.DataArray) -> Pairs:
    """Rows of outcomes and quantiles, with the labels that coordinates and attributes give."""
    if "site" not in predicted.dims:
        observed, predicted = (array.expand_dims(site=_sites(predicted)) for array in (observed, predicted))
    cube = predicted.sortby("quantile").transpose("site", "time", "quantile")
    outcome = observed.transpose("site", "time").values.ravel()
    quantiles = cube.values.reshape(len(outcome), -1)
    known = np.isfinite(outcome)
    if not np.isfinite(quantiles[known]).all():
        lost = int((~np.isfinite(quantiles[known])).any(axis=1).sum())
        raise MissingDataError(
            f"The forecast of {lost} observed hours is missing.",
            "Every observed hour must have a forecast: leaving difficult hours out would gain skill.",
            "Fill them with a reference, or drop the outcomes of these hours and report their number.",
        )
    capacity = np.full(len(outcome), float(cube.attrs.get("capacity", np.nan)))
    step = step_of(pd.DatetimeIndex(cube["time"].values))
    levels = cube["quantile"].values.astype(float)
    return pairs_of_rows(
        outcome, quantiles, levels, _labels(cube), installed=capacity, in_service=capacity, step=step
    )


def _labels(cube: xr.DataArray) -> pd.DataFrame:
    """Labels of each row, by site and then by time."""
    times = timestamps.to_index(cube["time"].values.astype("datetime64[ns]"))
    local = times.tz_convert(timestamps.zone(str(cube.attrs.get("timezone", "UTC"))))
    single = {
        "kind": str(cube.attrs.get("kind", "site")),
        "issue_time": times.min(),
        "valid_time": times,
        "lead_time": np.full(len(times), np.nan),
        "hour": np.asarray(local.hour),
        "month": np.asarray(local.month),
        "quality": 0,
        "weather_age": np.nan,
    }
    if "issue_time" in cube.coords:
        issued = np.broadcast_to(cube["issue_time"].values, (len(times),)).astype("datetime64[ns]")
        single["issue_time"] = timestamps.to_index(issued)
        step = np.timedelta64(round(step_of(times) * 3.6e12), "ns")
        check_issued_before(issued, timestamps.to_ns(times), step)
        single["lead_time"] = (times - timestamps.to_index(issued)) / pd.Timedelta("1h")
    if "lead_time" in cube.coords:
        single["lead_time"] = np.broadcast_to(
            cube["lead_time"].values / np.timedelta64(1, "h"), (len(times),)
        )
    return pd.concat([pd.DataFrame({"site": site, **single}) for site in _sites(cube)], ignore_index=True)


def negative_outcomes(observations: Observations, forecast: Forecast) -> int:
    """Number of outcomes below zero, which are judged as zero."""
    # One level is enough to align, and a cube on disk stays there.
    return align(observations, Forecast(forecast.data.isel(quantile=[0]))).below_zero
