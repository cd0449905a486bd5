"""Many runs at once, and answers that were kept in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.http import Http
from energyforecast.core.sites import Sites, as_sites
from energyforecast.errors import RunNotPublishedError
from energyforecast.weather.sources.openmeteo.catalogue import (
    CellSelection,
    OpenMeteoModel,
    model_named,
    name_of,
)
from energyforecast.weather.sources.openmeteo.parser import counts, parse_open_meteo, read_payload
from energyforecast.weather.sources.openmeteo.sources import OpenMeteo, OpenMeteoHistory

__all__ = ["open_meteo", "read_open_meteo"]

_HOUR: Final = pd.Timedelta("1h")


def open_meteo(
    sites: Sites,
    start: Any,
    end: Any,
    *,
    model: str | OpenMeteoModel = "ecmwf_ifs",
    variables: tuple[str, ...] = (),
    horizon: str = "96h",
    base_url: str | None = None,
    api_key: str | None = None,
    cell_selection: CellSelection = "nearest",
    http: Http | None = None,
) -> xr.Dataset:
    """Archived runs of a weather model, as they could be had then: weather to train and to test with.

    Parameters
    ----------
    sites : Site or sequence of Site
    start, end : str or moment
        Of the runs' initialisations, in UTC; a day, month or year means all of it, a moment as `end` is
        excluded. A year of a model with four runs a day is 1,460 requests of 1 to 2 calls for each site;
        for more than a month, :class:`~energyforecast.weather.Store` keeps what came and resumes.
    model, variables, horizon, base_url, api_key, cell_selection, http
        As of :class:`OpenMeteo`.

    Returns
    -------
    Dataset
        The attribute ``runs_missing`` names runs that the archive does not have.

    Raises
    ------
    RunNotPublishedError
        If it has none of them.
    SourceError
        If the server cannot be asked, or its answer cannot be right.

    Examples
    --------
    >>> from energyforecast import Site
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> weather = open_meteo(farm, "2024-04", "2024-05", model="ecmwf_ifs")  # doctest: +SKIP
    """
    places = as_sites(sites)
    source = OpenMeteo(
        model,
        variables=variables,
        horizon=horizon,
        base_url=base_url,
        api_key=api_key,
        cell_selection=cell_selection,
        http=http or Http(),
    )
    runs, missing = [], []
    asked = source.runs(timestamps.period(start)[0], min(timestamps.period(end)[1], timestamps.now()))
    for run in asked:
        try:
            runs.append(source.get_run(places, run))
        except RunNotPublishedError:
            missing.append(f"{run:%Y-%m-%dT%H}")
    if not runs:
        raise RunNotPublishedError(
            f"Open-Meteo has none of the {len(asked)} runs of {source.described.name} from {start} to {end}.",
            "At least one run is there: those of ECMWF since March 2024, of others since April 2026.",
            "Choose a later period or another model.",
        )
    joined = xr.concat(
        runs,
        dim="init_time",
        data_vars="minimal",
        coords="minimal",
        combine_attrs="drop_conflicts",
        compat="override",
        join="exact",
    )
    told = {"missing": counts(joined), "runs_missing": ", ".join(missing)}
    return joined.assign_attrs({key: text for key, text in told.items() if text})


def read_open_meteo(
    path: str | Path,
    *,
    sites: Sites,
    model: str | OpenMeteoModel,
    init_time: Any = None,
    variables: tuple[str, ...] = (),
    cell_selection: CellSelection = "land",
) -> xr.Dataset:
    """Weather from an answer of Open-Meteo that was kept as JSON.

    Parameters
    ----------
    path : path
    sites : Site or sequence of Site
        For whose places it was asked, in that order.
    model : str or OpenMeteoModel
        That was asked; an answer does not say it.
    init_time : str or moment, optional
        Of the run that it holds; an answer does not say that either. Without it, the hours are read as an
        analysis, which a forecaster lets in with ``perfect_weather=True`` only.
    variables : tuple of str
        All that the library knows by default.
    cell_selection : {"nearest", "land", "sea"}
        As asked; ``"land"`` is Open-Meteo's default.

    Returns
    -------
    Dataset
        Of the means, the last hour is NaN: its value would stand at the next stamp.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    ResponseError, UnitsError
        If it is not what such an answer must be.

    Examples
    --------
    >>> import json, tempfile
    >>> answer = {
    ...     "latitude": 43.6,
    ...     "longitude": 78.5,
    ...     "hourly_units": {"time": "unixtime", "temperature_2m": "°C"},
    ...     "hourly": {"time": [1717200000 + 3600 * k for k in range(49)], "temperature_2m": [21.5] * 49},
    ... }
    >>> from energyforecast import Site
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "run.json")
    ...     count = path.write_text(json.dumps(answer))
    ...     run = read_open_meteo(path, sites=farm, model="ecmwf_ifs", init_time="2024-06-01 00:00")
    >>> run["temp_air"].dims, run["temp_air"].shape
    (('site', 'init_time', 'lead_time'), (1, 1, 49))
    """
    payload, places = read_payload(path), as_sites(sites)
    stamps = parse_open_meteo(
        payload,
        sites=places,
        variables=(),
        model=model_named(model, product=""),
        cell_selection=cell_selection,
    )["time"]
    columns = payload[0].get("hourly", {})
    names = variables or tuple(filter(None, map(name_of, columns)))
    first, last = (timestamps.instant(stamp) for stamp in stamps.values[[0, -1]])
    if init_time is None:
        history = OpenMeteoHistory(model, variables=names, cell_selection=cell_selection)
        return history.parse_period(payload, sites=places, start=first, end=last + _HOUR)
    run = timestamps.instant(init_time)
    reach = f"{round((last - run) / _HOUR)}h"
    source = OpenMeteo(model, variables=names, horizon=reach, cell_selection=cell_selection)
    return source.parse_run(payload, sites=places, init_time=run)
