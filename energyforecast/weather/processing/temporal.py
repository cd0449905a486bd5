"""Weather at the steps of a task: finer or coarser than its own, or with other beginnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast import physics
from energyforecast.core import arguments, timestamps, variables, weather_schema
from energyforecast.core.sites import Site, Sites, as_sites
from energyforecast.core.wording import short
from energyforecast.errors import SchemaError, TimeError
from energyforecast.weather.processing.intervals import Intervals
from energyforecast.weather.processing.step_grid import Floats, Ints, StepGrid

__all__ = [
    "Conversion",
    "Steps",
    "at_steps",
    "cell_methods_at_steps",
    "conversion",
    "dark_at_night",
    "integral_of",
]

_HOUR: Final = np.timedelta64(3_600_000_000_000, "ns")
#: Steps longer than this are not interpolated: the course of a day is lost in them. [ns]
_LONGEST: Final = 12 * 3_600_000_000_000
#: Shortest piece of which steps are made. [ns]
_SHORTEST: Final = 60_000_000_000
#: A zenith beyond which a model has no light: refraction and half a cell away from the site are allowed for. [degree]
_DARK: Final = 93.0
#: Radiation at night that rounding in the files of GFS can cause. [W m-2]
_ROUNDING: Final = 60.0
_RADIATION: Final = ("ghi", "dni", "dhi", "top_net_solar")
_METHOD: Final = (
    "instants linear, directions as vectors, means kept over their steps, radiation by clear-sky index"
)


def at_steps(
    weather: xr.Dataset, step: str | timedelta, *, sites: Sites, offset: str | timedelta = "0min"
) -> xr.Dataset:
    r"""Bring weather to other steps: to quarter-hours, to hours, or to hours that begin at half past.

    A :class:`energyforecast.Forecaster` does so by itself, with the steps of its task.

    Parameters
    ----------
    weather : Dataset
        A forecast or an analysis, of steps that may differ.
    step : str or timedelta
        Length of the steps, e.g. ``"15min"``.
    sites : Site or sequence of Site
        All sites of the weather, whose coordinates give the position of the sun.
    offset : str or timedelta
        Beginning of a step after midnight UTC: ``"30min"`` for hours of India.

    Returns
    -------
    Dataset
        With the method in ``attrs["interpolated"]`` and the original steps in ``attrs["native_steps"]``. NaN stay NaN.

    Raises
    ------
    TimeError
        If the weather comes less than every 12 hours, or not at whole minutes.
    SchemaError
        If a site of the weather is not given.

    Notes
    -----
    Instants are linear in time; a direction is that of the linear vector, while a speed stays linear as a speed,
    since the vector between two winds is shorter than either. Of instants at shorter steps those at the stamps
    are kept. A mean is constant in its native step, and averaged over each step that is made. Radiation follows the
    clear-sky irradiance :math:`C` with a clear-sky index :math:`k`, and becomes the mean of each step :math:`(a, b)`:

    .. math::
        \bar{G}_{a,b} = \frac{1}{b - a} \int_a^b k(t) \, C(t) \, dt

    with :math:`k = \bar{G} / \bar{C}` in each native step of means, which keeps its energy, and of instants
    :math:`k(t_i) = G_i / C(t_i)`, linear between the stamps. A step is available when the latest of the values is from
    which it is made. An hour that is missing between others stays missing.

    See Also
    --------
    energyforecast.physics.clear_sky : Clear-sky irradiance.
    de_accumulate : Means of steps from sums.

    Examples
    --------
    >>> from energyforecast.testing import example_weather
    >>> weather = example_weather()
    >>> weather["wind_speed_100m"][:, :, 1] = 9.0  # after 8 m/s at the beginning of the first run
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> at_steps(weather, "15min", sites=farm)["wind_speed_100m"].values[0, 0, :5].tolist()
    [8.0, 8.25, 8.5, 8.75, 9.0]
    """
    arguments.check_types(locals(), of=at_steps)
    places = {site.name: site for site in as_sites(sites)}
    of_weather = [str(name) for name in np.atleast_1d(weather.get("site", []))]
    _check_sites(of_weather, list(places))
    names = [str(name) for name in weather.data_vars]
    anchor = int(timestamps.duration(offset).value)
    steps = Steps(places[of_weather[0]], int(timestamps.duration(step).value), (anchor,))
    first = Conversion.of(weather, steps, names)
    by_site = [replace(first, site=places[name], suns={}) for name in of_weather]
    result = xr.Dataset({name: _brought(weather, name, by_site) for name in names}, attrs=weather.attrs)
    axis = "time" if weather_schema.is_analysis(weather) else "lead_time"
    target = first.grid.target.view("datetime64[ns]" if axis == "time" else "timedelta64[ns]")
    coords = {key: coord for key, coord in weather.coords.items() if axis not in coord.dims}
    arrived: Any = weather["available_time"]
    if axis in arrived.dims:
        arrived = arrived.transpose(..., axis)
        latest = first.latest(timestamps.to_ns(arrived.values)).view("datetime64[ns]")
        latest = np.maximum(latest, target) if axis == "time" else latest  # of a part that has not begun
        arrived = (tuple(map(str, arrived.dims)), latest)
    native, _, made = first.words.partition(" to ")
    attrs = {
        "native_steps": weather.attrs.get("native_steps", native),
        "interpolated": f"to {made}: {_METHOD}",
    }
    return weather_schema.check_weather(
        result.assign_coords({**coords, axis: target, "available_time": arrived}).assign_attrs(attrs)
    )


@dataclass(frozen=True)
class Steps:
    """Steps of a task at a site. [ns]

    Parameters
    ----------
    site : Site
    width : int
        Length.
    anchors : tuple of int
        Beginnings of steps, modulo the width: local days may begin at half past.
    """

    site: Site
    width: int
    anchors: tuple[int, ...]

    @classmethod
    def of_windows(cls, site: Site, begins: timestamps.Times, width: pd.Timedelta) -> Steps:
        """Steps of windows that begin at given times."""
        step = int(width.to_timedelta64().astype("timedelta64[ns]").view(np.int64))
        return cls(site, step, tuple(np.unique(timestamps.to_ns(begins).view(np.int64) % step).tolist()))


def conversion(weather: xr.Dataset, steps: Steps, names: Sequence[str]) -> Conversion | None:
    """Conversion of variables to the steps of a task; None where they have them already."""
    if not names or not steps.anchors:
        return None
    native, lengths, starts = _axes(weather, steps.width)
    begins = starts[:, None] + native[0] - np.array(steps.anchors)
    fits = (lengths == steps.width).all() and (begins % steps.width == 0).all()
    if fits and all(_is_mean(weather[name].attrs, name) for name in names if _is_light(name)):
        return None
    return Conversion.of(weather, steps, names)


def cell_methods_at_steps(name: str, given: str, converted: Conversion | None) -> str:
    """Cell method of a variable after a conversion: radiation becomes means."""
    return variables.MEAN if converted is not None and _is_light(name) else given


def integral_of(name: str) -> str:
    """Name of the means over the steps of a variable of instants."""
    return f"{name} (integrated)"


@dataclass(frozen=True)
class Conversion:
    """Conversion of the weather of runs at one site to other steps; an analysis is one run.

    Parameters
    ----------
    grid : StepGrid
    site : Site
    starts : array, shape (runs,)
        Initialisations; 0 for an analysis. [ns]
    means, light, instants : bool
        Whether there are means, instants of radiation and other instants.
    """

    grid: StepGrid
    site: Site
    starts: Ints
    means: bool
    light: bool
    instants: bool
    suns: dict[bytes, tuple[physics.SolarPosition, Ints]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, weather: xr.Dataset, steps: Steps, names: Sequence[str]) -> Conversion:
        """Conversion of variables of a dataset."""
        native, lengths, starts = _axes(weather, steps.width)
        if np.median(lengths) > _LONGEST:
            raise _apart(lengths, steps.width)
        lengths = np.minimum(lengths, lengths[lengths <= _LONGEST].max())
        kinds = [(_is_light(name), _is_mean(weather[name].attrs, name)) for name in names]
        means = any(mean for _, mean in kinds)
        last = int(native[-1]) + max(0, int(lengths[-1]) - steps.width if means else 0)
        anchors = np.unique((np.array(steps.anchors) - starts[:, None]) % steps.width).tolist()
        grid = StepGrid.of(native, lengths, width=steps.width, anchors=anchors, last=last)
        if not len(grid.target) or grid.atom < _SHORTEST:
            raise _apart(lengths, steps.width)
        return cls(grid, steps.site, starts, means, (True, False) in kinds, (False, False) in kinds)

    @property
    def words(self) -> str:
        """Native steps and those that are made, like "1h to 15min", or "1h to 1h from :30" of other beginnings."""
        native, made = _lengths(self.grid.lengths), _lengths([self.grid.width])
        begin = pd.Timestamp(int(self.starts[0] + self.grid.target[0])).minute
        if native == made and self.grid.exact.all():
            return f"{made}, with means of irradiance from its instants"
        return f"{native} to {made}" + (f" from :{begin:02d}" if native == made else "")

    def of_runs(self, chosen: slice | Ints) -> Conversion:
        """The same conversion for some of the runs."""
        return replace(self, starts=self.starts[chosen], suns={})

    def latest(self, arrived: timestamps.Times) -> Ints:
        """Latest arrival of the values from which each step is made; NaT where one never arrived. [ns]"""
        known, never = arrived.view(np.int64), np.iinfo(np.int64)
        whole = np.where(known == never.min, never.max, known)
        # Of instants within a step the mean over it is used, too.
        ahead = self.light or (self.instants and self.grid.spans_stamps)
        made = self.grid.latest(whole, instants=self.instants, means=self.means, light=ahead)
        return np.where(made == never.max, never.min, made)

    def bring(
        self, name: str, native: Floats, *, attrs: Mapping[Any, Any], speed: Floats | None = None
    ) -> Floats:
        """Values of a variable at the steps, from shape (runs[, members], stamps); a direction with its speed."""
        mean, grid = _is_mean(attrs, name), self.grid
        if _is_light(name):
            return grid.sunlit(native, lambda at: self._sky(at, name, native.ndim == 3), mean=mean)
        if mean:
            return grid.means(native)
        if _bare(name).startswith("wind_direction_"):
            return _turned(native, np.ones_like(native) if speed is None else speed, grid)
        return grid.instants(native)

    def integrated(self, weather: xr.Dataset, names: Sequence[str]) -> list[str]:
        """Variables of instants, several of which lie within a step, so that its mean is not that of both ends."""
        if not self.grid.spans_stamps:
            return []
        methods = {name: _is_mean(weather[name].attrs, name) for name in names}
        return [
            name
            for name, mean in methods.items()
            if not mean and not _is_light(name) and not _bare(name).startswith("wind_direction_")
        ]

    def _sky(self, at: Ints, name: str, members: bool) -> Floats:
        """Clear-sky irradiance of each run at stamps."""
        key = at.tobytes()
        if key not in self.suns:
            # Runs overlap: each moment once.
            moments, where = np.unique(self.starts[:, None] + at, return_inverse=True)
            position = physics.solar_position(
                moments.view("datetime64[ns]"), self.site.latitude, self.site.longitude
            )
            self.suns[key] = position, where.reshape(len(self.starts), len(at))
        position, where = self.suns[key]
        if _bare(name) == "top_net_solar":
            sky = position.dni_extra * np.maximum(0.0, np.cos(np.radians(position.zenith)))
        else:
            sky = getattr(physics.clear_sky(position, altitude=self.site.altitude or 0.0), _bare(name))
        values = np.asarray(sky)[where]
        return values[:, None] if members else values


def dark_at_night(weather: xr.Dataset, *, sites: Sequence[Site]) -> xr.Dataset:
    """Set mean radiation to 0 in steps during which the sun stays below the horizon."""
    lead = np.asarray(weather["lead_time"].values).astype("timedelta64[ns]")
    steps = np.append(np.diff(lead), lead[-1:] * 0 + _HOUR)
    within = np.linspace(0.0, 1.0, 1 + 2 * int(max(1, steps.max() // _HOUR)))
    offsets = (steps[:, None] / np.timedelta64(1, "ns") * within).astype("timedelta64[ns]")
    moments = timestamps.to_ns(weather["init_time"].values)[:, None, None] + lead[:, None] + offsets
    dark = np.stack(
        [
            physics.solar_position(moments, site.latitude, site.longitude).zenith.min(axis=-1) > _DARK
            for site in sites
        ]
    )
    night = xr.DataArray(dark, dims=("site", "init_time", "lead_time"))
    result = weather.copy()
    for name in ("ghi", "dhi", "dni"):
        if name in weather and weather[name].attrs.get("cell_methods") == variables.MEAN:
            values = weather[name]
            # More than rounding stays: it reveals wrong times.
            result[name] = values.where(~night | ~(values <= _ROUNDING), 0.0).transpose(*values.dims)
            result[name].attrs = values.attrs
    return result


def _brought(weather: xr.Dataset, name: str, by_site: Sequence[Conversion]) -> xr.DataArray:
    """Variable at the steps of conversions, one for each site."""
    analysis = weather_schema.is_analysis(weather)
    order = ("site", "time") if analysis else ("site", "init_time", "lead_time")
    dims = (*order[:-1], *(("member",) if "member" in weather[name].dims else ()), order[-1])
    runs = (slice(None), None) if analysis else (slice(None),)
    native = weather[name].transpose(*dims).values[runs]
    winds = speed_of(name)
    speed = weather[winds].transpose(*dims).values[runs] if winds in weather else [None] * len(native)
    made = np.stack(
        [
            one.bring(name, values, attrs=weather[name].attrs, speed=fast)
            for one, values, fast in zip(by_site, native, speed, strict=True)
        ]
    )
    result = xr.DataArray(made[:, 0] if analysis else made, dims=dims, attrs=weather[name].attrs)
    if _is_light(name):
        result.attrs["cell_methods"] = variables.MEAN
    return result.transpose(*weather[name].dims)


def speed_of(name: str) -> str:
    """Name of the speed that belongs to a direction of the wind; empty for another variable."""
    return name.replace("wind_direction_", "wind_speed_") if "wind_direction_" in name else ""


def _turned(direction: Floats, speed: Floats, grid: StepGrid) -> Floats:
    """Directions of the linear vector."""
    # Calm air has no direction; a thousandth keeps the one that is written.
    east, north = physics.wind_components(np.maximum(speed, 1e-3), direction)
    turned = physics.wind_from_components(grid.instants(east), grid.instants(north))[1]
    linear = grid.instants(direction)
    # At the stamps a direction is what it was.
    return np.asarray(np.where(grid.exact, linear, turned).astype(direction.dtype))


def _axes(weather: xr.Dataset, alone: int) -> tuple[Ints, Ints, Ints]:
    """Native stamps, lengths of their steps (of a single one as given), and initialisations; 0 of an analysis. [ns]"""
    analysis = weather_schema.is_analysis(weather)
    kind, axis = ("datetime64[ns]", "time") if analysis else ("timedelta64[ns]", "lead_time")
    stamps = np.asarray(weather[axis].values).astype(kind)
    native = stamps.view(np.int64)
    if len(native) == 1:
        lengths = np.array([alone], dtype=np.int64)
    else:
        lengths = Intervals.of(stamps, strict=False).after.astype("timedelta64[ns]").view(np.int64)
        lengths = np.append(np.minimum(lengths[:-1], np.diff(native)), lengths[-1])
    starts = (
        np.zeros(1, np.int64) if analysis else timestamps.to_ns(weather["init_time"].values).view(np.int64)
    )
    return native, lengths, starts


def _bare(name: str) -> str:
    return name.split(":", 1)[-1]


def _is_light(name: str) -> bool:
    """Whether a variable follows the sun."""
    return _bare(name) in _RADIATION


def _is_mean(attrs: Mapping[Any, Any], name: str) -> bool:
    """Whether a variable holds means, by its attribute or by the vocabulary."""
    if "cell_methods" in attrs:
        return bool(attrs["cell_methods"] == variables.MEAN)
    try:
        return variables.lookup(_bare(name)).cell_methods == variables.MEAN
    except SchemaError:
        return False


def _lengths(lengths: Sequence[int] | Ints) -> str:
    """Different lengths in words, like "1h, 3h"."""
    return ", ".join(short(pd.Timedelta(int(one), "ns")) for one in np.unique(lengths))


def _check_sites(of_weather: Sequence[str], given: Sequence[str]) -> None:
    for name in of_weather or [""]:
        if name not in given:
            raise SchemaError(
                f"The weather has {f'the site {name!r}, which was not given' if name else 'no site'}.",
                "The position of the sun differs by site, so each must be given.",
                "Give all sites of the weather: at_steps(weather, step, sites=[...]).",
            )


def _apart(lengths: Ints, width: int) -> TimeError:
    """Error of steps that cannot be brought together."""
    return TimeError(
        f"The weather comes in steps of {_lengths(lengths)}, and is asked for in steps of {_lengths([width])}.",
        "Steps can be brought together if those of the weather are 12h or less, and all begin at whole minutes.",
        "Give weather in shorter steps, or at full minutes; or choose the frequency of the task like the weather's.",
    )
