"""Light that PV modules lose to snow and dirt, from the weather of all runs before, by pvlib's models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast import physics
from energyforecast.core import arguments, timestamps, variables, weather_schema
from energyforecast.core.pv_plant import PVPlant
from energyforecast.core.sites import Sites, as_sites
from energyforecast.errors import MissingDataError, SchemaError, TimeError
from energyforecast.physics.transposition import plane_of_system

__all__ = ["LOSSES", "memory_of", "module_losses", "with_losses"]

Floats = npt.NDArray[np.float64]
#: Variables that are added.
LOSSES: Final = ("snow_loss", "soiling_loss")
#: Time before a run of which the weather is remembered: the longest winter, or drought, that matters.
_MEMORY: Final = np.timedelta64(120, "D")
#: Air temperature up to which precipitation is snow. [°C]
_SNOW: Final = 1.0
#: Depth of new snow from a millimetre of water. [cm]
_DEPTH: Final = 1.0
#: Strings of cells along the slope of a module that lies across: one that is partly covered gives no power.
_STRINGS: Final = 3
_NEEDED: Final = ("ghi", "temp_air", "precipitation")


def module_losses(weather: xr.Dataset, plants: Sites) -> xr.Dataset:
    r"""Add the shares of light that PV modules lose to snow and dirt, ``snow_loss`` and ``soiling_loss``.

    .. math::
        n = \sum_i w_i \, \frac{\lceil 3 c_i \rceil}{3}, \qquad
        c_i(t) = \begin{cases} 1 & \text{snowfall} > 1 \, \mathrm{cm \, h^{-1}} \\
            \max(c_i(t - \Delta t) - 0.197 \sin\beta_i \, \Delta t,\, 0) & T > -G_i / 80 \\
            c_i(t - \Delta t) & \text{else} \end{cases}

    with the covered share :math:`c_i` of an array of tilt :math:`\beta_i` and irradiance :math:`G_i`, the air
    temperature :math:`T` and the weight :math:`w_i` of its power. Precipitation up to 1 °C is snow, of 1 cm for 1 mm of
    water. Dirt takes ``soiling_rate`` of light a day, until rain of 6 mm in 24 hours cleans the modules for 14 days.

    Parameters
    ----------
    weather : Dataset
        Archive of runs, or an analysis, with ``ghi``, ``temp_air`` and ``precipitation``; with ``snow_depth``, modules
        are free where less than 1 cm lies.
    plants : Site or sequence of Site
        All PV plants with ``snow`` or a ``soiling_rate``.

    Returns
    -------
    Dataset
        With both variables; 0 for sites that ask for neither, NaN where the weather is missing.

    Raises
    ------
    MissingDataError
        If a variable is missing.
    SchemaError
        If the weather is an ensemble, or no site is a plant with ``snow`` or a ``soiling_rate``.
    TimeError
        If steps are of different lengths: bring them to one by :func:`energyforecast.weather.at_steps`.

    Notes
    -----
    The state at the beginning of a run follows from earlier runs that had arrived when it arrived, at each hour the
    newest, over 120 days. Modules are clean and free of snow at the beginning of the archive, and keep their state
    over gaps. The result depends on the weather alone, so that each run may be used from its own arrival on.

    See Also
    --------
    energyforecast.PVPlant, energyforecast.features.PVChainPower, at_steps

    References
    ----------
    Snow: Marion et al. (2013), https://doi.org/10.1016/j.solener.2013.07.029; dirt: Kimber et al. (2006),
    https://doi.org/10.1109/WCPEC.2006.279690; both with pvlib's constants. Snow or rain: Jennings et al. (2018),
    https://doi.org/10.1038/s41467-018-03629-7.

    Examples
    --------
    >>> from energyforecast.testing import example_weather
    >>> roof = PVPlant(name="farm", latitude=60.0, longitude=11.0, surface_tilt=30.0, snow=True)
    >>> calm = 0 * example_weather()["wind_speed_100m"]
    >>> weather = example_weather().assign(ghi=calm, temp_air=calm - 5, precipitation=calm.copy())
    >>> weather["precipitation"][0, 0, 2] = 4.0  # 4 cm of snow in the third hour of the first run
    >>> module_losses(weather, roof)["snow_loss"].values[0, 0, :5].tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0]
    """
    arguments.check_types(locals(), of=module_losses)
    told = _losing(plants)
    weather_schema.check_structure(weather)
    _check(weather, told)
    runs = _Runs.of(weather)
    found = {name: np.zeros((weather.sizes["site"], *runs.shape)) for name in LOSSES}
    for row, site in enumerate(map(str, weather["site"].values)):
        for plant in told:
            if plant.name == site:
                losses = _Losses(plant, weather.isel(site=row), runs)
                for name, values in zip(LOSSES, losses.compute(), strict=True):
                    found[name][row] = values
    dims = ("site", "time") if weather_schema.is_analysis(weather) else ("site", "init_time", "lead_time")
    shape = tuple(weather.sizes[name] for name in dims)
    return weather.assign(
        {name: (dims, values.reshape(shape).astype(np.float32)) for name, values in found.items()}
    )


def with_losses(weather: weather_schema.Weather, sites: Sites) -> weather_schema.Weather:
    """Weather with the losses of its plants that have snow or a ``soiling_rate``, unless it holds them."""
    told = _losing(sites)

    def completed(one: xr.Dataset) -> xr.Dataset:
        return one if not told or set(LOSSES) <= set(one.data_vars) else module_losses(one, told)

    if isinstance(weather, xr.Dataset):
        return completed(weather)
    models: Any = weather
    return {name: completed(one) for name, one in models.items()} if isinstance(models, Mapping) else weather


def memory_of(sites: Sites) -> pd.Timedelta:
    """Time before a run of which the weather changes the losses of plants; 0 without snow and soiling."""
    return pd.Timedelta(_MEMORY) if _losing(sites) else pd.Timedelta(0)


def _losing(sites: Sites) -> list[PVPlant]:
    """Plants with snow or a ``soiling_rate``."""
    return [one for one in as_sites(sites) if isinstance(one, PVPlant) and (one.snow or one.soiling_rate)]


def _check(weather: xr.Dataset, told: list[PVPlant]) -> None:
    """Refuse ensembles, plants without snow or soiling, and weather without the variables."""
    names = [plant.name for plant in told if plant.name in weather["site"].values]
    if "member" in weather.dims or not names:
        raise SchemaError(
            f"The weather has {weather.sizes.get('member', 'no')} members; plants with snow or soiling_rate: {names}.",
            "Losses are those of one weather, for at least one PVPlant with snow=True or a soiling_rate.",
            'Take the mean over members, weather.mean("member"), and set snow=True.',
        )
    missing = [name for name in _NEEDED if name not in weather]
    if missing:
        raise MissingDataError(
            f"The weather has {sorted(map(str, weather.data_vars))}, and no {missing[0]}.",
            f"Snow and dirt need {', '.join(_NEEDED)}.",
            "Add it, or leave snow and soiling_rate of the plant out.",
        )


@dataclass(frozen=True, kw_only=True)
class _Runs:
    """Times of the runs on one grid of even steps; an analysis is one run."""

    first: timestamps.Times  # of each run
    arrived: timestamps.Times
    start: npt.NDArray[np.int64]  # place of each run on the grid
    leads: int
    step: np.timedelta64

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.first), self.leads

    @property
    def valid_time(self) -> timestamps.Times:
        return self.first[:, None] + np.arange(self.leads) * self.step

    @classmethod
    def of(cls, weather: xr.Dataset) -> _Runs:
        arrived = weather["available_time"]
        if weather_schema.is_analysis(weather):
            valid = timestamps.to_ns(weather["time"].values)[None, :]
            known = timestamps.to_ns(arrived.values)[:1]
        else:
            lead = weather["lead_time"].values.astype("timedelta64[ns]")
            valid = timestamps.to_ns(weather["init_time"].values)[:, None] + lead
            last = [name for name in arrived.dims if name != "init_time"]
            known = timestamps.to_ns(arrived.max(last).values)
        steps = np.unique(np.diff(valid, axis=1))
        step = steps[0] if len(steps) else np.timedelta64(3_600_000_000_000, "ns")
        apart = valid[:, 0] - valid[:, 0].min()
        if len(steps) > 1 or (apart % step != np.timedelta64(0)).any() or valid.shape[1] < 3:
            raise TimeError(
                f"The weather has {valid.shape[1]} steps of {', '.join(str(pd.Timedelta(one)) for one in steps)}.",
                "There must be three or more, and all with the beginnings of runs on one grid.",
                'Bring it to one: ef.weather.at_steps(weather, "1h", sites=plants).',
            )
        return cls(
            first=valid[:, 0], arrived=known, start=apart // step, leads=valid.shape[1], step=step
        )  # fmt: skip


@dataclass(frozen=True)
class _Losses:
    """Losses of one plant, run by run, each after the weather that was known before."""

    plant: PVPlant
    weather: xr.Dataset
    runs: _Runs
    tables: dict[str, Floats] = field(default_factory=dict)

    def compute(self) -> tuple[Floats, Floats]:
        """Shares lost to snow and to dirt, by run and lead."""
        light, water = self._light(), self._values("precipitation")
        cold = self._values("temp_air") <= _SNOW
        hours = self.runs.step / np.timedelta64(1, "h")
        given = [self._values("temp_air"), water * hours * cold * _DEPTH, water * hours * ~cold, *light]
        if "snow_depth" in self.weather:
            given.append(100.0 * self._values("snow_depth"))
        snow, dirt = (np.zeros(self.runs.shape) for _ in LOSSES)
        for run, table in _remembered(np.stack(given), self.runs):
            if self.plant.snow:
                snow[run] = self._snow(table)
            if self.plant.soiling_rate:
                dirt[run] = self._dirt(table)
        unknown = np.isnan(np.stack(given[:3] + light[::2])).any(axis=0)
        return np.where(unknown, np.nan, snow), np.where(unknown, np.nan, dirt)

    def _values(self, name: str) -> Floats:
        values = self.weather[name]
        dims = [one for one in ("init_time", "lead_time", "time") if one in values.dims]
        return np.asarray(values.transpose(*dims).values, dtype=float).reshape(self.runs.shape)

    def _light(self) -> list[Floats]:
        """Irradiance and tilt of each array in turn."""
        method = self.weather["ghi"].attrs.get("cell_methods", variables.lookup("ghi").cell_methods)
        later = np.timedelta64(0) if method == variables.POINT else self.runs.step // 2
        sun = physics.solar_position(self.runs.valid_time + later, self.plant.latitude, self.plant.longitude)
        known = {name: self._values(name) for name in ("dni", "dhi") if name in self.weather}
        sky = physics.complete_irradiance(self._values("ghi"), sun, **known)
        found: list[Floats] = []
        for part in self.plant.parts:
            system = part.system(sun)
            tilt = np.broadcast_to(np.asarray(system.surface_tilt, dtype=float), self.runs.shape)
            found += [plane_of_system(sky, sun, system=system).poa_global, tilt]
        return found

    def _snow(self, table: pd.DataFrame) -> Floats:
        """Share lost to snow at the last steps of a table."""
        from pvlib import snow

        parts = self.plant.parts
        depth = table.get(3 + 2 * len(parts))
        falls = (table[1] > self.runs.step / np.timedelta64(1, "h")).to_numpy()  # 1 cm/h
        falls = falls if depth is None else falls & (depth >= 1.0).to_numpy()
        if not falls.any():
            return np.zeros(self.runs.leads)
        # Modules were covered whole at the last snowfall before the run: nothing earlier matters.
        before = np.flatnonzero(falls[: -self.runs.leads])
        table = table.iloc[before[-1] if len(before) else len(table) - self.runs.leads :]
        # Two dry hours ahead, with a gap: pvlib would ask pandas for the frequency by a call that will change.
        ahead = table.iloc[[0, 0]].set_axis(table.index[0] - self.runs.step * np.array([3, 1]))
        ahead[1] = 0.0
        table = pd.concat([ahead, table])
        lost, rated = [], np.array([part.dc_ac_ratio * (part.capacity or 1.0) for part in parts])
        for k in range(len(parts)):
            light, tilt = table[3 + 2 * k], table[4 + 2 * k].ffill().bfill()
            snow_depth = None if depth is None else table[3 + 2 * len(parts)]
            covered = snow.coverage_nrel(table[1], light, table[0], tilt, snow_depth=snow_depth)
            lost.append(np.asarray(snow.dc_loss_nrel(covered, _STRINGS))[-self.runs.leads :])
        power = np.stack([table[3 + 2 * k].to_numpy()[-self.runs.leads :] for k in range(len(parts))])
        weight = rated[:, None] * np.where(power.sum(axis=0) > 1.0, power, 1.0)
        return np.asarray((weight * np.stack(lost)).sum(axis=0) / weight.sum(axis=0))

    def _dirt(self, table: pd.DataFrame) -> Floats:
        """Share lost to dirt at the last steps of a table."""
        from pvlib import soiling

        lost = soiling.kimber(table[2], soiling_loss_rate=self.plant.soiling_rate)
        return np.asarray(lost.to_numpy()[-self.runs.leads :], dtype=float)


def _remembered(given: Floats, runs: _Runs) -> Iterator[tuple[int, pd.DataFrame]]:
    """Each run after the newest weather that was known when it arrived, with a column for each variable."""
    length = int(runs.start.max()) + runs.leads
    known = np.full((len(given), length), np.nan)
    newest = np.full(length, -1)
    memory = int(_MEMORY // runs.step)
    waiting: list[int] = []
    for run in np.argsort(runs.start, kind="stable").tolist():
        place = int(runs.start[run])
        for earlier in [one for one in waiting if runs.arrived[one] <= runs.arrived[run]]:
            waiting.remove(earlier)
            where = slice(int(runs.start[earlier]), int(runs.start[earlier]) + runs.leads)
            better = (newest[where] < runs.start[earlier]) & np.isfinite(given[:, earlier]).all(axis=0)
            known[:, where] = np.where(better, given[:, earlier], known[:, where])
            newest[where] = np.where(better, runs.start[earlier], newest[where])
        waiting.append(run)
        before = max(0, place - memory)
        values = np.concatenate([known[:, before:place], given[:, run]], axis=1)
        index = pd.date_range(
            runs.first[run] - (place - before) * runs.step,
            periods=values.shape[1],
            freq=pd.Timedelta(runs.step),
        )
        yield run, pd.DataFrame(values.T, index=index)
