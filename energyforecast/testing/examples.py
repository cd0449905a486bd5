"""Small examples of weather, observations, forecasts and results for documentation and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy import stats

from energyforecast.core import timestamps, weather_schema
from energyforecast.core.arguments import checked
from energyforecast.core.forecast import Forecast
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.labels import Label
from energyforecast.core.observation_series import Observations
from energyforecast.core.planned_operation import PlannedOperation
from energyforecast.core.power_kinds import Kind
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.sites import Site, Sites, WindFarm, as_sites
from energyforecast.core.tasks import day_ahead
from energyforecast.errors import SchemaError
from energyforecast.evaluation import Result
from energyforecast.forecasting.forecaster import Forecaster
from energyforecast.models import Climatology
from energyforecast.planning.dispatch.inputs import DispatchInputs
from energyforecast.planning.dispatch.system import System
from energyforecast.point_in_time import gathering
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.planned import with_plan
from energyforecast.point_in_time.snapshot import Snapshot
from energyforecast.testing.model_contract import check_model
from energyforecast.testing.source_contract import check_source
from energyforecast.weather.sources.common.base import RunSource, finished
from energyforecast.weather.sources.common.publication_latency import PublicationLatency

__all__ = [
    "check_model",
    "check_source",
    "example_days",
    "example_dispatch",
    "example_forecast",
    "example_forecaster",
    "example_observations",
    "example_result",
    "example_snapshot",
    "example_source",
    "example_weather",
]


def _example_site() -> WindFarm:
    return WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60, hub_height=90)


#: Lagged observations of an example snapshot.
_PASTS: Final = (Past(timestamps.duration("0h")), Past(timestamps.duration("24h")))
_HOUR: Final = np.timedelta64(3_600_000_000_000, "ns")


def _runs(
    values: Mapping[str, npt.NDArray[Any]],
    init: timestamps.Times,
    lead: npt.NDArray[Any],
    sites: Sequence[str],
) -> xr.Dataset:
    """Runs that arrive 6 h after their initialisation."""
    dims = ("site", "init_time", "lead_time", "member")
    return xr.Dataset(
        {name: (dims[: array.ndim], array.astype(np.float32)) for name, array in values.items()},
        coords={
            "site": list(sites),
            "init_time": init,
            "lead_time": lead,
            "available_time": ("init_time", init + 6 * _HOUR),
        },
    )


def _power(sites: Sequence[str], start: pd.Timestamp, days: int) -> Observations:
    index = pd.date_range(start, periods=24 * days, freq="1h")
    daily = 11.0 + 0.5 * np.asarray(index.hour)
    return Observations(pd.DataFrame(dict.fromkeys(sites, daily), index=index), published_after="1h")


def example_weather() -> xr.Dataset:
    """Two weather runs of 0 and 12 UTC: 8 m/s in the first, 10 m/s in the second; each arrives after 6 h.

    See Also
    --------
    example_source, example_observations

    Examples
    --------
    >>> example_weather()["wind_speed_100m"].sel(site="farm").isel(lead_time=slice(3)).values.tolist()
    [[8.0, 8.0, 8.0], [10.0, 10.0, 10.0]]
    """
    init = np.array(["2024-01-01T00", "2024-01-01T12"], dtype="datetime64[ns]")
    lead = np.arange(49) * _HOUR
    speed = np.array([8.0, 10.0])[None, :, None] + np.zeros((1, 2, len(lead)))
    return weather_schema.check_weather(_runs({"wind_speed_100m": speed}, init, lead, ["farm"]))


class _Calm(RunSource):
    """Runs of 0 and 12 UTC that arrive after 4 h, with a wind speed of 2 m/s."""

    name, attribution = "calm", "none"
    variables, labels = ("wind_speed_100m",), {"wind_speed_100m": Label.INSTANT}
    latency, cycle = PublicationLatency(base="4h"), pd.Timedelta("12h")

    def leads(self, init_time: pd.Timestamp) -> npt.NDArray[np.timedelta64]:  # noqa: ARG002
        return np.arange(49) * _HOUR

    def get_run(self, sites: Sequence[Site], init_time: pd.Timestamp) -> xr.Dataset:
        speed = np.full((len(sites), 1, 49), 2.0)
        names = [site.name for site in sites]
        weather = _runs(
            {"wind_speed_100m": speed}, timestamps.to_ns([init_time]), self.leads(init_time), names
        )
        known = self.latency.available_time(weather["init_time"].values)
        return finished(weather.assign_coords(available_time=("init_time", known)), source=self, sites=sites)


def example_source() -> RunSource:
    """Source of forecasts without network: the wind speed is always 2 m/s.

    See Also
    --------
    check_source, example_weather

    Examples
    --------
    >>> farm = Site(name="farm", latitude=43.6, longitude=78.5)
    >>> run = example_source().get_run([farm], timestamps.instant("2024-06-01"))
    >>> dict(run.sizes), float(run["wind_speed_100m"].max())
    ({'site': 1, 'init_time': 1, 'lead_time': 49}, 2.0)
    """
    return _Calm()


@checked(hours=(1, 10_000))
def example_snapshot(
    weather: Mapping[str, float | Sequence[float]] | None = None,
    *,
    rising: float = 0.0,
    sites: Sites | None = None,
    start: Any = "2024-01-02 00:00",
    hours: int = 3,
    history: Sequence[Past] = _PASTS,
    planned: PlannedOperation | None = None,
) -> Snapshot:
    """Snapshot 15 h before a few hours, for examples and tests of features.

    Parameters
    ----------
    weather : mapping of float, optional
        Value of each variable at the first hour, several for the members of an ensemble; a wind speed
        of 8 m/s by default. The run is initialised 24 h before that hour and arrives 6 h later; it
        holds 4 h more on each side.
    rising : float
        Hourly increase of every variable.
    sites : Site or sequence of Site, optional
        The farm of :func:`example_observations` by default, with the clock of Almaty (UTC+6 in that
        winter). Every site has the power of that farm.
    start : str or moment
        First hour, in UTC.
    hours : int
        Number of hours.
    history : sequence of Past
        Lagged observations of the snapshot.
    planned : PlannedOperation, optional
        Planned operation of the sites.

    See Also
    --------
    check_feature

    Examples
    --------
    >>> now = example_snapshot({"wind_speed_100m": 8.0}, rising=0.5)
    >>> now["wind_speed_100m"].tolist()
    [[8.0, 8.5, 9.0]]
    >>> now.lag("24h").tolist()
    [[11.0, 11.5, 12.0]]
    """
    places = as_sites(replace(_example_site(), timezone="Asia/Almaty") if sites is None else sites)
    names = [site.name for site in places]
    first = timestamps.instant(start)
    begin = timestamps.to_ns([first])
    around = np.arange(-4, hours + 4)
    given = {"wind_speed_100m": 8.0} if weather is None else weather
    values = {}
    for name, value in given.items():
        members = rising * around.reshape(-1, *[1] * np.ndim(value)) + np.asarray(value)
        values[name] = np.repeat(members[None, None], len(names), axis=0)
    names_by_model = {"": tuple(values)}
    return gathering.take_snapshot(
        weather_schema.check_weather(_runs(values, begin - 24 * _HOUR, (24 + around) * _HOUR, names)),
        with_plan(_power(names, first.floor("D") - pd.Timedelta("10D"), 12), planned),
        sites=places,
        windows=Windows(
            issue_time=begin - 15 * _HOUR,
            valid_time=begin[:, None] + np.arange(hours) * _HOUR,
            inside=np.ones((1, hours), dtype=bool),
            frequency=timestamps.duration("1h"),
        ),
        names=names_by_model,
        required=names_by_model,
        margin=timestamps.duration("4h"),
        history=history,
    )


def example_observations(days: int = 2) -> Observations:
    """Hourly power of a farm with a daily cycle. [MW]

    See Also
    --------
    example_forecast

    Examples
    --------
    >>> example_observations().values["farm"].iloc[24:27].tolist()
    [11.0, 11.5, 12.0]
    """
    return _power(["farm"], timestamps.instant("2024-01-01"), days)


def example_forecast() -> Forecast:
    """One day of three quantiles for the farm of :func:`example_observations`, 1 MW too low.

    See Also
    --------
    example_result, example_days

    Examples
    --------
    >>> example_forecast().quantiles
    (0.1, 0.5, 0.9)
    """
    return _low_forecast(1.0, "example")


@checked(days=(1, 10_000), range_hours=(1e-6, 10_000), between=(0, 1), seed=(0, inf))
def example_days(
    *,
    days: int,
    sites: Sequence[str] = ("a", "b"),
    range_hours: float = 6.0,
    between: float = 0.5,
    seed: int = 0,
    kind: Kind = "site",
) -> tuple[Forecast, Observations]:
    r"""Calibrated day-ahead forecasts and outcomes with a known correlation of errors.

    .. math:: y \sim N(50, 10^2), \qquad \operatorname{corr}(y_{i,t}, y_{j,s}) = e^{-|t - s| / r} \, c^{[i \ne j]}

    in MW, for sites :math:`i, j` and hours :math:`t, s` of a day.

    Parameters
    ----------
    days : int
        Number of days.
    sites : sequence of str
        Names of the sites.
    range_hours : float
        Range :math:`r` of the correlation. [h]
    between : float
        Correlation :math:`c` between sites.
    seed : int
        Of the outcomes.
    kind : str
        Kind of all sites.

    See Also
    --------
    example_forecast, energyforecast.planning.sample_scenarios

    Examples
    --------
    >>> forecast, observations = example_days(days=3)
    >>> forecast
    Forecast of a, b: 3 issues, 72 hours from 2024-01-02 00:00 UTC, 99 quantiles from 0.01 to 0.99 [MW]
    >>> observations
    Observations of a, b: 72 x 1h from 2024-01-02 00:00 UTC, 0 missing, 0 flagged, published after 1h
    """
    if not len(sites):
        raise SchemaError("No site is given.", "There must be at least one.", "Name it, e.g. ('a',).")
    task = day_ahead("09:00", timezone="UTC")
    windows = task.windows(
        task.issue_times("2024-01-02", timestamps.instant("2024-01-02") + pd.Timedelta(days, "D"))
    )
    lag = np.abs(np.subtract.outer(np.arange(24), np.arange(24)))
    between_sites = np.where(np.eye(len(sites), dtype=bool), 1.0, between)
    root = np.linalg.cholesky(np.kron(between_sites, np.exp(-lag / range_hours)))
    noise = np.random.default_rng(seed).standard_normal((len(windows.issue_time), len(root))) @ root.T
    outcomes = 50.0 + 10.0 * noise.reshape(-1, len(sites), 24).transpose(0, 2, 1).reshape(-1, len(sites))
    hours = timestamps.to_index(windows.valid_time[windows.inside])
    curve = 50.0 + 10.0 * stats.norm.ppf(task.quantiles)
    forecast = Forecast.from_rows(
        dict.fromkeys(
            sites, SiteRows(np.tile(curve, (len(hours), 1)), kind=kind, weather_init_time=windows.issue_time)
        ),
        windows=windows,
        quantile_levels=task.quantiles,
        attrs={"model": "known", "perfect_weather": 0, "timezone": "UTC"},
    )
    return forecast, Observations(pd.DataFrame(outcomes, hours, list(sites)), published_after="1h")


def example_dispatch(*, demand: Sequence[float] = (100.0, 200.0)) -> tuple[System, DispatchInputs]:
    """A system with one coal unit of 300 MW at 20 currency/MWh, and the demand of some hours. [MW]

    Output above the schedule of the unit costs 30 currency/MWh more, output below it saves all of its cost. A battery
    takes or gives 50 MW and stores 100 MWh.

    See Also
    --------
    energyforecast.planning.plan_deterministic, energyforecast.planning.evaluate_plan

    Examples
    --------
    >>> system, inputs = example_dispatch()
    >>> system, inputs.demand["South"].tolist()
    (System of South: coal, battery, [100.0, 200.0])
    """
    system = System.from_dict(
        {
            "areas": ["South"],
            "units": {"coal": {"area": "South", "capacity": 300, "cost": 20, "premium_up": 30}},
            "batteries": {"battery": {"area": "South", "power": 50, "energy": 100}},
        }
    )
    hours = pd.date_range("2024-01-02", periods=len(demand), freq="1h", tz="UTC")
    return system, DispatchInputs(demand=pd.DataFrame({"South": list(demand)}, index=hours))


def example_result() -> Result:
    """Two forecasts of the same day: ``"model"`` is 1 MW too low, ``"reference"`` 2 MW.

    See Also
    --------
    example_forecast

    Examples
    --------
    >>> example_result()
    Result of model, reference: 1 issues, 0 fits
    """
    return Result(
        forecasts={"model": _low_forecast(1.0, "model"), "reference": _low_forecast(2.0, "reference")},
        observations=example_observations(),
        folds=pd.DataFrame(),
        provenance={"references": ["reference"]},
    )


def _low_forecast(by: float, model: str) -> Forecast:
    task = day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    windows = task.windows(task.issue_times("2024-01-02", "2024-01-02"))
    median: npt.NDArray[Any] = 11.0 - by + 0.5 * np.arange(24)
    rows = np.column_stack([median - 4, median, median + 4])
    run = windows.issue_time - np.timedelta64(9, "h")
    return Forecast.from_rows(
        {"farm": SiteRows(rows, capacity=60.0, kind="wind", weather_init_time=run)},
        windows=windows,
        quantile_levels=task.quantiles,
        attrs={"model": model, "perfect_weather": 0, "timezone": "UTC"},
    )


def example_forecaster() -> Forecaster:
    """Fitted climatology of the farm of :func:`example_observations`.

    See Also
    --------
    example_forecast, example_weather

    Examples
    --------
    >>> example_forecaster()
    Forecaster(farm, Climatology, fitted on 30 origins)
    """
    observations = example_observations(days=30)
    init = timestamps.to_ns(observations.index[::24])
    speed = np.full((1, len(init), 73), 8.0)
    weather = _runs({"wind_speed_100m": speed}, init, np.arange(73) * _HOUR, ["farm"])
    task = day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))
    return Forecaster(_example_site(), task, model=Climatology()).fit(weather, observations)
