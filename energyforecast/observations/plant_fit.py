"""Orientation, effective capacity and clipping of a PV plant, estimated from its power."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast import physics
from energyforecast.core import observation_frames, timestamps
from energyforecast.core.arguments import as_numbers, checked
from energyforecast.core.observation_series import Observations
from energyforecast.core.site_facts import Source
from energyforecast.core.sites import PVPlant
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.observations.power_driver import driver_at

__all__ = ["ESTIMATED", "PlantFit", "fit_plant"]

Floats = npt.NDArray[np.float64]
Orientation = tuple[float, float]

#: Beginning of the source of a field that was estimated.
ESTIMATED: Final = "estimated from power"
#: Level of the power under a clear sky among all powers at the same place of the sun; with weather, the median.
_ENVELOPE: Final = 0.9
#: Lowest sun that counts, and lowest power of modules: hills hide it, and clear skies are uncertain. [degree; 1]
_LOWEST_SUN: Final = 5.0
_LOWEST_POWER: Final = 0.02
#: Days with light, and rows, that a fit needs and at most uses.
_MIN_DAYS: Final = 14
_MAX_ROWS: Final = 5000
#: Modules of an inverter that never limits them, for powers in proportion to their light.
_UNLIMITED: Final = 0.8
#: Air that cools the cells where it is not known, since hot cells flatten the noon. [°C, m s⁻¹]
_USUAL_AIR: Final = {"temp_air": 15.0, "wind_speed": 2.0}
#: Scales that are compared, relative to the best of an orientation.
_SCALES: Final = np.array([0.85, 0.92, 0.96, 1.0, 1.04, 1.09, 1.17])
#: Draws of the bootstrap of days, and the interval that is given.
_DRAWS: Final = 200
_INTERVAL: Final = (0.05, 0.95)
#: Shifts of the clock that are compared. [min]
_SHIFTS: Final = (-60, -30, 0, 30, 60)
#: Errors of tilt and azimuth that days drawn anew do not show: of the grid's steps and of the models of sky and cells,
#: and where all days are of one season, in which haze, heat and clouds look like another orientation. [degree]
_STEP: Final = (6.0, 5.0)
_ONE_SEASON: Final = (15.0, 20.0)
#: Range of the noon sun over a year, beyond the tropics. [degree]
_WHOLE_YEAR: Final = 46.9


@dataclass(frozen=True, eq=False)
class PlantFit:
    """A PV plant as its power shows it, with the certainty of each fact.

    Parameters
    ----------
    plant : PVPlant
        The plant with the estimated orientation and rated power of its modules.
    ranges : mapping of (float, float)
        Central 90 % intervals of ``surface_tilt`` and ``surface_azimuth`` [degree], ``dc_capacity`` [MW] and
        ``clock`` [min], from days drawn anew. An azimuth may lie beyond 360, or below 0.
    clipping : float or None
        Level at which the power is cut; None if it is not. [MW]
    days : int
        Days with light and power that were used.

    See Also
    --------
    fit_plant

    Examples
    --------
    >>> plant = PVPlant(
    ...     name="roof", latitude=60, longitude=11, capacity=0.1, surface_tilt=22, surface_azimuth=95, dc_capacity=0.12
    ... )
    >>> ranges = {"surface_tilt": (18, 27), "surface_azimuth": (80, 110), "dc_capacity": (0.11, 0.13), "clock": (0, 0)}
    >>> print(PlantFit(plant, ranges, clipping=None, days=120))
    roof: surface_tilt 22° (18 to 27), surface_azimuth 95° (80 to 110), dc_capacity 0.12 MW (0.11 to 0.13), not clipped,
    from 120 days
    """

    plant: PVPlant
    ranges: Mapping[str, tuple[float, float]]
    clipping: float | None
    days: int

    def __str__(self) -> str:
        units = {"surface_tilt": "°", "surface_azimuth": "°", "dc_capacity": " MW"}
        facts = [
            f"{name} {getattr(self.plant, name):.3g}{unit} ({low:.3g} to {high:.3g})"
            for name, unit in units.items()
            for low, high in [self.ranges[name]]
        ]
        cut = "not clipped" if self.clipping is None else f"clipped at {self.clipping:.3g} MW"
        low, high = self.ranges["clock"]
        clock = f"; its clock is {low:+.0f} to {high:+.0f} min late" if low > 0 or high < 0 else ""
        return f"{self.plant.name}: {', '.join(facts)}, {cut}, from {self.days} days{clock}"


@dataclass(frozen=True)
class _Sample:
    """Powers as a share of the largest, in order of time, and the weather of their intervals."""

    power: Floats
    time: npt.NDArray[np.datetime64]
    ghi: Floats | None
    first: npt.NDArray[np.intp]
    limit: float
    unit: float
    site: PVPlant

    @property
    def level(self) -> float:
        """Level of the quantile that the plant's power is."""
        return _ENVELOPE if self.ghi is None else 0.5

    def unseen_errors(self) -> tuple[float, float]:
        """Errors of tilt and azimuth that days drawn anew do not show; 0 where declared. [degree]"""
        sun = physics.solar_position(self.time, self.site.latitude, self.site.longitude)
        noon = np.minimum.reduceat(sun.zenith, self.first)
        missing = max(0.0, 1.0 - float(np.ptp(noon)) / _WHOLE_YEAR)
        tilt, azimuth = (step + season * missing for step, season in zip(_STEP, _ONE_SEASON, strict=True))
        told = self.site.surface_tilt is not None, self.site.surface_azimuth is not None
        return 0.0 if told[0] else tilt, 0.0 if told[1] else azimuth

    def modules(self, orientations: list[Orientation], *, shift: float = 0.0) -> Iterator[Floats]:
        """Power of modules of each orientation, as a share of their rated power, with a clock that is late."""
        late = np.timedelta64(round(shift * 60), "s").astype("timedelta64[ns]")
        sun = physics.solar_position(self.time - late, self.site.latitude, self.site.longitude)
        sky = physics.clear_sky(sun, altitude=self.site.altitude or 0.0)
        sky = sky if self.ghi is None else physics.decompose(self.ghi, sun)
        for tilt, azimuth in orientations:
            system = physics.PVSystem(
                surface_tilt=tilt, surface_azimuth=azimuth % 360.0, dc_ac_ratio=_UNLIMITED
            )
            yield np.nan_to_num(physics.pv_power(sky, sun, system=system, **_USUAL_AIR)) / _UNLIMITED

    def losses(self, modules: Floats) -> tuple[Floats, Floats]:
        """Pinball loss of each day for several scales of the modules, shape (days, scales), and the scales."""
        free = (modules > _LOWEST_POWER) & (self.power < 0.97 * self.limit)
        if not free.any():
            free = modules > 0
        ratio = self.power[free] / np.maximum(modules[free], 1e-9)
        scale = _SCALES * max(_weighted_quantile(ratio, self.level, modules[free]), _LOWEST_POWER)
        error = self.power[:, None] - np.minimum(scale * modules[:, None], self.limit)
        loss = np.maximum(self.level * error, (self.level - 1.0) * error)
        return np.add.reduceat(loss, self.first, axis=0), scale


