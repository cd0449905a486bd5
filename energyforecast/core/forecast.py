"""The result of forecasting: a cube of quantiles that knows how it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from energyforecast.core import timestamps
from energyforecast.core.files import whole_file
from energyforecast.core.kinds import Kind, check_kind, kinds_of
from energyforecast.core.quantiles import QuantileFunction
from energyforecast.core.tasks import Task
from energyforecast.core.windows import Windows
from energyforecast.errors import FileFormatError, MissingDataError, RangeError, SchemaError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from energyforecast.core.observation_series import Observations
    from energyforecast.core.table_format import TableFormat

__all__ = ["Forecast"]

Array = npt.NDArray[Any]


_DIMS = ("site", "issue_time", "lead_time", "quantile")
_BLOCK = 256
_SECONDS = {"units": "seconds since 1970-01-01", "dtype": "float64", "_FillValue": np.nan}


@dataclass(frozen=True, eq=False, repr=False)
class Forecast:
    """Quantile forecasts of one or several sites, issued once or many times.

    Parameters
    ----------
    data : DataArray
        Dimensions ``(site, issue_time, lead_time, quantile)`` [MW]. Coordinates: ``valid_time(issue_time,
        lead_time)``; ``capacity(site)`` [MW], NaN where there is none; ``kind(site)``, one of
        :data:`energyforecast.core.kinds.KINDS`; ``fallback_level(site, issue_time)``;
        ``weather_init_time(site, issue_time)``, NaT for analyses. ``lead_time`` is the union over
        issues, since local days have 23 to 25 hours: cells outside an issue's window are NaN.

    Raises
    ------
    SchemaError, RangeError
        If quantiles cross, leave the bounds of the site, or are missing inside a window.

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
        if self.data.dims != _DIMS:
            raise SchemaError(
                f"A forecast has the dimensions {self.data.dims}.",
                f"They are {_DIMS}.",
                "Transpose or expand the array.",
            )
        lacking = [
            name
            for name in ("valid_time", "capacity", "kind", "fallback_level")
            if name not in self.data.coords
        ]
        if lacking:
            raise SchemaError(
                f"A forecast has no coordinate {lacking[0]!r}.",
                "It has valid_time(issue_time, lead_time), capacity(site), kind(site) and "
                "fallback_level(site, issue_time).",
                "Use assign_coords.",
            )
        for name, kind in zip(self.sites, self.data["kind"].values, strict=True):
            check_kind(str(kind), of=name)
        _check_quantiles(self.data, self.inside)

    @classmethod
    def from_rows(
        cls,
        quantiles: Mapping[str, Array | Iterable[Array]],
        *,
        windows: Windows,
        levels: Sequence[float],
        capacity: dict[str, float | None],
        kind: Mapping[str, Kind],
        fallback_level: dict[str, Array],
        weather_init_time: dict[str, Array],
        attrs: dict[str, Any],
        allocate: Callable[[tuple[int, ...]], Array] | None = None,
    ) -> Forecast:
        """Build the cube from rows of quantiles, a row for each cell inside the windows.

        Parameters
        ----------
        quantiles : dict of array, shape (rows, levels)
            By site; rows in order of issue, then of lead; or blocks of them, one after the other. [MW]
        windows : Windows
        levels : sequence of float
        capacity, kind, fallback_level, weather_init_time : dict
            By site: a number or None; one of :data:`energyforecast.core.kinds.KINDS`; arrays of shape (issues,).
        attrs : dict
            Provenance.
        allocate : callable, optional
            Makes the array of a shape, for one that does not lie in memory.
        """
        leads = np.unique(windows.lead_time[windows.inside])
        origin, step = np.nonzero(windows.inside)
        column = np.searchsorted(leads, windows.lead_time[origin, step])
        sites = list(quantiles)
        shape = (len(sites), len(windows.issue_time), len(leads), len(levels))
        cube = np.empty(shape, dtype=np.float32) if allocate is None else allocate(shape)
        filled = np.zeros(shape[1:3], dtype=bool)
        filled[origin, column] = True
        cube[:, ~filled] = np.nan
        for k, name in enumerate(sites):
            given, begin = quantiles[name], 0
            for block in [given] if isinstance(given, np.ndarray) else given:
                rows = slice(begin, begin + len(block))
                cube[k, origin[rows], column[rows]] = block
                begin += len(block)
        valid = np.full((len(windows.issue_time), len(leads)), np.datetime64("NaT", "ns"))
        valid[origin, column] = windows.valid_time[origin, step]
        limits = [np.nan if capacity[name] is None else capacity[name] for name in sites]
        data = xr.DataArray(
            cube,
            dims=_DIMS,
            coords={
                "site": sites,
                "issue_time": windows.issue_time,
                "lead_time": leads,
                "quantile": np.asarray(levels, dtype=float),
                "valid_time": (("issue_time", "lead_time"), valid),
                "capacity": ("site", np.asarray(limits, dtype=float)),
                "kind": ("site", [kind[name] for name in sites]),
                "fallback_level": (
                    ("site", "issue_time"),
                    np.stack([fallback_level[name] for name in sites]),
                ),
                "weather_init_time": (
                    ("site", "issue_time"),
                    np.stack([weather_init_time[name] for name in sites]),
                ),
            },
            name="power",
            attrs={"units": "MW", "frequency": str(windows.frequency), **attrs},
        )
        return cls(data)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        levels: Mapping[str, float] | str | None = None,
        task: Task | None = None,
        unit: Literal["W", "kW", "MW", "GW"] | None = None,
        capacity: Mapping[str, float | None] | None = None,
        kind: Kind | Mapping[str, Kind] | None = None,
        name: str = "forecast",
        format: TableFormat | None = None,
    ) -> Forecast:
        """A forecast of others: a vendor's or an operator's, point or quantile, with its issue times.

        Parameters
        ----------
        frame : DataFrame
            Columns ``valid_time`` (beginnings of intervals), the forecasts, ``issue_time`` unless a task tells
            it, and ``site`` unless there is one. Rows whose forecast is missing are left out and counted.
        levels : mapping of float, str or None
            Level by column; one column that is a point forecast, which is then the level 0.5 alone; by default
            the columns named like ``q0.1``, as :meth:`to_frame` names them.
        task : Task, optional
            Where the frame has no ``issue_time``: each hour belongs to the one issue that covers it.
        unit : {"W", "kW", "MW", "GW"}
            MW by default, or that of the format.
        capacity : mapping of float, optional
            By site; bounds that the forecast keeps. [MW]
        kind : str or mapping of str, optional
            Of all sites, or by site: one of :data:`energyforecast.core.kinds.KINDS`. By default that of the column
            ``kind``, as :meth:`to_frame` writes it, else ``"site"``: it is not known.
        name : str
            Whose it is.
        format : TableFormat, optional
            `timezone`: clock of stamps without offset, by default that of the task, or UTC; the order of the stamps
            resolves the hours of a clock change. `frequency`: length of an interval, by default that of the task, or
            the most frequent step. `unit`.

        Raises
        ------
        SchemaError, TimeError
            If a column is absent, a kind is unknown, a time is doubled, or an hour belongs to no issue or to several.

        Examples
        --------
        >>> from energyforecast.core.tasks import day_ahead
        >>> hours = pd.date_range("2024-01-01 23:00", periods=24, freq="1h", tz="UTC")
        >>> frame = pd.DataFrame({"valid_time": hours, "load": 6000.0})
        >>> task = day_ahead("10:00", timezone="Europe/Vienna")
        >>> Forecast.from_frame(frame, levels="load", task=task).issue_times[0]
        Timestamp('2024-01-01 09:00:00+0000', tz='UTC')
        """
        from energyforecast.forecasting import external

        return external.read_frame(
            frame,
            levels=levels,
            task=task,
            unit=unit,
            capacity=capacity,
            kind=kind,
            name=name,
            format=format,
        )

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(str(name) for name in self.data["site"].values)

    @property
    def kinds(self) -> dict[str, Kind]:
        """By site, whether its power is made or used: one of :data:`energyforecast.core.kinds.KINDS`.

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
            Of all sites, or of some by name: one of :data:`energyforecast.core.kinds.KINDS`.

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
        """When the forecasts were issued, in UTC."""
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
            If there is no such site or issue.

        Examples
        --------
        >>> from energyforecast.testing import example_forecast
        >>> example_forecast().sel(site="farm", issue_time="2024-01-01 09:00")
        Forecast of farm: 1 issue, 24 hours from 2024-01-02 00:00 UTC, 3 quantiles from 0.1 to 0.9 [MW]
        """
        data = self.data
        if site is not None:
            _among(site, self.sites, "site")
            data = data.sel(site=[site])
        if issue_time is not None:
            wanted = timestamps.instant(issue_time)
            _among(wanted, list(self.issue_times), "issue time")
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
        origin, step = np.nonzero(self.inside)
        data, frames = self.data, []
        for k, name in enumerate(self.sites):
            head = {
                "site": name,
                "kind": self.kinds[name],
                "issue_time": timestamps.to_index(data["issue_time"].values[origin]),
                "valid_time": timestamps.to_index(data["valid_time"].values[origin, step]),
                "lead_hours": data["lead_time"].values[step] / np.timedelta64(1, "h"),
                "fallback_level": data["fallback_level"].values[k, origin],
                "weather_init_time": timestamps.to_index(data["weather_init_time"].values[k, origin]),
            }
            body = data.values[k, origin, step].astype(float)
            columns = {f"q{level:g}": body[:, j] for j, level in enumerate(self.quantiles)}
            frames.append(pd.DataFrame(head | columns))
        return pd.concat(frames, ignore_index=True)

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
        target = Path(path)
        frame = self.to_frame()
        if self.caveats:
            frame["caveat"] = "; ".join(self.caveats)
        with whole_file(target) as scratch:
            frame.to_csv(
                scratch, index=False, float_format="%.4f", lineterminator="\n", date_format="%Y-%m-%dT%H:%MZ"
            )
        return target

    def save(self, path: str | Path) -> Path:
        """Write as NetCDF; :meth:`load` reads it back. An older file is replaced as by :meth:`write_csv`.

        Returns
        -------
        Path
            The file.
        """
        target = Path(path)
        data = self.data.to_dataset(name="power")
        encoding: dict[str, dict[str, Any]] = {name: dict(_SECONDS) for name in ("issue_time", "valid_time")}
        encoding["weather_init_time"] = dict(_SECONDS)
        encoding["issue_time"].pop("_FillValue")
        encoding["lead_time"] = {"units": "seconds", "dtype": "float64"}
        data["fallback_level"] = data["fallback_level"].astype("int32")
        with whole_file(target) as scratch:
            data.to_netcdf(scratch, engine="scipy", encoding=encoding)
        return target

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
        try:
            with xr.open_dataset(path, engine="scipy", decode_timedelta=True) as dataset:
                data = dataset.load()["power"]
            for name in ("issue_time", "valid_time", "weather_init_time"):
                data[name] = (data[name].dims, data[name].values.astype("datetime64[ns]"))
            data["lead_time"] = data["lead_time"].values.astype("timedelta64[ns]")
        except (OSError, EOFError, LookupError, ValueError, TypeError) as error:
            raise FileFormatError(
                f"{path} cannot be read as a forecast: {error}",
                "It was written by Forecast.save.",
                "Check the path.",
            ) from error
        return cls(data)

    def plot(
        self, observed: Observations | None = None, *, site: str | None = None, timezone: str = "UTC"
    ) -> Figure:
        """Fan chart of one issue; see :func:`energyforecast.reporting.figures.fan_chart`."""
        from energyforecast.reporting import figures

        return figures.fan_chart(self, observed, site=site, timezone=timezone)

    def __repr__(self) -> str:
        issues = self.data.sizes["issue_time"]
        first = timestamps.to_index([self.data["valid_time"].values[self.inside].min()])[0]
        caveat = ", perfect weather" if self.perfect_weather else ""
        caveat += ", cold start" if any(line.startswith("cold start") for line in self.caveats) else ""
        return (
            f"Forecast of {', '.join(self.sites)}: {issues} issue{'s' if issues > 1 else ''}, "
            f"{int(self.inside.sum())} hours from {first:%Y-%m-%d %H:%M} UTC, {len(self.quantiles)} quantiles "
            f"from {self.quantiles[0]:g} to {self.quantiles[-1]:g} [MW]{caveat}"
        )


