"""Hourly weather at sites from Open-Meteo's answers in JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.labels import Label
from energyforecast.core.sites import Site
from energyforecast.core.structured_text import parse_json
from energyforecast.errors import FileFormatError, RefusedError, ResponseError
from energyforecast.weather.sources.openmeteo.catalogue import (
    CellSelection,
    OpenMeteoModel,
    column_of,
)
from energyforecast.weather.sources.openmeteo.column_reader import ColumnReader, Floats, unexpected, units_of

__all__ = ["Payload", "counts", "decode", "in_order", "parse_open_meteo", "read_payload"]

#: Places of an answer, each an object.
Payload = list[dict[str, Any]]
#: Steps of an answer, by the part that holds it. [s]
_STEPS: Final = {"hourly": 3600, "minutely_15": 900}
_HOUR: Final = 3600
_KM_PER_DEGREE: Final = 111.2
#: How far a cell's centre may lie from the site, in cells: the nearest, or the best of its neighbours.
_REACH: Final[dict[str, float]] = {"nearest": 1.0, "land": 2.5, "sea": 2.5}
#: Radiation a little below zero is rounding; more than that is wrong. [W m-2]
_ROUNDING: Final = -5.0
_SHOWN: Final = 120
_BARE_NAN: Final = re.compile(rb"(?<=[:,\[])\s*-?nan(?=\s*[,\]}])")


def decode(body: bytes) -> Payload:
    """The places of an answer, whether it is one object or an array of them."""
    try:
        payload = parse_json(_BARE_NAN.sub(b"NaN", body))
    except ValueError as error:
        raise _undecodable(body) from error
    items = payload if isinstance(payload, list) else [payload]
    if not items or not all(isinstance(item, dict) for item in items):
        raise unexpected(
            "Open-Meteo's answer holds no places.", "It must be an object, or an array of objects."
        )
    failed = next((item for item in items if item.get("error")), None)
    if failed is not None:
        reason = str(failed.get("reason", ""))[:_SHOWN]
        raise unexpected(
            f"Open-Meteo answered 200 with an error: {reason}", "An answer with 200 must be weather."
        )
    return items


def _undecodable(body: bytes) -> ResponseError:
    text = body[-2000:].decode("utf-8", "replace")
    where = text.find("Unexpected error while streaming")
    if where >= 0:
        reason = text[where : where + _SHOWN]
        return unexpected(f"Open-Meteo broke off its answer: {reason}", "An answer must be whole.")
    beginning = body[:40].decode("utf-8", "replace")
    return unexpected(
        f"Open-Meteo's answer of {len(body)} bytes is no JSON; it begins {beginning!r}.",
        "An answer must be JSON, from its first byte to its last.",
    )


def read_payload(path: str | Path) -> Payload:
    """Places of an answer that was kept in a file."""
    try:
        return decode(Path(path).read_bytes())
    except ResponseError:
        raise
    except OSError as error:
        raise FileFormatError(
            f"{path} cannot be read: {error}", "A stored answer must be JSON.", "Check the path."
        ) from error


def counts(weather: xr.Dataset) -> str:
    """Number of missing values, by variable."""
    holes = {str(name): int(values.isnull().sum()) for name, values in weather.data_vars.items()}
    return _listed(holes)


def _listed(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items() if number)


def parse_open_meteo(
    payload: Sequence[Mapping[str, Any]],
    *,
    sites: Sequence[Site],
    variables: Sequence[str],
    model: OpenMeteoModel,
    requested: Sequence[str] = (),
    cell_selection: CellSelection = "nearest",
    day: int = 0,
) -> xr.Dataset:
    """Weather at sites from an answer; means carry the beginning of their step, so their last is NaN.

    Hours are read, or quarter-hours where an answer has these alone.
    """
    items = in_order(payload, sites)
    for item, site in zip(items, sites, strict=True):
        _check_place(item, site, model, cell_selection)
    stamps = [_stamps(item, site) for item, site in zip(items, sites, strict=True)]
    if any(not np.array_equal(stamps[0], other) for other in stamps[1:]):
        raise unexpected(
            "Open-Meteo gives other hours for other sites.", "All sites must have the same hours."
        )
    data, clipped = {}, {}
    for name in variables:
        reader = ColumnReader(column_of(name), model, tuple(requested) or (model.name,), day)
        raw = np.stack(
            [reader.read(item, site, len(stamps[0])) for item, site in zip(items, sites, strict=True)]
        )
        values, clipped[name] = _repaired(raw, name, per_hour=_HOUR / items[0]["step"])
        data[name] = (("site", "time", "member")[: values.ndim], values)
    hours = xr.Dataset(data, coords=_coords(stamps[0], items, sites, model))
    return hours.assign_attrs({"clipped": _listed(clipped)} if any(clipped.values()) else {})


def _coords(
    stamps: npt.NDArray[np.int64], items: Payload, sites: Sequence[Site], model: OpenMeteoModel
) -> dict[str, Any]:
    coords: dict[str, Any] = {
        "site": [site.name for site in sites],
        "time": (stamps * 1_000_000_000).astype("datetime64[ns]"),
        "cell_latitude": ("site", [float(item["latitude"]) for item in items]),
        "cell_longitude": ("site", [float(item["longitude"]) for item in items]),
        # That of the ground at the site, to which Open-Meteo adjusts the temperature of the cell.
        "cell_elevation": ("site", [_number(item.get("elevation")) for item in items]),
    }
    if model.members:
        coords["member"] = np.arange(model.members)
    return coords


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _part(item: Mapping[str, Any]) -> dict[str, Any]:
    """One place with its hours, or its quarter-hours under the same name, and their step."""
    if "step" in item:
        return dict(item)
    name = "minutely_15" if "minutely_15" in item and "hourly" not in item else "hourly"
    part = {"hourly": item.get(name), "hourly_units": item.get(f"{name}_units"), "step": _STEPS[name]}
    return {key: value for key, value in item.items() if not key.startswith("minutely_15")} | part


def _repaired(raw: Floats, name: str, *, per_hour: float) -> tuple[Floats, int]:
    """Rates, means at the beginning of their step, directions below 360°, radiation from 0; and the number clipped."""
    clipped = 0
    if name.startswith("wind_direction"):
        raw = np.where(raw == 360.0, 0.0, raw)
    if name in ("ghi", "dni", "dhi"):
        slightly = (raw < 0) & (raw >= _ROUNDING)
        clipped, raw = int(slightly.sum()), np.where(slightly, 0.0, raw)
    label = column_of(name).label
    if label is Label.INSTANT:
        return raw, clipped
    raw = raw * per_hour if label is Label.SUM_ENDING else raw
    shifted = np.full_like(raw, np.nan)
    shifted[:, :-1] = raw[:, 1:]
    return shifted, clipped


def in_order(payload: Sequence[Mapping[str, Any]], sites: Sequence[Site]) -> Payload:
    """An object for each site, in the order of the sites, with its hours or quarter-hours as ``hourly``."""
    items = [_part(item) for item in payload]
    if len(items) != len(sites):
        raise unexpected(f"Open-Meteo answers for {len(items)} places.", f"{len(sites)} were requested.")
    if len(items) == 1 or not any("location_id" in item for item in items):
        return items
    # The first place has no identifier: it is 0.
    numbers = [item.get("location_id", 0) for item in items]
    if sorted(numbers) != list(range(len(items))):
        raise unexpected(
            f"Open-Meteo numbers its places {numbers[:10]}.",
            f"Each of 0 to {len(items) - 1} must occur once.",
        )
    return [items[numbers.index(k)] for k in range(len(items))]


def _check_place(
    item: Mapping[str, Any], site: Site, model: OpenMeteoModel, cell_selection: CellSelection
) -> None:
    place = [item.get("latitude"), item.get("longitude")]
    if not all(isinstance(value, int | float) for value in place):
        raise unexpected(
            f"Open-Meteo gives no cell for site {site.name!r}.", "An answer must give the place of its cell."
        )
    latitude, longitude = (float(value) for value in place if value is not None)
    if np.isnan(latitude) or np.isnan(longitude) or not isinstance(item.get("hourly"), dict):
        raise RefusedError(
            f"Open-Meteo's {model.name} has no values for site {site.name!r} at {site.latitude:g}, {site.longitude:g}.",
            "The model must cover the site.",
            "Choose a model that covers it, or correct the coordinates.",
        )
    distance = _kilometres(site, latitude, longitude)
    allowed = _REACH[cell_selection] * model.resolution * _KM_PER_DEGREE + 0.1
    if not distance <= allowed:
        raise ResponseError(
            f"The cell for site {site.name!r} lies at {latitude:g}, {longitude:g}, {distance:.0f} km away.",
            f"Cells of {model.name} must lie within {allowed:.0f} km of {site.latitude:g}, {site.longitude:g}.",
            "The server may have exchanged the places; at coasts, choose cell_selection='nearest'.",
        )


def _kilometres(site: Site, latitude: float, longitude: float) -> float:
    north, south = np.radians(site.latitude), np.radians(latitude)
    east = np.radians(longitude - site.longitude)
    half = np.sin((south - north) / 2) ** 2 + np.cos(north) * np.cos(south) * np.sin(east / 2) ** 2
    return float(2 * 6371.0 * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))


def _stamps(item: Mapping[str, Any], site: Site) -> npt.NDArray[np.int64]:
    """Seconds since 1970, step after step."""
    given, unit = item["hourly"].get("time"), units_of(item).get("time")
    if not isinstance(given, list) or not given or unit not in ("unixtime", "iso8601"):
        raise unexpected(
            f"Open-Meteo gives site {site.name!r} no hours (time in {unit!r}).",
            "Hours must be in unixtime or iso8601.",
        )
    try:
        if unit == "unixtime":
            stamps = np.array(given, dtype=np.int64)
        else:
            # One offset holds for a whole answer, also across changes of the clock.
            local = timestamps.to_ns(pd.to_datetime(given, format="ISO8601")).astype("datetime64[s]")
            stamps = local.astype(np.int64) - int(item.get("utc_offset_seconds", 0))
        # A year beyond those of pandas is a ValueError.
        pd.Timestamp(int(np.abs(stamps).max(initial=0)), unit="s").as_unit("ns")
    except (ValueError, TypeError, OverflowError) as error:
        raise unexpected(
            f"Open-Meteo's hours for site {site.name!r} cannot be read: {error}", f"They must be in {unit}."
        ) from error
    gaps = np.flatnonzero(np.diff(stamps) != item["step"])
    if gaps.size:
        when = pd.Timestamp(int(stamps[gaps[0] + 1]), unit="s")
        raise unexpected(
            f"Open-Meteo's hours for site {site.name!r} do not follow each other: {when} UTC is doubled, "
            f"misplaced or after a gap ({gaps.size} such places).",
            "Every hour must occur once, in order.",
        )
    return stamps