@checked()
def fit_plant(
    power: Observations | pd.Series, site: PVPlant, *, weather: xr.Dataset | pd.Series | None = None
) -> PlantFit:
    r"""Estimate orientation, effective capacity and clipping of a PV plant from its power.

    Parameters
    ----------
    power : Observations or Series
        Measured power, at the beginnings of its intervals in UTC; flagged values are left out. [MW]
    site : PVPlant
        Its place. A tilt or azimuth that it declares is kept; trackers and plants of several arrays are refused.
    weather : Dataset or Series, optional
        Global irradiance, measured or forecast: a dataset with ``ghi`` at the site, or a series. Where it is given, the
        power is compared with that of this light in place of a clear sky's. [W m⁻²]

    Returns
    -------
    PlantFit
        Its ``plant`` can be forecast; its fields have the :class:`Source` "estimated from power".

    Raises
    ------
    MissingDataError
        If there are fewer than 14 days with light and power: snow and standstills show no orientation.
    SchemaError
        If the plant is no fixed plane of modules, or not among the observations.

    See Also
    --------
    check_clock : A late clock moves the noon of all seasons, another azimuth that of summer most.
    energyforecast.PVPlant.clear_sky_power

    Notes
    -----
    With the power :math:`p_i(\beta, \gamma)` of modules of tilt :math:`\beta` and azimuth :math:`\gamma` under a clear
    sky and the level :math:`c` of clipping, a grid search finds

    .. math::
        \min_{\beta, \gamma, s} \sum_i \rho_{0.9}\bigl(y_i - \min(s \, p_i(\beta, \gamma), c)\bigr),

    a 90 % quantile :math:`s p` of the power at each place of the sun, which a clear sky gives; with weather, the median
    about the power of its light. Intervals are from the same search with days drawn anew, once with the clock as it is
    and once with one that may be up to an hour wrong. They are wider by 6° of tilt and 5° of azimuth for the steps of
    the grid and the models of the sky, and by up to 15° and 20° where all days are of one season, in which haze, heat
    and afternoon clouds look like another orientation. The azimuth of modules that may be flat is unknown. Snow in
    winter flattens the plant.

    References
    ----------
    - Killinger, Lingfors, Saint-Drenan et al. (2018), On the search for representative characteristics of PV systems,
      Solar Energy 173, 1087-1106, doi:10.1016/j.solener.2018.08.051
    - Saint-Drenan, Bofinger, Fritz, Vogt, Good and Dobschinski (2015), An empirical approach to parameterizing
      photovoltaic plants for power forecasting and simulation, Solar Energy 120, doi:10.1016/j.solener.2015.07.024

    Examples
    --------
    >>> place = {"latitude": 63.4, "longitude": 10.4, "capacity": 1.0}
    >>> roof = PVPlant(name="roof", surface_tilt=25, surface_azimuth=135, **place)
    >>> hours = pd.date_range("2024-03-01", "2024-05-31 23:00", freq="1h", tz="UTC")
    >>> middle = (hours + pd.Timedelta("30min")).tz_localize(None).to_numpy()
    >>> sun = physics.solar_position(middle, roof.latitude, roof.longitude)
    >>> clouds = np.random.default_rng(0).uniform(0.2, 1.0, 92).repeat(24)
    >>> power = pd.Series(clouds * roof.clear_sky_power(sun), hours)
    >>> found = fit_plant(power, PVPlant(name="roof", **place)).plant
    >>> abs(found.surface_tilt - 25) < 5, abs(found.surface_azimuth - 135) < 10
    (True, True)
    """
    if site.arrays or site.mounting != "fixed":
        raise SchemaError(
            f"Site {site.name!r} has {len(site.arrays)} arrays and mounting {site.mounting!r}.",
            "One plane of fixed modules is estimated.",
            "Leave arrays and mounting out to find the one plane that is most alike.",
        )
    sample = _sample(power, site, weather)
    draws = _drawn_days(len(sample.first))
    coarse = _orientations(site)
    found = [sample.losses(modules) for modules in sample.modules(coarse)]
    near = _around(coarse[_best(found, draws[:1])[0][0]], site)
    fine = [sample.losses(modules) for modules in sample.modules(near)]
    k, j = _best(fine, draws[:1])[0]
    tilt, azimuth, size = *near[k], float(fine[k][1][j])
    drawn = _best(found, draws[1:])
    turned, late = _with_clocks(sample, near[k], site, draws[1:])
    turns = np.r_[[_turn(coarse[k][1], azimuth) for k, _ in drawn], turned]
    tilts = np.array([coarse[k][0] for k, _ in drawn])
    wider = sample.unseen_errors()
    ranges = {
        "surface_tilt": tuple(np.clip(_interval(tilts, tilt, wider=wider[0]), 0.0, 90.0).tolist()),
        "surface_azimuth": _interval(azimuth + turns, azimuth, wider=wider[1]),
        "dc_capacity": _interval(np.array([found[k][1][j] for k, j in drawn]), size, unit=sample.unit),
        "clock": _interval(late, float(np.median(late))),
    }
    if ranges["surface_tilt"][0] <= 0.0 and site.surface_azimuth is None:
        ranges["surface_azimuth"] = (azimuth - 180.0, azimuth + 180.0)
    return _result(sample, (tilt, azimuth % 360.0, size), ranges)


