"""Runs of weather that cannot be right are set aside, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core.sites import Site
from energyforecast.core.weather_schema import check_structure, check_weather, is_analysis
from energyforecast.errors import WrongDataError
from energyforecast.operations.set_aside import SetAside, why

__all__ = ["sound"]

#: Steps of an analysis that are checked as one run is.
_DAY: Final = 24
#: Checks of parts after which a site is set aside whole.
_CHECKS: Final = 400
#: Errors that show in a comparison of runs alone, which are answered one after the other.
_ROUNDS: Final = 12
#: Runs at the end of which none is trusted after the first of another unit: they are too few to be compared.
_LAST: Final = 20
#: Runs before the first that is found in another unit, which may be in it too: a calm hides the change.
_BEFORE: Final = 2
#: Runs that are looked at first: if each is refused, all are.
_SAMPLE: Final = 5

Bools = npt.NDArray[np.bool_]


def sound(
    weather: xr.Dataset, sites: Sequence[Site], *, name: str, gone: list[SetAside]
) -> xr.Dataset | None:
    """Weather with every site, in which runs that break its schema are missing; None if none is left."""
    try:
        check_structure(weather, label=name)
        weather = _without_early(_with_sites(weather, sites, name, gone), name, gone)
        check_weather(weather, sites=sites, label=name)
    except WrongDataError as error:
        try:
            check_structure(weather, sites=sites, label=name)
        except WrongDataError:
            gone.append(SetAside("model", name, why(error)))
            return None
        return _by_site(weather, sites, name, gone)
    return weather


def _with_sites(weather: xr.Dataset, sites: Sequence[Site], name: str, gone: list[SetAside]) -> xr.Dataset:
    """Weather with every site, missing at those that it lacks."""
    held = [str(label) for label in weather["site"].values]
    absent = [site.name for site in sites if site.name not in held]
    for site in absent:
        if not any(part.site == site for part in gone):
            gone.append(SetAside("site", name, f"{name} has the sites {held}, without {site!r}.", site=site))
    return weather.reindex(site=[*held, *absent]) if absent else weather


def _without_early(weather: xr.Dataset, name: str, gone: list[SetAside]) -> xr.Dataset:
    """Runs that would have been available before they began never arrive."""
    axis = "time" if is_analysis(weather) else "init_time"
    if "available_time" not in weather.coords or weather["available_time"].dtype.kind != "M":
        return weather
    arrived = weather["available_time"]
    early = (arrived < weather[axis]).transpose(axis, ...)
    if axis not in arrived.dims or not early.any():
        return weather
    runs = np.flatnonzero(early.values.reshape(len(early), -1).any(axis=1))
    found = f"{name} for {weather[axis].values[runs[0]]} was available before it began."
    gone.append(SetAside("run", name, found, len(runs), hour=_hour(weather, axis, runs[0])))
    never = arrived.where(~early.any([dim for dim in early.dims if dim != axis]))
    return weather.assign_coords(available_time=never.transpose(*arrived.dims))


def _by_site(
    weather: xr.Dataset, sites: Sequence[Site], name: str, gone: list[SetAside]
) -> xr.Dataset | None:
    """Weather in which the runs of each site that are refused are missing."""
    places = {site.name: site for site in sites}
    keep = {}
    for label in map(str, weather["site"].values):
        own = [places[label]] if label in places else []
        keep[label] = _Site(weather.sel(site=[label]), own, name, gone).kept()
    if not any(kept.any() for kept in keep.values()):
        gone.append(SetAside("model", name, f"No run of {name} is usable."))
        return None
    axis = "time" if is_analysis(weather) else "init_time"
    mask = xr.DataArray(np.stack(list(keep.values())), dims=("site", axis))
    weather = weather.assign({name: weather[name].where(mask) for name in weather.data_vars})
    try:
        return check_weather(weather, sites=sites, label=name)
    except WrongDataError as error:
        gone.append(SetAside("model", name, why(error)))
        return None


class _Site:
    """Runs of one site that are kept."""

    def __init__(self, weather: xr.Dataset, own: list[Site], name: str, gone: list[SetAside]) -> None:
        self.weather, self.own, self.name, self.gone = weather, own, name, gone
        self.axis = "time" if is_analysis(weather) else "init_time"
        self.size = _DAY if self.axis == "time" else 1
        self.checks = 0
        self.first: WrongDataError | None = None

    def kept(self) -> Bools:
        """Mask of the runs that are kept."""
        keep = np.ones(self.weather.sizes[self.axis], dtype=bool)
        error = self._error(keep)
        if error is None:
            return keep
        self.first = error
        keep = self._without(self._refused(0, len(keep)), keep) if self._some_pass() else np.zeros_like(keep)
        for round_ in range(_ROUNDS):
            error = self._error(keep)
            if error is None or not keep.any():
                break
            self.first = error
            span = self._span(error, keep, alone=round_ == 0)
            keep = self._without(span, keep) if span else np.zeros_like(keep)
        else:
            keep[:] = False
        self._note(keep)
        return keep

    def _some_pass(self) -> bool:
        """Whether some of a few runs pass by themselves."""
        count = self.weather.sizes[self.axis]
        for begin in np.unique(np.linspace(0, count - self.size, _SAMPLE).astype(int).clip(0)):
            keep = np.zeros(count, dtype=bool)
            keep[begin : begin + self.size] = True
            if self._error(keep) is None:
                return True
        return False

    def _error(self, keep: Bools) -> WrongDataError | None:
        """Error of the runs that are kept."""
        if not keep.any():
            return None
        self.checks += 1
        try:
            check_weather(self.weather.isel({self.axis: keep}), sites=self.own, label=self.name)
        except WrongDataError as error:
            return error
        return None

    def _refused(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Parts that are refused by themselves: runs, or days of an analysis."""
        keep = np.zeros(self.weather.sizes[self.axis], dtype=bool)
        keep[begin:end] = True
        if self.checks > _CHECKS or self._error(keep) is None:
            return []
        if end - begin <= self.size:
            return [(begin, end)]
        middle = begin + max(self.size, (end - begin) // 2 // self.size * self.size)
        return [*self._refused(begin, middle), *self._refused(middle, end)]

    def _span(self, error: WrongDataError, keep: Bools, *, alone: bool) -> list[tuple[int, int]]:
        """The run that differs from those before it; at the end all after it, else the smaller part."""
        if error.place is None or not error.place.times:
            return []
        moments = pd.DatetimeIndex(self.weather[self.axis].values[keep])
        when = pd.Timestamp(error.place.times[0])
        first = int(np.searchsorted(moments, when.tz_localize(None) if when.tz else when))
        places, size = np.flatnonzero(keep), self.size
        if len(places) - first <= _LAST * size:
            places = places[max(0, first - _BEFORE * size) :]
        elif alone:
            places = places[first : first + size]
        else:
            places = places[:first] if first < len(places) / 2 else places[first:]
        return [(int(place), int(place) + 1) for place in places]

    def _without(self, spans: list[tuple[int, int]], keep: Bools) -> Bools:
        keep = keep.copy()
        for begin, end in spans:
            keep[begin:end] = False
        return keep

    def _note(self, keep: Bools) -> None:
        """Name the runs that were set aside."""
        assert self.first is not None
        site = str(self.weather["site"].values[0])
        lost = np.flatnonzero(~keep)
        if not keep.any():
            self.gone.append(SetAside("site", self.name, why(self.first), site=site))
        elif len(lost):
            count = len(np.unique(lost // self.size))
            hour = _hour(self.weather, self.axis, lost[0])
            self.gone.append(SetAside("run", self.name, why(self.first), count, site=site, hour=hour))


def _hour(weather: xr.Dataset, axis: str, place: Any) -> str:
    return f"{pd.Timestamp(weather[axis].values[place]):%Y-%m-%d %H:%M}"
