"""Forecasts: cubes of quantiles with their provenance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import arguments, forecast_files, quantile_cube, timestamps
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.observation_series import Observations
from energyforecast.core.power_kinds import Kind, check_kind, kinds_of
from energyforecast.core.quantile_cube import SiteRows
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.core.table_format import TableFormat, format_of
from energyforecast.core.tasks import Task
from energyforecast.core.wording import intervals
from energyforecast.errors import RangeError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["By", "Forecast"]

Array = npt.NDArray[Any]
#: Periods of a peak or an energy.
By = Literal["day", "month", "window"]


@dataclass(frozen=True, eq=False, repr=False)
class Forecast:
    """Quantile forecasts of one or several sites, issued once or many times.

    Parameters
    ----------
    data : DataArray
        Dimensions ``(site, issue_time, lead_time, quantile)`` [MW]. Coordinates: ``valid_time(issue_time, lead_time)``;
        ``capacity(site)`` [MW], NaN if unknown; ``available_capacity(site, issue_time, lead_time)`` [MW] where given;
        ``kind(site)`` (:data:`energyforecast.core.power_kinds.KINDS`); ``fallback_level(site, issue_time)``;
        ``weather_init_time(site, issue_time)``, NaT for analyses. Cells outside an issue's window are NaN.

    Raises
    ------
    SchemaError, RangeError
        If quantiles cross, leave the bounds of the site, or are missing inside a window.

    See Also
    --------
    energyforecast.Forecaster, energyforecast.Scenarios, energyforecast.evaluation.score

    Examples
    --------
    >>> from energyforecast.testing import example_forecast
    >>> forecast = example_forecast()
    >>> forecast
    Forecast of farm: 1 issue, 24 hours from 2024-01-02 00:00 UTC, 3 quantiles from 0.1 to 0.9 [MW]
    >>> forecast.to_frame()[["valid_time", "q0.5"]].head(2)
                     valid_time  q0.5
    0 2024-01-02 00:00:00+00:00  10.0
    1 2024-01-02 01:00:00+00:00  10.5
    """

    data: xr.DataArray

    def __post_init__(self) -> None:
        quantile_cube.check(self.data)

    @classmethod
    def from_rows(
        cls,
        sites: Mapping[str, SiteRows],
        *,
        windows: Windows,
        quantile_levels: Sequence[float],
        attrs: Mapping[str, Any],
        allocate: Callable[[tuple[int, ...]], Array] | None = None,
    ) -> Forecast:
        """Build the cube from rows of quantiles, a row for each cell inside the windows.

        Parameters
        ----------
        sites : mapping of SiteRows
            Rows of quantiles, capacity, kind, fallback levels and weather runs, by site.
        windows : Windows
            Hours that the forecasts cover.
        quantile_levels : sequence of float
        attrs : mapping
            Provenance.
        allocate : callable, optional
            Makes the array of a shape, for one that does not lie in memory.

        See Also
        --------
        SiteRows, from_frame
        """
        return cls(quantile_cube.build(sites, windows, quantile_levels, attrs=attrs, allocate=allocate))

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        columns: Mapping[str, float] | str | None = None,
        task: Task | None = None,
        unit: Literal["W", "kW", "MW", "GW"] | None = None,
        capacity: Mapping[str, float | None] | None = None,
        kind: Kind | Mapping[str, Kind] | None = None,
        name: str = "forecast",
        format: TableFormat | None = None,
    ) -> Forecast:
        """Forecast of a vendor or an operator, point or quantile, with its issue times.

        Parameters
        ----------
        frame : DataFrame
            Columns ``valid_time`` (beginnings of intervals), the forecasts, ``issue_time`` (rounded up to whole
            minutes) unless a task gives it, ``site`` unless it is one alone, and ``available_capacity``. Rows without a
            forecast are left out and counted.
        columns : mapping of float, str or None
            Quantile level by column; the column of a point forecast, which is then the level 0.5 alone; by default
            the columns named like ``q0.1``, as :meth:`to_frame` names them.
        task : Task, optional
            Where the frame has no ``issue_time``: each hour belongs to the one issue that covers it.
        unit : {"W", "kW", "MW", "GW"}
            MW by default, or that of the format.
        capacity : mapping of float, optional
            By site; bounds that the forecast keeps. [MW]
        kind : str or mapping of str, optional
            Of all sites, or by site: one of :data:`energyforecast.core.power_kinds.KINDS`. By default that of the
            column ``kind``, as :meth:`to_frame` writes it, else ``"site"``, unknown.
        name : str
            Name of the model or vendor.
        format : TableFormat, optional
            `timezone`: clock of stamps without offset, by default that of the task, or UTC; the order of the stamps
            resolves the hours of a clock change. `frequency`: length of an interval, by default that of the task, or
            the most frequent step. `time_format`: form of stamps that are text, by default ISO 8601. `unit`.

        Raises
        ------
        SchemaError, TimeError
            If a column is absent, a kind is unknown, a time cannot be read or is doubled, or an hour belongs to
            no issue or to several.

        Examples
        --------
        >>> from energyforecast.core.tasks import day_ahead
        >>> hours = pd.date_range("2024-01-01 23:00", periods=24, freq="1h", tz="UTC")
        >>> frame = pd.DataFrame({"valid_time": hours, "load": 6000.0})
        >>> task = day_ahead("10:00", timezone="Europe/Vienna")
        >>> Forecast.from_frame(frame, columns="load", task=task).issue_times[0]
        Timestamp('2024-01-01 09:00:00+0000', tz='UTC')
        """
        from energyforecast.forecasting import external

        form = format_of(format, unit=unit)
        return external.read_frame(
            frame, form, columns=columns, task=task, capacity=capacity, kind=kind, name=name
        )

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(str(name) for name in self.data["site"].values)

    @property
    def kinds(self) -> dict[str, Kind]:
        """Kind of power by site: one of :data:`energyforecast.core.power_kinds.KINDS`.

        See Also
        --------
        with_kind

        Examples
        --------
        >>> from energyforecast.testing import example_forecast
        >>> example_forecast().kinds
        {'farm': 'wind'}
        """
        return {
            name: check_kind(str(kind), of=name)
            for name, kind in zip(self.sites, self.data["kind"].values, strict=True)
        }

    def with_kind(self, kind: Kind | Mapping[str, Kind]) -> Forecast:
        """The same forecast of sites of another kind.

        Parameters
        ----------
        kind : str or mapping of str
            Of all sites, or of some by name: one of :data:`energyforecast.core.power_kinds.KINDS`.

        Raises
        ------
        SchemaError
            If the kind, or a site of the mapping, is unknown.

        See Also
        --------
        kinds

        Examples
        --------
        >>> from energyforecast.testing import example_forecast
        >>> example_forecast().with_kind("demand").kinds
        {'farm': 'demand'}
        """
        return Forecast(self.data.assign_coords(kind=("site", kinds_of(self.sites, kind, usual=self.kinds))))

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Levels."""
        return tuple(float(level) for level in self.data["quantile"].values)

    @property
    def issue_times(self) -> pd.DatetimeIndex:
        """Issue times, in UTC."""
        return timestamps.to_index(self.data["issue_time"].values)

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Cells that belong to a window, shape (issue_time, lead_time)."""
        return np.asarray(~np.isnat(self.data["valid_time"].values))

    @property
    def perfect_weather(self) -> bool:
        """Whether the weather was an analysis, so that scores are not forecast skill."""
        return bool(self.data.attrs.get("perfect_weather", 0))

    def at(self, level: float) -> xr.DataArray:
        """One quantile, interpolated between levels where it is not among them.

        Raises
        ------
        RangeError
            If the level lies outside those of the forecast.

        Examples
        --------
        >>> from energyforecast.testing import example_forecast
        >>> float(example_forecast().at(0.5)[0, 0, 0])
        10.0
        """
        arguments.check_types(locals(), of=Forecast.at)
        levels = np.asarray(self.quantiles)
        if not levels[0] <= level <= levels[-1]:
            raise RangeError(
                f"The quantile {level} is asked for.",
                f"The forecast holds levels from {levels[0]} to {levels[-1]}.",
                "Forecast with more levels: day_ahead(..., quantiles=...).",
            )
        return self.data.isel(quantile=0, drop=True).copy(data=self._distribution.at(level))

    @property
    def mean(self) -> xr.DataArray:
        """Mean of the distribution: quantiles joined by straight lines, flat outside the outer ones.

        Examples
        --------
        >>> from energyforecast.testing import example_forecast
        >>> example_forecast().mean.values[0, 0, :3].round(6).tolist()
        [10.0, 10.5, 11.0]
        """
        return self.data.isel(quantile=0, drop=True).copy(data=self._distribution.mean)

    @property
    def _distribution(self) -> QuantileFunction:
        """Of each cell."""
        return QuantileFunction(self.data.values, self.quantiles)

    def sel(self, *, site: str | None = None, issue_time: Any = None) -> Forecast:
        """The forecasts of one site, or of one issue (its time in UTC unless it has an offset).

        Raises
        ------
        MissingDataError
            If the site or issue is absent.

        Examples
        --------
        >>> from energyforecast.testing import example_forecast
        >>> example_forecast().sel(site="farm", issue_time="2024-01-01 09:00")
        Forecast of farm: 1 issue, 24 hours from 2024-01-02 00:00 UTC, 3 quantiles from 0.1 to 0.9 [MW]
        """
        arguments.check_types(locals(), of=Forecast.sel)
        data = self.data
        if site is not None:
            quantile_cube.check_held(site, self.sites, "site")
            data = data.sel(site=[site])
        if issue_time is not None:
            wanted = timestamps.instant(issue_time)
            quantile_cube.check_held(wanted, list(self.issue_times), "issue time")
            data = data.sel(issue_time=[timestamps.to_ns([wanted])[0]])
            data = data.isel(lead_time=np.flatnonzero(~np.isnat(data["valid_time"].values[0])))
        return Forecast(data)

    def to_frame(self) -> pd.DataFrame:
        """A row for each site, issue and interval, a column for each quantile (``q0.5``). [MW]

        Examples
        --------
        >>> from energyforecast.testing import example_forecast
        >>> example_forecast().to_frame()[["lead_hours", "q0.1", "q0.5", "q0.9"]].head(2)
           lead_hours  q0.1  q0.5  q0.9
        0        15.0   6.0  10.0  14.0
        1        16.0   6.5  10.5  14.5
        """
        return forecast_files.rows_of(self.data, self.kinds, self.quantiles)

    @property
    def caveats(self) -> tuple[str, ...]:
        """Caveats to show with the forecast."""
        return tuple(line for line in str(self.data.attrs.get("caveats", "")).split("; ") if line)

    def write_csv(self, path: str | Path) -> Path:
        """Write :meth:`to_frame` as CSV, with the caveats as its last column.

        An older file is replaced when the new one is complete, and kept if it cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from energyforecast.testing import example_forecast
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     example_forecast().write_csv(folder + "/farm.csv").read_text().splitlines()[1]
        'farm,wind,2024-01-01T09:00Z,2024-01-02T00:00Z,15.0000,0,2024-01-01T00:00Z,6.0000,10.0000,14.0000'
        """
        return forecast_files.write_csv(self.to_frame(), Path(path), caveats=self.caveats)

    def save(self, path: str | Path) -> Path:
        """Write as NetCDF; :meth:`load` reads it back. An older file is replaced as by :meth:`write_csv`."""
        return forecast_files.write_netcdf(self.data, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Forecast:
        """Read a forecast from a file of :meth:`save`.

        Raises
        ------
        FileFormatError
            If the file cannot be read, or holds no forecast.

        Examples
        --------
        >>> import tempfile
        >>> from energyforecast.testing import example_forecast
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Forecast.load(example_forecast().save(folder + "/farm.nc"))
        Forecast of farm: 1 issue, 24 hours from 2024-01-02 00:00 UTC, 3 quantiles from 0.1 to 0.9 [MW]
        """
        return cls(forecast_files.read_netcdf(path))

    def plot(
        self, observed: Observations | None = None, *, site: str | None = None, timezone: str = "UTC"
    ) -> Figure:
        """Fan chart of one issue; see :func:`energyforecast.reporting.figures.fan_chart`."""
        from energyforecast.reporting import figures

        return figures.fan_chart(self, observed, site=site, timezone=timezone)

    def peak(
        self,
        *,
        by: Literal["day", "month", "window"] = "day",
        groups: Mapping[str, Sequence[str]] | None = None,
        dependence: Any = None,
    ) -> pd.DataFrame:
        """Distribution of the highest power of each day, and its time; see :func:`energyforecast.planning.peak`."""
        from energyforecast.planning import period_values

        return period_values.peak(self, by=by, groups=groups, dependence=dependence)

    def energy(
        self,
        *,
        by: Literal["day", "month", "window"] = "day",
        groups: Mapping[str, Sequence[str]] | None = None,
        dependence: Any = None,
    ) -> pd.DataFrame:
        """Distribution of the energy of each day; see :func:`energyforecast.planning.energy`."""
        from energyforecast.planning import period_values

        return period_values.energy(self, by=by, groups=groups, dependence=dependence)

    def __repr__(self) -> str:
        issues = self.data.sizes["issue_time"]
        first = timestamps.to_index([self.data["valid_time"].values[self.inside].min()])[0]
        length = intervals(int(self.inside.sum()), self.data.attrs.get("frequency", "1h"))
        caveat = ", perfect weather" if self.perfect_weather else ""
        caveat += ", cold start" if any(line.startswith("cold start") for line in self.caveats) else ""
        return (
            f"Forecast of {', '.join(self.sites)}: {issues} issue{'s' if issues > 1 else ''}, "
            f"{length} from {first:%Y-%m-%d %H:%M} UTC, {len(self.quantiles)} quantiles from {self.quantiles[0]:g} "
            f"to {self.quantiles[-1]:g} [MW]{caveat}"
        )
