"""Previous runs: values predicted a fixed number of days before each hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.http import Http
from energyforecast.core.labels import Label
from energyforecast.core.sites import Sites, as_sites
from energyforecast.weather.sources.openmeteo.catalogue import CellSelection, OpenMeteoModel, model_named
from energyforecast.weather.sources.openmeteo.client import Endpoint, get_open_meteo
from energyforecast.weather.sources.openmeteo.parser import counts, parse_open_meteo
from energyforecast.weather.sources.openmeteo.sources import CELLS, OpenMeteo, complete, cut

__all__ = ["open_meteo_previous_runs"]

_HOUR: Final = 3_600_000_000_000


def open_meteo_previous_runs(
    sites: Sites,
    start: Any,
    end: Any,
    *,
    days: Sequence[int] = (1, 2),
    model: str | OpenMeteoModel = "icon_global",
    variables: tuple[str, ...] = (),
    base_url: str | None = None,
    api_key: str | None = None,
    cell_selection: CellSelection = "nearest",
    http: Http | None = None,
) -> xr.Dataset:
    """Values predicted a fixed number of days before each hour, from many runs.

    Parameters
    ----------
    sites : Site or sequence of Site
    start, end : str or moment
        Of the valid hours, in UTC; a day, month or year means all of it, a moment as `end` is excluded.
    days : sequence of int
        How many days before, from 1 to 7.
    model, variables, base_url, api_key, cell_selection, http
        As of :class:`OpenMeteo`.

    Returns
    -------
    Dataset
        Dimensions (site, init_time, lead_time): the value for an hour N days before is of the newest run
        initialised by then, and counts as available one cycle, at least the model's delay, after. Each run
        has a cycle's leads of each day only, so the attribute ``coherent_run`` is 0, and forecasters
        refuse it.

    Raises
    ------
    SourceError
        If the server cannot be asked, or its answer cannot be right.

    Examples
    --------
    >>> from energyforecast import Site
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> pieces = open_meteo_previous_runs(farm, "2024-04", "2024-05", days=[2])  # doctest: +SKIP
    """
    places, chosen = as_sites(sites), model_named(model, product="previous_runs")
    endpoint = Endpoint(product="previous_runs", base_url=base_url, api_key=api_key, http=http or Http())
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
    told: dict[str, str | int] = {
        "product": "previous_runs",
        "coherent_run": 0,
        "missing": counts(xr.concat(list(hours.values()), dim="day", combine_attrs="drop")),
    }
    pieces = complete(_by_run(hours, source), source=source, sites=places, told=told)
    return pieces.assign_attrs(source=f"open-meteo-previous-runs:{chosen.name}")


def _by_run(hours: dict[int, xr.Dataset], source: OpenMeteo) -> xr.Dataset:
    """Hours N days before at the run and lead of which they are."""
    cycle, hour = source.cycle.value, _HOUR
    placed = []
    for day, data in hours.items():
        begin = data["time"].values.astype("int64")
        for name in source.variables:
            # A mean, which now stands at the beginning of its hour, was predicted for the end of it.
            stamp = begin + (0 if source.labels[name] is Label.INSTANT else hour)
            init = (stamp - day * 24 * hour) // cycle * cycle
            placed.append((name, data[name].values, init, begin - init))
    inits = np.unique(np.concatenate([init for _, _, init, _ in placed]))
    leads = np.unique(np.concatenate([lead for _, _, _, lead in placed]))
    some = next(iter(hours.values()))
    cube = {name: np.full((some.sizes["site"], len(inits), len(leads)), np.nan) for name in source.variables}
    for name, values, init, lead in placed:
        cube[name][:, np.searchsorted(inits, init), np.searchsorted(leads, lead)] = values
    days_before = (leads + hour) // (24 * hour)
    rule = inits[:, None] + leads[None, :] + hour - days_before[None, :] * 24 * hour + cycle
    declared = source.delay.available_time(inits.astype("datetime64[ns]")).astype("int64")
    return xr.Dataset(
        {name: (("site", "init_time", "lead_time"), values) for name, values in cube.items()},
        coords={
            "site": some["site"].values,
            "init_time": inits.astype("datetime64[ns]"),
            "lead_time": leads.astype("timedelta64[ns]"),
            "available_time": (
                ("init_time", "lead_time"),
                np.maximum(rule, declared[:, None]).astype("datetime64[ns]"),
            ),
            **{name: ("site", some[name].values) for name in CELLS},
        },
        attrs=some.attrs,
    )
