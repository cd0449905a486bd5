"""Demand beyond the weather's horizon: a month and more ahead, over temperatures that may come."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import sklearn.base
import xarray as xr

from energyforecast.core import plausibility, timestamps, weather_schema
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import DemandArea
from energyforecast.core.tasks import Task
from energyforecast.core.version import __version__
from energyforecast.core.windows import Windows
from energyforecast.errors import MissingDataError, SchemaError
from energyforecast.features import DayOfYear, DayType, FeatureSet, LocalHour, Temperature
from energyforecast.models import DemandResponse
from energyforecast.point_in_time import gathering
from energyforecast.weather import known_by, temperature_scenarios

__all__ = ["ScenarioForecaster", "rank_stations"]

Array = npt.NDArray[Any]

_FEATURES: Final = FeatureSet((LocalHour(), DayType(), DayOfYear(), Temperature()))
#: Days that tell one station from another. [d]
_LEAST_DAYS: Final = 60


@dataclass(frozen=True, kw_only=True)
class ScenarioForecaster:
    """Demand of an area for hours that no weather forecast reaches.

    Parameters
    ----------
    area : DemandArea
    task : Task
        When forecasts are issued and what they cover, e.g. :func:`energyforecast.month_ahead`.
    stations : int
        Where the temperature is given at stations and not at the area, so many are averaged: those that
        tell the area's demand best.
    shift_days, step_days, memory_days : int
        As in :func:`energyforecast.weather.temperature_scenarios`. [d]
    model : DemandResponse
        Response of demand to temperature and calendar; a copy is fitted at each issue.

    Notes
    -----
    At each issue the response is learnt from the demand that was published and the temperatures that
    were known; its answers to all scenarios of temperature, with the errors of unseen days around each,
    are pooled into quantiles. A fit at every issue also brings the level up to date.

    Examples
    --------
    >>> import energyforecast as ef
    >>> synthetic = ef.datasets.almaty(start="2023-06-01", hours=12_500, models=("ecmwf",))
    >>> area = synthetic.sites[0]
    >>> measured = synthetic.truth[["temp_air"]].set_axis([area.name], axis=1)
    >>> temperature = ef.weather.measured_temperature(measured, published_after="1h")
    >>> task = ef.month_ahead(timezone="Asia/Almaty", quantiles=(0.1, 0.5, 0.9))
    >>> forecaster = ef.ScenarioForecaster(area=area, task=task, model=ef.models.DemandResponse(n_estimators=5))
    >>> forecaster.predict(temperature, synthetic.observations, issue_time="2024-11-01")
    Forecast of Almaty (synthetic): 1 issue, 720 hours from 2024-10-31 19:00 UTC, 3 quantiles from 0.1 to 0.9 [MW]
    """

    area: DemandArea
    task: Task
    stations: int = 8
    shift_days: int = 24
    step_days: int = 4
    memory_days: int = 8
    model: DemandResponse = field(default_factory=DemandResponse)

    def predict(self, temperature: xr.Dataset, observations: Observations, *, issue_time: Any) -> Forecast:
        """Forecast from data known at the issue; the response is fitted anew for each.

        Parameters
        ----------
        temperature : Dataset
            Measured ``temp_air`` [°C], dimensions ``(site, time)``, with ``available_time``: of the area
            by its name, or of stations. It may begin long before the demand: its years are the scenarios.
        observations : Observations
            Demand of the area. [MW]
        issue_time : str, moment or sequence of moments
            Strings are read in the task's zone.

        Returns
        -------
        Forecast

        Raises
        ------
        MissingDataError
            If less than 90 days of demand, or about a year of temperature, was known.
        SchemaError, TimeError, UnitsError, RangeError
            If the data is not what it must be.
        """
        weather_schema.check_weather(temperature, label="temperature")
        self._check(temperature)
        plausibility.check_observations(observations.values, sites=[self.area], unfit=observations.unfit)
        windows = self.task.windows(_moments(issue_time, self.task.timezone))
        rows, begun = [], []
        for k in range(len(windows.issue_time)):
            alone = _origin(windows, k)
            run, quantiles = self._predict(temperature, observations, alone)
            begun.append(run["init_time"].values[0])
            rows.append(quantiles)
        name = self.area.name
        return Forecast.from_rows(
            {name: np.concatenate(rows)},
            windows=windows,
            levels=self.task.quantiles,
            capacity={name: None},
            kind={name: self.area.kind},
            fallback_level={name: np.zeros(len(begun), dtype=int)},
            weather_init_time={name: timestamps.to_ns(np.array(begun))},
            attrs=self._provenance(),
        )

    def _check(self, temperature: xr.Dataset) -> None:
        if not weather_schema.is_analysis(temperature) or "temp_air" not in temperature:
            raise SchemaError(
                f"The temperature has the dimensions {tuple(map(str, temperature.dims))} and the variables "
                f"{list(map(str, temperature.data_vars))}.",
                "Scenarios are drawn from measured temperature: temp_air on (site, time).",
                "Give an analysis; a weather forecast belongs into ef.Forecaster.",
            )

    def _predict(
        self, temperature: xr.Dataset, observations: Observations, window: Windows
    ) -> tuple[Any, Array]:
        issue = timestamps.to_index(window.issue_time)[0]
        known = self._of_the_area(known_by(temperature[["temp_air"]], issue), observations, issue)
        model = sklearn.base.clone(self.model).fit(*self._past(known, observations, issue))
        valid = window.valid_time[window.inside]
        reach = (valid[-1] - window.issue_time[0]) / np.timedelta64(1, "h") + 3
        run = temperature_scenarios(
            known,
            site=self.area.name,
            issue_time=issue,
            hours=float(reach),
            before=Temperature().reach + 24,
            shift_days=self.shift_days,
            step_days=self.step_days,
            memory_days=self.memory_days,
        )
        X = self._columns(run, window, members=True)
        return run, model.quantiles(X, members=run.sizes["member"], levels=self.task.quantiles)

    def _of_the_area(self, known: xr.Dataset, observations: Observations, issue: pd.Timestamp) -> xr.Dataset:
        """Temperature of the area, or the mean of the stations that tell its demand best."""
        if self.area.name in known["site"].values:
            return known.sel(site=[self.area.name])
        best = rank_stations(known, observations, site=self.area.name, as_of=issue)[: self.stations]
        mean = known.sel(site=list(best)).mean("site", skipna=True).expand_dims(site=[self.area.name])
        return mean.transpose("site", "time")

    def _past(
        self, known: xr.Dataset, observations: Observations, issue: pd.Timestamp
    ) -> tuple[pd.DataFrame, Array]:
        """Columns and demand of every hour with published demand."""
        index = observations.index
        valid = timestamps.to_ns(index[index < issue])
        demand = observations.value_at(self.area.name, valid, as_of=issue)
        span = np.flatnonzero(np.isfinite(demand))
        if not span.size:
            raise MissingDataError(
                f"No demand of {self.area.name!r} was published by {issue}.",
                "A response is learnt from the past.",
                "Give a longer history, or a later issue_time.",
            )
        chosen = slice(span[0], span[-1] + 1)
        window = Windows(
            issue_time=timestamps.to_ns([issue]),
            valid_time=valid[chosen][None, :],
            inside=np.ones((1, span[-1] + 1 - span[0]), dtype=bool),
            frequency=self.task.frequency,
        )
        return self._columns(known, window), demand[chosen]

    def _columns(self, weather: xr.Dataset, window: Windows, *, members: bool = False) -> pd.DataFrame:
        """Features of every step inside the window; with `members`, of each scenario in turn."""
        features, needs = _FEATURES.resolve(weather)
        now = gathering.take_snapshot(
            weather,
            None,
            sites=[self.area],
            windows=window,
            names=needs.names,
            required=needs.names,
            margin=needs.margin,
        )
        now = now.by_member() if members else now
        columns = features.compute(now)
        return pd.DataFrame({name: values[now.windows.inside] for name, values in columns.items()})

    def _provenance(self) -> dict[str, Any]:
        return {
            "model": "ScenarioForecaster",
            "perfect_weather": 0,
            "timezone": self.task.timezone,
            "energyforecast": __version__,
            "lightgbm": version("lightgbm"),
        }


def _moments(issue_time: Any, timezone: str) -> pd.DatetimeIndex:
    several = [issue_time] if isinstance(issue_time, str) or np.ndim(issue_time) == 0 else list(issue_time)
    return timestamps.to_index([timestamps.instant(moment, timezone=timezone) for moment in several])


def _origin(windows: Windows, k: int) -> Windows:
    """One origin, without the steps outside its window."""
    inside = windows.inside[k]
    return Windows(
        issue_time=windows.issue_time[k : k + 1],
        valid_time=windows.valid_time[k][inside][None, :],
        inside=np.ones((1, int(inside.sum())), dtype=bool),
        frequency=windows.frequency,
    )


def rank_stations(
    temperature: xr.Dataset, observations: Observations, *, site: str, as_of: Any = None
) -> tuple[str, ...]:
    """Rank stations by how well their temperature explains an area's demand, the best first.

    Parameters
    ----------
    temperature : Dataset
        ``temp_air`` [°C] of stations, dimensions ``(site, time)``.
    observations : Observations
        Demand of the area. [MW]
    site : str
        Name of the area.
    as_of : str or moment, optional
        Only what was known by then is used; by default all that is given.

    Returns
    -------
    tuple of str

    Raises
    ------
    MissingDataError
        If fewer than 60 days have both demand and temperature.

    Notes
    -----
    Each station's daily mean temperature, as a spline, explains the logarithm of daily demand beside
    weekday, season and trend; the order is that of the median absolute residual.

    References
    ----------
    Choosing stations by the fit of a demand model: Hong, Wang and White (2015),
    https://doi.org/10.1016/j.ijforecast.2014.07.001.

    Examples
    --------
    >>> days = pd.date_range("2023-01-01", "2023-12-31 23:00", freq="1h", tz="UTC")
    >>> warm = 10 + 10 * np.sin(np.arange(len(days)) / 200)
    >>> other = 10 + 10 * np.sin(np.arange(len(days)) / 300)
    >>> demand = Observations(pd.DataFrame({"city": 200 - 5 * warm}, index=days), published_after="1h")
    >>> stations = xr.Dataset(
    ...     {"temp_air": (("site", "time"), np.stack([other, warm]))},
    ...     coords={"site": ["far", "near"], "time": timestamps.to_ns(days)},
    ... ).assign_coords(available_time=("time", timestamps.to_ns(days)))
    >>> rank_stations(stations, demand, site="city")
    ('near', 'far')
    """
    known = temperature if as_of is None else known_by(temperature, as_of)
    moment = None if as_of is None else timestamps.instant(as_of)
    demand = observations.value_at(site, observations.index, as_of=moment)
    daily = pd.Series(np.where(demand > 0, demand, np.nan), index=observations.index).resample("1D").mean()
    names = [str(name) for name in known["site"].values]
    frame = known["temp_air"].transpose("time", "site").to_pandas().set_axis(names, axis=1)
    warmth = (
        frame.set_axis(timestamps.to_index(frame.index), axis=0).resample("1D").mean().reindex(daily.index)
    )
    misfit = {name: _misfit(daily, warmth[name]) for name in names}
    return tuple(sorted(names, key=lambda name: misfit[name]))


def _misfit(demand: pd.Series[Any], warmth: pd.Series[Any]) -> float:
    """Median absolute residual of the logarithm of daily demand."""
    from sklearn.preprocessing import SplineTransformer

    both = (demand.notna() & warmth.notna()).to_numpy()
    if both.sum() < _LEAST_DAYS:
        raise MissingDataError(
            f"{int(both.sum())} days have both demand and the temperature of station {warmth.name!r}.",
            f"Stations are told apart on {_LEAST_DAYS} days or more.",
            "Give a longer history, or leave the station out.",
        )
    days = pd.DatetimeIndex(demand.index[both])
    spline = SplineTransformer(8, knots="quantile", extrapolation="linear", include_bias=False)
    season = 2 * np.pi * np.asarray(days.day_of_year)[:, None] / 365.25 * np.arange(1, 4)
    design = np.hstack(
        [
            np.ones((len(days), 1)),
            np.arange(len(days))[:, None] / len(days),
            (np.asarray(days.day_of_week)[:, None] == np.arange(1, 7)).astype(float),
            np.cos(season),
            np.sin(season),
            spline.fit_transform(warmth.to_numpy()[both][:, None]),
        ]
    )
    target = np.log(demand.to_numpy()[both])
    fitted = np.linalg.lstsq(design, target, rcond=None)[0]
    return float(np.median(np.abs(target - design @ fitted)))
