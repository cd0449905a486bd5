"""Archives from Open-Meteo: many runs at once, previous runs, and stored answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.labels import Label
from energyforecast.core.sites import Sites, as_sites
from energyforecast.errors import RunNotPublishedError
from energyforecast.weather.sources.openmeteo.catalogue import (
    CellSelection,
    OpenMeteoModel,
    model_named,
    name_of,
)
from energyforecast.weather.sources.openmeteo.client import Endpoint, OpenMeteoAccess, get_open_meteo
from energyforecast.weather.sources.openmeteo.parser import counts, in_order, parse_open_meteo, read_payload
from energyforecast.weather.sources.openmeteo.sources import CELLS, OpenMeteo, OpenMeteoHistory, complete, cut

__all__ = ["open_meteo", "open_meteo_previous_runs", "read_open_meteo"]

_HOUR: Final = pd.Timedelta("1h")
_HOUR_NS: Final = 3_600_000_000_000


def open_meteo(
    sites: Sites,
    start: Any,
    end: Any,
    *,
    model: str | OpenMeteoModel = "ecmwf_ifs",
    variables: tuple[str, ...] = (),
    horizon: str = "96h",
    cell_selection: CellSelection = "nearest",
    access: OpenMeteoAccess | None = None,
) -> xr.Dataset:
    """Archived runs of a weather model, as they were available then: weather for training and tests.

    Parameters
    ----------
    sites : Site or sequence of Site
    start, end : str or moment
        Of the runs' initialisations, in UTC; a day, month or year means all of it, a moment as `end` is
        excluded. A year of a model with four runs a day is 1,460 requests of 1 to 2 calls for each site;
        for more than a month, :class:`~energyforecast.weather.Store` keeps fetched runs and resumes.
    model, variables, horizon, cell_selection, access
        As of :class:`OpenMeteo`.

    Returns
    -------
    Dataset
        The attribute ``runs_missing`` names the runs that are not in the archive.

    Raises
    ------
    RunNotPublishedError
        If the archive has none of them.
    SourceError
        If the server cannot be reached, or its answer cannot be right.

    See Also
    --------
    OpenMeteo : The source of single runs.
    open_meteo_previous_runs : Older archives, without coherent runs.
    read_open_meteo : Stored answers.
    energyforecast.weather.Store : Archive that resumes.

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
        cell_selection=cell_selection,
        access=access or OpenMeteoAccess(),
    )
    runs, missing = [], []
    requested = source.runs(timestamps.period(start)[0], min(timestamps.period(end)[1], timestamps.now()))
    for run in requested:
        try:
            runs.append(source.get_run(places, run))
        except RunNotPublishedError:
            missing.append(f"{run:%Y-%m-%dT%H}")
    if not runs:
        raise RunNotPublishedError(
            f"Open-Meteo has none of the {len(requested)} runs of {source.described.name} from {start} to {end}.",
            "At least one run is needed; it has those of ECMWF since March 2024, of others since April 2026.",
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
    attributes = {"missing": counts(joined), "runs_missing": ", ".join(missing)}
    return joined.assign_attrs({key: text for key, text in attributes.items() if text})


def open_meteo_previous_runs(
    sites: Sites,
    start: Any,
    end: Any,
    *,
    days: Sequence[int] = (1, 2),
    model: str | OpenMeteoModel = "icon_global",
    variables: tuple[str, ...] = (),
    cell_selection: CellSelection = "nearest",
    access: OpenMeteoAccess | None = None,
) -> xr.Dataset:
    """Values predicted a fixed number of days before each hour, from many runs.

    Parameters
    ----------
    sites : Site or sequence of Site
    start, end : str or moment
        Of the valid hours, in UTC; a day, month or year means all of it, a moment as `end` is excluded.
    days : sequence of int
        Numbers of days before, from 1 to 7.
    model, variables, cell_selection, access
        As of :class:`OpenMeteo`.

    Returns
    -------
    Dataset
        Dimensions (site, init_time, lead_time): the value for an hour N days before is of the newest run
        initialised by then, and counts as available one cycle, at least the model's latency, after. Each run
        has a cycle's leads of each day only, so the attribute ``coherent_run`` is 0, and forecasters
        refuse it.

    Raises
    ------
    SourceError
        If the server cannot be reached, or its answer cannot be right.

    See Also
    --------
    open_meteo : Whole runs, with which a forecaster can be trained.

    Examples
    --------
    >>> from energyforecast import Site
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> weather = open_meteo_previous_runs(farm, "2024-04", "2024-05", days=[2])  # doctest: +SKIP
    """
    places, chosen = as_sites(sites), model_named(model, product="previous_runs")
    endpoint = Endpoint(product="previous_runs", access=access or OpenMeteoAccess())
    source = OpenMeteo(chosen, variables=variables)
    first, last = timestamps.period(start)[0], timestamps.period(end)[1]
    payload = get_open_meteo(
        places,
        endpoint=endpoint,
        model=chosen,
        variables=source.variables,
        start=first,
        end=last,
        days=days,
        cell_selection=cell_selection,
    )
    wanted = timestamps.to_ns(pd.date_range(first, last, freq="1h", inclusive="left"))
    hours = {
        day: cut(
            parse_open_meteo(
                payload,
                sites=places,
                variables=source.variables,
                model=chosen,
                cell_selection=cell_selection,
                day=day,
            ),
            wanted,
        )
        for day in days
    }
    attributes: dict[str, str | int] = {
        "product": "previous_runs",
        "coherent_run": 0,
        "missing": counts(xr.concat(list(hours.values()), dim="day", combine_attrs="drop")),
    }
    weather = complete(_by_run(hours, source), source=source, sites=places, attributes=attributes)
    return weather.assign_attrs(source=f"open-meteo-previous-runs:{chosen.name}")


def _by_run(hours: dict[int, xr.Dataset], source: OpenMeteo) -> xr.Dataset:
    """Hours predicted N days before, at their runs and leads."""
    cycle, hour = source.cycle.value, _HOUR_NS
    placed = []
    for day, data in hours.items():
        begin = data["time"].values.astype("int64")
        for name in source.variables:
            # A mean, now labelled at the beginning of its hour, was predicted for the end of it.
            stamp = begin + (0 if source.labels[name] is Label.INSTANT else hour)
            init = (stamp - day * 24 * hour) // cycle * cycle
            placed.append((name, data[name].values, init, begin - init))
    inits = np.unique(np.concatenate([init for _, _, init, _ in placed]))
    leads = np.unique(np.concatenate([lead for _, _, _, lead in placed]))
    first = next(iter(hours.values()))
    cube = {name: np.full((first.sizes["site"], len(inits), len(leads)), np.nan) for name in source.variables}
    for name, values, init, lead in placed:
        cube[name][:, np.searchsorted(inits, init), np.searchsorted(leads, lead)] = values
    days_before = (leads + hour) // (24 * hour)
    rule = inits[:, None] + leads[None, :] + hour - days_before[None, :] * 24 * hour + cycle
    declared = source.latency.available_time(inits.astype("datetime64[ns]")).astype("int64")
    return xr.Dataset(
        {name: (("site", "init_time", "lead_time"), values) for name, values in cube.items()},
        coords={
            "site": first["site"].values,
            "init_time": inits.astype("datetime64[ns]"),
            "lead_time": leads.astype("timedelta64[ns]"),
            "available_time": (
                ("init_time", "lead_time"),
                np.maximum(rule, declared[:, None]).astype("datetime64[ns]"),
            ),
            **{name: ("site", first[name].values) for name in CELLS},
        },
        attrs=first.attrs,
    )


def read_open_meteo(
    path: str | Path,
    *,
    sites: Sites,
    model: str | OpenMeteoModel,
    init_time: Any = None,
    variables: tuple[str, ...] = (),
    cell_selection: CellSelection = "land",
) -> xr.Dataset:
    """Weather from an answer of Open-Meteo that is stored as JSON: its hours, or its quarter-hours if it has no hours.

    Parameters
    ----------
    path : path
    sites : Site or sequence of Site
        Sites of the request, in its order.
    model : str or OpenMeteoModel
        Model of the request; an answer does not contain it.
    init_time : str or moment, optional
        Run of the answer, which does not contain that either. Without it, the hours are read as an
        analysis, which a forecaster lets in with ``perfect_weather=True`` only.
    variables : tuple of str
        All known ones by default.
    cell_selection : {"nearest", "land", "sea"}
        That of the request; ``"land"`` is the default of Open-Meteo.

    Returns
    -------
    Dataset
        The last hour of means is NaN: its value would be labelled with the next stamp.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    ResponseError, UnitsError
        If the answer contradicts the documentation of the server.

    See Also
    --------
    open_meteo : Archived runs from the server.

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
    item = in_order(payload, places)[0]
    names = variables or tuple(filter(None, map(name_of, item["hourly"])))
    step: Literal["1h", "15min"] = "1h" if item["step"] == _HOUR.total_seconds() else "15min"
    first, last = (timestamps.instant(stamp) for stamp in stamps.values[[0, -1]])
    if init_time is None:
        history = OpenMeteoHistory(model, variables=names, cell_selection=cell_selection, step=step)
        end = last + pd.Timedelta(step)
        return history.parse_period(payload, sites=places, start=first, end=end)
    run = timestamps.instant(init_time)
    reach = f"{round((last - run) / pd.Timedelta('1min'))}min"
    source = OpenMeteo(model, variables=names, horizon=reach, cell_selection=cell_selection, step=step)
    return source.parse_run(payload, sites=places, init_time=run)