def _among(wanted: Any, there: Sequence[Any], what: str) -> None:
    if wanted not in there:
        raise MissingDataError(
            f"The forecast has no {what} {wanted}.",
            f"It has {len(there)}, from {there[0]} to {there[-1]}.",
            "Choose one of them.",
        )


def _check_quantiles(data: xr.DataArray, inside: npt.NDArray[np.bool_]) -> None:
    for k, name in enumerate(data["site"].values):
        capacity = float(data["capacity"].values[k])
        # In blocks of issues, so that a cube on disk is never in memory whole.
        blocks = [slice(at, at + _BLOCK) for at in range(0, len(inside), _BLOCK)]
        faults = [_faults(data.values[k, block][inside[block]], capacity) for block in blocks]
        missing, crossing, outside = (np.concatenate(found) for found in zip(*faults, strict=True))
        wanted = f"Quantiles lie between 0 and the capacity of {capacity:g} MW"
        for bad, found, expected in (
            (missing, "holds a missing quantile", "Quantiles are finite"),
            (crossing, "has crossing quantiles", "Quantiles rise with their level"),
            (outside, "leaves the site's bounds", wanted),
        ):
            _refuse(bad, data, inside, str(name), found, expected)


def _faults(rows: Array, capacity: float) -> tuple[Array, Array, Array]:
    """Rows with a missing quantile, with crossing ones, and with one out of bounds."""
    slack = 1e-4 * capacity  # NaN, and then nothing is out of bounds, where there is no capacity
    return (
        np.asarray(~np.isfinite(rows).all(axis=1)),
        np.asarray((np.diff(rows, axis=1) < 0).any(axis=1)),
        (rows[:, 0] < -slack) | (rows[:, -1] > capacity + slack),
    )


def _refuse(
    bad: Array, data: xr.DataArray, inside: npt.NDArray[np.bool_], site: str, found: str, expected: str
) -> None:
    where = np.flatnonzero(bad)
    if where.size:
        hour = timestamps.to_index(data["valid_time"].values[inside][where[:1]])[0]
        raise RangeError(
            f"The forecast of site {site!r} {found} at {hour} ({where.size} hours in all).",
            f"{expected}.",
            "Sort and clip the quantiles where the model makes them.",
        )