def _result(
    sample: _Sample, found: tuple[float, float, float], ranges: Mapping[str, tuple[float, float]]
) -> PlantFit:
    """The plant with the fields that were not declared, and their sources."""
    site, unit, (tilt, azimuth, size) = sample.site, sample.unit, found
    cut = None if np.isinf(sample.limit) else sample.limit * unit
    largest = float(sample.power.max()) * unit
    values = {"surface_tilt": tilt, "surface_azimuth": azimuth, "dc_capacity": size * unit}
    values |= {"capacity": largest if cut is None else cut}
    new: dict[str, Any] = {
        name: round(value, 6) for name, value in values.items() if getattr(site, name) is None
    }
    days = pd.DatetimeIndex(sample.time[[0, -1]])
    text = f"{ESTIMATED}, {days[0]:%Y-%m-%d} to {days[1]:%Y-%m-%d}"
    sources = dict(site.sources) | {name: Source(text, "derived") for name in new}
    return PlantFit(replace(site, **new, sources=sources), ranges, cut, len(sample.first))


def _sample(
    power: Observations | pd.Series, site: PVPlant, weather: xr.Dataset | pd.Series | None
) -> _Sample:
    """Powers with a sun above the horizon; every second or third where there are many."""
    series = _measured(power, site)
    step = observation_frames.check_frame(series.to_frame(site.name), label="power")
    middle = series.index + step / 2
    time = timestamps.to_ns(middle)
    values = series.to_numpy(dtype=float)
    sun = physics.solar_position(time, site.latitude, site.longitude)
    known = np.isfinite(values) & (90.0 - sun.zenith > _LOWEST_SUN)
    ghi = None if weather is None else np.clip(driver_at(middle, weather, site=site)[0], 0.0, None)
    known &= True if ghi is None else np.isfinite(ghi)
    # A day ends at the midnight of the sun. One without any power is of snow or a standstill.
    dates = np.floor(time.astype("int64") / 8.64e13 + site.longitude / 360.0)
    known &= np.isin(dates, dates[known & (values > _LOWEST_POWER * (site.capacity or 0.0))])
    rows = np.flatnonzero(known)
    rows = rows[:: -(-len(rows) // _MAX_ROWS) or 1]
    first = np.flatnonzero(np.diff(dates[rows], prepend=-np.inf))
    if len(first) < _MIN_DAYS:
        raise MissingDataError(
            f"The power of {site.name!r} has {len(first)} days with light on which it was above "
            f"{100 * _LOWEST_POWER:.0f} % of capacity.",
            f"An orientation is estimated from {_MIN_DAYS} such days or more.",
            "Give a longer past, or surface_tilt and surface_azimuth of the plant.",
        )
    unit = site.capacity or float(np.nanmax(values[rows]))
    return _Sample(
        power=np.maximum(values[rows], 0.0) / unit,
        time=time[rows],
        ghi=None if ghi is None else ghi[rows],
        first=first,
        limit=_clipping(values[rows] / unit),
        unit=unit,
        site=site,
    )


def _measured(power: Observations | pd.Series, site: PVPlant) -> pd.Series:
    """Power of a site, without flagged values."""
    if isinstance(power, pd.Series):
        return pd.Series(as_numbers("power", power), index=power.index)
    if site.name not in power.sites:
        raise SchemaError(
            f"The observations hold {list(power.sites)}, not {site.name!r}.",
            "They must hold the site.",
            "Rename the column, or give its series.",
        )
    return power.values[site.name].mask(power.unfit[site.name])


def _clipping(power: Floats) -> float:
    """Level at which powers are cut, where they crowd below their largest; infinite if they do not."""
    top = float(np.quantile(power, 0.998))
    crowded, below = (power > 0.98 * top).sum(), ((power > 0.94 * top) & (power <= 0.98 * top)).sum()
    return top if crowded >= max(20, 2 * below) else np.inf


def _orientations(site: PVPlant) -> list[Orientation]:
    """Grid of tilts and azimuths, as dense for flat modules as for steep ones, which do not face the pole."""
    azimuths = np.arange(0.0, 360.0, 10.0) if site.surface_azimuth is None else [site.surface_azimuth]
    tilts = np.arange(0.0, 91.0, 5.0) if site.surface_tilt is None else [site.surface_tilt]
    equator = 180.0 if site.latitude >= 0 else 0.0
    free = abs(site.latitude) <= 25.0 or site.surface_azimuth is not None
    grid = []
    for tilt in map(float, tilts):
        stride = max(1, round(30.0 / max(tilt, 1.0)))  # nearly flat modules are alike
        chosen = azimuths[::stride] if tilt or site.surface_azimuth is not None else [equator]
        reach = 180.0 if tilt <= 30.0 or free else 100.0
        grid += [(tilt, float(azimuth)) for azimuth in chosen if abs(_turn(azimuth, equator)) <= reach]
    return grid


def _around(best: Orientation, site: PVPlant) -> list[Orientation]:
    """Fine grid around an orientation, of the angles that the site leaves open."""
    tilts = best[0] + (np.arange(-5.0, 6.0) if site.surface_tilt is None else np.zeros(1))
    reach = 180.0 if best[0] < 2.0 else 12.0 if best[0] >= 20.0 else 30.0
    turns = np.linspace(-reach, reach, 13) if site.surface_azimuth is None else np.zeros(1)
    return [(float(tilt), best[1] + float(turn)) for tilt in tilts if 0 <= tilt <= 90 for turn in turns]


def _drawn_days(days: int) -> Floats:
    """How often each day counts: once in the first row, as drawn in blocks of three days in the others."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(days, size=(_DRAWS, -(-days // 3)))
    drawn = ((blocks[..., None] + np.arange(3)) % days).reshape(_DRAWS, -1)[:, :days]
    counts = np.stack([np.bincount(row, minlength=days) for row in drawn])
    return np.vstack([np.ones(days), counts]).astype(np.float64)


def _best(found: list[tuple[Floats, Floats]], draws: Floats) -> list[tuple[int, int]]:
    """Orientation and scale of least loss in each draw."""
    # einsum sums in a fixed order, which BLAS does not.
    totals = np.stack([np.einsum("bd,ds->bs", draws, losses) for losses, _ in found], axis=1)
    places = totals.reshape(len(draws), -1).argmin(axis=1)
    return [divmod(int(place), len(_SCALES)) for place in places]


def _with_clocks(sample: _Sample, best: Orientation, site: PVPlant, draws: Floats) -> tuple[Floats, Floats]:
    """Turn of the azimuth [degree] and lateness of the clock [min] that fit each draw best together."""
    tilts = best[0] + (np.array([-10.0, 0.0, 10.0]) if site.surface_tilt is None else np.zeros(1))
    turns = np.arange(-45.0, 46.0, 15.0) if site.surface_azimuth is None else np.zeros(1)
    near = [(float(tilt), float(turn)) for tilt in tilts if 0 <= tilt <= 90 for turn in turns]
    found = [
        sample.losses(modules)
        for shift in _SHIFTS
        for modules in sample.modules([(tilt, best[1] + turn) for tilt, turn in near], shift=shift)
    ]
    pairs = [(turn, shift) for shift in _SHIFTS for _, turn in near]
    turns, shifts = np.array([pairs[k] for k, _ in _best(found, draws)]).T
    return turns, shifts


def _turn(azimuth: float, reference: float) -> float:
    """Difference of two azimuths, -180 to 180. [degree]"""
    return (azimuth - reference + 180.0) % 360.0 - 180.0


def _interval(drawn: Floats, value: float, *, wider: float = 0.0, unit: float = 1.0) -> tuple[float, float]:
    """Interval of the draws that holds the value, wider by the steps of a grid."""
    low, high = np.quantile(drawn, _INTERVAL)
    return unit * (min(float(low), value) - wider), unit * (max(float(high), value) + wider)


def _weighted_quantile(values: Floats, level: float, weight: Floats) -> float:
    """Value below which a share of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    return float(values[order[np.searchsorted(reached, level * reached[-1])]])
