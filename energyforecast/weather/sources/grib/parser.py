"""Weather of one run from decoded GRIB messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import variables
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.errors import (
    MissingDataError,
    SchemaError,
    TimeError,
)
from energyforecast.weather.processing.accumulation import check_windows, de_accumulate
from energyforecast.weather.processing.grid_cells import Cells
from energyforecast.weather.processing.spatial import average, cell_coords
from energyforecast.weather.processing.temporal import dark_at_night
from energyforecast.weather.sources.common.base import cf_attributes, run_availability
from energyforecast.weather.sources.grib.decode import Message
from energyforecast.weather.sources.grib.models import Field, GribModel

__all__ = ["parse_grib", "right_statistic", "rotated"]

Floats = npt.NDArray[np.floating[Any]]
_MINUTE: Final = np.timedelta64(1, "m")
_SUMS: Final = (Label.SUM_ENDING, Label.SUM_SINCE_START, Label.SUM_SINCE_MIDNIGHT)


def parse_grib(
    messages: Sequence[Message],
    *,
    model: GribModel,
    fields: Sequence[Field],
    cells: Cells,
    sites: Sequence[Site],
    leads: Sequence[int] = (),
    members: Sequence[int] = (),
) -> xr.Dataset:
    """Weather of the library from decoded messages of one run."""
    by_field = [(field, _of(field, messages)) for field in fields]
    init = _one_run([message for _, found in by_field for message in found])
    hours = _axis(leads, [m.about["end"] / 60 for _, found in by_field for m in found])
    numbers = [
        int(number) for number in _axis(members, [m.about["member"] for _, found in by_field for m in found])
    ]
    lead = (hours * 60).round().astype("timedelta64[m]").astype("timedelta64[ns]")
    cubes: dict[str, Floats] = {}
    notes: dict[str, float] = {}
    for field, found in by_field:
        _check_cells(field, found, sites)
        cube, start, resolution = _cube(field, found, lead, numbers)
        if field.label is not Label.INSTANT:
            cube, clipped = _means(field, cube, lead, start=start, resolution=resolution)
            notes |= {f"clipped_{field.name}": clipped} if clipped else {}
        cubes[field.name] = cube + field.offset
        if field.name == "cloud_cover" and field.label is not Label.INSTANT:
            cubes[field.name] = np.minimum(cubes[field.name], 100.0)  # by rounding, as below 0
    _rotate(cubes, by_field, cells)
    weather = _assembled(average(cubes, cells.weights), init, lead, numbers, len(model.members) > 1)
    _methods(weather, fields)
    means = any(field.label is not Label.INSTANT for field in fields)
    available = run_availability(model.latency, init, lead, means=means)
    weather = weather.assign_coords(available_time=available)
    weather.attrs = {"kind": "forecast", "source": model.name, "attribution": model.attribution, **notes}
    return dark_at_night(weather.assign_coords(cell_coords(cells, sites)), sites=sites)


def _one_run(messages: Sequence[Message]) -> np.datetime64:
    """Initialisation of the messages, which must be of one run."""
    stamps = sorted({message.about["init_time"] for message in messages})
    if not stamps:
        raise MissingDataError(
            "No message holds any of the requested fields.",
            "Each field must be present.",
            "Check the file and the model.",
        )
    if len(stamps) > 1:
        raise TimeError(
            f"The messages are of the runs {stamps[0]} and {stamps[1]}.",
            "Files that are read together must be of one run.",
            "Read each run by itself and join them along init_time.",
        )
    return np.datetime64(pd.to_datetime(stamps[0], format="%Y%m%dT%H%M"), "ns")


def _axis(given: Sequence[int], found: Sequence[float]) -> npt.NDArray[np.float64]:
    return np.array(sorted(given or set(found)), dtype=float)


def _cube(
    field: Field, messages: Sequence[Message], lead: npt.NDArray[Any], members: Sequence[int]
) -> tuple[Floats, npt.NDArray[Any], float]:
    """Values (member, lead, sites, cells), beginnings of the windows and the coarsest rounding of a field."""
    shape = messages[0].values.shape if messages else (0, 0)
    cube = np.full((len(members), len(lead), *shape), np.nan)
    present = np.zeros(cube.shape[:2], dtype=bool)
    start = lead.copy()
    for message in messages:
        begin, end = (bound.astype("timedelta64[ns]") for bound in message.window)
        k = int(np.searchsorted(lead, end))
        if k == len(lead) or lead[k] != end or message.about["member"] not in members:
            continue
        place = members.index(message.about["member"]), k
        if present[place] and not np.array_equal(cube[place], message.values, equal_nan=True):
            raise SchemaError(
                f"{field.index} at lead {lead[k] / _MINUTE / 60:g} h occurs twice in the files, with other values.",
                "A field must occur once for each lead and member.",
                "Read the files of one product.",
            )
        cube[place], present[place], start[k] = message.values, True, begin
    _complete(field, present, lead, members)
    return cube, start, max((m.about["resolution"] for m in messages), default=0.0)


def _of(field: Field, messages: Sequence[Message]) -> list[Message]:
    """Messages of a field; those of another statistic alone are refused."""
    found = [message for message in messages if message.is_of(field)]
    wanted = [message for message in found if right_statistic(field, message)]
    if found and not wanted:
        raise SchemaError(
            f"{field.index} is missing at lead {min(m.about['end'] for m in found) / 60:g} h: "
            f"the files hold it as {found[0].about['statistic'] or 'instant'}.",
            f"{field.name} of this model must be: {field.label.value}.",
            "Fetch that field, or leave the variable out of names=[...].",
        )
    return wanted


def _check_cells(field: Field, messages: Sequence[Message], sites: Sequence[Site]) -> None:
    """Refuse a cell that is masked at every lead, as those over water are in fields of the land."""
    masked = np.all([np.isnan(message.values).any(axis=-1) for message in messages], axis=0)
    for site in [site for site, lost in zip(sites, np.atleast_1d(masked), strict=False) if messages and lost]:
        raise MissingDataError(
            f"{field.index} is missing at every lead in a grid cell of site {site.name!r}: the cell is masked.",
            "Each site must lie in cells with values.",
            "Choose method='nearest', move the site to a cell with values, or leave the variable out of names=[...].",
        )


def right_statistic(field: Field, message: Message) -> bool:
    """Whether a message holds its field as the model gives it: a file may hold it as instant and as mean."""
    found = message.about["statistic"]
    wanted = None if field.label is Label.INSTANT else "sum" if field.label in _SUMS else "mean"
    return bool(found == wanted)


def _complete(
    field: Field, present: npt.NDArray[np.bool_], lead: npt.NDArray[Any], members: Sequence[int]
) -> None:
    needed = np.ones_like(present)
    if field.label is not Label.INSTANT:
        needed[:, lead == np.timedelta64(0, "ns")] = False  # no window has begun yet
    if (present | ~needed).all():
        return
    member, k = np.argwhere(needed & ~present)[0]
    raise MissingDataError(
        f"{field.index} is missing at lead {lead[k] / _MINUTE / 60:g} h"
        + (f" of member {members[member]}" if len(members) > 1 else "")
        + f": {int((needed & ~present).sum())} of {int(needed.sum())} fields.",
        "A run must be whole: each variable at each lead, for each member.",
        "It is still being published, or the file is cut: take the previous run, or request fewer variables or leads.",
    )


def _means(
    field: Field, cube: Floats, lead: npt.NDArray[Any], *, start: npt.NDArray[Any], resolution: float
) -> tuple[Floats, float]:
    check_windows(start, lead, label=field.label, name=field.index)
    values = xr.DataArray(
        cube, dims=("member", "lead_time", "site", "cell"), coords={"lead_time": lead}, name=field.index
    )
    means = de_accumulate(values, label=field.label, resolution=resolution)
    return np.asarray(means.values), float(means.attrs["clipped"])


def rotated(u: Floats, v: Floats, *, longitude: Floats, lambert: Sequence[float]) -> tuple[Floats, Floats]:
    r"""Winds along the rows (u) and columns (v) of a Lambert conformal grid, turned to the east and to the north.

    With the longitude :math:`\lambda_0` of the grid's vertical and the standard parallels :math:`\varphi_1, \varphi_2`
    (Snyder 1987, https://doi.org/10.3133/pp1395, equations 15-3 and 15-4):

    .. math::
        u_{\text{east}} = u \cos\gamma + v \sin\gamma, \qquad v_{\text{north}} = -u \sin\gamma + v \cos\gamma,
        \qquad \gamma = n (\lambda - \lambda_0), \qquad
        n = \frac{\ln(\cos\varphi_1 / \cos\varphi_2)}
            {\ln\left( \tan(\pi/4 + \varphi_2/2) / \tan(\pi/4 + \varphi_1/2) \right)}

    East of the vertical the meridians lean to the left: a wind along the columns blows to the north and a little east.

    >>> east, north = rotated(0.0, 10.0, longitude=-75.0, lambert=(-97.5, 38.5, 38.5))
    >>> round(float(east), 2), round(float(north), 2)
    (2.42, 9.7)
    """
    vertical, first, second = lambert
    angle = _cone(first, second) * np.radians((np.asarray(longitude) - vertical + 180.0) % 360.0 - 180.0)
    east = u * np.cos(angle) + v * np.sin(angle)
    north = -u * np.sin(angle) + v * np.cos(angle)
    return np.asarray(east), np.asarray(north)


def _cone(first: float, second: float) -> float:
    """Constant of the cone, n; sin of the parallel where there is one."""
    north, south = np.radians([first, second])
    if abs(first - second) < 1e-9:
        return float(np.sin(north))
    ratio = np.log(np.tan(np.pi / 4 + south / 2) / np.tan(np.pi / 4 + north / 2))
    return float(np.log(np.cos(north) / np.cos(south)) / ratio)


def _rotate(cubes: dict[str, Floats], by_field: Sequence[tuple[Field, list[Message]]], cells: Cells) -> None:
    about = {field.name: found[0].about for field, found in by_field if found}
    for name in [name for name in cubes if name.startswith("wind_u_")]:
        other = name.replace("_u_", "_v_")
        if not about[name]["grid_relative"] or about[name]["grid_type"] in ("regular_ll", "regular_gg"):
            continue
        lambert = about[name]["lambert"]
        if other not in cubes or lambert is None or cells.cell_longitudes is None:
            raise SchemaError(
                f"{name} is relative to a grid of the type {about[name]['grid_type']!r}.",
                "Winds can be turned to the east on Lambert grids, both components together.",
                "Read both components, or convert the file to winds relative to the earth.",
            )
        cubes[name], cubes[other] = rotated(
            cubes[name], cubes[other], longitude=cells.cell_longitudes, lambert=lambert
        )


def _assembled(
    values: dict[str, Floats],
    init: np.datetime64,
    lead: npt.NDArray[Any],
    members: Sequence[int],
    ensemble: bool,
) -> xr.Dataset:
    """Values (member, lead, site) as a dataset of one run."""
    if "direct_horizontal" in values:
        values["ghi"] = values.pop("direct_horizontal") + values["dhi"]
    dims = ("member", "lead_time", "site")
    weather = xr.Dataset(
        {name: (dims, array.astype(np.float32)) for name, array in values.items()},
        coords={"lead_time": lead, "member": list(members)},
    ).expand_dims(init_time=np.array([init], dtype="datetime64[ns]"))
    if not ensemble:
        weather = weather.isel(member=0, drop=True)
    return weather.transpose("site", "init_time", "lead_time", *(["member"] if ensemble else []))


def _methods(weather: xr.Dataset, fields: Sequence[Field]) -> None:
    labels = {field.name: field.label for field in fields}
    labels |= {"ghi": labels["direct_horizontal"]} if "direct_horizontal" in labels else {}
    for name in map(str, weather.data_vars):
        point = labels.get(name, Label.INSTANT) is Label.INSTANT
        weather[name].attrs = cf_attributes(name, cell_methods=variables.POINT if point else variables.MEAN)
