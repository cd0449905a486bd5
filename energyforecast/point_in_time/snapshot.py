"""Snapshot: the weather and history that were known at each issue time, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps, variables
from energyforecast.core.forecast_windows import Windows
from energyforecast.core.sites import Site
from energyforecast.core.variables import match
from energyforecast.core.wording import short, spaced
from energyforecast.errors import SchemaError
from energyforecast.physics import SolarPosition, solar_position
from energyforecast.point_in_time.history import Past
from energyforecast.point_in_time.margins import whole_steps
from energyforecast.point_in_time.planned import PlanAtIssue
from energyforecast.point_in_time.weather_access import as_double
from energyforecast.weather.processing.temporal import integral_of

__all__ = ["Snapshot"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Snapshot:
    """Data known at each of many issue times, seen from one site.

    Made by :func:`energyforecast.point_in_time.gathering.take_snapshot`.

    Features index it like a mapping: ``now["wind_speed_100m"]`` has shape (origins, steps).

    Parameters
    ----------
    site : Site
        The site for which features are computed.
    sites : tuple of Site
        All sites; their weather is reached with :meth:`at`.
    windows : Windows
        Issue times and the hours covered.
    margin : int
        Steps gathered before and after each window.
    weather : dict
        Values by variable and site, shape (origins, margin + steps + margin[, members]).
    cell_methods : dict
        ``"time: point"`` or ``"time: mean"`` by variable.
    init_time : dict
        Run used by weather model and site, shape (origins,).
    skipped : dict
        Whether a newer, incomplete run gave way, by weather model and site.
    history : dict
        Values and ages of lagged observations by request and site.
    older : dict
        How much older than the run of `init_time` that of each step is, shape (origins, steps), by weather model and
        site; only where runs were completed from earlier ones.
    converted : dict
        Native steps and those of the task, by weather model that was brought to them.
    hindcasts : dict
        Forecast means over the intervals of lagged observations, shape (origins,), by request, variable and site.
    plans : dict
        Planned operation as it was known at each issue, by site; of sites with a plan alone.

    Examples
    --------
    >>> from energyforecast.testing import example_snapshot
    >>> now = example_snapshot({"wind_speed_100m": 8.0}, rising=0.5)  # the first three hours of tomorrow
    >>> now["wind_speed_100m"]
    array([[8. , 8.5, 9. ]])
    >>> now.lead_time, now.weather_age()
    (array([[15., 16., 17.]]), array([9.]))
    """

    site: Site
    sites: tuple[Site, ...]
    windows: Windows
    margin: int
    weather: Mapping[tuple[str, str], Array]
    cell_methods: Mapping[str, str]
    init_time: Mapping[tuple[str, str], timestamps.Times]
    skipped: Mapping[tuple[str, str], npt.NDArray[np.bool_]]
    history: Mapping[tuple[Past, str], tuple[Array, Array]]
    older: Mapping[tuple[str, str], Array] = field(default_factory=dict)
    converted: Mapping[str, str] = field(default_factory=dict)
    hindcasts: Mapping[tuple[Past, str, str], Array] = field(default_factory=dict)
    plans: Mapping[str, PlanAtIssue] = field(default_factory=dict)

    def at(self, site: str) -> Snapshot:
        """The same moment, seen from another site.

        Parameters
        ----------
        site : str

        Returns
        -------
        Snapshot

        Raises
        ------
        SchemaError
            If there is no such site.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> example_snapshot().at("farm").site.capacity
        60
        """
        for other in self.sites:
            if other.name == site:
                return replace(self, site=other)
        raise SchemaError(
            f"The snapshot has no site {site!r}.",
            f"Its sites are {[other.name for other in self.sites]}.",
            "Add the site to the forecaster.",
        )

    def by_member(self) -> Snapshot:
        """Each member of an ensemble as an origin of its own, so that features see the members apart.

        Returns
        -------
        Snapshot
            Of members times origins, the members of the first origin first.

        Raises
        ------
        SchemaError
            If weather models have ensembles of different sizes.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot({"temp_air": [14.0, 16.0]}, hours=2)  # an ensemble of two
        >>> now.by_member()["temp_air"].tolist()
        [[14.0, 14.0], [16.0, 16.0]]
        """
        sizes = {array.shape[2] for array in self.weather.values() if array.ndim == 3}
        if len(sizes) > 1:
            raise SchemaError(
                f"The weather has ensembles of {sorted(sizes)} members.",
                "All variables must have the same number of members.",
                "Choose one weather model, or reduce the others to their mean.",
            )
        count = next(iter(sizes), 1)
        again = partial(np.repeat, repeats=count, axis=0)

        def apart(array: Array) -> Array:
            return np.moveaxis(array, 2, 1).reshape(-1, array.shape[1]) if array.ndim == 3 else again(array)

        windows = {
            name: again(getattr(self.windows, name)) for name in ("issue_time", "valid_time", "inside")
        }
        repeated: dict[str, Any] = {
            name: {key: again(array) for key, array in getattr(self, name).items()}
            for name in ("init_time", "skipped", "older", "hindcasts")
        }
        return replace(
            self,
            windows=replace(self.windows, **windows),
            weather={key: apart(array) for key, array in self.weather.items()},
            history={key: (again(values), again(ages)) for key, (values, ages) in self.history.items()},
            plans={name: plan.repeated(count) for name, plan in self.plans.items()},
            **repeated,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Variables that were gathered."""
        return tuple(dict.fromkeys(name for name, _ in self.weather if name in self.cell_methods))

    def matching(self, *patterns: str) -> tuple[str, ...]:
        """Gathered variables that fit a pattern such as ``"wind_speed_*m"``.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot({"wind_speed_10m": 5.0, "temp_air": 15.0, "wind_speed_100m": 8.0})
        >>> now.matching("wind_speed_*m")
        ('wind_speed_10m', 'wind_speed_100m')
        """
        return match(self.names, patterns)

    def members(self, name: str, *, hours: float = 0.0) -> Array:
        """Every ensemble member, shape (origins, steps, members).

        Parameters
        ----------
        name : str
            Variable.
        hours : float
            As in :meth:`shift`.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot({"temp_air": [14.0, 16.0]}, hours=2)  # an ensemble of two
        >>> now.members("temp_air").tolist(), now["temp_air"].tolist()
        ([[[14.0, 16.0], [14.0, 16.0]]], [[15.0, 15.0]])
        """
        values = self._shifted(name, hours)
        return values if values.ndim == 3 else values[:, :, None]

    def __getitem__(self, name: str) -> Array:
        return self.shift(name, hours=0.0)

    def shift(self, name: str, *, hours: float) -> Array:
        """Values some hours after (or, negative, before) each step, inside the same run.

        Parameters
        ----------
        name : str
            Variable; of an ensemble the mean of its members.
        hours : float
            Within the margin that the feature declared; between whole steps linear, which keeps the energy of means.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot({"temp_air": 15.0}, rising=1.0)
        >>> now.shift("temp_air", hours=-3).tolist()
        [[12.0, 13.0, 14.0]]
        """
        values = self._shifted(name, hours)
        return np.asarray(values.mean(axis=2)) if values.ndim == 3 else values

    def path(self, name: str, *, hours: float) -> Array:
        """Values from some hours before each window to its end, inside the same run; NaN before the run.

        Parameters
        ----------
        name : str
            Variable; of an ensemble the mean of its members.
        hours : float
            A whole number of steps, within the margin that the feature declared.
        """
        self._shifted(name, -hours)
        before = round(hours * pd.Timedelta("1h") / self.windows.frequency)
        values = self.weather[(name, self.site.name)]
        values = as_double(values[:, self.margin - before : self.margin + self.windows.valid_time.shape[1]])
        return np.asarray(values.mean(axis=2)) if values.ndim == 3 else values

    def interval_mean(self, name: str, *, hours: float = 0.0) -> Array:
        """Mean over each interval, or over that some hours after it: of all instants from its beginning to its end.

        A mean is taken as it is.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot({"temp_air": 15.0, "ghi": 200.0}, rising=1.0)
        >>> now.interval_mean("temp_air").tolist(), now.interval_mean("ghi").tolist()
        ([[15.5, 16.5, 17.5]], [[200.0, 201.0, 202.0]])
        """
        if self.cell_methods[self._known(name)] == variables.MEAN:
            return self.shift(name, hours=hours)
        if (integral_of(name), self.site.name) in self.weather:
            return self.shift(integral_of(name), hours=hours)
        step = self.windows.frequency / pd.Timedelta("1h")
        return np.asarray(0.5 * (self.shift(name, hours=hours) + self.shift(name, hours=hours + step)))

    def _known(self, name: str) -> str:
        """Name of a variable, refused if it was not gathered."""
        if (name, self.site.name) not in self.weather:
            raise SchemaError(
                f"A feature of site {self.site.name!r} asks for the variable {name!r}.",
                f"Gathered were {list(self.names)}, which features declare.",
                f"Add weather=[{name!r}] to the feature's declaration.",
            )
        return name

    def _shifted(self, name: str, hours: float) -> Array:
        values = self.weather[(self._known(name), self.site.name)]
        count = self.windows.valid_time.shape[1]
        parts = [(as_double(values[:, k : k + count]), share) for k, share in self._firsts(hours, name)]
        return parts[0][0] if len(parts) == 1 else np.asarray(sum(share * part for part, share in parts))

    def _firsts(self, hours: float, name: str) -> list[tuple[int, float]]:
        """Positions at which a window moved by some hours begins in the gathered arrays, and the share of each."""
        shares = whole_steps(hours, self.windows.frequency)
        if max(abs(steps) for steps, _ in shares) > self.margin:
            raise SchemaError(
                f"A feature looks {spaced(hours)} from its step at {name!r}.",
                f"Gathered were {self.margin} steps of {short(self.windows.frequency)} before and after each window.",
                f"Add margin='{spaced(abs(hours)).replace(' ', '')}' to the feature's declaration.",
            )
        return [(self.margin + steps, share) for steps, share in shares]

    def sun(self, *, hours: float = 0.0, parts: int = 1) -> SolarPosition:
        """Position of the sun in the middle of each interval, or some hours after it.

        Parameters
        ----------
        hours : float
        parts : int
            Number of equal parts of each interval; the third axis, if there are several.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot(start="2024-03-20 00:00", hours=1)
        >>> now.sun(parts=2).zenith.round().tolist()  # before sunrise, at 00:15 and 00:45
        [[[97.0, 92.0]]]
        """
        if (hours, parts) not in self._suns:
            offsets = (np.arange(parts) + 0.5) * (self.windows.frequency.value / parts) + hours * 3.6e12
            moments = self.valid_time[..., None] + offsets.round().astype("timedelta64[ns]")
            moments = moments if parts > 1 else moments[..., 0]
            once, where = np.unique(moments, return_inverse=True)  # windows overlap
            position = solar_position(once, self.site.latitude, self.site.longitude)
            self._suns[hours, parts] = SolarPosition(*(one[where.reshape(moments.shape)] for one in position))
            for values in self._suns[hours, parts]:
                values.flags.writeable = False
        return self._suns[hours, parts]

    @cached_property
    def _suns(self) -> dict[tuple[float, int], SolarPosition]:
        """Computed once for all features of a site, by hours and parts."""
        return {}

    def lag(self, lag: str | timedelta, *, step: str | None = None) -> Array:
        """Observation at ``valid_time - lag``, or the newest older one that was published. [MW]

        Parameters
        ----------
        lag : str or timedelta
            E.g. ``"24h"``, one of those that the feature declared.
        step : str, optional
            By which to go back while a value is not published, as declared.

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> now = example_snapshot()
        >>> now.lag("24h").tolist()
        [[11.0, 11.5, 12.0]]
        """
        return self._past(lag, step)[0]

    def lag_age(self, lag: str | timedelta, *, step: str | None = None) -> Array:
        """Age at issue of the observation that :meth:`lag` gives. [h]

        Examples
        --------
        >>> from energyforecast.testing import example_snapshot
        >>> example_snapshot().lag_age("24h").tolist()  # issued at 09 UTC, requested from 00 UTC of that day
        [[9.0, 8.0, 7.0]]
        """
        return self._past(lag, step)[1]

    def _past(self, lag: str | timedelta, step: str | None) -> tuple[Array, Array]:
        """Values and ages of a declared lag."""
        request = Past(timestamps.duration(lag), None if step is None else timestamps.duration(step))
        if (request, self.site.name) not in self.history:
            raise SchemaError(
                f"A feature of site {self.site.name!r} asks for the lag {str(lag)!r} (step {step!r}).",
                "Gathered were the lags that features declare.",
                f"Add history=[{str(lag)!r}] to the feature's declaration, or ({str(lag)!r}, step) with a step.",
            )
        return self.history[(request, self.site.name)]

    @property
    def valid_time(self) -> timestamps.Times:
        """Beginnings of the intervals, shape (origins, steps)."""
        return self.windows.valid_time

    @property
    def lead_time(self) -> Array:
        """``valid_time - issue_time``, shape (origins, steps). [h]"""
        return np.asarray(self.windows.lead_time / np.timedelta64(1, "h"))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the weather models; the empty name if there is one without a name."""
        return tuple(dict.fromkeys(model for model, _ in self.init_time))

    def weather_age(self, model: str = "") -> Array:
        """Issue time minus the run's initialisation; NaN for analyses. [h]

        Shape (origins,), or (origins, steps) where hours come from the runs before.
        """
        key = (model, self.site.name)
        age = self.windows.issue_time - self.init_time[key]
        return np.asarray(
            (age[:, None] + self.older[key] if key in self.older else age) / np.timedelta64(1, "h")
        )

    def weather_lead_time(self, model: str = "") -> Array:
        """Valid time minus the run's initialisation, shape (origins, steps); NaN for analyses. [h]"""
        key = (model, self.site.name)
        lead = self.windows.valid_time - self.init_time[key][:, None]
        return np.asarray((lead + self.older[key] if key in self.older else lead) / np.timedelta64(1, "h"))
